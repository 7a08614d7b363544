//! `chain.*` over HTTP and WebSocket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use fairway_api::{
    ChainApiServer,
    chain::{
        AccountView, Action, Amount, ChainEvent, ChainInfo, ContractView, LedgerBlock,
        LedgerBlockInFull, ObservedChannel, PackageView, PreparedTransaction, TransactionReport,
    },
    to_error,
};
use fairway_sandbox::GasTable;
use fairway_state::State;
use fairway_types::{
    Address, AssetId, ChannelId, FunctionName, Gas, Hash, Height, Refusal, SequenceNumber,
    abi::{ModuleAbi, codec as json},
    contract,
    crypto::Signable,
    ledger::{LedgerPayload, LedgerTransaction, PackageSource, SignedLedgerTransaction},
    limits,
};
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink,
    core::{RpcResult, SubscriptionResult, async_trait},
};
use serde_json::Value;

use crate::{listing, machine::Ledger, rpc, sequencer::Executed, service::Service, view};

/// A package's sources as JSON fit a request.
const LIMITS: rpc::Limits = rpc::Limits {
    request_bytes: 4 << 20,
    answer_bytes: 16 << 20,
    connections: 1_024,
    subscriptions: 1_024,
    waiting: &["chain.submit", "chain.faucet"],
};
/// Events in one answer.
const EVENTS: usize = 1_000;
/// How long a subscriber may take for one event.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a prepared transaction is valid by the ledger's clock, in milliseconds: ten minutes.
pub const LIFETIME: u64 = 10 * 60 * 1000;

/// Answers `chain.*` from a running ledger.
pub struct ChainServer {
    service: Service,
}

impl ChainServer {
    #[must_use]
    pub fn new(service: Service) -> Self {
        Self { service }
    }

    /// The state as it is now: who reads it holds up no block.
    fn state(&self) -> State {
        self.service.ledger().state().clone()
    }

    fn report(&self, executed: &Executed, gas_limit: Gas) -> TransactionReport {
        view::report(&self.service.ledger(), executed, gas_limit)
    }

    /// Events from a number on that the filter wants, and the number after the last one looked at.
    fn events_from(
        &self,
        from: u64,
        limit: usize,
        channel: Option<ChannelId>,
    ) -> Result<(Vec<ChainEvent>, u64), Refusal> {
        let mut next = from;
        let mut found = Vec::new();
        while found.len() < limit {
            let events = self.service.store().events(next, EVENTS).map_err(Refusal::from)?;
            let Some((last, _)) = events.last() else { break };
            next = last + 1;
            let ledger = self.service.ledger();
            let wanted =
                events.iter().filter(|(_, event)| channel.is_none() || event.channel() == channel);
            found.extend(wanted.map(|(number, event)| view::chain_event(&ledger, *number, event)));
        }
        if found.len() > limit {
            found.truncate(limit);
            next = found.last().map_or(next, |event| event.number + 1);
        }
        Ok((found, next))
    }

    async fn feed(self, sink: SubscriptionSink, from: u64) {
        let mut watch = self.service.watch_events();
        let mut next = from;
        loop {
            watch.mark_unchanged();
            let Ok((events, after)) = self.events_from(next, EVENTS, None) else { return };
            next = after;
            for event in &events {
                let Ok(text) = serde_json::value::to_raw_value(event) else { return };
                if sink.send_timeout(SubscriptionMessage::from(text), PATIENCE).await.is_err() {
                    return;
                }
            }
            if events.is_empty() {
                tokio::select! {
                    changed = watch.changed() => if changed.is_err() { return },
                    () = sink.closed() => return,
                }
            }
        }
    }
}

