//! The durable half of a channel: what replaying its stored events gives back, byte for byte.
//! [`Log::apply`] is the only way to change it, live and in replay; it decides nothing.

use std::{collections::BTreeMap, sync::Arc};

use fairway_state::State;
use fairway_types::{
    Ack, Address, Block, Certificate, Effects, Epoch, Hash, Height, NodeId, Place, Promise,
    ShownPromise, SignedAck, SignedViewChange, StateKey, Term, Time, View, Weight,
    chain::{ChannelConfig, ChannelFacts, ChannelRecord, EpochGrant, MemberRecord},
    codec,
    evidence::Evidence,
    hash::{Domain, hash_value},
    settlement::{SignedProposal, SignedVote},
    view_change::rank,
};
use serde::{Deserialize, Serialize};

use super::{
    books,
    execution::Start,
    output::{Adopted, Appended, Event},
    quorum::{self, Members},
    snapshot::Durable,
};
use crate::{
    checkpoint::{Checkpoint, Link, Passed},
    settlement::membership::leader_in_turn,
};

/// Blocks (and the states after them) kept in memory below the head, and for how many below it the
/// log knows hash, term and voters: a certificate further down counts for nothing.
pub const KEPT_BLOCKS: usize = 1024;
/// Bytes of blocks and effects kept in memory, as long as there are more than [`LEAST_BLOCKS`].
pub const KEPT_BYTES: usize = 64 << 20;
/// Certificates looked at for one that makes a checkpoint.
const CHECKPOINT_TRIES: usize = 64;
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

