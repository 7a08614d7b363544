//! One member's calls, signed and rendered before the clock starts.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fairway_sdk::{Channel, Keypair};
use fairway_types::{Call, Gas, Operation, SignedCall, Time, ids::ChainId, limits};
use serde_json::json;

use super::socket::text_frame;

/// One member's requests in the order of their numbers; the id of each is its index.
pub(crate) struct Calls {
    pub(super) url: String,
    pub(super) frames: Vec<Vec<u8>>,
    /// Microseconds of signing one.
    pub(crate) sign_us: f64,
}

/// Signs `count` calls, the first with the number that the node expects next.
pub(crate) async fn sign(
    channel: &Channel,
    chain: ChainId,
    url: &str,
    key: &Keypair,
    count: usize,
    operation: impl Fn(usize) -> Operation,
) -> anyhow::Result<Calls> {
    let sender = key.address();
    let mut sequence = channel.sequence(sender).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let expires_at = Time(u64::try_from(now)?).plus(limits::CALL_LIFETIME * 9 / 10);
    let mut frames = Vec::with_capacity(count);
    let mut signing = 0.0;
    for id in 0..count {
        let operation = operation(id);
        let channel = channel.id();
        let gas_limit = Gas(limits::CALL_GAS);
        let call = Call { chain, channel, sender, sequence, operation, gas_limit, expires_at };
        let begun = Instant::now();
        let signature = key.sign(&call);
        signing += begun.elapsed().as_secs_f64();
        let call = SignedCall { key: key.public(), signature, call };
        let request = json!({
            "jsonrpc": "2.0", "id": id, "method": "state_channel.call",
            "params": { "call": call, "wait": "certified" },
        });
        frames.push(text_frame(&serde_json::to_vec(&request)?));
        sequence = sequence.next();
    }
    let sign_us = signing * 1e6 / count.max(1) as f64;
    Ok(Calls { url: url.to_owned(), frames, sign_us })
}
