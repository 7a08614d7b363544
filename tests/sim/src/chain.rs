//! The settlement contract's rules as far as a channel depends on them, in a few lines of Rust:
//! members, heartbeats, epochs, settlements with votes and conservation.

use std::collections::{BTreeMap, BTreeSet};

use fairway_proto::{
    channel::{books, quorum::is_quorum},
    settlement::membership,
};
use fairway_types::{
    Address, ChainId, ChannelId, Epoch, GasTableId, Hash, Height, JoinSequence, Keypair, NodeId,
    ShownPromise, Term, Time, View, Weight,
    chain::{
        ChainMember, ChainTx, ChannelConfig, ChannelRecord, Durability, EpochGrant, JoinPolicy,
        MemberRecord, MoneyRules, SettlementRecord,
    },
    crypto::Verify,
    settlement::{AssetAmount, Proposal, SignedVote},
    windows::WindowRecord,
};

use crate::machine::ASSET;

pub const CHAIN: ChainId = ChainId(7);
/// Milliseconds for which an epoch lasts at least, as long as its leader is valid.
const LEAST_EPOCH: u64 = 3_000;
/// Milliseconds after which no settlement executes that does not pay who asked to leave.
const LEAVE_WITHIN: u64 = 60_000;

/// What the simulation needs of a settlement chain with one channel.
pub trait SettlementChain {
    /// Gives `account` money outside the channel.
    fn fund(&mut self, account: &Keypair, amount: u64);
    /// Joins the channel with a deposit, and with a node that agrees.
    fn join(&mut self, now: Time, account: &Keypair, node: &Keypair, deposit: u64);
    /// Executes a node's transaction.
    fn execute(&mut self, now: Time, node: &Keypair, tx: &ChainTx) -> Result<(), String>;
    /// The record as it would be after the transaction, if this chain can tell.
    fn preview(&self, _now: Time, _node: &Keypair, _tx: &ChainTx) -> Option<ChannelRecord> {
        None
    }
    /// The account asks the contract itself to let it leave.
    fn ask_leave(&mut self, _now: Time, _account: &Keypair) {}
    fn record(&self) -> &ChannelRecord;
    fn time(&self) -> Time;
    fn height(&self) -> Height;
    /// Money inside and outside the channel.
    fn total(&self) -> u64;
}

/// The chain: one channel, and the accounts' money outside it.
#[derive(Debug, Clone)]
pub struct Chain {
    record: ChannelRecord,
    time: Time,
    height: Height,
    wallets: BTreeMap<Address, u64>,
    proposals: BTreeMap<NodeId, Proposal>,
    /// When the epoch in force was granted.
    granted_at: Time,
    /// Since when members ask to leave.
    leaving: BTreeMap<Address, Time>,
    joined: u64,
    booked: BTreeMap<Address, bool>,
    /// Money in the books after the last settlement.
    booked_total: u64,
}

impl Chain {
    #[must_use]
    pub fn new(creator: Address, tick_interval: u64, durability: Durability) -> Self {
        let record = ChannelRecord {
            chain: CHAIN,
            channel: ChannelId([9; 32]),
            creator,
            package: Hash([5; 32]),
            config: ChannelConfig {
                tick_interval,
                settlement_interval: 0,
                durability,
                join_policy: JoinPolicy::Open,
                invited: Vec::new(),
                asset: ASSET,
                min_deposit: 1,
                max_members: 16,
                gas_table: GasTableId::MEASURED,
                money: MoneyRules::default(),
            },
            open: true,
            closing: false,
            first_grant: None,
            founders: Vec::new(),
            grants: Vec::new(),
            in_force: None,
            members: Vec::new(),
            settlement: SettlementRecord {
                number: 0,
                height: Height::ZERO,
                root: Hash::ZERO,
                block: Hash::ZERO,
                paid: Vec::new(),
                closed: false,
            },
            locked: Vec::new(),
            windows: WindowRecord::default(),
        };
        Self {
            record,
            time: Time::ZERO,
            height: Height::ZERO,
            wallets: BTreeMap::new(),
            proposals: BTreeMap::new(),
            granted_at: Time::ZERO,
            leaving: BTreeMap::new(),
            joined: 0,
            booked: BTreeMap::new(),
            booked_total: 0,
        }
    }

