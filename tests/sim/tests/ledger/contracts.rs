//! The real contracts on the ledger's state machine, as the simulation's chain.

use fairway_ledger::{Code, Genesis, Ledger, contract};
use fairway_sim::{
    chain::{Act, CHAIN, SettlementChain, config},
    world::creator,
};
use fairway_types::{
    Address, ChannelId, Epoch, ExecutionStatus, Gas, Hash, Height, Keypair, Time,
    chain::{ChainTx, ChannelConfig, ChannelRecord, Durability, MoneyRules, Voices},
    codec,
    crypto::Verify,
    ledger::{LedgerPayload, LedgerTransaction, SignedLedgerTransaction},
    settlement::Proposal,
};

/// The ledger with one channel on it; a block a transaction.
pub(crate) struct Contracts {
    pub(crate) ledger: Ledger,
    channel: ChannelId,
    record: ChannelRecord,
    accounts: Vec<Address>,
}

fn root() -> Keypair {
    Keypair::from_seed(&[200; 32])
}

pub(crate) fn signed(
    ledger: &Ledger,
    key: &Keypair,
    payload: LedgerPayload,
) -> SignedLedgerTransaction {
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

pub(crate) fn transact(
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
    pub(crate) fn new() -> Self {
        Self::with(MoneyRules::default())
    }

    pub(crate) fn with(money: MoneyRules) -> Self {
        let genesis = Genesis { chain: CHAIN, root: root().address() };
        let mut ledger = Ledger::new(&genesis).unwrap();
        let (tick_interval, asset) = (0, contract::NATIVE);
        let config = ChannelConfig { asset, ..config(tick_interval, Durability::Synced, money) };
        transact(&mut ledger, Time(1), &creator(), contract::create(Hash([5; 32]), &config))
            .unwrap();
        let channel = contract::channel_id(CHAIN, creator().address(), 0);
        let record = ledger.channel(channel).unwrap();
        assert_eq!(record.config, config);
        Self { ledger, channel, record, accounts: Vec::new() }
    }

    pub(crate) fn read(&mut self) {
        self.record = self.ledger.channel(self.channel).unwrap();
    }

    pub(crate) fn voices(&self, first: Epoch, last: Epoch) -> Vec<Voices> {
        let function = contract::function("channel", "voices");
        let args = [codec::encode(&self.channel), codec::encode(&first), codec::encode(&last)];
        let values = self.ledger.view(&function, &[], &args).unwrap();
        codec::decode("voices", &values[0].1).unwrap()
    }

    fn pass(&mut self, now: Time, key: &Keypair, payload: LedgerPayload) -> Result<(), String> {
        let now = now.max(self.ledger.time());
        let result = transact(&mut self.ledger, now, key, payload);
        self.read();
        result
    }
}

impl SettlementChain for Contracts {
    fn fund(&mut self, account: &Keypair, amount: u64) {
        let payload = contract::mint(account.address(), amount);
        transact(&mut self.ledger, Time(1), &root(), payload).unwrap();
        self.accounts.push(account.address());
    }

    fn join(
        &mut self,
        now: Time,
        account: &Keypair,
        node: &Keypair,
        deposit: u64,
    ) -> Result<(), String> {
        let proof = contract::join_proof(node, CHAIN, self.channel, account.address());
        let collateral = self.record.config.money.collateral;
        let payload = contract::join(
            self.channel,
            node.node_id(),
            deposit,
            &[],
            &proof,
            contract::Backing { collateral, pooled: false },
        );
        self.pass(now, account, payload)
    }

    fn act(&mut self, now: Time, account: &Keypair, act: &Act) -> Result<(), String> {
        let payload = match act {
            Act::Leave => contract::leave(self.channel),
            Act::Exit => contract::demand_exit(self.channel),
            Act::Complain(call) => contract::complain(self.channel, call),
            Act::Release => contract::release(self.channel, account.address()),
            Act::Delegate(candidate) => contract::delegate(self.channel, *candidate),
        };
        self.pass(now, account, payload)
    }

    fn execute(&mut self, now: Time, node: &Keypair, tx: &ChainTx) -> Result<(), String> {
        let payloads = contract::payloads(tx).map_err(|refusal| refusal.to_string())?;
        payloads.into_iter().try_for_each(|payload| self.pass(now, node, payload))
    }

    fn dry_run(&self, proposal: &Proposal) -> Option<String> {
        let (function, args) = contract::dry_run(proposal).unwrap();
        self.ledger.view(&function, &[], &args).err().map(|refusal| refusal.to_string())
    }

    fn waiting(&self) -> Option<Proposal> {
        let function = contract::function("settlement", "waiting");
        let values = self.ledger.view(&function, &[], &[codec::encode(&self.channel)]).unwrap();
        let bytes: Vec<u8> = codec::decode("bytes", &values[0].1).unwrap();
        if bytes.is_empty() { None } else { Some(codec::decode("proposal", &bytes).unwrap()) }
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

    fn balance(&self, account: Address) -> u64 {
        self.ledger.balance(account, contract::NATIVE).unwrap()
    }

    /// With the collateral of members; what is held of leavers is not counted.
    fn total(&self) -> u64 {
        let outside: u64 = self.accounts.iter().map(|account| self.balance(*account)).sum();
        let collateral: u64 = self.record.members.iter().map(|member| member.collateral).sum();
        outside + collateral + self.record.locked.iter().map(|entry| entry.amount).sum::<u64>()
    }
}
