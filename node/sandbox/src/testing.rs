//! Runs the unit tests of a Move package: `#[test]`, `#[expected_failure]`, signer arguments. Each
//! test has a fresh state and a bound of gas.

use std::{collections::BTreeMap, path::Path};

use fairway_types::{Address, ExecutionStatus, ledger::PackageSource};
use move_compiler::{
    diagnostics::FilesSourceText,
    unit_test::{ExpectedFailure, ModuleTestPlan, TestCase, TestPlan},
};
use move_core_types::{
    account_address::AccountAddress,
    identifier::Identifier,
    language_storage::{ModuleId, StructTag},
    resolver::{ModuleResolver, ResourceResolver},
};
use move_vm_runtime::{move_vm::MoveVM, native_extensions::NativeContextExtensions};

use crate::{
    build::{self, BuildError, Home},
    gas::Meter,
    natives::{self, Facts},
    sandbox::status,
    tags,
};

/// Gas of one test.
const TEST_GAS: u64 = 50_000_000;

/// Who publishes a package while it is built and tested.
pub const PUBLISHER: Address = Address::from_low(0xd0);

/// What came of a package's tests.
#[derive(Debug, Clone, Default)]
pub struct TestReport {
    pub passed: Vec<String>,
    pub failed: Vec<Failure>,
}

#[derive(Debug, Clone)]
pub struct Failure {
    /// `module::test`.
    pub test: String,
    /// What happened, and where: `sources/a.move:12`.
    pub reason: String,
}

/// Runs every test of the package in `folder` whose name contains `filter`.
pub fn run(folder: &Path, filter: &str) -> Result<TestReport, BuildError> {
    run_source(&build::read_package(folder)?, filter, Home::Channel)
}

/// As [`run`], for a package that is meant for the ledger: its publisher is `PUBLISHER`.
pub fn run_for_ledger(folder: &Path, filter: &str) -> Result<TestReport, BuildError> {
    let source = build::read_package_of(folder, PUBLISHER)?;
    run_source(&source, filter, Home::Ledger { publisher: PUBLISHER })
}

fn run_source(source: &PackageSource, filter: &str, home: Home) -> Result<TestReport, BuildError> {
    let own: Vec<_> = source.addresses.iter().map(|(_, address)| *address).collect();
    let (plan, files) = build::compile_tests(source, home)?;
    let runner = Runner::new(&plan, &files)?;
    let mut report = TestReport::default();
    let modules = plan
        .module_tests
        .values()
        .filter(|tests| own.contains(&tags::address(tests.module_id.address())));
    for tests in modules {
        for case in tests.tests.values() {
            let name = format!("{}::{}", tests.module_id.name(), case.test_name);
            if !name.contains(filter) {
                continue;
            }
            match runner.run(tests, case) {
                Ok(()) => report.passed.push(name),
                Err(reason) => report.failed.push(Failure { test: name, reason }),
            }
        }
    }
    Ok(report)
}

struct Runner<'a> {
    vm: MoveVM,
    plan: &'a TestPlan,
    files: &'a FilesSourceText,
    code: Code,
}

impl<'a> Runner<'a> {
    fn new(plan: &'a TestPlan, files: &'a FilesSourceText) -> Result<Self, BuildError> {
        let mut code = BTreeMap::new();
        for (id, named) in &plan.module_info {
            let mut bytes = Vec::new();
            named.module.serialize(&mut bytes).map_err(|error| {
                fairway_types::Refusal::CompileError { diagnostics: error.to_string() }
            })?;
            code.insert(id.clone(), bytes);
        }
        let vm = MoveVM::new(natives::table())
            .map_err(|error| fairway_types::Refusal::Internal { reason: error.to_string() })?;
        Ok(Self { vm, plan, files, code: Code(code) })
    }

    fn run(&self, tests: &ModuleTestPlan, case: &TestCase) -> Result<(), String> {
        let context = crate::tool_context();
        let mut extensions = NativeContextExtensions::default();
        extensions.add(Facts::new(&context));
        let mut session = self.vm.new_session_with_extensions(&self.code, extensions);
        let function =
            Identifier::new(case.test_name.as_str()).map_err(|error| error.to_string())?;
        let args: Vec<Vec<u8>> =
            case.arguments.iter().filter_map(|value| value.simple_serialize()).collect();
        let result = session.execute_function_bypass_visibility(
            &tests.module_id,
            &function,
            Vec::new(),
            args,
            &mut Meter::new(TEST_GAS),
        );
        let error = result.err();
        let ended = error.as_ref().map_or(ExecutionStatus::Success, status);
        let place = error.as_ref().and_then(|error| self.place(error)).unwrap_or_default();
        match (&case.expected_failure, ended) {
            (None, ExecutionStatus::Success) => Ok(()),
            (None, ended) => Err(format!("{}{place}", describe(&ended))),
            (Some(_), ExecutionStatus::Success) => Err("expected a failure, but it passed".into()),
            (Some(ExpectedFailure::Expected), _) => Ok(()),
            (
                Some(ExpectedFailure::ExpectedWithCode(code)),
                ExecutionStatus::Abort { code: found, .. },
            ) if *code == found => Ok(()),
            (Some(ExpectedFailure::ExpectedWithCode(code)), ended) => {
                Err(format!("expected abort {code}, but it {}{place}", describe(&ended)))
            }
        }
    }

    /// ` at sources/a.move:12`, where the failure happened.
    fn place(&self, error: &move_binary_format::errors::VMError) -> Option<String> {
        let move_binary_format::errors::Location::Module(id) = error.location() else {
            return None;
        };
        let (function, offset) = error.offsets().first().copied()?;
        let named = self.plan.module_info.get(id)?;
        let location = named.source_map.get_code_location(function, offset).ok()?;
        let (name, text) = self.files.get(&location.file_hash())?;
        let line = text.get(..location.start() as usize)?.lines().count().max(1);
        let file = Path::new(name.as_str()).file_name()?.to_string_lossy().into_owned();
        Some(format!(" at sources/{file}:{line}"))
    }
}

fn describe(status: &ExecutionStatus) -> String {
    match status {
        ExecutionStatus::Success => "passed".into(),
        ExecutionStatus::Abort { module, code, .. } => format!("aborted in {module} with {code}"),
        ExecutionStatus::OutOfGas => "ran out of gas".into(),
        ExecutionStatus::Failed { code } => format!("failed with VM status {code}"),
        ExecutionStatus::OverSpent { .. } => "spent more than a session may".into(),
    }
}

/// Every module of the test build; no resources.
struct Code(BTreeMap<ModuleId, Vec<u8>>);

impl ModuleResolver for Code {
    type Error = std::convert::Infallible;

    fn get_module(&self, id: &ModuleId) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.0.get(id).cloned())
    }
}

impl ResourceResolver for Code {
    type Error = std::convert::Infallible;

    fn get_resource(
        &self,
        _: &AccountAddress,
        _: &StructTag,
    ) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(None)
    }
}
