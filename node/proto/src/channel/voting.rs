//! Judging proposals: which of them this node holds, how it votes, and what others voted.

use std::collections::BTreeMap;

use fairway_types::{
    Hash, NodeId, Time, Weight, codec,
    settlement::{Proposal, SignedProposal, SignedVote, Vote},
};

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

/// Proposals held, one a proposer.
pub(super) const HELD: usize = 16;
/// BCS bytes of a proposal that is looked at: all members of a channel fit.
const PROPOSAL_BYTES: usize = 256 << 10;
/// Milliseconds between two answers to one proposer.
const ANSWER_EVERY: u64 = 500;

#[derive(Debug, Default)]
pub(super) struct Voting {
    held: BTreeMap<NodeId, Held>,
    /// What each member voted last.
    stances: BTreeMap<NodeId, (Hash, bool)>,
    /// Since when this node is bound by its yes.
    pub(super) bound_at: Time,
    /// When each proposer was answered last, or was made to wait for the chain's answer to this.
    answered: BTreeMap<NodeId, (Time, Option<Hash>)>,
}

/// The last proposal of one proposer.
#[derive(Debug)]
struct Held {
    signed: SignedProposal,
    hash: Hash,
    waits: bool,
}

impl Channel {
    pub(super) fn on_proposal(&mut self, signed: SignedProposal) {
        let proposal = &signed.proposal;
        let here = proposal.channel == self.env.channel && proposal.chain == self.env.chain;
        if !here || !self.chain.knows(&signed.proposer) {
            return;
        }
        if codec::encode(proposal).len() > PROPOSAL_BYTES {
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

    /// This node's vote, from its own blocks. P-56: while its yes to another proposal of the number
    /// may still execute it repeats that yes instead, so that its proposer and this one learn of it.
    /// P-115: it takes a yes back that its blocks contradict. P-116: so it does with what the chain
    /// would refuse; to the first yes it waits (`None`) until the chain has said that it would not.
    fn judge(&mut self, hash: Hash, signed: SignedProposal) -> Option<SignedVote> {
        if self.is_contradicted(&signed.proposal) {
            let reason = "its block is not of this node's chain".into();
            return Some(self.sign_vote(hash, Some(reason)));
        }
        let voted = self.log.vote(&hash).cloned();
        if voted.is_none() {
            let objection = match self.settled_point() {
                Some(from) => proposal::objection(&self.log, from, &signed.proposal),
                None => Some("no settlement is known here".into()),
            };
            if objection.is_some() {
                return Some(self.sign_vote(hash, objection));
            }
            if let Some(bound) = self.binding_vote(&signed.proposal) {
                return Some(bound);
            }
        }
        match (self.dry_run(Asker::Proposer(signed.proposer), &signed.proposal), voted) {
            (Some(Err(reason)), _) if self.lasts(&hash, &reason) => {
                let reason = format!("the chain would refuse it: {reason}");
                return Some(self.sign_vote(hash, Some(reason)));
            }
            (_, Some(vote)) => return Some(vote),
            (None | Some(Err(_)), None) => return None,
            (Some(Ok(())), None) => {}
        }
        if self.log.proposal().is_none_or(|known| known.proposal.hash() != hash) {
            self.record(Event::Proposed { proposal: Box::new(signed) });
        }
        let vote = self.sign_vote(hash, None);
        self.voting.bound_at = self.now;
        self.record(Event::Voted { vote: Box::new(vote.clone()) });
        Some(vote)
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
}

impl Channel {
    /// P-116: whether what the chain said against a proposal is a reason for a no, which stays good for
    /// its hash: not of one that the chain let wait, which it finishes as of then, nor where one of the
    /// two has not heard of the last settlement.
    pub(super) fn lasts(&self, proposal: &Hash, refusal: &str) -> bool {
        let waiting = self.chain.record().and_then(|record| record.windows.waiting.as_ref());
        let waits = waiting.is_some_and(|waits| waits.proposal == *proposal);
        !waits && !refusal.contains("E_NOT_CONTINUOUS")
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

impl Voting {
    /// The proposer's proposal is judged once the chain has answered; what it sends meanwhile is looked
    /// at no sooner than after an answer of this node.
    fn wait(&mut self, proposer: &NodeId, now: Time) {
        if let Some(held) = self.held.get_mut(proposer) {
            held.waits = true;
            self.answered.insert(*proposer, (now, Some(held.hash)));
        }
    }

    /// The chain answered: who waited for that waits no more.
    pub(super) fn on_answer(&mut self, proposal: &Hash) {
        let held = &self.held;
        self.answered.retain(|proposer, (_, waits_for)| {
            let is_held = held.get(proposer).is_some_and(|held| held.hash == *proposal);
            !(is_held && *waits_for == Some(*proposal))
        });
    }

    /// Members whose vote is kept, and proposals held.
    #[must_use]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.stances.len(), self.held.len())
    }

    /// P-115: room for the proposal: it takes the place of its proposer's last one, of one that was
    /// answered, or of one that lies further ahead. So who fills the places with what is never due
    /// keeps nobody's proposal out.
    fn make_room(&mut self, signed: &SignedProposal) -> bool {
        let far = |signed: &SignedProposal| (signed.proposal.number, signed.proposal.to_height);
        if self.held.len() < HELD || self.held.contains_key(&signed.proposer) {
            return true;
        }
        let least = self.held.iter().max_by_key(|(_, held)| (!held.waits, far(&held.signed)));
        let least = least.filter(|(_, held)| !held.waits || far(&held.signed) > far(signed));
        let Some(proposer) = least.map(|(proposer, _)| *proposer) else { return false };
        self.held.remove(&proposer);
        true
    }

    /// The proposal with this hash, if somebody sent it here.
    pub(super) fn known(&self, hash: &Hash) -> Option<Proposal> {
        let held = self.held.values().find(|held| held.hash == *hash);
        held.map(|held| held.signed.proposal.clone())
    }

    /// Whether this is a proposal that may be next.
    fn holds(&self, hash: &Hash) -> bool {
        self.held.values().any(|held| held.hash == *hash)
    }
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the effects it is about")]
mod tests {
    use fairway_types::{
        Height,
        chain::{ChainTx, Observation},
    };

    use super::{
        super::{
            bench::{Bench, node_key},
            dry_run,
            input::Input,
            output::Step,
        },
        *,
    };

    /// Four members with two final blocks, and nobody's proposal.
    fn two_final() -> Bench {
        let mut bench = Bench::new(4);
        bench.note(0);
        bench.note(0);
        assert_eq!(bench.nodes[3].log().finalised(), Height(2));
        bench
    }

    fn at(bench: &Bench, height: u64) -> Proposal {
        let node = &bench.nodes[0];
        let tip = node.log().tip_at(Height(height)).unwrap();
        let place = (node.env.chain, node.env.channel);
        proposal::compute(place, node.settled_point().unwrap(), &tip).unwrap()
    }

    fn by(proposer: usize, proposal: Proposal) -> Message {
        let keypair = node_key(proposer);
        let signature = keypair.sign(&proposal);
        Message::Proposal(SignedProposal { proposal, proposer: keypair.node_id(), signature })
    }

    fn vote(voter: usize, proposal: &Proposal, yes: bool) -> Message {
        let channel = proposal.channel;
        let vote = Vote { channel, proposal: proposal.hash(), yes };
        let signature = node_key(voter).sign(&vote);
        let node = node_key(voter).node_id();
        Message::Vote(SignedVote { vote, node, signature, reason: None })
    }

    /// What a node said in a step: the proposal's hash and its yes or no.
    fn voted(step: &Step) -> Vec<(Hash, bool)> {
        let votes = step.effects.iter().filter_map(|effect| match effect {
            Effect::Broadcast(Message::Vote(vote)) => Some((vote.vote.proposal, vote.vote.yes)),
            _ => None,
        });
        votes.collect()
    }

    #[test]
    fn a_proposer_gets_a_bounded_number_of_answers_and_nothing_of_a_no_is_stored() {
        let mut bench = two_final();
        let (mut answers, mut events) = (0, 0);
        for number in 0..1_000u32 {
            let mut made_up = at(&bench, 1);
            made_up.result = number.to_le_bytes().to_vec();
            let step = bench.message(1, 2, by(2, made_up));
            answers += voted(&step).len();
            events += step.events.len();
        }
        assert_eq!((answers, events), (1, 0));
        assert!(bench.nodes[1].voting.held.len() <= 4);
    }

    /// P-54: the voter's own reading of the chain may be late; its no would be for good.
    #[test]
    fn a_lagging_voter_waits_instead_of_voting_no() {
        let mut bench = two_final();
        let mut next = at(&bench, 2);
        next.number = 2;
        assert_eq!(voted(&bench.message(1, 0, by(0, next))), []);
        let mut early = at(&bench, 2);
        early.to_height = Height(9);
        assert_eq!(voted(&bench.message(1, 2, by(2, early))), []);
        let right = at(&bench, 2);
        assert_eq!(voted(&bench.message(1, 3, by(3, right.clone()))), [(right.hash(), true)]);
    }

    /// P-56
    #[test]
    fn a_second_yes_is_given_only_when_the_first_can_no_longer_execute() {
        let mut bench = two_final();
        let (lower, higher) = (at(&bench, 1), at(&bench, 2));
        let first = voted(&bench.message(1, 0, by(0, lower.clone())));
        assert_eq!(first, [(lower.hash(), true)]);
        let bound = voted(&bench.message(1, 2, by(2, higher.clone())));
        assert_eq!(bound, [(lower.hash(), true)], "it says to what it is bound");
        bench.now = bench.now.plus(ANSWER_EVERY);
        bench.message(1, 2, vote(2, &higher, true));
        let still = voted(&bench.message(1, 2, by(2, higher.clone())));
        assert_eq!(still, [(lower.hash(), true)], "three may still agree");
        bench.now = bench.now.plus(ANSWER_EVERY);
        bench.message(1, 3, vote(3, &higher, true));
        let moved = voted(&bench.message(1, 2, by(2, higher.clone())));
        assert_eq!(moved, [(higher.hash(), true)]);
    }

    /// P-56: after a restart too.
    #[test]
    fn a_yes_binds_across_a_restart() {
        let mut bench = two_final();
        let (lower, higher) = (at(&bench, 1), at(&bench, 2));
        bench.message(1, 0, by(0, lower.clone()));
        let node = &bench.nodes[1];
        bench.nodes[1] = Channel::restore((*node.env).clone(), node.log().clone());
        bench.observe();
        let bound = voted(&bench.message(1, 2, by(2, higher)));
        assert_eq!(bound, [(lower.hash(), true)]);
    }

    #[test]
    fn proposal_that_cannot_win_is_replaced() {
        let mut bench = two_final();
        bench.nodes[0].settling.ask();
        bench.down.extend([1, 2, 3]);
        bench.wait(50);
        let first = bench.nodes[0].proposal().unwrap();
        bench.down.clear();
        bench.record.members[0].active = true;
        bench.note(0);
        for voter in [1, 2] {
            bench.message(0, voter, vote(voter, &first.signed.proposal, false));
        }
        bench.input(0, Input::Timeout);
        let second = bench.nodes[0].proposal().unwrap();
        assert_ne!(second.hash, first.hash);
        assert_eq!(second.signed.proposal.to_height, bench.nodes[0].log().finalised());
    }

    /// P-57: somebody's votes beyond the quorum cost the chain gas that may then be lacking.
    #[test]
    fn a_settlement_is_executed_with_no_more_votes_than_it_needs() {
        let mut bench = two_final();
        let mut pending = super::super::bench::chain_member(4);
        pending.active = false;
        bench.record.members.push(pending);
        bench.observe();
        bench.nodes[0].settling.ask();
        bench.input(0, Input::Timeout);
        let proposal = bench.nodes[0].proposal().unwrap().signed.proposal.clone();
        for voter in [4, 3, 2] {
            let step = bench.message(0, voter, vote(voter, &proposal, true));
            let executed = step.effects.iter().find_map(|effect| match effect {
                Effect::Submit(ChainTx::Execute { votes, .. }) => Some(votes.len()),
                _ => None,
            });
            assert_eq!(executed, (voter == 2).then_some(3));
        }
    }

    /// P-115: a term went on without the block of a proposal that it had agreed to.
    #[test]
    fn who_left_the_branch_takes_its_yes_back_and_settles_its_own() {
        let mut bench = two_final();
        let mut beside = at(&bench, 1);
        beside.to_block = Hash([9; 32]);
        let key = node_key(1);
        let signature = key.sign(&beside);
        let signed =
            SignedProposal { proposal: beside.clone(), proposer: key.node_id(), signature };
        let vote = bench.nodes[1].sign_vote(beside.hash(), None);
        bench.nodes[1].record(Event::Proposed { proposal: Box::new(signed) });
        bench.nodes[1].record(Event::Voted { vote: Box::new(vote) });
        bench.restart(1);
        let said = voted(&bench.message(1, 2, by(2, beside.clone())));
        assert_eq!(said, [(beside.hash(), false)]);
        let right = at(&bench, 2);
        let said = voted(&bench.message(1, 3, by(3, right.clone())));
        assert_eq!(said, [(right.hash(), true)]);
        let own = bench.nodes[1].proposal().map(|own| own.hash);
        assert_eq!(own, Some(right.hash()), "it presses the dead one no more");
    }

    /// P-115: else a few members could fill the places with what is never due.
    #[test]
    fn proposals_that_are_never_due_keep_no_other_out() {
        let mut bench = Bench::new(20);
        bench.note(0);
        bench.note(0);
        for proposer in 1..17 {
            let mut far = at(&bench, 1);
            (far.number, far.to_height) = (9 + proposer as u64, Height(1_000));
            bench.message(19, proposer, by(proposer, far));
        }
        assert_eq!(bench.nodes[19].voting.held.len(), HELD);
        let right = at(&bench, 2);
        let said = voted(&bench.message(19, 18, by(18, right.clone())));
        assert_eq!(said, [(right.hash(), true)]);
        assert_eq!(bench.nodes[19].voting.held.len(), HELD);
    }

    /// P-55: an answer that comes late is about what is no longer proposed.
    #[test]
    fn a_late_refusal_does_not_take_the_next_proposal_away() {
        let mut bench = two_final();
        bench.nodes[0].settling.ask();
        bench.input(0, Input::Timeout);
        let own = bench.nodes[0].proposal().unwrap().hash;
        let late = ChainTx::Propose { proposal: Box::new(at(&bench, 1)) };
        let refused = |tx| Observation::Rejected { tx: Box::new(tx), reason: "no".into() };
        bench.input(0, Input::Chain(refused(late)));
        assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), Some(own));
        let tx = ChainTx::Propose { proposal: Box::new(at(&bench, 2)) };
        bench.input(0, Input::Chain(refused(tx)));
        assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), None);
    }

    /// P-116
    #[test]
    fn what_the_chain_would_refuse_gets_no_signature_and_the_next_block_is_tried() {
        let mut bench = two_final();
        let last = bench.nodes[0].log().finalised();
        bench.refusals.insert(last, "E_BAD_ACCOUNTS".into());
        let refused = at(&bench, last.0);
        let step = bench.message(1, 2, by(2, refused.clone()));
        assert_eq!(voted(&step), [(refused.hash(), false)]);
        let reason = step.effects.iter().find_map(|effect| match effect {
            Effect::Broadcast(Message::Vote(vote)) => vote.reason.clone(),
            _ => None,
        });
        assert!(reason.unwrap().contains("E_BAD_ACCOUNTS"));
        bench.nodes[0].settling.ask();
        bench.wait(3_000);
        assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), None);
        assert_eq!(bench.nodes[0].settlement_error(), Some("E_BAD_ACCOUNTS"));
        bench.note(0);
        bench.wait(3_000);
        assert!(bench.proposed(0).last().unwrap().to_height > last);
    }

    /// P-116: a no would be for nothing: a chain that can't be reached executes nothing either.
    #[test]
    fn a_vote_waits_for_a_chain_that_does_not_answer() {
        let mut bench = two_final();
        bench.answers = false;
        let proposal = at(&bench, 2);
        assert_eq!(voted(&bench.message(1, 0, by(0, proposal.clone()))), []);
        bench.nodes[0].settling.ask();
        bench.wait(4_000);
        assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), None);
        bench.answers = true;
        bench.now = bench.now.plus(dry_run::FRESH);
        assert_eq!(voted(&bench.input(1, Input::Timeout)), [(proposal.hash(), true)]);
        bench.wait(100);
        assert!(bench.proposed(0).next().is_some());
    }

    /// P-116: it would keep all others from ever saying yes.
    #[test]
    fn who_sends_proposal_after_proposal_takes_nobodys_place_and_asks_one_thing_at_a_time() {
        let mut bench = Bench::new(4);
        (0..60).for_each(|_| bench.note(0));
        bench.answers = false;
        let last = bench.nodes[0].log().finalised();
        let right = at(&bench, last.0);
        assert!(last.0 > 50);
        let mut asked = dry_runs(&bench.message(1, 0, by(0, right.clone())));
        assert_eq!(asked, [right.hash()]);
        asked.clear();
        for height in 1..50 {
            bench.now = bench.now.plus(20);
            asked.extend(dry_runs(&bench.message(1, 2, by(2, at(&bench, height)))));
        }
        assert_eq!(asked.len(), 1, "one question in two seconds");
        let answer = Observation::DryRun { proposal: right.hash(), refusal: None };
        let step = bench.input(1, Input::Chain(answer));
        assert_eq!(voted(&step), [(right.hash(), true)]);
    }

    fn dry_runs(step: &Step) -> Vec<Hash> {
        let asked = step.effects.iter().filter_map(|effect| match effect {
            Effect::DryRun { proposal } => Some(proposal.hash()),
            _ => None,
        });
        asked.collect()
    }

    /// P-116: nor does this node do the work of judging more often than it answers.
    #[test]
    fn who_is_made_to_wait_is_looked_at_no_more_often_than_who_is_answered() {
        let mut bench = two_final();
        bench.answers = false;
        bench.message(1, 2, by(2, at(&bench, 1)));
        let mut made_up = at(&bench, 2);
        made_up.result = vec![1];
        assert_eq!(voted(&bench.message(1, 2, by(2, made_up.clone()))), []);
        bench.now = bench.now.plus(ANSWER_EVERY);
        let said = voted(&bench.message(1, 2, by(2, made_up.clone())));
        assert_eq!(said, [(made_up.hash(), false)]);
    }

    /// P-116: a member asked to leave after all had said yes; the chain settles nothing without it.
    #[test]
    fn what_all_agreed_to_and_the_chain_refuses_later_is_withdrawn() {
        let mut bench = two_final();
        bench.down.insert(0);
        let first = at(&bench, 1);
        for voter in 1..4 {
            bench.message(voter, 0, by(0, first.clone()));
        }
        bench.down.clear();
        bench.refusals.insert(Height(1), "E_BAD_ACCOUNTS".into());
        bench.now = bench.now.plus(dry_run::FRESH);
        let tx = Box::new(ChainTx::Execute {
            channel: first.channel,
            proposal: first.hash(),
            votes: Vec::new(),
        });
        let reason = "E_BAD_ACCOUNTS".to_owned();
        bench.run(0, Input::Chain(Observation::Rejected { tx, reason }));
        bench.nodes[0].settling.ask();
        bench.wait(8_000);
        let executes = bench.submitted(0).find_map(|tx| match tx {
            ChainTx::Execute { proposal, .. } => Some(*proposal),
            _ => None,
        });
        let second = bench.proposed(0).last().unwrap();
        assert!(second.to_height > Height(1) && executes == Some(second.hash()));
    }

    /// Every no that a node signed.
    fn noes(bench: &Bench) -> usize {
        let said = bench.effects.iter().filter(|(_, effect)| {
            matches!(effect, Effect::Broadcast(Message::Vote(vote)) if !vote.vote.yes)
        });
        said.count()
    }

    /// P-55: members press the same proposal, and all but the first are refused: their noes would
    /// withdraw what waits.
    #[test]
    fn a_refusal_that_the_dry_run_does_not_confirm_is_no_vote() {
        let mut bench = two_final();
        bench.nodes[0].settling.ask();
        bench.input(0, Input::Timeout);
        let own = bench.nodes[0].proposal().unwrap();
        let tx = Box::new(ChainTx::OpenWindow {
            channel: own.signed.proposal.channel,
            proposal: own.hash,
            votes: Vec::new(),
        });
        let reason = "E_ONE_WAITS".to_owned();
        bench.run(0, Input::Chain(Observation::Rejected { tx, reason }));
        bench.wait(1_000);
        assert_eq!(bench.nodes[0].settlement_error(), Some("E_ONE_WAITS"));
        assert_eq!(noes(&bench), 0);
        bench.wait(8_000);
        assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), Some(own.hash), "tried again");
    }

    /// P-116: the chain took it, and finishes it as of the time that it waits since.
    #[test]
    fn what_waits_gets_no_no_because_it_would_not_be_taken_now() {
        let mut bench = two_final();
        let waiting = at(&bench, 1);
        bench.refusals.insert(Height(1), "E_BAD_ACCOUNTS".into());
        bench.record.windows.waiting = Some(fairway_types::windows::WaitingRecord {
            proposal: waiting.hash(),
            number: 1,
            to_height: waiting.to_height,
            to_block: waiting.to_block,
            opened_at: bench.now,
            deadline: bench.now.plus(60_000),
            supported_by: waiting.to_block,
            by_active: true,
        });
        bench.observe();
        assert_eq!(voted(&bench.message(1, 2, by(2, waiting))), []);
    }

    /// P-116: a chain that is behind, or one that this node is behind of.
    #[test]
    fn a_refusal_for_what_was_settled_meanwhile_is_no_reason_for_a_no() {
        let mut bench = two_final();
        bench.refusals.insert(Height(2), "E_NOT_CONTINUOUS".into());
        let right = at(&bench, 2);
        assert_eq!(voted(&bench.message(1, 2, by(2, right.clone()))), []);
        bench.refusals.clear();
        bench.now = bench.now.plus(dry_run::FRESH);
        assert_eq!(voted(&bench.input(1, Input::Timeout)), [(right.hash(), true)]);
    }

    /// P-53
    #[test]
    fn a_settlement_over_one_that_is_not_in_the_books_is_refused() {
        let mut bench = two_final();
        let settled = at(&bench, 1);
        let last = &mut bench.record.settlement;
        (last.number, last.height) = (1, settled.to_height);
        (last.root, last.block) = (settled.to_root, settled.to_block);
        bench.down.insert(0);
        bench.observe();
        let next = at(&bench, 2);
        let next =
            Proposal { number: 2, from_height: Height(1), from_root: settled.to_root, ..next };
        assert_eq!(voted(&bench.message(1, 2, by(2, next.clone()))), [(next.hash(), false)]);
    }
}
