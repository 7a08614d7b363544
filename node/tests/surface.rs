//! The schema is the surface: every method that is served is in it, and it is what docs show.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, path::Path};

use fairway::observe::console;
use fairway_api::schema::surface;

/// Methods that change something, make somebody else do so, or wait for what does.
const CHANGES: [&str; 14] = [
    "state_channel.create",
    "state_channel.join_proof",
    "state_channel.join",
    "state_channel.open",
    "state_channel.prepare",
    "state_channel.call",
    "state_channel.leave",
    "state_channel.close",
    "state_channel.propose_settlement",
    "state_channel.guard",
    "chain.prepare",
    "chain.submit",
    "chain.simulate",
    "chain.faucet",
];

/// The generated schema is committed; a change of the surface shows up as a change of this file.
/// `UPDATE_SCHEMA=1` writes it anew.
#[test]
fn committed_schema_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema.json");
    let generated = serde_json::to_string_pretty(&surface()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "run with UPDATE_SCHEMA=1 and look at what changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_served_method_is_in_the_schema_and_documented() {
    let folder = tempfile::tempdir().unwrap();
    let node = fairway::Node::start(fairway::Settings {
        keypair: fairway_types::Keypair::from_seed(&[1; 32]),
        folder: folder.path().join("data"),
        chain: "ws://127.0.0.1:1".into(),
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        announce: Vec::new(),
        accounts: Vec::new(),
        max_channels: 1,
        keeping: fairway::Keeping::default(),
        tail_lost: false,
        traces: None,
        alters: None,
        compiler: fairway_sandbox::compiler::BoundedCompiler::new("/none".into(), Vec::new()),
    })
    .await
    .unwrap();
    let served: BTreeSet<&str> = fairway::stream::methods(&node)
        .unwrap()
        .method_names()
        .filter(|name| !name.contains(".unsubscribe"))
        .collect();
    let known: BTreeSet<&str> = console::READS.iter().chain(&CHANGES).copied().collect();
    let unknown: Vec<&&str> = served.difference(&known).collect();
    assert!(unknown.is_empty(), "may the console ask {unknown:?}? `observe::console::READS` says");
    let both: Vec<&&str> = CHANGES.iter().filter(|name| console::READS.contains(name)).collect();
    assert!(both.is_empty(), "{both:?} change something: no console may ask them");
    let listed: BTreeSet<&str> = surface().methods.iter().map(|method| method.name).collect();
    assert_eq!(served, listed);
    let document = include_str!("../../docs/api.md");
    for name in listed {
        let (_, short) = name.split_once('.').unwrap();
        let named = format!("`{short}`");
        let mut headings = document.lines().filter(|line| line.starts_with("###"));
        assert!(
            headings.any(|line| line.contains(&named)),
            "docs/api.md has no section for {name}"
        );
    }
    node.stop().await;
}
