//! The figures of docs/benchmarks.md, each beside the limit of the machine measured in the same run.
//! Prints a table and writes `target/bench/results.json`. Never fails on a time.

mod abuse;
mod calls;
mod disk;
mod failover;
mod late_join;
mod load;
mod machine;
mod many;
mod network;
mod others;
mod plots;
mod profile;
mod report;
mod scale;
mod stages;
mod streams;
mod under_load;
mod vm;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;

use self::report::Report;

/// The parts of a run in their order, each with the rows it makes.
const PARTS: [(&str, &[&str]); 13] = [
    (
        "vm",
        &["vm_transfer_us", "sandbox_transfer_us", "sandbox_overhead_ratio", "state_root_share"],
    ),
    ("disk", &["fdatasync_ms", "store_batch_ms"]),
    ("streams", &["stream_rtt_us"]),
    ("calls", &["certified_p50_ms_replicated", "certified_p50_ms_synced", "executed_p50_ms"]),
    (
        "load",
        &[
            "certified_per_s_all_checked",
            "certified_per_s_bundles",
            "certified_p99_ms_at_80",
            "overload_goodput_ratio",
        ],
    ),
    ("profile", &["cpu_explained_ratio", "idle_cpu_us_per_call"]),
    ("members", &["certified_per_s_1_members", "certified_per_s_16_members"]),
    ("weight", &["certified_per_s_1000_rounds"]),
    ("state", &["throughput_ratio_1e6_vs_1e3_resources"]),
    ("abuse", &["slow_follower_ratio", "subscriber_ratio", "stalled_subscriber_ratio"]),
    ("many", &["idle_100_channels_mb", "channels_1000"]),
    ("others", &others::ROWS),
    ("failures", &["late_join_s", "failover_ms", "failover_timeouts"]),
];

#[derive(Parser)]
struct Options {
    /// The command `fairway`, for the rows that need processes.
    #[arg(long)]
    program: PathBuf,
    /// The program of tests/side_by_side, for the rows of others' crates.
    #[arg(long)]
    side_by_side: Option<PathBuf>,
    /// Parts of the run, or rows whose parts are run; everything when none is named.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    #[arg(long, default_value = "target/bench/results.json")]
    report: PathBuf,
    /// A folder that gets results, table and plots too.
    #[arg(long)]
    docs: Option<PathBuf>,
    /// Draws the plots of these results again, and runs nothing.
    #[arg(long)]
    draw: Option<PathBuf>,
    /// A third of the time for each load: to see that it works.
    #[arg(long)]
    quick: bool,
}

impl Options {
    fn wants(&self, part: &str, rows: &[&str]) -> bool {
        self.rows.is_empty()
            || self.rows.iter().any(|name| name == part || rows.contains(&name.as_str()))
    }
}

#[allow(clippy::print_stdout, reason = "the table is this program's answer")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(path) = &options.draw {
        let results = serde_json::from_slice(&fs::read(path)?)?;
        return plots::draw(&results, path.parent().unwrap_or(Path::new(".")));
    }
    let mut report = Report::default();
    for (part, rows) in PARTS {
        if options.wants(part, rows) {
            eprintln!("{part}");
            // One part that fails takes no other with it.
            if let Err(error) = run(&mut report, part, &options).await {
                rows.iter().for_each(|row| report.absent(row, format!("{error:#}")));
            }
        }
    }
    let results = report.results();
    write(&options.report, &results)?;
    if let Some(folder) = &options.docs {
        write(&folder.join("results.json"), &results)?;
        fs::write(folder.join("table.md"), report.table())?;
    }
    println!("{}", report.table());
    Ok(())
}

/// The results, and the plots beside them.
fn write(path: &Path, results: &serde_json::Value) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    fs::write(path, serde_json::to_vec_pretty(results)?)?;
    plots::draw(results, folder)
}

async fn run(report: &mut Report, part: &str, options: &Options) -> anyhow::Result<()> {
    let (program, quick) = (&options.program, options.quick);
    match part {
        "vm" => vm::measure(report),
        "disk" => disk::measure(report),
        "streams" => streams::measure(report).await,
        "calls" => calls::measure(report, program).await,
        "load" => under_load::measure(report, program, quick).await,
        "profile" => stages::measure(report, program, quick).await,
        "members" => scale::members(report, program, quick).await,
        "weight" => scale::weight(report, program, quick).await,
        "state" => scale::state(report, program, quick).await,
        "abuse" => abuse::measure(report, program, quick).await,
        "many" => many::measure(report, program, quick).await,
        "others" => others::measure(report, options.side_by_side.as_deref()),
        "failures" => failover::rows(report, program).await,
        _ => Ok(()),
    }
}
