//! A disk that is full, and a ledger that lies.

use std::{fs, path::Path, process::Command, time::Duration};

use fairway_api::chain::ObservedChannel;
use fairway_sdk::{Client, Error, Refusal, json};
use fairway_types::{Keypair, contract::NATIVE, ledger::PackageSource};
use jsonrpsee::{RpcModule, server::ServerBuilder};
use tokio::time::timeout;

use crate::world::{DEPOSIT, World, pay, program};

/// A small file system of its own; unmounted when it is dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where this process may not mount.
    fn mount(at: &'a Path, mebibytes: u32) -> Option<Self> {
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "fairway-test"])
            .arg(at)
            .output()
            .ok()?;
        mounted.status.success().then_some(Self(at))
    }

    fn fill(&self) {
        let path = self.0.join("ballast");
        let mut size = 1 << 20;
        let mut file = fs::File::create(path).unwrap();
        while size > 0 {
            if std::io::Write::write_all(&mut file, &vec![7; size]).is_err() {
                size /= 2;
            }
        }
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disk_stops_signing_and_says_so_and_a_freed_one_goes_on() {
    let mut world = World::start(2).await;
    let channel = world.open("payments").await;
    let alice = world.member(0, channel).await;
    pay(&alice, &world.keys[1], 1).await.unwrap();
    world.same_log(channel).await;
    // The leader's data moves to a small disk.
    world.network.nodes[0].process.as_mut().unwrap().stop().await;
    let data = world.network.nodes[0].folder.join("data");
    let aside = world.folder.path().join("aside");
    fs::rename(&data, &aside).unwrap();
    fs::create_dir(&data).unwrap();
    let Some(disk) = SmallDisk::mount(&data, 48) else {
        println!("skipped: this process may not mount file systems");
        return;
    };
    for entry in fs::read_dir(&aside).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), data.join(entry.file_name())).unwrap();
    }
    world.network.start_node(0).await.unwrap();
    let alice = world.member(0, channel).await;
    pay(&alice, &world.keys[1], 1).await.unwrap();

    disk.fill();
    let mut refused = false;
    // What the store reserved ahead still takes some.
    let to = json!(world.keys[1].address().to_string());
    let large = [to, json!(NATIVE), json!(1), json!("x".repeat(40_000))];
    for _ in 0..600 {
        let sent = alice.call("0x44::payments::pay", &large);
        let sent = timeout(Duration::from_secs(5), sent).await;
        if matches!(sent, Ok(Err(Error::Refused(Refusal::StorageFull { .. })))) {
            refused = true;
            break;
        }
    }
    assert!(refused, "no call was refused for the full disk");
    let status = world.until(0, channel, |status| status.storage.is_some()).await;
    let held = world.held(0, channel, 1).await;
    assert!(held > DEPOSIT, "reads go on");
    assert_eq!(world.status(0, channel).await.head, status.head, "nothing is signed");

    disk.empty();
    world.until(0, channel, |status| status.storage.is_none()).await;
    // Where the other node leads by now, it has ordered what this one could not store: its number is
    // used, which this one learns with the block.
    let head = world.status(1, channel).await.head;
    world.until(0, channel, |status| status.head >= head).await;
    println!("{:?} leads", world.status(0, channel).await.leader);
    let alice = world.member(0, channel).await;
    pay(&alice, &world.keys[1], 1).await.unwrap();
    world.same_log(channel).await;
    assert_eq!(world.held(0, channel, 1).await, world.held(1, channel, 1).await);
    assert!(world.network.stop().await);
}

/// A ledger that answers with the right record and the wrong package.
#[tokio::test(flavor = "multi_thread")]
async fn package_that_is_not_the_one_the_chain_names_is_not_run() {
    let world = World::start(1).await;
    let channel = world.create("payments").await;
    let truth: ObservedChannel = world.ledger.channel(channel).await.unwrap();
    let mut package: PackageSource = world.ledger.package(truth.record.package).await.unwrap();
    package.files[0].text.push_str("// and a little more\n");

    let mut methods = RpcModule::new(());
    let (truth, package) = (json!(truth), json!(package));
    methods.register_method("chain.channel", move |_, (), _| truth.clone()).unwrap();
    methods.register_method("chain.package", move |_, (), _| package.clone()).unwrap();
    let server = ServerBuilder::default().build("127.0.0.1:0").await.unwrap();
    let liar = format!("ws://{}", server.local_addr().unwrap());
    let _running = server.start(methods);

    let folder = tempfile::tempdir().unwrap();
    let node = fairway::Node::start(fairway::Settings {
        keypair: Keypair::from_seed(&[60; 32]),
        folder: folder.path().join("data"),
        chain: liar,
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        announce: Vec::new(),
        tail_lost: false,
        accounts: Vec::new(),
        max_channels: 4,
        keeping: fairway::Keeping::default(),
        compiler: fairway_sandbox::compiler::BoundedCompiler::new(
            program().to_owned(),
            vec!["sandbox-compile".into()],
        ),
        traces: None,
        alters: None,
    })
    .await
    .unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let api = fairway::stream::Server::start(&node, address).await.unwrap();
    let client = Client::connect(format!("ws://{}", api.address)).await.unwrap();
    let refused = client.join(&world.keys[0], channel, 10).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().name(), "package_mismatch", "{refused}");
    let opened = client.open(channel).await.unwrap_err();
    assert_eq!(opened.refusal().unwrap().name(), "package_mismatch", "{opened}");
    api.stop().await;
    node.stop().await;
}
