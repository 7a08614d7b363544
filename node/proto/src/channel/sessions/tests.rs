use fairway_types::{
    Context, Execute, ExecutionStatus, Gas, Invocation, Keypair, Outcome, SequenceNumber,
    SignedCall, Transaction, Write,
    call::Counter,
    chain::ChannelRecord,
    crypto::{Signable, Verify},
};

use super::{
    super::{
        bench::{self, Bench, Vaults, account_key, nothing, session_key},
        books,
        execution::{Execution, genesis_writes, next_sequence},
    },
    *,
};
use fairway_state::State;

const LATER: Time = Time(60_000);

/// An app whose calls leave their sender with as much as their argument says.
struct Leaving;

impl Execute for Leaving {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas: Gas,
    ) -> Outcome {
        let Invocation::Call { sender, args, .. } = invocation else {
            return Vaults.execute(state, context, invocation, gas);
        };
        let left = args.first().and_then(|arg| codec::decode::<u64>("amount", arg).ok());
        let left = left.unwrap_or_default();
        let amounts = if left == 0 { Vec::new() } else { bench::amounts(left) };
        let write = Write {
            key: StateKey::resource(*sender, books::VAULT_TAG),
            value: Some(codec::encode(&amounts)),
        };
        let status = ExecutionStatus::Success;
        Outcome { status, gas_used: Gas(7), writes: vec![write], events: Vec::new() }
    }
}

/// A session of one function, with so much to spend.
fn session_of(key: &Keypair, spending: u64) -> Session {
    Session {
        key: key.public(),
        functions: vec!["0x42::app::leave_with".parse().unwrap()],
        spending: if spending == 0 { Vec::new() } else { bench::amounts(spending) },
        expires_at: LATER,
    }
}

fn by_account(sequence: u64, operation: Operation) -> SignedCall {
    bench::sign(0, SequenceNumber(sequence), operation, LATER)
}

/// A call of account 0, signed by `key`.
fn by(key: &Keypair, sequence: u64, function: &str, left: u64) -> SignedCall {
    let (function, args) = (function.parse().unwrap(), vec![codec::encode(&left)]);
    let operation = Operation::Session { key: key.public(), function, type_args: Vec::new(), args };
    let call = by_account(sequence, operation).call;
    SignedCall { signature: key.sign(&call), key: key.public(), call }
}

fn leaving(sequence: u64, left: u64) -> SignedCall {
    by(&session_key(), sequence, "0x42::app::leave_with", left)
}

/// A channel of one member with a vault of 100.
struct Table {
    record: ChannelRecord,
    state: State,
}

impl Table {
    fn new() -> Self {
        let record = bench::record(1);
        let vault = Write {
            key: StateKey::resource(account_key(0).address(), books::VAULT_TAG),
            value: Some(codec::encode(&bench::amounts(100))),
        };
        let state = State::default().with_writes(&genesis_writes(&record, &Vaults));
        Self { record, state: state.with_writes(&[vault]) }
    }

    fn delegated(session: &Session) -> Self {
        let mut table = Self::new();
        let delegation = by_account(0, Operation::Delegate(session.clone()));
        assert_eq!(table.run(delegation, 1), Ok(ExecutionStatus::Success));
        table
    }

    /// A block of one call at `time`.
    fn run(&mut self, call: SignedCall, time: u64) -> Result<ExecutionStatus, Refusal> {
        let start = super::super::execution::Start {
            height: fairway_types::Height(1),
            hash: fairway_types::Hash::ZERO,
            state: &self.state,
        };
        let mut run = Execution::new(&Leaving, self.record.facts(), start, Time(time));
        let status = run.run(&Transaction::Call(call))?.status.clone();
        self.state = run.finish(&self.state).state;
        Ok(status)
    }

    /// Gas that a call uses; the state stays.
    fn cost_of(&self, call: SignedCall) -> u64 {
        let start = super::super::execution::Start {
            height: fairway_types::Height(1),
            hash: fairway_types::Hash::ZERO,
            state: &self.state,
        };
        let mut run = Execution::new(&Leaving, self.record.facts(), start, Time(1));
        run.run(&Transaction::Call(call)).map(|effects| effects.gas_used.0).unwrap()
    }

