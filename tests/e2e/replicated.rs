//! A channel whose signatures do not wait for the disk, and machines that lose power: what a node
//! wrote last is cut off its data, as a power cut does.

use std::{
    fs::{self, OpenOptions},
    time::Duration,
};

use fairway::store::Store;
use fairway_sdk::{ChannelId, Durability, Height};
use tokio::time::sleep;

use crate::{
    audit::audit,
    load::Load,
    world::{World, fixed_places, pay},
};

/// The last bytes of the write-ahead log, which are gone.
const TAIL: u64 = 100_000;
const CALM: Duration = Duration::from_secs(30);

async fn replicated(nodes: usize) -> (World, ChannelId) {
    let mut places = fixed_places(nodes + 1);
    let world = World::start_at(places.remove(0), places).await;
    let change = |config: &mut fairway_sdk::ChannelConfig| {
        config.durability = Durability::Replicated;
    };
    let channel = world.create_with("payments", change).await;
    world.join_all(channel).await;
    (world, channel)
}

/// Cuts the node's last writes off; the head before and after.
fn cut_tail(world: &World, node: usize, channel: ChannelId) -> (Height, Height) {
    let data = world.network.nodes[node].folder.join("data");
    let head = || {
        let store = Store::open(&data).unwrap();
        let (log, _) = store.channel(channel).recover().unwrap();
        store.close();
        log.head()
    };
    // Reading opens a new write-ahead log: the cut comes first.
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&data).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let before = head();
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    for entry in fs::read_dir(copy.path()).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), data.join(entry.file_name())).unwrap();
    }
    let is_log = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "log");
    let logs = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).filter(is_log);
    let last = logs.max().unwrap();
    let file = OpenOptions::new().write(true).open(last).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(TAIL)).unwrap();
    (before, head())
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_lost_their_last_writes_learn_what_they_signed_and_go_on() {
    let (mut world, channel) = replicated(4).await;
    let load = Load::start(&world, channel).await;
    load.expect(200, CALM, "before any power cut").await;
    // A follower, then the leader.
    for round in 0..2 {
        let leader = world.status(3, channel).await.leader;
        let mut node = 0;
        for index in 0..4 {
            let is_leader =
                Some(world.network.client(index).await.unwrap().status().await.unwrap().node)
                    == leader;
            if is_leader == (round == 1) && index != 3 {
                node = index;
            }
        }
        world.network.kill_node(node).await;
        let (before, after) = cut_tail(&world, node, channel);
        println!("node {node} had {before}, has {after}");
        assert!(after < before, "nothing was lost: {before}");
        world.network.start_node_with(node, &["--tail-lost"]).await.unwrap();
        world.until(node, channel, |status| !status.tail_lost && status.head >= before).await;
        load.expect(100, CALM, "with the node back").await;
    }
    sleep(Duration::from_secs(1)).await;
    let acked = load.finish(CALM).await;
    audit(&world, channel, &acked).await;
}

/// Nobody is left to ask but those who lost as much.
#[tokio::test(flavor = "multi_thread")]
async fn whole_channel_that_lost_power_goes_on_from_what_is_left() {
    let (mut world, channel) = replicated(3).await;
    let members = [world.member(0, channel).await, world.member(1, channel).await];
    for member in &members {
        for _ in 0..150 {
            pay(member, &world.keys[2], 1).await.unwrap();
        }
    }
    for node in 0..3 {
        world.network.kill_node(node).await;
    }
    let heads: Vec<_> = (0..3).map(|node| cut_tail(&world, node, channel)).collect();
    assert!(heads.iter().all(|(before, after)| after < before), "nothing was lost: {heads:?}");
    for node in 0..3 {
        world.network.start_node_with(node, &["--tail-lost"]).await.unwrap();
    }
    for node in 0..3 {
        world
            .until(node, channel, |status| !status.tail_lost && status.certified > Height::ZERO)
            .await;
    }
    let again = world.member(0, channel).await;
    pay(&again, &world.keys[2], 1).await.unwrap();
    world.same_log(channel).await;
}
