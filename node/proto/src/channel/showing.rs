//! Shows the contract who leads: a later view that began, by the promises that opened it.

use fairway_types::{
    ShownPromise, Term,
    chain::{ChainTx, ChannelRecord},
};

use super::{Channel, output::Effect};
use crate::settlement::membership;

/// Milliseconds for which the leader, and then each member after it, has the word.
const TURN: u64 = 2_000;
/// Turns after which whoever is left shows it, all at once.
const TURNS: usize = 4;

impl Channel {
    /// P-47: the leader of a later view shows it to the contract once the term's first block is
    /// certified; the members after it when it does not.
    pub(super) fn show_term(&mut self) {
        let due = self.term_to_show();
        let waited = self.timers.has_been_unshown(self.now, due.as_ref().map(|(term, _)| *term));
        let Some((term, promises)) = due else { return };
        if waited >= self.turn_to_show() && self.timers.may_show(self.now) {
            let channel = self.env.channel;
            self.perform(Effect::Submit(ChainTx::ShowTerm { channel, term, promises }));
        }
    }

    /// The term that the contract does not know, with promises enough for it.
    fn term_to_show(&self) -> Option<(Term, Vec<ShownPromise>)> {
        let record = self.chain.record().filter(|record| record.open)?;
        let opened = self.log.opened().filter(|opened| is_news(record, opened.term))?;
        let began = self.log.certificate().is_some_and(|known| known.ack.term >= opened.term);
        let may = began && opened.term == self.log.term() && self.chain.knows(&self.me);
        let promises = membership::enough_promises(record, &opened.promises)?;
        (may && !self.has_left() && !self.log.is_tail_lost()).then_some((opened.term, promises))
    }

    /// Milliseconds that this node leaves to the leader and those between: the later in join order
    /// after the leader, the longer.
    fn turn_to_show(&self) -> u64 {
        let Some(tip) = self.log.tip() else { return 0 };
        let mut order: Vec<_> = tip.members.values().collect();
        order.sort_by_key(|member| member.join_sequence);
        let place = |node| order.iter().position(|member| Some(member.node) == node);
        let leader = place(self.log.leader()).unwrap_or_default();
        let turn = place(Some(self.me)).map_or(TURNS, |own| {
            (own + order.len() - leader).checked_rem(order.len()).unwrap_or_default()
        });
        TURN * turn.min(TURNS) as u64
    }

    /// P-48: whether the chain takes this node for a leader that others have left for a later view.
    /// After a while it applies all the same: the view can't be shown.
    pub(super) fn gave_way(&mut self) -> bool {
        let later = self.chain.record().is_some_and(|record| is_news(record, self.log.term()));
        let gave_way = later && self.log.leader() != Some(self.me);
        let since = self.timers.has_given_way(self.now, gave_way);
        gave_way && since < self.env.limits.vacancy
    }
}

/// Whether the term is a later view of the epoch in force than the contract knows.
fn is_news(record: &ChannelRecord, term: Term) -> bool {
    let in_force = record.in_force.as_ref().map(|in_force| in_force.term);
    in_force.is_some_and(|shown| term.epoch == shown.epoch && term.view > shown.view)
}

#[cfg(test)]
mod tests {
    use fairway_types::{
        Address, Epoch, Hash, Height, Operation, Time, View, Weight, chain::EpochGrant,
    };

    use super::{
        super::{
            bench::{self, Bench, CHANNEL, nothing},
            input::Input,
            log::Log,
            output::Event,
        },
        *,
    };

    const VIEW_1: Term = Term { epoch: Epoch(1), view: View(1) };

    fn shown(bench: &Bench, node: usize) -> Vec<(Term, Vec<ShownPromise>)> {
        let txs = bench.submitted(node).filter_map(|tx| {
            let ChainTx::ShowTerm { term, promises, .. } = tx else { return None };
            Some((*term, promises.clone()))
        });
        txs.collect()
    }

    fn applied(bench: &Bench, node: usize) -> usize {
        let is_application = |tx: &&ChainTx| matches!(tx, ChainTx::ApplyForLeadership { .. });
        bench.submitted(node).filter(is_application).count()
    }

