//! Runs a package's functions: one VM a package, one session a call.

use std::{collections::BTreeMap, fmt, sync::Arc};

use fairway_types::{
    Address, Context, Execute, ExecutionStatus, FunctionName, Gas, Hook, Invocation, MoveEvent,
    Outcome, Refusal, StateKey, StateReader, Write,
    abi::{FunctionAbi, PackageAbi, TypeAbi},
    codec,
    ledger::PublishedModule,
    settlement::AssetAmount,
};
use move_binary_format::errors::{Location, VMError};
use move_core_types::{
    account_address::AccountAddress,
    effects::Op,
    identifier::Identifier,
    language_storage::{ModuleId, StructTag, TypeTag},
    resolver::{ModuleResolver, ResourceResolver},
    vm_status::StatusCode,
};
use move_vm_runtime::{
    move_vm::MoveVM, native_extensions::NativeContextExtensions, session::SerializedReturnValues,
};

use crate::{
    build::{BuildError, Module, Package},
    gas::Meter,
    library,
    natives::{self, Facts},
    prices::{GasTable, Stored},
    tags,
    trace::{GasTrace, Observer, Tracer},
    values,
};

/// Status of a call that names no entry function, or brings arguments that do not fit it.
const BAD_CALL: ExecutionStatus =
    ExecutionStatus::Failed { code: StatusCode::FUNCTION_RESOLUTION_FAILURE as u64 };
/// Status of a call that wrote more than a block can carry.
const TOO_LARGE: ExecutionStatus = ExecutionStatus::Failed { code: OUTPUT_TOO_LARGE };
/// Our own code beside the VM's: above all of theirs.
const OUTPUT_TOO_LARGE: u64 = 100_000;
/// Bytes of all writes and events of one call.
const OUTPUT_BYTES: u64 = 256 * 1024;

/// One package in a VM of its own. Code never changes: another package is another VM.
pub struct LoadedPackage {
    vm: MoveVM,
    code: BTreeMap<ModuleId, Arc<Vec<u8>>>,
    abi: PackageAbi,
    hooks: BTreeMap<&'static str, (ModuleId, Identifier)>,
    texts: tags::Texts,
}

/// A package's functions at the prices of one gas table; everything that runs in it is metered by
/// that table. Cheap to clone, and cheap to make of a package that others use too.
#[derive(Clone)]
pub struct MoveSandbox {
    package: Arc<LoadedPackage>,
    table: &'static GasTable,
}

impl fmt::Debug for MoveSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MoveSandbox").field("package", &self.package.abi.package).finish()
    }
}

/// A function to run: where it is, and its type and value arguments with signers in place.
struct Target {
    module: ModuleId,
    function: Identifier,
    type_args: Vec<TypeTag>,
    args: Vec<Vec<u8>>,
}

/// What a session that succeeded did.
struct Ran {
    values: SerializedReturnValues,
    writes: Vec<Write>,
    events: Vec<MoveEvent>,
}

impl LoadedPackage {
    /// Loads the library and the package; fails if the bytecode does not verify.
    pub fn new(package: &Package) -> Result<Self, BuildError> {
        let code = library::modules()?
            .iter()
            .chain(&package.modules)
            .map(|module| Ok((module_id(module)?, Arc::new(module.bytecode.clone()))))
            .collect::<Result<BTreeMap<_, _>, Refusal>>()?;
        let vm = MoveVM::new(natives::table()).map_err(|error| internal(&error))?;
        let (hooks, abi) = (hooks(&package.abi)?, package.abi.clone());
        let loaded = Self { vm, code, abi, hooks, texts: tags::Texts::default() };
        let reader = loaded.reader(&());
        for id in loaded.code.keys() {
            loaded.vm.load_module(id, &reader).map_err(|error| internal(&error))?;
        }
        Ok(loaded)
    }

