//! What version 8 of a node's format stored: the processes go on with it, and its past can be read.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use fairway::local::Process;
use fairway_sdk::{
    Address, Channel, ChannelId, Client, Error, Height, Ledger, Refusal,
    api::channel::{ChannelStatus, EntryKind, StateEntry, StatePage},
    json,
};
use fairway_types::contract::NATIVE;
use tokio::time::{Instant, sleep};

use crate::{stored::Earlier, world::program};

const PATIENCE: Duration = Duration::from_secs(60);
/// Milliseconds after which a node that has just begun is killed.
const CUTS: [u64; 6] = [5, 15, 25, 40, 60, 90];

/// The ledger and the two nodes, on the addresses that the chain has recorded: on this machine they
/// are for one test at a time.
struct Scene {
    earlier: Earlier,
    ledger: Process,
    nodes: Vec<Process>,
    channels: Vec<Channel>,
    _alone: File,
}

impl Scene {
    async fn start() -> Self {
        let alone = File::create(std::env::temp_dir().join("fairway-127.91.8.lock")).unwrap();
        alone.lock().unwrap();
        let earlier = Earlier::unpack();
        let data = earlier.path().join("ledger");
        let args = ["ledger", "run", "--dev", "--listen=127.0.0.1:0", "--data", path(&data)];
        let ledger = run(&args, &earlier.path().join("ledger.log")).await;
        kill_while_it_starts(&earlier, &ledger.said("url")).await;
        let id: ChannelId = earlier.text("channel").parse().unwrap();
        let (mut nodes, mut channels) = (Vec::new(), Vec::new());
        for node in [0, 1] {
            let set = format!("--set=ledger={}", ledger.said("url"));
            let folder = earlier.node(node);
            let log = earlier.path().join(format!("node-{node}.log"));
            let process = run(&["node", "run", path(&folder), &set], &log).await;
            let client = Client::connect(process.said("url")).await.unwrap();
            channels.push(client.channel(id).await.unwrap());
            nodes.push(process);
        }
        Self { earlier, ledger, nodes, channels, _alone: alone }
    }

    fn account(&self, name: &str) -> Address {
        self.earlier.expected["accounts"][name].as_str().unwrap().parse().unwrap()
    }

    async fn status(&self, node: usize) -> ChannelStatus {
        self.channels[node].info().await.unwrap().status.unwrap()
    }

