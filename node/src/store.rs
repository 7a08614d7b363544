//! A node's data folder: the events of its channels, and what finds a block or a call in them.
//!
//! | family | key | value |
//! |---|---|---|
//! | `channels` | channel | BCS of the chain id, the package hash and the gas table's id |
//! | `packages` | package hash | BCS of its sources |
//! | `events` | channel, event index | BCS of the `Event` |
//! | `blocks` | channel, height | index of its `Appended` event |
//! | `calls` | channel, call hash | BCS of `(height, place in the block)` |
//! | `snapshots` | channel, event index it covers up to | BCS of the `Snapshot` |
//! | `spans` | channel, event index of its snapshot | BCS of the `Span`: of which heights that holds the state |
//! | `parts` | channel, prefix (9 bytes) | BCS of entries of a snapshot under way |
//! | `pruned` | channel | height up to which blocks are kept no more |
//! | `gaps` | channel, first height | the last height of a gap that an archive has, where a snapshot stands for blocks that nobody gave it |
//!
//! Numbers in keys and indices are eight bytes, big-endian. The newest snapshot is what a restart goes
//! on from; older ones are kept as long as some kept block needs them, so that [`history`] gives the
//! state after every kept block ([ADR 0036](../../../docs/adr/0036-replay-and-time-travel.md)).

pub mod history;
mod snapshots;
mod spans;
mod upgrade;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fairway_proto::{
    Event,
    channel::{log::Log, output::Appended},
};
use fairway_state::parts::{Entries, Prefix};
use fairway_store::{Batch, Database, Format, OpenError, WriteError, meter::Meter};
use fairway_types::{
    ChainId, ChannelId, GasTableId, Hash, Height, Refusal, Transaction, chain::Durability, codec,
    ledger::PackageSource,
};

use self::spans::{Span, Spans};
use crate::tail::Tail;

pub const FORMAT: Format = Format {
    kind: "node",
    version: 9,
    families: &[
        "channels",
        "packages",
        "events",
        "blocks",
        "calls",
        "snapshots",
        "spans",
        "parts",
        "pruned",
        "gaps",
    ],
};

/// Events read at a time when a log is replayed.
const PAGE: usize = 1_024;
/// Milliseconds after which a reader may try again that met a change of the log.
const RETRY_AFTER: u64 = 100;
/// Parts of a snapshot read at a time.
const PARTS: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("stored data of channel {channel} is damaged: {reason}")]
    Damaged { channel: ChannelId, reason: String },
    /// What was to be read is kept no more. The same again finds what is.
    #[error("what is kept of channel {channel} changed while it was read")]
    Changed { channel: ChannelId },
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Write(error) => Self::StorageFull { reason: error.reason },
            StoreError::Damaged { .. } => Self::Internal { reason: error.to_string() },
            StoreError::Changed { .. } => Self::busy("a change of what is kept", RETRY_AFTER),
        }
    }
}

/// A channel this node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredChannel {
    pub channel: ChannelId,
    pub chain: ChainId,
    /// Hash of its package.
    pub package: Hash,
    pub gas_table: GasTableId,
}

/// The folder.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    tail: Tail,
}

