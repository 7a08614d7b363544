//! Where the nodes' CPU goes, by stage: stacks sampled by `perf`, each given to the innermost function
//! in it that belongs to a stage.
//!
//! The sum stands against the kernel's own count of the processes' time, so that what was not sampled
//! or fits no stage is seen. `perf` needs no rights of root where `perf_event_paranoid` is 2 or less;
//! samples inside the kernel then count for the stage that called it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::Context;
use serde::Serialize;

/// Samples a second of each thread that runs.
const RATE: u32 = 499;

/// Functions by the stage they belong to; the first match in a stack, from the innermost function
/// out, decides. A name matches where it stands in the symbol.
const STAGES: [(&str, &[&str]); 12] = [
    ("sign", &["Keypair::sign", "SigningKey", "::sign_bytes"]),
    (
        "verify",
        &[
            "types::crypto::verifying",
            "ed25519_dalek::verifying",
            "VerifyingKey",
            "PublicKey>::verifies",
            "PublicKey::verifies",
            "check_signature",
            "signature_digest",
            "verified::",
            "types::crypto::Verify",
        ],
    ),
    (
        "execute",
        &["fairway_sandbox", "move_vm", "move_core", "move_binary", "mv_", "channel::execution"],
    ),
    ("hash", &["fairway_state", "types::effects", "channel::overlay", "effects_root"]),
    (
        "store",
        &[
            "rocksdb",
            "fairway_store",
            "fairway::store",
            "fairway::tail",
            "driver::Driver<O,C>::store",
        ],
    ),
    (
        "wire",
        &[
            "fairway::peers",
            "libp2p",
            "yamux",
            "snow::",
            "chacha",
            "poly1305",
            "multistream",
            "quinn",
            "fairway_proto::message",
            "asynchronous_codec",
        ],
    ),
    (
        "json",
        &[
            "jsonrpsee",
            "serde_json",
            "tungstenite",
            "fairway_ledger::rpc",
            "fairway::stream",
            "fairway_api",
            "hyper",
        ],
    ),
    ("consensus", &["fairway_proto", "fairway_types"]),
    ("driver", &["fairway::driver", "fairway::parts"]),
    ("chain", &["fairway::chain", "fairway::node", "fairway_sdk"]),
    // What belongs to nobody above: the runtime's own threads, timers and wake-ups.
    ("runtime", &["tokio", "mio::", "futures", "parking_lot", "std::thread", "crossbeam"]),
    ("system", &["entry_SYSCALL", "ret_from_fork", "asm_", "[k]"]),
];
/// Stages that take a sample only when no other function of its stack has one.
const LAST: [&str; 2] = ["runtime", "system"];

pub(crate) struct Sampler {
    perf: Child,
    data: PathBuf,
}

/// CPU seconds by stage.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Profile {
    pub(crate) stages: BTreeMap<String, f64>,
    /// In no stage.
    pub(crate) rest: f64,
    /// Where the most samples were taken: the innermost functions, and those of the node itself.
    pub(crate) functions: Vec<(String, f64)>,
    pub(crate) own_functions: Vec<(String, f64)>,
    /// By thread name.
    pub(crate) threads: BTreeMap<String, f64>,
}

impl Sampler {
    /// Samples the processes until [`Self::finish`].
    pub(crate) fn start(processes: &[u32], folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("perf.data");
        let ids: Vec<String> = processes.iter().map(u32::to_string).collect();
        let perf = Command::new("perf")
            .args(["record", "-q", "-e", "cpu-clock", "-F", &RATE.to_string()])
            .args(["--call-graph", "dwarf,16384", "-m", "2M", "-p", &ids.join(","), "-o"])
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("`perf` is not installed")?;
        Ok(Self { perf, data })
    }

