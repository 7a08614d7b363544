//! What a node can prove of its log, and guards, which hold that for an account.

use super::*;

/// P-100
#[test]
fn the_best_proof_is_the_highest_block_that_two_thirds_of_the_active_certified() {
    let bench = four();
    let log = bench.nodes[1].log();
    let best = best_of(&bench, 1);
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
    has_ended(&mut bench, new, members);
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

/// P-119: a member that is alone orders more above the last anchor than memory holds, and than one
/// transaction links.
#[test]
fn a_proof_reaches_over_blocks_that_left_memory() {
    let mut bench = alone();
    bench.wait(600);
    outgrow(&mut bench, 50);
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
