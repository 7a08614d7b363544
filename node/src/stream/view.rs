//! What a channel holds, as the API shows it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fairway_api::{
    chain::EventView,
    channel::{
        Activity, BlockView, CallReport, CatchingUp, ChannelStatus, DurationBucket, Durations,
        MemberStatus, PathView, PeerView, ProposalView, ResourceView, Role, TransactionInBlock,
        TransactionView, Verdict, VerdictView, VoteView,
    },
};
use fairway_proto::{
    self as proto,
    channel::{judging::Judged, output::Appended},
};
use fairway_sandbox::MoveSandbox;
use fairway_store::meter::Observed;
use fairway_types::{
    Address, Effects, Gas, Hash, Height, MoveEvent, NodeId, Refusal, StateReader, Transaction,
    call::CallStatus, limits, refusal::RefusalData,
};

use crate::{
    driver::{ChannelHandle, View, clock},
    peers::{Linked, Path},
};

pub(super) fn status(handle: &ChannelHandle, view: &View) -> ChannelStatus {
    let status = &view.status;
    let settlement = view.record.as_ref().map(|record| &record.settlement);
    ChannelStatus {
        channel: handle.id,
        role: match status.role {
            proto::Role::Waiting => Role::Waiting,
            proto::Role::Leader => Role::Leader,
            proto::Role::Follower => Role::Follower,
            proto::Role::Halted => Role::Halted,
            proto::Role::Ended => Role::Ended,
        },
        term: status.term,
        leader: status.leader,
        head: status.head,
        head_hash: view.head.as_ref().map_or(Hash::ZERO, |tip| tip.hash),
        state_root: view.head.as_ref().map_or(Hash::ZERO, |tip| tip.state.root()),
        certified: status.certified,
        finalised: status.finalised,
        settled: status.settled,
        settlements: settlement.map_or(0, |settlement| settlement.number),
        members: status.members.iter().map(member).collect(),
        queued: status.queued as u64,
        closed: status.closed,
        chain_unreachable: status.chain_unreachable.clone(),
        storage: view.storage.clone(),
        lacking_quorum: status.lacking_quorum.map(|(heard, of)| {
            format!("hears members of weight {heard} of {of}: too few to certify anything")
        }),
        tail_lost: status.tail_lost,
        settlement_error: view.settlement_error.clone(),
        catching_up: status.catching_up.as_ref().map(catching_up),
        pruned: view.pruned,
    }
}

fn catching_up(to: &proto::channel::status::CatchingUp) -> CatchingUp {
    CatchingUp {
        height: to.height,
        parts: to.parts as u64,
        parts_known: to.parts_known as u64,
        entries: to.entries,
        of_entries: to.of_entries,
        bytes: to.bytes,
        sources: to.sources.clone(),
        refused: to.refused.clone(),
    }
}

fn member(member: &proto::channel::status::MemberStatus) -> MemberStatus {
    MemberStatus {
        account: member.account,
        node: member.node,
        join_sequence: member.join_sequence,
        heard_at: member.heard_at,
        head: member.head,
        certified: member.certified,
    }
}

