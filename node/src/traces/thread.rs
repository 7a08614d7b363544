//! What a channel's thread notes: when blocks were executed and stored, and how far they, the calls
//! that are followed, and a settlement have come.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use fairway_proto::{Channel, Event, channel::output::Appended};
use fairway_types::{
    Hash, Height, NodeId,
    block::Block,
    chain::SettlementRecord,
    effects::{Effects, ExecutionStatus},
    settlement::SignedProposal,
};
use opentelemetry::KeyValue;

use super::{
    CallTraces, Tracer, now,
    span::{self, Place, Span},
};

/// Blocks whose certificate is waited for; of more, such as those a node catches up with, the span
/// ends where they are stored.
const OPEN: usize = 64;

/// The thread's side. What it notes is emitted once it is stored.
pub(crate) struct Following {
    calls: Arc<CallTraces>,
    me: NodeId,
    /// When the last input was decided: from there on the group is stored.
    decided: SystemTime,
    /// Blocks of the present group: height, and when their execution began and ended.
    executed: Vec<(Height, SystemTime, SystemTime)>,
    blocks: VecDeque<OpenBlock>,
    settlement: Option<OpenSettlement>,
}

/// A stored block that is not certified yet.
struct OpenBlock {
    height: Height,
    place: Place,
    began: SystemTime,
    stored: SystemTime,
    attributes: Vec<KeyValue>,
}

/// A proposal that this node agreed to, until the chain has executed it or another one.
struct OpenSettlement {
    hash: Hash,
    number: u64,
    to_block: Hash,
    place: Place,
    began: SystemTime,
    attributes: Vec<KeyValue>,
}

impl Following {
    pub(crate) fn new(calls: Arc<CallTraces>, me: NodeId) -> Self {
        Self {
            calls,
            me,
            decided: now(),
            executed: Vec::new(),
            blocks: VecDeque::new(),
            settlement: None,
        }
    }

    fn tracer(&self) -> &Tracer {
        &self.calls.tracer
    }

    /// One input was decided, since `began`.
    pub(crate) fn decided(&mut self, began: SystemTime, events: &[Event]) {
        self.decided = now();
        for event in events {
            if let Event::Appended(appended) = event {
                self.executed.push((appended.block.height(), began, self.decided));
            }
        }
    }

    /// The group's events are stored and applied.
    pub(crate) fn stored(&mut self, events: &[Event], channel: &Channel) {
        let at = now();
        for event in events {
            if let Event::Appended(appended) = event {
                self.block(appended, at);
            } else if let Event::RolledBack { to } = event {
                self.rolled_back(*to, at);
            } else if let Event::Proposed { proposal } = event {
                self.proposed(proposal, at);
            } else if let Event::Adopted(_) = event {
                self.forget();
            }
        }
        self.executed.clear();
        let log = channel.log();
        self.progress(log.certified(), log.finalised(), at);
        if let Some(record) = channel.chain().record() {
            self.settled(&record.settlement, at);
        }
    }

    /// The channel goes on from elsewhere.
    pub(crate) fn forget(&mut self) {
        self.executed.clear();
        self.blocks.clear();
        self.settlement = None;
        self.calls.forget();
    }

    fn block(&mut self, appended: &Appended, at: SystemTime) {
        let hash = appended.block.hash();
        if !self.order_calls(appended, hash, at) && !self.tracer().follows(&hash) {
            return;
        }
        let block = &appended.block;
        let height = block.height();
        let timed = self.executed.iter().find(|(of, ..)| *of == height);
        let (began, executed) = timed.map_or((self.decided, self.decided), |t| (t.1, t.2));
        let leads = block.leader == self.me;
        let place = if leads { Place::root(&hash) } else { Place::beside(&hash) };
        let attributes = self.describe(block, &hash, leads);
        let of = || [span::channel(self.calls.channel), span::number("fairway.height", height.0)];
        self.tracer().emit(Span::new("execute", place.part(), began, executed).with(of()));
        self.tracer().emit(Span::new("store", place.part(), self.decided, at).with(of()));
        let open = OpenBlock { height, place, began, stored: at, attributes };
        if self.blocks.len() < OPEN {
            self.blocks.push_back(open);
        } else {
            self.emit_block(open, at, None);
        }
    }

