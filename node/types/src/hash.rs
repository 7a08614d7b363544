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
        let mut hasher = Sha256::new();
        hasher.update(SPACE);
        hasher.update(self.text());
        hasher.update([0]);
        hasher
    }

    /// Writes what goes before the hashed bytes; how many bytes that is.
    fn begin(self, buffer: &mut [u8; SHORT]) -> usize {
        let text = self.text().as_bytes();
        let end = SPACE.len() + text.len();
        buffer[..SPACE.len()].copy_from_slice(SPACE);
        buffer[SPACE.len()..end].copy_from_slice(text);
        end + 1
    }
}

/// What all hashed bytes begin with.
const SPACE: &[u8] = b"fairway/1/";
/// Bytes that are hashed in one go, domain included.
const SHORT: usize = 256;

/// SHA-256 over `fairway/1/<domain>`, a zero byte and `bytes`.
#[must_use]
pub fn hash(domain: Domain, bytes: &[u8]) -> Hash {
    let mut buffer = [0; SHORT];
    let begin = domain.begin(&mut buffer);
    match buffer.get_mut(begin..begin + bytes.len()) {
        Some(place) => {
            place.copy_from_slice(bytes);
            Hash(Sha256::digest(&buffer[..begin + bytes.len()]).into())
        }
        None => Hash(domain.hasher().chain_update(bytes).finalize().into()),
    }
}

/// The hash of a list of two hashes, for which there is less to do than for a list.
#[must_use]
pub fn hash_pair(domain: Domain, left: &Hash, right: &Hash) -> Hash {
    let mut buffer = [0; SHORT];
    let begin = domain.begin(&mut buffer);
    let (middle, end) = (begin + left.0.len(), begin + left.0.len() + right.0.len());
    buffer[begin..middle].copy_from_slice(&left.0);
    buffer[middle..end].copy_from_slice(&right.0);
    Hash(Sha256::digest(&buffer[..end]).into())
}

/// The hash of a value's BCS bytes.
#[must_use]
pub fn hash_value<T: Serialize>(domain: Domain, value: &T) -> Hash {
    let mut buffer = [0; SHORT];
    let begin = domain.begin(&mut buffer);
    let mut rest = &mut buffer[begin..];
    match bcs::serialize_into(&mut rest, value) {
        Ok(()) => {
            let end = SHORT - rest.len();
            Hash(Sha256::digest(&buffer[..end]).into())
        }
        // Too long for the buffer.
        Err(_) => hash(domain, &codec::encode(value)),
    }
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

    #[test]
    fn short_and_long_bytes_and_pairs_are_hashed_as_defined() {
        for length in [0, 1, 64, 236, 237, 238, 256, 1_000] {
            let bytes = vec![7; length];
            let defined = [b"fairway/1/state-key\0".as_slice(), &bytes].concat();
            assert_eq!(hash(Domain::StateKey, &bytes).0, *Sha256::digest(defined));
            let value = hash_value(Domain::StateKey, &bytes);
            assert_eq!(value, hash(Domain::StateKey, &codec::encode(&bytes)));
        }
        let (left, right) = (Hash([1; 32]), Hash([2; 32]));
        let list = hash_list(Domain::StateNode, [left, right]);
        assert_eq!(hash_pair(Domain::StateNode, &left, &right), list);
    }
}
