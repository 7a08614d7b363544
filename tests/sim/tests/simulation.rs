//! The simulation in the test suite: a few seeds, a cheating leader, and the real Move VM.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic and looks at the variants it is about"
)]

use std::{collections::BTreeSet, ops::Range, rc::Rc, sync::Arc};

use fairway_proto::{
    Effect, Input, Message,
    channel::accusing::disputed,
    settlement::dispute::{Verdict, check},
};
use fairway_sandbox::{MoveSandbox, compile};
use fairway_sim::{
    Plan, Report, World,
    machine::Machine,
    runner::{self, Outcome},
};
use fairway_types::{
    Ack, Address, Certificate, Effects, Epoch, Hash, NodeId, Term, Time, View,
    chain::ChainTx,
    crypto::Verify,
    evidence::Evidence,
    ledger::{PackageSource, SourceFile},
};

/// The simulation's app in Move.
const APP: &str = "
module app::app {
    use runtime::event;
    use runtime::lifecycle;
    use runtime::vault;

    const ASSET: address = @0xfa;

    struct Paid has copy, drop, store { amount: u64 }
    struct Ticks has key { count: u64 }

    public entry fun pay(from: &signer, to: address, amount: u64) {
        vault::transfer(from, to, ASSET, amount);
        event::emit(Paid { amount });
    }

    public entry fun leave(member: &signer) {
        lifecycle::request_leave(member);
    }

    fun init(app: &signer) {
        move_to(app, Ticks { count: 0 });
    }

    fun on_tick(_app: &signer) acquires Ticks {
        let ticks = borrow_global_mut<Ticks>(@app);
        ticks.count = ticks.count + 1;
    }
}
";

fn move_machine() -> Rc<MoveSandbox> {
    let source = PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "app.move".into(), text: APP.into() }],
    };
    let package = compile(&source).unwrap_or_else(|error| panic!("{error}"));
    Rc::new(MoveSandbox::new(&package).unwrap())
}

/// Members join in mid-channel, and catch up by a snapshot.
#[test]
fn late_joiners_take_snapshots() {
    let mut taken = 0;
    for seed in 40..43 {
        let plan = Plan {
            steps: 30_000,
            sync_blocks_most: 4,
            late_joins: true,
            members_only: true,
            ..Plan::calm(seed, 4)
        };
        taken += World::new(plan).run().unwrap().snapshots_taken;
    }
    assert!(taken > 0, "nobody was far behind");
}

/// Crashed and cut off nodes miss more blocks than they are to catch up with one by one.
#[test]
fn nodes_that_were_away_take_snapshots_while_messages_are_lost() {
    let mut taken = 0;
    for seed in 44..50 {
        let (loss, crashes, partitions) = (8, true, true);
        let plan = Plan {
            steps: 8_000,
            sync_blocks_most: 2,
            loss,
            crashes,
            partitions,
            ..Plan::calm(seed, 4)
        };
        taken += World::new(plan).run().unwrap().snapshots_taken;
    }
    assert!(taken > 5, "{taken} snapshots");
}

/// P-27, P-35, P-44: a newcomer with evidence against the leader, a member that missed two
/// settlements, one that was entered above the last certificate, and one that went on alone: each once
/// waited for good.
#[test]
fn nobody_waits_for_good_where_somebody_once_did() {
    for seed in [425, 2_994, 4_098, 6_603] {
        let report = World::new(Plan::from_seed(seed, 6_000)).run();
        report.unwrap_or_else(|broken| panic!("seed {seed}: {}", broken.0));
    }
}

/// P-92: whoever stands still for a member that lost its tail and has left, or was convicted, gets out by
/// an exit.
#[test]
fn who_is_held_up_by_a_lost_tail_gets_out() {
    let report = World::new(Plan::from_seed(7_758, 6_000)).run();
    let report = report.unwrap_or_else(|broken| panic!("{}", broken.0));
    assert_eq!(report.deeds.get("stood still until an exit"), Some(&1));
}

/// P-100 to P-110 in channels whose members exit, complain and are gone for good, with a liar among
/// them.
#[test]
fn honest_members_get_their_money_whatever_happens_on_the_chain() {
    let (mut done, mut compared) = (BTreeSet::new(), 0);
    for seed in (3..400).step_by(4) {
        let report = World::new(Plan::from_seed(seed, 4_000)).run();
        let report = report.unwrap_or_else(|broken| panic!("seed {seed}: {}", broken.0));
        done.extend(report.chain.into_keys());
        compared += report.payments_compared;
    }
    let kinds = ["execute", "show", "finish an exit", "claim", "report", "judge", "answer"];
    for kind in kinds.into_iter().chain(["resolve"]) {
        assert!(done.contains(kind), "{kind} is not among {done:?}");
    }
    assert!(compared > 20, "{compared} payments");
}

