//! The simulation's model of the contract, beside the real contract: every transaction of a channel's
//! life, as nodes send it, replayed and altered, does the same to both.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use fairway_sim::{
    Plan, World,
    chain::{Act, Chain, SettlementChain},
    machine::Machine,
    world::creator,
};
use fairway_types::{
    Address, Block, Epoch, Hash, Header, Height, JoinSequence, Keypair, Term, Time, View,
    block::SignedHeader,
    chain::{ChainTx, ChannelRecord, DropRule, MoneyRules, PenaltyVotes, SettlementRule, WeightBy},
    evidence::{Disputed, Evidence, Parent},
    settlement::{Proposal, SignedVote, Vote},
    windows::{SignedVerdict, Verdict},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::contracts::Contracts;

/// Transactions that may come again.
const REMEMBERED: usize = 64;

/// What came of transactions, by their name.
type Tally = Rc<RefCell<BTreeMap<String, u64>>>;

/// Both chains. Some transactions come again later, by somebody else or altered.
struct Twin {
    model: Chain,
    contracts: Contracts,
    rng: ChaCha8Rng,
    nodes: Vec<Keypair>,
    accounts: Vec<Keypair>,
    sent: Vec<ChainTx>,
    tally: Tally,
}

impl Twin {
    fn new(seed: u64, money: MoneyRules, tally: &Tally) -> Self {
        let contracts = Contracts::with(money);
        let record = contracts.record();
        let model = Chain::new(creator().address(), record.channel, record.config.clone());
        let (rng, tally) = (ChaCha8Rng::seed_from_u64(seed), Rc::clone(tally));
        let (nodes, accounts, sent) = (Vec::new(), Vec::new(), Vec::new());
        Self { model, contracts, rng, nodes, accounts, sent, tally }
    }

    /// Both say the same, and are the same afterwards.
    fn same(
        &mut self,
        what: &dyn std::fmt::Debug,
        model: &Result<(), String>,
        real: &Result<(), String>,
    ) {
        let text = format!("{what:?}");
        let name = text.split([' ', '(']).next().unwrap_or_default();
        let outcome = match (model, real) {
            (Ok(()), Ok(())) => "ok".to_owned(),
            (Err(model), Err(real)) => {
                assert_eq!(*model, abort(real), "{text}\n{real}");
                model.clone()
            }
            (Ok(()), Err(_)) | (Err(_), Ok(())) => panic!("{text}\n{model:?}, but {real:?}"),
        };
        *self.tally.borrow_mut().entry(format!("{name} {outcome}")).or_default() += 1;
        let (one, other) = (self.model.record(), self.contracts.record());
        if one != other {
            panic!("after {text}\nmodel {one:#?}\ncontract {other:#?}");
        }
        for account in &self.accounts {
            let account = account.address();
            assert_eq!(self.model.balance(account), self.contracts.balance(account), "{text}");
        }
        let last = one.grants.last().map_or(Epoch(0), |grant| grant.epoch);
        assert_eq!(self.model.voices(last, last), self.contracts.voices(last, last), "{text}");
    }

    fn send(&mut self, now: Time, node: &Keypair, tx: &ChainTx) -> Result<(), String> {
        let result = self.model.execute(now, node, tx);
        let real = self.contracts.execute(now, node, tx);
        self.same(tx, &result, &real);
        result
    }

    fn someone(&mut self, of: fn(&Self) -> &Vec<Keypair>) -> Keypair {
        let at = self.rng.random_range(0..of(self).len());
        of(self)[at].clone()
    }

    /// Something that came before, altered more often than not, by anybody.
    fn again(&mut self, now: Time) {
        if self.sent.is_empty() || self.nodes.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.sent.len());
        let mut tx = self.sent[at].clone();
        if self.rng.random_bool(0.7) {
            alter(&mut tx, &mut self.rng);
        }
        let node = self.someone(|twin| &twin.nodes);
        let _ = self.send(now, &node, &tx);
    }

    /// What some members, who need not be right, sign about what is open.
    fn answer(&mut self, now: Time) {
        let (channel, windows) = (self.model.record().channel, self.model.record().windows.clone());
        let signers: Vec<Keypair> =
            self.nodes.iter().filter(|_| self.rng.random_bool(0.8)).cloned().collect();
        let against = |proposal: Hash| -> Vec<SignedVote> {
            let vote = Vote { channel, proposal, yes: false };
            let sign = |node: &Keypair| {
                let (node, signature) = (node.node_id(), node.sign(&vote));
                SignedVote { vote, node, signature, reason: None }
            };
            signers.iter().map(sign).collect()
        };
        let tx = if self.rng.random_bool(0.1) {
            ChainTx::Expire { channel }
        } else if !windows.reports.is_empty() {
            let report = windows.reports[self.rng.random_range(0..windows.reports.len())];
            let (accused, evidence) = (report.accused, report.evidence);
            let guilty = self.rng.random_bool(0.5);
            let verdict = Verdict { channel, accused, evidence, guilty };
            let sign = |node: &Keypair| {
                let (node, signature) = (node.node_id(), node.sign(&verdict));
                SignedVerdict { verdict, node, signature }
            };
            let verdicts = signers.iter().map(sign).collect();
            ChainTx::Decide { channel, accused, evidence, guilty, verdicts }
        } else if let Some(waits) = windows.waiting {
            ChainTx::Object { channel, votes: against(waits.proposal) }
        } else if let (Some(_), Some(shown)) = (windows.exit, windows.shown) {
            ChainTx::Dispute { channel, votes: against(shown.block) }
        } else {
            return;
        };
        let node = self.someone(|twin| &twin.nodes);
        let _ = self.send(now, &node, &tx);
        self.remember(&tx);
    }

    /// Somebody says of somebody, who may have left, what neither chain can judge by itself.
    fn accuse(&mut self, now: Time) {
        if self.nodes.len() < 2 {
            return;
        }
        let (node, accused) = (self.someone(|twin| &twin.nodes), self.someone(|twin| &twin.nodes));
        let record = self.model.record();
        let mut seats = record.members.iter();
        let seat = seats.find(|seat| seat.record.node == accused.node_id());
        let sequence = match seat {
            Some(seat) if self.rng.random_bool(0.9) => seat.record.join_sequence,
            Some(_) | None => JoinSequence(self.rng.random_range(1..8)),
        };
        let (channel, number) = (record.channel, self.rng.random_range(0..40));
        let evidence = Box::new(divergence(record, &accused, number));
        let tx = match self.rng.random_bool(0.7) {
            true => ChainTx::Report { channel, accused: sequence, evidence },
            false => ChainTx::Judge { channel, accused: sequence, evidence },
        };
        let _ = self.send(now, &node, &tx);
        self.remember(&tx);
    }

    fn remember(&mut self, tx: &ChainTx) {
        if matches!(tx, ChainTx::Heartbeat { .. } | ChainTx::ApplyForLeadership { .. }) {
            return;
        }
        if self.sent.len() == REMEMBERED {
            self.sent.remove(0);
        }
        self.sent.push(tx.clone());
    }
}

