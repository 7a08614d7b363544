//! `fairway-sim --seeds a..b --steps n`: runs the simulation on all cores, writes
//! target/sim/report.json, exits non-zero at the first broken invariant with the last steps before
//! it and the command that replays it.

#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a command")]

use std::{fs, ops::Range, path::PathBuf, process::ExitCode};

use clap::Parser;
use fairway_sim::runner;

#[derive(Parser)]
struct Options {
    /// One seed.
    #[arg(long)]
    seed: Option<u64>,
    /// A range of seeds, `a..b`.
    #[arg(long, value_parser = range)]
    seeds: Option<Range<u64>>,
    /// Steps of each run before it heals.
    #[arg(long, default_value_t = 10_000)]
    steps: u64,
    /// Go on after a failure, and list all.
    #[arg(long)]
    all: bool,
    /// Lines of a failed run's trace.
    #[arg(long, default_value_t = 40)]
    lines: usize,
    #[arg(long, default_value = "target/sim/report.json")]
    report: PathBuf,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("expected a..b")?;
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a number"));
    Ok(number(from)?..number(to)?)
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let seeds = match (options.seed, options.seeds) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(seeds)) => seeds,
        (None, None) => 0..20,
    };
    let outcome = runner::run(
        seeds,
        options.steps,
        runner::Options { all: options.all, lines: options.lines, begin: || {} },
    );
    if let Some(folder) = options.report.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(&runner::summary(&outcome))?;
    fs::write(&options.report, &text)?;
    let Some(failure) = outcome.failures.first() else {
        println!("{text}");
        return Ok(ExitCode::SUCCESS);
    };
    eprintln!("{failure}");
    Ok(ExitCode::FAILURE)
}
