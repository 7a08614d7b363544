//! The state that a state root commits to: a persistent map with an incremental Merkle tree over
//! it. Clones are cheap and share structure, so a node keeps the states of recent blocks and runs
//! ahead of what is certified. Never touches a disk: what is stored are writes and entries.

use std::sync::Arc;

use fairway_types::{Hash, StateKey, StateReader, Write};
use imbl::{HashMap, OrdMap};
use jmt::{
    KeyHash, RootHash, Sha256Jmt,
    storage::{LeafNode, Node, NodeKey, TreeReader},
};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The tree's root over nothing (its published placeholder hash).
const EMPTY_ROOT: [u8; 32] = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

/// One version of the state. Equal entries have equal roots, whatever the history.
#[derive(Clone, Default)]
pub struct State {
    entries: OrdMap<StateKey, Arc<[u8]>>,
    nodes: HashMap<NodeKey, Node>,
    /// Versions of the tree so far; zero while no root node was ever written.
    version: u64,
}

/// Proof that a root commits to a value under a key, or to none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StateProof(jmt::proof::SparseMerkleProof<Sha256>);

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not lead from the value to root {root}: {reason}")]
pub struct ProofError {
    pub root: Hash,
    pub reason: String,
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
        for write in writes {
            match &write.value {
                Some(value) => self.entries.insert(write.key.clone(), value.as_slice().into()),
                None => self.entries.remove(&write.key),
            };
        }
        self.apply_to_tree(writes);
    }

    /// The root over all entries.
    #[must_use]
    pub fn root(&self) -> Hash {
        let tree = Tree { state: self, probe: None };
        match Sha256Jmt::new(&tree).get_root_hash_option(self.version) {
            Ok(Some(root)) => Hash(root.0),
            Ok(None) => Hash(EMPTY_ROOT),
            Err(error) => unreachable!("the tree lost its root: {error}"),
        }
    }

    /// A proof of what `key` holds under [`State::root`].
    #[must_use]
    pub fn prove(&self, key: &StateKey) -> StateProof {
        let key_hash = KeyHash(key.hash().0);
        let tree = Tree { state: self, probe: self.read(key).map(|value| (key_hash, value)) };
        match Sha256Jmt::new(&tree).get_with_proof(key_hash, self.version) {
            Ok((_, proof)) => StateProof(proof),
            Err(error) => unreachable!("the tree lost a node: {error}"),
        }
    }

    /// All entries, ordered by key.
    pub fn entries(&self) -> impl Iterator<Item = (&StateKey, &Arc<[u8]>)> {
        self.entries.iter()
    }

    /// Entries with keys from `first` on, ordered.
    pub fn entries_from(&self, first: &StateKey) -> impl Iterator<Item = (&StateKey, &Arc<[u8]>)> {
        self.entries.range(first.clone()..)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn apply_to_tree(&mut self, writes: &[Write]) {
        let version = self.version + 1;
        let values = writes.iter().map(|write| (KeyHash(write.key.hash().0), write.value.clone()));
        let update = {
            let tree = Tree { state: self, probe: None };
            match Sha256Jmt::new(&tree).put_value_set(values, version) {
                Ok((RootHash(_), update)) => update,
                Err(error) => unreachable!("the tree lost a node: {error}"),
            }
        };
        for stale in &update.stale_node_index_batch {
            self.nodes.remove(&stale.node_key);
        }
        for (key, node) in update.node_batch.nodes() {
            self.nodes.insert(key.clone(), node.clone());
        }
        self.version = version;
    }
}

impl StateReader for State {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        self.entries.get(key).cloned()
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
            .verify(RootHash(root.0), KeyHash(key.hash().0), value)
            .map_err(|error| ProofError { root: *root, reason: error.to_string() })
    }
}

/// The state's nodes as the tree's reader; a proof also needs the one value it is about.
struct Tree<'a> {
    state: &'a State,
    probe: Option<(KeyHash, Arc<[u8]>)>,
}

type Read<T> = anyhow::Result<Option<T>>;

impl TreeReader for Tree<'_> {
    fn get_node_option(&self, key: &NodeKey) -> Read<Node> {
        Ok(self.state.nodes.get(key).cloned())
    }

    fn get_value_option(&self, _: u64, key: KeyHash) -> Read<Vec<u8>> {
        Ok(self.probe.as_ref().filter(|(known, _)| *known == key).map(|(_, value)| value.to_vec()))
    }

    fn get_rightmost_leaf(&self) -> Read<(NodeKey, LeafNode)> {
        Ok(None)
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

    proptest! {
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
