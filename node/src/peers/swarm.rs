//! The libp2p swarm: connections, limits, who may connect.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::{IpAddr, TcpListener, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use fairway_types::Keypair;
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm, SwarmBuilder, allow_block_list, connection_limits, identify,
    identity, memory_connection_limits,
    multiaddr::Protocol,
    noise, ping,
    swarm::{
        ConnectionId, NetworkBehaviour, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
    tcp, yamux,
};
use tokio::sync::{mpsc, watch};
use tracing::debug;

use super::{PeersError, paths::Paths};

/// Connections of all peers together, and of one: TCP and QUIC, both directions.
const CONNECTIONS: u32 = 1_024;
const CONNECTIONS_PER_PEER: u32 = 4;
/// Streams of a connection: channels that two nodes share. Yamux keeps no more windows in a gigabyte.
const STREAMS: usize = 4_096;
/// Commands of links waiting; what is dropped is said again at the link's next try.
const COMMANDS: usize = 1_024;
/// Memory of this process above which no connection is taken.
const MEMORY: usize = 4 << 30;
const IDLE: Duration = Duration::from_secs(60);
/// Two nodes that dial each other at once have both connections within this.
const STOOD: Duration = Duration::from_secs(1);
/// How long listening may take to begin.
const LISTEN: Duration = Duration::from_secs(5);

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    stream: libp2p_stream::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    members: allow_block_list::Behaviour<allow_block_list::AllowedPeers>,
}

/// What links ask of the swarm.
pub(super) enum Command {
    /// The peer may connect from now on; connect to it, unless connected or connecting.
    Dial(PeerId, Vec<Multiaddr>),
    /// Close what is left of a connection that is dead.
    Disconnect(PeerId),
}

pub(super) struct Started {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) connected: watch::Receiver<HashSet<PeerId>>,
    pub(super) paths: Arc<Paths>,
    pub(super) control: libp2p_stream::Control,
    pub(super) listening: Vec<Multiaddr>,
}

pub(super) async fn start(
    keypair: &Keypair,
    addresses: &[Multiaddr],
) -> Result<Started, PeersError> {
    let mut swarm = build(keypair)?;
    let listening = listen(&mut swarm, addresses).await?;
    let control = swarm.behaviour().stream.new_control();
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let (sender, connected) = watch::channel(HashSet::new());
    let paths = Arc::<Paths>::default();
    tokio::spawn(run(swarm, inbox, sender, Arc::clone(&paths)));
    Ok(Started { commands, connected, paths, control, listening })
}

fn build(keypair: &Keypair) -> Result<Swarm<Behaviour>, PeersError> {
    let failed = |reason: String| PeersError::Failed { reason };
    let identity = identity::Keypair::ed25519_from_bytes(keypair.seed())
        .map_err(|error| failed(error.to_string()))?;
    let swarm = SwarmBuilder::with_existing_identity(identity)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, streams)
        .map_err(|error| failed(error.to_string()))?
        .with_quic()
        .with_behaviour(behaviour)
        .map_err(|error| failed(error.to_string()))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
        .build();
    Ok(swarm)
}

fn streams() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS);
    config
}

fn behaviour(key: &identity::Keypair) -> Behaviour {
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_established(Some(CONNECTIONS))
        .with_max_pending_incoming(Some(64))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER));
    let identify = identify::Config::new("/fairway/1".into(), key.public())
        .with_agent_version(format!("fairway/{}", env!("CARGO_PKG_VERSION")));
    Behaviour {
        stream: libp2p_stream::Behaviour::new(),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::default(),
        limits: connection_limits::Behaviour::new(limits),
        memory: memory_connection_limits::Behaviour::with_max_bytes(MEMORY),
        members: allow_block_list::Behaviour::default(),
    }
}

/// Begins to listen; answers with the addresses that others can dial.
#[allow(clippy::wildcard_enum_match_arm, reason = "libp2p may add events")]
async fn listen(
    swarm: &mut Swarm<Behaviour>,
    addresses: &[Multiaddr],
) -> Result<Vec<Multiaddr>, PeersError> {
    let mut listening = Vec::new();
    for address in addresses {
        let failed = |reason: String| PeersError::Listen { address: address.to_string(), reason };
        refuse_if_taken(address).map_err(|error| failed(error.to_string()))?;
        let id = swarm.listen_on(address.clone()).map_err(|error| failed(error.to_string()))?;
        let begun = tokio::time::timeout(LISTEN, async {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::NewListenAddr { listener_id, address } if listener_id == id => {
                        return Ok(address);
                    }
                    SwarmEvent::ListenerClosed { listener_id, reason, .. } if listener_id == id => {
                        let reason = reason.err().map(|error| error.to_string());
                        return Err(reason.unwrap_or_else(|| "the listener closed".into()));
                    }
                    _ => {}
                }
            }
        });
        let begun = begun.await.map_err(|_| failed("it did not begin in time".into()))?;
        listening.push(begun.map_err(failed)?);
    }
    Ok(listening)
}

