#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the effects it is about")]

use fairway_types::{
    Height,
    chain::{ChainTx, Observation},
};

use super::{
    super::{
        bench::{Bench, node_key},
        dry_run,
        input::Input,
        output::Step,
    },
    *,
};

/// Four members with two final blocks, and nobody's proposal.
fn two_final() -> Bench {
    let mut bench = Bench::new(4);
    bench.note(0);
    bench.note(0);
    assert_eq!(bench.nodes[3].log().finalised(), Height(2));
    bench
}

fn at(bench: &Bench, height: u64) -> Proposal {
    let node = &bench.nodes[0];
    let tip = node.log().tip_at(Height(height)).unwrap();
    let place = (node.env.chain, node.env.channel);
    proposal::compute(place, node.settled_point().unwrap(), &tip).unwrap()
}

fn by(proposer: usize, proposal: Proposal) -> Message {
    let keypair = node_key(proposer);
    let signature = keypair.sign(&proposal);
    Message::Proposal(SignedProposal { proposal, proposer: keypair.node_id(), signature })
}

fn vote(voter: usize, proposal: &Proposal, yes: bool) -> Message {
    let channel = proposal.channel;
    let vote = Vote { channel, proposal: proposal.hash(), yes };
    let signature = node_key(voter).sign(&vote);
    let node = node_key(voter).node_id();
    Message::Vote(SignedVote { vote, node, signature, reason: None })
}

/// What a node said in a step: the proposal's hash and its yes or no.
fn voted(step: &Step) -> Vec<(Hash, bool)> {
    let votes = step.effects.iter().filter_map(|effect| match effect {
        Effect::Broadcast(Message::Vote(vote)) => Some((vote.vote.proposal, vote.vote.yes)),
        _ => None,
    });
    votes.collect()
}

#[test]
fn a_proposer_gets_a_bounded_number_of_answers_and_nothing_of_a_no_is_stored() {
    let mut bench = two_final();
    let (mut answers, mut events) = (0, 0);
    for number in 0..1_000u32 {
        let mut made_up = at(&bench, 1);
        made_up.result = number.to_le_bytes().to_vec();
        let step = bench.message(1, 2, by(2, made_up));
        answers += voted(&step).len();
        events += step.events.len();
    }
    assert_eq!((answers, events), (1, 0));
    assert!(bench.nodes[1].voting.held.len() <= 4);
}

/// P-54: the voter's own reading of the chain may be late; its no would be for good.
#[test]
fn a_lagging_voter_waits_instead_of_voting_no() {
    let mut bench = two_final();
    let mut next = at(&bench, 2);
    next.number = 2;
    assert_eq!(voted(&bench.message(1, 0, by(0, next))), []);
    let mut early = at(&bench, 2);
    early.to_height = Height(9);
    assert_eq!(voted(&bench.message(1, 2, by(2, early))), []);
    let right = at(&bench, 2);
    assert_eq!(voted(&bench.message(1, 3, by(3, right.clone()))), [(right.hash(), true)]);
}

/// P-56
#[test]
fn a_second_yes_is_given_only_when_the_first_can_no_longer_execute() {
    let mut bench = two_final();
    let (lower, higher) = (at(&bench, 1), at(&bench, 2));
    let first = voted(&bench.message(1, 0, by(0, lower.clone())));
    assert_eq!(first, [(lower.hash(), true)]);
    let bound = voted(&bench.message(1, 2, by(2, higher.clone())));
    assert_eq!(bound, [(lower.hash(), true)], "it says to what it is bound");
    bench.now = bench.now.plus(ANSWER_EVERY);
    bench.message(1, 2, vote(2, &higher, true));
    let still = voted(&bench.message(1, 2, by(2, higher.clone())));
    assert_eq!(still, [(lower.hash(), true)], "three may still agree");
    bench.now = bench.now.plus(ANSWER_EVERY);
    bench.message(1, 3, vote(3, &higher, true));
    let moved = voted(&bench.message(1, 2, by(2, higher.clone())));
    assert_eq!(moved, [(higher.hash(), true)]);
}

