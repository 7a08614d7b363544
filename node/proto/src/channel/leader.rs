//! Ordering: the leader turns what is due into a block, executes it and signs it.

use std::sync::Arc;

use fairway_types::{
    Ack, Block, Certificate, Effects, Execute, Hash, Header, Height, Refusal, SignedAck,
    SignedCall, TermCertificate, Time, Transaction, bundle::SignedBundle, codec, limits,
};

use super::{
    Channel,
    bundles::Word,
    execution::{Executed, Execution},
    log::{KEPT_BLOCKS, Tip},
    output::{Appended, CallPlaces, Effect, Event, Update},
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
        let mut ordered = self.order_due(&mut execution, &tip);
        if tip.members.contains_key(&self.me) {
            self.order_calls(&mut execution, &mut ordered, &tip);
        }
        self.leaves_calls = self.pool.ready() > 0;
        if ordered.transactions.is_empty() && !opens && !self.needs_empty_block() {
            return;
        }
        let executed = execution.finish(&tip.state);
        let calls = std::mem::take(&mut ordered.calls).into();
        let body = self.body(ordered, opening.map(Box::new));
        let block = self.sign_block(&tip, time, body, &executed.effects, &executed.state);
        self.append_own(Arc::new(block), executed, calls);
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

    /// P-22: whether the next block has to wait for a certificate. A few are cut at once, so that a
    /// lone call does not wait; more of them only full, or many small ones would keep all nodes busy.
    /// Ticks keep their time.
    fn is_window_full(&self, tip: &Tip) -> bool {
        let limits = &self.env.limits;
        let is_full = self.leaves_calls || self.pool.ready() >= limits.block_calls;
        let is_due = self.next_tick(tip).is_some_and(|due| due <= self.now);
        self.in_flight(tip) >= if is_full || is_due { limits.window } else { limits.eager }
    }

    /// Uncertified blocks.
    pub(super) fn in_flight(&self, tip: &Tip) -> u64 {
        tip.height.0.saturating_sub(self.log.certified().0)
    }

    /// Runs what the chain and the clock make due, as much of it as half a block holds; with the gas
    /// that it used.
    fn order_due(&mut self, execution: &mut Execution<'_, impl Execute>, tip: &Tip) -> Ordered {
        let mut bytes = 0;
        let mut ordered = Ordered::default();
        for transaction in self.due_transactions(tip) {
            bytes += codec::size(&transaction);
            if bytes > limits::BLOCK_BYTES / 2 || ordered.gas >= limits::BLOCK_GAS {
                break;
            }
            if let Ok(effects) = execution.run(&transaction) {
                ordered.gas += effects.gas_used.0;
                ordered.transactions.push(transaction);
            }
        }
        ordered
    }

    fn order_calls(
        &mut self,
        execution: &mut Execution<'_, impl Execute>,
        ordered: &mut Ordered,
        tip: &Tip,
    ) {
        let mut bytes = 0;
        let most = self.env.limits.block_calls.min(limits::BLOCK_TRANSACTIONS / 2);
        // P-132: by calls, bytes and gas.
        while ordered.transactions.len() < most
            && bytes < limits::BLOCK_BYTES / 4
            && ordered.gas < limits::BLOCK_GAS
        {
            let Some(pooled) = self.pool.take() else { return };
            let Some(word) = self.word_for(&pooled, tip) else {
                let refusal =
                    Refusal::invalid("call", "its bundle is of its account's node no more");
                self.refuse_call(pooled.from, pooled.hash, refusal);
                continue;
            };
            let transaction = Transaction::Call(pooled.call);
            match execution.run(&transaction) {
                Ok(effects) => {
                    ordered.gas += effects.gas_used.0;
                    bytes += pooled.bytes + ordered.note(word);
                    let place = u32::try_from(ordered.transactions.len()).unwrap_or(u32::MAX);
                    ordered.calls.push((place, pooled.hash));
                    ordered.transactions.push(transaction);
                }
                Err(refusal) => self.refuse_call(pooled.from, pooled.hash, refusal),
            }
        }
    }

    fn body(&self, ordered: Ordered, opening: Option<Box<TermCertificate>>) -> Body {
        let Ordered { transactions, bundles, own, .. } = ordered;
        let own: Vec<&SignedCall> =
            own.into_iter().filter_map(|place| transactions.get(place)?.as_call()).collect();
        let bundles = self.bundles_with_own(bundles, &own);
        Body { transactions, bundles, opening }
    }

    fn sign_block(
        &self,
        tip: &Tip,
        time: Time,
        body: Body,
        effects: &[Effects],
        state: &fairway_state::State,
    ) -> Block {
        let Body { transactions, bundles, opening } = body;
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
        let signature = self.env.keypair.sign_known(&header);
        let leader = self.me;
        Block { header, transactions, justification, opening, bundles, leader, signature }
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

    fn append_own(&mut self, block: Arc<Block>, executed: Executed, calls: CallPlaces) {
        let effects = Arc::new(executed.effects);
        let ack = self.sign_ack(&block);
        let appended = Appended {
            block: Arc::clone(&block),
            effects: Arc::clone(&effects),
            state: Some(executed.state),
            calls: Some(Arc::clone(&calls)),
        };
        self.record(Event::Appended(appended));
        self.record(Event::Acked { ack });
        self.perform(Effect::Broadcast(Message::Block(Arc::clone(&block))));
        self.perform(Effect::Publish(Update::Block { block: Arc::clone(&block), effects }));
        self.answer_executed(block.height(), &calls);
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
        SignedAck { ack, node: self.me, signature: self.env.keypair.sign_known(&ack) }
    }

    /// P-24: an empty block is cut to open a term, and after the last block with transactions, to
    /// make it final.
    fn needs_empty_block(&mut self) -> bool {
        self.child_due().is_some_and(|due| self.now >= due)
            || self.is_asked_for_a_block()
            || self.cuts_for_a_checkpoint()
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

/// What is ordered for a block so far.
#[derive(Default)]
struct Ordered {
    transactions: Vec<Transaction>,
    /// Place and hash of each call.
    calls: Vec<(u32, Hash)>,
    /// What others' nodes signed for some of them.
    bundles: Vec<Arc<SignedBundle>>,
    /// Places of the calls that this node signs for.
    own: Vec<usize>,
    gas: u64,
}

impl Ordered {
    /// What stands for the signature of the transaction that comes next; the bytes that it adds.
    fn note(&mut self, word: Word) -> usize {
        match word {
            Word::Account => 0,
            Word::Own => {
                self.own.push(self.transactions.len());
                size_of::<Hash>()
            }
            Word::Bundle(bundle)
                if self.bundles.iter().any(|known| Arc::ptr_eq(known, &bundle)) =>
            {
                0
            }
            Word::Bundle(bundle) => {
                let bytes = codec::size(&*bundle);
                self.bundles.push(bundle);
                bytes
            }
        }
    }
}

/// What a block is cut with.
struct Body {
    transactions: Vec<Transaction>,
    bundles: Vec<SignedBundle>,
    opening: Option<Box<TermCertificate>>,
}

/// Whether every node can check a certificate of the block at `certified` in the one at `height`.
pub(super) fn is_checkable(certified: Height, height: Height) -> bool {
    height.0.saturating_sub(certified.0) <= KEPT_BLOCKS as u64
}

#[cfg(test)]
mod tests;
