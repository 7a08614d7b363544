//! The bytes on the wire and in the store, pinned: a change here is a change of protocol.

use std::sync::Arc;

use fairway_proto::{
    Event, Message,
    message::{Heartbeat, Standing},
};
use fairway_types::{
    Address, AssetId, Block, Call, Certificate, ChainId, ChannelId, Effects, Epoch,
    ExecutionStatus, FunctionName, Gas, GasTableId, Hash, Header, Height, JoinSequence, Keypair,
    Operation, Place, Promise, Refusal, SequenceNumber, Signature, SignedAck, SignedCall,
    SignedViewChange, StateKey, Term, TermCertificate, Time, Transaction, View, ViewChange, Weight,
    Write,
    block::CertifiedBlock,
    bundle::{BundledCalls, SignedBundle},
    chain::{ChannelFacts, EpochGrant, MemberRecord},
    codec,
    crypto::Verify,
    evidence::{Disputed, Evidence, Parent},
    settlement::{AssetAmount, Balance, Proposal, SignedProposal, SignedVote, Vote},
    witness::{Witness, WitnessNode},
};

const CHANNEL: ChannelId = ChannelId([9; 32]);
const TERM: Term = Term { epoch: Epoch(2), view: View(0) };

fn node() -> Keypair {
    Keypair::from_seed(&[1; 32])
}

fn call() -> SignedCall {
    let account = Keypair::from_seed(&[2; 32]);
    let call = Call {
        chain: ChainId(7),
        channel: CHANNEL,
        sender: account.address(),
        sequence: SequenceNumber(3),
        operation: Operation::Invoke {
            function: FunctionName {
                address: Address::from_low(0x42),
                module: "app".into(),
                function: "pay".into(),
            },
            type_args: vec!["u64".into()],
            args: vec![vec![1, 2], vec![]],
        },
        gas_limit: Gas(1_000),
        expires_at: Time(5_000),
    };
    SignedCall { signature: account.sign(&call), key: account.public(), call }
}

fn ack(height: u64) -> SignedAck {
    let ack = fairway_types::Ack {
        channel: CHANNEL,
        term: TERM,
        height: Height(height),
        block: Hash([4; 32]),
    };
    SignedAck { ack, node: node().node_id(), signature: node().sign(&ack) }
}

fn certificate(height: u64) -> Certificate {
    let signed = ack(height);
    Certificate { ack: signed.ack, signatures: vec![(signed.node, signed.signature)] }
}

fn promise() -> Promise {
    let view_change = ViewChange {
        channel: CHANNEL,
        term: TERM,
        proof: Some(ack(4).ack),
        certificate: Some(ack(5).ack),
        acked: vec![Place { hash: Hash([7; 32]), term: TERM }],
    };
    let signature = node().sign(&view_change.summary());
    let signed = SignedViewChange { view_change, node: node().node_id(), signature };
    Promise { signed, proof: Some(certificate(4)), certificate: Some(certificate(5)) }
}

fn opening() -> TermCertificate {
    let Promise { signed, proof, certificate } = promise();
    TermCertificate { proof, certificate, view_changes: vec![signed] }
}

fn block() -> Block {
    let member = MemberRecord {
        account: Address::from_low(5),
        node: node().node_id(),
        join_sequence: JoinSequence(2),
        weight: Weight(1),
        deposit: vec![AssetAmount { asset: AssetId([8; 32]), amount: 10 }],
        endpoints: vec!["/ip4/127.0.0.1/tcp/1".into()],
    };
    let transactions =
        vec![Transaction::Join(member), Transaction::Tick, Transaction::Call(call())];
    let header = Header {
        channel: CHANNEL,
        parent: Hash([3; 32]),
        height: Height(6),
        term: TERM,
        time: Time(4_000),
        justified: Height(5),
        opening: Some(opening().hash()),
        transactions_root: Block::transactions_root(&transactions),
        effects_root: Effects::root(&[]),
        state_root: Hash([6; 32]),
        extension: Vec::new(),
    };
    let signature = node().sign(&header);
    let justification = Some(certificate(5));
    let opening = Some(Box::new(opening()));
    let (bundles, leader) = (bundle().signed().into_iter().collect(), node().node_id());
    Block { header, transactions, justification, opening, bundles, leader, signature }
}

fn proposal() -> Proposal {
    let amounts = vec![AssetAmount { asset: AssetId([8; 32]), amount: 10 }];
    Proposal {
        chain: ChainId(7),
        channel: CHANNEL,
        number: 1,
        from_height: Height(0),
        from_root: Hash([1; 32]),
        to_height: Height(6),
        to_root: Hash([6; 32]),
        to_block: Hash([4; 32]),
        balances: vec![Balance { account: Address::from_low(5), amounts, leaves: true }],
        held: Vec::new(),
        closes: false,
        result: vec![1],
    }
}

