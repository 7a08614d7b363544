//! What the log says. Nothing here changes it.

use std::sync::Arc;

use fairway_state::State;
use fairway_types::{
    Certificate, Epoch, Hash, Height, NodeId, Place, Promise, SignedAck, StateKey, StateReader,
    Term, View,
    chain::EpochGrant,
    evidence::Evidence,
    settlement::{SignedProposal, SignedVote},
};

use super::{Digest, Entry, Genesis, Held, Log, Opened, Tip, tip_of};
use crate::channel::{books, found::Found};

impl Log {
    /// What a certificate of the block at `height` is checked against, for [`KEPT_BLOCKS`] below the head.
    #[must_use]
    pub fn held(&self, height: Height) -> Option<Held> {
        self.places.get(&height).copied()
    }

    /// Hash and term of the block at `height`, as long as it is [`Self::held`].
    #[must_use]
    pub fn place(&self, height: Height) -> Option<Place> {
        self.held(height).map(|held| Place { hash: held.hash, term: held.term })
    }

    /// Whether the log goes through the block with this hash, as far as it is known; genesis has
    /// height zero.
    #[must_use]
    pub fn contains(&self, height: Height, hash: &Hash) -> bool {
        match self.places.get(&height) {
            Some(held) => held.hash == *hash,
            None => self.tip_at(height).is_some_and(|tip| tip.hash == *hash),
        }
    }

    /// The last block with transactions that is not final.
    #[must_use]
    pub fn last_unfinal(&self) -> Option<Height> {
        let open = self.entries.range(self.finalised.next()..).rev();
        open.map(|(_, entry)| &entry.block)
            .find(|block| !block.transactions.is_empty())
            .map(|block| block.height())
    }

