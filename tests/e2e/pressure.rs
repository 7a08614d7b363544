//! Floods: whoever sends, and whoever does not read, a node's memory stays bounded, the others are
//! served meanwhile, and the node goes on afterwards as if nothing had been.
//!
//! Each bound is several times what the bounds in docs/operations.md ("What bounds memory") add up
//! to for that flood, and a small part of what was sent, or would wait, without them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Arc,
    time::{Duration, Instant},
};

use fairway_proto::{Message, message::Heartbeat};
use fairway_sdk::{
    ChannelId, Filter, Height, Keypair, Member,
    api::channel::{Notice, Role},
    json,
};
use fairway_state::parts::Prefix;
use fairway_types::{
    Block, Call, ChainId, Epoch, FunctionName, Gas, Hash, Header, NodeId, Operation, Promise,
    SequenceNumber, SignedCall, SignedViewChange, Term, Time, Transaction, View, ViewChange, codec,
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

/// The next answer or notice.
async fn next_of(client: &mut Socket) -> Value {
    loop {
        let message = timeout(Duration::from_secs(15), client.next()).await.expect("nothing comes");
        if let tungstenite::Message::Text(text) = message.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
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
    let answer = next_of(&mut client).await;
    assert!(answer["result"]["node"].is_string(), "{answer}");
    is_served(&alice, &world.keys[1], 5).await;
}

/// 400 clients begin messages of 3.5 MiB and stop before their ends: 1.4 GB. 128 MiB of them are
/// held, in buffers that may be twice as large. 400 more announce 4 MiB and send nothing: 1.6 GB, if
/// anybody believed them.
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
    let mut announced = Vec::new();
    for _ in 0..400 {
        let MaybeTlsStream::Plain(mut socket) = socket(&world, 0).await.into_inner() else {
            unreachable!("there is no TLS")
        };
        socket.write_all(&part[..14]).await.unwrap();
        announced.push(socket);
    }
    is_served(&alice, &world.keys[1], 5).await;
    assert_bounded(&memory, 100);
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
    drop((begun, announced));
    let mut client = socket(&world, 0).await;
    let large =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "x", "params": ["x".repeat(5 << 20)] });
    client.send(tungstenite::Message::text(large.to_string())).await.unwrap();
    let answer = next_of(&mut client).await;
    assert_eq!(answer["error"]["code"], -32007, "{answer}");
    is_served(&alice, &world.keys[1], 5).await;
}

/// A node has room for 1,024 clients, and who does not ask keeps none of them out.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_bounded_and_take_nothing_from_who_is_connected() {
    let mut world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    is_served(&alice, &world.keys[1], 1).await;
    let memory = Memory::of(&world, 0);
    let mut idle = Vec::new();
    for _ in 0..3_000 {
        idle.push(TcpStream::connect(address(&world, 0)).await.unwrap());
    }
    // Who says nothing gives way to who comes after it.
    let first = timeout(STUCK, idle[0].read(&mut [0; 1])).await.expect("the oldest is kept");
    assert!(!matches!(first, Ok(1..)), "something was said to who asked nothing");
    let connected = async {
        while world.network.client(0).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), connected).await.expect("idle connections keep others out");
    is_served(&alice, &world.keys[1], 5).await;
    // A task, a buffer and a timer for each.
    assert_bounded(&memory, 64);
    drop(idle);
    assert!(world.network.stop().await);
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
            let answer = next_of(&mut client).await;
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

fn order(call: &SignedCall, id: usize) -> tungstenite::Message {
    let (method, params) = ("state_channel.call", json!({ "call": call }));
    let ask = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    tungstenite::Message::text(ask.to_string())
}

