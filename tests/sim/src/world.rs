//! The scheduler: a queue of things to come, ordered by a fake clock; the seed decides the rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use fairway_proto::{
    CallStatus, Effect, Input, Message, Notification, Request, RequestId, Subscription, Update,
    sync,
};
use fairway_types::{
    Call, Execute, Gas, Height, Keypair, NodeId, Operation, SequenceNumber, SignedCall, Time,
    Verified,
    block::CertifiedBlock,
    chain::{ChainTx, Observation},
    codec,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{
    chain::{CHAIN, Chain, SettlementChain},
    choices::Choices,
    invariants::{Broken, Invariants},
    machine::{Machine, function},
    node::Node,
};

/// Money in the world: each member's wallet at the start.
const WALLET: u64 = 1_000_000;
const DEPOSIT: u64 = 100_000;
/// Steps between two comparisons of live and replayed state (each replays the whole log).
const REPLAY_EVERY: u64 = 2_048;

/// What a run may do. Probabilities in percent.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub nodes: u8,
    pub steps: u64,
    pub loss: u32,
    pub duplication: u32,
    pub max_delay: u64,
    pub crashes: bool,
    pub partitions: bool,
    pub tick_interval: u64,
    /// Whether the first member, who leads, may leave too.
    pub leader_leaves: bool,
    /// What decides before the seed does, one byte a choice.
    pub choices: Vec<u8>,
}

impl Plan {
    /// A network without faults, and no ticks.
    #[must_use]
    pub fn calm(seed: u64, nodes: u8) -> Self {
        Self {
            seed,
            nodes,
            steps: 3_000,
            loss: 0,
            duplication: 0,
            max_delay: 20,
            crashes: false,
            partitions: false,
            tick_interval: 0,
            leader_leaves: false,
            choices: Vec::new(),
        }
    }

    /// A plan drawn from the seed itself.
    #[must_use]
    pub fn from_seed(seed: u64, steps: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
        Self {
            seed,
            nodes: rng.random_range(1..=5),
            steps,
            loss: rng.random_range(0..15),
            duplication: rng.random_range(0..10),
            max_delay: rng.random_range(1..200),
            crashes: rng.random_bool(0.6),
            partitions: rng.random_bool(0.5),
            tick_interval: if rng.random_bool(0.3) { 100 } else { 0 },
            leader_leaves: rng.random_bool(0.5),
            choices: Vec::new(),
        }
    }

    /// A plan that `bytes` draw, and then choose in: seven for the plan, the others for what happens.
    #[must_use]
    pub fn from_choices(bytes: &[u8]) -> Option<Self> {
        let ([nodes, loss, duplication, delay, ticks, faults, pace], choices) =
            bytes.split_first_chunk()?;
        Some(Self {
            seed: 0,
            nodes: 1 + nodes % 4,
            steps: choices.len() as u64 * (1 + u64::from(pace % 8)),
            loss: u32::from(loss % 15),
            duplication: u32::from(duplication % 10),
            max_delay: u64::from(*delay).max(1),
            crashes: faults & 1 == 1,
            partitions: faults & 2 == 2,
            tick_interval: u64::from(ticks % 2) * 100,
            leader_leaves: faults & 4 == 4,
            choices: choices.to_vec(),
        })
    }
}

/// What a run did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub seed: u64,
    pub steps: u64,
    pub faults: BTreeMap<String, u64>,
    pub calls_certified: u64,
    pub calls_refused: u64,
    pub settlements: u64,
    /// Times that a node took blocks back.
    pub rolled_back: u64,
    /// The highest view of any epoch.
    pub views: u64,
    pub invariants_checked: u64,
}

enum Item {
    Deliver { to: usize, from: NodeId, message: Box<Message> },
    Observe { to: usize },
    Told { to: usize, observation: Observation },
    Chain { from: usize, tx: ChainTx },
    Wake { node: usize },
    Join { node: usize },
    Call,
    Fault,
    Restart { node: usize },
    Heal,
}