    fn heartbeat(&mut self, node: NodeId) -> Result<(), String> {
        let time = self.time;
        let member = self.record.members.iter_mut().find(|member| member.record.node == node);
        member.map(|member| member.last_heartbeat = time).ok_or("not a member".into())
    }

    fn apply(&mut self, node: NodeId) -> Result<(), String> {
        self.heartbeat(node)?;
        let valid = membership::valid_now(&self.record, self.time);
        let applicant = self.record.members.iter().find(|member| member.record.node == node);
        let applicant = applicant.ok_or("not a member")?;
        let (account, stays) = (applicant.record.account, !applicant.leaving);
        if !applicant.active && !self.record.grants.is_empty() {
            return Err("not active".into());
        }
        let sequence = applicant.record.join_sequence;
        let leader = self.record.in_force.as_ref().map(|in_force| in_force.join_sequence);
        let keeps = || {
            let mut members = self.record.members.iter();
            let member = members.find(|other| Some(other.record.join_sequence) == leader);
            member.is_some_and(|leader| {
                membership::is_valid(leader, self.time) && !(leader.leaving && stays)
            })
        };
        let epoch = match self.record.grants.last() {
            None => Epoch(1),
            Some(grant) if leader == Some(sequence) && grant.valid == valid => {
                return Err("nothing changed".into());
            }
            Some(_)
                if leader == Some(sequence) && self.time.since(self.granted_at) < LEAST_EPOCH =>
            {
                return Err("too soon".into());
            }
            Some(_) if leader != Some(sequence) && keeps() => {
                return Err("leader is valid".into());
            }
            Some(grant) => grant.epoch.next(),
        };
        self.granted_at = self.time;
        for member in &mut self.record.members {
            if !member.active && valid.contains(&member.record.join_sequence) {
                (member.active, member.active_since) = (true, epoch);
            }
        }
        let grant = EpochGrant { epoch, leader: account, join_sequence: sequence, valid };
        if self.record.first_grant.is_none() {
            self.found(&grant);
        }
        self.record.in_force = membership::term_record(&self.record, &grant, View::default());
        self.record.grants.push(grant);
        Ok(())
    }

    fn show_term(
        &mut self,
        node: NodeId,
        term: Term,
        promises: &[ShownPromise],
    ) -> Result<(), String> {
        self.heartbeat(node)?;
        let in_force = self.record.in_force.as_ref().ok_or("no epoch yet")?;
        if term.epoch != in_force.term.epoch || term.view <= in_force.term.view {
            return Err("another epoch or an old view".into());
        }
        let channel = self.record.channel;
        let sorted: BTreeSet<NodeId> = promises.iter().map(|promise| promise.node).collect();
        if sorted.len() < promises.len() || promises.iter().any(|one| !one.is_of(channel, term)) {
            return Err("a promise is bad or doubled".into());
        }
        membership::enough_promises(&self.record, promises).ok_or("not enough promises")?;
        let grant = self.record.grants.last().ok_or("no epoch yet")?;
        self.record.in_force = membership::term_record(&self.record, grant, term.view);
        Ok(())
    }

    fn found(&mut self, grant: &EpochGrant) {
        let founders: Vec<MemberRecord> = self
            .record
            .members
            .iter()
            .filter(|member| grant.valid.contains(&member.record.join_sequence))
            .map(|member| member.record.clone())
            .collect();
        for founder in &founders {
            self.book(founder.account, founder.deposit.first().map_or(0, |entry| entry.amount));
        }
        self.record.founders = founders;
        self.record.first_grant = Some(grant.clone());
    }

    fn book(&mut self, account: Address, deposit: u64) {
        self.booked.insert(account, true);
        self.booked_total += deposit;
    }

