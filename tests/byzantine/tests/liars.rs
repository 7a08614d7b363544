//! Nodes that lie, as processes: caught, voted out, fined, and the channel goes on.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[path = "../../e2e/world.rs"]
#[allow(dead_code, clippy::print_stdout, reason = "these tests need a part of it")]
mod world;

use std::time::Duration;

use fairway::local::Place;
use fairway_sdk::ChannelId;
use fairway_types::{chain::ChannelRecord, contract::Backing};
use tokio::time::{Instant, sleep};

use crate::world::{DEPOSIT, FUNDS, World, pay};

const COLLATERAL: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(90);

/// Four nodes of whom the first lies once it is told to, each with collateral in one channel.
async fn with_liar(lie: &str) -> (World, ChannelId) {
    let liar = env!("CARGO_BIN_EXE_fairway-byzantine");
    let mut places = vec![Place::default(); 4];
    places[0].enter = vec![liar.to_owned(), lie.to_owned()];
    let world = World::start_at(Place::default(), places).await;
    let channel = world.create_with("payments", |config| {
        config.money.challenge_window = 3_000;
        config.money.collateral = COLLATERAL;
        config.money.fine = COLLATERAL;
        config.money.bond = COLLATERAL / 10;
    });
    let channel = channel.await;
    let backing = Backing { collateral: COLLATERAL, pooled: false };
    for (index, key) in world.keys.iter().enumerate() {
        let client = world.network.client(index).await.unwrap();
        client.join_backed(key, channel, DEPOSIT, backing).await.unwrap();
    }
    for index in 0..4 {
        world.until(index, channel, |status| status.members.len() == 4).await;
    }
    (world, channel)
}

/// From now on the first node lies.
fn lies(world: &World) {
    std::fs::write(world.network.nodes[0].folder.join("lie"), "").unwrap();
}

async fn until(
    world: &World,
    channel: ChannelId,
    wanted: impl Fn(&ChannelRecord) -> bool,
) -> ChannelRecord {
    let end = Instant::now() + PATIENCE;
    loop {
        let record = world.ledger.channel(channel).await.unwrap().record;
        if wanted(&record) {
            return record;
        }
        assert!(Instant::now() < end, "the record stays at {record:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// The liar is out and paid, its collateral gone; one of the others has half of it.
async fn convicted(world: &World, channel: ChannelId) {
    let liar = world.keys[0].address();
    let is_gone =
        |record: &ChannelRecord| record.members.iter().all(|member| member.record.account != liar);
    let record = until(world, channel, is_gone).await;
    assert!(record.windows.bans.iter().any(|ban| ban.account == liar), "{:?}", record.windows);
    let mut rewarded = 0;
    for key in &world.keys[1..] {
        let outside = world.ledger.balance(key.address()).await.unwrap();
        rewarded += u64::from(outside == FUNDS - DEPOSIT - COLLATERAL + COLLATERAL / 2);
    }
    assert_eq!(rewarded, 1);
    let outside = world.ledger.balance(liar).await.unwrap();
    assert!(outside <= FUNDS - COLLATERAL, "{outside}: the collateral is gone");
}

/// P-107, P-108: by the votes of those who executed its block again.
#[tokio::test(flavor = "multi_thread")]
async fn leader_that_alters_the_state_is_voted_out_banned_and_fined_and_the_channel_goes_on() {
    let (world, channel) = with_liar("root").await;
    let payer = world.member(1, channel).await;
    pay(&payer, &world.keys[2], 10).await.unwrap();
    lies(&world);
    // The call is ordered by an honest leader in the end.
    pay(&payer, &world.keys[3], 5).await.unwrap();
    convicted(&world, channel).await;
    pay(&payer, &world.keys[2], 1).await.unwrap();
    assert_eq!(world.held(2, channel, 2).await, DEPOSIT + 11);
    let again = world.network.client(1).await.unwrap();
    let backing = Backing { collateral: COLLATERAL, pooled: false };
    let refused = again.join_backed(&world.keys[0], channel, DEPOSIT, backing).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("BANNED") || refused.contains("NODE_TAKEN"), "{refused}");
}

/// Two signatures are enough; nobody votes.
#[tokio::test(flavor = "multi_thread")]
async fn leader_that_signs_two_blocks_at_a_place_is_convicted_by_them() {
    let (world, channel) = with_liar("twins").await;
    let payer = world.member(1, channel).await;
    pay(&payer, &world.keys[2], 10).await.unwrap();
    lies(&world);
    pay(&payer, &world.keys[3], 5).await.unwrap();
    convicted(&world, channel).await;
    pay(&payer, &world.keys[2], 1).await.unwrap();
}

/// P-70: it is replaced, and nobody is fined for silence.
#[tokio::test(flavor = "multi_thread")]
async fn leader_that_keeps_its_blocks_to_itself_is_replaced() {
    let (world, channel) = with_liar("deaf").await;
    let payer = world.member(1, channel).await;
    pay(&payer, &world.keys[2], 10).await.unwrap();
    lies(&world);
    pay(&payer, &world.keys[3], 5).await.unwrap();
    let record = world.ledger.channel(channel).await.unwrap().record;
    assert!(record.windows.bans.is_empty(), "{:?}", record.windows);
    assert_eq!(world.held(3, channel, 3).await, DEPOSIT + 5);
}
