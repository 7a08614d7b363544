//! `fairway ledger run`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use fairway_ledger::{Genesis, Server, Service, Settings};
use fairway_types::{Address, ids::ChainId};
use serde_json::json;

use super::{
    Shared, compiler,
    keys::key_file,
    node::{start_logging, stop_signal},
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the settlement chain until it is stopped.
    Run {
        /// Where its blocks and state lie.
        #[arg(long)]
        data: PathBuf,
        /// Port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:9100")]
        listen: SocketAddr,
        #[arg(long, default_value_t = 1)]
        chain_id: u64,
        /// A chain for trying things out: anybody may take money from its faucet. The root key is
        /// made in the data folder.
        #[arg(long)]
        dev: bool,
        /// The account that may mint, on a chain that is not for development.
        #[arg(long, conflicts_with = "dev")]
        root: Option<Address>,
    },
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let Self::Run { data, listen, chain_id, dev, root } = self;
        start_logging(shared.json);
        let running = Running::start(&data, listen, chain_id, dev, root).await?;
        let url = running.url();
        let ready = json!({ "ready": "ledger", "url": url, "chain": chain_id, "faucet": dev });
        shared.output().show(&ready, || format!("ledger of chain {chain_id} at {url}"));
        stop_signal().await.context("waiting for a signal")?;
        running.stop().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// A ledger in this process.
pub(crate) struct Running {
    service: Service,
    server: Server,
}

impl Running {
    pub(crate) async fn start(
        data: &Path,
        listen: SocketAddr,
        chain_id: u64,
        dev: bool,
        root: Option<Address>,
    ) -> anyhow::Result<Self> {
        let faucet = if dev { Some(key_file(&data.join("root.key"))?) } else { None };
        let root = match (&faucet, root) {
            (Some(key), _) => key.address(),
            (None, Some(root)) => root,
            (None, None) => bail!("name the account that may mint with --root, or run with --dev"),
        };
        let service = Service::start(Settings {
            folder: data.join("chain"),
            genesis: Genesis { chain: ChainId(chain_id), root },
            compiler: compiler()?,
            faucet,
        })?;
        let server = Server::start(service.clone(), listen).await?;
        Ok(Self { service, server })
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.server.address)
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.service.stop().await;
    }
}
