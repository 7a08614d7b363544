//! What goes wrong, and when: crashes at every boundary, pauses, clocks, networks, the chain, and
//! the Byzantine member's schemes.

use std::rc::Rc;

use fairway_proto::{Effect, Input, Message, Subscription, sync};
use fairway_types::{Execute, Keypair, evidence::Evidence};
use rand::Rng;

use crate::{
    byzantine::Byzantine,
    clock::Clock,
    invariants::Broken,
    machine::Machine,
    node::{Boundary, Node, decide},
    slander::slander,
    world::{Item, World},
};

/// Registered members from which on one of them may be Byzantine.
const LEAST_MEMBERS: usize = 4;
/// Effects of a group after which it may crash.
const EFFECTS: usize = 12;

#[derive(Clone, Copy)]
enum Fault {
    Crash,
    Split,
    Silence,
    Pause,
    Clock,
    Outage,
    Cascade,
}

impl World {
    pub(crate) fn begin_faults(&mut self) {
        if self.plan.slow_links {
            self.network.slow_down(self.nodes.len(), &mut self.rng);
        }
        if self.plan.skew > 0 {
            for node in 0..self.nodes.len() {
                let offset = self.offset();
                let drift = self.rng.random_range(-20_000..20_000);
                self.nodes[node].clock = Clock::new(self.now, offset, drift, self.plan.skew);
            }
        }
    }

    fn offset(&mut self) -> i64 {
        let skew = i64::try_from(self.plan.skew).unwrap_or(0);
        self.rng.random_range(-skew..=skew)
    }

    /// Something goes wrong, and after a while something else.
    pub(crate) fn fault(&mut self) -> Result<(), Broken> {
        if self.calm {
            return Ok(());
        }
        let delay = self.rng.random_range(200..4_000);
        self.after(delay, Item::Fault);
        let plan = &self.plan;
        let kinds = [
            (plan.crashes, Fault::Crash),
            (plan.crashes, Fault::Crash),
            (plan.partitions, Fault::Split),
            (plan.partitions, Fault::Silence),
            (plan.pauses, Fault::Pause),
            (plan.skew > 0, Fault::Clock),
            (plan.outages, Fault::Outage),
            (plan.crashes || plan.pauses, Fault::Cascade),
        ];
        let possible: Vec<Fault> =
            kinds.iter().filter(|(may, _)| *may).map(|(_, fault)| *fault).collect();
        if possible.is_empty() {
            return Ok(());
        }
        match possible[self.rng.random_range(0..possible.len())] {
            Fault::Crash => self.crash(),
            Fault::Split => self.split(),
            Fault::Silence => self.silence(),
            Fault::Pause => self.pause_one(),
            Fault::Clock => self.jump(),
            Fault::Outage => self.cut_chain(),
            Fault::Cascade => {
                let left = self.rng.random_range(2..5);
                self.cascade(left);
            }
        }
        Ok(())
    }

    /// The leader as often as anybody else.
    fn victim(&mut self) -> usize {
        let anybody = self.rng.random_range(0..self.nodes.len());
        if self.rng.random_bool(0.5) { self.leader().unwrap_or(anybody) } else { anybody }
    }

    /// Who leads the latest term that anybody is in.
    fn leader(&self) -> Option<usize> {
        let up = self.honest().filter(|node| node.up);
        let latest = up.max_by_key(|node| node.channel.log().term())?;
        self.index(&latest.channel.log().leader()?)
    }

    fn is_byzantine(&self, node: usize) -> bool {
        self.byzantine.as_ref().is_some_and(|byzantine| byzantine.node == node)
    }

    /// Mostly short, sometimes longer than the chain counts a silent member as valid.
    fn while_long(&mut self) -> u64 {
        if self.rng.random_bool(0.06) {
            self.rng.random_range(12_000..30_000)
        } else {
            self.rng.random_range(10..4_000)
        }
    }

    /// A crash between two groups, or within the next one that binds the node.
    fn crash(&mut self) {
        let node = self.victim();
        if !self.nodes[node].up || self.nodes[node].paused || self.is_byzantine(node) {
            return;
        }
        match self.rng.random_range(0..4) {
            0 => {
                self.count("crash");
                self.snapshot(node);
                self.kill(node);
            }
            1 => self.nodes[node].doom = Some(Boundary::Decided),
            _ => {
                let performed = self.rng.random_range(0..EFFECTS);
                self.nodes[node].doom = Some(Boundary::Performed(performed));
            }
        }
    }

