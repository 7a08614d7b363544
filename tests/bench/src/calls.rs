//! Four node processes and a ledger on loopback: latency of a certified call on an idle channel.

use std::{path::Path, time::Instant};

use fairway_sdk::{CallStatus, Durability, Member, json};
use fairway_types::contract::NATIVE;
use hdrhistogram::Histogram;

use crate::{
    disk,
    network::{Seats, Site},
    report::Report,
};

const NODES: usize = 4;
const LATENCY_CALLS: u32 = 1_000;

pub(crate) async fn measure(report: &mut Report, program: &Path) -> anyhow::Result<()> {
    let site = Site::start(program, NODES).await?;
    let payments = site.payments().await?;
    let replicated = site.open(payments, Durability::Replicated, NODES).await?;
    replicated_latency(report, &replicated.members).await?;
    steps(report, &replicated).await?;
    let synced = site.open(payments, Durability::Synced, NODES).await?;
    // As the disk is now: the machine may have been quieter when it was measured before.
    latency(report, &synced.members, disk::fdatasync_ms()?).await?;
    site.stop().await;
    Ok(())
}

pub(crate) async fn pay(from: &Member, to: &Member) -> anyhow::Result<()> {
    from.call("0x44::payments::pay", &payment(to)).await?;
    Ok(())
}

fn payment(to: &Member) -> [serde_json::Value; 4] {
    [json!(to.address().to_string()), json!(NATIVE), json!(1), json!("")]
}

/// The times of calls one by one from an app at one member's node, microseconds.
async fn one_by_one(from: &Member, to: &Member) -> anyhow::Result<Histogram<u64>> {
    let mut times: Histogram<u64> = Histogram::new(3)?;
    for _ in 0..LATENCY_CALLS {
        let begun = Instant::now();
        pay(from, to).await?;
        times.record(u64::try_from(begun.elapsed().as_micros())?)?;
    }
    Ok(times)
}

/// The same without the disk in the way of signatures.
async fn replicated_latency(report: &mut Report, members: &[Member]) -> anyhow::Result<()> {
    let times = one_by_one(&members[0], &members[2]).await?;
    let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
    let setup = "1000 calls one by one, app at the leader's node, 4 nodes, WebSocket included";
    report.add("certified_p50_ms_replicated", at(0.5), "ms", Some(0.5), setup);
    report.add("certified_p99_ms_replicated", at(0.99), "ms", Some(2.0), setup);
    Ok(())
}

/// One call at a time on an idle channel, from an app at the leader's node and at a follower's.
async fn latency(report: &mut Report, members: &[Member], fdatasync: f64) -> anyhow::Result<()> {
    let rows = [
        (0, "certified_p50_ms_synced", "certified_p99_ms_synced", "at the leader's node"),
        (
            1,
            "certified_follower_p50_ms_synced",
            "certified_follower_p99_ms_synced",
            "at a follower's",
        ),
    ];
    for (caller, p50, p99, place) in rows {
        let times = one_by_one(&members[caller], &members[2]).await?;
        let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        let setup = format!("1000 calls one by one, app {place}, 4 nodes, WebSocket included");
        report.add(p50, at(0.5), "ms", Some(3.0 * fdatasync + 0.5), setup.clone());
        report.add(p99, at(0.99), "ms", None, setup);
        if caller == 0 {
            let setup = "p50 over the run's fdatasync";
            report.add("synced_over_fdatasync_ratio", at(0.5) / fdatasync, "", Some(3.0), setup);
        }
    }
    Ok(())
}

/// What an idle call's time is made of: a request that does nothing, a call until it is executed at
/// the leader, and until it is certified.
async fn steps(report: &mut Report, seats: &Seats) -> anyhow::Result<()> {
    let channel = &seats.channels[0];
    let account = seats.members[0].address();
    let mut times: Histogram<u64> = Histogram::new(3)?;
    for _ in 0..LATENCY_CALLS {
        let begun = Instant::now();
        channel.sequence(account).await?;
        times.record(u64::try_from(begun.elapsed().as_micros())?)?;
    }
    let setup = "state_channel.sequence one by one: JSON, WebSocket and two processes' wake-ups";
    report.add("rpc_p50_ms", times.value_at_quantile(0.5) as f64 / 1_000.0, "ms", None, setup);
    let args = payment(&seats.members[2]);
    let mut times: Histogram<u64> = Histogram::new(3)?;
    for _ in 0..LATENCY_CALLS {
        let begun = Instant::now();
        let from = &seats.members[0];
        from.call_until("0x44::payments::pay", &args, CallStatus::Executed).await?;
        times.record(u64::try_from(begun.elapsed().as_micros())?)?;
    }
    let setup =
        "the same calls in `replicated` until the leader executed them: no other node waited for";
    report.add("executed_p50_ms", times.value_at_quantile(0.5) as f64 / 1_000.0, "ms", None, setup);
    Ok(())
}
