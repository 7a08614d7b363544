//! Catching up: how many blocks one answer holds.

use fairway_types::{Height, block::CertifiedBlock, codec, limits};

use crate::message::Message;

/// Blocks in one answer.
const BLOCKS: usize = 64;

/// The answer to a request for blocks from a height on: as many as fit a quarter of a frame, at
/// least one if there is one, in order and without gaps. `read` gives the stored block at a height.
pub fn answer(from: Height, read: impl Fn(Height) -> Option<CertifiedBlock>) -> Option<Message> {
    let mut blocks = Vec::new();
    let mut bytes = 0;
    let mut height = from;
    while blocks.len() < BLOCKS && bytes < limits::FRAME_BYTES / 4 {
        let Some(block) = read(height) else { break };
        bytes += codec::encode(&block).len();
        blocks.push(block);
        height = height.next();
    }
    (!blocks.is_empty()).then_some(Message::SyncBlocks(blocks))
}
