//! Throughput against what grows: members, a call's weight, the state.

use std::{path::Path, time::Duration};

use fairway_sdk::Durability;
use fairway_types::{Operation, codec};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::{
    load::{self, Calls, Outcome, Pace, Span},
    machine,
    network::{Seats, Site, invoke, packages},
    report::Report,
    under_load::MOST_PER_S,
};

const MEMBERS: [usize; 5] = [1, 2, 4, 8, 16];
const ROUNDS: [u64; 4] = [0, 100, 1_000, 5_000];
/// Fills of 40 cells by each of four members: 10^3, 10^4, 10^5 and 10^6 resources.
const FILLS: [usize; 4] = [6, 63, 625, 6_250];
const CELLS: usize = 40;
const NODES: usize = 4;
/// Calls under way of all members together.
const UNDER_WAY: usize = 1_024;
const SECONDS: u64 = 4;
/// Beyond it a state is not filled any further.
const FILL_MOST: Duration = Duration::from_secs(150);
/// What a caller may write as a type argument.
const TYPES: [&str; 5] = ["bool", "u8", "u64", "u128", "address"];
const DIGITS: usize = 20;

fn span(quick: bool) -> Span {
    Span::seconds(if quick { 2 } else { SECONDS })
}

fn closed(calls: Vec<Calls>, span: Span) -> anyhow::Result<Outcome> {
    let window = UNDER_WAY / calls.len();
    block_in_place(|| load::run(calls, Pace::Closed { window }, span))
}

/// Payments in channels of more and more members, each with a node of its own.
pub(crate) async fn members(
    report: &mut Report,
    program: &Path,
    quick: bool,
) -> anyhow::Result<()> {
    let mut points = Vec::new();
    for count in MEMBERS {
        let site = Site::start(program, count).await?;
        let seats = site.open(site.payments().await?, Durability::Synced, count).await?;
        let span = span(quick);
        let each = MOST_PER_S * NODES * span.all().as_secs() as usize / count;
        let calls = site.payment_calls(&seats, each).await?;
        let before = site.usage();
        let outcome = closed(calls, span)?;
        let cpu = site.usage().since(&before).cpu.seconds() * 1e6 / outcome.all as f64;
        points.push(json!({
            "members": count, "certified_per_s": outcome.per_s(), "cpu_us_per_call": cpu,
            "latency_ms": outcome.percentiles(),
        }));
        let setup = format!("a channel of {count} members, {count} nodes; CPU {cpu:.0} us a call");
        report.add(format!("certified_per_s_{count}_members"), outcome.per_s(), "1/s", None, setup);
        site.stop().await;
    }
    report.series("throughput_by_members", points);
    Ok(())
}

/// Calls that do nothing but add numbers up.
pub(crate) async fn weight(report: &mut Report, program: &Path, quick: bool) -> anyhow::Result<()> {
    let site = Site::start(program, NODES).await?;
    let package = site.package(&packages().join("work")).await?;
    let seats = site.open(package, Durability::Synced, NODES).await?;
    let mut points = Vec::new();
    for rounds in ROUNDS {
        let span = span(quick);
        let each = MOST_PER_S * span.all().as_secs() as usize;
        let add = |_, _| invoke("0x56::work::add", Vec::new(), vec![codec::encode(&rounds)]);
        let calls = site.calls(&seats, each, add).await?;
        let before = seats.terms().await?;
        let outcome = closed(calls, span)?;
        let changes = seats.terms().await? - before;
        points.push(json!({
            "rounds": rounds, "leader_changes": changes, "certified_per_s": outcome.per_s(),
            "latency_ms": outcome.percentiles(),
        }));
        let setup = format!(
            "four members, calls that add up {rounds} numbers; the leader changed {changes} times"
        );
        let id = format!("certified_per_s_{rounds}_rounds");
        report.add(id, outcome.per_s(), "1/s", None, setup);
    }
    report.series("throughput_by_weight", points);
    site.stop().await;
    Ok(())
}

