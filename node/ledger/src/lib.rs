//! The embedded settlement chain as a deterministic state machine: signed transactions in, results
//! and a state root out. It reads no clock, no randomness and no unordered map; who orders blocks,
//! stores them and serves them stands outside.

pub mod machine;

pub use fairway_types::contract;
pub use machine::{BlockHeader, ExecutedBlock, Genesis, Ledger, LedgerError, Receipt};
