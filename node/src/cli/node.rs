//! `fairway node init|run|status`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use fairway::{
    Keeping, Node, Settings,
    config::{Chain, Config, FILE},
    observe::NodeSubject,
    stream::{self, Server},
    traces::Tracer,
};
use fairway_ledger::rpc;
use fairway_sdk::api::channel::NodeStatus;
use fairway_types::Address;
use libp2p::Multiaddr;
use serde_json::json;

use super::{
    Shared, compiler,
    config::{Flags, load, write_new},
    describe::describe_channel,
    keys::{existing_key, key_file},
    ledger,
    serving::{console_of, serve_operators, start_logging, url_of},
    stop::Stop,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a node's folder: its key and its configuration.
    Init {
        folder: PathBuf,
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        flags: Flags,
    },
    /// Run the node of a folder until it is stopped.
    Run {
        folder: PathBuf,
        /// Run a development ledger of chain 1 in this process too, at the address that the
        /// configuration names as its ledger; its data lies in this folder.
        #[arg(long)]
        dev_ledger: Option<PathBuf>,
        /// Keep every block, also what is settled, whatever the configuration says.
        #[arg(long)]
        archive: bool,
        /// The data is a backup, or lacks its last writes: ask the others what this node signed
        /// before it signs again.
        #[arg(long)]
        tail_lost: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Where a running node stands.
    Status,
}

#[derive(clap::Args)]
pub(crate) struct ConfigArgs {
    /// Where apps connect.
    #[arg(long, default_value = "127.0.0.1:9101")]
    api: SocketAddr,
    /// Where other nodes connect, as libp2p addresses.
    #[arg(long, default_values = ["/ip4/127.0.0.1/tcp/9102", "/ip4/127.0.0.1/udp/9102/quic-v1"])]
    listen: Vec<Multiaddr>,
    /// What others are told to dial, when it differs from where this node listens.
    #[arg(long)]
    announce: Vec<Multiaddr>,
    /// Accounts the node acts for; anybody who reaches its API when none is named.
    #[arg(long)]
    serve: Vec<Address>,
    /// Blocks kept below the last settled one; older ones are pruned.
    #[arg(long, default_value_t = default_keep())]
    keep_blocks: u64,
    /// Blocks behind the others' last final one beyond which the node takes a snapshot instead.
    #[arg(long, default_value_t = default_sync())]
    sync_blocks: u64,
    /// Keep every block.
    #[arg(long)]
    archive: bool,
}

fn default_keep() -> u64 {
    Keeping::default().blocks.unwrap_or_default()
}

fn default_sync() -> u64 {
    Keeping::default().sync_blocks
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        match self {
            Self::Init { folder, config, flags } => init(&folder, config, &flags, shared),
            Self::Run { folder, dev_ledger, archive, tail_lost, flags } => {
                let missing = format!("make it with `fairway node init {}`", folder.display());
                let path = folder.join(FILE);
                let config = load(Some(&path), &missing, shared, &flags, |layers| {
                    if archive {
                        layers.flag("--archive", "archive", "true");
                    }
                })?;
                run(&folder, config, dev_ledger.as_deref(), tail_lost, shared).await
            }
            Self::Status => {
                let status = shared.client().await?.status().await?;
                shared.output().show(&status, || describe(&status));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn init(
    folder: &Path,
    args: ConfigArgs,
    flags: &Flags,
    shared: &Shared,
) -> anyhow::Result<ExitCode> {
    let path = folder.join(FILE);
    if path.exists() {
        bail!("{} exists already: edit it, or choose another folder", path.display());
    }
    let config = Config {
        ledger: shared.ledger.clone(),
        api: args.api,
        listen: args.listen,
        announce: args.announce,
        accounts: args.serve,
        keep_blocks: args.keep_blocks,
        sync_blocks: args.sync_blocks,
        archive: args.archive,
        ..Config::default()
    };
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    write_new(&path, &config, flags)?;
    let key = key_file(&folder.join("node.key"))?;
    let value = json!({ "node": key.node_id(), "account": key.address(), "config": path });
    shared.output().show(&value, || format!("node {}\nconfig {}", key.node_id(), path.display()));
    Ok(ExitCode::SUCCESS)
}

async fn run(
    folder: &Path,
    config: Config,
    dev_ledger: Option<&Path>,
    tail_lost: bool,
    shared: &Shared,
) -> anyhow::Result<ExitCode> {
    fairway::local::end_with_parent();
    start_logging(&config.log)?;
    let ledger = match dev_ledger {
        Some(data) => {
            let chain = Chain {
                data: Some(data.to_owned()),
                listen: address(&config.ledger)?,
                id: 1,
                dev: true,
                root: None,
            };
            Some(ledger::Running::start(&chain, rpc::Access::default()).await?)
        }
        None => None,
    };
    let keeping = config.keeping();
    let keypair = existing_key(&folder.join("node.key"))?;
    let traces = Tracer::start(&config.traces, keypair.node_id())?;
    let node = Node::start(Settings {
        keypair,
        folder: folder.join("data"),
        chain: config.ledger,
        listen: config.listen,
        announce: config.announce,
        accounts: config.accounts,
        max_channels: config.max_channels,
        keeping,
        tail_lost,
        compiler: compiler()?,
        traces: traces.clone(),
        alters: None,
    })
    .await?;
    let server = Server::start_for(&node, config.api, config.access.for_node()).await?;
    let denials = Arc::clone(server.denials());
    let subject = NodeSubject { node: node.clone(), denials: Arc::clone(&denials) };
    let methods = || Ok(stream::methods(&node)?);
    let http = serve_operators(&config.http, &config.access, subject, (methods, denials)).await?;
    let url = format!("ws://{}", server.address);
    let ready = json!({
        "ready": "node",
        "url": url,
        "http": http.as_ref().map(url_of),
        "console": http.as_ref().and_then(|http| console_of(http, &config.http)),
        "node": node.id(),
        "endpoints": node.endpoints().iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    let mut stop = Stop::listen()?;
    shared.output().show(&ready, || format!("node {} at {url}", node.id()));
    stop.asked().await;
    let orderly = async {
        server.stop().await;
        node.stop().await;
        if let Some(ledger) = ledger {
            ledger.stop().await;
        }
        if let Some(traces) = traces {
            traces.stop().await;
        }
        if let Some(http) = http {
            http.stop().await;
        }
    };
    Ok(stop.end(orderly).await)
}

/// The socket address in a `ws://` URL.
fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let text = url.trim_start_matches("ws://").trim_end_matches('/');
    text.parse().with_context(|| format!("{url}: expected ws://ADDRESS:PORT for a ledger run here"))
}

fn describe(status: &NodeStatus) -> String {
    let mut lines = vec![
        format!("node      {}", status.node),
        format!("account   {}", status.account),
        format!("endpoints {}", status.endpoints.join(" ")),
        format!("peers     {} connected", status.connected_peers),
    ];
    let chain = status.chain_unreachable.as_ref();
    lines.push(
        chain.map_or("chain     reached".into(), |reason| {
            format!("chain     UNREACHABLE: {reason}")
        }),
    );
    lines.extend(status.channels.iter().map(describe_channel));
    lines.join("\n")
}
