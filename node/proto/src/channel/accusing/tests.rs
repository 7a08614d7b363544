//! Evidence as it is made, checked by who never saw the channel; and each way to lie with it.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the variants it is about")]

use std::sync::Arc;

use fairway_types::{
    Operation, SequenceNumber, Time, Transaction, Write,
    chain::ChannelFacts,
    codec,
    crypto::Verify,
    evidence::{Disputed, Evidence, Parent},
    witness::WitnessNode,
};
use proptest::prelude::*;

use super::{
    super::bench::{
        Bench, Vaults, amounts, certificate, delegate, junk, member, node_key, nothing, put,
        put_by_session, record, session_key, sign,
    },
    *,
};
use crate::settlement::dispute::{Verdict, check};

/// One of every kind.
fn operations() -> Vec<Operation> {
    let revoke = Operation::Revoke { key: session_key().public() };
    let by_session = put_by_session(7, 1);
    vec![nothing(), put(7, 1), Operation::Leave, Operation::Close, delegate(), revoke, by_session]
}

/// Four members, of whom the first leads; it orders this, of which the others have not heard.
fn ordered(operation: Operation) -> (Bench, Arc<Block>) {
    let mut bench = Bench::new(4);
    bench.call(0, 0, delegate());
    bench.call(1, 0, put(1, 1));
    bench.call(2, 0, put(2, 2));
    let block = bench.cut_unheard_of(operation);
    (bench, block)
}

/// What the second member finds when the leader alters its block.
fn found(operation: Operation, change: impl FnOnce(&mut Block)) -> (Bench, Evidence) {
    let (mut bench, block) = ordered(operation);
    let altered = junk(&block, 0, change);
    assert!(altered.check().is_ok());
    bench.message(1, 0, Message::Block(altered));
    let evidence = bench.nodes[1].log().evidence().cloned();
    (bench, evidence.expect("it was noticed"))
}

fn other_effects(block: &mut Block) {
    block.header.effects_root = Hash([1; 32]);
}

/// What somebody says who knows the record and the package alone.
fn says(evidence: &Evidence) -> Verdict {
    check(evidence, &record(4).facts(), &Vaults, None).verdict
}

fn is_unclear(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unclear(_))
}

/// The second member accuses the leader of a block in which nothing is wrong.
fn slander(operation: Operation) -> (Bench, Evidence) {
    let (bench, block) = ordered(operation);
    let disputed = disputed(bench.nodes[1].log(), &block, &Vaults).expect("it holds the parent");
    (bench, divergence_of(disputed))
}

fn divergence_of(block: Box<Disputed>) -> Evidence {
    let (effects_root, state_root) = (Hash([1; 32]), Hash([2; 32]));
    let reporter = node_key(1).node_id();
    Evidence::Divergence { reporter, block, effects: Vec::new(), effects_root, state_root }
}

fn block_of(evidence: &mut Evidence) -> &mut Disputed {
    match evidence {
        Evidence::Divergence { block, .. } | Evidence::InvalidTransaction { block, .. } => block,
        _ => panic!("no block is disputed"),
    }
}

fn changed(evidence: &Evidence, change: impl FnOnce(&mut Disputed)) -> Evidence {
    let mut evidence = evidence.clone();
    change(block_of(&mut evidence));
    evidence
}

#[test]
fn stranger_finds_a_leader_guilty_that_signed_another_effects_root() {
    let (_, evidence) = found(put(1, 9), other_effects);
    let judgement = check(&evidence, &record(4).facts(), &Vaults, None);
    assert!(judgement.verdict.is_guilty(), "{:?}", judgement.verdict);
    let Evidence::Divergence { effects, effects_root, state_root, .. } = &evidence else {
        panic!("{evidence:?}");
    };
    let again = judgement.executed.expect("it was executed again");
    assert_eq!((&again.effects, again.effects_root), (effects, *effects_root));
    assert_eq!(again.state_root, *state_root);
}

