//! `fairway demo`, as a stranger runs it first.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::world::program;

const SCENES: [&str; 8] =
    ["start", "join", "play", "settle", "failover", "rejoin", "cheat", "exit"];

fn demo(report: &Path) -> Command {
    let mut command = Command::new(program());
    command.args(["demo", "--games", "2", "--payments", "100", "--report"]).arg(report);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    command.env("TMPDIR", report.parent().unwrap());
    command
}

#[test]
fn every_scene_of_the_demo_ends_well_and_no_unit_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let output = demo(&report).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_slice(&fs::read(&report).expect(&said)).unwrap();
    assert!(output.status.success() && report["ok"] == true, "{said}\n{report:#}");
    let left = fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["report.json"], "a demo that went well leaves nothing else");
    let scenes = report["scenes"].as_array().unwrap();
    for id in SCENES {
        let scene = scenes.iter().find(|scene| scene["id"] == id);
        assert!(scene.is_some_and(|scene| scene["ok"] == true), "{id}: {report:#}");
    }
    assert_eq!(report["balances"]["conserved"], true, "{report:#}");
}

#[test]
fn the_demo_outside_a_clone_starts_nothing_and_says_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program());
    command.arg("demo").current_dir(folder.path()).env("TMPDIR", folder.path());
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("name that folder with --examples"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing");
}

#[test]
fn ctrl_c_ends_the_demo_and_every_process_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = demo(&folder.path().join("report.json"));
    let running = demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while processes_in(folder.path()).is_empty() {
        assert!(std::time::Instant::now() < until, "the demo starts no node");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let pid = Pid::from_raw(running.id().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("stopped; every process has ended"));
    assert_eq!(processes_in(folder.path()), Vec::<String>::new());
}

/// Command lines of running processes that name the folder as their data's.
fn processes_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    let data = folder.join("fairway-demo-");
    lines.filter(|line| line.contains(&data.display().to_string())).collect()
}
