//! JSON-RPC 2.0 over WebSocket and HTTP, as ledger and node serve it. Every connection is bounded:
//! in requests and bytes under way, in what waits to be written, and in how long a client may take
//! to read it. Who goes beyond is answered `busy`, or not read from until it has read its answers.

mod access;
mod dispatch;
mod limited;
mod mount;
mod places;
mod port;
mod session;
mod socket;

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::{
    Method, Request, StatusCode,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
    service::service_fn,
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use jsonrpsee::{
    Methods,
    core::middleware::RpcServiceBuilder,
    server::{
        ConnectionGuard, ConnectionState, HttpBody, HttpResponse, ServerConfig, StopHandle, http,
        stop_channel,
    },
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

pub use self::{
    access::{Access, Denials, Rate, is_named},
    mount::Mount,
    places::Place,
    port::{Port, serve_http},
};
use self::{
    access::{Admitted, Asked, Client, Gate},
    limited::Limited,
    socket::{Paced, Unfinished},
};

/// What a server takes at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub request_bytes: u32,
    pub answer_bytes: u32,
    pub connections: usize,
    /// Subscriptions of a connection.
    pub subscriptions: u32,
    /// Methods that may wait for long before their answer, which is small.
    pub waiting: &'static [&'static str],
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    /// Requests that were not let in.
    pub denials: Arc<Denials>,
    port: Port,
}

struct Shared {
    methods: Methods,
    /// Those of them that are answered; all when there is no list.
    only: Option<&'static [&'static str]>,
    limits: Limits,
    gate: Gate,
    unfinished: Unfinished,
    http: ConnectionGuard,
    stopped: StopHandle,
}

impl Server {
    /// Serves `methods` on `address` to whom `access` lets in; port 0 takes a free one.
    pub async fn start(
        methods: impl Into<Methods>,
        address: SocketAddr,
        limits: Limits,
        access: Access,
    ) -> io::Result<Self> {
        let denials = Arc::<Denials>::default();
        let shared = Arc::new(Shared {
            methods: methods.into(),
            only: None,
            limits,
            gate: Gate::new(access, address.ip(), Arc::clone(&denials)),
            unfinished: Unfinished::default(),
            http: ConnectionGuard::new(limits.connections),
            stopped: stop_channel().0,
        });
        let port = Port::open(address, limits.connections, move |socket, from, place| {
            serve(socket, from, Arc::clone(&shared), place)
        });
        let port = port.await?;
        Ok(Self { address: port.address, denials, port })
    }

    /// Closes connections and frees the port.
    pub async fn stop(self) {
        self.port.close(Duration::ZERO).await;
    }
}

/// A connection that becomes a WebSocket, and whose it is.
type Upgrade = Mutex<Option<(OnUpgrade, Client)>>;

/// One connection: requests over HTTP, one after the other, until it becomes a WebSocket.
async fn serve(socket: TcpStream, from: IpAddr, shared: Arc<Shared>, place: Arc<Place>) {
    let _ = socket.set_nodelay(true);
    let (socket, meter) = Paced::new(socket, shared.unfinished.clone());
    let (upgrade, number) = (Upgrade::default(), place.number());
    let answer = |request: Request<Incoming>| {
        let answered = begin(&shared.gate, request, from, &place, &upgrade);
        let (shared, meter) = (&shared, &meter);
        async move {
            let response = match answered {
                Ok((request, admitted)) => answer_http(shared, request, admitted, number).await,
                Err(response) => response,
            };
            meter.finished();
            Ok::<_, Infallible>(response)
        }
    };
    let connection =
        port::http().serve_connection(TokioIo::new(socket), service_fn(answer)).with_upgrades();
    if let Err(error) = connection.await {
        debug!(%error, "a client's connection ended");
    }
    let upgrade = upgrade.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some((upgraded, client)) = upgrade
        && let Ok(upgraded) = upgraded.await
    {
        session::run(upgraded, client, &shared, meter, number).await;
    }
}

/// A request over HTTP from who may ask; anything else is answered at once. What is answered to who
/// was not let in ends the connection.
#[allow(clippy::result_large_err, reason = "an answer is no error, and made once a request")]
fn begin(
    gate: &Gate,
    request: Request<Incoming>,
    from: IpAddr,
    place: &Place,
    upgrade: &Upgrade,
) -> Result<(Request<Incoming>, Admitted), HttpResponse> {
    let admitted = match gate.admit(request.method(), request.headers(), from) {
        Ok(Asked::Request(admitted)) => admitted,
        Ok(Asked::Preflight(origin)) => return Err(last(access::preflight(origin))),
        Err(denied) => return Err(last(denied.response())),
    };
    place.admit();
    match request.headers().contains_key(header::SEC_WEBSOCKET_KEY) {
        true => Err(shake_hands(request, admitted, upgrade)),
        false => Ok((request, admitted)),
    }
}

/// The connection ends with this answer.
fn last(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// RFC 6455, 4.2: by GET alone, without extensions; of subprotocols the one that shows a token.
fn shake_hands<B>(mut request: Request<B>, admitted: Admitted, upgrade: &Upgrade) -> HttpResponse {
    if *request.method() != Method::GET {
        return last(access::not_allowed("GET"));
    }
    let headers = request.headers();
    let is = |name: HeaderName, wanted: &str| {
        access::words(headers, name).iter().any(|word| word.eq_ignore_ascii_case(wanted))
    };
    let asks = is(header::CONNECTION, "upgrade")
        && is(header::UPGRADE, "websocket")
        && is(header::SEC_WEBSOCKET_VERSION, "13");
    let accept =
        headers.get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let accept = accept.filter(|_| asks).and_then(|accept| HeaderValue::from_str(&accept).ok());
    let mut response = HttpResponse::new(HttpBody::empty());
    let Some(accept) = accept else {
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    };
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = admitted.protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    let upgraded = (hyper::upgrade::on(&mut request), admitted.client);
    *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = Some(upgraded);
    response
}

async fn answer_http(
    shared: &Shared,
    request: Request<Incoming>,
    admitted: Admitted,
    number: u32,
) -> HttpResponse {
    let limits = shared.limits;
    let Some(permit) = shared.http.try_acquire() else {
        return http::response::too_many_requests();
    };
    let config = ServerConfig::builder()
        .max_request_body_size(limits.request_bytes)
        .max_response_body_size(limits.answer_bytes)
        .build();
    let state = ConnectionState::new(shared.stopped.clone(), number, permit);
    let client = admitted.client;
    let limited = RpcServiceBuilder::new()
        .layer_fn(move |service| Limited { service, client: client.clone() });
    let methods = shared.methods.clone();
    let mut response =
        http::call_with_service_builder(request, config, state, methods, limited).await;
    access::show_to(admitted.origin, &mut response);
    response
}
