//! `fairway dev`: a local network for an app's folder. Compiles the package, opens a channel with
//! everybody in it, and opens a new one whenever the package's source has changed.

mod record;
mod stage;
mod watch;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
};

use anyhow::Context;
use fairway::local::{ENDS_WITH_INPUT, dropped_have_ended, end_with_parent};
use fairway_codegen::client;
use fairway_sandbox::{Package, read_package};
use fairway_sdk::PackageSource;
use serde_json::json;
use tokio::process::Command;

use self::{
    record::{App, Record},
    stage::{Ended, MOST_NODES, Stage},
    watch::Changes,
};
use super::{
    Shared,
    client::{language_of, write_if_changed},
    compiler,
    numbers::milliseconds,
    output::{Output, units},
    stop::Stop,
};

#[derive(clap::Args)]
pub(crate) struct Dev {
    /// The app's folder, with Move.toml and sources/.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Nodes, each with a member of its own.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=MOST_NODES))]
    nodes: u8,
    /// Make the members' keys from this text, the same in every run; random ones without it.
    #[arg(long)]
    seed: Option<String>,
    /// Milliseconds between ticks; 0 for none.
    #[arg(long, default_value_t = 0, value_parser = milliseconds, allow_negative_numbers = true)]
    tick: u64,
    /// Milliseconds between the leader's settlement proposals; 0 for none.
    #[arg(long, default_value_t = 0, value_parser = milliseconds, allow_negative_numbers = true)]
    settlement_interval: u64,
    /// What each member locks in a channel, in the asset's smallest unit.
    #[arg(long, default_value_t = 100_000_000, value_parser = stage::deposit, allow_negative_numbers = true)]
    deposit: u64,
    /// Write the package's client here whenever it has changed: a file that ends with .ts or .rs.
    #[arg(long, value_name = "FILE")]
    client: Vec<PathBuf>,
    /// Print where the consoles are, and open none in a browser.
    #[arg(long)]
    no_open: bool,
    /// Watch nothing: run the command that is given, or nothing, and end.
    #[arg(long)]
    once: bool,
    /// After `--`: what to run once the channel is open; its exit code is this command's. The file of
    /// the network is in FAIRWAY_DEV.
    #[arg(last = true, requires = "once")]
    command: Vec<String>,
}

impl Dev {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        end_with_parent();
        for path in &self.client {
            language_of(path)?;
        }
        let app = App::open(&self.folder)?;
        let mut stop = Stop::listen()?;
        let mut session = Session { args: &self, app, output: shared.output(), stage: None };
        let done = tokio::select! {
            done = session.serve() => done,
            () = stop.asked() => Ok(if self.once { ExitCode::FAILURE } else { ExitCode::SUCCESS }),
        };
        session.stop().await;
        done
    }
}

struct Session<'a> {
    args: &'a Dev,
    app: App,
    output: Output,
    /// The network, once there is something to run on it.
    stage: Option<Stage>,
}

