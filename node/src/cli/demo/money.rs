//! A leader cheats and pays for it; then a member exits alone, all other nodes killed.

use std::{convert::Infallible, path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use fairway_sdk::{ChannelId, MoneyRules, json};
use fairway_types::{
    chain::ChannelRecord,
    contract::{Backing, NATIVE, SETTLEMENT},
};
use tokio::time::{Instant, sleep};

use super::{
    super::{output::units, print},
    report::Report,
    scenes::{NAMES, Stage, held},
};

/// What each member backs its word with, and what a conviction costs.
const COLLATERAL: u64 = 40_000_000;
/// Milliseconds in which an exit can be answered.
const WINDOW: u64 = 4_000;
/// What the honest pay each other, to see that the channel works.
const PAYMENT: u64 = 1_000_000;
/// Between two payments while a cheat is looked for.
const PAUSE: Duration = Duration::from_millis(200);

impl Stage {
    /// From now on the first node is one that lies on cue. It founds a channel with collateral, leads
    /// it, and then signs blocks with another state than they give: the others execute them again,
    /// report, vote, and the contract takes it out, bans and fines it. The others go on.
    pub(super) async fn cheat(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let begun = report.begin("cheat");
        let liar = std::env::current_exe()?.with_file_name("fairway-byzantine");
        ensure!(liar.exists(), "{}: `make demo` builds it", liar.display());
        self.run_first(Some(liar)).await?;
        let rules = MoneyRules {
            challenge_window: WINDOW,
            collateral: COLLATERAL,
            fine: COLLATERAL,
            bond: COLLATERAL / 10,
            ..MoneyRules::default()
        };
        let backing = Backing { collateral: COLLATERAL, pooled: false };
        let channel = self.open_channel_with("payments", 0, rules, backing).await?;
        self.backed = Some(channel);
        self.pay(channel, 1, 2).await?;
        let lied = Instant::now();
        let folder = self.network.nodes.first().context("no nodes")?.folder.clone();
        std::fs::write(folder.join("lie"), "")?;
        self.pay(channel, 2, 3).await?;
        let served = lied.elapsed();
        let cheat = self.keys.first().context("no accounts")?.address();
        let is_out = self.until_recorded(channel, "the cheat is out and paid", |record| {
            record.members.iter().all(|member| member.record.account != cheat)
        });
        // It lies in the blocks that it sends: who asked for one got what it made.
        tokio::select! {
            is_out = is_out => is_out?,
            never = self.pay_on(channel, 2, 1) => match never {},
        }
        let convicted = lied.elapsed();
        let record = self.ledger.channel(channel).await?.record;
        ensure!(
            record.windows.bans.iter().any(|ban| ban.account == cheat),
            "the cheat is not banned"
        );
        let treasury = self.ledger.balance(SETTLEMENT).await?;
        ensure!(treasury == COLLATERAL / 2, "{treasury} of the fine are not the reporter's");
        self.pay(channel, 3, 1).await?;
        print(&format!(
            "the leader signed a false state: fined {} FWY, half of it for who reported, banned for \
             five minutes; calls went on after {} ms, it was out and paid after {:.1} s",
            units(COLLATERAL),
            served.as_millis(),
            convicted.as_secs_f64()
        ));
        let figures = json!({
            "fine": COLLATERAL, "reward": COLLATERAL / 2, "served_after_ms": served.as_millis() as u64,
            "out_after_s": convicted.as_secs_f64(),
        });
        report.end(begun, figures);
        Ok(())
    }

    /// Every other node is killed; the last member demands its exit and is paid what was certified.
    pub(super) async fn exit(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let begun = report.begin("exit");
        let channel = self.backed.context("the channel with collateral was not created")?;
        let last = NAMES.len() - 1;
        let members = self.members(Some(channel)).await?;
        let certified = held(members.get(last).context("no members")?).await?;
        for node in 0..last {
            self.network.kill_node(node).await;
        }
        let key = self.keys.get(last).context("no accounts")?.clone();
        let before = self.ledger.balance(key.address()).await?;
        self.ledger.demand_exit(&key, channel).await?;
        self.until_recorded(channel, "everybody is paid", |record| record.members.is_empty())
            .await?;
        let paid = self.ledger.balance(key.address()).await? - before;
        ensure!(paid == certified, "{paid} were paid, {certified} were certified");
        print(&format!(
            "all other nodes killed: {} left alone with its {} FWY, and the others were paid too",
            NAMES[last],
            units(paid)
        ));
        report.end(begun, json!({ "paid": paid, "window_ms": WINDOW }));
        self.run_first(None).await?;
        for node in 1..last {
            self.network.start_node(node).await?;
            self.clients[node] = self.network.client(node).await?;
        }
        self.account_for_all(report).await
    }

    /// What the contract still holds for those who have left: a fine could still reach it.
    async fn held_for(&self, member: usize) -> anyhow::Result<u64> {
        let channel = self.backed.context("the channel with collateral was not created")?;
        let account = self.keys.get(member).context("no accounts")?.address();
        let args = [json!(channel), json!(account)];
        let values = self.ledger.view("0x3::backing::held", &args).await?;
        let amount = values.first().and_then(serde_json::Value::as_str).context("no amount")?;
        Ok(amount.parse()?)
    }

    /// To the unit: accounts with what is held of their collateral for two minutes, and what the fine
    /// left with the treasury.
    async fn account_for_all(&self, report: &mut Report) -> anyhow::Result<()> {
        let mut after = self.ledger.balance(SETTLEMENT).await?;
        report.balances.after.insert("treasury".into(), after);
        for (member, (name, key)) in NAMES.iter().zip(&self.keys).enumerate() {
            let held = self.held_for(member).await?;
            let balance = self.ledger.balance(key.address()).await? + held;
            report.balances.after.insert((*name).into(), balance);
            after += balance;
        }
        let before: u64 = report.balances.before.values().sum();
        report.balances.conserved &= before == after;
        ensure!(before == after, "{before} units before, {after} after");
        Ok(())
    }

    async fn pay(&self, channel: ChannelId, from: usize, to: usize) -> anyhow::Result<()> {
        let members = self.members(Some(channel)).await?;
        let (payer, payee) = (members.get(from), members.get(to));
        let (payer, payee) = payer.zip(payee).context("no such member")?;
        let args = [json!(payee.address().to_string()), json!(NATIVE), json!(PAYMENT), json!("")];
        payer.call("0x44::payments::pay", &args).await?;
        Ok(())
    }

    /// Pays now and then, whatever comes of it.
    async fn pay_on(&self, channel: ChannelId, from: usize, to: usize) -> Infallible {
        loop {
            sleep(PAUSE).await;
            if let Err(error) = self.pay(channel, from, to).await {
                tracing::debug!(%error, "not paid");
            }
        }
    }

    /// Runs the first node by another program, or by the honest one again.
    async fn run_first(&mut self, program: Option<PathBuf>) -> anyhow::Result<()> {
        self.network.kill_node(0).await;
        let node = self.network.nodes.first_mut().context("no nodes")?;
        let lie = |program: PathBuf| vec![program.display().to_string(), "root".to_owned()];
        node.place.enter = program.map(lie).unwrap_or_default();
        self.network.start_node(0).await?;
        self.clients[0] = self.network.client(0).await?;
        Ok(())
    }

    async fn until_recorded(
        &self,
        channel: ChannelId,
        what: &str,
        wanted: impl Fn(&ChannelRecord) -> bool,
    ) -> anyhow::Result<()> {
        self.until(what, || async { Ok(wanted(&self.ledger.channel(channel).await?.record)) }).await
    }
}
