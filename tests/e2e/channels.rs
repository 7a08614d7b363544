//! The main job, and what crashes do to it.

use std::time::Duration;

use fairway_sdk::{
    CallStatus, Filter, GasTableId, Height,
    api::{
        StateChannelApiClient,
        channel::{CallReport, Notice, Role},
    },
    json,
};
use fairway_types::{Operation, SignedCall, codec, contract::NATIVE};
use tokio::time::{sleep, timeout};

use crate::world::{DEPOSIT, FUNDS, World, pay};

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_hold_one_log_and_the_chain_pays_what_the_game_moved() {
    let world = World::start(4).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    let bob = world.member(1, channel).await;
    for _ in 0..10 {
        pay(&alice, &world.keys[1], 7).await.unwrap();
    }
    pay(&bob, &world.keys[2], 5).await.unwrap();
    world.same_log(channel).await;
    for node in 0..4 {
        world.until_held(node, channel, 0, DEPOSIT - 70).await;
        world.until_held(node, channel, 1, DEPOSIT + 65).await;
        world.until_held(node, channel, 2, DEPOSIT + 5).await;
    }
    alice.close().await.unwrap();
    world.until(0, channel, |status| status.closed && status.settlements > 0).await;
    let expected = [FUNDS - 70, FUNDS + 65, FUNDS + 5, FUNDS];
    for (key, expected) in world.keys.iter().zip(expected) {
        assert_eq!(world.ledger.balance(key.address()).await.unwrap(), expected);
    }
    let record = world.ledger.channel(channel).await.unwrap().record;
    assert!(record.settlement.closed && record.locked.is_empty(), "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_on_two_nodes_see_the_same_states_and_resume_at_a_height() {
    let world = World::start(3).await;
    let channel = world.open("payments").await;
    let from = world.same_log(channel).await.next();
    let alice = world.member(0, channel).await;
    for _ in 0..5 {
        pay(&alice, &world.keys[1], 1).await.unwrap();
    }
    let until = world.same_log(channel).await;
    let mut seen = Vec::new();
    for node in [1, 2] {
        let watched = world.channel(node, channel).await;
        let mut notices = watched.subscribe_from(from, Filter::default()).await.unwrap();
        let mut blocks = Vec::new();
        while notices.cursor().is_none_or(|cursor| cursor <= until) {
            let notice = timeout(Duration::from_secs(10), notices.next()).await.unwrap().unwrap();
            if let Notice::Block { height, .. } = &notice {
                assert_eq!(height.0, from.0 + blocks.len() as u64, "a gap");
                blocks.push(notice);
            }
        }
        seen.push(blocks);
    }
    assert!(seen[0].len() >= 5);
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_killed_amid_calls_comes_back_with_the_same_log() {
    let mut world = World::start(4).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    pay(&alice, &world.keys[1], 1).await.unwrap();
    world.network.kill_node(3).await;
    for _ in 0..20 {
        pay(&alice, &world.keys[1], 1).await.unwrap();
    }
    world.network.start_node(3).await.unwrap();
    for _ in 0..5 {
        pay(&alice, &world.keys[1], 1).await.unwrap();
    }
    world.same_log(channel).await;
    world.until_held(3, channel, 1, DEPOSIT + 26).await;
    let dave = world.member(3, channel).await;
    pay(&dave, &world.keys[0], 2).await.unwrap();
    assert_eq!(world.status(3, channel).await.role, Role::Follower);
}

/// P-61: the same calls in two channels of one package.
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_metered_by_its_gas_table_on_all_nodes_and_after_a_restart() {
    let mut world = World::start(2).await;
    let mut gas = Vec::new();
    for gas_table in [GasTableId::MEASURED, GasTableId::STORAGE] {
        let channel = world.create_with("payments", |config| config.gas_table = gas_table).await;
        world.join_all(channel).await;
        let alice = world.member(0, channel).await;
        pay(&alice, &world.keys[1], 1).await.unwrap();
        world.network.kill_node(1).await;
        world.network.start_node(1).await.unwrap();
        gas.push(pay(&alice, &world.keys[1], 1).await.unwrap().gas_used);
        world.same_log(channel).await;
        assert_eq!(world.status(1, channel).await.role, Role::Follower);
    }
    // A payment writes two vaults.
    assert!(gas[1].0 > gas[0].0 + 2 * 1_000, "{gas:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn node_refuses_a_channel_whose_gas_table_it_does_not_know() {
    let world = World::start(1).await;
    let channel = world.create_with("payments", |config| config.gas_table = GasTableId(9)).await;
    let client = world.network.client(0).await.unwrap();
    let before = world.ledger.balance(world.keys[0].address()).await.unwrap();
    let joined = client.join(&world.keys[0], channel, DEPOSIT).await;
    let refusal = joined.err().unwrap().to_string();
    assert!(refusal.contains("names gas table 9, this version knows 1, 2"), "{refusal}");
    let opened = client.open(channel).await.err().unwrap().to_string();
    assert!(opened.contains("names gas table 9"), "{opened}");
    assert_eq!(world.ledger.balance(world.keys[0].address()).await.unwrap(), before);
}

async fn submit(world: &World, node: usize, signed: SignedCall) -> CallReport {
    fairway_sdk::Connection::new(world.network.url(node))
        .request(|client| {
            let signed = signed.clone();
            async move { client.call(signed, Some(CallStatus::Certified)).await }
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn leader_killed_and_restarted_goes_on_where_it_was() {
    let mut world = World::start(3).await;
    let channel = world.open("payments").await;
    let leader = world.status(0, channel).await.leader;
    let bob = world.member(1, channel).await;
    let args = vec![
        codec::encode(&world.keys[2].address()),
        codec::encode(&NATIVE),
        codec::encode(&1u64),
        codec::encode(""),
    ];
    let function = "0x44::payments::pay".parse().unwrap();
    let operation = Operation::Invoke { function, type_args: Vec::new(), args };
    let paid = bob.sign(operation).await.unwrap();
    let first = submit(&world, 1, paid.clone()).await;
    let before = world.same_log(channel).await;
    world.network.kill_node(0).await;
    world.network.start_node(0).await.unwrap();
    // Whoever did not hear the answer sends the same call again, and has not paid twice.
    assert_eq!(submit(&world, 0, paid).await.height, first.height);
    pay(&bob, &world.keys[2], 1).await.unwrap();
    assert!(world.same_log(channel).await > before);
    assert_eq!(world.status(0, channel).await.leader, leader);
    world.until_held(0, channel, 2, DEPOSIT + 2).await;
}

/// P-47, P-48: it is back before the chain counts it as gone, and stays a follower.
#[tokio::test(flavor = "multi_thread")]
async fn chain_learns_the_leader_of_a_later_view_and_the_old_one_does_not_lead_again() {
    let mut world = World::start(4).await;
    let channel = world.open("payments").await;
    let bob = world.member(1, channel).await;
    pay(&bob, &world.keys[2], 1).await.unwrap();
    // The grant that names all four.
    let granted = world.until_recorded(channel, |record| {
        record.grants.last().is_some_and(|grant| grant.valid.len() == 4)
    });
    let granted = granted.await.in_force.unwrap();
    assert_eq!((granted.leader, granted.term.view.0), (world.keys[0].address(), 0));
    world.until(1, channel, |status| status.term == granted.term).await;

    world.network.kill_node(0).await;
    pay(&bob, &world.keys[2], 1).await.unwrap();
    let shown = world.until_recorded(channel, |record| {
        record.in_force.as_ref().is_some_and(|in_force| in_force.term.view.0 > 0)
    });
    let shown = timeout(Duration::from_secs(8), shown).await.expect("not shown in time");
    let in_force = shown.in_force.unwrap();
    assert_eq!(in_force.term.epoch, granted.term.epoch, "no grant of the chain was needed");
    let status = world.status(1, channel).await;
    assert_eq!(status.term, in_force.term);
    let leads =
        |member: &&fairway_types::chain::ChainMember| member.record.account == in_force.leader;
    let leader = shown.members.iter().find(leads).map(|member| member.record.node);
    assert_eq!(status.leader, leader);
    assert_ne!(in_force.leader, granted.leader);
    // A node reads the record a moment later.
    let client = world.network.client(1).await.unwrap();
    let told = async {
        while client.info(channel).await.unwrap().record.in_force.as_ref() != Some(&in_force) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(8), told).await.expect("the node's record stays behind");

    world.network.start_node(0).await.unwrap();
    world.until(0, channel, |status| status.term == in_force.term).await;
    // Longer than an epoch must last, and than the way out of P-48.
    let end = tokio::time::Instant::now() + Duration::from_secs(12);
    while tokio::time::Instant::now() < end {
        pay(&bob, &world.keys[2], 1).await.unwrap();
        assert_eq!(world.status(0, channel).await.role, Role::Follower);
        let record = world.ledger.channel(channel).await.unwrap().record;
        assert_ne!(record.in_force.unwrap().leader, granted.leader);
        sleep(Duration::from_millis(200)).await;
    }
    world.same_log(channel).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_ledger_calls_and_reads_go_on_and_status_says_so() {
    let mut world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    world.network.kill_ledger().await;
    world.until(0, channel, |status| status.chain_unreachable.is_some()).await;
    let client = world.network.client(0).await.unwrap();
    assert!(client.status().await.unwrap().chain_unreachable.is_some());
    pay(&alice, &world.keys[1], 3).await.unwrap();
    world.until_held(0, channel, 1, DEPOSIT + 3).await;
    let error = client.ledger().balance(alice.address()).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().name(), "chain_unreachable");

    world.network.restart_ledger().await.unwrap();
    world.until(0, channel, |status| status.chain_unreachable.is_none()).await;
    alice.close().await.unwrap();
    world.until(0, channel, |status| status.closed && status.settlements > 0).await;
    let balance = world.ledger.balance(world.keys[1].address()).await.unwrap();
    assert_eq!(balance, FUNDS + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_restarted_without_the_ledger_serves_what_it_stored() {
    let mut world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    pay(&alice, &world.keys[1], 3).await.unwrap();
    world.same_log(channel).await;
    world.network.kill_ledger().await;
    world.network.kill_node(1).await;
    world.network.start_node(1).await.unwrap();
    world.until_held(1, channel, 1, DEPOSIT + 3).await;
    assert!(world.status(1, channel).await.head > Height::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn game_with_a_stake_is_won_and_settled_while_the_channel_goes_on() {
    let world = World::start(2).await;
    let channel = world.open("tic_tac_toe").await;
    let (x, o) = (world.member(0, channel).await, world.member(1, channel).await);
    let game = json!(x.address().to_string());
    x.call("0x42::tic_tac_toe::open", &[json!(NATIVE), json!(100)]).await.unwrap();
    o.call("0x42::tic_tac_toe::join", std::slice::from_ref(&game)).await.unwrap();
    for (player, cell) in [(&x, 0), (&o, 3), (&x, 1), (&o, 4)] {
        player.call("0x42::tic_tac_toe::mark", &[game.clone(), json!(cell)]).await.unwrap();
    }
    let args = [game.clone(), json!(2)];
    let last = x.call_until("0x42::tic_tac_toe::mark", &args, CallStatus::Final).await.unwrap();
    assert!(last.status >= CallStatus::Final);
    assert!(last.events.iter().any(|event| event.type_tag.ends_with("::GameOver")));
    let proposed = x.channel().propose_settlement().await.unwrap();
    world.until(1, channel, |status| status.settlements >= proposed.number).await;
    world.until(1, channel, |status| status.settled >= last.height).await;
    let report = o.channel().report(last.call).await.unwrap().unwrap();
    assert_eq!(report.status, CallStatus::Settled);
    world.until_held(1, channel, 0, DEPOSIT + 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_move_the_arena_without_a_call() {
    let world = World::start(2).await;
    let channel = world.create_with("arena", |config| config.tick_interval = 50).await;
    world.join_all(channel).await;
    let alice = world.member(0, channel).await;
    let me = json!(alice.address().to_string());
    let place = || alice.channel().view("0x43::arena::position", std::slice::from_ref(&me));
    alice.call("0x43::arena::turn", &[json!(2), json!(1)]).await.unwrap();
    let before = place().await.unwrap();
    sleep(Duration::from_millis(400)).await;
    assert_ne!(place().await.unwrap()[0], before[0]);
    world.same_log(channel).await;
}

/// P-130
#[tokio::test(flavor = "multi_thread")]
async fn node_of_a_paid_leaver_ends_the_channel_can_be_read_and_begins_again_with_a_new_join() {
    let world = World::start(3).await;
    let channel = world.open("payments").await;
    let (bob, carol) = (world.member(1, channel).await, world.member(2, channel).await);
    pay(&carol, &world.keys[1], 40).await.unwrap();
    carol.leave().await.unwrap();
    // The kernel keeps 15 bytes of a name.
    let thread = format!("channel-{}", channel.short())[..15].to_owned();
    assert!(threads_of(&world, 2).contains(&thread));
    world.until(2, channel, |status| status.role == Role::Ended).await;
    let gone = || async { !threads_of(&world, 2).contains(&thread) };
    until(gone).await;
    world.until_held(2, channel, 1, DEPOSIT + 40).await;
    let refused = pay(&carol, &world.keys[1], 1).await.unwrap_err().to_string();
    assert!(refused.contains("closed") || refused.contains("not a member"), "{refused}");
    pay(&bob, &world.keys[0], 5).await.unwrap();
    let client = world.network.client(2).await.unwrap();
    client.join(&world.keys[2], channel, DEPOSIT).await.unwrap();
    world.until(2, channel, |status| status.members.len() == 3).await;
    let carol = world.member(2, channel).await;
    pay(&carol, &world.keys[0], 2).await.unwrap();
    world.until_held(0, channel, 2, DEPOSIT - 2).await;
}

/// Names of the threads of a node's process.
fn threads_of(world: &World, node: usize) -> Vec<String> {
    let pid = world.network.nodes[node].process.as_ref().unwrap().id().unwrap();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).collect()
}

async fn until<F: Future<Output = bool>>(so: impl Fn() -> F) {
    let wait = async {
        while !so().await {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(40), wait).await.expect("it did not come to that");
}

#[tokio::test(flavor = "multi_thread")]
async fn leader_leaves_and_is_paid_and_the_others_go_on() {
    let world = World::start(3).await;
    let channel = world.open("payments").await;
    world.until(0, channel, |status| status.term.epoch.0 >= 2).await;
    assert_eq!(world.status(0, channel).await.role, Role::Leader);
    let (alice, bob) = (world.member(0, channel).await, world.member(1, channel).await);
    pay(&alice, &world.keys[1], 40).await.unwrap();
    alice.leave().await.unwrap();
    let paid = async {
        loop {
            if world.ledger.balance(alice.address()).await.unwrap() == FUNDS - 40 {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), paid).await.expect("the leader was never paid");
    // Another member leads once the contract counts the old leader as not valid any more.
    let took_over = |status: &fairway_sdk::api::channel::ChannelStatus| {
        status.role == Role::Leader && status.members.len() == 2
    };
    let new_leader = async {
        loop {
            for node in [1, 2] {
                if took_over(&world.status(node, channel).await) {
                    return;
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(40), new_leader).await.expect("nobody leads");
    pay(&bob, &world.keys[2], 3).await.unwrap();
    world.until_held(2, channel, 2, DEPOSIT + 3).await;
}
