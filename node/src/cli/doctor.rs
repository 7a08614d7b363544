//! `fairway doctor`: looks at everything that a node needs, and says what to do about what is wrong.

mod checks;

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{Shared, config::Flags};

#[derive(Args)]
pub(crate) struct Doctor {
    /// The node's folder.
    folder: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    Ok,
    /// It works, and somebody should have a look.
    Warn,
    Fail,
    /// It can't be told now.
    Unknown,
}

/// What was found about one thing, and what to do.
#[derive(Debug, Clone, Serialize)]
struct Finding {
    /// A stable word.
    check: &'static str,
    grade: Grade,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cure: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, grade: Grade::Ok, found: found.into(), cure: None }
    }

    fn unknown(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, grade: Grade::Unknown, found: found.into(), cure: None }
    }

    fn of(
        grade: Grade,
        check: &'static str,
        found: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { check, grade, found: found.into(), cure: Some(cure.into()) }
    }
}

impl Doctor {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let findings = checks::all(&self.folder, &self.flags, shared).await;
        let failed = findings.iter().filter(|finding| finding.grade == Grade::Fail).count();
        let value = json!({ "ok": failed == 0, "findings": findings });
        shared.output().show(&value, || findings.iter().map(line).collect::<Vec<_>>().join("\n"));
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn line(finding: &Finding) -> String {
    let grade = match finding.grade {
        Grade::Ok => "ok  ",
        Grade::Warn => "WARN",
        Grade::Fail => "FAIL",
        Grade::Unknown => "?   ",
    };
    let cure =
        finding.cure.as_ref().map(|cure| format!("\n     {:9} do: {cure}", "")).unwrap_or_default();
    format!("{grade} {:9} {}{cure}", finding.check, finding.found)
}
