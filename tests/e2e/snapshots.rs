//! A late joiner and a node that was away for long: both go on from a snapshot, since the blocks
//! they lack are settled and nobody keeps them any more.

use std::{fs, time::Duration};

use fairway_sdk::{
    CallStatus, ChannelId, Error, Filter, Height, Member, Refusal, api::channel::Notice,
};
use fairway_types::{Operation, codec};
use tokio::time::timeout;

use crate::world::{DEPOSIT, World, fixed_places};

/// Blobs of this size, so many of each member: a state in several parts.
const BLOB: usize = 50_000;
const BLOBS: usize = 20;
/// Calls of each member in a row.
const NOTES: usize = 50;
/// More blocks than memory keeps below the head.
const MORE: u64 = 1_100;
const BLOCKS_KEPT: u64 = 8;

/// Four nodes that keep few settled blocks, and a channel of the first three's accounts.
async fn three_of_four() -> (World, ChannelId) {
    let mut places = fixed_places(5);
    let mut world = World::start_at(places.remove(0), places).await;
    for index in 0..4 {
        configure(&mut world, index).await;
    }
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/blobs");
    let channel = world.create(package).await;
    for index in 0..3 {
        let client = world.network.client(index).await.unwrap();
        client.join(&world.keys[index], channel, DEPOSIT).await.unwrap();
    }
    for index in 0..3 {
        world.until(index, channel, |status| status.members.len() == 3).await;
    }
    (world, channel)
}

/// The node keeps few blocks; and takes blocks as long as anybody keeps them.
async fn configure(world: &mut World, index: usize) {
    world.network.nodes[index].process.take().unwrap().stop().await;
    let keep = BLOCKS_KEPT.to_string();
    set(world, index, &[("keep_blocks", &keep), ("archive", "false"), ("sync_blocks", "1000000")]);
    world.network.start_node(index).await.unwrap();
}

/// Changes the node's settings.
fn set(world: &World, index: usize, settings: &[(&str, &str)]) {
    let path = world.network.nodes[index].folder.join("node.toml");
    let lines = fs::read_to_string(&path).unwrap();
    let lines = lines.lines().map(|line| {
        let name = line.split(' ').next();
        match settings.iter().find(|(of, _)| Some(*of) == name) {
            Some((name, value)) => format!("{name} = {value}\n"),
            None => format!("{line}\n"),
        }
    });
    fs::write(&path, lines.collect::<String>()).unwrap();
}

/// The member puts blobs, each under a type of its own.
async fn put(member: &Member, byte: u8) {
    for number in 0..BLOBS {
        let of = ["bool", "u8", "u64", "u128", "address"][number % 5];
        let depth = number / 5;
        let tag = format!("{}{of}{}", "vector<".repeat(depth), ">".repeat(depth));
        let operation = Operation::Invoke {
            function: "0x45::blobs::put".parse().unwrap(),
            type_args: vec![tag],
            args: vec![codec::encode(&vec![byte; BLOB])],
        };
        let report = member.order(operation, CallStatus::Certified).await.unwrap();
        assert_eq!(report.error, None);
    }
}

async fn note(member: &Member, count: usize) {
    for _ in 0..count {
        member.call("0x45::blobs::note", &[]).await.unwrap();
    }
}

/// So many calls that there are [`MORE`] blocks above this height.
async fn fill(world: &World, channel: ChannelId, members: [&Member; 3], from: Height) {
    while world.status(0, channel).await.head.0 < from.0 + MORE {
        tokio::join!(note(members[0], NOTES), note(members[1], NOTES), note(members[2], NOTES));
    }
}

/// Settles what there is, and waits until the settled blocks are gone.
async fn settle(world: &World, channel: ChannelId, nodes: &[usize]) -> Height {
    let before = world.status(0, channel).await.settled;
    world.channel(0, channel).await.propose_settlement().await.unwrap();
    for index in nodes {
        world
            .until(*index, channel, |status| {
                status.settled > before && status.pruned.0 + BLOCKS_KEPT >= status.settled.0
            })
            .await;
    }
    world.status(0, channel).await.pruned
}

