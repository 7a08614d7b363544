//! The running chain: a thread that executes, stores and commits blocks, and a handle that anybody
//! may clone to submit and read.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use fairway_sandbox::{Home, LoadedPackage, compiler::BoundedCompiler};
use fairway_types::{
    Address, Gas, Hash, Keypair, Refusal, SequenceNumber, Time, codec, contract,
    crypto::Verify,
    effects::ExecutionStatus,
    ledger::{LedgerPayload, LedgerTransaction, SignedLedgerTransaction},
    limits,
};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot, watch};
use tracing::{error, info, warn};

use crate::{
    machine::{ExecutedBlock, Genesis, Ledger, LedgerError, Receipt},
    publish::{Code, Compiled},
    sequencer::{Batch, Executed, LocalSequencer, Sequencer, Submission},
    store::{Store, StoreError},
};

/// Between two tries to go on after the disk failed.
const RECOVER: Duration = Duration::from_secs(1);
/// BCS bytes of transactions that wait for their block.
const WAITING_BYTES: usize = 64 << 20;
/// Compiled packages that are kept for the next case.
const JUDGED_PACKAGES: usize = 8;
/// The most the faucet gives at once: a million units of six decimals.
const FAUCET_MOST: u64 = 1_000_000_000_000;

/// What a ledger is run with.
pub struct Settings {
    pub folder: PathBuf,
    pub genesis: Genesis,
    /// Compiles packages before they are registered.
    pub compiler: BoundedCompiler,
    /// The root account's key, on a development chain: the faucet mints with it.
    pub faucet: Option<Keypair>,
}

struct Shared {
    ledger: RwLock<Ledger>,
    store: Store,
    compiler: BoundedCompiler,
    /// Packages of channels that were judged lately, the last one at the end.
    judged: std::sync::Mutex<Vec<(Hash, Arc<LoadedPackage>)>>,
    /// One transaction is tried at a time, however many ask.
    trying: Semaphore,
    /// One compilation at a time, however many ask.
    compiling: Arc<Semaphore>,
    /// One grant at a time: they share the root account's sequence numbers.
    faucet: Option<Mutex<Keypair>>,
    /// Number of events on the chain.
    events: watch::Sender<u64>,
    counts: Counts,
}

/// What happened since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Transactions in blocks that did what they were to do.
    pub executed: AtomicU64,
    /// Those that failed in execution.
    pub failed: AtomicU64,
    /// The disk takes no writes.
    pub storage_failing: AtomicBool,
}

/// A handle to the running chain. It stops when the last handle is dropped.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
    submissions: mpsc::Sender<Submission>,
    /// What is left of [`WAITING_BYTES`].
    room: Arc<Semaphore>,
    stopped: Arc<watch::Sender<()>>,
}

impl Service {
    /// Opens the folder and starts executing.
    pub fn start(settings: Settings) -> Result<Self, StoreError> {
        let (store, ledger) = Store::open(Path::new(&settings.folder), &settings.genesis)?;
        let events = watch::Sender::new(store.event_count()?);
        let shared = Arc::new(Shared {
            ledger: RwLock::new(ledger),
            store,
            compiler: settings.compiler,
            judged: std::sync::Mutex::default(),
            trying: Semaphore::new(1),
            compiling: Arc::new(Semaphore::new(1)),
            faucet: settings.faucet.map(Mutex::new),
            events,
            counts: Counts::default(),
        });
        let (submissions, sequencer) = LocalSequencer::new();
        let stopped = Arc::new(watch::Sender::new(()));
        let (running, end) = (Arc::clone(&shared), Arc::clone(&stopped));
        thread::spawn(move || {
            running.run(sequencer);
            drop(running);
            drop(end);
        });
        let room = Arc::new(Semaphore::new(WAITING_BYTES));
        Ok(Self { shared, submissions, room, stopped })
    }

    /// Ends once every handle is dropped and what was submitted is stored; closes the folder.
    pub async fn stop(self) {
        let Self { shared, submissions, stopped, .. } = self;
        let mut ended = stopped.subscribe();
        drop((submissions, stopped));
        let end = async { while ended.changed().await.is_ok() {} };
        // A connection that does not close keeps a handle: the folder is closed all the same.
        let _ = tokio::time::timeout(Duration::from_secs(5), end).await;
        shared.store.close();
    }

