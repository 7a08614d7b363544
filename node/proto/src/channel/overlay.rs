//! Writes on top of a state that stays as it is: a block's over its parent's state, a transaction's
//! over the block's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fairway_types::{Address, StateKey, StateReader, Write};

use super::ground::{Ground, Roll};

enum Below<'a> {
    Ground(&'a dyn Ground),
    Overlay(&'a Overlay<'a>),
}

pub(super) struct Overlay<'a> {
    below: Below<'a>,
    writes: BTreeMap<StateKey, Option<Arc<[u8]>>>,
}

impl<'a> Overlay<'a> {
    #[must_use]
    pub(super) fn on_ground(ground: &'a dyn Ground) -> Self {
        Self { below: Below::Ground(ground), writes: BTreeMap::new() }
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

    /// The accounts on the roll, sorted.
    pub(super) fn accounts(&self, roll: Roll) -> Vec<Address> {
        let mut accounts = self.below.accounts(roll);
        for (account, value) in self.own(roll) {
            match value {
                Some(_) => accounts.insert(account),
                None => accounts.remove(&account),
            };
        }
        accounts.into_iter().collect()
    }

    /// How many more accounts are on the roll than below.
    pub(super) fn growth(&self, roll: Roll) -> i64 {
        let before = |account| self.below.read(&roll.key(account)).is_some();
        let change = |(account, value): (Address, &Option<_>)| {
            i64::from(value.is_some()) - i64::from(before(account))
        };
        self.own(roll).map(change).sum()
    }

    fn own(&self, roll: Roll) -> impl Iterator<Item = (Address, &Option<Arc<[u8]>>)> {
        let own = self.writes.range(roll.key(Address::ZERO)..);
        own.map_while(move |(key, value)| Some((roll.account(key)?, value)))
    }
}

impl Below<'_> {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        match self {
            Self::Ground(ground) => ground.read(key),
            Self::Overlay(overlay) => overlay.read(key),
        }
    }

    fn accounts(&self, roll: Roll) -> BTreeSet<Address> {
        let accounts = match self {
            Self::Ground(ground) => ground.accounts(roll),
            Self::Overlay(overlay) => overlay.accounts(roll),
        };
        accounts.into_iter().collect()
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
    use fairway_state::State;

    use super::*;

    fn key(n: u8) -> StateKey {
        StateKey::Sequence(Address::from_low(n))
    }

    #[test]
    fn writes_that_change_nothing_are_left_out() {
        let write = Write { key: key(1), value: Some(vec![1]) };
        let state = State::default().with_writes(std::slice::from_ref(&write));
        let mut overlay = Overlay::on_ground(&state);
        overlay.put(key(1), Some(vec![1]));
        overlay.put(key(2), None);
        overlay.put(key(3), Some(vec![3]));
        assert_eq!(overlay.into_writes(), vec![Write { key: key(3), value: Some(vec![3]) }]);
    }

    #[test]
    fn upper_layer_hides_the_lower() {
        let state = State::default().with_writes(&[Write { key: key(1), value: Some(vec![1]) }]);
        let mut block = Overlay::on_ground(&state);
        block.put(key(1), Some(vec![2]));
        let mut transaction = Overlay::on_overlay(&block);
        transaction.put(key(1), None);
        assert_eq!(transaction.read(&key(1)), None);
        assert_eq!(block.read(&key(1)).as_deref(), Some(&[2][..]));
    }
}
