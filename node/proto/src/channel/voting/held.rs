//! The proposals that this node holds, one a proposer, whom it answered when, and what members voted last.

use std::collections::BTreeMap;

use fairway_types::{
    Hash, NodeId, Time,
    settlement::{Proposal, SignedProposal},
};

/// Proposals held, one a proposer.
pub(in crate::channel) const HELD: usize = 16;

#[derive(Debug, Default)]
pub(in crate::channel) struct Voting {
    pub(super) held: BTreeMap<NodeId, Held>,
    /// What each member voted last.
    pub(super) stances: BTreeMap<NodeId, (Hash, bool)>,
    /// Since when this node is bound by its yes.
    pub(in crate::channel) bound_at: Time,
    /// When each proposer was answered last, or was made to wait for the chain's answer to this.
    pub(super) answered: BTreeMap<NodeId, (Time, Option<Hash>)>,
}

/// The last proposal of one proposer.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) signed: SignedProposal,
    pub(super) hash: Hash,
    pub(super) waits: bool,
}

impl Voting {
    /// The proposer's proposal is judged once the chain has answered; what it sends meanwhile is looked
    /// at no sooner than after an answer of this node.
    pub(super) fn wait(&mut self, proposer: &NodeId, now: Time) {
        if let Some(held) = self.held.get_mut(proposer) {
            held.waits = true;
            self.answered.insert(*proposer, (now, Some(held.hash)));
        }
    }

    /// The chain answered: who waited for that waits no more.
    pub(in crate::channel) fn on_answer(&mut self, proposal: &Hash) {
        let held = &self.held;
        self.answered.retain(|proposer, (_, waits_for)| {
            let is_held = held.get(proposer).is_some_and(|held| held.hash == *proposal);
            !(is_held && *waits_for == Some(*proposal))
        });
    }

    /// Members whose vote is kept, and proposals held.
    #[must_use]
    pub(in crate::channel) fn size(&self) -> (usize, usize) {
        (self.stances.len(), self.held.len())
    }

    /// P-115: room for the proposal: it takes the place of its proposer's last one, of one that was
    /// answered, or of one that lies further ahead. So who fills the places with what is never due
    /// keeps nobody's proposal out.
    pub(super) fn make_room(&mut self, signed: &SignedProposal) -> bool {
        let far = |signed: &SignedProposal| (signed.proposal.number, signed.proposal.to_height);
        if self.held.len() < HELD || self.held.contains_key(&signed.proposer) {
            return true;
        }
        let least = self.held.iter().max_by_key(|(_, held)| (!held.waits, far(&held.signed)));
        let least = least.filter(|(_, held)| !held.waits || far(&held.signed) > far(signed));
        let Some(proposer) = least.map(|(proposer, _)| *proposer) else { return false };
        self.held.remove(&proposer);
        true
    }

    /// The proposal with this hash, if somebody sent it here.
    pub(in crate::channel) fn known(&self, hash: &Hash) -> Option<Proposal> {
        let held = self.held.values().find(|held| held.hash == *hash);
        held.map(|held| held.signed.proposal.clone())
    }

    /// Whether this is a proposal that may be next.
    pub(super) fn holds(&self, hash: &Hash) -> bool {
        self.held.values().any(|held| held.hash == *hash)
    }
}
