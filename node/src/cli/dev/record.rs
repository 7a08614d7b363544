//! `.fairway/dev.json`: what programs beside `fairway dev` need to use its network. Replaced whole at
//! every change, gone when the network is.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use fairway_sdk::{Address, AssetId, ChannelId, Hash, NodeId};
use serde::Serialize;

/// The file's content. Other programs read it: a field may come, none changes.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    /// Of this form.
    pub(super) version: u32,
    /// Of `fairway dev`.
    pub(super) pid: u32,
    /// The package's name, and the hash of what the channel runs.
    pub(super) name: String,
    pub(super) package: Hash,
    pub(super) channel: ChannelId,
    /// Channels opened so far: grows with every reload.
    pub(super) generation: u64,
    /// The ledger's URL.
    pub(super) ledger: String,
    /// The ledger's console, a page.
    pub(super) console: String,
    /// The asset that everybody has.
    pub(super) asset: AssetId,
    pub(super) members: Vec<MemberRecord>,
    /// Why the source as it is now does not run, while an older one does.
    pub(super) error: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct MemberRecord {
    pub(super) name: String,
    pub(super) address: Address,
    /// The account's secret key, for this network alone: `0x` and 64 hex digits.
    pub(super) seed: String,
    pub(super) node: NodeId,
    /// Where apps reach the member's node.
    pub(super) url: String,
    /// The node's console, a page.
    pub(super) console: String,
    pub(super) pid: Option<u32>,
    pub(super) log: PathBuf,
}

/// An app's folder, of which one `fairway dev` runs at a time.
pub(super) struct App {
    folder: PathBuf,
    /// Holds the lock for as long as this process lives.
    _lock: File,
}

impl App {
    /// Takes the folder; its network's data from an earlier run goes.
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let manifest = folder.join("Move.toml");
        if !manifest.is_file() {
            bail!(
                "{}: no such file: `fairway dev` runs in the folder of a Move package; \
                 `fairway new` makes one",
                manifest.display()
            );
        }
        let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
        let own = folder.join(".fairway");
        fs::create_dir_all(&own).with_context(|| own.display().to_string())?;
        let path = own.join("lock");
        let lock = File::create(&path).with_context(|| path.display().to_string())?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "`fairway dev` runs in {} already: its network is in {}",
                folder.display(),
                own.join("dev.json").display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
        let app = Self { folder, _lock: lock };
        app.remove();
        if app.data().exists() {
            fs::remove_dir_all(app.data()).with_context(|| app.data().display().to_string())?;
        }
        fs::create_dir_all(app.data()).with_context(|| app.data().display().to_string())?;
        Ok(app)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the network's processes keep data and logs.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join(".fairway/net")
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.join(".fairway/dev.json")
    }

    /// Puts the record in the place of the last one, whole. Only its owner can read it.
    pub(super) fn write(&self, record: &Record) -> anyhow::Result<()> {
        let path = self.file();
        let failed = || format!("writing {}", path.display());
        let mut file =
            tempfile::NamedTempFile::new_in(self.folder.join(".fairway")).with_context(failed)?;
        file.write_all(&serde_json::to_vec_pretty(record)?).with_context(failed)?;
        file.persist(&path).with_context(failed)?;
        Ok(())
    }

    /// Takes the record away: there is no network.
    pub(super) fn remove(&self) {
        // It is not there in most cases, and a stale one does no harm: nobody answers at its URLs.
        let _ = fs::remove_file(self.file());
    }
}
