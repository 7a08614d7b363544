//! Every metric: one table, by which they are encoded and with which docs/metrics.md is compared.

use std::{fmt, fs, time::SystemTime};

use fairway_store::meter::{Latency, Meter};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Without the unit and without `_total`.
    name: &'static str,
    unit: Option<&'static str>,
    kind: Type,
    /// Names of its labels.
    labels: &'static str,
    /// Which process has it: `node`, `ledger`, or both.
    of: &'static str,
    what: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Counter,
    Gauge,
    Histogram,
}

use Type::{Counter, Gauge, Histogram};

macro_rules! metrics {
    ($($id:ident = $name:literal, $unit:expr, $kind:expr, $labels:literal, $of:literal, $what:literal;)*) => {
        $(pub(super) const $id: Metric = Metric {
            name: $name, unit: $unit, kind: $kind, labels: $labels, of: $of, what: $what,
        };)*
        /// All of them, in the order of the documentation.
        pub const METRICS: &[Metric] = &[$($id),*];
    };
}

const SECONDS: Option<&str> = Some("seconds");
const BYTES: Option<&str> = Some("bytes");

metrics! {
    CHANNELS = "fairway_channels", None, Gauge, "", "node", "Channels that the node runs. The first 256 by their ids have metrics of their own";
    HEAD = "fairway_channel_head_height", None, Gauge, "channel", "node", "Height of the last block";
    CERTIFIED = "fairway_channel_certified_height", None, Gauge, "channel", "node", "Height up to which blocks are certified";
    FINAL = "fairway_channel_final_height", None, Gauge, "channel", "node", "Height up to which blocks are final";
    SETTLED = "fairway_channel_settled_height", None, Gauge, "channel", "node", "Height up to which the chain has settled";
    EPOCH = "fairway_channel_epoch", None, Gauge, "channel", "node", "Epoch of the present term";
    VIEW = "fairway_channel_view", None, Gauge, "channel", "node", "View of the present term: leaders changed in the epoch";
    ROLE = "fairway_channel_role", None, Gauge, "channel, role", "node", "1 for the node's role (`waiting`, `leader`, `follower`, `halted`, `ended`), 0 for the others";
    MEMBERS = "fairway_channel_members", None, Gauge, "channel", "node", "Members in the log";
    MEMBERS_HEARD = "fairway_channel_members_heard", None, Gauge, "channel", "node", "Members whose node was heard within the last 5 s, this node's among them";
    MEMBERS_VALID = "fairway_channel_members_valid", None, Gauge, "channel", "node", "Members valid for the chain when it granted the last epoch";
    QUEUED = "fairway_channel_queued_calls", None, Gauge, "channel", "node", "Calls waiting at this node to be ordered";
    ORDERED_CALLS = "fairway_channel_ordered_calls", None, Counter, "channel", "node", "Calls in blocks that this node appended";
    CERTIFIED_CALLS = "fairway_channel_certified_calls", None, Counter, "channel", "node", "Calls in blocks that this node appended and saw certified";
    ROLLED_BACK_CALLS = "fairway_channel_rolled_back_calls", None, Counter, "channel", "node", "Calls in blocks that were taken back";
    TO_CERTIFIED = "fairway_channel_call_certified", SECONDS, Histogram, "channel", "node", "From a call's arrival at this node's API to its answer as certified";
    PROPOSALS = "fairway_channel_settlement_proposals", None, Counter, "channel", "node", "Proposals that this node made or agreed to";
    VOTES = "fairway_channel_settlement_votes", None, Counter, "channel", "node", "Yes votes that this node signed";
    SETTLEMENTS = "fairway_channel_settlements", None, Gauge, "channel", "node", "Settlements that executed on the chain";
    SETTLEMENT_FAILING = "fairway_channel_settlement_failing", None, Gauge, "channel", "node", "1 while the chain refuses this node's settlement";
    DIVERGENCES = "fairway_channel_divergences", None, Counter, "channel", "node", "Rules that this node saw a member break";
    CATCHING_UP = "fairway_channel_catching_up", None, Gauge, "channel", "node", "1 while the node takes a snapshot";
    TAIL_LOST = "fairway_channel_tail_lost", None, Gauge, "channel", "node", "1 while the node asks what it signed before it lost its last writes";
    LACKS_QUORUM = "fairway_channel_lacks_quorum", None, Gauge, "channel", "node", "1 while too few members are heard to certify anything";
    STORAGE_FAILING = "fairway_channel_storage_failing", None, Gauge, "channel", "node", "1 while the disk takes no writes and the channel signs nothing";
    REFUSED = "fairway_calls_refused", None, Counter, "error", "node", "Calls answered with an error, by its name in docs/errors.md; those that failed in execution too";
    CHAIN_REACHED = "fairway_chain_reached", None, Gauge, "", "node", "1 while the settlement chain is reached";
    PEERS = "fairway_peers_connected", None, Gauge, "", "node", "Members' nodes that are connected";
    SENT = "fairway_peers_sent", BYTES, Counter, "", "node", "Written to streams to other nodes, before encryption";
    RECEIVED = "fairway_peers_received", BYTES, Counter, "", "node", "Read from streams of other nodes, after decryption";
    LEDGER_HEIGHT = "fairway_ledger_height", None, Gauge, "", "ledger", "Height of the chain";
    LEDGER_TIME = "fairway_ledger_block_timestamp", SECONDS, Gauge, "", "ledger", "Time of the last block, since 1970";
    LEDGER_TRANSACTIONS = "fairway_ledger_transactions", None, Counter, "outcome", "ledger", "Transactions in blocks since the start: `executed` or `failed`";
    LEDGER_EVENTS = "fairway_ledger_events", None, Counter, "", "ledger", "Events on the chain since its first block";
    LEDGER_STORAGE_FAILING = "fairway_ledger_storage_failing", None, Gauge, "", "ledger", "1 while the disk takes no writes and the chain stands still";
    DENIED = "fairway_api_denied", None, Counter, "reason", "node, ledger", "Requests to the API port that were not let in: `host`, `origin`, `token`, `rate`";
    STORE_WRITE = "fairway_store_write", SECONDS, Histogram, "synced", "node, ledger", "One batch written to the store; with `synced=\"true\"` it is on the disk then";
    STORE_SYNC = "fairway_store_sync", SECONDS, Histogram, "", "node, ledger", "Syncs of batches that nobody had waited for";
    STORE_FAILURES = "fairway_store_failures", None, Counter, "", "node, ledger", "Writes and syncs that failed";
    BUILD = "fairway_build", None, Gauge, "version", "node, ledger", "1, with the program's version";
    MEMORY = "process_resident_memory", BYTES, Gauge, "", "node, ledger", "Memory of the process";
    MEMORY_MOST = "process_resident_memory_peak", BYTES, Gauge, "", "node, ledger", "The most that it was";
    FILES = "process_open_fds", None, Gauge, "", "node, ledger", "Files and sockets that the process has open";
    STARTED = "process_start_time", SECONDS, Gauge, "", "node, ledger", "When the process started, since 1970";
}

