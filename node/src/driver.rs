//! One channel's loop: the only place where events are stored and effects are performed.
//!
//! A thread a channel, since deciding runs the VM and storing waits for the disk. Inputs are drained
//! in groups; a group's events are stored in one write, and only then do its effects happen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fairway_proto::{
    CallStatus, Channel, ChannelStatus, Effect, Env, Event, Input, Request, RequestId, Step,
    Update,
    channel::{
        judging::Judged, log::Tip, output::Reply, settling::ProposalView, status::CatchingUp,
    },
    sync,
};
use fairway_sandbox::MoveSandbox;
use fairway_types::{
    ChannelId, Height, NodeId, Refusal, SignedCall, Time, Verified,
    block::CertifiedBlock,
    chain::{ChainTx, ChannelRecord, Durability, Observation},
    codec,
    evidence::Evidence,
    settlement::Proposal,
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tracing::{error, info, warn};

use crate::{
    parts::PartServer,
    store::{ChannelStore, StoreError, Writer},
};

/// Commands waiting for the channel.
const INBOX: usize = 8_192;
/// Bytes of clients' calls among them.
const INBOX_BYTES: usize = 32 << 20;
/// Commands handled together.
const GROUP: usize = 1_024;
/// Updates a subscriber may lag behind before it is dropped to resume by height.
const UPDATES: usize = 1_024;
/// Between two answers to one peer's requests for blocks.
const SERVE_EVERY: Duration = Duration::from_millis(50);
/// How long a write that nobody waits for stays unsynced.
const SYNC_AFTER: Duration = Duration::from_millis(100);
/// Between two tries to store again after the disk failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Where a channel's messages to other nodes go.
pub trait Outbox: Clone + Send + 'static {
    /// Hands `frame` to the link to `to`; drops it when there is none or its queue is full.
    fn send(&mut self, to: NodeId, frame: &Arc<[u8]>);
    /// Whether `to` reads what it is sent: who does not is served nothing that is large.
    fn reads(&self, to: NodeId) -> bool;
}

/// Changes, adds to or drops what leaves a node: for tests of nodes that lie.
pub trait Alters: Send + Sync + 'static {
    /// What goes to `to` in the place of `frame`.
    fn altered(&self, to: NodeId, frame: &Arc<[u8]>) -> Vec<Arc<[u8]>>;
}

/// An outbox behind something that alters what goes through.
#[derive(Clone)]
pub struct Altered<O> {
    pub outbox: O,
    /// Nothing, in a node that is run for its members.
    pub by: Option<Arc<dyn Alters>>,
}

impl<O: Outbox> Outbox for Altered<O> {
    fn send(&mut self, to: NodeId, frame: &Arc<[u8]>) {
        match &self.by {
            None => self.outbox.send(to, frame),
            Some(by) => {
                for frame in by.altered(to, frame) {
                    self.outbox.send(to, &frame);
                }
            }
        }
    }

    fn reads(&self, to: NodeId) -> bool {
        self.outbox.reads(to)
    }
}

/// Where a channel's words to the settlement chain go.
pub trait ChainOutbox: Send + 'static {
    fn submit(&mut self, tx: ChainTx);
    fn dry_run(&mut self, proposal: Proposal);
    fn read_waiting(&mut self);
    fn refresh(&mut self);
}

type Answer = oneshot::Sender<Result<Reply, Refusal>>;

enum Command {
    /// `room` is what it takes of the inbox, until it is handled.
    Request {
        request: Request,
        answer: Answer,
        room: OwnedSemaphorePermit,
    },
    Input {
        input: Input,
        room: Option<OwnedSemaphorePermit>,
    },
}

/// What readers see of a channel, replaced after every group.
#[derive(Debug, Clone)]
pub struct View {
    /// This node.
    pub node: NodeId,
    pub status: ChannelStatus,
    /// As the chain gave it last; until it is read, the one the channel began with.
    pub record: Option<Arc<ChannelRecord>>,
    pub head: Option<Tip>,
    pub certified: Option<Tip>,
    pub finalised: Option<Tip>,
    pub proposal: Option<ProposalView>,
    pub settlement_error: Option<String>,
    /// What this node found or was told, and holds of it.
    pub verdicts: Vec<Judged>,
    /// What it found itself.
    pub evidence: Vec<Arc<Evidence>>,
    /// Blocks up to here are kept no more.
    pub pruned: Height,
    /// Why the node can't store, if it can't.
    pub storage: Option<String>,
}

