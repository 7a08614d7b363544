use fairway_types::{
    Epoch, Hash, Height, Operation, Term, View, Weight,
    chain::{Durability, SettlementRule},
    crypto::Verify,
    settlement::Proposal,
    windows::{BlockProof, ExitRecord, Outcome, ShownBlock},
};

use super::{
    super::{
        bench::{Bench, chain_member, member, record},
        input::Input,
    },
    *,
};

const WINDOW: u64 = 20_000;

/// Members with two blocks, the first of them final, all of whom acked both.
fn four() -> Bench {
    let mut bench = Bench::new(4);
    bench.note(0);
    bench.note(0);
    bench.wait(200);
    bench
}

/// Two members of whom the second has been silent for so long that the chain granted the first an
/// epoch alone.
fn alone() -> Bench {
    alone_in(Durability::Synced)
}

fn alone_in(durability: Durability) -> Bench {
    let mut record = record(2);
    record.config.durability = durability;
    let mut bench = Bench::with_record(2, record);
    bench.note(0);
    bench.wait(200);
    bench.down.insert(1);
    bench.now = bench.now.plus(20_000);
    bench.record.members[0].last_heartbeat = bench.now;
    bench.grant(0, &[0]);
    bench.wait(3_000);
    bench.note(0);
    bench.wait(200);
    bench
}

fn exit_opens(bench: &mut Bench, by: usize) {
    let (opened_at, deadline) = (bench.now, bench.now.plus(WINDOW));
    let by = vec![member(by).account];
    bench.record.windows.exit = Some(ExitRecord { by, opened_at, deadline, disputed: false });
    bench.observe();
}

fn waits(bench: &mut Bench, proposal: &Proposal) {
    let (opened_at, deadline) = (bench.now, bench.now.plus(WINDOW));
    bench.record.windows.waiting = Some(WaitingRecord {
        proposal: proposal.hash(),
        number: proposal.number,
        to_height: proposal.to_height,
        to_block: proposal.to_block,
        opened_at,
        deadline,
        supported_by: proposal.to_block,
        by_active: false,
    });
    bench.observe();
}

fn proposal(bench: &Bench, node: usize, height: Height) -> Proposal {
    let node = &bench.nodes[node];
    let tip = node.log().tip_at(height).unwrap();
    let place = (node.env.chain, node.env.channel);
    proposal::compute(place, node.settled_point().unwrap(), &tip).unwrap()
}

fn shown(bench: &Bench, node: usize) -> Vec<BlockProof> {
    let proofs = bench.submitted(node).filter_map(|tx| {
        if let ChainTx::Show { proof, .. } = tx { Some((**proof).clone()) } else { None }
    });
    proofs.collect()
}

fn count(bench: &Bench, node: usize, is_meant: impl Fn(&ChainTx) -> bool) -> usize {
    bench.submitted(node).filter(|tx| is_meant(tx)).count()
}

fn opened(bench: &Bench, node: usize) -> usize {
    count(bench, node, |tx| matches!(tx, ChainTx::OpenWindow { .. }))
}

/// P-100
#[test]
fn the_best_proof_is_the_highest_block_that_two_thirds_of_the_active_certified() {
    let bench = four();
    let log = bench.nodes[1].log();
    let best = proof::best(log, &bench.record, log.head()).unwrap().shown().unwrap();
    assert_eq!((best.height, best.anchor_height), (log.certified(), log.certified()));
    assert_eq!(best.root, log.tip_at(best.height).unwrap().state.root());
    let none = proof::best(log, &bench.record, Height::ZERO);
    assert_eq!(none, None, "nothing below the first block");
}

/// P-100: what the few certify lies above the anchor that all made.
#[test]
fn a_proof_of_the_few_goes_through_the_last_anchor() {
    let bench = alone();
    let log = bench.nodes[0].log();
    let best = proof::best(log, &bench.record, log.head()).unwrap();
    let shown = best.shown().unwrap();
    assert!(shown.height > shown.anchor_height && shown.anchor_height > Height::ZERO, "{shown:?}");
    assert_eq!(shown.term.epoch, Epoch(2));
    assert!(best.headers.windows(2).all(|pair| pair[1].parent == pair[0].hash()));
    let mut all = bench.record.clone();
    all.config.money.settlement_rule = SettlementRule::Unanimous;
    let best = proof::best(log, &all, log.head()).unwrap().shown().unwrap();
    assert_eq!(best.height, best.anchor_height, "where all settle the few prove nothing");
}

