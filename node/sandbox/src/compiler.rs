//! Compiles a package in a child process with bounds on memory, CPU and time. The compiler and its
//! verifier work on text that anybody may have written: an allocation that fails, a loop or a crash
//! ends the child, and the parent says so.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use fairway_types::{Refusal, codec, ledger::PackageSource};
use rlimit::Resource;
use serde::{Deserialize, Serialize};

use crate::build::{self, BuildError, Home, Package};

/// Bounds of one compilation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space of the child, in bytes.
    pub memory: u64,
    /// CPU time, in seconds.
    pub cpu: u64,
    /// Wall-clock time.
    pub time: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory: 1 << 30, cpu: 10, time: Duration::from_secs(20) }
    }
}

/// Bytes of a package on its way to the child, and of the answer.
const MOST_BYTES: u64 = 16 << 20;
/// How often the parent looks whether the child has ended.
const POLL: Duration = Duration::from_millis(5);

/// Runs a program that answers as [`child_main`] does.
#[derive(Debug, Clone)]
pub struct BoundedCompiler {
    program: PathBuf,
    args: Vec<String>,
    limits: CompileLimits,
}

#[derive(Serialize, Deserialize)]
struct Job {
    memory: u64,
    cpu: u64,
    source: PackageSource,
    home: Home,
}

impl BoundedCompiler {
    #[must_use]
    pub fn new(program: PathBuf, args: Vec<String>) -> Self {
        Self { program, args, limits: CompileLimits::default() }
    }

    #[must_use]
    pub fn with_limits(self, limits: CompileLimits) -> Self {
        Self { limits, ..self }
    }

    /// Compiles and admits a channel's package in a child.
    pub fn compile(&self, source: &PackageSource) -> Result<Package, BuildError> {
        self.compile_for(source, Home::Channel)
    }

    /// Compiles and admits a package for where it runs, in a child.
    pub fn compile_for(&self, source: &PackageSource, home: Home) -> Result<Package, BuildError> {
        let failed = |error: std::io::Error| BuildError::File {
            path: self.program.clone(),
            reason: format!("the compiler did not run: {error}"),
        };
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let CompileLimits { memory, cpu, .. } = self.limits;
        let job = Job { memory, cpu, source: source.clone(), home };
        let answer = self.exchange(&mut child, codec::encode(&job));
        // Whatever came of it, no child is left behind.
        let _ = child.kill();
        let _ = child.wait();
        let package = match answer? {
            Answer::Text(bytes) => decode_answer(&bytes)?,
            Answer::TimedOut => {
                return Err(self.exceeded("time", format!("{} s", self.limits.time.as_secs())));
            }
            Answer::Died => {
                let limit = format!("{} bytes, {} s of CPU", self.limits.memory, self.limits.cpu);
                return Err(self.exceeded("memory or CPU", limit));
            }
        };
        if package.hash != source.hash() {
            return Err(BuildError::Refused(Refusal::Internal {
                reason: "the compiler answered for another package".into(),
            }));
        }
        Ok(package)
    }

    fn exceeded(&self, what: &str, limit: String) -> BuildError {
        BuildError::Refused(Refusal::PackageRefused {
            rule: format!("compiler {what}"),
            location: "package".into(),
            actual: "more".into(),
            limit,
        })
    }

    /// Feeds the child from one thread and reads it in another, until it ends or time is up.
    fn exchange(&self, child: &mut Child, input: Vec<u8>) -> Result<Answer, BuildError> {
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Ok(Answer::Died);
        };
        // A child that ends early closes its input: its exit says what happened.
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.take(MOST_BYTES).read_to_end(&mut bytes).map(|_| bytes)
        });
        let until = Instant::now() + self.limits.time;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < until => thread::sleep(POLL),
                Ok(None) | Err(_) => break None,
            }
        };
        if status.is_none() {
            let _ = child.kill();
        }
        let _ = writer.join();
        let bytes = reader.join().ok().and_then(Result::ok).unwrap_or_default();
        Ok(match status {
            None => Answer::TimedOut,
            Some(status) if status.success() => Answer::Text(bytes),
            Some(_) => Answer::Died,
        })
    }
}

enum Answer {
    Text(Vec<u8>),
    TimedOut,
    Died,
}

fn decode_answer(bytes: &[u8]) -> Result<Package, BuildError> {
    let answer: Result<Package, Refusal> =
        codec::decode("compiler answer", bytes).map_err(Refusal::from)?;
    answer.map_err(BuildError::Refused)
}

/// What the child does: bounds itself, reads a job from standard input, compiles, and writes the
/// package or the refusal to standard output.
#[must_use]
pub fn child_main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> std::io::Result<()> {
    let mut bytes = Vec::new();
    std::io::stdin().take(MOST_BYTES).read_to_end(&mut bytes)?;
    let job: Job = codec::decode("job", &bytes).map_err(std::io::Error::other)?;
    rlimit::setrlimit(Resource::AS, job.memory, job.memory)?;
    rlimit::setrlimit(Resource::CPU, job.cpu, job.cpu)?;
    rlimit::setrlimit(Resource::CORE, 0, 0)?;
    let answer = build::compile_for(&job.source, job.home).map_err(|error| match error {
        BuildError::Refused(refusal) => refusal,
        BuildError::File { .. } | BuildError::Manifest { .. } => {
            Refusal::Internal { reason: error.to_string() }
        }
    });
    std::io::stdout().write_all(&codec::encode(&answer))
}
