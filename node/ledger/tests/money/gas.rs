//! What each function costs with many members. `--no-capture` shows the table.

use fairway_ledger::contract;
use fairway_types::{
    Hash, JoinSequence, Operation, SignedAck, StateKey,
    chain::{ChainTx, MoneyRules, SettlementRule, WeightBy},
    limits,
    windows::BlockProof,
};

use super::world::{
    WINDOW, World, account, claim, deposits, everybody, finish_exit, node, refute, rows, stakes,
};

/// What a channel can have, as `rules` says.
const MOST_MEMBERS: u8 = 128;

fn money(settlement_rule: SettlementRule) -> MoneyRules {
    MoneyRules { settlement_rule, weight_by: WeightBy::Collateral, ..stakes() }
}

/// The dearest kind of channel: each member's weight is looked up in its stake.
fn channel(count: u8, settlement_rule: SettlementRule) -> World {
    let mut world = World::new();
    world.create(u64::from(count), money(settlement_rule));
    for number in 0..count {
        world.join(number, true);
    }
    world.epoch(count);
    world
}

type Row = (&'static str, u64);

/// Proofs, windows and an exit.
fn of_windows(count: u8) -> Vec<Row> {
    let mut world = channel(count, SettlementRule::Judged);
    let (channel, all, state) = (world.channel, everybody(count), deposits(count));
    let headers =
        world.chain_of(world.header(Hash([9; 32]), 1, 1, &state), limits::TRANSACTION_HEADERS);
    let (first, last) = (headers[0].clone(), headers[headers.len() - 1].clone());
    let shown = world.submit(0, &world.anchor(&first, &all));
    let proposal = world.proposal(&first, &rows(count), 0, false);
    let hash = proposal.hash();
    let propose = ChainTx::Propose { proposal: Box::new(proposal) };
    let open =
        ChainTx::OpenWindow { channel, proposal: hash, votes: world.votes(&all, hash, true) };
    world.submit(0, &propose);
    let opened = world.submit(0, &open);
    let no = ChainTx::Object { channel, votes: world.votes(&all, hash, false) };
    let objected = world.submit(0, &no);
    world.submit(0, &propose);
    world.submit(0, &open);
    let first_row = *rows(count).keys().next().unwrap();
    let wrong = refute(channel, 0, first_row, &state);
    let refuted = world.transact(&node(0), contract::payload(&wrong).unwrap());
    assert!(refuted.unwrap_err().contains("E_IS_RIGHT"));
    // More signatures would not fit a transaction beside so many headers.
    let enough = everybody((2 * u16::from(count)).div_ceil(3) as u8);
    let proof = BlockProof {
        headers: headers.clone(),
        anchor: Some(world.certificate(&first, &enough)),
        certificate: Some(world.certificate(&last, &enough)),
    };
    let far = world.submit(0, &ChainTx::Show { channel, proof: Box::new(proof) });
    let supported = world.submit(0, &ChainTx::Support { channel, headers });
    world.time += 2 * WINDOW;
    let finished = world.submit(0, &ChainTx::Finish { channel });
    vec![
        ("show an anchor", shown),
        ("show 160 headers", far),
        ("open a window", opened),
        ("object", objected),
        ("support, 160 headers", supported),
        ("finish", finished),
    ]
}

fn of_exits(count: u8) -> Vec<Row> {
    let mut world = channel(count, SettlementRule::TwoThirds);
    let (channel, all, state) = (world.channel, everybody(count), deposits(count));
    let block = world.header(Hash([9; 32]), 1, 1, &state);
    let demands =
        (0..count).map(|number| world.must(&account(number), contract::demand_exit(channel)));
    let demanded = demands.max().unwrap();
    world.submit(0, &world.anchor(&block, &all));
    let votes = world.votes(&all, block.hash(), false);
    let disputed = world.submit(0, &ChainTx::Dispute { channel, votes });
    world.time += 3 * WINDOW;
    let finished = world.submit(0, &finish_exit(channel, &state));
    let claimed = (0..count)
        .map(|number| world.submit(0, &claim(channel, account(number).address(), &state)))
        .max()
        .unwrap();
    world.time += 3 * WINDOW;
    let release = contract::release(channel, account(0).address());
    let released = world.must(&account(1), release);
    vec![
        ("demand an exit", demanded),
        ("dispute", disputed),
        ("finish an exit", finished),
        ("claim, the dearest", claimed),
        ("release", released),
    ]
}

fn of_penalties(count: u8) -> Vec<Row> {
    let mut world = channel(count, SettlementRule::TwoThirds);
    let (channel, all, state) = (world.channel, everybody(count), deposits(count));
    let (accused, evidence) = (JoinSequence(1), Hash([3; 32]));
    let report = contract::report(channel, accused, evidence);
    let reported = world.must(&node(1), report);
    let verdicts = world.verdicts(&all[1..], accused, evidence, true);
    let decide = ChainTx::Decide { channel, accused, evidence, guilty: true, verdicts };
    let decided = world.submit(1, &decide);
    let first = world.header(Hash([8; 32]), 1, 1, &state);
    let second = world.header(Hash([7; 32]), 1, 1, &state);
    let signatures = [&first, &second].map(|header| node(1).sign(header));
    let both = [(&first, &signatures[0]), (&second, &signatures[1])];
    let blocks = world.must(&node(2), contract::double_block(channel, JoinSequence(2), both));
    let acks = [&first, &second].map(|header| {
        let ack = world.certificate(header, &[2]).ack;
        SignedAck { ack, node: node(2).node_id(), signature: node(2).sign(&ack) }
    });
    let both = [&acks[0], &acks[1]];
    let acked = world.must(&node(3), contract::double_ack(channel, JoinSequence(3), both));
    vec![("report", reported), ("decide", decided), ("double block", blocks), ("double ack", acked)]
}

/// As many reports about one member as can wait: another, their end, and the conviction that closes
/// them all.
fn of_reports(count: u8) -> Vec<Row> {
    let reported = |world: &mut World| {
        let mut gas = 0;
        for by in 1..count {
            for evidence in 0..2 {
                let evidence = Hash([by, evidence].repeat(16).try_into().unwrap());
                let report = contract::report(world.channel, JoinSequence(1), evidence);
                gas = world.must(&node(by), report);
            }
        }
        gas
    };
    let mut world = channel(count, SettlementRule::TwoThirds);
    let last = reported(&mut world);
    world.time += 10 * WINDOW;
    let expire = ChainTx::Expire { channel: world.channel };
    let ended = world.submit(1, &expire);
    let mut world = channel(count, SettlementRule::TwoThirds);
    reported(&mut world);
    let (accused, evidence) = (JoinSequence(1), Hash([1, 0].repeat(16).try_into().unwrap()));
    let verdicts = world.verdicts(&everybody(count)[1..], accused, evidence, true);
    let (channel, guilty) = (world.channel, true);
    let decided =
        world.submit(1, &ChainTx::Decide { channel, accused, evidence, guilty, verdicts });
    vec![("report, the last", last), ("expire", ended), ("decide, all wait", decided)]
}

fn of_complaints(count: u8) -> Vec<Row> {
    let mut world = channel(count, SettlementRule::TwoThirds);
    let (channel, all, state) = (world.channel, everybody(count), deposits(count));
    let function = contract::function("app", "play");
    let args = vec![vec![7; 15_000]];
    let call = world.call(1, 1, Operation::Invoke { function, type_args: Vec::new(), args });
    let complained = world.must(&account(1), contract::complain(channel, &call));
    // A member joins, and the leader asks for an epoch, with the longest complaint in the record.
    world.time += 4_000;
    let beat = world.beat(2);
    let header = world.header(Hash([8; 32]), 1, 1, &state);
    let answer = ChainTx::Answer {
        channel,
        certificate: Box::new(world.certificate(&header, &all)),
        header: Box::new(header),
        number: Box::new(state.proven(&StateKey::Sequence(account(1).address()))),
        departed: Box::new(state.proven(&StateKey::Departed(account(1).address()))),
    };
    let shown = world.header(Hash([8; 32]), 2, 1, &state);
    let beside = world.submit(0, &world.anchor(&shown, &all));
    let answered = world.submit(0, &answer);
    vec![
        ("complain, 15 kB", complained),
        ("heartbeat beside it", beat),
        ("show beside it", beside),
        ("answer", answered),
    ]
}

fn figures(count: u8) -> Vec<Row> {
    [
        of_windows(count),
        of_exits(count),
        of_penalties(count),
        of_reports(count),
        of_complaints(count),
    ]
    .concat()
}

#[test]
fn what_guards_money_fits_the_gas_of_a_call_in_the_largest_channel() {
    let counts = [4, 32, MOST_MEMBERS];
    let tables = counts.map(figures);
    println!("{:<24}{:>12}{:>12}{:>12}", "gas for members", 4, 32, MOST_MEMBERS);
    for row in 0..tables[0].len() {
        let gas = tables.each_ref().map(|table| table[row].1);
        println!("{:<24}{:>12}{:>12}{:>12}", tables[0][row].0, gas[0], gas[1], gas[2]);
        for (count, gas) in counts.iter().zip(gas) {
            assert!(gas < limits::CALL_GAS / 2, "{} of {count}: {gas}", tables[0][row].0);
        }
    }
}
