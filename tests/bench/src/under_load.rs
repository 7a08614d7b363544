//! Four nodes under load: the highest rate, latency against load, and ten times too much.

use std::path::Path;

use fairway_sdk::{ChannelConfig, Durability};
use serde_json::json;
use tokio::task::block_in_place;

use crate::{
    load::{self, Outcome, Pace, Span},
    machine,
    network::{self, Seats, Site},
    report::Report,
    vm,
};

const NODES: usize = 4;
/// Calls that each member keeps under way to find the highest rate.
pub(crate) const WINDOW: usize = 256;
const TARGET: f64 = 20_000.0;
/// Of the highest rate, in per cent.
const LOADS: [u32; 6] = [20, 40, 60, 80, 90, 100];
const OVERLOAD: f64 = 10.0;
/// Seconds of the closed loop, of each open loop, and of the overload.
const CLOSED: u64 = 8;
const OPEN: u64 = 6;
const FLOOD: u64 = 6;
/// No member can have its calls certified faster than this, whatever the machine: what is signed
/// for a run of which the rate is not known.
pub(crate) const MOST_PER_S: usize = 5_000;

pub(crate) async fn measure(
    report: &mut Report,
    program: &Path,
    quick: bool,
) -> anyhow::Result<()> {
    let site = Site::start(program, NODES).await?;
    let payments = site.payments().await?;
    let seats = site.open(payments, Durability::Synced, NODES).await?;
    let peak = closed(report, &site, &seats, quick).await?;
    let config = network::config(&site.keys, Durability::Synced);
    let config = ChannelConfig { trust_own_node: true, ..config };
    let trusting = site.open_with(payments, config, NODES).await?;
    bundles(report, &site, &trusting, quick).await?;
    open_loop(report, &site, &seats, peak, quick).await?;
    overload(report, &site, &seats, peak, quick).await?;
    site.stop().await;
    Ok(())
}

pub(crate) fn span(seconds: u64, quick: bool) -> Span {
    Span::seconds(if quick { seconds.div_ceil(3) } else { seconds })
}

/// The highest rate, and what a call costs at it.
async fn closed(
    report: &mut Report,
    site: &Site,
    seats: &Seats,
    quick: bool,
) -> anyhow::Result<f64> {
    let span = span(CLOSED, quick);
    let each = MOST_PER_S * span.all().as_secs() as usize;
    let calls = site.payment_calls(seats, each).await?;
    let sign_us = calls.iter().map(|calls| calls.sign_us).sum::<f64>() / calls.len() as f64;
    let before = site.usage();
    let pace = Pace::Closed { window: WINDOW };
    let outcome = block_in_place(|| load::run(calls, pace, span))?;
    let used = site.usage().since(&before);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (verify, execute) = (vm::verify_us()?, vm::payment_us()?);
    let limit = cores as f64 * 1e6 / (NODES as f64 * (verify + execute));
    report.add("verify_us", verify, "us", None, "one ed25519 signature of a call, checked alone");
    let setup = "what the cores could do if every node checked each signature by itself and executed \
                 the payment, and did nothing else: the limit of the next row";
    report.add("machine_per_s", limit, "1/s", None, setup);
    let setup = format!(
        "4 members, {WINDOW} calls under way each, signed beforehand, JSON over WebSocket, clients \
         on the same {cores} cores, `synced`, {} s",
        outcome.seconds
    );
    let rate = outcome.per_s();
    report.add("certified_per_s_all_checked", rate, "1/s", Some(limit), setup);
    let setup = "of the target of 20,000 a second";
    report.add("certified_per_s_over_target", rate / TARGET, "", Some(1.0), setup);
    let each = |seconds: f64| seconds * 1e6 / outcome.all as f64;
    report.add("client_sign_us", sign_us, "us", None, "a client's signature, not in the runs");
    let cpu = each(used.cpu.seconds());
    report.add("cpu_us_per_call", cpu, "us", None, "CPU of the four nodes, user and system");
    let setup = "of `cpu_us_per_call`, in the kernel";
    report.add("cpu_system_us_per_call", each(used.cpu.system), "us", Some(cpu), setup);
    let setup = "CPU of the load's own process a call: it takes this from the nodes";
    report.add("client_cpu_us_per_call", each(outcome.client_cpu), "us", Some(cpu), setup);
    let bytes = |sum: f64| sum / outcome.all as f64;
    if let Some(wire) = used.wire {
        let setup = "TCP payload between the nodes, all directions, Noise and Yamux included";
        report.add("wire_bytes_per_call", bytes(wire), "B", None, setup);
    }
    if let Some(disk) = used.disk {
        let setup = "written to the block device by the four nodes, log and compaction included";
        report.add("disk_bytes_per_call", bytes(disk), "B", None, setup);
    }
    let setup = "requests and answers as JSON over WebSocket";
    report.add("client_bytes_per_call", bytes(outcome.bytes as f64), "B", None, setup);
    let leader = site.processes().first().copied().unwrap_or_default();
    if let Some(rss) = machine::memory_mb(leader, "VmRSS") {
        let setup = format!("the leader's process after {} payments", outcome.all);
        report.add("node_rss_mb", rss, "MB", None, setup);
    }
    Ok(rate)
}

