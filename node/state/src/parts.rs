//! A state in parts, each of which is verified by itself against the state's root. A part is a
//! subtree: small ones with all their entries, large ones as the hashes of the subtrees below. So
//! whoever knows the root can take the parts from anybody, in any order, and notices at once what
//! does not belong. [`Listing`] hands parts out, [`Assembly`] puts them together.

use std::{collections::BTreeMap, fmt, sync::Arc};

use fairway_types::{Hash, StateKey, codec};
use serde::{Deserialize, Serialize};

use super::{
    State,
    tree::{Slot, Tree},
};

pub use super::tree::Stub;

/// Bytes of entries in a part, unless a single entry is larger.
pub const PART_BYTES: usize = 512 << 10;
/// Levels that one split skips at most.
const SPLIT_LEVELS: u8 = 8;
/// Bits of the longest prefix: what shares so many is not split.
const PREFIX_BITS: u8 = 64;
/// What an entry costs beside its value.
const ENTRY_BYTES: usize = 96;
/// Entries in a part.
const PART_ENTRIES: usize = PART_BYTES / ENTRY_BYTES;

/// The first bits of key hashes: names a subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Prefix {
    /// From the highest bit on; zero where the prefix has ended.
    bits: u64,
    depth: u8,
}

/// Entries in the order of the tree.
pub type Entries = Vec<(StateKey, Arc<[u8]>)>;

/// What is below a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// All entries, ordered by the hashes of their keys.
    Entries(#[serde(deserialize_with = "codec::at_most::<_, _, PART_ENTRIES>")] Entries),
    /// All subtrees some levels further down, from left to right: a power of two of them.
    Split(#[serde(deserialize_with = "codec::at_most::<_, _, { 1 << SPLIT_LEVELS }>")] Vec<Stub>),
}

/// Why a part is not what the root commits to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the part at {prefix} is not the root's: {reason}")]
pub struct PartError {
    pub prefix: Prefix,
    pub reason: &'static str,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}/{}", self.bits, self.depth)
    }
}

impl Prefix {
    /// All keys.
    pub const ROOT: Self = Self { bits: 0, depth: 0 };

    /// Whether the prefix is one, and not its twin with bits beyond its end.
    #[must_use]
    pub fn is_sound(self) -> bool {
        self.depth <= PREFIX_BITS && self.bits & !self.mask() == 0
    }

    /// Nine bytes that name it.
    #[must_use]
    pub fn bytes(self) -> [u8; 9] {
        let mut bytes = [self.depth; 9];
        bytes[..8].copy_from_slice(&self.bits.to_be_bytes());
        bytes
    }

    fn mask(self) -> u64 {
        u64::MAX.checked_shl(u32::from(PREFIX_BITS - self.depth.min(PREFIX_BITS))).unwrap_or(0)
    }

    fn contains(self, key: &Hash) -> bool {
        head(key) & self.mask() == self.bits
    }

    fn child(self, right: bool) -> Self {
        let depth = self.depth + 1;
        Self { bits: self.bits | u64::from(right) << (PREFIX_BITS - depth), depth }
    }

    /// The prefix `levels` further down with this number from the left.
    fn descendant(self, levels: u8, number: u64) -> Self {
        let depth = self.depth + levels;
        Self { bits: self.bits | number << (PREFIX_BITS - depth), depth }
    }

    /// A hash that begins with the prefix.
    fn first(self) -> Hash {
        let mut hash = Hash::ZERO;
        hash.0[..8].copy_from_slice(&self.bits.to_be_bytes());
        hash
    }
}

/// The first bits of a hash.
fn head(key: &Hash) -> u64 {
    let mut bits = [0; 8];
    bits.copy_from_slice(&key.0[..8]);
    u64::from_be_bytes(bits)
}

/// The entries of a state in the order of its tree, for handing out parts.
#[derive(Debug)]
pub struct Listing {
    tree: Tree,
    slots: Vec<Slot>,
    /// Bytes of the entries before each.
    bytes: Vec<usize>,
}

impl Listing {
    #[must_use]
    pub fn of(state: &State) -> Self {
        let slots: Vec<Slot> = state.tree.slots().cloned().collect();
        let mut sum = 0;
        let mut bytes = vec![0];
        for (key, value) in slots.iter().map(Slot::entry) {
            sum += size(key, value);
            bytes.push(sum);
        }
        Self { tree: state.tree.clone(), slots, bytes }
    }

    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// What is below `prefix`: its entries if they are few enough, else the next subtrees.
    #[must_use]
    pub fn part(&self, prefix: Prefix) -> Option<Part> {
        if !prefix.is_sound() {
            return None;
        }
        let (first, last) = self.range(prefix);
        let bytes = self.bytes[last] - self.bytes[first];
        let levels = levels(bytes).min(PREFIX_BITS - prefix.depth);
        if levels == 0 || last - first < 2 {
            return Some(Part::Entries(self.entries_in(first, last)));
        }
        let stub = |number| {
            let below = prefix.descendant(levels, number);
            self.tree.below(&below.first(), usize::from(below.depth)).stub()
        };
        Some(Part::Split((0..1 << levels).map(stub).collect()))
    }

