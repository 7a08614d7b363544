//! What a subscriber asks for, and what it is given.

use fairway_proto::{Event, Notification, Subscription, Update};
use fairway_types::{Height, subscription::Filter};

use super::Verdict;
use crate::check::{canonical, stable_json};

/// A filter over blocks: each is delivered once, in order, and nothing that the filter leaves out.
pub(super) fn filter(data: &[u8]) -> Verdict {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (text, rest) = data.split_at(end);
    let Some(filter) = stable_json::<Filter>(text) else { return Verdict::Refused };
    let events = rest.get(1..).and_then(canonical::<Vec<Event>>).unwrap_or_default();
    let mut subscription = Subscription::new(filter.clone(), Height(1));
    for event in events {
        let Event::Appended(appended) = event else { continue };
        let expected = subscription.cursor();
        let (block, effects) = (appended.block, appended.effects);
        let height = block.height();
        let given = subscription.on_update(&Update::Block { block, effects });
        assert_eq!(given.is_some(), height == expected, "block {height} at {expected}");
        assert!(!subscription.lacks_before(subscription.cursor()));
        if let Some(notification) = given {
            assert_eq!(subscription.cursor(), height.next());
            check(&filter, &notification);
        }
    }
    Verdict::Accepted
}

fn check(filter: &Filter, notification: &Notification) {
    let Notification::Block { changes, events, .. } = notification else {
        panic!("a block became {notification:?}");
    };
    assert!(events.iter().all(|event| filter.wants_event(&event.type_tag)));
    let wanted = |change: &fairway_proto::subscription::Change| {
        filter.wants_resource(&change.address, &change.type_tag)
    };
    assert!(changes.iter().all(wanted));
    let sorted = |a: &fairway_proto::subscription::Change, b: &_| key(a) < key(b);
    assert!(changes.is_sorted_by(sorted), "a resource changes twice in one block");
}

fn key(change: &fairway_proto::subscription::Change) -> (&fairway_types::Address, &str) {
    (&change.address, &change.type_tag)
}
