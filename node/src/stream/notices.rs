//! Subscriptions: a snapshot or the blocks from a height on, then what happens. A subscriber that
//! falls behind is read to from the store; one that does not read at all is dropped.

use std::{sync::Arc, time::Duration};

use fairway_api::{
    channel::{CallPlace, Notice, ResourceView},
    to_error,
};
use fairway_proto::{
    Notification, Subscription, Update,
    channel::{log::Tip, output::Appended},
};
use fairway_types::{Block, Effects, Hash, Height, Refusal, StateKey, subscription::Filter};
use jsonrpsee::{
    PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink, core::SubscriptionResult,
};
use tokio::{
    sync::{Semaphore, broadcast},
    task::block_in_place,
};

use super::view;
use crate::driver::{ChannelHandle, View};

/// Resources in a snapshot.
const SNAPSHOT: usize = 10_000;
/// How long a subscriber may take for one notice.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of notices that wait for subscribers to read, of all channels together.
const WAITING_BYTES: usize = 64 << 20;
static WAITING: Semaphore = Semaphore::const_new(WAITING_BYTES);

/// Why a subscription ended.
enum End {
    Gone,
    /// It must resume at its cursor.
    Behind,
}

/// `reads` are the places of reads that keep a thread busy.
pub(super) async fn serve(
    pending: PendingSubscriptionSink,
    handle: ChannelHandle,
    from: Option<Height>,
    filter: Filter,
    reads: Arc<Semaphore>,
) -> SubscriptionResult {
    let permit = match from {
        Some(_) => None,
        None => reads.acquire().await.ok(),
    };
    // Updates are buffered from here on: nothing falls between the snapshot and the first of them.
    let updates = handle.updates();
    let view = handle.view();
    // Who never gets its snapshot begins again with all blocks.
    let resume = from.unwrap_or_default().max(Height(1));
    let mut subscription = Subscription::new(filter, resume);
    let first =
        from.is_none().then(|| block_in_place(|| snapshot(&handle, &view, subscription.filter())));
    drop(permit);
    let first = match first.transpose() {
        Ok(first) => first,
        Err(refusal) => {
            pending.reject(to_error(&refusal)).await;
            return Ok(());
        }
    };
    if first.is_some() {
        subscription.give_snapshot(view.status.head);
    }
    let sink = pending.accept().await?;
    let shown = Shown::default();
    let feed = Feed { handle, sink, subscription, resume, shown, reads };
    tokio::spawn(feed.run(first, view, updates));
    Ok(())
}

fn snapshot(handle: &ChannelHandle, view: &View, filter: &Filter) -> Result<Notice, Refusal> {
    let Some(tip) = &view.head else {
        return Err(Refusal::NotReady {
            what: "the channel's state".into(),
            reason: "its first epoch was not granted yet".into(),
        });
    };
    let resources = match filter.wants_resources() {
        true => resources(handle, tip, filter)?,
        false => Vec::new(),
    };
    let (height, hash) = (tip.height, tip.hash);
    Ok(Notice::Snapshot { height, hash, state_root: tip.state.root(), resources })
}

/// Looks at every entry of the state.
fn resources(
    handle: &ChannelHandle,
    tip: &Tip,
    filter: &Filter,
) -> Result<Vec<ResourceView>, Refusal> {
    let mut resources = Vec::new();
    for (key, value) in tip.state.entries() {
        let StateKey::Resource { address, type_tag } = key else { continue };
        if filter.wants_resource(address, type_tag) {
            resources.push(view::resource(&handle.sandbox, *address, type_tag, Some(value)));
        }
        if resources.len() > SNAPSHOT {
            return Err(Refusal::TooLarge {
                what: "snapshot: name resource types or addresses in the filter, its resources"
                    .into(),
                actual: resources.len() as u64,
                limit: SNAPSHOT as u64,
            });
        }
    }
    resources.sort_by(|a, b| (a.address, &a.type_tag).cmp(&(b.address, &b.type_tag)));
    Ok(resources)
}

struct Feed {
    handle: ChannelHandle,
    sink: SubscriptionSink,
    subscription: Subscription,
    /// The first height whose notice was not handed over.
    resume: Height,
    shown: Shown,
    reads: Arc<Semaphore>,
}

/// What the subscriber was told, as far as it can be taken back.
#[derive(Debug, Default)]
struct Shown {
    /// The last block, or the one that a snapshot is of.
    last: Option<(Height, Hash)>,
    finalised: Height,
}