impl View {
    /// Closed and paid: nothing will happen any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.settlement.closed)
    }
}

/// A running channel. Cheap to clone; it stops when [`ChannelHandle::stop`] is called.
#[derive(Clone)]
pub struct ChannelHandle {
    pub id: ChannelId,
    pub sandbox: Arc<MoveSandbox>,
    pub store: ChannelStore,
    commands: mpsc::Sender<Command>,
    room: Arc<Semaphore>,
    view: watch::Receiver<Arc<View>>,
    updates: broadcast::Sender<Arc<Update>>,
    stop: Arc<watch::Sender<bool>>,
    ended: watch::Receiver<()>,
}

impl ChannelHandle {
    /// Orders a call; answers once it has reached `wait`.
    pub async fn call(
        &self,
        call: Verified<SignedCall>,
        wait: CallStatus,
    ) -> Result<Reply, Refusal> {
        self.request(Request::Call { call: Box::new(call), wait }).await
    }

    pub async fn request(&self, request: Request) -> Result<Reply, Refusal> {
        let busy = || Refusal::busy("requests", 100);
        let bytes = match &request {
            Request::Call { call, .. } => codec::encode(&***call).len(),
            Request::ProposeSettlement | Request::Guard { .. } => 1,
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| busy())?;
        let (answer, result) = oneshot::channel();
        let command = Command::Request { request, answer, room };
        self.commands.try_send(command).map_err(|_| busy())?;
        result.await.unwrap_or_else(|_| {
            let reason = "it was stopped, or the disk failed: send the request again".into();
            Err(Refusal::NotReady { what: "the channel".into(), reason })
        })
    }

    /// Hands over a peer's or the chain's word; waits while the channel is busy. `room` is given
    /// back once it is handled.
    pub async fn input(&self, input: Input, room: Option<OwnedSemaphorePermit>) {
        let _ = self.commands.send(Command::Input { input, room }).await;
    }

    #[must_use]
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// Wakes whenever the view is replaced.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    /// Blocks and heights from now on.
    #[must_use]
    pub fn updates(&self) -> broadcast::Receiver<Arc<Update>> {
        self.updates.subscribe()
    }

