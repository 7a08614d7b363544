//! From folders of earlier formats to this one.

use fairway_proto::channel::snapshot::Snapshot;
use fairway_store::{Batch, Database, Upgrade, WriteError};
use fairway_types::codec;

use super::{FORMAT, spans::Span};

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
        let Some(value) = database.get("snapshots", &channel)? else { continue };
        let (index, snapshot): (u64, Snapshot) =
            codec::decode("snapshot", &value).map_err(|error| WriteError {
                reason: format!(
                    "the snapshot of channel 0x{}: {}",
                    hex::encode(&channel),
                    error.reason
                ),
            })?;
        let key = [channel.as_slice(), &index.to_be_bytes()].concat();
        batch.delete("snapshots", channel);
        batch.put("snapshots", key.clone(), codec::encode(&snapshot));
        batch.put("spans", key, codec::encode(&Span::of(&snapshot)));
    }
    Ok(batch)
}