impl Metric {
    /// The name that a query uses; a histogram's with `_bucket`, `_sum` or `_count` behind it.
    #[must_use]
    pub fn full_name(&self) -> String {
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        let total = if self.kind == Counter { "_total" } else { "" };
        format!("{}{unit}{total}", self.name)
    }

    /// Whether a `node` or a `ledger` has it.
    #[must_use]
    pub fn is_of(&self, process: &str) -> bool {
        self.of.split(", ").any(|of| of == process)
    }

    const fn kind(&self) -> &'static str {
        match self.kind {
            Counter => "counter",
            Gauge => "gauge",
            Histogram => "histogram",
        }
    }
}

/// All metrics as a table in Markdown: what docs/metrics.md shows.
#[must_use]
pub fn table() -> String {
    let mut text = String::from("| metric | type | labels | of | what |\n|---|---|---|---|---|\n");
    for metric in METRICS {
        let labels: Vec<String> = metric
            .labels
            .split(", ")
            .filter(|label| !label.is_empty())
            .map(|label| format!("`{label}`"))
            .collect();
        let (name, kind) = (metric.full_name(), metric.kind());
        let (labels, of, what) = (labels.join(", "), metric.of, metric.what);
        text += &format!("| `{name}` | {kind} | {labels} | {of} | {what} |\n");
    }
    text
}

/// One metric's place in what is encoded.
pub(super) struct Family<'a>(MetricEncoder<'a>);