    /// Executes a transaction; answers when it is in a stored block.
    pub async fn submit(&self, signed: SignedLedgerTransaction) -> Result<Executed, Refusal> {
        let transaction = signed.verify()?;
        {
            let ledger = self.ledger();
            ledger.check_form(&transaction, ledger.time())?;
            stale(&ledger, &transaction)?;
        }
        let busy = || Refusal::busy("transactions", 100);
        let bytes = u32::try_from(codec::size(&*transaction)).unwrap_or(u32::MAX);
        let _room = self.room.try_acquire_many(bytes).map_err(|_| busy())?;
        let code = self.compile(&transaction.transaction).await?;
        let (answer, result) = oneshot::channel();
        self.submissions.try_send(Submission { transaction, code, answer }).map_err(|_| busy())?;
        result.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// What a transaction's package compiles to, if it publishes one, or has a case judged of a channel
    /// that runs one; one that is only registered has to compile as well. Before the block: what does
    /// not compile costs its sender nothing.
    async fn compile(&self, transaction: &LedgerTransaction) -> Result<Option<Compiled>, Refusal> {
        let publisher = transaction.sender;
        let (package, home) = match &transaction.payload {
            LedgerPayload::Invoke { .. } => return Ok(None),
            LedgerPayload::StorePackage { package } => (package.clone(), Home::Channel),
            LedgerPayload::Publish { package } => (package.clone(), Home::Ledger { publisher }),
            LedgerPayload::Judge { .. } => {
                let package = self.ledger().disputed_package(transaction)?;
                let package = package.ok_or_else(|| Refusal::not_found("the case's package"))?;
                let hash = package.hash();
                if let Some(known) = self.shared.judged_package(&hash) {
                    return Ok(Some(Compiled::Judged(hash, known)));
                }
                (package, Home::Channel)
            }
        };
        let shared = Arc::clone(&self.shared);
        let permit = Arc::clone(&shared.compiling).acquire_owned().await;
        let compiled = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            shared.compiler.compile_for(&package, home)
        });
        let internal =
            |error: tokio::task::JoinError| Refusal::Internal { reason: error.to_string() };
        let package = compiled.await.map_err(internal)?.map_err(Refusal::from)?;
        if matches!(transaction.payload, LedgerPayload::Judge { .. }) {
            let hash = package.hash;
            let loaded = LoadedPackage::new(&package).map_err(Refusal::from)?;
            return Ok(Some(Compiled::Judged(hash, self.shared.keep_judged(hash, loaded))));
        }
        if home == Home::Channel {
            return Ok(None);
        }
        self.ledger().check_package(&package, publisher)?;
        Ok(Some(Compiled::Published(Arc::new(package))))
    }

    /// Mints native units for `account`, on a development chain.
    pub async fn faucet(&self, account: Address, amount: u64) -> Result<Executed, Refusal> {
        let Some(faucet) = &self.shared.faucet else {
            let reason = "this chain has no faucet: it is not a development chain".into();
            return Err(Refusal::Unauthorised { reason });
        };
        if amount > FAUCET_MOST {
            let (actual, limit) = (amount, FAUCET_MOST);
            return Err(Refusal::TooLarge { what: "faucet amount".into(), actual, limit });
        }
        let key = faucet.lock().await;
        let transaction = {
            let ledger = self.ledger();
            LedgerTransaction {
                chain: ledger.chain(),
                sender: key.address(),
                sequence: ledger.sequence(key.address()),
                payload: contract::mint(account, amount),
                gas_limit: Gas(limits::CALL_GAS),
                expires_at: Time(u64::MAX),
            }
        };
        let signature = key.sign(&transaction);
        self.submit(SignedLedgerTransaction { key: key.public(), signature, transaction }).await
    }

    /// What a transaction would do now.
    pub async fn simulate(&self, signed: SignedLedgerTransaction) -> Result<Receipt, Refusal> {
        let signed = signed.verify()?;
        let mut code = Code::new();
        self.compile(&signed.transaction).await?.into_iter().for_each(|one| code.add(one));
        let closed = |_| stopping();
        let _one = self.shared.trying.acquire().await.map_err(closed)?;
        tokio::task::block_in_place(|| self.ledger().simulate(&signed, &code))
    }

    /// The chain as it is; hold it briefly: blocks wait for it.
    pub fn ledger(&self) -> RwLockReadGuard<'_, Ledger> {
        self.shared.ledger.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    #[must_use]
    pub fn has_faucet(&self) -> bool {
        self.shared.faucet.is_some()
    }

    /// Wakes whenever events are added.
    #[must_use]
    pub fn watch_events(&self) -> watch::Receiver<u64> {
        self.shared.events.subscribe()
    }
}

