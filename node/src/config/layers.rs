//! One value a key, from the highest layer that names it, and where it came from.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::{Table, Value, de::DeTable};

use super::{
    Config,
    keys::{self, KEYS, Key, Kind, TABLES},
};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// Line and column count from 1; columns in characters.
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) | Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// Something in the configuration that can't be used, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub origin: Origin,
    pub key: Option<String>,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        write!(f, "{}", self.reason)
    }
}

/// All that is wrong, at least one; in the order of the file, then the environment, then flags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "{}", lines.join("\n"))
    }
}

/// The values that the layers give, before they are a [`Config`].
#[derive(Debug, Clone, Default)]
pub struct Layers {
    values: BTreeMap<&'static str, (Value, Origin)>,
    problems: Vec<Problem>,
}

impl Layers {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lays a file's text above what is there. Paths in it are taken as beside the file.
    pub fn file(&mut self, path: &Path, text: &str) {
        let at = |span: Option<Range<usize>>| {
            let (line, column) = place(text, span.unwrap_or(0..0).start);
            Origin::File { path: path.to_owned(), line, column }
        };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let reason = format!("{}: correct the TOML", error.message());
            self.problem(at(error.span()), None, reason);
        }
        // The values once more, without their places.
        let Ok(values) = toml::from_str::<Table>(text) else { return };
        for (name, value) in document.get_ref() {
            let (word, given) = (name.get_ref().as_ref(), values.get(name.get_ref().as_ref()));
            let Some(given) = given else { continue };
            match (TABLES.contains(&word), value.get_ref().as_table(), given.as_table()) {
                (true, Some(places), Some(given)) => {
                    for (name, value) in places {
                        let dotted = format!("{word}.{}", name.get_ref());
                        if let Some(given) = given.get(name.get_ref().as_ref()) {
                            let origins = (at(Some(name.span())), at(Some(value.span())));
                            self.entry(&dotted, given, origins, path);
                        }
                    }
                }
                _ => {
                    let origins = (at(Some(name.span())), at(Some(value.span())));
                    self.entry(word, given, origins, path);
                }
            }
        }
    }

    fn entry(
        &mut self,
        name: &str,
        value: &Value,
        (of_key, of_value): (Origin, Origin),
        file: &Path,
    ) {
        let Some(key) = keys::find(name) else {
            let reason = match (TABLES.contains(&name), keys::nearest(name)) {
                (true, _) => format!("it is a table: write [{name}]"),
                (false, Some(near)) => format!("there is no such key: did you mean `{near}`?"),
                (false, None) => "there is no such key: `fairway config keys` lists them".into(),
            };
            return self.problem(of_key, Some(name), reason);
        };
        match key.kind.check(value) {
            Ok(()) => {
                let value = match (key.kind, value.as_str(), file.parent()) {
                    (Kind::Path, Some(text), Some(folder)) => {
                        Value::String(folder.join(text).display().to_string())
                    }
                    _ => value.clone(),
                };
                self.values.insert(key.name, (value, of_value));
            }
            Err(reason) => self.problem(of_value, Some(name), reason),
        }
    }

    /// Lays the environment above: `FAIRWAY_ACCESS_ORIGINS` for `access.origins`. An empty variable
    /// says nothing.
    pub fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        let mut variables: Vec<(String, String)> =
            variables.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        variables.sort();
        for (name, text) in variables {
            if name == "RUST_LOG" && !self.values.contains_key("log.filter") {
                if let Some(key) = keys::find("log.filter") {
                    self.text(key, &text, Origin::Variable(name));
                }
                continue;
            }
            let Some(rest) = name.strip_prefix("FAIRWAY_") else { continue };
            match KEYS.iter().find(|key| key.variable() == name) {
                Some(key) => self.text(key, &text, Origin::Variable(name)),
                None => {
                    let of_table =
                        |table: &&&str| rest.to_lowercase().starts_with(&format!("{table}_"));
                    if let Some(table) = TABLES.iter().find(of_table) {
                        let reason = format!(
                            "no key of [{table}] has this variable: `fairway config keys` lists them"
                        );
                        self.problem(Origin::Variable(name), None, reason);
                    }
                }
            }
        }
    }

    /// Lays one value above: what the flag `flag` says of the key `name`.
    pub fn flag(&mut self, flag: &str, name: &str, text: &str) {
        let origin = Origin::Flag(flag.to_owned());
        match keys::find(name) {
            Some(key) if key.is_secret() => {
                let reason = format!(
                    "other users of the machine can read a command line: set it in a file or in {}",
                    key.variable()
                );
                self.problem(origin, Some(name), reason);
            }
            Some(key) => self.text(key, text, origin),
            None => {
                let near = keys::nearest(name);
                let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
                self.problem(origin, Some(name), format!("there is no such key{near}"));
            }
        }
    }

    /// `--set KEY=VALUE`.
    pub fn set(&mut self, assignment: &str) {
        let flag = "--set";
        match assignment.split_once('=') {
            Some((name, text)) => self.flag(flag, name.trim(), text),
            None => {
                let reason = format!("{assignment:?} is no assignment: write KEY=VALUE");
                self.problem(Origin::Flag(flag.into()), None, reason);
            }
        }
    }

    fn text(&mut self, key: &'static Key, text: &str, origin: Origin) {
        match key.kind.parse(text) {
            Ok(value) => {
                self.values.insert(key.name, (value, origin));
            }
            Err(reason) => self.problem(origin, Some(key.name), reason),
        }
    }

    fn problem(&mut self, origin: Origin, key: Option<&str>, reason: String) {
        self.problems.push(Problem { origin, key: key.map(str::to_owned), reason });
    }

    /// What a key is set to and by what; `None` where it has no value.
    #[must_use]
    pub fn value(&self, key: &Key) -> (Option<Value>, Origin) {
        match self.values.get(key.name) {
            Some((value, origin)) => (Some(value.clone()), origin.clone()),
            None => (default(key), Origin::Default),
        }
    }

    /// The configuration that the layers make.
    ///
    /// # Errors
    /// Everything that is wrong in any layer, or between keys.
    pub fn config(&self) -> Result<Config, Problems> {
        let mut problems = self.problems.clone();
        let mut table = Table::new();
        for key in KEYS {
            if let (Some(value), _) = self.value(key) {
                insert(&mut table, key.name, value);
            }
        }
        for name in TABLES {
            table.entry(*name).or_insert_with(|| Value::Table(Table::new()));
        }
        let config = match Config::deserialize_from(table) {
            Ok(config) => config,
            // Each value was checked: what remains has no place of its own.
            Err(reason) => {
                problems.push(Problem { origin: Origin::Default, key: None, reason });
                return Err(Problems(problems));
            }
        };
        self.check(&config, &mut problems);
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    }

    /// What only several keys together show.
    fn check(&self, config: &Config, problems: &mut Vec<Problem>) {
        let mut note = |key: &str, reason: String| {
            let origin = keys::find(key).map_or(Origin::Default, |key| self.value(key).1);
            problems.push(Problem { origin, key: Some(key.to_owned()), reason });
        };
        if config.listen.is_empty() {
            note("listen", "no other node could reach this one: name an address".into());
        }
        let everywhere = |address: &&libp2p::Multiaddr| {
            let text = address.to_string();
            text.contains("/0.0.0.0/") || text.contains("/::/")
        };
        if let (true, Some(address)) =
            (config.announce.is_empty(), config.listen.iter().find(everywhere))
        {
            note(
                "listen",
                format!(
                    "{address} names every interface: say in `announce` what others are to dial"
                ),
            );
        }
        let access = &config.access;
        let has_tokens = !access.tokens.is_empty() || access.token_file.is_some();
        if !config.api.ip().is_loopback() && !has_tokens && !access.allow_anyone {
            note(
                "api",
                format!(
                    "{} can be reached from other machines, and nobody is asked for a token: set \
                     `access.token_file`, or `access.allow_anyone` if everybody may use the node",
                    config.api
                ),
            );
        }
        check_console(config, has_tokens, &mut note);
    }
}

