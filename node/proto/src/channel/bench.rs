//! Channels of one process for unit tests: messages arrive at once and in order, nothing is lost
//! unless a node is down, and the chain's record is a value that a test changes.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at the variants it is about")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use fairway_types::{
    Ack, Address, AssetId, Block, Call, Certificate, ChainId, ChannelId, Context, Epoch, Execute,
    ExecutionStatus, Gas, GasTableId, Hash, Height, Invocation, JoinSequence, Keypair, NodeId,
    Operation, Outcome, Refusal, SequenceNumber, SignedCall, StateKey, StateReader, Term, Time,
    Verified, View, Weight, Write,
    block::CertifiedBlock,
    call::Counter,
    chain::{
        ChainMember, ChainRefusal, ChainTx, ChannelConfig, ChannelRecord, Durability, EpochGrant,
        JoinPolicy, MemberRecord, MoneyRules, Observation, TermRecord,
    },
    codec,
    session::Session,
    settlement::{AssetAmount, Proposal},
};

use super::{
    Channel, Env, Limits, books,
    execution::next_sequence,
    input::{Input, Request, RequestId},
    log::Log,
    output::{CallStatus, Effect, Event, Reply, Step},
};
use crate::{message::Message, settlement::membership};

pub(super) const CHAIN: ChainId = ChainId(7);
pub(super) const CHANNEL: ChannelId = ChannelId([9; 32]);
const ASSET: AssetId = AssetId([8; 32]);

/// Books deposits and dues as `runtime::vault` does; calls store their second argument under their
/// first, hooks do nothing.
pub(super) struct Vaults;

