//! Answers complaints: an account said on the chain that a call of its was left undone.

use fairway_types::{
    SignedCall, StateKey, StateReader, Time, Verified,
    chain::{ChainTx, ChannelRecord},
    codec,
    crypto::Verify,
    windows::ComplaintRecord,
};

use super::{Channel, execution::next_sequence, output::Effect, pool::Pooled};
use crate::settlement::proof;

impl Channel {
    /// P-110: the leader orders the call that a complaint brings; whoever holds a certified block since
    /// then in which the call's number is used, or was not next, answers with it. What nobody answered
    /// in its window is resolved.
    pub(super) fn answer_complaint(&mut self, record: &ChannelRecord) {
        let Some(complaint) = record.windows.complaint.clone() else { return };
        let channel = self.env.channel;
        if self.now >= complaint.deadline {
            if self.is_turn(record, complaint.deadline) {
                self.perform(Effect::Submit(ChainTx::Resolve { channel }));
            }
            return;
        }
        match self.answer(record, &complaint) {
            Some(answer) => self.perform(Effect::Submit(answer)),
            None if self.leads() => self.order_complained(&complaint),
            None => {}
        }
    }

    /// The call reaches this node over the chain, if it came no other way.
    fn order_complained(&mut self, complaint: &ComplaintRecord) {
        let call = codec::decode::<SignedCall>("call", &complaint.call).ok();
        let call = call.and_then(|call| call.verify().ok()).map(Verified::into_inner);
        let Some(call) = call.filter(|call| call.call.sender == complaint.account) else { return };
        if self.check_call(&call).is_ok() {
            let (hash, expected) = (call.hash(), self.expected_sequence(&call));
            let pooled = Pooled::new(call, hash, Some(self.me), self.now);
            // A full pool orders what it holds first; the complaint is looked at again.
            let _ = self.pool.add(pooled, expected, &self.env.limits);
        }
    }

    fn answer(&self, record: &ChannelRecord, complaint: &ComplaintRecord) -> Option<ChainTx> {
        let entry = self.log.entries_down(self.log.certified()).find(|entry| {
            let certified = entry.certificate.as_ref();
            certified.is_some_and(|known| proof::is_known(&self.log, record, known))
        })?;
        let since = complained_at(record, complaint);
        let in_force = record.in_force.as_ref()?.term.epoch;
        let header = &entry.block.header;
        let account = complaint.account;
        let left = entry.state.read(&StateKey::Departed(account)).is_some();
        let used = next_sequence(&entry.state, account) != complaint.sequence;
        if header.time < since || header.term.epoch != in_force || !(left || used) {
            return None;
        }
        Some(ChainTx::Answer {
            channel: self.env.channel,
            header: Box::new(header.clone()),
            certificate: Box::new(entry.certificate.clone()?),
            number: Box::new(entry.state.proven(&StateKey::Sequence(account))),
            departed: Box::new(entry.state.proven(&StateKey::Departed(account))),
        })
    }
}

impl Channel {
    /// P-24: the answer needs a block of a time after the complaint, whether or not there is something
    /// to order.
    pub(super) fn is_asked_for_a_block(&self) -> bool {
        let Some((record, tip)) = self.chain.record().zip(self.log.tip()) else { return false };
        let complaint = record.windows.complaint.as_ref();
        // A block of a time before it answers nothing: who is behind the chain's clock waits.
        complaint.is_some_and(|complaint| {
            let since = complained_at(record, complaint);
            self.now < complaint.deadline && self.now >= since && tip.time < since
        })
    }
}

fn complained_at(record: &ChannelRecord, complaint: &ComplaintRecord) -> Time {
    Time(complaint.deadline.0.saturating_sub(record.config.money.challenge_window))
}

#[cfg(test)]
mod tests {
    use fairway_types::{JoinSequence, Operation, SequenceNumber};

    use super::{
        super::bench::{self, Bench, member, nothing},
        *,
    };

    fn complain(bench: &mut Bench, sequence: u64, operation: Operation) {
        complain_ahead(bench, sequence, operation, 0);
    }

    /// The chain's clock is so many milliseconds ahead.
    fn complain_ahead(bench: &mut Bench, sequence: u64, operation: Operation, ahead: u64) {
        let window = bench.record.config.money.challenge_window;
        let call = bench::sign(2, SequenceNumber(sequence), operation, bench.now.plus(500_000));
        bench.record.windows.complaint = Some(ComplaintRecord {
            account: member(2).account,
            sequence: SequenceNumber(sequence),
            call: codec::encode(&call),
            leader: JoinSequence(1),
            deadline: bench.now.plus(window + ahead),
        });
        bench.observe();
    }

    fn answered(bench: &Bench) -> Option<(fairway_types::Height, u64)> {
        (0..bench.nodes.len()).find_map(|node| {
            bench.submitted(node).find_map(|tx| {
                let ChainTx::Answer { header, number, .. } = tx else { return None };
                let number = if number.value.is_empty() {
                    0
                } else {
                    codec::decode("number", &number.value).unwrap()
                };
                Some((header.height, number))
            })
        })
    }

    /// P-110: the leader never heard of the call but from the chain.
    #[test]
    fn call_that_a_complaint_brings_is_ordered_and_the_complaint_answered() {
        let mut bench = Bench::new(4);
        bench.note(0);
        bench.wait(200);
        complain(&mut bench, 0, nothing());
        bench.wait(2_000);
        let (_, number) = answered(&bench).unwrap();
        assert_eq!(number, 1);
    }

    /// P-24, P-110: else an idle channel's leader would be punished for a number that is not next.
    #[test]
    fn complaint_about_a_number_that_is_not_next_is_answered_by_an_empty_block() {
        let mut bench = Bench::new(4);
        bench.note(0);
        bench.wait(1_000);
        let head = bench.nodes[0].log().head();
        complain(&mut bench, 7, nothing());
        bench.wait(2_000);
        assert_eq!(answered(&bench), Some((head.next(), 0)));
        bench.wait(5_000);
        assert!(bench.nodes[0].log().head().0 <= head.0 + 2, "one block is enough");
    }

    /// P-24: its blocks would all be too early, and there would be no end of them.
    #[test]
    fn leader_whose_clock_is_behind_the_chains_waits_with_its_block() {
        let mut bench = Bench::new(4);
        bench.note(0);
        bench.wait(1_000);
        let head = bench.nodes[0].log().head();
        complain_ahead(&mut bench, 7, nothing(), 3_000);
        bench.wait(1_500);
        assert_eq!(bench.nodes[0].log().head(), head);
        bench.wait(3_000);
        assert_eq!(answered(&bench), Some((head.next(), 0)));
    }

    #[test]
    fn what_nobody_answered_is_resolved_after_its_window() {
        let mut bench = Bench::new(4);
        bench.note(0);
        bench.down.extend([0, 1, 3]);
        complain(&mut bench, 0, nothing());
        let resolved =
            |bench: &Bench| bench.submitted(2).any(|tx| matches!(tx, ChainTx::Resolve { .. }));
        bench.wait(10_000);
        assert!(!resolved(&bench));
        bench.now = bench.now.plus(bench.record.config.money.challenge_window);
        bench.wait(8_000);
        assert!(resolved(&bench));
    }
}
