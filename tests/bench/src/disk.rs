//! What a synced write costs on this disk.

use std::{fs::File, io::Write, time::Instant};

use crate::report::Report;

const WRITES: u32 = 200;

/// `fdatasync` after an append of 4 KiB; the median, in milliseconds.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut file = File::create(folder.path().join("probe"))?;
    let mut times = Vec::new();
    for _ in 0..WRITES {
        let begun = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    report.add("fdatasync_ms", median, "ms", None, "median of 200 appends of 4 KiB, idle");
    Ok(median)
}
