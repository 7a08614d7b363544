//! Many seeds on all cores, until the first broken invariant.

use std::{
    collections::BTreeMap,
    ops::Range,
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Plan, Report, World};

/// A seed that broke an invariant.
#[derive(Debug, Clone)]
pub struct Failure {
    pub seed: u64,
    pub steps: u64,
    pub reason: String,
    /// The last relevant steps, and where everybody stands.
    pub trace: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, steps, reason, trace } = self;
        write!(f, "{trace}\n\nseed {seed}: {reason}\nreplay: make sim SEED={seed} STEPS={steps}")
    }
}

/// What a run over many seeds found.
#[derive(Debug, Default)]
pub struct Outcome {
    pub reports: Vec<Report>,
    pub failures: Vec<Failure>,
    pub elapsed: Duration,
}

/// How to run them.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Go on after a failure.
    pub all: bool,
    /// Lines of a failed run's trace.
    pub lines: usize,
    /// What each thread does before its first seed.
    pub begin: fn(),
}

/// Runs every seed on as many threads as there are cores; stops at the first failure, unless all
/// are wanted.
#[must_use]
pub fn run(seeds: Range<u64>, steps: u64, options: Options) -> Outcome {
    let started = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let outcome = Mutex::new(Outcome::default());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                (options.begin)();
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let result = run_seed(seed, steps, options.lines);
                    let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                    match result {
                        Ok(report) => outcome.reports.push(report),
                        Err(failure) => {
                            if options.all {
                                note(&failure);
                            }
                            outcome.failures.push(failure);
                            stop.store(!options.all, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let mut outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcome.reports.sort_by_key(|report| report.seed);
    outcome.failures.sort_by_key(|failure| failure.seed);
    outcome.elapsed = started.elapsed();
    outcome
}

/// A long run says at once what it found.
#[allow(clippy::print_stderr, reason = "for who waits at a terminal")]
fn note(failure: &Failure) {
    eprintln!("seed {}: {}", failure.seed, failure.reason);
}

/// Runs one seed; where it fails, once more with its trace.
pub fn run_seed(seed: u64, steps: u64, lines: usize) -> Result<Report, Failure> {
    attempt(seed, steps, 0).or_else(|_| attempt(seed, steps, lines))
}

fn attempt(seed: u64, steps: u64, lines: usize) -> Result<Report, Failure> {
    let mut world = World::new(Plan::from_seed(seed, steps));
    world.trace.most = lines;
    let result = panic::catch_unwind(panic::AssertUnwindSafe(|| world.run()));
    let reason = match result {
        Ok(Ok(report)) => return Ok(report),
        Ok(Err(broken)) => broken.0,
        Err(_) => "it panicked".to_owned(),
    };
    let plan = format!("{:?}", world.plan);
    let trace = format!("{plan}\n{}\n{}", world.trace.text(), world.standing());
    Err(Failure { seed, steps, reason, trace })
}

/// The sums of all runs, as target/sim/report.json has them.
#[must_use]
pub fn summary(outcome: &Outcome) -> serde_json::Value {
    let reports = &outcome.reports;
    let sum = |part: fn(&Report) -> u64| reports.iter().map(part).sum::<u64>();
    let kinds = |of: fn(&Report) -> &BTreeMap<String, u64>| {
        let mut counts = BTreeMap::<&str, u64>::new();
        for (kind, count) in reports.iter().flat_map(of) {
            *counts.entry(kind).or_default() += count;
        }
        counts
    };
    let steps = sum(|report| report.steps);
    let seconds = outcome.elapsed.as_secs_f64();
    serde_json::json!({
        "seeds": reports.iter().map(|report| report.seed).collect::<Vec<_>>(),
        "steps": steps,
        "seconds": seconds,
        "steps_per_second": steps as f64 / seconds.max(f64::EPSILON),
        "faults": kinds(|report| &report.faults),
        "byzantine": kinds(|report| &report.byzantine),
        "verdicts": kinds(|report| &report.verdicts),
        "deeds": kinds(|report| &report.deeds),
        "chain": kinds(|report| &report.chain),
        "payments_compared": sum(|report| report.payments_compared),
        "calls_certified": sum(|report| report.calls_certified),
        "calls_refused": sum(|report| report.calls_refused),
        "settlements": sum(|report| report.settlements),
        "snapshots_taken": sum(|report| report.snapshots_taken),
        "views": sum(|report| report.views),
        "views_shown": sum(|report| report.views_shown),
        "rolled_back": sum(|report| report.rolled_back),
        "reversed": sum(|report| report.reversed),
        "slowest_healing_ms": reports.iter().map(|report| report.healed_in).max(),
        "invariants_checked": sum(|report| report.invariants_checked),
        "failed": outcome.failures.iter().map(|failure| failure.seed).collect::<Vec<_>>(),
    })
}