    /// Ends the loop once what it is doing is stored.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

/// What a channel is run with.
pub struct Parts<O, C> {
    pub env: Env,
    pub sandbox: Arc<MoveSandbox>,
    pub store: ChannelStore,
    /// Blocks kept below the last settled one; all when there is no bound.
    pub keep_blocks: Option<u64>,
    pub peers: O,
    pub chain: C,
}

struct Driver<O, C> {
    env: Env,
    channel: Channel,
    sandbox: Arc<MoveSandbox>,
    writer: Writer,
    /// Whether a sync of what was written is on its way.
    syncing: Arc<AtomicBool>,
    keep_blocks: Option<u64>,
    peers: O,
    parts: PartServer<O>,
    chain: C,
    progress: Progress,
    answers: BTreeMap<RequestId, Answer>,
    next_request: u64,
    served: BTreeMap<NodeId, std::time::Instant>,
    view: watch::Sender<Arc<View>>,
    updates: broadcast::Sender<Arc<Update>>,
}

/// Recovers the channel from its store and runs it on a thread of its own.
pub fn start<O: Outbox, C: ChainOutbox>(parts: Parts<O, C>) -> Result<ChannelHandle, StoreError> {
    let (log, writer) = parts.store.recover()?;
    let id = parts.env.channel;
    let mut channel = Channel::restore(parts.env.clone(), log);
    channel.keep_parts(parts.store.parts()?);
    let (view_sender, view) = watch::channel(Arc::new(view_of(&channel, writer.pruned(), None)));
    let (commands, inbox) = mpsc::channel(INBOX);
    let updates = broadcast::Sender::new(UPDATES);
    let (stop, stopping) = watch::channel(false);
    let (end, ended) = watch::channel(());
    let sandbox = Arc::clone(&parts.sandbox);
    let driver = Driver {
        env: parts.env,
        channel,
        sandbox: parts.sandbox,
        writer,
        syncing: Arc::default(),
        keep_blocks: parts.keep_blocks,
        parts: PartServer::new(parts.peers.clone()),
        peers: parts.peers,
        progress: Progress::default(),
        chain: parts.chain,
        answers: BTreeMap::new(),
        next_request: 0,
        served: BTreeMap::new(),
        view: view_sender,
        updates: updates.clone(),
    };
    let runtime = Handle::current();
    thread::Builder::new()
        .name(format!("channel-{}", id.short()))
        .spawn(move || {
            driver.run(&runtime, inbox, stopping);
            drop(end);
        })
        .map_err(|error| StoreError::Damaged { channel: id, reason: error.to_string() })?;
    let stop = Arc::new(stop);
    let (store, room) = (parts.store, Arc::new(Semaphore::new(INBOX_BYTES)));
    Ok(ChannelHandle { id, sandbox, store, commands, room, view, updates, stop, ended })
}

impl<O: Outbox, C: ChainOutbox> Driver<O, C> {
    fn run(
        mut self,
        runtime: &Handle,
        mut inbox: mpsc::Receiver<Command>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let mut group = Vec::with_capacity(GROUP);
        if let Err(failed) = self.resume(runtime) {
            self.suspend(runtime, &failed, &mut inbox, &mut stopping);
        }
        loop {
            let wait = Duration::from_millis(self.channel.deadline().since(clock()).max(1));
            let received = runtime.block_on(async {
                tokio::select! {
                    biased;
                    _ = stopping.wait_for(|stop| *stop) => None,
                    count = timeout(wait, inbox.recv_many(&mut group, GROUP)) => Some(count.ok()),
                }
            });
            match received {
                None | Some(Some(0)) => return,
                Some(Some(_) | None) => {}
            }
            if let Err(failed) = self.handle(group.drain(..), runtime) {
                self.suspend(runtime, &failed, &mut inbox, &mut stopping);
            }
        }
    }

    /// P-90: a channel whose last writes may be gone asks the others, under a number of its own.
    fn resume(&mut self, runtime: &Handle) -> Result<(), StoreError> {
        if !self.channel.log().is_tail_lost() {
            return Ok(());
        }
        let nonce = getrandom::u64().unwrap_or_else(|_| clock().0);
        let step = self.channel.handle(clock(), &&*self.sandbox, Input::TailLost { nonce });
        self.store(&step.events, Height::ZERO, runtime)?;
        let targets = self.targets();
        step.effects.into_iter().for_each(|effect| self.perform(effect, &targets, runtime));
        Ok(())
    }

    /// P-2: decide, store, perform: in this order. What this node signed is on the disk before
    /// anything leaves.
    fn handle(
        &mut self,
        commands: impl Iterator<Item = Command>,
        runtime: &Handle,
    ) -> Result<(), StoreError> {
        let now = clock();
        let finalised = self.channel.log().finalised();
        let mut group = Step::default();
        for command in commands {
            let input = self.admit(command);
            self.decide(now, input, &mut group);
        }
        if self.channel.deadline() <= now {
            self.decide(now, Input::Timeout, &mut group);
        }
        self.decide(now, Input::Flush, &mut group);
        self.store(&group.events, finalised, runtime)?;
        self.note(&group.events);
        self.progress.note(&self.env, self.channel.catching_up());
        // Before any answer leaves: who is told of its call sees it in the next read.
        self.publish();
        let targets = self.targets();
        for effect in group.effects {
            self.perform(effect, &targets, runtime);
        }
        self.prune()?;
        self.parts.tidy();
        if self.writer.wants_snapshot() {
            self.writer.take_snapshot(self.channel.log())?;
        }
        Ok(())
    }

