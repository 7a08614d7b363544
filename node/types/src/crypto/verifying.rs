//! Which signatures are good, found one by one or for many together: the two never differ.
//!
//! The rule: the key is a point that is not of small order, the signature's scalar is canonical, and
//! `8(sB - R - kA) = 0`. With the factor 8 (as in ZIP 215) the sum over many signatures with random
//! weights is zero exactly when each of them is good, up to a chance of 2^-128; without it, as RFC 8032
//! also allows, a sum accepts signatures that one by one are refused. Keys of small order are refused
//! since one signature of theirs is good for every message. See ADR 0025.

use std::collections::BTreeMap;

use chacha20::{ChaCha20Rng, rand_core::SeedableRng};
use ed25519_dalek::VerifyingKey;
use ed25519_zebra::{VerificationKey, VerificationKeyBytes, batch};

use super::{PublicKey, Signature};
use crate::hash::{Domain, Hash, hash, hash_list};

/// Signatures summed up at a time: more are hardly cheaper each, and one bad one costs checking all of
/// them one by one.
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
        let good = is_sound(self) && holds(self, message, signature);
        if good {
            verified::learn([digest]);
        }
        good
    }
}

/// Whether the key can be anybody's: no point of small order.
fn is_sound(key: &PublicKey) -> bool {
    VerifyingKey::from_bytes(&key.0).is_ok_and(|key| !key.is_weak())
}

fn holds(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    let signature = ed25519_zebra::Signature::from(signature.0);
    VerificationKey::try_from(key.0).is_ok_and(|key| key.verify(&signature, message).is_ok())
}

/// Checks signatures together, a third of the cost each; the place of the first bad one, if one is.
pub fn check_all(claims: &[Claim]) -> Result<(), usize> {
    let digests: Vec<Hash> = claims.iter().map(Claim::digest).collect();
    let unknown: Vec<usize> =
        (0..claims.len()).filter(|place| !verified::knows(&digests[*place])).collect();
    for places in unknown.chunks(TOGETHER) {
        if places.len() >= WORTH_IT && hold_together(claims, &digests, places) {
            verified::learn(places.iter().map(|place| digests[*place]));
            continue;
        }
        for place in places {
            let claim = &claims[*place];
            if !claim.key.verifies(&claim.message, &claim.signature) {
                return Err(*place);
            }
        }
    }
    Ok(())
}

fn hold_together(claims: &[Claim], digests: &[Hash], places: &[usize]) -> bool {
    let mut sound: BTreeMap<PublicKey, bool> = BTreeMap::new();
    let mut all_sound = places.iter().map(|place| claims[*place].key);
    if !all_sound.all(|key| *sound.entry(key).or_insert_with(|| is_sound(&key))) {
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

#[cfg(test)]
mod tests;
