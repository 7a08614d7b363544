//! What readers see of a channel's past: states of earlier blocks, rebuilt from the store. One reading
//! a channel at a time, and one state that is kept for the next, so that nobody makes a node rebuild
//! states without bound.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError},
    time::{Duration, Instant},
};

use fairway_proto::channel::snapshot::Point;
use fairway_types::{Height, Refusal, StateKey};

use crate::store::ChannelStore;

/// Milliseconds after which another may try.
const RETRY_AFTER: u64 = 250;
/// How long a state is kept after it was last read.
const KEEP: Duration = Duration::from_secs(60);

/// One channel's.
#[derive(Default)]
pub struct Past {
    /// Held by who reads.
    reading: Mutex<()>,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    known: Arc<Known>,
    read_at: Instant,
}

/// The state after a block, or after genesis.
pub struct Known {
    pub point: Point,
    listing: OnceLock<Vec<Entry>>,
}

/// A key and its value.
pub type Entry = (StateKey, Arc<[u8]>);

impl Known {
    /// All entries in the order of their keys.
    pub fn entries(&self) -> &[Entry] {
        self.listing.get_or_init(|| {
            let entries = self.point.state.entries();
            let mut entries: Vec<Entry> =
                entries.map(|(key, value)| (key.clone(), Arc::clone(value))).collect();
            entries.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            entries
        })
    }
}

impl Past {
    /// Reads the state after the block at `height`; `head` is the newest one, which costs nothing. It
    /// keeps the thread busy.
    ///
    /// # Errors
    /// `busy` while somebody else reads, `pruned` below what is kept, `not_found` above the head.
    pub fn read<T>(
        &self,
        store: &ChannelStore,
        height: Height,
        head: Option<Point>,
        read: impl FnOnce(&Known) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let _reading = self
            .begin()
            .ok_or_else(|| Refusal::busy("reading an earlier state of the channel", RETRY_AFTER))?;
        let near = self.kept().as_ref().map(|kept| Arc::clone(&kept.known));
        let point = match head.filter(|head| head.height == height) {
            Some(head) => head,
            None => store.point(height, near.as_ref().map(|near| &near.point))?,
        };
        let known = near.filter(|near| near.point.hash == point.hash);
        let known = known.unwrap_or_else(|| Arc::new(Known { point, listing: OnceLock::new() }));
        *self.kept() = Some(Kept { known: Arc::clone(&known), read_at: Instant::now() });
        read(&known)
    }

    /// Lets go of a state that nobody reads any more.
    pub(crate) fn tidy(&self) {
        self.kept().take_if(|kept| kept.read_at.elapsed() > KEEP);
    }

    /// None while somebody else reads.
    fn begin(&self) -> Option<MutexGuard<'_, ()>> {
        match self.reading.try_lock() {
            Ok(reading) => Some(reading),
            Err(TryLockError::Poisoned(reading)) => Some(reading.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
