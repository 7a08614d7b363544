//! One Byzantine member: real channels with its key, whose words are withheld, altered and repeated.
//!
//! It is two channels that know nothing of each other, each talking to some of the members: so it
//! signs two blocks, two acks and two promises where an honest node signs one. What either says is
//! then mutated by the seed. Nothing that fails the check of its signatures is ever sent.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use fairway_proto::{Channel, Checkpoint, Message};
use fairway_state::parts::Part;
use fairway_types::{
    Ack, Block, Certificate, ChannelId, Hash, Height, Keypair, NodeId, Place, Promise,
    ShownPromise, SignedAck, Term, View,
    block::CertifiedBlock,
    chain::ChainTx,
    limits,
    view_change::{ViewChangeSummary, rank},
};
use rand::Rng;

use crate::{choices::Choices, forging, plan::FAR};

/// Old messages kept to be sent again, and certificates to be named again.
const REMEMBERED: usize = 64;
/// Kinds of messages it may withhold.
const KINDS: u8 = 9;

/// What it does, in percent of the occasions; drawn once a run.
#[derive(Debug, Clone, Copy)]
struct Nature {
    twin: bool,
    withholds: u32,
    replays: u32,
    lies: u32,
    equivocates: u32,
    acks_unseen: u32,
    boasts: u32,
    makes_up: u32,
}

impl Nature {
    fn draw(rng: &mut Choices) -> Self {
        let mut often =
            |most: u32| if rng.random_bool(0.4) { rng.random_range(1..=most) } else { 0 };
        Self {
            twin: often(100) > 0,
            withholds: often(60),
            replays: often(10),
            lies: often(80),
            equivocates: often(50),
            acks_unseen: often(40),
            boasts: often(20),
            makes_up: often(10),
        }
    }
}

pub struct Byzantine {
    pub node: usize,
    /// The second channel, if there is one.
    pub twin: Option<Channel>,
    /// The members that the second channel talks to.
    pub sides: BTreeSet<usize>,
    keypair: Keypair,
    channel: ChannelId,
    nature: Nature,
    /// What kinds of messages it keeps from whom.
    withheld: BTreeSet<(u8, usize)>,
    heard: VecDeque<Message>,
    certificates: VecDeque<Certificate>,
    pub acts: BTreeMap<&'static str, u64>,
    /// It may say that it keeps a block no more: where others take snapshots.
    prunes: bool,
}

impl Byzantine {
    #[must_use]
    pub fn new(
        node: usize,
        keypair: Keypair,
        channel: ChannelId,
        twin: Channel,
        rng: &mut Choices,
    ) -> Self {
        let nature = Nature::draw(rng);
        let prunes = nature.lies > 0 && twin.limits().sync_blocks_most < FAR;
        Self {
            node,
            twin: nature.twin.then_some(twin),
            sides: BTreeSet::new(),
            keypair,
            channel,
            nature,
            withheld: BTreeSet::new(),
            heard: VecDeque::new(),
            certificates: VecDeque::new(),
            acts: BTreeMap::new(),
            prunes,
        }
    }

    /// Chooses anew whom to keep what from, and who talks to which of its channels.
    pub fn scheme(&mut self, nodes: usize, rng: &mut Choices) {
        self.sides = (0..nodes).filter(|_| rng.random_bool(0.5)).collect();
        self.withheld.clear();
        for kind in 0..KINDS {
            for node in 0..nodes {
                if rng.random_range(0..100) < self.nature.withholds {
                    self.withheld.insert((kind, node));
                }
            }
        }
    }

    pub(crate) fn count(&mut self, act: &'static str) {
        *self.acts.entry(act).or_default() += 1;
    }

    /// What it says at once to somebody else's word: acks of what it has not executed.
    pub fn answer(&mut self, message: &Message, rng: &mut Choices) -> Vec<Message> {
        self.remember(message);
        let mut said = Vec::new();
        if let Message::Block(block) = message
            && self.chance(self.nature.acks_unseen, rng)
        {
            self.count("acked unseen");
            said.push(Message::Ack(self.ack(block.header.term, block.height(), block.hash())));
        }
        if self.chance(self.nature.makes_up, rng)
            && let Some(made_up) = self.make_up(message, rng)
        {
            self.count("made up a block");
            said.push(made_up);
        }
        said
    }

