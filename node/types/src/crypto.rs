//! Ed25519 keys and signatures over BCS with a domain prefix. Signing is deterministic; a verified
//! value can only be made by checking its signature.

mod verifying;

use std::ops::Deref;

use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};

pub use self::verifying::{Claim, bad_signatures};
use crate::{
    Refusal, byte_id, codec,
    hash::{Domain, hash},
    ids::{Address, NodeId},
};

byte_id!(
    /// An ed25519 public key.
    PublicKey, 32
);
byte_id!(
    /// An ed25519 signature.
    Signature, 64
);

impl PublicKey {
    /// The account this key owns.
    #[must_use]
    pub fn address(&self) -> Address {
        Address(hash(Domain::Account, &self.0).0)
    }
}

impl From<NodeId> for PublicKey {
    fn from(node: NodeId) -> Self {
        Self(node.0)
    }
}

impl From<PublicKey> for NodeId {
    fn from(key: PublicKey) -> Self {
        Self(key.0)
    }
}

impl NodeId {
    /// The chain account with which the node sends heartbeats, votes and proposals.
    #[must_use]
    pub fn address(&self) -> Address {
        PublicKey::from(*self).address()
    }
}

const PREFIX: &str = "fairway/1/sign/";

/// What is signed as `fairway/1/sign/<DOMAIN>`, a zero byte and the BCS bytes.
pub trait Signable: Serialize {
    const DOMAIN: &'static str;
    /// Bytes of the prefix.
    const PREFIX_BYTES: usize = PREFIX.len() + Self::DOMAIN.len() + 1;

    fn signing_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(PREFIX.as_bytes());
        bytes.extend_from_slice(Self::DOMAIN.as_bytes());
        bytes.push(0);
        codec::append(&mut bytes, self);
        bytes
    }
}

/// A signing key. Never printed; wiped when dropped.
#[derive(Clone)]
pub struct Keypair(SigningKey);

impl Keypair {
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The secret seed, for a key file.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    #[must_use]
    pub fn address(&self) -> Address {
        self.public().address()
    }

    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.public().into()
    }

    #[must_use]
    pub fn sign<T: Signable>(&self, value: &T) -> Signature {
        self.sign_bytes(&value.signing_bytes())
    }

    /// Signs what others will send back: this process need not check it then.
    #[must_use]
    pub fn sign_known<T: Signable>(&self, value: &T) -> Signature {
        let bytes = value.signing_bytes();
        let signature = self.sign_bytes(&bytes);
        verifying::learn_own(&self.public(), &bytes, &signature);
        signature
    }

    /// Signs bytes that already carry their domain.
    #[must_use]
    pub fn sign_bytes(&self, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(bytes).to_bytes())
    }
}

impl std::fmt::Debug for Keypair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keypair({})", self.public().short())
    }
}

/// Proof in the type that every signature in `T` was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub fn into_inner(self) -> T {
        self.0
    }

    /// For values whose signatures this node checked earlier and stored, or made itself.
    pub fn trusted(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What carries signatures that can be checked without any state.
pub trait Verify: Sized {
    fn check(&self) -> Result<(), Refusal>;

    fn verify(self) -> Result<Verified<Self>, Refusal> {
        self.check()?;
        Ok(Verified(self))
    }
}

/// `Ok` if `signature` is `key`'s over `value`; else a refusal that names what was signed.
pub fn check_signature<T: Signable>(
    value: &T,
    key: &PublicKey,
    signature: &Signature,
) -> Result<(), Refusal> {
    if key.verifies(&value.signing_bytes(), signature) {
        return Ok(());
    }
    Err(Refusal::BadSignature { what: T::DOMAIN.to_owned(), key: *key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Note(u64);
    impl Signable for Note {
        const DOMAIN: &'static str = "note";
    }

    #[derive(Serialize)]
    struct OtherNote(u64);
    impl Signable for OtherNote {
        const DOMAIN: &'static str = "other-note";
    }

    #[test]
    fn signature_holds_for_its_key_value_and_domain_only() {
        let key = Keypair::from_seed(&[1; 32]);
        let other = Keypair::from_seed(&[2; 32]);
        let signature = key.sign(&Note(5));
        // Twice: the second answer comes from memory.
        assert!(check_signature(&Note(5), &key.public(), &signature).is_ok());
        assert!(check_signature(&Note(5), &key.public(), &signature).is_ok());
        assert!(check_signature(&Note(6), &key.public(), &signature).is_err());
        assert!(check_signature(&OtherNote(5), &key.public(), &signature).is_err());
        assert!(check_signature(&Note(5), &other.public(), &signature).is_err());
    }

    #[test]
    fn small_order_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut zero = Signature::ZERO;
        zero.0[0] = 1;
        assert!(!PublicKey(identity).verifies(b"anything", &zero));
    }
}