impl Execute for Vaults {
    fn execute(
        &self,
        state: &dyn StateReader,
        _: &Context,
        invocation: &Invocation<'_>,
        _: Gas,
    ) -> Outcome {
        let writes = match invocation {
            Invocation::Credit { account, amounts } => {
                let sum = books::add(&books::vault(state, *account), amounts).unwrap_or_default();
                vec![vault(*account, Some(codec::encode(&sum)))]
            }
            Invocation::Debit { account } => vec![vault(*account, None)],
            Invocation::Call { args: [name, value], .. } => {
                let tag = format!("0x42::app::T{}", hex(name));
                let key = StateKey::resource(Address::from_low(66), tag);
                vec![Write { key, value: Some(value.clone()) }]
            }
            Invocation::Call { .. } | Invocation::Hook(_) => Vec::new(),
        };
        let status = ExecutionStatus::Success;
        Outcome { status, gas_used: Gas(1), writes, events: Vec::new() }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn vault(account: Address, value: Option<Vec<u8>>) -> Write {
    Write { key: StateKey::resource(account, books::VAULT_TAG), value }
}

pub(super) fn amounts(amount: u64) -> Vec<AssetAmount> {
    vec![AssetAmount { asset: ASSET, amount }]
}

pub(super) fn node_key(index: usize) -> Keypair {
    Keypair::from_seed(&[index as u8 + 1; 32])
}

pub(super) fn account_key(index: usize) -> Keypair {
    Keypair::from_seed(&[index as u8 + 101; 32])
}

/// The member with this index: join sequence `index + 1`, a deposit of 100, weight 1.
pub(super) fn member(index: usize) -> MemberRecord {
    MemberRecord {
        account: account_key(index).address(),
        node: node_key(index).node_id(),
        join_sequence: JoinSequence(index as u64 + 1),
        weight: Weight(1),
        deposit: amounts(100),
        endpoints: Vec::new(),
    }
}

pub(super) fn chain_member(index: usize) -> ChainMember {
    let last_heartbeat = Time(1_000_000);
    ChainMember {
        record: member(index),
        active: true,
        active_since: Epoch(1),
        booked: false,
        leaving: false,
        last_heartbeat,
        collateral: 0,
        pooled: false,
        eligible: true,
    }
}

/// A record whose first `count` members founded the channel, led by the first.
pub(super) fn record(count: usize) -> ChannelRecord {
    let valid = (1..=count as u64).map(JoinSequence).collect();
    let (leader, join_sequence) = (member(0).account, member(0).join_sequence);
    let grant = EpochGrant { epoch: Epoch(1), leader, join_sequence, valid };
    let in_force =
        Some(TermRecord { term: Term { epoch: Epoch(1), view: View(0) }, leader, join_sequence });
    let config = ChannelConfig {
        tick_interval: 0,
        settlement_interval: 0,
        durability: Durability::Synced,
        join_policy: JoinPolicy::Open,
        invited: Vec::new(),
        asset: ASSET,
        min_deposit: 1,
        max_members: 16,
        gas_table: GasTableId::MEASURED,
        trust_own_node: false,
        money: MoneyRules::default(),
    };
    ChannelRecord {
        first_grant: Some(grant.clone()),
        founders: (0..count).map(member).collect(),
        grants: vec![grant],
        in_force,
        members: (0..count).map(chain_member).collect(),
        locked: amounts(100 * count as u64),
        ..ChannelRecord::new((CHAIN, CHANNEL), leader, Hash([5; 32]), config)
    }
}

/// A node that cuts as many small blocks as full ones, and tells certificates at once: tests order a
/// call at a time, and no time passes.
pub(super) fn env(index: usize) -> Env {
    let limits = Limits::default();
    let limits = Limits { eager: limits.window, tell_delay: 0, ..limits };
    Env { chain: CHAIN, channel: CHANNEL, keypair: node_key(index), limits }
}

pub(super) struct Bench {
    pub(super) nodes: Vec<Channel>,
    pub(super) record: ChannelRecord,
    pub(super) now: Time,
    /// Nodes that neither hear nor act.
    pub(super) down: BTreeSet<usize>,
    /// Pairs that don't hear each other, the lower first.
    pub(super) cut: BTreeSet<(usize, usize)>,
    /// Blocks up to here are handed out no more.
    pub(super) pruned: Height,
    /// Parts that were to be kept.
    pub(super) kept: Vec<fairway_state::parts::Entries>,
    /// Whether the chain answers what it is asked, and which proposals, by height, it would refuse.
    pub(super) answers: bool,
    pub(super) refusals: BTreeMap<Height, ChainRefusal>,
    /// Everything the nodes did, in order.
    pub(super) effects: Vec<(usize, Effect)>,
    pub(super) events: Vec<(usize, Event)>,
    /// How many of a node's events a power cut leaves in a `replicated` channel.
    synced: BTreeMap<usize, usize>,
    chain_height: u64,
    next_request: u64,
}

impl Bench {
    /// `count` founders that have heard of the first grant; the first one leads.
    pub(super) fn new(count: usize) -> Self {
        Self::with_record(count, record(count))
    }

    /// `count` nodes that have heard of `record`.
    pub(super) fn with_record(count: usize, record: ChannelRecord) -> Self {
        let mut bench = Self {
            nodes: (0..count).map(|index| Channel::new(env(index))).collect(),
            record,
            now: Time(1_000_000),
            down: BTreeSet::new(),
            cut: BTreeSet::new(),
            pruned: Height::ZERO,
            kept: Vec::new(),
            answers: true,
            refusals: BTreeMap::new(),
            effects: Vec::new(),
            events: Vec::new(),
            synced: BTreeMap::new(),
            chain_height: 1,
            next_request: 0,
        };
        bench.observe();
        bench
    }

    /// The chain grants the next epoch to `leader`, with these members valid.
    pub(super) fn grant(&mut self, leader: usize, valid: &[usize]) {
        let epoch = self.record.grants.last().map_or(Epoch(1), |grant| grant.epoch.next());
        let valid = valid.iter().map(|index| member(*index).join_sequence).collect();
        let (leader, join_sequence) = (member(leader).account, member(leader).join_sequence);
        let grant = EpochGrant { epoch, leader, join_sequence, valid };
        self.record.in_force = membership::term_record(&self.record, &grant, View(0));
        self.record.grants.push(grant);
        self.observe();
    }

    /// Which nodes are done with the channel.
    pub(super) fn ended(&self) -> Vec<bool> {
        self.nodes.iter().map(Channel::has_ended).collect()
    }

    /// Every node reads the chain's record.
    pub(super) fn observe(&mut self) {
        self.chain_height += 1;
        for node in 0..self.nodes.len() {
            let observation = self.observation();
            self.run(node, Input::Chain(observation));
        }
    }

    pub(super) fn observation(&self) -> Observation {
        Observation::Channel {
            record: Box::new(self.record.clone()),
            chain_height: Height(self.chain_height),
            chain_time: self.now,
            is_final: true,
        }
    }

    /// Has the account of `sender` ask for an operation through the node `via`.
    pub(super) fn call(&mut self, sender: usize, via: usize, operation: Operation) {
        let sequence = self.next_sequence(counter(sender, &operation), via);
        let call = sign(sender, sequence, operation, self.now.plus(60_000));
        self.request(via, call);
    }

    /// Something to order that changes nothing.
    pub(super) fn note(&mut self, sender: usize) {
        let via = self.leader();
        self.call(sender, via, nothing());
    }

    pub(super) fn request(&mut self, via: usize, call: SignedCall) -> RequestId {
        self.next_request += 1;
        let id = RequestId(self.next_request);
        let call = Box::new(Verified::trusted(call));
        let request = Request::Call { call, wait: CallStatus::Executed };
        self.run(via, Input::Client { id, request });
        id
    }

    /// What a request was answered with.
    pub(super) fn answer(&self, asked: RequestId) -> Result<Reply, Refusal> {
        let mut answers = self.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Reply { id, result } if *id == asked => Some(result.clone()),
            _ => None,
        });
        answers.next_back().expect("an answer")
    }

