//! What came before its turn, and asking for what has not come.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fairway_types::{
    Block, Certificate, Execute, Hash, Height, NodeId, Term, Time, block::CertifiedBlock, codec,
};

use super::{Channel, follower::Unfit, output::Effect, selection::Selected, timers::SYNC_PATIENCE};
use crate::message::{Heartbeat, Message};

/// Bytes of blocks held that came too early.
pub(super) const WAITING_BYTES: usize = 32 << 20;

/// Blocks further down that are asked for when an answer began above the fork.
const FORK_STEP: u64 = 16;

/// A place among the blocks that wait: of one leader and term at a height there is one.
type Slot = (Height, NodeId, Term);

/// What came before its turn: blocks with their size, one of each leader at a height, and the best
/// certificate for a block not here yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    blocks: BTreeMap<Slot, (Arc<Block>, usize)>,
    certificate: Option<Certificate>,
    /// What this node's own term must go on from.
    pub(super) wanted: Option<Selected>,
    /// A block was seen that leaves this node's log below its head.
    leaves: bool,
    /// From where on the blocks of a branch are asked for, once an answer did not show its beginning.
    branch_from: Option<Height>,
    /// Who is to be asked further up, and from where on: its answer ended on a branch.
    further: Option<(NodeId, Height)>,
    /// When each peer was last asked for blocks, and the head at that time.
    asked: BTreeMap<NodeId, (Time, Height)>,
}

impl Waiting {
    /// The best certificate of a block not here yet.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Blocks held, ascending.
    pub(super) fn blocks(&self) -> impl DoubleEndedIterator<Item = &Arc<Block>> {
        self.blocks.values().map(|(block, _)| block)
    }

    fn at(&self, height: Height) -> impl Iterator<Item = &Arc<Block>> {
        self.blocks().filter(move |block| block.height() == height)
    }

    /// Blocks held, and their bytes.
    #[must_use]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.blocks.len(), self.blocks.values().map(|(_, size)| size).sum())
    }

    /// The log goes on above `height`: what came for lower places is of no use.
    pub(super) fn pass(&mut self, height: Height) {
        self.drop_up_to(height);
        self.certificate.take_if(|certificate| certificate.ack.height <= height);
        self.wanted = None;
        self.leaves = false;
        self.asked.clear();
    }

    fn drop_up_to(&mut self, height: Height) {
        while self.blocks.first_key_value().is_some_and(|((lowest, ..), _)| *lowest <= height) {
            self.blocks.pop_first();
        }
    }

    /// Of what is held beside these blocks, nothing is kept.
    pub(super) fn prefer(&mut self, branch: &[Arc<Block>]) {
        let chosen: BTreeSet<(Height, Hash)> =
            branch.iter().map(|block| (block.height(), block.hash())).collect();
        let heights: BTreeSet<Height> = chosen.iter().map(|(height, _)| *height).collect();
        self.blocks.retain(|(height, ..), (block, _)| {
            !heights.contains(height) || chosen.contains(&(*height, block.hash()))
        });
    }

    /// The leader whose blocks take most room, by blocks or by bytes.
    fn holds_most(&self, by_blocks: bool) -> Option<NodeId> {
        let mut held: BTreeMap<NodeId, usize> = BTreeMap::new();
        for ((_, leader, _), (_, size)) in &self.blocks {
            *held.entry(*leader).or_default() += if by_blocks { 1 } else { *size };
        }
        held.into_iter().max_by_key(|(_, room)| *room).map(|(leader, _)| leader)
    }

    fn remove(&mut self, block: &Block) {
        self.blocks.remove(&slot(block));
    }
}