impl Store {
    /// Opens the folder; one of an earlier format becomes one of this format first.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let database = Database::open_upgrading(path, FORMAT, upgrade::STEPS)?;
        Ok(Self { database: Arc::new(database), tail: Tail::of(path) })
    }

    /// Whether [`Store::open`] takes a folder of the format with this name.
    pub(crate) fn opens(format: &str) -> bool {
        upgrade::opens(format)
    }

    /// The channels this node runs, with their packages.
    pub fn channels(&self) -> Result<Vec<StoredChannel>, StoreError> {
        let entries = self.database.scan("channels", b"", b"", usize::MAX)?;
        let decode = |(key, value): (Vec<u8>, Vec<u8>)| {
            let channel = ChannelId::from_slice(&key).unwrap_or(ChannelId::ZERO);
            let (chain, package, gas_table) = decoded(channel, &value)?;
            Ok(StoredChannel { channel, chain, package, gas_table })
        };
        entries.into_iter().map(decode).collect()
    }

    /// Remembers that this node runs a channel, its package and gas table: a restart needs no chain.
    pub fn add_channel(
        &self,
        chain: ChainId,
        channel: ChannelId,
        package: &PackageSource,
        gas_table: GasTableId,
    ) -> Result<(), StoreError> {
        let hash = package.hash();
        let mut batch = Batch::default();
        batch.put("channels", *channel.as_bytes(), codec::encode(&(chain, hash, gas_table)));
        batch.put("packages", *hash.as_bytes(), codec::encode(package));
        Ok(self.database.write(batch, true)?)
    }

    /// A package that a channel of this node uses.
    pub fn package(&self, hash: &Hash) -> Result<Option<PackageSource>, StoreError> {
        match self.database.get("packages", hash.as_bytes())? {
            Some(bytes) => Ok(Some(decoded(ChannelId::ZERO, &bytes)?)),
            None => Ok(None),
        }
    }

    /// Has the channels know that what was written last may be gone: those that don't wait for the
    /// disk, or `all`. Known for good when this returns.
    pub fn note_lost_tails(&self, all: bool) -> Result<(), StoreError> {
        for StoredChannel { channel, .. } in self.channels()? {
            let (log, _) = self.channel(channel).recover()?;
            let waits = log.genesis().is_some() && log.durability() == Durability::Synced;
            if all || !waits {
                self.note_lost_tail(channel)?;
            }
        }
        Ok(())
    }

    /// Has a channel that is not running know that what was written last may be gone.
    pub fn note_lost_tail(&self, channel: ChannelId) -> Result<(), StoreError> {
        let (_, mut writer) = self.channel(channel).recover()?;
        writer.append(&[Event::TailLost], true)
    }

    /// Everything written so far is on the disk when this returns.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(self.database.sync()?)
    }

    /// What was written since it was opened.
    pub(crate) fn meter(&self) -> &Meter {
        self.database.meter()
    }

    /// Whether what was written last is on the disk.
    pub(crate) fn tail(&self) -> &Tail {
        &self.tail
    }

    /// Copies the data to the new folder `to`, marked as one that lacks what was signed since: a node
    /// that starts on it asks the others before it signs (P-90).
    pub(crate) fn copy_to(&self, to: &Path) -> Result<(), StoreError> {
        self.database.checkpoint(to)?;
        let marked = Tail::of(to).restore();
        marked.map_err(|error| WriteError { reason: format!("{}: {error}", to.display()) })?;
        Ok(())
    }

    /// Closes the folder's files before the process ends.
    pub fn close(&self) {
        self.database.close();
    }

    #[must_use]
    pub fn channel(&self, channel: ChannelId) -> ChannelStore {
        let tail = self.tail.clone();
        ChannelStore { database: Arc::clone(&self.database), tail, channel }
    }
}

/// One channel's part of the folder. Cheap to clone; reads are consistent with finished writes.
#[derive(Clone)]
pub struct ChannelStore {
    database: Arc<Database>,
    tail: Tail,
    channel: ChannelId,
}

/// The only one who writes a channel's events.
pub struct Writer {
    store: ChannelStore,
    next: u64,
    since_snapshot: usize,
    snapshot_bytes: usize,
    /// The snapshots that are kept.
    spans: Spans,
    /// Blocks up to here are kept no more.
    pruned: Height,
}

impl ChannelStore {
    /// The disk failed: writes that nobody waited for may be gone, here and in other channels.
    pub(crate) fn note_failure(&self) {
        self.tail.lose();
    }

