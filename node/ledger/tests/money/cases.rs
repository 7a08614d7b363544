//! A valid transaction of every kind, in a world where it is.

use fairway_ledger::contract;
use fairway_state::State;
use fairway_types::{
    Address, ChannelId, FunctionName, Hash, Header, JoinSequence, Keypair, Operation, SignedAck,
    SignedViewChange, StateKey, Term, Time, View, ViewChange,
    chain::{ChainTx, DropRule, MoneyRules, SettlementRule},
    ledger::LedgerPayload,
    limits,
    session::Session,
    windows::BlockProof,
};

use super::judging::{divergence, running_pair};
use super::world::{
    DEPOSIT, Rows, WINDOW, World, account, claim, config, deposits, everybody, finish_exit, node,
    refute, root, rows, stakes,
};

pub(crate) struct Case {
    pub name: &'static str,
    pub world: World,
    pub key: Keypair,
    pub payload: LedgerPayload,
    /// A channel of the same members and nodes.
    pub other: ChannelId,
}

/// Two channels of the same three members; the first is the one in question.
fn pair(money: MoneyRules) -> (World, ChannelId) {
    pair_of(Hash([5; 32]), money)
}

/// The same, for channels of this package.
pub(crate) fn pair_of(package: Hash, money: MoneyRules) -> (World, ChannelId) {
    let mut world = World::new();
    let mut channels = Vec::new();
    for _ in 0..2 {
        world.create_for(package, 4, money.clone());
        for number in 0..3 {
            world.join(number, false);
        }
        world.epoch(3);
        channels.push(world.channel);
    }
    world.channel = channels[0];
    (world, channels[1])
}

fn judged() -> MoneyRules {
    MoneyRules { settlement_rule: SettlementRule::Judged, ..stakes() }
}

fn by(
    name: &'static str,
    world: World,
    other: ChannelId,
    key: Keypair,
    payload: LedgerPayload,
) -> Case {
    Case { name, world, key, payload, other }
}

fn node_sends(
    name: &'static str,
    world: World,
    other: ChannelId,
    number: u8,
    tx: &ChainTx,
) -> Case {
    by(name, world, other, node(number), contract::payload(tx).unwrap())
}

fn block(world: &World) -> Header {
    world.header(Hash([9; 32]), 1, 1, &deposits(3))
}

