//! How far a run looks, and by which rules.

use fairway_proto::channel::{quorum::is_quorum, selection::Voters};
use fairway_types::{Epoch, NodeId, Term, View, Weight};

use crate::walk::Step;

/// Members by number, in join order; all of weight 1.
pub type Member = usize;

/// A grant of the chain: the terms from `first_term` on are its views.
#[derive(Debug, Clone)]
pub struct Grant {
    pub first_term: u8,
    pub leader: Member,
    pub valid: Vec<Member>,
}

/// Rules taken out on purpose, to see that the checker finds what they are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flaw {
    #[default]
    None,
    /// A new term goes on from the highest certificate and forgets what was acked above it.
    SelectionIgnoresAcked,
    /// The highest certificate stands, whatever was acked in later terms beside it.
    CertificateStands,
    /// A block is final when its child is certified, whether or not the child carries its certificate.
    TwoChainForgetsInner,
    /// A promise does not stop acks of earlier terms.
    PromiseBindsNobody,
    /// A promise says nothing of what was acked below a block that was taken back.
    PromiseForgetsBelowFork,
    /// A leader whose blocks were taken back signs others in their places.
    LeaderSignsTwice,
}

#[derive(Debug, Clone)]
pub struct Bounds {
    pub members: usize,
    /// Blocks in a chain.
    pub heights: u8,
    /// Terms, the first of which needs no promises.
    pub terms: u8,
    pub grants: Vec<Grant>,
    /// The member that does what it likes.
    pub liar: Option<Member>,
    /// Blocks that the liar signs.
    pub lies: usize,
    /// Whether the liar's blocks come in pairs.
    pub twins: bool,
    pub flaw: Flaw,
    /// The steps that every run begins with.
    pub prelude: Vec<Step>,
}

impl Bounds {
    /// Members that may crash and come back, and nothing worse.
    #[must_use]
    pub fn crashes(members: usize, heights: u8, terms: u8) -> Self {
        let grant = Grant { first_term: 0, leader: 0, valid: (0..members).collect() };
        let grants = vec![grant];
        Self {
            members,
            heights,
            terms,
            grants,
            liar: None,
            lies: 0,
            twins: true,
            flaw: Flaw::None,
            prelude: Vec::new(),
        }
    }

    /// The same with one liar, who signs at most `lies` blocks.
    #[must_use]
    pub fn with_liar(self, liar: Member, lies: usize) -> Self {
        Self { liar: Some(liar), lies, ..self }
    }

    /// The same, where no two of the liar's blocks differ in nothing but their calls.
    #[must_use]
    pub fn without_twins(self) -> Self {
        Self { twins: false, ..self }
    }

    /// All runs begin with these steps.
    #[must_use]
    pub fn after_steps(self, prelude: Vec<Step>) -> Self {
        Self { prelude, ..self }
    }

    #[must_use]
    pub fn with_flaw(self, flaw: Flaw) -> Self {
        Self { flaw, ..self }
    }

    /// The chain grants another epoch, whose first view is `first_term`.
    #[must_use]
    pub fn with_grant(mut self, first_term: u8, leader: Member, valid: &[Member]) -> Self {
        self.grants.push(Grant { first_term, leader, valid: valid.to_vec() });
        self
    }

    pub fn honest(&self) -> impl Iterator<Item = Member> {
        (0..self.members).filter(|member| Some(*member) != self.liar)
    }

    fn epoch(&self, term: u8) -> usize {
        let later = self.grants.iter().position(|grant| grant.first_term > term);
        later.unwrap_or(self.grants.len()) - 1
    }

    #[must_use]
    pub fn valid(&self, term: u8) -> &[Member] {
        &self.grants[self.epoch(term)].valid
    }

    /// P-71: the views of an epoch go round its valid members in join order.
    #[must_use]
    pub fn leader(&self, term: u8) -> Member {
        let grant = &self.grants[self.epoch(term)];
        let first = grant.valid.iter().position(|member| *member == grant.leader).unwrap_or(0);
        grant.valid[(first + usize::from(term - grant.first_term)) % grant.valid.len()]
    }

    /// The term as the protocol writes it.
    #[must_use]
    pub fn term(&self, term: u8) -> Term {
        let epoch = self.epoch(term);
        let view = u64::from(term - self.grants[epoch].first_term);
        Term { epoch: Epoch(epoch as u64 + 1), view: View(view) }
    }

    /// Who certifies the blocks of an epoch.
    #[must_use]
    pub fn voters(&self, epoch: Epoch) -> Voters {
        let grant = epoch.0.checked_sub(1).and_then(|index| self.grants.get(index as usize));
        let valid = grant.map_or(&[][..], |grant| &grant.valid);
        valid.iter().map(|member| (node(*member), Weight(1))).collect()
    }

    /// P-31: 2/3 of the valid members.
    pub fn certifies(&self, term: u8, mut signed: impl FnMut(Member) -> bool) -> bool {
        let valid = self.valid(term);
        quorum(valid.iter().filter(|member| signed(**member)).count(), valid.len())
    }

    /// P-32: 2/3 of all that are registered.
    pub fn is_registered(&self, signed: impl FnMut(&Member) -> bool) -> bool {
        quorum((0..self.members).filter(signed).count(), self.members)
    }

    /// P-72: whose promises begin a term.
    pub fn opens(&self, term: u8, mut promised: impl FnMut(&Member) -> bool) -> bool {
        if quorum(self.valid(term).len(), self.members) {
            return self.is_registered(promised);
        }
        self.certifies(term, |member| promised(&member))
    }

    /// Whether two members differ by number only, so that states in which they changed places are
    /// the same.
    #[must_use]
    pub fn interchangeable(&self) -> Vec<Member> {
        let leads = |member: &Member| (0..self.terms).any(|term| self.leader(term) == *member);
        let always_valid =
            |member: &Member| self.grants.iter().all(|grant| grant.valid.contains(member));
        self.honest().filter(|member| !leads(member) && always_valid(member)).collect()
    }
}

fn quorum(part: usize, whole: usize) -> bool {
    is_quorum(Weight(part as u64), Weight(whole as u64))
}

/// The node of a member.
#[must_use]
pub fn node(member: Member) -> NodeId {
    NodeId([u8::try_from(member).unwrap_or(u8::MAX); 32])
}