#[test]
fn stranger_finds_a_leader_guilty_that_signed_another_state_root() {
    let (_, evidence) = found(put(1, 9), |block| block.header.state_root = Hash([1; 32]));
    assert!(says(&evidence).is_guilty(), "{:?}", says(&evidence));
}

#[test]
fn every_kind_of_bookkeeping_is_shown_to_a_stranger() {
    for operation in operations() {
        let (_, evidence) = found(operation.clone(), other_effects);
        assert!(says(&evidence).is_guilty(), "{operation:?}: {:?}", says(&evidence));
        let (_, evidence) = slander(operation.clone());
        let verdict = says(&evidence);
        assert!(matches!(verdict, Verdict::Innocent(_)), "{operation:?}: {verdict:?}");
    }
}

/// P-95: the hash of genesis binds all that the first block depends on to the leader's signature.
#[test]
fn first_block_is_judged_by_the_genesis_that_it_names() {
    let mut bench = Bench::new(4);
    let block = bench.cut_unheard_of(put(1, 1));
    assert_eq!(block.height(), Height(1));
    let honest = divergence_of(disputed(bench.nodes[1].log(), &block, &Vaults).expect("a parent"));
    assert!(matches!(says(&honest), Verdict::Innocent(_)), "{:?}", says(&honest));
    bench.message(1, 0, Message::Block(junk(&block, 0, other_effects)));
    let evidence = bench.nodes[1].log().evidence().cloned().expect("it was noticed");
    assert!(says(&evidence).is_guilty(), "{:?}", says(&evidence));
    let other = changed(&evidence, |block| {
        let Parent::Genesis { founders, .. } = &mut block.parent else { panic!("no genesis") };
        founders.pop();
    });
    assert!(is_unclear(&says(&other)), "{:?}", says(&other));
    // The record names no ticks; who says otherwise says it of another channel.
    let facts = ChannelFacts { tick_interval: 100, ..record(4).facts() };
    let ticking = changed(&honest, |block| block.facts = facts);
    let known = check(&ticking, &facts, &Vaults, None).verdict;
    assert!(is_unclear(&known), "{known:?}");
}

#[test]
fn block_at_another_height_than_its_parents_next_is_unclear() {
    let (bench, block) = ordered(put(1, 9));
    let above = junk(&block, 0, |block| block.header.height = Height(9));
    let mut disputed = disputed(bench.nodes[1].log(), &block, &Vaults).expect("a parent");
    disputed.block = above.signed_header();
    let evidence = divergence_of(disputed);
    assert!(is_unclear(&says(&evidence)), "{:?}", says(&evidence));
}

#[test]
fn evidence_that_is_not_bound_to_the_accuseds_signature_is_unclear() {
    let (_, evidence) = found(put(1, 9), other_effects);
    let header = |change: fn(&mut fairway_types::Header)| {
        changed(&evidence, |block| change(&mut block.block.header))
    };
    let cases = [
        ("another header", header(|header| header.state_root = Hash([7; 32]))),
        ("another time", header(|header| header.time = Time(1))),
        (
            "no signature",
            changed(&evidence, |b| b.block.signature = fairway_types::Signature::ZERO),
        ),
        ("another accused", changed(&evidence, |b| b.block.leader = node_key(2).node_id())),
        ("another call", changed(&evidence, |b| b.transactions.push(Transaction::Tick))),
        ("no calls", changed(&evidence, |b| b.transactions.clear())),
        (
            "another parent",
            changed(&evidence, |b| match &mut b.parent {
                Parent::Block(parent) => parent.state_root = Hash([7; 32]),
                Parent::Genesis { .. } => panic!("not the first block"),
            }),
        ),
        ("no witness", changed(&evidence, |b| b.witness = None)),
    ];
    for (what, evidence) in cases {
        assert!(is_unclear(&says(&evidence)), "{what}: {:?}", says(&evidence));
    }
}