/// Refused before anything of the call was kept: busy, too far ahead of those that were refused, or
/// no quorum heard just now.
fn comes_again(answer: &Value) -> bool {
    [100_004, 100_007, 100_008].map(|code| json!(code)).contains(&answer["error"]["code"])
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
    let orders: Vec<tungstenite::Message> = (first..first + 4_200)
        .map(|number| payment(&world.keys[0], (chain, channel), number, &world.keys[1]))
        .enumerate()
        .map(|(id, call)| order(&call, id))
        .collect();
    let memory = Memory::of(&world, 0);
    let mut client = socket(&world, 0).await;
    let other = world.network.nodes[1].process.as_ref().unwrap();
    other.freeze();
    for order in &orders {
        client.feed(order.clone()).await.unwrap();
    }
    client.flush().await.unwrap();
    let mut refused = BTreeSet::new();
    let mut answer = next_of(&mut client).await;
    // Who is slow to send finds the quorum gone before the connection is full.
    while answer["error"]["code"] != 100_007 {
        assert!(comes_again(&answer), "{answer}");
        refused.insert(answer["id"].as_u64().unwrap());
        answer = next_of(&mut client).await;
    }
    assert!(answer["error"]["data"]["details"]["retry_after_ms"].is_u64(), "{answer}");
    other.thaw();
    // Who comes again as it is told to has every call ordered, once.
    let all = async {
        let mut ordered = HashSet::new();
        let mut next = Some(answer);
        while ordered.len() < orders.len() {
            if let Some(answer) = next {
                let id = answer["id"].as_u64().unwrap();
                if comes_again(&answer) {
                    assert!(refused.insert(id), "call {id} was answered twice");
                } else {
                    assert!(ordered.insert(id), "call {id} was ordered twice");
                }
            } else {
                // Lowest first: those above wait for those below.
                for id in std::mem::take(&mut refused) {
                    client.feed(orders[usize::try_from(id).unwrap()].clone()).await.unwrap();
                }
                client.flush().await.unwrap();
            }
            next = timeout(Duration::from_millis(100), next_of(&mut client)).await.ok();
        }
    };
    timeout(Duration::from_secs(60), all).await.expect("calls are lost");
    assert_bounded(&memory, 150);
    world.same_log(channel).await;
}

/// A member's node in other hands.
struct Hostile {
    key: Keypair,
    channel: ChannelId,
    frames: Vec<Vec<u8>>,
}

impl Hostile {
    /// What looks valid: signed where it must be, asking for a lot, far ahead, or as large as may be.
    fn new(key: Keypair, account: &Keypair, place: (ChainId, ChannelId), to: &Keypair) -> Self {
        let channel = place.1;
        let term = |view| Term { epoch: Epoch(1), view: View(view) };
        let mut messages = vec![
            Message::SyncRequest { from: Height(1) },
            Message::CheckpointRequest { above: Height(0) },
            Message::PartRequest { height: Height(5), root: Hash([7; 32]), prefix: Prefix::ROOT },
            Message::Heartbeat(Heartbeat {
                term: term(9),
                head: Height(u64::MAX),
                head_hash: Hash([7; 32]),
                certified: Height(u64::MAX),
                finalised: Height(u64::MAX),
                wish: term(u64::MAX),
                leader_latency: 0,
                hops: 0,
            }),
        ];
        for number in 0..200 {
            messages.push(Message::Forward(payment(account, place, number + 500, to)));
            messages.push(promise(&key, channel, term(number + 1)));
        }
        for height in 0..16 {
            messages.push(large_block(&key, channel, Height(1_000 + height)));
        }
        let mut frames: Vec<Vec<u8>> = messages.iter().map(Message::encode).collect();
        for frame in &mut frames {
            let length = u32::try_from(frame.len()).unwrap();
            frame.splice(..0, length.to_be_bytes());
        }
        Self { key, channel, frames }
    }

