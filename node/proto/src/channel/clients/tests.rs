#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the effects it is about")]

use std::sync::Arc;

use fairway_types::{Height, Refusal, SequenceNumber, Time, Verified};

use super::super::{
    Channel,
    bench::{Bench, env, nothing, sign},
    input::{Input, Request, RequestId},
    output::{CallStatus, Effect, Reply},
};
use crate::message::Message;

/// P-20: the call itself goes on.
#[test]
fn who_is_gone_takes_no_room() {
    let mut bench = Bench::new(4);
    let call = sign(0, SequenceNumber(0), nothing(), bench.now.plus(60_000));
    let wait = |bench: &mut Bench, id: u64| {
        let call = Box::new(Verified::trusted(call.clone()));
        let request = Request::Call { call, wait: CallStatus::Settled };
        bench.input(0, Input::Client { id: RequestId(id), request });
    };
    (1..=3).for_each(|id| wait(&mut bench, id));
    bench.input(0, Input::Gone { requests: [RequestId(1), RequestId(3)].into() });
    assert_eq!(bench.nodes[0].clients.size().0, 1);
    bench.input(0, Input::Gone { requests: [RequestId(2), RequestId(9)].into() });
    assert_eq!(bench.nodes[0].clients.size().0, 0);
    assert_eq!(bench.nodes[0].log().head(), Height(1), "it was ordered");
}

/// P-20: what an app asks again and again takes room and time once.
#[test]
fn who_repeats_a_call_that_ran_takes_one_place_and_is_answered_once() {
    let mut bench = Bench::new(4);
    let call = sign(0, SequenceNumber(0), nothing(), bench.now.plus(60_000));
    let ask = |bench: &mut Bench, id: u64, wait: CallStatus| {
        let call = Box::new(Verified::trusted(call.clone()));
        let request = Request::Call { call, wait };
        let step = bench.input(0, Input::Client { id: RequestId(id), request });
        step.effects.iter().filter(|effect| matches!(effect, Effect::Reply { .. })).count()
    };
    let asked: usize = (0..1_000).map(|id| ask(&mut bench, id, CallStatus::Settled)).sum();
    assert_eq!(asked, 0);
    assert_eq!(bench.nodes[0].clients.size().0, 1_000);
    assert_eq!(bench.nodes[0].clients.hardening.len(), 1);
    let answered = ask(&mut bench, 1_000, CallStatus::Executed);
    assert_eq!(answered, 1, "who waits for no more than there is");
    bench.input(0, Input::Gone { requests: (1..1_000).map(RequestId).collect() });
    assert_eq!(bench.nodes[0].clients.hardening.len(), 1);
    bench.input(0, Input::Gone { requests: [RequestId(0)].into() });
    assert_eq!((bench.nodes[0].clients.size().0, bench.nodes[0].clients.hardening.len()), (0, 0));
}

fn refused(bench: &Bench) -> Vec<&Refusal> {
    let replies = bench.effects.iter().filter_map(|(_, effect)| {
        if let Effect::Reply { result: Err(refusal), .. } = effect { Some(refusal) } else { None }
    });
    replies.collect()
}

#[test]
fn calls_that_expire_in_the_pool_are_answered() {
    let mut bench = Bench::new(1);
    let early = sign(0, SequenceNumber(5), nothing(), bench.now.plus(100));
    bench.request(0, early);
    assert_eq!(refused(&bench), Vec::<&Refusal>::new());
    bench.wait(500);
    assert!(matches!(refused(&bench)[..], [Refusal::Expired { .. }]));
    assert_eq!(bench.nodes[0].clients.waiting_count, 0);
}

