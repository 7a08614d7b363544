//! Catching up: what one answer holds.

use fairway_state::parts::{Listing, Prefix};
use fairway_types::{Hash, Height, block::CertifiedBlock, codec, limits};

use crate::{channel::Channel, message::Message};

/// Blocks in one answer.
const BLOCKS: usize = 64;

/// The answer to a request for blocks from a height on: as many as fit a quarter of a frame, at
/// least one if there is one, in order and without gaps. `read` gives the stored block at a height.
/// P-86: of a block at or below the head that is kept no more, it says so.
pub fn answer(
    from: Height,
    head: Height,
    read: impl Fn(Height) -> Option<CertifiedBlock>,
) -> Option<Message> {
    let mut blocks = Vec::new();
    let mut bytes = 0;
    let mut height = from;
    while blocks.len() < BLOCKS && bytes < limits::FRAME_BYTES / 4 {
        let Some(block) = read(height) else { break };
        bytes += codec::size(&block);
        blocks.push(block);
        height = height.next();
    }
    if blocks.is_empty() {
        return (from <= head && from > Height::ZERO).then_some(Message::Pruned { from });
    }
    Some(Message::SyncBlocks(blocks))
}

/// The frame that answers a request for a part of a state; `listing` is that state's, if it is here.
#[must_use]
pub fn part(root: Hash, prefix: Prefix, listing: Option<&Listing>) -> Vec<u8> {
    let part = listing.and_then(|listing| listing.part(prefix));
    let frame = Message::StatePart { root, prefix, part }.encode();
    if frame.len() > limits::FRAME_BYTES {
        return Message::StatePart { root, prefix, part: None }.encode();
    }
    frame
}

/// The same for a state that the channel has in memory, listed for this one answer.
#[must_use]
pub fn part_of(channel: &Channel, height: Height, root: Hash, prefix: Prefix) -> Message {
    let state = channel.state_at(height, &root);
    let part = state.and_then(|state| Listing::of(&state).part(prefix));
    Message::StatePart { root, prefix, part }
}
