//! What this node holds of accusations: its own, and others' reports, which it judges as any stranger
//! would, on its own state where it has it. It acts on none of them: P-44 follows from what a node
//! saw itself.

use std::collections::VecDeque;

use fairway_types::{Execute, Hash, Height, NodeId, Term, Time, evidence::Evidence};

use super::{
    Channel,
    accusing::shows_it_to_others,
    log::Log,
    output::{Effect, Update},
};
use crate::settlement::dispute::{Verdict, check};

/// Judgements of others' reports that are remembered.
const REMEMBERED: usize = 64;
/// Reports of one node judged within [`PERIOD`].
const AT_ONCE: usize = 4;
/// Milliseconds.
const PERIOD: u64 = 10_000;

/// A report, and what this node says to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub accused: NodeId,
    pub reporter: NodeId,
    /// See [`Evidence::kind`].
    pub kind: &'static str,
    pub term: Term,
    pub height: Height,
    /// See [`Evidence::hash`].
    pub evidence: Hash,
    pub verdict: Verdict,
    /// When it was judged; zero for what this node found before its last start.
    pub at: Time,
}

/// Bounded; the evidence itself is kept only where this node found it.
#[derive(Debug, Default)]
pub struct Judging {
    own: Vec<Judged>,
    others: VecDeque<Judged>,
}

impl Judging {
    /// What a restart knows: others' reports are forgotten.
    #[must_use]
    pub fn resume(log: &Log, me: NodeId) -> Self {
        let own = log.all_evidence().map(|evidence| own(evidence, me, Time::ZERO));
        Self { own: own.collect(), others: VecDeque::new() }
    }

    fn all(&self) -> impl Iterator<Item = &Judged> {
        self.own.iter().chain(&self.others)
    }

    /// P-97: one judgement an accused and reporter, and few at once of any reporter.
    fn has_room_for(&self, reporter: &NodeId, evidence: &Evidence, now: Time) -> bool {
        let of_reporter = self.others.iter().filter(|judged| judged.reporter == *reporter);
        let recent = of_reporter.clone().filter(|judged| now < judged.at.plus(PERIOD));
        let mut same = of_reporter.filter(|judged| judged.accused == evidence.accused());
        recent.count() < AT_ONCE && !same.any(|judged| judged.kind == evidence.kind())
    }

    fn keep(&mut self, judged: Judged) {
        if self.others.len() == REMEMBERED {
            self.others.pop_front();
        }
        self.others.push_back(judged);
    }
}

impl Channel {
    /// This node's verdicts: on what it found itself, and on what others reported.
    pub fn verdicts(&self) -> impl Iterator<Item = &Judged> {
        self.judging.all()
    }

    /// P-97: a member's report is judged if it is about a member, which led the block's term if the
    /// case is a block's.
    pub(super) fn on_report(&mut self, from: NodeId, evidence: &Evidence, vm: &impl Execute) {
        let accused = evidence.accused();
        let concerns = evidence.channel() == self.env.channel
            && self.is_known(&from)
            && self.is_known(&accused)
            && from != accused
            && (!evidence.is_about_leading() || self.led(&accused, evidence.place().0));
        if !concerns || !self.judging.has_room_for(&from, evidence, self.now) {
            return;
        }
        let Some(facts) = self.log.genesis().map(|genesis| genesis.record.facts()) else { return };
        let held = self.state_before(evidence);
        let verdict = check(evidence, &facts, vm, held.as_ref()).verdict;
        let judged = Judged { reporter: from, verdict, ..own(evidence, from, self.now) };
        self.judging.keep(judged.clone());
        self.perform(Effect::Publish(Update::Judged(Box::new(judged))));
    }

    /// What this node found itself needs no second look.
    pub(super) fn judge_own(&mut self, evidence: &Evidence) {
        let judged = own(evidence, self.me, self.now);
        self.judging.own.push(judged.clone());
        self.perform(Effect::Publish(Update::Judged(Box::new(judged))));
    }

    fn led(&self, node: &NodeId, term: Term) -> bool {
        self.log.leader_of(term) == Some(*node)
    }

    /// The state after the disputed block's parent, if this log goes through it.
    fn state_before(&self, evidence: &Evidence) -> Option<fairway_state::State> {
        let (Evidence::Divergence { block, .. } | Evidence::InvalidTransaction { block, .. }) =
            evidence
        else {
            return None;
        };
        let tip = self.log.tip_at(block.header().height.previous())?;
        (tip.hash == block.header().parent).then_some(tip.state)
    }
}

