//! The Move unit tests of every package in `contracts/`.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic and looks at the variants it is about"
)]

use std::path::PathBuf;

use fairway_sandbox::{build, testing};

fn contracts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contracts")
}

fn passes(package: &str) {
    let report = match testing::run(&contracts().join(package), "") {
        Ok(report) => report,
        Err(error) => panic!("{package} does not build: {error}"),
    };
    assert!(report.failed.is_empty(), "{package}: {:#?}", report.failed);
    assert!(!report.passed.is_empty(), "{package} has no tests");
}

fn builds(package: &str) {
    let source = build::read_package(&contracts().join(package)).unwrap();
    if let Err(error) = fairway_sandbox::compile(&source) {
        panic!("{package} is not admitted: {error}");
    }
}

#[test]
fn runtime_passes_its_tests() {
    passes("runtime");
}

#[test]
fn payments_passes_its_tests() {
    passes("examples/payments");
    builds("examples/payments");
}

#[test]
fn tic_tac_toe_passes_its_tests() {
    passes("examples/tic_tac_toe");
    builds("examples/tic_tac_toe");
}

#[test]
fn arena_passes_its_tests() {
    passes("examples/arena");
    builds("examples/arena");
}

#[test]
fn leaderboard_passes_its_tests() {
    let folder = contracts().join("examples/leaderboard");
    let report = match testing::run_for_ledger(&folder, "") {
        Ok(report) => report,
        Err(error) => panic!("{error}"),
    };
    assert!(report.failed.is_empty(), "{:#?}", report.failed);
    assert!(report.passed.len() > 10, "{:?}", report.passed);
    let publisher = testing::PUBLISHER;
    let source = build::read_package_of(&folder, publisher).unwrap();
    let built = build::compile_for(&source, build::Home::Ledger { publisher });
    if let Err(error) = built {
        panic!("leaderboard is not admitted: {error}");
    }
}

#[test]
fn settlement_passes_its_tests() {
    passes("settlement");
}
