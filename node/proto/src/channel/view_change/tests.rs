use fairway_types::{Block, Operation, Refusal, SequenceNumber, Verified, call::CallStatus, codec};

use super::{
    super::{
        bench::{Bench, Vaults, account_key, node_key, nothing, sign},
        execution::next_sequence,
        input::{Input, Request, RequestId},
        output::Step,
    },
    *,
};
use crate::message::Heartbeat;

fn ordered(bench: &Bench, node: usize) -> u64 {
    let tip = bench.nodes[node].log().tip().unwrap();
    next_sequence(&tip.state, account_key(3).address()).0
}

fn heartbeat_of(bench: &Bench, node: usize) -> Heartbeat {
    let log = bench.nodes[node].log();
    Heartbeat {
        term: log.term(),
        head: log.head(),
        head_hash: log.tip().unwrap().hash,
        certified: log.certified(),
        finalised: log.finalised(),
        wish: log.term(),
        leader_latency: 0,
        hops: 0,
    }
}

/// Everybody that is up holds one certified log.
fn assert_agreed(bench: &Bench, nodes: &[usize]) {
    let first = bench.nodes[nodes[0]].log();
    for node in nodes {
        let log = bench.nodes[*node].log();
        assert_eq!(log.tip().unwrap().hash, first.tip().unwrap().hash, "node {node}");
        assert_eq!(log.certified(), log.head(), "node {node}");
        assert_eq!(log.term(), first.term(), "node {node}");
    }
}

#[test]
fn silent_leader_is_followed_by_the_next_in_join_order_within_two_timeouts() {
    let mut bench = Bench::new(4);
    bench.note(3);
    bench.wait(500);
    bench.down.insert(0);
    bench.wait(2_000);
    assert_eq!(bench.leader(), 1);
    assert_eq!(bench.nodes[1].log().term(), Term { epoch: Epoch(1), view: View(1) });
    bench.call(3, 2, nothing());
    assert_agreed(&bench, &[1, 2, 3]);
    assert_eq!(ordered(&bench, 1), 2);
}

#[test]
fn next_leader_that_is_down_too_is_passed_over() {
    let mut bench = Bench::new(7);
    bench.note(3);
    bench.down.extend([0, 1]);
    bench.wait(6_000);
    assert_eq!(bench.leader(), 2);
    bench.call(3, 4, nothing());
    assert_agreed(&bench, &[2, 3, 4, 5, 6]);
}

/// P-70: it says that a number is used, and shows no block that used it; its clients sign another call.
#[test]
fn leader_that_refuses_numbers_that_are_next_is_followed_by_another() {
    let mut bench = Bench::new(4);
    bench.note(3);
    bench.wait(500);
    let started = bench.nodes[0].log().term();
    bench.down.insert(0);
    for round in 0..80u64 {
        let expires_at = bench.now.plus(60_000 + round);
        let sequence = SequenceNumber(ordered(&bench, 1));
        let call = sign(3, sequence, nothing(), expires_at);
        let hash = call.hash();
        for node in 1..4 {
            bench.request(node, call.clone());
            let expected = sequence.next();
            let account = account_key(3).address();
            let refusal = Refusal::SequenceNumber { account, expected, actual: sequence };
            bench.message(node, 0, Message::Refused { call: hash, refusal });
            bench.message(node, 0, Message::Heartbeat(heartbeat_of(&bench, 0)));
        }
        if bench.nodes[1].log().term() > started {
            let held = bench.nodes[1].changes.refused_at;
            assert_eq!(held, None, "what one leader refused is not held against the next");
            return;
        }
        bench.wait(100);
    }
    panic!("nobody else leads");
}

