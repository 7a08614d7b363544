//! From Move source to bytecode and ABI, in this process. The compiler reads files and panics on
//! some inputs: sources are laid out in a temporary folder, a panic comes back as an error.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use fairway_types::{
    Address, Hash, Refusal,
    abi::PackageAbi,
    ledger::{PackageSource, SourceFile},
};
use move_binary_format::CompiledModule;
use move_bytecode_source_map::source_map::SourceMap;
use move_compiler::{
    Compiler, PASS_CFGIR, PASS_COMPILATION,
    compiled_unit::{AnnotatedCompiledUnit, CompiledUnitEnum},
    diagnostics::{Diagnostics, FilesSourceText, report_diagnostics_to_buffer},
    parser::comments::CommentMap,
    shared::{Flags, NumericalAddress, PackagePaths},
    unit_test::{TestPlan, plan_builder::construct_test_plan},
};
use move_symbol_pool::Symbol;
use serde::{Deserialize, Serialize};

use crate::{abi, admission, library};

/// Source bytes of a package.
const SOURCE_BYTES: u64 = 1024 * 1024;
/// Source files of a package.
const SOURCE_FILES: u64 = 256;

/// Named addresses that no package may give another meaning.
const LIBRARY: [&str; 3] = ["std", "runtime", "settlement"];

/// Where a package runs: what it may use, and where its modules lie, follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Home {
    /// In a channel, with the standard library and the runtime.
    Channel,
    /// On the ledger, at its publisher's address, with the settlement contracts too.
    Ledger { publisher: Address },
}

/// A package that was compiled from its sources and admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    pub hash: Hash,
    pub modules: Vec<Module>,
    pub abi: PackageAbi,
}

/// Verified bytecode of one module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    pub address: Address,
    pub name: String,
    pub bytecode: Vec<u8>,
}

/// Why a package can't be read or built.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BuildError {
    #[error("{path}: {reason}")]
    File { path: PathBuf, reason: String },
    #[error("Move.toml: {reason}")]
    Manifest { reason: String },
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<BuildError> for Refusal {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Refused(refusal) => refusal,
            BuildError::File { .. } | BuildError::Manifest { .. } => {
                Self::Internal { reason: error.to_string() }
            }
        }
    }
}

/// A compiled module with what the ABI needs.
pub(crate) struct Unit {
    pub(crate) module: CompiledModule,
    pub(crate) map: SourceMap,
    pub(crate) comments: BTreeMap<u32, String>,
    pub(crate) source: String,
}

impl Unit {
    /// Whether it is ours: by its text, for an author may write any address.
    fn is_contract(&self) -> bool {
        library::SETTLEMENT.iter().any(|(_, text)| *text == self.source)
    }

