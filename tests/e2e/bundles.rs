//! A channel whose members trust their own nodes with their calls.

use std::collections::BTreeSet;

use fairway::store::Store;
use fairway_sdk::{ChannelId, Height};
use fairway_types::{Hash, NodeId};

use crate::world::{DEPOSIT, World, fixed_places, pay};

/// The calls that bundles in the log of a node that is down vouch for, each with the node that signed.
/// One that was sent twice is in two bundles, and is one call.
fn vouched(world: &World, node: usize, channel: ChannelId) -> BTreeSet<(NodeId, Hash)> {
    let store = Store::open(&world.network.nodes[node].folder.join("data")).unwrap();
    let stored = store.channel(channel);
    let blocks = (1..).map_while(|height| stored.block(Height(height)).unwrap());
    let mut calls = BTreeSet::new();
    for appended in blocks {
        for signed in &appended.block.bundles {
            calls.extend(signed.bundle.calls.iter().map(|call| (signed.node, *call)));
        }
    }
    store.close();
    calls
}

/// Calls of a node's own member travel under the node's signature; one that is asked for at another
/// node under its own.
#[tokio::test(flavor = "multi_thread")]
async fn own_nodes_vouch_for_calls_and_who_was_away_takes_them_from_the_log() {
    let mut places = fixed_places(5);
    let mut world = World::start_at(places.remove(0), places).await;
    let channel = world.create_with("payments", |config| config.trust_own_node = true).await;
    world.join_all(channel).await;
    world.network.kill_node(3).await;
    let members = [
        world.member(0, channel).await,
        world.member(1, channel).await,
        world.member(2, channel).await,
    ];
    for _ in 0..5 {
        for (payer, member) in members.iter().enumerate() {
            pay(member, &world.keys[(payer + 1) % 3], 3).await.unwrap();
        }
    }
    let elsewhere = world.channel(2, channel).await.member(world.keys[0].clone());
    pay(&elsewhere, &world.keys[3], 1).await.unwrap();
    world.network.start_node(3).await.unwrap();
    world.same_log(channel).await;
    for node in 0..4 {
        world.until_held(node, channel, 0, DEPOSIT - 1).await;
        world.until_held(node, channel, 3, DEPOSIT + 1).await;
    }
    let nodes: Vec<NodeId> = {
        let mut nodes = Vec::new();
        for node in 0..3 {
            nodes.push(world.network.client(node).await.unwrap().status().await.unwrap().node);
        }
        nodes
    };
    world.network.kill_node(3).await;
    let found = vouched(&world, 3, channel);
    for node in nodes {
        let calls = found.iter().filter(|(of, _)| *of == node).count();
        assert_eq!(calls, 5, "of {node}: {found:?}");
    }
    world.network.start_node(3).await.unwrap();
    pay(&members[1], &world.keys[3], 1).await.unwrap();
    world.same_log(channel).await;
}