/// The fields of the node's log lines with this message.
fn said(world: &World, index: usize, message: &str) -> Vec<serde_json::Value> {
    let log = fs::read_to_string(&world.network.nodes[index].log).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let fields = lines.filter_map(|mut line| line.get_mut("fields").map(serde_json::Value::take));
    fields.filter(|fields| fields["message"] == message).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_or_was_away_past_the_pruned_log_goes_on_from_a_snapshot() {
    let (mut world, channel) = three_of_four().await;
    let members = [
        world.member(0, channel).await,
        world.member(1, channel).await,
        world.member(2, channel).await,
    ];
    tokio::join!(put(&members[0], 1), put(&members[1], 1), put(&members[2], 1));
    let [first, second, third] = &members;
    fill(&world, channel, [first, second, third], Height::ZERO).await;
    let pruned = settle(&world, channel, &[0, 1, 2]).await;
    let refused = world.channel(0, channel).await.blocks(Height(1), 1).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::Pruned { above, .. }) if above >= pruned));

    // A fourth member joins late.
    let client = world.network.client(3).await.unwrap();
    client.join(&world.keys[3], channel, DEPOSIT).await.unwrap();
    for index in [0, 3] {
        world.until(index, channel, |status| status.members.len() == 4).await;
    }
    let head = world.same_log(channel).await;
    assert!(head > pruned);
    let progress = said(&world, 3, "taking a snapshot");
    assert!(progress.len() > 2, "it came in parts: {progress:?}");
    assert_eq!(said(&world, 3, "went on from a snapshot").len(), 1);
    let late = world.member(3, channel).await;
    note(&late, 3).await;
    world.same_log(channel).await;

    // An app that was away resumes below what is kept: it is told, and gets a snapshot.
    let watched = world.channel(3, channel).await;
    let mut notices = watched.subscribe_from(Height(1), Filter::default()).await.unwrap();
    let mut next =
        async || timeout(Duration::from_secs(10), notices.next()).await.unwrap().unwrap();
    let Notice::Skipped { to } = next().await else { panic!("not told") };
    let Notice::Snapshot { height, resources, .. } = next().await else { panic!("no snapshot") };
    assert!(height >= to && to >= pruned && resources.len() > 3 * BLOBS);

    // A node is away while what it lacks is settled and pruned. From now on it keeps what it has.
    world.network.kill_node(2).await;
    set(&world, 2, &[("archive", "true")]);
    let left = world.status(0, channel).await.head;
    for byte in 2..5 {
        tokio::join!(put(&members[0], byte), put(&members[1], byte));
    }
    fill(&world, channel, [first, second, &late], left).await;
    let pruned = settle(&world, channel, &[0, 1, 3]).await;
    assert!(pruned > left);
    // What waits for it on the others' links goes with them.
    for index in [0, 1, 3] {
        world.network.kill_node(index).await;
        world.network.start_node(index).await.unwrap();
    }
    world.network.start_node(2).await.unwrap();
    world.until(2, channel, |status| status.head >= pruned).await;
    world.same_log(channel).await;
    assert_eq!(said(&world, 2, "went on from a snapshot").len(), 1);
    note(&world.member(2, channel).await, 3).await;
    world.same_log(channel).await;

    // What it took is on its disk: it comes back from there.
    world.network.kill_node(2).await;
    world.network.start_node(2).await.unwrap();
    world.same_log(channel).await;
    assert_eq!(said(&world, 2, "went on from a snapshot").len(), 1);
    assert_gap(&world, channel, left, pruned).await;
}

/// The third node has what it had, says what it lacks, and leads subscribers over it.
async fn assert_gap(world: &World, channel: ChannelId, before: Height, after: Height) {
    let archive = world.channel(2, channel).await;
    let refused = archive.blocks(after, 1).await.unwrap_err();
    let Error::Refused(Refusal::Pruned { above, .. }) = refused else { panic!("{refused}") };
    assert!(above >= after);
    let next = archive.blocks(above.next(), 1).await.unwrap();
    assert_eq!(next[0].height, above.next());
    let kept = Height(before.0 - BLOCKS_KEPT);
    assert_eq!(archive.blocks(kept, 1).await.unwrap()[0].height, kept);
    let mut notices = archive.subscribe_from(kept, Filter::default()).await.unwrap();
    loop {
        let notice = timeout(Duration::from_secs(10), notices.next()).await.unwrap().unwrap();
        if let Notice::Skipped { to } = notice {
            assert!(to >= above);
            break;
        }
    }
}
