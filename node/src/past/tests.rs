#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::{earlier::Earlier, store::Store};

#[test]
fn one_reads_at_a_time_and_the_next_finds_what_was_read() {
    let earlier = Earlier::unpack();
    let store = Store::open(&earlier.node(1).join("data")).unwrap();
    let store = store.channel(earlier.text("channel").parse().unwrap());
    let past = Past::default();
    let height = Height(6);
    let first = past.read(&store, height, None, |known| {
        let second = past.read(&store, height, None, |_| Ok(())).unwrap_err();
        assert!(matches!(second, Refusal::Busy { retry_after_ms: RETRY_AFTER, .. }), "{second}");
        past.tidy();
        assert!(known.entries().is_sorted_by(|(one, _), (other, _)| one < other));
        assert_eq!(known.entries().len(), known.point.state.len());
        Ok(known.entries().as_ptr())
    });
    let again = |height| past.read(&store, height, None, |known| Ok(known.entries().as_ptr()));
    assert_eq!(again(height).unwrap(), first.unwrap(), "it is not rebuilt");
    let refused = past.read(&store, Height(99), None, |_| Ok(())).unwrap_err();
    assert!(matches!(refused, Refusal::NotFound { .. }), "{refused}");
    let other = past.read(&store, Height(7), None, |known| Ok(known.point.height));
    assert_eq!(other.unwrap(), Height(7));
}
