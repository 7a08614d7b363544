//! This node's own proposal, from the wish to settle until it executes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fairway_types::{
    Hash, Height, NodeId, Refusal, Time, Transaction, Weight,
    chain::{ChainMember, ChainRefusal, ChainTx, ChannelRecord, SettlementRule},
    settlement::{Proposal, SignedProposal, SignedVote},
    windows::{BlockProof, WaitingRecord},
};

use super::{
    Channel,
    dry_run::{Asker, FRESH},
    input::RequestId,
    log::{Log, sum},
    output::{Effect, Reply},
    quorum::is_quorum,
    voting::HELD,
};
use crate::{
    message::Message,
    settlement::{
        membership, proof,
        proposal::{self, Settled},
    },
};

/// Milliseconds until a proposal that did not execute is sent again.
const RETRY: u64 = 2_000;
/// Milliseconds until a proposal that somebody else made is pressed on by this node.
const ADOPT: u64 = 2 * RETRY;
/// Milliseconds for which all are asked before those who are heard settle alone.
const FEW_AFTER: u64 = 5_000;

#[derive(Debug, Default)]
pub(super) struct Settling {
    own: Option<Own>,
    /// Somebody asked for a settlement that can't be made yet.
    wanted: Vec<RequestId>,
    wants: bool,
    /// What the chain said against the last execution.
    last_error: Option<String>,
    /// What the chain refused to settle, until it has said whether the proposal is why.
    refused: Option<Proposal>,
    /// Until then nothing is proposed, after the chain refused a proposal.
    paused_until: Time,
    /// What this node would propose, and since when it asks the chain about it.
    draft: Option<(Time, Proposal)>,
}

/// This node's proposal under way.
#[derive(Debug)]
struct Own {
    signed: Arc<SignedProposal>,
    hash: Hash,
    votes: BTreeMap<NodeId, SignedVote>,
    pressed_at: Time,
    sent_at: Time,
    submitted_at: Option<Time>,
}

/// A proposal as the outside sees it.
#[derive(Debug, Clone)]
pub struct ProposalView {
    pub signed: Arc<SignedProposal>,
    pub hash: Hash,
    pub votes: Vec<SignedVote>,
    pub submitted: bool,
}

impl Settling {
    pub(super) fn forget_requests(&mut self, gone: &BTreeSet<RequestId>) {
        self.wanted.retain(|id| !gone.contains(id));
    }

    /// A proposal that was signed before a restart goes on.
    #[must_use]
    pub(super) fn resume(log: &Log, me: NodeId) -> Self {
        let own = log.proposal().filter(|signed| signed.proposer == me).map(|signed| Own {
            hash: signed.proposal.hash(),
            signed: Arc::new(signed.clone()),
            votes: BTreeMap::new(),
            pressed_at: Time::ZERO,
            sent_at: Time::ZERO,
            submitted_at: None,
        });
        Self { own, ..Self::default() }
    }

    #[must_use]
    pub(super) fn own(&self) -> Option<ProposalView> {
        self.own.as_ref().map(|own| ProposalView {
            signed: Arc::clone(&own.signed),
            hash: own.hash,
            votes: own.votes.values().cloned().collect(),
            submitted: own.submitted_at.is_some(),
        })
    }

    #[cfg(test)]
    pub(super) fn ask(&mut self) {
        self.wants = true;
    }

    /// Keeps a yes to the own proposal; it stays valid whatever the voter says later.
    pub(super) fn count(&mut self, vote: SignedVote) {
        if let Some(own) = &mut self.own
            && own.hash == vote.vote.proposal
            && (vote.vote.yes || !own.votes.contains_key(&vote.node))
        {
            own.votes.insert(vote.node, vote);
        }
    }
}

impl Channel {
    /// What the chain said against this node's last settlement, if it refused it.
    #[must_use]
    pub fn settlement_error(&self) -> Option<&str> {
        self.settling.last_error.as_deref()
    }

    /// This node's own proposal under way.
    #[must_use]
    pub fn proposal(&self) -> Option<ProposalView> {
        self.settling.own()
    }

