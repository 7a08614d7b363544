//! One channel on one node: the controller that routes inputs, and the state they work on.
//!
//! `handle` decides, records events and asks for effects. Events are applied as they are recorded;
//! the driver stores a group's events in one write and only then performs its effects, so that no
//! signature leaves before it is stored. Only [`Log`] is durable; everything else is rebuilt from
//! peers, clients and the chain.

pub mod accusing;
mod answering;
#[cfg(test)]
mod bench;
pub mod books;
mod bundles;
mod catch_up;
mod clients;
pub mod controller;
mod dry_run;
mod ending;
pub mod entered;
pub mod execution;
mod follower;
mod fork;
mod found;
pub mod ground;
mod guarding;
pub mod input;
pub mod judging;
mod leader;
pub mod load;
pub mod log;
pub mod output;
mod overlay;
mod peers;
mod pool;
mod prosecuting;
pub mod quorum;
pub mod recovery;
mod refuting;
pub mod selection;
pub mod sessions;
pub mod settling;
mod showing;
pub mod snapshot;
pub mod status;
mod timers;
mod view_change;
mod voting;
mod waiting;

use std::sync::Arc;

use fairway_types::{ChainId, ChannelId, Execute, Height, Keypair, NodeId, SignedCall, Time};

use self::{
    catch_up::CatchUp,
    clients::Clients,
    controller::ChainView,
    dry_run::DryRuns,
    guarding::Guarding,
    input::Input,
    judging::Judging,
    log::Log,
    output::{Effect, Event, Step, Update},
    peers::Peers,
    pool::Pool,
    prosecuting::Prosecuting,
    recovery::Recovery,
    refuting::Refuting,
    settling::Settling,
    timers::Timers,
    view_change::ViewChanges,
    voting::Voting,
    waiting::Waiting,
};

/// Bounds and intervals that are a node's own business; times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Calls waiting to be ordered.
    pub pool_calls: usize,
    /// Calls of one sender waiting to be ordered.
    pub pool_calls_per_sender: usize,
    /// BCS bytes of calls waiting to be ordered.
    pub pool_bytes: usize,
    pub pool_bytes_per_sender: usize,
    /// Uncertified blocks in flight.
    pub window: u64,
    /// Those beyond which only a full one is cut: calls that come meanwhile share the next.
    pub eager: u64,
    /// Calls in one block.
    pub block_calls: usize,
    /// Blocks held that came too early.
    pub waiting_blocks: usize,
    /// Requests of clients waiting for a status.
    pub waiting_requests: usize,
    /// BCS bytes of clients' calls on their way to the leader.
    pub on_the_way_bytes: usize,
    /// Between heartbeats to the other nodes.
    pub peer_heartbeat: u64,
    /// Between heartbeats to the contract.
    pub chain_heartbeat: u64,
    /// Until a call that was forwarded is sent again.
    pub resend: u64,
    /// Silence of the leader after which another one is chosen.
    pub leader_timeout: u64,
    /// Silence of every leader after which the chain is asked for an epoch.
    pub vacancy: u64,
    /// Blocks behind a member's last final one beyond which a snapshot is taken instead of them.
    pub sync_blocks_most: u64,
    /// Until an idle leader cuts an empty block to make its last one final.
    pub finality_delay: u64,
    /// Until a certificate is told that no block has carried, and that only makes final what was
    /// certified already.
    pub tell_delay: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pool_calls: 20_000,
            pool_calls_per_sender: 4_096,
            pool_bytes: 64 << 20,
            pool_bytes_per_sender: 16 << 20,
            window: 16,
            eager: 2,
            block_calls: 1_024,
            waiting_blocks: 64,
            waiting_requests: 20_000,
            on_the_way_bytes: 32 << 20,
            peer_heartbeat: 250,
            chain_heartbeat: fairway_types::limits::HEARTBEAT_INTERVAL,
            resend: 500,
            leader_timeout: 1_000,
            vacancy: 10_000,
            sync_blocks_most: log::KEPT_BLOCKS as u64,
            finality_delay: 50,
            tell_delay: 5,
        }
    }
}

/// Who this node is in the channel.
#[derive(Debug, Clone)]
pub struct Env {
    pub chain: ChainId,
    pub channel: ChannelId,
    pub keypair: Keypair,
    pub limits: Limits,
}

/// A channel as one node sees it.
#[derive(Debug)]
pub struct Channel {
    env: Arc<Env>,
    me: NodeId,
    now: Time,
    log: Log,
    chain: ChainView,
    pool: Pool,
    clients: Clients,
    peers: Peers,
    waiting: Waiting,
    catch_up: CatchUp,
    settling: Settling,
    voting: Voting,
    dry_runs: DryRuns,
    refuting: Refuting,
    guarding: Guarding,
    prosecuting: Prosecuting,
    changes: ViewChanges,
    judging: Judging,
    recovery: Recovery,
    timers: Timers,
    /// Whether the last block that this node cut was full, and calls that could be ordered wait.
    leaves_calls: bool,
    /// Calls of this node's member that leave for the leader with the end of the group.
    leaving: Vec<SignedCall>,
    /// Since when the chain's word is that this node is in the channel no more.
    out_since: Option<Time>,
    step: Step,
}

impl Channel {
    #[must_use]
    pub fn new(env: Env) -> Self {
        Self::restore(env, Log::default())
    }

