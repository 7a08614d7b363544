//! What nodes send to an OpenTelemetry collector: a small one in the test takes it.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use fairway::local::Place;
use fairway_sdk::{CallStatus, ChannelId, Hash, Member, api::channel::Role, json};
use fairway_types::contract::NATIVE;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use prost::Message;
use tokio::time::{Instant, sleep};

use crate::world::{World, pay};

const PATIENCE: Duration = Duration::from_secs(30);

/// A span, and the node that sent it.
#[derive(Debug, Clone)]
struct Sent {
    node: String,
    span: Span,
}

/// Keeps what it is sent.
#[derive(Clone, Default)]
struct Collector {
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Collector {
    /// Runs until the test ends; where it listens.
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let taking = collector.clone();
        let routes = Router::new().route(
            "/v1/traces",
            post(move |headers: HeaderMap, body: Bytes| async move {
                assert_eq!(headers["content-type"], "application/x-protobuf");
                taking.take(&body);
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (collector, url)
    }

    fn take(&self, body: &[u8]) {
        for of_node in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
            let resource = of_node.resource.unwrap().attributes;
            assert_eq!(text_of(&resource, "service.name"), "fairway");
            let node = text_of(&resource, "service.instance.id");
            let spans = of_node.scope_spans.into_iter().flat_map(|scope| scope.spans);
            let spans = spans.map(|span| Sent { node: node.clone(), span });
            self.sent.lock().unwrap().extend(spans);
        }
    }

    fn all(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    fn named(&self, name: &str, attribute: &str, value: &str) -> Vec<Sent> {
        let mut found = self.all();
        found.retain(|sent| sent.span.name == name && text(&sent.span, attribute) == value);
        found
    }

    /// The parts of a span, once there are as many as wanted.
    async fn parts(&self, of: &Span, count: usize) -> Vec<Span> {
        self.until("parts", count, |sent| sent.span.parent_span_id == of.span_id).await
    }

    async fn until(&self, what: &str, count: usize, wanted: impl Fn(&Sent) -> bool) -> Vec<Span> {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut found = self.all();
            found.retain(&wanted);
            if found.len() >= count {
                return found.into_iter().map(|sent| sent.span).collect();
            }
            let names: Vec<_> = found.iter().map(|sent| &sent.span.name).collect();
            assert!(Instant::now() < end, "{what}: only {names:?} of {count}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn text_of(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn text(span: &Span, key: &str) -> String {
    text_of(&span.attributes, key)
}

fn part<'a>(parts: &'a [Span], name: &str) -> &'a Span {
    parts.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {parts:?}"))
}

fn traced(endpoint: &str) -> Place {
    let options = [format!("--set=traces.endpoint={endpoint}"), "--set=traces.sample=1".into()];
    Place { options: options.to_vec(), ..Place::default() }
}

async fn follower(world: &World, channel: ChannelId) -> usize {
    let leads = world.status(0, channel).await.role == Role::Leader;
    usize::from(leads)
}

async fn pay_until(member: &Member, to: &World, amount: u64) -> fairway_sdk::CallReport {
    let account = to.keys[0].address().to_string();
    let args = [json!(account), json!(NATIVE), json!(amount), json!("")];
    member.call_until("0x44::payments::pay", &args, CallStatus::Final).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn call_is_followed_from_its_node_to_final_and_its_block_across_nodes() {
    let (collector, url) = Collector::start().await;
    let world = World::start_at(Place::default(), vec![traced(&url); 3]).await;
    let channel = world.open("payments").await;
    let at = follower(&world, channel).await;
    let member = world.member(at, channel).await;
    let report = pay_until(&member, &world, 1).await;

    let name = report.call.to_string();
    let of_call =
        |sent: &Sent| sent.span.name == "call" && text(&sent.span, "fairway.call") == name;
    let call = collector.until("the call", 1, of_call).await.remove(0);
    assert_eq!(call.trace_id, report.call.0[..16], "the trace is found by the call's hash");
    assert!(call.parent_span_id.is_empty() && call.kind == SpanKind::Server as i32);
    assert_eq!(text(&call, "fairway.channel"), channel.to_string());
    assert_eq!(text(&call, "fairway.operation"), "0x44::payments::pay");
    assert_eq!(text(&call, "fairway.sender"), member.address().to_string());
    assert_eq!(text(&call, "fairway.height"), report.height.to_string());
    let node = world.network.nodes[at].process.as_ref().unwrap().said("node");
    assert_eq!(collector.named("call", "fairway.call", &name)[0].node, node);

    let parts = collector.parts(&call, 4).await;
    let [admit, order, certify, finalise] =
        ["admit", "order", "certify", "finalise"].map(|name| part(&parts, name));
    assert_eq!(admit.start_time_unix_nano, call.start_time_unix_nano);
    assert_eq!(order.start_time_unix_nano, admit.end_time_unix_nano);
    assert_eq!(certify.start_time_unix_nano, order.end_time_unix_nano);
    assert_eq!(finalise.start_time_unix_nano, certify.end_time_unix_nano);
    assert!(call.end_time_unix_nano >= certify.end_time_unix_nano, "it was answered as final");
    assert_eq!(text(order, "fairway.outcome"), "success");
    assert_eq!(text(order, "fairway.gas"), report.gas_used.to_string());

    // The block that it waited for: made by the leader, executed again by the others.
    let block = &order.links[0];
    let same = |sent: &Sent| sent.span.name == "block" && sent.span.trace_id == block.trace_id;
    let blocks = collector.until("the block on every node", 3, same).await;
    let leads = |span: &&Span| text(span, "fairway.role") == "leader";
    let made: Vec<&Span> = blocks.iter().filter(leads).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].span_id, block.span_id);
    assert_eq!(text(made[0], "fairway.height"), report.height.to_string());
    assert!(blocks.iter().all(|span| leads(&span) || span.parent_span_id == block.span_id));
    for block in &blocks {
        let own =
            |sent: &Sent| sent.span.parent_span_id == block.span_id && sent.span.name != "block";
        let parts = collector.until("the block's parts", 3, own).await;
        let [execute, store] = ["execute", "store"].map(|name| part(&parts, name));
        assert_eq!(execute.start_time_unix_nano, block.start_time_unix_nano);
        assert!(store.start_time_unix_nano >= execute.end_time_unix_nano);
        assert_eq!(part(&parts, "certify").end_time_unix_nano, block.end_time_unix_nano);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settlement_is_followed_until_it_is_on_the_chain_and_a_refusal_is_an_error() {
    let (collector, url) = Collector::start().await;
    let world = World::start_at(Place::default(), vec![traced(&url); 2]).await;
    let channel = world.open("payments").await;
    let member = world.member(0, channel).await;
    pay(&member, &world.keys[1], 1).await.unwrap();
    let aborted = pay(&member, &world.keys[1], 0).await.unwrap_err();
    assert_eq!(aborted.refusal().unwrap().name(), "move_abort");
    let failed = |sent: &Sent| text(&sent.span, "error.type") == "move_abort";
    let call = collector.until("the call that aborts", 1, failed).await.remove(0);
    assert_eq!(call.status.as_ref().unwrap().code, StatusCode::Error as i32);
    let parts = collector.parts(&call, 3).await;
    assert_eq!(text(part(&parts, "order"), "fairway.outcome"), "move_abort");

    let proposed = world.channel(0, channel).await.propose_settlement().await.unwrap();
    world.until(0, channel, |status| status.settlements == 1).await;
    let name = proposed.proposal.to_string();
    let settles = |sent: &Sent| {
        sent.span.name == "settlement" && text(&sent.span, "fairway.proposal") == name
    };
    let spans = collector.until("the settlement on both nodes", 2, settles).await;
    let own: BTreeSet<bool> = spans.iter().map(|span| span.parent_span_id.is_empty()).collect();
    assert_eq!(own.len(), 2, "one begins the trace, the other one stands below it");
    for span in &spans {
        assert_eq!(span.trace_id, proposed.proposal.0[..16]);
        assert!(span.end_time_unix_nano > span.start_time_unix_nano);
        assert!(span.status.as_ref().is_none_or(|status| status.code == StatusCode::Unset as i32));
        assert_eq!(text(span, "fairway.settlement"), "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_is_sent_at_the_end() {
    let (collector, url) = Collector::start().await;
    let mut world = World::start_at(Place::default(), vec![traced(&url)]).await;
    let channel = world.open("payments").await;
    let member = world.member(0, channel).await;
    let mut last = Hash::ZERO;
    for _ in 0..20 {
        last = pay(&member, &world.keys[0], 1).await.unwrap().call;
    }
    let name = last.to_string();
    assert!(world.network.nodes[0].process.as_mut().unwrap().stop().await);
    let sent = collector.named("call", "fairway.call", &name);
    assert_eq!(sent.len(), 1, "of {} spans", collector.all().len());
}

/// Nobody listens there, or somebody who never answers: calls go on, and the end takes no longer.
#[tokio::test(flavor = "multi_thread")]
async fn collector_that_is_away_holds_up_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let urls =
        [&silent, &free].map(|listener| format!("http://{}", listener.local_addr().unwrap()));
    drop(free);
    let places = urls.iter().map(|url| traced(url)).collect();
    let mut world = World::start_at(Place::default(), places).await;
    let channel = world.open("payments").await;
    for index in [0, 1] {
        let member = world.member(index, channel).await;
        for _ in 0..100 {
            pay(&member, &world.keys[index], 1).await.unwrap();
        }
    }
    let log = world.network.nodes[1].log.clone();
    let said = || std::fs::read_to_string(&log).unwrap().matches("traces are not taken").count();
    let end = Instant::now() + PATIENCE;
    while said() == 0 {
        assert!(Instant::now() < end, "{}", std::fs::read_to_string(&log).unwrap());
        sleep(Duration::from_millis(50)).await;
    }
    for node in &mut world.network.nodes {
        let began = Instant::now();
        assert!(node.process.as_mut().unwrap().stop().await, "it ends well");
        assert!(began.elapsed() < Duration::from_secs(5), "in {:?}", began.elapsed());
    }
    assert_eq!(said(), 1, "it is said once");
    drop(silent);
}
