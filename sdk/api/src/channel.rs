//! `state_channel.*`: channels as apps use them.

use fairway_types::{
    Address, Call, ChannelId, Gas, Hash, Height, JoinSequence, NodeId, Operation, PublicKey,
    SequenceNumber, Signature, SignedCall, Term, Time,
    abi::PackageAbi,
    call::CallStatus,
    chain::ChannelRecord,
    codec,
    ledger::SignedLedgerTransaction,
    refusal::RefusalData,
    session::Session,
    settlement::{AssetAmount, Proposal},
    subscription::Filter,
    windows::Guard,
};
use jsonrpsee::{
    core::{RpcResult, SubscriptionResult},
    proc_macros::rpc,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chain::{EventView, TransactionReport};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// No epoch yet, or this node is not a member.
    Waiting,
    Leader,
    Follower,
    /// This node reported its leader and follows it no longer.
    Halted,
    /// The channel closed, or this node's member left and was paid: nothing is done here any more.
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberStatus {
    pub account: Address,
    pub node: NodeId,
    pub join_sequence: JoinSequence,
    /// When its node was last heard, milliseconds since 1970.
    pub heard_at: Option<Time>,
    pub head: Height,
    pub certified: Height,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelStatus {
    pub channel: ChannelId,
    pub role: Role,
    pub term: Term,
    pub leader: Option<NodeId>,
    pub head: Height,
    pub head_hash: Hash,
    pub state_root: Hash,
    pub certified: Height,
    /// Height of the last final block.
    #[serde(rename = "final")]
    pub finalised: Height,
    pub settled: Height,
    /// Settlements executed on the chain.
    pub settlements: u64,
    pub members: Vec<MemberStatus>,
    /// Calls waiting to be ordered.
    pub queued: u64,
    pub closed: bool,
    /// Why the settlement chain can't be reached, if it can't: reads go on.
    pub chain_unreachable: Option<String>,
    /// Why the node can't store, if it can't: it signs nothing until it can.
    pub storage: Option<String>,
    /// Why nothing can be certified here, if so: reads go on and may be stale, calls are refused.
    pub lacking_quorum: Option<String>,
    /// The node came back without its last writes: it signs nothing until enough others have told it
    /// what it signed.
    pub tail_lost: bool,
    /// Why the last settlement attempt of this node failed, if it did.
    pub settlement_error: Option<String>,
    /// The snapshot that this node takes in place of blocks, if it does.
    pub catching_up: Option<CatchingUp>,
    /// Blocks up to here are kept no more; zero while all are.
    pub pruned: Height,
}

/// How far a snapshot has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatchingUp {
    /// The height that it is of.
    pub height: Height,
    /// Parts that are here, and parts known so far.
    pub parts: u64,
    pub parts_known: u64,
    /// Entries of the state that are here, and how many there are as a peer says.
    pub entries: u64,
    pub of_entries: u64,
    pub bytes: u64,
    /// Nodes that are asked for parts.
    pub sources: Vec<NodeId>,
    /// Nodes that are asked no more: what they sent is not of that state.
    pub refused: Vec<NodeId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeStatus {
    pub node: NodeId,
    /// The node's account on the chain.
    pub account: Address,
    pub version: String,
    /// Where other nodes reach it, as libp2p addresses.
    pub endpoints: Vec<String>,
    pub connected_peers: u64,
    pub chain_unreachable: Option<String>,
    pub channels: Vec<ChannelStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelInfo {
    pub record: ChannelRecord,
    /// Absent when this node does not run the channel.
    pub status: Option<ChannelStatus>,
}

/// Which state a read sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum At {
    #[default]
    Head,
    Certified,
    Final,
}

/// The values a view returned, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Viewed {
    pub height: Height,
    /// Whether the node hears too few members: others may be further by now.
    pub stale: bool,
    pub values: Vec<Value>,
}

/// A resource after a block; no value when it was deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceView {
    pub address: Address,
    #[serde(rename = "type")]
    pub type_tag: String,
    pub value: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceRead {
    pub height: Height,
    /// Whether the node hears too few members: others may be further by now.
    pub stale: bool,
    pub resource: ResourceView,
}

/// What an entry of a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A Move resource under an account.
    Resource,
    /// The next sequence number of an account.
    Sequence,
    /// A registered member's record.
    Member,
    /// What a member that left is owed.
    Departed,
    /// Everything locked in the channel.
    Locked,
    /// `true` once the channel was closed.
    Closed,
    /// The last settlement whose payments left the books.
    Settled,
    /// A module on the ledger; none in a channel.
    Module,
    /// A package on the ledger; none in a channel.
    Package,
    /// The join sequences ever entered: the first and the last of each run.
    Entered,
    /// The time of the block with the last tick.
    Ticked,
    /// The height of the last block that changed the registered members.
    Registered,
    /// How many members are registered, and how many left and are not paid yet.
    Counted,
    /// The app's result, in hex.
    Result,
    /// What an account delegated to session keys.
    Sessions,
}