impl Channel {
    pub(super) fn on_sync_blocks(
        &mut self,
        from: NodeId,
        blocks: Vec<CertifiedBlock>,
        vm: &impl Execute,
    ) {
        self.look_for_fork(&blocks);
        let last = blocks.last().map(|last| (last.block.height(), last.block.hash()));
        for entry in blocks {
            if !self.is_plausible(&entry.block) {
                return;
            }
            if let Some(certificate) = entry.certificate {
                self.on_certificate(certificate);
            }
            self.hold(entry.block);
            self.drain_waiting(vm);
        }
        let Some((height, hash)) = last else { return };
        if self.waiting.asked.contains_key(&from) && self.is_end_of_branch(&hash) {
            self.waiting.further = Some((from, height.next()));
        }
    }

    /// P-35: an answer that begins above the fork is followed by a question further down, and one that
    /// ends below it by one further up.
    fn look_for_fork(&mut self, blocks: &[CertifiedBlock]) {
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return };
        let (first, last) = (&first.block, &last.block);
        let below = first.height().previous();
        let detached = first.height() <= self.log.head().next()
            && first.height() > self.log.finalised().next()
            && !self.log.contains(below, &first.header.parent);
        let ends_here = self.log.contains(last.height(), &last.hash());
        self.waiting.leaves |= detached;
        self.waiting.branch_from = if detached {
            Some(Height(first.height().0.saturating_sub(FORK_STEP)))
        } else if ends_here && last.height() < self.log.head() {
            Some(last.height().next())
        } else {
            None
        };
    }

    /// From where on this node lacks what others have that left its branch, up to `head`.
    pub(super) fn branch_from(&self, head: Height) -> Height {
        let from = self.waiting.branch_from.unwrap_or(self.log.certified().next());
        from.min(head).max(self.log.finalised().next())
    }
    /// P-45: keeps a block until its turn, within bounds; no member's block pushes out another
    /// member's at its height.
    pub(super) fn hold(&mut self, block: Arc<Block>) {
        let height = block.height();
        if height <= self.log.finalised() || self.log.contains(height, &block.hash()) {
            return;
        }
        let slot = slot(&block);
        let held = self.waiting.blocks.get(&slot);
        if held.is_some_and(|(held, _)| {
            self.need(held) > self.need(&block) || self.is_as_good(held, &block)
        }) {
            return;
        }
        let size = codec::size(&block);
        self.waiting.blocks.insert(slot, (block, size));
        while let Some(slot) = self.one_too_many() {
            self.waiting.blocks.remove(&slot);
        }
    }

    /// Whether both are one block, of which the held one's bundles fit as far as this log goes: its header
    /// does not say which it has, and another's may not fit.
    fn is_as_good(&self, held: &Block, other: &Block) -> bool {
        held.hash() == other.hash()
            && self.log.tip().is_some_and(|tip| self.check_bundles(held, &tip).is_ok())
    }

    /// P-45: of the leader whose blocks take most room, the one that is needed least and latest.
    fn one_too_many(&self) -> Option<Slot> {
        let (blocks, bytes) = self.waiting.size();
        let by_blocks = blocks > self.env.limits.waiting_blocks;
        if !by_blocks && bytes <= WAITING_BYTES {
            return None;
        }
        let leader = self.waiting.holds_most(by_blocks)?;
        let own = self.waiting.blocks.iter().filter(|((_, of, _), _)| *of == leader);
        let least = own.min_by_key(|((height, _, term), (block, _))| {
            (self.need(block), Reverse(*height), Reverse(*term))
        });
        least.map(|(slot, _)| *slot)
    }

    /// What keeps a block here: this node's own term goes on from it, it follows the head, the leader
    /// of its term signed it.
    fn need(&self, block: &Block) -> (bool, bool, bool) {
        let follows = block.height() == self.log.head().next()
            && self.log.contains(self.log.head(), &block.header.parent);
        (self.is_wanted_block(block), follows, self.is_leaders(block))
    }

    fn is_wanted_block(&self, block: &Block) -> bool {
        let wanted = self.waiting.wanted.as_ref();
        wanted.is_some_and(|wanted| wanted.hash_at(block.height()) == Some(block.hash()))
    }

    /// What is tried first of the blocks for one height: what this node's own term needs, what the
    /// leader of its term signed, the later term's.
    fn worth(&self, block: &Block) -> (bool, bool, Term) {
        (self.is_wanted_block(block), self.is_leaders(block), block.header.term)
    }

    /// Whether the leader of a term that this node knows signed the block.
    pub(super) fn is_leaders(&self, block: &Block) -> bool {
        self.log.leader_of(block.header.term) == Some(block.leader)
    }

    /// Whether a block may wait here: only what the node of a member signed that is in the log or has
    /// been named by an epoch, so that nobody else's blocks take room.
    pub(super) fn is_plausible(&self, block: &Block) -> bool {
        let signer = &block.leader;
        let in_log = self.log.tip().is_some_and(|tip| tip.members.contains_key(signer));
        let known = in_log || self.log.is_leaver(signer) || self.chain.counts(signer);
        known && block.header.channel == self.env.channel
    }

    /// Appends every block whose turn it is. P-44: who holds evidence against the leader waits for a
    /// later term; who has no say in terms, such as a newcomer, goes on by what others certified.
    pub(super) fn drain_waiting(&mut self, vm: &impl Execute) {
        while self.log.evidence().is_none() || !self.has_a_say() {
            self.waiting.drop_up_to(self.log.finalised());
            if !self.append_next(vm) {
                return;
            }
        }
    }

    /// Appends one of the blocks held for the next height, the worthiest that fits.
    fn append_next(&mut self, vm: &impl Execute) -> bool {
        let next = self.log.head().next();
        let mut held: Vec<Arc<Block>> = self.waiting.at(next).cloned().collect();
        held.sort_by_cached_key(|block| Reverse(self.worth(block)));
        for block in held {
            match self.check_and_append(&block, vm) {
                Ok(()) => {
                    self.waiting.remove(&block);
                    return true;
                }
                Err(Unfit::Later) => {}
                Err(Unfit::Never) => self.waiting.remove(&block),
                Err(Unfit::Elsewhere) => self.waiting.leaves = true,
                Err(Unfit::Proven(evidence)) => {
                    self.waiting.remove(&block);
                    self.report(evidence);
                    return false;
                }
            }
        }
        false
    }

    /// Whether a certificate that carries 2/3 of the members the chain knows covers `height`.
    pub(super) fn is_vouched(&self, height: Height) -> bool {
        let proof = self.waiting.certificate.as_ref();
        proof.is_some_and(|proof| proof.ack.height >= height && self.vouches(proof))
    }

    /// P-105: whether the chain settled the block, or one held here that follows it.
    pub(super) fn is_settled_block(&self, block: &Block) -> bool {
        let settlement = self.chain.record().map(|record| &record.settlement);
        let Some(settlement) = settlement.filter(|settled| block.height() <= settled.height) else {
            return false;
        };
        let mut branch = BTreeSet::from([block.hash()]);
        for height in block.height().0 + 1..=settlement.height.0 {
            let held = self.waiting.at(Height(height));
            let following = held.filter(|held| branch.contains(&held.header.parent));
            branch = following.map(|held| held.hash()).collect();
            if branch.is_empty() {
                return false;
            }
        }
        branch.contains(&settlement.block)
    }

    /// The best certificate of a block not here yet; only one that is vouched for, so that nobody
    /// else's takes its place.
    pub(super) fn keep_certificate(&mut self, certificate: Certificate) {
        if !self.vouches(&certificate) {
            return;
        }
        // Whom to believe changes as the log grows.
        let known = self.waiting.certificate.as_ref().filter(|known| self.vouches(known));
        if known.is_none_or(|known| known.ack.height <= certificate.ack.height) {
            self.waiting.certificate = Some(certificate);
        }
    }

    pub(super) fn apply_waiting_certificate(&mut self) {
        let head = self.log.head();
        let due = self.waiting.certificate.take_if(|certificate| certificate.ack.height <= head);
        if let Some(certificate) = due {
            self.on_certificate(certificate);
        }
    }
    /// P-35: a node behind a member's head asks it for what it lacks, unless the leader's next block
    /// is here and waits for the chain's word; the next time another one, if nothing came.
    pub(super) fn ask_for_missing(&mut self, from: NodeId, heard: &Heartbeat) {
        if self.takes_snapshot(from, heard) {
            return;
        }
        if let Some((_, height)) = self.waiting.further.take_if(|(node, _)| *node == from) {
            return self.ask(from, height);
        }
        let Some(tip) = self.log.tip() else { return };
        let waits = self.waiting.at(tip.height.next()).any(|block| {
            let header = &block.header;
            let is_next = header.parent == tip.hash && header.term == self.log.term();
            is_next && Some(block.leader) == self.log.leader()
        });
        let elsewhere =
            heard.head <= tip.height && !self.log.contains(heard.head, &heard.head_hash);
        let ahead = heard.head > tip.height;
        let later = self.log.held(tip.height).is_none_or(|held| heard.term > held.term);
        if elsewhere && later && heard.head > self.log.finalised() || ahead && self.waiting.leaves {
            self.ask(from, self.branch_from(heard.head));
        } else if ahead && !waits {
            self.ask(from, tip.height.next());
        }
    }

    /// Asks a node for blocks, unless it was asked in vain a short while ago.
    pub(super) fn ask(&mut self, node: NodeId, from: Height) {
        let asked = self.waiting.asked.get(&node);
        let patience = |at: &Time| self.now < at.plus(SYNC_PATIENCE);
        let in_vain = asked.is_some_and(|(at, then)| *then == from && patience(at));
        if in_vain || !self.timers.may_sync(self.now) {
            return;
        }
        self.waiting.asked.retain(|_, (at, _)| patience(at));
        self.waiting.asked.insert(node, (self.now, from));
        self.waiting.leaves = false;
        self.perform(Effect::Send { to: node, message: Message::SyncRequest { from } });
    }
}

