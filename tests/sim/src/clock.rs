//! A node's own clock: off by an offset that drifts, within a bound.

use fairway_types::Time;

/// Milliseconds of true time as a node reads them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    /// The true time at which `offset` was right.
    since: Time,
    offset: i64,
    /// Parts in a million by which it runs fast; negative for slow.
    drift: i64,
    bound: i64,
}

impl Clock {
    #[must_use]
    pub fn new(now: Time, offset: i64, drift: i64, bound: u64) -> Self {
        let bound = i64::try_from(bound).unwrap_or(i64::MAX);
        Self { since: now, offset, drift, bound }
    }

    /// What the clock shows at the true time `now`.
    #[must_use]
    pub fn read(&self, now: Time) -> Time {
        let elapsed = i64::try_from(now.since(self.since)).unwrap_or(i64::MAX);
        let drifted = self.offset.saturating_add(elapsed.saturating_mul(self.drift) / 1_000_000);
        Time(now.0.saturating_add_signed(drifted.clamp(-self.bound, self.bound)))
    }

    /// The same clock, from now on this far off.
    pub fn jump(&mut self, now: Time, offset: i64) {
        (self.since, self.offset) = (now, offset);
    }
}
