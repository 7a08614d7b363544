//! `make model`: walks through larger bounds than `make test` does, and says what it found.

#![allow(clippy::print_stdout, reason = "what it found is this program's answer")]

use std::time::Instant;

use fairway_model::Bounds;
use stateright::{Checker, Model};

fn main() {
    let arg =
        |index: usize| std::env::args().nth(index).and_then(|text| text.parse::<usize>().ok());
    let members = arg(1).unwrap_or(3);
    let mut bounds = Bounds::crashes(members, arg(2).unwrap_or(2) as u8, arg(3).unwrap_or(2) as u8);
    if let Some(liar) = arg(4) {
        bounds = bounds.with_liar(liar, arg(5).unwrap_or(2));
    }
    if let Some(again) = arg(7) {
        let all: Vec<usize> = (0..members).collect();
        bounds = bounds.with_grant(again as u8, liar_or(arg(8)), &all);
    }
    if let Some(flaw) = arg(9) {
        use fairway_model::Flaw;
        let flaws = [
            Flaw::None,
            Flaw::SelectionIgnoresAcked,
            Flaw::TwoChainForgetsInner,
            Flaw::PromiseBindsNobody,
            Flaw::PromiseForgetsBelowFork,
            Flaw::LeaderSignsTwice,
        ];
        bounds = bounds.with_flaw(flaws[flaw]);
    }
    let started = Instant::now();
    let checker =
        bounds.checker().target_state_count(arg(6).unwrap_or(2_000_000)).spawn_bfs().join();
    println!(
        "{} unique, {} total, depth {}, {:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed()
    );
    for (name, path) in checker.discoveries() {
        println!("{name}: {} steps", path.clone().into_actions().len());
        if checker.model().property(name).expectation == stateright::Expectation::Always {
            let last = path.last_state().clone();
            for action in path.into_actions() {
                println!("   {action:?}");
            }
            println!("{}", fairway_model::state::short(&last));
        }
    }
}

fn liar_or(member: Option<usize>) -> usize {
    member.unwrap_or(0)
}