/// That the accused signed a block that gives other roots: one of so many.
fn divergence(record: &ChannelRecord, accused: &Keypair, number: u64) -> Evidence {
    let header = Header {
        channel: record.channel,
        parent: Hash::ZERO,
        height: Height(number / 4 + 1),
        term: Term { epoch: Epoch(number % 4), view: View(0) },
        time: Time(number),
        justified: Height::ZERO,
        opening: None,
        transactions_root: Block::transactions_root(&[]),
        effects_root: Hash::ZERO,
        state_root: Hash::ZERO,
        extension: Vec::new(),
    };
    let (leader, signature) = (accused.node_id(), accused.sign(&header));
    let parent = Parent::Block(Box::new(header.clone()));
    let block = SignedHeader { header, leader, signature };
    let (facts, transactions, witness) = (record.facts(), Vec::new(), None);
    let block = Box::new(Disputed { facts, parent, block, transactions, witness });
    let (effects, root) = (Vec::new(), Hash::ZERO);
    Evidence::Divergence { reporter: leader, block, effects, effects_root: root, state_root: root }
}

/// `module::NAME` of an abort that the ledger explains.
fn abort(text: &str) -> String {
    let module = text.split("0x3::").nth(1).and_then(|rest| rest.split(' ').next());
    let name = text.split('(').nth(1).and_then(|rest| rest.split(')').next());
    format!("{}::{}", module.unwrap_or(text), name.unwrap_or_default())
}

