//! What promises select: the protocol's own [`select`], asked about the promises of a state.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use fairway_proto::channel::selection::select;
use fairway_types::{
    Ack, Certificate, ChannelId, Hash as Digest, Height, Place, Signature, SignedViewChange,
    TermCertificate, ViewChange,
};

use crate::{
    bounds::{Bounds, Flaw, Member, node},
    state::{BlockId, GENESIS, Opening, Promise, State},
};

/// A block that nobody has.
const MADE_UP: BlockId = BlockId(u64::MAX);

/// What enough promises ask of a term's first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    pub opening: Opening,
    /// The highest block that the term must go through.
    pub top: BlockId,
}

impl Outcome {
    /// P-75: whether a chain has all that was selected, and the certificates' blocks.
    #[must_use]
    pub fn is_met_by(&self, state: &State, head: BlockId) -> bool {
        let Opening { base, proof, .. } = self.opening;
        let wanted = [base.unwrap_or(GENESIS), proof.unwrap_or(GENESIS), self.top];
        wanted.into_iter().all(|id| state.goes_through(head, id))
    }

    /// The block whose chain a leader gets, if it lacks what was selected and the block exists.
    #[must_use]
    pub fn lacked_by(&self, state: &State, head: BlockId) -> Option<BlockId> {
        let base = self.opening.base.unwrap_or(GENESIS);
        let lacks = !state.goes_through(head, base) || !state.goes_through(head, self.top);
        (lacks && state.block(self.top).is_some()).then_some(self.top)
    }
}

type Memory = HashMap<u64, Rc<BTreeSet<Outcome>>>;

thread_local! {
    /// Outcomes depend on few of the things that tell states apart.
    static KNOWN: RefCell<Memory> = RefCell::default();
}

/// All outcomes that promises towards `term` can have, as they reach `leader` one after the other: of
/// its own promise with any others that are enough, and whatever the liar may say.
#[must_use]
pub fn outcomes(state: &State, bounds: &Bounds, term: u8, leader: Member) -> Rc<BTreeSet<Outcome>> {
    let mut hasher = DefaultHasher::new();
    let said: Vec<Option<&Promise>> = state
        .disks
        .iter()
        .map(|disk| disk.promises.iter().find(|said| said.term == term))
        .collect();
    let certified: Vec<_> =
        state.blocks.iter().map(|block| state.certified(bounds, block)).collect();
    (term, leader, &state.blocks, &said, &certified, bounds.liar, bounds.members).hash(&mut hasher);
    (bounds.flaw as u8).hash(&mut hasher);
    let key = hasher.finish();
    if let Some(known) = KNOWN.with_borrow(|memory| memory.get(&key).cloned()) {
        return known;
    }
    let honest: Vec<(Member, Promise)> = said
        .iter()
        .enumerate()
        .filter_map(|(member, said)| Some((member, (*said)?.clone())))
        .collect();
    let found = Rc::new(all_outcomes(state, bounds, term, leader, &honest));
    KNOWN.with_borrow_mut(|memory| memory.insert(key, Rc::clone(&found)));
    found
}

fn all_outcomes(
    state: &State,
    bounds: &Bounds,
    term: u8,
    leader: Member,
    honest: &[(Member, Promise)],
) -> BTreeSet<Outcome> {
    let lies = bounds.liar.map_or_else(Vec::new, |_| lies(state, bounds, term));
    let mut found = BTreeSet::new();
    for chosen in subsets(honest) {
        let own = chosen.iter().any(|(member, _)| *member == leader);
        let promised = |member: &Member| chosen.iter().any(|(promised, _)| promised == member);
        if own && bounds.opens(term, promised) {
            found.insert(outcome(state, bounds, &chosen));
        }
        let Some(liar) = bounds.liar else { continue };
        if !own && liar != leader || !bounds.opens(term, |it| promised(it) || *it == liar) {
            continue;
        }
        for lie in &lies {
            let mut chosen = chosen.clone();
            chosen.push((liar, lie.clone()));
            found.insert(outcome(state, bounds, &chosen));
        }
    }
    found
}

fn subsets(promises: &[(Member, Promise)]) -> impl Iterator<Item = Vec<(Member, Promise)>> {
    (0u32..1 << promises.len()).map(move |mask| {
        let chosen = promises.iter().enumerate().filter(|(index, _)| mask & (1 << index) != 0);
        chosen.map(|(_, promise)| promise.clone()).collect()
    })
}

