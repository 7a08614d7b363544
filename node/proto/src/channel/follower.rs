//! Following: check, re-execute, append, ack; report a leader whose word differs.

use std::{collections::BTreeMap, sync::Arc};

use fairway_types::{
    Block, Certificate, Effects, Execute, Height, NodeId, Refusal, Term, Time, Transaction,
    block::CertifiedBlock, chain::ChainTx, codec, evidence::Evidence, limits,
};

use super::{
    Channel,
    execution::Execution,
    leader::is_checkable,
    log::Tip,
    output::{Appended, Effect, Event, Update},
    quorum,
    selection::Selected,
    timers::SYNC_PATIENCE,
};
#[cfg(feature = "known-bugs")]
use crate::known_bugs::KnownBug;
use crate::message::{Heartbeat, Message};

/// Bytes of blocks held that came too early.
pub(super) const WAITING_BYTES: usize = 32 << 20;

/// What came before its turn: blocks by height with their size, and the best certificate for a block
/// not here yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    blocks: BTreeMap<Height, (Arc<Block>, usize)>,
    certificate: Option<Certificate>,
    /// What this node's own term must go on from.
    pub(super) wanted: Option<Selected>,
    /// A block was seen that leaves this node's log below its head.
    leaves: bool,
    /// From where on the blocks of a branch are asked for, once an answer did not show its beginning.
    branch_from: Option<Height>,
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

    /// Blocks held, and their bytes.
    #[must_use]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.blocks.len(), self.blocks.values().map(|(_, size)| size).sum())
    }

    /// The log goes on above `height`: what came for lower places is of no use.
    pub(super) fn pass(&mut self, height: Height) {
        self.blocks = self.blocks.split_off(&height.next());
        self.certificate.take_if(|certificate| certificate.ack.height <= height);
        self.wanted = None;
        self.leaves = false;
        self.asked.clear();
    }

    fn insert(&mut self, block: Arc<Block>, most: usize) {
        let size = codec::encode(&block).len();
        self.blocks.insert(block.height(), (block, size));
        let bytes = |blocks: &BTreeMap<_, (_, usize)>| -> usize {
            blocks.values().map(|(_, size)| size).sum()
        };
        while self.blocks.len() > most || bytes(&self.blocks) > WAITING_BYTES {
            self.blocks.pop_last();
        }
    }
}

/// Blocks further down that are asked for when an answer began above the fork.
const FORK_STEP: u64 = 16;

/// Why a block is not appended.
enum Unfit {
    /// It may fit later.
    Later,
    /// It never will.
    Never,
    /// It follows another block than the head.
    Elsewhere,
    /// The leader broke a rule, and its signature proves it.
    Proven(Box<Evidence>),
}

impl Channel {
    pub(super) fn on_block(&mut self, from: NodeId, block: Arc<Block>, vm: &impl Execute) {
        let halted = self.log.evidence().is_some();
        if halted || from != block.leader || !self.is_plausible(&block) {
            return;
        }
        if block.height() <= self.log.head() {
            self.check_double(&block);
        }
        self.hold(block);
        self.drain_waiting(vm);
    }

