//! Runs a block's transactions on the state before it: the VM does what the app asks, the host
//! keeps sequence numbers, members and books. Leader and follower run the same code.

use std::collections::BTreeMap;

use fairway_state::State;
use fairway_types::{
    Address, Context, Effects, Execute, ExecutionStatus, Gas, Hash, Height, Hook, Invocation,
    MoveEvent, Operation, Outcome, PublicKey, Refusal, SequenceNumber, SignedCall, StateKey,
    StateReader, Time, Transaction, Write,
    call::{Call, Counter},
    chain::{ChannelFacts, ChannelRecord, MemberRecord},
    codec,
    hash::{Domain, hash_value},
    limits,
    session::{Delegated, OverSpent},
    settlement::AssetAmount,
};

use super::{
    books, entered,
    ground::{Ground, Roll},
    overlay::Overlay,
    sessions,
};

/// Event types with which an app asks for something (`runtime::lifecycle`).
pub const LEAVE_REQUESTED: &str = "0x2::lifecycle::LeaveRequested";
pub const CLOSE_REQUESTED: &str = "0x2::lifecycle::CloseRequested";
pub const RESULT_SET: &str = "0x2::lifecycle::ResultSet";

/// Status code of a transaction whose host bookkeeping could not be done.
const FAILED_BOOKS: u64 = 1;

/// What a block follows: the height and the hash of its parent, and the state after it.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    pub height: Height,
    pub hash: Hash,
    pub state: &'a dyn Ground,
}

/// Which block of which channel.
#[derive(Debug, Clone, Copy)]
struct Place {
    facts: ChannelFacts,
    height: Height,
    time: Time,
}

/// A block being executed: the state before it and what its transactions wrote so far.
pub struct Execution<'a, V: Execute> {
    vm: &'a V,
    place: Place,
    parent: Hash,
    overlay: Overlay<'a>,
    effects: Vec<Effects>,
}

/// What executing a whole block gave.
#[derive(Debug)]
pub struct Executed {
    pub effects: Vec<Effects>,
    pub state: State,
}

/// The writes of consecutive effects, each key once, sorted.
#[must_use]
pub fn merged_writes(effects: &[Effects]) -> Vec<Write> {
    let mut merged = BTreeMap::new();
    for write in effects.iter().flat_map(|effects| &effects.writes) {
        merged.insert(&write.key, &write.value);
    }
    merged
        .into_iter()
        .map(|(key, value)| Write { key: key.clone(), value: value.clone() })
        .collect()
}

/// P-5: genesis credits the founders' deposits and runs `init`, then `on_join` for each founder in
/// join order; every node derives it from the chain's record alone.
pub fn genesis_writes(record: &ChannelRecord, vm: &impl Execute) -> Vec<Write> {
    let empty = State::default();
    let hash = hash_value(Domain::Genesis, &record.channel);
    let start = Start { height: Height::ZERO, hash, state: &empty };
    let mut run = Execution::new(vm, record.facts(), start, Time::ZERO);
    run.place.height = Height::ZERO;
    run.transact(|books| books.hook(Hook::Init));
    let mut founders = record.founders.clone();
    founders.sort_by_key(|member| member.join_sequence);
    for member in &founders {
        run.transact(|books| books.join(member));
    }
    // The founders are registered before any block.
    let mut writes = merged_writes(&run.effects);
    writes.retain(|write| write.key != StateKey::Registered);
    writes
}

impl<'a, V: Execute> Execution<'a, V> {
    #[must_use]
    pub fn new(vm: &'a V, facts: ChannelFacts, parent: Start<'a>, time: Time) -> Self {
        Self {
            vm,
            place: Place { facts, height: parent.height.next(), time },
            parent: parent.hash,
            overlay: Overlay::on_ground(parent.state),
            effects: Vec::new(),
        }
    }

