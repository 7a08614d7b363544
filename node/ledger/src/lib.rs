//! The embedded settlement chain. [`machine`] is a deterministic state machine: signed transactions
//! in, results and a state root out; it reads no clock, no randomness and no unordered map.
//! Around it: who orders blocks ([`sequencer`]), where they are kept ([`store`]), the running chain
//! ([`service`]) and its JSON-RPC server ([`server`]). [`judge`] says what evidence about a channel is
//! worth.

pub mod judge;
mod listing;
pub mod machine;
pub mod publish;
pub mod rpc;
pub mod sequencer;
pub mod server;
pub mod service;
pub mod store;
pub mod view;

pub use fairway_types::contract;
pub use machine::{BlockHeader, ExecutedBlock, Genesis, Head, Ledger, LedgerError, Receipt};
pub use publish::{Code, Compiled};
pub use server::{ChainServer, Server};
pub use service::{Counts, Service, Settings};
