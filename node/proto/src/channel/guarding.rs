//! Guards this node's members' money on the chain: shows the best block that it can prove, answers
//! proposals that wait for their window, draws the outcome of windows that have ended, and claims
//! what a channel that closed by an exit owes.

use std::collections::BTreeMap;

use fairway_state::State;
use fairway_types::{
    Address, Hash, Header, Height, NodeId, Refusal, StateKey, Time,
    chain::{ChainMember, ChainTx, ChannelRecord},
    settlement::{Proposal, SignedVote},
    windows::{BlockProof, Guard, ProvenEntry, ShownBlock, WaitingRecord},
};

use super::{
    Channel,
    log::sum,
    output::{Effect, Event},
    quorum::is_quorum,
};
#[cfg(feature = "known-bugs")]
use crate::known_bugs::KnownBug;
use crate::{
    message::Message,
    settlement::{
        proof::{self, Line, Trail},
        proposal,
    },
};

/// Milliseconds between two looks at what is open.
const LOOK_EVERY: u64 = 500;
/// Milliseconds that a member leaves to each one before it in join order, where one suffices.
const TURN: u64 = 2_000;
/// The turn of those who come late in join order, or have been paid.
const LAST_TURN: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Guarding {
    next_look: Time,
    next_claim: Time,
    /// When this node last showed a block while one of its own log was shown already.
    shown_at: Time,
    /// No votes on the proposal that waits, and on the block shown in an exit.
    against: BTreeMap<(Hash, NodeId), SignedVote>,
    /// What this node's blocks said of a proposal or a block when memory held them.
    judged: BTreeMap<Hash, bool>,
    /// States that an exit may end at, whether or not memory still holds their blocks.
    pins: BTreeMap<(Height, Hash), State>,
    /// The best proof that this node ever had above the last settlement.
    best: Option<BlockProof>,
    /// The headers above the last anchor.
    trail: Trail,
    /// The headers above the block of what waits.
    line: Line,
    /// The block of another branch that this node answered last, and when.
    answered: Option<(Hash, Time)>,
    /// Since when the outcome of an exit is known.
    ended_at: Option<Time>,
}

impl Guarding {
    pub(super) fn next_look(&self) -> Time {
        self.next_look
    }

    /// Keeps the headers that proofs link, whether or not memory keeps their blocks.
    pub(super) fn follow(&mut self, event: &Event) {
        if let Event::Appended(appended) = event {
            self.trail.follow(&appended.block.header);
            self.line.follow(appended.block.hash(), &appended.block.header);
        }
        if let Event::RolledBack { to } = event {
            self.trail.roll_back(*to);
            self.line.roll_back(*to);
        }
    }
}

impl Channel {
    /// What of the chain's windows concerns this node; a few times a second.
    pub(super) fn guard(&mut self) {
        if self.now < self.guarding.next_look {
            return;
        }
        self.guarding.next_look = self.now.plus(LOOK_EVERY);
        let Some(record) = self.chain.shared_record() else { return };
        self.pin(&record);
        // P-114: whether or not there still is a channel, collateral is held.
        self.prosecute(&record);
        // Who was paid goes on for the others.
        if record.windows.outcome.is_some() {
            return self.claim(&record);
        }
        if !record.open || !self.chain.knows(&self.me) {
            return;
        }
        self.show_best(&record);
        self.answer_waiting(&record);
        self.answer_exit(&record);
        self.finish_exit(&record);
        self.answer_complaint(&record);
    }

    /// P-103: keeps what an exit may end at, however long its window lasts: the states of the last
    /// settlement, of the block shown with its anchor, of the outcome, and of the best proof.
    fn pin(&mut self, record: &ChannelRecord) {
        let (windows, last) = (&record.windows, &record.settlement);
        let mut wanted = vec![(last.height, last.block)];
        if let Some(shown) = windows.shown {
            wanted.push((shown.height, shown.block));
            wanted.push((shown.anchor_height, shown.anchor_block));
        }
        wanted.extend(windows.outcome.as_ref().map(|outcome| (outcome.height, outcome.block)));
        wanted.extend(windows.waiting.as_ref().map(|waits| (waits.to_height, waits.to_block)));
        self.guarding.trail.update(&self.log, record);
        self.guarding.line.update(&self.log, windows.waiting.as_ref());
        self.guarding.best = self.best_proof(record, self.log.head());
        let best = self.guarding.best.as_ref().and_then(BlockProof::shown);
        wanted.extend(best.map(|best| (best.height, best.block)));
        let mut pins = BTreeMap::new();
        for place in wanted {
            let known = self.guarding.pins.get(&place).cloned();
            if let Some(state) = known.or_else(|| self.log.state_after(place.0, place.1)) {
                pins.insert(place, state);
            }
        }
        self.guarding.pins = pins;
    }

