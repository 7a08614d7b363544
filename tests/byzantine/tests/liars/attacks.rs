//! Attacks on the money by a member's own keys, without its node's help.

use fairway_types::{
    ChainId, ChannelId, Hash, Height,
    chain::{ChainTx, ChannelRecord, SettlementRule},
    contract::{self, NATIVE},
    settlement::{AssetAmount, Balance, Proposal, SignedVote, Vote},
    windows::ShownBlock,
};

use crate::{
    scene::{self, COLLATERAL, Scene},
    world::{DEPOSIT, FUNDS, World, pay},
};

/// What was signed for one settlement settles nothing later.
#[tokio::test(flavor = "multi_thread")]
async fn old_settlement_is_refused_with_all_its_votes() {
    let scene = Scene::with("votes", 3).await;
    let (world, channel) = (&scene.world, scene.channel);
    let thief = world.member(0, channel).await;
    let settled = async |number: u64| {
        let node = world.channel(0, channel).await;
        let known = async {
            loop {
                let mut known = node.proposals().await.unwrap().into_iter();
                if let Some(known) = known.find(|known| known.proposal.number == number) {
                    return known;
                }
            }
        };
        let (known, proposed) = tokio::join!(known, node.propose_settlement());
        proposed.unwrap();
        world.until_recorded(channel, |record| record.settlement.number == number).await;
        known
    };
    pay(&thief, &world.keys[1], 1).await.unwrap();
    let old = settled(1).await;
    pay(&thief, &world.keys[1], 500).await.unwrap();
    settled(2).await;
    let node = scene::node_key(world, 0);
    let again = ChainTx::Propose { proposal: Box::new(old.proposal.clone()) };
    let refused = world.ledger.execute(&node, contract::payload(&again).unwrap()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("NOT_CONTINUOUS"), "{refused}");
    let vote = Vote { channel, proposal: old.hash, yes: true };
    let votes = [0, 1, 2].map(|index| {
        let key = scene::node_key(world, index);
        SignedVote { vote, node: key.node_id(), signature: key.sign(&vote), reason: None }
    });
    let execute = ChainTx::Execute { channel, proposal: old.hash, votes: votes.to_vec() };
    let refused = world.ledger.execute(&node, contract::payload(&execute).unwrap()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("NO_PROPOSAL"), "{refused}");
}

/// A member is heard by its own node's signature alone.
#[tokio::test(flavor = "multi_thread")]
async fn heartbeat_by_anybody_else_is_refused() {
    let scene = Scene::with_spare("heartbeats", 3).await;
    let heartbeat = ChainTx::Heartbeat { channel: scene.channel };
    let heartbeat = contract::payload(&heartbeat).unwrap();
    let ledger = &scene.world.ledger;
    for stranger in [scene::node_key(&scene.world, 4), scene.world.keys[0].clone()] {
        let refused = ledger.execute(&stranger, heartbeat.clone()).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("NOT_A_NODE"), "{refused}");
    }
    ledger.execute(&scene::node_key(&scene.world, 1), heartbeat).await.unwrap();
}

/// One stake backs two channels, and its owner cheats in both at once: it loses the stake once, and
/// what it asked to withdraw before is reached.
#[tokio::test(flavor = "multi_thread")]
async fn stake_drained_from_two_channels_at_once_pays_no_more_than_it_holds() {
    let world = scene::liars("twins", 0, 4).await;
    for key in &world.keys {
        world.ledger.stake(key, COLLATERAL + 50).await.unwrap();
    }
    let channels = [scene::backed(&world, true).await, scene::backed(&world, true).await];
    let liar = &world.keys[0];
    world.ledger.ask_withdrawal(liar, 50).await.unwrap();
    let too_much = world.ledger.ask_withdrawal(liar, 51).await.unwrap_err().to_string();
    assert!(too_much.contains("COUNTED_ON"), "{too_much}");
    scene::lies(&world, 0);
    for channel in channels {
        let payer = world.member(1, channel).await;
        pay(&payer, &world.keys[2], 5).await.unwrap();
    }
    for channel in channels {
        let out = |record: &ChannelRecord| {
            record.members.iter().all(|member| member.record.account != liar.address())
        };
        world.until_recorded(channel, out).await;
    }
    let args = [serde_json::json!(liar.address()), serde_json::json!(NATIVE)];
    let staked = world.ledger.view("0x3::collateral::staked", &args).await.unwrap();
    assert_eq!(staked[0], serde_json::json!("0"), "{staked:?}");
    let outside = world.balances().await;
    let before = FUNDS - COLLATERAL - 50;
    let rewards: u64 = outside[1..].iter().map(|has| has.saturating_sub(before - 2 * 1_000)).sum();
    assert_eq!(rewards, COLLATERAL / 2 + 50 / 2, "{outside:?}");
}

