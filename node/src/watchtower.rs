//! Guards members' money while their nodes are away: keeps the best guard it was given of each
//! account in each channel, watches the chain, and answers there. It holds no key but its own.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use fairway_proto::settlement::{proof, refutation};
use fairway_sdk::{Error, Ledger};
use fairway_types::{
    Address, ChannelId, Keypair, Refusal,
    chain::{ChainTx, ChannelRecord},
    codec, contract,
    windows::{Guard, ShownBlock},
};
use tracing::warn;

/// The bytes that a guard's file begins with: name and version.
const MAGIC: &[u8] = b"fairway guard 1\n";
/// Bytes of a guard: 200 headers, two certificates and three entries, with room.
const MOST_BYTES: u64 = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    #[error("{path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("{path}: {reason}")]
    Content { path: PathBuf, reason: String },
}

/// Writes a guard to a file that anybody may be handed: it opens no money. It is replaced as a whole.
pub fn write(path: &Path, guard: &Guard) -> Result<(), GuardError> {
    let failed = |error| GuardError::File { path: path.to_owned(), error };
    let aside = path.with_extension("new");
    let mut file = fs::File::create(&aside).map_err(failed)?;
    file.write_all(MAGIC).map_err(failed)?;
    file.write_all(&codec::encode(guard)).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&aside, path).map_err(failed)
}

/// Reads a guard and checks its signatures, and that its entries are of its block.
pub fn read(path: &Path) -> Result<Guard, GuardError> {
    let failed = |error| GuardError::File { path: path.to_owned(), error };
    let wrong = |reason: String| GuardError::Content { path: path.to_owned(), reason };
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > MOST_BYTES {
        return Err(wrong(format!("{size} bytes: a guard has at most {MOST_BYTES}")));
    }
    let bytes = fs::read(path).map_err(failed)?;
    let guard = bytes.strip_prefix(MAGIC).ok_or_else(|| {
        wrong("this is no guard of this version (see `watchtower export`)".into())
    })?;
    let guard: Guard =
        codec::decode("guard", guard).map_err(|error| wrong(Refusal::from(error).to_string()))?;
    proof::check_guard(&guard).map_err(|refusal| wrong(refusal.to_string()))?;
    Ok(guard)
}

/// The guards that one tower keeps, each in a file of its own.
pub struct Watchtower {
    ledger: Ledger,
    key: Keypair,
    folder: PathBuf,
    guards: BTreeMap<(ChannelId, Address), Guard>,
}

impl Watchtower {
    /// Goes on with the guards in `folder`. `key` signs what it sends to the chain.
    pub fn open(ledger: Ledger, key: Keypair, folder: PathBuf) -> Result<Self, GuardError> {
        let failed = |error| GuardError::File { path: folder.clone(), error };
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut guards = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "guard") {
                continue;
            }
            // One bad file must not leave the others unguarded.
            match read(&path) {
                Ok(guard) => drop(guards.insert((guard.channel, guard.account), guard)),
                Err(error) => warn!(%error, "a guard can't be used"),
            }
        }
        Ok(Self { ledger, key, folder, guards })
    }

    /// The channels whose money it guards.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelId> {
        let mut channels: Vec<_> = self.guards.keys().map(|(channel, _)| *channel).collect();
        channels.dedup();
        channels
    }

    /// Keeps a guard if it is better than the one it has; whether it is.
    pub fn keep(&mut self, guard: Guard) -> Result<bool, GuardError> {
        let name = format!("{}-{}.guard", guard.channel, guard.account);
        let path = self.folder.join(name);
        proof::check_guard(&guard).map_err(|refusal| GuardError::Content {
            path: path.clone(),
            reason: refusal.to_string(),
        })?;
        let key = (guard.channel, guard.account);
        let rank = |guard: &Guard| guard.proof.shown().as_ref().map(ShownBlock::rank);
        if self.guards.get(&key).is_some_and(|known| rank(known) >= rank(&guard)) {
            return Ok(false);
        }
        write(&path, &guard)?;
        self.guards.insert(key, guard);
        Ok(true)
    }

    /// Looks at a channel once and does what its guards ask for: what was done, or why it failed.
    pub async fn look(
        &mut self,
        channel: ChannelId,
    ) -> Result<Vec<(ChainTx, Result<(), Error>)>, Error> {
        let seen = self.ledger.channel(channel).await?;
        self.forget_settled(&seen.record);
        let mut done = Vec::new();
        let mut due = self.due(&seen.record, seen.time);
        due.extend(self.refutation(&seen.record).await?);
        for tx in due {
            let result = self.submit(&tx).await;
            done.push((tx, result));
        }
        Ok(done)
    }

    async fn submit(&self, tx: &ChainTx) -> Result<(), Error> {
        for payload in contract::payloads(tx).map_err(Error::Refused)? {
            self.ledger.execute(&self.key, payload).await?;
        }
        Ok(())
    }

    /// P-117: the proof that the proposal which waits gives an account that is guarded here something
    /// else than its state does.
    async fn refutation(&self, record: &ChannelRecord) -> Result<Option<ChainTx>, Error> {
        let mut guards = self.of_channel(record.channel).peekable();
        if record.windows.waiting.is_none() || guards.peek().is_none() {
            return Ok(None);
        }
        let Some(proposal) = self.ledger.waiting(record.channel).await? else { return Ok(None) };
        Ok(guards.find_map(|guard| refutation::by_guard(record, &proposal, guard)))
    }

    fn of_channel(&self, channel: ChannelId) -> impl Iterator<Item = &Guard> {
        let guards = self.guards.range((channel, Address::ZERO)..);
        guards.take_while(move |((of, _), _)| *of == channel).map(|(_, guard)| guard)
    }

    /// What was settled since is no proof any more, and must not keep a newer guard out.
    fn forget_settled(&mut self, record: &ChannelRecord) {
        if record.windows.outcome.is_some() {
            return;
        }
        let settled = record.settlement.height;
        self.guards.retain(|(channel, _), guard| {
            let height = guard.proof.shown().map(|shown| shown.height);
            *channel != record.channel || height.is_some_and(|height| height > settled)
        });
    }

    fn due(&self, record: &ChannelRecord, time: fairway_types::Time) -> Vec<ChainTx> {
        let clock = crate::driver::clock();
        let mut due: Vec<ChainTx> = Vec::new();
        let guards = self.of_channel(record.channel);
        for tx in guards.filter_map(|guard| proof::answer(record, guard, time, clock)) {
            if !due.contains(&tx) {
                due.push(tx);
            }
        }
        due
    }
}
