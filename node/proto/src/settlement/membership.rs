//! Heartbeats, validity and leadership, as the contract judges them.

use std::collections::BTreeMap;

use fairway_types::{
    Address, JoinSequence, NodeId, ShownPromise, Term, Time, View, Weight,
    chain::{ChainMember, ChannelRecord, EpochGrant, TermRecord},
    limits::HEARTBEAT_VALIDITY,
};

use crate::channel::{log::sum, quorum::is_quorum};

/// P-6: a member is valid while its last heartbeat is at most 15 s old on the chain's clock, and the
/// chain lets it be.
#[must_use]
pub fn is_valid(member: &ChainMember, chain_time: Time) -> bool {
    member.eligible && is_fresh(member, chain_time)
}

/// Whether its last heartbeat is at most 15 s old, convicted or not.
#[must_use]
pub fn is_fresh(member: &ChainMember, chain_time: Time) -> bool {
    member.last_heartbeat > Time::ZERO
        && chain_time.since(member.last_heartbeat) <= HEARTBEAT_VALIDITY
}

/// Join sequences of the members that are valid now, ascending.
#[must_use]
pub fn valid_now(record: &ChannelRecord, chain_time: Time) -> Vec<JoinSequence> {
    let mut valid: Vec<_> = record
        .members
        .iter()
        .filter(|member| is_valid(member, chain_time))
        .map(|member| member.record.join_sequence)
        .collect();
    valid.sort();
    valid
}

/// The grant in force.
#[must_use]
pub fn grant(record: &ChannelRecord) -> Option<&EpochGrant> {
    record.grants.last()
}

/// P-71: join sequence of the member whose turn it is to lead a view of the epoch: the one to which
/// it was granted, then the valid ones that come after it in join order.
#[must_use]
pub fn leader_in_turn(grant: &EpochGrant, view: View) -> Option<JoinSequence> {
    if view == View::default() {
        return Some(grant.join_sequence);
    }
    let valid = &grant.valid;
    let first = valid.iter().position(|sequence| *sequence == grant.join_sequence);
    let turns = view.0.checked_rem(valid.len() as u64)?;
    let place = first.unwrap_or_default() + usize::try_from(turns).ok()?;
    valid.get(place % valid.len()).copied()
}

/// What the record says of the term in force once a grant or a view of it is known.
#[must_use]
pub fn term_record(record: &ChannelRecord, grant: &EpochGrant, view: View) -> Option<TermRecord> {
    let join_sequence = leader_in_turn(grant, view)?;
    let mut members = record.members.iter();
    let member = members.find(|member| member.record.join_sequence == join_sequence);
    let leader = member.map_or(Address::ZERO, |member| member.record.account);
    Some(TermRecord { term: Term { epoch: grant.epoch, view }, leader, join_sequence })
}

/// P-4: a member's node applies for leadership when the channel has no leader; the leader's when the
/// recorded valid set no longer matches the heartbeats, unless it `gave_way` to a later view that the
/// chain does not know; and anybody's once the leader's place is `vacant`, as far as this node knows,
/// and the chain counts it as valid no more. Who is not active yet applies for the first epoch alone.
#[must_use]
pub fn should_apply(
    record: &ChannelRecord,
    me: &NodeId,
    chain_time: Time,
    vacant: bool,
    gave_way: bool,
) -> bool {
    let Some(member) = record.members.iter().find(|member| member.record.node == *me) else {
        return false;
    };
    if !record.open {
        return false;
    }
    let (Some(grant), Some(in_force)) = (grant(record), &record.in_force) else { return true };
    if !member.active {
        return false;
    }
    let leads = |member: &&ChainMember| member.record.join_sequence == in_force.join_sequence;
    if leads(&member) {
        return !gave_way && grant.valid != valid_now(record, chain_time);
    }
    let leader = record.members.iter().find(leads);
    vacant && leader.is_none_or(|leader| !is_valid(leader, chain_time))
}

/// P-47: whose promises show a later view of the epoch in force, and what each weighs: the active
/// members; where those valid in the epoch are no two thirds of them, these alone.
fn openers(record: &ChannelRecord) -> BTreeMap<NodeId, Weight> {
    let active = || record.members.iter().filter(|member| member.active);
    let valid = |member: &&ChainMember| {
        grant(record).is_some_and(|grant| grant.valid.contains(&member.record.join_sequence))
    };
    let weight = |member: &ChainMember| member.record.weight;
    let part = sum(active().filter(valid).map(weight));
    let all_count = is_quorum(part, sum(active().map(weight)));
    active()
        .filter(|member| all_count || valid(member))
        .map(|member| (member.record.node, member.record.weight))
        .collect()
}

/// P-47: as many of the promises as the contract needs to believe in the view, and none besides;
/// `None` where they are too few.
#[must_use]
pub fn enough_promises(
    record: &ChannelRecord,
    promises: &[ShownPromise],
) -> Option<Vec<ShownPromise>> {
    let openers = openers(record);
    let whole = sum(openers.values().copied());
    let (mut part, mut enough) = (Weight(0), Vec::new());
    for promise in promises {
        if let Some(weight) = openers.get(&promise.node) {
            part = sum([part, *weight].into_iter());
            enough.push(*promise);
        }
        if is_quorum(part, whole) {
            return Some(enough);
        }
    }
    None
}
