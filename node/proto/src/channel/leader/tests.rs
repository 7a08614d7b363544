#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the effects it is about")]

use fairway_types::{
    CallStatus, Context, Gas, Invocation, Outcome, SequenceNumber, StateReader, Verified, View,
    crypto::Verify,
};

use super::{
    super::{
        Env, Limits,
        bench::{self, Bench, Vaults, certificate, node_key, sign},
        input::{Input, Request, RequestId},
    },
    *,
};

/// Books as the others do, and takes its price for each call.
struct Costly(u64);

impl Execute for Costly {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas_limit: Gas,
    ) -> Outcome {
        let outcome = Vaults.execute(state, context, invocation, gas_limit);
        Outcome { gas_used: Gas(self.0), ..outcome }
    }
}

/// The calls in the blocks that a leader alone among four cuts of so many, a group each.
fn cut(limits: Limits, gas: u64, groups: &[u64]) -> Vec<usize> {
    let mut bench = Bench::new(4);
    let env = Env { limits, ..bench::env(0) };
    bench.nodes[0] = Channel::restore(env, bench.nodes[0].log().clone());
    let observed = Input::Chain(bench.observation());
    bench.nodes[0].handle(bench.now, &Vaults, observed);
    let mut sequence = SequenceNumber(0);
    for count in groups {
        for _ in 0..*count {
            let call = sign(0, sequence, bench::nothing(), bench.now.plus(60_000));
            let call = Box::new(Verified::trusted(call));
            let request = Request::Call { call, wait: CallStatus::Certified };
            let input = Input::Client { id: RequestId(sequence.0), request };
            bench.nodes[0].handle(bench.now, &Costly(gas), input);
            sequence = sequence.next();
        }
        bench.nodes[0].handle(bench.now, &Costly(gas), Input::Flush);
    }
    let entries = bench.nodes[0].log().entries_from(Height(1));
    entries.map(|entry| entry.block.transactions.len()).collect()
}

/// P-22: two small blocks are cut at once; what comes then waits for a certificate, or until it
/// fills a block.
#[test]
fn beyond_two_uncertified_blocks_only_full_ones_are_cut() {
    let limits = Limits { block_calls: 4, ..Limits::default() };
    assert_eq!(cut(limits.clone(), 1, &[1, 1, 1, 1, 1]), [1, 1]);
    assert_eq!(cut(limits.clone(), 1, &[1, 1, 1, 1, 1, 1]), [1, 1, 4]);
    let most = Limits { window: 3, ..limits };
    assert_eq!(cut(most, 1, &[4, 4, 4, 4, 4]), [4, 4, 4]);
}

/// P-132: the rest goes into the next block.
#[test]
fn block_ends_with_the_call_that_reaches_its_gas() {
    let half = limits::BLOCK_GAS / 2;
    assert_eq!(cut(Limits::default(), half, &[5, 0, 0]), [2, 2, 1]);
    assert_eq!(cut(Limits::default(), half + 1, &[5, 0, 0]), [2, 2, 1]);
    assert_eq!(cut(Limits::default(), half - 1, &[5, 0, 0]), [3, 2]);
    assert_eq!(cut(Limits::default(), limits::CALL_GAS, &[3, 0, 0]), [1, 1, 1]);
}

/// Four members, of whom the last is down and not valid any more.
fn one_down() -> Bench {
    let mut bench = Bench::new(4);
    bench.down.insert(3);
    bench.grant(0, &[0, 1, 2]);
    bench
}

#[test]
fn blocks_become_final_while_one_of_four_is_down() {
    let mut bench = one_down();
    bench.note(0);
    let ordered = bench.nodes[0].log().head();
    bench.wait(300);
    for node in &bench.nodes[..3] {
        assert_eq!(node.log().finalised(), ordered);
    }
}

#[test]
fn idle_leader_with_a_member_down_cuts_no_more_blocks_and_sleeps() {
    let mut bench = one_down();
    bench.note(0);
    bench.wait(300);
    let head = bench.nodes[0].log().head();
    bench.wait(3_000);
    assert_eq!(bench.nodes[0].log().head(), head);
    let deadline = bench.nodes[0].deadline();
    assert!(deadline.since(bench.now) >= 50, "wakes again at {deadline:?}");
}

