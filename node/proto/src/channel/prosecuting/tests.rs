use std::sync::Arc;

use super::{
    super::bench::{Bench, junk, member, three_blocks},
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
    let mut bench = caught();
    bench.wait(600);
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

/// P-108
#[test]
fn members_that_execute_again_vote_and_have_the_report_decided() {
    let mut bench = caught();
    bench.wait(600);
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
    let mut bench = caught();
    bench.wait(600);
    let (_, hash) = reports(&bench, 2)[0];
    bench.down.extend([1, 3]);
    waits(&mut bench, hash);
    bench.wait(5_000);
    assert!((0..4).all(|node| decided(&bench, node).is_none()));
}
