//! What the chain holds, page by page: accounts, contracts, packages, blocks. Each page is bounded in
//! entries and in bytes read, whoever asks.

use std::sync::Arc;

use fairway_api::chain::{AccountView, ContractView, LedgerBlockInFull, PackageView};
use fairway_state::State;
use fairway_types::{
    Address, Hash, Height, Refusal, SequenceNumber, StateKey, codec, contract,
    ledger::{PackageSource, PublishedModule},
};

use crate::{machine::Ledger, service::Service, view};

/// Entries of a page.
const ENTRIES: usize = 100;
/// Bytes after which a page holds no further entry.
const BYTES: usize = 4 << 20;
/// Transactions after which an answer holds no further block.
const TRANSACTIONS: usize = 4_096;

/// Entries of a page, of which so many are asked for.
fn room(limit: Option<u32>) -> usize {
    limit.map_or(ENTRIES, |limit| limit as usize).min(ENTRIES)
}

/// Entries from `first` on that `pick` takes, without the one of key `after`, up to the first that it
/// does not take.
fn page<T>(
    state: &State,
    (first, after): (&StateKey, Option<&StateKey>),
    limit: Option<u32>,
    pick: impl Fn(&StateKey, &Arc<[u8]>) -> Option<T>,
) -> Vec<T> {
    let mut bytes = 0;
    let entries = state.records_from(first).filter(|(key, _)| Some(*key) != after);
    entries
        .take_while(|(_, value)| {
            let fits = bytes < BYTES;
            bytes += value.len();
            fits
        })
        .map_while(|(key, value)| pick(key, value))
        .take(room(limit))
        .collect()
}

/// Accounts that have signed a transaction, with their numbers; balances are for the contracts to tell.
pub(crate) fn accounts(
    state: &State,
    after: Option<Address>,
    limit: Option<u32>,
) -> Vec<(Address, SequenceNumber)> {
    let last = after.map(StateKey::Sequence);
    let first = last.clone().unwrap_or(StateKey::Sequence(Address::ZERO));
    page(state, (&first, last.as_ref()), limit, |key, value| {
        let StateKey::Sequence(account) = key else { return None };
        Some((*account, codec::decode("sequence", value).unwrap_or_default()))
    })
}

/// The accounts of a page, with what they hold.
pub(crate) fn with_balances(
    ledger: &Ledger,
    accounts: Vec<(Address, SequenceNumber)>,
) -> Result<Vec<AccountView>, Refusal> {
    let view = |(account, sequence)| {
        let balance = ledger.balance(account, contract::NATIVE)?;
        Ok(AccountView { account, sequence, balance })
    };
    accounts.into_iter().map(view).collect()
}

/// Published modules after `after` (`0x…::name`).
pub(crate) fn contracts(
    state: &State,
    after: Option<&str>,
    limit: Option<u32>,
) -> Result<Vec<ContractView>, Refusal> {
    let last = after.map(module_key).transpose()?;
    let zero = StateKey::Module { address: Address::ZERO, name: String::new() };
    let first = last.as_ref().unwrap_or(&zero);
    Ok(page(state, (first, last.as_ref()), limit, |key, value| {
        let StateKey::Module { address, name } = key else { return None };
        let module: PublishedModule = codec::decode("published module", value).ok()?;
        Some(ContractView { address: *address, module: name.clone(), package: module.package })
    }))
}

fn module_key(text: &str) -> Result<StateKey, Refusal> {
    let expected = || Refusal::invalid("after", format!("expected 0x…::module, found {text:?}"));
    let (address, name) = text.split_once("::").ok_or_else(expected)?;
    let address = Address::from_literal(address).map_err(|_| expected())?;
    Ok(StateKey::Module { address, name: name.to_owned() })
}

pub(crate) fn packages(state: &State, after: Option<Hash>, limit: Option<u32>) -> Vec<PackageView> {
    let last = after.map(StateKey::Package);
    let first = last.clone().unwrap_or(StateKey::Package(Hash::ZERO));
    page(state, (&first, last.as_ref()), limit, |key, value| {
        let StateKey::Package(package) = key else { return None };
        let source: PackageSource = codec::decode("package", value).ok()?;
        Some(PackageView {
            package: *package,
            name: source.name,
            files: source.files.len() as u64,
            bytes: value.len() as u64,
        })
    })
}

/// Blocks from a height on, with their transactions. The chain goes on between two of them.
pub(crate) fn blocks(
    service: &Service,
    from: Height,
    limit: Option<u32>,
) -> Result<Vec<LedgerBlockInFull>, Refusal> {
    let mut found = Vec::new();
    let mut height = from.max(Height(1));
    let (mut bytes, mut transactions) = (0, 0);
    while found.len() < room(limit) && bytes < BYTES && transactions < TRANSACTIONS {
        let Some(stored) = service.store().block(height)? else { break };
        bytes += codec::size(&stored);
        transactions += stored.transactions.len();
        found.push(view::block_in_full(&service.ledger(), &stored));
        height = height.next();
    }
    Ok(found)
}
