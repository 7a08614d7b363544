//! The command `fairway`. Exit codes: 0 done, 1 refused or failed tests, 2 wrong usage.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
