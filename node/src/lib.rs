//! A Fairway node: channels of Move contracts among members' nodes, settled on a chain.

pub mod chain;
pub mod driver;
pub mod local;
pub mod node;
mod parts;
pub mod peers;
pub mod store;
pub mod stream;
mod tail;
pub mod watchtower;

pub use node::{Keeping, Node, NodeError, Settings};
