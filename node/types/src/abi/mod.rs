//! A package's ABI: what the compiler knows about functions, structs, events and aborts, with doc
//! comments, in a form that needs no Move VM.

pub mod codec;
mod text;

use serde::{Deserialize, Serialize};

use crate::{hash::Hash, ids::Address};

/// The ABI of a package and of what its types use from `std` and `runtime`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PackageAbi {
    pub name: String,
    pub package: Hash,
    /// The package's own modules, then those of its dependencies.
    pub modules: Vec<ModuleAbi>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ModuleAbi {
    pub address: Address,
    pub name: String,
    pub doc: String,
    /// Whether the module belongs to the package itself.
    pub own: bool,
    pub functions: Vec<FunctionAbi>,
    pub structs: Vec<StructAbi>,
    /// Error constants: `const E_NOT_YOUR_TURN: u64 = 3;` with the doc comment above it.
    pub aborts: Vec<AbortAbi>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FunctionAbi {
    pub name: String,
    pub doc: String,
    /// Callable by a signed call.
    pub entry: bool,
    /// Public and returns something without `&mut` or signer parameters: callable as a view.
    pub view: bool,
    /// Abilities each type parameter must have, such as `["copy", "drop"]`.
    pub type_params: Vec<Vec<String>>,
    /// All parameters; leading signers are filled in by the host.
    pub params: Vec<ParamAbi>,
    pub returns: Vec<TypeAbi>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ParamAbi {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: TypeAbi,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StructAbi {
    pub name: String,
    pub doc: String,
    /// Among `copy`, `drop`, `store`, `key`.
    pub abilities: Vec<String>,
    pub type_params: u16,
    pub fields: Vec<ParamAbi>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AbortAbi {
    pub code: u64,
    pub name: String,
    pub doc: String,
}

/// A Move type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypeAbi {
    Bool,
    U8,
    U64,
    U128,
    Address,
    Signer,
    Vector(Box<TypeAbi>),
    Struct(StructRef),
    /// The n-th type parameter of what surrounds it.
    TypeParam(u16),
    Reference(Box<TypeAbi>),
    MutReference(Box<TypeAbi>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StructRef {
    pub address: Address,
    pub module: String,
    pub name: String,
    pub type_args: Vec<TypeAbi>,
}

impl PackageAbi {
    #[must_use]
    pub fn module(&self, address: &Address, name: &str) -> Option<&ModuleAbi> {
        self.modules.iter().find(|module| module.address == *address && module.name == name)
    }

    /// The documented name of an abort, if its module names it.
    #[must_use]
    pub fn abort(&self, address: &Address, module: &str, code: u64) -> Option<&AbortAbi> {
        self.module(address, module)?.aborts.iter().find(|abort| abort.code == code)
    }
}

impl TypeAbi {
    /// This type with its type parameters filled in; one without an argument stays.
    #[must_use]
    pub fn with_args(&self, args: &[Self]) -> Self {
        let boxed = |inner: &Self| Box::new(inner.with_args(args));
        match self {
            Self::TypeParam(index) => args.get(usize::from(*index)).unwrap_or(self).clone(),
            Self::Vector(inner) => Self::Vector(boxed(inner)),
            Self::Reference(inner) => Self::Reference(boxed(inner)),
            Self::MutReference(inner) => Self::MutReference(boxed(inner)),
            Self::Struct(structure) => Self::Struct(StructRef {
                type_args: structure.type_args.iter().map(|arg| arg.with_args(args)).collect(),
                ..structure.clone()
            }),
            Self::Bool | Self::U8 | Self::U64 | Self::U128 | Self::Address | Self::Signer => {
                self.clone()
            }
        }
    }
}

impl ModuleAbi {
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&FunctionAbi> {
        self.functions.iter().find(|function| function.name == name)
    }

    #[must_use]
    pub fn structure(&self, name: &str) -> Option<&StructAbi> {
        self.structs.iter().find(|structure| structure.name == name)
    }
}
