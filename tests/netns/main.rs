//! Real processes with a faulty network between them: loss, delay and reordering, partitions.
//!
//! Each process runs in a network namespace of its own. That takes root and nftables; where they
//! are not to be had, the tests say so and pass.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests may panic and print"
)]

#[path = "../e2e/audit.rs"]
mod audit;
#[path = "../e2e/load.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod load;
mod net;
mod proxy;
#[path = "../e2e/world.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod world;

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use fairway::local::Place;
use fairway_sdk::{ChannelId, Height};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep, timeout};

use self::{
    audit::audit,
    load::Load,
    net::{Net, PEERS, Transport, Who, multiaddr},
    proxy::{Passed, Proxy},
    world::World,
};

const NODES: usize = 4;
/// No test takes longer; by itself each takes less than forty seconds.
const TEST: Duration = Duration::from_secs(90);
/// Calls are acknowledged within this, by a network that is slow or has just healed.
const PATIENCE: Duration = Duration::from_secs(30);
const DELAY: Duration = Duration::from_millis(200);
/// How much longer a datagram may take.
const JITTER: Duration = Duration::from_millis(50);
/// Partitions in a row, and how long each lasts and stays away, in milliseconds.
const FLAPS: usize = 8;
const FLAP: std::ops::Range<u64> = 50..2_000;
/// How long it is watched that nothing happens.
const WATCH: Duration = Duration::from_secs(3);

