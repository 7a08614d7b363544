//! What a Byzantine node does with calls that their accounts did not sign: it vouches for them itself.

use std::sync::Arc;

use fairway_proto::Message;
use fairway_types::{
    Block, Keypair, Signature, SignedCall, Transaction,
    block::CertifiedBlock,
    bundle::{BundledCalls, SignedBundle},
    crypto::Verify,
};

/// What nobody drops for its signatures: the node's bundles stand for those that are missing.
pub(crate) fn vouched(keypair: &Keypair, message: Message) -> Option<Message> {
    match message {
        Message::Forward(call) if is_forged(&call) => Some(Message::Bundle(bundle(keypair, call))),
        Message::Block(block) => other_block(keypair, &block).map(Message::Block),
        Message::SyncBlocks(entries) if entries.iter().any(|entry| holds_forged(&entry.block)) => {
            let entries = entries.into_iter().map(|CertifiedBlock { block, certificate }| {
                let block = other_block(keypair, &block).unwrap_or(block);
                CertifiedBlock { block, certificate }
            });
            Some(Message::SyncBlocks(entries.collect()))
        }
        _ => None,
    }
}

/// Whether its account signed something else, or nothing: what is forged has no signature at all.
fn is_forged(call: &SignedCall) -> bool {
    call.signature == Signature::ZERO
}

fn forged(block: &Block) -> impl Iterator<Item = &SignedCall> {
    block.transactions.iter().filter_map(Transaction::as_call).filter(|call| is_forged(call))
}

fn holds_forged(block: &Block) -> bool {
    forged(block).next().is_some()
}

fn other_block(keypair: &Keypair, block: &Block) -> Option<Arc<Block>> {
    if !holds_forged(block) {
        return None;
    }
    let bundles: Vec<SignedBundle> =
        forged(block).filter_map(|call| bundle(keypair, call.clone()).signed()).collect();
    let mut block = block.clone();
    block.bundles.extend(bundles);
    block.check().is_ok().then(|| Arc::new(block))
}

fn bundle(keypair: &Keypair, call: SignedCall) -> BundledCalls {
    let (node, signature) = (keypair.node_id(), Signature::ZERO);
    let mut bundled = BundledCalls { calls: vec![call], node, signature };
    if let Some(signed) = bundled.signed() {
        bundled.signature = keypair.sign(&signed.bundle);
    }
    bundled
}
