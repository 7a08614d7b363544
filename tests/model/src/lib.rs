//! A model of acks, certificates, finality and view changes, for a model checker to walk through.
//!
//! The protocol's own code decides what promises select and what a quorum is; the rest imitates it, so
//! that states stay small. Nothing here opens a socket, reads a clock or signs anything. docs/model.md
//! says what was explored and found.

pub mod bounds;
pub mod member;
pub mod opening;
pub mod progress;
pub mod properties;
pub mod state;
pub mod walk;

pub use bounds::{Bounds, Flaw};
