//! Channels on the Move VM that settle on the real contracts, run by the ledger's state machine.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::rc::Rc;

use fairway_ledger::{Code, Genesis, Ledger, contract};
use fairway_sandbox::{MoveSandbox, compile};
use fairway_sim::{
    Plan, World,
    chain::{CHAIN, SettlementChain},
    world::creator,
};
use fairway_types::{
    Address, ChannelId, ExecutionStatus, Gas, GasTableId, Hash, Height, Keypair, Operation, Time,
    chain::{ChainTx, ChannelConfig, ChannelRecord, Durability, JoinPolicy, MoneyRules},
    crypto::Verify,
    ledger::{
        LedgerPayload, LedgerTransaction, PackageSource, SignedLedgerTransaction, SourceFile,
    },
    limits,
    settlement::Proposal,
};

const APP: &str = "
module app::app {
    use runtime::lifecycle;
    use runtime::vault;

    public entry fun pay(from: &signer, to: address, amount: u64) {
        vault::transfer(from, to, @0xfa, amount);
    }

    public entry fun leave(member: &signer) {
        lifecycle::request_leave(member);
    }
}
";

fn app() -> Rc<MoveSandbox> {
    sandbox(APP)
}

fn sandbox(text: &str) -> Rc<MoveSandbox> {
    let source = PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "app.move".into(), text: text.into() }],
    };
    let package = compile(&source).unwrap_or_else(|error| panic!("{error}"));
    Rc::new(MoveSandbox::new(&package).unwrap())
}

/// The ledger with one channel on it; a block a transaction.
struct Contracts {
    ledger: Ledger,
    channel: ChannelId,
    record: ChannelRecord,
    accounts: Vec<Address>,
}

fn root() -> Keypair {
    Keypair::from_seed(&[200; 32])
}

fn signed(ledger: &Ledger, key: &Keypair, payload: LedgerPayload) -> SignedLedgerTransaction {
    let transaction = LedgerTransaction {
        chain: CHAIN,
        sender: key.address(),
        sequence: ledger.sequence(key.address()),
        payload,
        gas_limit: Gas(10_000_000),
        expires_at: Time(u64::MAX),
    };
    SignedLedgerTransaction { signature: key.sign(&transaction), key: key.public(), transaction }
}

fn transact(
    ledger: &mut Ledger,
    time: Time,
    key: &Keypair,
    payload: LedgerPayload,
) -> Result<(), String> {
    let transaction = signed(ledger, key, payload);
    ledger.check(&transaction, time).map_err(|refusal| refusal.to_string())?;
    let block = ledger.execute(time, &[transaction.verify().unwrap()], &Code::new()).unwrap();
    let receipt = block.receipts[0].clone();
    ledger.commit(block);
    if receipt.status == ExecutionStatus::Success {
        return Ok(());
    }
    Err(ledger.explain(&receipt, Gas(10_000_000)).to_string())
}

impl Contracts {
    fn new() -> Self {
        let genesis = Genesis { chain: CHAIN, root: root().address() };
        let mut ledger = Ledger::new(&genesis).unwrap();
        let config = ChannelConfig {
            tick_interval: 0,
            settlement_interval: 0,
            durability: Durability::Synced,
            join_policy: JoinPolicy::Open,
            invited: Vec::new(),
            asset: contract::NATIVE,
            min_deposit: 1,
            max_members: 16,
            gas_table: GasTableId::MEASURED,
            money: MoneyRules::default(),
        };
        transact(&mut ledger, Time(1), &creator(), contract::create(Hash([5; 32]), &config))
            .unwrap();
        let channel = contract::channel_id(CHAIN, creator().address(), 0);
        let record = ledger.channel(channel).unwrap();
        assert_eq!(record.config, config);
        Self { ledger, channel, record, accounts: Vec::new() }
    }

    fn read(&mut self) {
        self.record = self.ledger.channel(self.channel).unwrap();
    }
}

impl SettlementChain for Contracts {
    fn fund(&mut self, account: &Keypair, amount: u64) {
        let payload = contract::mint(account.address(), amount);
        transact(&mut self.ledger, Time(1), &root(), payload).unwrap();
        self.accounts.push(account.address());
    }

    fn join(&mut self, now: Time, account: &Keypair, node: &Keypair, deposit: u64) {
        let proof = contract::join_proof(node, CHAIN, self.channel, account.address());
        let endpoints = ["/ip4/127.0.0.1".into()];
        let payload = contract::join(
            self.channel,
            node.node_id(),
            deposit,
            &endpoints,
            &proof,
            contract::Backing::default(),
        );
        transact(&mut self.ledger, now, account, payload).unwrap();
        self.read();
    }

