//! A RocksDB folder that knows what it holds: one process at a time, one kind of data, one schema
//! version, atomic batches, and errors that say what to do.

pub mod meter;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard, atomic::Ordering},
    time::Instant,
};

use rocksdb::{
    ColumnFamilyDescriptor, DB, DBCompressionType, Direction, IteratorMode, Options, WriteBatch,
    WriteOptions, checkpoint::Checkpoint,
};

use self::meter::{Latency, Meter};

/// What a folder holds, written into it when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Such as `node` or `ledger`.
    pub kind: &'static str,
    pub version: u32,
    /// Column families.
    pub families: &'static [&'static str],
}

impl Format {
    /// Its name as folders and backups carry it: `node data of version 9`.
    #[must_use]
    pub fn name(&self) -> String {
        self.name_of(self.version)
    }

    /// The same of another version.
    #[must_use]
    pub fn name_of(&self, version: u32) -> String {
        format!("{} data of version {version}", self.kind)
    }
}

/// How a folder of one version becomes one of the next.
#[derive(Clone, Copy)]
pub struct Upgrade {
    /// The version that it starts from.
    pub from: u32,
    /// What has to be written. It only reads.
    pub writes: fn(&Database) -> Result<Batch, WriteError>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("data folder {path} is in use by another process: stop it, or choose another folder")]
    InUse { path: PathBuf },
    #[error(
        "data folder {path} holds {found}, this program reads {expected}: use the version that \
         wrote it, or choose another folder"
    )]
    OtherFormat { path: PathBuf, expected: String, found: String },
    #[error("data folder {path} holds {found}, and can't be brought to the next version: {reason}")]
    NotUpgraded { path: PathBuf, found: String, reason: String },
    #[error("data folder {path} can't be opened: {reason}")]
    Failed { path: PathBuf, reason: String },
}

/// A write that did not happen. Nothing of its batch is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct WriteError {
    pub reason: String,
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Writes that happen together or not at all.
#[derive(Default)]
pub struct Batch {
    writes: Vec<Write>,
}

struct Write {
    family: &'static str,
    key: Vec<u8>,
    change: Change,
}

enum Change {
    Put(Vec<u8>),
    Delete,
    /// Deletes from the key up to the one before this.
    DeleteTo(Vec<u8>),
}

impl Batch {
    pub fn put(&mut self, family: &'static str, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.writes.push(Write { family, key: key.into(), change: Change::Put(value) });
    }

    pub fn delete(&mut self, family: &'static str, key: impl Into<Vec<u8>>) {
        self.writes.push(Write { family, key: key.into(), change: Change::Delete });
    }

