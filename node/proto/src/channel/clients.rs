//! Clients' calls: on their way to the leader, and waiting for the status they asked for.

mod hardening;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use fairway_types::{
    Call, Hash, Height, NodeId, Refusal, SignedCall, Time, bundle::SignedBundle, codec, limits,
};

use self::hardening::{Hardened, Hardening};
use super::{
    Channel,
    execution::{check_place, member, next_sequence},
    input::{Request, RequestId},
    log::Log,
    output::{CallPlaces, CallReport, CallStatus, Effect, Reply, call_places},
    pool::Pooled,
    sessions,
};
#[cfg(feature = "known-bugs")]
use crate::known_bugs::KnownBug;
use crate::message::Message;

/// Executed calls whose place is remembered, so that a repeated request is answered.
pub(super) const REMEMBERED_CALLS: usize = 100_000;
/// Milliseconds after which a client may try again when too many wait.
const RETRY_AFTER: u64 = 100;

#[derive(Debug, Default)]
pub(super) struct Clients {
    waiting: BTreeMap<Hash, Vec<(RequestId, CallStatus)>>,
    waiting_count: usize,
    on_the_way: OnTheWay,
    /// Executed calls that somebody still waits for.
    hardening: Hardening,
    places: BTreeMap<Hash, (Height, u32)>,
    order: VecDeque<Hash>,
}

/// Calls that the leader has and this node has not seen in a block.
#[derive(Debug, Default)]
struct OnTheWay {
    calls: BTreeMap<Hash, (SignedCall, usize)>,
    bytes: usize,
}

impl OnTheWay {
    fn insert(&mut self, hash: Hash, call: SignedCall) {
        let size = codec::size(&call);
        self.remove(&hash);
        self.bytes += size;
        self.calls.insert(hash, (call, size));
    }

    fn remove(&mut self, hash: &Hash) -> Option<SignedCall> {
        let (call, size) = self.calls.remove(hash)?;
        self.bytes -= size;
        Some(call)
    }

    fn iter(&self) -> impl Iterator<Item = (&Hash, &SignedCall)> {
        self.calls.iter().map(|(hash, (call, _))| (hash, call))
    }
}

impl Clients {
    #[must_use]
    pub(super) fn place(&self, call: &Hash) -> Option<(Height, u32)> {
        #[cfg(feature = "known-bugs")]
        if KnownBug::ForgottenNonce.is_back() {
            return None;
        }
        self.places.get(call).copied()
    }

    /// P-37: after a restart a node knows the calls that its log has in memory.
    #[must_use]
    pub(super) fn resume(log: &Log) -> Self {
        let mut clients = Self::default();
        for entry in log.entries_from(Height::ZERO) {
            for (index, hash) in call_places(&entry.block).iter() {
                clients.remember(*hash, (entry.block.height(), *index));
            }
        }
        clients
    }

    /// Waiting requests, calls on their way, calls whose place is remembered.
    #[must_use]
    pub(super) fn size(&self) -> (usize, usize, usize) {
        let waiting = self.waiting_count.max(self.hardening.len());
        (waiting, self.on_the_way.calls.len(), self.order.len().max(self.places.len()))
    }

    pub(super) fn remember(&mut self, call: Hash, place: (Height, u32)) {
        if self.places.insert(call, place).is_none() {
            self.order.push_back(call);
        }
        while self.order.len() > REMEMBERED_CALLS {
            if let Some(oldest) = self.order.pop_front() {
                self.places.remove(&oldest);
            }
        }
    }
}

impl Channel {
    pub(super) fn on_request(&mut self, id: RequestId, request: Request) {
        match request {
            Request::Call { call, wait } => {
                if let Err(refusal) = self.take_call(id, call.into_inner(), wait) {
                    self.perform(Effect::Reply { id, result: Err(refusal) });
                }
            }
            Request::ProposeSettlement => self.on_propose(id),
            Request::Guard { account } => {
                let result = self.guard_of(account).map(|guard| Reply::Guard(Box::new(guard)));
                self.perform(Effect::Reply { id, result });
            }
        }
    }

