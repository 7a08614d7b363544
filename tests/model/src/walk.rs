//! The steps from a state to the next ones.

use stateright::{Model, Property};

use crate::{
    bounds::{Bounds, Member},
    member::Acting,
    opening::{Outcome, outcomes},
    properties,
    state::{Block, BlockId, Certified, GENESIS, State},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The leader cuts a block of its open term, with a certificate it heard of.
    Cut { member: Member, heard: Option<Certified> },
    /// A member's patience ends.
    Leave { member: Member, heard: Option<Certified>, proof: Option<Certified> },
    /// The leader lacks a selected block and takes over the chain of one who has it.
    Fetch { member: Member, top: BlockId },
    /// The leader has enough promises and all that they select.
    Open { member: Member, outcome: Outcome, heard: Option<Certified> },
    /// A member hears of a block.
    Take { member: Member, block: BlockId },
    /// It takes its own blocks back for it, and cannot append it yet.
    Stall { member: Member, block: BlockId },
    /// The liar signs a block.
    Lie { block: Block },
}

impl Bounds {
    /// The state after a step.
    #[must_use]
    pub fn after(&self, state: &State, step: &Step) -> State {
        let mut next = state.clone();
        match step {
            Step::Cut { member, heard } => {
                let mut acting = self.acting(&mut next, *member);
                heard.iter().for_each(|heard| acting.learn(*heard));
                acting.cut(None);
            }
            Step::Leave { member, heard, proof } => {
                let mut acting = self.acting(&mut next, *member);
                heard.iter().chain(proof).for_each(|heard| acting.learn(*heard));
                let term = acting.disk().term + 1;
                acting.leave_for(term);
            }
            Step::Fetch { member, top } => self.acting(&mut next, *member).take(*top),
            Step::Open { member, outcome, heard } => {
                let mut acting = self.acting(&mut next, *member);
                heard.iter().for_each(|heard| acting.learn(*heard));
                acting.cut(Some(*outcome));
            }
            Step::Take { member, block } => self.acting(&mut next, *member).take(*block),
            Step::Stall { member, block } => {
                self.acting(&mut next, *member).leave_branch(*block);
            }
            Step::Lie { block } => next.add(*block),
        }
        next
    }

    pub fn acting<'a>(&'a self, state: &'a mut State, member: Member) -> Acting<'a> {
        Acting { state, bounds: self, member }
    }

    fn member_steps(&self, state: &State, member: Member, steps: &mut Vec<Step>) {
        let mut copy = state.clone();
        let acting = self.acting(&mut copy, member);
        let hearsay = acting.hearsay();
        let heard = || std::iter::once(None).chain(hearsay.iter().copied().map(Some));
        let registered = |heard: &Option<Certified>| heard.is_none_or(|heard| heard.registered);
        let room = state.height(acting.disk().head) < self.heights;
        let room = room && acting.may_cut();
        if acting.is_open() && room {
            steps.extend(heard().filter(registered).map(|heard| Step::Cut { member, heard }));
        }
        if acting.leads() && !acting.is_open() {
            self.opening_steps(&acting, room, steps);
        }
        if acting.disk().term + 1 < self.terms {
            for heard in heard() {
                steps.push(Step::Leave { member, heard, proof: None });
                if heard.is_some_and(|heard| !heard.registered) {
                    let proofs = hearsay.iter().copied().filter(|other| other.registered);
                    steps.extend(proofs.map(|it| Step::Leave { member, heard, proof: Some(it) }));
                }
            }
        }
        for block in state.blocks.iter().filter(|block| acting.takes(block.id)) {
            steps.push(Step::Take { member, block: block.id });
            if state.fork(acting.disk().head, block.id) != acting.disk().head {
                steps.push(Step::Stall { member, block: block.id });
            }
        }
    }

    fn opening_steps(&self, acting: &Acting<'_>, room: bool, steps: &mut Vec<Step>) {
        let (state, disk, member) = (&*acting.state, acting.disk(), acting.member);
        for outcome in outcomes(state, self, disk.term, member).iter() {
            if outcome.is_met_by(state, disk.head) {
                let proofs = acting.hearsay().into_iter().filter(|heard| heard.registered);
                let heard = std::iter::once(None).chain(proofs.map(Some));
                let opens = |heard| Step::Open { member, outcome: *outcome, heard };
                steps.extend(heard.filter(|_| room).map(opens));
            } else if let Some(top) = outcome.lacked_by(state, disk.head) {
                steps.push(Step::Fetch { member, top });
            }
        }
    }

