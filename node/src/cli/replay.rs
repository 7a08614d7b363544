//! `fairway channel replay`: executes again what a node stored, without a node or a ledger.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Context, ensure};
use clap::Args;
use fairway::{
    entries,
    replay::{Difference, EntryDifference, Parted, Replay as Run, Roots, What},
    store::{ChannelStore, Store, StoredChannel},
};
use fairway_proto::channel::output::Appended;
use fairway_sandbox::{FunctionGas, GasTable, GasTrace, LoadedPackage, MoveSandbox};
use fairway_sdk::{ChannelId, Height};
use fairway_types::{Effects, Refusal};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Shared, compiler,
    evidence::{describe, status, transaction_json},
    output::{self, Output},
};

/// What came out differs from what is stored.
const DIFFERS: u8 = 1;
/// It could not be executed again.
const FAILED: u8 = 2;
/// Where a node's folder, and a backup of one, has its data.
const DATA: &str = "data";

#[derive(Args)]
pub(crate) struct Replay {
    /// The folder of a node that is stopped, or a backup of one. It is not changed.
    folder: PathBuf,
    channel: ChannelId,
    /// The first block; the oldest whose state before it is kept if not given.
    #[arg(long)]
    from: Option<Height>,
    /// The last block; the newest if not given.
    #[arg(long)]
    to: Option<Height>,
    /// Print which functions used each transaction's gas.
    #[arg(long)]
    trace: bool,
}

impl Replay {
    pub(crate) fn run(&self, shared: &Shared) -> ExitCode {
        match self.replay(shared) {
            Ok(code) => code,
            // What was not executed is neither the same nor different.
            Err(error) => {
                output::report(&error, shared.json);
                ExitCode::from(FAILED)
            }
        }
    }

    fn replay(&self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let opened = Opened::new(&self.folder, self.channel)?;
        let (mut run, from, to) = opened.begin(self.from, self.to)?;
        let (started, mut transactions) = (Instant::now(), 0);
        for height in (from.0..=to.0).map(Height) {
            let block = opened.store.block(height)?;
            let block = block.with_context(|| format!("block {height} is not in the folder"))?;
            match run.step(&block, self.trace) {
                Ok(traces) => show_traces(shared.output(), &block, &traces),
                Err(difference) => {
                    show_difference(shared.output(), &opened.sandbox, &difference);
                    return Ok(ExitCode::from(DIFFERS));
                }
            }
            transactions += block.block.transactions.len();
        }
        let seconds = started.elapsed().as_secs_f64();
        self.show_speed(shared.output(), (from, to), transactions, seconds);
        Ok(ExitCode::SUCCESS)
    }

    fn show_speed(
        &self,
        output: Output,
        (from, to): (Height, Height),
        transactions: usize,
        seconds: f64,
    ) {
        let blocks = (to.0 + 1).saturating_sub(from.0);
        let count = u32::try_from(transactions).map_or(f64::MAX, f64::from);
        let rate = count / seconds.max(f64::EPSILON);
        let value = json!({
            "channel": self.channel, "from": from, "to": to, "same": true, "blocks": blocks,
            "transactions": transactions, "seconds": seconds, "transactions_per_second": rate,
        });
        output.show(&value, || {
            format!(
                "blocks {from} to {to} of channel {} do what is stored and signed: {blocks} blocks, \
                 {transactions} transactions in {seconds:.3} s, {rate:.0} transactions a second",
                self.channel
            )
        });
    }
}

/// A copy of what a node stored, and the channel's package in a VM.
struct Opened {
    store: ChannelStore,
    sandbox: MoveSandbox,
    _copy: TempDir,
}

