//! A port: takes connections while there are places, serves each in a task of its own, and ends all
//! of them when it is closed.

use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::debug;

use super::{
    places::{Place, Places},
    socket::{Paced, Unfinished},
};

/// How long a request's head may take, and a connection rest between two requests.
const HEAD: Duration = Duration::from_secs(10);
/// Before connections are taken again after that failed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// How long connections may take to end once they are told to.
const END: Duration = Duration::from_secs(2);
/// The answer to a connection too many.
const FULL: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\
                      connection: close\r\n\r\n";

/// A port that is listened on.
pub struct Port {
    pub address: SocketAddr,
    /// How long connections may go on from now, once it is to close.
    close: watch::Sender<Option<Duration>>,
}

impl Port {
    /// Listens on `address`, port 0 takes a free one; `serve` is given each of at most `connections`
    /// connections, with where it comes from and its place.
    ///
    /// # Errors
    /// When the address can't be listened on.
    pub async fn open<S, F>(address: SocketAddr, connections: usize, serve: S) -> io::Result<Self>
    where
        S: Fn(TcpStream, IpAddr, Arc<Place>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (close, closing) = watch::channel(None);
        tokio::spawn(accept(listener, Places::new(connections), closing, serve));
        Ok(Self { address, close })
    }

    /// Frees the port; connections that have not ended after `patience` are cut.
    pub async fn close(self, patience: Duration) {
        self.close.send_replace(Some(patience));
        let _ = timeout(patience + END, self.close.closed()).await;
    }
}

async fn accept<S, F>(
    listener: TcpListener,
    places: Arc<Places>,
    mut closing: watch::Receiver<Option<Duration>>,
    serve: S,
) where
    S: Fn(TcpStream, IpAddr, Arc<Place>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = closing.wait_for(Option::is_some) => break,
        };
        let Ok((socket, from)) = accepted else {
            sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let Some(place) = places.take(from.ip()).map(Arc::new) else {
            let _ = socket.try_write(FULL);
            continue;
        };
        let serving = serve(socket, from.ip(), Arc::clone(&place));
        connections.spawn(async move {
            tokio::select! {
                () = serving => {}
                () = place.lost() => debug!("a connection gave way to another"),
            }
        });
    }
    drop(listener);
    let patience = (*closing.borrow()).unwrap_or_default();
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(patience, ended).await;
    connections.shutdown().await;
}

/// HTTP as every port speaks it.
pub(super) fn http() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder
}

/// Answers the requests of one connection until it ends; from `stop` on only the one under way. A
/// client that takes nothing of its answer for 30 s is cut.
pub async fn serve_http<S, B>(socket: TcpStream, service: S, stop: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send> + Send,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (socket, meter) = Paced::new(socket, Unfinished::default());
    let service = service_fn(move |mut request: Request<Incoming>| {
        meter.finished();
        // For what takes the connection over.
        request.extensions_mut().insert(meter.clone());
        service.call(request)
    });
    let connection = http().serve_connection(TokioIo::new(socket), service).with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a client's connection ended");
    }
}
