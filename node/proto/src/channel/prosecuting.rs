//! Takes accusations to the chain: has it judge what this node can prove, or reports that, votes on what
//! others reported, and has reports decided and ended.

use std::collections::{BTreeMap, BTreeSet};

use fairway_types::{
    Hash, JoinSequence, NodeId, Time, Weight,
    chain::{Cause, ChainMember, ChainRefusal, ChainTx, ChannelRecord, MemberRecord, PenaltyVotes},
    evidence::Evidence,
    limits,
    windows::{ReportRecord, SignedVerdict, Verdict},
};

use super::{
    Channel, accusing::shows_it_to_others, found::Found, judging::Judged, log::sum, output::Effect,
    quorum::is_quorum,
};
#[cfg(feature = "known-bugs")]
use crate::known_bugs::KnownBug;
use crate::{
    message::Message,
    settlement::{dispute, membership},
};

/// Milliseconds between two attempts to report the same.
const REPORT_EVERY: u64 = 5_000;
/// Attempts to report one thing: the chain has its reasons.
const REPORTS: u32 = 5;
/// Milliseconds between two tellings of evidence and votes.
const TELL_EVERY: u64 = 1_000;
/// Times that the chain is asked to judge one thing before the members are.
const JUDGEMENTS: u32 = 2;
/// Milliseconds for which it is asked for that, where nobody is left to vote.
const ASKED: u64 = 300_000;
/// Verdicts kept of one member: nobody's take the room of another's.
const VERDICTS: usize = 64;
/// Milliseconds for which a member that has left the record can be found, beyond the channel's window:
/// as long as the contract can hold its collateral, and longer.
const REMEMBERED: u64 = 600_000;
/// Members that have left and can be found.
const FORMER: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct Prosecuting {
    tried: BTreeMap<Hash, (u32, Time)>,
    /// Since when the chain is asked to judge something.
    asked: BTreeMap<Hash, Time>,
    /// What the chain did not judge.
    unjudged: BTreeSet<Hash>,
    /// What was reported, or decided: once is enough.
    done: BTreeSet<Hash>,
    /// When the chain was last asked for a judgement, if it has not answered.
    asked_at: Option<Time>,
    told_at: Time,
    verdicts: BTreeMap<(Hash, NodeId), SignedVerdict>,
    /// Since when there are enough on a report.
    ready: BTreeMap<Hash, Time>,
    /// Since when a report is over that nobody decided, and when its end was asked for.
    overdue: Option<(Time, Option<Time>)>,
    /// Who was in the record, as what, and when last.
    seen: BTreeMap<NodeId, (JoinSequence, Time)>,
}

/// Whom evidence is about.
struct Accused {
    join_sequence: JoinSequence,
    /// It can be made to answer for a report.
    answers: bool,
    /// Nobody is left to vote on a report, or one member.
    few: bool,
}

impl Prosecuting {
    fn see(&mut self, record: &ChannelRecord, now: Time) {
        let keeps = REMEMBERED + record.config.money.challenge_window;
        self.seen.retain(|_, (_, at)| now < at.plus(keeps));
        for member in &record.members {
            let MemberRecord { node, join_sequence, .. } = member.record;
            if self.seen.len() < record.members.len() + FORMER || self.seen.contains_key(&node) {
                self.seen.insert(node, (join_sequence, now));
            }
        }
    }

    fn verdicts_of(&self, node: &NodeId) -> usize {
        self.verdicts.keys().filter(|(_, by)| by == node).count()
    }
}

impl Channel {
    /// P-107, P-114: what this node can prove goes to the chain, as long as the accused can be made to
    /// answer for it: to be judged there, where it fits a transaction and the chain has not said no; else
    /// as a report for the members, unless one waits that they can judge.
    pub(super) fn prosecute(&mut self, record: &ChannelRecord) {
        self.prosecuting.see(record, self.now);
        for found in self.log.found().to_vec() {
            let accused = self.accused_of(record, &found.evidence);
            if let Some(accused) = accused.filter(|_| shows_it_to_others(&found.evidence)) {
                self.take_to_chain(record, &accused, &found);
            }
        }
        if record.open {
            self.end_overdue(record);
            self.vote_on_reports(record);
        }
        self.note_whether_out();
    }

