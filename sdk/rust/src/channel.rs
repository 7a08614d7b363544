//! Channels on one node: calls, views, status.

use std::{sync::Arc, time::Duration};

use backon::{ConstantBuilder, Retryable};
use fairway_api::{
    StateChannelApiClient,
    chain::TransactionReport,
    channel::{
        At, BlockView, CallReport, ChannelInfo, EvidenceFile, GasReport, Joined, NodeStatus,
        ProposalView, Proposed, ResourceRead, StatePage, VerdictView, Viewed,
    },
};
use fairway_types::{
    Address, Call, ChainId, ChannelId, FunctionName, Gas, Hash, Height, Keypair, Operation,
    PublicKey, Refusal, SequenceNumber, SignedCall,
    abi::{PackageAbi, TypeAbi, codec},
    call::{CallStatus, Counter},
    contract::{self, Backing},
    limits,
    session::Session,
    subscription::Filter,
    windows::Guard,
};
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

use crate::{Connection, Error, Ledger, Notices, ledger::now};

/// How long a call may wait to be ordered.
const LIFETIME: u64 = 60_000;
/// How long a call that somebody complains about may wait: the contract asks for half of what a call
/// lives at least, and admits no more than that.
const COMPLAINT_LIFETIME: u64 = limits::CALL_LIFETIME * 9 / 10;
/// Calls of one member under way; another waits here, so that none comes too far ahead of its turn.
const UNDER_WAY: usize = 512;
/// A busy node is asked again for this long.
pub(crate) const PATIENCE: ConstantBuilder =
    ConstantBuilder::new().with_delay(Duration::from_millis(50)).with_max_times(200);

/// How long to wait before a request is sent again: as long as the node says, and no less than `pause`;
/// `None` once it is sent no more.
pub(crate) fn pause_after(error: &Error, pause: Option<Duration>) -> Option<Duration> {
    let told = error.refusal().and_then(Refusal::retry_after_ms).map(Duration::from_millis);
    pause.map(|pause| pause.max(told.unwrap_or_default()))
}

/// A node.
#[derive(Clone)]
pub struct Client {
    connection: Connection,
    ledger: Arc<Ledger>,
}

impl Client {
    /// Connects to a node at `url` (`ws://…`).
    pub async fn connect(url: impl Into<String>) -> Result<Self, Error> {
        Self::connect_with(url, None).await
    }

    /// The same to a node that asks for a token (`access.tokens` of its configuration).
    pub async fn connect_with(
        url: impl Into<String>,
        token: Option<String>,
    ) -> Result<Self, Error> {
        let connection = Connection::with_token(url, token);
        connection.client().await?;
        let ledger = Arc::new(Ledger::over(connection.clone()));
        Ok(Self { connection, ledger })
    }

    /// The settlement chain, through the node.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub async fn status(&self) -> Result<NodeStatus, Error> {
        self.connection.request(|client| async move { client.status().await }).await
    }

    /// The channels the node runs.
    pub async fn list(&self) -> Result<Vec<ChannelId>, Error> {
        self.connection.request(|client| async move { client.list().await }).await
    }

    pub async fn info(&self, channel: ChannelId) -> Result<ChannelInfo, Error> {
        self.connection.request(|client| async move { client.get(channel).await }).await
    }

    /// Joins a channel with a deposit, with this node acting for the account; the node runs the
    /// channel from then on.
    pub async fn join(
        &self,
        key: &Keypair,
        channel: ChannelId,
        deposit: u64,
    ) -> Result<Joined, Error> {
        self.join_backed(key, channel, deposit, Backing::default()).await
    }

    /// As [`Self::join`], with collateral behind the member's word.
    pub async fn join_backed(
        &self,
        key: &Keypair,
        channel: ChannelId,
        deposit: u64,
        backing: Backing,
    ) -> Result<Joined, Error> {
        self.join_through(key, channel, deposit, backing, "0x3::channel::join").await
    }

    /// As [`Self::join_backed`], through a function of the dApp that admits to the channel; it takes
    /// the arguments of `channel::join`.
    pub async fn join_through(
        &self,
        key: &Keypair,
        channel: ChannelId,
        deposit: u64,
        backing: Backing,
        function: &str,
    ) -> Result<Joined, Error> {
        let function = function.parse().map_err(Error::Refused)?;
        let status = self.status().await?;
        let account = key.address();
        let proof = self
            .connection
            .request(|client| async move { client.join_proof(channel, account).await })
            .await?;
        let join = contract::Join { channel, node: status.node, amount: deposit, backing };
        let payload = contract::join_through(function, &join, &status.endpoints, &proof);
        let signed = self.ledger.sign(key, payload).await?;
        self.connection
            .request(|client| {
                let signed = signed.clone();
                async move { client.join(signed).await }
            })
            .await
    }

    /// Lets the node run a channel of which it is a member already: after a join whose answer was
    /// lost, or after its data was.
    pub async fn open(&self, channel: ChannelId) -> Result<ChannelInfo, Error> {
        self.connection.request(|client| async move { client.open(channel).await }).await
    }

    /// A channel the node runs.
    pub async fn channel(&self, id: ChannelId) -> Result<Channel, Error> {
        let (abi, info) = tokio::try_join!(
            self.connection.request(|client| async move { client.abi(id).await }),
            self.info(id),
        )?;
        Ok(Channel {
            connection: self.connection.clone(),
            id,
            chain: info.record.chain,
            abi: Arc::new(abi),
        })
    }
}