    /// This code and `modules` beside it, in a VM of its own: one VM that saw code which was never
    /// kept would go on running it.
    fn with_modules(&self, modules: &[PublishedModule]) -> Result<Self, Refusal> {
        let (mut code, mut abi) = (self.code.clone(), self.abi.clone());
        for module in modules {
            let id = resolve(&module.abi.address, &module.abi.name)?;
            if code.insert(id, Arc::new(module.bytecode.clone())).is_some() {
                return Err(Refusal::PackageRefused {
                    rule: "module name".into(),
                    location: module.abi.name.clone(),
                    actual: "published already".into(),
                    limit: "a new name: a published module is never replaced".into(),
                });
            }
            abi.modules.push(module.abi.clone());
        }
        let vm = MoveVM::new(natives::table()).map_err(|error| internal(&error))?;
        Ok(Self { vm, code, abi, hooks: self.hooks.clone(), texts: tags::Texts::default() })
    }

    fn reader<'a>(&'a self, state: &'a dyn StateReader) -> Reader<'a> {
        Reader { package: self, state }
    }
}

impl MoveSandbox {
    /// Loads the package for itself, at the prices of [`GasTable::measured`].
    pub fn new(package: &Package) -> Result<Self, BuildError> {
        Ok(Self::of(Arc::new(LoadedPackage::new(package)?), GasTable::measured()))
    }

    /// The package at the prices of `table`.
    #[must_use]
    pub fn of(package: Arc<LoadedPackage>, table: &'static GasTable) -> Self {
        Self { package, table }
    }

    /// The same functions with `modules` beside them: what a ledger runs after they were published.
    /// They are verified when something first calls them.
    pub fn with_modules(&self, modules: &[PublishedModule]) -> Result<Self, Refusal> {
        Ok(Self::of(Arc::new(self.package.with_modules(modules)?), self.table))
    }

    /// Verifies and links modules before anything calls them.
    pub fn verify(&self, modules: &[PublishedModule]) -> Result<(), Refusal> {
        let reader = self.package.reader(&());
        for module in modules {
            let id = resolve(&module.abi.address, &module.abi.name)?;
            self.package.vm.load_module(&id, &reader).map_err(|error| Refusal::PackageRefused {
                rule: "verifier".into(),
                location: module.abi.name.clone(),
                actual: format!("{:?}", error.major_status()),
                limit: "bytecode that verifies".into(),
            })?;
        }
        Ok(())
    }

    #[must_use]
    pub fn abi(&self) -> &PackageAbi {
        &self.package.abi
    }