    /// Checks one transaction against the rules and runs it; a refused one leaves no trace.
    pub fn run(&mut self, transaction: &Transaction) -> Result<&Effects, Refusal> {
        match transaction {
            Transaction::Call(call) => {
                self.check_call(call)?;
                self.transact(|books| books.call(call));
            }
            Transaction::Tick => {
                self.check_tick()?;
                self.transact(|books| books.tick());
            }
            Transaction::Join(member) => {
                self.check_join(member)?;
                self.transact(|books| books.join(member));
            }
            Transaction::Remove { account, join_sequence } => {
                self.check_open()?;
                let member = self.member(*account)?;
                if member.join_sequence != *join_sequence {
                    return Err(Refusal::NotAMember { account: *account });
                }
                self.transact(|books| books.leave(*account));
            }
            Transaction::Close => {
                self.check_open()?;
                self.transact(|books| books.close());
            }
            Transaction::Settled { number, paid } => {
                self.check_settled(*number, paid)?;
                self.transact(|books| books.settled(*number, paid));
            }
        }
        self.effects.last().ok_or(Refusal::Internal { reason: "no effects".into() })
    }

    #[must_use]
    pub fn effects(&self) -> &[Effects] {
        &self.effects
    }

    /// Ends the block, where what it leaves is followed by other means.
    #[must_use]
    pub fn into_effects(self) -> Vec<Effects> {
        self.effects
    }

    /// Ends the block: one update of the state for all its writes.
    #[must_use]
    pub fn finish(self, before: &State) -> Executed {
        let state = before.with_writes(&merged_writes(&self.effects));
        Executed { effects: self.effects, state }
    }

    /// The member's next sequence number, counting calls already run in this block.
    #[must_use]
    pub fn next_sequence(&self, counter: impl Into<Counter>) -> SequenceNumber {
        next_sequence(&self.overlay, counter)
    }

    // P-12: a call is executed once, in its sender's order, in this channel, in its time.
    fn check_call(&self, signed: &SignedCall) -> Result<(), Refusal> {
        let call = &signed.call;
        self.check_open()?;
        check_place(&self.place.facts, signed)?;
        self.member(call.sender)?;
        let counter = call.counter();
        let expected = self.next_sequence(counter);
        #[cfg(feature = "known-bugs")]
        let expected = match crate::known_bugs::KnownBug::ForgottenNonce.is_back() {
            true => expected.min(call.sequence),
            false => expected,
        };
        if call.sequence != expected {
            return Err(Refusal::SequenceNumber {
                account: counter.address(),
                expected,
                actual: call.sequence,
            });
        }
        if call.expires_at < self.place.time {
            return Err(Refusal::Expired { expires_at: call.expires_at, now: self.place.time });
        }
        if call.expires_at.since(self.place.time) > limits::CALL_LIFETIME {
            return Err(Refusal::invalid(
                "expires_at",
                format!("at most {} ms ahead", limits::CALL_LIFETIME),
            ));
        }
        if call.operation == Operation::Close && call.sender != self.place.facts.creator {
            return Err(Refusal::Unauthorised {
                reason: format!("only the creator {} may close", self.place.facts.creator),
            });
        }
        sessions::check(&self.overlay, call, self.place.time)
    }

    // P-40: ticks come at the channel's interval by the blocks' time, never in bursts to catch up.
    fn check_tick(&self) -> Result<(), Refusal> {
        self.check_open()?;
        match next_tick(&self.place.facts, &self.overlay) {
            Some(due) if due <= self.place.time => Ok(()),
            Some(due) => Err(Refusal::invalid("tick", format!("not due before {}", due.0))),
            None => Err(Refusal::invalid("tick", "the channel has no ticks")),
        }
    }

