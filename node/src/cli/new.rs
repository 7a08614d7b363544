//! `fairway new`: an app to start from, with a Move package, its TypeScript client and a test that
//! plays on a local network.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use fairway_codegen::{Language, client};
use fairway_sandbox::read_package;
use heck::{ToLowerCamelCase, ToUpperCamelCase};
use serde_json::{Value, json};

use super::{Shared, compiler};

/// A file of a template: its path in the app and its text, with words to replace in both.
type File = (&'static str, &'static str);

macro_rules! file {
    ($template:literal, $path:literal) => {
        ($path, include_str!(concat!("../../templates/", $template, "/", $path)))
    };
}

const COMMON: [File; 6] = [
    file!("common", "Move.toml"),
    file!("common", "README.md"),
    file!("common", "package.json"),
    file!("common", "tsconfig.json"),
    file!("common", "src/net.ts"),
    (".gitignore", include_str!("../../templates/common/gitignore")),
];

/// The Move source of the smallest app, which `fairway move new` makes too.
pub(crate) const BLANK: &str = include_str!("../../templates/blank/sources/NAME.move");
/// The manifest of an app's package.
pub(crate) const MANIFEST: &str = include_str!("../../templates/common/Move.toml");

/// Names that the Move compiler or its library keeps.
const KEPT: &str = "abort acquires address as bool borrow_global borrow_global_mut break const continue \
    copy else entry exists false friend fun has if invariant let loop module move move_from move_to mut \
    native public return runtime script settlement signer spec std struct true u128 u64 u8 use vault \
    vector while";
const MOST_LENGTH: usize = 64;

#[derive(clap::Args)]
pub(crate) struct New {
    /// Its name and its folder's: lower-case letters, digits and `_`.
    app: String,
    #[arg(long, value_enum, default_value_t = Template::Blank)]
    template: Template,
    /// The TypeScript SDK: its folder, built, or a package that `npm pack` made; without it, that of
    /// the checkout from which this program was built.
    #[arg(long, env = "FAIRWAY_SDK", value_name = "PATH")]
    sdk: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Template {
    /// Nim for two with a stake.
    Game,
    /// Payments between members.
    Payments,
    /// A counter.
    Blank,
}

impl Template {
    fn files(self) -> [File; 2] {
        match self {
            Self::Game => [file!("game", "sources/NAME.move"), file!("game", "test/NAME.test.ts")],
            Self::Payments => {
                [file!("payments", "sources/NAME.move"), file!("payments", "test/NAME.test.ts")]
            }
            Self::Blank => [("sources/NAME.move", BLANK), file!("blank", "test/NAME.test.ts")],
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Game => "Nim for two with a stake, in a Fairway channel.",
            Self::Payments => "Payments between the members of a Fairway channel.",
            Self::Blank => "A counter in a Fairway channel, to start from.",
        }
    }
}

impl New {
    pub(crate) fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        check_name(&self.app)?;
        let folder = PathBuf::from(&self.app);
        ensure!(!folder.exists(), "{} exists already: choose another name", folder.display());
        let sdk = sdk(self.sdk.as_deref())?;
        // Beside its place until it is whole.
        let made = tempfile::Builder::new().prefix(".fairway-new-").tempdir_in(".")?;
        self.write(made.path(), &sdk)?;
        fs::rename(made.keep(), &folder).with_context(|| format!("making {}", folder.display()))?;
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let value = json!({ "folder": folder, "sdk": sdk });
        shared.output().show(&value, || {
            format!(
                "made {0} with the SDK in {1}; next: cd {0} && npm install && npm test",
                folder.display(),
                sdk.display()
            )
        });
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, folder: &Path, sdk: &Path) -> anyhow::Result<()> {
        for (path, text) in COMMON.into_iter().chain(self.template.files()) {
            let path = folder.join(path.replace("NAME", &self.app));
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let text = match path.file_name().and_then(|name| name.to_str()) {
                Some("package.json") => with_sdk(&self.fill(text), sdk)?,
                _ => self.fill(text),
            };
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        let package = compiler()?.compile(&read_package(folder)?)?;
        let path = folder.join(format!("src/{}.ts", self.app));
        Ok(fs::write(path, client(&package.abi, Language::TypeScript)?)?)
    }

    fn fill(&self, text: &str) -> String {
        text.replace("NAME", &self.app)
            .replace("CLASS", &self.app.to_upper_camel_case())
            .replace("VALUE", &self.app.to_lower_camel_case())
            .replace("ABOUT", self.template.about())
    }
}

/// A name of a package, a folder and a Move module.
pub(crate) fn check_name(name: &str) -> anyhow::Result<()> {
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= MOST_LENGTH
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !fits {
        bail!(
            "{name:?} is no package name: a lower-case letter, then lower-case letters, digits and _, \
             at most {MOST_LENGTH} in all"
        );
    }
    if KEPT.split_whitespace().any(|word| word == name) {
        bail!("{name:?} is no package name: Move or its library gives it a meaning");
    }
    Ok(())
}

/// Where npm finds the SDK: a folder that was built, or a packed package.
fn sdk(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/typescript");
    let path = given.unwrap_or(&checkout);
    let missing = || {
        format!(
            "{}: no TypeScript SDK there: name its folder or a packed .tgz with --sdk PATH",
            path.display()
        )
    };
    let path = path.canonicalize().with_context(missing)?;
    if path.is_file() {
        let is_packed = path.extension().is_some_and(|extension| extension == "tgz");
        ensure!(is_packed, "{}: expected a folder or a .tgz that `npm pack` made", path.display());
        return Ok(path);
    }
    let manifest = fs::read_to_string(path.join("package.json")).with_context(missing)?;
    let manifest: Value = serde_json::from_str(&manifest).with_context(missing)?;
    ensure!(manifest["name"] == "@fairway/sdk", missing());
    ensure!(
        path.join("dist/typed.js").is_file(),
        "{0} is not built: run `npm ci && npm run build -w typescript` in {1}",
        path.display(),
        path.parent().unwrap_or(&path).display()
    );
    Ok(path)
}

/// `package.json` with the SDK as a dependency: the path as a JSON string may hold anything.
fn with_sdk(text: &str, sdk: &Path) -> anyhow::Result<String> {
    let mut manifest: Value = serde_json::from_str(text)?;
    let path = sdk.to_str().context("the SDK's path is not UTF-8")?;
    manifest["dependencies"]["@fairway/sdk"] = format!("file:{path}").into();
    Ok(serde_json::to_string_pretty(&manifest)? + "\n")
}
