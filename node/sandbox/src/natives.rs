//! Native functions: those of the standard library and of `contracts/runtime`. Each costs gas in
//! proportion to the bytes it works on.

use std::{collections::VecDeque, sync::Arc};

use better_any::{Tid, TidAble};
use fairway_types::{Context, Keypair, PublicKey, Signature};
use move_binary_format::errors::{PartialVMError, PartialVMResult};
use move_core_types::{
    account_address::AccountAddress,
    gas_algebra::InternalGas,
    vm_status::{StatusCode, sub_status::NFE_BCS_SERIALIZATION_FAILURE},
};
use move_vm_runtime::native_functions::{
    NativeContext, NativeFunction, NativeFunctionTable, make_table,
};
use move_vm_types::{
    loaded_data::runtime_types::Type,
    natives::function::NativeResult,
    pop_arg,
    values::{Reference, SignerRef, Value, Vector, VectorRef},
};
use sha2::{Digest, Sha256};
use smallvec::smallvec;

use crate::tags::account;

/// Gas of a native call, beside its bytes.
const BASE: u64 = 5;
/// Gas of a signature check: about what as many instructions take.
const VERIFY: u64 = 2_000;
/// The abort code of a bad range in `string::sub_string`, as the standard library documents it.
const E_INDEX: u64 = 1;

/// What `runtime::context` and `runtime::random` read.
#[derive(Tid)]
pub(crate) struct Facts<'a> {
    context: &'a Context,
    draws: u64,
    /// The block's time; unit tests may set it.
    time: u64,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        Self { context, draws: 0, time: context.time.0 }
    }
}

/// The abort code of bytes that are no address.
const E_LENGTH: u64 = 1;

type Args = VecDeque<Value>;
type Answer = PartialVMResult<NativeResult>;

/// Every native of 0x1 and 0x2.
pub fn table() -> NativeFunctionTable {
    let mut table = make_table(account(crate::STD), &std_natives());
    table.extend(make_table(account(crate::STD), &vector_instructions()));
    table.extend(make_table(account(crate::RUNTIME), &runtime_natives()));
    table.extend(make_table(account(crate::RUNTIME), &testing_natives()));
    let settlement: [(&str, &str, NativeFunction); 4] = [
        ("account", "create_signer", Arc::new(create_signer)),
        ("ids", "to_address", Arc::new(to_address)),
        ("ids", "hash", Arc::new(domain_hash)),
        ("ids", "comes_before", Arc::new(comes_before)),
    ];
    table.extend(make_table(account(crate::SETTLEMENT), &settlement));
    table
}

/// Declared by `#[test_only]` functions alone, so that no compiled package can reach them.
fn testing_natives() -> [(&'static str, &'static str, NativeFunction); 3] {
    [
        ("context", "set_time_ms_for_testing", Arc::new(set_time)),
        ("ed25519", "public_key_for_testing", Arc::new(public_key)),
        ("ed25519", "sign_for_testing", Arc::new(sign)),
    ]
}

fn std_natives() -> [(&'static str, &'static str, NativeFunction); 9] {
    [
        ("bcs", "to_bytes", Arc::new(bcs_to_bytes)),
        ("hash", "sha2_256", Arc::new(|_, _, args| digest(args, |b| Sha256::digest(b).to_vec()))),
        (
            "hash",
            "sha3_256",
            Arc::new(|_, _, args| digest(args, |b| sha3::Sha3_256::digest(b).to_vec())),
        ),
        ("signer", "borrow_address", Arc::new(borrow_address)),
        ("string", "internal_check_utf8", Arc::new(check_utf8)),
        ("string", "internal_is_char_boundary", Arc::new(is_char_boundary)),
        ("string", "internal_sub_string", Arc::new(sub_string)),
        ("string", "internal_index_of", Arc::new(index_of)),
        ("unit_test", "create_signers_for_testing", Arc::new(create_signers)),
    ]
}

/// `std::vector` declares these natives, and the compiler turns every call of one into an
/// instruction: the VM wants the names resolved, and nothing reaches the functions.
fn vector_instructions() -> Vec<(&'static str, &'static str, NativeFunction)> {
    ["empty", "length", "borrow", "borrow_mut", "push_back", "pop_back", "destroy_empty", "swap"]
        .into_iter()
        .map(|name| {
            let native: NativeFunction =
                Arc::new(|_: &mut NativeContext<'_, '_>, _, _| Err(wrong()));
            ("vector", name, native)
        })
        .collect()
}