/// A channel on one node. Cheap to clone.
#[derive(Clone)]
pub struct Channel {
    connection: Connection,
    id: ChannelId,
    chain: ChainId,
    abi: Arc<PackageAbi>,
}

impl Channel {
    #[must_use]
    pub fn id(&self) -> ChannelId {
        self.id
    }

    /// The node's URL.
    #[must_use]
    pub fn url(&self) -> &str {
        self.connection.url()
    }

    /// What can be called.
    #[must_use]
    pub fn abi(&self) -> &PackageAbi {
        &self.abi
    }

    /// Calls in the name of an account.
    #[must_use]
    pub fn member(&self, key: Keypair) -> Member {
        let account = key.address();
        self.member_by(account, key)
    }

    /// Acts for `account` with a key that it delegated to ([`Member::delegate`]): such a member calls
    /// functions and does nothing else. Its numbers are its own: it may call beside the account.
    #[must_use]
    pub fn session(&self, account: Address, key: Keypair) -> Member {
        self.member_by(account, key)
    }

    fn member_by(&self, account: Address, key: Keypair) -> Member {
        Member {
            channel: self.clone(),
            account,
            key: Arc::new(key),
            numbers: Arc::default(),
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
        }
    }

    pub async fn info(&self) -> Result<ChannelInfo, Error> {
        let id = self.id;
        self.connection.request(|client| async move { client.get(id).await }).await
    }

    /// The number that the next call of an account, or of one of its sessions, must have.
    pub async fn sequence(&self, counter: impl Into<Counter>) -> Result<SequenceNumber, Error> {
        let (id, Counter { account, session }) = (self.id, counter.into());
        self.connection
            .request(|client| async move {
                StateChannelApiClient::sequence(&*client, id, account, session).await
            })
            .await
    }

    /// What the account delegated to session keys, and what is left of it.
    pub async fn sessions(&self, account: Address) -> Result<Vec<Session>, Error> {
        let id = self.id;
        self.connection.request(|client| async move { client.sessions(id, account).await }).await
    }

    /// Runs a read-only function on the newest state.
    pub async fn view(&self, function: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
        self.view_at(function, args, At::Head).await
    }

    pub async fn view_at(
        &self,
        function: &str,
        args: &[Value],
        at: At,
    ) -> Result<Vec<Value>, Error> {
        self.view_with(function, Vec::new(), args.to_vec(), at).await
    }

    /// As [`Self::view_at`], of a generic function: its type arguments as text, such as `u64`.
    pub async fn view_with(
        &self,
        function: &str,
        type_args: Vec<String>,
        args: Vec<Value>,
        at: At,
    ) -> Result<Vec<Value>, Error> {
        Ok(self.run_view(function, type_args, args, Some(at), None).await?.values)
    }

    /// As [`Self::view_with`], on the state after the block at a height.
    ///
    /// # Errors
    /// `pruned` below what the node keeps, `busy` while somebody else reads an earlier state.
    pub async fn view_after(
        &self,
        function: &str,
        type_args: Vec<String>,
        args: Vec<Value>,
        height: Height,
    ) -> Result<Vec<Value>, Error> {
        Ok(self.run_view(function, type_args, args, None, Some(height)).await?.values)
    }