    /// P-100: the best proof of a block up to `most`, also of one that has left memory.
    pub(super) fn best_proof(&self, record: &ChannelRecord, most: Height) -> Option<BlockProof> {
        let rank = |proof: &BlockProof| proof.shown().map(|shown| shown.rank());
        let kept = self.guarding.best.clone().filter(|kept| {
            kept.shown().is_some_and(|shown| {
                shown.height > record.settlement.height && shown.height <= most
            })
        });
        let now = proof::best_along(&self.log, record, most, &self.guarding.trail);
        now.into_iter().chain(kept).max_by_key(rank)
    }

    /// States that this node keeps for an answer.
    pub(super) fn pinned(&self) -> impl Iterator<Item = &State> {
        self.guarding.pins.values()
    }

    /// What is open is looked at with the next flush.
    pub(super) fn guard_soon(&mut self) {
        self.guarding.next_look = self.now;
    }

    /// P-105: what the chain settled is final here too, whoever certified it.
    pub(super) fn believe_settlement(&mut self) {
        let Some(record) = self.chain.shared_record() else { return };
        let last = &record.settlement;
        let held = self.log.held(last.height);
        let here = held.is_some_and(|held| held.hash == last.block);
        if last.number > 0 && here && last.height > self.log.finalised() {
            self.record(Event::SettledOnChain { height: last.height });
        }
    }

    /// P-101: as long as an exit's window, or a proposal's, runs, this node shows what it can prove
    /// that is better than the best block shown.
    fn show_best(&mut self, record: &ChannelRecord) {
        let windows = &record.windows;
        #[cfg(feature = "known-bugs")]
        if KnownBug::UnansweredExit.is_back() && windows.exit.is_some() {
            return;
        }
        let runs = windows.exit.is_some() || windows.waiting.is_some();
        if !runs || windows.is_over(self.chain.time()) {
            return;
        }
        let Some(mut best) = self.best_proof(record, self.log.head()) else { return };
        if windows.takes_anchors_alone(self.now, record.config.money.challenge_window) {
            let Some(anchor) = proof::anchor_alone(best) else { return };
            best = anchor;
        }
        let Some(shown) = best.shown() else { return };
        // A proposal of this very chain needs no later block shown: that would only ask for support.
        let waits = windows.waiting.as_ref().filter(|_| windows.exit.is_none());
        if waits.is_some_and(|waits| self.agrees(waits) == Some(true)) {
            return;
        }
        // Of its own chain a newer block is shown now and then: each gives all others time to answer.
        let own = windows.shown.is_some_and(|known| self.has(known.height, known.block));
        let pause = record.config.money.challenge_window / 4;
        if own && self.now < self.guarding.shown_at.plus(pause) {
            return;
        }
        if windows.shown.is_none_or(|known| known.rank() < shown.rank()) {
            self.guarding.shown_at = if own { self.now } else { Time::ZERO };
            let (channel, proof) = (self.env.channel, Box::new(best));
            self.perform(Effect::Submit(ChainTx::Show { channel, proof }));
        }
    }

    /// P-102: whether the proposal that waits is what this node would propose at that height; `None`
    /// as long as its blocks don't reach there.
    fn agrees(&mut self, waits: &WaitingRecord) -> Option<bool> {
        let judged = self.judge_waiting(waits);
        if let Some(judged) = judged {
            self.guarding.judged.insert(waits.proposal, judged);
        }
        judged.or_else(|| self.guarding.judged.get(&waits.proposal).copied())
    }

    /// Whether the log goes through the block.
    fn has(&self, height: Height, block: Hash) -> bool {
        self.log.held(height).is_some_and(|held| held.hash == block)
    }

