//! The one interface between the protocol and the Move VM. `proto` calls it, `sandbox` implements
//! it, and neither sees the other.

use crate::{
    call::FunctionName,
    effects::{ExecutionStatus, MoveEvent, Write},
    hash::Hash,
    ids::{Address, ChainId, ChannelId, Gas, Height, Time},
    settlement::AssetAmount,
    state::StateReader,
};

/// What Move code can learn about where it runs (`runtime::context`). Equal on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub chain: ChainId,
    /// Zero on the ledger.
    pub channel: ChannelId,
    pub height: Height,
    pub time: Time,
    /// The transaction's place in its block.
    pub index: u32,
    /// The seed of `runtime::random`: known to the leader before it orders the transaction.
    pub seed: Hash,
}

/// Functions the host runs for the package; each in a session of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// `fun init(app: &signer)`
    Init,
    /// `fun on_join(app: &signer, member: &signer)`
    OnJoin { account: Address },
    /// `fun on_leave(app: &signer, member: &signer)`
    OnLeave { account: Address },
    /// `fun on_tick(app: &signer)`
    OnTick,
}

#[derive(Debug, Clone)]
pub enum Invocation<'a> {
    /// An entry function, called by an account.
    Call {
        sender: Address,
        function: &'a FunctionName,
        type_args: &'a [String],
        args: &'a [Vec<u8>],
    },
    /// A hook of the app; does nothing and succeeds when the package does not define it.
    Hook(Hook),
    /// `runtime::vault::credit`: the host books a member's deposit.
    Credit { account: Address, amounts: &'a [AssetAmount] },
    /// `runtime::vault::destroy`: the host takes a leaver's vault off the books.
    Debit { account: Address },
}

/// What one invocation did, before the host adds its bookkeeping. Writes are sorted, unique and
/// change something; they and the events are empty unless the status is success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub status: ExecutionStatus,
    pub gas_used: Gas,
    pub writes: Vec<Write>,
    pub events: Vec<MoveEvent>,
}

/// A deterministic machine for one package. Total: bad input ends as a status, never as a panic.
pub trait Execute {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas_limit: Gas,
    ) -> Outcome;
}

impl<T: Execute + ?Sized> Execute for &T {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas_limit: Gas,
    ) -> Outcome {
        (**self).execute(state, context, invocation, gas_limit)
    }
}
