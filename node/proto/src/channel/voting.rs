//! Judging proposals: how this node votes on those it holds, what binds it, and what others voted.

mod held;

use fairway_types::{
    Hash, NodeId, Weight,
    chain::{Cause, ChainRefusal},
    codec,
    settlement::{Proposal, SignedProposal, SignedVote, Vote},
};

pub(super) use held::{HELD, Voting};

use self::held::Held;
use super::{
    Channel,
    dry_run::Asker,
    log::sum,
    output::{Effect, Event},
};
use crate::{
    message::Message,
    settlement::{proof, proposal},
};

/// BCS bytes of a proposal that is looked at: all members of a channel fit.
const PROPOSAL_BYTES: usize = 256 << 10;
/// Milliseconds between two answers to one proposer.
const ANSWER_EVERY: u64 = 500;

impl Channel {
    pub(super) fn on_proposal(&mut self, signed: SignedProposal) {
        let proposal = &signed.proposal;
        let here = proposal.channel == self.env.channel && proposal.chain == self.env.chain;
        if !here || !self.chain.knows(&signed.proposer) {
            return;
        }
        if codec::size(proposal) > PROPOSAL_BYTES {
            return;
        }
        let own = signed.proposer == self.me || self.log.leader() == Some(signed.proposer);
        let hash = proposal.hash();
        if own || self.voting.make_room(&signed) {
            self.voting.held.insert(signed.proposer, Held { signed, hash, waits: true });
        }
    }

    /// P-54: a member answers a proposal once its height is final here and its number is next; it
    /// waits with what it can't judge yet, and answers each proposer only so often.
    pub(super) fn judge_held(&mut self) {
        let Some(from) = self.settled_point() else { return };
        let (now, settleable) = (self.now, self.settleable());
        let Voting { held, answered, .. } = &mut self.voting;
        held.retain(|_, held| held.signed.proposal.number > from.number);
        answered.retain(|_, (at, _)| now < at.plus(ANSWER_EVERY));
        let is_due = |held: &&mut Held| {
            let proposal = &held.signed.proposal;
            held.waits
                && proposal.number == from.number + 1
                && proposal.to_height <= settleable
                && !answered.contains_key(&held.signed.proposer)
        };
        let mut due = Vec::new();
        for held in held.values_mut().filter(is_due) {
            held.waits = false;
            due.push((held.hash, held.signed.clone()));
        }
        for (hash, signed) in due {
            let proposer = signed.proposer;
            let Some(vote) = self.judge(hash, signed) else {
                self.voting.wait(&proposer, now);
                continue;
            };
            self.voting.answered.insert(proposer, (now, None));
            self.perform(Effect::Broadcast(Message::Vote(vote.clone())));
            self.on_vote(vote);
        }
    }

    /// This node's vote, from its own blocks. P-115: it takes a yes back that its blocks contradict.
    /// P-116: so it does with what the chain would refuse; to the first yes it waits (`None`) until the
    /// chain has said that it would not.
    fn judge(&mut self, hash: Hash, signed: SignedProposal) -> Option<SignedVote> {
        if self.is_contradicted(&signed.proposal) {
            let reason = "its block is not of this node's chain".into();
            return Some(self.sign_vote(hash, Some(reason)));
        }
        let voted = self.log.vote(&hash).cloned();
        if voted.is_none()
            && let Some(other) = self.keeps_from_yes(hash, &signed.proposal)
        {
            return Some(other);
        }
        match (self.dry_run(Asker::Proposer(signed.proposer), &signed.proposal), voted) {
            (Some(Err(reason)), _) if self.lasts(&hash, &reason) => {
                let reason = format!("the chain would refuse it: {reason}");
                Some(self.sign_vote(hash, Some(reason)))
            }
            (_, Some(vote)) => Some(vote),
            (None | Some(Err(_)), None) => None,
            (Some(Ok(())), None) => Some(self.agree(hash, signed)),
        }
    }

    /// The vote of a node that can not say yes to the proposal, whatever the chain says of it: a no, or,
    /// P-56, while its yes to another proposal of the number may still execute, that yes again, so that
    /// its proposer and this one learn of it.
    fn keeps_from_yes(&mut self, hash: Hash, proposal: &Proposal) -> Option<SignedVote> {
        let objection = match self.settled_point() {
            Some(from) => proposal::objection(&self.log, from, proposal),
            None => Some("no settlement is known here".into()),
        };
        match objection {
            Some(_) => Some(self.sign_vote(hash, objection)),
            None => self.binding_vote(proposal),
        }
    }