fn runtime_natives() -> [(&'static str, &'static str, NativeFunction); 8] {
    [
        ("context", "chain_id", fact(|facts| Value::u64(facts.context.chain.0))),
        (
            "context",
            "channel_id",
            fact(|facts| Value::address(AccountAddress::new(facts.context.channel.0))),
        ),
        ("context", "height", fact(|facts| Value::u64(facts.context.height.0))),
        ("context", "time_ms", fact(|facts| Value::u64(facts.time))),
        ("context", "transaction_index", fact(|facts| Value::u64(u64::from(facts.context.index)))),
        ("random", "bytes", Arc::new(random_bytes)),
        ("event", "emit", Arc::new(emit)),
        ("ed25519", "verify", Arc::new(verify)),
    ]
}

fn cost(bytes: usize) -> InternalGas {
    InternalGas::new(BASE + bytes as u64 / 4)
}

fn ok(gas: InternalGas, value: Value) -> Answer {
    Ok(NativeResult::ok(gas, smallvec![value]))
}

fn fact(read: impl Fn(&Facts<'_>) -> Value + Send + Sync + 'static) -> NativeFunction {
    Arc::new(move |context: &mut NativeContext<'_, '_>, _, _| {
        ok(cost(0), read(context.extensions().get::<Facts<'_>>()))
    })
}

fn random_bytes(context: &mut NativeContext<'_, '_>, _: Vec<Type>, _: Args) -> Answer {
    let facts = context.extensions_mut().get_mut::<Facts<'_>>();
    facts.draws += 1;
    let bytes =
        Sha256::new().chain_update(facts.context.seed.0).chain_update(facts.draws.to_le_bytes());
    ok(cost(32), Value::vector_u8(bytes.finalize().to_vec()))
}

/// A signer for the settlement contracts' own storage: only `0x3::account` declares it, for its
/// friends.
fn create_signer(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let address = pop_arg!(args, AccountAddress);
    ok(cost(0), Value::signer(address))
}

fn to_address(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let bytes = pop_arg!(args, Vec<u8>);
    match AccountAddress::from_bytes(&bytes) {
        Ok(address) => ok(cost(32), Value::address(address)),
        Err(_) => Ok(NativeResult::err(cost(32), E_LENGTH)),
    }
}

/// The hash of `fairway_types::hash`, for any domain.
fn domain_hash(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let bytes = pop_arg!(args, Vec<u8>);
    let domain = pop_arg!(args, Vec<u8>);
    let hasher = Sha256::new().chain_update(b"fairway/1/").chain_update(&domain).chain_update([0]);
    let digest: [u8; 32] = hasher.chain_update(&bytes).finalize().into();
    ok(cost(32 + domain.len() + bytes.len()), Value::address(AccountAddress::new(digest)))
}

fn comes_before(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let right = pop_arg!(args, AccountAddress);
    let left = pop_arg!(args, AccountAddress);
    ok(cost(0), Value::bool(left < right))
}

fn set_time(context: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    context.extensions_mut().get_mut::<Facts<'_>>().time = pop_arg!(args, u64);
    Ok(NativeResult::ok(cost(0), smallvec![]))
}

fn test_key(bytes: &[u8]) -> PartialVMResult<Keypair> {
    bytes.try_into().map(Keypair::from_seed).map_err(|_| wrong())
}

fn public_key(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let key = test_key(&pop_arg!(args, VectorRef).as_bytes_ref())?;
    ok(cost(32), Value::vector_u8(key.public().0))
}

fn sign(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let message = pop_arg!(args, VectorRef);
    let key = test_key(&pop_arg!(args, VectorRef).as_bytes_ref())?;
    ok(cost(64), Value::vector_u8(key.sign_bytes(&message.as_bytes_ref()).0))
}

fn emit(context: &mut NativeContext<'_, '_>, mut types: Vec<Type>, mut args: Args) -> Answer {
    let (Some(ty), Some(value)) = (types.pop(), args.pop_back()) else { return Err(wrong()) };
    let size = u64::from(value.size());
    let gas = cost(usize::try_from(size).unwrap_or(usize::MAX));
    if !context.save_event(Vec::new(), 0, ty, value)? {
        return Ok(NativeResult::err(gas, NFE_BCS_SERIALIZATION_FAILURE));
    }
    Ok(NativeResult::ok(gas, smallvec![]))
}

fn verify(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let signature = pop_arg!(args, VectorRef);
    let message = pop_arg!(args, VectorRef);
    let key = pop_arg!(args, VectorRef);
    let message = message.as_bytes_ref();
    let known = PublicKey::from_slice(&key.as_bytes_ref())
        .zip(Signature::from_slice(&signature.as_bytes_ref()));
    let holds = known.is_some_and(|(key, signature)| key.verifies(&message, &signature));
    ok(InternalGas::new(VERIFY + message.len() as u64 / 4), Value::bool(holds))
}

fn bcs_to_bytes(
    context: &mut NativeContext<'_, '_>,
    mut types: Vec<Type>,
    mut args: Args,
) -> Answer {
    let reference = pop_arg!(args, Reference);
    let Some(ty) = types.pop() else { return Err(wrong()) };
    let failed = Ok(NativeResult::err(cost(0), NFE_BCS_SERIALIZATION_FAILURE));
    let Some(layout) = context.type_to_type_layout(&ty)? else { return failed };
    match reference.read_ref()?.simple_serialize(&layout) {
        Some(bytes) => ok(cost(bytes.len()), Value::vector_u8(bytes)),
        None => failed,
    }
}

fn digest(mut args: Args, hash: impl Fn(&[u8]) -> Vec<u8>) -> Answer {
    let bytes = pop_arg!(args, Vec<u8>);
    ok(cost(32 + bytes.len()), Value::vector_u8(hash(&bytes)))
}

fn borrow_address(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let signer = pop_arg!(args, SignerRef);
    Ok(NativeResult::ok(cost(0), smallvec![signer.borrow_signer()?]))
}

fn check_utf8(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let text = pop_arg!(args, VectorRef);
    let bytes = text.as_bytes_ref();
    ok(cost(bytes.len()), Value::bool(std::str::from_utf8(&bytes).is_ok()))
}

fn is_char_boundary(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let index = pop_arg!(args, u64);
    let text = pop_arg!(args, VectorRef);
    let bytes = text.as_bytes_ref();
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let holds = std::str::from_utf8(&bytes).is_ok_and(|text| text.is_char_boundary(index));
    ok(cost(bytes.len()), Value::bool(holds))
}

fn sub_string(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let end = usize::try_from(pop_arg!(args, u64)).unwrap_or(usize::MAX);
    let start = usize::try_from(pop_arg!(args, u64)).unwrap_or(usize::MAX);
    let text = pop_arg!(args, VectorRef);
    let bytes = text.as_bytes_ref();
    match bytes.get(start..end) {
        Some(part) => ok(cost(part.len()), Value::vector_u8(part.to_vec())),
        None => Ok(NativeResult::err(cost(0), E_INDEX)),
    }
}

fn index_of(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let pattern = pop_arg!(args, VectorRef);
    let text = pop_arg!(args, VectorRef);
    let (pattern, text) = (pattern.as_bytes_ref(), text.as_bytes_ref());
    let found = match (std::str::from_utf8(&text), std::str::from_utf8(&pattern)) {
        (Ok(text), Ok(pattern)) => text.find(pattern).unwrap_or(text.len()),
        _ => text.len(),
    };
    ok(cost(text.len() + pattern.len()), Value::u64(found as u64))
}

/// Signers `0x..1` to `0x..n` for unit tests; the library of a channel has no module that declares
/// this function.
fn create_signers(_: &mut NativeContext<'_, '_>, _: Vec<Type>, mut args: Args) -> Answer {
    let count = pop_arg!(args, u64).min(256);
    let signers = (0..count).map(|index| {
        let mut bytes = [0; AccountAddress::LENGTH];
        bytes[..8].copy_from_slice(&index.to_le_bytes());
        Value::signer(AccountAddress::new(bytes))
    });
    ok(cost(32), Vector::pack(&Type::Signer, signers.collect())?)
}

fn wrong() -> PartialVMError {
    PartialVMError::new(StatusCode::UNKNOWN_INVARIANT_VIOLATION_ERROR)
}
