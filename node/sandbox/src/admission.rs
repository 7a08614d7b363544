//! What a package may contain, checked statically before any of it runs: the VM's own verifier lets
//! through modules of a few hundred bytes that take gigabytes to lay out.

use std::collections::BTreeMap;

use fairway_types::{Address, Refusal, ledger::PackageSource};
use move_binary_format::{
    CompiledModule,
    access::ModuleAccess,
    file_format::{
        Bytecode, FunctionDefinition, SignatureToken, StructFieldInformation, StructHandleIndex,
    },
};

use move_core_types::language_storage::ModuleId;

use crate::{abi::type_of, tags::address, values::is_admitted};

/// Bytecode of one module.
const MODULE_BYTES: u64 = 128 * 1024;
/// Nodes of one type as written.
const TYPE_NODES: u64 = 64;
/// Nodes of a type's layout, with all nested structs of its package expanded. A concrete type
/// argument may stand at every node of a generic body's type, so the VM sees up to the square.
const LAYOUT_NODES: u64 = 256;
/// Layout nodes that a struct of the library counts for: more than any of them has.
const LIBRARY_LAYOUT: u64 = 4;
/// Elements a vector instruction packs or unpacks.
const VECTOR_ELEMENTS: u64 = 256;
/// Structs, functions, or instantiations of a module.
const DEFINITIONS: u64 = 1024;
/// Modules of a package on the ledger.
const PUBLISHED_MODULES: u64 = 32;
/// Parameters or type parameters of a function.
const PARAMETERS: u64 = fairway_types::limits::CALL_ARGUMENTS as u64;
/// Addresses below this belong to the library and the settlement contracts.
const FIRST_FREE_ADDRESS: u8 = 0x10;
/// What the host calls, and with how many signers.
const HOOKS: [(&str, usize); 4] = [("init", 1), ("on_join", 2), ("on_leave", 2), ("on_tick", 1)];

/// `Ok` if `actual <= limit`.
pub(crate) fn bound(rule: &str, location: &str, actual: u64, limit: u64) -> Result<(), Refusal> {
    if actual <= limit {
        return Ok(());
    }
    Err(refuse(rule, location, actual.to_string(), limit.to_string()))
}

fn refuse(
    rule: &str,
    location: &str,
    actual: impl Into<String>,
    limit: impl Into<String>,
) -> Refusal {
    Refusal::PackageRefused {
        rule: rule.into(),
        location: location.into(),
        actual: actual.into(),
        limit: limit.into(),
    }
}

/// Checks all modules of a package.
pub fn check(modules: &[&CompiledModule], source: &PackageSource) -> Result<(), Refusal> {
    modules.iter().try_for_each(|module| check_module(module, source))?;
    check_layouts(modules, &[])?;
    check_hooks(modules)
}

/// Checks all modules of a package that is published on a ledger: the same bounds, at the
/// publisher's address, on the contracts that the ledger runs. Hooks mean nothing there.
pub(crate) fn check_published(
    modules: &[CompiledModule],
    contracts: &[CompiledModule],
    publisher: Address,
) -> Result<(), Refusal> {
    bound("modules", "package", modules.len() as u64, PUBLISHED_MODULES)?;
    for module in modules {
        let place = module.self_id().name().to_string();
        check_publisher(module, publisher, &place)?;
        check_code(module, &place)?;
    }
    let own: Vec<&CompiledModule> = modules.iter().collect();
    check_layouts(&own, contracts)
}

fn check_publisher(
    module: &CompiledModule,
    publisher: Address,
    place: &str,
) -> Result<(), Refusal> {
    let own = address(module.self_id().address());
    if own != publisher || own < Address::from_low(FIRST_FREE_ADDRESS) {
        let limit = format!("the publisher's, {}", publisher.to_literal());
        return Err(refuse("module address", place, own.to_literal(), limit));
    }
    Ok(())
}

fn check_module(module: &CompiledModule, source: &PackageSource) -> Result<(), Refusal> {
    let place = module.self_id().name().to_string();
    check_address(module, source, &place)?;
    check_code(module, &place)
}

