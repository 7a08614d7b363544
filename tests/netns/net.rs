//! Network namespaces of the test's own: one for the ledger and each node, joined by a bridge that
//! lies in another. This machine's own network gains one interface, through which clients and the
//! proxy reach them, until the test ends.
//!
//! Names carry the process's id, so that what a killed test left behind is found and removed.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use fairway::local::Place;

const PREFIX: &str = "fairway";
/// Where apps connect, the ledger's port, and where nodes connect.
const API: u16 = 9101;
const LEDGER: u16 = 9100;
pub(crate) const PEERS: u16 = 9102;

static NETS: AtomicU32 = AtomicU32::new(0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Quic,
}

/// Who has a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Ledger,
    Node(usize),
}

/// Removed with all that runs in it when it is dropped.
pub(crate) struct Net {
    name: String,
    /// This machine's end of it.
    interface: String,
    /// The first three numbers of its addresses.
    subnet: String,
    members: Vec<Who>,
}

impl Net {
    /// A network for a ledger and nodes; `None`, with a word about why, where it can't be made.
    pub(crate) fn create(nodes: usize) -> Option<Self> {
        if let Err(reason) = permitted() {
            println!("SKIPPED: no network namespaces with nftables here: {reason}");
            return None;
        }
        remove_leftovers();
        let (pid, number) = (std::process::id(), NETS.fetch_add(1, Ordering::Relaxed));
        let mut members = vec![Who::Ledger];
        members.extend((0..nodes).map(Who::Node));
        let net = Self {
            name: format!("{PREFIX}-{pid}-{number}"),
            interface: format!("fw{pid}-{number}"),
            subnet: free_subnet(),
            members,
        };
        net.build().unwrap();
        Some(net)
    }

    fn build(&self) -> Result<(), String> {
        let (hub, host, interface) = (format!("{}-hub", self.name), self.host(), &self.interface);
        ip(&format!("netns add {hub}"))?;
        ip(&format!("-n {hub} link add bridge type bridge"))?;
        ip(&format!("-n {hub} link set bridge up"))?;
        ip(&format!("link add {interface} type veth peer name host netns {hub}"))?;
        ip(&format!("-n {hub} link set host master bridge up"))?;
        ip(&format!("addr add {host}/24 dev {interface}"))?;
        ip(&format!("link set {interface} up"))?;
        for who in &self.members {
            let (space, address) = (self.space(*who), self.address(*who));
            let port = space.rsplit('-').next().unwrap_or_default();
            ip(&format!("netns add {space}"))?;
            ip(&format!("-n {hub} link add {port} type veth peer name eth0 netns {space}"))?;
            ip(&format!("-n {hub} link set {port} master bridge up"))?;
            ip(&format!("-n {space} addr add {address}/24 dev eth0"))?;
            ip(&format!("-n {space} link set eth0 up"))?;
            ip(&format!("-n {space} link set lo up"))?;
        }
        Ok(())
    }

    fn space(&self, who: Who) -> String {
        match who {
            Who::Ledger => format!("{}-ledger", self.name),
            Who::Node(index) => format!("{}-node{index}", self.name),
        }
    }

    /// This machine's address in the network.
    pub(crate) fn host(&self) -> String {
        format!("{}.1", self.subnet)
    }

    pub(crate) fn address(&self, who: Who) -> String {
        let last = match who {
            Who::Ledger => 2,
            Who::Node(index) => 10 + index,
        };
        format!("{}.{last}", self.subnet)
    }

    pub(crate) fn ledger(&self) -> Place {
        let api = format!("{}:{LEDGER}", self.address(Who::Ledger));
        Place { enter: self.enter(Who::Ledger), api, ..Place::default() }
    }

    /// A node that others reach where it listens.
    pub(crate) fn node(&self, index: usize, transport: Transport) -> Place {
        let address = self.address(Who::Node(index));
        let listen = vec![multiaddr(&address, PEERS, transport)];
        let api = format!("{address}:{API}");
        Place {
            enter: self.enter(Who::Node(index)),
            api,
            listen,
            options: vec!["--archive".into(), "--allow-anyone".into()],
            ..Place::default()
        }
    }

    fn enter(&self, who: Who) -> Vec<String> {
        ["ip", "netns", "exec", &self.space(who)].map(str::to_owned).to_vec()
    }

    /// So many of a hundred packets between any two of ledger and nodes are lost.
    pub(crate) fn lose(&self, percent: u8) {
        for who in &self.members {
            let all = format!("ip saddr {0}.2-{0}.254", self.subnet);
            self.drop_there(*who, &format!("{all} numgen random mod 100 < {percent}"));
        }
    }

