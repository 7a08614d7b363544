//! What was signed and sent so far, and what each correct member keeps on its disk.
//!
//! Nothing that was sent is ever taken back, and whoever acts picks any of it: so messages are late,
//! lost, doubled and out of order by nature. A member that is down does nothing; one that comes back
//! goes on from its disk. What it had not stored before its last signature changed nothing outside,
//! so losing it leads to a state that is reached anyhow.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
};

use crate::bounds::{Bounds, Member};

/// Names a block by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub u64);

pub const GENESIS: BlockId = BlockId(0);

/// The certificates in a term's first block. Which promises it carries makes no difference to anybody
/// who checked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opening {
    /// The blocks of the certificates that the term goes on from.
    pub base: Option<BlockId>,
    pub proof: Option<BlockId>,
    /// The term of the first block that supersedes the certificates, if one does.
    pub supersedes: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    pub height: u8,
    pub term: u8,
    pub parent: BlockId,
    pub opening: Option<Opening>,
    /// The certificate it carries.
    pub justified: Option<Certified>,
    /// Tells two blocks of a liar apart.
    pub twin: bool,
    pub id: BlockId,
}

impl Block {
    /// The block with its id.
    #[must_use]
    pub fn named(self) -> Self {
        let mut hasher = DefaultHasher::new();
        Self { id: GENESIS, ..self }.hash(&mut hasher);
        Self { id: BlockId(hasher.finish() | 1), ..self }
    }

    #[must_use]
    pub fn rank(&self) -> (u8, u8) {
        (self.term, self.height)
    }
}

/// A certificate: of the valid members, or of a registered quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Certified {
    pub block: BlockId,
    pub registered: bool,
}

/// What a member says when it leaves for a term.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Promise {
    pub term: u8,
    pub proof: Option<BlockId>,
    pub certificate: Option<BlockId>,
    /// Blocks with their terms, upwards from the certificate.
    pub acked: Vec<(BlockId, u8)>,
}

/// What a correct member keeps on its disk, with all that it ever signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disk {
    pub term: u8,
    pub head: BlockId,
    /// Every ack it sent, in their order.
    pub acks: Vec<BlockId>,
    /// Up to which height its log is what it acked.
    pub acked_to: u8,
    /// Certificates of blocks in its log.
    pub known: Vec<Certified>,
    pub promises: Vec<Promise>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// All that were signed, sorted.
    pub blocks: Vec<Block>,
    /// By member; the liar's stays as it was.
    pub disks: Vec<Disk>,
}

impl State {
    #[must_use]
    pub fn new(bounds: &Bounds) -> Self {
        let disk = Disk {
            term: 0,
            head: GENESIS,
            acks: Vec::new(),
            acked_to: 0,
            known: Vec::new(),
            promises: Vec::new(),
        };
        Self { blocks: Vec::new(), disks: vec![disk; bounds.members] }
    }

    #[must_use]
    pub fn block(&self, id: BlockId) -> Option<&Block> {
        self.blocks.iter().find(|block| block.id == id)
    }

    /// The block and all below it.
    pub fn chain(&self, head: BlockId) -> impl Iterator<Item = &Block> {
        std::iter::successors(self.block(head), |block| self.block(block.parent))
    }

    /// Whether the chain that ends in `head` goes through `id`.
    #[must_use]
    pub fn goes_through(&self, head: BlockId, id: BlockId) -> bool {
        id == GENESIS || self.chain(head).any(|block| block.id == id)
    }

    #[must_use]
    pub fn height(&self, id: BlockId) -> u8 {
        self.block(id).map_or(0, |block| block.height)
    }

    /// Genesis ranks below everything.
    #[must_use]
    pub fn rank(&self, id: BlockId) -> Option<(u8, u8)> {
        self.block(id).map(Block::rank)
    }

    /// The highest block that both chains go through.
    #[must_use]
    pub fn fork(&self, one: BlockId, other: BlockId) -> BlockId {
        let shared = self.chain(one).find(|block| self.goes_through(other, block.id));
        shared.map_or(GENESIS, |block| block.id)
    }

    pub fn add(&mut self, block: Block) {
        if let Err(place) = self.blocks.binary_search(&block) {
            self.blocks.insert(place, block);
        }
    }

    /// Whether the member signed an ack of exactly this block; the liar acks everything.
    #[must_use]
    pub fn acked(&self, bounds: &Bounds, member: Member, id: BlockId) -> bool {
        bounds.liar == Some(member) || self.disks[member].acks.contains(&id)
    }

    /// The certificate that the acks of a block make, if they do.
    #[must_use]
    pub fn certified(&self, bounds: &Bounds, block: &Block) -> Option<Certified> {
        let signed = |member: Member| self.acked(bounds, member, block.id);
        let registered = bounds.is_registered(|member| signed(*member));
        bounds.certifies(block.term, signed).then_some(Certified { block: block.id, registered })
    }

    /// The highest certificate a member has.
    #[must_use]
    pub fn certificate(&self, disk: &Disk) -> Option<BlockId> {
        let known = disk.known.iter().map(|known| known.block);
        known.max_by_key(|id| self.rank(*id))
    }

    /// The highest one of a registered quorum.
    #[must_use]
    pub fn proof(&self, disk: &Disk) -> Option<BlockId> {
        let known = disk.known.iter().filter(|known| known.registered).map(|known| known.block);
        known.max_by_key(|id| self.rank(*id))
    }

    /// The same state in the one form that stands for all in which members changed places that
    /// differ by number only.
    #[must_use]
    pub fn canonical(mut self, bounds: &Bounds) -> Self {
        let members = bounds.interchangeable();
        let mut disks: Vec<Disk> =
            members.iter().map(|member| self.disks[*member].clone()).collect();
        disks.sort();
        for (member, disk) in members.into_iter().zip(disks) {
            self.disks[member] = disk;
        }
        self
    }
}

/// A state in few lines, for a person.
#[must_use]
pub fn short(state: &State) -> String {
    let name = |id: &BlockId| match state.block(*id) {
        Some(block) => format!("{}.{}:{:03x}", block.term, block.height, block.id.0 & 0xfff),
        None => "-".to_owned(),
    };
    let opt = |id: &Option<BlockId>| id.as_ref().map_or("-".to_owned(), name);
    let mut lines = Vec::new();
    for block in &state.blocks {
        let over = |it: Opening| match it.supersedes {
            Some(term) => format!(" opens by what term {term} acked"),
            None => format!(" opens over {}", opt(&it.base)),
        };
        let opening = block.opening.map(over);
        let justified = opt(&block.justified.map(|it| it.block));
        lines.push(format!(
            "{} on {}{} carries {justified}{}",
            name(&block.id),
            name(&block.parent),
            opening.unwrap_or_default(),
            if block.twin { " twin" } else { "" }
        ));
    }
    for (member, disk) in state.disks.iter().enumerate() {
        let acks: Vec<_> = disk.acks.iter().map(name).collect();
        let known: Vec<_> = disk.known.iter().map(|known| name(&known.block)).collect();
        lines.push(format!(
            "{member}: term {} head {} acks {acks:?} known {known:?}",
            disk.term,
            name(&disk.head)
        ));
        for said in &disk.promises {
            let acked: Vec<_> = said.acked.iter().map(|(id, _)| name(id)).collect();
            lines.push(format!("   promise {}: {} {acked:?}", said.term, opt(&said.certificate)));
        }
    }
    lines.join("\n")
}