    /// Everything written so far is on the disk when this returns.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(self.database.sync()?)
    }

    /// The log as it was stored, and the writer that continues it.
    pub fn recover(&self) -> Result<(Log, Writer), StoreError> {
        let spans = self.spans()?;
        let (mut log, snapshot_bytes) = self.read_snapshot(spans.last())?;
        let pruned = self.pruned()?;
        let mut next = spans.covered();
        let mut since_snapshot = 0;
        loop {
            let from = self.key(next);
            let page = self.database.scan("events", self.channel.as_bytes(), &from, PAGE)?;
            for (_, bytes) in &page {
                log.apply(&decoded(self.channel, bytes)?);
                since_snapshot += bytes.len();
                next += 1;
            }
            if page.len() < PAGE {
                let store = self.clone();
                let writer = Writer { store, next, since_snapshot, snapshot_bytes, spans, pruned };
                return Ok((log, writer));
            }
        }
    }

    fn read_snapshot(&self, newest: Option<u64>) -> Result<(Log, usize), StoreError> {
        let Some(index) = newest else { return Ok((Log::default(), 0)) };
        let bytes = self.database.get("snapshots", &self.key(index))?;
        let bytes = bytes.ok_or_else(|| self.damaged("a missing snapshot"))?;
        Ok((Log::restore(decoded(self.channel, &bytes)?), bytes.len()))
    }

    /// The snapshots that are kept, with what they hold.
    fn spans(&self) -> Result<Spans, StoreError> {
        let entries =
            self.database.scan("spans", self.channel.as_bytes(), &self.key(0), usize::MAX)?;
        let entries = entries.iter().map(|(key, value)| {
            let index = key.last_chunk().ok_or_else(|| self.damaged("a snapshot's index"))?;
            Ok((u64::from_be_bytes(*index), decoded::<Span>(self.channel, value)?))
        });
        Ok(Spans::new(entries.collect::<Result<_, StoreError>>()?))
    }

    /// A block with its effects.
    pub fn block(&self, height: Height) -> Result<Option<Appended>, StoreError> {
        let Some(index) = self.index_of(height)? else { return Ok(None) };
        let Some(bytes) = self.database.get("events", &self.key(index))? else {
            // The log may have let it go, or put another in its place, after its index was read.
            return match self.index_of(height)? {
                Some(now) if now == index => Err(self.damaged("a missing block")),
                Some(_) | None => self.block(height),
            };
        };
        match decoded(self.channel, &bytes)? {
            Event::Appended(appended) => Ok(Some(appended)),
            Event::Started { .. }
            | Event::TermStarted { .. }
            | Event::Acked { .. }
            | Event::Promised { .. }
            | Event::RolledBack { .. }
            | Event::Certified { .. }
            | Event::Diverged { .. }
            | Event::Proposed { .. }
            | Event::Voted { .. }
            | Event::Adopted(_)
            | Event::TailLost
            | Event::Recovered { .. }
            | Event::SettledOnChain { .. } => Err(self.damaged("an index that names no block")),
        }
    }

    /// Blocks up to here are kept no more; zero while all are.
    pub fn pruned(&self) -> Result<Height, StoreError> {
        let Some(bytes) = self.database.get("pruned", self.channel.as_bytes())? else {
            return Ok(Height::ZERO);
        };
        let bytes: [u8; 8] = bytes.try_into().map_err(|_| self.damaged("a pruned height"))?;
        Ok(Height(u64::from_be_bytes(bytes)))
    }

    /// The entries of a snapshot that was under way when the node stopped.
    pub fn parts(&self) -> Result<Entries, StoreError> {
        let mut entries = Entries::new();
        let mut from = self.channel.as_bytes().to_vec();
        loop {
            let page = self.database.scan("parts", self.channel.as_bytes(), &from, PARTS)?;
            for (_, bytes) in &page {
                entries.extend(decoded::<Entries>(self.channel, bytes)?);
            }
            let Some((last, _)) = page.last().filter(|_| page.len() == PARTS) else {
                return Ok(entries);
            };
            from = [last.as_slice(), &[0]].concat();
        }
    }

    /// Why the block at `height` is not here, when it is kept no more or a snapshot stands for it. To be
    /// asked after the block was looked for, since blocks may be pruned meanwhile.
    pub fn check_kept(&self, height: Height) -> Result<(), Refusal> {
        let above = self.pruned()?.max(self.gap_at(height)?);
        if height > above {
            return Ok(());
        }
        Err(Refusal::Pruned { what: format!("block {height}"), above })
    }

    /// The last height of the gap that `height` lies in; zero outside of any.
    fn gap_at(&self, height: Height) -> Result<Height, StoreError> {
        let gap = self.database.last("gaps", self.channel.as_bytes(), &self.key(height.0))?;
        let Some((_, bytes)) = gap else { return Ok(Height::ZERO) };
        let bytes: [u8; 8] = bytes.try_into().map_err(|_| self.damaged("a gap"))?;
        Ok(Height(u64::from_be_bytes(bytes)))
    }

    /// The index of the event that appended the block at `height`.
    /// The first height from this one on whose block is kept.
    fn first_from(&self, height: Height) -> Result<Option<Height>, StoreError> {
        let kept = self.database.scan("blocks", self.channel.as_bytes(), &self.key(height.0), 1)?;
        let Some((key, _)) = kept.first() else { return Ok(None) };
        let height = key.last_chunk().ok_or_else(|| self.damaged("a block's height"))?;
        Ok(Some(Height(u64::from_be_bytes(*height))))
    }

    fn index_of(&self, height: Height) -> Result<Option<u64>, StoreError> {
        let Some(index) = self.database.get("blocks", &self.key(height.0))? else {
            return Ok(None);
        };
        let index: [u8; 8] = index.try_into().map_err(|_| self.damaged("an index"))?;
        Ok(Some(u64::from_be_bytes(index)))
    }

    /// Where a call is.
    pub fn call(&self, call: &Hash) -> Result<Option<(Height, u32)>, StoreError> {
        match self.database.get("calls", &self.call_key(call))? {
            Some(bytes) => Ok(Some(decoded(self.channel, &bytes)?)),
            None => Ok(None),
        }
    }

    fn key(&self, number: u64) -> Vec<u8> {
        [self.channel.as_bytes().as_slice(), &number.to_be_bytes()].concat()
    }

    /// A key after all of the channel's.
    fn end(&self) -> Vec<u8> {
        [self.channel.as_bytes().as_slice(), &[u8::MAX; 40]].concat()
    }

    fn call_key(&self, call: &Hash) -> Vec<u8> {
        [self.channel.as_bytes().as_slice(), call.as_bytes()].concat()
    }

    fn damaged(&self, reason: &str) -> StoreError {
        StoreError::Damaged { channel: self.channel, reason: reason.into() }
    }
}

