//! The SDK's side: JSON-RPC 2.0 over WebSocket and HTTP. `state_channel.*` is answered here,
//! `chain.*` is passed on to the settlement chain.

mod calls;
mod chain;
mod notices;
mod view;

use std::{net::SocketAddr, time::Duration};

use fairway_api::{ChainApiServer, StateChannelApiServer, to_error};
use fairway_types::Refusal;
use jsonrpsee::{
    Methods,
    core::{RegisterMethodError, RpcResult},
    server::{PingConfig, ServerBuilder, ServerConfig, ServerHandle},
};

pub use calls::ChannelServer;
pub use chain::ChainPass;

use crate::node::Node;

/// Bytes of a request (a package as JSON fits) and of an answer.
const REQUEST_BYTES: u32 = 4 << 20;
const ANSWER_BYTES: u32 = 64 << 20;
const CONNECTIONS: u32 = 1_024;
const SUBSCRIPTIONS: u32 = 256;
/// Messages waiting for one slow connection.
const BACKLOG: u32 = 32;

#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {reason}; choose another address or stop who uses it")]
pub struct ServeError {
    pub address: SocketAddr,
    pub reason: String,
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    /// Serves the node's API on `address`; port 0 takes a free one.
    pub async fn start(node: &Node, address: SocketAddr) -> Result<Self, ServeError> {
        let failed = |reason: String| ServeError { address, reason };
        let config = ServerConfig::builder()
            .max_request_body_size(REQUEST_BYTES)
            .max_response_body_size(ANSWER_BYTES)
            .max_connections(CONNECTIONS)
            .max_subscriptions_per_connection(SUBSCRIPTIONS)
            .set_message_buffer_capacity(BACKLOG)
            .set_tcp_no_delay(true)
            .enable_ws_ping(PingConfig::new())
            .build();
        let server = ServerBuilder::with_config(config)
            .build(address)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let address = server.local_addr().map_err(|error| failed(error.to_string()))?;
        let methods = methods(node).map_err(|error| failed(error.to_string()))?;
        Ok(Self { address, handle: server.start(methods) })
    }

    /// Closes connections and frees the port.
    pub async fn stop(self) {
        let _ = self.handle.stop();
        let _ = tokio::time::timeout(Duration::from_secs(2), self.handle.stopped()).await;
    }
}

/// Everything a node answers.
pub fn methods(node: &Node) -> Result<Methods, RegisterMethodError> {
    let mut methods: Methods = ChannelServer::new(node.clone()).into_rpc().into();
    methods.merge(ChainPass::new(node.chain().ledger().connection().url()).into_rpc())?;
    Ok(methods)
}

fn rpc<T>(result: Result<T, Refusal>) -> RpcResult<T> {
    result.map_err(|refusal| to_error(&refusal))
}
