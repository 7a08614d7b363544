//! Weights and quorums: what makes a block certified, and what makes it final.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fairway_types::{Certificate, Epoch, Height, NodeId, Weight, chain::MemberRecord};

use super::log::{Log, weight};

/// Registered members by node.
pub type Members = BTreeMap<NodeId, Arc<MemberRecord>>;

/// P-30: a quorum is at least two thirds of the weight, in integers: `3 * part >= 2 * whole`, and
/// never empty.
#[must_use]
pub fn is_quorum(part: Weight, whole: Weight) -> bool {
    #[cfg(feature = "known-bugs")]
    if crate::known_bugs::KnownBug::QuorumOffByOne.is_back() {
        return part.0 > 0 && 3 * (u128::from(part.0) + 1) >= 2 * u128::from(whole.0);
    }
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
    let epoch = certificate.ack.term.epoch;
    sets(log, certificate).is_some_and(|mut sets| {
        sets.all(|members| {
            let part = voters(log, members, epoch).filter(|member| signed(certificate, member));
            is_quorum(weight(part), weight(voters(log, members, epoch)))
        })
    })
}

/// The sets that have a say about the certificate's block. P-77: a block that opens a term over
/// uncertified ones asks every set that they registered.
fn sets<'a>(
    log: &'a Log,
    certificate: &Certificate,
) -> Option<impl Iterator<Item = &'a Arc<Members>>> {
    let height = certificate.ack.height;
    let mut sets = log.sets_between(log.held(height)?.base, height).peekable();
    sets.peek().is_some().then_some(sets)
}

/// Whether 2/3 of the weight of those registered before the certificate's block signed it, valid or
/// not; from the chain of blocks alone.
#[must_use]
pub fn is_registered(log: &Log, certificate: &Certificate) -> bool {
    is_about_its_block(log, certificate)
        && log
            .members_before(certificate.ack.height)
            .is_some_and(|members| is_signed_by_quorum(certificate, members))
}

/// Whether `nodes` hold 2/3 of the weight of `members`.
#[must_use]
pub fn is_registered_quorum(members: &Members, nodes: &BTreeSet<NodeId>) -> bool {
    let part = members.values().filter(|member| nodes.contains(&member.node));
    is_quorum(weight(part), weight(members.values()))
}

/// P-72: whether the promises of `nodes` begin a term of `epoch`: 2/3 of the registered weight; of
/// the valid members' in an epoch whose valid members alone are less than that.
#[must_use]
pub fn opens(log: &Log, members: &Members, epoch: Epoch, nodes: &BTreeSet<NodeId>) -> bool {
    let valid = weight(voters(log, members, epoch));
    if is_quorum(valid, weight(members.values())) {
        return is_registered_quorum(members, nodes);
    }
    is_voters_quorum(log, members, epoch, nodes)
}

/// Whether `nodes` hold 2/3 of the weight of those among `members` who are valid in `epoch`.
#[must_use]
pub fn is_voters_quorum(
    log: &Log,
    members: &Members,
    epoch: Epoch,
    nodes: &BTreeSet<NodeId>,
) -> bool {
    let part = voters(log, members, epoch).filter(|member| nodes.contains(&member.node));
    is_quorum(weight(part), weight(voters(log, members, epoch)))
}

/// P-33: the height that `certificate` makes final, if any. Either every registered member acked
/// its block; or 2/3 of the registered weight acked a block that carries a certificate of 2/3 of the
/// registered weight from the same term: then the block of that inner certificate is final.
#[must_use]
pub fn finalised_by(log: &Log, certificate: &Certificate) -> Option<Height> {
    finalised_since(log, certificate, log.finalised())
}

/// The same for a node whose last final block is at `since`.
#[must_use]
pub fn finalised_since(log: &Log, certificate: &Certificate, since: Height) -> Option<Height> {
    if !is_proof_since(log, certificate, since) {
        return None;
    }
    let height = certificate.ack.height;
    if is_complete(log, certificate) {
        return Some(height);
    }
    let inner = log.block(height)?.justification.as_ref()?;
    let same_term = inner.ack.term == certificate.ack.term;
    (same_term && is_proof_since(log, inner, since)).then_some(inner.ack.height)
}

/// P-32: 2/3 of the weight of all registered members, valid or not; and where blocks that are not
/// final yet changed the set, 2/3 of every set since the last final block. Otherwise a leader could
/// show a block that takes members out to those alone who stay.
#[must_use]
pub fn has_registered_quorum(log: &Log, certificate: &Certificate) -> bool {
    is_proof_since(log, certificate, log.finalised())
}

/// The same for a node whose last final block is at `since`.
fn is_proof_since(log: &Log, certificate: &Certificate, since: Height) -> bool {
    let height = certificate.ack.height;
    let mut sets = log.sets_between(since.min(height.previous()), height).peekable();
    sets.peek().is_some() && sets.all(|members| is_signed_by_quorum(certificate, members))
}

