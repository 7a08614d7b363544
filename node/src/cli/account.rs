//! `fairway account new|list|balance|transfer|faucet`.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Shared, keys::Keys, output::units};

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
        amount: u64,
    },
    /// Take money from a development chain.
    Faucet {
        /// A name or an address.
        account: String,
        /// In the smallest unit: a millionth.
        #[arg(default_value_t = 1_000_000_000)]
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
                let report = chain.transfer(&keys.unlock(&from)?, to, amount).await?;
                output.show(&report, || {
                    format!("sent {} FWY to {to} in block {}", units(amount), report.height)
                });
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
