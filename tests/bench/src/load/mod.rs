//! Load on a channel: calls signed beforehand, sent over one socket a member at a pace, answers timed.
//!
//! In the open loop a call's latency counts from the time at which the schedule sends it, whether or
//! not the generator or the node was late: nothing that waits is left out. What is measured lies
//! between a warm-up and the end; every call that was sent is followed to its answer.

mod lane;
mod signed;
mod socket;

use std::{
    collections::BTreeMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::Serialize;

use self::lane::Lane;
pub(crate) use self::{
    signed::{Calls, sign},
    socket::{Socket, text_frame},
};
use crate::machine;

/// When calls are sent; rates are of all members together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each member keeps so many under way.
    Closed { window: usize },
    /// By schedule; a member has no more under way than the SDK allows, the rest waits at the client
    /// and is late.
    Open { per_s: f64 },
    /// By schedule, whatever is under way; what is refused is sent again in its place.
    Flood { per_s: f64 },
}

/// What came of a load, between warm-up and end.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) certified: u64,
    pub(crate) seconds: f64,
    /// Requests sent, also those sent again.
    pub(crate) sent: u64,
    /// Answers that were refusals, by code.
    pub(crate) refused: BTreeMap<i64, u64>,
    /// Microseconds.
    pub(crate) latency: Histogram<u64>,
    /// Seconds of CPU that this process took, threads of the load alone running.
    pub(crate) client_cpu: f64,
    /// Bytes of requests and answers, WebSocket frames included, from the first to the last.
    pub(crate) bytes: u64,
    /// Calls of the whole run, warm-up included.
    pub(crate) all: u64,
    /// Until the last answer.
    pub(crate) elapsed: f64,
}

/// The percentiles that results name, milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p99_9: f64,
    pub(crate) max: f64,
}

impl Outcome {
    pub(crate) fn per_s(&self) -> f64 {
        self.certified as f64 / self.seconds
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        percentiles(&self.latency)
    }
}

pub(crate) fn percentiles(times: &Histogram<u64>) -> Percentiles {
    let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
    Percentiles {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p99_9: at(0.999),
        max: times.max() as f64 / 1_000.0,
    }
}

/// How long a load runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) warm: Duration,
    pub(crate) measured: Duration,
}

impl Span {
    pub(crate) const fn seconds(measured: u64) -> Self {
        Self { warm: Duration::from_secs(1), measured: Duration::from_secs(measured) }
    }

    pub(crate) fn all(self) -> Duration {
        self.warm + self.measured
    }
}

/// Runs a load until its time is over, or all calls are certified; blocks the thread.
pub(crate) fn run(calls: Vec<Calls>, pace: Pace, span: Span) -> anyhow::Result<Outcome> {
    let share = calls.len() as f64;
    let pace = match pace {
        Pace::Closed { .. } => pace,
        Pace::Open { per_s } => Pace::Open { per_s: per_s / share },
        Pace::Flood { per_s } => Pace::Flood { per_s: per_s / share },
    };
    let mut lanes = Vec::new();
    for calls in calls {
        let socket = Socket::connect(&calls.url)?;
        lanes.push((Arc::new(Lane::new(calls.frames, pace, span)?), socket));
    }
    let begun = Instant::now();
    let before = machine::Cpu::of(std::process::id());
    let mut threads = Vec::new();
    for (lane, socket) in &lanes {
        let (reads, writes) = (socket.reader()?, socket.writer()?);
        let reader = Arc::clone(lane);
        threads.push(thread::spawn(move || reader.read(reads)));
        let writer = Arc::clone(lane);
        threads.push(thread::spawn(move || writer.write(writes)));
    }
    let mut failed = None;
    for thread in threads {
        let ended = thread.join().map_err(|_| anyhow::anyhow!("a thread of the load panicked"))?;
        failed = failed.or(ended.err());
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let client_cpu = machine::Cpu::of(std::process::id()).since(&before).seconds();
    let mut outcome = Outcome {
        certified: 0,
        seconds: span.measured.as_secs_f64(),
        sent: 0,
        refused: BTreeMap::new(),
        latency: Histogram::new(3)?,
        client_cpu,
        bytes: 0,
        all: 0,
        elapsed: begun.elapsed().as_secs_f64(),
    };
    for (lane, _) in lanes {
        lane.add_to(&mut outcome)?;
    }
    Ok(outcome)
}
