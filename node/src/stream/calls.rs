//! `state_channel.*`.

use std::{sync::Arc, time::Instant};

use fairway_api::{
    StateChannelApiServer,
    chain::TransactionReport,
    channel::{
        Activity, At, BlockView, CallReport, CallRequest, ChannelInfo, EvidenceFile, GasReport,
        Joined, NodeStatus, PeerView, PreparedCall, ProposalView, Proposed, ResourceRead,
        StatePage, VerdictView, Viewed,
    },
};
use fairway_proto::{
    Request,
    channel::{
        execution,
        log::Tip,
        output::{CallReport as ExecutedCall, Reply},
        sessions::sessions,
        snapshot::Point,
    },
};
use fairway_sdk::Error;
use fairway_types::{
    Address, Call, ChannelId, FunctionName, Gas, Hash, Height, NodeId, Operation, PublicKey,
    Refusal, SequenceNumber, Signature, SignedCall, Verified,
    abi::{FunctionAbi, PackageAbi, TypeAbi, codec as json},
    call::{CallStatus, Counter},
    chain::ChannelRecord,
    codec,
    crypto::{Signable, Verify},
    ledger::{LedgerPayload, SignedLedgerTransaction},
    limits,
    session::Session,
    subscription::Filter,
    windows::Guard,
};
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{RpcResult, SubscriptionResult, async_trait},
};
use serde_json::Value;
use tokio::{sync::Semaphore, task::block_in_place};

use super::{
    notices,
    reads::{self, read_at, read_resource, run_view},
    rpc,
    signatures::Signatures,
    view,
};
use crate::{
    chain::ChainError,
    driver::{ChannelHandle, View, clock},
    node::Node,
    traces::FollowedCall,
};

/// Blocks in one answer.
const BLOCKS: u32 = 100;
/// Transactions after which an answer holds no further block.
const BLOCKS_TRANSACTIONS: usize = 4_096;
/// Bytes of blocks after which an answer holds no further one: as JSON they are a few times more.
const BLOCKS_BYTES: usize = 8 << 20;
/// Other nodes in one answer.
const PEERS: usize = 1_024;
/// Views, block reads and snapshots for subscribers under way at a time.
const READS: usize = 4;
/// Readings of earlier states under way at a time, of all channels: they take none of those above.
const PAST_READS: usize = 2;
/// How long a prepared call is valid, unless asked otherwise.
const LIFETIME: u64 = 60_000;

/// Answers `state_channel.*` from a running node.
pub struct ChannelServer {
    node: Node,
    /// Reads that keep a thread busy.
    reads: Arc<Semaphore>,
    /// Reads of earlier states, which may take longer.
    past_reads: Semaphore,
    signatures: Arc<Signatures>,
}

impl ChannelServer {
    #[must_use]
    pub fn new(node: Node) -> Self {
        let (reads, past_reads) = (Arc::new(Semaphore::new(READS)), Semaphore::new(PAST_READS));
        Self { node, reads, past_reads, signatures: Arc::default() }
    }

    /// Runs a read that takes long off the network's threads, a few at a time.
    async fn read<T>(&self, run: impl FnOnce() -> Result<T, Refusal>) -> RpcResult<T> {
        let _permit = self.reads.acquire().await;
        rpc(block_in_place(run))
    }

    /// The same for one of an earlier state.
    async fn read_past<T>(&self, run: impl FnOnce() -> Result<T, Refusal>) -> RpcResult<T> {
        let _permit = self.past_reads.acquire().await;
        rpc(block_in_place(run))
    }

    async fn record(&self, channel: ChannelId) -> Result<ChannelRecord, Refusal> {
        let running =
            self.node.channel(channel).ok().and_then(|handle| handle.view().record.clone());
        if let Some(record) = running {
            return Ok((*record).clone());
        }
        let ledger = self.node.chain().ledger();
        Ok(ledger.channel(channel).await.map_err(refusal)?.record)
    }