    fn next_sequence(&self, counter: Counter, via: usize) -> SequenceNumber {
        let tip = self.nodes[via].log().tip();
        tip.map_or(SequenceNumber(0), |tip| next_sequence(&tip.state, counter))
    }

    /// The node that is up and leads the highest term.
    pub(super) fn leader(&self) -> usize {
        let leads = |index: &usize| {
            let channel = &self.nodes[*index];
            !self.down.contains(index) && channel.log().leader() == Some(channel.node())
        };
        let leaders = (0..self.nodes.len()).filter(leads);
        leaders.max_by_key(|index| self.nodes[*index].log().term()).unwrap_or(0)
    }

    /// The node starts again from what it stored.
    pub(super) fn restart(&mut self, node: usize) {
        let log = self.nodes[node].log().clone();
        self.nodes[node] = Channel::restore(env(node), log);
        let observation = self.observation();
        self.run(node, Input::Chain(observation));
    }

    /// The power fails at a node of a `replicated` channel: all that was not synced is gone.
    pub(super) fn lose_tail(&mut self, node: usize) {
        let own = self.events.iter().filter(|(of, _)| *of == node).map(|(_, event)| event);
        let stored: Vec<Event> = own.cloned().collect();
        let synced = self.synced.remove(&node).unwrap_or(0);
        let mut log = Log::default();
        stored[..synced].iter().for_each(|event| log.apply(event));
        self.events.retain(|(of, _)| *of != node);
        self.nodes[node] = Channel::restore(env(node), log);
        let observation = self.observation();
        self.next_request += 1;
        self.run(node, Input::TailLost { nonce: self.next_request });
        self.run(node, Input::Chain(observation));
    }

