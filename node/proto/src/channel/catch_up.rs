//! Catching up by a snapshot: a node that is far behind, or whose next block nobody keeps any more,
//! takes a checkpoint and its state from the others instead of the blocks.
//!
//! The state comes in parts, each of which its root verifies by itself, from every peer that has
//! it. Nothing of it is adopted before all of it is here and the checkpoint holds by it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fairway_state::{
    State,
    parts::{Assembly, Part, Prefix},
};
use fairway_types::{Address, Hash, Height, NodeId, StateKey, Time, chain::MemberRecord};

use super::{
    Channel,
    log::{Log, registered},
    output::{Adopted, Effect, Event, Update},
    quorum::{self, Members},
    timers::SYNC_PATIENCE,
};
use crate::{
    checkpoint::Checkpoint,
    message::{Heartbeat, Message},
};

/// Parts asked of one peer at a time.
const PARTS_IN_FLIGHT: usize = 4;
/// Milliseconds until a part that did not come is asked of another.
const PART_PATIENCE: u64 = 2_000;
/// Milliseconds without any part after which another checkpoint is asked for.
const STALE: u64 = 3 * PART_PATIENCE;
/// Milliseconds after which who gets no checkpoint takes blocks, as long as somebody keeps them.
const NO_CHECKPOINT: u64 = 3 * SYNC_PATIENCE;
/// Milliseconds between two checkpoints handed to one peer.
const OFFER_EVERY: u64 = 1_000;
/// Milliseconds for which a checkpoint is handed out before a newer one is made.
const OFFER_LASTS: u64 = 5_000;
/// Empty blocks that one request for a checkpoint is worth: where blocks change nothing, the third one
/// after the registered set changed has a checkpoint, by the certificate that the fourth carries.
const BLOCKS_FOR_ONE: u32 = 4;
/// Peers remembered for what they sent; more are not heard.
const PEERS: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct CatchUp {
    target: Option<Target>,
    /// What came before a restart, for what is equal in the snapshot that is taken next.
    kept: Option<State>,
    /// When each peer was last asked for a checkpoint.
    asked: BTreeMap<NodeId, Time>,
    /// Since when a checkpoint is asked for in vain.
    in_vain_since: Option<Time>,
    /// Peers that keep the next block no more, and which one that was.
    pruned: BTreeMap<NodeId, Height>,
    /// Peers that sent a part which is not the root's: they are asked for none any more.
    liars: BTreeSet<NodeId>,
    /// When each peer was last handed a checkpoint.
    served: BTreeMap<NodeId, Time>,
    offer: Option<Offer>,
    wanted: Option<Wanted>,
}

/// A checkpoint that a member's node needs, and that there is none of while nobody calls.
#[derive(Debug)]
struct Wanted {
    above: Height,
    /// Empty blocks that may still be cut for it.
    blocks: u32,
}

/// The snapshot that is being taken.
#[derive(Debug)]
struct Target {
    checkpoint: Checkpoint,
    assembly: Assembly,
    sources: BTreeMap<NodeId, Source>,
    asked: BTreeMap<Prefix, (NodeId, Time)>,
    /// When the last part came.
    moved_at: Time,
}

/// A peer that may have the state.
#[derive(Debug, Default)]
struct Source {
    in_flight: usize,
    /// Until then it is asked for nothing: it did not have what it was asked for.
    rests_until: Time,
}

/// What this node hands to others.
#[derive(Debug)]
struct Offer {
    made_at: Time,
    checkpoint: Arc<Checkpoint>,
    state: State,
}

/// How far a snapshot has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatchingUp {
    /// Of the checkpoint.
    pub height: Height,
    /// Parts that are here, and parts known so far.
    pub parts: usize,
    pub parts_known: usize,
    /// Entries that are here, and those that the checkpoint's sender says there are.
    pub entries: u64,
    pub of_entries: u64,
    pub bytes: u64,
    /// Peers that are asked.
    pub sources: Vec<NodeId>,
    /// Peers that are asked no more, since what they sent was not the state's.
    pub refused: Vec<NodeId>,
}