    fn execute(&mut self, now: Time, node: &Keypair, tx: &ChainTx) -> Result<(), String> {
        let payloads = contract::payloads(tx).map_err(|refusal| refusal.to_string())?;
        let ledger = &mut self.ledger;
        let result = payloads.into_iter().try_for_each(|one| transact(ledger, now, node, one));
        self.read();
        result
    }

    fn dry_run(&self, proposal: &Proposal) -> Option<String> {
        let (function, args) = contract::dry_run(proposal).unwrap();
        self.ledger.view(&function, &[], &args).err().map(|refusal| refusal.to_string())
    }

    fn record(&self) -> &ChannelRecord {
        &self.record
    }

    fn time(&self) -> Time {
        self.ledger.time()
    }

    fn height(&self) -> Height {
        self.ledger.height()
    }

    fn total(&self) -> u64 {
        let outside: u64 = self
            .accounts
            .iter()
            .map(|account| self.ledger.balance(*account, contract::NATIVE).unwrap())
            .sum();
        outside + self.record.locked.iter().map(|entry| entry.amount).sum::<u64>()
    }
}

#[test]
fn four_members_play_in_move_and_settle_on_the_contracts_to_the_unit() {
    let mut world = World::with_chain(Plan::calm(21, 4), app(), Box::new(Contracts::new()));
    let report = world.run().unwrap_or_else(|broken| panic!("{}", broken.0));
    assert!(report.calls_certified > 50, "{report:?}");
    assert!(report.settlements > 0, "{report:?}");
}

#[test]
fn close_pays_everybody_and_leaves_nothing_on_the_chain() {
    let mut world = World::with_chain(Plan::calm(23, 3), app(), Box::new(Contracts::new()));
    for _ in 0..2_000 {
        world.step().unwrap();
    }
    world.submit(0, 1, Operation::Close).unwrap();
    for _ in 0..4_000 {
        world.step().unwrap();
    }
    let record = world.chain.record();
    assert!(record.settlement.closed && !record.open, "{record:?}");
    assert!(record.locked.is_empty() && record.members.is_empty());
}

/// P-7: the leader settles its own leave, and somebody else leads on.
#[test]
fn leader_leaves_and_is_paid_and_the_others_go_on() {
    // Nobody else leaves: that begins after half of the steps.
    let plan = Plan { steps: 1_000_000, ..Plan::calm(25, 3) };
    let mut world = World::with_chain(plan, app(), Box::new(Contracts::new()));
    for _ in 0..2_000 {
        world.step().unwrap();
    }
    let leader = world.nodes[0].account.address();
    world.submit(0, 0, Operation::Leave).unwrap();
    for _ in 0..3_000 {
        world.step().unwrap();
    }
    let record = world.chain.record();
    assert!(record.members.iter().all(|member| member.record.account != leader), "{record:?}");
    assert_eq!(record.members.len(), 2);
    let certified = world.nodes[1].channel.log().certified();
    for _ in 0..1_000 {
        world.step().unwrap();
    }
    assert!(world.nodes[1].channel.log().certified() > certified);
    assert!(world.nodes[1].channel.log().leader().is_some());
}

/// P-18: an app that never gives back what it holds cannot keep it past the close.
#[test]
fn what_an_app_holds_at_the_close_is_divided() {
    let hoarder = APP.replace(
        "public entry fun leave",
        "struct Pot has key { coin: vault::Coin }

        public entry fun hoard(from: &signer, amount: u64) {
            move_to(from, Pot { coin: vault::withdraw(from, @0xfa, amount) });
        }

        public entry fun leave",
    );
    let mut world =
        World::with_chain(Plan::calm(24, 3), sandbox(&hoarder), Box::new(Contracts::new()));
    for _ in 0..1_500 {
        world.step().unwrap();
    }
    world.holds = true;
    let amount = fairway_types::codec::encode(&7u64);
    let function = fairway_sim::machine::function("hoard");
    let hoard = Operation::Invoke { function, type_args: Vec::new(), args: vec![amount] };
    world.submit(0, 0, hoard).unwrap();
    for _ in 0..500 {
        world.step().unwrap();
    }
    world.submit(0, 0, Operation::Close).unwrap();
    for _ in 0..4_000 {
        world.step().unwrap();
    }
    assert!(world.chain.record().settlement.closed);
    assert!(world.chain.record().locked.is_empty());
}

