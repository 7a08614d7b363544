//! Settlement chains: the trait that a node needs of one, and one file a chain.

mod account;
mod ledger;
mod watcher;

use async_trait::async_trait;
use fairway_types::{
    ChannelId, Epoch, Hash, Height, Refusal, Time,
    chain::{ChainTx, ChannelRecord, EpochGrant},
    ledger::PackageSource,
    settlement::Proposal,
};
use tokio::sync::broadcast;

pub use ledger::LedgerChain;
pub use watcher::{ChainWords, Heard, watch};

/// Why the chain did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChainError {
    #[error("the settlement chain can't be reached: {reason}")]
    Unreachable { reason: String },
    #[error("{0}")]
    Refused(Refusal),
}

impl From<ChainError> for Refusal {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Unreachable { reason } => Self::ChainUnreachable { reason },
            ChainError::Refused(refusal) => refusal,
        }
    }
}

/// A channel's record, and the block after which it was read.
#[derive(Debug, Clone)]
pub struct Observed {
    pub record: ChannelRecord,
    pub height: Height,
    pub time: Time,
    pub is_final: bool,
}

/// What happened on the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Channel(ChannelId),
    /// Something may have been missed: read again.
    Unknown,
}

/// A chain on which channels are registered and settled. Speaks the contract's words.
#[async_trait]
pub trait SettlementChain: Send + Sync + 'static {
    /// The chain's record of a channel; `None` when it knows no such channel.
    async fn channel(&self, channel: ChannelId) -> Result<Option<Observed>, ChainError>;

    /// The grants of these epochs, ascending: a record has the last ones alone.
    async fn grants(
        &self,
        channel: ChannelId,
        first: Epoch,
        last: Epoch,
    ) -> Result<Vec<EpochGrant>, ChainError>;

    /// A registered package's sources.
    async fn package(&self, package: Hash) -> Result<PackageSource, ChainError>;

    /// Executes a node's word, signed by its node key. Answers when it is on the chain.
    async fn submit(&self, tx: &ChainTx) -> Result<(), ChainError>;

    /// Whether the contract would take the proposal as the chain stands; refused if not.
    async fn dry_run(&self, proposal: &Proposal) -> Result<(), ChainError>;

    /// The proposal that waits in the channel for its window.
    async fn waiting(&self, channel: ChannelId) -> Result<Option<Proposal>, ChainError>;

    /// What happens from now on.
    fn changes(&self) -> broadcast::Receiver<Change>;

    /// Why the chain can't be reached now, if it can't.
    fn unreachable(&self) -> Option<String>;
}
