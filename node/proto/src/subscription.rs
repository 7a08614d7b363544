//! Subscriptions as a pure thing: which part of each update a subscriber sees, and where it
//! resumes.

use std::sync::Arc;

use fairway_types::{Address, Block, Effects, Hash, Height, MoveEvent, StateKey, Time};

pub use fairway_types::subscription::Filter;

use crate::channel::output::Update;

/// A resource after a block; no value when it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub address: Address,
    pub type_tag: Arc<str>,
    pub value: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    Block {
        height: Height,
        time: Time,
        /// The state after the block: the last write of each resource counts.
        changes: Vec<Change>,
        events: Vec<MoveEvent>,
        /// Calls of the block, with their place.
        calls: Vec<(Hash, u32)>,
    },
    Heights {
        certified: Height,
        finalised: Height,
        settled: Height,
    },
    /// Blocks above this height are taken back; others come in their place.
    RolledBack {
        to: Height,
        /// What is taken back is a part of the snapshot that the subscriber has: only another one gives
        /// it the state again.
        needs_snapshot: bool,
    },
    /// The node went on from a snapshot: the blocks up to this one are not shown.
    Skipped {
        to: Height,
    },
}

/// One subscriber's place in the log.
#[derive(Debug, Clone)]
pub struct Subscription {
    filter: Filter,
    next: Height,
    /// The height of the snapshot on which its subscriber builds, if there is any resource in it.
    snapshot: Option<Height>,
}

impl Subscription {
    /// Sees blocks from `next` on.
    #[must_use]
    pub fn new(filter: Filter, next: Height) -> Self {
        Self { filter, next, snapshot: None }
    }

    /// The subscriber was given a snapshot of this height: it sees the blocks above it.
    pub fn give_snapshot(&mut self, height: Height) {
        self.next = height.next();
        self.snapshot = self.filter.wants_resources().then_some(height);
    }

    /// What the subscriber wants to see.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The first height not delivered yet: where a reconnected client resumes.
    #[must_use]
    pub fn cursor(&self) -> Height {
        self.next
    }

    /// P-60: blocks are delivered in order, without gaps, each once unless it is taken back or passed
    /// over by a snapshot, which the subscriber is told; a block further ahead is not taken, so that the shell reads what lies
    /// between from the store.
    pub fn on_update(&mut self, update: &Update) -> Option<Notification> {
        match update {
            Update::Block { block, effects } => {
                if block.height() != self.next {
                    return None;
                }
                self.next = self.next.next();
                Some(self.block(block, effects))
            }
            Update::Heights { certified, finalised, settled, .. } => Some(Notification::Heights {
                certified: *certified,
                finalised: *finalised,
                settled: *settled,
            }),
            Update::RolledBack { to } => {
                let seen = self.next > to.next();
                self.next = self.next.min(to.next());
                let needs_snapshot = self.snapshot.is_some_and(|snapshot| *to < snapshot);
                seen.then_some(Notification::RolledBack { to: *to, needs_snapshot })
            }
            Update::Adopted { height } => {
                let lacks = self.next <= *height;
                self.next = self.next.max(height.next());
                lacks.then_some(Notification::Skipped { to: *height })
            }
            Update::Judged(_) => None,
        }
    }

    /// Whether `height` can't be delivered before blocks that this subscriber has not seen.
    #[must_use]
    pub fn lacks_before(&self, height: Height) -> bool {
        height > self.next
    }

    fn block(&self, block: &Block, effects: &[Effects]) -> Notification {
        let changes = crate::channel::execution::merged_writes(effects)
            .into_iter()
            .filter_map(|write| match write.key {
                StateKey::Resource { address, type_tag } => {
                    Some(Change { address, type_tag, value: write.value })
                }
                StateKey::Sequence(_)
                | StateKey::Member(_)
                | StateKey::Departed(_)
                | StateKey::Locked
                | StateKey::Closed
                | StateKey::Settled
                | StateKey::Module { .. }
                | StateKey::Package(_)
                | StateKey::Entered
                | StateKey::Ticked
                | StateKey::Registered
                | StateKey::Counted
                | StateKey::Result
                | StateKey::Sessions(_) => None,
            })
            .filter(|change| self.filter.wants_resource(&change.address, &change.type_tag))
            .collect();
        let events = effects
            .iter()
            .flat_map(|effects| &effects.events)
            .filter(|event| self.filter.wants_event(&event.type_tag))
            .cloned()
            .collect();
        let calls = (0u32..)
            .zip(&block.transactions)
            .filter_map(|(index, transaction)| Some((transaction.as_call()?.hash(), index)))
            .collect();
        let time = block.header.time;
        Notification::Block { height: block.height(), time, changes, events, calls }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rolled_back(subscription: &mut Subscription, to: u64) -> Option<(Height, bool)> {
        match subscription.on_update(&Update::RolledBack { to: Height(to) })? {
            Notification::RolledBack { to, needs_snapshot } => Some((to, needs_snapshot)),
            other @ (Notification::Block { .. }
            | Notification::Heights { .. }
            | Notification::Skipped { .. }) => panic!("{other:?}"),
        }
    }

    #[test]
    fn roll_back_below_the_snapshot_needs_another_one() {
        let mut subscription = Subscription::new(Filter::default(), Height(1));
        subscription.give_snapshot(Height(7));
        assert_eq!(subscription.cursor(), Height(8));
        assert_eq!(rolled_back(&mut subscription, 7), None, "it has seen nothing above");
        assert_eq!(rolled_back(&mut subscription, 5), Some((Height(5), true)));
        assert_eq!(subscription.cursor(), Height(6));
        subscription.give_snapshot(Height(6));
        assert_eq!(rolled_back(&mut subscription, 6), None);
        assert_eq!(rolled_back(&mut subscription, 4), Some((Height(4), true)));
    }

    #[test]
    fn who_has_no_resources_of_a_snapshot_needs_no_other() {
        let mut from_height = Subscription::new(Filter::default(), Height(8));
        assert_eq!(rolled_back(&mut from_height, 5), Some((Height(5), false)));
        let filter = Filter { resource_types: vec!["-".into()], ..Filter::default() };
        let mut events_alone = Subscription::new(filter, Height(1));
        events_alone.give_snapshot(Height(7));
        assert_eq!(rolled_back(&mut events_alone, 5), Some((Height(5), false)));
    }
}
