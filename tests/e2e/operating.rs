//! What an operator relies on: the configuration, health, metrics, an orderly end, backups.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use fairway::{local::Place, observe::METRICS};
use fairway_sdk::{CallStatus, ChannelId, Height, api::channel::Role, json};
use fairway_types::contract::NATIVE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::{
    http::ask,
    world::{World, fixed_places, pay, program},
};

fn fairway(args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(program()).args(args).envs(variables.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn watched() -> Place {
    Place { options: vec!["--http=127.0.0.1:0".into()], ..Place::default() }
}

fn http_of(world: &World, node: usize) -> String {
    world.network.nodes[node].process.as_ref().unwrap().said("http")
}

#[test]
fn configuration_is_checked_with_places_and_shown_with_origins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    let path = file.to_str().unwrap();
    let secret = "s".repeat(40);
    fs::write(&file, format!("max_channel = 7\n[access]\ntokens = [\"{secret}\"]\n")).unwrap();
    let wrong = fairway(&["config", "check", path], &[]);
    assert_eq!(wrong.status.code(), Some(1));
    let said = text(&wrong.stdout);
    assert!(
        said.contains("node.toml:1:1: `max_channel`") && said.contains("`max_channels`?"),
        "{said}"
    );
    let node = fairway(&["node", "run", folder.path().to_str().unwrap()], &[]);
    assert_eq!(node.status.code(), Some(1));
    assert!(text(&node.stderr).contains("node.toml:1:1"), "{}", text(&node.stderr));
    let as_json = fairway(&["--json", "config", "check", path], &[]);
    let said: Value = serde_json::from_slice(&as_json.stdout).unwrap();
    assert!(said["ok"] == false && said["problems"][0]["line"] == 1, "{said}");

    fs::write(&file, format!("max_channels = 7\n[access]\ntokens = [\"{secret}\"]\n")).unwrap();
    let open = fairway(&["config", "check", path], &[]);
    assert!(text(&open.stdout).contains("chmod 600"), "others can read the token");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(fairway(&["config", "check", path], &[]).status.success());
    let variables = [("FAIRWAY_MAX_CHANNELS", "8"), ("FAIRWAY_ACCESS_BURST", "9")];
    let shown = fairway(&["config", "show", path, "--set", "access.burst=10"], &variables);
    let shown = text(&shown.stdout);
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("max_channels"), "max_channels = 8 # FAIRWAY_MAX_CHANNELS");
    assert_eq!(line("access.burst"), "access.burst = 10 # --set");
    assert!(line("access.tokens").starts_with("access.tokens = [\"***\"] # "), "{shown}");
    assert!(line("access.tokens").ends_with("node.toml:3:10"), "{shown}");
    assert_eq!(line("archive"), "archive = false # default");
    assert!(!shown.contains(&secret), "a secret is shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger_runs_from_a_file_with_flags_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fairway.toml");
    fs::write(
        &file,
        "[chain]\ndata = \"chain-data\"\nid = 7\ndev = true\nlisten = \"127.0.0.1:0\"\n",
    )
    .unwrap();
    let args = ["ledger", "run", "--config", file.to_str().unwrap(), "--chain-id", "8"];
    let log = folder.path().join("log");
    let mut process = start(&args, &log).await;
    assert_eq!(process.ready["chain"], 8);
    assert!(folder.path().join("chain-data/chain").is_dir(), "beside the file");
    assert!(process.stop().await);
}

async fn start(args: &[&str], log: &Path) -> fairway::local::Process {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    fairway::local::Process::start(program(), &args, log).await.unwrap()
}

/// Names and types of the metrics that a process answers with.
fn families(url: &str) -> BTreeSet<(String, String)> {
    let answer = ask(url, "GET", "/metrics", &[], "");
    assert_eq!(answer.status, 200);
    assert!(answer.headers["content-type"].starts_with("application/openmetrics-text"));
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    let types = answer.body.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let of = |line: &str| {
        let (name, kind) = line.split_once(' ').unwrap();
        let end = if kind == "counter" { "_total" } else { "" };
        (format!("{name}{end}"), kind.to_owned())
    };
    types.map(of).collect()
}

