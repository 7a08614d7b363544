//! Following: check, re-execute, append, ack.

use std::sync::Arc;

use fairway_types::{
    Block, Certificate, Effects, Execute, Height, NodeId, Refusal, Transaction, evidence::Evidence,
    limits,
};

use super::{
    Channel,
    accusing::contradiction,
    execution::Execution,
    leader::is_checkable,
    log::Tip,
    output::{Appended, Effect, Event, Update, call_places},
    quorum,
};
use crate::message::Message;

/// Why a block is not appended.
pub(super) enum Unfit {
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

    /// P-25: a follower appends a block only if it extends the head, its term's leader signed it,
    /// its time is sane, its justification certifies what this node holds, every transaction is
    /// admitted and re-execution gives the same roots.
    pub(super) fn check_and_append(
        &mut self,
        block: &Arc<Block>,
        vm: &impl Execute,
    ) -> Result<(), Unfit> {
        let Some(tip) = self.log.tip() else { return Err(Unfit::Later) };
        self.check_header(block, &tip)?;
        self.check_bundles(block, &tip)?;
        self.check_leavers_block(block, &tip, vm)?;
        self.check_justification(block, &tip)?;
        let contradicted = self.check_chain_words(block)?;
        let Some(facts) = self.log.genesis().map(|genesis| genesis.record.facts()) else {
            return Err(Unfit::Later);
        };
        let mut execution = Execution::new(vm, facts, tip.start(), block.header.time);
        for (index, transaction) in (0u32..).zip(&block.transactions) {
            if let Err(refusal) = execution.run(transaction) {
                return Err(self.invalid(block, index, &refusal, vm));
            }
        }
        let executed = execution.finish(&tip.state);
        let effects_root = Effects::root(&executed.effects);
        let state_root = executed.state.root();
        if (effects_root, state_root) != (block.header.effects_root, block.header.state_root) {
            let roots = (effects_root, state_root);
            return Err(self.divergence(block, executed.effects, roots, vm));
        }
        // P-27: last, as it is the one thing that nobody else can see by the evidence.
        if let Some(index) = contradicted {
            return Err(self.invalid(block, index, &contradiction(), vm));
        }
        let (effects, calls) = (Arc::new(executed.effects), call_places(block));
        self.record(Event::Appended(Appended {
            block: Arc::clone(block),
            effects: Arc::clone(&effects),
            state: Some(executed.state),
            calls: Some(Arc::clone(&calls)),
        }));
        self.perform(Effect::Publish(Update::Block { block: Arc::clone(block), effects }));
        self.answer_executed(block.height(), &calls);
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
        // P-44: whose word is known to be worthless needs a certificate, or a later term above it.
        let accused = self.log.evidence_against(&block.leader).is_some();
        if accused && header.term >= self.log.term() && !self.is_vouched(header.height) {
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
    fn check_leavers_block(
        &self,
        block: &Block,
        tip: &Tip,
        vm: &impl Execute,
    ) -> Result<(), Unfit> {
        if tip.members.contains_key(&block.leader) {
            return Ok(());
        }
        let ordered = (0u32..).zip(&block.transactions);
        match ordered.into_iter().find(|(_, tx)| !matches!(tx, Transaction::Settled { .. })) {
            None => Ok(()),
            Some((index, _)) => {
                let refusal = Refusal::invalid("transaction", "its leader has left");
                Err(self.invalid(block, index, &refusal, vm))
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
    /// its own chain client has heard them too. The first transaction that the chain contradicts.
    fn check_chain_words(&mut self, block: &Block) -> Result<Option<u32>, Unfit> {
        let vouched = self.is_vouched(block.height()) || self.is_settled_block(block);
        for (index, transaction) in (0u32..).zip(&block.transactions) {
            match self.chain.confirms(transaction) {
                Some(true) => {}
                Some(false) => return Ok(Some(index)),
                None if vouched => {}
                None => {
                    self.refresh();
                    return Err(Unfit::Later);
                }
            }
        }
        Ok(None)
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
        if !fresh || header.term != self.log.term() || !self.log.may_sign(header.term) {
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
        self.check_double_certificate(&certificate);
        let certificate = quorum::members_only(&self.log, &certificate);
        let known = self.log.entry(ack.height).and_then(|entry| entry.certificate.as_ref());
        let adds = known.is_none_or(|known| known.signatures.len() < certificate.signatures.len());
        let news = adds && ack.height > self.log.finalised();
        if news && quorum::certifies(&self.log, &certificate) {
            self.record(Event::Certified { certificate });
        }
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::{Time, block::CertifiedBlock};

    use super::{
        super::{
            bench::{
                Bench, certificate, chain_member, env, junk, justified_by, nothing, three_blocks,
            },
            input::Input,
        },
        *,
    };

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

    /// P-44: it promises nothing, so no later term would ever free it of an accused leader's.
    #[test]
    fn newcomer_with_evidence_against_the_leader_goes_on_by_certificates_alone() {
        let (bench, blocks) = three_blocks();
        let mut newcomer = Bench::with_record(5, bench.record.clone());
        for block in &blocks[..2] {
            newcomer.message(4, 0, Message::Block(Arc::clone(block)));
        }
        let double = junk(&blocks[1], 0, |block| block.header.time = Time(1));
        let step = newcomer.message(4, 0, Message::Block(double));
        assert!(matches!(step.events[..], [Event::Diverged { .. }, ..]), "{:?}", step.events);
        let known =
            |block: &Arc<Block>| CertifiedBlock { block: Arc::clone(block), certificate: None };
        let rest = || Message::SyncBlocks(blocks[2..].iter().map(known).collect());
        newcomer.message(4, 1, rest());
        assert_eq!(newcomer.nodes[4].log().head(), Height(2), "the accused's word alone");
        newcomer.message(4, 1, Message::Certificate(certificate(&blocks[3], &[0, 1, 2])));
        newcomer.message(4, 1, rest());
        assert_eq!(newcomer.nodes[4].log().head(), Height(4));
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
