//! A small deterministic machine in the place of the Move VM: vaults with the layout of
//! `runtime::vault`, and an app whose function `pay` moves units between them.

use fairway_proto::channel::{books, execution::LEAVE_REQUESTED};
use fairway_types::{
    Address, AssetId, Context, Execute, ExecutionStatus, FunctionName, Gas, Hook, Invocation,
    MoveEvent, Outcome, StateKey, StateReader, Write, codec, settlement::AssetAmount,
};

/// The one asset of the simulation.
pub const ASSET: AssetId = fairway_types::contract::NATIVE;
/// Where the simulated app counts its ticks.
const TICKS: &str = "0x42::app::Ticks";

/// `tampers` makes a machine that pays one unit too much: what a cheating leader would run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine {
    pub tampers: bool,
}

#[must_use]
pub fn function(name: &str) -> FunctionName {
    FunctionName { address: Address::from_low(0x42), module: "app".into(), function: name.into() }
}

impl Execute for Machine {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas_limit: Gas,
    ) -> Outcome {
        if gas_limit.0 < 10 {
            return failed(ExecutionStatus::OutOfGas, gas_limit);
        }
        match invocation {
            Invocation::Call { sender, function, args, .. } => {
                self.call(state, *sender, &function.function, args)
            }
            Invocation::Hook(Hook::OnTick) => {
                done(vec![put(Address::from_low(0x42), TICKS, &context.height)], Vec::new())
            }
            Invocation::Hook(_) => done(Vec::new(), Vec::new()),
            Invocation::Credit { account, amounts } => {
                match books::add(&books::vault(state, *account), amounts) {
                    Some(sum) => done(vec![vault(*account, &sum)], Vec::new()),
                    None => aborted(7),
                }
            }
            Invocation::Debit { account } => {
                let key = StateKey::resource(*account, books::VAULT_TAG);
                done(vec![Write { key, value: None }], Vec::new())
            }
        }
    }
}

impl Machine {
    fn call(
        &self,
        state: &dyn StateReader,
        sender: Address,
        function: &str,
        args: &[Vec<u8>],
    ) -> Outcome {
        match (function, args) {
            ("pay", [to, amount]) => {
                let to = codec::decode::<Address>("to", to);
                let amount = codec::decode::<u64>("amount", amount);
                match (to, amount) {
                    (Ok(to), Ok(amount)) => self.pay(state, sender, to, amount),
                    _ => failed(ExecutionStatus::Failed { code: 1 }, Gas(10)),
                }
            }
            ("leave", []) => {
                let data = codec::encode(&sender);
                done(Vec::new(), vec![MoveEvent { type_tag: LEAVE_REQUESTED.into(), data }])
            }
            ("abort", _) => aborted(3),
            _ => failed(ExecutionStatus::Failed { code: 2 }, Gas(10)),
        }
    }

    fn pay(&self, state: &dyn StateReader, from: Address, to: Address, amount: u64) -> Outcome {
        let receiver = StateKey::resource(to, books::VAULT_TAG);
        if from == to || state.read(&receiver).is_none() {
            return aborted(1);
        }
        let amounts = [AssetAmount { asset: ASSET, amount }];
        let paid = amount + u64::from(self.tampers);
        let received = [AssetAmount { asset: ASSET, amount: paid }];
        let left = books::subtract(&books::vault(state, from), &amounts);
        let sum = books::add(&books::vault(state, to), &received);
        let (Some(left), Some(sum)) = (left, sum) else { return aborted(2) };
        let mut writes = vec![vault(from, &left), vault(to, &sum)];
        writes.sort_by(|a, b| a.key.cmp(&b.key));
        writes.retain(|write| state.read(&write.key).as_deref() != write.value.as_deref());
        let event = MoveEvent { type_tag: "0x42::app::Paid".into(), data: codec::encode(&amount) };
        done(writes, vec![event])
    }
}

fn vault(account: Address, amounts: &[AssetAmount]) -> Write {
    put(account, books::VAULT_TAG, &amounts)
}

fn put<T: serde::Serialize>(address: Address, tag: &str, value: &T) -> Write {
    Write { key: StateKey::resource(address, tag), value: Some(codec::encode(value)) }
}

fn done(writes: Vec<Write>, events: Vec<MoveEvent>) -> Outcome {
    Outcome { status: ExecutionStatus::Success, gas_used: Gas(10), writes, events }
}

fn aborted(code: u64) -> Outcome {
    let address = Address::from_low(0x42);
    failed(ExecutionStatus::Abort { address, module: "app".into(), code }, Gas(10))
}

fn failed(status: ExecutionStatus, gas_used: Gas) -> Outcome {
    Outcome { status, gas_used, writes: Vec::new(), events: Vec::new() }
}
