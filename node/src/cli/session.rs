//! `fairway session delegate|revoke|list`.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use fairway::driver::clock;
use fairway_sdk::Client;
use fairway_types::{
    AssetId, ChannelId, FunctionName, Operation, PublicKey, Time, session::Session,
    settlement::AssetAmount,
};

use super::{Shared, describe::show_complaint, keys::Keys, numbers::amount, output::units};

/// Milliseconds of an hour.
const HOUR: u64 = 3_600_000;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Let a key call functions for an account, within limits, in place of what it was delegated before.
    Delegate(Delegate),
    /// Take back what was delegated to a key.
    Revoke {
        channel: ChannelId,
        /// A name or a public key.
        key: String,
        #[arg(long)]
        account: String,
        /// Complain on the chain that the leader leaves the revocation undone: it is signed and put
        /// there, and the leader has one last window to order it.
        #[arg(long)]
        complain: bool,
    },
    /// What an account delegated, and what is left of it.
    List {
        channel: ChannelId,
        /// A name or an address.
        account: String,
    },
}

#[derive(Args)]
pub(crate) struct Delegate {
    channel: ChannelId,
    /// A name or a public key.
    key: String,
    #[arg(long)]
    account: String,
    /// What it may call, as `0x42::module::function`; every function of the package if not given.
    #[arg(long = "function")]
    functions: Vec<FunctionName>,
    /// What its calls may take out of the account's vault in all, in the asset's smallest unit.
    #[arg(long, default_value_t = 0, value_parser = amount, allow_negative_numbers = true)]
    spend: u64,
    /// The asset of which it may spend; the channel's own if not given.
    #[arg(long, requires = "spend")]
    asset: Option<AssetId>,
    /// Hours until it expires, at most 720.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=720))]
    hours: u64,
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        match self {
            Self::Delegate(delegate) => delegate.run(shared).await?,
            Self::Revoke { channel, key, account, complain } => {
                let keys = Keys::open(shared)?;
                let (key, account) = (public_key(&keys, &key)?, keys.unlock(&account)?);
                let member = shared.client().await?.channel(channel).await?.member(account);
                if complain {
                    let report = member.complain_about(Operation::Revoke { key }).await?;
                    show_complaint(shared.output(), &report);
                } else {
                    let report = member.revoke(key).await?;
                    let height = report.height;
                    shared.output().show(&report, || format!("revoked {key} at height {height}"));
                }
            }
            Self::List { channel, account } => {
                let account = Keys::open(shared)?.address(&account)?;
                let channel = shared.client().await?.channel(channel).await?;
                let sessions = channel.sessions(account).await?;
                shared.output().show(&sessions, || {
                    sessions.iter().map(describe).collect::<Vec<_>>().join("\n")
                });
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Delegate {
    async fn run(self, shared: &Shared) -> anyhow::Result<()> {
        let keys = Keys::open(shared)?;
        let key = public_key(&keys, &self.key)?;
        let account = keys.unlock(&self.account)?;
        let client = shared.client().await?;
        let spending = self.spending(&client).await?;
        let expires_at = clock().plus(self.hours * HOUR);
        let session = Session { key, functions: self.functions, spending, expires_at };
        let member = client.channel(self.channel).await?.member(account);
        let report = member.delegate(session).await?;
        let height = report.height;
        shared
            .output()
            .show(&report, || format!("delegated to {key} at height {height}, {expires_at}"));
        Ok(())
    }

    async fn spending(&self, client: &Client) -> anyhow::Result<Vec<AssetAmount>> {
        if self.spend == 0 {
            return Ok(Vec::new());
        }
        let asset = match self.asset {
            Some(asset) => asset,
            None => client.info(self.channel).await?.record.config.asset,
        };
        Ok(vec![AssetAmount { asset, amount: self.spend }])
    }
}

fn public_key(keys: &Keys<'_>, text: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    if text.starts_with("0x") {
        bail!("{text:?} is no public key: expected 0x and 64 hex digits");
    }
    Ok(keys.read(text)?.public_key)
}

fn describe(session: &Session) -> String {
    let functions: Vec<String> = session.functions.iter().map(ToString::to_string).collect();
    let functions = match functions.as_slice() {
        [] => "every function".to_owned(),
        named => named.join(", "),
    };
    let spending = |limit: &AssetAmount| format!("{} of {}", units(limit.amount), limit.asset);
    let spending: Vec<String> = session.spending.iter().map(spending).collect();
    let spending = if spending.is_empty() { "nothing".into() } else { spending.join(", ") };
    let state = if session.expires_at < clock() { "expired" } else { "until" };
    format!(
        "{}  {state} {}\n  may call {functions}\n  may spend {spending}",
        session.key,
        at(session.expires_at)
    )
}

fn at(time: Time) -> String {
    format!("{} ms", time.0)
}
