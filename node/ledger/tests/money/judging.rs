//! P-111: the chain executes disputed blocks of a real package again, and draws the consequence.

use std::sync::{Arc, LazyLock};

use fairway_ledger::{Code, Compiled, contract};
use fairway_proto::channel::{
    execution::{Execution, Start, genesis_writes, merged_writes},
    ground::Recorder,
    log::genesis_hash_of,
};
use fairway_sandbox::{GasTable, LoadedPackage, MoveSandbox, Package, compile, read_package};
use fairway_state::State;
use fairway_types::{
    Address, Block, Effects, Epoch, FunctionName, Gas, Hash, Header, Height, JoinSequence,
    Operation, SignedHeader, Term, Time, Transaction, View, codec,
    evidence::{Disputed, Evidence, Parent},
    ledger::LedgerPayload,
    limits,
};

use super::{
    cases::pair_of,
    world::{CHAIN, World, account, key, node, stakes},
};

const PAYMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/examples/payments");

static PACKAGE: LazyLock<Arc<Package>> = LazyLock::new(|| {
    let source = read_package(PAYMENTS.as_ref()).unwrap();
    Arc::new(compile(&source).unwrap())
});

/// The package as a channel's nodes run it.
fn loaded() -> Compiled {
    Compiled::Judged(PACKAGE.hash, Arc::new(LoadedPackage::new(&PACKAGE).unwrap()))
}

/// A channel of `count` members that runs payments, led by the first.
fn running(count: u8) -> World {
    let mut world = World::new();
    world.code.add(loaded());
    world.create_for(PACKAGE.hash, 8, stakes());
    for number in 0..count {
        world.join(number, false);
    }
    world.epoch(count);
    world
}

/// The two channels of `pair` with a package that runs.
pub(crate) fn running_pair() -> (World, fairway_types::ChannelId) {
    let (mut world, other) = pair_of(PACKAGE.hash, stakes());
    world.code.add(loaded());
    (world, other)
}

/// The second member pays the first.
fn payment(world: &World, sequence: u64) -> Transaction {
    let function = FunctionName {
        address: PACKAGE.modules[0].address,
        module: "payments".into(),
        function: "pay".into(),
    };
    let args = vec![
        codec::encode(&account(0).address()),
        codec::encode(&contract::NATIVE),
        codec::encode(&5u64),
        codec::encode(&"memo"),
    ];
    let operation = Operation::Invoke { function, type_args: Vec::new(), args };
    Transaction::Call(world.call(1, sequence, operation))
}

/// The first block, as the first member's node signed it, and what it depends on.
fn block(
    world: &World,
    transactions: Vec<Transaction>,
    alter: impl FnOnce(&mut Header),
) -> Box<Disputed> {
    let (record, facts) = (world.record(), world.record().facts());
    let package = Arc::new(LoadedPackage::new(&PACKAGE).unwrap());
    let vm = MoveSandbox::of(package, GasTable::measured());
    let before = State::default().with_writes(&genesis_writes(&record, &vm));
    let hash = genesis_hash_of(&facts, &record.config, &record.founders, before.root());
    let recorder = Recorder::new(&before);
    let start = Start { height: Height::ZERO, hash, state: &recorder };
    let mut execution = Execution::new(&vm, facts, start, Time(world.time));
    for transaction in &transactions {
        let _ = execution.run(transaction);
    }
    let effects = execution.into_effects();
    let writes = merged_writes(&effects);
    let mut header = Header {
        channel: world.channel,
        parent: hash,
        height: Height(1),
        term: Term { epoch: Epoch(1), view: View(0) },
        time: Time(world.time),
        justified: Height::ZERO,
        opening: None,
        transactions_root: Block::transactions_root(&transactions),
        effects_root: Effects::root(&effects),
        state_root: before.with_writes(&writes).root(),
        extension: Vec::new(),
    };
    alter(&mut header);
    let (leader, signature) = (node(0).node_id(), node(0).sign(&header));
    Box::new(Disputed {
        facts,
        parent: Parent::Genesis {
            config: Box::new(record.config),
            founders: record.founders,
            state_root: before.root(),
        },
        block: SignedHeader { header, leader, signature },
        transactions,
        witness: recorder.witness(&writes),
    })
}

