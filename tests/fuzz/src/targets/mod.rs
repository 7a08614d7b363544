//! The table of targets.

mod json;
mod ledger;
mod log;
pub mod packages;
mod peers;
mod signed;
mod simulation;
mod subscriptions;
mod text;

use crate::measured;

/// Whether the bytes were what the target reads. Both are fine; anything else is a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Refused,
}

impl From<bool> for Verdict {
    fn from(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }
}

impl<T> From<Option<T>> for Verdict {
    fn from(value: Option<T>) -> Self {
        value.is_some().into()
    }
}

/// One door that bytes of others come through.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    /// What the bytes are taken for.
    pub reads: &'static str,
    /// Longest input the explorer makes.
    pub most_bytes: usize,
    /// Bytes allocated at a time, at most: these, and [`MEMORY_FACTOR`] for each byte of input.
    memory: usize,
    run: fn(&[u8]) -> Verdict,
}

/// Bytes of memory a byte of input may take: an empty entry of a list is one byte, and its value has
/// pointers.
pub const MEMORY_FACTOR: usize = 64;
/// What decoding may reserve before it has seen the entries of a list, in a few nested ones.
const DECODER: usize = 8 << 20;
/// What a state, an overlay or a simulated world takes besides.
const MACHINE: usize = 256 << 20;

impl Target {
    /// Runs the target.
    ///
    /// # Panics
    /// When a property breaks, or when memory was taken out of proportion to the input.
    #[must_use]
    pub fn run(&self, data: &[u8]) -> Verdict {
        let (verdict, bytes) = measured(|| (self.run)(data));
        let most = self.memory + MEMORY_FACTOR * data.len();
        assert!(bytes <= most, "{bytes} bytes of memory for {} of input", data.len());
        verdict
    }
}

const fn decoder(name: &'static str, reads: &'static str, run: fn(&[u8]) -> Verdict) -> Target {
    Target { name, reads, most_bytes: 4_096, memory: DECODER, run }
}

const fn machine(name: &'static str, reads: &'static str, run: fn(&[u8]) -> Verdict) -> Target {
    Target { name, reads, most_bytes: 16 << 10, memory: MACHINE, run }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    decoder("calls", "BCS of a signed call", signed::call),
    decoder("blocks", "BCS of a block with its certificate", signed::block),
    decoder("acks", "BCS of a signed ack", signed::ack),
    decoder("certificates", "BCS of a certificate", signed::certificate),
    decoder("settlements", "BCS of a signed proposal or a signed vote", signed::settlement),
    decoder("messages", "a frame between nodes", peers::message),
    decoder("frames", "everything a peer writes on a stream", peers::stream),
    machine("events", "BCS of a list of stored events", log::events),
    machine("snapshots", "BCS of a stored snapshot", log::snapshot),
    decoder("rows", "a number, then the BCS of that kind of stored row", log::row),
    decoder("ledger", "a number, then the BCS of that kind of ledger value", ledger::value),
    decoder("rpc", "a number, then the JSON of that kind of parameter", json::parameter),
    decoder("arguments", "a Move type, a line end, then JSON", json::argument),
    decoder("results", "a Move type, a line end, then BCS", json::result),
    decoder("text", "an id, a key, a type, a function or an amount as text", text::any),
    machine("filters", "a filter as JSON, a zero byte, then stored events", subscriptions::filter),
    machine("packages", "BCS of a package's sources, or the text of one file", packages::sources),
    machine("simulation", "seven bytes of a plan, then a byte a choice", simulation::choices),
    machine("modules", "bytecode after the compiler", packages::module),
];

/// The target with this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