pub(crate) fn cases() -> Vec<Case> {
    [
        of_accounts(),
        of_stakes(),
        of_terms(),
        of_proposals(),
        of_windows(),
        of_exits(),
        of_reports(),
        of_complaints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_accounts() -> Vec<Case> {
    let mut cases = Vec::new();
    let (world, other) = pair(stakes());
    cases.push(by(
        "create",
        world,
        other,
        root(),
        contract::create(Hash([5; 32]), &config(4, stakes())),
    ));
    let (mut world, other) = pair(stakes());
    world.mint(account(3).address(), DEPOSIT + 100);
    let join = world.join_payload(3, false);
    cases.push(by("join", world, other, account(3), join));
    let (world, other) = pair(stakes());
    let leave = contract::leave(world.channel);
    cases.push(by("leave", world, other, account(0), leave));
    let (world, other) = pair(stakes());
    let close = contract::close(world.channel);
    cases.push(by("close", world, other, root(), close));
    cases
}

fn of_stakes() -> Vec<Case> {
    let staked = || {
        let (mut world, other) = pair(stakes());
        world.mint(account(0).address(), 500);
        world.must(&account(0), contract::stake(contract::NATIVE, 300));
        (world, other)
    };
    let mut cases = Vec::new();
    let (world, other) = staked();
    let to = account(1).address();
    cases.push(by(
        "transfer",
        world,
        other,
        account(0),
        contract::transfer(contract::NATIVE, to, 200),
    ));
    let (world, other) = staked();
    cases.push(by("stake", world, other, account(0), contract::stake(contract::NATIVE, 200)));
    let (world, other) = staked();
    let ask = contract::ask_withdrawal(contract::NATIVE, 300);
    cases.push(by("ask_withdrawal", world, other, account(0), ask));
    let (mut world, other) = staked();
    world.must(&account(0), contract::ask_withdrawal(contract::NATIVE, 300));
    world.time += 604_800_000;
    cases.push(by(
        "withdraw",
        world,
        other,
        account(0),
        contract::withdraw_stake(contract::NATIVE),
    ));
    let (mut world, other) = pair(stakes());
    let gone = settle_first_leaver(&mut world);
    world.time += 10 * WINDOW;
    let release = contract::release(world.channel, gone);
    cases.push(by("release", world, other, root(), release));
    cases
}

/// The first account by address is paid and has left.
fn settle_first_leaver(world: &mut World) -> Address {
    let (channel, header) = (world.channel, block(world));
    let mut rows = rows(3);
    let (gone, row) = rows.iter_mut().next().unwrap();
    row.1 = true;
    let gone = *gone;
    let proposal = world.proposal(&header, &rows, 0, false);
    let hash = proposal.hash();
    world.submit(0, &ChainTx::Propose { proposal: Box::new(proposal) });
    let votes = world.votes(&everybody(3), hash, true);
    world.submit(0, &ChainTx::Execute { channel, proposal: hash, votes });
    gone
}

fn of_terms() -> Vec<Case> {
    let (world, other) = pair(stakes());
    let heartbeat = ChainTx::Heartbeat { channel: world.channel };
    let mut cases = vec![node_sends("heartbeat", world, other, 0, &heartbeat)];
    let (mut world, other) = pair(stakes());
    world.time += 16_000;
    let apply = ChainTx::ApplyForLeadership { channel: world.channel };
    cases.push(node_sends("apply", world, other, 0, &apply));
    let (world, other) = pair(stakes());
    let epoch = world.record().in_force.unwrap().term.epoch;
    let term = Term { epoch, view: View(1) };
    let channel = world.channel;
    let change = ViewChange { channel, term, proof: None, certificate: None, acked: Vec::new() };
    let promise = |number: u8| {
        let (view_change, node) = (change.clone(), node(number));
        let signature = node.sign(&view_change.summary());
        SignedViewChange { view_change, node: node.node_id(), signature }.shown()
    };
    let promises = [0, 1].map(promise).to_vec();
    let show = ChainTx::ShowTerm { channel, term, promises };
    cases.push(node_sends("show_term", world, other, 1, &show));
    cases
}

fn of_proposals() -> Vec<Case> {
    let (world, other) = pair(stakes());
    let proposal = Box::new(world.proposal(&block(&world), &rows(3), 0, false));
    let mut cases = vec![node_sends("propose", world, other, 0, &ChainTx::Propose { proposal })];
    let (mut world, other) = pair(stakes());
    let (channel, proposal) = (world.channel, world.proposal(&block(&world), &rows(3), 0, false));
    let hash = proposal.hash();
    world.submit(0, &ChainTx::Propose { proposal: Box::new(proposal) });
    let votes = world.votes(&[0, 1], hash, true);
    let execute = ChainTx::Execute { channel, proposal: hash, votes };
    cases.push(node_sends("execute", world, other, 0, &execute));
    let (mut world, other) = pair(judged());
    let (channel, proposal) = (world.channel, world.proposal(&block(&world), &rows(3), 0, false));
    let hash = proposal.hash();
    world.submit(0, &ChainTx::Propose { proposal: Box::new(proposal) });
    let votes = world.votes(&[0, 1], hash, true);
    let open = ChainTx::OpenWindow { channel, proposal: hash, votes };
    cases.push(node_sends("open_window", world, other, 0, &open));
    cases
}

/// A proposal with this last row waits, of a channel that judges.
fn waiting(rows: &Rows) -> (World, ChannelId, Hash) {
    let (mut world, other) = pair(judged());
    let (channel, proposal) = (world.channel, world.proposal(&block(&world), rows, 0, false));
    let hash = proposal.hash();
    world.submit(0, &ChainTx::Propose { proposal: Box::new(proposal) });
    let votes = world.votes(&[0, 1], hash, true);
    world.submit(0, &ChainTx::OpenWindow { channel, proposal: hash, votes });
    (world, other, hash)
}

fn of_windows() -> Vec<Case> {
    let (world, other, hash) = waiting(&rows(3));
    let votes = world.votes(&[1, 2], hash, false);
    let object = ChainTx::Object { channel: world.channel, votes };
    let mut cases = vec![node_sends("object", world, other, 2, &object)];
    let (mut world, other, _) = waiting(&rows(3));
    let headers = world.chain_of(block(&world), 3);
    world.submit(0, &world.anchor(&headers[2], &[0, 1]));
    let support = ChainTx::Support { channel: world.channel, headers };
    cases.push(node_sends("support", world, other, 0, &support));
    let (mut world, other, _) = waiting(&rows(3));
    let anchor = world.anchor(&block(&world), &[0, 1]);
    world.submit(0, &anchor);
    world.time += 2 * WINDOW;
    let finish = ChainTx::Finish { channel: world.channel };
    cases.push(node_sends("finish", world, other, 0, &finish));
    let mut wrong = rows(3);
    let accounts: Vec<Address> = wrong.keys().copied().collect();
    wrong.get_mut(&accounts[0]).unwrap().0 += 1;
    wrong.get_mut(&accounts[1]).unwrap().0 -= 1;
    let (world, other, _) = waiting(&wrong);
    let refute = refute(world.channel, 0, accounts[0], &deposits(3));
    cases.push(node_sends("refute", world, other, 0, &refute));
    let (world, other) = pair(stakes());
    let headers = world.chain_of(block(&world), 3);
    let anchor = Some(world.certificate(&headers[0], &[0, 1]));
    let certificate = Some(world.certificate(&headers[2], &[0, 1]));
    let proof = Box::new(BlockProof { headers, anchor, certificate });
    let show = ChainTx::Show { channel: world.channel, proof };
    cases.push(node_sends("show", world, other, 0, &show));
    cases.extend(of_led_headers());
    let (world, other, _) = waiting(&rows(3));
    let result = Box::new(deposits(3).proven(&StateKey::Result));
    let refute = ChainTx::RefuteResult { channel: world.channel, result };
    cases.push(node_sends("refute_result", world, other, 0, &refute));
    cases
}

/// More headers than one transaction holds.
fn of_led_headers() -> Vec<Case> {
    let count = limits::TRANSACTION_HEADERS + 2;
    let (world, other) = pair(stakes());
    let proof = |world: &World| {
        let headers = world.chain_of(block(world), count);
        let anchor = Some(world.certificate(&headers[0], &[0, 1]));
        let certificate = Some(world.certificate(&headers[count - 1], &[0, 1]));
        let proof = Box::new(BlockProof { headers, anchor, certificate });
        contract::payloads(&ChainTx::Show { channel: world.channel, proof }).unwrap()
    };
    let [lead, _] = proof(&world).try_into().unwrap();
    let mut cases = vec![by("lead", world, other, node(0), lead)];
    let (mut world, other) = pair(stakes());
    let [lead, show] = proof(&world).try_into().unwrap();
    world.must(&node(0), lead);
    cases.push(by("show_led", world, other, node(0), show));
    let (mut world, other, _) = waiting(&rows(3));
    let headers = world.chain_of(block(&world), count);
    world.submit(0, &world.anchor(&headers[count - 1], &[0, 1]));
    let support = ChainTx::Support { channel: world.channel, headers };
    let [lead, support] = contract::payloads(&support).unwrap().try_into().unwrap();
    world.must(&node(0), lead);
    cases.push(by("support_led", world, other, node(0), support));
    cases
}

/// An exit of member 0 with its best block shown.
fn exiting() -> (World, ChannelId, State) {
    let (mut world, other) = pair(stakes());
    world.must(&account(0), contract::demand_exit(world.channel));
    let header = block(&world);
    world.submit(0, &world.anchor(&header, &everybody(3)));
    (world, other, deposits(3))
}

fn of_exits() -> Vec<Case> {
    let (world, other) = pair(stakes());
    let demand = contract::demand_exit(world.channel);
    let mut cases = vec![by("demand", world, other, account(0), demand)];
    let (world, other, _) = exiting();
    let votes = world.votes(&[1, 2], block(&world).hash(), false);
    let dispute = ChainTx::Dispute { channel: world.channel, votes };
    cases.push(node_sends("dispute", world, other, 1, &dispute));
    let (mut world, other, state) = exiting();
    world.time += 2 * WINDOW;
    let finish = finish_exit(world.channel, &state);
    cases.push(node_sends("finish_exit", world, other, 0, &finish));
    let (mut world, other, state) = exiting();
    world.time += 2 * WINDOW;
    world.submit(0, &finish_exit(world.channel, &state));
    let claim = claim(world.channel, account(1).address(), &state);
    cases.push(node_sends("claim", world, other, 0, &claim));
    cases
}

fn of_reports() -> Vec<Case> {
    let (accused, evidence) = (JoinSequence(1), Hash([3; 32]));
    let (world, other) = pair(stakes());
    let report = contract::report(world.channel, accused, evidence);
    let mut cases = vec![by("report", world, other, node(1), report.clone())];
    let (mut world, other) = pair(stakes());
    world.must(&node(1), contract::report(world.channel, accused, evidence));
    let verdicts = world.verdicts(&[1, 2], accused, evidence, true);
    let decide =
        ChainTx::Decide { channel: world.channel, accused, evidence, guilty: true, verdicts };
    cases.push(node_sends("decide", world, other, 1, &decide));
    let (mut world, other) = pair(stakes());
    world.must(&node(1), contract::report(world.channel, accused, evidence));
    world.time += 10 * WINDOW;
    let expire = ChainTx::Expire { channel: world.channel };
    cases.push(node_sends("expire", world, other, 1, &expire));
    let (world, other) = running_pair();
    let judge = contract::judge(world.channel, accused, &divergence(&world));
    cases.push(by("judge", world, other, node(1), judge));
    let (world, other) = pair(stakes());
    let first = world.header(Hash([8; 32]), 1, 1, &deposits(3));
    let second = world.header(Hash([7; 32]), 1, 1, &deposits(3));
    let signatures = [&first, &second].map(|header| node(0).sign(header));
    let both = [(&first, &signatures[0]), (&second, &signatures[1])];
    let double = contract::double_block(world.channel, accused, both);
    cases.push(by("double_block", world, other, node(1), double));
    let (world, other) = pair(stakes());
    let acks = [&first, &second].map(|header| {
        let ack = world.certificate(header, &[0]).ack;
        SignedAck { ack, node: node(0).node_id(), signature: node(0).sign(&ack) }
    });
    let double = contract::double_ack(world.channel, accused, [&acks[0], &acks[1]]);
    cases.push(by("double_ack", world, other, node(1), double));
    cases
}

/// Nobody waits in vain for what a session key may not do any more; all else of sessions can wait.
#[test]
fn complaints_are_about_calls_of_the_account_itself_and_its_revocations() {
    let key = Keypair::from_seed(&[93; 32]).public();
    let function: FunctionName = "0x44::payments::pay".parse().unwrap();
    let (functions, spending) = (vec![function.clone()], Vec::new());
    let session = Session { key, functions, spending, expires_at: Time(9_000_000) };
    let (type_args, args) = (Vec::new(), Vec::new());
    let operations = [
        (Operation::Revoke { key }, None),
        (Operation::Delegate(session), Some("E_MALFORMED")),
        (Operation::Session { key, function, type_args, args }, Some("E_MALFORMED")),
    ];
    for (operation, refused) in operations {
        let (mut world, _) = pair(stakes());
        let complaint = contract::complain(world.channel, &world.call(1, 5, operation));
        let result = world.transact(&account(1), complaint).map(|_| ());
        match refused {
            None => assert_eq!(result, Ok(())),
            Some(name) => assert!(result.as_ref().unwrap_err().contains(name), "{result:?}"),
        }
    }
}

fn of_complaints() -> Vec<Case> {
    let replaces = || MoneyRules { drop_rule: DropRule::Replace, ..stakes() };
    let (world, other) = pair(replaces());
    let complain = contract::complain(world.channel, &world.call(1, 5, Operation::Leave));
    let mut cases = vec![by("complain", world, other, account(1), complain)];
    let complained = || {
        let (mut world, other) = pair(replaces());
        let call = world.call(1, 5, Operation::Leave);
        world.must(&account(1), contract::complain(world.channel, &call));
        (world, other)
    };
    let (world, other) = complained();
    let (header, state) = (block(&world), deposits(3));
    let answer = ChainTx::Answer {
        channel: world.channel,
        certificate: Box::new(world.certificate(&header, &[0, 2])),
        header: Box::new(header),
        number: Box::new(state.proven(&StateKey::Sequence(account(1).address()))),
        departed: Box::new(state.proven(&StateKey::Departed(account(1).address()))),
    };
    cases.push(node_sends("answer", world, other, 0, &answer));
    let (mut world, other) = complained();
    world.time += WINDOW;
    let resolve = ChainTx::Resolve { channel: world.channel };
    cases.push(node_sends("resolve", world, other, 0, &resolve));
    cases
}