/// The payload that an account's wish is.
fn payload(ledger: &Ledger, action: Action) -> Result<LedgerPayload, Refusal> {
    Ok(match action {
        Action::Transfer { asset, to, amount } => {
            contract::transfer(asset.unwrap_or(contract::NATIVE), to, amount)
        }
        Action::StorePackage { package } => LedgerPayload::StorePackage { package },
        Action::Publish { package } => LedgerPayload::Publish { package },
        Action::Create { package, config } => {
            GasTable::find(config.gas_table)?;
            contract::create(package, &config)
        }
        Action::Join { channel, node, amount, endpoints, proof, backing } => {
            contract::join(channel, node, amount, &endpoints, &proof, backing)
        }
        Action::Leave { channel } => contract::leave(channel),
        Action::Close { channel } => contract::close(channel),
        Action::Exit { channel } => contract::demand_exit(channel),
        Action::Stake { asset, amount } => {
            contract::stake(asset.unwrap_or(contract::NATIVE), amount)
        }
        Action::AskWithdrawal { asset, amount } => {
            contract::ask_withdrawal(asset.unwrap_or(contract::NATIVE), amount)
        }
        Action::WithdrawStake { asset } => {
            contract::withdraw_stake(asset.unwrap_or(contract::NATIVE))
        }
        Action::Release { channel, account } => contract::release(channel, account),
        Action::Judge { channel, accused, file } => LedgerPayload::Judge { channel, accused, file },
        Action::Complain { channel, call } => contract::complain(channel, &call),
        Action::Invoke { function, type_args, args } => {
            let (function, args) = arguments(ledger, &function, &type_args, &args)?;
            LedgerPayload::Invoke { function, type_args, args }
        }
    })
}

