//! Being asked to end, and ending in bounded time.

use std::{future::Future, process::ExitCode, time::Duration};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// How long an orderly end may take.
const END: Duration = Duration::from_secs(15);

/// Ctrl-C and SIGTERM. From the moment that it listens, neither ends the process by itself, and none is
/// missed: a process listens before it says that it is ready.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("listening for signals to end");
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
        })
    }

    /// Returns when the process is asked to end, or was since it listens.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
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
    }

    #[tokio::test]
    async fn who_does_not_end_is_cut_off_when_asked_again() {
        let stop = Stop::listen().unwrap();
        kill_process(getpid(), Signal::TERM).unwrap();
        assert_eq!(stop.end(std::future::pending()).await, ExitCode::FAILURE);
        assert_eq!(Stop::listen().unwrap().end(async {}).await, ExitCode::SUCCESS);
    }
}
