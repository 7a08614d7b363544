//! The calls of a channel that are followed: begun where the API takes them, led on by the channel's
//! thread.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Instant, SystemTime},
};

use fairway_api::channel::CallReport;
use fairway_types::{Call, ChannelId, Hash, Height, Refusal, call::CallStatus};
use opentelemetry::{KeyValue, trace::SpanKind};

use super::{
    Tracer, now,
    span::{self, Place, Span},
};

/// Calls of one channel that are followed at a time; of more nothing is noted.
const OPEN: usize = 1_024;

/// The calls of one channel that are followed.
#[derive(Debug)]
pub(crate) struct CallTraces {
    pub(super) tracer: Arc<Tracer>,
    pub(super) channel: ChannelId,
    open: Mutex<BTreeMap<Hash, Open>>,
    /// How many there are, for who need not look closer.
    count: AtomicUsize,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy)]
struct Open {
    stage: Stage,
    since: SystemTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Executed(Height),
    Certified(Height),
}

impl CallTraces {
    pub(crate) fn new(tracer: Arc<Tracer>, channel: ChannelId) -> Self {
        Self { tracer, channel, open: Mutex::default(), count: AtomicUsize::new(0) }
    }

    /// Follows a call that arrived at `arrived`, if it is of the share that is traced.
    pub(crate) fn follow(
        self: &Arc<Self>,
        hash: Hash,
        call: &Call,
        arrived: Instant,
    ) -> Option<FollowedCall> {
        if !self.tracer.follows(&hash) {
            return None;
        }
        let attributes = vec![
            span::channel(self.channel),
            span::text("fairway.call", hash.to_string()),
            span::text("fairway.sender", call.sender.to_string()),
            span::number("fairway.sequence", call.sequence.0),
            span::text("fairway.operation", call.operation.to_string()),
        ];
        let began = now();
        let began = began.checked_sub(arrived.elapsed()).unwrap_or(began);
        let error = Some("the client did not wait for the answer".into());
        Some(FollowedCall { calls: Arc::clone(self), hash, began, attributes, error })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Hash, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<Hash, Open>) -> T) -> T {
        let mut open = self.lock();
        let changed = change(&mut open);
        self.count.store(open.len(), Ordering::Relaxed);
        changed
    }

    /// Whether none is followed now.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// A call is in a stored block; whether it is one that is followed.
    pub(super) fn executed(
        &self,
        call: &Hash,
        block: Hash,
        height: Height,
        attributes: impl FnOnce() -> Vec<KeyValue>,
        at: SystemTime,
    ) -> bool {
        let mut open = self.lock();
        let waiting = open.get_mut(call).filter(|open| open.stage == Stage::Waiting);
        let Some(waiting) = waiting else { return false };
        let next = Open { stage: Stage::Executed(height), since: at };
        let before = std::mem::replace(waiting, next);
        drop(open);
        let place = Place::root(call).part();
        let mut order = Span::new("order", place, before.since, at).with(attributes());
        order.link = Some(block);
        self.tracer.emit(order);
        true
    }

    /// Blocks are certified, and final, up to these heights.
    pub(super) fn reached(&self, certified: Height, finalised: Height, at: SystemTime) {
        let ended = self.change(|open| {
            let mut ended = Vec::new();
            for (call, followed) in open.iter_mut() {
                if let Stage::Executed(height) = followed.stage
                    && height <= certified
                {
                    ended.push((*call, "certify", followed.since));
                    *followed = Open { stage: Stage::Certified(height), since: at };
                }
                if let Stage::Certified(height) = followed.stage
                    && height <= finalised
                {
                    ended.push((*call, "finalise", followed.since));
                }
            }
            open.retain(|_, followed| match followed.stage {
                Stage::Certified(height) => height > finalised,
                Stage::Waiting | Stage::Executed(_) => true,
            });
            ended
        });
        for (call, name, since) in ended {
            let span = Span::new(name, Place::root(&call).part(), since, at);
            self.tracer.emit(span.with([span::channel(self.channel)]));
        }
    }

    /// Blocks above a height were taken back: their calls wait again.
    pub(super) fn rolled_back(&self, to: Height, at: SystemTime) {
        let back = self.change(|open| {
            let taken = open.iter_mut().filter(|(_, followed)| match followed.stage {
                Stage::Executed(height) | Stage::Certified(height) => height > to,
                Stage::Waiting => false,
            });
            taken
                .map(|(call, followed)| {
                    let next = Open { stage: Stage::Waiting, since: at };
                    (*call, std::mem::replace(followed, next).since)
                })
                .collect::<Vec<_>>()
        });
        for (call, since) in back {
            let mut span = Span::new("certify", Place::root(&call).part(), since, at);
            span.error = Some("the block was taken back".into());
            self.tracer.emit(span.with([span::channel(self.channel)]));
        }
    }

    /// The channel goes on from elsewhere: what was open is followed no further.
    pub(super) fn forget(&self) {
        self.change(BTreeMap::clear);
    }
}

/// A call under way at the API. Its span ends when this is dropped.
pub(crate) struct FollowedCall {
    calls: Arc<CallTraces>,
    hash: Hash,
    began: SystemTime,
    attributes: Vec<KeyValue>,
    error: Option<std::borrow::Cow<'static, str>>,
}

impl FollowedCall {
    /// Its signature was found good: it goes to the channel.
    pub(crate) fn admitted(&self) {
        let at = now();
        let next = Open { stage: Stage::Waiting, since: at };
        self.calls.change(|open| {
            if open.len() < OPEN {
                open.entry(self.hash).or_insert(next);
            }
        });
        let admit = Span::new("admit", Place::root(&self.hash).part(), self.began, at);
        self.calls.tracer.emit(admit.with([span::channel(self.calls.channel)]));
    }

    /// What the client is answered.
    pub(crate) fn answered(mut self, result: &Result<CallReport, Refusal>) {
        match result {
            Ok(report) => {
                self.error = None;
                self.attributes.extend([
                    span::number("fairway.height", report.height.0),
                    span::text("fairway.status", status(report.status)),
                    span::number("fairway.gas", report.gas_used.0),
                ]);
            }
            Err(refusal) => {
                self.error = Some(refusal.to_string().into());
                let code = u64::try_from(refusal.code()).unwrap_or_default();
                self.attributes.push(span::number("fairway.error.code", code));
                self.attributes.push(span::text("error.type", refusal.name()));
            }
        }
    }
}

impl Drop for FollowedCall {
    fn drop(&mut self) {
        // What is not in the log by now, nobody waits for.
        self.calls.change(|open| {
            if open.get(&self.hash).is_some_and(|open| open.stage == Stage::Waiting) {
                open.remove(&self.hash);
            }
        });
        let mut call = Span::new("call", Place::root(&self.hash), self.began, now());
        call.kind = SpanKind::Server;
        call.error = self.error.take();
        self.calls.tracer.emit(call.with(std::mem::take(&mut self.attributes)));
    }
}

const fn status(status: CallStatus) -> &'static str {
    match status {
        CallStatus::Executed => "executed",
        CallStatus::Certified => "certified",
        CallStatus::Final => "final",
        CallStatus::Settled => "settled",
    }
}
