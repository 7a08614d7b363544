//! One client's WebSocket: reads a request when there is room for it, answers each when it is done.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use jsonrpsee::{
    core::server::{BoundedSubscriptions, MethodSink},
    types::{ErrorObject, Id, error::reject_too_big_request},
};
use serde_json::value::RawValue;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Bytes, Error as SocketError, Message,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{
    Shared,
    access::Client,
    dispatch::{Caller, busy, peek},
    socket::Meter,
};

/// Messages waiting to be written.
const QUEUE: usize = 16;
/// Requests under way that wait for something, and all others.
const WAITING: usize = 1_024;
/// How long a client that has all of these under way is not read from, before more of them are refused:
/// longer than a change of the leader. Refusing costs nearly as much as taking, and the calls of a
/// sender would come out of their order.
const PATIENCE: Duration = Duration::from_secs(5);
const OTHERS: usize = 16;
/// Bytes of requests under way; one is taken whatever its size.
const BYTES: usize = 4 << 20;
/// How often the client is asked whether it is there, and how long it may say nothing.
const PING: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(75);

/// Read at a time; every connection holds as much.
const READ_BYTES: usize = 8 << 10;
/// A request that is larger than it may be is read to its end, so that its sender hears of it,
/// unless it is so many times larger.
const READ_ON: usize = 4;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What one connection has under way.
struct Places {
    waiting: Arc<Semaphore>,
    others: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// Since when nothing that waits has found a place.
    full: Option<Instant>,
}

type Place = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// Ends when the client is gone; everything of it ends with it.
pub(super) async fn run(
    upgraded: Upgraded,
    client: Client,
    shared: &Shared,
    meter: Meter,
    number: u32,
) {
    let most = Some(READ_ON * shared.limits.request_bytes as usize);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .max_message_size(most)
        .max_frame_size(most);
    let io = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    let (sender, receiver) = socket.split();
    let (queue, outgoing) = mpsc::channel(QUEUE);
    let caller = Caller {
        client,
        methods: shared.methods.clone(),
        only: shared.only,
        answer_bytes: shared.limits.answer_bytes as usize,
        number: number.into(),
        sink: MethodSink::new(queue),
        subscriptions: BoundedSubscriptions::new(shared.limits.subscriptions),
    };
    tokio::select! {
        _ = write(sender, outgoing) => {}
        () = read(receiver, Arc::new(caller), shared, meter) => {}
    }
}

async fn write(
    mut sender: SplitSink<Socket, Message>,
    mut outgoing: mpsc::Receiver<Box<RawValue>>,
) -> Result<(), SocketError> {
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            message = outgoing.recv() => match message {
                Some(message) => text(message),
                None => return sender.close().await,
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        sender.feed(message).await?;
        // What else is there goes with it.
        while let Ok(message) = outgoing.try_recv() {
            sender.feed(text(message)).await?;
        }
        sender.flush().await?;
    }
}

fn text(message: Box<RawValue>) -> Message {
    Message::text(String::from(Box::<str>::from(message)))
}

async fn read(
    mut receiver: SplitStream<Socket>,
    caller: Arc<Caller>,
    shared: &Shared,
    meter: Meter,
) {
    let mut places = Places {
        waiting: Arc::new(Semaphore::new(WAITING)),
        others: Arc::new(Semaphore::new(OTHERS)),
        bytes: Arc::new(Semaphore::new(BYTES)),
        full: None,
    };
    let most = shared.limits.request_bytes;
    let mut under_way = JoinSet::new();
    while let Ok(Some(Ok(message))) = timeout(SILENCE, receiver.next()).await {
        meter.finished();
        let request = match message {
            Message::Text(text) => Bytes::from(text),
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            Message::Close(_) => return,
        };
        while under_way.try_join_next().is_some() {}
        let sent = if request.len() > most as usize {
            caller.sink.send_error(Id::Null, reject_too_big_request(most)).await.is_ok()
        } else {
            begin(request, &caller, shared, &mut places, &mut under_way).await
        };
        if !sent {
            return;
        }
    }
}

/// Starts a request once it has a place; false when nothing can be sent any more.
async fn begin(
    request: Bytes,
    caller: &Arc<Caller>,
    shared: &Shared,
    places: &mut Places,
    under_way: &mut JoinSet<()>,
) -> bool {
    let Some(place) = places.find(&request, shared.limits.waiting).await else {
        let answer: ErrorObject<'_> = busy();
        let id = peek(&request).id;
        return caller.sink.send_error(id, answer).await.is_ok();
    };
    let caller = Arc::clone(caller);
    under_way.spawn(async move {
        if let Some(answer) = caller.answer(&request).await {
            let _ = caller.sink.send(answer).await;
        }
        drop(place);
    });
    true
}

impl Places {
    /// A place for the request. For one that may wait for long there is an end to waiting here: what the
    /// client sends after it, and others wait for, would never be read.
    async fn find(&mut self, request: &[u8], waiting: &[&str]) -> Option<Place> {
        let bytes = u32::try_from(request.len().min(BYTES)).unwrap_or(u32::MAX);
        let waits = peek(request).method.is_some_and(|method| waiting.contains(&&*method));
        if waits {
            let place = async {
                let place = Arc::clone(&self.waiting).acquire_owned().await.ok()?;
                Some((place, Arc::clone(&self.bytes).acquire_many_owned(bytes).await.ok()?))
            };
            let since = *self.full.get_or_insert_with(Instant::now);
            let place = timeout(PATIENCE.saturating_sub(since.elapsed()), place).await.ok()?;
            self.full = None;
            return place;
        }
        // Its answer must have been read by then, as far as the queue goes.
        let place = Arc::clone(&self.others).acquire_owned().await.ok()?;
        Some((place, Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?))
    }
}