    fn refusal(&mut self, call: SignedCall, time: u64) -> &'static str {
        self.run(call, time).unwrap_err().name()
    }

    fn vault(&self) -> Vec<AssetAmount> {
        books::vault(&self.state, account_key(0).address())
    }

    fn left(&self) -> Vec<u64> {
        let sessions = sessions(&self.state, account_key(0).address());
        let left = |held: &Delegated| held.session.spending.iter().map(|l| l.amount).sum();
        sessions.iter().map(left).collect()
    }

    fn next(&self, key: &Keypair) -> u64 {
        let account = account_key(0).address();
        next_sequence(&self.state, Counter { account, session: Some(key.public()) }).0
    }
}

/// P-135, P-137.
#[test]
fn session_key_calls_and_spends_what_it_was_delegated_with_numbers_of_its_own() {
    let mut table = Table::delegated(&session_of(&session_key(), 30));
    assert_eq!(table.run(leaving(0, 80), 2), Ok(ExecutionStatus::Success));
    assert_eq!((table.vault(), table.left()), (bench::amounts(80), vec![10]));
    let asset = bench::amounts(1)[0].asset;
    let over = ExecutionStatus::OverSpent { asset, left: 10, spent: 11 };
    assert_eq!(table.run(leaving(1, 69), 3), Ok(over));
    assert_eq!((table.vault(), table.left()), (bench::amounts(80), vec![10]));
    assert_eq!(table.run(leaving(2, 500), 4), Ok(ExecutionStatus::Success));
    assert_eq!(table.left(), [10], "what comes in raises no limit");
    assert_eq!(next_sequence(&table.state, account_key(0).address()), SequenceNumber(1));
    assert_eq!(table.next(&session_key()), 3);
    assert_eq!(table.refusal(leaving(2, 500), 5), "sequence_number");
}

/// P-135: who delegates to another account's key uses up no number of that account.
#[test]
fn session_of_another_accounts_key_counts_apart_from_that_account() {
    let other = account_key(1);
    let mut table = Table::delegated(&session_of(&other, 30));
    let call = by(&other, 0, "0x42::app::leave_with", 99);
    assert_eq!(table.run(call, 2), Ok(ExecutionStatus::Success));
    assert_eq!(table.next(&other), 1);
    assert_eq!(next_sequence(&table.state, other.address()), SequenceNumber(0));
    assert_eq!(next_sequence(&table.state, account_key(0).address()), SequenceNumber(1));
}

/// P-135: no number comes back, and none is remembered once its session is gone.
#[test]
fn numbers_of_a_key_never_come_back() {
    let mut table = Table::new();
    let entries = table.state.len();
    let mut used = Vec::new();
    for round in 0..20 {
        let number = round * 2;
        let delegate = Operation::Delegate(session_of(&session_key(), 99));
        assert_eq!(table.run(by_account(number, delegate), 1), Ok(ExecutionStatus::Success));
        let next = table.next(&session_key());
        assert!(used.iter().all(|used| *used < next), "{next} after {used:?}");
        assert_eq!(table.run(leaving(next, 100), 1), Ok(ExecutionStatus::Success));
        used.push(next);
        let revoke = Operation::Revoke { key: session_key().public() };
        assert_eq!(table.run(by_account(number + 1, revoke), 1), Ok(ExecutionStatus::Success));
    }
    assert_eq!(table.state.len(), entries + 1, "the account's own number");
}

/// P-135: new terms leave a key its numbers, so calls under way go on.
#[test]
fn new_terms_leave_a_key_its_numbers() {
    let mut table = Table::delegated(&session_of(&session_key(), 30));
    assert_eq!(table.run(leaving(0, 100), 2), Ok(ExecutionStatus::Success));
    let renewed = Operation::Delegate(session_of(&session_key(), 50));
    assert_eq!(table.run(by_account(1, renewed), 2), Ok(ExecutionStatus::Success));
    assert_eq!((table.next(&session_key()), table.left()), (1, vec![50]));
    assert_eq!(table.run(leaving(1, 100), 3), Ok(ExecutionStatus::Success));
}

