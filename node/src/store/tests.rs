#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::PathBuf};

use fairway_proto::channel::snapshot::Point;
use fairway_state::{
    State,
    parts::{Listing, Part},
};
use fairway_types::{Address, StateKey, Write};

use super::*;
use crate::earlier::Earlier;

impl Earlier {
    fn data(&self, node: usize) -> PathBuf {
        self.node(node).join("data")
    }

    fn head(&self) -> Height {
        Height(self.number("head"))
    }

    fn open(&self, node: usize) -> ChannelStore {
        let channel = self.text("channel").parse().unwrap();
        Store::open(&self.data(node)).unwrap().channel(channel)
    }

    /// The log is the one that was stored, and its state after every kept block can be had.
    fn check(&self, node: usize) {
        let store = self.open(node);
        let (log, writer) = store.recover().unwrap();
        let tip = log.tip().unwrap();
        assert_eq!(tip.height, self.head());
        assert_eq!(tip.hash.to_string(), self.text("head_hash"));
        assert_eq!(tip.state.root().to_string(), self.text("state_root"));
        assert_eq!(writer.pruned().0, self.expected["pruned"][node].as_u64().unwrap());
        assert_eq!(store.oldest().unwrap(), writer.pruned());
        let first = writer.pruned().0;
        let roots = states(&store, first..=self.head().0);
        assert_eq!(*roots.last().unwrap(), tip.state.root());
    }
}

/// The state roots after these blocks, each from the nearest snapshot, and from the block before.
fn states(store: &ChannelStore, heights: std::ops::RangeInclusive<u64>) -> Vec<Hash> {
    let mut near: Option<Point> = None;
    let mut roots = Vec::new();
    for height in heights.map(Height) {
        let point = store.point(height, None).unwrap();
        let next = store.point(height, near.as_ref()).unwrap();
        assert_eq!((point.hash, point.state.root()), (next.hash, next.state.root()));
        if let Some(appended) = store.block(height).unwrap() {
            assert_eq!(point.hash, appended.block.hash());
            assert_eq!(point.state.root(), appended.block.header.state_root);
        }
        roots.push(point.state.root());
        near = Some(next);
    }
    roots
}

#[test]
fn data_of_format_8_opens_with_its_log_and_the_states_of_its_blocks() {
    let earlier = Earlier::unpack();
    for node in [0, 1] {
        earlier.check(node);
        earlier.check(node);
    }
    let above = earlier.open(1).point(earlier.head().next(), None).unwrap_err();
    assert!(matches!(above, Refusal::NotFound { .. }), "{above}");
}

/// A power cut in the middle of the upgrade leaves a part of its write: at whatever byte, the folder
/// holds the one format or the other.
#[test]
fn upgrade_that_is_cut_off_anywhere_harms_nothing() {
    let earlier = Earlier::unpack();
    let log = |data: &std::path::Path| {
        let files = fs::read_dir(data).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|end| end == "log")).max().unwrap()
    };
    let before = earlier.data(0);
    drop(Database::open(&before, Format { version: 8, ..FORMAT }).unwrap());
    drop(Store::open(&before).unwrap());
    let written = fs::metadata(log(&before)).unwrap().len();
    assert!(written > 1_000, "the upgrade is what the write-ahead log holds");
    let mut upgraded = 0;
    for tenth in 0..=10 {
        let cut = Earlier::unpack();
        let data = cut.data(0);
        drop(Database::open(&data, Format { version: 8, ..FORMAT }).unwrap());
        drop(Store::open(&data).unwrap());
        let file = fs::OpenOptions::new().write(true).open(log(&data)).unwrap();
        file.set_len(written * tenth / 10).unwrap();
        drop(file);
        let old = Database::open(&data, Format { version: 8, ..FORMAT });
        upgraded += usize::from(old.is_err());
        drop(old);
        cut.check(0);
    }
    assert_eq!(upgraded, 1, "only the whole write counts");
}

#[test]
fn folder_of_a_later_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let later = Format { version: FORMAT.version + 1, ..FORMAT };
    drop(Database::open(folder.path(), later).unwrap());
    let error = Store::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("holds node data of version 10"), "{error}");
    assert!(error.contains("reads node data of version 9"), "{error}");
}

