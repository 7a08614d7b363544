//! The port for operators: `/metrics`, `/healthz`, `/readyz` of a node or a ledger, and the console. It
//! reads; nothing on it changes anything, and nothing that it does holds up a channel.
//!
//! [`router`] and [`console::routes`] give the routes, which are merged before [`HttpServer::start`].

pub mod console;
mod health;
mod ledger;
mod metrics;
mod node;

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use fairway_ledger::rpc::{Port, is_named, serve_http};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::service::TowerToHyperService;
use prometheus_client::{collector::Collector, encoding::text, registry::Registry};
use tokio::sync::watch;

pub use self::{
    health::Unready,
    ledger::LedgerSubject,
    metrics::{METRICS, Metric, table},
    node::NodeSubject,
};

/// How long answers under way may take when it ends.
const END: Duration = Duration::from_secs(1);
/// Connections at a time; beyond, the oldest that has asked for nothing yet gives way.
const CONNECTIONS: usize = 64;
/// What OpenMetrics calls its text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is looked at.
pub trait Subject: Collector {
    /// Why it can't do its work now; nothing when it can.
    fn unready(&self) -> Vec<Unready>;
}

/// The routes for a subject.
pub fn router(subject: Arc<impl Subject>) -> Router {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Arc::clone(&subject)));
    registry.register_collector(Box::new(metrics::ProcessMetrics::new()));
    let metrics = Router::new().route("/metrics", get(show_metrics)).with_state(Arc::new(registry));
    let ready = Router::new()
        .route(
            "/readyz",
            get(|State(subject): State<Arc<dyn Subject>>| async move {
                health::ready(&subject.unready())
            }),
        )
        .with_state(subject as Arc<dyn Subject>);
    Router::new().route("/healthz", get(|| async { "ok\n" })).merge(metrics).merge(ready)
}

async fn show_metrics(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match text::encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {reason}; choose another `http.listen` or stop who uses it")]
pub struct HttpError {
    pub address: SocketAddr,
    pub reason: String,
}

/// A running server.
pub struct HttpServer {
    pub address: SocketAddr,
    port: Port,
    stop: watch::Sender<bool>,
}

impl HttpServer {
    /// Serves `routes` on `address`; port 0 takes a free one. On a loopback address only requests that
    /// name this machine, or one of `hosts`, are answered: a page whose name was pointed here reads
    /// nothing.
    ///
    /// # Errors
    /// When the address can't be listened on.
    pub async fn start(
        routes: Router,
        address: SocketAddr,
        hosts: Vec<String>,
    ) -> Result<Self, HttpError> {
        let failed = |error: io::Error| HttpError { address, reason: error.to_string() };
        let routes = match address.ip().is_loopback() {
            true => routes.layer(middleware::from_fn_with_state(Arc::new(hosts), local_names)),
            false => routes,
        };
        let routes = TowerToHyperService::new(routes);
        let (stop, stopping) = watch::channel(false);
        let port = Port::open(address, CONNECTIONS, move |socket, from, place| {
            let (routes, mut stopping) = (routes.clone(), stopping.clone());
            let service = service_fn(move |mut request: hyper::Request<Incoming>| {
                place.admit();
                request.extensions_mut().insert(ConnectInfo(from));
                routes.call(request)
            });
            serve_http(socket, service, async move {
                let _ = stopping.wait_for(|stop| *stop).await;
            })
        });
        let port = port.await.map_err(failed)?;
        Ok(Self { address: port.address, port, stop })
    }

    /// Frees the port, once answers under way are sent or after a second.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.port.close(END).await;
    }
}

async fn local_names(
    State(hosts): State<Arc<Vec<String>>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|host| !is_named(host, &hosts)) else {
        return next.run(request).await;
    };
    let reason = format!(
        "this port is not asked for as {host}: use 127.0.0.1 or localhost, or name the host in \
         `access.hosts`\n"
    );
    (StatusCode::FORBIDDEN, reason).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::timeout,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    async fn scrape(address: SocketAddr) -> String {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let ask = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        socket.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, socket.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }

    async fn serve() -> HttpServer {
        let routes = Router::new().route("/healthz", get(|| async { "ok\n" }));
        HttpServer::start(routes, ([127, 0, 0, 1], 0).into(), Vec::new()).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn idle_connections_keep_no_scrape_out_and_are_closed() {
        let server = serve().await;
        let mut idle = Vec::new();
        for _ in 0..3 * CONNECTIONS {
            idle.push(TcpStream::connect(server.address).await.unwrap());
        }
        assert!(scrape(server.address).await.starts_with("HTTP/1.1 200"));
        // Ten seconds are given to say something.
        for socket in &mut idle {
            let ended = timeout(4 * PATIENCE, socket.read(&mut [0; 64])).await.unwrap();
            assert!(!matches!(ended, Ok(1..)), "something was said to who asked nothing");
        }
        assert!(scrape(server.address).await.starts_with("HTTP/1.1 200"));
        server.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn stopped_server_frees_its_port_and_ends_connections() {
        let server = serve().await;
        let address = server.address;
        let mut idle = TcpStream::connect(address).await.unwrap();
        assert!(scrape(address).await.ends_with("ok\n"));
        server.stop().await;
        let ended = timeout(PATIENCE, idle.read(&mut [0; 64])).await.unwrap();
        assert!(!matches!(ended, Ok(1..)));
        assert!(TcpStream::connect(address).await.is_err());
    }
}
