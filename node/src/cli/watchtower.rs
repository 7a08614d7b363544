//! `fairway watchtower run|export`.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Subcommand;
use fairway::watchtower::{self, Watchtower};
use fairway_sdk::ChannelId;
use fairway_types::{Address, chain::ChainTx};
use serde_json::json;
use tracing::{info, warn};

use super::{
    Shared,
    config::{Flags, load},
    keys::{Keys, key_file},
    serving::start_logging,
    stop::Stop,
};

/// Between two looks at the chain.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks between two requests for a fresh guard.
const ASK_EVERY: u32 = 4;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Guard channels until it is stopped: answer exits and proposals of old states with newer
    /// blocks, and claim. It needs no key of those it guards.
    Run {
        /// Where its key and its guards lie.
        #[arg(long)]
        data: PathBuf,
        /// Guards that were exported to files.
        #[arg(long, num_args = 1..)]
        guard: Vec<PathBuf>,
        /// Ask the node (`--node`) for fresh guards of this channel as long as it answers.
        #[arg(long, requires = "account")]
        channel: Option<ChannelId>,
        /// The account whose money is guarded: a name or an address.
        #[arg(long, requires = "channel")]
        account: Option<String>,
    },
    /// Write what the node can prove now to a file, for a watchtower.
    Export {
        channel: ChannelId,
        /// A name or an address.
        #[arg(long)]
        account: String,
        file: PathBuf,
    },
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run { data, guard, channel, account } => {
                let account = match account {
                    Some(account) => Some(Keys::open(shared)?.address(&account)?),
                    None => None,
                };
                run(shared, data, guard, channel.zip(account)).await?;
            }
            Self::Export { channel, account, file } => {
                let account = Keys::open(shared)?.address(&account)?;
                let guard = shared.client().await?.channel(channel).await?.guard(account).await?;
                watchtower::write(&file, &guard)?;
                let height = guard.proof.shown().map(|shown| shown.height);
                let value = json!({ "channel": channel, "account": account, "height": height });
                shared.output().show(&value, || format!("wrote {}", file.display()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn run(
    shared: &Shared,
    data: PathBuf,
    files: Vec<PathBuf>,
    asked: Option<(ChannelId, Address)>,
) -> anyhow::Result<()> {
    let config = load(None, "", shared, &Flags::default(), |_| ())?;
    start_logging(&config.log)?;
    let key = key_file(&data.join("tower.key"))?;
    let ledger = shared.chain().await?;
    let mut tower = Watchtower::open(ledger, key, data.join("guards"))?;
    for file in files {
        tower.keep(watchtower::read(&file)?)?;
    }
    if let Some(place) = asked {
        // A tower that has guards is needed most when the node is away.
        let first = refresh(shared, &mut tower, place).await;
        if tower.channels().is_empty() {
            first.context("asking the node for a first guard")?;
        }
    }
    let mut stop = Stop::listen()?;
    let ready = json!({ "ready": "watchtower", "channels": tower.channels() });
    shared.output().show(&ready, || format!("guarding {} channels", tower.channels().len()));
    let mut looks = 0;
    loop {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        looks += 1;
        if let Some(place) = asked.filter(|_| looks % ASK_EVERY == 0)
            && let Err(error) = refresh(shared, &mut tower, place).await
        {
            tracing::debug!(%error, "no fresh guard: the node is away");
        }
        for channel in tower.channels() {
            look(&mut tower, channel).await;
        }
    }
}

/// Asks the node for what it can prove now.
async fn refresh(
    shared: &Shared,
    tower: &mut Watchtower,
    (channel, account): (ChannelId, Address),
) -> anyhow::Result<()> {
    let guard = shared.client().await?.channel(channel).await?.guard(account).await?;
    let height = guard.proof.shown().map(|shown| shown.height.0);
    if tower.keep(guard)? {
        info!(channel = channel.short(), height, "keeps a newer guard");
    }
    Ok(())
}

async fn look(tower: &mut Watchtower, channel: ChannelId) {
    let done = match tower.look(channel).await {
        Ok(done) => done,
        Err(error) => return warn!(channel = channel.short(), %error, "the chain can't be read"),
    };
    for (tx, result) in done {
        let what = describe(&tx);
        match result {
            Ok(()) => info!(channel = channel.short(), what, "answered"),
            // Somebody else was first, or it is tried again.
            Err(error) => warn!(channel = channel.short(), what, %error, "the chain refused"),
        }
    }
}

fn describe(tx: &ChainTx) -> &'static str {
    if matches!(tx, ChainTx::Show { .. }) {
        "shows a newer block"
    } else if matches!(tx, ChainTx::FinishExit { .. }) {
        "closes the exit"
    } else {
        "claims"
    }
}
