//! Between one channel and the chain: reads the record whenever it may have changed, submits what
//! the channel has to say, and tells the channel what came of it.

use std::{sync::Arc, time::Duration};

use fairway_proto::channel::log::KEPT_BLOCKS;
use fairway_types::{
    Epoch, Refusal,
    chain::{ChainTx, Observation},
    settlement::Proposal,
};
use tokio::{
    sync::{Notify, broadcast, mpsc},
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use super::{ChainError, Change, Observed, SettlementChain};
use crate::driver::{ChainOutbox, ChannelHandle, observe};

/// Words waiting to be submitted; more are dropped, and the channel says them again.
const QUEUE: usize = 256;
/// The record is read at least this often, and again this soon after the chain was unreachable.
const REFRESH: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(500);
/// How long the chain may take for one word.
const PATIENCE: Duration = Duration::from_secs(10);
/// Grants read at a time, and in all: the log keeps no more.
const GRANTS: u64 = 64;
const MISSING: u64 = KEPT_BLOCKS as u64;
/// Between two readings: a burst of events is one reading.
const SETTLE: Duration = Duration::from_millis(5);

/// The driver's end.
pub struct ChainWords {
    words: mpsc::Sender<ChainTx>,
    /// At most one heartbeat waits: an older one says nothing more.
    heartbeats: mpsc::Sender<ChainTx>,
    /// What is asked; it waits for nothing that is submitted.
    questions: mpsc::Sender<Question>,
    refresh: Arc<Notify>,
}

/// What a channel wants to know of the chain, beside its record.
enum Question {
    /// Whether the contract would take a proposal.
    DryRun(Box<Proposal>),
    /// What proposal waits.
    Waiting,
}

/// The other end, for [`watch`].
pub struct Heard {
    words: mpsc::Receiver<ChainTx>,
    heartbeats: mpsc::Receiver<ChainTx>,
    questions: mpsc::Receiver<Question>,
    refresh: Arc<Notify>,
}

impl ChainWords {
    #[must_use]
    pub fn new() -> (Self, Heard) {
        let (words, heard_words) = mpsc::channel(QUEUE);
        let (heartbeats, heard_heartbeats) = mpsc::channel(1);
        let (questions, heard_questions) = mpsc::channel(QUEUE);
        let refresh = Arc::new(Notify::new());
        let heard = Heard {
            words: heard_words,
            heartbeats: heard_heartbeats,
            questions: heard_questions,
            refresh: Arc::clone(&refresh),
        };
        (Self { words, heartbeats, questions, refresh }, heard)
    }
}

impl ChainOutbox for ChainWords {
    fn submit(&mut self, tx: ChainTx) {
        if matches!(tx, ChainTx::Heartbeat { .. }) {
            let _ = self.heartbeats.try_send(tx);
        } else if self.words.try_send(tx).is_err() {
            debug!("the chain is slow: a word was dropped");
        }
    }

    fn dry_run(&mut self, proposal: Proposal) {
        if self.questions.try_send(Question::DryRun(Box::new(proposal))).is_err() {
            debug!("the chain is slow: a proposal was not tried out");
        }
    }

    fn read_waiting(&mut self) {
        if self.questions.try_send(Question::Waiting).is_err() {
            debug!("the chain is slow: the proposal that waits was not read");
        }
    }

    fn refresh(&mut self) {
        self.refresh.notify_one();
    }
}

/// Runs until aborted.
pub async fn watch(chain: Arc<dyn SettlementChain>, channel: ChannelHandle, heard: Heard) {
    let Heard { words, heartbeats, questions, refresh } = heard;
    tokio::join!(
        read(Arc::clone(&chain), &channel, &refresh),
        ask(Arc::clone(&chain), &channel, questions),
        submit(chain, &channel, words, heartbeats, &refresh),
    );
}

async fn read(chain: Arc<dyn SettlementChain>, channel: &ChannelHandle, refresh: &Notify) {
    let mut changes = chain.changes();
    loop {
        let seen = match chain.channel(channel.id).await {
            Ok(Some(seen)) => complete(&chain, channel, seen).await.map(Some),
            other => other,
        };
        let again = match seen {
            Ok(Some(seen)) => {
                let observation = Observation::Channel {
                    record: Box::new(seen.record),
                    chain_height: seen.height,
                    chain_time: seen.time,
                    is_final: seen.is_final,
                };
                observe(channel, observation).await;
                REFRESH
            }
            Ok(None) => {
                observe(channel, Observation::Missing).await;
                REFRESH
            }
            Err(error) => {
                observe(channel, Observation::Unreachable { reason: error.to_string() }).await;
                RETRY
            }
        };
        tokio::select! {
            () = sleep(again) => {}
            () = refresh.notified() => {}
            () = changed(&mut changes, channel) => {}
        }
        sleep(SETTLE).await;
    }
}

/// The record with the grants since this node's last epoch that it has forgotten: the node was away.
/// Blocks of an epoch that it does not know, it can't check.
async fn complete(
    chain: &Arc<dyn SettlementChain>,
    channel: &ChannelHandle,
    mut seen: Observed,
) -> Result<Observed, ChainError> {
    let first = seen.record.grants.first().map(|grant| grant.epoch);
    let mut grants = Vec::new();
    for (first, last) in forgotten(channel.view().last_epoch, first) {
        grants.extend(chain.grants(channel.id, first, last).await?);
    }
    grants.append(&mut seen.record.grants);
    seen.record.grants = grants;
    Ok(seen)
}

/// P-120: the epochs after the last one known and before the record's first, as first and last of each
/// reading. A node that knows none takes a snapshot, and so does one that knows too little.
fn forgotten(known: Option<Epoch>, first: Option<Epoch>) -> Vec<(Epoch, Epoch)> {
    let (Some(known), Some(first)) = (known, first) else { return Vec::new() };
    let next = known.0.saturating_add(1).max(first.0.saturating_sub(MISSING));
    let starts = (next..first.0).step_by(GRANTS as usize);
    starts.map(|start| (Epoch(start), Epoch((start + GRANTS).min(first.0) - 1))).collect()
}

/// Returns when the channel's record may have changed.
async fn changed(changes: &mut broadcast::Receiver<Change>, channel: &ChannelHandle) {
    loop {
        match changes.recv().await {
            Ok(Change::Channel(id)) if id != channel.id => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Asks the chain; without an answer the channel asks again.
async fn ask(
    chain: Arc<dyn SettlementChain>,
    channel: &ChannelHandle,
    mut questions: mpsc::Receiver<Question>,
) {
    while let Some(question) = questions.recv().await {
        let answered = timeout(PATIENCE, answer(&chain, channel, question)).await;
        match answered {
            Ok(Ok(Some(observation))) => observe(channel, observation).await,
            Ok(Ok(None)) => {}
            Ok(Err(error)) => debug!(%error, "the chain has no answer"),
            Err(_) => debug!("the chain does not answer"),
        }
    }
}

async fn answer(
    chain: &Arc<dyn SettlementChain>,
    channel: &ChannelHandle,
    question: Question,
) -> Result<Option<Observation>, ChainError> {
    match question {
        Question::DryRun(draft) => {
            let refusal = match chain.dry_run(&draft).await {
                Ok(()) => None,
                // What the contract says counts; a chain that is busy says nothing about it.
                Err(ChainError::Refused(refusal @ Refusal::MoveAbort { .. })) => {
                    Some(refusal.to_string().into())
                }
                Err(error) => return Err(error),
            };
            Ok(Some(Observation::DryRun { proposal: draft.hash(), refusal }))
        }
        Question::Waiting => {
            let waiting = chain.waiting(channel.id).await?;
            Ok(waiting.map(|proposal| Observation::Waiting { proposal: Box::new(proposal) }))
        }
    }
}

async fn submit(
    chain: Arc<dyn SettlementChain>,
    channel: &ChannelHandle,
    mut words: mpsc::Receiver<ChainTx>,
    mut heartbeats: mpsc::Receiver<ChainTx>,
    refresh: &Notify,
) {
    loop {
        let tx = tokio::select! {
            biased;
            // Whatever else there is to say, a member that is not heard weighs nothing.
            Some(tx) = heartbeats.recv() => tx,
            Some(tx) = words.recv() => tx,
            else => return,
        };
        let answered = timeout(PATIENCE, chain.submit(&tx)).await;
        let late = || ChainError::Unreachable { reason: "it does not answer".into() };
        let observation = match answered.unwrap_or_else(|_| Err(late())) {
            Ok(()) => Observation::Accepted { tx: Box::new(tx) },
            Err(ChainError::Refused(refusal)) => {
                let reason = refusal.to_string();
                let raced =
                    matches!(tx, ChainTx::ApplyForLeadership { .. } | ChainTx::ShowTerm { .. });
                if !raced {
                    warn!(channel = channel.id.short(), reason, "the chain refused");
                }
                Observation::Rejected { tx: Box::new(tx), reason: reason.into() }
            }
            Err(error @ ChainError::Unreachable { .. }) => {
                Observation::Unreachable { reason: error.to_string() }
            }
        };
        observe(channel, observation).await;
        refresh.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(known: Option<u64>, first: Option<u64>) -> Vec<(u64, u64)> {
        let ranges = forgotten(known.map(Epoch), first.map(Epoch));
        ranges.into_iter().map(|(first, last)| (first.0, last.0)).collect()
    }

    /// P-120: every epoch between is read once, as far back as the log keeps grants.
    #[test]
    fn grants_that_the_record_has_forgotten_are_read_in_pieces() {
        assert_eq!(ranges(Some(4), Some(5)), []);
        assert_eq!(ranges(Some(9), Some(5)), []);
        assert_eq!(ranges(None, Some(500)), []);
        assert_eq!(ranges(Some(4), None), []);
        assert_eq!(ranges(Some(4), Some(6)), [(5, 5)]);
        assert_eq!(ranges(Some(4), Some(140)), [(5, 68), (69, 132), (133, 139)]);
        let far = ranges(Some(4), Some(9_000));
        assert_eq!((far[0].0, far[far.len() - 1].1), (9_000 - MISSING, 8_999));
    }
}
