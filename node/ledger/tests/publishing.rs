//! Packages on the ledger: what may be published, that it runs, and that it stays.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic and looks at the variants it is about"
)]

use std::sync::Arc;

use fairway_ledger::{Code, Genesis, Ledger, Receipt};
use fairway_sandbox::{BuildError, Home, Package, compile_for};
use fairway_types::{
    Address, ExecutionStatus, FunctionName, Gas, Keypair, Refusal, Time, codec,
    crypto::Verify,
    ids::ChainId,
    ledger::{
        LedgerPayload, LedgerTransaction, PackageSource, SignedLedgerTransaction, SourceFile,
    },
    limits,
};

const CHAIN: ChainId = ChainId(7);

const COUNTER: &str = "
/// Counts.
module app::counter {
    use std::signer;
    /// Nobody counts past two.
    const E_TOO_FAR: u64 = 7;
    struct Count has key { value: u64 }
    public entry fun add(account: &signer) acquires Count {
        let place = signer::address_of(account);
        if (!exists<Count>(place)) move_to(account, Count { value: 0 });
        let count = borrow_global_mut<Count>(place);
        assert!(count.value < 2, E_TOO_FAR);
        count.value = count.value + 1;
    }
    public fun value(account: address): u64 acquires Count { borrow_global<Count>(account).value }
}";

fn alice() -> Keypair {
    Keypair::from_seed(&[1; 32])
}

fn source(publisher: Address, text: &str) -> PackageSource {
    PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), publisher)],
        files: vec![SourceFile { path: "app.move".into(), text: text.into() }],
    }
}

fn compiled(publisher: Address, text: &str) -> Result<Package, Refusal> {
    compile_for(&source(publisher, text), Home::Ledger { publisher }).map_err(|error| match error {
        BuildError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    })
}

/// The rule that a package breaks.
fn broken_rule(text: &str) -> String {
    match compiled(alice().address(), text) {
        Err(Refusal::PackageRefused { rule, .. }) => rule,
        other => panic!("{:?}", other.map(|package| package.hash)),
    }
}

/// What the compiler says.
fn diagnostics(text: &str) -> String {
    match compiled(alice().address(), text) {
        Err(Refusal::CompileError { diagnostics }) => diagnostics,
        other => panic!("{:?}", other.map(|package| package.hash)),
    }
}

/// A chain; each list of transactions a block.
struct World {
    ledger: Ledger,
    blocks: Vec<(Time, Vec<SignedLedgerTransaction>, Code)>,
}

impl World {
    fn new() -> Self {
        let ledger = Ledger::new(&Genesis { chain: CHAIN, root: Address::from_low(0x70) }).unwrap();
        Self { ledger, blocks: Vec::new() }
    }

    fn sign(&self, key: &Keypair, ahead: u64, payload: LedgerPayload) -> SignedLedgerTransaction {
        let mut sequence = self.ledger.sequence(key.address());
        sequence.0 += ahead;
        let transaction = LedgerTransaction {
            chain: CHAIN,
            sender: key.address(),
            sequence,
            payload,
            gas_limit: Gas(limits::CALL_GAS),
            expires_at: Time(u64::MAX),
        };
        SignedLedgerTransaction {
            signature: key.sign(&transaction),
            key: key.public(),
            transaction,
        }
    }

    fn block(&mut self, transactions: Vec<SignedLedgerTransaction>, code: Code) -> Vec<Receipt> {
        let time = Time(1_000 + self.ledger.height().0);
        let verified: Vec<_> =
            transactions.iter().map(|signed| signed.clone().verify().unwrap()).collect();
        let block = self.ledger.execute(time, &verified, &code).unwrap();
        let receipts = block.receipts.clone();
        self.ledger.commit(block);
        self.blocks.push((time, transactions, code));
        receipts
    }

    fn publish(&mut self, text: &str) -> Receipt {
        let alice = alice();
        let package = source(alice.address(), text);
        let code = code(&compiled(alice.address(), text).unwrap());
        let signed = self.sign(&alice, 0, LedgerPayload::Publish { package });
        self.block(vec![signed], code).remove(0)
    }

    fn call(&mut self, function: &str, args: Vec<Vec<u8>>) -> Receipt {
        let alice = alice();
        let signed = self.sign(&alice, 0, invoke(function, args));
        self.block(vec![signed], Code::new()).remove(0)
    }

    fn value(&self) -> u64 {
        let args = [codec::encode(&alice().address())];
        let values = self.ledger.view(&own("counter::value"), &[], &args).unwrap();
        codec::decode("value", &values[0].1).unwrap()
    }
}

