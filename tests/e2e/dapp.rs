//! A dApp on the chain: it opens a channel, admits to it, and reads what its members settled.

use std::{path::Path, time::Duration};

use fairway_sandbox::read_package_of;
use fairway_sdk::{ChannelId, Error, Refusal, json};
use fairway_types::contract::Backing;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::world::{FUNDS, World, program};

const FEE: u64 = 25;
const DEPOSIT: u64 = 500;
const PATIENCE: Duration = Duration::from_secs(60);

fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/examples").join(name)
}

/// The leaderboard, published by the first account.
struct Board {
    world: World,
    address: String,
}

impl Board {
    async fn publish(nodes: usize) -> Self {
        let world = World::start(nodes).await;
        let publisher = &world.keys[0];
        let source = read_package_of(&example("leaderboard"), publisher.address()).unwrap();
        world.ledger.publish(publisher, source).await.unwrap();
        let arena = fairway_sandbox::read_package(&example("arena")).unwrap();
        let package = world.ledger.store_package(publisher, arena).await.unwrap();
        let address = publisher.address().to_literal();
        let board = Self { world, address };
        board.call(0, "set_up", &[json!(package), json!(FEE.to_string())]).await.unwrap();
        board
    }

    fn function(&self, name: &str) -> String {
        format!("{}::leaderboard::{name}", self.address)
    }

    async fn call(&self, account: usize, name: &str, args: &[Value]) -> Result<(), Error> {
        let key = &self.world.keys[account];
        self.world.ledger.call(key, &self.function(name), args).await.map(drop)
    }

    async fn view(&self, name: &str) -> Value {
        self.world.ledger.view(&self.function(name), &[]).await.unwrap().remove(0)
    }

    async fn restart_chain(&mut self) {
        self.world.network.kill_ledger().await;
        self.world.network.restart_ledger().await.unwrap();
    }

    /// Steers every player to the prize until one has points.
    async fn play(&self, channel: ChannelId) {
        let end = Instant::now() + PATIENCE;
        loop {
            for player in 0..self.world.keys.len() {
                if self.step(channel, player).await > 0 {
                    return;
                }
            }
            assert!(Instant::now() < end, "nobody reached the prize");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// One look and one turn of a player; its points.
    async fn step(&self, id: ChannelId, player: usize) -> u64 {
        let member = self.world.member(player, id).await;
        let channel = member.channel();
        let account = json!(member.address().to_string());
        let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
        let prize = channel.view("0x43::arena::prize", &[]).await.unwrap();
        let place =
            channel.view("0x43::arena::position", std::slice::from_ref(&account)).await.unwrap();
        let steps: Vec<Value> = prize
            .iter()
            .zip(&place)
            .map(|(to, from)| match (64 + number(to) - number(from)) % 64 {
                0 => json!(1),
                ahead if ahead <= 32 => json!(2),
                _ => json!(0),
            })
            .collect();
        member.call("0x43::arena::turn", &steps).await.unwrap();
        number(&channel.view("0x43::arena::points", &[account]).await.unwrap()[0])
    }

    /// Settles until the result is on the chain.
    async fn settle(&self, id: ChannelId) {
        let end = Instant::now() + PATIENCE;
        loop {
            let args = [json!(id)];
            let last = self.world.ledger.view("0x3::channel::last_settlement", &args).await;
            if last.unwrap()[3] != "0x" {
                return;
            }
            assert!(Instant::now() < end, "no result was settled");
            let _ = self.world.channel(0, id).await.propose_settlement().await;
            sleep(Duration::from_millis(100)).await;
        }
    }
}

fn abort<T>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Refused(Refusal::MoveAbort { name, .. })) => name.unwrap_or_default(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it succeeded"),
    }
}

/// Publishing, a channel through the dApp, play, settlement and the board, with a chain that is
/// killed in between.
#[tokio::test(flavor = "multi_thread")]
async fn board_opens_an_arena_admits_players_and_shows_what_they_settled() {
    let mut board = Board::publish(2).await;
    board.restart_chain().await;
    board.call(1, "open", &[]).await.unwrap();
    let id: ChannelId = board.view("arenas").await[0].as_str().unwrap().parse().unwrap();

    let enter = board.function("enter");
    for (index, key) in board.world.keys.iter().enumerate() {
        let client = board.world.network.client(index).await.unwrap();
        assert_eq!(abort(client.join(key, id, DEPOSIT).await), "E_NOT_INVITED");
        client.join_through(key, id, DEPOSIT, Backing::default(), &enter).await.unwrap();
    }
    let left = board.world.ledger.balance(board.world.keys[1].address()).await.unwrap();
    assert_eq!(left, FUNDS - FEE - DEPOSIT);
    for index in 0..2 {
        board.world.until(index, id, |status| status.members.len() == 2).await;
    }
    assert_eq!(abort(board.call(1, "collect", &[json!(id)]).await), "E_NOT_SETTLED");
    let publisher = &board.world.keys[0];
    assert_eq!(abort(board.world.ledger.close_channel(publisher, id).await), "E_NOT_CREATOR");

    board.play(id).await;
    board.settle(id).await;
    board.restart_chain().await;
    board.call(1, "collect", &[json!(id)]).await.unwrap();
    board.restart_chain().await;

    let rows = board.view("board").await;
    let best = &rows[0];
    assert_eq!(best["channel"], json!(id), "{rows}");
    let accounts: Vec<_> = board.world.keys.iter().map(|key| json!(key.address())).collect();
    assert!(accounts.contains(&best["account"]) && best["points"] != "0", "{rows}");
    assert_eq!(abort(board.call(0, "collect", &[json!(id)]).await), "E_COLLECTED_ALREADY");
    let foreign = board.world.create("arena").await;
    assert_eq!(abort(board.call(0, "collect", &[json!(foreign)]).await), "E_NOT_OURS");
}

