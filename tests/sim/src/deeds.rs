//! What accounts and liars do on the chain: nodes that are gone for good or for a while, exits, also at
//! an old state, false reports, and complaints.

use std::collections::BTreeSet;

use fairway_proto::settlement::proof;
use fairway_types::{
    Hash, Height, JoinSequence, Operation,
    chain::{ChainMember, ChainTx},
    evidence::Evidence,
    windows::BlockProof,
};
use rand::Rng;

use crate::{
    chain::Act,
    invariants::Broken,
    node::Node,
    world::{Item, World},
};

/// Old proofs that a liar keeps.
const KEPT: usize = 8;

/// Who is gone for good in a run, and who comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Everybody stays.
    Stay,
    /// Fewer than a third of the members go for good.
    Few,
    /// All others go for good, and one member is left alone.
    Alone,
}

/// What a run does on the chain beside what nodes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deeds {
    pub fate: Fate,
    pub exits: bool,
    pub complaints: bool,
    /// Two of three members settle what is not so.
    pub colludes: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Doings {
    old: Vec<BlockProof>,
    exits: u8,
    /// Settlements that are not so, by their hashes.
    pub(crate) made_up: BTreeSet<Hash>,
}

impl World {
    /// Something happens on the chain, and after a while something else.
    pub(crate) fn deed(&mut self) -> Result<(), Broken> {
        let Some(deeds) = self.plan.deeds else { return Ok(()) };
        if self.calm {
            return Ok(());
        }
        let delay = self.rng.random_range(500..6_000);
        self.after(delay, Item::Deed);
        if deeds.colludes {
            return self.collude();
        }
        self.keep_proof();
        let late = self.report.steps > self.plan.steps / 3;
        match self.rng.random_range(0..10) {
            0 | 1 if late => self.go(deeds.fate),
            2 => self.be_away(),
            3 if late && deeds.exits => self.exit()?,
            4 if late && deeds.exits => self.exit_at_old_state()?,
            5..7 if deeds.complaints => self.complain()?,
            7..10 => self.report_falsely(),
            _ => {}
        }
        Ok(())
    }

    fn acts(&mut self, node: usize, act: &Act, what: &str) -> Result<(), Broken> {
        let account = self.nodes[node].account.clone();
        let done = self.on_chain(|chain, now| chain.act(now, &account, act))?;
        let count = if done.is_ok() { what.to_owned() } else { format!("{what} refused") };
        *self.report.deeds.entry(count).or_default() += 1;
        self.trace.note(self.now, || format!("n{node}'s account: {what}: {done:?}"));
        self.show_chain(50);
        Ok(())
    }

    /// Members that are active and not Byzantine, whose nodes are still there.
    fn present(&self) -> Vec<usize> {
        let members = &self.chain.record().members;
        let active = |id| members.iter().any(|seat| seat.record.node == id && seat.active);
        let here = |at: &usize| {
            let node = &self.nodes[*at];
            node.honest && !node.gone && active(node.keypair.node_id())
        };
        (0..self.nodes.len()).filter(here).collect()
    }

    fn someone_present(&mut self) -> Option<usize> {
        let present = self.present();
        (!present.is_empty()).then(|| present[self.rng.random_range(0..present.len())])
    }

    /// Some nodes never come back. Their accounts ask the chain to let them leave.
    fn go(&mut self, fate: Fate) {
        let present = self.present();
        let gone = self.nodes.iter().filter(|node| node.gone).count();
        let active = self.chain.record().members.iter().filter(|seat| seat.active).count();
        // Who is entered in no log yet certifies nothing.
        let entered = self.honest().map(Node::settled_members).min().unwrap_or(0);
        let active = active.min(entered + gone);
        let most = match fate {
            Fate::Stay => 0,
            Fate::Few => active.saturating_sub(1) / 3,
            Fate::Alone => active.saturating_sub(1),
        };
        let liars = usize::from(self.byzantine.is_some() || self.plan.byzantine);
        let mut left = most.saturating_sub(gone + liars);
        if fate == Fate::Few {
            left = left.min(1);
        }
        for node in present.into_iter().take(left) {
            *self.report.deeds.entry("gone for good".to_owned()).or_default() += 1;
            self.trace.note(self.now, || format!("n{node} is gone for good"));
            self.nodes[node].gone = true;
            self.nodes[node].up = false;
            self.nodes[node].life += 1;
            let delay = self.rng.random_range(10..5_000);
            self.after(delay, Item::AskLeave { node });
        }
    }

    /// The account of a node that is gone wants its money.
    pub(crate) fn ask_leave(&mut self, node: usize) -> Result<(), Broken> {
        let act = if self.rng.random_bool(0.5) { Act::Leave } else { Act::Exit };
        self.acts(node, &act, "leave for a node that is gone")
    }

    /// Whether so many are gone for good that the others may not go on.
    pub(crate) fn is_alone(&self) -> bool {
        let alone = self.plan.deeds.is_some_and(|deeds| deeds.fate == Fate::Alone);
        alone && self.nodes.iter().any(|node| node.gone)
    }

