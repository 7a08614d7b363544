//! The JSON-RPC 2.0 surface: `state_channel.*` of nodes, `chain.*` of the ledger (and of nodes, which
//! pass it on). One definition for servers, clients and the schema.

pub mod chain;
pub mod channel;
pub mod error;
pub mod schema;

pub use chain::{ChainApiClient, ChainApiServer};
pub use channel::{StateChannelApiClient, StateChannelApiServer};
pub use error::{from_error, to_error};