fn code(package: &Package) -> Code {
    Code { published: [(package.hash, Arc::new(package.clone()))].into(), ..Code::new() }
}

/// A function at alice's address.
fn own(function: &str) -> FunctionName {
    let (module, function) = function.split_once("::").unwrap();
    FunctionName { address: alice().address(), module: module.into(), function: function.into() }
}

fn invoke(function: &str, args: Vec<Vec<u8>>) -> LedgerPayload {
    LedgerPayload::Invoke { function: own(function), type_args: Vec::new(), args }
}

#[test]
fn published_functions_run_in_transactions_and_views() {
    let mut world = World::new();
    assert!(world.publish(COUNTER).status.is_success());
    assert!(world.call("counter::add", Vec::new()).status.is_success());
    assert_eq!(world.value(), 1);
}

#[test]
fn an_abort_of_a_published_module_has_its_name() {
    let mut world = World::new();
    world.publish(COUNTER);
    world.call("counter::add", Vec::new());
    world.call("counter::add", Vec::new());
    let receipt = world.call("counter::add", Vec::new());
    let refusal = world.ledger.explain(&receipt, Gas(limits::CALL_GAS));
    assert!(refusal.to_string().contains("E_TOO_FAR"), "{refusal}");
}

#[test]
fn code_runs_in_the_block_that_publishes_it() {
    let mut world = World::new();
    let alice = alice();
    let package = source(alice.address(), COUNTER);
    let code = code(&compiled(alice.address(), COUNTER).unwrap());
    let publish = world.sign(&alice, 0, LedgerPayload::Publish { package });
    let call = world.sign(&alice, 1, invoke("counter::add", Vec::new()));
    let receipts = world.block(vec![publish, call], code);
    assert!(receipts.iter().all(|receipt| receipt.status.is_success()), "{receipts:?}");
    assert_eq!(world.value(), 1);
}

/// The trap: a VM that has seen code goes on running it.
#[test]
fn code_of_a_block_that_was_not_kept_is_not_run() {
    let mut world = World::new();
    let alice = alice();
    let other = COUNTER.replace("count.value + 1", "count.value + 40");
    let package = source(alice.address(), &other);
    let code = code(&compiled(alice.address(), &other).unwrap());
    let publish = world.sign(&alice, 0, LedgerPayload::Publish { package });
    let call = world.sign(&alice, 1, invoke("counter::add", Vec::new()));
    let lost = [publish, call].map(|signed| signed.verify().unwrap());
    world.ledger.execute(Time(5), &lost, &code).unwrap();
    assert!(world.ledger.view(&own("counter::value"), &[], &[]).is_err());
    world.publish(COUNTER);
    world.call("counter::add", Vec::new());
    assert_eq!(world.value(), 1);
}

#[test]
fn a_published_module_is_never_replaced() {
    let mut world = World::new();
    world.publish(COUNTER);
    let other = COUNTER.replace("count.value + 1", "count.value + 40");
    let package = compiled(alice().address(), &other).unwrap();
    let refusal = world.ledger.check_package(&package, alice().address()).unwrap_err();
    assert!(refusal.to_string().contains("never replaced"), "{refusal}");
    let receipt = world.publish(&other);
    assert_eq!(receipt.status, ExecutionStatus::Failed { code: 100_018 });
    world.call("counter::add", Vec::new());
    assert_eq!(world.value(), 1);
}

#[test]
fn a_name_twice_in_one_block_is_published_once() {
    let mut world = World::new();
    let (alice, other) = (alice(), COUNTER.replace("count.value + 1", "count.value + 40"));
    let mut both = Code::new();
    let mut transactions = Vec::new();
    for (ahead, text) in [(0, COUNTER), (1, other.as_str())] {
        both.published.extend(code(&compiled(alice.address(), text).unwrap()).published);
        let package = source(alice.address(), text);
        transactions.push(world.sign(&alice, ahead, LedgerPayload::Publish { package }));
    }
    let receipts = world.block(transactions, both);
    assert!(receipts[0].status.is_success() && !receipts[1].status.is_success(), "{receipts:?}");
    world.call("counter::add", Vec::new());
    assert_eq!(world.value(), 1);
}