    fn judge_waiting(&self, waits: &WaitingRecord) -> Option<bool> {
        let from = self.settled_point()?;
        let entry = self.log.entry(waits.to_height)?;
        if entry.hash != waits.to_block {
            return Some(false);
        }
        let tip = self.log.tip_at(waits.to_height)?;
        let own = proposal::compute((self.env.chain, self.env.channel), from, &tip);
        Some(own.is_some_and(|own| own.hash() == waits.proposal))
    }

    /// P-102: a member that agrees with the proposal that waits keeps it supported and has it executed
    /// when its window has ended; one that does not, or can't tell by three quarters of the window,
    /// says no, and has it withdrawn once no two thirds can agree any more.
    fn answer_waiting(&mut self, record: &ChannelRecord) {
        let Some(waits) = &record.windows.waiting else { return };
        let lasts = waits.deadline.since(waits.opened_at);
        // What has left memory is no reason to say no.
        let patient =
            self.now < waits.opened_at.plus(lasts / 4 * 3) || waits.to_height <= self.log.head();
        match self.agrees(waits) {
            Some(true) => self.press_waiting(record, waits),
            None if patient => {}
            judged @ (Some(false) | None) => {
                if judged.is_some() {
                    self.refute(record, waits);
                }
                let votes = self.object(record, waits.proposal);
                let channel = self.env.channel;
                if let Some(votes) = votes {
                    self.perform(Effect::Submit(ChainTx::Object { channel, votes }));
                }
            }
        }
    }

    /// P-109: to a block shown in an exit that fewer than two thirds of the active members certified,
    /// a member says no whose blocks say something else, or don't reach there by three quarters of the
    /// window; then anchors alone count, once two thirds can agree no more.
    fn answer_exit(&mut self, record: &ChannelRecord) {
        let windows = &record.windows;
        let (Some(exit), Some(shown)) = (&windows.exit, windows.shown) else { return };
        if exit.disputed || shown.height == shown.anchor_height || windows.is_over(self.now) {
            return;
        }
        let lasts = exit.deadline.since(exit.opened_at);
        let late = self.now >= exit.opened_at.plus(lasts / 4 * 3);
        let held = self.log.held(shown.height).map(|held| held.hash == shown.block);
        if let Some(held) = held {
            self.guarding.judged.insert(shown.block, held);
        }
        let agrees = held.or_else(|| self.guarding.judged.get(&shown.block).copied());
        let unheard = agrees.is_none() && shown.height > self.log.head();
        let objects = agrees == Some(false) || unheard && late;
        if objects && let Some(votes) = self.object(record, shown.block) {
            let channel = self.env.channel;
            self.perform(Effect::Submit(ChainTx::Dispute { channel, votes }));
        }
    }

    fn press_waiting(&mut self, record: &ChannelRecord, waits: &WaitingRecord) {
        let channel = self.env.channel;
        let Some(shown) = record.windows.shown else {
            // P-118: what nobody showed executes not.
            let own = self
                .best_proof(record, waits.to_height)
                .filter(|proof| proof.shown().is_some_and(|shown| shown.block == waits.to_block));
            if let Some(proof) = own.filter(|_| self.is_turn(record, waits.opened_at)) {
                let proof = Box::new(proof);
                self.perform(Effect::Submit(ChainTx::Show { channel, proof }));
            }
            return;
        };
        if shown.block != waits.to_block && shown.block != waits.supported_by {
            if !self.is_turn(record, waits.opened_at) {
                return;
            }
            // P-118: a lower block supports it only if its own was shown.
            let first =
                shown.height < waits.to_height && self.answer_to(record, waits, &shown).is_some();
            let headers = self.link(waits, &shown).filter(|_| !first);
            if let Some(headers) = headers {
                self.perform(Effect::Submit(ChainTx::Support { channel, headers }));
            } else if !self.has_answered(record, &shown)
                && let Some(proof) = self.answer_to(record, waits, &shown)
            {
                self.guarding.answered = Some((shown.block, self.now));
                let proof = Box::new(proof);
                self.perform(Effect::Submit(ChainTx::Show { channel, proof }));
            }
            return;
        }
        if self.is_turn(record, waits.deadline) {
            self.perform(Effect::Submit(ChainTx::Finish { channel }));
        }
    }

