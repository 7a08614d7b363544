//! The state that a state root commits to: a persistent map with an incremental Merkle tree over
//! it. Clones are cheap and share structure, so a node keeps the states of recent blocks and runs
//! ahead of what is certified. Never touches a disk: what is stored are writes and entries.

pub mod partial;
pub mod parts;
mod tree;

use std::sync::Arc;

use fairway_types::{Hash, StateKey, StateReader, Write, windows::ProvenEntry};
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use self::tree::{Leaf, Proof, Slot, Tree, changes, value_hash};

/// One version of the state. Equal entries have equal roots, whatever the history.
#[derive(Clone, Default)]
pub struct State {
    tree: Tree,
    /// The entries that are no resources once more: few, read often, and listed by kind.
    records: OrdMap<StateKey, Arc<[u8]>>,
}

/// Proof that a root commits to a value under a key, or to none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateProof(Proof);

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not lead from the value to root {root}: {reason}")]
pub struct ProofError {
    pub root: Hash,
    pub reason: &'static str,
}

/// `Ok` if `root` commits to what the entry holds under `key`: the same that the contracts check.
pub fn verify_entry(root: &Hash, key: &StateKey, entry: &ProvenEntry) -> Result<(), ProofError> {
    let end = entry.end.map(|(key, value)| Leaf { key, value });
    let proof = StateProof(Proof::new(entry.siblings.clone(), end));
    proof.verify(root, key, (!entry.value.is_empty()).then_some(&entry.value[..]))
}

impl State {
    /// A state with exactly these entries.
    pub fn from_entries(entries: impl IntoIterator<Item = (StateKey, Arc<[u8]>)>) -> Self {
        let writes: Vec<Write> = entries
            .into_iter()
            .map(|(key, value)| Write { key, value: Some(value.to_vec()) })
            .collect();
        Self::default().with_writes(&writes)
    }

    /// The state after `writes`. A later write of the same key wins.
    #[must_use]
    pub fn with_writes(&self, writes: &[Write]) -> Self {
        let mut next = self.clone();
        next.apply(writes);
        next
    }

    /// Applies `writes` in place; states cloned before are unchanged.
    pub fn apply(&mut self, writes: &[Write]) {
        if writes.is_empty() {
            return;
        }
        for write in writes.iter().filter(|write| is_record(&write.key)) {
            match &write.value {
                Some(value) => self.records.insert(write.key.clone(), value.as_slice().into()),
                None => self.records.remove(&write.key),
            };
        }
        self.tree = self.tree.with_changes(&changes(writes));
    }

    /// The state that the tree's entries are.
    fn of_tree(tree: Tree) -> Self {
        let entries = tree.slots().map(Slot::entry);
        let records = entries.filter(|(key, _)| is_record(key));
        let records = records.map(|(key, value)| (key.clone(), Arc::clone(value))).collect();
        Self { tree, records }
    }

    /// The root over all entries; 32 zero bytes over none.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// A proof of what `key` holds under [`State::root`].
    #[must_use]
    pub fn prove(&self, key: &StateKey) -> StateProof {
        StateProof(self.tree.prove(&key.hash()))
    }

    /// What `key` holds, with the proof as the settlement contracts take it.
    #[must_use]
    pub fn proven(&self, key: &StateKey) -> ProvenEntry {
        let (siblings, end) = self.tree.prove(&key.hash()).path();
        let value = self.read(key).map(|value| value.to_vec()).unwrap_or_default();
        ProvenEntry { value, siblings, end }
    }

    /// All entries, in the order of the tree: by the hashes of their keys.
    pub fn entries(&self) -> impl Iterator<Item = (&StateKey, &Arc<[u8]>)> {
        self.tree.slots().map(Slot::entry)
    }

    /// Entries that are no resources, with keys from `first` on, ordered by key.
    pub fn records_from(&self, first: &StateKey) -> impl Iterator<Item = (&StateKey, &Arc<[u8]>)> {
        self.records.range(first.clone()..)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tree.len() == 0
    }
}

