//! A channel's rules about money on the command line.

use clap::{Args, ValueEnum};
use fairway_types::{
    chain::{DropRule, MoneyRules, PenaltyVotes, SettlementRule, WeightBy},
    limits,
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
    #[arg(long, default_value_t = limits::CHALLENGE_WINDOW)]
    challenge_window: u64,
    /// The least collateral of a member, in the asset's smallest unit.
    #[arg(long, default_value_t = 0)]
    collateral: u64,
    /// What a conviction takes from the collateral, at most; all of the least if not given.
    #[arg(long)]
    fine: Option<u64>,
    /// What a false report takes from the reporter's collateral; a tenth of the least if not given.
    #[arg(long)]
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
