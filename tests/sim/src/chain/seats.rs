//! Who has a seat, heartbeats, epochs and views.

use std::collections::BTreeMap;

use fairway_proto::{
    channel::quorum::is_quorum,
    settlement::{
        membership,
        voices::{self, Voter},
    },
};
use fairway_types::{
    Address, Epoch, JoinSequence, NodeId, ShownPromise, Term, Time, View, Weight,
    chain::{
        ChainMember, EpochGrant, JoinPolicy, MemberRecord, SettlementRule, TermRecord, Voices,
        WeightBy,
    },
    limits::HEARTBEAT_VALIDITY,
    settlement::AssetAmount,
};

use super::{Chain, Refused, books::deposit, require};

/// Milliseconds for which an epoch lasts at least, as long as its leader is valid.
const LEAST_EPOCH: u64 = 3_000;
/// Grants in the record.
const KEPT_GRANTS: u64 = 256;

impl Chain {
    pub(super) fn check_open(&self) -> Result<(), Refused> {
        require(self.record.open, "channel::E_CLOSED")
    }

    pub(super) fn window(&self) -> u64 {
        self.record.config.money.challenge_window
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.grants.last_key_value().map_or(Epoch(0), |(epoch, _)| *epoch)
    }

    pub(super) fn active(&self) -> impl Iterator<Item = &ChainMember> {
        self.record.members.iter().filter(|member| member.active)
    }

    pub(super) fn seat(&self, account: Address) -> Option<&ChainMember> {
        self.record.members.iter().find(|member| member.record.account == account)
    }

    pub(super) fn seat_of(&self, join_sequence: JoinSequence) -> Option<&ChainMember> {
        self.record.members.iter().find(|member| member.record.join_sequence == join_sequence)
    }

    pub(super) fn seat_of_node(&self, node: NodeId) -> Option<&ChainMember> {
        self.record.members.iter().find(|member| member.record.node == node)
    }

    /// Accounts' seats in the order of the rows of a proposal.
    pub(super) fn seats_by_account(&self) -> Vec<&ChainMember> {
        let mut seats: Vec<&ChainMember> = self.record.members.iter().collect();
        seats.sort_by_key(|seat| seat.record.account);
        seats
    }

    pub(super) fn give_up(&mut self, account: Address) {
        if let Some(seat) = self.seat(account) {
            let join_sequence = seat.record.join_sequence;
            self.leaving.remove(&join_sequence);
            self.barred.remove(&join_sequence);
            self.record.members.retain(|seat| seat.record.join_sequence != join_sequence);
        }
    }

    pub(super) fn enter(
        &mut self,
        account: Address,
        node: NodeId,
        amount: u64,
    ) -> Result<(), Refused> {
        self.check_open()?;
        let config = &self.record.config;
        let collateral = config.money.collateral;
        let mut bans = self.record.windows.bans.iter();
        let banned =
            bans.any(|ban| (ban.account == account || ban.node == node) && self.time < ban.until);
        require(!banned, "channel::E_BANNED")?;
        require(!self.record.closing, "channel::E_CLOSED")?;
        let invited = config.join_policy == JoinPolicy::Open || config.invited.contains(&account);
        require(invited, "channel::E_NOT_INVITED")?;
        require(amount >= config.min_deposit, "channel::E_DEPOSIT_TOO_SMALL")?;
        let count = self.record.members.len() as u64;
        require(count < config.max_members, "channel::E_FULL")?;
        require(self.seat(account).is_none(), "channel::E_ALREADY_MEMBER")?;
        require(self.seat_of_node(node).is_none(), "channel::E_NODE_TAKEN")?;
        let by_collateral = config.money.weight_by == WeightBy::Collateral;
        let weight = Weight(if by_collateral { collateral } else { 1 });
        let deposit = vec![AssetAmount { asset: config.asset, amount }];
        self.books.bring(account, amount, collateral)?;
        self.joined += 1;
        let join_sequence = JoinSequence(self.joined);
        let endpoints = Vec::new();
        let record = MemberRecord { account, node, join_sequence, weight, deposit, endpoints };
        self.history.insert(join_sequence, record.clone());
        self.record.members.push(ChainMember {
            record,
            active: false,
            active_since: Epoch(0),
            booked: false,
            leaving: false,
            last_heartbeat: Time::ZERO,
            collateral,
            pooled: false,
            eligible: true,
        });
        Ok(())
    }

