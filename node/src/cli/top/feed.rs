//! Asks a node what there is to show, through the SDK's public API.
//!
//! A look is one `status`, and for a few channels in turn what their statuses lack: the chain's record,
//! verdicts, the proposal under way. Calls are counted from notices, with filters that leave resources
//! and events out.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use fairway::driver::clock;
use fairway_sdk::{
    Channel, ChannelId, Client, Error, Filter, Height, Notices,
    api::channel::{ChannelStatus, Notice, Role, Verdict},
};
use tokio::{task::JoinHandle, time::timeout};

use super::model::{Detail, Look, Rates, Row};

/// How long one look may take before the node counts as away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Channels whose records are read in one look, beside the selected one.
const DETAILS: usize = 8;
/// Channels whose notices are followed: the others show no rate.
const FOLLOWED: usize = 64;

pub(super) struct Feed {
    client: Client,
    known: BTreeMap<ChannelId, Known>,
    /// The channels whose records were read longest ago, first.
    turns: VecDeque<ChannelId>,
}

#[derive(Default)]
struct Known {
    channel: Option<Channel>,
    detail: Option<Detail>,
    followed: Option<Followed>,
}

impl Feed {
    pub(super) fn new(client: Client) -> Self {
        Self { client, known: BTreeMap::new(), turns: VecDeque::new() }
    }

    /// One look, with the records of the selected channel and of a few others.
    pub(super) async fn look(&mut self, selected: Option<ChannelId>) -> Result<Look, Error> {
        self.look_within(selected, DETAILS).await
    }

    /// One look, with the records of all channels.
    pub(super) async fn look_all(&mut self) -> Result<Look, Error> {
        self.look_within(None, usize::MAX).await
    }

    async fn look_within(
        &mut self,
        selected: Option<ChannelId>,
        details: usize,
    ) -> Result<Look, Error> {
        let looked = timeout(PATIENCE, self.ask(selected, details)).await;
        let url = || self.client.ledger().connection().url().to_owned();
        let looked = looked.unwrap_or_else(|_| Err(Error::TimedOut { url: url() }));
        if looked.is_err() {
            // What happens meanwhile is counted by nobody, rather than all at once afterwards.
            self.known.values_mut().for_each(|known| known.followed = None);
        }
        looked
    }

    async fn ask(&mut self, selected: Option<ChannelId>, details: usize) -> Result<Look, Error> {
        let status = self.client.status().await?;
        let ids: Vec<ChannelId> = status.channels.iter().map(|status| status.channel).collect();
        self.known.retain(|id, _| ids.contains(id));
        self.turns.retain(|id| ids.contains(id));
        for id in ids {
            self.known.entry(id).or_insert_with(|| {
                self.turns.push_front(id);
                Known::default()
            });
        }
        let in_turn = self.turns.iter().copied().filter(|id| Some(*id) != selected).take(details);
        let due: Vec<ChannelId> = selected.into_iter().chain(in_turn).collect();
        for id in due {
            self.read(id).await?;
        }
        let now = clock();
        let mut rows = Vec::with_capacity(status.channels.len());
        for channel in status.channels {
            let rates = self.rates(&channel).await;
            let detail = self.known.get(&channel.channel).and_then(|known| known.detail.as_ref());
            rows.push(Row::of(now, status.node, channel, detail, rates));
        }
        Ok(Look {
            at: now,
            node: status.node,
            version: status.version,
            connected_peers: status.connected_peers,
            chain_unreachable: status.chain_unreachable,
            channels: rows,
        })
    }