fn own(evidence: &Evidence, reporter: NodeId, at: Time) -> Judged {
    let (term, height) = evidence.place();
    let verdict = match shows_it_to_others(evidence) {
        true => Verdict::Guilty("this node saw it".into()),
        false => Verdict::Unclear("the chain's record alone tells".into()),
    };
    Judged {
        accused: evidence.accused(),
        reporter,
        kind: evidence.kind(),
        term,
        height,
        evidence: evidence.hash(),
        verdict,
        at,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{
            bench::{Bench, junk, node_key, nothing, put, three_blocks},
            input::Input,
        },
        *,
    };
    use crate::message::Message;

    /// The third of four members has found that the leader's block differs; the others have not.
    fn reported() -> (Bench, Evidence) {
        let (mut bench, blocks) = three_blocks();
        for block in &blocks[..3] {
            for node in [2, 3] {
                bench.message(node, 0, Message::Block(Arc::clone(block)));
            }
        }
        let altered = junk(&blocks[3], 0, |block| block.header.state_root = Hash([1; 32]));
        bench.message(2, 0, Message::Block(altered));
        let evidence = bench.nodes[2].log().evidence().cloned();
        (bench, evidence.expect("it was noticed"))
    }

    fn tell(bench: &mut Bench, to: usize, from: usize, evidence: &Evidence) -> usize {
        let step = bench.message(to, from, Message::Report(Box::new(evidence.clone())));
        let judged = |effect: &&Effect| matches!(effect, Effect::Publish(Update::Judged(_)));
        step.effects.iter().filter(judged).count()
    }

    fn verdicts(bench: &Bench, node: usize) -> Vec<(NodeId, bool)> {
        let verdicts = bench.nodes[node].verdicts();
        verdicts.map(|judged| (judged.reporter, judged.verdict.is_guilty())).collect()
    }

    #[test]
    fn member_that_executes_the_reported_block_again_finds_the_leader_guilty() {
        let (mut bench, evidence) = reported();
        for node in [1, 3] {
            assert_eq!(tell(&mut bench, node, 2, &evidence), 1);
            assert_eq!(verdicts(&bench, node), [(node_key(2).node_id(), true)]);
            assert!(bench.nodes[node].log().evidence().is_none(), "it acts on what it saw alone");
        }
        assert_eq!(verdicts(&bench, 2), [(node_key(2).node_id(), true)], "its own");
    }

    /// Its log does not reach the disputed block: the witness stands for the state.
    #[test]
    fn member_that_lags_judges_by_the_witness() {
        let (_, evidence) = reported();
        let mut behind = Bench::new(4);
        assert_eq!(tell(&mut behind, 3, 2, &evidence), 1);
        assert_eq!(verdicts(&behind, 3), [(node_key(2).node_id(), true)]);
    }

    #[test]
    fn false_report_is_remembered_as_one() {
        let (mut bench, evidence) = reported();
        let Evidence::Divergence { mut block, reporter, effects, effects_root, state_root } =
            evidence
        else {
            panic!("no divergence");
        };
        let honest = bench.nodes[0].log().entry(Height(4)).expect("its block").block.clone();
        block.block = honest.signed_header();
        let slander = Evidence::Divergence { reporter, block, effects, effects_root, state_root };
        assert_eq!(tell(&mut bench, 1, 3, &slander), 1);
        let judged = bench.nodes[1].verdicts().next().cloned().expect("a verdict");
        assert!(matches!(judged.verdict, Verdict::Innocent(_)), "{judged:?}");
    }

    #[test]
    fn strangers_reports_and_reports_about_others_than_the_leader_are_not_judged() {
        let (mut bench, evidence) = reported();
        assert_eq!(tell(&mut bench, 1, 50, &evidence), 0, "a stranger's");
        assert_eq!(tell(&mut bench, 1, 0, &evidence), 0, "the accused's own");
        let (_, blocks) = three_blocks();
        let one = junk(&blocks[3], 3, |block| block.header.time = Time(1));
        let other = junk(&blocks[3], 3, |block| block.header.time = Time(2));
        let first = Box::new(one.signed_header());
        let second = Box::new(other.signed_header());
        let twice = Evidence::DoubleBlock { first, second };
        assert_eq!(tell(&mut bench, 1, 2, &twice), 0, "it did not lead");
        assert!(verdicts(&bench, 1).is_empty());
    }

    /// P-97: else a member could keep the others busy.
    #[test]
    fn reporter_is_judged_once_for_an_accused_and_seldom_at_all() {
        let (mut bench, evidence) = reported();
        assert_eq!(tell(&mut bench, 1, 2, &evidence), 1);
        assert_eq!(tell(&mut bench, 1, 2, &evidence), 0, "the same again");
        assert_eq!(tell(&mut bench, 1, 3, &evidence), 1, "another reporter");
        let (_, blocks) = three_blocks();
        let acked_twice = |node: usize| {
            let ack = |time| {
                let block = junk(&blocks[3], 0, |block| block.header.time = Time(time));
                let certificate = super::super::bench::certificate(&block, &[node]);
                let (node, signature) = certificate.signatures[0];
                fairway_types::SignedAck { ack: certificate.ack, node, signature }
            };
            Evidence::DoubleAck { first: ack(1), second: ack(2) }
        };
        let at_once: usize = (0..8).map(|_| tell(&mut bench, 1, 2, &acked_twice(3))).sum();
        assert_eq!(at_once, 1, "once a kind");
        let others: usize =
            [0, 1].map(|node| tell(&mut bench, 1, 2, &acked_twice(node))).iter().sum();
        assert_eq!(others, 2);
        let mut many = Bench::new(9);
        let told = |bench: &mut Bench, nodes: std::ops::Range<usize>| {
            nodes.map(|node| tell(bench, 8, 7, &acked_twice(node))).sum::<usize>()
        };
        assert_eq!(told(&mut many, 0..7), AT_ONCE);
        many.now = many.now.plus(PERIOD);
        assert_eq!(told(&mut many, 4..7), 3, "later there is room again");
    }

    #[test]
    fn what_a_node_found_itself_is_its_verdict_after_a_restart_too() {
        let (mut bench, evidence) = reported();
        bench.restart(2);
        let judged = bench.nodes[2].verdicts().next().cloned().expect("a verdict");
        assert_eq!((judged.accused, judged.evidence), (evidence.accused(), evidence.hash()));
        assert!(judged.verdict.is_guilty());
    }

    #[test]
    fn honest_channel_has_no_verdicts() {
        let mut bench = Bench::new(4);
        bench.call(1, 1, put(1, 1));
        bench.call(2, 2, nothing());
        bench.wait(1_000);
        for node in 0..4 {
            bench.input(node, Input::Flush);
            assert!(verdicts(&bench, node).is_empty());
        }
    }
}
