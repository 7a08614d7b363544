//! What a client has, before any language: the ABI with its types resolved, without what no caller can
//! use.

use std::collections::BTreeSet;

use fairway_types::{
    Address, Hash,
    abi::{AbortAbi, FunctionAbi, ModuleAbi, PackageAbi, ParamAbi, StructAbi, StructRef, TypeAbi},
};

use crate::{NoClient, names};

pub(crate) struct Plan {
    pub(crate) package: String,
    pub(crate) hash: Hash,
    pub(crate) modules: Vec<Module>,
}

pub(crate) struct Module {
    /// Its name, with the address where another one has the same.
    pub(crate) name: String,
    /// As in `0x43::arena`.
    pub(crate) path: String,
    pub(crate) doc: String,
    pub(crate) calls: Vec<Function>,
    pub(crate) views: Vec<Function>,
    /// Functions left out, each with the reason.
    pub(crate) left_out: Vec<String>,
    pub(crate) structs: Vec<Struct>,
    pub(crate) aborts: Vec<AbortAbi>,
}

pub(crate) struct Function {
    pub(crate) name: String,
    /// As in `0x43::arena::turn`.
    pub(crate) path: String,
    pub(crate) doc: String,
    pub(crate) type_params: u16,
    pub(crate) params: Vec<Field>,
    pub(crate) returns: Vec<Type>,
}

pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) doc: String,
    pub(crate) type_params: u16,
    pub(crate) fields: Vec<Field>,
    /// Stored under accounts.
    pub(crate) is_resource: bool,
    /// May come as an event.
    pub(crate) is_event: bool,
}

pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// A type as callers and readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    U8,
    U64,
    U128,
    Address,
    /// `vector<u8>`.
    Bytes,
    /// `0x1::string::String` and `0x1::ascii::String`.
    Text,
    Option(Box<Type>),
    Vector(Box<Type>),
    Param(u16),
    /// A struct of a module of the plan.
    Struct {
        module: String,
        name: String,
        args: Vec<Type>,
    },
}

impl Type {
    /// Whether the type parameter stands in it.
    pub(crate) fn mentions(&self, param: u16) -> bool {
        match self {
            Self::Param(index) => *index == param,
            Self::Option(inner) | Self::Vector(inner) => inner.mentions(param),
            Self::Struct { args, .. } => args.iter().any(|arg| arg.mentions(param)),
            Self::Bool
            | Self::U8
            | Self::U64
            | Self::U128
            | Self::Address
            | Self::Bytes
            | Self::Text => false,
        }
    }
}

impl Plan {
    pub(crate) fn of(abi: &PackageAbi) -> Result<Self, NoClient> {
        check_names(abi)?;
        let used = reachable(abi)?;
        let reader = Reader { abi };
        let mut modules = Vec::new();
        for module in &abi.modules {
            let planned = reader.module(module, &used)?;
            let has_types = !planned.structs.is_empty() || !planned.aborts.is_empty();
            if has_types || !planned.calls.is_empty() || !planned.views.is_empty() {
                modules.push(planned);
            }
        }
        Ok(Self { package: abi.name.clone(), hash: abi.package, modules })
    }
}

/// An ABI comes from whoever runs the node: nothing of it gets into code but Move's own names.
fn check_names(abi: &PackageAbi) -> Result<(), NoClient> {
    let check = |what: &'static str, name: &String| {
        if names::is_move(name) {
            Ok(())
        } else {
            Err(NoClient::NoName { what, name: name.clone() })
        }
    };
    for module in &abi.modules {
        check("a module", &module.name)?;
        for function in &module.functions {
            check("a function", &function.name)?;
            function.params.iter().try_for_each(|param| check("a parameter", &param.name))?;
        }
        for structure in &module.structs {
            check("a struct", &structure.name)?;
            structure.fields.iter().try_for_each(|field| check("a field", &field.name))?;
        }
        module.aborts.iter().try_for_each(|abort| check("an abort", &abort.name))?;
    }
    check("the package", &abi.name)
}

/// Modules that are written out whole: the package's own, and those of the library that an account
/// can call or that store something, as `runtime::vault`.
fn is_whole(module: &ModuleAbi) -> bool {
    module.own
        || module.functions.iter().any(|function| function.entry)
        || module.structs.iter().any(|structure| has(structure, "key"))
}

