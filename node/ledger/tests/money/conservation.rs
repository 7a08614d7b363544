//! Random sequences of what accounts and nodes may send, on the real contracts: after each one every
//! unit is where it was or where it should be, nobody who only behaved is fined, and at the end
//! everybody gets out with all it has. A failure names its seed.

use std::collections::{BTreeMap, BTreeSet};

use fairway_ledger::{Receipt, contract};
use fairway_state::State;
use fairway_types::{
    Address, ChannelId, Hash, Header, JoinSequence, Operation, StateKey,
    chain::{ChainMember, ChainTx, ChannelRecord, DropRule, MoneyRules, SettlementRule, WeightBy},
    codec,
};

use super::world::{
    DEPOSIT, Dice, Rows, WINDOW, World, account, claim, due_of, finish_exit, node, root, stakes,
    state,
};

const ACCOUNTS: u8 = 6;
/// Signs twice whenever it likes; all others behave.
const VILLAIN: u8 = 5;
const STEPS: u32 = 300;
/// `MONEY_SEEDS` asks for more.
const SEEDS: u64 = 24;
/// As many as one stake backs.
const CHANNELS: usize = 16;
/// Longer than a withdrawal from a stake takes.
const WITHDRAWAL: u64 = 604_800_001;

/// A channel's log as its honest members keep it.
#[derive(Default)]
struct Log {
    vaults: BTreeMap<Address, u64>,
    departed: BTreeMap<Address, u64>,
    entered: BTreeSet<u64>,
    head: Option<Header>,
    /// Number of the last settlement that left these books.
    settled: u64,
    states: BTreeMap<Hash, State>,
}

struct Run {
    world: World,
    dice: Dice,
    logs: BTreeMap<ChannelId, Log>,
    /// The channels as they were created.
    order: Vec<ChannelId>,
    seen: BTreeMap<&'static str, u32>,
}

fn number_of(account_address: Address) -> u8 {
    (0..ACCOUNTS).find(|number| account(*number).address() == account_address).unwrap()
}

fn active(record: &ChannelRecord) -> impl Iterator<Item = &ChainMember> {
    record.members.iter().filter(|member| member.active)
}

