//! The node's account on the ledger: transactions of many channels under way at a time, each with a
//! number of its own.

mod numbers;

use std::time::Duration;

use fairway_sdk::{Error, Ledger};
use fairway_types::{
    Keypair, Refusal,
    ledger::{LedgerPayload, SignedLedgerTransaction},
};
use tokio::{sync::Semaphore, time::sleep};

use self::numbers::{Fate, Number, Numbers};

/// Transactions under way: fewer than the ledger holds ahead of their turn.
const WINDOW: u32 = 32;
/// Times that a transaction is sent, or signed anew when its number was not the next.
const TRIES: u32 = 16;
const RETRY: Duration = Duration::from_millis(20);

pub(super) struct Account {
    key: Keypair,
    numbers: Numbers,
    window: Semaphore,
}

/// What came of one number.
enum Sent {
    Done(Result<(), Error>),
    /// Another transaction has the number, or it came too early.
    OutOfTurn(Error),
}

impl Account {
    pub(super) fn new(key: Keypair) -> Self {
        Self { key, numbers: Numbers::default(), window: Semaphore::new(WINDOW as usize) }
    }

    /// Executes a transaction; answers when it is in a block.
    pub(super) async fn execute(
        &self,
        ledger: &Ledger,
        payload: LedgerPayload,
    ) -> Result<(), Error> {
        // The ledger looks at a case before it has its turn: what waited behind its number would wait
        // for nothing.
        let alone = matches!(payload, LedgerPayload::Judge { .. });
        let _places = self.window.acquire_many(if alone { WINDOW } else { 1 }).await;
        let mut tries = 1;
        loop {
            let number = self.number(ledger).await?;
            let signed = ledger.sign_at(&self.key, number.sequence, payload.clone()).await?;
            match send(ledger, signed, number).await {
                Sent::Done(result) => return result,
                Sent::OutOfTurn(error) if tries == TRIES => return Err(error),
                Sent::OutOfTurn(_) => sleep(RETRY * tries).await,
            }
            tries += 1;
        }
    }

    async fn number(&self, ledger: &Ledger) -> Result<Number<'_>, Error> {
        if let Some(number) = self.numbers.take() {
            return Ok(number);
        }
        let next = ledger.sequence(self.key.address()).await?;
        Ok(self.numbers.take_from(next))
    }
}

/// Sends one signed transaction until the ledger says something about it. It is never signed anew
/// while it may still be executed.
async fn send(ledger: &Ledger, signed: SignedLedgerTransaction, mut number: Number<'_>) -> Sent {
    let mut tries = 0;
    loop {
        tries += 1;
        match ledger.deliver(signed.clone()).await {
            Ok(report) => {
                let refusal = report.error.as_ref().and_then(Refusal::from_data);
                // One whose form was wrong when its block came did not use its number.
                let unused = matches!(refusal, Some(Refusal::ExecutionFailed { .. }));
                number.fate = if unused { Fate::Unused } else { Fate::Used };
                return Sent::Done(refusal.map_or(Ok(()), |refusal| Err(Error::Refused(refusal))));
            }
            Err(Error::Refused(Refusal::Busy { .. })) if tries < TRIES => {
                sleep(RETRY * tries).await;
            }
            Err(Error::Refused(refusal @ Refusal::SequenceNumber { expected, .. })) => {
                number.fate = Fate::Expected(expected);
                return Sent::OutOfTurn(Error::Refused(refusal));
            }
            // Refused before its block, or nobody knows.
            Err(error) => return Sent::Done(Err(error)),
        }
    }
}
