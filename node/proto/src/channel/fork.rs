//! Leaving a branch: blocks that a later term goes on without are taken back, and what it goes on
//! with is appended in their place.

use std::{collections::BTreeSet, sync::Arc};

use fairway_types::{
    Ack, Block, Certificate, Execute, Hash, Height, NodeId, SignedCall, TermCertificate,
    view_change::rank,
};

use super::{
    Channel,
    output::{Effect, Event, Update},
    quorum,
    selection::Selected,
    waiting::WAITING_BYTES,
};

/// Blocks held in a row, the first of which follows the block at `fork`.
struct Branch {
    fork: Height,
    blocks: Vec<Arc<Block>>,
}

impl Channel {
    /// P-73: goes over to a branch that a later term's certificate opens, or that this node's own
    /// term must go on from. Blocks up to the final one stay, whatever anybody shows.
    pub(super) fn leave_branch(&mut self, vm: &impl Execute) {
        let better = |branch: &Branch| {
            self.is_wanted(branch) || self.is_superseded_by(branch) || self.is_certified(branch)
        };
        if let Some(branch) = self.branches().into_iter().rev().find(better) {
            self.take_back(branch.fork);
            self.waiting.prefer(&branch.blocks);
            self.drain_waiting(vm);
        }
    }

    /// P-80: whether as much waits here as may, and half of it is a branch that supersedes nothing: what
    /// does lies further up, and would never be held. Only what leaders of their terms signed counts.
    pub(super) fn is_stuck_below_a_branch(&self) -> bool {
        let (blocks, bytes) = self.waiting.size();
        let most = self.env.limits.waiting_blocks;
        let is_full = blocks >= most || bytes > WAITING_BYTES / 2;
        let fills = |branch: &Branch| {
            let of_leaders = branch.blocks.iter().filter(|block| self.is_leaders(block)).count();
            2 * of_leaders >= blocks.min(most)
        };
        is_full && self.branches().iter().any(fills)
    }

    /// Whether a row of held blocks that leaves the log ends with this one.
    pub(super) fn is_end_of_branch(&self, hash: &Hash) -> bool {
        let ends = |branch: Branch| branch.blocks.last().is_some_and(|last| last.hash() == *hash);
        self.branches().into_iter().any(ends)
    }