    /// What becomes of a word of one of its channels to the member `to`.
    pub fn mutate(&mut self, to: usize, message: Message, rng: &mut Choices) -> Vec<Message> {
        let message = match forging::vouched(&self.keypair, message.clone()) {
            Some(vouched) => {
                self.count("vouched for a forged call");
                vouched
            }
            None => message,
        };
        self.remember(&message);
        let mut said = Vec::new();
        if self.chance(self.nature.replays, rng) && !self.heard.is_empty() {
            self.count("replayed");
            said.push(self.heard[rng.random_range(0..self.heard.len())].clone());
        }
        if self.withheld.contains(&(kind(&message), to)) {
            self.count("withheld");
            return said;
        }
        let altered = match &message {
            Message::ViewChange(promise) if self.chance(self.nature.lies, rng) => {
                self.count("lied in a view change");
                self.lie(promise, rng)
            }
            Message::Block(block) if self.chance(self.nature.equivocates, rng) => {
                self.count("equivocated");
                self.other_block(block, rng)
            }
            Message::Ack(ack) if self.chance(self.nature.equivocates, rng) => {
                self.count("acked two blocks");
                let hash = self.other_hash(ack.ack.height, rng);
                Some(Message::Ack(self.ack(ack.ack.term, ack.ack.height, hash)))
            }
            Message::Heartbeat(_) if self.chance(self.nature.boasts, rng) => {
                self.count("boasted");
                boast(&message, rng)
            }
            Message::StatePart { .. } if self.chance(self.nature.lies, rng) => {
                self.count("handed out another state");
                other_part(&message, rng)
            }
            Message::Checkpoint(checkpoint) if self.chance(self.nature.lies, rng) => {
                self.count("handed out another checkpoint");
                other_checkpoint(checkpoint, rng)
            }
            Message::SyncBlocks(blocks) if self.prunes && self.chance(self.nature.lies, rng) => {
                self.count("said it was pruned");
                let first = blocks.first().map(|entry| entry.block.height());
                first.map(|from| Message::Pruned { from })
            }
            Message::SyncBlocks(blocks) if self.chance(self.nature.withholds, rng) => {
                self.count("served some");
                serve_some(blocks, rng)
            }
            _ => None,
        };
        said.push(altered.filter(|altered| altered.clone().verify().is_ok()).unwrap_or(message));
        said
    }

    fn chance(&self, percent: u32, rng: &mut Choices) -> bool {
        percent > 0 && rng.random_range(0..100) < percent
    }

    fn remember(&mut self, message: &Message) {
        let certificate = match message {
            Message::Certificate(certificate) => Some(certificate),
            Message::Block(block) => block.justification.as_ref(),
            _ => None,
        };
        if let Some(certificate) = certificate
            && self.certificates.back() != Some(certificate)
        {
            push(&mut self.certificates, certificate.clone());
        }
        if !matches!(message, Message::Heartbeat(_)) {
            push(&mut self.heard, message.clone());
        }
    }

    fn ack(&self, term: Term, height: Height, block: Hash) -> SignedAck {
        let channel = self.channel;
        let ack = Ack { channel, term, height, block };
        SignedAck { ack, node: self.keypair.node_id(), signature: self.keypair.sign(&ack) }
    }

    /// Hash of some block that it heard of at the height, or one that nobody ever made.
    fn other_hash(&self, height: Height, rng: &mut Choices) -> Hash {
        let blocks = self.heard.iter().filter_map(|message| match message {
            Message::Block(block) if block.height() == height => Some(block.hash()),
            _ => None,
        });
        let known: Vec<Hash> = blocks.collect();
        if known.is_empty() { Hash(rng.random()) } else { known[rng.random_range(0..known.len())] }
    }