    async fn info(&self, channel: ChannelId) -> Result<ChannelInfo, Refusal> {
        let record = self.record(channel).await?;
        let handle = self.node.channel(channel).ok();
        let status = handle.map(|handle| view::status(&handle, &handle.view()));
        Ok(ChannelInfo { record, status })
    }

    async fn submit(
        &self,
        transaction: SignedLedgerTransaction,
    ) -> Result<TransactionReport, Refusal> {
        self.node.chain().ledger().submit(transaction).await.map_err(refusal)
    }

    /// Orders a call, and counts what comes of it.
    async fn order(
        &self,
        call: SignedCall,
        wait: Option<CallStatus>,
    ) -> Result<CallReport, Refusal> {
        let started = Instant::now();
        let wait = wait.unwrap_or(CallStatus::Certified);
        let handle = self.node.channel(call.call.channel);
        let ordered = match &handle {
            Ok(handle) => self.order_in(handle, call, wait, started).await,
            Err(refusal) => Err(refusal.clone()),
        };
        match (&ordered, &handle) {
            (Err(refusal), _) => self.node.refusals().count(refusal),
            (Ok(_), Ok(handle)) if wait == CallStatus::Certified => {
                handle.meter().to_certified.observe(started.elapsed());
            }
            (Ok(_), _) => {}
        }
        ordered
    }

    /// P-37: what this node can refuse at once goes no further. A call that is in the log already
    /// is answered from there, also by a node that was restarted since.
    async fn order_in(
        &self,
        handle: &ChannelHandle,
        call: SignedCall,
        wait: CallStatus,
        arrived: Instant,
    ) -> Result<CallReport, Refusal> {
        handle.check_room()?;
        let _under_way = self.signatures.begin();
        let hash = call.hash();
        let followed = handle.follow(hash, &call.call, arrived);
        let ordered = self.order_followed(handle, call, hash, wait, followed.as_ref()).await;
        if let Some(followed) = followed {
            followed.answered(&ordered);
        }
        ordered
    }

    async fn order_followed(
        &self,
        handle: &ChannelHandle,
        call: SignedCall,
        hash: Hash,
        wait: CallStatus,
        followed: Option<&FollowedCall>,
    ) -> Result<CallReport, Refusal> {
        let limit = call.call.gas_limit;
        let call = self.signatures.verify(call).await?;
        if let Some(followed) = followed {
            followed.admitted();
        }
        match pass_on(handle, call, wait).await {
            Ok(Reply::Call(report)) => executed(handle, &report, limit),
            Ok(Reply::Proposed { .. } | Reply::Guard(_)) => Err(unexpected()),
            // Whoever is refused for want of room has not been ordered yet, or can ask again.
            Err(refusal @ Refusal::Busy { .. }) => Err(refusal),
            // It may be in the log: its number is used by this very call, or its block has left memory.
            Err(refusal) => {
                let report = stored(handle, &hash, wait).await?;
                report.map_or(Err(refusal), succeeded)
            }
        }
    }

    async fn order_only(
        &self,
        call: SignedCall,
        operation: &Operation,
        wait: Option<CallStatus>,
    ) -> Result<CallReport, Refusal> {
        if call.call.operation != *operation {
            let reason = format!("expected the operation {operation:?}");
            return Err(Refusal::invalid("call", reason));
        }
        self.order(call, wait).await
    }
}

/// Hands a call that could run to the channel.
async fn pass_on(
    handle: &ChannelHandle,
    call: Verified<SignedCall>,
    wait: CallStatus,
) -> Result<Reply, Refusal> {
    if let Some((function, type_args, args)) = call.call.operation.invoked() {
        handle.sandbox.check_call(function, type_args, args)?;
    }
    handle.call(call, wait).await
}