/// P-95: what the judge knows of the channel counts, not what the accuser says of it.
#[test]
fn evidence_under_other_facts_than_the_channels_is_unclear() {
    let (_, evidence) = slander(put(1, 9));
    let facts = record(4).facts();
    let others = [
        ChannelFacts { package: Hash([1; 32]), ..facts },
        ChannelFacts { creator: member(3).account, ..facts },
        ChannelFacts { tick_interval: 100, ..facts },
        ChannelFacts { gas_table: fairway_types::GasTableId::STORAGE, ..facts },
        ChannelFacts { chain: fairway_types::ChainId(8), ..facts },
        ChannelFacts { channel: fairway_types::ChannelId([8; 32]), ..facts },
    ];
    for other in others {
        let told = changed(&evidence, |block| block.facts = other);
        assert!(is_unclear(&says(&told)), "{:?}", says(&told));
        let known = check(&evidence, &other, &Vaults, None).verdict;
        assert!(is_unclear(&known), "{known:?}");
    }
}

/// P-94: a member that is not shown would otherwise not be there.
#[test]
fn roll_with_an_account_missing_makes_a_case_unclear() {
    let (bench, mut evidence) = slander(Operation::Close);
    let state = bench.nodes[1].log().tip().expect("a tip").state;
    let witness = block_of(&mut evidence).witness.clone().expect("a witness");
    let keys = witness.entries.iter().map(|(key, _)| key.clone());
    let fewer: Vec<_> = keys.filter(|key| key.member() != Some(member(2).account)).collect();
    assert_eq!(fewer.len() + 1, witness.entries.len());
    // Everything in it is proven; the leader's roots are what comes of all four members.
    let gone = Write { key: fewer[0].clone(), value: None };
    block_of(&mut evidence).witness = Some(state.witness(fewer, &[gone]));
    assert!(is_unclear(&says(&evidence)), "{:?}", says(&evidence));
}

#[test]
fn who_holds_the_state_judges_without_a_witness() {
    let (bench, evidence) = found(put(1, 9), other_effects);
    let evidence = changed(&evidence, |block| block.witness = None);
    let state = bench.nodes[2].log().tip().expect("a tip").state;
    let facts = record(4).facts();
    assert!(check(&evidence, &facts, &Vaults, Some(&state)).verdict.is_guilty());
    let other = state
        .with_writes(&[Write { key: fairway_types::StateKey::Closed, value: Some(Vec::new()) }]);
    assert!(is_unclear(&check(&evidence, &facts, &Vaults, Some(&other)).verdict));
}

/// A witness that fits no frame is left out.
#[test]
fn evidence_of_a_block_that_touches_too_much_still_fits_a_frame() {
    let mut bench = Bench::new(4);
    for number in 0..60 {
        bench.call(1, 0, super::super::bench::store(number));
    }
    let forgets = |number: u32| match super::super::bench::store(number) {
        Operation::Invoke { function, type_args, mut args } => {
            args[1] = vec![1];
            Operation::Invoke { function, type_args, args }
        }
        other => other,
    };
    let block = bench.cut_many((0..60).map(forgets).collect());
    assert_eq!(block.transactions.len(), 60);
    bench.message(1, 0, Message::Block(junk(&block, 0, other_effects)));
    let evidence = bench.nodes[1].log().evidence().cloned().expect("it was noticed");
    let Evidence::Divergence { block, .. } = &evidence else { panic!("{evidence:?}") };
    assert_eq!(block.witness, None);
    let frame = Message::Report(Box::new(evidence)).encode();
    assert!(Message::decode(&frame).is_ok());
}

