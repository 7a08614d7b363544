//! What a ledger shows.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use fairway_ledger::{Service, rpc::Denials};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::{
    Subject, Unready,
    metrics::{self, family, one},
};

/// A running ledger.
pub struct LedgerSubject {
    pub service: Service,
    /// Of its API port.
    pub denials: Arc<Denials>,
}

impl fmt::Debug for LedgerSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerSubject").finish_non_exhaustive()
    }
}

impl Subject for LedgerSubject {
    fn unready(&self) -> Vec<Unready> {
        let failing = self.service.counts().storage_failing.load(Relaxed);
        let reason = "the disk takes no writes: the chain stands still until it does".to_owned();
        failing.then_some(Unready { what: "storage", channel: None, reason }).into_iter().collect()
    }
}

impl Collector for LedgerSubject {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let (height, time) = {
            let ledger = self.service.ledger();
            (ledger.height(), ledger.time())
        };
        one(encoder, &metrics::LEDGER_HEIGHT, height.0)?;
        one(encoder, &metrics::LEDGER_TIME, time.0 / 1_000)?;
        let counts = self.service.counts();
        family(encoder, &metrics::LEDGER_TRANSACTIONS, |family| {
            family.counter(&[("outcome", "executed")], counts.executed.load(Relaxed))?;
            family.counter(&[("outcome", "failed")], counts.failed.load(Relaxed))
        })?;
        let events = *self.service.watch_events().borrow();
        one(encoder, &metrics::LEDGER_EVENTS, events)?;
        let failing = counts.storage_failing.load(Relaxed);
        one(encoder, &metrics::LEDGER_STORAGE_FAILING, failing.into())?;
        metrics::common(encoder, self.service.store().meter(), &self.denials)
    }
}