fn of(block: Box<Disputed>) -> Evidence {
    let reporter = node(1).node_id();
    let (effects_root, state_root) = (Hash([4; 32]), Hash([5; 32]));
    Evidence::Divergence { reporter, block, effects: Vec::new(), effects_root, state_root }
}

/// The leader signed another root than its block gives.
pub(crate) fn divergence(world: &World) -> Evidence {
    of(block(world, vec![payment(world, 0)], |header| header.state_root = Hash([0x1e; 32])))
}

fn honest(world: &World) -> Evidence {
    of(block(world, vec![payment(world, 0)], |_| {}))
}

fn judge(world: &World, evidence: &Evidence) -> LedgerPayload {
    contract::judge(world.channel, JoinSequence(1), evidence)
}

fn collateral(world: &World, number: u8) -> u64 {
    let record = world.record();
    let account = account(number).address();
    let mut members = record.members.iter();
    members.find(|member| member.record.account == account).unwrap().collateral
}

fn treasury(world: &World) -> u64 {
    world.ledger.balance(contract::SETTLEMENT, contract::NATIVE).unwrap()
}

/// What accounts hold, what the channel does, and the collateral behind it: nothing is made or lost.
fn money(world: &World, count: u8) -> u64 {
    let outside: u64 = (0..count).map(|number| world.balance(number)).sum();
    let behind: u64 = (0..count).map(|number| collateral(world, number)).sum();
    let locked: u64 = world.record().locked.iter().map(|amount| amount.amount).sum();
    outside + behind + locked + treasury(world)
}

fn refused(payload: LedgerPayload, world: &mut World) -> String {
    let before = (money(world, 2), world.record().windows);
    let error = world.transact(&node(1), payload).unwrap_err();
    assert_eq!((money(world, 2), world.record().windows), before, "{error} changed something");
    error
}

#[test]
fn a_leader_that_signed_another_root_is_fined_without_votes() {
    for count in [2, 4] {
        let mut world = running(count);
        let gas = world.must(&node(1), judge(&world, &divergence(&world)));
        let record = world.record();
        assert!(!record.members[0].eligible, "{count}");
        assert_eq!((collateral(&world, 0), world.balance(1), treasury(&world)), (50, 25, 25));
        assert_eq!(record.windows.bans[0].account, account(0).address());
        assert_eq!(money(&world, count), world.minted, "{count}");
        assert!(gas < limits::CALL_GAS, "{gas}");
    }
}

#[test]
fn a_leader_that_ordered_what_no_rule_admits_is_fined_without_votes() {
    let mut world = running(2);
    let block = block(&world, vec![payment(&world, 7)], |_| {});
    let reporter = node(1).node_id();
    let evidence =
        Evidence::InvalidTransaction { reporter, block, index: 0, reason: "number 7".into() };
    world.must(&account(1), judge(&world, &evidence));
    assert_eq!((collateral(&world, 0), world.balance(1)), (50, 25));
}

/// What the same sources compile to on the ledger lacks the library's functions: an honest leader's
/// block would fail in it.
#[test]
fn a_block_that_publishes_the_same_sources_judges_as_the_channels_nodes_do() {
    let mut world = running(2);
    let mut stranger = Package::clone(&PACKAGE);
    stranger.abi.modules.retain(|module| module.own);
    let stranger = Arc::new(stranger);
    let of_library = FunctionName {
        address: Address::from_low(2),
        module: "vault".into(),
        function: "transfer".into(),
    };
    let args = vec![
        codec::encode(&account(0).address()),
        codec::encode(&contract::NATIVE),
        codec::encode(&5u64),
    ];
    let call = Operation::Invoke { function: of_library, type_args: Vec::new(), args };
    let call = Transaction::Call(world.call(1, 0, call));
    let evidence = of(block(&world, vec![call], |_| {}));
    for order in [true, false] {
        world.code = Code::new();
        let published = || Compiled::Published(Arc::clone(&stranger));
        let both = if order { [published(), loaded()] } else { [loaded(), published()] };
        both.into_iter().for_each(|one| world.code.add(one));
        let (tried, _) = world.try_out(&node(1), judge(&world, &evidence));
        tried.unwrap();
    }
    world.must(&node(1), judge(&world, &evidence));
    assert!(world.record().members[0].eligible, "it executed what it signed");
    assert_eq!((collateral(&world, 0), collateral(&world, 1)), (100, 80));
}

