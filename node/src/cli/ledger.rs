//! `fairway ledger run|register|publish|call|view|abi`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use fairway_ledger::{Genesis, Server, Service, Settings};
use fairway_sandbox::{Home, read_package, read_package_of};
use fairway_types::{Address, ids::ChainId};
use serde_json::json;

use super::{
    Shared,
    channel::values,
    compiler,
    keys::{Keys, key_file},
    node::{start_logging, stop_signal},
    print,
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
    /// Register the sources of a channel's package, so that nodes find them by the hash that this
    /// prints: for contracts that create channels.
    Register {
        /// The package's folder.
        folder: PathBuf,
        #[arg(long)]
        account: String,
    },
    /// Publish a package of contracts at an account's address.
    Publish {
        /// The package's folder; an address written `"_"` in its Move.toml is the account's.
        folder: PathBuf,
        #[arg(long)]
        account: String,
    },
    /// Call an entry function of a contract: `0x3::coin::transfer`, or `alice::board::enter` for what
    /// the account `alice` published.
    Call {
        function: String,
        /// JSON values; what is no JSON is taken as a string.
        args: Vec<String>,
        #[arg(long)]
        account: String,
    },
    /// Run a view of a contract.
    View {
        function: String,
        /// JSON values; what is no JSON is taken as a string.
        args: Vec<String>,
    },
    /// Print what is published at an address as JSON: functions, structs, aborts.
    Abi {
        /// A name of an account here, or an address.
        address: String,
    },
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run { data, listen, chain_id, dev, root } => {
                run(shared, &data, listen, chain_id, dev, root).await?;
            }
            Self::Register { folder, account } => {
                let source = read_package(&folder)?;
                compiler()?.compile(&source)?;
                let key = Keys::open(shared)?.unlock(&account)?;
                let package = shared.chain().await?.store_package(&key, source).await?;
                shared.output().show(&json!({ "package": package }), || package.to_string());
            }
            Self::Publish { folder, account } => publish(shared, &folder, &account).await?,
            Self::Call { function, args, account } => {
                let keys = Keys::open(shared)?;
                let function = keys.function(&function);
                let key = keys.unlock(&account)?;
                let report = shared.chain().await?.call(&key, &function, &values(&args)).await?;
                shared.output().show(&report, || {
                    format!("executed in block {}, gas {}", report.height, report.gas_used)
                });
            }
            Self::View { function, args } => {
                let function = Keys::open(shared)?.function(&function);
                let found = shared.chain().await?.view(&function, &values(&args)).await?;
                shared.output().show(&found, || {
                    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
                });
            }
            Self::Abi { address } => {
                let keys = Keys::open(shared)?;
                let address =
                    Address::from_literal(&address).or_else(|_| keys.address(&address))?;
                let abi = shared.chain().await?.abi(address).await?;
                print(&serde_json::to_string_pretty(&abi.modules)?);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn run(
    shared: &Shared,
    data: &Path,
    listen: SocketAddr,
    chain_id: u64,
    dev: bool,
    root: Option<Address>,
) -> anyhow::Result<()> {
    fairway::local::end_with_parent();
    start_logging(shared.json);
    let running = Running::start(data, listen, chain_id, dev, root).await?;
    let url = running.url();
    let ready = json!({ "ready": "ledger", "url": url, "chain": chain_id, "faucet": dev });
    shared.output().show(&ready, || format!("ledger of chain {chain_id} at {url}"));
    stop_signal().await.context("waiting for a signal")?;
    running.stop().await;
    Ok(())
}

async fn publish(shared: &Shared, folder: &Path, account: &str) -> anyhow::Result<()> {
    let key = Keys::open(shared)?.unlock(account)?;
    let publisher = key.address();
    let source = read_package_of(folder, publisher)?;
    // What the ledger would refuse is said here, with its diagnostics.
    let package = compiler()?.compile_for(&source, Home::Ledger { publisher })?;
    let report = shared.chain().await?.publish(&key, source).await?;
    let modules: Vec<String> = package
        .modules
        .iter()
        .map(|module| format!("{}::{}", module.address.to_literal(), module.name))
        .collect();
    let shown = json!({
        "package": package.hash, "modules": modules, "height": report.height,
        "gas_used": report.gas_used,
    });
    shared.output().show(&shown, || {
        format!(
            "published {} in block {}, gas {}",
            modules.join(", "),
            report.height,
            report.gas_used
        )
    });
    Ok(())
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