/// Changes a little of what a transaction says.
fn alter(tx: &mut ChainTx, rng: &mut ChaCha8Rng) {
    match tx {
        ChainTx::Propose { proposal } => match rng.random_range(0..7) {
            0 => proposal.number += 1,
            1 => proposal.to_height = proposal.to_height.next(),
            2 => proposal.closes = !proposal.closes,
            3 => drop(proposal.balances.pop()),
            4 => {
                if let Some(row) = proposal.balances.first_mut() {
                    row.leaves = !row.leaves;
                }
            }
            5 => proposal.from_root = Hash(rng.random()),
            _ => proposal.from_height = Height::ZERO,
        },
        ChainTx::Execute { votes, .. }
        | ChainTx::OpenWindow { votes, .. }
        | ChainTx::Object { votes, .. }
        | ChainTx::Dispute { votes, .. } => {
            match (votes.first().cloned(), rng.random_range(0..3)) {
                (Some(vote), 0) => votes.push(vote),
                (Some(_), 1) => votes[0].signature.0[1] ^= 1,
                _ => drop(votes.pop()),
            }
        }
        ChainTx::ShowTerm { term, promises, .. } => match rng.random_range(0..3) {
            0 => *term = Term::default(),
            1 => drop(promises.pop()),
            _ => promises.extend(promises.first().copied()),
        },
        ChainTx::Show { proof, .. } => match rng.random_range(0..6) {
            0 => drop(proof.headers.pop()),
            1 => proof.anchor = None,
            2 => proof.certificate = None,
            3 => std::mem::swap(&mut proof.anchor, &mut proof.certificate),
            4 => {
                if let Some(header) = proof.headers.last_mut() {
                    header.time = header.time.plus(1);
                }
            }
            _ => {
                let known = proof.certificate.as_mut().or(proof.anchor.as_mut());
                known.and_then(|known| known.signatures.pop());
            }
        },
        ChainTx::Support { headers, .. } => {
            if rng.random_bool(0.5) {
                drop(headers.pop())
            } else {
                headers.reverse()
            }
        }
        ChainTx::FinishExit { entered, .. } => entered.value.clear(),
        ChainTx::Claim { account, vault, departed, .. } => match rng.random_range(0..3) {
            0 => *account = Address::from_low(5),
            1 => drop(vault.siblings.pop()),
            _ => std::mem::swap(vault, departed),
        },
        ChainTx::Decide { guilty, verdicts, accused, evidence, .. } => match rng.random_range(0..4)
        {
            0 => *guilty = !*guilty,
            1 => drop(verdicts.pop()),
            2 => *evidence = Hash::ZERO,
            _ => *accused = JoinSequence(accused.0 % 4 + 1),
        },
        ChainTx::Answer { header, certificate, number, .. } => match rng.random_range(0..3) {
            0 => header.state_root = Hash::ZERO,
            1 => drop(certificate.signatures.pop()),
            _ => number.value.clear(),
        },
        ChainTx::Report { accused, .. } | ChainTx::Judge { accused, .. } => {
            *accused = JoinSequence(rng.random_range(0..6))
        }
        ChainTx::Refute { row, .. } => *row += 1,
        ChainTx::RefuteResult { result, .. } => drop(result.siblings.pop()),
        ChainTx::Heartbeat { .. }
        | ChainTx::ApplyForLeadership { .. }
        | ChainTx::Finish { .. }
        | ChainTx::Expire { .. }
        | ChainTx::Resolve { .. } => {}
    }
}

