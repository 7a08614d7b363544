//! What the chain holds, as the API shows it.

use fairway_api::chain::{
    ChainEvent, EventView, LedgerBlock, LedgerBlockInFull, PayloadView, TransactionInLedger,
    TransactionReport,
};
use fairway_types::{
    Gas, MoveEvent,
    abi::{PackageAbi, TypeAbi, codec},
    ledger::{LedgerPayload, SignedLedgerTransaction},
};
use serde_json::Value;

use crate::{
    machine::Ledger,
    sequencer::Executed,
    store::{StoredBlock, StoredEvent},
};

/// The JSON of a Move value; its bytes in hex when its type is not in the ABI.
#[must_use]
pub fn value(abi: &PackageAbi, type_tag: &str, bytes: &[u8]) -> Value {
    let typed: Option<TypeAbi> = type_tag.parse().ok();
    typed
        .and_then(|ty| codec::decode(abi, &ty, bytes).ok())
        .unwrap_or_else(|| Value::String(format!("0x{}", hex(bytes))))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[must_use]
pub fn event(abi: &PackageAbi, event: &MoveEvent) -> EventView {
    EventView { type_tag: event.type_tag.clone(), data: value(abi, &event.type_tag, &event.data) }
}

#[must_use]
pub fn chain_event(ledger: &Ledger, number: u64, stored: &StoredEvent) -> ChainEvent {
    ChainEvent {
        number,
        height: stored.height,
        transaction: stored.transaction,
        channel: stored.channel(),
        type_tag: stored.event.type_tag.clone(),
        data: value(ledger.abi(), &stored.event.type_tag, &stored.event.data),
    }
}

#[must_use]
pub fn report(ledger: &Ledger, executed: &Executed, gas_limit: Gas) -> TransactionReport {
    let receipt = &executed.receipt;
    let failed = !receipt.status.is_success();
    TransactionReport {
        transaction: receipt.transaction,
        height: executed.height,
        index: executed.index,
        gas_used: receipt.gas_used,
        error: failed.then(|| ledger.explain(receipt, gas_limit).data()),
        events: receipt.events.iter().map(|item| event(ledger.abi(), item)).collect(),
    }
}

#[must_use]
pub fn block(stored: &StoredBlock) -> LedgerBlock {
    let header = &stored.header;
    LedgerBlock {
        height: header.height,
        hash: header.hash(),
        parent: header.parent,
        time: header.time,
        transactions_root: header.transactions_root,
        receipts_root: header.receipts_root,
        state_root: header.state_root,
        transactions: stored.receipts.iter().map(|receipt| receipt.transaction).collect(),
    }
}

#[must_use]
pub fn block_in_full(ledger: &Ledger, stored: &StoredBlock) -> LedgerBlockInFull {
    let height = stored.header.height;
    let transactions = (0u32..).zip(stored.transactions.iter().zip(&stored.receipts)).map(
        |(index, (signed, receipt))| {
            let executed = Executed { height, index, receipt: receipt.clone() };
            transaction(ledger, signed, &executed)
        },
    );
    LedgerBlockInFull { transactions: transactions.collect(), block: block(stored) }
}

fn transaction(
    ledger: &Ledger,
    signed: &SignedLedgerTransaction,
    executed: &Executed,
) -> TransactionInLedger {
    let transaction = &signed.transaction;
    TransactionInLedger {
        sender: transaction.sender,
        sequence: transaction.sequence,
        payload: payload(&transaction.payload),
        report: report(ledger, executed, transaction.gas_limit),
    }
}

fn payload(payload: &LedgerPayload) -> PayloadView {
    match payload {
        LedgerPayload::Invoke { function, .. } => {
            PayloadView::Invoke { function: function.to_string() }
        }
        LedgerPayload::StorePackage { package } => {
            PayloadView::StorePackage { package: package.hash(), name: package.name.clone() }
        }
        LedgerPayload::Publish { package } => {
            PayloadView::Publish { package: package.hash(), name: package.name.clone() }
        }
        LedgerPayload::Judge { channel, accused, .. } => {
            PayloadView::Judge { channel: *channel, accused: *accused }
        }
    }
}
