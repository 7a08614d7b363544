//! Checks BCS arguments against their declared types. The VM only checks that bytes deserialize; it
//! would build strings that are no UTF-8 and signers out of bytes.

use fairway_types::abi::{StructRef, TypeAbi};

/// Nesting of a value.
const MOST_DEPTH: usize = 8;

/// Whether `bytes` are exactly one value of a type that the host admits.
pub(crate) fn is_value(ty: &TypeAbi, bytes: &[u8]) -> bool {
    let mut rest = bytes;
    read(ty, &mut rest, 0).is_some() && rest.is_empty()
}

/// Whether a call may carry arguments of this type.
pub(crate) fn is_admitted(ty: &TypeAbi) -> bool {
    match ty {
        TypeAbi::Bool | TypeAbi::U8 | TypeAbi::U64 | TypeAbi::U128 | TypeAbi::Address => true,
        TypeAbi::Vector(inner) => is_admitted(inner),
        TypeAbi::Struct(structure) => match std_kind(structure) {
            Some(Kind::Utf8 | Kind::Ascii) => true,
            Some(Kind::Option) => structure.type_args.iter().all(is_admitted),
            None => false,
        },
        TypeAbi::Signer
        | TypeAbi::TypeParam(_)
        | TypeAbi::Reference(_)
        | TypeAbi::MutReference(_) => false,
    }
}

/// Structs of the standard library with a meaning of their own.
enum Kind {
    Utf8,
    Ascii,
    Option,
}

fn std_kind(structure: &StructRef) -> Option<Kind> {
    if structure.address != crate::STD {
        return None;
    }
    match (structure.module.as_str(), structure.name.as_str()) {
        ("string", "String") => Some(Kind::Utf8),
        ("ascii", "String") => Some(Kind::Ascii),
        ("option", "Option") => Some(Kind::Option),
        _ => None,
    }
}

fn read(ty: &TypeAbi, rest: &mut &[u8], depth: usize) -> Option<()> {
    if depth > MOST_DEPTH {
        return None;
    }
    match ty {
        TypeAbi::Bool => (take(rest, 1)?[0] <= 1).then_some(()),
        TypeAbi::U8 => take(rest, 1).map(drop),
        TypeAbi::U64 => take(rest, 8).map(drop),
        TypeAbi::U128 => take(rest, 16).map(drop),
        TypeAbi::Address => take(rest, 32).map(drop),
        TypeAbi::Vector(inner) => {
            let count = length(rest)?;
            if **inner == TypeAbi::U8 {
                return take(rest, count).map(drop);
            }
            (0..count).try_for_each(|_| read(inner, rest, depth + 1))
        }
        TypeAbi::Struct(structure) => read_struct(structure, rest, depth),
        TypeAbi::Signer
        | TypeAbi::TypeParam(_)
        | TypeAbi::Reference(_)
        | TypeAbi::MutReference(_) => None,
    }
}

fn read_struct(structure: &StructRef, rest: &mut &[u8], depth: usize) -> Option<()> {
    match std_kind(structure)? {
        Kind::Utf8 => {
            let count = length(rest)?;
            std::str::from_utf8(take(rest, count)?).ok().map(drop)
        }
        Kind::Ascii => {
            let count = length(rest)?;
            take(rest, count)?.is_ascii().then_some(())
        }
        Kind::Option => {
            let count = length(rest)?;
            let inner = structure.type_args.first()?;
            match count {
                0 => Some(()),
                1 => read(inner, rest, depth + 1),
                _ => None,
            }
        }
    }
}

/// A ULEB128 length, canonical as BCS wants it, and no larger than what is left.
fn length(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = take(rest, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let canonical = shift == 0 || byte != 0;
            let value = usize::try_from(value).ok()?;
            return (canonical && value <= rest.len()).then_some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn std_type(module: &str, name: &str, type_args: Vec<TypeAbi>) -> TypeAbi {
        let (module, name) = (module.to_owned(), name.to_owned());
        TypeAbi::Struct(StructRef { address: crate::STD, module, name, type_args })
    }

    #[test]
    fn values_are_exact() {
        assert!(is_value(&TypeAbi::U64, &[0; 8]));
        assert!(!is_value(&TypeAbi::U64, &[0; 9]));
        assert!(!is_value(&TypeAbi::U64, &[0; 7]));
        assert!(is_value(&TypeAbi::Bool, &[1]));
        assert!(!is_value(&TypeAbi::Bool, &[2]));
        let bytes = TypeAbi::Vector(Box::new(TypeAbi::U8));
        assert!(is_value(&bytes, &[2, 9, 9]));
        assert!(!is_value(&bytes, &[0xff, 0xff, 0xff, 0xff, 0x0f]));
        assert!(!is_value(&bytes, &[0x80, 0]));
    }

    #[test]
    fn strings_must_be_text() {
        let utf8 = std_type("string", "String", Vec::new());
        assert!(is_value(&utf8, &[2, 0xc3, 0xa9]));
        assert!(!is_value(&utf8, &[1, 0xff]));
        let ascii = std_type("ascii", "String", Vec::new());
        assert!(!is_value(&ascii, &[2, 0xc3, 0xa9]));
    }

    #[test]
    fn options_hold_at_most_one() {
        let option = std_type("option", "Option", vec![TypeAbi::U8]);
        assert!(is_value(&option, &[0]));
        assert!(is_value(&option, &[1, 5]));
        assert!(!is_value(&option, &[2, 5, 5]));
    }

    #[test]
    fn signers_structs_and_references_are_not_arguments() {
        let own = StructRef {
            address: fairway_types::Address::from_low(0x42),
            module: "a".into(),
            name: "Coin".into(),
            type_args: Vec::new(),
        };
        let refused = [
            TypeAbi::Signer,
            TypeAbi::Struct(own),
            TypeAbi::Reference(Box::new(TypeAbi::U8)),
            TypeAbi::TypeParam(0),
        ];
        for ty in refused {
            assert!(!is_admitted(&ty));
            assert!(!is_admitted(&TypeAbi::Vector(Box::new(ty.clone()))));
            assert!(!is_value(&ty, &[0; 32]));
        }
    }
}
