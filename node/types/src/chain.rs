//! The settlement chain in the contract's words. Nothing here knows which chain it is.

use serde::{Deserialize, Serialize};

use crate::{
    codec,
    evidence::Evidence,
    hash::Hash,
    ids::{
        Address, AssetId, ChainId, ChannelId, Epoch, GasTableId, Height, JoinSequence, NodeId,
        Term, Time, Weight,
    },
    limits,
    settlement::{AssetAmount, Proposal, SignedVote},
    view_change::ShownPromise,
};

/// A member as the contract records it, fixed at its join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemberRecord {
    pub account: Address,
    pub node: NodeId,
    pub join_sequence: JoinSequence,
    pub weight: Weight,
    /// What the member brought, sorted by asset, no zeros.
    pub deposit: Vec<AssetAmount>,
    /// libp2p addresses of the node, as text.
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::ENDPOINTS }>")]
    pub endpoints: Vec<String>,
}

/// What of a member changes on the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChainMember {
    pub record: MemberRecord,
    /// Named by an epoch grant: counts in quorums on the chain, and is paid by settlements alone.
    /// Until then the member can withdraw with its deposit and be gone from the record.
    pub active: bool,
    /// Asked the contract to leave; the leader orders its removal.
    pub leaving: bool,
    /// The chain's time of its last heartbeat; zero before the first.
    pub last_heartbeat: Time,
}

/// The contract's grant of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EpochGrant {
    pub epoch: Epoch,
    pub leader: Address,
    /// Join sequence of the leader.
    pub join_sequence: JoinSequence,
    /// Join sequences of the members valid at the grant, ascending: fixed for the epoch.
    pub valid: Vec<JoinSequence>,
}

/// The term in force, as far as the contract knows: the last epoch granted, and the last view of it
/// that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TermRecord {
    pub term: Term,
    pub leader: Address,
    /// Join sequence of the leader.
    pub join_sequence: JoinSequence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// A signature leaves only after its event is fsynced.
    Synced,
    /// Writes reach the disk in their own time.
    Replicated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JoinPolicy {
    /// Only the accounts named in `invited`.
    Invited,
    /// Anyone with the deposit.
    Open,
    /// Whom the contract that created the channel lets in. Accounts create no such channels.
    Contract,
}

/// A channel's rules; fixed when it is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelConfig {
    /// Milliseconds between ticks; zero for none.
    pub tick_interval: u64,
    /// Milliseconds between the leader's settlement proposals; zero for none.
    pub settlement_interval: u64,
    pub durability: Durability,
    pub join_policy: JoinPolicy,
    /// Accounts that may join under `Invited`, sorted.
    pub invited: Vec<Address>,
    /// The asset a member brings, and the least of it.
    pub asset: AssetId,
    pub min_deposit: u64,
    pub max_members: u64,
    /// What execution costs: 1 `measured` (the default), 2 `storage`. A node that does not know the
    /// table does not run the channel.
    #[serde(default)]
    pub gas_table: GasTableId,
}

/// The last settlement that executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SettlementRecord {
    /// Zero before the first.
    pub number: u64,
    pub height: Height,
    pub root: Hash,
    pub block: Hash,
    /// Leavers it paid.
    pub paid: Vec<Address>,
    pub closed: bool,
}

/// Everything the contract says about a channel, at one height of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelRecord {
    pub chain: ChainId,
    pub channel: ChannelId,
    pub creator: Address,
    /// Hash over the package's Move sources.
    pub package: Hash,
    pub config: ChannelConfig,
    pub open: bool,
    /// The creator asked the contract to close; the leader orders it.
    pub closing: bool,
    /// The epoch-1 grant, from which every node derives the same genesis; `None` before it.
    pub first_grant: Option<EpochGrant>,
    /// The records of the members in `first_grant`, kept for good.
    pub founders: Vec<MemberRecord>,
    /// Ascending by epoch, the last one is in force: all since the settlement before the last one,
    /// at most 256. The contract keeps older ones readable (`channel::grants`).
    pub grants: Vec<EpochGrant>,
    /// `None` before the first grant.
    pub in_force: Option<TermRecord>,
    /// By join sequence, ascending.
    pub members: Vec<ChainMember>,
    pub settlement: SettlementRecord,
    /// What the channel holds on the chain now.
    pub locked: Vec<AssetAmount>,
}

/// What a node sees of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observation {
    /// The channel's record changed (or was read again).
    Channel { record: Box<ChannelRecord>, chain_height: Height, chain_time: Time, is_final: bool },
    /// The chain knows no such channel.
    Missing,
    /// The chain can't be reached since then; what is known stays known.
    Unreachable { reason: String },
    /// A submitted transaction was executed.
    Accepted { tx: Box<ChainTx> },
    /// A submitted transaction failed.
    Rejected { tx: Box<ChainTx>, reason: String },
}

/// What a node asks of the chain, signed by its node key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChainTx {
    Heartbeat {
        channel: ChannelId,
    },
    ApplyForLeadership {
        channel: ChannelId,
    },
    /// Show that a later view of the epoch in force has begun, by promises of a quorum.
    ShowTerm {
        channel: ChannelId,
        term: Term,
        promises: Vec<ShownPromise>,
    },
    /// Record a proposal, so that it can be executed.
    Propose {
        proposal: Box<Proposal>,
    },
    /// Execute the proposal this node recorded before, with the yes votes that were gathered.
    Execute {
        channel: ChannelId,
        proposal: Hash,
        votes: Vec<SignedVote>,
    },
    /// Misbehaviour; what the chain does with it comes with penalties.
    Report {
        channel: ChannelId,
        evidence: Box<Evidence>,
    },
}
