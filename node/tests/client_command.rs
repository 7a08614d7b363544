//! `fairway client generate` and `fairway new` as a person runs them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn fairway(folder: &Path, args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_fairway");
    let sdk = folder.join("sdk");
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env_remove("FAIRWAY_SDK");
    if sdk.exists() {
        command.env("FAIRWAY_SDK", sdk);
    }
    command.output().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What stands in the way of nothing here: a folder that npm would take as the SDK.
fn with_sdk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sdk = folder.path().join("sdk");
    std::fs::create_dir_all(sdk.join("dist")).unwrap();
    std::fs::write(sdk.join("package.json"), r#"{"name":"@fairway/sdk"}"#).unwrap();
    std::fs::write(sdk.join("dist/typed.js"), "").unwrap();
    folder
}

#[test]
fn the_examples_clients_are_those_of_their_packages() {
    let examples = ["arena", "payments", "tic_tac_toe"]
        .map(|example| (example, format!("contracts/examples/{example}")));
    for (example, package) in examples.into_iter().chain([("shapes", "sdk/codegen/shapes".into())])
    {
        for (lang, path) in [
            ("rust", format!("sdk/examples/src/{example}.rs")),
            ("ts", format!("sdk/examples/typescript/{example}.ts")),
        ] {
            let made = fairway(&repository(), &["client", "generate", "--lang", lang, &package]);
            assert!(made.status.success(), "{}", text(&made.stderr));
            let committed = std::fs::read_to_string(repository().join(&path)).unwrap();
            assert!(text(&made.stdout) == committed, "{path} is another: run `make clients`");
        }
    }
}

#[test]
fn a_client_is_written_whole_and_left_alone_when_nothing_changed() {
    let folder = tempfile::tempdir().unwrap();
    fairway(folder.path(), &["move", "new", "counter"]);
    let args =
        ["client", "generate", "--lang", "rust", "counter", "--out", "made/counter.rs", "--json"];
    let first = fairway(folder.path(), &args);
    assert!(text(&first.stdout).contains("\"changed\":true"), "{}", text(&first.stderr));
    let written = std::fs::read_to_string(folder.path().join("made/counter.rs")).unwrap();
    assert!(written.contains("pub async fn count(") && written.contains("TooFar"), "{written}");
    assert!(text(&fairway(folder.path(), &args).stdout).contains("\"changed\":false"));
}

#[test]
fn a_package_whose_names_would_be_one_is_refused_with_both() {
    let folder = tempfile::tempdir().unwrap();
    fairway(folder.path(), &["move", "new", "counter"]);
    let file = folder.path().join("counter/sources/counter.move");
    let source = std::fs::read_to_string(&file).unwrap();
    let twice = "public fun get_it(): u64 { 1 }\n    public fun getIt(): u64 { 2 }\n    #[test";
    std::fs::write(&file, source.replacen("#[test", twice, 1)).unwrap();
    let refused = fairway(folder.path(), &["client", "generate", "--lang", "ts", "counter"]);
    assert_eq!(refused.status.code(), Some(1));
    let error = text(&refused.stderr);
    for expected in ["::get_it", "::getIt", "rename one of them"] {
        assert!(error.contains(expected), "{expected} in {error}");
    }
}

#[test]
fn a_new_app_has_a_package_whose_tests_pass_and_a_client() {
    let folder = with_sdk();
    for template in ["game", "payments", "blank"] {
        let app = format!("my_{template}");
        let made = fairway(folder.path(), &["new", &app, "--template", template]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        let at = folder.path().join(&app);
        let tested = fairway(&at, &["move", "test"]);
        assert!(tested.status.success(), "{}", text(&tested.stdout));
        assert!(text(&tested.stdout).contains(" passed, 0 failed"));
        let client = std::fs::read_to_string(at.join(format!("src/{app}.ts"))).unwrap();
        let again = fairway(&at, &["client", "generate", "--lang", "ts", "."]);
        assert!(text(&again.stdout) == client, "another client of {app} the second time");
        let manifest = std::fs::read_to_string(at.join("package.json")).unwrap();
        assert!(manifest.contains("\"@fairway/sdk\": \"file:/"), "{manifest}");
        for entry in walk(&at) {
            let content = std::fs::read_to_string(&entry).unwrap();
            for word in ["NAME", "CLASS", "ABOUT", "\"SDK\""] {
                assert!(!content.contains(word), "{word} in {}", entry.display());
            }
        }
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn mistakes_are_named_and_leave_nothing_behind() {
    let folder = with_sdk();
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    std::fs::write(folder.path().join("other.zip"), "").unwrap();
    let long = "a".repeat(65);
    let cases: [(&[&str], &str, i32); 13] = [
        (&["new", "taken"], "taken exists already", 1),
        (&["new", "../out"], "a lower-case letter, then lower-case letters, digits and _", 1),
        (&["new", "Game"], "no package name", 1),
        (&["new", &long], "at most 64", 1),
        (&["new", "module"], "Move or its library", 1),
        (&["new", "runtime"], "Move or its library", 1),
        (&["new", "app", "--template", "war"], "possible values: game, payments, blank", 2),
        (&["new", "app", "--sdk", "nowhere"], "no TypeScript SDK there", 1),
        (&["new", "app", "--sdk", "other.zip"], "a .tgz that `npm pack` made", 1),
        (&["client", "generate", "--lang", "ts", "nowhere"], "Move.toml: no such file", 1),
        (&["client", "generate", "--lang", "c", "app"], "possible values: ts, rust", 2),
        (&["client", "generate", "--lang", "ts"], "<PACKAGE>", 2),
        (&["client", "generate", "--lang", "ts", "--channel", "0x12"], "64 hex digits", 2),
    ];
    for (args, expected, code) in cases {
        let output = fairway(folder.path(), args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(text(&output.stderr).contains(expected), "{args:?}: {}", text(&output.stderr));
    }
    std::fs::remove_dir_all(folder.path().join("sdk/dist")).unwrap();
    let unbuilt = fairway(folder.path(), &["new", "app"]);
    assert!(text(&unbuilt.stderr).contains("is not built: run `npm ci"));
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}
