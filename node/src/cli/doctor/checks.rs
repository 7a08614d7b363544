//! One function a thing that a node needs.

use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    path::Path,
    time::Duration,
};

use fairway::{
    config::{Config, FILE, check_private},
    driver::clock,
    store::{Store, StoredChannel},
};
use fairway_api::{ChainApiClient, chain::Action};
use fairway_ledger::server::LIFETIME;
use fairway_sdk::Ledger;
use fairway_store::OpenError;
use fairway_types::{Address, ChannelId, Keypair};
use libp2p::{Multiaddr, multiaddr::Protocol};
use tokio::{net::TcpStream, time::timeout};

use super::{Finding, Flags, Grade, Shared};
use crate::cli::{config::load, keys::existing_key};

/// Bytes free below which a node will stop soon, and below which somebody should know.
const DISK_LEAST: u64 = 256 << 20;
const DISK_GOOD: u64 = 2 << 30;
/// Milliseconds by which the clocks of node and ledger may differ. The contract counts a member as valid
/// for 15 s after a heartbeat.
const SKEW_GOOD: u64 = 1_000;
const SKEW_MOST: u64 = 5_000;
/// How long a peer may take to answer.
const CONNECT: Duration = Duration::from_secs(2);
/// Members' nodes that are tried.
const PEERS: usize = 16;

/// What the data folder says.
struct Data {
    /// The node runs: the folder is locked.
    in_use: bool,
    channels: Vec<StoredChannel>,
}

/// Everything, in order; what hangs on what failed before is left out.
pub(super) async fn all(folder: &Path, flags: &Flags, shared: &Shared) -> Vec<Finding> {
    let mut found = Vec::new();
    let path = folder.join(FILE);
    let missing = format!("make it with `fairway node init {}`", folder.display());
    let config = match load(Some(&path), &missing, shared, flags, |_| ()) {
        Ok(config) => config,
        Err(error) => {
            let cure = "correct what is named; `fairway config keys` lists all keys";
            return vec![Finding::of(Grade::Fail, "config", format!("{error:#}"), cure)];
        }
    };
    found.push(Finding::ok("config", path.display().to_string()));
    let key = key(folder, &config, &mut found);
    let data = data(&folder.join("data"), &mut found);
    disk(folder, &mut found);
    ports(&config, &data, &mut found);
    if let Some(key) = key {
        chain(&config, &key, &data, &mut found).await;
    }
    found
}

fn key(folder: &Path, config: &Config, found: &mut Vec<Finding>) -> Option<Keypair> {
    let path = folder.join("node.key");
    let key = match existing_key(&path) {
        Ok(key) => key,
        Err(error) => {
            let cure =
                "restore it from a backup: the chain knows the node by this key, and by no other";
            found.push(Finding::of(Grade::Fail, "key", format!("{error:#}"), cure));
            return None;
        }
    };
    let secrets = [Some(path), (!config.access.tokens.is_empty()).then(|| folder.join(FILE))];
    let open = secrets.into_iter().flatten().find_map(|path| check_private(&path).err());
    found.push(match open {
        Some(problem) => {
            let (what, cure) = problem.rsplit_once(": ").unwrap_or((problem.as_str(), "chmod 600"));
            Finding::of(Grade::Fail, "key", what, cure)
        }
        None => Finding::ok("key", format!("node {}", key.node_id())),
    });
    Some(key)
}

fn data(path: &Path, found: &mut Vec<Finding>) -> Data {
    let none = Data { in_use: false, channels: Vec::new() };
    if !path.exists() {
        found.push(Finding::ok("data", "no data yet: the first start makes it"));
        return none;
    }
    match Store::open(path) {
        Ok(store) => {
            let channels = store.channels();
            store.close();
            match channels {
                Ok(channels) => {
                    let count = channels.len();
                    let version = fairway::store::FORMAT.version;
                    let what = format!("version {version}, {count} channels, not in use");
                    found.push(Finding::ok("data", what));
                    Data { in_use: false, channels }
                }
                Err(error) => {
                    let cure = "restore a backup: `fairway backup restore`";
                    found.push(Finding::of(Grade::Fail, "data", error.to_string(), cure));
                    none
                }
            }
        }
        Err(OpenError::InUse { .. }) => {
            found.push(Finding::ok("data", "in use: the node runs"));
            Data { in_use: true, channels: Vec::new() }
        }
        Err(error @ OpenError::OtherFormat { .. }) => {
            let cure = "run the version that wrote it";
            found.push(Finding::of(Grade::Fail, "data", error.to_string(), cure));
            none
        }
        Err(error @ (OpenError::Failed { .. } | OpenError::NotUpgraded { .. })) => {
            let cure = "check the disk and the folder's owner; else restore a backup";
            found.push(Finding::of(Grade::Fail, "data", error.to_string(), cure));
            none
        }
    }
}

