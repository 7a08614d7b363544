//! Floods: whoever sends, and whoever does not read, a node's memory stays bounded, the others are
//! served meanwhile, and the node goes on afterwards as if nothing had been.
//!
//! Each bound is several times what the bounds in docs/operations.md ("What bounds memory") add up
//! to for that flood, and a small part of what was sent, or would wait, without them.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use fairway_proto::{
    Message,
    message::Heartbeat,
};
use fairway_sdk::{
    ChannelId, Filter, Height, Keypair, Member, Refusal,
    api::channel::{BlockView, Notice},
    json,
};
use fairway_state::parts::Prefix;
use fairway_types::{
    Block, Call, ChainId, Epoch, FunctionName, Gas, Hash, Header, Operation, SequenceNumber,
    SignedCall, SignedViewChange, Term, Time, Transaction, View, ViewChange, codec,
    contract::NATIVE, limits,
};
use futures::{AsyncWriteExt, SinkExt, StreamExt};
use libp2p::Multiaddr;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite};

use crate::{
    peers::{PROTOCOL, connect, node_key},
    world::{Memory, World, pay},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long a write may take before the reader is taken not to read.
const STUCK: Duration = Duration::from_secs(1);

async fn socket(world: &World, index: usize) -> Socket {
    connect_async(world.network.url(index)).await.unwrap().0
}

fn address(world: &World, index: usize) -> SocketAddr {
    world.network.url(index).trim_start_matches("ws://").parse().unwrap()
}

/// Pays some times, each in time.
async fn is_served(member: &Member, to: &Keypair, payments: usize) {
    for _ in 0..payments {
        let paid = timeout(Duration::from_secs(5), pay(member, to, 1)).await;
        paid.expect("not served in time").unwrap();
    }
}

fn assert_bounded(memory: &Memory, mebibytes: u64) {
    let grown = memory.growth() >> 20;
    println!("grew by {grown} MiB");
    assert!(grown < mebibytes, "grew by {grown} MiB, of {mebibytes} allowed");
}

/// Sends requests and reads no answer; how many the node took until it read no more.
async fn ask_without_reading(mut socket: Socket, most: usize) -> (usize, Socket) {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "state_channel.status" });
    let request = tungstenite::Message::text(request.to_string());
    for sent in 0..most {
        match timeout(STUCK, socket.send(request.clone())).await {
            Ok(sent) => sent.unwrap(),
            Err(_) => return (sent, socket),
        }
    }
    (most, socket)
}

/// 32 clients ask 200,000 times each, for a kilobyte and more an answer: 6 GB would wait. What
/// waits for each of them is a socket's buffers and 32 answers.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_read_no_answers_are_not_read_from() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    is_served(&alice, &world.keys[1], 1).await;
    let memory = Memory::of(&world, 0);
    let mut clients = JoinSet::new();
    for _ in 0..32 {
        clients.spawn(ask_without_reading(socket(&world, 0).await, 200_000));
    }
    is_served(&alice, &world.keys[1], 20).await;
    let asked = timeout(Duration::from_secs(30), clients.join_all()).await.unwrap();
    assert!(asked.iter().all(|(sent, _)| *sent < 200_000), "a node read them all");
    assert_bounded(&memory, 150);
    // Whoever reads is read from again.
    let (_, mut client) = asked.into_iter().next().unwrap();
    let answer: Value = serde_json::from_str(client.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert!(answer["result"]["node"].is_string(), "{answer}");
    is_served(&alice, &world.keys[1], 5).await;
}

/// 400 clients begin messages of 3.5 MiB and stop before their ends: 1.4 GB. 128 MiB of them are
/// held, in buffers that may be twice as large.
#[tokio::test(flavor = "multi_thread")]
async fn messages_that_never_end_are_held_up_to_a_bound() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    is_served(&alice, &world.keys[1], 1).await;
    let memory = Memory::of(&world, 0);
    let part: Arc<[u8]> = {
        // A masked text frame of 4 MiB minus one, without its end.
        let mut part = vec![0x81, 0xff];
        part.extend(((4u64 << 20) - 1).to_be_bytes());
        part.extend([0; 4]);
        part.resize(7 << 19, b' ');
        part.into()
    };
    let mut begun = JoinSet::new();
    for _ in 0..400 {
        let MaybeTlsStream::Plain(mut socket) = socket(&world, 0).await.into_inner() else {
            unreachable!("there is no TLS")
        };
        let part = Arc::clone(&part);
        begun.spawn(async move {
            let sent = timeout(Duration::from_secs(10), socket.write_all(&part)).await;
            (sent.is_ok_and(|sent| sent.is_ok()), socket)
        });
    }
    let begun = timeout(Duration::from_secs(30), begun.join_all()).await.unwrap();
    is_served(&alice, &world.keys[1], 5).await;
    assert!(begun.iter().any(|(held, _)| *held), "the first ones are held");
    assert_bounded(&memory, 500);
    drop(begun);
    let mut client = socket(&world, 0).await;
    let large = json!({ "jsonrpc": "2.0", "id": 1, "method": "x", "params": ["x".repeat(5 << 20)] });
    client.send(tungstenite::Message::text(large.to_string())).await.unwrap();
    let answer: Value = serde_json::from_str(client.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(answer["error"]["code"], -32007, "{answer}");
    is_served(&alice, &world.keys[1], 5).await;
}

