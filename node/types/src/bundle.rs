//! Bundles: a node's one signature under many calls of the account that it acts for.
//!
//! In a channel whose members trust their own nodes with their calls, it stands in place of each call's
//! own signature, which only that node has checked then. What a node bundles that its account did not
//! sign is between the two: the calls keep their signatures for that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    call::{SignedCall, Transaction},
    codec,
    crypto::{Claim, PublicKey, Signable, Signature, Verify, check_signature},
    hash::Hash,
    ids::{Address, NodeId},
    limits,
};

/// What the node of an account signs: that the account asked for these calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The sender of all of them.
    pub account: Address,
    /// The calls as transactions of a block, by hash.
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::BUNDLE_CALLS }>")]
    pub calls: Vec<Hash>,
}

impl Signable for Bundle {
    const DOMAIN: &'static str = "bundle";
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBundle {
    pub bundle: Bundle,
    pub node: NodeId,
    pub signature: Signature,
}

impl SignedBundle {
    /// What is to be checked of it without any state.
    #[must_use]
    pub fn claim(&self) -> Claim {
        let key = PublicKey::from(self.node);
        Claim { key, message: self.bundle.signing_bytes(), signature: self.signature }
    }
}

impl Verify for SignedBundle {
    fn check(&self) -> Result<(), Refusal> {
        check_signature(&self.bundle, &PublicKey::from(self.node), &self.signature)
    }
}

/// A bundle on its way to the leader, with its calls in place of their hashes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledCalls {
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::BUNDLE_CALLS }>")]
    pub calls: Vec<SignedCall>,
    pub node: NodeId,
    pub signature: Signature,
}

impl BundledCalls {
    /// What blocks with these calls show; `None` without a call.
    #[must_use]
    pub fn signed(&self) -> Option<SignedBundle> {
        let account = self.calls.first()?.call.sender;
        let calls = self.calls.iter().map(Transaction::hash_of_call).collect();
        let bundle = Bundle { account, calls };
        Some(SignedBundle { bundle, node: self.node, signature: self.signature })
    }
}

impl Verify for BundledCalls {
    // P-133: the node signed for exactly these calls, which are all of one account.
    fn check(&self) -> Result<(), Refusal> {
        let Some(signed) = self.signed() else {
            return Err(Refusal::invalid("bundle", "there is no call in it"));
        };
        for call in &self.calls {
            call.check_form()?;
            if call.call.sender != signed.bundle.account {
                return Err(Refusal::invalid("bundle", "its calls are of several accounts"));
            }
        }
        signed.check()
    }
}

/// For which account a node vouches by each of the bundles' hashes.
#[derive(Debug, Default)]
pub(crate) struct Vouched<'a>(BTreeMap<&'a Hash, &'a Address>);

impl<'a> Vouched<'a> {
    /// By these bundles, if their signatures hold.
    pub(crate) fn by(bundles: &'a [SignedBundle]) -> Self {
        let of = |signed: &'a SignedBundle| {
            signed.bundle.calls.iter().map(|hash| (hash, &signed.bundle.account))
        };
        Self(bundles.iter().flat_map(of).collect())
    }

    /// P-133: whether a bundle stands for the call's signature; it must be one for its sender.
    pub(crate) fn covers(&self, call: &SignedCall, hash: &Hash) -> Result<bool, Refusal> {
        let Some(account) = self.0.get(hash) else { return Ok(false) };
        if **account != call.call.sender {
            return Err(Refusal::invalid("bundle", "it is for another account than the call's"));
        }
        call.check_form()?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, ChainId, ChannelId, Gas, Keypair, Operation, SequenceNumber, Time};

    fn call(account: u8, sequence: u64) -> SignedCall {
        let keypair = Keypair::from_seed(&[account; 32]);
        let call = Call {
            chain: ChainId(1),
            channel: ChannelId::ZERO,
            sender: keypair.address(),
            sequence: SequenceNumber(sequence),
            operation: Operation::Leave,
            gas_limit: Gas(0),
            expires_at: Time(1),
        };
        // Nobody but the account's node looks at this.
        SignedCall { signature: Signature::ZERO, key: keypair.public(), call }
    }

    fn bundled(calls: Vec<SignedCall>) -> BundledCalls {
        let keypair = Keypair::from_seed(&[9; 32]);
        let node = keypair.node_id();
        let mut bundled = BundledCalls { calls, node, signature: Signature::ZERO };
        if let Some(signed) = bundled.signed() {
            bundled.signature = keypair.sign(&signed.bundle);
        }
        bundled
    }

    #[test]
    fn calls_as_transactions_have_the_hashes_that_bundles_name() {
        let call = call(1, 0);
        assert_eq!(Transaction::hash_of_call(&call), Transaction::Call(call).hash());
    }

    /// P-133
    #[test]
    fn bundle_is_of_one_account_and_signed_for_exactly_its_calls() {
        let good = bundled(vec![call(1, 0), call(1, 1)]);
        assert_eq!(good.check(), Ok(()));
        assert!(bundled(Vec::new()).check().is_err());
        assert!(bundled(vec![call(1, 0), call(2, 0)]).check().is_err());
        let other = |change: &dyn Fn(&mut BundledCalls)| {
            let mut bundled = good.clone();
            change(&mut bundled);
            bundled.check().unwrap_err().name()
        };
        assert_eq!(other(&|bundled| drop(bundled.calls.pop())), "bad_signature");
        assert_eq!(other(&|bundled| bundled.calls.swap(0, 1)), "bad_signature");
        assert_eq!(other(&|bundled| bundled.calls[0].call.gas_limit = Gas(1)), "bad_signature");
        assert_eq!(other(&|bundled| bundled.calls[0].signature.0[0] ^= 1), "bad_signature");
        let stranger = Keypair::from_seed(&[8; 32]).node_id();
        assert_eq!(other(&|bundled| bundled.node = stranger), "bad_signature");
        let key = Keypair::from_seed(&[2; 32]).public();
        assert_eq!(other(&|bundled| bundled.calls[0].key = key), "bad_signature");
    }
}