/// A transaction whose number is used up can never be executed: no need to queue it.
fn stale(ledger: &Ledger, signed: &SignedLedgerTransaction) -> Result<(), Refusal> {
    let account = signed.transaction.sender;
    let (expected, actual) = (ledger.sequence(account), signed.transaction.sequence);
    if actual >= expected {
        return Ok(());
    }
    Err(Refusal::SequenceNumber { account, expected, actual })
}

fn stopping() -> Refusal {
    Refusal::NotReady { what: "the ledger".into(), reason: "it is stopping".into() }
}

impl Shared {
    fn judged_package(&self, hash: &Hash) -> Option<Arc<LoadedPackage>> {
        let mut known = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.iter().position(|(known, _)| known == hash)?;
        let last = known.remove(place);
        let package = Arc::clone(&last.1);
        known.push(last);
        Some(package)
    }

    fn keep_judged(&self, hash: Hash, package: LoadedPackage) -> Arc<LoadedPackage> {
        let package = Arc::new(package);
        let mut known = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(other, _)| *other != hash);
        if known.len() == JUDGED_PACKAGES {
            known.remove(0);
        }
        known.push((hash, Arc::clone(&package)));
        package
    }

    fn run(&self, mut sequencer: impl Sequencer) {
        let next_of = |account: Address| -> SequenceNumber {
            self.ledger.read().unwrap_or_else(PoisonError::into_inner).sequence(account)
        };
        while let Some(batch) = sequencer.next(&next_of) {
            let hashes: Vec<Hash> =
                batch.transactions.iter().map(|transaction| transaction.hash()).collect();
            let results = match self.block(batch) {
                Ok(executed) => executed.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(Refusal::from(error)); hashes.len()],
            };
            sequencer.committed(hashes.into_iter().zip(results).collect());
        }
    }

    /// A failed write may be on the disk all the same, or not: the chain goes on from what the disk
    /// holds, once it can be read.
    fn recover(&self, failed: &StoreError) {
        let chain = self.ledger.read().unwrap_or_else(PoisonError::into_inner).chain();
        self.counts.storage_failing.store(true, Ordering::Relaxed);
        error!(%failed, "can't store a block: the chain stands still until the disk works");
        loop {
            thread::sleep(RECOVER);
            match self.store.reopen().and_then(|()| self.store.restore(chain)) {
                Ok(ledger) => {
                    *self.ledger.write().unwrap_or_else(PoisonError::into_inner) = ledger;
                    self.events.send_replace(self.store.event_count().unwrap_or_default());
                    self.counts.storage_failing.store(false, Ordering::Relaxed);
                    info!("storing again");
                    return;
                }
                Err(error) => warn!(%error, "still can't store"),
            }
        }
    }

    /// Execute, store, commit: a block that can't be stored leaves nothing behind.
    fn block(&self, batch: Batch) -> Result<Vec<Executed>, StoreError> {
        let block: ExecutedBlock = {
            let ledger = self.ledger.read().unwrap_or_else(PoisonError::into_inner);
            ledger.execute(batch.time, &batch.transactions, &batch.code)?
        };
        let transactions =
            batch.transactions.into_iter().map(fairway_types::Verified::into_inner).collect();
        let events = match self.store.append(&block, transactions, batch.code) {
            Ok(events) => events,
            Err(error) => {
                self.recover(&error);
                return Err(error);
            }
        };
        let height = block.header.height;
        let executed: Vec<Executed> = (0u32..)
            .zip(block.receipts.clone())
            .map(|(index, receipt)| Executed { height, index, receipt })
            .collect();
        self.ledger.write().unwrap_or_else(PoisonError::into_inner).commit(block);
        self.events.send_replace(events);
        for one in &executed {
            let done = one.receipt.status == ExecutionStatus::Success;
            let count = if done { &self.counts.executed } else { &self.counts.failed };
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(executed)
    }
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Refused(refusal) => refusal,
            LedgerError::Contracts(_)
            | LedgerError::Genesis { .. }
            | LedgerError::TooManyTransactions { .. }
            | LedgerError::OtherRoot { .. } => Self::Internal { reason: error.to_string() },
        }
    }
}
