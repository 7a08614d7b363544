//! Whether what a node wrote last is still there when it comes back.
//!
//! A file beside the data names the boot of the machine under which the node runs. What a process
//! wrote outlives it; only the machine's end takes what was not synced yet. So the last writes may be
//! gone exactly if the node was not closed and the machine has booted since.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tracing::warn;

/// Names the present boot, on Linux; elsewhere every start after a crash counts as one after a boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const CLOSED: &str = "closed";
/// The disk failed, and what it took before that is not sure.
const LOST: &str = "lost";
/// The folder is a copy from a backup: whatever was signed since it was made is not in it.
const RESTORED: &str = "restored";

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    path: PathBuf,
}

impl Tail {
    #[must_use]
    pub(crate) fn of(folder: &Path) -> Self {
        Self { path: folder.join("running") }
    }

    /// Whether writes of the last run may be gone.
    pub(crate) fn may_be_lost(&self) -> io::Result<bool> {
        match fs::read_to_string(&self.path) {
            Ok(last) => Ok(last != CLOSED && boot().is_none_or(|boot| boot != last)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the folder is a backup on which no node has started yet. Then every channel lacks what
    /// was signed since, however it is kept.
    pub(crate) fn is_restored(&self) -> io::Result<bool> {
        match fs::read_to_string(&self.path) {
            Ok(last) => Ok(last == RESTORED),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Marks the folder as a copy from a backup.
    pub(crate) fn restore(&self) -> io::Result<()> {
        self.put(RESTORED)
    }

    /// From here on writes may get lost. What was lost before must be known by now.
    pub(crate) fn begin(&self) -> io::Result<()> {
        self.put(&boot().unwrap_or_else(|| "unknown".into()))
    }

    /// The disk failed: the next start asks the others, whatever happens until then.
    pub(crate) fn lose(&self) {
        if let Err(error) = self.put(LOST) {
            warn!(path = %self.path.display(), %error, "a failure of the disk is not noted");
        }
    }

    /// Everything is on the disk, unless it failed in between.
    pub(crate) fn close(&self) {
        if fs::read_to_string(&self.path).is_ok_and(|last| last == LOST) {
            return;
        }
        if let Err(error) = self.put(CLOSED) {
            warn!(path = %self.path.display(), %error, "the next start asks the others what it signed");
        }
    }

    /// In one piece: a power cut leaves the old words or the new ones.
    fn put(&self, words: &str) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(words.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

fn boot() -> Option<String> {
    Some(fs::read_to_string(BOOT_ID).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn writes_are_lost_only_by_another_boot_without_a_close() {
        let folder = tempfile::tempdir().unwrap();
        let tail = Tail::of(folder.path());
        assert!(!tail.may_be_lost().unwrap(), "nothing was written yet");
        tail.begin().unwrap();
        assert_eq!(tail.may_be_lost().unwrap(), boot().is_none(), "killed under one boot");
        fs::write(&tail.path, "another boot").unwrap();
        assert!(tail.may_be_lost().unwrap());
        tail.close();
        assert!(!tail.may_be_lost().unwrap());
        tail.begin().unwrap();
        tail.lose();
        tail.close();
        assert!(tail.may_be_lost().unwrap(), "a close mends no disk");
        assert!(!tail.is_restored().unwrap());
        tail.restore().unwrap();
        assert!(tail.is_restored().unwrap() && tail.may_be_lost().unwrap());
        tail.begin().unwrap();
        assert!(!tail.is_restored().unwrap(), "the others are asked once");
    }
}