    /// At times a node takes a snapshot, right after it stored.
    pub(crate) fn snapshot(&mut self, node: usize) {
        if self.rng.random_bool(0.3) {
            self.nodes[node].take_snapshot();
        }
    }

    pub(crate) fn kill(&mut self, node: usize) {
        let power_cut = self.rng.random_bool(0.5) && self.may_lose_power(node);
        self.nodes[node].up = false;
        if power_cut {
            self.count("power cut");
            let rng = &mut self.rng;
            self.nodes[node].lose_tail(|writes| rng.random_range(0..=writes));
        }
        let life = self.nodes[node].life;
        self.trace.note(self.now, || format!("n{node} is down"));
        let delay = self.while_long();
        self.after(delay, Item::Restart { node, life });
    }

    /// What a `replicated` channel bears: less than a third of it without its tail or Byzantine, or
    /// one of two or three.
    fn may_lose_power(&self, node: usize) -> bool {
        if !self.plan.replicated {
            return true;
        }
        // Who is alone certifies alone, whoever has not heard of it yet.
        let log = self.nodes[node].channel.log();
        let others = self.nodes.iter().enumerate().filter(|(other, _)| *other != node);
        let heard = others.map(|(_, other)| other.channel.log().head()).max().unwrap_or_default();
        let unheard = log.entries_from(heard.min(log.finalised()).next());
        let epochs = unheard.map(|entry| entry.block.header.term.epoch);
        let voters = epochs.filter_map(|epoch| Some(log.grant_of(epoch)?.valid.len())).min();
        let registered = self.nodes[node].settled_members().min(voters.unwrap_or(usize::MAX));
        let is_lost = |(other, faulty): (usize, &Node)| {
            let lost = faulty.tail_lost || faulty.channel.log().is_tail_lost();
            other != node && lost
        };
        let lost = self.nodes.iter().enumerate().filter(|each| is_lost(*each)).count();
        let faulty = lost + usize::from(self.plan.byzantine);
        faulty == 0 && registered > 1 || 3 * (faulty + 1) < registered
    }

    pub(crate) fn restart(&mut self, node: usize, life: u64) -> Result<(), Broken> {
        if self.nodes[node].up || self.nodes[node].life != life || self.nodes[node].gone {
            return Ok(());
        }
        self.nodes[node].restart();
        self.steady(node);
        self.trace.note(self.now, || format!("n{node} is up again"));
        let next = self.nodes[node].channel.log().head().next();
        self.subscribers[node] = Subscription::new(Default::default(), next);
        let life = self.nodes[node].life;
        self.after(1, Item::Observe { to: node });
        self.after(2, Item::Wake { node, life });
        self.invariants.check_replay(&self.nodes[node])?;
        let lost = std::mem::take(&mut self.nodes[node].tail_lost);
        if lost || self.nodes[node].channel.log().is_tail_lost() {
            self.count("tail lost");
            self.group(node, vec![Input::TailLost { nonce: life }])?;
        }
        Ok(())
    }

    /// From now on it is up.
    fn steady(&mut self, node: usize) {
        self.nodes[node].steady_since = self.now.max(self.outage_until);
        self.accounts.fault_at = self.now;
    }

    fn split(&mut self) {
        if self.network.is_cut() {
            return;
        }
        let kind = self.network.split(self.nodes.len(), &mut self.rng);
        self.count(kind);
        let delay = self.while_long();
        self.after(delay, Item::Heal);
    }

    /// Nobody hears the leader, though it hears everybody.
    fn silence(&mut self) {
        if self.network.is_cut() {
            return;
        }
        let node = self.victim();
        self.network.silence(node, self.nodes.len());
        self.count("silent node");
        let delay = self.while_long();
        self.after(delay, Item::Heal);
    }

    fn pause_one(&mut self) {
        let node = self.victim();
        let delay = self.while_long();
        self.pause(node, delay);
    }

    fn pause(&mut self, node: usize, delay: u64) {
        if !self.nodes[node].up || self.nodes[node].paused || self.is_byzantine(node) {
            return;
        }
        self.nodes[node].paused = true;
        let life = self.nodes[node].life;
        self.count("pause");
        self.trace.note(self.now, || format!("n{node} stands still"));
        self.after(delay, Item::Resume { node, life });
    }

