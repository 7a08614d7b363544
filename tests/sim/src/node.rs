//! One simulated node: a real channel, its stored events, and what it forgets in a crash.

use std::rc::Rc;

use fairway_proto::{
    Channel, Env, Event, Input, Limits, Step,
    channel::{
        log::{Digest, Log},
        snapshot::Snapshot,
    },
};
use fairway_types::{ChannelId, Execute, Height, Keypair, Time, codec};

use crate::chain::CHAIN;

pub struct Node {
    pub keypair: Keypair,
    pub account: Keypair,
    pub channel: Channel,
    machine: Rc<dyn Execute>,
    /// Follows the protocol: the invariants hold for it.
    pub honest: bool,
    /// Events on disk: what survives a crash.
    pub stored: Vec<Vec<u8>>,
    /// How many of them are sure to survive: those up to the last that had to be synced.
    pub synced: usize,
    /// The last snapshot, and how many events it covers.
    pub snapshot: Option<(usize, Vec<u8>)>,
    pub up: bool,
    pub next_sequence: u64,
    channel_id: ChannelId,
}

impl Node {
    #[must_use]
    pub fn new(index: u8, channel_id: ChannelId, machine: Rc<dyn Execute>) -> Self {
        let keypair = Keypair::from_seed(&[index + 1; 32]);
        let channel = Channel::new(env(keypair.clone(), channel_id));
        Self {
            account: Keypair::from_seed(&[index + 101; 32]),
            keypair,
            channel,
            machine,
            honest: true,
            stored: Vec::new(),
            synced: 0,
            snapshot: None,
            up: true,
            next_sequence: 0,
            channel_id,
        }
    }

    /// Handles a group of inputs as the driver does: decide, then store; the caller performs.
    pub fn handle(&mut self, now: Time, inputs: Vec<Input>) -> Step {
        let mut group = Step::default();
        for input in inputs.into_iter().chain([Input::Flush]) {
            let step = self.channel.handle(now, &&*self.machine, input);
            group.events.extend(step.events);
            group.effects.extend(step.effects);
        }
        self.stored.extend(group.events.iter().map(codec::encode));
        if group.events.iter().any(Event::binds) {
            self.synced = self.stored.len();
        }
        group
    }

    /// Handles a group and crashes between deciding and storing: nothing of it remains.
    pub fn handle_and_lose(&mut self, now: Time, inputs: Vec<Input>) {
        for input in inputs.into_iter().chain([Input::Flush]) {
            self.channel.handle(now, &&*self.machine, input);
        }
        self.up = false;
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

    /// The power fails: what was written and not synced is gone.
    pub fn lose_tail(&mut self) {
        let snapshot = self.snapshot.as_ref().map_or(0, |(events, _)| *events);
        self.stored.truncate(self.synced.max(snapshot));
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

    #[must_use]
    pub fn digest(&self) -> Digest {
        self.channel.log().digest()
    }

    /// Comes back as a node does: from its last snapshot and the events after it.
    pub fn restart(&mut self) {
        let log = self.recovered();
        self.channel = Channel::restore(env(self.keypair.clone(), self.channel_id), log);
        self.up = true;
    }
}

fn apply_all(mut log: Log, stored: &[Vec<u8>]) -> Log {
    for bytes in stored {
        match codec::decode::<Event>("event", bytes) {
            Ok(event) => log.apply(&event),
            Err(error) => unreachable!("a stored event does not decode: {error}"),
        }
    }
    log
}

fn env(keypair: Keypair, channel: ChannelId) -> Env {
    Env { chain: CHAIN, channel, keypair, limits: Limits::default() }
}
