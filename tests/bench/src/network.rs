//! A ledger and nodes as processes, and channels on them.

use std::path::{Path, PathBuf};

use fairway::local::{LocalNetwork, Process};
use fairway_sandbox::read_package;
use fairway_sdk::{
    Address, Channel, ChannelConfig, ChannelId, Durability, GasTableId, JoinPolicy, Keypair,
    Ledger, Member, MoneyRules,
};
use fairway_types::{Hash, Operation, codec, contract::NATIVE, ids::ChainId};
use tempfile::TempDir;

use crate::{
    load::{Calls, sign},
    machine::{self, Cpu},
};

const DEPOSIT: u64 = 1_000_000;

/// Nodes of one network with an account each.
pub(crate) struct Site {
    pub(crate) network: LocalNetwork,
    pub(crate) ledger: Ledger,
    pub(crate) keys: Vec<Keypair>,
    _folder: TempDir,
}

/// A channel of the first nodes of a site.
pub(crate) struct Seats {
    pub(crate) id: ChannelId,
    pub(crate) chain: ChainId,
    /// By node.
    pub(crate) members: Vec<Member>,
    pub(crate) channels: Vec<Channel>,
}

/// What the nodes' processes used, summed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) cpu: Cpu,
    pub(crate) disk: Option<f64>,
    pub(crate) wire: Option<f64>,
}

impl Site {
    pub(crate) async fn start(program: &Path, nodes: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let network = LocalNetwork::start(program, folder.path(), nodes).await?;
        let ledger = Ledger::connect(network.ledger_url()).await?;
        let seeds = 1..=u8::try_from(nodes)?;
        let keys: Vec<Keypair> = seeds.map(|seed| Keypair::from_seed(&[seed; 32])).collect();
        for key in &keys {
            ledger.faucet(key.address(), 1_000_000_000).await?;
        }
        Ok(Self { network, ledger, keys, _folder: folder })
    }

    /// Stores a package and returns its name on the chain.
    pub(crate) async fn package(&self, folder: &Path) -> anyhow::Result<Hash> {
        Ok(self.ledger.store_package(&self.keys[0], read_package(folder)?).await?)
    }

    pub(crate) async fn payments(&self) -> anyhow::Result<Hash> {
        self.package(&examples().join("payments")).await
    }

    /// A channel of which the first `count` accounts are members, each on its node.
    pub(crate) async fn open(
        &self,
        package: Hash,
        durability: Durability,
        count: usize,
    ) -> anyhow::Result<Seats> {
        self.open_with(package, config(&self.keys, durability), count).await
    }

    /// The same with these rules.
    pub(crate) async fn open_with(
        &self,
        package: Hash,
        config: ChannelConfig,
        count: usize,
    ) -> anyhow::Result<Seats> {
        let id = self.ledger.create_channel(&self.keys[0], package, &config).await?;
        let (mut members, mut channels) = (Vec::new(), Vec::new());
        for (index, key) in self.keys.iter().take(count).enumerate() {
            let client = self.network.client(index).await?;
            client.join(key, id, DEPOSIT).await?;
            let channel = client.channel(id).await?;
            members.push(channel.member(key.clone()));
            channels.push(channel);
        }
        self.wait_for_members(id, count).await?;
        let chain = self.ledger.info().await?.chain;
        Ok(Seats { id, chain, members, channels })
    }

