//! Who speaks for whom in a channel of more than five members, as the contract assigns it at each grant
//! of an epoch (`settlement::voices`).

use std::collections::BTreeMap;

use fairway_types::{JoinSequence, chain::Voices};

/// Up to so many members each speak for themselves, and of more so many are candidates.
pub const CANDIDATES: usize = 5;

/// An active member at a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voter {
    pub join_sequence: JoinSequence,
    pub valid: bool,
    /// It has not asked to leave.
    pub stays: bool,
    /// The candidate that it wants.
    pub choice: Option<JoinSequence>,
}

/// P-139: who speaks for the `voters`, which are in join order, after `before`. Candidates are the first
/// five that are valid and stay: who was cut off for a while has its seat again when it is back, and
/// nobody keeps what it took meanwhile. Who is spoken for keeps its candidate, unless it chose another
/// that has room; who is not, and is valid, gets the candidate that speaks for the fewest, if that has
/// room. Who is silent is given to nobody: else few who cut the others off from the chain would be given
/// their votes.
#[must_use]
pub fn assign(before: &Voices, voters: &[Voter]) -> Voices {
    if voters.len() <= CANDIDATES {
        return Voices::default();
    }
    let room = voters.len().div_ceil(CANDIDATES) - 1;
    let candidates = seated(voters);
    let spoken_for = |voter: &&Voter| !candidates.contains(&voter.join_sequence);
    let mut assigned = Assigned { room, load: vec![0; candidates.len()], by: BTreeMap::new() };
    let place = |one: JoinSequence| candidates.binary_search(&one).ok();
    for voter in voters.iter().filter(spoken_for) {
        let held = before.speaker(voter.join_sequence);
        assigned.give(voter, held.and_then(place));
    }
    for voter in voters.iter().filter(spoken_for).filter(|voter| voter.valid) {
        assigned.give(voter, voter.choice.and_then(place));
    }
    for voter in voters.iter().filter(spoken_for).filter(|voter| voter.valid) {
        if !assigned.by.contains_key(&voter.join_sequence) {
            assigned.give(voter, assigned.fewest());
        }
    }
    let by = assigned.by.values().filter_map(|place| candidates.get(*place)).copied().collect();
    Voices { spoken_for: assigned.by.into_keys().collect(), by, candidates }
}

/// The candidates, in join order.
fn seated(voters: &[Voter]) -> Vec<JoinSequence> {
    let may_sit = voters.iter().filter(|voter| voter.valid && voter.stays);
    may_sit.map(|voter| voter.join_sequence).take(CANDIDATES).collect()
}

/// Who has which candidate, by the candidates' places, and for how many each speaks.
struct Assigned {
    room: usize,
    load: Vec<usize>,
    by: BTreeMap<JoinSequence, usize>,
}

impl Assigned {
    /// The voter goes to this candidate, if there is one and it has room.
    fn give(&mut self, voter: &Voter, place: Option<usize>) {
        let held = self.by.get(&voter.join_sequence).copied();
        let Some(place) = place.filter(|place| held != Some(*place)) else { return };
        if self.load.get(place).is_none_or(|load| *load >= self.room) {
            return;
        }
        self.change(place, 1);
        if let Some(held) = held {
            self.change(held, -1);
        }
        self.by.insert(voter.join_sequence, place);
    }

    fn change(&mut self, place: usize, by: isize) {
        if let Some(load) = self.load.get_mut(place) {
            *load = load.saturating_add_signed(by);
        }
    }

    /// The first candidate of those that speak for the fewest.
    fn fewest(&self) -> Option<usize> {
        (0..self.load.len()).min_by_key(|place| self.load.get(*place))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn member(number: u64) -> Voter {
        let join_sequence = JoinSequence(number);
        Voter { join_sequence, valid: true, stays: true, choice: None }
    }

    fn sequences(numbers: &[u64]) -> Vec<JoinSequence> {
        numbers.iter().copied().map(JoinSequence).collect()
    }

    /// P-139
    #[test]
    fn a_lost_candidates_members_go_to_those_who_speak_for_the_fewest() {
        let mut voters: Vec<_> = (1..=8).map(member).collect();
        let before = assign(&Voices::default(), &voters);
        assert_eq!(before.candidates, sequences(&[1, 2, 3, 4, 5]));
        assert_eq!(
            (before.spoken_for.clone(), before.by.clone()),
            (sequences(&[6, 7, 8]), sequences(&[1, 2, 3]))
        );
        voters[1].valid = false;
        let after = assign(&before, &voters);
        assert_eq!(after.candidates, sequences(&[1, 3, 4, 5, 6]));
        assert_eq!((after.spoken_for, after.by), (sequences(&[7, 8]), sequences(&[1, 3])));
    }

    fn voters() -> impl Strategy<Value = Vec<Voter>> {
        let one = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.8), 0u64..40);
        prop::collection::vec(one, 0..36).prop_map(|list| {
            let of = |(place, (valid, stays, is_there, choice))| {
                let join_sequence = JoinSequence(place as u64 + 1);
                let choice = (choice > 0).then_some(JoinSequence(choice));
                let voter = Voter { join_sequence, valid, stays, choice };
                if is_there { Some(voter) } else { None }
            };
            list.into_iter().enumerate().filter_map(of).collect()
        })
    }

    proptest! {
        /// P-139: whatever came before, nobody speaks for more than its part, all who are heard have a
        /// voice, and choices come to rest: each of them waits for the room that others leave.
        #[test]
        fn everybody_has_one_voice_and_nobody_too_many(rounds in prop::collection::vec(voters(), 1..5)) {
            let mut voices = Voices::default();
            for voters in &rounds {
                let before = std::mem::take(&mut voices);
                voices = assign(&before, voters);
                check(&before, &voices, voters)?;
                let mut settled = voices.clone();
                for _ in 0..voters.len() {
                    settled = assign(&settled, voters);
                }
                prop_assert_eq!(&assign(&settled, voters), &settled);
            }
        }
    }

    fn check(before: &Voices, voices: &Voices, voters: &[Voter]) -> Result<(), TestCaseError> {
        let Voices { candidates, spoken_for, by } = voices;
        prop_assert!(candidates.is_sorted() && spoken_for.is_sorted());
        prop_assert!(candidates.len() <= CANDIDATES && spoken_for.len() == by.len());
        if voters.len() <= CANDIDATES {
            prop_assert_eq!(voices, &Voices::default());
            return Ok(());
        }
        for candidate in candidates {
            let load = by.iter().filter(|one| *one == candidate).count();
            prop_assert!(load < voters.len().div_ceil(CANDIDATES), "{candidate} speaks for {load}");
            prop_assert!(!spoken_for.contains(candidate));
        }
        for voter in voters {
            let one = voter.join_sequence;
            let sits = candidates.contains(&one);
            let had = before.speaker(one).filter(|by| candidates.contains(by));
            let now = voices.speaker(one);
            prop_assert!(!sits || (voter.valid && voter.stays));
            prop_assert!(now.is_none_or(|by| candidates.contains(&by)));
            if !voter.valid {
                prop_assert!(now.is_none() || now == had, "{one} is silent and was moved");
            } else if candidates.len() == CANDIDATES {
                prop_assert!(sits || now.is_some(), "{one} is heard and has no voice");
            }
        }
        Ok(())
    }
}
