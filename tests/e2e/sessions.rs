//! Session keys: an account lets another key call for it, within limits that every node holds it to.

use std::time::Duration;

use fairway_sdk::{
    Connection, Keypair, Operation, Refusal, Session,
    api::{StateChannelApiClient, channel::CallRequest},
    json,
};
use fairway_types::{Time, contract::NATIVE, settlement::AssetAmount};
use tokio::time::sleep;

use crate::world::{DEPOSIT, World, pay};

fn now() -> Time {
    fairway::driver::clock()
}

fn session(key: &Keypair, spend: u64, lifetime: u64) -> Session {
    Session {
        key: key.public(),
        functions: vec!["0x44::payments::pay".parse().unwrap()],
        spending: vec![AssetAmount { asset: NATIVE, amount: spend }],
        expires_at: now().plus(lifetime),
    }
}

fn name<T: std::fmt::Debug>(result: Result<T, fairway_sdk::Error>) -> String {
    result.unwrap_err().refusal().map(Refusal::name).unwrap_or("not a refusal").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn session_key_pays_within_its_limits_beside_its_account() {
    let mut world = World::start(2).await;
    let channel = world.create("payments").await;
    world.join_all(channel).await;
    let (alice, bob) = (world.member(0, channel).await, &world.keys[1]);
    let key = Keypair::from_seed(&[77; 32]);
    // At the other node: not only the account's own holds it to its limits.
    let silent = world.channel(1, channel).await.session(alice.address(), key.clone());
    assert_eq!(name(pay(&silent, bob, 1).await), "unauthorised");

    alice.delegate(session(&key, 10, 600_000)).await.unwrap();
    let (by_key, by_account) = tokio::join!(pay(&silent, bob, 4), pay(&alice, bob, 100));
    assert!(by_key.is_ok() && by_account.is_ok(), "{by_key:?} {by_account:?}");
    let left = alice.channel().sessions(alice.address()).await.unwrap();
    assert_eq!(left[0].spending[0].amount, 6);
    assert_eq!(name(pay(&silent, bob, 7).await), "over_spent");
    pay(&silent, bob, 6).await.unwrap();
    assert_eq!(name(pay(&silent, bob, 1).await), "over_spent");
    world.until_held(0, channel, 1, DEPOSIT + 110).await;

    assert_eq!(name(silent.leave().await), "unauthorised");
    assert_eq!(name(silent.delegate(session(&key, 99, 9_000)).await), "unauthorised");
    let own = session(&world.keys[0], 1, 9_000);
    assert_eq!(name(alice.delegate(own).await), "invalid_argument");
    let too_long = session(&key, 1, 31 * 24 * 3_600_000);
    assert_eq!(name(alice.delegate(too_long).await), "invalid_argument");

    alice.delegate(session(&key, 5, 600_000)).await.unwrap();
    pay(&silent, bob, 1).await.unwrap();
    alice.revoke(key.public()).await.unwrap();
    assert_eq!(name(pay(&silent, bob, 1).await), "unauthorised");
    alice.delegate(session(&key, 5, 1_500)).await.unwrap();
    pay(&silent, bob, 1).await.unwrap();
    sleep(Duration::from_millis(1_600)).await;
    assert_eq!(name(pay(&silent, bob, 1).await), "expired");
    world.same_log(channel).await;
    world.until_held(1, channel, 0, DEPOSIT - 112).await;
    assert!(world.network.stop().await);
}

/// What a leader keeps back can be put before the chain, and what the chain does not hear is refused
/// before anything is signed.
#[tokio::test(flavor = "multi_thread")]
async fn revocation_that_is_complained_about_is_ordered() {
    let mut world = World::start(2).await;
    let channel = world.create("payments").await;
    world.join_all(channel).await;
    world
        .until_recorded(channel, |record| {
            record.members.len() == 2 && record.members.iter().all(|member| member.active)
        })
        .await;
    let leader = world.status(0, channel).await.leader;
    let record = world.ledger.channel(channel).await.unwrap().record;
    let led_by = |index: usize| {
        let account = world.keys[index].address();
        let mut members = record.members.iter().map(|member| &member.record);
        members.any(|member| member.account == account && Some(member.node) == leader)
    };
    let follower = usize::from(led_by(0));
    let owner = world.member(follower, channel).await;
    let key = Keypair::from_seed(&[79; 32]);
    owner.delegate(session(&key, 10, 600_000)).await.unwrap();
    let by_key = world.channel(follower, channel).await.session(owner.address(), key.clone());
    pay(&by_key, &world.keys[1 - follower], 1).await.unwrap();

    let revoke = Operation::Revoke { key: key.public() };
    let delegate = Operation::Delegate(session(&key, 10, 600_000));
    assert_eq!(name(owner.complain_about(delegate).await), "invalid_argument");
    assert_eq!(name(by_key.complain_about(revoke.clone()).await), "unauthorised");
    let report = owner.complain_about(revoke).await.unwrap();
    assert!(report.events.iter().any(|event| event.type_tag.ends_with("::Complained")));
    world.until_recorded(channel, |record| record.windows.complaint.is_none()).await;
    assert!(owner.channel().sessions(owner.address()).await.unwrap().is_empty());
    assert_eq!(name(pay(&by_key, &world.keys[1 - follower], 1).await), "unauthorised");
    world.same_log(channel).await;
    assert!(world.network.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_call_of_a_session_names_its_key_and_counts_with_it() {
    let mut world = World::start(1).await;
    let channel = world.create("payments").await;
    world.join_all(channel).await;
    let key = Keypair::from_seed(&[78; 32]);
    let connection = Connection::new(world.network.url(0));
    let sender = world.keys[0].address();
    let node = connection.client().await.unwrap();
    let prepare = async |request: serde_json::Value| {
        let request: CallRequest = serde_json::from_value(request).unwrap();
        StateChannelApiClient::prepare(&*node, channel, sender, request, None, None, None).await
    };
    let to = world.keys[0].address().to_string();
    let invoke = json!({
        "operation": "invoke", "function": "0x44::payments::pay",
        "args": [to, NATIVE, "1", ""], "session": key.public(),
    });
    let prepared = prepare(invoke).await.unwrap();
    assert_eq!(prepared.call.counter().session, Some(key.public()));
    let delegate = json!({ "operation": "delegate", "session": session(&key, 3, 1_000) });
    assert_eq!(prepare(delegate).await.unwrap().call.counter(), sender.into());
    let revoke = json!({ "operation": "revoke", "key": key.public() });
    assert_eq!(prepare(revoke).await.unwrap().call.counter(), sender.into());
    assert!(world.network.stop().await);
}
