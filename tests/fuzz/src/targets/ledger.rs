//! The ledger's transactions, blocks and rows.

use fairway_ledger::{
    machine::{Genesis, Head},
    store::{StoredBlock, StoredEvent},
    view,
};
use fairway_types::{
    StateKey,
    chain::{ChannelRecord, Observation},
    crypto::Verify,
    ledger::SignedLedgerTransaction,
};

use super::Verdict;
use crate::check::canonical;

/// A value of the kind that the first byte names.
pub(super) fn value(data: &[u8]) -> Verdict {
    let Some((kind, bytes)) = data.split_first() else { return Verdict::Refused };
    match kind {
        0 => canonical::<SignedLedgerTransaction>(bytes)
            .is_some_and(|signed| signed.check().is_ok())
            .into(),
        1 => canonical::<StoredBlock>(bytes).map(|stored| view::block(&stored)).into(),
        2 => canonical::<StoredEvent>(bytes).map(|stored| stored.channel()).into(),
        3 => canonical::<Genesis>(bytes).into(),
        4 => canonical::<Head>(bytes).into(),
        5 => canonical::<StateKey>(bytes).map(|key| key.hash()).into(),
        6 => canonical::<ChannelRecord>(bytes).into(),
        7 => canonical::<Observation>(bytes).into(),
        _ => Verdict::Refused,
    }
}
