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

/// P-4: a member's node applies for leadership when the channel has no leader, and the leader's
/// when the recorded valid set no longer matches the heartbeats. Taking over from a silent leader
/// comes with failover.
#[must_use]
pub fn should_apply(record: &ChannelRecord, me: &NodeId, chain_time: Time) -> bool {
    let Some(member) = record.members.iter().find(|member| member.record.node == *me) else {
        return false;
    };
    if !record.open {
        return false;
    }
    match grant(record) {
        None => true,
        Some(grant) => {
            grant.leader == member.record.account && grant.valid != valid_now(record, chain_time)
        }
    }
}
