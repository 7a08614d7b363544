//! Executed calls that somebody waits for: each once, by the height of its block.

use std::collections::{BTreeMap, BTreeSet};

use fairway_types::{Hash, Height};

use super::super::output::CallStatus;

#[derive(Debug, Default)]
pub(super) struct Hardening {
    blocks: BTreeMap<Height, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// Who waited for this status, or less, was answered.
    answered: CallStatus,
    /// Places in the block, and the calls there.
    calls: BTreeSet<(u32, Hash)>,
}

/// A block that has come further than who waits for its calls was told.
pub(super) struct Hardened {
    pub(super) height: Height,
    pub(super) status: CallStatus,
    /// Places in it, and the calls there.
    pub(super) calls: BTreeSet<(u32, Hash)>,
}

impl Hardening {
    /// Somebody waits for a call whose block has come to `status`, for more than that.
    pub(super) fn insert(&mut self, height: Height, status: CallStatus, place: (u32, Hash)) {
        let block = self.blocks.entry(height);
        let block = block.or_insert(Waiting { answered: status, calls: BTreeSet::new() });
        block.calls.insert(place);
    }

    /// Blocks that have come further than was answered, by what `status` says of each height.
    pub(super) fn take_hardened(&mut self, status: impl Fn(Height) -> CallStatus) -> Vec<Hardened> {
        let risen = |height: &Height, block: &mut Waiting| block.answered < status(*height);
        let risen = self.blocks.extract_if(.., risen);
        risen
            .map(|(height, block)| Hardened { height, status: status(height), calls: block.calls })
            .collect()
    }

    pub(super) fn retain(&mut self, waits: impl Fn(&Hash) -> bool) {
        self.blocks.retain(|_, block| {
            block.calls.retain(|(_, call)| waits(call));
            !block.calls.is_empty()
        });
    }

    /// Blocks above the height were taken back.
    pub(super) fn forget_above(&mut self, head: Height) {
        drop(self.blocks.split_off(&head.next()));
    }

    /// Every call, none of which is kept.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Hash> {
        let blocks = std::mem::take(&mut self.blocks).into_values();
        blocks.flat_map(|block| block.calls).map(|(_, call)| call)
    }

    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Calls that are waited for.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.blocks.values().map(|block| block.calls.len()).sum()
    }
}
