//! What commands print: text for people, one JSON value a line for scripts.

use std::io::Write;

use fairway_sdk::{Error, Refusal};
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    /// Prints `value` as JSON, or the text.
    pub(crate) fn show(self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            print(&serde_json::to_string(value).unwrap_or_default());
        } else {
            print(&text());
        }
    }
}

/// Writes a line; a reader that has gone away is no error.
pub(crate) fn print(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// An error on standard error: its text, or the refusal's code, name and details.
#[allow(clippy::print_stderr, reason = "errors of a command go to standard error")]
pub(crate) fn report(error: &anyhow::Error, as_json: bool) {
    let refusal = error
        .downcast_ref::<Refusal>()
        .or_else(|| error.downcast_ref::<Error>().and_then(Error::refusal));
    if as_json {
        let mut value = json!({ "error": format!("{error:#}") });
        if let Some(refusal) = refusal {
            value["code"] = refusal.code().into();
            value["data"] = json!(refusal.data());
        }
        eprintln!("{value}");
    } else if let Some(refusal) = refusal {
        eprintln!("error {}: {error:#}", refusal.code());
    } else {
        eprintln!("error: {error:#}");
    }
}

/// An amount of an asset with six decimals.
pub(crate) fn units(amount: u64) -> String {
    format!("{}.{:06}", amount / 1_000_000, amount % 1_000_000)
}