impl Opened {
    fn new(folder: &std::path::Path, channel: ChannelId) -> anyhow::Result<Self> {
        let data = folder.join(DATA);
        ensure!(data.is_dir(), "{} is no folder of a node: it has no {DATA}", folder.display());
        let copy = tempfile::tempdir().context("a folder for a copy of the data")?;
        fairway_store::copy_closed(&data, copy.path())?;
        let store = Store::open(copy.path())?;
        let known = store.channels()?;
        let found = known.iter().find(|stored| stored.channel == channel);
        let stored = found.with_context(|| {
            let known: Vec<String> =
                known.iter().map(|stored| stored.channel.to_string()).collect();
            format!("{} has no channel {channel}, but {}", folder.display(), known.join(", "))
        })?;
        let sandbox = sandbox(&store, stored)?;
        Ok(Self { store: store.channel(channel), sandbox, _copy: copy })
    }

    /// The replay as it stands before the first block, the first and the last block.
    fn begin(
        &self,
        from: Option<Height>,
        to: Option<Height>,
    ) -> anyhow::Result<(Run<'_>, Height, Height)> {
        let (oldest, head) = (self.store.oldest()?, self.store.head()?);
        let (from, to) = (from.unwrap_or(oldest.next()).max(Height(1)), to.unwrap_or(head));
        let range = format!("the folder has blocks {} to {head}", oldest.next());
        ensure!(from > oldest, Refusal::Pruned { what: format!("block {from}"), above: oldest });
        ensure!(from <= to && to <= head, "no blocks {from} to {to}: {range}");
        let record = self.store.genesis_record()?;
        let record = record.context("the log has no genesis: nothing happened in the channel")?;
        if from == Height(1) {
            return Ok((Run::genesis(&self.sandbox, &record), from, to));
        }
        let point = self.store.point(from.previous(), None)?;
        Ok((Run::new(&self.sandbox, record.facts(), point), from, to))
    }
}

/// The package as nodes run it: compiled in a child process, at the prices of the channel's table.
fn sandbox(store: &Store, stored: &StoredChannel) -> anyhow::Result<MoveSandbox> {
    let source = store.package(&stored.package)?;
    let source = source.with_context(|| format!("package {} is missing", stored.package))?;
    let package = LoadedPackage::new(&compiler()?.compile(&source)?)?;
    Ok(MoveSandbox::of(Arc::new(package), GasTable::find(stored.gas_table)?))
}

fn show_traces(output: Output, block: &Appended, traces: &[GasTrace]) {
    let height = block.block.height();
    for (place, trace) in traces.iter().enumerate() {
        let what = describe(&block.block.transactions[place]);
        let mut functions: Vec<(&String, &FunctionGas)> = trace.functions.iter().collect();
        functions.sort_by_key(|(_, gas)| std::cmp::Reverse(gas.own));
        let rows = functions.iter().map(|(function, gas)| {
            json!({
                "function": function, "entries": gas.entries, "own": gas.own, "total": gas.total,
            })
        });
        let value = json!({
            "height": height, "place": place, "transaction": what, "gas_used": trace.gas_used(),
            "functions": rows.collect::<Vec<_>>(), "storage": trace.storage,
        });
        let title =
            format!("block {height}, transaction {place}: {what}, {} gas", trace.gas_used().0);
        output.show(&value, || table(title, &functions, trace));
    }
}

/// A line for each function, the most expensive first.
fn table(title: String, functions: &[(&String, &FunctionGas)], trace: &GasTrace) -> String {
    let width = functions.iter().map(|(name, _)| name.len()).max().unwrap_or_default().max(8);
    let mut lines = vec![title];
    lines.push(format!("  {:width$} {:>9} {:>11} {:>11}", "function", "entries", "own", "total"));
    lines.extend(functions.iter().map(|(name, gas)| {
        format!("  {name:width$} {:>9} {:>11} {:>11}", gas.entries, gas.own.0, gas.total.0)
    }));
    if trace.storage.0 > 0 {
        lines.push(format!("  {:width$} {:>9} {:>11}", "storage", "", trace.storage.0));
    }
    lines.join("\n")
}

fn show_difference(output: Output, sandbox: &MoveSandbox, difference: &Difference) {
    let value = json!({ "same": false, "difference": as_json(sandbox, difference) });
    output.show(&value, || as_text(sandbox, difference));
}

