//! Executes blocks of transactions on the settlement contracts and on what accounts published.

use std::{collections::BTreeMap, sync::Arc};

use fairway_sandbox::{BuildError, MoveSandbox, Package, settlement_contracts};
use fairway_state::State;
use fairway_types::{
    Address, AssetId, ChainId, ChannelId, Context, Execute, ExecutionStatus, FunctionName, Gas,
    Hash, Height, Invocation, MoveEvent, Outcome, Refusal, SequenceNumber, StateKey, StateReader,
    Time, Verified, Write,
    abi::{PackageAbi, TypeAbi},
    chain::ChannelRecord,
    codec, contract,
    hash::{Domain, hash_list, hash_value},
    ledger::{LedgerPayload, LedgerTransaction, PackageSource, SignedLedgerTransaction},
    limits,
};
use serde::{Deserialize, Serialize};

use crate::{
    judge::{Case, Court},
    publish::{self, Code, Publication},
};

/// Gas of setting up genesis, and the most a view may use.
const HOST_GAS: Gas = Gas(100_000_000);
/// What a chain starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    pub chain: ChainId,
    /// The account that may mint the native asset: the faucet of a development chain.
    pub root: Address,
}

/// A block's commitment to all before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockHeader {
    pub chain: ChainId,
    pub parent: Hash,
    pub height: Height,
    pub time: Time,
    pub transactions_root: Hash,
    /// Hash over the receipts' hashes, in order.
    pub receipts_root: Hash,
    pub state_root: Hash,
}

impl BlockHeader {
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::LedgerBlock, self)
    }
}

/// What a transaction did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub transaction: Hash,
    pub status: ExecutionStatus,
    pub gas_used: Gas,
    pub events: Vec<MoveEvent>,
}

impl Receipt {
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::Receipt, self)
    }
}

/// A block with its results, computed and not yet part of the chain: whoever stores it first and
/// then commits it never has a state in memory that the disk lacks.
#[derive(Debug, Clone)]
pub struct ExecutedBlock {
    pub header: BlockHeader,
    /// One a transaction, in order.
    pub receipts: Vec<Receipt>,
    /// What the block changes, sorted, each key once.
    pub writes: Vec<Write>,
    state: State,
    vm: MoveSandbox,
}

/// Where a stored chain ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub height: Height,
    pub time: Time,
    /// Hash of the last block; of the genesis before the first.
    pub hash: Hash,
    pub state_root: Hash,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the settlement contracts do not build: {0}")]
    Contracts(#[from] BuildError),
    #[error("genesis failed: {status:?}")]
    Genesis { status: ExecutionStatus },
    #[error("a block of {actual} transactions: the limit is {limit}")]
    TooManyTransactions { actual: usize, limit: usize },
    #[error("the stored state has root {actual}, the last block names {expected}")]
    OtherRoot { expected: Hash, actual: Hash },
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The chain after its last block.
pub struct Ledger {
    vm: MoveSandbox,
    chain: ChainId,
    state: State,
    head: Head,
}

/// A block being executed.
struct Work<'a> {
    ledger: &'a Ledger,
    code: &'a Code,
    state: State,
    /// Runs what was published so far, in this block too.
    vm: MoveSandbox,
    height: Height,
    time: Time,
    writes: BTreeMap<StateKey, Option<Vec<u8>>>,
}

impl Ledger {
    /// The chain before its first block: contracts in place, no money.
    pub fn new(genesis: &Genesis) -> Result<Self, LedgerError> {
        let mut ledger = Self {
            vm: MoveSandbox::new(&settlement_contracts()?)?,
            chain: genesis.chain,
            state: State::default(),
            head: Head {
                height: Height::ZERO,
                time: Time::ZERO,
                hash: hash_value(Domain::LedgerBlock, genesis),
                state_root: Hash::ZERO,
            },
        };
        let args = vec![
            codec::encode(&contract::SETTLEMENT),
            codec::encode(&genesis.root),
            codec::encode(&genesis.chain),
        ];
        let initialize = contract::function("coin", "initialize");
        let context = ledger.context(Height::ZERO, Time::ZERO, 0);
        let outcome =
            ledger.vm.run_as_host(&ledger.state, &context, &initialize, args, HOST_GAS)?;
        if !outcome.status.is_success() {
            return Err(LedgerError::Genesis { status: outcome.status });
        }
        ledger.state.apply(&outcome.writes);
        ledger.head.state_root = ledger.state.root();
        Ok(ledger)
    }

    /// The chain as it was stored; fails if the entries are not the state its last block names.
    pub fn restore(
        chain: ChainId,
        head: Head,
        entries: impl IntoIterator<Item = (StateKey, Arc<[u8]>)>,
    ) -> Result<Self, LedgerError> {
        let state = State::from_entries(entries);
        let actual = state.root();
        if actual != head.state_root {
            return Err(LedgerError::OtherRoot { expected: head.state_root, actual });
        }
        let contracts = MoveSandbox::new(&settlement_contracts()?)?;
        let vm = contracts.with_modules(&publish::published(&state))?;
        Ok(Self { vm, chain, state, head })
    }