/// A node has room for 1,024 clients, whether they ask or not.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_bounded_and_take_nothing_from_who_is_connected() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    is_served(&alice, &world.keys[1], 1).await;
    let memory = Memory::of(&world, 0);
    let mut idle = Vec::new();
    for _ in 0..3_000 {
        idle.push(TcpStream::connect(address(&world, 0)).await.unwrap());
    }
    let mut refusal = String::new();
    let last = idle.last_mut().unwrap();
    timeout(STUCK, last.read_to_string(&mut refusal)).await.unwrap().unwrap();
    assert!(refusal.starts_with("HTTP/1.1 429") && refusal.contains("retry-after"), "{refusal}");
    is_served(&alice, &world.keys[1], 5).await;
    // A task, a buffer and a timer for each.
    assert_bounded(&memory, 64);
    drop(idle);
    let connected = async {
        while world.network.client(0).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), connected).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_of_a_connection_are_bounded() {
    let world = World::start(1).await;
    let channel = world.open("payments").await;
    let mut client = socket(&world, 0).await;
    let mut refused = 0;
    for id in 0..300 {
        let method = "state_channel.subscribe";
        let params = json!({ "channel": channel, "from": 1_000_000 });
        let ask = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        client.send(tungstenite::Message::text(ask.to_string())).await.unwrap();
        loop {
            let text = client.next().await.unwrap().unwrap();
            let answer: Value = serde_json::from_str(text.to_text().unwrap()).unwrap();
            if answer["id"] == json!(id) {
                refused += u32::from(answer["error"]["code"] == json!(-32006));
                break;
            }
        }
    }
    assert_eq!(refused, 300 - 256);
}

fn payment(key: &Keypair, place: (ChainId, ChannelId), sequence: u64, to: &Keypair) -> SignedCall {
    let function: FunctionName = "0x44::payments::pay".parse().unwrap();
    let args = vec![
        codec::encode(&to.address()),
        codec::encode(&NATIVE),
        codec::encode(&1u64),
        codec::encode(&String::new()),
    ];
    let call = Call {
        chain: place.0,
        channel: place.1,
        sender: key.address(),
        sequence: SequenceNumber(sequence),
        operation: Operation::Invoke { function, type_args: Vec::new(), args },
        gas_limit: Gas(limits::CALL_GAS),
        expires_at: fairway::driver::clock().plus(60_000),
    };
    SignedCall { key: key.public(), signature: key.sign(&call), call }
}

/// Nothing can be certified while the other member stands still: calls wait, as many as a
/// connection may have under way, and one more is told when to come again.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_are_bounded_and_one_more_is_told_to_come_again() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    is_served(&alice, &world.keys[1], 1).await;
    let chain = world.ledger.channel(channel).await.unwrap().record.chain;
    let first = alice.channel().sequence(world.keys[0].address()).await.unwrap().0;
    let calls: Vec<SignedCall> = (first..first + 4_200)
        .map(|number| payment(&world.keys[0], (chain, channel), number, &world.keys[1]))
        .collect();
    let memory = Memory::of(&world, 0);
    let other = world.network.nodes[1].process.as_ref().unwrap();
    other.freeze();
    let mut client = socket(&world, 0).await;
    for (id, call) in calls.iter().enumerate() {
        let (method, params) = ("state_channel.call", json!({ "call": call }));
        let ask = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        client.feed(tungstenite::Message::text(ask.to_string())).await.unwrap();
    }
    client.flush().await.unwrap();
    let answer: Value = serde_json::from_str(client.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(answer["error"]["code"], 100_007, "{answer}");
    assert!(answer["error"]["data"]["details"]["retry_after_ms"].is_u64(), "{answer}");
    other.thaw();
    // What was taken is answered, once each.
    let mut certified = 0;
    for _ in 1..calls.len() {
        let next = timeout(Duration::from_secs(20), client.next()).await.expect("no answer");
        let answer: Value = serde_json::from_str(next.unwrap().unwrap().to_text().unwrap()).unwrap();
        certified += usize::from(answer["result"]["height"].is_u64());
    }
    assert!(certified > 3_000, "{certified} of {} calls", calls.len());
    assert_bounded(&memory, 150);
    world.same_log(channel).await;
}
