//! `fairway move build|test|abi`.
#![allow(clippy::print_stdout, reason = "what a command answers goes to standard output")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use fairway_sandbox::{Package, compile, read_package, testing};
use serde_json::json;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Compile a package, check that a channel would admit it, print its hash.
    Build {
        /// The package's folder, with Move.toml and sources/.
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
    /// Run a package's unit tests.
    Test {
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Only tests whose `module::name` contains this.
        #[arg(long, default_value = "")]
        filter: String,
    },
    /// Print a package's ABI as JSON: functions, structs, aborts, with their documentation.
    Abi {
        #[arg(default_value = ".")]
        folder: PathBuf,
    },
}

impl Command {
    pub(crate) fn run(self, json: bool) -> anyhow::Result<ExitCode> {
        match self {
            Self::Build { folder } => build(&folder, json),
            Self::Test { folder, filter } => test(&folder, &filter, json),
            Self::Abi { folder } => abi(&folder),
        }
    }
}

fn package(folder: &Path) -> anyhow::Result<Package> {
    Ok(compile(&read_package(folder)?)?)
}

fn build(folder: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let package = package(folder)?;
    let modules: Vec<_> = package
        .modules
        .iter()
        .map(|module| json!({ "name": module.name, "bytes": module.bytecode.len() }))
        .collect();
    if json {
        println!("{}", json!({ "package": package.hash, "modules": modules }));
    } else {
        for module in &package.modules {
            println!("{:>8} bytes  {}", module.bytecode.len(), module.name);
        }
        println!("package {}", package.hash);
    }
    Ok(ExitCode::SUCCESS)
}

fn test(folder: &Path, filter: &str, json: bool) -> anyhow::Result<ExitCode> {
    let report = testing::run(folder, filter)?;
    if json {
        let failed: Vec<_> = report
            .failed
            .iter()
            .map(|failure| json!({ "test": failure.test, "reason": failure.reason }))
            .collect();
        println!("{}", json!({ "passed": report.passed, "failed": failed }));
    } else {
        for test in &report.passed {
            println!("ok      {test}");
        }
        for failure in &report.failed {
            println!("FAILED  {}: {}", failure.test, failure.reason);
        }
        println!("{} passed, {} failed", report.passed.len(), report.failed.len());
    }
    Ok(if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn abi(folder: &Path) -> anyhow::Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(&package(folder)?.abi)?);
    Ok(ExitCode::SUCCESS)
}
