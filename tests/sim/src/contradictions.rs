//! What a Byzantine member signed against its own word: without one of these nothing certified may
//! ever be lost.

use std::collections::BTreeMap;

use fairway_proto::Message;
use fairway_types::{Hash, Height, NodeId, Term, ViewChange};

#[derive(Debug, Default)]
pub struct Contradictions {
    blocks: BTreeMap<(Term, Height), Hash>,
    acks: BTreeMap<(Term, Height), Hash>,
    promises: BTreeMap<Term, ViewChange>,
    found: Option<String>,
}

impl Contradictions {
    #[must_use]
    pub fn exist(&self) -> bool {
        self.found.is_some()
    }

    /// The first one, in words.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// Looks through what the member sends.
    pub fn note(&mut self, member: NodeId, message: &Message) {
        if self.exist() {
            return;
        }
        match message {
            Message::Block(block) if block.leader == member => {
                let place = (block.header.term, block.height());
                self.note_block(place, block.hash());
            }
            Message::SyncBlocks(blocks) => {
                for entry in blocks.iter().filter(|entry| entry.block.leader == member) {
                    let place = (entry.block.header.term, entry.block.height());
                    self.note_block(place, entry.block.hash());
                }
            }
            Message::Ack(ack) if ack.node == member => {
                self.note_ack((ack.ack.term, ack.ack.height), ack.ack.block);
            }
            Message::Certificate(certificate)
                if certificate.signatures.iter().any(|(node, _)| *node == member) =>
            {
                let ack = &certificate.ack;
                self.note_ack((ack.term, ack.height), ack.block);
            }
            Message::ViewChange(promise) if promise.signed.node == member => {
                self.note_promise(&promise.signed.view_change);
            }
            _ => {}
        }
    }

    fn note_block(&mut self, place: (Term, Height), hash: Hash) {
        if *self.blocks.entry(place).or_insert(hash) != hash {
            self.found = Some(format!("two blocks at {place:?}"));
        }
    }

    fn note_ack(&mut self, place: (Term, Height), hash: Hash) {
        if *self.acks.entry(place).or_insert(hash) != hash {
            self.found = Some(format!("two acks at {place:?}"));
        }
        let later = self.promises.range(place.0..).filter(|(term, _)| **term > place.0);
        for (term, promise) in later {
            if denies(promise, place, hash) {
                self.found = Some(format!("acked {place:?} and denied it in {term}"));
                return;
            }
        }
    }

    fn note_promise(&mut self, promise: &ViewChange) {
        let first = self.promises.entry(promise.term).or_insert_with(|| promise.clone());
        if first != promise {
            self.found = Some(format!("two promises for {}", promise.term));
        }
        let mut acks = self.acks.iter();
        let denied =
            acks.find(|(place, hash)| place.0 < promise.term && denies(promise, **place, **hash));
        if let Some((place, _)) = denied {
            self.found = Some(format!("acked {place:?} and denied it in {}", promise.term));
        }
    }
}

/// Whether the promise says nothing of an ack above the certificate that it names.
fn denies(promise: &ViewChange, (_, height): (Term, Height), hash: Hash) -> bool {
    height > promise.base() && promise.acked_at(height).is_none_or(|place| place.hash != hash)
}
