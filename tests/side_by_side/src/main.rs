//! Others' crates on work like a channel's, on this machine: rows that `fairway-bench` takes into its
//! results. What is and what is not comparable stands in docs/benchmarks.md.

mod ldk;
mod raft;

use serde_json::json;

/// Prints rows as JSON. Takes the bytes of one call's effects.
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bytes = std::env::args().nth(1).map_or(Ok(512), |bytes| bytes.parse())?;
    let raft = raft::measure(bytes).await?;
    let pair_us = tokio::task::block_in_place(ldk::pair_us)?;
    let rows = json!([
        {
            "id": "openraft_per_s", "value": raft.per_s, "unit": "1/s",
            "setup": format!(
                "openraft 0.9: three nodes in this process, messages by function call, log in \
                 memory, {bytes} bytes an entry, 1024 clients; no signatures, no execution"
            ),
        },
        {
            "id": "openraft_p50_ms", "value": raft.p50_ms, "unit": "ms",
            "setup": "the same, one entry at a time",
        },
        {
            "id": "lightning_payments_per_s", "value": 2e6 / pair_us, "unit": "1/s",
            "setup": "lightning 0.2 (LDK): payments to and fro between two nodes in this process, \
                      one at a time, every state in a file that is synced",
        },
        {
            "id": "lightning_payment_ms", "value": pair_us / 2e3, "unit": "ms",
            "setup": "the same: one payment until it is claimed",
        },
    ]);
    println!("{rows}");
    Ok(())
}