/// The report of a call in the log, once it has reached `wait`; `None` if it is not in the log.
async fn stored(
    handle: &ChannelHandle,
    call: &Hash,
    wait: CallStatus,
) -> Result<Option<CallReport>, Refusal> {
    let Some((height, _)) = handle.store.call(call)? else { return Ok(None) };
    let mut views = handle.watch();
    let reached = views.wait_for(|view| view::status_at(view, height) >= wait);
    reached.await.map_err(|_| Refusal::NotReady {
        what: "the channel".into(),
        reason: "it was stopped: ask for the call's report later".into(),
    })?;
    read_report(handle, call)
}

fn succeeded(report: CallReport) -> Result<CallReport, Refusal> {
    match report.error.as_ref().and_then(Refusal::from_data) {
        Some(refusal) => Err(refusal),
        None => Ok(report),
    }
}

/// A call that failed in execution is answered with why; its report can be read afterwards.
fn executed(
    handle: &ChannelHandle,
    report: &ExecutedCall,
    limit: Gas,
) -> Result<CallReport, Refusal> {
    if let Some(refusal) = view::failure(&handle.sandbox, &report.effects, limit) {
        return Err(refusal);
    }
    let events = &report.effects.events;
    Ok(CallReport {
        call: report.call,
        height: report.height,
        index: report.index,
        status: report.status,
        gas_used: report.effects.gas_used,
        error: None,
        events: events.iter().map(|event| view::event(&handle.sandbox, event)).collect(),
    })
}

fn unexpected() -> Refusal {
    Refusal::Internal { reason: "the channel answered another request".into() }
}

fn refusal(error: Error) -> Refusal {
    ChainError::from(error).into()
}

/// The channel and the node that a join names: a call of `channel::join`, or of a dApp's function
/// that takes the same arguments.
fn joined(transaction: &SignedLedgerTransaction) -> Option<(ChannelId, NodeId)> {
    let LedgerPayload::Invoke { args, .. } = &transaction.transaction.payload else {
        return None;
    };
    let [channel, node, _, _, _, _, _] = args.as_slice() else { return None };
    Some((ChannelId::from_slice(channel)?, NodeId::from_slice(node)?))
}

/// The state a read sees.
pub(super) fn tip(view: &View, at: Option<At>) -> Result<&Tip, Refusal> {
    let tip = match at.unwrap_or_default() {
        At::Head => &view.head,
        At::Certified => &view.certified,
        At::Final => &view.finalised,
    };
    tip.as_ref().ok_or_else(|| Refusal::NotReady {
        what: "the channel's state".into(),
        reason: "its first epoch was not granted yet".into(),
    })
}

fn types(texts: &[String]) -> Result<Vec<TypeAbi>, Refusal> {
    texts
        .iter()
        .map(|text| text.parse().map_err(|_| Refusal::invalid("type argument", text.clone())))
        .collect()
}

/// A function of the channel's package and its arguments as BCS.
pub(super) fn arguments(
    abi: &PackageAbi,
    function: &str,
    type_args: &[String],
    args: &[Value],
) -> Result<(FunctionName, Vec<Vec<u8>>), Refusal> {
    let function: FunctionName = function.parse()?;
    let found: &FunctionAbi = abi
        .module(&function.address, &function.module)
        .and_then(|module| module.function(&function.function))
        .ok_or_else(|| Refusal::FunctionNotFound { function: function.to_string() })?;
    let args = json::encode_args(abi, found, &types(type_args)?, args)?;
    Ok((function, args))
}