    async fn run_view(
        &self,
        function: &str,
        type_args: Vec<String>,
        args: Vec<Value>,
        at: Option<At>,
        height: Option<Height>,
    ) -> Result<Viewed, Error> {
        let type_args = (!type_args.is_empty()).then_some(type_args);
        self.connection
            .request(|client| {
                let (id, function) = (self.id, function.to_owned());
                let (types, args) = (type_args.clone(), args.clone());
                async move {
                    StateChannelApiClient::view(&*client, id, function, types, args, at, height)
                        .await
                }
            })
            .await
    }

    /// One resource, by its owner and type; no value when there is none.
    pub async fn resource(
        &self,
        address: Address,
        type_tag: &str,
        at: At,
    ) -> Result<ResourceRead, Error> {
        self.connection
            .request(|client| {
                let (id, type_tag) = (self.id, type_tag.to_owned());
                async move { client.resource(id, address, type_tag, Some(at), None).await }
            })
            .await
    }

    /// As [`Self::resource`], after the block at a height.
    ///
    /// # Errors
    /// `pruned` below what the node keeps, `busy` while somebody else reads an earlier state.
    pub async fn resource_after(
        &self,
        address: Address,
        type_tag: &str,
        height: Height,
    ) -> Result<ResourceRead, Error> {
        self.connection
            .request(|client| {
                let (id, type_tag) = (self.id, type_tag.to_owned());
                async move { client.resource(id, address, type_tag, None, Some(height)).await }
            })
            .await
    }

    /// A page of the state after the block at a height, or at the head: at most 256 entries, in the
    /// order of keys, that follow the key `after`. [`StatePage::next`] leads to the next page; name the
    /// height of the first one then, or the state may be another.
    ///
    /// # Errors
    /// `pruned` below what the node keeps, `busy` while somebody else reads an earlier state.
    pub async fn state(
        &self,
        height: Option<Height>,
        after: Option<String>,
        limit: Option<u32>,
    ) -> Result<StatePage, Error> {
        self.connection
            .request(|client| {
                let (id, after) = (self.id, after.clone());
                async move { client.state(id, height, after, limit).await }
            })
            .await
    }

    /// Which functions used the gas of the transaction at a place in a block: the node executes it again.
    ///
    /// # Errors
    /// `pruned` when the block is kept no more, `busy` while somebody else reads an earlier state.
    pub async fn trace(&self, height: Height, place: u32) -> Result<GasReport, Error> {
        let id = self.id;
        self.connection.request(|client| async move { client.trace(id, height, place).await }).await
    }

    /// Blocks from a height on, at most 100.
    pub async fn blocks(&self, from: Height, limit: u32) -> Result<Vec<BlockView>, Error> {
        let id = self.id;
        self.connection
            .request(|client| async move { client.blocks(id, from, Some(limit)).await })
            .await
    }

    /// An ordered call's report.
    pub async fn report(&self, call: Hash) -> Result<Option<CallReport>, Error> {
        let id = self.id;
        self.connection.request(|client| async move { client.report(id, call).await }).await
    }

    /// Proposes a settlement of what is final.
    pub async fn propose_settlement(&self) -> Result<Proposed, Error> {
        let id = self.id;
        self.connection.request(|client| async move { client.propose_settlement(id).await }).await
    }

    /// What a watchtower needs to keep the account's money safe while the node is away.
    pub async fn guard(&self, account: Address) -> Result<Guard, Error> {
        let id = self.id;
        self.connection.request(|client| async move { client.guard(id, account).await }).await
    }

    pub async fn proposals(&self) -> Result<Vec<ProposalView>, Error> {
        let id = self.id;
        self.connection.request(|client| async move { client.proposals(id).await }).await
    }

    /// Accusations that the node knows, and its verdicts.
    pub async fn evidence(&self) -> Result<Vec<VerdictView>, Error> {
        let id = self.id;
        self.connection.request(|client| async move { client.evidence(id).await }).await
    }

    /// The file of evidence that the node found, by its hash.
    pub async fn evidence_file(&self, evidence: Hash) -> Result<Option<EvidenceFile>, Error> {
        let id = self.id;
        self.connection
            .request(|client| async move { client.evidence_file(id, evidence).await })
            .await
    }

    /// State changes, events and statuses from the newest state on, across reconnects.
    pub async fn subscribe(&self, filter: Filter) -> Result<Notices, Error> {
        Notices::start(self.connection.clone(), self.id, None, filter).await
    }

    /// As [`Self::subscribe`], from the block at a height on.
    pub async fn subscribe_from(&self, from: Height, filter: Filter) -> Result<Notices, Error> {
        Notices::start(self.connection.clone(), self.id, Some(from), filter).await
    }

