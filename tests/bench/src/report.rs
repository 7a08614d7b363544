//! Rows with their limits, as a table and as JSON (DESIGN section 12).

use std::{collections::BTreeMap, fs, process::Command};

use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    /// What plots are drawn from: the points of each curve.
    series: BTreeMap<&'static str, Vec<Value>>,
    /// Rows that could not be run, and why.
    absent: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// What the machine allowed in this run, where there is such a thing.
    pub(crate) limit: Option<f64>,
    /// `value / limit`.
    pub(crate) ratio: Option<f64>,
    pub(crate) setup: String,
}

impl Report {
    pub(crate) fn add(
        &mut self,
        id: impl Into<String>,
        value: f64,
        unit: &'static str,
        limit: Option<f64>,
        setup: impl Into<String>,
    ) {
        let ratio = limit.filter(|limit| *limit > 0.0).map(|limit| value / limit);
        self.rows.push(Row { id: id.into(), value, unit, limit, ratio, setup: setup.into() });
    }

    pub(crate) fn series(&mut self, name: &'static str, points: Vec<Value>) {
        self.series.insert(name, points);
    }

    /// A row that can't be run here.
    pub(crate) fn absent(&mut self, id: &'static str, reason: impl Into<String>) {
        self.absent.insert(id, reason.into());
    }

    /// Everything a script may want of the run.
    pub(crate) fn results(&self) -> Value {
        let commit = output("git", &["rev-parse", "HEAD"]);
        let time = output("date", &["-u", "+%FT%TZ"]);
        json!({
            "machine": machine(), "commit": commit, "time": time, "rows": self.rows,
            "series": self.series, "absent": self.absent,
        })
    }

    /// The rows as a table for people.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| row | value | unit | limit in this run | ratio | setup |\n\
             |---|---:|---|---:|---:|---|\n",
        );
        let shown = |value: Option<f64>| value.map(number).unwrap_or_default();
        for row in &self.rows {
            let (value, limit, ratio) = (number(row.value), shown(row.limit), shown(row.ratio));
            let Row { id, unit, setup, .. } = row;
            table += &format!("| `{id}` | {value} | {unit} | {limit} | {ratio} | {setup} |\n");
        }
        for (id, reason) in &self.absent {
            table += &format!("\n`{id}` was not run: {reason}\n");
        }
        table
    }
}

fn number(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

fn machine() -> Value {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    json!({
        "cpu": model.trim_start_matches([' ', '\t', ':']),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": output("uname", &["-r"]),
    })
}

fn output(program: &str, args: &[&str]) -> String {
    let ran = Command::new(program).args(args).output();
    ran.map(|ran| String::from_utf8_lossy(&ran.stdout).trim().to_owned()).unwrap_or_default()
}
