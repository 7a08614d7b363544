//! `fairway demo`: a ledger and four nodes as processes, real games, payments and a settlement,
//! checked to the unit.

mod failover;
mod games;
mod money;
mod payments;
mod report;
mod scenes;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use fairway::local::{LocalNetwork, dropped_have_ended};

use self::{report::Report, scenes::Stage};
use super::{Shared, print, stop::Stop};

/// The example packages that it plays.
const PACKAGES: [&str; 3] = ["arena", "payments", "tic_tac_toe"];

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
    /// Write a report in JSON to this file.
    #[arg(long)]
    report: Option<PathBuf>,
    /// The folder of the example packages.
    #[arg(long, default_value = "contracts/examples")]
    examples: PathBuf,
}

impl Demo {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        self.check_examples()?;
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
        if let Some(path) = &self.report {
            report.write(path)?;
        }
        shared.output().show(&report, || report.summary(self.report.as_deref()));
        let mut stage = match played {
            Ok(stage) => stage,
            Err(error) => {
                print(&format!("logs and data: {}", folder.display()));
                return Err(error);
            }
        };
        if self.keep {
            tokio::select! {
                kept = stage.keep() => return kept,
                () = stop.asked() => {}
            }
            drop(stage);
            return Ok(stopped(&folder, ExitCode::SUCCESS).await);
        }
        stage.stop().await?;
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Before anything starts: the packages are not in the program.
    fn check_examples(&self) -> anyhow::Result<()> {
        let lacking = PACKAGES.iter().find(|name| !self.examples.join(name).is_dir());
        if let Some(name) = lacking {
            bail!(
                "{}: no such folder: the demo plays the packages of a clone's contracts/examples: \
                 start it in the clone, or name that folder with --examples",
                self.examples.join(name).display(),
            );
        }
        Ok(())
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
