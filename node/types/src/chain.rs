//! The settlement chain in the contract's words. Nothing here knows which chain it is.

mod refusal;

use serde::{Deserialize, Serialize};

pub use refusal::{Cause, ChainRefusal};

use crate::{
    block::{Certificate, Header},
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
    windows::{BlockProof, ProvenEntry, SignedVerdict, WindowRecord},
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
    /// The epoch of the grant that named it; zero while pending.
    pub active_since: Epoch,
    /// A settlement has named it, or the first grant: it counts in every epoch.
    pub booked: bool,
    /// Asked the contract to leave; the leader orders its removal.
    pub leaving: bool,
    /// The chain's time of its last heartbeat; zero before the first.
    pub last_heartbeat: Time,
    /// What backs it now, in the channel's asset.
    #[serde(with = "codec::decimal")]
    #[schemars(with = "String")]
    pub collateral: u64,
    /// Whether that is a part of a stake which other channels count on too.
    pub pooled: bool,
    /// May be valid: not convicted, and backed by the channel's least.
    pub eligible: bool,
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

/// Who speaks for whom in an epoch. Empty in a channel of up to five members; a member that is in
/// neither list speaks for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Voices {
    /// Join sequences, ascending.
    pub candidates: Vec<JoinSequence>,
    /// Join sequences of those who are spoken for, ascending.
    pub spoken_for: Vec<JoinSequence>,
    /// The candidate of each of them, in the same order.
    pub by: Vec<JoinSequence>,
}

impl Voices {
    /// The candidate that speaks for the member, if one does.
    #[must_use]
    pub fn speaker(&self, member: JoinSequence) -> Option<JoinSequence> {
        let place = self.spoken_for.binary_search(&member).ok()?;
        self.by.get(place).copied()
    }
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
    /// Members trust their own nodes with their calls: a node's signature under many of its member's
    /// calls stands in place of theirs.
    #[serde(default)]
    pub trust_own_node: bool,
    #[serde(default)]
    pub money: MoneyRules,
}

/// Who moves money on the chain, and what misbehaviour costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct MoneyRules {
    pub settlement_rule: SettlementRule,
    pub weight_by: WeightBy,
    /// Milliseconds in which a proposal of few, or an exit, can be answered.
    pub challenge_window: u64,
    /// The least collateral of a member, in the channel's asset.
    pub collateral: u64,
    /// What a conviction takes from it, at most.
    pub fine: u64,
    /// What a report that the others find false takes from the reporter's.
    pub bond: u64,
    pub penalty_votes: PenaltyVotes,
    pub drop_rule: DropRule,
}

impl Default for MoneyRules {
    fn default() -> Self {
        Self {
            settlement_rule: SettlementRule::TwoThirds,
            weight_by: WeightBy::Member,
            challenge_window: limits::CHALLENGE_WINDOW,
            collateral: 0,
            fine: 0,
            bond: 0,
            penalty_votes: PenaltyVotes::TwoThirds,
            drop_rule: DropRule::Close,
        }
    }
}

/// Whose votes execute a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettlementRule {
    /// Two thirds of the active weight: they are trusted with everybody's money.
    TwoThirds,
    /// All active members; who is refused, or meets silence, takes its exit.
    Unanimous,
    /// Two thirds, after a window in which a proof of fraud beats them.
    Judged,
}

/// What a member weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightBy {
    Member,
    Collateral,
}

/// Who convicts, among three members and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyVotes {
    /// At least two, and two thirds of the valid weight without the accused.
    TwoThirds,
    Two,
}

/// What follows when a leader leaves a call undone in its last window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DropRule {
    Close,
    Replace,
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
    /// What is open to be answered.
    pub windows: WindowRecord,
}

/// The fixed facts of a channel that execution of its blocks depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelFacts {
    pub chain: ChainId,
    pub channel: ChannelId,
    /// Who may close it by a call.
    pub creator: Address,
    /// Hash over the package's Move sources.
    pub package: Hash,
    pub gas_table: GasTableId,
    /// Milliseconds between ticks; zero for none.
    pub tick_interval: u64,
}

