//! What the contracts' functions cost with many members: the largest channel must settle within the
//! gas of a call, whatever its members bring along. `--no-capture` shows the table.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and show figures")]

use fairway_ledger::{Code, Genesis, Ledger, Receipt, contract};
use fairway_types::{
    Address, AssetId, ChannelId, Gas, GasTableId, Hash, Height, Keypair, Place, SignedViewChange,
    Term, Time, View, ViewChange,
    chain::{ChainTx, ChannelConfig, Durability, JoinPolicy, MoneyRules},
    codec,
    contract::Backing,
    crypto::Verify,
    ids::ChainId,
    ledger::{LedgerPayload, LedgerTransaction, SignedLedgerTransaction},
    limits,
    settlement::{AssetAmount, Balance, Proposal, SignedVote, Vote},
};

const CHAIN: ChainId = ChainId(7);
/// What a channel can have, as `channel::create` says.
const MOST_MEMBERS: u8 = 128;
/// Bytes of an app's result, as `runtime::lifecycle` says.
const MOST_RESULT: usize = 8_192;
const DEPOSIT: u64 = 1_000;
/// Longer than an epoch must last.
const EPOCH: u64 = 3_500;

fn key(kind: u8, number: u8) -> Keypair {
    let mut seed = [kind; 32];
    seed[0] = number;
    Keypair::from_seed(&seed)
}

fn root() -> Keypair {
    key(9, 0)
}

/// A channel on a ledger; each transaction a block of its own.
struct World {
    ledger: Ledger,
    time: u64,
    channel: ChannelId,
    members: Vec<(Keypair, Keypair)>,
    /// What the app's next settlement carries.
    result: Vec<u8>,
}

impl World {
    fn new(max_members: u64) -> Self {
        let ledger = Ledger::new(&Genesis { chain: CHAIN, root: root().address() }).unwrap();
        let channel = contract::channel_id(CHAIN, root().address(), 0);
        let mut world =
            Self { ledger, time: 1_000_000, channel, members: Vec::new(), result: Vec::new() };
        let config = ChannelConfig {
            tick_interval: 0,
            settlement_interval: 0,
            durability: Durability::Synced,
            join_policy: JoinPolicy::Open,
            invited: Vec::new(),
            asset: contract::NATIVE,
            min_deposit: 1,
            max_members,
            gas_table: GasTableId::MEASURED,
            trust_own_node: false,
            money: MoneyRules::default(),
        };
        world.transact(&root(), contract::create(Hash([5; 32]), &config));
        world
    }

    /// A channel of `count` active members with the longest endpoints.
    fn of(count: u8) -> Self {
        let mut world = Self::new(u64::from(count));
        for number in 0..count {
            world.join(number);
        }
        world.beat_all();
        world.apply();
        world
    }

    /// The receipt of a transaction that must succeed.
    fn receipt(&mut self, key: &Keypair, payload: LedgerPayload) -> Receipt {
        let transaction = LedgerTransaction {
            chain: CHAIN,
            sender: key.address(),
            sequence: self.ledger.sequence(key.address()),
            payload,
            gas_limit: Gas(limits::CALL_GAS),
            expires_at: Time(u64::MAX),
        };
        let signature = key.sign(&transaction);
        let signed = SignedLedgerTransaction { signature, key: key.public(), transaction };
        let block = self
            .ledger
            .execute(Time(self.time), &[signed.verify().unwrap()], &Code::new())
            .unwrap();
        let receipt = block.receipts[0].clone();
        self.ledger.commit(block);
        if !receipt.status.is_success() {
            panic!("{}", self.ledger.explain(&receipt, Gas(limits::CALL_GAS)));
        }
        receipt
    }

    /// Its gas.
    fn transact(&mut self, key: &Keypair, payload: LedgerPayload) -> u64 {
        self.receipt(key, payload).gas_used.0
    }

    fn submit(&mut self, node: &Keypair, tx: &ChainTx) -> u64 {
        self.transact(node, contract::payload(tx).unwrap())
    }

