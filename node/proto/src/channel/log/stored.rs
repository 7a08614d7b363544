//! What a snapshot of the log holds besides its blocks.

use std::sync::Arc;

use fairway_types::{Block, Certificate, Height};

use super::{Log, Tip, by_node, records};
use crate::channel::{found::Found, snapshot::Durable};

impl Log {
    /// Blocks in memory, and their bytes.
    #[must_use]
    pub(in crate::channel) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }

    /// The point below the blocks in memory.
    pub(in crate::channel) fn base(&self) -> Option<&Tip> {
        self.base.as_ref()
    }

    /// The base's block.
    pub(in crate::channel) fn floor(&self) -> Option<&Arc<Block>> {
        self.floor.as_ref()
    }

    pub(in crate::channel) fn set_base(&mut self, tip: Tip, floor: Option<Arc<Block>>) {
        self.base = Some(tip);
        self.floor = floor;
    }

    pub(in crate::channel) fn durable(&self) -> Durable {
        Durable {
            grants: self.grants.clone(),
            term: self.term,
            certified: self.certified,
            certificate: self.certificate.clone(),
            proof: self.proof.clone(),
            places: self.places.clone(),
            sets: self.sets.iter().map(|(height, set)| (*height, records(set))).collect(),
            finalised: self.finalised,
            finality: self.finality.clone(),
            promise: self.promise.as_deref().cloned(),
            tail_lost: self.tail_lost,
            silent_to: self.silent_to,
            acked: self.acked,
            acked_to: self.acked_to,
            opened: self.opened.as_deref().cloned(),
            evidence: self.all_evidence().cloned().collect(),
            proposal: self.proposal.as_deref().cloned(),
            votes: self.votes.clone(),
        }
    }

    /// The rest of a snapshot, once its blocks are in place.
    pub(in crate::channel) fn set_durable(
        &mut self,
        durable: Durable,
        certificates: Vec<(Height, Certificate)>,
    ) {
        self.grants = durable.grants;
        self.term = durable.term;
        self.certified = durable.certified;
        self.certificate = durable.certificate;
        self.proof = durable.proof;
        self.places = durable.places;
        let sets = durable.sets.into_iter();
        self.sets = sets.map(|(height, set)| (height, by_node(set))).collect();
        self.finalised = durable.finalised;
        self.finality = durable.finality;
        self.promise = durable.promise.map(Arc::new);
        self.tail_lost = durable.tail_lost;
        self.silent_to = durable.silent_to;
        self.acked = durable.acked;
        self.acked_to = durable.acked_to;
        self.opened = durable.opened.map(Arc::new);
        self.evidence = durable.evidence.into_iter().map(Found::from).collect();
        self.proposal = durable.proposal.map(Arc::new);
        self.votes = durable.votes;
        for (height, certificate) in certificates {
            if let Some(entry) = self.entries.get_mut(&height) {
                entry.certificate = Some(certificate);
            }
        }
    }
}
