use std::sync::Arc;

use fairway_types::{Block, Effects, Transaction, chain::Observation, windows::Ban};

use super::{
    super::{
        bench::{Bench, Vaults, junk, member, three_blocks},
        execution::Execution,
    },
    *,
};

/// The leader of four showed the third member another block than it executed.
fn caught() -> Bench {
    let (mut bench, blocks) = three_blocks();
    for block in &blocks[..3] {
        for node in [2, 3] {
            bench.message(node, 0, Message::Block(Arc::clone(block)));
        }
    }
    for member in &mut bench.record.members {
        member.last_heartbeat = bench.now;
    }
    let altered = junk(&blocks[3], 0, |block| block.header.state_root = Hash([1; 32]));
    bench.run(
        2,
        super::super::input::Input::Peer {
            from: bench.nodes[0].node(),
            message: Box::new(fairway_types::Verified::trusted(Message::Block(altered))),
        },
    );
    bench
}

fn reports(bench: &Bench, node: usize) -> Vec<(JoinSequence, Hash)> {
    let reported = bench.submitted(node).filter_map(|tx| {
        let ChainTx::Report { accused, evidence, .. } = tx else { return None };
        Some((*accused, evidence.hash()))
    });
    reported.collect()
}

fn judgements(bench: &Bench, node: usize) -> Vec<(JoinSequence, Hash)> {
    let asked = bench.submitted(node).filter_map(|tx| {
        let ChainTx::Judge { accused, evidence, .. } = tx else { return None };
        Some((*accused, evidence.hash()))
    });
    asked.collect()
}

fn ended(bench: &Bench) -> usize {
    let ends = |tx: &&ChainTx| matches!(tx, ChainTx::Expire { .. });
    (0..4).map(|node| bench.submitted(node).filter(ends).count()).sum()
}

/// The chain says no to the third member's wish for a judgement.
fn refuse(bench: &mut Bench) {
    refuse_with(bench, "it does not fit");
}

fn refuse_with(bench: &mut Bench, reason: &str) {
    let asked = bench.submitted(2).find(|tx| matches!(tx, ChainTx::Judge { .. })).cloned();
    let tx = Box::new(asked.expect("it asked"));
    let rejected = Observation::Rejected { tx, reason: reason.into() };
    bench.run(2, super::super::input::Input::Chain(rejected));
}

/// Caught, and the chain does not judge it.
fn unjudged() -> Bench {
    let mut bench = caught();
    bench.wait(600);
    refuse(&mut bench);
    bench.wait(600);
    bench
}

fn waits(bench: &mut Bench, evidence: Hash) {
    bench.record.windows.reports = vec![ReportRecord {
        evidence,
        reporter: member(2).join_sequence,
        accused: member(0).join_sequence,
        deadline: bench.now.plus(60_000),
    }];
    bench.observe();
}

fn decided(bench: &Bench, node: usize) -> Option<(bool, usize)> {
    bench.submitted(node).find_map(|tx| {
        let ChainTx::Decide { guilty, verdicts, .. } = tx else { return None };
        Some((*guilty, verdicts.len()))
    })
}

/// P-107
#[test]
fn what_a_member_can_prove_is_reported_until_the_accused_is_convicted() {
    let mut bench = unjudged();
    let (accused, hash) = reports(&bench, 2)[0];
    assert_eq!(accused, member(0).join_sequence);
    bench.wait(5_500);
    assert_eq!(reports(&bench, 2).len(), 2, "the chain did not take it");
    waits(&mut bench, hash);
    bench.wait(6_000);
    assert_eq!(reports(&bench, 2).len(), 2);
    bench.record.windows.reports.clear();
    bench.record.members[0].eligible = false;
    bench.observe();
    bench.wait(20_000);
    assert_eq!(reports(&bench, 2).len(), 2);
}

