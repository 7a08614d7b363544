//! Calls, and the transactions that a block orders.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    chain::MemberRecord,
    codec::{self, hex_list},
    crypto::{Claim, PublicKey, Signable, Signature, Verify},
    hash::{Domain, Hash, hash_value},
    ids::{Address, ChainId, ChannelId, Gas, JoinSequence, SequenceNumber, Time},
    limits,
    session::Session,
};

/// An entry function of the channel's package, or of a contract on the ledger.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct FunctionName {
    pub address: Address,
    pub module: String,
    pub function: String,
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}::{}", self.address.to_literal(), self.module, self.function)
    }
}

impl std::str::FromStr for FunctionName {
    type Err = Refusal;

    /// `0x42::tic_tac_toe::place`.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = || {
            Refusal::invalid(
                "function",
                format!("expected 0xADDRESS::module::function, found {text:?}"),
            )
        };
        let mut parts = text.splitn(3, "::");
        let (Some(address), Some(module), Some(function)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(refuse());
        };
        let address = Address::from_literal(address).map_err(|_| refuse())?;
        Ok(Self { address, module: module.to_owned(), function: function.to_owned() })
    }
}

/// A function with its type arguments and arguments.
pub type Invoked<'a> = (&'a FunctionName, &'a [String], &'a [Vec<u8>]);

/// What a signed call asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Run an entry function of the channel's package. Arguments are BCS, one each; signer
    /// parameters are not among them.
    Invoke {
        function: FunctionName,
        #[serde(deserialize_with = "codec::at_most::<_, _, { limits::CALL_ARGUMENTS }>")]
        type_args: Vec<String>,
        #[serde(with = "hex_list")]
        #[schemars(with = "Vec<String>")]
        args: Vec<Vec<u8>>,
    },
    /// Leave the channel: `on_leave` runs, the balance is paid by the next settlement.
    Leave,
    /// Close the channel: only its creator may ask; every member leaves.
    Close,
    /// Let a key call for the sender, within limits, in place of what that key was delegated before.
    Delegate(Session),
    /// Take back what was delegated to a key, if anything was.
    Revoke { key: PublicKey },
    /// As `Invoke`, signed by a key that the sender delegated to, and counted with that key's numbers.
    Session {
        key: PublicKey,
        function: FunctionName,
        #[serde(deserialize_with = "codec::at_most::<_, _, { limits::CALL_ARGUMENTS }>")]
        type_args: Vec<String>,
        #[serde(with = "hex_list")]
        #[schemars(with = "Vec<String>")]
        args: Vec<Vec<u8>>,
    },
}

impl Operation {
    /// The function that it runs, with type arguments and arguments; `None` for what the host does.
    #[must_use]
    pub fn invoked(&self) -> Option<Invoked<'_>> {
        match self {
            Self::Invoke { function, type_args, args }
            | Self::Session { function, type_args, args, .. } => Some((function, type_args, args)),
            Self::Leave | Self::Close | Self::Delegate(_) | Self::Revoke { .. } => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoke { function, .. } => write!(f, "{function}"),
            Self::Session { function, key, .. } => write!(f, "{function} (session {key})"),
            Self::Leave => write!(f, "leave"),
            Self::Close => write!(f, "close"),
            Self::Delegate(session) => write!(f, "delegate to {}", session.key),
            Self::Revoke { key } => write!(f, "revoke {key}"),
        }
    }
}

/// A request to order one operation. Valid in one channel of one chain, once, until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Call {
    pub chain: ChainId,
    pub channel: ChannelId,
    pub sender: Address,
    pub sequence: SequenceNumber,
    pub operation: Operation,
    pub gas_limit: Gas,
    /// The last block time (milliseconds) at which the call may be executed.
    pub expires_at: Time,
}

impl Call {
    /// The call's name in replies, statuses and logs.
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::Call, self)
    }

    /// Whose sequence numbers it counts with.
    #[must_use]
    pub fn counter(&self) -> Counter {
        let session = match &self.operation {
            Operation::Session { key, .. } => Some(*key),
            Operation::Invoke { .. }
            | Operation::Leave
            | Operation::Close
            | Operation::Delegate(_)
            | Operation::Revoke { .. } => None,
        };
        Counter { account: self.sender, session }
    }
}

