//! What execution of one block read and wrote of the state before it, with what proves it under that
//! state's root. Plain data: `fairway-state` makes it and takes it apart.

use serde::{Deserialize, Serialize};

use crate::{codec, hash::Hash, limits, state::StateKey};

/// Entries of a state and the part of its tree that they hang from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Sorted by key, each once; `None` for a key under which there is nothing.
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::WITNESS_ENTRIES }>")]
    pub entries: Vec<(StateKey, Option<Vec<u8>>)>,
    /// The tree's nodes, each before the two below it, the left one first.
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::WITNESS_NODES }>")]
    pub nodes: Vec<WitnessNode>,
}

/// A node of the state's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WitnessNode {
    Empty,
    /// A single entry, by the hashes of its key and its value.
    Leaf {
        key: Hash,
        value: Hash,
    },
    /// The two nodes below follow.
    Inner,
    /// A subtree that execution did not touch, by its hash alone.
    Untouched(Hash),
}
