//! Routes messages, follows the chain, and says what the chain's word makes due.

use std::{collections::BTreeSet, sync::Arc};

use fairway_types::{
    Certificate, Execute, Height, NodeId, StateKey, StateReader, Time, Transaction, View,
    chain::{ChainMember, ChainTx, ChannelRecord, Observation},
};

use super::{
    Channel, entered,
    execution::{genesis_writes, next_tick},
    log::{Tip, sum},
    output::{Effect, Event},
    quorum::is_quorum,
};
use crate::{message::Message, settlement::membership};

/// The last final thing the chain said.
#[derive(Debug, Default)]
pub struct ChainView {
    record: Option<Arc<ChannelRecord>>,
    height: Height,
    time: Time,
    unreachable: Option<String>,
}

impl ChainView {
    #[must_use]
    pub fn record(&self) -> Option<&ChannelRecord> {
        self.record.as_deref()
    }

    /// The record, for readers that keep it.
    #[must_use]
    pub fn shared_record(&self) -> Option<Arc<ChannelRecord>> {
        self.record.clone()
    }

    #[must_use]
    pub fn time(&self) -> Time {
        self.time
    }

    /// Why the chain can't be reached, if it can't.
    #[must_use]
    pub fn unreachable(&self) -> Option<&str> {
        self.unreachable.as_deref()
    }

    #[must_use]
    pub fn knows(&self, node: &NodeId) -> bool {
        self.record()
            .is_some_and(|record| record.members.iter().any(|member| member.record.node == *node))
    }

    /// Whether an epoch has named the node's member.
    #[must_use]
    pub fn counts(&self, node: &NodeId) -> bool {
        let members = self.record().map(|record| &record.members);
        let mut members = members.into_iter().flatten();
        members.any(|member| member.active && member.record.node == *node)
    }

    /// Whether the chain says the same as a transaction ordered on its word; `None` when it does
    /// not say (yet, or any more).
    #[must_use]
    pub fn confirms(&self, transaction: &Transaction) -> Option<bool> {
        let record = self.record.as_deref();
        match transaction {
            Transaction::Call(_) | Transaction::Tick => Some(true),
            // P-38: until it is active, the chain gives a member its deposit back when it asks.
            Transaction::Join(joined) => record?
                .members
                .iter()
                .filter(|member| member.active)
                .find(|member| member.record.join_sequence == joined.join_sequence)
                .map(|member| member.record == *joined),
            Transaction::Remove { account, join_sequence } => record?
                .members
                .iter()
                .any(|member| {
                    member.leaving
                        && member.record.account == *account
                        && member.record.join_sequence == *join_sequence
                })
                .then_some(true),
            Transaction::Close => (record?.closing || !record?.open).then_some(true),
            Transaction::Settled { number, paid } => {
                let settlement = &record?.settlement;
                (settlement.number == *number).then(|| settlement.paid == *paid)
            }
        }
    }

    /// Whether the certificate is signed by 2/3 of the members the chain knows: enough to believe
    /// that what it covers was checked when it was ordered.
    #[must_use]
    pub fn vouches(&self, certificate: &Certificate, newcomer: Option<NodeId>) -> bool {
        let signers = certificate.signatures.iter().map(|(node, _)| *node).collect();
        self.trusts(&signers, newcomer)
    }

    /// Whether `nodes` hold 2/3 of the weight of the members that the chain knows; of the others
    /// where one has nothing to say yet.
    #[must_use]
    pub fn trusts(&self, nodes: &BTreeSet<NodeId>, newcomer: Option<NodeId>) -> bool {
        let Some(record) = self.record() else { return false };
        let counts = |member: &&ChainMember| member.active && Some(member.record.node) != newcomer;
        let active = || record.members.iter().filter(counts);
        let part = active().filter(|member| nodes.contains(&member.record.node));
        let weight = |member: &ChainMember| member.record.weight;
        is_quorum(sum(part.map(weight)), sum(active().map(weight)))
    }
}

impl Channel {
    /// The chain as this node last saw it.
    #[must_use]
    pub fn chain(&self) -> &ChainView {
        &self.chain
    }

