//! A WebSocket connection that is made again when it breaks.

use std::{future::Future, sync::Arc, time::Duration};

use jsonrpsee::{
    client_transport::ws::WsHandshakeError,
    core::ClientError,
    ws_client::{HeaderMap, HeaderValue, PingConfig, WsClient, WsClientBuilder},
};
use tokio::sync::Mutex;

use crate::Error;

const CONNECT: Duration = Duration::from_secs(5);
/// Longer than a call may wait for the status it asked for.
const REQUEST: Duration = Duration::from_secs(60);
const MESSAGE_BYTES: u32 = 64 << 20;
const REQUESTS: usize = 16_384;

/// One server, reconnected to on the next request after a break. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    /// Shown to the server, where it asks for one.
    token: Option<String>,
    client: Mutex<Option<Arc<WsClient>>>,
}

impl Connection {
    /// A connection to `url` (`ws://…`); nothing is sent until it is needed.
    pub fn new(url: impl Into<String>) -> Self {
        Self::with_token(url, None)
    }

    /// The same, showing a token to a server that asks for one.
    pub fn with_token(url: impl Into<String>, token: Option<String>) -> Self {
        Self { inner: Arc::new(Inner { url: url.into(), token, client: Mutex::new(None) }) }
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// The live client; connects if there is none.
    pub async fn client(&self) -> Result<Arc<WsClient>, Error> {
        let mut slot = self.inner.client.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| client.is_connected()) {
            return Ok(Arc::clone(client));
        }
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.inner.token {
            let bearer =
                HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Barred {
                    url: self.url().to_owned(),
                    reason:
                        "the token can't be sent: it holds other characters than letters, digits \
                             and -._~"
                            .into(),
                })?;
            headers.insert("authorization", bearer);
        }
        let client = WsClientBuilder::default()
            .set_headers(headers)
            .connection_timeout(CONNECT)
            .request_timeout(REQUEST)
            .max_request_size(MESSAGE_BYTES)
            .max_response_size(MESSAGE_BYTES)
            .max_concurrent_requests(REQUESTS)
            .max_buffer_capacity_per_subscription(REQUESTS)
            .enable_ws_ping(PingConfig::new())
            .build(self.url())
            .await
            .map_err(|error| self.not_connected(&error))?;
        let client = Arc::new(client);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }

    /// Sends one request; with a connection that broke while it was idle, once more on a new one.
    pub async fn request<T, F>(&self, send: impl Fn(Arc<WsClient>) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let result = send(self.client().await?).await;
        let broken =
            matches!(result, Err(ClientError::RestartNeeded(_) | ClientError::ServiceDisconnect));
        if !broken {
            return result.map_err(|error| Error::of(self.url(), error));
        }
        send(self.client().await?).await.map_err(|error| Error::of(self.url(), error))
    }

    fn not_connected(&self, error: &ClientError) -> Error {
        let url = self.url().to_owned();
        match barred(error) {
            Some(reason) => Error::Barred { url, reason: reason.into() },
            None => Error::Unreachable { url, reason: error.to_string() },
        }
    }
}

/// Why the server does not let this client in, and what to do, if that is what it answered.
fn barred(error: &ClientError) -> Option<&'static str> {
    let ClientError::Transport(inner) = error else { return None };
    let WsHandshakeError::Rejected { status_code } = inner.downcast_ref()? else { return None };
    match status_code {
        401 => Some(
            "it asks for a token, and for another than was shown (HTTP status 401): --token-file or \
             FAIRWAY_TOKEN in a command, Client::connect_with in code",
        ),
        403 => Some(
            "it does not take this host or this origin (HTTP status 403): see access.hosts and \
             access.origins of its configuration",
        ),
        _ => None,
    }
}