/// Nothing can become final: no empty block helps.
#[test]
fn leader_without_a_registered_quorum_cuts_no_empty_blocks() {
    let mut bench = Bench::new(2);
    bench.down.insert(1);
    bench.grant(0, &[0]);
    bench.note(0);
    let head = bench.nodes[0].log().head();
    bench.wait(1_000);
    assert_eq!(bench.nodes[0].log().head(), head);
    assert_eq!(bench.nodes[0].log().certified(), head);
    assert_eq!(bench.nodes[0].log().finalised(), Height::ZERO);
}

#[test]
fn last_block_becomes_final_across_an_epoch() {
    let mut bench = one_down();
    bench.note(0);
    let ordered = bench.nodes[0].log().head();
    bench.grant(0, &[0, 1]);
    bench.grant(0, &[0, 1, 2]);
    bench.wait(500);
    assert!(bench.nodes[1].log().finalised() >= ordered);
}

/// A leader that others left behind takes its block back for theirs and cannot append it yet.
#[test]
fn leader_whose_block_was_taken_back_signs_no_other_in_its_place() {
    let mut bench = Bench::new(4);
    bench.note(3);
    bench.part(&[0]);
    let mut signed = vec![bench.cut_unheard()];
    bench.down.insert(0);
    bench.record.members[3].leaving = true;
    bench.observe();
    bench.wait(2_500);
    bench.down.remove(&0);
    let entry = bench.nodes[1].log().entry(Height(2)).unwrap();
    let step = bench.message(0, 1, Message::Block(Arc::clone(&entry.block)));
    let cut = step.effects.iter().chain(bench.effects.iter().map(|(_, effect)| effect));
    signed.extend(cut.filter_map(|effect| match effect {
        Effect::Broadcast(Message::Block(block)) => Some(Arc::clone(block)),
        _ => None,
    }));
    signed.retain(|block| block.header.term.view == View(0) && block.height() == Height(2));
    assert_eq!(bench.nodes[0].log().head(), Height(1), "it waits for the chain's word");
    assert!(signed.iter().all(|block| block.hash() == signed[0].hash()), "{}", signed.len());
}

/// P-34: an ack counts for its block, not for its height.
#[test]
fn acks_of_a_block_that_was_taken_back_count_for_no_other() {
    let mut bench = Bench::new(4);
    for _ in 0..8 {
        let Header { channel, term, height, .. } = bench.cut_unheard().header;
        let block = bench.nodes[0].log().tip().unwrap().hash;
        let ack = Ack { channel, term, height, block };
        let (node, signature) = (node_key(3).node_id(), node_key(3).sign(&ack));
        bench.message(0, 3, Message::Ack(SignedAck { ack, node, signature }));
    }
    bench.part(&[0]);
    bench.wait(2_500);
    bench.cut.clear();
    bench.wait(1_000);
    bench.grant(0, &[0, 1, 2, 3]);
    bench.wait(1_000);
    bench.note(0);
    let epoch = bench.nodes[0].log().term().epoch;
    let made = bench.events.iter().filter_map(|(node, event)| match event {
        Event::Certified { certificate } if *node == 0 => Some(certificate),
        _ => None,
    });
    let own: Vec<_> = made.filter(|made| made.ack.term.epoch == epoch).collect();
    assert!(own.iter().any(|made| made.ack.height <= Height(8)), "{own:?}");
    for certificate in own {
        certificate.check().unwrap();
    }
}

/// P-34: it is the one signature that a restarted leader need not wait for.
#[test]
fn restarted_leader_counts_the_ack_that_it_stored() {
    let mut bench = Bench::new(4);
    bench.note(3);
    let block = bench.cut_unheard();
    bench.restart(0);
    for signer in [1, 2] {
        let made = certificate(&block, &[signer]);
        let (node, signature) = made.signatures[0];
        bench.message(0, signer, Message::Ack(SignedAck { ack: made.ack, node, signature }));
    }
    assert_eq!(bench.nodes[0].log().certified(), block.height());
}