fn disk(folder: &Path, found: &mut Vec<Finding>) {
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        found.push(Finding::unknown("disk", "the file system does not say what is free"));
        return;
    };
    found.push(room(disk.f_bavail.saturating_mul(disk.f_frsize)));
}

/// What so many free bytes are good for.
fn room(free: u64) -> Finding {
    let what = format!("{} MiB free", free >> 20);
    let cure = "make room: a node that can't store signs nothing";
    match free {
        free if free < DISK_LEAST => Finding::of(Grade::Fail, "disk", what, cure),
        free if free < DISK_GOOD => Finding::of(Grade::Warn, "disk", what, cure),
        _ => Finding::ok("disk", what),
    }
}

fn ports(config: &Config, data: &Data, found: &mut Vec<Finding>) {
    if data.in_use {
        found.push(Finding::unknown("ports", "not tried: the node runs and has them"));
        return;
    }
    let tcp = |address: SocketAddr| TcpListener::bind(address).map(drop);
    let udp = |address: SocketAddr| UdpSocket::bind(address).map(drop);
    let mut tried = vec![("api", config.api, tcp(config.api))];
    tried.extend(config.http.listen.map(|address| ("http.listen", address, tcp(address))));
    for (address, is_udp) in config.listen.iter().filter_map(socket) {
        tried.push(("listen", address, if is_udp { udp(address) } else { tcp(address) }));
    }
    let taken: Vec<String> = tried
        .iter()
        .filter_map(|(key, address, bound)| {
            let error = bound.as_ref().err()?;
            Some(format!("`{key}`: {address}: {error}"))
        })
        .collect();
    found.push(match taken.is_empty() {
        true => Finding::ok("ports", format!("{} are free", tried.len())),
        false => {
            let cure = "stop who uses it (`ss -ltnup`), or name another address";
            Finding::of(Grade::Fail, "ports", taken.join("; "), cure)
        }
    });
}

async fn chain(config: &Config, key: &Keypair, data: &Data, found: &mut Vec<Finding>) {
    let url = &config.ledger;
    let ledger = match Ledger::connect(url.clone()).await {
        Ok(ledger) => ledger,
        Err(error) => {
            let cure = "start the ledger, or correct `ledger`; until then nothing settles";
            found.push(Finding::of(Grade::Fail, "ledger", error.to_string(), cure));
            return;
        }
    };
    let info = match ledger.info().await {
        Ok(info) => info,
        Err(error) => {
            let cure = "name a ledger in `ledger`: what answers there is none";
            found.push(Finding::of(Grade::Fail, "ledger", error.to_string(), cure));
            return;
        }
    };
    let other = data.channels.iter().find(|stored| stored.chain != info.chain);
    found.push(match other {
        Some(stored) => {
            let (channel, chain) = (stored.channel, stored.chain);
            let what =
                format!("{url} is chain {}, channel {channel} is on chain {chain}", info.chain);
            Finding::of(Grade::Fail, "ledger", what, "name the ledger of that chain in `ledger`")
        }
        None => {
            Finding::ok("ledger", format!("{url}: chain {}, height {}", info.chain, info.height))
        }
    });
    found.push(clocks(&ledger, key.address()).await);
    let channels: Vec<ChannelId> = data.channels.iter().map(|stored| stored.channel).collect();
    found.push(peers(&ledger, key, &channels).await);
}

/// The ledger's clock shows in what it prepares.
async fn clocks(ledger: &Ledger, account: Address) -> Finding {
    let before = clock();
    let nothing = Action::Transfer { asset: None, to: account, amount: 0 };
    let prepared = ledger.connection().request(|client| {
        let nothing = nothing.clone();
        async move { client.prepare(account, nothing).await }
    });
    let prepared = prepared.await;
    let after = clock();
    let Ok(expires_at) = prepared.map(|prepared| prepared.transaction.expires_at) else {
        return Finding::unknown("clock", "the ledger does not say what time it is");
    };
    let theirs = expires_at.0.saturating_sub(LIFETIME);
    apart(match theirs {
        theirs if theirs > after.0 => theirs - after.0,
        theirs => before.0.saturating_sub(theirs),
    })
}