#[test]
fn who_accuses_an_honest_leader_loses_its_bond() {
    let mut world = running(2);
    world.must(&node(1), judge(&world, &honest(&world)));
    assert!(world.record().members[0].eligible);
    assert_eq!((collateral(&world, 0), collateral(&world, 1)), (100, 80));
    assert_eq!(money(&world, 2), world.minted);
}

#[test]
fn evidence_that_does_not_show_the_state_decides_nothing() {
    let mut world = running(2);
    let mut block = block(&world, vec![payment(&world, 0)], |header| header.height = Height(1));
    block.witness = None;
    let error = refused(judge(&world, &of(block)), &mut world);
    assert!(error.contains("E_UNCLEAR"), "{error}");
}

#[test]
fn evidence_that_tells_other_facts_decides_nothing() {
    let mut world = running(2);
    let mut block = block(&world, vec![payment(&world, 0)], |header| {
        header.state_root = Hash([0x1e; 32]);
    });
    block.facts.creator = Address([9; 32]);
    let error = refused(judge(&world, &of(block)), &mut world);
    assert!(error.contains("E_UNCLEAR"), "{error}");
}

#[test]
fn what_the_leader_did_not_sign_is_not_looked_at() {
    let mut world = running(2);
    let mut block = block(&world, vec![payment(&world, 0)], |_| {});
    block.block.header.state_root = Hash([0x1e; 32]);
    let error = refused(judge(&world, &of(block.clone())), &mut world);
    assert!(error.contains("100003") || error.contains("failed"), "{error}");
    block.block.signature = node(0).sign(&block.block.header);
    block.transactions.clear();
    let error = refused(judge(&world, &of(block)), &mut world);
    assert!(error.contains("failed"), "{error}");
}

#[test]
fn a_file_of_another_channel_is_not_looked_at() {
    let (mut world, other) = running_pair();
    let evidence = divergence(&world);
    let payload = contract::judge(other, JoinSequence(1), &evidence);
    assert!(world.transact(&node(1), payload).is_err());
    world.must(&node(1), judge(&world, &evidence));
}

#[test]
fn a_package_that_nobody_compiled_is_not_run() {
    let mut world = running(2);
    world.code.judged.clear();
    let error = refused(judge(&world, &divergence(&world)), &mut world);
    assert!(error.contains("E_DOES_NOT_FIT"), "{error}");
}

