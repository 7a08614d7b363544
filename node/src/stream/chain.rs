//! `chain.*` on a node: each request goes to the settlement chain as it came, so that an app needs
//! one connection.

use std::{future::Future, sync::Arc, time::Duration};

use fairway_api::{
    ChainApiClient, ChainApiServer,
    chain::{
        AccountView, Action, Amount, ChainEvent, ChainInfo, ContractView, LedgerBlock,
        LedgerBlockInFull, ObservedChannel, PackageView, PreparedTransaction, TransactionReport,
    },
    to_error,
};
use fairway_sdk::{Connection, Error};
use fairway_types::{
    Address, AssetId, ChannelId, Hash, Height, Refusal, SequenceNumber,
    abi::ModuleAbi,
    ledger::{PackageSource, SignedLedgerTransaction},
};
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionMessage,
    core::{ClientError, RpcResult, SubscriptionResult, async_trait},
    types::ErrorObject,
    ws_client::WsClient,
};
use serde_json::Value;

use crate::chain::ChainError;

/// How long a subscriber may take for one event.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct ChainPass {
    /// Not the node's own: clients' requests never queue in front of heartbeats and settlements.
    connection: Connection,
}

impl ChainPass {
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { connection: Connection::new(url) }
    }

    async fn pass<T, F>(&self, send: impl Fn(Arc<WsClient>) -> F) -> RpcResult<T>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        self.connection.request(send).await.map_err(|error| {
            if let Error::Rpc { code, message } = error {
                return ErrorObject::owned(code, message, None::<()>);
            }
            to_error(&Refusal::from(ChainError::from(error)))
        })
    }
}

#[async_trait]
impl ChainApiServer for ChainPass {
    async fn info(&self) -> RpcResult<ChainInfo> {
        self.pass(|chain| async move { chain.info().await }).await
    }

    async fn sequence(&self, account: Address) -> RpcResult<SequenceNumber> {
        self.pass(|chain| async move { ChainApiClient::sequence(&*chain, account).await }).await
    }

    async fn balance(&self, account: Address, asset: Option<AssetId>) -> RpcResult<Amount> {
        self.pass(|chain| async move { chain.balance(account, asset).await }).await
    }

    async fn channel(&self, channel: ChannelId) -> RpcResult<ObservedChannel> {
        self.pass(|chain| async move { ChainApiClient::channel(&*chain, channel).await }).await
    }

    async fn package(&self, package: Hash) -> RpcResult<PackageSource> {
        self.pass(|chain| async move { chain.package(package).await }).await
    }

    async fn prepare(&self, sender: Address, action: Action) -> RpcResult<PreparedTransaction> {
        self.pass(|chain| {
            let action = action.clone();
            async move { ChainApiClient::prepare(&*chain, sender, action).await }
        })
        .await
    }

    async fn submit(&self, transaction: SignedLedgerTransaction) -> RpcResult<TransactionReport> {
        self.pass(|chain| {
            let transaction = transaction.clone();
            async move { chain.submit(transaction).await }
        })
        .await
    }

    async fn simulate(&self, transaction: SignedLedgerTransaction) -> RpcResult<TransactionReport> {
        self.pass(|chain| {
            let transaction = transaction.clone();
            async move { chain.simulate(transaction).await }
        })
        .await
    }

    async fn transaction(&self, transaction: Hash) -> RpcResult<Option<TransactionReport>> {
        self.pass(|chain| async move { chain.transaction(transaction).await }).await
    }

    async fn faucet(&self, account: Address, amount: Amount) -> RpcResult<TransactionReport> {
        self.pass(|chain| async move { chain.faucet(account, amount).await }).await
    }

    async fn abi(&self, address: Address) -> RpcResult<Vec<ModuleAbi>> {
        self.pass(|chain| async move { ChainApiClient::abi(&*chain, address).await }).await
    }

    async fn view(
        &self,
        function: String,
        type_args: Option<Vec<String>>,
        args: Vec<Value>,
    ) -> RpcResult<Vec<Value>> {
        self.pass(|chain| {
            let (function, type_args, args) = (function.clone(), type_args.clone(), args.clone());
            async move { ChainApiClient::view(&*chain, function, type_args, args).await }
        })
        .await
    }

    async fn block(&self, height: Height) -> RpcResult<LedgerBlock> {
        self.pass(|chain| async move { chain.block(height).await }).await
    }

    async fn blocks(&self, from: Height, limit: Option<u32>) -> RpcResult<Vec<LedgerBlockInFull>> {
        self.pass(|chain| async move { ChainApiClient::blocks(&*chain, from, limit).await }).await
    }

    async fn accounts(
        &self,
        after: Option<Address>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<AccountView>> {
        self.pass(|chain| async move { chain.accounts(after, limit).await }).await
    }

    async fn contracts(
        &self,
        after: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<ContractView>> {
        self.pass(|chain| {
            let after = after.clone();
            async move { chain.contracts(after, limit).await }
        })
        .await
    }

    async fn packages(
        &self,
        after: Option<Hash>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<PackageView>> {
        self.pass(|chain| async move { chain.packages(after, limit).await }).await
    }

    async fn events(
        &self,
        from: u64,
        limit: Option<u32>,
        channel: Option<ChannelId>,
    ) -> RpcResult<Vec<ChainEvent>> {
        self.pass(|chain| async move { chain.events(from, limit, channel).await }).await
    }

    async fn watch_events(
        &self,
        pending: PendingSubscriptionSink,
        from: Option<u64>,
    ) -> SubscriptionResult {
        let mut events = self.pass(|chain| async move { chain.watch_events(from).await }).await?;
        let sink = pending.accept().await?;
        tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    event = events.next() => event,
                    () = sink.closed() => return,
                };
                let Some(Ok(event)) = event else { return };
                let Ok(text) = serde_json::value::to_raw_value(&event) else { return };
                if sink.send_timeout(SubscriptionMessage::from(text), PATIENCE).await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }
}
