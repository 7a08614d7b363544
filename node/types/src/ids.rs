//! Newtypes for every id, height, time and amount. Fixed-size ids are raw bytes in BCS and
//! `0x`-prefixed lower-case hex in JSON; numbers are `u64` in both.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 0x and {expected} hex digits, found {found:?}")]
pub struct ParseIdError {
    pub expected: usize,
    pub found: String,
}

/// Declares a newtype over `[u8; N]` with hex text, serde, ordering and a JSON schema.
#[macro_export]
macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Bytes in the id.
            pub const LENGTH: usize = $len;
            pub const ZERO: Self = Self([0; $len]);

            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// The id in `bytes`, if they have the right length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The first four bytes, for logs.
            #[must_use]
            pub fn short(&self) -> String {
                ::hex::encode(&self.0[..4])
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "0x{}", ::hex::encode(self.0))
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}(0x{})", stringify!($name), self.short())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::ids::ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = text.strip_prefix("0x").unwrap_or(text);
                let mut bytes = [0; $len];
                ::hex::decode_to_slice(digits, &mut bytes).map_err(|_| {
                    $crate::ids::ParseIdError { expected: 2 * $len, found: text.chars().take(160).collect() }
                })?;
                Ok(Self(bytes))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    return serializer.collect_str(self);
                }
                $crate::codec::serialize_array(&self.0, serializer)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = <::std::borrow::Cow<'_, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                    return text.parse().map_err(::serde::de::Error::custom);
                }
                $crate::codec::deserialize_array(deserializer).map(Self)
            }
        }

        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({
                    "type": "string",
                    "pattern": format!("^0x[0-9a-f]{{{}}}$", 2 * $len),
                })
            }
        }
    };
}

byte_id!(
    /// An account: SHA-256 of its public key under the domain `account`. Also a Move address.
    Address, 32
);
byte_id!(
    /// A channel: SHA-256 over chain id, creator and the creator's channel number.
    ChannelId, 32
);
byte_id!(
    /// An asset of the settlement chain's `coin` module, named by a 32-byte id.
    AssetId, 32
);
byte_id!(
    /// A node: its ed25519 public key. Its chain account is the address of that key.
    NodeId, 32
);

/// Assets and Move addresses have one representation inside Move.
impl From<AssetId> for Address {
    fn from(asset: AssetId) -> Self {
        Self(asset.0)
    }
}

impl Address {
    /// The address whose last byte is `n`, as Move writes `0xN`.
    #[must_use]
    pub const fn from_low(n: u8) -> Self {
        let mut bytes = [0; 32];
        bytes[31] = n;
        Self(bytes)
    }

    /// The address a Move literal such as `0x2` or a full 64-digit one stands for.
    pub fn from_literal(text: &str) -> Result<Self, ParseIdError> {
        let refuse = || ParseIdError { expected: 64, found: text.chars().take(160).collect() };
        let digits = text.strip_prefix("0x").ok_or_else(refuse)?;
        if digits.is_empty() || digits.len() > 64 {
            return Err(refuse());
        }
        format!("{digits:0>64}").parse().map_err(|_| refuse())
    }

    /// Move's short form: `0x2` for the address ending in 2.
    #[must_use]
    pub fn to_literal(&self) -> String {
        let mut digits = [b'0'; 2 * Self::LENGTH];
        // The room is exactly right: nothing can fail.
        let _ = hex::encode_to_slice(self.0, &mut digits);
        let last = digits.len() - 1;
        let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(last);
        let mut text = String::with_capacity(2 + digits.len() - first);
        text.push_str("0x");
        text.extend(digits[first..].iter().map(|digit| char::from(*digit)));
        text
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            pub const ZERO: Self = Self(0);

            /// The next value; saturates, since no counter here can reach `u64::MAX` in practice.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// The value before; zero stays zero.
            #[must_use]
            pub const fn previous(self) -> Self {
                Self(self.0.saturating_sub(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number!(
    /// A settlement chain's id; signed into everything, so nothing can be replayed on another chain.
    ChainId
);
number!(
    /// A block's number in its channel (or ledger). Genesis is 0.
    Height
);
number!(
    /// A sender's next call in a channel, or an account's next transaction on the ledger. Starts at 0.
    SequenceNumber
);
number!(
    /// The order in which members joined a channel; given by the contract, starts at 1.
    JoinSequence
);
number!(
    /// A term's first part, granted by the settlement contract. Starts at 1.
    Epoch
);
number!(
    /// A term's second part, granted by a view-change certificate. Starts at 0 in every epoch.
    View
);
number!(
    /// Gas units of the Move VM.
    Gas
);
/// Names a gas table: what execution costs in a channel. Tables never change; zero names none.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct GasTableId(pub u8);

impl GasTableId {
    /// Prices follow the time and memory that execution takes.
    pub const MEASURED: Self = Self(1);
    /// The same, and what a call leaves behind in state and log costs too.
    pub const STORAGE: Self = Self(2);
}

impl Default for GasTableId {
    fn default() -> Self {
        Self::MEASURED
    }
}

impl fmt::Display for GasTableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for GasTableId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

number!(
    /// A member's share in quorums.
    Weight
);
number!(
    /// Milliseconds since the Unix epoch.
    Time
);

impl Time {
    #[must_use]
    pub const fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Who leads, in order: terms only grow. One leader per term.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
pub struct Term {
    pub epoch: Epoch,
    pub view: View,
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_literal_round_trips_in_both_forms() {
        let two = Address::from_low(2);
        assert_eq!(Address::from_literal("0x2"), Ok(two));
        assert_eq!(two.to_literal(), "0x2");
        assert_eq!(two.to_string().parse(), Ok(two));
        assert_eq!(Address::ZERO.to_literal(), "0x0");
    }

    #[test]
    fn bad_ids_are_named_in_the_error() {
        let error = "0x12".parse::<Hash32>().unwrap_err();
        assert_eq!(error.to_string(), "expected 0x and 64 hex digits, found \"0x12\"");
        assert!(Address::from_literal("2").is_err());
        assert!(Address::from_literal("0x").is_err());
    }

    type Hash32 = ChannelId;

    #[test]
    fn ids_are_raw_in_bcs_and_hex_in_json() {
        let id = NodeId([7; 32]);
        assert_eq!(bcs::to_bytes(&id).unwrap(), vec![7; 32]);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<NodeId>(&json).unwrap(), id);
        assert_eq!(bcs::from_bytes::<NodeId>(&[7; 32]).unwrap(), id);
        assert!(bcs::from_bytes::<NodeId>(&[7; 31]).is_err());
    }

    #[test]
    fn terms_order_by_epoch_then_view() {
        let term = |epoch, view| Term { epoch: Epoch(epoch), view: View(view) };
        assert!(term(1, 9) < term(2, 0));
        assert!(term(2, 0) < term(2, 1));
    }
}
