//! Heartbeats, validity and leadership, as the contract judges them.

use fairway_types::{
    JoinSequence, NodeId, Time,
    chain::{ChainMember, ChannelRecord, EpochGrant},
    limits::HEARTBEAT_VALIDITY,
};

/// P-6: a member is valid while its last heartbeat is at most 15 s old on the chain's clock.
#[must_use]
pub fn is_valid(member: &ChainMember, chain_time: Time) -> bool {
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

/// P-4: a member's node applies for leadership when the channel has no leader; the leader's when the
/// recorded valid set no longer matches the heartbeats; and anybody's once the leader has left
/// (`left`, as this node's log says) and the chain counts it as valid no more. Taking over from a
/// silent leader comes with failover. Who is not active yet applies for the first epoch alone.
#[must_use]
pub fn should_apply(record: &ChannelRecord, me: &NodeId, chain_time: Time, left: bool) -> bool {
    let Some(member) = record.members.iter().find(|member| member.record.node == *me) else {
        return false;
    };
    if !record.open {
        return false;
    }
    let Some(grant) = grant(record) else { return true };
    if grant.leader == member.record.account {
        return grant.valid != valid_now(record, chain_time);
    }
    if !member.active {
        return false;
    }
    let leader = record.members.iter().find(|member| member.record.account == grant.leader);
    left && leader.is_none_or(|leader| !is_valid(leader, chain_time))
}
