//! Misbehaviour and what it costs: two signatures of one place convict, and so do others' verdicts.

use fairway_proto::channel::quorum::is_quorum;
use fairway_types::{
    Address, Epoch, Hash, Header, Height, JoinSequence, NodeId, SignedAck, Term, Time, Weight,
    block::SignedHeader,
    chain::{MemberRecord, PenaltyVotes},
    contract::SETTLEMENT,
    crypto::{PublicKey, check_signature},
    evidence::Evidence,
    windows::{Ban, ReportRecord, SignedVerdict, Verdict},
};

use super::{Chain, Refused, require};

/// Milliseconds until who was convicted may come back.
const BAN: u64 = 300_000;
/// Milliseconds in which members vote on a report.
const VOTING: u64 = 60_000;
/// Reports of one member that wait at a time.
const MOST_REPORTS: usize = 2;
/// Reports whose time is over that one transaction ends.
const MOST_ENDED: usize = 32;
/// Bans that are kept.
const MOST_BANS: usize = 256;

/// What was decided of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// Evidence, or a block that the chain judged.
    Shown(Hash),
    Block(Term, Height),
    Ack(Term, Height),
    /// It was convicted in this stay.
    Stay(JoinSequence),
    /// And fined for it.
    Fined(JoinSequence),
    /// This member reported this of it.
    Reported(JoinSequence, Hash),
}

impl Chain {
    pub(super) fn accuse(
        &mut self,
        node: NodeId,
        accused: JoinSequence,
        evidence: &Evidence,
    ) -> Result<(), Refused> {
        match evidence {
            Evidence::Divergence { .. } | Evidence::InvalidTransaction { .. } => {
                self.report(node, accused, evidence.hash())
            }
            Evidence::DoubleBlock { first, second } => {
                self.double_block(node, accused, [first, second])
            }
            Evidence::DoubleAck { first, second } => {
                self.double_ack(node, accused, [first, second])
            }
        }
    }

    fn report(
        &mut self,
        node: NodeId,
        accused: JoinSequence,
        evidence: Hash,
    ) -> Result<(), Refused> {
        self.end_overdue()?;
        let by = self.beat(node)?;
        let reporter = self.seat_of(by).ok_or("channel::E_NOT_A_NODE")?.clone();
        let may = reporter.active && !self.barred.contains(&by);
        require(may, "penalty::E_NOT_ACTIVE")?;
        let party = self.party(accused)?;
        self.check_new(party.node, evidence)?;
        let fits = by != accused && self.answers(accused, self.time.plus(VOTING + 1))?;
        require(fits, "penalty::E_BAD_ACCUSED")?;
        let found = self.seat_of(accused).is_some();
        if self.active().count() - usize::from(found) == 1 {
            self.convict(accused, &party, 0, reporter.record.account);
            return Ok(());
        }
        self.check_bond(by, reporter.collateral)?;
        let once = (party.node, Deed::Reported(by, evidence));
        require(!self.decided.contains(&once), "penalty::E_DECIDED")?;
        let deadline = self.time.plus(VOTING);
        self.open_report(ReportRecord { evidence, reporter: by, accused, deadline })?;
        self.decided.insert(once);
        Ok(())
    }

    fn open_report(&mut self, new: ReportRecord) -> Result<(), Refused> {
        let reports = &mut self.record.windows.reports;
        let known = reports.iter().any(|report| is_about(report, new.accused, new.evidence));
        let others = reports.iter().filter(|report| report.reporter == new.reporter).count();
        require(!known && others < MOST_REPORTS, "penalty::E_NO_ROOM")?;
        reports.push(new);
        Ok(())
    }

    pub(super) fn check_new(&self, node: NodeId, what: Hash) -> Result<(), Refused> {
        require(!self.decided.contains(&(node, Deed::Shown(what))), "penalty::E_DECIDED")
    }

    /// Whether a member can be made to answer: it is active and not convicted, or has left and some of
    /// its collateral is held, which is kept until a time then.
    pub(super) fn answers(&mut self, accused: JoinSequence, until: Time) -> Result<bool, Refused> {
        if let Some(seat) = self.seat_of(accused) {
            return Ok(seat.active && !self.barred.contains(&accused));
        }
        let party = self.party(accused)?;
        let convicted = self.decided.contains(&(party.node, Deed::Stay(accused)));
        Ok(!convicted && self.books.prolong(party.account, until) > 0)
    }

