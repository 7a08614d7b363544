//! Whether evidence shows that the accused broke a rule. Pure: who knows a channel's facts and runs
//! its package gets the same verdict everywhere, a member from its own state or a stranger from the
//! witness. It never says more than it saw: what is not shown, or not bound to the accused's
//! signature, makes a case unclear, never guilty.

use fairway_state::State;
use fairway_types::{
    Effects, Execute, Hash, NodeId, Refusal, Transaction,
    chain::ChannelFacts,
    crypto::Verify,
    evidence::{Disputed, Evidence, Parent},
};
use serde::{Deserialize, Serialize};

use crate::channel::{
    execution::{Execution, Start, member, merged_writes},
    ground::{Basis, Roll, Witnessed},
    log::genesis_hash_of,
};

/// What follows from evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// The accused signed what no honest node signs.
    Guilty(String),
    /// What it is accused of is what the rules ask for.
    Innocent(String),
    /// The evidence shows neither.
    Unclear(String),
}

impl Verdict {
    #[must_use]
    pub fn is_guilty(&self) -> bool {
        matches!(self, Self::Guilty(_))
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Guilty(reason) | Self::Innocent(reason) | Self::Unclear(reason) => reason,
        }
    }
}

/// A verdict, and what executing the block again gave on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    pub executed: Option<Again>,
}

/// A disputed block executed again, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    pub effects: Vec<Effects>,
    pub effects_root: Hash,
    pub state_root: Hash,
}

/// Judges evidence about the channel with these facts, which the judge knows otherwise than from the
/// evidence. `vm` runs the package and the gas table that they name. `held` is the state after the
/// parent, where the judge has it; else the witness stands for it.
pub fn check(
    evidence: &Evidence,
    facts: &ChannelFacts,
    vm: &impl Execute,
    held: Option<&State>,
) -> Judgement {
    if evidence.channel() != facts.channel {
        return unclear(format!("it is about channel {}", evidence.channel()));
    }
    if let Err(refusal) = evidence.check() {
        return unsound(&refusal);
    }
    match evidence {
        Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => signed_twice(evidence),
        Evidence::Divergence { block, .. } => {
            judge(block, facts, held, |basis| diverges(block, facts, vm, basis))
        }
        Evidence::InvalidTransaction { block, index, .. } => {
            judge(block, facts, held, |basis| breaks_a_rule(block, *index, facts, vm, basis))
        }
    }
}

/// Judges evidence as far as its signatures alone decide, whichever channel it is about; none where
/// a block is to be executed again.
#[must_use]
pub fn check_alone(evidence: &Evidence) -> Option<Judgement> {
    if let Err(refusal) = evidence.check() {
        return Some(unsound(&refusal));
    }
    match evidence {
        Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => Some(signed_twice(evidence)),
        Evidence::Divergence { .. } | Evidence::InvalidTransaction { .. } => None,
    }
}

/// P-93: what the accused did not sign proves nothing against it.
fn unsound(refusal: &Refusal) -> Judgement {
    unclear(format!("the evidence is not sound: {refusal}"))
}

fn signed_twice(evidence: &Evidence) -> Judgement {
    let (term, height) = evidence.place();
    let what = if evidence.is_about_leading() { "signed" } else { "acked" };
    guilty(format!("it {what} two blocks at height {height} of term {term}"))
}

/// Finds what the block is to be executed on.
fn judge(
    block: &Disputed,
    facts: &ChannelFacts,
    held: Option<&State>,
    on: impl FnOnce(&dyn Basis) -> Judgement,
) -> Judgement {
    if let Err(reason) = check_bonds(block, facts) {
        return unclear(reason);
    }
    let root = block.parent.state_root();
    if let Some(held) = held.filter(|held| held.root() == root) {
        return on(held);
    }
    let Some(witness) = &block.witness else {
        return unclear("it holds no witness: only who has the state before can judge");
    };
    match Witnessed::new(&root, witness) {
        Ok(witnessed) => on(&witnessed),
        Err(error) => unclear(format!("its witness shows nothing: {error}")),
    }
}

/// P-95: the accused signed the block, the block names its parent's hash, and that hash covers the
/// state's root and the height; for height 1 the channel's facts too. Above it, that the facts are
/// the channel's is for the judge to know.
fn check_bonds(block: &Disputed, facts: &ChannelFacts) -> Result<(), String> {
    let header = block.header();
    if block.facts != *facts {
        return Err(
            "it names other facts than the channel's: package, creator, gas or ticks".into()
        );
    }
    if header.channel != facts.channel {
        return Err(format!("its block is of channel {}", header.channel));
    }
    let (hash, fits) = match &block.parent {
        Parent::Block(parent) => (parent.hash(), true),
        Parent::Genesis { config, founders, state_root } => {
            let fits =
                config.gas_table == facts.gas_table && config.tick_interval == facts.tick_interval;
            (genesis_hash_of(facts, config, founders, *state_root), fits)
        }
    };
    if hash != header.parent || !fits || block.parent.height().next() != header.height {
        return Err("its parent is not the one that the accused signed a block on".into());
    }
    Ok(())
}

