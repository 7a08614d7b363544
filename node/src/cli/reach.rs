//! The servers that a command talks to, and what is said when none answers.

use fairway_sdk::Error;

/// What a command talks to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Server {
    Node,
    Ledger,
}

/// Nobody answered: what, whose address it is, and what to do.
#[derive(Debug, thiserror::Error)]
#[error(
    "the {name}: {error}; its address is {origin}: start it with {start}, or name another with --{name}"
)]
pub(super) struct Unreached {
    error: Error,
    name: &'static str,
    origin: String,
    start: &'static str,
}

impl Server {
    pub(super) const fn default(self) -> &'static str {
        match self {
            Self::Node => "ws://127.0.0.1:9101",
            Self::Ledger => "ws://127.0.0.1:9100",
        }
    }

    /// An error of the first contact with the server at `url`.
    pub(super) fn explain(self, url: &str, error: Error) -> anyhow::Error {
        if !matches!(error, Error::Unreachable { .. } | Error::TimedOut { .. }) {
            return error.into();
        }
        let (name, start) = match self {
            Self::Node => ("node", "`fairway node run FOLDER` or `fairway dev`"),
            Self::Ledger => ("ledger", "`fairway ledger run --dev` or `fairway dev`"),
        };
        Unreached { error, name, origin: self.origin(url), start }.into()
    }

    /// Where the command has the address from.
    fn origin(self, url: &str) -> String {
        let (flag, variable) = match self {
            Self::Node => ("--node", "FAIRWAY_NODE"),
            Self::Ledger => ("--ledger", "FAIRWAY_LEDGER"),
        };
        if std::env::var(variable).is_ok_and(|value| value == url) {
            format!("that of {variable}")
        } else if url == self.default() {
            "the default".into()
        } else {
            format!("that of {flag}")
        }
    }
}

/// Reads the address of a server's WebSocket.
pub(super) fn url(text: &str) -> Result<String, String> {
    let place = text.strip_prefix("ws://").filter(|place| !place.is_empty());
    if place.is_none() {
        return Err("expected ws://HOST:PORT".into());
    }
    Ok(text.to_owned())
}