impl CatchingUp {
    /// How much of it is here, by entries, as far as the checkpoint's sender is right.
    #[must_use]
    pub fn tenths(&self) -> u64 {
        self.entries.saturating_mul(10) / self.of_entries.max(1)
    }
}

impl Target {
    fn new(checkpoint: Checkpoint, assembly: Assembly, now: Time) -> Self {
        let (sources, asked) = Default::default();
        Self { checkpoint, assembly, sources, asked, moved_at: now }
    }

    /// P-83: what to ask of whom now: of each peer a few parts at a time.
    fn requests(&mut self, now: Time) -> Vec<(NodeId, Prefix)> {
        let mut free = self.assembly.missing().filter(|part| !self.asked.contains_key(part));
        let mut requests = Vec::new();
        loop {
            let before = requests.len();
            for (node, source) in &mut self.sources {
                if source.in_flight < PARTS_IN_FLIGHT
                    && now >= source.rests_until
                    && let Some(prefix) = free.next()
                {
                    source.in_flight += 1;
                    requests.push((*node, prefix));
                }
            }
            if requests.len() == before {
                break;
            }
        }
        drop(free);
        self.asked.extend(requests.iter().map(|(node, prefix)| (*prefix, (*node, now))));
        requests
    }

    /// The part is asked for no more.
    fn settle(&mut self, prefix: Prefix) {
        if let Some((node, _)) = self.asked.remove(&prefix)
            && let Some(source) = self.sources.get_mut(&node)
        {
            source.in_flight = source.in_flight.saturating_sub(1);
        }
    }

    /// Nothing more is asked of the peer for a while, and what was, of others.
    fn rest(&mut self, node: &NodeId, until: Time) {
        self.asked.retain(|_, (of, _)| of != node);
        if let Some(source) = self.sources.get_mut(node) {
            *source = Source { in_flight: 0, rests_until: until };
        }
    }

    fn drop_source(&mut self, node: &NodeId) {
        self.asked.retain(|_, (of, _)| of != node);
        self.sources.remove(node);
    }

    fn is_stale(&self, now: Time) -> bool {
        now >= self.moved_at.plus(STALE)
    }
}

impl Channel {
    /// P-80, P-120: whether a peer is asked for a snapshot instead of blocks: it is far ahead, on a
    /// branch that takes more blocks than may wait here, keeps the next block no more, or has blocks of
    /// epochs that the chain's record named while this node was away, and names no more.
    pub(super) fn takes_snapshot(&mut self, from: NodeId, heard: &Heartbeat) -> bool {
        let head = self.log.head();
        let passed = |target: &mut Target| target.checkpoint.height() <= head;
        if self.catch_up.target.take_if(passed).is_some() {
            self.perform(Effect::ForgetParts);
        }
        if let Some(target) = &mut self.catch_up.target {
            let fits = heard.head >= target.checkpoint.height();
            if fits && !self.catch_up.liars.contains(&from) && target.sources.len() < PEERS {
                target.sources.entry(from).or_default();
            }
            self.ask_for_parts();
        }
        let stale = self.catch_up.target.as_ref().is_some_and(|target| target.is_stale(self.now));
        if self.catch_up.target.is_some() && !stale {
            return true;
        }
        let far = heard.finalised.0.saturating_sub(head.0) > self.env.limits.sync_blocks_most;
        let gone = self.catch_up.pruned.get(&from) == Some(&head.next()) || self.log.lacks_grants();
        let stuck = || self.is_stuck_below_a_branch();
        if heard.finalised <= head || !(far || gone || stale || stuck()) {
            if !stale && self.catch_up.kept.take().is_some() {
                self.perform(Effect::ForgetParts);
            }
            return stale;
        }
        self.ask_for_checkpoint(from);
        let since = *self.catch_up.in_vain_since.get_or_insert(self.now);
        gone || self.now < since.plus(NO_CHECKPOINT)
    }

