//! The durable half of a channel: what replaying its stored events gives back, byte for byte.
//! [`Log::apply`] is the only way to change it, live and in replay; it decides nothing.

mod checkpoint;
mod members;
mod stored;
mod views;

use std::{collections::BTreeMap, sync::Arc};

use fairway_state::State;
use fairway_types::{
    Ack, Block, Certificate, Effects, Epoch, Hash, Height, Promise, ShownPromise, SignedAck,
    SignedViewChange, Term, Time, View,
    chain::{ChannelConfig, ChannelFacts, ChannelRecord, EpochGrant, MemberRecord},
    codec,
    evidence::Evidence,
    hash::{Domain, hash_value},
    settlement::{SignedProposal, SignedVote},
    view_change::rank,
};
use serde::{Deserialize, Serialize};

pub use members::{Leavers, registered, sum, weight};
pub(super) use members::{by_node, records};

use self::members::{next_leavers, next_members};
use super::{
    execution::Start,
    found::Found,
    output::{Appended, Event},
    quorum::{self, Members},
};

/// Blocks (and the states after them) kept in memory below the head, and for how many below it the
/// log knows hash, term and voters: a certificate further down counts for nothing.
pub const KEPT_BLOCKS: usize = 1024;
/// Bytes of blocks and effects kept in memory, as long as there are more than [`LEAST_BLOCKS`].
pub const KEPT_BYTES: usize = 16 << 20;
/// Blocks kept whatever their size.
pub const LEAST_BLOCKS: usize = 32;

/// A block in the log with what it did and who may certify what follows it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub block: Arc<Block>,
    pub hash: Hash,
    pub effects: Arc<Vec<Effects>>,
    /// The state after the block.
    pub state: State,
    /// Registered members after the block: they ack its successor.
    pub members: Arc<Members>,
    pub leavers: Arc<Leavers>,
    pub certificate: Option<Certificate>,
    /// About what block and effects take in memory.
    bytes: usize,
}

/// What certificates of a block are checked against, long after the block has left memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub hash: Hash,
    pub term: Term,
    /// Every set registered above this height has its say about the block: the parent's, and below
    /// it only for a block that opens a term over uncertified ones.
    pub base: Height,
}

/// The last block with an opening, and who promised it: what shows the contract a term (P-47), long
/// after the block has left memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub height: Height,
    pub term: Term,
    pub promises: Vec<ShownPromise>,
}

/// The newest point of the log: genesis or a block.
#[derive(Debug, Clone)]
pub struct Tip {
    pub height: Height,
    pub hash: Hash,
    pub time: Time,
    pub state: State,
    pub members: Arc<Members>,
    pub leavers: Arc<Leavers>,
}

impl Tip {
    /// Where the next block begins.
    #[must_use]
    pub fn start(&self) -> Start<'_> {
        Start { height: self.height, hash: self.hash, state: &self.state }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Log {
    genesis: Option<Arc<Genesis>>,
    grants: BTreeMap<Epoch, EpochGrant>,
    term: Term,
    base: Option<Tip>,
    /// The block of the base; none for genesis.
    floor: Option<Arc<Block>>,
    entries: BTreeMap<Height, Entry>,
    bytes: usize,
    places: BTreeMap<Height, Held>,
    /// The registered set after each height at which it changed.
    sets: BTreeMap<Height, Arc<Members>>,
    certified: Height,
    certificate: Option<Certificate>,
    proof: Option<Certificate>,
    finalised: Height,
    /// What made the last final block final.
    finality: Option<Certificate>,
    /// Where the term of the last view change began, if this node promised it.
    promise: Option<Arc<Promise>>,
    tail_lost: bool,
    /// Up to which term this node may have signed what it does not know.
    silent_to: Option<Term>,
    acked: Option<SignedAck>,
    /// Up to where the log goes through what this node acked.
    acked_to: Height,
    opened: Option<Arc<Opened>>,
    /// One of leading and one of acking an accused node.
    evidence: Vec<Found>,
    proposal: Option<Arc<SignedProposal>>,
    votes: BTreeMap<Hash, SignedVote>,
}

/// What the chain's record gave before the first block.
#[derive(Debug, Clone)]
pub struct Genesis {
    pub record: ChannelRecord,
    pub tip: Tip,
}

/// A hashable summary of a log; equal digests mean equal logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub term: Term,
    pub head: Height,
    pub head_hash: Hash,
    pub state_root: Hash,
    pub certified: Height,
    pub finalised: Height,
    pub settled: u64,
    pub acked: Option<Ack>,
    pub members: Vec<MemberRecord>,
    pub halted: bool,
    pub votes: Vec<Hash>,
}

/// The hash that height 1 names as its parent.
pub fn genesis_hash(record: &ChannelRecord, root: Hash) -> Hash {
    genesis_hash_of(&record.facts(), &record.config, &record.founders, root)
}

