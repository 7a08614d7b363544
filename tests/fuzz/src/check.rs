//! The properties that several targets share.

use std::fmt::Debug;

use fairway_types::codec;
use serde::{Serialize, de::DeserializeOwned};

/// The value in `bytes`, if they are one. Signatures and hashes are over bytes, so no value may have
/// two encodings: what is decoded encodes to the same bytes.
pub fn canonical<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let value: T = codec::decode("input", bytes).ok()?;
    assert!(codec::encode(&value) == bytes, "decoded bytes encode to others");
    Some(value)
}

/// The value in a JSON text, if it is one: written and read again it stays the same.
pub fn stable_json<T: Serialize + DeserializeOwned>(text: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(text).ok()?;
    let written = json(&value);
    let again: T = match serde_json::from_str(&written) {
        Ok(again) => again,
        Err(error) => panic!("{written} does not read back: {error}"),
    };
    assert_eq!(json(&again), written, "JSON changes when it is read back");
    Some(value)
}

/// The value in a text, if it is one: its own text gives it back.
pub fn stable_text<T>(text: &str) -> Option<T>
where
    T: std::str::FromStr + std::fmt::Display + PartialEq + Debug,
{
    let value: T = text.parse().ok()?;
    let written = value.to_string();
    assert_eq!(written.parse().ok().as_ref(), Some(&value), "{text:?} became {written:?}");
    Some(value)
}

fn json<T: Serialize>(value: &T) -> String {
    match serde_json::to_string(value) {
        Ok(text) => text,
        Err(error) => panic!("a decoded value has no JSON: {error}"),
    }
}
