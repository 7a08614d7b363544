//! A settlement chain and nodes as processes on this machine: what the demo and the tests run.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use fairway_sdk::Client;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

/// Set for every process started here: it ends when its standard input does, so that none outlives who
/// started it, however that ended.
pub const ENDS_WITH_INPUT: &str = "FAIRWAY_ENDS_WITH_INPUT";

/// How long a process may take until it is ready, and until it has ended.
const READY: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("{command}: {error}")]
    Io { command: String, error: io::Error },
    #[error("{command} ended before it was ready: see {log}")]
    Ended { command: String, log: String },
    #[error("{command} was not ready in time: see {log}")]
    Late { command: String, log: String },
    #[error(transparent)]
    Sdk(#[from] fairway_sdk::Error),
}

/// Waits until every process that was dropped has ended: a drop kills and waits for nothing. Whether
/// they have, in bounded time.
pub async fn dropped_have_ended() -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let ended = async {
        while waitid(WaitId::All, look).is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(END, ended).await.is_ok()
}

/// A process of the command `fairway` that said that it is ready. Dropping it kills it.
pub struct Process {
    child: Child,
    /// What it printed when it was ready.
    pub ready: Value,
}

impl Process {
    /// Starts `program` with `--json` and `args`; its log goes to the end of `log`.
    pub async fn start(program: &Path, args: &[String], log: &Path) -> Result<Self, LocalError> {
        Self::start_by(Command::new(program), args, log).await
    }

    async fn start_by(program: Command, args: &[String], log: &Path) -> Result<Self, LocalError> {
        let (mut child, command) = spawn(program, args, log)?;
        let Some(output) = child.stdout.take() else {
            return Err(LocalError::Io { command, error: io::Error::other("no standard output") });
        };
        let mut lines = BufReader::new(output).lines();
        let log = log.display().to_string();
        match timeout(READY, lines.next_line()).await {
            Ok(Ok(Some(line))) => {
                let ready = serde_json::from_str(&line).unwrap_or(Value::Null);
                Ok(Self { child, ready })
            }
            Ok(_) => Err(LocalError::Ended { command, log }),
            Err(_) => Err(LocalError::Late { command, log }),
        }
    }

    /// A text of what it printed when it was ready.
    #[must_use]
    pub fn said(&self, key: &str) -> String {
        self.ready.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The process's id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Stops it where it stands: SIGSTOP.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it run on: SIGCONT.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it at once, as a power cut would: `kill -9`.
    pub async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }

    /// Waits until it ends by itself; its exit code, unless a signal ended it.
    pub async fn ended(&mut self) -> Option<i32> {
        self.exit().await.ok()?.code()
    }

    /// Asks it to end and waits; kills it if it does not. Whether it ended well.
    pub async fn stop(&mut self) -> bool {
        self.signal(Signal::TERM);
        match timeout(END, self.exit()).await {
            Ok(Ok(status)) => status.success(),
            Ok(Err(_)) | Err(_) => {
                self.kill().await;
                false
            }
        }
    }

    /// Waits for its end with its standard input kept open: [`Child::wait`] closes it, which asks it to
    /// end, and a process that is asked twice cuts off what it is at.
    async fn exit(&mut self) -> io::Result<ExitStatus> {
        let _input = self.child.stdin.take();
        self.child.wait().await
    }
}

/// Ends this process when its standard input does, if a [`Process`] was started with it: first as
/// SIGTERM would, then, if that takes too long, at once.
pub fn end_with_parent() {
    if std::env::var_os(ENDS_WITH_INPUT).is_none() {
        return;
    }
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = kill_process(rustix::process::getpid(), Signal::TERM);
        std::thread::sleep(END);
        std::process::exit(1);
    });
}

