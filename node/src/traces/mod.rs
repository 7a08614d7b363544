//! Traces for OpenTelemetry: where the time of a call, of a block and of a settlement went, on this
//! node. A span is made when what it is of has ended, from times noted on the way, and put in a bounded
//! queue that a thread of its own empties: nothing here waits for the collector. Without a tracer no
//! time is noted and nothing is kept.
//!
//! Ids are cut from hashes, so that nodes agree on them without a word on the wire: a trace's id is the
//! first 16 bytes of the call's, the block's or the proposal's hash, the id of the span that begins it
//! the next eight.

mod calls;
mod collector;
mod span;
mod thread;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use fairway_types::{Hash, NodeId};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor},
};

pub(crate) use self::{
    calls::{CallTraces, FollowedCall},
    thread::Following,
};
use self::{collector::Collector, span::Span};
use crate::config;

/// Finished spans that wait to be sent; more are dropped.
const QUEUE: usize = 8_192;
/// Spans in one request.
const BATCH: usize = 512;
/// Between two requests, unless a batch is full.
const EVERY: Duration = Duration::from_secs(1);
/// How long the end waits for what is not sent yet.
const END: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
#[error("traces can't be sent to {endpoint}: {reason}; correct `traces.endpoint`")]
pub struct TracesError {
    pub endpoint: String,
    pub reason: String,
}

/// Where finished spans go.
pub struct Tracer {
    spans: BatchSpanProcessor,
    /// Hashes are followed whose last eight bytes, as a number, are below this.
    below: u128,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer").field("below", &self.below).finish_non_exhaustive()
    }
}

impl Tracer {
    /// The tracer that the configuration asks for, if it does, of the node `node`. It sends on the
    /// runtime that this is called on.
    ///
    /// # Errors
    /// When the endpoint is no URL. One that can't be reached is no error: it is said in the log, and
    /// what could not be sent is dropped.
    pub fn start(traces: &config::Traces, node: NodeId) -> Result<Option<Arc<Self>>, TracesError> {
        let Some(endpoint) = &traces.endpoint else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_http_client(Collector::new(endpoint))
            .build()
            .map_err(|error| TracesError {
                endpoint: endpoint.clone(),
                reason: error.to_string(),
            })?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(EVERY)
            .build();
        let mut spans = BatchSpanProcessor::new(exporter, batches);
        spans.set_resource(&resource(node));
        Ok(Some(Arc::new(Self { spans, below: below(traces.sample) })))
    }

    /// Whether what has this hash is among the share that is traced: on all nodes of one share alike.
    fn follows(&self, hash: &Hash) -> bool {
        let mut end = [0; 8];
        end.copy_from_slice(&hash.0[24..]);
        u128::from(u64::from_be_bytes(end)) < self.below
    }

    /// Queues a span; drops it when the queue is full.
    fn emit(&self, span: Span) {
        self.spans.on_end(span.into());
    }

    /// Sends what is queued, for a second at most. What ends after it is not sent.
    pub async fn stop(self: Arc<Self>) {
        let _ = tokio::task::spawn_blocking(move || self.spans.shutdown_with_timeout(END)).await;
    }
}

/// A share of all 64-bit numbers.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to 1 of 2^64 fits"
)]
fn below(share: f64) -> u128 {
    (share.clamp(0.0, 1.0) * 2f64.powi(64)) as u128
}

fn resource(node: NodeId) -> Resource {
    Resource::builder_empty()
        .with_service_name("fairway")
        .with_attributes([
            span::text("service.version", env!("CARGO_PKG_VERSION")),
            span::text("service.instance.id", node.to_string()),
        ])
        .build()
}

fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_of_hashes_is_followed() {
        assert_eq!(below(0.0), 0);
        assert_eq!(below(0.5), 1 << 63);
        assert_eq!(below(1.0), 1 << 64, "the largest number too");
    }
}
