//! A bare libp2p stream: the limit of what a message between two nodes can cost.

use std::time::Instant;

use futures::StreamExt;
use libp2p::{
    Multiaddr, StreamProtocol, Swarm, SwarmBuilder, noise, swarm::SwarmEvent, tcp, yamux,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::compat::FuturesAsyncReadCompatExt;

use crate::report::Report;

const PROTOCOL: StreamProtocol = StreamProtocol::new("/bench/1");
const ROUNDS: u32 = 5_000;

/// One byte there and back, flushed each time, over TCP, Noise and Yamux on loopback.
pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let mut server = swarm()?;
    server.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let address: Multiaddr = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = server.select_next_some().await {
            break address;
        }
    };
    let peer = *server.local_peer_id();
    let mut incoming = server
        .behaviour()
        .new_control()
        .accept(PROTOCOL)
        .map_err(|error| anyhow::anyhow!(error.to_string()))?;
    tokio::spawn(run(server));
    tokio::spawn(async move {
        while let Some((_, stream)) = incoming.next().await {
            let mut stream = stream.compat();
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {
                if stream.write_all(&byte).await.is_err() || stream.flush().await.is_err() {
                    break;
                }
            }
        }
    });
    let mut client = swarm()?;
    client.dial(address.with_p2p(peer).map_err(|_| anyhow::anyhow!("no address"))?)?;
    loop {
        if let SwarmEvent::ConnectionEstablished { .. } = client.select_next_some().await {
            break;
        }
    }
    let mut control = client.behaviour().new_control();
    tokio::spawn(run(client));
    let opened = control.open_stream(peer, PROTOCOL).await;
    let mut stream = opened.map_err(|error| anyhow::anyhow!(error.to_string()))?.compat();
    let begun = Instant::now();
    let mut byte = [1];
    for _ in 0..ROUNDS {
        stream.write_all(&byte).await?;
        stream.flush().await?;
        stream.read_exact(&mut byte).await?;
    }
    let each = begun.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
    report.add(
        "stream_rtt_us",
        each,
        "us",
        None,
        "1 byte there and back, TCP+Noise+Yamux, loopback",
    );
    Ok(())
}

fn swarm() -> anyhow::Result<Swarm<libp2p_stream::Behaviour>> {
    Ok(SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|_| libp2p_stream::Behaviour::new())?
        .build())
}

async fn run(mut swarm: Swarm<libp2p_stream::Behaviour>) {
    loop {
        swarm.select_next_some().await;
    }
}
