//! The demo's scenes: join, play, settle; the one in which a leader dies is beside them.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use fairway::local::LocalNetwork;
use fairway_sandbox::read_package;
use fairway_sdk::{
    Channel, ChannelConfig, ChannelId, Client, Height, Keypair, Ledger, Member, MoneyRules, json,
};
use fairway_types::contract::{Backing, NATIVE};
use serde_json::Value;

use super::{
    super::{
        Shared,
        keys::Keys,
        members::{Members, until},
        output::units,
        print,
    },
    games, payments,
    report::Report,
};

pub(super) const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const PASSPHRASE: &str = "demo";
/// A thousand units each from the faucet; a hundred of them locked in each channel.
const FUNDS: u64 = 1_000_000_000;
const DEPOSIT: u64 = 100_000_000;
const STAKE: u64 = 1_000_000;

/// What the scenes share.
pub(super) struct Stage {
    pub(super) network: LocalNetwork,
    pub(super) clients: Vec<Client>,
    pub(super) ledger: Ledger,
    pub(super) keys: Vec<Keypair>,
    home: PathBuf,
    examples: PathBuf,
    games: Option<ChannelId>,
    pub(super) payments: Option<ChannelId>,
    /// The channel whose members have collateral.
    pub(super) backed: Option<ChannelId>,
}

impl Stage {
    pub(super) async fn new(
        network: LocalNetwork,
        folder: &Path,
        shared: &Shared,
        examples: &Path,
    ) -> anyhow::Result<Self> {
        let mut clients = Vec::new();
        for index in 0..NAMES.len() {
            clients.push(network.client(index).await?);
        }
        let home = folder.join("home");
        let shared = Shared {
            home: Some(home.clone()),
            passphrase: Some(PASSPHRASE.into()),
            ..shared.clone()
        };
        let accounts = Keys::open(&shared)?;
        let mut keys = Vec::new();
        for name in NAMES {
            accounts.create(name)?;
            keys.push(accounts.unlock(name)?);
        }
        let ledger = Ledger::connect(network.ledger_url()).await?;
        let examples = examples.to_owned();
        let (games, payments, backed) = (None, None, None);
        Ok(Self { network, clients, ledger, keys, home, examples, games, payments, backed })
    }

    /// Funds four accounts, deploys two packages, and lets everybody join both channels.
    pub(super) async fn join(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let begun = report.begin("join");
        for key in &self.keys {
            self.ledger.faucet(key.address(), FUNDS).await?;
        }
        for (name, key) in NAMES.iter().zip(&self.keys) {
            let balance = self.ledger.balance(key.address()).await?;
            report.balances.before.insert((*name).into(), balance);
        }
        self.games = Some(self.open_channel("tic_tac_toe", 0).await?);
        self.payments = Some(self.open_channel("payments", 0).await?);
        report.end(begun, json!({ "channels": 2, "members": NAMES.len() }));
        Ok(())
    }

    /// Deploys an example and joins it with all four; returns when every node counts four members.
    async fn open_channel(&self, example: &str, tick: u64) -> anyhow::Result<ChannelId> {
        self.open_channel_with(example, tick, MoneyRules::default(), Backing::default()).await
    }

    pub(super) async fn open_channel_with(
        &self,
        example: &str,
        tick: u64,
        money: MoneyRules,
        backing: Backing,
    ) -> anyhow::Result<ChannelId> {
        let creator = self.keys.first().context("no accounts")?;
        let package = read_package(&self.examples.join(example))?;
        let members = Members { ledger: &self.ledger, clients: &self.clients, keys: &self.keys };
        let config = ChannelConfig { money, ..members.config(tick) };
        let channel = members.open(creator, package, &config, DEPOSIT, backing).await?;
        print(&format!("channel {} runs {example} on four nodes", channel.short()));
        Ok(channel)
    }

