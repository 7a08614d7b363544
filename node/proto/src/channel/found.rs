//! Evidence as the log keeps it: shared, and named and measured once, since it can be of megabytes and
//! is looked at whenever the chain's record is.

use std::sync::Arc;

use fairway_types::{Hash, evidence::Evidence};

#[derive(Debug, Clone)]
pub(super) struct Found {
    /// See [`Evidence::hash`].
    pub(super) hash: Hash,
    /// Bytes of [`Evidence::to_file`].
    pub(super) file_bytes: usize,
    pub(super) evidence: Arc<Evidence>,
}

impl From<Evidence> for Found {
    fn from(evidence: Evidence) -> Self {
        let (hash, file_bytes) = (evidence.hash(), evidence.to_file().len());
        Self { hash, file_bytes, evidence: Arc::new(evidence) }
    }
}
