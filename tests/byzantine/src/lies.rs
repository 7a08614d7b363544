//! What each lie changes of what leaves the node.

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{Arc, OnceLock},
};

use anyhow::bail;
use fairway::driver::Alters;
use fairway_proto::{Message, message::Heartbeat};
use fairway_types::{
    Block, Hash, Header, Height, Keypair, NodeId, SignedAck, evidence::Evidence,
    settlement::SignedVote,
};

/// What no honest node commits to.
const FALSE: Hash = Hash([0x1e; 32]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Root,
    Effects,
    Twins,
    Deaf,
    Acks,
    Votes,
    Heartbeats,
    Slander,
}

impl FromStr for Lie {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        Ok(match name {
            "root" => Self::Root,
            "effects" => Self::Effects,
            "twins" => Self::Twins,
            "deaf" => Self::Deaf,
            "acks" => Self::Acks,
            "votes" => Self::Votes,
            "heartbeats" => Self::Heartbeats,
            "slander" => Self::Slander,
            other => bail!("{other:?} is no lie: see the head of main.rs"),
        })
    }
}

pub(crate) struct Liar {
    pub(crate) lie: Lie,
    pub(crate) key: Keypair,
    /// It lies once this exists.
    pub(crate) cue: PathBuf,
    /// What it says of an honest leader, once it has made that up.
    pub(crate) slander: Arc<OnceLock<Evidence>>,
}

impl Alters for Liar {
    fn altered(&self, _: NodeId, frame: &Arc<[u8]>) -> Vec<Arc<[u8]>> {
        let message = if self.cue.exists() { Message::decode(frame).ok() } else { None };
        let Some(message) = message else { return vec![Arc::clone(frame)] };
        self.lies(message).into_iter().map(|message| message.encode().into()).collect()
    }
}

impl Liar {
    fn lies(&self, honest: Message) -> Vec<Message> {
        match (self.lie, &honest) {
            (Lie::Root, Message::Block(block)) => {
                vec![self.other_block(block, |header| header.state_root = FALSE)]
            }
            (Lie::Effects, Message::Block(block)) => {
                vec![self.other_block(block, |header| header.effects_root = FALSE)]
            }
            (Lie::Twins, Message::Block(block)) => {
                let twin = self.other_block(block, |header| header.time = header.time.plus(1));
                vec![honest, twin]
            }
            (Lie::Deaf, Message::Block(_)) => Vec::new(),
            (Lie::Acks, Message::Ack(ack)) => {
                let other = Message::Ack(self.other_ack(*ack));
                vec![honest, other]
            }
            (Lie::Votes, Message::Vote(vote)) => {
                let other = Message::Vote(self.other_vote(vote));
                vec![other, honest]
            }
            (Lie::Heartbeats, Message::Heartbeat(heartbeat)) => vec![far_ahead(heartbeat)],
            (Lie::Slander, Message::Heartbeat(_)) => {
                let slander = self.slander.get().cloned().map(Box::new).map(Message::Report);
                slander.into_iter().chain([honest]).collect()
            }
            _ => vec![honest],
        }
    }

    fn other_block(&self, block: &Block, change: impl FnOnce(&mut Header)) -> Message {
        let mut other = block.clone();
        change(&mut other.header);
        other.signature = self.key.sign(&other.header);
        Message::Block(Arc::new(other))
    }

    fn other_ack(&self, honest: SignedAck) -> SignedAck {
        let mut ack = honest.ack;
        ack.block = FALSE;
        SignedAck { ack, node: self.key.node_id(), signature: self.key.sign(&ack) }
    }

    /// The opposite, about the same proposal.
    fn other_vote(&self, honest: &SignedVote) -> SignedVote {
        let mut other = honest.clone();
        other.vote.yes = !other.vote.yes;
        other.signature = self.key.sign(&other.vote);
        other
    }
}

/// It has more than there is, all of it certified.
fn far_ahead(honest: &Heartbeat) -> Message {
    let far = Height(u64::MAX);
    let claims = Heartbeat { head: far, certified: far, finalised: far, ..honest.clone() };
    Message::Heartbeat(claims)
}
