//! A compact sparse Merkle tree over hashed keys, persistent: versions share every subtree that did
//! not change. A subtree with one leaf is that leaf, so the tree's shape, and with it the root,
//! depends on the entries alone.
//!
//! | node | hash |
//! |---|---|
//! | nothing | 32 zero bytes |
//! | leaf | `state-leaf` over key hash and value hash |
//! | inner | `state-node` over the left and the right hash |
//!
//! A key's bits, from the first byte's highest on, choose left (0) or right (1).
//!
//! In memory a subtree of few entries is one page, which holds the entries themselves: a read or a
//! write goes through few places far apart, and what is copied for a new version is small.

use std::{hint::black_box, sync::Arc};

use fairway_types::{
    Hash, StateKey, Write,
    hash::{Domain, hash, hash_pair},
};
use serde::{Deserialize, Serialize};

/// Bits of a key hash: the longest path.
pub(crate) const DEPTH: usize = 256;
/// Entries of the largest page.
const PAGE: usize = 8;
/// Entries of a tree that may not be in the processor's cache.
const FETCHED: usize = 10_000;
/// Changes whose paths are fetched together.
const GROUP: usize = 32;

/// What a leaf commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leaf {
    pub(crate) key: Hash,
    pub(crate) value: Hash,
}

/// An entry under its key's hash, and the hash of its leaf.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) key: Hash,
    hash: Hash,
    entry: Arc<(StateKey, Arc<[u8]>)>,
}

/// One version. What is large in it is shared with others.
#[derive(Debug, Clone, Default)]
pub(crate) enum Tree {
    #[default]
    Empty,
    /// A subtree of at most [`PAGE`] entries, ordered by the keys' hashes.
    Page { slots: Arc<[Slot]>, hash: Hash },
    /// A subtree of more.
    Inner { sides: Arc<[Tree; 2]>, hash: Hash, count: usize },
}