    /// Whether the chain's own word can cost a member something: no conviction of its stay was worth a
    /// fine yet.
    pub(super) fn can_be_fined(&mut self, accused: JoinSequence) -> Result<bool, Refused> {
        let party = self.party(accused)?;
        let fined = self.decided.contains(&(party.node, Deed::Fined(accused)));
        let there = match self.seat_of(accused) {
            Some(seat) => seat.active,
            None => self.books.prolong(party.account, Time::ZERO) > 0,
        };
        Ok(there && !fined)
    }

    /// The reporter's collateral covers one more report than those of its that wait.
    pub(super) fn check_bond(&self, by: JoinSequence, backing: u64) -> Result<(), Refused> {
        let reports = self.record.windows.reports.iter();
        let bonds = 1 + reports.filter(|report| report.reporter == by).count() as u64;
        let enough = backing >= self.record.config.money.bond * bonds;
        require(enough, "penalty::E_NO_BOND")
    }

    pub(super) fn expire(&mut self) -> Result<(), Refused> {
        self.end_overdue()
    }

    /// Ends reports that nobody decided in time, a few at a time: each costs half its bond, and nobody
    /// is less valid for it.
    pub(super) fn end_overdue(&mut self) -> Result<(), Refused> {
        let reports = &mut self.record.windows.reports;
        let waits = |report: &ReportRecord| report.deadline >= self.time;
        let count = reports.iter().take(MOST_ENDED).take_while(|report| !waits(report)).count();
        let over: Vec<ReportRecord> = reports.drain(..count).collect();
        let bond = self.record.config.money.bond.div_ceil(2);
        for report in over {
            self.excuse(report.reporter, bond);
        }
        Ok(())
    }

    pub(super) fn decide(
        &mut self,
        accused: JoinSequence,
        evidence: Hash,
        guilty: bool,
        verdicts: &[SignedVerdict],
    ) -> Result<(), Refused> {
        let party = self.party(accused)?;
        let reporter = self.reporter(accused, evidence).ok_or("penalty::E_NO_REPORT")?;
        let channel = self.record.channel;
        let verdict = Verdict { channel, accused, evidence, guilty };
        self.check_verdicts(party.node, &verdict, verdicts)?;
        self.conclude(accused, evidence, guilty, reporter)?;
        self.end_overdue()
    }

    /// Who reported this evidence in time.
    pub(super) fn reporter(&self, accused: JoinSequence, evidence: Hash) -> Option<JoinSequence> {
        let mut reports = self.record.windows.reports.iter();
        let report = reports.find(|report| is_about(report, accused, evidence))?;
        (self.time <= report.deadline).then_some(report.reporter)
    }

    /// The guilty is fined, and who accused it has its share; a false accusation costs the bond.
    pub(super) fn conclude(
        &mut self,
        accused: JoinSequence,
        evidence: Hash,
        guilty: bool,
        accuser: JoinSequence,
    ) -> Result<(), Refused> {
        let party = self.party(accused)?;
        self.record.windows.reports.retain(|report| !is_about(report, accused, evidence));
        self.decided.insert((party.node, Deed::Shown(evidence)));
        let (fine, bond) = (self.record.config.money.fine, self.record.config.money.bond);
        let reporter = self.party(accuser)?.account;
        if guilty {
            self.decided.insert((party.node, Deed::Fined(accused)));
            self.convict(accused, &party, fine, reporter);
        } else {
            self.fine(accuser, bond, SETTLEMENT);
        }
        Ok(())
    }

    fn check_verdicts(
        &self,
        accused: NodeId,
        said: &Verdict,
        verdicts: &[SignedVerdict],
    ) -> Result<(), Refused> {
        let mut judges = self.judges();
        judges.insert(accused, 0);
        let mut verdicts: Vec<&SignedVerdict> = verdicts.iter().collect();
        verdicts.sort_by_key(|verdict| verdict.node);
        let (mut part, mut convinced, mut before) = (0, 0, None);
        for one in verdicts {
            let sorted = before.is_none_or(|before| before < one.node);
            require(sorted, "penalty::E_DOUBLE_VOTE")?;
            if let Some(weight) = judges.get(&one.node).filter(|weight| **weight > 0) {
                let signed = check_signature(said, &PublicKey::from(one.node), &one.signature);
                require(signed.is_ok(), "penalty::E_BAD_SIGNATURE")?;
                part += weight;
                convinced += 1;
            }
            before = Some(one.node);
        }
        let two = said.guilty && self.record.config.money.penalty_votes == PenaltyVotes::Two;
        let enough = two || is_quorum(Weight(part), Weight(judges.values().sum()));
        require(convinced >= 2 && enough, "penalty::E_NOT_ENOUGH_VOTES")
    }

