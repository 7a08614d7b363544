#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use super::*;

fn problems(text: &str) -> Vec<String> {
    let mut layers = Layers::new();
    layers.file(Path::new("n.toml"), text);
    match layers.config() {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_key_is_a_field_and_every_field_a_key() {
    let table = toml::Table::try_from(Config::default()).unwrap();
    let mut fields = Vec::new();
    for (name, value) in &table {
        match value.as_table() {
            None => fields.push(name.clone()),
            Some(inner) => fields.extend(inner.keys().map(|key| format!("{name}.{key}"))),
        }
    }
    // Those without a default are not in what is written.
    let optional =
        ["access.token_file", "http.listen", "traces.endpoint", "chain.data", "chain.root"];
    fields.extend(optional.map(str::to_owned));
    fields.sort();
    let mut known: Vec<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
    known.sort();
    assert_eq!(fields, known);
}

#[test]
fn nothing_said_is_the_default() {
    assert_eq!(Layers::new().config().unwrap(), Config::default());
}

#[test]
fn documentation_shows_the_table_of_keys() {
    let document = include_str!("../../../docs/configuration.md");
    let table = table();
    assert!(document.contains(&table), "docs/configuration.md must hold:\n{table}");
}

#[test]
fn problem_is_named_with_line_column_and_cure() {
    let found = problems(
        "max_channel = 3\napi = \"localhost\"\n\n[access]\n  burst = 0\n  origins = [\"https://a.b/c\"]\n",
    );
    assert_eq!(
        found,
        [
            "n.toml:5:11: `access.burst`: 0 is out of bounds: write a number from 1 to 1000000",
            "n.toml:6:13: `access.origins`: \"https://a.b/c\" is not what the key takes: write \
             origins without a path, such as [\"https://app.example\"]",
            "n.toml:2:7: `api`: \"localhost\" is not what the key takes: write an address and a \
             port, such as \"127.0.0.1:9101\"",
            "n.toml:1:1: `max_channel`: there is no such key: did you mean `max_channels`?",
        ]
    );
    assert_eq!(
        problems("archive = \"yes\""),
        ["n.toml:1:11: `archive`: \"yes\" is not what the key takes: write `true` or `false`"]
    );
    assert_eq!(
        problems("\"é\" = 1\ntokens = []"),
        [
            "n.toml:2:1: `tokens`: there is no such key: did you mean `access.tokens`?",
            "n.toml:1:1: `é`: there is no such key: `fairway config keys` lists them",
        ]
    );
    assert_eq!(problems("access = 1"), ["n.toml:1:1: `access`: it is a table: write [access]"]);
}

#[test]
fn broken_toml_is_named_with_its_place() {
    let found = problems("ledger = \"ws://a\"\napi = \n");
    assert!(found[0].starts_with("n.toml:2:"), "{found:?}");
    assert!(problems("api = \"127.0.0.1:1\"\napi = \"127.0.0.1:2\"")[0].starts_with("n.toml:2:1"));
}

#[test]
fn environment_is_above_the_file_and_flags_above_both() {
    let mut layers = Layers::new();
    layers
        .file(Path::new("/etc/n.toml"), "max_channels = 2\nkeep_blocks = 3\n[chain]\ndata = \"c\"");
    let variable = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    layers.environment([
        variable("FAIRWAY_MAX_CHANNELS", "4"),
        variable("FAIRWAY_KEEP_BLOCKS", "5"),
        variable("FAIRWAY_ACCESS_ORIGINS", "https://a.example, https://b.example"),
        variable("FAIRWAY_ANNOUNCE", ""),
        variable("RUST_LOG", "debug"),
    ]);
    layers.set("keep_blocks=6");
    let config = layers.config().unwrap();
    assert_eq!((config.max_channels, config.keep_blocks), (4, 6));
    assert_eq!(config.access.origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.log.filter, "debug");
    assert_eq!(config.chain.data.as_deref(), Some(Path::new("/etc/c")), "beside the file");
    let origin = |name: &str| layers.value(keys::find(name).unwrap()).1.to_string();
    assert_eq!(origin("chain.data"), "/etc/n.toml:4:8");
    assert_eq!(origin("max_channels"), "FAIRWAY_MAX_CHANNELS");
    assert_eq!(origin("keep_blocks"), "--set");
    assert_eq!(origin("archive"), "default");
}

#[test]
fn variables_and_flags_are_checked_like_the_file() {
    let mut layers = Layers::new();
    let variable = |name: &str| (name.to_owned(), "x".to_owned());
    layers.environment(["FAIRWAY_API", "FAIRWAY_HTTP_LISTENS", "FAIRWAY_HOME"].map(variable));
    layers.set("archive");
    layers.set("max_channels=0");
    layers.set("access.tokens=0123456789012345678901234567890123456789");
    let found = layers.config().unwrap_err().to_string();
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 5, "{found}");
    assert!(lines[0].starts_with("FAIRWAY_API: `api`: \"x\" is not what"), "{found}");
    assert!(lines[1].starts_with("FAIRWAY_HTTP_LISTENS: no key of [http]"), "{found}");
    assert!(lines[2].contains("\"archive\" is no assignment"), "{found}");
    assert!(lines[3].contains("0 is out of bounds"), "{found}");
    assert!(lines[4].contains("can read a command line"), "{found}");
    assert!(!found.contains("0123456789"), "a secret is shown: {found}");
}

#[test]
fn node_that_others_reach_needs_a_token_or_a_word() {
    let open = "api = \"0.0.0.0:9101\"\n";
    assert!(problems(open)[0].starts_with("n.toml:1:7: `api`: 0.0.0.0:9101 can be reached"));
    assert!(problems(&format!("{open}[access]\nallow_anyone = true")).is_empty());
    let token = "x".repeat(TOKEN_LEAST);
    assert!(problems(&format!("{open}[access]\ntokens = [\"{token}\"]")).is_empty());
    let short = problems(&format!("{open}[access]\ntokens = [\"hunter2\"]"));
    assert!(short[0].contains("a token of 7 characters"), "{short:?}");
    assert!(!short[0].contains("hunter2"), "a secret is shown: {short:?}");
}

#[test]
fn console_needs_a_port_and_beyond_this_machine_a_token() {
    assert_eq!(
        problems("[http]\nconsole = true"),
        ["n.toml:2:11: `http.console`: it has no port: set `http.listen`"]
    );
    assert!(problems("[http]\nconsole = true\nlisten = \"127.0.0.1:0\"").is_empty());
    let open = "[http]\nlisten = \"0.0.0.0:9103\"\nconsole = true\n[access]\nallow_anyone = true\n";
    let found = problems(open);
    assert!(found[0].starts_with("n.toml:3:11: `http.console`: 0.0.0.0:9103 can be reached"));
    let token = "x".repeat(TOKEN_LEAST);
    assert!(problems(&format!("{open}tokens = [\"{token}\"]")).is_empty());
    assert!(problems(&open.replace("console = true", "console = false")).is_empty());
}

#[test]
fn listen_needs_an_address_that_others_can_dial() {
    assert!(problems("listen = []")[0].contains("no other node could reach this one"));
    let everywhere = "listen = [\"/ip4/0.0.0.0/tcp/1\"]\n";
    assert!(problems(everywhere)[0].contains("say in `announce`"));
    assert!(problems(&format!("{everywhere}announce = [\"/dns4/n.example/tcp/1\"]")).is_empty());
}

#[test]
fn traces_go_to_a_collector_without_tls() {
    let mut layers = Layers::new();
    layers.environment([("FAIRWAY_TRACES_SAMPLE".to_owned(), "0.5".to_owned())]);
    layers.set("traces.endpoint=http://127.0.0.1:4318");
    let traces = layers.config().unwrap().traces;
    assert_eq!(traces, Traces { endpoint: Some("http://127.0.0.1:4318".into()), sample: 0.5 });
    assert!(problems("[traces]\nsample = 1").is_empty(), "all of them");
    for sample in ["2", "1.01", "-0.1", "nan", "\"all\""] {
        let found = problems(&format!("[traces]\nsample = {sample}"));
        assert!(found[0].contains("write a number from 0 to 1, such as 0.01"), "{found:?}");
    }
    for endpoint in ["https://a.example", "127.0.0.1:4318", "http://", "http://a?b"] {
        let found = problems(&format!("[traces]\nendpoint = \"{endpoint}\""));
        assert!(found[0].contains("a URL, such as \"http://127.0.0.1:4318\""), "{found:?}");
    }
}

#[test]
fn token_file_is_read_and_must_be_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    let token = "t".repeat(TOKEN_LEAST);
    fs::write(&path, format!("# app\n{token}\n\n")).unwrap();
    let access = Access { token_file: Some(path.clone()), ..Access::default() };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(access.all_tokens().unwrap_err().contains("chmod 600"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(access.all_tokens().unwrap(), [token]);
    fs::write(&path, "short\n").unwrap();
    let error = access.all_tokens().unwrap_err();
    assert!(error.contains("tokens:1: a token of 5") && !error.contains("short"), "{error}");
    fs::write(&path, "# none\n").unwrap();
    assert!(access.all_tokens().unwrap_err().contains("holds no token"));
}
