//! `fairway move` as a person runs it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    path::Path,
    process::{Command, Output},
};

fn fairway(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fairway")).args(args).current_dir(folder).output().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn new_package_builds_and_passes_its_test() {
    let folder = tempfile::tempdir().unwrap();
    let made = fairway(folder.path(), &["move", "new", "counter"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let built = fairway(folder.path(), &["--json", "move", "build", "counter"]);
    assert!(built.status.success(), "{}", text(&built.stderr));
    assert!(text(&built.stdout).contains("\"package\":\"0x"));
    let tested = fairway(folder.path(), &["move", "test", "counter"]);
    assert!(tested.status.success());
    assert!(text(&tested.stdout).contains("1 passed, 0 failed"), "{}", text(&tested.stdout));
    let abi = fairway(folder.path(), &["move", "abi", "counter"]);
    assert!(text(&abi.stdout).contains("\"E_TOO_FAR\""));
}

#[test]
fn package_for_the_ledger_is_built_and_tested_with_the_contracts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/examples");
    let tested = fairway(&folder, &["move", "test", "leaderboard", "--for-ledger"]);
    assert!(tested.status.success(), "{}", text(&tested.stderr));
    assert!(text(&tested.stdout).contains(" 0 failed"), "{}", text(&tested.stdout));
    let built = fairway(&folder, &["move", "build", "leaderboard", "--for-ledger"]);
    assert!(built.status.success(), "{}", text(&built.stderr));
    let abi = fairway(&folder, &["move", "abi", "leaderboard", "--for-ledger"]);
    assert!(text(&abi.stdout).contains("\"E_NOT_OURS\""));
    let plain = fairway(&folder, &["move", "build", "leaderboard"]);
    assert!(text(&plain.stderr).contains("only a package that is published"));
}

#[test]
fn mistakes_are_named_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fairway(folder.path(), &["move", "new", "counter"]);
    let cases: [(&[&str], &str); 4] = [
        (&["move", "new", "counter"], "exists already"),
        (&["move", "new", "../out"], "no package name"),
        (&["move", "build", "nowhere"], "Move.toml: no such file"),
        (&["move", "build", "counter/sources"], "Move.toml"),
    ];
    for (args, expected) in cases {
        let output = fairway(folder.path(), args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(text(&output.stderr).contains(expected), "{args:?}: {}", text(&output.stderr));
    }
    assert_eq!(fairway(folder.path(), &["move", "fly"]).status.code(), Some(2));
}

#[test]
fn failing_test_and_broken_source_point_at_the_line() {
    let folder = tempfile::tempdir().unwrap();
    fairway(folder.path(), &["move", "new", "counter"]);
    let file = folder.path().join("counter/sources/counter.move");
    let source = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, source.replace("== 2, 0", "== 3, 0")).unwrap();
    let tested = fairway(folder.path(), &["move", "test", "counter"]);
    assert_eq!(tested.status.code(), Some(1));
    assert!(text(&tested.stdout).contains("aborted in counter with 0 at sources/counter.move:"));
    std::fs::write(&file, source.replace("value: 0 }", "value: true }")).unwrap();
    let built = fairway(folder.path(), &["move", "build", "counter"]);
    assert!(text(&built.stderr).contains("sources/counter.move:23"), "{}", text(&built.stderr));
}
