//! Values between JSON and BCS, by their type in the ABI.
//!
//! | type | JSON |
//! |---|---|
//! | `bool` | `true` |
//! | `u8` | number |
//! | `u64`, `u128` | decimal string; a number is taken too |
//! | `address` | `0x` and 64 hex digits; shorter is taken too |
//! | `vector<u8>` | `0x` hex string |
//! | `vector<T>` | array |
//! | `0x1::string::String`, `0x1::ascii::String` | string |
//! | `0x1::option::Option<T>` | value or `null` |
//! | struct | object with every field |

use serde_json::{Map, Value};

use super::{FunctionAbi, PackageAbi, StructAbi, StructRef, TypeAbi};
use crate::{Refusal, ids::Address};

/// Nesting of a value.
const MOST_DEPTH: usize = 16;

/// What is wrong with a value, and where: `args[2].amount: expected u64, found "x"`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: expected {expected}, found {found}")]
pub struct CodecError {
    pub path: String,
    pub expected: String,
    pub found: String,
}

impl From<CodecError> for Refusal {
    fn from(error: CodecError) -> Self {
        let reason = format!("expected {}, found {}", error.expected, error.found);
        Self::InvalidArgument { what: error.path, reason }
    }
}

/// The BCS arguments of a call: one for each parameter that is not a signer.
pub fn encode_args(
    abi: &PackageAbi,
    function: &FunctionAbi,
    type_args: &[TypeAbi],
    args: &[Value],
) -> Result<Vec<Vec<u8>>, CodecError> {
    let params: Vec<_> = function.params.iter().skip_while(|param| is_signer(&param.ty)).collect();
    if params.len() != args.len() {
        let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
        return Err(CodecError {
            path: "args".into(),
            expected: format!("{} ({})", params.len(), names.join(", ")),
            found: args.len().to_string(),
        });
    }
    let encode_one = |(index, (param, value)): (usize, (_, &Value))| {
        let param: &super::ParamAbi = param;
        let ty = by_value(&param.ty).with_args(type_args);
        let mut bytes = Vec::new();
        Writer { abi, path: format!("args[{index}]") }.write(&ty, value, &mut bytes, 0)?;
        Ok(bytes)
    };
    params.into_iter().zip(args).enumerate().map(encode_one).collect()
}

/// The BCS bytes of a JSON value.
pub fn encode(abi: &PackageAbi, ty: &TypeAbi, value: &Value) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::new();
    Writer { abi, path: "value".into() }.write(ty, value, &mut bytes, 0)?;
    Ok(bytes)
}

/// The JSON of a BCS value, all of `bytes`.
pub fn decode(abi: &PackageAbi, ty: &TypeAbi, bytes: &[u8]) -> Result<Value, CodecError> {
    let mut reader = Reader { abi, rest: bytes };
    let failed = || CodecError {
        path: "value".into(),
        expected: ty.to_string(),
        found: format!("{} other bytes", bytes.len()),
    };
    let value = reader.read(ty, 0).ok_or_else(failed)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(failed()) }
}

fn is_signer(ty: &TypeAbi) -> bool {
    *by_value(ty) == TypeAbi::Signer
}

fn by_value(ty: &TypeAbi) -> &TypeAbi {
    if let TypeAbi::Reference(inner) = ty { inner } else { ty }
}

/// Structs of the standard library that JSON has a form for.
enum Known<'a> {
    Utf8,
    Ascii,
    Option(&'a TypeAbi),
}

fn known(structure: &StructRef) -> Option<Known<'_>> {
    if structure.address != Address::from_low(1) {
        return None;
    }
    match (structure.module.as_str(), structure.name.as_str(), structure.type_args.as_slice()) {
        ("string", "String", []) => Some(Known::Utf8),
        ("ascii", "String", []) => Some(Known::Ascii),
        ("option", "Option", [inner]) => Some(Known::Option(inner)),
        _ => None,
    }
}

fn definition<'a>(abi: &'a PackageAbi, structure: &StructRef) -> Option<&'a StructAbi> {
    abi.module(&structure.address, &structure.module)?.structure(&structure.name)
}

struct Writer<'a> {
    abi: &'a PackageAbi,
    path: String,
}

