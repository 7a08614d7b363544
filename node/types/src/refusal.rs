//! Why a node says no to a peer or a client: one enum, stable wire codes. docs/errors.md has a
//! section for each code.

use serde::{Deserialize, Serialize};

use crate::{
    crypto::PublicKey,
    ids::{Address, AssetId, ChainId, ChannelId, GasTableId, Height, SequenceNumber, Time},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    #[error("channel {channel} does not exist on this chain")]
    ChannelNotFound { channel: ChannelId },
    #[error("{account} is not a member of the channel: join it on the settlement chain first")]
    NotAMember { account: Address },
    #[error("signature over {what} by key {key} does not verify")]
    BadSignature { what: String, key: PublicKey },
    #[error("sequence number {actual} of {account}: expected {expected}")]
    SequenceNumber { account: Address, expected: SequenceNumber, actual: SequenceNumber },
    #[error("aborted in {address}::{module} with code {code}{}", name.as_ref().map(|n| format!(" ({n})")).unwrap_or_default())]
    MoveAbort { address: String, module: String, code: u64, name: Option<String> },
    #[error("out of gas after {used} of {limit}: raise gas_limit or do less in one call")]
    OutOfGas { used: u64, limit: u64 },
    #[error("busy with {what}: retry in {retry_after_ms} ms")]
    Busy { what: String, retry_after_ms: u64 },
    #[error("the channel has no leader that can be reached: {reason}")]
    NoLeader { reason: String },
    #[error("the channel is closed")]
    Closed,
    #[error("invalid {what}: {reason}")]
    InvalidArgument { what: String, reason: String },
    #[error("{what} is too large: {actual}, the limit is {limit}")]
    TooLarge { what: String, actual: u64, limit: u64 },
    #[error("unauthorised: {reason}")]
    Unauthorised { reason: String },
    #[error("the call names channel {actual}, this is {expected}")]
    WrongChannel { expected: ChannelId, actual: ChannelId },
    #[error("chain id {actual}: this is chain {expected}")]
    WrongChain { expected: ChainId, actual: ChainId },
    #[error("expired at {expires_at}, it is {now}")]
    Expired { expires_at: Time, now: Time },
    #[error("no entry function {function}")]
    FunctionNotFound { function: String },
    #[error("package hash {actual}: the chain names {expected}")]
    PackageMismatch { expected: String, actual: String },
    #[error("package refused: {rule} at {location}: {actual}, the limit is {limit}")]
    PackageRefused { rule: String, location: String, actual: String, limit: String },
    #[error("package does not compile:\n{diagnostics}")]
    CompileError { diagnostics: String },
    #[error("malformed {what}: {reason}")]
    Malformed { what: String, reason: String },
    #[error("the settlement chain can't be reached: {reason}")]
    ChainUnreachable { reason: String },
    #[error("the settlement chain refused: {reason}")]
    ChainRejected { reason: String },
    #[error("the node can't store ({reason}): it signs nothing until it can")]
    StorageFull { reason: String },
    #[error("execution failed with VM status {code}{}", reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default())]
    ExecutionFailed { code: u64, reason: Option<String> },
    #[error("{what} not found")]
    NotFound { what: String },
    #[error("{what} is not kept here any more: this node has the blocks above {above}")]
    Pruned { what: String, above: Height },
    #[error("{what} is not available yet: {reason}")]
    NotReady { what: String, reason: String },
    #[error(
        "the call takes {spent} of asset {asset} out of the vault, its session key may take {left}: \
         sign with the account's key, or delegate more"
    )]
    OverSpent { asset: AssetId, left: u64, spent: u64 },
    #[error("internal error: {reason}")]
    Internal { reason: String },
    #[error(
        "the channel's config names gas table {table}, this version knows {}: run a version that \
         knows it, or create the channel with one of these",
        listed(known)
    )]
    GasTableUnknown { table: GasTableId, known: Vec<GasTableId> },
    #[error("this client asks too often: retry in {retry_after_ms} ms")]
    RateLimited { retry_after_ms: u64 },
}

