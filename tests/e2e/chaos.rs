//! Processes that are killed, frozen and restarted at random under constant load.
//!
//! The seed chooses what happens to whom and for how long; `CHAOS_SEED` takes one again (the
//! schedule is the same, the machine's timing is not) and `CHAOS_SECONDS` says how long it lasts.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use fairway_sdk::{ChannelId, NodeId};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use tokio::time::sleep;

use crate::{
    audit::audit,
    load::Load,
    world::{World, fixed_places},
};

const NODES: usize = 4;
const SECONDS: u64 = 180;
/// Between two settlements, so that they meet faults too.
const SETTLEMENTS: u64 = 10_000;
/// Calls flow again within this, once all processes run.
const HEALED: Duration = Duration::from_secs(30);
/// Calls flow on within this, with one follower down.
const ONE_DOWN: Duration = Duration::from_secs(30);
/// How long a process stays down, in milliseconds: mostly it is back soon, every other time at once,
/// and now and then later than the chain waits for a member's heartbeat.
const BRIEF: std::ops::Range<u64> = 0..300;
const SOON: std::ops::Range<u64> = 300..3_000;
const LATE: std::ops::Range<u64> = 15_000..20_000;
/// How long a process that is killed while it starts may live.
const START: std::ops::Range<u64> = 0..500;
const PAUSE: std::ops::Range<u64> = 0..1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Kill,
    Freeze,
    Restart,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Node(How, usize),
    Ledger(How),
    /// These nodes at once, and perhaps the ledger.
    Several(Vec<usize>, bool),
}

struct Chaos {
    world: World,
    channel: ChannelId,
    ids: Vec<NodeId>,
    random: ChaCha8Rng,
    load: Load,
    /// How often what was done, for the last line.
    done: BTreeMap<&'static str, u64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_calls_are_in_every_log_once_after_kills_freezes_and_restarts() {
    let seed = number("CHAOS_SEED").unwrap_or_else(|| fairway::driver::clock().0);
    let seconds = number("CHAOS_SECONDS").unwrap_or(SECONDS);
    println!("again with: CHAOS_SEED={seed} CHAOS_SECONDS={seconds}");
    let mut chaos = Chaos::start(seed).await;
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        chaos.step().await;
    }
    chaos.finish().await;
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

impl Chaos {
    async fn start(seed: u64) -> Self {
        let mut places = fixed_places(NODES + 1);
        let world = World::start_at(places.remove(0), places).await;
        let settling = |config: &mut fairway_sdk::ChannelConfig| {
            config.settlement_interval = SETTLEMENTS;
        };
        let channel = world.create_with("payments", settling).await;
        world.join_all(channel).await;
        let mut ids = Vec::new();
        for node in 0..NODES {
            let client = world.network.client(node).await.unwrap();
            ids.push(client.status().await.unwrap().node);
        }
        let load = Load::start(&world, channel).await;
        load.expect(1, HEALED, "before any fault").await;
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { world, channel, ids, random, load, done: BTreeMap::new() }
    }

    /// One fault, and everything back.
    async fn step(&mut self) {
        let leader = self.leader().await;
        let fault = self.choose(leader);
        let down = match self.random.random_range(0..32) {
            0 => LATE,
            1..16 => SOON,
            _ => BRIEF,
        };
        let down = Duration::from_millis(self.random.random_range(down));
        println!("{:>6} acknowledged; {fault:?} for {down:?}", self.load.acknowledged());
        match fault {
            Fault::Node(how, node) => self.node_down(how, node, down, node == leader).await,
            Fault::Ledger(how) => self.ledger_down(how, down).await,
            Fault::Several(nodes, ledger) => self.several_down(&nodes, ledger, down).await,
        }
        self.load.expect(1, HEALED, "with all processes back").await;
        sleep(Duration::from_millis(self.random.random_range(PAUSE))).await;
    }