    pub(super) fn leave(&mut self, account: Address) -> Result<(), Refused> {
        self.check_open()?;
        let seat = self.seat(account).ok_or("channel::E_NOT_A_MEMBER")?.clone();
        if seat.active {
            self.ask_to_leave(account);
        } else {
            self.give_up(account);
            self.refund(&seat);
        }
        Ok(())
    }

    /// The first time counts.
    pub(super) fn ask_to_leave(&mut self, account: Address) {
        let mut members = self.record.members.iter_mut();
        if let Some(seat) = members.find(|seat| seat.record.account == account) {
            seat.leaving = true;
            self.leaving.entry(seat.record.join_sequence).or_insert(self.time);
        }
    }

    /// Notes a heartbeat: the member's join sequence.
    pub(super) fn beat(&mut self, node: NodeId) -> Result<JoinSequence, Refused> {
        self.check_open()?;
        let mut members = self.record.members.iter_mut();
        let member = members.find(|member| member.record.node == node);
        let member = member.ok_or("channel::E_NOT_A_NODE")?;
        member.last_heartbeat = self.time;
        Ok(member.record.join_sequence)
    }

    pub(super) fn apply(&mut self, node: NodeId) -> Result<(), Refused> {
        let sequence = self.beat(node)?;
        let valid = membership::valid_now(&self.record, self.time);
        require(valid.contains(&sequence), "membership::E_NOT_VALID")?;
        let seat = self.seat_of(sequence);
        let (active, leaves) = seat.map_or((false, false), |seat| (seat.active, seat.leaving));
        let last = self.grants.last_key_value().map(|(_, grant)| grant.clone());
        require(last.is_none() || active, "membership::E_NOT_ACTIVE")?;
        if let Some(grant) = last {
            let leader = self.record.in_force.as_ref().map(|in_force| in_force.join_sequence);
            if leader == Some(sequence) {
                let (others, least) = match grant.valid != valid {
                    true => (true, LEAST_EPOCH),
                    false => {
                        let next = self.next_voices(&grant.valid);
                        (next != self.voices_of(grant.epoch), HEARTBEAT_VALIDITY)
                    }
                };
                require(others, "membership::E_NOTHING_CHANGED")?;
                let lasts = self.time >= self.granted_at.plus(least);
                require(lasts, "membership::E_TOO_SOON")?;
            } else {
                let seat = leader.and_then(|leader| self.seat_of(leader));
                let gives_way = seat.is_some_and(|seat| seat.leaving) && !leaves;
                let is_valid = leader.is_some_and(|leader| valid.contains(&leader));
                require(gives_way || !is_valid, "membership::E_LEADER_IS_VALID")?;
            }
        }
        self.grant(sequence, valid);
        Ok(())
    }

    /// The members that are valid become active; the first grant founds the channel's books.
    fn grant(&mut self, leader: JoinSequence, valid: Vec<JoinSequence>) {
        let epoch = self.epoch().next();
        let first = epoch == Epoch(1);
        let mut deposits = 0;
        for seat in &mut self.record.members {
            if !seat.active && valid.contains(&seat.record.join_sequence) {
                (seat.active, seat.active_since, seat.booked) = (true, epoch, first);
                deposits += deposit(seat);
            }
        }
        self.books.pending -= deposits;
        self.books.money += deposits;
        self.voices.insert(epoch, self.next_voices(&valid));
        let active: Vec<_> = self.active().map(|seat| seat.record.join_sequence).collect();
        self.chosen.retain(|member, _| active.contains(member));
        let account = self.history[&leader].account;
        let grant = EpochGrant { epoch, leader: account, join_sequence: leader, valid };
        if first {
            self.books.booked_total = deposits;
            self.record.founders =
                grant.valid.iter().map(|founder| self.history[founder].clone()).collect();
            self.record.first_grant = Some(grant.clone());
        }
        self.granted_at = self.time;
        self.record.in_force = self.term_record(&grant, View::default());
        self.grants.insert(epoch, grant);
        self.keep_grants();
    }

    /// An active member wants to be spoken for by another.
    pub(super) fn delegate(
        &mut self,
        account: Address,
        candidate: Option<JoinSequence>,
    ) -> Result<(), Refused> {
        self.check_open()?;
        let seat = self.seat(account).ok_or("channel::E_NOT_A_MEMBER")?;
        require(seat.active, "delegation::E_NOT_ACTIVE")?;
        let own = seat.record.join_sequence;
        // Zero is how the contract's callers say that they want nobody.
        let candidate = candidate.filter(|one| *one != JoinSequence::default());
        let is_there = |one: JoinSequence| one != own && self.seat_of(one).is_some();
        require(candidate.is_none_or(is_there), "delegation::E_NO_CANDIDATE")?;
        self.chosen.insert(own, candidate);
        Ok(())
    }