/// Whose sequence numbers a call counts with: those of an account, or of one of its sessions. A key to
/// which two accounts delegated counts for each of them by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    pub account: Address,
    pub session: Option<PublicKey>,
}

impl From<Address> for Counter {
    fn from(account: Address) -> Self {
        Self { account, session: None }
    }
}

impl Counter {
    /// The key's own address, for people.
    #[must_use]
    pub fn address(&self) -> Address {
        self.session.map_or(self.account, |key| key.address())
    }
}

impl Signable for Call {
    const DOMAIN: &'static str = "call";
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SignedCall {
    pub call: Call,
    /// The sender's account key, or the session key that the operation names.
    pub key: PublicKey,
    pub signature: Signature,
}

impl SignedCall {
    /// The call's name in replies, statuses and logs.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.call.hash()
    }
}

impl SignedCall {
    /// What is to be checked of its signature, once the rest of it is in order.
    pub fn claim(&self) -> Result<Claim, Refusal> {
        let message = self.call.signing_bytes();
        self.check_rest(message.len() - Call::PREFIX_BYTES)?;
        Ok(Claim { key: self.key, message, signature: self.signature })
    }

    /// All that [`Self::claim`] checks by itself.
    pub(crate) fn check_form(&self) -> Result<(), Refusal> {
        self.check_rest(codec::size(&self.call))
    }

    fn check_rest(&self, size: usize) -> Result<(), Refusal> {
        if size > limits::CALL_BYTES {
            return Err(Refusal::TooLarge {
                what: "call".into(),
                actual: size as u64,
                limit: limits::CALL_BYTES as u64,
            });
        }
        let is_due = match &self.call.operation {
            Operation::Session { key, .. } => self.key == *key,
            Operation::Invoke { .. }
            | Operation::Leave
            | Operation::Close
            | Operation::Delegate(_)
            | Operation::Revoke { .. } => self.key.address() == self.call.sender,
        };
        if !is_due {
            return Err(Refusal::BadSignature { what: "call sender".into(), key: self.key });
        }
        Ok(())
    }
}

impl Verify for SignedCall {
    // P-11: the key owns the sender's account, or is the session key that the call names, and signed
    // exactly this call.
    fn check(&self) -> Result<(), Refusal> {
        let claim = self.claim()?;
        if claim.key.verifies(&claim.message, &claim.signature) {
            return Ok(());
        }
        Err(Refusal::BadSignature { what: Call::DOMAIN.to_owned(), key: self.key })
    }
}

/// What a block orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "nearly all of them are calls")]
pub enum Transaction {
    Call(SignedCall),
    /// Runs the package's `on_tick` at the block's time.
    Tick,
    /// Enters a member the chain knows, with the deposit the chain recorded.
    Join(MemberRecord),
    /// Takes a member out that asked the contract to leave.
    Remove {
        account: Address,
        join_sequence: JoinSequence,
    },
    /// Closes the channel, as its creator asked the contract: every member is taken out.
    Close,
    /// Settlement `number` executed on the chain: what it paid leaves the channel's books.
    Settled {
        number: u64,
        paid: Vec<Address>,
    },
}

impl Transaction {
    #[must_use]
    pub fn as_call(&self) -> Option<&SignedCall> {
        if let Self::Call(call) = self { Some(call) } else { None }
    }

    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::Transaction, self)
    }

    /// The hash of `Self::Call(call)`.
    #[must_use]
    pub fn hash_of_call(call: &SignedCall) -> Hash {
        #[derive(Serialize)]
        enum Transaction<'a> {
            Call(&'a SignedCall),
        }
        hash_value(Domain::Transaction, &Transaction::Call(call))
    }
}

/// How far a call has come. Ordered: each status implies those before it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// The leader (or this node) ran it.
    Executed,
    /// Acks of 2/3 of the valid members: survives crashes of less than a third.
    Certified,
    /// Survives anything less than a third of the registered members can do.
    Final,
    /// Covered by a settlement that executed on the chain.
    Settled,
}
