//! A Fairway node: channels of Move contracts among members' nodes, settled on a chain.

pub mod backup;
pub mod chain;
pub mod config;
pub mod driver;
pub mod entries;
pub mod local;
pub mod node;
pub mod observe;
mod parts;
pub mod past;
pub mod peers;
pub mod replay;
pub mod store;
pub mod stream;
mod tail;
pub mod traces;
pub mod watchtower;

pub use node::{Keeping, Node, NodeError, Settings};

#[cfg(test)]
#[path = "../../tests/fixtures/earlier.rs"]
mod earlier;
