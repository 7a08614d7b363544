//! Bytes that choose what happens to a channel: delays, loss, crashes, calls.

use fairway_sim::{Plan, World};

use super::Verdict;

/// Steps of one run, so that each ends soon.
const MOST_STEPS: u64 = 4_000;

/// No invariant breaks whatever is chosen, and once everything has healed there is progress.
pub(super) fn choices(data: &[u8]) -> Verdict {
    let Some(mut plan) = Plan::from_choices(data) else { return Verdict::Refused };
    plan.steps = plan.steps.min(MOST_STEPS);
    if let Err(broken) = World::new(plan).run() {
        panic!("{}", broken.0);
    }
    Verdict::Accepted
}