/// P-70: it is heard, orders no calls since it left, and keeps back the block that makes its leave final.
#[test]
fn leader_that_leaves_and_does_not_make_it_final_is_followed_by_another() {
    let mut bench = Bench::new(5);
    bench.down.insert(4);
    bench.call(0, 0, Operation::Leave);
    let left = bench.nodes[1].log().head();
    assert_eq!(bench.nodes[1].log().certified(), left);
    assert!(bench.nodes[1].log().finalised() < left);
    bench.down = [0].into();
    for _ in 0..80 {
        for node in 1..5 {
            bench.message(node, 0, Message::Heartbeat(heartbeat_of(&bench, 0)));
        }
        bench.wait(100);
    }
    assert!(bench.nodes[1].log().term() > bench.nodes[0].log().term());
    assert!(bench.nodes[1].log().finalised() >= left);
    assert_agreed(&bench, &[1, 2, 3, 4]);
}

/// Only the leader knew that its block was certified.
#[test]
fn certified_block_survives_the_leader() {
    let mut bench = Bench::new(4);
    bench.note(3);
    let block = bench.cut_unheard();
    for node in [1, 2] {
        bench.message(node, 0, Message::Block(Arc::clone(&block)));
    }
    bench.down.insert(0);
    bench.wait(2_500);
    assert_agreed(&bench, &[1, 2, 3]);
    for node in 1..4 {
        let place = bench.nodes[node].log().place(block.height()).unwrap();
        assert_eq!(place.hash, block.hash(), "byte for byte");
    }
}

/// One ack and the leader's own are no quorum of four.
#[test]
fn uncertified_block_of_a_leader_that_returns_is_taken_back_and_its_call_runs_once() {
    let mut bench = Bench::new(4);
    bench.note(3);
    bench.part(&[0]);
    let sequence = SequenceNumber(ordered(&bench, 0));
    let call = sign(3, sequence, nothing(), bench.now.plus(60_000));
    bench.request(0, call.clone());
    assert_eq!(bench.nodes[0].log().head(), Height(2));
    bench.wait(2_500);
    bench.note(1);
    bench.cut.clear();
    bench.wait(3_000);
    assert_agreed(&bench, &[0, 1, 2, 3]);
    assert_eq!(ordered(&bench, 1), 2, "the call of the block that was taken back");
    let back = bench
        .events
        .iter()
        .any(|(node, event)| *node == 0 && matches!(event, Event::RolledBack { to: Height(1) }));
    assert!(back, "block 2 was taken back");
}

#[test]
fn client_of_the_old_leader_is_answered_after_its_block_was_taken_back() {
    let mut bench = Bench::new(4);
    bench.part(&[0]);
    let call = sign(3, SequenceNumber(0), nothing(), bench.now.plus(60_000));
    let request =
        Request::Call { call: Box::new(Verified::trusted(call)), wait: CallStatus::Certified };
    bench.run(0, Input::Client { id: RequestId(77), request });
    bench.wait(2_500);
    bench.note(1);
    bench.cut.clear();
    bench.wait(3_000);
    let answers = bench
        .effects
        .iter()
        .filter(|(_, effect)| matches!(effect, Effect::Reply { id: RequestId(77), result: Ok(_) }));
    assert_eq!(answers.count(), 1);
}

/// P-70: a wish takes nothing away from the others.
#[test]
fn node_that_alone_lost_the_leader_disturbs_nobody() {
    let mut bench = Bench::new(4);
    bench.cut.insert((0, 2));
    bench.wait(5_000);
    assert_eq!(bench.nodes[1].log().term(), Term { epoch: Epoch(1), view: View(0) });
    assert_eq!(bench.nodes[2].log().term(), Term { epoch: Epoch(1), view: View(0) });
    bench.cut.clear();
    bench.wait(500);
    bench.note(3);
    assert_agreed(&bench, &[0, 1, 2, 3]);
}

#[test]
fn minority_certifies_nothing_and_comes_back_by_itself() {
    let mut bench = Bench::new(4);
    bench.note(3);
    bench.part(&[0, 1]);
    bench.call(3, 0, nothing());
    bench.wait(4_000);
    for node in &bench.nodes {
        assert_eq!(node.log().certified(), Height(1), "two of four are no quorum");
        assert_eq!(node.lacking_quorum(), Some((Weight(2), Weight(4))));
    }
    let refused = sign(2, SequenceNumber(0), nothing(), bench.now.plus(60_000));
    let id = bench.request(0, refused);
    let answer = bench.effects.iter().find_map(|(_, effect)| match effect {
        Effect::Reply { id: answered, result: Err(refusal) } if *answered == id => Some(refusal),
        _ => None,
    });
    assert_eq!(answer.map(fairway_types::Refusal::name), Some("no_leader"));
    bench.cut.clear();
    bench.wait(3_000);
    assert_agreed(&bench, &[0, 1, 2, 3]);
    assert_eq!(ordered(&bench, 2), 2);
}