/// P-101
#[test]
fn an_exit_makes_every_node_show_what_it_can_prove_until_it_is_shown() {
    let mut bench = four();
    exit_opens(&mut bench, 3);
    bench.wait(600);
    let best = shown(&bench, 1).first().unwrap().shown().unwrap();
    assert_eq!(best.height, bench.nodes[1].log().certified());
    bench.record.windows.shown = Some(best);
    bench.effects.clear();
    bench.observe();
    bench.wait(1_100);
    assert!((0..4).all(|node| shown(&bench, node).is_empty()));
    bench.record.windows.shown = Some(ShownBlock { anchor_height: Height(1), ..best });
    bench.observe();
    bench.wait(1_100);
    assert!(!shown(&bench, 2).is_empty(), "an older one is answered");
}

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
    let mut record = record(4);
    record.config.money.settlement_rule = SettlementRule::Unanimous;
    let mut bench = Bench::with_record(4, record);
    bench.note(0);
    bench.wait(200);
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
    let mut record = record(4);
    record.config.money.settlement_rule = SettlementRule::Judged;
    let mut bench = Bench::with_record(4, record);
    bench.note(0);
    bench.wait(200);
    bench.nodes[0].settling.ask();
    bench.wait(200);
    assert_eq!(opened(&bench, 0), 1);
    assert_eq!(count(&bench, 0, |tx| matches!(tx, ChainTx::Execute { .. })), 0);
}

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
    let mut bench = four();
    let lower = proposal(&bench, 1, Height(1));
    waits(&mut bench, &lower);
    let log = bench.nodes[1].log();
    let best = proof::best(log, &bench.record, log.head()).unwrap().shown().unwrap();
    assert!(best.height > lower.to_height);
    bench.record.windows.shown = Some(best);
    bench.observe();
    bench.wait(600);
    let linked = bench.submitted(0).find_map(|tx| {
        if let ChainTx::Support { headers, .. } = tx { Some(headers.clone()) } else { None }
    });
    let linked = linked.unwrap();
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
    let (height, root, block) = (best.height, best.root, best.block);
    bench.record.windows.outcome = Some(Outcome { height, root, block, members });
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
    bench.call(3, 3, super::super::bench::nothing());
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
    let (height, block, root) = (best.height, best.block, best.root);
    bench.record.open = false;
    bench.record.windows.exit = None;
    let members = vec![member(0).account, member(1).account];
    bench.record.windows.outcome = Some(Outcome { height, root, block, members });
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
    let settlement = &mut bench.record.settlement;
    (settlement.number, settlement.height) = (1, proposal.to_height);
    (settlement.root, settlement.block) = (proposal.to_root, proposal.to_block);
    settlement.paid = vec![member(1).account];
    bench.record.members.truncate(1);
    bench.observe();
    bench.run(0, Input::Timeout);
    assert!(bench.nodes[0].log().finalised() >= proposal.to_height);
    bench.call(0, 0, Operation::Leave);
    bench.wait(500);
    let log = bench.nodes[0].log();
    assert_eq!((log.finalised(), log.settled()), (log.head(), 1));
}

/// What a certificate is worth changes with who is active: somebody new takes nothing from an old one.
#[test]
fn a_newcomer_does_not_undo_what_was_anchored_before_it() {
    let mut bench = four();
    let log = bench.nodes[0].log().clone();
    let before = proof::best(&log, &bench.record, log.head());
    for index in 4..9 {
        let mut new = chain_member(index);
        new.active_since = Epoch(2);
        bench.record.members.push(new);
    }
    assert_eq!(proof::best(&log, &bench.record, log.head()), before);
    for new in &mut bench.record.members[4..] {
        new.active_since = Epoch(1);
    }
    let after = proof::best(&log, &bench.record, log.head()).unwrap().shown().unwrap();
    assert_eq!(after.anchor_term, Term { epoch: Epoch(0), view: View(0) });
    assert_eq!(bench.record.members[0].record.weight, Weight(1));
    assert_ne!(after.block, Hash::ZERO);
}

