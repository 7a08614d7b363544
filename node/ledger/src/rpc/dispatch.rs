//! One message of a client: a request, a notification or a batch, and what is answered.

use std::borrow::Cow;

use fairway_api::to_error;
use fairway_types::Refusal;
use jsonrpsee::{
    Extensions, MethodCallback, Methods,
    core::{
        id_providers::RandomIntegerIdProvider,
        server::{
            BatchResponseBuilder, BoundedSubscriptions, ConnectionId, MethodResponse, MethodSink,
            SubscriptionState, helpers::prepare_error,
        },
    },
    types::{
        ErrorObject, ErrorObjectOwned, Id, Notification, Params, Request,
        error::{ErrorCode, reject_too_many_subscriptions},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::access::Client;

/// Milliseconds after which a client may try again.
const RETRY_AFTER: u64 = 100;

/// Who asks.
pub(super) struct Caller {
    pub(super) client: Client,
    pub(super) methods: Methods,
    /// Those of them that are answered here; all when there is no list.
    pub(super) only: Option<&'static [&'static str]>,
    pub(super) answer_bytes: usize,
    pub(super) number: ConnectionId,
    pub(super) sink: MethodSink,
    pub(super) subscriptions: BoundedSubscriptions,
}

/// What is to be known of a request before it has a place.
#[derive(Deserialize)]
pub(super) struct Peek<'a> {
    #[serde(borrow, default)]
    pub(super) method: Option<Cow<'a, str>>,
    #[serde(borrow, default = "no_id")]
    pub(super) id: Id<'a>,
}

fn no_id() -> Id<'static> {
    Id::Null
}

pub(super) fn peek(request: &[u8]) -> Peek<'_> {
    serde_json::from_slice(request).unwrap_or(Peek { method: None, id: Id::Null })
}

/// The answer to a request without a place.
pub(super) fn busy() -> ErrorObjectOwned {
    to_error(&Refusal::busy("requests of this connection", RETRY_AFTER))
}

impl Caller {
    /// The answer, unless there is none: to a notification, or when it was sent already.
    pub(super) async fn answer(&self, message: &[u8]) -> Option<Box<RawValue>> {
        let first = message.iter().find(|byte| !byte.is_ascii_whitespace());
        let response = match first {
            Some(b'{') => self.single(message).await,
            Some(b'[') => Some(self.batch(message).await),
            Some(_) | None => Some(MethodResponse::error(Id::Null, ErrorCode::ParseError)),
        };
        let response = response.filter(|response| !response.is_subscription())?;
        (!response.is_notification()).then(|| response.into_json())
    }

    async fn single(&self, message: &[u8]) -> Option<MethodResponse> {
        if let Ok(request) = serde_json::from_slice::<Request<'_>>(message) {
            return Some(self.call(request).await);
        }
        if serde_json::from_slice::<Notification<'_, Option<&RawValue>>>(message).is_ok() {
            return None;
        }
        let (id, code) = prepare_error(message);
        Some(MethodResponse::error(id, ErrorObject::from(code)))
    }

    async fn batch(&self, message: &[u8]) -> MethodResponse {
        let Ok(entries) = serde_json::from_slice::<Vec<&RawValue>>(message) else {
            return MethodResponse::error(Id::Null, ErrorCode::ParseError);
        };
        let mut answers = BatchResponseBuilder::new_with_limit(self.answer_bytes);
        let is_empty = entries.is_empty();
        for entry in entries {
            let Some(answer) = self.single(entry.get().as_bytes()).await else { continue };
            if let Err(too_large) = answers.append(answer) {
                return too_large;
            }
        }
        if answers.is_empty() && !is_empty {
            return MethodResponse::notification();
        }
        MethodResponse::from_batch(answers.finish())
    }

    fn answers(&self, method: &str) -> Result<(), ErrorObjectOwned> {
        if self.only.is_none_or(|only| only.contains(&method)) {
            return Ok(());
        }
        let reason =
            format!("{method} is not answered here, where nothing is changed: ask the API's port");
        Err(to_error(&Refusal::Unauthorised { reason }))
    }

    async fn call(&self, request: Request<'_>) -> MethodResponse {
        let Request { id, method, params, .. } = request;
        if let Err(early) = self.client.take() {
            return MethodResponse::error(id, early);
        }
        if let Err(elsewhere) = self.answers(&method) {
            return MethodResponse::error(id, elsewhere);
        }
        let params = Params::new(params.as_ref().map(|params| params.get()));
        let mut extensions = Extensions::new();
        extensions.insert(self.number);
        let (number, most) = (self.number, self.answer_bytes);
        match self.methods.method(&method) {
            None => MethodResponse::error(id, ErrorCode::MethodNotFound),
            Some(MethodCallback::Sync(run)) => run(id, params, most, extensions),
            Some(MethodCallback::Async(run)) => {
                run(id.into_owned(), params.into_owned(), number, most, extensions).await
            }
            Some(MethodCallback::Unsubscription(run)) => run(id, params, number, most, extensions),
            Some(MethodCallback::Subscription(run)) => {
                let Some(subscription_permit) = self.subscriptions.acquire() else {
                    let most = self.subscriptions.max();
                    return MethodResponse::error(id, reject_too_many_subscriptions(most));
                };
                let id_provider = &RandomIntegerIdProvider;
                let state = SubscriptionState { conn_id: number, id_provider, subscription_permit };
                run(id, params, self.sink.clone(), state, extensions).await
            }
        }
    }
}
