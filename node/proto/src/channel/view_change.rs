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
    /// Since when calls of this node's clients are due and none is ordered.
    starved_since: Option<Time>,
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
        let starves = self.has_due_call();
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
        let discontent = self.log.evidence().is_some()
            || self.leader_gives_up()
            || !leads && self.now >= self.discontent_at();
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
mod tests {
    use fairway_types::{Block, SequenceNumber, Verified, call::CallStatus, codec};

    use super::{
        super::{
            bench::{Bench, Vaults, account_key, node_key, nothing, sign},
            execution::next_sequence,
            input::{Input, Request, RequestId},
            output::Step,
        },
        *,
    };

    fn ordered(bench: &Bench, node: usize) -> u64 {
        let tip = bench.nodes[node].log().tip().unwrap();
        next_sequence(&tip.state, account_key(3).address()).0
    }

    /// Everybody that is up holds one certified log.
    fn assert_agreed(bench: &Bench, nodes: &[usize]) {
        let first = bench.nodes[nodes[0]].log();
        for node in nodes {
            let log = bench.nodes[*node].log();
            assert_eq!(log.tip().unwrap().hash, first.tip().unwrap().hash, "node {node}");
            assert_eq!(log.certified(), log.head(), "node {node}");
            assert_eq!(log.term(), first.term(), "node {node}");
        }
    }