/// A subtree, be it a tree of its own or in a page.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'a> {
    Tree(&'a Tree),
    Slots(&'a [Slot]),
}

/// What stands at the top of a subtree.
pub(crate) enum Node<'a> {
    Empty,
    Leaf(&'a Slot),
    Inner(View<'a>, View<'a>),
}

/// A write by its key's hash; `None` deletes.
pub(crate) type TreeWrite = (Hash, Option<Hash>);

/// What comes under a key's hash in a tree with entries; `None` deletes.
#[derive(Debug)]
pub(crate) struct Change {
    key: Hash,
    slot: Option<Slot>,
}

/// The hash of a value under a leaf.
pub(crate) fn value_hash(value: &[u8]) -> Hash {
    hash(Domain::StateValue, value)
}

impl Leaf {
    pub(crate) fn hash(&self) -> Hash {
        hash_pair(Domain::StateLeaf, &self.key, &self.value)
    }
}

impl Slot {
    pub(crate) fn new(key: StateKey, value: Arc<[u8]>) -> Self {
        Self::hashed(key.hash(), key, value)
    }

    fn hashed(hash: Hash, key: StateKey, value: Arc<[u8]>) -> Self {
        let leaf = Leaf { key: hash, value: value_hash(&value) };
        Self { key: hash, hash: leaf.hash(), entry: Arc::new((key, value)) }
    }

    pub(crate) fn entry(&self) -> (&StateKey, &Arc<[u8]>) {
        (&self.entry.0, &self.entry.1)
    }

    pub(crate) fn leaf(&self) -> Leaf {
        Leaf { key: self.key, value: value_hash(&self.entry.1) }
    }
}

pub(crate) fn join(left: Hash, right: Hash) -> Hash {
    hash_pair(Domain::StateNode, &left, &right)
}

pub(crate) fn bit(key: &Hash, depth: usize) -> bool {
    key.0[depth / 8] >> (7 - depth % 8) & 1 == 1
}

/// The last write of each key, by the order of the keys' hashes.
fn in_order(writes: &[Write]) -> Vec<(Hash, usize)> {
    let mut order: Vec<(Hash, usize)> =
        writes.iter().enumerate().map(|(place, write)| (write.key.hash(), place)).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    order.dedup_by_key(|(key, _)| *key);
    order
}

/// Writes by their hashes alone: sorted by the keys' hashes, of one key the last.
pub(crate) fn hashed(writes: &[Write]) -> Vec<TreeWrite> {
    let value = |place: usize| writes[place].value.as_deref().map(value_hash);
    in_order(writes).into_iter().map(|(key, place)| (key, value(place))).collect()
}

/// Writes as the tree takes them: sorted by the keys' hashes, of one key the last.
pub(crate) fn changes(writes: &[Write]) -> Vec<Change> {
    let change = |(key, place): (Hash, usize)| {
        let write = &writes[place];
        let value = write.value.as_deref().map(Arc::from);
        Change { key, slot: value.map(|value| Slot::hashed(key, write.key.clone(), value)) }
    };
    in_order(writes).into_iter().map(change).collect()
}

impl Tree {
    pub(crate) fn root(&self) -> Hash {
        self.stub().hash()
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Page { slots, .. } => slots.len(),
            Self::Inner { count, .. } => *count,
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::Tree(self)
    }

    /// What stands under a key's hash.
    pub(crate) fn find(&self, key: &Hash) -> Option<&Slot> {
        let mut at = self;
        for depth in 0..DEPTH {
            match at {
                Self::Inner { sides, .. } => at = &sides[usize::from(bit(key, depth))],
                Self::Page { slots, .. } => return slots.iter().find(|slot| slot.key == *key),
                Self::Empty => return None,
            }
        }
        None
    }

    /// All slots, in order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        let mut ahead = vec![self];
        let pages = std::iter::from_fn(move || {
            loop {
                match ahead.pop()? {
                    Self::Empty => {}
                    Self::Page { slots, .. } => return Some(slots.iter()),
                    Self::Inner { sides, .. } => ahead.extend([&sides[1], &sides[0]]),
                }
            }
        });
        pages.flatten()
    }

    /// The tree after `changes`, which are sorted by key, each key once.
    pub(crate) fn with_changes(&self, changes: &[Change]) -> Self {
        self.fetch(changes);
        self.updated(changes, 0)
    }

    /// Loads what an update of a large tree reads, level by level for many changes at once: their
    /// waits for memory then overlap, where one after the other they would add up.
    fn fetch(&self, changes: &[Change]) {
        if self.len() < FETCHED {
            return;
        }
        for group in changes.chunks(GROUP) {
            let mut walks: Vec<(&Self, &Hash)> = group.iter().map(|c| (self, &c.key)).collect();
            for depth in 0..DEPTH {
                walks.retain_mut(|(at, key)| Self::step(at, key, depth));
                if walks.is_empty() {
                    break;
                }
            }
        }
    }

    /// Goes one level down, and looks at the counters that a copy changes; `false` at the end.
    fn step(at: &mut &Self, key: &Hash, depth: usize) -> bool {
        match at {
            Self::Empty => false,
            Self::Page { slots, .. } => {
                let counters = slots.iter().map(|slot| Arc::strong_count(&slot.entry));
                black_box(counters.fold(0, usize::wrapping_add));
                false
            }
            Self::Inner { sides, .. } => {
                let right = bit(key, depth);
                black_box(sides[usize::from(!right)].counter());
                *at = &sides[usize::from(right)];
                true
            }
        }
    }

    fn counter(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Page { slots, .. } => Arc::strong_count(slots),
            Self::Inner { sides, .. } => Arc::strong_count(sides),
        }
    }

    fn updated(&self, changes: &[Change], depth: usize) -> Self {
        if changes.is_empty() {
            return self.clone();
        }
        match self {
            Self::Empty => Self::of_slots(merged(&[], changes), depth),
            Self::Page { slots, .. } => Self::of_slots(merged(slots, changes), depth),
            Self::Inner { sides, .. } => {
                let right = changes.partition_point(|change| !bit(&change.key, depth));
                let (to_left, to_right) = changes.split_at(right);
                let left = sides[0].updated(to_left, depth + 1);
                Self::combine(left, sides[1].updated(to_right, depth + 1), depth)
            }
        }
    }

    /// A tree of these slots, which are sorted by key, each key once, and agree in the first `depth`
    /// bits.
    pub(crate) fn of_slots(mut slots: Vec<Slot>, depth: usize) -> Self {
        if slots.is_empty() {
            return Self::Empty;
        }
        if slots.len() <= PAGE {
            let hash = View::Slots(&slots).stub(depth).hash();
            return Self::Page { slots: slots.into(), hash };
        }
        let right = slots.split_off(halves(&slots, depth).0.len());
        Self::inner(Self::of_slots(slots, depth + 1), Self::of_slots(right, depth + 1))
    }

    /// The tree over two subtrees that part at `depth`.
    pub(crate) fn combine(left: Self, right: Self, depth: usize) -> Self {
        if left.len() + right.len() > PAGE {
            return Self::inner(left, right);
        }
        Self::of_slots(left.slots().chain(right.slots()).cloned().collect(), depth)
    }

    fn inner(left: Self, right: Self) -> Self {
        let (hash, count) = (join(left.root(), right.root()), left.len() + right.len());
        Self::Inner { sides: Arc::new([left, right]), hash, count }
    }

    /// The subtree of the keys that begin with the first `depth` bits of `key`.
    pub(crate) fn below(&self, key: &Hash, depth: usize) -> Self {
        let mut at = self;
        for level in 0..depth {
            match at {
                Self::Inner { sides, .. } => at = &sides[usize::from(bit(key, level))],
                Self::Page { slots, .. } => {
                    let here = |slot: &&Slot| {
                        (level..depth).all(|level| bit(&slot.key, level) == bit(key, level))
                    };
                    let slots: Vec<Slot> = slots.iter().filter(here).cloned().collect();
                    return Self::of_slots(slots, depth);
                }
                Self::Empty => return Self::Empty,
            }
        }
        at.clone()
    }

    /// What a parent knows of the tree.
    pub(crate) fn stub(&self) -> Stub {
        match self {
            Self::Empty => Stub::Empty,
            Self::Page { slots, hash } if slots.len() == 1 => Stub::Leaf(*hash),
            Self::Page { hash, .. } | Self::Inner { hash, .. } => Stub::Inner(*hash),
        }
    }

    pub(crate) fn prove(&self, key: &Hash) -> Proof {
        let mut siblings = Vec::new();
        let mut at = self.view();
        loop {
            let depth = siblings.len();
            match at.node(depth) {
                Node::Empty => return Proof { siblings, end: None },
                Node::Leaf(slot) => return Proof { siblings, end: Some(slot.leaf()) },
                Node::Inner(left, right) => {
                    let (next, other) = if bit(key, depth) { (right, left) } else { (left, right) };
                    siblings.push(other.stub(depth + 1).hash());
                    at = next;
                }
            }
        }
    }
}

