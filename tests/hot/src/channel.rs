//! Four members' channels in one process, with the payments package behind them.

#![allow(clippy::wildcard_enum_match_arm, reason = "it looks at the effects that it measures")]

use std::{collections::VecDeque, path::Path};

use anyhow::Context;
use fairway_proto::{Channel, Effect, Env, Input, Limits, Message, Request, RequestId, Step};
use fairway_sandbox::{MoveSandbox, compile, read_package};
use fairway_types::{
    Call, ChainId, ChannelId, Epoch, Gas, GasTableId, Hash, Height, JoinSequence, Keypair,
    Operation, SequenceNumber, SignedCall, Term, Time, Verified, View, Weight,
    call::CallStatus,
    chain::{
        ChainMember, ChannelConfig, ChannelRecord, Durability, EpochGrant, JoinPolicy,
        MemberRecord, MoneyRules, Observation, TermRecord,
    },
    codec,
    contract::NATIVE,
    limits,
    settlement::AssetAmount,
};

pub(crate) const NODES: usize = 4;
const CALLS: usize = 64;
const CHAIN: ChainId = ChainId(1);
const CHANNEL: ChannelId = ChannelId([9; 32]);
const NOW: Time = Time(1_000_000);
const DEPOSIT: u64 = 1_000_000;

pub(crate) type Calls = Vec<Verified<SignedCall>>;

/// The first of them leads.
pub(crate) struct Four {
    sandbox: MoveSandbox,
    channels: Vec<Channel>,
    /// What the channels said last and nobody has heard.
    said: Vec<(usize, Effect)>,
}

impl Four {
    /// They have entered their founders and certified what there was.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/examples");
        let sandbox = MoveSandbox::new(&compile(&read_package(&examples.join("payments"))?)?)?;
        let env = |index| Env {
            chain: CHAIN,
            channel: CHANNEL,
            keypair: node_key(index),
            limits: Limits::default(),
        };
        let channels = (0..NODES).map(|index| Channel::new(env(index))).collect();
        let mut four = Self { sandbox, channels, said: Vec::new() };
        for node in 0..NODES {
            let observation = Observation::Channel {
                record: Box::new(record()),
                chain_height: Height(2),
                chain_time: NOW,
                is_final: true,
            };
            four.input(node, Input::Chain(observation));
            four.input(node, Input::Flush);
        }
        four.rest()?;
        // So that every account has its number and its counter, as in a channel that is in use.
        let calls = four.payments();
        four.cut(calls)?;
        four.rest()?;
        Ok(four)
    }

    fn input(&mut self, node: usize, input: Input) -> Step {
        let step = self.channels[node].handle(NOW, &self.sandbox, input);
        self.said.extend(step.effects.iter().map(|effect| (node, effect.clone())));
        step
    }

    /// Everybody hears everything until nobody has anything to say.
    fn rest(&mut self) -> anyhow::Result<()> {
        let mut queue: VecDeque<_> = std::mem::take(&mut self.said).into();
        for _ in 0..10_000 {
            let Some((from, effect)) = queue.pop_front() else { return Ok(()) };
            for (to, message) in self.deliveries(from, effect) {
                self.input(to, self.word(from, message));
                self.input(to, Input::Flush);
            }
            queue.extend(self.said.drain(..));
        }
        anyhow::bail!("the channels never come to rest")
    }

    fn deliveries(&self, from: usize, effect: Effect) -> Vec<(usize, Message)> {
        let others = (0..NODES).filter(|to| *to != from);
        if let Effect::Broadcast(message) = effect {
            return others.map(|to| (to, message.clone())).collect();
        }
        let Effect::Send { to, message } = effect else { return Vec::new() };
        let known = others.filter(|other| self.channels[*other].node() == to);
        known.map(|other| (other, message.clone())).collect()
    }

    fn word(&self, from: usize, message: Message) -> Input {
        let message = Box::new(Verified::trusted(message));
        Input::Peer { from: self.channels[from].node(), message }
    }

    /// Payments of every member to the next one.
    pub(crate) fn payments(&self) -> Calls {
        let each = CALLS / NODES;
        let members = (0..NODES).flat_map(|member| (0..each).map(move |n| (member, n)));
        members.map(|(member, n)| Verified::trusted(self.payment(member, n))).collect()
    }

    fn payment(&self, member: usize, n: usize) -> SignedCall {
        let key = account_key(member);
        let args = vec![
            codec::encode(&account_key((member + 1) % NODES).address()),
            codec::encode(&NATIVE),
            codec::encode(&1u64),
            codec::encode(&String::new()),
        ];
        let function = fairway_types::FunctionName {
            address: fairway_types::Address::from_low(0x44),
            module: "payments".into(),
            function: "pay".into(),
        };
        let used = self.channels[0].log().tip().map_or(0, |tip| {
            let key = fairway_types::StateKey::Sequence(key.address());
            let bytes = fairway_types::StateReader::read(&tip.state, &key);
            bytes.and_then(|bytes| codec::decode("sequence", &bytes).ok()).unwrap_or(0)
        });
        let call = Call {
            chain: CHAIN,
            channel: CHANNEL,
            sender: key.address(),
            sequence: SequenceNumber(used + n as u64),
            operation: Operation::Invoke { function, type_args: Vec::new(), args },
            gas_limit: Gas(limits::CALL_GAS),
            expires_at: NOW.plus(60_000),
        };
        SignedCall { signature: key.sign(&call), key: key.public(), call }
    }

    /// The leader orders the calls; its block.
    pub(crate) fn cut(&mut self, calls: Calls) -> anyhow::Result<Message> {
        for (id, call) in (0..).map(RequestId).zip(calls) {
            let request = Request::Call { call: Box::new(call), wait: CallStatus::Certified };
            self.input(0, Input::Client { id, request });
        }
        let step = self.input(0, Input::Flush);
        let block = step.effects.iter().find_map(|effect| match effect {
            Effect::Broadcast(block @ Message::Block(held)) if held.transactions.len() == CALLS => {
                Some(block.clone())
            }
            _ => None,
        });
        block.context("the leader cut no block of all calls")
    }

    /// A follower takes the leader's block; its ack.
    pub(crate) fn follow(
        &mut self,
        node: usize,
        block: Verified<Message>,
    ) -> anyhow::Result<Message> {
        let from = self.channels[0].node();
        self.input(node, Input::Peer { from, message: Box::new(block) });
        let step = self.input(node, Input::Flush);
        let ack = step.effects.iter().find_map(|effect| match effect {
            Effect::Send { message, .. } | Effect::Broadcast(message)
                if matches!(message, Message::Ack(_)) =>
            {
                Some(message.clone())
            }
            _ => None,
        });
        ack.context("the follower did not ack")
    }

    /// The leader takes the followers' acks.
    pub(crate) fn certify(&mut self, acks: Vec<Message>) -> anyhow::Result<()> {
        let head = self.channels[0].log().head();
        for (node, ack) in (1..).zip(acks) {
            let from = self.channels[node].node();
            let message = Box::new(ack.verify()?);
            self.input(0, Input::Peer { from, message });
        }
        self.input(0, Input::Flush);
        anyhow::ensure!(self.channels[0].log().certified() >= head, "not certified");
        Ok(())
    }
}

