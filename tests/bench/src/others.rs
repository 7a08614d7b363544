//! Rows of others' crates on work like a channel's: run by a program of its own, since what they are
//! built of is no part of this workspace.

use std::{path::Path, process::Command};

use anyhow::Context;
use fairway_types::{
    AssetId, Effects, ExecutionStatus, Gas, StateKey, Write, codec, contract::NATIVE,
    settlement::AssetAmount,
};

use crate::report::Report;

pub(crate) fn measure(report: &mut Report, program: Option<&Path>) -> anyhow::Result<()> {
    let Some(program) = program else {
        let reason = "needs `--side-by-side` and the program of tests/side_by_side";
        report.absent("openraft_per_s", reason);
        report.absent("lightning_payments_per_s", reason);
        return Ok(());
    };
    let ran = Command::new(program).arg(effects_bytes().to_string()).output()?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let rows = text.lines().rfind(|line| line.starts_with('['));
    let failed = || format!("{}", String::from_utf8_lossy(&ran.stderr));
    let rows: serde_json::Value = serde_json::from_str(rows.with_context(failed)?)?;
    for row in rows.as_array().into_iter().flatten() {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let value = row["value"].as_f64().context("a row without a value")?;
        let unit = if text("unit") == "ms" { "ms" } else { "1/s" };
        report.add(text("id"), value, unit, None, text("setup"));
    }
    Ok(())
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
