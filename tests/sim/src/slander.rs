//! False accusations: the Byzantine member reports blocks of honest leaders, with true witnesses and
//! with altered ones. Nobody may believe any of them.

use fairway_proto::channel::{accusing::disputed, log::Log};
use fairway_types::{
    Address, Execute, Hash, Height, NodeId, SignedAck, StateKey,
    evidence::{Disputed, Evidence, Parent},
    witness::{Witness, WitnessNode},
};
use rand::Rng;

use crate::choices::Choices;

/// Blocks below the head among which one is chosen.
const RECENT: u64 = 8;

/// Something that `reporter` says of a block that another one led.
/// `plain` leaves what others can check as it is: then the accused is found innocent.
pub(crate) fn slander(
    log: &Log,
    machine: &dyn Execute,
    reporter: NodeId,
    plain: bool,
    rng: &mut Choices,
) -> Option<Evidence> {
    let first = Height(log.head().0.saturating_sub(RECENT).max(1));
    let others = || log.entries_from(first).filter(|entry| entry.block.leader != reporter);
    let count = others().count();
    let entry = others().nth(if count == 0 { return None } else { rng.random_range(0..count) })?;
    match rng.random_range(if plain { 9..10 } else { 0..10 }) {
        0 => {
            let second = others().find(|other| other.hash != entry.hash)?;
            let second = Box::new(second.block.signed_header());
            Some(Evidence::DoubleBlock { first: Box::new(entry.block.signed_header()), second })
        }
        1 => {
            let certificate = entry.certificate.as_ref()?;
            let (node, signature) = *certificate.signatures.first()?;
            let first = SignedAck { ack: certificate.ack, node, signature };
            let mut second = first;
            second.ack.block = Hash(rng.random());
            Some(Evidence::DoubleAck { first, second })
        }
        lie => {
            let mut block = disputed(log, &entry.block, &machine)?;
            if !plain {
                alter(&mut block, lie, rng);
            }
            let (effects, effects_root) = (Vec::clone(&entry.effects), Hash(rng.random()));
            let state_root = Hash(rng.random());
            if rng.random_bool(0.3) {
                let (index, reason) = (rng.random_range(0..3), "made up".to_owned());
                return Some(Evidence::InvalidTransaction { reporter, block, index, reason });
            }
            Some(Evidence::Divergence { reporter, block, effects, effects_root, state_root })
        }
    }
}

fn alter(block: &mut Disputed, lie: u32, rng: &mut Choices) {
    match lie {
        2 => block.facts.creator = Address::from_low(9),
        3 => block.transactions.clear(),
        4 => match &mut block.parent {
            Parent::Block(parent) => parent.state_root = Hash(rng.random()),
            Parent::Genesis { state_root, .. } => *state_root = Hash(rng.random()),
        },
        5 => block.block.header.effects_root = Hash(rng.random()),
        6 => block.witness = None,
        _ => {
            if let Some(witness) = &mut block.witness {
                alter_witness(witness, rng);
            }
        }
    }
}

fn alter_witness(witness: &mut Witness, rng: &mut Choices) {
    if witness.entries.is_empty() || witness.nodes.is_empty() {
        return;
    }
    let entry = rng.random_range(0..witness.entries.len());
    let node = rng.random_range(0..witness.nodes.len());
    match rng.random_range(0..5) {
        0 => drop(witness.entries.remove(entry)),
        1 => witness.entries[entry].1 = None,
        2 => witness.entries[entry].1 = Some(vec![rng.random()]),
        3 => witness.nodes[node] = WitnessNode::Untouched(Hash(rng.random())),
        _ => {
            let counted = codec_of_counts();
            witness.entries.retain(|(key, _)| *key != StateKey::Counted);
            witness.entries.push((StateKey::Counted, Some(counted)));
        }
    }
}

/// One member, and nobody who left.
fn codec_of_counts() -> Vec<u8> {
    fairway_types::codec::encode(&(1u64, 0u64))
}
