//! Where what a channel says goes.

use std::sync::Arc;

use fairway_types::{NodeId, chain::ChainTx, settlement::Proposal};

/// Where a channel's messages to other nodes go.
pub trait Outbox: Clone + Send + 'static {
    /// Hands `frame` to the link to `to`; drops it when there is none or its queue is full.
    fn send(&mut self, to: NodeId, frame: &Arc<[u8]>);
    /// Whether `to` reads what it is sent: who does not is served nothing that is large.
    fn reads(&self, to: NodeId) -> bool;
}

/// Changes, adds to or drops what leaves a node: for tests of nodes that lie.
pub trait Alters: Send + Sync + 'static {
    /// What goes to `to` in the place of `frame`.
    fn altered(&self, to: NodeId, frame: &Arc<[u8]>) -> Vec<Arc<[u8]>>;
}

/// An outbox behind something that alters what goes through.
#[derive(Clone)]
pub struct Altered<O> {
    pub outbox: O,
    /// Nothing, in a node that is run for its members.
    pub by: Option<Arc<dyn Alters>>,
}

impl<O: Outbox> Outbox for Altered<O> {
    fn send(&mut self, to: NodeId, frame: &Arc<[u8]>) {
        match &self.by {
            None => self.outbox.send(to, frame),
            Some(by) => {
                for frame in by.altered(to, frame) {
                    self.outbox.send(to, &frame);
                }
            }
        }
    }

    fn reads(&self, to: NodeId) -> bool {
        self.outbox.reads(to)
    }
}

/// Where a channel's words to the settlement chain go.
pub trait ChainOutbox: Send + 'static {
    fn submit(&mut self, tx: ChainTx);
    /// Asks whether the contract would take the proposal.
    fn dry_run(&mut self, proposal: Proposal);
    /// Asks which proposal waits.
    fn read_waiting(&mut self);
    fn refresh(&mut self);
}