/// Processes in a network; the processes end first.
struct Scene {
    world: World,
    channel: ChannelId,
    net: Net,
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_certify_once_over_tcp_that_loses_a_fifth_of_its_packets() {
    bounded(lossy(Transport::Tcp)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_certify_once_over_quic_that_loses_a_fifth_of_its_packets() {
    bounded(lossy(Transport::Quic)).await;
}

async fn lossy(transport: Transport) {
    let Some(mut scene) = Scene::start(transport).await else { return };
    scene.net.lose(20);
    let load = Load::start(&scene.world, scene.channel).await;
    load.expect(200, PATIENCE, "with a fifth of all packets lost").await;
    for who in scene.leader_first().await.into_iter().take(2) {
        let Who::Node(node) = who else { continue };
        scene.world.network.kill_node(node).await;
        scene.world.network.start_node(node).await.unwrap();
        load.expect(100, PATIENCE, "after a crash, with a fifth of all packets lost").await;
    }
    let acked = load.finish(PATIENCE).await;
    let dropped = scene.net.dropped();
    assert!(dropped > 0, "no packet was lost");
    println!("{dropped} packets lost");
    audit(&scene.world, scene.channel, &acked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_flow_over_tcp_that_takes_200_ms() {
    bounded(slow(Transport::Tcp)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_flow_over_quic_whose_datagrams_take_200_ms_and_overtake_each_other() {
    bounded(slow(Transport::Quic)).await;
}

async fn slow(transport: Transport) {
    let Some(net) = Net::create(NODES) else { return };
    let passed = Arc::new(Passed::default());
    let (_proxies, places) = proxied(&net, transport, &passed).await;
    net.no_direct_ways();
    let scene = Scene::open(net, places).await;
    let load = Load::start(&scene.world, scene.channel).await;
    // A node that waited out each round trip before the next call would come to twenty.
    load.expect(200, PATIENCE, "with 200 ms each way").await;
    let acked = load.finish(PATIENCE).await;
    assert!(passed.bytes.load(Ordering::Relaxed) > 0, "nothing went through the proxies");
    let overtaken = passed.overtaken.load(Ordering::Relaxed);
    assert_eq!(overtaken > 0, transport == Transport::Quic, "{overtaken} datagrams overtaken");
    audit(&scene.world, scene.channel, &acked).await;
}

/// A proxy before each node, whose address the node announces as its own.
async fn proxied(
    net: &Net,
    transport: Transport,
    passed: &Arc<Passed>,
) -> (Vec<Proxy>, Vec<Place>) {
    let (mut proxies, mut places) = (Vec::new(), Vec::new());
    for (index, port) in (0..NODES).zip(PEERS + 100..) {
        let at = format!("{}:{port}", net.host()).parse().unwrap();
        let to = format!("{}:{PEERS}", net.address(Who::Node(index))).parse().unwrap();
        proxies.push(match transport {
            Transport::Tcp => proxy::tcp(at, to, DELAY, Arc::clone(passed)).await,
            Transport::Quic => proxy::udp(at, to, DELAY..DELAY + JITTER, Arc::clone(passed)).await,
        });
        let announce = vec![multiaddr(&net.host(), port, transport)];
        places.push(Place { announce, ..net.node(index, transport) });
    }
    (proxies, places)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_go_on_without_the_fourth_which_reads_on_and_catches_up() {
    bounded(async {
        let Some(scene) = Scene::start(Transport::Tcp).await else { return };
        let load = Load::start(&scene.world, scene.channel).await;
        load.expect(1, PATIENCE, "before the partition").await;
        let [leader, a, b, alone] = scene.leader_first().await;
        scene.net.partition(&[&[Who::Ledger, leader, a, b], &[alone]]);
        load.expect(100, PATIENCE, "with three of four").await;
        scene.stands_still(&[alone]).await;
        scene.healed(load).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leader_alone_certifies_nothing_and_goes_on_once_healed() {
    bounded(async {
        let Some(scene) = Scene::start(Transport::Tcp).await else { return };
        let load = Load::start(&scene.world, scene.channel).await;
        load.expect(1, PATIENCE, "before the partition").await;
        let [leader, a, b, c] = scene.leader_first().await;
        scene.net.partition(&[&[leader], &[Who::Ledger, a, b, c]]);
        scene.stands_still(&[leader]).await;
        load.expect(50, PATIENCE, "by the three others, under another leader").await;
        scene.healed(load).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_against_two_certify_nothing_and_go_on_once_healed() {
    bounded(async {
        let Some(scene) = Scene::start(Transport::Quic).await else { return };
        let load = Load::start(&scene.world, scene.channel).await;
        load.expect(1, PATIENCE, "before the partition").await;
        let [leader, a, b, c] = scene.leader_first().await;
        scene.net.partition(&[&[Who::Ledger, leader, a], &[b, c]]);
        scene.stands_still(&[leader, a, b, c]).await;
        scene.healed(load).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn member_cut_off_until_the_chain_counts_it_out_comes_back_and_counts_again() {
    bounded(async {
        let Some(scene) = Scene::start(Transport::Tcp).await else { return };
        let load = Load::start(&scene.world, scene.channel).await;
        let [leader, a, b, alone] = scene.leader_first().await;
        scene.valid_members(NODES).await;
        scene.net.partition(&[&[Who::Ledger, leader, a, b], &[alone]]);
        scene.valid_members(NODES - 1).await;
        load.expect(50, PATIENCE, "in an epoch of three").await;
        scene.net.heal();
        scene.valid_members(NODES).await;
        scene.healed(load).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_come_and_go_lose_nothing() {
    bounded(async {
        let Some(scene) = Scene::start(Transport::Tcp).await else { return };
        let load = Load::start(&scene.world, scene.channel).await;
        let seed = fairway::driver::clock().0;
        println!("seed {seed}");
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..FLAPS {
            let mut all = [Who::Ledger, Who::Node(0), Who::Node(1), Who::Node(2), Who::Node(3)];
            all.shuffle(&mut random);
            let (one, other) = all.split_at(random.random_range(1..all.len()));
            println!("{one:?} without {other:?}");
            scene.net.partition(&[one, other]);
            sleep(Duration::from_millis(random.random_range(FLAP))).await;
            scene.net.heal();
            sleep(Duration::from_millis(random.random_range(FLAP))).await;
        }
        scene.healed(load).await;
    })
    .await;
}

impl Scene {
    /// Nodes that reach each other directly; `None` where that is not permitted.
    async fn start(transport: Transport) -> Option<Self> {
        let net = Net::create(NODES)?;
        let places = (0..NODES).map(|index| net.node(index, transport)).collect();
        Some(Self::open(net, places).await)
    }

    async fn open(net: Net, places: Vec<Place>) -> Self {
        let world = World::start_at(net.ledger(), places).await;
        let channel = world.open("payments").await;
        Self { world, channel, net }
    }

    /// The nodes, with the leader first.
    async fn leader_first(&self) -> [Who; NODES] {
        let leader = self.world.status(0, self.channel).await.leader;
        for node in 0..NODES {
            let client = self.world.network.client(node).await.unwrap();
            if Some(client.status().await.unwrap().node) == leader {
                return std::array::from_fn(|n| Who::Node((node + n) % NODES));
            }
        }
        panic!("nobody leads: {leader:?}");
    }

    /// These nodes certify nothing more for a while, and answer reads.
    async fn stands_still(&self, nodes: &[Who]) {
        // What was under way arrives.
        sleep(Duration::from_secs(1)).await;
        let before = self.certified(nodes).await;
        sleep(WATCH).await;
        assert_eq!(self.certified(nodes).await, before, "certified without a quorum");
        for node in nodes {
            let Who::Node(node) = node else { continue };
            let read = self.world.held(*node, self.channel, 0);
            timeout(Duration::from_secs(2), read).await.expect("reads go on");
        }
        assert!(self.net.dropped() > 0, "nothing was kept apart");
    }

    async fn certified(&self, nodes: &[Who]) -> Vec<Height> {
        let mut heights = Vec::new();
        for node in nodes {
            let Who::Node(node) = node else { continue };
            heights.push(self.world.status(*node, self.channel).await.certified);
        }
        heights
    }

    /// Waits until the newest epoch names so many members.
    async fn valid_members(&self, count: usize) {
        let end = Instant::now() + PATIENCE;
        loop {
            let record = self.world.ledger.channel(self.channel).await.unwrap().record;
            let valid = record.grants.last().map_or(0, |grant| grant.valid.len());
            if valid == count {
                return;
            }
            assert!(Instant::now() < end, "{valid} members are valid, not {count}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn healed(self, load: Load) {
        self.net.heal();
        load.expect(100, PATIENCE, "once healed").await;
        let acked = load.finish(PATIENCE).await;
        audit(&self.world, self.channel, &acked).await;
    }
}

async fn bounded(test: impl Future<Output = ()>) {
    timeout(TEST, test).await.expect("the test takes too long");
}
