//! What one bad participant costs the others: a follower that is slow, subscribers to everything.

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use fairway_sdk::Durability;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::task::block_in_place;

use crate::{
    load::{self, Pace, Socket, Span, text_frame},
    network::{Seats, Site},
    report::Report,
    under_load::MOST_PER_S,
};

const NODES: usize = 4;
/// Who sends: the fourth member's node is the slow one.
const SENDERS: usize = 3;
const WINDOW: usize = 256;
const ROUNDS: usize = 2;
const SECONDS: u64 = 4;
/// A slow follower runs for so long, and stands still for so long.
const RUNS: Duration = Duration::from_millis(5);
const STANDS: Duration = Duration::from_millis(45);

pub(crate) async fn measure(
    report: &mut Report,
    program: &Path,
    quick: bool,
) -> anyhow::Result<()> {
    let site = Site::start(program, NODES).await?;
    let seats = site.open(site.payments().await?, Durability::Synced, NODES).await?;
    let span = Span::seconds(if quick { 2 } else { SECONDS });
    let (mut plain, mut slow, mut read, mut unread) = (0.0, 0.0, 0.0, 0.0);
    for _ in 0..ROUNDS {
        plain += rate(&site, &seats, span).await?;
        let follower = SlowFollower::start(&site)?;
        slow += rate(&site, &seats, span).await?;
        drop(follower);
        let subscriber = Subscriber::start(&site, &seats, true)?;
        read += rate(&site, &seats, span).await?;
        drop(subscriber);
        let subscriber = Subscriber::start(&site, &seats, false)?;
        unread += rate(&site, &seats, span).await?;
        drop(subscriber);
    }
    let base = plain / ROUNDS as f64;
    let setup = format!(
        "rate with a follower that stands still for {STANDS:?} of each {:?}, against {base:.0}/s \
         without; 3 of 4 members send. What it does not do, the others do on its core",
        STANDS + RUNS
    );
    report.add("slow_follower_ratio", slow / plain, "", Some(1.0), setup);
    let setup = "rate with a subscriber to everything at the leader's node, on the same cores";
    report.add("subscriber_ratio", read / plain, "", Some(1.0), setup);
    let setup = "the same with a subscriber that reads nothing";
    report.add("stalled_subscriber_ratio", unread / plain, "", Some(1.0), setup);
    site.stop().await;
    Ok(())
}

async fn rate(site: &Site, seats: &Seats, span: Span) -> anyhow::Result<f64> {
    let each = MOST_PER_S * span.all().as_secs() as usize;
    let mut calls = site.payment_calls(seats, each).await?;
    calls.truncate(SENDERS);
    let outcome = block_in_place(|| load::run(calls, Pace::Closed { window: WINDOW }, span))?;
    Ok(outcome.per_s())
}

/// Stops and continues the last node's process until it is dropped.
struct SlowFollower {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl SlowFollower {
    fn start(site: &Site) -> anyhow::Result<Self> {
        let process = site.processes().get(NODES - 1).copied();
        let pid = process.and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| anyhow::anyhow!("the last node does not run"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopping.load(Ordering::Relaxed) {
                let _ = kill_process(pid, Signal::STOP);
                thread::sleep(STANDS);
                let _ = kill_process(pid, Signal::CONT);
                thread::sleep(RUNS);
            }
        });
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for SlowFollower {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A subscription to everything at the leader's node, until it is dropped.
struct Subscriber(std::net::TcpStream);

impl Subscriber {
    fn start(site: &Site, seats: &Seats, reads: bool) -> anyhow::Result<Self> {
        let socket = Socket::connect(&site.network.url(0))?;
        let request = json!({
            "jsonrpc": "2.0", "id": 1, "method": "state_channel.subscribe",
            "params": { "channel": seats.id, "filter": {} },
        });
        let mut writer = socket.writer()?;
        writer.write_all(&text_frame(&serde_json::to_vec(&request)?))?;
        let mut frames = socket.reader()?;
        let mut text = Vec::new();
        while !frames.next(&mut text)? {}
        let answer: serde_json::Value = serde_json::from_slice(&text)?;
        anyhow::ensure!(answer["error"].is_null(), "not subscribed: {answer}");
        if reads {
            thread::spawn(move || while frames.next(&mut text).is_ok() {});
        }
        Ok(Self(writer))
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}
