//! Changing the leader: who wishes it, who promised it, and the certificate that opens a term.
//!
//! A wish binds nobody and travels with heartbeats; a promise is signed, stored and kept. So a node
//! that alone can't hear the leader takes nothing away from the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fairway_types::{
    Ack, Certificate, Epoch, Height, NodeId, Place, Promise, SignedViewChange, Term,
    TermCertificate, Time, View, ViewChange, Weight, limits, view_change::rank,
};

use super::{
    Channel,
    log::weight,
    output::{Effect, Event},
    quorum::{self, Members},
    selection::{Selected, Voters, select},
};
use crate::message::Message;

/// Leader timeouts without a certificate after which a leader that is heard is given up.
const STALLED: u64 = 4;
/// How often the patience with a term that does not begin doubles.
const DOUBLINGS: u32 = 4;

#[derive(Debug, Default)]
pub(super) struct ViewChanges {
    /// The term this node would change to.
    wish: Option<Term>,
    /// The highest promise of each node.
    promises: BTreeMap<NodeId, Promise>,
    /// When the present term was promised or begun here.
    entered_at: Time,
    /// When the channel last moved: a certificate came, or the first block that waits for one.
    moved_at: Time,
    started_at: Time,
    /// When this node last had nothing against its leader.
    content_at: Time,
    /// Terms in a row that brought no certificate.
    failures: u32,
    /// Since when the leader leaves something undone: calls of this node's clients, or its own leave.
    starved_since: Option<Time>,
    /// The head at which the leader last refused a call for a number that is next here.
    refused_at: Option<Height>,
}

impl ViewChanges {
    /// The first thing that happens after a start: all patience begins now.
    pub(super) fn begin(&mut self, now: Time) {
        if self.started_at == Time::ZERO {
            self.started_at = now;
            self.entered_at = now;
            self.moved_at = now;
            self.content_at = now;
        }
    }

    /// Nodes of which a promise is kept.
    #[must_use]
    pub(super) fn size(&self) -> usize {
        self.promises.len()
    }

    /// The leader said that the number of a call is used, or not next, which is next by this log: the
    /// block that says so has to come.
    pub(super) fn note_refused(&mut self, head: Height) {
        self.refused_at = Some(head);
    }

    /// When this node last had nothing against its leader.
    pub(super) fn content_at(&self) -> Time {
        self.content_at
    }
}

impl Channel {
    /// P-70: once this node is discontent with its leader, or enough others are, it wishes for the
    /// next view; and promises the highest that a quorum wishes for.
    pub(super) fn watch_leader(&mut self) {
        self.follow_grants();
        let refused = self.changes.refused_at == Some(self.log.head());
        let starves = refused || self.has_due_call() || self.is_kept_by_a_leaver();
        let since = self.changes.starved_since.filter(|_| starves);
        self.changes.starved_since = since.or(starves.then_some(self.now));
        let Some(electorate) = self.electorate() else { return };
        let wish = self.own_wish(&electorate);
        if wish == self.log.term() && self.log.is_open() {
            self.changes.content_at = self.now;
        }
        let is_new = self.changes.wish.replace(wish) != Some(wish);
        if is_new && wish > self.log.term() {
            self.send_heartbeat();
        }
        let (term, epoch) = (self.log.term(), self.epoch());
        let wished =
            self.highest_wished(|nodes| quorum::opens(&self.log, &electorate, epoch, nodes));
        if let Some(next) = wished.filter(|next| *next > term && next.epoch == epoch) {
            self.promise(next);
        }
    }

    /// P-70: whether the leader has left and what is here does not become final: it orders no calls any
    /// more, but has to make its leave final (P-7).
    fn is_kept_by_a_leaver(&self) -> bool {
        let Some((leader, tip)) = self.log.leader().zip(self.log.tip()) else { return false };
        !tip.members.contains_key(&leader) && self.log.last_unfinal().is_some()
    }

    /// The term that heartbeats name.
    pub(super) fn wish(&self) -> Term {
        self.changes.wish.unwrap_or_default().max(self.log.term())
    }

    /// When this node loses its patience with the leader, if nothing comes until then.
    pub(super) fn patience_ends(&self) -> Option<Time> {
        let electorate = self.electorate()?;
        let other = self.log.leader().is_none_or(|leader| leader != self.me);
        let ends = self.discontent_at();
        (other && ends > self.now && electorate.len() > 1).then_some(ends)
    }

    /// Whether this node is one of those who change the term.
    pub(super) fn has_a_say(&self) -> bool {
        self.electorate().is_some()
    }

    /// Those who change the term, if this node is one of them: the set registered after the highest
    /// certified block. Who left goes on until that is certain.
    fn electorate(&self) -> Option<Arc<Members>> {
        let members = self.log.members_before(self.log.certified().next())?;
        (members.contains_key(&self.me) && !self.has_left()).then(|| Arc::clone(members))
    }

