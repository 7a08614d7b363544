//! `fairway channel create|list|show|join|open|leave|close|exit|release|call|complain|view|watch|log|replay`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use fairway_sandbox::{GasTable, read_package};
use fairway_sdk::{
    CallStatus, ChannelConfig, ChannelId, Durability, Filter, GasTableId, Height, JoinPolicy,
    api::channel::{At, Notice},
};
use fairway_types::contract::{self, Backing};

use super::{
    Shared, compiler,
    describe::{describe_block, describe_channel, describe_notice, show_complaint, show_report},
    keys::Keys,
    money::{Money, backing, describe_money, describe_windows, now},
    numbers::{amount, milliseconds},
    output::units,
    replay::Replay,
    values,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Register a package and create a channel for it on the chain.
    Create(Create),
    /// The channels that the node runs.
    List,
    /// A channel as the chain records it, and where it stands on the node.
    Show { channel: ChannelId },
    /// Join with a deposit; the node acts for the account from then on.
    Join {
        channel: ChannelId,
        #[arg(long)]
        account: String,
        /// In the asset's smallest unit.
        #[arg(long, value_parser = amount, allow_negative_numbers = true)]
        deposit: u64,
        /// The function of the dApp that admits to the channel, as `alice::board::enter`; it takes
        /// the arguments of `channel::join`.
        #[arg(long, default_value = "0x3::channel::join")]
        through: String,
        /// What stands behind the member's word, beside the deposit.
        #[arg(long, default_value_t = 0, value_parser = amount, allow_negative_numbers = true)]
        collateral: u64,
        /// Count on the account's stake for the collateral instead of locking it here.
        #[arg(long)]
        pooled: bool,
    },
    /// Let the node run a channel of which it is a member already.
    Open { channel: ChannelId },
    /// Leave; the next settlement pays the balance.
    Leave {
        channel: ChannelId,
        #[arg(long)]
        account: String,
        /// Ask the contract instead of the leader: for when no leader answers.
        #[arg(long)]
        on_chain: bool,
    },
    /// Close the channel; its creator may. The last settlement pays everybody.
    Close {
        channel: ChannelId,
        #[arg(long)]
        account: String,
        /// Ask the contract instead of the leader: for when no leader answers.
        #[arg(long)]
        on_chain: bool,
    },
    /// Demand to leave with the last certified balance, alone: for when settlements fail. The channel
    /// closes at the end of its window unless a settlement pays the account before.
    Exit {
        channel: ChannelId,
        #[arg(long)]
        account: String,
    },
    /// Give an account that has left its collateral back, once its time has come. Anybody may.
    Release {
        channel: ChannelId,
        /// A name or an address.
        #[arg(long)]
        of: String,
        /// Who signs; the same account if not given.
        #[arg(long)]
        account: Option<String>,
    },
    /// Call an entry function, as `0x42::module::function`.
    Call {
        channel: ChannelId,
        function: String,
        /// JSON values; what is no JSON is taken as a string.
        args: Vec<String>,
        /// Who signs.
        #[arg(long)]
        account: String,
        /// The account (a name or an address) that delegated to the one that signs.
        #[arg(long = "for")]
        on_behalf_of: Option<String>,
        /// Answer once the call is this far.
        #[arg(long, value_enum, default_value_t = Wait::Certified)]
        wait: Wait,
    },
    /// Complain on the chain that the leader leaves a call undone: the call is signed and put there, and
    /// the leader has one last window to order it. Costs nothing if the complaint is true; the
    /// account's collateral covers the channel's bond.
    Complain {
        channel: ChannelId,
        function: String,
        /// JSON values; what is no JSON is taken as a string.
        args: Vec<String>,
        #[arg(long)]
        account: String,
    },
    /// Run a read-only function.
    View {
        channel: ChannelId,
        function: String,
        /// JSON values; what is no JSON is taken as a string.
        args: Vec<String>,
        /// Of which state.
        #[arg(long, value_enum, default_value_t = Where::Head)]
        at: Where,
    },
    /// Print what happens, until it is stopped.
    Watch {
        channel: ChannelId,
        /// Begin with the block at this height instead of a snapshot.
        #[arg(long)]
        from: Option<Height>,
        /// Only resources and events whose type starts with this.
        #[arg(long)]
        only: Vec<String>,
        /// End after this many blocks.
        #[arg(long)]
        blocks: Option<u64>,
    },
    /// Print stored blocks.
    Log {
        channel: ChannelId,
        #[arg(long, default_value_t = Height(1))]
        from: Height,
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Execute the blocks that a stopped node stored again, and compare. Exits with 0 if they do what is
    /// stored and signed, 1 at the first that does not, 2 if that can't be found out.
    Replay(Replay),
}

#[derive(Args)]
pub(crate) struct Create {
    /// The package's folder.
    #[arg(long)]
    package: PathBuf,
    #[arg(long)]
    account: String,
    /// Milliseconds between ticks; 0 for none.
    #[arg(long, default_value_t = 0, value_parser = milliseconds, allow_negative_numbers = true)]
    tick: u64,
    /// Milliseconds between the leader's settlement proposals; 0 for none.
    #[arg(long, default_value_t = 0, value_parser = milliseconds, allow_negative_numbers = true)]
    settlement_interval: u64,
    /// In the asset's smallest unit.
    #[arg(long, default_value_t = 1, value_parser = amount, allow_negative_numbers = true)]
    min_deposit: u64,
    #[arg(long, default_value_t = 16)]
    max_members: u64,
    /// What calls, hooks, ticks and views cost: 1 (measured: by execution), 2 (storage: writes and
    /// events cost too).
    #[arg(long, value_name = "ID", default_value_t)]
    gas_table: GasTableId,
    /// What a signature waits for: the disk, or nothing. A node of a `replicated` channel that loses
    /// power asks the others what it signed; a third of them at once may lose what was certified.
    #[arg(long, value_enum, default_value_t = Disk::Synced)]
    durability: Disk,
    /// Members trust their own nodes with their calls: a node's signature under many calls of its
    /// member stands in place of theirs, which is less work for everybody. A node can order calls in
    /// its member's name then, as who holds its key can.
    #[arg(long)]
    trust_own_node: bool,
    /// Accounts (names or addresses) that may join.
    #[arg(long, num_args = 1.., conflicts_with = "open")]
    invite: Vec<String>,
    /// Anybody may join.
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    money: Money,
}

/// [`Durability`] on the command line.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Disk {
    Synced,
    Replicated,
}