/// What it would have done with more is not known: no verdict, whichever way it looks.
#[test]
fn a_block_that_takes_more_gas_than_there_is_decides_nothing() {
    let evidence_and_worlds = [divergence, honest].map(|make| {
        let world = running(2);
        (make(&world), world)
    });
    for (evidence, mut world) in evidence_and_worlds {
        let payload = judge(&world, &evidence);
        let bytes = evidence.to_file().len() as u64;
        for gas in [bytes + 8_000_000, bytes + 8_000_100] {
            let error = world.transact_within(&node(1), payload.clone(), Gas(gas)).unwrap_err();
            assert!(error.contains("E_DOES_NOT_FIT"), "{error}");
        }
        let error = world.transact_within(&node(1), payload.clone(), Gas(bytes)).unwrap_err();
        assert!(error.contains("gas"), "{error}");
        let most = Gas(limits::JUDGE_GAS + 1);
        assert!(world.transact_within(&node(1), payload.clone(), most).is_err());
        assert_eq!(collateral(&world, 0) + collateral(&world, 1), 200);
        world.must(&node(1), payload);
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    let mut world = running(2);
    let file = vec![0; limits::JUDGED_BYTES + 1];
    let payload = LedgerPayload::Judge { channel: world.channel, accused: JoinSequence(1), file };
    let (result, _) = world.try_out(&node(1), payload.clone());
    assert!(result.unwrap_err().contains(&limits::JUDGED_BYTES.to_string()));
    assert!(world.transact(&node(1), payload).is_err());
}

#[test]
fn the_same_case_is_judged_once_and_not_voted_on_either() {
    let mut world = running(2);
    let evidence = honest(&world);
    world.must(&node(1), judge(&world, &evidence));
    let error = refused(judge(&world, &evidence), &mut world);
    assert!(error.contains("E_DECIDED"), "{error}");
    let report = contract::report(world.channel, JoinSequence(1), evidence.hash());
    let error = refused(report, &mut world);
    assert!(error.contains("E_DECIDED"), "{error}");
}

/// Another word in the file makes another hash, and no second fine.
#[test]
fn the_same_block_convicts_once() {
    let mut world = running(4);
    world.must(&node(1), judge(&world, &divergence(&world)));
    let Evidence::Divergence { block, effects, effects_root, .. } = divergence(&world) else {
        panic!("no divergence");
    };
    let (reporter, state_root) = (node(2).node_id(), Hash([6; 32]));
    let again = Evidence::Divergence { reporter, block, effects, effects_root, state_root };
    let error = world.transact(&node(2), judge(&world, &again)).unwrap_err();
    assert!(error.contains("E_DECIDED"), "{error}");
}

#[test]
fn nobody_but_members_asks_and_nobody_but_the_leader_is_meant() {
    let mut world = running(4);
    let evidence = divergence(&world);
    let error = world.transact(&key(7, 7), judge(&world, &evidence)).unwrap_err();
    assert!(error.contains("E_NOT_ACTIVE"), "{error}");
    let meant = contract::judge(world.channel, JoinSequence(3), &evidence);
    let error = world.transact(&node(1), meant).unwrap_err();
    assert!(error.contains("E_BAD_ACCUSED"), "{error}");
    let error = world.transact(&node(0), judge(&world, &evidence)).unwrap_err();
    assert!(error.contains("E_BAD_ACCUSED"), "{error}");
}

/// Two signatures need no execution.
#[test]
fn a_case_of_two_signatures_is_not_for_the_judge() {
    let mut world = running(2);
    let first = block(&world, Vec::new(), |_| {}).block;
    let second = block(&world, Vec::new(), |header| header.time = Time(9)).block;
    let double = Evidence::DoubleBlock { first: Box::new(first), second: Box::new(second) };
    let (channel, accused) = (world.channel, JoinSequence(1));
    let payload = LedgerPayload::Judge { channel, accused, file: double.to_file() };
    assert!(world.transact(&node(1), payload).is_err());
    world.must(&node(1), contract::judge(channel, accused, &double));
    assert_eq!(collateral(&world, 0), 50);
}

/// The functions behind the judge's word are the host's alone.
#[test]
fn no_transaction_calls_the_judges_functions() {
    let mut world = running(2);
    for name in ["may_judge", "judged"] {
        let function = contract::function("penalty", name);
        let evidence = divergence(&world);
        let mut args = vec![
            codec::encode(&node(1).address()),
            codec::encode(&world.channel),
            codec::encode(&JoinSequence(1)),
            codec::encode(&node(0).node_id()),
            codec::encode(&1u64),
            codec::encode(&Hash([1; 32])),
            codec::encode(&evidence.hash()),
        ];
        if name == "judged" {
            args.push(codec::encode(&0u8));
        }
        let payload = LedgerPayload::Invoke { function, type_args: Vec::new(), args };
        let (result, _) = world.try_out(&node(1), payload.clone());
        assert!(result.unwrap_err().contains("judge"), "{name}");
        assert!(world.transact(&node(1), payload).is_err());
        assert_eq!(collateral(&world, 0), 100);
    }
}

#[test]
fn every_replica_says_the_same() {
    let run = || {
        let mut world = running(4);
        world.must(&node(1), judge(&world, &divergence(&world)));
        assert_eq!(world.ledger.chain(), CHAIN);
        (world.ledger.state_root(), world.ledger.head().hash)
    };
    assert_eq!(run(), run());
}
