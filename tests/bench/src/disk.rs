//! What a synced write costs on this disk.

use std::{fs::File, io::Write, path::Path, time::Instant};

use fairway_store::{Batch, Database, Format};

use crate::report::Report;

const WRITES: u32 = 200;

pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let median = fdatasync_ms()?;
    report.add("fdatasync_ms", median, "ms", None, "median of 200 appends of 4 KiB, idle");
    let folder = tempfile::tempdir()?;
    let stored = batch_ms(&folder.path().join("store"))?;
    let setup = "RocksDB, a synced batch of 4 KiB, median of 200";
    report.add("store_batch_ms", stored, "ms", Some(median), setup);
    Ok(())
}

/// `fdatasync` after an append of 4 KiB; the median, in milliseconds.
pub(crate) fn fdatasync_ms() -> anyhow::Result<f64> {
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
    Ok(times[times.len() / 2])
}

/// A synced batch through the store that nodes use; the median, in milliseconds.
fn batch_ms(path: &Path) -> anyhow::Result<f64> {
    let format = Format { kind: "bench", version: 1, families: &["a"] };
    let database = Database::open(path, format)?;
    let mut times = Vec::new();
    for number in 0..WRITES {
        let mut batch = Batch::default();
        batch.put("a", number.to_be_bytes(), vec![7; 4096]);
        let begun = Instant::now();
        database.write(batch, true)?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    database.close();
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