    pub(crate) fn resume(&mut self, node: usize, life: u64) -> Result<(), Broken> {
        let still = &mut self.nodes[node];
        if !still.paused || still.life != life {
            return Ok(());
        }
        still.paused = false;
        still.steady_since = self.now.max(self.outage_until);
        // What was due to it before it stood still does not come twice.
        still.life += 1;
        let life = still.life;
        let inputs = std::mem::take(&mut still.inbox);
        self.trace.note(self.now, || format!("n{node} goes on with {} inputs", inputs.len()));
        self.after(1, Item::Wake { node, life });
        let mut inputs = inputs.into_iter().peekable();
        while inputs.peek().is_some() && self.nodes[node].up {
            let most = self.rng.random_range(1..64);
            let group: Vec<Input> = inputs.by_ref().take(most).collect();
            self.group(node, group)?;
        }
        Ok(())
    }

    fn jump(&mut self) {
        let node = self.rng.random_range(0..self.nodes.len());
        let offset = self.offset();
        self.nodes[node].clock.jump(self.now, offset);
        self.count("clock jump");
    }

    fn cut_chain(&mut self) {
        if self.now < self.outage_until {
            return;
        }
        let delay = self.while_long();
        self.outage_until = self.now.plus(delay);
        for node in &mut self.nodes {
            node.steady_since = self.outage_until;
        }
        self.count("chain outage");
    }

    /// One leader after the other falls.
    pub(crate) fn cascade(&mut self, left: u32) {
        if self.calm || left == 0 {
            return;
        }
        if let Some(node) = self.leader().filter(|node| !self.is_byzantine(*node)) {
            self.count("leader after leader");
            let delay = self.rng.random_range(1_000..6_000);
            if self.plan.pauses {
                self.pause(node, delay);
            } else if self.nodes[node].up {
                self.kill(node);
            }
        }
        let delay = self.rng.random_range(800..3_000);
        self.after(delay, Item::Cascade { left: left - 1 });
    }

    /// The Byzantine member begins, or schemes anew.
    pub(crate) fn scheme(&mut self) {
        let delay = self.rng.random_range(300..3_000);
        self.after(delay, Item::Scheme);
        let count = self.nodes.len();
        if self.byzantine.is_none() {
            let ready = self.honest().all(|node| node.settled_members() >= LEAST_MEMBERS);
            if !ready {
                return;
            }
            let node = usize::try_from(self.plan.seed).unwrap_or(0) % count;
            self.turn(node);
        }
        if let Some(byzantine) = &mut self.byzantine {
            byzantine.scheme(count, &mut self.rng);
            let node = byzantine.node;
            let term = self.nodes[node].channel.log().term();
            let shown = byzantine.show_term(term, &mut self.rng);
            let renews = byzantine.twin.is_some() && self.rng.random_bool(0.2);
            if renews {
                byzantine.twin = Some(self.nodes[byzantine.node].twin());
            }
            if let Some(tx) = shown {
                self.submit_tx(node, tx);
            }
            self.slander(node);
        }
    }

    /// At times the Byzantine member accuses an honest leader.
    fn slander(&mut self, at: usize) {
        if !self.rng.random_bool(0.3) {
            return;
        }
        let node = &self.nodes[at];
        let machine = node.machine();
        let id = node.keypair.node_id();
        let plain = self.plan.deeds.is_some() && self.rng.random_bool(0.6);
        let log = node.channel.log();
        let Some(evidence) = slander(log, &*machine, id, plain, &mut self.rng) else {
            return;
        };
        if let Some(byzantine) = &mut self.byzantine {
            byzantine.count("slandered");
        }
        // Of each kind the members judge the first.
        let same = |known: &Evidence| {
            (known.kind(), known.accused()) == (evidence.kind(), evidence.accused())
        };
        if !self.slandered.iter().any(same) {
            self.slandered.push(evidence.clone());
        }
        for to in (0..self.nodes.len()).filter(|to| *to != at) {
            // A node's peers drop what does not verify before the channel sees it.
            let message = Message::Report(Box::new(evidence.clone()));
            if let Ok(message) = message.verify() {
                self.send(at, to, message.into_inner());
            }
        }
    }

    fn turn(&mut self, node: usize) {
        if !self.nodes[node].up || self.nodes[node].paused {
            return;
        }
        let machine = self.nodes[node].machine();
        self.corrupt(node, machine);
        self.nodes[node].doom = None;
        let keypair: Keypair = self.nodes[node].keypair.clone();
        let twin = self.nodes[node].twin();
        let channel = self.chain.record().channel;
        self.byzantine = Some(Byzantine::new(node, keypair, channel, twin, &mut self.rng));
        self.trace.note(self.now, || format!("n{node} turns"));
    }