    /// P-102: the headers between the block shown and that of what waits, or the one last linked to it;
    /// `None` if they are of two chains, or too far apart.
    fn link(&self, waits: &WaitingRecord, shown: &ShownBlock) -> Option<Vec<Header>> {
        let one = (waits.to_height, waits.to_block);
        let near = || proof::link(&self.log, one, (shown.height, shown.block));
        self.guarding.line.to(shown.block).or_else(near)
    }

    /// P-115: whether this node answered lately: each block shown prolongs the window.
    fn has_answered(&self, record: &ChannelRecord, shown: &ShownBlock) -> bool {
        self.guarding.answered.is_some_and(|(block, at)| {
            let again = record.config.money.challenge_window / 4;
            self.now < at.plus(if block == shown.block { again.min(TURN) } else { again })
        })
    }

    /// P-115: whether the proposal waits and was beaten for good as far as this node can tell: by a
    /// block of its own chain that it can't link, or by another branch that it can't beat.
    pub(super) fn is_lost(&self, proposal: &Proposal) -> bool {
        let Some(record) = self.chain.record() else { return false };
        let windows = &record.windows;
        let (Some(waits), Some(shown)) = (&windows.waiting, &windows.shown) else { return false };
        waits.proposal == proposal.hash()
            && !windows.stands(waits)
            // Of what lies ahead of its own blocks it can't tell yet.
            && shown.height <= self.log.head()
            && self.link(waits, shown).is_none()
            && self.answer_to(record, waits, shown).is_none()
    }

    /// P-115: what beats a block of another branch that beat the proposal: the proof of its own block,
    /// or of a later one of its chain, which is linked to it then. Against a block of its own chain
    /// nothing helps but a link.
    fn answer_to(
        &self,
        record: &ChannelRecord,
        waits: &WaitingRecord,
        shown: &ShownBlock,
    ) -> Option<BlockProof> {
        if self.has(shown.height, shown.block) && shown.height > waits.to_height {
            return None;
        }
        let is_better =
            |proof: &BlockProof| proof.shown().is_some_and(|proven| proven.rank() > shown.rank());
        let at = self.best_proof(record, waits.to_height).filter(is_better);
        at.or_else(|| self.best_proof(record, self.log.head()).filter(is_better))
    }

    /// Says no to a proposal or a block; the no votes, if they keep two thirds of the active weight
    /// from it.
    fn object(&mut self, record: &ChannelRecord, what: Hash) -> Option<Vec<SignedVote>> {
        let reason = Some("this node's blocks say something else".to_owned());
        let vote = self.sign_vote(what, reason);
        self.perform(Effect::Broadcast(Message::Vote(vote.clone())));
        self.note_against(&vote);
        let active = || record.members.iter().filter(|member| member.active);
        let against = &self.guarding.against;
        let says_no = |member: &ChainMember| against.contains_key(&(what, member.record.node));
        let weight = |member: &ChainMember| member.record.weight;
        let agree = sum(active().filter(|member| !says_no(member)).map(weight));
        if is_quorum(agree, sum(active().map(weight))) {
            return None;
        }
        let votes = active().filter(|member| says_no(member));
        let votes = votes.filter_map(|member| against.get(&(what, member.record.node)));
        Some(votes.cloned().collect())
    }

    /// Keeps a no to the proposal that waits, or to the block shown in an exit.
    pub(super) fn note_against(&mut self, vote: &SignedVote) {
        let Some(windows) = self.chain.record().map(|record| &record.windows) else { return };
        let what = vote.vote.proposal;
        let waits = windows.waiting.as_ref().map(|waits| waits.proposal);
        let shown = windows.shown.map(|shown| shown.block);
        let is_open = |what: &Hash| waits == Some(*what) || shown == Some(*what);
        let counts = !vote.vote.yes && self.chain.counts(&vote.node);
        self.guarding.against.retain(|(what, _), _| is_open(what));
        self.guarding.judged.retain(|what, _| is_open(what));
        if counts && is_open(&what) {
            self.guarding.against.insert((what, vote.node), vote.clone());
        }
    }

