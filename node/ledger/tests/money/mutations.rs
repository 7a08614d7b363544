//! A valid transaction of every kind that accounts and nodes send, and each argument of it altered:
//! what the contracts say to that, line by line in `mutations.txt`. What is refused changes nothing.
//! `accepted` stands there where an altered argument is another valid wish.

use std::{collections::BTreeMap, fmt::Write as _};

use fairway_types::{
    ChannelId, FunctionName, JoinSequence, Keypair, StateKey,
    abi::{ParamAbi, TypeAbi},
    codec,
    ledger::LedgerPayload,
};

use super::{
    cases::{Case, cases},
    world::{World, key},
};

/// A Move value of the kinds that the contracts take.
#[derive(Clone)]
enum Value {
    Bool(bool),
    U8(u8),
    U64(u64),
    Address([u8; 32]),
    Bytes(Vec<u8>),
    List(Vec<Value>),
}

impl Value {
    fn decode(ty: &TypeAbi, bytes: &mut &[u8]) -> Self {
        match ty {
            TypeAbi::Bool => Self::Bool(take(bytes, 1)[0] == 1),
            TypeAbi::U8 => Self::U8(take(bytes, 1)[0]),
            TypeAbi::U64 => Self::U64(u64::from_le_bytes(take(bytes, 8).try_into().unwrap())),
            TypeAbi::Address => Self::Address(take(bytes, 32).try_into().unwrap()),
            TypeAbi::Vector(inner) => {
                let count = length(bytes);
                if **inner == TypeAbi::U8 {
                    return Self::Bytes(take(bytes, count).to_vec());
                }
                Self::List((0..count).map(|_| Self::decode(inner, bytes)).collect())
            }
            TypeAbi::U128
            | TypeAbi::Signer
            | TypeAbi::Struct(_)
            | TypeAbi::TypeParam(_)
            | TypeAbi::Reference(_)
            | TypeAbi::MutReference(_) => panic!("{ty:?} is no argument"),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Bool(value) => codec::encode(value),
            Self::U8(value) => codec::encode(value),
            Self::U64(value) => codec::encode(value),
            Self::Address(value) => value.to_vec(),
            Self::Bytes(value) => codec::encode(value),
            Self::List(values) => {
                // A list of units has the same length before it, and no bytes of its own.
                let mut bytes = codec::encode(&vec![(); values.len()]);
                bytes.extend(values.iter().flat_map(Self::encode));
                bytes
            }
        }
    }

    /// Each alteration with its name.
    fn altered(&self) -> Vec<(&'static str, Self)> {
        match self {
            Self::Bool(value) => vec![("flip", Self::Bool(!value))],
            Self::U8(value) => vec![("more", Self::U8(value.wrapping_add(1)))],
            Self::U64(value) => vec![
                ("less", Self::U64(value.wrapping_sub(1))),
                ("more", Self::U64(value.wrapping_add(1))),
            ],
            Self::Address(value) => {
                let mut value = *value;
                value[31] ^= 1;
                vec![("flip", Self::Address(value))]
            }
            Self::Bytes(value) => altered_bytes(value),
            Self::List(values) => altered_list(values),
        }
    }
}

fn altered_bytes(value: &[u8]) -> Vec<(&'static str, Value)> {
    let mut longer = value.to_vec();
    longer.push(1);
    let mut all = vec![("longer", Value::Bytes(longer))];
    if !value.is_empty() {
        let mut flipped = value.to_vec();
        flipped[value.len() / 2] ^= 1;
        all.push(("flip", Value::Bytes(flipped)));
        all.push(("cut", Value::Bytes(value[..value.len() - 1].to_vec())));
    }
    all
}

fn altered_list(values: &[Value]) -> Vec<(&'static str, Value)> {
    let Some(first) = values.first() else { return Vec::new() };
    let mut doubled = values.to_vec();
    doubled.insert(0, first.clone());
    let mut all =
        vec![("cut", Value::List(values[1..].to_vec())), ("double", Value::List(doubled))];
    if values.len() > 1 {
        let mut swapped = values.to_vec();
        swapped.swap(0, 1);
        all.push(("swap", Value::List(swapped)));
    }
    let (_, altered) = first.altered().pop().unwrap();
    let mut flipped = values.to_vec();
    flipped[0] = altered;
    all.push(("alter", Value::List(flipped)));
    all
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (head, rest) = bytes.split_at(count);
    *bytes = rest;
    head
}

fn length(bytes: &mut &[u8]) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = take(bytes, 1)[0];
        value |= usize::from(byte & 127) << shift;
        if byte < 128 {
            return value;
        }
        shift += 7;
    }
}

fn params(world: &World, function: &FunctionName) -> Vec<ParamAbi> {
    let modules = &world.ledger.abi().modules;
    let module = modules.iter().find(|module| module.name == function.module).unwrap();
    let found = module.functions.iter().find(|known| known.name == function.function).unwrap();
    let signer = TypeAbi::Signer;
    let is_signer =
        |ty: &TypeAbi| *ty == signer || *ty == TypeAbi::Reference(Box::new(signer.clone()));
    found.params.iter().filter(|param| !is_signer(&param.ty)).cloned().collect()
}