/// P-56: after a restart too.
#[test]
fn a_yes_binds_across_a_restart() {
    let mut bench = two_final();
    let (lower, higher) = (at(&bench, 1), at(&bench, 2));
    bench.message(1, 0, by(0, lower.clone()));
    let node = &bench.nodes[1];
    bench.nodes[1] = Channel::restore((*node.env).clone(), node.log().clone());
    bench.observe();
    let bound = voted(&bench.message(1, 2, by(2, higher)));
    assert_eq!(bound, [(lower.hash(), true)]);
}

#[test]
fn proposal_that_cannot_win_is_replaced() {
    let mut bench = two_final();
    bench.nodes[0].settling.ask();
    bench.down.extend([1, 2, 3]);
    bench.wait(50);
    let first = bench.nodes[0].proposal().unwrap();
    bench.down.clear();
    bench.record.members[0].active = true;
    bench.note(0);
    for voter in [1, 2] {
        bench.message(0, voter, vote(voter, &first.signed.proposal, false));
    }
    bench.input(0, Input::Timeout);
    let second = bench.nodes[0].proposal().unwrap();
    assert_ne!(second.hash, first.hash);
    assert_eq!(second.signed.proposal.to_height, bench.nodes[0].log().finalised());
}

/// P-57: somebody's votes beyond the quorum cost the chain gas that may then be lacking.
#[test]
fn a_settlement_is_executed_with_no_more_votes_than_it_needs() {
    let mut bench = two_final();
    let mut pending = super::super::bench::chain_member(4);
    pending.active = false;
    bench.record.members.push(pending);
    bench.observe();
    bench.nodes[0].settling.ask();
    bench.input(0, Input::Timeout);
    let proposal = bench.nodes[0].proposal().unwrap().signed.proposal.clone();
    for voter in [4, 3, 2] {
        let step = bench.message(0, voter, vote(voter, &proposal, true));
        let executed = step.effects.iter().find_map(|effect| match effect {
            Effect::Submit(ChainTx::Execute { votes, .. }) => Some(votes.len()),
            _ => None,
        });
        assert_eq!(executed, (voter == 2).then_some(3));
    }
}

/// P-115: a term went on without the block of a proposal that it had agreed to.
#[test]
fn who_left_the_branch_takes_its_yes_back_and_settles_its_own() {
    let mut bench = two_final();
    let mut beside = at(&bench, 1);
    beside.to_block = Hash([9; 32]);
    let key = node_key(1);
    let signature = key.sign(&beside);
    let signed = SignedProposal { proposal: beside.clone(), proposer: key.node_id(), signature };
    let vote = bench.nodes[1].sign_vote(beside.hash(), None);
    bench.nodes[1].record(Event::Proposed { proposal: Box::new(signed) });
    bench.nodes[1].record(Event::Voted { vote: Box::new(vote) });
    bench.restart(1);
    let said = voted(&bench.message(1, 2, by(2, beside.clone())));
    assert_eq!(said, [(beside.hash(), false)]);
    let right = at(&bench, 2);
    let said = voted(&bench.message(1, 3, by(3, right.clone())));
    assert_eq!(said, [(right.hash(), true)]);
    let own = bench.nodes[1].proposal().map(|own| own.hash);
    assert_eq!(own, Some(right.hash()), "it presses the dead one no more");
}

/// P-115: else a few members could fill the places with what is never due.
#[test]
fn proposals_that_are_never_due_keep_no_other_out() {
    let mut bench = Bench::new(20);
    bench.note(0);
    bench.note(0);
    for proposer in 1..17 {
        let mut far = at(&bench, 1);
        (far.number, far.to_height) = (9 + proposer as u64, Height(1_000));
        bench.message(19, proposer, by(proposer, far));
    }
    assert_eq!(bench.nodes[19].voting.held.len(), HELD);
    let right = at(&bench, 2);
    let said = voted(&bench.message(19, 18, by(18, right.clone())));
    assert_eq!(said, [(right.hash(), true)]);
    assert_eq!(bench.nodes[19].voting.held.len(), HELD);
}

/// P-55: an answer that comes late is about what is no longer proposed.
#[test]
fn a_late_refusal_does_not_take_the_next_proposal_away() {
    let mut bench = two_final();
    bench.nodes[0].settling.ask();
    bench.input(0, Input::Timeout);
    let own = bench.nodes[0].proposal().unwrap().hash;
    let late = ChainTx::Propose { proposal: Box::new(at(&bench, 1)) };
    let refused = |tx| Observation::Rejected { tx: Box::new(tx), reason: "no".into() };
    bench.input(0, Input::Chain(refused(late)));
    assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), Some(own));
    let tx = ChainTx::Propose { proposal: Box::new(at(&bench, 2)) };
    bench.input(0, Input::Chain(refused(tx)));
    assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), None);
}

