//! Who orders blocks: one small trait, so that a consensus engine can take the local sequencer's
//! place without the machine, the store or the server noticing.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fairway_sandbox::Package;
use fairway_types::{
    Address, Hash, Refusal, SequenceNumber, Time, Verified, ledger::SignedLedgerTransaction, limits,
};
use tokio::sync::{mpsc, oneshot};

use crate::{machine::Receipt, publish::Code};

/// Transactions waiting to be ordered.
const QUEUE: usize = 8_192;
/// Transactions ahead of their turn: of one sender, and of all. They never stand in the way of those
/// whose turn it is.
const AHEAD: u64 = 64;
const HELD: usize = 1_024;
/// How long a transaction waits for the ones before it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the next block holds.
pub struct Batch {
    pub time: Time,
    pub transactions: Vec<Verified<SignedLedgerTransaction>>,
    /// What its `Publish` transactions compile to. Part of the block: an engine that agrees on blocks
    /// with others agrees on it too, and each compiles it again before it does.
    pub code: Code,
}

/// Orders transactions into blocks.
pub trait Sequencer: Send {
    /// Waits for the next block; `None` when there will be none any more. `next_of` gives a sender's
    /// next sequence number on the chain.
    fn next(&mut self, next_of: &dyn Fn(Address) -> SequenceNumber) -> Option<Batch>;

    /// The block is stored and part of the chain: its receipts with their places, in order.
    fn committed(&mut self, results: Vec<(Hash, Result<Executed, Refusal>)>);
}

/// A transaction's receipt and where it is.
#[derive(Debug, Clone)]
pub struct Executed {
    pub height: fairway_types::Height,
    pub index: u32,
    pub receipt: Receipt,
}

type Answer = oneshot::Sender<Result<Executed, Refusal>>;

/// A transaction that passed its checks, and who waits for it.
pub struct Submission {
    pub transaction: Verified<SignedLedgerTransaction>,
    /// What it compiles to, if it publishes a package.
    pub code: Option<Arc<Package>>,
    pub answer: Answer,
}

struct Held {
    submission: Submission,
    since: Instant,
}

/// Orders by arrival in this process: a block as soon as there is something to do, none otherwise.
pub struct LocalSequencer {
    inbox: mpsc::Receiver<Submission>,
    /// By sender and number: those whose turn it is not yet.
    held: BTreeMap<(Address, SequenceNumber), Held>,
    answers: Vec<(Hash, Answer)>,
}

impl LocalSequencer {
    #[must_use]
    pub fn new() -> (mpsc::Sender<Submission>, Self) {
        let (sender, inbox) = mpsc::channel(QUEUE);
        (sender, Self { inbox, held: BTreeMap::new(), answers: Vec::new() })
    }

    /// Moves what has arrived into `held`; waits for something when nothing is there.
    fn receive(&mut self) -> bool {
        if self.held.is_empty() {
            match self.inbox.blocking_recv() {
                Some(submission) => self.hold(submission),
                None => return false,
            }
        }
        for _ in 0..limits::BLOCK_TRANSACTIONS {
            match self.inbox.try_recv() {
                Ok(submission) => self.hold(submission),
                Err(mpsc::error::TryRecvError::Empty) => return true,
                Err(mpsc::error::TryRecvError::Disconnected) => return !self.held.is_empty(),
            }
        }
        true
    }

    fn hold(&mut self, submission: Submission) {
        let transaction = &submission.transaction.transaction;
        let key = (transaction.sender, transaction.sequence);
        if self.held.contains_key(&key) {
            let refusal = Refusal::busy("another transaction with this sequence number", 100);
            let _ = submission.answer.send(Err(refusal));
            return;
        }
        self.held.insert(key, Held { submission, since: Instant::now() });
    }

    /// Takes out what can be executed now: runs of numbers that start at the sender's next.
    fn take_ready(
        &mut self,
        next_of: &dyn Fn(Address) -> SequenceNumber,
    ) -> (Vec<Verified<SignedLedgerTransaction>>, Code) {
        let (mut ready, mut published) = (Vec::new(), Code::new());
        let mut expected: Option<(Address, SequenceNumber)> = None;
        for (key, held) in std::mem::take(&mut self.held) {
            let next = match expected {
                Some((sender, next)) if sender == key.0 => next,
                Some(_) | None => next_of(key.0),
            };
            if key.1 == next && ready.len() < limits::BLOCK_TRANSACTIONS {
                expected = Some((key.0, next.next()));
                let Submission { transaction, code, answer } = held.submission;
                published.extend(code.map(|package| (package.hash, package)));
                self.answers.push((transaction.hash(), answer));
                ready.push(transaction);
                continue;
            }
            expected = Some((key.0, next));
            let too_far = key.1.0 > next.0.saturating_add(AHEAD);
            let full = self.held.len() >= HELD;
            if key.1 < next || too_far || full || held.since.elapsed() > PATIENCE {
                let refusal =
                    Refusal::SequenceNumber { account: key.0, expected: next, actual: key.1 };
                let _ = held.submission.answer.send(Err(refusal));
            } else {
                self.held.insert(key, held);
            }
        }
        (ready, published)
    }
}

impl Sequencer for LocalSequencer {
    fn next(&mut self, next_of: &dyn Fn(Address) -> SequenceNumber) -> Option<Batch> {
        loop {
            if !self.receive() {
                return None;
            }
            let (transactions, code) = self.take_ready(next_of);
            if !transactions.is_empty() {
                return Some(Batch { time: clock(), transactions, code });
            }
            // Only transactions ahead of their turn are here: look again soon.
            if !self.held.is_empty() {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    fn committed(&mut self, results: Vec<(Hash, Result<Executed, Refusal>)>) {
        for ((_, answer), (_, result)) in self.answers.drain(..).zip(results) {
            let _ = answer.send(result);
        }
    }
}

/// This machine's clock.
pub(crate) fn clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
