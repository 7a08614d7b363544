//! How much a channel holds in memory: every queue and buffer has a bound, whoever sends what.

use fairway_types::limits;

use super::{
    Channel, Limits,
    clients::REMEMBERED_CALLS,
    log::{KEPT_BLOCKS, KEPT_BYTES, LEAST_BLOCKS},
    voting::HELD,
    waiting::WAITING_BYTES,
};

/// Entries of each queue and buffer; bytes where the name says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    pub pool: usize,
    pub pool_bytes: usize,
    pub waiting_blocks: usize,
    pub waiting_bytes: usize,
    pub waiting_requests: usize,
    pub calls_on_the_way: usize,
    pub remembered_calls: usize,
    pub log_blocks: usize,
    pub log_bytes: usize,
    /// Heights for which acks are collected.
    pub collected_acks: usize,
    /// Nodes of which a heartbeat, a promise or a vote is kept: the most of the three.
    pub nodes: usize,
    pub proposals: usize,
}

impl Load {
    /// What is above its bound, in words.
    #[must_use]
    pub fn above(&self, bounds: &Limits) -> Option<String> {
        let rows = [
            ("calls in the pool", self.pool, bounds.pool_calls),
            ("bytes of the pool", self.pool_bytes, bounds.pool_bytes),
            ("blocks before their turn", self.waiting_blocks, bounds.waiting_blocks),
            ("bytes of blocks before their turn", self.waiting_bytes, WAITING_BYTES),
            ("waiting requests", self.waiting_requests, bounds.waiting_requests),
            (
                "calls on the way",
                self.calls_on_the_way,
                bounds.waiting_requests + KEPT_BLOCKS * bounds.block_calls,
            ),
            ("remembered calls", self.remembered_calls, REMEMBERED_CALLS),
            ("blocks of the log", self.log_blocks, KEPT_BLOCKS),
            ("bytes of the log", self.log_bytes, KEPT_BYTES + LEAST_BLOCKS * limits::BLOCK_BYTES),
            ("heights with acks", self.collected_acks, 2 * KEPT_BLOCKS),
            ("nodes", self.nodes, 2 * limits::MEMBERS),
            ("proposals", self.proposals, HELD + 2),
        ];
        let broken = rows.into_iter().find(|(_, actual, bound)| actual > bound);
        broken.map(|(what, actual, bound)| format!("{actual} {what}, at most {bound} allowed"))
    }
}

impl Channel {
    #[must_use]
    pub fn load(&self) -> Load {
        let (waiting_blocks, waiting_bytes) = self.waiting.size();
        let (waiting_requests, calls_on_the_way, remembered_calls) = self.clients.size();
        let (log_blocks, log_bytes) = self.log.size();
        let (stances, proposals) = self.voting.size();
        Load {
            pool: self.pool.len(),
            pool_bytes: self.pool.bytes(),
            waiting_blocks,
            waiting_bytes,
            waiting_requests,
            calls_on_the_way,
            remembered_calls,
            log_blocks,
            log_bytes,
            collected_acks: self.peers.collected(),
            nodes: self.peers.heard().len().max(self.changes.size()).max(stances),
            proposals,
        }
    }
}
