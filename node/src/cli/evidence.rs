//! `fairway evidence check|judge|list|export`.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use fairway_proto::settlement::dispute::{self, Judgement, Verdict};
use fairway_sandbox::{GasTable, LoadedPackage, MoveSandbox, read_package};
use fairway_sdk::{
    ChannelId, Hash, NodeId,
    api::channel::{self, VerdictView},
};
use fairway_types::{
    Effects, ExecutionStatus, JoinSequence, Transaction, Write,
    chain::ChannelFacts,
    evidence::{Disputed, Evidence, FILE_BYTES, FileError},
    ledger::PackageSource,
};
use serde_json::{Value, json};

use super::{Shared, UNREACHABLE, compiler, exit_code, keys::Keys, output};

/// The accused is innocent.
const INNOCENT: u8 = 1;
/// The evidence shows neither, or the check could not be made.
const UNCLEAR: u8 = 2;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Execute a disputed block again, and say whether its leader broke a rule. Exits with 0 if the
    /// accused is guilty, 1 if it is innocent, 2 if that is unclear or the file is bad.
    Check(Check),
    /// Have the chain judge the evidence: it executes the disputed block again itself, and convicts and
    /// fines a guilty member. Accusing an innocent one costs the account its bond.
    Judge {
        file: PathBuf,
        /// An active member.
        #[arg(long)]
        account: String,
        /// Join sequence of the accused; needed where it has left the channel.
        #[arg(long)]
        accused: Option<JoinSequence>,
    },
    /// Accusations that the node knows in a channel, and what it holds of them.
    List { channel: ChannelId },
    /// Write evidence that the node found to a file.
    Export {
        channel: ChannelId,
        /// A new file.
        file: PathBuf,
        /// The accused node; needed where the node has evidence against more than one.
        #[arg(long)]
        against: Option<NodeId>,
        /// The evidence's hash, as `list` shows it.
        #[arg(long)]
        evidence: Option<Hash>,
    },
}

#[derive(Args)]
pub(crate) struct Check {
    file: PathBuf,
    /// The package's folder, in place of the ledger. Whether the channel runs this package, under
    /// these rules, is not checked then.
    #[arg(long, value_name = "DIR")]
    package: Option<PathBuf>,
}

impl Command {
    pub(crate) async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(check) => match check.run(shared).await {
                Ok(code) => Ok(code),
                // A failure is no acquittal.
                Err(error) => {
                    output::report(&error, shared.json);
                    let unreachable = ExitCode::from(UNREACHABLE);
                    let code = exit_code(&error);
                    Ok(if code == unreachable { unreachable } else { ExitCode::from(UNCLEAR) })
                }
            },
            Self::Judge { file, account, accused } => judge(&file, &account, accused, shared).await,
            Self::List { channel } => list(channel, shared).await,
            Self::Export { channel, file, against, evidence } => {
                let chosen = |known: &VerdictView| {
                    known.has_file
                        && against.is_none_or(|node| node == known.accused)
                        && evidence.is_none_or(|hash| hash == known.evidence)
                };
                export(channel, &file, chosen, shared).await
            }
        }
    }
}

async fn judge(
    file: &Path,
    account: &str,
    accused: Option<JoinSequence>,
    shared: &Shared,
) -> anyhow::Result<ExitCode> {
    let evidence = read(file)?;
    let key = Keys::open(shared)?.unlock(account)?;
    let chain = shared.chain().await?;
    let (channel, node) = (evidence.channel(), evidence.accused());
    let accused = match accused {
        Some(accused) => accused,
        None => {
            let record = chain.channel(channel).await?.record;
            let members = record.members.iter().map(|member| &member.record);
            let mut known = members.chain(&record.founders);
            let found = known.find(|member| member.node == node);
            let missing = || format!("node {node} is no member now: name it with --accused");
            found.with_context(missing)?.join_sequence
        }
    };
    let report = chain.judge(&key, channel, accused, &evidence).await?;
    let convicted = report.events.iter().any(|event| event.type_tag.ends_with("::Convicted"));
    let verdict = if convicted { "guilty" } else { "innocent" };
    let value = json!({ "verdict": verdict, "accused": accused, "report": report });
    shared
        .output()
        .show(&value, || format!("{verdict}: member {accused}, judged in block {}", report.height));
    Ok(if convicted { ExitCode::SUCCESS } else { ExitCode::from(INNOCENT) })
}