/// Members that left and whose dues are still in the books.
pub type Leavers = BTreeMap<Address, Arc<MemberRecord>>;

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
    evidence: Vec<Arc<Evidence>>,
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
            self.evidence.push(Arc::new(evidence.clone()));
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

    /// P-85: goes on from a final block above the head, whose state came from others. What this node
    /// signed and promised stays.
    fn adopt(&mut self, adopted: &Adopted) {
        let Adopted { checkpoint, state, leavers } = adopted;
        let block = &checkpoint.block;
        let members = Arc::new(registered(state));
        self.entries.clear();
        self.bytes = 0;
        self.places = checkpoint
            .places()
            .map(|Passed { height, hash, term, base }| (height, Held { hash, term, base }))
            .collect();
        self.sets = BTreeMap::from([(checkpoint.lowest_base(), Arc::clone(&members))]);
        let leavers = leavers.iter().map(|left| (left.account, Arc::new(left.clone())));
        self.base = Some(Tip {
            height: block.height(),
            hash: block.hash(),
            time: block.header.time,
            state: state.clone(),
            members,
            leavers: Arc::new(leavers.collect()),
        });
        self.floor = Some(Arc::clone(block));
        self.term = self.term.max(block.header.term);
        self.certified = block.height();
        self.certificate = Some(checkpoint.certificate.clone());
        self.proof = Some(checkpoint.certificate.clone());
        self.finalised = block.height();
        self.finality = None;
        self.opened = None;
    }

    /// The block at `height`, while memory holds it.
    #[must_use]
    pub fn block(&self, height: Height) -> Option<&Arc<Block>> {
        let entry = self.entries.get(&height).map(|entry| &entry.block);
        entry.or(self.floor.as_ref().filter(|floor| floor.height() == height))
    }

    /// What others need to go on from a final block, and its state: of the last one about which they
    /// can tell who certifies what comes next. None while memory holds none.
    #[must_use]
    pub fn checkpoint(&self) -> Option<(Checkpoint, State)> {
        let carried = |top: &Certificate| self.block(top.ack.height)?.justification.clone();
        let mut tops = std::iter::successors(self.finality.clone(), carried);
        tops.by_ref().take(CHECKPOINT_TRIES).find_map(|top| {
            let by_all = quorum::is_complete(self, &top).then(|| self.checkpoint_at(&top, None));
            let by_two = || self.checkpoint_at(&carried(&top)?, Some(&top));
            by_all.flatten().or_else(by_two)
        })
    }

    /// A checkpoint of the certificate's block, which `finality` makes final, if it needs that.
    fn checkpoint_at(
        &self,
        certificate: &Certificate,
        finality: Option<&Certificate>,
    ) -> Option<(Checkpoint, State)> {
        let height = certificate.ack.height;
        let block = Arc::clone(self.block(height)?);
        let first = block.header.justified.max(Height(1));
        let before = self
            .between(first, height)?
            .map(|block| Link { header: block.header.clone(), opening: block.opening.clone() });
        let last = finality.unwrap_or(certificate).ack.height;
        let after = self.between(height.next(), last.next())?;
        let after = after.map(|block| block.header.clone()).collect();
        let state = self.tip_at(height)?.state;
        let newest = self.tip_at(last.previous().max(height))?.state;
        let checkpoint = Checkpoint {
            certificate: certificate.clone(),
            before: before.collect(),
            after,
            finality: finality.cloned(),
            registered: books::registered(&newest),
            proof: newest.prove(&StateKey::Registered),
            entries: state.len() as u64,
            block,
        };
        let here = checkpoint.block.header.channel;
        checkpoint.check_links(here).is_ok().then_some((checkpoint, state))
    }

    /// The blocks from `first` up to the one below `end`, if memory holds them all.
    fn between(&self, first: Height, end: Height) -> Option<impl Iterator<Item = &Arc<Block>>> {
        let mut heights = first.0..end.0;
        let all = heights.clone().all(|height| self.block(Height(height)).is_some());
        let blocks = std::iter::from_fn(move || self.block(Height(heights.next()?)));
        all.then_some(blocks)
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

    /// Registered members before the block at `height`.
    #[must_use]
    pub fn members_before(&self, height: Height) -> Option<&Arc<Members>> {
        self.sets.range(..height).next_back().map(|(_, members)| members)
    }

    /// The registered sets of all blocks above the final height up to the one at `height`.
    pub fn sets_before(&self, height: Height) -> impl Iterator<Item = &Arc<Members>> {
        self.sets_between(self.finalised.min(height.previous()), height)
    }

    /// The height of the last block that changed the registered set; zero for none.
    #[must_use]
    pub fn last_set_change(&self) -> Height {
        self.sets.last_key_value().map_or(Height::ZERO, |(height, _)| *height)
    }

    /// Whether a block above `above` and below `height` changed the registered set.
    #[must_use]
    pub fn changes_set(&self, above: Height, height: Height) -> bool {
        above.next() < height && self.sets.range(above.next()..height).next().is_some()
    }

    /// The sets registered before each block above `base` up to the one at `height`.
    pub fn sets_between(
        &self,
        base: Height,
        height: Height,
    ) -> impl Iterator<Item = &Arc<Members>> {
        let first = base;
        let first = self.sets.range(..=first).next_back().map_or(first, |(height, _)| *height);
        self.sets.range(first..height).map(|(_, members)| members)
    }

    /// The last block with transactions that is not final.
    #[must_use]
    pub fn last_unfinal(&self) -> Option<Height> {
        let open = self.entries.range(self.finalised.next()..).rev();
        open.map(|(_, entry)| &entry.block)
            .find(|block| !block.transactions.is_empty())
            .map(|block| block.height())
    }

    /// Blocks in memory, and their bytes.
    #[must_use]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }

    /// The point below the blocks in memory.
    pub(super) fn base(&self) -> Option<&Tip> {
        self.base.as_ref()
    }

    /// The base's block.
    pub(super) fn floor(&self) -> Option<&Arc<Block>> {
        self.floor.as_ref()
    }

    pub(super) fn set_base(&mut self, tip: Tip, floor: Option<Arc<Block>>) {
        self.base = Some(tip);
        self.floor = floor;
    }

    pub(super) fn durable(&self) -> Durable {
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
            evidence: self.evidence.iter().map(|evidence| (**evidence).clone()).collect(),
            proposal: self.proposal.as_deref().cloned(),
            votes: self.votes.clone(),
        }
    }

    /// The rest of a snapshot, once its blocks are in place.
    pub(super) fn set_durable(
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
        self.evidence = durable.evidence.into_iter().map(Arc::new).collect();
        self.proposal = durable.proposal.map(Arc::new);
        self.votes = durable.votes;
        for (height, certificate) in certificates {
            if let Some(entry) = self.entries.get_mut(&height) {
                entry.certificate = Some(certificate);
            }
        }
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

    /// The node that leads the term; `None` before the first, and for a leader not yet in the log or
    /// already paid.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.leader_of(self.term)
    }

    /// P-7, P-71: the node of the member to which the epoch was granted; in the views after the
    /// first, of the members that come after it in join order. A leader leads on after its own
    /// leave, until a settlement has paid it.
    #[must_use]
    pub fn leader_of(&self, term: Term) -> Option<NodeId> {
        let sequence = leader_in_turn(self.grant_of(term.epoch)?, term.view)?;
        let tip = self.tip()?;
        let mut known = tip.members.values().chain(tip.leavers.values());
        known.find(|member| member.join_sequence == sequence).map(|member| member.node)
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

    /// Whether the node's member left and is not paid yet.
    #[must_use]
    pub fn is_leaver(&self, node: &NodeId) -> bool {
        self.tip().is_some_and(|tip| tip.leavers.values().any(|member| member.node == *node))
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
        self.evidence.iter().map(AsRef::as_ref)
    }

    /// The same, for readers that keep it.
    #[must_use]
    pub fn shared_evidence(&self) -> &[Arc<Evidence>] {
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
        use fairway_types::StateReader;
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
        + codec::encode(&appended.block).len()
}

/// Members as a snapshot holds them.
pub(super) fn records(members: &Members) -> Vec<MemberRecord> {
    members.values().map(|member| (**member).clone()).collect()
}

pub(super) fn by_node(records: Vec<MemberRecord>) -> Arc<Members> {
    Arc::new(records.into_iter().map(|member| (member.node, Arc::new(member))).collect())
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

/// Who is in the books as departed but registered no more; who was paid is forgotten.
fn next_leavers(before: &Tip, after: &Arc<Members>, state: &State) -> Arc<Leavers> {
    if before.leavers.is_empty() && Arc::ptr_eq(&before.members, after) {
        return Arc::clone(&before.leavers);
    }
    let left = before.members.values().filter(|member| !after.contains_key(&member.node));
    let mut leavers = (*before.leavers).clone();
    leavers.extend(left.map(|member| (member.account, Arc::clone(member))));
    leavers.retain(|account, _| books::departed(state, *account).is_some());
    Arc::new(leavers)
}

/// The members that a state registers.
#[must_use]
pub fn registered(state: &State) -> Members {
    state
        .entries_from(&StateKey::Member(Address::ZERO))
        .map_while(|(key, value)| key.member().map(|_| value))
        .filter_map(|bytes| codec::decode::<MemberRecord>("member", bytes).ok())
        .map(|member| (member.node, Arc::new(member)))
        .collect()
}

/// P-14: the registered set changes by what the block wrote under `Member`, from the next block on.
fn next_members(before: &Arc<Members>, state: &State, effects: &[Effects]) -> Arc<Members> {
    use fairway_types::StateReader;
    let touched: Vec<Address> = effects
        .iter()
        .flat_map(|effects| &effects.writes)
        .filter_map(|write| write.key.member())
        .collect();
    if touched.is_empty() {
        return Arc::clone(before);
    }
    let mut members = (**before).clone();
    members.retain(|_, member| !touched.contains(&member.account));
    for account in touched {
        if let Some(bytes) = state.read(&StateKey::Member(account))
            && let Ok(member) = codec::decode::<MemberRecord>("member", &bytes)
        {
            members.insert(member.node, Arc::new(member));
        }
    }
    Arc::new(members)
}

/// Total weight of some members.
pub fn weight<'a>(members: impl Iterator<Item = &'a Arc<MemberRecord>>) -> Weight {
    sum(members.map(|member| member.weight))
}

/// Weights come from the chain: a sum too large stays the largest.
pub fn sum(weights: impl Iterator<Item = Weight>) -> Weight {
    Weight(weights.fold(0u64, |sum, weight| sum.saturating_add(weight.0)))
}

#[cfg(test)]
mod tests {
    use fairway_types::{ExecutionStatus, Gas, Write};

    use super::{
        super::bench::{self, Bench},
        *,
    };

    /// A log after `count` blocks of two founders, certified by the first alone: nothing is final.
    fn without_finality(count: u64, effects: &Effects) -> Log {
        let mut bench = Bench::new(2);
        let block = bench.cut_unheard();
        let mut log = bench.nodes[1].log().clone();
        for height in 1..=count {
            let mut block = (*block).clone();
            block.header.height = Height(height);
            block.header.parent = log.tip().unwrap().hash;
            let certificate = bench::certificate(&block, &[0]);
            let effects = Arc::new(vec![effects.clone()]);
            log.apply(&Event::Appended(Appended { block: Arc::new(block), effects, state: None }));
            log.apply(&Event::Certified { certificate });
        }
        log
    }

    fn effects(bytes: usize) -> Effects {
        let key = StateKey::Sequence(Address::from_low(1));
        let write = Write { key, value: Some(vec![1; bytes]) };
        let status = ExecutionStatus::Success;
        Effects { status, gas_used: Gas(0), writes: vec![write], events: Vec::new() }
    }

    /// P-39
    #[test]
    fn log_in_memory_stays_bounded_without_finality() {
        let log = without_finality(3_000, &effects(1));
        assert_eq!((log.certified(), log.finalised()), (Height(3_000), Height::ZERO));
        assert_eq!((log.entries.len(), log.places.len()), (KEPT_BLOCKS, KEPT_BLOCKS));
    }

    #[test]
    fn log_in_memory_is_bounded_by_bytes_too() {
        let log = without_finality(100, &effects(KEPT_BYTES / 50));
        assert!((LEAST_BLOCKS..51).contains(&log.entries.len()), "{}", log.entries.len());
        let log = without_finality(40, &effects(KEPT_BYTES / 20));
        assert_eq!(log.entries.len(), LEAST_BLOCKS);
    }

    #[test]
    fn log_whose_old_blocks_left_memory_comes_back_from_its_snapshot() {
        let log = without_finality(1_100, &effects(1));
        let back = Log::restore(log.snapshot());
        assert_eq!(back.digest(), log.digest());
        assert_eq!((back.places, back.bytes), (log.places, log.bytes));
        assert_eq!(back.sets.keys().collect::<Vec<_>>(), log.sets.keys().collect::<Vec<_>>());
    }
}