    fn double_block(
        &mut self,
        node: NodeId,
        accused: JoinSequence,
        [first, second]: [&SignedHeader; 2],
    ) -> Result<(), Refused> {
        let key = PublicKey::from(self.party(accused)?.node);
        self.check_header(&first.header)?;
        self.check_header(&second.header)?;
        let signed =
            |one: &SignedHeader| check_signature(&one.header, &key, &one.signature).is_ok();
        let place = |header: &Header| (header.channel, header.term, header.height);
        let one = &first.header;
        let double = signed(first)
            && signed(second)
            && place(one) == place(&second.header)
            && one.channel == self.record.channel
            && one.hash() != second.header.hash();
        require(double, "penalty::E_NOT_DOUBLE")?;
        let deed = Deed::Block(one.term, one.height);
        self.punish_double(node, accused, one.term.epoch, deed)
    }

    fn double_ack(
        &mut self,
        node: NodeId,
        accused: JoinSequence,
        [first, second]: [&SignedAck; 2],
    ) -> Result<(), Refused> {
        let key = PublicKey::from(self.party(accused)?.node);
        let place = first.ack;
        let signed = |one: &SignedAck| {
            let mut ack = place;
            (ack.channel, ack.block) = (self.record.channel, one.ack.block);
            check_signature(&ack, &key, &one.signature).is_ok()
        };
        let double = place.block != second.ack.block && signed(first) && signed(second);
        require(double, "penalty::E_NOT_DOUBLE")?;
        let deed = Deed::Ack(place.term, place.height);
        self.punish_double(node, accused, place.term.epoch, deed)
    }

    /// A member as it joined, also after it left.
    pub(super) fn party(&self, join_sequence: JoinSequence) -> Result<MemberRecord, Refused> {
        self.history.get(&join_sequence).cloned().ok_or("penalty::E_BAD_ACCUSED")
    }

    /// Once for each place, and of the stay in which it happened.
    fn punish_double(
        &mut self,
        node: NodeId,
        accused: JoinSequence,
        epoch: Epoch,
        deed: Deed,
    ) -> Result<(), Refused> {
        require(self.was_in(accused, epoch), "penalty::E_BAD_ACCUSED")?;
        let reporter = self.seat_of_node(node).filter(|seat| seat.active);
        let itself = reporter.is_some_and(|seat| seat.record.join_sequence == accused);
        require(!itself, "penalty::E_BAD_ACCUSED")?;
        let reporter = reporter.map_or(SETTLEMENT, |seat| seat.record.account);
        let party = self.party(accused)?;
        let new = self.decided.insert((party.node, deed));
        require(new, "penalty::E_DECIDED")?;
        self.decided.insert((party.node, Deed::Fined(accused)));
        self.convict(accused, &party, self.record.config.money.fine, reporter);
        Ok(())
    }

    /// Whether it was valid in the epoch, or is active since then and still there.
    pub(super) fn was_in(&self, join_sequence: JoinSequence, epoch: Epoch) -> bool {
        let Some(grant) = self.grants.get(&epoch) else { return false };
        match self.seat_of(join_sequence) {
            Some(seat) => seat.active && seat.active_since <= epoch,
            None => grant.valid.contains(&join_sequence),
        }
    }

    fn convict(
        &mut self,
        accused: JoinSequence,
        party: &MemberRecord,
        fine: u64,
        reporter: Address,
    ) {
        self.record.windows.reports.retain(|report| report.accused != accused);
        self.decided.insert((party.node, Deed::Stay(accused)));
        self.bar(accused, party, self.time.plus(BAN));
        self.fine(accused, fine, reporter);
    }

    /// The member is valid no more, may not come back for a while, and is to be taken out.
    pub(super) fn bar(&mut self, accused: JoinSequence, party: &MemberRecord, until: Time) {
        let mut members = self.record.members.iter_mut();
        if let Some(seat) = members.find(|seat| seat.record.join_sequence == accused) {
            seat.eligible = false;
            seat.leaving = true;
            self.barred.insert(accused);
            self.leaving.entry(accused).or_insert(self.time);
        }
        let time = self.time;
        let bans = &mut self.record.windows.bans;
        bans.retain(|ban| ban.until > time);
        if bans.len() >= MOST_BANS {
            bans.remove(0);
        }
        bans.push(Ban { account: party.account, node: party.node, until });
    }
}

fn is_about(report: &ReportRecord, accused: JoinSequence, evidence: Hash) -> bool {
    report.accused == accused && report.evidence == evidence
}
