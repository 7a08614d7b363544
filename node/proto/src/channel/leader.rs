//! Ordering: the leader turns what is due into a block, executes it and signs it.

use std::sync::Arc;

use fairway_types::{
    Ack, Block, Certificate, Effects, Execute, Header, Height, SignedAck, TermCertificate, Time,
    Transaction, codec, limits,
};

use super::{
    Channel,
    execution::Execution,
    log::{KEPT_BLOCKS, Tip},
    output::{Appended, Effect, Event, Update},
};
use crate::message::Message;

impl Channel {
    /// P-22: a block is cut as soon as there is something to order and room in the window.
    pub(super) fn cut_block(&mut self, vm: &impl Execute) {
        // P-92
        if !self.log.may_sign(self.log.term()) {
            return;
        }
        let Some(tip) = self.log.tip().filter(|tip| !self.has_signed_above(tip)) else { return };
        let opens = !self.log.is_open();
        if !opens && (self.is_window_full(&tip) || self.awaits_new_set()) {
            return;
        }
        let opening = if opens { self.opening() } else { None };
        if opens && opening.is_none() {
            return;
        }
        let Some(facts) = self.log.genesis().map(|genesis| genesis.record.facts()) else { return };
        let time = self.now.max(tip.time);
        let mut execution = Execution::new(vm, facts, tip.start(), time);
        let mut transactions = self.order_due(&mut execution, &tip);
        if tip.members.contains_key(&self.me) {
            self.order_calls(&mut execution, &mut transactions);
        }
        if transactions.is_empty() && !opens && !self.needs_empty_block() {
            return;
        }
        let executed = execution.finish(&tip.state);
        let body = Body { transactions, opening: opening.map(Box::new) };
        let block = self.sign_block(&tip, time, body, &executed.effects, &executed.state);
        self.append_own(Arc::new(block), executed.effects, executed.state);
    }

    /// P-23: whether this node acked another block where the next one would stand: its own, if it was
    /// taken back.
    fn has_signed_above(&self, tip: &Tip) -> bool {
        let next = (self.log.term(), tip.height.next());
        self.log.acked().is_some_and(|last| (last.ack.term, last.ack.height) >= next)
    }

    /// P-77: whether the last block that changed the registered set is not certified yet: only then
    /// do all know who certifies what follows.
    fn awaits_new_set(&self) -> bool {
        self.log.last_set_change() > self.log.certified()
    }

    pub(super) fn is_window_full(&self, tip: &Tip) -> bool {
        let in_flight = tip.height.0.saturating_sub(self.log.certified().0);
        in_flight >= self.env.limits.window
    }

    /// Runs what the chain and the clock make due, as much of it as half a block holds.
    fn order_due(
        &mut self,
        execution: &mut Execution<'_, impl Execute>,
        tip: &Tip,
    ) -> Vec<Transaction> {
        let mut bytes = 0;
        let mut ordered = Vec::new();
        for transaction in self.due_transactions(tip) {
            bytes += codec::encode(&transaction).len();
            if bytes > limits::BLOCK_BYTES / 2 {
                break;
            }
            if execution.run(&transaction).is_ok() {
                ordered.push(transaction);
            }
        }
        ordered
    }

    fn order_calls(
        &mut self,
        execution: &mut Execution<'_, impl Execute>,
        transactions: &mut Vec<Transaction>,
    ) {
        let mut bytes = 0;
        let most = self.env.limits.block_calls.min(limits::BLOCK_TRANSACTIONS / 2);
        while transactions.len() < most && bytes < limits::BLOCK_BYTES / 4 {
            let Some(pooled) = self.pool.take() else { return };
            let transaction = Transaction::Call(pooled.call.clone());
            match execution.run(&transaction) {
                Ok(_) => {
                    bytes += codec::encode(&transaction).len();
                    transactions.push(transaction);
                }
                Err(refusal) => self.refuse_call(pooled.from, pooled.hash, refusal),
            }
        }
    }

