//! What a run may do, drawn from its seed.

use fairway_types::chain::{DropRule, Durability, MoneyRules, SettlementRule};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::deeds::{Deeds, Fate};

/// Milliseconds of a window on the chain.
const WINDOW: u64 = 8_000;
/// More blocks than a run has.
pub(crate) const FAR: u64 = 1_000_000;

/// What a run may do. Times in milliseconds, probabilities in percent.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub nodes: u8,
    pub steps: u64,
    pub loss: u32,
    pub duplication: u32,
    pub max_delay: u64,
    /// Some links are slower than the others, each by its own measure.
    pub slow_links: bool,
    /// Inputs come in groups, as a busy driver takes them.
    pub groups: bool,
    pub crashes: bool,
    pub partitions: bool,
    /// Nodes stop for a while and go on with their old state, timers and inputs.
    pub pauses: bool,
    /// How far a node's clock may be from the true time; zero for clocks that agree.
    pub skew: u64,
    /// The chain can't be reached at times: transactions get lost or come late.
    pub outages: bool,
    /// Readings that are not final and are taken back, and older readings after newer ones.
    pub reorgs: bool,
    pub tick_interval: u64,
    /// Whether the first member, who leads, may leave too.
    pub leader_leaves: bool,
    /// Some members join in the midst of the faults.
    pub late_joins: bool,
    /// One member is Byzantine, as soon as there are four.
    pub byzantine: bool,
    /// The Byzantine member signs what its machine does not give, at times when it leads.
    pub diverges: bool,
    /// Blocks behind which a node takes a snapshot instead of them.
    pub sync_blocks_most: u64,
    /// Signatures do not wait for the disk: a power cut takes what was not synced.
    pub replicated: bool,
    /// Members trust their own nodes with their calls.
    pub trust_own_node: bool,
    /// Accounts delegate to session keys, which call.
    pub sessions: bool,
    /// Nobody is told anything before the sender knows that it joined.
    pub members_only: bool,
    /// The chain runs the channel's package, and so judges evidence itself; else members vote.
    pub judged: bool,
    /// Who moves money on the chain, and what misbehaviour costs.
    pub money: MoneyRules,
    /// What accounts and liars do on the chain; none for nothing.
    pub deeds: Option<Deeds>,
    /// What decides before the seed does, one byte a choice.
    pub choices: Vec<u8>,
}

impl Plan {
    /// A network without faults, and no ticks.
    #[must_use]
    pub fn calm(seed: u64, nodes: u8) -> Self {
        Self {
            seed,
            nodes,
            steps: 3_000,
            loss: 0,
            duplication: 0,
            max_delay: 20,
            slow_links: false,
            groups: false,
            crashes: false,
            partitions: false,
            pauses: false,
            skew: 0,
            outages: false,
            reorgs: false,
            tick_interval: 0,
            leader_leaves: false,
            late_joins: false,
            byzantine: false,
            diverges: false,
            sync_blocks_most: FAR,
            replicated: false,
            trust_own_node: false,
            sessions: false,
            members_only: false,
            judged: true,
            money: money(),
            deeds: None,
            choices: Vec::new(),
        }
    }

    pub(crate) fn durability(&self) -> Durability {
        if self.replicated { Durability::Replicated } else { Durability::Synced }
    }

