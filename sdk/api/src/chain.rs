//! `chain.*`: the settlement chain as accounts use it.

use fairway_types::{
    Address, AssetId, ChainId, ChannelId, Gas, Hash, Height, JoinSequence, NodeId, SequenceNumber,
    Signature, SignedCall, Time,
    abi::ModuleAbi,
    chain::{ChannelConfig, ChannelRecord},
    contract::Backing,
    ledger::{LedgerTransaction, PackageSource, SignedLedgerTransaction},
    refusal::RefusalData,
};
use jsonrpsee::{
    core::{RpcResult, SubscriptionResult},
    proc_macros::rpc,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainInfo {
    pub chain: ChainId,
    pub height: Height,
    /// Time of the last block, milliseconds since 1970.
    pub time: Time,
    pub head: Hash,
    pub state_root: Hash,
    pub native: AssetId,
    /// Whether `chain.faucet` gives money away (development chains).
    pub faucet: bool,
}

/// An amount in the asset's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    #[serde(with = "fairway_types::codec::decimal")]
    #[schemars(with = "String")]
    pub amount: u64,
}

/// A channel's record and the block after which it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObservedChannel {
    pub record: ChannelRecord,
    pub height: Height,
    pub time: Time,
}

/// An event with its place on the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChainEvent {
    /// Counts all events of the chain from 0: the cursor. The next one to ask for is this plus one.
    pub number: u64,
    pub height: Height,
    pub transaction: Hash,
    /// The channel it is about, for events of the channel contracts.
    pub channel: Option<ChannelId>,
    #[serde(rename = "type")]
    pub type_tag: String,
    /// The event's fields.
    pub data: Value,
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionReport {
    pub transaction: Hash,
    pub height: Height,
    pub index: u32,
    pub gas_used: Gas,
    /// Why it failed; its sequence number is used up all the same.
    pub error: Option<RefusalData>,
    pub events: Vec<EventView>,
}

/// A Move event as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventView {
    #[serde(rename = "type")]
    pub type_tag: String,
    pub data: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerBlock {
    pub height: Height,
    pub hash: Hash,
    pub parent: Hash,
    pub time: Time,
    pub transactions_root: Hash,
    pub receipts_root: Hash,
    pub state_root: Hash,
    pub transactions: Vec<Hash>,
}

/// What a transaction on the ledger asks for, without its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum PayloadView {
    Invoke {
        /// `0x3::coin::transfer`
        function: String,
    },
    StorePackage {
        package: Hash,
        name: String,
    },
    Publish {
        package: Hash,
        name: String,
    },
    Judge {
        channel: ChannelId,
        /// Join sequence of the member that is accused.
        accused: JoinSequence,
    },
}

/// A transaction in a block of the ledger, and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TransactionInLedger {
    pub sender: Address,
    pub sequence: SequenceNumber,
    pub payload: PayloadView,
    pub report: TransactionReport,
}

/// A block with its transactions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerBlockInFull {
    pub block: LedgerBlock,
    pub transactions: Vec<TransactionInLedger>,
}

/// An account that has signed a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountView {
    pub account: Address,
    /// Its next sequence number: how many transactions of it are in blocks.
    pub sequence: SequenceNumber,
    /// What it holds of the native asset, in the smallest unit.
    #[serde(with = "fairway_types::codec::decimal")]
    #[schemars(with = "String")]
    pub balance: u64,
}

/// A module that an account published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContractView {
    pub address: Address,
    pub module: String,
    /// The package it came with: `chain.package` has its sources.
    pub package: Hash,
}

/// A package whose sources the chain keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackageView {
    pub package: Hash,
    pub name: String,
    pub files: u64,
    /// What the sources take on the chain.
    pub bytes: u64,
}

/// What an account wants from the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "action", deny_unknown_fields)]
pub enum Action {
    Transfer {
        /// The native asset when absent.
        #[serde(default)]
        asset: Option<AssetId>,
        to: Address,
        #[serde(with = "fairway_types::codec::decimal")]
        #[schemars(with = "String")]
        amount: u64,
    },
    /// Register a package's Move sources, so that nodes find them by hash.
    StorePackage { package: PackageSource },
    /// Publish a package of dApp contracts on the chain, at the sender's address.
    Publish { package: PackageSource },
    /// Create a channel for the package with this hash.
    Create { package: Hash, config: Box<ChannelConfig> },
    /// Join a channel: `node` acts for the member, `amount` is its deposit, `proof` is from
    /// `state_channel.join_proof` of that node.
    Join {
        channel: ChannelId,
        node: NodeId,
        #[serde(with = "fairway_types::codec::decimal")]
        #[schemars(with = "String")]
        amount: u64,
        endpoints: Vec<String>,
        proof: Signature,
        #[serde(default)]
        backing: Backing,
    },
    /// Ask the contract to take the sender out: for when no leader answers.
    Leave { channel: ChannelId },
    /// Ask the contract to close the channel; its creator may.
    Close { channel: ChannelId },
    /// Demand the sender's exit: if no settlement pays it within the channel's window, the channel
    /// closes at the best block that anybody shows, and each member is paid by it.
    Exit { channel: ChannelId },
    /// Add to the sender's stake, which backs its seats in many channels.
    Stake {
        /// The native asset when absent.
        #[serde(default)]
        asset: Option<AssetId>,
        #[serde(with = "fairway_types::codec::decimal")]
        #[schemars(with = "String")]
        amount: u64,
    },
    /// Ask to withdraw so much of the sender's stake, in the place of an earlier wish.
    AskWithdrawal {
        #[serde(default)]
        asset: Option<AssetId>,
        #[serde(with = "fairway_types::codec::decimal")]
        #[schemars(with = "String")]
        amount: u64,
    },
    /// Take what was asked for, once seven days have passed.
    WithdrawStake {
        #[serde(default)]
        asset: Option<AssetId>,
    },
    /// Give an account that has left a channel its collateral back, once its time has come.
    Release { channel: ChannelId, account: Address },
    /// Have the chain judge evidence about a block of a channel. The sender is an active member, or the
    /// node of one; a false accusation costs its bond.
    Judge {
        channel: ChannelId,
        /// Join sequence of the member whose node led the block.
        accused: JoinSequence,
        /// The bytes of a file of evidence, in hex.
        #[serde(with = "fairway_types::codec::hex_bytes")]
        #[schemars(with = "String")]
        file: Vec<u8>,
    },
    /// Complain that the channel's leader leaves this signed call of the sender undone.
    Complain { channel: ChannelId, call: Box<SignedCall> },
    /// Any entry function of a contract.
    Invoke {
        function: String,
        #[serde(default)]
        type_args: Vec<String>,
        args: Vec<Value>,
    },
}

