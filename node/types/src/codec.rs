//! BCS, the one binary format: what is signed, hashed, sent and stored.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, SeqAccess, Visitor},
    ser::SerializeTuple,
};

/// Bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed {what}: {reason}")]
pub struct DecodeError {
    pub what: &'static str,
    pub reason: String,
}

/// The BCS bytes of `value`.
///
/// # Panics
/// Never for the types of this workspace: they hold no maps with unordered keys, no floats and no
/// sequences over 2^31 entries, which are the only things BCS refuses.
#[must_use]
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    match bcs::to_bytes(value) {
        Ok(bytes) => bytes,
        Err(error) => unreachable!("a type outside BCS: {error}"),
    }
}

/// How many bytes that are.
#[must_use]
pub fn size<T: Serialize + ?Sized>(value: &T) -> usize {
    match bcs::serialized_size(value) {
        Ok(size) => size,
        Err(error) => unreachable!("a type outside BCS: {error}"),
    }
}

/// The same, behind what `bytes` holds.
pub fn append<T: Serialize + ?Sized>(bytes: &mut Vec<u8>, value: &T) {
    if let Err(error) = bcs::serialize_into(bytes, value) {
        unreachable!("a type outside BCS: {error}");
    }
}

/// The value in `bytes`, all of them; `what` names it in the error.
pub fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, DecodeError> {
    bcs::from_bytes(bytes).map_err(|error| DecodeError { what, reason: error.to_string() })
}

/// Bytes taken at a time of an array: BCS writes a `u128` as its bytes, the lowest first.
const WORD: usize = 16;

/// `[u8; N]` for any N that is a multiple of 16, without a length: the bytes as they are, in words,
/// since serde would hand them over one by one.
pub(crate) fn serialize_array<S: Serializer, const N: usize>(
    bytes: &[u8; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    const { assert!(N.is_multiple_of(WORD)) };
    let mut tuple = serializer.serialize_tuple(N / WORD)?;
    for word in bytes.as_chunks::<WORD>().0 {
        tuple.serialize_element(&u128::from_le_bytes(*word))?;
    }
    tuple.end()
}

/// What [`serialize_array`] wrote.
pub(crate) fn deserialize_array<'de, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
) -> Result<[u8; N], D::Error> {
    struct Bytes<const N: usize>;

    impl<'de, const N: usize> Visitor<'de> for Bytes<N> {
        type Value = [u8; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{N} bytes")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut bytes = [0; N];
            for (index, room) in bytes.as_chunks_mut::<WORD>().0.iter_mut().enumerate() {
                let word: u128 = seq
                    .next_element()?
                    .ok_or_else(|| serde::de::Error::invalid_length(index * WORD, &self))?;
                *room = word.to_le_bytes();
            }
            Ok(bytes)
        }
    }

    deserializer.deserialize_tuple(N / WORD, Bytes)
}

/// Serde for lists of at most `MOST` entries: a longer one is refused at the first entry too many.
/// For lists whose entries may take far more room in memory than on the wire.
pub fn at_most<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MOST: usize>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct List<T, const MOST: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MOST} entries")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = seq.next_element()? {
                if entries.len() == MOST {
                    return Err(serde::de::Error::invalid_length(MOST + 1, &self));
                }
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_seq(List::<T, MOST>(PhantomData))
}

/// Serde for `Vec<u8>` fields: bytes in BCS, `0x` hex in JSON.
pub mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&format!("0x{}", hex::encode(bytes)))
        } else {
            serializer.serialize_bytes(bytes)
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        if !deserializer.is_human_readable() {
            return Ok(serde_bytes::ByteBuf::deserialize(deserializer)?.into_vec());
        }
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map_err(serde::de::Error::custom)
    }
}

/// Serde for a call's arguments: bytes in BCS, `0x` hex strings in JSON.
pub mod hex_list {
    use serde::{Deserializer, Serialize, Serializer, ser::SerializeSeq};

    use crate::limits::CALL_ARGUMENTS;

    pub fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            let list: Vec<&serde_bytes::Bytes> =
                list.iter().map(|bytes| serde_bytes::Bytes::new(bytes)).collect();
            return list.serialize(serializer);
        }
        let mut seq = serializer.serialize_seq(Some(list.len()))?;
        for bytes in list {
            seq.serialize_element(&format!("0x{}", hex::encode(bytes)))?;
        }
        seq.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        if !deserializer.is_human_readable() {
            let list = super::at_most::<_, serde_bytes::ByteBuf, CALL_ARGUMENTS>(deserializer)?;
            return Ok(list.into_iter().map(serde_bytes::ByteBuf::into_vec).collect());
        }
        let texts = super::at_most::<_, String, CALL_ARGUMENTS>(deserializer)?;
        texts
            .iter()
            .map(|text| hex::decode(text.strip_prefix("0x").unwrap_or(text)))
            .collect::<Result<_, _>>()
            .map_err(serde::de::Error::custom)
    }
}

/// Serde for `u64` amounts: a decimal string in JSON (a number is taken too), so that no reader
/// rounds one above 2^53; eight bytes in BCS.
pub mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(value);
        }
        serializer.serialize_u64(*value)
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer);
        }
        match Either::deserialize(deserializer)? {
            Either::Number(value) => Ok(value),
            Either::Text(text) => text.parse().map_err(|_| {
                D::Error::custom(format!("expected an amount in decimal digits, found {text:?}"))
            }),
        }
    }
}
