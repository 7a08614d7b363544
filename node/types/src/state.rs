//! Keys of the state that a state root commits to. A channel and the ledger share them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    hash::{Domain, Hash, hash_value},
    ids::Address,
};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StateKey {
    /// A Move resource. The tag is canonical: `0x2::vault::Vault`, `0x42::a::B<u64,0x1::c::D>`;
    /// addresses in Move's short form, no spaces.
    Resource { address: Address, type_tag: Arc<str> },
    /// BCS of the next sequence number (`u64`) of an account, or of the address of a session key.
    Sequence(Address),
    /// BCS of a registered member's `MemberRecord`.
    Member(Address),
    /// BCS of what a member that left is owed: `Vec<AssetAmount>`.
    Departed(Address),
    /// BCS of everything locked in the channel: `Vec<AssetAmount>`.
    Locked,
    /// Present (empty) once the channel was closed in the log: nothing but settling remains.
    Closed,
    /// BCS of the last settlement whose payments left the books: `u64`.
    Settled,
    /// A module published on the ledger: BCS of its `PublishedModule`.
    Module { address: Address, name: String },
    /// A package registered on the ledger: BCS of its `PackageSource`.
    Package(Hash),
    /// BCS of the join sequences ever entered in the channel: a list of first and last of each run.
    Entered,
    /// BCS of the time of the block with the last tick.
    Ticked,
    /// BCS of the height of the last block that changed the registered members; none before the
    /// first. So a state says how far back its members certify blocks.
    Registered,
    /// BCS of how many `Member` and how many `Departed` entries there are (`(u64, u64)`): so that who
    /// is shown some of them knows whether these are all.
    Counted,
    /// BCS of the app's result (`runtime::lifecycle::set_result`); none before the first.
    Result,
    /// BCS of what the account delegated to other keys: `Vec<Session>`, sorted by key, without those
    /// that had expired when it was written.
    Sessions(Address),
}

impl StateKey {
    #[must_use]
    pub fn resource(address: Address, type_tag: impl Into<Arc<str>>) -> Self {
        Self::Resource { address, type_tag: type_tag.into() }
    }

    /// The account of a `Member` entry.
    #[must_use]
    pub fn member(&self) -> Option<Address> {
        if let Self::Member(account) = self { Some(*account) } else { None }
    }

    /// The account of a `Departed` entry.
    #[must_use]
    pub fn departed(&self) -> Option<Address> {
        if let Self::Departed(account) = self { Some(*account) } else { None }
    }

    /// The key's place in the Merkle tree.
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::StateKey, self)
    }
}

/// A consistent view of one state.
pub trait StateReader {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>>;
}

impl<T: StateReader + ?Sized> StateReader for &T {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        (**self).read(key)
    }
}

/// The empty state.
impl StateReader for () {
    fn read(&self, _: &StateKey) -> Option<Arc<[u8]>> {
        None
    }
}

/// A state held in a map, for tests and tools.
impl StateReader for std::collections::BTreeMap<StateKey, Arc<[u8]>> {
    fn read(&self, key: &StateKey) -> Option<Arc<[u8]>> {
        self.get(key).cloned()
    }
}