    fn join(&mut self, number: u8) -> u64 {
        let (account, node) = (key(1, number), key(2, number));
        self.transact(&root(), contract::mint(account.address(), DEPOSIT));
        let endpoints = vec!["x".repeat(256); 8];
        let proof = contract::join_proof(&node, CHAIN, self.channel, account.address());
        let payload = contract::join(
            self.channel,
            node.node_id(),
            DEPOSIT,
            &endpoints,
            &proof,
            Backing::default(),
        );
        let gas = self.transact(&account, payload);
        self.members.push((account, node));
        gas
    }

    fn node(&self, member: usize) -> Keypair {
        self.members[member].1.clone()
    }

    fn beat(&mut self, member: usize) -> u64 {
        self.submit(&self.node(member), &ChainTx::Heartbeat { channel: self.channel })
    }

    fn beat_all(&mut self) -> u64 {
        (0..self.members.len()).map(|member| self.beat(member)).max().unwrap()
    }

    fn apply(&mut self) -> u64 {
        let channel = self.channel;
        self.submit(&self.node(0), &ChainTx::ApplyForLeadership { channel })
    }

    /// Shows a view by everybody's promises, which is more than it needs.
    fn show_term(&mut self, view: u64) -> u64 {
        let record = self.ledger.channel(self.channel).unwrap();
        let epoch = record.in_force.unwrap().term.epoch;
        let term = Term { epoch, view: View(view) };
        let acked = vec![Place { hash: Hash([3; 32]), term }; limits::ACKED_AHEAD];
        let view_change =
            ViewChange { channel: self.channel, term, proof: None, certificate: None, acked };
        let promises = self.members.iter().map(|(_, node)| {
            let signature = node.sign(&view_change.summary());
            let view_change = view_change.clone();
            SignedViewChange { view_change, node: node.node_id(), signature }.shown()
        });
        let (channel, promises) = (self.channel, promises.collect());
        let gas = self.submit(&self.node(0), &ChainTx::ShowTerm { channel, term, promises });
        let record = self.ledger.channel(self.channel).unwrap();
        assert_eq!(record.in_force.unwrap().term, term);
        gas
    }

    /// Everybody keeps its deposit; the last `leavers` by account leave.
    fn proposal(&self, leavers: usize, closes: bool) -> Proposal {
        let last = self.ledger.channel(self.channel).unwrap().settlement;
        let mut accounts: Vec<Address> =
            self.members.iter().map(|(account, _)| account.address()).collect();
        accounts.sort();
        let stayers = accounts.len() - leavers;
        let balance = |(place, account): (usize, &Address)| Balance {
            account: *account,
            amounts: vec![AssetAmount { asset: contract::NATIVE, amount: DEPOSIT }],
            leaves: place >= stayers,
        };
        Proposal {
            chain: CHAIN,
            channel: self.channel,
            number: last.number + 1,
            from_height: last.height,
            from_root: last.root,
            to_height: Height(last.height.0 + 9),
            to_root: Hash([1; 32]),
            to_block: Hash([2; 32]),
            balances: accounts.iter().enumerate().map(balance).collect(),
            held: Vec::new(),
            closes,
            result: self.result.clone(),
        }
    }

    /// Proposes and executes with everybody's votes; gas of both.
    fn settle(&mut self, leavers: usize, closes: bool) -> (u64, u64) {
        let proposal = self.proposal(leavers, closes);
        let hash = proposal.hash();
        let vote = Vote { channel: self.channel, proposal: hash, yes: true };
        let votes = self.members.iter().map(|(_, node)| {
            let signature = node.sign(&vote);
            SignedVote { vote, node: node.node_id(), signature, reason: None }
        });
        let execute =
            ChainTx::Execute { channel: self.channel, proposal: hash, votes: votes.collect() };
        let proposed =
            self.submit(&self.node(0), &ChainTx::Propose { proposal: Box::new(proposal) });
        (proposed, self.submit(&self.node(0), &execute))
    }
}