/// The publisher's own key closes nothing, neither on the chain nor in the channel; the board does.
#[tokio::test(flavor = "multi_thread")]
async fn board_closes_its_arena_and_pays_everybody() {
    let board = Board::publish(2).await;
    board.call(0, "open", &[]).await.unwrap();
    let id: ChannelId = board.view("arenas").await[0].as_str().unwrap().parse().unwrap();
    for (index, key) in board.world.keys.iter().enumerate() {
        let client = board.world.network.client(index).await.unwrap();
        let (backing, enter) = (Backing::default(), board.function("enter"));
        client.join_through(key, id, DEPOSIT, backing, &enter).await.unwrap();
    }
    for index in 0..2 {
        board.world.until(index, id, |status| status.members.len() == 2).await;
    }
    let refused = board.world.member(0, id).await.close().await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::Unauthorised { .. }))), "{refused:?}");
    board.call(0, "close", &[json!(id)]).await.unwrap();
    board.world.until_recorded(id, |record| record.settlement.closed).await;
    let left = board.world.ledger.balance(board.world.keys[1].address()).await.unwrap();
    assert_eq!(left, FUNDS - FEE);
}

#[tokio::test(flavor = "multi_thread")]
async fn package_that_does_not_compile_costs_its_publisher_nothing() {
    let world = World::start(1).await;
    let key = &world.keys[0];
    let mut source = read_package_of(&example("leaderboard"), key.address()).unwrap();
    source.files[0].text = source.files[0].text.replace("board.fee", "board.fees");
    let before = world.ledger.sign(key, fairway_types::contract::mint(key.address(), 1)).await;
    let refused = world.ledger.publish(key, source).await.unwrap_err().to_string();
    assert!(refused.contains("sources/leaderboard.move:"), "{refused}");
    assert!(refused.contains("fees"), "{refused}");
    let after = world.ledger.sign(key, fairway_types::contract::mint(key.address(), 1)).await;
    let sequence = |signed: Result<fairway_types::ledger::SignedLedgerTransaction, Error>| {
        signed.unwrap().transaction.sequence
    };
    assert_eq!(sequence(before), sequence(after));
}

/// The commands of docs/dapps.md up to the first member.
#[tokio::test(flavor = "multi_thread")]
async fn operator_publishes_calls_and_reads_with_the_command_line() {
    let world = World::start(1).await;
    let home = world.folder.path().join("home");
    let (ledger, node) = (world.network.ledger_url(), world.network.url(0));
    let run = |args: &[&str]| {
        let shared = ["--json", "--ledger", &ledger, "--node", &node];
        let output = std::process::Command::new(program())
            .args([&shared, args].concat())
            .env("FAIRWAY_HOME", &home)
            .env("FAIRWAY_PASSPHRASE", "correct horse")
            .output()
            .unwrap();
        let said = if output.status.success() { output.stdout } else { output.stderr };
        serde_json::from_slice::<Value>(&said).unwrap()
    };
    let (board, arena) = (example("leaderboard"), example("arena"));
    let (board, arena) = (board.to_str().unwrap(), arena.to_str().unwrap());
    run(&["account", "new", "erin"]);
    run(&["account", "faucet", "erin", "5000"]);
    let published = run(&["ledger", "publish", board, "--account", "erin"]);
    assert!(published["gas_used"].as_u64().unwrap() > 1_000, "{published}");
    let again = run(&["ledger", "publish", board, "--account", "erin"]);
    assert_eq!(again["data"]["details"]["rule"], "module name", "{again}");

    let registered = run(&["ledger", "register", arena, "--account", "erin"]);
    let package = registered["package"].as_str().unwrap();
    let set_up = ["ledger", "call", "erin::leaderboard::set_up", package, "25"];
    run(&[&set_up[..], &["--account", "erin"]].concat());
    run(&["ledger", "call", "erin::leaderboard::open", "--account", "erin"]);
    let arenas = run(&["ledger", "view", "erin::leaderboard::arenas"]);
    let channel = arenas[0][0].as_str().unwrap();
    let join = ["channel", "join", channel, "--account", "erin", "--deposit", "100"];
    assert_eq!(run(&join)["data"]["details"]["name"], "E_NOT_INVITED");
    let through = ["--through", "erin::leaderboard::enter"];
    assert_eq!(run(&[&join[..], &through].concat())["channel"], channel);
    let abi = run(&["ledger", "abi", "erin"]);
    assert_eq!(abi[0]["name"], "leaderboard");
}
