//! One simulated node: a real channel, its stored events, and what it forgets in a crash.

use std::rc::Rc;

use fairway_proto::{
    Channel, Env, Event, Input, Limits, Step,
    channel::log::{Digest, Log},
};
use fairway_types::{ChannelId, Execute, Keypair, Time, codec};

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
        let mut log = Log::default();
        for bytes in &self.stored {
            match codec::decode::<Event>("event", bytes) {
                Ok(event) => log.apply(&event),
                Err(error) => unreachable!("a stored event does not decode: {error}"),
            }
        }
        log
    }

    #[must_use]
    pub fn digest(&self) -> Digest {
        self.channel.log().digest()
    }

    pub fn restart(&mut self) {
        let log = self.replayed();
        self.channel = Channel::restore(env(self.keypair.clone(), self.channel_id), log);
        self.up = true;
    }
}

fn env(keypair: Keypair, channel: ChannelId) -> Env {
    Env { chain: CHAIN, channel, keypair, limits: Limits::default() }
}