    fn take_to_chain(&mut self, record: &ChannelRecord, accused: &Accused, found: &Found) {
        let hash = found.hash;
        if record.windows.reports.iter().any(|report| report.evidence == hash) {
            self.prosecuting.done.insert(hash);
        }
        let (tries, at) = self.prosecuting.tried.get(&hash).copied().unwrap_or_default();
        if self.now < at.plus(REPORT_EVERY) && tries > 0 {
            return;
        }
        // P-114: who has left, or whose channel has ended, can ask the judge alone.
        let left = !record.open || !self.chain.knows(&self.me);
        let judge = self.is_for_the_judge(accused, found, tries, left);
        if !judge && (left || !self.is_for_a_report(record, accused, &hash, tries)) {
            return;
        }
        self.prosecuting.tried.insert(hash, (tries + 1, self.now));
        let (channel, accused) = (self.env.channel, accused.join_sequence);
        let evidence = Box::new(Evidence::clone(&found.evidence));
        let tx = if judge {
            self.prosecuting.asked_at = Some(self.now);
            ChainTx::Judge { channel, accused, evidence }
        } else {
            ChainTx::Report { channel, accused, evidence }
        };
        self.perform(Effect::Submit(tx));
    }

    /// P-114: whether the chain may judge it yet, and could.
    fn is_for_the_judge(
        &mut self,
        accused: &Accused,
        found: &Found,
        tries: u32,
        left: bool,
    ) -> bool {
        let unjudged = self.prosecuting.unjudged.contains(&found.hash);
        let asked = *self.prosecuting.asked.entry(found.hash).or_insert(self.now);
        let patient = (accused.few || left) && self.now < asked.plus(ASKED);
        !unjudged && (tries < JUDGEMENTS || patient) && can_be_judged(found)
    }

    /// P-107: whether the members are to hear of it by the chain.
    fn is_for_a_report(
        &self,
        record: &ChannelRecord,
        accused: &Accused,
        evidence: &Hash,
        tries: u32,
    ) -> bool {
        accused.answers
            && tries < REPORTS
            && !self.prosecuting.done.contains(evidence)
            && !self.is_reported(record, accused.join_sequence, evidence)
    }

    /// P-111: the chain judged it: there is nothing left to ask.
    pub(super) fn on_judged(&mut self, tx: &ChainTx) {
        if let ChainTx::Judge { evidence, .. } = tx {
            self.prosecuting.asked_at = None;
            self.prosecuting.done.insert(evidence.hash());
            self.prosecuting.unjudged.insert(evidence.hash());
        }
    }

    /// P-107: the chain did not judge it, whatever the reason: the members shall. P-112: what was
    /// decided, or reported by this member before, is not reported again.
    pub(super) fn on_unjudged(&mut self, tx: &ChainTx, refusal: &ChainRefusal) {
        let cause = refusal.cause();
        if let ChainTx::Report { evidence, .. } = tx
            && cause == Cause::Decided
        {
            self.prosecuting.done.insert(evidence.hash());
        }
        let ChainTx::Judge { evidence, .. } = tx else { return };
        self.prosecuting.asked_at = None;
        let hash = evidence.hash();
        let is_over = matches!(cause, Cause::Decided | Cause::BadAccused);
        if is_over {
            self.prosecuting.done.insert(hash);
        }
        // Where there is nobody to vote, a report costs the cheat nothing: asked again instead.
        let record = self.chain.record();
        let few = record.is_some_and(|record| others(record, &evidence.accused()) <= 1);
        let is_final = matches!(cause, Cause::Unclear | Cause::DoesNotFit);
        if (is_over || is_final || !few) && self.prosecuting.unjudged.insert(hash) {
            self.prosecuting.tried.remove(&hash);
        }
    }

    /// P-130: whether a report by this node's member or about it waits, or the chain has not answered yet
    /// whether it judges something for this node.
    pub(super) fn is_at_stake(&self, record: &ChannelRecord) -> bool {
        let me = self.join_sequence_of(record, &self.me);
        let mut reports = record.windows.reports.iter();
        let waits = reports
            .any(|report| me.is_some_and(|me| report.reporter == me || report.accused == me));
        let answer = self.prosecuting.asked_at.map(|at| at.plus(2 * REPORT_EVERY));
        waits || answer.is_some_and(|until| self.now < until)
    }

    /// Whom the evidence is about, if the chain can be told of it.
    fn accused_of(&self, record: &ChannelRecord, evidence: &Evidence) -> Option<Accused> {
        let node = evidence.accused();
        let answers = self.answers(record, &node);
        let few = others(record, &node) <= 1;
        // P-113: a report alone may have convicted it, without a fine.
        let known = self.join_sequence_of(record, &node).filter(|_| few);
        let join_sequence = answers.or(known)?;
        Some(Accused { join_sequence, answers: answers.is_some(), few })
    }

