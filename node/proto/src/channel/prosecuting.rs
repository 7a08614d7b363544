//! Takes accusations to the chain: reports what this node can prove, votes on what others reported,
//! and has reports decided.

use std::collections::BTreeMap;

use fairway_types::{
    Hash, JoinSequence, NodeId, Time, Weight,
    chain::{ChainMember, ChainTx, ChannelRecord, PenaltyVotes},
    windows::{ReportRecord, SignedVerdict, Verdict},
};

use super::{Channel, judging::Judged, log::sum, output::Effect, quorum::is_quorum};
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
/// Verdicts kept: of all members on all reports that wait.
const VERDICTS: usize = 16 * 128;

#[derive(Debug, Default)]
pub(super) struct Prosecuting {
    tried: BTreeMap<Hash, (u32, Time)>,
    told_at: Time,
    verdicts: BTreeMap<(Hash, NodeId), SignedVerdict>,
    /// Since when there are enough on a report.
    ready: BTreeMap<Hash, Time>,
}

impl Channel {
    /// P-107: what this node can prove is reported to the chain, as long as the accused is a member in
    /// good standing and no report about it waits.
    pub(super) fn prosecute(&mut self, record: &ChannelRecord) {
        let own: Vec<_> = self.log.all_evidence().cloned().map(Box::new).collect();
        for evidence in own {
            let Some(accused) = standing(record, &evidence.accused()) else { continue };
            let mut reports = record.windows.reports.iter();
            let waits =
                reports.any(|report| report.accused == accused && report.deadline >= self.now);
            let hash = evidence.hash();
            let (tries, at) = self.prosecuting.tried.get(&hash).copied().unwrap_or_default();
            if waits || tries >= REPORTS || self.now < at.plus(REPORT_EVERY) && tries > 0 {
                continue;
            }
            self.prosecuting.tried.insert(hash, (tries + 1, self.now));
            let channel = self.env.channel;
            self.perform(Effect::Submit(ChainTx::Report { channel, accused, evidence }));
        }
        self.vote_on_reports(record);
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
        let evidence = self.log.all_evidence().find(|own| own.hash() == report.evidence).cloned();
        let unheard = self.chain.record().is_some_and(|record| {
            let known = &self.prosecuting.verdicts;
            let heard = |node: &NodeId| known.contains_key(&(report.evidence, *node));
            record.members.iter().any(|member| !heard(&member.record.node))
        });
        if let Some(evidence) = evidence.filter(|_| unheard) {
            self.perform(Effect::Broadcast(Message::Report(Box::new(evidence))));
        }
        let decided = |judged: &&Judged| !matches!(judged.verdict, dispute::Verdict::Unclear(_));
        let judged =
            self.verdicts().filter(|judged| judged.evidence == report.evidence).find(decided);
        let guilty = match judged.map(|judged| &judged.verdict) {
            Some(dispute::Verdict::Guilty(_)) => true,
            Some(dispute::Verdict::Innocent(_)) => false,
            Some(dispute::Verdict::Unclear(_)) | None => return,
        };
        #[cfg(feature = "known-bugs")]
        let guilty = guilty || KnownBug::BlindVerdict.is_back();
        if judged.is_some_and(|judged| judged.accused == self.me) {
            return;
        }
        let (channel, accused, evidence) = (self.env.channel, report.accused, report.evidence);
        let verdict = Verdict { channel, accused, evidence, guilty };
        let signature = self.env.keypair.sign(&verdict);
        let signed = SignedVerdict { verdict, node: self.me, signature };
        self.on_verdict(signed);
        self.perform(Effect::Broadcast(Message::Verdict(signed)));
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
        let known = &mut self.prosecuting.verdicts;
        if is_meant && counts && (known.len() < VERDICTS || known.contains_key(&key)) {
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
                let decided = ChainTx::Decide { channel, accused, guilty, verdicts };
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

/// Join sequence of the member whose node this is, if it is active and in good standing.
fn standing(record: &ChannelRecord, node: &NodeId) -> Option<JoinSequence> {
    let mut members = record.members.iter();
    let member = members.find(|member| member.record.node == *node)?;
    (member.active && member.eligible).then_some(member.record.join_sequence)
}

#[cfg(test)]
mod tests;
