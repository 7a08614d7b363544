//! A client that is not ours: WebSocket frames and ed25519, as docs/api.md describes them.

use ed25519_dalek::{Signer, SigningKey};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::world::World;

struct Foreign {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    key: SigningKey,
    next_id: u64,
    /// Notifications that came between answers.
    notices: Vec<Value>,
}

impl Foreign {
    async fn connect(url: &str, seed: u8) -> Self {
        let (socket, _) = connect_async(url).await.unwrap();
        let key = SigningKey::from_bytes(&[seed; 32]);
        Self { socket, key, next_id: 0, notices: Vec::new() }
    }

    async fn receive(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.next().await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    async fn send(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.socket.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let answer = self.receive().await;
            if answer.get("id") == Some(&json!(id)) {
                return answer;
            }
            self.notices.push(answer);
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.send(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    async fn notice(&mut self) -> Value {
        if !self.notices.is_empty() {
            return self.notices.remove(0)["params"]["result"].clone();
        }
        self.receive().await["params"]["result"].clone()
    }

    fn public_key(&self) -> String {
        hex(self.key.verifying_key().as_bytes())
    }

    fn sign(&self, prepared: &Value) -> String {
        let text = prepared["signing_bytes"].as_str().unwrap().trim_start_matches("0x");
        let bytes: Vec<u8> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect();
        hex(&self.key.sign(&bytes).to_bytes())
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_client_joins_calls_and_subscribes() {
    let world = World::start(2).await;
    let channel = world.create("payments").await;
    let first = world.network.client(0).await.unwrap();
    first.join(&world.keys[0], channel, 500).await.unwrap();

    let account = world.keys[1].address().to_string();
    let mut client = Foreign::connect(&world.network.url(1), 2).await;
    let status = client.ask("state_channel.status", json!({})).await;
    let asked = json!({ "channel": channel, "account": account });
    let proof = client.ask("state_channel.join_proof", asked).await;
    let join = json!({
        "action": "join", "channel": channel, "node": status["node"], "amount": "300",
        "endpoints": status["endpoints"], "proof": proof,
    });
    let params = json!({ "sender": account, "action": join });
    let prepared = client.ask("chain.prepare", params).await;
    let signed = json!({
        "transaction": prepared["transaction"],
        "key": client.public_key(),
        "signature": client.sign(&prepared),
    });
    let joined = client.ask("state_channel.join", json!({ "transaction": signed })).await;
    assert_eq!(joined["channel"], json!(channel));
    world.until(1, channel, |status| status.members.len() == 2).await;

    let filter = json!({ "event_types": ["0x44::payments::Paid"] });
    let params = json!({ "channel": channel, "filter": filter });
    client.ask("state_channel.subscribe", params).await;
    let snapshot = client.notice().await;
    assert_eq!(snapshot["kind"], "snapshot");

    let request = json!({
        "operation": "invoke", "function": "0x44::payments::pay",
        "args": [world.keys[0].address(), fairway_types::contract::NATIVE, "25", "for coffee"],
    });
    let params = json!({ "channel": channel, "sender": account, "request": request });
    let prepared = client.ask("state_channel.prepare", params).await;
    let signed = json!({
        "call": prepared["call"], "key": client.public_key(), "signature": client.sign(&prepared),
    });
    let report = client.ask("state_channel.call", json!({ "call": signed })).await;
    assert_eq!(report["call"], prepared["hash"]);
    let status = &report["status"];
    assert!(status == "certified" || status == "final", "{report}");
    let mut last = snapshot["hash"].clone();
    let block = loop {
        let notice = client.notice().await;
        if notice["kind"] == "block" {
            assert_eq!(notice["parent"], last, "it does not follow what was shown: {notice}");
            last = notice["hash"].clone();
        }
        let events = notice["events"].as_array();
        if events.is_some_and(|events| !events.is_empty()) {
            break notice;
        }
    };
    assert_eq!(block["events"][0]["data"]["amount"], "25");
    assert_eq!(block["calls"][0]["call"], prepared["hash"]);

    let again = client.send("state_channel.call", json!({ "call": signed })).await;
    assert_eq!(again["result"]["height"], report["height"], "a repeated call is answered: {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_answered_as_json_rpc_says() {
    let world = World::start(1).await;
    let mut client = Foreign::connect(&world.network.url(0), 1).await;
    client.socket.send(Message::text("{")).await.unwrap();
    assert_eq!(client.receive().await["error"]["code"], -32700);
    let unknown = client.send("state_channel.nothing", json!({})).await;
    assert_eq!(unknown["error"]["code"], -32601);
    let wrong = client.send("state_channel.get", json!({ "channel": "0x12" })).await;
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    let missing = client.send("state_channel.get", json!({})).await;
    assert_eq!(missing["error"]["code"], -32602);
    assert!(client.ask("state_channel.status", json!({})).await["node"].is_string());
}
