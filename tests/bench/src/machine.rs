//! What processes used, by the kernel's own counts.

use std::{fs, process::Command};

/// Ticks of /proc a second.
const TICKS: f64 = 100.0;

/// Seconds of CPU of a process, its ended threads included.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cpu {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Cpu {
    pub(crate) fn of(process: u32) -> Self {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let field = |n: usize| fields.split_whitespace().nth(n).and_then(|it| it.parse().ok());
        let (user, system): (Option<f64>, Option<f64>) = (field(11), field(12));
        Self { user: user.unwrap_or_default() / TICKS, system: system.unwrap_or_default() / TICKS }
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        Self { user: self.user - before.user, system: self.system - before.system }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.user + self.system
    }
}

/// A line of /proc/PID/status in MiB: `VmRSS`, `VmHWM`.
pub(crate) fn memory_mb(process: u32, line: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':'))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1_024.0)
}

/// Bytes that a process sent to the block device, as the page cache counts them.
pub(crate) fn disk_bytes(process: u32) -> Option<f64> {
    let io = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes:"))?.trim().parse().ok()
}

/// Bytes that a process sent over TCP connections other than those of its API and to `but` ports;
/// `None` without the command `ss`, or the right to see processes.
pub(crate) fn sent_bytes(process: u32, but: &[u16]) -> Option<f64> {
    let ran = Command::new("ss").args(["-tinpHO"]).output().ok()?;
    let text = String::from_utf8(ran.stdout).ok()?;
    let owner = format!("pid={process},");
    let mut sum = None;
    for line in text.lines().filter(|line| line.contains(&owner)) {
        let port = |n: usize| -> Option<u16> {
            line.split_whitespace().nth(n)?.rsplit(':').next()?.parse().ok()
        };
        if [port(3), port(4)].into_iter().flatten().any(|port| but.contains(&port)) {
            continue;
        }
        let sent = line.split_whitespace().find_map(|it| it.strip_prefix("bytes_sent:"));
        *sum.get_or_insert(0.0) += sent.and_then(|it| it.parse::<f64>().ok()).unwrap_or(0.0);
    }
    sum
}