/// An entry of a channel's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StateEntry {
    /// Its key's name, for `after`: the BCS of the key in hex.
    pub key: String,
    pub kind: EntryKind,
    /// The account that it is of, if it is one's.
    pub owner: Option<Address>,
    /// A resource's type.
    #[serde(rename = "type")]
    pub type_tag: Option<String>,
    /// In hex where the bytes are not of its type.
    pub value: Value,
    /// Bytes of the value.
    pub size: u64,
}

/// A part of a channel's state, in the order of keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatePage {
    /// The block after which it is.
    pub height: Height,
    pub state_root: Hash,
    pub entries: Vec<StateEntry>,
    /// `after` of the next page; none after the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The gas of one function in a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionGas {
    /// `0x44::payments::pay`; native functions too.
    pub function: String,
    /// How often it was entered.
    pub entries: u64,
    /// What its own instructions used, with what entering it cost.
    pub own: Gas,
    /// The same with everything that it called. A function that calls itself is counted once.
    pub total: Gas,
}

/// Where the gas of a transaction went: all `own` and `storage` together are `gas_used`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GasReport {
    pub height: Height,
    pub place: u32,
    /// The transaction's hash, if it is a call.
    pub call: Option<Hash>,
    pub gas_used: Gas,
    /// Why it failed, if it did.
    pub error: Option<RefusalData>,
    /// The most expensive first, by `own`.
    pub functions: Vec<FunctionGas>,
    /// What writes and events cost, where the channel's gas table has a price for them.
    pub storage: Gas,
}

/// A call's place and results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallReport {
    pub call: Hash,
    pub height: Height,
    /// Its place in the block.
    pub index: u32,
    pub status: CallStatus,
    pub gas_used: Gas,
    /// Why it failed; it used its sequence number all the same.
    pub error: Option<RefusalData>,
    pub events: Vec<EventView>,
}

/// A call to sign: `signature` is ed25519 over `signing_bytes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreparedCall {
    pub call: Call,
    #[serde(with = "fairway_types::codec::hex_bytes")]
    #[schemars(with = "String")]
    pub signing_bytes: Vec<u8>,
    pub hash: Hash,
}