/// A function's JSON arguments as BCS.
fn arguments(
    ledger: &Ledger,
    function: &str,
    type_args: &[String],
    args: &[Value],
) -> Result<(FunctionName, Vec<Vec<u8>>), Refusal> {
    let function: FunctionName = function.parse()?;
    let abi = ledger
        .abi()
        .module(&function.address, &function.module)
        .and_then(|module| module.function(&function.function))
        .ok_or_else(|| Refusal::FunctionNotFound { function: function.to_string() })?;
    let types = type_args
        .iter()
        .map(|text| text.parse().map_err(|_| Refusal::invalid("type_args", text.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    let args = json::encode_args(ledger.abi(), abi, &types, args)?;
    Ok((function, args))
}

fn rpc<T>(result: Result<T, Refusal>) -> RpcResult<T> {
    result.map_err(|refusal| to_error(&refusal))
}

#[async_trait]
impl ChainApiServer for ChainServer {
    async fn info(&self) -> RpcResult<ChainInfo> {
        let ledger = self.service.ledger();
        let head = ledger.head();
        Ok(ChainInfo {
            chain: ledger.chain(),
            height: head.height,
            time: head.time,
            head: head.hash,
            state_root: head.state_root,
            native: contract::NATIVE,
            faucet: self.service.has_faucet(),
        })
    }

    async fn sequence(&self, account: Address) -> RpcResult<SequenceNumber> {
        Ok(self.service.ledger().sequence(account))
    }

    async fn balance(&self, account: Address, asset: Option<AssetId>) -> RpcResult<Amount> {
        let asset = asset.unwrap_or(contract::NATIVE);
        rpc(self.service.ledger().balance(account, asset).map(|amount| Amount { amount }))
    }

    async fn channel(&self, channel: ChannelId) -> RpcResult<ObservedChannel> {
        let ledger = self.service.ledger();
        let record = rpc(ledger.channel(channel))?;
        Ok(ObservedChannel { record, height: ledger.height(), time: ledger.time() })
    }

    async fn package(&self, package: Hash) -> RpcResult<PackageSource> {
        let found = self.service.ledger().package(&package);
        rpc(found.ok_or_else(|| Refusal::not_found(format!("package {package}"))))
    }

    async fn prepare(&self, sender: Address, action: Action) -> RpcResult<PreparedTransaction> {
        let ledger = self.service.ledger();
        let payload = rpc(payload(&ledger, action))?;
        let transaction = LedgerTransaction {
            chain: ledger.chain(),
            sender,
            sequence: ledger.sequence(sender),
            gas_limit: payload.most_gas(),
            payload,
            expires_at: ledger.time().max(crate::sequencer::clock()).plus(LIFETIME),
        };
        let hash = transaction.hash();
        Ok(PreparedTransaction { signing_bytes: transaction.signing_bytes(), hash, transaction })
    }

    async fn submit(&self, transaction: SignedLedgerTransaction) -> RpcResult<TransactionReport> {
        let gas_limit = transaction.transaction.gas_limit;
        let executed = rpc(self.service.submit(transaction).await)?;
        Ok(self.report(&executed, gas_limit))
    }

    async fn simulate(&self, transaction: SignedLedgerTransaction) -> RpcResult<TransactionReport> {
        let gas_limit = transaction.transaction.gas_limit;
        let receipt = rpc(self.service.simulate(transaction).await)?;
        let height = self.service.ledger().height().next();
        Ok(self.report(&Executed { height, index: 0, receipt }, gas_limit))
    }

    async fn transaction(&self, transaction: Hash) -> RpcResult<Option<TransactionReport>> {
        let store = self.service.store();
        let place = rpc(store.place(&transaction).map_err(Refusal::from))?;
        let Some((height, index)) = place else { return Ok(None) };
        let block = rpc(store.block(height).map_err(Refusal::from))?;
        let Some(block) = block else { return Ok(None) };
        let at = index as usize;
        let (Some(receipt), Some(signed)) = (block.receipts.get(at), block.transactions.get(at))
        else {
            return Ok(None);
        };
        let executed = Executed { height, index, receipt: receipt.clone() };
        Ok(Some(self.report(&executed, signed.transaction.gas_limit)))
    }

    async fn faucet(&self, account: Address, amount: Amount) -> RpcResult<TransactionReport> {
        let executed = rpc(self.service.faucet(account, amount.amount).await)?;
        Ok(self.report(&executed, Gas(limits::CALL_GAS)))
    }

    async fn abi(&self, address: Address) -> RpcResult<Vec<ModuleAbi>> {
        let ledger = self.service.ledger();
        let there = ledger.abi().modules.iter().filter(|module| module.address == address);
        Ok(there.cloned().collect())
    }

    async fn view(
        &self,
        function: String,
        type_args: Option<Vec<String>>,
        args: Vec<Value>,
    ) -> RpcResult<Vec<Value>> {
        let ledger = self.service.ledger();
        let type_args = type_args.unwrap_or_default();
        let (function, args) = rpc(arguments(&ledger, &function, &type_args, &args))?;
        let values = rpc(ledger.view(&function, &type_args, &args))?;
        let decode = |(ty, bytes): &(_, Vec<u8>)| json::decode(ledger.abi(), ty, bytes);
        let decoded: Result<Vec<Value>, _> = values.iter().map(decode).collect();
        rpc(decoded.map_err(Refusal::from))
    }

    async fn block(&self, height: Height) -> RpcResult<LedgerBlock> {
        let stored = rpc(self.service.store().block(height).map_err(Refusal::from))?;
        let missing = || Refusal::not_found(format!("block {height}"));
        rpc(stored.map(|block| view::block(&block)).ok_or_else(missing))
    }

    async fn blocks(&self, from: Height, limit: Option<u32>) -> RpcResult<Vec<LedgerBlockInFull>> {
        rpc(listing::blocks(&self.service, from, limit))
    }

    async fn accounts(
        &self,
        after: Option<Address>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<AccountView>> {
        let accounts = listing::accounts(&self.state(), after, limit);
        rpc(listing::with_balances(&self.service.ledger(), accounts))
    }

    async fn contracts(
        &self,
        after: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<ContractView>> {
        rpc(listing::contracts(&self.state(), after.as_deref(), limit))
    }

    async fn packages(
        &self,
        after: Option<Hash>,
        limit: Option<u32>,
    ) -> RpcResult<Vec<PackageView>> {
        Ok(listing::packages(&self.state(), after, limit))
    }

    async fn events(
        &self,
        from: u64,
        limit: Option<u32>,
        channel: Option<ChannelId>,
    ) -> RpcResult<Vec<ChainEvent>> {
        let limit = limit.map_or(EVENTS, |limit| limit as usize).min(EVENTS);
        rpc(self.events_from(from, limit, channel).map(|(events, _)| events))
    }

    async fn watch_events(
        &self,
        pending: PendingSubscriptionSink,
        from: Option<u64>,
    ) -> SubscriptionResult {
        let sink = pending.accept().await?;
        let from = match from {
            Some(from) => from,
            None => self.service.store().event_count()?,
        };
        tokio::spawn(Self::new(self.service.clone()).feed(sink, from));
        Ok(())
    }
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    server: rpc::Server,
}

impl Server {
    /// Serves `chain.*` on `address` to whom `access` lets in; port 0 takes a free one.
    pub async fn start(
        service: Service,
        address: SocketAddr,
        access: rpc::Access,
    ) -> Result<Self, ServeError> {
        let failed = |error: std::io::Error| ServeError { address, reason: error.to_string() };
        let methods = ChainServer::new(service).into_rpc();
        let server = rpc::Server::start(methods, address, LIMITS, access).await.map_err(failed)?;
        Ok(Self { address: server.address, server })
    }

    /// Requests that were not let in.
    #[must_use]
    pub fn denials(&self) -> &Arc<rpc::Denials> {
        &self.server.denials
    }

    /// Closes connections and frees the port.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {reason}; choose another address or stop who uses it")]
pub struct ServeError {
    pub address: SocketAddr,
    pub reason: String,
}
