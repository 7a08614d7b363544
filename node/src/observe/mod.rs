//! The port for operators: `/metrics`, `/healthz`, `/readyz` of a node or a ledger, and the console. It
//! reads; nothing on it changes anything, and nothing that it does holds up a channel.
//!
//! [`router`] and [`console::routes`] give the routes, which are merged before [`HttpServer::start`].

pub mod console;
mod health;
mod ledger;
mod metrics;
mod node;

use std::{fmt, future::IntoFuture, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{collector::Collector, encoding::text, registry::Registry};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

pub use self::{
    health::Unready,
    ledger::LedgerSubject,
    metrics::{METRICS, Metric, table},
    node::NodeSubject,
};

/// How long answers under way may take when it ends.
const END: Duration = Duration::from_secs(1);
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
    stop: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
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
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let routes = match address.ip().is_loopback() {
            true => routes.layer(middleware::from_fn_with_state(Arc::new(hosts), local_names)),
            false => routes,
        };
        let (stop, mut stopping) = watch::channel(false);
        let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(listener, routes).with_graceful_shutdown(async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        Ok(Self { address, stop, serving: tokio::spawn(serving.into_future()) })
    }

    /// Frees the port, once answers under way are sent or after a second.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if timeout(END, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
    }
}

async fn local_names(
    State(hosts): State<Arc<Vec<String>>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|host| !fairway_ledger::rpc::is_named(host, &hosts)) else {
        return next.run(request).await;
    };
    let reason = format!(
        "this port is not asked for as {host}: use 127.0.0.1 or localhost, or name the host in \
         `access.hosts`\n"
    );
    (StatusCode::FORBIDDEN, reason).into_response()
}
