//! A running channel, seen from outside its thread.

use std::{sync::Arc, time::Instant};

use fairway_proto::{
    CallStatus, Channel, ChannelStatus, Input, Request, Update,
    channel::{judging::Judged, log::Tip, output::Reply, settling::ProposalView, status::Role},
};
use fairway_sandbox::MoveSandbox;
use fairway_types::{
    Call, ChannelId, Epoch, Hash, Height, NodeId, Refusal, SignedCall, Verified,
    chain::ChannelRecord, codec, evidence::Evidence,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch};

use super::meter::ChannelMeter;
use crate::{
    past::Past,
    store::ChannelStore,
    traces::{CallTraces, FollowedCall},
};

/// Milliseconds after which a client may try again.
const RETRY_AFTER: u64 = 100;

pub(super) type Answer = oneshot::Sender<Result<Reply, Refusal>>;

pub(super) enum Command {
    /// `room` is what it takes of the inbox, until it is handled.
    Request {
        request: Request,
        answer: Answer,
        room: OwnedSemaphorePermit,
    },
    Input {
        input: Input,
        room: Option<OwnedSemaphorePermit>,
    },
}

/// What readers see of a channel, replaced after every group.
#[derive(Debug, Clone)]
pub struct View {
    /// This node.
    pub node: NodeId,
    pub status: ChannelStatus,
    /// As the chain gave it last; until it is read, the one the channel began with.
    pub record: Option<Arc<ChannelRecord>>,
    /// The last epoch whose grant this node knows.
    pub last_epoch: Option<Epoch>,
    pub head: Option<Tip>,
    pub certified: Option<Tip>,
    pub finalised: Option<Tip>,
    pub proposal: Option<ProposalView>,
    pub settlement_error: Option<String>,
    /// What this node found or was told, and holds of it.
    pub verdicts: Vec<Judged>,
    /// What it found itself.
    pub evidence: Vec<Arc<Evidence>>,
    /// Blocks up to here are kept no more.
    pub pruned: Height,
    /// Why the node can't store, if it can't.
    pub storage: Option<String>,
}

impl View {
    pub(super) fn of(channel: &Channel, pruned: Height, before: Option<&View>) -> Self {
        let log = channel.log();
        let at = |height: Height, before: Option<&Option<Tip>>| {
            log.tip_at(height).or_else(|| before.cloned().flatten())
        };
        let first = || Some(Arc::new(log.genesis()?.record.clone()));
        let known = before.and_then(|view| view.record.clone());
        Self {
            node: channel.node(),
            status: channel.status(),
            record: channel.chain().shared_record().or(known).or_else(first),
            last_epoch: log.last_epoch(),
            head: log.tip(),
            certified: at(log.certified(), before.map(|view| &view.certified)),
            finalised: at(log.finalised(), before.map(|view| &view.finalised)),
            proposal: channel.proposal(),
            settlement_error: channel.settlement_error().map(str::to_owned),
            verdicts: channel.verdicts().cloned().collect(),
            evidence: log.shared_evidence(),
            pruned,
            storage: None,
        }
    }

    /// Whether what is read here may be older than what the channel holds.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.status.lacking_quorum.is_some() || self.status.out
    }

    /// Closed and paid, or left: nothing will happen any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.status.role == Role::Ended
            || self.record.as_ref().is_some_and(|record| record.settlement.closed)
    }
}

/// A running channel. Cheap to clone; it stops when [`ChannelHandle::stop`] is called.
#[derive(Clone)]
pub struct ChannelHandle {
    pub id: ChannelId,
    pub sandbox: Arc<MoveSandbox>,
    pub store: ChannelStore,
    /// Its earlier states.
    pub past: Arc<Past>,
    pub(super) commands: mpsc::Sender<Command>,
    /// Bytes of clients' calls that still fit the inbox.
    pub(super) room: Arc<Semaphore>,
    pub(super) view: watch::Receiver<Arc<View>>,
    pub(super) updates: broadcast::Sender<Arc<Update>>,
    pub(super) stop: Arc<watch::Sender<bool>>,
    pub(super) ended: watch::Receiver<()>,
    pub(super) meter: Arc<ChannelMeter>,
    pub(super) traces: Option<Arc<CallTraces>>,
}

impl ChannelHandle {
    /// Refuses a call while the channel is far behind, before anything is done for one.
    pub fn check_room(&self) -> Result<(), Refusal> {
        let half = self.commands.max_capacity() / 2;
        if self.commands.capacity() < half && !self.commands.is_closed() {
            return Err(Refusal::busy("requests", RETRY_AFTER));
        }
        Ok(())
    }

    /// Orders a call; answers once it has reached `wait`.
    pub async fn call(
        &self,
        call: Verified<SignedCall>,
        wait: CallStatus,
    ) -> Result<Reply, Refusal> {
        self.request(Request::Call { call: Box::new(call), wait }).await
    }

    pub async fn request(&self, request: Request) -> Result<Reply, Refusal> {
        let busy = || Refusal::busy("requests", RETRY_AFTER);
        let bytes = match &request {
            Request::Call { call, .. } => codec::size(&***call),
            Request::ProposeSettlement | Request::Guard { .. } => 1,
        };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| busy())?;
        let (answer, result) = oneshot::channel();
        let command = Command::Request { request, answer, room };
        self.commands.try_send(command).map_err(|_| match self.has_ended() {
            true => Refusal::Closed,
            false => busy(),
        })?;
        result.await.unwrap_or_else(|_| {
            let reason = "it was stopped, or the disk failed: send the request again".into();
            Err(Refusal::NotReady { what: "the channel".into(), reason })
        })
    }

    /// Hands over a peer's or the chain's word; waits while the channel is busy. `room` is given
    /// back once it is handled.
    pub async fn input(&self, input: Input, room: Option<OwnedSemaphorePermit>) {
        let _ = self.commands.send(Command::Input { input, room }).await;
    }

    #[must_use]
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// What is counted of the channel.
    #[must_use]
    pub fn meter(&self) -> &ChannelMeter {
        &self.meter
    }

    /// Follows a call that arrived at `arrived` through the node, if it is one that is traced.
    pub(crate) fn follow(&self, hash: Hash, call: &Call, arrived: Instant) -> Option<FollowedCall> {
        self.traces.as_ref()?.follow(hash, call, arrived)
    }

    /// Whether this node is done with the channel: what it stored can still be read.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.view.borrow().status.role == Role::Ended
    }

    /// Waits until it has, or was stopped.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// Wakes whenever the view is replaced.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    /// Blocks and heights from now on.
    #[must_use]
    pub fn updates(&self) -> broadcast::Receiver<Arc<Update>> {
        self.updates.subscribe()
    }

    /// Ends the loop once what it is doing is stored.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        self.ended().await;
    }
}