/// The leader of four orders that the chain paid nobody, and the chain says that it paid the last one.
fn contradicted() -> Bench {
    let (mut bench, blocks) = three_blocks();
    for block in &blocks[..3] {
        bench.message(2, 0, Message::Block(Arc::clone(block)));
    }
    bench.record.settlement.number = 1;
    bench.record.settlement.paid = vec![member(3).account];
    for member in &mut bench.record.members {
        member.last_heartbeat = bench.now;
    }
    bench.observe();
    let log = bench.nodes[2].log();
    let (tip, facts) = (log.tip().unwrap(), log.genesis().unwrap().record.facts());
    let settled = Transaction::Settled { number: 1, paid: Vec::new() };
    let time = blocks[3].header.time;
    let mut execution = Execution::new(&Vaults, facts, tip.start(), time);
    execution.run(&settled).unwrap();
    let executed = execution.finish(&tip.state);
    let block = junk(&blocks[3], 0, |block| {
        block.transactions = vec![settled];
        block.header.transactions_root = Block::transactions_root(&block.transactions);
        block.header.effects_root = Effects::root(&executed.effects);
        block.header.state_root = executed.state.root();
    });
    let from = bench.nodes[0].node();
    let message = Box::new(fairway_types::Verified::trusted(Message::Block(block)));
    bench.run(2, super::super::input::Input::Peer { from, message });
    bench
}

/// P-27, P-107: nobody else could tell who is right, and the reporter would pay for that.
#[test]
fn what_the_chains_record_alone_tells_stays_with_who_saw_it() {
    let mut bench = contradicted();
    let leader = bench.nodes[0].node();
    assert!(bench.nodes[2].log().evidence_against(&leader).is_some());
    assert_eq!(bench.nodes[2].log().head().0, 3, "it refuses the block");
    bench.wait(20_000);
    assert!(judgements(&bench, 2).is_empty() && reports(&bench, 2).is_empty());
    let told = |(by, effect): &(usize, Effect)| {
        *by == 2 && matches!(effect, Effect::Broadcast(Message::Report(_)))
    };
    assert!(!bench.effects.iter().any(told));
    bench.restart(2);
    bench.wait(20_000);
    assert!(judgements(&bench, 2).is_empty() && reports(&bench, 2).is_empty());
    assert!(!bench.nodes[2].verdicts().any(|judged| judged.verdict.is_guilty()));
}

/// P-112: it would cost half a bond each time.
#[test]
fn what_nobody_decided_is_not_reported_again() {
    let mut bench = unjudged();
    let (_, hash) = reports(&bench, 2)[0];
    waits(&mut bench, hash);
    bench.wait(1_000);
    bench.record.windows.reports.clear();
    bench.observe();
    bench.wait(30_000);
    assert_eq!(reports(&bench, 2).len(), 1);
}

/// P-112: a node that started again does not know that it reported it; the chain does.
#[test]
fn what_the_chain_says_is_decided_is_reported_no_more() {
    let mut bench = unjudged();
    let reported = bench.submitted(2).find(|tx| matches!(tx, ChainTx::Report { .. })).cloned();
    let tx = Box::new(reported.unwrap());
    let rejected = Observation::Rejected { tx, reason: "penalty::E_DECIDED: decided".into() };
    bench.run(2, super::super::input::Input::Chain(rejected));
    bench.wait(30_000);
    assert_eq!(reports(&bench, 2).len(), 1);
}

/// P-108
#[test]
fn members_that_execute_again_vote_and_have_the_report_decided() {
    let mut bench = unjudged();
    let (_, hash) = reports(&bench, 2)[0];
    bench.down.insert(0);
    waits(&mut bench, hash);
    bench.wait(6_000);
    let (guilty, verdicts) = (1..4).find_map(|node| decided(&bench, node)).unwrap();
    assert!(guilty && verdicts >= 2, "{verdicts}");
}

/// P-108: one of three others is no two thirds, and the accused has no vote.
#[test]
fn too_few_verdicts_decide_nothing() {
    let mut bench = unjudged();
    let (_, hash) = reports(&bench, 2)[0];
    bench.down.extend([1, 3]);
    waits(&mut bench, hash);
    bench.wait(5_000);
    assert!((0..4).all(|node| decided(&bench, node).is_none()));
}

/// P-107
#[test]
fn the_chain_is_asked_to_judge_before_the_members_are() {
    let mut bench = caught();
    bench.wait(600);
    assert_eq!(judgements(&bench, 2).len(), 1);
    assert_eq!(judgements(&bench, 2)[0].0, member(0).join_sequence);
    assert!(reports(&bench, 2).is_empty());
    refuse(&mut bench);
    bench.wait(600);
    assert_eq!(reports(&bench, 2), judgements(&bench, 2), "at once");
    bench.wait(20_000);
    assert_eq!(judgements(&bench, 2).len(), 1, "it said no");
}

