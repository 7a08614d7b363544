//! Other members' nodes over libp2p: one long-lived stream a peer and channel, length-delimited
//! BCS, bounded queues. A node listens to members of its channels and to nobody else.
//!
//! Frames: four bytes of length, big-endian, then the BCS bytes of a `Message`; an empty frame says
//! that the link stands. The opener of a stream first sends the 32 bytes of the channel it is for.
//! The node with the lower id opens.

pub mod frame;
mod link;
mod paths;
mod swarm;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use fairway_types::{ChannelId, Keypair, NodeId};
use libp2p::{Multiaddr, PeerId, StreamProtocol, identity};
use tokio::sync::{mpsc, watch};

pub use self::paths::Path;
use self::{
    link::{Link, LinkParts},
    paths::Paths,
    swarm::Command,
};
use crate::driver::{ChannelHandle, Outbox};

/// The protocol's name and version.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/fairway/channel/3");

#[derive(Debug, thiserror::Error)]
pub enum PeersError {
    #[error("can't listen on {address}: {reason}; choose another address or stop who uses it")]
    Listen { address: String, reason: String },
    #[error("libp2p can't start: {reason}")]
    Failed { reason: String },
}

/// The node's side of the network. Cheap to clone.
#[derive(Clone)]
pub struct Peers {
    inner: Arc<Inner>,
}

struct Inner {
    me: NodeId,
    swarm: mpsc::Sender<Command>,
    connected: watch::Receiver<HashSet<PeerId>>,
    paths: Arc<Paths>,
    control: libp2p_stream::Control,
    channels: Mutex<HashMap<ChannelId, HashMap<NodeId, Link>>>,
    /// Where this node listens.
    listening: Vec<Multiaddr>,
    traffic: Arc<Traffic>,
}

/// Bytes of frames, with what frames them.
#[derive(Debug, Default)]
pub struct Traffic {
    pub sent: AtomicU64,
    pub received: AtomicU64,
}

/// A member's node and where it says that it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub node: NodeId,
    pub endpoints: Vec<String>,
}

/// A member's node as this one is linked to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// In order.
    pub channels: Vec<ChannelId>,
    /// Bytes that wait to be sent to it, in all of them.
    pub waiting_bytes: usize,
    /// Connections that stand.
    pub paths: Vec<Path>,
}

impl Peers {
    /// Listens on `addresses` and starts the network.
    pub async fn start(keypair: &Keypair, addresses: &[Multiaddr]) -> Result<Self, PeersError> {
        let started = swarm::start(keypair, addresses).await?;
        let inner = Arc::new(Inner {
            me: keypair.node_id(),
            swarm: started.commands,
            connected: started.connected,
            paths: started.paths,
            control: started.control.clone(),
            channels: Mutex::new(HashMap::new()),
            listening: started.listening,
            traffic: Arc::default(),
        });
        tokio::spawn(link::accept(Arc::downgrade(&inner), started.control));
        Ok(Self { inner })
    }

    /// Where this node listens, as others can be told.
    #[must_use]
    pub fn listening(&self) -> &[Multiaddr] {
        &self.inner.listening
    }

    /// Nodes connected now.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.inner.connected.borrow().len()
    }

    /// The first `most` nodes by their ids that this one is linked to, in one channel if named.
    #[must_use]
    pub fn linked(&self, channel: Option<ChannelId>, most: usize) -> BTreeMap<NodeId, Linked> {
        let mut linked: BTreeMap<NodeId, (PeerId, Linked)> = BTreeMap::new();
        for (id, links) in self.inner.channels().iter() {
            if channel.is_some_and(|channel| channel != *id) {
                continue;
            }
            for (node, link) in links {
                let (_, to) = linked.entry(*node).or_insert((link.peer(), Linked::default()));
                to.channels.push(*id);
                to.waiting_bytes += link.waiting_bytes();
            }
        }
        let first = linked.into_iter().take(most);
        let complete = |(node, (peer, mut to)): (NodeId, (PeerId, Linked))| {
            to.channels.sort_unstable();
            to.paths = self.inner.paths.to(&peer);
            (node, to)
        };
        first.map(complete).collect()
    }

    /// What went over all links since the start.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.inner.traffic
    }

    /// The links a channel has from now on; links to others are closed.
    pub fn set_members(&self, handle: &ChannelHandle, members: &[Peer]) {
        let mut channels = self.inner.channels();
        let links = channels.entry(handle.id).or_default();
        links.retain(|node, _| members.iter().any(|member| member.node == *node));
        for member in members.iter().filter(|member| member.node != self.inner.me) {
            let Ok(peer) = peer_id(&member.node) else { continue };
            let endpoints: Vec<Multiaddr> =
                member.endpoints.iter().filter_map(|text| text.parse().ok()).collect();
            match links.get(&member.node) {
                Some(link) => link.set_endpoints(endpoints),
                None => {
                    let parts = LinkParts {
                        channel: handle.clone(),
                        me: self.inner.me,
                        node: member.node,
                        peer,
                        swarm: self.inner.swarm.clone(),
                        connected: self.inner.connected.clone(),
                        control: self.inner.control.clone(),
                        room: LinkParts::inbox(),
                        traffic: Arc::clone(&self.inner.traffic),
                    };
                    links.insert(member.node, Link::start(parts, endpoints));
                }
            }
        }
    }

    /// Closes a channel's links.
    pub fn remove_channel(&self, channel: ChannelId) {
        self.inner.channels().remove(&channel);
    }

    /// Where a channel's driver sends.
    #[must_use]
    pub fn outbox(&self, channel: ChannelId) -> ChannelOutbox {
        ChannelOutbox { inner: Arc::clone(&self.inner), channel }
    }
}

impl Inner {
    fn channels(&self) -> MutexGuard<'_, HashMap<ChannelId, HashMap<NodeId, Link>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One channel's way to other nodes.
#[derive(Clone)]
pub struct ChannelOutbox {
    inner: Arc<Inner>,
    channel: ChannelId,
}

impl Outbox for ChannelOutbox {
    fn send(&mut self, to: NodeId, frame: &Arc<[u8]>) {
        let channels = self.inner.channels();
        if let Some(link) = channels.get(&self.channel).and_then(|links| links.get(&to)) {
            link.send(frame);
        }
    }

    fn reads(&self, to: NodeId) -> bool {
        let channels = self.inner.channels();
        let link = channels.get(&self.channel).and_then(|links| links.get(&to));
        link.is_some_and(Link::reads)
    }
}

/// A node's name in libp2p: the same ed25519 key.
pub fn peer_id(node: &NodeId) -> Result<PeerId, identity::DecodingError> {
    let key = identity::ed25519::PublicKey::try_from_bytes(node.as_bytes())?;
    Ok(identity::PublicKey::from(key).to_peer_id())
}