#[test]
fn the_same_blocks_give_the_same_chain_and_so_do_its_entries() {
    let mut world = World::new();
    world.publish(COUNTER);
    world.call("counter::add", Vec::new());
    let mut again = World::new();
    for (_, transactions, code) in world.blocks.clone() {
        // What another machine compiles is what this one did.
        for (hash, package) in &code.published {
            let own = compiled(alice().address(), COUNTER).unwrap();
            assert_eq!((hash, &**package), (&own.hash, &own));
        }
        again.block(transactions, code);
    }
    assert_eq!(again.ledger.head(), world.ledger.head());

    let entries: Vec<_> =
        world.ledger.entries().map(|(key, value)| (key.clone(), Arc::clone(value))).collect();
    let mut restored = World {
        ledger: Ledger::restore(CHAIN, world.ledger.head().clone(), entries).unwrap(),
        blocks: Vec::new(),
    };
    restored.call("counter::add", Vec::new());
    world.call("counter::add", Vec::new());
    assert_eq!(restored.value(), 2);
    assert_eq!(restored.ledger.state_root(), world.ledger.state_root());
}

#[test]
fn a_block_without_the_code_publishes_nothing() {
    let mut world = World::new();
    let package = source(alice().address(), COUNTER);
    let signed = world.sign(&alice(), 0, LedgerPayload::Publish { package });
    let receipt = world.block(vec![signed], Code::new()).remove(0);
    assert_eq!(receipt.status, ExecutionStatus::Failed { code: 100_025 });
    assert!(!world.call("counter::add", Vec::new()).status.is_success());
}

#[test]
fn code_at_another_address_is_not_executed_whatever_the_block_says() {
    let mut world = World::new();
    let bob = Keypair::from_seed(&[2; 32]);
    let package = source(alice().address(), COUNTER);
    let code = code(&compiled(alice().address(), COUNTER).unwrap());
    let signed = world.sign(&bob, 0, LedgerPayload::Publish { package });
    let receipt = world.block(vec![signed], code).remove(0);
    assert_eq!(receipt.status, ExecutionStatus::Failed { code: 100_018 });
}

/// Whoever put it into the block.
#[test]
fn bytecode_that_does_not_verify_is_not_executed() {
    let mut world = World::new();
    let alice = alice();
    let mut package = compiled(alice.address(), COUNTER).unwrap();
    package.modules[0].bytecode.truncate(100);
    let source = source(alice.address(), COUNTER);
    let signed = world.sign(&alice, 0, LedgerPayload::Publish { package: source });
    let receipt = world.block(vec![signed], code(&package)).remove(0);
    assert_eq!(receipt.status, ExecutionStatus::Failed { code: 100_018 });
    assert!(world.publish(COUNTER).status.is_success());
}

/// Nor is what another source compiles to.
#[test]
fn code_of_another_package_is_not_executed() {
    let mut world = World::new();
    let alice = alice();
    let other = COUNTER.replace("count.value + 1", "count.value + 40");
    let other = compiled(alice.address(), &other).unwrap();
    let package = source(alice.address(), COUNTER);
    let code = Code { published: [(package.hash(), Arc::new(other))].into(), ..Code::new() };
    let signed = world.sign(&alice, 0, LedgerPayload::Publish { package });
    let receipt = world.block(vec![signed], code).remove(0);
    assert_eq!(receipt.status, ExecutionStatus::Failed { code: 100_017 });
}

#[test]
fn gas_grows_with_the_bytes_that_are_kept() {
    let mut world = World::new();
    let small = world.publish(COUNTER).gas_used.0;
    let padding = "x".repeat(5_000);
    let large = COUNTER.replace("counter", "larger").replace("Counts.", &padding);
    let large = world.publish(&large).gas_used.0;
    assert!(large >= small + 9_900, "{small}, {large}: in the sources and in the documentation");
}

#[test]
fn too_little_gas_publishes_nothing() {
    let mut world = World::new();
    let alice = alice();
    let package = source(alice.address(), COUNTER);
    let code = code(&compiled(alice.address(), COUNTER).unwrap());
    let mut transaction = world.sign(&alice, 0, LedgerPayload::Publish { package }).transaction;
    transaction.gas_limit = Gas(500);
    let signature = alice.sign(&transaction);
    let signed = SignedLedgerTransaction { signature, key: alice.public(), transaction };
    let receipt = world.block(vec![signed], code).remove(0);
    assert_eq!((receipt.status, receipt.gas_used), (ExecutionStatus::OutOfGas, Gas(500)));
    assert!(!world.call("counter::add", Vec::new()).status.is_success());
}