impl Shown {
    fn note(&mut self, notice: &Notice) {
        match notice {
            Notice::Block { height, hash, .. } | Notice::Snapshot { height, hash, .. } => {
                self.last = Some((*height, *hash));
            }
            Notice::Heights { finalised, .. } => self.finalised = *finalised,
            Notice::RolledBack { .. } | Notice::Skipped { .. } => self.last = None,
            Notice::Lagged { .. } => {}
        }
    }

    /// Whether the log left what was shown, by the hash of its block at a height.
    fn was_left(&self, block: impl FnOnce(Height) -> Option<Hash>) -> bool {
        let open = self.last.filter(|(height, _)| *height > self.finalised);
        open.is_some_and(|(height, hash)| block(height) != Some(hash))
    }
}

impl Feed {
    async fn run(
        mut self,
        first: Option<Notice>,
        view: Arc<View>,
        updates: broadcast::Receiver<Arc<Update>>,
    ) {
        if let Err(End::Behind) = self.deliver(first, &view, updates).await {
            let resume_from = self.resume.min(self.subscription.cursor());
            let notice = Notice::Lagged { resume_from };
            let _ = self.send(&notice).await;
        }
    }

    async fn deliver(
        &mut self,
        first: Option<Notice>,
        view: &View,
        mut updates: broadcast::Receiver<Arc<Update>>,
    ) -> Result<(), End> {
        if let Some(notice) = first {
            self.send(&notice).await?;
            self.resume = self.subscription.cursor();
        }
        self.catch_up(view.status.head.next()).await?;
        self.send(&heights(view)).await?;
        loop {
            let update = tokio::select! {
                update = updates.recv() => update,
                () = self.sink.closed() => return Err(End::Gone),
            };
            match update {
                Ok(update) => self.pass_on(&update).await?,
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    let view = self.handle.view();
                    self.follow_log().await?;
                    self.catch_up(view.status.head.next()).await?;
                    self.send(&heights(&view)).await?;
                }
                Err(broadcast::error::RecvError::Closed) => return Err(End::Gone),
            }
        }
    }

    /// That blocks were taken back may be among the updates that it missed.
    async fn follow_log(&mut self) -> Result<(), End> {
        let store = &self.handle.store;
        let left = block_in_place(|| {
            self.shown.was_left(|height| store.block(height).ok()?.map(|known| known.block.hash()))
        });
        match left {
            true => self.roll_back(&Update::RolledBack { to: self.shown.finalised }).await,
            false => Ok(()),
        }
    }

    /// P-60: blocks in order, once, without gaps but those that the subscriber is told of.
    async fn pass_on(&mut self, update: &Update) -> Result<(), End> {
        if let Update::Adopted { height } = update {
            return self.skip(*height).await;
        }
        if let Update::RolledBack { .. } = update {
            return self.roll_back(update).await;
        }
        if let Update::Block { block, .. } = update
            && self.subscription.lacks_before(block.height())
        {
            self.catch_up(block.height()).await?;
        }
        self.notify(update).await
    }

    /// Reads what lies between the cursor and `until` from the store.
    async fn catch_up(&mut self, until: Height) -> Result<(), End> {
        while self.subscription.cursor() < until {
            let cursor = self.subscription.cursor();
            let Ok(Some(Appended { block, effects, .. })) = self.handle.store.block(cursor) else {
                match self.handle.store.check_kept(cursor) {
                    Err(Refusal::Pruned { above, .. }) => self.skip(above).await?,
                    Ok(()) | Err(_) => return Err(End::Behind),
                }
                continue;
            };
            self.notify(&Update::Block { block, effects }).await?;
        }
        Ok(())
    }

    /// The blocks up to `to` can't be shown: a snapshot stands for them.
    async fn skip(&mut self, to: Height) -> Result<(), End> {
        if self.subscription.cursor() > to {
            return Ok(());
        }
        self.start_again().await
    }

    /// What is taken back of a snapshot was never shown block by block: another snapshot says how the
    /// state is now.
    async fn roll_back(&mut self, update: &Update) -> Result<(), End> {
        let Some(Notification::RolledBack { to, needs_snapshot }) =
            self.subscription.on_update(update)
        else {
            return Ok(());
        };
        self.send(&Notice::RolledBack { to }).await?;
        self.resume = self.subscription.cursor();
        match needs_snapshot {
            true => self.start_again().await,
            false => Ok(()),
        }
    }

    /// Goes on from a snapshot of the head.
    async fn start_again(&mut self) -> Result<(), End> {
        let permit = self.reads.acquire().await.ok();
        let view = self.handle.view();
        let filter = self.subscription.filter();
        let snapshot = block_in_place(|| snapshot(&self.handle, &view, filter));
        drop(permit);
        let height = view.status.head;
        self.subscription.give_snapshot(height);
        self.send(&Notice::Skipped { to: height }).await?;
        if let Ok(snapshot) = snapshot {
            self.send(&snapshot).await?;
        }
        self.resume = self.subscription.cursor();
        Ok(())
    }

    async fn notify(&mut self, update: &Update) -> Result<(), End> {
        let Some(notification) = self.subscription.on_update(update) else { return Ok(()) };
        let notice = match (notification, update) {
            (Notification::Block { changes, events, .. }, Update::Block { block, effects }) => {
                let sandbox = &self.handle.sandbox;
                let changes = changes.iter().map(|change| {
                    let value = change.value.as_deref();
                    view::resource(sandbox, change.address, &change.type_tag, value)
                });
                Notice::Block {
                    height: block.height(),
                    hash: block.hash(),
                    parent: block.header.parent,
                    time: block.header.time,
                    state_root: block.header.state_root,
                    changes: changes.collect(),
                    events: events.iter().map(|event| view::event(sandbox, event)).collect(),
                    calls: self.calls(block, effects),
                }
            }
            (Notification::Heights { certified, finalised, settled }, _) => {
                Notice::Heights { certified, finalised, settled }
            }
            (Notification::RolledBack { to, .. }, _) => Notice::RolledBack { to },
            (Notification::Skipped { to }, _) => Notice::Skipped { to },
            (
                Notification::Block { .. },
                Update::Heights { .. }
                | Update::RolledBack { .. }
                | Update::Adopted { .. }
                | Update::Judged(_),
            ) => return Ok(()),
        };
        self.send(&notice).await?;
        self.resume = self.subscription.cursor();
        Ok(())
    }

    fn calls(&self, block: &Block, effects: &[Effects]) -> Vec<CallPlace> {
        (0u32..)
            .zip(block.transactions.iter().zip(effects))
            .filter_map(|(index, (transaction, effects))| {
                let call = transaction.as_call()?;
                let failure = view::failure(&self.handle.sandbox, effects, call.call.gas_limit);
                let error = failure.map(|refusal| refusal.to_string());
                Some(CallPlace { call: call.hash(), index, error })
            })
            .collect()
    }

    async fn send(&mut self, notice: &Notice) -> Result<(), End> {
        let text = serde_json::value::to_raw_value(notice).map_err(|_| End::Gone)?;
        // Who reads takes it at once; what those hold who do not is bounded for all of them.
        let _room = match self.sink.capacity() {
            0 => {
                let bytes = text.get().len().min(WAITING_BYTES);
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                Some(WAITING.try_acquire_many(bytes).map_err(|_| End::Behind)?)
            }
            _ => None,
        };
        let message = SubscriptionMessage::from(text);
        self.sink.send_timeout(message, PATIENCE).await.map_err(|_| End::Behind)?;
        self.shown.note(notice);
        Ok(())
    }
}

