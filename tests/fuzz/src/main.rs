//! `fairway-fuzz`: writes the corpus' valid seeds, runs one input, and is the compiler's child.

use std::{fs, process::ExitCode};

use anyhow::{Context, bail};
use fairway_fuzz::{TARGETS, corpus, seeds, target};

fn main() -> anyhow::Result<ExitCode> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["compile"] => return Ok(fairway_sandbox::compiler::child_main()),
        ["list"] => list(),
        ["seeds"] => {
            for (name, seeds) in seeds::all() {
                corpus::write(name, &seeds).with_context(|| format!("writing {name}"))?;
            }
        }
        ["run", name, files @ ..] => run(name, files)?,
        _ => bail!("usage: fairway-fuzz list | seeds | run TARGET FILE..."),
    }
    Ok(ExitCode::SUCCESS)
}

#[allow(clippy::print_stdout, reason = "a command")]
fn list() {
    for target in TARGETS {
        println!("{:14} {:5} {}", target.name, target.most_bytes, target.reads);
    }
}

#[allow(clippy::print_stdout, reason = "a command")]
fn run(name: &str, files: &[&str]) -> anyhow::Result<()> {
    let target = target(name).with_context(|| format!("no target {name}: see `list`"))?;
    for file in files {
        let bytes = fs::read(file).with_context(|| format!("reading {file}"))?;
        println!("{file}: {:?}", target.run(&bytes));
    }
    Ok(())
}
