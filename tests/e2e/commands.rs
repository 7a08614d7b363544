//! The command line, as an operator uses it and misuses it.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::world::{World, program};

fn fairway(home: &Path, args: &[&str]) -> Output {
    Command::new(program())
        .args(args)
        .env("FAIRWAY_HOME", home)
        .env("FAIRWAY_PASSPHRASE", "correct horse")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_makes_an_account_joins_calls_and_settles() {
    let world = World::start(2).await;
    let home = world.folder.path().join("home");
    let (ledger, node) = (world.network.ledger_url(), world.network.url(0));
    let run = |args: &[&str]| {
        let shared = ["--json", "--ledger", &ledger, "--node", &node];
        fairway(&home, &[&shared, args].concat())
    };
    let made = json(&run(&["account", "new", "erin"]));
    json(&run(&["account", "faucet", "erin", "5000"]));
    assert_eq!(json(&run(&["account", "balance", "erin"]))["amount"], "5000");
    let listed = json(&run(&["account", "list"]));
    assert_eq!(listed[0]["address"], made["address"]);

    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/examples/payments");
    let created = json(&run(&[
        "channel",
        "create",
        "--package",
        package,
        "--account",
        "erin",
        "--invite",
        "erin",
    ]));
    let channel = created["channel"].as_str().unwrap();
    json(&run(&["channel", "join", channel, "--account", "erin", "--deposit", "100"]));
    let sender = made["address"].as_str().unwrap();
    let asset = fairway_types::contract::NATIVE.to_string();
    let call = |amount: &str| {
        run(&[
            "channel",
            "call",
            channel,
            "0x44::payments::pay",
            sender,
            &asset,
            amount,
            "tea",
            "--account",
            "erin",
        ])
    };
    for _ in 0..100 {
        if call("1").status.success() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let report = json(&call("2"));
    assert!(report["status"] == "certified" || report["status"] == "final", "{report}");
    let aborted = call("0");
    assert_eq!(aborted.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&aborted.stderr).unwrap();
    assert_eq!(error["code"], 100_005);
    assert_eq!(error["data"]["details"]["name"], "E_ZERO_AMOUNT");
    let balance = run(&["channel", "view", channel, "0x2::vault::balance", sender, &asset]);
    assert_eq!(json(&balance)[0], "100");
    assert_eq!(json(&run(&["channel", "list"]))[0], channel);
    assert!(json(&run(&["channel", "show", channel]))["status"]["head"].as_u64().unwrap() > 0);
    let log = run(&["channel", "log", channel, "--limit", "1"]);
    assert_eq!(json(&log)["height"], 1);
    let seen = run(&["channel", "watch", channel, "--from", "1", "--blocks", "1"]);
    assert!(text(&seen.stdout).contains("\"kind\":\"block\""));
    let proposed = json(&run(&["settle", "propose", channel]));
    assert_eq!(proposed["number"], 1);
    json(&run(&["settle", "list", channel]));
    let unknown = run(&["settle", "show", channel, "7"]);
    assert!(text(&unknown.stderr).contains("no proposal 7"), "{}", text(&unknown.stderr));
    json(&run(&["channel", "close", channel, "--account", "erin"]));
    for _ in 0..100 {
        if json(&run(&["account", "balance", "erin"]))["amount"] == "5000" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the close never paid: {}", text(&run(&["channel", "show", channel]).stdout));
}

/// What an account asks of the chain alone: transfers, a stake that backs a seat, leave and close.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_stake_and_leave_and_close_by_the_chain() {
    let world = World::start(2).await;
    let home = world.folder.path().join("home");
    let ledger = world.network.ledger_url();
    let at = |node: usize, args: &[&str]| {
        let url = world.network.url(node);
        fairway(&home, &[&["--json", "--ledger", &ledger, "--node", &url], args].concat())
    };
    let run = |args: &[&str]| at(0, args);
    let until = |name: &str, amount: &str| {
        for _ in 0..200 {
            if json(&run(&["account", "balance", name]))["amount"] == amount {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{name} was never paid: {}", text(&run(&["account", "balance", name]).stdout));
    };
    for name in ["erin", "frank"] {
        json(&run(&["account", "new", name]));
        json(&run(&["account", "faucet", name, "5000"]));
    }
    json(&run(&["account", "transfer", "erin", "frank", "100"]));
    until("frank", "5100");
    let poor = run(&["account", "transfer", "erin", "frank", "5000"]);
    assert_eq!(poor.status.code(), Some(1), "{}", text(&poor.stderr));
    let error = text(&poor.stderr);
    assert!(error.contains("the account has 0.004900 FWY, and 0.005000 are asked for"), "{error}");
    assert!(error.contains("\"code\":"), "{error}");
    json(&run(&["account", "stake", "erin", "1000"]));
    json(&run(&["account", "unstake", "erin", "400"]));
    let early = run(&["account", "unstake", "erin"]);
    assert_eq!(early.status.code(), Some(1), "seven days have not passed");
    assert!(text(&early.stderr).contains("\"code\":"), "{}", text(&early.stderr));

    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/examples/payments");
    let create = ["channel", "create", "--package", package, "--account", "erin"];
    let invite = ["--invite", "erin", "--invite", "frank"];
    let created = json(&run(&[&create[..], &invite].concat()));
    let channel = created["channel"].as_str().unwrap();
    let join = |node: usize, name: &str, more: &[&str]| {
        let args = ["channel", "join", channel, "--account", name, "--deposit", "100"];
        json(&at(node, &[&args, more].concat()))
    };
    join(0, "erin", &["--collateral", "500", "--pooled"]);
    join(1, "frank", &[]);
    let shown = json(&run(&["channel", "show", channel]));
    assert_eq!(shown["record"]["members"].as_array().map(Vec::len), Some(2), "{shown}");
    json(&at(1, &["channel", "leave", channel, "--account", "frank", "--on-chain"]));
    until("frank", "5100");
    let nothing = run(&["channel", "release", channel, "--of", "frank"]);
    assert_eq!(nothing.status.code(), Some(1), "it locked no collateral");
    json(&run(&["channel", "close", channel, "--account", "erin", "--on-chain"]));
    until("erin", "3900");
    let missing = run(&["evidence", "judge", "nowhere.json", "--account", "erin"]);
    assert!(text(&missing.stderr).contains("nowhere.json"), "{}", text(&missing.stderr));
    let keys = fairway(&home, &["config", "keys"]);
    assert!(text(&keys.stdout).contains("| `access.tokens` |"));
}

/// A key of another account on this machine pays what it was delegated, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn account_delegates_to_another_key_and_takes_it_back() {
    let world = World::start(1).await;
    let home = world.folder.path().join("home");
    let (ledger, node) = (world.network.ledger_url(), world.network.url(0));
    let run = |args: &[&str]| {
        let shared = ["--json", "--ledger", &ledger, "--node", &node];
        fairway(&home, &[&shared, args].concat())
    };
    let refused = |args: &[&str]| {
        let output = run(args);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
        serde_json::from_slice::<Value>(&output.stderr).unwrap()["data"]["name"].clone()
    };
    let erin = json(&run(&["account", "new", "erin"]))["address"].as_str().unwrap().to_owned();
    json(&run(&["account", "new", "game"]));
    json(&run(&["account", "faucet", "erin", "5000"]));
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/examples/payments");
    let create = ["channel", "create", "--package", package, "--account", "erin", "--open"];
    let created = json(&run(&create));
    let channel = created["channel"].as_str().unwrap();
    json(&run(&["channel", "join", channel, "--account", "erin", "--deposit", "100"]));

    let function = "0x44::payments::pay";
    let delegate = ["session", "delegate", channel, "game", "--account", "erin"];
    let limits = ["--function", function, "--spend", "5", "--hours", "1"];
    for _ in 0..100 {
        if run(&[&delegate[..], &limits].concat()).status.success() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let sessions = json(&run(&["session", "list", channel, "erin"]));
    assert_eq!(sessions[0]["spending"][0]["amount"], "5");
    let asset = fairway_types::contract::NATIVE.to_string();
    let pay = ["channel", "call", channel, function, &erin, &asset, "3", "tea"];
    let by_game = [&pay[..], &["--account", "game", "--for", "erin"]].concat();
    json(&run(&by_game));
    assert_eq!(refused(&[&pay[..], &["--account", "game"]].concat()), "not_a_member");
    let revoke = ["session", "revoke", channel, "game", "--account", "erin"];
    let complained = run(&[&revoke[..], &["--complain"]].concat());
    let error: Value = serde_json::from_slice(&complained.stderr).unwrap();
    assert_eq!(error["data"]["details"]["name"], "E_NOT_ACTIVE", "who leads complains of nobody");
    json(&run(&revoke));
    assert_eq!(refused(&by_game), "unauthorised");
    assert_eq!(json(&run(&["session", "list", channel, "erin"])), Value::Array(Vec::new()));
    let hours = [&delegate[..], &["--hours", "721"]].concat();
    assert_eq!(run(&hours).status.code(), Some(2), "longer than a session may last");
}

/// The leader orders the call that the complaint brings, and the complaint is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_has_the_call_ordered() {
    let world = World::start(2).await;
    let home = world.folder.path().join("home");
    let ledger = world.network.ledger_url();
    let urls = [world.network.url(0), world.network.url(1)];
    let run = |node: usize, args: &[&str]| {
        let shared = ["--json", "--ledger", &ledger, "--node", &urls[node]];
        fairway(&home, &[&shared, args].concat())
    };
    let accounts = ["erin", "fay"].map(|name| {
        let made = json(&run(0, &["account", "new", name]));
        json(&run(0, &["account", "faucet", name, "5000"]));
        made["address"].as_str().unwrap().to_owned()
    });
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/examples/payments");
    let create = ["channel", "create", "--package", package, "--account", "erin", "--open"];
    let created = json(&run(0, &create));
    let channel = created["channel"].as_str().unwrap();
    for (node, name) in ["erin", "fay"].into_iter().enumerate() {
        json(&run(node, &["channel", "join", channel, "--account", name, "--deposit", "100"]));
    }
    let asset = fairway_types::contract::NATIVE.to_string();
    let until = |wanted: &dyn Fn() -> bool, what: &str| {
        for _ in 0..300 {
            if wanted() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{what}: {}", text(&run(1, &["channel", "show", channel]).stdout));
    };
    let holds = |amount: &str| {
        let view = ["channel", "view", channel, "0x2::vault::balance", &accounts[1], &asset];
        let output = run(1, &view);
        output.status.success() && json(&output)[0] == amount
    };
    until(&|| holds("100"), "the second member is in");
    let pay = ["channel", "complain", channel, "0x44::payments::pay", &accounts[0], &asset, "7"];
    json(&run(1, &[&pay[..], &["tea", "--account", "fay"]].concat()));
    until(&|| holds("93"), "the call is ordered");
    let answered =
        || json(&run(1, &["channel", "show", channel]))["record"]["windows"]["complaint"].is_null();
    until(&answered, "the complaint is answered");
    let again = run(1, &[&pay[..], &["tea", "--account", "erin"]].concat());
    let error: Value = serde_json::from_slice(&again.stderr).unwrap();
    assert_eq!(error["data"]["details"]["name"], "E_NOT_ACTIVE", "who leads complains of nobody");
}

#[test]
fn a_channel_with_an_unknown_gas_table_is_refused_before_anything_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/examples/payments");
    let create = ["channel", "create", "--package", package, "--account", "x", "--open"];
    let output = fairway(home.path(), &[&create[..], &["--gas-table", "9", "--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(error["code"], 100_027);
    assert_eq!(error["data"]["details"]["known"], serde_json::json!([1, 2]));
}

#[test]
fn key_files_are_private_and_open_with_their_passphrase_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    assert!(fairway(home.path(), &["account", "new", "ann"]).status.success());
    let path = home.path().join("accounts/ann.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = fairway(home.path(), &["account", "new", "ann"]);
    assert!(text(&again.stderr).contains("exists already"));
    let wrong = Command::new(program())
        .args([
            "channel",
            "call",
            &format!("0x{}", "00".repeat(32)),
            "0x1::a::b",
            "--account",
            "ann",
        ])
        .env("FAIRWAY_HOME", home.path())
        .env("FAIRWAY_PASSPHRASE", "wrong")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("wrong passphrase for account ann"));
    // An account that an earlier version let be called so is listed and signs as before.
    let accounts = home.path().join("accounts");
    std::fs::copy(accounts.join("ann.json"), accounts.join("0xann.json")).unwrap();
    let listed = fairway(home.path(), &["account", "list"]);
    assert!(text(&listed.stdout).contains("0xann"), "{}", text(&listed.stderr));
    let named = fairway(home.path(), &["account", "new", "../escape"]);
    assert!(text(&named.stderr).contains("use letters"), "{}", text(&named.stderr));
}

#[test]
fn wrong_input_is_refused_with_what_was_expected() {
    let home = tempfile::tempdir().unwrap();
    let package = home.path().join("counter");
    let run = |args: &[&str]| {
        let output = Command::new(program())
            .args(args)
            .current_dir(home.path())
            .env("FAIRWAY_HOME", home.path())
            .env("FAIRWAY_PASSPHRASE", "correct horse")
            .output()
            .unwrap();
        (output.status.code().unwrap(), text(&output.stderr))
    };
    assert_eq!(run(&["move", "new", "counter"]).0, 0);
    let package = package.to_str().unwrap();
    let long = format!("0x{}", "0a".repeat(32));
    let cases: [(&[&str], &str, i32); 15] = [
        (
            &["account", "balance", "0x12"],
            "\"0x12\" is no address: expected 0x and 64 hex digits",
            1,
        ),
        (&["account", "balance", "0xzz"], "\"0xzz\" is no address", 1),
        (&["account", "new", "0x12"], "account names don't start with 0x", 1),
        (&["account", "stake", &long, "1"], "account names don't start with 0x", 1),
        (&["account", "balance", "nobody"], "`fairway account new nobody` makes it", 1),
        (&["account", "transfer", "ann", "bob", "1.5"], "1 FWY is 1000000 of them", 2),
        (&["account", "transfer", "ann", "bob", "-5"], "1 FWY is 1000000 of them", 2),
        (&["account", "faucet", "ann", "99999999999999999999"], "to 18446744073709551615", 2),
        (&["dev", "--tick", "soon"], "expected a whole number of milliseconds", 2),
        (&["dev", "--deposit", "0"], "expected from 1 to 100000000000", 2),
        (&["move", "test", package, "--filter", "nothing"], "contains \"nothing\"", 1),
        (&["move", "test", "nowhere"], "nowhere/Move.toml: no such file: expected the folder", 1),
        (
            &["channel", "create", "--package", "nowhere", "--account", "a"],
            "no such file: expected",
            1,
        ),
        (
            &["channel", "create", "--package", package, "--account", "a", "--invite", "0x12"],
            "\"0x12\" is no address",
            1,
        ),
        (&["--node", "http://127.0.0.1:1", "node", "status"], "expected ws://HOST:PORT", 2),
    ];
    for (args, expected, code) in cases {
        let (ended, error) = run(args);
        assert!(error.contains(expected), "{args:?}: {error}");
        assert!(!error.contains("os error"), "{args:?}: {error}");
        assert_eq!(ended, code, "{args:?}: {error}");
    }
    let (_, usage) = run(&["account", "transfer", "ann"]);
    assert!(usage.contains("Usage: fairway account transfer <FROM> <TO> <AMOUNT>"), "{usage}");
}

#[test]
fn wrong_usage_and_unreachable_servers_have_exit_codes_of_their_own() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(fairway(home.path(), &["channel", "fly"]).status.code(), Some(2));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("ws://{closed}");
    let output = fairway(home.path(), &["--node", &url, "node", "status"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let error = text(&output.stderr);
    assert!(error.contains("the node: ") && error.contains("can't be reached"), "{error}");
    assert!(
        error.contains("its address is that of --node: start it with `fairway node run"),
        "{error}"
    );
    let account = format!("0x{}", "00".repeat(32));
    let output = fairway(home.path(), &["--ledger", &url, "account", "balance", &account]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("the ledger: "), "{}", text(&output.stderr));
    assert!(fairway(home.path(), &["completions", "bash"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_port_folder_in_use_and_other_version_are_named() {
    let mut world = World::start(1).await;
    let home = tempfile::tempdir().unwrap();
    let folder = world.network.nodes[0].folder.clone();
    let folder = folder.to_str().unwrap();
    let second = fairway(home.path(), &["node", "run", folder]);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("in use by another process"), "{}", text(&second.stderr));

    let other = home.path().join("other");
    let taken = world.network.ledger_url().replace("ws://", "");
    let run = ["ledger", "run", "--dev", "--data", other.to_str().unwrap(), "--listen", &taken];
    let output = fairway(home.path(), &run);
    assert!(text(&output.stderr).contains("can't listen on"), "{}", text(&output.stderr));

    let url = world.network.url(0);
    let status = json(&fairway(home.path(), &["--json", "--node", &url, "node", "status"]));
    for endpoint in status["endpoints"].as_array().unwrap() {
        let place = home.path().join(endpoint.as_str().unwrap().replace('/', "-"));
        let place = place.to_str().unwrap();
        let listen = ["--api", "127.0.0.1:0", "--listen", endpoint.as_str().unwrap()];
        let init = fairway(home.path(), &[&["node", "init", place], listen.as_slice()].concat());
        assert!(init.status.success(), "{}", text(&init.stderr));
        let error = text(&fairway(home.path(), &["node", "run", place]).stderr);
        assert!(error.contains("can't listen on") && error.contains("in use"), "{error}");
    }

    world.network.stop().await;
    let data = Path::new(folder).join("data");
    let format = fairway_store::Format { version: 99, ..fairway::store::FORMAT };
    std::fs::remove_dir_all(&data).unwrap();
    drop(fairway_store::Database::open(&data, format).unwrap());
    let output = fairway(home.path(), &["node", "run", folder]);
    let error = text(&output.stderr);
    let own = format!("version {}", fairway::store::FORMAT.version);
    assert!(error.contains("version 99") && error.contains(&own), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_end_cleanly_when_asked() {
    let mut world = World::start(2).await;
    world.open("payments").await;
    assert!(world.network.stop().await, "a process ended badly");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_runs_a_node_and_a_development_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("ws://{free}");
    let node = folder.path().join("node");
    let node = node.to_str().unwrap();
    let listen = "--listen=/ip4/127.0.0.1/tcp/0";
    let init = ["--ledger", &url, "node", "init", node, "--api=127.0.0.1:0", listen];
    assert!(fairway(folder.path(), &init).status.success());
    let data = folder.path().join("ledger").display().to_string();
    let args = ["node", "run", node, "--dev-ledger", &data].map(str::to_owned);
    let log = folder.path().join("log");
    let mut process = fairway::local::Process::start(program(), &args, &log).await.unwrap();
    let client = fairway_sdk::Client::connect(process.said("url")).await.unwrap();
    let account = fairway_types::Address::from_low(0xb);
    client.ledger().faucet(account, 7).await.unwrap();
    assert_eq!(client.ledger().balance(account).await.unwrap(), 7);
    assert!(process.stop().await);
}
