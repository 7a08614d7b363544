//! What the scenarios share: a network of processes with one channel on it.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use fairway::local::{LocalNetwork, Place};
use fairway_sandbox::read_package;
use fairway_sdk::{
    Channel, ChannelConfig, ChannelId, Durability, GasTableId, Height, JoinPolicy, Keypair, Ledger,
    Member, MoneyRules,
    api::channel::{CallReport, ChannelStatus},
    json,
};
use fairway_types::{chain::ChannelRecord, contract::NATIVE};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub(crate) const FUNDS: u64 = 1_000_000;
pub(crate) const DEPOSIT: u64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(30);
/// For what takes silence, windows and votes on the chain.
const LONG_PATIENCE: Duration = Duration::from_secs(90);

/// The command, which lies where this test's folder does: so also for the tests of other packages.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let program = test.parent().and_then(Path::parent).unwrap().join("fairway");
        assert!(program.exists(), "{}: `cargo build -p fairway` makes it", program.display());
        program
    })
}

fn examples() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = package.ancestors().map(|folder| folder.join("contracts/examples"));
    folders.into_iter().find(|folder| folder.exists()).unwrap()
}

pub(crate) struct World {
    pub(crate) network: LocalNetwork,
    pub(crate) ledger: Ledger,
    pub(crate) keys: Vec<Keypair>,
    pub(crate) folder: TempDir,
}

impl Drop for World {
    /// What the processes wrote stays for whoever looks into a failure.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            println!("logs and data: {}", self.folder.path().display());
        }
    }
}

impl World {
    /// A ledger and nodes, with a funded account for each node.
    pub(crate) async fn start(nodes: usize) -> Self {
        Self::start_at(Place::default(), vec![Place::default(); nodes]).await
    }

    /// The same at places of the test's own.
    pub(crate) async fn start_at(ledger: Place, nodes: Vec<Place>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let count = nodes.len();
        let network = LocalNetwork::start_at(program(), folder.path(), ledger, nodes);
        let network = network.await.unwrap();
        let ledger = Ledger::connect(network.ledger_url()).await.unwrap();
        let keys: Vec<Keypair> =
            (0..count).map(|n| Keypair::from_seed(&[u8::try_from(n).unwrap() + 1; 32])).collect();
        for key in &keys {
            ledger.faucet(key.address(), FUNDS).await.unwrap();
        }
        Self { network, ledger, keys, folder }
    }

    /// A channel for an example package, without members.
    pub(crate) async fn create(&self, example: &str) -> ChannelId {
        self.create_with(example, |_| ()).await
    }

    pub(crate) async fn create_with(
        &self,
        example: &str,
        change: impl FnOnce(&mut ChannelConfig),
    ) -> ChannelId {
        let package = read_package(&examples().join(example)).unwrap();
        let package = self.ledger.store_package(&self.keys[0], package).await.unwrap();
        let mut invited: Vec<_> = self.keys.iter().map(Keypair::address).collect();
        invited.sort();
        let mut config = ChannelConfig {
            tick_interval: 0,
            settlement_interval: 0,
            durability: Durability::Synced,
            join_policy: JoinPolicy::Invited,
            invited,
            asset: NATIVE,
            min_deposit: 1,
            max_members: 16,
            gas_table: GasTableId::MEASURED,
            trust_own_node: false,
            money: MoneyRules::default(),
        };
        change(&mut config);
        self.ledger.create_channel(&self.keys[0], package, &config).await.unwrap()
    }

    /// A channel that every account has joined, known by every node.
    pub(crate) async fn open(&self, example: &str) -> ChannelId {
        let channel = self.create(example).await;
        self.join_all(channel).await;
        channel
    }

    pub(crate) async fn join_all(&self, channel: ChannelId) {
        for (index, key) in self.keys.iter().enumerate() {
            let client = self.network.client(index).await.unwrap();
            client.join(key, channel, DEPOSIT).await.unwrap();
        }
        let count = self.keys.len();
        for index in 0..count {
            self.until(index, channel, |status| status.members.len() == count).await;
        }
    }

    pub(crate) async fn channel(&self, index: usize, id: ChannelId) -> Channel {
        self.network.client(index).await.unwrap().channel(id).await.unwrap()
    }

    pub(crate) async fn member(&self, index: usize, id: ChannelId) -> Member {
        self.channel(index, id).await.member(self.keys[index].clone())
    }

    pub(crate) async fn status(&self, index: usize, id: ChannelId) -> ChannelStatus {
        let client = self.network.client(index).await.unwrap();
        client.info(id).await.unwrap().status.unwrap()
    }