    /// Reads what a channel's status lacks. One that is gone by now is left alone.
    async fn read(&mut self, id: ChannelId) -> Result<(), Error> {
        let Some(known) = self.known.get_mut(&id) else { return Ok(()) };
        self.turns.retain(|turn| *turn != id);
        self.turns.push_back(id);
        match detail(&self.client, id, &mut known.channel).await {
            Ok(detail) => known.detail = Some(detail),
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What notices told since the look before; follows the channel if it is not followed yet.
    async fn rates(&mut self, status: &ChannelStatus) -> Option<Rates> {
        let count = self.known.values().filter(|known| known.followed.is_some()).count();
        let known = self.known.get_mut(&status.channel)?;
        if known.followed.as_ref().is_some_and(Followed::is_over) {
            known.followed = None;
        }
        if let Some(followed) = &known.followed {
            return Some(followed.tally.rates(Instant::now()));
        }
        let channel = known.channel.as_ref().filter(|_| count < FOLLOWED)?;
        if matches!(status.role, Role::Waiting | Role::Ended) {
            return None;
        }
        // Refused while the channel has nothing to follow: the next look tries again.
        let notices = channel.subscribe_from(status.head.next(), nothing()).await.ok()?;
        known.followed = Some(Followed::start(notices));
        None
    }
}

async fn detail(
    client: &Client,
    id: ChannelId,
    known: &mut Option<Channel>,
) -> Result<Detail, Error> {
    let channel = match known {
        Some(channel) => channel,
        None => known.insert(client.channel(id).await?),
    };
    let (info, verdicts, proposals) =
        tokio::try_join!(channel.info(), channel.evidence(), channel.proposals())?;
    let guilty = verdicts.iter().filter(|verdict| verdict.verdict == Verdict::Guilty);
    Ok(Detail {
        record: info.record,
        divergences: guilty.count(),
        proposal: proposals.into_iter().find(|proposal| !proposal.executed),
    })
}

/// A filter that no resource and no event passes: no type begins with a space.
fn nothing() -> Filter {
    let none = vec![" ".to_owned()];
    Filter { resource_types: none.clone(), event_types: none, addresses: Vec::new() }
}

/// A channel whose notices are counted, until this is dropped.
struct Followed {
    tally: Arc<Tally>,
    counting: JoinHandle<()>,
}

impl Followed {
    fn start(mut notices: Notices) -> Self {
        let tally = Arc::new(Tally::new(Instant::now()));
        let counts = Arc::clone(&tally);
        let counting = tokio::spawn(async move {
            while let Some(notice) = notices.next().await {
                counts.count(&notice, Instant::now());
            }
        });
        Self { tally, counting }
    }

    /// Whether the node runs the channel no more.
    fn is_over(&self) -> bool {
        self.counting.is_finished()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.counting.abort();
    }
}

/// What notices told since somebody looked.
struct Tally {
    counts: Mutex<Counts>,
}

struct Counts {
    since: Instant,
    calls: u64,
    /// Blocks without a certificate yet, and when they came.
    open: VecDeque<(Height, Instant)>,
    certified: u32,
    took: Duration,
}

impl Tally {
    fn new(since: Instant) -> Self {
        let (open, took) = (VecDeque::new(), Duration::ZERO);
        Self { counts: Mutex::new(Counts { since, calls: 0, open, certified: 0, took }) }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, notice: &Notice, at: Instant) {
        let mut counts = self.lock();
        match notice {
            Notice::Block { height, calls, .. } => {
                counts.calls += calls.len() as u64;
                counts.open.push_back((*height, at));
            }
            Notice::Heights { certified, .. } => {
                while let Some((_, came)) =
                    counts.open.pop_front_if(|(height, _)| *height <= *certified)
                {
                    counts.certified += 1;
                    counts.took += at.duration_since(came);
                }
            }
            Notice::RolledBack { to } => counts.open.retain(|(height, _)| height <= to),
            Notice::Skipped { .. } => counts.open.clear(),
            Notice::Snapshot { .. } | Notice::Lagged { .. } => {}
        }
    }

    /// The rates since the last time, and begins anew.
    fn rates(&self, now: Instant) -> Rates {
        let mut counts = self.lock();
        let seconds = now.duration_since(counts.since).as_secs_f64().max(0.001);
        #[allow(clippy::cast_precision_loss, reason = "counts of one interval are small")]
        let calls_per_second = counts.calls as f64 / seconds;
        let mean = |took: Duration| took.as_secs_f64() * 1_000.0 / f64::from(counts.certified);
        let certify_ms = (counts.certified > 0).then(|| mean(counts.took));
        (counts.since, counts.calls) = (now, 0);
        (counts.certified, counts.took) = (0, Duration::ZERO);
        Rates { calls_per_second, certify_ms }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use fairway_sdk::{Hash, api::channel::CallPlace};
    use fairway_types::Time;

    use super::*;

    fn block(height: u64, calls: usize) -> Notice {
        let call = CallPlace { call: Hash::ZERO, index: 0, error: None };
        Notice::Block {
            height: Height(height),
            hash: Hash::ZERO,
            parent: Hash::ZERO,
            time: Time(0),
            state_root: Hash::ZERO,
            changes: Vec::new(),
            events: Vec::new(),
            calls: vec![call; calls],
        }
    }

    fn certified(to: u64) -> Notice {
        let (finalised, settled) = (Height(0), Height(0));
        Notice::Heights { certified: Height(to), finalised, settled }
    }

    #[test]
    fn calls_and_certificates_are_counted_from_one_look_to_the_next() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let tally = Tally::new(start);
        tally.count(&block(1, 3), at(0));
        tally.count(&block(2, 1), at(10));
        tally.count(&block(3, 5), at(15));
        tally.count(&certified(2), at(20));
        tally.count(&Notice::RolledBack { to: Height(2) }, at(30));
        let first = tally.rates(at(2_000));
        assert_eq!(first, Rates { calls_per_second: 4.5, certify_ms: Some(15.0) });
        tally.count(&certified(3), at(2_500));
        let second = tally.rates(at(3_000));
        assert_eq!(second, Rates { calls_per_second: 0.0, certify_ms: None }, "3 was taken back");
    }

    #[test]
    fn filter_lets_no_resource_and_no_event_through() {
        let filter = nothing();
        assert!(!filter.wants_event("0x44::payments::Paid"));
        assert!(!filter.wants_resource(&fairway_sdk::Address::ZERO, "0x2::vault::Vault"));
    }
}
