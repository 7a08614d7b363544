//! What the kernel may not have: a way between nodes on which everything takes time, and datagrams
//! overtake each other. One proxy stands before each node.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream, UdpSocket,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until},
};

const CHUNK: usize = 16 << 10;
/// Chunks of one direction under way: more wait in the sender.
const CHUNKS: usize = 4_096;
const DATAGRAM: usize = 64 << 10;
/// Datagrams of one direction under way: more are lost, as in any queue.
const DATAGRAMS: usize = 4_096;

/// What passed through the proxies.
#[derive(Default)]
pub(crate) struct Passed {
    pub(crate) bytes: AtomicU64,
    /// Datagrams that a later one overtook.
    pub(crate) overtaken: AtomicU64,
}

/// A running proxy; dropping it ends it and what passes through it.
pub(crate) struct Proxy(JoinHandle<()>);

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Every byte takes `delay` each way.
pub(crate) async fn tcp(
    at: SocketAddr,
    to: SocketAddr,
    delay: Duration,
    passed: Arc<Passed>,
) -> Proxy {
    let listener = TcpListener::bind(at).await.unwrap();
    Proxy(tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((near, _)) = listener.accept().await {
            let passed = Arc::clone(&passed);
            connections.spawn(async move {
                let _ = connection(near, to, delay, &passed).await;
            });
            while connections.try_join_next().is_some() {}
        }
    }))
}

async fn connection(
    near: TcpStream,
    to: SocketAddr,
    delay: Duration,
    passed: &Passed,
) -> io::Result<()> {
    let far = TcpStream::connect(to).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::try_join!(
        later(near_read, far_write, delay, passed),
        later(far_read, near_write, delay, passed),
    )?;
    Ok(())
}

/// Passes on what comes, each chunk at its time.
async fn later(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    passed: &Passed,
) -> io::Result<()> {
    let (sender, mut chunks) = mpsc::channel::<(Instant, Vec<u8>)>(CHUNKS);
    let read = async move {
        loop {
            let mut chunk = vec![0; CHUNK];
            let length = from.read(&mut chunk).await?;
            chunk.truncate(length);
            let sent = sender.send((Instant::now() + delay, chunk)).await;
            if length == 0 || sent.is_err() {
                return io::Result::Ok(());
            }
        }
    };
    let write = async move {
        while let Some((due, chunk)) = chunks.recv().await {
            sleep_until(due).await;
            if chunk.is_empty() {
                return to.shutdown().await;
            }
            to.write_all(&chunk).await?;
            passed.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    };
    tokio::try_join!(read, write)?;
    Ok(())
}

/// Every datagram takes a time of its own within `delay` each way.
pub(crate) async fn udp(
    at: SocketAddr,
    to: SocketAddr,
    delay: std::ops::Range<Duration>,
    passed: Arc<Passed>,
) -> Proxy {
    let near = Arc::new(UdpSocket::bind(at).await.unwrap());
    Proxy(tokio::spawn(async move {
        let mut peers: HashMap<SocketAddr, Direction> = HashMap::new();
        let mut answers = JoinSet::new();
        let mut buffer = vec![0; DATAGRAM];
        while let Ok((length, peer)) = near.recv_from(&mut buffer).await {
            let direction = match peers.entry(peer) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    let far = Arc::new(UdpSocket::bind((at.ip(), 0)).await.unwrap());
                    far.connect(to).await.unwrap();
                    let back = Direction::new(&near, Some(peer), &delay, &passed);
                    answers.spawn(pass_answers(Arc::clone(&far), back));
                    entry.insert(Direction::new(&far, None, &delay, &passed))
                }
            };
            direction.pass(&buffer[..length]);
        }
    }))
}

async fn pass_answers(far: Arc<UdpSocket>, mut back: Direction) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        // A node that is not there yet answers with an error.
        if let Ok(length) = far.recv(&mut buffer).await {
            back.pass(&buffer[..length]);
        }
    }
}

/// Datagrams one way.
struct Direction {
    socket: Arc<UdpSocket>,
    /// The socket's own peer when it has one.
    to: Option<SocketAddr>,
    delay: std::ops::Range<Duration>,
    random: ChaCha8Rng,
    passed: Arc<Passed>,
    sent: u64,
    newest: Arc<AtomicU64>,
    under_way: JoinSet<()>,
}

impl Direction {
    fn new(
        socket: &Arc<UdpSocket>,
        to: Option<SocketAddr>,
        delay: &std::ops::Range<Duration>,
        passed: &Arc<Passed>,
    ) -> Self {
        Self {
            socket: Arc::clone(socket),
            to,
            delay: delay.clone(),
            random: ChaCha8Rng::seed_from_u64(1),
            passed: Arc::clone(passed),
            sent: 0,
            newest: Arc::default(),
            under_way: JoinSet::new(),
        }
    }

    fn pass(&mut self, datagram: &[u8]) {
        while self.under_way.try_join_next().is_some() {}
        if self.under_way.len() >= DATAGRAMS {
            return;
        }
        self.sent += 1;
        let (number, datagram) = (self.sent, datagram.to_vec());
        let due = Instant::now() + self.random.random_range(self.delay.clone());
        let (socket, to) = (Arc::clone(&self.socket), self.to);
        let (newest, passed) = (Arc::clone(&self.newest), Arc::clone(&self.passed));
        self.under_way.spawn(async move {
            sleep_until(due).await;
            if newest.fetch_max(number, Ordering::Relaxed) > number {
                passed.overtaken.fetch_add(1, Ordering::Relaxed);
            }
            passed.bytes.fetch_add(datagram.len() as u64, Ordering::Relaxed);
            let _ = match to {
                Some(to) => socket.send_to(&datagram, to).await,
                None => socket.send(&datagram).await,
            };
        });
    }
}
