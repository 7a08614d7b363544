//! Two LDK nodes that pay each other over one channel, as LDK's own benchmark does it, with its own
//! store of files behind them.

use std::{fs, time::Duration};

use criterion::Criterion;
use lightning::ln::channelmanager::bench::bench_two_sends;
use lightning_persister::fs_store::FilesystemStore;

const SAMPLES: usize = 10;
const WARM: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(5);

/// Microseconds of a payment there and one back.
pub(crate) fn pair_us() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut criterion = Criterion::default()
        .output_directory(&folder.path().join("results"))
        .without_plots()
        .sample_size(SAMPLES)
        .warm_up_time(WARM)
        .measurement_time(MEASURED);
    let store = |name| FilesystemStore::new(folder.path().join(name));
    bench_two_sends(&mut criterion, "payments", store("a"), store("b"));
    let estimates = fs::read(folder.path().join("results/payments/new/estimates.json"))?;
    let estimates: serde_json::Value = serde_json::from_slice(&estimates)?;
    let nanos = estimates["median"]["point_estimate"].as_f64();
    Ok(nanos.ok_or_else(|| anyhow::anyhow!("no median in {estimates}"))? / 1e3)
}
