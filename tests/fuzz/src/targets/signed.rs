//! What is signed and sent on its own.

use fairway_types::{
    Certificate, SignedAck, SignedCall,
    block::CertifiedBlock,
    crypto::Verify,
    settlement::{SignedProposal, SignedVote},
};
use serde::{Serialize, de::DeserializeOwned};

use super::Verdict;
use crate::check::canonical;

fn checked<T: Serialize + DeserializeOwned + Verify>(data: &[u8]) -> Verdict {
    let value = canonical::<T>(data);
    value.as_ref().map(Verify::check).transpose().is_ok_and(|checked| checked.is_some()).into()
}

pub(super) fn call(data: &[u8]) -> Verdict {
    checked::<SignedCall>(data)
}

pub(super) fn ack(data: &[u8]) -> Verdict {
    checked::<SignedAck>(data)
}

pub(super) fn certificate(data: &[u8]) -> Verdict {
    checked::<Certificate>(data)
}

pub(super) fn block(data: &[u8]) -> Verdict {
    let Some(entry) = canonical::<CertifiedBlock>(data) else { return Verdict::Refused };
    let _ = entry.certificate.as_ref().map(Verify::check);
    entry.block.check().is_ok().into()
}

pub(super) fn settlement(data: &[u8]) -> Verdict {
    match checked::<SignedProposal>(data) {
        Verdict::Accepted => Verdict::Accepted,
        Verdict::Refused => checked::<SignedVote>(data),
    }
}