    /// Deletes every key from `from` on that is below `to`.
    pub fn delete_range(
        &mut self,
        family: &'static str,
        from: impl Into<Vec<u8>>,
        to: impl Into<Vec<u8>>,
    ) {
        let change = Change::DeleteTo(to.into());
        self.writes.push(Write { family, key: from.into(), change });
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

/// An open folder. Dropping it closes and unlocks it.
pub struct Database {
    path: PathBuf,
    format: Format,
    /// `None` once it is closed, and while it is being opened again after an error.
    db: RwLock<Option<DB>>,
    meter: Meter,
    /// Held as long as the folder is open.
    _lock: File,
}

/// The file that a process holds locked as long as it has the folder open.
const LOCK: &str = "fairway.lock";
const FORMAT_KEY: &[u8] = b"fairway format";

impl Database {
    /// Opens the folder, making it if it does not exist.
    pub fn open(path: &Path, format: Format) -> Result<Self, OpenError> {
        Self::open_upgrading(path, format, &[])
    }

    /// The same; a folder of an earlier version goes through `upgrades`, each of which is written
    /// together with the version it leads to, in one piece.
    pub fn open_upgrading(
        path: &Path,
        format: Format,
        upgrades: &[Upgrade],
    ) -> Result<Self, OpenError> {
        let failed = |reason: String| OpenError::Failed { path: path.to_owned(), reason };
        fs::create_dir_all(path).map_err(|error| failed(error.to_string()))?;
        let lock = lock(path)?;
        let db = open(path, format).map_err(|error| failed(error.to_string()))?;
        let (path, db) = (path.to_owned(), RwLock::new(Some(db)));
        let database = Self { path, format, db, meter: Meter::default(), _lock: lock };
        database.check_format(upgrades)?;
        Ok(database)
    }

    fn check_format(&self, upgrades: &[Upgrade]) -> Result<(), OpenError> {
        let failed =
            |error: WriteError| OpenError::Failed { path: self.path.clone(), reason: error.reason };
        let expected = self.format.name();
        loop {
            let Some(found) = self.read(|db| db.get(FORMAT_KEY)).map_err(failed)? else {
                return self.commit(Batch::default(), Some(&expected), true).map_err(failed);
            };
            if found == expected.as_bytes() {
                return Ok(());
            }
            let found = String::from_utf8_lossy(&found).into_owned();
            let step = upgrades.iter().find(|step| self.format.name_of(step.from) == found);
            let Some(step) = step else {
                return Err(OpenError::OtherFormat { path: self.path.clone(), expected, found });
            };
            self.upgrade(step).map_err(|error| OpenError::NotUpgraded {
                path: self.path.clone(),
                found,
                reason: error.reason,
            })?;
        }
    }

    fn upgrade(&self, step: &Upgrade) -> Result<(), WriteError> {
        let batch = (step.writes)(self)?;
        self.commit(batch, Some(&self.format.name_of(step.from + 1)), true)
    }

    /// The value at `key`.
    ///
    /// # Errors
    /// When the disk can't be read: never answered with "absent".
    pub fn get(&self, family: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, WriteError> {
        self.read(|db| match db.cf_handle(family) {
            Some(handle) => db.get_cf(handle, key),
            None => Ok(None),
        })
    }

    /// Entries whose key is `from` or after it and starts with `prefix`, in order, at most `limit`.
    pub fn scan(
        &self,
        family: &'static str,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Entry>, WriteError> {
        self.read(|db| {
            let Some(handle) = db.cf_handle(family) else { return Ok(Vec::new()) };
            db.iterator_cf(handle, IteratorMode::From(from, Direction::Forward))
                .take_while(|entry| !matches!(entry, Ok((key, _)) if !key.starts_with(prefix)))
                .take(limit)
                .map(|entry| entry.map(|(key, value)| (key.into_vec(), value.into_vec())))
                .collect()
        })
    }

    /// The last entry whose key starts with `prefix`; `after` is a key that follows all of them.
    pub fn last(
        &self,
        family: &'static str,
        prefix: &[u8],
        after: &[u8],
    ) -> Result<Option<Entry>, WriteError> {
        self.read(|db| {
            let Some(handle) = db.cf_handle(family) else { return Ok(None) };
            let entry = db
                .iterator_cf(handle, IteratorMode::From(after, Direction::Reverse))
                .next()
                .transpose()?;
            Ok(entry
                .filter(|(key, _)| key.starts_with(prefix))
                .map(|(key, value)| (key.into_vec(), value.into_vec())))
        })
    }

    /// Writes a batch; with `sync` it is on the disk when this returns.
    pub fn write(&self, batch: Batch, sync: bool) -> Result<(), WriteError> {
        self.commit(batch, None, sync)
    }

    /// The same, with what the folder holds from then on.
    fn commit(&self, batch: Batch, format: Option<&str>, sync: bool) -> Result<(), WriteError> {
        let latency = if sync { &self.meter.synced } else { &self.meter.unsynced };
        self.measured(latency, |db| {
            let mut writes = WriteBatch::default();
            if let Some(format) = format {
                writes.put(FORMAT_KEY, format);
            }
            for Write { family, key, change } in batch.writes {
                let Some(handle) = db.cf_handle(family) else { continue };
                match change {
                    Change::Put(value) => writes.put_cf(handle, key, value),
                    Change::Delete => writes.delete_cf(handle, key),
                    Change::DeleteTo(end) => writes.delete_range_cf(handle, key, end),
                }
            }
            db.write_opt(writes, &synced(sync))
        })
    }

    /// Everything written so far is on the disk when this returns.
    pub fn sync(&self) -> Result<(), WriteError> {
        self.measured(&self.meter.syncs, |db| db.flush_wal(true))
    }

    /// Copies everything written so far to the new folder `to`, consistent in itself. Files that never
    /// change are linked where both folders are on one file system.
    pub fn checkpoint(&self, to: &Path) -> Result<(), WriteError> {
        self.read(|db| Checkpoint::new(db)?.create_checkpoint(to))
    }

    /// Closes the files; every later read and write fails. RocksDB wants this before the process
    /// ends, whoever still holds a handle.
    pub fn close(&self) {
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Opens the files again after a failed write: RocksDB takes none until then.
    pub fn reopen(&self) -> Result<(), WriteError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        *db = None;
        *db = Some(open(&self.path, self.format).map_err(error)?);
        Ok(())
    }

    /// What was written since it was opened.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    fn measured(
        &self,
        latency: &Latency,
        run: impl FnOnce(&DB) -> Result<(), rocksdb::Error>,
    ) -> Result<(), WriteError> {
        let started = Instant::now();
        let done = self.read(run);
        match &done {
            Ok(()) => latency.observe(started.elapsed()),
            Err(_) => {
                self.meter.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        done
    }

    fn read<T>(&self, run: impl FnOnce(&DB) -> Result<T, rocksdb::Error>) -> Result<T, WriteError> {
        let guard: RwLockReadGuard<'_, Option<DB>> =
            self.db.read().unwrap_or_else(PoisonError::into_inner);
        let Some(db) = guard.as_ref() else {
            return Err(WriteError { reason: format!("{} is closed", self.path.display()) });
        };
        run(db).map_err(error)
    }
}

/// Copies a folder that no process has open to the folder `to`, without a change to it: what reads the
/// copy may write there as it likes. Files that never change are linked where both are on one file
/// system.
///
/// # Errors
/// When a process has the folder open, or the disk fails.
pub fn copy_closed(path: &Path, to: &Path) -> Result<(), OpenError> {
    let failed =
        |error: io::Error| OpenError::Failed { path: path.to_owned(), reason: error.to_string() };
    let _lock = match File::open(path.join(LOCK)) {
        Ok(file) => Some(locked(path, file)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    for entry in fs::read_dir(path).map_err(failed)? {
        let from = entry.map_err(failed)?.path();
        let Some(name) = from.file_name().filter(|name| *name != LOCK && from.is_file()) else {
            continue;
        };
        let is_fixed = from.extension().is_some_and(|end| end == "sst");
        if !is_fixed || fs::hard_link(&from, to.join(name)).is_err() {
            fs::copy(&from, to.join(name)).map_err(failed)?;
        }
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value, reason = "it maps errors")]
fn error(error: rocksdb::Error) -> WriteError {
    WriteError { reason: error.to_string() }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let failed =
        |error: io::Error| OpenError::Failed { path: path.to_owned(), reason: error.to_string() };
    locked(path, File::create(path.join(LOCK)).map_err(failed)?)
}

fn locked(path: &Path, file: File) -> Result<File, OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => {
            Err(OpenError::Failed { path: path.to_owned(), reason: error.to_string() })
        }
    }
}

fn open(path: &Path, format: Format) -> Result<DB, rocksdb::Error> {
    let options = options();
    // Families a newer version added are opened too: the format check then names the version.
    let existing = DB::list_cf(&options, path).unwrap_or_default();
    let wanted = format.families.iter().map(|name| (*name).to_owned());
    let mut names: Vec<String> = existing.into_iter().chain(wanted).collect();
    names.sort();
    names.dedup();
    let families = names.into_iter().map(|name| ColumnFamilyDescriptor::new(name, self::options()));
    DB::open_cf_descriptors(&options, path, families)
}

fn options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_max_open_files(256);
    options.set_keep_log_file_num(2);
    options.set_write_buffer_size(16 << 20);
    options.set_max_total_wal_size(64 << 20);
    options
}

fn synced(sync: bool) -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(sync);
    options
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    const FORMAT: Format = Format { kind: "test", version: 1, families: &["a", "b"] };

    #[test]
    fn batch_is_there_after_a_reopen_and_scans_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path(), FORMAT).unwrap();
        let mut batch = Batch::default();
        batch.put("a", *b"x2", b"two".to_vec());
        batch.put("a", *b"x1", b"one".to_vec());
        batch.put("a", *b"y1", b"other".to_vec());
        batch.put("b", *b"x1", b"b".to_vec());
        database.write(batch, true).unwrap();
        database.reopen().unwrap();
        let found = database.scan("a", b"x", b"x", 10).unwrap();
        assert_eq!(
            found,
            vec![(b"x1".to_vec(), b"one".to_vec()), (b"x2".to_vec(), b"two".to_vec())]
        );
        assert_eq!(database.scan("a", b"x", b"x2", 10).unwrap().len(), 1);
        assert_eq!(database.scan("a", b"x", b"x", 1).unwrap().len(), 1);
        assert_eq!(database.last("a", b"x", b"x9").unwrap().unwrap().0, b"x2");
        assert_eq!(database.last("a", b"z", b"z9").unwrap(), None);
        assert_eq!(database.get("b", b"x1").unwrap(), Some(b"b".to_vec()));
        let mut batch = Batch::default();
        batch.delete_range("a", *b"x1", *b"x2");
        database.write(batch, true).unwrap();
        assert_eq!(database.scan("a", b"", b"", 10).unwrap().len(), 2);
        assert_eq!(database.get("a", b"x1").unwrap(), None);
    }

