//! Where a channel stands, for people and scripts.

use fairway_types::{Height, JoinSequence, NodeId, Term, Time, Weight};

use super::Channel;
pub use super::catch_up::CatchingUp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// No epoch yet, or this node is not a member.
    Waiting,
    Leader,
    Follower,
    /// This node reported its leader and follows it no longer.
    Halted,
    /// The channel closed, or this node's member left and was paid: nothing is done here any more.
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    pub node: NodeId,
    pub account: fairway_types::Address,
    pub join_sequence: JoinSequence,
    /// When its last heartbeat to this node came; `None` if never.
    pub heard_at: Option<Time>,
    pub head: Height,
    pub certified: Height,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelStatus {
    pub role: Role,
    pub term: Term,
    pub leader: Option<NodeId>,
    pub head: Height,
    pub certified: Height,
    pub finalised: Height,
    pub settled: Height,
    pub members: Vec<MemberStatus>,
    /// Weight heard and of all voters, when those heard can certify nothing.
    pub lacking_quorum: Option<(Weight, Weight)>,
    /// Its member is out of the channel: what it holds is of before that.
    pub out: bool,
    /// It came back without its last writes and signs nothing until enough others have answered.
    pub tail_lost: bool,
    /// The snapshot that is being taken, if one is.
    pub catching_up: Option<CatchingUp>,
    /// Calls waiting to be ordered.
    pub queued: usize,
    pub closed: bool,
    /// Why the settlement chain can't be reached, if it can't.
    pub chain_unreachable: Option<String>,
}

impl Channel {
    #[must_use]
    pub fn status(&self) -> ChannelStatus {
        let leader = self.log.leader();
        let role = if self.has_ended() {
            Role::Ended
        } else if self.log.evidence().is_some() {
            Role::Halted
        } else if leader.is_none() {
            Role::Waiting
        } else if leader == Some(self.me) {
            Role::Leader
        } else {
            Role::Follower
        };
        ChannelStatus {
            role,
            term: self.log.term(),
            leader,
            head: self.log.head(),
            certified: self.log.certified(),
            finalised: self.log.finalised(),
            settled: self.settled_height(),
            members: self.member_statuses(),
            lacking_quorum: self.lacking_quorum().filter(|_| !self.is_out()),
            out: self.is_out(),
            tail_lost: self.log.is_tail_lost(),
            catching_up: self.catching_up(),
            queued: self.pool.len(),
            closed: self.is_over(),
            chain_unreachable: self.chain.unreachable().map(str::to_owned),
        }
    }

    fn member_statuses(&self) -> Vec<MemberStatus> {
        let Some(tip) = self.log.tip() else { return Vec::new() };
        let mut members: Vec<_> = tip
            .members
            .values()
            .map(|member| {
                let heard = self.peers.heard().get(&member.node);
                let own = member.node == self.me;
                MemberStatus {
                    node: member.node,
                    account: member.account,
                    join_sequence: member.join_sequence,
                    heard_at: if own { Some(self.now) } else { heard.map(|heard| heard.at) },
                    head: if own {
                        tip.height
                    } else {
                        heard.map_or(Height::ZERO, |h| h.heartbeat.head)
                    },
                    certified: if own {
                        self.log.certified()
                    } else {
                        heard.map_or(Height::ZERO, |h| h.heartbeat.certified)
                    },
                }
            })
            .collect();
        members.sort_by_key(|member| member.join_sequence);
        members
    }
}
