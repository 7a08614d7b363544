//! The known traps of this VM, and bad input of every kind: each test fails without its guard.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic and looks at the variants it is about"
)]

use std::{collections::BTreeMap, sync::Arc};

use fairway_sandbox::{MoveSandbox, build::BuildError, compile, tool_context};
use fairway_types::{
    Address, Execute, ExecutionStatus, FunctionName, Gas, Hook, Invocation, Outcome, Refusal,
    StateKey, codec,
    ledger::{PackageSource, SourceFile},
};

type Map = BTreeMap<StateKey, Arc<[u8]>>;

const ALICE: Address = Address::from_low(0xa1);
const GAS: Gas = Gas(1_000_000);

const COUNTER: &str = r#"
module app::counter {
    use std::signer;
    use std::string::String;

    /// The number is too large.
    const E_TOO_LARGE: u64 = 7;

    struct Counter has key { value: u64 }

    struct Token has store, drop { value: u64 }

    public entry fun set(account: &signer, value: u64) acquires Counter {
        let address = signer::address_of(account);
        if (exists<Counter>(address)) {
            borrow_global_mut<Counter>(address).value = value;
        } else {
            move_to(account, Counter { value });
        };
        assert!(value < 90, E_TOO_LARGE);
    }

    public entry fun name(_account: &signer, _name: String) {}

    public entry fun spin() {
        loop {}
    }

    public entry fun read_often(size: u64, times: u64) {
        let bytes = std::vector::empty<u8>();
        while (size > 0) {
            std::vector::push_back(&mut bytes, 1);
            size = size - 1;
        };
        while (times > 0) {
            let reference = &bytes;
            let _ = *reference;
            times = times - 1;
        }
    }

    struct Board has key { bytes: vector<u8>, moves: u64, cells: vector<u64> }

    public entry fun sum_cells(account: &signer, size: u64, times: u64) acquires Board {
        let (bytes, cells) = (std::vector::empty<u8>(), std::vector::empty<u64>());
        while (size > 0) {
            std::vector::push_back(&mut bytes, 1);
            size = size - 1;
        };
        while (std::vector::length(&cells) < 100) std::vector::push_back(&mut cells, 1);
        move_to(account, Board { bytes, moves: 0, cells });
        let board = borrow_global_mut<Board>(signer::address_of(account));
        while (times > 0) {
            let sum = board.moves + *std::vector::borrow(&board.cells, times % 100);
            if (sum != *std::vector::borrow(&board.cells, 0)) board.moves = sum - sum;
            times = times - 1;
        }
    }

    public entry fun compare_often(size: u64, times: u64) {
        let bytes = std::vector::empty<u8>();
        while (size > 0) {
            std::vector::push_back(&mut bytes, 1);
            size = size - 1;
        };
        let other = copy bytes;
        while (times > 0) {
            let (left, right) = (&bytes, &other);
            assert!(left == right, 1);
            times = times - 1;
        }
    }

    struct Pair has copy, drop { left: vector<u8>, right: vector<u8> }

    fun pile(bytes: &vector<u8>, depth: u64): vector<u8> {
        if (depth == 0) return *bytes;
        let Pair { left, right: _ } = Pair { left: *bytes, right: pile(bytes, depth - 1) };
        left
    }

    public entry fun read_and_pile(size: u64, times: u64) {
        let bytes = std::vector::empty<u8>();
        while (size > 0) {
            std::vector::push_back(&mut bytes, 1);
            size = size - 1;
        };
        pile(&bytes, times);
    }

    public fun value(account: address): u64 acquires Counter {
        borrow_global<Counter>(account).value
    }

    public fun token(value: u64): Token { Token { value } }

    fun hidden() {}
}
"#;

fn package(text: &str) -> PackageSource {
    PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "app.move".into(), text: text.into() }],
    }
}

fn sandbox(text: &str) -> MoveSandbox {
    let package = compile(&package(text)).unwrap_or_else(|error| panic!("{error}"));
    MoveSandbox::new(&package).unwrap()
}

