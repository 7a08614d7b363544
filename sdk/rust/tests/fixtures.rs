//! The vectors of sdk/fixtures, which the TypeScript SDK reads too: both sign the same bytes and refuse
//! the same arguments with the same words.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use fairway_sdk::{ChannelId, Hash, Keypair, PackageSource, Refusal};
use fairway_types::{
    Address, Call, FunctionName,
    abi::{PackageAbi, TypeAbi, codec as values},
    codec, contract,
    ids::ChainId,
    ledger::LedgerTransaction,
};
use serde_json::Value;

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn rows(value: &Value) -> &[Value] {
    let rows = value.as_array().unwrap();
    assert!(!rows.is_empty());
    rows
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

fn key(row: &Value) -> Keypair {
    let seed = text(row, "seed").parse::<Hash>().unwrap();
    Keypair::from_seed(&seed.0)
}

#[test]
fn keys_have_these_addresses() {
    for row in rows(&read("keys.json")) {
        assert_eq!(key(row).public().to_string(), text(row, "public_key"));
        assert_eq!(key(row).address().to_string(), text(row, "address"));
    }
}

#[test]
fn calls_are_these_bytes_with_these_signatures() {
    for row in rows(&read("calls.json")) {
        let call: Call = serde_json::from_value(row["call"].clone()).unwrap();
        assert_eq!(hex(&codec::encode(&call)), text(row, "bcs"), "{}", row["name"]);
        assert_eq!(call.hash().to_string(), text(row, "hash"));
        assert_eq!(key(row).sign(&call).to_string(), text(row, "signature"));
    }
}

#[test]
fn transactions_are_these_bytes_with_these_signatures() {
    for row in rows(&read("transactions.json")) {
        let given = row["transaction"].clone();
        let transaction: LedgerTransaction = serde_json::from_value(given).unwrap();
        assert_eq!(hex(&codec::encode(&transaction)), text(row, "bcs"), "{}", row["name"]);
        assert_eq!(transaction.hash().to_string(), text(row, "hash"));
        assert_eq!(key(row).sign(&transaction).to_string(), text(row, "signature"));
        assert_eq!(transaction.payload.most_gas(), transaction.gas_limit);
    }
}

#[test]
fn packages_and_channels_have_these_hashes() {
    let hashes = read("hashes.json");
    for row in rows(&hashes["packages"]) {
        let source: PackageSource = serde_json::from_value(row["source"].clone()).unwrap();
        assert_eq!(source.hash().to_string(), text(row, "hash"));
    }
    for row in rows(&hashes["channels"]) {
        let chain = ChainId(row["chain"].as_u64().unwrap());
        let creator: Address = text(row, "creator").parse().unwrap();
        let id: ChannelId = text(row, "id").parse().unwrap();
        assert_eq!(contract::channel_id(chain, creator, row["number"].as_u64().unwrap()), id);
    }
}

#[test]
fn values_are_these_bytes_by_their_type() {
    let given = read("arguments.json");
    let abi: PackageAbi = serde_json::from_value(given["abi"].clone()).unwrap();
    for row in rows(&given["good"]) {
        let ty: TypeAbi = text(row, "type").parse().unwrap();
        assert_eq!(ty.to_string(), text(row, "type"));
        let bytes = values::encode(&abi, &ty, &row["value"]).unwrap();
        assert_eq!(hex(&bytes), text(row, "bcs"), "{row}");
    }
    for row in rows(&given["bad"]) {
        let ty: TypeAbi = text(row, "type").parse().unwrap();
        let error = values::encode(&abi, &ty, &row["value"]).unwrap_err();
        assert_eq!(Refusal::from(error).to_string(), text(row, "message"), "{row}");
    }
}

#[test]
fn arguments_of_functions_are_these_bytes_or_refused_with_these_words() {
    let given = read("arguments.json");
    let abi: PackageAbi = serde_json::from_value(given["abi"].clone()).unwrap();
    for row in rows(&given["calls"]) {
        let bytes: Vec<String> = arguments(&abi, row).unwrap().iter().map(|arg| hex(arg)).collect();
        assert_eq!(Value::from(bytes), row["bcs"], "{row}");
    }
    for row in rows(&given["bad_calls"]) {
        let refusal = arguments(&abi, row).unwrap_err();
        assert_eq!(refusal.to_string(), text(row, "message"), "{row}");
    }
}

/// As a member's session finds the function and encodes what it takes.
fn arguments(abi: &PackageAbi, row: &Value) -> Result<Vec<Vec<u8>>, Refusal> {
    let function: FunctionName = text(row, "function").parse()?;
    let entry = abi
        .module(&function.address, &function.module)
        .and_then(|module| module.function(&function.function))
        .filter(|entry| entry.entry)
        .ok_or_else(|| Refusal::FunctionNotFound { function: function.to_string() })?;
    let parse = |value: &Value| {
        let text = value.as_str().unwrap();
        text.parse::<TypeAbi>().map_err(|_| Refusal::invalid("type argument", text))
    };
    let types: Vec<TypeAbi> =
        row["type_args"].as_array().unwrap().iter().map(parse).collect::<Result<_, _>>()?;
    let args = row["args"].as_array().unwrap();
    values::encode_args(abi, entry, &types, args).map_err(Refusal::from)
}