    async fn until(&self, node: usize, wanted: impl Fn(&ChannelStatus) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !wanted(&self.status(node).await) {
            assert!(Instant::now() < end, "it stays at {:?}", self.status(node).await);
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn balance(&self, node: usize, name: &str, height: Option<Height>) -> u64 {
        let args = vec![json!(self.account(name).to_string()), json!(NATIVE)];
        let (channel, view) = (&self.channels[node], "0x44::payments::balance");
        let values = match height {
            Some(height) => channel.view_after(view, Vec::new(), args, height).await,
            None => channel.view(view, &args).await,
        };
        values.unwrap()[0].as_str().unwrap().parse().unwrap()
    }

    /// Alice pays Bob, as a person at a terminal does.
    fn pay(&self, amount: u64) {
        let bob = self.account("bob").to_string();
        let (node, amount) = (self.nodes[0].said("url"), amount.to_string());
        let args = [
            "--node",
            &node,
            "channel",
            "call",
            self.earlier.text("channel"),
            "0x44::payments::pay",
            &bob,
            "0xfa",
            &amount,
            "once more",
            "--account=alice",
        ];
        let paid = Command::new(program())
            .args(args)
            .env("FAIRWAY_HOME", self.earlier.path().join("home"))
            .env("FAIRWAY_PASSPHRASE", self.earlier.text("passphrase"))
            .output()
            .unwrap();
        assert!(paid.status.success(), "{}", String::from_utf8_lossy(&paid.stderr));
    }

    /// The state after every block that the node keeps, read page by page.
    async fn states(&self, node: usize) -> Vec<(StatePage, Vec<StateEntry>)> {
        let status = self.status(node).await;
        let mut states = Vec::new();
        for height in (status.pruned.0 + 1..=status.head.0).map(Height) {
            states.push(whole(&self.channels[node], height).await);
        }
        states
    }
}

/// The first page, and the entries of all.
async fn whole(channel: &Channel, height: Height) -> (StatePage, Vec<StateEntry>) {
    let first = channel.state(Some(height), None, Some(3)).await.unwrap();
    let (mut entries, mut next) = (first.entries.clone(), first.next.clone());
    while let Some(after) = next {
        let page = channel.state(Some(height), Some(after), Some(3)).await.unwrap();
        assert_eq!((page.height, page.state_root), (height, first.state_root));
        assert!(!page.entries.is_empty() && page.entries.len() <= 3);
        (entries, next) = ([entries, page.entries].concat(), page.next);
    }
    (first, entries)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn run(args: &[&str], log: &Path) -> Process {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    Process::start(program(), &args, log).await.unwrap()
}

/// The node that is to upgrade its folder is killed again and again, each time a little later.
async fn kill_while_it_starts(earlier: &Earlier, ledger: &str) {
    for cut in CUTS {
        let mut node = Command::new(program());
        node.args(["node", "run", path(&earlier.node(0)), &format!("--set=ledger={ledger}")]);
        node.stdout(Stdio::null()).stderr(Stdio::null());
        let mut node = node.spawn().unwrap();
        sleep(Duration::from_millis(cut)).await;
        node.kill().unwrap();
        node.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_go_on_with_data_of_format_8_and_show_its_past() {
    let mut scene = Scene::start().await;
    let head = Height(scene.earlier.number("head"));
    for node in [0, 1] {
        scene.until(node, |status| status.head >= head && status.leader.is_some()).await;
        let block = scene.channels[node].blocks(head, 1).await.unwrap().remove(0);
        assert_eq!(block.hash.to_string(), scene.earlier.text("head_hash"));
        assert_eq!(block.state_root.to_string(), scene.earlier.text("state_root"));
        assert_eq!(scene.status(node).await.settlements, 1);
    }
    let chain = Ledger::connect(scene.ledger.said("url")).await.unwrap();
    for name in ["alice", "bob"] {
        let held = scene.earlier.expected["vaults"][name].as_u64().unwrap();
        assert_eq!(scene.balance(0, name, Some(head)).await, held);
        assert_eq!(scene.balance(1, name, None).await, held);
        let left = scene.earlier.expected["on_chain"][name].as_u64().unwrap();
        assert_eq!(chain.balance(scene.account(name)).await.unwrap(), left);
    }

    // Calls go on, and so does settling.
    let before = scene.balance(0, "bob", None).await;
    scene.pay(5);
    for node in [0, 1] {
        scene.until(node, |status| status.certified > head).await;
        assert_eq!(scene.balance(node, "bob", None).await, before + 5);
        assert_eq!(scene.balance(node, "bob", Some(head)).await, before);
    }
    past_is_shown(&scene, head.next()).await;
    scene.channels[0].propose_settlement().await.unwrap();
    scene.until(0, |status| status.settlements == 2).await;
    scene.pay(6);
    scene.until(0, |status| status.pruned.0 > 7).await;
    past_is_shown(&scene, head.next()).await;
    for node in &mut scene.nodes {
        assert!(node.stop().await);
    }
    assert!(scene.ledger.stop().await);
}

/// Both nodes give the same states, those that the blocks' leaders signed, and refuse older ones.
/// `paid` is the height of a payment.
async fn past_is_shown(scene: &Scene, paid: Height) {
    let [short, all] = [scene.states(0).await, scene.states(1).await];
    let pruned = scene.status(0).await.pruned;
    assert!(short.len() >= 3 && all.len() > short.len(), "{} of {}", short.len(), all.len());
    for (page, entries) in &all {
        let block = scene.channels[1].blocks(page.height, 1).await.unwrap().remove(0);
        assert_eq!(page.state_root, block.state_root);
        if let Some((other, same)) = short.iter().find(|(short, _)| short.height == page.height) {
            assert_eq!((other, same), (page, entries));
        }
        let owned = |entry: &&StateEntry| entry.owner == Some(scene.account("bob"));
        let vault = entries.iter().filter(owned).find(|entry| {
            entry.kind == EntryKind::Resource
                && entry.type_tag.as_deref() == Some("0x2::vault::Vault")
        });
        let read = scene.channels[1].resource_after(
            scene.account("bob"),
            "0x2::vault::Vault",
            page.height,
        );
        assert_eq!(vault.map(|entry| entry.value.clone()), read.await.unwrap().resource.value);
    }
    let refused = scene.channels[0].state(Some(pruned), None, None).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::Pruned { above, .. }) if above >= pruned));
    let refused = scene.channels[0].state(Some(Height(9_999)), None, None).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::NotFound { .. })), "{refused}");
    gas_is_followed(scene, paid).await;
}

async fn gas_is_followed(scene: &Scene, height: Height) {
    let block = scene.channels[0].blocks(height, 1).await.unwrap().remove(0);
    let report = scene.channels[0].trace(height, 0).await.unwrap();
    assert_eq!(report.gas_used, block.transactions[0].gas_used);
    let own: u64 = report.functions.iter().map(|function| function.own.0).sum();
    assert_eq!(own + report.storage.0, report.gas_used.0);
    let pay = report.functions.iter().find(|found| found.function == "0x44::payments::pay");
    assert_eq!(pay.unwrap().total, report.gas_used);
    let refused = scene.channels[0].trace(height, 99).await.unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::NotFound { .. })), "{refused}");
}
