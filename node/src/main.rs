//! The command `fairway`. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the node or the
//! ledger can't be reached.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
