//! What a channel's thread counts: atomics that the thread adds to and others read.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use fairway_proto::Event;
use fairway_store::meter::Latency;
use fairway_types::{Height, Refusal};

/// Codes of refusals, counted from their first.
const CODES: usize = 100;
const FIRST_CODE: i32 = 100_000;

/// Counts of one channel since this node runs it.
#[derive(Debug, Default)]
pub struct ChannelMeter {
    /// Calls in blocks that this node appended.
    pub ordered: AtomicU64,
    /// Calls in blocks that were certified here.
    pub certified: AtomicU64,
    /// Calls in blocks that were taken back.
    pub rolled_back: AtomicU64,
    /// Proposals for a settlement that this node made or agreed to.
    pub proposals: AtomicU64,
    /// Yes votes that it signed.
    pub votes: AtomicU64,
    /// Rules that it saw broken.
    pub divergences: AtomicU64,
    /// From a block's place in the log here until this node saw it certified.
    pub block_to_certified: Latency,
    /// From a call's arrival at this node's API until it was answered as certified.
    pub to_certified: Latency,
}

/// Calls that were answered with an error, by its name.
#[derive(Debug)]
pub struct Refusals {
    counts: Vec<(AtomicU64, OnceLock<&'static str>)>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { counts: (0..CODES).map(|_| Default::default()).collect() }
    }
}

impl Refusals {
    pub fn count(&self, refusal: &Refusal) {
        let place = usize::try_from(refusal.code() - FIRST_CODE).unwrap_or(CODES);
        if let Some((count, name)) = self.counts.get(place) {
            name.get_or_init(|| refusal.name());
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Names that were counted, and how often.
    pub fn read(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let named = self.counts.iter().filter_map(|(count, name)| Some((count, *name.get()?)));
        named.map(|(count, name)| (name, count.load(Ordering::Relaxed)))
    }
}

/// The thread's side: what is not certified yet is remembered, block by block.
pub(super) struct Counting {
    meter: Arc<ChannelMeter>,
    open: VecDeque<Open>,
}

/// A block that is not certified yet.
struct Open {
    height: Height,
    calls: u64,
    since: Instant,
}

impl Counting {
    pub(super) fn new(meter: Arc<ChannelMeter>) -> Self {
        Self { meter, open: VecDeque::new() }
    }

    /// The channel was rebuilt from what is stored: what was open is counted no further.
    pub(super) fn forget(&mut self) {
        self.open.clear();
    }

    pub(super) fn events(&mut self, events: &[Event]) {
        let add = |count: &AtomicU64, by: u64| count.fetch_add(by, Ordering::Relaxed);
        for event in events {
            match event {
                Event::Appended(appended) => {
                    let calls = appended.calls().len() as u64;
                    add(&self.meter.ordered, calls);
                    let height = appended.block.header.height;
                    self.open.push_back(Open { height, calls, since: Instant::now() });
                }
                Event::Certified { certificate } => {
                    let to = certificate.ack.height;
                    while let Some(block) = self.open.pop_front_if(|block| block.height <= to) {
                        add(&self.meter.certified, block.calls);
                        self.meter.block_to_certified.observe(block.since.elapsed());
                    }
                }
                Event::RolledBack { to } => {
                    while let Some(block) = self.open.pop_back_if(|block| block.height > *to) {
                        add(&self.meter.rolled_back, block.calls);
                    }
                }
                Event::Adopted(_) => self.open.clear(),
                Event::Diverged { .. } => {
                    add(&self.meter.divergences, 1);
                }
                Event::Proposed { .. } => {
                    add(&self.meter.proposals, 1);
                }
                Event::Voted { .. } => {
                    add(&self.meter.votes, 1);
                }
                Event::Started { .. }
                | Event::TermStarted { .. }
                | Event::Acked { .. }
                | Event::Promised { .. }
                | Event::TailLost
                | Event::Recovered { .. }
                | Event::SettledOnChain { .. } => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_name() {
        let refusals = Refusals::default();
        refusals.count(&Refusal::Closed);
        refusals.count(&Refusal::busy("calls", 1));
        refusals.count(&Refusal::busy("requests", 2));
        let read: Vec<_> = refusals.read().collect();
        assert_eq!(read, [("busy", 2), ("closed", 1)]);
    }
}
