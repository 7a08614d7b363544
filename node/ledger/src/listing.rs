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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use fairway_types::{abi::ModuleAbi, ledger::SourceFile};

    use super::*;

    fn address(low: u8) -> Address {
        Address::from_low(low)
    }

    fn entry(key: StateKey, value: Vec<u8>) -> (StateKey, Arc<[u8]>) {
        (key, value.into())
    }

    fn package(text: &str) -> PackageSource {
        let file = SourceFile { path: "a.move".into(), text: text.into() };
        PackageSource { name: "app".into(), addresses: Vec::new(), files: vec![file] }
    }

    fn module(at: Address, name: &str) -> (StateKey, Arc<[u8]>) {
        let abi = ModuleAbi {
            address: at,
            name: name.into(),
            doc: String::new(),
            own: true,
            functions: Vec::new(),
            structs: Vec::new(),
            aborts: Vec::new(),
        };
        let value = PublishedModule { package: Hash::ZERO, bytecode: vec![1], abi };
        entry(StateKey::Module { address: at, name: name.into() }, codec::encode(&value))
    }

    /// Three accounts, two modules, and what else a state holds around them.
    fn state() -> State {
        let numbers = (1..=3u8).map(|low| {
            let number = SequenceNumber(u64::from(low) * 10);
            entry(StateKey::Sequence(address(low)), codec::encode(&number))
        });
        let resource = entry(StateKey::resource(address(9), "0x3::coin::Balance"), vec![0; 8]);
        let modules = [module(address(1), "b"), module(address(1), "a"), module(address(2), "a")];
        State::from_entries(numbers.chain(modules).chain([resource]))
    }

    #[test]
    fn accounts_come_in_order_and_page_after_page() {
        let low = |page: Vec<(Address, SequenceNumber)>| -> Vec<(Address, u64)> {
            page.into_iter().map(|(account, number)| (account, number.0)).collect()
        };
        let all = [(address(1), 10), (address(2), 20), (address(3), 30)];
        assert_eq!(low(accounts(&state(), None, None)), all);
        assert_eq!(low(accounts(&state(), None, Some(2))), all[..2]);
        assert_eq!(low(accounts(&state(), Some(address(2)), Some(2))), all[2..]);
        assert!(accounts(&state(), Some(address(3)), None).is_empty());
        assert!(accounts(&state(), None, Some(0)).is_empty());
    }

    #[test]
    fn a_page_has_a_hundred_entries_whatever_is_asked_for() {
        let many = (1..=150u8)
            .map(|low| entry(StateKey::Sequence(address(low)), codec::encode(&SequenceNumber(1))));
        let state = State::from_entries(many);
        assert_eq!(accounts(&state, None, Some(1_000)).len(), ENTRIES);
        let last = accounts(&state, None, None).last().unwrap().0;
        assert_eq!(accounts(&state, Some(last), None).len(), 50);
    }

    #[test]
    fn modules_come_by_address_and_name_and_after_one_that_is_named() {
        let names = |after: Option<&str>| -> Vec<(Address, String)> {
            let found = contracts(&state(), after, None).unwrap();
            found.into_iter().map(|found| (found.address, found.module)).collect()
        };
        let all = [(address(1), "a".into()), (address(1), "b".into()), (address(2), "a".into())];
        assert_eq!(names(None), all);
        assert_eq!(names(Some(&format!("{}::a", address(1)))), all[1..]);
        assert_eq!(names(Some("0x1::b")), all[2..]);
        for wrong in ["0x1", "nobody::a"] {
            let refusal = contracts(&state(), Some(wrong), None).unwrap_err();
            assert!(refusal.to_string().contains("expected 0x…::module"), "{refusal}");
        }
    }

    #[test]
    fn packages_are_listed_with_what_they_take_until_a_page_is_full() {
        let large = "x".repeat(BYTES / 4);
        let sources: Vec<PackageSource> =
            (0..8).map(|number| package(&format!("{number}{large}"))).collect();
        let entries = sources
            .iter()
            .map(|source| entry(StateKey::Package(source.hash()), codec::encode(source)));
        let state = State::from_entries(entries);
        let first = packages(&state, None, None);
        assert_eq!(first.len(), 4, "four of them are more than {BYTES} bytes");
        let source = sources.iter().find(|source| source.hash() == first[0].package).unwrap();
        assert_eq!(first[0].bytes, codec::size(source) as u64);
        assert_eq!((first[0].name.as_str(), first[0].files), ("app", 1));
        let next = packages(&state, Some(first[3].package), None);
        assert_eq!(next.len(), 4);
        assert!(first.iter().all(|one| next.iter().all(|other| one.package < other.package)));
    }
}
