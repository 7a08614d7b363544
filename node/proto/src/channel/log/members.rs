//! Who is registered after each block, who left, and who leads.

use std::{collections::BTreeMap, sync::Arc};

use fairway_state::State;
use fairway_types::{
    Address, Effects, Height, NodeId, StateKey, StateReader, Term, Weight, chain::MemberRecord,
    codec,
};

use super::{Log, Tip};
use crate::{
    channel::{books, quorum::Members},
    settlement::membership::leader_in_turn,
};

/// Members that left and whose dues are still in the books.
pub type Leavers = BTreeMap<Address, Arc<MemberRecord>>;

impl Log {
    /// Registered members before the block at `height`.
    #[must_use]
    pub fn members_before(&self, height: Height) -> Option<&Arc<Members>> {
        self.sets.range(..height).next_back().map(|(_, members)| members)
    }

    /// The registered sets of all blocks above the final height up to the one at `height`.
    pub fn sets_before(&self, height: Height) -> impl Iterator<Item = &Arc<Members>> {
        self.sets_between(self.finalised.min(height.previous()), height)
    }

    /// The height of the last block that changed the registered set; zero for none.
    #[must_use]
    pub fn last_set_change(&self) -> Height {
        self.sets.last_key_value().map_or(Height::ZERO, |(height, _)| *height)
    }

    /// Whether a block above `above` and below `height` changed the registered set.
    #[must_use]
    pub fn changes_set(&self, above: Height, height: Height) -> bool {
        above.next() < height && self.sets.range(above.next()..height).next().is_some()
    }

    /// The sets registered before each block above `base` up to the one at `height`.
    pub fn sets_between(
        &self,
        base: Height,
        height: Height,
    ) -> impl Iterator<Item = &Arc<Members>> {
        let first = base;
        let first = self.sets.range(..=first).next_back().map_or(first, |(height, _)| *height);
        self.sets.range(first..height).map(|(_, members)| members)
    }

    /// The node that leads the term; `None` before the first, and for a leader not yet in the log or
    /// already paid.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.leader_of(self.term)
    }

    /// P-7, P-71: the node of the member to which the epoch was granted; in the views after the
    /// first, of the members that come after it in join order. A leader leads on after its own
    /// leave, until a settlement has paid it.
    #[must_use]
    pub fn leader_of(&self, term: Term) -> Option<NodeId> {
        let sequence = leader_in_turn(self.grant_of(term.epoch)?, term.view)?;
        let tip = self.tip()?;
        let mut known = tip.members.values().chain(tip.leavers.values());
        known.find(|member| member.join_sequence == sequence).map(|member| member.node)
    }

    /// Whether the node's member left and is not paid yet.
    #[must_use]
    pub fn is_leaver(&self, node: &NodeId) -> bool {
        self.tip().is_some_and(|tip| tip.leavers.values().any(|member| member.node == *node))
    }
}

/// Members as a snapshot holds them.
pub(in crate::channel) fn records(members: &Members) -> Vec<MemberRecord> {
    members.values().map(|member| (**member).clone()).collect()
}

pub(in crate::channel) fn by_node(records: Vec<MemberRecord>) -> Arc<Members> {
    Arc::new(records.into_iter().map(|member| (member.node, Arc::new(member))).collect())
}

/// Who is in the books as departed but registered no more; who was paid is forgotten.
pub(super) fn next_leavers(before: &Tip, after: &Arc<Members>, state: &State) -> Arc<Leavers> {
    if before.leavers.is_empty() && Arc::ptr_eq(&before.members, after) {
        return Arc::clone(&before.leavers);
    }
    let left = before.members.values().filter(|member| !after.contains_key(&member.node));
    let mut leavers = (*before.leavers).clone();
    leavers.extend(left.map(|member| (member.account, Arc::clone(member))));
    leavers.retain(|account, _| books::departed(state, *account).is_some());
    Arc::new(leavers)
}

/// The members that a state registers.
#[must_use]
pub fn registered(state: &State) -> Members {
    state
        .records_from(&StateKey::Member(Address::ZERO))
        .map_while(|(key, value)| key.member().map(|_| value))
        .filter_map(|bytes| codec::decode::<MemberRecord>("member", bytes).ok())
        .map(|member| (member.node, Arc::new(member)))
        .collect()
}

/// P-14: the registered set changes by what the block wrote under `Member`, from the next block on.
pub(super) fn next_members(
    before: &Arc<Members>,
    state: &State,
    effects: &[Effects],
) -> Arc<Members> {
    let touched: Vec<Address> = effects
        .iter()
        .flat_map(|effects| &effects.writes)
        .filter_map(|write| write.key.member())
        .collect();
    if touched.is_empty() {
        return Arc::clone(before);
    }
    let mut members = (**before).clone();
    members.retain(|_, member| !touched.contains(&member.account));
    for account in touched {
        if let Some(bytes) = state.read(&StateKey::Member(account))
            && let Ok(member) = codec::decode::<MemberRecord>("member", &bytes)
        {
            members.insert(member.node, Arc::new(member));
        }
    }
    Arc::new(members)
}

/// Total weight of some members.
pub fn weight<'a>(members: impl Iterator<Item = &'a Arc<MemberRecord>>) -> Weight {
    sum(members.map(|member| member.weight))
}

/// Weights come from the chain: a sum too large stays the largest.
pub fn sum(weights: impl Iterator<Item = Weight>) -> Weight {
    Weight(weights.fold(0u64, |sum, weight| sum.saturating_add(weight.0)))
}
