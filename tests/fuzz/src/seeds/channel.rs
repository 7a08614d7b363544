//! A channel of two that runs for a while, and what it leaves.

use std::sync::Arc;

use fairway::peers::frame::push_frame;
use fairway_ledger::{
    machine::{BlockHeader, Genesis, Head, Receipt},
    store::{StoredBlock, StoredEvent},
};
use fairway_proto::{
    Event, Message,
    channel::{accusing::disputed, output::Appended},
    message::{Heartbeat, Standing},
};
use fairway_sim::{Plan, World, machine::Machine, node::Node};
use fairway_types::{
    Ack, Address, Block, Certificate, ChainId, ExecutionStatus, Gas, Hash, Height, JoinSequence,
    Keypair, MoveEvent, NodeId, Promise, Refusal, SequenceNumber, SignedAck, SignedCall, StateKey,
    Term, Time, Transaction,
    block::CertifiedBlock,
    chain::{ChannelRecord, Observation},
    codec, contract,
    crypto::Signable,
    evidence::{Disputed, Evidence},
    ledger::{LedgerPayload, LedgerTransaction, PackageSource, SignedLedgerTransaction},
    settlement::{SignedProposal, SignedVote},
    subscription::Filter,
};
use serde::Serialize;

use super::{Seeds, kind, seed};

/// Steps of the run: enough for joins, calls and a settlement.
const STEPS: usize = 1_500;
/// Height of the small snapshot.
const EARLY: Height = Height(3);

pub(super) struct Run {
    stored: Vec<Event>,
    promise: Promise,
    record: ChannelRecord,
    /// `(events covered, snapshot)`, as a node's row holds it.
    early: Vec<u8>,
    late: Vec<u8>,
    /// A block with a call, and all that executing it depends on.
    disputed: Disputed,
}

impl Run {
    pub(super) fn new() -> Self {
        let mut world = World::new(Plan::calm(7, 2));
        let mut early = None;
        for _ in 0..STEPS {
            if let Err(broken) = world.step() {
                panic!("the run for seeds broke: {}", broken.0);
            }
            if early.is_none() && world.nodes[1].channel.log().certified() >= EARLY {
                early = Some(snapshot(&world));
            }
        }
        let promised = |node: &Node| node.channel.log().promise().cloned();
        let promise = world.nodes.iter().find_map(promised);
        let node = &world.nodes[1];
        let decoded = |bytes: &Vec<u8>| codec::decode("event", bytes).ok();
        let log = node.channel.log();
        let calls = |entry: &&fairway_proto::channel::log::Entry| {
            let first = entry.block.transactions.first();
            first.is_some_and(|first| first.as_call().is_some())
        };
        let called = log.entries_from(Height(2)).find(calls);
        let dispute = called.and_then(|entry| disputed(log, &entry.block, &Machine::default()));
        Self {
            disputed: *dispute.unwrap_or_else(|| panic!("the run ordered no call")),
            stored: node.stored.iter().filter_map(decoded).collect(),
            promise: promise.unwrap_or_else(|| panic!("the run changed no term")),
            record: world.chain.record().clone(),
            early: early.unwrap_or_default(),
            late: snapshot(&world),
        }
    }

    fn appended(&self) -> impl Iterator<Item = &Appended> {
        self.stored.iter().filter_map(|event| {
            if let Event::Appended(appended) = event { Some(appended) } else { None }
        })
    }

    fn certificate(&self) -> &Certificate {
        let of = |event: &'_ Event| matches!(event, Event::Certified { .. });
        match self.stored.iter().rfind(|event| of(event)) {
            Some(Event::Certified { certificate }) => certificate,
            _ => panic!("the run certified nothing"),
        }
    }

    fn ack(&self) -> &SignedAck {
        let found = self
            .stored
            .iter()
            .find_map(|event| if let Event::Acked { ack } = event { Some(ack) } else { None });
        found.unwrap_or_else(|| panic!("the run acked nothing"))
    }

    fn promise(&self) -> &Promise {
        &self.promise
    }

    fn proposal(&self) -> &SignedProposal {
        let found = self.stored.iter().find_map(|event| {
            if let Event::Proposed { proposal } = event { Some(&**proposal) } else { None }
        });
        found.unwrap_or_else(|| panic!("the run proposed nothing"))
    }

    fn vote(&self) -> &SignedVote {
        let found = self
            .stored
            .iter()
            .find_map(|event| if let Event::Voted { vote } = event { Some(&**vote) } else { None });
        found.unwrap_or_else(|| panic!("the run voted on nothing"))
    }

