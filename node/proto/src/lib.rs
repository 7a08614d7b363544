//! Every protocol decision of a channel, pure: input in, events and effects out. No socket, disk,
//! clock or randomness; time is an input, signing is deterministic, and the Move VM stands behind
//! [`fairway_types::Execute`]. The rules are numbered in docs/protocol.md.

pub mod channel;
pub mod checkpoint;
#[cfg(feature = "known-bugs")]
pub mod known_bugs;
pub mod message;
pub mod settlement;
pub mod subscription;
pub mod sync;

pub use channel::{
    Channel, Env, Limits,
    input::{Input, Request, RequestId},
    output::{CallReport, CallStatus, Effect, Event, Step, Update},
    status::{ChannelStatus, Role},
};
pub use checkpoint::Checkpoint;
pub use message::Message;
pub use subscription::{Filter, Notification, Subscription};
