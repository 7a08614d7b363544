//! What a settlement says, computed from a member's own blocks: proposer and voter run this alike.

use fairway_types::{
    Address, ChainId, ChannelId, Hash, Height, StateKey, StateReader,
    settlement::{AssetAmount, Balance, Proposal},
};

use crate::channel::{
    books,
    log::{Log, Tip},
};

/// Where the last settlement left off, as the chain records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    pub number: u64,
    pub height: Height,
    pub root: Hash,
}

/// P-50: the settlement of everything from the last one to `to`: each registered member's balance,
/// each leaver's due, what the app holds, and the result it set. `None` if the books do not balance, which no sequence
/// of transactions can bring about.
#[must_use]
pub fn compute(
    (chain, channel): (ChainId, ChannelId),
    from: Settled,
    to: &Tip,
) -> Option<Proposal> {
    let closes = to.state.read(&StateKey::Closed).is_some();
    let departed = departed_accounts(to);
    let mut balances: Vec<Balance> = to
        .members
        .values()
        .filter(|member| !departed.contains(&member.account))
        .map(|member| Balance {
            account: member.account,
            amounts: books::vault(&to.state, member.account),
            leaves: closes,
        })
        .collect();
    balances.extend(departed.into_iter().map(|account| Balance {
        account,
        amounts: books::departed(&to.state, account).unwrap_or_default(),
        leaves: true,
    }));
    balances.sort_by_key(|balance| balance.account);
    let owed = balances.iter().try_fold(Vec::new(), |sum: Vec<AssetAmount>, balance| {
        books::add(&sum, &balance.amounts)
    })?;
    let held = books::subtract(&books::locked(&to.state), &owed)?;
    Some(Proposal {
        chain,
        channel,
        number: from.number + 1,
        from_height: from.height,
        from_root: from.root,
        to_height: to.height,
        to_root: to.state.root(),
        to_block: to.hash,
        balances,
        held,
        closes,
        result: books::result(&to.state),
    })
}

/// P-51: why this node does not agree with `proposal`; `None` if it does. The caller has made sure
/// that `proposal.to_height` is final here.
#[must_use]
pub fn objection(log: &Log, from: Settled, proposal: &Proposal) -> Option<String> {
    if proposal.number != from.number + 1 {
        return Some(format!("number {}: the next is {}", proposal.number, from.number + 1));
    }
    let Some(tip) = log.tip_at(proposal.to_height) else {
        return Some(format!("height {} is no longer in memory", proposal.to_height));
    };
    // P-53: else the same settlement would be in the books twice, or never.
    if books::settled(&tip.state) != from.number {
        return Some(format!(
            "settlement {} is not in the books at height {}",
            from.number, tip.height
        ));
    }
    match compute((proposal.chain, proposal.channel), from, &tip) {
        Some(own) if own == *proposal => None,
        Some(own) => Some(difference(&own, proposal)),
        None => Some("the books do not balance here".into()),
    }
}

fn departed_accounts(tip: &Tip) -> Vec<Address> {
    tip.state
        .records_from(&StateKey::Departed(Address::ZERO))
        .map_while(|(key, _)| key.departed())
        .collect()
}

fn difference(own: &Proposal, theirs: &Proposal) -> String {
    if own.to_root != theirs.to_root || own.to_block != theirs.to_block {
        return format!(
            "root {} at height {}, here {}",
            theirs.to_root, own.to_height, own.to_root
        );
    }
    if own.result != theirs.result {
        return "the app's result differs".into();
    }
    let balance = own
        .balances
        .iter()
        .zip(&theirs.balances)
        .find(|(own, theirs)| own != theirs)
        .map(|(own, _)| format!("balance of {} differs", own.account));
    balance.unwrap_or_else(|| "proposal differs from this node's own".into())
}