    pub(crate) fn finish(mut self) -> anyhow::Result<Profile> {
        let pid = rustix::process::Pid::from_child(&self.perf);
        rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
        self.perf.wait()?;
        let scripted = self.data.with_extension("txt");
        let ran = Command::new("perf")
            .args(["script", "--no-inline", "-F", "comm,tid,period,ip,sym", "-i"])
            .arg(&self.data)
            .stdout(File::create(&scripted)?)
            .stderr(Stdio::null())
            .status()?;
        anyhow::ensure!(ran.success(), "`perf script` failed: may this user sample its processes?");
        read(BufReader::new(File::open(scripted)?))
    }
}

/// Samples are a line of the thread and the period in nanoseconds, a line each function from the
/// innermost out, and an empty line.
fn read(text: impl BufRead) -> anyhow::Result<Profile> {
    let mut profile = Profile::default();
    let mut own = BTreeMap::<String, f64>::new();
    let mut leaves = BTreeMap::<String, f64>::new();
    let mut head = None;
    let mut stack: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line?;
        if line.trim().is_empty() {
            if let Some((thread, seconds)) = head.take() {
                *profile.threads.entry(thread).or_default() += seconds;
                let leaf: String = stack.first().cloned().unwrap_or_default();
                *leaves.entry(leaf).or_default() += seconds;
                let ours = stack.iter().find(|symbol| symbol.contains("fairway"));
                *own.entry(ours.cloned().unwrap_or_default()).or_default() += seconds;
                match stage(&stack) {
                    Some(stage) => *profile.stages.entry(stage.into()).or_default() += seconds,
                    None => profile.rest += seconds,
                }
            }
            stack.clear();
        } else if head.is_none() {
            head = Some(sample_head(&line).with_context(|| format!("not a sample: {line}"))?);
        } else {
            let symbol = line.trim().split_once(' ').map_or("", |(_, symbol)| symbol);
            stack.push(symbol.to_owned());
        }
    }
    profile.functions = most(leaves);
    profile.own_functions = most(own);
    Ok(profile)
}

/// `comm tid period`, where the name may hold blanks.
fn sample_head(line: &str) -> Option<(String, f64)> {
    let mut words = line.trim().trim_end_matches(':').rsplitn(3, char::is_whitespace);
    let nanos: f64 = words.next()?.parse().ok()?;
    words.next()?;
    let name = words.next()?.trim().split('-').next()?.to_owned();
    Some((name, nanos / 1e9))
}

fn stage(stack: &[String]) -> Option<&'static str> {
    let of = |symbol: &String, last: bool| {
        let stages = STAGES.iter().filter(|(stage, _)| LAST.contains(stage) == last);
        let mut found = stages.filter(|(_, names)| names.iter().any(|name| symbol.contains(name)));
        found.next().map(|(stage, _)| *stage)
    };
    let first = |last| stack.iter().find_map(|symbol| of(symbol, last));
    first(false).or_else(|| first(true))
}

fn most(of: BTreeMap<String, f64>) -> Vec<(String, f64)> {
    let mut all: Vec<_> = of.into_iter().collect();
    all.sort_by(|one, other| other.1.total_cmp(&one.1));
    all.truncate(40);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn innermost_function_of_a_stage_decides_and_the_runtime_comes_last() {
        let stack =
            ["__memmove", "tokio::sync::mpsc", "fairway_state::tree::root", "fairway_proto::x"];
        assert_eq!(stage(&symbols(&stack)), Some("hash"));
        assert_eq!(stage(&symbols(&["epoll_wait", "tokio::runtime::park"])), Some("runtime"));
        assert_eq!(stage(&symbols(&["epoll_wait", "main"])), None);
    }

    #[test]
    fn samples_are_read_with_their_stacks() {
        let text = "channel-ab 12 2000000:\n\t 55 rocksdb::Write\n\t 66 start\n\n\
                    tokio-runtime-w 13 1000000:\n\t 77 strange\n\n";
        let profile = read(text.as_bytes()).unwrap();
        assert_eq!(profile.stages, BTreeMap::from([("store".to_owned(), 0.002)]));
        assert!((profile.rest - 0.001).abs() < 1e-9);
        assert_eq!(profile.functions[0], ("rocksdb::Write".to_owned(), 0.002));
        assert_eq!(profile.threads["channel"], 0.002);
    }
}