    /// Whether somebody that the log or the contract counts no more in terms signs nothing since it lost
    /// its tail (P-92): what is not final without it stays so until an exit, as no later term names it.
    pub(crate) fn is_held_up_by_a_lost_tail(&self) -> bool {
        let holds_up = |seat: &ChainMember| {
            let Some(at) = self.index(&seat.record.node) else { return false };
            let log = self.nodes[at].channel.log();
            let silent = log.is_tail_lost() || log.silent_to().is_some_and(|to| to >= log.term());
            let left = log.tip().is_some_and(|tip| !tip.members.contains_key(&seat.record.node));
            silent && (left || !seat.eligible)
        };
        self.chain.record().members.iter().filter(|seat| seat.active).any(holds_up)
    }

    /// Who is left wants its money, and nothing more.
    pub(crate) fn leave_alone(&mut self) -> Result<(), Broken> {
        for node in self.present() {
            self.acts(node, &Act::Exit, "exit of who is left")?;
        }
        Ok(())
    }

    /// Whether nobody that is there waits for its money that it can claim: whose node lacks the state
    /// that the chain goes by, and has nobody left to ask, can't.
    pub(crate) fn are_out(&self) -> bool {
        let record = self.chain.record();
        let shown = record.windows.shown.map(|shown| (shown.height, shown.block));
        let ended = record.windows.outcome.as_ref().map(|outcome| (outcome.height, outcome.block));
        let settled = (record.settlement.height, record.settlement.block);
        let (height, block) = ended.or(shown).unwrap_or(settled);
        let present = self.present();
        let mut logs = present.iter().map(|at| self.nodes[*at].channel.log());
        height > Height::ZERO && logs.all(|log| log.state_after(height, block).is_none())
            || present.is_empty()
    }

    /// Longer than the chain hears a silent member, often longer than a window.
    fn be_away(&mut self) {
        let Some(node) = self.someone_present() else { return };
        if !self.nodes[node].up || self.nodes[node].paused || self.plan.byzantine {
            return;
        }
        *self.report.deeds.entry("away for long".to_owned()).or_default() += 1;
        self.nodes[node].up = false;
        self.trace.note(self.now, || format!("n{node} is away for long"));
        let life = self.nodes[node].life;
        let delay = self.rng.random_range(12_000..35_000);
        self.after(delay, Item::Restart { node, life });
    }

    fn exit(&mut self) -> Result<(), Broken> {
        let most = if self.plan.byzantine { 0 } else { 2 };
        match self.someone_present() {
            Some(node) if self.doings.exits < most => {
                self.doings.exits += 1;
                self.acts(node, &Act::Exit, "exit")
            }
            Some(_) | None => Ok(()),
        }
    }

    fn keep_proof(&mut self) {
        let Some(at) = self.byzantine.as_ref().map(|byzantine| byzantine.node) else { return };
        let log = self.nodes[at].channel.log();
        if let Some(old) = proof::best(log, self.chain.record(), log.certified()) {
            if self.doings.old.len() == KEPT {
                self.doings.old.remove(0);
            }
            self.doings.old.push(old);
        }
    }

    /// A liar wants to end the channel where it had more.
    fn exit_at_old_state(&mut self) -> Result<(), Broken> {
        let Some(at) = self.byzantine.as_ref().map(|byzantine| byzantine.node) else {
            return Ok(());
        };
        let settled = self.chain.record().settlement.height;
        let above = |proof: &&BlockProof| proof.shown().is_some_and(|it| it.height > settled);
        let Some(old) = self.doings.old.iter().find(above).cloned() else { return Ok(()) };
        self.acts(at, &Act::Exit, "exit of a liar at an old state")?;
        let channel = self.chain.record().channel;
        self.submit_tx(at, ChainTx::Show { channel, proof: Box::new(old) });
        Ok(())
    }

    /// The leader never hears of the call but from the chain; at times its number is not next.
    fn complain(&mut self) -> Result<(), Broken> {
        let Some(node) = self.someone_present() else { return Ok(()) };
        let off = if self.rng.random_bool(0.3) { 3 } else { 0 };
        let sequence = self.next_sequence(node) + off;
        let operation = Operation::Invoke {
            function: crate::machine::function("nothing"),
            type_args: Vec::new(),
            args: Vec::new(),
        };
        let call = self.sign(node, sequence, operation);
        self.acts(node, &Act::Complain(Box::new(call)), "complaint")
    }

    /// A liar says on the chain what it says of honest leaders.
    fn report_falsely(&mut self) {
        let Some(at) = self.byzantine.as_ref().map(|byzantine| byzantine.node) else { return };
        if self.slandered.is_empty() {
            return;
        }
        let evidence = self.slandered[self.rng.random_range(0..self.slandered.len())].clone();
        if let Some(accused) = self.accused(&evidence) {
            let (channel, evidence) = (self.chain.record().channel, Box::new(evidence));
            let (what, tx) = match self.rng.random_bool(0.8) {
                true => ("false report", ChainTx::Report { channel, accused, evidence }),
                false => ("false case", ChainTx::Judge { channel, accused, evidence }),
            };
            *self.report.deeds.entry(what.to_owned()).or_default() += 1;
            self.submit_tx(at, tx);
        }
    }

    fn accused(&self, evidence: &Evidence) -> Option<JoinSequence> {
        let mut members = self.chain.record().members.iter();
        let seat = members.find(|member| member.record.node == evidence.accused())?;
        Some(seat.record.join_sequence)
    }
}