fn refusal(text: &str) -> Refusal {
    match compile(&package(text)) {
        Err(BuildError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, found {:?}", other.map(|package| package.hash)),
    }
}

/// The rule that refuses the package.
fn rule(text: &str) -> String {
    match refusal(text) {
        Refusal::PackageRefused { rule, .. } => rule,
        other => panic!("expected an admission rule, found {other}"),
    }
}

fn name(function: &str) -> FunctionName {
    FunctionName {
        address: Address::from_low(0x42),
        module: "counter".into(),
        function: function.into(),
    }
}

fn call(sandbox: &MoveSandbox, state: &Map, function: &str, args: &[Vec<u8>], gas: Gas) -> Outcome {
    let function = name(function);
    let invocation = Invocation::Call { sender: ALICE, function: &function, type_args: &[], args };
    sandbox.execute(state, &tool_context(), &invocation, gas)
}

fn set(sandbox: &MoveSandbox, state: &Map, value: u64) -> Outcome {
    call(sandbox, state, "set", &[codec::encode(&value)], GAS)
}

fn apply(state: &mut Map, outcome: &Outcome) {
    for write in &outcome.writes {
        match &write.value {
            Some(value) => state.insert(write.key.clone(), value.as_slice().into()),
            None => state.remove(&write.key),
        };
    }
}

fn state_with(sandbox: &MoveSandbox, value: u64) -> Map {
    let mut state = Map::new();
    let outcome = set(sandbox, &state, value);
    apply(&mut state, &outcome);
    state
}

#[test]
fn aborted_call_leaves_no_writes_behind() {
    let sandbox = sandbox(COUNTER);
    let state = state_with(&sandbox, 5);
    let aborted = set(&sandbox, &state, 99);
    let status = ExecutionStatus::Abort {
        address: Address::from_low(0x42),
        module: "counter".into(),
        code: 7,
    };
    assert_eq!(aborted.status, status);
    assert!(aborted.writes.is_empty() && aborted.events.is_empty());
    let key = StateKey::resource(ALICE, "0x42::counter::Counter");
    assert_eq!(set(&sandbox, &state, 6).writes[0].key, key);
}

#[test]
fn gas_of_a_call_does_not_depend_on_calls_before_it() {
    let sandbox = sandbox(COUNTER);
    let state = state_with(&sandbox, 5);
    let first = set(&sandbox, &state, 6);
    set(&sandbox, &state, 99);
    let again = set(&sandbox, &state, 6);
    assert_eq!(first, again);
    assert!(first.gas_used.0 > 0);
}

#[test]
fn two_machines_agree_to_the_byte() {
    let state = state_with(&sandbox(COUNTER), 5);
    assert_eq!(set(&sandbox(COUNTER), &state, 6), set(&sandbox(COUNTER), &state, 6));
}

#[test]
fn write_that_changes_nothing_is_left_out() {
    let sandbox = sandbox(COUNTER);
    let state = state_with(&sandbox, 5);
    let outcome = set(&sandbox, &state, 5);
    assert!(outcome.status.is_success());
    assert!(outcome.writes.is_empty());
}

#[test]
fn endless_loop_runs_out_of_gas() {
    let outcome = call(&sandbox(COUNTER), &Map::new(), "spin", &[], Gas(10_000));
    assert_eq!(outcome.status, ExecutionStatus::OutOfGas);
    assert_eq!(outcome.gas_used, Gas(10_000));
}

#[test]
fn reading_a_large_value_through_a_reference_costs_its_size() {
    let sandbox = sandbox(COUNTER);
    let gas = |size: u64, times: u64| {
        let args = [codec::encode(&size), codec::encode(&times)];
        call(&sandbox, &Map::new(), "read_often", &args, Gas(100_000_000)).gas_used.0
    };
    let per_read = |size| (gas(size, 200) - gas(size, 100)) / 100;
    assert!(per_read(10_000) > 20 * per_read(10), "{} and {}", per_read(10_000), per_read(10));
}

#[test]
fn comparing_and_piling_up_large_values_costs_their_size() {
    let sandbox = sandbox(COUNTER);
    for function in ["compare_often", "read_and_pile"] {
        let gas = |size: u64, times: u64| {
            let args = [codec::encode(&size), codec::encode(&times)];
            call(&sandbox, &Map::new(), function, &args, Gas(100_000_000)).gas_used.0
        };
        let each = |size| (gas(size, 60) - gas(size, 30)) / 30;
        assert!(each(20_000) > each(10) + 1_000, "{function}: {}, {}", each(20_000), each(10));
    }
}

/// A number beside a large value costs no more than beside a small one: a pass over a long list must
/// not cost the square of its length.
#[test]
fn reading_a_number_beside_a_large_value_costs_the_same_as_beside_a_small_one() {
    let sandbox = sandbox(COUNTER);
    let gas = |size: u64, times: u64| {
        let args = [codec::encode(&size), codec::encode(&times)];
        let outcome = call(&sandbox, &Map::new(), "sum_cells", &args, Gas(100_000_000));
        assert!(outcome.status.is_success(), "{:?}", outcome.status);
        outcome.gas_used.0
    };
    let each = |size| (gas(size, 200) - gas(size, 100)) / 100;
    assert!(each(20_000) < 2 * each(10), "{} and {}", each(20_000), each(10));
}

#[test]
fn structs_nested_to_a_huge_layout_are_refused() {
    let mut text =
        String::from("module app::a { struct S0 has copy, drop, store { a: u8, b: u8 }\n");
    for level in 1..20 {
        let below = level - 1;
        text += &format!("struct S{level} has copy, drop, store {{ a: S{below}, b: S{below} }}\n");
    }
    text += "struct Root has key { top: S19 } }";
    assert_eq!(rule(&text), "layout nodes");
}

#[test]
fn type_arguments_that_multiply_are_refused() {
    let text = "module app::a {
        struct P<T> has copy, drop, store { a: T, b: T, c: T, d: T, e: T, f: T, g: T }
        struct R has key { deep: P<P<P<P<P<u8>>>>> }
    }";
    assert_eq!(rule(text), "layout nodes");
}