/// What a call asks for, with arguments as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "operation", deny_unknown_fields)]
pub enum CallRequest {
    Invoke {
        /// `0x42::tic_tac_toe::place`
        function: String,
        #[serde(default)]
        type_args: Vec<String>,
        args: Vec<Value>,
        /// The key that will sign, when that is one which the sender delegated to.
        #[serde(default)]
        session: Option<PublicKey>,
    },
    Leave,
    Close,
    /// Lets a key call for the sender.
    Delegate {
        session: Session,
    },
    /// Takes back what was delegated to a key.
    Revoke {
        key: PublicKey,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Joined {
    pub channel: ChannelId,
    pub transaction: TransactionReport,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposed {
    pub number: u64,
    pub proposal: Hash,
}

/// A proposal this node signed or voted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalView {
    pub hash: Hash,
    pub proposal: Proposal,
    /// The last executed settlement is this one.
    pub executed: bool,
    /// Whether the chain knows the proposal.
    pub submitted: bool,
    /// Votes that this node has, its own among them, by node; of no and yes the yes counts.
    pub votes: Vec<VoteView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoteView {
    pub node: NodeId,
    pub yes: bool,
}

/// What a transaction in a block is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TransactionView {
    Call { call: Hash, sender: Address, sequence: SequenceNumber, operation: Operation },
    Tick,
    Join { account: Address, deposit: Vec<AssetAmount> },
    Remove { account: Address },
    Close,
    Settled { number: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionInBlock {
    pub transaction: TransactionView,
    pub gas_used: Gas,
    pub error: Option<RefusalData>,
    pub events: Vec<EventView>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlockView {
    pub height: Height,
    pub hash: Hash,
    pub parent: Hash,
    pub term: Term,
    pub leader: NodeId,
    pub time: Time,
    pub transactions_root: Hash,
    pub effects_root: Hash,
    pub state_root: Hash,
    pub transactions: Vec<TransactionInBlock>,
}

/// One item of a subscription, in log order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Notice {
    /// The state to start from, when the subscriber gave no height to resume at, or blocks were skipped.
    Snapshot {
        height: Height,
        /// Hash of the block at this height: the parent of the next one, if that follows it.
        hash: Hash,
        state_root: Hash,
        resources: Vec<ResourceView>,
    },
    /// A block ran. Delivered in order, without gaps, each once unless it is rolled back.
    Block {
        height: Height,
        hash: Hash,
        /// Hash of the block before.
        parent: Hash,
        time: Time,
        state_root: Hash,
        changes: Vec<ResourceView>,
        events: Vec<EventView>,
        /// The block's calls; `error` names why one failed.
        calls: Vec<CallPlace>,
    },
    /// Heights hardened: every call at or below one has at least that status.
    Heights {
        certified: Height,
        #[serde(rename = "final")]
        finalised: Height,
        settled: Height,
    },
    /// The blocks above this height are taken back, which happens to uncertified ones when the leader
    /// changes: what comes next follows it. When the subscriber's snapshot was of a block above it, and
    /// may have shown a resource, blocks are skipped up to another snapshot.
    RolledBack { to: Height },
    /// The blocks up to this height are not shown: the node took a snapshot in place of them, or keeps
    /// them no more, or took back a part of the subscriber's last snapshot. A snapshot of that height
    /// follows, unless it is too large.
    Skipped { to: Height },
    /// The subscriber was too slow and is dropped: subscribe again from this height.
    Lagged { resume_from: Height },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallPlace {
    pub call: Hash,
    pub index: u32,
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The accused signed what no honest node signs.
    Guilty,
    /// What it is accused of is what the rules ask for.
    Innocent,
    /// The evidence shows neither.
    Unclear,
}

/// What a node says to an accusation: its own, or another member's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictView {
    pub accused: NodeId,
    pub reporter: NodeId,
    /// `divergence`, `invalid_transaction`, `double_block` or `double_ack`.
    pub kind: String,
    pub term: Term,
    pub height: Height,
    /// The evidence's hash: its name.
    pub evidence: Hash,
    pub verdict: Verdict,
    pub reason: String,
    /// Whether this node has the evidence's file: it found it itself.
    pub has_file: bool,
}

/// A file of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceFile {
    pub evidence: Hash,
    /// The file's bytes.
    #[serde(with = "codec::hex_bytes")]
    #[schemars(with = "String")]
    pub file: Vec<u8>,
}

/// What one channel has done since this node runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Activity {
    /// When it was read, by the node's clock.
    pub time: Time,
    /// Calls in blocks that this node appended.
    pub ordered_calls: u64,
    /// Calls in blocks that it appended and saw certified.
    pub certified_calls: u64,
    /// Calls in blocks that were taken back.
    pub rolled_back_calls: u64,
    /// Calls waiting to be ordered.
    pub queued: u64,
    /// Proposals for a settlement that this node made or agreed to.
    pub proposals: u64,
    /// Yes votes for settlements that it signed.
    pub votes: u64,
    /// Rules that it saw a member break.
    pub divergences: u64,
    /// From a block's place in this node's log until the node saw it certified.
    pub block_certified_after: Durations,
    /// From a call's arrival at this node's API to its answer as certified; of calls that waited for
    /// that here, and no others.
    pub call_certified_after: Durations,
}

/// How long something took, each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Durations {
    pub count: u64,
    /// All together, in microseconds.
    pub sum_us: u64,
    /// By upper bound, ascending; the last one has none.
    pub buckets: Vec<DurationBucket>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DurationBucket {
    /// What falls into it took at most so many microseconds, and more than the bucket before allows.
    pub up_to_us: Option<u64>,
    pub count: u64,
}

/// Another member's node, as this one is connected to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeerView {
    pub node: NodeId,
    /// Channels of which both are members, by this node's knowledge.
    pub channels: Vec<ChannelId>,
    /// Bytes that wait here to be sent to it.
    pub waiting_bytes: u64,
    /// Connections that stand now; none while it is away.
    pub paths: Vec<PathView>,
}

/// One connection to another node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathView {
    /// The other end, as a libp2p address.
    pub address: String,
    /// Whether this node dialled; the other one did if not.
    pub dialled: bool,
    pub since: Time,
    /// The last ping's round trip in microseconds; none before the first one came back.
    pub round_trip_us: Option<u64>,
}

