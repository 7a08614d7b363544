//! Four node processes and a ledger on loopback: latency of a certified call on an idle channel, and
//! certified calls a second with every signature checked by everybody.

use std::{path::Path, time::Instant};

use fairway::local::LocalNetwork;
use fairway_sandbox::read_package;
use fairway_sdk::{
    ChannelConfig, ChannelId, Durability, GasTableId, JoinPolicy, Keypair, Ledger, Member,
    MoneyRules, json,
};
use fairway_types::contract::NATIVE;
use futures::{StreamExt, stream};
use hdrhistogram::Histogram;

use crate::{failover, late_join, report::Report};

const NODES: usize = 4;
const LATENCY_CALLS: u32 = 1_000;
const WINDOW: usize = 256;

pub(crate) async fn measure(
    report: &mut Report,
    program: &Path,
    payments: u32,
    fdatasync: f64,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut network = LocalNetwork::start(program, folder.path(), NODES + 1).await?;
    let ledger = Ledger::connect(network.ledger_url()).await?;
    let keys = accounts(&ledger).await?;
    let replicated = open(&network, &ledger, &keys, Durability::Replicated).await?;
    replicated_latency(report, &replicated).await?;
    let members = open(&network, &ledger, &keys, Durability::Synced).await?;
    latency(report, &members, fdatasync).await?;
    throughput(report, &members, payments).await?;
    memory(report, &network);
    let channel = members[0].channel().id();
    late_join::measure(report, &network, &keys[NODES], channel).await?;
    failover::measure(report, &mut network, channel, &members).await?;
    network.stop().await;
    Ok(())
}

/// Accounts with money: the members', and one who joins later.
async fn accounts(ledger: &Ledger) -> anyhow::Result<Vec<Keypair>> {
    let keys: Vec<Keypair> = (1..=5u8).map(|seed| Keypair::from_seed(&[seed; 32])).collect();
    for key in &keys {
        ledger.faucet(key.address(), 10_000_000).await?;
    }
    Ok(keys)
}

async fn open(
    network: &LocalNetwork,
    ledger: &Ledger,
    keys: &[Keypair],
    durability: Durability,
) -> anyhow::Result<Vec<Member>> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/examples");
    let package = read_package(&examples.join("payments"))?;
    let package = ledger.store_package(&keys[0], package).await?;
    let mut invited: Vec<_> = keys.iter().map(Keypair::address).collect();
    invited.sort();
    let config = ChannelConfig {
        tick_interval: 0,
        settlement_interval: 0,
        durability,
        join_policy: JoinPolicy::Invited,
        invited,
        asset: NATIVE,
        min_deposit: 1,
        max_members: 16,
        gas_table: GasTableId::MEASURED,
        money: MoneyRules::default(),
    };
    let channel = ledger.create_channel(&keys[0], package, &config).await?;
    let mut members = Vec::new();
    for (index, key) in keys.iter().take(NODES).enumerate() {
        let client = network.client(index).await?;
        client.join(key, channel, 1_000_000).await?;
        members.push(client.channel(channel).await?.member(key.clone()));
    }
    wait_for_members(network, channel).await?;
    Ok(members)
}

async fn wait_for_members(network: &LocalNetwork, channel: ChannelId) -> anyhow::Result<()> {
    for index in 0..NODES {
        let client = network.client(index).await?;
        loop {
            let status = client.info(channel).await?.status;
            let joined = |status: &fairway_sdk::api::channel::ChannelStatus| {
                status.members.len() == NODES && status.term.epoch.0 >= 2
            };
            if status.as_ref().is_some_and(joined) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

pub(crate) async fn pay(from: &Member, to: &Member) -> anyhow::Result<()> {
    let args = [json!(to.address().to_string()), json!(NATIVE), json!(1), json!("")];
    from.call("0x44::payments::pay", &args).await?;
    Ok(())
}

/// The times of calls one by one from an app at one member's node, microseconds.
async fn one_by_one(from: &Member, to: &Member) -> anyhow::Result<Histogram<u64>> {
    let mut times: Histogram<u64> = Histogram::new(3)?;
    for _ in 0..LATENCY_CALLS {
        let begun = Instant::now();
        pay(from, to).await?;
        times.record(u64::try_from(begun.elapsed().as_micros())?)?;
    }
    Ok(times)
}

/// The same without the disk in the way of signatures.
async fn replicated_latency(report: &mut Report, members: &[Member]) -> anyhow::Result<()> {
    let times = one_by_one(&members[0], &members[2]).await?;
    let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
    let setup = "1000 calls one by one, app at the leader's node, 4 nodes, WebSocket included";
    report.add("certified_p50_ms_replicated", at(0.5), "ms", Some(0.5), setup);
    report.add("certified_p99_ms_replicated", at(0.99), "ms", Some(2.0), setup);
    Ok(())
}

/// One call at a time on an idle channel, from an app at the leader's node and at a follower's.
async fn latency(report: &mut Report, members: &[Member], fdatasync: f64) -> anyhow::Result<()> {
    let rows = [
        (0, "certified_p50_ms_synced", "certified_p99_ms_synced", "at the leader's node"),
        (
            1,
            "certified_follower_p50_ms_synced",
            "certified_follower_p99_ms_synced",
            "at a follower's",
        ),
    ];
    for (caller, p50, p99, place) in rows {
        let times = one_by_one(&members[caller], &members[2]).await?;
        let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        let setup = format!("1000 calls one by one, app {place}, 4 nodes, WebSocket included");
        report.add(p50, at(0.5), "ms", Some(3.0 * fdatasync + 0.5), setup.clone());
        report.add(p99, at(0.99), "ms", None, setup);
        if caller == 0 {
            let setup = "p50 over the run's fdatasync";
            report.add("synced_over_fdatasync_ratio", at(0.5) / fdatasync, "", Some(3.0), setup);
        }
    }
    Ok(())
}

async fn throughput(report: &mut Report, members: &[Member], payments: u32) -> anyhow::Result<()> {
    let begun = Instant::now();
    let senders = members.iter().enumerate().map(|(index, member)| async move {
        let to = &members[(index + 1) % members.len()];
        let mut sent = stream::iter(0..payments).map(|_| pay(member, to)).buffer_unordered(WINDOW);
        while let Some(result) = sent.next().await {
            result?;
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(senders).await?;
    let total = f64::from(payments) * members.len() as f64;
    let setup = format!(
        "{total} payments by 4 members, {WINDOW} under way each, JSON over WebSocket, clients on \
         the same {} cores",
        std::thread::available_parallelism().map_or(0, usize::from)
    );
    let rate = total / begun.elapsed().as_secs_f64();
    report.add("certified_per_s_all_checked", rate, "1/s", Some(20_000.0), setup);
    Ok(())
}

/// Resident memory of the leader's node after the run.
fn memory(report: &mut Report, network: &LocalNetwork) {
    let process = network.nodes.first().and_then(|node| node.process.as_ref());
    let Some(id) = process.and_then(fairway::local::Process::id) else { return };
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
    if let Some(kib) = kib {
        let setup = "the leader's process after the payments above";
        report.add("node_rss_mb", kib / 1_024.0, "MB", None, setup);
    }
}
