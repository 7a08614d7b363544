//! A channel that every account of a local network joins, each through its own node: what the demo
//! and `fairway dev` share.

use std::time::Duration;

use anyhow::bail;
use fairway_sdk::{
    ChannelConfig, ChannelId, Client, Durability, GasTableId, JoinPolicy, Keypair, Ledger,
    MoneyRules, PackageSource,
};
use fairway_types::contract::{Backing, NATIVE};
use tokio::time::{Instant, sleep};

/// How long any one thing may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Accounts, each with a node of its own.
pub(crate) struct Members<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) clients: &'a [Client],
    pub(crate) keys: &'a [Keypair],
}

impl Members<'_> {
    /// A channel for exactly these accounts; `tick` in milliseconds, 0 for none.
    pub(crate) fn config(&self, tick: u64) -> ChannelConfig {
        let mut invited: Vec<_> = self.keys.iter().map(Keypair::address).collect();
        invited.sort();
        ChannelConfig {
            tick_interval: tick,
            settlement_interval: 0,
            durability: Durability::Synced,
            join_policy: JoinPolicy::Invited,
            invited,
            asset: NATIVE,
            min_deposit: 1,
            max_members: 16,
            gas_table: GasTableId::MEASURED,
            trust_own_node: false,
            money: MoneyRules::default(),
        }
    }

    /// Registers a package, creates a channel for it and lets everybody join; returns when every node
    /// counts all of them.
    pub(crate) async fn open(
        &self,
        creator: &Keypair,
        package: PackageSource,
        config: &ChannelConfig,
        deposit: u64,
        backing: Backing,
    ) -> anyhow::Result<ChannelId> {
        let package = self.ledger.store_package(creator, package).await?;
        let channel = self.ledger.create_channel(creator, package, config).await?;
        for (client, key) in self.clients.iter().zip(self.keys) {
            client.join_backed(key, channel, deposit, backing).await?;
        }
        until("all members on every node", || async {
            for client in self.clients {
                let status = client.info(channel).await?.status;
                if status.is_none_or(|status| status.members.len() < self.keys.len()) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await?;
        Ok(channel)
    }
}

/// Waits until `done` says yes.
pub(crate) async fn until<F>(what: &str, mut done: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<bool>>,
{
    let end = Instant::now() + PATIENCE;
    while !done().await? {
        if Instant::now() > end {
            bail!("{what}: not within {} s", PATIENCE.as_secs());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