/// Channels of one node.
#[rpc(client, server, namespace = "state_channel", namespace_separator = ".")]
pub trait StateChannelApi {
    /// The node and every channel it runs.
    #[method(name = "status", param_kind = map)]
    async fn status(&self) -> RpcResult<NodeStatus>;

    /// The channels this node runs.
    #[method(name = "list", param_kind = map)]
    async fn list(&self) -> RpcResult<Vec<ChannelId>>;

    /// A channel as the chain records it, and where it stands on this node.
    #[method(name = "get", param_kind = map)]
    async fn get(&self, channel: ChannelId) -> RpcResult<ChannelInfo>;

    /// What can be called in the channel.
    #[method(name = "abi", param_kind = map)]
    async fn abi(&self, channel: ChannelId) -> RpcResult<PackageAbi>;

    /// Submits a signed `create` to the chain.
    #[method(name = "create", param_kind = map)]
    async fn create(&self, transaction: SignedLedgerTransaction) -> RpcResult<Joined>;

    /// This node's signature with which `account` may join the channel by it.
    #[method(name = "join_proof", param_kind = map)]
    async fn join_proof(&self, channel: ChannelId, account: Address) -> RpcResult<Signature>;

    /// Submits a signed `join` that names this node to the chain, and runs the channel from then on.
    #[method(name = "join", param_kind = map)]
    async fn join(&self, transaction: SignedLedgerTransaction) -> RpcResult<Joined>;

    /// Runs a channel of which this node is a member already.
    #[method(name = "open", param_kind = map)]
    async fn open(&self, channel: ChannelId) -> RpcResult<ChannelInfo>;

    /// The next sequence number in the channel of an account, or of one of its session keys.
    #[method(name = "sequence", param_kind = map)]
    async fn sequence(
        &self,
        channel: ChannelId,
        account: Address,
        session: Option<PublicKey>,
    ) -> RpcResult<SequenceNumber>;

    /// What the channel has done since this node runs it: counts, whose differences are rates.
    #[method(name = "activity", param_kind = map)]
    async fn activity(&self, channel: ChannelId) -> RpcResult<Activity>;

    /// Other members' nodes with their connections: at most 1,024, of one channel if named.
    #[method(name = "peers", param_kind = map)]
    async fn peers(&self, channel: Option<ChannelId>) -> RpcResult<Vec<PeerView>>;

    /// What the account delegated to session keys, and what is left of it.
    #[method(name = "sessions", param_kind = map)]
    async fn sessions(&self, channel: ChannelId, account: Address) -> RpcResult<Vec<Session>>;

    /// The call that `request` is, ready to be signed by `sender`; valid for `lifetime_ms` (60,000).
    #[method(name = "prepare", param_kind = map)]
    async fn prepare(
        &self,
        channel: ChannelId,
        sender: Address,
        request: CallRequest,
        sequence: Option<SequenceNumber>,
        gas_limit: Option<Gas>,
        lifetime_ms: Option<u64>,
    ) -> RpcResult<PreparedCall>;

