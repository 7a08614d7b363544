//! Writes on top of a state that stays as it is: a block's over its parent's state, a transaction's
//! over the block's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fairway_state::State;
use fairway_types::{Address, StateKey, StateReader, Write};

enum Below<'a> {
    State(&'a State),
    Overlay(&'a Overlay<'a>),
}

pub(super) struct Overlay<'a> {
    below: Below<'a>,
    writes: BTreeMap<StateKey, Option<Arc<[u8]>>>,
}

impl<'a> Overlay<'a> {
    #[must_use]
    pub(super) fn on_state(state: &'a State) -> Self {
        Self { below: Below::State(state), writes: BTreeMap::new() }
    }

    #[must_use]
    pub(super) fn on_overlay(below: &'a Overlay<'a>) -> Self {
        Self { below: Below::Overlay(below), writes: BTreeMap::new() }
    }

    pub(super) fn put(&mut self, key: StateKey, value: Option<Vec<u8>>) {
        self.writes.insert(key, value.map(Arc::from));
    }

    /// Takes over the writes of something that ran on top.
    pub(super) fn absorb(&mut self, writes: &[Write]) {
        for write in writes {
            self.writes.insert(write.key.clone(), write.value.as_deref().map(Arc::from));
        }
    }

    /// The writes that change what lies below, sorted by key.
    #[must_use]
    pub(super) fn into_writes(self) -> Vec<Write> {
        let Self { below, writes } = self;
        writes
            .into_iter()
            .filter(|(key, value)| below.read(key) != *value)
            .map(|(key, value)| Write { key, value: value.map(|value| value.to_vec()) })
            .collect()
    }

    /// Accounts that hold an entry of one kind: keys from `first` on, for as long as `pick` knows
    /// them.
    pub(super) fn accounts(
        &self,
        first: &StateKey,
        pick: impl Fn(&StateKey) -> Option<Address> + Copy,
    ) -> Vec<Address> {
        let mut keys = BTreeSet::new();
        self.collect(first, pick, &mut keys);
        keys.iter().filter(|key| self.read(key).is_some()).filter_map(pick).collect()
    }

    fn collect(
        &self,
        first: &StateKey,
        pick: impl Fn(&StateKey) -> Option<Address> + Copy,
        keys: &mut BTreeSet<StateKey>,
    ) {
        match self.below {
            Below::State(state) => keys.extend(
                state
                    .entries_from(first)
                    .map(|(key, _)| key)
                    .take_while(|key| pick(key).is_some())
                    .cloned(),
            ),
            Below::Overlay(below) => below.collect(first, pick, keys),
        }
        let own = self.writes.range(first..).map(|(key, _)| key);
        keys.extend(own.take_while(|key| pick(key).is_some()).cloned());
    }
}

impl Below<'_> {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        match self {
            Self::State(state) => state.read(key),
            Self::Overlay(overlay) => overlay.read(key),
        }
    }
}

impl StateReader for Overlay<'_> {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        match self.writes.get(key) {
            Some(value) => value.clone(),
            None => self.below.read(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> StateKey {
        StateKey::Sequence(Address::from_low(n))
    }

    #[test]
    fn writes_that_change_nothing_are_left_out() {
        let write = Write { key: key(1), value: Some(vec![1]) };
        let state = State::default().with_writes(std::slice::from_ref(&write));
        let mut overlay = Overlay::on_state(&state);
        overlay.put(key(1), Some(vec![1]));
        overlay.put(key(2), None);
        overlay.put(key(3), Some(vec![3]));
        assert_eq!(overlay.into_writes(), vec![Write { key: key(3), value: Some(vec![3]) }]);
    }

    #[test]
    fn upper_layer_hides_the_lower() {
        let state = State::default().with_writes(&[Write { key: key(1), value: Some(vec![1]) }]);
        let mut block = Overlay::on_state(&state);
        block.put(key(1), Some(vec![2]));
        let mut transaction = Overlay::on_overlay(&block);
        transaction.put(key(1), None);
        assert_eq!(transaction.read(&key(1)), None);
        assert_eq!(block.read(&key(1)).as_deref(), Some(&[2][..]));
    }
}