impl SettlementChain for Twin {
    fn fund(&mut self, account: &Keypair, amount: u64) {
        self.model.fund(account, amount);
        self.contracts.fund(account, amount);
        self.accounts.push(account.clone());
    }

    fn join(
        &mut self,
        now: Time,
        account: &Keypair,
        node: &Keypair,
        deposit: u64,
    ) -> Result<(), String> {
        let result = self.model.join(now, account, node, deposit);
        let real = self.contracts.join(now, account, node, deposit);
        self.same(&"Join", &result, &real);
        self.nodes.push(node.clone());
        result
    }

    fn act(&mut self, now: Time, account: &Keypair, act: &Act) -> Result<(), String> {
        let result = self.model.act(now, account, act);
        let real = self.contracts.act(now, account, act);
        self.same(act, &result, &real);
        result
    }

    fn execute(&mut self, now: Time, node: &Keypair, tx: &ChainTx) -> Result<(), String> {
        if self.rng.random_bool(0.3) {
            self.again(now);
        }
        if self.rng.random_bool(0.05) {
            self.answer(now);
        }
        if self.rng.random_bool(0.02) {
            self.accuse(now);
        }
        let result = self.send(now, node, tx);
        self.remember(tx);
        if self.rng.random_bool(0.02) {
            let account = self.someone(|twin| &twin.accounts);
            let act = match self.rng.random_range(0..6) {
                0 => Act::Leave,
                1 => Act::Exit,
                2 => Act::Release,
                choice => {
                    let candidate = JoinSequence(self.rng.random_range(1..12));
                    Act::Delegate((choice > 3).then_some(candidate))
                }
            };
            let _ = self.act(now, &account, &act);
        }
        result
    }

    fn dry_run(&self, proposal: &Proposal) -> Option<String> {
        let (model, real) = (self.model.dry_run(proposal), self.contracts.dry_run(proposal));
        assert_eq!(model, real.as_deref().map(abort), "{proposal:?}\n{real:?}");
        model
    }

    fn waiting(&self) -> Option<Proposal> {
        let (model, real) = (self.model.waiting(), self.contracts.waiting());
        assert_eq!(model, real);
        model
    }

    fn record(&self) -> &ChannelRecord {
        self.model.record()
    }

    fn time(&self) -> Time {
        self.model.time()
    }

    fn height(&self) -> Height {
        self.model.height()
    }

    fn balance(&self, account: Address) -> u64 {
        self.model.balance(account)
    }

    fn total(&self) -> u64 {
        self.model.total()
    }
}

/// Some seeds of those in which accounts and liars act on the chain.
fn live(seeds: std::ops::Range<u64>, steps: u64, money: &MoneyRules, tally: &Tally) {
    for seed in seeds.map(|number| 5 * number + 3) {
        let plan = Plan { money: money.clone(), steps, ..Plan::from_seed(seed, steps) };
        // The contracts' config is one for all.
        let plan = Plan { tick_interval: 0, replicated: false, reorgs: false, ..plan };
        let twin = Twin::new(seed, money.clone(), tally);
        let mut world = World::with_chain(plan, Rc::new(Machine::default()), Box::new(twin));
        for _ in 0..steps {
            // What the altered transactions do to the channel is not what this is about.
            if world.step().is_err() {
                break;
            }
        }
        for _ in 0..30 {
            let later = world.chain.time().plus(10_000);
            let channel = world.chain.record().channel;
            for node in &world.nodes {
                let _ = world.chain.execute(later, &node.keypair, &ChainTx::Heartbeat { channel });
                let _ = world.chain.act(later, &node.account, &Act::Release);
            }
        }
    }
}