    #[test]
    fn copy_of_a_closed_folder_leaves_it_as_it_is() {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let database = Database::open(folder.path(), FORMAT).unwrap();
        let mut batch = Batch::default();
        batch.put("a", *b"x", b"one".to_vec());
        database.write(batch, true).unwrap();
        let in_use = copy_closed(folder.path(), copy.path());
        assert!(matches!(in_use, Err(OpenError::InUse { .. })), "{in_use:?}");
        drop(database);
        let files = || {
            let entries = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
            let mut files: Vec<_> = entries.map(|path| (fs::read(&path).unwrap(), path)).collect();
            files.sort();
            files
        };
        let before = files();
        copy_closed(folder.path(), copy.path()).unwrap();
        let database = Database::open(copy.path(), FORMAT).unwrap();
        assert_eq!(database.get("a", b"x").unwrap(), Some(b"one".to_vec()));
        let mut batch = Batch::default();
        batch.put("a", *b"x", b"two".to_vec());
        database.write(batch, true).unwrap();
        drop(database);
        assert!(files() == before);
    }

    #[test]
    fn second_opener_is_told_that_the_folder_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let first = Database::open(folder.path(), FORMAT).unwrap();
        assert!(matches!(Database::open(folder.path(), FORMAT), Err(OpenError::InUse { .. })));
        drop(first);
        Database::open(folder.path(), FORMAT).unwrap();
    }

    #[test]
    fn folder_of_another_version_or_kind_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(Database::open(folder.path(), FORMAT).unwrap());
        let newer = Format { version: 2, families: &["a"], ..FORMAT };
        let error = Database::open(folder.path(), newer).err().unwrap().to_string();
        assert!(error.contains("holds test data of version 1"), "{error}");
        assert!(error.contains("reads test data of version 2"), "{error}");
        let other = Format { kind: "other", ..FORMAT };
        assert!(matches!(Database::open(folder.path(), other), Err(OpenError::OtherFormat { .. })));
        Database::open(folder.path(), FORMAT).unwrap();
    }

    const NEWER: Format = Format { version: 3, ..FORMAT };

    /// Moves the one entry from `a` to `b`, or from there back with another value.
    fn move_over(database: &Database) -> Result<Batch, WriteError> {
        let (from, to) = match database.get("a", b"x")? {
            Some(_) => ("a", "b"),
            None => ("b", "a"),
        };
        let value = database.get(from, b"x")?.ok_or(WriteError { reason: "no entry".into() })?;
        let mut batch = Batch::default();
        batch.delete(from, *b"x");
        batch.put(to, *b"x", [value, vec![b'+']].concat());
        Ok(batch)
    }

    #[test]
    fn earlier_folder_goes_through_every_upgrade_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut batch = Batch::default();
        batch.put("a", *b"x", b"one".to_vec());
        Database::open(folder.path(), FORMAT).unwrap().write(batch, true).unwrap();
        let steps = [1, 2].map(|from| Upgrade { from, writes: move_over });
        for _ in 0..2 {
            let database = Database::open_upgrading(folder.path(), NEWER, &steps).unwrap();
            assert_eq!(database.get("a", b"x").unwrap(), Some(b"one++".to_vec()));
            assert_eq!(database.get("b", b"x").unwrap(), None);
        }
        let error = Database::open(folder.path(), FORMAT).err().unwrap().to_string();
        assert!(error.contains("holds test data of version 3"), "{error}");
    }

    #[test]
    fn upgrade_that_fails_leaves_the_folder_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        drop(Database::open(folder.path(), FORMAT).unwrap());
        let steps = [Upgrade { from: 1, writes: move_over }];
        let error = Database::open_upgrading(folder.path(), NEWER, &steps).err().unwrap();
        let error = error.to_string();
        assert!(error.contains("version 1, and can't be") && error.contains("no entry"), "{error}");
        Database::open(folder.path(), FORMAT).unwrap();
    }
}
