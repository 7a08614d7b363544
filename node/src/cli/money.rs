//! A channel's rules about money on the command line.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use fairway_types::{
    Time,
    chain::{ChainMember, DropRule, MoneyRules, PenaltyVotes, SettlementRule, WeightBy},
    limits,
    windows::WindowRecord,
};

use super::{
    numbers::{amount, milliseconds},
    output::units,
};

/// Who settles, what stands behind members' words, and what misbehaviour costs.
#[derive(Debug, Args)]
pub(crate) struct Money {
    /// Whose votes settle. Under `two-thirds` they are trusted with everybody's money; under
    /// `unanimous` nobody's money moves without its own vote; under `judged` two thirds settle after
    /// a window in which a proof of fraud beats them.
    #[arg(long, value_enum, default_value_t = Rule::TwoThirds)]
    settlement_rule: Rule,
    /// What a member weighs: one, or its collateral (then many cheap accounts are no majority).
    #[arg(long, value_enum, default_value_t = Weighs::Member)]
    weight: Weighs,
    /// Milliseconds in which a proposal of few members, or an exit, can be answered.
    #[arg(long, default_value_t = limits::CHALLENGE_WINDOW, value_parser = milliseconds, allow_negative_numbers = true)]
    challenge_window: u64,
    /// The least collateral of a member, in the asset's smallest unit.
    #[arg(long, default_value_t = 0, value_parser = amount, allow_negative_numbers = true)]
    collateral: u64,
    /// What a conviction takes from the collateral, at most; all of the least if not given.
    #[arg(long, value_parser = amount, allow_negative_numbers = true)]
    fine: Option<u64>,
    /// What a false report takes from the reporter's collateral; a tenth of the least if not given.
    #[arg(long, value_parser = amount, allow_negative_numbers = true)]
    bond: Option<u64>,
    /// Who convicts among three members and more: two thirds of the others, or any two.
    #[arg(long, value_enum, default_value_t = Convicts::TwoThirds)]
    penalty_votes: Convicts,
    /// What follows when a leader leaves a call undone in its last window.
    #[arg(long, value_enum, default_value_t = Drops::Close)]
    drop_rule: Drops,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rule {
    TwoThirds,
    Unanimous,
    Judged,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Weighs {
    Member,
    Collateral,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Convicts {
    TwoThirds,
    Two,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Drops {
    Close,
    Replace,
}

impl Money {
    pub(crate) fn rules(&self) -> MoneyRules {
        MoneyRules {
            settlement_rule: match self.settlement_rule {
                Rule::TwoThirds => SettlementRule::TwoThirds,
                Rule::Unanimous => SettlementRule::Unanimous,
                Rule::Judged => SettlementRule::Judged,
            },
            weight_by: match self.weight {
                Weighs::Member => WeightBy::Member,
                Weighs::Collateral => WeightBy::Collateral,
            },
            challenge_window: self.challenge_window,
            collateral: self.collateral,
            fine: self.fine.unwrap_or(self.collateral),
            bond: self.bond.unwrap_or(self.collateral / 10),
            penalty_votes: match self.penalty_votes {
                Convicts::TwoThirds => PenaltyVotes::TwoThirds,
                Convicts::Two => PenaltyVotes::Two,
            },
            drop_rule: match self.drop_rule {
                Drops::Close => DropRule::Close,
                Drops::Replace => DropRule::Replace,
            },
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// What stands behind a member's word.
pub(crate) fn backing(member: &ChainMember) -> String {
    match (member.collateral, member.pooled) {
        (0, false) => String::new(),
        (amount, false) => format!(", {} FWY of collateral", units(amount)),
        (amount, true) => format!(", {} FWY of its stake as collateral", units(amount)),
    }
}

/// The channel's rules about money, where they are not the plainest.
pub(crate) fn describe_money(rules: &MoneyRules) -> Vec<String> {
    let settles = match rules.settlement_rule {
        SettlementRule::TwoThirds => "two thirds settle, and are trusted with everybody's money",
        SettlementRule::Unanimous => "all settle together",
        SettlementRule::Judged => "two thirds settle after a window, which a proof of fraud stops",
    };
    let mut lines =
        vec![format!("rule      {settles}; windows of {}", lasts(rules.challenge_window))];
    if rules.collateral > 0 {
        lines.push(format!(
            "stakes    at least {} FWY of collateral; a conviction costs up to {}, a false report {}",
            units(rules.collateral),
            units(rules.fine),
            units(rules.bond)
        ));
    }
    lines
}

/// What is open in the channel, with the time that is left.
pub(crate) fn describe_windows(windows: &WindowRecord, now: Time) -> Vec<String> {
    let left = |deadline: Time| match deadline.since(now) {
        0 => "its window is over".to_owned(),
        left => format!("{} left", lasts(left)),
    };
    let mut lines = Vec::new();
    if let Some(shown) = &windows.shown {
        lines.push(format!("shown     block {} of height {}", shown.block.short(), shown.height));
    }
    if let Some(waits) = &windows.waiting {
        let to = waits.to_height;
        let proposal = waits.proposal.short();
        lines.push(format!(
            "waiting   settlement {} to height {to} ({proposal}), {}",
            waits.number,
            left(waits.deadline)
        ));
    }
    if let Some(exit) = &windows.exit {
        let by: Vec<String> = exit.by.iter().map(ToString::to_string).collect();
        lines.push(format!("exit      demanded by {}, {}", by.join(", "), left(exit.deadline)));
    }
    for report in &windows.reports {
        let (by, accused) = (report.reporter, report.accused);
        lines.push(format!(
            "report    member {by} accuses member {accused}, {}",
            left(report.deadline)
        ));
    }
    if let Some(complaint) = &windows.complaint {
        let (account, number) = (complaint.account, complaint.sequence);
        lines.push(format!(
            "complaint call {number} of {account} is left undone, {}",
            left(complaint.deadline)
        ));
    }
    for ban in windows.bans.iter().filter(|ban| ban.until > now) {
        lines.push(format!("banned    {} for {}", ban.account, lasts(ban.until.since(now))));
    }
    if let Some(outcome) = &windows.outcome {
        lines.push(format!("ended     by an exit, at height {}", outcome.height));
    }
    lines
}

/// Milliseconds for people.
fn lasts(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1_000);
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