/// P-117: two of three agree to a settlement that gives one what another has, or to a result that the
/// app never gave, in channels where every settlement waits for its window.
#[test]
fn two_of_three_settle_nothing_that_is_not_so() {
    let mut done = BTreeSet::new();
    for seed in (38..4_000).step_by(80) {
        let report = World::new(Plan::from_seed(seed, 4_000)).run();
        let report = report.unwrap_or_else(|broken| panic!("seed {seed}: {}", broken.0));
        done.extend(report.chain.into_keys());
    }
    for kind in ["open a window", "refute", "refute the result", "finish"] {
        assert!(done.contains(kind), "{kind} is not among {done:?}");
    }
}

/// P-111: who leads and signs what nobody else gets is judged by the chain, among all else it does.
#[test]
fn liars_that_diverge_are_judged_by_the_chain() {
    let mut judged = 0;
    for seed in (4..2_000).step_by(9) {
        let plan = Plan::from_seed(seed, 4_000);
        if plan.diverges {
            let report = World::new(plan).run();
            let report = report.unwrap_or_else(|broken| panic!("seed {seed}: {}", broken.0));
            judged += report.chain.get("judge").copied().unwrap_or_default();
        }
    }
    assert!(judged > 10, "{judged} cases");
}

fn assert_holds(seeds: Range<u64>, steps: u64) -> Outcome {
    let outcome =
        runner::run(seeds, steps, runner::Options { all: false, lines: 40, begin: || {} });
    if let Some(failure) = outcome.failures.first() {
        panic!("{failure}");
    }
    outcome
}

#[test]
fn invariants_hold_and_channels_go_on_over_faults_and_a_byzantine_member() {
    let outcome = assert_holds(0..100, 4_000);
    let faults: BTreeSet<&str> = outcome
        .reports
        .iter()
        .flat_map(|report| report.faults.keys())
        .map(String::as_str)
        .collect();
    for fault in [
        "crash before storing",
        "crash after storing",
        "power cut",
        "partition",
        "partition in three",
        "one-way partition",
        "silent node",
        "pause",
        "clock jump",
        "chain outage",
        "reorg",
        "leader after leader",
    ] {
        assert!(faults.contains(fault), "no {fault} in {faults:?}");
    }
    let acts: BTreeSet<&str> = outcome
        .reports
        .iter()
        .flat_map(|report| report.byzantine.keys())
        .map(String::as_str)
        .collect();
    for act in [
        "equivocated",
        "withheld",
        "lied in a view change",
        "replayed",
        "acked unseen",
        "acked two blocks",
    ] {
        assert!(acts.contains(act), "nobody {act} in {acts:?}");
    }
    let sum = |part: fn(&Report) -> u64| outcome.reports.iter().map(part).sum::<u64>();
    assert!(sum(|report| report.views) > 0 && sum(|report| report.rolled_back) > 0);
}

/// Seeds with members that stayed on a branch of their own, before it was mended.
#[test]
fn members_left_behind_on_a_branch_come_back() {
    for seed in [97, 231, 345, 491, 600, 983, 1_143, 1_481] {
        assert_holds(seed..seed + 1, 6_000);
    }
}

#[test]
fn same_seed_gives_the_same_run() {
    let plan = || Plan { byzantine: true, nodes: 4, ..Plan::from_seed(5, 3_000) };
    let run = || World::new(plan()).run().unwrap();
    let (first, second) = (run(), run());
    assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&second).unwrap());
    assert!(first.calls_certified > 0 && !first.byzantine.is_empty());
}

#[test]
fn four_channels_on_the_move_vm_hold_one_log_and_settle() {
    let plan = Plan { tick_interval: 200, steps: 9_000, ..Plan::calm(11, 4) };
    let mut world = World::with_machine(plan, move_machine());
    let report = world.run().unwrap_or_else(|broken| panic!("{}", broken.0));
    assert!(report.calls_certified > 50, "{report:?}");
    assert!(report.settlements > 0, "{report:?}");
    let leader = world.nodes[0].channel.log();
    let height = world.nodes.iter().map(|node| node.channel.log().certified()).min().unwrap();
    for node in &world.nodes[1..] {
        let log = node.channel.log();
        let (own, theirs) = (log.entry(height).unwrap(), leader.entry(height).unwrap());
        assert_eq!(own.hash, theirs.hash);
        assert_eq!(own.state.root(), own.block.header.state_root);
    }
}

