//! Three openraft nodes that replicate entries of a call's effects' size.

mod store;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use hdrhistogram::Histogram;
use openraft::{
    Config, Raft, RaftNetwork, RaftNetworkFactory,
    error::{InstallSnapshotError, RPCError, RaftError, RemoteError, Unreachable},
    network::RPCOption,
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest,
        InstallSnapshotResponse, VoteRequest, VoteResponse,
    },
};

use self::store::{Log, Machine, NodeId, Types};

const NODES: NodeId = 3;
pub(crate) const CLIENTS: u64 = 1_024;
const IDLE: u32 = 1_000;
const WARM: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(10);
/// As a channel's leader timeout, in milliseconds: full cores shall change no leader.
const ELECTION: u64 = 1_000;

pub(crate) struct Rates {
    pub(crate) per_s: f64,
    pub(crate) p50_ms: f64,
}

type Node = Raft<Types>;

/// Every node's messages are calls of the others' functions.
#[derive(Clone, Default)]
struct Nodes(Arc<OnceLock<BTreeMap<NodeId, Node>>>);

struct Link {
    nodes: Nodes,
    to: NodeId,
}

impl RaftNetworkFactory<Types> for Nodes {
    type Network = Link;

    async fn new_client(&mut self, to: NodeId, (): &()) -> Link {
        Link { nodes: self.clone(), to }
    }
}

impl Link {
    fn node(&self) -> Result<&Node, Unreachable> {
        let node = self.nodes.0.get().and_then(|nodes| nodes.get(&self.to));
        node.ok_or_else(|| Unreachable::new(&std::io::Error::other("not started")))
    }
}

impl RaftNetwork<Types> for Link {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<NodeId>, RPCError<NodeId, (), RaftError<NodeId>>> {
        let answer = self.node()?.append_entries(rpc).await;
        answer.map_err(|error| RemoteError::new(self.to, error).into())
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<Types>,
        _: RPCOption,
    ) -> Result<
        InstallSnapshotResponse<NodeId>,
        RPCError<NodeId, (), RaftError<NodeId, InstallSnapshotError>>,
    > {
        let answer = self.node()?.install_snapshot(rpc).await;
        answer.map_err(|error| RemoteError::new(self.to, error).into())
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<NodeId>,
        _: RPCOption,
    ) -> Result<VoteResponse<NodeId>, RPCError<NodeId, (), RaftError<NodeId>>> {
        let answer = self.node()?.vote(rpc).await;
        answer.map_err(|error| RemoteError::new(self.to, error).into())
    }
}

/// Logs in memory, or in synced files of this folder too.
pub(crate) async fn measure(bytes: usize, folder: Option<&Path>) -> anyhow::Result<Rates> {
    let nodes = start(folder).await.context("three openraft nodes do not start")?;
    let leader = &nodes[&0];
    let p50_ms = one_by_one(leader, bytes).await.context("an entry alone")?;
    let per_s = together(leader, bytes).await.context("entries of many clients")?;
    let applied = leader.metrics().borrow().last_applied.map(|id| id.index);
    for node in nodes.values() {
        let held = node.wait(Some(PATIENCE)).applied_index_at_least(applied, "all hold all").await;
        held.context("a node that does not have what was committed")?;
    }
    for node in nodes.values() {
        node.shutdown().await?;
    }
    Ok(Rates { per_s, p50_ms })
}

async fn one_by_one(leader: &Node, bytes: usize) -> anyhow::Result<f64> {
    let mut times: Histogram<u64> = Histogram::new(3)?;
    for _ in 0..IDLE {
        let begun = Instant::now();
        leader.client_write(vec![7; bytes]).await?;
        times.record(u64::try_from(begun.elapsed().as_micros())?)?;
    }
    Ok(times.value_at_quantile(0.5) as f64 / 1e3)
}

async fn together(leader: &Node, bytes: usize) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let client = |_| tokio::spawn(write(leader.clone(), bytes, begun));
    let clients: Vec<_> = (0..CLIENTS).map(client).collect();
    let mut written = 0;
    for client in clients {
        written += client.await??;
    }
    Ok(written as f64 / MEASURED.as_secs_f64())
}

/// One client's entries, one after the other; how many after the warm-up.
async fn write(leader: Node, bytes: usize, begun: Instant) -> anyhow::Result<u64> {
    let mut written = 0;
    loop {
        leader.client_write(vec![7; bytes]).await?;
        let elapsed = begun.elapsed();
        if elapsed > WARM + MEASURED {
            return Ok(written);
        }
        written += u64::from(elapsed > WARM);
    }
}

/// Three nodes, of which the first leads.
async fn start(folder: Option<&Path>) -> anyhow::Result<BTreeMap<NodeId, Node>> {
    let config = Config {
        heartbeat_interval: ELECTION / 4,
        election_timeout_min: ELECTION,
        election_timeout_max: 2 * ELECTION,
        ..Config::default()
    };
    let config = Arc::new(config.validate()?);
    let network = Nodes::default();
    let mut nodes = BTreeMap::new();
    for id in 0..NODES {
        let log = match folder {
            Some(folder) => Log::synced(&folder.join(id.to_string()))?,
            None => Log::default(),
        };
        let (config, machine) = (Arc::clone(&config), Machine::default());
        nodes.insert(id, Raft::new(id, config, network.clone(), log, machine).await?);
    }
    network.0.set(nodes.clone()).map_err(|_| anyhow!("started twice"))?;
    let leader = &nodes[&0];
    let members: BTreeMap<NodeId, ()> = nodes.keys().map(|id| (*id, ())).collect();
    leader.initialize(members).await?;
    leader.wait(Some(PATIENCE)).current_leader(0, "the first node leads").await?;
    Ok(nodes)
}
