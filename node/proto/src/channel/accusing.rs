//! Making evidence: what a node that never saw the channel needs to see what this one saw.

use fairway_types::{
    Block, Certificate, Effects, Execute, Hash, Height, NodeId, Refusal, SignedAck,
    chain::ChannelFacts,
    evidence::{Disputed, Evidence, Parent},
    witness::Witness,
};

use super::{
    Channel,
    execution::{Execution, Start, member, merged_writes},
    follower::Unfit,
    ground::{Ground, Recorder, Roll},
    log::{Log, Tip},
    output::{Effect, Event},
};
#[cfg(feature = "known-bugs")]
use crate::known_bugs::KnownBug;
use crate::message::Message;

/// A block with what executing it depends on; none where the log does not hold its parent any more.
pub fn disputed(log: &Log, block: &Block, vm: &impl Execute) -> Option<Box<Disputed>> {
    let tip = log.tip_at(block.height().previous())?;
    let record = &log.genesis()?.record;
    let parent = match tip.height {
        Height::ZERO => Parent::Genesis {
            config: Box::new(record.config.clone()),
            founders: record.founders.clone(),
            state_root: tip.state.root(),
        },
        height => Parent::Block(Box::new(log.block(height)?.header.clone())),
    };
    let facts = record.facts();
    Some(Box::new(Disputed {
        facts,
        parent,
        block: block.signed_header(),
        transactions: block.transactions.clone(),
        witness: witness(block, facts, &tip, vm),
    }))
}

/// P-93: everything that execution of the block asks the state for. It is executed once more for
/// that, which happens once an accused leader.
fn witness(block: &Block, facts: ChannelFacts, tip: &Tip, vm: &impl Execute) -> Option<Witness> {
    let recorder = Recorder::new(&tip.state);
    let start = Start { state: &recorder, ..tip.start() };
    let mut execution = Execution::new(vm, facts, start, block.header.time);
    for transaction in &block.transactions {
        if execution.run(transaction).is_err() {
            break;
        }
    }
    let writes = merged_writes(&execution.into_effects());
    // P-7: that it has left shows in who has not.
    if !tip.members.contains_key(&block.leader) {
        for account in recorder.accounts(Roll::Members) {
            drop(member(&recorder, account));
        }
    }
    recorder.witness(&writes)
}

/// P-27: what a node says of a transaction that the rules admit and its chain contradicts.
pub(super) fn contradiction() -> Refusal {
    Refusal::invalid("transaction", "the chain says something else")
}

/// P-107: whether others can see by this node's evidence what it saw. Not where its chain contradicts
/// what the rules admit: that is no verdict for anybody else.
pub(super) fn shows_it_to_others(evidence: &Evidence) -> bool {
    match evidence {
        Evidence::InvalidTransaction { reason, .. } => *reason != contradiction().to_string(),
        Evidence::Divergence { .. } | Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => {
            true
        }
    }
}

impl Channel {
    /// P-25: the roots that re-execution of `block` gives are not those that its leader signed.
    pub(super) fn divergence(
        &self,
        block: &Block,
        effects: Vec<Effects>,
        (effects_root, state_root): (Hash, Hash),
        vm: &impl Execute,
    ) -> Unfit {
        let Some(block) = disputed(&self.log, block, vm) else { return Unfit::Never };
        let effects = Evidence::shown(effects);
        let reporter = self.me;
        Unfit::Proven(Box::new(Evidence::Divergence {
            reporter,
            block,
            effects,
            effects_root,
            state_root,
        }))
    }

    pub(super) fn invalid(
        &self,
        block: &Block,
        index: u32,
        refusal: &Refusal,
        vm: &impl Execute,
    ) -> Unfit {
        let Some(block) = disputed(&self.log, block, vm) else { return Unfit::Never };
        let (reporter, reason) = (self.me, refusal.to_string());
        Unfit::Proven(Box::new(Evidence::InvalidTransaction { reporter, block, index, reason }))
    }

    /// P-28: two different blocks of one leader at one (term, height) are evidence by themselves.
    pub(super) fn check_double(&mut self, block: &Block) {
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
            let first = Box::new(entry.block.signed_header());
            let second = Box::new(block.signed_header());
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

    /// P-96: the leader compares an ack with what its signer acked before at the place; one of
    /// another block than its own is kept until one of its own comes. The signer has a say there.
    pub(super) fn check_double_ack(&mut self, signed: &SignedAck, own: &Hash) {
        let (height, node) = (signed.ack.height, &signed.node);
        let other = if signed.ack.block == *own {
            self.peers.odd_ack(node)
        } else {
            let counted = self.peers.counted_ack(height, node);
            counted.or_else(|| self.certified_ack(height, node))
        };
        if signed.ack.block != *own {
            self.peers.keep_odd_ack(*signed);
        }
        if let Some(other) = other {
            self.accuse_of_double_ack(other, *signed);
        }
    }

    /// P-96: who is in the certificates of two blocks at one place acked both.
    pub(super) fn check_double_certificate(&mut self, certificate: &Certificate) {
        let ack = certificate.ack;
        let known = self.log.entry(ack.height).and_then(|entry| entry.certificate.as_ref());
        if known.is_none_or(|known| known.ack == ack) {
            return;
        }
        for (node, signature) in &certificate.signatures {
            let signed = SignedAck { ack, node: *node, signature: *signature };
            if let Some(other) = self.certified_ack(ack.height, node)
                && self.is_known(node)
            {
                self.accuse_of_double_ack(other, signed);
            }
        }
    }

    /// What a node acked, as the certificate of the block at `height` has it.
    fn certified_ack(&self, height: Height, node: &NodeId) -> Option<SignedAck> {
        let certificate = self.log.entry(height)?.certificate.as_ref()?;
        let (node, signature) = certificate.signatures.iter().find(|(by, _)| by == node)?;
        Some(SignedAck { ack: certificate.ack, node: *node, signature: *signature })
    }

    fn accuse_of_double_ack(&mut self, first: SignedAck, second: SignedAck) {
        let place = |signed: &SignedAck| (signed.ack.channel, signed.ack.term, signed.ack.height);
        let contradict = place(&first) == place(&second) && first.ack.block != second.ack.block;
        if contradict && first.node != self.me && !self.log.has_acked_twice(&first.node) {
            self.report(Box::new(Evidence::DoubleAck { first, second }));
        }
    }

    pub(super) fn report(&mut self, boxed: Box<Evidence>) {
        self.record(Event::Diverged { evidence: boxed.clone() });
        self.judge_own(&boxed);
        if shows_it_to_others(&boxed) {
            self.perform(Effect::Broadcast(Message::Report(boxed)));
        }
    }
}

#[cfg(test)]
mod tests;