    fn store(
        &mut self,
        events: &[Event],
        finalised: Height,
        runtime: &Handle,
    ) -> Result<(), StoreError> {
        if events.iter().any(|event| matches!(event, Event::Adopted(_))) {
            let archive = self.keep_blocks.is_none().then_some(finalised);
            return self.writer.adopt(events, self.channel.log(), archive);
        }
        let durability = self.channel.log().durability();
        let binds = events.iter().any(|event| event.binds(durability));
        if !binds && !events.is_empty() {
            self.sync_soon(runtime);
        }
        self.writer.append(events, binds)
    }

    /// What nobody waits for is on the disk a little later.
    fn sync_soon(&self, runtime: &Handle) {
        if self.syncing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (store, syncing) = (self.writer.store().clone(), Arc::clone(&self.syncing));
        let failed = store.clone();
        let channel = self.env.channel.short();
        runtime.spawn(async move {
            sleep(SYNC_AFTER).await;
            syncing.store(false, Ordering::Release);
            if let Ok(Err(error)) = spawn_blocking(move || store.sync()).await {
                warn!(channel, %error, "what was written is not synced");
                failed.note_failure();
            }
        });
    }

    /// P-87: what is settled, and in the books of a final block, is kept no more.
    fn prune(&mut self) -> Result<(), StoreError> {
        let Some(keep) = self.keep_blocks else { return Ok(()) };
        let settled = self.channel.booked_settlement();
        self.writer.prune(Height(settled.0.saturating_sub(keep)), self.channel.log())
    }

    fn decide(&mut self, now: Time, input: Input, group: &mut Step) {
        let step = self.channel.handle(now, &&*self.sandbox, input);
        group.events.extend(step.events);
        group.effects.extend(step.effects);
    }

    fn admit(&mut self, command: Command) -> Input {
        match command {
            Command::Input { input, room } => {
                drop(room);
                input
            }
            Command::Request { request, answer, room } => {
                drop(room);
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.answers.insert(id, answer);
                Input::Client { id, request }
            }
        }
    }

    fn note(&self, events: &[Event]) {
        let channel = self.env.channel.short();
        for event in events {
            match event {
                Event::Started { record, .. } => {
                    info!(channel, members = record.founders.len(), "channel started");
                }
                Event::TermStarted { grant } => {
                    info!(channel, epoch = grant.epoch.0, leader = %grant.leader, "epoch granted");
                }
                Event::Promised { promise } => {
                    let term = promise.term().to_string();
                    info!(channel, term, "promised a new term");
                }
                Event::SettledOnChain { height } => {
                    info!(channel, height = height.0, "the chain settled what few had certified");
                }
                Event::RolledBack { to } => {
                    warn!(
                        channel,
                        to = to.0,
                        "blocks taken back: a later term goes on without them"
                    );
                }
                Event::Diverged { evidence } => {
                    let (accused, kind) = (evidence.accused().short(), evidence.kind());
                    let (term, height) = evidence.place();
                    error!(
                        channel,
                        accused,
                        kind,
                        %term,
                        height = height.0,
                        evidence = %evidence.hash(),
                        "a member broke a rule: see `fairway evidence`"
                    );
                }
                Event::Proposed { proposal } => {
                    let number = proposal.proposal.number;
                    info!(
                        channel,
                        number,
                        to = proposal.proposal.to_height.0,
                        "settlement proposed"
                    );
                }
                Event::Voted { vote } => {
                    info!(channel, yes = vote.vote.yes, reason = vote.reason, "settlement voted");
                }
                Event::Adopted(adopted) => {
                    let (height, entries) = (adopted.checkpoint.height().0, adopted.state.len());
                    info!(channel, height, entries, "went on from a snapshot");
                }
                Event::TailLost => {
                    warn!(
                        channel,
                        "the last writes may be gone: signing nothing until others answered"
                    );
                }
                Event::Recovered { silent_to } => {
                    let term = silent_to.to_string();
                    info!(
                        channel,
                        term, "others told what this node signed: signing after this term"
                    );
                }
                Event::Appended(_) | Event::Acked { .. } | Event::Certified { .. } => {}
            }
        }
    }

