//! Who may use a node's API, and who is turned away, by what they send.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use fairway::local::Place;
use fairway_sdk::{Client, Error};
use serde_json::Value;

use crate::{
    http::{Answer, ask},
    world::{World, program},
};

const STATUS: &str = r#"{"jsonrpc":"2.0","id":1,"method":"state_channel.status"}"#;
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn post(url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    ask(url, "POST", "/", &[&[("content-type", "application/json")], headers].concat(), body)
}

fn upgrade(url: &str, headers: &[(&str, &str)]) -> Answer {
    shake(url, "GET", headers)
}

/// A handshake of WebSocket by any method.
fn shake(url: &str, method: &str, headers: &[(&str, &str)]) -> Answer {
    let handshake = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    ask(url, method, "/", &[&handshake, headers].concat(), "")
}

fn error_of(answer: &Answer) -> Value {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["error"].clone()
}

/// A world of one node whose configuration has `text` behind what `init` wrote.
async fn world_with(text: &str) -> World {
    let mut world = World::start(1).await;
    world.network.nodes[0].process.as_mut().unwrap().stop().await;
    let path = world.network.nodes[0].folder.join("node.toml");
    let own = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{own}\n{text}")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    world.network.start_node(0).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn page_of_another_site_and_a_rebound_name_are_refused() {
    let world = World::start(1).await;
    for url in [world.network.url(0), world.network.ledger_url()] {
        let page = [("origin", "https://evil.example")];
        for answer in [post(&url, &page, STATUS), upgrade(&url, &page)] {
            assert_eq!(answer.status, 403);
            let error = error_of(&answer);
            assert_eq!(error["code"], 100_012);
            assert!(error["message"].as_str().unwrap().contains("https://evil.example"), "{error}");
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
        }
        let asked = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
        assert_eq!(ask(&url, "OPTIONS", "/", &asked, "").status, 403);
        let rebound = [("host", "evil.example:9101")];
        assert_eq!(post(&url, &rebound, STATUS).status, 403);
        assert_eq!(upgrade(&url, &rebound).status, 403);
    }
    let url = world.network.url(0);
    let page = [("origin", "http://localhost:5173")];
    let answer = post(&url, &page, STATUS);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("\"connected_peers\""), "{}", answer.body);
    assert_eq!(answer.headers["access-control-allow-origin"], "http://localhost:5173");
    assert_eq!(answer.headers["vary"], "origin");
    let asked = ask(&url, "OPTIONS", "/", &page, "");
    assert_eq!(asked.status, 204);
    assert_eq!(asked.headers["access-control-allow-methods"], "POST");
    assert!(asked.headers["access-control-allow-headers"].contains("authorization"));
    assert_eq!(upgrade(&url, &page).status, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_is_asked_for_over_http_and_websocket() {
    let world = world_with(&format!("[access]\ntokens = [\"{TOKEN}\"]")).await;
    let url = world.network.url(0);
    let bearer = format!("Bearer {TOKEN}");
    let wrong = format!("Bearer {}x", &TOKEN[1..]);
    let denied = post(&url, &[], STATUS);
    assert_eq!((denied.status, error_of(&denied)["code"].as_i64()), (401, Some(100_012)));
    assert_eq!(denied.headers["www-authenticate"], "Bearer realm=\"fairway\"");
    assert_eq!(post(&url, &[("authorization", &wrong)], STATUS).status, 401);
    assert_eq!(post(&url, &[("authorization", &bearer)], STATUS).status, 200);
    assert_eq!(upgrade(&url, &[]).status, 401);
    let mut command = std::process::Command::new(program());
    let output = command.args(["--node", &url, "node", "status"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("does not let this client in: it asks for a token"), "{error}");
    for (method, status) in [("OPTIONS", 405), ("HEAD", 401), ("POST", 401), ("BREW", 401)] {
        assert_eq!(shake(&url, method, &[]).status, status, "{method} is no way around the token");
        let shown = shake(&url, method, &[("authorization", &bearer)]);
        assert_eq!(shown.status, 405, "{method} is no way to a WebSocket");
    }
    let page = [("origin", "http://localhost:5173")];
    assert_eq!(shake(&url, "OPTIONS", &page).status, 204);
    let protocol = format!("fairway.token.{TOKEN}");
    let both = format!("json, {protocol}");
    let taken = upgrade(&url, &[("sec-websocket-protocol", &both)]);
    assert_eq!((taken.status, taken.headers["sec-websocket-protocol"].as_str()), (101, &*protocol));
    let without = Client::connect(&url).await.err().unwrap();
    assert!(matches!(without, Error::Barred { .. }));
    assert!(without.to_string().contains("it asks for a token"), "{without}");
    let client = Client::connect_with(&url, Some(TOKEN.into())).await.unwrap();
    client.status().await.unwrap();
    let status = |token: &str| {
        let mut command = Command::new(program());
        command.args(["--node", &url, "node", "status"]).env("FAIRWAY_TOKEN", token);
        command.output().unwrap().status.code()
    };
    assert_eq!((status(TOKEN), status("other")), (Some(0), Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn client_beyond_its_rate_is_refused_and_let_in_again() {
    let text = format!(
        "[access]\ntokens = [\"{TOKEN}\", \"{TOKEN}2\"]\nrequests_per_second = 2\nburst = 4"
    );
    let world = world_with(&text).await;
    let url = world.network.url(0);
    let bearer = format!("Bearer {TOKEN}");
    let batch = format!("[{}]", [STATUS; 6].join(","));
    let answers: Value =
        serde_json::from_str(&post(&url, &[("authorization", &bearer)], &batch).body).unwrap();
    let refused: Vec<&Value> =
        answers.as_array().unwrap().iter().filter(|answer| answer["error"].is_object()).collect();
    assert_eq!(refused.len(), 2, "{answers}");
    assert_eq!(refused[0]["error"]["code"], 100_030);
    let wait = refused[0]["error"]["data"]["details"]["retry_after_ms"].as_u64().unwrap();
    assert!((1..=1_000).contains(&wait), "{refused:?}");
    // The same client on another connection, and another client.
    let client = Client::connect_with(&url, Some(TOKEN.into())).await.unwrap();
    let mut limited = false;
    for _ in 0..4 {
        let refused = client.status().await.err();
        limited |= refused.is_some_and(|error| {
            matches!(error.refusal(), Some(fairway_sdk::Refusal::RateLimited { .. }))
        });
    }
    assert!(limited, "the rate holds over WebSocket too");
    let other = Client::connect_with(&url, Some(format!("{TOKEN}2"))).await.unwrap();
    other.status().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    client.status().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn node_does_not_listen_beyond_loopback_without_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let init = |name: &str, more: &[&str]| {
        let node = folder.path().join(name);
        let mut command = Command::new(program());
        command.args(["node", "init"]).arg(&node).args(["--api", "0.0.0.0:0"]).args(more);
        (command.output().unwrap(), node)
    };
    let (refused, node) = init("refused", &[]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("access.token_file"), "{error}");
    assert!(!node.join("node.toml").exists());
    secret_of_the_environment_is_enough(folder.path());
    let (open, node) = init("open", &["--allow-anyone", "--listen=/ip4/127.0.0.1/tcp/0"]);
    assert!(open.status.success(), "{}", String::from_utf8_lossy(&open.stderr));
    let text = fs::read_to_string(node.join("node.toml")).unwrap();
    assert!(text.contains("allow_anyone = true"), "{text}");
    let args = ["node", "run", node.to_str().unwrap()].map(str::to_owned);
    let log = folder.path().join("log");
    let mut process = fairway::local::Process::start(program(), &args, &log).await.unwrap();
    let port = process.said("url").rsplit(':').next().unwrap().to_owned();
    let named = post(&format!("ws://127.0.0.1:{port}"), &[("host", "node.example")], STATUS);
    assert_eq!(named.status, 200, "a port that others reach has any name");
    assert!(process.stop().await);
}

/// A token that is in no file lets a node be made, as long as it is there when the node runs.
fn secret_of_the_environment_is_enough(folder: &Path) {
    let node = folder.join("secret");
    let with = |args: &[&str], token: Option<&str>| {
        let mut command = Command::new(program());
        command.args(["node"]).args(args).arg(&node);
        command.envs(token.map(|token| ("FAIRWAY_ACCESS_TOKENS", token))).output().unwrap()
    };
    let made = with(&["init", "--api", "0.0.0.0:0"], Some(TOKEN));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(!fs::read_to_string(node.join("node.toml")).unwrap().contains(TOKEN));
    let refused = with(&["run"], None);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("access.token_file"), "{error}");
}

/// What nobody asked for is reached from nowhere but this machine.
#[tokio::test(flavor = "multi_thread")]
async fn default_listeners_are_on_loopback() {
    let config = fairway::config::Config::default();
    assert!(config.api.ip().is_loopback() && config.chain.listen.ip().is_loopback());
    assert!(config.http.listen.is_none());
    for address in &config.listen {
        assert!(address.to_string().starts_with("/ip4/127.0.0.1/"), "{address}");
    }
    let place = Place { options: vec!["--http=127.0.0.1:0".into()], ..Place::default() };
    let world = World::start_at(Place::default(), vec![place]).await;
    let process = world.network.nodes[0].process.as_ref().unwrap();
    let pid = process.id().unwrap();
    let sockets = listening(pid);
    assert!(sockets.len() >= 3, "API, peers and HTTP: {sockets:?}");
    let ledger = listening(world.network.ledger.id().unwrap());
    assert!(!ledger.is_empty());
    let all = sockets.iter().chain(&ledger);
    assert!(all.clone().all(|address| address == "0100007F"), "{sockets:?} {ledger:?}");
}

/// Local addresses in hex on which a process listens, over TCP.
fn listening(pid: u32) -> Vec<String> {
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| {
            let link = link.to_string_lossy().into_owned();
            Some(link.strip_prefix("socket:[")?.trim_end_matches(']').to_owned())
        })
        .collect();
    ["tcp", "tcp6"]
        .iter()
        .flat_map(|table| {
            let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap();
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        })
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(3) == Some(&"0A");
            let own = fields.get(9).is_some_and(|inode| inodes.iter().any(|of| of == inode));
            (listens && own).then(|| fields[1].split(':').next().unwrap().to_owned())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn console_is_served_where_it_is_wanted_to_who_knows_a_token_and_only_reads() {
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:0\"\nconsole = true\n[access]\ntokens = [\"{TOKEN}\"]"
    );
    let world = world_with(&text).await;
    let process = world.network.nodes[0].process.as_ref().unwrap();
    let (http, page) = (process.said("http"), process.said("console"));
    assert_eq!(page, format!("{http}/console/"));
    let get = |path: &str, headers: &[(&str, &str)]| ask(&http, "GET", path, headers, "");
    assert_eq!(get("/console", &[]).headers["location"], "console/");
    let shown = get("/console/", &[]);
    assert_eq!((shown.status, &*shown.headers["content-type"]), (200, "text/html; charset=utf-8"));
    assert!(shown.headers["content-security-policy"].starts_with("default-src 'none'"));
    assert_eq!(get("/console/console.js", &[]).status, 200);
    assert_eq!(get("/console/secret", &[]).status, 404);

    let bearer = format!("Bearer {TOKEN}");
    let known = ("authorization", bearer.as_str());
    assert_eq!(get("/console/rpc", &[]).status, 401);
    assert_eq!(get("/console/rpc", &[known]).status, 204);
    let foreign = get("/console/rpc", &[known, ("origin", "https://evil.example")]);
    assert_eq!((foreign.status, error_of(&foreign)["code"].as_i64()), (403, Some(100_012)));
    assert_eq!(get("/console/rpc", &[known, ("host", "evil.example")]).status, 403);
    assert_eq!(ask(&http, "POST", "/console/rpc", &[known], STATUS).status, 405);

    let url = format!("{}rpc", page.replace("http://", "ws://"));
    assert!(Client::connect(&url).await.is_err(), "no token was shown");
    let client = Client::connect_with(&url, Some(TOKEN.into())).await.unwrap();
    client.status().await.unwrap();
    let account = fairway_types::Keypair::from_seed(&[7; 32]).address();
    let refused = client.ledger().faucet(account, 1).await.unwrap_err().to_string();
    assert!(refused.contains("chain.faucet is not answered here"), "{refused}");
}
