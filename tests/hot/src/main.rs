//! The hot core, step by step, for a profiler that counts instructions: `scripts/instructions.sh`.
//!
//! A leader orders, executes and signs a block of 64 payments; a follower decodes, checks, re-executes
//! and acks it; the acks certify it; 512 writes go into a state. Each step is one call of a function
//! named `measured_…`, in this order, whose instructions are counted; everything else is preparation.
//! No sockets, disk or clock, so that two runs count nearly the same.

mod channel;
mod state;

use fairway_proto::Message;
use fairway_types::Verified;

use self::{channel::Four, state::Accounts};

fn main() -> anyhow::Result<()> {
    let mut four = Four::new()?;
    let calls = four.payments();
    let block = measured_cut(&mut four, calls)?;
    let frame = measured_encode(&block);
    let message = measured_decode(&frame)?;
    let message = measured_verify(message)?;
    let ack = measured_follow(&mut four, message.clone())?;
    let mut acks = vec![ack];
    for follower in 2..channel::NODES {
        acks.push(four.follow(follower, message.clone())?);
    }
    measured_certify(&mut four, acks)?;
    let mut accounts = Accounts::new();
    let writes = accounts.writes();
    measured_root(&mut accounts, &writes)?;
    Ok(())
}

/// The leader takes 64 checked calls of its clients and cuts a block.
#[inline(never)]
fn measured_cut(four: &mut Four, calls: channel::Calls) -> anyhow::Result<Message> {
    four.cut(calls)
}

#[inline(never)]
fn measured_encode(block: &Message) -> Vec<u8> {
    block.encode()
}

#[inline(never)]
fn measured_decode(frame: &[u8]) -> anyhow::Result<Message> {
    Ok(Message::decode(frame)?)
}

/// The signatures of the leader, and of 64 senders.
#[inline(never)]
fn measured_verify(message: Message) -> anyhow::Result<Verified<Message>> {
    Ok(message.verify()?)
}

/// A follower re-executes the block and acks it.
#[inline(never)]
fn measured_follow(four: &mut Four, block: Verified<Message>) -> anyhow::Result<Message> {
    four.follow(1, block)
}

/// The leader takes three acks, checks their signatures, and has its block certified.
#[inline(never)]
fn measured_certify(four: &mut Four, acks: Vec<Message>) -> anyhow::Result<()> {
    four.certify(acks)
}

/// 512 writes into a state of 10^4 resources, and its root.
#[inline(never)]
fn measured_root(accounts: &mut Accounts, writes: &[fairway_types::Write]) -> anyhow::Result<()> {
    accounts.apply(writes)
}