    /// Orders a signed call; answers once it has reached `wait` (`certified`).
    #[method(name = "call", param_kind = map)]
    async fn call(&self, call: SignedCall, wait: Option<CallStatus>) -> RpcResult<CallReport>;

    /// As `call`, for a call whose operation is `leave`.
    #[method(name = "leave", param_kind = map)]
    async fn leave(&self, call: SignedCall, wait: Option<CallStatus>) -> RpcResult<CallReport>;

    /// As `call`, for a call whose operation is `close`.
    #[method(name = "close", param_kind = map)]
    async fn close(&self, call: SignedCall, wait: Option<CallStatus>) -> RpcResult<CallReport>;

    /// An ordered call's report, by its hash.
    #[method(name = "report", param_kind = map)]
    async fn report(&self, channel: ChannelId, call: Hash) -> RpcResult<Option<CallReport>>;

    /// Runs a read-only function, at the head or after the block at `height`.
    #[method(name = "view", param_kind = map)]
    async fn view(
        &self,
        channel: ChannelId,
        function: String,
        type_args: Option<Vec<String>>,
        args: Vec<Value>,
        at: Option<At>,
        height: Option<Height>,
    ) -> RpcResult<Viewed>;

    /// One resource, by its owner and type, at the head or after the block at `height`.
    #[method(name = "resource", param_kind = map)]
    async fn resource(
        &self,
        channel: ChannelId,
        address: Address,
        type_tag: String,
        at: Option<At>,
        height: Option<Height>,
    ) -> RpcResult<ResourceRead>;

    /// The state after the block at `height` (the head), in the order of keys: at most `limit` entries
    /// (and 256) that follow the key `after`.
    #[method(name = "state", param_kind = map)]
    async fn state(
        &self,
        channel: ChannelId,
        height: Option<Height>,
        after: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<StatePage>;

    /// Executes the transaction at a place in a block again, and says which functions used its gas.
    #[method(name = "trace", param_kind = map)]
    async fn trace(&self, channel: ChannelId, height: Height, place: u32) -> RpcResult<GasReport>;

    /// Blocks from a height on, at most `limit` (and 100).
    #[method(name = "blocks", param_kind = map)]
    async fn blocks(
        &self,
        channel: ChannelId,
        from: Height,
        limit: Option<u32>,
    ) -> RpcResult<Vec<BlockView>>;

    /// Proposes a settlement of what is final.
    #[method(name = "propose_settlement", param_kind = map)]
    async fn propose_settlement(&self, channel: ChannelId) -> RpcResult<Proposed>;

    /// What somebody else, a watchtower, needs to keep the account's money safe while this node is
    /// away: the best block that it can prove now, and what that block gives the account.
    #[method(name = "guard", param_kind = map)]
    async fn guard(&self, channel: ChannelId, account: Address) -> RpcResult<Guard>;

    /// The proposals this node knows.
    #[method(name = "proposals", param_kind = map)]
    async fn proposals(&self, channel: ChannelId) -> RpcResult<Vec<ProposalView>>;

    /// Accusations that this node knows, and its verdicts.
    #[method(name = "evidence", param_kind = map)]
    async fn evidence(&self, channel: ChannelId) -> RpcResult<Vec<VerdictView>>;

    /// The file of evidence that this node found, by its hash.
    #[method(name = "evidence_file", param_kind = map)]
    async fn evidence_file(
        &self,
        channel: ChannelId,
        evidence: Hash,
    ) -> RpcResult<Option<EvidenceFile>>;

    /// State changes, events and statuses. Without `from` it begins with a snapshot of the head;
    /// with it, with the block at that height.
    #[subscription(name = "subscribe" => "notice", unsubscribe = "unsubscribe", item = Notice, param_kind = map)]
    async fn watch(
        &self,
        channel: ChannelId,
        from: Option<Height>,
        filter: Option<Filter>,
    ) -> SubscriptionResult;
}