/// What a liar may promise: any certificate that there is or none, and any chain above it as acked,
/// also with something on top of it that never was, in the latest term.
fn lies(state: &State, bounds: &Bounds, term: u8) -> Vec<Promise> {
    let made = state.blocks.iter().filter_map(|block| state.certified(bounds, block));
    let certificates: Vec<_> = std::iter::once(None)
        .chain(made.filter(|it| rank_term(state, it.block) < term).map(Some))
        .collect();
    let mut lies = Vec::new();
    for certificate in certificates {
        let base = certificate.map_or(0, |it| state.height(it.block));
        let proof = certificate.filter(|it| it.registered).map(|it| it.block);
        let certificate = certificate.map(|it| it.block);
        let mut chains: BTreeSet<Vec<(BlockId, u8)>> = BTreeSet::from([Vec::new()]);
        chains
            .extend(state.blocks.iter().map(|block| acked_between(state, block.id, base, u8::MAX)));
        for chain in chains {
            let mut topped = chain.clone();
            topped.push((MADE_UP, term.saturating_sub(1)));
            for acked in [chain, topped] {
                lies.push(Promise { term, proof, certificate, acked });
            }
        }
    }
    lies
}

fn rank_term(state: &State, id: BlockId) -> u8 {
    state.block(id).map_or(0, |block| block.term)
}

/// The blocks of a chain above one height up to another, upwards.
#[must_use]
pub fn acked_between(state: &State, head: BlockId, base: u8, to: u8) -> Vec<(BlockId, u8)> {
    let above = state.chain(head).filter(|block| block.height > base && block.height <= to);
    let mut places: Vec<_> = above.map(|block| (block.id, block.term)).collect();
    places.reverse();
    places
}

/// The protocol's answer for these promises.
#[must_use]
pub fn outcome(state: &State, bounds: &Bounds, promises: &[(Member, Promise)]) -> Outcome {
    let opening = certificate(state, bounds, promises);
    let selected = select(&opening, |epoch| bounds.voters(epoch));
    let of = |certificate: &Option<Certificate>| certificate.as_ref().map(|it| id(&it.ack.block));
    let shown = opening.base().map(|it| id(&it.ack.block));
    let mut base = selected.base.map(|it| id(&it.block));
    let mut top = selected.hash().map(|hash| id(&hash));
    let superseded = base.is_none() && shown.is_some();
    if superseded && bounds.flaw == Flaw::CertificateStands
        || bounds.flaw == Flaw::SelectionIgnoresAcked
    {
        (base, top) = (shown, shown);
    }
    let superseded = base.is_none() && shown.is_some();
    let first = selected.path.first().map(|place| id(&place.hash)).filter(|_| superseded);
    let supersedes = first.map(|first| rank_term(state, first));
    let proof = of(&opening.proof).filter(|_| !superseded);
    let opening = Opening { base, proof, supersedes };
    Outcome { opening, top: top.unwrap_or(GENESIS) }
}

/// The promises as a term's first block carries them, with the highest certificates that they name.
fn certificate(state: &State, bounds: &Bounds, promises: &[(Member, Promise)]) -> TermCertificate {
    let highest = |of: fn(&Promise) -> Option<BlockId>| {
        let named = promises.iter().filter_map(|(_, promise)| of(promise));
        named.max_by_key(|id| state.rank(*id)).map(|id| bare(ack(state, bounds, id)))
    };
    let proof = highest(|promise| promise.proof);
    let base = highest(|promise| promise.certificate);
    let certificate = base.filter(|base| proof.as_ref().map(|it| it.ack) != Some(base.ack));
    let mut view_changes: Vec<SignedViewChange> =
        promises.iter().map(|(member, promise)| signed(state, bounds, *member, promise)).collect();
    view_changes.sort_by_key(|signed| signed.node);
    TermCertificate { proof, certificate, view_changes }
}

fn signed(state: &State, bounds: &Bounds, member: Member, promise: &Promise) -> SignedViewChange {
    let place = |(id, term): &(BlockId, u8)| Place { hash: digest(*id), term: bounds.term(*term) };
    let view_change = ViewChange {
        channel: ChannelId::ZERO,
        term: bounds.term(promise.term),
        proof: promise.proof.map(|id| ack(state, bounds, id)),
        certificate: promise.certificate.map(|id| ack(state, bounds, id)),
        acked: promise.acked.iter().map(place).collect(),
    };
    SignedViewChange { view_change, node: node(member), signature: Signature([0; 64]) }
}

fn ack(state: &State, bounds: &Bounds, id: BlockId) -> Ack {
    let height = Height(u64::from(state.height(id)));
    let term = bounds.term(rank_term(state, id));
    Ack { channel: ChannelId::ZERO, term, height, block: digest(id) }
}

fn bare(ack: Ack) -> Certificate {
    Certificate { ack, signatures: Vec::new() }
}

fn digest(id: BlockId) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&id.0.to_be_bytes());
    Digest(bytes)
}

fn id(digest: &Digest) -> BlockId {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.0[..8]);
    BlockId(u64::from_be_bytes(bytes))
}