fn prepare(
    handle: &ChannelHandle,
    sender: Address,
    request: CallRequest,
    sequence: Option<SequenceNumber>,
    gas_limit: Option<Gas>,
    lifetime: Option<u64>,
) -> Result<PreparedCall, Refusal> {
    let operation = match request {
        CallRequest::Invoke { function, type_args, args, session } => {
            let (function, args) = arguments(handle.sandbox.abi(), &function, &type_args, &args)?;
            handle.sandbox.check_call(&function, &type_args, &args)?;
            match session {
                Some(key) => Operation::Session { key, function, type_args, args },
                None => Operation::Invoke { function, type_args, args },
            }
        }
        CallRequest::Leave => Operation::Leave,
        CallRequest::Close => Operation::Close,
        CallRequest::Delegate { session } => Operation::Delegate(session),
        CallRequest::Revoke { key } => Operation::Revoke { key },
    };
    let view = handle.view();
    let record = view.record.as_ref().ok_or_else(|| Refusal::NotReady {
        what: "the channel".into(),
        reason: "the chain was not read yet".into(),
    })?;
    let mut call = Call {
        chain: record.chain,
        channel: handle.id,
        sender,
        sequence: SequenceNumber::ZERO,
        operation,
        gas_limit: gas_limit.unwrap_or(Gas(limits::CALL_GAS)),
        expires_at: clock().plus(lifetime.unwrap_or(LIFETIME).min(limits::CALL_LIFETIME)),
    };
    call.sequence = sequence.unwrap_or_else(|| next_sequence(&view, call.counter()));
    Ok(PreparedCall { signing_bytes: call.signing_bytes(), hash: call.hash(), call })
}

fn next_sequence(view: &View, counter: impl Into<Counter>) -> SequenceNumber {
    let tip = view.head.as_ref();
    tip.map(|tip| execution::next_sequence(&tip.state, counter)).unwrap_or_default()
}

fn blocks(handle: &ChannelHandle, from: Height, limit: u32) -> Result<Vec<BlockView>, Refusal> {
    let mut found = Vec::new();
    let mut height = from.max(Height(1));
    let (mut transactions, mut bytes) = (0, 0);
    while found.len() < limit.min(BLOCKS) as usize
        && transactions < BLOCKS_TRANSACTIONS
        && bytes < BLOCKS_BYTES
    {
        let Some(appended) = handle.store.block(height)? else { break };
        bytes += codec::size(&appended);
        transactions += appended.effects.len();
        found.push(view::block(&handle.sandbox, &appended));
        height = height.next();
    }
    if found.is_empty() {
        handle.store.check_kept(height)?;
    }
    Ok(found)
}

fn read_report(handle: &ChannelHandle, call: &Hash) -> Result<Option<CallReport>, Refusal> {
    let Some((height, index)) = handle.store.call(call)? else { return Ok(None) };
    let Some(appended) = handle.store.block(height)? else {
        handle.store.check_kept(height)?;
        return Ok(None);
    };
    let status = view::status_at(&handle.view(), height);
    Ok(view::report(&handle.sandbox, &appended, index, status))
}

#[async_trait]
impl StateChannelApiServer for ChannelServer {
    async fn status(&self) -> RpcResult<NodeStatus> {
        let node = &self.node;
        let channels = node.channels();
        Ok(NodeStatus {
            node: node.id(),
            account: node.id().address(),
            version: env!("CARGO_PKG_VERSION").into(),
            endpoints: node.endpoints().iter().map(ToString::to_string).collect(),
            connected_peers: node.peers().connected() as u64,
            chain_unreachable: crate::chain::SettlementChain::unreachable(node.chain()),
            channels: channels.iter().map(|handle| view::status(handle, &handle.view())).collect(),
        })
    }

    async fn list(&self) -> RpcResult<Vec<ChannelId>> {
        Ok(self.node.channels().iter().map(|handle| handle.id).collect())
    }

    async fn get(&self, channel: ChannelId) -> RpcResult<ChannelInfo> {
        rpc(self.info(channel).await)
    }

    async fn abi(&self, channel: ChannelId) -> RpcResult<PackageAbi> {
        rpc(self.node.channel(channel).map(|handle| handle.sandbox.abi().clone()))
    }

    async fn create(&self, transaction: SignedLedgerTransaction) -> RpcResult<Joined> {
        let report = rpc(self.submit(transaction).await)?;
        let created = report.events.iter().find_map(|event| {
            let created = event.type_tag.ends_with("::channel::ChannelCreated");
            created.then(|| event.data.get("channel")?.as_str()?.parse().ok())?
        });
        let missing = || Refusal::invalid("transaction", "it creates no channel");
        Ok(Joined { channel: rpc(created.ok_or_else(missing))?, transaction: report })
    }

