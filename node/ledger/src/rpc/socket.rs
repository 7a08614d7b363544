//! A client's socket: one that takes nothing of what is written to it is given up, and so is one
//! that began a large message when too much of unfinished messages is held.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// How long a client may take nothing of what is written to it. Longer than a subscriber may be
/// behind, so that it can still be told.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of messages that have begun, of all connections; beyond, who has more than its share ends.
const UNFINISHED: usize = 128 << 20;
/// Of one connection, whatever the others hold.
const SHARE: usize = 64 << 10;

/// Bytes of unfinished messages at a server.
#[derive(Clone, Default)]
pub(super) struct Unfinished(Arc<AtomicUsize>);

/// Counts what a connection has sent of a message that is not finished.
#[derive(Clone)]
pub(super) struct Meter {
    own: Arc<Own>,
}

struct Own {
    bytes: AtomicUsize,
    all: Unfinished,
}

impl Drop for Own {
    fn drop(&mut self) {
        self.all.0.fetch_sub(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

impl Meter {
    /// The message is whole.
    pub(super) fn finished(&self) {
        let bytes = self.own.bytes.swap(0, Ordering::Relaxed);
        self.own.all.0.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether so many bytes more may be held.
    fn take(&self, bytes: usize) -> bool {
        let own = self.own.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let all = self.own.all.0.fetch_add(bytes, Ordering::Relaxed) + bytes;
        own <= SHARE || all <= UNFINISHED
    }
}

pub(super) struct Paced {
    socket: TcpStream,
    meter: Meter,
    /// Runs while the client takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    pub(super) fn new(socket: TcpStream, all: Unfinished) -> (Self, Meter) {
        let meter = Meter { own: Arc::new(Own { bytes: AtomicUsize::new(0), all }) };
        (Self { socket, meter: meter.clone(), stuck: None }, meter)
    }

    fn patient<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(written) = write(Pin::new(&mut self.socket), context) {
            self.stuck = None;
            return Poll::Ready(written);
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        ready!(stuck.as_mut().poll(context));
        let reason = "the client reads nothing of what is written to it";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, reason)))
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        if self.meter.take(buffer.filled().len() - before) {
            return Poll::Ready(Ok(()));
        }
        let reason = "too many large messages have begun";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::OutOfMemory, reason)))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.patient(context, |socket, context| socket.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.patient(context, |socket, context| socket.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