    fn perform(&mut self, effect: Effect, targets: &BTreeSet<NodeId>, runtime: &Handle) {
        match effect {
            Effect::Send { to, message } => self.peers.send(to, &message.encode().into()),
            Effect::Broadcast(message) => {
                let frame: Arc<[u8]> = message.encode().into();
                for to in targets {
                    self.peers.send(*to, &frame);
                }
            }
            Effect::Reply { id, result } => {
                if let Some(answer) = self.answers.remove(&id) {
                    let _ = answer.send(result);
                }
            }
            Effect::Submit(tx) => self.chain.submit(tx),
            Effect::DryRun { proposal } => self.chain.dry_run(*proposal),
            Effect::ReadWaiting => self.chain.read_waiting(),
            Effect::Refresh => self.chain.refresh(),
            Effect::Publish(update) => {
                self.note_verdict(&update);
                let _ = self.updates.send(Arc::new(update));
            }
            Effect::ServeBlocks { to, from } => self.serve(to, from),
            Effect::ServePart { to, height, root, prefix } => {
                if !self.parts.has(&root)
                    && let Some(state) = self.channel.state_at(height, &root)
                {
                    self.parts.keep(root, state);
                }
                self.parts.serve(runtime, to, root, prefix);
            }
            // What is lost here comes again from the others.
            Effect::KeepPart { prefix, entries } => {
                if let Err(error) = self.writer.keep_part(prefix, &entries) {
                    warn!(channel = self.env.channel.short(), %error, "a part is not kept");
                }
            }
            Effect::ForgetParts => {
                if let Err(error) = self.writer.forget_parts() {
                    warn!(channel = self.env.channel.short(), %error, "parts are not forgotten");
                }
            }
        }
    }

    /// Every other node that is a member in the log or on the chain.
    fn targets(&self) -> BTreeSet<NodeId> {
        let log = self.channel.log().tip().map(|tip| tip.members);
        let chain = self.channel.chain().record().map(|record| &record.members);
        let in_log = log.iter().flat_map(|members| members.keys().copied());
        let on_chain = chain.into_iter().flatten().map(|member| member.record.node);
        in_log.chain(on_chain).filter(|node| *node != self.channel.node()).collect()
    }

    fn note_verdict(&self, update: &Update) {
        let Update::Judged(judged) = update else { return };
        if judged.reporter != self.channel.node() {
            info!(
                channel = self.env.channel.short(),
                accused = judged.accused.short(),
                reporter = judged.reporter.short(),
                kind = judged.kind,
                verdict = ?judged.verdict,
                "judged a report"
            );
        }
    }

    fn serve(&mut self, to: NodeId, from: Height) {
        let asked = self.served.insert(to, std::time::Instant::now());
        if asked.is_some_and(|asked| asked.elapsed() < SERVE_EVERY) || !self.peers.reads(to) {
            return;
        }
        let log = self.channel.log();
        let store = self.writer.store();
        let read = |height: Height| match log.entry(height) {
            Some(entry) => Some(CertifiedBlock {
                block: Arc::clone(&entry.block),
                certificate: entry.certificate.clone(),
            }),
            None if height > log.head() => None,
            None => {
                let appended = store.block(height).ok()??;
                Some(CertifiedBlock { block: appended.block, certificate: None })
            }
        };
        if let Some(message) = sync::answer(from, log.head(), read) {
            self.peers.send(to, &message.encode().into());
        }
    }

    fn publish(&self) {
        let before = Arc::clone(&self.view.borrow());
        self.view.send_replace(Arc::new(view_of(
            &self.channel,
            self.writer.pruned(),
            Some(&before),
        )));
    }

    /// The disk takes no writes: nothing is signed or answered until it does again, and the channel
    /// is rebuilt from what is stored, since memory ran ahead of it.
    fn suspend(
        &mut self,
        runtime: &Handle,
        failed: &StoreError,
        inbox: &mut mpsc::Receiver<Command>,
        stopping: &mut watch::Receiver<bool>,
    ) {
        error!(channel = self.env.channel.short(), %failed, "can't store: signing nothing until it works");
        self.writer.store().note_failure();
        let refusal = Refusal::StorageFull { reason: failed.to_string() };
        for (_, answer) in std::mem::take(&mut self.answers) {
            let _ = answer.send(Err(refusal.clone()));
        }
        // Readers keep what was stored: the channel in memory ran ahead of it.
        let stored = Arc::clone(&self.view.borrow());
        let storage = Some(failed.to_string());
        self.view.send_replace(Arc::new(View { storage, ..(*stored).clone() }));
        loop {
            if self.wait_refusing(runtime, &refusal, inbox, stopping) {
                return;
            }
            match self.rebuild(runtime) {
                Ok(()) => break,
                Err(error) => {
                    warn!(channel = self.env.channel.short(), %error, "still can't store")
                }
            }
        }
        info!(channel = self.env.channel.short(), "storing again");
        self.publish();
    }

