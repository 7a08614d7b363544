//! A subscription that goes on after a reconnect, where it stopped.

use std::time::Duration;

use fairway_api::{StateChannelApiClient, channel::Notice};
use fairway_types::{ChannelId, Hash, Height, Refusal, subscription::Filter};
use jsonrpsee::core::client::Subscription;

use crate::{Connection, Error};

const PAUSE: Duration = Duration::from_millis(200);

/// Notices of one channel, in log order: every block once, none left out, across reconnects and
/// after falling behind, unless the node itself has skipped some ([`Notice::Skipped`]). Blocks that the node takes back are named by [`Notice::RolledBack`], also
/// when that happened while there was no connection.
pub struct Notices {
    connection: Connection,
    channel: ChannelId,
    filter: Filter,
    /// The first height not delivered yet, once one is known.
    next: Option<Height>,
    /// The hash of the block before it, if this subscription has seen it.
    last: Option<Hash>,
    /// The last height that can't be taken back.
    finalised: Height,
    stream: Option<Subscription<Notice>>,
}

impl Notices {
    pub(crate) async fn start(
        connection: Connection,
        channel: ChannelId,
        from: Option<Height>,
        filter: Filter,
    ) -> Result<Self, Error> {
        let (last, finalised) = (None, Height::ZERO);
        let stream = None;
        let mut notices = Self { connection, channel, filter, next: from, last, finalised, stream };
        notices.stream = Some(notices.subscribe().await?);
        Ok(notices)
    }

    /// Where another subscription would go on: the first height not delivered yet.
    #[must_use]
    pub fn cursor(&self) -> Option<Height> {
        self.next
    }

    async fn subscribe(&self) -> Result<Subscription<Notice>, Error> {
        let client = self.connection.client().await?;
        client
            .watch(self.channel, self.next, Some(self.filter.clone()))
            .await
            .map_err(|error| Error::of(self.connection.url(), error))
    }

    /// The next notice. Reconnects for as long as it takes; `None` when the node no longer runs the
    /// channel.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            let Some(stream) = &mut self.stream else {
                match self.subscribe().await {
                    Ok(stream) => self.stream = Some(stream),
                    Err(Error::Refused(Refusal::ChannelNotFound { .. })) => return None,
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
                continue;
            };
            match stream.next().await {
                Some(Ok(Notice::Lagged { resume_from })) => {
                    let stuck = self.next == Some(resume_from);
                    self.next = Some(resume_from);
                    self.stream = None;
                    if stuck {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Some(Ok(notice)) if self.is_elsewhere(&notice) => {
                    self.stream = None;
                    return Some(self.go_back(self.finalised));
                }
                Some(Ok(notice)) => {
                    if self.take(&notice) {
                        return Some(notice);
                    }
                }
                Some(Err(_)) | None => {
                    self.stream = None;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Whether the block follows another one than this subscription has seen.
    fn is_elsewhere(&self, notice: &Notice) -> bool {
        let Notice::Block { height, parent, .. } = notice else { return false };
        self.next == Some(*height) && self.last.is_some_and(|last| last != *parent)
    }

    fn go_back(&mut self, to: Height) -> Notice {
        self.next = Some(to.next());
        self.last = None;
        Notice::RolledBack { to }
    }

    /// Whether the notice is new.
    fn take(&mut self, notice: &Notice) -> bool {
        let (height, hash) = match notice {
            Notice::Block { height, hash, .. } => (*height, Some(*hash)),
            Notice::Snapshot { height, .. } => (*height, None),
            Notice::Heights { finalised, .. } => {
                self.finalised = self.finalised.max(*finalised);
                return true;
            }
            Notice::RolledBack { to } => {
                self.go_back(*to);
                return true;
            }
            Notice::Skipped { to } => {
                // Not above it: a snapshot of that height follows.
                self.next = Some(*to);
                self.last = None;
                return true;
            }
            Notice::Lagged { .. } => return true,
        };
        if self.next.is_some_and(|next| height < next) {
            return false;
        }
        self.next = Some(height.next());
        self.last = hash;
        true
    }
}