/// P-106: and it needs nothing but the guard and the chain's record.
#[test]
fn who_holds_a_guard_shows_closes_and_claims() {
    let mut bench = four();
    let account = member(2).account;
    let older = bench.nodes[2].guard_of(account).unwrap();
    bench.note(0);
    bench.wait(200);
    let guard = bench.nodes[2].guard_of(account).unwrap();
    assert_eq!(guard.check(), Ok(()));
    let (old, new) = (older.proof.shown().unwrap(), guard.proof.shown().unwrap());
    assert!(old.rank() < new.rank());
    let answer = |bench: &Bench| proof::answer(&bench.record, &guard, bench.now, bench.now);
    assert_eq!(answer(&bench), None, "nothing is open");
    exit_opens(&mut bench, 1);
    bench.record.windows.shown = Some(old);
    assert!(matches!(answer(&bench), Some(ChainTx::Show { .. })));
    bench.record.windows.shown = Some(new);
    assert_eq!(answer(&bench), None);
    bench.now = bench.now.plus(WINDOW);
    assert!(matches!(answer(&bench), Some(ChainTx::FinishExit { .. })));
    bench.record.windows.shown = Some(old);
    assert_eq!(answer(&bench), None, "too late, and of another state");
    bench.record.windows.exit = None;
    let members = vec![account];
    let (height, root, block) = (new.height, new.root, new.block);
    bench.record.windows.outcome = Some(Outcome { height, root, block, members });
    assert!(matches!(answer(&bench), Some(ChainTx::Claim { .. })));
    bench.record.members.retain(|other| other.record.account != account);
    assert_eq!(answer(&bench), None, "it is paid");
}

#[test]
fn a_guard_with_anything_changed_is_refused() {
    let bench = alone();
    let guard = bench.nodes[0].guard_of(member(0).account).unwrap();
    assert!(proof::check_guard(&guard).is_ok() && guard.proof.headers.len() > 1);
    let changed = |change: &dyn Fn(&mut Guard)| {
        let mut other = guard.clone();
        change(&mut other);
        proof::check_guard(&other).is_err()
    };
    assert!(changed(&|guard| guard.channel.0[0] ^= 1));
    assert!(changed(&|guard| guard.proof.headers.clear()));
    assert!(changed(&|guard| {
        guard.proof.headers.pop();
    }));
    assert!(changed(&|guard| guard.proof.headers[0].state_root.0[0] ^= 1));
    assert!(changed(&|guard| guard.proof.certificate = None));
    assert!(changed(&|guard| guard.proof.certificate = guard.proof.anchor.clone()));
    assert!(changed(&|guard| {
        let anchor = guard.proof.anchor.as_mut().unwrap();
        anchor.signatures[0].1.0[0] ^= 1;
    }));
    // What somebody else is given, or less, is not what the block's state gives.
    assert!(changed(&|guard| guard.account = member(1).account));
    assert!(changed(&|guard| guard.vault.value[1] ^= 1));
    assert!(changed(&|guard| guard.vault.siblings[0].0[0] ^= 1));
    assert!(changed(&|guard| guard.entered.value.push(0)));
    assert!(changed(&|guard| guard.departed = guard.vault.clone()));
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
    for _ in 0..super::super::log::KEPT_BLOCKS + 10 {
        bench.note(0);
    }
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
    let log = bench.nodes[0].log();
    let best = proof::best(log, &bench.record, log.head()).unwrap().shown().unwrap();
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
    let settlement = &mut bench.record.settlement;
    (settlement.number, settlement.height) = (1, proposal.to_height);
    (settlement.root, settlement.block) = (proposal.to_root, proposal.to_block);
    settlement.paid = vec![member(1).account];
    bench.note(0);
    bench.call(0, 0, Operation::Leave);
    let head = bench.nodes[0].log().certified();
    assert!(head > proposal.to_height && bench.nodes[0].log().finalised() < proposal.to_height);
    bench.record.members.truncate(1);
    bench.observe();
    bench.run(0, Input::Timeout);
    assert!(bench.nodes[0].log().finalised() >= head);
}