/// Names in the documentation's table for a `node` or a `ledger`.
fn documented(process: &str) -> BTreeSet<(String, String)> {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let document = fs::read_to_string(document).unwrap();
    let rows = document
        .lines()
        .filter(|line| line.starts_with("| `fairway_") || line.starts_with("| `process_"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .filter(|cells| cells[4].split(", ").any(|of| of == process))
        .map(|cells| (cells[1].trim_matches('`').to_owned(), cells[2].to_owned()))
        .collect()
}

fn value(url: &str, series: &str) -> f64 {
    let body = ask(url, "GET", "/metrics", &[], "").body;
    let lines = body.lines().filter(|line| line.starts_with(series));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

async fn until_at_least(url: &str, series: &str, wanted: f64) {
    let end = Instant::now() + Duration::from_secs(30);
    while value(url, series) < wanted {
        assert!(Instant::now() < end, "{series} stays at {}", value(url, series));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn live_processes_answer_with_the_documented_metrics() {
    let world = World::start_at(Place::default(), vec![watched(), watched()]).await;
    let channel = world.open("payments").await;
    let member = world.member(0, channel).await;
    for _ in 0..20 {
        pay(&member, &world.keys[1], 1).await.unwrap();
    }
    let zero = pay(&member, &world.keys[1], 0).await;
    assert!(zero.is_err());
    let url = http_of(&world, 0);
    assert_eq!(families(&url), documented("node"));
    assert_eq!(
        documented("node").len(),
        METRICS.iter().filter(|metric| metric.is_of("node")).count()
    );
    assert!(value(&url, "fairway_channel_certified_calls_total") >= 20.0);
    assert!(value(&url, "fairway_channel_call_certified_seconds_count") >= 20.0);
    assert!(value(&url, "fairway_calls_refused_total{error=\"move_abort\"}") >= 1.0);
    assert!(value(&url, "fairway_store_write_seconds_count{synced=\"true\"}") > 0.0);
    until_at_least(&url, "fairway_channel_members_valid", 2.0).await;
    until_at_least(&url, "fairway_channel_members_heard", 2.0).await;
    assert!((value(&url, "fairway_channel_role") - 1.0).abs() < 0.1, "one role at a time");
    assert!(value(&url, "fairway_peers_sent_bytes_total") > 0.0);
    assert!(value(&url, "fairway_peers_received_bytes_total") > 0.0);
    assert!(value(&url, "process_resident_memory_bytes") > 1e6);
    // The last block's certificate comes with the next word of the leader.
    let height = value(&url, "fairway_channel_head_height");
    until_at_least(&url, "fairway_channel_certified_height", height).await;
    let rebound = ask(&url, "GET", "/metrics", &[("host", "evil.example")], "");
    assert_eq!(rebound.status, 403);

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("chain");
    let args = [
        "ledger",
        "run",
        "--dev",
        "--data",
        data.to_str().unwrap(),
        "--listen=127.0.0.1:0",
        "--http=127.0.0.1:0",
    ];
    let mut ledger = start(&args, &folder.path().join("log")).await;
    assert_eq!(families(&ledger.said("http")), documented("ledger"));
    assert!(ledger.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_says_why_not() {
    let mut world = World::start_at(Place::default(), vec![watched()]).await;
    let url = http_of(&world, 0);
    let ready = || {
        let answer = ask(&url, "GET", "/readyz", &[], "");
        (answer.status, serde_json::from_str::<Value>(&answer.body).unwrap())
    };
    let until = async |wanted: u16| {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let (status, body) = ready();
            if status == wanted {
                return body;
            }
            assert!(Instant::now() < end, "stays at {status}: {body}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert_eq!(until(200).await["ready"], true);
    world.network.kill_ledger().await;
    let body = until(503).await;
    assert!(body["ready"] == false && body["reasons"][0]["what"] == "chain", "{body}");
    assert!(!body["reasons"][0]["reason"].as_str().unwrap().is_empty());
    assert_eq!(ask(&url, "GET", "/healthz", &[], "").status, 200, "it is alive");
    world.network.restart_ledger().await.unwrap();
    until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupt_and_termination_end_a_process_in_bounded_time() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut world = World::start_at(Place::default(), vec![watched(), watched()]).await;
        let channel = world.open("payments").await;
        let member = world.member(0, channel).await;
        pay(&member, &world.keys[1], 1).await.unwrap();
        let process = world.network.nodes[0].process.as_mut().unwrap();
        let pid = Pid::from_raw(process.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
        let code = timeout(Duration::from_secs(20), process.ended()).await.unwrap();
        assert_eq!(code, Some(0), "{signal:?}");
        world.network.nodes[0].process = None;
        world.network.start_node(0).await.unwrap();
        assert!(world.status(0, channel).await.head > Height::ZERO);
    }
}

/// The leader's folder is backed up, the leader goes on signing, and the backup is started in its
/// place while the other one stands still. Without the mark it would order a call at a height of which
/// it signed another block.
#[tokio::test(flavor = "multi_thread")]
async fn restored_node_signs_nothing_that_it_signed_otherwise() {
    let mut places = fixed_places(3);
    let mut world = World::start_at(places.remove(0), places).await;
    let channel = world.open("payments").await;
    let leader = leader_of(&world, channel).await;
    let other = 1 - leader;
    let payer = world.member(leader, channel).await;
    pay(&payer, &world.keys[other], 1).await.unwrap();

    let folder = world.network.nodes[leader].folder.clone();
    let backup = world.folder.path().join("backup");
    let (from, to) = (folder.to_str().unwrap(), backup.to_str().unwrap());
    let running = fairway(&["backup", "create", from, to], &[]);
    let said = text(&running.stderr);
    assert!(said.contains("in use by another process"), "{said}");
    assert!(world.network.nodes[leader].process.as_mut().unwrap().stop().await);
    let made = fairway(&["backup", "create", from, to], &[]);
    assert!(made.status.success(), "{}", text(&made.stderr));

    world.network.start_node(leader).await.unwrap();
    let payer = world.member(leader, channel).await;
    for _ in 0..10 {
        pay(&payer, &world.keys[other], 1).await.unwrap();
    }
    let signed = world.status(leader, channel).await;

    world.network.nodes[other].process.as_ref().unwrap().freeze();
    world.network.kill_node(leader).await;
    let place = world.folder.path().join("restored");
    let back = fairway(&["backup", "restore", to, place.to_str().unwrap()], &[]);
    assert!(back.status.success(), "{}", text(&back.stderr));
    let over = fairway(&["backup", "restore", to, place.to_str().unwrap()], &[]);
    assert!(text(&over.stderr).contains("exists already"), "{}", text(&over.stderr));
    world.network.nodes[leader].folder = place;
    world.network.start_node(leader).await.unwrap();
    let status = world.status(leader, channel).await;
    assert!(status.head < signed.head, "the backup is older: {status:?}");
    // Alone, and asked to order something: it must not.
    let ordered = timeout(Duration::from_secs(5), async {
        let own = world.member(leader, channel).await;
        let to = json!(world.keys[other].address().to_string());
        let args = [to, json!(NATIVE), json!(3), json!("another block")];
        own.call_until("0x44::payments::pay", &args, CallStatus::Executed).await
    });
    let ordered = ordered.await;
    assert!(!matches!(ordered, Ok(Ok(_))), "it ordered a call: {ordered:?}");
    let alone = world.status(leader, channel).await;
    assert!(alone.tail_lost && alone.head == status.head, "it signed a block: {alone:?}");

    world.network.nodes[other].process.as_ref().unwrap().thaw();
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        let status = world.status(leader, channel).await;
        if !status.tail_lost && status.head >= signed.head {
            break;
        }
        assert!(Instant::now() < end, "it does not come back: {status:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let payer = world.member(other, channel).await;
    pay(&payer, &world.keys[leader], 1).await.unwrap();
    for index in 0..2 {
        let found = world.channel(index, channel).await.evidence().await.unwrap();
        assert!(found.is_empty(), "node {index} holds evidence: {found:?}");
    }
    assert!(world.same_log(channel).await > signed.head);
}

async fn leader_of(world: &World, channel: ChannelId) -> usize {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        for index in 0..world.keys.len() {
            if world.status(index, channel).await.role == Role::Leader {
                return index;
            }
        }
        assert!(Instant::now() < end, "nobody leads");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn findings(folder: &Path) -> (bool, Vec<Value>) {
    findings_with(folder, &[])
}

fn findings_with(folder: &Path, environment: &[(&str, &str)]) -> (bool, Vec<Value>) {
    let output = fairway(&["--json", "doctor", folder.to_str().unwrap()], environment);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["ok"], output.status.success(), "{said}");
    (output.status.success(), said["findings"].as_array().unwrap().clone())
}

fn grade<'a>(findings: &'a [Value], check: &str) -> &'a str {
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("no {check}: {findings:?}"))["grade"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_nothing_wrong_with_a_node_that_runs_and_one_that_is_stopped() {
    let mut world = World::start_at(Place::default(), vec![watched(); 3]).await;
    world.open("payments").await;
    let folder = world.network.nodes[0].folder.clone();
    let (well, running) = findings(&folder);
    assert!(well, "{running:?}");
    assert_eq!((grade(&running, "ports"), grade(&running, "ledger")), ("unknown", "ok"));
    world.network.nodes[0].process.as_mut().unwrap().stop().await;
    let (well, stopped) = findings(&folder);
    assert!(well, "{stopped:?}");
    for check in ["config", "key", "data", "ports", "ledger", "clock", "peers"] {
        assert_eq!(grade(&stopped, check), "ok", "{stopped:?}");
    }
    world.network.nodes[1].process.as_mut().unwrap().stop().await;
    let (well, one_lost) = findings(&folder);
    assert!(well && grade(&one_lost, "peers") == "warn", "{one_lost:?}");
    world.network.nodes[2].process.as_mut().unwrap().stop().await;
    let (well, alone) = findings(&folder);
    assert!(!well && grade(&alone, "peers") == "fail", "{alone:?}");
    let log = world.folder.path().join("other-ledger.log");
    let data = world.folder.path().join("other-ledger");
    let args = ["ledger", "run", "--data", data.to_str().unwrap(), "--chain-id", "8", "--dev"];
    let mut other = start(&[args.as_slice(), &["--listen", "127.0.0.1:0"]].concat(), &log).await;
    let (well, elsewhere) = findings_with(&folder, &[("FAIRWAY_LEDGER", &other.said("url"))]);
    assert!(!well && grade(&elsewhere, "ledger") == "fail", "{elsewhere:?}");
    assert!(other.stop().await);
}

#[test]
fn doctor_names_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let node = folder.path().join("node");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ledger = format!("ws://{free}");
    let args = ["--ledger", &ledger, "node", "init", node.to_str().unwrap()];
    let more = ["--api", &taken, "--listen=/ip4/127.0.0.1/tcp/0"];
    assert!(fairway(&[args.as_slice(), &more].concat(), &[]).status.success());
    fs::set_permissions(node.join("node.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let format = fairway_store::Format { version: 7, ..fairway::store::FORMAT };
    drop(fairway_store::Database::open(&node.join("data"), format).unwrap());
    let (well, found) = findings(&node);
    assert!(!well);
    for check in ["key", "data", "ports", "ledger"] {
        assert_eq!(grade(&found, check), "fail", "{found:?}");
    }
    assert!(found.iter().filter(|it| it["grade"] == "fail").all(|it| it["cure"].is_string()));
    let told = text(&fairway(&["doctor", node.to_str().unwrap()], &[]).stdout);
    assert!(told.contains("chmod 600") && told.contains("version 7"), "{told}");
    assert!(told.contains(&format!("`api`: {taken}")), "{told}");
    drop(holder);
    fs::write(node.join("node.toml"), "nothing = 1\n").unwrap();
    let (well, found) = findings(&node);
    assert!(!well && found.len() == 1 && grade(&found, "config") == "fail", "{found:?}");
}