impl<'a> View<'a> {
    /// What stands at the top, `depth` levels below the root.
    pub(crate) fn node(self, depth: usize) -> Node<'a> {
        match self {
            Self::Tree(Tree::Empty) | Self::Slots([]) => Node::Empty,
            Self::Tree(Tree::Inner { sides, .. }) => {
                Node::Inner(Self::Tree(&sides[0]), Self::Tree(&sides[1]))
            }
            Self::Tree(Tree::Page { slots, .. }) => Self::Slots(slots).node(depth),
            Self::Slots([slot]) => Node::Leaf(slot),
            Self::Slots(slots) => {
                let (left, right) = halves(slots, depth);
                Node::Inner(Self::Slots(left), Self::Slots(right))
            }
        }
    }

    pub(crate) fn stub(self, depth: usize) -> Stub {
        match self {
            Self::Tree(tree) => tree.stub(),
            Self::Slots([]) => Stub::Empty,
            Self::Slots([slot]) => Stub::Leaf(slot.hash),
            Self::Slots(slots) => {
                let (left, right) = halves(slots, depth);
                Stub::join(Self::Slots(left).stub(depth + 1), Self::Slots(right).stub(depth + 1))
            }
        }
    }
}

fn halves(slots: &[Slot], depth: usize) -> (&[Slot], &[Slot]) {
    slots.split_at(slots.partition_point(|slot| !bit(&slot.key, depth)))
}