#[test]
fn contracts_and_channels_agree_over_faults() {
    let plan =
        Plan { loss: 5, duplication: 5, crashes: true, partitions: true, ..Plan::calm(22, 3) };
    let mut world = World::with_chain(plan, app(), Box::new(Contracts::new()));
    let report = world.run().unwrap_or_else(|broken| panic!("{}", broken.0));
    assert!(report.views_shown > 0, "no later view's leader was shown: {report:?}");
}

#[test]
fn replaying_the_blocks_gives_equal_roots() {
    let run = || {
        let mut contracts = Contracts::new();
        let alice = Keypair::from_seed(&[1; 32]);
        contracts.fund(&alice, 100);
        contracts.join(Time(5), &alice, &Keypair::from_seed(&[2; 32]), 40);
        contracts.ledger.state_root()
    };
    assert_eq!(run(), run());
}

#[test]
fn bad_transactions_are_refused_with_a_reason_and_change_nothing() {
    let mut contracts = Contracts::new();
    let alice = Keypair::from_seed(&[1; 32]);
    contracts.fund(&alice, 100);
    let ledger = &mut contracts.ledger;
    let transfer = || contract::transfer(contract::NATIVE, Address::from_low(0xb), 1);
    let name = |ledger: &Ledger, change: &dyn Fn(&mut LedgerTransaction)| {
        let mut transaction = signed(ledger, &alice, transfer());
        change(&mut transaction.transaction);
        transaction.signature = alice.sign(&transaction.transaction);
        ledger.check(&transaction, Time(10)).unwrap_err().name()
    };
    let root = ledger.state_root();
    assert_eq!(name(ledger, &|t| t.chain.0 += 1), "wrong_chain");
    assert_eq!(name(ledger, &|t| t.sequence.0 += 1), "sequence_number");
    assert_eq!(name(ledger, &|t| t.expires_at = Time(9)), "expired");
    assert_eq!(name(ledger, &|t| t.gas_limit = Gas(u64::MAX)), "too_large");
    assert_eq!(
        name(ledger, &|t| if let LedgerPayload::Invoke { function, .. } = &mut t.payload {
            function.function = "nowhere".into();
        }),
        "function_not_found"
    );
    assert_eq!(
        name(ledger, &|t| if let LedgerPayload::Invoke { args, .. } = &mut t.payload {
            args.pop();
        }),
        "invalid_argument"
    );
    let mut forged = signed(ledger, &alice, transfer());
    forged.transaction.gas_limit = Gas(5);
    assert_eq!(forged.verify().unwrap_err().name(), "bad_signature");
    assert_eq!(ledger.state_root(), root);
    let unknown = ledger.channel(ChannelId([7; 32])).unwrap_err();
    assert_eq!(unknown.code(), 100_001);
}

#[test]
fn aborted_transaction_uses_its_sequence_number_and_names_the_abort() {
    let mut contracts = Contracts::new();
    let alice = Keypair::from_seed(&[1; 32]);
    contracts.fund(&alice, 100);
    let payload = contract::transfer(contract::NATIVE, Address::from_low(0xb), 101);
    let error = transact(&mut contracts.ledger, Time(10), &alice, payload).unwrap_err();
    assert_eq!(error, "aborted in 0x3::coin with code 2 (E_INSUFFICIENT)");
    assert_eq!(contracts.ledger.sequence(alice.address()).0, 1);
    assert_eq!(contracts.ledger.balance(alice.address(), contract::NATIVE), Ok(100));
}

#[test]
fn stored_package_is_found_by_its_hash_and_costs_gas_by_its_size() {
    let mut contracts = Contracts::new();
    let alice = Keypair::from_seed(&[1; 32]);
    let mut package = PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "app.move".into(), text: APP.into() }],
    };
    let store = |package: &PackageSource| LedgerPayload::StorePackage { package: package.clone() };
    let ledger = &mut contracts.ledger;
    let root = ledger.state_root();
    transact(ledger, Time(10), &alice, store(&package)).unwrap();
    assert_eq!(ledger.package(&package.hash()), Some(package.clone()));
    assert_ne!(ledger.state_root(), root, "packages are part of the state");
    package.files[0].text = "x".repeat(limits::PACKAGE_BYTES);
    let error = transact(ledger, Time(10), &alice, store(&package)).unwrap_err();
    assert!(error.starts_with("package is too large"), "{error}");
    assert_eq!(ledger.package(&package.hash()), None);
}
