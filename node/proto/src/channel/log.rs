//! The durable half of a channel: what replaying its stored events gives back, byte for byte.
//! [`Log::apply`] is the only way to change it, live and in replay; it decides nothing.

use std::{collections::BTreeMap, sync::Arc};

use fairway_state::State;
use fairway_types::{
    Ack, Address, Block, Certificate, Effects, Epoch, Hash, Height, NodeId, SignedAck, StateKey,
    Term, Time, Weight,
    chain::{ChannelRecord, EpochGrant, MemberRecord},
    codec,
    evidence::Evidence,
    hash::{Domain, hash_value},
    settlement::{SignedProposal, SignedVote},
};
use serde::{Deserialize, Serialize};

use super::{
    output::{Appended, Event},
    quorum::{self, Members},
    snapshot::Durable,
};

/// Blocks (and the states after them) kept in memory below the head.
pub const KEPT_BLOCKS: usize = 1024;

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
    pub certificate: Option<Certificate>,
}

/// The newest point of the log: genesis or a block.
#[derive(Debug, Clone)]
pub struct Tip {
    pub height: Height,
    pub hash: Hash,
    pub time: Time,
    pub state: State,
    pub members: Arc<Members>,
}

#[derive(Debug, Clone, Default)]
pub struct Log {
    genesis: Option<Arc<Genesis>>,
    grants: BTreeMap<Epoch, EpochGrant>,
    term: Term,
    base: Option<Tip>,
    entries: BTreeMap<Height, Entry>,
    certified: Height,
    certificate: Option<Certificate>,
    finalised: Height,
    /// Members that left and whose dues are still in the books.
    leavers: BTreeMap<Address, Arc<MemberRecord>>,
    acked: Option<SignedAck>,
    evidence: Option<Arc<Evidence>>,
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
    let identity = (
        record.chain,
        record.channel,
        record.creator,
        record.package,
        &record.config,
        &record.founders,
    );
    hash_value(Domain::Genesis, &(identity, root))
}

