//! Self-contained proofs of misbehaviour.

use std::{cell::Cell, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};

use crate::{
    Refusal,
    block::{Ack, Block, Header, SignedAck, SignedHeader},
    call::Transaction,
    chain::{ChannelConfig, ChannelFacts, MemberRecord},
    codec::{self, DecodeError},
    crypto::Verify,
    effects::{Effects, ExecutionStatus, MoveEvent, Write},
    hash::{Domain, Hash, hash, hash_value},
    ids::{ChannelId, Gas, Height, NodeId, Term},
    limits,
    witness::Witness,
};

/// A proof of misbehaviour that who never saw the channel can check, if it knows the channel's facts
/// and runs its package: what is signed names the accused, and the rest is bound to that by hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "evidence is rare, and travels in a box")]
pub enum Evidence {
    /// The leader signed roots that re-execution does not give.
    Divergence {
        reporter: NodeId,
        block: Box<Disputed>,
        /// What the reporter's execution gave instead, if it is not too much: see
        /// [`Evidence::shown`]. Its word alone: whoever checks executes again.
        #[serde(deserialize_with = "bounded")]
        effects: Vec<Effects>,
        effects_root: Hash,
        state_root: Hash,
    },
    /// The leader signed a block with a transaction that no rule admits.
    InvalidTransaction { reporter: NodeId, block: Box<Disputed>, index: u32, reason: String },
    /// One node signed two blocks at one (term, height).
    DoubleBlock { first: Box<SignedHeader>, second: Box<SignedHeader> },
    /// One node acked two blocks at one (term, height).
    DoubleAck { first: SignedAck, second: SignedAck },
}

/// A block under dispute, and all that executing it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    pub facts: ChannelFacts,
    pub parent: Parent,
    pub block: SignedHeader,
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::BLOCK_TRANSACTIONS }>")]
    pub transactions: Vec<Transaction>,
    /// What execution reads and writes of the state after the parent; none where that is more than
    /// [`limits::WITNESS_BYTES`]: then only who has that state can judge.
    pub witness: Option<Witness>,
}

/// What a block follows, with the root of the state that it executes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parent {
    /// The block of height 1. The hash of genesis covers all of it, and the channel's facts.
    Genesis {
        config: Box<ChannelConfig>,
        #[serde(deserialize_with = "codec::at_most::<_, _, { limits::MEMBERS }>")]
        founders: Vec<MemberRecord>,
        state_root: Hash,
    },
    Block(Box<Header>),
}

impl Parent {
    #[must_use]
    pub fn state_root(&self) -> Hash {
        match self {
            Self::Genesis { state_root, .. } => *state_root,
            Self::Block(header) => header.state_root,
        }
    }

    #[must_use]
    pub fn height(&self) -> Height {
        match self {
            Self::Genesis { .. } => Height::ZERO,
            Self::Block(header) => header.height,
        }
    }
}

impl Disputed {
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.block.header
    }
}

impl Evidence {
    /// The effects that evidence holds: none of them when their writes and events are more than
    /// [`limits::EVIDENCE_ENTRIES`], or they take more than [`limits::EVIDENCE_BYTES`]. Their root
    /// stands for them, and re-execution gives them again.
    #[must_use]
    pub fn shown(effects: Vec<Effects>) -> Vec<Effects> {
        let entries = effects.iter().map(|effects| effects.writes.len() + effects.events.len());
        let fits = entries.sum::<usize>() <= limits::EVIDENCE_ENTRIES
            && codec::size(&effects) <= limits::EVIDENCE_BYTES;
        if fits { effects } else { Vec::new() }
    }

    /// Its name in votes about it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::Evidence, self)
    }

    /// The node it is about.
    #[must_use]
    pub fn accused(&self) -> NodeId {
        match self {
            Self::Divergence { block, .. } | Self::InvalidTransaction { block, .. } => {
                block.block.leader
            }
            Self::DoubleBlock { first, .. } => first.leader,
            Self::DoubleAck { first, .. } => first.node,
        }
    }

    /// The channel in which it happened.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        match self {
            Self::Divergence { block, .. } | Self::InvalidTransaction { block, .. } => {
                block.facts.channel
            }
            Self::DoubleBlock { first, .. } => first.header.channel,
            Self::DoubleAck { first, .. } => first.ack.channel,
        }
    }

    /// Where it happened.
    #[must_use]
    pub fn place(&self) -> (Term, Height) {
        match self {
            Self::Divergence { block, .. } | Self::InvalidTransaction { block, .. } => {
                (block.header().term, block.header().height)
            }
            Self::DoubleBlock { first, .. } => (first.header.term, first.header.height),
            Self::DoubleAck { first, .. } => (first.ack.term, first.ack.height),
        }
    }

    /// Whether it is about blocks that the accused led with, and so about following it.
    #[must_use]
    pub fn is_about_leading(&self) -> bool {
        !matches!(self, Self::DoubleAck { .. })
    }

    /// A word for it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Divergence { .. } => "divergence",
            Self::InvalidTransaction { .. } => "invalid_transaction",
            Self::DoubleBlock { .. } => "double_block",
            Self::DoubleAck { .. } => "double_ack",
        }
    }
}