    async fn join_proof(&self, channel: ChannelId, account: Address) -> RpcResult<Signature> {
        rpc(self.node.join_proof(channel, account).await)
    }

    async fn join(&self, transaction: SignedLedgerTransaction) -> RpcResult<Joined> {
        let expected =
            || Refusal::invalid("transaction", "expected a call with channel::join's arguments");
        let (channel, named) = rpc(joined(&transaction).ok_or_else(expected))?;
        let me = self.node.id();
        if named != me {
            let reason = format!("the transaction names node {named}, this is {me}");
            return rpc(Err(Refusal::Unauthorised { reason }));
        }
        // A forged request costs this node nothing more, and a member learns that its node can't run
        // the package before it locks anything.
        let transaction = rpc(transaction.verify())?.into_inner();
        rpc(self.node.prepare(channel).await)?;
        let report = rpc(self.submit(transaction).await)?;
        rpc(self.node.open_joined(channel).await)?;
        Ok(Joined { channel, transaction: report })
    }

    async fn open(&self, channel: ChannelId) -> RpcResult<ChannelInfo> {
        rpc(self.node.open(channel).await)?;
        rpc(self.info(channel).await)
    }

    async fn sequence(
        &self,
        channel: ChannelId,
        account: Address,
        session: Option<PublicKey>,
    ) -> RpcResult<SequenceNumber> {
        let handle = rpc(self.node.channel(channel))?;
        Ok(next_sequence(&handle.view(), Counter { account, session }))
    }

    async fn activity(&self, channel: ChannelId) -> RpcResult<Activity> {
        rpc(self.node.channel(channel).map(|handle| view::activity(&handle)))
    }

    async fn peers(&self, channel: Option<ChannelId>) -> RpcResult<Vec<PeerView>> {
        let linked = self.node.peers().linked(channel, PEERS);
        Ok(linked.into_iter().map(view::peer).collect())
    }

    async fn sessions(&self, channel: ChannelId, account: Address) -> RpcResult<Vec<Session>> {
        let handle = rpc(self.node.channel(channel))?;
        let view = handle.view();
        let delegated = rpc(tip(&view, None).map(|tip| sessions(&tip.state, account)))?;
        Ok(delegated.into_iter().map(|delegated| delegated.session).collect())
    }

    async fn prepare(
        &self,
        channel: ChannelId,
        sender: Address,
        request: CallRequest,
        sequence: Option<SequenceNumber>,
        gas_limit: Option<Gas>,
        lifetime_ms: Option<u64>,
    ) -> RpcResult<PreparedCall> {
        let handle = rpc(self.node.channel(channel))?;
        rpc(prepare(&handle, sender, request, sequence, gas_limit, lifetime_ms))
    }

    async fn call(&self, call: SignedCall, wait: Option<CallStatus>) -> RpcResult<CallReport> {
        rpc(self.order(call, wait).await)
    }

    async fn leave(&self, call: SignedCall, wait: Option<CallStatus>) -> RpcResult<CallReport> {
        rpc(self.order_only(call, &Operation::Leave, wait).await)
    }

    async fn close(&self, call: SignedCall, wait: Option<CallStatus>) -> RpcResult<CallReport> {
        rpc(self.order_only(call, &Operation::Close, wait).await)
    }

    async fn report(&self, channel: ChannelId, call: Hash) -> RpcResult<Option<CallReport>> {
        let handle = rpc(self.node.channel(channel))?;
        rpc(read_report(&handle, &call))
    }

    async fn view(
        &self,
        channel: ChannelId,
        function: String,
        type_args: Option<Vec<String>>,
        args: Vec<Value>,
        at: Option<At>,
        height: Option<Height>,
    ) -> RpcResult<Viewed> {
        let handle = rpc(self.node.channel(channel))?;
        let type_args = type_args.unwrap_or_default();
        let view = handle.view();
        let run = |point: &Point| run_view(&handle, &view, point, &function, &type_args, &args);
        match height {
            Some(_) => self.read_past(|| read_at(&handle, &view, at, height, run)).await,
            None => self.read(|| read_at(&handle, &view, at, None, run)).await,
        }
    }

