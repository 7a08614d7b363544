//! Signatures of clients' calls: those that come at the same time are checked together, which costs a
//! third of one by one. A call that comes alone waits for nobody; where many are under way, the next
//! ones gather for a few milliseconds, in which they could not be ordered anyway.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fairway_types::{
    Call, Refusal, SignedCall, Verified,
    crypto::{Claim, Signable, bad_signatures},
};
use tokio::{
    sync::oneshot,
    task::{block_in_place, yield_now},
    time::sleep,
};

/// From so many on the network's thread is left to others meanwhile.
const MANY: usize = 16;

/// From so many calls under way on others gather.
const BUSY: usize = 32;
/// How long they do.
const GATHER: Duration = Duration::from_millis(3);

/// Claims that wait for the next round, and who is told whether the signature is good.
#[derive(Default)]
pub(super) struct Signatures {
    waiting: Mutex<Vec<(Claim, oneshot::Sender<bool>)>>,
    under_way: AtomicUsize,
}

/// A call under way.
pub(super) struct UnderWay<'a>(&'a Signatures);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Signatures {
    /// Counts a call as under way until it is dropped.
    pub(super) fn begin(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    /// P-11: the call, once its signature was found good.
    pub(super) async fn verify(
        self: &Arc<Self>,
        call: SignedCall,
    ) -> Result<Verified<SignedCall>, Refusal> {
        let claim = call.claim()?;
        let (tell, is_good) = oneshot::channel();
        if self.add(claim, tell) {
            let signatures = Arc::clone(self);
            tokio::spawn(async move { signatures.check().await });
        }
        if is_good.await == Ok(true) {
            return Ok(Verified::trusted(call));
        }
        Err(Refusal::BadSignature { what: Call::DOMAIN.to_owned(), key: call.key })
    }

    /// Whether it is the first that waits.
    fn add(&self, claim: Claim, tell: oneshot::Sender<bool>) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((claim, tell));
        waiting.len() == 1
    }

    /// One round: of what waits once everything that can run has run.
    async fn check(&self) {
        if self.under_way.load(Ordering::Relaxed) < BUSY {
            yield_now().await;
        } else {
            sleep(GATHER).await;
        }
        let waiting =
            std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let (claims, askers): (Vec<Claim>, Vec<_>) = waiting.into_iter().unzip();
        let check = || bad_signatures(&claims);
        let bad = if claims.len() < MANY { check() } else { block_in_place(check) };
        for (place, asker) in askers.into_iter().enumerate() {
            let _ = asker.send(bad.binary_search(&place).is_err());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use fairway_types::{Keypair, Operation, Signature};
    use futures::future::join_all;

    use super::*;

    fn call(sequence: u64) -> SignedCall {
        let key = Keypair::from_seed(&[7; 32]);
        let call = Call {
            chain: fairway_types::ChainId(1),
            channel: fairway_types::ChannelId::ZERO,
            sender: key.address(),
            sequence: fairway_types::SequenceNumber(sequence),
            operation: Operation::Leave,
            gas_limit: fairway_types::Gas(0),
            expires_at: fairway_types::Time(0),
        };
        SignedCall { key: key.public(), signature: key.sign(&call), call }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_bad_signature_among_many_is_refused_alone() {
        let signatures = Arc::new(Signatures::default());
        let mut calls: Vec<SignedCall> = (0..40).map(call).collect();
        calls[7].signature = Signature::ZERO;
        calls[8].call.sequence = fairway_types::SequenceNumber(99);
        let verified = join_all(calls.into_iter().map(|call| signatures.verify(call))).await;
        for (place, result) in verified.iter().enumerate() {
            assert_eq!(result.is_ok(), place != 7 && place != 8, "{place}");
        }
        assert!(signatures.waiting.lock().unwrap().is_empty());
    }

    /// Whoever asked first may be gone before its round.
    #[tokio::test(flavor = "multi_thread")]
    async fn one_who_stops_waiting_stops_nobody_else() {
        let signatures = Arc::new(Signatures::default());
        let first = tokio::spawn({
            let signatures = Arc::clone(&signatures);
            async move { signatures.verify(call(0)).await }
        });
        tokio::task::yield_now().await;
        first.abort();
        assert!(signatures.verify(call(1)).await.is_ok());
    }
}
