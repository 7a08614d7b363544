//! What other nodes said of themselves, and the acks a leader collects.

use std::collections::BTreeMap;

use fairway_types::{Ack, Certificate, Height, NodeId, Signature, SignedAck, Time};

use super::{
    Channel,
    output::{Effect, Event},
    quorum,
};
use crate::message::{Heartbeat, Message};

#[derive(Debug, Default)]
pub(super) struct Peers {
    heard: BTreeMap<NodeId, Heard>,
    acks: BTreeMap<Height, Acks>,
}

#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub heartbeat: Heartbeat,
    pub at: Time,
}

#[derive(Debug)]
struct Acks {
    ack: Ack,
    signatures: BTreeMap<NodeId, Signature>,
}

impl Peers {
    #[must_use]
    pub(super) fn heard(&self) -> &BTreeMap<NodeId, Heard> {
        &self.heard
    }
}

impl Channel {
    /// P-34: the leader counts an ack once, for the block it holds at that place, from a member
    /// registered before it; it certifies at 2/3 and tells again when everybody acked.
    pub(super) fn on_ack(&mut self, signed: SignedAck) {
        let ack = signed.ack;
        if !self.leads() || ack.channel != self.env.channel {
            return;
        }
        let Some(entry) = self.log.entry(ack.height) else { return };
        if entry.hash != ack.block || entry.block.header.term != ack.term {
            return;
        }
        let Some(parent) = self.log.tip_at(ack.height.previous()) else { return };
        if !parent.members.contains_key(&signed.node) {
            return;
        }
        // A leader that restarted has forgotten its own ack, but stored it.
        let own = self.log.acked().filter(|own| own.ack == ack).map(|own| own.signature);
        let acks = self
            .peers
            .acks
            .entry(ack.height)
            .or_insert_with(|| Acks { ack, signatures: BTreeMap::new() });
        acks.signatures.insert(signed.node, signed.signature);
        acks.signatures.extend(own.map(|signature| (self.me, signature)));
        let complete = acks.signatures.len() == parent.members.len();
        let certificate = Certificate {
            ack: acks.ack,
            signatures: acks
                .signatures
                .iter()
                .map(|(node, signature)| (*node, *signature))
                .collect(),
        };
        let news =
            ack.height > self.log.certified() || (complete && ack.height > self.log.finalised());
        if news && quorum::certifies(&self.log, &certificate) {
            self.record(Event::Certified { certificate: certificate.clone() });
            self.perform(Effect::Broadcast(Message::Certificate(certificate)));
            let oldest = Height(self.log.certified().0.saturating_sub(self.env.limits.window));
            self.peers.acks = self.peers.acks.split_off(&oldest);
        }
    }

    /// P-36: heartbeats repair what the network lost: acks, certificates, blocks.
    pub(super) fn on_heartbeat(&mut self, from: NodeId, heartbeat: Heartbeat) {
        let Some(tip) = self.log.tip() else { return };
        if !tip.members.contains_key(&from) && !self.chain.knows(&from) {
            return;
        }
        if heartbeat.term > self.log.term() {
            self.refresh();
        }
        let (head, certified) = (heartbeat.head, heartbeat.certified);
        let finalised = heartbeat.finalised;
        self.peers.heard.insert(from, Heard { heartbeat, at: self.now });
        if self.leads() {
            let behind = certified < self.log.certified() || finalised < self.log.finalised();
            if behind && let Some(certificate) = self.log.certificate().cloned() {
                let message = Message::Certificate(certificate);
                self.perform(Effect::Send { to: from, message });
            }
            return;
        }
        self.ask_for_missing(from, head);
        let last = self.log.acked().copied();
        if self.log.leader() == Some(from)
            && let Some(ack) = last
            && (ack.ack.height > certified || ack.ack.height > self.log.finalised())
        {
            self.perform(Effect::Send { to: from, message: Message::Ack(ack) });
        }
    }

    pub(super) fn send_heartbeat(&mut self) {
        let Some(tip) = self.log.tip() else { return };
        let heartbeat = Heartbeat {
            term: self.log.term(),
            head: tip.height,
            head_hash: tip.hash,
            certified: self.log.certified(),
            finalised: self.log.finalised(),
            leader_latency: 0,
            hops: 0,
        };
        self.perform(Effect::Broadcast(Message::Heartbeat(heartbeat)));
    }
}
