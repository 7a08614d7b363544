//! How far a subscription has come in the log: what is new, what was seen, what was taken back.

use std::collections::BTreeMap;

use fairway_api::channel::Notice;
use fairway_types::{Hash, Height};

/// Blocks whose hashes are remembered; of more, the last ones.
const MOST_KNOWN: usize = 1_024;

/// Where a subscription stands. Pure: it opens no connection and reads no clock.
#[derive(Debug)]
pub(crate) struct Place {
    next: Option<Height>,
    /// Hashes of blocks below `next` that can be taken back, and of the last one.
    known: BTreeMap<Height, Hash>,
    /// Whether snapshots show anything that a block taken back would make untrue.
    shows: bool,
    /// The height of the snapshot that what was seen begins with, if it shows anything.
    base: Option<Height>,
    /// A snapshot of the height `next` is to come, unless it is too large.
    snapshot_due: bool,
    /// The last height that can't be taken back.
    finalised: Height,
    /// The connection broke: what was seen and is not final may have been taken back since.
    unsure: bool,
}

impl Place {
    pub(crate) fn new(from: Option<Height>, shows: bool) -> Self {
        let next = from.map(|from| from.max(Height(1)));
        let (known, base, snapshot_due) = (BTreeMap::new(), None, false);
        let (finalised, unsure) = (Height::ZERO, false);
        Self { next, known, shows, base, snapshot_due, finalised, unsure }
    }

    /// The first height not seen yet; `None` when that is for a snapshot to say.
    pub(crate) fn next(&self) -> Option<Height> {
        self.next
    }

    /// Where to subscribe from. After a break that is the last block that was seen, once more, if it can
    /// be taken back, so that another one in its place shows at once. A snapshot that did not come is
    /// asked for.
    pub(crate) fn resume(&mut self, broke: bool) -> Option<Height> {
        if self.snapshot_due {
            (self.next, self.snapshot_due) = (None, false);
        }
        let next = self.next?;
        let last = next.previous();
        let open = self.known.contains_key(&last) && last > self.finalised;
        self.unsure = (self.unsure || broke) && open;
        Some(if self.unsure { last } else { next })
    }

    /// Whether the server's log is another one than was seen: its block follows another one, or is in its
    /// place; or after a break it has no block there, which it would show before it says how far it is.
    pub(crate) fn is_elsewhere(&self, notice: &Notice) -> bool {
        let Notice::Block { height, hash, parent, .. } = notice else {
            return self.unsure && matches!(notice, Notice::Heights { .. });
        };
        let Some(next) = self.next else { return false };
        let Some(last) = self.known.get(&next.previous()) else { return false };
        *height == next && parent != last || *height == next.previous() && hash != last
    }

    /// Whether blocks before this one are missing.
    pub(crate) fn is_ahead(&self, notice: &Notice) -> bool {
        let Notice::Block { height, .. } = notice else { return false };
        let Some(next) = self.next else { return false };
        *height > if self.snapshot_due { next.next() } else { next }
    }

    /// Forgets what lies above the last height that can't be taken back.
    pub(crate) fn go_back(&mut self) -> Notice {
        self.go_back_to(self.finalised)
    }

    /// Forgets what lies above a height: what a snapshot held needs another snapshot.
    fn go_back_to(&mut self, given: Height) -> Notice {
        self.unsure &= given > self.finalised;
        // What was not seen is not taken back.
        let to = self.next.map_or(given, |next| given.min(next.previous()));
        if self.base.is_some_and(|base| to < base) {
            (self.base, self.next) = (None, None);
            self.known.clear();
        } else if self.next.is_some() {
            self.next = Some(to.next());
            self.known.split_off(&to.next());
        }
        Notice::RolledBack { to }
    }

