//! A state of which only some entries are known, each proven under its root. It answers for those,
//! says of every other one that it does not know, and gives the root after writes to what is known.
//! So whoever never saw a state can execute a block on it.
//!
//! What a tree's nodes say is checked by the one hash at the top: a leaf, an inner node and nothing
//! hash differently, so a witness with the right root shows the true tree, as far as it shows it.

use std::{collections::BTreeMap, sync::Arc};

use fairway_types::{
    Hash, StateKey, StateReader, Write,
    witness::{Witness, WitnessNode},
};

use super::{
    State,
    tree::{DEPTH, Leaf, Node as TreeNode, TreeWrite, View, bit, hashed, join, split, value_hash},
};

/// Why a witness shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    #[error("its tree has root {actual}, not {expected}")]
    OtherRoot { expected: Hash, actual: Hash },
    #[error("its tree is not one: {reason}")]
    NoTree { reason: &'static str },
    #[error("entry {key:?} is not in its tree as it says")]
    NotProven { key: StateKey },
    #[error("its entries are not sorted by key, each once")]
    NotSorted,
}

/// The witness does not show what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the witness does not show everything that the block wrote")]
pub struct Unknown;

/// Some entries of a state, and what its tree needs to follow them.
#[derive(Debug, Clone)]
pub struct PartialState {
    entries: BTreeMap<StateKey, Option<Arc<[u8]>>>,
    tree: Node,
}

#[derive(Debug, Clone)]
enum Node {
    Empty,
    Leaf(Leaf),
    Inner(Box<Self>, Box<Self>),
    Untouched(Hash),
}

impl State {
    /// What proves the entries under `keys`, present or not, and lets the root follow writes to
    /// them. `keys` are sorted, each once.
    #[must_use]
    pub fn witness(&self, keys: impl IntoIterator<Item = StateKey>, writes: &[Write]) -> Witness {
        let entries: Vec<(StateKey, Option<Vec<u8>>)> = keys
            .into_iter()
            .map(|key| {
                let value = self.read(&key).map(|value| value.to_vec());
                (key, value)
            })
            .collect();
        let mut paths: Vec<Hash> = entries.iter().map(|(key, _)| key.hash()).collect();
        paths.sort_unstable();
        let deletes = writes.iter().filter(|write| write.value.is_none());
        let mut deleted: Vec<Hash> = deletes.map(|write| write.key.hash()).collect();
        deleted.sort_unstable();
        let mut nodes = Vec::new();
        show(self.tree.view(), &paths, &deleted, 0, &mut nodes);
        Witness { entries, nodes }
    }
}

/// Appends the nodes that lead to `paths`. Where an entry is deleted below a node, what stands beside
/// it may move up: whether it does shows its kind, which its hash alone does not.
fn show(
    tree: View<'_>,
    paths: &[Hash],
    deleted: &[Hash],
    depth: usize,
    nodes: &mut Vec<WitnessNode>,
) {
    match tree.node(depth) {
        TreeNode::Empty => nodes.push(WitnessNode::Empty),
        TreeNode::Leaf(slot) => nodes.push(shown(slot.leaf())),
        TreeNode::Inner(left, right) => {
            nodes.push(WitnessNode::Inner);
            let at = paths.partition_point(|key| !bit(key, depth));
            let cut = deleted.partition_point(|key| !bit(key, depth));
            let sides = [
                (left, &paths[..at], &deleted[..cut], cut < deleted.len()),
                (right, &paths[at..], &deleted[cut..], cut > 0),
            ];
            for (side, paths, deleted, kind_matters) in sides {
                if !paths.is_empty() || !deleted.is_empty() {
                    show(side, paths, deleted, depth + 1, nodes);
                } else if kind_matters {
                    show_kind(side, depth + 1, nodes);
                } else {
                    nodes.push(stub(side, depth + 1));
                }
            }
        }
    }
}

/// A node of a tree, and no more below it than what makes its hash.
fn show_kind(tree: View<'_>, depth: usize, nodes: &mut Vec<WitnessNode>) {
    match tree.node(depth) {
        TreeNode::Inner(left, right) => {
            nodes.extend([WitnessNode::Inner, stub(left, depth + 1), stub(right, depth + 1)]);
        }
        TreeNode::Empty | TreeNode::Leaf(_) => nodes.push(stub(tree, depth)),
    }
}

