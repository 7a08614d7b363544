//! Which snapshots of a channel are kept, and of which heights they hold the state.

use std::collections::BTreeMap;

use fairway_proto::channel::snapshot::Snapshot;
use fairway_types::Height;
use serde::{Deserialize, Serialize};

/// Snapshots kept of a channel at most: beyond, the one nearest to its neighbours goes.
const KEPT: usize = 16;

/// The heights of which a snapshot holds the state for good, the first and the last; none when the
/// first is above the last. From the last on, kept blocks lead further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Span {
    pub(super) first: Height,
    pub(super) last: Height,
}

impl Span {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let (first, last) = snapshot.span();
        Self { first, last }
    }

    fn holds(&self, height: Height) -> bool {
        self.first <= height && height <= self.last
    }
}

/// The snapshots by the index of the first event that they do not cover.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans(pub(super) BTreeMap<u64, Span>);

impl Spans {
    pub(super) fn new(spans: BTreeMap<u64, Span>) -> Self {
        Self(spans)
    }

    /// The newest snapshot.
    pub(super) fn last(&self) -> Option<u64> {
        self.0.last_key_value().map(|(index, _)| *index)
    }

    /// The first event that no snapshot covers.
    pub(super) fn covered(&self) -> u64 {
        self.last().unwrap_or_default()
    }

    /// The last height of which the newest snapshot holds the state.
    pub(super) fn end(&self) -> Height {
        self.0.last_key_value().map_or(Height::ZERO, |(_, span)| span.last)
    }

    /// The last height up to `to` whose state a snapshot holds, so that the blocks up to it can go.
    pub(super) fn prunable(&self, to: Height) -> Height {
        let spans = self.0.values().filter(|span| span.first <= to && span.first <= span.last);
        spans.map(|span| span.last.min(to)).max().unwrap_or_default()
    }

    /// The snapshot that leads to the state after `height` with the fewest blocks, and from which height
    /// on blocks are needed.
    pub(super) fn nearest(&self, height: Height) -> Option<(u64, Height)> {
        let spans = self.0.iter().rev();
        let spans = spans.filter(|(_, span)| span.first <= height && span.first <= span.last);
        spans.map(|(index, span)| (*index, span.last.min(height))).max_by_key(|(_, from)| *from)
    }

    /// The first height above `height` of which a snapshot holds the state.
    pub(super) fn above(&self, height: Height) -> Option<Height> {
        let spans = self.0.values().filter(|span| span.first > height && span.first <= span.last);
        spans.map(|span| span.first).min()
    }

    /// Adds a snapshot; those that are to be kept no more for it.
    pub(super) fn insert(&mut self, index: u64, span: Span) -> Vec<u64> {
        self.0.insert(index, span);
        let mut dropped = Vec::new();
        while self.0.len() > KEPT {
            let indices: Vec<u64> = self.0.keys().copied().collect();
            // The first is needed by the oldest blocks, the last by a restart.
            let inner = indices.windows(3).min_by_key(|near| near[2] - near[0]);
            let Some(unneeded) = inner.map(|near| near[1]) else { break };
            self.0.remove(&unneeded);
            dropped.push(unneeded);
        }
        dropped
    }

    /// Forgets those older than the newest that holds the state at `pruned`; none while there is none.
    pub(super) fn forget_below(&mut self, pruned: Height) -> Vec<u64> {
        let newest = self.0.iter().rev().find(|(_, span)| span.holds(pruned));
        let Some(newest) = newest.map(|(index, _)| *index) else { return Vec::new() };
        let kept = self.0.split_off(&newest);
        std::mem::replace(&mut self.0, kept).into_keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(known: &[(u64, u64, u64)]) -> Spans {
        let span = |first, last| Span { first: Height(first), last: Height(last) };
        Spans::new(known.iter().map(|(index, first, last)| (*index, span(*first, *last))).collect())
    }

    #[test]
    fn blocks_go_up_to_where_a_snapshot_holds_the_state() {
        assert_eq!(spans(&[]).prunable(Height(9)), Height::ZERO);
        let known = spans(&[(10, 0, 5), (40, 20, 30)]);
        assert_eq!(known.prunable(Height(3)), Height(3));
        assert_eq!(known.prunable(Height(19)), Height(5), "the second one begins above");
        assert_eq!(known.prunable(Height(25)), Height(25));
        assert_eq!(known.prunable(Height(99)), Height(30));
        assert_eq!((known.covered(), known.end()), (40, Height(30)));
    }

    #[test]
    fn snapshot_without_a_final_height_is_of_no_use_for_history() {
        let known = spans(&[(10, 7, 5)]);
        assert_eq!(known.prunable(Height(9)), Height::ZERO);
        assert_eq!((known.nearest(Height(9)), known.above(Height(2))), (None, None));
    }

    #[test]
    fn state_is_led_to_from_the_nearest_snapshot_below() {
        let known = spans(&[(10, 0, 5), (40, 20, 30)]);
        assert_eq!(known.nearest(Height(4)), Some((10, Height(4))));
        assert_eq!(known.nearest(Height(19)), Some((10, Height(5))));
        assert_eq!(known.nearest(Height(35)), Some((40, Height(30))));
        assert_eq!(spans(&[(40, 20, 30)]).nearest(Height(19)), None);
        assert_eq!(known.above(Height(5)), Some(Height(20)));
    }

    #[test]
    fn older_ones_go_once_a_newer_holds_the_pruned_height() {
        let mut known = spans(&[(10, 0, 5), (20, 4, 9), (30, 8, 20)]);
        assert!(known.forget_below(Height(3)).is_empty());
        assert_eq!(known.forget_below(Height(6)), [10]);
        assert_eq!(known.forget_below(Height(8)), [20]);
        assert!(known.forget_below(Height(25)).is_empty(), "none holds it");
        assert_eq!(known.last(), Some(30));
    }

    #[test]
    fn number_is_bounded_and_first_and_last_stay() {
        let mut known = Spans::default();
        let span = Span { first: Height(0), last: Height(1) };
        let mut dropped = 0;
        for index in 0..100 {
            dropped += known.insert(index * 10, span).len();
        }
        assert_eq!((known.0.len(), dropped), (KEPT, 100 - KEPT));
        assert_eq!((known.0.first_key_value().unwrap().0, known.last()), (&0, Some(990)));
        let gaps: Vec<u64> = known.0.keys().copied().collect();
        let widest = gaps.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(widest <= 300, "{gaps:?}");
    }
}
