//! What of a channel is open to be answered on the settlement chain, and the proofs that answer it.
//! The encodings are those of the contracts' `settlement::windows`.

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    block::{Certificate, Header},
    codec,
    crypto::{PublicKey, Signable, Signature, Verify, check_signature},
    hash::Hash,
    ids::{Address, ChannelId, Epoch, Height, JoinSequence, NodeId, SequenceNumber, Term, Time},
    limits,
};

/// A block above the last settlement, by the proof that was shown of it: those valid in its epoch
/// certified it, above an anchor, a block of its chain that two thirds of the active members (or all,
/// where everybody settles) certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ShownBlock {
    /// Zero without an anchor.
    pub anchor_height: Height,
    pub anchor_term: Term,
    pub height: Height,
    pub term: Term,
    pub block: Hash,
    pub root: Hash,
    /// Zeros without an anchor.
    pub anchor_block: Hash,
    pub anchor_root: Hash,
}

impl ShownBlock {
    /// What orders proofs: the anchor's term and height, then the block's.
    #[must_use]
    pub fn rank(&self) -> (Term, Height, Term, Height) {
        (self.anchor_term, self.anchor_height, self.term, self.height)
    }
}

/// Members demand to leave at the best proof that is shown until the deadline, unless a settlement
/// pays them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExitRecord {
    pub by: Vec<Address>,
    pub opened_at: Time,
    pub deadline: Time,
    /// More than a third of the active members said no to what the others certified without them:
    /// anchors alone count.
    pub disputed: bool,
}

/// A proposal that executes after its window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WaitingRecord {
    pub proposal: Hash,
    pub number: u64,
    pub to_height: Height,
    pub to_block: Hash,
    pub opened_at: Time,
    pub deadline: Time,
    /// The best block that was shown to be of one chain with the proposal's.
    pub supported_by: Hash,
    /// Two thirds of the active members agreed, in a channel whose rule asks for a window.
    pub by_active: bool,
}

/// An accusation that members vote on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReportRecord {
    /// Hash of the evidence.
    pub evidence: Hash,
    pub reporter: JoinSequence,
    pub accused: JoinSequence,
    pub deadline: Time,
}

/// A call that an account says its leader leaves undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ComplaintRecord {
    pub account: Address,
    pub sequence: SequenceNumber,
    /// BCS of the signed call.
    #[serde(with = "codec::hex_bytes")]
    #[schemars(with = "String")]
    pub call: Vec<u8>,
    pub leader: JoinSequence,
    pub deadline: Time,
}

/// Who may not join before a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ban {
    pub account: Address,
    pub node: NodeId,
    pub until: Time,
}

/// Where a channel that closed by an exit stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Outcome {
    /// Zero: nothing was certified that somebody showed; everybody got its deposit.
    pub height: Height,
    pub root: Hash,
    pub block: Hash,
    /// Who is paid what that state gives it, for a proof.
    pub members: Vec<Address>,
}

/// Everything that is open in a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WindowRecord {
    pub shown: Option<ShownBlock>,
    pub exit: Option<ExitRecord>,
    pub waiting: Option<WaitingRecord>,
    pub reports: Vec<ReportRecord>,
    pub complaint: Option<ComplaintRecord>,
    pub bans: Vec<Ban>,
    pub outcome: Option<Outcome>,
}

impl WindowRecord {
    /// Whether something waits for an answer.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.exit.is_some()
            || self.waiting.is_some()
            || self.complaint.is_some()
            || self.outcome.is_some()
            || !self.reports.is_empty()
    }

    /// Whether a window has ended whose outcome nobody has drawn yet: until then no proof is taken. Of
    /// a proposal that was beaten there is none to draw.
    #[must_use]
    pub fn is_over(&self, time: Time) -> bool {
        self.exit.as_ref().is_some_and(|exit| exit.deadline <= time)
            || self
                .waiting
                .as_ref()
                .is_some_and(|waiting| waiting.deadline <= time && self.stands(waiting))
    }

    /// Whether the proposal's block was shown, and nothing that was shown beats it.
    #[must_use]
    pub fn stands(&self, waiting: &WaitingRecord) -> bool {
        self.shown.is_some_and(|shown| {
            shown.block == waiting.to_block || shown.block == waiting.supported_by
        })
    }

    /// Whether a proposal up to this height may take the place of the one that waits: it goes higher, a
    /// block of another branch was shown at that one's height, or it has not stood for too long.
    #[must_use]
    pub fn gives_way(&self, to_height: Height, time: Time, window: u64) -> bool {
        self.waiting.as_ref().is_none_or(|waits| {
            let is_beside = self.shown.is_some_and(|shown| shown.height == waits.to_height);
            let is_old = time >= waits.opened_at.plus(4 * window);
            !self.stands(waits) && (to_height > waits.to_height || is_beside || is_old)
        })
    }

    /// Whether the contract takes no block that fewer than two thirds of the active members certified:
    /// an exit is disputed, or the last third of the time that a window can last has begun.
    #[must_use]
    pub fn takes_anchors_alone(&self, time: Time, window: u64) -> bool {
        let late = |opened_at: Time| time >= opened_at.plus(2 * window);
        self.exit.as_ref().is_some_and(|exit| exit.disputed || late(exit.opened_at))
            || self
                .waiting
                .as_ref()
                .is_some_and(|waiting| late(waiting.opened_at) && self.stands(waiting))
    }
}