impl Writer<'_> {
    fn refuse(&self, expected: impl Into<String>, found: &Value) -> CodecError {
        let found: String = found.to_string().chars().take(80).collect();
        CodecError { path: self.path.clone(), expected: expected.into(), found }
    }

    /// Writes a value one level down, with its place in the path of an error.
    fn inside(
        &mut self,
        step: &str,
        ty: &TypeAbi,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), CodecError> {
        let length = self.path.len();
        self.path.push_str(step);
        self.write(ty, value, out, depth + 1)?;
        self.path.truncate(length);
        Ok(())
    }

    fn write(
        &mut self,
        ty: &TypeAbi,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), CodecError> {
        let refuse = |this: &Self| this.refuse(ty.to_string(), value);
        if depth > MOST_DEPTH {
            return Err(self.refuse(format!("at most {MOST_DEPTH} levels"), value));
        }
        match ty {
            TypeAbi::Bool => out.push(u8::from(value.as_bool().ok_or_else(|| refuse(self))?)),
            TypeAbi::U8 => {
                let number = integer(value).and_then(|n| u8::try_from(n).ok());
                out.push(number.ok_or_else(|| refuse(self))?);
            }
            TypeAbi::U64 => {
                let number = integer(value).and_then(|n| u64::try_from(n).ok());
                out.extend(number.ok_or_else(|| refuse(self))?.to_le_bytes());
            }
            TypeAbi::U128 => {
                out.extend(integer(value).ok_or_else(|| refuse(self))?.to_le_bytes());
            }
            TypeAbi::Address => {
                let address = value.as_str().and_then(|text| Address::from_literal(text).ok());
                out.extend(address.ok_or_else(|| refuse(self))?.0);
            }
            TypeAbi::Vector(inner) if **inner == TypeAbi::U8 && value.is_string() => {
                let text = value.as_str().and_then(|text| text.strip_prefix("0x"));
                let bytes = text.and_then(|digits| hex::decode(digits).ok());
                write_bytes(out, &bytes.ok_or_else(|| refuse(self))?);
            }
            TypeAbi::Vector(inner) => {
                let items = value.as_array().ok_or_else(|| refuse(self))?;
                write_length(out, items.len());
                for (index, item) in items.iter().enumerate() {
                    self.inside(&format!("[{index}]"), inner, item, out, depth)?;
                }
            }
            TypeAbi::Struct(structure) => self.write_struct(structure, value, out, depth)?,
            TypeAbi::Signer
            | TypeAbi::TypeParam(_)
            | TypeAbi::Reference(_)
            | TypeAbi::MutReference(_) => {
                return Err(self.refuse(format!("a type that can be given, not {ty}"), value));
            }
        }
        Ok(())
    }

    fn write_struct(
        &mut self,
        structure: &StructRef,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), CodecError> {
        match known(structure) {
            Some(Known::Utf8) => {
                let text = value.as_str().ok_or_else(|| self.refuse("a string", value))?;
                write_bytes(out, text.as_bytes());
                Ok(())
            }
            Some(Known::Ascii) => {
                let text = value.as_str().filter(|text| text.is_ascii());
                write_bytes(
                    out,
                    text.ok_or_else(|| self.refuse("an ASCII string", value))?.as_bytes(),
                );
                Ok(())
            }
            Some(Known::Option(inner)) => {
                write_length(out, usize::from(!value.is_null()));
                if value.is_null() { Ok(()) } else { self.write(inner, value, out, depth + 1) }
            }
            None => self.write_fields(structure, value, out, depth),
        }
    }

    fn write_fields(
        &mut self,
        structure: &StructRef,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), CodecError> {
        let definition = definition(self.abi, structure)
            .ok_or_else(|| self.refuse(format!("a known struct, not {structure}"), value))?;
        let names: Vec<&str> = definition.fields.iter().map(|field| field.name.as_str()).collect();
        let expected = format!("an object with exactly {}", names.join(", "));
        let object = value
            .as_object()
            .filter(|object| object.len() == names.len())
            .ok_or_else(|| self.refuse(expected.clone(), value))?;
        for field in &definition.fields {
            let inner = object.get(&field.name).ok_or_else(|| self.refuse(&expected, value))?;
            let ty = field.ty.with_args(&structure.type_args);
            self.inside(&format!(".{}", field.name), &ty, inner, out, depth)?;
        }
        Ok(())
    }
}