    fn take_call(
        &mut self,
        id: RequestId,
        call: SignedCall,
        wait: CallStatus,
    ) -> Result<(), Refusal> {
        let hash = call.hash();
        if let Some((height, index)) = self.clients.place(&hash) {
            let status = self.status_at(height);
            if wait <= status {
                let result = self.call_report(hash, height, index, status);
                self.perform(Effect::Reply { id, result });
                return Ok(());
            }
            self.wait_for(id, hash, wait)?;
            self.clients.hardening.insert(height, status, (index, hash));
            return Ok(());
        }
        self.check_call(&call)?;
        self.check_quorum().or_else(|refusal| match self.is_under_way(&call, &hash) {
            true => Ok(()),
            false => Err(refusal),
        })?;
        self.wait_for(id, hash, wait)?;
        let result = self.pass_on(call, hash);
        if result.is_err() {
            self.leave_waiting(id, &hash);
        }
        result
    }

    /// P-79: whether the call was taken before and may still be ordered: who asks for it again waits.
    fn is_under_way(&self, call: &SignedCall, hash: &Hash) -> bool {
        self.clients.on_the_way.calls.contains_key(hash) || self.pool.has(call, hash)
    }

    /// P-20: who is gone takes no room. What was ordered stays ordered.
    pub(super) fn forget_requests(&mut self, gone: &BTreeSet<RequestId>) {
        self.clients.waiting.retain(|_, waiters| {
            waiters.retain(|(id, _)| !gone.contains(id));
            !waiters.is_empty()
        });
        self.clients.waiting_count = self.clients.waiting.values().map(Vec::len).sum();
        let waiting = &self.clients.waiting;
        self.clients.hardening.retain(|call| waiting.contains_key(call));
        self.settling.forget_requests(gone);
    }

    /// The request waits no more; others for the same call go on.
    fn leave_waiting(&mut self, id: RequestId, hash: &Hash) {
        let mut waiters = self.stop_waiting(hash);
        waiters.retain(|(waiter, _)| *waiter != id);
        if !waiters.is_empty() {
            self.clients.waiting_count += waiters.len();
            self.clients.waiting.insert(*hash, waiters);
        }
    }

    /// Orders the call here, or sends it to the leader.
    fn pass_on(&mut self, call: SignedCall, hash: Hash) -> Result<(), Refusal> {
        if self.leads() {
            let expected = self.expected_sequence(&call);
            return self.pool.add(
                Pooled::new(call, hash, None, self.now),
                expected,
                &self.env.limits,
            );
        }
        let Some(leader) = self.log.leader() else {
            return Err(Refusal::NoLeader { reason: "no epoch was granted".into() });
        };
        if self.log.evidence().is_some() {
            return Err(Refusal::NoLeader { reason: "this node reported the leader".into() });
        }
        let travels = self.clients.on_the_way.calls.contains_key(&hash);
        if !travels && self.clients.on_the_way.bytes >= self.env.limits.on_the_way_bytes {
            return Err(Refusal::busy("calls on their way to the leader", RETRY_AFTER));
        }
        self.clients.on_the_way.insert(hash, call.clone());
        self.send_call(leader, call);
        Ok(())
    }

    /// P-79: a node that hears too few takes no calls: they would wait for nobody knows how long.
    fn check_quorum(&self) -> Result<(), Refusal> {
        match self.lacking_quorum() {
            None => Ok(()),
            Some((heard, of)) => {
                let reason = format!("this node hears members of weight {heard} of {of}");
                Err(Refusal::NoLeader { reason })
            }
        }
    }

    pub(super) fn expected_sequence(&self, call: &SignedCall) -> fairway_types::SequenceNumber {
        #[cfg(feature = "known-bugs")]
        if KnownBug::ForgottenNonce.is_back() && self.log.term().view.0 > 0 {
            return call.call.sequence;
        }
        self.log
            .tip()
            .map_or_else(Default::default, |tip| next_sequence(&tip.state, call.call.counter()))
    }