    /// What is below `prefix`, if it has this root.
    fn same(&self, prefix: Prefix, root: &Hash) -> Option<Tree> {
        let below = self.tree.below(&prefix.first(), usize::from(prefix.depth));
        (below.root() == *root).then_some(below)
    }

    fn entries_in(&self, first: usize, last: usize) -> Entries {
        self.slots[first..last].iter().map(cloned).collect()
    }

    fn range(&self, prefix: Prefix) -> (usize, usize) {
        let first = self.slots.partition_point(|slot| head(&slot.key) < prefix.bits);
        let rest = &self.slots[first..];
        (first, first + rest.partition_point(|slot| prefix.contains(&slot.key)))
    }
}

fn cloned(slot: &Slot) -> (StateKey, Arc<[u8]>) {
    let (key, value) = slot.entry();
    (key.clone(), Arc::clone(value))
}

fn size(key: &StateKey, value: &[u8]) -> usize {
    let text = match key {
        StateKey::Resource { type_tag, .. } => type_tag.len(),
        StateKey::Module { name, .. } => name.len(),
        StateKey::Sequence(_)
        | StateKey::Member(_)
        | StateKey::Departed(_)
        | StateKey::Locked
        | StateKey::Closed
        | StateKey::Settled
        | StateKey::Package(_)
        | StateKey::Entered
        | StateKey::Ticked
        | StateKey::Registered
        | StateKey::Counted
        | StateKey::Result
        | StateKey::Sessions(_) => 0,
    };
    ENTRY_BYTES + text + value.len()
}

/// Levels to split so many bytes over, so that a subtree fits a part.
fn levels(bytes: usize) -> u8 {
    (0..SPLIT_LEVELS).find(|levels| bytes >> levels <= PART_BYTES).unwrap_or(SPLIT_LEVELS)
}

/// A state on its way: the parts that came, and those that its root says are missing.
#[derive(Debug)]
pub struct Assembly {
    root: Hash,
    missing: BTreeMap<Prefix, Hash>,
    here: BTreeMap<Prefix, Tree>,
    entries: usize,
    bytes: usize,
    /// Where entries may be found that need not be asked for.
    known: Vec<Listing>,
}

impl Assembly {
    /// The state with this root, of which nothing is here.
    #[must_use]
    pub fn new(root: Hash) -> Self {
        Self {
            root,
            missing: BTreeMap::from([(Prefix::ROOT, root)]),
            here: BTreeMap::new(),
            entries: 0,
            bytes: 0,
            known: Vec::new(),
        }
    }

    /// Takes what is equal from `state`, too, instead of asking for it.
    #[must_use]
    pub fn with_known(mut self, state: &State) -> Self {
        if !state.is_empty() {
            self.known.push(Listing::of(state));
        }
        self
    }

    /// What came for another root, for what is equal in this one.
    #[must_use]
    pub fn with_pieces_of(self, other: Self) -> Self {
        let slots = other.here.values().flat_map(Tree::slots);
        let state = State::from_entries(slots.map(cloned));
        let mut next = self.with_known(&state);
        next.known.extend(other.known);
        next
    }

    #[must_use]
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Subtrees to ask for.
    pub fn missing(&self) -> impl Iterator<Item = Prefix> {
        self.missing.keys().copied()
    }

    #[must_use]
    pub fn is_missing(&self, prefix: Prefix) -> bool {
        self.missing.contains_key(&prefix)
    }