fn signers(record: &ChannelRecord) -> Vec<u8> {
    active(record).map(|member| number_of(member.record.account)).collect()
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut run = Self {
            world: World::new(),
            dice: Dice(seed),
            logs: BTreeMap::new(),
            order: Vec::new(),
            seen: BTreeMap::new(),
        };
        for number in 0..ACCOUNTS {
            run.world.mint(account(number).address(), 20 * DEPOSIT);
        }
        run.create();
        run.create();
        run
    }

    fn create(&mut self) {
        let settlement_rule = match self.dice.below(3) {
            0 => SettlementRule::TwoThirds,
            1 => SettlementRule::Unanimous,
            _ => SettlementRule::Judged,
        };
        let weight_by =
            if self.dice.below(2) == 0 { WeightBy::Member } else { WeightBy::Collateral };
        let drop_rule = if self.dice.below(2) == 0 { DropRule::Close } else { DropRule::Replace };
        self.world.create(8, MoneyRules { settlement_rule, weight_by, drop_rule, ..stakes() });
        self.logs.insert(self.world.channel, Log::default());
        self.order.push(self.world.channel);
    }

    fn account(&mut self) -> u8 {
        u8::try_from(self.dice.below(u64::from(ACCOUNTS))).unwrap()
    }

    fn log(&mut self) -> &mut Log {
        self.logs.get_mut(&self.world.channel).unwrap()
    }

    /// Counts what worked, and looks at who was fined.
    fn note(&mut self, what: &'static str, result: Result<Receipt, String>) -> bool {
        let Ok(receipt) = result else { return false };
        *self.seen.entry(what).or_default() += 1;
        for event in &receipt.events {
            let tag = event.type_tag.as_str();
            if tag.ends_with("penalty::Convicted") {
                type Convicted = (ChannelId, Address, u64, Address, u64);
                let (_, accused, fine, ..): Convicted =
                    codec::decode("event", &event.data).unwrap();
                assert!(fine == 0 || number_of(accused) == VILLAIN, "{accused} was fined {fine}");
            }
            if tag.ends_with("penalty::Acquitted") {
                type Acquitted = (ChannelId, Address, u64, Address);
                let (.., bond, reporter): Acquitted = codec::decode("event", &event.data).unwrap();
                assert!(bond == 0 || number_of(reporter) == VILLAIN, "{reporter} lost {bond}");
            }
        }
        true
    }

    fn send(&mut self, what: &'static str, by: u8, tx: &ChainTx) -> bool {
        let result = self.world.try_submit(by, tx);
        self.note(what, result)
    }

    fn step(&mut self) {
        // The last ones, which are open most of the time.
        let at = usize::try_from(self.dice.below(3)).unwrap() + 1;
        self.world.channel = self.order[self.order.len().saturating_sub(at)];
        let who = self.account();
        match self.dice.below(22) {
            0 | 1 => self.join(who),
            2..=4 => self.beat_and_apply(who),
            5..=7 => self.block(),
            8 => {
                let left = contract::leave(self.world.channel);
                let result = self.world.transact(&account(who), left);
                self.note("leave", result);
            }
            9..=11 => self.settle(),
            12 => self.settle_wrongly(),
            13 => self.world.time += 1 + self.dice.below(20_000),
            14 => self.open_and_answer_exit(who),
            15 | 16 => self.draw_outcomes(),
            17 => self.report(who),
            18 if self.dice.below(3) == 0 => self.sign_twice(who),
            19 => self.complain(who),
            20 => self.dispute(who),
            _ => self.move_stake(who),
        }
    }

    fn join(&mut self, who: u8) {
        if !self.world.record().open {
            return;
        }
        let payload = self.world.join_payload(who, self.dice.below(2) == 0);
        let result = self.world.transact(&account(who), payload);
        self.note("join", result);
    }

    fn beat_and_apply(&mut self, silent: u8) {
        let channel = self.world.channel;
        for number in (0..ACCOUNTS).filter(|number| *number != silent) {
            self.send("heartbeat", number, &ChainTx::Heartbeat { channel });
        }
        self.world.time += 3_000;
        for number in 0..ACCOUNTS {
            self.send("epoch", number, &ChainTx::ApplyForLeadership { channel });
        }
    }

    /// The next block: what the chain says, then a payment.
    fn block(&mut self) {
        let record = self.world.record();
        let Some(term) = record.in_force.as_ref().filter(|_| record.open).map(|term| term.term)
        else {
            return;
        };
        let (from, to, amount) = (self.account(), self.account(), self.dice.below(300));
        let log = self.log();
        if log.settled < record.settlement.number {
            log.settled = record.settlement.number;
            log.departed.retain(|account, _| !record.settlement.paid.contains(account));
        }
        for member in active(&record) {
            let (account, sequence) = (member.record.account, member.record.join_sequence.0);
            let is_free = !log.departed.contains_key(&account);
            if is_free && log.entered.insert(sequence) {
                log.vaults.insert(account, DEPOSIT);
            }
            if member.leaving
                && log.entered.contains(&sequence)
                && let Some(due) = log.vaults.remove(&account)
            {
                log.departed.insert(account, due);
            }
        }
        let (from, to) = (account(from).address(), account(to).address());
        if from != to && log.vaults.contains_key(&to) && log.vaults.contains_key(&from) {
            let amount = amount.min(log.vaults[&from]);
            *log.vaults.get_mut(&from).unwrap() -= amount;
            *log.vaults.get_mut(&to).unwrap() += amount;
        }
        let runs: Vec<(u64, u64)> = log.entered.iter().map(|number| (*number, *number)).collect();
        let after = state(&log.vaults, &log.departed, &runs);
        let (parent, height) =
            log.head.as_ref().map_or((Hash([9; 32]), 0), |head| (head.hash(), head.height.0));
        let header = self.world.header(parent, height + 1, term.epoch.0, &after);
        let log = self.log();
        log.states.insert(header.hash(), after);
        log.head = Some(header);
        *self.seen.entry("block").or_default() += 1;
    }

    /// The head with its rows, if a settlement can follow the last one there.
    fn due(&self) -> Option<(Header, Rows)> {
        let (record, log) = (self.world.record(), &self.logs[&self.world.channel]);
        let head = log.head.clone()?;
        let ready = record.open
            && head.height > record.settlement.height
            && log.settled == record.settlement.number;
        let stay = log.vaults.iter().map(|(account, held)| (*account, (*held, false)));
        let go = log.departed.iter().map(|(account, due)| (*account, (*due, true)));
        ready.then(|| (head, stay.chain(go).collect()))
    }

    fn settle(&mut self) {
        let Some((head, rows)) = self.due() else { return };
        let (channel, record) = (self.world.channel, self.world.record());
        let proposal = self.world.proposal(&head, &rows, 0, false);
        let (hash, by) = (proposal.hash(), self.account());
        let votes = self.world.votes(&signers(&record), hash, true);
        if !self.send("propose", by, &ChainTx::Propose { proposal: Box::new(proposal) }) {
            return;
        }
        if record.config.money.settlement_rule == SettlementRule::Judged {
            self.send("open window", by, &ChainTx::OpenWindow { channel, proposal: hash, votes });
        } else {
            self.send("execute", by, &ChainTx::Execute { channel, proposal: hash, votes });
        }
    }

    /// A unit too many, or too few: whoever votes, it never executes.
    fn settle_wrongly(&mut self) {
        let Some((head, mut rows)) = self.due() else { return };
        let Some(row) = rows.values_mut().next() else { return };
        row.0 = if row.0 > 0 && self.dice.below(2) == 0 { row.0 - 1 } else { row.0 + 1 };
        let proposal = Box::new(self.world.proposal(&head, &rows, 0, false));
        let refused = self.world.try_submit(0, &ChainTx::Propose { proposal });
        assert!(refused.is_err(), "a settlement of {rows:?}");
    }

    fn open_and_answer_exit(&mut self, who: u8) {
        if self.dice.below(3) > 0 {
            return self.show();
        }
        let demand = contract::demand_exit(self.world.channel);
        let result = self.world.transact(&account(who), demand);
        self.note("demand", result);
    }

    fn show(&mut self) {
        let Some(head) = self.logs[&self.world.channel].head.clone() else { return };
        let record = self.world.record();
        let show = self.world.anchor(&head, &signers(&record));
        self.send("show", 0, &show);
    }

    /// What has come to its end: windows, exits, claims, held collateral.
    fn draw_outcomes(&mut self) {
        let channel = self.world.channel;
        self.world.time += self.dice.below(2) * 3 * WINDOW;
        self.send("finish", 0, &ChainTx::Finish { channel });
        self.finish_and_claim();
        for number in 0..ACCOUNTS {
            let release = contract::release(channel, account(number).address());
            let result = self.world.transact(&root(), release);
            self.note("release", result);
        }
        if !self.world.record().open && self.logs.len() < CHANNELS {
            self.create();
        }
    }

    fn finish_and_claim(&mut self) {
        let (channel, record) = (self.world.channel, self.world.record());
        let place = record.windows.shown.map_or(record.settlement.block, |shown| shown.block);
        let known = self.logs[&channel].states.get(&place).cloned().unwrap_or_default();
        if record.windows.exit.is_some() {
            self.send("finish exit", 0, &finish_exit(channel, &known));
        }
        let Some(outcome) = self.world.record().windows.outcome else { return };
        let state = self.logs[&channel].states.get(&outcome.block).cloned().unwrap_or_default();
        for member in self.world.record().members {
            let account = member.record.account;
            let before = self.world.balance(number_of(account));
            assert!(self.send("claim", 0, &claim(channel, account, &state)), "{account} claims");
            let paid = self.world.balance(number_of(account)) - before;
            assert_eq!(paid, due_of(&state, account), "{account} is paid what the state says");
        }
    }

    /// The villain reports whom it likes; everybody who judges finds it false.
    fn report(&mut self, who: u8) {
        let record = self.world.record();
        let is_member =
            |number: u8| active(&record).find(|member| number_of(member.record.account) == number);
        let (Some(_), Some(accused)) = (is_member(VILLAIN), is_member(who)) else { return };
        let (accused, evidence) =
            (accused.record.join_sequence, Hash([self.dice.roll() as u8; 32]));
        let report = contract::report(self.world.channel, accused, evidence);
        let result = self.world.transact(&node(VILLAIN), report);
        if self.note("report", result) {
            let others: Vec<u8> =
                signers(&record).into_iter().filter(|number| *number != VILLAIN).collect();
            let verdicts = self.world.verdicts(&others, accused, evidence, false);
            let channel = self.world.channel;
            let decide = ChainTx::Decide { channel, accused, evidence, guilty: false, verdicts };
            self.send("acquit", 0, &decide);
        }
    }

    /// The villain signs two blocks at one place, and somebody shows it: of all its stays.
    fn sign_twice(&mut self, who: u8) {
        let record = self.world.record();
        let Some(term) = record.in_force.as_ref().map(|term| term.term) else { return };
        let height = 1_000 + self.dice.below(1_000);
        let state = State::default();
        let first = self.world.header(Hash([7; 32]), height, term.epoch.0, &state);
        let second = self.world.header(Hash([8; 32]), height, term.epoch.0, &state);
        let villain = node(VILLAIN);
        let signatures = [&first, &second].map(|header| villain.sign(header));
        for sequence in 1..12 {
            let both = [(&first, &signatures[0]), (&second, &signatures[1])];
            let shown = contract::double_block(self.world.channel, JoinSequence(sequence), both);
            let result = self.world.transact(&node(who), shown);
            self.note("double block", result);
        }
    }

    /// The account says that its call is left undone; half of the time somebody answers.
    fn complain(&mut self, who: u8) {
        let channel = self.world.channel;
        let call = self.world.call(who, 5, Operation::Leave);
        let result = self.world.transact(&account(who), contract::complain(channel, &call));
        if !self.note("complain", result) {
            return;
        }
        self.block();
        let log = &self.logs[&channel];
        let header = log.head.clone().unwrap();
        let (state, sender) = (log.states[&header.hash()].clone(), account(who).address());
        let answer = ChainTx::Answer {
            channel,
            certificate: Box::new(self.world.certificate(&header, &signers(&self.world.record()))),
            header: Box::new(header),
            number: Box::new(state.proven(&StateKey::Sequence(sender))),
            departed: Box::new(state.proven(&StateKey::Departed(sender))),
        };
        if self.dice.below(2) == 0 {
            self.send("answer", 0, &answer);
        } else {
            self.world.time += WINDOW;
            self.send("resolve", 0, &ChainTx::Resolve { channel });
        }
    }

    /// The account demands its exit, and everybody says no to the best block shown: its anchor stays.
    fn dispute(&mut self, who: u8) {
        let demand = contract::demand_exit(self.world.channel);
        let result = self.world.transact(&account(who), demand);
        self.note("demand", result);
        self.show();
        let (channel, record) = (self.world.channel, self.world.record());
        let Some(shown) = record.windows.shown else { return };
        let votes = self.world.votes(&signers(&record), shown.block, false);
        self.send("dispute", 0, &ChainTx::Dispute { channel, votes });
    }

    fn move_stake(&mut self, who: u8) {
        let amount = self.dice.below(300);
        let (what, payload) = match self.dice.below(4) {
            0 | 1 => ("stake", contract::stake(contract::NATIVE, amount)),
            2 => ("ask", contract::ask_withdrawal(contract::NATIVE, amount)),
            _ => ("withdraw", contract::withdraw_stake(contract::NATIVE)),
        };
        let result = self.world.transact(&account(who), payload);
        self.note(what, result);
    }

    /// Every unit on the chain, wherever the contracts keep it.
    fn check_total(&self) {
        let mut total = 0;
        for (key, value) in self.world.ledger.entries() {
            let StateKey::Resource { type_tag, .. } = key else { continue };
            let at = |place: usize| u64::from_le_bytes(value[place..place + 8].try_into().unwrap());
            total += match &**type_tag {
                "0x3::coin::Balance" => at(0),
                // A coin comes first: its asset, then its amount.
                "0x3::backing::Pot" | "0x3::collateral::Stake" => at(32),
                _ => 0,
            };
        }
        for channel in self.logs.keys() {
            let record = self.world.ledger.channel(*channel).unwrap();
            total += record.locked.iter().map(|entry| entry.amount).sum::<u64>();
        }
        assert_eq!(total, self.world.minted, "units on the chain");
    }

    /// Everybody leaves every channel, and takes its collateral and its stake along.
    fn everybody_gets_out(&mut self) {
        let channels: Vec<ChannelId> = self.logs.keys().copied().collect();
        for channel in &channels {
            self.world.channel = *channel;
            self.end_channel();
        }
        self.world.time += WITHDRAWAL;
        for channel in &channels {
            for number in 0..ACCOUNTS {
                let release = contract::release(*channel, account(number).address());
                let result = self.world.transact(&root(), release);
                self.note("release", result);
            }
        }
        for number in 0..ACCOUNTS {
            let staked = self.staked(number);
            let ask = contract::ask_withdrawal(contract::NATIVE, staked);
            if staked > 0 {
                self.world.must(&account(number), ask);
            }
        }
        self.world.time += WITHDRAWAL;
        for number in 0..ACCOUNTS {
            if self.staked(number) > 0 {
                self.world.must(&account(number), contract::withdraw_stake(contract::NATIVE));
            }
        }
        let treasury = self.world.ledger.balance(contract::SETTLEMENT, contract::NATIVE).unwrap();
        let own: u64 = (0..ACCOUNTS).map(|number| self.world.balance(number)).sum();
        assert_eq!(own + treasury, self.world.minted, "somebody's money stays behind");
    }

    fn end_channel(&mut self) {
        let record = self.world.record();
        if record.open {
            for member in &record.members {
                let who = account(number_of(member.record.account));
                let channel = self.world.channel;
                let payload = match member.active {
                    true => contract::demand_exit(channel),
                    false => contract::leave(channel),
                };
                self.world.must(&who, payload);
            }
            self.show();
            self.world.time += 4 * WINDOW;
        }
        self.finish_and_claim();
        let record = self.world.record();
        assert!(record.members.is_empty() && record.locked.is_empty(), "{record:?}");
    }

    fn staked(&self, number: u8) -> u64 {
        let args = [codec::encode(&account(number).address()), codec::encode(&contract::NATIVE)];
        let values =
            self.world.ledger.view(&contract::function("collateral", "staked"), &[], &args);
        codec::decode("stake", &values.unwrap()[0].1).unwrap()
    }
}

#[test]
fn no_sequence_makes_or_loses_a_unit_or_fines_who_behaves_or_keeps_anybody_in() {
    let mut seen: BTreeMap<&'static str, u32> = BTreeMap::new();
    let seeds = std::env::var("MONEY_SEEDS").ok().and_then(|text| text.parse().ok());
    for seed in 0..seeds.unwrap_or(SEEDS) {
        println!("seed {seed}");
        let mut run = Run::new(seed);
        for _ in 0..STEPS {
            run.step();
            run.check_total();
        }
        run.everybody_gets_out();
        run.check_total();
        for (what, count) in run.seen {
            *seen.entry(what).or_default() += count;
        }
    }
    println!("{seen:?}");
    let wanted = [
        "join",
        "epoch",
        "execute",
        "open window",
        "finish",
        "demand",
        "show",
        "finish exit",
        "claim",
        "leave",
        "report",
        "acquit",
        "double block",
        "stake",
        "ask",
        "release",
        "complain",
        "answer",
        "resolve",
        "dispute",
    ];
    for what in wanted {
        assert!(seen.contains_key(what), "{what} never worked: {seen:?}");
    }
}