    pub(crate) fn serialize(&self) -> Result<Module, BuildError> {
        let mut bytecode = Vec::new();
        self.module.serialize(&mut bytecode).map_err(|error| refused(error.to_string()))?;
        let id = self.module.self_id();
        Ok(Module {
            address: Address(id.address().into_bytes()),
            name: id.name().to_string(),
            bytecode,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    package: ManifestPackage,
    #[serde(default)]
    addresses: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestPackage {
    name: String,
    #[serde(default)]
    #[allow(dead_code, reason = "allowed in the file, without a meaning here")]
    version: Option<String>,
}

/// Reads a package folder: `Move.toml` and `sources/**/*.move`.
pub fn read_package(folder: &Path) -> Result<PackageSource, BuildError> {
    read_with(folder, |name| {
        let reason =
            format!("address {name} = \"_\": only a package that is published has a publisher");
        Err(BuildError::Manifest { reason })
    })
}

/// As [`read_package`]; an address written `"_"` is the publisher's.
pub fn read_package_of(folder: &Path, publisher: Address) -> Result<PackageSource, BuildError> {
    read_with(folder, |_| Ok(publisher))
}

fn read_with(
    folder: &Path,
    open: impl Fn(&str) -> Result<Address, BuildError>,
) -> Result<PackageSource, BuildError> {
    let path = folder.join("Move.toml");
    if !path.exists() {
        let reason =
            "no such file: expected the folder of a package, with Move.toml and sources/".into();
        return Err(BuildError::File { path, reason });
    }
    let text = read(&path)?;
    let manifest: Manifest = toml::from_str(&text)
        .map_err(|error| BuildError::Manifest { reason: error.to_string() })?;
    let addresses = manifest
        .addresses
        .into_iter()
        .map(|(name, literal)| {
            let address = match literal.as_str() {
                "_" => open(&name)?,
                _ => Address::from_literal(&literal).map_err(|error| BuildError::Manifest {
                    reason: format!("address {name} = {literal:?}: {error}"),
                })?,
            };
            Ok((name, address))
        })
        .collect::<Result<_, BuildError>>()?;
    let sources = folder.join("sources");
    let mut files = Vec::new();
    collect(&sources, &sources, &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(PackageSource { name: manifest.package.name, addresses, files })
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<(), BuildError> {
    let failed = |error: std::io::Error| BuildError::File {
        path: folder.to_owned(),
        reason: error.to_string(),
    };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "move") {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> =
                relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            files.push(SourceFile { path: parts.join("/"), text: read(&path)? });
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, BuildError> {
    fs::read_to_string(path)
        .map_err(|error| BuildError::File { path: path.to_owned(), reason: error.to_string() })
}

/// Compiles and admits a channel's package.
pub fn compile(source: &PackageSource) -> Result<Package, BuildError> {
    check_source(source)?;
    let units = compile_units(source)?;
    let compiled: Vec<&CompiledModule> = units.iter().map(|unit| &unit.module).collect();
    admission::check(&compiled, source)?;
    let modules = units.iter().map(Unit::serialize).collect::<Result<_, _>>()?;
    let abi = abi::package(source, &units, library::units()?);
    Ok(Package { hash: source.hash(), modules, abi })
}

/// Compiles and admits a package for where it runs. The ABI of one for the ledger names its own
/// modules alone: the ledger knows the others.
pub fn compile_for(source: &PackageSource, home: Home) -> Result<Package, BuildError> {
    let Home::Ledger { publisher } = home else { return compile(source) };
    check_source(source)?;
    let (contracts, units): (Vec<Unit>, Vec<Unit>) =
        compile_with_contracts(source)?.into_iter().partition(Unit::is_contract);
    let compiled = |units: &'_ [Unit]| -> Vec<CompiledModule> {
        units.iter().map(|unit| unit.module.clone()).collect()
    };
    admission::check_published(&compiled(&units), &compiled(&contracts), publisher)?;
    let modules = units.iter().map(Unit::serialize).collect::<Result<_, _>>()?;
    Ok(Package { hash: source.hash(), modules, abi: abi::package(source, &units, &[]) })
}

/// This project's settlement contracts, for a ledger: embedded sources at an address that is
/// reserved to everybody else.
pub fn settlement_contracts() -> Result<Package, BuildError> {
    let source = PackageSource {
        name: "settlement".into(),
        addresses: vec![("settlement".into(), crate::SETTLEMENT)],
        files: library::SETTLEMENT
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).into(), text: (*text).into() })
            .collect(),
    };
    let units = compile_units(&source)?;
    let modules = units.iter().map(Unit::serialize).collect::<Result<_, _>>()?;
    let abi = abi::package(&source, &units, library::units()?);
    Ok(Package { hash: source.hash(), modules, abi })
}

/// What can be refused before the compiler sees it.
fn check_source(source: &PackageSource) -> Result<(), Refusal> {
    let bytes: u64 = source.files.iter().map(|file| file.text.len() as u64).sum();
    admission::bound("source bytes", &source.name, bytes, SOURCE_BYTES)?;
    admission::bound("source files", &source.name, source.files.len() as u64, SOURCE_FILES)?;
    if source.files.is_empty() {
        return Err(Refusal::invalid("package", "no .move file in sources/"));
    }
    if let Some((name, _)) = source.addresses.iter().find(|(name, _)| LIBRARY.contains(&&**name)) {
        let reason = format!("{name:?} is the library's: choose another name");
        return Err(Refusal::invalid("named address", reason));
    }
    for file in &source.files {
        let plain = file.path.split('/').all(|part| {
            !part.is_empty()
                && part != ".."
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        });
        if !plain || !file.path.ends_with(".move") {
            return Err(Refusal::invalid("path", format!("{:?} in package", file.path)));
        }
    }
    let ordered = source.files.is_sorted_by(|a, b| a.path < b.path)
        && source.addresses.is_sorted_by(|a, b| a.0 < b.0);
    if !ordered {
        return Err(Refusal::invalid("package", "files and addresses are not sorted and unique"));
    }
    Ok(())
}

pub(crate) fn compile_library() -> Result<Vec<Unit>, BuildError> {
    let folder = Layout::new()?;
    let std = folder.write("std", library::std_files(false).copied())?;
    let runtime = folder.write("runtime", library::RUNTIME.iter().copied())?;
    folder.compile(vec![std.into_iter().chain(runtime).collect()], Vec::new(), &[])
}

fn compile_units(source: &PackageSource) -> Result<Vec<Unit>, BuildError> {
    let folder = Layout::new()?;
    let deps = folder.dependencies(false)?;
    let files = source.files.iter().map(|file| (file.path.as_str(), file.text.as_str()));
    let own = folder.write("package", files)?;
    folder.compile(vec![own], deps, &source.addresses)
}

/// The package and the settlement contracts, whose layouts its own structs may hold.
fn compile_with_contracts(source: &PackageSource) -> Result<Vec<Unit>, BuildError> {
    let folder = Layout::new()?;
    let deps = folder.dependencies(false)?;
    let files = source.files.iter().map(|file| (file.path.as_str(), file.text.as_str()));
    let own = folder.write("package", files)?;
    let contracts = folder.write("settlement", library::SETTLEMENT.iter().copied())?;
    folder.compile(vec![contracts, own], deps, &with_settlement(source))
}

fn with_settlement(source: &PackageSource) -> Vec<(String, Address)> {
    let mut addresses = source.addresses.clone();
    addresses.push(("settlement".into(), crate::SETTLEMENT));
    addresses
}

/// The test plan of a package and every unit it runs with.
pub(crate) fn compile_tests(
    source: &PackageSource,
    home: Home,
) -> Result<(TestPlan, FilesSourceText), BuildError> {
    let folder = Layout::new()?;
    let is_runtime = source.name == "runtime";
    let mut addresses = source.addresses.clone();
    let mut targets = folder.write("std", library::std_files(true).copied())?;
    if !is_runtime {
        targets.extend(folder.write("runtime", library::RUNTIME.iter().copied())?);
    }
    let files = source.files.iter().map(|file| (file.path.as_str(), file.text.as_str()));
    targets.extend(folder.write("package", files)?);
    if home != Home::Channel {
        targets.extend(folder.write("settlement", library::SETTLEMENT.iter().copied())?);
        addresses = with_settlement(source);
    }
    let compiler = folder.compiler(targets, Vec::new(), &addresses, Flags::testing());
    folder.guarded(|| {
        let (files, result) = compiler.run::<PASS_CFGIR>()?;
        let (_, compiler) = match result {
            Ok(done) => done,
            Err(diagnostics) => return Ok(Err((files, diagnostics))),
        };
        let (mut compiler, program) = compiler.into_ast();
        let plan = construct_test_plan(compiler.compilation_env(), None, &program);
        Ok(match compiler.at_cfgir(program).build() {
            Ok((units, _)) => {
                Ok((TestPlan::new(plan.unwrap_or_default(), files.clone(), units), files))
            }
            Err(diagnostics) => Err((files, diagnostics)),
        })
    })
}

fn refused(diagnostics: impl Into<String>) -> BuildError {
    BuildError::Refused(Refusal::CompileError { diagnostics: diagnostics.into() })
}

/// Sources in a temporary folder, as the compiler wants them.
struct Layout {
    folder: tempfile::TempDir,
}

impl Layout {
    fn new() -> Result<Self, BuildError> {
        let folder = tempfile::tempdir().map_err(|error| BuildError::File {
            path: std::env::temp_dir(),
            reason: error.to_string(),
        })?;
        Ok(Self { folder })
    }

    fn write<'a>(
        &self,
        name: &str,
        files: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Vec<Symbol>, BuildError> {
        files
            .map(|(path, text)| {
                let path = self.folder.path().join(name).join(path);
                let failed = |error: std::io::Error| BuildError::File {
                    path: path.clone(),
                    reason: error.to_string(),
                };
                fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(failed)?;
                fs::write(&path, text).map_err(failed)?;
                Ok(Symbol::from(path.to_string_lossy().into_owned()))
            })
            .collect()
    }

    fn dependencies(&self, testing: bool) -> Result<Vec<Symbol>, BuildError> {
        let mut files = self.write("std", library::std_files(testing).copied())?;
        files.extend(self.write("runtime", library::RUNTIME.iter().copied())?);
        Ok(files)
    }

    fn compiler(
        &self,
        targets: Vec<Symbol>,
        deps: Vec<Symbol>,
        addresses: &[(String, Address)],
        flags: Flags,
    ) -> Compiler<'static> {
        let named: BTreeMap<Symbol, NumericalAddress> =
            [("std", crate::STD), ("runtime", crate::RUNTIME)]
                .into_iter()
                .chain(addresses.iter().map(|(name, address)| (name.as_str(), *address)))
                .map(|(name, address)| {
                    let numerical =
                        NumericalAddress::new(address.0, move_compiler::shared::NumberFormat::Hex);
                    (Symbol::from(name), numerical)
                })
                .collect();
        let paths = |paths| PackagePaths { name: None, paths, named_address_map: named.clone() };
        Compiler::from_package_paths(vec![paths(targets)], vec![paths(deps)]).set_flags(flags)
    }

    fn compile(
        &self,
        targets: Vec<Vec<Symbol>>,
        deps: Vec<Symbol>,
        addresses: &[(String, Address)],
    ) -> Result<Vec<Unit>, BuildError> {
        let targets = targets.into_iter().flatten().collect();
        let compiler = self.compiler(targets, deps, addresses, Flags::empty());
        let (units, files, comments) = self.guarded(|| {
            let (files, result) = compiler.run::<PASS_COMPILATION>()?;
            Ok(match result {
                Ok((comments, compiler)) => {
                    let (units, _) = compiler.into_compiled_units();
                    Ok((units, files, comments))
                }
                Err(diagnostics) => Err((files, diagnostics)),
            })
        })?;
        units.into_iter().map(|unit| annotate(unit, &files, &comments)).collect()
    }

    /// Runs the compiler; diagnostics and panics come back as text.
    fn guarded<T>(
        &self,
        run: impl FnOnce() -> anyhow::Result<Result<T, (FilesSourceText, Diagnostics)>>,
    ) -> Result<T, BuildError> {
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err((files, diagnostics)))) => {
                let text = report_diagnostics_to_buffer(&files, diagnostics);
                Err(refused(self.shorten(&String::from_utf8_lossy(&text))))
            }
            Ok(Err(error)) => Err(refused(self.shorten(&error.to_string()))),
            Err(_) => Err(refused("the compiler panicked on this package")),
        }
    }

    /// Paths as the author knows them.
    fn shorten(&self, text: &str) -> String {
        let root = format!("{}/", self.folder.path().display());
        text.replace(&format!("{root}package/"), "sources/").replace(&root, "")
    }
}

fn annotate(
    unit: AnnotatedCompiledUnit,
    files: &FilesSourceText,
    comments: &CommentMap,
) -> Result<Unit, BuildError> {
    match unit {
        CompiledUnitEnum::Module(annotated) => {
            let named = annotated.named_module;
            let file = named.source_map.definition_location.file_hash();
            Ok(Unit {
                module: named.module,
                map: named.source_map,
                comments: comments.get(&file).cloned().unwrap_or_default(),
                source: files.get(&file).map(|(_, text)| text.clone()).unwrap_or_default(),
            })
        }
        CompiledUnitEnum::Script(_) => {
            Err(refused("scripts are not part of a package: use entry functions"))
        }
    }
}
