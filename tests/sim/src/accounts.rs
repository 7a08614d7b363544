//! Whose money goes where: what the chain pays an honest member is what the state gives it that it was
//! paid by, nothing that can be proven is left behind by an exit, and nobody honest is convicted or fined.

use std::collections::{BTreeMap, VecDeque};

use fairway_proto::{channel::books, settlement::proof};
use fairway_state::State;
use fairway_types::{
    Address, Hash, Height, JoinSequence, Time,
    chain::{ChainMember, ChannelRecord, DropRule},
    settlement::AssetAmount,
    windows::{Outcome, ReportRecord},
};

use crate::{chain::SettlementChain, invariants::Broken, node::Node};

/// Samples of what could be proven.
const SAMPLES: usize = 64;

/// What the accounts had before a transaction, and where the channel stood.
pub(crate) struct Before {
    balances: BTreeMap<Address, u64>,
    pub(crate) settlement: u64,
    outcome: bool,
    complains: bool,
    reports: Vec<ReportRecord>,
}

#[derive(Debug, Default)]
pub(crate) struct Accounts {
    /// The highest anchor of a node that was up and saw the chain for a window.
    finals: VecDeque<(Time, Height, Hash)>,
    /// When something last went wrong: who could not answer then is not to blame.
    pub(crate) fault_at: Time,
    /// What reports that nobody decided in time cost their reporters.
    lapsed: BTreeMap<JoinSequence, u64>,
    /// Payments that were compared.
    pub(crate) compared: u64,
}

impl Accounts {
    pub(crate) fn before(chain: &dyn SettlementChain, nodes: &[Node]) -> Before {
        let record = chain.record();
        Before {
            balances: balances(chain, nodes),
            settlement: record.settlement.number,
            outcome: record.windows.outcome.is_some(),
            complains: record.windows.complaint.is_some(),
            reports: record.windows.reports.clone(),
        }
    }

    /// Notes what nodes that are up can prove to two thirds of the active members, while an exit runs
    /// that must not leave it behind.
    pub(crate) fn sample(&mut self, now: Time, record: &ChannelRecord, nodes: &[Node]) {
        let window = record.config.money.challenge_window;
        // Who was paid watches nobody's money any more.
        let is_member = |node: &Node| {
            let id = node.keypair.node_id();
            record.members.iter().any(|member| member.record.node == id)
        };
        let steady = nodes.iter().filter(|node| {
            let up = node.honest && node.up && !node.paused && is_member(node);
            up && now.since(node.steady_since) > window
        });
        let anchors = steady.filter_map(|node| {
            let log = node.channel.log();
            let anchor = proof::best(log, record, log.certified())?.shown()?;
            Some((anchor.anchor_height, anchor.anchor_block))
        });
        let Some((height, block)) = anchors.max() else { return };
        if self.finals.len() == SAMPLES {
            self.finals.pop_front();
        }
        self.finals.push_back((now, height, block));
    }

    /// Invariants 5 and 6, after a transaction.
    pub(crate) fn check(
        &mut self,
        now: Time,
        before: &Before,
        chain: &dyn SettlementChain,
        nodes: &[Node],
    ) -> Result<(), Broken> {
        let record = chain.record();
        let window = record.config.money.challenge_window;
        let faultless = now.since(self.fault_at) > 2 * window;
        let resolved = before.complains
            && record.windows.complaint.is_none()
            && record.config.money.drop_rule == DropRule::Replace;
        let excused = |node: &Node| {
            let could = node.up && !node.paused && now.since(node.steady_since) > window;
            resolved && !(faultless && could)
        };
        self.note_lapsed(before, chain.time(), record);
        self.check_standing(record, nodes, excused)?;
        let after = balances(chain, nodes);
        if record.settlement.number > before.settlement {
            let last = &record.settlement;
            for account in &last.paid {
                let got = gained(before, &after, account);
                self.check_paid(nodes, (last.height, last.block), *account, got)?;
            }
        }
        match &record.windows.outcome {
            Some(outcome) if !before.outcome => self.check_outcome(outcome, now, window)?,
            Some(outcome) => {
                for account in &outcome.members {
                    let got = gained(before, &after, account);
                    // The last one gets what is left besides.
                    if got > 0 && !record.members.is_empty() {
                        self.check_paid(nodes, (outcome.height, outcome.block), *account, got)?;
                    }
                }
            }
            None => {}
        }
        Ok(())
    }

