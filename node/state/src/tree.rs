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

use std::sync::Arc;

use fairway_types::{
    Hash, Write,
    hash::{Domain, hash, hash_list},
};
use serde::{Deserialize, Serialize};

/// Bits of a key hash: the longest path.
pub(crate) const DEPTH: usize = 256;

/// What a leaf commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leaf {
    pub(crate) key: Hash,
    pub(crate) value: Hash,
}

#[derive(Debug)]
pub(crate) enum Node {
    Leaf(Leaf, Hash),
    Inner { left: Tree, right: Tree, hash: Hash },
}

/// One version. Cloning is a pointer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree(Option<Arc<Node>>);

/// A write by its key's hash; `None` deletes.
pub(crate) type TreeWrite = (Hash, Option<Hash>);

/// The hash of a value under a leaf.
pub(crate) fn value_hash(value: &[u8]) -> Hash {
    hash(Domain::StateValue, value)
}

impl Leaf {
    pub(crate) fn hash(&self) -> Hash {
        hash_list(Domain::StateLeaf, [self.key, self.value])
    }
}

pub(crate) fn join(left: Hash, right: Hash) -> Hash {
    hash_list(Domain::StateNode, [left, right])
}

pub(crate) fn bit(key: &Hash, depth: usize) -> bool {
    key.0[depth / 8] >> (7 - depth % 8) & 1 == 1
}

/// Writes as the tree takes them: sorted by the keys' hashes, of one key the last.
pub(crate) fn hashed(writes: &[Write]) -> Vec<TreeWrite> {
    let mut hashed: Vec<TreeWrite> = writes
        .iter()
        .map(|write| (write.key.hash(), write.value.as_deref().map(value_hash)))
        .collect();
    // Stable, so that of two writes of one key the later stays last.
    hashed.sort_by_key(|(key, _)| *key);
    hashed.reverse();
    hashed.dedup_by_key(|(key, _)| *key);
    hashed.reverse();
    hashed
}

impl Tree {
    pub(crate) fn node(&self) -> Option<&Node> {
        self.0.as_deref()
    }

    pub(crate) fn root(&self) -> Hash {
        match self.0.as_deref() {
            None => Hash::ZERO,
            Some(Node::Leaf(_, hash) | Node::Inner { hash, .. }) => *hash,
        }
    }

    /// The tree after `writes`, which are sorted by key, each key once.
    pub(crate) fn with_writes(&self, writes: &[TreeWrite]) -> Self {
        self.update(writes, 0)
    }

    fn update(&self, writes: &[TreeWrite], depth: usize) -> Self {
        if writes.is_empty() {
            return self.clone();
        }
        match self.0.as_deref() {
            None => Self::build(writes, depth),
            Some(Node::Leaf(leaf, _)) => match writes.binary_search_by_key(&leaf.key, |w| w.0) {
                Ok(_) => Self::build(writes, depth),
                Err(place) => {
                    let mut all = writes.to_vec();
                    all.insert(place, (leaf.key, Some(leaf.value)));
                    Self::build(&all, depth)
                }
            },
            Some(Node::Inner { left, right, .. }) => {
                let (to_left, to_right) = split(writes, depth);
                Self::combine(left.update(to_left, depth + 1), right.update(to_right, depth + 1))
            }
        }
    }

    /// A tree of these writes alone.
    fn build(writes: &[TreeWrite], depth: usize) -> Self {
        let mut puts = writes.iter().filter_map(|(key, value)| Some((*key, (*value)?)));
        let Some((key, value)) = puts.next() else { return Self(None) };
        if puts.next().is_none() {
            let leaf = Leaf { key, value };
            return Self(Some(Arc::new(Node::Leaf(leaf, leaf.hash()))));
        }
        let (left, right) = split(writes, depth);
        Self::combine(Self::build(left, depth + 1), Self::build(right, depth + 1))
    }

    /// The tree over two subtrees: a leaf alone moves up.
    pub(crate) fn combine(left: Self, right: Self) -> Self {
        match (left.0.as_deref(), right.0.as_deref()) {
            (None, None | Some(Node::Leaf(..))) => right,
            (Some(Node::Leaf(..)), None) => left,
            (None | Some(_), Some(_)) | (Some(_), None) => {
                let hash = join(left.root(), right.root());
                Self(Some(Arc::new(Node::Inner { left, right, hash })))
            }
        }
    }

    /// The subtree of the keys that begin with the first `depth` bits of `key`.
    pub(crate) fn below(&self, key: &Hash, depth: usize) -> Self {
        let mut at = self;
        for level in 0..depth {
            match at.0.as_deref() {
                Some(Node::Inner { left, right, .. }) => {
                    at = if bit(key, level) { right } else { left };
                }
                Some(Node::Leaf(leaf, _)) => {
                    let here = (level..depth).all(|level| bit(&leaf.key, level) == bit(key, level));
                    return if here { at.clone() } else { Self(None) };
                }
                None => return Self(None),
            }
        }
        at.clone()
    }

    /// A tree of these leaves, which are sorted by key, each key once, and agree in the first
    /// `depth` bits.
    pub(crate) fn of_leaves(leaves: &[TreeWrite], depth: usize) -> Self {
        Self::build(leaves, depth)
    }

    /// What a parent knows of the tree.
    pub(crate) fn stub(&self) -> Stub {
        match self.0.as_deref() {
            None => Stub::Empty,
            Some(Node::Leaf(_, hash)) => Stub::Leaf(*hash),
            Some(Node::Inner { hash, .. }) => Stub::Inner(*hash),
        }
    }

    pub(crate) fn prove(&self, key: &Hash) -> Proof {
        let mut siblings = Vec::new();
        let mut at = self;
        loop {
            match at.0.as_deref() {
                None => return Proof { siblings, end: None },
                Some(Node::Leaf(leaf, _)) => return Proof { siblings, end: Some(*leaf) },
                Some(Node::Inner { left, right, .. }) => {
                    let (next, other) =
                        if bit(key, siblings.len()) { (right, left) } else { (left, right) };
                    siblings.push(other.root());
                    at = next;
                }
            }
        }
    }
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
