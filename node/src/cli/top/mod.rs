//! `fairway top`: a live view of a node in the terminal. [`feed`] asks the node through the SDK,
//! [`model`] keeps what was answered and what keys changed, [`view`] draws it: both are pure.

mod feed;
mod live;
mod model;
#[cfg(test)]
mod tests;
mod view;

use std::{io::IsTerminal, process::ExitCode, time::Duration};

use anyhow::bail;
use clap::Args;
use fairway_sdk::ChannelId;
use tokio::time::sleep;

use self::{feed::Feed, model::Model};
use super::{Shared, print};

/// Columns of a frame that is printed, where the environment does not say.
const COLUMNS: u16 = 120;

#[derive(Args)]
pub(crate) struct Top {
    /// Between two looks at the node, such as `500ms`, `1s` or `1m`.
    #[arg(long, default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// The channel to begin with; the first if not given.
    #[arg(long)]
    channel: Option<ChannelId>,
    /// Print one frame, counted over one interval, and end: for scripts, also with `--json`.
    #[arg(long)]
    once: bool,
}

impl Top {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        if !self.once {
            check_terminal(shared)?;
        }
        let client = shared.client().await?;
        let feed = Feed::new(client);
        let mut model = Model::new(&shared.node, self.interval);
        model.select(self.channel);
        if !self.once {
            return live::run(feed, model).await;
        }
        once(feed, model, shared).await
    }
}

fn check_terminal(shared: &Shared) -> anyhow::Result<()> {
    if shared.json {
        bail!("`--json` prints one frame and ends: write `fairway top --once --json`");
    }
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        bail!(
            "standard input and output are no terminal: print one frame with `fairway top --once`"
        );
    }
    Ok(())
}

/// Two looks, an interval apart: what happens a second takes two.
async fn once(mut feed: Feed, mut model: Model, shared: &Shared) -> anyhow::Result<ExitCode> {
    model.take(Ok(feed.look_all().await?));
    sleep(model.interval()).await;
    model.take(Ok(feed.look_all().await?));
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let columns = columns.filter(|columns| *columns >= 40).unwrap_or(COLUMNS);
    match shared.json {
        true => print(&serde_json::to_string(&model.shown())?),
        false => print(view::text(&mut model, columns)?.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A number and its unit.
fn interval(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000)];
    let parsed = units.iter().find_map(|(unit, milliseconds)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(*milliseconds)
    });
    match parsed {
        Some(milliseconds @ 100..=3_600_000) => Ok(Duration::from_millis(milliseconds)),
        Some(_) => Err("write a time from 100ms to 60m".into()),
        None => Err("write a number and its unit, such as 500ms, 1s or 1m".into()),
    }
}