/// The leader that follows a dead one in a pair is the chain's choice.
#[test]
fn pair_goes_on_by_a_new_epoch_only() {
    let mut bench = Bench::new(2);
    bench.note(1);
    bench.down.insert(0);
    bench.wait(5_000);
    assert_eq!(bench.nodes[1].log().term(), Term { epoch: Epoch(1), view: View(0) });
    bench.grant(1, &[1]);
    bench.note(1);
    assert_eq!(bench.nodes[1].log().certified(), bench.nodes[1].log().head());
    bench.down.clear();
    bench.observe();
    bench.wait(1_000);
    assert_agreed(&bench, &[0, 1]);
}

/// P-72: also across a restart.
#[test]
fn who_promised_a_term_acks_nothing_of_an_earlier_one() {
    let mut bench = Bench::new(4);
    bench.note(3);
    let late = bench.cut_unheard();
    bench.down.extend([0, 1]);
    bench.wait(1_500);
    bench.run(2, view_change(&bench, 1));
    bench.run(3, view_change(&bench, 1));
    assert_eq!(bench.nodes[2].log().term().view, View(1), "two are left, and the next one's word");
    bench.restart(2);
    let step = bench.message(2, 0, Message::Block(late));
    assert!(!acks(&step), "{:?}", step.effects);
}

fn acks(step: &Step) -> bool {
    let is_ack = |effect: &Effect| matches!(effect, Effect::Send { message: Message::Ack(_), .. });
    step.effects.iter().any(is_ack)
}

/// A promise of `node` towards view 1, as it would say it.
fn view_change(bench: &Bench, node: usize) -> Input {
    let promise = promise_of(bench, node, Term { epoch: Epoch(1), view: View(1) });
    let message = Box::new(Verified::trusted(Message::ViewChange(Box::new(promise))));
    Input::Peer { from: node_key(node).node_id(), message }
}

fn promise_of(bench: &Bench, node: usize, term: Term) -> Promise {
    let mut channel = bench.nodes[node].clone_for_test();
    channel.promise(term);
    channel.log().promise().cloned().unwrap()
}

/// The first block of view 1 as its leader cuts it, and what changes it makes it somebody else's.
fn opening_block(bench: &mut Bench) -> Arc<Block> {
    bench.down.insert(0);
    for _ in 0..60 {
        bench.wait(50);
        let head = bench.nodes[1].log().head();
        let entry = bench.nodes[1].log().entry(head).unwrap();
        if entry.block.opening.is_some() {
            return Arc::clone(&entry.block);
        }
    }
    panic!("view 1 never began");
}

fn resigned(block: &Block, change: impl FnOnce(&mut TermCertificate)) -> Arc<Block> {
    let mut block = block.clone();
    let mut opening = *block.opening.take().unwrap();
    change(&mut opening);
    block.header.opening = Some(opening.hash());
    block.opening = Some(Box::new(opening));
    block.signature = node_key(1).sign(&block.header);
    Arc::new(block)
}

/// P-75
#[test]
fn opening_without_enough_promises_is_refused() {
    let mut bench = Bench::new(4);
    bench.note(3);
    let fresh = bench.nodes[3].clone_for_test();
    let block = opening_block(&mut bench);
    let fewer = resigned(&block, |opening| {
        opening.view_changes.pop();
    });
    bench.nodes[3] = fresh.clone_for_test();
    bench.message(3, 1, Message::Block(fewer));
    assert_eq!(bench.nodes[3].log().head(), Height(1));
    bench.nodes[3] = fresh;
    bench.message(3, 1, Message::Block(block));
    assert_eq!(bench.nodes[3].log().head(), Height(2));
}