/// What holds for a module wherever it runs.
fn check_code(module: &CompiledModule, place: &str) -> Result<(), Refusal> {
    check_size(module, place)?;
    for signature in module.signatures() {
        for token in &signature.0 {
            bound("type nodes", place, nodes(token), TYPE_NODES)?;
        }
    }
    for definition in module.function_defs() {
        check_function(module, definition, place)?;
    }
    Ok(())
}

fn check_address(
    module: &CompiledModule,
    source: &PackageSource,
    place: &str,
) -> Result<(), Refusal> {
    let own = address(module.self_id().address());
    let reserved = own < Address::from_low(FIRST_FREE_ADDRESS);
    let named = source.addresses.iter().any(|(_, known)| *known == own);
    if reserved || !named {
        let limit = format!("an address of Move.toml from 0x{FIRST_FREE_ADDRESS:x} on");
        return Err(refuse("module address", place, own.to_literal(), limit));
    }
    Ok(())
}

fn check_size(module: &CompiledModule, place: &str) -> Result<(), Refusal> {
    let mut bytes = Vec::new();
    module
        .serialize(&mut bytes)
        .map_err(|error| refuse("bytecode", place, error.to_string(), "serializable"))?;
    bound("module bytes", place, bytes.len() as u64, MODULE_BYTES)?;
    let counts = [
        ("structs", module.struct_defs().len()),
        ("functions", module.function_defs().len()),
        ("function instantiations", module.function_instantiations().len()),
        ("struct instantiations", module.struct_instantiations().len()),
        ("signatures", module.signatures().len()),
    ];
    counts.iter().try_for_each(|(rule, count)| bound(rule, place, *count as u64, DEFINITIONS))
}

fn check_function(
    module: &CompiledModule,
    definition: &FunctionDefinition,
    place: &str,
) -> Result<(), Refusal> {
    let handle = module.function_handle_at(definition.function);
    let name = module.identifier_at(handle.name);
    let place = format!("{place}::{name}");
    let parameters = &module.signature_at(handle.parameters).0;
    bound("parameters", &place, parameters.len() as u64, PARAMETERS)?;
    bound("type parameters", &place, handle.type_parameters.len() as u64, PARAMETERS)?;
    let Some(code) = &definition.code else {
        return Err(refuse("native function", &place, "native", "only the library has natives"));
    };
    if definition.is_entry {
        check_entry(module, parameters, &place)?;
    }
    for instruction in &code.code {
        if let Bytecode::VecPack(_, count) | Bytecode::VecUnpack(_, count) = instruction {
            bound("vector elements", &place, *count, VECTOR_ELEMENTS)?;
        }
    }
    check_type_arguments(module, definition, &place)
}

/// An entry function takes at most one signer, first, and then only what the host can check.
fn check_entry(
    module: &CompiledModule,
    parameters: &[SignatureToken],
    place: &str,
) -> Result<(), Refusal> {
    let signed = parameters.first().is_some_and(is_signer);
    for (index, token) in parameters.iter().enumerate().skip(usize::from(signed)) {
        let ty = type_of(module, token);
        if !is_admitted(&ty) {
            let limit = "bool, integers, address, String, Option and vectors of these; \
                         one &signer, first";
            return Err(refuse(
                "entry parameter",
                place,
                format!("parameter {index}: {ty:?}"),
                limit,
            ));
        }
    }
    Ok(())
}

fn is_signer(token: &SignatureToken) -> bool {
    *token == SignatureToken::Signer || is_signer_reference(token)
}

fn is_signer_reference(token: &SignatureToken) -> bool {
    matches!(token, SignatureToken::Reference(inner) if **inner == SignatureToken::Signer)
}