    /// Waits until the node's status is as wanted.
    pub(crate) async fn until(
        &self,
        index: usize,
        id: ChannelId,
        wanted: impl Fn(&ChannelStatus) -> bool,
    ) -> ChannelStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.status(index, id).await;
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < end, "node {index} stays at {status:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the chain's record is as wanted, for as long as silence and a window take.
    pub(crate) async fn until_recorded(
        &self,
        id: ChannelId,
        wanted: impl Fn(&ChannelRecord) -> bool,
    ) -> ChannelRecord {
        let end = Instant::now() + LONG_PATIENCE;
        loop {
            let record = self.ledger.channel(id).await.unwrap().record;
            if wanted(&record) {
                return record;
            }
            if Instant::now() > end {
                self.print_statuses(id).await;
                panic!("the record stays at {record:?}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn print_statuses(&self, id: ChannelId) {
        for index in 0..self.keys.len() {
            if let Ok(client) = self.network.client(index).await {
                let status = client.info(id).await.map(|info| info.status);
                println!("node {index}: {status:?}");
            }
        }
    }

    /// What each account has outside of channels.
    pub(crate) async fn balances(&self) -> Vec<u64> {
        let mut found = Vec::new();
        for key in &self.keys {
            found.push(self.ledger.balance(key.address()).await.unwrap());
        }
        found
    }

    /// Every node has the same block at the first node's certified height.
    pub(crate) async fn same_log(&self, id: ChannelId) -> Height {
        let height = self.status(0, id).await.certified;
        let mut blocks = Vec::new();
        for index in 0..self.keys.len() {
            self.until(index, id, |status| status.certified >= height).await;
            blocks.push(self.channel(index, id).await.blocks(height, 1).await.unwrap());
        }
        assert_eq!(blocks[0].len(), 1);
        for other in &blocks[1..] {
            assert_eq!(blocks[0], *other);
        }
        height
    }

    /// What a member holds in the channel, as node `index` sees it.
    pub(crate) async fn held(&self, index: usize, id: ChannelId, member: usize) -> u64 {
        let args = [json!(self.keys[member].address().to_string()), json!(NATIVE)];
        let values = self.channel(index, id).await.view("0x2::vault::balance", &args).await;
        values.unwrap()[0].as_str().unwrap().parse().unwrap()
    }

    /// Waits until that is `amount`: a node hears of what another one answered a moment later.
    pub(crate) async fn until_held(&self, index: usize, id: ChannelId, member: usize, amount: u64) {
        let end = Instant::now() + PATIENCE;
        loop {
            let held = self.held(index, id, member).await;
            if held == amount {
                return;
            }
            assert!(Instant::now() < end, "node {index}: member {member} has {held}, not {amount}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What a process holds and what it held at most since [`Memory::of`], in bytes.
pub(crate) struct Memory {
    pid: u32,
    before: u64,
}

impl Memory {
    /// Of a node, from now on.
    pub(crate) fn of(world: &World, index: usize) -> Self {
        let pid = world.network.nodes[index].process.as_ref().unwrap().id().unwrap();
        // Makes the process's most resident memory its present one.
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
        let memory = Self { pid, before: 0 };
        Self { before: memory.most(), ..memory }
    }

    /// By how much it grew at most.
    pub(crate) fn growth(&self) -> u64 {
        self.most().saturating_sub(self.before)
    }

    fn most(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
    }
}

/// Pays through `0x44::payments`.
pub(crate) async fn pay(
    from: &Member,
    to: &Keypair,
    amount: u64,
) -> Result<CallReport, fairway_sdk::Error> {
    let args = [json!(to.address().to_string()), json!(NATIVE), json!(amount), json!("")];
    from.call("0x44::payments::pay", &args).await
}

/// Places with ports that stay the same across restarts, as those of a real node do: peers find
/// it again where the chain says it is. The nodes are archives, so that the whole log can be read
/// in the end. Below the ports that the system hands out by itself.
pub(crate) fn fixed_places(count: usize) -> Vec<Place> {
    let mut random =
        ChaCha8Rng::seed_from_u64(fairway::driver::clock().0 ^ u64::from(std::process::id()) << 32);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    loop {
        let first: u16 = random.random_range(10_000..30_000);
        let ports: Vec<u16> = (first..).take(2 * count).collect();
        if !ports.iter().all(is_free) {
            continue;
        }
        let place = |pair: &[u16]| Place {
            api: format!("127.0.0.1:{}", pair[0]),
            listen: vec![format!("/ip4/127.0.0.1/tcp/{}", pair[1])],
            options: vec!["--archive".into()],
            ..Place::default()
        };
        return ports.chunks(2).map(place).collect();
    }
}