    /// Sends everything again and again for a while on streams that it reads nothing from, and asks
    /// most of the time; how many frames the node took.
    async fn flood(&self, node: NodeId, address: &Multiaddr, end: Instant) -> usize {
        let mut sent = 0;
        while Instant::now() < end {
            let Some((peer, mut control)) = connect(&self.key, node, address).await else {
                continue;
            };
            let mut streams = Vec::new();
            while Instant::now() < end {
                let opened = timeout(STUCK, control.open_stream(peer, PROTOCOL)).await;
                let Ok(Ok(mut stream)) = opened else { break };
                let sending = async {
                    stream.write_all(self.channel.as_bytes()).await?;
                    for frame in self.frames.iter().cycle().take(4 * self.frames.len()) {
                        stream.write_all(frame).await?;
                        stream.write_all(&self.frames[0]).await?;
                        sent += 2;
                    }
                    stream.flush().await
                };
                // A stream that broke, or is read no more, is followed by another one.
                let _ = timeout(STUCK, sending).await;
                streams.push(stream);
            }
        }
        sent
    }
}

fn promise(key: &Keypair, channel: ChannelId, term: Term) -> Message {
    let (proof, certificate, acked) = (None, None, Vec::new());
    let view_change = ViewChange { channel, term, proof, certificate, acked };
    let signature = key.sign(&view_change.summary());
    let signed = SignedViewChange { view_change, node: key.node_id(), signature };
    let promise = Promise { signed, proof: None, certificate: None };
    Message::ViewChange(Box::new(promise))
}

fn large_block(key: &Keypair, channel: ChannelId, height: Height) -> Message {
    let paid = vec![key.address(); limits::BLOCK_BYTES / 32 - 64];
    let transactions = vec![Transaction::Settled { number: 1, paid }];
    let header = Header {
        channel,
        parent: Hash([7; 32]),
        height,
        term: Term { epoch: Epoch(1), view: View(0) },
        time: Time(0),
        justified: Height::ZERO,
        opening: None,
        transactions_root: Block::transactions_root(&transactions),
        effects_root: Hash::ZERO,
        state_root: Hash::ZERO,
        extension: Vec::new(),
    };
    let (leader, signature) = (key.node_id(), key.sign(&header));
    let (justification, opening) = (None, None);
    Message::Block(Arc::new(Block {
        header,
        transactions,
        justification,
        opening,
        bundles: Vec::new(),
        leader,
        signature,
    }))
}

/// Three connections of a member's node send what they can for some seconds, read nothing, and ask
/// for 2 MiB of blocks each time: gigabytes are sent and asked for. What the node holds for a peer:
/// 32 MiB to be sent, 32 MiB of early blocks, 8 MiB of frames and what they are in memory, and the
/// windows of its connections.
#[tokio::test(flavor = "multi_thread")]
async fn member_that_floods_the_leader_and_reads_nothing_is_bounded_and_stops_nobody() {
    let mut world = World::start(3).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    let memo = "x".repeat(40_000);
    let args = [json!(world.keys[1].address().to_string()), json!(NATIVE), json!(1), json!(memo)];
    for _ in 0..70 {
        alice.call("0x44::payments::pay", &args).await.unwrap();
    }
    let status = world.network.client(0).await.unwrap().status().await.unwrap();
    let address: Multiaddr = status.endpoints[0].parse().unwrap();
    let chain = world.ledger.channel(channel).await.unwrap().record.chain;
    world.network.kill_node(2).await;
    let key = node_key(&world.network.nodes[2].folder);
    let place = (chain, channel);
    let hostile = Arc::new(Hostile::new(key, &world.keys[2], place, &world.keys[0]));
    let memory = Memory::of(&world, 0);
    let end = Instant::now() + Duration::from_secs(6);
    let mut floods = JoinSet::new();
    for _ in 0..3 {
        let (hostile, node, address) = (Arc::clone(&hostile), status.node, address.clone());
        floods.spawn(async move { hostile.flood(node, &address, end).await });
    }
    while Instant::now() < end {
        is_served(&alice, &world.keys[1], 1).await;
    }
    let sent: usize = floods.join_all().await.iter().sum();
    println!("{sent} frames were taken");
    assert!(sent > 10_000, "no flood: {sent} frames");
    assert_bounded(&memory, 300);
    world.network.start_node(2).await.unwrap();
    let carol = world.member(2, channel).await;
    is_served(&carol, &world.keys[0], 1).await;
    world.same_log(channel).await;
}