/// P-7
#[test]
fn call_that_a_leader_ordered_after_its_leave_is_guilt_by_itself() {
    let mut bench = Bench::new(4);
    let leave = bench.cut_unheard_of(Operation::Leave);
    bench.message(1, 0, Message::Block(Arc::clone(&leave)));
    let expires_at = leave.header.time.plus(60_000);
    let call = sign(1, SequenceNumber(0), put(1, 1), expires_at);
    let after = junk(&leave, 0, |block| {
        block.header.parent = leave.hash();
        block.header.height = leave.height().next();
        block.transactions = vec![Transaction::Call(call)];
        block.header.transactions_root = Block::transactions_root(&block.transactions);
    });
    let refusal = Refusal::invalid("transaction", "its leader has left");
    let Unfit::Proven(evidence) = bench.nodes[1].invalid(&after, 0, &refusal, &Vaults) else {
        panic!("no evidence");
    };
    let verdict = says(&evidence);
    assert!(verdict.is_guilty() && verdict.reason().contains("has left"), "{verdict:?}");
}

#[test]
fn transaction_that_the_rules_admit_is_no_guilt() {
    let (bench, block) = ordered(put(1, 9));
    let refusal = Refusal::invalid("transaction", "made up");
    let accuse = |index| match bench.nodes[1].invalid(&block, index, &refusal, &Vaults) {
        Unfit::Proven(evidence) => evidence,
        _ => panic!("no evidence"),
    };
    assert!(!says(&accuse(0)).is_guilty(), "{:?}", says(&accuse(0)));
    assert!(is_unclear(&says(&accuse(9))), "{:?}", says(&accuse(9)));
    let state = bench.nodes[2].log().tip().expect("a tip").state;
    let known = check(&accuse(0), &record(4).facts(), &Vaults, Some(&state)).verdict;
    assert!(matches!(known, Verdict::Innocent(_)), "{known:?}");
}

/// P-7: who does not show the members does not show that the leader is none of them.
#[test]
fn leader_is_not_taken_for_gone_where_the_members_are_not_shown() {
    let (bench, block) = ordered(nothing());
    let call = sign(1, SequenceNumber(1), put(3, 3), block.header.time.plus(60_000));
    let of_another = junk(&block, 0, |block| {
        block.transactions = vec![Transaction::Call(call)];
        block.header.transactions_root = Block::transactions_root(&block.transactions);
    });
    let refusal = Refusal::invalid("transaction", "its leader has left");
    let Unfit::Proven(evidence) = bench.nodes[1].invalid(&of_another, 0, &refusal, &Vaults) else {
        panic!("no evidence");
    };
    assert!(is_unclear(&says(&evidence)), "{:?}", says(&evidence));
}

/// The chain contradicts a join: nobody but who reads the chain can say.
#[test]
fn join_that_the_chain_contradicts_is_for_the_chains_record_to_decide() {
    let mut bench = Bench::new(4);
    let block = bench.cut_unheard_of(nothing());
    let joining = junk(&block, 0, |block| {
        let made_up = fairway_types::chain::MemberRecord { deposit: amounts(9), ..member(6) };
        block.transactions = vec![Transaction::Join(made_up)];
        block.header.transactions_root = Block::transactions_root(&block.transactions);
    });
    let refusal = Refusal::invalid("transaction", "the chain says something else");
    let Unfit::Proven(evidence) = bench.nodes[1].invalid(&joining, 0, &refusal, &Vaults) else {
        panic!("no evidence");
    };
    assert!(is_unclear(&says(&evidence)), "{:?}", says(&evidence));
}

#[test]
fn call_with_a_used_number_is_guilt_of_who_ordered_it() {
    let (bench, block) = ordered(put(1, 9));
    let twice = junk(&block, 0, |block| {
        block.transactions.push(block.transactions[0].clone());
        block.header.transactions_root = Block::transactions_root(&block.transactions);
    });
    let refusal = Refusal::invalid("transaction", "used");
    let Unfit::Proven(evidence) = bench.nodes[1].invalid(&twice, 1, &refusal, &Vaults) else {
        panic!("no evidence");
    };
    assert!(says(&evidence).is_guilty(), "{:?}", says(&evidence));
}