    /// A call's function and JSON arguments as what is signed.
    fn invoke(&self, function: &str, args: &[Value]) -> Result<Operation, Error> {
        self.invoke_with(function, &[], args)
    }

    pub(crate) fn invoke_with(
        &self,
        function: &str,
        type_args: &[String],
        args: &[Value],
    ) -> Result<Operation, Error> {
        let function: FunctionName = function.parse()?;
        let abi = self
            .abi
            .module(&function.address, &function.module)
            .and_then(|module| module.function(&function.function))
            .filter(|function| function.entry)
            .ok_or_else(|| Refusal::FunctionNotFound { function: function.to_string() })?;
        let types = type_args
            .iter()
            .map(|text| {
                let refuse = |_| Refusal::invalid("type argument", text.clone());
                text.parse::<TypeAbi>().map_err(refuse)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let args = codec::encode_args(&self.abi, abi, &types, args).map_err(Refusal::from)?;
        Ok(Operation::Invoke { function, type_args: type_args.to_vec(), args })
    }
}

/// The sender's next number, as this session knows it.
#[derive(Default)]
struct Numbers {
    next: Option<SequenceNumber>,
}

/// A member of a channel who calls. Calls may be made concurrently: they run in the order in which
/// they were made. One `Member` a key: two would take each other's sequence numbers.
#[derive(Clone)]
pub struct Member {
    channel: Channel,
    account: Address,
    key: Arc<Keypair>,
    numbers: Arc<Mutex<Numbers>>,
    under_way: Arc<Semaphore>,
}

impl Member {
    #[must_use]
    pub fn address(&self) -> Address {
        self.account
    }

    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Calls an entry function and waits until it is certified.
    pub async fn call(&self, function: &str, args: &[Value]) -> Result<CallReport, Error> {
        self.call_until(function, args, CallStatus::Certified).await
    }

    /// As [`Self::call`], until the call has reached `wait`.
    pub async fn call_until(
        &self,
        function: &str,
        args: &[Value],
        wait: CallStatus,
    ) -> Result<CallReport, Error> {
        self.order(self.channel.invoke(function, args)?, wait).await
    }

    /// Leaves: the balance is paid by the next settlement.
    pub async fn leave(&self) -> Result<CallReport, Error> {
        self.order(Operation::Leave, CallStatus::Certified).await
    }

    /// Closes the channel; its creator may. Everybody is paid by the last settlement.
    pub async fn close(&self) -> Result<CallReport, Error> {
        self.order(Operation::Close, CallStatus::Certified).await
    }

    /// Lets a key call for this account, within limits, in place of what that key was delegated before.
    pub async fn delegate(&self, session: Session) -> Result<CallReport, Error> {
        self.order(Operation::Delegate(session), CallStatus::Certified).await
    }

    /// Takes back what was delegated to a key, from the block on that orders this.
    pub async fn revoke(&self, key: PublicKey) -> Result<CallReport, Error> {
        self.order(Operation::Revoke { key }, CallStatus::Certified).await
    }

    /// Complains on the chain that the leader leaves this call undone: it is signed, and lies there for
    /// any leader to order in its last window. What the chain takes of it, and when, is the contract's
    /// to say (`settlement::complaint`).
    pub async fn complain(
        &self,
        function: &str,
        args: &[Value],
    ) -> Result<TransactionReport, Error> {
        self.complain_about(self.channel.invoke(function, args)?).await
    }

    /// As [`Self::complain`], about any operation that the contract hears of: a function, a leave, a
    /// revocation, and of the channel's creator its close.
    ///
    /// # Errors
    /// `unauthorised` for a session key and `invalid_argument` for a delegation, before anything is
    /// sent: both can wait.
    pub async fn complain_about(&self, operation: Operation) -> Result<TransactionReport, Error> {
        self.may_complain_about(&operation)?;
        let signed = self.sign_for(operation, COMPLAINT_LIFETIME).await?;
        let ledger = Ledger::over(self.channel.connection.clone());
        let report = ledger.complain(&self.key, self.channel.id, &signed).await;
        // Whether the number will be used, the node knows.
        self.numbers.lock().await.next = None;
        report
    }

    fn may_complain_about(&self, operation: &Operation) -> Result<(), Refusal> {
        if self.key.address() != self.account {
            let reason = "the chain hears complaints of the account's own key only".to_owned();
            return Err(Refusal::Unauthorised { reason });
        }
        match operation {
            Operation::Invoke { .. }
            | Operation::Leave
            | Operation::Close
            | Operation::Revoke { .. } => Ok(()),
            Operation::Delegate(_) | Operation::Session { .. } => {
                let reason = "the chain hears of functions, leaves, closes and revocations";
                Err(Refusal::invalid("operation to complain about", reason))
            }
        }
    }

    /// Signs and orders one operation. A node that is busy, or has no leader at the moment, is asked
    /// again with the same call, until that expires.
    pub async fn order(&self, operation: Operation, wait: CallStatus) -> Result<CallReport, Error> {
        let _place = self.under_way.acquire().await;
        let signed = self.sign(operation).await?;
        let send = || async {
            self.channel
                .connection
                .request(|client| {
                    let signed = signed.clone();
                    async move { client.call(signed, Some(wait)).await }
                })
                .await
        };
        let passes = |error: &Error| {
            now() < signed.call.expires_at
                && matches!(
                    error.refusal(),
                    Some(
                        Refusal::Busy { .. }
                            | Refusal::RateLimited { .. }
                            | Refusal::NoLeader { .. }
                    )
                )
        };
        let again = PATIENCE.without_max_times();
        let result = send.retry(again).when(passes).adjust(pause_after).await;
        if result.as_ref().is_err_and(|error| !used_its_number(error)) {
            // The number may or may not be used: the node knows.
            self.numbers.lock().await.next = None;
        }
        result
    }

    /// The next call of this member, signed.
    pub async fn sign(&self, operation: Operation) -> Result<SignedCall, Error> {
        self.sign_for(operation, LIFETIME).await
    }

    async fn sign_for(&self, operation: Operation, lifetime: u64) -> Result<SignedCall, Error> {
        let operation = self.due(operation)?;
        let sequence = self.next_number().await?;
        let call = Call {
            chain: self.channel.chain,
            channel: self.channel.id,
            sender: self.account,
            sequence,
            operation,
            gas_limit: Gas(limits::CALL_GAS),
            expires_at: now().plus(lifetime),
        };
        let signature = self.key.sign(&call);
        Ok(SignedCall { key: self.key.public(), signature, call })
    }

    /// The operation as this member's key may sign it.
    fn due(&self, operation: Operation) -> Result<Operation, Error> {
        if self.key.address() == self.account {
            return Ok(operation);
        }
        match operation {
            Operation::Invoke { function, type_args, args } => {
                Ok(Operation::Session { key: self.key.public(), function, type_args, args })
            }
            other @ Operation::Session { .. } => Ok(other),
            other @ (Operation::Leave
            | Operation::Close
            | Operation::Delegate(_)
            | Operation::Revoke { .. }) => {
                let reason = format!("a session key calls functions only, not {other}");
                Err(Refusal::Unauthorised { reason }.into())
            }
        }
    }

    fn counter(&self) -> Counter {
        let is_session = self.key.address() != self.account;
        Counter { account: self.account, session: is_session.then(|| self.key.public()) }
    }

    async fn next_number(&self) -> Result<SequenceNumber, Error> {
        let mut numbers = self.numbers.lock().await;
        let number = match numbers.next {
            Some(number) => number,
            None => self.channel.sequence(self.counter()).await?,
        };
        numbers.next = Some(number.next());
        Ok(number)
    }
}

/// Whether the call was ordered and failed in execution.
fn used_its_number(error: &Error) -> bool {
    matches!(
        error.refusal(),
        Some(
            Refusal::MoveAbort { .. }
                | Refusal::OutOfGas { .. }
                | Refusal::ExecutionFailed { .. }
                | Refusal::OverSpent { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_waits_as_long_as_the_node_says() {
        let refused = |refusal: Refusal| Error::Refused(refusal);
        let least = Duration::from_millis(50);
        let second = Some(Duration::from_secs(1));
        let rate = refused(Refusal::RateLimited { retry_after_ms: 1_000 });
        assert_eq!(pause_after(&rate, Some(least)), second);
        assert_eq!(pause_after(&refused(Refusal::busy("pool", 1_000)), Some(least)), second);
        assert_eq!(pause_after(&refused(Refusal::busy("pool", 1)), Some(least)), Some(least));
        assert_eq!(pause_after(&refused(Refusal::Closed), Some(least)), Some(least));
        assert_eq!(pause_after(&rate, None), None, "it was sent often enough");
    }
}