impl Writer {
    /// Stores a group's events in one batch; with `sync` they are on the disk when this returns.
    pub fn append(&mut self, events: &[Event], sync: bool) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        let mut bytes = 0;
        for (index, event) in (self.next..).zip(events) {
            let encoded = codec::encode(event);
            bytes += encoded.len();
            batch.put("events", self.store.key(index), encoded);
        }
        self.index_all(&mut batch, events)?;
        self.store.database.write(batch, sync)?;
        self.next += events.len() as u64;
        self.since_snapshot += bytes;
        Ok(())
    }

    /// Blocks and calls are found by the branch that the log is on: what was taken back is found no
    /// more.
    fn index_all(&self, batch: &mut Batch, events: &[Event]) -> Result<(), StoreError> {
        for (place, (index, event)) in (self.next..).zip(events).enumerate() {
            match event {
                Event::Appended(appended) => self.index(batch, index, appended),
                Event::RolledBack { to } => self.forget_above(batch, *to, &events[..place])?,
                Event::Started { .. }
                | Event::TermStarted { .. }
                | Event::Acked { .. }
                | Event::Promised { .. }
                | Event::Certified { .. }
                | Event::Diverged { .. }
                | Event::Proposed { .. }
                | Event::Voted { .. }
                | Event::Adopted(_)
                | Event::TailLost
                | Event::Recovered { .. }
                | Event::SettledOnChain { .. } => {}
            }
        }
        Ok(())
    }

    /// Stores a group in which the log went on from a snapshot: `log`, which is the one after it, in
    /// place of everything before, but for the blocks up to `archive`.
    pub fn adopt(
        &mut self,
        events: &[Event],
        log: &Log,
        archive: Option<Height>,
    ) -> Result<(), StoreError> {
        let place = events.iter().rposition(|event| matches!(event, Event::Adopted(_)));
        let Some(Event::Adopted(adopted)) = place.and_then(|place| events.get(place)) else {
            return self.append(events, true);
        };
        let mut batch = Batch::default();
        let store = &self.store;
        let channel = *store.channel.as_bytes();
        let pruned = adopted.checkpoint.height();
        let end = store.end();
        batch.delete_range("parts", channel, end.as_slice());
        match archive {
            Some(last) => {
                self.forget_above(&mut batch, last, &[])?;
                if last < pruned {
                    batch.put("gaps", store.key(last.next().0), pruned.0.to_be_bytes().to_vec());
                }
            }
            None => {
                for family in ["events", "blocks", "calls", "snapshots", "spans"] {
                    batch.delete_range(family, channel, end.as_slice());
                }
                self.spans = Spans::default();
                batch.put("pruned", channel, pruned.0.to_be_bytes().to_vec());
                self.pruned = pruned;
            }
        }
        for (index, event) in (self.next..).zip(events).skip(place.unwrap_or_default() + 1) {
            batch.put("events", store.key(index), codec::encode(event));
            if let Event::Appended(appended) = event {
                self.index(&mut batch, index, appended);
            }
        }
        self.next += events.len() as u64;
        self.put_snapshot(&mut batch, log);
        Ok(self.store.database.write(batch, true)?)
    }

    /// P-88: keeps a part of a snapshot under way, which a power cut may take.
    pub fn keep_part(&self, prefix: Prefix, entries: &Entries) -> Result<(), StoreError> {
        let key = [self.store.channel.as_bytes().as_slice(), &prefix.bytes()].concat();
        let mut batch = Batch::default();
        batch.put("parts", key, codec::encode(entries));
        Ok(self.store.database.write(batch, false)?)
    }

    pub fn forget_parts(&self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.delete_range("parts", *self.store.channel.as_bytes(), self.store.end());
        Ok(self.store.database.write(batch, false)?)
    }

    /// Blocks up to here are kept no more.
    #[must_use]
    pub fn pruned(&self) -> Height {
        self.pruned
    }

    /// Takes the blocks above `to` out of the indices, those of `earlier` events too.
    fn forget_above(
        &self,
        batch: &mut Batch,
        to: Height,
        earlier: &[Event],
    ) -> Result<(), StoreError> {
        let mut dropped: BTreeMap<Height, Appended> = BTreeMap::new();
        let mut height = to.next();
        while let Some(appended) = self.store.block(height)? {
            dropped.insert(height, appended);
            height = height.next();
        }
        for event in earlier {
            if let Event::Appended(appended) = event {
                dropped.insert(appended.block.height(), appended.clone());
            }
        }
        for (height, appended) in dropped.range(to.next()..) {
            batch.delete("blocks", self.store.key(height.0));
            for call in appended.block.transactions.iter().filter_map(Transaction::as_call) {
                batch.delete("calls", self.store.call_key(&call.hash()));
            }
        }
        Ok(())
    }

    fn index(&self, batch: &mut Batch, index: u64, appended: &Appended) {
        let height = appended.block.height();
        batch.put("blocks", self.store.key(height.0), index.to_be_bytes().to_vec());
        for (place, call) in appended.calls().iter() {
            batch.put("calls", self.store.call_key(call), codec::encode(&(height, place)));
        }
    }

    /// Opens the folder again after a failed write.
    pub fn reopen(&self) -> Result<(), StoreError> {
        Ok(self.store.database.reopen()?)
    }

    #[must_use]
    pub fn store(&self) -> &ChannelStore {
        &self.store
    }
}

fn decoded<T: serde::de::DeserializeOwned>(
    channel: ChannelId,
    bytes: &[u8],
) -> Result<T, StoreError> {
    codec::decode("stored value", bytes)
        .map_err(|error| StoreError::Damaged { channel, reason: error.reason })
}

#[cfg(test)]
mod tests;
