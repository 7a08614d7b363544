//! What is signed anew and what is sent again, before a ledger that answers by a script.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use fairway_api::{chain::TransactionReport, to_error};
use fairway_sdk::{Address, Hash, Height, Keypair, Ledger, Refusal, Value, json};
use fairway_types::{Gas, SequenceNumber, ledger::SignedLedgerTransaction};
use jsonrpsee::{
    RpcModule,
    server::{ServerBuilder, ServerHandle},
    types::{ErrorObjectOwned, Params},
};

/// What comes of one submission.
enum Answer {
    Executed,
    Busy,
    /// The number was used: by this transaction, or by another one.
    Used {
        by_this: bool,
    },
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Answer>,
    submitted: Vec<SignedLedgerTransaction>,
    executed: BTreeMap<Hash, TransactionReport>,
    next: u64,
}

impl Script {
    fn execute(&mut self, transaction: Hash) -> TransactionReport {
        let (height, index, gas_used) = (Height(1), 0, Gas(1));
        let events = Vec::new();
        let report =
            TransactionReport { transaction, height, index, gas_used, error: None, events };
        self.next += 1;
        self.executed.insert(transaction, report.clone());
        report
    }

    fn submit(&mut self, signed: SignedLedgerTransaction) -> Result<TransactionReport, Refusal> {
        let (hash, transaction) = (signed.hash(), signed.transaction.clone());
        self.submitted.push(signed);
        let used = |script: &Self| Refusal::SequenceNumber {
            account: transaction.sender,
            expected: SequenceNumber(script.next),
            actual: transaction.sequence,
        };
        match self.answers.pop_front().unwrap() {
            Answer::Executed => Ok(self.execute(hash)),
            Answer::Busy => Err(Refusal::busy("transactions", 1)),
            Answer::Used { by_this } => {
                self.execute(if by_this { hash } else { Hash::ZERO });
                Err(used(self))
            }
        }
    }
}

type Shared = Arc<Mutex<Script>>;

fn param(params: &Params<'_>, name: &str) -> Result<Value, ErrorObjectOwned> {
    let params: Value = params.parse()?;
    Ok(params[name].clone())
}

async fn start(answers: impl IntoIterator<Item = Answer>) -> (Ledger, Shared, ServerHandle) {
    let script = Script { answers: answers.into_iter().collect(), ..Script::default() };
    let script = Shared::new(Mutex::new(script));
    let mut module = RpcModule::new(Arc::clone(&script));
    module.register_method("chain.info", |_, _, _| Ok::<_, ErrorObjectOwned>(info())).unwrap();
    module.register_method("chain.sequence", |_, script, _| script.lock().unwrap().next).unwrap();
    module
        .register_method("chain.submit", |params, script, _| {
            let signed = serde_json::from_value(param(&params, "transaction")?).unwrap();
            script.lock().unwrap().submit(signed).map_err(|refusal| to_error(&refusal))
        })
        .unwrap();
    module
        .register_method("chain.transaction", |params, script, _| {
            let hash: Hash = serde_json::from_value(param(&params, "transaction")?).unwrap();
            let report = script.lock().unwrap().executed.get(&hash).cloned();
            Ok::<_, ErrorObjectOwned>(report)
        })
        .unwrap();
    let server = ServerBuilder::default().build("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let handle = server.start(module);
    (Ledger::connect(format!("ws://{address}")).await.unwrap(), script, handle)
}

fn info() -> Value {
    let zero = Hash::ZERO;
    json!({
        "chain": 1, "height": 1, "time": 1, "head": zero, "state_root": zero, "native": zero,
        "faucet": false,
    })
}

/// Hash and number of each submission.
fn submitted(script: &Shared) -> Vec<(Hash, u64)> {
    let script = script.lock().unwrap();
    let submitted = script.submitted.iter();
    submitted.map(|signed| (signed.hash(), signed.transaction.sequence.0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_ledger_is_sent_the_same_transaction_again() {
    let (ledger, script, _server) = start([Answer::Busy, Answer::Busy, Answer::Executed]).await;
    let key = Keypair::from_seed(&[1; 32]);
    let report = ledger.transfer(&key, Address::from_low(2), 5).await.unwrap();
    assert_eq!(submitted(&script), vec![(report.transaction, 0); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_that_ran_while_the_ledger_was_busy_is_not_signed_anew() {
    let (ledger, script, _server) = start([Answer::Busy, Answer::Used { by_this: true }]).await;
    let key = Keypair::from_seed(&[1; 32]);
    let report = ledger.transfer(&key, Address::from_low(2), 5).await.unwrap();
    assert_eq!(submitted(&script), vec![(report.transaction, 0); 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_whose_number_another_one_used_is_signed_anew() {
    let answers = [Answer::Busy, Answer::Used { by_this: false }, Answer::Executed];
    let (ledger, script, _server) = start(answers).await;
    let key = Keypair::from_seed(&[1; 32]);
    let report = ledger.transfer(&key, Address::from_low(2), 5).await.unwrap();
    let numbers: Vec<u64> = submitted(&script).into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [0, 0, 1]);
    assert_eq!(submitted(&script)[2].0, report.transaction);
}
