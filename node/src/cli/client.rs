//! `fairway client generate`: a typed client of a Move package.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use fairway_codegen::{Language, client};
use fairway_sandbox::read_package;
use fairway_sdk::ChannelId;
use fairway_types::abi::PackageAbi;
use serde_json::json;

use super::{Shared, compiler, print};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a client from a package's ABI: a method for each entry function and view, types for its
    /// resources and events, names for its aborts.
    Generate {
        #[arg(long, value_enum)]
        lang: Lang,
        /// The package's folder, with Move.toml and sources/.
        #[arg(required_unless_present = "channel", conflicts_with = "channel")]
        package: Option<PathBuf>,
        /// The package of a channel that the node runs.
        #[arg(long)]
        channel: Option<ChannelId>,
        /// The file; standard output if not given.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

/// [`Language`] on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Lang {
    Ts,
    Rust,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Ts => Self::TypeScript,
            Lang::Rust => Self::Rust,
        }
    }
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let Self::Generate { lang, package, channel, out } = self;
        let abi = match (package, channel) {
            (Some(folder), _) => abi_of(&folder)?,
            (None, Some(channel)) => shared.client().await?.channel(channel).await?.abi().clone(),
            (None, None) => bail!("name a package's folder, or a channel with --channel"),
        };
        let text = client(&abi, lang.into())?;
        match out {
            Some(path) => {
                let changed = write_if_changed(&path, &text)?;
                let value = json!({ "file": path, "package": abi.package, "changed": changed });
                let done = if changed { "wrote" } else { "unchanged:" };
                shared.output().show(&value, || format!("{done} {}", path.display()));
            }
            None if shared.json => {
                print(&json!({ "text": text, "package": abi.package }).to_string())
            }
            None => print(text.trim_end()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn abi_of(folder: &Path) -> anyhow::Result<PackageAbi> {
    Ok(compiler()?.compile(&read_package(folder)?)?.abi)
}

/// The language that a client's file name asks for.
pub(crate) fn language_of(path: &Path) -> anyhow::Result<Language> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("ts") => Ok(Language::TypeScript),
        Some("rs") => Ok(Language::Rust),
        _ => bail!("{}: the name of a client's file ends with .ts or .rs", path.display()),
    }
}

/// Puts `text` in the place of what the file holds, whole; whether that was something else.
pub(crate) fn write_if_changed(path: &Path, text: &str) -> anyhow::Result<bool> {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(false);
    }
    let failed = || format!("writing {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(failed)?;
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(true)
}