/// Proof of a block, as the contract takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BlockProof {
    /// Each the parent of the next: from the anchor's to the block's.
    pub headers: Vec<Header>,
    /// Of the first header's block, by two thirds of the active members, or by all.
    pub anchor: Option<Certificate>,
    /// Of the last one's, by two thirds of those valid in its epoch; none where the anchor is it.
    pub certificate: Option<Certificate>,
}

impl BlockProof {
    /// What the contract would keep of it; `None` for a proof of nothing.
    #[must_use]
    pub fn shown(&self) -> Option<ShownBlock> {
        let (first, last) = (self.headers.first()?, self.headers.last()?);
        let anchored = self.anchor.is_some();
        Some(ShownBlock {
            anchor_height: if anchored { first.height } else { Height::ZERO },
            anchor_term: if anchored { first.term } else { Term::default() },
            height: last.height,
            term: last.term,
            block: last.hash(),
            root: last.state_root,
            anchor_block: if anchored { first.hash() } else { Hash::ZERO },
            anchor_root: if anchored { first.state_root } else { Hash::ZERO },
        })
    }

    /// The epoch in which the block was certified.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        self.headers.last().map(|header| header.term.epoch)
    }
}

/// What the state holds under a key, with the path that proves it under a root: see
/// `settlement::state_proof`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProvenEntry {
    /// Empty: it holds nothing there.
    #[serde(with = "codec::hex_bytes")]
    #[schemars(with = "String")]
    pub value: Vec<u8>,
    /// Hashes beside the path to the key, from the root down.
    pub siblings: Vec<Hash>,
    /// Hashes of key and value of the leaf where the path ends, if it ends at one.
    pub end: Option<(Hash, Hash)>,
}

/// Everything that somebody else needs to keep an account's money in a channel safe while its node is
/// away: the best block that the node could prove, and what that block's state gives the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Guard {
    pub channel: ChannelId,
    pub account: Address,
    pub proof: BlockProof,
    /// Join sequences that were entered.
    pub entered: ProvenEntry,
    pub vault: ProvenEntry,
    /// What the account is owed as a leaver.
    pub departed: ProvenEntry,
}

impl Verify for Guard {
    /// That the certificates are of its headers, which follow each other, and well signed. Who has a
    /// say is the chain's to know.
    fn check(&self) -> Result<(), Refusal> {
        let headers = &self.proof.headers;
        let broken = |reason: &str| Err(Refusal::invalid("guard", reason));
        if headers.is_empty() || headers.len() > limits::PROOF_HEADERS {
            return broken("it needs headers, and no more than one proof links");
        }
        if headers.iter().any(|header| header.channel != self.channel) {
            return broken("a header is of another channel");
        }
        if headers.windows(2).any(|pair| pair[1].parent != pair[0].hash()) {
            return broken("its headers do not follow each other");
        }
        let is_of = |certificate: &Certificate, header: Option<&Header>| {
            header.is_some_and(|header| {
                let ack = certificate.ack;
                (ack.channel, ack.term, ack.height) == (self.channel, header.term, header.height)
                    && ack.block == header.hash()
            })
        };
        let (anchor, top) = (&self.proof.anchor, &self.proof.certificate);
        let anchored = anchor.as_ref().is_none_or(|anchor| is_of(anchor, headers.first()));
        if !anchored || !top.as_ref().is_none_or(|top| is_of(top, headers.last())) {
            return broken("a certificate is of another block");
        }
        if top.is_none() && (anchor.is_none() || headers.len() > 1) {
            return broken("nobody certified its block");
        }
        anchor.iter().chain(top).try_for_each(Verify::check)
    }
}

/// What a member signs to judge evidence against the member that joined with this sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub channel: ChannelId,
    pub accused: JoinSequence,
    /// Hash of the evidence.
    pub evidence: Hash,
    pub guilty: bool,
}

impl Signable for Verdict {
    const DOMAIN: &'static str = "verdict";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedVerdict {
    pub verdict: Verdict,
    pub node: NodeId,
    pub signature: Signature,
}

impl Verify for SignedVerdict {
    fn check(&self) -> Result<(), Refusal> {
        check_signature(&self.verdict, &PublicKey::from(self.node), &self.signature)
    }
}
