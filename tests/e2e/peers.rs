//! What a node does about peers that send what they must not.

use std::{path::Path, time::Duration};

use fairway::{local::Place, peers::peer_id};
use fairway_types::{Keypair, NodeId, limits};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, SwarmBuilder, identity, noise, swarm::SwarmEvent,
    tcp, yamux,
};
use tokio::time::{Instant, timeout};

use crate::world::{World, fixed_places, pay};

pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/fairway/channel/3");

/// Connects to a node with a key, and opens a stream; `None` when the node does not let it in.
async fn stream(key: &Keypair, node: NodeId, address: &Multiaddr) -> Option<Stream> {
    let (peer, mut control) = connect(key, node, address).await?;
    let opened = timeout(Duration::from_secs(5), control.open_stream(peer, PROTOCOL)).await;
    opened.ok()?.ok()
}

/// Connects to a node with a key; `None` when the node does not let it in.
pub(crate) async fn connect(
    key: &Keypair,
    node: NodeId,
    address: &Multiaddr,
) -> Option<(PeerId, libp2p_stream::Control)> {
    let identity = identity::Keypair::ed25519_from_bytes(key.seed()).unwrap();
    let mut swarm = SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .unwrap()
        .build();
    let peer = peer_id(&node).unwrap();
    let control = swarm.behaviour().new_control();
    swarm.dial(address.clone()).unwrap();
    let connected = timeout(Duration::from_secs(5), async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { .. } => return true,
                SwarmEvent::OutgoingConnectionError { .. } => return false,
                _ => {}
            }
        }
    });
    if !connected.await.unwrap() {
        return None;
    }
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    Some((peer, control))
}

/// A node's key, from its folder.
pub(crate) fn node_key(folder: &Path) -> Keypair {
    let text = std::fs::read_to_string(folder.join("node.key")).unwrap();
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let seed: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    Keypair::from_seed(&seed.try_into().unwrap())
}

/// Whether the node closes the stream within a few seconds.
async fn is_closed(mut stream: Stream) -> bool {
    let mut byte = [0; 64];
    let closed = async { while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {} };
    timeout(Duration::from_secs(4), closed).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_oversized_frames_close_the_stream_and_nothing_else() {
    let mut world = World::start(3).await;
    let channel = world.open("payments").await;
    let status = world.network.client(0).await.unwrap().status().await.unwrap();
    let address: Multiaddr = status.endpoints[0].parse().unwrap();
    // The third node's key in other hands: a member that sends what it likes.
    world.network.kill_node(2).await;
    let key = node_key(&world.network.nodes[2].folder);
    let oversized = u32::try_from(limits::FRAME_BYTES).unwrap() + 1;
    let frames =
        [[4u32.to_be_bytes().as_slice(), &[255; 4]].concat(), oversized.to_be_bytes().to_vec()];
    for frame in frames {
        let mut stream = stream(&key, status.node, &address).await.expect("a member may connect");
        stream.write_all(channel.as_bytes()).await.unwrap();
        stream.write_all(&frame).await.unwrap();
        stream.flush().await.unwrap();
        assert!(is_closed(stream).await, "the node listens on after {frame:?}");
    }
    let log = std::fs::read_to_string(&world.network.nodes[0].log).unwrap();
    assert!(log.contains("peer sent what it must not") && log.contains("the limit is"), "{log}");
    let alice = world.member(0, channel).await;
    pay(&alice, &world.keys[1], 1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_not_let_in() {
    let world = World::start(2).await;
    world.open("payments").await;
    let status = world.network.client(0).await.unwrap().status().await.unwrap();
    let address: Multiaddr = status.endpoints[0].parse().unwrap();
    let stranger = Keypair::from_seed(&[77; 32]);
    let opened = stream(&stranger, status.node, &address).await;
    assert!(opened.is_none(), "a stranger opened a stream");
}

/// Nobody tells the others over QUIC that a process is gone: its connections look alive until they
/// have been silent for long.
#[tokio::test(flavor = "multi_thread")]
async fn node_that_was_killed_is_linked_again_as_soon_as_it_is_back_over_quic() {
    let mut places = fixed_places(2);
    for place in &mut places {
        place.listen = vec![place.listen[0].replace("/tcp/", "/udp/") + "/quic-v1"];
    }
    let mut world = World::start_at(Place::default(), places).await;
    let channel = world.open("payments").await;
    for (node, other) in [(0, 1), (1, 0)] {
        let member = world.member(other, channel).await;
        // Connections that have just been made are left alone.
        let old = Instant::now() + Duration::from_millis(1_500);
        while Instant::now() < old {
            pay(&member, &world.keys[node], 1).await.unwrap();
        }
        world.network.kill_node(node).await;
        world.network.start_node(node).await.unwrap();
        let begun = Instant::now();
        let paid = pay(&member, &world.keys[node], 1);
        timeout(Duration::from_secs(60), paid).await.expect("nobody answers").unwrap();
        let gone = begun.elapsed();
        assert!(gone < Duration::from_secs(3), "node {node} was linked again after {gone:?}");
    }
}