/// Channels, their chain, and what is under way between them.
pub struct World {
    pub plan: Plan,
    pub nodes: Vec<Node>,
    pub chain: Box<dyn SettlementChain>,
    pub report: Report,
    /// Whether the app may hold assets of its own.
    pub holds: bool,
    now: Time,
    rng: Choices,
    queue: BTreeMap<(Time, u64), Item>,
    next_item: u64,
    next_request: u64,
    islands: Option<BTreeSet<usize>>,
    calm: bool,
    invariants: Invariants,
    subscribers: Vec<Subscription>,
    money: u64,
}

impl World {
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self::with_machine(plan, Rc::new(Machine::default()))
    }

    /// A world whose channels run on `machine`.
    #[must_use]
    pub fn with_machine(plan: Plan, machine: Rc<dyn Execute>) -> Self {
        let chain = Box::new(Chain::new(creator().address(), plan.tick_interval));
        Self::with_chain(plan, machine, chain)
    }

    /// A world whose channels settle on `chain`, which has no members and no money yet.
    #[must_use]
    pub fn with_chain(
        plan: Plan,
        machine: Rc<dyn Execute>,
        mut chain: Box<dyn SettlementChain>,
    ) -> Self {
        let nodes: Vec<Node> = (0..plan.nodes)
            .map(|index| Node::new(index, chain.record().channel, Rc::clone(&machine)))
            .collect();
        for node in &nodes {
            chain.fund(&node.account, WALLET);
        }
        let money = chain.total();
        let subscribers =
            nodes.iter().map(|_| Subscription::new(Default::default(), Height(1))).collect();
        let mut world = Self {
            rng: Choices::new(plan.choices.clone(), plan.seed),
            report: Report { seed: plan.seed, ..Report::default() },
            plan,
            nodes,
            chain,
            holds: false,
            now: Time(1_000_000),
            queue: BTreeMap::new(),
            next_item: 0,
            next_request: 0,
            islands: None,
            calm: false,
            invariants: Invariants::default(),
            subscribers,
            money,
        };
        world.begin();
        world
    }

    /// Makes `node` run another machine than it should, as a cheating leader does.
    pub fn corrupt(&mut self, node: usize, machine: Rc<dyn Execute>) {
        self.nodes[node].corrupt(machine);
    }

    fn begin(&mut self) {
        for node in 0..self.nodes.len() {
            let delay = if node == 0 { 0 } else { self.rng.random_range(0..5_000) };
            self.after(delay, Item::Join { node });
            self.after(0, Item::Wake { node });
        }
        self.after(100, Item::Call);
        self.after(1_000, Item::Fault);
    }

    /// Runs the plan, then heals everything and requires progress.
    pub fn run(&mut self) -> Result<Report, Broken> {
        for _ in 0..self.plan.steps {
            self.step()?;
        }
        self.require_progress()?;
        self.report.invariants_checked = self.invariants.checks;
        Ok(self.report.clone())
    }

    /// One item of the queue.
    pub fn step(&mut self) -> Result<(), Broken> {
        let Some(((time, _), item)) = self.queue.pop_first() else { return Ok(()) };
        self.now = self.now.max(time);
        self.report.steps += 1;
        match item {
            Item::Deliver { to, from, message } => {
                let message = Box::new(Verified::trusted(*message));
                self.input(to, Input::Peer { from, message })?;
            }
            Item::Observe { to } => self.observe(to)?,
            Item::Told { to, observation } => self.input(to, Input::Chain(observation))?,
            Item::Chain { from, tx } => self.transact(from, tx)?,
            Item::Wake { node } => self.wake(node)?,
            Item::Join { node } => self.join(node),
            Item::Call => self.call()?,
            Item::Fault => self.fault()?,
            Item::Restart { node } => self.restart(node),
            Item::Heal => self.islands = None,
        }
        Ok(())
    }

    fn after(&mut self, delay: u64, item: Item) {
        self.next_item += 1;
        self.queue.insert((self.now.plus(delay), self.next_item), item);
    }

    fn join(&mut self, node: usize) {
        let member = &self.nodes[node];
        self.chain.join(self.now, &member.account, &member.keypair, DEPOSIT);
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        for to in all {
            self.after(5, Item::Observe { to });
        }
    }

    fn wake(&mut self, node: usize) -> Result<(), Broken> {
        if !self.nodes[node].up {
            return Ok(());
        }
        self.input(node, Input::Timeout)?;
        let next = self.nodes[node].channel.deadline().since(self.now).clamp(1, 1_000);
        self.after(next, Item::Wake { node });
        Ok(())
    }

    fn observe(&mut self, to: usize) -> Result<(), Broken> {
        let observation = Observation::Channel {
            record: Box::new(self.chain.record().clone()),
            chain_height: self.chain.height(),
            chain_time: self.chain.time(),
            is_final: true,
        };
        self.input(to, Input::Chain(observation))
    }

    fn transact(&mut self, from: usize, tx: ChainTx) -> Result<(), Broken> {
        let settled = self.chain.record().settlement.number;
        let result = self.chain.execute(self.now, &self.nodes[from].keypair, &tx);
        self.report.settlements += self.chain.record().settlement.number - settled;
        let observation = match result {
            Ok(()) => Observation::Accepted { tx: Box::new(tx) },
            Err(reason) => Observation::Rejected { tx: Box::new(tx), reason },
        };
        self.after(3, Item::Told { to: from, observation });
        for to in 0..self.nodes.len() {
            let delay = self.rng.random_range(1..50);
            self.after(delay, Item::Observe { to });
        }
        Ok(())
    }

    fn input(&mut self, to: usize, input: Input) -> Result<(), Broken> {
        if !self.nodes[to].up {
            return Ok(());
        }
        let step = self.nodes[to].handle(self.now, vec![input]);
        if self.nodes[to].honest {
            self.invariants.on_effects(&self.nodes[to], &step.effects)?;
            self.invariants.check(&self.nodes[to], &*self.chain, self.money, self.holds)?;
        }
        if self.report.steps.is_multiple_of(REPLAY_EVERY) {
            self.invariants.check_replay(&self.nodes[to])?;
        }
        for effect in step.effects {
            self.perform(to, effect)?;
        }
        Ok(())
    }

    fn perform(&mut self, from: usize, effect: Effect) -> Result<(), Broken> {
        match effect {
            Effect::Send { to, message } => self.send(from, to, message),
            Effect::Broadcast(message) => {
                let me = self.nodes[from].keypair.node_id();
                let others: Vec<NodeId> = self
                    .nodes
                    .iter()
                    .map(|node| node.keypair.node_id())
                    .filter(|id| *id != me)
                    .collect();
                for to in others {
                    self.send(from, to, message.clone());
                }
            }
            Effect::Submit(tx) => {
                let delay = self.rng.random_range(1..30);
                self.after(delay, Item::Chain { from, tx });
            }
            Effect::Refresh => self.after(10, Item::Observe { to: from }),
            Effect::Reply { result, .. } => match result {
                Ok(_) => self.report.calls_certified += 1,
                Err(_) => self.report.calls_refused += 1,
            },
            Effect::Publish(update) => self.publish(from, &update)?,
            Effect::ServeBlocks { to, from: height } => {
                let log = self.nodes[from].channel.log();
                let answer = sync::answer(height, |height| {
                    let entry = log.entry(height)?;
                    let certificate = entry.certificate.clone();
                    Some(CertifiedBlock { block: entry.block.clone(), certificate })
                });
                if let Some(message) = answer {
                    self.send(from, to, message);
                }
            }
        }
        Ok(())
    }

    /// A subscriber of each node sees every block once, in order.
    fn publish(&mut self, node: usize, update: &Update) -> Result<(), Broken> {
        let subscriber = &mut self.subscribers[node];
        if let Update::RolledBack { .. } = update {
            self.report.rolled_back += 1;
            subscriber.on_update(update);
        }
        if let Update::Block { block, .. } = update {
            let expected = subscriber.cursor();
            if block.height() < expected {
                return Ok(());
            }
            match subscriber.on_update(update) {
                Some(Notification::Block { height, .. }) if height == expected => {}
                _ => {
                    return Err(Broken(format!(
                        "subscriber expected {expected}, saw {}",
                        block.height()
                    )));
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, from: usize, to: NodeId, message: Message) {
        let Some(target) = self.nodes.iter().position(|node| node.keypair.node_id() == to) else {
            return;
        };
        let apart = self
            .islands
            .as_ref()
            .is_some_and(|island| island.contains(&from) != island.contains(&target));
        let lost = !self.calm && self.rng.random_range(0..100) < self.plan.loss;
        if apart || lost {
            return self.count("lost");
        }
        let copies =
            if !self.calm && self.rng.random_range(0..100) < self.plan.duplication { 2 } else { 1 };
        let from = self.nodes[from].keypair.node_id();
        for _ in 0..copies {
            let delay = self.rng.random_range(1..=self.plan.max_delay);
            self.after(
                delay,
                Item::Deliver { to: target, from, message: Box::new(message.clone()) },
            );
        }
    }

    /// A client calls: mostly payments, some of them wrong.
    fn call(&mut self) -> Result<(), Broken> {
        let delay = self.rng.random_range(1..200);
        self.after(delay, Item::Call);
        let sender = self.rng.random_range(0..self.nodes.len());
        let via = self.rng.random_range(0..self.nodes.len());
        let receiver = self.rng.random_range(0..self.nodes.len());
        let sequence = self.next_sequence(sender) + u64::from(self.rng.random_bool(0.05));
        let to = self.nodes[receiver].account.address();
        let amount = self.rng.random_range(0..300_000u64);
        let may_leave =
            (sender > 0 || self.plan.leader_leaves) && self.report.steps > self.plan.steps / 2;
        let operation = match self.rng.random_range(0..100) {
            0..90 => invoke("pay", vec![codec::encode(&to), codec::encode(&amount)]),
            90..95 => invoke("abort", Vec::new()),
            95..98 => invoke("pay", vec![vec![1, 2, 3]]),
            98 if may_leave => Operation::Leave,
            99 if may_leave => invoke("leave", Vec::new()),
            _ => invoke("nothing", Vec::new()),
        };
        if self.rng.random_bool(0.02) {
            self.next_request += 1;
            let id = RequestId(self.next_request);
            return self.input(via, Input::Client { id, request: Request::ProposeSettlement });
        }
        self.request(sender, via, sequence, operation)
    }

    /// Has `sender` ask for an operation through the node `via`.
    pub fn submit(
        &mut self,
        sender: usize,
        via: usize,
        operation: Operation,
    ) -> Result<(), Broken> {
        let sequence = self.next_sequence(sender);
        self.request(sender, via, sequence, operation)
    }

    fn request(
        &mut self,
        sender: usize,
        via: usize,
        sequence: u64,
        operation: Operation,
    ) -> Result<(), Broken> {
        let call = self.sign(sender, sequence, operation);
        self.next_request += 1;
        let id = RequestId(self.next_request);
        let request =
            Request::Call { call: Box::new(Verified::trusted(call)), wait: CallStatus::Certified };
        self.input(via, Input::Client { id, request })
    }

    fn sign(&self, sender: usize, sequence: u64, operation: Operation) -> SignedCall {
        let account = &self.nodes[sender].account;
        let call = Call {
            chain: CHAIN,
            channel: self.chain.record().channel,
            sender: account.address(),
            sequence: SequenceNumber(sequence),
            operation,
            gas_limit: Gas(1_000),
            expires_at: self.now.plus(30_000),
        };
        SignedCall { signature: account.sign(&call), key: account.public(), call }
    }

    fn next_sequence(&self, sender: usize) -> u64 {
        let account = self.nodes[sender].account.address();
        self.nodes
            .iter()
            .filter_map(|node| node.channel.log().tip())
            .map(|tip| fairway_proto::channel::execution::next_sequence(&tip.state, account).0)
            .max()
            .unwrap_or(0)
    }

    fn fault(&mut self) -> Result<(), Broken> {
        if self.calm {
            return Ok(());
        }
        let delay = self.rng.random_range(200..4_000);
        self.after(delay, Item::Fault);
        let node = self.rng.random_range(0..self.nodes.len());
        if self.plan.crashes && self.nodes[node].up && self.rng.random_bool(0.6) {
            return self.crash(node);
        }
        if self.plan.partitions && self.islands.is_none() {
            let island = (0..self.nodes.len()).filter(|_| self.rng.random_bool(0.5)).collect();
            self.islands = Some(island);
            self.count("partition");
            let delay = self.rng.random_range(100..3_000);
            self.after(delay, Item::Heal);
        }
        Ok(())
    }

    /// A crash between two groups, or between deciding and storing one.
    fn crash(&mut self, node: usize) -> Result<(), Broken> {
        self.count("crash");
        // By the clock, not by chance: the seeds that found something stay what they are.
        if self.now.0.is_multiple_of(3) {
            self.nodes[node].take_snapshot();
        }
        let power_cut = self.now.0.is_multiple_of(2);
        if self.rng.random_bool(0.5) {
            self.nodes[node].handle_and_lose(self.now, vec![Input::Timeout]);
        }
        self.nodes[node].up = false;
        if power_cut {
            self.nodes[node].lose_tail();
        }
        let delay = self.rng.random_range(10..3_000);
        self.after(delay, Item::Restart { node });
        Ok(())
    }

    fn restart(&mut self, node: usize) {
        self.nodes[node].restart();
        let next = self.nodes[node].channel.log().head().next();
        self.subscribers[node] = Subscription::new(Default::default(), next);
        self.after(1, Item::Observe { to: node });
        self.after(2, Item::Wake { node });
    }

    /// Everything heals: within a bound of fake time, a new block is certified and every node has
    /// the same head.
    fn require_progress(&mut self) -> Result<(), Broken> {
        self.calm = true;
        self.islands = None;
        let down: Vec<usize> =
            (0..self.nodes.len()).filter(|index| !self.nodes[*index].up).collect();
        for node in down {
            self.restart(node);
        }
        let goal = self.invariants.highest_certified().next();
        let until = self.now.plus(120_000);
        while self.now < until {
            self.step()?;
            if self.chain.record().settlement.closed || self.agree_beyond(goal) {
                return self.nodes.iter().try_for_each(|node| self.invariants.check_replay(node));
            }
        }
        let standings: Vec<String> = self.nodes.iter().map(Node::standing).collect();
        Err(Broken(format!("no progress beyond {goal} after healing:\n{}", standings.join("\n"))))
    }

    /// Who was paid and is gone from the chain need not catch up: nobody serves it any more.
    fn agree_beyond(&self, goal: Height) -> bool {
        let chain = &self.chain.record().members;
        let on_chain = |id| chain.iter().any(|member| member.record.node == id);
        let mut members = self.nodes.iter().filter(|node| {
            let id = node.keypair.node_id();
            let tip = node.channel.log().tip();
            on_chain(id) && tip.is_some_and(|tip| tip.members.contains_key(&id))
        });
        members.all(|node| node.channel.log().certified() >= goal)
    }

    fn count(&mut self, fault: &str) {
        *self.report.faults.entry(fault.to_owned()).or_default() += 1;
    }
}

/// Who creates the channel: the first node's account.
#[must_use]
pub fn creator() -> Keypair {
    Keypair::from_seed(&[101; 32])
}

fn invoke(name: &str, args: Vec<Vec<u8>>) -> Operation {
    Operation::Invoke { function: function(name), type_args: Vec::new(), args }
}