/// Whether 2/3 of the weight of `members` signed.
#[must_use]
pub fn is_signed_by_quorum(certificate: &Certificate, members: &Members) -> bool {
    let part = members.values().filter(|member| signed(certificate, member));
    is_quorum(weight(part), weight(members.values()))
}

/// Whether every registered member acked, as a voter of the epoch: of fewer voters a third may lie
/// later about what was certified.
#[must_use]
pub fn is_complete(log: &Log, certificate: &Certificate) -> bool {
    log.members_before(certificate.ack.height)
        .is_some_and(|members| is_signed_by_all(log, certificate, members))
}

/// Whether `members` all signed, each as a voter of the epoch.
#[must_use]
pub fn is_signed_by_all(log: &Log, certificate: &Certificate, members: &Members) -> bool {
    let voting = voters(log, members, certificate.ack.term.epoch).count();
    voting == members.len() && members.values().all(|member| signed(certificate, member))
}

/// How much a certificate settles: less than a registered quorum, one, everybody.
#[must_use]
pub fn strength(log: &Log, certificate: &Certificate) -> u8 {
    let registered = has_registered_quorum(log, certificate);
    u8::from(registered) + u8::from(registered && is_complete(log, certificate))
}

/// Whether the node's ack of the block at `height` counts: it is in a set that is still in force.
#[must_use]
pub fn may_ack(log: &Log, height: Height, node: &NodeId) -> bool {
    log.sets_before(height).any(|members| members.contains_key(node))
}

/// P-41: the certificate without the signatures of nodes that have no say.
#[must_use]
pub fn members_only(log: &Log, certificate: &Certificate) -> Certificate {
    let mut kept = certificate.clone();
    kept.signatures.retain(|(node, _)| may_ack(log, certificate.ack.height, node));
    kept
}

/// Whether the log holds the block that the certificate names, in the term that it names.
#[must_use]
pub fn is_about_its_block(log: &Log, certificate: &Certificate) -> bool {
    let ack = &certificate.ack;
    let here = log.genesis().is_some_and(|genesis| genesis.record.channel == ack.channel);
    here && log.held(ack.height).is_some_and(|held| held.hash == ack.block && held.term == ack.term)
}

fn signed(certificate: &Certificate, member: &MemberRecord) -> bool {
    certificate.signatures.binary_search_by(|(node, _)| node.cmp(&member.node)).is_ok()
}

#[cfg(test)]
mod tests {
    use fairway_types::{Block, Effects, ExecutionStatus, Gas, StateKey, Write};

    use super::{
        super::{
            bench::{self, Bench},
            output::{Appended, Event},
        },
        *,
    };

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
    /// C signs with the leader what the leader showed to C alone: two of the two that stay.
    #[test]
    fn a_block_that_shrinks_the_set_is_not_final_by_the_new_set_alone() {
        let mut bench = Bench::new(4);
        let (first, second) = (bench.cut_unheard(), bench.cut_unheard());
        let gone = |index: usize| Write {
            key: StateKey::Member(bench::member(index).account),
            value: None,
        };
        let effects = Effects {
            status: ExecutionStatus::Success,
            gas_used: Gas(0),
            writes: vec![gone(1), gone(2)],
            events: Vec::new(),
        };
        let record = bench.record.clone();
        let grant = record.grants[0].clone();
        let certificate = bench::certificate(&second, &[0, 3]);
        let mut log = Log::default();
        for event in [
            Event::Started { record: Box::new(record), writes: Vec::new() },
            Event::TermStarted { grant },
            Event::Appended(appended(first, effects.clone())),
            Event::Appended(appended(second.clone(), Effects { writes: Vec::new(), ..effects })),
        ] {
            log.apply(&event);
        }
        log.apply(&Event::Certified { certificate });
        assert_eq!(log.finalised(), Height(0));
        log.apply(&Event::Certified { certificate: bench::certificate(&second, &[0, 1, 3]) });
        assert_eq!(log.finalised(), Height(2), "who left goes on signing until then");
    }

    /// Of the two voters of three one may say later that it was another block; the third's ack proves
    /// nothing to who asks those two.
    #[test]
    fn acks_of_all_make_nothing_final_where_not_all_are_voters() {
        let mut bench = Bench::new(3);
        bench.down.insert(2);
        bench.grant(0, &[0, 1]);
        let block = bench.cut_unheard();
        let everybody = bench::certificate(&block, &[0, 1, 2]);
        let mut log = bench.nodes[0].log().clone();
        log.apply(&Event::Certified { certificate: everybody });
        assert_eq!(log.certified(), block.height());
        assert!(log.finalised() < block.height());
    }

    fn appended(block: Arc<Block>, effects: Effects) -> Appended {
        Appended { block, effects: Arc::new(vec![effects]), state: None, calls: None }
    }
}
