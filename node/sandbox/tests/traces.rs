//! A call that is followed does what it does unfollowed, and its trace accounts for all its gas.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, sync::Arc};

use fairway_sandbox::{
    FunctionGas, GasTable, GasTrace, LoadedPackage, MoveSandbox, compile, tool_context,
};
use fairway_types::{
    Address, Execute, ExecutionStatus, FunctionName, Gas, GasTableId, Invocation, Outcome,
    StateKey, codec,
    ledger::{PackageSource, SourceFile},
};

const APP: Address = Address::from_low(0x42);
const GAS: Gas = Gas(1_000_000);

const CALLS: &str = r#"
module app::calls {
    use std::hash;
    use std::vector;

    struct Kept has key { text: vector<u8> }

    public entry fun twice(account: &signer, text: vector<u8>) {
        let first = hash::sha2_256(copy text);
        let second = hash::sha2_256(first);
        vector::append(&mut text, second);
        move_to(account, Kept { text });
    }

    public entry fun down(times: u64) {
        if (times > 0) down(times - 1);
    }

    fun fails(code: u64) {
        abort code
    }

    public entry fun stops(code: u64) {
        down(1);
        fails(code);
    }
}
"#;

fn sandbox(table: GasTableId) -> MoveSandbox {
    let source = PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), APP)],
        files: vec![SourceFile { path: "calls.move".into(), text: CALLS.into() }],
    };
    let package = LoadedPackage::new(&compile(&source).unwrap()).unwrap();
    MoveSandbox::of(Arc::new(package), GasTable::find(table).unwrap())
}

/// What the call does, and where its gas goes: its trace accounts for all of it.
fn trace(table: GasTableId, function: &str, args: &[Vec<u8>], gas: Gas) -> (Outcome, GasTrace) {
    let (sandbox, state) = (sandbox(table), BTreeMap::<StateKey, Arc<[u8]>>::new());
    let module = "calls".into();
    let function = FunctionName { address: APP, module, function: function.into() };
    let sender = Address::from_low(0xa1);
    let call = Invocation::Call { sender, function: &function, type_args: &[], args };
    let mut trace = GasTrace::default();
    let followed = sandbox.execute_traced(&state, &tool_context(), &call, gas, &mut trace);
    assert_eq!(sandbox.execute(&state, &tool_context(), &call, gas), followed);
    assert_eq!(trace.gas_used(), followed.gas_used, "{trace:?}");
    let entered = &trace.functions[&format!("0x42::calls::{}", function.function)];
    assert_eq!(entered.total.0 + trace.storage.0, followed.gas_used.0, "{trace:?}");
    (followed, trace)
}

fn of(trace: &GasTrace, name: &str) -> FunctionGas {
    trace.functions[name]
}

#[test]
fn natives_and_callees_are_counted_with_who_called_them() {
    let args = [codec::encode(&vec![7u8; 400])];
    let (outcome, trace) = trace(GasTableId::MEASURED, "twice", &args, GAS);
    assert!(outcome.status.is_success(), "{:?}", outcome.status);
    let (own, hash) = (of(&trace, "0x42::calls::twice"), of(&trace, "0x1::hash::sha2_256"));
    assert_eq!((own.entries, hash.entries), (1, 2));
    assert!(hash.own.0 > 100, "in proportion to what is hashed: {hash:?}");
    assert_eq!(hash.own, hash.total, "a native calls nothing");
    let append = of(&trace, "0x1::vector::append");
    assert!(append.total > append.own, "it reverses first: {append:?}");
    assert_eq!(trace.storage, Gas(0));
}

#[test]
fn what_is_stored_is_told_apart_where_it_costs() {
    let args = [codec::encode(&vec![7u8; 100])];
    let (_, trace) = trace(GasTableId::STORAGE, "twice", &args, GAS);
    // 132 bytes and their length of two bytes, at the prices of docs/operations.md.
    assert_eq!(trace.storage, Gas(1_000 + 134 * 24));
}

#[test]
fn function_that_calls_itself_is_counted_once() {
    let (_, trace) = trace(GasTableId::MEASURED, "down", &[codec::encode(&5u64)], GAS);
    let down = of(&trace, "0x42::calls::down");
    assert_eq!((down.entries, down.own), (6, down.total));
}

#[test]
fn call_that_fails_is_followed_up_to_there() {
    let args = [codec::encode(&7u64)];
    let (outcome, trace) = trace(GasTableId::MEASURED, "stops", &args, GAS);
    assert!(matches!(outcome.status, ExecutionStatus::Abort { code: 7, .. }));
    assert_eq!(of(&trace, "0x42::calls::down").entries, 2);
    assert_eq!(of(&trace, "0x42::calls::fails").entries, 1);
    assert!(of(&trace, "0x42::calls::stops").total > of(&trace, "0x42::calls::fails").total);
}

#[test]
fn call_that_runs_out_has_used_its_limit() {
    let args = [codec::encode(&1_000u64)];
    let (outcome, trace) = self::trace(GasTableId::MEASURED, "down", &args, Gas(500));
    assert_eq!((outcome.status, outcome.gas_used), (ExecutionStatus::OutOfGas, Gas(500)));
    assert_eq!(of(&trace, "0x42::calls::down").total, Gas(500));
    let stored = [codec::encode(&vec![7u8; 100])];
    let (outcome, trace) = self::trace(GasTableId::STORAGE, "twice", &stored, Gas(3_000));
    assert_eq!(outcome.status, ExecutionStatus::OutOfGas);
    assert!(trace.storage.0 > 0, "it had not enough for what it would store: {trace:?}");
}
