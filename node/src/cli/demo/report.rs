//! What the demo found, for people and for scripts.

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

/// What `--report` writes.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    scenes: Vec<Scene>,
    pub(super) balances: Balances,
}

#[derive(Debug, Serialize)]
struct Scene {
    id: &'static str,
    ok: bool,
    seconds: f64,
    figures: Value,
}

/// On-chain balances by account, in the smallest unit.
#[derive(Debug, Default, Serialize)]
pub(super) struct Balances {
    pub(super) before: BTreeMap<String, u64>,
    pub(super) after: BTreeMap<String, u64>,
    pub(super) conserved: bool,
}

pub(super) struct Begun {
    index: usize,
    at: Instant,
}

impl Report {
    pub(super) fn begin(&mut self, id: &'static str) -> Begun {
        self.scenes.push(Scene { id, ok: false, seconds: 0.0, figures: Value::Null });
        Begun { index: self.scenes.len() - 1, at: Instant::now() }
    }

    /// The scene did what it should.
    pub(super) fn end(&mut self, begun: Begun, figures: Value) {
        if let Some(scene) = self.scenes.get_mut(begun.index) {
            scene.ok = true;
            scene.seconds = begun.at.elapsed().as_secs_f64();
            scene.figures = figures;
        }
    }

    pub(super) fn finish<T>(&mut self, played: &anyhow::Result<T>) {
        self.ok = played.is_ok() && self.balances.conserved;
        self.error = played.as_ref().err().map(|error| format!("{error:#}"));
    }

    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::write(path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("writing {}", path.display()))
    }

    pub(super) fn summary(&self, written: Option<&Path>) -> String {
        let mut lines = Vec::new();
        for scene in &self.scenes {
            let mark = if scene.ok { "done" } else { "FAILED" };
            lines.push(format!(
                "{:<7} {mark:<6} {:>6.2} s  {}",
                scene.id, scene.seconds, scene.figures
            ));
        }
        for (account, before) in &self.balances.before {
            let Some(after) = self.balances.after.get(account) else { continue };
            let moved = i128::from(*after) - i128::from(*before);
            lines.push(format!("{account}: {before} -> {after} ({moved:+})"));
        }
        let conserved = match (self.balances.after.is_empty(), self.balances.conserved) {
            (true, _) => "not counted, it ended before",
            (false, true) => "yes",
            (false, false) => "NO",
        };
        lines.push(format!("every unit accounted for: {conserved}"));
        lines.extend(written.map(|path| format!("report: {}", path.display())));
        lines.join("\n")
    }
}
