//! Proposals, votes and change sets: what moves money on the chain.

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    crypto::{PublicKey, Signable, Signature, Verify, check_signature},
    hash::{Domain, Hash, hash_value},
    ids::{Address, AssetId, ChainId, ChannelId, Height, NodeId},
};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct AssetAmount {
    pub asset: AssetId,
    /// In the asset's smallest unit.
    #[serde(with = "crate::codec::decimal")]
    #[schemars(with = "String")]
    pub amount: u64,
}

/// A member's balances at the settled height, sorted by asset, no zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Balance {
    pub account: Address,
    pub amounts: Vec<AssetAmount>,
    /// The member leaves: it is paid and removed.
    pub leaves: bool,
}

/// A settlement of the blocks `(from_height, to_height]`. The BCS layout is what the contract
/// `settlement::settlement` hashes; a change here is a change there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Proposal {
    pub chain: ChainId,
    pub channel: ChannelId,
    /// Number of this settlement: the last executed one plus one.
    pub number: u64,
    pub from_height: Height,
    pub from_root: Hash,
    pub to_height: Height,
    pub to_root: Hash,
    /// Hash of the block at `to_height`.
    pub to_block: Hash,
    /// Sorted by account, each once: every registered member and every leaver not yet paid.
    pub balances: Vec<Balance>,
    /// What the app itself holds, sorted by asset, no zeros. Zero when `closes`.
    pub held: Vec<AssetAmount>,
    /// Everybody is paid and the channel ends.
    pub closes: bool,
    /// Bytes the dApp's contract reads; empty if it has none.
    #[serde(with = "crate::codec::hex_bytes")]
    #[schemars(with = "String")]
    pub result: Vec<u8>,
}

impl Proposal {
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::Proposal, self)
    }
}

/// What a voter signs: the proposal's hash, and yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Vote {
    pub channel: ChannelId,
    pub proposal: Hash,
    pub yes: bool,
}

impl Signable for Vote {
    const DOMAIN: &'static str = "vote";
}

/// A vote on its way to the proposer; the reason of a no is for people and is not signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SignedVote {
    pub vote: Vote,
    pub node: NodeId,
    pub signature: Signature,
    pub reason: Option<String>,
}

impl Verify for SignedVote {
    fn check(&self) -> Result<(), Refusal> {
        check_signature(&self.vote, &PublicKey::from(self.node), &self.signature)
    }
}

impl Signable for Proposal {
    const DOMAIN: &'static str = "proposal";
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SignedProposal {
    pub proposal: Proposal,
    pub proposer: NodeId,
    pub signature: Signature,
}

impl Verify for SignedProposal {
    fn check(&self) -> Result<(), Refusal> {
        check_signature(&self.proposal, &PublicKey::from(self.proposer), &self.signature)
    }
}