/// A call that wraps a type parameter makes its type arguments grow with every level: without end in
/// a recursion, twofold a level through a chain of modules. Only the library, whose functions pass
/// type parameters on as they are, may be called so.
fn check_type_arguments(
    module: &CompiledModule,
    definition: &FunctionDefinition,
    place: &str,
) -> Result<(), Refusal> {
    let Some(code) = &definition.code else { return Ok(()) };
    for instruction in &code.code {
        let Bytecode::CallGeneric(index) = instruction else { continue };
        let instantiation = module.function_instantiation_at(*index);
        let arguments = &module.signature_at(instantiation.type_parameters).0;
        let callee = module.function_handle_at(instantiation.handle);
        let home = module.module_id_for_handle(module.module_handle_at(callee.module));
        let library = address(home.address()) < Address::from_low(FIRST_FREE_ADDRESS);
        let grows = arguments.iter().any(|token| contains_parameter(token) && nodes(token) > 1);
        if grows && !library {
            return Err(refuse(
                "growing type argument",
                place,
                "a call that wraps a type parameter",
                "type parameters passed on as they are",
            ));
        }
    }
    Ok(())
}

fn contains_parameter(token: &SignatureToken) -> bool {
    match token {
        SignatureToken::TypeParameter(_) => true,
        SignatureToken::Vector(inner)
        | SignatureToken::Reference(inner)
        | SignatureToken::MutableReference(inner) => contains_parameter(inner),
        SignatureToken::StructInstantiation(_, args) => args.iter().any(contains_parameter),
        SignatureToken::Bool
        | SignatureToken::U8
        | SignatureToken::U64
        | SignatureToken::U128
        | SignatureToken::Address
        | SignatureToken::Signer
        | SignatureToken::Struct(_) => false,
    }
}

fn nodes(token: &SignatureToken) -> u64 {
    match token {
        SignatureToken::Vector(inner)
        | SignatureToken::Reference(inner)
        | SignatureToken::MutableReference(inner) => 1 + nodes(inner),
        SignatureToken::StructInstantiation(_, args) => 1 + args.iter().map(nodes).sum::<u64>(),
        SignatureToken::Bool
        | SignatureToken::U8
        | SignatureToken::U64
        | SignatureToken::U128
        | SignatureToken::Address
        | SignatureToken::Signer
        | SignatureToken::Struct(_)
        | SignatureToken::TypeParameter(_) => 1,
    }
}

/// Every struct, expanded with the structs of its package and of `others`, stays small: nesting
/// doubles a layout with every level.
fn check_layouts(modules: &[&CompiledModule], others: &[CompiledModule]) -> Result<(), Refusal> {
    let known = modules.iter().copied().chain(others);
    let mut layouts = Layouts {
        modules: known.map(|module| (module.self_id(), module)).collect(),
        known: BTreeMap::new(),
    };
    for module in modules {
        for definition in module.struct_defs() {
            let size = layouts.of_struct(module, definition.struct_handle);
            let name = module.identifier_at(module.struct_handle_at(definition.struct_handle).name);
            let place = format!("{}::{name}", module.self_id().name());
            bound("layout nodes", &place, size, LAYOUT_NODES)?;
        }
        for signature in module.signatures() {
            for token in &signature.0 {
                let size = layouts.of_token(module, token);
                bound("layout nodes", module.self_id().name().as_str(), size, LAYOUT_NODES)?;
            }
        }
    }
    Ok(())
}

/// Layout nodes of structs, memoised; sizes saturate.
struct Layouts<'a> {
    modules: BTreeMap<ModuleId, &'a CompiledModule>,
    known: BTreeMap<(ModuleId, String), u64>,
}