    /// Parts that are here, and those known to be missing.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.here.len(), self.missing.len())
    }

    /// Entries that are here, and their bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.entries, self.bytes)
    }

    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Keeps a part that was missing; says why if it is not what the root commits to.
    pub fn insert(&mut self, prefix: Prefix, part: Part) -> Result<(), PartError> {
        let Some(expected) = self.missing.get(&prefix).copied() else { return Ok(()) };
        let refused = |reason| PartError { prefix, reason };
        match part {
            Part::Entries(entries) => {
                let tree = tree_of(prefix, entries).map_err(refused)?;
                if tree.root() != expected {
                    return Err(refused("its entries have another root"));
                }
                self.keep(prefix, tree);
            }
            Part::Split(stubs) => {
                let levels = levels_of(prefix, &stubs).map_err(refused)?;
                match fold(&stubs) {
                    Stub::Inner(hash) if hash == expected => {}
                    Stub::Empty | Stub::Leaf(_) | Stub::Inner(_) => {
                        return Err(refused("its subtrees have another root"));
                    }
                }
                self.missing.remove(&prefix);
                for (number, stub) in (0..).zip(stubs) {
                    self.expect(prefix.descendant(levels, number), stub);
                }
            }
        }
        Ok(())
    }

    fn expect(&mut self, prefix: Prefix, stub: Stub) {
        let root = stub.hash();
        if stub == Stub::Empty {
            return;
        }
        self.missing.insert(prefix, root);
        let known = self.known.iter().find_map(|known| known.same(prefix, &root));
        if let Some(tree) = known {
            self.keep(prefix, tree);
        }
    }

    fn keep(&mut self, prefix: Prefix, tree: Tree) {
        self.missing.remove(&prefix);
        self.entries += tree.len();
        let bytes = |slot: &Slot| size(slot.entry().0, slot.entry().1);
        self.bytes += tree.slots().map(bytes).sum::<usize>();
        self.here.insert(prefix, tree);
    }

    /// The state, once nothing is missing.
    #[must_use]
    pub fn finish(self) -> Option<State> {
        let tree = self.is_complete().then(|| self.tree_at(Prefix::ROOT))?;
        (tree.root() == self.root).then(|| State::of_tree(tree))
    }

    fn tree_at(&self, prefix: Prefix) -> Tree {
        if let Some(tree) = self.here.get(&prefix) {
            return tree.clone();
        }
        let last = Prefix { bits: prefix.bits | !prefix.mask(), depth: PREFIX_BITS };
        let inside = self.here.range(prefix..=last).any(|(below, _)| below.depth > prefix.depth);
        if !inside {
            return Tree::default();
        }
        let (left, right) = (self.tree_at(prefix.child(false)), self.tree_at(prefix.child(true)));
        Tree::combine(left, right, usize::from(prefix.depth))
    }
}

/// The tree over the entries of one part.
fn tree_of(prefix: Prefix, entries: Entries) -> Result<Tree, &'static str> {
    let slots: Vec<Slot> = entries.into_iter().map(|(key, value)| Slot::new(key, value)).collect();
    if !slots.is_sorted_by(|a, b| a.key < b.key) {
        return Err("its entries are not in order");
    }
    if !slots.iter().all(|slot| prefix.contains(&slot.key)) {
        return Err("an entry lies elsewhere");
    }
    Ok(Tree::of_slots(slots, usize::from(prefix.depth)))
}

/// How many levels down a split's subtrees are.
fn levels_of(prefix: Prefix, stubs: &[Stub]) -> Result<u8, &'static str> {
    let levels = (1..=SPLIT_LEVELS).find(|levels| stubs.len() == 1 << levels);
    levels
        .filter(|levels| prefix.depth + levels <= PREFIX_BITS)
        .ok_or("it has a number of subtrees that no split has")
}

