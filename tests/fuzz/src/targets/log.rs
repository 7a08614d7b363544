//! What lies in a node's folder. A disk can hand back anything; and a snapshot may come from others.

use fairway_proto::{
    Event,
    channel::{log::Log, snapshot::Snapshot},
};
use fairway_types::{ChainId, Hash, Height, chain::Durability, codec, ledger::PackageSource};

use super::Verdict;
use crate::check::canonical;

/// Events applied in order: `apply` is total; and when they are those of a log, block upon block, the
/// snapshot of what they give restores it.
pub(super) fn events(data: &[u8]) -> Verdict {
    let Some(events) = canonical::<Vec<Event>>(data) else { return Verdict::Refused };
    let mut log = Log::default();
    let mut follows = true;
    for event in &events {
        follows &= is_next(&log, event);
        log.apply(event);
        let _ = event.binds(Durability::Synced);
    }
    let _ = (log.leader(), log.last_unfinal(), log.evidence().is_some());
    let restored = again(&log);
    assert!(!follows || same(&log, &restored), "a restored log differs");
    follows.into()
}

/// The log applies what its node decided: blocks without gaps, one start.
fn is_next(log: &Log, event: &Event) -> bool {
    match event {
        Event::Appended(appended) => {
            log.tip().is_none_or(|tip| appended.block.height() == tip.height.next())
        }
        Event::Started { .. } => log.genesis().is_none(),
        Event::Adopted(adopted) => {
            log.genesis().is_some() && adopted.checkpoint.height() > log.head()
        }
        Event::TailLost
        | Event::Recovered { .. }
        | Event::TermStarted { .. }
        | Event::Acked { .. }
        | Event::Promised { .. }
        | Event::RolledBack { .. }
        | Event::Certified { .. }
        | Event::Diverged { .. }
        | Event::Proposed { .. }
        | Event::Voted { .. }
        | Event::SettledOnChain { .. } => true,
    }
}

/// A snapshot, restored. One that a log made gives the same bytes again; whatever it was, what it
/// became stays the same from then on.
pub(super) fn snapshot(data: &[u8]) -> Verdict {
    let Some((events, snapshot)) = canonical::<(u64, Snapshot)>(data) else {
        return Verdict::Refused;
    };
    let log = Log::restore(snapshot);
    let settled = again(&log);
    assert!(same(&settled, &again(&settled)), "a restored log differs");
    (codec::encode(&(events, log.snapshot())) == data).into()
}

/// The log that a log's snapshot restores.
fn again(log: &Log) -> Log {
    match canonical::<Snapshot>(&codec::encode(&log.snapshot())) {
        Some(snapshot) => Log::restore(snapshot),
        None => panic!("a snapshot does not decode"),
    }
}

fn same(one: &Log, other: &Log) -> bool {
    one.digest() == other.digest()
        && codec::encode(&one.snapshot()) == codec::encode(&other.snapshot())
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
