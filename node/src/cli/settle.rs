//! `fairway settle propose|list|show`.

use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use fairway_sdk::{ChannelId, api::channel::ProposalView};

use super::{Shared, output::units};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Propose a settlement of what is final; answers with its number.
    Propose { channel: ChannelId },
    /// The node's proposal under way, and what was settled last.
    List { channel: ChannelId },
    /// A proposal's balances, by its number.
    Show { channel: ChannelId, number: u64 },
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let (client, output) = (shared.client().await?, shared.output());
        match self {
            Self::Propose { channel } => {
                let proposed = client.channel(channel).await?.propose_settlement().await?;
                output.show(&proposed, || {
                    format!("proposed settlement {} ({})", proposed.number, proposed.proposal)
                });
            }
            Self::List { channel } => {
                let proposals = client.channel(channel).await?.proposals().await?;
                let last = client.info(channel).await?.record.settlement;
                let value = serde_json::json!({ "proposals": proposals, "last": last });
                output.show(&value, || {
                    let mut lines: Vec<String> = proposals.iter().map(line).collect();
                    lines.push(match last.number {
                        0 => "nothing is settled yet".into(),
                        number => format!("settled {number} at height {}", last.height),
                    });
                    lines.join("\n")
                });
            }
            Self::Show { channel, number } => {
                let proposals = client.channel(channel).await?.proposals().await?;
                let found = proposals.iter().find(|view| view.proposal.number == number);
                let Some(found) = found else {
                    bail!("this node knows no proposal {number} of channel {channel}");
                };
                output.show(found, || describe(found));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line(view: &ProposalView) -> String {
    let proposal = &view.proposal;
    format!(
        "settlement {}: heights {} to {}, {}",
        proposal.number,
        proposal.from_height,
        proposal.to_height,
        if view.executed { "executed" } else { "under way" },
    )
}

fn describe(view: &ProposalView) -> String {
    let mut lines = vec![line(view), format!("  hash {}", view.hash)];
    for balance in &view.proposal.balances {
        let amounts: Vec<String> =
            balance.amounts.iter().map(|amount| units(amount.amount)).collect();
        let leaves = if balance.leaves { ", leaves" } else { "" };
        lines.push(format!("  {} {}{leaves}", balance.account, amounts.join(" ")));
    }
    lines.join("\n")
}
