//! A node: its store, its network, its chain, and the channels it runs.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, Weak},
};

use fairway_proto::{Env, Limits};
use fairway_sandbox::{GasTable, LoadedPackage, MoveSandbox, compiler::BoundedCompiler};
use fairway_store::{OpenError, meter::Meter};
use fairway_types::{
    Address, ChainId, ChannelId, GasTableId, Hash, Keypair, NodeId, Refusal, Signature,
    chain::ChannelRecord, contract, ledger::PackageSource,
};
use libp2p::Multiaddr;
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinHandle,
};
use tracing::{error, info, warn};

use crate::{
    chain::{self, ChainWords, Heard, LedgerChain, SettlementChain},
    driver::{self, Altered, Alters, ChannelHandle, Parts, Refusals, View},
    peers::{Peer, Peers, PeersError},
    store::{Store, StoreError, StoredChannel},
    traces::Tracer,
};

/// Compiled packages kept without a channel that uses them.
const RECENT_PACKAGES: usize = 8;

/// What a node is run with.
pub struct Settings {
    pub keypair: Keypair,
    pub folder: PathBuf,
    /// The ledger's URL.
    pub chain: String,
    /// Where to listen for other nodes.
    pub listen: Vec<Multiaddr>,
    /// What others are told to dial; the addresses listened on when empty.
    pub announce: Vec<Multiaddr>,
    /// Accounts this node acts for; anybody who reaches its API when empty.
    pub accounts: Vec<Address>,
    /// Channels this node runs at most, those that are over not counted.
    pub max_channels: usize,
    pub keeping: Keeping,
    /// The data is a backup, or lacks its last writes: the others are asked what this node signed
    /// before it signs again.
    pub tail_lost: bool,
    pub compiler: BoundedCompiler,
    /// Where spans go, if they do.
    pub traces: Option<Arc<Tracer>>,
    /// What leaves the node goes through this, in tests of nodes that lie.
    pub alters: Option<Arc<dyn Alters>>,
}

/// What of a channel's past a node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Blocks kept below the last settled one; all when there is no bound.
    pub blocks: Option<u64>,
    /// Blocks behind which a snapshot is taken instead of them, as long as others keep them.
    pub sync_blocks: u64,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { blocks: Some(1_024), sync_blocks: Limits::default().sync_blocks_most }
    }
}