fn as_json(sandbox: &MoveSandbox, difference: &Difference) -> Value {
    let roots = |roots: &Roots| json!({ "effects_root": roots.effects, "state_root": roots.state });
    let mut value = json!({
        "height": difference.height,
        "what": name(&difference.what),
        "signed": roots(&difference.signed),
        "stored": roots(&difference.stored),
        "executed": difference.executed.as_ref().map(roots),
    });
    match &difference.what {
        What::Parent(expected) => value["parent"] = json!(expected),
        What::Effects(parted) => {
            value["place"] = json!(parted.place);
            let effects = |effects: &Effects| transaction_json((&parted.transaction, effects));
            value["transaction"] = json!(describe(&parted.transaction));
            value["stored"]["effects"] = json!(parted.stored.as_ref().map(effects));
            value["executed"] = match &parted.executed {
                Ok(executed) => json!({ "effects": effects(executed) }),
                Err(refusal) => json!({ "refused": refusal.data() }),
            };
            let entries = parted.entries.iter().map(|entry| entry_json(sandbox, entry));
            value["entries"] = json!(entries.collect::<Vec<_>>());
        }
        What::Transactions | What::Roots => {}
    }
    value
}

fn name(what: &What) -> &'static str {
    match what {
        What::Parent(_) => "parent",
        What::Transactions => "transactions",
        What::Effects(_) => "effects",
        What::Roots => "roots",
    }
}

fn entry_json(sandbox: &MoveSandbox, entry: &EntryDifference) -> Value {
    let shown = |bytes: &Option<Vec<u8>>| {
        bytes.as_ref().map(|bytes| entries::value(sandbox, &entry.key, bytes))
    };
    json!({
        "key": entries::name(&entry.key),
        "entry": entry.key,
        "before": shown(&entry.before),
        "stored": shown(&entry.stored),
        "executed": shown(&entry.executed),
    })
}

fn as_text(sandbox: &MoveSandbox, difference: &Difference) -> String {
    let Difference { height, what, signed, stored, executed } = difference;
    let mut lines = Vec::new();
    match what {
        What::Parent(expected) => lines.push(format!(
            "block {height} does not follow block {}, {expected}",
            height.previous()
        )),
        What::Transactions => {
            lines.push(format!("block {height}: its transactions are not those that were signed"));
        }
        What::Roots => lines.push(format!(
            "block {height}: what it does is not what its leader signed, nor stored"
        )),
        What::Effects(parted) => lines.extend(parted_lines(sandbox, *height, parted)),
    }
    let roots = |name: &str, roots: &Roots| {
        format!("{name:9} effects {}, state {}", roots.effects, roots.state)
    };
    lines.push(roots("signed", signed));
    lines.push(roots("stored", stored));
    lines.extend(executed.as_ref().map(|executed| roots("executed", executed)));
    lines.join("\n")
}

fn parted_lines(sandbox: &MoveSandbox, height: Height, parted: &Parted) -> Vec<String> {
    let shown = |effects: &Effects| {
        format!(
            "{}, {} gas, {} writes, {} events",
            status(&effects.status),
            effects.gas_used.0,
            effects.writes.len(),
            effects.events.len()
        )
    };
    let Parted { place, transaction, stored, executed, entries } = parted;
    let mut lines = vec![
        format!("block {height}, transaction {place} differs: {}", describe(transaction)),
        format!("stored    {}", stored.as_ref().map_or("nothing".into(), shown)),
        format!(
            "executed  {}",
            executed.as_ref().map_or_else(|why| format!("refused: {why}"), shown)
        ),
    ];
    for entry in entries {
        let value = entry_json(sandbox, entry);
        lines.push(format!("  {}", value["entry"]));
        for word in ["before", "stored", "executed"] {
            lines.push(format!("    {word:9} {}", value[word]));
        }
    }
    lines
}
