//! Typed clients from a package's ABI: a method for each entry function and view, a type for each
//! resource and event, a name for each abort. Knows no Move VM, no node and no file: an ABI goes in,
//! text comes out, the same text for the same ABI.

mod names;
mod plan;
mod rust;
mod typescript;

use fairway_types::abi::PackageAbi;

/// What a client is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    TypeScript,
}

/// Why there is no client for a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoClient {
    /// An ABI that no compiler made.
    #[error(
        "{what} is named {name:?}, which is no Move name: this is no ABI of a compiled package"
    )]
    NoName { what: &'static str, name: String },
    #[error(
        "{place} uses {missing}, which the ABI does not describe: make the ABI anew from the package"
    )]
    UnknownType { place: String, missing: String },
    #[error("{first} and {second} would both be {name} in {scope}: rename one of them")]
    SameName { first: String, second: String, name: String, scope: String },
    #[error("the generated text is not valid Rust ({reason}): please report this with the package")]
    NotRust { reason: String },
}

/// The client of a package: one file.
///
/// # Errors
///
/// [`NoClient`] when two things would have one name in the language, or the ABI is not one that a
/// compiler made. Functions whose arguments nobody can give (structs) are left out, and the client's
/// documentation names them.
pub fn client(abi: &PackageAbi, language: Language) -> Result<String, NoClient> {
    let plan = plan::Plan::of(abi)?;
    match language {
        Language::Rust => rust::render(&plan),
        Language::TypeScript => typescript::render(&plan),
    }
}
