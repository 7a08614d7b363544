//! `fairway evidence check` as a person runs it, on a block of a package that was made here.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use fairway_proto::{
    Event,
    channel::{
        accusing::disputed,
        execution::{Execution, genesis_writes},
        log::Log,
    },
};
use fairway_sandbox::{MoveSandbox, compile, compiler::BoundedCompiler, read_package};
use fairway_types::{
    AssetId, Block, Call, ChainId, ChannelId, Effects, Epoch, Gas, GasTableId, Hash, Header,
    Height, JoinSequence, Keypair, Operation, SequenceNumber, SignedAck, SignedCall, Term, Time,
    Transaction, Weight,
    block::Ack,
    chain::{ChannelConfig, ChannelRecord, Durability, EpochGrant, JoinPolicy, MemberRecord},
    evidence::Evidence,
};

const CHAIN: ChainId = ChainId(7);
const CHANNEL: ChannelId = ChannelId([9; 32]);

/// A folder with the package `counter`, and what a leader made of a call of it.
struct Case {
    folder: tempfile::TempDir,
    sandbox: MoveSandbox,
    log: Log,
    block: Block,
}

fn fairway(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fairway")).args(args).current_dir(folder).output().unwrap()
}

fn account() -> Keypair {
    Keypair::from_seed(&[101; 32])
}

fn node() -> Keypair {
    Keypair::from_seed(&[1; 32])
}

fn record(package: Hash) -> ChannelRecord {
    let join_sequence = JoinSequence(1);
    let member = MemberRecord {
        account: account().address(),
        node: node().node_id(),
        join_sequence,
        weight: Weight(1),
        deposit: Vec::new(),
        endpoints: Vec::new(),
    };
    let leader = member.account;
    let valid = vec![join_sequence];
    let grant = EpochGrant { epoch: Epoch(1), leader, join_sequence, valid };
    let config = ChannelConfig {
        tick_interval: 0,
        settlement_interval: 0,
        durability: Durability::Synced,
        join_policy: JoinPolicy::Open,
        invited: Vec::new(),
        asset: AssetId([8; 32]),
        min_deposit: 0,
        max_members: 4,
        gas_table: GasTableId::MEASURED,
        trust_own_node: false,
        money: Default::default(),
    };
    ChannelRecord {
        first_grant: Some(grant.clone()),
        founders: vec![member],
        grants: vec![grant],
        ..ChannelRecord::new((CHAIN, CHANNEL), leader, package, config)
    }
}

fn count() -> Transaction {
    let key = account();
    let function = "0x100::counter::count".parse().unwrap();
    let call = Call {
        chain: CHAIN,
        channel: CHANNEL,
        sender: key.address(),
        sequence: SequenceNumber(0),
        operation: Operation::Invoke { function, type_args: Vec::new(), args: Vec::new() },
        gas_limit: Gas(100_000),
        expires_at: Time(2_000),
    };
    Transaction::Call(SignedCall { signature: key.sign(&call), key: key.public(), call })
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    assert!(fairway(folder.path(), &["move", "new", "counter"]).status.success());
    let source = read_package(&folder.path().join("counter")).unwrap();
    let sandbox = MoveSandbox::new(&compile(&source).unwrap()).unwrap();
    let record = record(source.hash());
    let mut log = Log::default();
    let writes = genesis_writes(&record, &sandbox);
    log.apply(&Event::Started { record: Box::new(record.clone()), writes });
    let tip = log.tip().unwrap();
    let time = Time(1_000);
    let mut execution = Execution::new(&sandbox, record.facts(), tip.start(), time);
    assert!(execution.run(&count()).unwrap().status.is_success());
    let executed = execution.finish(&tip.state);
    let transactions = vec![count()];
    let header = Header {
        channel: CHANNEL,
        parent: tip.hash,
        height: Height(1),
        term: Term { epoch: Epoch(1), ..Term::default() },
        time,
        justified: Height::ZERO,
        opening: None,
        transactions_root: Block::transactions_root(&transactions),
        effects_root: Effects::root(&executed.effects),
        state_root: executed.state.root(),
        extension: Vec::new(),
    };
    let signature = node().sign(&header);
    let leader = node().node_id();
    let block = Block {
        header,
        transactions,
        justification: None,
        opening: None,
        bundles: Vec::new(),
        leader,
        signature,
    };
    Case { folder, sandbox, log, block }
}