/// A whole number from a JSON number or a decimal string.
fn integer(value: &Value) -> Option<u128> {
    match value {
        Value::Number(number) => number.as_u64().map(u128::from),
        Value::String(text) => {
            let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
            if digits { text.parse().ok() } else { None }
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn write_length(out: &mut Vec<u8>, length: usize) {
    let mut left = length;
    while left >= 0x80 {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes.len());
    out.extend(bytes);
}

struct Reader<'a> {
    abi: &'a PackageAbi,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.rest.split_at_checked(count)?;
        self.rest = left;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A length that what is left can hold.
    fn length(&mut self) -> Option<usize> {
        let mut value = 0usize;
        for shift in (0..35).step_by(7) {
            let [byte] = self.array()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let canonical = shift == 0 || byte != 0;
                return (canonical && value <= self.rest.len()).then_some(value);
            }
        }
        None
    }

    fn text(&mut self) -> Option<Value> {
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?).ok()?;
        Some(Value::String(text.to_owned()))
    }

    fn read(&mut self, ty: &TypeAbi, depth: usize) -> Option<Value> {
        if depth > MOST_DEPTH {
            return None;
        }
        Some(match ty {
            TypeAbi::Bool => match self.array()? {
                [0] => Value::Bool(false),
                [1] => Value::Bool(true),
                [_] => return None,
            },
            TypeAbi::U8 => Value::from(self.array::<1>()?[0]),
            TypeAbi::U64 => Value::String(u64::from_le_bytes(self.array()?).to_string()),
            TypeAbi::U128 => Value::String(u128::from_le_bytes(self.array()?).to_string()),
            TypeAbi::Address | TypeAbi::Signer => Value::String(Address(self.array()?).to_string()),
            TypeAbi::Vector(inner) if **inner == TypeAbi::U8 => {
                let length = self.length()?;
                Value::String(format!("0x{}", hex::encode(self.take(length)?)))
            }
            TypeAbi::Vector(inner) => {
                let length = self.length()?;
                let items = (0..length).map(|_| self.read(inner, depth + 1));
                Value::Array(items.collect::<Option<_>>()?)
            }
            TypeAbi::Struct(structure) => self.read_struct(structure, depth)?,
            TypeAbi::TypeParam(_) | TypeAbi::Reference(_) | TypeAbi::MutReference(_) => {
                return None;
            }
        })
    }

    fn read_struct(&mut self, structure: &StructRef, depth: usize) -> Option<Value> {
        match known(structure) {
            Some(Known::Utf8) => self.text(),
            Some(Known::Ascii) => {
                self.text().filter(|text| text.as_str().is_some_and(str::is_ascii))
            }
            Some(Known::Option(inner)) => match self.length()? {
                0 => Some(Value::Null),
                1 => self.read(inner, depth + 1),
                _ => None,
            },
            None => {
                let definition = definition(self.abi, structure)?;
                let mut object = Map::new();
                for field in &definition.fields {
                    let ty = field.ty.with_args(&structure.type_args);
                    object.insert(field.name.clone(), self.read(&ty, depth + 1)?);
                }
                Some(Value::Object(object))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        abi::{ModuleAbi, ParamAbi},
        hash::Hash,
    };

    fn param(name: &str, ty: &str) -> ParamAbi {
        ParamAbi { name: name.into(), ty: ty.parse().unwrap() }
    }

    fn generic(name: &str) -> ParamAbi {
        ParamAbi { name: name.into(), ty: TypeAbi::TypeParam(0) }
    }

    fn structure(name: &str, type_params: u16, fields: Vec<ParamAbi>) -> StructAbi {
        StructAbi { name: name.into(), doc: String::new(), abilities: vec![], type_params, fields }
    }

    fn abi() -> PackageAbi {
        let coin = structure("Coin", 0, vec![param("asset", "address"), param("amount", "u64")]);
        let pair = structure("Pair", 1, vec![generic("left"), generic("right")]);
        PackageAbi {
            name: "app".into(),
            package: Hash::ZERO,
            modules: vec![ModuleAbi {
                address: Address::from_low(0x42),
                name: "app".into(),
                doc: String::new(),
                own: true,
                functions: vec![FunctionAbi {
                    name: "pay".into(),
                    doc: String::new(),
                    entry: true,
                    view: false,
                    type_params: vec![],
                    params: vec![
                        ParamAbi {
                            name: "from".into(),
                            ty: TypeAbi::Reference(Box::new(TypeAbi::Signer)),
                        },
                        param("to", "address"),
                        param("amount", "u64"),
                    ],
                    returns: vec![],
                }],
                structs: vec![coin, pair],
                aborts: vec![],
            }],
        }
    }

    #[test]
    fn values_round_trip_by_their_type() {
        let address = Address::from_low(5).to_string();
        let cases = [
            ("bool", json!(true)),
            ("u8", json!(255)),
            ("u64", json!("18446744073709551615")),
            ("u128", json!("340282366920938463463374607431768211455")),
            ("address", json!(address)),
            ("vector<u8>", json!("0x0102")),
            ("vector<u64>", json!(["1", "2"])),
            ("0x1::string::String", json!("grüße")),
            ("0x1::ascii::String", json!("abc")),
            ("0x1::option::Option<u8>", json!(null)),
            ("0x1::option::Option<u8>", json!(7)),
            ("0x42::app::Coin", json!({ "asset": address, "amount": "9" })),
            ("0x42::app::Pair<vector<bool>>", json!({ "left": [true], "right": [] })),
        ];
        for (ty, value) in cases {
            let ty: TypeAbi = ty.parse().unwrap();
            let bytes = encode(&abi(), &ty, &value).unwrap();
            assert_eq!(decode(&abi(), &ty, &bytes).unwrap(), value, "{ty}");
        }
    }

    #[test]
    fn shown_text_is_one_that_can_be_given() {
        let ty = "0x1::ascii::String".parse().unwrap();
        assert!(decode(&abi(), &ty, &bcs::to_bytes("ü").unwrap()).is_err());
    }

    #[test]
    fn bytes_are_those_of_bcs() {
        let bytes = encode(&abi(), &"vector<u64>".parse().unwrap(), &json!([1, "2"])).unwrap();
        assert_eq!(bytes, bcs::to_bytes(&vec![1u64, 2]).unwrap());
        let long = "a".repeat(300);
        let ty = "0x1::string::String".parse().unwrap();
        assert_eq!(encode(&abi(), &ty, &json!(long)).unwrap(), bcs::to_bytes(&long).unwrap());
    }

    #[test]
    fn errors_name_the_place_the_type_and_the_value() {
        let cases = [
            ("u8", json!(256), "value: expected u8, found 256"),
            ("u64", json!(-1), "value: expected u64, found -1"),
            ("u64", json!("1.5"), "value: expected u64, found \"1.5\""),
            ("vector<u64>", json!([1, "x"]), "value[1]: expected u64, found \"x\""),
            ("0x1::ascii::String", json!("ü"), "value: expected an ASCII string, found \"ü\""),
            (
                "0x42::app::Coin",
                json!({ "asset": "0x1", "amount": true }),
                "value.amount: expected u64, found true",
            ),
            (
                "0x42::app::Coin",
                json!({ "asset": "0x1" }),
                "value: expected an object with exactly asset, amount, found {\"asset\":\"0x1\"}",
            ),
            (
                "signer",
                json!("0x1"),
                "value: expected a type that can be given, not signer, found \"0x1\"",
            ),
        ];
        for (ty, value, message) in cases {
            let error = encode(&abi(), &ty.parse().unwrap(), &value).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn arguments_leave_out_signers_and_are_counted() {
        let abi = abi();
        let function = abi.modules[0].function("pay").unwrap();
        let args = encode_args(&abi, function, &[], &[json!("0x5"), json!(3)]).unwrap();
        assert_eq!(
            args,
            [bcs::to_bytes(&Address::from_low(5)).unwrap(), 3u64.to_le_bytes().to_vec()]
        );
        let error = encode_args(&abi, function, &[], &[json!("0x5")]).unwrap_err();
        assert_eq!(error.to_string(), "args: expected 2 (to, amount), found 1");
        let error = encode_args(&abi, function, &[], &[json!("0x5"), json!([])]).unwrap_err();
        assert_eq!(error.path, "args[1]");
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for ty in ["bool", "u128", "vector<vector<u8>>", "0x1::option::Option<address>", "0x42::app::Pair<0x1::string::String>"] {
                let ty: TypeAbi = ty.parse().unwrap();
                if let Ok(value) = decode(&abi(), &ty, &bytes) {
                    prop_assert_eq!(encode(&abi(), &ty, &value).unwrap(), bytes.clone());
                }
            }
        }
    }
}
