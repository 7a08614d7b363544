//! Sends to the collector, on the node's runtime: the thread that empties the queue has none.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use tokio::runtime::Handle;
use tracing::{info, warn};

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Collector {
    client: HyperClient,
    runtime: Handle,
    endpoint: String,
    /// Whether the last request failed: said once, not once a request.
    failing: AtomicBool,
}

impl Collector {
    pub(super) fn new(endpoint: &str) -> Self {
        Self {
            client: HyperClient::with_default_connector(REQUEST, None),
            runtime: Handle::current(),
            endpoint: endpoint.to_owned(),
            failing: AtomicBool::new(false),
        }
    }

    fn note(&self, failure: Option<String>) {
        let was_failing = self.failing.swap(failure.is_some(), Ordering::Relaxed);
        let endpoint = &self.endpoint;
        match failure {
            Some(reason) if !was_failing => {
                warn!(endpoint, reason, "traces are not taken: dropped until they are");
            }
            None if was_failing => info!(endpoint, "traces are taken again"),
            Some(_) | None => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send_bytes(request).await }).await;
        let answered = sent.unwrap_or_else(|ended| Err(Box::new(ended)));
        self.note(match &answered {
            Err(error) => Some(chain_of(error.as_ref())),
            Ok(answer) if !answer.status().is_success() => Some(answer.status().to_string()),
            Ok(_) => None,
        });
        answered
    }
}

/// An error with what it came from: hyper's own text alone names no reason.
fn chain_of(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
