//! One simulated node: a real channel, its stored events, and what it forgets in a crash.

use std::{collections::BTreeMap, rc::Rc, sync::Arc};

use fairway_proto::{
    Channel, Env, Event, Input, Limits, Step,
    channel::{
        log::{Digest, Log},
        snapshot::Snapshot,
    },
};
use fairway_types::{
    Block, ChannelId, Execute, Height, Keypair, Time, block::CertifiedBlock, chain::Durability,
    codec,
};

use crate::{chain::CHAIN, clock::Clock};

/// Where in the handling of a group a crash comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// Decided, and nothing stored.
    Decided,
    /// Stored, and so many of the effects performed.
    Performed(usize),
}

pub struct Node {
    pub keypair: Keypair,
    pub account: Keypair,
    pub channel: Channel,
    machine: Rc<dyn Execute>,
    /// Follows the protocol: the invariants hold for it.
    pub honest: bool,
    /// Gone for good: nothing is expected of it, and it did nothing wrong.
    pub gone: bool,
    /// Barred for what it could not answer in time.
    pub blamed: bool,
    /// Since when it is up and sees the chain.
    pub steady_since: Time,
    /// Events on disk: what survives a crash.
    pub stored: Vec<Vec<u8>>,
    /// How many of them are sure to survive: those up to the last that had to be synced.
    pub synced: usize,
    /// Where the groups end that were stored after those: each is written whole or not at all.
    pub writes: Vec<usize>,
    /// The blocks of the stored log, also those that memory has forgotten.
    blocks: BTreeMap<Height, Arc<Block>>,
    /// The last snapshot, and how many events it covers.
    pub snapshot: Option<(usize, Vec<u8>)>,
    pub up: bool,
    /// How often it was started: what is due to an earlier life never comes.
    pub life: u64,
    pub clock: Clock,
    /// The power failed: it comes back without what was not synced.
    pub tail_lost: bool,
    /// The node stands still, and what comes waits here.
    pub paused: bool,
    pub inbox: Vec<Input>,
    /// Where the next group that binds the node kills it.
    pub doom: Option<Boundary>,
    channel_id: ChannelId,
    limits: Limits,
}

impl Node {
    #[must_use]
    pub fn new(index: u8, channel_id: ChannelId, machine: Rc<dyn Execute>, limits: Limits) -> Self {
        let keypair = Keypair::from_seed(&[index + 1; 32]);
        let channel = Channel::new(env(keypair.clone(), channel_id, limits.clone()));
        Self {
            account: Keypair::from_seed(&[index + 101; 32]),
            keypair,
            channel,
            machine,
            honest: true,
            gone: false,
            blamed: false,
            steady_since: Time::ZERO,
            stored: Vec::new(),
            synced: 0,
            writes: Vec::new(),
            blocks: BTreeMap::new(),
            snapshot: None,
            up: true,
            life: 0,
            clock: Clock::default(),
            tail_lost: false,
            paused: false,
            inbox: Vec::new(),
            doom: None,
            channel_id,
            limits,
        }
    }

    /// Handles a group of inputs as the driver does: decide, then store; the caller performs.
    pub fn handle(&mut self, now: Time, inputs: Vec<Input>) -> Step {
        let group = self.decide(now, inputs);
        self.store(&group.events, group.binds(self.durability()));
        group
    }

    /// What follows from a group of inputs; nothing of it is stored.
    pub fn decide(&mut self, now: Time, inputs: Vec<Input>) -> Step {
        decide(&mut self.channel, &*self.machine, now, inputs)
    }

    /// The same, on another machine than its own.
    pub(crate) fn decide_on(
        &mut self,
        machine: &dyn Execute,
        now: Time,
        inputs: Vec<Input>,
    ) -> Step {
        decide(&mut self.channel, machine, now, inputs)
    }

    /// Stores a group's events in one write, synced if the group binds.
    pub fn store(&mut self, events: &[Event], binds: bool) {
        self.stored.extend(events.iter().map(codec::encode));
        for event in events {
            index(&mut self.blocks, event);
        }
        if !events.is_empty() {
            self.writes.push(self.stored.len());
        }
        if binds {
            self.synced = self.stored.len();
            self.writes.clear();
        }
    }

    #[must_use]
    pub fn durability(&self) -> Durability {
        self.channel.log().durability()
    }

    /// A second channel of the same node, that goes on from here as if it were alone.
    #[must_use]
    pub fn twin(&self) -> Channel {
        let env = env(self.keypair.clone(), self.channel_id, self.limits.clone());
        Channel::restore(env, self.channel.log().clone())
    }

    #[must_use]
    pub fn machine(&self) -> Rc<dyn Execute> {
        Rc::clone(&self.machine)
    }

    /// From now on the node cheats with this machine.
    pub fn corrupt(&mut self, machine: Rc<dyn Execute>) {
        self.machine = machine;
        self.honest = false;
    }

    /// The log that replaying the stored events gives.
    #[must_use]
    pub fn replayed(&self) -> Log {
        apply_all(Log::default(), &self.stored)
    }

    /// Stores the log as it is, so that a restart replays only what comes after.
    pub fn take_snapshot(&mut self) {
        self.snapshot = Some((self.stored.len(), codec::encode(&self.channel.log().snapshot())));
    }

