//! `fairway config check|show|keys`, and how commands read their configuration.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use fairway::config::{self, Config, FILE, KEYS, Layers, Origin, Problem, Problems};
use serde_json::{Value, json};

use super::{Shared, print};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Name everything that is wrong in a configuration, with its line and column.
    Check(Layered),
    /// Print what holds, and where each value comes from.
    Show(Layered),
    /// Print all keys as a table in Markdown.
    Keys,
}

#[derive(Args)]
pub(crate) struct Layered {
    /// The file, or the folder of a node.
    #[arg(default_value = FILE)]
    file: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

/// Flags that stand above the file and the environment.
#[derive(Args, Clone, Default)]
pub(crate) struct Flags {
    /// Set a key of the configuration, above the file and the environment.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Where `/metrics`, `/healthz` and `/readyz` are (`http.listen`).
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Serve the console under `/console` there (`http.console`).
    #[arg(long)]
    console: bool,
    /// `text` or `json` (`log.format`).
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Let the API listen beyond loopback without a token (`access.allow_anyone`).
    #[arg(long)]
    allow_anyone: bool,
}

impl Flags {
    fn lay(&self, layers: &mut Layers) {
        if let Some(address) = &self.http {
            layers.flag("--http", "http.listen", address);
        }
        if self.console {
            layers.flag("--console", "http.console", "true");
        }
        if let Some(format) = &self.log_format {
            layers.flag("--log-format", "log.format", format);
        }
        if self.allow_anyone {
            layers.flag("--allow-anyone", "access.allow_anyone", "true");
        }
        self.set.iter().for_each(|assignment| layers.set(assignment));
    }
}

impl Command {
    pub(crate) fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(layered) => check(&layered, shared),
            Self::Show(layered) => show(&layered, shared),
            Self::Keys => {
                print(config::table().trim_end());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Layered {
    fn path(&self) -> PathBuf {
        if self.file.is_dir() { self.file.join(FILE) } else { self.file.clone() }
    }

    fn layers(&self, shared: &Shared) -> anyhow::Result<Layers> {
        let path = self.path();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(layers(Some((&path, text)), shared, &self.flags))
    }
}

/// The file, the environment above it, flags above both.
fn layers(file: Option<(&Path, String)>, shared: &Shared, flags: &Flags) -> Layers {
    let mut layers = Layers::new();
    if let Some((path, text)) = file {
        layers.file(path, &text);
    }
    layers.environment(std::env::vars());
    if shared.json {
        layers.flag("--json", "log.format", "json");
    }
    flags.lay(&mut layers);
    layers
}

/// The configuration of a process, with its tokens read. `more` lays flags of its command above.
///
/// # Errors
/// When the file can't be read: `missing` says what to do; and everything that is wrong in it.
pub(crate) fn load(
    path: Option<&Path>,
    missing: &str,
    shared: &Shared,
    flags: &Flags,
    more: impl FnOnce(&mut Layers),
) -> anyhow::Result<Config> {
    let file = match path {
        Some(path) => {
            let text = fs::read_to_string(path);
            Some((path, text.with_context(|| format!("{}: {missing}", path.display()))?))
        }
        None => None,
    };
    let mut layers = layers(file, shared, flags);
    more(&mut layers);
    Ok(finished(&layers)?)
}

/// The configuration, with the tokens of the file beside those of the list; nobody else on the machine
/// may read either.
fn finished(layers: &Layers) -> Result<Config, Problems> {
    let mut config = layers.config()?;
    let origin_of = |key: &str| {
        let found = KEYS.iter().find(|known| known.name == key);
        found.map_or(Origin::Default, |known| layers.value(known).1)
    };
    let problem = |key: &str, reason: String| {
        Problems(vec![Problem { origin: origin_of(key), key: Some(key.into()), reason }])
    };
    if let Origin::File { path, .. } = origin_of("access.tokens")
        && !config.access.tokens.is_empty()
    {
        config::check_private(&path).map_err(|reason| problem("access.tokens", reason))?;
    }
    let tokens = config.access.all_tokens();
    config.access.tokens = tokens.map_err(|reason| problem("access.token_file", reason))?;
    Ok(config)
}

fn check(layered: &Layered, shared: &Shared) -> anyhow::Result<ExitCode> {
    let layers = layered.layers(shared)?;
    let problems = finished(&layers).err().map(|problems| problems.0).unwrap_or_default();
    let path = layered.path();
    let set = KEYS.iter().filter(|key| layers.value(key).1 != Origin::Default).count();
    let value = json!({
        "ok": problems.is_empty(),
        "file": path,
        "problems": problems.iter().map(describe).collect::<Vec<_>>(),
    });
    shared.output().show(&value, || match problems.is_empty() {
        true => format!("{}: nothing is wrong, {set} keys are set", path.display()),
        false => Problems(problems.clone()).to_string(),
    });
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn describe(problem: &Problem) -> Value {
    let mut value = json!({ "from": problem.origin.to_string(), "reason": problem.reason });
    if let Some(key) = &problem.key {
        value["key"] = json!(key);
    }
    if let Origin::File { line, column, .. } = &problem.origin {
        value["line"] = json!(line);
        value["column"] = json!(column);
    }
    value
}

fn show(layered: &Layered, shared: &Shared) -> anyhow::Result<ExitCode> {
    let layers = layered.layers(shared)?;
    finished(&layers)?;
    let mut rows = Vec::new();
    for key in KEYS {
        let (value, origin) = layers.value(key);
        let value = match (key.is_secret(), value) {
            (true, Some(toml::Value::Array(secrets))) => {
                toml::Value::Array(vec!["***".into(); secrets.len()])
            }
            (_, Some(value)) => value,
            (_, None) => toml::Value::String(String::new()),
        };
        rows.push((key.name, value, origin.to_string()));
    }
    let value: Vec<Value> = rows
        .iter()
        .map(|(key, value, from)| json!({ "key": key, "value": value, "from": from }))
        .collect();
    shared.output().show(&value, || {
        let width = rows.iter().map(|(key, ..)| key.len()).max().unwrap_or_default();
        let lines = rows.iter().map(|(key, value, from)| {
            let value = if value.as_str() == Some("") { "none".into() } else { value.to_string() };
            format!("{key:width$} = {value}   # {from}")
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// Writes the file of a new node: the node's own keys, and those that `flags` set.
pub(crate) fn write_new(path: &Path, config: &Config, flags: &Flags) -> anyhow::Result<()> {
    let mut table = toml::Table::try_from(config)?;
    table.retain(|_, value| !value.is_table());
    let mut said = Layers::new();
    flags.lay(&mut said);
    let mut tables = toml::Table::new();
    for key in KEYS {
        if let (Some(value), Origin::Flag(_)) = said.value(key) {
            match key.name.split_once('.') {
                Some((of, name)) => {
                    let inner = tables.entry(of).or_insert_with(|| toml::Table::new().into());
                    if let Some(inner) = inner.as_table_mut() {
                        inner.insert(name.to_owned(), value);
                    }
                }
                None => {
                    table.insert(key.name.to_owned(), value);
                }
            }
        }
    }
    table.extend(tables);
    let text = format!(
        "# A node of Fairway: `fairway config keys` lists all keys, docs/configuration.md too.\n{}",
        toml::to_string_pretty(&table)?
    );
    let mut written = Layers::new();
    written.file(path, &text);
    // As the node will find it: secrets may be in the environment alone.
    written.environment(std::env::vars());
    written.config()?;
    fs::write(path, text).with_context(|| path.display().to_string())
}