    /// P-86: a peer keeps the next block no more.
    pub(super) fn on_pruned(&mut self, from: NodeId, height: Height) {
        if height != self.log.head().next() || !self.is_known(&from) {
            return;
        }
        self.catch_up.pruned.retain(|_, pruned| *pruned == height);
        self.catch_up.pruned.insert(from, height);
        if self.catch_up.target.is_none() {
            self.ask_for_checkpoint(from);
        }
    }

    fn ask_for_checkpoint(&mut self, node: NodeId) {
        let asked = self.catch_up.asked.get(&node);
        if asked.is_some_and(|at| self.now < at.plus(SYNC_PATIENCE)) {
            return;
        }
        let now = self.now;
        self.catch_up.asked.retain(|_, at| now < at.plus(SYNC_PATIENCE));
        self.catch_up.asked.insert(node, now);
        let message = Message::CheckpointRequest { above: self.log.head() };
        self.perform(Effect::Send { to: node, message });
    }

    /// P-84: the last final block, for members' nodes, not too often.
    pub(super) fn on_checkpoint_request(&mut self, from: NodeId, above: Height) {
        let served = self.catch_up.served.get(&from);
        let too_soon = served.is_some_and(|at| self.now < at.plus(OFFER_EVERY));
        if !self.is_known(&from) || too_soon {
            return;
        }
        let now = self.now;
        self.catch_up.served.retain(|_, at| now < at.plus(OFFER_EVERY));
        self.catch_up.served.insert(from, now);
        self.renew_offer(above);
        let offer = self.catch_up.offer.as_ref();
        if let Some(offer) = offer.filter(|offer| offer.checkpoint.height() > above) {
            let message = Message::Checkpoint(Box::new((*offer.checkpoint).clone()));
            self.perform(Effect::Send { to: from, message });
        } else if self.log.finalised() > above {
            self.catch_up.wanted = Some(Wanted { above, blocks: BLOCKS_FOR_ONE });
        }
    }

    /// One checkpoint serves everybody who asks within a few seconds, so that they find its state at
    /// this node as long as they need it; within one second where it is of no use to who asks.
    fn renew_offer(&mut self, above: Height) {
        let known = self.catch_up.offer.as_ref();
        let fresh = known.is_some_and(|offer| {
            let serves = offer.checkpoint.height() > above;
            self.now < offer.made_at.plus(if serves { OFFER_LASTS } else { OFFER_EVERY })
        });
        let newest = known.is_some_and(|o| o.checkpoint.height() == self.log.finalised());
        if fresh || newest {
            return;
        }
        if let Some((checkpoint, state)) = self.log.checkpoint() {
            let checkpoint = Arc::new(checkpoint);
            self.catch_up.offer = Some(Offer { made_at: self.now, checkpoint, state });
        }
    }

    /// P-138: when the next empty block is due that helps a checkpoint to be made: once the one before
    /// is certified.
    pub(super) fn checkpoint_block_due(&self) -> Option<Time> {
        self.catch_up.wanted.as_ref()?;
        let head = self.log.block(self.log.head())?;
        let may = !self.is_over() && self.log.certified() >= head.height();
        may.then(|| head.header.time.plus(self.env.limits.finality_delay))
    }

    /// Whether an empty block is cut for a checkpoint now; it is one of few.
    pub(super) fn cuts_for_a_checkpoint(&mut self) -> bool {
        if self.checkpoint_block_due().is_none_or(|due| self.now < due) {
            return false;
        }
        let made = self.log.checkpoint().map(|(checkpoint, _)| checkpoint.height());
        let Some(wanted) = &mut self.catch_up.wanted else { return false };
        if wanted.blocks == 0 || made.is_some_and(|made| made > wanted.above) {
            self.catch_up.wanted = None;
            return false;
        }
        wanted.blocks -= 1;
        true
    }

    pub(super) fn on_part_request(
        &mut self,
        to: NodeId,
        height: Height,
        root: Hash,
        prefix: Prefix,
    ) {
        if self.is_known(&to) {
            self.perform(Effect::ServePart { to, height, root, prefix });
        }
    }