/// P-135: so a later delegation's first number is above all of them.
#[test]
fn session_has_so_many_numbers_and_no_more() {
    let session = session_of(&session_key(), 30);
    let mut table = Table::delegated(&session);
    let last = limits::SESSION_CALLS - 1;
    let mut held = sessions(&table.state, account_key(0).address());
    held[0].next = SequenceNumber(last - 1);
    let write = Write {
        key: StateKey::Sessions(account_key(0).address()),
        value: Some(codec::encode(&held)),
    };
    table.state = table.state.with_writes(&[write]);
    assert_eq!(table.run(leaving(last - 1, 100), 2), Ok(ExecutionStatus::Success));
    assert_eq!(table.refusal(leaving(last, 100), 2), "unauthorised");
    let again = Delegated::new(session, SequenceNumber(1));
    assert!(again.next.0 > last);
}

/// P-135, P-132: what is written of sessions costs gas, so a block holds little of it.
#[test]
fn writing_sessions_costs_gas_by_their_size() {
    let mut table = Table::new();
    let large = |seed: u8| {
        let key = Keypair::from_seed(&[seed; 32]);
        let name = |n: usize| format!("0x42::app::{}{n}", "f".repeat(80)).parse().unwrap();
        let mut session = session_of(&key, 1);
        session.functions.extend((0..30).map(name));
        session
    };
    for seed in 1..=16 {
        let call = by_account(u64::from(seed) - 1, Operation::Delegate(large(seed)));
        assert_eq!(table.run(call, 1), Ok(ExecutionStatus::Success));
    }
    let size = codec::size(&sessions(&table.state, account_key(0).address()));
    assert!(size <= limits::SESSIONS * (limits::SESSION_BYTES + 8) + 1, "{size}");
    let mut poor = by_account(16, Operation::Revoke { key: session_key().public() });
    poor.call.gas_limit = Gas(1_000);
    assert_eq!(table.run(poor, 1), Ok(ExecutionStatus::OutOfGas));
    let cost = table.cost_of(by_account(17, nothing()));
    assert_eq!(cost, 7);
    let key = Keypair::from_seed(&[1; 32]);
    let call = by(&key, 0, "0x42::app::leave_with", 100);
    assert!(table.cost_of(call) >= size as u64 * limits::SESSION_BYTE_GAS);
}

/// P-136.
#[test]
fn session_key_is_refused_other_functions_other_times_and_other_accounts() {
    let mut table = Table::delegated(&session_of(&session_key(), 30));
    let other = by(&session_key(), 0, "0x42::app::drain", 100);
    assert_eq!(table.refusal(other, 2), "unauthorised");
    assert_eq!(table.refusal(leaving(0, 100), LATER.0 + 1), "expired");
    let stranger = by(&Keypair::from_seed(&[91; 32]), 0, "0x42::app::leave_with", 100);
    assert_eq!(table.refusal(stranger, 2), "unauthorised");
    let mut elsewhere = leaving(0, 100);
    elsewhere.call.sender = account_key(1).address();
    elsewhere.signature = session_key().sign(&elsewhere.call);
    assert_eq!(table.refusal(elsewhere, 2), "not_a_member");
}

/// P-136: a delegation is of one channel, by what is signed and by where it stands.
#[test]
fn session_key_of_one_channel_is_nobody_in_another() {
    let mut table = Table::delegated(&session_of(&session_key(), 30));
    let mut call = leaving(0, 100);
    call.call.channel = fairway_types::ChannelId([0x77; 32]);
    call.signature = session_key().sign(&call.call);
    assert_eq!(table.refusal(call, 2), "wrong_channel");
    let mut another = Table::delegated(&session_of(&Keypair::from_seed(&[93; 32]), 30));
    assert_eq!(another.refusal(leaving(0, 100), 2), "unauthorised");
    assert_eq!(table.run(leaving(0, 100), 2), Ok(ExecutionStatus::Success));
}

