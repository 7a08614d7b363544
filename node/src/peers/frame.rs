//! What a stream between two nodes carries: the opener's channel, then frames. Reads from anything,
//! so that it is checked without a network.

use std::{io, time::Duration};

use fairway_types::{ChannelId, limits};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

/// A peer that says nothing for so long is gone, whatever its connection looks like.
const SILENCE: Duration = Duration::from_secs(5);

/// The channel that a stream is for.
pub async fn read_hello(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<ChannelId> {
    let mut channel = [0; ChannelId::LENGTH];
    reader.read_exact(&mut channel).await?;
    Ok(ChannelId(channel))
}

/// Reads one frame into `frame`. The length is checked before anything is allocated; a peer from
/// which nothing at all comes for [`SILENCE`] is gone.
pub async fn read_frame(
    reader: &mut (impl AsyncRead + Unpin),
    frame: &mut Vec<u8>,
) -> io::Result<()> {
    let length = timeout(SILENCE, reader.read_u32()).await?? as usize;
    if length > limits::FRAME_BYTES {
        let reason = format!("{length} bytes, the limit is {}", limits::FRAME_BYTES);
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    frame.clear();
    let mut rest = reader.take(length as u64);
    while frame.len() < length {
        if timeout(SILENCE, rest.read_buf(frame)).await?? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// Whether `bytes` begin with all of a frame.
#[must_use]
pub fn is_whole(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk() else { return false };
    rest.len() >= u32::from_be_bytes(*length) as usize
}

/// Appends a frame as [`read_frame`] reads it.
pub fn push_frame(buffer: &mut Vec<u8>, frame: &[u8]) {
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    buffer.extend(length.to_be_bytes());
    buffer.extend(frame);
}
