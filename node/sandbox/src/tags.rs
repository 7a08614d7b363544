//! Type tags as text: canonical, with short addresses and no spaces.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use fairway_types::{
    Address, Refusal,
    abi::{StructRef, TypeAbi},
};
use move_core_types::{
    account_address::AccountAddress,
    language_storage::{StructTag, TypeTag},
    parser::parse_type_tag,
};

/// Nodes of a type argument.
const MOST_NODES: usize = 4;
/// Bytes of a type argument's text.
const MOST_BYTES: usize = 1024;
/// Bytes that most types' texts fit.
const USUAL_BYTES: usize = 96;

pub(crate) fn address(address: &AccountAddress) -> Address {
    Address(address.into_bytes())
}

pub(crate) fn account(address: Address) -> AccountAddress {
    AccountAddress::new(address.0)
}

/// Texts of a package's types, made once each.
#[derive(Default)]
pub(crate) struct Texts {
    known: RwLock<HashMap<StructTag, Arc<str>>>,
}

/// Types remembered of a package: callers choose type arguments.
const MOST_KNOWN: usize = 1_024;

impl Texts {
    pub(crate) fn of(&self, tag: &StructTag) -> Arc<str> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(tag) {
            return Arc::clone(text);
        }
        let is_full = known.len() >= MOST_KNOWN;
        drop(known);
        let text: Arc<str> = struct_text(tag).into();
        if !is_full {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(tag.clone(), Arc::clone(&text));
        }
        text
    }
}

/// `0x2::vault::Vault`, `0x42::a::B<u64,0x1::c::D>`.
fn struct_text(tag: &StructTag) -> String {
    let mut text = String::with_capacity(USUAL_BYTES);
    append_struct(&mut text, tag);
    text
}

pub(crate) fn text_of(tag: &TypeTag) -> String {
    let mut text = String::with_capacity(USUAL_BYTES);
    append(&mut text, tag);
    text
}

fn append_struct(text: &mut String, tag: &StructTag) {
    text.push_str(&address(&tag.address).to_literal());
    text.push_str("::");
    text.push_str(tag.module.as_str());
    text.push_str("::");
    text.push_str(tag.name.as_str());
    for (place, param) in tag.type_params.iter().enumerate() {
        text.push(if place == 0 { '<' } else { ',' });
        append(text, param);
    }
    if !tag.type_params.is_empty() {
        text.push('>');
    }
}

fn append(text: &mut String, tag: &TypeTag) {
    match tag {
        TypeTag::Bool => text.push_str("bool"),
        TypeTag::U8 => text.push_str("u8"),
        TypeTag::U64 => text.push_str("u64"),
        TypeTag::U128 => text.push_str("u128"),
        TypeTag::Address => text.push_str("address"),
        TypeTag::Signer => text.push_str("signer"),
        TypeTag::Vector(inner) => {
            text.push_str("vector<");
            append(text, inner);
            text.push('>');
        }
        TypeTag::Struct(tag) => append_struct(text, tag),
    }
}

/// The type argument in `text`, as a caller may choose it: a primitive, or a vector of them. A struct
/// would multiply with the layouts of the function it is put into; admission bounds only what the
/// package itself writes.
pub(crate) fn parse(text: &str) -> Result<TypeTag, Refusal> {
    let refuse = |reason: String| Refusal::invalid("type argument", reason);
    if text.len() > MOST_BYTES {
        return Err(refuse(format!("{} bytes, the limit is {MOST_BYTES}", text.len())));
    }
    let depth = text.matches('<').count();
    if depth > MOST_NODES {
        return Err(refuse(format!("{depth} levels, the limit is {MOST_NODES}")));
    }
    let tag = parse_type_tag(text).map_err(|_| refuse(format!("{text:?} is not a type")))?;
    if !is_plain(&tag) {
        return Err(refuse(format!("{text:?}: a caller gives primitives and vectors of them")));
    }
    let nodes = nodes(&tag);
    if nodes > MOST_NODES {
        return Err(refuse(format!("{nodes} types in it, the limit is {MOST_NODES}")));
    }
    Ok(tag)
}

fn is_plain(tag: &TypeTag) -> bool {
    match tag {
        TypeTag::Vector(inner) => is_plain(inner),
        TypeTag::Struct(_) | TypeTag::Signer => false,
        TypeTag::Bool | TypeTag::U8 | TypeTag::U64 | TypeTag::U128 | TypeTag::Address => true,
    }
}

/// A type argument as the ABI writes it.
pub(crate) fn plain(tag: &TypeTag) -> TypeAbi {
    match tag {
        TypeTag::Bool => TypeAbi::Bool,
        TypeTag::U8 => TypeAbi::U8,
        TypeTag::U64 => TypeAbi::U64,
        TypeTag::U128 => TypeAbi::U128,
        TypeTag::Address => TypeAbi::Address,
        TypeTag::Signer => TypeAbi::Signer,
        TypeTag::Vector(inner) => TypeAbi::Vector(Box::new(plain(inner))),
        TypeTag::Struct(tag) => TypeAbi::Struct(StructRef {
            address: address(&tag.address),
            module: tag.module.to_string(),
            name: tag.name.to_string(),
            type_args: tag.type_params.iter().map(plain).collect(),
        }),
    }
}

fn nodes(tag: &TypeTag) -> usize {
    match tag {
        TypeTag::Vector(inner) => 1 + nodes(inner),
        TypeTag::Struct(tag) => 1 + tag.type_params.iter().map(nodes).sum::<usize>(),
        TypeTag::Bool
        | TypeTag::U8
        | TypeTag::U64
        | TypeTag::U128
        | TypeTag::Address
        | TypeTag::Signer => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_has_short_addresses_and_no_spaces() {
        let tag = parse_type_tag("0x0002::a::B<u64, vector<0x1::c::D>>").unwrap();
        assert_eq!(text_of(&tag), "0x2::a::B<u64,vector<0x1::c::D>>");
        let plain = parse_type_tag("0x2::a::B").unwrap();
        assert_eq!(text_of(&plain), "0x2::a::B");
    }

    #[test]
    fn deep_and_long_types_are_refused() {
        let deep = format!("{}u8{}", "vector<".repeat(40), ">".repeat(40));
        assert!(parse(&deep).is_err());
        assert!(parse(&"x".repeat(2_000)).is_err());
        assert!(parse("nonsense<").is_err());
    }
}