impl Layouts<'_> {
    fn of_struct(&mut self, module: &CompiledModule, handle: StructHandleIndex) -> u64 {
        let handle = module.struct_handle_at(handle);
        let home = module.module_id_for_handle(module.module_handle_at(handle.module));
        let name = module.identifier_at(handle.name).to_string();
        let key = (home.clone(), name.clone());
        if let Some(size) = self.known.get(&key) {
            return *size;
        }
        // Recursive structs are no Move; should one come, it counts as too large.
        self.known.insert(key.clone(), u64::MAX);
        let size = match self.modules.get(&home).copied() {
            Some(home) => self.of_fields(home, &name),
            None => LIBRARY_LAYOUT,
        };
        self.known.insert(key, size);
        size
    }

    fn of_fields(&mut self, home: &CompiledModule, name: &str) -> u64 {
        let definition = home.struct_defs().iter().find(|definition| {
            home.identifier_at(home.struct_handle_at(definition.struct_handle).name).as_str()
                == name
        });
        let Some(definition) = definition else { return LIBRARY_LAYOUT };
        let StructFieldInformation::Declared(fields) = &definition.field_information else {
            return LIBRARY_LAYOUT;
        };
        fields
            .iter()
            .map(|field| self.of_token(home, &field.signature.0))
            .fold(1u64, u64::saturating_add)
    }

    /// Type arguments may stand anywhere in the generic struct's layout: both sizes multiply.
    fn of_token(&mut self, module: &CompiledModule, token: &SignatureToken) -> u64 {
        match token {
            SignatureToken::Vector(inner)
            | SignatureToken::Reference(inner)
            | SignatureToken::MutableReference(inner) => {
                self.of_token(module, inner).saturating_add(1)
            }
            SignatureToken::Struct(handle) => self.of_struct(module, *handle),
            SignatureToken::StructInstantiation(handle, args) => {
                let own = self.of_struct(module, *handle);
                let args = args
                    .iter()
                    .map(|arg| self.of_token(module, arg))
                    .fold(1u64, u64::saturating_add);
                own.saturating_mul(args)
            }
            SignatureToken::Bool
            | SignatureToken::U8
            | SignatureToken::U64
            | SignatureToken::U128
            | SignatureToken::Address
            | SignatureToken::Signer
            | SignatureToken::TypeParameter(_) => 1,
        }
    }
}

/// Hooks have their exact signature and stand in one module each.
fn check_hooks(modules: &[&CompiledModule]) -> Result<(), Refusal> {
    let mut seen = BTreeMap::new();
    for module in modules {
        for definition in module.function_defs() {
            let handle = module.function_handle_at(definition.function);
            let name = module.identifier_at(handle.name).as_str();
            let Some((hook, signers)) = HOOKS.iter().find(|(hook, _)| *hook == name) else {
                continue;
            };
            let place = format!("{}::{name}", module.self_id().name());
            let parameters = &module.signature_at(handle.parameters).0;
            let fits = parameters.len() == *signers
                && parameters.iter().all(is_signer_reference)
                && module.signature_at(handle.return_).0.is_empty()
                && handle.type_parameters.is_empty()
                && !definition.is_entry;
            if !fits {
                let limit =
                    format!("{signers} parameters of type &signer, nothing returned, no entry");
                return Err(refuse("hook signature", &place, "another signature", limit));
            }
            if let Some(first) = seen.insert(*hook, place.clone()) {
                return Err(refuse("hook", &place, format!("also in {first}"), "one a package"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use fairway_types::ledger::SourceFile;
    use move_binary_format::file_format::SignatureIndex;

    use super::*;

    /// Modules of a hundred bytes that take gigabytes: our compiler never writes such an instruction,
    /// so that one is put into what it wrote.
    #[test]
    fn vector_instructions_of_many_elements_are_refused() {
        let source = PackageSource {
            name: "app".into(),
            addresses: vec![("app".into(), Address::from_low(0x42))],
            files: vec![SourceFile {
                path: "app.move".into(),
                text: "module app::app { public fun two(): vector<u64> { vector[1, 2] } }".into(),
            }],
        };
        let package = crate::compile(&source).unwrap();
        let honest = CompiledModule::deserialize(&package.modules[0].bytecode).unwrap();
        assert_eq!(check(&[&honest], &source), Ok(()));
        for count in [VECTOR_ELEMENTS + 1, 1 << 28, 1 << 34] {
            for crafted in [
                Bytecode::VecUnpack(SignatureIndex(0), count),
                Bytecode::VecPack(SignatureIndex(0), count),
            ] {
                let mut module = honest.clone();
                let code = module.function_defs[0].code.as_mut().unwrap();
                code.code.insert(0, crafted);
                let refusal = check(&[&module], &source).unwrap_err();
                assert!(
                    matches!(&refusal, Refusal::PackageRefused { rule, .. } if rule == "vector elements"),
                    "{refusal}"
                );
            }
        }
    }
}