impl SettlementRecord {
    /// Before the first settlement.
    #[must_use]
    pub fn none() -> Self {
        Self {
            number: 0,
            height: Height::ZERO,
            root: Hash::ZERO,
            block: Hash::ZERO,
            paid: Vec::new(),
            closed: false,
        }
    }
}

impl ChannelRecord {
    /// A channel as the contract creates it: open, with no members yet and no money.
    #[must_use]
    pub fn new(
        (chain, channel): (ChainId, ChannelId),
        creator: Address,
        package: Hash,
        config: ChannelConfig,
    ) -> Self {
        Self {
            chain,
            channel,
            creator,
            package,
            config,
            open: true,
            closing: false,
            first_grant: None,
            founders: Vec::new(),
            grants: Vec::new(),
            in_force: None,
            members: Vec::new(),
            settlement: SettlementRecord::none(),
            locked: Vec::new(),
            windows: WindowRecord::default(),
        }
    }

    #[must_use]
    pub fn facts(&self) -> ChannelFacts {
        ChannelFacts {
            chain: self.chain,
            channel: self.channel,
            creator: self.creator,
            package: self.package,
            gas_table: self.config.gas_table,
            tick_interval: self.config.tick_interval,
        }
    }
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
    Rejected { tx: Box<ChainTx>, reason: ChainRefusal },
    /// The proposal that waits on the chain.
    Waiting { proposal: Box<Proposal> },
    /// Whether the contract would take the proposal as the chain stands, or why not.
    DryRun { proposal: Hash, refusal: Option<ChainRefusal> },
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
    /// Show the best block this node can prove.
    Show {
        channel: ChannelId,
        proof: Box<BlockProof>,
    },
    /// Let the proposal this node recorded before wait for the channel's window.
    OpenWindow {
        channel: ChannelId,
        proposal: Hash,
        votes: Vec<SignedVote>,
    },
    /// Show that the best block and the waiting proposal's are of one chain.
    Support {
        channel: ChannelId,
        headers: Vec<Header>,
    },
    /// Execute the proposal whose window has ended.
    Finish {
        channel: ChannelId,
    },
    /// Withdraw the waiting proposal by as many no votes as keep two thirds from it.
    Object {
        channel: ChannelId,
        votes: Vec<SignedVote>,
    },
    /// Show that the waiting proposal gives the account of a row something else than the state does.
    Refute {
        channel: ChannelId,
        row: u64,
        entered: Box<ProvenEntry>,
        vault: Box<ProvenEntry>,
        departed: Box<ProvenEntry>,
    },
    /// Show that the app's result in the state is another than the waiting proposal's.
    RefuteResult {
        channel: ChannelId,
        result: Box<ProvenEntry>,
    },
    /// Say no to the best block shown in an exit, by as many no votes on its hash as keep two thirds
    /// from it: from then on anchors alone count.
    Dispute {
        channel: ChannelId,
        votes: Vec<SignedVote>,
    },
    /// Close the channel by an exit whose window has ended.
    FinishExit {
        channel: ChannelId,
        entered: Box<ProvenEntry>,
    },
    /// Pay a member of a channel that an exit closed.
    Claim {
        channel: ChannelId,
        account: Address,
        vault: Box<ProvenEntry>,
        departed: Box<ProvenEntry>,
    },
    /// Decide a report of this evidence by members' verdicts.
    Decide {
        channel: ChannelId,
        accused: JoinSequence,
        evidence: Hash,
        guilty: bool,
        verdicts: Vec<SignedVerdict>,
    },
    /// Answer the complaint by a block certified since then and the account's number after it.
    Answer {
        channel: ChannelId,
        header: Box<Header>,
        certificate: Box<Certificate>,
        number: Box<ProvenEntry>,
        departed: Box<ProvenEntry>,
    },
    /// Draw the consequence of a complaint that nobody answered in its window.
    Resolve {
        channel: ChannelId,
    },
    /// Misbehaviour of the member that joined with this sequence.
    Report {
        channel: ChannelId,
        accused: JoinSequence,
        evidence: Box<Evidence>,
    },
    /// Have the chain itself judge the evidence.
    Judge {
        channel: ChannelId,
        accused: JoinSequence,
        evidence: Box<Evidence>,
    },
    /// End the reports that nobody decided in their time.
    Expire {
        channel: ChannelId,
    },
}
