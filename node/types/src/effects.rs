//! What a transaction did. Effects hold codes, never messages: they are hashed and compared.

use serde::{Deserialize, Serialize};

use crate::{
    codec,
    hash::{Domain, Hash, hash_list, hash_value},
    ids::{Address, AssetId, Gas},
    state::StateKey,
};

/// How execution ended. On anything but success the only writes are the host's own bookkeeping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    Success,
    /// Move `abort` in the module at `address`, or in a script when the module name is empty.
    Abort {
        address: Address,
        module: String,
        code: u64,
    },
    OutOfGas,
    /// Any other failure, by the VM's major status code.
    Failed {
        code: u64,
    },
    /// A session key's call would have taken more out of its account's vault than was left to it.
    OverSpent {
        asset: AssetId,
        left: u64,
        spent: u64,
    },
}

impl ExecutionStatus {
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Success)
    }
}

/// One entry of a write set; `None` deletes. A write set is sorted by key, each key once, and holds
/// no write that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    pub key: StateKey,
    #[serde(with = "serde_bytes")]
    pub value: Option<Vec<u8>>,
}

/// An event a Move function emitted: the canonical tag of its type and its BCS bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveEvent {
    pub type_tag: String,
    #[serde(with = "codec::hex_bytes")]
    pub data: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    pub status: ExecutionStatus,
    pub gas_used: Gas,
    pub writes: Vec<Write>,
    pub events: Vec<MoveEvent>,
}

impl Effects {
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::Effects, self)
    }

    #[must_use]
    pub fn root(effects: &[Self]) -> Hash {
        hash_list(Domain::EffectsRoot, effects.iter().map(Self::hash))
    }
}
