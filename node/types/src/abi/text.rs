//! Types as text: `u64`, `vector<address>`, `0x2::vault::Vault`, `0x42::a::B<u64,0x1::c::D>`.

use std::{fmt, str::FromStr};

use super::{StructRef, TypeAbi};
use crate::{Refusal, ids::Address};

/// Nesting of a type.
const MOST_DEPTH: usize = 16;
/// Bytes of a type's text.
const MOST_BYTES: usize = 1024;

impl fmt::Display for TypeAbi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::U8 => f.write_str("u8"),
            Self::U64 => f.write_str("u64"),
            Self::U128 => f.write_str("u128"),
            Self::Address => f.write_str("address"),
            Self::Signer => f.write_str("signer"),
            Self::Vector(inner) => write!(f, "vector<{inner}>"),
            Self::Struct(structure) => structure.fmt(f),
            Self::TypeParam(index) => write!(f, "T{index}"),
            Self::Reference(inner) => write!(f, "&{inner}"),
            Self::MutReference(inner) => write!(f, "&mut {inner}"),
        }
    }
}

impl fmt::Display for StructRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}::{}", self.address.to_literal(), self.module, self.name)?;
        if self.type_args.is_empty() {
            return Ok(());
        }
        let args: Vec<String> = self.type_args.iter().map(TypeAbi::to_string).collect();
        write!(f, "<{}>", args.join(","))
    }
}

impl FromStr for TypeAbi {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refuse = || {
            let shown: String = text.chars().take(80).collect();
            Refusal::invalid("type", format!("{shown:?} is not a type"))
        };
        if text.len() > MOST_BYTES {
            return Err(refuse());
        }
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let mut rest = compact.as_str();
        let ty = parse(&mut rest, 0).ok_or_else(refuse)?;
        if rest.is_empty() { Ok(ty) } else { Err(refuse()) }
    }
}

fn parse(rest: &mut &str, depth: usize) -> Option<TypeAbi> {
    if depth > MOST_DEPTH {
        return None;
    }
    let end = rest.find(['<', '>', ',']).unwrap_or(rest.len());
    let (head, tail) = rest.split_at(end);
    *rest = tail;
    let args = parse_args(rest, depth)?;
    match (head, args.as_slice()) {
        ("bool", []) => Some(TypeAbi::Bool),
        ("u8", []) => Some(TypeAbi::U8),
        ("u64", []) => Some(TypeAbi::U64),
        ("u128", []) => Some(TypeAbi::U128),
        ("address", []) => Some(TypeAbi::Address),
        ("signer", []) => Some(TypeAbi::Signer),
        ("vector", [inner]) => Some(TypeAbi::Vector(Box::new(inner.clone()))),
        (path, _) => {
            let mut parts = path.split("::");
            let address = Address::from_literal(parts.next()?).ok()?;
            let (module, name) = (identifier(parts.next()?)?, identifier(parts.next()?)?);
            if parts.next().is_some() {
                return None;
            }
            Some(TypeAbi::Struct(StructRef { address, module, name, type_args: args }))
        }
    }
}

/// `<A,B>` at the start of `rest`, or nothing.
fn parse_args(rest: &mut &str, depth: usize) -> Option<Vec<TypeAbi>> {
    let Some(inside) = rest.strip_prefix('<') else { return Some(Vec::new()) };
    *rest = inside;
    let mut args = vec![parse(rest, depth + 1)?];
    while let Some(next) = rest.strip_prefix(',') {
        *rest = next;
        args.push(parse(rest, depth + 1)?);
    }
    *rest = rest.strip_prefix('>')?;
    Some(args)
}

fn identifier(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    let fits = (first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_in_canonical_form() {
        let cases = [
            ("u64", "u64"),
            ("vector<vector<u8>>", "vector<vector<u8>>"),
            ("0x002::vault::Vault", "0x2::vault::Vault"),
            (
                "0x1::option::Option< 0x42::a::B<u64, bool> >",
                "0x1::option::Option<0x42::a::B<u64,bool>>",
            ),
        ];
        for (text, canonical) in cases {
            assert_eq!(text.parse::<TypeAbi>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn what_is_no_type_is_refused() {
        let deep = format!("{}u8{}", "vector<".repeat(40), ">".repeat(40));
        for text in [
            "",
            "u65",
            "vector",
            "vector<>",
            "vector<u8",
            "u64>",
            "0x1::a",
            "1::a::B",
            "0x1::a::B::c",
            "0x1::a::9",
            &deep,
        ] {
            assert!(text.parse::<TypeAbi>().is_err(), "{text}");
        }
    }
}