impl Log {
    /// P-1: the log changes by events alone, the same live and in replay.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Started { record, writes } => self.start(record, writes),
            Event::TermStarted { grant } => self.start_term(grant),
            Event::Appended(appended) => self.append(appended),
            Event::Acked { ack } => self.acked = Some(*ack),
            Event::Certified { certificate } => self.certify(certificate),
            Event::Diverged { evidence } => self.evidence = Some(Arc::new((**evidence).clone())),
            Event::Proposed { proposal } => self.proposal = Some(Arc::new((**proposal).clone())),
            Event::Voted { vote } => {
                self.votes.insert(vote.vote.proposal, (**vote).clone());
            }
        }
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
        };
        self.base = Some(tip.clone());
        self.genesis = Some(Arc::new(Genesis { record: record.clone(), tip }));
    }

    fn start_term(&mut self, grant: &EpochGrant) {
        self.term = Term { epoch: grant.epoch, view: Default::default() };
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
        self.note_leavers(&tip.members, &members, &state);
        let entry = Entry {
            hash: appended.block.hash(),
            block: Arc::clone(&appended.block),
            effects: Arc::clone(&appended.effects),
            state,
            members,
            certificate: None,
        };
        self.entries.insert(entry.block.height(), entry);
        if let Some(certificate) = &appended.block.justification
            && certificate.ack.height > self.certified
        {
            self.certify(certificate);
        }
        self.forget_old();
    }

    /// Who is in the books as departed but registered no more; who was paid is forgotten.
    fn note_leavers(&mut self, before: &Arc<Members>, after: &Arc<Members>, state: &State) {
        if !Arc::ptr_eq(before, after) {
            let left = before.values().filter(|member| !after.contains_key(&member.node));
            self.leavers.extend(left.map(|member| (member.account, Arc::clone(member))));
        }
        self.leavers.retain(|account, _| super::books::departed(state, *account).is_some());
    }

    fn certify(&mut self, certificate: &Certificate) {
        let height = certificate.ack.height;
        if let Some(entry) = self.entries.get_mut(&height) {
            let more = entry
                .certificate
                .as_ref()
                .is_none_or(|known| known.signatures.len() < certificate.signatures.len());
            if more {
                entry.certificate = Some(certificate.clone());
            }
        }
        if height >= self.certified {
            self.certified = height;
            self.certificate = Some(certificate.clone());
        }
        if let Some(height) = quorum::finalised_by(self, certificate) {
            self.finalised = self.finalised.max(height);
        }
    }

    /// Old blocks leave memory once they are final; the store keeps them.
    fn forget_old(&mut self) {
        while self.entries.len() > KEPT_BLOCKS {
            let Some((height, entry)) = self.entries.first_key_value() else { return };
            if *height >= self.finalised || *height >= self.certified {
                return;
            }
            self.base = Some(tip_of(entry));
            self.entries.pop_first();
        }
    }

    /// The point below the blocks in memory.
    pub(super) fn base(&self) -> Option<&Tip> {
        self.base.as_ref()
    }

    pub(super) fn set_base(&mut self, tip: Tip) {
        self.base = Some(tip);
    }

    pub(super) fn durable(&self) -> Durable {
        Durable {
            grants: self.grants.clone(),
            term: self.term,
            certified: self.certified,
            certificate: self.certificate.clone(),
            finalised: self.finalised,
            leavers: self.leavers.values().map(|member| (**member).clone()).collect(),
            acked: self.acked,
            evidence: self.evidence.as_deref().cloned(),
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
        self.finalised = durable.finalised;
        self.leavers =
            durable.leavers.into_iter().map(|left| (left.account, Arc::new(left))).collect();
        self.acked = durable.acked;
        self.evidence = durable.evidence.map(Arc::new);
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

    #[must_use]
    pub fn grant_of(&self, epoch: Epoch) -> Option<&EpochGrant> {
        self.grants.get(&epoch)
    }

    /// The node that leads the term; `None` before the first, and for a leader not yet in the log or
    /// already paid.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.leader_of(self.term.epoch)
    }

    /// P-7: the node of the member to which the epoch was granted. It leads on after its own leave,
    /// until a settlement has paid it.
    #[must_use]
    pub fn leader_of(&self, epoch: Epoch) -> Option<NodeId> {
        let leader = self.grant_of(epoch)?.leader;
        let tip = self.tip()?;
        let registered = tip.members.values().find(|member| member.account == leader);
        registered.or_else(|| self.leavers.get(&leader)).map(|member| member.node)
    }

    /// Whether the node's member left and is not paid yet.
    #[must_use]
    pub fn is_leaver(&self, node: &NodeId) -> bool {
        self.leavers.values().any(|member| member.node == *node)
    }

    #[must_use]
    pub fn entry(&self, height: Height) -> Option<&Entry> {
        self.entries.get(&height)
    }

    pub fn entries_from(&self, height: Height) -> impl Iterator<Item = &Entry> {
        self.entries.range(height..).map(|(_, entry)| entry)
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

    #[must_use]
    pub fn finalised(&self) -> Height {
        self.finalised
    }

    #[must_use]
    pub fn acked(&self) -> Option<&SignedAck> {
        self.acked.as_ref()
    }

    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_deref()
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
        self.tip().map_or(0, |tip| super::books::settled(&tip.state))
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
            halted: self.evidence.is_some(),
            votes: self.votes.keys().copied().collect(),
        }
    }
}

fn tip_of(entry: &Entry) -> Tip {
    Tip {
        height: entry.block.height(),
        hash: entry.hash,
        time: entry.block.header.time,
        state: entry.state.clone(),
        members: Arc::clone(&entry.members),
    }
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
    Weight(members.fold(0u64, |sum, member| sum.saturating_add(member.weight.0)))
}