    fn sign_block(
        &self,
        tip: &Tip,
        time: Time,
        body: Body,
        effects: &[Effects],
        state: &fairway_state::State,
    ) -> Block {
        let Body { transactions, opening } = body;
        let justification = self.justification(tip);
        let header = Header {
            channel: self.env.channel,
            parent: tip.hash,
            height: tip.height.next(),
            term: self.log.term(),
            time,
            justified: justification.as_ref().map_or(Height::ZERO, |proof| proof.ack.height),
            opening: opening.as_deref().map(TermCertificate::hash),
            transactions_root: Block::transactions_root(&transactions),
            effects_root: Effects::root(effects),
            state_root: state.root(),
            extension: Vec::new(),
        };
        let signature = self.env.keypair.sign(&header);
        Block { header, transactions, justification, opening, leader: self.me, signature }
    }

    /// P-42: the highest certificate of a registered quorum, unless it is too old to be checked; else
    /// what the head carries.
    fn justification(&self, tip: &Tip) -> Option<Certificate> {
        let carried = self.log.block(tip.height).and_then(|head| head.justification.clone());
        let least = carried.as_ref().map_or(Height::ZERO, |carried| carried.ack.height);
        let proof = self.log.proof().filter(|proof| {
            proof.ack.height > least && is_checkable(proof.ack.height, tip.height.next())
        });
        proof.cloned().or(carried)
    }

    fn append_own(
        &mut self,
        block: Arc<Block>,
        effects: Vec<Effects>,
        state: fairway_state::State,
    ) {
        let effects = Arc::new(effects);
        let ack = self.sign_ack(&block);
        let appended = Appended {
            block: Arc::clone(&block),
            effects: Arc::clone(&effects),
            state: Some(state),
        };
        self.record(Event::Appended(appended));
        self.record(Event::Acked { ack });
        self.perform(Effect::Broadcast(Message::Block(Arc::clone(&block))));
        self.perform(Effect::Publish(Update::Block { block: Arc::clone(&block), effects }));
        self.answer_executed(block.height());
        self.on_ack(ack);
    }

    /// P-23: an ack names the channel, the block's own term and height, and its hash.
    pub(super) fn sign_ack(&self, block: &Block) -> SignedAck {
        let ack = Ack {
            channel: self.env.channel,
            term: block.header.term,
            height: block.height(),
            block: block.hash(),
        };
        SignedAck { ack, node: self.me, signature: self.env.keypair.sign(&ack) }
    }

    /// P-24: an empty block is cut to open a term, and after the last block with transactions, to
    /// make it final.
    fn needs_empty_block(&self) -> bool {
        self.child_due().is_some_and(|due| self.now >= due) || self.is_asked_for_a_block()
    }

    /// When an empty block is due that helps the last transactions to become final: it carries a
    /// proof of them which no block of this term carries yet, or is the term's first. Once such a
    /// block is there, acks of it do the rest, and another one would change nothing.
    pub(super) fn child_due(&self) -> Option<Time> {
        let last = self.log.last_unfinal()?;
        let head = self.log.block(self.log.head())?;
        let term = self.log.term();
        let covers = |proof: &Certificate| proof.ack.term == term && proof.ack.height >= last;
        let helps = if head.header.term == term {
            !head.justification.as_ref().is_some_and(covers) && self.log.proof().is_some_and(covers)
        } else {
            self.log.certified() >= head.height()
        };
        helps.then(|| head.header.time.plus(self.env.limits.finality_delay))
    }
}

/// What a block is cut with.
struct Body {
    transactions: Vec<Transaction>,
    opening: Option<Box<TermCertificate>>,
}

