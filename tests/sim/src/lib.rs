//! Deterministic simulation: real channels in one thread over a fake network, clock and chain. A
//! seed chooses delays, loss, duplication, crashes, partitions, pauses, clocks, and what a Byzantine
//! member does; all invariants are checked after every step.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "an invariant looks at the few variants it is about"
)]

mod accounts;
pub mod acknowledged;
pub mod byzantine;
pub mod chain;
pub mod choices;
mod clients;
pub mod clock;
pub mod collusion;
mod contradictions;
pub mod deeds;
mod faults;
mod forging;
pub mod invariants;
pub mod machine;
pub mod network;
pub mod node;
mod onchain;
pub mod plan;
pub mod runner;
mod sessions;
mod slander;
pub mod trace;
pub mod world;

pub use plan::Plan;
pub use world::{Report, World};
