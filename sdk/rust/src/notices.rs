//! A subscription that goes on after a reconnect, where it stopped.

use std::time::Duration;

use fairway_api::{StateChannelApiClient, channel::Notice};
use fairway_types::{ChannelId, Hash, Height, Refusal, subscription::Filter};
use jsonrpsee::core::client::Subscription;

use crate::{Connection, Error};

const PAUSE: Duration = Duration::from_millis(200);

/// Notices of one channel, in log order: every block once, none left out, across reconnects and
/// after falling behind, unless the node itself has skipped some ([`Notice::Skipped`]). Blocks that
/// the node takes back are named by [`Notice::RolledBack`], also when that happened while there was no
/// connection; another snapshot follows when they were a part of the last one.
pub struct Notices {
    connection: Connection,
    channel: ChannelId,
    filter: Filter,
    /// The first height not delivered yet, once one is known.
    next: Option<Height>,
    /// The hash of the block before it, if this subscription has seen it.
    last: Option<Hash>,
    /// The height of the last snapshot, if resources were asked for.
    snapshot: Option<Height>,
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
        let mut notices = Self::at(connection, channel, from, filter);
        notices.stream = Some(notices.subscribe().await?);
        Ok(notices)
    }

    fn at(
        connection: Connection,
        channel: ChannelId,
        next: Option<Height>,
        filter: Filter,
    ) -> Self {
        let (last, snapshot, finalised, stream) = (None, None, Height::ZERO, None);
        Self { connection, channel, filter, next, last, snapshot, finalised, stream }
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

    /// To the block after `to`, or to another snapshot when the last one was of a higher block.
    fn go_back(&mut self, to: Height) -> Notice {
        let within = self.snapshot.is_none_or(|snapshot| snapshot <= to);
        self.next = within.then(|| to.next());
        self.last = None;
        Notice::RolledBack { to }
    }

    /// Whether the notice is new.
    fn take(&mut self, notice: &Notice) -> bool {
        let (height, hash) = match notice {
            Notice::Block { height, hash, .. } => (*height, Some(*hash)),
            Notice::Snapshot { height, hash, .. } => (*height, Some(*hash)),
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
        if matches!(notice, Notice::Snapshot { .. }) {
            self.snapshot = self.filter.wants_resources().then_some(height);
        }
        self.next = Some(height.next());
        self.last = hash;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(resource_types: &[&str]) -> Notices {
        let resource_types = resource_types.iter().map(|&ty| ty.to_owned()).collect();
        let filter = Filter { resource_types, ..Filter::default() };
        Notices::at(Connection::new("ws://127.0.0.1:1"), ChannelId([1; 32]), None, filter)
    }

    fn snapshot(height: u64, hash: u8) -> Notice {
        let (height, hash, state_root) = (Height(height), Hash([hash; 32]), Hash::ZERO);
        Notice::Snapshot { height, hash, state_root, resources: Vec::new() }
    }

    fn block(height: u64, parent: u8, hash: u8) -> Notice {
        Notice::Block {
            height: Height(height),
            hash: Hash([hash; 32]),
            parent: Hash([parent; 32]),
            time: fairway_types::Time(1),
            state_root: Hash::ZERO,
            changes: Vec::new(),
            events: Vec::new(),
            calls: Vec::new(),
        }
    }

    #[test]
    fn block_that_does_not_follow_the_snapshot_is_of_another_branch() {
        let mut notices = notices(&[]);
        assert!(notices.take(&snapshot(7, 0x77)));
        assert!(!notices.is_elsewhere(&block(8, 0x77, 0x88)));
        assert!(notices.is_elsewhere(&block(8, 0x76, 0x88)));
        assert_eq!(notices.go_back(Height(5)), Notice::RolledBack { to: Height(5) });
        assert_eq!(notices.cursor(), None, "it begins with another snapshot");
        assert!(notices.take(&snapshot(6, 0x66)) && notices.take(&block(7, 0x66, 0x78)));
        notices.go_back(Height(6));
        assert_eq!(notices.cursor(), Some(Height(7)), "the snapshot holds");
    }

    #[test]
    fn node_that_takes_back_a_part_of_the_snapshot_shows_another_one() {
        let mut notices = notices(&[]);
        assert!(notices.take(&snapshot(7, 0x77)));
        for notice in [
            Notice::RolledBack { to: Height(5) },
            Notice::Skipped { to: Height(5) },
            snapshot(5, 0x55),
            block(6, 0x55, 0x66),
        ] {
            assert!(!notices.is_elsewhere(&notice) && notices.take(&notice), "{notice:?}");
        }
        assert_eq!(notices.cursor(), Some(Height(7)));
    }

    #[test]
    fn subscriber_to_events_alone_goes_back_to_blocks() {
        let mut notices = notices(&["-"]);
        assert!(notices.take(&snapshot(7, 0x77)));
        notices.go_back(Height(5));
        assert_eq!(notices.cursor(), Some(Height(6)));
    }
}