#[test]
fn growing_type_arguments_are_refused() {
    let text = "module app::a {
        public fun grow<T>(depth: u64) { if (depth > 0) grow_more<T>(depth - 1) }
        fun grow_more<T>(depth: u64) { if (depth > 0) grow<vector<T>>(depth - 1) }
    }";
    match refusal(text) {
        Refusal::PackageRefused { rule, .. } => assert_eq!(rule, "growing type argument"),
        // The compiler's own check may be first.
        Refusal::CompileError { .. } => {}
        other => panic!("{other}"),
    }
}

#[test]
fn long_vector_instructions_are_refused() {
    let elements = vec!["x"; 300].join(", ");
    let text =
        format!("module app::a {{ public fun f(x: u64): vector<u64> {{ vector[{elements}] }} }}");
    assert_eq!(rule(&text), "vector elements");
}

#[test]
fn native_functions_are_refused() {
    assert_eq!(rule("module app::a { native public fun f(): u64; }"), "native function");
}

#[test]
fn library_addresses_are_reserved() {
    let mut source = package("module app::a { public fun f() {} }");
    for low in [0x0, 0x1, 0x2, 0x3, 0xf] {
        source.addresses[0].1 = Address::from_low(low);
        let refused = compile(&source);
        assert!(matches!(refused, Err(BuildError::Refused(_))), "0x{low:x}: {refused:?}");
    }
}

#[test]
fn entry_parameters_that_the_vm_would_make_from_bytes_are_refused() {
    let coin = "module app::a {
        use runtime::vault::{Self, Coin};
        public entry fun f(to: address, coin: Coin) { vault::deposit(to, coin) }
    }";
    assert_eq!(rule(coin), "entry parameter");
    let second = "module app::a { public entry fun f(_a: &signer, _b: &signer) {} }";
    assert_eq!(rule(second), "entry parameter");
}

#[test]
fn hooks_have_one_signature_and_one_place() {
    assert_eq!(rule("module app::a { fun on_tick(_now: u64) {} }"), "hook signature");
    assert_eq!(rule("module app::a { public entry fun init(_app: &signer) {} }"), "hook signature");
    let twice = "module app::a { fun init(_app: &signer) {} }
                 module app::b { fun init(_app: &signer) {} }";
    assert_eq!(rule(twice), "hook");
}

#[test]
fn diagnostics_point_at_the_line() {
    let Refusal::CompileError { diagnostics } =
        refusal("module app::a {\n  fun f(): u64 { true }\n}")
    else {
        panic!("expected diagnostics");
    };
    assert!(diagnostics.contains("sources/app.move:2"), "{diagnostics}");
}

