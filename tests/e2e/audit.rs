//! What must be true after any fault: one log, with every acknowledged call in it once, and the sum
//! of all balances as it was.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use fairway_sdk::{
    Address, Channel, ChannelId, Error, Hash, Height, Refusal,
    api::channel::{BlockView, Role, TransactionView},
};
use fairway_types::{Operation, codec};
use tokio::time::{Instant, sleep};

use crate::{
    load::Acked,
    world::{DEPOSIT, FUNDS, World},
};

/// How long nodes may take to have the same log once all faults have healed.
const CONVERGE: Duration = Duration::from_secs(60);

/// What the log of a payments channel says.
struct Read {
    calls: HashMap<Hash, Height>,
    balances: BTreeMap<Address, u64>,
}

/// Checks logs and balances, then closes the channel and checks the chain.
pub(crate) async fn audit(world: &World, id: ChannelId, acked: &[Acked]) {
    let last = acked.iter().map(|acked| acked.height).max().unwrap_or_default();
    let height = converged(world, id, last).await;
    let read = same_logs(world, id, height).await;
    for Acked { call, height } in acked {
        let found = read.calls.get(call);
        assert_eq!(found, Some(height), "call {call} was acknowledged at height {height}");
    }
    println!("{} calls in {height} blocks, {} acknowledged", read.calls.len(), acked.len());
    for node in 0..world.keys.len() {
        for (member, key) in world.keys.iter().enumerate() {
            let held = world.held(node, id, member).await;
            assert_eq!(held, read.balances[&key.address()], "member {member} on node {node}");
        }
    }
    let sum: u64 = read.balances.values().sum();
    assert_eq!(sum, DEPOSIT * world.keys.len() as u64, "units were made or lost");
    settled(world, id, &read.balances).await;
}

/// Waits until every node holds one certified head that is at least as high as `least`.
async fn converged(world: &World, id: ChannelId, least: Height) -> Height {
    let end = Instant::now() + CONVERGE;
    loop {
        let mut heads = Vec::new();
        for node in 0..world.keys.len() {
            let status = world.status(node, id).await;
            assert_ne!(status.role, Role::Halted, "node {node} accuses its leader: {status:?}");
            heads.push((status.head, status.certified, status.head_hash, status.state_root));
        }
        let one = heads.windows(2).all(|pair| pair[0] == pair[1]);
        if one && heads[0].0 == heads[0].1 && heads[0].0 >= least {
            return heads[0].0;
        }
        assert!(Instant::now() < end, "nodes stay apart: {heads:?}, {least} was acknowledged");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Reads every node's log: the same blocks, without a gap, no call twice.
async fn same_logs(world: &World, id: ChannelId, until: Height) -> Read {
    let mut channels = Vec::new();
    for node in 0..world.keys.len() {
        channels.push(world.channel(node, id).await);
    }
    let begin = world.keys.iter().map(|key| (key.address(), DEPOSIT)).collect();
    let mut read = Read { calls: HashMap::new(), balances: begin };
    let mut parent: Option<Hash> = None;
    let mut next = Height(1);
    while next <= until {
        let page = page(&channels, next, until).await;
        for block in &page {
            assert_eq!(block.height, next, "a gap in the log");
            assert!(
                parent.is_none_or(|parent| parent == block.parent),
                "{next} has another parent"
            );
            parent = Some(block.hash);
            next = next.next();
            read.block(block);
        }
    }
    read
}

/// The blocks from a height on, which are the same on every node that has them: one that took a
/// snapshot lacks those before it.
async fn page(channels: &[Channel], from: Height, until: Height) -> Vec<BlockView> {
    let mut pages = Vec::new();
    for channel in channels {
        let mut blocks = match channel.blocks(from, 100).await {
            Ok(blocks) => blocks,
            Err(Error::Refused(Refusal::Pruned { .. })) => continue,
            Err(error) => panic!("no blocks from {from}: {error}"),
        };
        blocks.retain(|block| block.height <= until);
        assert!(!blocks.is_empty(), "no block at height {from}");
        pages.push(blocks);
    }
    let common = pages.iter().map(Vec::len).min().unwrap_or_else(|| panic!("nobody has {from}"));
    for page in &mut pages {
        page.truncate(common);
    }
    for (node, other) in pages.iter().enumerate().skip(1) {
        assert_eq!(pages[0], *other, "{node} of those who have {from} has another log");
    }
    pages.swap_remove(0)
}

impl Read {
    fn block(&mut self, block: &BlockView) {
        for entry in &block.transactions {
            match &entry.transaction {
                TransactionView::Call { call, sender, operation, .. } => {
                    let before = self.calls.insert(*call, block.height);
                    assert_eq!(before, None, "call {call} is twice in the log");
                    assert!(entry.error.is_none(), "{entry:?}");
                    self.pay(*sender, operation);
                }
                TransactionView::Join { .. }
                | TransactionView::Tick
                | TransactionView::Remove { .. }
                | TransactionView::Close
                | TransactionView::Settled { .. } => {}
            }
        }
    }

    fn pay(&mut self, from: Address, operation: &Operation) {
        let Operation::Invoke { args, .. } = operation else { return };
        let to: Address = codec::decode("address", &args[0]).unwrap();
        let amount: u64 = codec::decode("amount", &args[2]).unwrap();
        *self.balances.get_mut(&from).unwrap() -= amount;
        *self.balances.get_mut(&to).unwrap() += amount;
    }
}

/// Closes the channel: everybody has on the chain what the log said.
async fn settled(world: &World, id: ChannelId, balances: &BTreeMap<Address, u64>) {
    world.member(0, id).await.close().await.unwrap();
    let end = Instant::now() + CONVERGE;
    while !world.ledger.channel(id).await.unwrap().record.settlement.closed {
        assert!(Instant::now() < end, "not settled: {:?}", world.status(0, id).await);
        sleep(Duration::from_millis(50)).await;
    }
    for (account, held) in balances {
        let paid = world.ledger.balance(*account).await.unwrap();
        assert_eq!(paid, FUNDS - DEPOSIT + held, "account {account} on the chain");
    }
}
