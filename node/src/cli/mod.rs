//! One file a command.

mod account;
mod backup;
mod channel;
mod client;
mod config;
mod demo;
mod describe;
mod dev;
mod doctor;
mod evidence;
mod keys;
mod ledger;
mod members;
mod money;
mod move_package;
mod new;
mod node;
mod numbers;
mod output;
mod reach;
mod replay;
mod serving;
mod session;
mod settle;
mod stop;
mod top;
mod watchtower;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Args, CommandFactory, Parser, Subcommand};
use fairway_sandbox::compiler::BoundedCompiler;
use fairway_sdk::{Client, Error, Ledger};
use serde_json::Value;

use self::output::Output;
pub(crate) use self::output::print;
use self::reach::{Server, Unreached};

/// A node or the ledger can't be reached.
const UNREACHABLE: u8 = 3;

#[derive(Parser)]
#[command(name = "fairway", version, about = "State channels for Move contracts")]
struct Options {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct Shared {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// The node to talk to.
    #[arg(long, global = true, env = "FAIRWAY_NODE", default_value = Server::Node.default(), value_parser = reach::url)]
    node: String,
    /// A file whose first line is the token that the node asks for; or `FAIRWAY_TOKEN` is the token.
    #[arg(long, global = true, env = "FAIRWAY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The ledger to talk to, where no node is needed.
    #[arg(long, global = true, env = "FAIRWAY_LEDGER", default_value = Server::Ledger.default(), value_parser = reach::url)]
    ledger: String,
    /// Where account keys lie [default: ~/.fairway].
    #[arg(long, global = true, env = "FAIRWAY_HOME")]
    home: Option<PathBuf>,
    /// Asked for when it is needed and not given.
    #[arg(long, global = true, env = "FAIRWAY_PASSPHRASE", hide_env_values = true)]
    passphrase: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Make and fund accounts, move money on the chain.
    #[command(subcommand)]
    Account(account::Command),
    /// Run the embedded settlement chain; publish and use contracts on it.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Run a node.
    #[command(subcommand)]
    Node(node::Command),
    /// Check and show the configuration of a node or a ledger.
    #[command(subcommand)]
    Config(config::Command),
    /// Back up and restore the folder of a node.
    #[command(subcommand)]
    Backup(backup::Command),
    /// Look at everything that a node needs, and say what to do about what is wrong.
    Doctor(doctor::Doctor),
    /// Create, join and use channels.
    #[command(subcommand)]
    Channel(channel::Command),
    /// Watch a node live in the terminal: its channels, their members, calls and settlements.
    Top(top::Top),
    /// Let other keys call for an account in a channel, within limits.
    #[command(subcommand)]
    Session(session::Command),
    /// Settle channels on the chain.
    #[command(subcommand)]
    Settle(settle::Command),
    /// Guard members' money while their nodes are away.
    #[command(subcommand)]
    Watchtower(watchtower::Command),
    /// Check proofs of misbehaviour, list and export them.
    #[command(subcommand)]
    Evidence(evidence::Command),
    /// Build, test and describe Move packages.
    #[command(subcommand)]
    Move(move_package::Command),
    /// Make an app: a Move package, its TypeScript client, and a test that plays on a local network.
    New(new::New),
    /// Write typed clients of Move packages.
    #[command(subcommand)]
    Client(client::Command),
    /// Run an app on a local network, and again whenever its Move source changes.
    Dev(dev::Dev),
    /// A ledger and four nodes on this machine, real games, and a settlement.
    Demo(demo::Demo),
    /// Print completions for a shell.
    Completions { shell: clap_complete::Shell },
    /// Compile one package from standard input within limits: what nodes run as a child process.
    #[command(hide = true)]
    SandboxCompile,
}

impl Shared {
    fn output(&self) -> Output {
        Output { json: self.json }
    }

    async fn client(&self) -> anyhow::Result<Client> {
        let connected = Client::connect_with(&self.node, self.token()?).await;
        connected.map_err(|error| Server::Node.explain(&self.node, error))
    }

    /// What is shown to a node that asks for a token.
    fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.token_file else { return Ok(std::env::var("FAIRWAY_TOKEN").ok()) };
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let token = lines.find(|line| !line.is_empty());
        Ok(Some(token.with_context(|| format!("{} holds no token", path.display()))?.to_owned()))
    }

    async fn chain(&self) -> anyhow::Result<Ledger> {
        let connected = Ledger::connect(&self.ledger).await;
        connected.map_err(|error| Server::Ledger.explain(&self.ledger, error))
    }
}

/// Compiles packages in a child process of this program.
fn compiler() -> anyhow::Result<BoundedCompiler> {
    Ok(BoundedCompiler::new(std::env::current_exe()?, vec!["sandbox-compile".into()]))
}

/// Arguments from the command line: JSON where they are, else strings.
fn values(args: &[String]) -> Vec<Value> {
    let value = |text: &String| serde_json::from_str(text).unwrap_or(Value::String(text.clone()));
    args.iter().map(value).collect()
}

/// Runs the command line's command.
pub(crate) fn run() -> ExitCode {
    let options = Options::try_parse().unwrap_or_else(|error| as_typed(error).exit());
    let shared = options.shared;
    let result = match options.command {
        Command::Move(command) => command.run(shared.json),
        Command::New(new) => new.run(&shared),
        Command::Config(command) => command.run(&shared),
        Command::Backup(command) => command.run(&shared),
        Command::SandboxCompile => return fairway_sandbox::compiler::child_main(),
        Command::Completions { shell } => {
            let mut command = Options::command();
            clap_complete::generate(shell, &mut command, "fairway", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Account(command) => wait(command.run(&shared)),
        Command::Ledger(command) => wait(command.run(&shared)),
        Command::Node(command) => wait(command.run(&shared)),
        Command::Channel(command) => wait(command.run(&shared)),
        Command::Top(top) => wait(top.run(&shared)),
        Command::Session(command) => wait(command.run(&shared)),
        Command::Settle(command) => wait(command.run(&shared)),
        Command::Watchtower(command) => wait(command.run(&shared)),
        Command::Evidence(command) => wait(command.run(&shared)),
        Command::Client(command) => wait(command.run(&shared)),
        Command::Dev(dev) => wait(dev.run(&shared)),
        Command::Doctor(doctor) => wait(doctor.run(&shared)),
        Command::Demo(demo) => wait(demo.run(&shared)),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            output::report(&error, shared.json);
            exit_code(&error)
        }
    }
}

fn wait(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    // A reader of standard input can't be interrupted: it is left behind.
    runtime.shutdown_background();
    result
}

/// A usage error as it is without the environment, whose values clap's usage lines show as if they had
/// to be given.
fn as_typed(error: clap::Error) -> clap::Error {
    let bare = Options::command().mut_args(|argument| argument.env(None::<&'static str>));
    match bare.try_get_matches() {
        Err(typed) if error.use_stderr() && typed.kind() == error.kind() => typed,
        Ok(_) | Err(_) => error,
    }
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<Unreached>() {
        return ExitCode::from(UNREACHABLE);
    }
    match error.downcast_ref::<Error>() {
        Some(Error::Unreachable { .. } | Error::TimedOut { .. }) => ExitCode::from(UNREACHABLE),
        Some(_) | None => ExitCode::FAILURE,
    }
}