    /// The power fails: of what was written and not synced some is gone, as many groups as
    /// `choose` says of so many.
    pub fn lose_tail(&mut self, choose: impl FnOnce(usize) -> usize) {
        self.tail_lost = self.durability() == Durability::Replicated;
        let kept = self.writes.len() - choose(self.writes.len());
        self.writes.truncate(kept);
        let written = self.writes.last().copied().unwrap_or(self.synced);
        let snapshot = self.snapshot.as_ref().map_or(0, |(events, _)| *events);
        self.stored.truncate(written.max(snapshot));
    }

    /// The log that the last snapshot and the events after it give.
    #[must_use]
    pub fn recovered(&self) -> Log {
        let Some((events, bytes)) = &self.snapshot else { return self.replayed() };
        match codec::decode::<Snapshot>("snapshot", bytes) {
            Ok(snapshot) => apply_all(Log::restore(snapshot), &self.stored[*events..]),
            Err(error) => unreachable!("a stored snapshot does not decode: {error}"),
        }
    }

    /// Where the node stands, in a line: its last blocks as `height:hash@term`.
    #[must_use]
    pub fn standing(&self) -> String {
        let status = self.channel.status();
        let log = self.channel.log();
        let blocks: Vec<String> = log
            .entries_from(Height(status.head.0.saturating_sub(6)))
            .map(|entry| {
                let opens = if entry.block.opening.is_some() { "*" } else { "" };
                let header = &entry.block.header;
                format!("{}:{}@{}{opens}", header.height, entry.hash.short(), header.term)
            })
            .collect();
        format!(
            "{} {:?} term {} head {} certified {} final {} settled {}: {}",
            self.keypair.node_id().short(),
            status.role,
            status.term,
            status.head,
            status.certified,
            status.finalised,
            status.settled,
            blocks.join(" ")
        )
    }

    /// What it hands out: from memory with its certificate, further down from the store.
    #[must_use]
    pub fn block(&self, height: Height) -> Option<CertifiedBlock> {
        match self.channel.log().entry(height) {
            Some(entry) => Some(CertifiedBlock {
                block: Arc::clone(&entry.block),
                certificate: entry.certificate.clone(),
            }),
            None => {
                let block = Arc::clone(self.blocks.get(&height)?);
                Some(CertifiedBlock { block, certificate: None })
            }
        }
    }

    /// Blocks of the stored log, ascending.
    pub fn blocks(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.blocks.values()
    }

    /// Up to where the stored log passes over blocks: it goes on from a snapshot there.
    #[must_use]
    pub fn passed(&self) -> Height {
        let mut adopted =
            self.stored.iter().map(|bytes| event(bytes)).filter_map(|event| match event {
                Event::Adopted(adopted) => Some(adopted.checkpoint.height()),
                _ => None,
            });
        adopted.next_back().unwrap_or(Height::ZERO)
    }

    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits.clone()
    }

    /// Members registered at the head.
    #[must_use]
    pub fn registered(&self) -> usize {
        self.channel.log().tip().map_or(0, |tip| tip.members.len())
    }

    /// The fewest members registered from the final block to the head.
    #[must_use]
    pub fn settled_members(&self) -> usize {
        let log = self.channel.log();
        let sets = log.sets_before(log.head().next());
        sets.map(|members| members.len()).min().unwrap_or(0)
    }

    #[must_use]
    pub fn digest(&self) -> Digest {
        self.channel.log().digest()
    }

    /// Comes back as a node does: from its last snapshot and the events after it.
    pub fn restart(&mut self) {
        let log = self.recovered();
        let env = env(self.keypair.clone(), self.channel_id, self.limits.clone());
        self.channel = Channel::restore(env, log);
        self.blocks.clear();
        for bytes in &self.stored {
            index(&mut self.blocks, &event(bytes));
        }
        self.writes.clear();
        self.synced = self.stored.len();
        self.inbox.clear();
        (self.up, self.paused, self.doom) = (true, false, None);
        self.life += 1;
    }
}

/// Decides a group as the driver does: its inputs, the time if it has come, the end of the group.
pub fn decide(channel: &mut Channel, machine: &dyn Execute, now: Time, inputs: Vec<Input>) -> Step {
    let mut group = Step::default();
    let mut handle = |channel: &mut Channel, input| {
        let step = channel.handle(now, &machine, input);
        group.events.extend(step.events);
        group.effects.extend(step.effects);
    };
    for input in inputs {
        handle(channel, input);
    }
    if channel.deadline() <= now {
        handle(channel, Input::Timeout);
    }
    handle(channel, Input::Flush);
    group
}

fn apply_all(mut log: Log, stored: &[Vec<u8>]) -> Log {
    for bytes in stored {
        log.apply(&event(bytes));
    }
    log
}

/// A stored event.
#[must_use]
pub fn event(bytes: &[u8]) -> Event {
    match codec::decode("event", bytes) {
        Ok(event) => event,
        Err(error) => unreachable!("a stored event does not decode: {error}"),
    }
}

fn index(blocks: &mut BTreeMap<Height, Arc<Block>>, event: &Event) {
    match event {
        Event::Appended(appended) => {
            blocks.insert(appended.block.height(), Arc::clone(&appended.block));
        }
        Event::RolledBack { to } => drop(blocks.split_off(&to.next())),
        // As a node does that is no archive.
        Event::Adopted(_) => blocks.clear(),
        _ => {}
    }
}

fn env(keypair: Keypair, channel: ChannelId, limits: Limits) -> Env {
    Env { chain: CHAIN, channel, keypair, limits }
}
