//! Judging a divergence where the channel's money is: the ledger executes the disputed block again on
//! the file's own witness and the channel's own record. It reads nothing else, so every replica of the
//! ledger says the same, and the contract draws the consequence (`settlement::penalty`).

use std::{cell::Cell, sync::Arc};

use fairway_proto::settlement::dispute::{self, Verdict};
use fairway_sandbox::{GasTable, MoveSandbox};
use fairway_state::State;
use fairway_types::{
    Address, ChannelId, Context, Execute, ExecutionStatus, Gas, GasTableId, Hash, Invocation,
    Outcome, Refusal, StateReader,
    chain::ChannelFacts,
    codec, contract,
    crypto::Verify,
    evidence::{Disputed, Evidence},
    ledger::{LedgerPayload, LedgerTransaction},
};

use crate::publish::Code;

/// Gas kept for each of what the contract says before the block is executed and after it.
const CONTRACT_GAS: Gas = Gas(4_000_000);

/// What somebody asks the chain to judge: sound as far as it goes, nothing of it believed.
pub(crate) struct Case {
    evidence: Evidence,
    /// Its size, in gas.
    weight: Gas,
    /// Arguments of the contract's functions.
    args: Vec<Vec<u8>>,
}

/// What the contract takes from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Guilty = 0,
    Innocent = 1,
    Unclear = 2,
    DoesNotFit = 3,
}

impl Case {
    /// The case of a `Judge` transaction. Refused: a file that is none, what the accused did not sign,
    /// and two signatures, for which nothing is to be executed.
    pub(crate) fn read(transaction: &LedgerTransaction) -> Result<Self, Refusal> {
        let LedgerPayload::Judge { channel, accused, file } = &transaction.payload else {
            return Err(Refusal::invalid("payload", "it asks for no judgement"));
        };
        let evidence = Evidence::from_file(file)
            .map_err(|error| Refusal::invalid("evidence", error.to_string()))?;
        if evidence.channel() != *channel {
            return Err(Refusal::WrongChannel { expected: *channel, actual: evidence.channel() });
        }
        evidence.check()?;
        let block = disputed(&evidence)?.header();
        let args = vec![
            codec::encode(&transaction.sender),
            codec::encode(channel),
            codec::encode(accused),
            codec::encode(&evidence.accused()),
            codec::encode(&block.term.epoch),
            codec::encode(&block.hash()),
            codec::encode(&evidence.hash()),
        ];
        Ok(Self { evidence, weight: Gas(file.len() as u64), args })
    }
}

fn disputed(evidence: &Evidence) -> Result<&Disputed, Refusal> {
    match evidence {
        Evidence::Divergence { block, .. } | Evidence::InvalidTransaction { block, .. } => {
            Ok(block)
        }
        Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => Err(Refusal::invalid(
            "evidence",
            "two signatures convict by themselves: `penalty::double_block` and `double_ack`",
        )),
    }
}

/// The contracts and the chain's state, as they stand where a case is judged.
pub(crate) struct Court<'a> {
    pub(crate) contracts: &'a MoveSandbox,
    pub(crate) state: &'a State,
    pub(crate) context: &'a Context,
}

impl Court<'_> {
    /// Whether the contract lets the chain be asked; the facts of the channel, from its record.
    pub(crate) fn admits(&self, case: &Case, channel: ChannelId) -> Result<ChannelFacts, Refusal> {
        let asked = self.contract("may_judge", case.args.clone())?;
        if !asked.status.is_success() {
            return Err(self.contracts.explain(&asked.status, asked.gas_used, CONTRACT_GAS));
        }
        self.facts(channel)
    }

    /// P-111: executes the block again within the gas that is left, and has the contract draw the
    /// consequence. Whatever fails changes nothing.
    pub(crate) fn judge(
        &self,
        case: &Case,
        channel: ChannelId,
        code: &Code,
        gas_limit: Gas,
    ) -> Result<Outcome, Refusal> {
        let kept = case.weight.0.saturating_add(2 * CONTRACT_GAS.0);
        let Some(most) = gas_limit.0.checked_sub(kept) else {
            return Ok(failed(ExecutionStatus::OutOfGas, gas_limit));
        };
        let asked = self.contract("may_judge", case.args.clone())?;
        let before = Gas(case.weight.0 + asked.gas_used.0);
        if !asked.status.is_success() {
            return Ok(failed(asked.status, before));
        }
        let (finding, used) = find(&case.evidence, &self.facts(channel)?, code, Gas(most));
        let mut args = case.args.clone();
        args.push(codec::encode(&(finding as u8)));
        let mut outcome = self.contract("judged", args)?;
        outcome.gas_used = Gas(before.0 + used.0 + outcome.gas_used.0);
        Ok(outcome)
    }

    fn contract(&self, function: &str, args: Vec<Vec<u8>>) -> Result<Outcome, Refusal> {
        let function = contract::function("penalty", function);
        self.contracts.run_as_host(self.state, self.context, &function, args, CONTRACT_GAS)
    }

    fn facts(&self, channel: ChannelId) -> Result<ChannelFacts, Refusal> {
        let function = contract::function("channel", "facts");
        let args = [codec::encode(&channel)];
        let values =
            self.contracts.view(self.state, self.context, &function, &[], &args, CONTRACT_GAS)?;
        let bytes: Vec<u8> = values.into_iter().flat_map(|(_, bytes)| bytes).collect();
        let (creator, package, gas_table, tick_interval): (Address, Hash, GasTableId, u64) =
            codec::decode("facts", &bytes)?;
        let chain = self.context.chain;
        Ok(ChannelFacts { chain, channel, creator, package, gas_table, tick_interval })
    }
}

fn failed(status: ExecutionStatus, gas_used: Gas) -> Outcome {
    Outcome { status, gas_used, writes: Vec::new(), events: Vec::new() }
}

/// What executing the block again shows, and the gas it took.
fn find(evidence: &Evidence, facts: &ChannelFacts, code: &Code, most: Gas) -> (Finding, Gas) {
    let Some(vm) = vm(facts, code) else { return (Finding::DoesNotFit, Gas(0)) };
    let vm = Bounded { vm, left: Cell::new(most.0), fell_short: Cell::new(false) };
    let verdict = dispute::check(evidence, facts, &vm, None).verdict;
    let finding = match verdict {
        // What it would have done with more gas is not known.
        _ if vm.fell_short.get() => Finding::DoesNotFit,
        Verdict::Guilty(_) => Finding::Guilty,
        Verdict::Innocent(_) => Finding::Innocent,
        Verdict::Unclear(_) => Finding::Unclear,
    };
    (finding, Gas(most.0 - vm.left.get()))
}

fn vm(facts: &ChannelFacts, code: &Code) -> Option<MoveSandbox> {
    let table = GasTable::find(facts.gas_table).ok()?;
    let package = Arc::clone(code.judged.get(&facts.package)?);
    Some(MoveSandbox::of(package, table))
}

/// A VM with so much gas for everything that runs in it.
struct Bounded {
    vm: MoveSandbox,
    left: Cell<u64>,
    fell_short: Cell<bool>,
}

impl Execute for Bounded {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas_limit: Gas,
    ) -> Outcome {
        let left = self.left.get();
        let outcome = self.vm.execute(state, context, invocation, Gas(gas_limit.0.min(left)));
        if left < gas_limit.0 && outcome.status == ExecutionStatus::OutOfGas {
            self.fell_short.set(true);
        }
        self.left.set(left.saturating_sub(outcome.gas_used.0));
        outcome
    }
}
