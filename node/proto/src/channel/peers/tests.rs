#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the effects it is about")]

use std::sync::Arc;

use fairway_types::{CallStatus, Operation, SequenceNumber, Verified};

use super::{
    super::{
        Env, Limits,
        bench::{self, Bench, Vaults, nothing, sign},
        input::{Input, Request, RequestId},
    },
    *,
};

/// How many signatures each certificate has that the node has told since it was last asked.
fn told(bench: &mut Bench) -> Vec<usize> {
    let told = |effect: &Effect| match effect {
        Effect::Broadcast(Message::Certificate(made)) => Some(made.signatures.len()),
        _ => None,
    };
    let step = bench.input(0, Input::Timeout);
    step.effects.iter().filter_map(told).collect()
}

/// A leader that waits as nodes do, its first block, and the others' acks of it.
fn acked() -> (Bench, Vec<SignedAck>) {
    let mut bench = Bench::new(4);
    let env = Env { limits: Limits::default(), ..bench::env(0) };
    bench.nodes[0] = Channel::restore(env, bench.nodes[0].log().clone());
    let observed = Input::Chain(bench.observation());
    bench.input(0, observed);
    let block = bench.cut_unheard();
    let ack = |signer| {
        let made = bench::certificate(&block, &[signer]);
        let (node, signature) = made.signatures[0];
        SignedAck { ack: made.ack, node, signature }
    };
    let acks = [1, 2, 3].map(ack).to_vec();
    (bench, acks)
}

fn hears(bench: &mut Bench, acks: &[SignedAck]) {
    for ack in acks {
        let message = Box::new(Verified::trusted(Message::Ack(*ack)));
        let input = Input::Peer { from: ack.node, message };
        bench.nodes[0].handle(bench.now, &Vaults, input);
    }
}

/// P-34: one message for a group.
#[test]
fn certificate_of_a_group_of_acks_is_told_once_with_all_of_them() {
    let (mut bench, acks) = acked();
    hears(&mut bench, &acks);
    assert_eq!(told(&mut bench), [4]);
    assert!(told(&mut bench).is_empty());
}

/// P-34: who waits for it to be certified waits no longer; that it is final is told a little later.
#[test]
fn what_only_makes_final_is_told_after_a_while() {
    let (mut bench, acks) = acked();
    hears(&mut bench, &acks[..2]);
    assert_eq!(told(&mut bench), [3]);
    hears(&mut bench, &acks[2..]);
    assert!(told(&mut bench).is_empty());
    let due = bench.nodes[0].deadline();
    assert_eq!(due, bench.now.plus(Limits::default().tell_delay));
    bench.now = due;
    assert_eq!(told(&mut bench), [4]);
}

/// P-34: the next block brings it to everybody.
#[test]
fn what_a_block_carries_is_not_told() {
    let (mut bench, acks) = acked();
    hears(&mut bench, &acks[..2]);
    assert_eq!(told(&mut bench), [3]);
    hears(&mut bench, &acks[2..]);
    bench.cut_unheard();
    bench.now = bench.now.plus(Limits::default().tell_delay);
    assert!(told(&mut bench).is_empty());
}

/// Two of four leave in one block, which is final by the acks of all.
#[test]
fn who_missed_how_leaves_became_final_is_told_by_the_leader() {
    let mut bench = Bench::new(4);
    for sender in [2, 3] {
        let leave = sign(sender, SequenceNumber(0), Operation::Leave, bench.now.plus(60_000));
        let call = Box::new(Verified::trusted(leave));
        let request = Request::Call { call, wait: CallStatus::Executed };
        let id = RequestId(sender as u64);
        bench.nodes[0].handle(bench.now, &Vaults, Input::Client { id, request });
    }
    bench.input(0, Input::Flush);
    let leaves = Arc::clone(&bench.nodes[0].log().entry(Height(1)).unwrap().block);
    let acks: Vec<_> = (1..4)
        .map(|node| {
            bench.message(node, 0, Message::Block(Arc::clone(&leaves)));
            *bench.nodes[node].log().acked().unwrap()
        })
        .collect();
    for (node, ack) in (1..3).zip(&acks) {
        bench.message(0, node, Message::Ack(*ack));
    }
    // The next block says that three acked, and nothing afterwards says that all did.
    let next = bench.cut_unheard();
    bench.message(0, 3, Message::Ack(acks[2]));
    assert_eq!(bench.nodes[0].log().finalised(), Height(1));
    bench.down = [2, 3].into();
    bench.message(1, 0, Message::Block(next));
    bench.wait(2_000);
    bench.call(0, 0, nothing());
    bench.wait(2_000);
    let (leader, other) = (bench.nodes[0].log(), bench.nodes[1].log());
    assert!(leader.finalised() > Height(1));
    assert_eq!(other.finalised(), leader.finalised());
}