    async fn wait_for_members(&self, channel: ChannelId, count: usize) -> anyhow::Result<()> {
        for index in 0..count {
            let client = self.network.client(index).await?;
            loop {
                let status = client.info(channel).await?.status;
                let joined = |status: &fairway_sdk::api::channel::ChannelStatus| {
                    status.members.len() == count && (count == 1 || status.term.epoch.0 >= 2)
                };
                if status.as_ref().is_some_and(joined) {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// Payments of each member to the next one, so many of each, for its own node.
    pub(crate) async fn payment_calls(
        &self,
        seats: &Seats,
        each: usize,
    ) -> anyhow::Result<Vec<Calls>> {
        let count = seats.members.len();
        self.calls(seats, each, |member, _| pay(seats.members[(member + 1) % count].address()))
            .await
    }

    /// Calls by each member, so many of each; what the n-th of a member does is asked for.
    pub(crate) async fn calls(
        &self,
        seats: &Seats,
        each: usize,
        operation: impl Fn(usize, usize) -> Operation,
    ) -> anyhow::Result<Vec<Calls>> {
        let mut calls = Vec::new();
        for (index, channel) in seats.channels.iter().enumerate() {
            let (url, key) = (self.network.url(index), &self.keys[index]);
            let operation = |n| operation(index, n);
            calls.push(sign(channel, seats.chain, &url, key, each, operation).await?);
        }
        Ok(calls)
    }

    pub(crate) async fn stop(mut self) {
        self.network.stop().await;
    }

    /// Process ids of the nodes.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let nodes = self.network.nodes.iter();
        nodes.filter_map(|node| node.process.as_ref().and_then(Process::id)).collect()
    }

    pub(crate) fn usage(&self) -> Usage {
        let nodes = 0..self.network.nodes.len();
        let mut ports: Vec<u16> = nodes.filter_map(|node| port(&self.network.url(node))).collect();
        ports.extend(port(&self.network.ledger_url()));
        let mut sum = Usage { cpu: Cpu::default(), disk: Some(0.0), wire: Some(0.0) };
        for process in self.processes() {
            let cpu = Cpu::of(process);
            sum.cpu.user += cpu.user;
            sum.cpu.system += cpu.system;
            let add = |to: Option<f64>, more: Option<f64>| Some(to? + more?);
            sum.disk = add(sum.disk, machine::disk_bytes(process));
            sum.wire = add(sum.wire, machine::sent_bytes(process, &ports));
        }
        sum
    }
}

impl Seats {
    /// Epochs and views so far: each but the first had the leader changed or confirmed.
    pub(crate) async fn terms(&self) -> anyhow::Result<u64> {
        let status = self.channels[0].info().await?.status;
        Ok(status.map_or(0, |status| status.term.epoch.0 + status.term.view.0))
    }
}

impl Usage {
    pub(crate) fn since(&self, before: &Self) -> Self {
        let minus = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        Self {
            cpu: self.cpu.since(&before.cpu),
            disk: minus(self.disk, before.disk),
            wire: minus(self.wire, before.wire),
        }
    }
}

fn port(url: &str) -> Option<u16> {
    url.rsplit(':').next()?.parse().ok()
}

/// A channel for these accounts that settles when it is asked to.
pub(crate) fn config(keys: &[Keypair], durability: Durability) -> ChannelConfig {
    let mut invited: Vec<_> = keys.iter().map(Keypair::address).collect();
    invited.sort();
    ChannelConfig {
        tick_interval: 0,
        settlement_interval: 0,
        durability,
        join_policy: JoinPolicy::Invited,
        invited,
        asset: NATIVE,
        min_deposit: 1,
        max_members: 16,
        gas_table: GasTableId::MEASURED,
        trust_own_node: false,
        money: MoneyRules::default(),
    }
}

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/examples")
}

/// Packages that only these measurements use.
pub(crate) fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packages")
}

/// A payment of one unit, without a memo.
pub(crate) fn pay(to: Address) -> Operation {
    let args = vec![
        codec::encode(&to),
        codec::encode(&NATIVE),
        codec::encode(&1u64),
        codec::encode(&String::new()),
    ];
    invoke("0x44::payments::pay", Vec::new(), args)
}

/// A call of a function whose name is right.
pub(crate) fn invoke(function: &str, type_args: Vec<String>, args: Vec<Vec<u8>>) -> Operation {
    let mut parts = function.splitn(3, "::");
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let address = Address::from_literal(&part()).unwrap_or(Address::from_low(0));
    let (module, function) = (part(), part());
    let function = fairway_types::FunctionName { address, module, function };
    Operation::Invoke { function, type_args, args }
}
