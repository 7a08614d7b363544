//! When a node is done with a channel: closed and everybody paid, or its member is out of it.

use fairway_types::Time;

use super::Channel;

/// Milliseconds for which a node that is out serves the others what they lack.
const LINGER: u64 = 10_000;

impl Channel {
    /// P-130: out is who was in, by the chain's word, and is in no more. Where an exit closed the
    /// channel, nodes stay until everybody has claimed.
    fn is_out(&self) -> bool {
        let Some(record) = self.chain.record() else { return false };
        let is_there = record.members.iter().any(|member| member.record.node == self.me);
        let was_in = self.log.genesis().is_some() || record.settlement.closed;
        was_in && !is_there && (record.windows.outcome.is_none() || record.members.is_empty())
    }

    pub(super) fn note_whether_out(&mut self) {
        let is_out = self.is_out();
        self.out_since = self.out_since.filter(|_| is_out).or(is_out.then_some(self.now));
    }

    /// When this node is done with the channel, if it is out of it.
    pub(super) fn ends_at(&self) -> Option<Time> {
        self.out_since.map(|since| since.plus(LINGER))
    }

    /// Whether this node is done with the channel: it may forget all but what is stored.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ends_at().is_some_and(|end| self.now >= end)
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::{Hash, Height, windows::Outcome};

    use super::*;
    use crate::channel::bench::Bench;

    /// P-130
    #[test]
    fn node_of_a_paid_member_ends_after_it_has_lingered() {
        let mut bench = Bench::new(3);
        let member = bench.record.members.remove(2);
        bench.observe();
        bench.wait(LINGER - 1_000);
        assert!(!bench.nodes[2].has_ended(), "the others may still ask it");
        bench.observe();
        bench.wait(1_100);
        assert_eq!(bench.ended(), [false, false, true]);
        bench.record.members.push(member);
        bench.observe();
        assert!(!bench.nodes[2].has_ended(), "it joined again");
    }

    /// P-130: what nobody else claims, a node claims for those that are gone.
    #[test]
    fn node_stays_until_everybody_has_claimed_after_an_exit() {
        let mut bench = Bench::new(2);
        bench.record.windows.outcome = Some(Outcome {
            height: Height::ZERO,
            root: Hash::ZERO,
            block: Hash::ZERO,
            members: Vec::new(),
        });
        bench.record.members.remove(0);
        bench.observe();
        bench.wait(2 * LINGER);
        assert_eq!(bench.ended(), [false, false]);
        bench.record.members.clear();
        bench.observe();
        bench.wait(LINGER + 100);
        assert_eq!(bench.ended(), [true, true]);
    }

    /// A node that was let in and waits for the channel to begin is not out of it.
    #[test]
    fn node_of_a_channel_that_has_not_begun_stays() {
        let mut record = crate::channel::bench::record(1);
        record.first_grant = None;
        record.grants.clear();
        let mut bench = Bench::with_record(1, record);
        bench.record.members.clear();
        bench.observe();
        bench.wait(2 * LINGER);
        assert_eq!(bench.ended(), [false]);
    }
}
