//! Names of a Move package in the customs of other languages.

use std::collections::BTreeMap;

use heck::{ToLowerCamelCase, ToSnakeCase, ToUpperCamelCase};

use crate::NoClient;

/// Words that Rust keeps, and cannot take as `r#word`.
const RUST_NEVER: [&str; 5] = ["crate", "self", "Self", "super", "_"];
/// Words that TypeScript keeps, or that modules, classes and promises give a meaning.
const TYPESCRIPT: &str = "abstract any arguments as async await boolean break case catch class const \
    constructor continue debugger declare default delete do else enum eval export extends false finally \
    for from function get hasOwnProperty if implements import in instanceof interface let move new null \
    number of package private protected prototype public return set static string super switch symbol \
    then this throw toString true try type typeof undefined valueOf var void while with yield";
/// What generated TypeScript uses of the language itself: no struct takes its name.
const TYPESCRIPT_TYPES: &str =
    "Array Error Function Object Promise Record String Symbol Uint8Array";

/// Whether `name` is an identifier of Move.
pub(crate) fn is_move(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().next().is_some_and(|c| !c.is_ascii_digit()) && name.chars().all(fits)
}

/// A struct's name, or an abort's without its `E_`: `NO_PLAYER` is `NoPlayer`, `Player` stays.
pub(crate) fn type_name(name: &str) -> String {
    let has_case = name.contains(|c: char| c.is_ascii_lowercase());
    if has_case && !name.contains('_') {
        return name.to_owned();
    }
    sound(name.to_upper_camel_case())
}

/// What a module's own types begin with: `Arena` of `arena`.
pub(crate) fn prefix(module: &str) -> String {
    sound(module.to_upper_camel_case())
}

/// A field, parameter, function or module in Rust; one of `taken` gets a `_` after it.
pub(crate) fn rust(name: &str, taken: &[&str]) -> String {
    let snake = sound(name.to_snake_case());
    if RUST_NEVER.contains(&&*snake) || taken.contains(&&*snake) { snake + "_" } else { snake }
}

/// A parameter or method in TypeScript.
pub(crate) fn typescript(name: &str) -> String {
    let camel = sound(name.to_lower_camel_case());
    let kept = TYPESCRIPT.split_whitespace().any(|word| word == camel);
    if kept { camel + "_" } else { camel }
}

/// A property in TypeScript, where every word may stand but one.
pub(crate) fn typescript_field(name: &str) -> String {
    sound(name.to_lower_camel_case())
}

/// A type in TypeScript.
pub(crate) fn typescript_type(name: &str) -> String {
    let name = type_name(name);
    if TYPESCRIPT_TYPES.split_whitespace().any(|word| word == name) { name + "_" } else { name }
}

/// A name that begins with no digit: `_1` would.
fn sound(name: String) -> String {
    match name.chars().next() {
        None => "unnamed".into(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// The names of one scope, each taken once.
pub(crate) struct Scope {
    what: String,
    taken: BTreeMap<String, String>,
}

impl Scope {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), taken: BTreeMap::new() }
    }

    /// Takes `name` for what Move calls `origin`.
    pub(crate) fn take(&mut self, name: &str, origin: &str) -> Result<(), NoClient> {
        match self.taken.insert(name.to_owned(), origin.to_owned()) {
            None => Ok(()),
            Some(first) => Err(NoClient::SameName {
                first,
                second: origin.to_owned(),
                name: name.to_owned(),
                scope: self.what.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_language_and_never_are_its_words() {
        assert_eq!(type_name("NO_PLAYER"), "NoPlayer");
        assert_eq!(type_name("NFTItem"), "NFTItem");
        assert_eq!(type_name("Game_Over"), "GameOver");
        assert_eq!(type_name("X"), "X");
        assert_eq!(rust("stepX", &[]), "step_x");
        assert_eq!(rust("self", &[]), "self_");
        assert_eq!(rust("new", &["new"]), "new_");
        assert_eq!(rust("_1", &[]), "_1");
        assert_eq!(typescript("step_x"), "stepX");
        assert_eq!(typescript("delete"), "delete_");
        assert_eq!(typescript("value_of"), "valueOf_");
        assert_eq!(typescript_field("delete"), "delete");
        assert_eq!(typescript_type("Promise"), "Promise_");
    }

    #[test]
    fn names_that_no_compiler_gives_are_told_apart() {
        for good in ["a", "_a", "A9", "a_b"] {
            assert!(is_move(good), "{good}");
        }
        for bad in ["", "9", "a-b", "a b", "a\n", "é", "a;process.exit()"] {
            assert!(!is_move(bad), "{bad}");
        }
    }
}
