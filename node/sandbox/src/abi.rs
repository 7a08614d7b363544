//! A package's ABI, from its bytecode, source maps and doc comments.

use fairway_types::{
    Address,
    abi::{AbortAbi, FunctionAbi, ModuleAbi, PackageAbi, ParamAbi, StructAbi, StructRef, TypeAbi},
    ledger::PackageSource,
};
use move_binary_format::{
    CompiledModule,
    access::ModuleAccess,
    file_format::{
        Ability, AbilitySet, FunctionDefinition, FunctionDefinitionIndex, SignatureToken,
        StructDefinition, StructDefinitionIndex, StructFieldInformation, StructHandleIndex,
        Visibility,
    },
};

use crate::{build::Unit, tags::address};

/// The ABI of `units`, then of the library modules.
pub(crate) fn package(source: &PackageSource, units: &[Unit], library: &[Unit]) -> PackageAbi {
    let own = units.iter().map(|unit| module(unit, true));
    let library = library.iter().map(|unit| module(unit, false));
    PackageAbi {
        name: source.name.clone(),
        package: source.hash(),
        modules: own.chain(library).collect(),
    }
}

fn module(unit: &Unit, own: bool) -> ModuleAbi {
    let compiled = &unit.module;
    let id = compiled.self_id();
    ModuleAbi {
        address: address(id.address()),
        name: id.name().to_string(),
        doc: doc(unit, unit.map.definition_location.start()),
        own,
        functions: (0u16..)
            .zip(compiled.function_defs())
            .map(|(index, definition)| function(unit, FunctionDefinitionIndex(index), definition))
            .collect(),
        structs: (0u16..)
            .zip(compiled.struct_defs())
            .map(|(index, definition)| structure(unit, StructDefinitionIndex(index), definition))
            .collect(),
        aborts: aborts(unit),
    }
}

fn function(
    unit: &Unit,
    index: FunctionDefinitionIndex,
    definition: &FunctionDefinition,
) -> FunctionAbi {
    let compiled = &unit.module;
    let handle = compiled.function_handle_at(definition.function);
    let map = unit.map.get_function_source_map(index).ok();
    let types = |signature| -> Vec<TypeAbi> {
        let tokens = &compiled.signature_at(signature).0;
        tokens.iter().map(|token| type_of(compiled, token)).collect()
    };
    let params: Vec<ParamAbi> = types(handle.parameters)
        .into_iter()
        .enumerate()
        .map(|(place, ty)| {
            let name = map.and_then(|map| map.parameters.get(place)).map(|(name, _)| plain(name));
            ParamAbi { name: name.unwrap_or_else(|| format!("arg{place}")), ty }
        })
        .collect();
    let returns = types(handle.return_);
    let readable = params.iter().all(|param| {
        !matches!(param.ty, TypeAbi::MutReference(_) | TypeAbi::Signer)
            && param.ty != TypeAbi::Reference(Box::new(TypeAbi::Signer))
    });
    FunctionAbi {
        name: compiled.identifier_at(handle.name).to_string(),
        doc: map.map_or_else(String::new, |map| doc(unit, map.definition_location.start())),
        entry: definition.is_entry,
        view: definition.visibility == Visibility::Public && !returns.is_empty() && readable,
        type_params: handle.type_parameters.iter().map(|set| abilities(*set)).collect(),
        params,
        returns,
    }
}

fn structure(
    unit: &Unit,
    index: StructDefinitionIndex,
    definition: &StructDefinition,
) -> StructAbi {
    let compiled = &unit.module;
    let handle = compiled.struct_handle_at(definition.struct_handle);
    let location = unit.map.get_struct_source_map(index).ok().map(|map| map.definition_location);
    let fields = match &definition.field_information {
        StructFieldInformation::Native => Vec::new(),
        StructFieldInformation::Declared(fields) => fields
            .iter()
            .map(|field| ParamAbi {
                name: compiled.identifier_at(field.name).to_string(),
                ty: type_of(compiled, &field.signature.0),
            })
            .collect(),
    };
    StructAbi {
        name: compiled.identifier_at(handle.name).to_string(),
        doc: location.map_or_else(String::new, |location| doc(unit, location.start())),
        abilities: abilities(handle.abilities),
        type_params: u16::try_from(handle.type_parameters.len()).unwrap_or(u16::MAX),
        fields,
    }
}