    pub(super) fn on_message(&mut self, from: NodeId, message: Message, vm: &impl Execute) {
        self.peers.note(&from, self.now);
        match message {
            Message::Heartbeat(heartbeat) => self.on_heartbeat(from, heartbeat),
            Message::Block(block) => self.on_block(from, block, vm),
            Message::Ack(ack) => self.on_ack(ack),
            Message::Certificate(certificate) => self.on_certificate(certificate),
            Message::Forward(call) => self.on_forward(from, call),
            Message::Bundle(bundled) => self.on_bundle(from, bundled),
            Message::Refused { call, refusal } => self.on_refused(from, call, refusal),
            Message::SyncRequest { from: height } => {
                if self.is_known(&from) {
                    self.perform(Effect::ServeBlocks { to: from, from: height });
                }
            }
            Message::Pruned { from: height } => self.on_pruned(from, height),
            Message::CheckpointRequest { above } => self.on_checkpoint_request(from, above),
            Message::Checkpoint(checkpoint) => self.on_checkpoint(from, *checkpoint),
            Message::PartRequest { height, root, prefix } => {
                self.on_part_request(from, height, root, prefix);
            }
            Message::StatePart { root, prefix, part } => self.on_part(from, root, prefix, part),
            Message::SyncBlocks(blocks) => self.on_sync_blocks(from, blocks, vm),
            Message::Proposal(proposal) => self.on_proposal(proposal),
            Message::Vote(vote) => self.on_vote(vote),
            Message::Verdict(verdict) => self.on_verdict(verdict),
            Message::ViewChange(promise) => self.on_view_change(*promise),
            Message::Recover { nonce } => self.on_recover(from, nonce),
            Message::Standing(standing) => self.on_standing(from, standing),
            Message::Report(evidence) => self.on_report(from, &evidence, vm),
        }
    }

    /// Whether the node acts for a member, in the log or on the chain.
    pub(super) fn is_known(&self, node: &NodeId) -> bool {
        self.log.tip().is_some_and(|tip| tip.members.contains_key(node))
            || self.log.is_leaver(node)
            || self.chain.knows(node)
    }

    pub(super) fn on_observation(&mut self, observation: Observation, vm: &impl Execute) {
        match observation {
            Observation::Channel { record, chain_height, chain_time, is_final } => {
                self.chain.unreachable = None;
                // P-43: readings may overtake each other.
                let outdated = chain_height < self.chain.height;
                if is_final && !outdated && record.channel == self.env.channel {
                    self.chain.height = chain_height;
                    self.on_record(*record, chain_time, vm);
                }
            }
            Observation::Missing => {}
            Observation::Unreachable { reason } => self.chain.unreachable = Some(reason),
            Observation::Accepted { tx } => self.on_accepted(&tx),
            Observation::Rejected { tx, reason } => self.on_rejected(&tx, &reason),
            Observation::Waiting { proposal } => self.on_waiting(*proposal),
            Observation::DryRun { proposal, refusal } => self.on_dry_run(&proposal, refusal),
        }
    }

    /// P-3: genesis comes from the first record that has a grant; terms from its grants, in order.
    fn on_record(&mut self, record: ChannelRecord, chain_time: Time, vm: &impl Execute) {
        let settled_before = self.settled_height();
        if self.log.genesis().is_none() && record.first_grant.is_some() {
            let writes = genesis_writes(&record, vm);
            self.record(Event::Started { record: Box::new(record.clone()), writes });
        }
        if self.log.genesis().is_some() {
            for grant in &record.grants {
                if self.log.last_epoch().is_none_or(|last| grant.epoch > last) {
                    self.record(Event::TermStarted { grant: grant.clone() });
                }
            }
        }
        self.chain.time = self.chain.time.max(chain_time);
        self.chain.record = Some(Arc::new(record));
        self.note_whether_out();
        if self.settled_height() > settled_before {
            self.on_heights();
        }
        self.follow_grants();
        self.apply_for_leadership();
        self.show_term();
    }

    /// P-4: see [`membership::should_apply`].
    fn apply_for_leadership(&mut self) {
        let vacant = self.takes_over() || self.replaces_leader();
        let gave_way = self.gave_way();
        let Some(record) = self.chain.record() else { return };
        if membership::should_apply(record, &self.me, self.chain.time, vacant, gave_way)
            && !self.has_left()
            && !self.log.is_tail_lost()
            && self.timers.may_apply(self.now)
        {
            let channel = self.env.channel;
            self.perform(Effect::Submit(ChainTx::ApplyForLeadership { channel }));
        }
    }

