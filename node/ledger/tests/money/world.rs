//! A ledger with channels, their members, and what these sign.

use std::collections::BTreeMap;

use fairway_ledger::{Code, Genesis, Ledger, Receipt, contract};
use fairway_state::State;
use fairway_types::{
    Ack, Address, Call, Certificate, ChannelId, Epoch, Gas, GasTableId, Hash, Header, Height,
    JoinSequence, Keypair, Operation, SequenceNumber, SignedCall, StateKey, Term, Time, View,
    Write,
    chain::{ChainTx, ChannelConfig, ChannelRecord, Durability, JoinPolicy, MoneyRules},
    codec,
    contract::Backing,
    crypto::Verify,
    ids::ChainId,
    ledger::{LedgerPayload, LedgerTransaction, SignedLedgerTransaction},
    limits,
    settlement::{AssetAmount, Balance, Proposal, SignedVote, Vote},
    windows::{BlockProof, ProvenEntry, SignedVerdict, Verdict},
};

pub(crate) const CHAIN: ChainId = ChainId(7);
pub(crate) const DEPOSIT: u64 = 1_000;
/// Milliseconds.
pub(crate) const WINDOW: u64 = 60_000;
pub(crate) const NOW: u64 = 1_000_000;

pub(crate) fn key(kind: u8, number: u8) -> Keypair {
    let mut seed = [kind; 32];
    seed[0] = number;
    Keypair::from_seed(&seed)
}

pub(crate) fn account(number: u8) -> Keypair {
    key(1, number)
}

pub(crate) fn node(number: u8) -> Keypair {
    key(2, number)
}

pub(crate) fn root() -> Keypair {
    key(9, 0)
}

/// By account: its amount, and whether it leaves.
pub(crate) type Rows = BTreeMap<Address, (u64, bool)>;

/// Each transaction is a block of its own.
pub(crate) struct World {
    pub ledger: Ledger,
    pub time: u64,
    pub channel: ChannelId,
    pub minted: u64,
    /// What the channels' packages compile to.
    pub code: Code,
}

impl World {
    pub(crate) fn new() -> Self {
        let ledger = Ledger::new(&Genesis { chain: CHAIN, root: root().address() }).unwrap();
        Self { ledger, time: NOW, channel: ChannelId([0; 32]), minted: 0, code: Code::new() }
    }

    /// An open channel by these rules, which is the one that everything is about from now on.
    pub(crate) fn create(&mut self, max_members: u64, money: MoneyRules) {
        self.create_for(Hash([5; 32]), max_members, money);
    }

    pub(crate) fn create_for(&mut self, package: Hash, max_members: u64, money: MoneyRules) {
        let channels: u64 = self.created();
        let config = config(max_members, money);
        self.must(&root(), contract::create(package, &config));
        self.channel = contract::channel_id(CHAIN, root().address(), channels);
    }

    fn created(&self) -> u64 {
        let args = [codec::encode(&root().address())];
        let values = self.ledger.view(&contract::function("channel", "created"), &[], &args);
        codec::decode("count", &values.unwrap()[0].1).unwrap()
    }

    fn signed(&self, key: &Keypair, payload: LedgerPayload) -> SignedLedgerTransaction {
        let transaction = LedgerTransaction {
            chain: CHAIN,
            sender: key.address(),
            sequence: self.ledger.sequence(key.address()),
            gas_limit: payload.most_gas(),
            payload,
            expires_at: Time(u64::MAX),
        };
        let signature = key.sign(&transaction);
        SignedLedgerTransaction { signature, key: key.public(), transaction }
    }

    fn explained(&self, receipt: Receipt) -> Result<Receipt, String> {
        if receipt.status.is_success() {
            return Ok(receipt);
        }
        Err(self.ledger.explain(&receipt, Gas(limits::CALL_GAS)).to_string())
    }

    pub(crate) fn transact(
        &mut self,
        key: &Keypair,
        payload: LedgerPayload,
    ) -> Result<Receipt, String> {
        let most = payload.most_gas();
        self.transact_within(key, payload, most)
    }

    pub(crate) fn transact_within(
        &mut self,
        key: &Keypair,
        payload: LedgerPayload,
        gas_limit: Gas,
    ) -> Result<Receipt, String> {
        let mut signed = self.signed(key, payload);
        signed.transaction.gas_limit = gas_limit;
        signed.signature = key.sign(&signed.transaction);
        let block =
            self.ledger.execute(Time(self.time), &[signed.verify().unwrap()], &self.code).unwrap();
        let receipt = block.receipts[0].clone();
        self.ledger.commit(block);
        self.explained(receipt)
    }

    /// What the transaction would do, and what it would write; nothing is kept.
    pub(crate) fn try_out(
        &self,
        key: &Keypair,
        payload: LedgerPayload,
    ) -> (Result<Receipt, String>, Vec<Write>) {
        let signed = self.signed(key, payload);
        if let Err(refusal) = self.ledger.check(&signed, Time(self.time)) {
            return (Err(refusal.to_string()), Vec::new());
        }
        let block =
            self.ledger.execute(Time(self.time), &[signed.verify().unwrap()], &self.code).unwrap();
        (self.explained(block.receipts[0].clone()), block.writes)
    }