    pub(super) fn on_propose(&mut self, id: RequestId) {
        if self.chain.record().is_none() || self.log.genesis().is_none() {
            let refusal = Refusal::NotReady {
                what: "settlement".into(),
                reason: "the channel has no epoch yet".into(),
            };
            return self.perform(Effect::Reply { id, result: Err(refusal) });
        }
        if self.settling.wanted.len() >= HELD {
            let refusal = Refusal::busy("settlement requests", RETRY);
            return self.perform(Effect::Reply { id, result: Err(refusal) });
        }
        self.settling.wanted.push(id);
        self.settling.wants = true;
    }

    /// What of settling is due; runs after every group of inputs.
    pub(super) fn settle(&mut self) {
        self.confirm_refusal();
        self.drop_own();
        if self.wants_settlement() {
            self.propose();
        }
        self.press_own();
        self.judge_held();
        self.execute_own();
    }

    /// P-52: the leader proposes at the channel's interval, when somebody left, and at the close;
    /// any member when asked.
    fn wants_settlement(&mut self) -> bool {
        let paused = self.now < self.settling.paused_until;
        if self.settling.own.is_some() || self.log.genesis().is_none() || paused {
            return false;
        }
        if self.settling.wants || self.settling.draft.is_some() {
            return true;
        }
        if !self.leads() {
            return false;
        }
        let interval =
            self.log.genesis().map_or(0, |genesis| genesis.record.config.settlement_interval);
        let leaver = self.log.tip_at(self.settleable()).is_some_and(|tip| has_leaver(&tip));
        leaver || interval > 0 && self.has_news() && self.timers.settlement_due(self.now, interval)
    }

    /// Whether anything but the word of a settlement was ordered since the last one: an idle channel
    /// does not settle its own settlements.
    fn has_news(&self) -> bool {
        let from = self.settled_height().next();
        let finalised = self.settleable();
        if from <= finalised && self.log.entry(from).is_none() {
            return true;
        }
        let is_news =
            |transaction: &Transaction| !matches!(transaction, Transaction::Settled { .. });
        self.log
            .entries_from(from)
            .take_while(|entry| entry.block.height() <= finalised)
            .any(|entry| entry.block.transactions.iter().any(is_news))
    }

    /// P-53: a proposal settles up to the highest final block, and only after the last settlement
    /// has left the books. P-56: while this node's yes to a proposal of the number may still execute,
    /// it proposes nothing else, but after a while that same proposal again.
    fn propose(&mut self) {
        let Some(from) = self.settled_point() else { return };
        if let Some((bound, _)) = self.bound_to(from.number + 1)
            && !self.is_contradicted(bound)
            && !self.is_hopeless(bound)
        {
            let waited = self.now >= self.voting.bound_at.plus(ADOPT);
            if waited {
                self.press(bound.clone());
            }
            return;
        }
        if let Some((since, draft)) = self.settling.draft.take()
            && self.now < since.plus(FRESH)
            && draft.number == from.number + 1
            && !self.is_contradicted(&draft)
        {
            return self.try_out(since, draft);
        }
        let Some(tip) = self.log.tip_at(self.settleable()) else { return };
        let nothing_new = tip.height <= from.height;
        if nothing_new || super::books::settled(&tip.state) != from.number {
            if nothing_new && self.log.head() == tip.height {
                self.settling.wants = false;
                let reason = format!("everything up to height {} is settled", from.height);
                self.answer_wanted(Err(Refusal::NotReady { what: "settlement".into(), reason }));
            }
            return;
        }
        if let Some(proposal) = proposal::compute((self.env.chain, self.env.channel), from, &tip) {
            self.try_out(self.now, proposal);
        }
    }