    /// P-37: what every node can refuse at once, before the leader sees it.
    pub(super) fn check_call(&self, call: &SignedCall) -> Result<(), Refusal> {
        let (Some(genesis), Some(tip)) = (self.log.genesis(), self.log.tip()) else {
            return Err(Refusal::NotReady {
                what: "channel".into(),
                reason: "its first epoch was not granted yet".into(),
            });
        };
        check_place(&genesis.record.facts(), call)?;
        if self.is_over() {
            return Err(Refusal::Closed);
        }
        if member(&tip.state, call.call.sender).is_none() {
            return Err(Refusal::NotAMember { account: call.call.sender });
        }
        if call.call.expires_at < self.now {
            return Err(Refusal::Expired { expires_at: call.call.expires_at, now: self.now });
        }
        // The block that orders it may be a little later than this node's clock.
        if call.call.expires_at > self.now.plus(limits::CALL_LIFETIME + limits::TIME_DRIFT) {
            let reason = format!("at most {} ms ahead", limits::CALL_LIFETIME);
            return Err(Refusal::invalid("expires_at", reason));
        }
        let counter = call.call.counter();
        let expected = next_sequence(&tip.state, counter);
        #[cfg(feature = "known-bugs")]
        if KnownBug::ForgottenNonce.is_back() {
            return Ok(());
        }
        if call.call.sequence < expected {
            return Err(Refusal::SequenceNumber {
                account: counter.address(),
                expected,
                actual: call.call.sequence,
            });
        }
        sessions::check(&tip.state, &call.call, self.now)
    }

    /// The leader's side of a forwarded call.
    pub(super) fn on_forward(&mut self, from: NodeId, call: SignedCall) {
        self.take_forwarded(from, call, None);
    }

    /// The same for a call that came in a bundle.
    pub(super) fn take_forwarded(
        &mut self,
        from: NodeId,
        call: SignedCall,
        bundle: Option<Arc<SignedBundle>>,
    ) {
        let hash = call.hash();
        if self.clients.place(&hash).is_some() {
            return;
        }
        // Nodes send again what waits here: nothing of it is looked at twice.
        if self.leads() && self.pool.is_early(&call, &hash) {
            return;
        }
        let result = self.check_call(&call).and_then(|()| {
            if !self.leads() {
                return Err(Refusal::NoLeader { reason: "this node does not lead".into() });
            }
            let expected = self.expected_sequence(&call);
            let pooled = Pooled::new(call, hash, Some(from), self.now).with(bundle);
            self.pool.add(pooled, expected, &self.env.limits)
        });
        if let Err(refusal) = result {
            self.refuse_call(Some(from), hash, refusal);
        }
    }

    /// The leader's no reaches whoever asked.
    pub(super) fn on_refused(&mut self, from: NodeId, call: Hash, refusal: Refusal) {
        let busy = matches!(refusal, Refusal::Busy { .. });
        if self.log.leader() == Some(from) && (busy || !refusal.is_transient()) {
            let numbered = matches!(refusal, Refusal::SequenceNumber { .. });
            let refused = self.clients.on_the_way.calls.get(&call).filter(|_| numbered);
            if refused.is_some_and(|(call, _)| self.is_due(call)) {
                self.changes.note_refused(self.log.head());
            }
            self.fail_waiting(&call, &refusal);
        }
    }

    pub(super) fn refuse_call(&mut self, from: Option<NodeId>, call: Hash, refusal: Refusal) {
        match from {
            Some(node) => {
                let message = Message::Refused { call, refusal };
                self.perform(Effect::Send { to: node, message });
            }
            None => self.fail_waiting(&call, &refusal),
        }
    }

    fn wait_for(&mut self, id: RequestId, hash: Hash, wait: CallStatus) -> Result<(), Refusal> {
        if self.clients.waiting_count >= self.env.limits.waiting_requests {
            return Err(Refusal::busy("requests waiting for a status", RETRY_AFTER));
        }
        self.clients.waiting.entry(hash).or_default().push((id, wait));
        self.clients.waiting_count += 1;
        Ok(())
    }