    /// Whether the notice is new.
    pub(crate) fn take(&mut self, notice: &Notice) -> bool {
        match notice {
            Notice::Heights { finalised, .. } => {
                self.finalised = self.finalised.max(*finalised);
                self.forget();
                true
            }
            Notice::RolledBack { to } => {
                self.go_back_to(*to);
                true
            }
            Notice::Skipped { to } => {
                // Not above it: a snapshot of that height follows.
                self.next = Some(*to);
                self.snapshot_due = true;
                (self.base, self.unsure) = (None, false);
                self.known.clear();
                true
            }
            Notice::Lagged { .. } => false,
            Notice::Snapshot { height, hash, .. } => {
                let is_new = self.next.is_none_or(|next| *height >= next);
                if is_new {
                    (self.known, self.unsure) = (BTreeMap::new(), false);
                    self.base = self.shows.then_some(*height);
                    self.pass(*height, *hash);
                }
                is_new
            }
            Notice::Block { height, hash, .. } => {
                let is_new = self.next.is_none_or(|next| *height >= next);
                if is_new {
                    self.pass(*height, *hash);
                } else if self.next == Some(height.next()) {
                    self.known.insert(*height, *hash);
                    self.unsure = false;
                }
                is_new
            }
        }
    }

    fn pass(&mut self, height: Height, hash: Hash) {
        self.next = Some(height.next());
        (self.snapshot_due, self.unsure) = (false, false);
        self.known.insert(height, hash);
        self.forget();
    }

