//! Who orders blocks: one small trait, so that a consensus engine can take the local sequencer's
//! place without the machine, the store or the server noticing.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fairway_types::{
    Address, ChannelId, Hash, Refusal, SequenceNumber, Time, Verified,
    ledger::{LedgerPayload, SignedLedgerTransaction},
    limits,
};
use tokio::sync::{mpsc, oneshot};

use crate::{
    machine::Receipt,
    publish::{Code, Compiled},
};

/// Transactions waiting to be ordered.
const QUEUE: usize = 8_192;
/// Transactions ahead of their turn: of one sender, and of all. They never stand in the way of those
/// whose turn it is.
const AHEAD: u64 = 64;
const HELD: usize = 1_024;
/// How long a transaction waits for the ones before it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who waits for one transaction at a time: it was sent again after connections broke.
const WAITING: usize = 16;
/// Cases that one block judges: each may take as long as thousands of other transactions.
const CASES: usize = 2;

/// What the next block holds.
pub struct Batch {
    pub time: Time,
    pub transactions: Vec<Verified<SignedLedgerTransaction>>,
    /// What its `Publish` transactions compile to, and the packages that its `Judge` transactions are
    /// about. An engine that agrees on blocks with others has each compile them from the sources.
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
    /// What it is executed with besides the contracts.
    pub code: Option<Compiled>,
    pub answer: Answer,
}

struct Held {
    transaction: Verified<SignedLedgerTransaction>,
    code: Option<Compiled>,
    /// Everybody who submitted these bytes.
    answers: Vec<Answer>,
    since: Instant,
}

impl Held {
    /// Whoever submits the same transaction again waits with the others.
    fn join(&mut self, answer: Answer) {
        self.answers.retain(|waiting| !waiting.is_closed());
        if self.answers.len() < WAITING {
            self.answers.push(answer);
        } else {
            tell([answer], &Err(Refusal::busy("requests about one transaction", 100)));
        }
    }
}

fn tell(answers: impl IntoIterator<Item = Answer>, result: &Result<Executed, Refusal>) {
    for answer in answers {
        let _ = answer.send(result.clone());
    }
}

/// Orders by arrival in this process: a block as soon as there is something to do, none otherwise.
pub struct LocalSequencer {
    inbox: mpsc::Receiver<Submission>,
    /// By sender and number: those whose turn it is not yet.
    held: BTreeMap<(Address, SequenceNumber), Held>,
    /// Of the transactions in the block that is executed, in their order.
    answers: Vec<Vec<Answer>>,
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
        let Submission { transaction, code, answer } = submission;
        let key = (transaction.transaction.sender, transaction.transaction.sequence);
        match self.held.entry(key) {
            Entry::Vacant(place) => {
                let (answers, since) = (vec![answer], Instant::now());
                place.insert(Held { transaction, code, answers, since });
            }
            Entry::Occupied(mut held) if held.get().transaction.hash() == transaction.hash() => {
                held.get_mut().join(answer);
            }
            Entry::Occupied(_) => {
                let refusal = Refusal::busy("another transaction with this sequence number", 100);
                tell([answer], &Err(refusal));
            }
        }
    }

    /// Takes out what can be executed now: runs of numbers that start at the sender's next.
    fn take_ready(
        &mut self,
        next_of: &dyn Fn(Address) -> SequenceNumber,
    ) -> (Vec<Verified<SignedLedgerTransaction>>, Code) {
        let (mut ready, mut code) = (Vec::new(), Code::new());
        let judged = self.judged_now(next_of);
        let mut expected: Option<(Address, SequenceNumber)> = None;
        for (key, held) in std::mem::take(&mut self.held) {
            let next = match expected {
                Some((sender, next)) if sender == key.0 => next,
                Some(_) | None => next_of(key.0),
            };
            let fits = ready.len() < limits::BLOCK_TRANSACTIONS;
            let waits = case(&held.transaction).is_some() && !judged.contains(&key);
            if key.1 == next && fits && !waits {
                expected = Some((key.0, next.next()));
                held.code.into_iter().for_each(|own| code.add(own));
                self.answers.push(held.answers);
                ready.push(held.transaction);
                continue;
            }
            expected = Some((key.0, next));
            let too_far = key.1.0 > next.0.saturating_add(AHEAD);
            let full = self.held.len() >= HELD;
            if key.1 < next || too_far || full || held.since.elapsed() > PATIENCE {
                let refusal = match key.1 == next {
                    true => Refusal::busy("cases to judge", 1_000),
                    false => {
                        Refusal::SequenceNumber { account: key.0, expected: next, actual: key.1 }
                    }
                };
                tell(held.answers, &Err(refusal));
            } else {
                self.held.insert(key, held);
            }
        }
        (ready, code)
    }

    /// The cases that the next block judges: those that came first, one a channel.
    fn judged_now(
        &self,
        next_of: &dyn Fn(Address) -> SequenceNumber,
    ) -> BTreeSet<(Address, SequenceNumber)> {
        let cases = self.held.iter().filter_map(|(key, held)| {
            case(&held.transaction).map(|channel| (held.since, channel, *key))
        });
        let mut cases: Vec<_> = cases.collect();
        cases.sort_by_key(|(since, ..)| *since);
        let mut channels = BTreeSet::new();
        let due = cases.into_iter().filter(|(_, channel, (sender, sequence))| {
            next_of(*sender) == *sequence && channels.insert(*channel)
        });
        due.take(CASES).map(|(.., key)| key).collect()
    }
}

