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
    /// P-80: whether a peer is asked for a snapshot instead of blocks: it is far ahead, or keeps the
    /// next block no more.
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
        let gone = self.catch_up.pruned.get(&from) == Some(&head.next());
        if heard.finalised <= head || !(far || gone || stale) {
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
        self.renew_offer();
        let offer = self.catch_up.offer.as_ref();
        if let Some(offer) = offer.filter(|offer| offer.checkpoint.height() > above) {
            let message = Message::Checkpoint(Box::new((*offer.checkpoint).clone()));
            self.perform(Effect::Send { to: from, message });
        }
    }

    /// One checkpoint serves everybody who asks within a few seconds, so that they find its state at
    /// this node as long as they need it.
    fn renew_offer(&mut self) {
        let known = self.catch_up.offer.as_ref();
        let fresh = known.is_some_and(|offer| self.now < offer.made_at.plus(OFFER_LASTS));
        let newest = known.is_some_and(|o| o.checkpoint.height() == self.log.finalised());
        if fresh || newest {
            return;
        }
        if let Some((checkpoint, state)) = self.log.checkpoint() {
            let checkpoint = Arc::new(checkpoint);
            self.catch_up.offer = Some(Offer { made_at: self.now, checkpoint, state });
        }
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
        let height = checkpoint.height();
        self.record(Event::Adopted(Box::new(Adopted { checkpoint, state, leavers })));
        self.perform(Effect::Publish(Update::Adopted { height }));
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
            .entries_from(&StateKey::Departed(Address::ZERO))
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
mod tests {
    use fairway_types::{Operation, Refusal, SequenceNumber, crypto::Verify};

    use super::{
        super::{
            bench::{self, Bench, node_key, store},
            output::Step,
        },
        *,
    };

    /// Four members, of whom the last was down while the others filled the state, and takes
    /// snapshots once it is more than five blocks behind.
    fn absent(calls: u32) -> Bench {
        let mut bench = Bench::new(4);
        bench.down.insert(3);
        for number in 0..calls {
            bench.call(0, 0, store(number));
        }
        bench.wait(200);
        set_most(&mut bench, 3, 5);
        bench
    }

    fn set_most(bench: &mut Bench, node: usize, most: u64) {
        Arc::make_mut(&mut bench.nodes[node].env).limits.sync_blocks_most = most;
    }

    fn adoptions(bench: &Bench, node: usize) -> usize {
        let adopted =
            |(of, event): &&(usize, Event)| *of == node && matches!(event, Event::Adopted(_));
        bench.events.iter().filter(adopted).count()
    }

    fn heartbeat(bench: &Bench, node: usize) -> Message {
        let log = bench.nodes[node].log();
        let tip = log.tip().expect("it has begun");
        Message::Heartbeat(Heartbeat {
            term: log.term(),
            head: tip.height,
            head_hash: tip.hash,
            certified: log.certified(),
            finalised: log.finalised(),
            wish: log.term(),
            leader_latency: 0,
            hops: 0,
        })
    }

    fn sent(step: &Step) -> Vec<(NodeId, Message)> {
        let sent = |effect: &Effect| match effect {
            Effect::Send { to, message } => Some((*to, message.clone())),
            _ => None,
        };
        step.effects.iter().filter_map(sent).collect()
    }

    /// What node 3 asks for parts, of whom.
    fn requests(step: &Step) -> Vec<(usize, Prefix)> {
        let request = |(to, message): (NodeId, Message)| match message {
            Message::PartRequest { prefix, .. } => {
                (0..8).find(|node| node_key(*node).node_id() == to).map(|node| (node, prefix))
            }
            _ => None,
        };
        sent(step).into_iter().filter_map(request).collect()
    }

    fn checkpoint(bench: &Bench) -> Checkpoint {
        bench.nodes[0].log().checkpoint().expect("something is final").0
    }

    /// Node 3 has heard of the others and asked node 0 for a checkpoint; what follows from this one.
    fn offered(bench: &mut Bench, offer: Checkpoint) -> Step {
        for node in [1, 2, 0] {
            let message = heartbeat(bench, node);
            bench.message(3, node, message);
        }
        bench.message(3, 0, Message::Checkpoint(Box::new(offer)))
    }

    fn part(bench: &Bench, prefix: Prefix) -> Part {
        let (_, state) = bench.nodes[0].log().checkpoint().expect("something is final");
        fairway_state::parts::Listing::of(&state).part(prefix).expect("a sound prefix")
    }

    fn send_part(bench: &mut Bench, from: usize, prefix: Prefix, part: Option<Part>) -> Step {
        let root = checkpoint(bench).root();
        bench.message(3, from, Message::StatePart { root, prefix, part })
    }

    /// Answers every request as an honest peer does, but those to `silent`; who was asked.
    fn answer_all(bench: &mut Bench, first: &Step, silent: &[usize]) -> Vec<usize> {
        let mut queue = requests(first);
        let mut asked = Vec::new();
        while let Some((node, prefix)) = queue.pop() {
            asked.push(node);
            if !silent.contains(&node) {
                let part = part(bench, prefix);
                let step = send_part(bench, node, prefix, Some(part));
                bench.kept.extend(step.effects.iter().filter_map(|effect| match effect {
                    Effect::KeepPart { entries, .. } => Some(entries.clone()),
                    _ => None,
                }));
                bench.events.extend(step.events.iter().map(|event| (3, event.clone())));
                queue.extend(requests(&step));
            }
        }
        asked
    }

    /// A peer that is not the one asked first.
    fn another(step: &Step) -> usize {
        if requests(step)[0].0 == 1 { 2 } else { 1 }
    }

    fn assert_same(bench: &Bench, one: usize, other: usize) {
        let (one, other) = (bench.nodes[one].log().digest(), bench.nodes[other].log().digest());
        assert_eq!((one.head, one.head_hash), (other.head, other.head_hash));
        assert_eq!((one.state_root, one.members), (other.state_root, other.members));
        assert_eq!((one.term, one.settled), (other.term, other.settled));
    }

    #[test]
    fn member_far_behind_takes_a_snapshot_and_goes_on() {
        let mut bench = absent(30);
        bench.down.remove(&3);
        bench.wait(2_000);
        assert_eq!(adoptions(&bench, 3), 1);
        assert_same(&bench, 3, 0);
        bench.call(3, 3, store(99));
        bench.wait(200);
        assert_same(&bench, 3, 0);
        let acked = bench.nodes[3].log().acked().map(|ack| ack.ack.height);
        assert_eq!(acked, Some(bench.nodes[0].log().head()), "it acks what follows");
    }

    #[test]
    fn member_a_little_behind_takes_blocks() {
        let mut bench = absent(30);
        set_most(&mut bench, 3, 100);
        bench.down.remove(&3);
        bench.wait(2_000);
        assert_eq!(adoptions(&bench, 3), 0);
        assert_same(&bench, 3, 0);
    }

    /// P-86
    #[test]
    fn member_whose_next_block_nobody_keeps_takes_a_snapshot() {
        let mut bench = absent(30);
        set_most(&mut bench, 3, u64::MAX);
        bench.pruned = Height(20);
        bench.down.remove(&3);
        bench.wait(2_000);
        assert_eq!(adoptions(&bench, 3), 1);
        assert_same(&bench, 3, 0);
    }

    #[test]
    fn late_joiner_takes_a_snapshot_and_its_join_comes_after() {
        let mut bench = Bench::with_record(4, bench::record(3));
        bench.down.insert(3);
        for number in 0..20 {
            bench.call(0, 0, store(number));
        }
        bench.wait(200);
        bench.down.remove(&3);
        set_most(&mut bench, 3, 5);
        bench.record.members.push(bench::chain_member(3));
        bench.observe();
        bench.wait(3_000);
        assert_eq!(adoptions(&bench, 3), 1);
        bench.grant(0, &[0, 1, 2, 3]);
        bench.wait(3_000);
        assert_same(&bench, 3, 0);
        let me = bench.nodes[3].node();
        assert!(bench.nodes[3].log().tip().is_some_and(|tip| tip.members.contains_key(&me)));
        bench.call(3, 3, store(50));
        bench.wait(500);
        assert_same(&bench, 3, 0);
        assert_eq!(bench.nodes[3].log().certified(), bench.nodes[3].log().head());
    }

    /// The set changes just before the last final block: the checkpoint is of a later one.
    #[test]
    fn joiner_after_another_join_and_a_leave_takes_a_snapshot() {
        let mut bench = Bench::with_record(5, bench::record(4));
        bench.down.insert(4);
        for number in 0..20 {
            bench.call(0, 0, store(number));
        }
        bench.call(2, 2, Operation::Leave);
        bench.wait(500);
        bench.down.remove(&4);
        set_most(&mut bench, 4, 5);
        bench.record.members.push(bench::chain_member(4));
        bench.observe();
        bench.grant(0, &[0, 1, 3, 4]);
        for number in 20..30 {
            bench.call(0, 0, store(number));
            bench.wait(200);
        }
        bench.wait(3_000);
        assert_eq!(adoptions(&bench, 4), 1);
        assert_same(&bench, 4, 0);
        let leavers = |node: usize| bench.nodes[node].log().tip().expect("a tip").leavers;
        assert_eq!(leavers(4), leavers(0));
        assert_eq!(leavers(4).len(), 1);
    }

    /// P-83
    #[test]
    fn a_peer_that_sends_a_part_of_another_state_is_dropped_and_others_are_asked() {
        let mut bench = absent(30);
        let offer = checkpoint(&bench);
        let step = offered(&mut bench, offer.clone());
        let [(first, prefix)] = requests(&step)[..] else { panic!("not the root alone") };
        let split = part(&bench, prefix);
        let step = send_part(&mut bench, first, prefix, Some(split));
        let asked = requests(&step);
        let (liar, prefix) = asked[0];
        let Part::Entries(mut entries) = part(&bench, prefix) else { panic!("split again") };
        entries[0].1 = Arc::from([1].as_slice());
        let step = send_part(&mut bench, liar, prefix, Some(Part::Entries(entries)));
        assert!(requests(&step).iter().all(|(node, _)| *node != liar), "{step:?}");
        assert!(requests(&step).iter().any(|(_, again)| *again == prefix), "asked of another");
        let status = bench.nodes[3].status().catching_up.expect("under way");
        assert_eq!(status.refused, [node_key(liar).node_id()]);
        let rest: Vec<_> = asked.into_iter().filter(|(node, _)| *node != liar).collect();
        let mut queue = [rest, requests(&step)].concat();
        while let Some((node, prefix)) = queue.pop() {
            assert_ne!(node, liar);
            let part = part(&bench, prefix);
            queue.extend(requests(&send_part(&mut bench, node, prefix, Some(part))));
        }
        assert_adopted(&bench, &offer);
    }

    #[test]
    fn parts_are_asked_of_every_peer_and_of_others_when_one_vanishes() {
        let mut bench = absent(60);
        let offer = checkpoint(&bench);
        let step = offered(&mut bench, offer.clone());
        let silent = another(&step);
        let asked = answer_all(&mut bench, &step, &[silent]);
        assert!([0, 1, 2].iter().all(|node| asked.contains(node)), "{asked:?}");
        assert!(target(&bench).is_some(), "one peer never answered");
        bench.now = bench.now.plus(PART_PATIENCE);
        let step = bench.input(3, super::super::input::Input::Timeout);
        let again = answer_all(&mut bench, &step, &[silent]);
        assert!(!again.is_empty() && !again.contains(&silent), "{again:?}");
        assert_eq!(adoptions(&bench, 3), 1);
        assert_adopted(&bench, &offer);
    }

    #[test]
    fn a_peer_without_the_state_says_so_and_others_are_asked() {
        let mut bench = absent(30);
        let offer = checkpoint(&bench);
        let step = offered(&mut bench, offer);
        let [(first, prefix)] = requests(&step)[..] else { panic!("not the root alone") };
        let step = send_part(&mut bench, first, prefix, None);
        let [(second, again)] = requests(&step)[..] else { panic!("nobody else was asked") };
        assert_eq!(again, prefix);
        assert_ne!(second, first);
    }

    /// The state is gone everywhere before all of it is here: what came is not asked for again.
    #[test]
    fn a_newer_checkpoint_takes_over_what_came_for_an_older_one() {
        let mut bench = absent(60);
        let offer = checkpoint(&bench);
        let step = offered(&mut bench, offer);
        let silent = another(&step);
        let parts = answer_all(&mut bench, &step, &[silent]).len();
        let before = bench.nodes[3].status().catching_up.expect("under way");
        assert!(before.parts > 2, "{before:?}");
        bench.call(0, 0, store(100));
        bench.wait(STALE);
        for node in [0, 1, 2] {
            let message = heartbeat(&bench, node);
            bench.message(3, node, message);
        }
        let newer = checkpoint(&bench);
        let step = bench.message(3, 0, Message::Checkpoint(Box::new(newer.clone())));
        assert_eq!(target(&bench), Some(newer.height()));
        let again = answer_all(&mut bench, &step, &[]).len();
        assert!(again < parts, "{again} of {parts}");
        assert_adopted(&bench, &newer);
    }

    /// P-88
    #[test]
    fn what_came_before_a_restart_is_not_asked_for_again() {
        let mut bench = absent(60);
        let offer = checkpoint(&bench);
        let step = offered(&mut bench, offer.clone());
        let silent = another(&step);
        let parts = answer_all(&mut bench, &step, &[silent]).len();
        let kept: Vec<_> = bench.kept.iter().flatten().cloned().collect();
        assert!(bench.kept.len() > 2, "{parts} parts came");
        let head = bench.nodes[3].log().head();
        bench.restart(3);
        assert_eq!((bench.nodes[3].log().head(), target(&bench)), (head, None));
        set_most(&mut bench, 3, 5);
        bench.nodes[3].keep_parts(kept);
        bench.now = bench.now.plus(SYNC_PATIENCE);
        let step = offered(&mut bench, offer.clone());
        let again = answer_all(&mut bench, &step, &[]).len();
        assert!(again < parts - bench.kept.len() / 2, "{again} of {parts}");
        assert_adopted(&bench, &offer);
    }

    /// It has caught up by blocks: what it kept is of no use.
    #[test]
    fn kept_parts_are_forgotten_when_no_snapshot_is_taken() {
        let mut bench = absent(30);
        set_most(&mut bench, 3, 100);
        bench.nodes[3].keep_parts([(StateKey::Locked, Arc::from([1].as_slice()))]);
        let message = heartbeat(&bench, 0);
        let step = bench.message(3, 0, message);
        assert!(step.effects.iter().any(|effect| matches!(effect, Effect::ForgetParts)));
    }

    fn assert_adopted(bench: &Bench, offer: &Checkpoint) {
        let log = bench.nodes[3].log();
        let tip = log.tip().expect("it has begun");
        assert_eq!((tip.height, tip.hash), (offer.height(), offer.block.hash()));
        assert_eq!(tip.state.root(), offer.root());
        assert_eq!((log.certified(), log.finalised()), (offer.height(), offer.height()));
    }

    fn target(bench: &Bench) -> Option<Height> {
        bench.nodes[3].status().catching_up.map(|target| target.height)
    }

    /// P-81, P-82
    #[test]
    fn a_checkpoint_that_does_not_hold_is_not_taken() {
        let forge = |change: fn(&mut Checkpoint, &Bench)| {
            let mut bench = absent(30);
            let mut offer = checkpoint(&bench);
            change(&mut offer, &bench);
            offered(&mut bench, offer);
            target(&bench)
        };
        assert!(forge(|_, _| {}).is_some());
        assert_eq!(
            forge(|offer, bench| {
                let top = bench.nodes[0].log().block(offer.top().ack.height).expect("in memory");
                offer.finality = Some(bench::certificate(top, &[0, 1]));
            }),
            None,
            "too few acked"
        );
        assert_eq!(
            forge(|offer, bench| {
                let top = bench.nodes[0].log().block(offer.top().ack.height).expect("in memory");
                offer.finality = Some(bench::certificate(top, &[0, 50, 51, 52]));
            }),
            None,
            "strangers acked"
        );
        assert_eq!(forge(|offer, _| offer.finality = None), None);
        assert_eq!(
            forge(|offer, _| {
                offer.before.pop();
            }),
            None
        );
        assert_eq!(
            forge(|offer, _| {
                offer.before.remove(0);
            }),
            None
        );
        assert_eq!(
            forge(|offer, _| {
                offer.after.pop();
            }),
            None
        );
        assert_eq!(forge(|offer, _| offer.registered = Some(Height(1))), None);
        assert_eq!(
            forge(|offer, _| {
                let mut block = (*offer.block).clone();
                block.header.state_root = Hash::ZERO;
                offer.block = Arc::new(block);
            }),
            None
        );
        assert_eq!(
            forge(|offer, bench| {
                offer.certificate = bench::certificate(
                    bench.nodes[0].log().block(Height(3)).expect("kept"),
                    &[0, 1, 2],
                );
            }),
            None
        );
    }

    /// P-81: the block's certificate itself need not be vouched for: it is judged by the state.
    #[test]
    fn a_state_whose_members_did_not_certify_the_checkpoint_is_not_adopted() {
        let mut bench = absent(30);
        let mut offer = checkpoint(&bench);
        offer.certificate = bench::certificate(&offer.block, &[0, 1]);
        let step = offered(&mut bench, offer);
        answer_all(&mut bench, &step, &[]);
        assert_eq!(adoptions(&bench, 3), 0);
        assert_eq!(bench.nodes[3].log().head(), Height::ZERO);
    }

    #[test]
    fn a_checkpoint_with_too_many_links_is_refused() {
        let bench = absent(30);
        let mut offer = checkpoint(&bench);
        assert_eq!(offer.check(), Ok(()));
        let link = offer.before[0].clone();
        offer.before = vec![link; fairway_types::limits::CHECKPOINT_LINKS + 1];
        assert_eq!(offer.check().unwrap_err().name(), "too_large");
    }

    #[test]
    fn a_checkpoint_that_nobody_asked_for_or_below_the_head_is_not_taken() {
        let mut bench = absent(30);
        let offer = checkpoint(&bench);
        bench.message(3, 0, Message::Checkpoint(Box::new(offer.clone())));
        assert_eq!(target(&bench), None);
        let mut bench = absent(30);
        set_most(&mut bench, 3, 100);
        bench.down.remove(&3);
        bench.wait(2_000);
        bench.nodes[3].catch_up.asked.insert(node_key(0).node_id(), bench.now);
        bench.message(3, 0, Message::Checkpoint(Box::new(offer)));
        assert_eq!(target(&bench), None);
    }

    /// P-81: whoever signed, the chain has settled it.
    #[test]
    fn a_checkpoint_that_the_chain_has_settled_needs_no_voucher() {
        let mut bench = Bench::with_record(4, bench::record(3));
        bench.part(&[3]);
        for number in 0..20 {
            bench.call(0, 0, store(number));
        }
        bench.wait(200);
        set_most(&mut bench, 3, 5);
        let offer = checkpoint(&bench);
        // Nobody who signed is known to the chain any more.
        bench.record.members = vec![bench::chain_member(3), bench::chain_member(5)];
        bench.observe();
        let ask = |bench: &mut Bench| {
            bench.nodes[3].catch_up.asked.insert(node_key(0).node_id(), bench.now);
            bench.message(3, 0, Message::Checkpoint(Box::new(offer.clone())));
            target(bench)
        };
        assert_eq!(ask(&mut bench), None);
        let settlement = &mut bench.record.settlement;
        settlement.number = 1;
        settlement.height = offer.height();
        settlement.block = offer.block.hash();
        settlement.root = offer.root();
        bench.observe();
        assert_eq!(ask(&mut bench), Some(offer.height()));
    }

    /// P-85
    #[test]
    fn adoption_forgets_nothing_that_was_signed_and_replays() {
        let mut bench = Bench::new(4);
        bench.note(0);
        let acked = bench.nodes[3].log().acked().copied();
        assert!(acked.is_some());
        bench.down.insert(3);
        for number in 0..20 {
            bench.call(0, 0, store(number));
        }
        bench.wait(200);
        set_most(&mut bench, 3, 5);
        let promised = Promised::of(&bench);
        let offer = checkpoint(&bench);
        let step = offered(&mut bench, offer);
        answer_all(&mut bench, &step, &[]);
        assert_eq!(adoptions(&bench, 3), 1);
        let log = bench.nodes[3].log();
        assert_eq!(log.acked().copied(), acked);
        assert_eq!(Promised::of(&bench), promised);
        let back = super::super::log::Log::restore(log.snapshot());
        assert_eq!(back.digest(), log.digest());
        let mut replayed = super::super::log::Log::default();
        for (_, event) in bench.events.iter().filter(|(node, _)| *node == 3) {
            let bytes = fairway_types::codec::encode(event);
            replayed.apply(&fairway_types::codec::decode("event", &bytes).expect("an event"));
        }
        assert_eq!(replayed.digest().state_root, log.digest().state_root);
        assert_eq!(replayed.digest().head_hash, log.digest().head_hash);
    }

    #[derive(Debug, PartialEq)]
    struct Promised(Option<fairway_types::Promise>, usize);

    impl Promised {
        fn of(bench: &Bench) -> Self {
            let durable = bench.nodes[3].log().durable();
            Self(durable.promise, durable.votes.len())
        }
    }

    /// P-84
    #[test]
    fn checkpoints_are_handed_to_members_alone_and_not_too_often() {
        let mut bench = absent(30);
        let request = || Message::CheckpointRequest { above: Height::ZERO };
        let answers = |bench: &mut Bench, from: usize| {
            let answers = sent(&bench.message(0, from, request()));
            answers.iter().filter(|(_, m)| matches!(m, Message::Checkpoint(_))).count()
        };
        assert_eq!(answers(&mut bench, 7), 0, "a stranger");
        assert_eq!(answers(&mut bench, 3), 1);
        assert_eq!(answers(&mut bench, 3), 0, "too soon");
        bench.now = bench.now.plus(OFFER_EVERY);
        assert_eq!(answers(&mut bench, 3), 1);
        let above = Message::CheckpointRequest { above: Height(1_000) };
        bench.now = bench.now.plus(OFFER_EVERY);
        let step = bench.message(0, 3, above);
        assert!(!sent(&step).iter().any(|(_, m)| matches!(m, Message::Checkpoint(_))));
    }

    #[test]
    fn clients_hear_that_a_result_was_passed_over() {
        let mut bench = Bench::new(4);
        bench.down.insert(3);
        let call = bench::sign(0, SequenceNumber(0), store(0), bench.now.plus(60_000));
        bench.request(0, call.clone());
        for number in 1..20 {
            bench.call(0, 0, store(number));
        }
        bench.wait(200);
        bench.down.remove(&3);
        bench.part(&[3]);
        let asked = bench.request(3, call);
        set_most(&mut bench, 3, 5);
        bench.cut.clear();
        bench.wait(2_000);
        assert_eq!(adoptions(&bench, 3), 1);
        let told = |(_, effect): &&(usize, Effect)| match effect {
            Effect::Reply { id, result: Err(Refusal::NotReady { .. }) } => *id == asked,
            _ => false,
        };
        assert_eq!(bench.effects.iter().filter(told).count(), 1);
    }
}
