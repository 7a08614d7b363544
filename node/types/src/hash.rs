//! SHA-256 with a domain prefix: bytes hashed for one purpose never equal bytes hashed for another.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{byte_id, codec};

byte_id!(
    /// A SHA-256 digest.
    Hash, 32
);

/// What a hash is taken for. The text is part of the hashed bytes and of the wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    Account,
    Block,
    Call,
    Channel,
    Effects,
    EffectsRoot,
    Evidence,
    Genesis,
    LedgerBlock,
    LedgerTransaction,
    Package,
    Proposal,
    Receipt,
    ReceiptsRoot,
    Record,
    Seed,
    StateKey,
    StateLeaf,
    StateNode,
    StateValue,
    TermCertificate,
    Transaction,
    TransactionsRoot,
    Verified,
    ViewChange,
}

impl Domain {
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Block => "block",
            Self::Call => "call",
            Self::Channel => "channel",
            Self::Effects => "effects",
            Self::EffectsRoot => "effects-root",
            Self::Evidence => "evidence",
            Self::Genesis => "genesis",
            Self::LedgerBlock => "ledger-block",
            Self::LedgerTransaction => "ledger-transaction",
            Self::Package => "package",
            Self::Proposal => "proposal",
            Self::Receipt => "receipt",
            Self::ReceiptsRoot => "receipts-root",
            Self::Record => "record",
            Self::Seed => "seed",
            Self::StateKey => "state-key",
            Self::StateLeaf => "state-leaf",
            Self::StateNode => "state-node",
            Self::StateValue => "state-value",
            Self::TermCertificate => "term-certificate",
            Self::Transaction => "transaction",
            Self::TransactionsRoot => "transactions-root",
            Self::Verified => "verified",
            Self::ViewChange => "view-change",
        }
    }

    fn hasher(self) -> Sha256 {
        Sha256::new().chain_update(b"fairway/1/").chain_update(self.text()).chain_update([0])
    }
}

/// SHA-256 over `fairway/1/<domain>`, a zero byte and `bytes`.
#[must_use]
pub fn hash(domain: Domain, bytes: &[u8]) -> Hash {
    Hash(domain.hasher().chain_update(bytes).finalize().into())
}

/// The hash of a value's BCS bytes.
#[must_use]
pub fn hash_value<T: Serialize>(domain: Domain, value: &T) -> Hash {
    hash(domain, &codec::encode(value))
}

/// The hash of a list of hashes, in order.
#[must_use]
pub fn hash_list(domain: Domain, items: impl IntoIterator<Item = Hash>) -> Hash {
    let mut hasher = domain.hasher();
    for item in items {
        hasher.update(item.0);
    }
    Hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_separate_equal_bytes() {
        assert_ne!(hash(Domain::Block, b"x"), hash(Domain::Call, b"x"));
        assert_ne!(hash_list(Domain::EffectsRoot, []), hash_list(Domain::TransactionsRoot, []));
    }
}
