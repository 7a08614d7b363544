//! What a correct member does: leads, follows, acks, promises. It imitates `fairway_proto`'s `leader`,
//! `follower`, `fork` and `view_change`, with one thing left out: time. A member may lose its patience
//! at any moment.

use crate::{
    bounds::{Bounds, Flaw, Member},
    opening::{Outcome, acked_between},
    state::{Block, BlockId, Certified, Disk, GENESIS, Opening, Promise, State},
};

/// One state in which a member acts.
pub struct Acting<'a> {
    pub state: &'a mut State,
    pub bounds: &'a Bounds,
    pub member: Member,
}

impl Acting<'_> {
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.state.disks[self.member]
    }

    fn disk_mut(&mut self) -> &mut Disk {
        &mut self.state.disks[self.member]
    }

    /// Whether its log goes through the block.
    #[must_use]
    pub fn has(&self, id: BlockId) -> bool {
        self.state.goes_through(self.disk().head, id)
    }

    fn head_term(&self) -> Option<u8> {
        self.state.block(self.disk().head).map(|head| head.term)
    }

    /// Whether the present term has begun here; the first one needs no beginning.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let term = self.disk().term;
        self.head_term().map_or(term == 0, |head| head == term)
    }

    #[must_use]
    pub fn leads(&self) -> bool {
        self.bounds.leader(self.disk().term) == self.member
    }

    /// Whether it may sign the next block: a leader that signed one at that place has done so.
    #[must_use]
    pub fn may_cut(&self) -> bool {
        let disk = self.disk();
        let last = disk.acks.last().and_then(|id| self.state.rank(*id));
        let next = (disk.term, self.state.height(disk.head) + 1);
        self.leads() && (last < Some(next) || self.bounds.flaw == Flaw::LeaderSignsTwice)
    }

    /// Certificates of blocks in its log that it may have heard of by now, beside those it has.
    #[must_use]
    pub fn hearsay(&self) -> Vec<Certified> {
        let least = self.state.certificate(self.disk()).and_then(|id| self.state.rank(id));
        let least_proof = self.state.proof(self.disk()).and_then(|id| self.state.rank(id));
        let made = self.state.chain(self.disk().head);
        made.filter_map(|block| Some((block.rank(), self.state.certified(self.bounds, block)?)))
            .filter(|(rank, made)| {
                Some(*rank) > least || made.registered && Some(*rank) > least_proof
            })
            .map(|(_, made)| made)
            .collect()
    }

    pub fn learn(&mut self, certified: Certified) {
        let known = &mut self.disk_mut().known;
        if !known.contains(&certified) {
            known.push(certified);
            known.sort();
        }
    }

    fn ack(&mut self, id: BlockId) {
        let height = self.state.height(id);
        let disk = self.disk_mut();
        disk.acks.push(id);
        disk.acked_to = height;
    }

    /// P-72: what it promises for `term`.
    #[must_use]
    pub fn promise(&self, term: u8) -> Promise {
        let disk = self.disk();
        let certificate = self.state.certificate(disk);
        let base = certificate.map_or(0, |id| self.state.height(id));
        let acked = acked_between(self.state, disk.head, base, self.acked_to());
        Promise { term, proof: self.state.proof(disk), certificate, acked }
    }

    fn acked_to(&self) -> u8 {
        let disk = self.disk();
        if self.bounds.flaw != Flaw::PromiseForgetsBelowFork {
            return disk.acked_to;
        }
        let last = disk.acks.last().filter(|last| self.state.goes_through(disk.head, **last));
        last.map_or(0, |last| self.state.height(*last))
    }

    pub fn leave_for(&mut self, term: u8) {
        let promise = self.promise(term);
        let disk = self.disk_mut();
        disk.term = term;
        disk.promises.push(promise);
    }

    /// P-22, P-42: the next block on its head, as the leader cuts, stores and acks it.
    pub fn cut(&mut self, outcome: Option<Outcome>) {
        let block = self.next_block(outcome).named();
        self.state.add(block);
        self.append(&block);
        self.ack(block.id);
    }

    fn next_block(&self, outcome: Option<Outcome>) -> Block {
        let disk = self.disk();
        let carried = self.state.block(disk.head).and_then(|head| head.justified);
        let least = carried.map_or(0, |carried| self.state.height(carried.block));
        let proof = self.state.proof(disk).filter(|id| self.state.height(*id) > least);
        Block {
            height: self.state.height(disk.head) + 1,
            term: disk.term,
            parent: disk.head,
            opening: outcome.map(|outcome| outcome.opening),
            justified: proof.map(|block| Certified { block, registered: true }).or(carried),
            twin: false,
            id: GENESIS,
        }
    }

    fn append(&mut self, block: &Block) {
        if let Some(justified) = block.justified {
            self.learn(justified);
        }
        let disk = self.disk_mut();
        disk.head = block.id;
        disk.term = disk.term.max(block.term);
    }

    /// P-73: blocks above `fork` and what is known of them are gone.
    fn take_back(&mut self, fork: BlockId) {
        let state = &*self.state;
        let known: Vec<Certified> = self.disk().known.clone();
        let kept =
            known.into_iter().filter(|known| state.goes_through(fork, known.block)).collect();
        let height = state.height(fork);
        let disk = self.disk_mut();
        disk.known = kept;
        disk.head = fork;
        disk.acked_to = disk.acked_to.min(height);
    }

    /// Whether it takes the row of blocks that ends in `id`: it extends its log, or goes on from what
    /// a later term's certificate selected.
    #[must_use]
    pub fn takes(&self, id: BlockId) -> bool {
        let disk = self.disk();
        if self.state.goes_through(disk.head, id) {
            return false;
        }
        let fork = self.state.fork(disk.head, id);
        let Some(opener) = self.leader_of(id) else { return false };
        opener && (fork == disk.head || self.is_superseded(id, fork))
    }

    /// Its own term's blocks come from itself alone.
    fn leader_of(&self, id: BlockId) -> Option<bool> {
        let block = self.state.block(id)?;
        Some(self.bounds.leader(block.term) != self.member || self.disk().acks.contains(&id))
    }

    fn is_superseded(&self, id: BlockId, fork: BlockId) -> bool {
        let head_term = self.head_term();
        self.branch(id, fork).iter().any(|block| {
            let opens = block.opening.filter(|_| Some(block.term) > head_term);
            opens.is_some_and(|opening| self.is_higher(opening, fork))
        })
    }

    /// P-73: a certificate of the branch alone is a registered quorum's, and higher than what this
    /// member has certified.
    fn is_higher(&self, opening: Opening, fork: BlockId) -> bool {
        let state = &*self.state;
        let above = |id: &BlockId| state.height(*id) > state.height(fork);
        let own = state.certificate(self.disk()).filter(above);
        if let Some(term) = opening.supersedes {
            let own = own.and_then(|own| state.block(own));
            return own.is_none_or(|own| own.term < term);
        }
        let Some(base) = opening.base.filter(above) else { return true };
        let made = state.block(base).and_then(|block| state.certified(self.bounds, block));
        made.is_some_and(|made| made.registered)
            && own.is_none_or(|own| state.rank(own) < state.rank(base))
    }

    /// The blocks above `fork` up to `id`, upwards.
    fn branch(&self, id: BlockId, fork: BlockId) -> Vec<Block> {
        let mut blocks: Vec<Block> =
            self.state.chain(id).take_while(|block| block.id != fork).copied().collect();
        blocks.reverse();
        blocks
    }

    /// Goes over to the row of blocks that ends in `id`, and acks the last.
    pub fn take(&mut self, id: BlockId) {
        let fork = self.state.fork(self.disk().head, id);
        let blocks = self.branch(id, fork);
        self.leave_branch(id);
        for block in &blocks {
            self.append(block);
        }
        self.ack_head();
    }

    /// Takes back what the row of blocks that ends in `id` leaves out. It may stay at that: the first
    /// of them waits for the chain's word, or does not re-execute.
    pub fn leave_branch(&mut self, id: BlockId) {
        let fork = self.state.fork(self.disk().head, id);
        if fork != self.disk().head {
            self.take_back(fork);
        }
    }

    /// P-29: of the current term only, never at or below what it acked before in it.
    fn ack_head(&mut self) {
        let disk = self.disk();
        let Some(head) = self.state.block(disk.head) else { return };
        let last = disk.acks.last().and_then(|id| self.state.rank(*id));
        let is_present = head.term == disk.term || self.bounds.flaw == Flaw::PromiseBindsNobody;
        if is_present && !self.leads() && last < Some(head.rank()) {
            let id = head.id;
            self.ack(id);
        }
    }
}