    /// Silence of those who vote costs an honest reporter half its bond.
    fn note_lapsed(&mut self, before: &Before, now: Time, record: &ChannelRecord) {
        let waits = |report: &ReportRecord| record.windows.reports.contains(report);
        for report in before.reports.iter().filter(|report| report.deadline < now && !waits(report))
        {
            let half = record.config.money.bond.div_ceil(2);
            *self.lapsed.entry(report.reporter).or_default() += half;
        }
    }

    fn check_paid(
        &mut self,
        nodes: &[Node],
        (height, block): (Height, Hash),
        account: Address,
        got: u64,
    ) -> Result<(), Broken> {
        if !nodes.iter().any(|node| node.honest && node.account.address() == account) {
            return Ok(());
        }
        let mut honest = nodes.iter().filter(|node| node.honest);
        let Some(state) = honest.find_map(|node| node.channel.log().state_after(height, block))
        else {
            return Ok(());
        };
        self.compared += 1;
        let due = due(&state, account);
        if got == due {
            return Ok(());
        }
        let who = account;
        Err(Broken(format!("{who} was paid {got}, and the state at {height} gives it {due}")))
    }

    /// Invariant 6: nobody honest is convicted or loses collateral, but for reports that nobody decided.
    fn check_standing(
        &self,
        record: &ChannelRecord,
        nodes: &[Node],
        excused: impl Fn(&Node) -> bool,
    ) -> Result<(), Broken> {
        let least = record.config.money.collateral;
        for node in nodes.iter().filter(|node| node.honest && !node.blamed && !node.gone) {
            let id = node.keypair.node_id();
            if record.windows.bans.iter().any(|ban| ban.node == id) && !excused(node) {
                return Err(Broken(format!("honest {id} was convicted")));
            }
            let seat = record.members.iter().find(|member| member.record.node == id);
            let lost = |seat: &ChainMember| {
                let lapsed = self.lapsed.get(&seat.record.join_sequence).copied();
                seat.collateral + lapsed.unwrap_or_default() < least
            };
            if seat.is_some_and(lost) {
                return Err(Broken(format!("honest {id} was fined")));
            }
        }
        Ok(())
    }

    /// Invariant 5: an exit ends no lower than what could be proven half a window before.
    fn check_outcome(&self, outcome: &Outcome, now: Time, window: u64) -> Result<(), Broken> {
        let early = |(at, _, _): &&(Time, Height, Hash)| at.plus(window / 2 + 1_000) <= now;
        let Some((at, height, _)) = self.finals.iter().rev().find(early) else { return Ok(()) };
        if outcome.height >= *height || now.since(*at) > window {
            return Ok(());
        }
        let ended = outcome.height;
        Err(Broken(format!("an exit ended at {ended}, and {height} could be proven at {at:?}")))
    }
}

fn balances(chain: &dyn SettlementChain, nodes: &[Node]) -> BTreeMap<Address, u64> {
    let accounts = nodes.iter().map(|node| node.account.address());
    accounts.map(|account| (account, chain.balance(account))).collect()
}

fn gained(before: &Before, after: &BTreeMap<Address, u64>, account: &Address) -> u64 {
    let (had, has) = (before.balances.get(account), after.get(account));
    has.zip(had).map_or(0, |(has, had)| has.saturating_sub(*had))
}

fn due(state: &State, account: Address) -> u64 {
    let due = books::departed(state, account).unwrap_or_else(|| books::vault(state, account));
    due.iter().map(|entry: &AssetAmount| entry.amount).sum()
}