/// Whom the node does not know it does not let in, and those that say nothing take a bounded number
/// of places for a bounded time.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_the_node_port_take_nothing_from_members() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    is_served(&alice, &world.keys[1], 1).await;
    let status = world.network.client(0).await.unwrap().status().await.unwrap();
    let port = status.endpoints[0].rsplit('/').next().unwrap().parse::<u16>().unwrap();
    let memory = Memory::of(&world, 0);
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    is_served(&alice, &world.keys[1], 20).await;
    assert_bounded(&memory, 64);
}

/// 64 subscriptions of one client that stops reading, over 150 blocks of 40 KB each: 400 MB would
/// wait for it. What waits is one notice a subscription, 16 in the connection's queue, and what its
/// sockets hold.
#[tokio::test(flavor = "multi_thread")]
async fn subscriber_that_stops_reading_is_dropped_told_so_and_goes_on_at_its_cursor() {
    const SUBSCRIPTIONS: usize = 64;
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    let mut fast = alice.channel().subscribe(Filter::default()).await.unwrap();
    let mut slow = socket(&world, 0).await;
    for id in 0..SUBSCRIPTIONS {
        let params = json!({ "channel": channel, "from": 1 });
        let method = "state_channel.subscribe";
        let ask = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        slow.send(tungstenite::Message::text(ask.to_string())).await.unwrap();
    }
    let memory = Memory::of(&world, 0);
    let memo = "x".repeat(40_000);
    let args = [json!(world.keys[1].address().to_string()), json!(NATIVE), json!(1), json!(memo)];
    let begun = Instant::now();
    let mut last = Height(0);
    for _ in 0..150 {
        let report = alice.call("0x44::payments::pay", &args).await.unwrap();
        last = last.max(report.height);
        // The other subscriber sees the block at once.
        let seen = async {
            while !matches!(fast.next().await, Some(Notice::Block { height, .. }) if height >= last)
            {
            }
        };
        timeout(Duration::from_secs(2), seen).await.expect("a subscriber is held up by another");
    }
    assert_bounded(&memory, 100);
    // What takes longer than this for one notice is dropped.
    sleep(Duration::from_secs(11).saturating_sub(begun.elapsed())).await;
    let mut cursors: HashMap<u64, (u64, bool)> = HashMap::new();
    while cursors.len() < SUBSCRIPTIONS || cursors.values().any(|(_, lagged)| !lagged) {
        let message = next_of(&mut slow).await;
        let Some(subscription) = message["params"]["subscription"].as_u64() else { continue };
        let notice = &message["params"]["result"];
        let (next, lagged) = cursors.entry(subscription).or_insert((1, false));
        assert!(!*lagged, "something came after the last word");
        match notice["kind"].as_str().unwrap() {
            "block" => {
                assert_eq!(notice["height"], json!(*next), "a gap, or twice the same");
                *next += 1;
            }
            "lagged" => {
                assert_eq!(notice["resume_from"], json!(*next));
                *lagged = true;
            }
            _ => {}
        }
    }
    let next = cursors.values().map(|(next, _)| *next).min().unwrap();
    assert!(Height(next) <= last, "it lagged behind nothing");
    let params = json!({ "channel": channel, "from": next });
    let method = "state_channel.subscribe";
    let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    slow.send(tungstenite::Message::text(ask.to_string())).await.unwrap();
    let mut expected = next;
    while Height(expected) <= last {
        let message = next_of(&mut slow).await;
        let notice = &message["params"]["result"];
        if notice["kind"] == "block" {
            assert_eq!(notice["height"], json!(expected));
            expected += 1;
        }
    }
}

/// A disk of its own whose every write waits: a file system that is frozen most of the time.
struct SlowDisk {
    freezer: Child,
    image: PathBuf,
}

