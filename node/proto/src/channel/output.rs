//! What a channel decides: events to store, effects to perform once they are stored.

use std::sync::Arc;

use fairway_state::{
    State,
    parts::{Entries, Prefix},
};
use fairway_types::{
    Block, Certificate, Effects, Hash, Height, NodeId, Promise, Refusal, SignedAck, Term, Time,
    Write,
    chain::{ChainTx, ChannelRecord, Durability, EpochGrant, MemberRecord},
    evidence::Evidence,
    settlement::{Proposal, SignedProposal, SignedVote},
    windows::Guard,
};
use serde::{Deserialize, Serialize};

use crate::{
    channel::{input::RequestId, judging::Judged},
    checkpoint::Checkpoint,
    message::Message,
};

pub use fairway_types::call::CallStatus;

/// What happened, in the past tense; replaying the stored events gives the channel's [`super::Log`]
/// back without the VM.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// Genesis was computed from the chain's record.
    Started { record: Box<ChannelRecord>, writes: Vec<Write> },
    /// The contract granted an epoch.
    TermStarted { grant: EpochGrant },
    /// A block was checked, executed and appended.
    Appended(Appended),
    /// This node signed an ack.
    Acked { ack: SignedAck },
    /// A certificate of weight >= 2/3 was seen.
    Certified { certificate: Certificate },
    /// This node promised to ack nothing below a term any more.
    Promised { promise: Box<Promise> },
    /// Blocks above this height were taken back: a later term goes on without them.
    RolledBack { to: Height },
    /// The leader's word and re-execution differ: this node follows it no longer.
    Diverged { evidence: Box<Evidence> },
    /// This node made a proposal or is about to agree to one: it signs its yes next.
    Proposed { proposal: Box<SignedProposal> },
    /// This node signed a yes.
    Voted { vote: Box<SignedVote> },
    /// The log goes on from a checkpoint far above where it was.
    Adopted(Box<Adopted>),
    /// This node came back, and what it wrote last may be gone.
    TailLost,
    /// Others have told what this node may have signed: nothing in terms later than this one.
    Recovered { silent_to: Term },
    /// The chain settled this block: it is final, whoever certified it.
    SettledOnChain { height: Height },
}

impl Event {
    /// P-2: whether this node's signature goes with the event, so that it must be on the disk before
    /// anything leaves. What others signed, they can show again; where the channel is `replicated`,
    /// others know too what this node acked (P-91).
    #[must_use]
    pub fn binds(&self, durability: Durability) -> bool {
        #[cfg(feature = "known-bugs")]
        if crate::known_bugs::KnownBug::SignatureBeforeStore.is_back() {
            return false;
        }
        match self {
            Self::Appended(_) | Self::Acked { .. } | Self::RolledBack { .. } => {
                durability == Durability::Synced
            }
            Self::Promised { .. }
            | Self::Adopted(_)
            | Self::TailLost
            | Self::Recovered { .. }
            | Self::Diverged { .. }
            | Self::Proposed { .. }
            | Self::Voted { .. } => true,
            Self::Started { .. }
            | Self::TermStarted { .. }
            | Self::Certified { .. }
            | Self::SettledOnChain { .. } => false,
        }
    }
}

/// An appended block with its results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Appended {
    pub block: Arc<Block>,
    pub effects: Arc<Vec<Effects>>,
    /// The state after the block, where execution has it at hand; replay computes it from the
    /// effects.
    #[serde(skip)]
    pub state: Option<State>,
    /// What [`Appended::calls`] says, where it is at hand.
    #[serde(skip)]
    pub calls: Option<CallPlaces>,
}

/// A block's calls: place in the block and hash.
pub type CallPlaces = Arc<[(u32, Hash)]>;

impl Appended {
    /// The block's calls by their hashes.
    #[must_use]
    pub fn calls(&self) -> CallPlaces {
        self.calls.clone().unwrap_or_else(|| call_places(&self.block))
    }
}