    /// A plan drawn from the seed itself.
    #[must_use]
    pub fn from_seed(seed: u64, steps: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
        let byzantine = rng.random_bool(0.4);
        let max_delay = if rng.random_bool(0.7) { 60 } else { 200 };
        let plan = Self {
            seed,
            nodes: if byzantine { rng.random_range(4..=7) } else { rng.random_range(1..=6) },
            steps,
            loss: rng.random_range(0..15),
            duplication: rng.random_range(0..10),
            max_delay: rng.random_range(1..max_delay),
            slow_links: rng.random_bool(0.3),
            groups: rng.random_bool(0.5),
            crashes: rng.random_bool(0.6),
            partitions: rng.random_bool(0.5),
            pauses: rng.random_bool(0.4),
            skew: if rng.random_bool(0.4) { rng.random_range(1..900) } else { 0 },
            outages: rng.random_bool(0.3),
            reorgs: rng.random_bool(0.3),
            tick_interval: if rng.random_bool(0.3) { 100 } else { 0 },
            leader_leaves: rng.random_bool(0.5),
            late_joins: rng.random_bool(0.4),
            byzantine,
            diverges: byzantine && seed % 9 == 4,
            // By the seed, not by chance: the seeds that found something stay what they are.
            sync_blocks_most: if seed.is_multiple_of(4) { seed / 4 % 16 } else { FAR },
            replicated: seed % 4 == 2,
            trust_own_node: seed % 10 == 9,
            sessions: seed % 8 == 5,
            members_only: seed.is_multiple_of(4),
            judged: seed % 5 != 3 || (seed / 5).is_multiple_of(2),
            money: MoneyRules { drop_rule: drop_rule(seed), ..money() },
            deeds: deeds(seed),
            choices: Vec::new(),
        };
        if plan.deeds.is_some_and(|deeds| deeds.colludes) { plan.of_colluders() } else { plan }
    }

    /// Three members of whom two settle together. The third one is there: else nobody could answer.
    fn of_colluders(self) -> Self {
        let rule = SettlementRule::Judged;
        Self {
            nodes: 3,
            crashes: false,
            partitions: false,
            pauses: false,
            outages: false,
            reorgs: false,
            byzantine: false,
            diverges: false,
            money: MoneyRules { settlement_rule: rule, ..self.money },
            ..self
        }
    }

    /// A plan that `bytes` draw, and then choose in: seven for the plan, the others for what happens.
    #[must_use]
    pub fn from_choices(bytes: &[u8]) -> Option<Self> {
        let ([nodes, loss, duplication, delay, ticks, faults, pace], choices) =
            bytes.split_first_chunk()?;
        let byzantine = faults & 128 == 128;
        Some(Self {
            nodes: if byzantine { 4 } else { 1 + nodes % 4 },
            steps: choices.len() as u64 * (1 + u64::from(pace % 8)),
            loss: u32::from(loss % 15),
            duplication: u32::from(duplication % 10),
            max_delay: u64::from(*delay).max(1),
            crashes: faults & 1 == 1,
            partitions: faults & 2 == 2,
            leader_leaves: faults & 4 == 4,
            pauses: faults & 8 == 8,
            skew: if faults & 16 == 16 { 500 } else { 0 },
            outages: faults & 32 == 32,
            reorgs: faults & 64 == 64,
            tick_interval: u64::from(ticks % 2) * 100,
            byzantine,
            sync_blocks_most: if ticks & 2 == 2 { 4 } else { FAR },
            replicated: ticks & 4 == 4,
            members_only: ticks & 8 == 8,
            trust_own_node: ticks & 16 == 16,
            sessions: ticks & 32 == 32,
            choices: choices.to_vec(),
            ..Self::calm(0, 1)
        })
    }
}

/// Windows that end within a run.
fn money() -> MoneyRules {
    MoneyRules {
        challenge_window: WINDOW,
        collateral: 10_000,
        fine: 4_000,
        bond: 2_000,
        ..MoneyRules::default()
    }
}

/// By the seed, as above: every fifth run.
fn deeds(seed: u64) -> Option<Deeds> {
    let kind = seed / 5;
    let colludes = kind % 16 == 7;
    let fate = [Fate::Stay, Fate::Few, Fate::Alone][usize::try_from(kind % 3).unwrap_or(0)];
    let fate = if colludes { Fate::Stay } else { fate };
    let (exits, complaints) = (kind % 4 != 3, kind % 4 != 1);
    (seed % 5 == 3).then_some(Deeds { fate, exits, complaints, colludes })
}

fn drop_rule(seed: u64) -> DropRule {
    if (seed / 5).is_multiple_of(2) { DropRule::Close } else { DropRule::Replace }
}