/// Starts a process, and says what it is called in errors.
fn spawn(mut program: Command, args: &[String], log: &Path) -> Result<(Child, String), LocalError> {
    let command = format!("fairway {}", args.join(" "));
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_a_place(name)) {
        program.env_remove(name);
    }
    let started =
        std::fs::OpenOptions::new().create(true).append(true).open(log).and_then(|file| {
            program
                .arg("--json")
                .args(args)
                .env(ENDS_WITH_INPUT, "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::from(file))
                .kill_on_drop(true)
                // An interrupt at the terminal is for who started it, which then ends it in order.
                .process_group(0)
                .spawn()
        });
    match started {
        Ok(child) => Ok((child, command)),
        Err(error) => Err(LocalError::Io { command, error }),
    }
}

/// Whether a variable of the environment says where something is, or who gets in there: that is for who
/// set it. The processes of a local network have places of their own; what they log is theirs to share.
fn is_of_a_place(name: &OsStr) -> bool {
    let Some(key) = name.to_str().and_then(|name| name.strip_prefix("FAIRWAY_")) else {
        return false;
    };
    !key.starts_with("LOG_") && !key.starts_with("TRACES_")
}

/// Where a process runs, and where it is reached.
#[derive(Debug, Clone)]
pub struct Place {
    /// The command that runs the program there, such as `ip netns exec NAME`; none runs it here.
    pub enter: Vec<String>,
    /// Where apps connect; port 0 takes a free one at each start.
    pub api: String,
    /// Where other nodes connect, as libp2p addresses.
    pub listen: Vec<String>,
    /// What others are told to dial, when it differs.
    pub announce: Vec<String>,
    /// Whether it serves its console, on a free port of this machine.
    pub console: bool,
    /// Further options of `fairway node init`.
    pub options: Vec<String>,
}

impl Default for Place {
    /// On this machine, on free ports.
    fn default() -> Self {
        Self {
            enter: Vec::new(),
            api: "127.0.0.1:0".into(),
            listen: vec!["/ip4/127.0.0.1/tcp/0".into()],
            announce: Vec::new(),
            console: false,
            options: Vec::new(),
        }
    }
}

impl Place {
    /// The options for a console, if it has one.
    fn console(&self) -> Vec<String> {
        let options: &[&str] =
            if self.console { &["--http=127.0.0.1:0", "--console"] } else { &[] };
        options.iter().map(|option| (*option).to_owned()).collect()
    }

    fn command(&self, program: &Path) -> Command {
        let mut words = self.enter.iter();
        let Some(first) = words.next() else { return Command::new(program) };
        let mut command = Command::new(first);
        command.args(words).arg(program);
        command
    }
}

/// One node of the network.
pub struct LocalNode {
    pub place: Place,
    pub folder: PathBuf,
    pub log: PathBuf,
    /// `None` while it is stopped.
    pub process: Option<Process>,
}

impl LocalNode {
    fn args(&self) -> [String; 3] {
        ["node".into(), "run".into(), self.folder.display().to_string()]
    }
}

/// A development ledger and nodes that use it.
pub struct LocalNetwork {
    program: PathBuf,
    folder: PathBuf,
    at: Place,
    pub ledger: Process,
    pub nodes: Vec<LocalNode>,
}

impl LocalNetwork {
    /// Starts a ledger and `count` nodes in `folder`, on free ports.
    pub async fn start(program: &Path, folder: &Path, count: usize) -> Result<Self, LocalError> {
        Self::start_at(program, folder, Place::default(), vec![Place::default(); count]).await
    }

