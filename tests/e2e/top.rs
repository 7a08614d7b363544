//! `fairway top`, as scripts call it and as somebody at a terminal sees it.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Termios, Winsize, tcgetattr, tcsetwinsize},
};
use serde_json::Value;

use crate::world::{World, fixed_places, pay, program};
use fairway::local::Place;

const PATIENCE: Duration = Duration::from_secs(30);
/// What a terminal is told when another screen is taken, and given back.
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

fn top(args: &[&str]) -> Output {
    Command::new(program()).arg("top").args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_frame_shows_what_the_node_says_as_text_and_as_json() {
    let world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    pay(&alice, &world.keys[1], 1).await.unwrap();
    let url = world.network.url(0);
    // Calls while it counts.
    let paying = tokio::spawn({
        let (member, account) = (alice.clone(), world.keys[0].clone());
        async move { while pay(&member, &account, 1).await.is_ok() {} }
    });
    let args = ["--node", &url, "--once", "--json", "--interval", "2s"];
    let output = tokio::task::block_in_place(|| top(&args));
    paying.abort();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let status = world.status(0, channel).await;
    let row = &found["channels"][0];
    assert_eq!(row["channel"], channel.to_string());
    assert_eq!(row["leader"], status.leader.unwrap().to_string());
    assert_eq!((&row["valid"], &row["registered"]), (&2.into(), &2.into()));
    assert_eq!((&row["divergences"], &row["open_windows"]), (&0.into(), &0.into()));
    let members = row["members"].as_array().unwrap();
    assert!(members.len() == 2 && members.iter().all(|member| member["state"] == "valid"));
    assert!(row["calls_per_second"].as_f64().unwrap() > 1.0, "{row}");
    let certify = row["certify_ms"].as_f64().unwrap();
    assert!(certify > 0.0 && certify < 10_000.0, "{row}");
    assert_eq!(found["connected_peers"], 1);

    let output = top(&["--node", &url, "--once", "--interval", "100ms"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let frame = text(&output.stdout);
    let line = frame.lines().find(|line| line.starts_with(&channel.short())).unwrap();
    assert!(line.contains("2/2"), "{frame}");
    assert!(frame.contains("chain reached") && frame.contains(&channel.to_string()), "{frame}");
    assert!(!frame.contains('\u{1b}'), "no colours in a file: {frame}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_terminal_or_no_node_is_told_what_to_do() {
    let world = World::start(1).await;
    let url = world.network.url(0);
    let output = top(&["--node", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("fairway top --once"), "{}", text(&output.stderr));
    let output = top(&["--node", &url, "--json"]);
    assert!(text(&output.stderr).contains("--once --json"), "{}", text(&output.stderr));
    let output = top(&["--node", "ws://127.0.0.1:1", "--once"]);
    assert_eq!(output.status.code(), Some(3));
    let output = top(&["--node", &url, "--once", "--interval", "5"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("500ms, 1s or 1m"), "{}", text(&output.stderr));
    let output = top(&["--node", &url, "--once", "--interval", "100ms"]);
    assert!(text(&output.stdout).contains("The node runs no channel."));
}

/// A node that asks for a token shows itself to who has it.
#[tokio::test(flavor = "multi_thread")]
async fn token_is_shown_to_a_node_that_asks_for_one() {
    let token = "t".repeat(32);
    let world = World::start_at(Place::default(), Vec::new()).await;
    let folder = world.folder.path().join("guarded");
    let folder = folder.to_str().unwrap();
    let ledger = world.network.ledger_url();
    let init = ["node", "init", folder, "--ledger", &ledger, "--api", "127.0.0.1:0"];
    let listen = ["--listen", "/ip4/127.0.0.1/tcp/0"];
    assert!(Command::new(program()).args(init).args(listen).output().unwrap().status.success());
    let tokens = PathBuf::from(folder).join("tokens");
    std::fs::write(&tokens, &token).unwrap();
    std::fs::set_permissions(&tokens, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let secret = format!("access.token_file={}", tokens.display());
    let run = ["node", "run", folder, "--set", &secret].map(str::to_owned).to_vec();
    let log = world.folder.path().join("guarded.log");
    let mut node = fairway::local::Process::start(program(), &run, &log).await.unwrap();
    let url = node.said("url");
    let args = ["--node", &url, "--once", "--interval", "100ms"];
    assert!(!top(&args).status.success(), "without the token");
    let shown = top(&[&args[..], &["--token-file", tokens.to_str().unwrap()]].concat());
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    assert!(node.stop().await);
}

/// `fairway top` in a pseudoterminal.
struct AtTerminal {
    child: Child,
    /// What is typed goes here.
    keys: File,
    /// Kept open, so that the terminal's modes can be read afterwards.
    terminal: File,
    before: Termios,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl AtTerminal {
    fn start(url: &str) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let size = Winsize { ws_row: 30, ws_col: 130, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let no_control = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap();
        let path = std::ffi::OsStr::from_bytes(name.to_bytes());
        let terminal = File::options().read(true).write(true).custom_flags(no_control).open(path);
        let terminal = terminal.unwrap();
        let before = tcgetattr(&terminal).unwrap();
        let end = || Stdio::from(terminal.try_clone().unwrap());
        let child = Command::new(program())
            .args(["top", "--node", url, "--interval", "100ms"])
            .env("TERM", "xterm-256color")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let keys = File::from(master);
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let (mut output, shown) = (keys.try_clone().unwrap(), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Self { child, keys, terminal, before, seen }
    }

    fn seen(&self) -> String {
        text(&self.seen.lock().unwrap())
    }

    /// Waits until it has drawn `wanted`, behind the first `from` characters; where that ends.
    fn until(&self, wanted: &str, from: usize) -> usize {
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = self.seen();
            if let Some(place) = seen.get(from..).and_then(|rest| rest.find(wanted)) {
                return from + place + wanted.len();
            }
            assert!(Instant::now() < end, "no {wanted:?} in {:?}", seen.get(from..));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end: with code 0, and the terminal as it was.
    fn ends_well(mut self) {
        let end = Instant::now() + PATIENCE;
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(Instant::now() < end, "it does not end: {:?}", self.seen());
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!(code, Some(0), "{:?}", self.seen());
        self.until(LEAVE, 0);
        let after = tcgetattr(&self.terminal).unwrap();
        assert_eq!(after.local_modes, self.before.local_modes, "it echoes and edits lines again");
        assert_eq!(after.input_modes, self.before.input_modes);
        assert_eq!(after.output_modes, self.before.output_modes);
        assert!(self.seen().contains("\u{1b}[?25h"), "the cursor is shown again");
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminal_is_as_it_was_after_q_and_after_a_signal() {
    let world = World::start(1).await;
    let channel = world.open("payments").await;
    let url = world.network.url(0);
    let mut at = AtTerminal::start(&url);
    let entered = at.until(ENTER, 0);
    at.until(&channel.to_string(), entered);
    let raw = tcgetattr(&at.terminal).unwrap();
    assert_ne!(raw.local_modes, at.before.local_modes, "it takes single keys");
    at.press("?");
    // What is blank already is not drawn again, so a word alone is looked for.
    at.until("PgDn", entered);
    at.press("?q");
    at.ends_well();
    for signal in [Signal::TERM, Signal::HUP] {
        let at = AtTerminal::start(&url);
        at.until(&channel.short(), 0);
        at.signal(signal);
        at.ends_well();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_that_goes_away_is_said_and_found_again() {
    let mut world = World::start_at(Place::default(), fixed_places(1)).await;
    let channel = world.open("payments").await;
    let mut at = AtTerminal::start(&world.network.url(0));
    let shown = at.until(&channel.short(), 0);
    world.network.kill_node(0).await;
    let away = at.until("AWAY", shown);
    world.network.start_node(0).await.unwrap();
    at.until("chain", away);
    at.press("\u{3}");
    at.ends_well();
}