/// Whoever asks again for a call on its way waits too; another call is refused once the bytes on
/// the way are too many.
#[test]
fn calls_on_their_way_are_bounded_by_their_bytes() {
    let mut bench = Bench::new(2);
    bench.down.insert(0);
    let call = |bench: &Bench, sequence| {
        sign(0, SequenceNumber(sequence), nothing(), bench.now.plus(60_000))
    };
    let first = call(&bench, 0);
    bench.request(1, first.clone());
    Arc::make_mut(&mut bench.nodes[1].env).limits.on_the_way_bytes = 1;
    bench.request(1, first);
    assert_eq!(refused(&bench), Vec::<&Refusal>::new());
    let second = call(&bench, 1);
    bench.request(1, second);
    assert_eq!(refused(&bench), [&Refusal::busy("calls on their way to the leader", 100)]);
    assert_eq!(bench.nodes[1].clients.waiting_count, 2);
    bench.down.clear();
    bench.wait(1_000);
    assert_eq!(bench.nodes[1].clients.on_the_way.bytes, 0);
}

/// P-79: else its client would be told that nobody leads, and that the call failed, though it is ordered
/// once the others are heard again.
#[test]
fn who_asks_again_for_a_call_under_way_waits_also_without_a_quorum() {
    for via in [1, 0] {
        let mut bench = Bench::new(2);
        bench.wait(100);
        bench.down.insert(1 - via);
        let call = |bench: &Bench, sequence| {
            sign(0, SequenceNumber(sequence), nothing(), bench.now.plus(120_000))
        };
        // The leader keeps one that is early; the other sends the next one on its way.
        let under_way = call(&bench, u64::from(via == 0));
        let first = bench.request(via, under_way.clone());
        bench.wait(10_000);
        let second = bench.request(via, under_way);
        let other = call(&bench, 2);
        let refused = bench.request(via, other);
        assert!(matches!(bench.answer(refused), Err(Refusal::NoLeader { .. })), "{via}");
        bench.down.clear();
        bench.wait(1_000);
        if via == 0 {
            let before = call(&bench, 0);
            bench.request(0, before);
            bench.wait(1_000);
        }
        assert!(bench.answer(first).is_ok() && bench.answer(second).is_ok(), "{via}");
    }
}

#[test]
fn a_call_that_never_expires_is_refused_at_the_door() {
    let mut bench = Bench::new(2);
    bench.request(1, sign(0, SequenceNumber(0), nothing(), Time(u64::MAX)));
    assert!(matches!(refused(&bench)[..], [Refusal::InvalidArgument { .. }]));
}

/// P-37: a call that ran is never refused as a number used twice: whoever sent it would send
/// another one, and pay twice.
#[test]
fn node_that_was_restarted_knows_the_calls_in_its_log() {
    let mut bench = Bench::new(2);
    let call = sign(1, SequenceNumber(0), nothing(), bench.now.plus(60_000));
    bench.request(0, call.clone());
    for node in 0..2 {
        let log = bench.nodes[node].log().clone();
        bench.nodes[node] = Channel::restore(env(node), log);
    }
    bench.observe();
    let step = bench.message(0, 1, Message::Forward(call.clone()));
    let refuses =
        |effect: &Effect| matches!(effect, Effect::Send { message: Message::Refused { .. }, .. });
    assert!(!step.effects.iter().any(refuses), "{:?}", step.effects);
    for node in 0..2 {
        bench.request(node, call.clone());
    }
    assert_eq!(refused(&bench), Vec::<&Refusal>::new());
}

/// P-79: the chain settled what the others ordered at that height.
#[test]
fn call_in_a_block_that_nobody_certified_is_not_settled() {
    let mut bench = Bench::new(4);
    bench.note(3);
    bench.down.extend([1, 2, 3]);
    bench.record.settlement.height = Height(9);
    bench.observe();
    bench.note(0);
    let executed = bench.effects.iter().rev().find_map(|(_, effect)| match effect {
        Effect::Reply { result: Ok(Reply::Call(report)), .. } => Some(report.status),
        _ => None,
    });
    assert_eq!(executed, Some(CallStatus::Executed));
}
