//! What lies in a node's folder. A disk can hand back anything; and a snapshot may come from others.

use fairway_proto::{
    Event,
    channel::{log::Log, snapshot::Snapshot},
};
use fairway_types::{ChainId, Hash, Height, codec, ledger::PackageSource};

use super::Verdict;
use crate::check::canonical;

/// Events applied in order: `apply` is total, and the snapshot of what they give restores it.
pub(super) fn events(data: &[u8]) -> Verdict {
    let Some(events) = canonical::<Vec<Event>>(data) else { return Verdict::Refused };
    let mut log = Log::default();
    for event in &events {
        log.apply(event);
        let _ = event.binds();
    }
    let _ = (log.leader(), log.last_unfinal(), log.evidence().is_some());
    comes_back(&log);
    Verdict::Accepted
}

/// A snapshot, restored: its own snapshot restores the same log.
pub(super) fn snapshot(data: &[u8]) -> Verdict {
    let Some((_, snapshot)) = canonical::<(u64, Snapshot)>(data) else { return Verdict::Refused };
    comes_back(&Log::restore(snapshot));
    Verdict::Accepted
}

fn comes_back(log: &Log) {
    let bytes = codec::encode(&log.snapshot());
    let Some(snapshot) = canonical::<Snapshot>(&bytes) else {
        panic!("a snapshot does not decode");
    };
    let restored = Log::restore(snapshot);
    assert_eq!(restored.digest(), log.digest(), "a restored log differs");
    assert!(codec::encode(&restored.snapshot()) == bytes, "a restored log has another snapshot");
}

/// The other rows of a node's folder, chosen by the first byte.
pub(super) fn row(data: &[u8]) -> Verdict {
    let Some((kind, row)) = data.split_first() else { return Verdict::Refused };
    match kind {
        0 => canonical::<(ChainId, Hash)>(row).into(),
        1 => canonical::<PackageSource>(row).into(),
        2 => canonical::<(Height, u32)>(row).into(),
        3 => canonical::<Event>(row).into(),
        _ => Verdict::Refused,
    }
}