    /// P-113: join sequence of the member whose node this is, if it can be made to answer: it is active and was
    /// not convicted, or it has left, and the chain may hold its collateral.
    fn answers(&self, record: &ChannelRecord, node: &NodeId) -> Option<JoinSequence> {
        let mut bans = record.windows.bans.iter();
        if bans.any(|ban| ban.node == *node && self.chain.time() < ban.until) {
            return None;
        }
        let mut members = record.members.iter();
        if let Some(member) = members.find(|member| member.record.node == *node) {
            // Fines alone make nobody safe from the next one; a conviction does for that stay.
            let convicted = !member.eligible && member.collateral >= record.config.money.collateral;
            return (member.active && !convicted).then_some(member.record.join_sequence);
        }
        self.join_sequence_of(record, node)
    }

    /// The join sequence of the member whose node this is, or was.
    fn join_sequence_of(&self, record: &ChannelRecord, node: &NodeId) -> Option<JoinSequence> {
        let mut members = record.members.iter();
        if let Some(member) = members.find(|member| member.record.node == *node) {
            return Some(member.record.join_sequence);
        }
        let founders = || record.founders.iter().find(|founder| founder.node == *node);
        let seen = self.prosecuting.seen.get(node).map(|(join_sequence, _)| *join_sequence);
        seen.or_else(|| founders().map(|founder| founder.join_sequence))
    }

    /// P-114: whether the same waits already, or something else about the accused that this node found
    /// to be true. What nobody can judge keeps nothing back.
    fn is_reported(&self, record: &ChannelRecord, accused: JoinSequence, evidence: &Hash) -> bool {
        let found_guilty = |hash: Hash| {
            self.verdicts().any(|judged| judged.evidence == hash && judged.verdict.is_guilty())
        };
        let mut reports = record.windows.reports.iter();
        reports.any(|report| {
            report.accused == accused
                && report.deadline >= self.now
                && (report.evidence == *evidence || found_guilty(report.evidence))
        })
    }

    /// P-112: who did not convince the members in time pays for their trouble.
    fn end_overdue(&mut self, record: &ChannelRecord) {
        let time = self.chain.time();
        if record.windows.reports.iter().all(|report| report.deadline >= time) {
            self.prosecuting.overdue = None;
            return;
        }
        let (since, asked) = *self.prosecuting.overdue.get_or_insert((self.now, None));
        let again = asked.is_none_or(|asked| self.now >= asked.plus(REPORT_EVERY));
        if again && self.is_turn(record, since) {
            self.prosecuting.overdue = Some((since, Some(self.now)));
            self.perform(Effect::Submit(ChainTx::Expire { channel: self.env.channel }));
        }
    }

    /// P-108: a member that judged the evidence of a report tells its verdict; one that found it
    /// guilty or innocent with enough others has the report decided.
    fn vote_on_reports(&mut self, record: &ChannelRecord) {
        let reports = record.windows.reports.iter().filter(|report| report.deadline >= self.now);
        let reports: Vec<ReportRecord> = reports.copied().collect();
        if reports.is_empty() {
            self.prosecuting.ready.clear();
            return self.prosecuting.verdicts.clear();
        }
        let known: Vec<Hash> = reports.iter().map(|report| report.evidence).collect();
        self.prosecuting.verdicts.retain(|(evidence, _), _| known.contains(evidence));
        let tells = self.now >= self.prosecuting.told_at.plus(TELL_EVERY);
        if tells {
            self.prosecuting.told_at = self.now;
        }
        for report in reports {
            if tells {
                self.tell(&report);
            }
            self.decide(record, &report);
        }
    }

    fn tell(&mut self, report: &ReportRecord) {
        self.show_evidence(report);
        let Some(guilty) = self.found_guilty(report) else { return };
        let (channel, accused, evidence) = (self.env.channel, report.accused, report.evidence);
        let verdict = Verdict { channel, accused, evidence, guilty };
        let signature = self.env.keypair.sign(&verdict);
        let signed = SignedVerdict { verdict, node: self.me, signature };
        self.on_verdict(signed);
        self.perform(Effect::Broadcast(Message::Verdict(signed)));
    }

