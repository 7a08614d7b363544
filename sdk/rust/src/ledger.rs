//! The settlement chain: through a node, or the ledger itself.

use std::time::{SystemTime, UNIX_EPOCH};

use backon::Retryable;
use fairway_api::{
    ChainApiClient,
    chain::{Amount, ChainEvent, ChainInfo, ObservedChannel, TransactionReport},
};
use fairway_types::{
    Address, AssetId, ChannelId, Epoch, FunctionName, Hash, JoinSequence, Keypair, Refusal,
    SequenceNumber, SignedCall, Time,
    abi::{PackageAbi, codec},
    chain::{ChannelConfig, EpochGrant},
    contract,
    evidence::Evidence,
    ledger::{LedgerPayload, LedgerTransaction, PackageSource, SignedLedgerTransaction},
    settlement::Proposal,
};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{
    Connection, Error,
    channel::{PATIENCE, pause_after},
};

/// How long a transaction may wait to be executed: a minute.
const LIFETIME: u64 = 60_000;
/// Tries of a transaction whose number somebody else's took.
const TRIES: usize = 8;

/// The chain's accounts, channels and packages.
pub struct Ledger {
    connection: Connection,
    info: OnceCell<ChainInfo>,
}

impl Ledger {
    /// Connects to a node or a ledger at `url`.
    pub async fn connect(url: impl Into<String>) -> Result<Self, Error> {
        let ledger = Self::over(Connection::new(url));
        ledger.chain().await?;
        Ok(ledger)
    }

    /// The chain behind a connection that may not stand yet.
    #[must_use]
    pub fn over(connection: Connection) -> Self {
        Self { connection, info: OnceCell::new() }
    }

    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Where the chain stands now.
    pub async fn info(&self) -> Result<ChainInfo, Error> {
        self.connection.request(|client| async move { client.info().await }).await
    }

    /// What of the chain never changes.
    async fn chain(&self) -> Result<&ChainInfo, Error> {
        self.info.get_or_try_init(|| self.info()).await
    }

    /// What an account holds of the native asset, in its smallest unit.
    pub async fn balance(&self, account: Address) -> Result<u64, Error> {
        self.balance_of(account, None).await
    }

    pub async fn balance_of(&self, account: Address, asset: Option<AssetId>) -> Result<u64, Error> {
        let amount: Amount = self
            .connection
            .request(|client| async move { client.balance(account, asset).await })
            .await?;
        Ok(amount.amount)
    }

    /// What the contract records of a channel.
    pub async fn channel(&self, channel: ChannelId) -> Result<ObservedChannel, Error> {
        self.connection
            .request(|client| async move { ChainApiClient::channel(&*client, channel).await })
            .await
    }

    /// A package's sources by hash.
    pub async fn package(&self, package: Hash) -> Result<PackageSource, Error> {
        self.connection.request(|client| async move { client.package(package).await }).await
    }

    /// Events of the chain from a number on, of one channel if named.
    pub async fn events(
        &self,
        from: u64,
        limit: u32,
        channel: Option<ChannelId>,
    ) -> Result<Vec<ChainEvent>, Error> {
        self.connection
            .request(|client| async move { client.events(from, Some(limit), channel).await })
            .await
    }

    /// Money for trying things out, on a development chain.
    pub async fn faucet(&self, account: Address, amount: u64) -> Result<TransactionReport, Error> {
        self.connection
            .request(|client| async move { client.faucet(account, Amount { amount }).await })
            .await
    }

