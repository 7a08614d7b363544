//! Between one channel and the chain: reads the record whenever it may have changed, submits what
//! the channel has to say, and tells the channel what came of it.

use std::{sync::Arc, time::Duration};

use fairway_types::{
    Refusal,
    chain::{ChainTx, Observation},
    settlement::Proposal,
};
use tokio::{
    sync::{Notify, broadcast, mpsc},
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use super::{ChainError, Change, SettlementChain};
use crate::driver::{ChainOutbox, ChannelHandle, observe};

/// Words waiting to be submitted; more are dropped, and the channel says them again.
const QUEUE: usize = 256;
/// The record is read at least this often, and again this soon after the chain was unreachable.
const REFRESH: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(500);
/// How long the chain may take for one word.
const PATIENCE: Duration = Duration::from_secs(10);
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
        let again = match chain.channel(channel.id).await {
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
                    Some(refusal.to_string())
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
                Observation::Rejected { tx: Box::new(tx), reason }
            }
            Err(error @ ChainError::Unreachable { .. }) => {
                Observation::Unreachable { reason: error.to_string() }
            }
        };
        observe(channel, observation).await;
        refresh.notify_one();
    }
}
