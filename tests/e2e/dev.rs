//! `fairway dev`: an app's network that follows its source, and leaves nothing behind.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use fairway::local::Process;
use fairway_sdk::{Channel, Client, Keypair, Member, Refusal, json};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{http::ask, world::program};

const PATIENCE: Duration = Duration::from_secs(60);

/// A counter's folder.
struct App {
    folder: TempDir,
}

impl App {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = fairway(folder.path(), &["move", "new", "counter"]);
        assert!(made.status.success());
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("counter")
    }

    async fn dev(&self, options: &[&str]) -> Process {
        let folder = self.path().display().to_string();
        let mut args = vec!["dev".to_owned(), folder, "--nodes=2".into()];
        args.extend(options.iter().map(|option| (*option).to_owned()));
        Process::start(program(), &args, &self.folder.path().join("dev.log")).await.unwrap()
    }

    /// What programs beside `fairway dev` read; null while there is none.
    fn record(&self) -> Value {
        let text = std::fs::read_to_string(self.path().join(".fairway/dev.json"));
        // It is replaced whole: what is there is complete at any moment.
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }

    async fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let record = self.record();
            if wanted(&record) {
                return record;
            }
            assert!(Instant::now() < end, "the record stays at {record}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Changes the source.
    fn edit(&self, from: &str, to: &str) {
        let path = self.path().join("sources/counter.move");
        let source = std::fs::read_to_string(&path).unwrap();
        assert!(source.contains(from));
        std::fs::write(&path, source.replace(from, to)).unwrap();
    }
}

/// Runs the command where the environment names a ledger for other commands.
fn fairway(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(args).current_dir(folder).env("FAIRWAY_LEDGER", "ws://127.0.0.1:1");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Connects as a program that knows only the record.
async fn join(record: &Value, index: usize) -> (Channel, Member) {
    let member = &record["members"][index];
    let client = Client::connect(string(&member["url"])).await.unwrap();
    let channel = client.channel(string(&record["channel"]).parse().unwrap()).await.unwrap();
    let seed: fairway_types::Hash = string(&member["seed"]).parse().unwrap();
    let key = Keypair::from_seed(seed.as_bytes());
    assert_eq!(key.address().to_string(), string(&member["address"]));
    (channel.clone(), channel.member(key))
}

fn pids(record: &Value) -> Vec<Pid> {
    let members = record["members"].as_array().unwrap().iter();
    members.map(|member| Pid::from_raw(member["pid"].as_i64().unwrap() as i32).unwrap()).collect()
}

/// The process of the app's ledger.
fn ledger_of(app: &App) -> Pid {
    let data = app.path().canonicalize().unwrap().join(".fairway/net/ledger");
    let is_meant = |path: &Path| {
        let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&data.display().to_string())
    };
    let mut processes = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let found = processes.find(|path| is_meant(path)).unwrap();
    Pid::from_raw(found.file_name().unwrap().to_str().unwrap().parse().unwrap()).unwrap()
}

