//! Exits: what is shown while one is open, how it ends, and who is paid.

use super::*;

/// P-101
#[test]
fn an_exit_makes_every_node_show_what_it_can_prove_until_it_is_shown() {
    let mut bench = four();
    exit_opens(&mut bench, 3);
    bench.wait(600);
    let best = shown(&bench, 1).first().unwrap().shown().unwrap();
    assert_eq!(best.height, bench.nodes[1].log().certified());
    is_shown(&mut bench, best);
    bench.wait(1_100);
    assert!((0..4).all(|node| shown(&bench, node).is_empty()));
    bench.record.windows.shown = Some(ShownBlock { anchor_height: Height(1), ..best });
    bench.observe();
    bench.wait(1_100);
    assert!(!shown(&bench, 2).is_empty(), "an older one is answered");
}

/// P-103
#[test]
fn an_exit_ends_the_channel_and_everybody_is_paid_for_a_proof() {
    let mut bench = four();
    bench.down.extend([0, 1, 2]);
    exit_opens(&mut bench, 3);
    bench.wait(600);
    let best = shown(&bench, 3).first().unwrap().shown().unwrap();
    bench.record.windows.shown = Some(best);
    bench.observe();
    bench.wait(WINDOW + 4 * TURN);
    let entered = bench.submitted(3).find_map(|tx| {
        if let ChainTx::FinishExit { entered, .. } = tx { Some((**entered).clone()) } else { None }
    });
    let state = bench.nodes[3].log().state_after(best.height, best.block).unwrap();
    assert_eq!(entered, Some(state.proven(&StateKey::Entered)));
    bench.record.windows.exit = None;
    bench.record.open = false;
    let members = (0..4).map(|index| member(index).account).collect();
    has_ended(&mut bench, best, members);
    bench.observe();
    bench.wait(600);
    let claims = |bench: &Bench| -> Vec<Address> {
        let claims = bench.submitted(3).filter_map(|tx| {
            if let ChainTx::Claim { account, .. } = tx { Some(*account) } else { None }
        });
        claims.collect()
    };
    assert!(!claims(&bench).is_empty());
    assert!(claims(&bench).iter().all(|account| *account == member(3).account), "its own first");
    bench.record.members.truncate(3);
    bench.observe();
    bench.wait(12 * TURN);
    assert!(
        (0..4).all(|index| claims(&bench).contains(&member(index).account)),
        "then the others'"
    );
    bench.call(3, 3, nothing());
    let head = bench.nodes[3].log().head();
    bench.wait(2_000);
    assert_eq!(bench.nodes[3].log().head(), head, "nothing is ordered any more");
}

/// P-2, P-103: the block that it showed is on its disk, though it was certified without waiting for that.
#[test]
fn who_is_alone_and_loses_its_last_writes_still_claims_by_what_it_showed() {
    let mut bench = alone_in(Durability::Replicated);
    exit_opens(&mut bench, 0);
    bench.wait(600);
    let best = shown(&bench, 0).last().unwrap().shown().unwrap();
    assert_eq!(best.height, bench.nodes[0].log().head());
    assert!(best.anchor_height < best.height, "it made the block alone");
    bench.lose_tail(0);
    bench.now = bench.now.plus(WINDOW);
    bench.record.open = false;
    bench.record.windows.exit = None;
    let members = vec![member(0).account, member(1).account];
    has_ended(&mut bench, best, members);
    bench.effects.clear();
    bench.observe();
    bench.wait(3_000);
    let own = |tx: &ChainTx| matches!(tx, ChainTx::Claim { account, .. } if *account == member(0).account);
    assert!(count(&bench, 0, own) > 0, "{:?}", bench.nodes[0].log().head());
}

/// P-103: whoever is before it in join order has its turn first.
#[test]
fn an_exit_that_nobody_showed_a_block_for_ends_at_the_deposits() {
    let mut bench = Bench::new(2);
    exit_opens(&mut bench, 1);
    bench.wait(WINDOW + 500);
    let finished = |tx: &ChainTx| matches!(tx, ChainTx::FinishExit { entered, .. } if **entered == ProvenEntry::default());
    assert!(count(&bench, 0, finished) > 0);
    assert_eq!(count(&bench, 1, finished), 0);
}

/// P-102, P-103, P-109: a busy channel orders more in a window than memory holds.
#[test]
fn what_left_memory_is_neither_lost_nor_contradicted() {
    let mut bench = four();
    exit_opens(&mut bench, 3);
    bench.wait(600);
    let mut best = shown(&bench, 3).first().unwrap().shown().unwrap();
    let state = bench.nodes[3].log().state_after(best.height, best.block).unwrap();
    best.anchor_height = Height(1);
    bench.record.windows.shown = Some(best);
    let waiting = proposal(&bench, 1, Height(1));
    waits(&mut bench, &waiting);
    bench.wait(600);
    outgrow(&mut bench, 10);
    let log = bench.nodes[3].log();
    assert!(log.state_after(best.height, best.block).is_none(), "it left memory");
    bench.wait(WINDOW + 10 * TURN);
    let finished: Vec<_> = bench
        .submitted(3)
        .filter_map(|tx| {
            if let ChainTx::FinishExit { entered, .. } = tx {
                Some((**entered).clone())
            } else {
                None
            }
        })
        .collect();
    assert_eq!(finished.first(), Some(&state.proven(&StateKey::Entered)));
    let says_no = |tx: &ChainTx| matches!(tx, ChainTx::Object { .. } | ChainTx::Dispute { .. });
    assert!((0..4).all(|node| count(&bench, node, says_no) == 0));
    assert_eq!(waiting.number, 1);
}
