//! What a block executes on: a state, a state that notes what is asked of it, or one of which only a
//! witness is known. The last says afterwards whether it was asked for more than the witness shows.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    sync::Arc,
};

use fairway_state::{
    State,
    partial::{PartialState, Unknown, WitnessError},
};
use fairway_types::{Address, Hash, StateKey, StateReader, Write, codec, limits, witness::Witness};

use super::books;

/// Entries of which there is one for each account of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roll {
    Members,
    Departed,
}

impl Roll {
    /// The account's entry. All entries of a roll stand together in the order of keys.
    #[must_use]
    pub fn key(self, account: Address) -> StateKey {
        match self {
            Self::Members => StateKey::Member(account),
            Self::Departed => StateKey::Departed(account),
        }
    }

    #[must_use]
    pub fn account(self, key: &StateKey) -> Option<Address> {
        match self {
            Self::Members => key.member(),
            Self::Departed => key.departed(),
        }
    }

    fn counted(self, state: &dyn StateReader) -> u64 {
        let (members, departed) = books::counted(state);
        match self {
            Self::Members => members,
            Self::Departed => departed,
        }
    }
}

/// A state that a block can execute on.
pub trait Ground: StateReader {
    /// The accounts on the roll, sorted.
    fn accounts(&self, roll: Roll) -> Vec<Address>;
}

/// A state on which somebody else's block is judged.
pub trait Basis: Ground {
    /// Whether it was asked for something that it does not know: what came of that means nothing.
    fn has_missed(&self) -> bool;
    /// The root after `writes`.
    fn root_after(&self, writes: &[Write]) -> Result<Hash, Unknown>;
}

impl Basis for State {
    fn has_missed(&self) -> bool {
        false
    }

    fn root_after(&self, writes: &[Write]) -> Result<Hash, Unknown> {
        Ok(self.with_writes(writes).root())
    }
}

impl Ground for State {
    fn accounts(&self, roll: Roll) -> Vec<Address> {
        let first = roll.key(Address::ZERO);
        self.records_from(&first).map_while(|(key, _)| roll.account(key)).collect()
    }
}

/// A state that notes which entries are asked for.
pub struct Recorder<'a> {
    state: &'a State,
    asked: RefCell<BTreeSet<StateKey>>,
}

impl<'a> Recorder<'a> {
    #[must_use]
    pub fn new(state: &'a State) -> Self {
        Self { state, asked: RefCell::default() }
    }

    /// What shows somebody else everything that was asked for, and lets its root follow `writes`;
    /// none if that is too much (P-93).
    #[must_use]
    pub fn witness(self, writes: &[Write]) -> Option<Witness> {
        let keys = self.asked.into_inner();
        if keys.len() > limits::WITNESS_ENTRIES {
            return None;
        }
        let witness = self.state.witness(keys, writes);
        let fits = witness.nodes.len() <= limits::WITNESS_NODES
            && codec::size(&witness) <= limits::WITNESS_BYTES;
        fits.then_some(witness)
    }
}

impl StateReader for Recorder<'_> {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        self.asked.borrow_mut().insert(key.clone());
        self.state.read(key)
    }
}

impl Ground for Recorder<'_> {
    /// P-94: that these are all, their number shows.
    fn accounts(&self, roll: Roll) -> Vec<Address> {
        let accounts = self.state.accounts(roll);
        let mut asked = self.asked.borrow_mut();
        asked.extend(accounts.iter().map(|account| roll.key(*account)));
        asked.insert(StateKey::Counted);
        accounts
    }
}

/// A state as far as a witness shows it.
pub struct Witnessed {
    known: PartialState,
    missed: Cell<bool>,
}

impl Witnessed {
    pub fn new(root: &Hash, witness: &Witness) -> Result<Self, WitnessError> {
        Ok(Self { known: PartialState::new(root, witness)?, missed: Cell::new(false) })
    }
}

impl Basis for Witnessed {
    fn has_missed(&self) -> bool {
        self.missed.get()
    }

    fn root_after(&self, writes: &[Write]) -> Result<Hash, Unknown> {
        self.known.root_after(writes)
    }
}

impl StateReader for Witnessed {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        self.known.entry(key).unwrap_or_else(|Unknown| {
            self.missed.set(true);
            None
        })
    }
}

impl Ground for Witnessed {
    /// P-94: fewer than the state counts are not all.
    fn accounts(&self, roll: Roll) -> Vec<Address> {
        let first = roll.key(Address::ZERO);
        let keys = self.known.present_from(&first);
        let accounts: Vec<Address> = keys.map_while(|key| roll.account(key)).collect();
        if roll.counted(self) != accounts.len() as u64 {
            self.missed.set(true);
        }
        accounts
    }
}