/// P-115: another branch beat the block of a proposal that waits; a later block of its own chain
/// beats that one.
#[test]
fn a_beaten_proposal_is_defended_by_a_later_block_of_its_chain() {
    let mut bench = four();
    let waiting = proposal(&bench, 1, Height(1));
    waits(&mut bench, &waiting);
    let log = bench.nodes[0].log();
    let of = |most| proof::best(log, &bench.record, most).unwrap().shown().unwrap();
    let (low, high) = (of(Height(1)), of(log.head()));
    assert!(low.rank() < high.rank());
    let beside = ShownBlock { term: high.term, block: Hash([9; 32]), ..low };
    let beside = ShownBlock { height: Height(low.height.0 + 1), ..beside };
    assert!(low.rank() < beside.rank() && beside.rank() < high.rank());
    bench.record.windows.shown = Some(beside);
    bench.effects.clear();
    bench.observe();
    bench.wait(1_100);
    assert_eq!(shown(&bench, 0).last().unwrap().shown().unwrap().block, high.block);
}

/// P-115: a proposal of few that has left memory binds nobody any more.
#[test]
fn what_few_agreed_to_and_can_prove_no_more_is_proposed_anew() {
    let mut bench = alone();
    bench.nodes[0].settling.ask();
    bench.wait(1_000);
    let first = bench.nodes[0].proposal().unwrap();
    for _ in 0..super::super::log::KEPT_BLOCKS + 10 {
        bench.note(0);
    }
    bench.restart(0);
    bench.nodes[0].settling.ask();
    bench.wait(8_000);
    let last = bench.proposed(0).last().unwrap();
    assert!(last.to_height > first.signed.proposal.to_height);
    assert!(opened(&bench, 0) > 0);
}

/// P-119: a member that is alone orders more above the last anchor than memory holds, and than one
/// transaction links.
#[test]
fn a_proof_reaches_over_blocks_that_left_memory() {
    let mut bench = alone();
    bench.wait(600);
    for _ in 0..super::super::log::KEPT_BLOCKS + 50 {
        bench.note(0);
    }
    bench.wait(600);
    let node = &bench.nodes[0];
    let best = node.best_proof(&bench.record, node.log().head()).unwrap();
    let shown = best.shown().unwrap();
    assert_eq!(shown.height, node.log().certified());
    assert!(shown.anchor_height > Height::ZERO && node.log().entry(shown.anchor_height).is_none());
    assert!(best.headers.windows(2).all(|pair| pair[1].parent == pair[0].hash()));
    assert_eq!(node.guard_of(member(0).account).unwrap().check(), Ok(()));
    let payloads = fairway_types::contract::payloads(&ChainTx::Show {
        channel: best.headers[0].channel,
        proof: Box::new(best.clone()),
    });
    let most = best.headers.len().div_ceil(fairway_types::limits::TRANSACTION_HEADERS);
    assert_eq!(payloads.unwrap().len(), most);
}

/// P-119
#[test]
fn a_proof_holds_no_more_signatures_than_the_contract_asks_for() {
    let mut bench = four();
    bench.wait(400);
    let log = bench.nodes[0].log();
    let certificate = log.entry(log.certified()).unwrap().certificate.clone().unwrap();
    assert_eq!(certificate.signatures.len(), 4);
    let proven = |record: &ChannelRecord| {
        let anchor = proof::best(log, record, log.head()).unwrap().anchor.unwrap();
        assert!(proof::is_anchor(record, &anchor));
        assert!(anchor.signatures.is_sorted_by_key(|(node, _)| *node));
        anchor.signatures.len()
    };
    assert_eq!(proven(&bench.record), 3);
    let mut all = bench.record.clone();
    all.config.money.settlement_rule = SettlementRule::Unanimous;
    assert_eq!(proven(&all), 4);
    let mut heavy = bench.record.clone();
    heavy.members[2].record.weight = Weight(9);
    assert_eq!(proven(&heavy), 1, "the heaviest first");
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
    bench.record.windows.shown = Some(proven);
    bench.effects.clear();
    bench.observe();
    bench.wait(2 * TURN);
    assert!((1..4).all(|node| shown(&bench, node).is_empty()));
}

