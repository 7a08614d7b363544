//! Calls that wait for the leader to order them: in each sender's order, bounded, each once.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use fairway_types::{
    Address, Hash, NodeId, Refusal, SequenceNumber, SignedCall, Time, bundle::SignedBundle,
    call::Counter, codec,
};

use super::Limits;

/// Milliseconds after which a client may try again when the pool is full.
const RETRY_AFTER: u64 = 100;
/// How far ahead of its turn a call may come and wait.
const AHEAD: u64 = 1_024;
/// Milliseconds for which it waits: the ones before it may never come, and its sender waits too. Longer
/// than one that was refused for want of room is tried again.
const PATIENCE: u64 = 15_000;

#[derive(Debug, Clone)]
pub(super) struct Pooled {
    pub call: SignedCall,
    pub hash: Hash,
    counter: Counter,
    /// The node that forwarded it; `None` for a client of this node.
    pub from: Option<NodeId>,
    /// What stands for its signature, where members trust their own nodes (P-133).
    pub bundle: Option<Arc<SignedBundle>>,
    /// BCS bytes of the call.
    pub bytes: usize,
    /// When it came.
    since: Time,
}

impl Pooled {
    pub(super) fn new(call: SignedCall, hash: Hash, from: Option<NodeId>, since: Time) -> Self {
        let bytes = codec::size(&call);
        let counter = call.call.counter();
        Self { call, hash, counter, from, bundle: None, bytes, since }
    }

    /// The same in the bundle that it came in, if any.
    pub(super) fn with(self, bundle: Option<Arc<SignedBundle>>) -> Self {
        Self { bundle, ..self }
    }
}