/// A leaf takes little more than its hash, and nothing takes less.
fn stub(tree: View<'_>, depth: usize) -> WitnessNode {
    match tree.node(depth) {
        TreeNode::Empty => WitnessNode::Empty,
        TreeNode::Leaf(slot) => shown(slot.leaf()),
        TreeNode::Inner(..) => WitnessNode::Untouched(tree.stub(depth).hash()),
    }
}

fn shown(leaf: Leaf) -> WitnessNode {
    WitnessNode::Leaf { key: leaf.key, value: leaf.value }
}

impl PartialState {
    /// What `witness` shows of the state with this root.
    pub fn new(root: &Hash, witness: &Witness) -> Result<Self, WitnessError> {
        let mut nodes = witness.nodes.iter();
        let tree = Node::read(&mut nodes, 0)?;
        if nodes.next().is_some() {
            return Err(WitnessError::NoTree { reason: "more follows after its end" });
        }
        let actual = tree.hash();
        if actual != *root {
            return Err(WitnessError::OtherRoot { expected: *root, actual });
        }
        if !witness.entries.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(WitnessError::NotSorted);
        }
        for (key, value) in &witness.entries {
            if tree.find(&key.hash()) != Ok(value.as_deref().map(value_hash)) {
                return Err(WitnessError::NotProven { key: key.clone() });
            }
        }
        let entries = witness.entries.iter();
        let entries = entries.map(|(key, value)| (key.clone(), value.as_deref().map(Arc::from)));
        Ok(Self { entries: entries.collect(), tree })
    }

    /// What the state holds under `key`.
    pub fn entry(&self, key: &StateKey) -> Result<Option<Arc<[u8]>>, Unknown> {
        self.entries.get(key).cloned().ok_or(Unknown)
    }

    /// The known keys from `first` on under which there is something, sorted. There may be others.
    pub fn present_from(&self, first: &StateKey) -> impl Iterator<Item = &StateKey> {
        let known = self.entries.range(first..);
        known.filter(|(_, value)| value.is_some()).map(|(key, _)| key)
    }

    /// The root after `writes`, of which a later one of the same key wins.
    pub fn root_after(&self, writes: &[Write]) -> Result<Hash, Unknown> {
        self.tree.update(&hashed(writes), 0).map(|tree| tree.hash())
    }
}

impl Node {
    fn read(
        nodes: &mut std::slice::Iter<'_, WitnessNode>,
        depth: usize,
    ) -> Result<Self, WitnessError> {
        match nodes.next() {
            None => Err(WitnessError::NoTree { reason: "it ends too early" }),
            Some(WitnessNode::Empty) => Ok(Self::Empty),
            Some(WitnessNode::Untouched(hash)) => Ok(Self::Untouched(*hash)),
            Some(WitnessNode::Leaf { key, value }) => {
                Ok(Self::Leaf(Leaf { key: *key, value: *value }))
            }
            Some(WitnessNode::Inner) if depth == DEPTH => {
                Err(WitnessError::NoTree { reason: "it is deeper than a key is long" })
            }
            Some(WitnessNode::Inner) => {
                let left = Self::read(nodes, depth + 1)?;
                Ok(Self::Inner(Box::new(left), Box::new(Self::read(nodes, depth + 1)?)))
            }
        }
    }

    fn hash(&self) -> Hash {
        match self {
            Self::Empty => Hash::ZERO,
            Self::Leaf(leaf) => leaf.hash(),
            Self::Inner(left, right) => join(left.hash(), right.hash()),
            Self::Untouched(hash) => *hash,
        }
    }

    /// The hash of the value under a key's hash; none for no value.
    fn find(&self, key: &Hash) -> Result<Option<Hash>, Unknown> {
        let mut at = self;
        for depth in 0..=DEPTH {
            match at {
                Self::Empty => return Ok(None),
                Self::Leaf(leaf) => return Ok((leaf.key == *key).then_some(leaf.value)),
                Self::Inner(left, right) if depth < DEPTH => {
                    at = if bit(key, depth) { right } else { left };
                }
                Self::Inner(..) | Self::Untouched(_) => return Err(Unknown),
            }
        }
        Err(Unknown)
    }