impl Verify for Evidence {
    // P-93: the accused signed what it is accused of. Whether that is wrong is another question.
    fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Divergence { block, .. } | Self::InvalidTransaction { block, .. } => {
                block.block.check()?;
                if Block::transactions_root(&block.transactions) != block.header().transactions_root
                {
                    return Err(Refusal::invalid("evidence", "its calls are not the block's"));
                }
                Ok(())
            }
            Self::DoubleBlock { first, second } => {
                let (one, other) = (&first.header, &second.header);
                let place = |header: &Header| (header.channel, header.term, header.height);
                if first.leader != second.leader || place(one) != place(other) || one == other {
                    return Err(Refusal::invalid(
                        "evidence",
                        "not two blocks of one node and place",
                    ));
                }
                first.check()?;
                second.check()
            }
            Self::DoubleAck { first, second } => {
                let place = |ack: &Ack| (ack.channel, ack.term, ack.height);
                let (one, other) = (&first.ack, &second.ack);
                if first.node != second.node || place(one) != place(other) || one == other {
                    return Err(Refusal::invalid("evidence", "not two acks of one node and place"));
                }
                first.check()?;
                second.check()
            }
        }
    }
}

/// What a file of evidence begins with; its version follows.
const MAGIC: &str = "fairway evidence";
/// The version that this program writes and reads.
const VERSION: &str = "2";
/// The first line: magic, version, [`Evidence::hash`].
const LINE: usize = 128;

/// Bytes of a file of evidence: its line, and what fits a frame.
pub const FILE_BYTES: usize = limits::FRAME_BYTES + LINE;

/// Why a file is no evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("it is no file of evidence: its first line is not `{MAGIC} {VERSION} HASH`")]
    NotEvidence,
    #[error("it is evidence of version {found}; this program reads version {VERSION}")]
    OtherVersion { found: String },
    #[error("it holds more than {FILE_BYTES} bytes, more than any evidence does")]
    TooLarge,
    #[error(
        "it is cut off or altered: its first line says {expected}, and the rest hashes to {actual}"
    )]
    Damaged { expected: Hash, actual: Hash },
    #[error(transparent)]
    Malformed(#[from] DecodeError),
}

impl Evidence {
    /// The bytes of a file: a line with magic, version and [`Self::hash`], then BCS.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let body = codec::encode(self);
        let mut file =
            format!("{MAGIC} {VERSION} {}\n", hash(Domain::Evidence, &body)).into_bytes();
        file.extend(body);
        file
    }

    /// The evidence in a file's bytes. Nothing of it is believed by that: see `Verify`.
    pub fn from_file(file: &[u8]) -> Result<Self, FileError> {
        if file.len() > FILE_BYTES {
            return Err(FileError::TooLarge);
        }
        let end = file.iter().take(LINE).position(|byte| *byte == b'\n');
        let (line, body) = file.split_at(end.ok_or(FileError::NotEvidence)?);
        let line = std::str::from_utf8(line).map_err(|_| FileError::NotEvidence)?;
        let rest = line.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(' '));
        let (version, expected) =
            rest.and_then(|rest| rest.split_once(' ')).ok_or(FileError::NotEvidence)?;
        if version != VERSION {
            return Err(FileError::OtherVersion { found: version.to_owned() });
        }
        let expected: Hash = expected.parse().map_err(|_| FileError::NotEvidence)?;
        let body = &body[1..];
        let actual = hash(Domain::Evidence, body);
        if actual != expected {
            return Err(FileError::Damaged { expected, actual });
        }
        Ok(codec::decode("evidence", body)?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelId, Keypair, block::Ack};

    fn double_ack() -> Evidence {
        let key = Keypair::from_seed(&[1; 32]);
        let ack = |block| {
            let (channel, term, height) = (ChannelId::ZERO, Term::default(), Height(3));
            let ack = Ack { channel, term, height, block: Hash([block; 32]) };
            SignedAck { ack, node: key.node_id(), signature: key.sign(&ack) }
        };
        Evidence::DoubleAck { first: ack(1), second: ack(2) }
    }

    #[test]
    fn evidence_comes_back_from_its_file() {
        let evidence = double_ack();
        assert_eq!(Evidence::from_file(&evidence.to_file()), Ok(evidence));
    }

    #[test]
    fn file_that_is_cut_altered_foreign_or_huge_is_named_as_that() {
        let file = double_ack().to_file();
        let read = |file: &[u8]| Evidence::from_file(file).unwrap_err();
        let line = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for length in 0..line {
            assert_eq!(read(&file[..length]), FileError::NotEvidence, "{length}");
        }
        for length in line..file.len() {
            assert!(matches!(read(&file[..length]), FileError::Damaged { .. }), "{length}");
        }
        for place in line..file.len() {
            let mut altered = file.clone();
            altered[place] ^= 1;
            assert!(matches!(read(&altered), FileError::Damaged { .. }), "{place}");
        }
        let mut later = file.clone();
        later[MAGIC.len() + 1] = b'1';
        assert_eq!(read(&later), FileError::OtherVersion { found: "1".into() });
        assert_eq!(read(&vec![0; FILE_BYTES + 1]), FileError::TooLarge);
        assert_eq!(read(b"{}"), FileError::NotEvidence);
        let junk = [1, 2, 3];
        let mut named =
            format!("{MAGIC} {VERSION} {}\n", hash(Domain::Evidence, &junk)).into_bytes();
        named.extend(junk);
        assert!(matches!(read(&named), FileError::Malformed(_)));
    }
}