/// Begins a metric.
pub(super) fn family(
    encoder: &mut DescriptorEncoder<'_>,
    metric: &Metric,
    write: impl FnOnce(&mut Family<'_>) -> fmt::Result,
) -> fmt::Result {
    let unit = metric.unit.map(|unit| Unit::Other(unit.to_owned()));
    let kind = match metric.kind {
        Counter => MetricType::Counter,
        Gauge => MetricType::Gauge,
        Histogram => MetricType::Histogram,
    };
    let encoder = encoder.encode_descriptor(metric.name, metric.what, unit.as_ref(), kind)?;
    write(&mut Family(encoder))
}

impl Family<'_> {
    pub(super) fn gauge(&mut self, labels: &impl EncodeLabelSet, value: u64) -> fmt::Result {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.0.encode_family(labels)?.encode_gauge(&value)
    }

    pub(super) fn counter(&mut self, labels: &impl EncodeLabelSet, value: u64) -> fmt::Result {
        self.0.encode_family(labels)?.encode_counter::<NoLabelSet, u64, f64>(&value, None)
    }

    pub(super) fn latency(&mut self, labels: &impl EncodeLabelSet, value: &Latency) -> fmt::Result {
        let read = value.read();
        self.0.encode_family(labels)?.encode_histogram::<NoLabelSet>(
            read.sum,
            read.count,
            &read.buckets,
            None,
        )
    }
}

pub(super) const NONE: [(&str, &str); 0] = [];

/// A metric with one value and no labels.
pub(super) fn one(encoder: &mut DescriptorEncoder<'_>, metric: &Metric, value: u64) -> fmt::Result {
    family(encoder, metric, |family| match metric.kind {
        Counter => family.0.encode_counter::<NoLabelSet, u64, f64>(&value, None),
        Gauge | Histogram => family.0.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX)),
    })
}

/// What node and ledger have in common.
pub(super) fn common(
    encoder: &mut DescriptorEncoder<'_>,
    store: &Meter,
    denials: &fairway_ledger::rpc::Denials,
) -> fmt::Result {
    use std::sync::atomic::Ordering::Relaxed;
    family(encoder, &STORE_WRITE, |family| {
        family.latency(&[("synced", "true")], &store.synced)?;
        family.latency(&[("synced", "false")], &store.unsynced)
    })?;
    family(encoder, &STORE_SYNC, |family| family.latency(&NONE, &store.syncs))?;
    one(encoder, &STORE_FAILURES, store.failures.load(Relaxed))?;
    family(encoder, &DENIED, |family| {
        let counts = [
            ("host", &denials.hosts),
            ("origin", &denials.origins),
            ("token", &denials.tokens),
            ("rate", &denials.rate),
        ];
        counts
            .iter()
            .try_for_each(|(why, count)| family.counter(&[("reason", *why)], count.load(Relaxed)))
    })
}

/// The process, as the system sees it. Where the system does not say, there are no values.
#[derive(Debug)]
pub(super) struct ProcessMetrics {
    /// Seconds since 1970.
    started: u64,
}

impl ProcessMetrics {
    pub(super) fn new() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { started: now.as_secs() }
    }
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
        };
        let files = fs::read_dir("/proc/self/fd").map(|entries| entries.count() as u64);
        let known = [
            (&MEMORY, bytes("VmRSS:")),
            (&MEMORY_MOST, bytes("VmHWM:")),
            (&FILES, files.ok()),
            (&STARTED, Some(self.started)),
        ];
        for (metric, value) in known {
            family(encoder, metric, |family| {
                value.map_or(Ok(()), |value| family.gauge(&NONE, value))
            })?;
        }
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        family(encoder, &BUILD, |family| family.gauge(&version, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_shows_the_table_of_metrics() {
        let document = include_str!("../../../docs/metrics.md");
        let table = table();
        assert!(document.contains(&table), "docs/metrics.md must hold:\n{table}");
    }

    /// A dashboard that asks for what is not there shows nothing, and nobody notices.
    #[test]
    fn dashboard_asks_for_metrics_that_are_there() {
        let text = include_str!("../../../ops/grafana/fairway.json");
        let dashboard: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let panels = dashboard["panels"].as_array().cloned().unwrap_or_default();
        let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
        let queries: Vec<&str> = targets.filter_map(|target| target["expr"].as_str()).collect();
        assert!(queries.len() > 10, "{queries:?}");
        let known: Vec<String> = METRICS
            .iter()
            .flat_map(|metric| {
                let name = metric.full_name();
                match metric.kind {
                    Histogram => {
                        ["bucket", "sum", "count"].map(|end| format!("{name}_{end}")).to_vec()
                    }
                    Counter | Gauge => vec![name],
                }
            })
            .collect();
        for query in queries {
            let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let asked =
                words.filter(|word| word.starts_with("fairway_") || word.starts_with("process_"));
            let asked: Vec<&str> = asked.collect();
            assert!(!asked.is_empty(), "{query} asks for nothing");
            for name in asked {
                assert!(known.iter().any(|known| known == name), "{query}: {name} is no metric");
            }
        }
    }
}
