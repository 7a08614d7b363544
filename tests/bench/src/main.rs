//! The figures of docs/benchmarks.md, each beside the limit of the machine measured in the same run.
//! Prints a table and writes `target/bench/results.json`. Never fails on a time.

mod calls;
mod disk;
mod failover;
mod late_join;
mod report;
mod streams;
mod vm;

use std::path::PathBuf;

use clap::Parser;

use self::report::Report;

#[derive(Parser)]
struct Options {
    /// The command `fairway`, for the rows that need processes.
    #[arg(long)]
    program: PathBuf,
    #[arg(long, default_value = "target/bench/results.json")]
    report: PathBuf,
    /// Payments each of four members sends for the throughput row.
    #[arg(long, default_value_t = 5_000)]
    payments: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut report = Report::default();
    vm::measure(&mut report)?;
    let fdatasync = disk::measure(&mut report)?;
    streams::measure(&mut report).await?;
    calls::measure(&mut report, &options.program, options.payments, fdatasync).await?;
    report.write(&options.report)?;
    report.print();
    Ok(())
}
