//! Rows with their limits, as a table and as JSON (DESIGN section 12).

use std::{collections::BTreeMap, fs, path::Path, process::Command};

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

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let commit = output("git", &["rev-parse", "HEAD"]);
        let value = json!({ "machine": machine(), "commit": commit, "rows": self.rows,
            "series": self.series, "absent": self.absent });
        Ok(fs::write(path, serde_json::to_vec_pretty(&value)?)?)
    }

    #[allow(clippy::print_stdout, reason = "the table is this program's answer")]
    pub(crate) fn print(&self) {
        println!("| row | value | unit | limit in this run | ratio | setup |");
        println!("|---|---:|---|---:|---:|---|");
        let shown = |value: Option<f64>| value.map(number).unwrap_or_default();
        for row in &self.rows {
            println!(
                "| `{}` | {} | {} | {} | {} | {} |",
                row.id,
                number(row.value),
                row.unit,
                shown(row.limit),
                shown(row.ratio),
                row.setup
            );
        }
        for (id, reason) in &self.absent {
            println!("\n`{id}` was not run: {reason}");
        }
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