    fn update(&self, writes: &[TreeWrite], depth: usize) -> Result<Self, Unknown> {
        if writes.is_empty() {
            return Ok(self.clone());
        }
        match self {
            Self::Empty => Self::build(writes, depth),
            Self::Leaf(leaf) => match writes.binary_search_by_key(&leaf.key, |write| write.0) {
                Ok(_) => Self::build(writes, depth),
                Err(place) => {
                    let mut all = writes.to_vec();
                    all.insert(place, (leaf.key, Some(leaf.value)));
                    Self::build(&all, depth)
                }
            },
            Self::Inner(left, right) => {
                let (to_left, to_right) = split(writes, depth);
                let left = left.update(to_left, depth + 1)?;
                Self::combine(left, right.update(to_right, depth + 1)?)
            }
            Self::Untouched(_) => Err(Unknown),
        }
    }

    /// As the state's tree does: a leaf alone moves up.
    fn combine(left: Self, right: Self) -> Result<Self, Unknown> {
        match (&left, &right) {
            (Self::Empty, Self::Untouched(_)) | (Self::Untouched(_), Self::Empty) => Err(Unknown),
            (Self::Empty, Self::Empty | Self::Leaf(_)) => Ok(right),
            (Self::Leaf(_), Self::Empty) => Ok(left),
            (Self::Empty | Self::Leaf(_) | Self::Inner(..) | Self::Untouched(_), _) => {
                Ok(Self::Inner(Box::new(left), Box::new(right)))
            }
        }
    }