fn heights(view: &View) -> Notice {
    Notice::Heights {
        certified: view.status.certified,
        finalised: view.status.finalised,
        settled: view.status.settled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(height: u64, hash: u8) -> Notice {
        let (height, hash, state_root) = (Height(height), Hash([hash; 32]), Hash::ZERO);
        Notice::Snapshot { height, hash, state_root, resources: Vec::new() }
    }

    /// P-60: a subscriber that missed the word of it hears that blocks were taken back.
    #[test]
    fn what_the_log_left_while_updates_were_missed_is_noticed() {
        let mut shown = Shown::default();
        assert!(!shown.was_left(|_| None), "nothing was shown");
        shown.note(&snapshot(9, 0x99));
        assert!(!shown.was_left(|height| (height == Height(9)).then_some(Hash([0x99; 32]))));
        assert!(shown.was_left(|_| Some(Hash([0x98; 32]))), "another block is there");
        assert!(shown.was_left(|_| None), "none is there any more");
        let (certified, finalised, settled) = (Height(9), Height(9), Height::ZERO);
        shown.note(&Notice::Heights { certified, finalised, settled });
        assert!(!shown.was_left(|_| None), "it is final, and may be pruned");
        shown.note(&snapshot(10, 0xaa));
        shown.note(&Notice::RolledBack { to: Height(9) });
        assert!(!shown.was_left(|_| None), "it was told");
    }
}