/// Calls that change one of more and more resources, by chance.
pub(crate) async fn state(report: &mut Report, program: &Path, quick: bool) -> anyhow::Result<()> {
    let site = Site::start(program, NODES).await?;
    let package = site.package(&packages().join("cells")).await?;
    let seats = site.open(package, Durability::Synced, NODES).await?;
    let mut points = Vec::new();
    let mut filled = 0;
    for fills in &FILLS[..if quick { 3 } else { FILLS.len() }] {
        let first = filled;
        let fill = |_, n: usize| fill(first + n);
        let calls = site.calls(&seats, fills - filled, fill).await?;
        let filling = Span { warm: Duration::ZERO, measured: FILL_MOST };
        let pace = Pace::Closed { window: 32 };
        let outcome = block_in_place(|| load::run(calls, pace, filling))?;
        if outcome.all < (NODES * (fills - filled)) as u64 {
            let reason = format!(
                "{} of {} cells were there after {FILL_MOST:?}",
                (NODES * first + outcome.all as usize) * CELLS,
                NODES * fills * CELLS,
            );
            report.absent("throughput_ratio_1e6_vs_1e3_resources", reason);
            break;
        }
        filled = *fills;
        points.push(touched(&site, &seats, filled, quick).await?);
    }
    if let [first, .., last] = points.as_slice()
        && filled == FILLS[FILLS.len() - 1]
    {
        let rate = |point: &Value| point["certified_per_s"].as_f64().unwrap_or_default();
        let setup = "calls that change one of 10^6 resources against one of 10^3; target: 0.75";
        let ratio = rate(last) / rate(first);
        report.add("throughput_ratio_1e6_vs_1e3_resources", ratio, "", Some(0.75), setup);
    } else if quick {
        report.absent("throughput_ratio_1e6_vs_1e3_resources", "left out of a quick run");
    }
    for point in &points {
        let id = format!("certified_per_s_{}_resources", point["resources"]);
        let rate = point["certified_per_s"].as_f64().unwrap_or_default();
        report.add(id, rate, "1/s", None, "calls that change one of so many resources, by chance");
    }
    report.series("throughput_by_state", points);
    site.stop().await;
    Ok(())
}

async fn touched(site: &Site, seats: &Seats, filled: usize, quick: bool) -> anyhow::Result<Value> {
    let span = span(quick);
    let each = MOST_PER_S * span.all().as_secs() as usize;
    let calls = site.calls(seats, each, |_, n| touch(n, filled)).await?;
    let outcome = closed(calls, span)?;
    let leader = site.processes().first().copied().unwrap_or_default();
    Ok(json!({
        "resources": filled * NODES * CELLS, "certified_per_s": outcome.per_s(),
        "latency_ms": outcome.percentiles(), "leader_rss_mb": machine::memory_mb(leader, "VmRSS"),
    }))
}

/// One of the twenty types: a primitive, or a vector up to three deep.
fn digit(n: usize) -> String {
    let depth = n % DIGITS / TYPES.len();
    format!("{}{}{}", "vector<".repeat(depth), TYPES[n % TYPES.len()], ">".repeat(depth))
}

/// The three types that begin a row of cells.
fn row(n: usize) -> Vec<String> {
    vec![digit(n / (DIGITS * DIGITS)), digit(n / DIGITS), digit(n)]
}

fn fill(n: usize) -> Operation {
    invoke("0x55::cells::fill", row(n), Vec::new())
}

/// One of the filled cells; which, looks random and is the same in each run.
fn touch(n: usize, filled: usize) -> Operation {
    let chosen = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let mut types = row(chosen / CELLS % filled);
    types.extend([digit(chosen / 2), ["u8", "u64"][chosen % 2].to_owned()]);
    invoke("0x55::cells::touch", types, Vec::new())
}