fn fold(stubs: &[Stub]) -> Stub {
    match stubs {
        [] => Stub::Empty,
        [one] => *one,
        [_, _, ..] => {
            let (left, right) = stubs.split_at(stubs.len() / 2);
            Stub::join(fold(left), fold(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::{Address, Write};

    use super::*;

    fn key(number: u32) -> StateKey {
        StateKey::resource(Address::from_low(1), format!("0x42::a::T{number}"))
    }

    /// A state of `count` entries of `bytes` each.
    fn state(count: u32, bytes: usize) -> State {
        let value = |number: u32| number.to_be_bytes().repeat(bytes / 4);
        State::from_entries((0..count).map(|number| (key(number), value(number).into())))
    }

    fn last_missing(assembly: &Assembly) -> Option<Prefix> {
        assembly.missing().last()
    }

    /// Parts from one listing, as they would be asked for; how many were taken.
    fn transfer(listing: &Listing, assembly: &mut Assembly) -> usize {
        let mut taken = 0;
        while let Some(prefix) = last_missing(assembly) {
            let part = listing.part(prefix).expect("a sound prefix");
            assembly.insert(prefix, part).expect("the root's part");
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_state_comes_back_from_its_parts() {
        for (count, bytes) in [(0, 0), (1, 8), (1, 2 << 20), (1_000, 40), (300, 16 << 10)] {
            let state = state(count, bytes);
            let mut assembly = Assembly::new(state.root());
            let taken = transfer(&Listing::of(&state), &mut assembly);
            assert!(count < 300 || bytes < 1 << 10 || taken > 8, "{taken} parts");
            let back = assembly.finish().expect("all is here");
            assert_eq!(back.root(), state.root());
            assert!(back.entries().eq(state.entries()));
            let write = [Write { key: key(7), value: Some(vec![1]) }];
            assert_eq!(back.with_writes(&write).root(), state.with_writes(&write).root());
        }
    }

    #[test]
    fn parts_are_small() {
        let state = state(2_000, 4 << 10);
        let listing = Listing::of(&state);
        let mut assembly = Assembly::new(state.root());
        while let Some(prefix) = last_missing(&assembly) {
            let part = listing.part(prefix).expect("a sound prefix");
            if let Part::Entries(entries) = &part {
                let bytes: usize = entries.iter().map(|(key, value)| size(key, value)).sum();
                assert!(bytes <= 2 * PART_BYTES, "{bytes}");
            }
            assembly.insert(prefix, part).expect("the root's part");
        }
        assert!(assembly.is_complete());
    }

    /// Every way to lie about one part of a state in several.
    #[test]
    fn a_part_that_is_not_the_roots_is_refused() {
        let state = state(300, 16 << 10);
        let listing = Listing::of(&state);
        let fresh = || Assembly::new(state.root());
        let Some(Part::Split(stubs)) = listing.part(Prefix::ROOT) else { panic!("one part") };
        let mut swapped = stubs.clone();
        swapped.swap(0, 1);
        let short = stubs[..stubs.len() / 2].to_vec();
        let odd = stubs[..3].to_vec();
        for lie in [swapped, short, odd, Vec::new(), vec![Stub::Inner(state.root())]] {
            assert!(fresh().insert(Prefix::ROOT, Part::Split(lie)).is_err());
        }
        let mut assembly = fresh();
        assembly.insert(Prefix::ROOT, Part::Split(stubs)).expect("the root's");
        let (first, second) = {
            let mut missing = assembly.missing();
            (missing.next().expect("one"), missing.next().expect("two"))
        };
        let Some(Part::Entries(entries)) = listing.part(first) else { panic!("split again") };
        let Some(other) = listing.part(second) else { panic!("no part") };
        let mut changed = entries.clone();
        changed[0].1 = Arc::from([1, 2, 3].as_slice());
        let mut reversed = entries.clone();
        reversed.reverse();
        let doubled = [entries.clone(), entries.clone()].concat();
        let fewer = entries[1..].to_vec();
        for lie in [changed, reversed, doubled, fewer, Vec::new()] {
            assert!(assembly.insert(first, Part::Entries(lie)).is_err());
        }
        assert!(assembly.insert(first, other).is_err(), "it belongs elsewhere");
        assert!(assembly.is_missing(first), "a lie takes nothing away");
        assembly.insert(first, Part::Entries(entries)).expect("the root's");
    }

    #[test]
    fn an_unsound_prefix_is_answered_by_nothing() {
        let listing = Listing::of(&state(300, 16 << 10));
        for (bits, depth) in [(1, 0), (1 << 62, 1), (0, 65), (u64::MAX, 255)] {
            assert_eq!(listing.part(Prefix { bits, depth }), None);
        }
    }

    #[test]
    fn what_is_equal_in_an_older_state_is_not_asked_for() {
        let old = state(300, 16 << 10);
        let new = old.with_writes(&[Write { key: key(5), value: Some(vec![9]) }]);
        let all = transfer(&Listing::of(&new), &mut Assembly::new(new.root()));
        let mut assembly = Assembly::new(new.root()).with_known(&old);
        let taken = transfer(&Listing::of(&new), &mut assembly);
        assert!(taken == 2 && all > 8, "{taken} of {all}");
        assert_eq!(assembly.finish().expect("all is here").root(), new.root());
    }

    #[test]
    fn what_came_for_an_older_root_is_not_asked_for_again() {
        let old = state(300, 16 << 10);
        let mut first = Assembly::new(old.root());
        let listing = Listing::of(&old);
        for _ in 0..5 {
            let prefix = last_missing(&first).expect("more");
            first.insert(prefix, listing.part(prefix).expect("sound")).expect("the root's");
        }
        let (here, missing) = first.progress();
        let new = old.with_writes(&[Write { key: key(5), value: Some(vec![9]) }]);
        let mut second = Assembly::new(new.root()).with_pieces_of(first);
        let taken = transfer(&Listing::of(&new), &mut second);
        assert!(taken <= missing + 2 && here > 2, "{taken} taken, {missing} were missing");
        assert_eq!(second.finish().expect("all is here").root(), new.root());
    }
}