    /// Nothing passes between groups. Who is in no group is alone.
    pub(crate) fn partition(&self, groups: &[&[Who]]) {
        for who in &self.members {
            let own = groups.iter().find(|group| group.contains(who));
            let apart =
                |other: &&Who| *other != who && !own.is_some_and(|group| group.contains(other));
            let others: Vec<String> =
                self.members.iter().filter(apart).map(|other| self.address(*other)).collect();
            if !others.is_empty() {
                self.drop_there(*who, &format!("ip saddr {{ {} }}", others.join(", ")));
            }
        }
    }

    /// Nodes reach each other only through this machine.
    pub(crate) fn no_direct_ways(&self) {
        let nodes = || self.members.iter().filter(|who| **who != Who::Ledger);
        for who in nodes() {
            let others: Vec<String> =
                nodes().filter(|other| *other != who).map(|other| self.address(*other)).collect();
            self.drop_there(*who, &format!("ip saddr {{ {} }}", others.join(", ")));
        }
    }

    pub(crate) fn heal(&self) {
        for who in &self.members {
            nft(&self.space(*who), &rules("")).unwrap();
        }
    }

    /// Packets dropped since the faults began.
    pub(crate) fn dropped(&self) -> u64 {
        self.members.iter().map(|who| dropped(&self.space(*who))).sum()
    }

    fn drop_there(&self, who: Who, packets: &str) {
        nft(&self.space(who), &rules(&format!("{packets} counter drop"))).unwrap();
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for who in &self.members {
            remove(&self.space(*who));
        }
        let _ = ip(&format!("link del {}", self.interface));
        remove(&format!("{}-hub", self.name));
    }
}

/// A libp2p address.
pub(crate) fn multiaddr(ip: &str, port: u16, transport: Transport) -> String {
    match transport {
        Transport::Tcp => format!("/ip4/{ip}/tcp/{port}"),
        Transport::Quic => format!("/ip4/{ip}/udp/{port}/quic-v1"),
    }
}

/// Tries all that a test needs in a namespace of its own.
fn permitted() -> Result<(), String> {
    let number = NETS.fetch_add(1, Ordering::Relaxed);
    let probe = format!("{PREFIX}-{}-{number}-probe", std::process::id());
    ip(&format!("netns add {probe}"))?;
    let tried = ip(&format!("-n {probe} link add bridge type bridge"))
        .and_then(|_| ip(&format!("-n {probe} link add one type veth peer name other")))
        .and_then(|_| nft(&probe, &rules("numgen random mod 100 < 20 counter drop")));
    remove(&probe);
    tried
}

/// A rule set that replaces the last one.
fn rules(rule: &str) -> String {
    format!(
        "table ip faults {{}}\ndelete table ip faults\ntable ip faults {{\n chain incoming {{\n  \
         type filter hook input priority 0;\n  {rule}\n }}\n}}\n"
    )
}

fn dropped(space: &str) -> u64 {
    let listed = run(Command::new("ip").args(["netns", "exec", space, "nft", "list", "ruleset"]));
    let listed = listed.unwrap();
    let counted = listed.split("packets ").skip(1).filter_map(|rest| rest.split(' ').next());
    counted.filter_map(|number| number.parse::<u64>().ok()).sum()
}

fn ip(words: &str) -> Result<String, String> {
    run(Command::new("ip").args(words.split(' ')))
}

fn nft(space: &str, rules: &str) -> Result<(), String> {
    let mut child = Command::new("ip")
        .args(["netns", "exec", space, "nft", "-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("ip: {error}"))?;
    let written = child.stdin.take().map(|mut input| input.write_all(rules.as_bytes()));
    let output = child.wait_with_output().map_err(|error| format!("nft: {error}"))?;
    match written {
        Some(Ok(())) if output.status.success() => Ok(()),
        _ => Err(format!("nft: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?}: {}", said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Ends what runs in a namespace, and removes it; its interfaces go with it.
fn remove(space: &str) {
    let pids = ip(&format!("netns pids {space}")).unwrap_or_default();
    for pid in pids.split_whitespace() {
        let _ = run(Command::new("kill").args(["-9", pid]));
    }
    let _ = ip(&format!("netns del {space}"));
}

/// Removes namespaces of tests that are gone.
fn remove_leftovers() {
    for line in ip("netns list").unwrap_or_default().lines() {
        let Some(space) = line.split_whitespace().next() else { continue };
        let mut parts = space.split('-');
        let (prefix, pid) = (parts.next(), parts.next().unwrap_or_default());
        let is_number = pid.parse::<u32>().is_ok();
        if prefix == Some(PREFIX) && is_number && !Path::new("/proc").join(pid).exists() {
            remove(space);
        }
    }
}

/// A network of 198.18.0.0/15, which is set aside for tests of networks, that nobody uses here.
fn free_subnet() -> String {
    let used = ip("-o -4 addr").unwrap();
    let first = std::process::id();
    (first..first + 512)
        .map(|number| format!("198.{}.{}", 18 + number % 512 / 256, number % 256))
        .find(|subnet| !used.contains(&format!(" {subnet}.")))
        .expect("every test network is in use")
}
