//! One file a command.

mod move_package;

use std::process::ExitCode;

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
}

/// Runs the command line's command.
pub fn run() -> ExitCode {
    let options = Options::parse();
    let result = match options.command {
        Command::Move(command) => command.run(options.json),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            report(&error, options.json);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "errors of a command go to standard error")]
fn report(error: &anyhow::Error, json: bool) {
    if json {
        eprintln!("{}", serde_json::json!({ "error": format!("{error:#}") }));
    } else {
        eprintln!("error: {error:#}");
    }
}
