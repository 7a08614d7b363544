//! What a channel is told: requests of clients, words of peers, observations of the chain, time.

use std::collections::BTreeSet;

use fairway_types::{Address, NodeId, SignedCall, Verified, call::CallStatus, chain::Observation};

use crate::message::Message;

/// Names a client's request until it is answered; chosen by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

#[derive(Debug, Clone)]
pub enum Request {
    /// Order a call; answer once it has reached `wait`.
    Call { call: Box<Verified<SignedCall>>, wait: CallStatus },
    /// Propose a settlement as soon as there is something final to settle; answered with its number.
    ProposeSettlement,
    /// What somebody else needs to keep the account's money safe while this node is away.
    Guard { account: Address },
}

#[derive(Debug, Clone)]
pub enum Input {
    Client {
        id: RequestId,
        request: Request,
    },
    /// Nobody waits for the answers to these any more.
    Gone {
        requests: BTreeSet<RequestId>,
    },
    Peer {
        from: NodeId,
        message: Box<Verified<Message>>,
    },
    Chain(Observation),
    /// The node came back, and its last writes may be gone: at every start until it has recovered.
    /// The number is one that no earlier start had.
    TailLost {
        nonce: u64,
    },
    /// The time of [`crate::Channel::deadline`] came.
    Timeout,
    /// The end of a group of inputs: the leader cuts a block, a follower acks its head.
    Flush,
}
