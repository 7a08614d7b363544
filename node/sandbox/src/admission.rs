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

use crate::{abi::type_of, tags::address, values::is_admitted};

/// Bytecode of one module.
const MODULE_BYTES: u64 = 128 * 1024;
/// Nodes of one type as written.
const TYPE_NODES: u64 = 64;
/// Nodes of a struct's layout, with all nested structs of its module expanded.
const LAYOUT_NODES: u64 = 1024;
/// Elements a vector instruction packs or unpacks.
const VECTOR_ELEMENTS: u64 = 256;
/// Structs, functions, or instantiations of a module.
const DEFINITIONS: u64 = 1024;
/// Parameters or type parameters of a function.
const PARAMETERS: u64 = 64;
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

/// Checks one module of a package.
pub fn check(module: &CompiledModule, source: &PackageSource) -> Result<(), Refusal> {
    let place = module.self_id().name().to_string();
    check_address(module, source, &place)?;
    check_size(module, &place)?;
    for signature in module.signatures() {
        for token in &signature.0 {
            bound("type nodes", &place, nodes(token), TYPE_NODES)?;
        }
    }
    check_layouts(module, &place)?;
    for definition in module.function_defs() {
        check_function(module, definition, &place)?;
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
    check_recursion(module, definition, &place)
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
    match token {
        SignatureToken::Signer => true,
        SignatureToken::Reference(inner) => **inner == SignatureToken::Signer,
        _ => false,
    }
}

/// A generic function that calls itself with larger type arguments makes types without end; the
/// verifier allows it across instantiations it does not see, so a self call must pass its own type
/// parameters as they are.
fn check_recursion(
    module: &CompiledModule,
    definition: &FunctionDefinition,
    place: &str,
) -> Result<(), Refusal> {
    let Some(code) = &definition.code else { return Ok(()) };
    for instruction in &code.code {
        let Bytecode::CallGeneric(index) = instruction else { continue };
        let instantiation = module.function_instantiation_at(*index);
        let arguments = &module.signature_at(instantiation.type_parameters).0;
        let own = module.function_defs().iter().any(|other| other.function == instantiation.handle);
        let grows = arguments.iter().any(|token| contains_parameter(token) && nodes(token) > 1);
        if own && grows {
            return Err(refuse(
                "growing type argument",
                place,
                "a call into its own module wraps a type parameter",
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

/// Every struct, expanded with the structs of its module, stays small: nesting doubles a layout with
/// every level.
fn check_layouts(module: &CompiledModule, place: &str) -> Result<(), Refusal> {
    let mut known = BTreeMap::new();
    for definition in module.struct_defs() {
        let size = layout(module, definition.struct_handle, &mut known);
        let name = module.identifier_at(module.struct_handle_at(definition.struct_handle).name);
        bound("layout nodes", &format!("{place}::{name}"), size, LAYOUT_NODES)?;
    }
    Ok(())
}

/// Layout nodes of a struct, without its type arguments; memoised, saturating.
fn layout(
    module: &CompiledModule,
    handle: StructHandleIndex,
    known: &mut BTreeMap<StructHandleIndex, u64>,
) -> u64 {
    if let Some(size) = known.get(&handle) {
        return *size;
    }
    // Recursive structs are no Move; should one come, it counts as too large.
    known.insert(handle, u64::MAX);
    let definition = module.struct_defs().iter().find(|d| d.struct_handle == handle);
    let size = match definition.map(|definition| &definition.field_information) {
        Some(StructFieldInformation::Declared(fields)) => fields
            .iter()
            .map(|field| token_layout(module, &field.signature.0, known))
            .fold(1u64, u64::saturating_add),
        Some(StructFieldInformation::Native) | None => 4,
    };
    known.insert(handle, size);
    size
}

/// Type arguments may stand anywhere in the generic struct's layout: both sizes multiply.
fn token_layout(
    module: &CompiledModule,
    token: &SignatureToken,
    known: &mut BTreeMap<StructHandleIndex, u64>,
) -> u64 {
    match token {
        SignatureToken::Vector(inner)
        | SignatureToken::Reference(inner)
        | SignatureToken::MutableReference(inner) => {
            token_layout(module, inner, known).saturating_add(1)
        }
        SignatureToken::Struct(handle) => layout(module, *handle, known),
        SignatureToken::StructInstantiation(handle, args) => {
            let own = layout(module, *handle, known);
            let args = args
                .iter()
                .map(|arg| token_layout(module, arg, known))
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

/// Hooks have their exact signature and stand in one module each.
pub fn check_hooks<'a>(modules: impl Iterator<Item = &'a CompiledModule>) -> Result<(), Refusal> {
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
                && parameters.iter().all(|token| {
                    matches!(token, SignatureToken::Reference(inner) if **inner == SignatureToken::Signer)
                })
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
