//! What a new leader must go on from, computed from the promises that open its term: the leader and
//! every follower run this alike.

use std::collections::{BTreeMap, BTreeSet};

use fairway_types::{
    Ack, Epoch, Hash, Height, NodeId, Place, SignedViewChange, Term, TermCertificate, Weight,
};

use super::{log::sum, quorum::is_quorum};

/// Weights of those who ack the blocks of one epoch.
pub type Voters = BTreeMap<NodeId, Weight>;

/// The blocks that a new term must contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The block of the highest certificate; none without one, and when `path` supersedes it.
    pub base: Option<Ack>,
    /// The height below the first of `path`: the base's, genesis without one.
    pub above: Height,
    /// The blocks that may have been certified, ascending, without gaps.
    pub path: Vec<Place>,
}

impl Selected {
    #[must_use]
    pub fn base_height(&self) -> Height {
        self.base.map_or(Height::ZERO, |base| base.height)
    }

    /// Height of the last block that the term must contain.
    #[must_use]
    pub fn height(&self) -> Height {
        Height(self.above.0 + self.path.len() as u64)
    }

    /// Hash of that block; none for genesis.
    #[must_use]
    pub fn hash(&self) -> Option<Hash> {
        self.path.last().map(|place| place.hash).or(self.base.map(|base| base.block))
    }

    /// Hash that the block at `height` must have, if the selection says.
    #[must_use]
    pub fn hash_at(&self, height: Height) -> Option<Hash> {
        if height == self.base_height() {
            return self.base.map(|base| base.block);
        }
        let index = height.0.checked_sub(self.above.0)?.checked_sub(1)?;
        self.path.get(usize::try_from(index).ok()?).map(|place| place.hash)
    }
}

/// A way upwards: the latest term that speaks for it, and its blocks.
type Way = (Term, Vec<Place>);

/// P-74: from the highest certificate upwards, the blocks that may have been certified: at each of
/// them those who promised to have acked it, with all who promised nothing, would be a quorum of its
/// voters. Of two at one height the one counts whose quorum is of the later term: an honest member
/// acked there what an earlier term had certified, too. And a certificate is superseded by blocks of
/// later terms that may have been certified beside it: a liar's ack made it, since a later term did
/// without it. The terms of a chain never go back, so what goes through those blocks either has the
/// certificate's block or can't have it.
#[must_use]
pub fn select(opening: &TermCertificate, voters: impl Fn(Epoch) -> Voters) -> Selected {
    let base = opening.base().map(|certificate| certificate.ack);
    let changes = &opening.view_changes;
    let promised = changes.iter().map(|signed| signed.node).collect();
    let walk = Walk { promised, voters };
    let (through, beside): (Vec<_>, Vec<_>) =
        changes.iter().partition(|signed| goes_through(signed, base.as_ref()));
    let above = base.map_or(Height::ZERO, |base| base.height);
    let way = walk.best(through, above.next());
    let Some(base) = base else { return Selected { base, above, path: blocks(way) } };
    let reached = way.as_ref().map_or(base.term, |(latest, _)| base.term.max(*latest));
    match walk.best_later(&beside, base.term) {
        Some((above, (latest, path))) if latest > reached => Selected { base: None, above, path },
        Some(_) | None => Selected { base: Some(base), above, path: blocks(way) },
    }
}

fn blocks(way: Option<Way>) -> Vec<Place> {
    way.map_or_else(Vec::new, |(_, path)| path)
}

/// Whether what the node acked lies on the chain of `base`.
fn goes_through(signed: &SignedViewChange, base: Option<&Ack>) -> bool {
    let change = &signed.view_change;
    let Some(base) = base else { return change.certificate.is_none() };
    match &change.certificate {
        Some(own) if own.height == base.height => own.block == base.block,
        Some(own) if own.height > base.height => false,
        Some(_) | None => {
            change.acked_at(base.height).is_some_and(|place| place.hash == base.block)
        }
    }
}

struct Walk<F> {
    promised: BTreeSet<NodeId>,
    voters: F,
}

impl<F: Fn(Epoch) -> Voters> Walk<F> {
    /// The best way upwards from below `height`, and the latest term that speaks for it.
    fn best(&self, through: Vec<&SignedViewChange>, height: Height) -> Option<Way> {
        let mut ways: BTreeMap<(Hash, Term), Vec<&SignedViewChange>> = BTreeMap::new();
        for signed in through {
            if let Some(place) = signed.view_change.acked_at(height) {
                ways.entry((place.hash, place.term)).or_default().push(signed);
            }
        }
        let ranked = ways.into_iter().filter_map(|((hash, term), acked)| {
            let place = Place { hash, term };
            let own = self.certified_in(&acked, term.epoch);
            let count = acked.len();
            let above = self.best(acked, height.next());
            let latest = own.max(above.as_ref().map(|(term, _)| *term))?;
            let path = std::iter::once(place).chain(above.into_iter().flat_map(|(_, path)| path));
            Some(((latest, count, hash), path.collect()))
        });
        ranked.max_by_key(|(key, _)| *key).map(|((latest, ..), path)| (latest, path))
    }

