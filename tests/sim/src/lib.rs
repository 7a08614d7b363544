//! Deterministic simulation: real channels in one thread over a fake network, clock and chain. A
//! seed chooses delays, loss, duplication, crashes and partitions; all invariants are checked after
//! every step.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "an invariant looks at the few variants it is about"
)]

pub mod chain;
mod choices;
pub mod invariants;
pub mod machine;
pub mod node;
pub mod world;

pub use world::{Plan, Report, World};
