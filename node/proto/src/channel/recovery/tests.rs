use std::sync::Arc;

use fairway_types::{Block, block::CertifiedBlock};

use super::{
    super::{
        bench::{Bench, chain_member, env, node_key, nothing, record},
        input::Input,
    },
    *,
};

/// Founders of a channel that leaves the disk out of the way.
fn replicated(count: usize) -> Bench {
    let mut record = record(count);
    record.config.durability = Durability::Replicated;
    Bench::with_record(count, record)
}

fn first_term() -> Term {
    Term { epoch: Epoch(1), view: View(0) }
}

/// Terms in which the node signed acks since it came back.
fn acked_terms(bench: &Bench, node: usize) -> BTreeSet<Term> {
    let acked = bench.events.iter().filter(|(of, _)| *of == node).filter_map(|(_, event)| {
        if let Event::Acked { ack } = event { Some(ack.ack.term) } else { None }
    });
    acked.collect()
}

fn assert_agreed(bench: &Bench, nodes: &[usize]) {
    let first = bench.nodes[nodes[0]].log();
    for node in nodes {
        let log = bench.nodes[*node].log();
        assert_eq!(log.tip().map(|tip| tip.hash), first.tip().map(|tip| tip.hash), "{node}");
        assert_eq!(log.certified(), log.head(), "node {node}");
        assert!(!log.is_tail_lost(), "node {node}");
    }
}

#[test]
fn follower_without_its_tail_signs_again_in_a_later_term_only() {
    let mut bench = replicated(4);
    (0..3).for_each(|_| bench.note(3));
    bench.lose_tail(2);
    bench.wait(1_000);
    assert_eq!(bench.nodes[2].log().silent_to(), Some(first_term()), "the others told it");
    bench.note(3);
    assert_agreed(&bench, &[0, 1, 2, 3]);
    assert!(acked_terms(&bench, 2).is_empty(), "it may have acked another block there");
    bench.down.insert(0);
    bench.wait(3_000);
    bench.call(3, 1, nothing());
    assert_agreed(&bench, &[1, 2, 3]);
    let later = Term { view: View(1), ..first_term() };
    assert_eq!(acked_terms(&bench, 2), [later].into(), "three of four need it");
}

/// Its block is gone: it must not sign another one in its place.
#[test]
fn leader_without_its_tail_gives_its_term_up_at_once() {
    let mut bench = replicated(4);
    bench.note(3);
    let lost = bench.cut_unheard();
    bench.message(3, 0, Message::Block(Arc::clone(&lost)));
    bench.lose_tail(0);
    bench.wait(500);
    assert_ne!(bench.leader(), 0, "sooner than by its silence");
    bench.call(3, 1, nothing());
    bench.wait(2_000);
    assert_agreed(&bench, &[0, 1, 2, 3]);
    assert!(acked_terms(&bench, 0).iter().all(|term| *term > first_term()));
}

#[test]
fn one_of_a_pair_comes_back_without_its_tail() {
    for node in [0, 1] {
        let mut bench = replicated(2);
        (0..3).for_each(|_| bench.note(1));
        bench.lose_tail(node);
        bench.wait(3_000);
        bench.note(1);
        assert_agreed(&bench, &[0, 1]);
        assert_eq!(bench.nodes[0].log().tip().map(|tip| tip.height.0 >= 4), Some(true));
        assert!(acked_terms(&bench, node).iter().all(|term| *term > first_term()));
    }
}

#[test]
fn who_is_alone_goes_on_in_another_term() {
    let mut bench = replicated(1);
    bench.note(0);
    bench.lose_tail(0);
    bench.wait(500);
    bench.note(0);
    assert_agreed(&bench, &[0]);
    assert!(acked_terms(&bench, 0).iter().all(|term| *term > first_term()));
}

/// P-91: everybody that there is has answered, nobody knows more.
#[test]
fn channel_that_lost_power_as_a_whole_goes_on_from_what_is_left() {
    let mut bench = replicated(4);
    (0..3).for_each(|_| bench.note(3));
    bench.down = [0, 1, 2, 3].into();
    for node in 0..4 {
        bench.down.remove(&node);
        bench.lose_tail(node);
    }
    bench.wait(3_000);
    bench.note(3);
    assert_agreed(&bench, &[0, 1, 2, 3]);
    for node in 0..4 {
        assert!(acked_terms(&bench, node).iter().all(|term| *term > first_term()));
    }
}

