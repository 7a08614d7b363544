//! Self-contained proofs of misbehaviour.

use std::{cell::Cell, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

use crate::{
    block::{Block, Header},
    effects::{Effects, ExecutionStatus, MoveEvent, Write},
    hash::Hash,
    ids::{Gas, NodeId},
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
        /// What the reporter's execution gave instead, if it is not too much: see
        /// [`Evidence::shown`].
        #[serde(deserialize_with = "bounded")]
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
    /// The effects that evidence holds: none of them when their writes and events are more than
    /// [`limits::EVIDENCE_ENTRIES`]. Their root stands for them, and re-execution gives them again.
    #[must_use]
    pub fn shown(effects: Vec<Effects>) -> Vec<Effects> {
        let entries = effects.iter().map(|effects| effects.writes.len() + effects.events.len());
        let fits = entries.sum::<usize>() <= limits::EVIDENCE_ENTRIES;
        if fits { effects } else { Vec::new() }
    }

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

/// The effects of one block, whose writes and events are counted while they are read: an empty one
/// takes two bytes on the wire and a hundred in memory.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Effects>, D::Error> {
    let left = Cell::new(limits::EVIDENCE_ENTRIES);
    let blocks = Cell::new(limits::BLOCK_TRANSACTIONS);
    List { left: &blocks, entry: EffectsSeed(&left) }.deserialize(deserializer)
}

/// A list with as many entries as are left.
struct List<'a, S> {
    left: &'a Cell<usize>,
    entry: S,
}

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for List<'_, S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for List<'_, S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} entries more", self.left.get())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = seq.next_element_seed(self.entry)? {
            let left = self.left.get().checked_sub(1);
            self.left.set(left.ok_or_else(|| Error::invalid_length(entries.len() + 1, &self))?);
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// One transaction's effects; holds the writes and events that are left to all of them.
#[derive(Clone, Copy)]
struct EffectsSeed<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for EffectsSeed<'_> {
    type Value = Effects;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Effects, D::Error> {
        deserializer.deserialize_tuple(4, self)
    }
}

impl<'de> Visitor<'de> for EffectsSeed<'_> {
    type Value = Effects;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("effects: status, gas, writes, events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Effects, A::Error> {
        let missing = |place| Error::invalid_length(place, &self);
        let status: ExecutionStatus = seq.next_element()?.ok_or_else(|| missing(0))?;
        let gas_used: Gas = seq.next_element()?.ok_or_else(|| missing(1))?;
        let writes = List { left: self.0, entry: PhantomData::<Write> };
        let writes = seq.next_element_seed(writes)?.ok_or_else(|| missing(2))?;
        let events = List { left: self.0, entry: PhantomData::<MoveEvent> };
        let events = seq.next_element_seed(events)?.ok_or_else(|| missing(3))?;
        Ok(Effects { status, gas_used, writes, events })
    }
}
