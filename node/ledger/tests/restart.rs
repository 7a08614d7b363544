//! The ledger on disk: what was answered is there after a restart.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use fairway_ledger::{
    Genesis, Service, Settings, contract,
    store::{Store, StoreError},
};
use fairway_sandbox::compiler::BoundedCompiler;
use fairway_types::{
    Address, Gas, Keypair, Refusal, SequenceNumber, Time,
    ids::ChainId,
    ledger::{LedgerPayload, LedgerTransaction, SignedLedgerTransaction},
};

const CHAIN: ChainId = ChainId(7);

fn root() -> Keypair {
    Keypair::from_seed(&[9; 32])
}

fn start(folder: &Path) -> Service {
    Service::start(Settings {
        folder: folder.to_owned(),
        genesis: Genesis { chain: CHAIN, root: root().address() },
        compiler: BoundedCompiler::new("/nonexistent".into(), Vec::new()),
        faucet: Some(root()),
    })
    .unwrap()
}

fn signed(key: &Keypair, sequence: u64, payload: LedgerPayload) -> SignedLedgerTransaction {
    let transaction = LedgerTransaction {
        chain: CHAIN,
        sender: key.address(),
        sequence: SequenceNumber(sequence),
        payload,
        gas_limit: Gas(1_000_000),
        expires_at: Time(u64::MAX),
    };
    SignedLedgerTransaction { signature: key.sign(&transaction), key: key.public(), transaction }
}

#[tokio::test(flavor = "multi_thread")]
async fn chain_is_there_after_a_restart_with_its_money_events_and_root() {
    let folder = tempfile::tempdir().unwrap();
    let alice = Keypair::from_seed(&[1; 32]);
    let service = start(folder.path());
    service.faucet(alice.address(), 500).await.unwrap();
    let transfer = contract::transfer(contract::NATIVE, Address::from_low(0xb), 20);
    let executed = service.submit(signed(&alice, 0, transfer)).await.unwrap();
    assert!(executed.receipt.status.is_success());
    let head = service.ledger().head().clone();
    let events = service.store().event_count().unwrap();
    assert_eq!(events, 2);
    service.stop().await;

    let service = start(folder.path());
    assert_eq!(*service.ledger().head(), head);
    assert_eq!(service.ledger().balance(alice.address(), contract::NATIVE), Ok(480));
    assert_eq!(service.store().events(1, 10).unwrap().len(), 1);
    let place = service.store().place(&executed.receipt.transaction).unwrap();
    assert_eq!(place, Some((executed.height, 0)));
    let next = contract::transfer(contract::NATIVE, Address::from_low(0xb), 30);
    service.submit(signed(&alice, 1, next)).await.unwrap();
    assert_eq!(service.ledger().height(), head.height.next());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_sent_out_of_order_run_in_order_and_used_numbers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let service = start(folder.path());
    let alice = Keypair::from_seed(&[1; 32]);
    service.faucet(alice.address(), 500).await.unwrap();
    let pay = |sequence| {
        let payload = contract::transfer(contract::NATIVE, Address::from_low(0xb), 1);
        service.submit(signed(&alice, sequence, payload))
    };
    let (third, second, first) = tokio::join!(pay(2), pay(1), pay(0));
    for executed in [&first, &second, &third] {
        assert!(executed.as_ref().unwrap().receipt.status.is_success());
    }
    assert_eq!(service.ledger().balance(alice.address(), contract::NATIVE), Ok(497));
    let refusal = pay(0).await.unwrap_err();
    assert!(matches!(refusal, Refusal::SequenceNumber { expected, .. } if expected.0 == 3));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_chain_makes_no_blocks_and_faucet_has_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let service = start(folder.path());
    let height = service.ledger().height();
    assert_eq!(service.faucet(Address::ZERO, u64::MAX).await.unwrap_err().name(), "too_large");
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(service.ledger().height(), height);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_of_another_chain_or_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = Genesis { chain: CHAIN, root: root().address() };
    let first = Store::open(folder.path(), &genesis).unwrap();
    let error = Store::open(folder.path(), &genesis).err().unwrap();
    assert!(error.to_string().contains("in use"), "{error}");
    drop(first);
    let other = Genesis { chain: ChainId(8), ..genesis };
    let error = Store::open(folder.path(), &other).err().unwrap();
    assert!(matches!(error, StoreError::OtherChain { expected: 8, found: 7, .. }));
}
