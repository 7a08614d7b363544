//! One peer in one channel: the stream, its reader and its writer, and what happens when it breaks.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fairway_proto::{Input, Message};
use fairway_types::{ChannelId, NodeId, Refusal, limits};
use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, Stream};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::{AbortHandle, JoinSet, block_in_place},
    time::{sleep, timeout},
};
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};
use tracing::{debug, warn};

use super::{Inner, PROTOCOL, Traffic, frame, swarm::Command};
use crate::driver::ChannelHandle;

/// Frames and bytes waiting for one peer; more are dropped, and the peer catches up by asking.
const QUEUE: usize = 4_096;
const QUEUE_BYTES: usize = 32 << 20;
/// Bytes waiting for a peer beyond which it is sent no blocks and parts that it asks for.
const SERVED_BYTES: usize = 8 << 20;
/// Bytes of frames that one peer may have waiting for a channel; a frame of [`limits::FRAME_BYTES`]
/// fits. What is read beyond stays in the connection, whose window then closes.
const INBOX_BYTES: usize = limits::FRAME_BYTES;
/// What a frame counts at least, so that small ones leave room in the inbox for others' words.
const FRAME_LEAST: usize = 8 << 10;
/// Bytes that say how long a frame is.
const FRAME_HEAD: u64 = 4;
/// Written at once.
const WRITE_FRAMES: usize = 64;
const WRITE_BYTES: usize = 16 << 10;
/// Frames above this are decoded and checked off the network's threads.
const LARGE_FRAME: usize = 16 << 10;
/// Messages checked together.
const GROUP: usize = 256;
/// Between two tries to connect; the longest pause after many.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(2);
/// Before a peer that sent what it must not is listened to again.
const PENALTY: Duration = Duration::from_secs(1);
const CONNECT: Duration = Duration::from_secs(5);
/// An idle writer sends an empty frame this often.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// How long a stream's opener may take to name its channel.
const HELLO: Duration = Duration::from_secs(5);
/// Streams whose opener has not named a channel yet; those of one peer.
const GREETING: usize = 256;
const GREETING_PER_PEER: usize = 32;

pub(super) struct LinkParts {
    pub(super) channel: ChannelHandle,
    pub(super) me: NodeId,
    pub(super) node: NodeId,
    pub(super) peer: PeerId,
    pub(super) swarm: mpsc::Sender<Command>,
    pub(super) connected: watch::Receiver<HashSet<PeerId>>,
    pub(super) control: libp2p_stream::Control,
    /// What is left of [`INBOX_BYTES`].
    pub(super) room: Arc<Semaphore>,
    pub(super) traffic: Arc<Traffic>,
}

impl LinkParts {
    pub(super) fn inbox() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(INBOX_BYTES))
    }
}

/// A link's outside; dropping it closes the link.
pub(super) struct Link {
    peer: PeerId,
    frames: mpsc::Sender<Arc<[u8]>>,
    queued: Arc<AtomicUsize>,
    streams: mpsc::Sender<Stream>,
    endpoints: watch::Sender<Vec<Multiaddr>>,
    task: AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Link {
    pub(super) fn start(parts: LinkParts, endpoints: Vec<Multiaddr>) -> Self {
        let (frames, outgoing) = mpsc::channel(QUEUE);
        let (streams, incoming) = mpsc::channel(1);
        let (endpoints, addresses) = watch::channel(endpoints);
        let queued = Arc::new(AtomicUsize::new(0));
        let peer = parts.peer;
        let worker = Worker { parts, outgoing, incoming, addresses, queued: Arc::clone(&queued) };
        let task = tokio::spawn(worker.run()).abort_handle();
        Self { peer, frames, queued, streams, endpoints, task }
    }

    pub(super) fn set_endpoints(&self, endpoints: Vec<Multiaddr>) {
        self.endpoints.send_if_modified(|known| {
            let changed = *known != endpoints;
            *known = endpoints;
            changed
        });
    }

    /// Queues a frame, or drops it when the peer is too far behind.
    pub(super) fn send(&self, frame: &Arc<[u8]>) {
        let before = self.queued.fetch_add(frame.len(), Ordering::Relaxed);
        let fits = before + frame.len() <= QUEUE_BYTES;
        if !fits || self.frames.try_send(Arc::clone(frame)).is_err() {
            self.queued.fetch_sub(frame.len(), Ordering::Relaxed);
        }
    }
}

impl Link {
    pub(super) fn peer(&self) -> PeerId {
        self.peer
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Whether little enough waits for the peer that it can be sent more than it must have.
    pub(super) fn reads(&self) -> bool {
        self.waiting_bytes() < SERVED_BYTES
    }
}

struct Worker {
    parts: LinkParts,
    outgoing: mpsc::Receiver<Arc<[u8]>>,
    incoming: mpsc::Receiver<Stream>,
    addresses: watch::Receiver<Vec<Multiaddr>>,
    queued: Arc<AtomicUsize>,
}

/// Why a stream ended.
enum End {
    /// It broke, or the peer closed it.
    Broken(io::Error),
    /// The peer opened another one: this one is dead on its side.
    Replaced(Stream),
    /// The peer sent what no honest node sends.
    Refused(Refusal),
}

impl Worker {
    async fn run(mut self) {
        let mut pause = RETRY;
        let mut next = None;
        loop {
            let stream = match next.take() {
                Some(stream) => stream,
                None => match self.connect().await {
                    Ok(stream) => stream,
                    Err(error) => {
                        debug!(peer = %self.parts.node, %error, "no stream");
                        sleep(pause).await;
                        pause = (pause * 2).min(RETRY_MOST);
                        continue;
                    }
                },
            };
            pause = RETRY;
            match self.serve(stream).await {
                End::Broken(error) => {
                    debug!(peer = %self.parts.node, %error, "stream ended");
                    sleep(RETRY).await;
                }
                End::Replaced(stream) => next = Some(stream),
                End::Refused(refusal) => {
                    warn!(peer = %self.parts.node, %refusal, "peer sent what it must not");
                    sleep(PENALTY).await;
                }
            }
        }
    }