/// The calls here that one bundle came with.
#[derive(Debug, Clone, Copy)]
struct Bundled {
    calls: usize,
    /// BCS bytes of the bundle itself.
    bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Pool {
    ready: VecDeque<Pooled>,
    /// Next number of who has calls in `ready`.
    next: BTreeMap<Counter, SequenceNumber>,
    early: BTreeMap<(Counter, SequenceNumber), Pooled>,
    /// What each sender has here, whichever of its keys signed.
    held: BTreeMap<Address, Held>,
    /// The bundles of these calls, by where they lie in memory.
    bundles: BTreeMap<usize, Bundled>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Held {
    all: Room,
    /// Of that, what its session keys signed.
    by_sessions: Room,
}

#[derive(Debug, Default, Clone, Copy)]
struct Room {
    calls: usize,
    bytes: usize,
}

impl Held {
    /// All that a call with this counter is a part of.
    fn rooms(&mut self, counter: Counter) -> impl Iterator<Item = &mut Room> {
        let by_sessions = counter.session.map(|_| &mut self.by_sessions);
        std::iter::once(&mut self.all).chain(by_sessions)
    }
}

impl Room {
    const fn fits(self, bytes: usize, most: Self) -> bool {
        self.calls < most.calls && self.bytes + bytes <= most.bytes
    }
}

impl Pool {
    /// Takes a call whose turn it is or will be soon. `expected` is the sender's next number in the
    /// log. P-20: bounded, with a clear answer when full.
    pub(super) fn add(
        &mut self,
        pooled: Pooled,
        expected: SequenceNumber,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let counter = pooled.counter;
        let account = counter.address();
        let actual = pooled.call.call.sequence;
        let next = self.next.get(&counter).copied().unwrap_or(expected).max(expected);
        let pooled_already = actual >= expected && actual < next;
        if pooled_already && self.holds(&pooled.hash) {
            return Ok(());
        }
        if actual < next || actual.0 - next.0 > AHEAD {
            return Err(Refusal::SequenceNumber { account, expected: next, actual });
        }
        // Whoever waits for the first one is answered once it is ordered or has expired.
        if let Some(waiting) = self.early.get(&(counter, actual)) {
            let same = waiting.hash == pooled.hash;
            return if same {
                Ok(())
            } else {
                Err(Refusal::busy("a call at this number", RETRY_AFTER))
            };
        }
        self.check_room(&pooled, limits)?;
        self.occupy(&pooled);
        self.early.insert((counter, actual), pooled);
        self.promote(counter, next);
        Ok(())
    }

    /// P-20: a sender's session keys have half of its room at most, so that who took one of them can't
    /// keep out the call that revokes it.
    fn check_room(&self, pooled: &Pooled, limits: &Limits) -> Result<(), Refusal> {
        let held = self.held.get(&pooled.call.call.sender).copied().unwrap_or_default();
        let (calls, bytes) = (limits.pool_calls_per_sender, limits.pool_bytes_per_sender);
        let taken = pooled.bytes + self.bundle_to_hold(pooled);
        let half = Room { calls: calls.div_ceil(2), bytes: bytes / 2 };
        let fits = self.len() < limits.pool_calls
            && self.bytes() + taken <= limits.pool_bytes
            && held.all.fits(taken, Room { calls, bytes })
            && (pooled.counter.session.is_none() || held.by_sessions.fits(pooled.bytes, half));
        if fits {
            return Ok(());
        }
        Err(Refusal::busy("calls waiting to be ordered", RETRY_AFTER))
    }

    /// The next call in order.
    pub(super) fn take(&mut self) -> Option<Pooled> {
        let pooled = self.ready.pop_front()?;
        let counter = pooled.counter;
        let last = self.next.get(&counter) == Some(&pooled.call.call.sequence.next());
        if last {
            self.next.remove(&counter);
        }
        self.release(&pooled);
        Some(pooled)
    }

    /// Takes out the early calls that can't be ordered in time any more, or have waited for long.
    pub(super) fn overdue(&mut self, now: Time) -> Vec<Pooled> {
        let is_over = |pooled: &Pooled| {
            pooled.call.call.expires_at < now || pooled.since.plus(PATIENCE) <= now
        };
        let over = self.early.extract_if(.., |_, pooled| is_over(pooled));
        let over: Vec<Pooled> = over.map(|(_, pooled)| pooled).collect();
        for pooled in &over {
            self.release(pooled);
        }
        over
    }

    /// Bytes of the call's bundle, if nothing else here came in it.
    fn bundle_to_hold(&self, pooled: &Pooled) -> usize {
        let bundle =
            pooled.bundle.as_ref().filter(|bundle| !self.bundles.contains_key(&place(bundle)));
        bundle.map_or(0, |bundle| codec::size(&**bundle))
    }

    /// Books a call, and its bundle with the first of its calls: a bundle's calls are all of one account.
    fn occupy(&mut self, pooled: &Pooled) {
        let held = self.held.entry(pooled.call.call.sender).or_default();
        for room in held.rooms(pooled.counter) {
            room.calls += 1;
            room.bytes += pooled.bytes;
        }
        if let Some(bundle) = &pooled.bundle {
            let bundled = self.bundles.entry(place(bundle)).or_insert_with(|| {
                let bytes = codec::size(&**bundle);
                held.all.bytes += bytes;
                Bundled { calls: 0, bytes }
            });
            bundled.calls += 1;
        }
    }

    /// Takes a call off the books, and its bundle with the last of its calls.
    fn release(&mut self, pooled: &Pooled) {
        let bundle = pooled.bundle.as_ref().map_or(0, |bundle| self.let_go(bundle));
        let sender = pooled.call.call.sender;
        let Some(held) = self.held.get_mut(&sender) else { return };
        for room in held.rooms(pooled.counter) {
            room.calls = room.calls.saturating_sub(1);
            room.bytes = room.bytes.saturating_sub(pooled.bytes);
        }
        held.all.bytes = held.all.bytes.saturating_sub(bundle);
        if held.all.calls == 0 {
            self.held.remove(&sender);
        }
    }

    /// One call of the bundle is gone: the bytes of the bundle, if it was the last.
    fn let_go(&mut self, bundle: &Arc<SignedBundle>) -> usize {
        let Some(bundled) = self.bundles.get_mut(&place(bundle)) else { return 0 };
        bundled.calls = bundled.calls.saturating_sub(1);
        if bundled.calls > 0 {
            return 0;
        }
        self.bundles.remove(&place(bundle)).map_or(0, |bundled| bundled.bytes)
    }

    /// BCS bytes of all calls and their bundles.
    #[must_use]
    pub(super) fn bytes(&self) -> usize {
        self.held.values().map(|held| held.all.bytes).sum()
    }

    /// Calls that can be ordered now.
    #[must_use]
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.ready.len() + self.early.len()
    }

    /// Empties the pool, in order.
    pub(super) fn drain(&mut self) -> Vec<Pooled> {
        self.next.clear();
        self.held.clear();
        self.bundles.clear();
        let early = std::mem::take(&mut self.early);
        self.ready.drain(..).chain(early.into_values()).collect()
    }

    /// Whether the call waits here.
    pub(super) fn has(&self, call: &SignedCall, hash: &Hash) -> bool {
        self.is_early(call, hash) || self.holds(hash)
    }

    /// Whether the call waits for its turn.
    pub(super) fn is_early(&self, call: &SignedCall, hash: &Hash) -> bool {
        let early = self.early.get(&(call.call.counter(), call.call.sequence));
        early.is_some_and(|pooled| pooled.hash == *hash)
    }

    fn holds(&self, hash: &Hash) -> bool {
        self.ready.iter().any(|pooled| pooled.hash == *hash)
    }

    fn promote(&mut self, counter: Counter, mut next: SequenceNumber) {
        while let Some(pooled) = self.early.remove(&(counter, next)) {
            self.ready.push_back(pooled);
            next = next.next();
            self.next.insert(counter, next);
        }
    }
}

/// Where a bundle lies, which tells it from others as long as a call of it waits.
fn place(bundle: &Arc<SignedBundle>) -> usize {
    Arc::as_ptr(bundle).addr()
}

#[cfg(test)]
mod tests {
    use fairway_types::{Call, ChainId, ChannelId, Gas, Keypair, Operation};