/// P-116
#[test]
fn what_the_chain_would_refuse_gets_no_signature_and_the_next_block_is_tried() {
    let mut bench = two_final();
    let last = bench.nodes[0].log().finalised();
    bench.refusals.insert(last, "E_BAD_ACCOUNTS".into());
    let refused = at(&bench, last.0);
    let step = bench.message(1, 2, by(2, refused.clone()));
    assert_eq!(voted(&step), [(refused.hash(), false)]);
    let reason = step.effects.iter().find_map(|effect| match effect {
        Effect::Broadcast(Message::Vote(vote)) => vote.reason.clone(),
        _ => None,
    });
    assert!(reason.unwrap().contains("E_BAD_ACCOUNTS"));
    bench.nodes[0].settling.ask();
    bench.wait(3_000);
    assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), None);
    assert_eq!(bench.nodes[0].settlement_error(), Some("E_BAD_ACCOUNTS"));
    bench.note(0);
    bench.wait(3_000);
    assert!(bench.proposed(0).last().unwrap().to_height > last);
}

/// P-116: a no would be for nothing: a chain that can't be reached executes nothing either.
#[test]
fn a_vote_waits_for_a_chain_that_does_not_answer() {
    let mut bench = two_final();
    bench.answers = false;
    let proposal = at(&bench, 2);
    assert_eq!(voted(&bench.message(1, 0, by(0, proposal.clone()))), []);
    bench.nodes[0].settling.ask();
    bench.wait(4_000);
    assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), None);
    bench.answers = true;
    bench.now = bench.now.plus(dry_run::FRESH);
    assert_eq!(voted(&bench.input(1, Input::Timeout)), [(proposal.hash(), true)]);
    bench.wait(100);
    assert!(bench.proposed(0).next().is_some());
}

/// P-116: it would keep all others from ever saying yes.
#[test]
fn who_sends_proposal_after_proposal_takes_nobodys_place_and_asks_one_thing_at_a_time() {
    let mut bench = Bench::new(4);
    (0..60).for_each(|_| bench.note(0));
    bench.answers = false;
    let last = bench.nodes[0].log().finalised();
    let right = at(&bench, last.0);
    assert!(last.0 > 50);
    let mut asked = dry_runs(&bench.message(1, 0, by(0, right.clone())));
    assert_eq!(asked, [right.hash()]);
    asked.clear();
    for height in 1..50 {
        bench.now = bench.now.plus(20);
        asked.extend(dry_runs(&bench.message(1, 2, by(2, at(&bench, height)))));
    }
    assert_eq!(asked.len(), 1, "one question in two seconds");
    let answer = Observation::DryRun { proposal: right.hash(), refusal: None };
    let step = bench.input(1, Input::Chain(answer));
    assert_eq!(voted(&step), [(right.hash(), true)]);
}

fn dry_runs(step: &Step) -> Vec<Hash> {
    let asked = step.effects.iter().filter_map(|effect| match effect {
        Effect::DryRun { proposal } => Some(proposal.hash()),
        _ => None,
    });
    asked.collect()
}

/// P-116: nor does this node do the work of judging more often than it answers.
#[test]
fn who_is_made_to_wait_is_looked_at_no_more_often_than_who_is_answered() {
    let mut bench = two_final();
    bench.answers = false;
    bench.message(1, 2, by(2, at(&bench, 1)));
    let mut made_up = at(&bench, 2);
    made_up.result = vec![1];
    assert_eq!(voted(&bench.message(1, 2, by(2, made_up.clone()))), []);
    bench.now = bench.now.plus(ANSWER_EVERY);
    let said = voted(&bench.message(1, 2, by(2, made_up.clone())));
    assert_eq!(said, [(made_up.hash(), false)]);
}

