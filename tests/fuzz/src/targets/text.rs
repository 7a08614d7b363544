//! Ids, keys, types, functions and amounts as people and programs write them.

use fairway_types::{
    Address, AssetId, ChannelId, FunctionName, Gas, Hash, Height, Keypair, NodeId, PublicKey,
    Signature, Time, abi::TypeAbi,
};

use super::Verdict;
use crate::check::stable_text;

/// A text is taken as everything that it may be.
pub(super) fn any(data: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(data) else { return Verdict::Refused };
    let ids = [
        stable_text::<ChannelId>(text).is_some(),
        stable_text::<AssetId>(text).is_some(),
        stable_text::<NodeId>(text).is_some(),
        stable_text::<Hash>(text).is_some(),
        stable_text::<Signature>(text).is_some(),
        stable_text::<PublicKey>(text).is_some_and(verifies_nothing),
        stable_text::<FunctionName>(text).is_some(),
        stable_text::<TypeAbi>(text).is_some(),
        address(text),
    ];
    let numbers = [
        stable_text::<Height>(text).is_some(),
        stable_text::<Gas>(text).is_some(),
        stable_text::<Time>(text).is_some(),
    ];
    (ids.contains(&true) || numbers.contains(&true)).into()
}

fn address(text: &str) -> bool {
    let Ok(address) = Address::from_literal(text) else {
        return stable_text::<Address>(text).is_some();
    };
    assert_eq!(Address::from_literal(&address.to_literal()), Ok(address));
    true
}

/// No key, on the curve or off it, takes a signature that nobody made.
fn verifies_nothing(key: PublicKey) -> bool {
    let other = Keypair::from_seed(&[1; 32]).sign_bytes(b"other");
    assert!(!key.verifies(b"message", &other) && !key.verifies(b"message", &Signature::ZERO));
    true
}