    /// Every block that the liar may sign in a term it leads and others would check and keep, or check
    /// and find that it does not re-execute.
    fn lies(&self, state: &State, liar: Member, steps: &mut Vec<Step>) {
        let signed = |block: &&Block| self.leader(block.term) == liar;
        if state.blocks.iter().filter(signed).count() >= self.lies {
            return;
        }
        let mut add = |block: Block| {
            let justified = self.justifications(state, block.parent);
            for (justified, twin) in justified.into_iter().flat_map(|it| [(it, false), (it, true)])
            {
                let block = Block { justified, twin, ..block }.named();
                let is_new = !state.blocks.contains(&block);
                let first = Block { twin: false, ..block }.named();
                let in_turn = !twin || self.twins && state.blocks.contains(&first);
                if is_new && in_turn {
                    steps.push(Step::Lie { block });
                }
            }
        };
        let parents = state.blocks.iter().map(|block| block.id);
        for parent in std::iter::once(GENESIS).chain(parents) {
            if state.height(parent) >= self.heights {
                continue;
            }
            for block in self.lies_on(state, liar, parent) {
                add(block);
            }
        }
    }

    fn lies_on(&self, state: &State, liar: Member, parent: BlockId) -> Vec<Block> {
        let before = state.block(parent).map(|block| block.term);
        let plain = Block {
            height: state.height(parent) + 1,
            term: before.unwrap_or(0),
            parent,
            opening: None,
            justified: None,
            twin: false,
            id: GENESIS,
        };
        let mut blocks = Vec::new();
        if self.leader(plain.term) == liar {
            blocks.push(plain);
        }
        let later = before.map_or(1, |before| before + 1)..self.terms;
        for term in later.filter(|term| self.leader(*term) == liar) {
            for outcome in outcomes(state, self, term, liar).iter() {
                if outcome.is_met_by(state, parent) {
                    let opening = Some(outcome.opening);
                    blocks.push(Block { term, opening, ..plain });
                }
            }
        }
        blocks
    }

    /// P-26: what the parent carries, or any higher certificate on its chain.
    fn justifications(&self, state: &State, parent: BlockId) -> Vec<Option<Certified>> {
        let carried = state.block(parent).and_then(|block| block.justified);
        let least = carried.map_or(0, |carried| state.height(carried.block));
        let higher = state.chain(parent).filter(|block| block.height > least);
        let made = higher.filter_map(|block| state.certified(self, block)).map(Some);
        std::iter::once(carried).chain(made).collect()
    }
}

impl Model for Bounds {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let first = State::new(self);
        vec![self.prelude.iter().fold(first, |state, step| self.after(&state, step))]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for member in self.honest() {
            self.member_steps(state, member, steps);
        }
        if let Some(liar) = self.liar {
            self.lies(state, liar, steps);
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        Some(self.after(state, &step).canonical(self))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

/// Whether a step is the one that is meant; with the height of the block it is about, if any.
pub type Meant<'a> = &'a dyn Fn(&Step, u8) -> bool;

/// The first possible steps that are meant, one after the other; shorter where none is.
#[must_use]
pub fn prelude(bounds: &Bounds, meant: &[Meant<'_>]) -> Vec<Step> {
    let mut state = State::new(bounds);
    let mut taken = Vec::new();
    for meant in meant {
        let mut steps = Vec::new();
        bounds.actions(&state, &mut steps);
        let about = |step: &Step| match step {
            Step::Take { block, .. } | Step::Stall { block, .. } => state.height(*block),
            Step::Lie { block } => block.height,
            Step::Cut { .. } | Step::Leave { .. } | Step::Fetch { .. } | Step::Open { .. } => 0,
        };
        let Some(step) = steps.into_iter().find(|step| meant(step, about(step))) else {
            return taken;
        };
        state = bounds.after(&state, &step);
        taken.push(step);
    }
    taken
}
