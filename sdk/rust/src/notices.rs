//! A subscription that goes on after a reconnect, where it stopped.

use std::time::Duration;

use fairway_api::{StateChannelApiClient, channel::Notice};
use fairway_types::{ChannelId, Height, subscription::Filter};
use jsonrpsee::core::client::Subscription;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{Connection, Error, place::Place};

const PAUSE: Duration = Duration::from_millis(200);
/// Pauses before another try, at most.
const MOST_PAUSES: u32 = 10;

/// After so long without a notice the node is asked whether it has more.
const QUIET: Duration = Duration::from_secs(30);

/// Notices of one channel, in log order: every block once, none left out, across reconnects and
/// after falling behind, unless the node itself has skipped some ([`Notice::Skipped`]). Blocks that
/// the node takes back are named by [`Notice::RolledBack`], also when that happened while there was no
/// connection; another snapshot follows when they were a part of the last one.
pub struct Notices {
    connection: Connection,
    channel: ChannelId,
    filter: Filter,
    place: Place,
    stream: Option<Subscription<Notice>>,
    /// The connection broke since the last subscription.
    broke: bool,
    /// Subscriptions in a row that were made for what was missing and brought no new block.
    detours: u32,
    /// When the next try to subscribe may be made, and how many failed before it.
    not_before: Instant,
    failures: u32,
    ended_by: Option<Error>,
}

impl Notices {
    pub(crate) async fn start(
        connection: Connection,
        channel: ChannelId,
        from: Option<Height>,
        filter: Filter,
    ) -> Result<Self, Error> {
        let place = Place::new(from, filter.wants_resources());
        let mut notices = Self {
            connection,
            channel,
            filter,
            place,
            stream: None,
            broke: false,
            detours: 0,
            not_before: Instant::now(),
            failures: 0,
            ended_by: None,
        };
        notices.subscribe().await?;
        Ok(notices)
    }

    /// Where another subscription would go on: the first height not delivered yet.
    #[must_use]
    pub fn cursor(&self) -> Option<Height> {
        self.place.next()
    }

    async fn subscribe(&mut self) -> Result<(), Error> {
        let from = self.place.resume(self.broke);
        let client = self.connection.client().await?;
        let stream = client.watch(self.channel, from, Some(self.filter.clone())).await;
        self.stream = Some(stream.map_err(|error| Error::of(self.connection.url(), error))?);
        self.broke = false;
        Ok(())
    }

    /// Why there are no more notices, once [`Notices::next`] has said so.
    #[must_use]
    pub fn ended_by(&self) -> Option<&Error> {
        self.ended_by.as_ref()
    }

    /// The next notice. Reconnects for as long as it takes; `None` when the node no longer runs the
    /// channel, or refuses to go on for another reason that lasts, such as a snapshot that has become too
    /// large ([`Notices::ended_by`]). Who stops waiting loses none.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            let Some(stream) = &mut self.stream else {
                sleep_until(self.not_before).await;
                match self.subscribe().await {
                    Ok(()) => self.failures = 0,
                    Err(error) if error.refusal().is_some_and(|no| !no.is_transient()) => {
                        self.ended_by = Some(error);
                        return None;
                    }
                    Err(_) => {
                        self.failures = self.failures.saturating_add(1);
                        self.pause(self.failures);
                    }
                }
                continue;
            };
            match timeout(QUIET, stream.next()).await {
                Ok(Some(Ok(notice))) => {
                    if let Some(notice) = self.take(notice) {
                        return Some(notice);
                    }
                }
                Ok(Some(Err(_)) | None) => {
                    (self.stream, self.broke) = (None, true);
                    self.pause(1);
                }
                Err(_) => self.look().await,
            }
        }
    }

    fn pause(&mut self, pauses: u32) {
        self.not_before = Instant::now() + PAUSE * pauses.min(MOST_PAUSES);
    }

    /// What a notice has to say, if it is new.
    fn take(&mut self, notice: Notice) -> Option<Notice> {
        if matches!(notice, Notice::Lagged { .. }) || self.place.is_ahead(&notice) {
            self.anew();
            return None;
        }
        if self.place.is_elsewhere(&notice) {
            let back = self.place.go_back();
            self.anew();
            return Some(back);
        }
        let known = self.place.next().is_some();
        if !self.place.take(&notice) {
            return None;
        }
        if matches!(notice, Notice::Block { .. }) {
            self.detours = 0;
        }
        if known && self.place.next().is_none() {
            // Blocks of the snapshot were taken back: another one takes its place.
            self.anew();
        }
        Some(notice)
    }

    /// Asks for what is missing: at once, then with pauses for as long as no new block comes of it.
    fn anew(&mut self) {
        self.stream = None;
        self.pause(self.detours);
        self.detours = self.detours.saturating_add(1);
    }

    /// That it lagged may not arrive: a node that has more than was shown is asked again.
    async fn look(&mut self) {
        let Some(next) = self.place.next() else { return };
        let channel = self.channel;
        let asked =
            self.connection.request(|client| async move { client.get(channel).await }).await;
        let head = asked.ok().and_then(|info| info.status).map(|status| status.head);
        if head.is_some_and(|head| head >= next) {
            self.stream = None;
        }
    }
}