    /// What everything that runs in it is metered by.
    #[must_use]
    pub fn gas_table(&self) -> &'static GasTable {
        self.table
    }

    /// Whether a call could run at all: its function exists, is an entry function, and its arguments
    /// fit. What every node can say before the call is ordered.
    pub fn check_call(
        &self,
        function: &FunctionName,
        type_args: &[String],
        args: &[Vec<u8>],
    ) -> Result<(), Refusal> {
        let abi = self.function(function)?;
        if !abi.entry {
            return Err(Refusal::FunctionNotFound { function: format!("{function} (not entry)") });
        }
        self.check_args(abi, type_args, args)
    }

    /// Runs a public function that returns something; nothing it writes is kept.
    pub fn view(
        &self,
        state: &dyn StateReader,
        context: &Context,
        function: &FunctionName,
        type_args: &[String],
        args: &[Vec<u8>],
        gas_limit: Gas,
    ) -> Result<Vec<(TypeAbi, Vec<u8>)>, Refusal> {
        let abi = self.function(function)?;
        if !abi.view {
            return Err(Refusal::FunctionNotFound { function: format!("{function} (not a view)") });
        }
        let type_args = parse_types(abi, type_args)?;
        let chosen: Vec<TypeAbi> = type_args.iter().map(tags::plain).collect();
        let by_value = abi.params.iter().map(|param| by_value(&param.ty).with_args(&chosen));
        check_values(&by_value.collect::<Vec<_>>(), args)?;
        let target = Target {
            module: resolve(&function.address, &function.module)?,
            function: identifier(&function.function)?,
            type_args,
            args: args.to_vec(),
        };
        let mut meter = Meter::new(gas_limit.0);
        match self.run(state, context, target, &mut meter) {
            Ok(ran) => {
                let values = ran.values.return_values.into_iter().map(|(bytes, _)| bytes);
                Ok(abi.returns.iter().map(|ty| ty.with_args(&chosen)).zip(values).collect())
            }
            Err(status) => Err(self.explain(&status, Gas(meter.used()), gas_limit)),
        }
    }

    /// Runs any function of the package, private ones too, with arguments as they are: for a host
    /// that sets up its own contracts, never for anybody's call.
    pub fn run_as_host(
        &self,
        state: &dyn StateReader,
        context: &Context,
        function: &FunctionName,
        args: Vec<Vec<u8>>,
        gas_limit: Gas,
    ) -> Result<Outcome, Refusal> {
        let target = Target {
            module: resolve(&function.address, &function.module)?,
            function: identifier(&function.function)?,
            type_args: Vec::new(),
            args,
        };
        Ok(self.outcome(state, context, target, gas_limit))
    }

    /// A status as people and clients see it: with the abort's documented name.
    #[must_use]
    pub fn explain(&self, status: &ExecutionStatus, used: Gas, limit: Gas) -> Refusal {
        match status {
            ExecutionStatus::Success => {
                Refusal::Internal { reason: "success is no refusal".into() }
            }
            ExecutionStatus::Abort { address, module, code } => Refusal::MoveAbort {
                address: address.to_literal(),
                module: module.clone(),
                code: *code,
                name: self.abi().abort(address, module, *code).map(|abort| abort.name.clone()),
            },
            ExecutionStatus::OutOfGas => Refusal::OutOfGas { used: used.0, limit: limit.0 },
            ExecutionStatus::Failed { code } => {
                let reason = StatusCode::try_from(*code).ok().map(|code| format!("{code:?}"));
                Refusal::ExecutionFailed { code: *code, reason }
            }
            ExecutionStatus::OverSpent { asset, left, spent } => {
                Refusal::OverSpent { asset: *asset, left: *left, spent: *spent }
            }
        }
    }

    fn function(&self, name: &FunctionName) -> Result<&FunctionAbi, Refusal> {
        self.abi()
            .module(&name.address, &name.module)
            .and_then(|module| module.function(&name.function))
            .ok_or_else(|| Refusal::FunctionNotFound { function: name.to_string() })
    }

    fn check_args(
        &self,
        abi: &FunctionAbi,
        type_args: &[String],
        args: &[Vec<u8>],
    ) -> Result<(), Refusal> {
        parse_types(abi, type_args)?;
        let types: Vec<TypeAbi> =
            abi.params.iter().skip(signers(abi)).map(|param| param.ty.clone()).collect();
        check_values(&types, args)
    }

    /// What an invocation runs; `None` for a hook the package does not define.
    fn target(&self, invocation: &Invocation<'_>) -> Result<Option<Target>, Refusal> {
        match invocation {
            Invocation::Call { sender, function, type_args, args } => {
                self.check_call(function, type_args, args)?;
                let abi = self.function(function)?;
                let signer = (signers(abi) > 0).then(|| codec::encode(sender));
                Ok(Some(Target {
                    module: resolve(&function.address, &function.module)?,
                    function: identifier(&function.function)?,
                    type_args: parse_types(abi, type_args)?,
                    args: signer.into_iter().chain(args.iter().cloned()).collect(),
                }))
            }
            Invocation::Hook(hook) => Ok(self.hook(hook)),
            Invocation::Credit { account, amounts } => {
                let assets: Vec<_> = amounts.iter().map(|entry| entry.asset).collect();
                let units: Vec<_> =
                    amounts.iter().map(|entry: &AssetAmount| entry.amount).collect();
                let args =
                    vec![codec::encode(account), codec::encode(&assets), codec::encode(&units)];
                Ok(Some(vault("credit", args)?))
            }
            Invocation::Debit { account } => {
                Ok(Some(vault("destroy", vec![codec::encode(account)])?))
            }
        }
    }

    fn hook(&self, hook: &Hook) -> Option<Target> {
        let (name, member) = match hook {
            Hook::Init => ("init", None),
            Hook::OnJoin { account } => ("on_join", Some(account)),
            Hook::OnLeave { account } => ("on_leave", Some(account)),
            Hook::OnTick => ("on_tick", None),
        };
        let (module, function) = self.package.hooks.get(name)?;
        let app = codec::encode(&tags::address(module.address()));
        Some(Target {
            module: module.clone(),
            function: function.clone(),
            type_args: Vec::new(),
            args: [Some(app), member.map(codec::encode)].into_iter().flatten().collect(),
        })
    }

    fn outcome(
        &self,
        state: &dyn StateReader,
        context: &Context,
        target: Target,
        gas_limit: Gas,
    ) -> Outcome {
        let mut meter = Meter::new(gas_limit.0);
        let ran = self.run(state, context, target, &mut meter);
        came_of(ran, meter.used())
    }

    /// As [`Execute::execute`], with what each function used added to `trace`.
    pub fn execute_traced(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas_limit: Gas,
        trace: &mut GasTrace,
    ) -> Outcome {
        let target = match self.target(invocation) {
            Ok(Some(target)) => target,
            Ok(None) => return ended(ExecutionStatus::Success, 0),
            Err(_) => return ended(BAD_CALL, 0),
        };
        let tracer = Tracer::new(&target.module, target.function.as_str());
        let mut meter = Meter::observed(gas_limit.0, tracer);
        let ran = self.run(state, context, target, &mut meter);
        let (executing, used) = (meter.executing(), meter.used());
        meter.into_observer().finish(executing, used, trace);
        came_of(ran, used)
    }

    /// One session: a failure drops it and everything it wrote.
    fn run<O: Observer>(
        &self,
        state: &dyn StateReader,
        context: &Context,
        target: Target,
        meter: &mut Meter<O>,
    ) -> Result<Ran, ExecutionStatus> {
        let reader = self.package.reader(state);
        let mut extensions = NativeContextExtensions::default();
        extensions.add(Facts::new(context));
        let mut session = self.package.vm.new_session_with_extensions(&reader, extensions);
        let values = session
            .execute_function_bypass_visibility(
                &target.module,
                &target.function,
                target.type_args,
                target.args,
                meter,
            )
            .map_err(|error| status(&error))?;
        let (changes, events) = session.finish().map_err(|error| status(&error))?;
        let (mut writes, mut stored) = (Vec::new(), Stored::default());
        for (account, changes) in changes.into_inner() {
            for (tag, op) in changes.into_inner().1 {
                let key = StateKey::resource(tags::address(&account), self.package.texts.of(&tag));
                let value = match op {
                    Op::New(value) | Op::Modify(value) => Some(value),
                    Op::Delete => None,
                };
                // A write that changes nothing still is in the change set.
                let before = state.read(&key);
                if before.as_deref() != value.as_deref() {
                    let size = |value: Option<&[u8]>| value.map_or(0, <[u8]>::len);
                    stored.write(size(before.as_deref()), size(value.as_deref()));
                    writes.push(Write { key, value });
                }
            }
        }
        writes.sort_by(|a, b| a.key.cmp(&b.key));
        let events: Vec<MoveEvent> = events
            .into_iter()
            .map(|(_, _, tag, data)| MoveEvent { type_tag: tags::text_of(&tag), data })
            .collect();
        events.iter().for_each(|event| stored.event(event.data.len()));
        if stored.bytes() > OUTPUT_BYTES {
            return Err(TOO_LARGE);
        }
        meter
            .charge_stored(self.table, &stored)
            .map_err(|error| status(&error.finish(Location::Undefined)))?;
        Ok(Ran { values, writes, events })
    }
}