/// The slots after the changes. Both are sorted by key.
fn merged(slots: &[Slot], changes: &[Change]) -> Vec<Slot> {
    let mut all = Vec::with_capacity(slots.len() + changes.len());
    let mut rest = slots;
    for change in changes {
        let (before, from) = rest.split_at(rest.partition_point(|slot| slot.key < change.key));
        all.extend_from_slice(before);
        all.extend(change.slot.clone());
        rest = match from {
            [first, after @ ..] if first.key == change.key => after,
            _ => from,
        };
    }
    all.extend_from_slice(rest);
    all
}

/// A subtree by its kind and hash alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stub {
    Empty,
    /// A single entry.
    Leaf(Hash),
    Inner(Hash),
}

impl Stub {
    /// The stub over two.
    pub(crate) fn join(left: Self, right: Self) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty | Self::Leaf(_)) => right,
            (Self::Leaf(_), Self::Empty) => left,
            (Self::Empty | Self::Leaf(_) | Self::Inner(_), _) => {
                Self::Inner(join(left.hash(), right.hash()))
            }
        }
    }

    pub(crate) fn hash(self) -> Hash {
        match self {
            Self::Empty => Hash::ZERO,
            Self::Leaf(hash) | Self::Inner(hash) => hash,
        }
    }
}

pub(crate) fn split(writes: &[TreeWrite], depth: usize) -> (&[TreeWrite], &[TreeWrite]) {
    writes.split_at(writes.partition_point(|(key, _)| !bit(key, depth)))
}

/// The hashes beside the path to a key, from the root down, and where the path ends: at the key's
/// leaf, at another leaf in its place, or at nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    siblings: Vec<Hash>,
    end: Option<Leaf>,
}

impl Proof {
    pub(crate) fn new(siblings: Vec<Hash>, end: Option<Leaf>) -> Self {
        Self { siblings, end }
    }

    /// The hashes beside the path, from the root down, and key and value of the leaf at its end.
    pub(crate) fn path(&self) -> (Vec<Hash>, Option<(Hash, Hash)>) {
        (self.siblings.clone(), self.end.map(|leaf| (leaf.key, leaf.value)))
    }

    /// Whether `root` commits to `value` under `key`, or to nothing for `None`; why not otherwise.
    pub(crate) fn check(
        &self,
        root: &Hash,
        key: &Hash,
        value: Option<Hash>,
    ) -> Result<(), &'static str> {
        if self.siblings.len() >= DEPTH {
            return Err("the path is longer than a key");
        }
        match (self.end, value) {
            (Some(leaf), Some(value)) if leaf.key == *key && leaf.value == value => {}
            (None, None) => {}
            (Some(leaf), None) if leaf.key != *key && self.lies_on_path(&leaf, key) => {}
            (Some(_) | None, Some(_) | None) => return Err("it ends at something else"),
        }
        let end = self.end.map_or(Hash::ZERO, |leaf| leaf.hash());
        let top = self.siblings.iter().enumerate().rev().fold(end, |below, (depth, sibling)| {
            if bit(key, depth) { join(*sibling, below) } else { join(below, *sibling) }
        });
        if top == *root { Ok(()) } else { Err("it leads to another root") }
    }

    fn lies_on_path(&self, leaf: &Leaf, key: &Hash) -> bool {
        (0..self.siblings.len()).all(|depth| bit(&leaf.key, depth) == bit(key, depth))
    }
}