fn has(structure: &StructAbi, ability: &str) -> bool {
    structure.abilities.iter().any(|found| found == ability)
}

type Names = BTreeSet<(Address, String, String)>;

/// Structs that a client can meet: resources, events, and what views and other structs hold.
fn reachable(abi: &PackageAbi) -> Result<Names, NoClient> {
    let mut found = Names::new();
    for module in abi.modules.iter().filter(|module| is_whole(module)) {
        let own = module.structs.iter().filter(|structure| module.own || has(structure, "key"));
        for structure in own {
            visit(abi, module, structure, &mut found)?;
        }
        for function in module.functions.iter().filter(|function| function.view) {
            let place = format!("{}::{}", module.name, function.name);
            for ty in &function.returns {
                visit_type(abi, &place, ty, &mut found)?;
            }
        }
    }
    Ok(found)
}

fn visit(
    abi: &PackageAbi,
    module: &ModuleAbi,
    structure: &StructAbi,
    found: &mut Names,
) -> Result<(), NoClient> {
    if !found.insert((module.address, module.name.clone(), structure.name.clone())) {
        return Ok(());
    }
    let place = format!("{}::{}", module.name, structure.name);
    structure.fields.iter().try_for_each(|field| visit_type(abi, &place, &field.ty, found))
}

fn visit_type(
    abi: &PackageAbi,
    place: &str,
    ty: &TypeAbi,
    found: &mut Names,
) -> Result<(), NoClient> {
    match ty {
        TypeAbi::Vector(inner) | TypeAbi::Reference(inner) | TypeAbi::MutReference(inner) => {
            visit_type(abi, place, inner, found)
        }
        TypeAbi::Struct(used) => {
            used.type_args.iter().try_for_each(|arg| visit_type(abi, place, arg, found))?;
            if known(used).is_some() {
                return Ok(());
            }
            let module = abi.module(&used.address, &used.module);
            match module.and_then(|module| Some((module, module.structure(&used.name)?))) {
                Some((module, structure)) => visit(abi, module, structure, found),
                None => Err(NoClient::UnknownType {
                    place: place.to_owned(),
                    missing: used.to_string(),
                }),
            }
        }
        TypeAbi::Bool
        | TypeAbi::U8
        | TypeAbi::U64
        | TypeAbi::U128
        | TypeAbi::Address
        | TypeAbi::Signer
        | TypeAbi::TypeParam(_) => Ok(()),
    }
}

/// Structs of the standard library that have a JSON form of their own.
enum Known<'a> {
    Text,
    Option(&'a TypeAbi),
}

fn known(used: &StructRef) -> Option<Known<'_>> {
    if used.address != Address::from_low(1) {
        return None;
    }
    match (used.module.as_str(), used.name.as_str(), used.type_args.as_slice()) {
        ("string" | "ascii", "String", []) => Some(Known::Text),
        ("option", "Option", [inner]) => Some(Known::Option(inner)),
        _ => None,
    }
}

struct Reader<'a> {
    abi: &'a PackageAbi,
}

