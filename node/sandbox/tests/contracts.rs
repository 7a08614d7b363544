//! The Move unit tests of every package in `contracts/`.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic and looks at the variants it is about"
)]

use std::{collections::BTreeSet, path::PathBuf};

use fairway_sandbox::{build, testing};
use move_binary_format::{CompiledModule, access::ModuleAccess, file_format::Visibility};

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

/// What any published package can call. Whoever makes another function public says so in the table,
/// after thinking about who may then call it with what.
#[test]
fn functions_open_to_dapps_are_those_that_the_documentation_lists() {
    let document = std::fs::read_to_string(contracts().join("../docs/dapps.md")).unwrap();
    let listed: BTreeSet<String> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `settlement::")?.split_once('`'))
        .flat_map(|(module, row)| {
            let functions = row.split('|').nth(1).unwrap_or_default();
            let names = functions.split('`').skip(1).step_by(2);
            names.map(|name| format!("{module}::{name}")).collect::<Vec<_>>()
        })
        .collect();
    let package = fairway_sandbox::settlement_contracts().unwrap();
    let open: BTreeSet<String> = package
        .modules
        .iter()
        .map(|module| CompiledModule::deserialize(&module.bytecode).unwrap())
        .flat_map(|module| open_functions(&module))
        .collect();
    assert!(open.contains("coin::withdraw") && !open.contains("account::create_signer"));
    assert_eq!(open, listed, "open to dApps (left), listed in docs/dapps.md (right)");
}

fn open_functions(module: &CompiledModule) -> Vec<String> {
    module
        .function_defs()
        .iter()
        .filter(|definition| definition.visibility == Visibility::Public)
        .map(|definition| {
            let name = module.function_handle_at(definition.function).name;
            format!("{}::{}", module.self_id().name(), module.identifier_at(name))
        })
        .collect()
}
