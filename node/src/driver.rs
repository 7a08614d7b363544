//! One channel's loop: the only place where events are stored and effects are performed.
//!
//! A thread a channel, since deciding runs the VM and storing waits for the disk. Inputs are drained
//! in groups; a group's events are stored in one write, and only then do its effects happen.

mod handle;
mod meter;
mod notes;
mod outbox;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fairway_proto::{Channel, Effect, Env, Event, Input, RequestId, Step, Update, sync};
use fairway_sandbox::MoveSandbox;
use fairway_types::{
    Height, NodeId, Refusal, Time,
    block::CertifiedBlock,
    chain::{Durability, Observation},
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, broadcast, mpsc, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tracing::{error, info, warn};

use self::{
    handle::{Answer, Command},
    meter::Counting,
    notes::Notes,
};
pub use self::{
    handle::{ChannelHandle, View},
    meter::{ChannelMeter, Refusals},
    outbox::{Altered, Alters, ChainOutbox, Outbox},
};
use crate::{
    parts::PartServer,
    past::Past,
    store::{ChannelStore, StoreError, Writer},
    traces::{CallTraces, Following, Tracer},
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
/// Between two looks for requests whose clients are gone.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a write that nobody waits for stays unsynced.
const SYNC_AFTER: Duration = Duration::from_millis(100);
/// Between two tries to store again after the disk failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// What a channel is run with.
pub struct Parts<O, C> {
    pub env: Env,
    pub sandbox: Arc<MoveSandbox>,
    pub store: ChannelStore,
    /// Blocks kept below the last settled one; all when there is no bound.
    pub keep_blocks: Option<u64>,
    pub peers: O,
    pub chain: C,
    pub traces: Option<Arc<Tracer>>,
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
    past: Arc<Past>,
    chain: C,
    notes: Notes,
    counting: Counting,
    /// Notes times, if anything is traced.
    following: Option<Following>,
    answers: BTreeMap<RequestId, Answer>,
    next_request: u64,
    /// When requests whose clients are gone were last looked for.
    looked_at: Instant,
    served: BTreeMap<NodeId, Instant>,
    view: watch::Sender<Arc<View>>,
    updates: broadcast::Sender<Arc<Update>>,
}

/// Recovers the channel from its store and runs it on a thread of its own.
pub fn start<O: Outbox, C: ChainOutbox>(parts: Parts<O, C>) -> Result<ChannelHandle, StoreError> {
    let (log, writer) = parts.store.recover()?;
    let id = parts.env.channel;
    let mut channel = Channel::restore(parts.env.clone(), log);
    channel.keep_parts(parts.store.parts()?);
    let (view_sender, view) = watch::channel(Arc::new(View::of(&channel, writer.pruned(), None)));
    let (commands, inbox) = mpsc::channel(INBOX);
    let updates = broadcast::Sender::new(UPDATES);
    let (stop, stopping) = watch::channel(false);
    let (end, ended) = watch::channel(());
    let sandbox = Arc::clone(&parts.sandbox);
    let (meter, past) = (Arc::<ChannelMeter>::default(), Arc::<Past>::default());
    let traces = parts.traces.map(|tracer| Arc::new(CallTraces::new(tracer, id)));
    let me = parts.env.keypair.node_id();
    let driver = Driver {
        env: parts.env,
        channel,
        sandbox: parts.sandbox,
        writer,
        syncing: Arc::default(),
        keep_blocks: parts.keep_blocks,
        parts: PartServer::new(parts.peers.clone()),
        past: Arc::clone(&past),
        peers: parts.peers,
        notes: Notes::new(id),
        counting: Counting::new(Arc::clone(&meter)),
        following: traces.clone().map(|calls| Following::new(calls, me)),
        chain: parts.chain,
        answers: BTreeMap::new(),
        next_request: 0,
        looked_at: Instant::now(),
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
    Ok(ChannelHandle {
        id,
        sandbox,
        store,
        past,
        commands,
        room,
        view,
        updates,
        stop,
        ended,
        meter,
        traces,
    })
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
            if self.channel.has_ended() {
                info!(channel = self.env.channel.short(), "done with the channel");
                return;
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
        let binds = step.binds(self.channel.log().durability());
        self.store(&step.events, binds, Height::ZERO, runtime)?;
        let targets = self.targets();
        step.effects.into_iter().for_each(|effect| self.perform(effect, &targets, runtime));
        Ok(())
    }

    /// P-2: decide, store, perform: in this order. What binds this node is on the disk before anything
    /// leaves.
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
        if let Some(requests) = self.gone() {
            self.decide(now, Input::Gone { requests }, &mut group);
        }
        if self.channel.deadline() <= now {
            self.decide(now, Input::Timeout, &mut group);
        }
        self.decide(now, Input::Flush, &mut group);
        let binds = group.binds(self.channel.log().durability());
        self.store(&group.events, binds, finalised, runtime)?;
        self.notes.events(&group.events);
        self.counting.events(&group.events);
        if let Some(following) = &mut self.following {
            following.stored(&group.events, &self.channel);
        }
        self.notes.progress(self.channel.catching_up());
        // Before any answer leaves: who is told of its call sees it in the next read.
        self.publish();
        let targets = self.targets();
        for effect in group.effects {
            self.perform(effect, &targets, runtime);
        }
        self.prune()?;
        self.parts.tidy();
        self.past.tidy();
        if self.writer.wants_snapshot() {
            self.writer.take_snapshot(self.channel.log())?;
        }
        Ok(())
    }

    fn store(
        &mut self,
        events: &[Event],
        binds: bool,
        finalised: Height,
        runtime: &Handle,
    ) -> Result<(), StoreError> {
        if events.iter().any(|event| matches!(event, Event::Adopted(_))) {
            let archive = self.keep_blocks.is_none().then_some(finalised);
            return self.writer.adopt(events, self.channel.log(), archive);
        }
        if events.is_empty() {
            return if binds { self.writer.store().sync() } else { Ok(()) };
        }
        if !binds {
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
        let began = self.following.as_ref().map(|_| SystemTime::now());
        let step = self.channel.handle(now, &&*self.sandbox, input);
        if let (Some(following), Some(began)) = (&mut self.following, began) {
            following.decided(began, &step.events);
        }
        group.events.extend(step.events);
        group.effects.extend(step.effects);
    }

    /// Requests whose clients don't wait any more, looked for now and then.
    fn gone(&mut self) -> Option<BTreeSet<RequestId>> {
        if self.looked_at.elapsed() < LOOK_EVERY {
            return None;
        }
        self.looked_at = Instant::now();
        let closed = self.answers.extract_if(.., |_, answer| answer.is_closed());
        let gone: BTreeSet<RequestId> = closed.map(|(id, _)| id).collect();
        (!gone.is_empty()).then_some(gone)
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
                self.notes.verdict(&update, self.channel.node());
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

    fn serve(&mut self, to: NodeId, from: Height) {
        let asked = self.served.insert(to, Instant::now());
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
        self.view.send_replace(Arc::new(View::of(
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
        self.counting.forget();
        if let Some(following) = &mut self.following {
            following.forget();
        }
        self.writer = writer;
        self.chain.refresh();
        self.resume(runtime)
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
