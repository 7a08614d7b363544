//! The Move VM bare, and through the sandbox: the same function on the same state.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use fairway_sandbox::{MoveSandbox, compile};
use fairway_state::State;
use fairway_types::{
    Address, AssetId, Context, Execute, Gas, Hash, Height, Invocation, Keypair, StateKey,
    StateReader, Time, Write, codec,
    contract::NATIVE,
    ids::{ChainId, ChannelId},
    ledger::{PackageSource, SourceFile},
    settlement::AssetAmount,
};
use move_core_types::{
    account_address::AccountAddress,
    identifier::Identifier,
    language_storage::{ModuleId, StructTag},
    resolver::{ModuleResolver, ResourceResolver},
};
use move_vm_runtime::move_vm::MoveVM;
use move_vm_types::gas::UnmeteredGasMeter;

use crate::report::Report;

const CALLS: u32 = 20_000;
const SIGNATURES: u32 = 4_000;
/// A transfer between two accounts: what the bare VM and the sandbox both run.
const APP: &str = "
module app::app {
    struct Purse has key { amount: u64 }

    public entry fun open(account: &signer, amount: u64) {
        move_to(account, Purse { amount });
    }

    public entry fun pay(from: &signer, to: address, amount: u64) acquires Purse {
        let mine = borrow_global_mut<Purse>(std::signer::address_of(from));
        assert!(mine.amount >= amount, 1);
        mine.amount = mine.amount - amount;
        let theirs = borrow_global_mut<Purse>(to);
        theirs.amount = theirs.amount + amount;
    }
}
";

/// What the bare VM reads: the sandbox's modules and the state's resources.
struct Bare {
    modules: BTreeMap<ModuleId, Vec<u8>>,
    resources: BTreeMap<(AccountAddress, String), Vec<u8>>,
}

impl ModuleResolver for Bare {
    type Error = std::convert::Infallible;

    fn get_module(&self, id: &ModuleId) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.modules.get(id).cloned())
    }
}

impl ResourceResolver for Bare {
    type Error = std::convert::Infallible;

    fn get_resource(
        &self,
        address: &AccountAddress,
        tag: &StructTag,
    ) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.resources.get(&(*address, tag.name.to_string())).cloned())
    }
}

pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let source = PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "app.move".into(), text: APP.into() }],
    };
    let package = compile(&source)?;
    let (from, to) = (Address::from_low(0xa1), Address::from_low(0xa2));
    let bare = bare_us(&package.modules, from, to)?;
    report.add("vm_transfer_us", bare, "us", None, "bare Move VM, no gas, no admission");
    let sandbox = MoveSandbox::new(&package)?;
    let through = sandbox_us(&sandbox, from, to)?;
    report.add("sandbox_transfer_us", through, "us", Some(bare), "the same function, with gas");
    report.add("sandbox_overhead_ratio", through / bare, "", Some(1.3), "target: 1.3");
    let vault = payment_us()?;
    report.add("vault_transfer_us", vault, "us", Some(bare), "runtime::vault::transfer with gas");
    state_root(report, &sandbox, from, to)
}

fn bare_us(modules: &[fairway_sandbox::Module], from: Address, to: Address) -> anyhow::Result<f64> {
    let convert = |address: &Address| AccountAddress::new(*address.as_bytes());
    let id = |address: &Address, name: &str| -> anyhow::Result<ModuleId> {
        Ok(ModuleId::new(convert(address), Identifier::new(name)?))
    };
    let mut bare = Bare { modules: BTreeMap::new(), resources: BTreeMap::new() };
    for module in fairway_sandbox::library_modules()?.iter().chain(modules) {
        bare.modules.insert(id(&module.address, &module.name)?, module.bytecode.clone());
    }
    for account in [from, to] {
        let purse = codec::encode(&1_000_000_000u64);
        bare.resources.insert((convert(&account), "Purse".into()), purse);
    }
    let vm = MoveVM::new(fairway_sandbox::native_functions())
        .map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let module = id(&Address::from_low(0x42), "app")?;
    let function = Identifier::new("pay")?;
    let run = || -> anyhow::Result<()> {
        let args = vec![codec::encode(&from), codec::encode(&to), codec::encode(&1u64)];
        let mut session = vm.new_session(&bare);
        session
            .execute_entry_function(&module, &function, vec![], args, &mut UnmeteredGasMeter)
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        session.finish().map_err(|error| anyhow::anyhow!("{error:?}"))?;
        Ok(())
    };
    timed(run)
}

fn context() -> Context {
    Context {
        chain: ChainId(1),
        channel: ChannelId::ZERO,
        height: Height(1),
        time: Time(1),
        index: 0,
        seed: Hash::ZERO,
    }
}

/// Calls with what the host needs for each; the state is the same each time.
fn call_us(
    sandbox: &MoveSandbox,
    state: &dyn StateReader,
    function: &str,
    sender: Address,
    args: &[Vec<u8>],
) -> anyhow::Result<f64> {
    let function = function.parse()?;
    timed(|| {
        let invocation = Invocation::Call { sender, function: &function, type_args: &[], args };
        let outcome = sandbox.execute(state, &context(), &invocation, Gas(1_000_000));
        anyhow::ensure!(outcome.status.is_success(), "{:?}", outcome.status);
        Ok(())
    })
}

