//! Frames as large as frames get, of entries as small as entries get: what decoding them takes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex, PoisonError};

use fairway_fuzz::measured;
use fairway_proto::Message;
use fairway_state::parts::{Part, Prefix};
use fairway_types::{
    Address, Block, ChannelId, Effects, ExecutionStatus, FunctionName, Gas, GasTableId, Hash,
    Header, Height, JoinSequence, Keypair, MoveEvent, NodeId, Operation, SequenceNumber, Signature,
    SignedCall, StateKey, Term, Time, Transaction, Weight, Write,
    call::Call,
    chain::{ChannelFacts, MemberRecord},
    evidence::{Disputed, Evidence, Parent},
    limits,
    witness::{Witness, WitnessNode},
};

/// One at a time: memory is counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());
/// What decoding one frame may take.
const MOST: usize = 8 * limits::FRAME_BYTES;

/// The bytes of a message whose list `entries` is repeated until the frame is full: the message is
/// encoded with one and with two entries, which shows where the list stands.
fn full(of: impl Fn(usize) -> Message) -> Vec<u8> {
    let (one, two) = (of(1).encode(), of(2).encode());
    let entry = two.len() - one.len();
    let count = one.iter().zip(&two).position(|(a, b)| a != b).unwrap();
    assert_eq!((one[count], two[count]), (1, 2), "the list's length stands there");
    let first = &one[count + 1..=count + entry];
    let entries = (limits::FRAME_BYTES - one.len() - 8) / entry;
    let mut frame = one[..count].to_vec();
    let mut left = entries;
    while left >= 0x80 {
        frame.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    frame.push(left as u8);
    frame.extend(first.repeat(entries));
    frame.extend(&one[count + 1 + entry..]);
    frame
}

fn cost(frame: &[u8]) -> usize {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(frame.len() <= limits::FRAME_BYTES && frame.len() > limits::FRAME_BYTES / 2);
    let (_, bytes) = measured(|| Message::decode(frame).map(|message| drop(message.verify())));
    bytes
}

fn block(transactions: Vec<Transaction>) -> Block {
    let header = Header {
        channel: ChannelId::ZERO,
        parent: Hash::ZERO,
        height: Height(1),
        term: Term::default(),
        time: Time(0),
        justified: Height::ZERO,
        opening: None,
        transactions_root: Hash::ZERO,
        effects_root: Hash::ZERO,
        state_root: Hash::ZERO,
        extension: Vec::new(),
    };
    let leader = NodeId::ZERO;
    let signature = Signature::ZERO;
    Block {
        header,
        transactions,
        justification: None,
        opening: None,
        bundles: Vec::new(),
        leader,
        signature,
    }
}

fn call(type_args: usize, args: usize) -> SignedCall {
    let function =
        FunctionName { address: Address::ZERO, module: String::new(), function: String::new() };
    let type_args = vec![String::new(); type_args];
    let operation = Operation::Invoke { function, type_args, args: vec![Vec::new(); args] };
    let key = Keypair::from_seed(&[1; 32]);
    let call = Call {
        chain: fairway_types::ChainId(0),
        channel: ChannelId::ZERO,
        sender: key.address(),
        sequence: SequenceNumber(0),
        operation,
        gas_limit: Gas(0),
        expires_at: Time(0),
    };
    SignedCall { call, key: key.public(), signature: Signature::ZERO }
}

fn divergence(effects: Vec<Effects>) -> Message {
    report(effects, |_| {})
}

fn report(effects: Vec<Effects>, change: impl FnOnce(&mut Disputed)) -> Message {
    let block = block(Vec::new());
    let facts = ChannelFacts {
        chain: fairway_types::ChainId(0),
        channel: ChannelId::ZERO,
        creator: Address::ZERO,
        package: Hash::ZERO,
        gas_table: GasTableId::MEASURED,
        tick_interval: 0,
    };
    let mut disputed = Disputed {
        facts,
        parent: Parent::Block(Box::new(block.header.clone())),
        block: block.signed_header(),
        transactions: Vec::new(),
        witness: None,
    };
    change(&mut disputed);
    Message::Report(Box::new(Evidence::Divergence {
        reporter: NodeId::ZERO,
        block: Box::new(disputed),
        effects,
        effects_root: Hash::ZERO,
        state_root: Hash::ZERO,
    }))
}

fn effects(writes: usize) -> Effects {
    let write = Write { key: StateKey::Locked, value: None };
    let status = ExecutionStatus::Success;
    Effects { status, gas_used: Gas(0), writes: vec![write; writes], events: Vec::new() }
}

#[test]
fn frame_of_ticks_takes_memory_in_proportion() {
    let of = |count| Message::Block(Arc::new(block(vec![Transaction::Tick; count])));
    let bytes = cost(&full(of));
    assert!(bytes <= MOST, "{bytes} bytes");
}

#[test]
fn frame_of_empty_arguments_takes_memory_in_proportion() {
    let bytes = cost(&full(|count| Message::Forward(call(0, count))));
    assert!(bytes <= MOST, "{bytes} bytes");
    let bytes = cost(&full(|count| Message::Forward(call(count, 0))));
    assert!(bytes <= MOST, "{bytes} bytes");
}

#[test]
fn frame_of_empty_endpoints_takes_memory_in_proportion() {
    let of = |count| {
        let member = MemberRecord {
            account: Address::ZERO,
            node: NodeId::ZERO,
            join_sequence: JoinSequence(0),
            weight: Weight(0),
            deposit: Vec::new(),
            endpoints: vec![String::new(); count],
        };
        Message::Block(Arc::new(block(vec![Transaction::Join(member)])))
    };
    let bytes = cost(&full(of));
    assert!(bytes <= MOST, "{bytes} bytes");
}

#[test]
fn frame_of_empty_effects_takes_memory_in_proportion() {
    let bytes = cost(&full(|count| divergence(vec![effects(0); count])));
    assert!(bytes <= MOST, "{bytes} bytes");
}

/// A list of writes has no limit of its own, since gas bounds it and what a node stored it must
/// read; in evidence of others it has one.
#[test]
fn frame_of_empty_writes_takes_memory_in_proportion() {
    let bytes = cost(&full(|count| divergence(vec![effects(count)])));
    assert!(bytes <= MOST, "{bytes} bytes");
}

#[test]
fn frame_of_empty_events_takes_memory_in_proportion() {
    let event = MoveEvent { type_tag: String::new(), data: Vec::new() };
    let of = |count| {
        let mut effects = effects(0);
        effects.events = vec![event.clone(); count];
        divergence(vec![effects])
    };
    let bytes = cost(&full(of));
    assert!(bytes <= MOST, "{bytes} bytes");
}

#[test]
fn frame_of_empty_entries_of_a_state_takes_memory_in_proportion() {
    let of = |count| Message::StatePart {
        root: Hash::ZERO,
        prefix: Prefix::ROOT,
        part: Some(Part::Entries(vec![(StateKey::Locked, Arc::from([])); count])),
    };
    let bytes = cost(&full(of));
    assert!(bytes <= MOST, "{bytes} bytes");
}

#[test]
fn frame_of_an_empty_witness_takes_memory_in_proportion() {
    let of = |entries: Vec<(StateKey, Option<Vec<u8>>)>, nodes| {
        report(Vec::new(), |disputed| disputed.witness = Some(Witness { entries, nodes }))
    };
    let bytes = cost(&full(|count| of(vec![(StateKey::Locked, None); count], Vec::new())));
    assert!(bytes <= MOST, "{bytes} bytes");
    let bytes = cost(&full(|count| of(Vec::new(), vec![WitnessNode::Inner; count])));
    assert!(bytes <= MOST, "{bytes} bytes");
}

#[test]
fn frame_of_ticks_under_dispute_takes_memory_in_proportion() {
    let ticks = |count| {
        report(Vec::new(), |disputed| disputed.transactions = vec![Transaction::Tick; count])
    };
    let bytes = cost(&full(ticks));
    assert!(bytes <= MOST, "{bytes} bytes");
}

#[test]
fn frame_of_founders_of_a_dispute_takes_memory_in_proportion() {
    let founder = MemberRecord {
        account: Address::ZERO,
        node: NodeId::ZERO,
        join_sequence: JoinSequence(0),
        weight: Weight(0),
        deposit: Vec::new(),
        endpoints: vec![String::new(); 8],
    };
    let config = fairway_types::chain::ChannelConfig {
        tick_interval: 0,
        settlement_interval: 0,
        durability: fairway_types::chain::Durability::Synced,
        join_policy: fairway_types::chain::JoinPolicy::Open,
        invited: Vec::new(),
        asset: fairway_types::AssetId([0; 32]),
        min_deposit: 0,
        max_members: 0,
        gas_table: GasTableId::MEASURED,
        trust_own_node: false,
        money: Default::default(),
    };
    let of = |count| {
        report(Vec::new(), |disputed| {
            disputed.parent = Parent::Genesis {
                config: Box::new(config.clone()),
                founders: vec![founder.clone(); count],
                state_root: Hash::ZERO,
            };
        })
    };
    let bytes = cost(&full(of));
    assert!(bytes <= MOST, "{bytes} bytes");
}
