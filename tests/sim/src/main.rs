//! `fairway-sim --seeds a..b --steps n`: runs the simulation, writes target/sim/report.json, exits
//! non-zero at the first broken invariant with the command that replays it.

use std::{fs, ops::Range, path::PathBuf, process::ExitCode};

use clap::Parser;
use fairway_sim::{Plan, Report, World};

#[derive(Parser)]
struct Options {
    /// One seed.
    #[arg(long)]
    seed: Option<u64>,
    /// A range of seeds, `a..b`.
    #[arg(long, value_parser = range)]
    seeds: Option<Range<u64>>,
    /// Steps of each run before it heals.
    #[arg(long, default_value_t = 20_000)]
    steps: u64,
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
    let mut reports = Vec::new();
    for seed in seeds {
        match World::new(Plan::from_seed(seed, options.steps)).run() {
            Ok(report) => reports.push(report),
            Err(broken) => {
                #[allow(clippy::print_stderr)]
                {
                    eprintln!("seed {seed}: {}", broken.0);
                    eprintln!("replay: make sim SEED={seed} STEPS={}", options.steps);
                }
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    write_report(&options.report, &reports)?;
    Ok(ExitCode::SUCCESS)
}

fn write_report(path: &std::path::Path, reports: &[Report]) -> anyhow::Result<()> {
    let sum = |part: fn(&Report) -> u64| reports.iter().map(part).sum::<u64>();
    let mut faults = std::collections::BTreeMap::<&str, u64>::new();
    for (kind, count) in reports.iter().flat_map(|report| &report.faults) {
        *faults.entry(kind).or_default() += count;
    }
    let report = serde_json::json!({
        "seeds": reports.iter().map(|report| report.seed).collect::<Vec<_>>(),
        "steps": sum(|report| report.steps),
        "faults": faults,
        "calls_certified": sum(|report| report.calls_certified),
        "calls_refused": sum(|report| report.calls_refused),
        "settlements": sum(|report| report.settlements),
        "invariants_checked": sum(|report| report.invariants_checked),
    });
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(&report)?;
    fs::write(path, &text)?;
    #[allow(clippy::print_stdout)]
    {
        println!("{text}");
    }
    Ok(())
}
