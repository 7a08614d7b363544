//! When a node is done with a channel: closed and everybody paid, or its member is out of it.

use fairway_types::Time;

use super::Channel;

/// Milliseconds for which a node that is out serves the others what they lack.
const LINGER: u64 = 10_000;

impl Channel {
    /// P-130: out is who was in, by the chain's word, and is in no more, and has nothing at stake. Where an exit closed the
    /// channel, nodes stay until everybody has claimed.
    pub(super) fn is_out(&self) -> bool {
        let Some(record) = self.chain.record() else { return false };
        let is_there = record.members.iter().any(|member| member.record.node == self.me);
        let was_in = self.log.genesis().is_some() || record.settlement.closed;
        let is_done = !self.is_at_stake(record);
        was_in
            && !is_there
            && is_done
            && (record.windows.outcome.is_none() || record.members.is_empty())
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
    use fairway_types::{
        Hash, Height, JoinSequence,
        windows::{Outcome, ReportRecord},
    };

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

    /// P-79, P-130
    #[test]
    fn node_of_a_paid_member_hears_nobody_and_misses_no_quorum() {
        let mut bench = Bench::new(3);
        bench.wait(600);
        bench.part(&[0, 1]);
        bench.wait(4_000);
        assert!(bench.nodes[2].status().lacking_quorum.is_some());
        bench.record.members.remove(2);
        bench.observe();
        let status = bench.nodes[2].status();
        assert_eq!((status.lacking_quorum, status.out), (None, true));
    }

    /// P-130: who stops telling what it saw has its report end undecided, at half its bond.
    #[test]
    fn node_of_a_paid_member_stays_while_a_report_by_it_or_about_it_waits() {
        for (reporter, accused) in [(3, 1), (1, 3)] {
            let mut bench = Bench::new(3);
            bench.wait(600);
            bench.record.members.remove(2);
            bench.record.windows.reports = vec![ReportRecord {
                evidence: Hash([7; 32]),
                reporter: JoinSequence(reporter),
                accused: JoinSequence(accused),
                deadline: bench.now.plus(60_000),
            }];
            bench.observe();
            bench.wait(3 * LINGER);
            assert_eq!(bench.ended(), [false, false, false]);
            bench.record.windows.reports[0].reporter = JoinSequence(2);
            bench.record.windows.reports[0].accused = JoinSequence(1);
            bench.observe();
            bench.wait(LINGER + 100);
            assert_eq!(bench.ended(), [false, false, true], "that is the others' matter");
        }
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