impl SlowDisk {
    /// `None` where this process may not mount. The freezer lets go when this process is gone.
    fn mount(at: &Path, image: PathBuf) -> Option<Self> {
        let file = std::fs::File::create(&image).ok()?;
        file.set_len(256 << 20).ok()?;
        let run = |program: &str, args: &[&Path]| {
            let ran = Command::new(program).args(args).output();
            ran.is_ok_and(|ran| ran.status.success())
        };
        let mounted = run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), &image])
            && run("mount", &["-o".as_ref(), "loop".as_ref(), &image, at]);
        if !mounted {
            return None;
        }
        let script = "while [ -e \"$1\" ] && kill -0 $2; do
            if [ -e \"$1.slow\" ]; then
                fsfreeze -f \"$3\"; sleep $(cat \"$1.slow\"); fsfreeze -u \"$3\"
            fi
            sleep 0.02
        done; umount -l \"$3\"";
        let own = std::process::id().to_string();
        let freezer = Command::new("sh")
            .args(["-c", script, "sh"])
            .args([image.as_os_str(), own.as_ref(), at.as_os_str()])
            .spawn()
            .ok()?;
        Some(Self { freezer, image })
    }

    /// Each write waits about so long from now on; none again.
    fn slow(&self, seconds: Option<f64>) {
        let flag = format!("{}.slow", self.image.display());
        match seconds {
            Some(seconds) => std::fs::write(flag, seconds.to_string()).unwrap(),
            None => std::fs::remove_file(flag).unwrap(),
        }
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.image);
        let _ = self.freezer.wait();
    }
}

/// A leader whose writes take 200 ms writes more at a time, loses nothing and stays the leader; one
/// whose disk is silent for longer than the others' patience loses its place and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn slow_disk_makes_larger_groups_and_a_dead_one_costs_the_lead() {
    let mut world = World::start(3).await;
    world.network.nodes[0].process.as_mut().unwrap().stop().await;
    let data = world.network.nodes[0].folder.join("data");
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::create_dir(&data).unwrap();
    let Some(disk) = SlowDisk::mount(&data, world.folder.path().join("disk")) else {
        println!("skipped: this process may not mount file systems");
        return;
    };
    world.network.start_node(0).await.unwrap();
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    is_served(&alice, &world.keys[1], 1).await;
    let before = world.status(0, channel).await;
    assert_eq!(before.role, Role::Leader);
    let memory = Memory::of(&world, 0);
    disk.slow(Some(0.2));
    let payments = (0..900).map(|_| pay(&alice, &world.keys[1], 1));
    let paid = timeout(Duration::from_secs(40), futures::future::join_all(payments)).await;
    let paid = paid.expect("calls are lost");
    assert!(paid.iter().all(Result::is_ok), "{:?}", paid.iter().find(|paid| paid.is_err()));
    let after = world.status(0, channel).await;
    println!("{} blocks for 900 calls", after.head.0 - before.head.0);
    assert!(after.head.0 - before.head.0 < 100, "groups did not grow");
    assert_eq!(after.term, before.term, "a slow disk looks like a dead leader");
    assert_bounded(&memory, 150);

    // A write that takes longer than `leader_timeout`: the others go on without it.
    disk.slow(Some(4.0));
    let bob = world.member(1, channel).await;
    let changed = async {
        loop {
            pay(&bob, &world.keys[0], 1).await.unwrap();
            let status = world.status(1, channel).await;
            if status.term > after.term {
                return status;
            }
        }
    };
    let changed = timeout(Duration::from_secs(15), changed).await.expect("nobody took over");
    assert_ne!(changed.leader, after.leader);
    disk.slow(None);
    world.until(0, channel, |status| status.term >= changed.term).await;
    is_served(&alice, &world.keys[1], 1).await;
    world.same_log(channel).await;
    assert_eq!(world.held(0, channel, 0).await, world.held(1, channel, 0).await);
    assert!(world.network.stop().await);
}