    /// Why a transaction could not be executed in a block at `time`; what a mempool asks first.
    pub fn check(&self, signed: &SignedLedgerTransaction, time: Time) -> Result<(), Refusal> {
        self.check_form(signed, time)?;
        check_sequence(&self.state, &signed.transaction)
    }

    /// As [`Self::check`], except for the sequence number.
    pub fn check_form(&self, signed: &SignedLedgerTransaction, time: Time) -> Result<(), Refusal> {
        self.check_form_on(&self.vm, signed, time)
    }

    /// Why a compiled package could not be published by `publisher` as the chain stands.
    pub fn check_package(&self, package: &Package, publisher: Address) -> Result<(), Refusal> {
        publish::check_free(&self.state, package, publisher)
    }

    fn check_form_on(
        &self,
        vm: &MoveSandbox,
        signed: &SignedLedgerTransaction,
        time: Time,
    ) -> Result<(), Refusal> {
        let transaction = &signed.transaction;
        if transaction.chain != self.chain {
            return Err(Refusal::WrongChain { expected: self.chain, actual: transaction.chain });
        }
        if transaction.expires_at < time {
            return Err(Refusal::Expired { expires_at: transaction.expires_at, now: time });
        }
        within("gas_limit", transaction.gas_limit.0, transaction.payload.most_gas().0)?;
        match &transaction.payload {
            LedgerPayload::Invoke { function, type_args, args } => {
                let bytes: usize = args.iter().map(Vec::len).sum();
                within("arguments", bytes as u64, limits::CALL_BYTES as u64)?;
                vm.check_call(function, type_args, args)
            }
            LedgerPayload::StorePackage { package } | LedgerPayload::Publish { package } => {
                let bytes = codec::size(package);
                within("package", bytes as u64, limits::PACKAGE_BYTES as u64)
            }
            LedgerPayload::Judge { file, .. } => {
                within("evidence", file.len() as u64, limits::JUDGED_BYTES as u64)?;
                Case::read(transaction).map(drop)
            }
        }
    }

    /// The package that a transaction's case is about, if the chain may be asked to judge it as it
    /// stands; none for other transactions.
    pub fn disputed_package(
        &self,
        transaction: &LedgerTransaction,
    ) -> Result<Option<PackageSource>, Refusal> {
        let LedgerPayload::Judge { channel, .. } = &transaction.payload else { return Ok(None) };
        let case = Case::read(transaction)?;
        let context = self.context(self.head.height, self.head.time, 0);
        let hash = self.court(&self.vm, &self.state, &context).admits(&case, *channel)?.package;
        let missing = || Refusal::not_found(format!("package {hash}"));
        self.package(&hash).ok_or_else(missing).map(Some)
    }