/// P-107: a chain that does not answer is asked twice.
#[test]
fn what_the_chain_does_not_answer_is_reported_in_the_end() {
    let mut bench = caught();
    bench.wait(6_000);
    assert_eq!((judgements(&bench, 2).len(), reports(&bench, 2).len()), (2, 0));
    bench.wait(5_000);
    assert_eq!((judgements(&bench, 2).len(), reports(&bench, 2).len()), (2, 1));
}

/// The same, and the second and the fourth member have left.
fn caught_by_the_only_other() -> Bench {
    let mut bench = caught();
    bench.record.members.retain(|member| [1, 3].contains(&member.record.join_sequence.0));
    bench.observe();
    bench.wait(600);
    assert_eq!(judgements(&bench, 2).len(), 1);
    bench
}

/// P-107: a report would have the cheat leave unfined.
#[test]
fn of_two_members_the_honest_one_asks_for_a_judgement_until_it_has_one() {
    let mut bench = caught_by_the_only_other();
    refuse_with(&mut bench, "busy");
    bench.wait(30_000);
    let asked = judgements(&bench, 2).len();
    assert!((6..=7).contains(&asked) && reports(&bench, 2).is_empty(), "{asked}");
    bench.wait(ASKED);
    let asked = judgements(&bench, 2).len();
    bench.wait(30_000);
    assert_eq!((judgements(&bench, 2).len(), reports(&bench, 2).len()), (asked, 0));
}

/// P-107
#[test]
fn of_two_members_the_honest_one_reports_what_the_chain_can_not_judge() {
    for reason in ["penalty::E_UNCLEAR", "penalty::E_DOES_NOT_FIT"] {
        let mut bench = caught_by_the_only_other();
        refuse_with(&mut bench, reason);
        bench.wait(600);
        assert_eq!((judgements(&bench, 2).len(), reports(&bench, 2).len()), (1, 1));
    }
}

/// P-113: a report, its own or a slander, convicts without a fine; the chain's word fines.
#[test]
fn of_two_members_the_convicted_one_is_judged_all_the_same() {
    let mut bench = caught_by_the_only_other();
    let MemberRecord { account, node, .. } = bench.record.members[0].record;
    bench.record.windows.bans = vec![Ban { account, node, until: bench.now.plus(300_000) }];
    for member in &mut bench.record.members {
        member.eligible = false;
    }
    bench.observe();
    bench.wait(5_500);
    assert_eq!((judgements(&bench, 2).len(), reports(&bench, 2).len()), (2, 0));
    refuse_with(&mut bench, "penalty::E_BAD_ACCUSED");
    bench.wait(30_000);
    assert_eq!((judgements(&bench, 2).len(), reports(&bench, 2).len()), (2, 0));
}

/// P-114: by the collateral that is held, which reports can't reach any more.
#[test]
fn after_the_channels_end_the_chain_is_asked_to_judge_and_nothing_is_reported() {
    let mut bench = caught();
    bench.record.open = false;
    bench.record.settlement.closed = true;
    bench.record.members.clear();
    bench.observe();
    bench.wait(600);
    assert_eq!(judgements(&bench, 2).len(), 1);
    assert_eq!(judgements(&bench, 2)[0].0, member(0).join_sequence);
    refuse_with(&mut bench, "penalty::E_DOES_NOT_FIT");
    bench.wait(20_000);
    assert_eq!((judgements(&bench, 2).len(), reports(&bench, 2).len()), (1, 0));
}

/// P-130: who ends before the chain answers would not ask again.
#[test]
fn node_of_a_paid_member_stays_while_it_asks_for_a_judgement() {
    let mut bench = caught();
    bench.record.members.remove(2);
    bench.observe();
    bench.wait(60_000);
    assert!(judgements(&bench, 2).len() > 2 && reports(&bench, 2).is_empty());
    assert!(!bench.nodes[2].has_ended());
    refuse_with(&mut bench, "penalty::E_DECIDED");
    bench.observe();
    bench.wait(11_000);
    assert!(bench.nodes[2].has_ended());
}

/// P-107: whoever else reported it.
#[test]
fn a_report_that_waits_keeps_the_chain_from_no_judgement() {
    let mut bench = caught();
    waits(&mut bench, Hash([0xfe; 32]));
    bench.wait(600);
    assert_eq!(judgements(&bench, 2).len(), 1);
}

