//! Entries of a channel's state, proven under the state root of one of its blocks.

use fairway_types::{
    Address, AssetId, Hash, JoinSequence, StateKey, codec,
    hash::{Domain, hash, hash_value},
    settlement::AssetAmount,
    windows::ProvenEntry,
};

use super::{Refused, require};

pub(super) fn vault_key(account: Address) -> Hash {
    StateKey::resource(account, fairway_proto::channel::books::VAULT_TAG).hash()
}

pub(super) fn departed_key(account: Address) -> Hash {
    StateKey::Departed(account).hash()
}

pub(super) fn sequence_key(account: Address) -> Hash {
    StateKey::Sequence(account).hash()
}

pub(super) fn entered_key() -> Hash {
    StateKey::Entered.hash()
}

pub(super) fn result_key() -> Hash {
    StateKey::Result.hash()
}

/// Refused unless `root` commits to the entry under `key`.
pub(super) fn check(root: Hash, key: Hash, entry: &ProvenEntry) -> Result<(), Refused> {
    const BAD: Refused = "state_proof::E_BAD_PROOF";
    let depth = entry.siblings.len();
    require(depth < 256 && ends_right(key, entry), BAD)?;
    let mut below = entry.end.map_or(Hash::ZERO, |end| hash_value(Domain::StateLeaf, &end));
    for (depth, beside) in entry.siblings.iter().enumerate().rev() {
        let pair = if bit(&key, depth) { (*beside, below) } else { (below, *beside) };
        below = hash_value(Domain::StateNode, &pair);
    }
    require(below == root, BAD)
}

fn ends_right(key: Hash, entry: &ProvenEntry) -> bool {
    let Some((leaf_key, leaf_value)) = entry.end else { return entry.value.is_empty() };
    if !entry.value.is_empty() {
        return leaf_key == key && leaf_value == hash(Domain::StateValue, &entry.value);
    }
    let depth = entry.siblings.len();
    leaf_key != key && (0..depth).all(|depth| bit(&key, depth) == bit(&leaf_key, depth))
}

fn bit(key: &Hash, depth: usize) -> bool {
    key.0[depth / 8] >> (7 - depth % 8) & 1 == 1
}

/// Units of the only asset in the entry.
pub(super) fn amount(entry: &ProvenEntry, asset: AssetId) -> Result<u64, Refused> {
    const MALFORMED: Refused = "state_proof::E_MALFORMED";
    if entry.value.is_empty() {
        return Ok(0);
    }
    let amounts = codec::decode::<Vec<AssetAmount>>("amounts", &entry.value);
    match amounts.map_err(|_| MALFORMED)?.as_slice() {
        [] => Ok(0),
        [one] if one.asset == asset => Ok(one.amount),
        [_, ..] => Err(MALFORMED),
    }
}

/// First and last of each run of join sequences.
pub(super) fn runs(entry: &ProvenEntry) -> Result<Vec<(JoinSequence, JoinSequence)>, Refused> {
    if entry.value.is_empty() {
        return Ok(Vec::new());
    }
    codec::decode("runs", &entry.value).map_err(|_| "bytes::E_END")
}

pub(super) fn is_in_runs(runs: &[(JoinSequence, JoinSequence)], number: u64) -> bool {
    runs.iter().any(|(first, last)| (first.0..=last.0).contains(&number))
}

/// A number; zero for an absent entry.
pub(super) fn number(entry: &ProvenEntry) -> Result<u64, Refused> {
    if entry.value.is_empty() {
        return Ok(0);
    }
    codec::decode("number", &entry.value).map_err(|_| "bytes::E_END")
}