fn vote() -> SignedVote {
    let vote = Vote { channel: CHANNEL, proposal: proposal().hash(), yes: true };
    SignedVote { vote, node: node().node_id(), signature: node().sign(&vote), reason: None }
}

fn messages() -> Vec<(&'static str, Message)> {
    let heartbeat = Heartbeat {
        term: TERM,
        head: Height(6),
        head_hash: Hash([4; 32]),
        certified: Height(5),
        finalised: Height(4),
        wish: TERM,
        leader_latency: 300,
        hops: 1,
    };
    let block = Arc::new(block());
    let entry = CertifiedBlock { block: Arc::clone(&block), certificate: None };
    let signature = node().sign(&proposal());
    let signed = SignedProposal { proposal: proposal(), proposer: node().node_id(), signature };
    vec![
        ("heartbeat", Message::Heartbeat(heartbeat)),
        ("block", Message::Block(block)),
        ("ack", Message::Ack(ack(6))),
        ("certificate", Message::Certificate(certificate(6))),
        ("forward", Message::Forward(call())),
        ("refused", Message::Refused { call: call().hash(), refusal: Refusal::Closed }),
        ("sync request", Message::SyncRequest { from: Height(7) }),
        ("sync blocks", Message::SyncBlocks(vec![entry])),
        ("proposal", Message::Proposal(signed)),
        ("vote", Message::Vote(vote())),
        ("view change", Message::ViewChange(Box::new(promise()))),
        ("recover", Message::Recover { nonce: 7 }),
        ("standing", Message::Standing(standing())),
        ("pruned", Message::Pruned { from: Height(7) }),
        ("report of a divergence", report(divergence())),
        ("report of a transaction", report(invalid_transaction())),
        ("report of two blocks", report(double_block())),
        ("report of two acks", report(double_ack())),
        ("checkpoint request", Message::CheckpointRequest { above: Height(7) }),
        ("bundle", Message::Bundle(bundle())),
    ]
}

fn bundle() -> BundledCalls {
    let calls = vec![call()];
    let mut bundled = BundledCalls { calls, node: node().node_id(), signature: Signature::ZERO };
    let signed = bundled.signed().expect("there is a call");
    bundled.signature = node().sign(&signed.bundle);
    bundled
}

fn report(evidence: Evidence) -> Message {
    Message::Report(Box::new(evidence))
}

fn disputed() -> Disputed {
    let block = block();
    let mut parent = block.header.clone();
    parent.height = Height(5);
    let facts = ChannelFacts {
        chain: ChainId(7),
        channel: CHANNEL,
        creator: Address::from_low(5),
        package: Hash([2; 32]),
        gas_table: GasTableId::MEASURED,
        tick_interval: 100,
    };
    let entries = vec![(StateKey::Locked, Some(vec![1])), (StateKey::Closed, None)];
    let nodes = vec![
        WitnessNode::Inner,
        WitnessNode::Leaf { key: Hash([1; 32]), value: Hash([2; 32]) },
        WitnessNode::Inner,
        WitnessNode::Empty,
        WitnessNode::Untouched(Hash([3; 32])),
    ];
    Disputed {
        facts,
        parent: Parent::Block(Box::new(parent)),
        block: block.signed_header(),
        transactions: block.transactions,
        witness: Some(Witness { entries, nodes }),
    }
}

fn divergence() -> Evidence {
    let write = Write { key: StateKey::Settled, value: None };
    let (status, gas_used) = (ExecutionStatus::Success, Gas(3));
    let effects = vec![Effects { status, gas_used, writes: vec![write], events: Vec::new() }];
    Evidence::Divergence {
        reporter: node().node_id(),
        block: Box::new(disputed()),
        effects_root: Effects::root(&effects),
        effects,
        state_root: Hash([6; 32]),
    }
}

fn invalid_transaction() -> Evidence {
    let (reporter, reason) = (node().node_id(), "no rule admits it".into());
    Evidence::InvalidTransaction { reporter, block: Box::new(disputed()), index: 1, reason }
}

fn double_block() -> Evidence {
    let mut second = block();
    second.header.time = Time(4_001);
    second.signature = node().sign(&second.header);
    let (first, second) = (block().signed_header(), second.signed_header());
    Evidence::DoubleBlock { first: Box::new(first), second: Box::new(second) }
}

fn double_ack() -> Evidence {
    let first = ack(6);
    let other = fairway_types::Ack { block: Hash([5; 32]), ..first.ack };
    let second = SignedAck { ack: other, signature: node().sign(&other), ..first };
    Evidence::DoubleAck { first, second }
}