    /// P-116: presses for the proposal if the chain would take it. What it would refuse is not
    /// proposed: who asked is told, and after a pause one up to a later block is tried.
    fn try_out(&mut self, since: Time, proposal: Proposal) {
        match self.dry_run(Asker::Draft, &proposal) {
            None => self.settling.draft = Some((since, proposal)),
            Some(Ok(())) => self.press(proposal),
            Some(Err(reason)) => {
                self.settling.wants = self.settling.wanted.is_empty();
                self.settling.paused_until = self.now.plus(RETRY);
                let what = "settlement".into();
                let refusal = Refusal::NotReady {
                    what,
                    reason: format!("the chain would refuse it: {reason}"),
                };
                self.settling.last_error = Some(reason.into());
                self.answer_wanted(Err(refusal));
            }
        }
    }

    /// From now on this node presses for `proposal`.
    fn press(&mut self, proposal: Proposal) {
        let signature = self.env.keypair.sign(&proposal);
        let (hash, number) = (proposal.hash(), proposal.number);
        let signed = Arc::new(SignedProposal { proposal, proposer: self.me, signature });
        self.settling.wants = false;
        self.settling.own = Some(Own {
            signed,
            hash,
            votes: BTreeMap::new(),
            pressed_at: self.now,
            sent_at: Time::ZERO,
            submitted_at: None,
        });
        self.answer_wanted(Ok(Reply::Proposed { number, proposal: hash }));
    }

    fn answer_wanted(&mut self, result: Result<Reply, Refusal>) {
        for id in std::mem::take(&mut self.settling.wanted) {
            self.perform(Effect::Reply { id, result: result.clone() });
        }
    }

    /// Sends the own proposal (again), to be judged here too.
    fn press_own(&mut self) {
        let now = self.now;
        let Some(own) = &mut self.settling.own else { return };
        if own.pressed_at == Time::ZERO {
            own.pressed_at = now;
        }
        if now >= own.sent_at.plus(RETRY) || own.sent_at == Time::ZERO {
            own.sent_at = now;
            let signed = (*own.signed).clone();
            self.perform(Effect::Broadcast(Message::Proposal(signed.clone())));
            self.on_proposal(signed);
        }
    }

    /// P-57: executes the own proposal once there are votes enough, with no more votes than that.
    /// P-104: with the votes of those alone who are heard it waits for the channel's window, after
    /// having asked the others for a while; so does every settlement of a channel that judges.
    fn execute_own(&mut self) {
        let now = self.now;
        let Some(own) = &self.settling.own else { return };
        if own.submitted_at.is_some_and(|at| now < at.plus(RETRY)) {
            return;
        }
        let Some(record) = self.chain.shared_record() else { return };
        let (proposal, hash) = (Box::new(own.signed.proposal.clone()), own.hash);
        let channel = self.env.channel;
        let judged = record.config.money.settlement_rule == SettlementRule::Judged;
        if let Some(votes) = enough(&record, &own.votes, |_| true) {
            if judged {
                let proof = self.proof_of(&record, &proposal);
                return self.open_window(&record, proposal, hash, votes, proof);
            }
            self.perform(Effect::Submit(ChainTx::Propose { proposal }));
            self.perform(Effect::Submit(ChainTx::Execute { channel, proposal: hash, votes }));
            return self.note_submitted();
        }
        let everybody = record.config.money.settlement_rule == SettlementRule::Unanimous;
        let asked = now >= own.pressed_at.plus(FEW_AFTER);
        let heard = |member: &ChainMember| membership::is_fresh(member, self.chain.time());
        if let Some(votes) = enough(&record, &own.votes, heard)
            && asked
            && !everybody
            && let Some(proof) = self.proof_of(&record, &proposal)
        {
            self.open_window(&record, proposal, hash, votes, Some(proof));
        }
    }

    /// The proof of the proposal's own block.
    fn proof_of(&self, record: &ChannelRecord, proposal: &Proposal) -> Option<BlockProof> {
        self.best_proof(record, proposal.to_height)
            .filter(|proof| proof.shown().is_some_and(|shown| shown.block == proposal.to_block))
    }