    /// The contract records the view; all but these are valid.
    fn record_view(bench: &mut Bench, term: Term, silent: &[usize]) {
        let grant = bench.record.grants.last().cloned().unwrap();
        bench.record.in_force = membership::term_record(&bench.record, &grant, term.view);
        beat(bench, silent);
    }

    fn beat(bench: &mut Bench, silent: &[usize]) {
        for (index, member) in bench.record.members.iter_mut().enumerate() {
            member.last_heartbeat = if silent.contains(&index) { Time::ZERO } else { bench.now };
        }
        bench.observe();
    }

    /// Four members, of which the second leads view 1 and the first is down.
    fn second_view() -> Bench {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.down.insert(0);
        bench.wait(2_000);
        assert_eq!((bench.leader(), bench.nodes[1].log().term()), (1, VIEW_1));
        bench
    }

    /// P-47
    #[test]
    fn leader_of_a_later_view_shows_it_until_the_contract_knows_it() {
        let mut bench = second_view();
        bench.wait(700);
        let said = shown(&bench, 1);
        assert!(said.len() >= 2, "it is said again: {}", said.len());
        let (term, promises) = &said[0];
        assert_eq!((*term, promises.len()), (VIEW_1, 3));
        assert!(promises.iter().all(|promise| promise.is_of(CHANNEL, VIEW_1)));
        assert!(shown(&bench, 2).is_empty() && shown(&bench, 3).is_empty());
        record_view(&mut bench, VIEW_1, &[0]);
        bench.wait(5_000);
        assert_eq!(shown(&bench, 1).len(), said.len());
        assert!(shown(&bench, 2).is_empty() && shown(&bench, 3).is_empty());
    }

