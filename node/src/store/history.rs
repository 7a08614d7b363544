//! The state after any kept block: of the nearest snapshot below it and what the blocks in between
//! wrote. Needs no VM, and changes nothing.

use std::collections::BTreeMap;

use fairway_proto::{
    Event,
    channel::{
        execution::merged_writes,
        output::Appended,
        snapshot::{Point, Snapshot},
    },
};
use fairway_types::{Hash, Height, Refusal, StateKey, Write, chain::ChannelRecord};

use super::{ChannelStore, RETRY_AFTER, StoreError, decoded};

/// Writes collected before they enter the state: fewer of them change the tree's upper nodes again.
const WRITES_AT_ONCE: usize = 16_384;
/// Events looked through for genesis, which is among a log's first.
const FIRST_EVENTS: usize = 16;
impl ChannelStore {
    /// The state after the block at `height`, which is kept, or after genesis. It costs the blocks since
    /// the nearest snapshot at or below it, or since `near` if that is nearer.
    ///
    /// # Errors
    /// `pruned` below what is kept, `not_found` above the head, `busy` when the log leaves a branch
    /// meanwhile.
    pub fn point(&self, height: Height, near: Option<&Point>) -> Result<Point, Refusal> {
        let (mut point, blocks) = self.foothold(height, near)?;
        let mut root = None;
        let mut walk = Walk::default();
        for appended in &blocks {
            root = Some(walk.step(&mut point, appended)?);
        }
        while point.height < height {
            let next = point.height.next();
            let appended = self.block(next)?.ok_or_else(|| self.lacking(next, height))?;
            root = Some(walk.step(&mut point, &appended)?);
        }
        walk.finish(&mut point);
        match root.filter(|root| *root != point.state.root()) {
            Some(root) => Err(self.wrong(height, root, point.state.root()).into()),
            None => Ok(point),
        }
    }

    /// The lowest height of which the state can be had.
    pub fn oldest(&self) -> Result<Height, StoreError> {
        let pruned = self.pruned()?;
        if pruned == Height::ZERO {
            return Ok(pruned);
        }
        let spans = self.spans()?;
        let is_held = spans.nearest(pruned).is_some_and(|(_, from)| from == pruned);
        Ok(if is_held { pruned } else { spans.above(pruned).unwrap_or(pruned) })
    }

    /// The newest block that is found; zero for none.
    pub fn head(&self) -> Result<Height, StoreError> {
        let newest = self.database.last("blocks", self.channel.as_bytes(), &self.end())?;
        let Some((key, _)) = newest else { return Ok(Height::ZERO) };
        let height = key.last_chunk().ok_or_else(|| self.damaged("a block's height"))?;
        Ok(Height(u64::from_be_bytes(*height)))
    }

    /// The chain's record that genesis was made of.
    pub fn genesis_record(&self) -> Result<Option<ChannelRecord>, StoreError> {
        if let Some(index) = self.spans()?.last() {
            return Ok(self.snapshot(index)?.record().cloned());
        }
        Ok(self.started()?.map(|started| *started.record))
    }

    /// A point at or below `height`, and blocks that follow it.
    fn foothold(
        &self,
        height: Height,
        near: Option<&Point>,
    ) -> Result<(Point, Vec<Appended>), Refusal> {
        let spans = self.spans()?;
        let nearest = spans.nearest(height);
        let is_near = |point: &&Point| {
            point.height <= height && nearest.is_none_or(|(_, from)| from <= point.height)
        };
        if let Some(point) = near.filter(is_near).filter(|point| self.goes_through(point)) {
            return Ok((point.clone(), Vec::new()));
        }
        let damaged = || Refusal::from(self.damaged("a log without genesis"));
        match nearest {
            Some((index, from)) => {
                let (point, mut blocks) = self.snapshot(index)?.unfold().ok_or_else(damaged)?;
                blocks.retain(|appended| appended.block.height() <= from);
                Ok((point, blocks))
            }
            None => {
                let started = self.started()?.ok_or_else(|| self.lacking(Height(1), height))?;
                Ok((Point::genesis(&started.record, &started.writes), Vec::new()))
            }
        }
    }

    /// Whether the block at the point is still the log's.
    fn goes_through(&self, point: &Point) -> bool {
        let block = self.block(point.height);
        block.is_ok_and(|block| block.is_some_and(|block| block.block.hash() == point.hash))
    }

    pub(super) fn snapshot(&self, index: u64) -> Result<Snapshot, StoreError> {
        match self.database.get("snapshots", &self.key(index))? {
            Some(bytes) => decoded(self.channel, &bytes),
            None if self.spans()?.0.contains_key(&index) => Err(self.damaged("a missing snapshot")),
            None => Err(StoreError::Changed { channel: self.channel }),
        }
    }

    /// Genesis, as long as its event is kept.
    fn started(&self) -> Result<Option<Started>, StoreError> {
        let key = self.key(0);
        let events = self.database.scan("events", self.channel.as_bytes(), &key, FIRST_EVENTS)?;
        for (_, bytes) in events {
            if let Event::Started { record, writes } = decoded(self.channel, &bytes)? {
                return Ok(Some(Started { record, writes }));
            }
        }
        Ok(None)
    }

    /// Why the state after `height` can't be had without the block at `missing`.
    fn lacking(&self, missing: Height, height: Height) -> Refusal {
        let above = match self.check_kept(missing) {
            Ok(()) => return Refusal::not_found(format!("block {height}")),
            Err(Refusal::Pruned { above, .. }) => above,
            Err(refusal) => return refusal,
        };
        let first = self.spans().ok().and_then(|spans| spans.above(height));
        let above = first.map_or(above, |first| first.previous()).max(above);
        Refusal::Pruned { what: format!("the state after block {height}"), above }
    }

    fn wrong(&self, height: Height, signed: Hash, found: Hash) -> StoreError {
        let reason = format!(
            "what is stored leads to state {found} after block {height}, whose leader signed {signed}"
        );
        StoreError::Damaged { channel: self.channel, reason }
    }
}

/// What the log began with.
struct Started {
    record: Box<ChannelRecord>,
    writes: Vec<Write>,
}

/// What blocks wrote that is not in the state yet.
#[derive(Default)]
struct Walk {
    writes: BTreeMap<StateKey, Option<Vec<u8>>>,
}

impl Walk {
    /// Takes the next block; the state root that its leader signed.
    fn step(&mut self, point: &mut Point, appended: &Appended) -> Result<Hash, Refusal> {
        let header = &appended.block.header;
        if header.parent != point.hash {
            return Err(Refusal::busy("a change of branch", RETRY_AFTER));
        }
        let writes = merged_writes(&appended.effects);
        self.writes.extend(writes.into_iter().map(|write| (write.key, write.value)));
        (point.height, point.hash, point.time) =
            (header.height, appended.block.hash(), header.time);
        if self.writes.len() > WRITES_AT_ONCE {
            self.finish(point);
        }
        Ok(header.state_root)
    }

    fn finish(&mut self, point: &mut Point) {
        let writes = std::mem::take(&mut self.writes).into_iter();
        let writes: Vec<Write> = writes.map(|(key, value)| Write { key, value }).collect();
        point.state.apply(&writes);
    }
}
