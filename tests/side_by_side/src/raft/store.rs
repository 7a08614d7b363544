//! One node's log and state machine: in memory, the log in a file too if it is to be synced. The
//! machine keeps no more than its place in the log, since nothing is executed.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    fs::File,
    io::{self, Cursor, Write},
    ops::RangeBounds,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use openraft::{
    AnyError, Entry, EntryPayload, LogId, LogState, OptionalSend, RaftLogReader,
    RaftSnapshotBuilder, Snapshot, SnapshotMeta, StorageError, StorageIOError, StoredMembership,
    Vote,
    storage::{LogFlushed, RaftLogStorage, RaftStateMachine},
};

openraft::declare_raft_types!(
    /// An entry is a call's effects as bytes.
    pub(crate) Types:
        D = Vec<u8>,
        R = (),
        Node = (),
);

pub(crate) type NodeId = u64;
type Outcome<T> = Result<T, StorageError<NodeId>>;

#[derive(Clone, Default)]
pub(crate) struct Log {
    kept: Arc<Mutex<Kept>>,
    file: Option<Arc<File>>,
}

#[derive(Default)]
struct Kept {
    entries: BTreeMap<u64, Entry<Types>>,
    purged: Option<LogId<NodeId>>,
    vote: Option<Vote<NodeId>>,
}

impl Log {
    /// Everything is in the file, synced, before it is said to be kept. It is never read again.
    pub(crate) fn synced(path: &Path) -> io::Result<Self> {
        Ok(Self { file: Some(Arc::new(File::create(path)?)), ..Self::default() })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sync(&self, bytes: Vec<u8>) -> io::Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let write = move || {
            (&*file).write_all(&bytes)?;
            file.sync_data()
        };
        tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
    }
}

fn record(entry: &Entry<Types>, into: &mut Vec<u8>) {
    into.extend(entry.log_id.leader_id.term.to_be_bytes());
    into.extend(entry.log_id.index.to_be_bytes());
    match &entry.payload {
        EntryPayload::Blank => {}
        EntryPayload::Normal(effects) => into.extend(effects),
        EntryPayload::Membership(members) => into.extend(format!("{members:?}").bytes()),
    }
}

impl RaftLogReader<Types> for Log {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Outcome<Vec<Entry<Types>>> {
        Ok(self.kept().entries.range(range).map(|(_, entry)| entry.clone()).collect())
    }
}

impl RaftLogStorage<Types> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Outcome<LogState<Types>> {
        let kept = self.kept();
        let last = kept.entries.last_key_value().map(|(_, entry)| entry.log_id);
        Ok(LogState { last_purged_log_id: kept.purged, last_log_id: last.or(kept.purged) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<NodeId>) -> Outcome<()> {
        self.kept().vote = Some(*vote);
        let synced = self.sync(format!("{vote:?}").into_bytes()).await;
        synced.map_err(|error| StorageIOError::write_vote(&error).into())
    }

    async fn read_vote(&mut self) -> Outcome<Option<Vote<NodeId>>> {
        Ok(self.kept().vote)
    }

    async fn append<I>(&mut self, entries: I, flushed: LogFlushed<Types>) -> Outcome<()>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut bytes = Vec::new();
        for entry in entries {
            if self.file.is_some() {
                record(&entry, &mut bytes);
            }
            self.kept().entries.insert(entry.log_id.index, entry);
        }
        flushed.log_io_completed(self.sync(bytes).await);
        Ok(())
    }

    async fn truncate(&mut self, from: LogId<NodeId>) -> Outcome<()> {
        self.kept().entries.split_off(&from.index);
        Ok(())
    }

    async fn purge(&mut self, upto: LogId<NodeId>) -> Outcome<()> {
        let mut kept = self.kept();
        kept.purged = Some(upto);
        kept.entries = kept.entries.split_off(&(upto.index + 1));
        Ok(())
    }
}

#[derive(Clone, Default)]
pub(crate) struct Machine(Arc<Mutex<Place>>);

#[derive(Clone, Default)]
struct Place {
    applied: Option<LogId<NodeId>>,
    members: StoredMembership<NodeId, ()>,
}

impl Place {
    /// Of what is applied now, if anything is: a place has nothing else to be sent.
    fn snapshot(&self) -> Option<Snapshot<Types>> {
        let snapshot_id = self.applied?.to_string();
        let (last_log_id, last_membership) = (self.applied, self.members.clone());
        let meta = SnapshotMeta { last_log_id, last_membership, snapshot_id };
        Some(Snapshot { meta, snapshot: Box::default() })
    }
}

impl Machine {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Self;

    async fn applied_state(
        &mut self,
    ) -> Outcome<(Option<LogId<NodeId>>, StoredMembership<NodeId, ()>)> {
        let Place { applied, members } = self.place().clone();
        Ok((applied, members))
    }

    async fn apply<I>(&mut self, entries: I) -> Outcome<Vec<()>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut place = self.place();
        let apply = |entry: Entry<Types>| {
            place.applied = Some(entry.log_id);
            if let EntryPayload::Membership(members) = entry.payload {
                place.members = StoredMembership::new(Some(entry.log_id), members);
            }
        };
        Ok(entries.into_iter().map(apply).collect())
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn begin_receiving_snapshot(&mut self) -> Outcome<Box<Cursor<Vec<u8>>>> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<NodeId, ()>,
        _: Box<Cursor<Vec<u8>>>,
    ) -> Outcome<()> {
        let members = meta.last_membership.clone();
        *self.place() = Place { applied: meta.last_log_id, members };
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Outcome<Option<Snapshot<Types>>> {
        Ok(self.place().snapshot())
    }
}

impl RaftSnapshotBuilder<Types> for Machine {
    async fn build_snapshot(&mut self) -> Outcome<Snapshot<Types>> {
        let nothing = || StorageIOError::read_state_machine(AnyError::error("nothing is applied"));
        self.place().snapshot().ok_or_else(|| nothing().into())
    }
}
