//! The leader dies under load: the others go on, and it comes back to the same log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use fairway_sdk::{Member, json};
use fairway_types::contract::NATIVE;
use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{super::print, report::Report, scenes::Stage};

/// How long payments run before the leader is killed, and after they flow again.
const LOAD: Duration = Duration::from_secs(1);
/// The nodes' default `leader_timeout`.
const LEADER_TIMEOUT: Duration = Duration::from_secs(1);

/// One member's payments: when each was certified.
struct Payer {
    task: JoinHandle<anyhow::Result<Vec<Instant>>>,
    member: Member,
    first_number: u64,
}

impl Stage {
    /// Kills the leader of the payments channel and measures the longest time without a certified
    /// payment; then starts it again and compares the logs.
    pub(super) async fn fail_over(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let begun = report.begin("failover");
        let leader = self.leader_of_payments().await?;
        let stop = Arc::new(AtomicBool::new(false));
        let payers = self.start_payers(leader, &stop).await?;
        sleep(LOAD).await;
        let killed = Instant::now();
        self.network.kill_node(leader).await;
        self.until_led_by_another(leader).await?;
        sleep(LOAD).await;
        stop.store(true, Ordering::Relaxed);
        let payers = payers_of(payers).await?;
        let payments: usize = payers.iter().map(|(_, _, times)| times.len()).sum();
        let (certified, gap) = finish(&payers, killed);
        let timeouts = gap.as_secs_f64() / LEADER_TIMEOUT.as_secs_f64();
        print(&format!(
            "leader killed under load: payments flow again after {} ms ({timeouts:.2} leader timeouts)",
            gap.as_millis()
        ));
        let figures = json!({ "gap_ms": u64::try_from(gap.as_millis())?, "timeouts": timeouts, "payments": payments });
        report.end(begun, figures);
        self.rejoin(report, leader, &certified).await
    }

    async fn rejoin(
        &mut self,
        report: &mut Report,
        node: usize,
        certified: &[(Member, u64)],
    ) -> anyhow::Result<()> {
        let begun = report.begin("rejoin");
        self.network.start_node(node).await?;
        self.clients[node] = self.network.client(node).await?;
        self.same_log(self.payments).await?;
        let id = self.payments.context("the channel was not created")?;
        let back = self.clients[node].channel(id).await?;
        for (member, expected) in certified {
            let number = back.sequence(member.address()).await?.0;
            let account = member.address();
            ensure!(
                number >= *expected,
                "{account}: {expected} calls were certified, the node that came back has {number}"
            );
        }
        print("the killed node is back with the same log; nothing certified is missing");
        report.end(begun, json!({ "node": node }));
        Ok(())
    }

    async fn leader_of_payments(&self) -> anyhow::Result<usize> {
        let id = self.payments.context("the channel was not created")?;
        for (index, client) in self.clients.iter().enumerate() {
            let status = client.status().await?;
            let channel = status.channels.iter().find(|channel| channel.channel == id);
            if channel.is_some_and(|channel| channel.leader == Some(status.node)) {
                return Ok(index);
            }
        }
        anyhow::bail!("no node leads the payments channel")
    }

    /// Everybody but the leader's member pays the leader's, one unit at a time.
    async fn start_payers(
        &self,
        leader: usize,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<Vec<Payer>> {
        let members = self.members(self.payments).await?;
        let to = members.get(leader).context("no such member")?.address().to_string();
        let mut payers = Vec::new();
        for (_, member) in members.into_iter().enumerate().filter(|(index, _)| *index != leader) {
            let first_number = member.channel().sequence(member.address()).await?.0;
            let task = tokio::spawn(pay_until(member.clone(), to.clone(), Arc::clone(stop)));
            payers.push(Payer { task, member, first_number });
        }
        Ok(payers)
    }

    async fn until_led_by_another(&self, dead: usize) -> anyhow::Result<()> {
        let id = self.payments.context("the channel was not created")?;
        let before = self.certified_height(id, dead).await?;
        self.until("a certified block without the leader", || async {
            Ok(self.certified_height(id, dead).await? > before)
        })
        .await
    }

    /// The highest certified height that another node than `dead` knows.
    async fn certified_height(
        &self,
        id: fairway_types::ChannelId,
        dead: usize,
    ) -> anyhow::Result<fairway_types::Height> {
        let mut highest = fairway_types::Height::ZERO;
        for (_, client) in self.clients.iter().enumerate().filter(|(index, _)| *index != dead) {
            let status = client.info(id).await?.status;
            highest = highest.max(status.map_or(highest, |status| status.certified));
        }
        Ok(highest)
    }
}

async fn pay_until(
    member: Member,
    to: String,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Instant>> {
    let args: [Value; 4] = [json!(to), json!(NATIVE), json!(1), json!("")];
    let mut certified = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        member.call("0x44::payments::pay", &args).await?;
        certified.push(Instant::now());
    }
    Ok(certified)
}

async fn payers_of(payers: Vec<Payer>) -> anyhow::Result<Vec<(Member, u64, Vec<Instant>)>> {
    let mut done = Vec::new();
    for payer in payers {
        let certified = payer.task.await??;
        let next = payer.first_number + certified.len() as u64;
        done.push((payer.member, next, certified));
    }
    Ok(done)
}

/// Each payer's next number, and the longest time without a certified payment from the kill on.
fn finish(
    payers: &[(Member, u64, Vec<Instant>)],
    killed: Instant,
) -> (Vec<(Member, u64)>, Duration) {
    let mut times: Vec<Instant> =
        payers.iter().flat_map(|(_, _, times)| times).copied().filter(|at| *at >= killed).collect();
    times.push(killed);
    times.sort();
    let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    (payers.iter().map(|(member, next, _)| (member.clone(), *next)).collect(), gap)
}