impl From<Disk> for Durability {
    fn from(disk: Disk) -> Self {
        match disk {
            Disk::Synced => Self::Synced,
            Disk::Replicated => Self::Replicated,
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Wait {
    Executed,
    Certified,
    Final,
    Settled,
}

impl From<Wait> for CallStatus {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Executed => Self::Executed,
            Wait::Certified => Self::Certified,
            Wait::Final => Self::Final,
            Wait::Settled => Self::Settled,
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Where {
    Head,
    Certified,
    Final,
}

impl From<Where> for At {
    fn from(place: Where) -> Self {
        match place {
            Where::Head => Self::Head,
            Where::Certified => Self::Certified,
            Where::Final => Self::Final,
        }
    }
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let output = shared.output();
        match self {
            Self::Create(create) => create.run(shared).await?,
            Self::List => {
                let channels = shared.client().await?.list().await?;
                output.show(&channels, || {
                    channels.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
                });
            }
            Self::Show { channel } => show(shared, channel).await?,
            Self::Join { channel, account, deposit, through, collateral, pooled } => {
                let keys = Keys::open(shared)?;
                let (key, function) = (keys.unlock(&account)?, keys.function(&through));
                let (client, backing) = (shared.client().await?, Backing { collateral, pooled });
                let joined =
                    client.join_through(&key, channel, deposit, backing, &function).await?;
                output.show(&joined, || format!("joined {channel} with {}", units(deposit)));
            }
            Self::Open { channel } => {
                let info = shared.client().await?.open(channel).await?;
                output.show(&info, || format!("running {channel}"));
            }
            Self::Leave { channel, account, on_chain } => {
                end(shared, channel, &account, on_chain, End::Leave).await?;
            }
            Self::Close { channel, account, on_chain } => {
                end(shared, channel, &account, on_chain, End::Close).await?;
            }
            Self::Exit { channel, account } => {
                let key = Keys::open(shared)?.unlock(&account)?;
                let report = shared.chain().await?.demand_exit(&key, channel).await?;
                output.show(&report, || {
                    format!(
                        "demanded in block {}: `fairway channel show` tells the window",
                        report.height
                    )
                });
            }
            Self::Release { channel, of, account } => {
                let keys = Keys::open(shared)?;
                let key = keys.unlock(account.as_ref().unwrap_or(&of))?;
                let chain = shared.chain().await?;
                let report = chain.release(&key, channel, keys.address(&of)?).await?;
                output.show(&report, || format!("given back in block {}", report.height));
            }
            Self::Call { channel, function, args, account, on_behalf_of, wait } => {
                let keys = Keys::open(shared)?;
                let key = keys.unlock(&account)?;
                let sender = on_behalf_of.map(|name| keys.address(&name)).transpose()?;
                let channel = shared.client().await?.channel(channel).await?;
                let sender = sender.unwrap_or_else(|| key.address());
                let member = channel.session(sender, key);
                let report = member.call_until(&function, &values(&args), wait.into()).await?;
                show_report(output, &report);
            }
            Self::Complain { channel, function, args, account } => {
                let key = Keys::open(shared)?.unlock(&account)?;
                let member = shared.client().await?.channel(channel).await?.member(key);
                let report = member.complain(&function, &values(&args)).await?;
                show_complaint(output, &report);
            }
            Self::View { channel, function, args, at } => {
                let channel = shared.client().await?.channel(channel).await?;
                let found = channel.view_at(&function, &values(&args), at.into()).await?;
                output.show(&found, || {
                    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
                });
            }
            Self::Watch { channel, from, only, blocks } => {
                watch(shared, channel, from, only, blocks).await?;
            }
            Self::Log { channel, from, limit } => {
                let channel = shared.client().await?.channel(channel).await?;
                for block in channel.blocks(from, limit).await? {
                    output.show(&block, || describe_block(&block));
                }
            }
            Self::Replay(replay) => return Ok(replay.run(shared)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    async fn run(self, shared: &Shared) -> anyhow::Result<()> {
        let keys = Keys::open(shared)?;
        let source = read_package(&self.package)?;
        // What every node would refuse costs nothing on the chain.
        GasTable::find(self.gas_table)?;
        compiler()?.compile(&source)?;
        let mut invited: Vec<_> =
            self.invite.iter().map(|text| keys.address(text)).collect::<Result<_, _>>()?;
        invited.sort();
        invited.dedup();
        let config = ChannelConfig {
            tick_interval: self.tick,
            settlement_interval: self.settlement_interval,
            durability: self.durability.into(),
            join_policy: if self.open { JoinPolicy::Open } else { JoinPolicy::Invited },
            invited,
            asset: contract::NATIVE,
            min_deposit: self.min_deposit,
            max_members: self.max_members,
            gas_table: self.gas_table,
            trust_own_node: self.trust_own_node,
            money: self.money.rules(),
        };
        let key = keys.unlock(&self.account)?;
        let chain = shared.chain().await?;
        let package = chain.store_package(&key, source).await?;
        let channel = chain.create_channel(&key, package, &config).await?;
        let value = serde_json::json!({ "channel": channel, "package": package });
        shared.output().show(&value, || format!("{channel}"));
        Ok(())
    }
}

enum End {
    Leave,
    Close,
}

async fn end(
    shared: &Shared,
    channel: ChannelId,
    account: &str,
    on_chain: bool,
    end: End,
) -> anyhow::Result<()> {
    let key = Keys::open(shared)?.unlock(account)?;
    let output = shared.output();
    if on_chain {
        let chain = shared.chain().await?;
        let report = match end {
            End::Leave => chain.leave_channel(&key, channel).await?,
            End::Close => chain.close_channel(&key, channel).await?,
        };
        output.show(&report, || format!("asked the contract in block {}", report.height));
        return Ok(());
    }
    let member = shared.client().await?.channel(channel).await?.member(key);
    let report = match end {
        End::Leave => member.leave().await?,
        End::Close => member.close().await?,
    };
    show_report(output, &report);
    Ok(())
}

async fn show(shared: &Shared, channel: ChannelId) -> anyhow::Result<()> {
    let info = shared.client().await?.info(channel).await?;
    shared.output().show(&info, || {
        let record = &info.record;
        let mut lines = vec![
            format!("package   {}", record.package),
            format!("creator   {}", record.creator),
            format!("open      {}", record.open),
        ];
        if let Some(in_force) = &record.in_force {
            let (leader, term) = (in_force.leader, in_force.term);
            lines.push(format!("leader    {leader} in term {term}, as the chain knows"));
        }
        for amount in &record.locked {
            lines.push(format!("locked    {}", units(amount.amount)));
        }
        for member in &record.members {
            let mark = match (member.active, member.leaving) {
                (_, true) => "leaving",
                (true, false) => "active",
                (false, false) => "pending",
            };
            let account = member.record.account;
            let barred = if member.eligible { "" } else { ", may not be valid" };
            lines.push(format!(
                "member    {account} {mark}, joined as {}{}{barred}",
                member.record.join_sequence,
                backing(member)
            ));
        }
        lines.extend(describe_money(&record.config.money));
        if record.config.trust_own_node {
            lines.push("calls     a node's signature stands for its own member's calls".to_owned());
        }
        lines.extend(describe_windows(&record.windows, now()));
        lines.extend(info.status.as_ref().map(describe_channel));
        lines.join("\n")
    });
    Ok(())
}

async fn watch(
    shared: &Shared,
    channel: ChannelId,
    from: Option<Height>,
    only: Vec<String>,
    blocks: Option<u64>,
) -> anyhow::Result<()> {
    let output = shared.output();
    let filter = Filter { resource_types: only.clone(), event_types: only, addresses: Vec::new() };
    let channel = shared.client().await?.channel(channel).await?;
    let mut notices = match from {
        Some(from) => channel.subscribe_from(from, filter).await?,
        None => channel.subscribe(filter).await?,
    };
    let mut seen = 0;
    while let Some(notice) = notices.next().await {
        output.show(&notice, || describe_notice(&notice));
        seen += u64::from(matches!(notice, Notice::Block { .. }));
        if blocks.is_some_and(|most| seen >= most) {
            break;
        }
    }
    Ok(())
}