/// Executes the block's first transactions again; why one is refused, if one is.
fn execute(
    block: &Disputed,
    most: usize,
    facts: &ChannelFacts,
    vm: &impl Execute,
    basis: &dyn Basis,
) -> Result<Vec<Effects>, Judgement> {
    let header = block.header();
    let start = Start { height: block.parent.height(), hash: header.parent, state: basis };
    let mut execution = Execution::new(vm, *facts, start, header.time);
    for (index, transaction) in block.transactions.iter().enumerate().take(most) {
        let result = execution.run(transaction).map(drop);
        // Before anything else: what ran on a state with holes says nothing.
        if basis.has_missed() {
            return Err(unclear(format!(
                "transaction {index} asks for entries of the state that it does not show"
            )));
        }
        if let Err(refusal) = result {
            return Err(guilty(format!("transaction {index} breaks a rule: {refusal}")));
        }
    }
    Ok(execution.into_effects())
}

/// P-25: whether the roots that the leader signed are not those of re-execution.
fn diverges(
    block: &Disputed,
    facts: &ChannelFacts,
    vm: &impl Execute,
    basis: &dyn Basis,
) -> Judgement {
    let effects = match execute(block, usize::MAX, facts, vm, basis) {
        Ok(effects) => effects,
        Err(judgement) => return judgement,
    };
    let state_root = match basis.root_after(&merged_writes(&effects)) {
        Ok(root) => root,
        Err(error) => return unclear(error.to_string()),
    };
    let effects_root = Effects::root(&effects);
    let header = block.header();
    let differs = |what: &str, signed: Hash, actual: Hash| {
        format!("it signed {what} root {signed}, and execution gives {actual}")
    };
    let verdict = if effects_root != header.effects_root {
        Verdict::Guilty(differs("effects", header.effects_root, effects_root))
    } else if state_root != header.state_root {
        Verdict::Guilty(differs("state", header.state_root, state_root))
    } else {
        Verdict::Innocent("execution gives the roots that it signed".into())
    };
    Judgement { verdict, executed: Some(Again { effects, effects_root, state_root }) }
}

/// Whether a transaction of the block is one that no rule admits.
fn breaks_a_rule(
    block: &Disputed,
    index: u32,
    facts: &ChannelFacts,
    vm: &impl Execute,
    basis: &dyn Basis,
) -> Judgement {
    let place = usize::try_from(index).unwrap_or(usize::MAX);
    let Some(transaction) = block.transactions.get(place) else {
        return unclear(format!("its block has no transaction {index}"));
    };
    if let Err(judgement) = execute(block, place + 1, facts, vm, basis) {
        return judgement;
    }
    // P-7
    let settles = matches!(transaction, Transaction::Settled { .. });
    let registered = is_registered(basis, &block.block.leader);
    if !settles && !basis.has_missed() && !registered {
        return guilty(format!("transaction {index}: its leader has left, and may only settle"));
    }
    match transaction {
        Transaction::Call(_) | Transaction::Tick if !basis.has_missed() => {
            innocent(format!("the rules admit transaction {index}"))
        }
        Transaction::Call(_) | Transaction::Tick => {
            unclear("it does not show whether the leader was registered")
        }
        Transaction::Join(_)
        | Transaction::Remove { .. }
        | Transaction::Close
        | Transaction::Settled { .. } => unclear(format!(
            "the rules admit transaction {index}; whether the chain says so, only its record tells"
        )),
    }
}

fn is_registered(state: &dyn Basis, node: &NodeId) -> bool {
    let accounts = state.accounts(Roll::Members);
    let mut members = accounts.into_iter().filter_map(|account| member(state, account));
    members.any(|member| member.node == *node)
}

fn guilty(reason: impl Into<String>) -> Judgement {
    Judgement { verdict: Verdict::Guilty(reason.into()), executed: None }
}

fn innocent(reason: impl Into<String>) -> Judgement {
    Judgement { verdict: Verdict::Innocent(reason.into()), executed: None }
}

fn unclear(reason: impl Into<String>) -> Judgement {
    Judgement { verdict: Verdict::Unclear(reason.into()), executed: None }
}