/// Whether every node can check a certificate of the block at `certified` in the one at `height`.
pub(super) fn is_checkable(certified: Height, height: Height) -> bool {
    height.0.saturating_sub(certified.0) <= KEPT_BLOCKS as u64
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the effects it is about")]
mod tests {
    use fairway_types::{View, crypto::Verify};

    use super::{
        super::bench::{Bench, certificate, node_key},
        *,
    };

    /// Four members, of whom the last is down and not valid any more.
    fn one_down() -> Bench {
        let mut bench = Bench::new(4);
        bench.down.insert(3);
        bench.grant(0, &[0, 1, 2]);
        bench
    }

    #[test]
    fn blocks_become_final_while_one_of_four_is_down() {
        let mut bench = one_down();
        bench.note(0);
        let ordered = bench.nodes[0].log().head();
        bench.wait(300);
        for node in &bench.nodes[..3] {
            assert_eq!(node.log().finalised(), ordered);
        }
    }

    #[test]
    fn idle_leader_with_a_member_down_cuts_no_more_blocks_and_sleeps() {
        let mut bench = one_down();
        bench.note(0);
        bench.wait(300);
        let head = bench.nodes[0].log().head();
        bench.wait(3_000);
        assert_eq!(bench.nodes[0].log().head(), head);
        let deadline = bench.nodes[0].deadline();
        assert!(deadline.since(bench.now) >= 50, "wakes again at {deadline:?}");
    }

    /// Nothing can become final: no empty block helps.
    #[test]
    fn leader_without_a_registered_quorum_cuts_no_empty_blocks() {
        let mut bench = Bench::new(2);
        bench.down.insert(1);
        bench.grant(0, &[0]);
        bench.note(0);
        let head = bench.nodes[0].log().head();
        bench.wait(1_000);
        assert_eq!(bench.nodes[0].log().head(), head);
        assert_eq!(bench.nodes[0].log().certified(), head);
        assert_eq!(bench.nodes[0].log().finalised(), Height::ZERO);
    }

    #[test]
    fn last_block_becomes_final_across_an_epoch() {
        let mut bench = one_down();
        bench.note(0);
        let ordered = bench.nodes[0].log().head();
        bench.grant(0, &[0, 1]);
        bench.grant(0, &[0, 1, 2]);
        bench.wait(500);
        assert!(bench.nodes[1].log().finalised() >= ordered);
    }

    /// A leader that others left behind takes its block back for theirs and cannot append it yet.
    #[test]
    fn leader_whose_block_was_taken_back_signs_no_other_in_its_place() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.part(&[0]);
        let mut signed = vec![bench.cut_unheard()];
        bench.down.insert(0);
        bench.record.members[3].leaving = true;
        bench.observe();
        bench.wait(2_500);
        bench.down.remove(&0);
        let entry = bench.nodes[1].log().entry(Height(2)).unwrap();
        let step = bench.message(0, 1, Message::Block(Arc::clone(&entry.block)));
        let cut = step.effects.iter().chain(bench.effects.iter().map(|(_, effect)| effect));
        signed.extend(cut.filter_map(|effect| match effect {
            Effect::Broadcast(Message::Block(block)) => Some(Arc::clone(block)),
            _ => None,
        }));
        signed.retain(|block| block.header.term.view == View(0) && block.height() == Height(2));
        assert_eq!(bench.nodes[0].log().head(), Height(1), "it waits for the chain's word");
        assert!(signed.iter().all(|block| block.hash() == signed[0].hash()), "{}", signed.len());
    }

    /// P-34: an ack counts for its block, not for its height.
    #[test]
    fn acks_of_a_block_that_was_taken_back_count_for_no_other() {
        let mut bench = Bench::new(4);
        for _ in 0..8 {
            let Header { channel, term, height, .. } = bench.cut_unheard().header;
            let block = bench.nodes[0].log().tip().unwrap().hash;
            let ack = Ack { channel, term, height, block };
            let (node, signature) = (node_key(3).node_id(), node_key(3).sign(&ack));
            bench.message(0, 3, Message::Ack(SignedAck { ack, node, signature }));
        }
        bench.part(&[0]);
        bench.wait(2_500);
        bench.cut.clear();
        bench.wait(1_000);
        bench.grant(0, &[0, 1, 2, 3]);
        bench.wait(1_000);
        bench.note(0);
        let epoch = bench.nodes[0].log().term().epoch;
        let made = bench.events.iter().filter_map(|(node, event)| match event {
            Event::Certified { certificate } if *node == 0 => Some(certificate),
            _ => None,
        });
        let own: Vec<_> = made.filter(|made| made.ack.term.epoch == epoch).collect();
        assert!(own.iter().any(|made| made.ack.height <= Height(8)), "{own:?}");
        for certificate in own {
            certificate.check().unwrap();
        }
    }

    /// P-34: it is the one signature that a restarted leader need not wait for.
    #[test]
    fn restarted_leader_counts_the_ack_that_it_stored() {
        let mut bench = Bench::new(4);
        bench.note(3);
        let block = bench.cut_unheard();
        bench.restart(0);
        for signer in [1, 2] {
            let made = certificate(&block, &[signer]);
            let (node, signature) = made.signatures[0];
            bench.message(0, signer, Message::Ack(SignedAck { ack: made.ack, node, signature }));
        }
        assert_eq!(bench.nodes[0].log().certified(), block.height());
    }
}
