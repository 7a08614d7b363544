//! `make model`: walks through larger bounds than `make test` does, and says what it found.

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, bail};
use fairway_model::{Bounds, properties, state};
use stateright::{Checker, Expectation, Model};

const USAGE: &str = "members heights terms [liar=MEMBER] [lies=N] [twins=no] [grant=TERM,LEADER,VALID...]... [states=N]";

/// What to walk through: `3 2 4`, `4 2 3 liar=0 lies=2 grant=2,0,0,1,2,3 states=2000000`.
struct Run {
    bounds: Bounds,
    states: Option<usize>,
}

fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let run = parse(&words).with_context(|| format!("usage: {USAGE}"))?;
    Ok(if walk(run) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn parse(words: &[String]) -> anyhow::Result<Run> {
    let [members, heights, terms, rest @ ..] = words else { bail!("three numbers are missing") };
    let bounds = Bounds::crashes(members.parse()?, heights.parse()?, terms.parse()?);
    let mut run = Run { bounds, states: None };
    for word in rest {
        let (name, value) = word.split_once('=').with_context(|| format!("{word} says nothing"))?;
        run.bounds = match name {
            "liar" => run.bounds.with_liar(value.parse()?, 2),
            "lies" => Bounds { lies: value.parse()?, ..run.bounds },
            "twins" => Bounds { twins: value != "no", ..run.bounds },
            "grant" => grant(run.bounds, value)?,
            "states" => {
                run.states = Some(value.parse()?);
                run.bounds
            }
            _ => bail!("{name} is not known"),
        };
    }
    Ok(run)
}

fn grant(bounds: Bounds, value: &str) -> anyhow::Result<Bounds> {
    let numbers: Vec<usize> = value.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let [term, leader, valid @ ..] = &numbers[..] else { bail!("grant={value} names no leader") };
    Ok(bounds.with_grant(u8::try_from(*term)?, *leader, valid))
}

/// Whether every property held that is known to.
#[allow(clippy::print_stdout, reason = "a program for a person")]
fn walk(run: Run) -> bool {
    let started = Instant::now();
    let checker = run.bounds.checker();
    let checker = match run.states {
        Some(states) => checker.target_state_count(states),
        None => checker,
    };
    let found = checker.spawn_bfs().join();
    let (states, steps, depth) =
        (found.unique_state_count(), found.state_count(), found.max_depth());
    println!("{states} states, {steps} steps, depth {depth}, {:.1?}", started.elapsed());
    let mut holds = true;
    for property in found.model().properties() {
        let path = found.discovery(property.name);
        let good = (property.expectation == Expectation::Sometimes) == path.is_some();
        holds &= good || property.name == properties::PROGRESS_DESPITE_LIES;
        println!("{:10} {}", if good { "holds" } else { "is broken" }, property.name);
        if let Some(path) = path.filter(|_| !good) {
            let last = path.last_state().clone();
            path.into_actions().iter().for_each(|step| println!("    {step:?}"));
            println!("{}", state::short(&last));
        }
    }
    holds
}
