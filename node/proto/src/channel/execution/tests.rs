use std::sync::Arc;

use super::{
    super::{
        bench::{self, Vaults},
        log::Tip,
    },
    *,
};

fn genesis(record: &ChannelRecord) -> Tip {
    let state = State::default().with_writes(&genesis_writes(record, &Vaults));
    let members = record.founders.iter().map(|m| (m.node, Arc::new(m.clone()))).collect();
    let (height, time) = (Height::ZERO, Time::ZERO);
    Tip {
        height,
        hash: Hash::ZERO,
        time,
        state,
        members: Arc::new(members),
        leavers: Arc::default(),
    }
}

fn next<'a>(record: &ChannelRecord, tip: &'a Tip, time: u64) -> Execution<'a, Vaults> {
    Execution::new(&Vaults, record.facts(), tip.start(), Time(time))
}

/// P-13: whoever joined before a founder and whose node came later must not be locked out.
#[test]
fn earlier_join_than_the_last_founder_is_admitted_once() {
    let mut record = bench::record(2);
    record.founders.remove(0);
    let tip = genesis(&record);
    let mut run = next(&record, &tip, 1);
    let join = Transaction::Join(bench::member(0));
    assert!(run.run(&join).is_ok());
    assert!(run.run(&join).is_err());
}

/// Not even after it left and was paid.
#[test]
fn member_that_was_paid_does_not_enter_again_with_its_old_sequence() {
    let record = bench::record(2);
    let tip = genesis(&record);
    let mut run = next(&record, &tip, 1);
    let (account, join_sequence) = (bench::member(1).account, bench::member(1).join_sequence);
    assert!(run.run(&Transaction::Remove { account, join_sequence }).is_ok());
    assert!(run.run(&Transaction::Settled { number: 1, paid: vec![account] }).is_ok());
    assert!(run.run(&Transaction::Join(bench::member(1))).is_err());
}

#[test]
fn node_that_acts_for_another_member_is_not_entered() {
    let record = bench::record(1);
    let tip = genesis(&record);
    let joining = MemberRecord { node: bench::member(0).node, ..bench::member(1) };
    assert!(next(&record, &tip, 1).run(&Transaction::Join(joining)).is_err());
}

/// An app whose calls set the results that their arguments are, and fail with none.
struct Resulting;

impl Execute for Resulting {
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &Context,
        invocation: &Invocation<'_>,
        gas: Gas,
    ) -> Outcome {
        let Invocation::Call { args, .. } = invocation else {
            return Vaults.execute(state, context, invocation, gas);
        };
        let set = |result: &Vec<u8>| MoveEvent {
            type_tag: RESULT_SET.into(),
            data: codec::encode(result),
        };
        let events: Vec<_> = args.iter().map(set).collect();
        let failed = ExecutionStatus::Failed { code: 1 };
        let status = if args.is_empty() { failed } else { ExecutionStatus::Success };
        Outcome { status, gas_used: Gas(1), writes: Vec::new(), events }
    }
}

fn results(args: &[&[u8]], sequence: u64) -> Transaction {
    let function = "0x42::app::set".parse().unwrap();
    let args = args.iter().map(|result| result.to_vec()).collect();
    let set = Operation::Invoke { function, type_args: Vec::new(), args };
    Transaction::Call(bench::sign(0, SequenceNumber(sequence), set, Time(1_000)))
}

/// P-19.
#[test]
fn last_result_that_succeeded_is_kept_and_settled() {
    let record = bench::record(1);
    let mut tip = genesis(&record);
    assert!(books::result(&tip.state).is_empty());
    let mut run = Execution::new(&Resulting, record.facts(), tip.start(), Time(1));
    run.run(&results(&[b"one", b"two"], 0)).unwrap();
    run.run(&results(&[], 1)).unwrap();
    tip.state = run.finish(&tip.state).state;
    assert_eq!(books::result(&tip.state), b"two");
    let mut run = Execution::new(&Resulting, record.facts(), tip.start(), Time(2));
    run.run(&results(&[b""], 2)).unwrap();
    let state = run.finish(&tip.state).state;
    assert!(books::result(&state).is_empty());
}

/// P-18: a settlement that pays it what it was owed may be under way.
#[test]
fn who_left_before_the_close_gets_no_share_of_the_remainder() {
    let record = bench::record(3);
    let mut tip = genesis(&record);
    let holding = |index: usize| Write {
        key: StateKey::resource(bench::member(index).account, books::VAULT_TAG),
        value: Some(codec::encode(&bench::amounts(90))),
    };
    tip.state = tip.state.with_writes(&[0, 1, 2].map(holding));
    let mut run = next(&record, &tip, 1);
    let (account, join_sequence) = (bench::member(2).account, bench::member(2).join_sequence);
    for transaction in [
        Transaction::Remove { account, join_sequence },
        Transaction::Close,
        Transaction::Settled { number: 1, paid: vec![account] },
    ] {
        assert!(run.run(&transaction).is_ok());
    }
    let state = run.finish(&tip.state).state;
    let due = |index: usize| books::departed(&state, bench::member(index).account);
    assert_eq!(
        [due(0), due(1), due(2)].map(Option::unwrap_or_default),
        [bench::amounts(105), bench::amounts(105), Vec::new()]
    );
    assert_eq!(books::locked(&state), bench::amounts(210));
}

#[test]
fn ticks_come_at_the_interval_only() {
    let mut record = bench::record(1);
    let tip = genesis(&record);
    assert!(next(&record, &tip, 1_000).run(&Transaction::Tick).is_err(), "no ticks here");
    record.config.tick_interval = 100;
    let mut run = next(&record, &tip, 1_000);
    assert!(run.run(&Transaction::Tick).is_ok());
    assert!(run.run(&Transaction::Tick).is_err(), "one a block");
    let ticked = Tip { state: run.finish(&tip.state).state, ..tip };
    assert!(next(&record, &ticked, 1_099).run(&Transaction::Tick).is_err(), "too early");
    assert!(next(&record, &ticked, 1_100).run(&Transaction::Tick).is_ok());
}