/// A transaction to sign: `signature` is ed25519 over `signing_bytes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreparedTransaction {
    pub transaction: LedgerTransaction,
    #[serde(with = "fairway_types::codec::hex_bytes")]
    #[schemars(with = "String")]
    pub signing_bytes: Vec<u8>,
    pub hash: Hash,
}

/// The settlement chain.
#[rpc(client, server, namespace = "chain", namespace_separator = ".")]
pub trait ChainApi {
    /// Where the chain stands.
    #[method(name = "info", param_kind = map)]
    async fn info(&self) -> RpcResult<ChainInfo>;

    /// An account's next sequence number, after the last block.
    #[method(name = "sequence", param_kind = map)]
    async fn sequence(&self, account: Address) -> RpcResult<SequenceNumber>;

    /// What an account holds; of the native asset when none is named.
    #[method(name = "balance", param_kind = map)]
    async fn balance(&self, account: Address, asset: Option<AssetId>) -> RpcResult<Amount>;

    /// What the contract records of a channel.
    #[method(name = "channel", param_kind = map)]
    async fn channel(&self, channel: ChannelId) -> RpcResult<ObservedChannel>;

    /// A registered package's sources.
    #[method(name = "package", param_kind = map)]
    async fn package(&self, package: Hash) -> RpcResult<PackageSource>;

    /// The transaction that `action` is, ready to be signed by `sender`.
    #[method(name = "prepare", param_kind = map)]
    async fn prepare(&self, sender: Address, action: Action) -> RpcResult<PreparedTransaction>;

    /// Executes a transaction; answers when it is in a block that is stored.
    #[method(name = "submit", param_kind = map)]
    async fn submit(&self, transaction: SignedLedgerTransaction) -> RpcResult<TransactionReport>;

    /// What a transaction would do now; nothing is kept.
    #[method(name = "simulate", param_kind = map)]
    async fn simulate(&self, transaction: SignedLedgerTransaction) -> RpcResult<TransactionReport>;

    /// An executed transaction's report, if the chain has it.
    #[method(name = "transaction", param_kind = map)]
    async fn transaction(&self, transaction: Hash) -> RpcResult<Option<TransactionReport>>;

    /// Money for trying things out, on a development chain.
    #[method(name = "faucet", param_kind = map)]
    async fn faucet(&self, account: Address, amount: Amount) -> RpcResult<TransactionReport>;

    /// What is published at an address, `0x3` for the settlement contracts: functions, structs and
    /// aborts with their documentation. Empty for an account that published nothing.
    #[method(name = "abi", param_kind = map)]
    async fn abi(&self, address: Address) -> RpcResult<Vec<ModuleAbi>>;

    /// A contract's view.
    #[method(name = "view", param_kind = map)]
    async fn view(
        &self,
        function: String,
        type_args: Option<Vec<String>>,
        args: Vec<Value>,
    ) -> RpcResult<Vec<Value>>;

    /// A block by height.
    #[method(name = "block", param_kind = map)]
    async fn block(&self, height: Height) -> RpcResult<LedgerBlock>;

    /// Blocks from a height on with their transactions, at most `limit` (and 100).
    #[method(name = "blocks", param_kind = map)]
    async fn blocks(&self, from: Height, limit: Option<u32>) -> RpcResult<Vec<LedgerBlockInFull>>;

    /// Accounts that have signed a transaction, by address, after one if named, at most `limit` (and
    /// 100).
    #[method(name = "accounts", param_kind = map)]
    async fn accounts(
        &self,
        after: Option<Address>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<AccountView>>;

    /// Modules that accounts published, by address and name, after one if named (`0x…::board`), at most
    /// `limit` (and 100).
    #[method(name = "contracts", param_kind = map)]
    async fn contracts(
        &self,
        after: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<ContractView>>;

    /// Packages whose sources are kept, by hash, after one if named, at most `limit` (and 100).
    #[method(name = "packages", param_kind = map)]
    async fn packages(
        &self,
        after: Option<Hash>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<PackageView>>;

    /// Events from a number on, at most `limit` (and 1000), of one channel if named.
    #[method(name = "events", param_kind = map)]
    async fn events(
        &self,
        from: u64,
        limit: Option<u32>,
        channel: Option<ChannelId>,
    ) -> RpcResult<Vec<ChainEvent>>;

    /// Events as they happen, from a number on; from now on when absent.
    #[subscription(name = "subscribe_events" => "event", unsubscribe = "unsubscribe_events", item = ChainEvent, param_kind = map)]
    async fn watch_events(&self, from: Option<u64>) -> SubscriptionResult;
}
