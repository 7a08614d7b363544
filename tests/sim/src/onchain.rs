//! Nodes and accounts on the chain: what they see of it, what they have it do, and that it does no
//! honest member's money wrong.

use std::collections::VecDeque;

use fairway_proto::Input;
use fairway_types::{
    Height, Time,
    chain::{ChainTx, ChannelRecord, Observation},
};
use rand::Rng;

use crate::{
    accounts::Accounts,
    chain::SettlementChain,
    invariants::Broken,
    world::{DEPOSIT, Item, World},
};

/// Readings of the chain that may be shown again.
const READINGS: usize = 8;

/// One reading of the chain.
pub(crate) struct Reading {
    record: ChannelRecord,
    height: Height,
    time: Time,
}

pub(crate) type Readings = VecDeque<Reading>;

impl World {
    pub(crate) fn join(&mut self, node: usize) {
        let member = &self.nodes[node];
        // Who may not come in stays away.
        let _ = self.chain.join(self.now, &member.account, &member.keypair, DEPOSIT);
        self.show_chain(5);
    }

    /// Has the chain do something, and checks what that did to honest members.
    pub(crate) fn on_chain(
        &mut self,
        act: impl FnOnce(&mut dyn SettlementChain, Time) -> Result<(), String>,
    ) -> Result<Result<(), String>, Broken> {
        let before = Accounts::before(&*self.chain, &self.nodes);
        let made_up = self.made_up_waits();
        let result = act(&mut *self.chain, self.now);
        if result.is_ok() {
            if made_up && self.chain.record().settlement.number > before.settlement {
                return Err(Broken("what two members made up was settled".to_owned()));
            }
            self.accounts.check(self.now, &before, &*self.chain, &self.nodes)?;
            self.note_blamed();
        }
        Ok(result)
    }

    /// Whether what waits contradicts the state that it names.
    fn made_up_waits(&self) -> bool {
        let waiting = self.chain.record().windows.waiting.as_ref();
        waiting.is_some_and(|waits| self.doings.made_up.contains(&waits.proposal))
    }

    /// Who was barred while it could not answer is blamed once.
    fn note_blamed(&mut self) {
        for ban in &self.chain.record().windows.bans {
            let mut nodes = self.nodes.iter_mut();
            if let Some(node) = nodes.find(|node| node.keypair.node_id() == ban.node) {
                node.blamed = true;
            }
        }
    }

    /// Everybody reads the chain within so many milliseconds.
    pub(crate) fn show_chain(&mut self, within: u64) {
        for to in 0..self.nodes.len() {
            let delay = self.rng.random_range(1..=within);
            self.after(delay, Item::Observe { to });
        }
    }

    /// A node reads the chain; one that gets no answer reads it again once the chain answers.
    pub(crate) fn observe(&mut self, to: usize) -> Result<(), Broken> {
        if self.now < self.outage_until {
            let reason = "it does not answer".to_owned();
            self.after(self.outage_until.since(self.now), Item::Observe { to });
            return self.input(to, Input::Chain(Observation::Unreachable { reason }));
        }
        let older = self.plan.reorgs && !self.calm && self.rng.random_bool(0.15);
        let (record, height, time) = match self.readings.len() {
            count if older && count > 0 => {
                let reading = &self.readings[self.rng.random_range(0..count)];
                (reading.record.clone(), reading.height, reading.time)
            }
            _ => (self.chain.record().clone(), self.chain.height(), self.chain.time()),
        };
        let observation = Observation::Channel {
            record: Box::new(record),
            chain_height: height,
            chain_time: time,
            is_final: true,
        };
        self.input(to, Input::Chain(observation))
    }

    pub(crate) fn transact(&mut self, from: usize, tx: ChainTx) -> Result<(), Broken> {
        if self.plan.reorgs && !self.calm && self.rng.random_bool(0.1) && self.take_back(from, &tx)
        {
            return Ok(());
        }
        let settled = self.chain.record().settlement.number;
        let keypair = self.nodes[from].keypair.clone();
        let result = self.on_chain(|chain, now| chain.execute(now, &keypair, &tx))?;
        self.report.settlements += self.chain.record().settlement.number - settled;
        self.invariants.check_term(self.chain.record())?;
        self.remember_reading();
        self.note_transaction(from, &tx, &result);
        let observation = match result {
            Ok(()) => Observation::Accepted { tx: Box::new(tx) },
            Err(reason) => Observation::Rejected { tx: Box::new(tx), reason: reason.into() },
        };
        self.after(3, Item::Told { to: from, observation });
        self.show_chain(50);
        Ok(())
    }