    async fn resource(
        &self,
        channel: ChannelId,
        address: Address,
        type_tag: String,
        at: Option<At>,
        height: Option<Height>,
    ) -> RpcResult<ResourceRead> {
        let handle = rpc(self.node.channel(channel))?;
        let view = handle.view();
        let run = |point: &Point| read_resource(&handle, &view, point, address, &type_tag);
        match height {
            Some(_) => self.read_past(|| read_at(&handle, &view, at, height, run)).await,
            None => rpc(read_at(&handle, &view, at, None, run)),
        }
    }

    async fn state(
        &self,
        channel: ChannelId,
        height: Option<Height>,
        after: Option<String>,
        limit: Option<u32>,
    ) -> RpcResult<StatePage> {
        let handle = rpc(self.node.channel(channel))?;
        self.read_past(|| reads::state(&handle, height, after.as_deref(), limit)).await
    }

    async fn trace(&self, channel: ChannelId, height: Height, place: u32) -> RpcResult<GasReport> {
        let handle = rpc(self.node.channel(channel))?;
        self.read_past(|| reads::trace(&handle, height, place)).await
    }

    async fn blocks(
        &self,
        channel: ChannelId,
        from: Height,
        limit: Option<u32>,
    ) -> RpcResult<Vec<BlockView>> {
        let handle = rpc(self.node.channel(channel))?;
        self.read(|| blocks(&handle, from, limit.unwrap_or(BLOCKS))).await
    }

    async fn propose_settlement(&self, channel: ChannelId) -> RpcResult<Proposed> {
        let handle = rpc(self.node.channel(channel))?;
        match rpc(handle.request(Request::ProposeSettlement).await)? {
            Reply::Proposed { number, proposal } => Ok(Proposed { number, proposal }),
            Reply::Call(_) | Reply::Guard(_) => rpc(Err(unexpected())),
        }
    }

    async fn guard(&self, channel: ChannelId, account: Address) -> RpcResult<Guard> {
        let handle = rpc(self.node.channel(channel))?;
        match rpc(handle.request(Request::Guard { account }).await)? {
            Reply::Guard(guard) => Ok(*guard),
            Reply::Call(_) | Reply::Proposed { .. } => rpc(Err(unexpected())),
        }
    }

    async fn proposals(&self, channel: ChannelId) -> RpcResult<Vec<ProposalView>> {
        let handle = rpc(self.node.channel(channel))?;
        Ok(view::proposals(&handle.view()))
    }

    async fn evidence(&self, channel: ChannelId) -> RpcResult<Vec<VerdictView>> {
        let handle = rpc(self.node.channel(channel))?;
        Ok(view::verdicts(&handle.view()))
    }

    async fn evidence_file(
        &self,
        channel: ChannelId,
        evidence: Hash,
    ) -> RpcResult<Option<EvidenceFile>> {
        let view = rpc(self.node.channel(channel))?.view();
        let file = || {
            let found = view.evidence.iter().find(|known| known.hash() == evidence)?;
            Some(EvidenceFile { evidence, file: found.to_file() })
        };
        self.read(|| Ok(file())).await
    }

    async fn watch(
        &self,
        pending: PendingSubscriptionSink,
        channel: ChannelId,
        from: Option<Height>,
        filter: Option<Filter>,
    ) -> SubscriptionResult {
        let handle = match self.node.channel(channel) {
            Ok(handle) => handle,
            Err(refusal) => {
                pending.reject(fairway_api::to_error(&refusal)).await;
                return Ok(());
            }
        };
        let reads = Arc::clone(&self.reads);
        notices::serve(pending, handle, from, filter.unwrap_or_default(), reads).await
    }
}