/// P-96: whichever of the two comes first.
#[test]
fn leader_reports_who_acked_two_blocks_at_one_place() {
    for odd_first in [false, true] {
        let mut bench = Bench::new(4);
        let block = bench.cut_unheard_of(nothing());
        let other = junk(&block, 0, |block| block.header.time = Time(1));
        let ack = |block: &Block| {
            let certificate = certificate(block, &[2]);
            let (node, signature) = certificate.signatures[0];
            Message::Ack(SignedAck { ack: certificate.ack, node, signature })
        };
        let (first, second) = if odd_first { (&other, &block) } else { (&block, &other) };
        let step = bench.message(0, 2, ack(first));
        assert!(!accuses(&step), "one ack is none too many");
        let step = bench.message(0, 2, ack(second));
        assert!(accuses(&step), "{:?}", step.events);
        let log = bench.nodes[0].log();
        assert!(log.has_acked_twice(&node_key(2).node_id()));
        let evidence = log.all_evidence().next().cloned().expect("evidence");
        assert!(says(&evidence).is_guilty(), "{:?}", says(&evidence));
        assert_eq!(evidence.accused(), node_key(2).node_id());
        assert!(!accuses(&bench.message(0, 2, ack(second))), "once is enough");
        assert!(bench.nodes[0].log().evidence_against(&node_key(2).node_id()).is_none());
    }
}

#[test]
fn acks_of_other_blocks_at_other_places_are_no_evidence() {
    let mut bench = Bench::new(4);
    let ack = |block: &Block| {
        let certificate = certificate(block, &[2]);
        let (node, signature) = certificate.signatures[0];
        Message::Ack(SignedAck { ack: certificate.ack, node, signature })
    };
    let first = bench.cut_unheard_of(nothing());
    let second = bench.cut_unheard_of(nothing());
    let odd = junk(&first, 0, |block| block.header.time = Time(1));
    assert!(!accuses(&bench.message(0, 2, ack(&odd))));
    assert!(!accuses(&bench.message(0, 2, ack(&second))));
    let log = bench.nodes[0].log();
    assert!(!log.has_acked_twice(&node_key(2).node_id()));
}

#[test]
fn follower_reports_who_is_in_certificates_of_two_blocks_at_one_place() {
    let (mut bench, blocks) = super::super::bench::three_blocks();
    let other = junk(&blocks[2], 0, |block| block.header.time = Time(1));
    let hear = |bench: &mut Bench, block: &Block, signers: &[usize]| {
        bench.message(1, 0, Message::Certificate(certificate(block, signers)))
    };
    assert!(!accuses(&hear(&mut bench, &blocks[2], &[0, 1, 2, 3])));
    assert!(accuses(&hear(&mut bench, &other, &[1, 3, 50])));
    let log = bench.nodes[1].log();
    let accused: Vec<_> = log.all_evidence().map(Evidence::accused).collect();
    assert_eq!(accused, [node_key(3).node_id()], "neither itself nor who signed once");
}

/// What a leader does that acked twice counts as before: it is not about what it leads with.
#[test]
fn who_acked_twice_is_still_followed_and_still_found_when_its_effects_differ() {
    let mut bench = Bench::new(4);
    let block = bench.cut_unheard_of(nothing());
    let other = junk(&block, 0, |block| block.header.time = Time(1));
    bench.message(1, 0, Message::Block(Arc::clone(&block)));
    bench.message(1, 0, Message::Certificate(certificate(&block, &[0, 2, 3])));
    bench.message(1, 0, Message::Certificate(certificate(&other, &[0])));
    assert!(bench.nodes[1].log().has_acked_twice(&node_key(0).node_id()));
    assert!(bench.nodes[1].log().evidence().is_none());
    let next = bench.cut_unheard_of(nothing());
    bench.message(1, 0, Message::Block(junk(&next, 0, other_effects)));
    assert!(bench.nodes[1].log().evidence().is_some());
    assert_eq!(bench.nodes[1].log().all_evidence().count(), 2);
}

