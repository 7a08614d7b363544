//! The words of Fairway as types: ids, hashes, signed messages, state, effects, the ABI and the
//! refusals that reach a user. Pure: nothing here opens a socket, a file or a clock, and nothing
//! depends on the Move VM, so that SDKs can build on it.

pub mod abi;
pub mod block;
pub mod bundle;
pub mod call;
pub mod chain;
pub mod codec;
pub mod contract;
pub mod crypto;
pub mod effects;
pub mod evidence;
pub mod execute;
pub mod hash;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod refusal;
pub mod session;
pub mod settlement;
pub mod state;
pub mod subscription;
pub mod view_change;
pub mod windows;
pub mod witness;

pub use block::{Ack, Block, Certificate, Header, SignedAck, SignedHeader};
pub use call::{Call, CallStatus, FunctionName, Operation, SignedCall, Transaction};
pub use crypto::{Keypair, PublicKey, Signable, Signature, Verified};
pub use effects::{Effects, ExecutionStatus, MoveEvent, Write};
pub use execute::{Context, Execute, Hook, Invocation, Outcome};
pub use hash::{Hash, hash};
pub use ids::{
    Address, AssetId, ChainId, ChannelId, Epoch, Gas, GasTableId, Height, JoinSequence, NodeId,
    SequenceNumber, Term, Time, View, Weight,
};
pub use refusal::Refusal;
pub use state::{StateKey, StateReader};
pub use view_change::{
    Place, Promise, ShownPromise, SignedViewChange, TermCertificate, ViewChange,
};