impl Case {
    /// Writes what somebody says of the block after the leader changed its header like this.
    fn accuse(&self, name: &str, change: impl FnOnce(&mut Header)) -> PathBuf {
        let mut block = self.block.clone();
        change(&mut block.header);
        block.signature = node().sign(&block.header);
        let evidence = Evidence::Divergence {
            reporter: node().node_id(),
            block: disputed(&self.log, &block, &self.sandbox).unwrap(),
            effects: Vec::new(),
            effects_root: Hash::ZERO,
            state_root: Hash::ZERO,
        };
        self.write(name, &evidence.to_file())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The exit code, and what was printed where.
    fn check(&self, file: &Path, args: &[&str]) -> (Option<i32>, String, String) {
        let mut all = vec!["evidence", "check", file.to_str().unwrap()];
        all.extend(args);
        let output = fairway(self.folder.path(), &all);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

/// A node that found the leader's block to differ before its last start; its chain is away.
async fn node_with(case: &Case, evidence: &Evidence) -> (fairway::Node, fairway::stream::Server) {
    let folder = case.folder.path().join("data");
    let source = read_package(&case.folder.path().join("counter")).unwrap();
    let record = case.log.genesis().unwrap().record.clone();
    let grant = record.grants[0].clone();
    let writes = genesis_writes(&record, &case.sandbox);
    {
        let store = fairway::store::Store::open(&folder).unwrap();
        store.add_channel(CHAIN, CHANNEL, &source, record.config.gas_table).unwrap();
        let (_, mut writer) = store.channel(CHANNEL).recover().unwrap();
        let events = [
            Event::Started { record: Box::new(record), writes },
            Event::TermStarted { grant },
            Event::Diverged { evidence: Box::new(evidence.clone()) },
        ];
        writer.append(&events, true).unwrap();
        store.close();
    }
    let binary = env!("CARGO_BIN_EXE_fairway").into();
    let node = fairway::Node::start(fairway::Settings {
        keypair: Keypair::from_seed(&[2; 32]),
        folder,
        chain: "ws://127.0.0.1:1".into(),
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        announce: Vec::new(),
        accounts: Vec::new(),
        max_channels: 1,
        keeping: fairway::Keeping::default(),
        tail_lost: false,
        traces: None,
        alters: None,
        compiler: BoundedCompiler::new(binary, vec!["sandbox-compile".into()]),
    })
    .await
    .unwrap();
    let server =
        fairway::stream::Server::start(&node, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    (node, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_a_node_is_listed_exported_and_checked() {
    let case = case();
    let path = case.accuse("altered", |header| header.effects_root = Hash([1; 32]));
    let evidence = Evidence::from_file(&fs::read(&path).unwrap()).unwrap();
    let (node, server) = node_with(&case, &evidence).await;
    let url = format!("ws://{}", server.address);
    let channel = CHANNEL.to_string();
    let run = |args: &[&str]| {
        let mut all = vec!["--node", &url, "evidence"];
        all.extend(args);
        let output = tokio::task::block_in_place(|| fairway(case.folder.path(), &all));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, err) = run(&["list", &channel]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("guilty: divergence") && out.contains("found here"), "{out}");
    assert!(out.contains(&evidence.hash().to_string()), "{out}");
    let stranger = Keypair::from_seed(&[3; 32]).node_id().to_string();
    let (code, _, err) = run(&["export", &channel, "none", "--against", &stranger]);
    assert_eq!(code, Some(1));
    assert!(err.contains("found no such evidence"), "{err}");
    let accused = evidence.accused().to_string();
    let (code, _, err) = run(&["export", &channel, "cheat", "--against", &accused]);
    assert_eq!(code, Some(0), "{err}");
    let exported = case.folder.path().join("cheat");
    assert_eq!(fs::read(&exported).unwrap(), fs::read(&path).unwrap());
    let (code, _, err) = run(&["export", &channel, "cheat"]);
    assert_eq!(code, Some(1), "it overwrites nothing: {err}");
    assert_eq!(case.check(&exported, &PACKAGE).0, Some(0));
    server.stop().await;
    node.stop().await;
}

const PACKAGE: [&str; 2] = ["--package", "counter"];

#[test]
fn leader_that_signed_other_roots_is_guilty_and_an_honest_one_innocent() {
    let case = case();
    let altered = case.accuse("altered", |header| header.effects_root = Hash([1; 32]));
    let (code, out, err) = case.check(&altered, &PACKAGE);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("GUILTY: it signed effects root 0x0101"), "{out}");
    assert!(out.contains("0x100::counter::count"), "{out}");
    assert!(out.contains("was not checked"), "{out}");
    let state = case.accuse("state", |header| header.state_root = Hash([1; 32]));
    assert_eq!(case.check(&state, &PACKAGE).0, Some(0));
    let honest = case.accuse("honest", |_| {});
    let (code, out, err) = case.check(&honest, &PACKAGE);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("INNOCENT"), "{out}");
}

#[test]
fn json_holds_what_was_signed_and_what_execution_gives() {
    let case = case();
    let altered = case.accuse("altered", |header| header.effects_root = Hash([1; 32]));
    let (code, out, err) = case.check(&altered, &["--json", "--package", "counter"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["verdict"], "guilty");
    assert_eq!(value["checked"], "package");
    assert_eq!(value["signed"]["effects_root"], Hash([1; 32]).to_string());
    let honest = case.block.header.effects_root.to_string();
    assert_eq!(value["executed"]["effects_root"], honest);
    assert_eq!(value["executed"]["transactions"][0]["status"], "success");
    assert_eq!(value["executed"]["transactions"][0]["events"].as_array().unwrap().len(), 1);
}

#[test]
fn two_signatures_of_one_node_need_no_package() {
    let case = case();
    let sign = |block| {
        let (term, height) = (Term::default(), Height(3));
        let ack = Ack { channel: CHANNEL, term, height, block: Hash([block; 32]) };
        SignedAck { ack, node: node().node_id(), signature: node().sign(&ack) }
    };
    let twice = Evidence::DoubleAck { first: sign(1), second: sign(2) };
    let file = case.write("twice", &twice.to_file());
    let (code, out, err) = case.check(&file, &[]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("acked two blocks at height 3"), "{out}");
    let once = Evidence::DoubleAck { first: sign(1), second: sign(1) };
    let file = case.write("once", &once.to_file());
    assert_eq!(case.check(&file, &[]).0, Some(2));
}

#[test]
fn file_that_cannot_be_checked_is_named_and_acquits_nobody() {
    let case = case();
    let good = fs::read(case.accuse("good", |header| header.effects_root = Hash([1; 32]))).unwrap();
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    let later = [b"fairway evidence 3 ".as_slice(), &good[19..]].concat();
    let cases: [(&str, &[u8], &str); 5] = [
        ("cut", &good[..good.len() / 2], "cut off or altered"),
        ("altered", &altered, "cut off or altered"),
        ("later", &later, "version 3; this program reads version 2"),
        ("foreign", b"{}", "no file of evidence"),
        ("huge", &vec![0; fairway_types::evidence::FILE_BYTES + 1], "more than any evidence"),
    ];
    for (name, bytes, expected) in cases {
        let (code, out, err) = case.check(&case.write(name, bytes), &PACKAGE);
        assert_eq!(code, Some(2), "{name}: {out}");
        assert!(err.contains(expected), "{name}: {err}");
    }
    let (code, _, err) = case.check(Path::new("nowhere"), &PACKAGE);
    assert_eq!(code, Some(2));
    assert!(err.contains("can't read nowhere"), "{err}");
}

#[test]
fn another_package_or_no_ledger_acquits_nobody() {
    let case = case();
    let file = case.accuse("altered", |header| header.effects_root = Hash([1; 32]));
    assert!(fairway(case.folder.path(), &["move", "new", "other"]).status.success());
    let (code, _, err) = case.check(&file, &["--package", "other"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("the channel runs"), "{err}");
    let (code, _, err) = case.check(&file, &["--ledger", "ws://127.0.0.1:1"]);
    assert_eq!(code, Some(3), "{err}");
}