/// P-75: else a faulty leader could drop what was certified.
#[test]
fn opening_that_leaves_out_what_may_be_certified_is_refused() {
    let mut bench = Bench::new(4);
    bench.note(3);
    let without = bench.nodes[3].clone_for_test();
    let block = bench.cut_unheard();
    for node in [1, 2, 3] {
        bench.message(node, 0, Message::Block(Arc::clone(&block)));
    }
    let with = bench.nodes[3].clone_for_test();
    let right = opening_block(&mut bench);
    let tip = without.log().tip().unwrap();
    let mut wrong = (*right).clone();
    wrong.header.height = tip.height.next();
    wrong.header.parent = tip.hash;
    wrong.signature = node_key(1).sign(&wrong.header);
    for mut node in [without, with] {
        let head = node.log().head();
        let message = Box::new(Verified::trusted(Message::Block(Arc::new(wrong.clone()))));
        let from = node_key(1).node_id();
        node.handle(bench.now, &Vaults, Input::Peer { from, message });
        node.handle(bench.now, &Vaults, Input::Flush);
        assert_eq!(node.log().head(), head);
    }
}

/// P-72: a block that was taken back says nothing against those below it.
#[test]
fn promise_names_what_was_acked_below_a_block_that_was_taken_back() {
    let mut bench = Bench::new(4);
    let (kept, dropped) = (bench.cut_unheard(), bench.cut_unheard());
    for node in [1, 2, 3] {
        bench.message(node, 0, Message::Block(Arc::clone(&kept)));
    }
    let mut ahead = bench.nodes[2].clone_for_test();
    let block = |leader: usize, block: &Arc<Block>| Input::Peer {
        from: node_key(leader).node_id(),
        message: Box::new(Verified::trusted(Message::Block(Arc::clone(block)))),
    };
    ahead.handle(bench.now, &Vaults, block(0, &dropped));
    assert!(acks(&ahead.handle(bench.now, &Vaults, Input::Flush)));
    let first = opening_block(&mut bench);
    assert_eq!(first.header.parent, kept.hash());
    ahead.promise(Term { epoch: Epoch(1), view: View(2) });
    ahead.handle(bench.now, &Vaults, block(1, &first));
    let step = ahead.handle(bench.now, &Vaults, Input::Flush);
    assert!(ahead.log().contains(Height(2), &first.hash()) && !acks(&step));
    ahead.promise(Term { epoch: Epoch(1), view: View(3) });
    let promise = ahead.log().promise().unwrap();
    let acked: Vec<_> = promise.signed.view_change.acked.iter().map(|it| it.hash).collect();
    assert_eq!(acked, [kept.hash()]);
    let restored = crate::channel::log::Log::restore(ahead.log().snapshot());
    assert_eq!(restored.acked_to(), Height(1), "also from a snapshot");
}

/// No opening of a later term leads from one of a liar's blocks to the other.
#[test]
fn leader_goes_over_to_the_certified_one_of_two_blocks_of_a_liar() {
    let mut bench = Bench::new(4);
    let shown = bench.cut_unheard();
    let mut other = (*shown).clone();
    other.header.time = other.header.time.plus(1);
    other.signature = node_key(0).sign(&other.header);
    let other = Arc::new(other);
    bench.down.insert(0);
    bench.message(1, 0, Message::Block(shown));
    for node in [2, 3] {
        bench.message(node, 0, Message::Block(Arc::clone(&other)));
        let certificate = crate::channel::bench::certificate(&other, &[0, 2, 3]);
        bench.message(node, 0, Message::Certificate(certificate));
        assert_eq!(bench.nodes[node].log().certified(), Height(1));
    }
    bench.wait(2_500);
    bench.note(1);
    assert_agreed(&bench, &[1, 2, 3]);
    assert_eq!(bench.nodes[1].log().term().view, View(1));
    assert!(bench.nodes[1].log().contains(Height(1), &other.hash()));
}