#[test]
fn model_and_contract_do_the_same_over_a_channels_life() {
    let tally = Tally::default();
    let money = Plan::calm(0, 1).money;
    live(0..16, 5_000, &money, &tally);
    let rules = MoneyRules {
        settlement_rule: SettlementRule::Judged,
        drop_rule: DropRule::Replace,
        penalty_votes: PenaltyVotes::Two,
        weight_by: WeightBy::Collateral,
        ..money.clone()
    };
    live(16..24, 5_000, &rules, &tally);
    let rules = MoneyRules { settlement_rule: SettlementRule::Unanimous, ..money };
    live(24..32, 5_000, &rules, &tally);
    let tally = tally.borrow();
    for (what, count) in &*tally {
        println!("{count:6} {what}");
    }
    let done: BTreeSet<&str> = tally.keys().filter_map(|name| name.strip_suffix(" ok")).collect();
    let kinds = "Execute Show OpenWindow Support Finish Exit FinishExit Claim Report Decide Object Dispute Expire Refute RefuteResult Complain \
                 Answer Resolve Leave Release Delegate ShowTerm Propose Heartbeat ApplyForLeadership";
    for kind in kinds.split_whitespace() {
        assert!(done.contains(kind), "{kind} never executed: {done:?}");
    }
}

/// P-139: members come, fall silent, come back, choose and ask to leave.
#[test]
fn model_and_contract_let_the_same_members_speak_for_the_same() {
    let (tally, mut changes) = (Tally::default(), 0);
    for seed in 0..4 {
        let mut twin = Twin::new(seed, MoneyRules::default(), &tally);
        let (mut now, mut before) = (Time(1_000), Vec::new());
        for _ in 0..120 {
            now = now.plus(twin.rng.random_range(1_000..6_000));
            stir(&mut twin, now);
            let last = twin.model.record().grants.last().map_or(Epoch(0), |grant| grant.epoch);
            let voices = twin.model.voices(last, last);
            changes += u32::from(voices != before);
            before = voices;
        }
    }
    println!("{changes} changes: {:#?}", tally.borrow());
    assert!(changes > 20, "{changes}");
    for kind in ["Delegate ok", "Delegate delegation::E_NO_CANDIDATE", "Leave ok"] {
        assert!(tally.borrow().contains_key(kind), "{kind}");
    }
}

/// Something that may change who speaks for whom, and somebody who asks for the next epoch.
fn stir(twin: &mut Twin, now: Time) {
    let channel = twin.model.record().channel;
    let count = twin.nodes.len();
    match twin.rng.random_range(0..8) {
        0..3 if count < 16 => {
            let key = |kind: u8| Keypair::from_seed(&[kind + u8::try_from(count).unwrap(); 32]);
            let (account, node) = (key(1), key(101));
            twin.fund(&account, 100);
            let _ = twin.join(now, &account, &node, 10);
            let _ = twin.send(now, &node, &ChainTx::Heartbeat { channel });
        }
        3 if count > 0 && twin.rng.random_bool(0.2) => {
            let account = twin.someone(|twin| &twin.accounts);
            let _ = twin.act(now, &account, &Act::Leave);
        }
        4..6 if count > 0 => {
            let account = twin.someone(|twin| &twin.accounts);
            let candidate = JoinSequence(twin.rng.random_range(0..18));
            let choice = (candidate.0 > 0).then_some(candidate);
            let _ = twin.act(now, &account, &Act::Delegate(choice));
        }
        _ => {
            let silent = twin.rng.random_range(0..17);
            for (place, node) in twin.nodes.clone().iter().enumerate() {
                if place != silent {
                    let _ = twin.send(now, node, &ChainTx::Heartbeat { channel });
                }
            }
        }
    }
    if count > 0 {
        let record = twin.model.record();
        let leader = record.in_force.as_ref().map(|in_force| in_force.join_sequence);
        let mut seats = record.members.iter();
        let seat = seats.find(|seat| Some(seat.record.join_sequence) == leader);
        let leads = seat.map(|seat| seat.record.node).filter(|_| twin.rng.random_bool(0.8));
        let place = twin.nodes.iter().position(|node| Some(node.node_id()) == leads);
        let node = match place {
            Some(place) => twin.nodes[place].clone(),
            None => twin.someone(|twin| &twin.nodes),
        };
        let _ = twin.send(now, &node, &ChainTx::ApplyForLeadership { channel });
    }
}