/// P-116: a member asked to leave after all had said yes; the chain settles nothing without it.
#[test]
fn what_all_agreed_to_and_the_chain_refuses_later_is_withdrawn() {
    let mut bench = two_final();
    bench.down.insert(0);
    let first = at(&bench, 1);
    for voter in 1..4 {
        bench.message(voter, 0, by(0, first.clone()));
    }
    bench.down.clear();
    bench.refusals.insert(Height(1), "E_BAD_ACCOUNTS".into());
    bench.now = bench.now.plus(dry_run::FRESH);
    let tx = Box::new(ChainTx::Execute {
        channel: first.channel,
        proposal: first.hash(),
        votes: Vec::new(),
    });
    let reason = "E_BAD_ACCOUNTS".into();
    bench.run(0, Input::Chain(Observation::Rejected { tx, reason }));
    bench.nodes[0].settling.ask();
    bench.wait(8_000);
    let executes = bench.submitted(0).find_map(|tx| match tx {
        ChainTx::Execute { proposal, .. } => Some(*proposal),
        _ => None,
    });
    let second = bench.proposed(0).last().unwrap();
    assert!(second.to_height > Height(1) && executes == Some(second.hash()));
}

/// Every no that a node signed.
fn noes(bench: &Bench) -> usize {
    let said = bench.effects.iter().filter(
        |(_, effect)| matches!(effect, Effect::Broadcast(Message::Vote(vote)) if !vote.vote.yes),
    );
    said.count()
}

/// P-55: members press the same proposal, and all but the first are refused: their noes would
/// withdraw what waits.
#[test]
fn a_refusal_that_the_dry_run_does_not_confirm_is_no_vote() {
    let mut bench = two_final();
    bench.nodes[0].settling.ask();
    bench.input(0, Input::Timeout);
    let own = bench.nodes[0].proposal().unwrap();
    let tx = Box::new(ChainTx::OpenWindow {
        channel: own.signed.proposal.channel,
        proposal: own.hash,
        votes: Vec::new(),
    });
    let reason = "E_ONE_WAITS".into();
    bench.run(0, Input::Chain(Observation::Rejected { tx, reason }));
    bench.wait(1_000);
    assert_eq!(bench.nodes[0].settlement_error(), Some("E_ONE_WAITS"));
    assert_eq!(noes(&bench), 0);
    bench.wait(8_000);
    assert_eq!(bench.nodes[0].proposal().map(|own| own.hash), Some(own.hash), "tried again");
}

/// P-116: the chain took it, and finishes it as of the time that it waits since.
#[test]
fn what_waits_gets_no_no_because_it_would_not_be_taken_now() {
    let mut bench = two_final();
    let waiting = at(&bench, 1);
    bench.refusals.insert(Height(1), "E_BAD_ACCOUNTS".into());
    bench.record.windows.waiting = Some(fairway_types::windows::WaitingRecord {
        proposal: waiting.hash(),
        number: 1,
        to_height: waiting.to_height,
        to_block: waiting.to_block,
        opened_at: bench.now,
        deadline: bench.now.plus(60_000),
        supported_by: waiting.to_block,
        by_active: true,
    });
    bench.observe();
    assert_eq!(voted(&bench.message(1, 2, by(2, waiting))), []);
}

/// P-116: a chain that is behind, or one that this node is behind of.
#[test]
fn a_refusal_for_what_was_settled_meanwhile_is_no_reason_for_a_no() {
    let mut bench = two_final();
    bench.refusals.insert(Height(2), "E_NOT_CONTINUOUS".into());
    let right = at(&bench, 2);
    assert_eq!(voted(&bench.message(1, 2, by(2, right.clone()))), []);
    bench.refusals.clear();
    bench.now = bench.now.plus(dry_run::FRESH);
    assert_eq!(voted(&bench.input(1, Input::Timeout)), [(right.hash(), true)]);
}

/// P-53
#[test]
fn a_settlement_over_one_that_is_not_in_the_books_is_refused() {
    let mut bench = two_final();
    let settled = at(&bench, 1);
    let last = &mut bench.record.settlement;
    (last.number, last.height) = (1, settled.to_height);
    (last.root, last.block) = (settled.to_root, settled.to_block);
    bench.down.insert(0);
    bench.observe();
    let next = at(&bench, 2);
    let next = Proposal { number: 2, from_height: Height(1), from_root: settled.to_root, ..next };
    assert_eq!(voted(&bench.message(1, 2, by(2, next.clone()))), [(next.hash(), false)]);
}
