//! Every key of the configuration: one table, from which files, the environment and flags are read,
//! and with which docs/configuration.md is compared.

use std::{net::SocketAddr, path::Path};

use fairway_types::Address;
use libp2p::Multiaddr;
use toml::Value;
use tracing_subscriber::EnvFilter;

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// With its table: `access.origins`.
    pub name: &'static str,
    pub kind: Kind,
    /// What it sets, for people: one line of Markdown.
    pub what: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    /// Between two bounds, both included.
    Number(u64, u64),
    /// From 0 to 1.
    Share,
    Socket,
    /// A WebSocket URL.
    Url,
    /// An HTTP URL, without TLS.
    Http,
    /// libp2p addresses.
    Peers,
    Account,
    Accounts,
    /// What browsers say that a page is from: `https://app.example`.
    Origins,
    /// Names without a port.
    Hosts,
    /// Secret words, never shown and never taken from a command line.
    Tokens,
    Path,
    Choice(&'static [&'static str]),
    /// What logs say, as `tracing` filters it.
    Filter,
}

/// Characters of a token at least: what 128 random bits take in hex.
pub const TOKEN_LEAST: usize = 32;
/// The largest number of the format.
const MOST: u64 = i64::MAX as u64;

const fn key(name: &'static str, kind: Kind, what: &'static str) -> Key {
    Key { name, kind, what }
}

/// All of them, in the order of the documentation.
pub const KEYS: &[Key] = &[
    key("ledger", Kind::Url, "The ledger that the node settles on."),
    key("api", Kind::Socket, "Where apps connect. Port 0 takes a free one."),
    key(
        "listen",
        Kind::Peers,
        "Where other nodes connect: libp2p addresses, TCP or QUIC, at least one.",
    ),
    key(
        "announce",
        Kind::Peers,
        "What others are told to dial; what it listens on when empty. Needed when `listen` names every interface, or behind a router.",
    ),
    key(
        "accounts",
        Kind::Accounts,
        "Accounts that the node acts for; anybody who reaches its API when empty.",
    ),
    key(
        "max_channels",
        Kind::Number(1, 65_536),
        "Channels that the node runs at most, those that are over not counted.",
    ),
    key(
        "keep_blocks",
        Kind::Number(0, MOST),
        "Blocks kept below the last settled one; older ones are pruned.",
    ),
    key(
        "sync_blocks",
        Kind::Number(1, MOST),
        "Blocks behind the others' last final one beyond which the node takes a snapshot instead.",
    ),
    key("archive", Kind::Bool, "Keep every block, whatever `keep_blocks` says."),
    key(
        "access.origins",
        Kind::Origins,
        "Pages that may use the API port from a browser. None: those of this machine (`localhost`, `127.0.0.1`, `[::1]`, any port). `\"*\"`: all.",
    ),
    key(
        "access.hosts",
        Kind::Hosts,
        "Names, beside this machine's own, under which a port on a loopback address may be asked for: what a proxy before it passes on.",
    ),
    key(
        "access.tokens",
        Kind::Tokens,
        "Secret words, one of which a client of the node's API must know. None: no client must. Not taken from a flag.",
    ),
    key(
        "access.token_file",
        Kind::Path,
        "A file with further tokens, one a line; lines that begin with `#` are left out. In the file, a path beside it unless it is absolute; in a variable or a flag, one from the current folder.",
    ),
    key(
        "access.allow_anyone",
        Kind::Bool,
        "Let the node's API listen beyond loopback without a token.",
    ),
    key(
        "access.requests_per_second",
        Kind::Number(0, 1_000_000),
        "Requests a second that one client may make for long: one token, or one address that is not of this machine. 0: no limit.",
    ),
    key("access.burst", Kind::Number(1, 1_000_000), "Requests that it may make at once."),
    key(
        "http.listen",
        Kind::Socket,
        "Where `/metrics`, `/healthz` and `/readyz` are. None: nowhere.",
    ),
    key(
        "http.console",
        Kind::Bool,
        "Serve the console, a page that shows everything and changes nothing, under `/console` of `http.listen`. Beyond loopback it needs a token.",
    ),
    key(
        "log.format",
        Kind::Choice(&["text", "json"]),
        "How logs are written to standard error. `--json` means `json`.",
    ),
    key(
        "log.filter",
        Kind::Filter,
        "What is logged: a level, or levels by target. `RUST_LOG` holds where nothing else is said.",
    ),
    key(
        "traces.endpoint",
        Kind::Http,
        "The OpenTelemetry collector that traces are sent to (OTLP over HTTP). None: no traces.",
    ),
    key(
        "traces.sample",
        Kind::Share,
        "The share of calls, and of blocks, that is traced. Settlements are, all of them.",
    ),
    key("chain.data", Kind::Path, "Where the ledger's blocks and state lie."),
    key("chain.listen", Kind::Socket, "Where the ledger is reached. Port 0 takes a free one."),
    key("chain.id", Kind::Number(1, MOST), "The chain's id, fixed by its first start."),
    key(
        "chain.dev",
        Kind::Bool,
        "A chain for trying things out, with a faucet. The root key is made in its folder.",
    ),
    key(
        "chain.root",
        Kind::Account,
        "The account that may mint, on a chain that is not for development.",
    ),
];