impl Execute for MoveSandbox {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas_limit: Gas,
    ) -> Outcome {
        let target = match self.target(invocation) {
            Ok(Some(target)) => target,
            Ok(None) => return ended(ExecutionStatus::Success, 0),
            Err(_) => return ended(BAD_CALL, 0),
        };
        self.outcome(state, context, target, gas_limit)
    }
}

fn came_of(ran: Result<Ran, ExecutionStatus>, gas: u64) -> Outcome {
    match ran {
        Ok(Ran { writes, events, .. }) => {
            let (status, gas_used) = (ExecutionStatus::Success, Gas(gas));
            Outcome { status, gas_used, writes, events }
        }
        Err(status) => ended(status, gas),
    }
}

fn ended(status: ExecutionStatus, gas: u64) -> Outcome {
    Outcome { status, gas_used: Gas(gas), writes: Vec::new(), events: Vec::new() }
}

/// Codes only: messages differ between builds and are never hashed.
pub(crate) fn status(error: &VMError) -> ExecutionStatus {
    match (error.major_status(), error.location()) {
        (StatusCode::ABORTED, Location::Module(id)) => ExecutionStatus::Abort {
            address: tags::address(id.address()),
            module: id.name().to_string(),
            code: error.sub_status().unwrap_or(0),
        },
        (StatusCode::OUT_OF_GAS, _) => ExecutionStatus::OutOfGas,
        (code, _) => ExecutionStatus::Failed { code: code as u64 },
    }
}