/// The same, where the record is not at hand. It covers all facts: the last two are in the config.
pub fn genesis_hash_of(
    facts: &ChannelFacts,
    config: &ChannelConfig,
    founders: &[MemberRecord],
    root: Hash,
) -> Hash {
    let identity = (facts.chain, facts.channel, facts.creator, facts.package, config, founders);
    hash_value(Domain::Genesis, &(identity, root))
}

impl Log {
    /// P-1: the log changes by events alone, the same live and in replay.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Started { record, writes } => self.start(record, writes),
            Event::TermStarted { grant } => self.start_term(grant),
            Event::Appended(appended) => self.append(appended),
            Event::Acked { ack } => {
                self.acked = Some(*ack);
                self.acked_to = ack.ack.height;
            }
            Event::Certified { certificate } => self.certify(certificate),
            Event::Promised { promise } => {
                self.term = promise.term();
                self.promise = Some(Arc::new((**promise).clone()));
            }
            Event::RolledBack { to } => self.roll_back(*to),
            Event::SettledOnChain { height } => self.settle_on_chain(*height),
            Event::TailLost => self.tail_lost = true,
            Event::Recovered { silent_to } => self.recover(*silent_to),
            Event::Adopted(adopted) => self.adopt(adopted),
            Event::Diverged { evidence } => self.accuse(evidence),
            Event::Proposed { proposal } => self.propose(proposal),
            Event::Voted { vote } => {
                self.votes.insert(vote.vote.proposal, (**vote).clone());
            }
        }
    }

    /// P-105: the certificates above say more now: who left below has no say about them any more.
    fn settle_on_chain(&mut self, height: Height) {
        self.finalised = self.finalised.max(height);
        let above = self.entries.range(height..).filter_map(|(_, entry)| entry.certificate.clone());
        for certificate in above.collect::<Vec<_>>() {
            self.certify(&certificate);
        }
    }

    /// P-91: any block here may be one that this node acked.
    fn recover(&mut self, silent_to: Term) {
        self.tail_lost = false;
        self.silent_to = self.silent_to.max(Some(silent_to));
        self.acked_to = self.head();
    }

    fn start(&mut self, record: &ChannelRecord, writes: &[fairway_types::Write]) {
        let state = State::default().with_writes(writes);
        let members: Members =
            record.founders.iter().map(|member| (member.node, Arc::new(member.clone()))).collect();
        let tip = Tip {
            height: Height::ZERO,
            hash: genesis_hash(record, state.root()),
            time: Time::ZERO,
            state,
            members: Arc::new(members),
            leavers: Arc::default(),
        };
        self.base = Some(tip.clone());
        self.sets.insert(Height::ZERO, Arc::clone(&tip.members));
        self.genesis = Some(Arc::new(Genesis { record: record.clone(), tip }));
    }

    /// Votes are kept for the settlement that is next: one of another number makes them history.
    fn propose(&mut self, proposal: &SignedProposal) {
        let number = self.proposal.as_ref().map(|known| known.proposal.number);
        if number != Some(proposal.proposal.number) {
            self.votes.clear();
        }
        self.proposal = Some(Arc::new(proposal.clone()));
    }

    fn accuse(&mut self, evidence: &Evidence) {
        let accused = evidence.accused();
        let is_known = match evidence.is_about_leading() {
            true => self.evidence_against(&accused).is_some(),
            false => self.has_acked_twice(&accused),
        };
        if !is_known {
            self.evidence.push(Found::from(evidence.clone()));
        }
    }

    fn start_term(&mut self, grant: &EpochGrant) {
        // P-3: later terms begin with a certificate of their own.
        if self.term == Term::default() {
            self.term = Term { epoch: grant.epoch, view: View::default() };
        }
        self.grants.insert(grant.epoch, grant.clone());
        while self.grants.len() > KEPT_BLOCKS {
            self.grants.pop_first();
        }
    }

    fn append(&mut self, appended: &Appended) {
        let Some(tip) = self.tip() else { return };
        let state = appended.state.clone().unwrap_or_else(|| {
            tip.state.with_writes(&super::execution::merged_writes(&appended.effects))
        });
        let members = next_members(&tip.members, &state, &appended.effects);
        let leavers = next_leavers(&tip, &members, &state);
        let entry = Entry {
            hash: appended.block.hash(),
            block: Arc::clone(&appended.block),
            effects: Arc::clone(&appended.effects),
            state,
            members,
            leavers,
            certificate: None,
            bytes: size(appended),
        };
        self.term = self.term.max(appended.block.header.term);
        self.insert(entry, &tip.members);
        if let Some(certificate) = &appended.block.justification {
            self.certify(certificate);
        }
        self.forget_old();
    }

    fn insert(&mut self, entry: Entry, before: &Arc<Members>) {
        let header = &entry.block.header;
        let opening = entry.block.opening.as_ref();
        // A certificate that was superseded may be higher than what superseded it.
        let below = header.height.previous();
        let base = opening.map_or(below, |opening| opening.base_height().min(below));
        let held = Held { hash: entry.hash, term: header.term, base };
        self.places.insert(header.height, held);
        if let Some(opening) = opening {
            let promises = opening.view_changes.iter().map(SignedViewChange::shown).collect();
            let opened = Opened { height: header.height, term: header.term, promises };
            self.opened = Some(Arc::new(opened));
        }
        // P-15: when nobody stays, the last ones go on, so that they can be paid.
        if !Arc::ptr_eq(before, &entry.members) && !entry.members.is_empty() {
            self.sets.insert(header.height, Arc::clone(&entry.members));
        }
        self.bytes += entry.bytes;
        self.entries.insert(header.height, entry);
    }

    /// P-73: takes back the blocks above `to`. Nothing final is ever taken back.
    fn roll_back(&mut self, to: Height) {
        let to = to.max(self.finalised);
        self.acked_to = self.acked_to.min(to);
        let dropped = self.entries.split_off(&to.next());
        self.bytes -= dropped.values().map(|entry| entry.bytes).sum::<usize>();
        drop(self.places.split_off(&to.next()));
        drop(self.sets.split_off(&to.next()));
        self.opened = self.opened.take().filter(|opened| opened.height <= to);
        let is_gone =
            |kept: &Option<Certificate>| kept.as_ref().is_some_and(|kept| kept.ack.height > to);
        if is_gone(&self.certificate) {
            self.certificate = self.highest(|_, _| true);
            let height = self.certificate.as_ref().map(|certificate| certificate.ack.height);
            self.certified = height.unwrap_or(self.finalised);
        }
        if is_gone(&self.proof) {
            self.proof = self.highest(quorum::has_registered_quorum);
        }
    }

    /// The highest certificate of a block in memory that is `fit`.
    fn highest(&self, fit: impl Fn(&Self, &Certificate) -> bool) -> Option<Certificate> {
        let known = self.entries.values().rev().filter_map(|entry| entry.certificate.as_ref());
        known.into_iter().find(|certificate| fit(self, certificate)).cloned()
    }

    /// Keeps what a certificate says, as far as members signed it.
    fn certify(&mut self, certificate: &Certificate) {
        let certificate = quorum::members_only(self, certificate);
        let height = certificate.ack.height;
        if let Some(entry) = self.entries.get_mut(&height)
            && says_more(entry.certificate.as_ref(), &certificate)
        {
            entry.certificate = Some(certificate.clone());
        }
        if says_more(self.certificate.as_ref(), &certificate) {
            self.certified = height;
            self.certificate = Some(certificate.clone());
        }
        let is_proof = quorum::has_registered_quorum(self, &certificate);
        if is_proof && says_more(self.proof.as_ref(), &certificate) {
            self.proof = Some(certificate.clone());
        }
        if let Some(height) = quorum::finalised_by(self, &certificate)
            && height >= self.finalised
        {
            self.finalised = height;
            self.finality = Some(certificate);
        }
    }

    /// P-39: what is in memory is bounded by blocks and by bytes, whatever is certified or final;
    /// the store keeps all.
    fn forget_old(&mut self) {
        let too_many = |log: &Self| {
            let blocks = log.entries.len();
            blocks > KEPT_BLOCKS || (log.bytes > KEPT_BYTES && blocks > LEAST_BLOCKS)
        };
        while too_many(self) {
            let Some((_, entry)) = self.entries.pop_first() else { return };
            self.bytes -= entry.bytes;
            self.base = Some(tip_of(&entry));
            self.floor = Some(entry.block);
        }
        while self.places.len() > KEPT_BLOCKS {
            self.places.pop_first();
        }
        let oldest = self.places.first_key_value().map_or(Height::ZERO, |(height, _)| *height);
        let needed = oldest.previous().min(self.finalised);
        let first = self.sets.range(..=needed).next_back().map(|(height, _)| *height);
        if let Some(first) = first {
            self.sets = self.sets.split_off(&first);
        }
    }
}

/// Whether `new` is of a higher block than `known`, or of the same with more signatures.
fn says_more(known: Option<&Certificate>, new: &Certificate) -> bool {
    let rank = |certificate: &Certificate| (rank(&certificate.ack), certificate.signatures.len());
    known.is_none_or(|known| rank(known) < rank(new))
}

fn size(appended: &Appended) -> usize {
    let writes = appended.effects.iter().flat_map(|effects| &effects.writes);
    let events = appended.effects.iter().flat_map(|effects| &effects.events);
    writes.map(|write| 64 + write.value.as_ref().map_or(0, Vec::len)).sum::<usize>()
        + events.map(|event| 64 + event.data.len()).sum::<usize>()
        + codec::size(&appended.block)
}

fn tip_of(entry: &Entry) -> Tip {
    Tip {
        height: entry.block.height(),
        hash: entry.hash,
        time: entry.block.header.time,
        state: entry.state.clone(),
        members: Arc::clone(&entry.members),
        leavers: Arc::clone(&entry.leavers),
    }
}

#[cfg(test)]
mod tests;