    /// Waits until `done` says yes.
    pub(super) async fn until<F>(&self, what: &str, done: impl FnMut() -> F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<bool>>,
    {
        until(what, done).await
    }

    pub(super) async fn members(&self, channel: Option<ChannelId>) -> anyhow::Result<Vec<Member>> {
        let id = channel.context("the channel was not created")?;
        let mut members = Vec::new();
        for (client, key) in self.clients.iter().zip(&self.keys) {
            members.push(client.channel(id).await?.member(key.clone()));
        }
        Ok(members)
    }

    /// Two pairs play for stakes, then everybody pays everybody.
    pub(super) async fn play(
        &self,
        report: &mut Report,
        games: u32,
        payments: u32,
    ) -> anyhow::Result<()> {
        let begun = report.begin("play");
        let members = self.members(self.games).await?;
        let [a, b, c, d] = members.as_slice() else { bail!("four members expected") };
        let (first, second) = tokio::try_join!(
            rounds([a.clone(), b.clone()], games),
            rounds([c.clone(), d.clone()], games),
        )?;
        let (played, won, calls) = (first.0 + second.0, first.1 + second.1, first.2 + second.2);
        print(&format!("{played} games for stakes, {won} won, {calls} calls"));
        let payers = self.members(self.payments).await?;
        let rush = payments::rush(&payers, &self.clients, payments).await?;
        let at = |quantile: f64| rush.latencies.value_at_quantile(quantile) as f64 / 1_000.0;
        print(&format!(
            "{} payments certified: {:.0} a second, p50 {:.2} ms, p99 {:.2} ms",
            rush.calls,
            rush.per_second,
            at(0.5),
            at(0.99)
        ));
        self.same_log(self.games).await?;
        self.same_log(self.payments).await?;
        report.end(
            begun,
            json!({
                "games": played, "won": won, "game_calls": calls,
                "payments": rush.calls, "payments_per_s": rush.per_second.round(),
                "payment_p50_ms": at(0.5), "payment_p99_ms": at(0.99),
            }),
        );
        Ok(())
    }

    /// Every node holds the same blocks with the same roots.
    pub(super) async fn same_log(&self, channel: Option<ChannelId>) -> anyhow::Result<()> {
        let id = channel.context("the channel was not created")?;
        let mut channels: Vec<Channel> = Vec::new();
        for client in &self.clients {
            channels.push(client.channel(id).await?);
        }
        let mut head = Height::ZERO;
        for channel in &channels {
            let status = channel.info().await?.status;
            head = head.max(status.map_or(Height::ZERO, |status| status.certified));
        }
        self.until("the same height on every node", || async {
            for channel in &channels {
                let status = channel.info().await?.status;
                if status.is_none_or(|status| status.certified < head) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await?;
        let mut blocks = Vec::new();
        for channel in &channels {
            blocks.push(channel.blocks(head, 1).await?);
        }
        ensure!(blocks.windows(2).all(|pair| pair[0] == pair[1]), "nodes differ at height {head}");
        Ok(())
    }

    /// Settles both channels once, then closes them, and checks every account to the unit.
    pub(super) async fn settle(&self, report: &mut Report) -> anyhow::Result<()> {
        let begun = report.begin("settle");
        let mut expected: Vec<u64> = Vec::new();
        for key in &self.keys {
            expected.push(self.ledger.balance(key.address()).await?);
        }
        for channel in [self.games, self.payments] {
            let members = self.members(channel).await?;
            for (sum, member) in expected.iter_mut().zip(&members) {
                *sum += held(member).await?;
            }
            self.settle_one(&members).await?;
        }
        let mut sum = (0u128, 0u128);
        for ((name, key), expected) in NAMES.iter().zip(&self.keys).zip(&expected) {
            let balance = self.ledger.balance(key.address()).await?;
            ensure!(
                balance == *expected,
                "{name} holds {balance} on the chain, the channels said {expected}"
            );
            let before = report.balances.before.get(*name).copied().unwrap_or_default();
            sum = (sum.0 + u128::from(before), sum.1 + u128::from(balance));
            report.balances.after.insert((*name).into(), balance);
        }
        report.balances.conserved = sum.0 == sum.1;
        ensure!(report.balances.conserved, "{} units before, {} after", sum.0, sum.1);
        report.end(begun, json!({ "settlements": 4, "units": units(u64::try_from(sum.1)?) }));
        Ok(())
    }

    /// A settlement by vote while the channel goes on, then its close.
    async fn settle_one(&self, members: &[Member]) -> anyhow::Result<()> {
        let first = members.first().context("no members")?;
        let channel = first.channel();
        let proposed = channel.propose_settlement().await?;
        self.until("the settlement on the chain", || async {
            let record = self.ledger.channel(channel.id()).await?.record;
            Ok(record.settlement.number >= proposed.number)
        })
        .await?;
        first.close().await?;
        self.until("the close on the chain", || async {
            Ok(self.ledger.channel(channel.id()).await?.record.settlement.closed)
        })
        .await
    }

    /// Opens an arena with ticks, says what to try, and goes on until it is dropped.
    pub(super) async fn keep(&mut self) -> anyhow::Result<ExitCode> {
        let arena = self.open_channel("arena", 500).await?;
        print(&format!(
            "\neverything keeps running until Ctrl-C. Try, in another terminal:\n\
             export FAIRWAY_HOME={} FAIRWAY_PASSPHRASE={PASSPHRASE} FAIRWAY_LEDGER={} FAIRWAY_NODE={}\n\
             fairway node status\n\
             fairway channel watch {arena}\n\
             fairway channel watch {arena} --node {}\n\
             fairway channel call {arena} 0x43::arena::turn 2 0 --account alice\n\
             fairway channel view {arena} 0x43::arena::position {}\n\
             fairway settle propose {arena}",
            self.home.display(),
            self.network.ledger_url(),
            self.network.url(0),
            self.network.url(1),
            self.keys.first().map(|key| key.address().to_string()).unwrap_or_default(),
        ));
        std::future::pending().await
    }

    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        ensure!(self.network.stop().await, "a process did not end when asked to: see its log");
        Ok(())
    }
}

/// What a member holds in its channel.
pub(super) async fn held(member: &Member) -> anyhow::Result<u64> {
    let args = [json!(member.address().to_string()), json!(NATIVE)];
    let values = member.channel().view("0x2::vault::balance", &args).await?;
    let text = values.first().and_then(Value::as_str).context("no balance")?;
    Ok(text.parse()?)
}

/// Games in a row: how many, how many were won, and their calls.
async fn rounds(players: [Member; 2], count: u32) -> anyhow::Result<(u32, u32, u64)> {
    let (mut won, mut calls) = (0, 0);
    for round in 0..count {
        let game = games::play(&players, STAKE, round).await?;
        won += u32::from(game.winner.is_some());
        calls += game.calls;
    }
    Ok((count, won, calls))
}
