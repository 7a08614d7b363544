//! Move values as Rust types: what generated clients are made of (docs/clients.md). Each type knows
//! its JSON form (docs/api.md, "Move values") and, where it can be a type argument, its Move name.

use fairway_api::channel::{At, CallReport};
use fairway_types::{Address, Refusal, call::CallStatus};
use serde_json::Value;

use crate::{Channel, Error, Member};

/// A value that is not of the type that the client was made for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: expected {expected}, found {found}: the client may be of another package")]
pub struct Mismatch {
    /// Where in the value, as `.board[3]`; empty for the value itself.
    pub place: String,
    pub expected: String,
    /// The beginning of what was there.
    pub found: String,
}

impl Mismatch {
    fn new(expected: impl Into<String>, found: &Value) -> Self {
        let found = found.to_string().chars().take(80).collect();
        Self { place: String::new(), expected: expected.into(), found }
    }

    fn inside(mut self, step: &str) -> Self {
        self.place.insert_str(0, step);
        self
    }
}

/// What views, resources and events are read as.
pub trait FromMove: Sized {
    fn from_move(value: &Value) -> Result<Self, Mismatch>;

    /// A vector of it; bytes have a form of their own.
    fn vector_from_move(value: &Value) -> Result<Vec<Self>, Mismatch> {
        let items = value.as_array().ok_or_else(|| Mismatch::new("an array", value))?;
        let read = |(index, item)| {
            Self::from_move(item).map_err(|error| error.inside(&format!("[{index}]")))
        };
        items.iter().enumerate().map(read).collect()
    }
}

/// What arguments are given as.
pub trait ToMove {
    fn to_move(&self) -> Value;

    /// A vector of it; bytes have a form of their own.
    fn slice_to_move(items: &[Self]) -> Value
    where
        Self: Sized,
    {
        Value::Array(items.iter().map(Self::to_move).collect())
    }
}

/// A type with a name in Move, as `vector<u64>` or `0x43::arena::Player`.
pub trait MoveType {
    fn type_tag() -> String;
}

/// What a caller may give as a type argument: primitives, and vectors of these (docs/adr/0007).
pub trait TypeArgument: MoveType + FromMove + ToMove {}

/// A resource: what [`Channel::read`] finds under an account.
pub trait Resource: MoveType + FromMove {}

macro_rules! primitive {
    ($ty:ty, $tag:literal, $read:expr, $write:expr) => {
        impl MoveType for $ty {
            fn type_tag() -> String {
                $tag.to_owned()
            }
        }

        impl FromMove for $ty {
            fn from_move(value: &Value) -> Result<Self, Mismatch> {
                let read: fn(&Value) -> Option<Self> = $read;
                read(value).ok_or_else(|| Mismatch::new($tag, value))
            }
        }

        impl ToMove for $ty {
            fn to_move(&self) -> Value {
                let write: fn(&Self) -> Value = $write;
                write(self)
            }
        }

        impl TypeArgument for $ty {}
    };
}

primitive!(bool, "bool", |value| value.as_bool(), |flag| Value::Bool(*flag));
primitive!(u64, "u64", |value| value.as_str()?.parse().ok(), |number| number.to_string().into());
primitive!(u128, "u128", |value| value.as_str()?.parse().ok(), |number| number.to_string().into());
primitive!(Address, "address", |value| value.as_str()?.parse().ok(), |address| address
    .to_string()
    .into());

impl MoveType for u8 {
    fn type_tag() -> String {
        "u8".to_owned()
    }
}

impl FromMove for u8 {
    fn from_move(value: &Value) -> Result<Self, Mismatch> {
        let number = value.as_u64().and_then(|number| Self::try_from(number).ok());
        number.ok_or_else(|| Mismatch::new("u8", value))
    }

    fn vector_from_move(value: &Value) -> Result<Vec<Self>, Mismatch> {
        let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
        let bytes = digits.and_then(|digits| hex::decode(digits).ok());
        bytes.ok_or_else(|| Mismatch::new("bytes in hex", value))
    }
}

impl ToMove for u8 {
    fn to_move(&self) -> Value {
        Value::from(*self)
    }

    fn slice_to_move(items: &[Self]) -> Value {
        format!("0x{}", hex::encode(items)).into()
    }
}

impl TypeArgument for u8 {}

impl MoveType for String {
    fn type_tag() -> String {
        "0x1::string::String".to_owned()
    }
}

impl FromMove for String {
    fn from_move(value: &Value) -> Result<Self, Mismatch> {
        value.as_str().map(str::to_owned).ok_or_else(|| Mismatch::new("a string", value))
    }
}

impl ToMove for str {
    fn to_move(&self) -> Value {
        self.into()
    }
}

impl ToMove for String {
    fn to_move(&self) -> Value {
        self.as_str().into()
    }
}

impl<T: MoveType> MoveType for Vec<T> {
    fn type_tag() -> String {
        format!("vector<{}>", T::type_tag())
    }
}

impl<T: FromMove> FromMove for Vec<T> {
    fn from_move(value: &Value) -> Result<Self, Mismatch> {
        T::vector_from_move(value)
    }
}

