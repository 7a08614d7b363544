//! The scheduler: a queue of things to come, ordered by the true time; the seed decides the rest.

use std::{collections::BTreeMap, rc::Rc};

use fairway_proto::{
    Effect, Event, Input, Limits, Message, Notification, RequestId, Step, Subscription, Update,
    channel::{judging::Judged, output::Reply},
    settlement::dispute::Verdict,
    sync,
};
use fairway_types::{
    Execute, Height, Keypair, NodeId, Time, Verified,
    chain::{ChainTx, ChannelConfig, Durability, Observation},
    evidence::Evidence,
    settlement::Proposal,
};
use rand::Rng;
use serde::Serialize;

use crate::{
    accounts::Accounts,
    acknowledged::Acknowledged,
    byzantine::Byzantine,
    chain::{self, Chain, SettlementChain},
    choices::Choices,
    deeds::Doings,
    invariants::{Broken, Invariants},
    machine::Machine,
    network::Network,
    node::{Boundary, Node},
    onchain::Readings,
    plan::Plan,
    trace::{self, Trace},
};

/// Money in the world: each member's wallet at the start.
const WALLET: u64 = 1_000_000;
pub(crate) const DEPOSIT: u64 = 100_000;
/// Steps between two comparisons of live and replayed state (each replays the whole log).
const REPLAY_EVERY: u64 = 4_096;
/// Steps between two looks at what can be proven.
const SAMPLE_EVERY: u64 = 32;
/// Inputs that wait for a node that stands still.
const BACKLOG: usize = 2_048;
/// Milliseconds in which a healed channel must go on.
const PATIENCE: u64 = 120_000;

/// What a run did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub seed: u64,
    pub steps: u64,
    pub faults: BTreeMap<String, u64>,
    /// What the Byzantine member did, by kind.
    pub byzantine: BTreeMap<String, u64>,
    /// What honest nodes said of reports, by verdict.
    pub verdicts: BTreeMap<String, u64>,
    pub calls_certified: u64,
    pub calls_refused: u64,
    pub settlements: u64,
    /// Times that a node took blocks back.
    pub rolled_back: u64,
    /// Times that a node took a snapshot in place of blocks.
    pub snapshots_taken: u64,
    /// Certified blocks superseded, as DESIGN section 5 allows it.
    pub reversed: u64,
    /// The highest view of any epoch.
    pub views: u64,
    /// Views that the chain learned.
    pub views_shown: u64,
    /// What accounts and liars did on the chain, and what nodes did about money.
    pub deeds: BTreeMap<String, u64>,
    pub chain: BTreeMap<String, u64>,
    /// Payments of honest members that were compared with a state.
    pub payments_compared: u64,
    pub invariants_checked: u64,
    /// Milliseconds from the end of all faults to a new final block everywhere.
    pub healed_in: u64,
}

pub(crate) enum Item {
    Deliver { to: usize, from: NodeId, message: Box<Message> },
    Observe { to: usize },
    Told { to: usize, observation: Observation },
    Chain { from: usize, tx: ChainTx },
    Wake { node: usize, life: u64 },
    Drain { node: usize, life: u64 },
    Join { node: usize },
    AskLeave { node: usize },
    Deed,
    Call,
    Fault,
    Cascade { left: u32 },
    Scheme,
    Restart { node: usize, life: u64 },
    Resume { node: usize, life: u64 },
    Heal,
}