    /// A channel that goes on from what was stored. The first inputs it needs are the chain's
    /// observation and a flush.
    #[must_use]
    pub fn restore(env: Env, log: Log) -> Self {
        let me = env.keypair.node_id();
        let settling = Settling::resume(&log, me);
        let clients = Clients::resume(&log);
        let judging = Judging::resume(&log, me);
        Self {
            me,
            now: Time::ZERO,
            log,
            chain: ChainView::default(),
            pool: Pool::default(),
            clients,
            peers: Peers::default(),
            waiting: Waiting::default(),
            catch_up: CatchUp::default(),
            settling,
            voting: Voting::default(),
            dry_runs: DryRuns::default(),
            refuting: Refuting::default(),
            guarding: Guarding::default(),
            prosecuting: Prosecuting::default(),
            changes: ViewChanges::default(),
            judging,
            recovery: Recovery::default(),
            timers: Timers::default(),
            leaves_calls: false,
            leaving: Vec::new(),
            out_since: None,
            step: Step::default(),
            env: Arc::new(env),
        }
    }

    /// The same channel once more, as it would be after a restart.
    #[cfg(test)]
    fn clone_for_test(&self) -> Self {
        let mut copy = Self::restore((*self.env).clone(), self.log.clone());
        copy.now = self.now;
        copy
    }

    /// Decides what follows from `input`. Events are already applied when this returns; the driver
    /// stores them before it performs the effects.
    pub fn handle(&mut self, now: Time, vm: &impl Execute, input: Input) -> Step {
        self.now = self.now.max(now);
        self.changes.begin(self.now);
        match input {
            Input::Client { id, request } => self.on_request(id, request),
            Input::Gone { requests } => self.forget_requests(&requests),
            Input::Peer { from, message } => self.on_message(from, message.into_inner(), vm),
            Input::Chain(observation) => self.on_observation(observation, vm),
            Input::TailLost { nonce } => self.on_tail_lost(nonce),
            Input::Timeout => self.on_timeout(),
            Input::Flush => self.on_flush(vm),
        }
        std::mem::take(&mut self.step)
    }

    /// When [`Input::Timeout`] and a flush are due next.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.timers.next(self)
    }

    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.env.limits
    }

    /// The durable half, for reading.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    #[must_use]
    pub fn node(&self) -> NodeId {
        self.me
    }

    fn on_flush(&mut self, vm: &impl Execute) {
        self.leave_branch(vm);
        if self.leads() {
            self.drain_waiting(vm);
            self.take_own_calls();
            self.cut_block(vm);
            self.tell_certificates();
        } else {
            self.drain_waiting(vm);
            self.peers.tell_nothing();
            self.ack_head();
            self.forward_pool();
        }
        self.send_bundles();
        self.believe_settlement();
        self.settle();
        self.guard();
        self.recover();
    }

    /// P-2: an event is applied when it is recorded, and recorded nowhere else.
    fn record(&mut self, event: Event) {
        let before = (self.log.certified(), self.log.finalised(), self.log.settled());
        let (term, waits) = (self.log.term(), self.log.head() > before.0);
        self.log.apply(&event);
        self.guarding.follow(&event);
        self.step.events.push(event);
        if self.log.certified() > before.0 || !waits {
            self.note_moved(self.log.certified() > before.0);
        }
        if self.log.term() > term {
            self.note_entered();
        }
        let after = (self.log.certified(), self.log.finalised(), self.log.settled());
        if before != after {
            self.on_heights();
        }
    }

    fn perform(&mut self, effect: Effect) {
        self.step.effects.push(effect);
    }

    /// Heights hardened: subscribers and waiting clients hear of it.
    fn on_heights(&mut self) {
        let update = Update::Heights {
            certified: self.log.certified(),
            finalised: self.log.finalised(),
            settled: self.settled_here(),
            time: self.now,
        };
        self.perform(Effect::Publish(update));
        self.answer_hardened();
    }

    /// Whether nothing is ordered any more but the word of settlements: the log closed, or an exit
    /// ended the channel on the chain.
    pub(super) fn is_over(&self) -> bool {
        let record = self.chain.record();
        self.log.is_closed() || record.is_some_and(|record| record.windows.outcome.is_some())
    }

    /// P-7: whether this node is out for good: its leave is final, so nothing of it is missing.
    fn has_left(&self) -> bool {
        self.log.is_leaver(&self.me)
            && self
                .log
                .tip_at(self.log.finalised())
                .is_some_and(|tip| !tip.members.contains_key(&self.me))
    }

    /// Whether this node leads the term and may order.
    fn leads(&self) -> bool {
        self.log.leader() == Some(self.me) && self.log.evidence().is_none()
    }

    /// P-92: whether this node leads, and may sign blocks of the term.
    fn orders(&self) -> bool {
        self.leads() && self.log.may_sign(self.log.term())
    }

    /// Up to where this node's own blocks are settled.
    fn settled_here(&self) -> Height {
        self.settled_height().min(self.log.finalised())
    }

    /// P-87: height of the last settlement that is in the books of a final block: nobody asks about
    /// what lies below it any more.
    #[must_use]
    pub fn booked_settlement(&self) -> Height {
        let Some(settlement) = self.chain.record().map(|record| &record.settlement) else {
            return Height::ZERO;
        };
        let tip = self.log.tip_at(self.log.finalised());
        let booked = tip.is_some_and(|tip| books::settled(&tip.state) >= settlement.number);
        if booked { settlement.height } else { Height::ZERO }
    }

    /// Height of the last settlement the chain reported.
    fn settled_height(&self) -> Height {
        self.chain.record().map_or(Height::ZERO, |record| record.settlement.height)
    }
}

#[cfg(test)]
mod tests;
