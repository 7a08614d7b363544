//! Bad input gets a clear answer with its code, and nothing is lost.

use std::{path::Path, time::Duration};

use fairway_sandbox::read_package;
use fairway_sdk::{
    CallStatus, ChannelId, Error, Keypair, Member, Refusal,
    api::{StateChannelApiClient, channel::CallReport},
};
use fairway_types::{
    Epoch, Gas, Operation, SignedCall, Time, codec, contract::NATIVE, ids::ChainId, limits,
};

use crate::world::{DEPOSIT, World, pay};

/// Changes a signed call, signs it again, and sends it.
async fn send(
    member: &Member,
    world: &World,
    change: impl FnOnce(&mut SignedCall),
) -> Result<CallReport, Error> {
    let connection = fairway_sdk::Connection::new(world.network.url(0));
    let args = vec![
        codec::encode(&world.keys[1].address()),
        codec::encode(&NATIVE),
        codec::encode(&1u64),
        codec::encode(""),
    ];
    let function = "0x44::payments::pay".parse().unwrap();
    let operation = Operation::Invoke { function, type_args: Vec::new(), args };
    let mut signed = member.sign(operation).await.unwrap();
    change(&mut signed);
    signed.signature = world.keys[0].sign(&signed.call);
    connection
        .request(|client| {
            let signed = signed.clone();
            async move { client.call(signed, Some(CallStatus::Certified)).await }
        })
        .await
}

fn name(result: Result<CallReport, Error>) -> &'static str {
    result.unwrap_err().refusal().expect("a refusal").name()
}

fn edit_args(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> impl FnOnce(&mut SignedCall) {
    |signed| {
        if let Operation::Invoke { args, .. } = &mut signed.call.operation {
            change(args);
        }
    }
}

type Change = Box<dyn FnOnce(&mut SignedCall)>;

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_call_is_refused_by_name_and_uses_no_number() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let cases: Vec<(&str, Change)> = vec![
        ("channel_not_found", Box::new(|s| s.call.channel = ChannelId([9; 32]))),
        ("wrong_chain", Box::new(|s| s.call.chain = ChainId(77))),
        ("bad_signature", Box::new(|s| s.key = Keypair::from_seed(&[99; 32]).public())),
        ("expired", Box::new(|s| s.call.expires_at = Time(1))),
        ("too_large", Box::new(|s| s.call.gas_limit = Gas(limits::CALL_GAS + 1))),
        (
            "function_not_found",
            Box::new(|s| {
                if let Operation::Invoke { function, .. } = &mut s.call.operation {
                    function.function = "nowhere".into();
                }
            }),
        ),
        ("invalid_argument", Box::new(edit_args(|args| drop(args.pop())))),
        ("invalid_argument", Box::new(edit_args(|args| args[2] = vec![1, 2]))),
        (
            "too_large",
            Box::new(edit_args(|args| args[3] = codec::encode(&"x".repeat(limits::CALL_BYTES)))),
        ),
    ];
    for (expected, change) in cases {
        let member = world.member(0, channel).await;
        assert_eq!(name(send(&member, &world, change).await), expected);
    }
    let member = world.member(0, channel).await;
    pay(&member, &world.keys[1], 1).await.unwrap();
    world.until_held(0, channel, 1, DEPOSIT + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sequence_numbers_are_used_once_and_in_order() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let member = world.member(0, channel).await;
    pay(&member, &world.keys[1], 1).await.unwrap();
    let reused = send(&member, &world, |signed| signed.call.sequence.0 = 0).await;
    let refusal = reused.unwrap_err().refusal().cloned().unwrap();
    assert!(
        matches!(refusal, Refusal::SequenceNumber { expected, actual, .. }
            if expected.0 == 1 && actual.0 == 0),
        "{refusal:?}"
    );
    let far = send(&member, &world, |signed| signed.call.sequence.0 = 1_000_000).await;
    assert!(far.is_err());
    let member = world.member(0, channel).await;
    pay(&member, &world.keys[1], 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_executions_say_why_with_the_aborts_name_and_change_nothing() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let member = world.member(0, channel).await;
    let error = pay(&member, &world.keys[1], 0).await.unwrap_err();
    let Some(Refusal::MoveAbort { name: abort, code, .. }) = error.refusal() else {
        panic!("{error}")
    };
    assert_eq!((abort.as_deref(), *code), (Some("E_ZERO_AMOUNT"), 1));
    let error = pay(&member, &world.keys[1], DEPOSIT + 1).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code(), 100_005);
    let dear = send(&member, &world, |signed| signed.call.gas_limit = Gas(3)).await;
    assert_eq!(name(dear), "out_of_gas");
    pay(&member, &world.keys[1], 4).await.unwrap();
    world.until_held(0, channel, 0, DEPOSIT - 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_neither_call_nor_join() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let stranger = Keypair::from_seed(&[50; 32]);
    world.ledger.faucet(stranger.address(), 10_000).await.unwrap();
    let member = world.channel(0, channel).await.member(stranger.clone());
    let error = pay(&member, &world.keys[1], 1).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().name(), "not_a_member");
    let client = world.network.client(0).await.unwrap();
    let error = client.join(&stranger, channel, 100).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().name(), "move_abort", "{error}");
    assert_eq!(world.ledger.balance(stranger.address()).await.unwrap(), 10_000);
    let unknown = client.join(&stranger, ChannelId([7; 32]), 100).await.unwrap_err();
    assert_eq!(unknown.refusal().unwrap().code(), 100_001);
    let nowhere = client.channel(ChannelId([7; 32])).await.err().unwrap();
    assert_eq!(nowhere.refusal().unwrap().code(), 100_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn package_that_would_not_be_admitted_is_not_registered() {
    let world = World::start(1).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/examples/payments");
    let mut package = read_package(&folder).unwrap();
    package.files[0].text = "module payments::payments { fun f() { nonsense } }".into();
    let error = world.ledger.store_package(&world.keys[0], package.clone()).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().name(), "compile_error", "{error}");
    assert!(error.to_string().contains("nonsense"), "{error}");
    package.files[0].text = "module payments::payments { native fun f(); }".into();
    let error = world.ledger.store_package(&world.keys[0], package).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().name(), "package_refused", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn flood_of_requests_is_answered_with_busy_and_a_time_to_retry() {
    let mut world = World::start(2).await;
    let channel = world.open("payments").await;
    let member = world.member(0, channel).await;
    // Without the other node no settlement can be proposed: requests wait, up to a bound.
    world.until(0, channel, |status| status.term.epoch.0 >= 2).await;
    let record = world.ledger.channel(channel).await.unwrap().record;
    let granted = world.ledger.grants(channel, Epoch(1), Epoch(64)).await.unwrap();
    assert_eq!(granted[..record.grants.len()], record.grants, "what a node reads that was away");
    world.network.kill_node(1).await;
    let first = world.channel(0, channel).await;
    let asked: Vec<_> = (0..40)
        .map(|_| {
            let asked = first.clone();
            tokio::spawn(async move { asked.propose_settlement().await })
        })
        .collect();
    let mut busy = 0;
    for request in asked {
        let answer = tokio::time::timeout(Duration::from_secs(1), request).await;
        if let Ok(Ok(Err(Error::Refused(Refusal::Busy { retry_after_ms, .. })))) = answer {
            assert!(retry_after_ms > 0);
            busy += 1;
        }
    }
    assert!(busy > 0, "no request of the flood was refused");
    world.network.start_node(1).await.unwrap();
    pay(&member, &world.keys[1], 1).await.unwrap();
}
