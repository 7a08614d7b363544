//! A node that lies on cue: `fairway-byzantine LIE FAIRWAY --json node run FOLDER`, where `FAIRWAY` is
//! the honest program. It is honest until the file `FOLDER/lie` exists, and from then on
//!
//! - `root`: as leader it signs blocks whose state root is not the one that they give;
//! - `effects`: as leader it signs blocks whose effects are not the ones that they give;
//! - `twins`: as leader it signs two blocks at each place, and shows both;
//! - `deaf`: as leader it keeps its blocks to itself, so that calls are left undone;
//! - `acks`: as follower it acks two blocks at each place;
//! - `votes`: it votes both yes and no about every settlement;
//! - `heartbeats`: it says that it has more blocks than there are, all certified;
//! - `slander`: it accuses the leader of an honest block, and writes the evidence's hash to
//!   `FOLDER/slander`.

#![allow(clippy::wildcard_enum_match_arm, reason = "it lies about few of the messages")]

mod lies;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context, bail};
use fairway::{Keeping, Node, Settings, driver::ChannelHandle, stream::Server};
use fairway_sandbox::compiler::BoundedCompiler;
use fairway_types::{
    Hash, Height, Keypair, NodeId,
    evidence::{Disputed, Evidence, Parent},
};

use crate::lies::{Liar, Lie};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(lie), Some(honest), Some(folder)) = (args.first(), args.get(1), args.last()) else {
        bail!("usage: fairway-byzantine LIE FAIRWAY --json node run FOLDER");
    };
    fairway::local::end_with_parent();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).json().init();
    run(lie.parse()?, Path::new(honest), Path::new(folder)).await
}

async fn run(lie: Lie, honest: &Path, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("node.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let config: toml::Table = text.parse()?;
    let seed = std::fs::read_to_string(folder.join("node.key"))?;
    let seed: Option<[u8; 32]> = hex::decode(seed.trim())?.try_into().ok();
    let key = Keypair::from_seed(&seed.context("node.key holds no key")?);
    let listen =
        texts(&config, "listen").iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let slander = Arc::new(OnceLock::new());
    let liar =
        Liar { lie, key: key.clone(), cue: folder.join("lie"), slander: Arc::clone(&slander) };
    let node = Node::start(Settings {
        keypair: key,
        folder: folder.join("data"),
        chain: text_of(&config, "ledger")?,
        listen,
        announce: Vec::new(),
        accounts: Vec::new(),
        max_channels: 16,
        keeping: Keeping::default(),
        tail_lost: false,
        compiler: BoundedCompiler::new(honest.to_owned(), vec!["sandbox-compile".into()]),
        traces: None,
        alters: Some(Arc::new(liar)),
    })
    .await?;
    let server = Server::start(&node, text_of(&config, "api")?.parse()?).await?;
    let url = format!("ws://{}", server.address);
    // Before it says that it is ready, so that who asks it to end at once asks it in order.
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let ready = serde_json::json!({ "ready": "node", "url": url, "node": node.id() });
    print_line(&ready.to_string())?;
    tokio::select! {
        _ = terminate.recv() => {}
        made = make_up(&node, folder, &slander), if lie == Lie::Slander => made?,
    }
    server.stop().await;
    node.stop().await;
    Ok(())
}

/// Waits for the cue, then accuses the leader of the last certified block with calls; never returns
/// after that.
async fn make_up(node: &Node, folder: &Path, slander: &OnceLock<Evidence>) -> anyhow::Result<()> {
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let channels = node.channels();
        let Some(channel) = channels.first().filter(|_| folder.join("lie").exists()) else {
            continue;
        };
        if let Some(evidence) = invented(channel, node.id())? {
            std::fs::write(folder.join("slander"), evidence.hash().to_string())?;
            let _ = slander.set(evidence);
            return std::future::pending().await;
        }
    }
}

fn invented(channel: &ChannelHandle, reporter: NodeId) -> anyhow::Result<Option<Evidence>> {
    let view = channel.view();
    let Some(facts) = view.record.as_ref().map(|record| record.facts()) else { return Ok(None) };
    let height = view.status.certified;
    let below = channel.store.block(Height(height.0.saturating_sub(1)))?;
    let (Some(block), Some(below)) = (channel.store.block(height)?, below) else { return Ok(None) };
    let block = Disputed {
        facts,
        parent: Parent::Block(Box::new(below.block.header.clone())),
        block: block.block.signed_header(),
        transactions: block.block.transactions.clone(),
        witness: None,
    };
    let root = Hash([0x1e; 32]);
    Ok(Some(Evidence::Divergence {
        reporter,
        block: Box::new(block),
        effects: Vec::new(),
        effects_root: root,
        state_root: root,
    }))
}

fn print_line(line: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

fn text_of(config: &toml::Table, key: &str) -> anyhow::Result<String> {
    let value = config.get(key).and_then(toml::Value::as_str);
    value.map(str::to_owned).with_context(|| format!("node.toml lacks {key}"))
}

fn texts(config: &toml::Table, key: &str) -> Vec<String> {
    let values = config.get(key).and_then(toml::Value::as_array).into_iter().flatten();
    values.filter_map(toml::Value::as_str).map(str::to_owned).collect()
}