    fn court<'a>(
        &'a self,
        contracts: &'a MoveSandbox,
        state: &'a State,
        context: &'a Context,
    ) -> Court<'a> {
        Court { contracts, state, context }
    }

    /// Executes a block and keeps nothing. A transaction that fails its checks gets a receipt that
    /// says so and changes nothing; one whose execution fails only uses its sequence number. Time
    /// never goes back. `code` holds what the block's `Publish` transactions compile to, and the
    /// packages of the channels that its `Judge` transactions are about: whoever orders or accepts a
    /// block has compiled it from the sources.
    pub fn execute(
        &self,
        time: Time,
        transactions: &[Verified<SignedLedgerTransaction>],
        code: &Code,
    ) -> Result<ExecutedBlock, LedgerError> {
        if transactions.len() > limits::BLOCK_TRANSACTIONS {
            let (actual, limit) = (transactions.len(), limits::BLOCK_TRANSACTIONS);
            return Err(LedgerError::TooManyTransactions { actual, limit });
        }
        let mut work = Work::new(self, self.head.time.max(time), code);
        let receipts: Vec<Receipt> = (0u32..)
            .zip(transactions)
            .map(|(index, transaction)| work.transact(index, transaction))
            .collect();
        let header = BlockHeader {
            chain: self.chain,
            parent: self.head.hash,
            height: work.height,
            time: work.time,
            transactions_root: hash_list(
                Domain::TransactionsRoot,
                receipts.iter().map(|receipt| receipt.transaction),
            ),
            receipts_root: hash_list(Domain::ReceiptsRoot, receipts.iter().map(Receipt::hash)),
            state_root: work.state.root(),
        };
        let writes = work.writes.into_iter().map(|(key, value)| Write { key, value }).collect();
        Ok(ExecutedBlock { header, receipts, writes, state: work.state, vm: work.vm })
    }

    /// Makes an executed block part of the chain. The caller stored it before, and commits blocks in
    /// the order in which they were executed.
    pub fn commit(&mut self, block: ExecutedBlock) {
        self.head = Head {
            height: block.header.height,
            time: block.header.time,
            hash: block.header.hash(),
            state_root: block.header.state_root,
        };
        self.state = block.state;
        self.vm = block.vm;
    }

    /// Runs a transaction on the state as it is and keeps nothing.
    pub fn simulate(
        &self,
        signed: &Verified<SignedLedgerTransaction>,
        code: &Code,
    ) -> Result<Receipt, Refusal> {
        self.check(signed, self.head.time)?;
        let (outcome, _) = Work::new(self, self.head.time, code).run(0, &signed.transaction);
        Ok(receipt(signed.hash(), outcome))
    }

    /// Runs a view of the contracts; each value with its type.
    pub fn view(
        &self,
        function: &FunctionName,
        type_args: &[String],
        args: &[Vec<u8>],
    ) -> Result<Vec<(TypeAbi, Vec<u8>)>, Refusal> {
        let context = self.context(self.head.height, self.head.time, 0);
        self.vm.view(&self.state, &context, function, type_args, args, HOST_GAS)
    }

    /// What the contract records of a channel.
    pub fn channel(&self, channel: ChannelId) -> Result<ChannelRecord, Refusal> {
        let args = [codec::encode(&channel)];
        let known = self.view_one(&contract::function("channel", "is_channel"), &args)?;
        if known != [1] {
            return Err(Refusal::ChannelNotFound { channel });
        }
        let bytes = self.view_one(&contract::function("channel", "record"), &args)?;
        Ok(codec::decode("channel record", &bytes)?)
    }

    /// What an account holds of an asset.
    pub fn balance(&self, account: Address, asset: AssetId) -> Result<u64, Refusal> {
        let args = [codec::encode(&account), codec::encode(&asset)];
        let bytes = self.view_one(&contract::function("coin", "balance"), &args)?;
        Ok(codec::decode("balance", &bytes)?)
    }

    fn view_one(&self, function: &FunctionName, args: &[Vec<u8>]) -> Result<Vec<u8>, Refusal> {
        let values = self.view(function, &[], args)?;
        let value = values.into_iter().next();
        value.map(|(_, bytes)| bytes).ok_or_else(|| Refusal::not_found(function.function.clone()))
    }

    /// The account's next sequence number.
    #[must_use]
    pub fn sequence(&self, account: Address) -> SequenceNumber {
        sequence(&self.state, account)
    }

    /// A package's sources by hash.
    #[must_use]
    pub fn package(&self, hash: &Hash) -> Option<PackageSource> {
        let bytes = self.state.read(&StateKey::Package(*hash))?;
        codec::decode("package", &bytes).ok()
    }

    #[must_use]
    pub fn chain(&self) -> ChainId {
        self.chain
    }

    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    #[must_use]
    pub fn height(&self) -> Height {
        self.head.height
    }

    #[must_use]
    pub fn time(&self) -> Time {
        self.head.time
    }

    #[must_use]
    pub fn state_root(&self) -> Hash {
        self.head.state_root
    }

    /// The state after the last block.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Every entry of the state.
    pub fn entries(&self) -> impl Iterator<Item = (&StateKey, &Arc<[u8]>)> {
        self.state.entries()
    }

    /// The contracts' ABI.
    #[must_use]
    pub fn abi(&self) -> &PackageAbi {
        self.vm.abi()
    }

    /// The sandbox's explanation of a receipt that is no success.
    #[must_use]
    pub fn explain(&self, receipt: &Receipt, limit: Gas) -> Refusal {
        self.vm.explain(&receipt.status, receipt.gas_used, limit)
    }

    fn context(&self, height: Height, time: Time, index: u32) -> Context {
        Context {
            chain: self.chain,
            channel: ChannelId::ZERO,
            height,
            time,
            index,
            seed: hash_value(Domain::Seed, &(self.head.hash, index)),
        }
    }
}

impl<'a> Work<'a> {
    fn new(ledger: &'a Ledger, time: Time, code: &'a Code) -> Self {
        Self {
            ledger,
            code,
            state: ledger.state.clone(),
            vm: ledger.vm.clone(),
            height: ledger.head.height.next(),
            time,
            writes: BTreeMap::new(),
        }
    }