/// libp2p shares a TCP port with whoever listens there in the same way, another node for one, and
/// says nothing of why a UDP port can't be had.
fn refuse_if_taken(address: &Multiaddr) -> io::Result<()> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::from(ip),
        Some(Protocol::Ip6(ip)) => IpAddr::from(ip),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) => TcpListener::bind((ip, port)).map(drop),
        Some(Protocol::Udp(port)) => UdpSocket::bind((ip, port)).map(drop),
        _ => Ok(()),
    }
}

/// Ends when every handle is dropped.
async fn run(
    mut swarm: Swarm<Behaviour>,
    mut inbox: mpsc::Receiver<Command>,
    connected: watch::Sender<HashSet<PeerId>>,
    paths: Arc<Paths>,
) {
    let mut connections = HashMap::new();
    loop {
        tokio::select! {
            command = inbox.recv() => match command {
                Some(command) => obey(&mut swarm, command),
                None => return,
            },
            event = swarm.select_next_some() => {
                note(&event, &connected);
                note_path(&event, &paths);
                close_forgotten(&mut swarm, &mut connections, &event);
            }
        }
    }
}

/// A peer dials only when it has no connection. So one that dials although connections to it have
/// stood for a while has forgotten them: it was restarted, or gave them up. They are closed, before
/// they are found to be silent.
#[allow(clippy::wildcard_enum_match_arm, reason = "libp2p may add events")]
fn close_forgotten(
    swarm: &mut Swarm<Behaviour>,
    connections: &mut HashMap<ConnectionId, (PeerId, Instant)>,
    event: &SwarmEvent<BehaviourEvent>,
) {
    match event {
        SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
            let stood = |(_, (peer, since)): &(&ConnectionId, &(PeerId, Instant))| {
                peer == peer_id && since.elapsed() > STOOD
            };
            if endpoint.is_listener() {
                for (forgotten, _) in connections.iter().filter(stood) {
                    debug!(%peer_id, %forgotten, "the peer connects again");
                    swarm.close_connection(*forgotten);
                }
            }
            connections.insert(*connection_id, (*peer_id, Instant::now()));
        }
        SwarmEvent::ConnectionClosed { connection_id, .. } => {
            connections.remove(connection_id);
        }
        _ => {}
    }
}

fn obey(swarm: &mut Swarm<Behaviour>, command: Command) {
    match command {
        Command::Disconnect(peer) => {
            let _ = swarm.disconnect_peer_id(peer);
        }
        Command::Dial(peer, addresses) => {
            swarm.behaviour_mut().members.allow_peer(peer);
            let dial = DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(addresses)
                .build();
            if let Err(error) = swarm.dial(dial) {
                debug!(%peer, %error, "not dialled");
            }
        }
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "libp2p may add events")]
fn note_path(event: &SwarmEvent<BehaviourEvent>, paths: &Paths) {
    match event {
        SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
            paths.opened(*peer_id, *connection_id, endpoint);
        }
        SwarmEvent::ConnectionClosed { connection_id, .. } => paths.closed(*connection_id),
        SwarmEvent::Behaviour(BehaviourEvent::Ping(ping)) => {
            if let Ok(round_trip) = ping.result {
                paths.measured(ping.connection, round_trip);
            }
        }
        _ => {}
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "libp2p may add events")]
fn note(event: &SwarmEvent<BehaviourEvent>, connected: &watch::Sender<HashSet<PeerId>>) {
    match event {
        SwarmEvent::ConnectionEstablished { peer_id, .. } => {
            connected.send_modify(|peers| {
                peers.insert(*peer_id);
            });
        }
        SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
            connected.send_modify(|peers| {
                peers.remove(peer_id);
            });
        }
        SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
            debug!(?peer_id, %error, "dialling failed");
        }
        _ => {}
    }
}