    /// Continuity, known accounts, and conservation against what is booked plus what active members
    /// named for the first time brought.
    fn check_proposal(&self, proposal: &Proposal) -> Result<(), String> {
        let last = &self.record.settlement;
        if proposal.number != last.number + 1 || proposal.from_height != last.height {
            return Err("does not continue the last settlement".into());
        }
        let mut expected = self.booked_total;
        for member in &self.record.members {
            let named = proposal.balances.iter().any(|b| b.account == member.record.account);
            match (self.booked[&member.record.account], named) {
                (true, false) => return Err("a booked member is missing".into()),
                (false, true) if !member.active => {
                    return Err("a pending member's deposit is its own".into());
                }
                (false, true) => {
                    expected += member.record.deposit.first().map_or(0, |entry| entry.amount);
                }
                (true, true) | (false, false) => {}
            }
        }
        let total = total(proposal)?;
        if total != expected {
            return Err(format!("{total} is not conserved: {expected}"));
        }
        let overdue = |account: &Address| {
            self.leaving.get(account).is_some_and(|asked| self.time.since(*asked) > LEAVE_WITHIN)
        };
        if proposal.balances.iter().any(|row| overdue(&row.account) && !row.leaves) {
            return Err("somebody who asked to leave is not paid".into());
        }
        if proposal.closes && !proposal.held.is_empty() {
            return Err("held on close".into());
        }
        Ok(())
    }

    fn settle(&mut self, node: NodeId, hash: &Hash, votes: &[SignedVote]) -> Result<(), String> {
        let proposal =
            self.proposals.get(&node).filter(|p| p.hash() == *hash).cloned().ok_or("unknown")?;
        self.check_proposal(&proposal)?;
        self.check_votes(&proposal, votes)?;
        let mut paid = Vec::new();
        for balance in &proposal.balances {
            let amount: u64 = balance.amounts.iter().map(|entry| entry.amount).sum();
            self.booked.insert(balance.account, true);
            if balance.leaves {
                *self.wallets.entry(balance.account).or_default() += amount;
                self.lock(-(amount as i128));
                self.record.members.retain(|m| m.record.account != balance.account);
                paid.push(balance.account);
            }
        }
        let left = proposal.balances.iter().filter(|balance| !balance.leaves);
        let stayers: u64 = left.flat_map(|b| &b.amounts).map(|entry| entry.amount).sum();
        let held: u64 = proposal.held.iter().map(|entry| entry.amount).sum();
        self.booked_total = stayers + held;
        self.record.open &= !proposal.closes;
        self.record.settlement = SettlementRecord {
            number: proposal.number,
            height: proposal.to_height,
            root: proposal.to_root,
            block: proposal.to_block,
            paid,
            closed: proposal.closes,
        };
        Ok(())
    }

    fn check_votes(&self, proposal: &Proposal, votes: &[SignedVote]) -> Result<(), String> {
        let active = || self.record.members.iter().filter(|member| member.active);
        let whole: u64 = active().map(|member| member.record.weight.0).sum();
        let part: u64 = active()
            .filter(|member| {
                votes.iter().any(|vote| {
                    vote.node == member.record.node
                        && vote.vote.proposal == proposal.hash()
                        && vote.vote.yes
                        && vote.check().is_ok()
                })
            })
            .map(|member| member.record.weight.0)
            .sum();
        if is_quorum(Weight(part), Weight(whole)) { Ok(()) } else { Err("not enough votes".into()) }
    }

    fn lock(&mut self, change: i128) {
        let now: u64 = self.record.locked.first().map_or(0, |entry| entry.amount);
        let amount = (i128::from(now) + change) as u64;
        self.record.locked =
            if amount == 0 { Vec::new() } else { vec![AssetAmount { asset: ASSET, amount }] };
    }
}

impl SettlementChain for Chain {
    fn fund(&mut self, account: &Keypair, amount: u64) {
        *self.wallets.entry(account.address()).or_default() += amount;
    }