fn slot(block: &Block) -> Slot {
    (block.height(), block.leader, block.header.term)
}

#[cfg(test)]
mod tests {
    use super::{
        super::bench::{certificate, junk, three_blocks},
        *,
    };

    fn heartbeat(head: u64) -> Message {
        Message::Heartbeat(crate::message::Heartbeat {
            term: Default::default(),
            head: Height(head),
            head_hash: fairway_types::Hash::ZERO,
            wish: Default::default(),
            certified: Height(0),
            finalised: Height(0),
            leader_latency: 0,
            hops: 0,
        })
    }

    fn asks(step: &super::super::output::Step) -> bool {
        let is_request = |effect: &Effect| {
            matches!(effect, Effect::Send { message: Message::SyncRequest { .. }, .. })
        };
        step.effects.iter().any(is_request)
    }

    #[test]
    fn a_block_of_an_unknown_term_does_not_stop_the_catching_up() {
        let (mut bench, blocks) = three_blocks();
        let junk = junk(&blocks[3], 2, |block| block.header.term.epoch.0 = u64::MAX);
        bench.message(1, 2, Message::Block(junk));
        assert!(asks(&bench.message(1, 0, heartbeat(4))));
        bench.message(1, 0, Message::Block(Arc::clone(&blocks[3])));
        assert_eq!(bench.nodes[1].log().head(), Height(4));
    }

