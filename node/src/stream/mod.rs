//! The SDK's side: JSON-RPC 2.0 over WebSocket and HTTP. `state_channel.*` is answered here,
//! `chain.*` is passed on to the settlement chain.

mod calls;
mod chain;
mod notices;
mod reads;
mod signatures;
mod view;

use std::{net::SocketAddr, sync::Arc};

use fairway_api::{ChainApiServer, StateChannelApiServer, to_error};
use fairway_ledger::rpc;
use fairway_types::Refusal;
use jsonrpsee::{
    Methods,
    core::{RegisterMethodError, RpcResult},
};

pub use calls::ChannelServer;
pub use chain::ChainPass;

use crate::node::Node;

/// A package as JSON fits a request.
const LIMITS: rpc::Limits = rpc::Limits {
    request_bytes: 4 << 20,
    answer_bytes: 64 << 20,
    connections: 1_024,
    subscriptions: 256,
    waiting: &[
        "state_channel.call",
        "state_channel.leave",
        "state_channel.close",
        "state_channel.propose_settlement",
    ],
};

#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {reason}; choose another address or stop who uses it")]
pub struct ServeError {
    pub address: SocketAddr,
    pub reason: String,
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    server: rpc::Server,
}

impl Server {
    /// Serves the node's API on `address` to this machine's programs and pages; port 0 takes a free
    /// one.
    pub async fn start(node: &Node, address: SocketAddr) -> Result<Self, ServeError> {
        Self::start_for(node, address, rpc::Access::default()).await
    }

    /// The same to whom `access` lets in.
    pub async fn start_for(
        node: &Node,
        address: SocketAddr,
        access: rpc::Access,
    ) -> Result<Self, ServeError> {
        let failed = |reason: String| ServeError { address, reason };
        let methods = methods(node).map_err(|error| failed(error.to_string()))?;
        let server = rpc::Server::start(methods, address, LIMITS, access).await;
        let server = server.map_err(|error| failed(error.to_string()))?;
        Ok(Self { address: server.address, server })
    }

    /// Requests that were not let in.
    #[must_use]
    pub fn denials(&self) -> &Arc<rpc::Denials> {
        &self.server.denials
    }

    /// Closes connections and frees the port.
    pub async fn stop(self) {
        self.server.stop().await;
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
