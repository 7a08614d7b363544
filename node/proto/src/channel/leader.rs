//! Ordering: the leader turns what is due into a block, executes it and signs it.

use std::sync::Arc;

use fairway_types::{
    Ack, Block, Effects, Execute, Header, Height, SignedAck, Time, Transaction, limits,
};

use super::{
    Channel,
    execution::Execution,
    log::Tip,
    output::{Appended, Effect, Event, Update},
};
use crate::message::Message;

impl Channel {
    /// P-22: a block is cut as soon as there is something to order and room in the window.
    pub(super) fn cut_block(&mut self, vm: &impl Execute) {
        let Some(tip) = self.log.tip() else { return };
        let in_flight = tip.height.0.saturating_sub(self.log.certified().0);
        let full = in_flight >= self.env.limits.window;
        if full && !self.must_carry_over(&tip) {
            return;
        }
        let Some(record) = self.log.genesis().map(|genesis| genesis.record.clone()) else { return };
        let time = self.now.max(tip.time);
        let mut execution = Execution::new(vm, &record, &tip, time);
        let mut transactions = Vec::new();
        for transaction in self.due_transactions(&tip) {
            if execution.run(&transaction).is_ok() {
                transactions.push(transaction);
            }
        }
        if tip.members.contains_key(&self.me) {
            self.order_calls(&mut execution, &mut transactions);
        }
        if transactions.is_empty() && !self.needs_empty_block(&tip) {
            return;
        }
        let executed = execution.finish(&tip.state);
        let block = self.sign_block(&tip, time, transactions, &executed.effects, &executed.state);
        self.timers.on_block(self.now);
        self.append_own(Arc::new(block), executed.effects, executed.state);
    }

    fn order_calls(
        &mut self,
        execution: &mut Execution<'_, impl Execute>,
        transactions: &mut Vec<Transaction>,
    ) {
        let mut bytes = 0;
        let most = self.env.limits.block_calls.min(limits::BLOCK_TRANSACTIONS / 2);
        while transactions.len() < most && bytes < limits::BLOCK_BYTES / 2 {
            let Some(pooled) = self.pool.take() else { return };
            let transaction = Transaction::Call(pooled.call.clone());
            match execution.run(&transaction) {
                Ok(_) => {
                    bytes += fairway_types::codec::encode(&transaction).len();
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
        transactions: Vec<Transaction>,
        effects: &[Effects],
        state: &fairway_state::State,
    ) -> Block {
        let justification =
            self.log.certificate().filter(|certificate| certificate.ack.height.0 > 0).cloned();
        let header = Header {
            channel: self.env.channel,
            parent: tip.hash,
            height: tip.height.next(),
            term: self.log.term(),
            time,
            justified: justification.as_ref().map_or(Height::ZERO, |proof| proof.ack.height),
            transactions_root: Block::transactions_root(&transactions),
            effects_root: Effects::root(effects),
            state_root: state.root(),
            extension: Vec::new(),
        };
        let signature = self.env.keypair.sign(&header);
        Block { header, transactions, justification, leader: self.me, signature }
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

    /// P-24: an empty block is cut to carry a new term's first ack over what the old term left
    /// uncertified, and once after the last block with transactions, to make it final.
    fn needs_empty_block(&self, tip: &Tip) -> bool {
        if self.must_carry_over(tip) {
            return true;
        }
        let Some(head) = self.log.entry(tip.height) else { return false };
        self.log.certified() == tip.height
            && self.log.finalised() < tip.height
            && !head.block.transactions.is_empty()
            && self.now >= tip.time.plus(self.env.limits.finality_delay)
    }

    /// Whether the head is of an older term and uncertified: nobody acks it any more, only a block
    /// of the new term can carry it over, even past a full window.
    fn must_carry_over(&self, tip: &Tip) -> bool {
        self.log.certified() < tip.height
            && self
                .log
                .entry(tip.height)
                .is_some_and(|head| head.block.header.term < self.log.term())
    }
}
