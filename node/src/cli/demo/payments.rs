//! Payments as fast as four members send them, with live figures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use fairway_sdk::{Client, Member, json};
use fairway_types::{ChannelId, contract::NATIVE};
use futures::{StreamExt, stream};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// Payments of one member under way at a time.
const WINDOW: usize = 128;

/// What a rush of payments showed.
pub(super) struct Rush {
    pub(super) calls: u64,
    pub(super) per_second: f64,
    pub(super) latencies: Histogram<u64>,
}

/// Every member pays the next one `count` times, one unit each: the sum stays what it was.
pub(super) async fn rush(
    members: &[Member],
    clients: &[Client],
    count: u32,
) -> anyhow::Result<Rush> {
    let done = Arc::new(AtomicU64::new(0));
    let total = u64::from(count) * members.len() as u64;
    let channel = members.first().map(|member| member.channel().id());
    let progress = tokio::spawn(show(clients.to_vec(), channel, Arc::clone(&done), total));
    let begun = Instant::now();
    let senders = members.iter().enumerate().map(|(index, member)| {
        let to = members[(index + 1) % members.len()].address();
        pay(member.clone(), to.to_string(), count, Arc::clone(&done))
    });
    let results = futures::future::join_all(senders).await;
    let seconds = begun.elapsed().as_secs_f64();
    progress.abort();
    let mut latencies = Histogram::new(3)?;
    for result in results {
        latencies.add(result?)?;
    }
    Ok(Rush { calls: total, per_second: total as f64 / seconds, latencies })
}

async fn pay(
    member: Member,
    to: String,
    count: u32,
    done: Arc<AtomicU64>,
) -> anyhow::Result<Histogram<u64>> {
    let args: [Value; 4] = [json!(to), json!(NATIVE), json!(1), json!("")];
    let mut latencies: Histogram<u64> = Histogram::new(3)?;
    let mut results = stream::iter(0..count)
        .map(|_| async {
            let begun = Instant::now();
            member.call("0x44::payments::pay", &args).await.map(|_| begun.elapsed())
        })
        .buffer_unordered(WINDOW);
    while let Some(result) = results.next().await {
        latencies.record(u64::try_from(result?.as_micros())?)?;
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(latencies)
}

/// A line that says where each node stands while the payments run.
async fn show(clients: Vec<Client>, channel: Option<ChannelId>, done: Arc<AtomicU64>, total: u64) {
    let bar = ProgressBar::new(total);
    let style = "payments {bar:24} {pos}/{len} {per_sec}  {msg}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        bar.set_position(done.load(Ordering::Relaxed));
        let statuses = futures::future::join_all(clients.iter().map(Client::status)).await;
        let heights: Vec<String> = statuses
            .into_iter()
            .flatten()
            .flat_map(|status| status.channels)
            .filter(|status| Some(status.channel) == channel)
            .map(|status| format!("{}/{}", status.certified, status.head))
            .collect();
        bar.set_message(format!("certified/head of each node: {}", heights.join(" ")));
    }
}
