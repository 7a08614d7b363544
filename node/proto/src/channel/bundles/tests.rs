use std::sync::Arc;

use fairway_types::{
    Height, Keypair, SequenceNumber, Signature, Verified, block::CertifiedBlock,
    bundle::SignedBundle,
};

use super::{
    super::{
        bench::{Bench, account_key, block_of, node_key, nothing, record, sign},
        execution::next_sequence,
        input::Input,
    },
    *,
};

/// Founders of a channel that trusts their own nodes.
fn trusting(count: usize) -> Bench {
    let mut record = record(count);
    record.config.trust_own_node = true;
    Bench::with_record(count, record)
}

fn call(bench: &Bench, sender: usize) -> SignedCall {
    let log = bench.nodes[sender].log();
    let account = account_key(sender).address();
    let state = &log.tip().unwrap().state;
    let sequence = next_sequence(state, account);
    sign(sender, sequence, nothing(), bench.now.plus(60_000))
}

fn unsigned(mut call: SignedCall) -> SignedCall {
    call.signature = Signature::ZERO;
    call
}

fn bundled(keypair: &Keypair, calls: Vec<SignedCall>) -> BundledCalls {
    let mut bundled = BundledCalls { calls, node: keypair.node_id(), signature: Signature::ZERO };
    bundled.signature = keypair.sign(&bundled.signed().unwrap().bundle);
    bundled
}

/// The message comes, with everything that follows from it.
fn deliver(bench: &mut Bench, to: usize, from: usize, message: Message) {
    let message = Box::new(Verified::trusted(message));
    bench.run(to, Input::Peer { from: node_key(from).node_id(), message });
}

fn sent_by(bench: &Bench, node: usize) -> Vec<&Message> {
    let sent = bench.effects.iter().filter(|(of, _)| *of == node);
    sent.filter_map(
        |(_, effect)| {
            if let Effect::Send { message, .. } = effect { Some(message) } else { None }
        },
    )
    .collect()
}

fn bundles_of_head(bench: &Bench, node: usize) -> Vec<SignedBundle> {
    let log = bench.nodes[node].log();
    log.entries_from(Height(1)).flat_map(|entry| entry.block.bundles.clone()).collect()
}

#[test]
fn calls_of_own_members_travel_and_are_ordered_in_bundles() {
    let mut bench = trusting(4);
    bench.call(2, 2, nothing());
    bench.call(0, 0, nothing());
    bench.wait(200);
    let bundles = sent_by(&bench, 2).into_iter().filter(|sent| matches!(sent, Message::Bundle(_)));
    assert_eq!(bundles.count(), 1);
    assert!(!sent_by(&bench, 2).iter().any(|sent| matches!(sent, Message::Forward(_))));
    for node in 0..4 {
        let bundles = bundles_of_head(&bench, node);
        let by: Vec<NodeId> = bundles.iter().map(|signed| signed.node).collect();
        assert_eq!(by, [node_key(2).node_id(), node_key(0).node_id()], "node {node}");
        let log = bench.nodes[node].log();
        assert!(log.entries_from(Height(1)).all(|entry| entry.block.check().is_ok()));
    }
}

#[test]
fn others_calls_and_other_channels_take_no_bundles() {
    let mut bench = trusting(4);
    bench.call(2, 1, nothing());
    bench.call(3, 0, nothing());
    bench.wait(200);
    assert!(sent_by(&bench, 1).iter().any(|sent| matches!(sent, Message::Forward(_))));
    assert!(bundles_of_head(&bench, 3).is_empty());
    let mut bench = Bench::new(4);
    bench.call(2, 2, nothing());
    bench.call(0, 0, nothing());
    bench.wait(200);
    assert!(bundles_of_head(&bench, 3).is_empty());
    assert_eq!(bench.nodes[3].log().certified(), bench.nodes[0].log().head());
}

/// P-133: its member's calls need no other signature than the node's.
#[test]
fn node_vouches_for_its_own_member_alone() {
    let mut bench = trusting(4);
    bench.note(1);
    let head = |bench: &Bench| bench.nodes[3].log().head();
    let refused = |bench: &Bench| {
        let no =
            sent_by(bench, 0).into_iter().filter(|sent| matches!(sent, Message::Refused { .. }));
        no.count()
    };
    let before = head(&bench);
    let stolen = bundled(&node_key(2), vec![call(&bench, 3)]);
    deliver(&mut bench, 0, 2, Message::Bundle(stolen));
    assert_eq!((head(&bench), refused(&bench)), (before, 1));
    // Nor does whoever brings another's.
    let own = bundled(&node_key(2), vec![unsigned(call(&bench, 2))]);
    deliver(&mut bench, 0, 3, Message::Bundle(own.clone()));
    assert_eq!((head(&bench), refused(&bench)), (before, 1));
    deliver(&mut bench, 0, 2, Message::Bundle(own));
    bench.wait(200);
    assert!(head(&bench) > before);
    // Nor a node in a channel whose members trust none.
    let mut bench = Bench::new(4);
    bench.note(1);
    let before = head(&bench);
    let own = bundled(&node_key(2), vec![unsigned(call(&bench, 2))]);
    deliver(&mut bench, 0, 2, Message::Bundle(own));
    assert_eq!((head(&bench), refused(&bench)), (before, 1));
}

