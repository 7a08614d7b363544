//! Executes blocks of transactions on the settlement contracts.

use std::collections::BTreeMap;

use fairway_sandbox::{BuildError, MoveSandbox, settlement_contracts};
use fairway_state::State;
use fairway_types::{
    Address, AssetId, ChainId, ChannelId, Context, Execute, ExecutionStatus, FunctionName, Gas,
    Hash, Height, Invocation, MoveEvent, Outcome, Refusal, SequenceNumber, StateKey, StateReader,
    Time, Verified, Write,
    chain::ChannelRecord,
    codec,
    hash::{Domain, hash_list, hash_value},
    ledger::{LedgerPayload, LedgerTransaction, PackageSource, SignedLedgerTransaction},
    limits,
};
use serde::{Deserialize, Serialize};

use crate::contract;

/// Gas of setting up genesis, and the most a view may use.
const HOST_GAS: Gas = Gas(100_000_000);
/// Transactions in a block.
const BLOCK_TRANSACTIONS: usize = 4_096;

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

/// A block with the results of its transactions, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutedBlock {
    pub header: BlockHeader,
    pub receipts: Vec<Receipt>,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("the settlement contracts do not build: {0}")]
    Contracts(#[from] BuildError),
    #[error("genesis failed: {status:?}")]
    Genesis { status: ExecutionStatus },
    #[error("a block of {actual} transactions: the limit is {limit}")]
    TooManyTransactions { actual: usize, limit: usize },
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The chain after its last block.
pub struct Ledger {
    vm: MoveSandbox,
    chain: ChainId,
    state: State,
    packages: BTreeMap<Hash, PackageSource>,
    height: Height,
    time: Time,
    head: Hash,
}

impl Ledger {
    /// The chain before its first block: contracts in place, no money.
    pub fn new(genesis: &Genesis) -> Result<Self, LedgerError> {
        let mut ledger = Self {
            vm: MoveSandbox::new(&settlement_contracts()?)?,
            chain: genesis.chain,
            state: State::default(),
            packages: BTreeMap::new(),
            height: Height::ZERO,
            time: Time::ZERO,
            head: hash_value(Domain::LedgerBlock, genesis),
        };
        let args = vec![
            codec::encode(&fairway_sandbox::SETTLEMENT),
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
        Ok(ledger)
    }

    /// Why a transaction could not be executed in a block at `time`; what a mempool asks first.
    pub fn check(&self, signed: &SignedLedgerTransaction, time: Time) -> Result<(), Refusal> {
        let transaction = &signed.transaction;
        if transaction.chain != self.chain {
            return Err(Refusal::WrongChain { expected: self.chain, actual: transaction.chain });
        }
        if transaction.expires_at < time {
            return Err(Refusal::Expired { expires_at: transaction.expires_at, now: time });
        }
        if transaction.gas_limit.0 > limits::CALL_GAS {
            return Err(Refusal::TooLarge {
                what: "gas_limit".into(),
                actual: transaction.gas_limit.0,
                limit: limits::CALL_GAS,
            });
        }
        let expected = self.sequence(transaction.sender);
        if transaction.sequence != expected {
            return Err(Refusal::SequenceNumber {
                account: transaction.sender,
                expected,
                actual: transaction.sequence,
            });
        }
        match &transaction.payload {
            LedgerPayload::Invoke { function, type_args, args } => {
                self.vm.check_call(function, type_args, args)
            }
            LedgerPayload::StorePackage { .. } => Ok(()),
            LedgerPayload::Publish { .. } => Err(Refusal::NotReady {
                what: "publishing on the ledger".into(),
                reason: "only the settlement contracts run here so far".into(),
            }),
        }
    }

    /// Executes a block. A transaction that fails its checks gets a receipt that says so and changes
    /// nothing; one whose execution fails only uses its sequence number. Time never goes back.
    pub fn execute(
        &mut self,
        time: Time,
        transactions: &[Verified<SignedLedgerTransaction>],
    ) -> Result<ExecutedBlock, LedgerError> {
        if transactions.len() > BLOCK_TRANSACTIONS {
            let (actual, limit) = (transactions.len(), BLOCK_TRANSACTIONS);
            return Err(LedgerError::TooManyTransactions { actual, limit });
        }
        self.height = self.height.next();
        self.time = self.time.max(time);
        let receipts: Vec<Receipt> = (0u32..)
            .zip(transactions)
            .map(|(index, transaction)| self.transact(index, transaction))
            .collect();
        let header = BlockHeader {
            chain: self.chain,
            parent: self.head,
            height: self.height,
            time: self.time,
            transactions_root: hash_list(
                Domain::TransactionsRoot,
                receipts.iter().map(|receipt| receipt.transaction),
            ),
            state_root: self.state.root(),
        };
        self.head = header.hash();
        Ok(ExecutedBlock { header, receipts })
    }

    /// Runs a transaction on the state as it is and keeps nothing.
    pub fn simulate(&self, signed: &SignedLedgerTransaction) -> Result<Receipt, Refusal> {
        self.check(signed, self.time)?;
        let outcome = self.run(0, &signed.transaction);
        Ok(receipt(signed.hash(), outcome))
    }

    /// Runs a view of the contracts.
    pub fn view(
        &self,
        function: &FunctionName,
        type_args: &[String],
        args: &[Vec<u8>],
    ) -> Result<Vec<Vec<u8>>, Refusal> {
        let context = self.context(self.height, self.time, 0);
        let values = self.vm.view(&self.state, &context, function, type_args, args, HOST_GAS)?;
        Ok(values.into_iter().map(|(_, bytes)| bytes).collect())
    }

    /// What the contract records of a channel.
    pub fn channel(&self, channel: ChannelId) -> Result<ChannelRecord, Refusal> {
        let function = contract::function("channel", "record");
        let known = self.view(
            &contract::function("channel", "is_channel"),
            &[],
            &[codec::encode(&channel)],
        )?;
        if known.first().is_none_or(|answer| *answer != [1]) {
            return Err(Refusal::ChannelNotFound { channel });
        }
        let values = self.view(&function, &[], &[codec::encode(&channel)])?;
        let bytes = values.first().ok_or_else(|| Refusal::not_found("record"))?;
        Ok(codec::decode("channel record", bytes)?)
    }

    /// What an account holds of an asset.
    pub fn balance(&self, account: Address, asset: AssetId) -> Result<u64, Refusal> {
        let args = [codec::encode(&account), codec::encode(&asset)];
        let values = self.view(&contract::function("coin", "balance"), &[], &args)?;
        let bytes = values.first().ok_or_else(|| Refusal::not_found("balance"))?;
        Ok(codec::decode("balance", bytes)?)
    }

    /// The account's next sequence number.
    #[must_use]
    pub fn sequence(&self, account: Address) -> SequenceNumber {
        self.state
            .read(&StateKey::Sequence(account))
            .and_then(|bytes| codec::decode("sequence", &bytes).ok())
            .unwrap_or_default()
    }

    /// A package's sources by hash.
    #[must_use]
    pub fn package(&self, hash: &Hash) -> Option<&PackageSource> {
        self.packages.get(hash)
    }

    #[must_use]
    pub fn height(&self) -> Height {
        self.height
    }

    #[must_use]
    pub fn time(&self) -> Time {
        self.time
    }

    #[must_use]
    pub fn state_root(&self) -> Hash {
        self.state.root()
    }

    /// The sandbox's explanation of a receipt that is no success.
    #[must_use]
    pub fn explain(&self, receipt: &Receipt, limit: Gas) -> Refusal {
        self.vm.explain(&receipt.status, receipt.gas_used, limit)
    }

    fn transact(&mut self, index: u32, signed: &SignedLedgerTransaction) -> Receipt {
        let hash = signed.hash();
        if let Err(refusal) = self.check(signed, self.time) {
            let code = u64::try_from(refusal.code()).unwrap_or(0);
            return Receipt {
                transaction: hash,
                status: ExecutionStatus::Failed { code },
                gas_used: Gas(0),
                events: Vec::new(),
            };
        }
        let transaction = &signed.transaction;
        let outcome = self.run(index, transaction);
        if let LedgerPayload::StorePackage { package } = &transaction.payload
            && outcome.status.is_success()
        {
            self.packages.insert(package.hash(), package.clone());
        }
        let mut writes = outcome.writes.clone();
        writes.push(Write {
            key: StateKey::Sequence(transaction.sender),
            value: Some(codec::encode(&transaction.sequence.next())),
        });
        self.state.apply(&writes);
        receipt(hash, outcome)
    }

    fn run(&self, index: u32, transaction: &LedgerTransaction) -> Outcome {
        match &transaction.payload {
            LedgerPayload::Invoke { function, type_args, args } => {
                let invocation =
                    Invocation::Call { sender: transaction.sender, function, type_args, args };
                let context = self.context(self.height, self.time, index);
                self.vm.execute(&self.state, &context, &invocation, transaction.gas_limit)
            }
            LedgerPayload::StorePackage { package } => match fairway_sandbox::compile(package) {
                Ok(_) => ended(ExecutionStatus::Success),
                Err(_) => ended(ExecutionStatus::Failed { code: BAD_PACKAGE }),
            },
            LedgerPayload::Publish { .. } => ended(ExecutionStatus::Failed { code: BAD_PACKAGE }),
        }
    }

    fn context(&self, height: Height, time: Time, index: u32) -> Context {
        Context {
            chain: self.chain,
            channel: ChannelId::ZERO,
            height,
            time,
            index,
            seed: hash_value(Domain::Seed, &(self.head, index)),
        }
    }
}

/// Status code of a package that does not compile or is not admitted.
const BAD_PACKAGE: u64 = 100_018;

fn ended(status: ExecutionStatus) -> Outcome {
    Outcome { status, gas_used: Gas(0), writes: Vec::new(), events: Vec::new() }
}

fn receipt(transaction: Hash, outcome: Outcome) -> Receipt {
    Receipt {
        transaction,
        status: outcome.status,
        gas_used: outcome.gas_used,
        events: outcome.events,
    }
}