#[test]
fn paths_out_of_the_package_are_refused() {
    for path in ["../a.move", "/a.move", "a//b.move", "a.txt", "a b.move"] {
        let mut source = package("module app::a {}");
        source.files[0].path = path.into();
        assert!(compile(&source).is_err(), "{path}");
    }
}

#[test]
fn bad_calls_are_refused_before_they_are_ordered_and_harmless_after() {
    let sandbox = sandbox(COUNTER);
    let one = codec::encode(&1u64);
    let not_text = vec![2, 0xff, 0xff];
    let cases: [(&str, Vec<Vec<u8>>, &str); 7] = [
        ("nowhere", vec![], "function_not_found"),
        ("hidden", vec![], "function_not_found"),
        ("value", vec![codec::encode(&ALICE)], "function_not_found"),
        ("set", vec![], "invalid_argument"),
        ("set", vec![one.clone(), one.clone()], "invalid_argument"),
        ("set", vec![vec![1, 2, 3]], "invalid_argument"),
        ("name", vec![not_text], "invalid_argument"),
    ];
    for (function, args, expected) in cases {
        let refusal = sandbox.check_call(&name(function), &[], &args).unwrap_err();
        assert_eq!(refusal.name(), expected, "{function}");
        let outcome = call(&sandbox, &Map::new(), function, &args, GAS);
        assert!(matches!(outcome.status, ExecutionStatus::Failed { .. }), "{function}");
        assert!(outcome.writes.is_empty());
    }
    assert!(sandbox.check_call(&name("set"), &["u8".into()], std::slice::from_ref(&one)).is_err());
    assert!(sandbox.check_call(&name("set"), &[], &[one]).is_ok());
}

#[test]
fn aborts_are_explained_by_their_documented_name() {
    let sandbox = sandbox(COUNTER);
    let aborted = set(&sandbox, &Map::new(), 99);
    let refusal = sandbox.explain(&aborted.status, aborted.gas_used, GAS);
    assert_eq!(refusal.to_string(), "aborted in 0x42::counter with code 7 (E_TOO_LARGE)");
    let abort = sandbox.abi().abort(&Address::from_low(0x42), "counter", 7).unwrap();
    assert_eq!(abort.doc, "The number is too large.");
}

#[test]
fn views_read_and_write_nothing() {
    let sandbox = sandbox(COUNTER);
    let state = state_with(&sandbox, 5);
    let view = |function: &str, args: &[Vec<u8>]| {
        sandbox.view(&state, &tool_context(), &name(function), &[], args, GAS)
    };
    let values = view("value", &[codec::encode(&ALICE)]).unwrap();
    assert_eq!(values[0].1, codec::encode(&5u64));
    assert_eq!(view("set", &[]).unwrap_err().name(), "function_not_found");
    let nobody = view("value", &[codec::encode(&Address::ZERO)]).unwrap_err();
    assert_eq!(nobody.name(), "execution_failed");
}

#[test]
fn missing_hook_does_nothing() {
    let sandbox = sandbox(COUNTER);
    let outcome =
        sandbox.execute(&Map::new(), &tool_context(), &Invocation::Hook(Hook::OnTick), GAS);
    assert!(outcome.status.is_success() && outcome.writes.is_empty());
    assert_eq!(outcome.gas_used, Gas(0));
}

#[test]
fn host_books_deposits_in_the_layout_that_the_protocol_reads() {
    use fairway_types::{AssetId, settlement::AssetAmount};

    let sandbox = sandbox(COUNTER);
    let amounts = [
        AssetAmount { asset: AssetId([1; 32]), amount: 5 },
        AssetAmount { asset: AssetId([2; 32]), amount: 7 },
    ];
    let mut state = Map::new();
    let credit = Invocation::Credit { account: ALICE, amounts: &amounts };
    let outcome = sandbox.execute(&state, &tool_context(), &credit, GAS);
    apply(&mut state, &outcome);
    let key = StateKey::resource(ALICE, "0x2::vault::Vault");
    assert_eq!(state[&key].as_ref(), codec::encode(&amounts.to_vec()));
    let debit =
        sandbox.execute(&state, &tool_context(), &Invocation::Debit { account: ALICE }, GAS);
    apply(&mut state, &debit);
    assert!(state.is_empty());
}

