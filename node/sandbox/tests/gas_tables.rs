//! P-61: one package at the prices of two tables. Calls, hooks, ticks and views are metered by the
//! sandbox's table, and by nothing else.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, sync::Arc};

use fairway_sandbox::{GasTable, LoadedPackage, MoveSandbox, compile, tool_context};
use fairway_types::{
    Address, Execute, ExecutionStatus, FunctionName, Gas, GasTableId, Hook, Invocation, Outcome,
    StateKey, codec,
    ledger::{PackageSource, SourceFile},
};

type Map = BTreeMap<StateKey, Arc<[u8]>>;

const ALICE: Address = Address::from_low(0xa1);
const APP: Address = Address::from_low(0x42);
const GAS: Gas = Gas(1_000_000);
/// The prices of table 2, as docs/operations.md lists them.
const WRITE: u64 = 1_000;
const WRITTEN_BYTE: u64 = 4;
const GROWN_BYTE: u64 = 20;
const EVENT_BYTE: u64 = 4;

const NOTES: &str = r#"
module app::notes {
    use std::signer;
    use std::vector;
    use runtime::event;

    struct Note has key { text: vector<u8> }
    struct Said has copy, drop, store { text: vector<u8> }

    public entry fun keep(account: &signer, text: vector<u8>) acquires Note {
        let address = signer::address_of(account);
        if (exists<Note>(address)) borrow_global_mut<Note>(address).text = text
        else move_to(account, Note { text });
    }

    public entry fun drop(account: &signer) acquires Note {
        let Note { text: _ } = move_from<Note>(signer::address_of(account));
    }

    public entry fun say(text: vector<u8>) {
        event::emit(Said { text });
    }

    public entry fun compute(times: u64) {
        while (times > 0) times = times - 1;
    }

    public fun length(account: address): u64 acquires Note {
        vector::length(&borrow_global<Note>(account).text)
    }

    fun on_tick(app: &signer) acquires Note {
        let address = signer::address_of(app);
        if (!exists<Note>(address)) move_to(app, Note { text: vector::empty() });
        vector::push_back(&mut borrow_global_mut<Note>(address).text, 1);
    }
}
"#;

fn package() -> Arc<LoadedPackage> {
    let source = PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), APP)],
        files: vec![SourceFile { path: "notes.move".into(), text: NOTES.into() }],
    };
    Arc::new(LoadedPackage::new(&compile(&source).unwrap()).unwrap())
}

/// The same code at the prices of tables 1 and 2.
fn both() -> (MoveSandbox, MoveSandbox) {
    let package = package();
    let at = |id| MoveSandbox::of(Arc::clone(&package), GasTable::find(id).unwrap());
    (at(GasTableId::MEASURED), at(GasTableId::STORAGE))
}

fn name(function: &str) -> FunctionName {
    FunctionName { address: APP, module: "notes".into(), function: function.into() }
}

fn call(sandbox: &MoveSandbox, state: &Map, function: &str, args: &[Vec<u8>], gas: Gas) -> Outcome {
    let function = name(function);
    let invocation = Invocation::Call { sender: ALICE, function: &function, type_args: &[], args };
    sandbox.execute(state, &tool_context(), &invocation, gas)
}

fn keep(sandbox: &MoveSandbox, state: &Map, bytes: usize) -> Outcome {
    call(sandbox, state, "keep", &[codec::encode(&vec![7u8; bytes])], GAS)
}

fn tick(sandbox: &MoveSandbox, state: &Map, gas: Gas) -> Outcome {
    sandbox.execute(state, &tool_context(), &Invocation::Hook(Hook::OnTick), gas)
}

/// Alice's note of so many bytes.
fn state_with(bytes: usize) -> Map {
    let key = StateKey::resource(ALICE, "0x42::notes::Note");
    Map::from([(key, codec::encode(&vec![7u8; bytes]).into())])
}

/// What the dearer table asks beyond the other for the same outcome.
fn surplus(run: impl Fn(&MoveSandbox) -> Outcome) -> u64 {
    let (measured, storage) = both();
    let (cheap, dear) = (run(&measured), run(&storage));
    assert!(cheap.status.is_success(), "{:?}", cheap.status);
    assert_eq!((&cheap.writes, &cheap.events), (&dear.writes, &dear.events));
    dear.gas_used.0 - cheap.gas_used.0
}