/// Tables that belong to the configuration; in the environment nothing else may begin with their names.
pub const TABLES: &[&str] = &["access", "http", "log", "traces", "chain"];

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The key that somebody who wrote `name` may have meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let most = name.len().div_ceil(3);
    let distances = KEYS.iter().map(|key| (distance(name, key.name), key.name));
    let last = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let same = KEYS.iter().map(|key| key.name).find(|known| last(known) == name);
    same.or_else(|| distances.filter(|(far, _)| *far <= most).min().map(|(_, name)| name))
}

/// Insertions, deletions and replacements between two words.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, b) in other.iter().enumerate() {
            let above = row[column + 1];
            let replaced = diagonal + usize::from(a != *b);
            row[column + 1] = replaced.min(above + 1).min(row[column] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

impl Key {
    /// The variable of the environment that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("FAIRWAY_{}", self.name.replace('.', "_").to_uppercase())
    }

    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Tokens)
    }
}

impl Kind {
    /// What it takes, for people.
    #[must_use]
    pub fn form(&self) -> String {
        match self {
            Self::Bool => "`true` or `false`".into(),
            Self::Number(least, MOST) => format!("number from {least}"),
            Self::Number(least, most) => format!("number from {least} to {most}"),
            Self::Share => "number from 0 to 1".into(),
            Self::Socket => "address and port".into(),
            Self::Http => "`http://` URL".into(),
            Self::Url => "`ws://` URL".into(),
            Self::Peers => "list of libp2p addresses".into(),
            Self::Account => "account".into(),
            Self::Accounts => "list of accounts".into(),
            Self::Origins => "list of origins".into(),
            Self::Hosts => "list of names".into(),
            Self::Tokens => "list of secrets".into(),
            Self::Path => "path".into(),
            Self::Choice(of) => {
                of.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" or ")
            }
            Self::Filter => "filter".into(),
        }
    }

    const fn is_list(self) -> bool {
        matches!(self, Self::Peers | Self::Accounts | Self::Origins | Self::Hosts | Self::Tokens)
    }

    /// A value as the environment and flags give it; a list is parted by commas.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let value = match self {
            Self::Bool => text.parse().ok().map(Value::Boolean),
            Self::Number(..) => text.replace('_', "").parse().ok().map(Value::Integer),
            Self::Share => text.parse().ok().map(Value::Float),
            Self::Peers | Self::Accounts | Self::Origins | Self::Hosts | Self::Tokens => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(Value::Array(items.map(|item| item.to_owned().into()).collect()))
            }
            Self::Socket
            | Self::Url
            | Self::Http
            | Self::Account
            | Self::Path
            | Self::Choice(_)
            | Self::Filter => Some(Value::String(text.to_owned())),
        };
        let value = value.ok_or_else(|| self.expected(text))?;
        self.check(&value)?;
        Ok(value)
    }

    /// Whether the key takes a value.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub fn check(self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Bool, Value::Boolean(_)) => Ok(()),
            (Self::Number(least, most), Value::Integer(number)) => {
                match u64::try_from(*number).is_ok_and(|number| (least..=most).contains(&number)) {
                    true => Ok(()),
                    false => Err(format!("{number} is out of bounds: write a {}", self.form())),
                }
            }
            (Self::Share, Value::Integer(0 | 1)) => Ok(()),
            (Self::Share, Value::Float(share)) if (0.0..=1.0).contains(share) => Ok(()),
            (_, Value::Array(items)) if self.is_list() => items.iter().try_for_each(|item| {
                self.check_text(item.as_str().ok_or_else(|| self.expected(&item.to_string()))?)
            }),
            (_, Value::String(text)) if !self.is_list() => self.check_text(text),
            (_, value) => Err(self.expected(&value.to_string())),
        }
    }

    fn check_text(self, text: &str) -> Result<(), String> {
        let holds = match self {
            Self::Bool | Self::Number(..) | Self::Share => false,
            Self::Http => is_http(text),
            Self::Socket => text.parse::<SocketAddr>().is_ok(),
            Self::Url => ["ws://", "wss://"]
                .iter()
                .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty())),
            Self::Peers => text.parse::<Multiaddr>().is_ok(),
            Self::Account | Self::Accounts => text.parse::<Address>().is_ok(),
            Self::Origins => text == "*" || text == "null" || is_origin(text),
            Self::Hosts => !text.is_empty() && !text.contains(['/', ':', ' ']),
            Self::Tokens => return check_token(text),
            Self::Path => !text.is_empty() && !Path::new(text).as_os_str().is_empty(),
            Self::Choice(of) => of.contains(&text),
            Self::Filter => !text.is_empty() && EnvFilter::try_new(text).is_ok(),
        };
        if holds { Ok(()) } else { Err(self.expected(&format!("{text:?}"))) }
    }

    fn expected(self, found: &str) -> String {
        let wanted = match self {
            Self::Bool | Self::Number(..) | Self::Choice(_) => self.form(),
            Self::Share => "a number from 0 to 1, such as 0.01".into(),
            Self::Http => "a URL, such as \"http://127.0.0.1:4318\"; for https run a collector on this machine".into(),
            Self::Socket => "an address and a port, such as \"127.0.0.1:9101\"".into(),
            Self::Url => "a URL, such as \"ws://127.0.0.1:9100\"".into(),
            Self::Peers => "libp2p addresses, such as [\"/ip4/127.0.0.1/tcp/9102\"]".into(),
            Self::Account => "an account: `0x` and 64 hex digits, as a text".into(),
            Self::Accounts => "a list of accounts, each `0x` and 64 hex digits".into(),
            Self::Origins => "origins without a path, such as [\"https://app.example\"]".into(),
            Self::Hosts => "names without a port, such as [\"node.example\"]".into(),
            Self::Tokens => "a list of secrets".into(),
            Self::Path => "a path, as a text".into(),
            Self::Filter => "a filter, such as \"info\" or \"fairway=debug,libp2p=warn\"".into(),
        };
        let found = if self == Self::Tokens { "it" } else { found };
        format!("{found} is not what the key takes: write {wanted}")
    }
}

/// `http://host[:port][/path]`.
fn is_http(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("http://") else { return false };
    !rest.is_empty() && !rest.starts_with(['/', ':']) && !rest.contains(['?', '#', '@', ' '])
}

/// `scheme://host[:port]`, nothing after it, lower case as browsers send it.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']);
    scheme && host && !text.contains(|c: char| c.is_ascii_uppercase())
}

/// A token goes into a header, and into the name of a WebSocket subprotocol. The message does not
/// repeat it.
pub(super) fn check_token(text: &str) -> Result<(), String> {
    if text.len() < TOKEN_LEAST {
        let count = text.len();
        return Err(format!(
            "a token of {count} characters can be guessed: write {TOKEN_LEAST} or more, such as \
             `openssl rand -hex 32` prints"
        ));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if !text.chars().all(fits) {
        return Err("a token holds letters, digits and `-._~` only: write another one".into());
    }
    Ok(())
}
