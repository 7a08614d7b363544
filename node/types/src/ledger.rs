//! The embedded ledger's signed transactions.

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    abi::ModuleAbi,
    call::FunctionName,
    codec::{self, hex_list},
    crypto::{PublicKey, Signable, Signature, Verify, check_signature},
    hash::{Domain, Hash, hash_value},
    ids::{Address, ChainId, ChannelId, Gas, JoinSequence, SequenceNumber, Time},
    limits,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LedgerPayload {
    /// Run an entry function of a published module. Arguments are BCS, one each, without signers.
    Invoke {
        function: FunctionName,
        #[serde(deserialize_with = "codec::at_most::<_, _, { limits::CALL_ARGUMENTS }>")]
        type_args: Vec<String>,
        #[serde(with = "hex_list")]
        #[schemars(with = "Vec<String>")]
        args: Vec<Vec<u8>>,
    },
    /// Register a package's Move sources, so that nodes can fetch them by hash. A channel's package
    /// runs in the channel, not on the ledger.
    StorePackage { package: PackageSource },
    /// Publish a package of dApp contracts on the ledger itself, at the sender's address.
    Publish { package: PackageSource },
    /// Judge evidence about a block of a channel: the ledger executes the block again on the state that
    /// the file shows, convicts a guilty member and takes the bond of who accuses an innocent one. The
    /// sender is an active member, or the node of one.
    Judge {
        channel: ChannelId,
        /// Who joined with this sequence.
        accused: JoinSequence,
        /// A file of evidence, as `Evidence::to_file` writes it.
        #[serde(with = "codec::hex_bytes")]
        #[schemars(with = "String")]
        file: Vec<u8>,
    },
}

impl LedgerPayload {
    /// The most gas that a transaction with this payload may ask for.
    #[must_use]
    pub fn most_gas(&self) -> Gas {
        match self {
            Self::Judge { .. } => Gas(limits::JUDGE_GAS),
            Self::Invoke { .. } | Self::StorePackage { .. } | Self::Publish { .. } => {
                Gas(limits::CALL_GAS)
            }
        }
    }
}

/// A Move package as its author wrote it: what a package hash covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PackageSource {
    pub name: String,
    /// Named addresses of the package, sorted by name.
    pub addresses: Vec<(String, Address)>,
    /// Files sorted by path, relative, with `/`; UTF-8 Move source.
    pub files: Vec<SourceFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// A module as the ledger keeps it: the value of its `StateKey::Module`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedModule {
    /// The package it came with: its sources are kept under this hash.
    pub package: Hash,
    pub bytecode: Vec<u8>,
    pub abi: ModuleAbi,
}

impl PackageSource {
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::Package, self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LedgerTransaction {
    pub chain: ChainId,
    pub sender: Address,
    pub sequence: SequenceNumber,
    pub payload: LedgerPayload,
    pub gas_limit: Gas,
    /// The last block time at which it may be executed.
    pub expires_at: Time,
}

impl LedgerTransaction {
    /// The transaction's name on the chain.
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::LedgerTransaction, self)
    }
}

impl Signable for LedgerTransaction {
    const DOMAIN: &'static str = "ledger-transaction";
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SignedLedgerTransaction {
    pub transaction: LedgerTransaction,
    pub key: PublicKey,
    pub signature: Signature,
}

impl SignedLedgerTransaction {
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.transaction.hash()
    }
}

impl Verify for SignedLedgerTransaction {
    fn check(&self) -> Result<(), Refusal> {
        if self.key.address() != self.transaction.sender {
            return Err(Refusal::BadSignature { what: "transaction sender".into(), key: self.key });
        }
        check_signature(&self.transaction, &self.key, &self.signature)
    }
}