    /// The best way among the blocks of terms after `term`, and the height below it. Where those
    /// begin, all who acked a chain agree: no certificate that they name is of such a term.
    fn best_later(&self, promises: &[&SignedViewChange], term: Term) -> Option<(Height, Way)> {
        let mut starts: BTreeMap<Height, Vec<&SignedViewChange>> = BTreeMap::new();
        for signed in promises {
            let change = &signed.view_change;
            if let Some(earlier) = change.acked.iter().position(|place| place.term > term) {
                let above = Height(change.base().0.saturating_add(earlier as u64));
                starts.entry(above).or_default().push(signed);
            }
        }
        let ways = starts.into_iter();
        let ways = ways.filter_map(|(above, acked)| Some((above, self.best(acked, above.next())?)));
        ways.max_by_key(|(above, (latest, _))| (*latest, *above))
    }

    /// The latest term such that those who acked the block, and went on in no earlier term, may be
    /// part of a quorum; `None` if it was never certified.
    fn certified_in(&self, acked: &[&SignedViewChange], epoch: Epoch) -> Option<Term> {
        let voters = (self.voters)(epoch);
        let whole = sum(voters.values().copied());
        let silent = voters.iter().filter(|(node, _)| !self.promised.contains(node));
        let mut part = sum(silent.map(|(_, weight)| *weight));
        let mut terms: Vec<(Term, Weight)> = acked
            .iter()
            .filter_map(|signed| {
                let last = signed.view_change.acked.last()?.term;
                Some((last, *voters.get(&signed.node)?))
            })
            .collect();
        terms.sort_by(|a, b| b.cmp(a));
        terms.into_iter().find_map(|(term, weight)| {
            part = sum([part, weight].into_iter());
            is_quorum(part, whole).then_some(term)
        })
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::{Certificate, ChannelId, Keypair, View, ViewChange};

    use super::*;

    fn key(index: u8) -> Keypair {
        Keypair::from_seed(&[index + 1; 32])
    }

    fn term(view: u64) -> Term {
        Term { epoch: Epoch(1), view: View(view) }
    }

    /// The block `name` of a view.
    fn place(name: u8, view: u64) -> Place {
        Place { hash: Hash([name; 32]), term: term(view) }
    }

    fn ack(height: u64, name: u8, view: u64) -> Ack {
        let Place { hash, term } = place(name, view);
        Ack { channel: ChannelId::ZERO, term, height: Height(height), block: hash }
    }

    fn says(node: u8, certificate: Option<Ack>, acked: &[Place]) -> SignedViewChange {
        let view_change = ViewChange {
            channel: ChannelId::ZERO,
            term: term(9),
            proof: None,
            certificate,
            acked: acked.to_vec(),
        };
        let signature = key(node).sign(&view_change.summary());
        SignedViewChange { view_change, node: key(node).node_id(), signature }
    }

    fn choose(members: u8, view_changes: Vec<SignedViewChange>) -> Selected {
        let highest = view_changes.iter().filter_map(|signed| signed.view_change.certificate);
        let certificate = highest
            .max_by_key(fairway_types::view_change::rank)
            .map(|ack| Certificate { ack, signatures: Vec::new() });
        let opening = TermCertificate { proof: None, certificate, view_changes };
        select(&opening, |_| (0..members).map(|index| (key(index).node_id(), Weight(1))).collect())
    }

    fn names(selected: &Selected) -> Vec<u8> {
        selected.path.iter().map(|place| place.hash.0[0]).collect()
    }

    const A: u8 = 10;
    const B: u8 = 11;
    const X: u8 = 20;
    const Y: u8 = 21;

    #[test]
    fn what_two_of_three_saw_acked_may_have_been_certified_by_the_silent_one() {
        let (a, b) = (place(A, 0), place(B, 0));
        let chosen =
            choose(4, vec![says(0, None, &[a, b]), says(1, None, &[a]), says(2, None, &[a])]);
        assert_eq!(names(&chosen), [A], "B has one ack and the silent one's: no quorum of four");
        let chosen =
            choose(4, vec![says(0, None, &[a, b]), says(1, None, &[a, b]), says(2, None, &[])]);
        assert_eq!(names(&chosen), [A, B]);
    }

    #[test]
    fn one_liar_of_four_forces_no_block() {
        let made_up = [place(X, 0), place(Y, 0)];
        let honest = [place(A, 0)];
        let chosen = choose(
            4,
            vec![says(0, None, &made_up), says(1, None, &honest), says(2, None, &honest)],
        );
        assert_eq!(names(&chosen), [A]);
    }

    #[test]
    fn later_terms_quorum_supersedes_an_earlier_ones() {
        // X was acked in view 0 by two of three and dropped by view 1, which the third leads.
        let (x, y) = (place(X, 0), place(Y, 1));
        let chosen = choose(3, vec![says(0, None, &[x]), says(1, None, &[y])]);
        assert_eq!(names(&chosen), [Y]);
    }

    /// A liar's later term speaks for a block only with a quorum of its own.
    #[test]
    fn liar_with_a_later_term_does_not_outvote_a_certified_block() {
        let (a, b, x) = (place(A, 1), place(B, 5), place(X, 0));
        let votes = vec![
            says(0, None, &[x, b]),
            says(1, None, &[x]),
            says(2, None, &[a]),
            says(3, None, &[a]),
            says(4, None, &[a]),
        ];
        // Seven members, five promised, two are silent: a may be certified in view 1 (3 + 2 of 7).
        assert_eq!(names(&choose(7, votes)), [A]);
    }

    #[test]
    fn highest_certificate_is_the_base_whatever_was_acked_beside_it() {
        let certified = ack(3, A, 1);
        let lower = ack(2, B, 0);
        let beside = [place(X, 0), place(Y, 0)];
        let through = [place(A, 1), place(B, 1)];
        let chosen = choose(
            4,
            vec![
                says(0, Some(certified), &[]),
                says(1, Some(lower), &beside),
                says(2, Some(lower), &through),
            ],
        );
        assert_eq!(chosen.base, Some(certified));
        assert_eq!(names(&chosen), [0u8; 0], "one ack and a silent one are no quorum of four");
        assert_eq!((chosen.height(), chosen.hash()), (Height(3), Some(certified.block)));
        let chosen = choose(
            4,
            vec![
                says(0, Some(certified), &[place(B, 1)]),
                says(1, Some(lower), &beside),
                says(2, Some(lower), &through),
            ],
        );
        assert_eq!(names(&chosen), [B]);
        assert_eq!(chosen.hash_at(Height(4)), Some(Hash([B; 32])));
    }

    /// X was certified with a liar's ack that the liar concealed when view 1 began: view 1 did without
    /// it, and all acked A there.
    #[test]
    fn certificate_that_a_later_term_did_without_is_superseded_by_what_all_acked_there() {
        let certified = ack(1, X, 0);
        let honest = [place(A, 1)];
        let votes =
            vec![says(0, Some(certified), &[]), says(1, None, &honest), says(2, None, &honest)];
        let chosen = choose(4, votes);
        assert_eq!((chosen.base, names(&chosen)), (None, vec![A]));
        assert_eq!((chosen.height(), chosen.hash()), (Height(1), Some(Hash([A; 32]))));
        assert_eq!(chosen.hash_at(Height(1)), Some(Hash([A; 32])));
    }

    #[test]
    fn certificate_is_superseded_also_above_what_was_certified_before_it() {
        let (shared, beside) = (ack(1, B, 0), ack(2, X, 0));
        let votes = vec![
            says(0, Some(beside), &[]),
            says(1, None, &[place(B, 0), place(A, 1)]),
            says(2, Some(shared), &[place(A, 1)]),
        ];
        let chosen = choose(4, votes);
        assert_eq!((chosen.base, chosen.above, names(&chosen)), (None, Height(1), vec![A]));
    }

    /// One ack of a later term and a silent one are no quorum, and earlier terms supersede nothing.
    #[test]
    fn certificate_stands_against_a_liars_later_term_and_against_earlier_terms() {
        let certified = ack(1, X, 1);
        for beside in [[Some(2), None], [Some(0), Some(0)]] {
            let acked = |view: Option<u64>| view.map_or_else(Vec::new, |view| vec![place(A, view)]);
            let [one, other] = beside.map(acked);
            let votes =
                vec![says(0, Some(certified), &[]), says(1, None, &one), says(2, None, &other)];
            assert_eq!(choose(4, votes).base, Some(certified));
        }
    }

    #[test]
    fn nothing_acked_leaves_genesis() {
        let chosen = choose(3, vec![says(0, None, &[]), says(1, None, &[])]);
        assert_eq!((chosen.height(), chosen.hash()), (Height::ZERO, None));
    }
}
