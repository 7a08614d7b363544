//! Fairway for apps: connect to a node, join a channel, call, view, subscribe.
//!
//! ```no_run
//! # async fn example(key: fairway_sdk::Keypair, channel: fairway_sdk::ChannelId) -> Result<(), fairway_sdk::Error> {
//! use fairway_sdk::{Client, Filter, json};
//!
//! let client = Client::connect("ws://127.0.0.1:9101").await?;
//! let channel = client.channel(channel).await?;
//! let me = channel.member(key);
//! me.call("0x44::payments::pay", &[json!("0x…"), json!("0xfa"), json!(25), json!("tea")]).await?; // certified
//! let values = channel.view("0x44::payments::balance", &[json!("0x…"), json!("0xfa")]).await?;
//! let mut notices = channel.subscribe(Filter::default()).await?; // resumes after a reconnect
//! while let Some(notice) = notices.next().await {
//!     println!("{notice:?}");
//! }
//! # Ok(()) }
//! ```

mod channel;
mod connection;
mod error;
mod ledger;
mod notices;
mod place;
pub mod typed;

pub use channel::{Channel, Client, Member};
pub use connection::Connection;
pub use error::Error;
pub use fairway_api as api;
pub use fairway_api::{
    chain::EventView,
    channel::{At, CallReport},
};
pub use fairway_types::{
    Address, AssetId, ChannelId, GasTableId, Hash, Height, Keypair, NodeId, Operation, PublicKey,
    Refusal,
    call::CallStatus,
    chain::{ChannelConfig, Durability, JoinPolicy, MoneyRules},
    ledger::PackageSource,
    session::Session,
    settlement::AssetAmount,
    subscription::Filter,
};
pub use ledger::Ledger;
pub use notices::Notices;
pub use serde_json::{Value, json};
