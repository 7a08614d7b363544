//! A WebSocket client that sends frames rendered beforehand: a client's own cost is kept small, since
//! it runs on the cores that the nodes run on.

use std::{
    io::{self, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

const TEXT: u8 = 1;
/// Longer than any call may wait.
const SILENCE: Duration = Duration::from_secs(30);

pub(crate) struct Socket(TcpStream);

impl Socket {
    /// Connects to `ws://host:port`.
    pub(crate) fn connect(url: &str) -> anyhow::Result<Self> {
        let host = url.trim_start_matches("ws://");
        let mut stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            answer.extend(byte);
        }
        anyhow::ensure!(
            answer.starts_with(b"HTTP/1.1 101"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        Ok(Self(stream))
    }

    pub(crate) fn reader(&self) -> io::Result<Frames> {
        let reader = BufReader::with_capacity(64 << 10, self.0.try_clone()?);
        Ok(Frames { reader, bytes: 0 })
    }

    pub(crate) fn writer(&self) -> io::Result<TcpStream> {
        self.0.try_clone()
    }
}

/// What the server sends.
pub(crate) struct Frames {
    reader: BufReader<TcpStream>,
    pub(crate) bytes: u64,
}

impl Frames {
    /// The next text into `text`; false for other frames.
    pub(crate) fn next(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let mut head = [0; 2];
        self.reader.read_exact(&mut head)?;
        let (length, more) = match head[1] & 0x7f {
            126 => {
                let mut length = [0; 2];
                self.reader.read_exact(&mut length)?;
                (u64::from(u16::from_be_bytes(length)), 2)
            }
            127 => {
                let mut length = [0; 8];
                self.reader.read_exact(&mut length)?;
                (u64::from_be_bytes(length), 8)
            }
            short => (u64::from(short), 0),
        };
        text.resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        self.reader.read_exact(text)?;
        self.bytes += 2 + more + length;
        Ok(head[0] & 0xf == TEXT)
    }
}

/// A client's text frame. Its mask is zero, so that the text stands in it as it is.
pub(crate) fn text_frame(text: &[u8]) -> Vec<u8> {
    const MASKED: u8 = 0x80;
    let mut frame = Vec::with_capacity(text.len() + 14);
    frame.push(0x80 | TEXT);
    match text.len() {
        length @ 0..126 => frame.push(MASKED | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(MASKED | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(MASKED | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}
