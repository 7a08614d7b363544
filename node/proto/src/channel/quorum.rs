//! Weights and quorums: what makes a block certified, and what makes it final.

use std::{collections::BTreeMap, sync::Arc};

use fairway_types::{Certificate, Epoch, Height, NodeId, Weight, chain::MemberRecord};

use super::log::{Log, weight};

/// Registered members by node.
pub type Members = BTreeMap<NodeId, Arc<MemberRecord>>;

/// P-30: a quorum is at least two thirds of the weight, in integers: `3 * part >= 2 * whole`, and
/// never empty.
#[must_use]
pub fn is_quorum(part: Weight, whole: Weight) -> bool {
    whole.0 > 0 && 3 * u128::from(part.0) >= 2 * u128::from(whole.0)
}

/// Who acks a block that follows `members` in `epoch`: the registered members among the epoch's
/// valid ones (P-15).
pub fn voters<'a>(
    log: &'a Log,
    members: &'a Members,
    epoch: Epoch,
) -> impl Iterator<Item = &'a Arc<MemberRecord>> {
    let grant = log.grant_of(epoch);
    members.values().filter(move |member| {
        grant.is_some_and(|grant| grant.valid.contains(&member.join_sequence))
    })
}

/// P-31: whether the certificate carries 2/3 of the weight of the block's voters. Its term must be
/// the block's own: in another epoch others vote, in the first the leader alone.
#[must_use]
pub fn certifies(log: &Log, certificate: &Certificate) -> bool {
    if !is_about_its_block(log, certificate) {
        return false;
    }
    let Some(parent) = log.tip_at(certificate.ack.height.previous()) else { return false };
    let epoch = certificate.ack.term.epoch;
    let whole = weight(voters(log, &parent.members, epoch));
    let part =
        weight(voters(log, &parent.members, epoch).filter(|member| signed(certificate, member)));
    is_quorum(part, whole)
}

/// P-33: the height that `certificate` makes final, if any. Either every registered member acked
/// its block; or 2/3 of the registered weight acked a block that carries a certificate of 2/3 of the
/// registered weight from the same term: then the block of that inner certificate is final.
#[must_use]
pub fn finalised_by(log: &Log, certificate: &Certificate) -> Option<Height> {
    let height = certificate.ack.height;
    let parent = log.tip_at(height.previous())?;
    let acked = parent.members.values().filter(|member| signed(certificate, member)).count();
    if acked == parent.members.len() && acked > 0 {
        return Some(height);
    }
    if !has_registered_quorum(log, certificate) {
        return None;
    }
    let inner = log.entry(height)?.block.justification.as_ref()?;
    let same_term = inner.ack.term == certificate.ack.term;
    (same_term && has_registered_quorum(log, inner)).then_some(inner.ack.height)
}

/// P-32: 2/3 of the registered weight, valid or not.
fn has_registered_quorum(log: &Log, certificate: &Certificate) -> bool {
    let Some(parent) = log.tip_at(certificate.ack.height.previous()) else { return false };
    let whole = weight(parent.members.values());
    let part = weight(parent.members.values().filter(|member| signed(certificate, member)));
    is_quorum(part, whole)
}

/// Whether the log holds the block that the certificate names, in the term that it names.
#[must_use]
pub fn is_about_its_block(log: &Log, certificate: &Certificate) -> bool {
    let ack = &certificate.ack;
    log.entry(ack.height).is_some_and(|entry| {
        let header = &entry.block.header;
        entry.hash == ack.block && header.term == ack.term && header.channel == ack.channel
    })
}

fn signed(certificate: &Certificate, member: &MemberRecord) -> bool {
    certificate.signatures.binary_search_by(|(node, _)| node.cmp(&member.node)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quorum_is_two_thirds_rounded_up() {
        let cases = [
            (0, 0, false),
            (0, 1, false),
            (1, 1, true),
            (1, 2, false),
            (2, 2, true),
            (2, 3, true),
            (2, 4, false),
            (3, 4, true),
            (4, 6, true),
            (5, 7, true),
            (4, 7, false),
            (u64::MAX, u64::MAX, true),
        ];
        for (part, whole, expected) in cases {
            assert_eq!(is_quorum(Weight(part), Weight(whole)), expected, "{part} of {whole}");
        }
    }
}