    #[must_use]
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_deref()
    }

    #[must_use]
    pub fn term(&self) -> Term {
        self.term
    }

    #[must_use]
    pub fn grant(&self) -> Option<&EpochGrant> {
        self.grants.get(&self.term.epoch)
    }

    /// The last epoch that the chain granted, as far as this node knows.
    #[must_use]
    pub fn last_epoch(&self) -> Option<Epoch> {
        self.grants.last_key_value().map(|(epoch, _)| *epoch)
    }

    #[must_use]
    pub fn grant_of(&self, epoch: Epoch) -> Option<&EpochGrant> {
        self.grants.get(&epoch)
    }

    /// Whether a grant between the head's epoch and the last one known is not here: the chain's record
    /// went past it while this node was away, and blocks of it can't be checked any more.
    #[must_use]
    pub fn lacks_grants(&self) -> bool {
        let Some((last, _)) = self.grants.last_key_value() else { return false };
        let from = self.place(self.head()).map_or(Epoch(1), |place| place.term.epoch);
        let known = self.grants.range(from..).count() as u64;
        known <= last.0.saturating_sub(from.0)
    }

    /// What this node promised when the last term began with its help.
    #[must_use]
    pub fn promise(&self) -> Option<&Promise> {
        self.promise.as_deref()
    }

    /// Whether the term has begun: its leader's first block is here, or it is the channel's first.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.held(self.head()) {
            Some(held) => held.term == self.term,
            None => self.head() == Height::ZERO && self.is_first(self.term),
        }
    }

    /// The last opening in the log.
    #[must_use]
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_deref()
    }

    /// Whether no other term came before.
    #[must_use]
    pub fn is_first(&self, term: Term) -> bool {
        let first = self.genesis.as_ref().and_then(|genesis| genesis.record.first_grant.as_ref());
        term.view == View::default() && first.is_some_and(|first| first.epoch == term.epoch)
    }

    #[must_use]
    pub fn entry(&self, height: Height) -> Option<&Entry> {
        self.entries.get(&height)
    }

    pub fn entries_from(&self, height: Height) -> impl Iterator<Item = &Entry> {
        self.entries.range(height..).map(|(_, entry)| entry)
    }

    /// Blocks from `height` down, while memory holds them.
    pub fn entries_down(&self, height: Height) -> impl Iterator<Item = &Entry> {
        self.entries.range(..=height).rev().map(|(_, entry)| entry)
    }

    /// The state after the block with this hash, while memory holds it.
    #[must_use]
    pub fn state_after(&self, height: Height, block: Hash) -> Option<State> {
        self.tip_at(height).filter(|tip| tip.hash == block).map(|tip| tip.state)
    }

    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        match self.entries.last_key_value() {
            Some((_, entry)) => Some(tip_of(entry)),
            None => self.base.clone(),
        }
    }

    /// The point at `height`, while memory holds it.
    #[must_use]
    pub fn tip_at(&self, height: Height) -> Option<Tip> {
        if let Some(entry) = self.entries.get(&height) {
            return Some(tip_of(entry));
        }
        self.base
            .as_ref()
            .or(self.genesis.as_ref().map(|genesis| &genesis.tip))
            .filter(|tip| tip.height == height)
            .cloned()
    }

    #[must_use]
    pub fn head(&self) -> Height {
        self.entries
            .last_key_value()
            .map(|(height, _)| *height)
            .or(self.base.as_ref().map(|tip| tip.height))
            .unwrap_or_default()
    }

    #[must_use]
    pub fn certified(&self) -> Height {
        self.certified
    }

    /// The highest certificate seen.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The highest certificate seen that carries a registered quorum: what a block justifies itself
    /// with.
    #[must_use]
    pub fn proof(&self) -> Option<&Certificate> {
        self.proof.as_ref()
    }

    #[must_use]
    pub fn finalised(&self) -> Height {
        self.finalised
    }

    /// Whether this node came back without its last writes, and has not heard enough since.
    #[must_use]
    pub fn is_tail_lost(&self) -> bool {
        self.tail_lost
    }

    #[must_use]
    pub fn silent_to(&self) -> Option<Term> {
        self.silent_to
    }

    #[must_use]
    pub fn acked(&self) -> Option<&SignedAck> {
        self.acked.as_ref()
    }

    /// Up to where the log goes through what this node acked: what was taken back is no part of it,
    /// what lies below that is.
    #[must_use]
    pub fn acked_to(&self) -> Height {
        self.acked_to
    }

    /// P-44: the evidence against the present leader, which stops this node; what a former leader
    /// did stops nobody.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence_against(&self.leader()?)
    }

    /// The evidence about what the node led with: see [`Evidence::is_about_leading`].
    #[must_use]
    pub fn evidence_against(&self, node: &NodeId) -> Option<&Evidence> {
        let mut evidence = self.all_evidence();
        evidence.find(|evidence| evidence.accused() == *node && evidence.is_about_leading())
    }

    /// Whether there is evidence that the node acked two blocks at one place.
    #[must_use]
    pub fn has_acked_twice(&self, node: &NodeId) -> bool {
        let mut evidence = self.all_evidence();
        evidence.any(|evidence| evidence.accused() == *node && !evidence.is_about_leading())
    }

    /// All evidence that this node has found: one of leading and one of acking an accused node.
    pub fn all_evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.evidence.iter().map(|found| &*found.evidence)
    }

    /// The same, for readers that keep it.
    #[must_use]
    pub fn shared_evidence(&self) -> Vec<Arc<Evidence>> {
        self.evidence.iter().map(|found| Arc::clone(&found.evidence)).collect()
    }

    /// The same, as it was named and measured when it was found.
    pub(in crate::channel) fn found(&self) -> &[Found] {
        &self.evidence
    }

    #[must_use]
    pub fn proposal(&self) -> Option<&SignedProposal> {
        self.proposal.as_deref()
    }

    #[must_use]
    pub fn vote(&self, proposal: &Hash) -> Option<&SignedVote> {
        self.votes.get(proposal)
    }

    /// Number of the last settlement in the log's books.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.tip().map_or(0, |tip| books::settled(&tip.state))
    }

    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tip().is_some_and(|tip| tip.state.read(&StateKey::Closed).is_some())
    }

    /// A summary for comparing live with replayed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let tip = self.tip();
        let members = tip
            .as_ref()
            .map(|tip| tip.members.values().map(|member| (**member).clone()).collect::<Vec<_>>());
        Digest {
            term: self.term,
            head: self.head(),
            head_hash: tip.as_ref().map_or(Hash::ZERO, |tip| tip.hash),
            state_root: tip.as_ref().map_or(Hash::ZERO, |tip| tip.state.root()),
            certified: self.certified,
            finalised: self.finalised,
            settled: self.settled(),
            acked: self.acked.map(|ack| ack.ack),
            members: members.unwrap_or_default(),
            halted: self.evidence().is_some(),
            votes: self.votes.keys().copied().collect(),
        }
    }
}