    /// A promise for the same term that says something else.
    fn lie(&self, promise: &Promise, rng: &mut Choices) -> Option<Message> {
        let mut lie = promise.clone();
        let change = &mut lie.signed.view_change;
        match rng.random_range(0..5) {
            // It acked nothing.
            0 => change.acked.clear(),
            // It has seen an older certificate only, or none, and acked nothing above.
            1 => {
                let older = self.certificates.iter().filter(|known| {
                    promise.base().is_some_and(|base| rank(&known.ack) < rank(&base.ack))
                });
                let older: Vec<&Certificate> = older.collect();
                let chosen = (!older.is_empty()).then(|| older[rng.random_range(0..older.len())]);
                (lie.proof, lie.certificate) = (None, chosen.cloned());
                change.proof = None;
                change.certificate = chosen.map(|known| known.ack);
                change.acked.clear();
            }
            // It acked blocks that nobody made.
            2 => {
                let made_up = Place { hash: Hash(rng.random()), term: change.term };
                for _ in 0..rng.random_range(1..4) {
                    change.acked.push(made_up);
                }
            }
            // It acked the same blocks in a later term.
            3 => {
                let term = change.term;
                change.acked.iter_mut().for_each(|place| place.term = term);
            }
            // It acked other blocks that it has seen.
            _ => {
                let mut height = change.base();
                for place in &mut change.acked {
                    height = height.next();
                    place.hash = self.other_hash(height, rng);
                }
            }
        }
        change.acked.truncate(limits::ACKED_AHEAD);
        lie.signed.signature = self.keypair.sign(&lie.signed.view_change.summary());
        Some(Message::ViewChange(Box::new(lie)))
    }

    /// Another block for the same place: later by a moment, or opened by fewer promises.
    fn other_block(&self, block: &Arc<Block>, rng: &mut Choices) -> Option<Message> {
        if block.leader != self.keypair.node_id() {
            return None;
        }
        let mut other = (**block).clone();
        if let Some(opening) = &mut other.opening {
            let count = opening.view_changes.len();
            opening.view_changes.remove(rng.random_range(0..count));
            other.header.opening = Some(opening.hash());
        } else {
            other.header.time = other.header.time.plus(rng.random_range(1..5));
        }
        Some(Message::Block(Arc::new(self.sign(other))))
    }

    /// A block of its own that fits nowhere, like one it has seen.
    fn make_up(&self, seen: &Message, rng: &mut Choices) -> Option<Message> {
        let Message::Block(block) = seen else { return None };
        let mut made_up = (**block).clone();
        made_up.leader = self.keypair.node_id();
        match rng.random_range(0..4) {
            0 => made_up.header.height = Height(block.height().0 + rng.random_range(1..40)),
            1 => made_up.header.term.view.0 += rng.random_range(1..3),
            2 => made_up.header.effects_root = Hash(rng.random()),
            _ => made_up.header.parent = Hash(rng.random()),
        }
        let made_up = Arc::new(self.sign(made_up));
        let message = if rng.random_bool(0.5) {
            Message::Block(made_up)
        } else {
            Message::SyncBlocks(vec![CertifiedBlock { block: made_up, certificate: None }])
        };
        message.verify().ok().map(fairway_types::Verified::into_inner)
    }

    /// Shows the contract a view: one that may not have begun, an old one, or one that nobody
    /// promised.
    pub fn show_term(&mut self, now: Term, rng: &mut Choices) -> Option<ChainTx> {
        if !self.chance(self.nature.lies, rng) {
            return None;
        }
        let heard: Vec<&Promise> = self
            .heard
            .iter()
            .filter_map(|message| match message {
                Message::ViewChange(promise) => Some(&**promise),
                _ => None,
            })
            .collect();
        let channel = self.channel;
        let any = (!heard.is_empty()).then(|| heard[rng.random_range(0..heard.len())].term());
        let later = Term { view: View(now.view.0 + rng.random_range(1..4)), ..now };
        let signed = any.filter(|_| rng.random_bool(0.8)).unwrap_or(later);
        let own = ViewChangeSummary { channel, term: signed, rest: Hash(rng.random()) };
        let signature = self.keypair.sign(&own);
        let own = ShownPromise { node: self.keypair.node_id(), rest: own.rest, signature };
        let others = heard.iter().filter(|promise| promise.term() == signed);
        let mut promises: BTreeMap<NodeId, ShownPromise> =
            others.map(|promise| (promise.signed.node, promise.signed.shown())).collect();
        promises.insert(own.node, own);
        let mut promises: Vec<ShownPromise> = promises.into_values().collect();
        if rng.random_bool(0.2) {
            promises.extend(promises.clone());
        }
        let term = if rng.random_bool(0.2) { later } else { signed };
        self.count("showed a term");
        Some(ChainTx::ShowTerm { channel, term, promises })
    }

