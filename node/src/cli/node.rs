//! `fairway node init|run|status`.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use fairway::{Keeping, Node, Settings, stream::Server};
use fairway_sdk::api::channel::{ChannelStatus, NodeStatus};
use fairway_types::{Address, Height};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing_subscriber::{EnvFilter, fmt};

use super::{
    Shared, compiler,
    keys::{existing_key, key_file},
    ledger,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a node's folder: its key and its configuration.
    Init {
        folder: PathBuf,
        #[command(flatten)]
        config: ConfigArgs,
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
    listen: Vec<String>,
    /// What others are told to dial, when it differs from where this node listens.
    #[arg(long)]
    announce: Vec<String>,
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

/// `node.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The settlement chain.
    ledger: String,
    api: SocketAddr,
    listen: Vec<String>,
    #[serde(default)]
    announce: Vec<String>,
    /// Accounts this node acts for; anybody who reaches its API when empty.
    #[serde(default)]
    accounts: Vec<Address>,
    #[serde(default = "default_channels")]
    max_channels: usize,
    /// Blocks kept below the last settled one.
    #[serde(default = "default_keep")]
    keep_blocks: u64,
    /// Blocks behind beyond which a snapshot is taken instead.
    #[serde(default = "default_sync")]
    sync_blocks: u64,
    /// Whether every block is kept.
    #[serde(default)]
    archive: bool,
}

fn default_keep() -> u64 {
    Keeping::default().blocks.unwrap_or_default()
}

fn default_sync() -> u64 {
    Keeping::default().sync_blocks
}

const fn default_channels() -> usize {
    256
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        match self {
            Self::Init { folder, config } => init(&folder, config, shared),
            Self::Run { folder, dev_ledger, archive, tail_lost } => {
                let how = How { archive, tail_lost };
                run(&folder, dev_ledger.as_deref(), how, shared).await
            }
            Self::Status => {
                let status = shared.client().await?.status().await?;
                shared.output().show(&status, || describe(&status));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn init(folder: &Path, args: ConfigArgs, shared: &Shared) -> anyhow::Result<ExitCode> {
    let path = folder.join("node.toml");
    if path.exists() {
        bail!("{} exists already: edit it, or choose another folder", path.display());
    }
    let config = Config {
        ledger: shared.ledger.clone(),
        api: args.api,
        listen: args.listen,
        announce: args.announce,
        accounts: args.serve,
        max_channels: default_channels(),
        keep_blocks: args.keep_blocks,
        sync_blocks: args.sync_blocks,
        archive: args.archive,
    };
    check(&config)?;
    let key = key_file(&folder.join("node.key"))?;
    fs::write(&path, toml::to_string_pretty(&config)?)?;
    let value = json!({ "node": key.node_id(), "account": key.address(), "config": path });
    shared.output().show(&value, || format!("node {}\nconfig {}", key.node_id(), path.display()));
    Ok(ExitCode::SUCCESS)
}

fn check(config: &Config) -> anyhow::Result<(Vec<libp2p::Multiaddr>, Vec<libp2p::Multiaddr>)> {
    let parse = |texts: &[String]| {
        texts
            .iter()
            .map(|text| text.parse().with_context(|| format!("{text:?} is no libp2p address")))
            .collect::<anyhow::Result<Vec<_>>>()
    };
    if config.listen.is_empty() {
        bail!("`listen` is empty: no other node could reach this one");
    }
    let everywhere = |text: &String| text.contains("/0.0.0.0/") || text.contains("/::/");
    if config.announce.is_empty() && config.listen.iter().any(everywhere) {
        bail!(
            "`listen` names every interface ({}): say in `announce` what others are to dial",
            config.listen.join(", ")
        );
    }
    Ok((parse(&config.listen)?, parse(&config.announce)?))
}

/// What the command line says of a run.
struct How {
    archive: bool,
    tail_lost: bool,
}

async fn run(
    folder: &Path,
    dev_ledger: Option<&Path>,
    how: How,
    shared: &Shared,
) -> anyhow::Result<ExitCode> {
    fairway::local::end_with_parent();
    start_logging(shared.json);
    let path = folder.join("node.toml");
    let text = fs::read_to_string(&path).with_context(|| {
        format!("{}: make it with `fairway node init {}`", path.display(), folder.display())
    })?;
    let config: Config =
        toml::from_str(&text).with_context(|| format!("{} is no configuration", path.display()))?;
    let (listen, announce) = check(&config)?;
    let ledger = match dev_ledger {
        Some(data) => {
            Some(ledger::Running::start(data, address(&config.ledger)?, 1, true, None).await?)
        }
        None => None,
    };
    let node = Node::start(Settings {
        keypair: existing_key(&folder.join("node.key"))?,
        folder: folder.join("data"),
        chain: config.ledger.clone(),
        listen,
        announce,
        accounts: config.accounts,
        max_channels: config.max_channels,
        keeping: if how.archive || config.archive {
            Keeping::archive()
        } else {
            Keeping { blocks: Some(config.keep_blocks), sync_blocks: config.sync_blocks }
        },
        tail_lost: how.tail_lost,
        compiler: compiler()?,
        alters: None,
    })
    .await?;
    let server = Server::start(&node, config.api).await?;
    let url = format!("ws://{}", server.address);
    let ready = json!({
        "ready": "node",
        "url": url,
        "node": node.id(),
        "endpoints": node.endpoints().iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    shared.output().show(&ready, || format!("node {} at {url}", node.id()));
    stop_signal().await.context("waiting for a signal")?;
    server.stop().await;
    node.stop().await;
    if let Some(ledger) = ledger {
        ledger.stop().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// The socket address in a `ws://` URL.
fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let text = url.trim_start_matches("ws://").trim_end_matches('/');
    text.parse().with_context(|| format!("{url}: expected ws://ADDRESS:PORT for a ledger run here"))
}

/// Logs go to standard error; `RUST_LOG` chooses what.
pub(crate) fn start_logging(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let log = log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    if json {
        log.json().init();
    } else {
        log.init();
    }
}

/// Returns when the process is asked to end: Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
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

/// One channel's standing in a few lines.
pub(crate) fn describe_channel(status: &ChannelStatus) -> String {
    let mut text = format!(
        "channel   {}\n  {:?} in term {}, head {}, certified {}, final {}, settled {} ({} settlements), \
         {} members, {} queued{}",
        status.channel,
        status.role,
        status.term,
        status.head,
        status.certified,
        status.finalised,
        status.settled,
        status.settlements,
        status.members.len(),
        status.queued,
        if status.closed { ", closed" } else { "" },
    );
    if status.tail_lost {
        text.push_str("\n  lost its last writes: signs nothing until enough other members answer");
    }
    if let Some(to) = &status.catching_up {
        text.push_str(&format!(
            "\n  takes a snapshot at height {}: {} of {} parts, {} of {} entries, {} kB, from {} peers",
            to.height,
            to.parts,
            to.parts_known,
            to.entries,
            to.of_entries,
            to.bytes / 1_000,
            to.sources.len(),
        ));
    }
    if status.pruned > Height::ZERO {
        text.push_str(&format!("\n  blocks up to {} are pruned", status.pruned));
    }
    let notes = [
        ("chain unreachable", &status.chain_unreachable),
        ("nothing is certified", &status.lacking_quorum),
        ("can't store, signing nothing", &status.storage),
        ("last settlement failed", &status.settlement_error),
    ];
    for (what, note) in notes {
        if let Some(reason) = note {
            text.push_str(&format!("\n  {what}: {reason}"));
        }
    }
    text
}
