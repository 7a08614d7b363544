//! Backups of a node's folder: its key, its configuration and its data, from which a node can start
//! without signing twice what it signed since. Never of a node that runs: the folder's lock says so.
//!
//! A backup is a folder like a node's, and `backup.json`, which names every file with its hash. Its data
//! is marked from the first moment, so that also a node that is started on a backup itself, or on a copy
//! made by other means, asks the others what it signed.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use fairway_store::OpenError;
use fairway_types::{ChannelId, Height, Keypair, NodeId, Time};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    config,
    driver::clock,
    store::{FORMAT, Store, StoreError},
};

/// The list of what a backup holds.
pub const MANIFEST: &str = "backup.json";
const KEY: &str = "node.key";
const DATA: &str = "data";

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{} exists already: choose a folder that does not", path.display())]
    Exists { path: PathBuf },
    #[error("{}: no node's folder: {what} is missing", path.display())]
    NoNode { path: PathBuf, what: &'static str },
    #[error("{}: {reason}", path.display())]
    Config { path: PathBuf, reason: String },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{}: no backup: {reason}", path.display())]
    NoBackup { path: PathBuf, reason: String },
    #[error(
        "the backup holds {found}, this program reads {expected}: use the version that made it"
    )]
    OtherFormat { found: String, expected: String },
    #[error("{} is not what was backed up: its hash is {found}, the list says {expected}", path.display())]
    Damaged { path: PathBuf, expected: String, found: String },
}

/// What a backup holds: `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The program's version that made it.
    pub fairway: String,
    /// The data's format, such as `node data of version 9`.
    pub format: String,
    pub node: NodeId,
    pub made_at: Time,
    /// How far each channel was.
    pub channels: BTreeMap<ChannelId, Height>,
    /// Each file's SHA-256 in hex, by its path in the backup.
    pub files: BTreeMap<String, String>,
}

/// Copies the folder of a node that is stopped to the new folder `to`.
///
/// # Errors
/// When the node runs, `folder` is none of a node's, `to` exists, or the disk fails. What was begun is
/// left at `to` without its list, which no restore takes.
pub fn create(folder: &Path, to: &Path) -> Result<Manifest, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let node = node_of(&folder.join(KEY))?;
    let data = folder.join(DATA);
    if !data.is_dir() {
        return Err(BackupError::NoNode { path: folder.to_owned(), what: DATA });
    }
    let tokens = token_file(folder)?;
    let store = Store::open(&data)?;
    private_folder(to)?;
    store.copy_to(&to.join(DATA))?;
    let mut channels = BTreeMap::new();
    for stored in store.channels()? {
        let (log, _) = store.channel(stored.channel).recover()?;
        channels.insert(stored.channel, log.head());
    }
    store.close();
    copy(&folder.join(KEY), &to.join(KEY))?;
    if folder.join(config::FILE).exists() {
        copy(&folder.join(config::FILE), &to.join(config::FILE))?;
    }
    if let Some(tokens) = tokens {
        copy(&folder.join(&tokens), &to.join(&tokens))?;
    }
    make_private(to)?;
    let mut files = BTreeMap::new();
    for name in listed(to)? {
        files.insert(name.clone(), hash_of(&to.join(&name))?);
    }
    let fairway = env!("CARGO_PKG_VERSION").to_owned();
    let manifest =
        Manifest { fairway, format: FORMAT.name(), node, made_at: clock(), channels, files };
    let path = to.join(MANIFEST);
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(at(&path))?;
    Ok(manifest)
}