    /// The state after `height`, if it has this root and memory holds it.
    #[must_use]
    pub fn state_at(&self, height: Height, root: &Hash) -> Option<State> {
        let offered = self.catch_up.offer.as_ref().map(|offer| offer.state.clone());
        let kept = || self.log.tip_at(height).map(|tip| tip.state);
        offered
            .filter(|state| state.root() == *root)
            .or_else(|| kept().filter(|state| state.root() == *root))
    }

    /// P-81: a checkpoint is believed if enough of those whom this node may believe acked it, or the
    /// chain has settled it.
    pub(super) fn on_checkpoint(&mut self, from: NodeId, checkpoint: Checkpoint) {
        let asked = self.catch_up.asked.contains_key(&from);
        if !asked || self.catch_up.liars.contains(&from) || checkpoint.height() <= self.log.head() {
            return;
        }
        if let Some(target) = &self.catch_up.target
            && (!target.is_stale(self.now) || checkpoint.height() <= target.checkpoint.height())
        {
            return;
        }
        if checkpoint.check_links(self.env.channel).is_err() || !self.believes(&checkpoint) {
            return;
        }
        if self.log.grant_of(checkpoint.block.header.term.epoch).is_none() {
            return self.refresh();
        }
        let fresh = Assembly::new(checkpoint.root());
        let assembly = match self.catch_up.target.take() {
            Some(old) => fresh.with_pieces_of(old.assembly),
            None => {
                let own = self.log.tip().map(|tip| tip.state);
                let known = own.into_iter().chain(self.catch_up.kept.take());
                known.fold(fresh, |assembly, state| assembly.with_known(&state))
            }
        };
        let mut target = Target::new(checkpoint, assembly, self.now);
        target.sources.insert(from, Source::default());
        let height = target.checkpoint.height();
        for (node, heard) in self.peers.heard() {
            if heard.heartbeat.head >= height && !self.catch_up.liars.contains(node) {
                target.sources.entry(*node).or_default();
            }
        }
        self.catch_up.target = Some(target);
        self.catch_up.in_vain_since = None;
        self.ask_for_parts();
    }

    fn believes(&self, checkpoint: &Checkpoint) -> bool {
        let settled = self.chain.record().map(|record| &record.settlement);
        let is_settled = settled.is_some_and(|settled| {
            let point = (settled.height, settled.block, settled.root);
            let header = &checkpoint.block.header;
            settled.number > 0 && point == (header.height, header.hash(), header.state_root)
        });
        is_settled || self.vouches(checkpoint.top())
    }

    /// P-83: every peer that has the state is asked for parts of it; one that lies, for none again.
    pub(super) fn on_part(&mut self, from: NodeId, root: Hash, prefix: Prefix, part: Option<Part>) {
        let now = self.now;
        let Some(target) = &mut self.catch_up.target else { return };
        let asked = target.asked.get(&prefix).is_some_and(|(of, _)| *of == from);
        if target.checkpoint.root() != root || !asked {
            return;
        }
        target.settle(prefix);
        let mut kept = None;
        if let Some(Part::Entries(entries)) = &part {
            kept = Some(entries.clone());
        }
        match part.map(|part| target.assembly.insert(prefix, part)) {
            Some(Ok(())) => {
                target.moved_at = now;
                if let Some(entries) = kept {
                    self.perform(Effect::KeepPart { prefix, entries });
                }
            }
            Some(Err(_)) => {
                target.drop_source(&from);
                self.catch_up.liars.insert(from);
            }
            None => target.rest(&from, now.plus(PART_PATIENCE)),
        }
        self.ask_for_parts();
        self.adopt_if_complete();
    }

    /// P-88: parts that came before a restart.
    pub fn keep_parts(&mut self, entries: impl IntoIterator<Item = (StateKey, Arc<[u8]>)>) {
        let state = State::from_entries(entries);
        self.catch_up.kept = Some(state).filter(|state| !state.is_empty());
    }

