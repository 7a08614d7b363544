//! Reads of a channel's states: views, resources, all entries, at the head or after an earlier block,
//! and where a call's gas went. Of earlier states one at a time a channel; see [`crate::past`].

use fairway_api::channel::{
    At, FunctionGas, GasReport, ResourceRead, StateEntry, StatePage, Viewed,
};
use fairway_proto::channel::snapshot::Point;
use fairway_sandbox::GasTrace;
use fairway_types::{
    Address, Context, Effects, Gas, Height, Refusal, StateKey,
    abi::{TypeAbi, codec as json},
    limits,
};
use serde_json::Value;

use super::{
    calls::{arguments, tip},
    view,
};
use crate::{
    driver::{ChannelHandle, View},
    entries,
    past::{Entry, Known},
    replay,
};

/// Gas of one view.
const VIEW_GAS: Gas = Gas(10_000_000);
/// Entries in one page.
const ENTRIES: u32 = 256;
/// Bytes of values after which a page holds no further one: as JSON they are a few times more.
const PAGE_BYTES: u64 = 8 << 20;

/// Reads the state that is asked for: at the head, or what it names, or after a block.
pub(super) fn read_at<T>(
    handle: &ChannelHandle,
    view: &View,
    at: Option<At>,
    height: Option<Height>,
    read: impl FnOnce(&Point) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    match (at, height) {
        (Some(_), Some(_)) => {
            let reason = "it names one state and `height` another: leave one out";
            Err(Refusal::invalid("at", reason))
        }
        (None, Some(height)) => after(handle, view, height, |known| read(&known.point)),
        (at, None) => read(&Point::from(tip(view, at)?)),
    }
}

/// Runs a view on a state.
pub(super) fn run_view(
    handle: &ChannelHandle,
    view: &View,
    point: &Point,
    function: &str,
    type_args: &[String],
    args: &[Value],
) -> Result<Viewed, Refusal> {
    let sandbox = &handle.sandbox;
    let (function, args) = arguments(sandbox.abi(), function, type_args, args)?;
    let context = Context {
        chain: view.record.as_ref().map(|record| record.chain).unwrap_or_default(),
        channel: handle.id,
        height: point.height,
        time: point.time,
        index: 0,
        seed: point.hash,
    };
    let values = sandbox.view(&point.state, &context, &function, type_args, &args, VIEW_GAS)?;
    let decode = |(ty, bytes): &(TypeAbi, Vec<u8>)| json::decode(sandbox.abi(), ty, bytes);
    let values = values.iter().map(decode).collect::<Result<_, _>>()?;
    Ok(Viewed { height: point.height, stale: view.is_stale(), values })
}

/// A resource of a state.
pub(super) fn read_resource(
    handle: &ChannelHandle,
    view: &View,
    point: &Point,
    address: Address,
    type_tag: &str,
) -> Result<ResourceRead, Refusal> {
    let parsed: Result<TypeAbi, _> = type_tag.parse();
    let canonical = parsed.map_err(|_| Refusal::invalid("type_tag", type_tag))?.to_string();
    let bytes = view::read(&point.state, &StateKey::resource(address, canonical.clone()));
    let resource = view::resource(&handle.sandbox, address, &canonical, bytes.as_deref());
    Ok(ResourceRead { height: point.height, stale: view.is_stale(), resource })
}

/// Reads the state after the block at `height`.
fn after<T>(
    handle: &ChannelHandle,
    view: &View,
    height: Height,
    read: impl FnOnce(&Known) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let head = view.head.as_ref().map(Point::from);
    let is_kept = height > view.pruned || height == view.pruned && height == Height::ZERO;
    if !is_kept {
        let what = format!("the state after block {height}");
        return Err(Refusal::Pruned { what, above: view.pruned });
    }
    if head.as_ref().is_none_or(|head| head.height < height) {
        return Err(Refusal::not_found(format!("block {height}")));
    }
    handle.past.read(&handle.store, height, head, read)
}

pub(super) fn state(
    handle: &ChannelHandle,
    height: Option<Height>,
    after: Option<&str>,
    limit: Option<u32>,
) -> Result<StatePage, Refusal> {
    let after = after.map(entries::key_of).transpose()?;
    let view = handle.view();
    let head = tip(&view, None)?.height;
    let limit = limit.unwrap_or(ENTRIES).min(ENTRIES) as usize;
    self::after(handle, &view, height.unwrap_or(head), |known| {
        let all = known.entries();
        let first = after.as_ref().map_or(0, |after| all.partition_point(|(key, _)| key <= after));
        let page = page(handle, &all[first..], limit);
        let more = first + page.len() < all.len();
        Ok(StatePage {
            height: known.point.height,
            state_root: known.point.state.root(),
            next: page.last().filter(|_| more).map(|last| last.key.clone()),
            entries: page,
        })
    })
}

fn page(handle: &ChannelHandle, from: &[Entry], limit: usize) -> Vec<StateEntry> {
    let mut page: Vec<StateEntry> = Vec::new();
    let mut bytes = 0;
    for (key, value) in from.iter().take(limit.max(1)) {
        if bytes >= PAGE_BYTES {
            break;
        }
        bytes += value.len() as u64;
        page.push(entries::view(&handle.sandbox, key, value));
    }
    page
}

pub(super) fn trace(
    handle: &ChannelHandle,
    height: Height,
    place: u32,
) -> Result<GasReport, Refusal> {
    let view = handle.view();
    let Some(appended) = handle.store.block(height)? else {
        handle.store.check_kept(height)?;
        return Err(Refusal::not_found(format!("block {height}")));
    };
    let record = view.record.as_ref().ok_or_else(|| Refusal::NotReady {
        what: "the channel".into(),
        reason: "the chain was not read yet".into(),
    })?;
    let head = view.head.as_ref().map(Point::from);
    let before = height.previous();
    let traced = handle.past.read(&handle.store, before, head, |known| {
        replay::trace(&handle.sandbox, record.facts(), &known.point, &appended, place)
    });
    let (effects, trace) = traced?;
    let call = appended.block.transactions.get(place as usize).and_then(|tx| tx.as_call());
    let limit = call.map_or(Gas(limits::HOOK_GAS), |call| call.call.gas_limit);
    Ok(GasReport {
        call: call.map(fairway_types::SignedCall::hash),
        ..report(handle, (height, place), &effects, limit, trace)
    })
}

fn report(
    handle: &ChannelHandle,
    (height, place): (Height, u32),
    effects: &Effects,
    limit: Gas,
    trace: GasTrace,
) -> GasReport {
    let storage = trace.storage;
    GasReport {
        height,
        place,
        call: None,
        gas_used: effects.gas_used,
        error: view::failure(&handle.sandbox, effects, limit).map(|refusal| refusal.data()),
        functions: functions(trace),
        storage,
    }
}

/// The most expensive first.
fn functions(trace: GasTrace) -> Vec<FunctionGas> {
    let functions = trace.functions.into_iter().map(|(function, gas)| FunctionGas {
        function,
        entries: gas.entries,
        own: gas.own,
        total: gas.total,
    });
    let mut functions: Vec<FunctionGas> = functions.collect();
    functions.sort_by_key(|function| std::cmp::Reverse(function.own));
    functions
}