    fn ask_leave(&mut self, now: Time, account: &Keypair) {
        self.time = self.time.max(now);
        self.height = self.height.next();
        let account = account.address();
        let found = self.record.members.iter_mut().find(|other| other.record.account == account);
        match found {
            Some(member) if member.active => {
                member.leaving = true;
                self.leaving.entry(account).or_insert(now);
            }
            Some(member) => {
                let deposit: u64 = member.record.deposit.iter().map(|entry| entry.amount).sum();
                self.record.members.retain(|other| other.record.account != account);
                *self.wallets.entry(account).or_default() += deposit;
                self.lock(-i128::from(deposit));
            }
            None => {}
        }
    }

    fn preview(&self, now: Time, node: &Keypair, tx: &ChainTx) -> Option<ChannelRecord> {
        let mut ahead = self.clone();
        ahead.execute(now, node, tx).ok()?;
        Some(ahead.record)
    }

    fn join(&mut self, now: Time, account: &Keypair, node: &Keypair, deposit: u64) {
        let (account, node) = (account.address(), node.node_id());
        if let Some(wallet) = self.wallets.get_mut(&account).filter(|wallet| **wallet >= deposit) {
            *wallet -= deposit;
            self.time = self.time.max(now);
            self.height = self.height.next();
            self.joined += 1;
            let record = MemberRecord {
                account,
                node,
                join_sequence: JoinSequence(self.joined),
                weight: Weight(1),
                deposit: vec![AssetAmount { asset: ASSET, amount: deposit }],
                endpoints: Vec::new(),
            };
            let member = ChainMember {
                record,
                active: false,
                active_since: Epoch(0),
                booked: false,
                leaving: false,
                last_heartbeat: Time::ZERO,
                collateral: 0,
                pooled: false,
                eligible: true,
            };
            self.record.members.push(member);
            self.booked.insert(account, false);
            self.lock(deposit as i128);
        }
    }

    fn execute(&mut self, now: Time, node: &Keypair, tx: &ChainTx) -> Result<(), String> {
        self.time = self.time.max(now);
        self.height = self.height.next();
        let node = node.node_id();
        match tx {
            ChainTx::Heartbeat { .. } => self.heartbeat(node),
            ChainTx::ApplyForLeadership { .. } => self.apply(node),
            ChainTx::ShowTerm { term, promises, .. } => self.show_term(node, *term, promises),
            ChainTx::Propose { proposal } => {
                self.check_proposal(proposal)?;
                self.proposals.insert(node, (**proposal).clone());
                Ok(())
            }
            ChainTx::Execute { proposal, votes, .. } => self.settle(node, proposal, votes),
            ChainTx::Show { .. }
            | ChainTx::OpenWindow { .. }
            | ChainTx::Support { .. }
            | ChainTx::Finish { .. }
            | ChainTx::Object { .. }
            | ChainTx::Refute { .. }
            | ChainTx::Dispute { .. }
            | ChainTx::Answer { .. }
            | ChainTx::Resolve { .. }
            | ChainTx::FinishExit { .. }
            | ChainTx::Claim { .. }
            | ChainTx::Decide { .. } => Err("this chain settles at once or not at all".into()),
            // It has no VM: what it does not judge is reported.
            ChainTx::Judge { .. } => Err("this chain judges nothing itself".into()),
            ChainTx::Report { .. } | ChainTx::Expire { .. } => Ok(()),
        }
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

    fn total(&self) -> u64 {
        let locked: u64 = self.record.locked.iter().map(|entry| entry.amount).sum();
        self.wallets.values().sum::<u64>() + locked
    }
}

fn total(proposal: &Proposal) -> Result<u64, String> {
    let balances = proposal
        .balances
        .iter()
        .try_fold(proposal.held.clone(), |sum, balance| books::add(&sum, &balance.amounts));
    Ok(balances.ok_or("overflow")?.iter().map(|entry| entry.amount).sum())
}
