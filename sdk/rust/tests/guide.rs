//! Every piece of code in `docs/sdk.md`, compiled: a change of the SDK that breaks one fails here.

#![allow(
    unused,
    clippy::pedantic,
    clippy::print_stdout,
    reason = "a guide's code is short and is not run here"
)]

use std::error::Error;

use fairway_sdk::{
    Address, AssetId, Channel, ChannelId, Client, Filter, Height, Keypair, Member, Operation,
    PackageSource, Value, api::channel::Notice, json,
};
use fairway_types::Time;

type Done = Result<(), Box<dyn Error>>;

fn load_cursor() -> Result<Option<Height>, Box<dyn Error>> {
    Ok(None)
}

fn apply(notice: &Notice) -> Done {
    Ok(())
}

fn save_cursor(next: Height) -> Done {
    Ok(())
}

#[rustfmt::skip]
async fn connect() -> Done {
    use fairway_sdk::Client;

    let client = Client::connect("ws://127.0.0.1:9101").await?;
    let status = client.status().await?;
    println!("node {} runs {} channels", status.node, status.channels.len());
    Ok(())
}

#[rustfmt::skip]
async fn keys(seed: [u8; 32]) -> Done {
    use fairway_sdk::Keypair;

    let key = Keypair::from_seed(&seed); // 32 secret bytes from the system's randomness
    println!("account {}", key.address());
    Ok(())
}

#[rustfmt::skip]
async fn create_and_join(client: Client, key: Keypair, source: PackageSource, alice: Address, bob: Address) -> Done {
    use fairway_sdk::{ChannelConfig, Durability, GasTableId, JoinPolicy, MoneyRules};

    let ledger = client.ledger();
    let native = ledger.info().await?.native;
    let package = ledger.store_package(&key, source).await?; // a `PackageSource`; answers with its hash
    let config = ChannelConfig {
        tick_interval: 0,             // ms; 0 for none
        settlement_interval: 60_000,  // ms; 0 for none
        durability: Durability::Synced,
        join_policy: JoinPolicy::Invited,
        invited: vec![alice, bob],    // sorted
        asset: native,
        min_deposit: 1,
        max_members: 16,
        gas_table: GasTableId::MEASURED,
        trust_own_node: false,        // true: a node's signature stands for its member's calls
        money: MoneyRules::default(),
    };
    let id = ledger.create_channel(&key, package, &config).await?;
    client.join(&key, id, 1_000).await?; // a deposit of 1,000 of the smallest unit
    Ok(())
}