/// The file beside the configuration that holds the API's tokens, if it names one there: without it the
/// node does not start. One at an absolute path elsewhere is no part of the folder.
fn token_file(folder: &Path) -> Result<Option<String>, BackupError> {
    let path = folder.join(config::FILE);
    if !path.exists() {
        return Ok(None);
    }
    let failed = |reason: String| BackupError::Config { path: path.clone(), reason };
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let table: toml::Table = text.parse().map_err(|error| failed(format!("{error}")))?;
    let named = table.get("access").and_then(|access| access.get("token_file")?.as_str());
    let Some(named) = named else { return Ok(None) };
    let tokens = folder.join(named);
    if tokens.parent() == Some(folder) {
        return Ok(tokens.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    if Path::new(named).is_absolute() {
        return Ok(None);
    }
    Err(failed(format!(
        "`access.token_file` is {named:?}: a backup holds what lies beside the configuration; move the \
         file there, or name it by its absolute path"
    )))
}

/// Makes the new folder `to` of a backup. Every file is compared with the list.
///
/// # Errors
/// When `to` exists, the backup is none or damaged, or is of another format. Nothing is at `to` then.
pub fn restore(backup: &Path, to: &Path) -> Result<Manifest, BackupError> {
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let manifest = read(backup)?;
    let partial = partial_of(to);
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(at(&partial))?;
    }
    private_folder(&partial)?;
    private_folder(&partial.join(DATA))?;
    for (name, expected) in &manifest.files {
        let (from, new) = (backup.join(name), partial.join(name));
        copy(&from, &new)?;
        let found = hash_of(&new)?;
        if found != *expected {
            let expected = expected.clone();
            return Err(BackupError::Damaged { path: from, expected, found });
        }
    }
    // Whatever the backup says of itself.
    crate::tail::Tail::of(&partial.join(DATA)).restore().map_err(at(&partial))?;
    make_private(&partial)?;
    fs::rename(&partial, to).map_err(at(to))?;
    Ok(manifest)
}

/// The list of a backup that this version can restore.
fn read(backup: &Path) -> Result<Manifest, BackupError> {
    let none = |reason: String| BackupError::NoBackup { path: backup.to_owned(), reason };
    let text = fs::read_to_string(backup.join(MANIFEST))
        .map_err(|error| none(format!("{MANIFEST}: {error}")))?;
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|error| none(format!("{MANIFEST} can't be read: {error}")))?;
    if !Store::opens(&manifest.format) {
        let (found, expected) = (manifest.format, FORMAT.name());
        return Err(BackupError::OtherFormat { found, expected });
    }
    let outside = |name: &&String| {
        let parts: Vec<&str> = name.split('/').collect();
        let flat = matches!(parts.as_slice(), [_] | [DATA, _]);
        !flat || parts.iter().any(|part| part.is_empty() || *part == "." || *part == "..")
    };
    if let Some(name) = manifest.files.keys().find(outside) {
        return Err(none(format!("{MANIFEST} names {name:?}, which no backup holds")));
    }
    let key = node_of(&backup.join(KEY))?;
    if key != manifest.node {
        return Err(none(format!("{KEY} is that of node {key}, the list says {}", manifest.node)));
    }
    Ok(manifest)
}

fn node_of(key: &Path) -> Result<NodeId, BackupError> {
    let folder = key.parent().unwrap_or(key).to_owned();
    let missing = || BackupError::NoNode { path: folder.clone(), what: KEY };
    let text = fs::read_to_string(key).map_err(|_| missing())?;
    let seed: Option<[u8; 32]> =
        hex::decode(text.trim()).ok().and_then(|seed| seed.try_into().ok());
    Ok(Keypair::from_seed(&seed.ok_or_else(missing)?).node_id())
}

/// Files of a backup, by their path in it.
fn listed(folder: &Path) -> Result<Vec<String>, BackupError> {
    let mut names = Vec::new();
    for (prefix, folder) in
        [(String::new(), folder.to_owned()), (format!("{DATA}/"), folder.join(DATA))]
    {
        for entry in fs::read_dir(&folder).map_err(at(&folder))? {
            let entry = entry.map_err(at(&folder))?;
            if entry.file_type().map_err(at(&folder))?.is_file() {
                names.push(format!("{prefix}{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    Ok(names)
}

fn private_folder(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))
}

/// Nobody else may read what is in a backup, nor list it. Files of the store that are linked are those
/// of the node, and become so too.
fn make_private(folder: &Path) -> Result<(), BackupError> {
    let modes = listed(folder)?.into_iter().map(|name| (folder.join(name), 0o600));
    for (path, mode) in modes.chain([(folder.join(DATA), 0o700)]) {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(at(&path))?;
    }
    Ok(())
}

/// A copy on the disk that nobody else may read.
fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::copy(from, to).map_err(at(from))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o600)).map_err(at(to))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(at(to))
}

fn hash_of(path: &Path) -> Result<String, BackupError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).map_err(at(path))?;
    Ok(hex::encode(hash.finalize()))
}

fn partial_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

