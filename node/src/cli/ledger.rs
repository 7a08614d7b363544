//! `fairway ledger run|register|publish|call|view|abi`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use fairway::{
    config::{Chain, Config},
    observe::LedgerSubject,
};
use fairway_ledger::{ChainServer, Genesis, Server, Service, Settings, rpc};
use fairway_sandbox::{Home, read_package, read_package_of};
use fairway_sdk::api::ChainApiServer;
use fairway_types::{Address, ids::ChainId};
use jsonrpsee::RpcModule;
use serde_json::json;

use super::{
    Shared, compiler,
    config::{Flags, load},
    keys::{Keys, key_file},
    print,
    serving::{console_of, serve_operators, start_logging, url_of},
    stop::Stop,
    values,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the settlement chain until it is stopped.
    Run {
        /// A configuration file; without one the environment and flags say everything.
        #[arg(long)]
        config: Option<PathBuf>,
        /// Where its blocks and state lie (`chain.data`).
        #[arg(long)]
        data: Option<String>,
        /// Where it is reached (`chain.listen`); port 0 takes a free one.
        #[arg(long)]
        listen: Option<String>,
        /// `chain.id` [default: 1].
        #[arg(long)]
        chain_id: Option<String>,
        /// A chain for trying things out: anybody may take money from its faucet (`chain.dev`). The
        /// root key is made in the data folder.
        #[arg(long)]
        dev: bool,
        /// The account that may mint, on a chain that is not for development (`chain.root`).
        #[arg(long, conflicts_with = "dev")]
        root: Option<String>,
        #[command(flatten)]
        flags: Flags,
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
            Self::Run { config, data, listen, chain_id, dev, root, flags } => {
                let missing = "name a file that is there, or leave --config out";
                let dev = dev.then(|| "true".to_owned());
                let said = [
                    ("--data", "chain.data", data),
                    ("--listen", "chain.listen", listen),
                    ("--chain-id", "chain.id", chain_id),
                    ("--dev", "chain.dev", dev),
                    ("--root", "chain.root", root),
                ];
                let config = load(config.as_deref(), missing, shared, &flags, |layers| {
                    for (flag, key, text) in said {
                        text.into_iter().for_each(|text| layers.flag(flag, key, &text));
                    }
                })?;
                return run(shared, &config).await;
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

async fn run(shared: &Shared, config: &Config) -> anyhow::Result<ExitCode> {
    fairway::local::end_with_parent();
    start_logging(&config.log)?;
    let running = Running::start(&config.chain, config.access.for_ledger()).await?;
    let url = running.url();
    let subject = running.subject();
    let asked = (|| Ok(running.methods()), Arc::clone(&subject.denials));
    let http = serve_operators(&config.http, &config.access, subject, asked).await?;
    let Chain { id, dev, .. } = config.chain;
    let ready = json!({
        "ready": "ledger", "url": url, "chain": id, "faucet": dev, "http": http.as_ref().map(url_of),
        "console": http.as_ref().and_then(|http| console_of(http, &config.http)),
    });
    let mut stop = Stop::listen()?;
    shared.output().show(&ready, || format!("ledger of chain {id} at {url}"));
    stop.asked().await;
    let orderly = async {
        if let Some(http) = http {
            http.stop().await;
        }
        running.stop().await;
    };
    Ok(stop.end(orderly).await)
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
    pub(crate) async fn start(chain: &Chain, access: rpc::Access) -> anyhow::Result<Self> {
        let data =
            chain.data.as_ref().context("say where the chain lies: --data or `chain.data`")?;
        let faucet = if chain.dev { Some(key_file(&data.join("root.key"))?) } else { None };
        let root = match (&faucet, chain.root) {
            (Some(_), Some(_)) => {
                bail!("`chain.dev` makes a root of its own: leave `chain.root` out")
            }
            (Some(key), None) => key.address(),
            (None, Some(root)) => root,
            (None, None) => bail!("name the account that may mint with --root, or run with --dev"),
        };
        let service = Service::start(Settings {
            folder: data.join("chain"),
            genesis: Genesis { chain: ChainId(chain.id), root },
            compiler: compiler()?,
            faucet,
        })?;
        let server = Server::start(service.clone(), chain.listen, access).await?;
        Ok(Self { service, server })
    }

    fn subject(&self) -> LedgerSubject {
        let denials = Arc::clone(self.server.denials());
        LedgerSubject { service: self.service.clone(), denials }
    }

    /// All that it answers, for a port of its own.
    fn methods(&self) -> RpcModule<ChainServer> {
        ChainServer::new(self.service.clone()).into_rpc()
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.server.address)
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.service.stop().await;
    }
}