    /// Unless another proposal waits, this one is to, with the proof of its block.
    fn open_window(
        &mut self,
        record: &ChannelRecord,
        proposal: Box<Proposal>,
        hash: Hash,
        votes: Vec<SignedVote>,
        proof: Option<BlockProof>,
    ) {
        let windows = &record.windows;
        // Its own it keeps supported (P-102): to open the window anew would only begin it again.
        let is_it = |waits: &WaitingRecord| waits.proposal == hash;
        let window = record.config.money.challenge_window;
        let gives_way = windows.gives_way(proposal.to_height, self.chain.time(), window);
        if windows.waiting.as_ref().is_some_and(is_it) || !gives_way {
            return;
        }
        let channel = self.env.channel;
        let known = windows.shown.map(|shown| shown.block);
        if let Some(proof) = proof
            && known != Some(proposal.to_block)
        {
            self.perform(Effect::Submit(ChainTx::Show { channel, proof: Box::new(proof) }));
        }
        self.perform(Effect::Submit(ChainTx::Propose { proposal }));
        self.perform(Effect::Submit(ChainTx::OpenWindow { channel, proposal: hash, votes }));
        self.note_submitted();
    }

    fn note_submitted(&mut self) {
        if let Some(own) = &mut self.settling.own {
            own.submitted_at = Some(self.now);
        }
    }

    /// P-53, P-104: up to where a settlement may go: what is final; where the members that are heard
    /// are no two thirds of the active ones, so that nothing becomes final, what they certified and
    /// can prove.
    pub(super) fn settleable(&self) -> Height {
        let finalised = self.log.finalised();
        let Some(record) = self.chain.record() else { return finalised };
        if self.are_enough_heard(record) {
            return finalised;
        }
        let best = self.best_proof(record, self.log.certified());
        let proven = best.and_then(|best| best.shown()).map_or(Height::ZERO, |best| best.height);
        let shown = record.windows.shown.filter(|shown| {
            self.log.entry(shown.height).is_some_and(|entry| entry.hash == shown.block)
        });
        proven.max(finalised).max(shown.map_or(Height::ZERO, |shown| shown.height))
    }

    /// P-104: whether a proposal that few agreed to can open no window any more: a later block of its
    /// chain was shown already. Then one up to that block takes its place.
    pub(super) fn is_passed(&self, proposal: &Proposal) -> bool {
        let Some(record) = self.chain.record() else { return false };
        let waits = record.windows.waiting.as_ref();
        let waits = waits.is_some_and(|waits| waits.proposal == proposal.hash());
        let later = record.windows.shown.is_some_and(|shown| {
            shown.height > proposal.to_height
                && self.log.entry(shown.height).is_some_and(|entry| entry.hash == shown.block)
        });
        later && !waits && !self.are_enough_heard(record)
    }

    /// P-115: whether a proposal that few agree to can't be proven by this node: its block has left
    /// memory, or was never certified by those who count.
    pub(super) fn is_unprovable(&self, proposal: &Proposal) -> bool {
        let Some(record) = self.chain.record() else { return false };
        let windows = &record.windows;
        let waits = windows.waiting.as_ref().map(|waits| waits.proposal);
        let shown = windows.shown.map(|shown| shown.block);
        if self.are_enough_heard(record)
            || waits == Some(proposal.hash())
            || shown == Some(proposal.to_block)
        {
            return false;
        }
        self.proof_of(record, proposal).is_none()
    }

    /// Whether the members with fresh heartbeats are two thirds of the active ones; so they are taken
    /// to be in a channel in which all settle, where fewer can't.
    fn are_enough_heard(&self, record: &ChannelRecord) -> bool {
        let active = || record.members.iter().filter(|member| member.active);
        let heard = active().filter(|member| membership::is_fresh(member, self.chain.time()));
        let weight = |member: &ChainMember| member.record.weight;
        record.config.money.settlement_rule == SettlementRule::Unanimous
            || is_quorum(sum(heard.map(weight)), sum(active().map(weight)))
    }

    pub(super) fn on_accepted(&mut self, tx: &ChainTx) {
        if matches!(tx, ChainTx::Execute { .. } | ChainTx::OpenWindow { .. }) {
            self.settling.last_error = None;
        }
        self.on_judged(tx);
        self.refresh();
    }