    /// Its gas.
    pub(crate) fn must(&mut self, key: &Keypair, payload: LedgerPayload) -> u64 {
        self.transact(key, payload).unwrap_or_else(|error| panic!("{error}")).gas_used.0
    }

    pub(crate) fn submit(&mut self, number: u8, tx: &ChainTx) -> u64 {
        self.must(&node(number), contract::payload(tx).unwrap())
    }

    pub(crate) fn try_submit(&mut self, number: u8, tx: &ChainTx) -> Result<Receipt, String> {
        self.transact(&node(number), contract::payload(tx).unwrap())
    }

    pub(crate) fn record(&self) -> ChannelRecord {
        self.ledger.channel(self.channel).unwrap()
    }

    pub(crate) fn rules(&self) -> MoneyRules {
        self.record().config.money
    }

    pub(crate) fn mint(&mut self, to: Address, amount: u64) {
        self.minted += amount;
        self.must(&root(), contract::mint(to, amount));
    }

    pub(crate) fn balance(&self, number: u8) -> u64 {
        self.ledger.balance(account(number).address(), contract::NATIVE).unwrap()
    }

    /// The member's join with the deposit and the channel's least collateral.
    pub(crate) fn join_payload(&self, number: u8, pooled: bool) -> LedgerPayload {
        let (account, node) = (account(number), node(number));
        let proof = contract::join_proof(&node, CHAIN, self.channel, account.address());
        let backing = Backing { collateral: self.rules().collateral, pooled };
        let endpoints = ["/ip4/127.0.0.1/tcp/4001".to_owned()];
        contract::join(self.channel, node.node_id(), DEPOSIT, &endpoints, &proof, backing)
    }

    /// The member joins with money that is made for it.
    pub(crate) fn join(&mut self, number: u8, pooled: bool) -> u64 {
        let collateral = self.rules().collateral;
        self.mint(account(number).address(), DEPOSIT + collateral);
        if pooled && collateral > 0 {
            self.must(&account(number), contract::stake(contract::NATIVE, collateral));
        }
        self.must(&account(number), self.join_payload(number, pooled))
    }

    pub(crate) fn beat(&mut self, number: u8) -> u64 {
        self.submit(number, &ChainTx::Heartbeat { channel: self.channel })
    }

    /// Heartbeats of the first `count`, and an epoch for the first of them.
    pub(crate) fn epoch(&mut self, count: u8) -> u64 {
        for number in 0..count {
            self.beat(number);
        }
        self.submit(0, &ChainTx::ApplyForLeadership { channel: self.channel })
    }

    // What members sign.

    pub(crate) fn header(&self, parent: Hash, height: u64, epoch: u64, state: &State) -> Header {
        Header {
            channel: self.channel,
            parent,
            height: Height(height),
            term: Term { epoch: Epoch(epoch), view: View(0) },
            time: Time(self.time),
            justified: Height::ZERO,
            opening: None,
            transactions_root: Hash([1; 32]),
            effects_root: Hash([2; 32]),
            state_root: state.root(),
            extension: Vec::new(),
        }
    }

    /// Headers that follow each other, from this one on.
    pub(crate) fn chain_of(&self, first: Header, count: usize) -> Vec<Header> {
        let mut headers = vec![first];
        while headers.len() < count {
            let last = &headers[headers.len() - 1];
            let next = Header { parent: last.hash(), height: last.height.next(), ..last.clone() };
            headers.push(next);
        }
        headers
    }

    pub(crate) fn certificate(&self, header: &Header, members: &[u8]) -> Certificate {
        let ack = Ack {
            channel: header.channel,
            term: header.term,
            height: header.height,
            block: header.hash(),
        };
        let mut signatures: Vec<_> = members
            .iter()
            .map(|number| (node(*number).node_id(), node(*number).sign(&ack)))
            .collect();
        signatures.sort_by_key(|(node, _)| *node);
        Certificate { ack, signatures }
    }

    /// The block as its own anchor.
    pub(crate) fn anchor(&self, header: &Header, members: &[u8]) -> ChainTx {
        let anchor = Some(self.certificate(header, members));
        let proof = BlockProof { headers: vec![header.clone()], anchor, certificate: None };
        ChainTx::Show { channel: self.channel, proof: Box::new(proof) }
    }

    pub(crate) fn votes(&self, members: &[u8], proposal: Hash, yes: bool) -> Vec<SignedVote> {
        let vote = Vote { channel: self.channel, proposal, yes };
        let sign = |number: &u8| {
            let node = node(*number);
            SignedVote { vote, node: node.node_id(), signature: node.sign(&vote), reason: None }
        };
        members.iter().map(sign).collect()
    }

    pub(crate) fn verdicts(
        &self,
        members: &[u8],
        accused: JoinSequence,
        evidence: Hash,
        guilty: bool,
    ) -> Vec<SignedVerdict> {
        let verdict = Verdict { channel: self.channel, accused, evidence, guilty };
        let sign = |number: &u8| {
            let node = node(*number);
            SignedVerdict { verdict, node: node.node_id(), signature: node.sign(&verdict) }
        };
        members.iter().map(sign).collect()
    }