    /// A stream to the peer: opened here when this node's id is the lower one, or taken from the
    /// peer. Either side connects.
    async fn connect(&mut self) -> io::Result<Stream> {
        let addresses = self.addresses.borrow_and_update().clone();
        if !self.parts.connected.borrow().contains(&self.parts.peer) {
            let _ = self.parts.swarm.try_send(Command::Dial(self.parts.peer, addresses));
        }
        let Self { parts, incoming, .. } = self;
        let waits = parts.me > parts.node;
        tokio::select! {
            stream = incoming.recv() => {
                stream.ok_or_else(|| io::Error::other("the node is stopping"))
            }
            opened = open(parts), if !waits => opened,
            () = sleep(CONNECT), if waits => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    async fn serve(&mut self, stream: Stream) -> End {
        let (reader, writer) = tokio::io::split(stream.compat());
        tokio::select! {
            end = read_frames(reader, &self.parts) => end,
            error = write_frames(writer, &mut self.outgoing, &self.queued, &self.parts.traffic) => End::Broken(error),
            Some(stream) = self.incoming.recv() => End::Replaced(stream),
        }
    }
}

/// Opens a stream on the peer's connection, once there is one.
async fn open(parts: &mut LinkParts) -> io::Result<Stream> {
    let peer = parts.peer;
    timeout(CONNECT, parts.connected.wait_for(|peers| peers.contains(&peer)))
        .await?
        .map_err(io::Error::other)?;
    let opened = timeout(CONNECT, parts.control.open_stream(peer, PROTOCOL)).await;
    // A connection on which nothing opens is dead: the next try makes another.
    let opened = opened.inspect_err(|_| {
        let _ = parts.swarm.try_send(Command::Disconnect(peer));
    })?;
    let mut stream = opened.map_err(io::Error::other)?.compat();
    stream.write_all(parts.channel.id.as_bytes()).await?;
    stream.flush().await?;
    Ok(stream.into_inner())
}

async fn read_frames(reader: ReadHalf<Compat<Stream>>, parts: &LinkParts) -> End {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let mut frame = Vec::new();
    loop {
        let mut group = Group::default();
        let ended = read_group(&mut reader, &mut frame, parts, &mut group).await.err();
        let check = || Message::verify_together(group.messages);
        let (checked, bad) =
            if group.bytes > LARGE_FRAME { block_in_place(check) } else { check() };
        for (message, room) in checked.into_iter().zip(group.rooms) {
            let input = Input::Peer { from: parts.node, message: Box::new(message) };
            parts.channel.input(input, Some(room)).await;
        }
        if let Some(end) = bad.map(End::Refused).or(ended) {
            return end;
        }
        // One large frame must not leave its memory behind on every link.
        if frame.capacity() > 1 << 20 {
            frame = Vec::new();
        }
    }
}

/// Messages that were read together, each with what it takes of the inbox.
#[derive(Default)]
struct Group {
    messages: Vec<Message>,
    rooms: Vec<OwnedSemaphorePermit>,
    bytes: usize,
}

/// Waits for one message, and takes those behind it that are here already and have room.
async fn read_group(
    reader: &mut BufReader<ReadHalf<Compat<Stream>>>,
    frame: &mut Vec<u8>,
    parts: &LinkParts,
    group: &mut Group,
) -> Result<(), End> {
    loop {
        frame::read_frame(reader, frame).await.map_err(broken)?;
        parts.traffic.received.fetch_add(FRAME_HEAD + frame.len() as u64, Ordering::Relaxed);
        if !frame.is_empty() {
            let bytes = u32::try_from(frame.len().max(FRAME_LEAST)).unwrap_or(u32::MAX);
            let room = Arc::clone(&parts.room).acquire_many_owned(bytes).await;
            let stopping = |_| End::Broken(io::Error::other("the node is stopping"));
            let room = room.map_err(stopping)?;
            group.bytes += frame.len();
            let large = frame.len() > LARGE_FRAME;
            let decode = || Message::decode(frame);
            let message = if large { block_in_place(decode) } else { decode() };
            group.messages.push(message.map_err(End::Refused)?);
            group.rooms.push(room);
        }
        let goes_on = group.messages.is_empty()
            || (group.messages.len() < GROUP
                && frame::is_whole(reader.buffer())
                && parts.room.available_permits() >= FRAME_LEAST.max(reader.buffer().len()));
        if !goes_on {
            return Ok(());
        }
    }
}

fn broken(error: io::Error) -> End {
    if error.kind() != io::ErrorKind::InvalidData {
        return End::Broken(error);
    }
    End::Refused(Refusal::Malformed { what: "frame".into(), reason: error.to_string() })
}

/// Drains what is queued, writes once, flushes once.
async fn write_frames(
    mut writer: WriteHalf<Compat<Stream>>,
    outgoing: &mut mpsc::Receiver<Arc<[u8]>>,
    queued: &AtomicUsize,
    traffic: &Traffic,
) -> io::Error {
    let mut buffer = Vec::with_capacity(WRITE_BYTES);
    loop {
        buffer.clear();
        match timeout(KEEP_ALIVE, outgoing.recv()).await {
            Ok(Some(first)) => push_frame(&mut buffer, &first, queued),
            Ok(None) => return io::Error::other("the channel was closed"),
            // Nothing to say: an empty frame says that the link stands.
            Err(_) => buffer.extend(0u32.to_be_bytes()),
        }
        for _ in 1..WRITE_FRAMES {
            if buffer.len() >= WRITE_BYTES {
                break;
            }
            let Ok(frame) = outgoing.try_recv() else { break };
            push_frame(&mut buffer, &frame, queued);
        }
        if let Err(error) = write_all(&mut writer, &buffer).await {
            return error;
        }
        traffic.sent.fetch_add(buffer.len() as u64, Ordering::Relaxed);
    }
}

async fn write_all(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

fn push_frame(buffer: &mut Vec<u8>, frame: &[u8], queued: &AtomicUsize) {
    queued.fetch_sub(frame.len(), Ordering::Relaxed);
    frame::push_frame(buffer, frame);
}

/// Takes streams that others open and hands each to the link of the channel it names. One for a
/// channel this node does not run, or from a node that is no member of it, is closed.
pub(super) async fn accept(inner: Weak<Inner>, mut control: libp2p_stream::Control) {
    let Ok(mut streams) = control.accept(PROTOCOL) else {
        warn!("another part of this program takes {PROTOCOL}");
        return;
    };
    let mut greeting = JoinSet::new();
    let mut of_peer: HashMap<PeerId, usize> = HashMap::new();
    while let Some((peer, stream)) = streams.next().await {
        while let Some(ended) = greeting.try_join_next() {
            let left = ended.ok().and_then(|peer| of_peer.get_mut(&peer));
            left.into_iter().for_each(|left| *left = left.saturating_sub(1));
        }
        of_peer.retain(|_, count| *count > 0);
        let count = of_peer.entry(peer).or_default();
        if greeting.len() >= GREETING || *count >= GREETING_PER_PEER {
            continue;
        }
        *count += 1;
        let inner = Weak::clone(&inner);
        greeting.spawn(async move {
            if let Ok(Ok((channel, stream))) = timeout(HELLO, read_hello(stream)).await {
                route(&inner, peer, channel, stream);
            }
            peer
        });
    }
}

async fn read_hello(stream: Stream) -> io::Result<(ChannelId, Stream)> {
    let mut stream = stream.compat();
    let channel = frame::read_hello(&mut stream).await?;
    Ok((channel, stream.into_inner()))
}

fn route(inner: &Weak<Inner>, peer: PeerId, channel: ChannelId, stream: Stream) {
    let Some(inner) = inner.upgrade() else { return };
    let channels = inner.channels();
    let Some(links) = channels.get(&channel) else { return };
    if let Some(link) = links.values().find(|link| link.peer == peer) {
        let _ = link.streams.try_send(stream);
    }
}