    /// P-7: whether the leader has left, as far as this node must know before it leads itself: the
    /// leave is final here, and this node holds all that the leader said it ordered, or has waited
    /// for it long enough.
    fn takes_over(&mut self) -> bool {
        let in_force = self.chain.record().and_then(|record| record.in_force.as_ref());
        let Some(leader) = in_force.map(|in_force| in_force.join_sequence) else { return false };
        let registered =
            |tip: &Tip| tip.members.values().any(|member| member.join_sequence == leader);
        let left = self
            .log
            .tip_at(self.log.finalised())
            .is_some_and(|tip| !registered(&tip) && tip.members.contains_key(&self.me));
        let claimed = self
            .log
            .leader()
            .and_then(|node| self.peers.heard().get(&node))
            .map_or(Height::ZERO, |heard| heard.heartbeat.head);
        let waited = self.timers.has_waited(self.now, left);
        left && (claimed <= self.log.head() || waited)
    }

    /// P-4: whether this node may ask for the place of a leader that the chain counts as valid no
    /// more: it leads a later view already, or nobody does.
    fn replaces_leader(&self) -> bool {
        let term = self.log.term();
        let leads = self.log.leader() == Some(self.me) && self.log.is_open();
        let silent = self.now >= self.changes.content_at().plus(self.env.limits.vacancy);
        let registered = self.log.tip().is_some_and(|tip| tip.members.contains_key(&self.me));
        registered && (leads && term.view > View::default() || silent)
    }

    pub(super) fn on_timeout(&mut self) {
        let limits = self.env.limits.clone();
        if self.timers.peer_heartbeat_due(self.now, limits.peer_heartbeat) {
            self.send_heartbeat();
            self.repeat_promise();
            self.ask_standings();
        }
        let open =
            self.chain.record().is_some_and(|record| record.open && self.chain.knows(&self.me));
        if open
            && !self.has_left()
            && !self.withholds_heartbeats()
            && self.timers.chain_heartbeat_due(self.now, limits.chain_heartbeat)
        {
            self.perform(Effect::Submit(ChainTx::Heartbeat { channel: self.env.channel }));
        } else {
            self.timers.chain_heartbeat_due(self.now, limits.chain_heartbeat);
        }
        self.watch_leader();
        self.watch_parts();
        self.apply_for_leadership();
        self.show_term();
        self.expire_calls();
        self.resend_calls();
    }

    /// What the leader orders on the chain's word and the clock's, in this order: settlements,
    /// joins in join sequence, removals, the close, a tick. P-7: one that left orders settlements
    /// alone, and those only until the chain has paid it, so that no block of its own crosses the
    /// next leader's.
    pub(super) fn due_transactions(&mut self, tip: &Tip) -> Vec<Transaction> {
        let mut due = Vec::new();
        if !tip.members.contains_key(&self.me) {
            let waits = self.chain.record().filter(|_| self.chain.knows(&self.me));
            return waits.and_then(|record| settled_word(record, tip)).into_iter().collect();
        }
        let closed = tip.state.read(&StateKey::Closed).is_some() || self.is_over();
        if let Some(record) = self.chain.record() {
            due.extend(settled_word(record, tip));
            if !closed {
                due.extend(membership_words(record, tip));
            }
        }
        let tick = self.next_tick(tip).is_some_and(|tick| self.now.max(tip.time) >= tick);
        due.extend((!closed && tick).then_some(Transaction::Tick));
        due
    }

    /// When the next tick is due.
    pub(super) fn next_tick(&self, tip: &Tip) -> Option<Time> {
        next_tick(&self.log.genesis()?.record.facts(), &tip.state)
    }
}

fn settled_word(record: &ChannelRecord, tip: &Tip) -> Option<Transaction> {
    let settlement = &record.settlement;
    let next = super::books::settled(&tip.state) + 1;
    (settlement.number == next && settlement.height <= tip.height)
        .then(|| Transaction::Settled { number: settlement.number, paid: settlement.paid.clone() })
}