#[rustfmt::skip]
async fn entered(client: Client, key: Keypair, id: ChannelId) -> Done {
    loop {
        let members = client.info(id).await?.status.map(|status| status.members).unwrap_or_default();
        if members.iter().any(|member| member.account == key.address()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok(())
}

#[rustfmt::skip]
async fn call(client: Client, key: Keypair, id: ChannelId, bob: Address, native: AssetId, args: Vec<Value>) -> Done {
    use fairway_sdk::{CallStatus, json};

    let channel = client.channel(id).await?;
    let me = channel.member(key);

    let report = me.call("0x44::payments::pay", &[json!(bob), json!(native), json!("25"), json!("for coffee")]).await?;
    println!("certified at height {}", report.height);

    let last = me.call_until("0x44::payments::pay", &args, CallStatus::Final).await?;
    assert!(last.status >= CallStatus::Final);
    Ok(())
}

#[rustfmt::skip]
async fn concurrently(me: Member, bob: Address, native: AssetId) -> Done {
    let calls = (0..100).map(|n| {
        let me = me.clone();
        async move { me.call("0x44::payments::pay", &[json!(bob), json!(native), json!(n + 1), json!("")]).await }
    });
    let reports = futures::future::join_all(calls).await;
    Ok(())
}

#[rustfmt::skip]
async fn sessions(channel: Channel, me: Member, game: Keypair, native: AssetId, expires_at: Time, args: Vec<Value>) -> Done {
    use fairway_sdk::{AssetAmount, Session};

    let app = game.public(); // `game` is the app's own `Keypair`
    let session = Session {
        key: app,
        functions: vec!["0x44::payments::pay".parse()?], // empty: every function of the package
        spending: vec![AssetAmount { asset: native, amount: 5_000_000 }],
        expires_at, // ms since 1970, at most thirty days ahead
    };
    me.delegate(session).await?;

    let silent = channel.session(me.address(), game);
    silent.call("0x44::payments::pay", &args).await?; // in the account's name, with numbers of its own
    println!("{:?}", channel.sessions(me.address()).await?);
    me.revoke(app).await?;
    Ok(())
}

#[rustfmt::skip]
async fn repeated(channel: Channel, me: Member, operation: Operation) -> Done {
    use fairway_sdk::{CallStatus, Connection, api::StateChannelApiClient};

    let connection = Connection::new("ws://127.0.0.1:9101");
    let signed = me.sign(operation).await?;
    let sent = connection
        .request(|node| {
            let signed = signed.clone();
            async move { node.call(signed, Some(CallStatus::Certified)).await }
        })
        .await;
    if sent.as_ref().is_err_and(|error| error.refusal().is_none()) {
        match channel.report(signed.hash()).await? {
            Some(report) => println!("it ran at height {}", report.height),
            None => println!("not yet: it may still run until {}", signed.call.expires_at),
        }
    }
    Ok(())
}

#[rustfmt::skip]
async fn view(channel: Channel, bob: Address, native: AssetId) -> Done {
    use fairway_sdk::api::channel::At;

    let values = channel.view("0x44::payments::balance", &[json!(bob), json!(native)]).await?;
    let units: u64 = values[0].as_str().unwrap_or("0").parse()?;

    let settled_soon = channel.view_at("0x44::payments::sent", &[json!(bob)], At::Final).await?;
    let vault = channel.resource(bob, "0x2::vault::Vault", At::Certified).await?;
    println!("{:?} at height {}", vault.resource.value, vault.height);
    Ok(())
}

#[rustfmt::skip]
async fn subscribe(channel: Channel) -> Done {
    use fairway_sdk::{Filter, api::channel::Notice};

    let filter = Filter { event_types: vec!["0x44::payments::".into()], ..Filter::default() };
    let mut notices = channel.subscribe(filter).await?;
    while let Some(notice) = notices.next().await {
        match notice {
            Notice::Snapshot { height, resources, .. } => println!("{} resources at {height}", resources.len()),
            Notice::Block { height, events, .. } => println!("block {height}: {} events", events.len()),
            Notice::Heights { finalised, .. } => println!("final up to {finalised}"),
            Notice::RolledBack { to } => println!("the blocks above {to} were taken back"),
            Notice::Skipped { to } => println!("a snapshot at {to} stands for what was missed"),
            Notice::Lagged { .. } => {} // `next` resumes by itself and never returns it
        }
    }
    Ok(())
}

#[rustfmt::skip]
async fn cursor(channel: Channel, filter: Filter) -> Done {
    let from = load_cursor()?;              // None the first time
    let mut notices = match from {
        Some(height) => channel.subscribe_from(height, filter).await?,
        None => channel.subscribe(filter).await?,
    };
    while let Some(notice) = notices.next().await {
        apply(&notice)?;
        if let Some(next) = notices.cursor() {
            save_cursor(next)?;             // in the same write as what `apply` changed
        }
    }
    Ok(())
}

#[rustfmt::skip]
async fn settle(channel: Channel) -> Done {
    let proposed = channel.propose_settlement().await?;
    loop {
        let info = channel.info().await?;
        if info.record.settlement.number >= proposed.number {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Ok(())
}

#[rustfmt::skip]
async fn errors(me: Member, args: Vec<Value>) -> Result<(), fairway_sdk::Error> {
    use fairway_sdk::Refusal;

    match me.call("0x44::payments::pay", &args).await {
        Ok(report) => println!("certified at {}", report.height),
        Err(error) => match error.refusal() {
            Some(Refusal::MoveAbort { name: Some(name), .. }) => println!("the contract says {name}"),
            Some(Refusal::NotAMember { .. }) => println!("join first"),
            _ if error.is_transient() => println!("try again: {error}"),
            _ => return Err(error),
        },
    }
    Ok(())
}

/// The pieces, each with its lines bare of what indents them.
fn pieces(guide: &str) -> Vec<String> {
    let mut pieces = guide.split("```rust\n").skip(1);
    pieces.by_ref().filter_map(|rest| Some(bare(rest.split_once("```")?.0))).collect()
}

fn bare(code: &str) -> String {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

#[test]
fn what_the_guide_shows_is_what_compiles() {
    let here = bare(include_str!("guide.rs"));
    let pieces = pieces(include_str!("../../../docs/sdk.md"));
    assert!(pieces.len() > 10, "{} pieces", pieces.len());
    for piece in pieces {
        assert!(here.contains(&piece), "docs/sdk.md shows what is not in this file:\n{piece}");
    }
}
