//! The compiler in its bounded child process.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::PathBuf, time::Duration};

use fairway_sandbox::{
    build::BuildError,
    compile,
    compiler::{BoundedCompiler, CompileLimits},
};
use fairway_types::{
    Address, Refusal,
    ledger::{PackageSource, SourceFile},
};

fn package(text: &str) -> PackageSource {
    PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "app.move".into(), text: text.into() }],
    }
}

fn compiler() -> BoundedCompiler {
    BoundedCompiler::new(PathBuf::from(env!("CARGO_BIN_EXE_fairway-compile")), Vec::new())
}

fn refusal(result: Result<fairway_sandbox::Package, BuildError>) -> Refusal {
    match result {
        Err(BuildError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, found {:?}", other.map(|package| package.hash)),
    }
}

const PLAIN: &str = "module app::a { public fun f(): u64 { 1 } }";

#[test]
fn child_gives_the_same_package_as_this_process() {
    let package = package(PLAIN);
    assert_eq!(compiler().compile(&package).unwrap(), compile(&package).unwrap());
}

#[test]
fn refusals_and_diagnostics_come_through() {
    let broken = refusal(compiler().compile(&package("module app::a { fun f(): u64 { true } }")));
    assert_eq!(broken.name(), "compile_error");
    let native = refusal(compiler().compile(&package("module app::a { native fun f(); }")));
    assert_eq!(native.name(), "package_refused");
}

#[test]
fn child_without_memory_is_a_refusal_that_names_the_limit() {
    let limits = CompileLimits { memory: 1 << 20, ..CompileLimits::default() };
    let refused = refusal(compiler().with_limits(limits).compile(&package(PLAIN)));
    assert!(refused.to_string().contains("compiler memory or CPU"), "{refused}");
}

#[test]
fn child_out_of_time_is_stopped() {
    let limits = CompileLimits { time: Duration::ZERO, ..CompileLimits::default() };
    let refused = refusal(compiler().with_limits(limits).compile(&package(PLAIN)));
    assert!(refused.to_string().contains("compiler time"), "{refused}");
}

#[test]
fn deeply_nested_source_does_not_take_this_process_down() {
    let nested = format!("{}1{}", "(".repeat(200_000), ")".repeat(200_000));
    let text = format!("module app::a {{ public fun f(): u64 {{ {nested} }} }}");
    assert!(compiler().compile(&package(&text)).is_err());
}

#[test]
fn program_that_is_not_there_is_named() {
    let missing = BoundedCompiler::new(PathBuf::from("/nowhere/compiler"), Vec::new());
    let error = missing.compile(&package(PLAIN)).unwrap_err();
    assert!(error.to_string().contains("/nowhere/compiler"), "{error}");
}