    /// P-103: whoever has the state at which an exit closes the channel closes it, one after the other
    /// in join order once the window has ended.
    fn finish_exit(&mut self, record: &ChannelRecord) {
        let Some(exit) = &record.windows.exit else { return };
        if !self.is_turn(record, exit.deadline) {
            return;
        }
        // With nothing shown the last settlement says who was in, and there is nothing to prove.
        let entered = match record.windows.shown {
            None => Some(ProvenEntry::default()),
            Some(shown) => self.proven((shown.height, shown.block), &StateKey::Entered),
        };
        let Some(entered) = entered else { return };
        let (channel, entered) = (self.env.channel, Box::new(entered));
        self.perform(Effect::Submit(ChainTx::FinishExit { channel, entered }));
    }

    /// P-103: claims what its own member is due, and after a while what all others are who have not
    /// claimed, so that nobody's money waits for a node that is gone.
    fn claim(&mut self, record: &ChannelRecord) {
        let since = *self.guarding.ended_at.get_or_insert(self.now);
        if self.now < self.guarding.next_claim {
            return;
        }
        self.guarding.next_claim = self.now.plus(TURN);
        for member in &record.members {
            let own = member.record.node == self.me;
            if own || self.is_turn(record, since.plus(TURN)) {
                self.claim_for(record, member.record.account);
            }
        }
    }

    fn claim_for(&mut self, record: &ChannelRecord, account: Address) {
        if let Some((vault, departed)) = self.due(record, account) {
            let (vault, departed) = (Box::new(vault), Box::new(departed));
            let channel = self.env.channel;
            self.perform(Effect::Submit(ChainTx::Claim { channel, account, vault, departed }));
        }
    }

    /// What somebody else needs to keep the account's money safe while this node is away.
    pub(super) fn guard_of(&self, account: Address) -> Result<Guard, Refusal> {
        let missing =
            |reason: &str| Refusal::NotReady { what: "guard".into(), reason: reason.to_owned() };
        let record = self.chain.record().ok_or_else(|| missing("the chain was not read yet"))?;
        if !record.members.iter().any(|member| member.record.account == account) {
            return Err(Refusal::NotAMember { account });
        }
        let proof = self
            .best_proof(record, self.log.head())
            .ok_or_else(|| missing("nothing was certified since the last settlement"))?;
        let shown = proof.shown().ok_or_else(|| missing("nothing is proven"))?;
        let place = (shown.height, shown.block);
        let of = |key: &StateKey| {
            self.proven(place, key).ok_or_else(|| missing("its block has left memory"))
        };
        Ok(Guard {
            channel: self.env.channel,
            account,
            entered: of(&StateKey::Entered)?,
            vault: of(&StateKey::resource(account, super::books::VAULT_TAG))?,
            departed: of(&StateKey::Departed(account))?,
            proof,
        })
    }

    /// What a channel that an exit closed owes the account, with its proof: its vault, and what it is
    /// owed as a leaver; `None` where memory lacks that state.
    #[must_use]
    pub fn due(
        &self,
        record: &ChannelRecord,
        account: Address,
    ) -> Option<(ProvenEntry, ProvenEntry)> {
        let outcome = record.windows.outcome.as_ref()?;
        let place = (outcome.height, outcome.block);
        let vault = StateKey::resource(account, super::books::VAULT_TAG);
        let vault = self.proven(place, &vault)?;
        Some((vault, self.proven(place, &StateKey::Departed(account))?))
    }

    /// An entry of the state after this block, with its proof.
    fn proven(&self, (height, block): (Height, Hash), key: &StateKey) -> Option<ProvenEntry> {
        let pinned = self.guarding.pins.get(&(height, block)).cloned();
        let state = pinned.or_else(|| self.log.state_after(height, block));
        state.map(|state| state.proven(key))
    }

    /// Whether it is this node's turn, where one suffices: the later in join order, the later after
    /// `from`.
    pub(super) fn is_turn(&self, record: &ChannelRecord, from: Time) -> bool {
        let order = record.members.iter().position(|member| member.record.node == self.me);
        let wait = TURN * order.unwrap_or(LAST_TURN).min(LAST_TURN) as u64;
        self.now >= from.plus(wait)
    }
}

#[cfg(test)]
mod tests;
