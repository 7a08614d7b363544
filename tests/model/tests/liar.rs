//! One of four members signs what it likes: as leader, as follower, in its promises.

use fairway_model::{
    Bounds, Flaw, properties,
    walk::{Meant, Step, prelude},
};
use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// Everything holds but what is known not to: a leader that has the liar's promise among the first
/// may wait for a block that nobody shows it.
fn assert_holds(bounds: Bounds) {
    assert_found(bounds, &[properties::PROGRESS_DESPITE_LIES], &[]);
}

/// What is broken is among `broken`, and all is reached but what is `out_of_reach`.
fn assert_found(bounds: Bounds, broken: &[&str], out_of_reach: &[&str]) {
    let found = bounds.checker().spawn_bfs().join();
    assert!(found.is_done());
    for property in found.model().properties() {
        let path = found.discovery(property.name).map(|path| path.into_actions());
        if property.expectation == Expectation::Sometimes {
            let there = path.is_some() || out_of_reach.contains(&property.name);
            assert!(there, "never: {}", property.name);
        } else {
            let good = path.is_none() || broken.contains(&property.name);
            assert!(good, "{}: {path:?}", property.name);
        }
    }
}

#[test]
fn liar_that_leads_first_reverses_nothing_final_and_stops_nobody() {
    assert_holds(Bounds::crashes(4, 2, 2).with_liar(0, 2));
}

#[test]
fn liar_that_leads_next_reverses_nothing_final_and_stops_nobody() {
    assert_holds(Bounds::crashes(4, 2, 2).with_liar(1, 1));
}

#[test]
fn liar_that_never_leads_reverses_nothing_final_and_stops_nobody() {
    assert_holds(Bounds::crashes(4, 2, 2).with_liar(3, 0));
}

/// Of the liar's block two members know a certificate; view 1 began without it, since the liar said
/// that it had acked nothing, and all may ack there; then the liar leads once more.
fn after_a_concealed_ack(all_acked: bool) -> Bounds {
    let bounds = Bounds::crashes(4, 2, 3).with_liar(0, 2).without_twins();
    let bounds = bounds.with_grant(2, 0, &[0, 1, 2, 3]);
    let takes = |member: usize| {
        move |step: &Step, height: u8| {
            matches!(step, Step::Take { member: by, .. } if *by == member) && height == 1
        }
    };
    let (two, three) = (takes(2), takes(3));
    let mut meant: Vec<Meant<'_>> = vec![
        &|step, _| matches!(step, Step::Lie { .. }),
        &two,
        &three,
        &|step, _| matches!(step, Step::Leave { member: 1, .. }),
        &|step, _| matches!(step, Step::Leave { member: 2, heard: None, .. }),
        &|step, _| matches!(step, Step::Open { member: 1, .. }),
    ];
    if all_acked {
        meant.extend([&two as Meant<'_>, &three]);
    }
    let steps = prelude(&bounds, &meant);
    assert_eq!(steps.len(), meant.len());
    bounds.after_steps(steps)
}

#[test]
fn certificate_that_a_later_term_did_without_reverses_nothing_final() {
    let bounds = after_a_concealed_ack(true);
    let too_high = [properties::FINALISES_BY_CHILD];
    assert_found(bounds, &[properties::PROGRESS_DESPITE_LIES], &too_high);
}

/// `make model`: two million steps.
#[test]
#[ignore = "takes minutes"]
fn certificate_that_a_later_term_did_without_reverses_nothing_whenever_it_comes() {
    assert_holds(after_a_concealed_ack(false));
}

#[test]
fn flaw_is_found_when_such_a_certificate_stands() {
    let bounds = after_a_concealed_ack(true).with_flaw(Flaw::CertificateStands);
    let enough = HasDiscoveries::AnyOf([properties::FINAL_KEPT].into());
    let found = bounds.checker().finish_when(enough).spawn_bfs().join();
    found.assert_any_discovery(properties::FINAL_KEPT);
}

/// Known and not mended (docs/model.md): the liar names a certificate, and nobody else kept its block.
#[test]
fn leader_that_waits_for_what_a_liar_names_is_found() {
    let bounds = Bounds::crashes(4, 2, 2).with_liar(0, 2);
    let enough = HasDiscoveries::AnyOf([properties::PROGRESS_DESPITE_LIES].into());
    let found = bounds.checker().finish_when(enough).spawn_bfs().join();
    found.assert_any_discovery(properties::PROGRESS_DESPITE_LIES);
}