/// The abort's module and name, or what else is said.
fn said(error: &str) -> String {
    let named = error.split_once(" with code ").and_then(|(place, rest)| {
        let module = place.rsplit("::").next()?;
        let name = rest.split_once('(')?.1.strip_suffix(')')?;
        Some(format!("{module}::{name}"))
    });
    named.unwrap_or_else(|| error.to_owned())
}

/// What the contracts say to this; what they refuse writes the sender's number alone.
fn answer(case: &Case, key: &Keypair, payload: LedgerPayload) -> String {
    let (result, writes) = case.world.try_out(key, payload);
    let Err(error) = result else { return "accepted".to_owned() };
    let is_number = |key: &StateKey| matches!(key, StateKey::Sequence(_));
    assert!(writes.iter().all(|write| is_number(&write.key)), "{error} changed something");
    said(&error)
}

/// What the contracts say to each alteration of an argument.
fn answers(
    case: &Case,
    args: &[Vec<u8>],
    place: usize,
    param: &ParamAbi,
) -> BTreeMap<String, Vec<&'static str>> {
    let LedgerPayload::Invoke { function, .. } = &case.payload else { panic!("no call") };
    let value = Value::decode(&param.ty, &mut args[place].as_slice());
    let mut altered = value.altered();
    if param.name == "channel" {
        let ChannelId(other) = case.other;
        altered.push(("other", Value::Address(other)));
    }
    let mut answers: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (name, value) in altered {
        let value = value.encode();
        if value == args[place] {
            continue;
        }
        let mut args = args.to_vec();
        args[place] = value;
        let (function, type_args) = (function.clone(), Vec::new());
        let payload = LedgerPayload::Invoke { function, type_args, args };
        let answer = answer(case, &case.key, payload);
        answers.entry(answer).or_default().push(name);
    }
    answers
}

fn describe(case: &Case, text: &mut String) {
    if let LedgerPayload::Judge { channel, accused, file } = &case.payload {
        return describe_judge(case, (*channel, *accused, file), text);
    }
    let LedgerPayload::Invoke { function, args, .. } = &case.payload else { panic!("no call") };
    let (result, _) = case.world.try_out(&case.key, case.payload.clone());
    if let Err(error) = result {
        panic!("{} is not valid: {error}", case.name);
    }
    writeln!(text, "{}::{}", function.module, function.function).unwrap();
    let by_a_stranger = answer(case, &key(7, 7), case.payload.clone());
    writeln!(text, "    by a stranger: {by_a_stranger}").unwrap();
    for (place, param) in params(&case.world, function).iter().enumerate() {
        let answers = answers(case, args, place, param);
        if answers.is_empty() {
            continue;
        }
        let one = answers.len() == 1;
        let parts = answers.iter().map(|(answer, names)| match one {
            true => answer.clone(),
            false => format!("{answer} {}", names.join(" ")),
        });
        writeln!(text, "    {}: {}", param.name, parts.collect::<Vec<_>>().join(", ")).unwrap();
    }
}

/// As [`describe`], for the transaction that calls no function.
fn describe_judge(
    case: &Case,
    (channel, accused, file): (ChannelId, JoinSequence, &[u8]),
    text: &mut String,
) {
    let (result, _) = case.world.try_out(&case.key, case.payload.clone());
    if let Err(error) = result {
        panic!("{} is not valid: {error}", case.name);
    }
    let said = |channel, accused, file: &[u8]| {
        let payload = LedgerPayload::Judge { channel, accused, file: file.to_vec() };
        answer(case, &case.key, payload)
    };
    let mut flipped = file.to_vec();
    flipped[file.len() / 2] ^= 1;
    let mut longer = file.to_vec();
    longer.push(1);
    writeln!(text, "judge").unwrap();
    let by_a_stranger = answer(case, &key(7, 7), case.payload.clone());
    let lines = [
        ("by a stranger", by_a_stranger),
        ("channel", said(case.other, accused, file)),
        ("accused less", said(channel, JoinSequence(accused.0 - 1), file)),
        ("accused more", said(channel, JoinSequence(accused.0 + 1), file)),
        ("file flip", said(channel, accused, &flipped)),
        ("file longer", said(channel, accused, &longer)),
        ("file cut", said(channel, accused, &file[..file.len() - 1])),
        ("file without", said(channel, accused, &[])),
    ];
    for (what, answer) in lines {
        // Hashes of the file are of no interest.
        let answer = answer.split(": its first line").next().unwrap_or_default();
        let answer = answer.split(": it is cut off").next().unwrap_or_default();
        writeln!(text, "    {what}: {answer}").unwrap();
    }
}

#[test]
fn every_altered_argument_is_refused_by_its_name_and_changes_nothing() {
    let mut text = String::new();
    for case in cases() {
        describe(&case, &mut text);
    }
    let expected = include_str!("mutations.txt");
    assert!(text == expected, "{text}");
}