    /// The first block of each kind of transaction.
    fn kinds_of_blocks(&self) -> Vec<(&'static str, CertifiedBlock)> {
        let name = |transaction: &Transaction| match transaction {
            Transaction::Call(_) => "call",
            Transaction::Tick => "tick",
            Transaction::Join(_) => "join",
            Transaction::Remove { .. } => "remove",
            Transaction::Close => "close",
            Transaction::Settled { .. } => "settled",
        };
        let mut found: Vec<(&'static str, CertifiedBlock)> = Vec::new();
        for appended in self.appended() {
            let opens = appended.block.opening.is_some();
            let first = appended.block.transactions.first().map_or("empty", name);
            let name = if opens { "opening" } else { first };
            if found.iter().all(|(known, _)| *known != name) {
                let block = Arc::clone(&appended.block);
                found.push((name, CertifiedBlock { block, certificate: None }));
            }
        }
        found
    }

    fn signed_calls(&self) -> impl Iterator<Item = &SignedCall> {
        self.appended()
            .flat_map(|appended| &appended.block.transactions)
            .filter_map(Transaction::as_call)
    }

    fn call(&self) -> &SignedCall {
        self.signed_calls().next().unwrap_or_else(|| panic!("the run ordered no call"))
    }

    pub(super) fn calls(&self) -> Seeds {
        let first = self.signed_calls().take(3).enumerate();
        first.map(|(place, call)| seed(format!("call-{place}"), codec::encode(call))).collect()
    }

    pub(super) fn blocks(&self) -> Seeds {
        let mut blocks = self.kinds_of_blocks();
        let Some((_, last)) = blocks.last() else { return Vec::new() };
        let certificate = Some(self.certificate().clone());
        blocks.push(("certified", CertifiedBlock { block: Arc::clone(&last.block), certificate }));
        blocks.iter().map(|(name, entry)| seed(*name, codec::encode(entry))).collect()
    }

    pub(super) fn acks(&self) -> Seeds {
        vec![seed("ack", codec::encode(self.ack()))]
    }

    pub(super) fn certificates(&self) -> Seeds {
        vec![seed("of-two", codec::encode(self.certificate()))]
    }

    pub(super) fn settlements(&self) -> Seeds {
        vec![
            seed("proposal", codec::encode(self.proposal())),
            seed("vote", codec::encode(self.vote())),
        ]
    }

    fn sent(&self) -> Vec<(&'static str, Message)> {
        let blocks = self.kinds_of_blocks();
        let block = |place: usize| Arc::clone(&blocks[place % blocks.len()].1.block);
        let heartbeat = Heartbeat {
            term: Term::default(),
            head: Height(6),
            head_hash: Hash([4; 32]),
            certified: Height(5),
            finalised: Height(4),
            wish: Term::default(),
            leader_latency: 300,
            hops: 1,
        };
        let twice = signed_twice(&block(0));
        let acked = acked_twice(self.ack());
        let invalid = Evidence::InvalidTransaction {
            reporter: self.vote().node,
            block: Box::new(self.disputed.clone()),
            index: 0,
            reason: "no rule admits it".into(),
        };
        let refusal = Refusal::SequenceNumber {
            account: Address::from_low(5),
            expected: SequenceNumber(1),
            actual: SequenceNumber(0),
        };
        vec![
            ("heartbeat", Message::Heartbeat(heartbeat)),
            ("block", Message::Block(block(1))),
            ("ack", Message::Ack(*self.ack())),
            ("certificate", Message::Certificate(self.certificate().clone())),
            ("forward", Message::Forward(self.call().clone())),
            ("refused", Message::Refused { call: self.call().hash(), refusal }),
            ("sync-request", Message::SyncRequest { from: Height(7) }),
            ("sync-blocks", Message::SyncBlocks(vec![blocks[0].1.clone(), blocks[1].1.clone()])),
            ("proposal", Message::Proposal(self.proposal().clone())),
            ("vote", Message::Vote(self.vote().clone())),
            ("view-change", Message::ViewChange(Box::new(self.promise().clone()))),
            ("recover", Message::Recover { nonce: 7 }),
            ("standing", Message::Standing(self.standing())),
            ("report-double-block", Message::Report(Box::new(twice))),
            ("report-double-ack", Message::Report(Box::new(acked))),
            ("report-invalid", Message::Report(Box::new(invalid))),
            ("report-divergence", Message::Report(Box::new(self.divergence()))),
        ]
    }

    fn judge_transaction(&self) -> SignedLedgerTransaction {
        signed(contract::judge(self.record.channel, JoinSequence(1), &self.divergence()))
    }

    fn standing(&self) -> Standing {
        let ack = self.ack().ack;
        let acked = Some((ack.height, ack.block));
        Standing { nonce: 7, term: ack.term, acked, certified: acked, tail_lost: false }
    }

    fn divergence(&self) -> Evidence {
        let height = self.disputed.header().height;
        let appended = self.appended().find(|appended| appended.block.height() == height);
        let appended = appended.unwrap_or_else(|| panic!("the run ordered no call"));
        Evidence::Divergence {
            reporter: self.vote().node,
            block: Box::new(self.disputed.clone()),
            effects: (*appended.effects).clone(),
            effects_root: Hash([1; 32]),
            state_root: Hash([2; 32]),
        }
    }

    pub(super) fn messages(&self) -> Seeds {
        self.sent().iter().map(|(name, message)| seed(*name, message.encode())).collect()
    }

    pub(super) fn frames(&self) -> Seeds {
        let mut stream = self.record.channel.as_bytes().to_vec();
        let hello = stream.clone();
        push_frame(&mut stream, &[]);
        for (_, message) in self.sent().iter().filter(|(name, _)| !name.starts_with("report")) {
            push_frame(&mut stream, &message.encode());
        }
        vec![seed("hello-alone", hello), seed("conversation", stream)]
    }

    pub(super) fn events(&self) -> Seeds {
        let settled = self.stored.iter().position(|event| matches!(event, Event::Voted { .. }));
        let until = settled.map_or(self.stored.len(), |place| place + 1).min(60);
        vec![
            seed("first", codec::encode(&self.stored[..4])),
            seed("beginning", codec::encode(&self.stored[..16])),
            seed("to-a-vote", codec::encode(&self.stored[..until])),
        ]
    }

    pub(super) fn snapshots(&self) -> Seeds {
        let empty = codec::encode(&(0u64, fairway_proto::channel::log::Log::default().snapshot()));
        let mut seeds = vec![seed("empty", empty), seed("early", self.early.clone())];
        if self.late.len() < 32 << 10 {
            seeds.push(seed("late", self.late.clone()));
        }
        seeds
    }

    pub(super) fn rows(&self) -> Seeds {
        let of = |name: &str, wanted: fn(&Event) -> bool| {
            let event = self.stored.iter().find(|event| wanted(event));
            event.map(|event| kind(name, 3, codec::encode(event)))
        };
        let events = [
            of("event-started", |event| matches!(event, Event::Started { .. })),
            of("event-term-started", |event| matches!(event, Event::TermStarted { .. })),
            of("event-appended", |event| matches!(event, Event::Appended(_))),
            of("event-acked", |event| matches!(event, Event::Acked { .. })),
            of("event-certified", |event| matches!(event, Event::Certified { .. })),
            of("event-proposed", |event| matches!(event, Event::Proposed { .. })),
            of("event-voted", |event| matches!(event, Event::Voted { .. })),
        ];
        let mut seeds = vec![
            kind("channel", 0, codec::encode(&(ChainId(7), Hash([1; 32])))),
            kind("package", 1, codec::encode(&super::apps::small_package())),
            kind("place-of-call", 2, codec::encode(&(Height(7), 3u32))),
        ];
        seeds.extend(events.into_iter().flatten());
        seeds
    }

    pub(super) fn filters(&self) -> Seeds {
        let narrow = Filter {
            resource_types: vec!["0x2::vault::".into()],
            addresses: vec![self.call().call.sender],
            event_types: vec!["0x42::app::Paid".into()],
        };
        let blocks = self.stored.iter().filter(|event| matches!(event, Event::Appended(_)));
        let events: Vec<&Event> = blocks.take(12).collect();
        let with = |filter: &Filter| {
            let mut data = serde_json::to_vec(filter).unwrap_or_default();
            data.push(0);
            data.extend(codec::encode(&events));
            data
        };
        vec![
            seed("everything", with(&Filter::default())),
            seed("narrow", with(&narrow)),
            seed("no-blocks", b"{}".as_slice()),
        ]
    }

    pub(super) fn ledger(&self) -> Seeds {
        let (pay, store) = (transfer(), package_transaction());
        let event = MoveEvent {
            type_tag: "0x3::channel::Created".into(),
            data: self.record.channel.as_bytes().to_vec(),
        };
        let observed = Observation::Channel {
            record: Box::new(self.record.clone()),
            chain_height: Height(9),
            chain_time: Time(9_000),
            is_final: true,
        };
        let resource = StateKey::resource(Address::from_low(3), "0x3::coin::Supply<0x1::a::B>");
        let at = |event: &MoveEvent| StoredEvent {
            height: Height(1),
            transaction: pay.hash(),
            event: event.clone(),
        };
        vec![
            kind("transfer", 0, codec::encode(&pay)),
            kind("store-package", 0, codec::encode(&store)),
            kind("judge", 0, codec::encode(&self.judge_transaction())),
            kind("block", 1, codec::encode(&stored_block(&pay, event.clone()))),
            kind("event", 2, codec::encode(&at(&event))),
            kind(
                "genesis",
                3,
                codec::encode(&Genesis { chain: ChainId(7), root: pay.transaction.sender }),
            ),
            kind("head", 4, codec::encode(&head())),
            kind("key-resource", 5, codec::encode(&resource)),
            kind("key-member", 5, codec::encode(&StateKey::Member(Address::from_low(3)))),
            kind("record", 6, codec::encode(&self.record)),
            kind("observation", 7, codec::encode(&observed)),
        ]
    }

    pub(super) fn parameters(&self) -> Seeds {
        let json = |name: &str, number: u8, value: &dyn Fn() -> serde_json::Result<Vec<u8>>| {
            kind(name, number, value().unwrap_or_default())
        };
        let call = || to_json(self.call());
        let config = || to_json(&self.record.config);
        let mut seeds = vec![
            json("signed-call", 0, &call),
            json("transfer", 1, &|| to_json(&transfer())),
            json("store-package", 1, &|| to_json(&package_transaction())),
            json("judge", 1, &|| to_json(&self.judge_transaction())),
            json("channel-config", 8, &config),
            json("package", 9, &|| to_json(&super::apps::small_package())),
            json("refusal", 11, &|| to_json(&Refusal::Closed.data())),
        ];
        seeds.extend(super::apps::parameters());
        seeds
    }
}

fn to_json<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(value)
}