/// Each needs the other's promise: of a term that it knew of before, it may be silent for good.
#[test]
fn pair_goes_on_when_an_epoch_was_granted_that_one_had_promised_before_it_lost_it() {
    let mut bench = replicated(2);
    bench.note(1);
    bench.down.insert(0);
    bench.grant(1, &[0, 1]);
    bench.wait(300);
    bench.down.remove(&0);
    bench.part(&[0]);
    bench.lose_tail(0);
    let first = Term { epoch: Epoch(2), view: View(0) };
    let nonce = bench.nodes[0].recovery.nonce;
    let acked = bench.nodes[1].log().tip().map(|tip| (tip.height, tip.hash));
    let standing = Standing { term: first, acked, ..standing(nonce) };
    bench.cut.clear();
    bench.run(0, Input::Timeout);
    bench.nodes[0].on_standing(node_key(1).node_id(), standing);
    bench.wait(8_000);
    bench.note(1);
    assert_agreed(&bench, &[0, 1]);
    assert_eq!(bench.nodes[0].log().term().epoch, Epoch(2));
}

/// A block that the leader, one follower and the lost tail certified.
fn certified_by_three() -> (Bench, Arc<Block>) {
    let mut bench = replicated(4);
    bench.note(3);
    bench.wait(100);
    bench.part(&[3]);
    bench.note(0);
    let top = bench.nodes[0].log().tip().map(|tip| tip.height).unwrap_or_default();
    assert_eq!(bench.nodes[0].log().certified(), top);
    let block = Arc::clone(&bench.nodes[0].log().entry(top).unwrap().block);
    (bench, block)
}

#[test]
fn who_hears_too_few_signs_nothing() {
    let (mut bench, _) = certified_by_three();
    bench.part(&[2, 3]);
    bench.lose_tail(2);
    bench.wait(2_000);
    assert!(bench.nodes[2].log().is_tail_lost(), "the one that answers knows too little");
    assert!(bench.nodes[2].log().promise().is_none());
}

#[test]
fn certified_block_survives_a_lost_tail_and_then_the_leader() {
    let (mut bench, block) = certified_by_three();
    bench.cut.clear();
    bench.cut.extend([(0, 3), (1, 3)]);
    bench.lose_tail(2);
    bench.wait(1_000);
    assert!(!bench.nodes[2].log().is_tail_lost());
    bench.cut.clear();
    bench.down.insert(0);
    bench.wait(3_000);
    assert_agreed(&bench, &[1, 2, 3]);
    assert!(bench.nodes[3].log().contains(block.height(), &block.hash()));
}

/// P-91: its empty log names nobody else; the chain does.
#[test]
fn sole_founder_that_lost_all_its_data_asks_who_joined_since() {
    let mut bench = Bench::with_record(2, record(1));
    bench.note(0);
    bench.record.members.push(chain_member(1));
    bench.observe();
    bench.grant(0, &[0, 1]);
    bench.note(0);
    bench.wait(500);
    assert_agreed(&bench, &[0, 1]);
    bench.part(&[0]);
    bench.nodes[0] = Channel::new(env(0));
    bench.events.clear();
    bench.run(0, Input::TailLost { nonce: 7 });
    let observation = bench.observation();
    bench.run(0, Input::Chain(observation));
    bench.wait(2_000);
    assert!(bench.nodes[0].log().is_tail_lost(), "it led all the same terms before");
    assert!(acked_terms(&bench, 0).is_empty());
    bench.cut.clear();
    bench.wait(8_000);
    bench.note(1);
    assert_agreed(&bench, &[0, 1]);
}

/// Another restart loses what it heard, not that it has to hear it.
#[test]
fn restart_in_the_midst_of_it_asks_again() {
    let (mut bench, _) = certified_by_three();
    bench.part(&[2]);
    bench.lose_tail(2);
    bench.restart(2);
    assert!(bench.nodes[2].log().is_tail_lost());
    bench.cut.clear();
    bench.run(2, Input::TailLost { nonce: 99 });
    bench.wait(1_000);
    assert!(!bench.nodes[2].log().is_tail_lost());
}

fn standing(nonce: u64) -> Standing {
    Standing { nonce, term: first_term(), acked: None, certified: None, tail_lost: false }
}

