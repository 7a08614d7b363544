//! One node in many channels: what idle ones take, and whether a thousand are served.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use fairway_sdk::{Client, Keypair, Member};
use fairway_types::Hash;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use crate::{
    calls::pay,
    machine,
    network::{Site, config},
    report::Report,
};

const NODES: usize = 2;
const IDLE: usize = 100;
const MANY: usize = 1_000;
/// Channels opened at a time, each by accounts of its own: a transaction waits for the one before.
const AT_ONCE: usize = 8;
const SETTLE: Duration = Duration::from_secs(5);
/// Beyond it no further channels are opened, and none is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn measure(
    report: &mut Report,
    program: &Path,
    quick: bool,
) -> anyhow::Result<()> {
    let mut site = Site::start(program, NODES).await?;
    more_channels(&mut site).await?;
    let package = site.payments().await?;
    let clients = [site.network.client(0).await?, site.network.client(1).await?];
    let node = site.processes()[0];
    let empty = machine::memory_mb(node, "VmRSS").unwrap_or_default();
    let mut members = open(&site, &clients, package, 0..IDLE).await?;
    served(&members).await;
    tokio::time::sleep(SETTLE).await;
    let before = machine::Cpu::of(node);
    tokio::time::sleep(SETTLE).await;
    let cpu = machine::Cpu::of(node).since(&before).seconds() / SETTLE.as_secs_f64();
    if let Some(rss) = machine::memory_mb(node, "VmRSS") {
        let setup = format!(
            "resident memory of a node in {IDLE} idle channels of 2 members; {empty:.0} MB without any"
        );
        report.add("idle_100_channels_mb", rss, "MB", Some(150.0), setup);
    }
    let setup = format!("of a core, by a node in {IDLE} idle channels");
    report.add("idle_100_channels_cpu", cpu, "", None, setup);
    if quick {
        report.absent("channels_1000", "left out of a quick run");
    } else {
        let begun = Instant::now();
        members.extend(open(&site, &clients, package, IDLE..MANY).await?);
        thousand(report, &members, node, begun.elapsed()).await?;
    }
    site.stop().await;
    Ok(())
}

/// How many of a thousand channels certify a call each.
async fn thousand(
    report: &mut Report,
    members: &[[Member; NODES]],
    node: u32,
    opening: Duration,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let served = served(members).await;
    let seconds = begun.elapsed().as_secs_f64();
    let before = machine::Cpu::of(node);
    tokio::time::sleep(SETTLE).await;
    let idle = machine::Cpu::of(node).since(&before).seconds() / SETTLE.as_secs_f64();
    let rss = machine::memory_mb(node, "VmRSS");
    let setup = format!(
        "channels of {} opened in {:.0} s in which a call was certified, a call each in {seconds:.1} \
         s; the node then has {:.0} MB and takes {idle:.2} of a core when idle",
        members.len(),
        opening.as_secs_f64(),
        rss.unwrap_or_default()
    );
    report.add("channels_1000", served as f64, "", Some(MANY as f64), setup);
    report.series(
        "many_channels",
        vec![json!({ "channels": members.len(), "served": served, "rss_mb": rss, "idle_cores": idle })],
    );
    Ok(())
}

/// A node runs 256 channels unless its configuration allows more.
async fn more_channels(site: &mut Site) -> anyhow::Result<()> {
    for index in 0..NODES {
        let node = &mut site.network.nodes[index];
        if let Some(mut process) = node.process.take() {
            process.stop().await;
        }
        let path = node.folder.join("node.toml");
        let text = fs::read_to_string(&path)?;
        let lines = text.lines().filter(|line| !line.starts_with("max_channels"));
        let kept: Vec<&str> = lines.collect();
        fs::write(&path, format!("max_channels = {}\n{}\n", 2 * MANY, kept.join("\n")))?;
        site.network.start_node(index).await?;
    }
    Ok(())
}

/// Channels of two members, one on each node; fewer when patience ends.
async fn open(
    site: &Site,
    clients: &[Client; NODES],
    package: Hash,
    numbers: std::ops::Range<usize>,
) -> anyhow::Result<Vec<[Member; NODES]>> {
    let begun = Instant::now();
    let share = numbers.len().div_ceil(AT_ONCE);
    let numbers: Vec<usize> = numbers.collect();
    let lanes = numbers.chunks(share).map(|numbers| async move {
        let key = |side: u8| {
            let mut seed = [side; 32];
            seed[..8].copy_from_slice(&(numbers[0] as u64).to_be_bytes());
            Keypair::from_seed(&seed)
        };
        let keys = [key(101), key(102)];
        for key in &keys {
            site.ledger.faucet(key.address(), 1_000_000_000).await?;
        }
        let mut members = Vec::new();
        for _ in numbers {
            if begun.elapsed() > PATIENCE {
                break;
            }
            members.push(channel(site, clients, package, &keys).await?);
        }
        anyhow::Ok(members)
    });
    let opened: Vec<Vec<_>> = stream::iter(lanes).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(opened.into_iter().flatten().collect())
}

async fn channel(
    site: &Site,
    clients: &[Client; NODES],
    package: Hash,
    keys: &[Keypair; NODES],
) -> anyhow::Result<[Member; NODES]> {
    let config = config(keys, fairway_sdk::Durability::Synced);
    let id = site.ledger.create_channel(&keys[0], package, &config).await?;
    for (client, key) in clients.iter().zip(keys) {
        client.join(key, id, 1_000).await?;
    }
    let [one, other] = keys.clone();
    Ok([clients[0].channel(id).await?.member(one), clients[1].channel(id).await?.member(other)])
}

/// How many channels certify a call in time, all asked at once.
async fn served(members: &[[Member; NODES]]) -> usize {
    let calls = members.iter().map(|[from, to]| async move {
        let call = async {
            // A member that joined is not in the log at once.
            while pay(from, to).await.is_err() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::time::timeout(PATIENCE, call).await.is_ok()
    });
    let served: Vec<bool> = stream::iter(calls).buffer_unordered(MANY).collect().await;
    served.into_iter().filter(|served| *served).count()
}
