//! Dry runs: before this node signs a proposal, or a yes to one, it asks the chain whether the
//! contract would take the proposal as the chain stands.

use std::collections::BTreeMap;

use fairway_types::{Hash, NodeId, Time, chain::ChainRefusal, settlement::Proposal};

use super::{Channel, output::Effect};

/// Milliseconds for which an answer counts.
pub(super) const FRESH: u64 = 5_000;
/// Milliseconds until a question without an answer is asked again, or gives way to another.
const ASK_EVERY: u64 = 2_000;
/// Milliseconds after which a question is forgotten.
const REMEMBERED: u64 = 4 * FRESH;

/// For whom the chain is asked: each has one question at a time, and a place that nobody else takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asker {
    /// This node, before it proposes.
    Draft,
    /// This node, about what its yes binds it to.
    Bound,
    /// Who sent the proposal.
    Proposer(NodeId),
}

/// What the chain said of proposals, and what it was asked.
#[derive(Debug, Default)]
pub(super) struct DryRuns {
    known: BTreeMap<Asker, DryRun>,
}

#[derive(Debug)]
struct DryRun {
    proposal: Hash,
    asked_at: Time,
    /// When the answer came, and why the chain would refuse the proposal, if it would.
    answer: Option<(Time, Option<ChainRefusal>)>,
}

impl DryRuns {
    /// Why the chain would refuse the proposal, as far as it said so lately.
    pub(super) fn refusal(&self, proposal: &Hash, now: Time) -> Option<&ChainRefusal> {
        self.answer(proposal, now)?.as_ref()
    }

    /// The latest answer about the proposal, if it counts still.
    fn answer(&self, proposal: &Hash, now: Time) -> Option<&Option<ChainRefusal>> {
        let of = self.known.values().filter(|known| known.proposal == *proposal);
        let answers = of.filter_map(|known| known.answer.as_ref());
        let latest = answers.max_by_key(|(at, _)| *at);
        latest.filter(|(at, _)| now < at.plus(FRESH)).map(|(_, refusal)| refusal)
    }

    /// What the chain said of the proposal is doubtful now.
    pub(super) fn forget(&mut self, proposal: &Hash) {
        self.known.retain(|_, known| known.proposal != *proposal || known.answer.is_none());
    }

    /// Whether a question may be asked now for this one; it is noted then.
    fn begin(&mut self, asker: Asker, proposal: Hash, now: Time) -> bool {
        self.known.retain(|_, known| now < known.asked_at.plus(REMEMBERED));
        let is_open =
            |known: &DryRun| known.answer.is_none() && now < known.asked_at.plus(ASK_EVERY);
        if self.known.get(&asker).is_some_and(is_open) {
            return false;
        }
        self.known.insert(asker, DryRun { proposal, asked_at: now, answer: None });
        true
    }
}

impl Channel {
    /// P-116: whether the chain would take the proposal now, or why not; `None` as long as it has
    /// not said so, while it is asked. Who has many proposals judged waits with each for the one
    /// before, and keeps nobody else's question from its answer.
    pub(super) fn dry_run(
        &mut self,
        asker: Asker,
        proposal: &Proposal,
    ) -> Option<Result<(), ChainRefusal>> {
        let hash = proposal.hash();
        if let Some(refusal) = self.dry_runs.answer(&hash, self.now) {
            return Some(refusal.clone().map_or(Ok(()), Err));
        }
        if self.dry_runs.begin(asker, hash, self.now) {
            self.perform(Effect::DryRun { proposal: Box::new(proposal.clone()) });
        }
        None
    }

    pub(super) fn on_dry_run(&mut self, proposal: &Hash, refusal: Option<ChainRefusal>) {
        let of = self.dry_runs.known.values_mut().filter(|known| known.proposal == *proposal);
        of.for_each(|known| known.answer = Some((self.now, refusal.clone())));
        self.voting.on_answer(proposal);
    }
}
