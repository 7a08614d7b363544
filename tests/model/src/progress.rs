//! Whether a state can be left for the better: a further term that nobody disturbs any more.
//!
//! From the state on, only a quorum of correct members acts, all that they send arrives, and one of
//! them leads: they promise, the leader gets what it lacks and opens its term, the others follow. Then
//! its block must be certified, whatever the liar promised, and whichever of the certificates about
//! they have heard of.

use crate::{
    bounds::{Bounds, Member},
    member::Acting,
    opening::{Outcome, outcomes},
    state::{BlockId, State},
};

/// Whether every correct leader can go on from here with every quorum.
#[must_use]
pub fn is_possible(bounds: &Bounds, state: &State) -> bool {
    let honest: Vec<Member> = bounds.honest().collect();
    honest.iter().all(|leader| {
        quorums(bounds, &honest, *leader).iter().all(|quorum| {
            [false, true]
                .into_iter()
                .all(|informed| goes_on(bounds, state, *leader, quorum, informed))
        })
    })
}

/// The smallest quorums of correct members with `leader` among them.
fn quorums(bounds: &Bounds, honest: &[Member], leader: Member) -> Vec<Vec<Member>> {
    let subsets = (0u32..1 << honest.len()).map(|mask| {
        let chosen = honest.iter().enumerate().filter(|(index, _)| mask & (1 << index) != 0);
        chosen.map(|(_, member)| *member).collect::<Vec<_>>()
    });
    let enough = |chosen: &[Member]| bounds.is_registered(|member| chosen.contains(member));
    let least = |chosen: &Vec<Member>| enough(chosen) && !enough(&chosen[1..]);
    subsets.filter(|chosen| chosen.contains(&leader) && least(chosen)).collect()
}

/// The bounds with one more term, led by `leader`.
fn extended(bounds: &Bounds, leader: Member) -> Bounds {
    let mut next = bounds.clone().with_grant(bounds.terms, leader, bounds.valid(bounds.terms - 1));
    next.terms += 1;
    next.heights = u8::MAX;
    next
}

fn goes_on(
    bounds: &Bounds,
    state: &State,
    leader: Member,
    quorum: &[Member],
    informed: bool,
) -> bool {
    let term = bounds.terms;
    let bounds = &extended(bounds, leader);
    let mut state = state.clone();
    for member in quorum {
        let mut acting = bounds.acting(&mut state, *member);
        let heard = if informed { acting.hearsay() } else { Vec::new() };
        heard.into_iter().for_each(|heard| acting.learn(heard));
        acting.leave_for(term);
    }
    let possible = outcomes(&state, bounds, term, leader);
    possible.iter().all(|outcome| {
        let mut state = state.clone();
        opens(bounds, &mut state, leader, quorum, *outcome).is_some_and(|first| {
            follow(bounds, &mut state, leader, quorum, first);
            quorum.iter().all(|member| state.acked(bounds, *member, first))
        })
    })
}

/// The leader gets the blocks that it lacks from the others' logs, and cuts its term's first block.
fn opens(
    bounds: &Bounds,
    state: &mut State,
    leader: Member,
    quorum: &[Member],
    outcome: Outcome,
) -> Option<BlockId> {
    let heads: Vec<BlockId> = quorum.iter().map(|member| state.disks[*member].head).collect();
    let mut acting = bounds.acting(state, leader);
    let lacks_base =
        |acting: &Acting<'_>| outcome.opening.base.is_some_and(|base| !acting.has(base));
    for head in &heads {
        if lacks_base(&acting) && acting.takes(*head) {
            acting.take(*head);
        }
    }
    let held = heads.iter().any(|head| acting.state.goes_through(*head, outcome.top));
    if !lacks_base(&acting) && !acting.has(outcome.top) && held {
        acting.take(outcome.top);
    }
    if !outcome.is_met_by(acting.state, acting.disk().head) {
        return None;
    }
    acting.cut(Some(outcome));
    Some(acting.disk().head)
}

fn follow(bounds: &Bounds, state: &mut State, leader: Member, quorum: &[Member], first: BlockId) {
    for member in quorum.iter().filter(|member| **member != leader) {
        let mut acting = bounds.acting(state, *member);
        if acting.takes(first) {
            acting.take(first);
        }
    }
}
