//! Following: check, re-execute, append, ack; report a leader whose word differs.

use std::{collections::BTreeMap, sync::Arc};

use fairway_types::{
    Block, Certificate, Effects, Execute, Height, NodeId, Refusal, Transaction,
    block::CertifiedBlock, chain::ChainTx, evidence::Evidence, limits,
};

use super::{
    Channel,
    execution::Execution,
    log::Tip,
    output::{Appended, Effect, Event, Update},
    quorum,
};
use crate::message::Message;

/// What came before its turn: blocks by height, and the best certificate for a block not here yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    blocks: BTreeMap<Height, Arc<Block>>,
    certificate: Option<Certificate>,
}

/// Why a block is not appended.
enum Unfit {
    /// It may fit later.
    Later,
    /// It never will.
    Never,
    /// The leader broke a rule, and its signature proves it.
    Proven(Box<Evidence>),
}

impl Channel {
    pub(super) fn on_block(&mut self, block: Arc<Block>, vm: &impl Execute) {
        if self.log.evidence().is_some() || !self.is_plausible(&block) {
            return;
        }
        let head = self.log.head();
        if block.height() <= head {
            self.check_double(&block);
            return;
        }
        let room = self.waiting.blocks.len() < self.env.limits.waiting_blocks;
        if room || block.height() == head.next() {
            self.waiting.blocks.insert(block.height(), block);
        }
        self.drain_waiting(vm);
    }

    pub(super) fn on_sync_blocks(&mut self, blocks: Vec<CertifiedBlock>, vm: &impl Execute) {
        for entry in blocks {
            if !self.is_plausible(&entry.block) {
                return;
            }
            self.waiting.blocks.insert(entry.block.height(), entry.block);
            self.drain_waiting(vm);
            if let Some(certificate) = entry.certificate {
                self.on_certificate(certificate);
            }
        }
        let most = self.env.limits.waiting_blocks;
        while self.waiting.blocks.len() > most {
            self.waiting.blocks.pop_last();
        }
    }

    /// Whether a block may wait here: only what a member's node signed, so that nobody else's blocks
    /// push out the leader's.
    fn is_plausible(&self, block: &Block) -> bool {
        let known = self.log.tip().is_some_and(|tip| tip.members.contains_key(&block.leader))
            || self.chain.knows(&block.leader);
        known && block.header.channel == self.env.channel
    }

    /// Appends every block whose turn it is.
    pub(super) fn drain_waiting(&mut self, vm: &impl Execute) {
        while self.log.evidence().is_none() {
            let next = self.log.head().next();
            self.waiting.blocks = self.waiting.blocks.split_off(&next);
            let Some(block) = self.waiting.blocks.get(&next).cloned() else { return };
            match self.check_and_append(&block, vm) {
                Ok(()) => {}
                Err(Unfit::Later) => return,
                Err(Unfit::Never) => {
                    self.waiting.blocks.remove(&next);
                    return;
                }
                Err(Unfit::Proven(evidence)) => self.report(evidence),
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
        self.check_justification(block)?;
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
                parent: self
                    .log
                    .entry(tip.height)
                    .map(|entry| Box::new(entry.block.header.clone())),
                parent_state_root: tip.state.root(),
                block: Box::new((**block).clone()),
                effects: executed.effects,
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
            return Err(Unfit::Never);
        }
        if header.term > self.log.term() {
            self.refresh();
            return Err(Unfit::Later);
        }
        let parent_term = self.log.entry(tip.height).map(|entry| entry.block.header.term);
        if parent_term.is_some_and(|term| header.term < term) {
            return Err(Unfit::Never);
        }
        if self.log.leader_of(header.term.epoch) != Some(block.leader) {
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

    /// P-26: the certificate in a block is about a block this node holds, and is a quorum.
    fn check_justification(&self, block: &Block) -> Result<(), Unfit> {
        let Some(certificate) = &block.justification else { return Ok(()) };
        // A block that has left memory was final: nothing hangs on its certificate any more.
        if self.log.entry(certificate.ack.height).is_none() {
            return Ok(());
        }
        if !quorum::is_about_its_block(&self.log, certificate) {
            return Err(Unfit::Never);
        }
        let counts = certificate.ack.height >= self.log.certified();
        if counts && !quorum::certifies(&self.log, certificate) {
            return Err(Unfit::Never);
        }
        Ok(())
    }

    /// P-27: joins, removals, closes and settlements are the chain's words: a follower waits until
    /// its own chain client has heard them too, and reports a join that the chain contradicts.
    fn check_chain_words(&mut self, block: &Block) -> Result<(), Unfit> {
        let vouched =
            self.waiting.certificate.as_ref().is_some_and(|proof| {
                proof.ack.height >= block.height() && self.chain.vouches(proof)
            });
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
        let Some(entry) = self.log.entry(block.height()) else { return };
        let same_place = entry.block.header.term == block.header.term
            && entry.block.leader == block.leader
            && entry.hash != block.hash();
        if same_place {
            let first = Box::new((*entry.block).clone());
            let second = Box::new(block.clone());
            self.report(Box::new(Evidence::DoubleBlock { first, second }));
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
        let Some(entry) = self.log.entry(self.log.head()) else { return };
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

    pub(super) fn on_certificate(&mut self, certificate: Certificate) {
        if certificate.ack.channel != self.env.channel {
            return;
        }
        let ack = certificate.ack;
        let Some(held) = self.log.tip_at(ack.height) else {
            if ack.height > self.log.head() {
                let better = self
                    .waiting
                    .certificate
                    .as_ref()
                    .is_none_or(|known| known.ack.height <= ack.height);
                if better {
                    self.waiting.certificate = Some(certificate);
                }
            }
            return;
        };
        let known = self.log.entry(ack.height).and_then(|entry| entry.certificate.as_ref());
        let adds = known.is_none_or(|known| known.signatures.len() < certificate.signatures.len());
        if held.hash == ack.block && adds && quorum::certifies(&self.log, &certificate) {
            self.record(Event::Certified { certificate });
        }
    }

    fn apply_waiting_certificate(&mut self) {
        let head = self.log.head();
        let due = self.waiting.certificate.take_if(|certificate| certificate.ack.height <= head);
        if let Some(certificate) = due {
            self.on_certificate(certificate);
        }
    }

    /// P-35: a node behind its leader's head, or with a gap, asks for what it lacks.
    pub(super) fn ask_for_missing(&mut self, from: NodeId, head: Height) {
        let own = self.log.head();
        let next_waits = self.waiting.blocks.contains_key(&own.next());
        if self.log.tip().is_some() && head > own && !next_waits && self.timers.may_sync(self.now) {
            let message = Message::SyncRequest { from: own.next() };
            self.perform(Effect::Send { to: from, message });
        }
    }
}