    /// The rows of held blocks that leave the log below its head, those that end highest last: a
    /// block that nobody goes on from must not hide a branch further up.
    fn branches(&self) -> Vec<Branch> {
        let head = self.log.head();
        let mut rows: Vec<(Hash, Branch)> = Vec::new();
        for block in self.waiting.blocks() {
            let (below, parent) = (block.height().previous(), block.header.parent);
            if self.log.contains(block.height(), &block.hash()) {
                continue;
            }
            let longer = |(last, row): &(Hash, Branch)| {
                let blocks = row.blocks.iter().chain([block]).cloned().collect();
                (*last == parent).then_some(Branch { fork: row.fork, blocks })
            };
            let within = self.log.finalised() <= below && below < head;
            let leaves = within && self.log.contains(below, &parent);
            let first = || leaves.then(|| Branch { fork: below, blocks: vec![Arc::clone(block)] });
            let row = rows.iter().find_map(longer).or_else(first);
            rows.extend(row.map(|row| (block.hash(), row)));
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Whether the branch goes through what this node's own term must contain. Once the term has
    /// begun it contains that, and a late branch must not make its leader begin it once more.
    fn is_wanted(&self, branch: &Branch) -> bool {
        let Some(wanted) = self.waiting.wanted.as_ref().filter(|_| !self.log.is_open()) else {
            return false;
        };
        let has = |height: Height| branch.blocks.iter().find(|block| block.height() == height);
        has(wanted.height()).is_some_and(|block| Some(block.hash()) == wanted.hash())
    }

    /// Whether a term later than the head's opens in the branch, by enough promises, and the branch
    /// has everything that they select.
    fn is_superseded_by(&self, branch: &Branch) -> bool {
        let head_term = self.log.held(self.log.head()).map(|held| held.term);
        let openings = branch.blocks.iter().rev().filter_map(|block| block.opening.as_deref());
        openings
            .filter(|opening| Some(opening.term()) > head_term)
            .any(|opening| self.opens_branch(opening, branch))
    }

    /// Whether the branch carries a certificate of its own that this node's blocks lack: of the term
    /// of the head or a later one, since a leader that signs twice shows some members the other block.
    fn is_certified(&self, branch: &Branch) -> bool {
        let head_term = self.log.held(self.log.head()).map(|held| held.term);
        let own = self.log.certificate().filter(|own| own.ack.height > branch.fork);
        let least = own.map(|own| rank(&own.ack));
        let is_of_it = |shown: &&Certificate| {
            let ack = &shown.ack;
            let held = branch.blocks.iter().find(|block| block.height() == ack.height);
            held.is_some_and(|block| block.hash() == ack.block)
        };
        let carried = branch.blocks.iter().filter_map(|block| block.justification.as_ref());
        carried.chain(self.waiting.certificate()).filter(is_of_it).any(|shown| {
            Some(shown.ack.term) >= head_term
                && Some(rank(&shown.ack)) > least
                && self.vouches(shown)
        })
    }

    fn opens_branch(&self, opening: &TermCertificate, branch: &Branch) -> bool {
        // P-75: those registered after the opening's certificate, as far as this log goes with it.
        let base = opening.base_height().min(branch.fork);
        let Some(members) = self.log.members_before(base.next()) else { return false };
        let promised: BTreeSet<NodeId> =
            opening.view_changes.iter().map(|signed| signed.node).collect();
        let epoch = opening.term().epoch;
        let enough = quorum::opens(&self.log, members, epoch, &promised)
            || self.chain.trusts(&promised, self.newcomer());
        let selected = self.selected(opening, members);
        enough
            && self.is_higher(opening, &selected, branch)
            && self.keeps_lock(opening, &promised, branch.fork)
            && self.branch_has(&selected, branch)
    }

    /// P-76: what a registered quorum certified is given up only for a registered quorum's promises,
    /// or for a higher certificate of such a quorum.
    fn keeps_lock(
        &self,
        opening: &TermCertificate,
        promised: &BTreeSet<NodeId>,
        fork: Height,
    ) -> bool {
        let Some(lock) = self.log.proof().filter(|lock| lock.ack.height > fork) else {
            return true;
        };
        let members = self.log.members_before(lock.ack.height);
        members.is_some_and(|members| quorum::is_registered_quorum(members, promised))
            || opening
                .proof
                .as_ref()
                .is_some_and(|proof| rank(&proof.ack) >= rank(&lock.ack) && self.vouches(proof))
    }

    /// Whether branch and log together go through what is selected.
    fn branch_has(&self, selected: &Selected, branch: &Branch) -> bool {
        let has = |height: Height| {
            let Some(hash) = selected.hash_at(height) else { return true };
            let held = branch.blocks.iter().find(|block| block.height() == height);
            match held {
                Some(block) => block.hash() == hash,
                None => height <= branch.fork && self.log.contains(height, &hash),
            }
        };
        has(selected.base_height()) && has(selected.height())
    }

    /// P-76: a certificate of the branch alone is believed as any of blocks not here yet. It must be
    /// of a later term than what this node has certified, and so must be what supersedes a
    /// certificate; unless a registered quorum promised, which no certificate of fewer binds.
    fn is_higher(&self, opening: &TermCertificate, selected: &Selected, branch: &Branch) -> bool {
        let own = self.log.certificate().filter(|own| own.ack.height > branch.fork);
        let binds = own.filter(|own| {
            let members = self.log.members_before(own.ack.height);
            let promised = opening.view_changes.iter().map(|signed| signed.node).collect();
            !members.is_some_and(|members| quorum::is_registered_quorum(members, &promised))
        });
        if let (None, Some(first)) = (selected.base, selected.path.first()) {
            return opening.base().is_none() || binds.is_none_or(|own| own.ack.term < first.term);
        }
        let above = opening.base().filter(|base| base.ack.height > branch.fork);
        above.is_none_or(|base| {
            self.may_certify(base) && binds.is_none_or(|own| rank(&own.ack) < rank(&base.ack))
        })
    }

    /// Takes the blocks above `fork` back. Their calls go to the leader again, unless what comes
    /// instead has them.
    fn take_back(&mut self, fork: Height) {
        let dropped: Vec<(SignedCall, bool)> = self
            .log
            .entries_from(fork.next())
            .flat_map(|entry| self.calls_of(&entry.block))
            .collect();
        self.record(Event::RolledBack { to: fork });
        self.perform(Effect::Publish(Update::RolledBack { to: self.log.head() }));
        self.forget_calls(dropped);
    }

    /// P-35: this node's own term must go on from blocks that others have.
    pub(super) fn fetch_selected(&mut self, selected: &Selected) {
        let has = |base: Ack| self.log.contains(base.height, &base.block);
        let from = match selected.base {
            Some(base) if has(base) => base.height.next(),
            Some(base) => self.branch_from(base.height),
            None => self.log.finalised().next(),
        };
        for node in self.holders(selected) {
            self.ask(node, from);
        }
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::{Place, Time, block::CertifiedBlock};

    use super::{
        super::{
            bench::{Bench, chain_member, node_key},
            input::Input,
        },
        *,
    };
    use crate::message::Message;

    /// A block like this one, of somebody else or another moment.
    fn other(like: &Block, signer: usize) -> Arc<Block> {
        let mut block = like.clone();
        block.leader = node_key(signer).node_id();
        block.header.time = Time(block.header.time.0 + 1);
        block.signature = node_key(signer).sign(&block.header);
        Arc::new(block)
    }

    fn served(block: Arc<Block>) -> Message {
        Message::SyncBlocks(vec![CertifiedBlock { block, certificate: None }])
    }

    /// P-73: what its term had to contain is history once the term has begun.
    #[test]
    fn leader_does_not_begin_its_term_twice_for_a_branch_that_it_once_asked_for() {
        let mut bench = Bench::new(4);
        bench.note(3);
        bench.down.insert(0);
        bench.wait(2_000);
        bench.down.extend([2, 3]);
        let head = bench.nodes[1].log().head();
        let entry = bench.nodes[1].log().entry(head).unwrap();
        let (hash, opening) = (entry.hash, Arc::clone(&entry.block));
        assert!(opening.opening.is_some());
        let late = other(&opening, 1);
        let path = vec![Place { hash: late.hash(), term: late.header.term }];
        let base = opening.opening.as_ref().and_then(|opening| opening.base());
        let base = base.map(|known| known.ack);
        let above = base.map_or(Height::ZERO, |base| base.height);
        bench.nodes[1].waiting.wanted = Some(Selected { base, above, path });
        bench.message(1, 2, served(late));
        let kept = bench.nodes[1].log().tip().map(|tip| tip.hash);
        assert_eq!(kept, Some(hash));
    }

    /// P-73
    #[test]
    fn block_that_nobody_goes_on_from_hides_no_branch_above_it() {
        let mut bench = Bench::new(7);
        bench.note(3);
        let (second, third) = (bench.cut_unheard(), bench.cut_unheard());
        for node in 1..7 {
            bench.message(node, 0, Message::Block(Arc::clone(&second)));
        }
        bench.message(3, 0, Message::Block(Arc::clone(&third)));
        bench.message(3, 2, served(other(&second, 2)));
        bench.down.insert(0);
        bench.part(&[3]);
        bench.wait(3_000);
        bench.note(1);
        bench.cut.clear();
        bench.wait(2_000);
        let (leaders, own) = (bench.nodes[1].log(), bench.nodes[3].log());
        assert!(leaders.certified() >= third.height());
        assert!(!leaders.contains(third.height(), &third.hash()));
        assert_eq!(own.tip().map(|tip| tip.hash), leaders.tip().map(|tip| tip.hash));
    }

    fn assert_one_log(bench: &Bench) {
        let first = bench.nodes[0].log().tip().map(|tip| tip.hash);
        for (index, node) in bench.nodes.iter().enumerate() {
            assert_eq!(node.log().tip().map(|tip| tip.hash), first, "node {index}");
            assert_eq!(node.log().certified(), node.log().head(), "node {index}");
        }
    }

    /// P-75: a join that is not certified yet gives nobody a say in the opening that goes on over it.
    #[test]
    fn opening_is_counted_over_the_set_of_its_certificate() {
        let mut bench = Bench::new(3);
        bench.note(0);
        bench.record.members.push(chain_member(3));
        bench.down.extend([1, 2]);
        bench.observe();
        let join = Arc::clone(&bench.nodes[0].log().entry(Height(2)).unwrap().block);
        bench.down.insert(0);
        bench.grant(0, &[0, 1, 2]);
        let heard = bench.observation();
        for node in [1, 2] {
            bench.message(node, 0, Message::Block(Arc::clone(&join)));
            bench.input(node, Input::Chain(heard.clone()));
            bench.input(node, Input::Flush);
        }
        let promise = Box::new(bench.nodes[1].log().promise().cloned().unwrap());
        bench.input(0, Input::Chain(heard));
        bench.message(0, 1, Message::ViewChange(promise));
        assert_eq!(bench.nodes[0].log().head(), Height(3), "it opened its term, unheard");
        bench.down = [0].into();
        bench.wait(4_000);
        assert!(bench.nodes[1].log().certified() >= Height(3));
        bench.down.clear();
        bench.wait(2_000);
        assert_one_log(&bench);
    }

    /// P-44: one of those whom the new leader needs knows that the old one signed twice.
    #[test]
    fn blocks_of_an_accused_leader_are_followed_where_a_later_term_goes_on_from_them() {
        let mut bench = Bench::new(5);
        bench.note(3);
        let first = Arc::clone(&bench.nodes[0].log().entry(Height(1)).unwrap().block);
        let second = bench.cut_unheard();
        for node in [1, 2] {
            bench.message(node, 0, Message::Block(Arc::clone(&second)));
        }
        bench.message(3, 0, Message::Block(other(&first, 0)));
        assert!(bench.nodes[3].log().evidence().is_some());
        bench.down.insert(0);
        bench.wait(6_000);
        for node in 1..5 {
            let log = bench.nodes[node].log();
            assert!(log.contains(second.height(), &second.hash()), "node {node}");
            assert!(log.certified() > second.height(), "node {node}");
        }
    }

    /// P-46: what either certified alone is too little for the other to vouch for.
    #[test]
    fn pair_whose_members_went_on_alone_comes_together_again() {
        let mut bench = Bench::new(2);
        bench.note(0);
        for (alone, calls) in [(1, 20), (0, 1)] {
            bench.down = [1 - alone].into();
            bench.grant(alone, &[alone]);
            (0..calls).for_each(|_| bench.note(alone));
            bench.wait(500);
        }
        bench.down.clear();
        bench.grant(0, &[0, 1]);
        bench.wait(8_000);
        bench.note(0);
        assert_one_log(&bench);
    }

    /// P-73: the term that went on without the other block is longer than what a node holds.
    #[test]
    fn member_that_was_shown_another_block_comes_back_by_a_certificate() {
        let mut bench = Bench::new(4);
        bench.note(3);
        let block = bench.cut_unheard();
        for node in [1, 2] {
            bench.message(node, 0, Message::Block(Arc::clone(&block)));
        }
        bench.message(3, 0, Message::Block(other(&block, 0)));
        bench.down.insert(3);
        for _ in 0..80 {
            bench.note(0);
        }
        bench.down = [0].into();
        bench.wait(4_000);
        bench.down.clear();
        bench.wait(4_000);
        assert!(bench.nodes[3].log().contains(block.height(), &block.hash()));
        assert_one_log(&bench);
    }
}
