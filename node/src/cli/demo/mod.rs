//! `fairway demo`: a ledger and four nodes as processes, real games, payments and a settlement,
//! checked to the unit.

mod failover;
mod games;
mod money;
mod payments;
mod report;
mod scenes;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use fairway::local::{LocalNetwork, dropped_have_ended};

use self::{report::Report, scenes::Stage};
use super::{Shared, print, stop::Stop};

#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Keep everything running afterwards, and say what to try.
    #[arg(long)]
    keep: bool,
    /// Games each pair of members plays.
    #[arg(long, default_value_t = 10)]
    games: u32,
    /// Payments each member sends.
    #[arg(long, default_value_t = 2_000)]
    payments: u32,
    /// Where the report goes.
    #[arg(long, default_value = "target/demo/report.json")]
    report: PathBuf,
    /// The example packages.
    #[arg(long, default_value = "contracts/examples")]
    examples: PathBuf,
}

impl Demo {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let folder = tempfile::Builder::new().prefix("fairway-demo-").tempdir()?.keep();
        let mut report = Report::default();
        let mut stop = Stop::listen()?;
        // Dropping the network on Ctrl-C ends its processes.
        let played = tokio::select! {
            played = self.play(&folder, &mut report, shared) => Some(played),
            () = stop.asked() => None,
        };
        let Some(played) = played else { return Ok(stopped(&folder, ExitCode::FAILURE).await) };
        report.finish(&played);
        report.write(&self.report)?;
        shared.output().show(&report, || report.summary(&folder, &self.report));
        let mut stage = played?;
        if self.keep {
            tokio::select! {
                kept = stage.keep() => return kept,
                () = stop.asked() => {}
            }
            drop(stage);
            return Ok(stopped(&folder, ExitCode::SUCCESS).await);
        }
        stage.stop().await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn play(
        &self,
        folder: &Path,
        report: &mut Report,
        shared: &Shared,
    ) -> anyhow::Result<Stage> {
        let program = std::env::current_exe()?;
        let started = report.begin("start");
        let network = LocalNetwork::start(&program, folder, 4).await?;
        report.end(started, serde_json::json!({ "processes": 5 }));
        let mut stage = Stage::new(network, folder, shared, &self.examples).await?;
        stage.join(report).await?;
        stage.play(report, self.games, self.payments).await?;
        stage.fail_over(report).await?;
        stage.settle(report).await?;
        stage.cheat(report).await?;
        stage.exit(report).await?;
        Ok(stage)
    }
}

async fn stopped(folder: &Path, code: ExitCode) -> ExitCode {
    print(match dropped_have_ended().await {
        true => "stopped; every process has ended",
        false => "stopped; a process was killed and has not ended yet",
    });
    print(&format!("logs and data: {}", folder.display()));
    code
}