/// The events of the node that kept all of them go into a new folder, with a snapshot after every
/// third one, while blocks are pruned behind the head.
#[test]
fn state_after_every_kept_block_survives_pruning() {
    let earlier = Earlier::unpack();
    let all = earlier.open(1);
    let roots = states(&all, 0..=earlier.head().0);
    let events = all.database.scan("events", all.channel.as_bytes(), &all.key(0), 10_000).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap().channel(all.channel);
    let (mut log, mut writer) = store.recover().unwrap();
    let mut kept = 0;
    for (place, (_, bytes)) in events.iter().enumerate() {
        let event: Event = decoded(all.channel, bytes).unwrap();
        log.apply(&event);
        writer.append(&[event], false).unwrap();
        if place % 3 == 0 {
            writer.take_snapshot(&log).unwrap();
        }
        let before = writer.pruned();
        writer.prune(Height(log.finalised().0.saturating_sub(3)), &log).unwrap();
        kept = kept.max(store.spans().unwrap().0.len());
        if writer.pruned() == before {
            continue;
        }
        let (again, _) = store.recover().unwrap();
        assert_eq!(again.digest(), log.digest());
        let range = writer.pruned().0..=log.head().0;
        let expected = &roots[usize::try_from(*range.start()).unwrap()..][..range.clone().count()];
        assert_eq!(states(&store, range), expected);
        assert_eq!(store.oldest().unwrap(), writer.pruned());
        let gone = store.check_kept(writer.pruned()).unwrap_err();
        assert!(matches!(gone, Refusal::Pruned { .. }), "{gone}");
    }
    assert!(writer.pruned().0 > 5 && kept > 2, "{} pruned, {kept} snapshots", writer.pruned());
    assert!(store.spans().unwrap().0.len() < events.len() / 3, "those below are gone");
}

/// Session keys of format 8 went by other rules: what is here could not be executed again.
#[test]
fn data_of_format_8_with_session_keys_is_refused_and_stays_as_it_is() {
    let earlier = Earlier::unpack();
    let data = earlier.data(1);
    let database = Database::open(&data, Format { version: 8, ..FORMAT }).unwrap();
    let channel: ChannelId = earlier.text("channel").parse().unwrap();
    let events = database.scan("events", channel.as_bytes(), channel.as_bytes(), 10_000).unwrap();
    let delegated = events.iter().rev().find_map(|(key, bytes)| {
        let Event::Appended(mut appended) = decoded(channel, bytes).ok()? else { return None };
        let mut effects = appended.effects.to_vec();
        let writes = &mut effects.first_mut()?.writes;
        writes.push(Write { key: StateKey::Sessions(Address::from_low(1)), value: Some(vec![0]) });
        appended.effects = Arc::new(effects);
        Some((key.clone(), codec::encode(&Event::Appended(appended))))
    });
    let (key, event) = delegated.unwrap();
    let mut batch = Batch::default();
    batch.put("events", key, event);
    database.write(batch, true).unwrap();
    drop(database);
    for _ in 0..2 {
        let refused = Store::open(&data).err().unwrap().to_string();
        assert!(refused.contains("has session keys"), "{refused}");
    }
}

/// A node that kept all and took a snapshot in place of blocks: they are nowhere, and no hindrance.
#[test]
fn blocks_that_were_never_here_do_not_stop_pruning() {
    let earlier = Earlier::unpack();
    let store = earlier.open(1);
    let mut batch = Batch::default();
    (1..=5u64).for_each(|height| batch.delete("blocks", store.key(height)));
    store.database.write(batch, false).unwrap();
    let (log, mut writer) = store.recover().unwrap();
    writer.take_snapshot(&log).unwrap();
    for (to, pruned) in [(3, 3), (5, 5), (8, 8)] {
        writer.prune(Height(to), &log).unwrap();
        assert_eq!(store.pruned().unwrap(), Height(pruned));
    }
}

#[test]
fn who_reads_a_snapshot_that_is_let_go_may_try_again() {
    let earlier = Earlier::unpack();
    let store = earlier.open(0);
    let index = store.spans().unwrap().last().unwrap();
    let forget = |family| {
        let mut batch = Batch::default();
        batch.delete(family, store.key(index));
        store.database.write(batch, false).unwrap();
    };
    forget("snapshots");
    let damaged = store.snapshot(index).unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
    forget("spans");
    let changed = Refusal::from(store.snapshot(index).unwrap_err());
    assert!(matches!(changed, Refusal::Busy { .. }), "{changed}");
}

#[test]
fn kept_parts_come_back_until_they_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let one = store.channel(ChannelId([1; 32]));
    let other = store.channel(ChannelId([2; 32]));
    let (_, writer) = one.recover().unwrap();
    let entry = |n: u32| {
        let key = StateKey::resource(Address::from_low(1), format!("0x42::a::T{n}"));
        (key, vec![7; 40_000].into())
    };
    let state = State::from_entries((0..400).map(entry));
    let listing = Listing::of(&state);
    let mut assembly = fairway_state::parts::Assembly::new(state.root());
    while let Some(prefix) = { assembly.missing().next() } {
        let part = listing.part(prefix).unwrap();
        if let Part::Entries(entries) = &part {
            writer.keep_part(prefix, entries).unwrap();
        }
        assembly.insert(prefix, part).unwrap();
    }
    assert!(assembly.progress().0 > PARTS, "more than a page");
    assert_eq!(other.parts().unwrap(), []);
    let kept = one.parts().unwrap();
    assert_eq!(State::from_entries(kept).root(), state.root());
    writer.forget_parts().unwrap();
    assert_eq!(one.parts().unwrap(), []);
}
