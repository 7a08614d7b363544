use fairway_types::{Operation, chain::ChainTx};

use super::{bench::Bench, *};

fn applied(bench: &Bench, node: usize) -> usize {
    let is_application = |tx: &&ChainTx| matches!(tx, ChainTx::ApplyForLeadership { .. });
    bench.submitted(node).filter(is_application).count()
}

/// The chain executes the settlement that `node` submitted.
fn settle(bench: &mut Bench, node: usize) {
    let proposal = bench.proposed(node).last().expect("a proposal was submitted").clone();
    let paid: Vec<_> =
        proposal.balances.iter().filter(|row| row.leaves).map(|row| row.account).collect();
    bench.record.members.retain(|member| !paid.contains(&member.record.account));
    let settlement = &mut bench.record.settlement;
    settlement.number = proposal.number;
    settlement.height = proposal.to_height;
    settlement.root = proposal.to_root;
    settlement.block = proposal.to_block;
    settlement.paid = paid;
    settlement.closed = proposal.closes;
    bench.observe();
}

#[test]
fn only_member_leaves_and_is_paid() {
    let mut bench = Bench::new(1);
    bench.call(0, 0, Operation::Leave);
    assert_eq!(bench.nodes[0].log().certified(), Height(1));
    assert_eq!(bench.nodes[0].log().finalised(), Height(1));
    bench.wait(100);
    let executes = |tx: &&ChainTx| matches!(tx, ChainTx::Execute { .. });
    assert_eq!(bench.submitted(0).filter(executes).count(), 1);
}

/// P-52: the block that books a settlement is not settled for its own sake.
#[test]
fn idle_channel_with_an_interval_settles_once() {
    let mut record = bench::record(1);
    record.config.settlement_interval = 1_000;
    let mut bench = Bench::with_record(1, record);
    bench.note(0);
    bench.wait(1_100);
    settle(&mut bench, 0);
    for _ in 0..5 {
        bench.wait(1_100);
    }
    let executes = |tx: &&ChainTx| matches!(tx, ChainTx::Execute { .. });
    assert_eq!(bench.submitted(0).filter(executes).count(), 1);
    bench.note(0);
    bench.wait(1_100);
    assert_eq!(bench.submitted(0).filter(executes).count(), 2);
}

/// P-15: the block that books the settlement comes when nobody is registered any more.
#[test]
fn last_member_leaves_over_a_settlement_that_is_not_in_the_books() {
    let mut bench = Bench::new(1);
    bench.note(0);
    bench.nodes[0].settling.ask();
    bench.wait(50);
    bench.call(0, 0, Operation::Leave);
    settle(&mut bench, 0);
    bench.wait(3_000);
    let log = bench.nodes[0].log();
    assert_eq!((log.settled(), log.finalised()), (1, log.head()));
    settle(&mut bench, 0);
    assert_eq!(bench.record.settlement.number, 2);
    assert!(bench.record.members.is_empty());
}

/// P-27: of two settlements the record names the last one alone, and nobody but the leader, who was
/// valid alone, signed the block that books the first. It is settled itself.
#[test]
fn member_that_missed_two_settlements_believes_what_the_chain_settled() {
    let mut bench = Bench::new(3);
    bench.down = [1, 2].into();
    bench.grant(0, &[0]);
    let settle_head = |bench: &mut Bench| {
        let tip = bench.nodes[0].log().tip().unwrap();
        let settlement = &mut bench.record.settlement;
        settlement.number += 1;
        (settlement.height, settlement.block) = (tip.height, tip.hash);
        settlement.root = tip.state.root();
        bench.observe();
        bench.wait(100);
    };
    bench.note(0);
    settle_head(&mut bench);
    settle_head(&mut bench);
    assert_eq!(bench.nodes[0].log().settled(), 2);
    bench.down = [1].into();
    bench.observe();
    bench.wait(3_000);
    assert_eq!(bench.nodes[2].log().head(), bench.nodes[0].log().head());
}

#[test]
fn leave_of_the_leader_is_settled_and_the_others_go_on() {
    let mut bench = Bench::new(3);
    bench.call(0, 0, Operation::Leave);
    for node in &bench.nodes {
        assert_eq!(node.log().certified(), Height(1));
        assert_eq!(node.log().leader(), Some(bench.nodes[0].node()));
    }
    bench.wait(100);
    assert_eq!(applied(&bench, 1), 0, "the leader is valid for the chain");
    settle(&mut bench, 0);
    assert_eq!((applied(&bench, 0), applied(&bench, 1), applied(&bench, 2)), (0, 1, 1));
    bench.grant(1, &[1, 2]);
    bench.note(1);
    for node in &bench.nodes[1..] {
        assert_eq!(node.log().leader(), Some(bench.nodes[1].node()));
        assert_eq!(node.log().settled(), 1);
        assert_eq!(node.log().certified(), node.log().head());
        assert!(node.log().certified() > Height(1));
    }
}

/// P-7: what it orders after its leave would cross the next leader's blocks.
#[test]
fn leader_that_left_orders_no_more_calls_and_stops_its_heartbeats() {
    let mut bench = Bench::new(2);
    bench.call(0, 0, Operation::Leave);
    let head = bench.nodes[0].log().head();
    let before = bench.submitted(0).count();
    bench.call(1, 1, bench::nothing());
    bench.wait(20_000);
    assert_eq!(bench.nodes[0].log().head(), head);
    let later: Vec<_> = bench.submitted(0).skip(before).collect();
    assert!(!later.iter().any(|tx| matches!(tx, ChainTx::Heartbeat { .. })), "{later:?}");
}

/// A leader whose settlement never comes is not valid after 15 s: the others need not wait.
#[test]
fn others_apply_once_the_leader_that_left_is_not_valid() {
    let mut bench = Bench::new(2);
    bench.call(0, 0, Operation::Leave);
    bench.wait(1_000);
    assert_eq!(applied(&bench, 1), 0);
    bench.wait(15_000);
    bench.record.members[1].last_heartbeat = bench.now;
    bench.observe();
    assert_eq!(applied(&bench, 1), 1);
}