/// Gas of each function in a channel of `count`.
fn figures(count: u8) -> Vec<(&'static str, u64)> {
    let mut world = World::new(u64::from(count));
    let join = (0..count).map(|number| world.join(number)).max().unwrap();
    let heartbeat = world.beat_all();
    let first_apply = world.apply();
    // Members that come and go make epochs: all of them stay on the chain.
    let mut apply = 0;
    for _ in 0..70 {
        world.time += 15_001;
        world.apply();
        world.time += EPOCH;
        world.beat_all();
        apply = apply.max(world.apply());
    }
    let show_term = world.show_term(u64::MAX);
    let (propose, execute) = world.settle(0, false);
    world.result = vec![7; MOST_RESULT];
    let (propose_result, execute_result) = world.settle(0, false);
    let (_, with_leavers) = World::of(count).settle(usize::from(count / 2), false);
    let (_, close) = World::of(count).settle(usize::from(count), true);
    vec![
        ("join", join),
        ("heartbeat", heartbeat),
        ("first apply", first_apply),
        ("apply", apply),
        ("show term", show_term),
        ("propose", propose),
        ("execute", execute),
        ("propose, result", propose_result),
        ("execute, result", execute_result),
        ("execute, half leave", with_leavers),
        ("execute, close", close),
    ]
}

#[test]
fn the_largest_channel_settles_within_a_fifth_of_the_gas_of_a_call() {
    let counts = [8, 32, 100, MOST_MEMBERS];
    let tables = counts.map(figures);
    println!("{:<22}{:>12}{:>12}{:>12}{:>12}", "gas for members", 8, 32, 100, MOST_MEMBERS);
    for row in 0..tables[0].len() {
        let gas = tables.each_ref().map(|table| table[row].1);
        println!(
            "{:<22}{:>12}{:>12}{:>12}{:>12}",
            tables[0][row].0, gas[0], gas[1], gas[2], gas[3]
        );
        for (count, gas) in counts.iter().zip(gas) {
            assert!(gas < limits::CALL_GAS / 5, "{} of {count}: {gas}", tables[0][row].0);
        }
    }
}

#[test]
fn settling_costs_in_proportion_to_the_members() {
    let execute = |count| {
        let (propose, execute) = World::of(count).settle(0, false);
        (propose, execute)
    };
    let (small, large) = (execute(25), execute(100));
    assert!(large.0 < 5 * small.0, "propose: {} and {}", small.0, large.0);
    assert!(large.1 < 5 * small.1, "execute: {} and {}", small.1, large.1);
}

/// Whatever else an account holds, paying it costs the same.
#[test]
fn a_payee_with_many_assets_is_paid_like_any_other() {
    let mut plain = World::of(2);
    let (_, expected) = plain.settle(1, false);
    let mut world = World::of(2);
    let leaver = world.proposal(1, false).balances[1].account;
    let creator = key(8, 0);
    for _ in 0..1_400 {
        let args =
            vec![codec::encode(&b"DUST".to_vec()), codec::encode(&0u8), codec::encode(&1u64)];
        let create = LedgerPayload::Invoke {
            function: contract::function("coin", "create_asset"),
            type_args: Vec::new(),
            args,
        };
        let receipt = world.receipt(&creator, create);
        // `AssetCreated` begins with the asset.
        let asset = AssetId::from_slice(&receipt.events[0].data[..32]).unwrap();
        world.transact(&creator, contract::transfer(asset, leaver, 1));
    }
    let (_, gas) = world.settle(1, false);
    assert!(gas <= expected + expected / 100, "{gas}, {expected} with one asset");
    assert_eq!(world.ledger.balance(leaver, contract::NATIVE), Ok(DEPOSIT));
}

/// Strangers that have joined and never act leave the members' settlement as cheap as it was.
#[test]
fn pending_strangers_hardly_make_a_settlement_dearer() {
    let mut world = World::new(u64::from(MOST_MEMBERS));
    for number in 0..4 {
        world.join(number);
    }
    world.beat_all();
    world.apply();
    let (_, before) = world.settle(0, false);
    for number in 4..MOST_MEMBERS {
        world.join(number);
        world.members.pop();
    }
    let (_, after) = world.settle(0, false);
    assert!(after < before + limits::CALL_GAS / 50, "{before}, then {after}");
}
