//! Account keys on disk: one file an account, readable by its owner alone, the secret encrypted with
//! a passphrase. Node keys are not here: they lie in the node's folder, unencrypted, since a node
//! starts without anybody at hand; they sign blocks, never an account's calls.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use age::secrecy::SecretString;
use anyhow::{Context, anyhow, bail};
use fairway_types::{Address, Keypair, PublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::Shared;

/// log2 of scrypt's work: about a tenth of a second on a common machine.
const WORK: u8 = 15;

/// An account's file.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccountFile {
    pub(crate) address: Address,
    pub(crate) public_key: PublicKey,
    /// The seed, encrypted with a passphrase in the age format, as hex.
    secret: String,
}

/// The accounts of one user.
pub(crate) struct Keys<'a> {
    shared: &'a Shared,
    folder: PathBuf,
}

impl<'a> Keys<'a> {
    pub(crate) fn open(shared: &'a Shared) -> anyhow::Result<Self> {
        let home = match &shared.home {
            Some(home) => home.clone(),
            None => std::env::home_dir()
                .context("no home folder: name one with --home")?
                .join(".fairway"),
        };
        Ok(Self { shared, folder: home.join("accounts") })
    }

    /// Makes a new account.
    pub(crate) fn create(&self, name: &str) -> anyhow::Result<AccountFile> {
        if name.starts_with("0x") {
            return Err(like_an_address(name));
        }
        let path = self.path(name)?;
        if path.exists() {
            bail!("account {name} exists already ({})", path.display());
        }
        let passphrase = self.new_passphrase()?;
        let key = new_key()?;
        let mut seed = key.seed();
        let recipient = {
            let mut recipient = age::scrypt::Recipient::new(passphrase);
            recipient.set_work_factor(WORK);
            recipient
        };
        let secret = age::encrypt(&recipient, &seed).context("encrypting the key")?;
        seed.zeroize();
        let file = AccountFile {
            address: key.address(),
            public_key: key.public(),
            secret: hex::encode(&secret),
        };
        write_private(&path, &serde_json::to_vec_pretty(&file)?)?;
        Ok(file)
    }

    /// Every account's name and file, by name.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<(String, AccountFile)>> {
        let mut found = Vec::new();
        if !self.folder.exists() {
            return Ok(found);
        }
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json")
                && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
            {
                found.push((name.to_owned(), self.read(name)?));
            }
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(found)
    }

    /// The account's public half; needs no passphrase.
    pub(crate) fn read(&self, name: &str) -> anyhow::Result<AccountFile> {
        let path = self.path(name);
        // An earlier version let an account be called so.
        if name.starts_with("0x") && !path.as_ref().is_ok_and(|path| path.exists()) {
            return Err(like_an_address(name));
        }
        let path = path?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "no account {name} ({}): `fairway account new {name}` makes it, \
                 `fairway account list` shows which there are",
                path.display()
            ),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not an account file", path.display()))
    }

    /// An account's name, or an address.
    pub(crate) fn address(&self, text: &str) -> anyhow::Result<Address> {
        if let Ok(address) = text.parse() {
            return Ok(address);
        }
        if text.starts_with("0x") {
            bail!("{text:?} is no address: expected 0x and 64 hex digits");
        }
        Ok(self.read(text)?.address)
    }

    /// A function's name, with the address of the account whose name stands in its place.
    pub(crate) fn function(&self, text: &str) -> String {
        let placed = text.split_once("::").and_then(|(account, rest)| {
            Some(format!("{}::{rest}", self.address(account).ok()?.to_literal()))
        });
        placed.unwrap_or_else(|| text.to_owned())
    }

    /// The account's key.
    pub(crate) fn unlock(&self, name: &str) -> anyhow::Result<Keypair> {
        let file = self.read(name)?;
        let mut identity = age::scrypt::Identity::new(self.passphrase(name)?);
        identity.set_max_work_factor(WORK + 4);
        let secret = hex::decode(&file.secret).context("the account file is damaged")?;
        let seed = age::decrypt(&identity, &secret)
            .map_err(|_| anyhow!("wrong passphrase for account {name}"))?;
        let mut seed: [u8; 32] =
            seed.try_into().map_err(|_| anyhow!("the account file is damaged"))?;
        let key = Keypair::from_seed(&seed);
        seed.zeroize();
        if key.address() != file.address {
            bail!("the account file of {name} names another address than its key");
        }
        Ok(key)
    }

    fn path(&self, name: &str) -> anyhow::Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            bail!("account name {name:?}: use letters, digits, - and _, at most 64");
        }
        Ok(self.folder.join(format!("{name}.json")))
    }

    fn passphrase(&self, name: &str) -> anyhow::Result<SecretString> {
        if let Some(given) = &self.shared.passphrase {
            return Ok(given.clone().into());
        }
        let asked = rpassword::prompt_password(format!("Passphrase of {name}: "))
            .map_err(|_| no_passphrase())?;
        Ok(asked.into())
    }

    fn new_passphrase(&self) -> anyhow::Result<SecretString> {
        if let Some(given) = &self.shared.passphrase {
            if given.is_empty() {
                bail!("the passphrase is empty");
            }
            return Ok(given.clone().into());
        }
        let first = rpassword::prompt_password("New passphrase: ").map_err(|_| no_passphrase())?;
        if first.is_empty() {
            bail!("the passphrase is empty");
        }
        if rpassword::prompt_password("Again: ")? != first {
            bail!("the passphrases differ");
        }
        Ok(first.into())
    }
}

fn like_an_address(name: &str) -> anyhow::Error {
    anyhow!("{name:?}: account names don't start with 0x: `fairway account list` shows yours")
}

fn no_passphrase() -> anyhow::Error {
    anyhow!("no passphrase: give FAIRWAY_PASSPHRASE, or run this on a terminal")
}

/// A key from the operating system's randomness.
pub(crate) fn new_key() -> anyhow::Result<Keypair> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow!("no randomness: {error}"))?;
    let key = Keypair::from_seed(&seed);
    seed.zeroize();
    Ok(key)
}

/// A key in a file of its own, unencrypted: made if it is missing.
pub(crate) fn key_file(path: &Path) -> anyhow::Result<Keypair> {
    if path.exists() {
        return existing_key(path);
    }
    let key = new_key()?;
    write_private(path, hex::encode(key.seed()).as_bytes())?;
    Ok(key)
}

/// The key in a file. One that is missing is never made anew: a node with another key is another
/// node, and its members' channels stand still.
pub(crate) fn existing_key(path: &Path) -> anyhow::Result<Keypair> {
    let text = fs::read_to_string(path).with_context(|| {
        format!("{}: restore the key, or begin anew with `fairway node init`", path.display())
    })?;
    let seed: Option<[u8; 32]> =
        hex::decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
    let seed = seed.with_context(|| format!("{} holds no key", path.display()))?;
    Ok(Keypair::from_seed(&seed))
}

/// Writes a new file that its owner alone can read; never over another.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("writing {}", path.display()))?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}
