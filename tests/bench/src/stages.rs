//! Where the nodes' CPU goes, at the highest rate and a call at a time.

use std::{path::Path, time::Duration};

use fairway_sdk::Durability;
use serde_json::json;
use tokio::task::block_in_place;

use crate::{
    load::{self, Outcome, Pace},
    machine::Cpu,
    network::{Seats, Site},
    profile::{Profile, Sampler},
    report::Report,
    under_load::{MOST_PER_S, WINDOW, span},
};

const NODES: usize = 4;
const SECONDS: u64 = 8;
/// Until `perf` has seen the processes' threads.
const SETTLE: Duration = Duration::from_millis(700);

struct Sampled {
    outcome: Outcome,
    profile: Profile,
    /// By node, the leader first.
    cpu: Vec<f64>,
}

pub(crate) async fn measure(
    report: &mut Report,
    program: &Path,
    quick: bool,
) -> anyhow::Result<()> {
    let site = Site::start(program, NODES).await?;
    let payments = site.payments().await?;
    let seats = site.open(payments, Durability::Synced, NODES).await?;
    match sample(&site, &seats, WINDOW, quick).await {
        Ok(sampled) => busy(report, &sampled),
        Err(error) => report.absent("cpu_explained_ratio", error.to_string()),
    }
    let seats = site.open(payments, Durability::Replicated, NODES).await?;
    match sample(&site, &seats, 1, quick).await {
        Ok(sampled) => idle(report, &sampled),
        Err(error) => report.absent("idle_cpu_us_per_call", error.to_string()),
    }
    site.stop().await;
    Ok(())
}

/// A load with so many calls of each member under way; with one, it is the first member's alone.
async fn sample(site: &Site, seats: &Seats, window: usize, quick: bool) -> anyhow::Result<Sampled> {
    let span = span(SECONDS, quick);
    let each = MOST_PER_S * span.all().as_secs() as usize;
    let mut calls = site.payment_calls(seats, each).await?;
    if window == 1 {
        calls.truncate(1);
    }
    let folder = tempfile::tempdir()?;
    let sampler = Sampler::start(&site.processes(), folder.path())?;
    tokio::time::sleep(SETTLE).await;
    let used = || -> Vec<Cpu> { site.processes().into_iter().map(Cpu::of).collect() };
    let before = used();
    let outcome = block_in_place(|| load::run(calls, Pace::Closed { window }, span))?;
    let cpu = used().iter().zip(&before).map(|(now, then)| now.since(then).seconds()).collect();
    let profile = block_in_place(|| sampler.finish())?;
    Ok(Sampled { outcome, profile, cpu })
}

impl Sampled {
    fn us(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.outcome.all as f64
    }

    fn series(&self) -> Vec<serde_json::Value> {
        vec![json!({
            "calls": self.outcome.all, "cpu_s_by_node": self.cpu,
            "latency_ms": self.outcome.percentiles(), "profile": self.profile,
        })]
    }
}

/// CPU a call by stage, at the highest rate.
fn busy(report: &mut Report, sampled: &Sampled) {
    let used: f64 = sampled.cpu.iter().sum();
    let stages: f64 = sampled.profile.stages.values().sum();
    let setup = format!(
        "CPU that the stages below explain, of utime + stime of the four nodes; sampled while {:.0} \
         calls/s were certified",
        sampled.outcome.per_s()
    );
    report.add("cpu_explained_ratio", stages / used, "", Some(0.9), setup);
    for (stage, seconds) in &sampled.profile.stages {
        let setup = format!("{:.0} % of the nodes' CPU", 100.0 * seconds / used);
        report.add(format!("cpu_{stage}_us_per_call"), sampled.us(*seconds), "us", None, setup);
    }
    report.add("cpu_rest_us_per_call", sampled.us(sampled.profile.rest), "us", None, "in no stage");
    report.series("profile", sampled.series());
}

/// The same with one call at a time: what of its latency is work.
fn idle(report: &mut Report, sampled: &Sampled) {
    let used: f64 = sampled.cpu.iter().sum();
    let p50 = sampled.outcome.percentiles().p50;
    let setup = format!(
        "CPU of the four nodes a call, one at a time in `replicated`; the leader's is {:.0} us; p50 \
         while it was sampled: {p50:.2} ms",
        sampled.us(sampled.cpu.first().copied().unwrap_or_default())
    );
    report.add("idle_cpu_us_per_call", sampled.us(used), "us", None, setup);
    for (stage, seconds) in &sampled.profile.stages {
        let setup = format!("{:.0} % of `idle_cpu_us_per_call`", 100.0 * seconds / used);
        report.add(format!("idle_{stage}_us_per_call"), sampled.us(*seconds), "us", None, setup);
    }
    report.series("profile_idle", sampled.series());
}