#[test]
fn view_takes_and_returns_values_of_the_type_that_its_caller_chose() {
    let sandbox = sandbox(
        "module app::counter {
            struct Pair<T> has copy, drop, store { left: T, right: T }
            public fun twice<T: copy + drop>(what: &T, more: vector<T>): (Pair<T>, vector<T>) {
                (Pair { left: *what, right: *what }, more)
            }
        }",
    );
    let view = |ty: &str, args: &[Vec<u8>]| {
        let chosen = [ty.to_owned()];
        sandbox.view(&Map::new(), &tool_context(), &name("twice"), &chosen, args, GAS)
    };
    let (five, none) = (codec::encode(&5u64), codec::encode(&Vec::<u64>::new()));
    let values = view("u64", &[five.clone(), none.clone()]).unwrap();
    let types: Vec<String> = values.iter().map(|(ty, _)| ty.to_string()).collect();
    assert_eq!(types, ["0x42::counter::Pair<u64>", "vector<u64>"]);
    assert_eq!(values[0].1, codec::encode(&(5u64, 5u64)));
    let ones = codec::encode(&vec![vec![1u8]]);
    let values = view("vector<u8>", &[codec::encode(&vec![1u8]), ones.clone()]).unwrap();
    assert_eq!(values[1], ("vector<vector<u8>>".parse().unwrap(), ones));
    for (ty, args) in [
        ("u8", vec![five.clone(), none.clone()]),
        ("bool", vec![vec![2], none.clone()]),
        ("u64", vec![five.clone(), vec![1]]),
        ("signer", vec![vec![0; 32], none]),
    ] {
        let refused = view(ty, &args).unwrap_err();
        assert_eq!(refused.name(), "invalid_argument", "{ty}");
    }
}

/// The caller chooses the type arguments: what they make of the package's layouts is bounded too.
#[test]
fn type_arguments_of_a_call_that_make_a_huge_layout_are_refused() {
    let sandbox = sandbox(
        "module app::counter {
            struct P<T> has copy, drop, store { a: T, b: T, c: T, d: T, e: T, f: T, g: T }
            struct Full<T: store> has key { items: vector<T> }
            public entry fun put<T: store>(account: &signer) {
                move_to(account, Full<T> { items: std::vector::empty<T>() });
            }
            public fun count<T>(): u64 { 0 }
        }",
    );
    let nested =
        |depth: usize| format!("{}u8{}", "0x42::counter::P<".repeat(depth), ">".repeat(depth));
    assert!(sandbox.check_call(&name("put"), &["vector<u64>".into()], &[]).is_ok());
    for depth in [1, 4, 6, 20] {
        let refused = sandbox.check_call(&name("put"), &[nested(depth)], &[]);
        assert_eq!(refused.unwrap_err().name(), "invalid_argument", "depth {depth}");
        let view =
            sandbox.view(&Map::new(), &tool_context(), &name("count"), &[nested(depth)], &[], GAS);
        assert_eq!(view.unwrap_err().name(), "invalid_argument", "depth {depth}");
    }
}

/// Each module doubles the type arguments it passes on: no single module looks large.
#[test]
fn type_arguments_that_double_across_modules_are_refused() {
    let mut text = String::from(
        "module app::m0 { struct D<A, B> has copy, drop, store { a: A, b: B }
         public fun f<T: drop + store>() { let _ = std::vector::empty<T>(); } }\n",
    );
    for level in 1..16 {
        let below = level - 1;
        text += &format!(
            "module app::m{level} {{ public fun f<T: drop + store>() {{
                app::m{below}::f<app::m0::D<T, T>>() }} }}\n"
        );
    }
    text += "module app::top { public entry fun go() { app::m15::f<u8>() } }";
    assert_eq!(rule(&text), "growing type argument");
}

#[test]
fn library_names_keep_their_meaning() {
    for library in ["std", "runtime", "settlement"] {
        let mut source = package("module app::a { public fun f() {} }");
        source.addresses.push((library.into(), Address::from_low(0x42)));
        let error = compile(&source).unwrap_err();
        assert!(error.to_string().contains("is the library's"), "{error}");
    }
}
