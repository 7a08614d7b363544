//! Move packages of strangers: sources through the bounded compiler, bytecode through admission.

use std::{
    path::PathBuf,
    sync::OnceLock,
    time::{Duration, Instant},
};

use fairway_sandbox::{
    Package, admission,
    build::BuildError,
    compiler::{BoundedCompiler, CompileLimits},
};
use fairway_types::{
    Address,
    ledger::{PackageSource, SourceFile},
};
use move_binary_format::CompiledModule;

use super::Verdict;
use crate::check::canonical;

/// What one compilation may take here: less than a node allows.
const LIMITS: CompileLimits =
    CompileLimits { memory: 1 << 30, cpu: 5, time: Duration::from_secs(10) };
/// Until the child is gone once its time is up.
const MARGIN: Duration = Duration::from_secs(5);

static COMPILER: OnceLock<PathBuf> = OnceLock::new();

/// Names the program that compiles in a child: this crate's `fairway-fuzz`. The one beside the
/// running program otherwise.
pub fn set_compiler(program: PathBuf) {
    let _ = COMPILER.set(program);
}

fn compiler() -> BoundedCompiler {
    let beside = || {
        let program = std::env::current_exe().unwrap_or_default();
        program.with_file_name("fairway-fuzz")
    };
    let program = COMPILER.get_or_init(beside).clone();
    BoundedCompiler::new(program, vec!["compile".into()]).with_limits(LIMITS)
}

/// Whatever the sources are, there is an answer in time; what is admitted is the same package every
/// time and keeps the bounds.
pub(super) fn sources(data: &[u8]) -> Verdict {
    let source = canonical::<PackageSource>(data).unwrap_or_else(|| one_file(data));
    let begun = Instant::now();
    let compiled = compiler().compile(&source);
    assert!(begun.elapsed() < LIMITS.time + MARGIN, "compiled for {:?}", begun.elapsed());
    match compiled {
        Ok(package) => {
            check(&source, &package);
            assert_eq!(compiler().compile(&source).ok().as_ref(), Some(&package));
            Verdict::Accepted
        }
        Err(BuildError::Refused(_)) => Verdict::Refused,
        Err(error @ (BuildError::File { .. } | BuildError::Manifest { .. })) => {
            panic!("not an answer about the package: {error}")
        }
    }
}

fn one_file(data: &[u8]) -> PackageSource {
    let text = String::from_utf8_lossy(data).into_owned();
    PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address::from_low(0x42))],
        files: vec![SourceFile { path: "app.move".into(), text }],
    }
}

fn check(source: &PackageSource, package: &Package) {
    assert_eq!(package.hash, source.hash());
    let modules: Vec<CompiledModule> =
        package.modules.iter().map(|module| read(&module.bytecode)).collect();
    let modules: Vec<&CompiledModule> = modules.iter().collect();
    assert_eq!(admission::check(&modules, source), Ok(()));
}

fn read(bytes: &[u8]) -> CompiledModule {
    match CompiledModule::deserialize(bytes) {
        Ok(module) => module,
        Err(error) => panic!("an admitted module does not read back: {error}"),
    }
}

/// The bounds after the compiler hold against modules that no compiler made.
pub(super) fn module(data: &[u8]) -> Verdict {
    let Ok(module) = CompiledModule::deserialize(data) else { return Verdict::Refused };
    let source = PackageSource {
        name: "app".into(),
        addresses: vec![("app".into(), Address(module.self_id().address().into_bytes()))],
        files: Vec::new(),
    };
    admission::check(&[&module], &source).is_ok().into()
}