/// Constants `E_NAME: u64`, with the doc comment above them.
fn aborts(unit: &Unit) -> Vec<AbortAbi> {
    let mut aborts: Vec<AbortAbi> = unit
        .map
        .constant_map
        .iter()
        .filter(|(name, _)| name.0.starts_with("E_"))
        .filter_map(|(name, index)| {
            let constant = unit.module.constant_pool().get(usize::from(*index))?;
            let code = u64::from_le_bytes(constant.data.as_slice().try_into().ok()?);
            let declared = unit.source.find(&format!("const {name}:"))?;
            let position = u32::try_from(declared).ok()?;
            Some(AbortAbi { code, name: name.to_string(), doc: doc(unit, position) })
        })
        .collect();
    aborts.sort_by(|a, b| (a.code, &a.name).cmp(&(b.code, &b.name)));
    aborts
}

pub(crate) fn type_of(module: &CompiledModule, token: &SignatureToken) -> TypeAbi {
    match token {
        SignatureToken::Bool => TypeAbi::Bool,
        SignatureToken::U8 => TypeAbi::U8,
        SignatureToken::U64 => TypeAbi::U64,
        SignatureToken::U128 => TypeAbi::U128,
        SignatureToken::Address => TypeAbi::Address,
        SignatureToken::Signer => TypeAbi::Signer,
        SignatureToken::Vector(inner) => TypeAbi::Vector(Box::new(type_of(module, inner))),
        SignatureToken::Struct(handle) => TypeAbi::Struct(struct_ref(module, *handle, &[])),
        SignatureToken::StructInstantiation(handle, args) => {
            TypeAbi::Struct(struct_ref(module, *handle, args))
        }
        SignatureToken::Reference(inner) => TypeAbi::Reference(Box::new(type_of(module, inner))),
        SignatureToken::MutableReference(inner) => {
            TypeAbi::MutReference(Box::new(type_of(module, inner)))
        }
        SignatureToken::TypeParameter(index) => TypeAbi::TypeParam(*index),
    }
}

fn struct_ref(
    module: &CompiledModule,
    handle: StructHandleIndex,
    args: &[SignatureToken],
) -> StructRef {
    let handle = module.struct_handle_at(handle);
    let home = module.module_handle_at(handle.module);
    StructRef {
        address: Address(module.address_identifier_at(home.address).into_bytes()),
        module: module.identifier_at(home.name).to_string(),
        name: module.identifier_at(handle.name).to_string(),
        type_args: args.iter().map(|arg| type_of(module, arg)).collect(),
    }
}

fn abilities(set: AbilitySet) -> Vec<String> {
    [
        (Ability::Copy, "copy"),
        (Ability::Drop, "drop"),
        (Ability::Store, "store"),
        (Ability::Key, "key"),
    ]
    .into_iter()
    .filter(|(ability, _)| set.has_ability(*ability))
    .map(|(_, name)| name.to_owned())
    .collect()
}

/// The doc comment of what is declared at or just before `position`: the last one whose token starts
/// on the same line or earlier in the same declaration.
fn doc(unit: &Unit, position: u32) -> String {
    let line = unit
        .source
        .get(..position as usize)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1);
    let from = u32::try_from(line).unwrap_or(0);
    unit.comments
        .range(from..=position)
        .next_back()
        .map(|(_, text)| {
            text.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
        })
        .unwrap_or_default()
}

/// A parameter's name without what the compiler appends.
fn plain(name: &str) -> String {
    name.split('#').next().unwrap_or(name).to_owned()
}
