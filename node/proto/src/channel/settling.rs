//! Proposals and votes: this node's own proposal until it executes, others' until they can be
//! judged.

use std::{collections::BTreeMap, sync::Arc};

use fairway_types::{
    Hash, Height, NodeId, Refusal, Time, Weight,
    chain::ChainTx,
    settlement::{SignedProposal, SignedVote, Vote},
};

use super::{
    Channel,
    input::RequestId,
    log::Log,
    output::{Effect, Event, Reply},
    quorum::is_quorum,
};
use crate::{
    message::Message,
    settlement::proposal::{self, Settled},
};

/// Milliseconds until a proposal that did not execute is sent again.
const RETRY: u64 = 2_000;
/// Others' proposals held until their height is final here.
const HELD: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Settling {
    own: Option<Own>,
    /// Somebody asked for a settlement that can't be made yet.
    wanted: Vec<RequestId>,
    wants: bool,
    held: BTreeMap<NodeId, SignedProposal>,
    /// What the chain said against the last execution.
    last_error: Option<String>,
    /// Until then nothing is proposed, after the chain refused a proposal.
    paused_until: Time,
}

/// This node's proposal under way.
#[derive(Debug)]
struct Own {
    signed: Arc<SignedProposal>,
    hash: Hash,
    votes: BTreeMap<NodeId, SignedVote>,
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
    /// A proposal that was signed before a restart goes on.
    #[must_use]
    pub(super) fn resume(log: &Log, me: NodeId) -> Self {
        let own = log.proposal().filter(|signed| signed.proposer == me).map(|signed| Own {
            hash: signed.proposal.hash(),
            signed: Arc::new(signed.clone()),
            votes: BTreeMap::new(),
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
        self.judge_held();
        self.drop_outdated();
        if self.wants_settlement() {
            self.propose();
        }
        self.press_own();
    }

    /// P-52: the leader proposes at the channel's interval, when somebody left, and at the close;
    /// any member when asked.
    fn wants_settlement(&mut self) -> bool {
        let paused = self.now < self.settling.paused_until;
        if self.settling.own.is_some() || self.log.genesis().is_none() || paused {
            return false;
        }
        if self.settling.wants {
            return true;
        }
        if !self.leads() {
            return false;
        }
        let interval =
            self.log.genesis().map_or(0, |genesis| genesis.record.config.settlement_interval);
        let leaver = self.log.tip_at(self.log.finalised()).is_some_and(|tip| has_leaver(&tip));
        leaver || self.timers.settlement_due(self.now, interval)
    }

    /// P-53: a proposal settles up to the highest final block, and only after the last settlement
    /// has left the books.
    fn propose(&mut self) {
        let Some(from) = self.settled_point() else { return };
        let Some(tip) = self.log.tip_at(self.log.finalised()) else { return };
        let nothing_new = tip.height <= from.height;
        if nothing_new || super::books::settled(&tip.state) != from.number {
            if nothing_new && self.log.head() == tip.height {
                self.settling.wants = false;
                let reason = format!("everything up to height {} is settled", from.height);
                self.answer_wanted(Err(Refusal::NotReady { what: "settlement".into(), reason }));
            }
            return;
        }
        let Some(proposal) = proposal::compute((self.env.chain, self.env.channel), from, &tip)
        else {
            return;
        };
        let signature = self.env.keypair.sign(&proposal);
        let hash = proposal.hash();
        let number = proposal.number;
        let signed = SignedProposal { proposal, proposer: self.me, signature };
        self.record(Event::Proposed { proposal: Box::new(signed.clone()) });
        self.settling.wants = false;
        self.settling.own = Some(Own {
            signed: Arc::new(signed),
            hash,
            votes: BTreeMap::new(),
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

    /// Sends the own proposal (again), votes for it, and executes it once there are votes enough.
    fn press_own(&mut self) {
        let now = self.now;
        let Some(own) = &mut self.settling.own else { return };
        if now >= own.sent_at.plus(RETRY) || own.sent_at == Time::ZERO {
            own.sent_at = now;
            let signed = (*own.signed).clone();
            self.perform(Effect::Broadcast(Message::Proposal(signed.clone())));
            self.on_proposal(signed);
        }
        self.execute_own();
    }

    fn execute_own(&mut self) {
        let now = self.now;
        let Some(record) = self.chain.record() else { return };
        let Some(own) = &self.settling.own else { return };
        let recent = own.submitted_at.is_some_and(|at| now < at.plus(RETRY));
        let active = || record.members.iter().filter(|member| member.active);
        let whole: u64 = active().map(|member| member.record.weight.0).sum();
        let yes = || {
            active().filter(|member| {
                own.votes.get(&member.record.node).is_some_and(|vote| vote.vote.yes)
            })
        };
        let part: u64 = yes().map(|member| member.record.weight.0).sum();
        if recent || !is_quorum(Weight(part), Weight(whole)) {
            return;
        }
        let votes = own.votes.values().filter(|vote| vote.vote.yes).cloned().collect();
        let (proposal, hash) = (own.signed.proposal.clone(), own.hash);
        self.perform(Effect::Submit(ChainTx::Propose { proposal: Box::new(proposal) }));
        let channel = self.env.channel;
        self.perform(Effect::Submit(ChainTx::Execute { channel, proposal: hash, votes }));
        if let Some(own) = &mut self.settling.own {
            own.submitted_at = Some(now);
        }
    }

    pub(super) fn on_proposal(&mut self, signed: SignedProposal) {
        let here =
            signed.proposal.channel == self.env.channel && signed.proposal.chain == self.env.chain;
        let known = self.chain.knows(&signed.proposer);
        if !here || !known {
            return;
        }
        let early = signed.proposal.to_height > self.log.finalised();
        if early
            && (self.settling.held.len() < HELD
                || self.settling.held.contains_key(&signed.proposer))
        {
            self.settling.held.insert(signed.proposer, signed);
        } else if !early {
            self.vote(&signed);
        }
    }

    fn judge_held(&mut self) {
        let finalised = self.log.finalised();
        let due: Vec<NodeId> = self
            .settling
            .held
            .iter()
            .filter(|(_, signed)| signed.proposal.to_height <= finalised)
            .map(|(node, _)| *node)
            .collect();
        for node in due {
            if let Some(signed) = self.settling.held.remove(&node) {
                self.vote(&signed);
            }
        }
    }

    /// P-54: a member votes once a proposal, from its own blocks, and says why it says no.
    fn vote(&mut self, signed: &SignedProposal) {
        let hash = signed.proposal.hash();
        let vote = match self.log.vote(&hash) {
            Some(vote) => vote.clone(),
            None => {
                let Some(from) = self.settled_point() else { return };
                let objection = proposal::objection(&self.log, from, &signed.proposal);
                let vote =
                    Vote { channel: self.env.channel, proposal: hash, yes: objection.is_none() };
                let signature = self.env.keypair.sign(&vote);
                let vote = SignedVote { vote, node: self.me, signature, reason: objection };
                self.record(Event::Voted { vote: Box::new(vote.clone()) });
                vote
            }
        };
        if signed.proposer == self.me {
            self.on_vote(vote);
        } else {
            self.perform(Effect::Send { to: signed.proposer, message: Message::Vote(vote) });
        }
    }

    pub(super) fn on_vote(&mut self, vote: SignedVote) {
        let known = self.chain.knows(&vote.node);
        if let Some(own) = &mut self.settling.own
            && own.hash == vote.vote.proposal
            && vote.vote.channel == self.env.channel
            && known
        {
            own.votes.insert(vote.node, vote);
        }
    }

    pub(super) fn on_accepted(&mut self, tx: &ChainTx) {
        if matches!(tx, ChainTx::Execute { .. }) {
            self.settling.last_error = None;
        }
        self.refresh();
    }

    /// P-55: a settlement that the chain refused is given up and proposed anew from a fresh record,
    /// after a pause; the chain's reason stays in status.
    pub(super) fn on_rejected(&mut self, tx: &ChainTx, reason: &str) {
        if matches!(tx, ChainTx::Execute { .. } | ChainTx::Propose { .. }) {
            self.settling.last_error = Some(reason.to_owned());
            self.settling.wants |= self.settling.own.take().is_some();
            self.settling.paused_until = self.now.plus(RETRY);
        }
        self.refresh();
    }

    /// A proposal the chain has gone past is dropped.
    fn drop_outdated(&mut self) {
        let Some(from) = self.settled_point() else { return };
        let outdated =
            self.settling.own.as_ref().is_some_and(|own| own.signed.proposal.number <= from.number);
        if outdated {
            self.settling.own = None;
        }
    }

    fn settled_point(&self) -> Option<Settled> {
        let record = self.chain.record()?;
        let genesis = self.log.genesis()?;
        let last = &record.settlement;
        let root = if last.number == 0 { genesis.tip.state.root() } else { last.root };
        let height = if last.number == 0 { Height::ZERO } else { last.height };
        Some(Settled { number: last.number, height, root })
    }
}

fn has_leaver(tip: &super::log::Tip) -> bool {
    use fairway_types::{Address, StateKey};
    tip.state
        .entries_from(&StateKey::Departed(Address::ZERO))
        .next()
        .is_some_and(|(key, _)| key.departed().is_some())
}
