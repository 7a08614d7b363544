//! Coming back without the last writes: what a node has to hear from others before it signs again.
//!
//! A channel may leave the disk out of the way of its signatures (`replicated`). A node whose machine
//! lost power then knows less than it signed. It asks the others where they stand, takes over what it
//! lacks, and signs only in terms that none of those who answered had promised: it can't have signed
//! anything there.

use std::collections::{BTreeMap, BTreeSet};

use fairway_types::{Epoch, Hash, Height, NodeId, Term, Time, View, chain::Durability};

use super::{
    Channel,
    log::{Log, weight},
    output::{Effect, Event},
    quorum::{self, Members},
};
use crate::message::{Message, Standing};

/// Milliseconds after which the contract counts a silent member as away, and some more.
const AWAY: u64 = 20_000;

#[derive(Debug, Default)]
pub(super) struct Recovery {
    nonce: u64,
    answers: BTreeMap<NodeId, Standing>,
    /// Until when the contract is to think that this node is away.
    away_until: Time,
}

impl Log {
    /// P-92: whether this node can't have signed anything in `term` that it does not know.
    #[must_use]
    pub fn may_sign(&self, term: Term) -> bool {
        #[cfg(feature = "known-bugs")]
        if crate::known_bugs::KnownBug::ForgottenTail.is_back() {
            return true;
        }
        !self.is_tail_lost() && self.silent_to().is_none_or(|last| term > last)
    }

    /// What its config says of the disk.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.genesis().map_or(Durability::Synced, |genesis| genesis.record.config.durability)
    }

    /// The term of the last block: it began, whatever else was promised since.
    fn begun(&self) -> Option<Term> {
        let first = || self.genesis()?.record.first_grant.as_ref();
        match self.held(self.head()) {
            Some(held) => Some(held.term),
            None => first().map(|grant| Term { epoch: grant.epoch, ..Term::default() }),
        }
    }
}

impl Channel {
    /// P-90: the node came back, and its last writes may be gone.
    pub(super) fn on_tail_lost(&mut self, nonce: u64) {
        self.recovery = Recovery { nonce, ..Recovery::default() };
        if !self.log.is_tail_lost() {
            self.record(Event::TailLost);
        }
        self.ask_standings();
    }

    pub(super) fn ask_standings(&mut self) {
        if self.log.is_tail_lost() {
            self.perform(Effect::Broadcast(Message::Recover { nonce: self.recovery.nonce }));
        }
    }

    pub(super) fn on_recover(&mut self, from: NodeId, nonce: u64) {
        if !self.is_known(&from) {
            return;
        }
        let place = |height: Height| Some((height, self.log.place(height)?.hash));
        let standing = Standing {
            nonce,
            term: self.log.term(),
            acked: place(self.log.acked_to()),
            certified: self.log.certificate().map(|known| (known.ack.height, known.ack.block)),
            tail_lost: self.log.is_tail_lost(),
        };
        self.perform(Effect::Send { to: from, message: Message::Standing(standing) });
    }

    pub(super) fn on_standing(&mut self, from: NodeId, standing: Standing) {
        let asked = self.log.is_tail_lost() && standing.nonce == self.recovery.nonce;
        if asked && self.is_known(&from) {
            self.recovery.answers.insert(from, standing);
        }
    }

    /// P-91: signs again once enough have answered and the log has what they acked.
    pub(super) fn recover(&mut self) {
        if !self.log.is_tail_lost() || self.chain.record().is_none() {
            return;
        }
        if let Some(term) = self.heard_enough().or_else(|| self.heard_everybody()) {
            self.recovery.answers.clear();
            self.recovery.away_until = self.now.plus(AWAY);
            self.record(Event::Recovered { silent_to: term.max(self.log.term()) });
        }
    }

    /// P-92: a node that signs nothing in an epoch is not to be counted on in it; so the contract is
    /// to grant one without it, and then one with it.
    pub(super) fn withholds_heartbeats(&self) -> bool {
        let grant = self.log.grant();
        let tip = self.log.tip();
        let own = tip.as_ref().and_then(|tip| tip.members.get(&self.me));
        let counts =
            own.zip(grant).is_some_and(|(own, grant)| grant.valid.contains(&own.join_sequence));
        let silent = !self.log.may_sign(self.log.term());
        self.log.is_tail_lost() || silent && counts && self.now < self.recovery.away_until
    }