pub(super) fn activity(handle: &ChannelHandle) -> Activity {
    let meter = handle.meter();
    let count = |count: &AtomicU64| count.load(Relaxed);
    Activity {
        time: clock(),
        ordered_calls: count(&meter.ordered),
        certified_calls: count(&meter.certified),
        rolled_back_calls: count(&meter.rolled_back),
        queued: handle.view().status.queued as u64,
        proposals: count(&meter.proposals),
        votes: count(&meter.votes),
        divergences: count(&meter.divergences),
        block_certified_after: durations(&meter.block_to_certified.read()),
        call_certified_after: durations(&meter.to_certified.read()),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are short")]
fn durations(observed: &Observed) -> Durations {
    let micros = |seconds: f64| (seconds * 1e6).round() as u64;
    let bucket = |(bound, count): &(f64, u64)| DurationBucket {
        up_to_us: bound.is_finite().then(|| micros(*bound)),
        count: *count,
    };
    Durations {
        count: observed.count,
        sum_us: micros(observed.sum),
        buckets: observed.buckets.iter().map(bucket).collect(),
    }
}

pub(super) fn peer((node, linked): (NodeId, Linked)) -> PeerView {
    let path = |path: Path| PathView {
        address: path.address,
        dialled: path.dialled,
        since: path.since,
        round_trip_us: path.round_trip.map(|took| took.as_micros().try_into().unwrap_or(u64::MAX)),
    };
    PeerView {
        node,
        channels: linked.channels,
        waiting_bytes: linked.waiting_bytes as u64,
        paths: linked.paths.into_iter().map(path).collect(),
    }
}

pub(super) fn event(sandbox: &MoveSandbox, event: &MoveEvent) -> EventView {
    EventView {
        type_tag: event.type_tag.clone(),
        data: fairway_ledger::view::value(sandbox.abi(), &event.type_tag, &event.data),
    }
}

pub(super) fn resource(
    sandbox: &MoveSandbox,
    address: Address,
    type_tag: &str,
    bytes: Option<&[u8]>,
) -> ResourceView {
    let decode = |bytes: &[u8]| fairway_ledger::view::value(sandbox.abi(), type_tag, bytes);
    ResourceView { address, type_tag: type_tag.to_owned(), value: bytes.map(decode) }
}

/// Why a transaction failed, if it did. `limit` is the gas it was given.
pub(super) fn failure(sandbox: &MoveSandbox, effects: &Effects, limit: Gas) -> Option<Refusal> {
    let failed = !effects.status.is_success();
    failed.then(|| sandbox.explain(&effects.status, effects.gas_used, limit))
}

/// The report of the call at a place in a stored block.
pub(super) fn report(
    sandbox: &MoveSandbox,
    appended: &Appended,
    index: u32,
    status: CallStatus,
) -> Option<CallReport> {
    let call = appended.block.transactions.get(index as usize)?.as_call()?;
    let effects = appended.effects.get(index as usize)?;
    Some(CallReport {
        call: call.hash(),
        height: appended.block.height(),
        index,
        status,
        gas_used: effects.gas_used,
        error: error(sandbox, effects, call.call.gas_limit),
        events: effects.events.iter().map(|item| event(sandbox, item)).collect(),
    })
}

/// How far everything at a height has come.
pub(super) fn status_at(view: &View, height: Height) -> CallStatus {
    let status = &view.status;
    if height <= status.settled {
        CallStatus::Settled
    } else if height <= status.finalised {
        CallStatus::Final
    } else if height <= status.certified {
        CallStatus::Certified
    } else {
        CallStatus::Executed
    }
}

fn error(sandbox: &MoveSandbox, effects: &Effects, limit: Gas) -> Option<RefusalData> {
    failure(sandbox, effects, limit).map(|refusal| refusal.data())
}

pub(super) fn block(sandbox: &MoveSandbox, appended: &Appended) -> BlockView {
    let header = &appended.block.header;
    let transactions = appended
        .block
        .transactions
        .iter()
        .zip(appended.effects.iter())
        .map(|(transaction, effects)| {
            let limit = transaction.as_call().map_or(Gas(limits::HOOK_GAS), |c| c.call.gas_limit);
            TransactionInBlock {
                transaction: self::transaction(transaction),
                gas_used: effects.gas_used,
                error: error(sandbox, effects, limit),
                events: effects.events.iter().map(|item| event(sandbox, item)).collect(),
            }
        })
        .collect();
    BlockView {
        height: header.height,
        hash: appended.block.hash(),
        parent: header.parent,
        term: header.term,
        leader: appended.block.leader,
        time: header.time,
        transactions_root: header.transactions_root,
        effects_root: header.effects_root,
        state_root: header.state_root,
        transactions,
    }
}

fn transaction(transaction: &Transaction) -> TransactionView {
    match transaction {
        Transaction::Call(signed) => TransactionView::Call {
            call: signed.hash(),
            sender: signed.call.sender,
            sequence: signed.call.sequence,
            operation: signed.call.operation.clone(),
        },
        Transaction::Tick => TransactionView::Tick,
        Transaction::Join(member) => {
            TransactionView::Join { account: member.account, deposit: member.deposit.clone() }
        }
        Transaction::Remove { account, .. } => TransactionView::Remove { account: *account },
        Transaction::Close => TransactionView::Close,
        Transaction::Settled { number, .. } => TransactionView::Settled { number: *number },
    }
}

pub(super) fn proposals(view: &View) -> Vec<ProposalView> {
    let executed = view.record.as_ref().map_or(0, |record| record.settlement.number);
    view.proposal
        .iter()
        .map(|own| ProposalView {
            hash: own.hash,
            proposal: own.signed.proposal.clone(),
            executed: own.signed.proposal.number <= executed,
            submitted: own.submitted,
            votes: own
                .votes
                .iter()
                .map(|vote| VoteView { node: vote.node, yes: vote.vote.yes })
                .collect(),
        })
        .collect()
}

pub(super) fn verdicts(view: &View) -> Vec<VerdictView> {
    let of = |judged: &Judged| VerdictView {
        accused: judged.accused,
        reporter: judged.reporter,
        kind: judged.kind.into(),
        term: judged.term,
        height: judged.height,
        evidence: judged.evidence,
        verdict: match judged.verdict {
            proto::settlement::dispute::Verdict::Guilty(_) => Verdict::Guilty,
            proto::settlement::dispute::Verdict::Innocent(_) => Verdict::Innocent,
            proto::settlement::dispute::Verdict::Unclear(_) => Verdict::Unclear,
        },
        reason: judged.verdict.reason().into(),
        has_file: judged.reporter == view.node,
    };
    view.verdicts.iter().map(of).collect()
}

/// Reads a state without copying it.
pub(super) fn read(state: &impl StateReader, key: &fairway_types::StateKey) -> Option<Vec<u8>> {
    state.read(key).map(|bytes| bytes.to_vec())
}
