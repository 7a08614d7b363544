//! Dry runs: before this node signs a proposal, or a yes to one, it asks the chain whether the
//! contract would take the proposal as the chain stands.

use std::collections::BTreeMap;

use fairway_types::{Hash, Time, settlement::Proposal};

use super::{Channel, output::Effect};

/// Milliseconds for which an answer counts.
pub(super) const FRESH: u64 = 5_000;
/// Milliseconds until a question without an answer is asked again.
const ASK_EVERY: u64 = 2_000;
/// Proposals asked about that are remembered.
const REMEMBERED: usize = 32;

/// What the chain said of proposals, and what it was asked.
#[derive(Debug, Default)]
pub(super) struct DryRuns {
    known: BTreeMap<Hash, DryRun>,
}

#[derive(Debug)]
struct DryRun {
    asked_at: Time,
    /// When the answer came, and why the chain would refuse the proposal, if it would.
    answer: Option<(Time, Option<String>)>,
}

impl DryRuns {
    /// Why the chain would refuse the proposal, as far as it said so lately.
    pub(super) fn refusal(&self, proposal: &Hash, now: Time) -> Option<&str> {
        let (at, refusal) = self.known.get(proposal)?.answer.as_ref()?;
        refusal.as_deref().filter(|_| now < at.plus(FRESH))
    }
}

impl Channel {
    /// P-116: whether the chain would take the proposal now, or why not; `None` as long as it has
    /// not said so, while it is asked.
    pub(super) fn dry_run(&mut self, proposal: &Proposal) -> Option<Result<(), String>> {
        let (now, hash) = (self.now, proposal.hash());
        let known = self.dry_runs.known.get(&hash);
        let answer = known.and_then(|known| known.answer.as_ref());
        if let Some((at, refusal)) = answer
            && now < at.plus(FRESH)
        {
            return Some(refusal.clone().map_or(Ok(()), Err));
        }
        if known.is_none_or(|known| now >= known.asked_at.plus(ASK_EVERY)) {
            let known = &mut self.dry_runs.known;
            known.insert(hash, DryRun { asked_at: now, answer: None });
            if known.len() > REMEMBERED
                && let Some(oldest) =
                    known.iter().min_by_key(|(_, known)| known.asked_at).map(|(hash, _)| *hash)
            {
                known.remove(&oldest);
            }
            self.perform(Effect::DryRun { proposal: Box::new(proposal.clone()) });
        }
        None
    }

    pub(super) fn on_dry_run(&mut self, proposal: &Hash, refusal: Option<String>) {
        if let Some(known) = self.dry_runs.known.get_mut(proposal) {
            known.answer = Some((self.now, refusal));
        }
    }
}
