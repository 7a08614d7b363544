//! The configuration of `fairway node` and `fairway ledger`: one TOML file, above it the environment,
//! above that flags. Every problem is named with its place, and what to write instead. Reads files and
//! the environment it is given; never the network.

mod keys;
mod layers;

use std::{
    fs,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use fairway_ledger::rpc;
use fairway_types::Address;
use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

pub use self::{
    keys::{KEYS, Key, Kind, TABLES, TOKEN_LEAST},
    layers::{Layers, Origin, Problem, Problems},
};
use crate::node::Keeping;

/// The name of the file in a node's folder.
pub const FILE: &str = "node.toml";

/// All keys as a table in Markdown: what docs/configuration.md shows.
#[must_use]
pub fn table() -> String {
    let mut text =
        String::from("| key | variable | takes | default | what |\n|---|---|---|---|---|\n");
    for key in KEYS {
        let default = match Layers::new().value(key).0 {
            Some(value) => format!("`{value}`"),
            None => "none".into(),
        };
        let (name, variable, form) = (key.name, key.variable(), key.kind.form());
        text += &format!("| `{name}` | `{variable}` | {form} | {default} | {} |\n", key.what);
    }
    text
}

/// What holds. Every field is a key of [`KEYS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub ledger: String,
    pub api: SocketAddr,
    pub listen: Vec<Multiaddr>,
    pub announce: Vec<Multiaddr>,
    pub accounts: Vec<Address>,
    pub max_channels: usize,
    pub keep_blocks: u64,
    pub sync_blocks: u64,
    pub archive: bool,
    pub access: Access,
    pub http: Http,
    pub log: Log,
    pub traces: Traces,
    pub chain: Chain,
}

/// Who may use the API port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    pub origins: Vec<String>,
    pub hosts: Vec<String>,
    /// Those of the file too, once it is read.
    pub tokens: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    pub allow_anyone: bool,
    /// 0 for no limit.
    pub requests_per_second: u32,
    pub burst: u32,
}

/// The port for operators' programs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Whether the console is served there too.
    pub console: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

/// Where a node sends traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// Without the path of OTLP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Of calls and of blocks, from 0 to 1.
    pub sample: f64,
}

/// The embedded ledger, where this program runs one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    pub listen: SocketAddr,
    pub id: u64,
    pub dev: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<Address>,
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port)
}

impl Default for Config {
    fn default() -> Self {
        let keeping = Keeping::default();
        let parsed = |text: &str| text.parse().into_iter();
        let listen = parsed("/ip4/127.0.0.1/tcp/9102")
            .chain(parsed("/ip4/127.0.0.1/udp/9102/quic-v1"))
            .collect();
        Self {
            ledger: "ws://127.0.0.1:9100".into(),
            api: local(9101),
            listen,
            announce: Vec::new(),
            accounts: Vec::new(),
            max_channels: 256,
            keep_blocks: keeping.blocks.unwrap_or_default(),
            sync_blocks: keeping.sync_blocks,
            archive: false,
            access: Access::default(),
            http: Http::default(),
            log: Log { format: LogFormat::Text, filter: "info".into() },
            traces: Traces::default(),
            chain: Chain { data: None, listen: local(9100), id: 1, dev: false, root: None },
        }
    }
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, sample: 0.01 }
    }
}

impl Default for Access {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            hosts: Vec::new(),
            tokens: Vec::new(),
            token_file: None,
            allow_anyone: false,
            requests_per_second: 2_000,
            burst: 4_000,
        }
    }
}

impl Config {
    /// What a node keeps of its channels' past.
    #[must_use]
    pub fn keeping(&self) -> Keeping {
        match self.archive {
            true => Keeping::archive(),
            false => Keeping { blocks: Some(self.keep_blocks), sync_blocks: self.sync_blocks },
        }
    }
}

impl Access {
    /// Who may use a node's API.
    #[must_use]
    pub fn for_node(&self) -> rpc::Access {
        rpc::Access { tokens: self.tokens.clone(), ..self.for_ledger() }
    }

    /// Who may use a ledger: everybody whom it reaches, as far as pages, names and rates go.
    #[must_use]
    pub fn for_ledger(&self) -> rpc::Access {
        let rate = NonZeroU32::new(self.requests_per_second)
            .zip(NonZeroU32::new(self.burst))
            .map(|(per_second, burst)| rpc::Rate { per_second, burst });
        let (origins, hosts) = (self.origins.clone(), self.hosts.clone());
        rpc::Access { origins, hosts, tokens: Vec::new(), rate }
    }

    /// The tokens of the list and of the file.
    ///
    /// # Errors
    /// When the file can't be read, others can read it, or a line is no token: which, and what to do.
    pub fn all_tokens(&self) -> Result<Vec<String>, String> {
        let mut tokens = self.tokens.clone();
        let Some(path) = &self.token_file else { return Ok(tokens) };
        let text = fs::read_to_string(path).map_err(|error| {
            format!("{}: {error}: write a token a line into it", path.display())
        })?;
        check_private(path)?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            keys::check_token(line)
                .map_err(|problem| format!("{}:{}: {problem}", path.display(), number + 1))?;
            tokens.push(line.to_owned());
        }
        if tokens.is_empty() {
            return Err(format!("{} holds no token: write one a line into it", path.display()));
        }
        Ok(tokens)
    }
}

/// That nobody else on this machine reads a secret.
///
/// # Errors
/// Its mode, and how to change it.
pub fn check_private(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mode = mode.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(format!("{path} has mode {mode:04o}, so that others can read it: chmod 600 {path}"))
}

#[cfg(test)]
mod tests;
