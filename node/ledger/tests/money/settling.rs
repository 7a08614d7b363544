//! Settlements at their largest, and the refutation of one that two thirds agreed to. `--no-capture`
//! shows bytes and gas.

use fairway_ledger::contract;
use fairway_proto::settlement::refutation::refutation;
use fairway_types::{
    Hash, Header,
    chain::{ChainTx, SettlementRule},
    codec,
    ledger::LedgerPayload,
    limits,
    settlement::Proposal,
    windows::BlockProof,
};

use super::world::{
    DEPOSIT, WINDOW, World, account, deposits, everybody, node, rows, stakes, state,
};

/// What a channel can have, as `rules` says; and the most bytes of an app's result.
const MOST_MEMBERS: u8 = 128;
const MOST_RESULT: usize = 8_192;

fn channel(count: u8, settlement_rule: SettlementRule) -> World {
    let mut world = World::new();
    let money = fairway_types::chain::MoneyRules { settlement_rule, ..stakes() };
    world.create(u64::from(count), money);
    for number in 0..count {
        world.join(number, false);
    }
    world.epoch(count);
    world
}

/// Arguments' bytes and gas of a transaction that the ledger takes.
fn cost(world: &mut World, number: u8, payload: LedgerPayload) -> (usize, u64) {
    let bytes = match &payload {
        LedgerPayload::Invoke { args, .. } => args.iter().map(Vec::len).sum(),
        LedgerPayload::Judge { file, .. } => file.len(),
        LedgerPayload::StorePackage { .. } | LedgerPayload::Publish { .. } => 0,
    };
    let (tried, _) = world.try_out(&node(number), payload.clone());
    tried.unwrap_or_else(|error| panic!("{bytes} bytes: {error}"));
    (bytes, world.must(&node(number), payload))
}

fn one(tx: &ChainTx) -> LedgerPayload {
    contract::payload(tx).unwrap()
}

fn waiting(world: &World) -> Option<Proposal> {
    let args = [codec::encode(&world.channel)];
    let values = world.ledger.view(&contract::function("settlement", "waiting"), &[], &args);
    let bytes: Vec<u8> = codec::decode("bytes", &values.unwrap()[0].1).unwrap();
    (!bytes.is_empty()).then(|| codec::decode("proposal", &bytes).unwrap())
}

fn dry_run(world: &World, proposal: &Proposal) -> Result<(), String> {
    let (function, args) = contract::dry_run(proposal).unwrap();
    let answer = world.ledger.view(&function, &[], &args);
    answer.map(drop).map_err(|refusal| refusal.to_string())
}

/// Everybody leaves with the largest result, and everybody has to vote.
#[test]
fn the_largest_change_set_settles_in_one_transaction_each() {
    let mut world = channel(MOST_MEMBERS, SettlementRule::Unanimous);
    let (channel, all) = (world.channel, everybody(MOST_MEMBERS));
    let header = world.header(Hash([9; 32]), 1, 1, &deposits(MOST_MEMBERS));
    let mut leaving = rows(MOST_MEMBERS);
    leaving.values_mut().for_each(|row| row.1 = true);
    let mut proposal = world.proposal(&header, &leaving, 0, true);
    proposal.result = vec![7; MOST_RESULT];
    assert_eq!(dry_run(&world, &proposal), Ok(()));
    let hash = proposal.hash();
    let proposed = cost(&mut world, 0, one(&ChainTx::Propose { proposal: Box::new(proposal) }));
    let votes = world.votes(&all, hash, true);
    let executed = cost(&mut world, 0, one(&ChainTx::Execute { channel, proposal: hash, votes }));
    println!("propose: {proposed:?} bytes and gas; execute: {executed:?}");
    for (bytes, gas) in [proposed, executed] {
        assert!(bytes < limits::CALL_BYTES / 2 && gas < limits::CALL_GAS / 2, "{bytes}, {gas}");
    }
    assert!(world.record().settlement.closed);
    assert!((0..MOST_MEMBERS).all(|number| world.balance(number) >= DEPOSIT));
}

/// P-116: it is refused before anybody signed it, with the contract's reason.
#[test]
fn a_dry_run_names_the_contracts_reason() {
    let world = channel(4, SettlementRule::TwoThirds);
    let header = world.header(Hash([9; 32]), 1, 1, &deposits(4));
    let mut right = world.proposal(&header, &rows(4), 0, false);
    assert_eq!(dry_run(&world, &right), Ok(()));
    right.balances[0].amounts[0].amount += 1;
    assert!(dry_run(&world, &right).unwrap_err().contains("E_NOT_CONSERVED"));
    right.from_root = Hash([1; 32]);
    assert!(dry_run(&world, &right).unwrap_err().contains("E_NOT_CONTINUOUS"));
}