fn sandbox_us(sandbox: &MoveSandbox, from: Address, to: Address) -> anyhow::Result<f64> {
    let mut state: BTreeMap<StateKey, Arc<[u8]>> = BTreeMap::new();
    for account in [from, to] {
        let key = StateKey::resource(account, "0x42::app::Purse");
        state.insert(key, codec::encode(&1_000_000_000u64).into());
    }
    let args = [codec::encode(&to), codec::encode(&1u64)];
    call_us(sandbox, &state, "0x42::app::pay", from, &args)
}

fn sandbox_of_vault() -> anyhow::Result<MoveSandbox> {
    let text = "
module app::app {
    public entry fun pay(from: &signer, to: address, amount: u64) {
        runtime::vault::transfer(from, to, @0xfa, amount);
    }
}
";
    let package = compile(&PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "app.move".into(), text: text.into() }],
    })?;
    Ok(MoveSandbox::new(&package)?)
}

/// A payment between two vaults, through the sandbox.
pub(crate) fn payment_us() -> anyhow::Result<f64> {
    vault_us(&sandbox_of_vault()?, Address::from_low(0xa1), Address::from_low(0xa2))
}

/// Checking one signature that was not checked before.
pub(crate) fn verify_us() -> anyhow::Result<f64> {
    let key = Keypair::from_seed(&[7; 32]);
    let message = |number: u32| [&number.to_be_bytes()[..], &[0; 250]].concat();
    let messages: Vec<Vec<u8>> = (0..SIGNATURES).map(message).collect();
    let signatures: Vec<_> = messages.iter().map(|message| key.sign_bytes(message)).collect();
    let public = key.public();
    let begun = Instant::now();
    for (message, signature) in messages.iter().zip(&signatures) {
        anyhow::ensure!(public.verifies(message, signature), "a signature does not verify");
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(SIGNATURES))
}

fn vault_us(sandbox: &MoveSandbox, from: Address, to: Address) -> anyhow::Result<f64> {
    let mut state = State::default();
    for account in [from, to] {
        let amounts = [AssetAmount { asset: AssetId(NATIVE.0), amount: 1_000_000_000 }];
        let credit = Invocation::Credit { account, amounts: &amounts };
        let outcome = sandbox.execute(&state, &context(), &credit, Gas(1_000_000));
        anyhow::ensure!(outcome.status.is_success(), "{:?}", outcome.status);
        state.apply(&outcome.writes);
    }
    let args = [codec::encode(&to), codec::encode(&1u64)];
    call_us(sandbox, &state, "0x42::app::pay", from, &args)
}

/// Share of the state root in executing a block of 256 transfers on 10^3 and 10^6 resources.
fn state_root(
    report: &mut Report,
    sandbox: &MoveSandbox,
    from: Address,
    to: Address,
) -> anyhow::Result<()> {
    let small = block_us(1_000)?;
    let large = block_us(100_000)?;
    let calls = 256.0 * sandbox_us(sandbox, from, to)?;
    report.add(
        "state_root_share",
        small / (small + calls),
        "",
        Some(0.2),
        "of a block of 256 transfers (512 writes) on 10^3 resources; target: 0.2",
    );
    report.add(
        "state_root_us_per_write_1e3",
        small / 512.0,
        "us",
        None,
        "blocks of 512 writes on 10^3 resources",
    );
    report.add(
        "state_root_us_per_write_1e5",
        large / 512.0,
        "us",
        None,
        "blocks of 512 writes on 10^5 resources",
    );
    Ok(())
}

/// Microseconds to apply 512 writes to a state and take its root.
fn block_us(resources: u64) -> anyhow::Result<f64> {
    let write = |number: u64, value: u64| Write {
        key: StateKey::resource(address(number), "0x42::app::Purse"),
        value: Some(codec::encode(&value)),
    };
    let mut state = State::default();
    for chunk in 0..resources / 500 {
        let writes: Vec<Write> = (chunk * 500..(chunk + 1) * 500).map(|n| write(n, 0)).collect();
        state.apply(&writes);
    }
    let rounds = 20;
    let block = |round| (0..512).map(move |n| write((n * 7919 + round) % resources, round));
    // Whoever executes a block makes its writes; the version before stays, as in a channel.
    let blocks: Vec<Vec<Write>> = (1..=rounds).map(|round| block(round).collect()).collect();
    let begun = Instant::now();
    for writes in &blocks {
        let before = state.clone();
        state.apply(writes);
        anyhow::ensure!(state.root() != before.root(), "no other root");
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(rounds)?))
}

fn address(number: u64) -> Address {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    Address(bytes)
}

/// Microseconds of one run, after warming up.
fn timed(mut run: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    for _ in 0..CALLS / 10 {
        run()?;
    }
    let begun = Instant::now();
    for _ in 0..CALLS {
        run()?;
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS))
}
