//! What other nodes said of themselves, and the acks a leader collects.

use std::collections::BTreeMap;

use fairway_types::{Ack, Certificate, Height, NodeId, Signature, SignedAck, Time, limits};

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
    /// Certificates that this node made as the leader and has not told, and when it has to.
    untold: Vec<(Certificate, Time)>,
    /// The last ack of each node that is of another block than the leader's.
    odd: BTreeMap<NodeId, SignedAck>,
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

    /// This node leads no more: what it made is told by who does.
    pub(super) fn tell_nothing(&mut self) {
        self.untold.clear();
    }

    /// Heights for which acks are collected.
    #[must_use]
    pub(super) fn collected(&self) -> usize {
        self.acks.len()
    }

    #[must_use]
    pub(super) fn odd_ack(&self, node: &NodeId) -> Option<SignedAck> {
        self.odd.get(node).copied()
    }

    /// Keeps an ack of a node that has a say.
    pub(super) fn keep_odd_ack(&mut self, signed: SignedAck) {
        self.odd.insert(signed.node, signed);
        while self.odd.len() > limits::MEMBERS {
            self.odd.pop_first();
        }
    }

    /// The node's ack among those collected for a height.
    #[must_use]
    pub(super) fn counted_ack(&self, height: Height, node: &NodeId) -> Option<SignedAck> {
        let (ack, signatures) = self.acks.get(&height)?;
        let signature = *signatures.get(node)?;
        Some(SignedAck { ack: *ack, node: *node, signature })
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
        let held = self.log.held(ack.height).filter(|held| held.term == ack.term);
        let Some(place) = held.filter(|_| quorum::may_ack(&self.log, ack.height, &signed.node))
        else {
            return;
        };
        self.check_double_ack(&signed, &place.hash);
        if place.hash != ack.block {
            return;
        }
        let certificate = self.count(signed);
        if self.is_news(&certificate) && quorum::certifies(&self.log, &certificate) {
            let at_once = ack.height > self.log.certified();
            self.record(Event::Certified { certificate: certificate.clone() });
            let due = if at_once { self.now } else { self.now.plus(self.env.limits.tell_delay) };
            self.peers.untold.push((certificate, due));
            let oldest = Height(self.log.head().0.saturating_sub(KEPT_BLOCKS as u64));
            self.peers.acks = self.peers.acks.split_off(&oldest);
        }
    }

    /// P-34: what a group's acks certified is told once: of several certificates those that say what
    /// no other one says, and none that the last block carries to everybody.
    pub(super) fn tell_certificates(&mut self) {
        if self.peers.untold.is_empty() {
            return;
        }
        let log = &self.log;
        let says = |made: &Certificate| (made.ack.height, quorum::strength(log, made));
        let covers = |one: &Certificate, other: &Certificate| {
            let (one, other) = (says(one), says(other));
            one.0 >= other.0 && one.1 >= other.1
        };
        let carried = log.block(log.head()).and_then(|head| head.justification.as_ref());
        let mut kept: Vec<(Certificate, Time)> = Vec::new();
        for (made, due) in std::mem::take(&mut self.peers.untold).into_iter().rev() {
            if carried.is_some_and(|carried| covers(carried, &made)) {
                continue;
            }
            match kept.iter_mut().find(|(later, _)| covers(later, &made)) {
                Some((_, earliest)) => *earliest = due.min(*earliest),
                None => kept.push((made, due)),
            }
        }
        let (told, untold) = kept.into_iter().rev().partition(|(_, due)| *due <= self.now);
        self.peers.untold = untold;
        let told: Vec<(Certificate, Time)> = told;
        for (certificate, _) in told {
            self.perform(Effect::Broadcast(Message::Certificate(certificate)));
        }
    }

    /// When certificates are due to be told.
    pub(super) fn telling_due(&self) -> Option<Time> {
        self.peers.untold.iter().map(|(_, due)| *due).min().filter(|_| self.leads())
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
        let finalised = heartbeat.finalised;
        let behind = certified < self.log.certified() || finalised < self.log.finalised();
        let news = heartbeat.wish > self.log.term();
        self.ask_for_missing(from, &heartbeat);
        self.peers.heard.insert(from, Heard { heartbeat, at: self.now });
        if news {
            self.watch_leader();
        }
        let leads = self.leads();
        if behind && (leads || !self.log.is_open()) {
            self.send_certificates(from, finalised);
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

    /// P-36: the highest certificate by which a node whose last final block is at `since` sees
    /// another one as final. When members left since, acks of those who stay are not enough.
    fn finality_above(&self, since: Height) -> Option<Certificate> {
        let known =
            self.log.entries_from(since.next()).filter_map(|entry| entry.certificate.as_ref());
        let certificates: Vec<&Certificate> = known.collect();
        let finalises = |certificate: &&&Certificate| {
            let height = quorum::finalised_since(&self.log, certificate, since);
            height.is_some_and(|height| height > since)
        };
        certificates.iter().rev().find(finalises).map(|found| (*found).clone())
    }

    fn send_certificates(&mut self, to: NodeId, finalised: Height) {
        let (best, proof) = (self.log.certificate().cloned(), self.log.proof().cloned());
        let proof = proof.filter(|proof| best.as_ref() != Some(proof));
        let passed = finalised < self.log.finalised();
        let finality = passed.then(|| self.finality_above(finalised)).flatten();
        let finality = finality.filter(|finality| best.as_ref() != Some(finality));
        for certificate in best.into_iter().chain(proof).chain(finality) {
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

#[cfg(test)]
mod tests;