#[test]
fn move_vm_survives_crashes_loss_and_partitions() {
    let plan =
        Plan { loss: 5, duplication: 5, crashes: true, partitions: true, ..Plan::calm(12, 3) };
    let mut world = World::with_machine(plan, move_machine());
    if let Err(broken) = world.run() {
        panic!("{}", broken.0);
    }
}

/// A leader that alters one effect is refused by every follower, each with evidence of its own; and
/// followed by another.
#[test]
fn every_follower_refuses_a_leader_whose_effects_differ_and_follows_another() {
    // Nobody leaves: that begins after half of the steps.
    let mut world = World::new(Plan { steps: 1_000_000, ..Plan::calm(3, 4) });
    for _ in 0..4_000 {
        world.step().unwrap();
    }
    let certified = world.nodes[1].channel.log().certified();
    assert!(certified.0 > 0);
    world.corrupt(0, Rc::new(Machine { tampers: true }));
    let leader = world.nodes[0].keypair.node_id();
    let mut left = None;
    for _ in 0..4_000 {
        world.step().unwrap();
        let record = world.chain.record();
        let seat = record.members.iter().find(|seat| seat.record.node == leader);
        if left.is_none() && record.windows.bans.iter().any(|ban| ban.node == leader) {
            left = seat.map(|seat| seat.collateral);
        }
    }
    // P-111: the chain judges it before the members have voted.
    let money = &world.chain.record().config.money;
    assert_eq!(left, Some(money.collateral - money.fine));
    // What the cheat itself says of the next leader is judged too, at its own cost.
    let judged = world.report.chain.get("judge").copied().unwrap_or_default();
    assert!((1..=2).contains(&judged), "{:?}", world.report.chain);
    assert_eq!(world.chain.record().windows.bans.len(), 1, "the cheat alone is convicted");
    for node in &world.nodes[1..] {
        let log = node.channel.log();
        assert_ne!(log.leader(), Some(leader));
        let Some(Evidence::Divergence { reporter, block, effects, effects_root, .. }) =
            log.evidence_against(&leader)
        else {
            panic!("no evidence of a divergence");
        };
        assert_eq!(*reporter, node.keypair.node_id());
        assert_eq!(Effects::root(effects), *effects_root);
        let header = block.header();
        assert_ne!(*effects_root, header.effects_root);
        assert!(!log.contains(header.height, &header.hash()));
        assert!(log.certified() > header.height, "the others go on");
    }
    let (facts, honest) = (world.chain.record().facts(), Machine::default());
    for node in &world.nodes[1..] {
        let evidence = node.channel.log().evidence_against(&leader).unwrap();
        let verdict = check(evidence, &facts, &honest, None).verdict;
        assert!(verdict.is_guilty(), "a stranger says {verdict:?}");
        let reporters: BTreeSet<NodeId> = node
            .channel
            .verdicts()
            .filter(|judged| judged.accused == leader && judged.verdict.is_guilty())
            .map(|judged| judged.reporter)
            .collect();
        assert_eq!(reporters.len(), world.nodes.len() - 1, "its own and all others' reports");
    }
}

/// P-95: on the real Move VM every block gives its roots again over the witness alone.
#[test]
fn blocks_of_the_move_vm_execute_again_over_their_witnesses() {
    let machine = move_machine();
    let plan = Plan { tick_interval: 100, ..Plan::calm(21, 4) };
    let mut world = World::with_machine(plan, Rc::<MoveSandbox>::clone(&machine));
    let mut judged = BTreeSet::new();
    let facts = world.chain.record().facts();
    for _ in 0..6_000 {
        world.step().unwrap();
        let node = &world.nodes[1];
        let log = node.channel.log();
        let head = log.head();
        if !judged.insert(head) {
            continue;
        }
        let Some(entry) = log.entry(head) else { continue };
        let block = disputed(log, &entry.block, &*machine).unwrap();
        let reporter = node.keypair.node_id();
        let (effects, effects_root) = (Vec::new(), Hash::ZERO);
        let state_root = Hash::ZERO;
        let evidence = Evidence::Divergence { reporter, block, effects, effects_root, state_root };
        let judgement = check(&evidence, &facts, &*machine, None);
        assert!(matches!(judgement.verdict, Verdict::Innocent(_)), "{:?}", judgement.verdict);
        assert_eq!(judgement.executed.map(|again| again.effects), Some(Vec::clone(&entry.effects)));
    }
    assert!(judged.len() > 100, "{}", judged.len());
}

