//! A state of many resources, and writes to some of them.

use fairway_state::State;
use fairway_types::{Address, Hash, StateKey, Write, codec};

const RESOURCES: u64 = 10_000;
const WRITES: u64 = 512;

pub(crate) struct Accounts(State);

impl Accounts {
    pub(crate) fn new() -> Self {
        let mut state = State::default();
        state.apply(&(0..RESOURCES).map(|number| write(number, 0)).collect::<Vec<_>>());
        Self(state)
    }

    pub(crate) fn writes(&self) -> Vec<Write> {
        (0..WRITES).map(|number| write(number * 7_919 % RESOURCES, 1)).collect()
    }

    pub(crate) fn apply(&mut self, writes: &[Write]) -> anyhow::Result<()> {
        self.0.apply(writes);
        anyhow::ensure!(self.0.root() != Hash::ZERO, "no root");
        Ok(())
    }
}

fn write(number: u64, value: u64) -> Write {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    let key = StateKey::resource(Address(bytes), "0x42::app::Purse");
    Write { key, value: Some(codec::encode(&value)) }
}
