//! Money comes out when others don't help: exits, and settlements with members gone.

use fairway_sdk::ChannelId;
use fairway_types::{
    Height,
    chain::{ChainTx, ChannelRecord},
    contract,
};

use crate::world::{DEPOSIT, FUNDS, World, pay, program};

/// Milliseconds of the channels' windows.
const WINDOW: u64 = 3_000;

async fn open(world: &World) -> ChannelId {
    let channel = world.create_with("payments", |config| {
        config.money.challenge_window = WINDOW;
    });
    let channel = channel.await;
    world.join_all(channel).await;
    channel
}

async fn kill(world: &mut World, nodes: impl IntoIterator<Item = usize>) {
    for node in nodes {
        world.network.nodes[node].process.as_mut().unwrap().kill().await;
    }
}

/// P-101, P-103: and who is gone is paid as well.
#[tokio::test(flavor = "multi_thread")]
async fn member_exits_alone_with_its_certified_balance_after_all_others_were_killed() {
    let mut world = World::start(4).await;
    let channel = open(&world).await;
    for (from, amount) in [(0, 100), (1, 30), (2, 7)] {
        let payer = world.member(from, channel).await;
        pay(&payer, &world.keys[3], amount).await.unwrap();
    }
    world.same_log(channel).await;
    kill(&mut world, 0..3).await;
    world.ledger.demand_exit(&world.keys[3], channel).await.unwrap();
    let record = world.until_recorded(channel, |record| record.windows.exit.is_some()).await;
    assert_eq!(record.windows.exit.unwrap().by, [world.keys[3].address()]);
    let record = world.until_recorded(channel, |record| record.windows.outcome.is_some()).await;
    assert!(!record.open && record.windows.outcome.unwrap().height > Height::ZERO);
    world.until_recorded(channel, |record| record.members.is_empty()).await;
    let left = FUNDS - DEPOSIT;
    let expected = [900, 970, 993, DEPOSIT + 137].map(|amount| left + amount);
    assert_eq!(world.balances().await, expected);
    let record = world.ledger.channel(channel).await.unwrap().record;
    assert!(record.locked.is_empty(), "{:?}", record.locked);
}

/// P-104, P-105: nobody but itself is there to vote, and the channel goes on without the other.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_left_alone_settles_after_the_window_and_goes_on() {
    let mut world = World::start(2).await;
    let channel = open(&world).await;
    let payer = world.member(0, channel).await;
    pay(&payer, &world.keys[1], 250).await.unwrap();
    world.same_log(channel).await;
    kill(&mut world, [1]).await;
    world.ledger.leave_channel(&world.keys[1], channel).await.unwrap();
    let record = world.until_recorded(channel, |record| record.windows.waiting.is_some()).await;
    assert!(record.members.len() == 2, "nothing executes before the window has ended");
    let waits = world.ledger.waiting(channel).await.unwrap().map(|proposal| proposal.hash());
    assert_eq!(waits, record.windows.waiting.map(|waits| waits.proposal));
    world.until_recorded(channel, |record| record.members.len() == 1).await;
    assert_eq!(world.balances().await[1], FUNDS + 250);
    pay(&payer, &world.keys[0], 1).await.unwrap();
    payer.leave().await.unwrap();
    world.until_recorded(channel, |record| record.members.is_empty()).await;
    assert_eq!(world.balances().await[0], FUNDS - 250);
}

/// P-106: the victim's node and all others are off; a thief shows the state in which it had more.
#[tokio::test(flavor = "multi_thread")]
async fn watchtower_answers_an_old_state_while_the_victim_sleeps() {
    let mut world = World::start(3).await;
    let channel = open(&world).await;
    let thief = world.member(0, channel).await;
    pay(&thief, &world.keys[1], 1).await.unwrap();
    world.same_log(channel).await;
    let old = world.channel(0, channel).await.guard(world.keys[0].address()).await.unwrap();
    pay(&thief, &world.keys[2], 600).await.unwrap();
    world.same_log(channel).await;
    let victim = world.keys[2].address();
    let (data, file) = (world.folder.path().join("tower"), world.folder.path().join("guard"));
    let guard = world.channel(2, channel).await.guard(victim).await.unwrap();
    assert!(guard.proof.shown().unwrap().height > old.proof.shown().unwrap().height);
    fairway::watchtower::write(&file, &guard).unwrap();
    kill(&mut world, 0..3).await;
    let ledger = world.network.ledger_url();
    let args = ["watchtower", "run", "--ledger", &ledger, "--data"].map(str::to_owned);
    let paths = [data.clone(), "--guard".into(), file].map(|path| path.display().to_string());
    let args: Vec<String> = args.into_iter().chain(paths).collect();
    let log = world.folder.path().join("tower.log");
    let mut tower = fairway::local::Process::start(program(), &args, &log).await.unwrap();
    world.ledger.demand_exit(&world.keys[0], channel).await.unwrap();
    let stolen = ChainTx::Show { channel, proof: Box::new(old.proof) };
    let shown = world.ledger.execute(&world.keys[0], contract::payload(&stolen).unwrap()).await;
    // The tower may have been first.
    if let Err(error) = shown {
        assert!(error.to_string().contains("NOT_BETTER"), "{error}");
    }
    let record = world.until_recorded(channel, |record| record.windows.outcome.is_some()).await;
    let outcome = record.windows.outcome.unwrap();
    assert_eq!(Some(outcome.block), guard.proof.shown().map(|shown| shown.block));
    let paid = |record: &ChannelRecord| {
        record.members.iter().all(|member| member.record.account != victim)
    };
    world.until_recorded(channel, paid).await;
    assert_eq!(world.ledger.balance(victim).await.unwrap(), FUNDS + 600);
    assert!(tower.stop().await);
}