/// Whether the key is of an entry that the host or the ledger keeps itself.
fn is_record(key: &StateKey) -> bool {
    !matches!(key, StateKey::Resource { .. })
}

impl StateReader for State {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        if is_record(key) {
            return self.records.get(key).cloned();
        }
        self.tree.find(&key.hash()).map(|slot| Arc::clone(slot.entry().1))
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} entries, root {})", self.len(), self.root().short())
    }
}

impl StateProof {
    /// `Ok` if `root` commits to `value` (or to nothing, for `None`) under `key`.
    pub fn verify(
        &self,
        root: &Hash,
        key: &StateKey,
        value: Option<&[u8]>,
    ) -> Result<(), ProofError> {
        self.0
            .check(root, &key.hash(), value.map(value_hash))
            .map_err(|reason| ProofError { root: *root, reason })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fairway_types::Address;
    use proptest::prelude::*;

    use super::*;

    fn key(n: u8) -> StateKey {
        StateKey::Sequence(Address::from_low(n))
    }

    fn put(n: u8, value: u8) -> Write {
        Write { key: key(n), value: Some(vec![value]) }
    }

    fn delete(n: u8) -> Write {
        Write { key: key(n), value: None }
    }

    #[test]
    fn earlier_version_is_unchanged_by_later_writes() {
        let first = State::default().with_writes(&[put(1, 1), put(2, 2)]);
        let root = first.root();
        let second = first.with_writes(&[put(1, 9), delete(2)]);
        assert_eq!(first.root(), root);
        assert_ne!(second.root(), root);
        assert_eq!(first.read(&key(2)).as_deref(), Some(&[2][..]));
        assert_eq!(second.read(&key(2)), None);
    }

    #[test]
    fn proof_holds_for_its_value_only() {
        let state = State::default().with_writes(&[put(1, 1), put(2, 2), put(3, 3)]);
        let root = state.root();
        let proof = state.prove(&key(2));
        assert!(proof.verify(&root, &key(2), Some(&[2])).is_ok());
        assert!(proof.verify(&root, &key(2), Some(&[3])).is_err());
        assert!(proof.verify(&root, &key(2), None).is_err());
        assert!(proof.verify(&Hash::ZERO, &key(2), Some(&[2])).is_err());
        assert!(state.prove(&key(9)).verify(&root, &key(9), None).is_ok());
        assert!(state.prove(&key(9)).verify(&root, &key(9), Some(&[1])).is_err());
    }

    #[test]
    fn state_emptied_again_has_the_empty_root() {
        let empty = State::default();
        let emptied = empty.with_writes(&[put(1, 1)]).with_writes(&[delete(1)]);
        assert_eq!(emptied.root(), empty.root());
        assert_eq!(
            emptied.with_writes(&[put(1, 1)]).root(),
            empty.with_writes(&[put(1, 1)]).root()
        );
    }

    /// The root as its definition says, over sorted leaves, without sharing or updating anything.
    fn defined_root(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
        use fairway_types::hash::{Domain, hash_list};
        match leaves {
            [] => Hash::ZERO,
            [(key, value)] => hash_list(Domain::StateLeaf, [*key, *value]),
            [_, _, ..] => {
                let right = |(key, _): &(Hash, Hash)| key.0[depth / 8] & (0x80 >> (depth % 8)) != 0;
                let at = leaves.iter().position(right).unwrap_or(leaves.len());
                let (left, right) = leaves.split_at(at);
                let hashes = [defined_root(left, depth + 1), defined_root(right, depth + 1)];
                hash_list(Domain::StateNode, hashes)
            }
        }
    }

    /// The leaves of a state whose entries are `numbers`, each with itself as its value.
    fn leaves(numbers: impl IntoIterator<Item = u64>) -> Vec<(Hash, Hash)> {
        let leaf = |n: u64| (numbered(n).hash(), value_hash(&n.to_le_bytes()));
        let mut leaves: Vec<_> = numbers.into_iter().map(leaf).collect();
        leaves.sort();
        leaves
    }

    fn numbered(n: u64) -> StateKey {
        StateKey::resource(Address::from_low(1), format!("0x42::a::T{n}"))
    }

    #[test]
    fn large_state_follows_writes_and_deletions() {
        let write = |n: u64, is_there: bool| Write {
            key: numbered(n),
            value: is_there.then(|| n.to_le_bytes().to_vec()),
        };
        let all: Vec<Write> = (0..15_000).map(|n| write(n, true)).collect();
        let full = State::default().with_writes(&all);
        assert_eq!((full.len(), full.root()), (15_000, defined_root(&leaves(0..15_000), 0)));
        let some: Vec<Write> = (0..12_000).map(|n| write(n, n % 7 == 0)).collect();
        let fewer = full.with_writes(&some);
        let rest: Vec<u64> = (0..15_000).filter(|n| *n >= 12_000 || n % 7 == 0).collect();
        assert_eq!((fewer.len(), full.len()), (rest.len(), 15_000));
        assert_eq!(fewer.root(), defined_root(&leaves(rest), 0));
        assert_eq!(fewer.read(&numbered(7)).as_deref(), Some(&7u64.to_le_bytes()[..]));
        assert_eq!((fewer.read(&numbered(8)), fewer.read(&numbered(20_000))), (None, None));
        assert_eq!(fewer.with_writes(&all).root(), full.root());
    }

    #[test]
    fn later_write_of_a_key_wins() {
        let once = State::default().with_writes(&[put(1, 2)]);
        assert_eq!(State::default().with_writes(&[put(1, 1), put(1, 2)]).root(), once.root());
        assert_eq!(once.with_writes(&[put(1, 3), delete(1)]).root(), State::default().root());
    }

    proptest! {
        #[test]
        fn root_is_the_defined_one_and_every_proof_holds(
            numbers in proptest::collection::btree_set(any::<u8>(), 0..40), absent in any::<u8>()
        ) {
            let writes: Vec<Write> = numbers.iter().map(|n| put(*n, *n)).collect();
            let state = State::default().with_writes(&writes);
            let mut leaves: Vec<(Hash, Hash)> =
                numbers.iter().map(|n| (key(*n).hash(), value_hash(&[*n]))).collect();
            leaves.sort();
            let root = state.root();
            prop_assert_eq!(root, defined_root(&leaves, 0));
            for n in numbers.iter().chain([&absent]) {
                let value = numbers.contains(n).then_some([*n]);
                let value = value.as_ref().map(<[u8; 1]>::as_slice);
                let proof = state.prove(&key(*n));
                prop_assert!(proof.verify(&root, &key(*n), value).is_ok());
                prop_assert!(proof.verify(&root, &key(*n), Some(&[n.wrapping_add(1)])).is_err());
                if value.is_some() {
                    prop_assert!(proof.verify(&root, &key(*n), None).is_err());
                }
            }
        }

        #[test]
        fn root_depends_on_the_entries_alone(
            batches in proptest::collection::vec(
                proptest::collection::vec((0u8..12, proptest::option::of(any::<u8>())), 0..6), 0..12)
        ) {
            let mut state = State::default();
            let mut model = BTreeMap::new();
            for batch in batches {
                let writes: Vec<Write> = batch
                    .iter()
                    .map(|(n, value)| Write { key: key(*n), value: value.map(|v| vec![v]) })
                    .collect();
                for write in &writes {
                    match &write.value {
                        Some(value) => model.insert(write.key.clone(), Arc::from(value.as_slice())),
                        None => model.remove(&write.key),
                    };
                }
                state = state.with_writes(&writes);
                prop_assert_eq!(state.root(), State::from_entries(model.clone()).root());
            }
        }
    }
}