    fn sign(&self, mut block: Block) -> Block {
        block.signature = self.keypair.sign(&block.header);
        block
    }

    #[must_use]
    pub fn id(&self) -> NodeId {
        self.keypair.node_id()
    }
}

fn push<T>(kept: &mut VecDeque<T>, value: T) {
    if kept.len() == REMEMBERED {
        kept.pop_front();
    }
    kept.push_back(value);
}

fn boast(message: &Message, rng: &mut Choices) -> Option<Message> {
    let Message::Heartbeat(mut heartbeat) = message.clone() else { return None };
    match rng.random_range(0..5) {
        0 => heartbeat.head = Height(heartbeat.head.0 + rng.random_range(1..1_000)),
        1 => heartbeat.head_hash = Hash(rng.random()),
        2 => heartbeat.wish.view.0 += rng.random_range(1..4),
        3 => heartbeat.term.view.0 += rng.random_range(1..4),
        _ => (heartbeat.certified, heartbeat.finalised) = (Height(0), Height(0)),
    }
    Some(Message::Heartbeat(heartbeat))
}

fn serve_some(blocks: &[CertifiedBlock], rng: &mut Choices) -> Option<Message> {
    let mut some = blocks.to_vec();
    match rng.random_range(0..3) {
        0 => some.truncate(rng.random_range(0..=blocks.len())),
        1 => some.iter_mut().for_each(|entry| entry.certificate = None),
        _ => some.reverse(),
    }
    Some(Message::SyncBlocks(some))
}

/// A part with an entry that is another, or none where there is one.
fn other_part(message: &Message, rng: &mut Choices) -> Option<Message> {
    let Message::StatePart { root, prefix, part } = message.clone() else { return None };
    let Some(Part::Entries(mut entries)) = part else { return None };
    if entries.is_empty() || rng.random_bool(0.3) {
        return Some(Message::StatePart { root, prefix, part: None });
    }
    let index = rng.random_range(0..entries.len());
    if rng.random_bool(0.5) {
        entries[index].1 = Arc::from([rng.random::<u8>()].as_slice());
    } else {
        entries.remove(index);
    }
    Some(Message::StatePart { root, prefix, part: Some(Part::Entries(entries)) })
}

/// A checkpoint that says less, or something else, than it should.
fn other_checkpoint(checkpoint: &Checkpoint, rng: &mut Choices) -> Option<Message> {
    let mut other = checkpoint.clone();
    match rng.random_range(0..5) {
        0 => drop(other.before.pop()),
        1 => drop(other.certificate.signatures.pop()),
        2 => drop(other.finality.take()),
        3 => other.registered = Some(Height(rng.random_range(0..10))),
        _ => other.entries = rng.random(),
    }
    Some(Message::Checkpoint(Box::new(other)))
}

fn kind(message: &Message) -> u8 {
    match message {
        Message::Block(_) => 0,
        Message::Ack(_) => 1,
        Message::Certificate(_) => 2,
        Message::Heartbeat(_) => 3,
        Message::ViewChange(_) => 4,
        Message::SyncBlocks(_)
        | Message::SyncRequest { .. }
        | Message::Pruned { .. }
        | Message::CheckpointRequest { .. }
        | Message::Checkpoint(_)
        | Message::PartRequest { .. }
        | Message::StatePart { .. } => 5,
        Message::Proposal(_) => 6,
        Message::Vote(_) => 7,
        Message::Forward(_)
        | Message::Refused { .. }
        | Message::Report(_)
        | Message::Bundle(_)
        | Message::Verdict(_) => 8,
        Message::Recover { .. } | Message::Standing(_) => 9,
    }
}