/// P-38: only members whose deposit the chain holds for good are entered; who joined but is not
/// active may take it back.
fn membership_words(record: &ChannelRecord, tip: &Tip) -> Vec<Transaction> {
    let entered = entered::entered(&tip.state);
    let mut joins: Vec<_> = record
        .members
        .iter()
        .filter(|member| member.active)
        .filter(|member| !entered::contains(&entered, member.record.join_sequence))
        .map(|member| member.record.clone())
        .collect();
    joins.sort_by_key(|member| member.join_sequence);
    let registered = |node: &NodeId, join| {
        tip.members.get(node).is_some_and(|member| member.join_sequence == join)
    };
    let removals = record
        .members
        .iter()
        .filter(|member| member.leaving)
        .filter(|member| registered(&member.record.node, member.record.join_sequence))
        .map(|member| Transaction::Remove {
            account: member.record.account,
            join_sequence: member.record.join_sequence,
        });
    let close = record.closing.then_some(Transaction::Close);
    joins.into_iter().map(Transaction::Join).chain(removals).chain(close).collect()
}

#[cfg(test)]
mod tests {
    use fairway_state::State;
    use fairway_types::{Hash, Write, codec};

    use super::{
        super::{
            bench::{self, chain_member},
            input::Input,
        },
        *,
    };

    fn record(members: Vec<fairway_types::chain::ChainMember>) -> ChannelRecord {
        ChannelRecord { members, ..bench::record(1) }
    }

    /// A tip at which these members are registered.
    fn tip(members: &[usize]) -> Tip {
        let records = members.iter().map(|index| bench::member(*index));
        let runs = records
            .clone()
            .fold(entered::Runs::new(), |runs, member| entered::with(runs, member.join_sequence));
        let write = Write { key: StateKey::Entered, value: Some(codec::encode(&runs)) };
        Tip {
            height: Height(1),
            hash: Hash::ZERO,
            time: Time::ZERO,
            state: State::default().with_writes(&[write]),
            members: Arc::new(records.map(|member| (member.node, Arc::new(member))).collect()),
            leavers: Arc::default(),
        }
    }

    fn view(record: ChannelRecord) -> ChainView {
        ChainView { record: Some(Arc::new(record)), ..ChainView::default() }
    }

    fn join(index: usize) -> Transaction {
        Transaction::Join(bench::member(index))
    }

    /// P-13: only who was entered can be taken out and paid.
    #[test]
    fn who_is_not_active_applies_for_the_first_epoch_alone() {
        let mut record = bench::record(2);
        let (later, node) = (Time(1_016_000), bench::member(1).node);
        assert!(membership::should_apply(&record, &node, later, true, false));
        record.members[1].active = false;
        assert!(!membership::should_apply(&record, &node, later, true, false));
        record.grants.clear();
        assert!(membership::should_apply(&record, &node, later, false, false));
    }

    #[test]
    fn member_that_leaves_before_its_join_is_ordered_joins_first_and_is_removed_after() {
        let mut leaving = chain_member(1);
        leaving.leaving = true;
        let record = record(vec![chain_member(0), leaving]);
        assert_eq!(membership_words(&record, &tip(&[0])), [join(1)]);
        let joined = bench::member(1);
        let removal =
            Transaction::Remove { account: joined.account, join_sequence: joined.join_sequence };
        assert_eq!(membership_words(&record, &tip(&[0, 1])), [removal]);
    }

    #[test]
    fn members_join_in_their_order() {
        let record = record(vec![chain_member(2), chain_member(1), chain_member(0)]);
        assert_eq!(membership_words(&record, &tip(&[0])), [join(1), join(2)]);
    }

    #[test]
    fn member_that_joined_before_the_founders_enters_after_them() {
        let record = record(vec![chain_member(0), chain_member(1)]);
        assert_eq!(membership_words(&record, &tip(&[1])), [join(0)]);
    }

    /// P-38: it would be credited here and refunded there.
    #[test]
    fn member_whose_deposit_is_still_withdrawable_is_not_entered() {
        let mut pending = chain_member(1);
        pending.active = false;
        let record = record(vec![chain_member(0), pending, chain_member(2)]);
        assert_eq!(membership_words(&record, &tip(&[0])), [join(2)]);
        let view = view(record);
        assert_eq!(view.confirms(&join(1)), None);
        assert_eq!(view.confirms(&join(2)), Some(true));
    }

    /// P-43
    #[test]
    fn an_older_record_changes_nothing() {
        let mut bench = bench::Bench::new(1);
        let older = bench.observation();
        bench.record.settlement.number = 1;
        bench.observe();
        bench.input(0, Input::Chain(older));
        let settled = bench.nodes[0].chain().record().map(|record| record.settlement.number);
        assert_eq!(settled, Some(1));
    }
}