    pub async fn transfer(
        &self,
        key: &Keypair,
        to: Address,
        amount: u64,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, contract::transfer(contract::NATIVE, to, amount)).await
    }

    /// Registers a package, so that nodes find it by its hash.
    pub async fn store_package(
        &self,
        key: &Keypair,
        package: PackageSource,
    ) -> Result<Hash, Error> {
        let hash = package.hash();
        if self.package(hash).await.is_ok() {
            return Ok(hash);
        }
        self.execute(key, LedgerPayload::StorePackage { package }).await?;
        Ok(hash)
    }

    /// Publishes a package of dApp contracts at the account's address. What does not compile costs
    /// nothing.
    pub async fn publish(
        &self,
        key: &Keypair,
        package: PackageSource,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, LedgerPayload::Publish { package }).await
    }

    /// Calls an entry function of a contract: `0x3::coin::transfer`, or one that was published.
    pub async fn call(
        &self,
        key: &Keypair,
        function: &str,
        args: &[Value],
    ) -> Result<TransactionReport, Error> {
        let function: FunctionName = function.parse().map_err(Error::Refused)?;
        let abi = self.abi(function.address).await?;
        let missing =
            || Error::Refused(Refusal::FunctionNotFound { function: function.to_string() });
        let entry = abi
            .module(&function.address, &function.module)
            .and_then(|module| module.function(&function.function))
            .ok_or_else(missing)?;
        let args = codec::encode_args(&abi, entry, &[], args)
            .map_err(|error| Error::Refused(Refusal::from(error)))?;
        self.execute(key, LedgerPayload::Invoke { function, type_args: Vec::new(), args }).await
    }

    /// What is published at an address.
    pub async fn abi(&self, address: Address) -> Result<PackageAbi, Error> {
        let modules = self
            .connection
            .request(|client| async move { ChainApiClient::abi(&*client, address).await })
            .await?;
        Ok(PackageAbi { name: address.to_literal(), package: Hash::ZERO, modules })
    }

    /// Runs a view of a contract.
    pub async fn view(&self, function: &str, args: &[Value]) -> Result<Vec<Value>, Error> {
        self.connection
            .request(|client| {
                let (function, args) = (function.to_owned(), args.to_vec());
                async move { ChainApiClient::view(&*client, function, None, args).await }
            })
            .await
    }

    /// Whether the contract would take the proposal as the chain stands: an error says why not.
    pub async fn dry_run(&self, proposal: &Proposal) -> Result<(), Error> {
        let (function, args) = contract::dry_run(proposal).map_err(Error::Refused)?;
        let args = proposal_as_json(&args).map_err(Error::Refused)?;
        self.view(&function.to_string(), &args).await?;
        Ok(())
    }

    /// The grants of these epochs of a channel, ascending; those that exist. A channel's record has the
    /// last ones alone.
    pub async fn grants(
        &self,
        channel: ChannelId,
        first: Epoch,
        last: Epoch,
    ) -> Result<Vec<EpochGrant>, Error> {
        let function = contract::function("channel", "grants").to_string();
        let args = [channel.to_string(), first.to_string(), last.to_string()].map(Value::String);
        let values = self.view(&function, &args).await?;
        let grants = values.first().and_then(Value::as_array).into_iter().flatten();
        let unreadable = || Error::Refused(Refusal::invalid("grants", "no list of grants"));
        grants.map(|grant| grant_of(grant).ok_or_else(unreadable)).collect()
    }

    /// The proposal that waits in a channel for its window, if one does.
    pub async fn waiting(&self, channel: ChannelId) -> Result<Option<Proposal>, Error> {
        let function = contract::function("settlement", "waiting").to_string();
        let values = self.view(&function, &[Value::String(channel.to_string())]).await?;
        let unreadable = || Error::Refused(Refusal::invalid("waiting", "no proposal's bytes"));
        let text = values.first().and_then(Value::as_str).ok_or_else(unreadable)?;
        let abi = PackageAbi { name: String::new(), package: Hash::ZERO, modules: Vec::new() };
        let ty = "vector<u8>".parse().map_err(|_| unreadable())?;
        let bytes = codec::encode(&abi, &ty, &Value::String(text.to_owned()));
        let bytes = bytes.map_err(|_| unreadable())?;
        let bytes: Vec<u8> =
            fairway_types::codec::decode("bytes", &bytes).map_err(|_| unreadable())?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let proposal = fairway_types::codec::decode("proposal", &bytes);
        proposal.map(Some).map_err(|_| unreadable())
    }

    /// Creates a channel and answers with its id.
    pub async fn create_channel(
        &self,
        key: &Keypair,
        package: Hash,
        config: &ChannelConfig,
    ) -> Result<ChannelId, Error> {
        let report = self.execute(key, contract::create(package, config)).await?;
        created_channel(&report).ok_or_else(|| Error::Protocol {
            url: self.connection.url().to_owned(),
            reason: format!("transaction {} created no channel", report.transaction),
        })
    }

    /// Asks the contract to take the account out: for when no leader answers.
    pub async fn leave_channel(
        &self,
        key: &Keypair,
        channel: ChannelId,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, contract::leave(channel)).await
    }

    /// Asks the contract to close the channel; its creator may.
    pub async fn close_channel(
        &self,
        key: &Keypair,
        channel: ChannelId,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, contract::close(channel)).await
    }

    /// Demands the account's exit: if no settlement pays it within the channel's window, the channel
    /// closes at the best block that anybody shows, and each member is paid by it.
    pub async fn demand_exit(
        &self,
        key: &Keypair,
        channel: ChannelId,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, contract::demand_exit(channel)).await
    }

    /// Adds to the account's stake, which backs its seats in many channels.
    pub async fn stake(&self, key: &Keypair, amount: u64) -> Result<TransactionReport, Error> {
        self.execute(key, contract::stake(contract::NATIVE, amount)).await
    }

    /// Asks to withdraw so much of the account's stake, in the place of an earlier wish; it can be
    /// taken seven days later.
    pub async fn ask_withdrawal(
        &self,
        key: &Keypair,
        amount: u64,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, contract::ask_withdrawal(contract::NATIVE, amount)).await
    }

    /// Takes what was asked for, once its time has come.
    pub async fn withdraw_stake(&self, key: &Keypair) -> Result<TransactionReport, Error> {
        self.execute(key, contract::withdraw_stake(contract::NATIVE)).await
    }

    /// Gives an account that has left a channel its collateral back, once its time has come.
    pub async fn release(
        &self,
        key: &Keypair,
        channel: ChannelId,
        account: Address,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, contract::release(channel, account)).await
    }

    /// Has the chain judge evidence against the member that joined with this sequence. The account, or
    /// the node with this key, is an active member; a false accusation costs its bond.
    pub async fn judge(
        &self,
        key: &Keypair,
        channel: ChannelId,
        accused: JoinSequence,
        evidence: &Evidence,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, contract::judge(channel, accused, evidence)).await
    }

    /// Complains that the channel's leader leaves this signed call of the account undone.
    pub async fn complain(
        &self,
        key: &Keypair,
        channel: ChannelId,
        call: &SignedCall,
    ) -> Result<TransactionReport, Error> {
        self.execute(key, contract::complain(channel, call)).await
    }

    /// Signs and executes; a failed execution is an error. Answers when the block is stored. A busy
    /// ledger is sent the same transaction again; another one is signed only once this one can't be
    /// executed any more, since another has its number.
    pub async fn execute(
        &self,
        key: &Keypair,
        payload: LedgerPayload,
    ) -> Result<TransactionReport, Error> {
        let mut last = None;
        for _ in 0..TRIES {
            let signed = self.sign(key, payload.clone()).await?;
            let send = || self.submit(signed.clone());
            match send.retry(PATIENCE).when(is_busy).adjust(pause_after).await {
                Err(Error::Refused(refusal @ Refusal::SequenceNumber { .. })) => {
                    last = Some(Error::Refused(refusal));
                }
                result => return result,
            }
        }
        Err(last.unwrap_or_else(|| Error::Refused(Refusal::busy("transactions", 100))))
    }

    /// The next transaction of an account.
    pub async fn sign(
        &self,
        key: &Keypair,
        payload: LedgerPayload,
    ) -> Result<SignedLedgerTransaction, Error> {
        let sequence = self.sequence(key.address()).await?;
        self.sign_at(key, sequence, payload).await
    }

    /// The account's next sequence number.
    pub async fn sequence(&self, account: Address) -> Result<SequenceNumber, Error> {
        self.connection
            .request(|client| async move { ChainApiClient::sequence(&*client, account).await })
            .await
    }

    /// An account's transaction with this sequence number: for who submits several without waiting.
    /// The ledger holds some that come before their turn.
    pub async fn sign_at(
        &self,
        key: &Keypair,
        sequence: SequenceNumber,
        payload: LedgerPayload,
    ) -> Result<SignedLedgerTransaction, Error> {
        let (chain, sender) = (self.chain().await?.chain, key.address());
        let transaction = LedgerTransaction {
            chain,
            sender,
            sequence,
            gas_limit: payload.most_gas(),
            payload,
            expires_at: now().plus(LIFETIME),
        };
        let signature = key.sign(&transaction);
        Ok(SignedLedgerTransaction { key: key.public(), signature, transaction })
    }

    /// Submits a signed transaction; a failed execution is an error.
    pub async fn submit(
        &self,
        signed: SignedLedgerTransaction,
    ) -> Result<TransactionReport, Error> {
        let report = self.deliver(signed).await?;
        match report.error.as_ref().and_then(Refusal::from_data) {
            Some(refusal) => Err(Error::Refused(refusal)),
            None => Ok(report),
        }
    }

    /// Submits a signed transaction; its report once it is in a block, whatever came of it. One whose
    /// answer was lost is looked up before it is called refused.
    pub async fn deliver(
        &self,
        signed: SignedLedgerTransaction,
    ) -> Result<TransactionReport, Error> {
        let hash = signed.hash();
        let sent = self
            .connection
            .request(|client| {
                let signed = signed.clone();
                async move { client.submit(signed).await }
            })
            .await;
        match sent {
            Err(Error::Refused(Refusal::SequenceNumber { .. })) => {
                self.executed(hash).await?.map_or(sent, Ok)
            }
            result => result,
        }
    }

    async fn executed(&self, hash: Hash) -> Result<Option<TransactionReport>, Error> {
        self.connection.request(|client| async move { client.transaction(hash).await }).await
    }
}