/// The highest rate where each member's node signs for its calls.
async fn bundles(
    report: &mut Report,
    site: &Site,
    seats: &Seats,
    quick: bool,
) -> anyhow::Result<()> {
    let span = span(CLOSED, quick);
    let calls = site.payment_calls(seats, MOST_PER_S * span.all().as_secs() as usize).await?;
    let before = site.usage();
    let outcome = block_in_place(|| load::run(calls, Pace::Closed { window: WINDOW }, span))?;
    let used = site.usage().since(&before);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let limit = cores as f64 * 1e6 / (NODES as f64 * vm::payment_us()?);
    let setup = "the same in a channel with `trust_own_node`; the limit is what the cores could do if \
                 every node executed the payment, and did nothing else";
    report.add("certified_per_s_bundles", outcome.per_s(), "1/s", Some(limit), setup);
    let cpu = used.cpu.seconds() * 1e6 / outcome.all as f64;
    report.add("cpu_us_per_call_bundles", cpu, "us", None, "CPU of the four nodes in that run");
    Ok(())
}

async fn open_loop(
    report: &mut Report,
    site: &Site,
    seats: &Seats,
    peak: f64,
    quick: bool,
) -> anyhow::Result<()> {
    let mut points = Vec::new();
    for load in LOADS {
        let offered = peak * f64::from(load) / 100.0;
        let outcome = open(site, seats, offered, span(OPEN, quick)).await?;
        let times = outcome.percentiles();
        points.push(json!({
            "load": load, "offered_per_s": offered, "certified_per_s": outcome.per_s(),
            "latency_ms": times, "refused": outcome.refused,
        }));
        if load == 80 {
            let setup = "open loop at 80 % of the highest rate, from the scheduled time on";
            report.add("certified_p50_ms_at_80", times.p50, "ms", None, setup);
            report.add("certified_p99_ms_at_80", times.p99, "ms", Some(50.0), setup);
        }
    }
    report.series("latency_by_load", points);
    Ok(())
}

pub(crate) async fn open(
    site: &Site,
    seats: &Seats,
    per_s: f64,
    span: Span,
) -> anyhow::Result<Outcome> {
    let each = (per_s * span.all().as_secs_f64() / seats.channels.len() as f64).ceil() as usize + 1;
    let calls = site.payment_calls(seats, each).await?;
    block_in_place(|| load::run(calls, Pace::Open { per_s }, span))
}

/// Ten times the highest rate: what is still certified, and how long an accepted call takes.
async fn overload(
    report: &mut Report,
    site: &Site,
    seats: &Seats,
    peak: f64,
    quick: bool,
) -> anyhow::Result<()> {
    let span = span(FLOOD, quick);
    let each = MOST_PER_S * span.all().as_secs() as usize;
    let calls = site.payment_calls(seats, each).await?;
    let before = site.usage();
    let terms = seats.terms().await?;
    let pace = Pace::Flood { per_s: peak * OVERLOAD };
    let outcome = block_in_place(|| load::run(calls, pace, span))?;
    let changes = seats.terms().await? - terms;
    let used = site.usage().since(&before);
    let times = outcome.percentiles();
    let refused: u64 = outcome.refused.values().sum();
    let setup = format!(
        "{:.0} requests/s sent of {:.0} offered, 10 x the highest rate, by 4 members; {refused} \
         refused and sent again at once; the leader changed {changes} times; the nodes had {:.0} % of the cores, the clients {:.0} %",
        outcome.sent as f64 / outcome.seconds,
        peak * OVERLOAD,
        50.0 * used.cpu.seconds() / outcome.elapsed,
        50.0 * outcome.client_cpu / outcome.elapsed,
    );
    report.add("overload_goodput_ratio", outcome.per_s() / peak, "", Some(0.9), setup);
    let setup = "of accepted calls in the overload, from their last sending";
    report.add("overload_p99_ms", times.p99, "ms", None, setup);
    report.series(
        "overload",
        vec![json!({
            "offered_per_s": peak * OVERLOAD, "sent_per_s": outcome.sent as f64 / outcome.seconds,
            "certified_per_s": outcome.per_s(), "latency_ms": times, "refused": outcome.refused,
            "leader_changes": changes,
        })],
    );
    Ok(())
}