impl<T: ToMove> ToMove for [T] {
    fn to_move(&self) -> Value {
        T::slice_to_move(self)
    }
}

impl<T: ToMove> ToMove for Vec<T> {
    fn to_move(&self) -> Value {
        T::slice_to_move(self)
    }
}

impl<T: TypeArgument> TypeArgument for Vec<T> {}

impl<T: MoveType> MoveType for Option<T> {
    fn type_tag() -> String {
        format!("0x1::option::Option<{}>", T::type_tag())
    }
}

impl<T: FromMove> FromMove for Option<T> {
    fn from_move(value: &Value) -> Result<Self, Mismatch> {
        if value.is_null() { Ok(None) } else { T::from_move(value).map(Some) }
    }
}

impl<T: ToMove> ToMove for Option<T> {
    fn to_move(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_move)
    }
}

/// Reads one field of a struct's value.
pub fn field<T: FromMove>(value: &Value, name: &str) -> Result<T, Mismatch> {
    let inner =
        value.get(name).ok_or_else(|| Mismatch::new(format!("an object with {name}"), value))?;
    T::from_move(inner).map_err(|error| error.inside(&format!(".{name}")))
}

/// The code with which a call aborted in a module, named as `0x43::arena`.
#[must_use]
pub fn abort(error: &Error, module: &str) -> Option<u64> {
    let Some(Refusal::MoveAbort { address, module: name, code, .. }) = error.refusal() else {
        return None;
    };
    (format!("{address}::{name}") == module).then_some(*code)
}

/// What a view answered, taken value by value.
#[derive(Debug)]
pub struct Returned {
    url: String,
    function: &'static str,
    values: std::vec::IntoIter<Value>,
}

impl Returned {
    /// The next value.
    pub fn take<T: FromMove>(&mut self) -> Result<T, Error> {
        let value = self.values.next().unwrap_or_default();
        let explain = |error: Mismatch| Error::Protocol {
            url: self.url.clone(),
            reason: format!("{}: {error}", self.function),
        };
        T::from_move(&value).map_err(explain)
    }
}

impl Channel {
    /// A view by its full name, as generated clients call it.
    pub async fn typed_view(
        &self,
        function: &'static str,
        type_args: Vec<String>,
        args: Vec<Value>,
        at: At,
    ) -> Result<Returned, Error> {
        let values = self.view_with(function, type_args, args, at).await?;
        Ok(Returned { url: self.url().to_owned(), function, values: values.into_iter() })
    }

    /// The resource of this type under an account; none if there is none.
    pub async fn read<T: Resource>(&self, address: Address, at: At) -> Result<Option<T>, Error> {
        let read = self.resource(address, &T::type_tag(), at).await?;
        let value = read.resource.value;
        let explain = |error: Mismatch| Error::Protocol {
            url: self.url().to_owned(),
            reason: format!("{}{error}", T::type_tag()),
        };
        value.map(|value| T::from_move(&value)).transpose().map_err(explain)
    }
}

impl Member {
    /// A call by its full name, as generated clients make it.
    pub async fn typed_call(
        &self,
        function: &'static str,
        type_args: &[String],
        args: &[Value],
        wait: CallStatus,
    ) -> Result<CallReport, Error> {
        self.order(self.channel().invoke_with(function, type_args, args)?, wait).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn round_trip<T: FromMove + ToMove + PartialEq + std::fmt::Debug>(typed: T, form: &Value) {
        assert_eq!(typed.to_move(), *form);
        assert_eq!(T::from_move(form).unwrap(), typed);
    }

    #[test]
    fn values_have_the_forms_of_the_api() {
        round_trip(true, &json!(true));
        round_trip(7u8, &json!(7));
        round_trip(u64::MAX, &json!("18446744073709551615"));
        round_trip(u128::MAX, &json!("340282366920938463463374607431768211455"));
        round_trip(vec![1u8, 255], &json!("0x01ff"));
        round_trip(vec![vec![1u8], vec![]], &json!(["0x01", "0x"]));
        round_trip(vec![1u64], &json!(["1"]));
        round_trip("é".to_owned(), &json!("é"));
        round_trip(Some(3u64), &json!("3"));
        round_trip(None::<u64>, &Value::Null);
        let address = Address::from_low(0xfa);
        round_trip(address, &json!(address.to_string()));
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        let error = field::<Vec<u64>>(&json!({ "a": ["1", true] }), "a").unwrap_err();
        assert_eq!((error.place.as_str(), error.expected.as_str()), (".a[1]", "u64"));
        assert!(u8::from_move(&json!(256)).is_err());
        assert!(u64::from_move(&json!(1)).is_err());
        assert!(bool::from_move(&json!("true")).is_err());
        assert!(Vec::<u8>::from_move(&json!("01")).is_err());
        assert!(field::<bool>(&json!({}), "gone").unwrap_err().expected.contains("gone"));
    }

    #[test]
    fn types_have_their_names_in_move() {
        assert_eq!(Vec::<Vec<u8>>::type_tag(), "vector<vector<u8>>");
        assert_eq!(Option::<Address>::type_tag(), "0x1::option::Option<address>");
    }
}