    // P-13: members enter each once, in any order, while the channel is open.
    fn check_join(&self, joining: &MemberRecord) -> Result<(), Refusal> {
        self.check_open()?;
        let sequence = joining.join_sequence;
        if entered::contains(&entered::entered(&self.overlay), sequence) {
            return Err(Refusal::invalid(
                "join",
                format!("sequence {sequence} was entered before"),
            ));
        }
        let known = self.overlay.read(&StateKey::Member(joining.account)).is_some()
            || self.overlay.read(&StateKey::Departed(joining.account)).is_some();
        if known {
            return Err(Refusal::invalid("join", format!("{} is already in", joining.account)));
        }
        if members(&self.overlay).iter().any(|member| member.node == joining.node) {
            return Err(Refusal::invalid("join", "its node acts for another member"));
        }
        Ok(())
    }

    // P-16: settlements leave the books one by one, and pay only what left.
    fn check_settled(&self, number: u64, paid: &[Address]) -> Result<(), Refusal> {
        let expected = books::settled(&self.overlay) + 1;
        if number != expected {
            return Err(Refusal::invalid("settlement", format!("number {number}, not {expected}")));
        }
        let unknown =
            paid.iter().find(|account| books::departed(&self.overlay, **account).is_none());
        match unknown {
            Some(account) => Err(Refusal::invalid("settlement", format!("{account} never left"))),
            None => Ok(()),
        }
    }

    fn check_open(&self) -> Result<(), Refusal> {
        match self.overlay.read(&StateKey::Closed) {
            Some(_) => Err(Refusal::Closed),
            None => Ok(()),
        }
    }

    fn member(&self, account: Address) -> Result<MemberRecord, Refusal> {
        member(&self.overlay, account).ok_or(Refusal::NotAMember { account })
    }

    /// Runs `body` as one transaction and keeps its effects.
    fn transact(&mut self, body: impl FnOnce(&mut Books<'_, V>) -> ExecutionStatus) {
        let index = u32::try_from(self.effects.len()).unwrap_or(u32::MAX);
        let context = Context {
            chain: self.place.facts.chain,
            channel: self.place.facts.channel,
            height: self.place.height,
            time: self.place.time,
            index,
            seed: hash_value(Domain::Seed, &(self.place.facts.channel, self.parent, index)),
        };
        let mut books = Books {
            vm: self.vm,
            context,
            state: Overlay::on_overlay(&self.overlay),
            gas: 0,
            events: Vec::new(),
        };
        let status = body(&mut books);
        books.count();
        let effects = Effects {
            status,
            gas_used: Gas(books.gas),
            events: books.events,
            writes: books.state.into_writes(),
        };
        self.overlay.absorb(&effects.writes);
        self.effects.push(effects);
    }
}

/// P-10: a call names this chain and this channel, and asks for no more gas than there is.
pub fn check_place(facts: &ChannelFacts, signed: &SignedCall) -> Result<(), Refusal> {
    let call = &signed.call;
    if call.chain != facts.chain {
        return Err(Refusal::WrongChain { expected: facts.chain, actual: call.chain });
    }
    if call.channel != facts.channel {
        return Err(Refusal::WrongChannel { expected: facts.channel, actual: call.channel });
    }
    if call.gas_limit.0 > limits::CALL_GAS {
        return Err(Refusal::TooLarge {
            what: "gas_limit".into(),
            actual: call.gas_limit.0,
            limit: limits::CALL_GAS,
        });
    }
    Ok(())
}

/// The number of the next call in `state`; zero for a session that is not there.
pub fn next_sequence(state: &dyn StateReader, counter: impl Into<Counter>) -> SequenceNumber {
    let Counter { account, session } = counter.into();
    if let Some(key) = session {
        let delegated = sessions::session(state, account, &key);
        return delegated.map(|delegated| delegated.next).unwrap_or_default();
    }
    state
        .read(&StateKey::Sequence(account))
        .and_then(|bytes| codec::decode("sequence", &bytes).ok())
        .unwrap_or_default()
}

/// The first time at which a block may tick; `None` in a channel without ticks.
pub fn next_tick(facts: &ChannelFacts, state: &dyn StateReader) -> Option<Time> {
    let interval = Some(facts.tick_interval).filter(|interval| *interval > 0)?;
    let last =
        state.read(&StateKey::Ticked).and_then(|bytes| codec::decode::<Time>("tick", &bytes).ok());
    Some(last.map_or(Time::ZERO, |last| last.plus(interval)))
}

/// The registered member's record in `state`.
pub fn member(state: &dyn StateReader, account: Address) -> Option<MemberRecord> {
    let bytes = state.read(&StateKey::Member(account))?;
    codec::decode("member", &bytes).ok()
}

/// P-135: what a call pays for writing its account's sessions, all of which are one entry.
fn gas_of(sessions: &[Delegated]) -> u64 {
    (codec::size(sessions) as u64).saturating_mul(limits::SESSION_BYTE_GAS)
}

/// Accounts that left and are not paid yet, sorted.
fn departed_accounts(state: &Overlay<'_>) -> Vec<Address> {
    state.accounts(Roll::Departed)
}

/// The part of `held` for the one at `place` among `count`.
fn share(held: &[AssetAmount], place: u64, count: u64) -> Vec<AssetAmount> {
    held.iter()
        .map(|entry| AssetAmount {
            asset: entry.asset,
            amount: entry.amount / count + u64::from(place < entry.amount % count),
        })
        .filter(|entry| entry.amount > 0)
        .collect()
}

fn members(state: &Overlay<'_>) -> Vec<MemberRecord> {
    let accounts = state.accounts(Roll::Members);
    accounts.into_iter().filter_map(|account| member(state, account)).collect()
}

/// One transaction: VM sessions and the host's bookkeeping over a private overlay.
struct Books<'a, V: Execute> {
    vm: &'a V,
    context: Context,
    state: Overlay<'a>,
    gas: u64,
    events: Vec<MoveEvent>,
}