    /// Parts that did not come are asked of others.
    pub(super) fn watch_parts(&mut self) {
        let now = self.now;
        let Some(target) = &mut self.catch_up.target else { return };
        let late = target.asked.values().filter(|(_, at)| now >= at.plus(PART_PATIENCE));
        let silent: BTreeSet<NodeId> = late.map(|(node, _)| *node).collect();
        for node in silent {
            target.rest(&node, now.plus(PART_PATIENCE));
        }
        self.ask_for_parts();
        self.adopt_if_complete();
    }

    fn ask_for_parts(&mut self) {
        let Some(target) = &mut self.catch_up.target else { return };
        let (height, root) = (target.checkpoint.height(), target.checkpoint.root());
        for (to, prefix) in target.requests(self.now) {
            let message = Message::PartRequest { height, root, prefix };
            self.perform(Effect::Send { to, message });
        }
    }

    /// P-85: once the whole state is here and the checkpoint holds by it, the log goes on from there.
    fn adopt_if_complete(&mut self) {
        let target = self.catch_up.target.take_if(|target| target.assembly.is_complete());
        let Some(Target { checkpoint, assembly, .. }) = target else { return };
        let Some(state) = assembly.finish() else { return };
        if checkpoint.height() <= self.log.head() || !holds(&self.log, &checkpoint, &state) {
            return;
        }
        let Some(leavers) = self.leavers_of(&state) else { return self.refresh() };
        let from = self.log.head();
        let unfinal = self.log.entries_from(self.log.finalised().next());
        let mut calls: Vec<_> = unfinal.flat_map(|entry| self.calls_of(&entry.block)).collect();
        let height = checkpoint.height();
        self.record(Event::Adopted(Box::new(Adopted { checkpoint, state, leavers })));
        self.perform(Effect::Publish(Update::Adopted { height }));
        // P-78: of this node's own blocks, what the others went on without is asked for again.
        calls.retain(|(call, _)| call.call.sequence >= self.expected_sequence(call));
        self.forget_calls(calls);
        self.fail_passed_over(from);
        self.waiting.pass(height);
        self.catch_up.pruned.clear();
        self.catch_up.asked.clear();
    }

    /// The records of those who left and are not paid: the chain has them until it pays them, and
    /// this node's own log those that it saw. `None` while one of them is unknown.
    fn leavers_of(&self, state: &State) -> Option<Vec<MemberRecord>> {
        let on_chain = self.chain.record().map(|record| record.members.as_slice());
        let tip = self.log.tip()?;
        let find = |account| {
            let chain = on_chain.into_iter().flatten().map(|member| &member.record);
            let own = tip.members.values().chain(tip.leavers.values()).map(AsRef::as_ref);
            chain.chain(own).find(|member| member.account == account).cloned()
        };
        let members = registered(state);
        let is_registered = |account| members.values().any(|member| member.account == account);
        state
            .records_from(&StateKey::Departed(Address::ZERO))
            .map_while(|(key, _)| key.departed())
            .filter(|account| !is_registered(*account))
            .map(find)
            .collect()
    }

    /// The snapshot under way.
    #[must_use]
    pub fn catching_up(&self) -> Option<CatchingUp> {
        let target = self.catch_up.target.as_ref()?;
        let (here, missing) = target.assembly.progress();
        let (entries, bytes) = target.assembly.size();
        Some(CatchingUp {
            height: target.checkpoint.height(),
            parts: here,
            parts_known: here + missing,
            entries: entries as u64,
            of_entries: target.checkpoint.entries,
            bytes: bytes as u64,
            sources: target.sources.keys().copied().collect(),
            refused: self.catch_up.liars.iter().copied().collect(),
        })
    }
}

/// Whether the members that the state registers certified the checkpoint and made it final (P-33);
/// nobody entered or left in between, as the checkpoint has proven.
fn holds(log: &Log, checkpoint: &Checkpoint, state: &State) -> bool {
    let members: Members = registered(state);
    let certificate = &checkpoint.certificate;
    let is_final = match &checkpoint.finality {
        Some(finality) => quorum::is_signed_by_quorum(finality, &members),
        None => quorum::is_signed_by_all(log, certificate, &members),
    };
    quorum::is_signed_by_quorum(certificate, &members) && is_final
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the effects it is about")]
mod tests;