/// P-74: a liar's ack made the certificate, and the liar concealed it when view 1 began.
#[test]
fn block_that_all_acked_survives_a_certificate_that_its_term_did_without() {
    let mut bench = Bench::new(4);
    let dropped = bench.cut_unheard();
    for node in [2, 3] {
        bench.message(node, 0, Message::Block(Arc::clone(&dropped)));
    }
    let lie = lied(1, None);
    let first = opened(&mut bench, 1, 2, lie);
    assert_eq!(first.height(), Height(1), "of four, one acked the block and one is silent");
    let all = [2, 3].map(|node| bench.message(node, 1, Message::Block(Arc::clone(&first))));
    assert!(all.iter().all(acks));
    let made = crate::channel::bench::certificate(&first, &[0, 1, 2, 3]);
    bench.message(1, 0, Message::Certificate(made));
    assert_eq!(bench.nodes[1].log().finalised(), Height(1));
    let concealed = crate::channel::bench::certificate(&dropped, &[0, 2, 3]);
    let second = opened(&mut bench, 2, 3, lied(2, Some(concealed)));
    assert_eq!(second.header.parent, first.hash());
    for node in [1, 3] {
        assert!(acks(&bench.message(node, 2, Message::Block(Arc::clone(&second)))));
    }
}

/// What node 0 promises towards a view, whatever it acked.
fn lied(view: u64, certificate: Option<Certificate>) -> Promise {
    let named = certificate.as_ref().map(|made| made.ack);
    let view_change = ViewChange {
        channel: crate::channel::bench::CHANNEL,
        term: Term { epoch: Epoch(1), view: View(view) },
        proof: named,
        certificate: named,
        acked: Vec::new(),
    };
    let (node, signature) = (node_key(0).node_id(), node_key(0).sign(&view_change.summary()));
    let signed = SignedViewChange { view_change, node, signature };
    Promise { signed, proof: certificate, certificate: None }
}

/// The first block of the view that `leader` leads, by its own promise, another's and a lie.
fn opened(bench: &mut Bench, leader: usize, other: usize, lie: Promise) -> Arc<Block> {
    let own = promise_of(bench, leader, lie.term());
    let say = |promise: Promise| Message::ViewChange(Box::new(promise));
    bench.message(other, 0, say(lie.clone()));
    bench.message(other, leader, say(own));
    let promise = bench.nodes[other].log().promise().cloned().unwrap();
    assert_eq!(promise.term(), lie.term());
    bench.message(leader, 0, say(lie));
    crate::channel::bench::block_of(&bench.message(leader, other, say(promise)))
}

/// What a promise says is at most what fits every opening.
#[test]
fn promise_names_what_was_acked_above_the_certificate() {
    let mut bench = Bench::new(4);
    bench.note(3);
    let block = bench.cut_unheard();
    bench.message(2, 0, Message::Block(Arc::clone(&block)));
    let term = Term { epoch: Epoch(1), view: View(1) };
    let promise = promise_of(&bench, 2, term);
    let change = &promise.signed.view_change;
    assert_eq!(change.base(), Height(1));
    assert_eq!(change.acked.iter().map(|place| place.hash).collect::<Vec<_>>(), [block.hash()]);
    assert!(codec::size(&promise) < 2_000);
}

/// P-70: a leader that says it is there and orders nothing.
#[test]
fn leader_that_leaves_calls_undone_is_changed() {
    let mut bench = Bench::new(4);
    bench.note(3);
    bench.down.insert(0);
    let beats = |bench: &mut Bench, milliseconds: u64| {
        for _ in 0..milliseconds / 50 {
            for node in [1, 2, 3] {
                let heartbeat = bench.nodes[0].heartbeat();
                bench.message(node, 0, Message::Heartbeat(heartbeat.unwrap()));
            }
            bench.wait(50);
        }
    };
    beats(&mut bench, 6_000);
    assert_eq!(bench.nodes[1].log().term().view, View(0), "there was nothing to order");
    bench.call(3, 1, nothing());
    bench.call(2, 2, nothing());
    beats(&mut bench, 6_000);
    assert_eq!(bench.nodes[1].log().term().view, View(1));
    assert_eq!(ordered(&bench, 1), 2);
}