/// P-119: a busy channel orders more in a window than memory holds, and one newer block shown would
/// keep the proposal from executing.
#[test]
fn what_was_shown_far_above_is_linked_over_blocks_that_left_memory() {
    let mut bench = four();
    let waiting = proposal(&bench, 1, Height(1));
    waits(&mut bench, &waiting);
    bench.wait(600);
    for _ in 0..super::super::log::KEPT_BLOCKS + 50 {
        bench.note(0);
    }
    bench.wait(600);
    let log = bench.nodes[0].log();
    assert!(log.entry(waiting.to_height).is_none(), "it left memory");
    let best = proof::best(log, &bench.record, log.head()).unwrap().shown().unwrap();
    bench.record.windows.shown = Some(best);
    bench.effects.clear();
    bench.observe();
    bench.wait(600);
    let linked = |bench: &Bench| {
        bench
            .submitted(0)
            .filter_map(|tx| {
                if let ChainTx::Support { headers, .. } = tx { Some(headers.clone()) } else { None }
            })
            .last()
            .unwrap()
    };
    let headers = linked(&bench);
    assert_eq!(headers.first().map(|header| header.hash()), Some(waiting.to_block));
    assert_eq!(headers.last().map(|header| header.hash()), Some(best.block));
    assert!(headers.windows(2).all(|pair| pair[1].parent == pair[0].hash()));
    // What was linked needs no link again.
    bench.record.windows.waiting.as_mut().unwrap().supported_by = best.block;
    bench.note(0);
    bench.wait(600);
    let log = bench.nodes[0].log();
    let next = proof::best(log, &bench.record, log.head()).unwrap().shown().unwrap();
    bench.record.windows.shown = Some(next);
    bench.effects.clear();
    bench.observe();
    bench.wait(600);
    let headers = linked(&bench);
    assert_eq!(headers.first().map(|header| header.hash()), Some(best.block));
    assert_eq!(headers.last().map(|header| header.hash()), Some(next.block));
}

/// P-115: else all stay bound to what can be finished no more, and nothing settles for good.
#[test]
fn what_waits_and_nobody_can_link_gives_way_to_a_higher_one() {
    let mut record = record(4);
    record.config.money.settlement_rule = SettlementRule::Judged;
    let mut bench = Bench::with_record(4, record);
    bench.note(0);
    bench.wait(200);
    bench.nodes[0].settling.ask();
    bench.wait(200);
    let first = bench.proposed(0).last().unwrap().clone();
    waits(&mut bench, &first);
    for _ in 0..super::super::log::KEPT_BLOCKS + 50 {
        bench.note(0);
    }
    (0..4).for_each(|node| bench.restart(node));
    let log = bench.nodes[0].log();
    let best = proof::best(log, &bench.record, log.head()).unwrap().shown().unwrap();
    bench.record.windows.shown = Some(best);
    bench.effects.clear();
    bench.observe();
    bench.nodes[0].settling.ask();
    bench.wait(8_000);
    let second = bench.proposed(0).last().unwrap();
    assert!(second.to_height > first.to_height);
    assert!(opened(&bench, 0) > 0);
}

/// P-115: each block shown prolongs the window.
#[test]
fn a_beaten_proposal_is_defended_by_no_more_than_four_blocks_in_a_window() {
    let mut bench = four();
    let waiting = proposal(&bench, 1, Height(1));
    waits(&mut bench, &waiting);
    let log = bench.nodes[0].log();
    let of = |most| proof::best(log, &bench.record, most).unwrap().shown().unwrap();
    let (low, high) = (of(Height(1)), of(log.head()));
    let beside = ShownBlock { height: Height(low.height.0 + 1), term: high.term, ..low };
    bench.record.windows.shown = Some(ShownBlock { block: Hash([9; 32]), ..beside });
    bench.effects.clear();
    bench.observe();
    bench.wait(1_100);
    assert_eq!(shown(&bench, 0).len(), 1);
    bench.record.windows.shown = Some(ShownBlock { block: Hash([8; 32]), ..beside });
    bench.effects.clear();
    bench.observe();
    bench.wait(1_100);
    assert_eq!(shown(&bench, 0).len(), 0);
    bench.wait(2_000);
    bench.now = bench.now.plus(bench.record.config.money.challenge_window / 4);
    bench.record.windows.waiting.as_mut().unwrap().deadline = bench.now.plus(WINDOW);
    bench.observe();
    bench.wait(1_100);
    assert_eq!(shown(&bench, 0).len(), 1);
}
