//! Rows of others' crates on work like a channel's: run by a program of its own, since what they are
//! built of is no part of this workspace.

use std::{path::Path, process::Command};

use anyhow::Context;
use fairway_types::{
    AssetId, Effects, ExecutionStatus, Gas, StateKey, Write, codec, contract::NATIVE,
    settlement::AssetAmount,
};
use serde_json::Value;

use crate::report::Report;

pub(crate) const ROWS: [&str; 6] = [
    "openraft_per_s",
    "openraft_p50_ms",
    "openraft_synced_per_s",
    "openraft_synced_p50_ms",
    "lightning_payments_per_s",
    "lightning_payment_ms",
];

pub(crate) fn measure(report: &mut Report, program: Option<&Path>) -> anyhow::Result<()> {
    let program = program.context("`make side-by-side` builds the program that it needs")?;
    let ran = Command::new(program).arg(effects_bytes().to_string()).output();
    let ran = ran.with_context(|| format!("{} does not start", program.display()))?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let rows = text.lines().rfind(|line| line.starts_with('['));
    let failed = || format!("no rows: {}: {}", ran.status, String::from_utf8_lossy(&ran.stderr));
    let rows: Vec<Value> = serde_json::from_str(rows.with_context(failed)?)?;
    for id in ROWS {
        match rows.iter().find(|row| row["id"] == id) {
            Some(row) => take(report, id, row),
            None => report.absent(id, "the program knows no such row: `make side-by-side`"),
        }
    }
    Ok(())
}

fn take(report: &mut Report, id: &'static str, row: &Value) {
    let Some(value) = row["value"].as_f64() else {
        return report.absent(id, row["error"].as_str().unwrap_or("no value and no error"));
    };
    let unit = if row["unit"] == "ms" { "ms" } else { "1/s" };
    report.add(id, value, unit, None, row["setup"].as_str().unwrap_or_default());
}

/// BCS bytes of a payment's effects: two vaults and a counter.
fn effects_bytes() -> usize {
    let amounts = vec![AssetAmount { asset: AssetId(NATIVE.0), amount: 1_000_000 }];
    let write = |tag: &str, value| Write {
        key: StateKey::resource(fairway_types::Address::from_low(0xa1), tag),
        value: Some(value),
    };
    let vault = || write("0x2::vault::Vault", codec::encode(&amounts));
    let effects = Effects {
        status: ExecutionStatus::Success,
        gas_used: Gas(1_000),
        writes: vec![vault(), vault(), write("0x44::payments::Sent", codec::encode(&1u64))],
        events: Vec::new(),
    };
    codec::encode(&effects).len()
}
