//! `fairway-sim-bugs`: puts known bugs back into the protocol, one after the other, and fails unless
//! the simulation catches every one of them.

#![allow(clippy::print_stdout, reason = "a command")]

use std::process::ExitCode;

use fairway_proto::known_bugs::{self, KnownBug};
use fairway_sim::runner::{self, Options};

/// Seeds within which a bug must show.
const SEEDS: u64 = 2_000;
const STEPS: u64 = 4_000;

fn main() -> ExitCode {
    let options = Options { all: false, lines: 0, begin: || known_bugs::put_back(None) };
    let begin: [fn(); 10] = [
        || known_bugs::put_back(Some(KnownBug::DoubleAck)),
        || known_bugs::put_back(Some(KnownBug::LostLock)),
        || known_bugs::put_back(Some(KnownBug::SignatureBeforeStore)),
        || known_bugs::put_back(Some(KnownBug::QuorumOffByOne)),
        || known_bugs::put_back(Some(KnownBug::ForgottenNonce)),
        || known_bugs::put_back(Some(KnownBug::ForgottenTail)),
        || known_bugs::put_back(Some(KnownBug::UnansweredExit)),
        || known_bugs::put_back(Some(KnownBug::BlindVerdict)),
        || known_bugs::put_back(Some(KnownBug::AnyonesBundle)),
        || known_bugs::put_back(Some(KnownBug::EndlessSession)),
    ];
    let mut missed = 0;
    for (bug, begin) in KnownBug::ALL.into_iter().zip(begin) {
        let outcome = runner::run(0..SEEDS, STEPS, Options { begin, ..options });
        let seeds = outcome.reports.len() + outcome.failures.len();
        match outcome.failures.first() {
            Some(failure) => {
                println!("{bug:?}: seed {}, after {seeds} seeds: {}", failure.seed, failure.reason);
            }
            None => {
                println!("{bug:?}: NOT CAUGHT in {seeds} seeds");
                missed += 1;
            }
        }
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
