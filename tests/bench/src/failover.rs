//! How long calls stand still when the leader's process is killed under load.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use fairway::local::LocalNetwork;
use fairway_sdk::{ChannelId, Durability, Height, Member};

use crate::{calls::pay, late_join, network::Site, report::Report};

const NODES: usize = 4;
/// Calls before a fifth node joins.
const HISTORY: usize = 2_000;

const ROUNDS: usize = 3;
const LOAD: Duration = Duration::from_secs(1);
/// The nodes' default `leader_timeout`, milliseconds.
const LEADER_TIMEOUT: f64 = 1_000.0;

/// A fifth node joins a channel of four, then leaders are killed.
pub(crate) async fn rows(report: &mut Report, program: &Path) -> anyhow::Result<()> {
    let mut site = Site::start(program, NODES + 1).await?;
    let payments = site.payments().await?;
    let seats = site.open(payments, Durability::Synced, NODES).await?;
    for _ in 0..HISTORY {
        pay(&seats.members[0], &seats.members[1]).await?;
    }
    late_join::measure(report, &site.network, &site.keys[NODES], seats.id).await?;
    measure(report, &mut site.network, seats.id, &seats.members).await?;
    site.stop().await;
    Ok(())
}

async fn measure(
    report: &mut Report,
    network: &mut LocalNetwork,
    channel: ChannelId,
    members: &[Member],
) -> anyhow::Result<()> {
    let mut gaps = Vec::new();
    for _ in 0..ROUNDS {
        let leader = leader(network, channel).await?;
        keep_address(network, leader).await?;
        // Clients of a node that was restarted would need its new address: these two stay.
        let payer = &members[(leader + 1) % members.len()];
        gaps.push(gap(network, leader, payer, &members[leader]).await?);
        network.start_node(leader).await?;
        caught_up(network, channel).await?;
    }
    gaps.sort_by(f64::total_cmp);
    let median = gaps[gaps.len() / 2];
    let setup = format!(
        "longest time without a certified call around a kill -9 of the leader, one caller at a \
         follower's node, median of {ROUNDS}: {gaps:.0?} ms"
    );
    report.add("failover_ms", median, "ms", Some(2.0 * LEADER_TIMEOUT), setup);
    let setup = "the same in leader timeouts of 1 s";
    report.add("failover_timeouts", median / LEADER_TIMEOUT, "", Some(2.0), setup);
    Ok(())
}

/// Milliseconds of the longest pause from the kill on.
async fn gap(
    network: &mut LocalNetwork,
    leader: usize,
    payer: &Member,
    to: &Member,
) -> anyhow::Result<f64> {
    let stop = Arc::new(AtomicBool::new(false));
    let calls = tokio::spawn(calls_until(payer.clone(), to.clone(), Arc::clone(&stop)));
    tokio::time::sleep(LOAD).await;
    let killed = Instant::now();
    network.kill_node(leader).await;
    tokio::time::sleep(3 * LOAD).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = vec![killed];
    times.extend(calls.await??.into_iter().filter(|at| *at > killed));
    let pauses = times.windows(2).map(|pair| pair[1] - pair[0]);
    let longest = pauses.max().context("no call was certified after the kill")?;
    Ok(longest.as_secs_f64() * 1_000.0)
}

async fn calls_until(
    payer: Member,
    to: Member,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Instant>> {
    let mut certified = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        pay(&payer, &to).await?;
        certified.push(Instant::now());
    }
    Ok(certified)
}

async fn leader(network: &LocalNetwork, channel: ChannelId) -> anyhow::Result<usize> {
    for index in 0..network.nodes.len() {
        let status = network.client(index).await?.status().await?;
        let mut channels = status.channels.iter();
        if channels.any(|it| it.channel == channel && it.leader == Some(status.node)) {
            return Ok(index);
        }
    }
    anyhow::bail!("no node leads the channel")
}

/// Has the node come back where it was, as an operator's does: two that come back at new addresses don't
/// find each other before the chain has heard of them.
async fn keep_address(network: &LocalNetwork, index: usize) -> anyhow::Result<()> {
    let endpoints = network.client(index).await?.status().await?.endpoints;
    let path = network.nodes[index].folder.join("node.toml");
    let text = fs::read_to_string(&path)?;
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("listen")).collect();
    fs::write(&path, format!("listen = {endpoints:?}\n{}\n", kept.join("\n")))?;
    Ok(())
}

/// Waits until every node has certified what the furthest has.
async fn caught_up(network: &LocalNetwork, channel: ChannelId) -> anyhow::Result<()> {
    loop {
        let mut heights = Vec::new();
        for index in 0..network.nodes.len() {
            let status = network.client(index).await?.info(channel).await?.status;
            heights.push(status.map_or(Height::ZERO, |status| status.certified));
        }
        if heights.iter().min() == heights.iter().max() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