/// P-11, P-136: what binds the account takes its own key.
#[test]
fn session_key_signs_for_nothing_but_functions() {
    let delegation = Operation::Delegate(session_of(&Keypair::from_seed(&[92; 32]), 99));
    let revoke = Operation::Revoke { key: session_key().public() };
    for operation in [nothing(), Operation::Leave, Operation::Close, delegation, revoke] {
        let call = by_account(0, operation).call;
        let signed =
            SignedCall { signature: session_key().sign(&call), key: session_key().public(), call };
        assert_eq!(signed.check().unwrap_err().name(), "bad_signature");
    }
    let good = leaving(0, 1);
    assert_eq!(good.check(), Ok(()));
    let call = good.call.clone();
    let account = account_key(0);
    let by_the_account = SignedCall { signature: account.sign(&call), key: account.public(), call };
    assert_eq!(by_the_account.check().unwrap_err().name(), "bad_signature");
    assert!(good.call.signing_bytes().len() > 100);
}

/// P-135.
#[test]
fn revoked_session_and_that_of_a_leaver_call_no_more() {
    let mut table = Table::delegated(&session_of(&session_key(), 30));
    let revoke = Operation::Revoke { key: session_key().public() };
    assert_eq!(table.run(by_account(1, revoke.clone()), 2), Ok(ExecutionStatus::Success));
    assert_eq!(table.refusal(leaving(0, 100), 3), "unauthorised");
    assert_eq!(table.state.read(&StateKey::Sessions(account_key(0).address())), None);
    assert_eq!(table.run(by_account(2, revoke), 3), Ok(ExecutionStatus::Success));
    let again = Operation::Delegate(session_of(&session_key(), 5));
    assert_eq!(table.run(by_account(3, again), 3), Ok(ExecutionStatus::Success));
    assert_eq!(table.left(), [5]);
    assert_eq!(table.refusal(leaving(0, 100), 3), "sequence_number", "it was signed before");
    assert_eq!(table.run(by_account(4, Operation::Leave), 4), Ok(ExecutionStatus::Success));
    assert_eq!(table.left(), Vec::<u64>::new());
}

/// P-135: new terms take the place of old ones; expired sessions leave room.
#[test]
fn account_has_sixteen_sessions_at_a_time() {
    let mut table = Table::new();
    let key = |seed: u8| Keypair::from_seed(&[seed; 32]);
    for seed in 1..=16 {
        let session =
            Session { expires_at: Time(10 + u64::from(seed)), ..session_of(&key(seed), 1) };
        let call = by_account(u64::from(seed) - 1, Operation::Delegate(session));
        assert_eq!(table.run(call, 1), Ok(ExecutionStatus::Success));
    }
    let one_more = by_account(16, Operation::Delegate(session_of(&key(17), 1)));
    assert_eq!(table.refusal(one_more.clone(), 11), "too_large");
    assert_eq!(table.run(one_more, 12), Ok(ExecutionStatus::Success));
    let renewed = by_account(17, Operation::Delegate(session_of(&key(17), 9)));
    assert_eq!(table.run(renewed, 12), Ok(ExecutionStatus::Success));
    assert_eq!((table.left().len(), table.left().iter().sum::<u64>()), (16, 15 + 9));
    let own = by_account(18, Operation::Delegate(session_of(&account_key(0), 1)));
    assert_eq!(table.refusal(own, 12), "invalid_argument");
}

/// P-37, P-70: what can't be ordered is refused at once, and is no reason to change the leader.
#[test]
fn node_refuses_calls_of_keys_that_hold_nothing() {
    let mut bench = Bench::new(3);
    let call = |bench: &Bench| {
        let mut call = leaving(0, 1);
        call.call.expires_at = bench.now.plus(60_000);
        SignedCall { signature: session_key().sign(&call.call), ..call }
    };
    let id = bench.request(2, call(&bench));
    assert_eq!(bench.answer(id).unwrap_err().name(), "unauthorised");
    let mut session = session_of(&session_key(), 0);
    session.expires_at = bench.now.plus(60_000);
    bench.call(0, 0, Operation::Delegate(session));
    bench.wait(200);
    let id = bench.request(2, call(&bench));
    bench.wait(200);
    assert!(bench.answer(id).is_ok());
}
