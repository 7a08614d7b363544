//! Whether a state can be left for the better: a further term that nobody disturbs any more.
//!
//! From the state on, only a quorum of correct members acts, all that they send arrives, and one of
//! them leads: they promise, the leader gets what it lacks from their logs and opens its term, the
//! others follow. Then its block must be certified, whichever of the certificates about they have
//! heard of.

use std::{collections::BTreeSet, rc::Rc};

use crate::{
    bounds::{Bounds, Member},
    opening::{Outcome, outcome, outcomes},
    state::{BlockId, State},
};

/// Whether every correct leader can go on from here with every quorum, while the liar is silent.
#[must_use]
pub fn is_possible(bounds: &Bounds, state: &State) -> bool {
    ways_on(bounds, state, false)
}

/// The same while the liar's promise, whatever it says, comes before some of the others.
#[must_use]
pub fn is_certain(bounds: &Bounds, state: &State) -> bool {
    ways_on(bounds, state, true)
}

fn ways_on(bounds: &Bounds, state: &State, lies: bool) -> bool {
    let honest: Vec<Member> = bounds.honest().collect();
    honest.iter().all(|leader| {
        let goes_on = |quorum: Vec<Member>| {
            let further =
                Further { bounds: extended(bounds, *leader), leader: *leader, quorum, lies };
            let news = further.quorum.iter().any(|member| hears(bounds, state, *member));
            further.is_certified(state, false) && (!news || further.is_certified(state, true))
        };
        quorums(bounds, &honest, *leader).into_iter().all(goes_on)
    })
}

/// Whether there is a certificate that the member has not heard of.
fn hears(bounds: &Bounds, state: &State, member: Member) -> bool {
    !bounds.acting(&mut state.clone(), member).hearsay().is_empty()
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

/// The bounds with one more term, led by `leader`, in which all are valid.
fn extended(bounds: &Bounds, leader: Member) -> Bounds {
    let all: Vec<Member> = (0..bounds.members).collect();
    let mut next = bounds.clone().with_grant(bounds.terms, leader, &all);
    next.terms += 1;
    next.heights = u8::MAX;
    next
}

/// A further term and those who make it.
struct Further {
    bounds: Bounds,
    leader: Member,
    quorum: Vec<Member>,
    lies: bool,
}

impl Further {
    /// Whether the term's first block is certified, if members have heard of all certificates there
    /// are or of none but those they had.
    fn is_certified(&self, state: &State, informed: bool) -> bool {
        let bounds = &self.bounds;
        let mut state = state.clone();
        for member in &self.quorum {
            let mut acting = bounds.acting(&mut state, *member);
            let heard = if informed { acting.hearsay() } else { Vec::new() };
            heard.into_iter().for_each(|heard| acting.learn(heard));
            acting.leave_for(bounds.terms - 1);
        }
        self.possible(&state).iter().all(|outcome| {
            let mut state = state.clone();
            self.open(&mut state, *outcome).is_some_and(|first| {
                self.follow(&mut state, first);
                self.quorum.iter().all(|member| state.acked(bounds, *member, first))
            })
        })
    }

    fn possible(&self, state: &State) -> Rc<BTreeSet<Outcome>> {
        let term = self.bounds.terms - 1;
        if self.lies {
            return outcomes(state, &self.bounds, term, self.leader);
        }
        let said = |member: &Member| {
            let last = state.disks[*member].promises.last();
            last.map(|promise| (*member, promise.clone()))
        };
        let promises: Vec<_> = self.quorum.iter().filter_map(said).collect();
        Rc::new(BTreeSet::from([outcome(state, &self.bounds, &promises)]))
    }

    /// The leader gets the blocks that it lacks from the others' logs, and cuts its term's first.
    fn open(&self, state: &mut State, outcome: Outcome) -> Option<BlockId> {
        let heads: Vec<BlockId> =
            self.quorum.iter().map(|member| state.disks[*member].head).collect();
        let mut acting = self.bounds.acting(state, self.leader);
        let head = acting.disk().head;
        if let Some(top) = outcome.lacked_by(acting.state, head)
            && heads.iter().any(|head| acting.state.goes_through(*head, top))
        {
            acting.take(top);
        }
        if !outcome.is_met_by(acting.state, acting.disk().head) {
            return None;
        }
        acting.cut(Some(outcome));
        Some(acting.disk().head)
    }

    fn follow(&self, state: &mut State, first: BlockId) {
        for member in self.quorum.iter().filter(|member| **member != self.leader) {
            let mut acting = self.bounds.acting(state, *member);
            if acting.takes(first) {
                acting.take(first);
            }
        }
    }
}
