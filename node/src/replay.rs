//! Executes stored blocks again, and compares what comes out with what was stored and signed. Never
//! signs, never writes.

use std::{cell::RefCell, collections::BTreeSet};

use fairway_proto::channel::{
    execution::{Execution, genesis_writes, merged_writes},
    output::Appended,
    snapshot::Point,
};
use fairway_sandbox::{GasTrace, MoveSandbox};
use fairway_state::State;
use fairway_types::{
    Block, Context, Effects, Execute, Gas, Hash, Height, Invocation, Outcome, Refusal, StateKey,
    StateReader, Transaction, Write,
    chain::{ChannelFacts, ChannelRecord},
};

/// Blocks of one channel, one after the other.
pub struct Replay<'a> {
    sandbox: &'a MoveSandbox,
    facts: ChannelFacts,
    point: Point,
}

/// What a block and its effects amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roots {
    pub effects: Hash,
    pub state: Hash,
}

/// Where a stored block and its execution part.
#[derive(Debug)]
pub struct Difference {
    pub height: Height,
    pub what: What,
    /// What the leader signed, what the stored effects amount to, and what came out; the last unless
    /// the block could not be executed to its end.
    pub signed: Roots,
    pub stored: Roots,
    pub executed: Option<Roots>,
}

#[derive(Debug)]
pub enum What {
    /// The block does not follow the one before, which has this hash.
    Parent(Hash),
    /// Its transactions are not those of its header.
    Transactions,
    /// A transaction did something else.
    Effects(Box<Parted>),
    /// Every transaction did what is stored, and that is not what the leader signed.
    Roots,
}

/// A transaction whose stored effects are not those of its execution.
#[derive(Debug)]
pub struct Parted {
    pub place: u32,
    pub transaction: Transaction,
    pub stored: Option<Effects>,
    /// Or why the rules refuse it there.
    pub executed: Result<Effects, Refusal>,
    /// The entries that the two leave differently.
    pub entries: Vec<EntryDifference>,
}

/// An entry before the transaction, and after it as stored and as executed.
#[derive(Debug, PartialEq, Eq)]
pub struct EntryDifference {
    pub key: StateKey,
    pub before: Option<Vec<u8>>,
    pub stored: Option<Vec<u8>>,
    pub executed: Option<Vec<u8>>,
}

impl<'a> Replay<'a> {
    /// From the point on, which was stored.
    #[must_use]
    pub fn new(sandbox: &'a MoveSandbox, facts: ChannelFacts, point: Point) -> Self {
        Self { sandbox, facts, point }
    }

    /// From genesis on, which is executed here.
    #[must_use]
    pub fn genesis(sandbox: &'a MoveSandbox, record: &ChannelRecord) -> Self {
        let point = Point::genesis(record, &genesis_writes(record, sandbox));
        Self { sandbox, facts: record.facts(), point }
    }

    /// The point that was reached.
    #[must_use]
    pub fn point(&self) -> &Point {
        &self.point
    }

    /// Executes the next block; with `follow`, says where each transaction's gas went.
    pub fn step(
        &mut self,
        appended: &Appended,
        follow: bool,
    ) -> Result<Vec<GasTrace>, Box<Difference>> {
        let block = &appended.block;
        let header = &block.header;
        if header.parent != self.point.hash {
            return Err(self.difference(appended, What::Parent(self.point.hash), None));
        }
        if header.transactions_root != Block::transactions_root(&block.transactions) {
            return Err(self.difference(appended, What::Transactions, None));
        }
        let vm = Following::new(self.sandbox);
        let mut run = Execution::new(&vm, self.facts, self.point.start(), header.time);
        let mut traces = Vec::new();
        for (place, transaction) in (0u32..).zip(&block.transactions) {
            vm.follow(follow);
            let executed = run.run(transaction).cloned();
            traces.extend(vm.followed());
            let stored = appended.effects.get(place as usize);
            if executed.as_ref().ok() != stored {
                let before = merged_writes(&run.effects()[..place as usize]);
                let before = self.point.state.with_writes(&before);
                let parted = Parted::new(place, transaction, stored, executed, &before);
                return Err(self.difference(appended, What::Effects(Box::new(parted)), None));
            }
        }
        let executed = run.finish(&self.point.state);
        let roots =
            Roots { effects: Effects::root(&executed.effects), state: executed.state.root() };
        if roots != signed(block) || appended.effects.len() != executed.effects.len() {
            return Err(self.difference(appended, What::Roots, Some(roots)));
        }
        let (height, hash, time) = (header.height, block.hash(), header.time);
        self.point = Point { height, hash, time, state: executed.state };
        Ok(traces)
    }

