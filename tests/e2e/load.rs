//! Payments under way all the time, each sent until a node answers that it is certified.
//!
//! A payer behaves as a careful app does: what was not answered in time is sent again, the same
//! signed bytes, to the next node. So a call that was answered twice was still made once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fairway_sdk::{
    Address, CallStatus, ChannelId, Connection, Hash, Height, Keypair,
    api::{StateChannelApiClient, channel::CallReport},
};
use fairway_types::{
    Call, ChainId, FunctionName, Gas, Operation, SequenceNumber, SignedCall, codec,
    contract::NATIVE, limits,
};
use futures::{StreamExt, future::ready, stream};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::world::World;

/// Calls of one payer under way at most.
const WINDOW: usize = 32;
/// Between two calls of a payer: a constant load, not all that the machine can do.
const PACE: Duration = Duration::from_millis(25);
/// How long a payer waits for one node.
const ANSWER: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(100);

/// A call that a node said to be certified.
#[derive(Debug, Clone)]
pub(crate) struct Acked {
    pub(crate) call: Hash,
    pub(crate) height: Height,
}

/// What the payers share.
struct Book {
    acked: Mutex<Vec<Acked>>,
    /// Signed calls without an answer, and who waits.
    open: Mutex<BTreeMap<Hash, String>>,
    /// What was answered instead, and how often.
    troubles: Mutex<BTreeMap<String, u64>>,
    /// How many are acknowledged.
    count: watch::Sender<u64>,
    stop: AtomicBool,
}

/// Payers of all members; they run until [`Load::finish`].
pub(crate) struct Load {
    book: Arc<Book>,
    payers: Vec<JoinHandle<()>>,
}

struct Payer {
    index: usize,
    key: Keypair,
    others: Vec<Address>,
    /// Its own node first.
    nodes: Vec<Connection>,
    chain: ChainId,
    channel: ChannelId,
    book: Arc<Book>,
}

impl Load {
    pub(crate) async fn start(world: &World, channel: ChannelId) -> Self {
        let book = Arc::new(Book {
            acked: Mutex::default(),
            open: Mutex::default(),
            troubles: Mutex::default(),
            count: watch::Sender::new(0),
            stop: AtomicBool::new(false),
        });
        let chain = world.ledger.channel(channel).await.unwrap().record.chain;
        let count = world.keys.len();
        let mut payers = Vec::new();
        for (index, key) in world.keys.iter().enumerate() {
            let node = |n: usize| Connection::new(world.network.url((index + n) % count));
            let address = |n: usize| world.keys[(index + n) % count].address();
            let payer = Payer {
                index,
                key: key.clone(),
                others: (1..count).map(address).collect(),
                nodes: (0..count).map(node).collect(),
                chain,
                channel,
                book: Arc::clone(&book),
            };
            let first = payer.sequence().await;
            payers.push(tokio::spawn(payer.run(first)));
        }
        Self { book, payers }
    }

    /// How many calls are acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        *self.book.count.borrow()
    }

    /// Waits until so many more calls are acknowledged.
    pub(crate) async fn expect(&self, more: u64, within: Duration, when: &str) {
        let mut count = self.book.count.subscribe();
        let wanted = *count.borrow() + more;
        let reached = timeout(within, count.wait_for(|count| *count >= wanted)).await.is_ok();
        assert!(
            reached,
            "{when}: {} of {wanted} calls acknowledged after {within:?}; {}",
            self.acknowledged(),
            self.book.waiting()
        );
    }

    /// Stops the load, and waits until every call that was made is acknowledged.
    pub(crate) async fn finish(self, within: Duration) -> Vec<Acked> {
        self.book.stop.store(true, Ordering::Relaxed);
        let end = Instant::now() + within;
        for mut payer in self.payers {
            match tokio::time::timeout_at(end, &mut payer).await {
                Ok(result) => result.unwrap(),
                Err(_) => panic!("not acknowledged {within:?} after: {}", self.book.waiting()),
            }
        }
        let acked = self.book.acked.lock().unwrap().clone();
        println!(
            "{} calls acknowledged; answered otherwise: {:?}",
            acked.len(),
            self.book.troubles
        );
        acked
    }
}

impl Book {
    fn waiting(&self) -> String {
        let open = self.open.lock().unwrap();
        let troubles = self.troubles.lock().unwrap();
        format!("{} open: {:#?}; answered otherwise: {troubles:#?}", open.len(), open)
    }

    fn take(&self, report: &CallReport) {
        assert!(report.status >= CallStatus::Certified && report.error.is_none(), "{report:?}");
        self.open.lock().unwrap().remove(&report.call);
        self.acked.lock().unwrap().push(Acked { call: report.call, height: report.height });
        self.count.send_modify(|count| *count += 1);
    }
}

impl Payer {
    async fn sequence(&self) -> SequenceNumber {
        let (id, account) = (self.channel, self.key.address());
        let asked =
            self.nodes[0].request(|node| async move { node.sequence(id, account, None).await });
        asked.await.unwrap()
    }

    async fn run(self, first: SequenceNumber) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let calls = stream::unfold((first, pace), |(number, mut pace)| async move {
            pace.tick().await;
            Some((number, (number.next(), pace)))
        });
        let stopped = || self.book.stop.load(Ordering::Relaxed);
        calls
            .take_while(|_| ready(!stopped()))
            .map(|number| self.payment(number))
            .for_each_concurrent(WINDOW, |call| self.send(call))
            .await;
    }

    /// One unit to another member; the memo is the payment's number.
    fn payment(&self, sequence: SequenceNumber) -> SignedCall {
        let memo = format!("{}-{}", self.index, sequence.0);
        let to = usize::try_from(sequence.0).unwrap() % self.others.len();
        let function: FunctionName = "0x44::payments::pay".parse().unwrap();
        let args = vec![
            codec::encode(&self.others[to]),
            codec::encode(&NATIVE),
            codec::encode(&1u64),
            codec::encode(&memo),
        ];
        let call = Call {
            chain: self.chain,
            channel: self.channel,
            sender: self.key.address(),
            sequence,
            operation: Operation::Invoke { function, type_args: Vec::new(), args },
            gas_limit: Gas(limits::CALL_GAS),
            expires_at: fairway::driver::clock().plus(limits::CALL_LIFETIME - 5_000),
        };
        let signature = self.key.sign(&call);
        let signed = SignedCall { key: self.key.public(), signature, call };
        self.book.open.lock().unwrap().insert(signed.hash(), memo);
        signed
    }

    async fn send(&self, call: SignedCall) {
        for node in self.nodes.iter().cycle() {
            let sent = node.request(|client| {
                let call = call.clone();
                async move { client.call(call, Some(CallStatus::Certified)).await }
            });
            let trouble = match timeout(ANSWER, sent).await {
                Ok(Ok(report)) => return self.book.take(&report),
                Ok(Err(error)) => match error.refusal() {
                    Some(refusal) => refusal.name().to_owned(),
                    None => "unreachable".into(),
                },
                Err(_) => "no answer in time".into(),
            };
            *self.book.troubles.lock().unwrap().entry(trouble).or_default() += 1;
            sleep(RETRY).await;
        }
    }
}