    /// Blocks that can't be taken back, but for the last one, which the next one follows.
    fn forget(&mut self) {
        let last = self.next.map_or(Height::ZERO, Height::previous);
        self.known = self.known.split_off(&self.finalised.min(last));
        while self.known.len() > MOST_KNOWN {
            self.known.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::Time;

    use super::*;

    fn snapshot(height: u64, hash: u8) -> Notice {
        let (height, hash, state_root) = (Height(height), Hash([hash; 32]), Hash::ZERO);
        Notice::Snapshot { height, hash, state_root, resources: Vec::new() }
    }

    fn block(height: u64, parent: u8, hash: u8) -> Notice {
        Notice::Block {
            height: Height(height),
            hash: Hash([hash; 32]),
            parent: Hash([parent; 32]),
            time: Time(1),
            state_root: Hash::ZERO,
            changes: Vec::new(),
            events: Vec::new(),
            calls: Vec::new(),
        }
    }

    fn finalised(height: u64) -> Notice {
        let height = Height(height);
        Notice::Heights { certified: height, finalised: height, settled: Height::ZERO }
    }

    fn begun(shows: bool, notices: &[Notice]) -> Place {
        let mut place = Place::new(None, shows);
        for notice in notices {
            assert!(!place.is_elsewhere(notice) && !place.is_ahead(notice), "{notice:?}");
            assert!(place.take(notice), "{notice:?}");
        }
        place
    }

    #[test]
    fn block_that_does_not_follow_the_snapshot_is_of_another_branch() {
        let mut place = begun(true, &[finalised(5), snapshot(7, 0x77)]);
        assert!(!place.is_elsewhere(&block(8, 0x77, 0x88)));
        assert!(place.is_elsewhere(&block(8, 0x76, 0x88)));
        assert_eq!(place.go_back(), Notice::RolledBack { to: Height(5) });
        assert_eq!(place.next(), None, "it begins with another snapshot");
        assert!(place.take(&snapshot(6, 0x66)) && place.take(&block(7, 0x66, 0x78)));
        assert!(place.take(&finalised(6)));
        assert_eq!(place.go_back(), Notice::RolledBack { to: Height(6) });
        assert_eq!(place.next(), Some(Height(7)), "the snapshot holds");
    }

    #[test]
    fn block_in_the_place_of_the_last_one_shows_after_a_break() {
        let mut place = begun(true, &[snapshot(6, 0x66), finalised(6), block(7, 0x66, 0x77)]);
        assert_eq!(place.resume(false), Some(Height(8)));
        assert_eq!(place.resume(true), Some(Height(7)), "once more");
        assert_eq!(place.resume(false), Some(Height(7)), "as long as it was not shown");
        assert!(!place.is_elsewhere(&block(7, 0x66, 0x77)) && !place.take(&block(7, 0x66, 0x77)));
        assert!(place.is_elsewhere(&block(7, 0x66, 0x78)));
        place.take(&finalised(7));
        assert_eq!(place.resume(true), Some(Height(8)), "it can't be taken back");
    }

    /// The branch that was seen is gone, and the other one shorter: what is final there says nothing of
    /// what was seen here.
    #[test]
    fn heights_of_a_log_without_the_last_block_take_back_what_was_not_final() {
        let seen = [snapshot(6, 0x66), finalised(6), block(7, 0x66, 0x77), block(8, 0x77, 0x88)];
        let mut place = begun(true, &seen);
        assert_eq!(place.resume(true), Some(Height(8)));
        assert!(place.is_elsewhere(&finalised(7)));
        assert_eq!(place.go_back(), Notice::RolledBack { to: Height(6) });
        assert_eq!(place.resume(false), Some(Height(7)));
        for notice in [block(7, 0x66, 0x78), block(8, 0x78, 0x89), finalised(7)] {
            assert!(!place.is_elsewhere(&notice) && place.take(&notice), "{notice:?}");
        }
    }

    #[test]
    fn log_that_has_the_last_block_is_believed_again() {
        let mut place = begun(true, &[snapshot(6, 0x66), finalised(6), block(7, 0x66, 0x77)]);
        place.resume(true);
        assert!(!place.take(&block(7, 0x66, 0x77)), "it was seen");
        assert!(!place.is_elsewhere(&finalised(7)) && place.take(&finalised(7)));
    }

    #[test]
    fn snapshot_that_did_not_come_is_asked_for() {
        let mut place = begun(true, &[snapshot(6, 0x66), Notice::Skipped { to: Height(20) }]);
        assert_eq!(place.resume(true), None);
        assert!(place.take(&snapshot(21, 0x15)));
        assert_eq!(place.resume(false), Some(Height(22)));
    }

    #[test]
    fn blocks_left_out_are_missed() {
        let mut place = begun(true, &[snapshot(6, 0x66), block(7, 0x66, 0x77)]);
        assert!(!place.is_ahead(&block(8, 0x77, 0x88)) && place.is_ahead(&block(9, 0x88, 0x99)));
        assert!(place.take(&Notice::Skipped { to: Height(20) }));
        assert!(!place.is_ahead(&block(21, 0x14, 0x15)), "the snapshot was too large");
        assert!(place.is_ahead(&block(22, 0x15, 0x16)));
        assert!(place.take(&snapshot(20, 0x14)) && place.is_ahead(&block(22, 0x15, 0x16)));
    }

    #[test]
    fn node_that_takes_back_a_part_of_the_snapshot_shows_another_one() {
        let place = begun(
            true,
            &[
                snapshot(7, 0x77),
                Notice::RolledBack { to: Height(5) },
                Notice::Skipped { to: Height(5) },
                snapshot(5, 0x55),
                block(6, 0x55, 0x66),
            ],
        );
        assert_eq!(place.next(), Some(Height(7)));
    }

    #[test]
    fn subscriber_to_events_alone_goes_back_to_blocks() {
        let mut place = begun(false, &[snapshot(7, 0x77)]);
        place.take(&Notice::RolledBack { to: Height(5) });
        assert_eq!(place.next(), Some(Height(6)));
    }

    #[test]
    fn what_was_not_seen_is_not_taken_back() {
        let mut place = begun(true, &[snapshot(6, 0x66), block(7, 0x66, 0x77)]);
        place.take(&finalised(9));
        assert_eq!(place.go_back(), Notice::RolledBack { to: Height(7) });
        assert_eq!(place.next(), Some(Height(8)));
    }

    #[test]
    fn hashes_are_remembered_within_bounds() {
        let mut place = begun(true, &[snapshot(1, 1)]);
        for height in 2..=3_000 {
            assert!(place.take(&block(height, 1, 1)));
        }
        assert_eq!(place.known.len(), MOST_KNOWN);
        assert_eq!(place.known.last_key_value(), Some((&Height(3_000), &Hash([1; 32]))));
        place.take(&finalised(2_999));
        assert_eq!(place.known.len(), 2);
        place.take(&finalised(4_000));
        assert_eq!(place.known.len(), 1, "the last one, which the next one follows");
    }
}