    /// P-55: a settlement that the chain refused is proposed again after a pause, from a fresh record;
    /// its reason stays in status.
    pub(super) fn on_rejected(&mut self, tx: &ChainTx, refusal: &ChainRefusal) {
        let own = self.settling.own.as_ref().map(|own| own.hash);
        if let Some(hash) = settles(tx)
            && own.is_none_or(|own| own == hash)
        {
            if let Some(own) = self.settling.own.take() {
                self.settling.refused = Some(own.signed.proposal.clone());
                self.settling.wants = true;
                self.dry_runs.forget(&hash);
            }
            self.settling.last_error = Some(refusal.to_string());
            self.settling.paused_until = self.now.plus(RETRY);
        }
        self.on_unjudged(tx, refusal);
        self.refresh();
    }

    /// P-55: the proposer says no to what it proposed only if the chain says that it would not take the
    /// proposal. A transaction fails for other reasons too: another proposal waits, the chain is busy;
    /// and a no stays good for whoever wants the proposal withdrawn.
    fn confirm_refusal(&mut self) {
        let Some(proposal) = self.settling.refused.take() else { return };
        if self.settled_point().is_some_and(|from| proposal.number <= from.number) {
            return;
        }
        let hash = proposal.hash();
        match self.dry_run(Asker::Proposer(self.me), &proposal) {
            None => self.settling.refused = Some(proposal),
            Some(Err(reason)) if self.lasts(&hash, &reason) => {
                let vote = self.sign_vote(hash, Some(format!("the chain refused it: {reason}")));
                self.perform(Effect::Broadcast(Message::Vote(vote.clone())));
                self.on_vote(vote);
            }
            Some(_) => {}
        }
    }

    /// Drops the own proposal when the chain has gone past it, and when it can't win any more: then
    /// a new one is made up to what is final by now.
    fn drop_own(&mut self) {
        let (Some(from), Some(own)) = (self.settled_point(), &self.settling.own) else { return };
        let proposal = &own.signed.proposal;
        let lost = self.is_contradicted(proposal)
            || self.is_hopeless(proposal) && self.settleable() > proposal.to_height;
        if proposal.number <= from.number || lost {
            self.settling.wants |= lost;
            self.settling.own = None;
        }
    }

    pub(super) fn settled_point(&self) -> Option<Settled> {
        let record = self.chain.record()?;
        self.log.genesis()?;
        let last = &record.settlement;
        Some(Settled { number: last.number, height: last.height, root: last.root })
    }
}

/// The proposal that the transaction is to settle.
#[allow(clippy::wildcard_enum_match_arm, reason = "all others settle nothing")]
fn settles(tx: &ChainTx) -> Option<Hash> {
    match tx {
        ChainTx::Propose { proposal } => Some(proposal.hash()),
        ChainTx::Execute { proposal, .. } | ChainTx::OpenWindow { proposal, .. } => Some(*proposal),
        _ => None,
    }
}

/// Yes votes of those active members that count, as many as the channel's rule asks of their weight,
/// and none besides.
fn enough(
    record: &ChannelRecord,
    votes: &BTreeMap<NodeId, SignedVote>,
    counts: impl Fn(&ChainMember) -> bool,
) -> Option<Vec<SignedVote>> {
    let active = || record.members.iter().filter(|member| member.active && counts(member));
    let whole = sum(active().map(|member| member.record.weight));
    let (mut yes, mut part) = (Vec::new(), Weight(0));
    for member in active() {
        let vote = votes.get(&member.record.node).filter(|vote| vote.vote.yes);
        let Some(vote) = vote else { continue };
        part = sum([part, member.record.weight].into_iter());
        yes.push(vote.clone());
        if proof::suffices(record, part, whole) {
            return Some(yes);
        }
    }
    None
}

fn has_leaver(tip: &super::log::Tip) -> bool {
    use fairway_types::{Address, StateKey};
    tip.state
        .records_from(&StateKey::Departed(Address::ZERO))
        .next()
        .is_some_and(|(key, _)| key.departed().is_some())
}