    pub(crate) fn note_transaction(
        &mut self,
        from: usize,
        tx: &ChainTx,
        result: &Result<(), String>,
    ) {
        let Some(kind) = kind(tx) else { return };
        if result.is_ok() {
            *self.report.chain.entry(kind.to_owned()).or_default() += 1;
        }
        self.trace.note(self.now, || format!("n{from} on the chain: {kind}: {result:?}"));
    }

    fn remember_reading(&mut self) {
        if !self.plan.reorgs {
            return;
        }
        if self.readings.len() == READINGS {
            self.readings.pop_front();
        }
        let (record, height) = (self.chain.record().clone(), self.chain.height());
        self.readings.push_back(Reading { record, height, time: self.chain.time() });
    }

    /// The transaction is seen in a block that is not final and is taken back; it comes later, or
    /// never.
    fn take_back(&mut self, from: usize, tx: &ChainTx) -> bool {
        let keypair = &self.nodes[from].keypair;
        let Some(record) = self.chain.preview(self.now, keypair, tx) else { return false };
        self.count("reorg");
        for to in 0..self.nodes.len() {
            let observation = Observation::Channel {
                record: Box::new(record.clone()),
                chain_height: self.chain.height().next(),
                chain_time: self.chain.time().max(self.now),
                is_final: false,
            };
            let delay = self.rng.random_range(1..50);
            self.after(delay, Item::Told { to, observation });
        }
        if self.rng.random_bool(0.7) {
            let delay = self.rng.random_range(100..3_000);
            self.after(delay, Item::Chain { from, tx: tx.clone() });
        }
        true
    }

    /// While the chain can't be reached, what is said to it is lost or comes late.
    pub(crate) fn submit_tx(&mut self, from: usize, tx: ChainTx) {
        if self.keeps_quiet(from, &tx) {
            return;
        }
        let delay = self.rng.random_range(1..30);
        if self.now >= self.outage_until {
            return self.after(delay, Item::Chain { from, tx });
        }
        let reason = "it does not answer".to_owned();
        let observation = Observation::Unreachable { reason };
        self.after(delay, Item::Told { to: from, observation });
        if self.rng.random_bool(0.5) {
            let late = self.outage_until.since(self.now) + self.rng.random_range(0..2_000);
            self.after(late, Item::Chain { from, tx });
        }
    }
}

/// What a transaction about money is called; `None` for what keeps the channel going.
fn kind(tx: &ChainTx) -> Option<&'static str> {
    match tx {
        ChainTx::Heartbeat { .. }
        | ChainTx::ApplyForLeadership { .. }
        | ChainTx::ShowTerm { .. }
        | ChainTx::Propose { .. } => None,
        ChainTx::Execute { .. } => Some("execute"),
        ChainTx::Show { .. } => Some("show"),
        ChainTx::OpenWindow { .. } => Some("open a window"),
        ChainTx::Support { .. } => Some("support"),
        ChainTx::Finish { .. } => Some("finish"),
        ChainTx::Object { .. } => Some("object"),
        ChainTx::Refute { .. } => Some("refute"),
        ChainTx::RefuteResult { .. } => Some("refute the result"),
        ChainTx::Dispute { .. } => Some("dispute"),
        ChainTx::FinishExit { .. } => Some("finish an exit"),
        ChainTx::Claim { .. } => Some("claim"),
        ChainTx::Decide { .. } => Some("decide"),
        ChainTx::Expire { .. } => Some("expire"),
        ChainTx::Judge { .. } => Some("judge"),
        ChainTx::Answer { .. } => Some("answer"),
        ChainTx::Resolve { .. } => Some("resolve"),
        ChainTx::Report { .. } => Some("report"),
    }
}
