//! Being asked to end, and ending in bounded time.

use std::{future::Future, process::ExitCode, time::Duration};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// How long an orderly end may take.
const END: Duration = Duration::from_secs(15);

/// Ctrl-C, SIGTERM, and the end of its terminal, unless it was started to outlive that (`nohup`). From
/// the moment that it listens, none ends the process by itself, and none is missed: a process listens
/// before it says that it is ready.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Stop {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("listening for signals to end");
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hangup: (!ignores_hangup()).then(|| of(SignalKind::hangup())).transpose()?,
        })
    }

    /// Returns when the process is asked to end, or was since it listens.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            Some(_) = async { self.hangup.as_mut()?.recv().await } => {}
        }
    }

    /// Ends in bounded time: what does not end by itself, or is asked a second time, is cut off, as by a
    /// power cut; the next start goes on from what was stored.
    pub(crate) async fn end(mut self, orderly: impl Future<Output = ()>) -> ExitCode {
        info!("ending");
        tokio::select! {
            () = orderly => ExitCode::SUCCESS,
            () = tokio::time::sleep(END) => {
                warn!(seconds = END.as_secs(), "did not end in time: cut off");
                ExitCode::FAILURE
            }
            () = self.asked() => {
                warn!("asked to end again: cut off");
                ExitCode::FAILURE
            }
        }
    }
}

/// Whether the process was started with SIGHUP ignored, where the system tells.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored & 1 == 1)
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn being_asked_before_it_is_waited_for_is_not_missed() {
        let mut stop = Stop::listen().unwrap();
        kill_process(getpid(), Signal::TERM).unwrap();
        timeout(END, stop.asked()).await.unwrap();
        kill_process(getpid(), Signal::INT).unwrap();
        timeout(END, stop.asked()).await.unwrap();
        kill_process(getpid(), Signal::HUP).unwrap();
        timeout(END, stop.asked()).await.unwrap();
    }

    #[tokio::test]
    async fn who_does_not_end_is_cut_off_when_asked_again() {
        let stop = Stop::listen().unwrap();
        kill_process(getpid(), Signal::TERM).unwrap();
        assert_eq!(stop.end(std::future::pending()).await, ExitCode::FAILURE);
        assert_eq!(Stop::listen().unwrap().end(async {}).await, ExitCode::SUCCESS);
    }
}