    /// The term of the last block, if its leader and enough others that kept their writes know of no
    /// later one and acked nothing that is not here. The leader alone knows all that this node may
    /// have acked in the term.
    fn heard_enough(&self) -> Option<Term> {
        let begun = self.log.begun()?;
        if self.log.last_epoch().is_some_and(|last| last > begun.epoch) {
            return None;
        }
        let heard: BTreeSet<NodeId> = self
            .recovery
            .answers
            .iter()
            .filter(|(_, of)| !of.tail_lost && of.term <= begun && self.has_all_of(of))
            .map(|(node, _)| *node)
            .collect();
        let leader = self.log.leader_of(begun)?;
        if leader != self.me && !heard.contains(&leader) {
            return None;
        }
        let with_me: BTreeSet<NodeId> = heard.iter().copied().chain([self.me]).collect();
        let enough = |members: &Members| {
            quorum::opens(&self.log, members, begun.epoch, &with_me)
                && self.share_blocks(members, &heard)
        };
        let sets = || self.log.sets_before(self.log.head().next());
        // Few voters share nobody with the others: any term of such an epoch may have begun.
        let few = sets().any(|members| self.has_few_voters(members, begun.epoch));
        let view = if few { View(u64::MAX) } else { begun.view };
        sets().all(|members| enough(members)).then_some(Term { view, ..begun })
    }

    /// Whether those who vote in the epoch are less than 2/3 of the registered weight.
    fn has_few_voters(&self, members: &Members, epoch: Epoch) -> bool {
        let voters = weight(quorum::voters(&self.log, members, epoch));
        !quorum::is_quorum(voters, weight(members.values()))
    }

    /// Whether one of `heard` acked whatever this node and others certified as a registered quorum:
    /// they are more than a third of the weight, or all but this node.
    fn share_blocks(&self, members: &Members, heard: &BTreeSet<NodeId>) -> bool {
        let part = weight(members.values().filter(|member| heard.contains(&member.node)));
        let whole = weight(members.values());
        3 * u128::from(part.0) > u128::from(whole.0) || self.are_others(members, heard)
    }

    /// The highest term that others know of, if all of them have answered, with whatever they have:
    /// those in the log, and those whom the chain has named in an epoch.
    fn heard_everybody(&self) -> Option<Term> {
        let answers = &self.recovery.answers;
        let whole: BTreeSet<NodeId> =
            answers.iter().filter(|(_, of)| self.has_all_of(of)).map(|(node, _)| *node).collect();
        let mut sets = self.log.sets_before(self.log.head().next());
        let all = sets.all(|members| self.are_others(members, &whole));
        // Who joined is in the chain's record before it is in a log that lost its end, or all.
        let joined = self.chain.record().is_some_and(|record| {
            let mut active = record.members.iter().filter(|member| member.active);
            active
                .all(|member| member.record.node == self.me || whole.contains(&member.record.node))
        });
        if !(all && joined) {
            return None;
        }
        let term = self.credible_term().unwrap_or_default();
        let mut sets = self.log.sets_before(self.log.head().next());
        let few = sets.any(|members| self.has_few_voters(members, term.epoch));
        Some(if few { Term { view: View(u64::MAX), ..term } } else { term })
    }

    /// The highest term that at least a third of the weight knows of: it is not a liar's invention.
    fn credible_term(&self) -> Option<Term> {
        let members = self.log.tip()?.members;
        let answers = &self.recovery.answers;
        let whole = weight(members.values());
        let is_known = |term: &Term| {
            let knows = |node: &NodeId| answers.get(node).is_some_and(|of| of.term >= *term);
            let part = weight(members.values().filter(|member| knows(&member.node)));
            3 * u128::from(part.0) >= u128::from(whole.0)
        };
        answers.values().map(|standing| standing.term).filter(is_known).max()
    }

    /// Whether `nodes` are all registered but this one.
    fn are_others(&self, members: &Members, nodes: &BTreeSet<NodeId>) -> bool {
        members.keys().all(|node| *node == self.me || nodes.contains(node))
    }

    fn has_all_of(&self, standing: &Standing) -> bool {
        let has = |(height, hash): &(Height, Hash)| {
            *height <= self.log.finalised() || self.log.contains(*height, hash)
        };
        standing.acked.iter().chain(&standing.certified).all(has)
    }
}

#[cfg(test)]
mod tests;