    fn transact(&mut self, index: u32, signed: &SignedLedgerTransaction) -> Receipt {
        let hash = signed.hash();
        let transaction = &signed.transaction;
        let checked = self
            .ledger
            .check_form_on(&self.vm, signed, self.time)
            .and_then(|()| check_sequence(&self.state, transaction));
        if let Err(refusal) = checked {
            return receipt(hash, ended(refused(&refusal), Gas(0)));
        }
        let (outcome, vm) = self.run(index, transaction);
        self.vm = vm.unwrap_or_else(|| self.vm.clone());
        let mut writes = outcome.writes.clone();
        writes.push(Write {
            key: StateKey::Sequence(transaction.sender),
            value: Some(codec::encode(&transaction.sequence.next())),
        });
        self.state.apply(&writes);
        self.writes.extend(writes.into_iter().map(|write| (write.key, write.value)));
        receipt(hash, outcome)
    }

    /// The outcome, and another VM if code was published.
    fn run(&self, index: u32, transaction: &LedgerTransaction) -> (Outcome, Option<MoveSandbox>) {
        let gas_limit = transaction.gas_limit;
        match &transaction.payload {
            LedgerPayload::Invoke { function, type_args, args } => {
                let invocation =
                    Invocation::Call { sender: transaction.sender, function, type_args, args };
                let context = self.ledger.context(self.height, self.time, index);
                (self.vm.execute(&self.state, &context, &invocation, gas_limit), None)
            }
            LedgerPayload::StorePackage { package } => (store(package, gas_limit), None),
            LedgerPayload::Publish { package } => {
                match self.publish(package, transaction.sender, gas_limit) {
                    Ok((outcome, vm)) => (outcome, Some(vm)),
                    Err(status) => (ended(status, sources_gas(package).min(gas_limit)), None),
                }
            }
            LedgerPayload::Judge { channel, .. } => {
                let context = self.ledger.context(self.height, self.time, index);
                let court = self.ledger.court(&self.vm, &self.state, &context);
                let judged = Case::read(transaction)
                    .and_then(|case| court.judge(&case, *channel, self.code, gas_limit));
                (judged.unwrap_or_else(|refusal| ended(refused(&refusal), Gas(0))), None)
            }
        }
    }

    fn publish(
        &self,
        source: &PackageSource,
        publisher: Address,
        gas_limit: Gas,
    ) -> Result<(Outcome, MoveSandbox), ExecutionStatus> {
        let missing = || Refusal::not_found("the package's code in the block");
        let publication = self
            .code
            .published
            .get(&source.hash())
            .ok_or_else(missing)
            .and_then(|package| Publication::new(source, package, publisher))
            .map_err(|refusal| refused(&refusal))?;
        if publication.gas > gas_limit {
            return Err(ExecutionStatus::OutOfGas);
        }
        let vm = publication.load(&self.vm).map_err(|refusal| refused(&refusal))?;
        let Publication { writes, gas, .. } = publication;
        Ok((Outcome { writes, ..ended(ExecutionStatus::Success, gas) }, vm))
    }
}

/// What a publication that fails costs: a unit of gas a byte of its sources.
fn sources_gas(package: &PackageSource) -> Gas {
    Gas(codec::size(package) as u64)
}

/// Registering sources costs a unit of gas a byte. Whether they compile is for those who run them:
/// a node compiles them itself before it runs anything.
fn store(package: &PackageSource, gas_limit: Gas) -> Outcome {
    let value = codec::encode(package);
    let gas_used = Gas(value.len() as u64);
    if gas_used > gas_limit {
        return ended(ExecutionStatus::OutOfGas, gas_limit);
    }
    let write = Write { key: StateKey::Package(package.hash()), value: Some(value) };
    Outcome { writes: vec![write], ..ended(ExecutionStatus::Success, gas_used) }
}

fn sequence(state: &State, account: Address) -> SequenceNumber {
    state
        .read(&StateKey::Sequence(account))
        .and_then(|bytes| codec::decode("sequence", &bytes).ok())
        .unwrap_or_default()
}

fn check_sequence(state: &State, transaction: &LedgerTransaction) -> Result<(), Refusal> {
    let (account, actual) = (transaction.sender, transaction.sequence);
    let expected = sequence(state, account);
    if actual == expected {
        return Ok(());
    }
    Err(Refusal::SequenceNumber { account, expected, actual })
}

fn within(what: &str, actual: u64, limit: u64) -> Result<(), Refusal> {
    if actual <= limit {
        return Ok(());
    }
    Err(Refusal::TooLarge { what: what.into(), actual, limit })
}

/// A refusal as a receipt's status: its wire code.
fn refused(refusal: &Refusal) -> ExecutionStatus {
    ExecutionStatus::Failed { code: u64::try_from(refusal.code()).unwrap_or(0) }
}

fn ended(status: ExecutionStatus, gas_used: Gas) -> Outcome {
    Outcome { status, gas_used, writes: Vec::new(), events: Vec::new() }
}

fn receipt(transaction: Hash, outcome: Outcome) -> Receipt {
    Receipt {
        transaction,
        status: outcome.status,
        gas_used: outcome.gas_used,
        events: outcome.events,
    }
}
