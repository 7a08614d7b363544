//! Methods under a path of another HTTP server, over WebSocket alone: who may ask is decided as at a
//! port of their own, and a connection is bounded as there.

use std::{
    net::IpAddr,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use hyper::{Method, Request, StatusCode, header};
use jsonrpsee::{
    Methods,
    server::{ConnectionGuard, HttpBody, HttpResponse, http, stop_channel},
};
use tokio::sync::{Semaphore, watch};

use super::{
    Access, Denials, Limits, Shared, Upgrade,
    access::{self, Asked, Gate},
    last, session, shake_hands,
    socket::{Meter, Unfinished},
};

/// What answers requests to a path. Its connections end when the last clone is dropped.
#[derive(Clone)]
pub struct Mount {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    number: Arc<AtomicU32>,
    running: Arc<watch::Sender<()>>,
}

impl Mount {
    /// Answers those of `methods` that `only` names, to whom `access` lets in, on a port of `address`
    /// that serves pages too.
    #[must_use]
    pub fn new(
        methods: impl Into<Methods>,
        only: &'static [&'static str],
        limits: Limits,
        (access, address): (Access, IpAddr),
        denials: Arc<Denials>,
    ) -> Self {
        let shared = Shared {
            methods: methods.into(),
            only: Some(only),
            limits,
            gate: Gate::new(access, address, denials).with_own_pages(),
            unfinished: Unfinished::default(),
            http: ConnectionGuard::new(0),
            stopped: stop_channel().0,
        };
        Self {
            shared: Arc::new(shared),
            places: Arc::new(Semaphore::new(limits.connections)),
            number: Arc::default(),
            running: Arc::new(watch::Sender::new(())),
        }
    }

    /// Answers a request of `from` that [`super::serve_http`] took: with a WebSocket, or, where none is
    /// asked for, with 204 to say that one would be let in.
    #[must_use]
    pub fn answer<B>(&self, request: Request<B>, from: IpAddr) -> HttpResponse {
        let admitted = match self.shared.gate.admit(request.method(), request.headers(), from) {
            Ok(Asked::Request(admitted)) => admitted,
            Ok(Asked::Preflight(_)) => return last(access::not_allowed("GET")),
            Err(denied) => return last(denied.response()),
        };
        if *request.method() != Method::GET {
            return last(access::not_allowed("GET"));
        }
        if !request.headers().contains_key(header::SEC_WEBSOCKET_KEY) {
            return empty(StatusCode::NO_CONTENT);
        }
        let Some(meter) = request.extensions().get::<Meter>().cloned() else {
            return empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return http::response::too_many_requests();
        };
        let upgrade = Upgrade::default();
        let response = shake_hands(request, admitted, &upgrade);
        let upgrade = upgrade.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some((upgraded, client)) = upgrade {
            let shared = Arc::clone(&self.shared);
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            let mut ended = self.running.subscribe();
            tokio::spawn(async move {
                let _place = place;
                let Ok(upgraded) = upgraded.await else { return };
                tokio::select! {
                    () = session::run(upgraded, client, &shared, meter, number) => {}
                    _ = ended.changed() => {}
                }
            });
        }
        response
    }
}

fn empty(status: StatusCode) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::empty());
    *response.status_mut() = status;
    response
}
