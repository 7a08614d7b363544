//! Three openraft nodes that replicate entries of a call's effects' size.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use hdrhistogram::Histogram;
use openraft::{
    Config, Raft, RaftNetwork, RaftNetworkFactory,
    error::{InstallSnapshotError, RPCError, RaftError, RemoteError, Unreachable},
    network::RPCOption,
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest,
        InstallSnapshotResponse, VoteRequest, VoteResponse,
    },
    storage::Adaptor,
};
use openraft_memstore::{ClientRequest, MemNodeId, MemStore, TypeConfig};

const NODES: u64 = 3;
const CLIENTS: u64 = 1_024;
const IDLE: u32 = 1_000;
const WARM: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(4);

pub(crate) struct Rates {
    pub(crate) per_s: f64,
    pub(crate) p50_ms: f64,
}

type Node = Raft<TypeConfig>;

/// Every node's messages are calls of the others' functions.
#[derive(Clone, Default)]
struct Nodes(Arc<OnceLock<BTreeMap<MemNodeId, Node>>>);

struct Link {
    nodes: Nodes,
    to: MemNodeId,
}

impl RaftNetworkFactory<TypeConfig> for Nodes {
    type Network = Link;

    async fn new_client(&mut self, to: MemNodeId, (): &()) -> Link {
        Link { nodes: self.clone(), to }
    }
}

impl Link {
    fn node<E: std::error::Error>(&self) -> Result<&Node, RPCError<MemNodeId, (), E>> {
        let node = self.nodes.0.get().and_then(|nodes| nodes.get(&self.to));
        let missing = || Unreachable::new(&std::io::Error::other("not started"));
        node.ok_or_else(|| RPCError::Unreachable(missing()))
    }
}

impl RaftNetwork<TypeConfig> for Link {
    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<MemNodeId>, RPCError<MemNodeId, (), RaftError<MemNodeId>>>
    {
        let answer = self.node()?.append_entries(rpc).await;
        answer.map_err(|error| RemoteError::new(self.to, error).into())
    }

    async fn install_snapshot(
        &mut self,
        rpc: InstallSnapshotRequest<TypeConfig>,
        _: RPCOption,
    ) -> Result<
        InstallSnapshotResponse<MemNodeId>,
        RPCError<MemNodeId, (), RaftError<MemNodeId, InstallSnapshotError>>,
    > {
        let answer = self.node()?.install_snapshot(rpc).await;
        answer.map_err(|error| RemoteError::new(self.to, error).into())
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<MemNodeId>,
        _: RPCOption,
    ) -> Result<VoteResponse<MemNodeId>, RPCError<MemNodeId, (), RaftError<MemNodeId>>> {
        let answer = self.node()?.vote(rpc).await;
        answer.map_err(|error| RemoteError::new(self.to, error).into())
    }
}

pub(crate) async fn measure(bytes: usize) -> anyhow::Result<Rates> {
    let leader = start().await?;
    let status = "e".repeat(bytes);
    let mut times: Histogram<u64> = Histogram::new(3)?;
    for serial in 0..u64::from(IDLE) {
        let begun = Instant::now();
        let request = ClientRequest { client: "idle".into(), serial, status: status.clone() };
        leader.client_write(request).await?;
        times.record(u64::try_from(begun.elapsed().as_micros())?)?;
    }
    let begun = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| tokio::spawn(write(leader.clone(), client, status.clone(), begun)))
        .collect();
    let mut written = 0;
    for client in clients {
        written += client.await??;
    }
    Ok(Rates {
        per_s: written as f64 / MEASURED.as_secs_f64(),
        p50_ms: times.value_at_quantile(0.5) as f64 / 1e3,
    })
}

/// One client's entries, one after the other; how many after the warm-up.
async fn write(leader: Node, client: u64, status: String, begun: Instant) -> anyhow::Result<u64> {
    let mut written = 0;
    for serial in 0.. {
        let client = client.to_string();
        leader.client_write(ClientRequest { client, serial, status: status.clone() }).await?;
        let elapsed = begun.elapsed();
        if elapsed > WARM + MEASURED {
            break;
        }
        written += u64::from(elapsed > WARM);
    }
    Ok(written)
}

/// Three nodes, of which the first leads.
async fn start() -> anyhow::Result<Node> {
    let config = Arc::new(Config::default().validate()?);
    let network = Nodes::default();
    let mut nodes = BTreeMap::new();
    for id in 0..NODES {
        let (log, machine) = Adaptor::new(MemStore::new_async().await);
        let node = Raft::new(id, Arc::clone(&config), network.clone(), log, machine).await?;
        nodes.insert(id, node);
    }
    let leader = nodes[&0].clone();
    let members: BTreeMap<MemNodeId, ()> = nodes.keys().map(|id| (*id, ())).collect();
    network.0.set(nodes).map_err(|_| anyhow!("started twice"))?;
    leader.initialize(members).await?;
    let led = leader.wait(Some(Duration::from_secs(10)));
    led.metrics(|metrics| metrics.current_leader == Some(0), "the first node leads").await?;
    Ok(leader)
}