impl<V: Execute> Books<'_, V> {
    fn call(&mut self, signed: &SignedCall) -> ExecutionStatus {
        let call = &signed.call;
        let sender = call.sender;
        self.use_number(call);
        let status = match &call.operation {
            Operation::Invoke { function, type_args, args } => {
                let invocation = Invocation::Call { sender, function, type_args, args };
                self.invoke(&invocation, call.gas_limit)
            }
            Operation::Session { key, function, type_args, args } => {
                let invocation = Invocation::Call { sender, function, type_args, args };
                match call.gas_limit.0.checked_sub(self.gas) {
                    Some(left) => self.invoke_for((sender, key), &invocation, Gas(left)),
                    None => ExecutionStatus::OutOfGas,
                }
            }
            Operation::Leave => self.leave(sender),
            Operation::Close => self.close(),
            Operation::Delegate(session) => {
                let sessions = sessions::with(&self.state, call, session, self.context.time);
                self.change_sessions(call, &sessions)
            }
            Operation::Revoke { key } => {
                self.change_sessions(call, &sessions::without(&self.state, sender, key))
            }
        };
        self.follow_requests();
        status
    }

    /// Uses the call's number, whatever comes of it.
    fn use_number(&mut self, call: &Call) {
        match call.counter().session {
            None => self.put(StateKey::Sequence(call.sender), &call.sequence.next()),
            Some(key) => {
                let counted = sessions::counted(&self.state, call.sender, &key, call.sequence);
                self.gas = self.gas.saturating_add(gas_of(&counted));
                self.put_sessions(call.sender, &counted);
            }
        }
    }

    fn change_sessions(&mut self, call: &Call, sessions: &[Delegated]) -> ExecutionStatus {
        self.gas = self.gas.saturating_add(gas_of(sessions));
        if self.gas > call.gas_limit.0 {
            return ExecutionStatus::OutOfGas;
        }
        self.put_sessions(call.sender, sessions);
        ExecutionStatus::Success
    }

    fn put_sessions(&mut self, account: Address, sessions: &[Delegated]) {
        let entry = (!sessions.is_empty()).then(|| codec::encode(&sessions));
        self.state.put(StateKey::Sessions(account), entry);
    }

    fn tick(&mut self) -> ExecutionStatus {
        let time = self.context.time;
        self.put(StateKey::Ticked, &time);
        self.hook(Hook::OnTick)
    }

    fn hook(&mut self, hook: Hook) -> ExecutionStatus {
        let follow = hook == Hook::OnTick;
        let status = self.invoke(&Invocation::Hook(hook), Gas(limits::HOOK_GAS));
        if follow {
            self.follow_requests();
        }
        status
    }

    /// Books the deposit, registers the member, then tells the app; a failing hook loses only its
    /// own writes.
    fn join(&mut self, member: &MemberRecord) -> ExecutionStatus {
        let entered = entered::with(entered::entered(&self.state), member.join_sequence);
        self.put(StateKey::Entered, &entered);
        let Some(locked) = books::add(&books::locked(&self.state), &member.deposit) else {
            return ExecutionStatus::Failed { code: FAILED_BOOKS };
        };
        let credit = Invocation::Credit { account: member.account, amounts: &member.deposit };
        let status = self.invoke(&credit, Gas(limits::HOOK_GAS));
        if !status.is_success() {
            return status;
        }
        self.put(StateKey::Locked, &locked);
        self.put(StateKey::Member(member.account), member);
        let height = self.context.height;
        self.put(StateKey::Registered, &height);
        self.hook(Hook::OnJoin { account: member.account })
    }

    fn leave(&mut self, account: Address) -> ExecutionStatus {
        let status = self.depart(account);
        self.state.put(StateKey::Member(account), None);
        self.put_sessions(account, &[]);
        let height = self.context.height;
        self.put(StateKey::Registered, &height);
        status
    }

    /// P-17: everybody departs and stays registered, so that what follows can still be certified.
    fn close(&mut self) -> ExecutionStatus {
        let mut members = members(&self.state);
        members.sort_by_key(|member| member.join_sequence);
        for member in &members {
            self.depart(member.account);
        }
        self.divide_remainder(&members);
        self.put(StateKey::Closed, &());
        ExecutionStatus::Success
    }

    /// Runs `on_leave`, then moves the vault to what the chain owes the leaver.
    fn depart(&mut self, account: Address) -> ExecutionStatus {
        let status = self.hook(Hook::OnLeave { account });
        let balance = books::vault(&self.state, account);
        let debit = self.invoke(&Invocation::Debit { account }, Gas(limits::HOOK_GAS));
        if !debit.is_success() {
            return debit;
        }
        self.put(StateKey::Departed(account), &balance);
        status
    }

    /// P-18: what the app still holds at the close is divided equally among those who depart with
    /// it, single units to the lowest addresses. Who left before has its due already: a settlement
    /// that pays it may be under way.
    fn divide_remainder(&mut self, members: &[MemberRecord]) {
        let departed = self.departed();
        let owed =
            departed.iter().try_fold(Vec::new(), |sum, (_, amounts)| books::add(&sum, amounts));
        let held = owed.and_then(|owed| books::subtract(&books::locked(&self.state), &owed));
        let departing = |account| members.iter().any(|member| member.account == account);
        let sharers: Vec<_> =
            departed.into_iter().filter(|(account, _)| departing(*account)).collect();
        let count = sharers.len() as u64;
        let Some(held) = held.filter(|held| !held.is_empty() && count > 0) else { return };
        for (place, (account, amounts)) in (0u64..).zip(sharers) {
            if let Some(total) = books::add(&amounts, &share(&held, place, count)) {
                self.put(StateKey::Departed(account), &total);
            }
        }
    }

    fn settled(&mut self, number: u64, paid: &[Address]) -> ExecutionStatus {
        for account in paid {
            let owed = books::departed(&self.state, *account).unwrap_or_default();
            let Some(locked) = books::subtract(&books::locked(&self.state), &owed) else {
                return ExecutionStatus::Failed { code: FAILED_BOOKS };
            };
            self.put(StateKey::Locked, &locked);
            self.state.put(StateKey::Departed(*account), None);
        }
        self.put(StateKey::Settled, &number);
        ExecutionStatus::Success
    }

    /// P-19: an app asks for a leave or a close by an event of `runtime::lifecycle`.
    fn follow_requests(&mut self) {
        let asked: Vec<MoveEvent> = self
            .events
            .iter()
            .filter(|event| [LEAVE_REQUESTED, CLOSE_REQUESTED].contains(&event.type_tag.as_str()))
            .cloned()
            .collect();
        for event in asked {
            if self.state.read(&StateKey::Closed).is_some() {
                return;
            }
            if event.type_tag == CLOSE_REQUESTED {
                self.close();
            } else if let Ok(account) = codec::decode::<Address>("leave request", &event.data)
                && member(&self.state, account).is_some()
            {
                self.leave(account);
            }
        }
    }

    fn invoke(&mut self, invocation: &Invocation<'_>, gas_limit: Gas) -> ExecutionStatus {
        let outcome = self.execute(invocation, gas_limit);
        self.keep(outcome)
    }

    /// P-137: a session key's call, which must leave its account what is not that key's to spend.
    fn invoke_for(
        &mut self,
        (account, key): (Address, &PublicKey),
        invocation: &Invocation<'_>,
        gas_limit: Gas,
    ) -> ExecutionStatus {
        let outcome = self.execute(invocation, gas_limit);
        if !outcome.status.is_success() {
            return outcome.status;
        }
        let mut after = Overlay::on_overlay(&self.state);
        after.absorb(&outcome.writes);
        let vaults = [&*books::vault(&self.state, account), &*books::vault(&after, account)];
        match sessions::spent(&self.state, account, key, vaults) {
            Ok(sessions) => {
                self.put_sessions(account, &sessions);
                self.keep(outcome)
            }
            Err(OverSpent { asset, left, spent }) => {
                ExecutionStatus::OverSpent { asset, left, spent }
            }
        }
    }

    fn execute(&mut self, invocation: &Invocation<'_>, gas_limit: Gas) -> Outcome {
        let outcome = self.vm.execute(&self.state, &self.context, invocation, gas_limit);
        self.gas = self.gas.saturating_add(outcome.gas_used.0);
        outcome
    }

    fn keep(&mut self, outcome: Outcome) -> ExecutionStatus {
        let Outcome { status, writes, events, .. } = outcome;
        if status.is_success() {
            self.state.absorb(&writes);
            self.keep_result(&events);
            self.events.extend(events);
        }
        status
    }

    /// P-94: how many entries a roll has is an entry too.
    fn count(&mut self) {
        let grown = [Roll::Members, Roll::Departed].map(|roll| self.state.growth(roll));
        if grown != [0, 0] {
            let (members, departed) = books::counted(&self.state);
            let counted =
                (members.saturating_add_signed(grown[0]), departed.saturating_add_signed(grown[1]));
            self.put(StateKey::Counted, &counted);
        }
    }

    /// P-19: the last result that the app set is the channel's.
    fn keep_result(&mut self, events: &[MoveEvent]) {
        let last = events.iter().rfind(|event| event.type_tag == RESULT_SET);
        if let Some(event) = last {
            // The event's one field: the bytes as BCS.
            self.state.put(StateKey::Result, Some(event.data.clone()));
        }
    }

    fn put<T: serde::Serialize>(&mut self, key: StateKey, value: &T) {
        self.state.put(key, Some(codec::encode(value)));
    }

    fn departed(&self) -> Vec<(Address, Vec<AssetAmount>)> {
        departed_accounts(&self.state)
            .into_iter()
            .filter_map(|account| Some((account, books::departed(&self.state, account)?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