async fn list(channel: ChannelId, shared: &Shared) -> anyhow::Result<ExitCode> {
    let known = shared.client().await?.channel(channel).await?.evidence().await?;
    shared.output().show(&known, || {
        if known.is_empty() {
            return "no accusations".into();
        }
        known.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

fn line(known: &VerdictView) -> String {
    let verdict = match known.verdict {
        channel::Verdict::Guilty => "guilty",
        channel::Verdict::Innocent => "innocent",
        channel::Verdict::Unclear => "unclear",
    };
    let by =
        if known.has_file { "found here".into() } else { format!("told by {}", known.reporter) };
    format!(
        "{verdict}: {} of node {} at height {} of term {}, {by}: {}\n  evidence {}",
        known.kind, known.accused, known.height, known.term, known.reason, known.evidence
    )
}

async fn export(
    channel: ChannelId,
    path: &Path,
    chosen: impl Fn(&VerdictView) -> bool,
    shared: &Shared,
) -> anyhow::Result<ExitCode> {
    let client = shared.client().await?.channel(channel).await?;
    let known: Vec<VerdictView> = client.evidence().await?.into_iter().filter(chosen).collect();
    let found = match known.as_slice() {
        [] => bail!(
            "this node found no such evidence in channel {channel}: see `fairway evidence list`"
        ),
        [found] => found,
        [_, _, ..] => {
            let names: Vec<String> = known.iter().map(line).collect();
            bail!("choose one with --against or --evidence:\n{}", names.join("\n"))
        }
    };
    let file = client.evidence_file(found.evidence).await?;
    let file = file.with_context(|| format!("the node has no file of {}", found.evidence))?.file;
    ensure!(Evidence::from_file(&file)?.hash() == found.evidence, "the node sent another file");
    write_new(path, &file)?;
    let shown = json!({ "file": path, "evidence": found.evidence, "bytes": file.len() });
    shared.output().show(&shown, || format!("wrote {}: {}", path.display(), line(found)));
    Ok(ExitCode::SUCCESS)
}

fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.with_context(|| format!("can't write {}", path.display()))
}

/// What the facts of the channel were compared with.
enum Against {
    Signatures,
    Ledger(String),
    Folder(PathBuf),
}

impl Against {
    fn text(&self) -> String {
        match self {
            Self::Signatures => "by its signatures alone".into(),
            Self::Ledger(url) => format!("against the chain's record at {url}"),
            Self::Folder(folder) => format!(
                "with the package in {}; whether the channel runs it was not checked",
                folder.display()
            ),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Signatures => "signatures",
            Self::Ledger(_) => "ledger",
            Self::Folder(_) => "package",
        }
    }
}

impl Check {
    async fn run(self, shared: &Shared) -> anyhow::Result<ExitCode> {
        let evidence = read(&self.file)?;
        let (judgement, against) = self.judge(&evidence, shared).await?;
        let value = as_json(&evidence, &judgement, &against);
        shared.output().show(&value, || as_text(&evidence, &judgement, &against));
        Ok(match judgement.verdict {
            Verdict::Guilty(_) => ExitCode::SUCCESS,
            Verdict::Innocent(_) => ExitCode::from(INNOCENT),
            Verdict::Unclear(_) => ExitCode::from(UNCLEAR),
        })
    }

    async fn judge(
        &self,
        evidence: &Evidence,
        shared: &Shared,
    ) -> anyhow::Result<(Judgement, Against)> {
        if let Some(judgement) = dispute::check_alone(evidence) {
            return Ok((judgement, Against::Signatures));
        }
        let Some(block) = disputed(evidence) else { bail!("it disputes no block") };
        let (facts, source, against) = match &self.package {
            Some(folder) => (block.facts, read_package(folder)?, Against::Folder(folder.clone())),
            None => {
                let chain = shared.chain().await?;
                let facts = chain.channel(block.facts.channel).await?.record.facts();
                let source = chain.package(facts.package).await?;
                (facts, source, Against::Ledger(shared.ledger.clone()))
            }
        };
        let sandbox = sandbox(&facts, source)?;
        Ok((dispute::check(evidence, &facts, &sandbox, None), against))
    }
}

/// The package as nodes run it: compiled in a child process, at the prices of the channel's table.
fn sandbox(facts: &ChannelFacts, source: PackageSource) -> anyhow::Result<MoveSandbox> {
    let actual = source.hash();
    ensure!(
        actual == facts.package,
        "the package hashes to {actual}; the channel runs {}: take the folder that it was created \
         from, or --ledger",
        facts.package
    );
    let package = LoadedPackage::new(&compiler()?.compile(&source)?)?;
    Ok(MoveSandbox::of(Arc::new(package), GasTable::find(facts.gas_table)?))
}

fn read(path: &Path) -> anyhow::Result<Evidence> {
    let context = || format!("can't read {}", path.display());
    let file = fs::File::open(path).with_context(context)?;
    let mut bytes = Vec::new();
    // One byte more than a file may have: enough to see that it has more.
    let most = u64::try_from(FILE_BYTES)? + 1;
    file.take(most).read_to_end(&mut bytes).with_context(context)?;
    Evidence::from_file(&bytes).map_err(|error: FileError| {
        anyhow::Error::new(error).context(format!("{} can't be checked", path.display()))
    })
}

fn disputed(evidence: &Evidence) -> Option<&Disputed> {
    match evidence {
        Evidence::Divergence { block, .. } | Evidence::InvalidTransaction { block, .. } => {
            Some(block)
        }
        Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => None,
    }
}

fn reporter(evidence: &Evidence) -> Option<NodeId> {
    match evidence {
        Evidence::Divergence { reporter, .. } | Evidence::InvalidTransaction { reporter, .. } => {
            Some(*reporter)
        }
        Evidence::DoubleBlock { .. } | Evidence::DoubleAck { .. } => None,
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Guilty(_) => "guilty",
        Verdict::Innocent(_) => "innocent",
        Verdict::Unclear(_) => "unclear",
    }
}

fn as_json(evidence: &Evidence, judgement: &Judgement, against: &Against) -> Value {
    let (term, height) = evidence.place();
    let mut value = json!({
        "verdict": word(&judgement.verdict),
        "reason": judgement.verdict.reason(),
        "kind": evidence.kind(),
        "evidence": evidence.hash(),
        "channel": evidence.channel(),
        "term": term,
        "height": height,
        "accused": evidence.accused(),
        "reporter": reporter(evidence),
        "checked": against.name(),
    });
    let Some(block) = disputed(evidence) else { return value };
    let header = block.header();
    value["facts"] = json!(block.facts);
    value["signed"] = json!({
        "effects_root": header.effects_root, "state_root": header.state_root,
    });
    if let Some(again) = &judgement.executed {
        let transactions = block.transactions.iter().zip(&again.effects);
        let transactions: Vec<Value> = transactions.map(transaction_json).collect();
        value["executed"] = json!({
            "effects_root": again.effects_root,
            "state_root": again.state_root,
            "transactions": transactions,
        });
    }
    value
}

pub(super) fn transaction_json((transaction, effects): (&Transaction, &Effects)) -> Value {
    let write =
        |write: &Write| json!({ "key": write.key, "value": write.value.as_deref().map(hex) });
    let writes: Vec<Value> = effects.writes.iter().map(write).collect();
    json!({
        "transaction": describe(transaction),
        "status": effects.status,
        "gas_used": effects.gas_used,
        "writes": writes,
        "events": effects.events,
        "effects_hash": effects.hash(),
    })
}

fn as_text(evidence: &Evidence, judgement: &Judgement, against: &Against) -> String {
    let (term, height) = evidence.place();
    let mut lines = vec![
        format!(
            "{} in channel {} at height {height} of term {term}",
            evidence.kind(),
            evidence.channel()
        ),
        format!("accused   node {}", evidence.accused()),
    ];
    lines.extend(reporter(evidence).map(|node| format!("reporter  node {node}")));
    lines.push(format!("checked   {}", against.text()));
    if let Some(block) = disputed(evidence) {
        lines.extend(block_lines(block, judgement));
    }
    let verdict = word(&judgement.verdict).to_uppercase();
    lines.push(format!("{verdict}: {}", judgement.verdict.reason()));
    lines.join("\n")
}

/// The leader signed roots over all effects, not each transaction's: so its own are not known, and
/// those of re-execution stand alone.
fn block_lines(block: &Disputed, judgement: &Judgement) -> Vec<String> {
    let header = block.header();
    let mut lines =
        vec![format!("signed    effects {}, state {}", header.effects_root, header.state_root)];
    let Some(again) = &judgement.executed else { return lines };
    lines.push(format!("executed  effects {}, state {}", again.effects_root, again.state_root));
    for (index, (transaction, effects)) in block.transactions.iter().zip(&again.effects).enumerate()
    {
        lines.push(format!(
            "  {index} {}: {}, {} gas, {} writes, {} events",
            describe(transaction),
            status(&effects.status),
            effects.gas_used.0,
            effects.writes.len(),
            effects.events.len()
        ));
    }
    lines
}

pub(super) fn status(status: &ExecutionStatus) -> String {
    match status {
        ExecutionStatus::Success => "ok".into(),
        ExecutionStatus::Abort { address, module, code } => {
            format!("abort {code} in {}::{module}", address.to_literal())
        }
        ExecutionStatus::OutOfGas => "out of gas".into(),
        ExecutionStatus::Failed { code } => format!("failed {code}"),
        ExecutionStatus::OverSpent { asset, left, spent } => {
            format!("spent {spent} of {asset}, the session key may spend {left}")
        }
    }
}

pub(super) fn describe(transaction: &Transaction) -> String {
    match transaction {
        Transaction::Call(signed) => {
            let call = &signed.call;
            format!("call {} of {} by {}", call.sequence.0, call.operation, call.sender)
        }
        Transaction::Tick => "tick".into(),
        Transaction::Join(member) => format!("join of {}", member.account),
        Transaction::Remove { account, .. } => format!("removal of {account}"),
        Transaction::Close => "close".into(),
        Transaction::Settled { number, .. } => format!("settlement {number}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