    fn stop_waiting(&mut self, hash: &Hash) -> Vec<(RequestId, CallStatus)> {
        let waiters = self.clients.waiting.remove(hash).unwrap_or_default();
        self.clients.waiting_count = self.clients.waiting_count.saturating_sub(waiters.len());
        waiters
    }

    fn fail_waiting(&mut self, hash: &Hash, refusal: &Refusal) {
        self.clients.on_the_way.remove(hash);
        for (id, _) in self.stop_waiting(hash) {
            self.perform(Effect::Reply { id, result: Err(refusal.clone()) });
        }
    }

    /// Calls of an appended block have their place; whoever waited for that hears of it.
    pub(super) fn answer_executed(&mut self, height: Height, calls: &CallPlaces) {
        let status = self.status_at(height);
        for (index, hash) in calls.iter().copied() {
            self.clients.remember(hash, (height, index));
            if self.clients.on_the_way.remove(&hash).is_some() {
                self.note_served();
            }
            self.answer_call(hash, height, index, status);
        }
    }

    /// P-70: whether the leader could order a call of this node's clients: its number is next.
    pub(super) fn has_due_call(&self) -> bool {
        let Some(tip) = self.log.tip() else { return false };
        // A session's number is read out of all that its account delegated: once for all its calls.
        let mut next = BTreeMap::new();
        let mut is_next = |call: &Call| {
            let counter = call.counter();
            let next = next.entry(counter).or_insert_with(|| next_sequence(&tip.state, counter));
            call.sequence == *next
        };
        self.clients.on_the_way.iter().any(|(_, call)| is_next(&call.call) && self.is_due(call))
    }

    /// Whether the leader could order the call, by this node's log.
    fn is_due(&self, signed: &SignedCall) -> bool {
        let Some(tip) = self.log.tip() else { return false };
        let call = &signed.call;
        let orders = self.log.leader().is_some_and(|leader| tip.members.contains_key(&leader));
        orders
            && !self.is_over()
            && call.expires_at >= self.now
            && call.sequence == next_sequence(&tip.state, call.counter())
            && member(&tip.state, call.sender).is_some()
            && sessions::check(&tip.state, call, self.now).is_ok()
    }

    /// The log passed over the blocks above `from`: where the calls in them are, this node can't say,
    /// nor what it waits for of those it has shown since.
    pub(super) fn fail_passed_over(&mut self, from: Height) {
        let Some(tip) = self.log.tip() else { return };
        let passed =
            |call: &SignedCall| call.call.sequence < next_sequence(&tip.state, call.call.counter());
        let on_the_way = self.clients.on_the_way.iter().filter(|(_, call)| passed(call));
        let mut hashes: Vec<Hash> = on_the_way.map(|(hash, _)| *hash).collect();
        hashes.extend(self.clients.hardening.drain());
        let reason = format!("this node took a snapshot in place of the blocks after {from}");
        let refusal = Refusal::NotReady { what: "the call's result".into(), reason };
        for hash in hashes {
            self.fail_waiting(&hash, &refusal);
        }
    }

    pub(super) fn answer_hardened(&mut self) {
        if self.clients.hardening.is_empty() {
            return;
        }
        let mut hardening = std::mem::take(&mut self.clients.hardening);
        let hardened = hardening.take_hardened(|height| self.status_at(height));
        self.clients.hardening = hardening;
        for Hardened { height, status, calls } in hardened {
            for (index, hash) in calls {
                self.answer_call(hash, height, index, status);
            }
        }
    }

    /// Answers those of one call's waiters who waited for no more than `status`.
    fn answer_call(&mut self, hash: Hash, height: Height, index: u32, status: CallStatus) {
        let (answered, left): (Vec<_>, Vec<_>) =
            self.stop_waiting(&hash).into_iter().partition(|(_, wait)| *wait <= status);
        for (id, _) in answered {
            let result = self.call_report(hash, height, index, status);
            self.perform(Effect::Reply { id, result });
        }
        if !left.is_empty() {
            self.clients.waiting_count += left.len();
            self.clients.waiting.insert(hash, left);
            self.clients.hardening.insert(height, status, (index, hash));
        }
    }

