//! What other nodes said of themselves, and the acks a leader collects.

use std::collections::BTreeMap;

use fairway_types::{Ack, Certificate, Height, NodeId, Signature, SignedAck, Time};

use super::{
    Channel,
    log::KEPT_BLOCKS,
    output::{Effect, Event},
    quorum,
};
use crate::message::{Heartbeat, Message};

#[derive(Debug, Default)]
pub(super) struct Peers {
    heard: BTreeMap<NodeId, Heard>,
    /// The acks of one block a height.
    acks: BTreeMap<Height, (Ack, BTreeMap<NodeId, Signature>)>,
}

#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub heartbeat: Heartbeat,
    pub at: Time,
}

impl Peers {
    /// Something came from the node.
    pub(super) fn note(&mut self, node: &NodeId, now: Time) {
        if let Some(heard) = self.heard.get_mut(node) {
            heard.at = now;
        }
    }

    /// Heights for which acks are collected.
    #[must_use]
    pub(super) fn collected(&self) -> usize {
        self.acks.len()
    }

    #[must_use]
    pub(super) fn heard(&self) -> &BTreeMap<NodeId, Heard> {
        &self.heard
    }
}

impl Channel {
    /// P-34: the leader counts an ack once, for the block it holds at that place, from a member with
    /// a say in it; it tells the certificate at 2/3 of the valid weight, and again each time it
    /// settles more: at 2/3 of the registered weight, and when everybody acked.
    pub(super) fn on_ack(&mut self, signed: SignedAck) {
        let ack = signed.ack;
        if !self.leads() || ack.channel != self.env.channel {
            return;
        }
        let Some(place) = self.log.held(ack.height) else { return };
        let is_its_block = place.hash == ack.block && place.term == ack.term;
        if !is_its_block || !quorum::may_ack(&self.log, ack.height, &signed.node) {
            return;
        }
        let certificate = self.count(signed);
        if self.is_news(&certificate) && quorum::certifies(&self.log, &certificate) {
            self.record(Event::Certified { certificate: certificate.clone() });
            self.perform(Effect::Broadcast(Message::Certificate(certificate)));
            let oldest = Height(self.log.head().0.saturating_sub(KEPT_BLOCKS as u64));
            self.peers.acks = self.peers.acks.split_off(&oldest);
        }
    }

    /// All acks of the block so far.
    fn count(&mut self, signed: SignedAck) -> Certificate {
        let ack = signed.ack;
        // A leader that restarted has forgotten its own ack, but stored it.
        let own = self.log.acked().filter(|own| own.ack == ack).map(|own| own.signature);
        let (of, acks) = self.peers.acks.entry(ack.height).or_insert((ack, BTreeMap::new()));
        if *of != ack {
            (*of, *acks) = (ack, BTreeMap::new());
        }
        acks.insert(signed.node, signed.signature);
        acks.extend(own.map(|signature| (self.me, signature)));
        let signatures = acks.iter().map(|(node, signature)| (*node, *signature));
        let certificate = Certificate { ack, signatures: signatures.collect() };
        quorum::members_only(&self.log, &certificate)
    }

    fn is_news(&self, certificate: &Certificate) -> bool {
        let height = certificate.ack.height;
        if height > self.log.certified() {
            return true;
        }
        let known = self.log.entry(height).and_then(|entry| entry.certificate.as_ref());
        let known = known.map_or(0, |known| quorum::strength(&self.log, known));
        height > self.log.finalised() && quorum::strength(&self.log, certificate) > known
    }

    /// P-36: heartbeats repair what the network lost: acks, certificates, blocks.
    pub(super) fn on_heartbeat(&mut self, from: NodeId, heartbeat: Heartbeat) {
        let Some(tip) = self.log.tip() else { return };
        if !tip.members.contains_key(&from) && !self.chain.knows(&from) {
            return;
        }
        if self.log.grant_of(heartbeat.term.epoch).is_none() {
            self.refresh();
        }
        let certified = heartbeat.certified;
        let behind = certified < self.log.certified() || heartbeat.finalised < self.log.finalised();
        let news = heartbeat.wish > self.log.term();
        self.ask_for_missing(from, &heartbeat);
        self.peers.heard.insert(from, Heard { heartbeat, at: self.now });
        if news {
            self.watch_leader();
        }
        let leads = self.leads();
        if behind && (leads || !self.log.is_open()) {
            self.send_certificates(from);
        }
        if leads {
            return;
        }
        let last = self.log.acked().copied();
        if self.log.leader() == Some(from)
            && let Some(ack) = last
            && (ack.ack.height > certified || ack.ack.height > self.log.finalised())
        {
            self.perform(Effect::Send { to: from, message: Message::Ack(ack) });
        }
    }

    fn send_certificates(&mut self, to: NodeId) {
        let (best, proof) = (self.log.certificate().cloned(), self.log.proof().cloned());
        let proof = proof.filter(|proof| best.as_ref() != Some(proof));
        for certificate in best.into_iter().chain(proof) {
            self.perform(Effect::Send { to, message: Message::Certificate(certificate) });
        }
    }

    pub(super) fn send_heartbeat(&mut self) {
        if let Some(heartbeat) = self.heartbeat() {
            self.perform(Effect::Broadcast(Message::Heartbeat(heartbeat)));
        }
    }

    /// Where this node stands, as it tells the others.
    pub(super) fn heartbeat(&self) -> Option<Heartbeat> {
        let tip = self.log.tip()?;
        Some(Heartbeat {
            term: self.log.term(),
            head: tip.height,
            head_hash: tip.hash,
            certified: self.log.certified(),
            finalised: self.log.finalised(),
            wish: self.wish(),
            leader_latency: 0,
            hops: 0,
        })
    }
}
