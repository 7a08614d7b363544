//! Others' crates on work like a channel's, on this machine: rows that `fairway-bench` takes into its
//! results. What is and what is not comparable stands in docs/benchmarks.md.

mod ldk;
mod raft;

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

/// A part that takes longer has failed: a node whose disk fails lets others wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints rows as JSON on one line: each with a value, or with the error for which it has none. Takes
/// the bytes of one call's effects.
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bytes = std::env::args().nth(1).map_or(Ok(512), |bytes| bytes.parse());
    let bytes = bytes.context("the bytes of one call's effects must be a number")?;
    let folder = tempfile::tempdir()?;
    let mut rows = Vec::new();
    rows.extend(in_memory(within(raft::measure(bytes, None)).await, bytes));
    rows.extend(synced(within(raft::measure(bytes, Some(folder.path()))).await));
    // What it finds wrong it panics at.
    let pair = async { tokio::task::spawn_blocking(ldk::pair_us).await? };
    rows.extend(payments(within(pair).await));
    println!("{}", Value::from(rows));
    drop(folder);
    // Nothing is waited for that has not come.
    std::process::exit(0)
}

async fn within<T>(part: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let waited = || format!("not done within {} s", PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, part).await.with_context(waited)?
}

fn in_memory(rates: anyhow::Result<raft::Rates>, bytes: usize) -> [Value; 2] {
    let setup = format!(
        "openraft 0.9: three nodes in this process, messages by function call, logs in memory, {bytes} \
         bytes an entry, {} clients; no signatures, no execution",
        raft::CLIENTS
    );
    let alone = "the same, one entry at a time";
    [
        row("openraft_per_s", "1/s", &rates, |rates| rates.per_s, &setup),
        row("openraft_p50_ms", "ms", &rates, |rates| rates.p50_ms, alone),
    ]
}

fn synced(rates: anyhow::Result<raft::Rates>) -> [Value; 2] {
    let setup = "the same as `openraft_per_s`, each node's log in a file of its own, synced";
    let alone = "the same, one entry at a time: the leader's fdatasync, then a follower's";
    [
        row("openraft_synced_per_s", "1/s", &rates, |rates| rates.per_s, setup),
        row("openraft_synced_p50_ms", "ms", &rates, |rates| rates.p50_ms, alone),
    ]
}

fn payments(pair_us: anyhow::Result<f64>) -> [Value; 2] {
    let setup = "lightning 0.2 (LDK): payments to and fro between two nodes in this process, one at a \
                 time, messages by function call, the channel's monitor in a file, synced";
    let alone = "the same: one payment until it is claimed";
    [
        row("lightning_payments_per_s", "1/s", &pair_us, |pair_us| 2e6 / pair_us, setup),
        row("lightning_payment_ms", "ms", &pair_us, |pair_us| pair_us / 2e3, alone),
    ]
}

fn row<T>(
    id: &str,
    unit: &str,
    measured: &anyhow::Result<T>,
    value: impl Fn(&T) -> f64,
    setup: &str,
) -> Value {
    match measured {
        Ok(measured) => json!({ "id": id, "unit": unit, "value": value(measured), "setup": setup }),
        Err(error) => json!({ "id": id, "error": format!("{error:#}") }),
    }
}