impl Reader<'_> {
    fn module(&self, module: &ModuleAbi, used: &Names) -> Result<Module, NoClient> {
        let path = format!("{}::{}", module.address.to_literal(), module.name);
        let mut planned = Module {
            name: self.module_name(&module.address, &module.name),
            path: path.clone(),
            doc: module.doc.clone(),
            calls: Vec::new(),
            views: Vec::new(),
            left_out: Vec::new(),
            structs: Vec::new(),
            aborts: aborts(&module.aborts),
        };
        if is_whole(module) {
            for function in &module.functions {
                self.add_function(&path, module.own, function, &mut planned);
            }
        }
        for structure in &module.structs {
            let name = (module.address, module.name.clone(), structure.name.clone());
            if used.contains(&name) {
                planned.structs.push(self.structure(&path, module.own, structure));
            }
        }
        Ok(planned)
    }

    /// A module's name, which two addresses of a package may share.
    fn module_name(&self, address: &Address, name: &str) -> String {
        let shared = self.abi.modules.iter().filter(|module| module.name == name).count() > 1;
        if shared { format!("{name}_{}", address.to_literal()) } else { name.to_owned() }
    }

    fn add_function(&self, path: &str, own: bool, function: &FunctionAbi, to: &mut Module) {
        if !function.entry && !function.view {
            return;
        }
        match self.function(path, function) {
            Ok(planned) if function.entry => to.calls.push(planned),
            Ok(planned) => to.views.push(planned),
            Err(reason) if own => to.left_out.push(format!("`{}` {reason}", function.name)),
            Err(_) => {}
        }
    }

    fn function(&self, path: &str, function: &FunctionAbi) -> Result<Function, String> {
        let given = function.params.iter().skip_while(|param| is_signer(&param.ty));
        let params = given.map(|param| self.param(param)).collect::<Result<_, _>>()?;
        let returns = function.returns.iter().map(|ty| {
            self.resolve(ty).ok_or_else(|| format!("answers {ty}, which has no form in JSON"))
        });
        Ok(Function {
            name: function.name.clone(),
            path: format!("{path}::{}", function.name),
            doc: function.doc.clone(),
            type_params: u16::try_from(function.type_params.len()).unwrap_or(u16::MAX),
            params,
            returns: if function.entry { Vec::new() } else { returns.collect::<Result<_, _>>()? },
        })
    }

    fn param(&self, param: &ParamAbi) -> Result<Field, String> {
        let ty = if let TypeAbi::Reference(inner) = &param.ty { inner } else { &param.ty };
        match self.resolve(ty) {
            Some(ty) if !holds_struct(&ty) => Ok(Field { name: param.name.clone(), ty }),
            _ => Err(format!("takes {ty}, which no caller can give")),
        }
    }

    fn structure(&self, path: &str, own: bool, structure: &StructAbi) -> Struct {
        let field = |field: &ParamAbi| {
            self.resolve(&field.ty).map(|ty| Field { name: field.name.clone(), ty })
        };
        let is_resource = has(structure, "key");
        let is_event =
            own && !is_resource && ["copy", "drop", "store"].iter().all(|a| has(structure, a));
        Struct {
            name: structure.name.clone(),
            path: format!("{path}::{}", structure.name),
            doc: structure.doc.clone(),
            type_params: structure.type_params,
            // A field holds neither a reference nor a signer; one of this name is what the compiler
            // gives a struct without any.
            fields: structure
                .fields
                .iter()
                .filter(|field| field.name != "dummy_field")
                .filter_map(field)
                .collect(),
            is_resource,
            is_event: is_event && structure.type_params == 0,
        }
    }

    /// The type as callers and readers see it; none for a reference.
    fn resolve(&self, ty: &TypeAbi) -> Option<Type> {
        Some(match ty {
            TypeAbi::Bool => Type::Bool,
            TypeAbi::U8 => Type::U8,
            TypeAbi::U64 => Type::U64,
            TypeAbi::U128 => Type::U128,
            TypeAbi::Address => Type::Address,
            TypeAbi::Vector(inner) if **inner == TypeAbi::U8 => Type::Bytes,
            TypeAbi::Vector(inner) => Type::Vector(Box::new(self.resolve(inner)?)),
            TypeAbi::TypeParam(index) => Type::Param(*index),
            TypeAbi::Struct(used) => match known(used) {
                Some(Known::Text) => Type::Text,
                Some(Known::Option(inner)) => Type::Option(Box::new(self.resolve(inner)?)),
                None => Type::Struct {
                    module: self.module_name(&used.address, &used.module),
                    name: used.name.clone(),
                    args: used
                        .type_args
                        .iter()
                        .map(|arg| self.resolve(arg))
                        .collect::<Option<_>>()?,
                },
            },
            TypeAbi::Signer | TypeAbi::Reference(_) | TypeAbi::MutReference(_) => return None,
        })
    }
}

fn is_signer(ty: &TypeAbi) -> bool {
    if let TypeAbi::Reference(inner) = ty { is_signer(inner) } else { *ty == TypeAbi::Signer }
}

fn holds_struct(ty: &Type) -> bool {
    match ty {
        Type::Struct { .. } => true,
        Type::Option(inner) | Type::Vector(inner) => holds_struct(inner),
        Type::Bool
        | Type::U8
        | Type::U64
        | Type::U128
        | Type::Address
        | Type::Bytes
        | Type::Text
        | Type::Param(_) => false,
    }
}

/// One name a code: where two constants share one, nodes name the first.
fn aborts(all: &[AbortAbi]) -> Vec<AbortAbi> {
    let mut codes = BTreeSet::new();
    all.iter().filter(|abort| codes.insert(abort.code)).cloned().collect()
}