/// The key of a node of the run.
fn key_of(node: NodeId) -> Keypair {
    let keys = (1..=2).map(|index| Keypair::from_seed(&[index; 32]));
    let found = keys.into_iter().find(|key| key.node_id() == node);
    found.unwrap_or_else(|| panic!("{node} is no node of the run"))
}

fn signed_twice(block: &Block) -> Evidence {
    let first = Box::new(block.signed_header());
    let mut second = first.clone();
    second.header.time = second.header.time.plus(1);
    second.signature = key_of(block.leader).sign(&second.header);
    Evidence::DoubleBlock { first, second }
}

fn acked_twice(first: &SignedAck) -> Evidence {
    let ack = Ack { block: Hash([9; 32]), ..first.ack };
    let second = SignedAck { ack, signature: key_of(first.node).sign(&ack), ..*first };
    Evidence::DoubleAck { first: *first, second }
}

fn snapshot(world: &World) -> Vec<u8> {
    let node = &world.nodes[1];
    codec::encode(&(node.stored.len() as u64, node.channel.log().snapshot()))
}

fn signed(payload: LedgerPayload) -> SignedLedgerTransaction {
    let key = Keypair::from_seed(&[3; 32]);
    let transaction = LedgerTransaction {
        chain: ChainId(7),
        sender: key.address(),
        sequence: SequenceNumber(4),
        payload,
        gas_limit: Gas(100_000),
        expires_at: Time(60_000),
    };
    let signature = key.sign_bytes(&transaction.signing_bytes());
    SignedLedgerTransaction { transaction, key: key.public(), signature }
}

fn transfer() -> SignedLedgerTransaction {
    signed(contract::transfer(contract::NATIVE, Address::from_low(9), 25))
}

fn package_transaction() -> SignedLedgerTransaction {
    let package: PackageSource = super::apps::small_package();
    signed(LedgerPayload::StorePackage { package })
}

fn stored_block(transaction: &SignedLedgerTransaction, event: MoveEvent) -> StoredBlock {
    let receipt = Receipt {
        transaction: transaction.hash(),
        status: ExecutionStatus::Success,
        gas_used: Gas(412),
        events: vec![event],
    };
    let header = BlockHeader {
        chain: ChainId(7),
        parent: Hash([1; 32]),
        height: Height(1),
        time: Time(1_000),
        transactions_root: transaction.hash(),
        receipts_root: receipt.hash(),
        state_root: Hash([2; 32]),
    };
    let transactions = vec![transaction.clone()];
    StoredBlock { header, transactions, code: Vec::new(), receipts: vec![receipt] }
}

fn head() -> Head {
    Head { height: Height(1), time: Time(1_000), hash: Hash([3; 32]), state_root: Hash([2; 32]) }
}