/// P-117: under `judged` one honest member's proof beats the votes of all the others.
#[tokio::test(flavor = "multi_thread")]
async fn three_of_four_that_settle_the_fourths_money_to_themselves_are_refuted_by_its_node() {
    let mut world = World::start(4).await;
    let channel = world.create_with("payments", |config| {
        config.money.challenge_window = 4_000;
        config.money.settlement_rule = SettlementRule::Judged;
    });
    let channel = channel.await;
    world.join_all(channel).await;
    pay(&world.member(0, channel).await, &world.keys[3], 100).await.unwrap();
    world.same_log(channel).await;
    let guard = world.channel(0, channel).await.guard(world.keys[0].address()).await.unwrap();
    for node in 0..3 {
        world.network.nodes[node].process.as_mut().unwrap().kill().await;
    }
    let proposal = theft(&world, channel, &guard.proof.shown().unwrap());
    let vote = Vote { channel, proposal: proposal.hash(), yes: true };
    let votes = [0, 1, 2].map(|index| {
        let key = scene::node_key(&world, index);
        SignedVote { vote, node: key.node_id(), signature: key.sign(&vote), reason: None }
    });
    let steps = [
        ChainTx::Propose { proposal: Box::new(proposal.clone()) },
        ChainTx::Show { channel, proof: Box::new(guard.proof) },
        ChainTx::OpenWindow { channel, proposal: proposal.hash(), votes: votes.to_vec() },
    ];
    for step in steps {
        for payload in contract::payloads(&step).unwrap() {
            world.ledger.execute(&scene::node_key(&world, 0), payload).await.unwrap();
        }
    }
    world.until_recorded(channel, |record| record.windows.waiting.is_none()).await;
    let record = world.ledger.channel(channel).await.unwrap().record;
    assert_eq!((record.settlement.number, record.open), (0, true), "withdrawn, not executed");
    world.ledger.demand_exit(&world.keys[3], channel).await.unwrap();
    world.until_recorded(channel, |record| record.members.is_empty()).await;
    let left = FUNDS - DEPOSIT;
    let due = [DEPOSIT - 100, DEPOSIT, DEPOSIT, DEPOSIT + 100].map(|amount| left + amount);
    assert_eq!(world.balances().await, due);
}

/// The fourth member's units for the first one, at a block that is shown.
fn theft(world: &World, channel: ChannelId, shown: &ShownBlock) -> Proposal {
    let amount = |index: usize| match index {
        0 => 2 * DEPOSIT,
        3 => 0,
        _ => DEPOSIT,
    };
    let mut balances: Vec<Balance> = (0..4)
        .map(|index| Balance {
            account: world.keys[index].address(),
            amounts: Some(AssetAmount { asset: NATIVE, amount: amount(index) })
                .filter(|entry| entry.amount > 0)
                .into_iter()
                .collect(),
            leaves: false,
        })
        .collect();
    balances.sort_by_key(|row| row.account);
    Proposal {
        chain: ChainId(1),
        channel,
        number: 1,
        from_height: Height::ZERO,
        from_root: Hash::ZERO,
        to_height: shown.height,
        to_root: shown.root,
        to_block: shown.block,
        balances,
        held: Vec::new(),
        closes: false,
        result: Vec::new(),
    }
}