    /// The epoch whose terms are wished for: the last one granted, where this node can't promise its
    /// first term (P-92).
    fn epoch(&self) -> Epoch {
        self.log.last_epoch().unwrap_or_default().max(self.log.term().epoch)
    }

    /// The next view once this node is discontent; at least what more than a third of the weight
    /// wishes for, so that nobody is left with a leader that serves only some.
    fn own_wish(&self, electorate: &Members) -> Term {
        let term = self.log.term();
        let leads = self.log.leader() == Some(self.me);
        // A leader waits for itself as others do: what it promised may be too little to begin with,
        // when those who could have helped have left by blocks that it heard of later.
        let waits = !leads || !self.log.is_open();
        let discontent = self.log.evidence().is_some()
            || self.leader_gives_up()
            || waits && self.now >= self.discontent_at();
        // P-92
        if self.log.is_tail_lost() {
            return if leads { next_view(term) } else { term };
        }
        let own = match self.log.silent_to() {
            // No view of this epoch helps: the next one is the contract's.
            Some(last) if last.view == View(u64::MAX) && last >= term => term,
            Some(last) if last >= term => next_view(last),
            Some(_) | None if discontent => next_view(term),
            Some(_) | None => term,
        };
        let whole = weight(electorate.values());
        let third = |nodes: &BTreeSet<NodeId>| {
            let part = weight(electorate.values().filter(|member| nodes.contains(&member.node)));
            3 * u128::from(part.0) > u128::from(whole.0)
        };
        let others = self.highest_wished(third).filter(|wished| wished.epoch == self.epoch());
        own.max(others.unwrap_or_default())
    }

    /// Whether the leader itself wishes for a later term.
    fn leader_gives_up(&self) -> bool {
        let term = self.log.term();
        let Some(leader) = self.log.leader() else { return false };
        let heard = self.peers.heard().get(&leader);
        heard.is_some_and(|heard| heard.heartbeat.term == term && heard.heartbeat.wish > term)
    }

    /// When this node is discontent: the leader was silent for the timeout; or its term did not
    /// begin, the more patiently the more terms failed; or its blocks find no certificate.
    fn discontent_at(&self) -> Time {
        let timeout = self.env.limits.leader_timeout;
        let entered = self.changes.entered_at;
        let Some(leader) = self.log.leader().filter(|_| self.log.is_open()) else {
            return entered.plus(timeout << self.changes.failures.min(DOUBLINGS));
        };
        let heard = self.peers.heard().get(&leader).map_or(entered, |heard| heard.at);
        let silent = heard.max(entered).plus(timeout);
        let starved = self.changes.starved_since;
        let silent =
            starved.map_or(silent, |since| silent.min(since.max(entered).plus(STALLED * timeout)));
        if self.log.head() > self.log.certified() {
            return silent.min(self.changes.moved_at.max(entered).plus(STALLED * timeout));
        }
        silent
    }

    /// The highest term for which those who wish for it, or for a later one, are `enough`.
    fn highest_wished(&self, enough: impl Fn(&BTreeSet<NodeId>) -> bool) -> Option<Term> {
        let fresh = 2 * self.env.limits.leader_timeout;
        let mut wishes: BTreeMap<NodeId, Term> = self
            .peers
            .heard()
            .iter()
            .filter(|(_, heard)| self.now.since(heard.at) <= fresh)
            .map(|(node, heard)| (*node, heard.heartbeat.wish.max(heard.heartbeat.term)))
            .collect();
        for (node, promise) in &self.changes.promises {
            let wish = wishes.entry(*node).or_default();
            *wish = promise.term().max(*wish);
        }
        wishes.insert(self.me, self.wish());
        let mut terms: Vec<Term> = wishes.values().copied().collect();
        terms.sort();
        let supporters = |term: Term| {
            wishes.iter().filter(|(_, wish)| **wish >= term).map(|(node, _)| *node).collect()
        };
        terms.into_iter().rev().find(|term| enough(&supporters(*term)))
    }

    /// P-71: a granted epoch begins with promises, as a view does.
    pub(super) fn follow_grants(&mut self) {
        let Some(epoch) = self.log.last_epoch() else { return };
        if epoch > self.log.term().epoch && self.electorate().is_some() {
            self.promise(Term { epoch, view: View::default() });
        }
    }

