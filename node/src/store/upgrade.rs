//! From folders of earlier formats to this one.

use fairway_proto::{
    Event,
    channel::{log::Log, snapshot::Snapshot},
};
use fairway_store::{Batch, Database, Upgrade, WriteError};
use fairway_types::{StateKey, codec, codec::DecodeError};

use super::{FORMAT, spans::Span};

/// Events read at once.
const PAGE: usize = 1_024;

/// One a version, oldest first.
pub(super) const STEPS: &[Upgrade] = &[Upgrade { from: 8, writes: from_8 }];

/// Whether a folder, or a backup, of the format with this name can be opened.
pub(super) fn opens(name: &str) -> bool {
    let earlier = STEPS.iter().map(|step| FORMAT.name_of(step.from));
    earlier.chain([FORMAT.name()]).any(|known| known == name)
}

/// Format 8 had one snapshot a channel under the channel's id, its index before it in the value.
fn from_8(database: &Database) -> Result<Batch, WriteError> {
    let mut batch = Batch::default();
    for (channel, _) in database.scan("channels", b"", b"", usize::MAX)? {
        check_sessions(database, &channel)?;
        let Some(value) = database.get("snapshots", &channel)? else { continue };
        let (index, snapshot): (u64, Snapshot) =
            codec::decode("snapshot", &value).map_err(|error| unread(&channel, &error))?;
        let key = [channel.as_slice(), &index.to_be_bytes()].concat();
        batch.delete("snapshots", channel);
        batch.put("snapshots", key.clone(), codec::encode(&snapshot));
        batch.put("spans", key, codec::encode(&Span::of(&snapshot)));
    }
    Ok(batch)
}

/// Session keys were delegated by other rules under format 8: blocks with them would be other blocks
/// here, and their honest leaders guilty.
fn check_sessions(database: &Database, channel: &[u8]) -> Result<(), WriteError> {
    let (mut log, mut from) = (Log::default(), 0u64);
    if let Some(value) = database.get("snapshots", channel)? {
        let (index, snapshot): (u64, Snapshot) =
            codec::decode("snapshot", &value).map_err(|error| unread(channel, &error))?;
        (log, from) = (Log::restore(snapshot), index);
    }
    let key = |index: u64| [channel, index.to_be_bytes().as_slice()].concat();
    let mut next = key(0);
    loop {
        let page = database.scan("events", channel, &next, PAGE)?;
        for (key, bytes) in &page {
            let event: Event =
                codec::decode("event", bytes).map_err(|error| unread(channel, &error))?;
            check_writes(channel, &event)?;
            if key[channel.len()..] >= from.to_be_bytes()[..] {
                log.apply(&event);
            }
        }
        let Some((last, _)) = page.last().filter(|_| page.len() == PAGE) else { break };
        next = [last.as_slice(), &[0]].concat();
    }
    let tip = log.tip();
    let held = tip.iter().flat_map(|tip| tip.state.entries());
    held.map(|(key, _)| key).try_for_each(|key| check_key(channel, key))
}

fn check_writes(channel: &[u8], event: &Event) -> Result<(), WriteError> {
    let Event::Appended(appended) = event else { return Ok(()) };
    let writes = appended.effects.iter().flat_map(|effects| &effects.writes);
    writes.map(|write| &write.key).try_for_each(|key| check_key(channel, key))
}

fn check_key(channel: &[u8], key: &StateKey) -> Result<(), WriteError> {
    if !matches!(key, StateKey::Sessions(_)) {
        return Ok(());
    }
    let reason = format!(
        "channel 0x{} has session keys, which go by other rules here: settle and close it with the \
         version that made it",
        hex::encode(channel)
    );
    Err(WriteError { reason })
}

fn unread(channel: &[u8], error: &DecodeError) -> WriteError {
    let reason = format!("channel 0x{}: {}", hex::encode(channel), error.reason);
    WriteError { reason }
}
