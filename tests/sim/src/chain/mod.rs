//! The settlement contract's rules in Rust, as one channel meets them: members, heartbeats and epochs,
//! settlements at once and through windows, exits, reports, complaints, and the money behind them. Its
//! refusals carry the names of the contract's aborts, and a test runs it beside the real contract. It
//! knows no stakes that many channels share.

mod books;
mod complaints;
mod exits;
mod judge;
mod penalties;
mod proven;
mod seats;
mod settling;
mod votes;
mod windows;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use fairway_types::{
    Address, ChainId, ChannelId, Epoch, Execute, GasTableId, Hash, Height, JoinSequence, Keypair,
    NodeId, SignedCall, Time,
    chain::{
        ChainTx, ChannelConfig, ChannelRecord, Durability, EpochGrant, JoinPolicy, MemberRecord,
        MoneyRules, Voices,
    },
    settlement::Proposal,
};

use crate::machine::ASSET;

pub const CHAIN: ChainId = ChainId(7);
/// The channel of a chain that was told no other.
pub const CHANNEL: ChannelId = ChannelId([9; 32]);

/// The contract's abort, as `module::NAME`.
pub type Refused = &'static str;

/// What a member's account does itself.
#[derive(Debug, Clone)]
pub enum Act {
    Leave,
    Exit,
    Complain(Box<SignedCall>),
    /// Takes back what was held of its collateral after it left.
    Release,
    /// Wants to be spoken for by this member.
    Delegate(Option<JoinSequence>),
}

/// What the simulation needs of a settlement chain with one channel.
pub trait SettlementChain {
    /// Gives `account` money outside the channel.
    fn fund(&mut self, account: &Keypair, amount: u64);
    /// Joins the channel with a deposit and its least collateral, and with a node that agrees.
    fn join(
        &mut self,
        now: Time,
        account: &Keypair,
        node: &Keypair,
        deposit: u64,
    ) -> Result<(), String>;
    /// Executes a node's transaction.
    fn execute(&mut self, now: Time, node: &Keypair, tx: &ChainTx) -> Result<(), String>;
    /// Executes an account's transaction.
    fn act(&mut self, now: Time, account: &Keypair, act: &Act) -> Result<(), String>;
    /// The record as it would be after the transaction, if this chain can tell.
    fn preview(&self, _now: Time, _node: &Keypair, _tx: &ChainTx) -> Option<ChannelRecord> {
        None
    }
    /// Why the chain would refuse the proposal as it stands, if it would.
    fn dry_run(&self, proposal: &Proposal) -> Option<String>;
    /// The proposal that waits for its window.
    fn waiting(&self) -> Option<Proposal>;
    fn record(&self) -> &ChannelRecord;
    fn time(&self) -> Time;
    fn height(&self) -> Height;
    /// What the account has outside the channel.
    fn balance(&self, account: Address) -> u64;
    /// Money inside and outside the channel.
    fn total(&self) -> u64;
}

/// The chain: one channel, and the accounts' money outside it.
#[derive(Debug, Clone)]
pub struct Chain {
    record: ChannelRecord,
    time: Time,
    height: Height,
    /// Members as they joined, for good unless they withdrew while pending.
    history: BTreeMap<JoinSequence, MemberRecord>,
    grants: BTreeMap<Epoch, EpochGrant>,
    /// Who speaks for whom in each of these epochs, and whom members chose.
    voices: BTreeMap<Epoch, Voices>,
    chosen: BTreeMap<JoinSequence, Option<JoinSequence>>,
    /// When the epoch in force was granted.
    granted_at: Time,
    /// First epoch in the record, and the one in force at the last settlement.
    kept: Epoch,
    settled_in: Epoch,
    /// Since when members ask to leave.
    leaving: BTreeMap<JoinSequence, Time>,
    /// Who was convicted and is not paid yet.
    barred: BTreeSet<JoinSequence>,
    /// What reports that nobody decided have cost members.
    excused: BTreeMap<JoinSequence, u64>,
    joined: u64,
    books: books::Books,
    /// A node's last proposal, and the one that waits for its window.
    proposals: BTreeMap<NodeId, Proposal>,
    waiting: Option<Proposal>,
    /// Whether its block was itself the best shown at some time since it waits.
    own_shown: bool,
    /// What was decided of nodes.
    decided: BTreeSet<(NodeId, penalties::Deed)>,
    /// Until when an account may not complain again.
    heard: BTreeMap<Address, Time>,
    /// What runs the channel's package, if it does here.
    vm: judge::Vm,
}

/// The rules of a channel as simulations begin with them.
#[must_use]
pub fn config(tick_interval: u64, durability: Durability, money: MoneyRules) -> ChannelConfig {
    ChannelConfig {
        tick_interval,
        settlement_interval: 0,
        durability,
        join_policy: JoinPolicy::Open,
        invited: Vec::new(),
        asset: ASSET,
        min_deposit: 1,
        max_members: 16,
        gas_table: GasTableId::MEASURED,
        trust_own_node: false,
        money,
    }
}

