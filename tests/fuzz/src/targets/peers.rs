//! What other nodes send.

use fairway::peers::frame::{push_frame, read_frame, read_hello};
use fairway_proto::Message;
use fairway_types::crypto::Verify;
use tokio::runtime::{Builder, Runtime};

use super::Verdict;

/// One frame, as a link takes it.
pub(super) fn message(data: &[u8]) -> Verdict {
    let Ok(message) = Message::decode(data) else { return Verdict::Refused };
    assert!(message.encode() == data, "decoded bytes encode to others");
    message.check().is_ok().into()
}

/// A stream: the channel, then frames until one is not what it should be. What was read, written
/// again, is what came.
pub(super) fn stream(data: &[u8]) -> Verdict {
    thread_local! {
        static RUNTIME: Option<Runtime> = Builder::new_current_thread().enable_time().build().ok();
    }
    RUNTIME.with(|runtime| match runtime {
        Some(runtime) => runtime.block_on(read_stream(data)),
        None => panic!("no runtime"),
    })
}

async fn read_stream(data: &[u8]) -> Verdict {
    let mut rest = data;
    let Ok(channel) = read_hello(&mut rest).await else { return Verdict::Refused };
    let mut written = channel.as_bytes().to_vec();
    let mut frame = Vec::new();
    let mut accepted = true;
    while !rest.is_empty() {
        if read_frame(&mut rest, &mut frame).await.is_err() {
            return Verdict::Refused;
        }
        push_frame(&mut written, &frame);
        if !frame.is_empty() && message(&frame) == Verdict::Refused {
            accepted = false;
            break;
        }
    }
    assert!(data.starts_with(&written), "frames written again are others");
    accepted.into()
}
