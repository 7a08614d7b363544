//! Requests over HTTP, each of which takes its client's place first.

use std::future::ready;

use futures::future::Either;
use jsonrpsee::{
    core::{
        middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT},
        server::MethodResponse,
    },
    types::Request,
};

use super::access::Client;

#[derive(Clone)]
pub(super) struct Limited<S> {
    pub(super) service: S,
    pub(super) client: Client,
}

impl<S> RpcServiceT for Limited<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse>,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        match self.client.take() {
            Ok(()) => Either::Left(self.service.call(request)),
            Err(error) => Either::Right(ready(MethodResponse::error(request.id, error))),
        }
    }

    fn batch<'a>(
        &self,
        mut requests: Batch<'a>,
    ) -> impl Future<Output = Self::BatchResponse> + Send + 'a {
        for entry in requests.iter_mut() {
            if let Ok(BatchEntry::Call(request)) = entry
                && let Err(error) = self.client.take()
            {
                *entry = Err(BatchEntryErr::new(request.id.clone(), error));
            }
        }
        self.service.batch(requests)
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.service.notification(notification)
    }
}