/// What clocks so many milliseconds apart do.
fn apart(skew: u64) -> Finding {
    let what = format!("{skew} ms from the ledger's");
    let cure = "set this machine's clock by NTP (`timedatectl`), or the ledger's";
    match skew {
        skew if skew > SKEW_MOST => Finding::of(Grade::Fail, "clock", what, cure),
        skew if skew > SKEW_GOOD => Finding::of(Grade::Warn, "clock", what, cure),
        _ => Finding::ok("clock", what),
    }
}

/// Whether members' nodes take connections; over TCP alone, since QUIC does not tell strangers.
async fn peers(ledger: &Ledger, key: &Keypair, channels: &[ChannelId]) -> Finding {
    let mut endpoints = Vec::new();
    for channel in channels {
        let Ok(seen) = ledger.channel(*channel).await else { continue };
        let others = seen.record.members.into_iter().map(|member| member.record);
        let others = others.filter(|record| record.node != key.node_id());
        endpoints.extend(others.map(|record| (record.node, record.endpoints)));
    }
    endpoints.sort();
    endpoints.dedup();
    endpoints.truncate(PEERS);
    if endpoints.is_empty() {
        return Finding::unknown("peers", "no channel here names another node");
    }
    let mut lost = Vec::new();
    for (node, addresses) in &endpoints {
        let sockets = addresses.iter().filter_map(|text| text.parse::<Multiaddr>().ok());
        let sockets: Vec<SocketAddr> = sockets
            .filter_map(|address| socket(&address))
            .filter_map(|(address, is_udp)| (!is_udp).then_some(address))
            .collect();
        let mut reached = sockets.is_empty();
        for address in sockets {
            let connected = timeout(CONNECT, TcpStream::connect(address)).await;
            reached |= matches!(connected, Ok(Ok(_)));
        }
        if !reached {
            lost.push(format!("{} at {}", node.short(), addresses.join(" ")));
        }
    }
    let count = endpoints.len();
    if lost.is_empty() {
        return Finding::ok("peers", format!("{count} reached"));
    }
    let grade = if lost.len() == count { Grade::Fail } else { Grade::Warn };
    let what = format!("{} of {count} not reached: {}", lost.len(), lost.join(", "));
    let cure = "ask whether they run, and whether a firewall stands between";
    Finding::of(grade, "peers", what, cure)
}

/// The socket in a libp2p address that names one by IP, and whether it is of UDP.
#[allow(clippy::wildcard_enum_match_arm, reason = "libp2p has many kinds of parts")]
fn socket(address: &Multiaddr) -> Option<(SocketAddr, bool)> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((SocketAddr::new(ip, port), false)),
        Protocol::Udp(port) => Some((SocketAddr::new(ip, port), true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_found_in_addresses_by_ip() {
        let of = |text: &str| text.parse().ok().and_then(|address| socket(&address));
        assert_eq!(of("/ip4/127.0.0.1/tcp/3"), Some((([127, 0, 0, 1], 3).into(), false)));
        assert_eq!(of("/ip4/127.0.0.1/udp/3/quic-v1"), Some((([127, 0, 0, 1], 3).into(), true)));
        assert_eq!(of("/dns4/node.example/tcp/3"), None);
    }

    #[test]
    fn little_room_and_clocks_apart_are_said_before_they_stop_a_node() {
        let grades = |of: fn(u64) -> Finding, good: u64, most: u64| {
            [good, most].map(|limit| [of(limit - 1).grade, of(limit + 1).grade])
        };
        let disk = grades(room, DISK_GOOD, DISK_LEAST);
        assert_eq!(disk, [[Grade::Warn, Grade::Ok], [Grade::Fail, Grade::Warn]]);
        let clock = grades(apart, SKEW_GOOD, SKEW_MOST);
        assert_eq!(clock, [[Grade::Ok, Grade::Warn], [Grade::Warn, Grade::Fail]]);
        assert!(room(0).cure.is_some() && apart(u64::MAX).cure.is_some());
    }

    #[test]
    fn missing_folder_is_named_with_its_cure() {
        let folder = std::env::temp_dir().join("fairway-no-such-folder");
        let mut found = Vec::new();
        assert!(key(&folder, &Config::default(), &mut found).is_none());
        assert_eq!(found.first().map(|finding| finding.grade), Some(Grade::Fail));
    }
}