/// The channel that a case to judge is about.
fn case(signed: &SignedLedgerTransaction) -> Option<ChannelId> {
    match signed.transaction.payload {
        LedgerPayload::Judge { channel, .. } => Some(channel),
        LedgerPayload::Invoke { .. }
        | LedgerPayload::StorePackage { .. }
        | LedgerPayload::Publish { .. } => None,
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
        for (answers, (_, result)) in self.answers.drain(..).zip(results) {
            tell(answers, &result);
        }
    }
}

/// This machine's clock.
pub(crate) fn clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use fairway_types::{ChainId, Gas, JoinSequence, Keypair, ledger::LedgerTransaction};

    use super::*;

    fn submission(sender: u8, payload: LedgerPayload) -> Submission {
        submitted(sender, payload).0
    }

    type Told = oneshot::Receiver<Result<Executed, Refusal>>;

    fn submitted(sender: u8, payload: LedgerPayload) -> (Submission, Told) {
        let key = Keypair::from_seed(&[sender; 32]);
        let transaction = LedgerTransaction {
            chain: ChainId(1),
            sender: key.address(),
            sequence: SequenceNumber(0),
            payload,
            gas_limit: Gas(1),
            expires_at: Time(1),
        };
        let signed = SignedLedgerTransaction {
            signature: key.sign(&transaction),
            key: key.public(),
            transaction,
        };
        let (answer, told) = oneshot::channel();
        (Submission { transaction: Verified::trusted(signed), code: None, answer }, told)
    }

    fn payment(amount: u64) -> LedgerPayload {
        crate::contract::transfer(crate::contract::NATIVE, Address::from_low(1), amount)
    }

    fn case_of(channel: u8) -> LedgerPayload {
        let channel = ChannelId([channel; 32]);
        LedgerPayload::Judge { channel, accused: JoinSequence(1), file: Vec::new() }
    }

    fn channels(taken: &[Verified<SignedLedgerTransaction>]) -> Vec<u8> {
        let payloads = taken.iter().map(|taken| &taken.transaction.payload);
        let channels = payloads.filter_map(|payload| match payload {
            LedgerPayload::Judge { channel, .. } => Some(channel.0[0]),
            LedgerPayload::Invoke { .. }
            | LedgerPayload::StorePackage { .. }
            | LedgerPayload::Publish { .. } => None,
        });
        let mut channels: Vec<u8> = channels.collect();
        channels.sort_unstable();
        channels
    }

    /// Else one account's cases hold up every channel on the ledger, past its windows.
    #[test]
    fn a_block_judges_two_cases_of_two_channels_and_those_that_came_first() {
        let (_sender, mut sequencer) = LocalSequencer::new();
        for (sender, channel) in [(1, 7), (2, 7), (3, 8), (4, 9)] {
            sequencer.hold(submission(sender, case_of(channel)));
            std::thread::sleep(Duration::from_millis(1));
        }
        sequencer.hold(submission(5, payment(1)));
        let mut done = BTreeSet::new();
        let mut take = |sequencer: &mut LocalSequencer| {
            let next = |sender: Address| SequenceNumber(u64::from(done.contains(&sender)));
            let (taken, _) = sequencer.take_ready(&next);
            done.extend(taken.iter().map(|taken| taken.transaction.sender));
            (taken.len(), channels(&taken))
        };
        assert_eq!(take(&mut sequencer), (3, vec![7, 8]), "and what is no case");
        assert_eq!(take(&mut sequencer), (2, vec![7, 9]));
        assert_eq!(take(&mut sequencer), (0, vec![]));
    }
    /// Who sends again what it can't know the fate of would otherwise be told `busy`, and sign anew.
    #[test]
    fn transaction_that_is_submitted_again_is_executed_once_and_answers_all() {
        let (_sender, mut sequencer) = LocalSequencer::new();
        let (first, mut told) = submitted(1, payment(5));
        let (again, mut told_again) = submitted(1, payment(5));
        let (other, mut told_other) = submitted(1, payment(6));
        for submission in [first, again, other] {
            sequencer.hold(submission);
        }
        let refused = told_other.try_recv().unwrap().unwrap_err();
        assert!(matches!(refused, Refusal::Busy { .. }), "{refused}");
        let (taken, _) = sequencer.take_ready(&|_| SequenceNumber(0));
        assert_eq!(taken.len(), 1);
        let why = Refusal::not_found("the same answer");
        sequencer.committed(vec![(taken[0].hash(), Err(why.clone()))]);
        for told in [&mut told, &mut told_again] {
            assert_eq!(told.try_recv().unwrap().unwrap_err(), why);
        }
    }

    #[test]
    fn those_who_wait_for_one_transaction_are_bounded_and_who_is_gone_is_not_among_them() {
        let (_sender, mut sequencer) = LocalSequencer::new();
        let mut waiting = Vec::new();
        for _ in 0..3 * WAITING {
            let (submission, told) = submitted(1, payment(5));
            sequencer.hold(submission);
            drop(told);
        }
        for _ in 0..=WAITING {
            let (submission, told) = submitted(1, payment(5));
            sequencer.hold(submission);
            waiting.push(told);
        }
        let refused = waiting.pop().unwrap().try_recv().unwrap().unwrap_err();
        assert!(matches!(refused, Refusal::Busy { .. }), "{refused}");
        assert!(waiting.iter_mut().all(|told| told.try_recv().is_err()), "they wait");
    }
}
