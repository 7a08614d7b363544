//! A server that asks for a token, and who tries to do without: by bytes on a socket.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{net::SocketAddr, time::Duration};

use fairway_ledger::rpc::{Access, Limits, Server};
use jsonrpsee::RpcModule;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SHAKE: &str = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const PAGE: &str = "origin: http://localhost\r\n";
const PATIENCE: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 8;

async fn serve(tokens: &[&str]) -> Server {
    let mut methods = RpcModule::new(());
    methods.register_method("echo", |_, (), _| "echoed").unwrap();
    let limits = Limits {
        request_bytes: 4_096,
        answer_bytes: 4_096,
        connections: CONNECTIONS,
        subscriptions: 1,
        waiting: &[],
    };
    let tokens = tokens.iter().map(|&token| token.to_owned()).collect();
    let access = Access { tokens, ..Access::default() };
    Server::start(methods, ([127, 0, 0, 1], 0).into(), limits, access).await.unwrap()
}

async fn send(server: &Server, method: &str, headers: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} / HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(text.as_bytes()).await.unwrap();
    socket
}

/// What comes until the server closes.
async fn rest(mut socket: TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("it stays open").unwrap();
    String::from_utf8(answer).unwrap()
}

/// The head of an answer, and the connection.
async fn head(mut socket: TcpStream) -> (String, TcpStream) {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(timeout(PATIENCE, socket.read_u8()).await.unwrap().unwrap());
    }
    (String::from_utf8(bytes).unwrap(), socket)
}

fn is(answer: &str, status: u16) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} "))
}

fn bearer() -> String {
    format!("authorization: Bearer {TOKEN}\r\n")
}

fn echo() -> String {
    r#"{"jsonrpc":"2.0","id":1,"method":"echo"}"#.to_owned()
}

/// A WebSocket that was let in.
async fn connected(server: &Server) -> TcpStream {
    let (answer, socket) = head(send(server, "GET", &(bearer() + SHAKE), "").await).await;
    assert!(is(&answer, 101), "{answer}");
    socket
}

async fn is_closed(socket: &mut TcpStream) -> bool {
    let read = timeout(PATIENCE, socket.read(&mut [0; 1])).await;
    matches!(read, Ok(Ok(0) | Err(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn handshake_by_another_method_than_get_is_none() {
    let server = serve(&[TOKEN]).await;
    for headers in [SHAKE.to_owned(), format!("{PAGE}{SHAKE}")] {
        let answer = rest(send(&server, "OPTIONS", &headers, "").await).await;
        assert!(is(&answer, if headers == SHAKE { 405 } else { 204 }), "{answer}");
    }
    for method in ["HEAD", "PUT", "POST", "DELETE", "PATCH", "TRACE", "options", "BREW"] {
        let answer = rest(send(&server, method, SHAKE, "").await).await;
        assert!(is(&answer, 401), "{method}: {answer}");
        let shown = bearer() + SHAKE;
        let (answer, _) = head(send(&server, method, &shown, "").await).await;
        assert!(is(&answer, 405), "{method} with a token: {answer}");
    }
    let open = serve(&[]).await;
    for (method, status) in [("OPTIONS", 405), ("POST", 405), ("GET", 101)] {
        let (answer, _) = head(send(&open, method, SHAKE, "").await).await;
        assert!(is(&answer, status), "{method} where no token is asked for: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_so_and_the_connection_ends() {
    let server = serve(&[TOKEN]).await;
    let denied = [
        ("POST", String::new(), 401),
        ("GET", SHAKE.to_owned(), 401),
        ("POST", "origin: https://evil.example\r\n".to_owned(), 403),
        ("OPTIONS", "origin: https://evil.example\r\n".to_owned(), 403),
        ("OPTIONS", PAGE.to_owned(), 204),
    ];
    for (method, headers, status) in denied {
        let answer = rest(send(&server, method, &headers, "").await).await;
        assert!(is(&answer, status), "{method} {headers}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    // Who was let in may ask on, until it shows no token.
    let (answer, mut socket) = head(send(&server, "POST", &bearer(), &echo()).await).await;
    assert!(is(&answer, 200) && !answer.contains("connection: close"), "{answer}");
    socket
        .write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    let answer = rest(socket).await;
    assert!(answer.contains("\"echoed\"") && answer.contains("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_not_let_in_leave_room_for_one_that_is() {
    let server = serve(&[TOKEN]).await;
    let mut first = connected(&server).await;
    let mut idle = Vec::new();
    for _ in 0..5 * CONNECTIONS {
        idle.push(TcpStream::connect(server.address).await.unwrap());
    }
    let _second = connected(&server).await;
    let oldest = &mut idle[0];
    assert!(is_closed(oldest).await, "the oldest newcomer gave way");
    // A ping of the WebSocket protocol, and its pong.
    first.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
    let answered = async { while first.read_u8().await.unwrap() != 0x8a {} };
    timeout(PATIENCE, answered).await.expect("who was let in is served");
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_too_many_is_told_to_come_again() {
    let server = serve(&[TOKEN]).await;
    let mut taken = Vec::new();
    for _ in 0..CONNECTIONS {
        taken.push(connected(&server).await);
    }
    let full = rest(TcpStream::connect(server.address).await.unwrap()).await;
    assert!(is(&full, 429) && full.contains("retry-after: 1\r\n"), "{full}");
    taken.pop();
    let address: SocketAddr = server.address;
    let again = async {
        loop {
            let answer = rest(TcpStream::connect(address).await.unwrap());
            if timeout(Duration::from_millis(50), answer).await.is_err() {
                return;
            }
        }
    };
    timeout(PATIENCE, again).await.expect("the place of one that ended is free");
}
