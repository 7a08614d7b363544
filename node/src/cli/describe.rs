//! What commands tell people of channels, blocks and calls.

use fairway_sdk::{
    Height,
    api::{
        chain::TransactionReport,
        channel::{BlockView, CallReport, ChannelStatus, Notice, ResourceView, TransactionView},
    },
};
use serde_json::Value;

use super::output::Output;

/// One channel's standing in a few lines.
pub(crate) fn describe_channel(status: &ChannelStatus) -> String {
    let mut text = format!(
        "channel   {}\n  {:?} in term {}, head {}, certified {}, final {}, settled {} ({} settlements), \
         {} members, {} queued{}",
        status.channel,
        status.role,
        status.term,
        status.head,
        status.certified,
        status.finalised,
        status.settled,
        status.settlements,
        status.members.len(),
        status.queued,
        if status.closed { ", closed" } else { "" },
    );
    if status.tail_lost {
        text.push_str("\n  lost its last writes: signs nothing until enough other members answer");
    }
    if let Some(to) = &status.catching_up {
        text.push_str(&format!(
            "\n  takes a snapshot at height {}: {} of {} parts, {} of {} entries, {} kB, from {} peers",
            to.height,
            to.parts,
            to.parts_known,
            to.entries,
            to.of_entries,
            to.bytes / 1_000,
            to.sources.len(),
        ));
    }
    if status.pruned > Height::ZERO {
        text.push_str(&format!("\n  blocks up to {} are pruned", status.pruned));
    }
    let notes = [
        ("chain unreachable", &status.chain_unreachable),
        ("nothing is certified", &status.lacking_quorum),
        ("can't store, signing nothing", &status.storage),
        ("last settlement failed", &status.settlement_error),
    ];
    for (what, note) in notes {
        if let Some(reason) = note {
            text.push_str(&format!("\n  {what}: {reason}"));
        }
    }
    text
}

/// Says that a complaint is on the chain.
pub(crate) fn show_complaint(output: Output, report: &TransactionReport) {
    output.show(report, || {
        format!("complained in block {}: `fairway channel show` tells the window", report.height)
    });
}

/// Says where a call is, and what it did.
pub(crate) fn show_report(output: Output, report: &CallReport) {
    output.show(report, || {
        let mut text = format!(
            "{:?} at height {}, {} gas, call {}",
            report.status, report.height, report.gas_used, report.call
        );
        for event in &report.events {
            text.push_str(&format!("\n  {} {}", event.type_tag, event.data));
        }
        text
    });
}

/// What a subscriber was told.
pub(crate) fn describe_notice(notice: &Notice) -> String {
    match notice {
        Notice::Snapshot { height, state_root, resources, .. } => {
            let mut text = format!("snapshot at {height}, state {state_root}");
            for resource in resources {
                text.push_str(&resource_line(resource));
            }
            text
        }
        Notice::Block { height, state_root, changes, events, calls, .. } => {
            let mut text = format!("block {height}, state {state_root}");
            for call in calls {
                let failed = call.error.as_ref().map(|error| format!(" failed: {error}"));
                text.push_str(&format!("\n  call {}{}", call.call, failed.unwrap_or_default()));
            }
            for change in changes {
                text.push_str(&resource_line(change));
            }
            for event in events {
                text.push_str(&format!("\n  event {} {}", event.type_tag, event.data));
            }
            text
        }
        Notice::Heights { certified, finalised, settled } => {
            format!("certified {certified}, final {finalised}, settled {settled}")
        }
        Notice::RolledBack { to } => format!("taken back: the blocks above {to}"),
        Notice::Skipped { to } => {
            format!("not shown: the blocks up to {to}, for which a snapshot stands")
        }
        Notice::Lagged { resume_from } => format!("too slow: resuming at {resume_from}"),
    }
}

fn resource_line(resource: &ResourceView) -> String {
    let value = resource.value.as_ref().map_or("deleted".into(), Value::to_string);
    let literal = resource.address.to_literal();
    // The app's own address is a short one; an account's is cut to its beginning.
    let owner = if literal.len() < 12 { literal } else { resource.address.short() };
    format!("\n  {owner} {} {value}", resource.type_tag)
}

/// A block and what it did.
pub(crate) fn describe_block(block: &BlockView) -> String {
    let mut text = format!(
        "block {} in term {} at {}\n  hash {}\n  state {}",
        block.height, block.term, block.time, block.hash, block.state_root
    );
    for entry in &block.transactions {
        let what = match &entry.transaction {
            TransactionView::Call { sender, sequence, operation, .. } => {
                format!("call {sequence} of {}: {operation}", sender.short())
            }
            TransactionView::Tick => "tick".into(),
            TransactionView::Join { account, .. } => format!("join of {}", account.short()),
            TransactionView::Remove { account } => format!("removal of {}", account.short()),
            TransactionView::Close => "close".into(),
            TransactionView::Settled { number } => format!("settlement {number}"),
        };
        let failed = entry.error.as_ref().map(|error| format!(", failed: {}", error.name));
        text.push_str(&format!("\n  {what}, {} gas{}", entry.gas_used, failed.unwrap_or_default()));
    }
    text
}
