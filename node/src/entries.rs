//! Entries of a channel's state as people see them: whose, of what type, and the value as JSON.

use fairway_api::channel::{EntryKind, StateEntry};
use fairway_sandbox::MoveSandbox;
use fairway_types::{
    Address, Height, JoinSequence, Refusal, SequenceNumber, StateKey, Time, chain::MemberRecord,
    codec, session::Delegated, settlement::AssetAmount,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// An entry with its value.
#[must_use]
pub fn view(sandbox: &MoveSandbox, key: &StateKey, bytes: &[u8]) -> StateEntry {
    let (kind, owner, type_tag) = parts(key);
    StateEntry {
        key: name(key),
        kind,
        owner,
        type_tag,
        value: value(sandbox, key, bytes),
        size: bytes.len() as u64,
    }
}

/// The key's name: its BCS in hex.
#[must_use]
pub fn name(key: &StateKey) -> String {
    hex(&codec::encode(key))
}

/// The key with this name.
///
/// # Errors
/// `invalid_argument` for what is no key's name.
pub fn key_of(name: &str) -> Result<StateKey, Refusal> {
    let refuse = |reason: String| Refusal::invalid("key", reason);
    let digits = name.strip_prefix("0x").unwrap_or(name);
    let bytes = hex::decode(digits).map_err(|error| refuse(format!("{name}: {error}")))?;
    codec::decode("key", &bytes).map_err(|error| refuse(format!("{name}: {}", error.reason)))
}

/// The value as JSON; its bytes in hex where they are not of the key's type.
#[must_use]
pub fn value(sandbox: &MoveSandbox, key: &StateKey, bytes: &[u8]) -> Value {
    match key {
        StateKey::Resource { type_tag, .. } => {
            fairway_ledger::view::value(sandbox.abi(), type_tag, bytes)
        }
        StateKey::Sequence(_) => json::<SequenceNumber>(bytes),
        StateKey::Member(_) => json::<MemberRecord>(bytes),
        StateKey::Departed(_) | StateKey::Locked => json::<Vec<AssetAmount>>(bytes),
        StateKey::Closed => Value::Bool(true),
        StateKey::Settled => json::<u64>(bytes),
        StateKey::Entered => json::<Vec<(JoinSequence, JoinSequence)>>(bytes),
        StateKey::Ticked => json::<Time>(bytes),
        StateKey::Registered => json::<Height>(bytes),
        StateKey::Counted => json::<(u64, u64)>(bytes),
        StateKey::Sessions(_) => json::<Vec<Delegated>>(bytes),
        StateKey::Result | StateKey::Module { .. } | StateKey::Package(_) => {
            Value::String(hex(bytes))
        }
    }
}

fn json<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Value {
    let decoded = codec::decode::<T>("entry", bytes).ok();
    let value = decoded.and_then(|decoded| serde_json::to_value(decoded).ok());
    value.unwrap_or_else(|| Value::String(hex(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn parts(key: &StateKey) -> (EntryKind, Option<Address>, Option<String>) {
    let (kind, owner) = match key {
        StateKey::Resource { address, type_tag } => {
            return (EntryKind::Resource, Some(*address), Some(type_tag.to_string()));
        }
        StateKey::Sequence(account) => (EntryKind::Sequence, Some(*account)),
        StateKey::Member(account) => (EntryKind::Member, Some(*account)),
        StateKey::Departed(account) => (EntryKind::Departed, Some(*account)),
        StateKey::Sessions(account) => (EntryKind::Sessions, Some(*account)),
        StateKey::Module { address, .. } => (EntryKind::Module, Some(*address)),
        StateKey::Locked => (EntryKind::Locked, None),
        StateKey::Closed => (EntryKind::Closed, None),
        StateKey::Settled => (EntryKind::Settled, None),
        StateKey::Package(_) => (EntryKind::Package, None),
        StateKey::Entered => (EntryKind::Entered, None),
        StateKey::Ticked => (EntryKind::Ticked, None),
        StateKey::Registered => (EntryKind::Registered, None),
        StateKey::Counted => (EntryKind::Counted, None),
        StateKey::Result => (EntryKind::Result, None),
    };
    (kind, owner, None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn key_comes_back_from_its_name() {
        let keys = [
            StateKey::resource(Address::from_low(7), "0x2::vault::Vault"),
            StateKey::Sequence(Address::from_low(8)),
            StateKey::Locked,
        ];
        for key in keys {
            assert_eq!(key_of(&name(&key)).unwrap(), key);
        }
        for wrong in ["0xzz", "0x", "0xff", "0x0400"] {
            assert!(matches!(key_of(wrong), Err(Refusal::InvalidArgument { .. })), "{wrong}");
        }
    }
}