fn at(path: &Path) -> impl Fn(io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::Io { path: path.clone(), error }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn node(folder: &Path) -> PathBuf {
        let node = folder.join("node");
        fs::create_dir(&node).unwrap();
        fs::write(node.join(KEY), hex::encode([7; 32])).unwrap();
        Store::open(&node.join(DATA)).unwrap().close();
        node
    }

    #[test]
    fn backup_comes_back_marked_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let (node, backup, new) =
            (node(folder.path()), folder.path().join("backup"), folder.path().join("new"));
        let made = create(&node, &backup).unwrap();
        assert_eq!(made.node, Keypair::from_seed(&[7; 32]).node_id());
        assert_eq!(restore(&backup, &new).unwrap(), made);
        // Before a store is opened, which writes files of its own.
        for place in [&backup, &new] {
            assert_private(place);
        }
        let store = Store::open(&new.join(DATA)).unwrap();
        assert!(store.tail().is_restored().unwrap());
        assert!(matches!(restore(&backup, &new), Err(BackupError::Exists { .. })));
        assert!(matches!(create(&node, &backup), Err(BackupError::Exists { .. })));
    }

    #[test]
    fn tokens_beside_the_configuration_come_along() {
        let folder = tempfile::tempdir().unwrap();
        let node = node(folder.path());
        let to = |name: &str| folder.path().join(name);
        let configure = |token_file: &str| {
            let text = format!("[access]\ntoken_file = {token_file:?}\n");
            fs::write(node.join(config::FILE), text).unwrap();
        };
        fs::write(node.join("tokens"), "0123456789abcdef0123456789abcdef\n").unwrap();
        let inside = node.join("tokens").display().to_string();
        for (number, named) in ["tokens", "./tokens", &inside].into_iter().enumerate() {
            configure(named);
            let (backup, new) = (to(&format!("backup-{number}")), to(&format!("new-{number}")));
            assert!(create(&node, &backup).unwrap().files.contains_key("tokens"), "{named}");
            restore(&backup, &new).unwrap();
            let read = |folder: &Path| fs::read_to_string(folder.join("tokens")).unwrap();
            assert_eq!(read(&new), read(&node));
            assert_private(&new);
        }
        configure("/elsewhere/tokens");
        assert!(!create(&node, &to("without")).unwrap().files.contains_key("tokens"));
        for (named, said) in
            [("../tokens", "beside the configuration"), ("secrets/tokens", "absolute path")]
        {
            configure(named);
            let error = create(&node, &to("none")).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(named), "{error}");
            assert!(!to("none").exists());
        }
        configure("missing");
        let error = create(&node, &to("none")).unwrap_err().to_string();
        assert!(error.contains("missing"), "{error}");
    }

    #[test]
    fn folder_in_use_and_what_is_no_node_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let node = node(folder.path());
        let running = Store::open(&node.join(DATA)).unwrap();
        let to = folder.path().join("backup");
        let error = create(&node, &to).unwrap_err().to_string();
        assert!(error.contains("in use by another process"), "{error}");
        assert!(!to.exists());
        drop(running);
        let error = create(&folder.path().join("none"), &to).unwrap_err().to_string();
        assert!(error.contains("node.key is missing"), "{error}");
        let error = restore(&node, &to).unwrap_err().to_string();
        assert!(error.contains("no backup: backup.json"), "{error}");
    }

    #[test]
    fn damaged_or_forged_backup_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (node, backup, new) =
            (node(folder.path()), folder.path().join("backup"), folder.path().join("new"));
        let made = create(&node, &backup).unwrap();
        let list = |change: &dyn Fn(&mut Manifest)| {
            let mut list = made.clone();
            change(&mut list);
            fs::write(backup.join(MANIFEST), serde_json::to_string(&list).unwrap()).unwrap();
            restore(&backup, &new).unwrap_err().to_string()
        };
        let error = list(&|list| list.format = "node data of version 7".into());
        assert!(error.contains("version 7") && error.contains("version 9"), "{error}");
        let error = list(&|list| {
            list.files.insert("data/../../x".into(), String::new());
        });
        assert!(error.contains("which no backup holds"), "{error}");
        let error = list(&|list| list.node = Keypair::from_seed(&[8; 32]).node_id());
        assert!(error.contains("the list says"), "{error}");
        let current = backup.join("data/CURRENT");
        let text = fs::read_to_string(&current).unwrap();
        fs::write(&current, format!("{text} ")).unwrap();
        let error = list(&|_| ());
        assert!(error.contains("CURRENT is not what was backed up"), "{error}");
        assert!(!new.exists());
        fs::write(&current, text).unwrap();
        list_again(&backup, &made);
        restore(&backup, &new).unwrap();
    }

    fn assert_private(folder: &Path) {
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for path in [folder.to_owned(), folder.join(DATA)] {
            assert_eq!(mode(&path), 0o700, "{}", path.display());
        }
        for name in listed(folder).unwrap() {
            assert_eq!(mode(&folder.join(&name)), 0o600, "{name}");
        }
    }

    fn list_again(backup: &Path, made: &Manifest) {
        fs::write(backup.join(MANIFEST), serde_json::to_string(made).unwrap()).unwrap();
    }
}