    /// What a Byzantine member does with what it hears: its channels decide, and what they say is
    /// mutated.
    pub(crate) fn scheme_group(&mut self, at: usize, inputs: Vec<Input>) -> Result<(), Broken> {
        let Some(mut byzantine) = self.byzantine.take() else { return Ok(()) };
        let time = self.nodes[at].clock.read(self.now);
        let mut said: Vec<(usize, Message)> = Vec::new();
        for input in &inputs {
            if let Input::Peer { message, .. } = input {
                for answer in byzantine.answer(message, &mut self.rng) {
                    said.extend((0..self.nodes.len()).map(|to| (to, answer.clone())));
                }
            }
        }
        let heard = |other: bool| -> Vec<Input> {
            let hears = |input: &&Input| match input {
                Input::Peer { from, .. } => {
                    let side = self.index(from).is_some_and(|from| byzantine.sides.contains(&from));
                    byzantine.twin.is_none() || side == other
                }
                _ => true,
            };
            inputs.iter().filter(hears).cloned().collect()
        };
        let (own, others) = (heard(false), heard(true));
        let leads = self.nodes[at].channel.log().leader() == Some(byzantine.id());
        let diverges = self.plan.diverges && leads && self.rng.random_bool(0.3);
        let machine: Rc<dyn Execute> = match diverges {
            true => Rc::new(Machine { tampers: true }),
            false => self.nodes[at].machine(),
        };
        let step = self.nodes[at].decide_on(&*machine, time, own);
        // It stores as others do, so that what it serves and knows is whole.
        let binds = step.binds(self.nodes[at].durability());
        self.nodes[at].store(&step.events, binds);
        let second = byzantine.twin.as_mut().map(|twin| decide(twin, &*machine, time, others));
        let split = second.is_some();
        self.speak(&byzantine, step.effects, split.then_some(false), &mut said);
        if let Some(second) = second {
            self.speak(&byzantine, second.effects, Some(true), &mut said);
        }
        for (to, message) in said {
            for message in byzantine.mutate(to, message, &mut self.rng) {
                self.invariants.contradictions.note(byzantine.id(), &message);
                self.trace_byzantine(at, to, &message);
                self.send(at, to, message);
            }
        }
        self.byzantine = Some(byzantine);
        Ok(())
    }

    fn trace_byzantine(&mut self, at: usize, to: usize, message: &Message) {
        if self.trace.is_on()
            && let Some(text) = crate::trace::message(message)
        {
            self.trace.note(self.now, || format!("n{at} BYZANTINE says to n{to}: {text}"));
        }
    }

    /// Whom one of its channels would say what; only those on its side, if there is another one.
    fn speak(
        &mut self,
        byzantine: &Byzantine,
        effects: Vec<Effect>,
        side: Option<bool>,
        said: &mut Vec<(usize, Message)>,
    ) {
        let at = byzantine.node;
        let reaches =
            |to: &usize| side.is_none_or(|side| byzantine.sides.contains(to) == side) && *to != at;
        for effect in effects {
            match effect {
                Effect::Send { to, message } => {
                    said.extend(self.index(&to).filter(reaches).map(|to| (to, message)));
                }
                Effect::Broadcast(message) => {
                    let others = (0..self.nodes.len()).filter(reaches);
                    said.extend(others.map(|to| (to, message.clone())));
                }
                Effect::Submit(tx) => self.submit_tx(at, tx),
                Effect::DryRun { proposal } => self.dry_run(at, &proposal),
                Effect::Refresh => self.after(10, Item::Observe { to: at }),
                Effect::ServeBlocks { to, from } => {
                    let answer = self.blocks_from(at, from);
                    let to = self.index(&to).filter(reaches);
                    said.extend(to.zip(answer));
                }
                Effect::ServePart { to, height, root, prefix } => {
                    let part = sync::part_of(&self.nodes[at].channel, height, root, prefix);
                    said.extend(self.index(&to).filter(reaches).map(|to| (to, part)));
                }
                Effect::Reply { .. }
                | Effect::Publish(_)
                | Effect::ReadWaiting
                | Effect::KeepPart { .. }
                | Effect::ForgetParts => {}
            }
        }
    }

    /// Nothing goes wrong any more; but a Byzantine member stays what it is.
    pub(crate) fn heal_all(&mut self) -> Result<(), Broken> {
        self.calm = true;
        self.network.heal();
        self.outage_until = self.now;
        self.trace.note(self.now, || "ALL HEALED".to_owned());
        for node in 0..self.nodes.len() {
            self.nodes[node].doom = None;
            let life = self.nodes[node].life;
            self.restart(node, life)?;
            self.resume(node, life)?;
        }
        self.show_chain(1_000);
        Ok(())
    }
}