    /// Splits the nodes into these and the others.
    pub(super) fn part(&mut self, side: &[usize]) {
        let pairs = (0..self.nodes.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
        self.cut = pairs.filter(|(a, b)| side.contains(a) != side.contains(b)).collect();
    }

    /// One group of one input, nothing delivered.
    pub(super) fn input(&mut self, to: usize, input: Input) -> Step {
        let mut group = Step::default();
        let mut inputs = VecDeque::from([input, Input::Flush]);
        while let Some(input) = inputs.pop_front() {
            let step = self.nodes[to].handle(self.now, &Vaults, input);
            for effect in &step.effects {
                if let Effect::DryRun { proposal } = effect
                    && self.answers
                {
                    let refusal = self.refusals.get(&proposal.to_height).cloned();
                    let proposal = proposal.hash();
                    inputs.push_back(Input::Chain(Observation::DryRun { proposal, refusal }));
                    inputs.push_back(Input::Flush);
                }
            }
            group.events.extend(step.events);
            group.effects.extend(step.effects);
        }
        group
    }

    pub(super) fn message(&mut self, to: usize, from: usize, message: Message) -> Step {
        let from = node_key(from).node_id();
        self.input(to, Input::Peer { from, message: Box::new(Verified::trusted(message)) })
    }

    /// One input, and everything that follows from it among the nodes that are up.
    pub(super) fn run(&mut self, to: usize, input: Input) {
        let mut queue = VecDeque::from([(to, input)]);
        let mut rounds = 0;
        while let Some((to, input)) = queue.pop_front() {
            rounds += 1;
            assert!(rounds < 100_000, "the channels never come to rest");
            if self.down.contains(&to) {
                continue;
            }
            let step = self.input(to, input);
            let binds = step.binds(Durability::Replicated);
            self.events.extend(step.events.into_iter().map(|event| (to, event)));
            if binds {
                let of_node = self.events.iter().filter(|(of, _)| *of == to);
                self.synced.insert(to, of_node.count());
            }
            for effect in step.effects {
                queue.extend(self.deliveries(to, &effect));
                self.effects.push((to, effect));
            }
        }
    }

    fn deliveries(&self, from: usize, effect: &Effect) -> Vec<(usize, Input)> {
        let (targets, message): (Vec<usize>, Message) = match effect {
            Effect::Send { to, message } => {
                (self.index_of(*to).into_iter().collect(), message.clone())
            }
            Effect::Broadcast(message) => {
                ((0..self.nodes.len()).filter(|node| *node != from).collect(), message.clone())
            }
            Effect::ServeBlocks { to, from: height } => {
                let head = self.nodes[from].log().head();
                let answer =
                    crate::sync::answer(*height, head, |height| self.block_at(from, height));
                let Some(answer) = answer else { return Vec::new() };
                (self.index_of(*to).into_iter().collect(), answer)
            }
            Effect::ServePart { to, height, root, prefix } => {
                let part = crate::sync::part_of(&self.nodes[from], *height, *root, *prefix);
                (self.index_of(*to).into_iter().collect(), part)
            }
            _ => return Vec::new(),
        };
        let input = || {
            let message = Box::new(Verified::trusted(message.clone()));
            Input::Peer { from: node_key(from).node_id(), message }
        };
        let hears = |to: &usize| !self.cut.contains(&(from.min(*to), from.max(*to)));
        targets.into_iter().filter(hears).map(|to| (to, input())).collect()
    }

    fn block_at(&self, node: usize, height: Height) -> Option<CertifiedBlock> {
        if height <= self.pruned {
            return None;
        }
        let entry = self.nodes[node].log().entry(height)?;
        let (block, certificate) = (Arc::clone(&entry.block), entry.certificate.clone());
        Some(CertifiedBlock { block, certificate })
    }

    fn index_of(&self, node: NodeId) -> Option<usize> {
        self.nodes.iter().position(|channel| channel.node() == node)
    }

    /// Time passes in steps of 50 ms; each step wakes every node.
    pub(super) fn wait(&mut self, milliseconds: u64) {
        let until = self.now.plus(milliseconds);
        while self.now < until {
            self.now = self.now.plus(50);
            for node in 0..self.nodes.len() {
                self.run(node, Input::Timeout);
            }
        }
    }

    pub(super) fn submitted(&self, node: usize) -> impl Iterator<Item = &ChainTx> {
        self.effects.iter().filter_map(move |(from, effect)| match effect {
            Effect::Submit(tx) if *from == node => Some(tx),
            _ => None,
        })
    }

    /// Proposals that a node gave to the chain.
    pub(super) fn proposed(&self, node: usize) -> impl Iterator<Item = &Proposal> {
        self.submitted(node).filter_map(|tx| {
            if let ChainTx::Propose { proposal } = tx { Some(&**proposal) } else { None }
        })
    }

    /// The leader orders a call, and nobody hears of it.
    pub(super) fn cut_unheard(&mut self) -> Arc<Block> {
        self.cut_unheard_of(nothing())
    }

    /// The leader orders this of its own account, and nobody hears of it.
    pub(super) fn cut_unheard_of(&mut self, operation: Operation) -> Arc<Block> {
        self.cut_many(vec![operation])
    }

    /// The same with many calls in one block.
    pub(super) fn cut_many(&mut self, operations: Vec<Operation>) -> Arc<Block> {
        let mut numbers = BTreeMap::new();
        for operation in operations {
            let counter = counter(0, &operation);
            let first = self.next_sequence(counter, 0);
            let number = numbers.entry(counter).or_insert(first);
            let call = sign(0, *number, operation, self.now.plus(60_000));
            *number = number.next();
            let call = Box::new(Verified::trusted(call));
            let request = Request::Call { call, wait: CallStatus::Executed };
            let input = Input::Client { id: RequestId(0), request };
            self.nodes[0].handle(self.now, &Vaults, input);
        }
        block_of(&self.nodes[0].handle(self.now, &Vaults, Input::Flush))
    }
}

/// Whose numbers it counts with.
fn counter(sender: usize, operation: &Operation) -> Counter {
    let session = match operation {
        Operation::Session { key, .. } => Some(*key),
        Operation::Invoke { .. }
        | Operation::Leave
        | Operation::Close
        | Operation::Delegate(_)
        | Operation::Revoke { .. } => None,
    };
    Counter { account: account_key(sender).address(), session }
}

/// Who signs this for the account.
fn signer(sender: usize, operation: &Operation) -> Keypair {
    match operation {
        Operation::Session { .. } => session_key(),
        Operation::Invoke { .. }
        | Operation::Leave
        | Operation::Close
        | Operation::Delegate(_)
        | Operation::Revoke { .. } => account_key(sender),
    }
}

pub(super) fn sign(
    sender: usize,
    sequence: SequenceNumber,
    operation: Operation,
    expires_at: Time,
) -> SignedCall {
    let key = signer(sender, &operation);
    let call = Call {
        chain: CHAIN,
        channel: CHANNEL,
        sender: account_key(sender).address(),
        sequence,
        operation,
        gas_limit: Gas(1_000_000),
        expires_at,
    };
    SignedCall { signature: key.sign(&call), key: key.public(), call }
}

pub(super) fn nothing() -> Operation {
    let function = "0x42::app::nothing".parse().expect("a function's name");
    Operation::Invoke { function, type_args: Vec::new(), args: Vec::new() }
}

/// Something that is written under a name.
pub(super) fn put(name: u8, value: u8) -> Operation {
    let function = "0x42::app::put".parse().expect("a function's name");
    let args = vec![vec![name], vec![value]];
    Operation::Invoke { function, type_args: Vec::new(), args }
}

/// A key that an account delegates calls to.
pub(super) fn session_key() -> Keypair {
    Keypair::from_seed(&[90; 32])
}

/// Everything but money is delegated to the session key.
pub(super) fn delegate() -> Operation {
    let expires_at = Time(1_060_000);
    let (functions, spending) = Default::default();
    Operation::Delegate(Session { key: session_key().public(), functions, spending, expires_at })
}

/// [`put`] by the session key.
pub(super) fn put_by_session(name: u8, value: u8) -> Operation {
    let function = "0x42::app::put".parse().expect("a function's name");
    let args = vec![vec![name], vec![value]];
    Operation::Session { key: session_key().public(), function, type_args: Vec::new(), args }
}

/// Something that makes the state larger by 60 kB.
pub(super) fn store(number: u32) -> Operation {
    let function = "0x42::app::store".parse().expect("a function's name");
    let args = vec![number.to_be_bytes().to_vec(), number.to_be_bytes().repeat(15_000)];
    Operation::Invoke { function, type_args: Vec::new(), args }
}

/// Acks of `block` by these nodes, members or not.
pub(super) fn certificate(block: &Block, signers: &[usize]) -> Certificate {
    let (channel, term, height) = (CHANNEL, block.header.term, block.height());
    let ack = Ack { channel, term, height, block: block.hash() };
    let sign = |signer: &usize| (node_key(*signer).node_id(), node_key(*signer).sign(&ack));
    let mut signatures: Vec<_> = signers.iter().map(sign).collect();
    signatures.sort_by_key(|(node, _)| *node);
    Certificate { ack, signatures }
}

/// The block with another justification, signed anew by its leader.
pub(super) fn justified_by(block: &Block, leader: usize, proof: Certificate) -> Block {
    let mut block = block.clone();
    block.header.justified = proof.ack.height;
    block.justification = Some(proof);
    block.signature = node_key(leader).sign(&block.header);
    block
}

/// The block that a step sends to everybody.
pub(super) fn block_of(step: &Step) -> Arc<Block> {
    let mut blocks = step.effects.iter().filter_map(|effect| match effect {
        Effect::Broadcast(Message::Block(block)) => Some(Arc::clone(block)),
        _ => None,
    });
    blocks.next_back().expect("a block was cut")
}

/// A follower of four that holds three blocks, and the leader's fourth, which it has not seen.
pub(super) fn three_blocks() -> (Bench, Vec<Arc<Block>>) {
    let mut bench = Bench::new(4);
    let blocks: Vec<_> = (0..4).map(|_| bench.cut_unheard()).collect();
    for block in &blocks[..3] {
        bench.message(1, 0, Message::Block(Arc::clone(block)));
    }
    assert_eq!(bench.nodes[1].log().head(), Height(3));
    (bench, blocks)
}

/// A block that `signer` made up.
pub(super) fn junk(like: &Block, signer: usize, change: impl FnOnce(&mut Block)) -> Arc<Block> {
    let keypair = node_key(signer);
    let mut block = like.clone();
    block.leader = keypair.node_id();
    change(&mut block);
    block.signature = keypair.sign(&block.header);
    Arc::new(block)
}