impl Refusal {
    pub fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidArgument { what: what.into(), reason: reason.into() }
    }

    pub fn busy(what: impl Into<String>, retry_after_ms: u64) -> Self {
        Self::Busy { what: what.into(), retry_after_ms }
    }

    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// The stable code on the wire.
    #[must_use]
    pub const fn code(&self) -> i32 {
        self.entry().0
    }

    /// The stable name beside the code.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.entry().1
    }

    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::RateLimited { .. }
                | Self::NoLeader { .. }
                | Self::ChainUnreachable { .. }
                | Self::StorageFull { .. }
                | Self::NotReady { .. }
        )
    }

    /// After how many milliseconds the same request is heard, where the refusal says so.
    #[must_use]
    pub const fn retry_after_ms(&self) -> Option<u64> {
        let (Self::Busy { retry_after_ms, .. } | Self::RateLimited { retry_after_ms }) = self
        else {
            return None;
        };
        Some(*retry_after_ms)
    }

    /// The refusal as the wire shows it beside code and message.
    #[must_use]
    pub fn data(&self) -> RefusalData {
        let details = match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(variant)) => {
                variant.into_iter().next().map(|(_, fields)| fields).unwrap_or_default()
            }
            Ok(_) | Err(_) => serde_json::json!({}),
        };
        RefusalData { name: self.name().into(), details, transient: self.is_transient() }
    }

    /// The refusal that `data` shows; `None` for one that this version does not know.
    #[must_use]
    pub fn from_data(data: &RefusalData) -> Option<Self> {
        let variant: String = data.name.split('_').map(capitalised).collect();
        if data.details.as_object().is_some_and(serde_json::Map::is_empty) {
            return serde_json::from_value(variant.into()).ok();
        }
        serde_json::from_value(serde_json::json!({ variant: data.details })).ok()
    }

    const fn entry(&self) -> (i32, &'static str) {
        match self {
            Self::ChannelNotFound { .. } => (100_001, "channel_not_found"),
            Self::NotAMember { .. } => (100_002, "not_a_member"),
            Self::BadSignature { .. } => (100_003, "bad_signature"),
            Self::SequenceNumber { .. } => (100_004, "sequence_number"),
            Self::MoveAbort { .. } => (100_005, "move_abort"),
            Self::OutOfGas { .. } => (100_006, "out_of_gas"),
            Self::Busy { .. } => (100_007, "busy"),
            Self::NoLeader { .. } => (100_008, "no_leader"),
            Self::Closed => (100_009, "closed"),
            Self::InvalidArgument { .. } => (100_010, "invalid_argument"),
            Self::TooLarge { .. } => (100_011, "too_large"),
            Self::Unauthorised { .. } => (100_012, "unauthorised"),
            Self::WrongChannel { .. } => (100_013, "wrong_channel"),
            Self::WrongChain { .. } => (100_014, "wrong_chain"),
            Self::Expired { .. } => (100_015, "expired"),
            Self::FunctionNotFound { .. } => (100_016, "function_not_found"),
            Self::PackageMismatch { .. } => (100_017, "package_mismatch"),
            Self::PackageRefused { .. } => (100_018, "package_refused"),
            Self::CompileError { .. } => (100_019, "compile_error"),
            Self::Malformed { .. } => (100_020, "malformed"),
            Self::ChainUnreachable { .. } => (100_021, "chain_unreachable"),
            Self::ChainRejected { .. } => (100_022, "chain_rejected"),
            Self::StorageFull { .. } => (100_023, "storage_full"),
            Self::ExecutionFailed { .. } => (100_024, "execution_failed"),
            Self::NotFound { .. } => (100_025, "not_found"),
            Self::NotReady { .. } => (100_026, "not_ready"),
            Self::GasTableUnknown { .. } => (100_027, "gas_table_unknown"),
            Self::Pruned { .. } => (100_028, "pruned"),
            Self::OverSpent { .. } => (100_029, "over_spent"),
            Self::RateLimited { .. } => (100_030, "rate_limited"),
            Self::Internal { .. } => (100_099, "internal"),
        }
    }
}

fn listed(tables: &[GasTableId]) -> String {
    tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

impl From<crate::codec::DecodeError> for Refusal {
    fn from(error: crate::codec::DecodeError) -> Self {
        Self::Malformed { what: error.what.to_owned(), reason: error.reason }
    }
}

/// How the wire shows a refusal (JSON-RPC `error.data`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RefusalData {
    pub name: String,
    /// The refusal's fields, by name.
    pub details: serde_json::Value,
    pub transient: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_comes_back_from_its_data() {
        let refusals = [
            Refusal::ChannelNotFound { channel: ChannelId::ZERO },
            Refusal::NotAMember { account: Address::ZERO },
            Refusal::Closed,
            Refusal::busy("calls", 5),
            Refusal::GasTableUnknown { table: GasTableId(9), known: vec![GasTableId::MEASURED] },
            Refusal::Pruned { what: "block 3".into(), above: Height(9) },
            Refusal::MoveAbort { address: "0x42".into(), module: "m".into(), code: 3, name: None },
        ];
        for refusal in refusals {
            assert_eq!(Refusal::from_data(&refusal.data()), Some(refusal));
        }
        let unknown = RefusalData { name: "later".into(), ..Refusal::Closed.data() };
        assert_eq!(Refusal::from_data(&unknown), None);
    }

    /// Codes and names as `entry` lists them.
    fn listed() -> Vec<(String, String)> {
        include_str!("refusal.rs")
            .lines()
            .filter_map(|line| line.split_once("=> (100_"))
            .filter_map(|(_, rest)| rest.split_once(", \""))
            .map(|(code, name)| (format!("100{code}"), name.trim_end_matches("\"),").to_owned()))
            .collect()
    }

    #[test]
    fn every_code_is_unique_and_documented() {
        let document = include_str!("../../../docs/errors.md");
        let listed = listed();
        assert!(listed.len() > 25, "{listed:?}");
        for (place, (code, name)) in listed.iter().enumerate() {
            let row = format!("| {code} | `{name}` |");
            assert!(document.contains(&row), "docs/errors.md lacks {row}");
            assert!(listed[..place].iter().all(|(other, _)| other != code), "{code} twice");
        }
    }
}
