//! The ledger on disk: one synced batch a block.
//!
//! | family | key | value |
//! |---|---|---|
//! | `meta` | `genesis`, `head`, `events` | BCS of [`Genesis`], [`Head`], the number of events |
//! | `state` | BCS of the `StateKey` | the entry's bytes |
//! | `blocks` | height, big-endian | BCS of [`StoredBlock`] |
//! | `transactions` | transaction hash | BCS of `(height, index)` |
//! | `events` | event number, big-endian | BCS of [`StoredEvent`] |

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fairway_sandbox::Package;
use fairway_store::{Batch, Database, Format, OpenError, WriteError, meter::Meter};
use fairway_types::{
    ChainId, ChannelId, Hash, Height, MoveEvent, Refusal, StateKey, codec, codec::DecodeError,
    ledger::SignedLedgerTransaction,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    machine::{BlockHeader, ExecutedBlock, Genesis, Head, Ledger, LedgerError, Receipt},
    publish::Code,
};

pub const FORMAT: Format = Format {
    kind: "ledger",
    version: 4,
    families: &["meta", "state", "blocks", "transactions", "events"],
};

/// A block as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredBlock {
    pub header: BlockHeader,
    pub transactions: Vec<SignedLedgerTransaction>,
    /// What its `Publish` transactions were executed with, by hash: who executes the block again
    /// needs no compiler, and who wants to can compare.
    pub code: Vec<Package>,
    pub receipts: Vec<Receipt>,
}

/// An event with its place on the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    pub height: Height,
    pub transaction: Hash,
    pub event: MoveEvent,
}

/// Modules of the contracts whose events begin with the channel that they are about.
const ABOUT_CHANNELS: [&str; 9] = [
    "backing",
    "channel",
    "complaint",
    "delegation",
    "exits",
    "membership",
    "penalty",
    "settlement",
    "shown",
];

impl StoredEvent {
    /// The channel an event of the channel contracts is about: the first field of each of them.
    #[must_use]
    pub fn channel(&self) -> Option<ChannelId> {
        let (module, _) = self.event.type_tag.strip_prefix("0x3::")?.split_once("::")?;
        if !ABOUT_CHANNELS.contains(&module) {
            return None;
        }
        ChannelId::from_slice(self.event.data.get(..ChannelId::LENGTH)?)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the ledger can't write: {0}")]
    Write(#[from] WriteError),
    #[error("the ledger's data is damaged: {0}")]
    Damaged(#[from] DecodeError),
    #[error(
        "the data folder holds chain {found} with root account {found_root}, not chain {expected}: \
         choose another folder"
    )]
    OtherChain { expected: u64, found: u64, found_root: String },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Write(error) => Self::StorageFull { reason: error.reason },
            StoreError::Open(_)
            | StoreError::Damaged(_)
            | StoreError::OtherChain { .. }
            | StoreError::Ledger(_) => Self::Internal { reason: error.to_string() },
        }
    }
}

pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the folder and gives the chain back as it was left; a new folder starts at `genesis`.
    pub fn open(path: &Path, genesis: &Genesis) -> Result<(Self, Ledger), StoreError> {
        let store = Self { database: Database::open(path, FORMAT)? };
        let Some(found) = store.read::<Genesis>("meta", b"genesis")? else {
            let ledger = Ledger::new(genesis)?;
            store.begin(genesis, &ledger)?;
            return Ok((store, ledger));
        };
        if found != *genesis {
            return Err(StoreError::OtherChain {
                expected: genesis.chain.0,
                found: found.chain.0,
                found_root: found.root.to_string(),
            });
        }
        let ledger = store.restore(genesis.chain)?;
        Ok((store, ledger))
    }

    /// The chain that the disk holds.
    pub fn restore(&self, chain: ChainId) -> Result<Ledger, StoreError> {
        Ok(Ledger::restore(chain, self.head()?, self.entries()?)?)
    }

    fn begin(&self, genesis: &Genesis, ledger: &Ledger) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.put("meta", *b"genesis", codec::encode(genesis));
        batch.put("meta", *b"head", codec::encode(ledger.head()));
        batch.put("meta", *b"events", codec::encode(&0u64));
        for (key, value) in ledger.entries() {
            batch.put("state", codec::encode(key), value.to_vec());
        }
        Ok(self.database.write(batch, true)?)
    }

    /// Writes a block with all its results; on the disk when this returns. Answers with the number
    /// of events on the chain.
    pub fn append(
        &self,
        block: &ExecutedBlock,
        transactions: Vec<SignedLedgerTransaction>,
        code: Code,
    ) -> Result<u64, StoreError> {
        let header = &block.header;
        let head = Head {
            height: header.height,
            time: header.time,
            hash: header.hash(),
            state_root: header.state_root,
        };
        let mut batch = Batch::default();
        batch.put("meta", *b"head", codec::encode(&head));
        for write in &block.writes {
            match &write.value {
                Some(value) => batch.put("state", codec::encode(&write.key), value.clone()),
                None => batch.delete("state", codec::encode(&write.key)),
            }
        }
        let events = self.put_receipts(&mut batch, header.height, &block.receipts)?;
        let code = code.published.into_values().map(Arc::unwrap_or_clone).collect();
        let (header, receipts) = (header.clone(), block.receipts.clone());
        let height = header.height;
        let stored = StoredBlock { header, transactions, code, receipts };
        batch.put("blocks", height.0.to_be_bytes(), codec::encode(&stored));
        self.database.write(batch, true)?;
        Ok(events)
    }

    fn put_receipts(
        &self,
        batch: &mut Batch,
        height: Height,
        receipts: &[Receipt],
    ) -> Result<u64, StoreError> {
        let mut number = self.event_count()?;
        for (index, receipt) in (0u32..).zip(receipts) {
            // A transaction that was refused here may still be executed later: that place counts.
            if receipt.gas_used.0 > 0 || receipt.status.is_success() {
                let place = codec::encode(&(height, index));
                batch.put("transactions", *receipt.transaction.as_bytes(), place);
            }
            for event in &receipt.events {
                let stored =
                    StoredEvent { height, transaction: receipt.transaction, event: event.clone() };
                batch.put("events", number.to_be_bytes(), codec::encode(&stored));
                number += 1;
            }
        }
        batch.put("meta", *b"events", codec::encode(&number));
        Ok(number)
    }

    /// Takes writes again after one failed.
    /// What was written since it was opened.
    pub fn meter(&self) -> &Meter {
        self.database.meter()
    }

    pub fn reopen(&self) -> Result<(), StoreError> {
        Ok(self.database.reopen()?)
    }

    /// Closes the folder's files before the process ends.
    pub fn close(&self) {
        self.database.close();
    }

    pub fn event_count(&self) -> Result<u64, StoreError> {
        Ok(self.read("meta", b"events")?.unwrap_or_default())
    }

    /// Events from a number on, with their numbers.
    pub fn events(&self, from: u64, limit: usize) -> Result<Vec<(u64, StoredEvent)>, StoreError> {
        let entries = self.database.scan("events", b"", &from.to_be_bytes(), limit)?;
        entries
            .into_iter()
            .map(|(key, value)| {
                let number = u64::from_be_bytes(key.try_into().unwrap_or_default());
                Ok((number, codec::decode("event", &value)?))
            })
            .collect()
    }

    pub fn block(&self, height: Height) -> Result<Option<StoredBlock>, StoreError> {
        self.read("blocks", &height.0.to_be_bytes())
    }

    /// Where an executed transaction is.
    pub fn place(&self, transaction: &Hash) -> Result<Option<(Height, u32)>, StoreError> {
        self.read("transactions", transaction.as_bytes())
    }

    fn head(&self) -> Result<Head, StoreError> {
        let missing = DecodeError { what: "head", reason: "it is missing".into() };
        self.read("meta", b"head")?.ok_or(StoreError::Damaged(missing))
    }

    fn entries(&self) -> Result<BTreeMap<StateKey, Arc<[u8]>>, StoreError> {
        let entries = self.database.scan("state", b"", b"", usize::MAX)?;
        entries
            .into_iter()
            .map(|(key, value)| Ok((codec::decode("state key", &key)?, value.into())))
            .collect()
    }

    fn read<T: DeserializeOwned>(
        &self,
        family: &'static str,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.database.get(family, key)? else { return Ok(None) };
        Ok(Some(codec::decode(family, &bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use fairway_types::{Address, abi::StructAbi, ids::ChainId};

    use super::*;

    fn is_event(structure: &StructAbi) -> bool {
        let has = |ability: &str| structure.abilities.iter().any(|known| known == ability);
        has("copy") && has("drop") && has("store")
    }

    /// Else nodes hear of an exit, a window or a report only when they next read the record by
    /// themselves: after a short window has ended.
    #[test]
    fn every_event_about_a_channel_is_told_to_those_who_watch_it() {
        let genesis = Genesis { chain: ChainId(1), root: Address::from_low(1) };
        let ledger = Ledger::new(&genesis).unwrap();
        let own = ledger.abi().modules.iter().filter(|module| module.own);
        let events = own.flat_map(|module| {
            let of_module = module.structs.iter().filter(|structure| is_event(structure));
            let named = of_module
                .filter(|event| event.fields.first().is_some_and(|field| field.name == "channel"));
            named.map(|event| format!("0x3::{}::{}", module.name, event.name))
        });
        let mut heard = 0;
        for type_tag in events {
            let event = MoveEvent { type_tag, data: vec![7; 64] };
            let stored = StoredEvent { height: Height(1), transaction: Hash::ZERO, event };
            assert_eq!(stored.channel(), Some(ChannelId([7; 32])), "{}", stored.event.type_tag);
            heard += 1;
        }
        assert!(heard > 20, "{heard}");
    }

    #[test]
    fn transfer_is_about_no_channel() {
        let event = MoveEvent { type_tag: "0x3::coin::Transferred".into(), data: vec![7; 64] };
        let stored = StoredEvent { height: Height(1), transaction: Hash::ZERO, event };
        assert_eq!(stored.channel(), None);
    }
}