    use super::*;

    fn pooled(seed: u8, sequence: u64) -> Pooled {
        let keypair = Keypair::from_seed(&[seed; 32]);
        let call = Call {
            chain: ChainId(1),
            channel: ChannelId::ZERO,
            sender: keypair.address(),
            sequence: SequenceNumber(sequence),
            operation: Operation::Leave,
            gas_limit: Gas(0),
            expires_at: Time::ZERO,
        };
        let call = SignedCall { signature: keypair.sign(&call), key: keypair.public(), call };
        let hash = call.hash();
        Pooled::new(call, hash, None, Time::ZERO)
    }

    fn add(pool: &mut Pool, seed: u8, sequence: u64, expected: u64) -> Result<(), Refusal> {
        pool.add(pooled(seed, sequence), SequenceNumber(expected), &Limits::default())
    }

    fn order(pool: &mut Pool) -> Vec<u64> {
        std::iter::from_fn(|| pool.take()).map(|pooled| pooled.call.call.sequence.0).collect()
    }

    #[test]
    fn early_calls_wait_for_their_turn() {
        let mut pool = Pool::default();
        assert!(add(&mut pool, 1, 2, 0).is_ok());
        assert!(add(&mut pool, 1, 1, 0).is_ok());
        assert!(pool.take().is_none());
        assert!(add(&mut pool, 1, 0, 0).is_ok());
        assert_eq!(order(&mut pool), [0, 1, 2]);
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn used_and_far_numbers_are_refused_with_the_expected_one() {
        let mut pool = Pool::default();
        let refusal = add(&mut pool, 1, 3, 5).unwrap_err();
        assert!(matches!(
            refusal,
            Refusal::SequenceNumber { expected: SequenceNumber(5), actual: SequenceNumber(3), .. }
        ));
        assert!(add(&mut pool, 1, 5 + AHEAD + 1, 5).is_err());
    }

    #[test]
    fn same_call_twice_is_kept_once() {
        let mut pool = Pool::default();
        assert!(add(&mut pool, 1, 0, 0).is_ok());
        assert!(add(&mut pool, 1, 0, 0).is_ok());
        assert_eq!(order(&mut pool), [0]);
    }

    #[test]
    fn full_pool_says_when_to_retry() {
        let mut pool = Pool::default();
        let limits = Limits { pool_calls: 2, ..Limits::default() };
        for sequence in 0..2 {
            assert!(pool.add(pooled(1, sequence), SequenceNumber(0), &limits).is_ok());
        }
        let refusal = pool.add(pooled(1, 2), SequenceNumber(0), &limits).unwrap_err();
        assert_eq!(refusal, Refusal::busy("calls waiting to be ordered", RETRY_AFTER));
    }

    #[test]
    fn large_calls_fill_the_pool_by_their_bytes_and_one_sender_a_part_of_it() {
        let mut pool = Pool::default();
        let size = pooled(1, 0).bytes;
        let (pool_bytes, pool_bytes_per_sender) = (3 * size, 2 * size);
        let limits = Limits { pool_bytes, pool_bytes_per_sender, ..Limits::default() };
        let add = |pool: &mut Pool, seed, sequence| {
            pool.add(pooled(seed, sequence), SequenceNumber(0), &limits).is_ok()
        };
        assert!(add(&mut pool, 1, 0) && add(&mut pool, 1, 1));
        assert!(!add(&mut pool, 1, 2), "two of one sender fit");
        assert!(add(&mut pool, 2, 0));
        assert!(!add(&mut pool, 3, 0), "three fit");
        assert_eq!(order(&mut pool).len(), 3);
        assert_eq!(pool.bytes(), 0);
        assert!(add(&mut pool, 3, 5));
        assert_eq!(pool.overdue(Time(1)).len(), 1);
        assert_eq!(pool.bytes(), 0);
    }

    /// P-20: who took a session key can't keep out the call that revokes it.
    #[test]
    fn session_keys_have_half_of_their_accounts_room() {
        let by_session = |sequence| {
            let mut pooled = pooled(1, sequence);
            pooled.counter.session = Some(Keypair::from_seed(&[9; 32]).public());
            pooled.hash = Hash([u8::try_from(sequence).unwrap_or_default(); 32]);
            pooled
        };
        let size = pooled(1, 0).bytes;
        let mut pool = Pool::default();
        for limits in [
            Limits { pool_calls_per_sender: 4, ..Limits::default() },
            Limits { pool_bytes_per_sender: 4 * size, ..Limits::default() },
        ] {
            let add =
                |pool: &mut Pool, pooled| pool.add(pooled, SequenceNumber(0), &limits).is_ok();
            assert!(add(&mut pool, by_session(1)) && add(&mut pool, by_session(2)));
            assert!(!add(&mut pool, by_session(3)), "half of the room");
            assert!(add(&mut pool, pooled(1, 0)) && add(&mut pool, pooled(1, 1)));
            assert!(!add(&mut pool, pooled(1, 2)), "all of it");
            assert_eq!(pool.overdue(Time(PATIENCE)).len(), 2);
            assert_eq!(order(&mut pool), [0, 1]);
            assert!(pool.held.is_empty());
        }
    }

    #[test]
    fn another_call_at_a_waiting_number_is_refused() {
        let mut pool = Pool::default();
        assert!(add(&mut pool, 1, 2, 0).is_ok());
        assert!(add(&mut pool, 1, 2, 0).is_ok(), "the same call again");
        let mut other = pooled(1, 2);
        other.hash = Hash([7; 32]);
        let refusal = pool.add(other, SequenceNumber(0), &Limits::default()).unwrap_err();
        assert!(refusal.is_transient());
        assert_eq!(pool.len(), 1);
    }

    /// P-20: nobody knows whether the one before it comes.
    #[test]
    fn early_call_waits_a_while_for_the_ones_before_it() {
        let mut pool = Pool::default();
        let mut early = pooled(1, 1);
        early.call.call.expires_at = Time(60_000);
        assert!(pool.add(early, SequenceNumber(0), &Limits::default()).is_ok());
        assert_eq!(pool.overdue(Time(PATIENCE - 1)).len(), 0);
        assert_eq!(pool.overdue(Time(PATIENCE)).len(), 1);
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn expired_early_calls_make_room() {
        let mut pool = Pool::default();
        assert!(add(&mut pool, 1, 2, 0).is_ok());
        assert_eq!(pool.overdue(Time::ZERO).len(), 0);
        assert_eq!(pool.overdue(Time(1)).len(), 1);
        assert_eq!(pool.len(), 0);
    }
}