/// P-133: else a leader could order what it likes in anybody's name.
#[test]
fn followers_take_no_bundle_for_an_account_of_another_node() {
    let mut bench = trusting(4);
    bench.note(1);
    let stolen = call(&bench, 3);
    let mut block = (*block_of(&bench.message(0, 3, Message::Forward(stolen.clone())))).clone();
    let before = bench.nodes[1].log().head();
    assert_eq!(block.transactions, [Transaction::Call(stolen.clone())]);
    let bundle = |keypair: &Keypair| {
        let bundled = bundled(keypair, vec![stolen.clone()]);
        vec![bundled.signed().unwrap()]
    };
    block.bundles = bundle(&node_key(0));
    assert_eq!(block.check(), Ok(()));
    bench.message(1, 0, Message::Block(Arc::new(block.clone())));
    assert_eq!(bench.nodes[1].log().head(), before);
    block.bundles = bundle(&node_key(3));
    bench.message(1, 0, Message::Block(Arc::new(block)));
    assert!(bench.nodes[1].log().head() > before);
}

/// P-45, P-133: the header does not say which bundles a block has, and anybody can put in others.
#[test]
fn block_that_waits_is_not_replaced_by_itself_with_bundles_that_do_not_fit() {
    let mut bench = trusting(4);
    bench.note(1);
    let call = call(&bench, 3);
    let first = bench.cut_unheard();
    let second = block_of(&bench.message(0, 3, Message::Forward(call.clone())));
    assert_eq!(second.header.parent, first.hash());
    let mut other = (*second).clone();
    other.bundles = vec![bundled(&node_key(2), vec![call]).signed().unwrap()];
    assert_eq!(other.check(), Ok(()));
    let entry = |block: Block| CertifiedBlock { block: Arc::new(block), certificate: None };
    let messages = [(*second).clone(), other].map(|block| Message::SyncBlocks(vec![entry(block)]));
    for (place, message) in messages.into_iter().enumerate() {
        bench.message(1, place + 2, message);
    }
    bench.message(1, 0, Message::Block(first));
    assert_eq!(bench.nodes[1].log().head(), second.height());
}

/// P-78, P-134: what another node vouched for is that node's to repeat, and is forgotten here: its
/// account may still ask for it.
#[test]
fn what_another_node_vouched_for_is_not_sent_on_when_it_is_taken_back() {
    let mut bench = trusting(4);
    let (good, unsigned) = (call(&bench, 1), unsigned(call(&bench, 2)));
    bench.message(0, 1, Message::Forward(good.clone()));
    let bundle = Message::Bundle(bundled(&node_key(2), vec![unsigned.clone()]));
    let block = block_of(&bench.message(0, 2, bundle));
    let of = |node: usize| bench.nodes[node].calls_of(&block);
    assert!(
        of(3).iter().all(|(call, goes_on)| *goes_on == (call.call.sender != unsigned.call.sender))
    );
    assert!(of(2).iter().all(|(_, goes_on)| *goes_on), "its own member's");
    let mut bench = trusting(4);
    let hash = unsigned.hash();
    bench.nodes[3].clients.remember(hash, (Height(9), 0));
    bench.nodes[3].forget_calls(vec![(unsigned, false)]);
    assert_eq!(bench.nodes[3].clients.place(&hash), None);
    assert_eq!(bench.nodes[3].clients.size().1, 0, "on their way");
}

/// P-20: a bundle takes room as long as one of its calls waits, whichever came first or is left.
#[test]
fn bundle_is_counted_while_any_of_its_calls_waits() {
    let mut bench = trusting(4);
    let first = call(&bench, 2);
    let at = |sequence: u64| {
        let mut call = first.clone();
        call.call.sequence = SequenceNumber(call.call.sequence.0 + sequence);
        call.signature = account_key(2).sign(&call.call);
        call
    };
    let held = |bench: &Bench| bench.nodes[0].pool.bytes();
    let size = |calls: &[SignedCall]| calls.iter().map(codec::size).sum::<usize>();
    let early = bundled(&node_key(2), vec![at(2)]);
    deliver(&mut bench, 0, 2, Message::Bundle(early.clone()));
    let alone = codec::size(&early.signed().unwrap());
    assert_eq!(held(&bench), size(&early.calls) + alone);
    // Another bundle names first what waits already: for its new call it is kept all the same.
    let more = bundled(&node_key(2), vec![at(2), at(4)]);
    deliver(&mut bench, 0, 2, Message::Bundle(more.clone()));
    let both = codec::size(&more.signed().unwrap());
    assert_eq!(held(&bench), size(&more.calls) + alone + both);
    deliver(&mut bench, 0, 2, Message::Bundle(more));
    assert_eq!(held(&bench), size(&[at(2), at(4)]) + alone + both, "the same again");
    // One call of three is ordered: the bundle stays for the others.
    let three = bundled(&node_key(2), vec![at(0), at(6), at(7)]);
    deliver(&mut bench, 0, 2, Message::Bundle(three.clone()));
    bench.wait(200);
    let left = size(&[at(2), at(4), at(6), at(7)]) + codec::size(&three.signed().unwrap());
    assert_eq!(held(&bench), left + alone + both);
}