impl Chain {
    #[must_use]
    pub fn new(creator: Address, channel: ChannelId, config: ChannelConfig) -> Self {
        let record = ChannelRecord::new((CHAIN, channel), creator, Hash([5; 32]), config);
        Self {
            record,
            time: Time::ZERO,
            height: Height::ZERO,
            history: BTreeMap::new(),
            grants: BTreeMap::new(),
            voices: BTreeMap::new(),
            chosen: BTreeMap::new(),
            granted_at: Time::ZERO,
            kept: Epoch(1),
            settled_in: Epoch(1),
            leaving: BTreeMap::new(),
            barred: BTreeSet::new(),
            excused: BTreeMap::new(),
            joined: 0,
            books: books::Books::default(),
            proposals: BTreeMap::new(),
            waiting: None,
            own_shown: false,
            decided: BTreeSet::new(),
            heard: BTreeMap::new(),
            vm: judge::Vm::default(),
        }
    }

    /// Who speaks for whom in the epochs from `first` to `last`, of those that were granted.
    #[must_use]
    pub fn voices(&self, first: Epoch, last: Epoch) -> Vec<Voices> {
        self.grants.range(first..=last).map(|(epoch, _)| self.voices_of(*epoch)).collect()
    }

    /// The channel's package runs here: the chain judges what others say of its blocks.
    #[must_use]
    pub fn judging(mut self, vm: Rc<dyn Execute>) -> Self {
        self.vm = judge::Vm(Some(vm));
        self
    }

    /// A block with one transaction, which changes all that it says or nothing.
    fn transact(
        &mut self,
        now: Time,
        change: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), String> {
        self.time = self.time.max(now);
        self.height = self.height.next();
        let mut after = self.clone();
        change(&mut after)?;
        after.record.locked = after.books.locked(after.record.config.asset);
        *self = after;
        Ok(())
    }

    fn run(&mut self, node: NodeId, tx: &ChainTx) -> Result<(), Refused> {
        match tx {
            ChainTx::Heartbeat { .. } => self.beat(node).map(drop),
            ChainTx::ApplyForLeadership { .. } => self.apply(node),
            ChainTx::ShowTerm { term, promises, .. } => self.show_term(node, *term, promises),
            ChainTx::Propose { proposal } => self.propose(node, proposal),
            ChainTx::Execute { proposal, votes, .. } => {
                self.execute_proposal(node, proposal, votes)
            }
            ChainTx::Show { proof, .. } => self.show(proof),
            ChainTx::OpenWindow { proposal, votes, .. } => self.open_window(node, proposal, votes),
            ChainTx::Support { headers, .. } => self.support(headers),
            ChainTx::Finish { .. } => self.finish(),
            ChainTx::Object { votes, .. } => self.object(votes),
            ChainTx::Refute { row, entered, vault, departed, .. } => {
                self.refute(*row, [entered, vault, departed])
            }
            ChainTx::RefuteResult { result, .. } => self.refute_result(result),
            ChainTx::Dispute { votes, .. } => self.dispute(votes),
            ChainTx::FinishExit { entered, .. } => self.finish_exit(entered),
            ChainTx::Claim { account, vault, departed, .. } => {
                self.claim(*account, vault, departed)
            }
            ChainTx::Decide { accused, evidence, guilty, verdicts, .. } => {
                self.decide(*accused, *evidence, *guilty, verdicts)
            }
            ChainTx::Expire { .. } => self.expire(),
            ChainTx::Judge { accused, evidence, .. } => self.judge(node, *accused, evidence),
            ChainTx::Answer { header, certificate, number, departed, .. } => {
                self.answer(header, certificate, number, departed)
            }
            ChainTx::Resolve { .. } => self.resolve(),
            ChainTx::Report { accused, evidence, .. } => self.accuse(node, *accused, evidence),
        }
    }
}

impl SettlementChain for Chain {
    fn fund(&mut self, account: &Keypair, amount: u64) {
        self.books.credit(account.address(), amount);
    }

    fn join(
        &mut self,
        now: Time,
        account: &Keypair,
        node: &Keypair,
        deposit: u64,
    ) -> Result<(), String> {
        let (account, node) = (account.address(), node.node_id());
        self.transact(now, |chain| chain.enter(account, node, deposit))
    }

    fn execute(&mut self, now: Time, node: &Keypair, tx: &ChainTx) -> Result<(), String> {
        let node = node.node_id();
        self.transact(now, |chain| chain.run(node, tx))
    }

    fn act(&mut self, now: Time, account: &Keypair, act: &Act) -> Result<(), String> {
        let account = account.address();
        self.transact(now, |chain| match act {
            Act::Leave => chain.leave(account),
            Act::Exit => chain.demand(account),
            Act::Complain(call) => chain.complain(account, call),
            Act::Release => chain.release(account),
            Act::Delegate(candidate) => chain.delegate(account, *candidate),
        })
    }

    fn preview(&self, now: Time, node: &Keypair, tx: &ChainTx) -> Option<ChannelRecord> {
        let mut ahead = self.clone();
        ahead.execute(now, node, tx).ok()?;
        Some(ahead.record)
    }

    fn dry_run(&self, proposal: &Proposal) -> Option<String> {
        self.check_proposal(proposal, self.time).err().map(str::to_owned)
    }

    fn waiting(&self) -> Option<Proposal> {
        self.waiting.clone()
    }

    fn record(&self) -> &ChannelRecord {
        &self.record
    }

    fn time(&self) -> Time {
        self.time
    }

    fn height(&self) -> Height {
        self.height
    }

    fn balance(&self, account: Address) -> u64 {
        self.books.balance(account)
    }

    fn total(&self) -> u64 {
        self.books.total()
    }
}

/// `Ok` if the condition holds, else the contract's abort.
fn require(holds: bool, refused: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refused) }
}