    /// A tree of these writes alone.
    fn build(writes: &[TreeWrite], depth: usize) -> Result<Self, Unknown> {
        let mut puts = writes.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let Some((key, value)) = puts.next() else { return Ok(Self::Empty) };
        if puts.next().is_none() {
            return Ok(Self::Leaf(Leaf { key, value }));
        }
        let (left, right) = split(writes, depth);
        Self::combine(Self::build(left, depth + 1)?, Self::build(right, depth + 1)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fairway_types::Address;
    use proptest::prelude::*;

    use super::*;

    fn key(n: u8) -> StateKey {
        StateKey::Sequence(Address::from_low(n))
    }

    fn write(n: u8, value: Option<u8>) -> Write {
        Write { key: key(n), value: value.map(|value| vec![value]) }
    }

    fn state(numbers: impl IntoIterator<Item = u8>) -> State {
        let writes: Vec<Write> = numbers.into_iter().map(|n| write(n, Some(n))).collect();
        State::default().with_writes(&writes)
    }

    fn keys(numbers: impl IntoIterator<Item = u8>) -> BTreeSet<StateKey> {
        numbers.into_iter().map(key).collect()
    }

    #[test]
    fn known_entries_are_answered_and_others_refused() {
        let state = state(0..20);
        let witness = state.witness(keys([3, 4, 99]), &[]);
        let known = PartialState::new(&state.root(), &witness).unwrap();
        assert_eq!(known.entry(&key(3)), Ok(state.read(&key(3))));
        assert_eq!(known.entry(&key(99)), Ok(None));
        assert_eq!(known.entry(&key(5)), Err(Unknown));
        let present: Vec<_> = known.present_from(&key(0)).cloned().collect();
        assert_eq!(present, [key(3), key(4)]);
    }

    #[test]
    fn witness_of_another_root_shows_nothing() {
        let witness = state(0..20).witness(keys([3]), &[]);
        let error = PartialState::new(&state(0..21).root(), &witness).unwrap_err();
        assert!(matches!(error, WitnessError::OtherRoot { .. }), "{error}");
    }

    #[test]
    fn entry_that_the_tree_does_not_hold_is_refused() {
        let state = state(0..20);
        let refused = |change: fn(&mut Witness)| {
            let mut witness = state.witness(keys([3, 99]), &[]);
            change(&mut witness);
            PartialState::new(&state.root(), &witness).unwrap_err()
        };
        let not_proven = [
            refused(|witness| witness.entries[0].1 = Some(vec![9])),
            refused(|witness| witness.entries[0].1 = None),
            refused(|witness| witness.entries[1].1 = Some(vec![9])),
            refused(|witness| witness.entries[1] = (key(200), Some(vec![1]))),
        ];
        for error in not_proven {
            assert!(matches!(error, WitnessError::NotProven { .. }), "{error}");
        }
        assert_eq!(refused(|witness| witness.entries.swap(0, 1)), WitnessError::NotSorted);
        assert_eq!(refused(|w| w.entries.push(w.entries[1].clone())), WitnessError::NotSorted);
    }

    #[test]
    fn tree_that_is_cut_or_goes_on_is_refused() {
        let state = state(0..20);
        let witness = state.witness(keys([3]), &[]);
        for length in 0..witness.nodes.len() {
            let mut cut = witness.clone();
            cut.nodes.truncate(length);
            let error = PartialState::new(&state.root(), &cut).unwrap_err();
            assert!(matches!(error, WitnessError::NoTree { .. }), "{error}");
        }
        let mut longer = witness.clone();
        longer.nodes.push(WitnessNode::Empty);
        assert!(PartialState::new(&state.root(), &longer).is_err());
        let bottomless = Witness { entries: Vec::new(), nodes: vec![WitnessNode::Inner; 70_000] };
        assert!(PartialState::new(&state.root(), &bottomless).is_err());
    }

    /// A leaf that stands where an inner node is claimed would move up.
    #[test]
    fn deletion_beside_what_is_not_shown_is_unknown() {
        let state = state(0..20);
        let without = (0..20).find_map(|n| {
            let witness = state.witness(keys([n]), &[]);
            let known = PartialState::new(&state.root(), &witness).unwrap();
            known.root_after(&[write(n, None)]).err()
        });
        assert_eq!(without, Some(Unknown));
        for n in 0..20 {
            let gone = [write(n, None)];
            let witness = state.witness(keys([n]), &gone);
            let known = PartialState::new(&state.root(), &witness).unwrap();
            assert_eq!(known.root_after(&gone), Ok(state.with_writes(&gone).root()));
        }
    }

    #[test]
    fn write_to_what_is_not_known_is_unknown() {
        let state = state(0..40);
        let witness = state.witness(keys([3]), &[]);
        let known = PartialState::new(&state.root(), &witness).unwrap();
        let unknown = (0..40).filter(|n| known.root_after(&[write(*n, Some(1))]).is_err()).count();
        assert!(unknown > 30, "{unknown}");
    }

    proptest! {
        #[test]
        fn root_follows_writes_as_the_whole_state_does(
            numbers in proptest::collection::btree_set(any::<u8>(), 0..60),
            writes in proptest::collection::vec((any::<u8>(), proptest::option::of(any::<u8>())), 0..24),
            read in proptest::collection::btree_set(any::<u8>(), 0..12),
            near in proptest::collection::vec(any::<proptest::sample::Index>(), 0..24),
        ) {
            let state = state(numbers.clone());
            let present: Vec<u8> = numbers.into_iter().collect();
            let mut writes: Vec<Write> = writes.iter().map(|(n, value)| write(*n, *value)).collect();
            if !present.is_empty() {
                writes.extend(near.iter().map(|index| write(*index.get(&present), None)));
            }
            let mut touched = keys(read);
            touched.extend(writes.iter().map(|write| write.key.clone()));
            let witness = state.witness(touched.clone(), &writes);
            let known = PartialState::new(&state.root(), &witness).unwrap();
            for key in &touched {
                prop_assert_eq!(known.entry(key), Ok(state.read(key)));
            }
            prop_assert_eq!(known.root_after(&writes), Ok(state.with_writes(&writes).root()));
        }

        #[test]
        fn altered_witness_shows_nothing_untrue(
            numbers in proptest::collection::btree_set(any::<u8>(), 1..40),
            place in any::<proptest::sample::Index>(),
            other in any::<[u8; 32]>(),
            kind in 0..4,
        ) {
            let state = state(numbers.clone());
            let mut witness = state.witness(keys(numbers.iter().copied().take(3)), &[]);
            let place = place.index(witness.nodes.len());
            witness.nodes[place] = match kind {
                0 => WitnessNode::Empty,
                1 => WitnessNode::Leaf { key: Hash(other), value: Hash(other) },
                2 => WitnessNode::Untouched(Hash(other)),
                _ => WitnessNode::Inner,
            };
            if let Ok(known) = PartialState::new(&state.root(), &witness) {
                for n in 0..=255 {
                    if let Ok(entry) = known.entry(&key(n)) {
                        prop_assert_eq!(entry, state.read(&key(n)));
                    }
                }
            }
        }
    }
}
