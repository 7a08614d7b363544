//! How long it takes until a node that joins a long channel follows it.

use std::time::{Duration, Instant};

use anyhow::Context;
use fairway::local::LocalNetwork;
use fairway_sdk::{ChannelId, Keypair};

use crate::report::Report;

const POLL: Duration = Duration::from_millis(10);

/// The network's last node joins with this account.
pub(crate) async fn measure(
    report: &mut Report,
    network: &LocalNetwork,
    key: &Keypair,
    channel: ChannelId,
) -> anyhow::Result<()> {
    let first = network.client(0).await?.info(channel).await?;
    let head = first.status.context("the first node runs the channel")?.head;
    let joining = network.client(network.nodes.len() - 1).await?;
    let begun = Instant::now();
    joining.join(key, channel, 1_000_000).await?;
    let joined = begun.elapsed();
    loop {
        let status = joining.info(channel).await?.status;
        if status.as_ref().is_some_and(|status| status.certified >= head) {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    let setup = format!(
        "a fifth node joins a channel of {head} blocks: from the join until it holds what was \
         certified then; {:.2} s of it until the chain had the join",
        joined.as_secs_f64()
    );
    report.add("late_join_s", begun.elapsed().as_secs_f64(), "s", None, setup);
    Ok(())
}
