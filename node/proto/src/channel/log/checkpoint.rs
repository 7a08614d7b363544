//! Going on from a final block: what others need for it, and what this node takes over.

use std::{collections::BTreeMap, sync::Arc};

use fairway_state::State;
use fairway_types::{Block, Certificate, Height, StateKey};

use super::{Held, Log, Tip, registered};
use crate::{
    channel::{books, output::Adopted, quorum},
    checkpoint::{Checkpoint, Link, Passed},
};

/// Certificates looked at for one that makes a checkpoint.
const CHECKPOINT_TRIES: usize = 64;

impl Log {
    /// P-85: goes on from a final block above the head, whose state came from others. What this node
    /// signed and promised stays.
    pub(super) fn adopt(&mut self, adopted: &Adopted) {
        let Adopted { checkpoint, state, leavers } = adopted;
        let block = &checkpoint.block;
        let members = Arc::new(registered(state));
        self.entries.clear();
        self.bytes = 0;
        self.places = checkpoint
            .places()
            .map(|Passed { height, hash, term, base }| (height, Held { hash, term, base }))
            .collect();
        self.sets = BTreeMap::from([(checkpoint.lowest_base(), Arc::clone(&members))]);
        let leavers = leavers.iter().map(|left| (left.account, Arc::new(left.clone())));
        self.base = Some(Tip {
            height: block.height(),
            hash: block.hash(),
            time: block.header.time,
            state: state.clone(),
            members,
            leavers: Arc::new(leavers.collect()),
        });
        self.floor = Some(Arc::clone(block));
        self.term = self.term.max(block.header.term);
        self.certified = block.height();
        self.certificate = Some(checkpoint.certificate.clone());
        self.proof = Some(checkpoint.certificate.clone());
        self.finalised = block.height();
        self.finality = None;
        self.opened = None;
    }

    /// The block at `height`, while memory holds it.
    #[must_use]
    pub fn block(&self, height: Height) -> Option<&Arc<Block>> {
        let entry = self.entries.get(&height).map(|entry| &entry.block);
        entry.or(self.floor.as_ref().filter(|floor| floor.height() == height))
    }

    /// What others need to go on from a final block, and its state: of the last one about which they
    /// can tell who certifies what comes next. None while memory holds none.
    #[must_use]
    pub fn checkpoint(&self) -> Option<(Checkpoint, State)> {
        let carried = |top: &Certificate| self.block(top.ack.height)?.justification.clone();
        let mut tops = std::iter::successors(self.finality.clone(), carried);
        tops.by_ref().take(CHECKPOINT_TRIES).find_map(|top| {
            let by_all = quorum::is_complete(self, &top).then(|| self.checkpoint_at(&top, None));
            let by_two = || self.checkpoint_at(&carried(&top)?, Some(&top));
            by_all.flatten().or_else(by_two)
        })
    }

    /// A checkpoint of the certificate's block, which `finality` makes final, if it needs that.
    fn checkpoint_at(
        &self,
        certificate: &Certificate,
        finality: Option<&Certificate>,
    ) -> Option<(Checkpoint, State)> {
        let height = certificate.ack.height;
        let block = Arc::clone(self.block(height)?);
        let first = block.header.justified.max(Height(1));
        let before = self
            .between(first, height)?
            .map(|block| Link { header: block.header.clone(), opening: block.opening.clone() });
        let last = finality.unwrap_or(certificate).ack.height;
        let after = self.between(height.next(), last.next())?;
        let after = after.map(|block| block.header.clone()).collect();
        let state = self.tip_at(height)?.state;
        let newest = self.tip_at(last.previous().max(height))?.state;
        let checkpoint = Checkpoint {
            certificate: certificate.clone(),
            before: before.collect(),
            after,
            finality: finality.cloned(),
            registered: books::registered(&newest),
            proof: newest.prove(&StateKey::Registered),
            entries: state.len() as u64,
            block,
        };
        let here = checkpoint.block.header.channel;
        checkpoint.check_links(here).is_ok().then_some((checkpoint, state))
    }

    /// The blocks from `first` up to the one below `end`, if memory holds them all.
    fn between(&self, first: Height, end: Height) -> Option<impl Iterator<Item = &Arc<Block>>> {
        let mut heights = first.0..end.0;
        let all = heights.clone().all(|height| self.block(Height(height)).is_some());
        let blocks = std::iter::from_fn(move || self.block(Height(heights.next()?)));
        all.then_some(blocks)
    }
}
