//! Members that crash and come back, and messages that are lost, late and doubled.

use fairway_model::Bounds;
use stateright::{Checker, Model};

/// Walks through everything within the bounds.
fn assert_holds(bounds: Bounds) {
    let found = bounds.checker().spawn_bfs().join();
    assert!(found.is_done());
    found.assert_properties();
}

#[test]
fn three_members_agree_and_can_always_go_on() {
    assert_holds(Bounds::crashes(3, 2, 3));
}

#[test]
fn four_members_agree_and_can_always_go_on() {
    assert_holds(Bounds::crashes(4, 2, 2));
}

/// The chain grants an epoch without the first leader: two of three certify, three of four open.
#[test]
fn four_members_agree_across_an_epoch_in_which_three_are_valid() {
    assert_holds(Bounds::crashes(4, 2, 2).with_grant(1, 1, &[1, 2, 3]));
}

/// States in which members changed places count as one only where nothing tells the members apart.
#[test]
fn members_that_lead_or_are_not_always_valid_are_not_interchangeable() {
    let bounds = Bounds::crashes(5, 2, 2);
    assert_eq!(bounds.interchangeable(), [2, 3, 4]);
    assert_eq!(bounds.with_grant(1, 1, &[0, 1, 2, 3]).interchangeable(), [2, 3]);
}
