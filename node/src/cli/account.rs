//! `fairway account new|list|balance|transfer|stake|unstake|faucet`.

use std::process::ExitCode;

use clap::Subcommand;
use fairway_sdk::{Error, Keypair, Ledger};
use serde_json::json;

use super::{Shared, keys::Keys, numbers::amount, output::units};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an account; its key is encrypted with a passphrase.
    New { name: String },
    /// List the accounts on this machine.
    List,
    /// What an account holds on the chain.
    Balance {
        /// A name or an address.
        account: String,
    },
    /// Send money to an account.
    Transfer {
        from: String,
        /// A name or an address.
        to: String,
        /// In the smallest unit: a millionth.
        #[arg(value_parser = amount, allow_negative_numbers = true)]
        amount: u64,
    },
    /// Stake money that backs the account's seats in many channels at once.
    Stake {
        account: String,
        /// In the smallest unit: a millionth.
        #[arg(value_parser = amount, allow_negative_numbers = true)]
        amount: u64,
    },
    /// Withdraw from the stake: ask for an amount, and take it seven days later.
    Unstake {
        account: String,
        /// What to withdraw in all; takes what was asked for if not given.
        #[arg(value_parser = amount, allow_negative_numbers = true)]
        amount: Option<u64>,
    },
    /// Take money from a development chain.
    Faucet {
        /// A name or an address.
        account: String,
        /// In the smallest unit: a millionth.
        #[arg(default_value_t = 1_000_000_000, value_parser = amount, allow_negative_numbers = true)]
        amount: u64,
    },
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let (keys, output) = (Keys::open(shared)?, shared.output());
        match self {
            Self::New { name } => {
                let file = keys.create(&name)?;
                let value =
                    json!({ "name": name, "address": file.address, "public_key": file.public_key });
                output.show(&value, || format!("{name}  {}", file.address));
            }
            Self::List => {
                let found = keys.list()?;
                let value: Vec<_> = found
                    .iter()
                    .map(|(name, file)| json!({ "name": name, "address": file.address }))
                    .collect();
                output.show(&value, || {
                    let line = |(name, file): &(String, super::keys::AccountFile)| {
                        format!("{name:<16} {}", file.address)
                    };
                    found.iter().map(line).collect::<Vec<_>>().join("\n")
                });
            }
            Self::Balance { account } => {
                let address = keys.address(&account)?;
                let amount = shared.chain().await?.balance(address).await?;
                let value = json!({ "address": address, "amount": amount.to_string() });
                output.show(&value, || format!("{} FWY", units(amount)));
            }
            Self::Transfer { from, to, amount } => {
                let (chain, to) = (shared.chain().await?, keys.address(&to)?);
                let key = keys.unlock(&from)?;
                let report = match chain.transfer(&key, to, amount).await {
                    Ok(report) => report,
                    Err(error) => return Err(lacking(&chain, &key, amount, error).await),
                };
                output.show(&report, || {
                    format!("sent {} FWY to {to} in block {}", units(amount), report.height)
                });
            }
            Self::Stake { account, amount } => {
                let key = keys.unlock(&account)?;
                let chain = shared.chain().await?;
                let report = match chain.stake(&key, amount).await {
                    Ok(report) => report,
                    Err(error) => return Err(lacking(&chain, &key, amount, error).await),
                };
                output.show(&report, || format!("staked {} FWY", units(amount)));
            }
            Self::Unstake { account, amount: Some(amount) } => {
                let key = keys.unlock(&account)?;
                let report = shared.chain().await?.ask_withdrawal(&key, amount).await?;
                output
                    .show(&report, || format!("{} FWY can be taken in seven days", units(amount)));
            }
            Self::Unstake { account, amount: None } => {
                let key = keys.unlock(&account)?;
                let report = shared.chain().await?.withdraw_stake(&key).await?;
                output.show(&report, || format!("taken in block {}", report.height));
            }
            Self::Faucet { account, amount } => {
                let address = keys.address(&account)?;
                let report = shared.chain().await?.faucet(address, amount).await?;
                output.show(&report, || format!("{} FWY for {address}", units(amount)));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An error of the chain, and what the account has where it asked for more than that.
async fn lacking(chain: &Ledger, key: &Keypair, amount: u64, error: Error) -> anyhow::Error {
    let has = match error.refusal() {
        Some(_) => chain.balance(key.address()).await.ok().filter(|has| *has < amount),
        None => None,
    };
    match has {
        Some(has) => anyhow::Error::from(error).context(format!(
            "the account has {} FWY, and {} are asked for",
            units(has),
            units(amount)
        )),
        None => error.into(),
    }
}
