//! What members say to a proposal that waits: no, a link to what was shown, or its own block.

use super::*;

/// P-102: those who cut it off wait with a settlement of a block that it does not have at that place.
#[test]
fn who_comes_back_says_no_to_what_its_blocks_contradict() {
    let mut bench = four();
    let mut forged = proposal(&bench, 1, Height(1));
    forged.balances[0].amounts.clear();
    bench.down.extend([0, 3]);
    waits(&mut bench, &forged);
    bench.wait(1_200);
    let objections = |node| {
        bench.submitted(node).filter_map(|tx| {
            if let ChainTx::Object { votes, .. } = tx { Some(votes.len()) } else { None }
        })
    };
    assert_eq!(objections(1).last(), Some(2), "two of four keep two thirds from it");
    bench.effects.clear();
    bench.down.insert(2);
    let node = bench.nodes[1].clone_for_test();
    bench.nodes[1] = node;
    bench.observe();
    bench.wait(1_200);
    assert_eq!(count(&bench, 1, |tx| matches!(tx, ChainTx::Object { .. })), 0, "one does not");
}

/// P-102
#[test]
fn who_agrees_links_a_newer_block_of_its_chain_and_says_no_to_nothing() {
    let (mut bench, lower) = four_waiting();
    let best = best_of(&bench, 1);
    assert!(best.height > lower.to_height);
    bench.record.windows.shown = Some(best);
    bench.observe();
    bench.wait(600);
    let linked = linked(&bench, 0);
    assert_eq!(linked.first().map(|header| header.hash()), Some(lower.to_block));
    assert_eq!(linked.last().map(|header| header.hash()), Some(best.block));
    assert!((0..4).all(|node| count(&bench, node, |tx| matches!(tx, ChainTx::Object { .. })) == 0));
    bench.wait(WINDOW);
    assert_eq!(count(&bench, 0, |tx| matches!(tx, ChainTx::Finish { .. })), 0, "unsupported");
    bench.record.windows.waiting.as_mut().unwrap().supported_by = best.block;
    bench.observe();
    bench.wait(600);
    assert!(count(&bench, 0, |tx| matches!(tx, ChainTx::Finish { .. })) > 0);
}

/// P-102: it can't tell, and says no late.
#[test]
fn who_can_not_tell_waits_and_then_says_no() {
    let mut bench = four();
    let mut far = proposal(&bench, 1, Height(1));
    far.to_height = Height(900);
    waits(&mut bench, &far);
    bench.wait(WINDOW / 4 * 3 - 500);
    assert!((0..4).all(|node| count(&bench, node, |tx| matches!(tx, ChainTx::Object { .. })) == 0));
    bench.wait(2_000);
    assert!(count(&bench, 0, |tx| matches!(tx, ChainTx::Object { .. })) > 0);
}

/// P-115: another branch beat the block of a proposal that waits; a later block of its own chain
/// beats that one.
#[test]
fn a_beaten_proposal_is_defended_by_a_later_block_of_its_chain() {
    let (mut bench, _) = four_waiting();
    let (low, high) = (best_to(&bench, 0, Height(1)), best_of(&bench, 0));
    assert!(low.rank() < high.rank());
    let beside = ShownBlock { term: high.term, block: Hash([9; 32]), ..low };
    let beside = ShownBlock { height: Height(low.height.0 + 1), ..beside };
    assert!(low.rank() < beside.rank() && beside.rank() < high.rank());
    is_shown(&mut bench, beside);
    bench.wait(1_100);
    assert_eq!(shown(&bench, 0).last().unwrap().shown().unwrap().block, high.block);
}

/// P-118: else its root could be any, and it executes not.
#[test]
fn who_agrees_shows_the_block_of_what_waits() {
    let mut bench = four();
    let waiting = proposal(&bench, 1, Height(1));
    bench.down.insert(0);
    waits(&mut bench, &waiting);
    bench.wait(2 * TURN);
    let proven = shown(&bench, 1).last().unwrap().shown().unwrap();
    assert_eq!((proven.block, proven.root), (waiting.to_block, waiting.to_root));
    is_shown(&mut bench, proven);
    bench.wait(2 * TURN);
    assert!((1..4).all(|node| shown(&bench, node).is_empty()));
}

/// P-119: a busy channel orders more in a window than memory holds, and one newer block shown would
/// keep the proposal from executing.
#[test]
fn what_was_shown_far_above_is_linked_over_blocks_that_left_memory() {
    let (mut bench, waiting) = four_waiting();
    bench.wait(600);
    outgrow(&mut bench, 50);
    bench.wait(600);
    let log = bench.nodes[0].log();
    assert!(log.entry(waiting.to_height).is_none(), "it left memory");
    let best = best_of(&bench, 0);
    is_shown(&mut bench, best);
    bench.wait(600);
    let headers = linked(&bench, 0);
    assert_eq!(headers.first().map(|header| header.hash()), Some(waiting.to_block));
    assert_eq!(headers.last().map(|header| header.hash()), Some(best.block));
    assert!(headers.windows(2).all(|pair| pair[1].parent == pair[0].hash()));
    // What was linked needs no link again.
    bench.record.windows.waiting.as_mut().unwrap().supported_by = best.block;
    bench.note(0);
    bench.wait(600);
    let next = best_of(&bench, 0);
    is_shown(&mut bench, next);
    bench.wait(600);
    let headers = linked(&bench, 0);
    assert_eq!(headers.first().map(|header| header.hash()), Some(best.block));
    assert_eq!(headers.last().map(|header| header.hash()), Some(next.block));
}

/// P-115: each block shown prolongs the window.
#[test]
fn a_beaten_proposal_is_defended_by_no_more_than_four_blocks_in_a_window() {
    let (mut bench, _) = four_waiting();
    let (low, high) = (best_to(&bench, 0, Height(1)), best_of(&bench, 0));
    let beside = ShownBlock { height: Height(low.height.0 + 1), term: high.term, ..low };
    is_shown(&mut bench, ShownBlock { block: Hash([9; 32]), ..beside });
    bench.wait(1_100);
    assert_eq!(shown(&bench, 0).len(), 1);
    is_shown(&mut bench, ShownBlock { block: Hash([8; 32]), ..beside });
    bench.wait(1_100);
    assert_eq!(shown(&bench, 0).len(), 0);
    bench.wait(2_000);
    bench.now = bench.now.plus(bench.record.config.money.challenge_window / 4);
    bench.record.windows.waiting.as_mut().unwrap().deadline = bench.now.plus(WINDOW);
    bench.observe();
    bench.wait(1_100);
    assert_eq!(shown(&bench, 0).len(), 1);
}
