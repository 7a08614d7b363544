//! A node that lies on cue: `fairway-byzantine LIE FAIRWAY --json node run FOLDER`, where `FAIRWAY` is
//! the honest program. It is honest until the file `FOLDER/lie` exists, and from then on
//!
//! - `root`: as leader it signs blocks whose state root is not the one that they give;
//! - `twins`: as leader it signs two blocks at each place, and shows both;
//! - `deaf`: as leader it keeps its blocks to itself, so that calls are left undone;
//! - `acks`: as follower it acks two blocks at each place.

#![allow(clippy::wildcard_enum_match_arm, reason = "it lies about few of the messages")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use fairway::{Keeping, Node, Settings, driver::Alters, stream::Server};
use fairway_proto::Message;
use fairway_sandbox::compiler::BoundedCompiler;
use fairway_types::{Block, Hash, Header, Keypair, NodeId, SignedAck};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    Root,
    Twins,
    Deaf,
    Acks,
}

struct Liar {
    lie: Lie,
    key: Keypair,
    /// It lies once this exists.
    cue: PathBuf,
}

impl Alters for Liar {
    fn altered(&self, _: NodeId, frame: &Arc<[u8]>) -> Vec<Arc<[u8]>> {
        let honest = || Arc::clone(frame);
        let message = if self.cue.exists() { Message::decode(frame).ok() } else { None };
        let Some(message) = message else { return vec![honest()] };
        let bytes = |message: Message| -> Arc<[u8]> { message.encode().into() };
        if let Message::Block(block) = &message {
            return match self.lie {
                Lie::Root => vec![bytes(self.other_block(block, |header| {
                    header.state_root = Hash([0x1e; 32]);
                }))],
                Lie::Twins => {
                    let twin = |header: &mut Header| header.time = header.time.plus(1);
                    vec![honest(), bytes(self.other_block(block, twin))]
                }
                Lie::Deaf => Vec::new(),
                Lie::Acks => vec![honest()],
            };
        }
        match (self.lie, message) {
            (Lie::Acks, Message::Ack(ack)) => {
                vec![honest(), bytes(Message::Ack(self.other_ack(ack)))]
            }
            _ => vec![honest()],
        }
    }
}

impl Liar {
    fn other_block(&self, block: &Block, change: impl FnOnce(&mut Header)) -> Message {
        let mut other = block.clone();
        change(&mut other.header);
        other.signature = self.key.sign(&other.header);
        Message::Block(Arc::new(other))
    }

    fn other_ack(&self, honest: SignedAck) -> SignedAck {
        let mut ack = honest.ack;
        ack.block = Hash([0x1e; 32]);
        SignedAck { ack, node: self.key.node_id(), signature: self.key.sign(&ack) }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(lie), Some(honest), Some(folder)) = (args.first(), args.get(1), args.last()) else {
        bail!("usage: fairway-byzantine root|twins|deaf|acks FAIRWAY --json node run FOLDER");
    };
    let lie = match lie.as_str() {
        "root" => Lie::Root,
        "twins" => Lie::Twins,
        "deaf" => Lie::Deaf,
        "acks" => Lie::Acks,
        other => bail!("{other:?} is no lie: root, twins, deaf or acks"),
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).json().init();
    run(lie, Path::new(honest), Path::new(folder)).await
}

async fn run(lie: Lie, honest: &Path, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("node.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let config: toml::Table = text.parse()?;
    let seed = std::fs::read_to_string(folder.join("node.key"))?;
    let key = Keypair::from_seed(&seed_of(seed.trim()).context("node.key holds no key")?);
    let listen =
        texts(&config, "listen").iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let node = Node::start(Settings {
        keypair: key.clone(),
        folder: folder.join("data"),
        chain: text_of(&config, "ledger")?,
        listen,
        announce: Vec::new(),
        accounts: Vec::new(),
        max_channels: 16,
        keeping: Keeping::default(),
        tail_lost: false,
        compiler: BoundedCompiler::new(honest.to_owned(), vec!["sandbox-compile".into()]),
        alters: Some(Arc::new(Liar { lie, key, cue: folder.join("lie") })),
    })
    .await?;
    let server = Server::start(&node, text_of(&config, "api")?.parse()?).await?;
    let url = format!("ws://{}", server.address);
    let ready = serde_json::json!({ "ready": "node", "url": url, "node": node.id() });
    print_line(&ready.to_string())?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    terminate.recv().await;
    server.stop().await;
    node.stop().await;
    Ok(())
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

fn seed_of(hex: &str) -> Option<[u8; 32]> {
    let digit = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(digit).collect();
    bytes?.try_into().ok()
}