impl Session<'_> {
    async fn serve(&mut self) -> anyhow::Result<ExitCode> {
        // Watched from before the first look, so that no change falls between.
        let mut changes = Changes::of(self.app.folder())?;
        let (source, package) = self.first_package(&mut changes).await?;
        let mut stage = Stage::start(self.args, self.app.data()).await?;
        let opened = stage.open(self.args, source, None).await;
        let stage = self.stage.insert(stage);
        let mut record = stage.record(&package, opened?);
        write_clients(&self.args.client, &package)?;
        self.app.write(&record)?;
        self.announce(&record);
        self.warn_of_no_ticks(&package);
        if self.args.once {
            return self.command(&record).await;
        }
        loop {
            tokio::select! {
                changed = changes.next() => changed?,
                ended = next_ended(self.stage.as_mut()) => {
                    self.note_ended(&ended);
                    continue;
                }
            }
            self.reload(&mut record).await?;
        }
    }

    /// The package as it compiles now; waits for a change where it does not.
    async fn first_package(
        &self,
        changes: &mut Changes,
    ) -> anyhow::Result<(PackageSource, Package)> {
        loop {
            let error = match compile(self.app.folder()).await {
                Ok(compiled) => return Ok(compiled),
                Err(error) if self.args.once => return Err(error),
                Err(error) => error,
            };
            self.show_error(&error);
            changes.next().await?;
        }
    }

    /// After a change: a new channel if the package is another one, or the reason why not.
    async fn reload(&mut self, record: &mut Record) -> anyhow::Result<()> {
        let (source, package) = match compile(self.app.folder()).await {
            Ok(compiled) => compiled,
            Err(error) => return self.note_error(record, &error),
        };
        let was_wrong = record.error.take().is_some();
        if package.hash != record.package {
            // A network that gives no new channel is told, and the old one stays.
            return match self.replace(record, source, &package).await {
                Ok(()) => Ok(()),
                Err(error) => self.note_error(record, &error),
            };
        }
        if was_wrong {
            self.app.write(record)?;
            print_event(self.output, "unchanged", record, "compiles again; the channel goes on");
        }
        Ok(())
    }

    async fn replace(
        &mut self,
        record: &mut Record,
        source: PackageSource,
        package: &Package,
    ) -> anyhow::Result<()> {
        let stage = self.stage.as_mut().context("the network has not been started")?;
        let opened = stage.open(self.args, source, Some(record.channel)).await;
        *record = stage.record(package, opened.context("no new channel")?);
        // Whoever reads of the new channel finds its client.
        let written = write_clients(&self.args.client, package);
        self.app.write(record)?;
        let text = format!("reloaded: package {}, channel {}", record.package, record.channel);
        print_event(self.output, "reloaded", record, &text);
        written
    }

    /// What is wrong with the source as it is now, for who watches and for who reads the record.
    fn note_error(&self, record: &mut Record, error: &anyhow::Error) -> anyhow::Result<()> {
        record.error = Some(format!("{error:#}"));
        self.app.write(record)?;
        self.show_error(error);
        Ok(())
    }

    fn note_ended(&self, ended: &Ended) {
        let (value, text) = match ended {
            Ended::Node(member) => (
                json!({ "event": "node_ended", "member": member }),
                format!("{member}'s node ended by itself; the others go on"),
            ),
            Ended::Ledger => (
                json!({ "event": "ledger_ended" }),
                "the ledger ended by itself; the channel goes on, nothing settles, and no new \
                 channel opens: start `fairway dev` again"
                    .to_owned(),
            ),
        };
        self.output.show(&value, || text);
    }

    fn announce(&self, record: &Record) {
        let mut lines = vec![
            format!("{} package {}", record.name, record.package),
            format!("ledger  {}", record.ledger),
        ];
        for member in &record.members {
            let (name, url) = (&member.name, &member.url);
            lines.push(format!("{name:<7} {}  node {url}  seed {}", member.address, member.seed));
        }
        lines.push(format!(
            "channel {}, {} members with {} each",
            record.channel,
            record.members.len(),
            units(self.args.deposit)
        ));
        if let Some(member) = record.members.first() {
            lines.push(format!("console {}  of {}'s node", member.console, member.name));
        }
        lines.push(format!("all this is in {}", self.app.file().display()));
        if !self.args.once {
            lines.push("watching Move.toml and sources/; Ctrl-C ends everything".into());
        }
        print_event(self.output, "ready", record, &lines.join("\n"));
        if let Some(member) = record.members.first().filter(|_| self.shows_console()) {
            show_page(&member.console);
        }
    }

    /// An app that acts on ticks stands still without any.
    fn warn_of_no_ticks(&self, package: &Package) {
        let acts = package
            .abi
            .modules
            .iter()
            .any(|module| module.own && module.function("on_tick").is_some());
        if acts && self.args.tick == 0 {
            let text = "its on_tick is never called, since there are no ticks: --tick 250 gives four a second";
            self.output.show(&json!({ "event": "note", "text": text }), || format!("note: {text}"));
        }
    }

    /// Whether somebody sits before this: a console opens for them.
    fn shows_console(&self) -> bool {
        let asked = !self.args.once && !self.args.no_open;
        asked && !self.output.json && std::io::stdout().is_terminal()
    }

    fn show_error(&self, error: &anyhow::Error) {
        let value = json!({ "event": "error", "error": format!("{error:#}") });
        self.output.show(&value, || format!("error: {error:#}"));
    }

    /// Runs the command that was given to its end.
    async fn command(&self, record: &Record) -> anyhow::Result<ExitCode> {
        let Some((program, args)) = self.args.command.split_first() else {
            return Ok(ExitCode::SUCCESS);
        };
        let node = record.members.first().map(|member| member.url.as_str()).unwrap_or_default();
        let status = Command::new(program)
            .args(args)
            .env_remove(ENDS_WITH_INPUT)
            .env("FAIRWAY_DEV", self.app.file())
            .env("FAIRWAY_LEDGER", &record.ledger)
            .env("FAIRWAY_NODE", node)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .with_context(|| format!("running {program}"))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }

    /// Ends every process and takes the file away.
    async fn stop(&mut self) {
        self.app.remove();
        let well = match &mut self.stage {
            Some(stage) => stage.stop().await,
            None => true,
        };
        if !dropped_have_ended().await || !well {
            let folder = self.app.data();
            self.output.show(&json!({ "event": "stopped_badly" }), || {
                format!(
                    "a process did not end when asked to and was killed: see the logs in {}",
                    folder.display()
                )
            });
            return;
        }
        self.output.show(&json!({ "event": "stopped" }), || "every process has ended".into());
    }
}

/// Opens a page in the browser of who sits here. Where there is none, its address was printed.
fn show_page(url: &str) {
    let has_windows =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if cfg!(target_os = "linux") && !has_windows {
        return;
    }
    if let Err(error) = open::that_detached(url) {
        tracing::debug!(%error, url, "no browser opened");
    }
}

/// Compiles a folder's package off the async threads.
async fn compile(folder: &Path) -> anyhow::Result<(PackageSource, Package)> {
    let (folder, compiler) = (folder.to_owned(), compiler()?);
    let compiled = tokio::task::spawn_blocking(move || {
        let source = read_package(&folder)?;
        let package = compiler.compile(&source)?;
        anyhow::Ok((source, package))
    });
    compiled.await.context("compiling")?
}

fn write_clients(paths: &[PathBuf], package: &Package) -> anyhow::Result<()> {
    for path in paths {
        let text = client(&package.abi, language_of(path)?)?;
        write_if_changed(path, &text)?;
    }
    Ok(())
}

/// What ends next by itself.
async fn next_ended(stage: Option<&mut Stage>) -> Ended {
    match stage {
        Some(stage) => stage.ended().await,
        None => std::future::pending().await,
    }
}

fn print_event(output: Output, event: &str, record: &Record, text: &str) {
    let mut value = json!(record);
    value["event"] = event.into();
    output.show(&value, || text.to_owned());
}
