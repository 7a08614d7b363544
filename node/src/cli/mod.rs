//! One file a command.

mod move_package;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "fairway", version, about = "State channels for Move contracts")]
struct Options {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build, test and describe Move packages.
    #[command(subcommand)]
    Move(move_package::Command),
    /// Compile one package from standard input within limits: what nodes run as a child process.
    #[command(hide = true)]
    SandboxCompile,
}

/// Runs the command line's command.
pub(crate) fn run() -> ExitCode {
    let options = Options::parse();
    let result = match options.command {
        Command::Move(command) => command.run(options.json),
        Command::SandboxCompile => return fairway_sandbox::compiler::child_main(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            report(&error, options.json);
            ExitCode::FAILURE
        }
    }
}

/// Writes a line; a reader that has gone away is no error.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[allow(clippy::print_stderr, reason = "errors of a command go to standard error")]
fn report(error: &anyhow::Error, json: bool) {
    if json {
        eprintln!("{}", serde_json::json!({ "error": format!("{error:#}") }));
    } else {
        eprintln!("error: {error:#}");
    }
}
