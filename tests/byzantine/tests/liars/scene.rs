//! A channel in which everybody put up collateral, and one node lies when it is told to.

use fairway::local::Place;
use fairway_sdk::ChannelId;
use fairway_types::{
    Keypair,
    chain::ChannelRecord,
    contract::{self, Backing, NATIVE},
};

use crate::world::{DEPOSIT, FUNDS, World, pay};

pub(crate) const COLLATERAL: u64 = 400;
pub(crate) const BOND: u64 = COLLATERAL / 10;
/// Members.
const MEMBERS: usize = 4;

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) channel: ChannelId,
    liar: usize,
}

impl Scene {
    /// Four members; the first of them leads.
    pub(crate) async fn with(lie: &str, liar: usize) -> Self {
        Self::start(lie, liar, MEMBERS).await
    }

    /// Two members; the first of them leads, and lies.
    pub(crate) async fn of_two(lie: &str) -> Self {
        Self::start(lie, 0, 2).await
    }

    /// A fifth node and account that are in no channel.
    pub(crate) async fn with_spare(lie: &str, liar: usize) -> Self {
        Self::start(lie, liar, MEMBERS + 1).await
    }

    async fn start(lie: &str, liar: usize, nodes: usize) -> Self {
        let world = liars(lie, liar, nodes).await;
        let channel = backed(&world, false).await;
        Self { world, channel, liar }
    }

    /// From now on it lies.
    pub(crate) fn lies(&self) {
        lies(&self.world, self.liar);
    }

    pub(crate) async fn record(&self) -> ChannelRecord {
        self.world.ledger.channel(self.channel).await.unwrap().record
    }

    /// What the contracts said of the channel: the events' names.
    pub(crate) async fn events(&self) -> Vec<String> {
        let events = self.world.ledger.events(0, 1_000, Some(self.channel)).await.unwrap();
        let name = |tag: &str| tag.rsplit("::").next().unwrap_or_default().to_owned();
        events.iter().map(|event| name(&event.type_tag)).collect()
    }

    pub(crate) async fn until_paid(&self, member: usize) -> ChannelRecord {
        let account = self.world.keys[member].address();
        let is_paid = |record: &ChannelRecord| {
            record.members.iter().all(|member| member.record.account != account)
        };
        self.world.until_recorded(self.channel, is_paid).await
    }

    /// It lies while it leads; it is out, and the channel goes on.
    pub(crate) async fn convicts_a_leader(&self) {
        let (world, channel) = (&self.world, self.channel);
        let payer = world.member(1, channel).await;
        pay(&payer, &world.keys[2], 10).await.unwrap();
        self.lies();
        // The call is ordered by an honest leader in the end.
        pay(&payer, &world.keys[3], 5).await.unwrap();
        self.convicted().await;
        pay(&payer, &world.keys[2], 1).await.unwrap();
        world.until_held(2, channel, 2, DEPOSIT + 11).await;
    }

    /// The liar is out and paid, its collateral gone; one of the others has half of it.
    pub(crate) async fn convicted(&self) {
        let account = self.world.keys[self.liar].address();
        let record = self.until_paid(self.liar).await;
        let bans = &record.windows.bans;
        assert!(bans.iter().any(|ban| ban.account == account), "{:?}", record.windows);
        let outside = self.world.balances().await;
        let honest = (0..MEMBERS).filter(|member| *member != self.liar);
        let reward = FUNDS - DEPOSIT - COLLATERAL + COLLATERAL / 2;
        assert_eq!(honest.filter(|member| outside[*member] == reward).count(), 1, "{outside:?}");
        assert!(outside[self.liar] <= FUNDS - COLLATERAL, "{outside:?}: the collateral is gone");
    }

    /// Reports to the chain what the liar made up about the member that joined as number `accused`
    /// from zero.
    pub(crate) async fn reports_slander(&self, accused: usize) {
        let account = self.world.keys[accused].address();
        let record = self.record().await;
        let members = record.members.iter();
        let accused = members.map(|member| &member.record).find(|member| member.account == account);
        let path = self.world.network.nodes[self.liar].folder.join("slander");
        let made = async {
            loop {
                if let Ok(hash) = std::fs::read_to_string(&path)
                    && let Ok(hash) = hash.trim().parse()
                {
                    return hash;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        let patience = std::time::Duration::from_secs(20);
        let hash = tokio::time::timeout(patience, made).await.expect("it makes nothing up");
        let report = contract::report(self.channel, accused.unwrap().join_sequence, hash);
        let node = node_key(&self.world, self.liar);
        self.world.ledger.execute(&node, report).await.unwrap();
    }
}

/// Nodes of which one lies once it is told to.
pub(crate) async fn liars(lie: &str, liar: usize, nodes: usize) -> World {
    let program = env!("CARGO_BIN_EXE_fairway-byzantine");
    let mut places = vec![Place::default(); nodes];
    places[liar].enter = vec![program.to_owned(), lie.to_owned()];
    World::start_at(Place::default(), places).await
}

pub(crate) fn lies(world: &World, liar: usize) {
    std::fs::write(world.network.nodes[liar].folder.join("lie"), "").unwrap();
}

/// A channel in which everybody, of more than four the first four, put up collateral, out of a stake or for it alone.
pub(crate) async fn backed(world: &World, pooled: bool) -> ChannelId {
    let channel = world.create_with("payments", |config| {
        config.asset = NATIVE;
        config.money.challenge_window = 3_000;
        config.money.collateral = COLLATERAL;
        config.money.fine = COLLATERAL;
        config.money.bond = BOND;
    });
    let channel = channel.await;
    let backing = Backing { collateral: COLLATERAL, pooled };
    let members = world.keys.len().min(MEMBERS);
    for (index, key) in world.keys.iter().enumerate().take(members) {
        let client = world.network.client(index).await.unwrap();
        client.join_backed(key, channel, DEPOSIT, backing).await.unwrap();
    }
    for index in 0..members {
        world.until(index, channel, |status| status.members.len() == members).await;
    }
    channel
}

/// The key that a node signs with.
pub(crate) fn node_key(world: &World, index: usize) -> Keypair {
    let text = std::fs::read_to_string(world.network.nodes[index].folder.join("node.key"));
    let bytes = hex::decode(text.unwrap().trim()).unwrap();
    Keypair::from_seed(&bytes.try_into().unwrap())
}