    #[test]
    fn first_views_need_not_be_shown() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.grant(1, &[0, 1, 2, 3]);
        bench.wait(10_000);
        assert_eq!(bench.nodes[3].log().term(), Term { epoch: Epoch(2), view: View(0) });
        assert!((0..4).all(|node| shown(&bench, node).is_empty()));
    }

    /// P-47: until then the term may still be passed over.
    #[test]
    fn view_is_shown_only_once_its_first_block_is_certified() {
        let mut bench = Bench::new(4);
        bench.note(3);
        let mut node = bench.nodes[3].clone_for_test();
        node.handle(bench.now, &bench::Vaults, Input::Chain(bench.observation()));
        let from = bench.events.len();
        bench.down.insert(0);
        bench.wait(2_000);
        let mut opened = 0;
        for (_, event) in bench.events[from..].iter().filter(|(of, _)| *of == 3) {
            node.log.apply(event);
            let began = node.log.certificate().is_some_and(|known| known.ack.term == VIEW_1);
            assert_eq!(node.term_to_show().is_some(), began);
            opened += usize::from(node.log.opened().is_some() && !began);
        }
        assert!(opened > 0 && node.term_to_show().is_some());
        let restored = Log::restore(node.log.snapshot());
        assert_eq!(restored.opened(), node.log.opened(), "also from a snapshot");
        node.log.apply(&Event::RolledBack { to: Height(1) });
        assert_eq!(node.log.opened(), None);
    }

    /// P-47: the leader's own node may not reach the chain.
    #[test]
    fn next_member_shows_the_view_when_the_leader_does_not() {
        let mut bench = second_view();
        bench.wait(700);
        assert!(shown(&bench, 2).is_empty());
        bench.wait(1_300);
        assert!(!shown(&bench, 2).is_empty() && shown(&bench, 3).is_empty());
        bench.wait(2_000);
        assert!(!shown(&bench, 3).is_empty());
        assert_eq!(shown(&bench, 2)[0], shown(&bench, 1)[0]);
    }

    /// P-47: what the contract can't count yet is not said to it.
    #[test]
    fn view_is_not_shown_while_too_few_active_members_promised_it() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.down.insert(0);
        bench.record.members.push(bench::chain_member(4));
        bench.record.members.push(bench::chain_member(5));
        // Seen, and not entered: the leader is down.
        bench.observe();
        bench.wait(2_000);
        assert_eq!(bench.leader(), 1);
        assert_eq!(shown(&bench, 1), []);
        bench.record.members.truncate(4);
        beat(&mut bench, &[0]);
        assert_eq!(shown(&bench, 1).len(), 1);
    }

    /// P-48: it comes back, knows the others' view, and the chain still counts it as the leader.
    #[test]
    fn leader_that_gave_way_does_not_apply_while_the_view_can_be_shown() {
        let mut bench = second_view();
        bench.down.remove(&0);
        bench.wait(1_000);
        assert_eq!(bench.nodes[0].log().term(), VIEW_1);
        // The valid set is another one than the grant's.
        beat(&mut bench, &[3]);
        bench.wait(5_000);
        assert_eq!(applied(&bench, 0), 0);
        record_view(&mut bench, VIEW_1, &[3]);
        bench.wait(1_000);
        assert_eq!((applied(&bench, 0), applied(&bench, 1) > 0), (0, true));
    }

    /// P-48: else nobody could renew the grant.
    #[test]
    fn leader_that_gave_way_applies_when_the_view_is_not_shown_for_long() {
        let mut bench = second_view();
        bench.down.remove(&0);
        bench.wait(1_000);
        beat(&mut bench, &[3]);
        bench.wait(8_000);
        assert_eq!(applied(&bench, 0), 0);
        bench.wait(3_000);
        assert!(applied(&bench, 0) > 0);
        assert_eq!(applied(&bench, 1), 0, "the chain counts the first as valid");
    }

    /// P-71: who leads is the same before and after the granted one was paid.
    #[test]
    fn leader_of_a_later_view_stays_when_the_granted_one_is_gone() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.grant(1, &[0, 1, 2, 3]);
        bench.note(3);
        bench.down.insert(1);
        bench.wait(2_000);
        bench.down.remove(&1);
        bench.wait(1_000);
        assert_eq!(bench.leader(), 2);
        bench.call(1, 2, Operation::Leave);
        bench.wait(500);
        let proposal = bench.proposed(2).next().unwrap().clone();
        let leaver = bench.record.members.remove(1).record.account;
        let settlement = &mut bench.record.settlement;
        (settlement.number, settlement.height) = (proposal.number, proposal.to_height);
        (settlement.root, settlement.block) = (proposal.to_root, proposal.to_block);
        settlement.paid = vec![leaver];
        bench.observe();
        bench.call(3, 2, nothing());
        let log = bench.nodes[3].log();
        assert!(log.tip().unwrap().leavers.is_empty(), "it is paid");
        assert_eq!(log.term(), Term { epoch: Epoch(2), view: View(1) });
        assert_eq!(log.leader(), Some(bench.nodes[2].node()));
        assert_eq!(bench.nodes[3].log().certified(), bench.nodes[3].log().head());
    }

    /// P-47: where those valid are too few, they alone count, as the contract counts them.
    #[test]
    fn valid_members_alone_count_where_they_are_too_few() {
        let mut record = bench::record(4);
        let promise = |index: usize| ShownPromise {
            node: bench::member(index).node,
            rest: Hash::ZERO,
            signature: fairway_types::Signature::ZERO,
        };
        let enough = |record: &ChannelRecord, indices: &[usize]| {
            let promises: Vec<_> = indices.iter().map(|index| promise(*index)).collect();
            membership::enough_promises(record, &promises).map(|enough| enough.len())
        };
        assert_eq!(enough(&record, &[0, 1]), None);
        assert_eq!(enough(&record, &[0, 1, 2, 3]), Some(3));
        let valid = vec![record.members[2].record.join_sequence; 1];
        let grant =
            EpochGrant { epoch: Epoch(2), leader: Address::ZERO, join_sequence: valid[0], valid };
        record.grants.push(grant);
        assert_eq!(enough(&record, &[0, 1, 3]), None);
        assert_eq!(enough(&record, &[0, 2]), Some(1));
        record.members[3].record.weight = Weight(9);
        assert_eq!(enough(&record, &[2]), Some(1));
    }
}