async fn until_gone(pids: &[Pid]) {
    let end = Instant::now() + PATIENCE;
    while pids.iter().any(|pid| rustix::process::test_kill_process(*pid).is_ok()) {
        assert!(Instant::now() < end, "{pids:?} run on");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_follows_the_source_and_keeps_the_old_channel_while_it_is_broken() {
    let app = App::new();
    let client = app.folder.path().join("counter.ts");
    let mut dev = app.dev(&["--client", client.to_str().unwrap()]).await;
    let first = app.record();
    assert_eq!(dev.ready["channel"], first["channel"]);
    assert_eq!(dev.ready["event"], "ready");
    for console in [&first["console"], &first["members"][0]["console"]] {
        let page = string(console).trim_end_matches('/');
        let (place, path) = page.split_at(page.len() - "/console".len());
        let answer = ask(place, "GET", &format!("{path}/"), &[], "");
        assert_eq!(answer.status, 200, "{console}");
        assert!(answer.body.contains("<title>"), "{}", answer.body);
    }
    assert!(std::fs::read_to_string(&client).unwrap().contains(string(&first["package"])));
    let (_, alice) = join(&first, 0).await;
    let (channel, bob) = join(&first, 1).await;
    alice.call("0x100::counter::count", &[]).await.unwrap();
    bob.call("0x100::counter::count", &[]).await.unwrap();
    let values = channel.view("0x100::counter::value", &[json!(bob.address())]).await.unwrap();
    assert_eq!(values, [json!("1")]);

    app.edit("<= 100", "<= 1");
    let second = app.until(|record| record["generation"] == 2).await;
    assert_ne!(second["channel"], first["channel"]);
    assert_ne!(second["package"], first["package"]);
    assert!(std::fs::read_to_string(&client).unwrap().contains(string(&second["package"])));
    let (_, alice) = join(&second, 0).await;
    alice.call("0x100::counter::count", &[]).await.unwrap();
    let refused = alice.call("0x100::counter::count", &[]).await.unwrap_err();
    let name = match refused.refusal() {
        Some(Refusal::MoveAbort { name, .. }) => name.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(name.as_deref(), Some("E_TOO_FAR"));

    app.edit("value: 0 }", "value: true }");
    let broken = app.until(|record| !record["error"].is_null()).await;
    assert!(string(&broken["error"]).contains("sources/counter.move:"), "{broken}");
    assert_eq!(broken["channel"], second["channel"]);
    let (_, bob) = join(&broken, 1).await;
    bob.call("0x100::counter::count", &[]).await.unwrap();

    app.edit("value: true }", "value: 0 }");
    let mended = app.until(|record| record["error"].is_null()).await;
    assert_eq!(mended["channel"], second["channel"], "the same code goes on in its channel");
    let nodes = pids(&mended);
    assert!(dev.stop().await, "it ended badly");
    until_gone(&nodes).await;
    assert_eq!(app.record(), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_dev_takes_its_processes_with_it() {
    let app = App::new();
    let mut dev = app.dev(&[]).await;
    let nodes = pids(&app.record());
    dev.kill().await;
    until_gone(&nodes).await;
    // What it left does not keep the next one from running.
    let mut again = app.dev(&[]).await;
    assert_eq!(again.ready["generation"], 1);
    assert!(again.stop().await);
}

#[test]
fn what_ended_by_itself_is_said_when_it_does() {
    let app = App::new();
    let mut dev = Command::new(program())
        .args(["--json", "dev", "--no-open", "--nodes=2"])
        .current_dir(app.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["event"], "ready");
    kill_process(pids(&app.record())[0], Signal::KILL).unwrap();
    assert_eq!(next(), json!({ "event": "node_ended", "member": "alice" }));
    kill_process(ledger_of(&app), Signal::KILL).unwrap();
    assert_eq!(next(), json!({ "event": "ledger_ended" }));
    app.edit("value: 0 }", "value: 1 }");
    let refused = next();
    assert!(refused["error"].as_str().unwrap().contains("the ledger has ended"), "{refused}");
    kill_process(Pid::from_raw(dev.id().cast_signed()).unwrap(), Signal::INT).unwrap();
    assert_eq!(next(), json!({ "event": "stopped" }));
    assert!(dev.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_networks_run_side_by_side_with_the_keys_of_their_seed() {
    let (one, other) = (App::new(), App::new());
    let (mut first, mut second) = tokio::join!(one.dev(&["--seed=a"]), other.dev(&["--seed=a"]));
    let addresses = |record: &Value| {
        let members = record["members"].as_array().unwrap().iter();
        members.map(|member| member["address"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(addresses(&one.record()), addresses(&other.record()));
    assert_ne!(one.record()["ledger"], other.record()["ledger"]);
    let again = fairway(&one.path(), &["dev"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("runs in"), "{}", text(&again.stderr));
    assert!(first.stop().await && second.stop().await);
    let mut random = one.dev(&[]).await;
    assert_ne!(addresses(&one.record()), addresses(&first.ready));
    assert!(random.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_runs_a_command_on_the_network_and_ends_with_its_code() {
    let app = App::new();
    let dev = |options: &[&str]| {
        fairway(&app.path(), &[&["dev", "--once", "--nodes=1"], options].concat())
    };
    let read = dev(&["--", "sh", "-c", "cat \"$FAIRWAY_DEV\"; fairway_exit=7; exit $fairway_exit"]);
    assert_eq!(read.status.code(), Some(7), "{}", text(&read.stderr));
    assert!(text(&read.stdout).contains("\"generation\": 1"), "{}", text(&read.stdout));
    assert_eq!(app.record(), Value::Null);
    assert_eq!(dev(&[]).status.code(), Some(0));
    let missing = dev(&["--", "no-such-program"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("running no-such-program"));
    app.edit("value: 0 }", "value: true }");
    let broken = dev(&[]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stderr).contains("sources/counter.move:"), "{}", text(&broken.stderr));
}

#[test]
fn what_dev_cannot_do_is_named_before_anything_starts() {
    let app = App::new();
    let cases: [(&[&str], &str, i32); 6] = [
        (&["dev", "nowhere"], "nowhere/Move.toml: no such file", 1),
        (&["dev", "--nodes=0"], "1..=16", 2),
        (&["dev", "--nodes=17"], "1..=16", 2),
        (&["dev", "--deposit=0"], "expected from 1 to", 2),
        (&["dev", "--client=client.py"], "ends with .ts or .rs", 1),
        (&["dev", "--", "true"], "--once", 2),
    ];
    for (args, expected, code) in cases {
        let output = fairway(&app.path(), args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(text(&output.stderr).contains(expected), "{args:?}: {}", text(&output.stderr));
    }
    assert!(!app.path().join(".fairway").exists());
}