/// P-119: certificates of as many as a proof may need, and more headers than one transaction links.
#[test]
fn a_proof_of_the_largest_channel_is_led_up_over_a_thousand_headers() {
    let mut world = channel(MOST_MEMBERS, SettlementRule::TwoThirds);
    let state = deposits(MOST_MEMBERS);
    let first = world.header(Hash([9; 32]), 1, 1, &state);
    let headers = world.chain_of(Header { opening: Some(Hash([3; 32])), ..first }, 1_000);
    let last = headers[headers.len() - 1].clone();
    let most = everybody(MOST_MEMBERS - 1);
    let proof = BlockProof {
        anchor: Some(world.certificate(&headers[0], &most)),
        certificate: Some(world.certificate(&last, &most)),
        headers,
    };
    let show = ChainTx::Show { channel: world.channel, proof: Box::new(proof) };
    let payloads = contract::payloads(&show).unwrap();
    assert_eq!(payloads.len(), 1_000_usize.div_ceil(limits::TRANSACTION_HEADERS));
    let costs: Vec<_> = payloads.into_iter().map(|payload| cost(&mut world, 1, payload)).collect();
    println!("bytes and gas: {costs:?}");
    assert!(costs.iter().all(|(_, gas)| *gas < limits::CALL_GAS / 2));
    assert_eq!(world.record().windows.shown.map(|shown| shown.block), Some(last.hash()));
}

/// P-119: the most that one transaction has to hold.
#[test]
fn the_largest_proof_of_one_transaction_fits_it() {
    let mut world = channel(MOST_MEMBERS, SettlementRule::TwoThirds);
    let first = world.header(Hash([9; 32]), 1, 1, &deposits(MOST_MEMBERS));
    let first = Header { opening: Some(Hash([3; 32])), ..first };
    let headers = world.chain_of(first, limits::TRANSACTION_HEADERS);
    let most = everybody(MOST_MEMBERS - 1);
    let proof = BlockProof {
        anchor: Some(world.certificate(&headers[0], &most)),
        certificate: Some(world.certificate(&headers[headers.len() - 1], &most)),
        headers,
    };
    let show = ChainTx::Show { channel: world.channel, proof: Box::new(proof) };
    let (bytes, gas) = cost(&mut world, 1, one(&show));
    println!("{bytes} bytes, {gas} gas");
    assert!(bytes > limits::CALL_BYTES * 9 / 10, "room for more headers: {bytes}");
}

/// P-117: a colluding 2/3 under `judged` settles a false row; the third refutes it by its own state.
#[test]
fn under_judged_one_honest_member_stops_a_colluding_two_thirds() {
    let mut world = channel(3, SettlementRule::Judged);
    let (channel, state) = (world.channel, deposits(3));
    let header = world.header(Hash([9; 32]), 1, 1, &state);
    let mut stolen = rows(3);
    let victim = account(2).address();
    let thief = account(0).address();
    stolen.insert(victim, (0, false));
    stolen.insert(thief, (2 * DEPOSIT, false));
    let proposal = world.proposal(&header, &stolen, 0, false);
    let hash = proposal.hash();
    world.submit(0, &world.anchor(&header, &[0, 1]));
    world.submit(0, &ChainTx::Propose { proposal: Box::new(proposal.clone()) });
    let votes = world.votes(&[0, 1], hash, true);
    world.submit(0, &ChainTx::OpenWindow { channel, proposal: hash, votes });
    let read = waiting(&world).unwrap();
    assert_eq!(read, proposal, "the chain gives what waits, to the bit");
    let tx = refutation(&world.record(), &read, &state).unwrap();
    world.submit(2, &tx);
    assert_eq!(waiting(&world), None);
    world.time += 3 * WINDOW;
    assert!(world.try_submit(0, &ChainTx::Finish { channel }).is_err());
    assert_eq!(world.record().settlement.number, 0);
}

/// P-117: who left, who never came in, and the app's result are proven in the same way.
#[test]
fn what_the_state_says_is_refuted_by_nobody_and_what_it_does_not_by_anybody() {
    let mut world = channel(4, SettlementRule::Judged);
    let channel = world.channel;
    let of = |number: u8| account(number).address();
    let vaults = [(of(0), DEPOSIT), (of(1), DEPOSIT)].into();
    let departed = [(of(2), DEPOSIT)].into();
    let state = state(&vaults, &departed, &[(1, 3)]);
    let header = world.header(Hash([9; 32]), 1, 1, &state);
    let mut right = rows(4);
    right.insert(of(2), (DEPOSIT, true));
    let mut proposal = world.proposal(&header, &right, 0, false);
    proposal.result.clear();
    let record = world.record();
    assert_eq!(refutation(&record, &proposal, &state), None);
    world.submit(0, &world.anchor(&header, &[0, 1, 3]));
    let mut stays = proposal.clone();
    stays.balances.iter_mut().for_each(|row| row.leaves = false);
    let mut outsider = proposal.clone();
    for row in &mut outsider.balances {
        let amount = &mut row.amounts[0].amount;
        *amount = if row.account == of(3) { *amount - 1 } else { *amount };
        *amount = if row.account == of(0) { *amount + 1 } else { *amount };
    }
    let mut result = proposal.clone();
    result.result = b"forged".to_vec();
    for wrong in [stays, outsider, result] {
        let tx = refutation(&record, &wrong, &state).unwrap();
        let hash = wrong.hash();
        world.submit(0, &ChainTx::Propose { proposal: Box::new(wrong) });
        let votes = world.votes(&[0, 1, 2], hash, true);
        world.submit(0, &ChainTx::OpenWindow { channel, proposal: hash, votes });
        world.submit(3, &tx);
        assert_eq!(waiting(&world), None);
    }
}
