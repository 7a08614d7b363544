//! What apps send: parameters of `state_channel.*` and `chain.*`, and Move values as JSON.

use fairway_api::{
    chain::{Action, Amount},
    channel::{At, CallRequest, Notice},
};
use fairway_types::{
    Address, Hash, Height, SignedCall,
    abi::{ModuleAbi, PackageAbi, ParamAbi, StructAbi, TypeAbi, codec},
    call::CallStatus,
    chain::ChannelConfig,
    codec as bcs,
    crypto::Verify,
    ledger::{PackageSource, SignedLedgerTransaction},
    refusal::RefusalData,
    subscription::Filter,
};
use serde_json::Value;

use super::Verdict;
use crate::check::stable_json;

/// The parameter of the kind that the first byte names. What is signed reaches the same bytes from
/// its JSON as from its BCS.
pub(super) fn parameter(data: &[u8]) -> Verdict {
    let Some((kind, text)) = data.split_first() else { return Verdict::Refused };
    match kind {
        0 => stable_json::<SignedCall>(text).map(|call| (same(&call), call.check().is_ok())).into(),
        1 => stable_json::<SignedLedgerTransaction>(text)
            .map(|signed| (same(&signed), signed.check().is_ok()))
            .into(),
        2 => stable_json::<CallRequest>(text).into(),
        3 => stable_json::<Action>(text).into(),
        4 => stable_json::<Option<Filter>>(text).into(),
        5 => stable_json::<Option<At>>(text).into(),
        6 => stable_json::<Option<CallStatus>>(text).into(),
        7 => stable_json::<Amount>(text).into(),
        8 => stable_json::<ChannelConfig>(text).map(|config| same(&config)).into(),
        9 => stable_json::<PackageSource>(text).map(|package| same(&package)).into(),
        10 => stable_json::<Option<Height>>(text).into(),
        11 => stable_json::<RefusalData>(text).into(),
        12 => stable_json::<Notice>(text).into(),
        _ => Verdict::Refused,
    }
}

fn same<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let bytes = bcs::encode(value);
    assert_eq!(bcs::decode::<T>("value", &bytes).as_ref(), Ok(value));
}

/// `type\nJSON`: what becomes a Move value comes back the same.
pub(super) fn argument(data: &[u8]) -> Verdict {
    let Some((ty, text)) = typed(data) else { return Verdict::Refused };
    let Ok(value) = serde_json::from_slice::<Value>(text) else { return Verdict::Refused };
    let Ok(bytes) = codec::encode(&abi(), &ty, &value) else { return Verdict::Refused };
    let Ok(shown) = codec::decode(&abi(), &ty, &bytes) else {
        panic!("{value} became a value of {ty} that does not decode");
    };
    assert_eq!(codec::encode(&abi(), &ty, &shown), Ok(bytes), "{value} was shown as {shown}");
    Verdict::Accepted
}

/// `type\nBCS`: a Move value is shown, and what is shown stands for a value again.
pub(super) fn result(data: &[u8]) -> Verdict {
    let Some((ty, bytes)) = typed(data) else { return Verdict::Refused };
    let Ok(shown) = codec::decode(&abi(), &ty, bytes) else { return Verdict::Refused };
    // A signer can be shown, not given.
    if !ty.to_string().contains("signer") {
        let given = codec::encode(&abi(), &ty, &shown);
        assert!(given.is_ok(), "{shown}: {given:?}");
    }
    Verdict::Accepted
}

fn typed(data: &[u8]) -> Option<(TypeAbi, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let (ty, rest) = data.split_at(end);
    Some((std::str::from_utf8(ty).ok()?.parse().ok()?, rest.get(1..)?))
}

/// A package with every kind of field.
fn abi() -> PackageAbi {
    let field = |name: &str, ty: TypeAbi| ParamAbi { name: name.into(), ty };
    let of = |text: &str| text.parse().unwrap_or(TypeAbi::Bool);
    let structure = |name: &str, type_params, fields| StructAbi {
        name: name.into(),
        doc: String::new(),
        abilities: Vec::new(),
        type_params,
        fields,
    };
    let parameter = || TypeAbi::TypeParam(0);
    let app = ModuleAbi {
        address: Address::from_low(0x42),
        name: "app".into(),
        doc: String::new(),
        own: true,
        functions: Vec::new(),
        structs: vec![
            structure("Coin", 0, vec![field("to", of("address")), field("amount", of("u64"))]),
            structure("Pair", 1, vec![field("left", parameter()), field("right", parameter())]),
            structure(
                "Many",
                1,
                vec![
                    field("all", TypeAbi::Vector(Box::new(parameter()))),
                    field("name", of("0x1::string::String")),
                    field("best", of("0x1::option::Option<0x42::app::Coin>")),
                ],
            ),
        ],
        aborts: Vec::new(),
    };
    PackageAbi { name: "app".into(), package: Hash::ZERO, modules: vec![app] }
}
