//! Settlements of few and through windows: who opens one, and what the chain's word makes final.

use super::*;

/// P-104: and P-53: with the others gone nothing becomes final.
#[test]
fn who_is_heard_alone_settles_what_it_can_prove_after_a_window() {
    let mut bench = alone();
    bench.nodes[0].settling.ask();
    bench.wait(1_000);
    assert_eq!(opened(&bench, 0), 0, "the other is asked first");
    bench.wait(5_000);
    let proposal = bench.proposed(0).last().unwrap().clone();
    assert!(proposal.to_height > bench.nodes[0].log().finalised());
    let of = shown(&bench, 0).last().unwrap().shown().unwrap();
    assert_eq!((of.block, of.root), (proposal.to_block, proposal.to_root));
    assert_eq!(opened(&bench, 0), 1);
    assert_eq!(count(&bench, 0, |tx| matches!(tx, ChainTx::Execute { .. })), 0);
    bench.record.windows.shown = Some(of);
    waits(&mut bench, &proposal);
    bench.wait(4_000);
    assert_eq!(opened(&bench, 0), 1, "it waits already");
    assert_eq!(count(&bench, 0, |tx| matches!(tx, ChainTx::Finish { .. })), 0);
    bench.wait(WINDOW);
    assert!(count(&bench, 0, |tx| matches!(tx, ChainTx::Finish { .. })) > 0);
}

/// P-104
#[test]
fn where_all_settle_fewer_settle_nothing() {
    let mut bench = four_under(SettlementRule::Unanimous);
    bench.down.insert(3);
    bench.nodes[0].settling.ask();
    bench.wait(8_000);
    let settles = |tx: &ChainTx| matches!(tx, ChainTx::Execute { .. } | ChainTx::OpenWindow { .. });
    assert_eq!(count(&bench, 0, settles), 0);
    bench.down.clear();
    bench.wait(3_000);
    let votes = bench.submitted(0).find_map(|tx| {
        if let ChainTx::Execute { votes, .. } = tx { Some(votes.len()) } else { None }
    });
    assert_eq!(votes, Some(4));
}

/// P-104
#[test]
fn where_fraud_can_be_proven_two_thirds_wait_for_the_window() {
    let mut bench = four_under(SettlementRule::Judged);
    bench.nodes[0].settling.ask();
    bench.wait(200);
    assert_eq!(opened(&bench, 0), 1);
    assert_eq!(count(&bench, 0, |tx| matches!(tx, ChainTx::Execute { .. })), 0);
}

/// P-105: or a channel whose member is gone for good never has a final block again.
#[test]
fn what_the_chain_settled_is_final_and_the_rest_goes_on_to_finality() {
    let mut bench = alone();
    bench.record.members[1].leaving = true;
    bench.observe();
    bench.wait(1_000);
    let proposal = {
        bench.wait(6_000);
        bench.proposed(0).last().unwrap().clone()
    };
    assert!(proposal.balances.iter().any(|row| row.leaves), "the one that is gone is paid");
    assert!(bench.nodes[0].log().finalised() < proposal.to_height);
    has_settled(&mut bench, &proposal);
    bench.record.members.truncate(1);
    bench.observe();
    bench.run(0, Input::Timeout);
    assert!(bench.nodes[0].log().finalised() >= proposal.to_height);
    bench.call(0, 0, Operation::Leave);
    bench.wait(500);
    let log = bench.nodes[0].log();
    assert_eq!((log.finalised(), log.settled()), (log.head(), 1));
}

/// P-104: else one newer block of the same chain, shown before the window opens, would stop every
/// settlement for good, since each member is bound to its first yes.
#[test]
fn a_later_block_that_was_shown_first_is_settled_instead() {
    let mut bench = alone();
    bench.nodes[0].settling.ask();
    bench.wait(2_000);
    let first = bench.nodes[0].proposal().unwrap();
    bench.note(0);
    bench.wait(200);
    let best = best_of(&bench, 0);
    assert!(best.height > first.signed.proposal.to_height);
    bench.record.windows.shown = Some(best);
    bench.observe();
    bench.wait(10_000);
    let second = bench.proposed(0).last().unwrap();
    assert_eq!(second.to_block, best.block);
    assert!(opened(&bench, 0) > 0);
}

/// P-105: what was certified above the settled block before this node heard of the settlement.
#[test]
fn what_was_certified_above_a_settled_block_becomes_final_with_it() {
    let mut bench = alone();
    bench.record.members[1].leaving = true;
    bench.observe();
    bench.wait(7_000);
    let proposal = bench.proposed(0).last().unwrap().clone();
    has_settled(&mut bench, &proposal);
    bench.note(0);
    bench.call(0, 0, Operation::Leave);
    let head = bench.nodes[0].log().certified();
    assert!(head > proposal.to_height && bench.nodes[0].log().finalised() < proposal.to_height);
    bench.record.members.truncate(1);
    bench.observe();
    bench.run(0, Input::Timeout);
    assert!(bench.nodes[0].log().finalised() >= head);
}

/// P-115: a proposal of few that has left memory binds nobody any more.
#[test]
fn what_few_agreed_to_and_can_prove_no_more_is_proposed_anew() {
    let mut bench = alone();
    bench.nodes[0].settling.ask();
    bench.wait(1_000);
    let first = bench.nodes[0].proposal().unwrap();
    outgrow(&mut bench, 10);
    bench.restart(0);
    bench.nodes[0].settling.ask();
    bench.wait(8_000);
    let last = bench.proposed(0).last().unwrap();
    assert!(last.to_height > first.signed.proposal.to_height);
    assert!(opened(&bench, 0) > 0);
}

/// P-115: else all stay bound to what can be finished no more, and nothing settles for good.
#[test]
fn what_waits_and_nobody_can_link_gives_way_to_a_higher_one() {
    let mut bench = four_under(SettlementRule::Judged);
    bench.nodes[0].settling.ask();
    bench.wait(200);
    let first = bench.proposed(0).last().unwrap().clone();
    waits(&mut bench, &first);
    outgrow(&mut bench, 50);
    (0..4).for_each(|node| bench.restart(node));
    let best = best_of(&bench, 0);
    is_shown(&mut bench, best);
    bench.nodes[0].settling.ask();
    bench.wait(8_000);
    let second = bench.proposed(0).last().unwrap();
    assert!(second.to_height > first.to_height);
    assert!(opened(&bench, 0) > 0);
}
