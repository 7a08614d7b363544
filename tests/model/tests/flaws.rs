//! The checker finds what each rule is for: with the rule taken out, the property that it keeps is
//! broken within small bounds.

use fairway_model::{Bounds, Flaw, properties};
use stateright::{Checker, HasDiscoveries, Model};

fn assert_found(bounds: Bounds, flaw: Flaw, property: &'static str) {
    let enough = HasDiscoveries::AnyOf([property].into());
    let found = bounds.with_flaw(flaw).checker().finish_when(enough).spawn_bfs().join();
    found.assert_any_discovery(property);
}

#[test]
fn selection_that_ignores_acked_blocks_drops_a_certified_one() {
    let bounds = Bounds::crashes(3, 2, 2);
    assert_found(bounds, Flaw::SelectionIgnoresAcked, properties::CERTIFIED_KEPT);
}

#[test]
fn promise_that_stops_no_acks_of_earlier_terms_loses_what_they_certify() {
    let bounds = Bounds::crashes(3, 2, 2);
    assert_found(bounds, Flaw::PromiseBindsNobody, properties::CERTIFIED_KEPT);
}

#[test]
fn two_chain_rule_without_the_inner_certificate_calls_final_what_a_liar_can_drop() {
    let bounds = Bounds::crashes(4, 2, 2).with_liar(0, 2);
    assert_found(bounds, Flaw::TwoChainForgetsInner, properties::FINAL_KEPT);
}

#[test]
fn promise_that_forgets_acks_below_a_fork_drops_a_certified_block() {
    let bounds = Bounds::crashes(3, 2, 3);
    assert_found(bounds, Flaw::PromiseForgetsBelowFork, properties::CERTIFIED_KEPT);
}

#[test]
fn leader_that_signs_in_the_place_of_a_block_taken_back_signs_twice() {
    let bounds = Bounds::crashes(3, 2, 2);
    assert_found(bounds, Flaw::LeaderSignsTwice, properties::ONE_ACK);
}