    /// The first yes to the proposal, which binds this node.
    fn agree(&mut self, hash: Hash, signed: SignedProposal) -> SignedVote {
        if self.log.proposal().is_none_or(|known| known.proposal.hash() != hash) {
            self.record(Event::Proposed { proposal: Box::new(signed) });
        }
        let vote = self.sign_vote(hash, None);
        self.voting.bound_at = self.now;
        self.record(Event::Voted { vote: Box::new(vote.clone()) });
        vote
    }

    pub(super) fn sign_vote(&self, proposal: Hash, reason: Option<String>) -> SignedVote {
        let vote = Vote { channel: self.env.channel, proposal, yes: reason.is_none() };
        let signature = self.env.keypair.sign(&vote);
        SignedVote { vote, node: self.me, signature, reason }
    }

    /// The yes that keeps this node from saying yes to `proposal`.
    fn binding_vote(&mut self, proposal: &Proposal) -> Option<SignedVote> {
        let (bound, vote) = self.bound_to(proposal.number)?;
        let (bound, vote) = (bound.clone(), vote.clone());
        self.dry_run(Asker::Bound, &bound);
        let higher = proposal.to_height > bound.to_height;
        let replaces = self.is_contradicted(&bound) || higher && self.is_hopeless(&bound);
        (!replaces).then_some(vote)
    }

    /// P-115: whether this node's chain goes through another block at the proposal's height: since it
    /// said yes, a later term went on without that block.
    pub(super) fn is_contradicted(&self, proposal: &Proposal) -> bool {
        self.log.held(proposal.to_height).is_some_and(|held| held.hash != proposal.to_block)
    }

    /// P-56, P-115: whether the proposal will not execute by what its voters said, or by what the
    /// chain said of it, or can open no window by what this node can prove, or waits and was beaten
    /// for good. A higher one may take its place.
    pub(super) fn is_hopeless(&self, proposal: &Proposal) -> bool {
        let hash = proposal.hash();
        self.cannot_execute(&hash)
            || self.dry_runs.refusal(&hash, self.now).is_some()
            || self.is_passed(proposal)
            || self.is_unprovable(proposal)
            || self.is_lost(proposal)
    }

    /// The proposal of this number to which this node said yes.
    pub(super) fn bound_to(&self, number: u64) -> Option<(&Proposal, &SignedVote)> {
        let bound = &self.log.proposal()?.proposal;
        let vote = self.log.vote(&bound.hash())?;
        (bound.number == number).then_some((bound, vote))
    }

    /// P-56: whether so many said no to the proposal, or yes to another one of its number, that the
    /// rest is no quorum any more.
    pub(super) fn cannot_execute(&self, hash: &Hash) -> bool {
        let Some(record) = self.chain.record() else { return false };
        let active = || record.members.iter().filter(|member| member.active);
        let is_against = |node: &NodeId| match self.voting.stances.get(node) {
            Some((other, true)) => other != hash && self.voting.holds(other),
            Some((this, false)) => this == hash,
            None => false,
        };
        let against = active().filter(|member| is_against(&member.record.node));
        let whole = sum(active().map(|member| member.record.weight));
        let against = sum(against.map(|member| member.record.weight));
        !proof::suffices(record, Weight(whole.0.saturating_sub(against.0)), whole)
    }

    pub(super) fn on_vote(&mut self, vote: SignedVote) {
        if vote.vote.channel != self.env.channel || !self.chain.knows(&vote.node) {
            return;
        }
        let stances = &mut self.voting.stances;
        stances.retain(|node, _| self.chain.knows(node));
        stances.insert(vote.node, (vote.vote.proposal, vote.vote.yes));
        self.note_against(&vote);
        self.look_again(&vote);
        self.settling.count(vote);
    }

    /// P-116: whether what the chain said against a proposal is a reason for a no, which stays good for
    /// its hash: not of one that the chain let wait, which it finishes as of then, nor where one of the
    /// two has not heard of the last settlement.
    pub(super) fn lasts(&self, proposal: &Hash, refusal: &ChainRefusal) -> bool {
        let waiting = self.chain.record().and_then(|record| record.windows.waiting.as_ref());
        let waits = waiting.is_some_and(|waits| waits.proposal == *proposal);
        !waits && refusal.cause() != Cause::NotContinuous
    }

    /// P-116: who hears a no to what it agreed to asks the chain about it again: the proposer says so
    /// when the chain refused it.
    fn look_again(&mut self, vote: &SignedVote) {
        let bound = self.log.proposal().map(|signed| &signed.proposal);
        if !vote.vote.yes
            && let Some(bound) = bound.filter(|bound| bound.hash() == vote.vote.proposal).cloned()
        {
            self.dry_run(Asker::Bound, &bound);
        }
    }
}

#[cfg(test)]
mod tests;