    #[test]
    fn silent_leader_is_followed_by_the_next_in_join_order_within_two_timeouts() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.wait(500);
        bench.down.insert(0);
        bench.wait(2_000);
        assert_eq!(bench.leader(), 1);
        assert_eq!(bench.nodes[1].log().term(), Term { epoch: Epoch(1), view: View(1) });
        bench.call(3, 2, nothing());
        assert_agreed(&bench, &[1, 2, 3]);
        assert_eq!(ordered(&bench, 1), 2);
    }

    #[test]
    fn next_leader_that_is_down_too_is_passed_over() {
        let mut bench = Bench::new(7);
        bench.note(3);
        bench.down.extend([0, 1]);
        bench.wait(6_000);
        assert_eq!(bench.leader(), 2);
        bench.call(3, 4, nothing());
        assert_agreed(&bench, &[2, 3, 4, 5, 6]);
    }

    /// Only the leader knew that its block was certified.
    #[test]
    fn certified_block_survives_the_leader() {
        let mut bench = Bench::new(4);
        bench.note(3);
        let block = bench.cut_unheard();
        for node in [1, 2] {
            bench.message(node, 0, Message::Block(Arc::clone(&block)));
        }
        bench.down.insert(0);
        bench.wait(2_500);
        assert_agreed(&bench, &[1, 2, 3]);
        for node in 1..4 {
            let place = bench.nodes[node].log().place(block.height()).unwrap();
            assert_eq!(place.hash, block.hash(), "byte for byte");
        }
    }

    /// One ack and the leader's own are no quorum of four.
    #[test]
    fn uncertified_block_of_a_leader_that_returns_is_taken_back_and_its_call_runs_once() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.part(&[0]);
        let sequence = SequenceNumber(ordered(&bench, 0));
        let call = sign(3, sequence, nothing(), bench.now.plus(60_000));
        bench.request(0, call.clone());
        assert_eq!(bench.nodes[0].log().head(), Height(2));
        bench.wait(2_500);
        bench.note(1);
        bench.cut.clear();
        bench.wait(3_000);
        assert_agreed(&bench, &[0, 1, 2, 3]);
        assert_eq!(ordered(&bench, 1), 2, "the call of the block that was taken back");
        let back = bench.events.iter().any(|(node, event)| {
            *node == 0 && matches!(event, Event::RolledBack { to: Height(1) })
        });
        assert!(back, "block 2 was taken back");
    }

    #[test]
    fn client_of_the_old_leader_is_answered_after_its_block_was_taken_back() {
        let mut bench = Bench::new(4);
        bench.part(&[0]);
        let call = sign(3, SequenceNumber(0), nothing(), bench.now.plus(60_000));
        let request =
            Request::Call { call: Box::new(Verified::trusted(call)), wait: CallStatus::Certified };
        bench.run(0, Input::Client { id: RequestId(77), request });
        bench.wait(2_500);
        bench.note(1);
        bench.cut.clear();
        bench.wait(3_000);
        let answers = bench.effects.iter().filter(|(_, effect)| {
            matches!(effect, Effect::Reply { id: RequestId(77), result: Ok(_) })
        });
        assert_eq!(answers.count(), 1);
    }

    /// P-70: a wish takes nothing away from the others.
    #[test]
    fn node_that_alone_lost_the_leader_disturbs_nobody() {
        let mut bench = Bench::new(4);
        bench.cut.insert((0, 2));
        bench.wait(5_000);
        assert_eq!(bench.nodes[1].log().term(), Term { epoch: Epoch(1), view: View(0) });
        assert_eq!(bench.nodes[2].log().term(), Term { epoch: Epoch(1), view: View(0) });
        bench.cut.clear();
        bench.wait(500);
        bench.note(3);
        assert_agreed(&bench, &[0, 1, 2, 3]);
    }

    #[test]
    fn minority_certifies_nothing_and_comes_back_by_itself() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.part(&[0, 1]);
        bench.call(3, 0, nothing());
        bench.wait(4_000);
        for node in &bench.nodes {
            assert_eq!(node.log().certified(), Height(1), "two of four are no quorum");
            assert_eq!(node.lacking_quorum(), Some((Weight(2), Weight(4))));
        }
        let refused = sign(2, SequenceNumber(0), nothing(), bench.now.plus(60_000));
        let id = bench.request(0, refused);
        let answer = bench.effects.iter().find_map(|(_, effect)| match effect {
            Effect::Reply { id: answered, result: Err(refusal) } if *answered == id => {
                Some(refusal)
            }
            _ => None,
        });
        assert_eq!(answer.map(fairway_types::Refusal::name), Some("no_leader"));
        bench.cut.clear();
        bench.wait(3_000);
        assert_agreed(&bench, &[0, 1, 2, 3]);
        assert_eq!(ordered(&bench, 2), 2);
    }

    /// The leader that follows a dead one in a pair is the chain's choice.
    #[test]
    fn pair_goes_on_by_a_new_epoch_only() {
        let mut bench = Bench::new(2);
        bench.note(1);
        bench.down.insert(0);
        bench.wait(5_000);
        assert_eq!(bench.nodes[1].log().term(), Term { epoch: Epoch(1), view: View(0) });
        bench.grant(1, &[1]);
        bench.note(1);
        assert_eq!(bench.nodes[1].log().certified(), bench.nodes[1].log().head());
        bench.down.clear();
        bench.observe();
        bench.wait(1_000);
        assert_agreed(&bench, &[0, 1]);
    }

    /// P-72: also across a restart.
    #[test]
    fn who_promised_a_term_acks_nothing_of_an_earlier_one() {
        let mut bench = Bench::new(4);
        bench.note(3);
        let late = bench.cut_unheard();
        bench.down.extend([0, 1]);
        bench.wait(1_500);
        bench.run(2, view_change(&bench, 1));
        bench.run(3, view_change(&bench, 1));
        assert_eq!(
            bench.nodes[2].log().term().view,
            View(1),
            "two are left, and the next one's word"
        );
        bench.restart(2);
        let step = bench.message(2, 0, Message::Block(late));
        assert!(!acks(&step), "{:?}", step.effects);
    }

    fn acks(step: &Step) -> bool {
        let is_ack =
            |effect: &Effect| matches!(effect, Effect::Send { message: Message::Ack(_), .. });
        step.effects.iter().any(is_ack)
    }

    /// A promise of `node` towards view 1, as it would say it.
    fn view_change(bench: &Bench, node: usize) -> Input {
        let promise = promise_of(bench, node, Term { epoch: Epoch(1), view: View(1) });
        let message = Box::new(Verified::trusted(Message::ViewChange(Box::new(promise))));
        Input::Peer { from: node_key(node).node_id(), message }
    }

    fn promise_of(bench: &Bench, node: usize, term: Term) -> Promise {
        let mut channel = bench.nodes[node].clone_for_test();
        channel.promise(term);
        channel.log().promise().cloned().unwrap()
    }

    /// The first block of view 1 as its leader cuts it, and what changes it makes it somebody else's.
    fn opening_block(bench: &mut Bench) -> Arc<Block> {
        bench.down.insert(0);
        for _ in 0..60 {
            bench.wait(50);
            let head = bench.nodes[1].log().head();
            let entry = bench.nodes[1].log().entry(head).unwrap();
            if entry.block.opening.is_some() {
                return Arc::clone(&entry.block);
            }
        }
        panic!("view 1 never began");
    }

    fn resigned(block: &Block, change: impl FnOnce(&mut TermCertificate)) -> Arc<Block> {
        let mut block = block.clone();
        let mut opening = *block.opening.take().unwrap();
        change(&mut opening);
        block.header.opening = Some(opening.hash());
        block.opening = Some(Box::new(opening));
        block.signature = node_key(1).sign(&block.header);
        Arc::new(block)
    }

    /// P-75
    #[test]
    fn opening_without_enough_promises_is_refused() {
        let mut bench = Bench::new(4);
        bench.note(3);
        let fresh = bench.nodes[3].clone_for_test();
        let block = opening_block(&mut bench);
        let fewer = resigned(&block, |opening| {
            opening.view_changes.pop();
        });
        bench.nodes[3] = fresh.clone_for_test();
        bench.message(3, 1, Message::Block(fewer));
        assert_eq!(bench.nodes[3].log().head(), Height(1));
        bench.nodes[3] = fresh;
        bench.message(3, 1, Message::Block(block));
        assert_eq!(bench.nodes[3].log().head(), Height(2));
    }

    /// P-75: else a faulty leader could drop what was certified.
    #[test]
    fn opening_that_leaves_out_what_may_be_certified_is_refused() {
        let mut bench = Bench::new(4);
        bench.note(3);
        let without = bench.nodes[3].clone_for_test();
        let block = bench.cut_unheard();
        for node in [1, 2, 3] {
            bench.message(node, 0, Message::Block(Arc::clone(&block)));
        }
        let with = bench.nodes[3].clone_for_test();
        let right = opening_block(&mut bench);
        let tip = without.log().tip().unwrap();
        let mut wrong = (*right).clone();
        wrong.header.height = tip.height.next();
        wrong.header.parent = tip.hash;
        wrong.signature = node_key(1).sign(&wrong.header);
        for mut node in [without, with] {
            let head = node.log().head();
            let message = Box::new(Verified::trusted(Message::Block(Arc::new(wrong.clone()))));
            let from = node_key(1).node_id();
            node.handle(bench.now, &Vaults, Input::Peer { from, message });
            node.handle(bench.now, &Vaults, Input::Flush);
            assert_eq!(node.log().head(), head);
        }
    }

    /// P-72: a block that was taken back says nothing against those below it.
    #[test]
    fn promise_names_what_was_acked_below_a_block_that_was_taken_back() {
        let mut bench = Bench::new(4);
        let (kept, dropped) = (bench.cut_unheard(), bench.cut_unheard());
        for node in [1, 2, 3] {
            bench.message(node, 0, Message::Block(Arc::clone(&kept)));
        }
        let mut ahead = bench.nodes[2].clone_for_test();
        let block = |leader: usize, block: &Arc<Block>| Input::Peer {
            from: node_key(leader).node_id(),
            message: Box::new(Verified::trusted(Message::Block(Arc::clone(block)))),
        };
        ahead.handle(bench.now, &Vaults, block(0, &dropped));
        assert!(acks(&ahead.handle(bench.now, &Vaults, Input::Flush)));
        let first = opening_block(&mut bench);
        assert_eq!(first.header.parent, kept.hash());
        ahead.promise(Term { epoch: Epoch(1), view: View(2) });
        ahead.handle(bench.now, &Vaults, block(1, &first));
        let step = ahead.handle(bench.now, &Vaults, Input::Flush);
        assert!(ahead.log().contains(Height(2), &first.hash()) && !acks(&step));
        ahead.promise(Term { epoch: Epoch(1), view: View(3) });
        let promise = ahead.log().promise().unwrap();
        let acked: Vec<_> = promise.signed.view_change.acked.iter().map(|it| it.hash).collect();
        assert_eq!(acked, [kept.hash()]);
        let restored = crate::channel::log::Log::restore(ahead.log().snapshot());
        assert_eq!(restored.acked_to(), Height(1), "also from a snapshot");
    }

    /// No opening of a later term leads from one of a liar's blocks to the other.
    #[test]
    fn leader_goes_over_to_the_certified_one_of_two_blocks_of_a_liar() {
        let mut bench = Bench::new(4);
        let shown = bench.cut_unheard();
        let mut other = (*shown).clone();
        other.header.time = other.header.time.plus(1);
        other.signature = node_key(0).sign(&other.header);
        let other = Arc::new(other);
        bench.down.insert(0);
        bench.message(1, 0, Message::Block(shown));
        for node in [2, 3] {
            bench.message(node, 0, Message::Block(Arc::clone(&other)));
            let certificate = crate::channel::bench::certificate(&other, &[0, 2, 3]);
            bench.message(node, 0, Message::Certificate(certificate));
            assert_eq!(bench.nodes[node].log().certified(), Height(1));
        }
        bench.wait(2_500);
        bench.note(1);
        assert_agreed(&bench, &[1, 2, 3]);
        assert_eq!(bench.nodes[1].log().term().view, View(1));
        assert!(bench.nodes[1].log().contains(Height(1), &other.hash()));
    }

    /// P-74: a liar's ack made the certificate, and the liar concealed it when view 1 began.
    #[test]
    fn block_that_all_acked_survives_a_certificate_that_its_term_did_without() {
        let mut bench = Bench::new(4);
        let dropped = bench.cut_unheard();
        for node in [2, 3] {
            bench.message(node, 0, Message::Block(Arc::clone(&dropped)));
        }
        let lie = lied(1, None);
        let first = opened(&mut bench, 1, 2, lie);
        assert_eq!(first.height(), Height(1), "of four, one acked the block and one is silent");
        let all = [2, 3].map(|node| bench.message(node, 1, Message::Block(Arc::clone(&first))));
        assert!(all.iter().all(acks));
        let made = crate::channel::bench::certificate(&first, &[0, 1, 2, 3]);
        bench.message(1, 0, Message::Certificate(made));
        assert_eq!(bench.nodes[1].log().finalised(), Height(1));
        let concealed = crate::channel::bench::certificate(&dropped, &[0, 2, 3]);
        let second = opened(&mut bench, 2, 3, lied(2, Some(concealed)));
        assert_eq!(second.header.parent, first.hash());
        for node in [1, 3] {
            assert!(acks(&bench.message(node, 2, Message::Block(Arc::clone(&second)))));
        }
    }

    /// What node 0 promises towards a view, whatever it acked.
    fn lied(view: u64, certificate: Option<Certificate>) -> Promise {
        let named = certificate.as_ref().map(|made| made.ack);
        let view_change = ViewChange {
            channel: crate::channel::bench::CHANNEL,
            term: Term { epoch: Epoch(1), view: View(view) },
            proof: named,
            certificate: named,
            acked: Vec::new(),
        };
        let (node, signature) = (node_key(0).node_id(), node_key(0).sign(&view_change.summary()));
        let signed = SignedViewChange { view_change, node, signature };
        Promise { signed, proof: certificate, certificate: None }
    }

    /// The first block of the view that `leader` leads, by its own promise, another's and a lie.
    fn opened(bench: &mut Bench, leader: usize, other: usize, lie: Promise) -> Arc<Block> {
        let own = promise_of(bench, leader, lie.term());
        let say = |promise: Promise| Message::ViewChange(Box::new(promise));
        bench.message(other, 0, say(lie.clone()));
        bench.message(other, leader, say(own));
        let promise = bench.nodes[other].log().promise().cloned().unwrap();
        assert_eq!(promise.term(), lie.term());
        bench.message(leader, 0, say(lie));
        crate::channel::bench::block_of(&bench.message(leader, other, say(promise)))
    }

    /// What a promise says is at most what fits every opening.
    #[test]
    fn promise_names_what_was_acked_above_the_certificate() {
        let mut bench = Bench::new(4);
        bench.note(3);
        let block = bench.cut_unheard();
        bench.message(2, 0, Message::Block(Arc::clone(&block)));
        let term = Term { epoch: Epoch(1), view: View(1) };
        let promise = promise_of(&bench, 2, term);
        let change = &promise.signed.view_change;
        assert_eq!(change.base(), Height(1));
        assert_eq!(change.acked.iter().map(|place| place.hash).collect::<Vec<_>>(), [block.hash()]);
        assert!(codec::encode(&promise).len() < 2_000);
    }

    /// P-70: a leader that says it is there and orders nothing.
    #[test]
    fn leader_that_leaves_calls_undone_is_changed() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.down.insert(0);
        let beats = |bench: &mut Bench, milliseconds: u64| {
            for _ in 0..milliseconds / 50 {
                for node in [1, 2, 3] {
                    let heartbeat = bench.nodes[0].heartbeat();
                    bench.message(node, 0, Message::Heartbeat(heartbeat.unwrap()));
                }
                bench.wait(50);
            }
        };
        beats(&mut bench, 6_000);
        assert_eq!(bench.nodes[1].log().term().view, View(0), "there was nothing to order");
        bench.call(3, 1, nothing());
        bench.call(2, 2, nothing());
        beats(&mut bench, 6_000);
        assert_eq!(bench.nodes[1].log().term().view, View(1));
        assert_eq!(ordered(&bench, 1), 2);
    }
}
