//! `fairway move new|build|test|abi`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::bail;
use clap::Subcommand;
use fairway_sandbox::{
    Home, Package, compiler::BoundedCompiler, read_package, read_package_of, testing,
};
use serde_json::json;

use super::{
    new::{BLANK, MANIFEST, check_name},
    print,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a new package: a counter with a test, to start from.
    New {
        /// Its name: lower-case letters, digits and `_`. Also the folder's name.
        name: String,
    },
    /// Compile a package, check that a channel would admit it, print its hash.
    Build {
        /// The package's folder, with Move.toml and sources/.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The package is meant for the ledger: it may use the settlement contracts.
        #[arg(long)]
        for_ledger: bool,
    },
    /// Run a package's unit tests.
    Test {
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Only tests whose `module::name` contains this.
        #[arg(long, default_value = "")]
        filter: String,
        /// The package is meant for the ledger: it may use the settlement contracts.
        #[arg(long)]
        for_ledger: bool,
    },
    /// Print a package's ABI as JSON: functions, structs, aborts, with their documentation.
    Abi {
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The package is meant for the ledger: it may use the settlement contracts.
        #[arg(long)]
        for_ledger: bool,
    },
}

impl Command {
    pub(crate) fn run(self, json: bool) -> anyhow::Result<ExitCode> {
        match self {
            Self::New { name } => new(&name, json),
            Self::Build { folder, for_ledger } => build(&folder, for_ledger, json),
            Self::Test { folder, filter, for_ledger } => test(&folder, &filter, for_ledger, json),
            Self::Abi { folder, for_ledger } => abi(&folder, for_ledger),
        }
    }
}

fn new(name: &str, json: bool) -> anyhow::Result<ExitCode> {
    check_name(name)?;
    let folder = PathBuf::from(name);
    anyhow::ensure!(!folder.exists(), "{} exists already", folder.display());
    fs::create_dir_all(folder.join("sources"))?;
    fs::write(folder.join("Move.toml"), MANIFEST.replace("NAME", name))?;
    fs::write(folder.join(format!("sources/{name}.move")), BLANK.replace("NAME", name))?;
    if json {
        print(&json!({ "folder": folder }).to_string());
    } else {
        print(&format!("made {0}; next: fairway move test {0}", folder.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn package(folder: &Path, for_ledger: bool) -> anyhow::Result<Package> {
    let compiler =
        BoundedCompiler::new(std::env::current_exe()?, vec!["sandbox-compile".to_owned()]);
    if for_ledger {
        let publisher = testing::PUBLISHER;
        let source = read_package_of(folder, publisher)?;
        return Ok(compiler.compile_for(&source, Home::Ledger { publisher })?);
    }
    Ok(compiler.compile(&read_package(folder)?)?)
}

fn build(folder: &Path, for_ledger: bool, json: bool) -> anyhow::Result<ExitCode> {
    let package = package(folder, for_ledger)?;
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

fn test(folder: &Path, filter: &str, for_ledger: bool, json: bool) -> anyhow::Result<ExitCode> {
    let report = if for_ledger {
        testing::run_for_ledger(folder, filter)?
    } else {
        testing::run(folder, filter)?
    };
    if !filter.is_empty() && report.passed.is_empty() && report.failed.is_empty() {
        bail!("no test's module::name contains {filter:?}: without --filter all run");
    }
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

fn abi(folder: &Path, for_ledger: bool) -> anyhow::Result<ExitCode> {
    print(&serde_json::to_string_pretty(&package(folder, for_ledger)?.abi)?);
    Ok(ExitCode::SUCCESS)
}