    /// Refuses what comes for a while; whether the channel is to stop.
    fn wait_refusing(
        &self,
        runtime: &Handle,
        refusal: &Refusal,
        inbox: &mut mpsc::Receiver<Command>,
        stopping: &mut watch::Receiver<bool>,
    ) -> bool {
        runtime.block_on(async {
            let until = tokio::time::sleep(STORE_RETRY);
            tokio::pin!(until);
            loop {
                tokio::select! {
                    _ = stopping.wait_for(|stop| *stop) => return true,
                    () = &mut until => return false,
                    command = inbox.recv() => match command {
                        Some(Command::Request { answer, .. }) => {
                            let _ = answer.send(Err(refusal.clone()));
                        }
                        Some(Command::Input { .. }) => {}
                        None => return true,
                    },
                }
            }
        })
    }

    fn rebuild(&mut self, runtime: &Handle) -> Result<(), StoreError> {
        self.writer.reopen()?;
        let (mut log, mut writer) = self.writer.store().recover()?;
        // A snapshot is a write that changes nothing: it shows that the disk takes them again.
        writer.take_snapshot(&log)?;
        if log.durability() == Durability::Replicated {
            // What was written before, and not synced, may not have come through.
            writer.append(&[Event::TailLost], true)?;
            log.apply(&Event::TailLost);
        }
        self.channel = Channel::restore(self.env.clone(), log);
        self.writer = writer;
        self.chain.refresh();
        self.resume(runtime)
    }
}

/// What was last said in the log about a snapshot under way.
#[derive(Default)]
struct Progress {
    said: Option<(Height, u64)>,
    refused: usize,
}

impl Progress {
    /// Says when a snapshot begins, each tenth of it, and which peers sent what is not the state's.
    fn note(&mut self, env: &Env, now: Option<CatchingUp>) {
        let Some(now) = now else {
            self.said = None;
            return;
        };
        let channel = env.channel.short();
        if now.refused.len() > self.refused {
            self.refused = now.refused.len();
            warn!(channel, peers = ?now.refused, "peers sent parts that are not the state's");
        }
        let tenth = now.tenths();
        if self.said != Some((now.height, tenth)) {
            self.said = Some((now.height, tenth));
            info!(
                channel,
                height = now.height.0,
                parts = now.parts,
                parts_known = now.parts_known,
                entries = now.entries,
                of_entries = now.of_entries,
                bytes = now.bytes,
                peers = now.sources.len(),
                "taking a snapshot"
            );
        }
    }
}

fn view_of(channel: &Channel, pruned: Height, before: Option<&View>) -> View {
    let log = channel.log();
    let at = |height: Height, before: Option<&Option<Tip>>| {
        log.tip_at(height).or_else(|| before.cloned().flatten())
    };
    let first = || Some(Arc::new(log.genesis()?.record.clone()));
    let known = before.and_then(|view| view.record.clone());
    View {
        node: channel.node(),
        status: channel.status(),
        record: channel.chain().shared_record().or(known).or_else(first),
        head: log.tip(),
        certified: at(log.certified(), before.map(|view| &view.certified)),
        finalised: at(log.finalised(), before.map(|view| &view.finalised)),
        proposal: channel.proposal(),
        settlement_error: channel.settlement_error().map(str::to_owned),
        verdicts: channel.verdicts().cloned().collect(),
        evidence: log.shared_evidence().to_vec(),
        pruned,
        storage: None,
    }
}

/// What the chain's watcher hands in.
pub async fn observe(handle: &ChannelHandle, observation: Observation) {
    handle.input(Input::Chain(observation), None).await;
}

/// This machine's clock.
#[must_use]
pub fn clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