fn vault(function: &str, args: Vec<Vec<u8>>) -> Result<Target, Refusal> {
    Ok(Target {
        module: resolve(&crate::RUNTIME, "vault")?,
        function: identifier(function)?,
        type_args: Vec::new(),
        args,
    })
}

fn hooks(abi: &PackageAbi) -> Result<BTreeMap<&'static str, (ModuleId, Identifier)>, Refusal> {
    let mut hooks = BTreeMap::new();
    for module in abi.modules.iter().filter(|module| module.own) {
        for name in ["init", "on_join", "on_leave", "on_tick"] {
            if module.function(name).is_some() {
                let id = resolve(&module.address, &module.name)?;
                hooks.insert(name, (id, identifier(name)?));
            }
        }
    }
    Ok(hooks)
}

/// Leading parameters that the host fills in.
fn signers(abi: &FunctionAbi) -> usize {
    let is_signer = |ty: &TypeAbi| by_value(ty) == TypeAbi::Signer;
    abi.params.iter().take_while(|param| is_signer(&param.ty)).count()
}

fn by_value(ty: &TypeAbi) -> TypeAbi {
    if let TypeAbi::Reference(inner) = ty { (**inner).clone() } else { ty.clone() }
}

fn check_values(types: &[TypeAbi], args: &[Vec<u8>]) -> Result<(), Refusal> {
    if types.len() != args.len() {
        let reason = format!("expected {}, found {}", types.len(), args.len());
        return Err(Refusal::invalid("number of arguments", reason));
    }
    for (index, (ty, bytes)) in types.iter().zip(args).enumerate() {
        if !values::is_admitted(ty) || !values::is_value(ty, bytes) {
            let reason = format!("{} bytes are no {ty:?}", bytes.len());
            return Err(Refusal::invalid(format!("argument {index}"), reason));
        }
    }
    Ok(())
}

fn parse_types(abi: &FunctionAbi, type_args: &[String]) -> Result<Vec<TypeTag>, Refusal> {
    if abi.type_params.len() != type_args.len() {
        let reason = format!("expected {}, found {}", abi.type_params.len(), type_args.len());
        return Err(Refusal::invalid("number of type arguments", reason));
    }
    type_args.iter().map(|text| tags::parse(text)).collect()
}

fn resolve(address: &Address, module: &str) -> Result<ModuleId, Refusal> {
    Ok(ModuleId::new(tags::account(*address), identifier(module)?))
}

fn identifier(text: &str) -> Result<Identifier, Refusal> {
    Identifier::new(text).map_err(|_| Refusal::invalid("name", format!("{text:?}")))
}

fn module_id(module: &Module) -> Result<ModuleId, Refusal> {
    resolve(&module.address, &module.name)
}

fn internal(error: &VMError) -> BuildError {
    BuildError::Refused(Refusal::Internal { reason: error.to_string() })
}

/// Code from the sandbox, resources from the state.
struct Reader<'a> {
    package: &'a LoadedPackage,
    state: &'a dyn StateReader,
}

impl ModuleResolver for Reader<'_> {
    type Error = std::convert::Infallible;

    fn get_module(&self, id: &ModuleId) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.package.code.get(id).map(|bytes| bytes.to_vec()))
    }
}

impl ResourceResolver for Reader<'_> {
    type Error = std::convert::Infallible;

    fn get_resource(
        &self,
        address: &AccountAddress,
        tag: &StructTag,
    ) -> Result<Option<Vec<u8>>, Self::Error> {
        let key = StateKey::resource(tags::address(address), self.package.texts.of(tag));
        Ok(self.state.read(&key).map(|value| value.to_vec()))
    }
}
