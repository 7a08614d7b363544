//! Self-contained proofs of misbehaviour.

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Header},
    codec,
    effects::Effects,
    hash::Hash,
    ids::NodeId,
    limits,
};

/// A proof that anyone with the channel's package and the state before can check again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Evidence {
    /// The leader signed roots that re-execution does not give.
    Divergence {
        reporter: NodeId,
        /// The header before the block; `None` when the block follows genesis.
        parent: Option<Box<Header>>,
        parent_state_root: Hash,
        /// The leader's signed block, with its transactions.
        block: Box<Block>,
        /// What the reporter's execution gave instead.
        #[serde(deserialize_with = "codec::at_most::<_, _, { limits::BLOCK_TRANSACTIONS }>")]
        effects: Vec<Effects>,
        effects_root: Hash,
        state_root: Hash,
    },
    /// The leader signed a block with a transaction that no rule admits.
    InvalidTransaction { reporter: NodeId, block: Box<Block>, index: u32, reason: String },
    /// One node signed two blocks at one (term, height).
    DoubleBlock { first: Box<Block>, second: Box<Block> },
}

impl Evidence {
    /// The node it is about.
    #[must_use]
    pub fn accused(&self) -> NodeId {
        match self {
            Self::Divergence { block, .. }
            | Self::InvalidTransaction { block, .. }
            | Self::DoubleBlock { first: block, .. } => block.leader,
        }
    }
}