#[test]
fn a_new_resource_costs_a_write_and_each_byte_twice_over() {
    // 99 bytes and their length.
    let expected = WRITE + 100 * (WRITTEN_BYTE + GROWN_BYTE);
    assert_eq!(surplus(|sandbox| keep(sandbox, &Map::new(), 99)), expected);
}

#[test]
fn a_resource_of_the_same_size_costs_no_growth_and_a_shorter_one_pays_nothing_back() {
    let state = state_with(99);
    let changed = [codec::encode(&vec![8u8; 99])];
    let same = surplus(|sandbox| call(sandbox, &state, "keep", &changed, GAS));
    assert_eq!(same, WRITE + 100 * WRITTEN_BYTE);
    assert_eq!(surplus(|sandbox| keep(sandbox, &state, 9)), WRITE + 10 * WRITTEN_BYTE);
    assert_eq!(surplus(|sandbox| call(sandbox, &state, "drop", &[], GAS)), WRITE);
}

#[test]
fn what_changes_nothing_and_what_only_computes_costs_the_same_by_both_tables() {
    assert_eq!(surplus(|sandbox| keep(sandbox, &state_with(99), 99)), 0);
    let times = [codec::encode(&500u64)];
    assert_eq!(surplus(|sandbox| call(sandbox, &Map::new(), "compute", &times, GAS)), 0);
}

#[test]
fn an_event_costs_its_bytes() {
    let text = [codec::encode(&vec![7u8; 50])];
    let said = surplus(|sandbox| call(sandbox, &Map::new(), "say", &text, GAS));
    assert_eq!(said, 51 * EVENT_BYTE);
}

#[test]
fn a_call_that_cannot_pay_for_its_storage_leaves_nothing() {
    let (measured, storage) = both();
    let enough = keep(&measured, &Map::new(), 99).gas_used;
    let text = [codec::encode(&vec![7u8; 99])];
    assert!(call(&measured, &Map::new(), "keep", &text, enough).status.is_success());
    let outcome = call(&storage, &Map::new(), "keep", &text, enough);
    assert_eq!(outcome.status, ExecutionStatus::OutOfGas);
    assert_eq!(outcome.gas_used, enough);
    assert!(outcome.writes.is_empty() && outcome.events.is_empty());
}

#[test]
fn a_tick_is_bounded_by_the_same_table() {
    let (measured, storage) = both();
    let state = Map::new();
    let grown = WRITE + 2 * (WRITTEN_BYTE + GROWN_BYTE);
    assert_eq!(surplus(|sandbox| tick(sandbox, &state, GAS)), grown);
    let enough = tick(&measured, &state, GAS).gas_used;
    assert!(tick(&measured, &state, enough).status.is_success());
    assert_eq!(tick(&storage, &state, enough).status, ExecutionStatus::OutOfGas);
    assert!(tick(&storage, &state, Gas(enough.0 + grown)).status.is_success());
}

#[test]
fn a_view_is_bounded_by_the_table_and_pays_for_no_storage_it_does_not_use() {
    let (measured, storage) = both();
    let state = state_with(99);
    let args = [codec::encode(&ALICE)];
    for sandbox in [&measured, &storage] {
        let view =
            |gas| sandbox.view(&state, &tool_context(), &name("length"), &[], &args, Gas(gas));
        assert_eq!(view(1_000).unwrap()[0].1, codec::encode(&99u64));
        assert_eq!(view(10).unwrap_err().name(), "out_of_gas");
    }
}

#[test]
fn two_nodes_with_one_table_agree_to_the_byte() {
    for id in [GasTableId::MEASURED, GasTableId::STORAGE] {
        let [one, other] = [package(), package()]
            .map(|package| MoveSandbox::of(package, GasTable::find(id).unwrap()));
        assert_eq!(keep(&one, &Map::new(), 99), keep(&other, &Map::new(), 99));
        assert_eq!(tick(&one, &Map::new(), GAS), tick(&other, &Map::new(), GAS));
    }
}

/// The figures of docs/operations.md.
#[test]
fn keeping_what_a_call_brings_costs_as_documented() {
    let (measured, storage) = both();
    let gas = |sandbox| {
        let args = [codec::encode(&vec![7u8; 60_000])];
        call(sandbox, &Map::new(), "keep", &args, Gas(10_000_000)).gas_used
    };
    assert_eq!((gas(&measured), gas(&storage)), (Gas(15_061), Gas(1_456_133)));
}