fn standing() -> Standing {
    Standing {
        nonce: 7,
        term: promise().term(),
        acked: Some((Height(6), Hash([6; 32]))),
        certified: None,
        tail_lost: false,
    }
}

#[test]
fn wire_bytes_are_pinned() {
    let lines: Vec<String> = messages()
        .into_iter()
        .map(|(name, message)| format!("{name}: {}", hex(&message.encode())))
        .collect();
    insta::assert_snapshot!("wire", lines.join("\n"));
}

#[test]
fn stored_bytes_are_pinned() {
    let grant = EpochGrant {
        epoch: Epoch(2),
        leader: Address::from_low(5),
        join_sequence: JoinSequence(2),
        valid: vec![JoinSequence(1), JoinSequence(2)],
    };
    let events = [
        ("term started", Event::TermStarted { grant }),
        ("acked", Event::Acked { ack: ack(6) }),
        ("certified", Event::Certified { certificate: certificate(6) }),
        ("promised", Event::Promised { promise: Box::new(promise()) }),
        ("rolled back", Event::RolledBack { to: Height(5) }),
        ("voted", Event::Voted { vote: Box::new(vote()) }),
        ("tail lost", Event::TailLost),
        ("recovered", Event::Recovered { silent_to: promise().term() }),
        ("settled_on_chain", Event::SettledOnChain { height: Height(9) }),
    ];
    let lines: Vec<String> = events
        .iter()
        .map(|(name, event)| format!("{name}: {}", hex(&codec::encode(event))))
        .collect();
    insta::assert_snapshot!("stored", lines.join("\n"));
}

#[test]
fn every_message_comes_back_from_its_bytes_and_verifies() {
    for (name, message) in messages() {
        let decoded = Message::decode(&message.encode());
        assert_eq!(decoded.as_ref(), Ok(&message), "{name}");
        assert!(message.verify().is_ok(), "{name}");
    }
}

/// Any change of a signed message is noticed before the core sees it.
#[test]
fn changed_messages_do_not_verify() {
    let mut early = block();
    early.header.time = Time(3_999);
    let mut fewer = block();
    fewer.transactions.pop();
    // P-133
    let vouched = |change: &dyn Fn(&mut SignedBundle)| {
        let mut block = block();
        change(&mut block.bundles[0]);
        block.bundles[0].signature = node().sign(&block.bundles[0].bundle);
        block
    };
    let vouched_elsewhere = vouched(&|signed| signed.bundle.account = Address::from_low(5));
    let vouched_for_nothing = vouched(&|signed| signed.bundle.calls = vec![Hash([1; 32])]);
    let mut unjustified = block();
    unjustified.justification = None;
    let mut other_height = certificate(6);
    other_height.ack.height = Height(7);
    let mut stolen = call();
    stolen.call.sender = Address::from_low(5);
    let mut doubled = certificate(6);
    doubled.signatures.push(doubled.signatures[0]);
    let mut no = vote();
    no.vote.yes = false;
    let mut unopened = block();
    unopened.opening = None;
    let mut forgotten = promise();
    forgotten.signed.view_change.acked.clear();
    let mut hidden = promise();
    hidden.certificate = None;
    let mut recalled = disputed();
    recalled.transactions.pop();
    let mut later = disputed();
    later.block.header.time = Time(4_001);
    let accuse = |block| {
        let (reporter, reason) = (node().node_id(), String::new());
        let block = Box::new(block);
        report(Evidence::InvalidTransaction { reporter, block, index: 0, reason })
    };
    let once = Evidence::DoubleAck { first: ack(6), second: ack(6) };
    let elsewhere = Evidence::DoubleAck { first: ack(6), second: ack(7) };
    let cases = [
        accuse(recalled),
        accuse(later),
        report(once),
        report(elsewhere),
        Message::Block(Arc::new(early)),
        Message::Block(Arc::new(fewer)),
        Message::Block(Arc::new(unjustified)),
        Message::Certificate(other_height),
        Message::Certificate(doubled),
        Message::Forward(stolen),
        Message::Bundle(BundledCalls { calls: Vec::new(), ..bundle() }),
        Message::Bundle(BundledCalls { signature: Signature::ZERO, ..bundle() }),
        Message::Block(Arc::new(vouched_elsewhere)),
        Message::Block(Arc::new(vouched_for_nothing)),
        Message::Vote(no),
        Message::Block(Arc::new(unopened)),
        Message::ViewChange(Box::new(forgotten)),
        Message::ViewChange(Box::new(hidden)),
    ];
    for (place, message) in cases.into_iter().enumerate() {
        assert!(message.check().is_err(), "case {place}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