/// The console shows all state: beyond this machine only to who knows a token.
fn check_console(config: &Config, has_tokens: bool, note: &mut impl FnMut(&str, String)) {
    match config.http.listen {
        _ if !config.http.console => {}
        None => note("http.console", "it has no port: set `http.listen`".into()),
        Some(listen) if !listen.ip().is_loopback() && !has_tokens => {
            let reason = format!(
                "{listen} can be reached from other machines, and nobody is asked for a token: set \
                 `access.token_file`, or an address of this machine as `http.listen`"
            );
            note("http.console", reason);
        }
        Some(_) => {}
    }
}

impl Config {
    fn deserialize_from(table: Table) -> Result<Self, String> {
        table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }
}

/// What holds where nobody says anything; `None` where nothing does.
fn default(key: &Key) -> Option<Value> {
    let table = Table::try_from(Config::default()).ok()?;
    let mut value = Value::Table(table);
    for part in key.name.split('.') {
        value = value.as_table_mut()?.remove(part)?;
    }
    Some(value)
}

fn insert(table: &mut Table, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            table.insert(name.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if let Some(inner) = inner.as_table_mut() {
                insert(inner, rest, value);
            }
        }
    }
}

/// Line and column of a byte, both from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before.get(start..).unwrap_or_default().chars().count() + 1)
}