#[test]
fn sources_larger_than_a_package_are_refused() {
    let world = World::new();
    let text = format!("{COUNTER} // {}", "x".repeat(limits::PACKAGE_BYTES));
    let package = source(alice().address(), &text);
    let signed = world.sign(&alice(), 0, LedgerPayload::Publish { package });
    let refusal = world.ledger.check_form(&signed, Time(0)).unwrap_err();
    assert_eq!(refusal.name(), "too_large");
}

#[test]
fn what_does_not_compile_says_where() {
    let text = diagnostics("module app::a { fun f(): u64 { true } }");
    assert!(text.contains("sources/app.move:1"), "{text}");
}

#[test]
fn modules_at_other_addresses_are_refused() {
    assert_eq!(broken_rule("module 0x999::a { }"), "module address");
    assert_eq!(broken_rule("module app::a { } module 0x2::b { }"), "module address");
}

/// A module that passes for one of the contracts'.
#[test]
fn a_module_at_the_contracts_address_is_refused() {
    let text = diagnostics("module 0x3::coin { public fun mine() { } }");
    assert!(text.contains("Duplicate definition"), "{text}");
    assert_eq!(broken_rule("module 0x3::other { }"), "module address");
    let publisher = Address::from_low(3);
    assert!(compiled(publisher, "module app::other { }").is_err());
}

#[test]
fn natives_are_refused() {
    assert_eq!(broken_rule("module app::a { native fun f(); }"), "native function");
}

#[test]
fn friends_at_other_addresses_are_refused() {
    let text = diagnostics("module app::a { friend settlement::channel; }");
    assert!(text.contains("friend"), "{text}");
}

#[test]
fn what_the_contracts_keep_for_their_friends_is_out_of_reach() {
    for call in [
        "settlement::account::create_signer(@0x3)",
        "settlement::channel::settled(@0x3)",
        "settlement::rules::creator(@0x3)",
        "settlement::history::member(@0x3, 1)",
    ] {
        let text = diagnostics(&format!("module app::a {{ public fun f() {{ {call}; }} }}"));
        assert!(text.contains("can only be called from a 'friend'"), "{call}: {text}");
    }
}

#[test]
fn what_is_the_hosts_alone_is_out_of_reach() {
    for call in [
        "settlement::coin::initialize(account, @0x1, 9)",
        "runtime::vault::credit(account, vector[@0xfa], vector[1])",
        "settlement::channel::end(account)",
    ] {
        let text =
            diagnostics(&format!("module app::a {{ fun f(account: &signer) {{ {call}; }} }}"));
        assert!(text.contains("is internal to its module"), "{call}: {text}");
    }
}

#[test]
fn coins_and_members_are_not_made_by_others() {
    for text in [
        "module app::a { use settlement::coin::Coin; public fun f(): Coin { Coin { asset: @0xfa, amount: 9 } } }",
        "module app::a { use settlement::coin::Coin; public fun f(c: &mut Coin) { c.amount = 9 } }",
        "module app::a { use settlement::channel::Channel; public fun f() acquires Channel { move_from<Channel>(@0x1); } }",
    ] {
        assert!(diagnostics(text).contains("error"), "{text}");
    }
}

#[test]
fn what_only_tests_may_call_is_not_there() {
    for call in ["coin::mint_for_testing(@0x1, 9)", "coin::signer_for_testing(@0x1)"] {
        let text =
            diagnostics(&format!("module app::a {{ public fun f() {{ settlement::{call}; }} }}"));
        assert!(text.contains("Unbound function"), "{text}");
    }
}

#[test]
fn packages_are_bounded() {
    let many: String = (0..33).map(|n| format!("module app::m{n} {{ }}")).collect();
    assert_eq!(broken_rule(&many), "modules");
    let nested: String = (1..20)
        .map(|n| format!("struct S{n} has drop {{ a: S{m}, b: S{m} }} ", m = n - 1))
        .collect();
    let text = format!("module app::a {{ struct S0 has drop {{ a: u8 }} {nested} }}");
    assert_eq!(broken_rule(&text), "layout nodes");
}

/// A struct of the contracts is larger than the library's: it counts with all its fields.
#[test]
fn structs_of_the_contracts_count_with_their_fields() {
    let holding = |count: usize| {
        let fields: String =
            (0..count).map(|n| format!("c{n}: settlement::rules::ChannelConfig, ")).collect();
        format!("module app::a {{ struct S has drop {{ {fields} }} }}")
    };
    assert_eq!(broken_rule(&holding(20)), "layout nodes");
    assert!(compiled(alice().address(), &holding(5)).is_ok());
}