fn is_busy(error: &Error) -> bool {
    matches!(error.refusal(), Some(Refusal::Busy { .. } | Refusal::RateLimited { .. }))
}

/// A grant as a view gives it: numbers as text.
fn grant_of(grant: &Value) -> Option<EpochGrant> {
    let number = |value: &Value| value.as_str()?.parse::<u64>().ok();
    let valid = grant.get("valid")?.as_array()?.iter();
    Some(EpochGrant {
        epoch: Epoch(number(grant.get("epoch")?)?),
        leader: grant.get("leader")?.as_str()?.parse().ok()?,
        join_sequence: JoinSequence(number(grant.get("join_sequence")?)?),
        valid: valid.map(|value| number(value).map(JoinSequence)).collect::<Option<_>>()?,
    })
}

/// Types of the arguments that a proposal is, in their order.
const PROPOSAL_TYPES: [&str; 13] = [
    "address",
    "u64",
    "u64",
    "address",
    "u64",
    "address",
    "address",
    "vector<address>",
    "vector<u64>",
    "vector<bool>",
    "u64",
    "bool",
    "vector<u8>",
];

fn proposal_as_json(args: &[Vec<u8>]) -> Result<Vec<Value>, Refusal> {
    let abi = PackageAbi { name: String::new(), package: Hash::ZERO, modules: Vec::new() };
    let value = |(ty, bytes): (&str, &Vec<u8>)| {
        let ty = ty.parse().map_err(|_| Refusal::invalid("type", ty.to_owned()))?;
        Ok(codec::decode(&abi, &ty, bytes)?)
    };
    PROPOSAL_TYPES.into_iter().zip(args).map(value).collect()
}

/// The channel that a `create` created.
fn created_channel(report: &TransactionReport) -> Option<ChannelId> {
    let event = report.events.iter().find(|event| event.type_tag.ends_with("::ChannelCreated"))?;
    event.data.get("channel")?.as_str()?.parse().ok()
}

/// This machine's clock.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
