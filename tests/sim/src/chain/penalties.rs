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
/// Reports that wait at a time, and bans that are kept.
const MOST_REPORTS: usize = 16;
const MOST_BANS: usize = 256;

/// What somebody was judged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Evidence(Hash),
    Block(Term, Height),
    Ack(Term, Height),
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
        let by = self.beat(node)?;
        let reporter = self.seat_of(by).ok_or("channel::E_NOT_A_NODE")?.clone();
        let may = reporter.active && !self.barred.contains(&by);
        require(may, "penalty::E_NOT_ACTIVE")?;
        let party = self.party(accused)?;
        let until = self.time.plus(VOTING + 1);
        let seat = self.seat_of(accused);
        let found = seat.is_some();
        let active = seat.is_some_and(|seat| seat.active);
        let fits = if found {
            by != accused && active && !self.barred.contains(&accused)
        } else {
            self.books.prolong(party.account, until) > 0
        };
        require(fits, "penalty::E_BAD_ACCUSED")?;
        let what = (party.node, Deed::Evidence(evidence));
        require(!self.decided.contains(&what), "penalty::E_DECIDED")?;
        if self.active().count() - usize::from(found) == 1 {
            self.decided.insert(what);
            self.convict(accused, &party, 0, reporter.record.account);
            return Ok(());
        }
        let bond = self.record.config.money.bond;
        require(reporter.collateral >= bond, "penalty::E_NO_BOND")?;
        self.open_report(ReportRecord {
            evidence,
            reporter: by,
            accused,
            deadline: self.time.plus(VOTING),
        })
    }

    fn open_report(&mut self, new: ReportRecord) -> Result<(), Refused> {
        let time = self.time;
        let reports = &mut self.record.windows.reports;
        reports.retain(|report| report.deadline >= time);
        let same =
            |known: &ReportRecord| known.reporter == new.reporter || known.accused == new.accused;
        let room = reports.len() < MOST_REPORTS && !reports.iter().any(same);
        require(room, "penalty::E_NO_ROOM")?;
        reports.push(new);
        Ok(())
    }

    pub(super) fn decide(
        &mut self,
        accused: JoinSequence,
        guilty: bool,
        verdicts: &[SignedVerdict],
    ) -> Result<(), Refused> {
        let party = self.party(accused)?;
        let reports = &mut self.record.windows.reports;
        let place = reports.iter().position(|report| report.accused == accused);
        let report = reports.remove(place.ok_or("penalty::E_NO_REPORT")?);
        require(self.time <= report.deadline, "penalty::E_NO_REPORT")?;
        let evidence = report.evidence;
        let channel = self.record.channel;
        let verdict = Verdict { channel, accused, evidence, guilty };
        self.check_verdicts(party.node, &verdict, verdicts)?;
        self.decided.insert((party.node, Deed::Evidence(evidence)));
        let (fine, bond) = (self.record.config.money.fine, self.record.config.money.bond);
        let reporter = self.party(report.reporter)?.account;
        if guilty {
            self.convict(accused, &party, fine, reporter);
        } else {
            self.fine(report.reporter, bond, SETTLEMENT);
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
    fn party(&self, join_sequence: JoinSequence) -> Result<MemberRecord, Refused> {
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
        self.convict(accused, &party, self.record.config.money.fine, reporter);
        Ok(())
    }

    /// Whether it was valid in the epoch, or is active since then and still there.
    fn was_in(&self, join_sequence: JoinSequence, epoch: Epoch) -> bool {
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