    /// P-72: from its promise on a node acks nothing of an earlier term, across any restart; so what
    /// it says here of what it acked stays true.
    fn promise(&mut self, term: Term) {
        // P-92
        if !self.log.may_sign(term) {
            return;
        }
        let (proof, certificate) = self.certificates();
        let named = certificate.as_ref().or(proof.as_ref()).map(|known| known.ack);
        let view_change = ViewChange {
            channel: self.env.channel,
            term,
            proof: proof.as_ref().map(|proof| proof.ack),
            certificate: named,
            acked: self.acked_above(named.map_or(Height::ZERO, |ack| ack.height)),
        };
        let signature = self.env.keypair.sign(&view_change.summary());
        let signed = SignedViewChange { view_change, node: self.me, signature };
        let promise = Box::new(Promise { signed, proof, certificate });
        self.record(Event::Promised { promise: promise.clone() });
        self.changes.entered_at = self.now;
        self.changes.failures = self.changes.failures.saturating_add(1);
        self.changes.promises.insert(self.me, (*promise).clone());
        self.perform(Effect::Broadcast(Message::ViewChange(promise)));
    }

    /// The highest certificate of a registered quorum, and a higher one of the valid members.
    fn certificates(&self) -> (Option<Certificate>, Option<Certificate>) {
        let proof = self.log.proof().cloned();
        let least = proof.as_ref().map(|proof| rank(&proof.ack));
        let higher = self.log.certificate().filter(|known| Some(rank(&known.ack)) > least);
        (proof, higher.cloned())
    }

    /// What this node acked above `base`, as far as its log still has it: what a later term dropped
    /// was shown not to be certified.
    fn acked_above(&self, base: Height) -> Vec<Place> {
        #[cfg(feature = "known-bugs")]
        if crate::known_bugs::KnownBug::LostLock.is_back() {
            return Vec::new();
        }
        let heights = base.0 + 1..=self.log.acked_to().0;
        heights
            .map_while(|height| self.log.place(Height(height)))
            .take(limits::ACKED_AHEAD)
            .collect()
    }

    pub(super) fn on_view_change(&mut self, promise: Promise) {
        let node = promise.signed.node;
        let here = promise.signed.view_change.channel == self.env.channel;
        let term = promise.term();
        if !here || !self.is_known(&node) {
            return;
        }
        if self.log.grant_of(term.epoch).is_none() {
            return self.refresh();
        }
        let newer = self.changes.promises.get(&node).is_none_or(|known| known.term() < term);
        if newer {
            self.changes.promises.insert(node, promise);
            self.watch_leader();
        }
    }

    /// Says again what this node promised, while the term has not begun.
    pub(super) fn repeat_promise(&mut self) {
        let promise = self.log.promise().filter(|known| known.term() == self.log.term());
        if let Some(promise) = promise.filter(|_| !self.log.is_open()) {
            let message = Message::ViewChange(Box::new(promise.clone()));
            self.perform(Effect::Broadcast(message));
        }
    }

    /// The certificate that opens this node's own term, once enough have promised and the log has
    /// what it selects. Until then the node gets what it lacks.
    pub(super) fn opening(&mut self) -> Option<TermCertificate> {
        let opening = self.collect()?;
        let members = self.base_members(&opening)?.clone();
        let promised = signers(&opening);
        let enough = quorum::opens(&self.log, &members, opening.term().epoch, &promised);
        let selected = self.selected(&opening, &members);
        if !self.has_selected(&selected) {
            self.fetch_selected(&selected);
            self.waiting.wanted = enough.then_some(selected);
            return None;
        }
        enough.then_some(opening)
    }

    /// All good promises towards the present term, with the highest certificates they name.
    fn collect(&self) -> Option<TermCertificate> {
        let term = self.log.term();
        let own = self.log.promise().filter(|own| own.term() == term);
        let mut promises: BTreeMap<NodeId, &Promise> = self
            .changes
            .promises
            .iter()
            .filter(|(_, promise)| promise.term() == term && self.is_sound(promise))
            .map(|(node, promise)| (*node, promise))
            .collect();
        promises.extend(own.map(|own| (self.me, own)));
        let highest = |of: fn(&Promise) -> Option<&Certificate>| {
            let known = promises.values().filter_map(|promise| of(promise));
            known.max_by_key(|certificate| rank(&certificate.ack)).cloned()
        };
        let proof = highest(|promise| promise.proof.as_ref());
        let least = proof.as_ref().map(|proof| rank(&proof.ack));
        let certificate = highest(Promise::base).filter(|higher| Some(rank(&higher.ack)) > least);
        let view_changes = promises.values().map(|promise| promise.signed.clone()).collect();
        (!promises.is_empty()).then_some(TermCertificate { proof, certificate, view_changes })
    }

    /// Whether the certificates of a promise are quorums, as far as this node can tell.
    fn is_sound(&self, promise: &Promise) -> bool {
        let is_here = |ack: &Ack| self.log.contains(ack.height, &ack.block);
        let is_quorum = |certificate: &Certificate| match is_here(&certificate.ack) {
            true => quorum::certifies(&self.log, certificate),
            false => self.may_certify(certificate),
        };
        let is_proof = |proof: &Certificate| match is_here(&proof.ack) {
            true => quorum::is_registered(&self.log, proof),
            false => self.vouches(proof),
        };
        promise.proof.as_ref().is_none_or(is_proof)
            && promise.certificate.as_ref().is_none_or(is_quorum)
    }