#[test]
fn double_signatures_of_two_nodes_or_places_are_no_evidence() {
    let (_, block) = ordered(nothing());
    let first = Box::new(block.signed_header());
    let other = |change: fn(&mut Block), signer| {
        let second = Box::new(junk(&block, signer, change).signed_header());
        says(&Evidence::DoubleBlock { first: first.clone(), second })
    };
    assert!(other(|block| block.header.time = Time(1), 0).is_guilty());
    assert!(is_unclear(&other(|block| block.header.time = Time(1), 1)));
    assert!(is_unclear(&other(|block| block.header.height = Height(9), 0)));
    assert!(is_unclear(&other(|block| block.header.term.view.0 += 1, 0)));
    assert!(is_unclear(&other(|_| {}, 0)), "the same block twice");
    let elsewhere = |block: &mut Block| {
        block.header.channel = fairway_types::ChannelId([8; 32]);
    };
    let of_another_channel = Evidence::DoubleBlock {
        first: Box::new(junk(&block, 0, elsewhere).signed_header()),
        second: Box::new(
            junk(&block, 0, |block| {
                elsewhere(block);
                block.header.time = Time(1);
            })
            .signed_header(),
        ),
    };
    assert!(is_unclear(&says(&of_another_channel)), "{:?}", says(&of_another_channel));
    let ack = |block: &Block, signer: usize| {
        let certificate = certificate(block, &[signer]);
        let (node, signature) = certificate.signatures[0];
        SignedAck { ack: certificate.ack, node, signature }
    };
    let twin = junk(&block, 0, |block| block.header.time = Time(1));
    let acks = |first, second| says(&Evidence::DoubleAck { first, second });
    assert!(acks(ack(&block, 2), ack(&twin, 2)).is_guilty());
    assert!(is_unclear(&acks(ack(&block, 2), ack(&twin, 3))));
    assert!(is_unclear(&acks(ack(&block, 2), ack(&block, 2))));
    let forged = SignedAck { node: node_key(3).node_id(), ..ack(&twin, 2) };
    assert!(is_unclear(&acks(SignedAck { node: node_key(3).node_id(), ..ack(&block, 2) }, forged)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever somebody makes of an honest leader's block, it is not guilty.
    #[test]
    fn honest_leader_is_never_guilty(
        operation in 0..operations().len(),
        byte in any::<proptest::sample::Index>(),
        bit in 0..8u8,
        entry in any::<proptest::sample::Index>(),
        node in any::<proptest::sample::Index>(),
        accusation in any::<bool>(),
    ) {
        let (_, mut evidence) = slander(operations()[operation].clone());
        if accusation {
            let block = Box::new(block_of(&mut evidence).clone());
            let (reporter, reason) = (node_key(1).node_id(), String::new());
            evidence = Evidence::InvalidTransaction { reporter, block, index: 0, reason };
        }
        prop_assert!(!says(&evidence).is_guilty());
        let mut bytes = codec::encode(&evidence);
        let place = byte.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(flipped) = codec::decode::<Evidence>("evidence", &bytes) {
            prop_assert!(!says(&flipped).is_guilty(), "{:?}", says(&flipped));
        }
        let cut = changed(&evidence, |block| {
            let Some(witness) = &mut block.witness else { return };
            let place = entry.index(witness.entries.len());
            witness.entries.remove(place);
        });
        prop_assert!(!says(&cut).is_guilty(), "{:?}", says(&cut));
        let pruned = changed(&evidence, |block| {
            let Some(witness) = &mut block.witness else { return };
            let place = node.index(witness.nodes.len());
            witness.nodes[place] = WitnessNode::Empty;
        });
        prop_assert!(!says(&pruned).is_guilty(), "{:?}", says(&pruned));
    }
}

fn accuses(step: &super::super::output::Step) -> bool {
    step.events.iter().any(|event| matches!(event, Event::Diverged { .. }))
}
