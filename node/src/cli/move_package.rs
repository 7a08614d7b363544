//! `fairway move build|test|abi`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use fairway_sandbox::{Package, compiler::BoundedCompiler, read_package, testing};
use serde_json::json;

use super::print;

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
    let compiler =
        BoundedCompiler::new(std::env::current_exe()?, vec!["sandbox-compile".to_owned()]);
    Ok(compiler.compile(&read_package(folder)?)?)
}

fn build(folder: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let package = package(folder)?;
    let modules: Vec<_> = package
        .modules
        .iter()
        .map(|module| json!({ "name": module.name, "bytes": module.bytecode.len() }))
        .collect();
    if json {
        print(&json!({ "package": package.hash, "modules": modules }).to_string());
    } else {
        for module in &package.modules {
            print(&format!("{:>8} bytes  {}", module.bytecode.len(), module.name));
        }
        print(&format!("package {}", package.hash));
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
        print(&json!({ "passed": report.passed, "failed": failed }).to_string());
    } else {
        for test in &report.passed {
            print(&format!("ok      {test}"));
        }
        for failure in &report.failed {
            print(&format!("FAILED  {}: {}", failure.test, failure.reason));
        }
        print(&format!("{} passed, {} failed", report.passed.len(), report.failed.len()));
    }
    Ok(if report.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn abi(folder: &Path) -> anyhow::Result<ExitCode> {
    print(&serde_json::to_string_pretty(&package(folder)?.abi)?);
    Ok(ExitCode::SUCCESS)
}