fn node_key(index: usize) -> Keypair {
    Keypair::from_seed(&[index as u8 + 1; 32])
}

fn account_key(index: usize) -> Keypair {
    Keypair::from_seed(&[index as u8 + 101; 32])
}

fn deposit(members: u64) -> Vec<AssetAmount> {
    vec![AssetAmount { asset: NATIVE, amount: DEPOSIT * members }]
}

fn member(index: usize) -> MemberRecord {
    MemberRecord {
        account: account_key(index).address(),
        node: node_key(index).node_id(),
        join_sequence: JoinSequence(index as u64 + 1),
        weight: Weight(1),
        deposit: deposit(1),
        endpoints: Vec::new(),
    }
}

/// What the chain knows of a channel with four founders.
fn record() -> ChannelRecord {
    let valid = (1..=NODES as u64).map(JoinSequence).collect();
    let (leader, join_sequence) = (member(0).account, member(0).join_sequence);
    let grant = EpochGrant { epoch: Epoch(1), leader, join_sequence, valid };
    let term = Term { epoch: Epoch(1), view: View(0) };
    let members = (0..NODES).map(|index| ChainMember {
        record: member(index),
        active: true,
        active_since: Epoch(1),
        booked: false,
        leaving: false,
        last_heartbeat: NOW,
        collateral: 0,
        pooled: false,
        eligible: true,
    });
    let config = ChannelConfig {
        tick_interval: 0,
        settlement_interval: 0,
        durability: Durability::Synced,
        join_policy: JoinPolicy::Open,
        invited: Vec::new(),
        asset: NATIVE,
        min_deposit: 1,
        max_members: 16,
        gas_table: GasTableId::MEASURED,
        trust_own_node: false,
        money: MoneyRules::default(),
    };
    ChannelRecord {
        first_grant: Some(grant.clone()),
        founders: (0..NODES).map(member).collect(),
        grants: vec![grant],
        in_force: Some(TermRecord { term, leader, join_sequence }),
        members: members.collect(),
        locked: deposit(NODES as u64),
        ..ChannelRecord::new((CHAIN, CHANNEL), leader, Hash([5; 32]), config)
    }
}