    pub(super) fn on_sync_blocks(&mut self, blocks: Vec<CertifiedBlock>, vm: &impl Execute) {
        self.look_for_fork(&blocks);
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

    /// P-45: keeps a block until its turn, within bounds; what the leader of its term signed is not
    /// pushed out by anything else.
    fn hold(&mut self, block: Arc<Block>) {
        let height = block.height();
        if height <= self.log.finalised() || self.log.contains(height, &block.hash()) {
            return;
        }
        let held = self.waiting.blocks.get(&height);
        if held.is_some_and(|(held, _)| self.worth(held) > self.worth(&block)) {
            return;
        }
        self.waiting.insert(block, self.env.limits.waiting_blocks);
    }

    /// What is kept of two blocks at one height: what this node's own term needs, what the leader of
    /// its term signed, the later term's.
    fn worth(&self, block: &Block) -> (bool, bool, Term) {
        let wanted = self.waiting.wanted.as_ref();
        let is_wanted =
            wanted.is_some_and(|wanted| wanted.hash_at(block.height()) == Some(block.hash()));
        (is_wanted, self.is_leaders(block), block.header.term)
    }

    /// Whether the leader of a term that this node knows signed the block.
    fn is_leaders(&self, block: &Block) -> bool {
        self.log.leader_of(block.header.term) == Some(block.leader)
    }

    /// Whether a block may wait here: only what a member's node signed, so that nobody else's blocks
    /// push out the leader's.
    fn is_plausible(&self, block: &Block) -> bool {
        self.is_known(&block.leader) && block.header.channel == self.env.channel
    }

    /// Appends every block whose turn it is.
    pub(super) fn drain_waiting(&mut self, vm: &impl Execute) {
        while self.log.evidence().is_none() {
            let next = self.log.head().next();
            let last = self.log.finalised();
            self.waiting.blocks = self.waiting.blocks.split_off(&last.next());
            let Some((block, _)) = self.waiting.blocks.get(&next).cloned() else { return };
            match self.check_and_append(&block, vm) {
                Ok(()) => {
                    self.waiting.blocks.remove(&next);
                }
                Err(Unfit::Later) => return,
                Err(Unfit::Never) => {
                    self.waiting.blocks.remove(&next);
                    return;
                }
                Err(Unfit::Elsewhere) => {
                    self.waiting.leaves = true;
                    return;
                }
                Err(Unfit::Proven(evidence)) => {
                    self.waiting.blocks.remove(&next);
                    self.report(evidence);
                    return;
                }
            }
        }
    }

    /// P-25: a follower appends a block only if it extends the head, its term's leader signed it,
    /// its time is sane, its justification certifies what this node holds, every transaction is
    /// admitted and re-execution gives the same roots.
    fn check_and_append(&mut self, block: &Arc<Block>, vm: &impl Execute) -> Result<(), Unfit> {
        let Some(tip) = self.log.tip() else { return Err(Unfit::Later) };
        self.check_header(block, &tip)?;
        self.check_leavers_block(block, &tip)?;
        self.check_justification(block, &tip)?;
        self.check_chain_words(block)?;
        let Some(record) = self.log.genesis().map(|genesis| genesis.record.clone()) else {
            return Err(Unfit::Later);
        };
        let time = block.header.time;
        let mut execution = Execution::new(vm, &record, &tip, time);
        for (index, transaction) in (0u32..).zip(&block.transactions) {
            if let Err(refusal) = execution.run(transaction) {
                return Err(Unfit::Proven(self.invalid(block, index, &refusal)));
            }
        }
        let executed = execution.finish(&tip.state);
        let effects_root = Effects::root(&executed.effects);
        let state_root = executed.state.root();
        if (effects_root, state_root) != (block.header.effects_root, block.header.state_root) {
            return Err(Unfit::Proven(Box::new(Evidence::Divergence {
                reporter: self.me,
                parent: self.log.block(tip.height).map(|parent| Box::new(parent.header.clone())),
                parent_state_root: tip.state.root(),
                block: Box::new((**block).clone()),
                effects: Evidence::shown(executed.effects),
                effects_root,
                state_root,
            })));
        }
        let effects = Arc::new(executed.effects);
        self.record(Event::Appended(Appended {
            block: Arc::clone(block),
            effects: Arc::clone(&effects),
            state: Some(executed.state),
        }));
        self.perform(Effect::Publish(Update::Block { block: Arc::clone(block), effects }));
        self.answer_executed(block.height());
        self.apply_waiting_certificate();
        Ok(())
    }

    fn check_header(&mut self, block: &Block, tip: &Tip) -> Result<(), Unfit> {
        let header = &block.header;
        if header.parent != tip.hash {
            return Err(Unfit::Elsewhere);
        }
        if self.log.grant_of(header.term.epoch).is_none() {
            self.refresh();
            return Err(Unfit::Later);
        }
        if self.log.leader_of(header.term) != Some(block.leader) {
            return Err(Unfit::Never);
        }
        self.check_term(block, tip)?;
        // P-44: whose word is known to be worthless needs a certificate.
        if self.log.evidence_against(&block.leader).is_some() && !self.is_vouched(header.height) {
            return Err(Unfit::Never);
        }
        if header.time < tip.time {
            return Err(Unfit::Never);
        }
        if header.time > self.now.plus(limits::TIME_DRIFT) {
            return Err(Unfit::Later);
        }
        Ok(())
    }

    /// P-75: a term's first block opens it; no later one does, and terms never go back.
    fn check_term(&self, block: &Block, tip: &Tip) -> Result<(), Unfit> {
        let term = block.header.term;
        let before = self.log.held(tip.height).map(|held| held.term);
        let fits = match &block.opening {
            None if tip.height == Height::ZERO => self.log.is_first(term),
            None => before == Some(term),
            Some(opening) => {
                before.is_none_or(|before| before < term) && self.is_opened_by(opening)
            }
        };
        if fits { Ok(()) } else { Err(Unfit::Never) }
    }

    /// P-7: a leader that left orders nothing but settlements.
    fn check_leavers_block(&self, block: &Block, tip: &Tip) -> Result<(), Unfit> {
        if tip.members.contains_key(&block.leader) {
            return Ok(());
        }
        let ordered = (0u32..).zip(&block.transactions);
        match ordered.into_iter().find(|(_, tx)| !matches!(tx, Transaction::Settled { .. })) {
            None => Ok(()),
            Some((index, _)) => {
                let refusal = Refusal::invalid("transaction", "its leader has left");
                Err(Unfit::Proven(self.invalid(block, index, &refusal)))
            }
        }
    }

    /// P-26: judged by the chain of blocks alone, so that all nodes judge alike: the certificate in a
    /// block is the one its parent carries; or of a higher block, near enough to be checked, and a
    /// quorum of that block's voters.
    fn check_justification(&self, block: &Block, tip: &Tip) -> Result<(), Unfit> {
        let parent = self.log.block(tip.height);
        let carried = parent.and_then(|parent| parent.justification.as_ref());
        if block.justification.as_ref() == carried {
            return Ok(());
        }
        let least = parent.map_or(Height::ZERO, |parent| parent.header.justified);
        let fits = block.justification.as_ref().is_some_and(|certificate| {
            certificate.ack.height > least
                && is_checkable(certificate.ack.height, block.height())
                && quorum::certifies(&self.log, certificate)
        });
        if fits { Ok(()) } else { Err(Unfit::Never) }
    }

    /// P-27: joins, removals, closes and settlements are the chain's words: a follower waits until
    /// its own chain client has heard them too, and reports a join that the chain contradicts.
    fn check_chain_words(&mut self, block: &Block) -> Result<(), Unfit> {
        let vouched = self.is_vouched(block.height());
        for (index, transaction) in (0u32..).zip(&block.transactions) {
            match self.chain.confirms(transaction) {
                Some(true) => {}
                Some(false) => {
                    let refusal = Refusal::invalid("transaction", "the chain says something else");
                    return Err(Unfit::Proven(self.invalid(block, index, &refusal)));
                }
                None if vouched => {}
                None => {
                    self.refresh();
                    return Err(Unfit::Later);
                }
            }
        }
        Ok(())
    }

    /// Whether a certificate that carries 2/3 of the members the chain knows covers `height`.
    fn is_vouched(&self, height: Height) -> bool {
        let proof = self.waiting.certificate.as_ref();
        proof.is_some_and(|proof| proof.ack.height >= height && self.vouches(proof))
    }

    /// P-46: whether enough of those whom this node may believe signed: 2/3 of the members the chain
    /// knows; or 2/3 of those registered where this node's log ends. A registered member believes
    /// them even when all have left and been paid since; a newcomer those alone whom the chain still
    /// knows.
    pub(super) fn vouches(&self, certificate: &Certificate) -> bool {
        let Some(tip) = self.log.tip() else { return false };
        let mut believed = certificate.clone();
        if !tip.members.contains_key(&self.me) {
            believed.signatures.retain(|(node, _)| self.chain.knows(node));
        }
        quorum::is_signed_by_quorum(&believed, &tip.members)
            || self.chain.vouches(certificate, self.newcomer())
    }

    /// This node, as long as it is in nobody's quorum as far as its log goes.
    pub(super) fn newcomer(&self) -> Option<NodeId> {
        let tip = self.log.tip();
        tip.is_some_and(|tip| !tip.members.contains_key(&self.me)).then_some(self.me)
    }

    /// P-46: whether a certificate of a branch that is not here may be one: so many signed as can
    /// certify in its epoch, by a set that was registered since the final block. In an epoch with few
    /// valid members those are too few to be vouched for.
    pub(super) fn may_certify(&self, certificate: &Certificate) -> bool {
        let signers = certificate.signatures.iter().map(|(node, _)| *node).collect();
        let epoch = certificate.ack.term.epoch;
        self.vouches(certificate)
            || self
                .log
                .sets_before(self.log.head().next())
                .any(|members| quorum::is_voters_quorum(&self.log, members, epoch, &signers))
    }

    fn invalid(&self, block: &Block, index: u32, refusal: &Refusal) -> Box<Evidence> {
        Box::new(Evidence::InvalidTransaction {
            reporter: self.me,
            block: Box::new(block.clone()),
            index,
            reason: refusal.to_string(),
        })
    }

    /// P-28: two different blocks of one leader at one (term, height) are evidence by themselves.
    fn check_double(&mut self, block: &Block) {
        #[cfg(feature = "known-bugs")]
        if KnownBug::DoubleAck.is_back() {
            return self.ack_whatever_comes(block);
        }
        let Some(entry) = self.log.entry(block.height()) else { return };
        let is_new = self.log.evidence_against(&block.leader).is_none();
        let same_place = is_new
            && entry.block.header.term == block.header.term
            && entry.block.leader == block.leader
            && entry.hash != block.hash();
        if same_place {
            let first = Box::new((*entry.block).clone());
            let second = Box::new(block.clone());
            self.report(Box::new(Evidence::DoubleBlock { first, second }));
        }
    }

    #[cfg(feature = "known-bugs")]
    fn ack_whatever_comes(&mut self, block: &Block) {
        if block.header.term == self.log.term() && Some(block.leader) == self.log.leader() {
            let ack = self.sign_ack(block);
            self.record(Event::Acked { ack });
            self.perform(Effect::Send { to: block.leader, message: Message::Ack(ack) });
        }
    }

    fn report(&mut self, boxed: Box<Evidence>) {
        self.record(Event::Diverged { evidence: boxed.clone() });
        self.perform(Effect::Broadcast(Message::Report(boxed.clone())));
        let channel = self.env.channel;
        self.perform(Effect::Submit(ChainTx::Report { channel, evidence: boxed }));
    }

    /// P-29: one cumulative ack a group, for the head, of the current term, never below what this
    /// node acked before.
    pub(super) fn ack_head(&mut self) {
        if self.log.evidence().is_some() {
            return;
        }
        let Some(entry) = self.ackable().and_then(|height| self.log.entry(height)) else { return };
        let header = &entry.block.header;
        let place = (header.term, header.height);
        let fresh = self.log.acked().is_none_or(|last| (last.ack.term, last.ack.height) < place);
        if !fresh || header.term != self.log.term() {
            return;
        }
        let Some(leader) = self.log.leader() else { return };
        let ack = self.sign_ack(&entry.block);
        self.record(Event::Acked { ack });
        self.perform(Effect::Send { to: leader, message: Message::Ack(ack) });
    }

    /// P-77: the highest block that this node may ack: none that follows a change of the registered
    /// set whose certificate it lacks, but one that opens a term. And never so far above what is
    /// certified that a promise could not say it all.
    fn ackable(&self) -> Option<Height> {
        let certified = self.log.certified();
        let most = certified.0.saturating_add(limits::ACKED_AHEAD as u64);
        let heights = certified.0 + 1..=self.log.head().0.min(most);
        heights.rev().map(Height).find(|height| {
            let opens = |height: &Height| {
                self.log.entry(*height).is_some_and(|entry| entry.block.opening.is_some())
            };
            !self.log.changes_set(certified, *height) || opens(height)
        })
    }

    pub(super) fn on_certificate(&mut self, certificate: Certificate) {
        if certificate.ack.channel != self.env.channel {
            return;
        }
        let ack = certificate.ack;
        if ack.height > self.log.head() {
            return self.keep_certificate(certificate);
        }
        let certificate = quorum::members_only(&self.log, &certificate);
        let known = self.log.entry(ack.height).and_then(|entry| entry.certificate.as_ref());
        let adds = known.is_none_or(|known| known.signatures.len() < certificate.signatures.len());
        let news = adds && ack.height > self.log.finalised();
        if news && quorum::certifies(&self.log, &certificate) {
            self.record(Event::Certified { certificate });
        }
    }

    /// The best certificate of a block not here yet; only one that is vouched for, so that nobody
    /// else's takes its place.
    fn keep_certificate(&mut self, certificate: Certificate) {
        let known = self.waiting.certificate.as_ref();
        if !self.vouches(&certificate) {
            return;
        }
        if known.is_none_or(|known| known.ack.height <= certificate.ack.height) {
            self.waiting.certificate = Some(certificate);
        }
    }

    fn apply_waiting_certificate(&mut self) {
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
        let Some(tip) = self.log.tip() else { return };
        let next = self.waiting.blocks.get(&tip.height.next());
        let waits = next
            .is_some_and(|(block, _)| block.header.parent == tip.hash && self.is_leaders(block));
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

#[cfg(test)]
mod tests {
    use super::{
        super::{
            bench::{Bench, certificate, chain_member, env, justified_by, nothing},
            input::Input,
        },
        *,
    };

    /// A follower of four that holds three blocks, and the leader's fourth, which it has not seen.
    fn three_blocks() -> (Bench, Vec<Arc<Block>>) {
        let mut bench = Bench::new(4);
        let blocks: Vec<_> = (0..4).map(|_| bench.cut_unheard()).collect();
        for block in &blocks[..3] {
            bench.message(1, 0, Message::Block(Arc::clone(block)));
        }
        assert_eq!(bench.nodes[1].log().head(), Height(3));
        (bench, blocks)
    }

    /// P-26: else who knows more would append what the others refuse.
    #[test]
    fn justification_without_a_quorum_is_refused_whatever_else_a_node_knows() {
        let (mut bench, blocks) = three_blocks();
        bench.message(1, 0, Message::Certificate(certificate(&blocks[2], &[0, 1, 2, 3])));
        assert_eq!(bench.nodes[1].log().certified(), Height(3));
        let forged = justified_by(&blocks[3], 0, certificate(&blocks[1], &[0]));
        bench.message(1, 0, Message::Block(Arc::new(forged)));
        assert_eq!(bench.nodes[1].log().head(), Height(3));
        let right = justified_by(&blocks[3], 0, certificate(&blocks[1], &[0, 1, 2]));
        bench.message(1, 0, Message::Block(Arc::new(right)));
        assert_eq!(bench.nodes[1].log().head(), Height(4));
    }

    /// P-41: anybody can sign an ack; only members have a say.
    #[test]
    fn a_strangers_signature_adds_nothing_to_a_certificate() {
        let (mut bench, blocks) = three_blocks();
        let mut stored = |signers: &[usize]| {
            let message = Message::Certificate(certificate(&blocks[2], signers));
            bench.message(1, 3, message).events.len()
        };
        assert_eq!(stored(&[0, 1, 2, 50]), 1);
        assert_eq!(stored(&[0, 1, 2, 50, 51, 52]), 0);
        assert_eq!(stored(&[0, 1, 2, 3]), 1, "a member's does");
        let kept = bench.nodes[1].log().certificate().map(|kept| kept.signatures.len());
        assert_eq!(kept, Some(4));
    }

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

    /// A block that `signer` made up.
    fn junk(like: &Block, signer: usize, change: impl FnOnce(&mut Block)) -> Arc<Block> {
        let keypair = super::super::bench::node_key(signer);
        let mut block = like.clone();
        block.leader = keypair.node_id();
        change(&mut block);
        block.signature = keypair.sign(&block.header);
        Arc::new(block)
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

    /// P-44: who is accused in public could otherwise stop everybody for good.
    #[test]
    fn evidence_against_a_former_leader_does_not_stop_the_new_one() {
        let (mut bench, blocks) = three_blocks();
        for block in &blocks[..3] {
            for node in [2, 3] {
                bench.message(node, 0, Message::Block(Arc::clone(block)));
            }
        }
        bench.down.insert(0);
        bench.grant(1, &[1, 2, 3]);
        let double = junk(&blocks[1], 0, |block| block.header.time = Time(1));
        for node in [1, 2] {
            let step = bench.message(node, 0, Message::Block(Arc::clone(&double)));
            assert!(matches!(step.events[..], [Event::Diverged { .. }, ..]), "{:?}", step.events);
        }
        bench.call(1, 1, nothing());
        for node in &bench.nodes[1..] {
            assert!(node.log().certified() > Height(4));
        }
        let again = bench.message(1, 0, Message::Block(double));
        assert!(again.events.is_empty(), "once is enough");
    }

    /// P-46: the two that signed are gone from the chain, and what they were paid can't be asked for
    /// any more; a newcomer does not take their word.
    #[test]
    fn member_left_alone_still_catches_up_over_words_that_the_chain_no_longer_says() {
        let (mut bench, blocks) = three_blocks();
        bench.record.members.retain(|member| member.record.join_sequence.0 == 2);
        bench.observe();
        let message = || Message::Certificate(certificate(&blocks[3], &[0, 2, 3]));
        bench.message(1, 0, message());
        assert!(bench.nodes[1].is_vouched(Height(4)));
        let newcomer = Bench::with_record(5, bench.record.clone());
        bench.nodes[0] = newcomer.nodes.into_iter().next_back().expect("five nodes");
        bench.message(0, 1, message());
        assert!(!bench.nodes[0].is_vouched(Height(4)));
    }

    /// P-46: of two members that the chain knows, one is the newcomer itself.
    #[test]
    fn newcomer_believes_the_others_whom_the_chain_knows() {
        let mut record = super::super::bench::record(2);
        record.members = vec![chain_member(1), chain_member(2)];
        let mut bench = Bench::with_record(2, record);
        bench.nodes.push(Channel::new(env(2)));
        let heard = bench.observation();
        bench.input(2, Input::Chain(heard));
        let block = Bench::new(2).cut_unheard();
        bench.message(2, 1, Message::Certificate(certificate(&block, &[0])));
        assert!(!bench.nodes[2].is_vouched(Height(1)), "the chain knows it no more");
        bench.message(2, 1, Message::Certificate(certificate(&block, &[1])));
        assert!(bench.nodes[2].is_vouched(Height(1)));
    }
}