    /// Who found the evidence itself shows it, as long as somebody has not told its verdict.
    fn show_evidence(&mut self, report: &ReportRecord) {
        let unheard = self.chain.record().is_some_and(|record| {
            let known = &self.prosecuting.verdicts;
            let heard = |node: &NodeId| known.contains_key(&(report.evidence, *node));
            record.members.iter().any(|member| !heard(&member.record.node))
        });
        let mut own = self.log.found().iter();
        if let Some(found) = own.find(|found| unheard && found.hash == report.evidence) {
            let evidence = Box::new(Evidence::clone(&found.evidence));
            self.perform(Effect::Broadcast(Message::Report(evidence)));
        }
    }

    /// Whether this node found the accused guilty by the report's evidence, if it could tell and is not
    /// the accused.
    fn found_guilty(&self, report: &ReportRecord) -> Option<bool> {
        let decided = |judged: &&Judged| !matches!(judged.verdict, dispute::Verdict::Unclear(_));
        let mut judged = self.verdicts().filter(|judged| judged.evidence == report.evidence);
        let judged = judged.find(decided)?;
        let guilty = judged.verdict.is_guilty();
        #[cfg(feature = "known-bugs")]
        let guilty = guilty || KnownBug::BlindVerdict.is_back();
        (judged.accused != self.me).then_some(guilty)
    }

    pub(super) fn on_verdict(&mut self, signed: SignedVerdict) {
        let verdict = signed.verdict;
        let record = self.chain.record();
        let is_meant = record.is_some_and(|record| {
            let mut reports = record.windows.reports.iter();
            reports.any(|report| {
                report.evidence == verdict.evidence && report.accused == verdict.accused
            })
        });
        let counts = verdict.channel == self.env.channel && self.chain.counts(&signed.node);
        let key = (verdict.evidence, signed.node);
        let has_room = self.prosecuting.verdicts_of(&signed.node) < VERDICTS;
        let known = &mut self.prosecuting.verdicts;
        if is_meant && counts && (has_room || known.contains_key(&key)) {
            known.insert(key, signed);
        }
    }

    fn decide(&mut self, record: &ChannelRecord, report: &ReportRecord) {
        for guilty in [true, false] {
            let verdicts = self.enough_verdicts(record, report, guilty);
            let Some(verdicts) = verdicts else { continue };
            let ready = *self.prosecuting.ready.entry(report.evidence).or_insert(self.now);
            if self.is_turn(record, ready) {
                let (channel, accused) = (self.env.channel, report.accused);
                let evidence = report.evidence;
                let decided = ChainTx::Decide { channel, accused, evidence, guilty, verdicts };
                return self.perform(Effect::Submit(decided));
            }
        }
    }

    /// At least two, and two thirds of the weight that is valid without the accused; two, where the
    /// channel's rule says so.
    fn enough_verdicts(
        &self,
        record: &ChannelRecord,
        report: &ReportRecord,
        guilty: bool,
    ) -> Option<Vec<SignedVerdict>> {
        let time = self.chain.time();
        let judges = || {
            record.members.iter().filter(|member| {
                member.active
                    && membership::is_valid(member, time)
                    && member.record.join_sequence != report.accused
            })
        };
        let said = |member: &&ChainMember| {
            let verdict = self.prosecuting.verdicts.get(&(report.evidence, member.record.node));
            verdict.is_some_and(|signed| signed.verdict.guilty == guilty)
        };
        let weight = |member: &ChainMember| member.record.weight;
        let part: Weight = sum(judges().filter(said).map(weight));
        let whole = sum(judges().map(weight));
        let two = record.config.money.penalty_votes == PenaltyVotes::Two;
        let verdicts: Vec<SignedVerdict> = judges()
            .filter(said)
            .filter_map(|member| {
                self.prosecuting.verdicts.get(&(report.evidence, member.record.node)).copied()
            })
            .collect();
        (verdicts.len() >= 2 && (two && guilty || is_quorum(part, whole))).then_some(verdicts)
    }
}

/// Active members that could vote on what this one did: with one there is no vote.
fn others(record: &ChannelRecord, accused: &NodeId) -> usize {
    let others = |member: &&ChainMember| member.active && member.record.node != *accused;
    record.members.iter().filter(others).count()
}

/// Whether the chain could execute the disputed block again by the evidence alone.
fn can_be_judged(found: &Found) -> bool {
    match &*found.evidence {
        Evidence::Divergence { block, .. } | Evidence::InvalidTransaction { block, .. } => {
            block.witness.is_some() && found.file_bytes <= limits::JUDGED_BYTES
        }
        Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => false,
    }
}

#[cfg(test)]
mod tests;
