//! Which join sequences were ever entered: runs of consecutive numbers in the state, so that nobody
//! enters twice and nobody is too late.

use fairway_types::{JoinSequence, StateKey, StateReader, codec};

/// Runs of entered sequences, first and last, ascending, with gaps between them.
pub type Runs = Vec<(JoinSequence, JoinSequence)>;

/// The runs in `state`.
pub fn entered(state: &dyn StateReader) -> Runs {
    state
        .read(&StateKey::Entered)
        .and_then(|bytes| codec::decode("entered sequences", &bytes).ok())
        .unwrap_or_default()
}

#[must_use]
pub fn contains(runs: &Runs, sequence: JoinSequence) -> bool {
    runs.iter().any(|(first, last)| (*first..=*last).contains(&sequence))
}

/// `runs` with `sequence`.
#[must_use]
pub fn with(mut runs: Runs, sequence: JoinSequence) -> Runs {
    if contains(&runs, sequence) {
        return runs;
    }
    runs.push((sequence, sequence));
    runs.sort();
    let mut merged: Runs = Vec::with_capacity(runs.len());
    for (first, last) in runs {
        match merged.last_mut() {
            Some((_, end)) if end.0.checked_add(1) == Some(first.0) => *end = last,
            Some(_) | None => merged.push((first, last)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(pairs: &[(u64, u64)]) -> Runs {
        pairs.iter().map(|(first, last)| (JoinSequence(*first), JoinSequence(*last))).collect()
    }

    #[test]
    fn neighbours_grow_together_and_gaps_stay_open() {
        let mut entered = Runs::new();
        for sequence in [2, u64::MAX, 4, 1, 3, 3] {
            entered = with(entered, JoinSequence(sequence));
        }
        assert_eq!(entered, runs(&[(1, 4), (u64::MAX, u64::MAX)]));
        assert!(contains(&entered, JoinSequence(3)) && !contains(&entered, JoinSequence(5)));
    }
}
