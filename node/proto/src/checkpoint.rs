//! A checkpoint: what a node must know of a channel, besides the state, to go on from a final block
//! without the blocks before it. Everything in it follows from the block's hash and the state's
//! root, but who is to be believed about these: see [`crate::channel`].
//!
//! What comes after the block may speak of blocks before it: their certificates are checked against
//! the places that the links give, and against one registered set, since nobody entered or left
//! from below the first of them up to the last.

use std::sync::Arc;

use fairway_state::StateProof;
use fairway_types::{
    Ack, Block, Certificate, ChannelId, Hash, Header, Height, Refusal, StateKey, TermCertificate,
    codec, crypto::Verify, limits,
};
use serde::{Deserialize, Serialize};

/// A header before the block, with what opened its term if it is a term's first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub header: Header,
    pub opening: Option<Box<TermCertificate>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The final block.
    pub block: Arc<Block>,
    /// Acks of it by a registered quorum.
    pub certificate: Certificate,
    /// The headers before it, ascending, from the block that it justifies on.
    pub before: Vec<Link>,
    /// The headers after it up to one that carries a certificate of it; none when everybody acked.
    pub after: Vec<Header>,
    /// Acks of the last of those by a registered quorum: they make the block final.
    pub finality: Option<Certificate>,
    /// The height of the last block that changed the registered members, with its proof in the
    /// newest state that the headers commit to.
    pub registered: Option<Height>,
    pub proof: StateProof,
    /// Entries of the state, for people: nothing rests on it.
    pub entries: u64,
}

/// What certificates of a block before the checkpoint are checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    pub height: Height,
    pub hash: Hash,
    pub term: fairway_types::Term,
    /// See [`crate::channel::log::Held`].
    pub base: Height,
}

impl Checkpoint {
    #[must_use]
    pub fn height(&self) -> Height {
        self.block.height()
    }

    /// Root of the state after the block.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.block.header.state_root
    }

    /// The certificate that makes the block final.
    #[must_use]
    pub fn top(&self) -> &Certificate {
        self.finality.as_ref().unwrap_or(&self.certificate)
    }

    /// The places that the headers give, the block's own last.
    pub(crate) fn places(&self) -> impl Iterator<Item = Passed> {
        let own = (&self.block.header, self.block.opening.as_deref());
        let links = self.before.iter().map(|link| (&link.header, link.opening.as_deref()));
        links.chain([own]).map(|(header, opening)| {
            let base = opening.map_or(header.height.previous(), TermCertificate::base_height);
            Passed { height: header.height, hash: header.hash(), term: header.term, base }
        })
    }

    /// The lowest height whose registered set is asked about any of those blocks.
    pub(crate) fn lowest_base(&self) -> Height {
        self.places().map(|passed| passed.base).min().unwrap_or_default()
    }

    /// P-82: whether the parts belong together: the headers are one chain through the block, the
    /// certificates are of it, and one registered set certifies it all.
    pub fn check_links(&self, channel: ChannelId) -> Result<(), Refusal> {
        let refused = |reason: &str| Err(Refusal::invalid("checkpoint", reason));
        if self.block.header.channel != channel {
            return refused("it is another channel's");
        }
        let first = self.before.first().map_or(self.height(), |link| link.header.height);
        if first != self.block.header.justified.max(Height(1)) {
            return refused("its links do not begin at what its block justifies");
        }
        let links = self.before.iter().map(|link| &link.header);
        let headers: Vec<&Header> = links.chain([&self.block.header]).chain(&self.after).collect();
        if !headers.windows(2).all(|pair| follows(pair[0], pair[1])) {
            return refused("its headers are no chain");
        }
        if self.before.iter().any(|link| !is_opened_by(&link.header, link.opening.as_deref())) {
            return refused("an opening is not the one that its header names");
        }
        if !is_about(&self.certificate.ack, &self.block.header) {
            return refused("its certificate is of another block");
        }
        self.check_finality()?;
        self.check_registered()
    }

    /// P-33, by the headers: a block of the same term that carries a certificate of the checkpoint's
    /// is certified itself; or the block needs none, since everybody acked it.
    fn check_finality(&self) -> Result<(), Refusal> {
        let fits = match (&self.finality, self.after.last()) {
            (None, None) => true,
            (Some(finality), Some(last)) => {
                last.justified == self.height()
                    && last.term == self.block.header.term
                    && is_about(&finality.ack, last)
            }
            (Some(_), None) | (None, Some(_)) => false,
        };
        if fits { Ok(()) } else { Err(Refusal::invalid("checkpoint", "it is not final")) }
    }

    /// Nobody entered or left from the first block's base up to the set that certifies the last.
    fn check_registered(&self) -> Result<(), Refusal> {
        let value = self.registered.map(|height| codec::encode(&height));
        let proven =
            self.proof.verify(&self.newest_root(), &StateKey::Registered, value.as_deref());
        if proven.is_err() {
            return Err(Refusal::invalid("checkpoint", "its registered height is not proven"));
        }
        if self.registered.unwrap_or_default() > self.lowest_base() {
            let reason = "the registered members changed in between";
            return Err(Refusal::invalid("checkpoint", reason));
        }
        Ok(())
    }

    /// Root of the state before the last block that a certificate here is of, but not before the
    /// checkpoint's own.
    fn newest_root(&self) -> Hash {
        let before_last = self.after.iter().rev().nth(1);
        before_last.map_or(self.root(), |header| header.state_root)
    }
}

fn follows(parent: &Header, child: &Header) -> bool {
    child.height == parent.height.next() && child.parent == parent.hash()
}

fn is_opened_by(header: &Header, opening: Option<&TermCertificate>) -> bool {
    header.opening == opening.map(TermCertificate::hash)
}

fn is_about(ack: &Ack, header: &Header) -> bool {
    (ack.channel, ack.term, ack.height) == (header.channel, header.term, header.height)
        && ack.block == header.hash()
}

impl Verify for Checkpoint {
    // P-81: what can be checked without knowing the channel.
    fn check(&self) -> Result<(), Refusal> {
        let links = self.before.len().max(self.after.len());
        if links > limits::CHECKPOINT_LINKS {
            return Err(Refusal::TooLarge {
                what: "checkpoint".into(),
                actual: links as u64,
                limit: limits::CHECKPOINT_LINKS as u64,
            });
        }
        self.block.check()?;
        self.certificate.check()?;
        self.finality.as_ref().map_or(Ok(()), Verify::check)
    }
}