/// Reports of a Byzantine member, true and false, reach honest ones, who tell them apart.
#[test]
fn slander_and_true_reports_are_told_apart() {
    let mut verdicts = std::collections::BTreeMap::new();
    for seed in 0..12 {
        let plan = Plan { byzantine: true, ..Plan::from_seed(seed, 6_000) };
        let plan = Plan { nodes: plan.nodes.max(4), ..plan };
        let mut world = World::new(plan);
        match world.run() {
            Ok(report) => {
                for (verdict, count) in report.verdicts {
                    *verdicts.entry(verdict).or_insert(0) += count;
                }
            }
            Err(broken) => panic!("seed {seed}: {}", broken.0),
        }
    }
    for verdict in ["guilty", "innocent", "unclear"] {
        assert!(verdicts.get(verdict).is_some_and(|count| *count > 0), "{verdicts:?}");
    }
}

/// P-28: a second block of the leader at a height is evidence by itself.
#[test]
fn follower_that_sees_two_blocks_at_one_height_reports_their_signer() {
    let mut world = World::new(Plan::calm(4, 3));
    for _ in 0..2_000 {
        world.step().unwrap();
    }
    let follower = &mut world.nodes[1];
    let head = follower.channel.log().head();
    let mut block = (*follower.channel.log().entry(head).unwrap().block).clone();
    let leader = world.nodes[0].keypair.clone();
    assert_eq!(block.leader, leader.node_id());
    block.header.time = Time(block.header.time.0 + 1);
    block.signature = leader.sign(&block.header);
    let message = Message::Block(Arc::new(block)).verify().unwrap();
    let input = Input::Peer { from: leader.node_id(), message: Box::new(message) };
    let step = world.nodes[1].handle(Time(2_000_000), vec![input]);
    let reported = |effect: &Effect| matches!(effect, Effect::Submit(ChainTx::Report { .. }));
    assert!(step.effects.iter().any(reported));
    let log = world.nodes[1].channel.log();
    let Some(Evidence::DoubleBlock { first, second }) = log.evidence() else {
        panic!("no evidence of two blocks");
    };
    assert!(first.check().is_ok() && second.check().is_ok());
    assert_eq!(first.header.height, second.header.height);
}

/// What a peer sends never panics: it decodes or is refused.
#[test]
fn malformed_and_oversized_frames_are_refused() {
    let huge = vec![0; fairway_types::limits::FRAME_BYTES + 1];
    assert_eq!(Message::decode(&huge).unwrap_err().name(), "too_large");
    for length in 0..200usize {
        let bytes: Vec<u8> = (0..length).map(|place| (place * 37 + length) as u8).collect();
        if let Err(refusal) = Message::decode(&bytes) {
            assert_eq!(refusal.name(), "malformed");
        }
    }
}

/// A quorum is counted in the block's own term: in the first epoch the leader alone was one.
#[test]
fn certificate_of_another_term_certifies_nothing() {
    let mut world = World::new(Plan::calm(6, 4));
    let behind = |world: &World| {
        let log = world.nodes[1].channel.log();
        log.term().epoch.0 > 1 && log.certified() < log.head()
    };
    while !behind(&world) {
        world.step().unwrap();
    }
    let leader = world.nodes[0].keypair.clone();
    let log = world.nodes[1].channel.log();
    let (head, certified) = (log.head(), log.certified());
    let ack = Ack {
        channel: world.chain.record().channel,
        term: Term { epoch: Epoch(1), view: View(0) },
        height: head,
        block: log.entry(head).unwrap().hash,
    };
    let signatures = vec![(leader.node_id(), leader.sign(&ack))];
    let message = Message::Certificate(Certificate { ack, signatures }).verify().unwrap();
    let input = Input::Peer { from: leader.node_id(), message: Box::new(message) };
    world.nodes[1].handle(Time(1_000_000), vec![input]);
    assert_eq!(world.nodes[1].channel.log().certified(), certified);
}

/// P-24: blocks of the old epoch that nobody acks any more do not block the new one. The follower is
/// silent until the contract's next grant leaves it out.
#[test]
fn leader_goes_on_in_a_new_epoch_over_uncertified_blocks_of_the_old_one() {
    let mut world = World::new(Plan::calm(7, 2));
    while world.nodes[0].channel.log().term().epoch.0 < 2 {
        world.step().unwrap();
    }
    world.nodes[1].up = false;
    while world.nodes[0].channel.lacking_quorum().is_none() {
        world.step().unwrap();
    }
    let stuck = world.nodes[0].channel.log().head();
    while world.nodes[0].channel.log().term().epoch.0 == 2 {
        world.step().unwrap();
    }
    for _ in 0..500 {
        world.step().unwrap();
    }
    let log = world.nodes[0].channel.log();
    assert!(log.certified() > stuck && log.tip_at(stuck).is_some());
}