#[test]
fn answers_to_an_earlier_life_and_claims_of_one_liar_count_for_nothing() {
    let mut bench = replicated(4);
    bench.note(3);
    bench.part(&[2]);
    bench.lose_tail(2);
    let from = |node: usize| node_key(node).node_id();
    for node in [0, 1, 3] {
        bench.nodes[2].on_standing(from(node), standing(1_000));
    }
    bench.nodes[2].recover();
    assert!(bench.nodes[2].log().is_tail_lost());
    let nonce = bench.nodes[2].recovery.nonce;
    let far = Term { view: View(u64::MAX), ..first_term() };
    bench.nodes[2].on_standing(from(3), Standing { term: far, ..standing(nonce) });
    for node in [0, 1] {
        bench.nodes[2].on_standing(from(node), standing(nonce));
    }
    bench.nodes[2].recover();
    assert_eq!(bench.nodes[2].log().silent_to(), Some(first_term()));
}

/// P-92: of an epoch in which one of three votes, the others know nothing.
#[test]
fn who_votes_almost_alone_is_silent_until_the_next_epoch() {
    let mut bench = replicated(3);
    bench.note(0);
    bench.grant(0, &[0]);
    bench.note(0);
    bench.wait(300);
    bench.lose_tail(0);
    bench.wait(4_000);
    let log = bench.nodes[0].log();
    assert_eq!((log.is_tail_lost(), log.term().epoch), (false, Epoch(2)));
    for node in &bench.nodes {
        assert!(node.log().term().view < View(10), "{:?}", node.log().term());
    }
    assert!(acked_terms(&bench, 0).iter().all(|term| term.epoch > Epoch(2)));
    bench.grant(0, &[0, 1, 2]);
    bench.wait(2_000);
    bench.note(0);
    assert_agreed(&bench, &[0, 1, 2]);
}

/// P-92: the only voter says that it knows of no later view; it may have begun one that this node acked.
#[test]
fn sole_voter_is_not_believed_that_no_later_view_began() {
    for tail_lost in [false, true] {
        let mut bench = replicated(2);
        bench.note(1);
        bench.grant(0, &[0]);
        bench.note(0);
        bench.wait(300);
        bench.part(&[1]);
        bench.lose_tail(1);
        let nonce = bench.nodes[1].recovery.nonce;
        let tip = bench.nodes[0].log().tip().map(|tip| (tip.height, tip.hash));
        let term = bench.nodes[0].log().term();
        for height in 1..=tip.unwrap().0.0 {
            let block = bench.nodes[0].log().entry(Height(height)).unwrap().block.clone();
            bench.message(
                1,
                0,
                Message::SyncBlocks(vec![CertifiedBlock { block, certificate: None }]),
            );
        }
        let answer = Standing { term, acked: tip, certified: tip, tail_lost, ..standing(nonce) };
        bench.nodes[1].on_standing(node_key(0).node_id(), answer);
        bench.nodes[1].recover();
        let silent = bench.nodes[1].log().silent_to();
        assert_eq!(silent.map(|term| term.view), Some(View(u64::MAX)), "tail lost: {tail_lost}");
    }
}

#[test]
fn where_all_must_answer_a_liar_makes_up_no_term() {
    let mut bench = replicated(4);
    bench.note(3);
    bench.part(&[2]);
    bench.lose_tail(2);
    let nonce = bench.nodes[2].recovery.nonce;
    for node in [0, 1, 3] {
        let view = if node == 3 { View(u64::MAX) } else { View(0) };
        let term = Term { view, ..first_term() };
        let answer = Standing { term, tail_lost: true, ..standing(nonce) };
        bench.nodes[2].on_standing(node_key(node).node_id(), answer);
    }
    bench.nodes[2].recover();
    assert_eq!(bench.nodes[2].log().silent_to(), Some(first_term()));
}

/// An ack that is still to come makes a certificate with the one that was lost.
#[test]
fn who_may_have_acked_what_the_leader_shows_has_it_before_it_signs() {
    let mut bench = replicated(4);
    bench.note(3);
    let block = bench.cut_unheard();
    bench.message(2, 0, Message::Block(Arc::clone(&block)));
    let lost = *bench.nodes[2].log().acked().unwrap();
    assert_eq!(lost.ack.height, block.height());
    bench.part(&[0]);
    bench.lose_tail(2);
    bench.wait(200);
    assert!(bench.nodes[2].log().is_tail_lost(), "the leader was not asked");
    bench.message(1, 0, Message::Block(Arc::clone(&block)));
    let late = *bench.nodes[1].log().acked().unwrap();
    for (node, ack) in [(2, lost), (1, late)] {
        bench.message(0, node, Message::Ack(ack));
    }
    assert_eq!(bench.nodes[0].log().certified(), block.height());
    bench.cut.clear();
    bench.wait(600);
    bench.down.insert(0);
    bench.wait(4_000);
    for node in 1..4 {
        assert!(bench.nodes[node].log().contains(block.height(), &block.hash()), "{node}");
    }
}
