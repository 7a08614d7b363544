//! When what is due next: nothing here reads a clock.

use fairway_types::{Term, Time, windows::WindowRecord};

use super::{Channel, output::Effect};

/// Milliseconds between two requests for missing blocks.
const SYNC_EVERY: u64 = 200;
/// Milliseconds until a peer that was asked in vain is asked again.
pub(super) const SYNC_PATIENCE: u64 = 2_000;
/// Milliseconds between two readings of the chain's record.
const REFRESH_EVERY: u64 = 100;
/// Milliseconds between two applications for leadership.
const APPLY_EVERY: u64 = 1_000;
/// Milliseconds between two attempts to show the contract a term.
const SHOW_EVERY: u64 = 1_000;
/// Milliseconds for which a leader that left is believed about blocks nobody else has shown.
const TAKE_OVER_AFTER: u64 = 10_000;

#[derive(Debug, Default)]
pub(super) struct Timers {
    peer_heartbeat: Time,
    chain_heartbeat: Time,
    settlement: Time,
    sync: Time,
    refresh: Time,
    apply: Time,
    show: Time,
    resend: Time,
    /// Since when this term is to be shown to the contract.
    unshown: Option<(Term, Time)>,
    /// Since when the chain takes this node for a leader that it is not.
    gave_way_since: Option<Time>,
    /// Since when the leader's place is known to be vacant.
    vacant_since: Option<Time>,
}

/// Takes the slot if it is due and sets it again.
fn due(slot: &mut Time, now: Time, every: u64) -> bool {
    let is_due = now >= *slot;
    if is_due {
        *slot = now.plus(every);
    }
    is_due
}

impl Timers {
    pub(super) fn may_sync(&mut self, now: Time) -> bool {
        due(&mut self.sync, now, SYNC_EVERY)
    }

    pub(super) fn may_refresh(&mut self, now: Time) -> bool {
        due(&mut self.refresh, now, REFRESH_EVERY)
    }

    pub(super) fn may_apply(&mut self, now: Time) -> bool {
        due(&mut self.apply, now, APPLY_EVERY)
    }

    pub(super) fn may_show(&mut self, now: Time) -> bool {
        due(&mut self.show, now, SHOW_EVERY)
    }

    /// Milliseconds for which this term has been to be shown.
    pub(super) fn has_been_unshown(&mut self, now: Time, term: Option<Term>) -> u64 {
        let known = self.unshown.filter(|(known, _)| Some(*known) == term);
        self.unshown = known.or(term.map(|term| (term, now)));
        self.unshown.map_or(0, |(_, since)| now.since(since))
    }

    /// Milliseconds for which this has been so.
    pub(super) fn has_given_way(&mut self, now: Time, gave_way: bool) -> u64 {
        let since = self.gave_way_since.filter(|_| gave_way);
        self.gave_way_since = since.or(gave_way.then_some(now));
        self.gave_way_since.map_or(0, |since| now.since(since))
    }

    /// Whether the leader's place has been vacant for long.
    pub(super) fn has_waited(&mut self, now: Time, vacant: bool) -> bool {
        self.vacant_since = self.vacant_since.filter(|_| vacant).or(vacant.then_some(now));
        self.vacant_since.is_some_and(|since| now >= since.plus(TAKE_OVER_AFTER))
    }

    /// What was forwarded is sent again at once: somebody else leads.
    pub(super) fn resend_now(&mut self) {
        self.resend = Time::ZERO;
    }

    pub(super) fn may_resend(&mut self, now: Time, every: u64) -> bool {
        due(&mut self.resend, now, every)
    }

    pub(super) fn peer_heartbeat_due(&mut self, now: Time, every: u64) -> bool {
        due(&mut self.peer_heartbeat, now, every)
    }

    pub(super) fn chain_heartbeat_due(&mut self, now: Time, every: u64) -> bool {
        due(&mut self.chain_heartbeat, now, every)
    }

    pub(super) fn settlement_due(&mut self, now: Time, every: u64) -> bool {
        if self.settlement == Time::ZERO {
            self.settlement = now.plus(every);
        }
        every > 0 && due(&mut self.settlement, now, every)
    }

    /// The earliest thing that is due.
    pub(super) fn next(&self, channel: &Channel) -> Time {
        let mut next = self.peer_heartbeat.min(self.chain_heartbeat);
        let windows = channel.chain.record().map(|record| &record.windows);
        if windows.is_some_and(WindowRecord::is_open) {
            next = next.min(channel.guarding.next_look().max(channel.now.plus(1)));
        }
        let dues = channel.patience_ends().into_iter().chain(channel.ends_at());
        for due in dues.chain(channel.telling_due()) {
            next = next.min(due);
        }
        let Some(tip) = channel.log.tip().filter(|_| channel.orders()) else { return next };
        let window = channel.env.limits.window;
        let ticks = !channel.is_over() && channel.in_flight(&tip) < window;
        let tick = channel.next_tick(&tip).filter(|_| ticks);
        let empty = channel.child_due().into_iter().chain(channel.checkpoint_block_due());
        for due in tick.into_iter().chain(empty) {
            next = next.min(due.max(channel.now.plus(1)));
        }
        next
    }
}

impl Channel {
    /// Asks for a new reading of the chain, not too often.
    pub(super) fn refresh(&mut self) {
        if self.timers.may_refresh(self.now) {
            self.perform(Effect::Refresh);
        }
    }
}