    /// The settlement of these rows at this block.
    pub(crate) fn proposal(
        &self,
        header: &Header,
        rows: &Rows,
        held: u64,
        closes: bool,
    ) -> Proposal {
        let last = self.record().settlement;
        let balance = |(account, (amount, leaves)): (&Address, &(u64, bool))| Balance {
            account: *account,
            amounts: amounts(*amount),
            leaves: *leaves,
        };
        Proposal {
            chain: CHAIN,
            channel: self.channel,
            number: last.number + 1,
            from_height: last.height,
            from_root: last.root,
            to_height: header.height,
            to_root: header.state_root,
            to_block: header.hash(),
            balances: rows.iter().map(balance).collect(),
            held: amounts(held),
            closes,
            result: b"score".to_vec(),
        }
    }

    /// A call of the member's account that can be ordered now.
    pub(crate) fn call(&self, number: u8, sequence: u64, operation: Operation) -> SignedCall {
        let account = account(number);
        let call = Call {
            chain: CHAIN,
            channel: self.channel,
            sender: account.address(),
            sequence: SequenceNumber(sequence),
            operation,
            gas_limit: Gas(limits::CALL_GAS),
            expires_at: Time(self.time + WINDOW),
        };
        SignedCall { signature: account.sign(&call), key: account.public(), call }
    }
}

pub(crate) fn config(max_members: u64, money: MoneyRules) -> ChannelConfig {
    ChannelConfig {
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
        money,
    }
}

/// Collateral 100, of which a fine takes 50 and a false report 20.
pub(crate) fn stakes() -> MoneyRules {
    MoneyRules {
        challenge_window: WINDOW,
        collateral: 100,
        fine: 50,
        bond: 20,
        ..MoneyRules::default()
    }
}

pub(crate) fn amounts(amount: u64) -> Vec<AssetAmount> {
    let entry = AssetAmount { asset: contract::NATIVE, amount };
    if amount == 0 { Vec::new() } else { vec![entry] }
}

pub(crate) fn vault_key(account: Address) -> StateKey {
    StateKey::resource(account, "0x2::vault::Vault")
}

/// A channel's state: vaults, what leavers are owed, and who has entered.
pub(crate) fn state(
    vaults: &BTreeMap<Address, u64>,
    departed: &BTreeMap<Address, u64>,
    entered: &[(u64, u64)],
) -> State {
    let write = |key: StateKey, value: Vec<u8>| Write { key, value: Some(value) };
    let vaults =
        vaults.iter().map(|(who, held)| write(vault_key(*who), codec::encode(&amounts(*held))));
    let departed = departed
        .iter()
        .map(|(who, due)| write(StateKey::Departed(*who), codec::encode(&amounts(*due))));
    let entered = write(StateKey::Entered, codec::encode(&entered.to_vec()));
    State::default().with_writes(&vaults.chain(departed).chain([entered]).collect::<Vec<_>>())
}

/// A state in which the first `count` members hold their deposits.
pub(crate) fn deposits(count: u8) -> State {
    let vaults = (0..count).map(|number| (account(number).address(), DEPOSIT)).collect();
    state(&vaults, &BTreeMap::new(), &[(1, u64::from(count))])
}

pub(crate) fn everybody(count: u8) -> Vec<u8> {
    (0..count).collect()
}

/// Rows that give each of the first `count` its deposit; nobody leaves.
pub(crate) fn rows(count: u8) -> Rows {
    (0..count).map(|number| (account(number).address(), (DEPOSIT, false))).collect()
}

pub(crate) fn finish_exit(channel: ChannelId, state: &State) -> ChainTx {
    let entered = Box::new(state.proven(&StateKey::Entered));
    ChainTx::FinishExit { channel, entered }
}

pub(crate) fn claim(channel: ChannelId, account: Address, state: &State) -> ChainTx {
    let [vault, departed] = due(account, state);
    ChainTx::Claim { channel, account, vault, departed }
}

fn due(account: Address, state: &State) -> [Box<ProvenEntry>; 2] {
    [vault_key(account), StateKey::Departed(account)].map(|key| Box::new(state.proven(&key)))
}

pub(crate) fn refute(channel: ChannelId, row: u64, account: Address, state: &State) -> ChainTx {
    let [vault, departed] = due(account, state);
    let entered = Box::new(state.proven(&StateKey::Entered));
    ChainTx::Refute { channel, row, entered, vault, departed }
}

/// What the state gives an account.
pub(crate) fn due_of(state: &State, account: Address) -> u64 {
    let read = |key: &StateKey| {
        let value = state.proven(key).value;
        if value.is_empty() {
            return None;
        }
        let amounts: Vec<AssetAmount> = codec::decode("amounts", &value).unwrap();
        Some(amounts.first().map_or(0, |entry| entry.amount))
    };
    read(&StateKey::Departed(account)).or_else(|| read(&vault_key(account))).unwrap_or(0)
}

/// Numbers that follow from a seed.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }
}
