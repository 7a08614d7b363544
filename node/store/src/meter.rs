//! What is counted on the way: by relaxed atomics alone, so that nobody who does the work waits for
//! who looks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds of a [`Latency`]'s buckets in seconds; one without a bound follows them.
pub const BOUNDS: [f64; 14] =
    [0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How long something took, in buckets.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// A [`Latency`] as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Seconds of all together.
    pub sum: f64,
    pub count: u64,
    /// Each bucket's upper bound in seconds, the last one infinite, and how many fell into it alone.
    pub buckets: Vec<(f64, u64)>,
}

impl Latency {
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    #[must_use]
    pub fn read(&self) -> Observed {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let sum = Duration::from_micros(self.microseconds.load(Ordering::Relaxed)).as_secs_f64();
        Observed { sum, count: buckets.iter().map(|(_, count)| count).sum(), buckets }
    }
}

/// What a database has written.
#[derive(Debug, Default)]
pub struct Meter {
    /// Batches that were on the disk before anybody went on.
    pub synced: Latency,
    /// Batches that nobody waited for.
    pub unsynced: Latency,
    /// Syncs of what was written before.
    pub syncs: Latency,
    /// Writes and syncs that failed.
    pub failures: AtomicU64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_falls_into_the_first_bucket_that_holds_it() {
        let latency = Latency::default();
        for micros in [100, 101, 20_000_000] {
            latency.observe(Duration::from_micros(micros));
        }
        let read = latency.read();
        assert_eq!(read.count, 3);
        assert!((read.sum - 20.000_201).abs() < 1e-9);
        assert_eq!(read.buckets[0], (0.0001, 1));
        assert_eq!(read.buckets[1], (0.0003, 1));
        assert_eq!(read.buckets[BOUNDS.len()], (f64::INFINITY, 1));
    }
}
