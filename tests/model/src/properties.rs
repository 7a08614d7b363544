//! What must hold in every state, and what must be reached in some.

use stateright::Property;

use crate::{
    bounds::{Bounds, Flaw},
    progress,
    state::{Block, BlockId, State},
};

pub const FINAL_AGREE: &str = "no two final blocks contradict each other";
pub const FINAL_KEPT: &str = "a later term's first block goes through everything final";
pub const CERTIFIED_AGREE: &str = "no two certified blocks contradict each other";
pub const CERTIFIED_KEPT: &str = "a later term's first block goes through everything certified";
pub const ONE_ACK: &str = "a member acks each place once";
pub const ONE_BLOCK: &str = "a member signs one block a place";
pub const PROGRESS: &str = "a correct leader of a further term certifies a block with any quorum";
pub const PROGRESS_DESPITE_LIES: &str = "and whatever the liar promises";
pub const CERTIFIES: &str = "a block is certified";
pub const FINALISES: &str = "a block is final";
pub const FINALISES_BY_CHILD: &str = "a block is final that not all acked";
pub const TAKES_BACK: &str = "a later term takes an acked block back";

/// What holds for these bounds: without a liar, for what is certified too.
#[must_use]
pub fn all(bounds: &Bounds) -> Vec<Property<Bounds>> {
    let mut properties = vec![
        Property::always(FINAL_AGREE, |bounds, state| agree(state, &finals(bounds, state))),
        Property::always(FINAL_KEPT, |bounds, state| are_kept(state, &finals(bounds, state))),
        Property::always(ONE_ACK, |_, state| acks_each_place_once(state)),
        Property::always(ONE_BLOCK, signs_one_block_a_place),
        Property::always(PROGRESS, progress::is_possible),
        Property::sometimes(CERTIFIES, |bounds, state| !certified(bounds, state).is_empty()),
        Property::sometimes(FINALISES, |bounds, state| !finals(bounds, state).is_empty()),
        Property::sometimes(FINALISES_BY_CHILD, finalises_by_child),
        Property::sometimes(TAKES_BACK, |_, state| was_taken_back(state)),
    ];
    if bounds.liar.is_some() {
        properties.push(Property::always(PROGRESS_DESPITE_LIES, progress::is_certain));
    } else {
        properties.extend([
            Property::always(CERTIFIED_AGREE, |bounds, state| {
                agree(state, &certified(bounds, state))
            }),
            Property::always(CERTIFIED_KEPT, |bounds, state| {
                are_kept(state, &certified(bounds, state))
            }),
        ]);
    }
    properties
}

/// P-31: blocks that have a certificate of their own.
#[must_use]
pub fn certified(bounds: &Bounds, state: &State) -> Vec<BlockId> {
    let has = |block: &&Block| state.certified(bounds, block).is_some();
    state.blocks.iter().filter(has).map(|block| block.id).collect()
}

/// P-33: blocks that are final by themselves or by a block above them.
#[must_use]
pub fn finals(bounds: &Bounds, state: &State) -> Vec<BlockId> {
    state.blocks.iter().flat_map(|block| finalised_by(bounds, state, block)).collect()
}

fn finalised_by(bounds: &Bounds, state: &State, block: &Block) -> Option<BlockId> {
    let all_vote = bounds.valid(block.term).len() == bounds.members;
    if all_vote && (0..bounds.members).all(|member| state.acked(bounds, member, block.id)) {
        return Some(block.id);
    }
    state.certified(bounds, block).filter(|made| made.registered)?;
    let carried = block.justified.filter(|inner| inner.registered).map(|inner| inner.block);
    let forgets = bounds.flaw == Flaw::TwoChainForgetsInner;
    let inner = if forgets { Some(block.parent) } else { carried };
    inner.filter(|inner| state.block(*inner).is_some_and(|inner| inner.term == block.term))
}

fn finalises_by_child(bounds: &Bounds, state: &State) -> bool {
    let all_acked =
        |id: &BlockId| (0..bounds.members).all(|member| state.acked(bounds, member, *id));
    finals(bounds, state).iter().any(|id| !all_acked(id))
}

fn agree(state: &State, blocks: &[BlockId]) -> bool {
    let follows = |one: BlockId, other: BlockId| state.goes_through(one, other);
    blocks
        .iter()
        .all(|one| blocks.iter().all(|other| follows(*one, *other) || follows(*other, *one)))
}

/// Whether every first block of a term goes through those of `blocks` that an earlier term brought.
fn are_kept(state: &State, blocks: &[BlockId]) -> bool {
    let opens = state.blocks.iter().filter(|block| block.opening.is_some());
    opens.into_iter().all(|first| {
        blocks.iter().all(|id| {
            let earlier = state.block(*id).is_some_and(|block| block.term < first.term);
            !earlier || state.goes_through(first.id, *id)
        })
    })
}

fn acks_each_place_once(state: &State) -> bool {
    state.disks.iter().all(|disk| {
        let mut places: Vec<_> = disk.acks.iter().map(|id| state.rank(*id)).collect();
        places.sort();
        places.windows(2).all(|pair| pair[0] < pair[1])
    })
}

fn signs_one_block_a_place(bounds: &Bounds, state: &State) -> bool {
    let honest = |block: &&Block| Some(bounds.leader(block.term)) != bounds.liar;
    let mut places: Vec<_> = state.blocks.iter().filter(honest).map(Block::rank).collect();
    places.sort();
    places.windows(2).all(|pair| pair[0] < pair[1])
}

fn was_taken_back(state: &State) -> bool {
    state.disks.iter().any(|disk| disk.acks.iter().any(|id| !state.goes_through(disk.head, *id)))
}