    #[test]
    fn an_unanswered_sync_goes_to_another_peer() {
        let (mut bench, _) = three_blocks();
        assert!(asks(&bench.message(1, 2, heartbeat(u64::MAX))));
        bench.now = bench.now.plus(300);
        assert!(!asks(&bench.message(1, 2, heartbeat(u64::MAX))));
        assert!(asks(&bench.message(1, 0, heartbeat(4))));
    }

    #[test]
    fn sync_blocks_never_hold_more_than_the_limit() {
        let (mut bench, blocks) = three_blocks();
        let far = |height: u64| junk(&blocks[3], 2, |block| block.header.height = Height(height));
        let stranger = junk(&blocks[3], 50, |_| {});
        let blocks = (10..210).map(far).chain([stranger]);
        let entries = blocks.map(|block| CertifiedBlock { block, certificate: None });
        bench.message(1, 2, Message::SyncBlocks(entries.collect()));
        assert_eq!(bench.nodes[1].waiting.blocks.len(), bench.nodes[1].env.limits.waiting_blocks);
    }

    /// P-46
    #[test]
    fn a_certificate_that_nobody_vouches_for_is_not_kept() {
        let (mut bench, blocks) = three_blocks();
        let far = junk(&blocks[3], 0, |block| block.header.height = Height(u64::MAX));
        bench.message(1, 2, Message::Certificate(certificate(&far, &[2, 50, 51])));
        assert_eq!(bench.nodes[1].waiting.certificate, None);
        let right = certificate(&blocks[3], &[0, 1, 2]);
        bench.message(1, 2, Message::Certificate(right.clone()));
        assert_eq!(bench.nodes[1].waiting.certificate, Some(right));
    }