/// P-114: a friend's report of something that nobody can judge.
#[test]
fn a_report_that_this_member_can_not_judge_keeps_back_none_of_its_own() {
    let mut bench = unjudged();
    let before = reports(&bench, 2);
    waits(&mut bench, Hash([0xfe; 32]));
    bench.wait(5_500);
    assert_eq!(reports(&bench, 2).len(), before.len() + 1);
    waits(&mut bench, before[0].1);
    bench.wait(11_000);
    assert_eq!(reports(&bench, 2).len(), before.len() + 1);
}

/// P-114
#[test]
fn who_has_left_is_reported_too_unless_it_was_convicted() {
    let mut bench = caught();
    let gone = bench.record.members.remove(0);
    bench.observe();
    bench.wait(600);
    assert_eq!(judgements(&bench, 2)[0].0, gone.record.join_sequence);
    refuse(&mut bench);
    bench.wait(600);
    assert_eq!(reports(&bench, 2)[0].0, gone.record.join_sequence);
    let MemberRecord { account, node, .. } = gone.record;
    bench.record.windows.bans = vec![Ban { account, node, until: bench.now.plus(300_000) }];
    bench.observe();
    bench.wait(20_000);
    assert_eq!(reports(&bench, 2).len(), 1);
}

/// P-114: a member that joined later and left, which no founders' list names.
#[test]
fn who_came_late_and_has_left_is_found_again() {
    let mut bench = caught();
    bench.record.members[0].record.join_sequence = JoinSequence(9);
    bench.observe();
    bench.wait(600);
    bench.record.members.remove(0);
    bench.observe();
    bench.wait(5_500);
    assert_eq!(judgements(&bench, 2).last().unwrap().0, JoinSequence(9));
}

/// P-114
#[test]
fn who_lost_its_collateral_is_reported_all_the_same() {
    let mut bench = caught();
    bench.record.config.money.collateral = 10;
    for place in &mut bench.record.members {
        place.collateral = 10;
    }
    bench.record.members[0].eligible = false;
    bench.record.members[0].collateral = 9;
    bench.observe();
    bench.wait(600);
    assert_eq!(judgements(&bench, 2).len(), 1);
}

/// P-112
#[test]
fn a_report_that_nobody_decided_is_ended_by_somebody() {
    let mut bench = Bench::new(4);
    waits(&mut bench, Hash([0xfe; 32]));
    bench.wait(60_000);
    bench.observe();
    bench.wait(1_000);
    assert_eq!(ended(&bench), 0);
    bench.now = bench.now.plus(1);
    bench.observe();
    bench.wait(1_500);
    let asked = ended(&bench);
    assert!((1..=4).contains(&asked), "{asked}");
    bench.record.windows.reports.clear();
    bench.observe();
    bench.wait(20_000);
    assert_eq!(ended(&bench), asked);
}

/// P-108: what one member says takes no other's room.
#[test]
fn so_many_verdicts_of_a_member_are_kept_and_all_of_others() {
    let mut bench = Bench::new(4);
    let evidence = |number: usize| Hash([number as u8; 32]);
    let report = |number: usize| ReportRecord {
        evidence: evidence(number),
        reporter: member(2).join_sequence,
        accused: member(0).join_sequence,
        deadline: bench.now.plus(60_000),
    };
    bench.record.windows.reports = (0..VERDICTS + 9).map(report).collect();
    bench.observe();
    let said = |by: usize, number: usize| {
        let key = super::super::bench::node_key(by);
        let (channel, accused) = (super::super::bench::CHANNEL, member(0).join_sequence);
        let verdict = Verdict { channel, accused, evidence: evidence(number), guilty: true };
        let signature = key.sign(&verdict);
        Message::Verdict(SignedVerdict { verdict, node: key.node_id(), signature })
    };
    for number in 0..VERDICTS + 9 {
        bench.message(2, 3, said(3, number));
    }
    bench.message(2, 1, said(1, 0));
    let kept = |by: usize| {
        bench.nodes[2].prosecuting.verdicts_of(&super::super::bench::node_key(by).node_id())
    };
    assert_eq!((kept(3), kept(1)), (VERDICTS, 1));
}
