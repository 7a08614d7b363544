//! When snapshots of the log are taken, and what they let go: blocks, and older snapshots.

use fairway_proto::channel::log::Log;
use fairway_store::Batch;
use fairway_types::{Height, Transaction, codec};

use super::{StoreError, Writer, spans::Span};

/// Bytes of events after which a snapshot is worth its cost.
const SNAPSHOT_EVERY: usize = 64 << 20;
/// The same when it lets blocks be pruned.
const SNAPSHOT_TO_PRUNE: usize = 256 << 10;
/// Blocks pruned in one write.
const PRUNED_AT_ONCE: u64 = 64;

impl Writer {
    /// Whether replaying what came since the last snapshot costs more than another one.
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        self.since_snapshot > SNAPSHOT_EVERY.max(2 * self.snapshot_bytes)
    }

    /// Stores the log as it is now; a restart replays only what follows.
    pub fn take_snapshot(&mut self, log: &Log) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        self.put_snapshot(&mut batch, log);
        Ok(self.store.database.write(batch, false)?)
    }

    pub(super) fn put_snapshot(&mut self, batch: &mut Batch, log: &Log) {
        let snapshot = log.snapshot();
        let span = Span::of(&snapshot);
        let bytes = codec::encode(&snapshot);
        self.snapshot_bytes = bytes.len();
        self.since_snapshot = 0;
        let (key, index) = (self.store.key(self.next), self.next);
        batch.put("snapshots", key.clone(), bytes);
        batch.put("spans", key, codec::encode(&span));
        let dropped = self.spans.insert(index, span);
        self.drop_snapshots(batch, &dropped);
    }

    /// P-87: keeps the blocks up to `to` no more, some of them at a time. What they did must be in a
    /// snapshot first, which is taken when enough has happened since the last one; and blocks stay whose
    /// states, or those of kept blocks above them, no snapshot would give any more.
    pub fn prune(&mut self, to: Height, log: &Log) -> Result<(), StoreError> {
        if to <= self.pruned {
            return Ok(());
        }
        let worth = self.since_snapshot > SNAPSHOT_TO_PRUNE.max(self.snapshot_bytes);
        if self.spans.end() < to && worth {
            self.take_snapshot(log)?;
        }
        let prunable = self.spans.prunable(to);
        let most = prunable.min(Height(self.pruned.0 + PRUNED_AT_ONCE));
        if most <= self.pruned {
            return Ok(());
        }
        let Some(kept) = self.store.first_from(most.next())? else { return Ok(()) };
        let Some(end) = self.store.index_of(kept)? else { return Ok(()) };
        // Blocks in whose place a snapshot was taken cost nothing to prune.
        let to = prunable.min(kept.previous());
        let mut batch = Batch::default();
        for height in (self.pruned.0 + 1..=most.0).map(Height) {
            let Some(appended) = self.store.block(height)? else { continue };
            batch.delete("blocks", self.store.key(height.0));
            for call in appended.block.transactions.iter().filter_map(Transaction::as_call) {
                batch.delete("calls", self.store.call_key(&call.hash()));
            }
        }
        let end = end.min(self.spans.covered());
        batch.delete_range("events", self.store.key(0), self.store.key(end));
        let channel = *self.store.channel.as_bytes();
        batch.put("pruned", channel, to.0.to_be_bytes().to_vec());
        let unneeded = self.spans.forget_below(to);
        self.drop_snapshots(&mut batch, &unneeded);
        self.store.database.write(batch, false)?;
        self.pruned = to;
        Ok(())
    }

    fn drop_snapshots(&self, batch: &mut Batch, indices: &[u64]) {
        for index in indices {
            batch.delete("snapshots", self.store.key(*index));
            batch.delete("spans", self.store.key(*index));
        }
    }
}
