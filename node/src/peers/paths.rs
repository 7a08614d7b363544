//! Connections that stand, for people: where they lead, and how long a round trip takes.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fairway_types::Time;
use libp2p::{PeerId, core::ConnectedPoint, swarm::ConnectionId};

use crate::driver::clock;

/// One connection to another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The other end, as a libp2p address.
    pub address: String,
    /// Whether this node dialled.
    pub dialled: bool,
    pub since: Time,
    /// What the last ping measured.
    pub round_trip: Option<Duration>,
}

/// All of them. The network's task writes, whoever asks reads.
#[derive(Debug, Default)]
pub(super) struct Paths {
    known: Mutex<BTreeMap<ConnectionId, (PeerId, Path)>>,
}

impl Paths {
    pub(super) fn opened(&self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let path = Path {
            address: endpoint.get_remote_address().to_string(),
            dialled: endpoint.is_dialer(),
            since: clock(),
            round_trip: None,
        };
        self.known().insert(id, (peer, path));
    }

    pub(super) fn closed(&self, id: ConnectionId) {
        self.known().remove(&id);
    }

    pub(super) fn measured(&self, id: ConnectionId, round_trip: Duration) {
        if let Some((_, path)) = self.known().get_mut(&id) {
            path.round_trip = Some(round_trip);
        }
    }

    /// Those to a peer, the oldest first.
    pub(super) fn to(&self, peer: &PeerId) -> Vec<Path> {
        let known = self.known();
        let to_peer = known.values().filter(|(other, _)| other == peer);
        to_peer.map(|(_, path)| path.clone()).collect()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, (PeerId, Path)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use libp2p::core::{Endpoint, transport::PortUse};

    use super::*;

    #[test]
    fn path_stands_from_its_opening_to_its_end_with_the_last_round_trip() {
        let paths = Paths::default();
        let (peer, id) = (PeerId::random(), ConnectionId::new_unchecked(1));
        let endpoint = ConnectedPoint::Dialer {
            address: "/ip4/127.0.0.1/tcp/7".parse().unwrap(),
            role_override: Endpoint::Dialer,
            port_use: PortUse::Reuse,
        };
        paths.opened(peer, id, &endpoint);
        let [path] = &paths.to(&peer)[..] else { panic!("one path") };
        assert_eq!((path.address.as_str(), path.dialled), ("/ip4/127.0.0.1/tcp/7", true));
        assert_eq!(path.round_trip, None);
        for micros in [70, 50] {
            paths.measured(id, Duration::from_micros(micros));
        }
        assert_eq!(paths.to(&peer)[0].round_trip, Some(Duration::from_micros(50)));
        assert!(paths.to(&PeerId::random()).is_empty());
        paths.closed(id);
        assert!(paths.to(&peer).is_empty());
        paths.measured(id, Duration::from_micros(1));
        assert!(paths.to(&peer).is_empty(), "what is measured late opens nothing");
    }
}
