//! P-131: which signatures are good, found one by one or for many together: the two never differ.
//!
//! The rule: the key is a point that is not of small order, the signature's scalar is canonical, and
//! `8(sB - R - kA) = 0`. With the factor 8 (as in ZIP 215) the sum over many signatures with random
//! weights is zero exactly when each of them is good, up to a chance of 2^-128; without it, as RFC 8032
//! also allows, a sum accepts signatures that one by one are refused. Keys of small order are refused
//! since one signature of theirs is good for every message. See ADR 0025.

use std::collections::BTreeSet;

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use ed25519_dalek::VerifyingKey;
use ed25519_zebra::{VerificationKey, VerificationKeyBytes, batch};

use super::{PublicKey, Signature};
use crate::hash::{Domain, Hash, hash, hash_list};

/// Signatures summed up at a time: more are hardly cheaper each.
const TOGETHER: usize = 256;
/// From so many on a sum is cheaper.
const WORTH_IT: usize = 4;

/// A signature to be checked.
#[derive(Debug, Clone)]
pub struct Claim {
    pub key: PublicKey,
    /// What was signed, with its domain.
    pub message: Vec<u8>,
    pub signature: Signature,
}

impl Claim {
    /// Names one signature by one key over one message.
    fn digest(&self) -> Hash {
        digest(&self.key, &self.message, &self.signature)
    }

    fn item(&self) -> batch::Item {
        let signature = ed25519_zebra::Signature::from(self.signature.0);
        (VerificationKeyBytes::from(self.key.0), signature, &self.message).into()
    }
}

fn digest(key: &PublicKey, message: &[u8], signature: &Signature) -> Hash {
    let mut bytes = Vec::with_capacity(96 + message.len());
    bytes.extend(key.0);
    bytes.extend(signature.0);
    bytes.extend(message);
    hash(Domain::Verified, &bytes)
}

impl PublicKey {
    /// Every node and the contract accept exactly the same signatures.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let digest = digest(self, message, signature);
        if verified::knows(&digest) {
            return true;
        }
        let signature = ed25519_zebra::Signature::from(signature.0);
        let good = sound(self).is_some_and(|key| key.verify(&signature, message).is_ok());
        if good {
            verified::learn([digest]);
        }
        good
    }
}

/// A signature that this process made is good.
pub(super) fn learn_own(key: &PublicKey, message: &[u8], signature: &Signature) {
    verified::learn([digest(key, message, signature)]);
}

/// The key's point, if it can be anybody's: none of small order.
fn sound(key: &PublicKey) -> Option<VerificationKey> {
    points::known(key).or_else(|| {
        VerifyingKey::from_bytes(&key.0).ok().filter(|key| !key.is_weak())?;
        let point = VerificationKey::try_from(key.0).ok()?;
        points::learn(key, point);
        Some(point)
    })
}

/// Checks signatures together, a third of the cost each; the places of the bad ones, ascending.
#[must_use]
pub fn bad_signatures(claims: &[Claim]) -> Vec<usize> {
    let digests: Vec<Hash> = claims.iter().map(Claim::digest).collect();
    let unknown: Vec<usize> =
        (0..claims.len()).filter(|place| !verified::knows(&digests[*place])).collect();
    let mut bad = Vec::new();
    for places in unknown.chunks(TOGETHER) {
        find_bad(claims, &digests, places, &mut bad);
    }
    bad
}

/// Halves what does not hold together, so that one bad signature does not have all of them checked one
/// by one.
fn find_bad(claims: &[Claim], digests: &[Hash], places: &[usize], bad: &mut Vec<usize>) {
    if places.len() < WORTH_IT {
        let is_bad = |place: &&usize| {
            let claim = &claims[**place];
            !claim.key.verifies(&claim.message, &claim.signature)
        };
        bad.extend(places.iter().filter(is_bad));
    } else if hold_together(claims, digests, places) {
        verified::learn(places.iter().map(|place| digests[*place]));
    } else {
        let (first, second) = places.split_at(places.len() / 2);
        find_bad(claims, digests, first, bad);
        find_bad(claims, digests, second, bad);
    }
}

fn hold_together(claims: &[Claim], digests: &[Hash], places: &[usize]) -> bool {
    let keys: BTreeSet<&PublicKey> = places.iter().map(|place| &claims[*place].key).collect();
    if !keys.into_iter().all(|key| sound(key).is_some()) {
        return false;
    }
    let mut sum = batch::Verifier::new();
    places.iter().for_each(|place| sum.queue(claims[*place].item()));
    sum.verify(weights(places.iter().map(|place| digests[*place]))).is_ok()
}

/// Weights that nobody could know before all the signatures stood.
fn weights(digests: impl Iterator<Item = Hash>) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(hash_list(Domain::Verified, digests).0)
}

/// Signatures found good, remembered: a node meets the same one again in a forwarded call and its
/// block, in an ack, its certificate and the next block's justification. A memory of a pure
/// function's results, so that no answer depends on it; a bad signature is never remembered.
mod verified {
    use std::sync::{Mutex, PoisonError};

    use super::Hash;

    /// Slots, by the digest's first two bytes: 2 MiB. A newer signature takes an older one's.
    const SLOTS: usize = 1 << 16;

    static SEEN: Mutex<Vec<Hash>> = Mutex::new(Vec::new());

    fn slot(digest: &Hash) -> usize {
        usize::from(u16::from_be_bytes([digest.0[0], digest.0[1]]))
    }

    pub(super) fn knows(digest: &Hash) -> bool {
        let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(slot(digest)) == Some(digest)
    }

    pub(super) fn learn(digests: impl IntoIterator<Item = Hash>) {
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        seen.resize(SLOTS, Hash::ZERO);
        for digest in digests {
            seen[slot(&digest)] = digest;
        }
    }
}

/// Points of keys met before, ready for use: finding one costs a fifth of checking a signature. A
/// memory of a pure function's results, as above.
mod points {
    use std::sync::{Mutex, PoisonError};

    use ed25519_zebra::VerificationKey;

    use super::PublicKey;

    /// Slots, by the key's first bytes: 200 KiB. A newer key takes an older one's.
    const SLOTS: usize = 1 << 10;

    static SEEN: Mutex<Vec<Option<VerificationKey>>> = Mutex::new(Vec::new());

    fn slot(key: &PublicKey) -> usize {
        usize::from(u16::from_be_bytes([key.0[0], key.0[1]])) % SLOTS
    }

    pub(super) fn known(key: &PublicKey) -> Option<VerificationKey> {
        let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(slot(key)).copied().flatten().filter(|point| point.as_ref() == key.0)
    }

    pub(super) fn learn(key: &PublicKey, point: VerificationKey) {
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        seen.resize(SLOTS, None);
        seen[slot(key)] = Some(point);
    }
}

#[cfg(test)]
mod tests;
