//! The channel's books inside the state: vaults of members, what leavers are owed, what is locked.
//! Reads only; `execution` writes them.

use fairway_types::{Address, Height, StateKey, StateReader, codec, settlement::AssetAmount};

/// Type of the resource in which `runtime::vault` keeps a member's balances (BCS: a list of
/// [`AssetAmount`], sorted by asset, no zeros).
pub const VAULT_TAG: &str = "0x2::vault::Vault";

/// A member's balances; none without a vault.
pub fn vault(state: &dyn StateReader, account: Address) -> Vec<AssetAmount> {
    amounts(state, &StateKey::resource(account, VAULT_TAG))
}

/// What a member that left is still owed.
pub fn departed(state: &dyn StateReader, account: Address) -> Option<Vec<AssetAmount>> {
    let bytes = state.read(&StateKey::Departed(account))?;
    codec::decode("departed balance", &bytes).ok()
}

/// Everything locked in the channel.
pub fn locked(state: &dyn StateReader) -> Vec<AssetAmount> {
    amounts(state, &StateKey::Locked)
}

/// Number of the last settlement that left the books.
pub fn settled(state: &dyn StateReader) -> u64 {
    state
        .read(&StateKey::Settled)
        .and_then(|bytes| codec::decode("settlement number", &bytes).ok())
        .unwrap_or(0)
}

/// Height of the last block that changed the registered members; none before the first.
pub fn registered(state: &dyn StateReader) -> Option<Height> {
    let bytes = state.read(&StateKey::Registered)?;
    codec::decode("height", &bytes).ok()
}

/// How many members are registered, and to how many leavers something is owed.
pub fn counted(state: &dyn StateReader) -> (u64, u64) {
    let bytes = state.read(&StateKey::Counted);
    bytes.and_then(|bytes| codec::decode("numbers of entries", &bytes).ok()).unwrap_or_default()
}

/// What the app last set as its result; empty before the first.
pub fn result(state: &dyn StateReader) -> Vec<u8> {
    state
        .read(&StateKey::Result)
        .and_then(|bytes| codec::decode("result", &bytes).ok())
        .unwrap_or_default()
}

/// `left + right`, by asset; `None` on overflow.
#[must_use]
pub fn add(left: &[AssetAmount], right: &[AssetAmount]) -> Option<Vec<AssetAmount>> {
    combine(left, right, u64::checked_add)
}

/// `left - right`, by asset; `None` if something would be negative.
#[must_use]
pub fn subtract(left: &[AssetAmount], right: &[AssetAmount]) -> Option<Vec<AssetAmount>> {
    combine(left, right, u64::checked_sub)
}

fn combine(
    left: &[AssetAmount],
    right: &[AssetAmount],
    with: impl Fn(u64, u64) -> Option<u64>,
) -> Option<Vec<AssetAmount>> {
    let mut sums: std::collections::BTreeMap<_, u64> =
        left.iter().map(|entry| (entry.asset, entry.amount)).collect();
    for entry in right {
        let sum = sums.entry(entry.asset).or_default();
        *sum = with(*sum, entry.amount)?;
    }
    let amounts = sums
        .into_iter()
        .filter(|(_, amount)| *amount > 0)
        .map(|(asset, amount)| AssetAmount { asset, amount });
    Some(amounts.collect())
}

fn amounts(state: &dyn StateReader, key: &StateKey) -> Vec<AssetAmount> {
    state.read(key).and_then(|bytes| codec::decode("amounts", &bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use fairway_types::AssetId;

    use super::*;

    fn of(asset: u8, amount: u64) -> AssetAmount {
        AssetAmount { asset: AssetId([asset; 32]), amount }
    }

    #[test]
    fn amounts_add_and_subtract_by_asset_without_zeros() {
        let sum = add(&[of(1, 5)], &[of(1, 2), of(2, 3)]);
        assert_eq!(sum, Some(vec![of(1, 7), of(2, 3)]));
        assert_eq!(subtract(&[of(1, 7), of(2, 3)], &[of(2, 3)]), Some(vec![of(1, 7)]));
    }

    #[test]
    fn overflow_and_debt_are_refused() {
        assert_eq!(add(&[of(1, u64::MAX)], &[of(1, 1)]), None);
        assert_eq!(subtract(&[of(1, 1)], &[of(1, 2)]), None);
        assert_eq!(subtract(&[], &[of(1, 2)]), None);
    }
}
