//! A log as one value: what a node stores now and then, so that a restart replays only the events
//! after it.

use std::{collections::BTreeMap, sync::Arc};

use fairway_state::State;
use fairway_types::{
    Block, Certificate, Effects, Epoch, Hash, Height, Promise, SignedAck, StateKey, Term, Time,
    Write,
    chain::{ChannelRecord, EpochGrant, MemberRecord},
    evidence::Evidence,
    settlement::{SignedProposal, SignedVote},
};
use serde::{Deserialize, Serialize};

use super::{
    execution::Start,
    log::{Held, Log, Opened, Tip, by_node, genesis_hash, records},
    output::{Appended, Event},
};

/// Everything [`Log`] holds. Opaque: made by [`Log::snapshot`], turned back by [`Log::restore`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    pub(super) genesis: Option<(Box<ChannelRecord>, Vec<Write>)>,
    /// The point below the blocks in memory, when it is not genesis.
    pub(super) base: Option<Base>,
    pub(super) blocks: Vec<KeptBlock>,
    pub(super) durable: Durable,
}

/// What of a log is plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Durable {
    pub(super) grants: BTreeMap<Epoch, EpochGrant>,
    pub(super) term: Term,
    pub(super) certified: Height,
    pub(super) certificate: Option<Certificate>,
    pub(super) proof: Option<Certificate>,
    pub(super) places: BTreeMap<Height, Held>,
    pub(super) sets: Vec<(Height, Vec<MemberRecord>)>,
    pub(super) finalised: Height,
    pub(super) finality: Option<Certificate>,
    pub(super) promise: Option<Promise>,
    pub(super) tail_lost: bool,
    pub(super) silent_to: Option<Term>,
    pub(super) acked: Option<SignedAck>,
    pub(super) acked_to: Height,
    pub(super) opened: Option<Opened>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) proposal: Option<SignedProposal>,
    pub(super) votes: BTreeMap<Hash, SignedVote>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Base {
    height: Height,
    hash: Hash,
    time: Time,
    entries: Vec<Write>,
    members: Vec<MemberRecord>,
    leavers: Vec<MemberRecord>,
    block: Option<Arc<Block>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptBlock {
    block: Arc<Block>,
    effects: Arc<Vec<Effects>>,
    certificate: Option<Certificate>,
}

impl Base {
    fn of(tip: &Tip, block: Option<&Arc<Block>>) -> Self {
        Self {
            height: tip.height,
            hash: tip.hash,
            time: tip.time,
            entries: writes(&tip.state),
            members: records(&tip.members),
            leavers: tip.leavers.values().map(|member| (**member).clone()).collect(),
            block: block.cloned(),
        }
    }

    fn tip(self) -> Tip {
        let leavers = self.leavers.into_iter().map(|left| (left.account, Arc::new(left)));
        Tip {
            height: self.height,
            hash: self.hash,
            time: self.time,
            state: State::default().with_writes(&self.entries),
            members: by_node(self.members),
            leavers: Arc::new(leavers.collect()),
        }
    }
}

/// A state as the writes that make it.
pub(super) fn writes(state: &State) -> Vec<Write> {
    let write = |(key, value): (&StateKey, &Arc<[u8]>)| Write {
        key: key.clone(),
        value: Some(value.to_vec()),
    };
    state.entries().map(write).collect()
}

/// What is known after a block, or after genesis, without replaying what led to it: all that executing
/// the next block needs.
#[derive(Debug, Clone)]
pub struct Point {
    pub height: Height,
    pub hash: Hash,
    pub time: Time,
    pub state: State,
}

impl Point {
    /// The point that the chain's record and what genesis wrote give.
    #[must_use]
    pub fn genesis(record: &ChannelRecord, writes: &[Write]) -> Self {
        let state = State::default().with_writes(writes);
        let hash = genesis_hash(record, state.root());
        Self { height: Height::ZERO, hash, time: Time::ZERO, state }
    }

    /// Where the next block begins.
    #[must_use]
    pub fn start(&self) -> Start<'_> {
        Start { height: self.height, hash: self.hash, state: &self.state }
    }
}

impl From<&Tip> for Point {
    fn from(tip: &Tip) -> Self {
        Self { height: tip.height, hash: tip.hash, time: tip.time, state: tip.state.clone() }
    }
}

impl Snapshot {
    /// The channel's record as genesis took it.
    #[must_use]
    pub fn record(&self) -> Option<&ChannelRecord> {
        self.genesis.as_ref().map(|(record, _)| &**record)
    }

    /// The heights of which it holds the state for good, the first and the last: what lies above may
    /// have been taken back since.
    #[must_use]
    pub fn span(&self) -> (Height, Height) {
        let base = self.base.as_ref().map_or(Height::ZERO, |base| base.height);
        let head = self.blocks.last().map_or(base, |kept| kept.block.height());
        (base, self.durable.finalised.min(head))
    }

    /// The lowest point that it holds, and the blocks after it with their effects.
    #[must_use]
    pub fn unfold(self) -> Option<(Point, Vec<Appended>)> {
        let (record, writes) = self.genesis?;
        let point = match self.base {
            Some(base) => Point {
                height: base.height,
                hash: base.hash,
                time: base.time,
                state: State::default().with_writes(&base.entries),
            },
            None => Point::genesis(&record, &writes),
        };
        let blocks = self.blocks.into_iter().map(|KeptBlock { block, effects, .. }| Appended {
            block,
            effects,
            state: None,
            calls: None,
        });
        Some((point, blocks.collect()))
    }
}

impl Log {
    /// The log as one value.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let genesis = self
            .genesis()
            .map(|genesis| (Box::new(genesis.record.clone()), writes(&genesis.tip.state)));
        let blocks = self.entries_from(Height::ZERO).map(|entry| KeptBlock {
            block: Arc::clone(&entry.block),
            effects: Arc::clone(&entry.effects),
            certificate: entry.certificate.clone(),
        });
        let base = self.base().filter(|tip| tip.height > Height::ZERO);
        let base = base.map(|tip| Base::of(tip, self.floor()));
        Snapshot { genesis, base, blocks: blocks.collect(), durable: self.durable() }
    }

    /// The log a snapshot was made of.
    #[must_use]
    pub fn restore(snapshot: Snapshot) -> Self {
        let mut log = Self::default();
        if let Some((record, writes)) = snapshot.genesis {
            log.apply(&Event::Started { record, writes });
        }
        if let Some(mut base) = snapshot.base {
            let block = base.block.take();
            log.set_base(base.tip(), block);
        }
        let mut certificates = Vec::new();
        for kept in snapshot.blocks {
            let height = kept.block.height();
            certificates.extend(kept.certificate.map(|certificate| (height, certificate)));
            let appended =
                Appended { block: kept.block, effects: kept.effects, state: None, calls: None };
            log.apply(&Event::Appended(appended));
        }
        log.set_durable(snapshot.durable, certificates);
        log
    }
}