    fn difference(
        &self,
        appended: &Appended,
        what: What,
        executed: Option<Roots>,
    ) -> Box<Difference> {
        let state = self.point.state.with_writes(&merged_writes(&appended.effects));
        let stored = Roots { effects: Effects::root(&appended.effects), state: state.root() };
        let height = appended.block.height();
        Box::new(Difference { height, what, signed: signed(&appended.block), stored, executed })
    }
}

fn signed(block: &Block) -> Roots {
    Roots { effects: block.header.effects_root, state: block.header.state_root }
}

/// Where the gas of the transaction at `place` went, and its effects. `point` is the one before the
/// block.
///
/// # Errors
/// `not_found` when the block has no such transaction; `internal` when it does not do what is stored.
pub fn trace(
    sandbox: &MoveSandbox,
    facts: ChannelFacts,
    point: &Point,
    appended: &Appended,
    place: u32,
) -> Result<(Effects, GasTrace), Refusal> {
    let (height, before) = (appended.block.height(), place as usize);
    let transactions = &appended.block.transactions;
    let Some(transaction) = transactions.get(before) else {
        let what =
            format!("transaction {place} of block {height}, which has {}", transactions.len());
        return Err(Refusal::not_found(what));
    };
    let vm = Following::new(sandbox);
    let mut run = Execution::new(&vm, facts, point.start(), appended.block.header.time);
    for earlier in &transactions[..before] {
        run.run(earlier)?;
    }
    vm.follow(true);
    let effects = run.run(transaction)?.clone();
    let trace = vm.followed().unwrap_or_default();
    if appended.effects.get(before) != Some(&effects) {
        let reason = format!(
            "transaction {place} of block {height} does not do what is stored: stop the node and run \
             `fairway channel replay`"
        );
        return Err(Refusal::Internal { reason });
    }
    Ok((effects, trace))
}

impl Parted {
    fn new(
        place: u32,
        transaction: &Transaction,
        stored: Option<&Effects>,
        executed: Result<Effects, Refusal>,
        before: &State,
    ) -> Self {
        let written = |effects: Option<&Effects>| effects.map_or(Vec::new(), |e| e.writes.clone());
        let writes = [written(stored), written(executed.as_ref().ok())];
        Self {
            place,
            transaction: transaction.clone(),
            stored: stored.cloned(),
            executed,
            entries: differences(before, &writes[0], &writes[1]),
        }
    }
}

fn differences(before: &State, stored: &[Write], executed: &[Write]) -> Vec<EntryDifference> {
    let keys: BTreeSet<&StateKey> = stored.iter().chain(executed).map(|write| &write.key).collect();
    let held = |key: &StateKey| before.read(key).map(|value| value.to_vec());
    let after = |key: &StateKey, writes: &[Write]| {
        let write = writes.iter().rfind(|write| write.key == *key);
        write.map_or_else(|| held(key), |write| write.value.clone())
    };
    let entries = keys.into_iter().map(|key| EntryDifference {
        key: key.clone(),
        before: held(key),
        stored: after(key, stored),
        executed: after(key, executed),
    });
    entries.filter(|entry| entry.stored != entry.executed).collect()
}

/// The sandbox, which says where gas goes while it is asked to.
struct Following<'a> {
    sandbox: &'a MoveSandbox,
    trace: RefCell<Option<GasTrace>>,
}

impl<'a> Following<'a> {
    fn new(sandbox: &'a MoveSandbox) -> Self {
        Self { sandbox, trace: RefCell::default() }
    }

    fn follow(&self, follow: bool) {
        *self.trace.borrow_mut() = follow.then(GasTrace::default);
    }

    fn followed(&self) -> Option<GasTrace> {
        self.trace.borrow_mut().take()
    }
}

impl Execute for Following<'_> {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas_limit: Gas,
    ) -> Outcome {
        match &mut *self.trace.borrow_mut() {
            Some(trace) => {
                self.sandbox.execute_traced(state, context, invocation, gas_limit, trace)
            }
            None => self.sandbox.execute(state, context, invocation, gas_limit),
        }
    }
}
