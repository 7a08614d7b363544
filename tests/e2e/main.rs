//! Real processes: a ledger, nodes, and clients that know only what the documentation says.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "tests may panic and print"
)]

mod access;
mod audit;
mod bad_calls;
mod bundles;
mod channels;
mod chaos;
mod clients;
mod commands;
mod dapp;
mod demo;
mod dev;
mod earlier;
mod exits;
mod faults;
mod foreign;
mod http;
mod load;
mod operating;
mod peers;
mod pressure;
mod replicated;
mod sessions;
mod snapshots;
#[path = "../fixtures/earlier.rs"]
mod stored;
mod top;
mod traces;
mod world;