    pub(super) fn voices_of(&self, epoch: Epoch) -> Voices {
        self.voices.get(&epoch).cloned().unwrap_or_default()
    }

    /// Who would speak for whom if the next epoch were granted now to these members.
    fn next_voices(&self, valid: &[JoinSequence]) -> Voices {
        let money = &self.record.config.money;
        let by_collateral = money.weight_by == WeightBy::Collateral;
        if money.settlement_rule == SettlementRule::Unanimous || by_collateral {
            return Voices::default();
        }
        let voter = |seat: &ChainMember| {
            let join_sequence = seat.record.join_sequence;
            let choice = self.chosen.get(&join_sequence).copied().flatten();
            let valid = valid.contains(&join_sequence);
            Voter { join_sequence, valid, stays: !seat.leaving, choice }
        };
        let voters: Vec<_> = self.active().map(voter).collect();
        voices::assign(&self.voices_of(self.epoch()), &voters)
    }

    pub(super) fn keep_grants(&mut self) {
        let least = Epoch((self.epoch().0 + 1).saturating_sub(KEPT_GRANTS));
        let first = self.kept.max(least);
        self.record.grants = self.grants.range(first..).map(|(_, grant)| grant.clone()).collect();
    }

    /// Also of a leader that was paid since.
    fn term_record(&self, grant: &EpochGrant, view: View) -> Option<TermRecord> {
        let valid = &grant.valid;
        let first = valid.iter().position(|one| *one == grant.join_sequence)? as u64;
        let count = valid.len() as u64;
        let place = usize::try_from((first + view.0 % count) % count).ok()?;
        let join_sequence = valid[place];
        let leader = self.history[&join_sequence].account;
        Some(TermRecord { term: Term { epoch: grant.epoch, view }, leader, join_sequence })
    }

    pub(super) fn show_term(
        &mut self,
        node: NodeId,
        term: Term,
        promises: &[ShownPromise],
    ) -> Result<(), Refused> {
        self.beat(node)?;
        let shown = self.record.in_force.as_ref().map(|in_force| in_force.term).unwrap_or_default();
        require(term.epoch == self.epoch(), "membership::E_OTHER_EPOCH")?;
        require(term.view > shown.view, "membership::E_OLD_VIEW")?;
        let openers = self.openers();
        let mut promises: Vec<&ShownPromise> = promises.iter().collect();
        promises.sort_by_key(|promise| promise.node);
        let (mut part, mut before) = (0, None);
        for promise in promises {
            let sorted = before.is_none_or(|before| before < promise.node);
            require(sorted, "membership::E_DOUBLE_PROMISE")?;
            let weight = openers.get(&promise.node).ok_or("membership::E_STRANGER")?;
            let signed = promise.is_of(self.record.channel, term);
            require(signed, "membership::E_BAD_SIGNATURE")?;
            part += weight;
            before = Some(promise.node);
        }
        let enough = is_quorum(Weight(part), Weight(openers.values().sum()));
        require(enough, "membership::E_NOT_ENOUGH_PROMISES")?;
        let grant = self.grants.last_key_value().map(|(_, grant)| grant.clone());
        self.record.in_force = grant.and_then(|grant| self.term_record(&grant, term.view));
        Ok(())
    }

    /// Where those valid in the epoch are no two thirds of the active members, they alone weigh
    /// anything.
    fn openers(&self) -> BTreeMap<NodeId, u64> {
        let grant = self.grants.last_key_value().map(|(_, grant)| grant);
        let is_valid = |member: &ChainMember| {
            grant.is_some_and(|grant| grant.valid.contains(&member.record.join_sequence))
        };
        let weight = |member: &ChainMember| member.record.weight.0;
        let whole: u64 = self.active().map(weight).sum();
        let valid: u64 = self.active().filter(|member| is_valid(member)).map(weight).sum();
        let all_count = is_quorum(Weight(valid), Weight(whole));
        self.active()
            .map(|member| {
                let counts = all_count || is_valid(member);
                (member.record.node, if counts { weight(member) } else { 0 })
            })
            .collect()
    }
}