impl Keeping {
    /// Everything: blocks are taken as long as anybody has them.
    #[must_use]
    pub const fn archive() -> Self {
        Self { blocks: None, sync_blocks: u64::MAX }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Peers(#[from] PeersError),
    #[error("data folder: {0}")]
    Folder(#[from] std::io::Error),
}

/// A running node. Cheap to clone.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    keypair: Keypair,
    store: Store,
    peers: Peers,
    endpoints: Vec<Multiaddr>,
    chain: Arc<LedgerChain>,
    compiler: BoundedCompiler,
    accounts: Vec<Address>,
    max_channels: usize,
    keeping: Keeping,
    tail_lost: bool,
    traces: Option<Arc<Tracer>>,
    alters: Option<Arc<dyn Alters>>,
    channels: RwLock<BTreeMap<ChannelId, Running>>,
    /// Stored channels that can't be run, and why.
    not_running: RwLock<BTreeMap<ChannelId, String>>,
    refusals: Refusals,
    /// Channels of one package share its code.
    packages: Mutex<Packages>,
    /// One compilation at a time, however many ask.
    compiling: Arc<Semaphore>,
    /// One channel is opened at a time.
    opening: Mutex<()>,
}

/// Compiled packages: those in use, and the last few.
#[derive(Default)]
struct Packages {
    known: HashMap<Hash, Weak<LoadedPackage>>,
    recent: VecDeque<Arc<LoadedPackage>>,
}

struct Running {
    handle: ChannelHandle,
    serving: JoinHandle<()>,
}

impl Packages {
    fn get(&self, hash: &Hash) -> Option<Arc<LoadedPackage>> {
        self.known.get(hash)?.upgrade()
    }

    fn keep(&mut self, hash: Hash, package: &Arc<LoadedPackage>) {
        self.recent.push_back(Arc::clone(package));
        if self.recent.len() > RECENT_PACKAGES {
            self.recent.pop_front();
        }
        self.known.retain(|_, known| known.strong_count() > 0);
        self.known.insert(hash, Arc::downgrade(package));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Node {
    /// Opens the folder, listens, follows the chain, and runs the channels it ran before.
    pub async fn start(settings: Settings) -> Result<Self, NodeError> {
        let store = Store::open(&settings.folder)?;
        begin(&store, &settings)?;
        let peers = Peers::start(&settings.keypair, &settings.listen).await?;
        let announced = &settings.announce;
        let endpoints = if announced.is_empty() { peers.listening() } else { announced }.to_vec();
        let chain = Arc::new(LedgerChain::start(&settings.chain, settings.keypair.clone()));
        let inner = Inner {
            keypair: settings.keypair,
            store,
            peers,
            endpoints,
            chain,
            compiler: settings.compiler,
            accounts: settings.accounts,
            max_channels: settings.max_channels,
            keeping: settings.keeping,
            tail_lost: settings.tail_lost,
            traces: settings.traces,
            alters: settings.alters,
            channels: RwLock::default(),
            not_running: RwLock::default(),
            refusals: Refusals::default(),
            packages: Mutex::default(),
            compiling: Arc::new(Semaphore::new(1)),
            opening: Mutex::default(),
        };
        let node = Self { inner: Arc::new(inner) };
        node.resume().await?;
        Ok(node)
    }

    /// Runs the stored channels again. One that can't be run is named in the log and left alone.
    async fn resume(&self) -> Result<(), NodeError> {
        for StoredChannel { channel, chain, package, gas_table } in self.inner.store.channels()? {
            let Some(source) = self.inner.store.package(&package)? else {
                error!(%channel, %package, "the stored channel's package is missing");
                self.note_not_running(channel, format!("its package {package} is missing"));
                continue;
            };
            let resumed = match self.sandbox(source, gas_table).await {
                Ok(sandbox) => self.run(chain, channel, sandbox),
                Err(refusal) => Err(refusal),
            };
            if let Err(refusal) = resumed {
                error!(%channel, %refusal, "the stored channel can't be run");
                self.note_not_running(channel, refusal.to_string());
            }
        }
        Ok(())
    }

    fn note_not_running(&self, channel: ChannelId, reason: String) {
        let mut known = self.inner.not_running.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(channel, reason);
    }

    /// Stored channels that can't be run, and why.
    #[must_use]
    pub fn not_running(&self) -> BTreeMap<ChannelId, String> {
        self.inner.not_running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls that this node answered with an error.
    #[must_use]
    pub fn refusals(&self) -> &Refusals {
        &self.inner.refusals
    }

    /// What this node wrote since it started.
    #[must_use]
    pub fn store_meter(&self) -> &Meter {
        self.inner.store.meter()
    }

    #[must_use]
    pub fn id(&self) -> NodeId {
        self.inner.keypair.node_id()
    }

    /// Where other nodes reach this one.
    #[must_use]
    pub fn endpoints(&self) -> &[Multiaddr] {
        &self.inner.endpoints
    }

    #[must_use]
    pub fn peers(&self) -> &Peers {
        &self.inner.peers
    }

    #[must_use]
    pub fn chain(&self) -> &LedgerChain {
        &self.inner.chain
    }

    /// P-8: this node's word that it acts for `account` in a channel, once it knows that it can: the
    /// package compiles here, and the account is one that it serves.
    pub async fn join_proof(
        &self,
        channel: ChannelId,
        account: Address,
    ) -> Result<Signature, Refusal> {
        let accounts = &self.inner.accounts;
        if !accounts.is_empty() && !accounts.contains(&account) {
            let reason = format!("node {} does not act for account {account}", self.id());
            return Err(Refusal::Unauthorised { reason });
        }
        let (record, ..) = self.prepare(channel).await?;
        Ok(contract::join_proof(&self.inner.keypair, record.chain, channel, account))
    }

    /// A channel this node runs.
    pub fn channel(&self, channel: ChannelId) -> Result<ChannelHandle, Refusal> {
        let channels = self.inner.channels.read().unwrap_or_else(PoisonError::into_inner);
        let running = channels.get(&channel).ok_or(Refusal::ChannelNotFound { channel })?;
        Ok(running.handle.clone())
    }

    /// The channels this node runs, in order of their ids.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelHandle> {
        let channels = self.inner.channels.read().unwrap_or_else(PoisonError::into_inner);
        channels.values().map(|running| running.handle.clone()).collect()
    }

    /// Checks that this node could run a channel: it exists, its gas table is known here, its package
    /// is the one the chain names and compiles here, within limits. What a member wants to know before it locks anything.
    pub async fn prepare(
        &self,
        channel: ChannelId,
    ) -> Result<(ChannelRecord, PackageSource, Arc<MoveSandbox>), Refusal> {
        let running = self.channels().iter().filter(|channel| !channel.view().is_over()).count();
        if running >= self.inner.max_channels && self.channel(channel).is_err() {
            return Err(Refusal::TooLarge {
                what: "number of channels".into(),
                actual: running as u64 + 1,
                limit: self.inner.max_channels as u64,
            });
        }
        let seen = self.inner.chain.channel(channel).await?;
        let record = seen.ok_or(Refusal::ChannelNotFound { channel })?.record;
        GasTable::find(record.config.gas_table)?;
        let source = self.inner.chain.package(record.package).await?;
        let actual = source.hash();
        if actual != record.package {
            return Err(Refusal::PackageMismatch {
                expected: record.package.to_string(),
                actual: actual.to_string(),
            });
        }
        let sandbox = self.sandbox(source.clone(), record.config.gas_table).await?;
        Ok((record, source, sandbox))
    }

    /// Runs a channel that this node has just joined.
    pub async fn open_joined(&self, channel: ChannelId) -> Result<ChannelHandle, Refusal> {
        self.open_with(channel, self.inner.tail_lost).await
    }

    /// Runs a channel of which this node is a member. Where an epoch has named it already and nothing
    /// of the channel is here, what it signed is lost: it asks the others (P-90).
    pub async fn open(&self, channel: ChannelId) -> Result<ChannelHandle, Refusal> {
        self.open_with(channel, true).await
    }

    async fn open_with(
        &self,
        channel: ChannelId,
        tail_lost: bool,
    ) -> Result<ChannelHandle, Refusal> {
        let _one = self.inner.opening.lock().await;
        match self.channel(channel) {
            Ok(handle) if !handle.has_ended() => return Ok(handle),
            Ok(_) => self.forget_ended(channel).await,
            Err(_) => {}
        }
        let (record, source, sandbox) = self.prepare(channel).await?;
        let me = self.id();
        let own = record.members.iter().find(|member| member.record.node == me);
        let Some(own) = own else {
            let account = me.address();
            return Err(Refusal::Unauthorised {
                reason: format!(
                    "node {me} (account {account}) acts for no member of channel {channel}: join \
                     with this node first"
                ),
            });
        };
        self.inner.store.add_channel(record.chain, channel, &source, record.config.gas_table)?;
        if tail_lost && own.active {
            self.inner.store.note_lost_tail(channel)?;
        }
        self.run(record.chain, channel, sandbox)
    }

    /// Makes room for a channel that this node was done with and whose member came back.
    async fn forget_ended(&self, channel: ChannelId) {
        let ended = {
            let mut channels = self.inner.channels.write().unwrap_or_else(PoisonError::into_inner);
            channels.remove(&channel)
        };
        if let Some(mut running) = ended {
            let _ = (&mut running.serving).await;
        }
    }

    fn run(
        &self,
        chain: ChainId,
        channel: ChannelId,
        sandbox: Arc<MoveSandbox>,
    ) -> Result<ChannelHandle, Refusal> {
        let inner = &self.inner;
        let (words, heard) = ChainWords::new();
        let sync_blocks_most = inner.keeping.sync_blocks;
        let limits = Limits { sync_blocks_most, ..Limits::default() };
        let handle = driver::start(Parts {
            env: Env { chain, channel, keypair: inner.keypair.clone(), limits },
            sandbox,
            store: inner.store.channel(channel),
            keep_blocks: inner.keeping.blocks,
            peers: Altered { outbox: inner.peers.outbox(channel), by: inner.alters.clone() },
            chain: words,
            traces: inner.traces.clone(),
        })?;
        let chain: Arc<dyn SettlementChain> = Arc::<LedgerChain>::clone(&inner.chain);
        let serving = serve(chain, inner.peers.clone(), handle.clone(), heard);
        let serving = tokio::spawn(serving);
        let mut channels = inner.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.insert(channel, Running { handle: handle.clone(), serving });
        let mut failed = inner.not_running.write().unwrap_or_else(PoisonError::into_inner);
        failed.remove(&channel);
        info!(%channel, "running channel");
        Ok(handle)
    }

    /// P-61: a package at the prices of the table that the channel's config names.
    async fn sandbox(
        &self,
        source: PackageSource,
        gas_table: GasTableId,
    ) -> Result<Arc<MoveSandbox>, Refusal> {
        let table = GasTable::find(gas_table)?;
        Ok(Arc::new(MoveSandbox::of(self.package(source).await?, table)))
    }

    /// A package's code, compiled in a bounded child process.
    async fn package(&self, source: PackageSource) -> Result<Arc<LoadedPackage>, Refusal> {
        let hash = source.hash();
        // The permit goes with the work: a client that hangs up does not start a second child.
        let permit = Arc::clone(&self.inner.compiling).acquire_owned().await;
        if let Some(package) = self.inner.packages.lock().await.get(&hash) {
            return Ok(package);
        }
        let compiler = self.inner.compiler.clone();
        let built = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let package = compiler.compile(&source)?;
            LoadedPackage::new(&package)
        });
        let built = built.await.map_err(|error| Refusal::Internal { reason: error.to_string() })?;
        let package = Arc::new(built.map_err(Refusal::from)?);
        self.inner.packages.lock().await.keep(hash, &package);
        Ok(package)
    }

    /// Ends every channel once what it is doing is stored, and closes the folder.
    pub async fn stop(&self) {
        let channels = {
            let mut channels = self.inner.channels.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *channels)
        };
        for (id, running) in channels {
            running.handle.stop().await;
            self.inner.peers.remove_channel(id);
        }
        let synced = self.inner.store.sync();
        self.inner.store.close();
        match synced {
            Ok(()) => self.inner.store.tail().close(),
            Err(error) => warn!(%error, "the last writes may be lost"),
        }
    }
}

/// P-90: channels whose last writes may be gone know it before anything else happens.
fn begin(store: &Store, settings: &Settings) -> Result<(), NodeError> {
    let tail = store.tail();
    let all = settings.tail_lost || tail.is_restored()?;
    if all || tail.may_be_lost()? {
        warn!("the last writes may be gone: the others are asked what this node signed");
        store.note_lost_tails(all)?;
    }
    Ok(tail.begin()?)
}

/// Between a channel and the world: until it ends, which takes its links away.
async fn serve(
    chain: Arc<dyn SettlementChain>,
    peers: Peers,
    channel: ChannelHandle,
    heard: Heard,
) {
    tokio::select! {
        () = chain::watch(chain, channel.clone(), heard) => {}
        () = link_members(peers.clone(), channel.clone()) => {}
        () = channel.ended() => {}
    }
    if channel.has_ended() {
        peers.remove_channel(channel.id);
    }
}

/// Keeps links to the nodes that are members on the chain or in the log.
async fn link_members(peers: Peers, channel: ChannelHandle) {
    let mut views = channel.watch();
    let mut linked: Option<Arc<View>> = None;
    loop {
        let view = channel.view();
        if linked.as_ref().is_none_or(|linked| !same_members(linked, &view)) {
            peers.set_members(&channel, &members_of(&view));
            linked = Some(view);
        }
        if views.changed().await.is_err() {
            return;
        }
    }
}

/// Views share their lists until these change.
fn same_members(one: &View, other: &View) -> bool {
    let on_chain = |view: &View| view.record.as_ref().map(Arc::as_ptr);
    let in_log = |view: &View| view.head.as_ref().map(|tip| Arc::as_ptr(&tip.members));
    on_chain(one) == on_chain(other) && in_log(one) == in_log(other)
}

fn members_of(view: &View) -> Vec<Peer> {
    let on_chain = view.record.iter().flat_map(|record| &record.members).map(|m| &m.record);
    let in_log = view.head.iter().flat_map(|tip| tip.members.values()).map(|member| &**member);
    let mut peers: BTreeMap<NodeId, Peer> = BTreeMap::new();
    for member in on_chain.chain(in_log) {
        let endpoints = member.endpoints.clone();
        peers.entry(member.node).or_insert(Peer { node: member.node, endpoints });
    }
    peers.into_values().collect()
}