    /// Starts a ledger and a node at each of the places.
    pub async fn start_at(
        program: &Path,
        folder: &Path,
        ledger: Place,
        nodes: Vec<Place>,
    ) -> Result<Self, LocalError> {
        let running = start_ledger(program, folder, &ledger).await?;
        let mut network = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            at: Place { api: socket(&running.said("url")), ..ledger },
            ledger: running,
            nodes: Vec::new(),
        };
        for (index, place) in nodes.into_iter().enumerate() {
            network.init_node(index, place).await?;
            network.start_node(index).await?;
        }
        Ok(network)
    }

    /// The ledger's URL.
    #[must_use]
    pub fn ledger_url(&self) -> String {
        self.ledger.said("url")
    }

    /// A running node's URL.
    #[must_use]
    pub fn url(&self, index: usize) -> String {
        self.said(index, "url")
    }

    /// What a running node said when it was ready.
    #[must_use]
    pub fn said(&self, index: usize, key: &str) -> String {
        let process = self.nodes.get(index).and_then(|node| node.process.as_ref());
        process.map(|process| process.said(key)).unwrap_or_default()
    }

    /// Connects to a running node.
    pub async fn client(&self, index: usize) -> Result<Client, LocalError> {
        Ok(Client::connect(self.url(index)).await?)
    }

    async fn init_node(&mut self, index: usize, place: Place) -> Result<(), LocalError> {
        let folder = self.folder.join(format!("node-{index}"));
        let log = self.folder.join(format!("node-{index}.log"));
        let mut args = vec![
            "node".into(),
            "init".into(),
            folder.display().to_string(),
            "--ledger".into(),
            self.ledger_url(),
            format!("--api={}", place.api),
        ];
        args.extend(place.listen.iter().map(|address| format!("--listen={address}")));
        args.extend(place.announce.iter().map(|address| format!("--announce={address}")));
        args.extend(place.console());
        args.extend(place.options.iter().cloned());
        Process::start(&self.program, &args, &log).await?;
        self.nodes.push(LocalNode { place, folder, log, process: None });
        Ok(())
    }

    /// Starts a node that is stopped.
    pub async fn start_node(&mut self, index: usize) -> Result<(), LocalError> {
        self.start_node_with(index, &[]).await
    }

    /// The same with further options of `fairway node run`.
    pub async fn start_node_with(
        &mut self,
        index: usize,
        options: &[&str],
    ) -> Result<(), LocalError> {
        let Some(node) = self.nodes.get_mut(index) else { return Ok(()) };
        let program = node.place.command(&self.program);
        let mut args = node.args().to_vec();
        args.extend(options.iter().map(|option| (*option).to_owned()));
        node.process = Some(Process::start_by(program, &args, &node.log).await?);
        Ok(())
    }

    /// Starts a node that is stopped, and kills it so long after, ready or not.
    pub async fn start_and_kill_node(
        &mut self,
        index: usize,
        after: Duration,
    ) -> Result<(), LocalError> {
        let Some(node) = self.nodes.get_mut(index) else { return Ok(()) };
        let (mut child, _) = spawn(node.place.command(&self.program), &node.args(), &node.log)?;
        sleep(after).await;
        let _ = child.kill().await;
        Ok(())
    }

    /// `kill -9` for a node.
    pub async fn kill_node(&mut self, index: usize) {
        if let Some(mut process) = self.nodes.get_mut(index).and_then(|node| node.process.take()) {
            process.kill().await;
        }
    }

    /// `kill -9` for the ledger.
    pub async fn kill_ledger(&mut self) {
        self.ledger.kill().await;
    }

    /// Starts the ledger again where it was.
    pub async fn restart_ledger(&mut self) -> Result<(), LocalError> {
        self.ledger = start_ledger(&self.program, &self.folder, &self.at).await?;
        Ok(())
    }

    /// Asks every process to end, the ledger last; whether all ended well.
    pub async fn stop(&mut self) -> bool {
        let nodes = self.nodes.iter_mut().filter_map(|node| node.process.take());
        let stops = nodes.map(|mut process| async move { process.stop().await });
        let well = futures::future::join_all(stops).await.into_iter().all(|well| well);
        self.ledger.stop().await && well
    }
}

async fn start_ledger(program: &Path, folder: &Path, at: &Place) -> Result<Process, LocalError> {
    let data = folder.join("ledger").display().to_string();
    let mut args: Vec<String> = vec![
        "ledger".into(),
        "run".into(),
        "--dev".into(),
        "--data".into(),
        data,
        "--listen".into(),
        at.api.clone(),
    ];
    args.extend(at.console());
    Process::start_by(at.command(program), &args, &folder.join("ledger.log")).await
}

/// The socket address in a URL.
fn socket(url: &str) -> String {
    url.trim_start_matches("ws://").to_owned()
}
