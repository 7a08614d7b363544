mod exits;
mod proofs;
mod settling;
mod waiting;

use fairway_types::{
    Epoch, Hash, Height, Operation, Term, View, Weight,
    chain::{Durability, SettlementRule},
    crypto::Verify,
    settlement::Proposal,
    windows::{BlockProof, ExitRecord, Outcome, ShownBlock},
};

use super::{
    super::{
        bench::{Bench, chain_member, member, nothing, record},
        input::Input,
        log::KEPT_BLOCKS,
    },
    *,
};

const WINDOW: u64 = 20_000;

/// Members with two blocks, the first of them final, all of whom acked both.
fn four() -> Bench {
    let mut bench = Bench::new(4);
    bench.note(0);
    bench.note(0);
    bench.wait(200);
    bench
}

/// Four members of a channel with this rule, and one block.
fn four_under(rule: SettlementRule) -> Bench {
    let mut record = record(4);
    record.config.money.settlement_rule = rule;
    let mut bench = Bench::with_record(4, record);
    bench.note(0);
    bench.wait(200);
    bench
}

/// [`four`], and a proposal of the first block that waits.
fn four_waiting() -> (Bench, Proposal) {
    let mut bench = four();
    let waiting = proposal(&bench, 1, Height(1));
    waits(&mut bench, &waiting);
    (bench, waiting)
}

/// Two members of whom the second has been silent for so long that the chain granted the first an
/// epoch alone.
fn alone() -> Bench {
    alone_in(Durability::Synced)
}

fn alone_in(durability: Durability) -> Bench {
    let mut record = record(2);
    record.config.durability = durability;
    let mut bench = Bench::with_record(2, record);
    bench.note(0);
    bench.wait(200);
    bench.down.insert(1);
    bench.now = bench.now.plus(20_000);
    bench.record.members[0].last_heartbeat = bench.now;
    bench.grant(0, &[0]);
    bench.wait(3_000);
    bench.note(0);
    bench.wait(200);
    bench
}

fn exit_opens(bench: &mut Bench, by: usize) {
    let (opened_at, deadline) = (bench.now, bench.now.plus(WINDOW));
    let by = vec![member(by).account];
    bench.record.windows.exit = Some(ExitRecord { by, opened_at, deadline, disputed: false });
    bench.observe();
}

fn waits(bench: &mut Bench, proposal: &Proposal) {
    let (opened_at, deadline) = (bench.now, bench.now.plus(WINDOW));
    bench.record.windows.waiting = Some(WaitingRecord {
        proposal: proposal.hash(),
        number: proposal.number,
        to_height: proposal.to_height,
        to_block: proposal.to_block,
        opened_at,
        deadline,
        supported_by: proposal.to_block,
        by_active: false,
    });
    bench.observe();
}

fn proposal(bench: &Bench, node: usize, height: Height) -> Proposal {
    let node = &bench.nodes[node];
    let tip = node.log().tip_at(height).unwrap();
    let place = (node.env.chain, node.env.channel);
    proposal::compute(place, node.settled_point().unwrap(), &tip).unwrap()
}

fn shown(bench: &Bench, node: usize) -> Vec<BlockProof> {
    let proofs = bench.submitted(node).filter_map(|tx| {
        if let ChainTx::Show { proof, .. } = tx { Some((**proof).clone()) } else { None }
    });
    proofs.collect()
}

fn count(bench: &Bench, node: usize, is_meant: impl Fn(&ChainTx) -> bool) -> usize {
    bench.submitted(node).filter(|tx| is_meant(tx)).count()
}

fn opened(bench: &Bench, node: usize) -> usize {
    count(bench, node, |tx| matches!(tx, ChainTx::OpenWindow { .. }))
}

/// The headers that a node linked last.
fn linked(bench: &Bench, node: usize) -> Vec<Header> {
    let links = bench.submitted(node).filter_map(|tx| {
        if let ChainTx::Support { headers, .. } = tx { Some(headers.clone()) } else { None }
    });
    links.last().unwrap()
}

/// The best block that a node can prove.
fn best_of(bench: &Bench, node: usize) -> ShownBlock {
    best_to(bench, node, bench.nodes[node].log().head())
}

fn best_to(bench: &Bench, node: usize, most: Height) -> ShownBlock {
    let best = proof::best(bench.nodes[node].log(), &bench.record, most);
    best.unwrap().shown().unwrap()
}

/// The chain has this as the best block shown; only what is done from then on counts.
fn is_shown(bench: &mut Bench, block: ShownBlock) {
    bench.record.windows.shown = Some(block);
    bench.effects.clear();
    bench.observe();
}

/// The first orders as many blocks as memory holds, and some more.
fn outgrow(bench: &mut Bench, more: usize) {
    for _ in 0..KEPT_BLOCKS + more {
        bench.note(0);
    }
}

/// The chain settled by the proposal and paid the second member.
fn has_settled(bench: &mut Bench, proposal: &Proposal) {
    let settlement = &mut bench.record.settlement;
    (settlement.number, settlement.height) = (1, proposal.to_height);
    (settlement.root, settlement.block) = (proposal.to_root, proposal.to_block);
    settlement.paid = vec![member(1).account];
}

/// An exit ended the channel at this block.
fn has_ended(bench: &mut Bench, at: ShownBlock, members: Vec<Address>) {
    let (height, root, block) = (at.height, at.root, at.block);
    bench.record.windows.outcome = Some(Outcome { height, root, block, members });
}