/// The block's calls by their hashes, which are made anew.
pub(super) fn call_places(block: &Block) -> CallPlaces {
    let places = (0u32..).zip(&block.transactions);
    places.filter_map(|(place, tx)| Some((place, tx.as_call()?.hash()))).collect()
}

/// A checkpoint with its state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adopted {
    pub checkpoint: Checkpoint,
    #[serde(with = "entries")]
    pub state: State,
    /// Members that left and are not paid yet.
    pub leavers: Vec<MemberRecord>,
}

/// A state as the writes that make it.
mod entries {
    use fairway_state::State;
    use fairway_types::Write;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(state: &State, to: S) -> Result<S::Ok, S::Error> {
        super::super::snapshot::writes(state).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<State, D::Error> {
        Ok(State::default().with_writes(&Vec::<Write>::deserialize(from)?))
    }
}

/// A call's place and results.
#[derive(Debug, Clone)]
pub struct CallReport {
    pub call: Hash,
    pub height: Height,
    /// Its place in the block.
    pub index: u32,
    pub status: CallStatus,
    pub effects: Effects,
}

/// What subscribers see. One per appended block, one whenever heights harden, and one when blocks
/// are taken back or passed over.
#[derive(Debug, Clone)]
pub enum Update {
    Block {
        block: Arc<Block>,
        effects: Arc<Vec<Effects>>,
    },
    Heights {
        certified: Height,
        finalised: Height,
        settled: Height,
        time: Time,
    },
    RolledBack {
        to: Height,
    },
    /// The log goes on from here; the blocks up to this one are not shown.
    Adopted {
        height: Height,
    },
    /// This node found that somebody broke a rule, or judged another's report.
    Judged(Box<Judged>),
}

/// What the shell does once the step's events are stored. Performing one twice does no harm.
#[derive(Debug, Clone)]
pub enum Effect {
    Send {
        to: NodeId,
        message: Message,
    },
    /// To every other registered member's node.
    Broadcast(Message),
    Reply {
        id: RequestId,
        result: Result<Reply, Refusal>,
    },
    Submit(ChainTx),
    /// Read from the chain the proposal that waits there.
    ReadWaiting,
    /// Ask the chain whether it would take the proposal; nothing is signed or kept.
    DryRun {
        proposal: Box<Proposal>,
    },
    /// Read the channel's record from the chain again.
    Refresh,
    Publish(Update),
    /// Hand `to` the blocks from this height on, from the store.
    ServeBlocks {
        to: NodeId,
        from: Height,
    },
    /// Hand `to` a part of the state with this root, which was the one after `height`.
    ServePart {
        to: NodeId,
        height: Height,
        root: Hash,
        prefix: Prefix,
    },
    /// Keep a verified part of a snapshot under way: [`super::Channel::keep_parts`] takes it after a
    /// restart. It may be lost.
    KeepPart {
        prefix: Prefix,
        entries: Entries,
    },
    /// The parts kept so far are of no use any more.
    ForgetParts,
}

#[derive(Debug, Clone)]
pub enum Reply {
    Call(Box<CallReport>),
    Proposed { number: u64, proposal: Hash },
    Guard(Box<Guard>),
}

impl Effect {
    /// P-2: a block that this node shows the contract may be where the channel ends. Who certified it
    /// alone, and loses it, can claim nothing by it.
    fn binds(&self, durability: Durability) -> bool {
        let shows = matches!(self, Self::Submit(ChainTx::Show { .. }));
        shows && durability == Durability::Replicated
    }
}

/// The outcome of one input.
#[derive(Debug, Default)]
pub struct Step {
    pub events: Vec<Event>,
    pub effects: Vec<Effect>,
}

impl Step {
    /// P-2: whether all that was stored so far has to be on the disk before anything leaves.
    #[must_use]
    pub fn binds(&self, durability: Durability) -> bool {
        self.events.iter().any(|event| event.binds(durability))
            || self.effects.iter().any(|effect| effect.binds(durability))
    }
}