/// Channels, their chain, and what is under way between them.
pub struct World {
    pub plan: Plan,
    pub nodes: Vec<Node>,
    pub chain: Box<dyn SettlementChain>,
    pub report: Report,
    pub trace: Trace,
    /// Whether the app may hold assets of its own.
    pub holds: bool,
    pub(crate) now: Time,
    pub(crate) rng: Choices,
    queue: BTreeMap<(Time, u64), Item>,
    next_item: u64,
    pub(crate) next_request: u64,
    pub(crate) network: Network,
    pub(crate) outage_until: Time,
    pub(crate) readings: Readings,
    pub(crate) calm: bool,
    pub(crate) byzantine: Option<Byzantine>,
    /// Leaves that members were made to ask for.
    pub(crate) leaves: u8,
    pub(crate) acknowledged: Acknowledged,
    pub(crate) invariants: Invariants,
    pub(crate) accounts: Accounts,
    pub(crate) doings: Doings,
    /// What the Byzantine member said of honest leaders.
    pub(crate) slandered: Vec<Evidence>,
    pub(crate) subscribers: Vec<Subscription>,
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
        let config = chain::config(plan.tick_interval, plan.durability(), plan.money.clone());
        let config = ChannelConfig { trust_own_node: plan.trust_own_node, ..config };
        let chain = Chain::new(creator().address(), chain::CHANNEL, config);
        let chain = if plan.judged { chain.judging(Rc::clone(&machine)) } else { chain };
        Self::with_chain(plan, machine, Box::new(chain))
    }

    /// A world whose channels settle on `chain`, which has no members and no money yet.
    #[must_use]
    pub fn with_chain(
        plan: Plan,
        machine: Rc<dyn Execute>,
        mut chain: Box<dyn SettlementChain>,
    ) -> Self {
        let nodes: Vec<Node> = (0..plan.nodes)
            .map(|index| {
                let sync_blocks_most = plan.sync_blocks_most;
                let limits = Limits { sync_blocks_most, ..Limits::default() };
                Node::new(index, chain.record().channel, Rc::clone(&machine), limits)
            })
            .collect();
        let mut invariants = Invariants::default();
        for node in &nodes {
            chain.fund(&node.account, WALLET);
            invariants.acts_for(node.keypair.node_id(), node.account.address());
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
            trace: Trace::default(),
            holds: false,
            now: Time(1_000_000),
            queue: BTreeMap::new(),
            next_item: 0,
            next_request: 0,
            network: Network::default(),
            outage_until: Time::ZERO,
            readings: Readings::new(),
            calm: false,
            byzantine: None,
            leaves: 0,
            acknowledged: Acknowledged::default(),
            invariants,
            accounts: Accounts::default(),
            doings: Doings::default(),
            slandered: Vec::new(),
            subscribers,
            money,
        };
        world.begin();
        world
    }

    /// Makes `node` run another machine than it should, as a cheating leader does.
    pub fn corrupt(&mut self, node: usize, machine: Rc<dyn Execute>) {
        self.invariants.suspect(self.nodes[node].keypair.node_id());
        self.nodes[node].corrupt(machine);
    }

    fn begin(&mut self) {
        self.begin_faults();
        for node in 0..self.nodes.len() {
            let late = self.plan.late_joins && node > 1 && self.rng.random_bool(0.3);
            let delay = match node {
                0 => 0,
                _ if late => self.rng.random_range(5_000..40_000),
                _ => self.rng.random_range(0..5_000),
            };
            self.after(delay, Item::Join { node });
            self.after(0, Item::Wake { node, life: 0 });
        }
        self.after(100, Item::Call);
        self.after(1_000, Item::Fault);
        if self.plan.byzantine {
            self.after(1_000, Item::Scheme);
        }
        if self.plan.deeds.is_some() {
            self.after(2_000, Item::Deed);
        }
    }

    /// Runs the plan, then heals everything and requires progress.
    pub fn run(&mut self) -> Result<Report, Broken> {
        for _ in 0..self.plan.steps {
            self.step()?;
        }
        self.require_progress()?;
        // Where too many are gone for good, what they alone knew is lost.
        if !self.is_alone() {
            self.acknowledged.check(&self.nodes, &self.invariants)?;
        }
        self.report.invariants_checked = self.invariants.checks;
        self.report.views_shown = self.invariants.views_shown;
        self.report.payments_compared = self.accounts.compared;
        self.report.reversed = self.invariants.reversals();
        if let Some(byzantine) = &self.byzantine {
            let acts = byzantine.acts.iter();
            self.report.byzantine = acts.map(|(act, count)| ((*act).to_owned(), *count)).collect();
        }
        Ok(self.report.clone())
    }

    /// One item of the queue.
    pub fn step(&mut self) -> Result<(), Broken> {
        let Some(((time, _), item)) = self.queue.pop_first() else { return Ok(()) };
        self.now = self.now.max(time);
        self.report.steps += 1;
        let record = self.chain.record();
        if record.windows.exit.is_some() && self.report.steps.is_multiple_of(SAMPLE_EVERY) {
            self.accounts.sample(self.now, record, &self.nodes);
        }
        match item {
            Item::Deliver { to, from, message } => {
                let message = Box::new(Verified::trusted(*message));
                self.input(to, Input::Peer { from, message })?;
            }
            Item::Observe { to } => self.observe(to)?,
            Item::Told { to, observation } => self.input(to, Input::Chain(observation))?,
            Item::Chain { from, tx } => self.transact(from, tx)?,
            Item::Wake { node, life } => self.wake(node, life)?,
            Item::Drain { node, life } => self.drain(node, life)?,
            Item::Join { node } => self.join(node),
            Item::AskLeave { node } => self.ask_leave(node)?,
            Item::Deed => self.deed()?,
            Item::Call => self.call()?,
            Item::Fault => self.fault()?,
            Item::Cascade { left } => self.cascade(left),
            Item::Scheme => self.scheme(),
            Item::Restart { node, life } => self.restart(node, life)?,
            Item::Resume { node, life } => self.resume(node, life)?,
            Item::Heal => {
                self.network.join();
                self.accounts.fault_at = self.now;
                self.trace.note(self.now, || "healed".to_owned());
            }
        }
        Ok(())
    }

    pub(crate) fn after(&mut self, delay: u64, item: Item) {
        self.next_item += 1;
        self.queue.insert((self.now.plus(delay), self.next_item), item);
    }

    fn wake(&mut self, node: usize, life: u64) -> Result<(), Broken> {
        let awake = &self.nodes[node];
        if !awake.up || awake.paused || awake.life != life {
            return Ok(());
        }
        self.group(node, Vec::new())?;
        let awake = &self.nodes[node];
        let own = awake.clock.read(self.now);
        let next = awake.channel.deadline().since(own).clamp(1, 1_000);
        self.after(next, Item::Wake { node, life });
        Ok(())
    }

    /// Something comes to a node; what comes to one that is busy or stands still waits.
    pub(crate) fn input(&mut self, to: usize, input: Input) -> Result<(), Broken> {
        let busy = self.plan.groups && !self.calm && self.rng.random_bool(0.3);
        let node = &mut self.nodes[to];
        if !node.up {
            return Ok(());
        }
        if node.paused {
            if node.inbox.len() < BACKLOG {
                node.inbox.push(input);
            }
            return Ok(());
        }
        if !busy && node.inbox.is_empty() {
            return self.group(to, vec![input]);
        }
        let life = node.life;
        let first = node.inbox.is_empty();
        node.inbox.push(input);
        if first {
            let delay = self.rng.random_range(1..10);
            self.after(delay, Item::Drain { node: to, life });
        }
        Ok(())
    }

    fn drain(&mut self, node: usize, life: u64) -> Result<(), Broken> {
        let busy = &mut self.nodes[node];
        if !busy.up || busy.paused || busy.life != life {
            return Ok(());
        }
        let inputs = std::mem::take(&mut busy.inbox);
        if inputs.is_empty() { Ok(()) } else { self.group(node, inputs) }
    }

    /// A node handles a group: decides, stores, performs; or dies somewhere on the way.
    pub(crate) fn group(&mut self, at: usize, inputs: Vec<Input>) -> Result<(), Broken> {
        if self.byzantine.as_ref().is_some_and(|byzantine| byzantine.node == at) {
            return self.scheme_group(at, inputs);
        }
        let told = if self.trace.is_on() { inputs.clone() } else { Vec::new() };
        let time = self.nodes[at].clock.read(self.now);
        let step = self.nodes[at].decide(time, inputs);
        let is_synced = step.binds(self.nodes[at].durability());
        let Step { events, effects } = step;
        self.note_group(at, &told, &events, &effects);
        let binds = events.iter().any(|event| event.binds(Durability::Synced));
        let doom = self.nodes[at].doom.take_if(|_| binds);
        if doom == Some(Boundary::Decided) {
            self.count("crash before storing");
            self.kill(at);
            return Ok(());
        }
        self.nodes[at].store(&events, is_synced);
        self.check_group(at, &events, &effects)?;
        let most = match doom {
            Some(Boundary::Performed(most)) => most,
            Some(Boundary::Decided) | None => usize::MAX,
        };
        for effect in effects.into_iter().take(most) {
            self.perform(at, effect)?;
        }
        if doom.is_some() {
            self.count("crash after storing");
            self.snapshot(at);
            self.kill(at);
        }
        Ok(())
    }

    fn note_group(&mut self, at: usize, told: &[Input], events: &[Event], effects: &[Effect]) {
        if !self.trace.is_on() {
            return;
        }
        let ids: Vec<NodeId> = self.nodes.iter().map(|node| node.keypair.node_id()).collect();
        let names = |id: &NodeId| match ids.iter().position(|known| known == id) {
            Some(index) => format!("n{index}"),
            None => id.short(),
        };
        if let Some(line) = trace::group(&names, told, events, effects) {
            self.trace.note(self.now, || format!("n{at} {line}"));
        }
    }

    fn check_group(
        &mut self,
        at: usize,
        events: &[Event],
        effects: &[Effect],
    ) -> Result<(), Broken> {
        let node = &self.nodes[at];
        self.report.views = self.report.views.max(node.channel.log().term().view.0);
        if node.honest {
            self.invariants.on_stored(node, events)?;
            self.invariants.on_effects(node, effects)?;
            if !events.is_empty() {
                self.invariants.check(node, &*self.chain, self.money, self.holds)?;
            }
        }
        if self.report.steps.is_multiple_of(REPLAY_EVERY) {
            self.invariants.check_replay(node)?;
        }
        if self.plan.crashes && !self.calm && !events.is_empty() && self.rng.random_bool(0.002) {
            self.nodes[at].take_snapshot();
        }
        Ok(())
    }

    pub(crate) fn perform(&mut self, from: usize, effect: Effect) -> Result<(), Broken> {
        match effect {
            Effect::Send { to, message } => {
                if let Some(to) = self.index(&to) {
                    self.send(from, to, message);
                }
            }
            Effect::Broadcast(message) => {
                for to in self.targets(from) {
                    self.send(from, to, message.clone());
                }
            }
            Effect::Submit(tx) => self.submit_tx(from, tx),
            Effect::DryRun { proposal } => self.dry_run(from, &proposal),
            Effect::Refresh => self.after(10, Item::Observe { to: from }),
            Effect::Reply { id, result } => match result {
                Ok(reply) => self.on_reply(from, id, &reply),
                Err(_) => self.report.calls_refused += 1,
            },
            Effect::Publish(update) => self.publish(from, &update)?,
            Effect::ServeBlocks { to, from: height } => {
                let answer = self.blocks_from(from, height);
                if let (Some(message), Some(to)) = (answer, self.index(&to)) {
                    self.send(from, to, message);
                }
            }
            Effect::ServePart { to, height, root, prefix } => {
                let part = sync::part_of(&self.nodes[from].channel, height, root, prefix);
                if let Some(to) = self.index(&to) {
                    self.send(from, to, part);
                }
            }
            // A restart begins its snapshot anew.
            Effect::KeepPart { .. } | Effect::ForgetParts => {}
            Effect::ReadWaiting => self.read_waiting(from),
        }
        Ok(())
    }

    /// To whom a node says what it says to all.
    fn targets(&self, from: usize) -> Vec<usize> {
        let channel = &self.nodes[from].channel;
        let in_log = channel.log().tip().map(|tip| tip.members).unwrap_or_default();
        let knows = |to: &usize| {
            let id = self.nodes[*to].keypair.node_id();
            let on_chain = channel.chain().record().map(|record| &record.members);
            let mut on_chain = on_chain.into_iter().flatten();
            in_log.contains_key(&id) || on_chain.any(|member| member.record.node == id)
        };
        let others = (0..self.nodes.len()).filter(|to| *to != from);
        others.filter(|to| !self.plan.members_only || knows(to)).collect()
    }

    pub(crate) fn index(&self, id: &NodeId) -> Option<usize> {
        self.nodes.iter().position(|node| node.keypair.node_id() == *id)
    }

    pub(crate) fn blocks_from(&self, node: usize, height: Height) -> Option<Message> {
        let head = self.nodes[node].channel.log().head();
        sync::answer(height, head, |height| self.nodes[node].block(height))
    }

    /// While the chain can't be reached it answers nothing.
    pub(crate) fn dry_run(&mut self, from: usize, proposal: &Proposal) {
        let delay = self.rng.random_range(1..30);
        if self.now >= self.outage_until {
            let refusal = self.chain.dry_run(proposal).map(Into::into);
            let observation = Observation::DryRun { proposal: proposal.hash(), refusal };
            self.after(delay, Item::Told { to: from, observation });
        }
    }

    /// The proposal that waits, if the chain answers and one does.
    fn read_waiting(&mut self, from: usize) {
        let waiting = self.chain.waiting().filter(|_| self.now >= self.outage_until);
        if let Some(proposal) = waiting.map(Box::new) {
            let delay = self.rng.random_range(1..30);
            self.after(
                delay,
                Item::Told { to: from, observation: Observation::Waiting { proposal } },
            );
        }
    }

    fn on_reply(&mut self, from: usize, _: RequestId, reply: &Reply) {
        if let Reply::Call(report) = reply {
            self.report.calls_certified += 1;
            if self.nodes[from].honest {
                let entry = self.nodes[from].channel.log().entry(report.height);
                self.acknowledged.note(report, entry.map(|entry| entry.hash));
            }
        }
    }

    /// A subscriber of each node sees every block once, in order.
    fn publish(&mut self, node: usize, update: &Update) -> Result<(), Broken> {
        if let Update::Judged(judged) = update
            && self.nodes[node].honest
        {
            *self.report.verdicts.entry(verdict(judged).to_owned()).or_default() += 1;
            self.invariants.check_verdict(judged)?;
        }
        let subscriber = &mut self.subscribers[node];
        if let Update::RolledBack { .. } = update {
            self.report.rolled_back += 1;
            subscriber.on_update(update);
        }
        if let Update::Adopted { .. } = update {
            self.report.snapshots_taken += 1;
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

    pub(crate) fn send(&mut self, from: usize, to: usize, message: Message) {
        let lost = !self.calm && self.rng.random_range(0..100) < self.plan.loss;
        if lost || self.network.blocks(from, to) {
            return self.count("lost");
        }
        let twice = !self.calm && self.rng.random_range(0..100) < self.plan.duplication;
        let extra = self.network.extra(from, to);
        let from = self.nodes[from].keypair.node_id();
        for _ in 0..=u8::from(twice) {
            let delay = extra + self.rng.random_range(1..=self.plan.max_delay);
            self.after(delay, Item::Deliver { to, from, message: Box::new(message.clone()) });
        }
    }

    /// Everything heals: within a bound of true time, a new block is final everywhere; or who is left
    /// alone gets out.
    fn require_progress(&mut self) -> Result<(), Broken> {
        self.heal_all()?;
        if self.is_alone() {
            self.leave_alone()?;
            return self
                .wait_for(Self::are_out, "whose others are gone did not get out".to_owned());
        }
        let goal = self.invariants.highest_certified().next();
        let missing = format!("no progress beyond {goal} after healing");
        let goes_on = self.wait_for(|world| world.agree_beyond(goal), missing);
        if goes_on.is_ok() || !self.is_held_up_by_a_lost_tail() {
            return goes_on;
        }
        *self.report.deeds.entry("stood still until an exit".to_owned()).or_default() += 1;
        self.leave_alone()?;
        self.wait_for(Self::are_out, "who stood still did not get out".to_owned())
    }

    /// Goes on until everybody is paid or it is `done`; every honest node is then what its replay gives.
    fn wait_for(&mut self, done: impl Fn(&Self) -> bool, missing: String) -> Result<(), Broken> {
        let (since, until) = (self.now, self.now.plus(PATIENCE));
        while self.now < until {
            self.step()?;
            if self.has_ended() || done(self) {
                self.report.healed_in = self.now.since(since);
                return self.honest().try_for_each(|node| {
                    let (live, replayed) = (node.digest(), node.replayed().digest());
                    let differs = || Broken(format!("{live:?} differs from {replayed:?}"));
                    if live == replayed { Ok(()) } else { Err(differs()) }
                });
            }
        }
        Err(Broken(missing))
    }

    /// Whether the channel is closed and everybody paid.
    fn has_ended(&self) -> bool {
        let record = self.chain.record();
        record.settlement.closed || !record.open && record.members.is_empty()
    }

    /// Those of whom something is expected.
    pub fn honest(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.honest && !node.gone)
    }

    /// Who was paid and is gone from the chain need not catch up: nobody serves it any more.
    fn agree_beyond(&self, goal: Height) -> bool {
        let chain = &self.chain.record().members;
        let on_chain = |id| chain.iter().any(|member| member.record.node == id);
        let mut members = self.honest().filter(|node| {
            let id = node.keypair.node_id();
            let tip = node.channel.log().tip();
            on_chain(id) && tip.is_some_and(|tip| tip.members.contains_key(&id))
        });
        members.all(|node| node.channel.log().finalised() >= goal)
    }

    /// Where everybody stands, a line each.
    #[must_use]
    pub fn standing(&self) -> String {
        let lines: Vec<String> = (0..)
            .zip(&self.nodes)
            .map(|(index, node)| {
                let state = match (node.honest, node.up, node.paused) {
                    (false, ..) => " BYZANTINE",
                    (_, false, _) => " down",
                    (_, _, true) => " paused",
                    (..) => "",
                };
                format!("n{index}{state} {}", node.standing())
            })
            .collect();
        let signed = self.invariants.contradictions.first().unwrap_or("nothing");
        format!("{}\nsigned against its own word: {signed}", lines.join("\n"))
    }

    pub(crate) fn count(&mut self, fault: &str) {
        *self.report.faults.entry(fault.to_owned()).or_default() += 1;
        if fault != "lost" {
            self.accounts.fault_at = self.now;
        }
        let network = self.network.describe();
        if fault != "lost" {
            self.trace.note(self.now, || format!("FAULT {fault} (network {network})"));
        }
    }
}

fn verdict(judged: &Judged) -> &'static str {
    match judged.verdict {
        Verdict::Guilty(_) => "guilty",
        Verdict::Innocent(_) => "innocent",
        Verdict::Unclear(_) => "unclear",
    }
}

/// Who creates the channel: the first node's account.
#[must_use]
pub fn creator() -> Keypair {
    Keypair::from_seed(&[101; 32])
}
