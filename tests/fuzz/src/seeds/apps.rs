//! What apps and their authors write: JSON, types, ids, packages.

use fairway_sandbox::{compile, read_package};
use fairway_types::{
    Address, Keypair, codec,
    ledger::{PackageSource, SourceFile},
};

use super::{Seeds, kind, seed};

const COIN: &str =
    r#"{"to":"0x0000000000000000000000000000000000000000000000000000000000000009","amount":"25"}"#;

/// The example whose sources are part of the corpus.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/examples/payments");

const SMALL: &str = "module app::app {
    struct Count has key { value: u64 }
    const E_FULL: u64 = 1;
    public entry fun add(account: &signer, more: u64) acquires Count {
        let at = std::signer::address_of(account);
        if (!exists<Count>(at)) move_to(account, Count { value: 0 });
        let count = borrow_global_mut<Count>(at);
        assert!(count.value < 100, E_FULL);
        count.value = count.value + more;
    }
    public fun count(of: address): u64 acquires Count { borrow_global<Count>(of).value }
    fun on_tick(_: &signer) {}
}
";

const GENERIC: &str = "module app::bag {
    use std::option::{Self, Option};
    struct Bag<T: store> has key { items: vector<T>, best: Option<T> }
    public fun open<T: store>(account: &signer) {
        move_to(account, Bag<T> { items: vector[], best: option::none() })
    }
    public fun size<T: store>(of: address): u64 acquires Bag {
        std::vector::length(&borrow_global<Bag<T>>(of).items)
    }
    public fun sum(to: u64): u64 {
        let (i, sum) = (0, 0);
        while (i < to) { i = i + 1; if (i % 3 == 0) continue; sum = sum + i; };
        sum
    }
}
";

pub(super) fn small_package() -> PackageSource {
    package(SMALL)
}

fn package(text: &str) -> PackageSource {
    PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "sources/app.move".into(), text: text.into() }],
    }
}

pub(super) fn packages() -> Seeds {
    let example = match read_package(EXAMPLE.as_ref()) {
        Ok(example) => codec::encode(&example),
        Err(error) => panic!("{error}"),
    };
    vec![
        seed("text-small", SMALL),
        seed("text-generic", GENERIC),
        seed("small", codec::encode(&small_package())),
        seed("payments", example),
    ]
}

pub(super) fn modules() -> Seeds {
    let bytes = |text: &str| match compile(&package(text)) {
        Ok(package) => package.modules.into_iter().map(|module| module.bytecode).next(),
        Err(error) => panic!("{error}"),
    };
    [("small", SMALL), ("generic", GENERIC)]
        .into_iter()
        .filter_map(|(name, text)| Some(seed(name, bytes(text)?)))
        .collect()
}

fn typed(name: &str, ty: &str, rest: impl AsRef<[u8]>) -> (String, Vec<u8>) {
    let mut data = format!("{ty}\n").into_bytes();
    data.extend(rest.as_ref());
    seed(name, data)
}

pub(super) fn arguments() -> Seeds {
    let many = format!(r#"{{"all":[{COIN},{COIN}],"name":"n","best":{COIN}}}"#);
    vec![
        typed("bool", "bool", "true"),
        typed("u64", "u64", r#""18446744073709551615""#),
        typed("u128", "u128", "7"),
        typed("address", "address", r#""0x2""#),
        typed("bytes", "vector<u8>", r#""0x00ff""#),
        typed("list", "vector<vector<u64>>", "[[1,2],[]]"),
        typed("string", "0x1::string::String", r#""pätch""#),
        typed("option", "0x1::option::Option<u8>", "null"),
        typed("struct", "0x42::app::Coin", COIN),
        typed("pair", "0x42::app::Pair<bool>", r#"{"left":true,"right":false}"#),
        typed("many", "0x42::app::Many<0x42::app::Coin>", many),
    ]
}

pub(super) fn results() -> Seeds {
    let coin = codec::encode(&(Address::from_low(9), 25u64));
    let many = [&[2][..], &coin, &coin, &[1, b'n', 1], &coin].concat();
    vec![
        typed("bool", "bool", [1]),
        typed("u64", "u64", 7u64.to_le_bytes()),
        typed("u128", "u128", 7u128.to_le_bytes()),
        typed("bytes", "vector<u8>", [2, 0, 255]),
        typed("string", "0x1::string::String", codec::encode("pätch")),
        typed("ascii", "0x1::ascii::String", codec::encode("plain")),
        typed("option", "0x1::option::Option<u8>", [1, 9]),
        typed("signer", "signer", Address::from_low(9).0),
        typed("struct", "0x42::app::Coin", &coin),
        typed("many", "0x42::app::Many<0x42::app::Coin>", many),
    ]
}

pub(super) fn texts() -> Seeds {
    let key = Keypair::from_seed(&[1; 32]);
    vec![
        seed("address", key.address().to_string()),
        seed("address-literal", "0x42"),
        seed("key", key.public().to_string()),
        seed("signature", key.sign_bytes(b"text").to_string()),
        seed("number", "18446744073709551615"),
        seed("function", "0x42::tic_tac_toe::place"),
        seed("type", "0x1::option::Option<0x42::a::B<u64,vector<bool>>>"),
        seed("type-with-spaces", "vector< 0x002::vault::Vault >"),
    ]
}

pub(super) fn parameters() -> Seeds {
    let pay = r#"{"operation":"invoke","function":"0x44::payments::pay","args":["0x9",25,null]}"#;
    let transfer = format!(r#"{{"action":"transfer",{}"#, &COIN[1..]);
    let invoke =
        r#"{"action":"invoke","function":"0x3::coin::mint","type_args":["u64"],"args":[[],{}]}"#;
    let filter = r#"{"resource_types":["0x2::"],"event_types":[]}"#;
    let notice = r#"{"kind":"heights","certified":3,"final":2,"settled":0}"#;
    vec![
        kind("invoke", 2, pay),
        kind("leave", 2, r#"{"operation":"leave"}"#),
        kind("action-transfer", 3, transfer),
        kind("action-invoke", 3, invoke),
        kind("filter", 4, filter),
        kind("at", 5, r#""certified""#),
        kind("wait", 6, r#""final""#),
        kind("amount", 7, r#"{"amount":"25"}"#),
        kind("height", 10, "12"),
        kind("notice", 12, notice),
    ]
}
