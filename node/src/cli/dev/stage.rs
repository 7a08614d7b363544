//! The network of `fairway dev`: a ledger, nodes and a funded account for each. An account of its own
//! opens and closes each channel, so that nobody else's sequence numbers are used for it.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use fairway::local::{LocalNetwork, Place, Process};
use fairway_sandbox::Package;
use fairway_sdk::{ChannelConfig, ChannelId, Client, Keypair, Ledger, NodeId, PackageSource};
use fairway_types::contract::{Backing, NATIVE};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::{
    super::{keys::new_key, members::Members, numbers},
    Dev,
    record::{MemberRecord, Record},
};

const NAMES: [&str; 16] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim",
    "leo", "mona", "nina", "oscar", "peggy",
];
pub(super) const MOST_NODES: i64 = NAMES.len() as i64;
/// What each account has from the faucet, which gives no more at once.
const FUNDS: u64 = 1_000_000_000_000;
/// Some channels at once: an old one pays back when it is closed.
const MOST_DEPOSIT: u64 = FUNDS / 10;
/// How often processes are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Reads what each member locks.
pub(super) fn deposit(text: &str) -> Result<u64, String> {
    match numbers::amount(text)? {
        fits @ 1..=MOST_DEPOSIT => Ok(fits),
        _ => Err(format!("expected from 1 to {MOST_DEPOSIT}")),
    }
}

pub(super) struct Stage {
    pub(super) network: LocalNetwork,
    data: PathBuf,
    clients: Vec<Client>,
    nodes: Vec<NodeId>,
    ledger: Ledger,
    keys: Vec<Keypair>,
    /// Opened the channel that is the current one, and may close it.
    opener: Option<Keypair>,
    opened: u64,
    /// That the ledger has ended was told.
    without_ledger: bool,
}

/// What ended without being asked to.
pub(super) enum Ended {
    /// The node of the member of this name: it is no part of the network any more.
    Node(&'static str),
    Ledger,
}

impl Stage {
    /// Starts the processes and funds the accounts.
    pub(super) async fn start(args: &Dev, data: PathBuf) -> anyhow::Result<Self> {
        let count = usize::from(args.nodes);
        let program = std::env::current_exe()?;
        let place = Place { console: true, ..Place::default() };
        let places = vec![place.clone(); count];
        let network = LocalNetwork::start_at(&program, &data, place, places).await?;
        let (mut clients, mut nodes) = (Vec::new(), Vec::new());
        for index in 0..count {
            let client = network.client(index).await?;
            nodes.push(client.status().await?.node);
            clients.push(client);
        }
        let ledger = Ledger::connect(network.ledger_url()).await?;
        let named = NAMES.iter().take(count);
        let keys: Vec<Keypair> =
            named.map(|name| key(args.seed.as_deref(), name)).collect::<anyhow::Result<_>>()?;
        for key in &keys {
            ledger.faucet(key.address(), FUNDS).await?;
        }
        let (opener, opened, without_ledger) = (None, 0, false);
        Ok(Self { network, data, clients, nodes, ledger, keys, opener, opened, without_ledger })
    }

    /// Opens a channel for the package with everybody in it, and closes the one before.
    pub(super) async fn open(
        &mut self,
        args: &Dev,
        source: PackageSource,
        before: Option<ChannelId>,
    ) -> anyhow::Result<ChannelId> {
        ensure!(
            !self.network.ledger.has_ended(),
            "the ledger has ended: start `fairway dev` again"
        );
        let members = Members { ledger: &self.ledger, clients: &self.clients, keys: &self.keys };
        let config = ChannelConfig {
            settlement_interval: args.settlement_interval,
            ..members.config(args.tick)
        };
        let opener = new_key()?;
        let opened =
            members.open(&opener, source, &config, args.deposit, Backing::default()).await?;
        self.opened += 1;
        if let Some((before, opener)) = before.zip(self.opener.replace(opener)) {
            tokio::spawn(close(self.network.ledger_url(), opener, before));
        }
        Ok(opened)
    }

    pub(super) fn record(&self, package: &Package, channel: ChannelId) -> Record {
        let members = NAMES.iter().zip(&self.keys).zip(&self.nodes).enumerate();
        let member = |(index, ((name, key), node)): (usize, ((&&str, &Keypair), &NodeId))| {
            let process = self.network.nodes.get(index).and_then(|node| node.process.as_ref());
            MemberRecord {
                name: (*name).to_owned(),
                address: key.address(),
                seed: format!("0x{}", hex::encode(key.seed())),
                node: *node,
                url: self.network.url(index),
                console: self.network.said(index, "console"),
                pid: process.and_then(fairway::local::Process::id),
                log: self.data.join(format!("node-{index}.log")),
            }
        };
        Record {
            version: 1,
            pid: std::process::id(),
            name: package.abi.name.clone(),
            package: package.hash,
            channel,
            generation: self.opened,
            ledger: self.network.ledger_url(),
            console: self.network.ledger.said("console"),
            asset: NATIVE,
            members: members.map(member).collect(),
            error: None,
        }
    }

    /// Asks every process to end; whether those did well that had not ended by themselves.
    pub(super) async fn stop(&mut self) -> bool {
        let had_ended = self.network.ledger.has_ended();
        self.network.stop().await || had_ended
    }

    /// What ends next.
    pub(super) async fn ended(&mut self) -> Ended {
        loop {
            if !self.without_ledger && self.network.ledger.has_ended() {
                self.without_ledger = true;
                return Ended::Ledger;
            }
            for (index, node) in self.network.nodes.iter_mut().enumerate() {
                if node.process.as_mut().is_some_and(Process::has_ended) {
                    node.process = None;
                    return Ended::Node(NAMES.get(index).copied().unwrap_or_default());
                }
            }
            sleep(LOOK).await;
        }
    }
}

/// Closes a channel that nobody needs any more: its deposits come back. Nobody waits for it, and one
/// that fails costs a deposit of play money.
async fn close(ledger: String, opener: Keypair, channel: ChannelId) {
    let closed = async { Ledger::connect(ledger).await?.close_channel(&opener, channel).await };
    if let Err(error) = closed.await {
        tracing::warn!(%channel, %error, "the old channel was not closed");
    }
}

/// A member's key: random, or the same for the same text.
fn key(seed: Option<&str>, name: &str) -> anyhow::Result<Keypair> {
    let Some(seed) = seed else { return new_key().context("making a key") };
    let digest = Sha256::digest(format!("fairway dev/{seed}/{name}"));
    Ok(Keypair::from_seed(&digest.into()))
}