    /// P-45: a later view's leader fills the room with blocks below the one that is due.
    #[test]
    fn one_members_blocks_push_out_only_its_own() {
        let (mut bench, blocks) = three_blocks();
        let large = |height: u64| {
            junk(&blocks[3], 3, |block| {
                block.header.height = Height(height);
                block.header.term.view.0 = 3;
                let paid = vec![fairway_types::Address::ZERO; 90_000];
                block.transactions = vec![fairway_types::Transaction::Settled { number: 9, paid }];
            })
        };
        for height in 1..16 {
            bench.nodes[1].hold(large(height));
        }
        let early = junk(&blocks[3], 0, |block| block.header.height = Height(40));
        bench.nodes[1].hold(Arc::clone(&early));
        bench.nodes[1].hold(large(16));
        assert!(bench.nodes[1].waiting.blocks().any(|held| held.hash() == early.hash()));
        assert!(bench.nodes[1].waiting.size().1 <= WAITING_BYTES);
    }

    /// P-45: whoever led this block's term, and leads a later one, signs what it likes for that.
    #[test]
    fn later_blocks_of_a_leader_hide_none_of_its_earlier_ones() {
        let (mut bench, blocks) = three_blocks();
        for view in 1..200 {
            let early = junk(&blocks[3], 0, |block| {
                block.header.term.view.0 = 4 * view;
                block.header.parent = fairway_types::Hash([9; 32]);
            });
            bench.nodes[1].hold(early);
        }
        bench.nodes[1].hold(Arc::clone(&blocks[3]));
        for view in 200..400 {
            let early = junk(&blocks[3], 0, |block| block.header.term.view.0 = 4 * view);
            bench.nodes[1].hold(early);
        }
        bench.run(1, super::super::input::Input::Flush);
        assert_eq!(bench.nodes[1].log().head(), Height(4));
    }

    /// P-46: it was believed when fewer were registered.
    #[test]
    fn certificate_that_nobody_vouches_for_any_more_makes_room() {
        let (mut bench, blocks) = three_blocks();
        let far = junk(&blocks[3], 0, |block| block.header.height = Height(99));
        bench.nodes[1].waiting.certificate = Some(certificate(&far, &[2]));
        let right = certificate(&blocks[3], &[0, 1, 2]);
        bench.message(1, 2, Message::Certificate(right.clone()));
        assert_eq!(bench.nodes[1].waiting.certificate, Some(right));
    }

    /// P-45: the leader of a term to come signs blocks of it as it likes.
    #[test]
    fn blocks_of_a_term_that_did_not_begin_hide_no_others() {
        let (mut bench, blocks) = three_blocks();
        for place in [3, 4] {
            let early = junk(&blocks[3], 1, |block| {
                block.header.height = Height(place);
                block.header.term.view.0 = 1;
            });
            bench.message(2, 1, Message::Block(early));
        }
        for block in &blocks {
            let served = CertifiedBlock { block: Arc::clone(block), certificate: None };
            bench.message(2, 3, Message::SyncBlocks(vec![served]));
        }
        assert_eq!(bench.nodes[2].log().head(), Height(4));
    }
}