    /// P-75: a term's first block carries enough sound promises, and the log goes through everything
    /// that they select.
    pub(super) fn is_opened_by(&self, opening: &TermCertificate) -> bool {
        let here = |signed: &SignedViewChange| signed.view_change.channel == self.env.channel;
        let Some(members) = self.base_members(opening) else { return false };
        let selected = self.selected(opening, members);
        opening.view_changes.iter().all(here)
            && (selected.base.is_none() || self.shows_its_base(opening))
            && quorum::opens(&self.log, members, opening.term().epoch, &signers(opening))
            && self.has_selected(&selected)
    }

    /// Whether the certificates of the opening are quorums of blocks in the log.
    fn shows_its_base(&self, opening: &TermCertificate) -> bool {
        let certified = |certificate: &Certificate| quorum::certifies(&self.log, certificate);
        let proven = |proof: &Certificate| quorum::is_registered(&self.log, proof);
        opening.base().is_none_or(certified) && opening.proof.as_ref().is_none_or(proven)
    }

    /// Whether the log goes through everything selected.
    pub(super) fn has_selected(&self, selected: &Selected) -> bool {
        let base = selected.base.is_none_or(|base| self.log.contains(base.height, &base.block));
        base && selected.hash().is_none_or(|hash| self.log.contains(selected.height(), &hash))
    }

    /// The set registered after the block of the opening's highest certificate.
    pub(super) fn base_members(&self, opening: &TermCertificate) -> Option<&Arc<Members>> {
        self.log.members_before(opening.base_height().next())
    }

    pub(super) fn selected(&self, opening: &TermCertificate, members: &Members) -> Selected {
        select(opening, |epoch: Epoch| -> Voters {
            let voters = quorum::voters(&self.log, members, epoch);
            voters.map(|member| (member.node, member.weight)).collect()
        })
    }

    /// Nodes that promised to have acked the selected block.
    pub(super) fn holders(&self, selected: &Selected) -> Vec<NodeId> {
        let Some(hash) = selected.hash() else { return Vec::new() };
        let has = |promise: &&Promise| {
            let change = &promise.signed.view_change;
            let acked = change.acked_at(selected.height());
            acked.is_some_and(|place| place.hash == hash)
                || change.certificate.is_some_and(|ack| ack.block == hash)
        };
        let nodes = self.changes.promises.values().filter(has).map(|promise| promise.signed.node);
        nodes.filter(|node| *node != self.me).collect()
    }

    /// The channel moved: a certificate came, or the first block that waits for one.
    pub(super) fn note_moved(&mut self, certified: bool) {
        self.changes.moved_at = self.now;
        if certified {
            self.changes.failures = 0;
        }
    }

    /// A call of this node's clients was ordered.
    pub(super) fn note_served(&mut self) {
        self.changes.starved_since = None;
    }

    pub(super) fn note_entered(&mut self) {
        self.changes.starved_since = None;
        self.changes.refused_at = None;
        self.changes.entered_at = self.now;
        self.changes.moved_at = self.now;
        self.changes.wish = None;
        let term = self.log.term();
        self.changes.promises.retain(|_, promise| promise.term() >= term);
    }

    /// P-79: the weight of the voters that this node hears and of them all, when those it hears are
    /// too few to certify anything.
    #[must_use]
    pub fn lacking_quorum(&self) -> Option<(Weight, Weight)> {
        let fresh = 2 * self.env.limits.leader_timeout;
        let starts = self.now.since(self.changes.started_at) <= fresh;
        let (heard, of) = self.heard_weight(fresh)?;
        (!starts && !quorum::is_quorum(heard, of)).then_some((heard, of))
    }

    fn heard_weight(&self, fresh: u64) -> Option<(Weight, Weight)> {
        let tip = self.log.tip()?;
        let epoch = self.log.term().epoch;
        let is_heard = |node: &NodeId| {
            let heard = self.peers.heard().get(node);
            *node == self.me || heard.is_some_and(|heard| self.now.since(heard.at) <= fresh)
        };
        let voters = || quorum::voters(&self.log, &tip.members, epoch);
        let heard = weight(voters().filter(|member| is_heard(&member.node)));
        Some((heard, weight(voters())))
    }
}

fn next_view(term: Term) -> Term {
    Term { epoch: term.epoch, view: View(term.view.0.saturating_add(1)) }
}

fn signers(opening: &TermCertificate) -> BTreeSet<NodeId> {
    opening.view_changes.iter().map(|signed| signed.node).collect()
}

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the effects it is about")]
mod tests;