    fn describe(&self, block: &Block, hash: &Hash, leads: bool) -> Vec<KeyValue> {
        vec![
            span::channel(self.calls.channel),
            span::text("fairway.block", hash.to_string()),
            span::number("fairway.height", block.height().0),
            span::text("fairway.term", block.header.term.to_string()),
            span::text("fairway.role", if leads { "leader" } else { "follower" }),
            span::number("fairway.transactions", block.transactions.len() as u64),
        ]
    }

    /// The spans of the block's calls that are followed, up to where they are stored; whether there
    /// are any.
    fn order_calls(&self, appended: &Appended, block: Hash, at: SystemTime) -> bool {
        if self.calls.is_empty() {
            return false;
        }
        let height = appended.block.height();
        let mut any = false;
        for (index, call) in appended.calls().iter() {
            let effects = usize::try_from(*index).ok().and_then(|at| appended.effects.get(at));
            let attributes = || {
                let mut of = vec![
                    span::channel(self.calls.channel),
                    span::number("fairway.height", height.0),
                    span::number("fairway.index", (*index).into()),
                ];
                of.extend(effects.into_iter().flat_map(outcome));
                of
            };
            any |= self.calls.executed(call, block, height, attributes, at);
        }
        any
    }

    fn emit_block(&self, block: OpenBlock, at: SystemTime, error: Option<&'static str>) {
        let mut whole = Span::new("block", block.place, block.began, at).with(block.attributes);
        whole.error = error.map(Into::into);
        self.tracer().emit(whole);
    }

    fn progress(&mut self, certified: Height, finalised: Height, at: SystemTime) {
        while self.blocks.front().is_some_and(|block| block.height <= certified) {
            let Some(block) = self.blocks.pop_front() else { break };
            let of =
                [span::channel(self.calls.channel), span::number("fairway.height", block.height.0)];
            let certify = Span::new("certify", block.place.part(), block.stored, at);
            self.tracer().emit(certify.with(of));
            self.emit_block(block, at, None);
        }
        if !self.calls.is_empty() {
            self.calls.reached(certified, finalised, at);
        }
    }

    fn rolled_back(&mut self, to: Height, at: SystemTime) {
        while self.blocks.back().is_some_and(|block| block.height > to) {
            let Some(block) = self.blocks.pop_back() else { break };
            self.emit_block(block, at, Some("it was taken back"));
        }
        self.calls.rolled_back(to, at);
    }

    fn proposed(&mut self, signed: &SignedProposal, at: SystemTime) {
        let (proposal, hash) = (&signed.proposal, signed.proposal.hash());
        if self.settlement.as_ref().is_some_and(|open| open.hash == hash) {
            return;
        }
        self.end_settlement(at, Some("another proposal took its place"));
        let own = signed.proposer == self.me;
        self.settlement = Some(OpenSettlement {
            hash,
            number: proposal.number,
            to_block: proposal.to_block,
            place: if own { Place::root(&hash) } else { Place::beside(&hash) },
            began: at,
            attributes: vec![
                span::channel(self.calls.channel),
                span::text("fairway.proposal", hash.to_string()),
                span::text("fairway.proposer", signed.proposer.to_string()),
                span::number("fairway.settlement", proposal.number),
                span::number("fairway.from_height", proposal.from_height.0),
                span::number("fairway.to_height", proposal.to_height.0),
            ],
        });
    }

    /// What the chain settled last, as this node read it.
    fn settled(&mut self, last: &SettlementRecord, at: SystemTime) {
        let Some(open) = &self.settlement else { return };
        if last.number < open.number {
            return;
        }
        let other = last.number == open.number && last.block != open.to_block;
        self.end_settlement(at, other.then_some("another proposal was executed"));
    }

    fn end_settlement(&mut self, at: SystemTime, error: Option<&'static str>) {
        let Some(open) = self.settlement.take() else { return };
        let mut whole = Span::new("settlement", open.place, open.began, at).with(open.attributes);
        whole.error = error.map(Into::into);
        self.tracer().emit(whole);
    }
}

/// What execution made of a call.
fn outcome(effects: &Effects) -> [KeyValue; 2] {
    let outcome = match effects.status {
        ExecutionStatus::Success => "success",
        ExecutionStatus::Abort { .. } => "move_abort",
        ExecutionStatus::OutOfGas => "out_of_gas",
        ExecutionStatus::OverSpent { .. } => "over_spent",
        ExecutionStatus::Failed { .. } => "execution_failed",
    };
    [span::text("fairway.outcome", outcome), span::number("fairway.gas", effects.gas_used.0)]
}
