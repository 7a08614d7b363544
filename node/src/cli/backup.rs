//! `fairway backup create|restore`.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use fairway::backup;

use super::Shared;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Copy the folder of a stopped node, with its key, to a new folder.
    Create {
        /// The node's folder.
        folder: PathBuf,
        /// The new folder of the backup.
        to: PathBuf,
    },
    /// Make a node's folder of a backup. Its node asks the others what it signed since, before it signs
    /// again.
    Restore {
        /// The backup's folder.
        backup: PathBuf,
        /// The new folder of the node.
        to: PathBuf,
    },
}

impl Command {
    pub(crate) fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let output = shared.output();
        match self {
            Self::Create { folder, to } => {
                let made = backup::create(&folder, &to)?;
                output.show(&made, || {
                    let (node, count) = (made.node, made.channels.len());
                    format!("node {node} with {count} channels is in {}", to.display())
                });
            }
            Self::Restore { backup, to } => {
                let made = backup::restore(&backup, &to)?;
                output.show(&made, || {
                    format!(
                        "node {} is in {}. Be sure that it runs nowhere else, then: fairway node run {}",
                        made.node,
                        to.display(),
                        to.display()
                    )
                });
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