    fn choose(&mut self, leader: usize) -> Fault {
        let how = match self.random.random_range(0..4) {
            0 | 1 => How::Kill,
            2 => How::Freeze,
            _ => How::Restart,
        };
        match self.random.random_range(0..10) {
            0..3 => Fault::Node(how, leader),
            3..7 => Fault::Node(how, self.random.random_range(0..NODES)),
            7..9 => Fault::Ledger(how),
            _ => {
                let mut nodes: Vec<usize> = (0..NODES).collect();
                nodes.shuffle(&mut self.random);
                nodes.truncate(self.random.random_range(2..=NODES));
                Fault::Several(nodes, self.random.random_bool(0.3))
            }
        }
    }

    async fn node_down(&mut self, how: How, node: usize, down: Duration, leads: bool) {
        self.count(match (how, leads) {
            (How::Kill, true) => "leader killed",
            (How::Kill, false) => "follower killed",
            (How::Freeze, true) => "leader frozen",
            (How::Freeze, false) => "follower frozen",
            (How::Restart, true) => "leader restarted",
            (How::Restart, false) => "follower restarted",
        });
        let network = &mut self.world.network;
        match how {
            How::Kill => network.kill_node(node).await,
            How::Freeze => network.nodes[node].process.as_ref().unwrap().freeze(),
            How::Restart => {
                let well = network.nodes[node].process.take().unwrap().stop().await;
                assert!(well, "node {node} did not end well when asked to");
            }
        }
        sleep(down).await;
        // Three nodes are a quorum, so calls flow on whoever is down.
        self.load.expect(1, ONE_DOWN, "with one node down").await;
        match how {
            How::Freeze => self.world.network.nodes[node].process.as_ref().unwrap().thaw(),
            How::Kill | How::Restart => self.start_node(node).await,
        }
    }

    /// Often enough it is killed again while it recovers.
    async fn start_node(&mut self, node: usize) {
        while self.random.random_bool(0.25) {
            self.count("killed at start");
            let after = Duration::from_millis(self.random.random_range(START));
            self.world.network.start_and_kill_node(node, after).await.unwrap();
        }
        self.world.network.start_node(node).await.unwrap();
    }

    async fn ledger_down(&mut self, how: How, down: Duration) {
        self.count(match how {
            How::Kill => "ledger killed",
            How::Freeze => "ledger frozen",
            How::Restart => "ledger restarted",
        });
        let network = &mut self.world.network;
        match how {
            How::Kill => network.kill_ledger().await,
            How::Freeze => network.ledger.freeze(),
            How::Restart => assert!(network.ledger.stop().await, "the ledger did not end well"),
        }
        sleep(down).await;
        self.load.expect(1, ONE_DOWN, "without the ledger").await;
        match how {
            How::Freeze => self.world.network.ledger.thaw(),
            How::Kill | How::Restart => self.world.network.restart_ledger().await.unwrap(),
        }
    }

    async fn several_down(&mut self, nodes: &[usize], ledger: bool, down: Duration) {
        self.count("several killed");
        for node in nodes {
            self.world.network.kill_node(*node).await;
        }
        if ledger {
            self.world.network.kill_ledger().await;
        }
        sleep(down).await;
        for node in nodes {
            self.start_node(*node).await;
        }
        if ledger {
            self.world.network.restart_ledger().await.unwrap();
        }
    }

    async fn leader(&self) -> usize {
        let status = self.world.status(0, self.channel).await;
        self.ids.iter().position(|id| Some(*id) == status.leader).unwrap_or_default()
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    async fn finish(self) {
        let Self { mut world, channel, load, done, .. } = self;
        println!("{done:?}");
        let acked = load.finish(2 * HEALED).await;
        audit(&world, channel, &acked).await;
        for node in &world.network.nodes {
            let log = std::fs::read_to_string(&node.log).unwrap();
            assert!(!log.contains("panicked"), "{}", tail(&log));
        }
        assert!(world.network.stop().await, "a process did not end well");
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
