//! Hands out parts of states, off the channel's thread: encoding half a megabyte takes longer than
//! executing a call. One worker a channel at a time, a bounded queue, and a bounded number of
//! states that are kept for those who take them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use fairway_proto::sync;
use fairway_state::{
    State,
    parts::{Listing, Prefix},
};
use fairway_types::{Hash, NodeId};
use tokio::runtime::Handle;

use crate::driver::Outbox;

/// Requests waiting, and those of one peer; more are dropped, and asked again by who needs them.
const QUEUE: usize = 64;
const QUEUE_PER_PEER: usize = 8;
/// States handed out at a time.
const STATES: usize = 2;
/// How long a state is kept after the last request for it.
const KEEP: Duration = Duration::from_secs(10);

/// One channel's side that serves.
pub(crate) struct PartServer<O> {
    shared: Arc<Mutex<Shared>>,
    peers: O,
}

#[derive(Default)]
struct Shared {
    queue: VecDeque<Request>,
    busy: bool,
    states: Vec<Kept>,
}

/// A state that somebody takes; listed by the worker, once.
struct Kept {
    root: Hash,
    state: State,
    listing: Option<Arc<Listing>>,
    asked_at: Instant,
}

struct Request {
    to: NodeId,
    root: Hash,
    prefix: Prefix,
}

impl<O: Outbox + Clone> PartServer<O> {
    pub(crate) fn new(peers: O) -> Self {
        Self { shared: Arc::default(), peers }
    }

    /// Whether the state with this root is kept.
    pub(crate) fn has(&self, root: &Hash) -> bool {
        lock(&self.shared).states.iter().any(|kept| kept.root == *root)
    }

    /// Keeps a state as long as parts of it are asked for, if there is room.
    pub(crate) fn keep(&self, root: Hash, state: State) {
        let mut shared = lock(&self.shared);
        shared.tidy();
        if shared.states.len() < STATES {
            shared.states.push(Kept { root, state, listing: None, asked_at: Instant::now() });
        }
    }

    /// Answers a request, in its turn.
    pub(crate) fn serve(&self, runtime: &Handle, to: NodeId, root: Hash, prefix: Prefix) {
        let mut shared = lock(&self.shared);
        let of_peer = shared.queue.iter().filter(|request| request.to == to).count();
        if shared.queue.len() >= QUEUE || of_peer >= QUEUE_PER_PEER {
            return;
        }
        shared.queue.push_back(Request { to, root, prefix });
        if !std::mem::replace(&mut shared.busy, true) {
            let (shared, peers) = (Arc::clone(&self.shared), self.peers.clone());
            runtime.spawn_blocking(move || work(&shared, peers));
        }
    }

    /// Lets go of states that nobody takes any more.
    pub(crate) fn tidy(&self) {
        lock(&self.shared).tidy();
    }
}

impl Shared {
    fn tidy(&mut self) {
        self.states.retain(|kept| kept.asked_at.elapsed() < KEEP);
    }

    /// The next request; without one the worker ends.
    fn next(&mut self) -> Option<Request> {
        let next = self.queue.pop_front();
        self.busy = next.is_some();
        next
    }

    fn find(&mut self, root: &Hash) -> Option<&mut Kept> {
        let kept = self.states.iter_mut().find(|kept| kept.root == *root)?;
        kept.asked_at = Instant::now();
        Some(kept)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(shared: &Mutex<Shared>, mut peers: impl Outbox) {
    loop {
        let Some(Request { to, root, prefix }) = lock(shared).next() else { return };
        if !peers.reads(to) {
            continue;
        }
        let listing = listing(shared, &root);
        let frame = sync::part(root, prefix, listing.as_deref());
        peers.send(to, &frame.into());
    }
}

fn listing(shared: &Mutex<Shared>, root: &Hash) -> Option<Arc<Listing>> {
    let state = match lock(shared).find(root)? {
        Kept { listing: Some(listing), .. } => return Some(Arc::clone(listing)),
        Kept { state, .. } => state.clone(),
    };
    let listing = Arc::new(Listing::of(&state));
    if let Some(kept) = lock(shared).find(root) {
        kept.listing = Some(Arc::clone(&listing));
    }
    Some(listing)
}
