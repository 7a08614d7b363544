//! The embedded ledger, by URL.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use fairway_api::ChainApiClient;
use fairway_sdk::{Connection, Error, Ledger};
use fairway_types::{
    ChannelId, Epoch, Hash, Keypair, Refusal,
    chain::{ChainTx, EpochGrant},
    contract,
    ledger::PackageSource,
    settlement::Proposal,
};
use tokio::sync::{broadcast, watch};
use tracing::{info, warn};

use super::{ChainError, Change, Observed, SettlementChain, account::Account};

/// Changes a watcher may lag behind before it is told to read again.
const CHANGES: usize = 1_024;
const RETRY: Duration = Duration::from_millis(250);

pub struct LedgerChain {
    ledger: Arc<Ledger>,
    account: Account,
    changes: broadcast::Sender<Change>,
    unreachable: watch::Receiver<Option<String>>,
}

impl LedgerChain {
    /// Follows the ledger at `url`, which need not be there yet.
    #[must_use]
    pub fn start(url: &str, key: Keypair) -> Self {
        let connection = Connection::new(url);
        let changes = broadcast::Sender::new(CHANGES);
        let (state, unreachable) = watch::channel(Some("not connected yet".to_owned()));
        tokio::spawn(follow(connection.clone(), changes.clone(), state));
        let ledger = Arc::new(Ledger::over(connection));
        Self { ledger, account: Account::new(key), changes, unreachable }
    }

    /// The ledger, for passing requests of accounts on.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }
}

impl From<Error> for ChainError {
    fn from(error: Error) -> Self {
        match error.refusal() {
            Some(refusal) => Self::Refused(refusal.clone()),
            None => Self::Unreachable { reason: error.to_string() },
        }
    }
}

#[async_trait]
impl SettlementChain for LedgerChain {
    async fn channel(&self, channel: ChannelId) -> Result<Option<Observed>, ChainError> {
        match self.ledger.channel(channel).await {
            Ok(seen) => Ok(Some(Observed {
                record: seen.record,
                height: seen.height,
                time: seen.time,
                // The ledger's blocks are final when they are answered.
                is_final: true,
            })),
            Err(Error::Refused(Refusal::ChannelNotFound { .. })) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn grants(
        &self,
        channel: ChannelId,
        first: Epoch,
        last: Epoch,
    ) -> Result<Vec<EpochGrant>, ChainError> {
        Ok(self.ledger.grants(channel, first, last).await?)
    }

    async fn package(&self, package: Hash) -> Result<PackageSource, ChainError> {
        Ok(self.ledger.package(package).await?)
    }

    async fn submit(&self, tx: &ChainTx) -> Result<(), ChainError> {
        let payloads = contract::payloads(tx).map_err(ChainError::Refused)?;
        for payload in payloads {
            self.account.execute(&self.ledger, payload).await?;
        }
        Ok(())
    }

    async fn waiting(&self, channel: ChannelId) -> Result<Option<Proposal>, ChainError> {
        Ok(self.ledger.waiting(channel).await?)
    }

    async fn dry_run(&self, proposal: &Proposal) -> Result<(), ChainError> {
        self.ledger.dry_run(proposal).await?;
        Ok(())
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    fn unreachable(&self) -> Option<String> {
        self.unreachable.borrow().clone()
    }
}

/// Keeps a subscription to the ledger's events; ends when nobody listens any more.
async fn follow(
    connection: Connection,
    changes: broadcast::Sender<Change>,
    state: watch::Sender<Option<String>>,
) {
    while !state.is_closed() {
        match listen(&connection, &changes, &state).await {
            Ok(()) => lost(&state, &changes, "the connection was closed".into()),
            Err(error) => lost(&state, &changes, error.to_string()),
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn lost(
    state: &watch::Sender<Option<String>>,
    changes: &broadcast::Sender<Change>,
    reason: String,
) {
    let first = state.send_if_modified(|known| {
        let first = known.is_none();
        *known = Some(reason.clone());
        first
    });
    if first {
        warn!(reason, "the settlement chain can't be reached: reads go on, nothing settles");
        let _ = changes.send(Change::Unknown);
    }
}

async fn listen(
    connection: &Connection,
    changes: &broadcast::Sender<Change>,
    state: &watch::Sender<Option<String>>,
) -> Result<(), Error> {
    let client = connection.client().await?;
    let unreachable = |error: jsonrpsee::core::ClientError| Error::Unreachable {
        url: connection.url().to_owned(),
        reason: error.to_string(),
    };
    let mut events = client.watch_events(None).await.map_err(unreachable)?;
    info!(url = connection.url(), "following the settlement chain");
    state.send_replace(None);
    let _ = changes.send(Change::Unknown);
    while let Some(event) = events.next().await {
        let channel = event.map_err(|error| unreachable(error.into()))?.channel;
        if let Some(channel) = channel {
            let _ = changes.send(Change::Channel(channel));
        }
        if state.is_closed() {
            return Ok(());
        }
    }
    Ok(())
}
