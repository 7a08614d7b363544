//! What nodes of a channel say to each other. Bytes on the wire are BCS of [`Message`]; golden
//! files pin them.

use std::sync::Arc;

use fairway_state::parts::{Part, Prefix};
use fairway_types::{
    Block, Certificate, Hash, Height, Promise, Refusal, SignedAck, SignedCall, Term, Verified,
    block::CertifiedBlock,
    bundle::BundledCalls,
    codec,
    crypto::{Claim, Verify, bad_signatures},
    evidence::Evidence,
    limits,
    settlement::{SignedProposal, SignedVote},
    windows::SignedVerdict,
};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;

/// Where a node stands; sent several times a second and whenever that helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    pub term: Term,
    pub head: Height,
    pub head_hash: Hash,
    pub certified: Height,
    pub finalised: Height,
    /// The term the sender would change to; its own while it is content with its leader.
    pub wish: Term,
    /// Latency of the sender's best path to the leader, microseconds; zero when it leads.
    pub leader_latency: u64,
    /// Nodes on that path after the sender.
    pub hops: u8,
}

/// Where a node stood when it was asked: the answer to [`Message::Recover`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The asker's number, so that an answer to an earlier life is none to this one.
    pub nonce: u64,
    /// The highest term that it promised or follows.
    pub term: Term,
    /// The block that it acked last, if its log still has it.
    pub acked: Option<(Height, Hash)>,
    /// The block of its highest certificate.
    pub certified: Option<(Height, Hash)>,
    /// It came back without its last writes itself.
    pub tail_lost: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    Heartbeat(Heartbeat),
    Block(Arc<Block>),
    Ack(SignedAck),
    Certificate(Certificate),
    /// A call on its way to the leader.
    Forward(SignedCall),
    /// The leader's answer to a forwarded call that it won't order.
    Refused {
        call: Hash,
        refusal: Refusal,
    },
    /// Asks for blocks from a height on.
    SyncRequest {
        from: Height,
    },
    /// Blocks in order, without gaps.
    SyncBlocks(Vec<CertifiedBlock>),
    Proposal(SignedProposal),
    Vote(SignedVote),
    Report(Box<Evidence>),
    /// A promise towards a new term.
    ViewChange(Box<Promise>),
    /// Asks a node where it stands: the sender came back without its last writes.
    Recover {
        nonce: u64,
    },
    Standing(Standing),
    /// The answer to a request for a block that the sender had and keeps no more.
    Pruned {
        from: Height,
    },
    /// Asks for a checkpoint above a height.
    CheckpointRequest {
        above: Height,
    },
    Checkpoint(Box<Checkpoint>),
    /// Asks for a part of the state with this root, which is the one after `height`.
    PartRequest {
        height: Height,
        root: Hash,
        prefix: Prefix,
    },
    /// The part; none when the sender does not have that state (any more).
    StatePart {
        root: Hash,
        prefix: Prefix,
        part: Option<Part>,
    },
    /// What a member says to the evidence of a report that the chain waits with.
    Verdict(SignedVerdict),
    /// Calls of the member that the sender acts for, on their way to the leader, under one signature.
    Bundle(BundledCalls),
}

impl Message {
    /// The wire bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// The message in one frame; refuses oversized and malformed ones.
    pub fn decode(frame: &[u8]) -> Result<Self, Refusal> {
        if frame.len() > limits::FRAME_BYTES {
            return Err(Refusal::TooLarge {
                what: "frame".into(),
                actual: frame.len() as u64,
                limit: limits::FRAME_BYTES as u64,
            });
        }
        Ok(codec::decode("message", frame)?)
    }

    /// Checks every signature that can be checked without state; the only way in for a peer's word.
    pub fn verify(self) -> Result<Verified<Self>, Refusal> {
        Verify::verify(self)
    }

    /// The same for messages that came together: the signatures of their calls are checked at once. Those
    /// before the first bad one, and why that is bad.
    pub fn verify_together(messages: Vec<Self>) -> (Vec<Verified<Self>>, Option<Refusal>) {
        let claims: Vec<Claim> = messages.iter().filter_map(Self::call_claim).collect();
        if claims.len() > 1 {
            // What is good is remembered; a bad one is found again below, and named.
            drop(bad_signatures(&claims));
        }
        let mut verified = Vec::with_capacity(messages.len());
        for message in messages {
            match message.verify() {
                Ok(message) => verified.push(message),
                Err(refusal) => return (verified, Some(refusal)),
            }
        }
        (verified, None)
    }

    fn call_claim(&self) -> Option<Claim> {
        if let Self::Forward(call) = self { call.claim().ok() } else { None }
    }
}

impl Verify for Message {
    fn check(&self) -> Result<(), Refusal> {
        match self {
            Self::Block(block) => block.check(),
            Self::Ack(ack) => ack.check(),
            Self::Certificate(certificate) => certificate.check(),
            Self::Forward(call) => call.check(),
            Self::SyncBlocks(blocks) => blocks.iter().try_for_each(|entry| {
                entry.block.check()?;
                entry.certificate.as_ref().map_or(Ok(()), Verify::check)
            }),
            Self::Proposal(proposal) => proposal.check(),
            Self::Vote(vote) => vote.check(),
            Self::ViewChange(promise) => promise.check(),
            Self::Checkpoint(checkpoint) => checkpoint.check(),
            Self::Report(evidence) => evidence.check(),
            Self::Verdict(verdict) => verdict.check(),
            Self::Bundle(bundled) => bundled.check(),
            // A part is judged by the root that it was asked for.
            Self::Heartbeat(_)
            | Self::Refused { .. }
            | Self::SyncRequest { .. }
            | Self::Recover { .. }
            | Self::Standing(_)
            | Self::Pruned { .. }
            | Self::CheckpointRequest { .. }
            | Self::PartRequest { .. }
            | Self::StatePart { .. } => Ok(()),
        }
    }
}
