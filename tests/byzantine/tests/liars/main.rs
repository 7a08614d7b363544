//! Nodes that lie, as processes: what they do is caught or changes nothing, and the channel goes on.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod attacks;
mod scene;
#[path = "../../../e2e/world.rs"]
#[allow(dead_code, clippy::print_stdout, reason = "these tests need a part of it")]
mod world;

use fairway_types::contract::Backing;

use crate::{
    scene::{COLLATERAL, Scene},
    world::{DEPOSIT, FUNDS, pay},
};

/// P-107, P-111: by the chain, which executes its block again.
#[tokio::test(flavor = "multi_thread")]
async fn leader_that_alters_the_state_is_convicted_banned_and_fined_and_the_channel_goes_on() {
    let scene = Scene::with("root", 0).await;
    scene.convicts_a_leader().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leader_that_alters_effects_is_convicted_banned_and_fined() {
    let scene = Scene::with("effects", 0).await;
    scene.convicts_a_leader().await;
}

/// P-111: nobody else is there to vote. The follower is rewarded, and has the liar paid its balance.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_the_chain_fines_a_leader_that_alters_the_state_without_any_vote() {
    let scene = Scene::of_two("root").await;
    let (world, channel) = (&scene.world, scene.channel);
    let payer = world.member(1, channel).await;
    pay(&payer, &world.keys[0], 10).await.unwrap();
    scene.lies();
    let liar = world.keys[0].address();
    let banned = world.until_recorded(channel, |record| !record.windows.bans.is_empty());
    let record = tokio::select! {
        record = banned => record,
        () = async {
            let _ = pay(&payer, &world.keys[0], 5).await;
            std::future::pending().await
        } => panic!("it never ends"),
    };
    assert_eq!(record.windows.bans[0].account, liar);
    let its = record.members.iter().find(|member| member.record.account == liar);
    assert!(its.is_none_or(|member| member.collateral == 0 && !member.eligible), "{its:?}");
    let reward = FUNDS - DEPOSIT - COLLATERAL + COLLATERAL / 2;
    assert_eq!(world.balances().await[1], reward);
    let events = scene.events().await;
    assert!(events.iter().any(|name| name == "Convicted"), "{events:?}");
    assert!(!events.iter().any(|name| name == "Reported"), "{events:?}");
    // By the window, with the votes of those who are heard.
    scene.until_paid(0).await;
}

/// Two signatures are enough; nobody votes.
#[tokio::test(flavor = "multi_thread")]
async fn leader_that_signs_two_blocks_at_a_place_is_convicted_by_them() {
    let scene = Scene::with("twins", 0).await;
    scene.convicts_a_leader().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_that_acks_two_blocks_at_a_place_is_convicted_by_them() {
    let scene = Scene::with("acks", 3).await;
    let payer = scene.world.member(1, scene.channel).await;
    scene.lies();
    pay(&payer, &scene.world.keys[2], 5).await.unwrap();
    scene.convicted().await;
    pay(&payer, &scene.world.keys[2], 1).await.unwrap();
}

/// P-70: it is replaced, and nobody is fined for silence.
#[tokio::test(flavor = "multi_thread")]
async fn leader_that_keeps_its_blocks_to_itself_is_replaced() {
    let scene = Scene::with("deaf", 0).await;
    let payer = scene.world.member(1, scene.channel).await;
    pay(&payer, &scene.world.keys[2], 10).await.unwrap();
    scene.lies();
    pay(&payer, &scene.world.keys[3], 5).await.unwrap();
    let record = scene.record().await;
    assert!(record.windows.bans.is_empty(), "{:?}", record.windows);
    scene.world.until_held(3, scene.channel, 3, DEPOSIT + 5).await;
}

/// P-56: what it says to both sides counts on neither.
#[tokio::test(flavor = "multi_thread")]
async fn member_that_votes_yes_and_no_stops_no_settlement() {
    let scene = Scene::with("votes", 3).await;
    let payer = scene.world.member(1, scene.channel).await;
    scene.lies();
    pay(&payer, &scene.world.keys[2], 25).await.unwrap();
    payer.leave().await.unwrap();
    scene.until_paid(1).await;
    let paid = scene.world.balances().await[1];
    assert_eq!(paid, FUNDS - COLLATERAL - 25, "the collateral follows later");
    pay(&scene.world.member(0, scene.channel).await, &scene.world.keys[2], 1).await.unwrap();
}

/// P-31: what it says that it has makes nobody wait for it, or ask for what there is not.
#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_of_blocks_that_there_are_not_change_nothing() {
    let scene = Scene::with("heartbeats", 3).await;
    let payer = scene.world.member(1, scene.channel).await;
    pay(&payer, &scene.world.keys[2], 1).await.unwrap();
    scene.lies();
    for _ in 0..30 {
        pay(&payer, &scene.world.keys[2], 1).await.unwrap();
    }
    let status = scene.world.status(2, scene.channel).await;
    assert_eq!(status.term.view.0, 0, "the leader keeps its place: {status:?}");
    scene.world.until_held(0, scene.channel, 2, DEPOSIT + 31).await;
    payer.leave().await.unwrap();
    scene.until_paid(1).await;
}

/// P-108: the others executed the block again, and say that it is right.
#[tokio::test(flavor = "multi_thread")]
async fn member_that_accuses_an_honest_leader_loses_its_bond() {
    let scene = Scene::with("slander", 3).await;
    let payer = scene.world.member(1, scene.channel).await;
    pay(&payer, &scene.world.keys[2], 10).await.unwrap();
    scene.lies();
    scene.reports_slander(0).await;
    let liar = scene.world.keys[3].address();
    let record = scene.world.until_recorded(scene.channel, |record| {
        let liar = record.members.iter().find(|member| member.record.account == liar);
        liar.is_some_and(|liar| liar.collateral == COLLATERAL - scene::BOND)
    });
    let record = record.await;
    assert!(record.windows.bans.is_empty(), "{:?}", record.windows);
    assert_eq!(record.members.len(), 4);
    pay(&payer, &scene.world.keys[2], 1).await.unwrap();
}

/// A convicted account stays out for its ban, whatever node it comes with.
#[tokio::test(flavor = "multi_thread")]
async fn banned_account_is_refused_with_another_node_too() {
    let scene = Scene::with_spare("twins", 0).await;
    scene.convicts_a_leader().await;
    let spare = scene.world.network.client(4).await.unwrap();
    let backing = Backing { collateral: COLLATERAL, pooled: false };
    let liar = &scene.world.keys[0];
    let refused = spare.join_backed(liar, scene.channel, DEPOSIT, backing).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("BANNED"), "{refused}");
    // The node is no stranger's enemy: another account is let in through it.
    spare.join_backed(&scene.world.keys[4], scene.channel, DEPOSIT, backing).await.unwrap();
}