    /// What a call did, while its block is in memory.
    fn call_report(
        &self,
        call: Hash,
        height: Height,
        index: u32,
        status: CallStatus,
    ) -> Result<Reply, Refusal> {
        let effects = self.log.entry(height).and_then(|entry| entry.effects.get(index as usize));
        let Some(effects) = effects.cloned() else {
            return Err(Refusal::not_found(format!("block {height} in memory")));
        };
        Ok(Reply::Call(Box::new(CallReport { call, height, index, status, effects })))
    }

    /// How far a block at `height` has come. What the chain settled at a height that is not final
    /// here may be another block.
    #[must_use]
    pub fn status_at(&self, height: Height) -> CallStatus {
        if height <= self.settled_here() {
            CallStatus::Settled
        } else if height <= self.log.finalised() {
            CallStatus::Final
        } else if height <= self.log.certified() {
            CallStatus::Certified
        } else {
            CallStatus::Executed
        }
    }

    /// Answers the calls whose turn did not come in time.
    pub(super) fn expire_calls(&mut self) {
        let now = self.now;
        for pooled in self.pool.overdue(now) {
            let (account, expires_at) =
                (pooled.call.call.counter().address(), pooled.call.call.expires_at);
            let (expected, actual) =
                (self.expected_sequence(&pooled.call), pooled.call.call.sequence);
            let refusal = match expires_at < now {
                true => Refusal::Expired { expires_at, now },
                false => Refusal::SequenceNumber { account, expected, actual },
            };
            self.refuse_call(pooled.from, pooled.hash, refusal);
        }
    }

    /// Sends calls again that were not seen in the log, and gives up on expired ones.
    pub(super) fn resend_calls(&mut self) {
        if self.clients.on_the_way.calls.is_empty()
            || !self.timers.may_resend(self.now, self.env.limits.resend)
        {
            return;
        }
        let now = self.now;
        let expired: Vec<(Hash, Time)> = self
            .clients
            .on_the_way
            .iter()
            .filter(|(_, call)| call.call.expires_at < now)
            .map(|(hash, call)| (*hash, call.call.expires_at))
            .collect();
        for (hash, expires_at) in expired {
            self.fail_waiting(&hash, &Refusal::Expired { expires_at, now });
        }
        let Some(leader) = self.log.leader().filter(|leader| *leader != self.me) else { return };
        let calls = self.clients.on_the_way.iter().map(|(_, call)| call.clone());
        let calls: Vec<SignedCall> = calls.collect();
        for call in calls {
            self.send_call(leader, call);
        }
    }

    /// P-78: calls of blocks that were taken back go their way again: to whoever leads, until they
    /// are ordered or expire. Their numbers let none run twice.
    pub(super) fn forget_calls(&mut self, calls: Vec<(SignedCall, bool)>) {
        let head = self.log.head();
        self.clients.hardening.forget_above(head);
        for (call, goes_on) in calls {
            let hash = call.hash();
            self.clients.places.remove(&hash);
            if goes_on {
                self.clients.on_the_way.insert(hash, call);
            }
        }
        self.clients.order.retain(|hash| self.clients.places.contains_key(hash));
        self.timers.resend_now();
    }

    /// A node that leads orders what it would have sent to the leader.
    pub(super) fn take_own_calls(&mut self) {
        for (hash, (call, _)) in std::mem::take(&mut self.clients.on_the_way).calls {
            if let Err(refusal) = self.pass_on(call, hash) {
                self.fail_waiting(&hash, &refusal);
            }
        }
    }

    /// A node that stopped leading hands the calls of its own clients to the leader.
    pub(super) fn forward_pool(&mut self) {
        if self.pool.len() == 0 {
            return;
        }
        for pooled in self.pool.drain() {
            if pooled.from.is_some() {
                continue;
            }
            let hash = pooled.hash;
            if let Err(refusal) = self.pass_on(pooled.call, hash) {
                self.fail_waiting(&hash, &refusal);
            }
        }
    }
}

#[cfg(test)]
mod tests;
