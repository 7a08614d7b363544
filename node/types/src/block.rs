//! Blocks, acks and certificates: what node keys sign.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    bundle::{Bundle, SignedBundle, Vouched},
    call::{Call, Transaction},
    codec,
    crypto::{self, Claim, PublicKey, Signable, Signature, Verify, check_signature},
    hash::{Domain, Hash, hash_list, hash_value},
    ids::{ChannelId, Height, NodeId, Term, Time},
    limits,
    view_change::TermCertificate,
};

/// What the leader signs. All that a block does is committed to by these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Header {
    pub channel: ChannelId,
    /// Hash of the header before; of the genesis for height 1.
    pub parent: Hash,
    pub height: Height,
    pub term: Term,
    /// The leader's time: never before the parent's.
    pub time: Time,
    /// Height of the block's justification: zero for none.
    pub justified: Height,
    /// Hash of the certificate that opens the term, in a term's first block.
    pub opening: Option<Hash>,
    /// Hash over the transactions' hashes, in order.
    pub transactions_root: Hash,
    /// Hash over the effects' hashes, in order.
    pub effects_root: Hash,
    /// Root of the state after the block.
    pub state_root: Hash,
    /// Room for what later versions commit to; empty today.
    #[serde(with = "codec::hex_bytes")]
    #[schemars(with = "String")]
    pub extension: Vec<u8>,
}

impl Header {
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::Block, self)
    }
}

impl Signable for Header {
    const DOMAIN: &'static str = "block";
}

/// A header and who signed it: all of a block that its leader can be held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHeader {
    pub header: Header,
    pub leader: NodeId,
    pub signature: Signature,
}

impl Verify for SignedHeader {
    fn check(&self) -> Result<(), Refusal> {
        check_signature(&self.header, &PublicKey::from(self.leader), &self.signature)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub header: Header,
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::BLOCK_TRANSACTIONS }>")]
    pub transactions: Vec<Transaction>,
    /// The highest certificate the leader had when it signed: whoever acks this block holds it,
    /// which is what makes the certified ancestor final.
    pub justification: Option<Certificate>,
    /// What gives the leader its term, in a term's first block; none in the channel's first.
    pub opening: Option<Box<TermCertificate>>,
    /// What stands for signatures of calls in a channel that trusts members' own nodes; each for at
    /// least one. The header does not commit to them: of calls that their accounts signed, a block
    /// without them is as good.
    #[serde(deserialize_with = "codec::at_most::<_, _, { limits::BLOCK_TRANSACTIONS }>")]
    pub bundles: Vec<SignedBundle>,
    /// The node that leads the term.
    pub leader: NodeId,
    pub signature: Signature,
}

impl Block {
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.header.hash()
    }

    #[must_use]
    pub fn height(&self) -> Height {
        self.header.height
    }

    #[must_use]
    pub fn signed_header(&self) -> SignedHeader {
        SignedHeader { header: self.header.clone(), leader: self.leader, signature: self.signature }
    }

    fn check_size(&self) -> Result<(), Refusal> {
        let size = codec::size(self);
        if size > limits::BLOCK_BYTES {
            return Err(Refusal::TooLarge {
                what: "block".into(),
                actual: size as u64,
                limit: limits::BLOCK_BYTES as u64,
            });
        }
        if !self.header.extension.is_empty() {
            return Err(Refusal::invalid("block", "its extension is not empty"));
        }
        Ok(())
    }

    fn check_opening(&self) -> Result<(), Refusal> {
        let opening = self.opening.as_deref();
        if opening.map(TermCertificate::hash) != self.header.opening {
            return Err(Refusal::invalid("block", "term certificate is not the one it names"));
        }
        let Some(opening) = opening else { return Ok(()) };
        if opening.term() != self.header.term {
            return Err(Refusal::invalid("block", "term certificate is of another term"));
        }
        opening.check()
    }

    #[must_use]
    pub fn transactions_root(transactions: &[Transaction]) -> Hash {
        root_of(transactions.iter().map(Transaction::hash))
    }

    /// P-11, P-133, all signatures together: every call is signed by its sender, or in a bundle of a node that vouches for it.
    fn check_calls(&self, hashes: &[Hash]) -> Result<(), Refusal> {
        let vouched = Vouched::by(&self.bundles);
        let mut claims: Vec<Claim> = self.bundles.iter().map(SignedBundle::claim).collect();
        for (transaction, hash) in self.transactions.iter().zip(hashes) {
            if let Transaction::Call(call) = transaction
                && !vouched.covers(call, hash)?
            {
                claims.push(call.claim()?);
            }
        }
        let of_block: BTreeSet<&Hash> = match self.bundles.is_empty() {
            true => BTreeSet::new(),
            false => hashes.iter().collect(),
        };
        let is_idle =
            |signed: &SignedBundle| !signed.bundle.calls.iter().any(|hash| of_block.contains(hash));
        if self.bundles.iter().any(is_idle) {
            return Err(Refusal::invalid("block", "a bundle of it is for none of its calls"));
        }
        match crypto::bad_signatures(&claims).first() {
            None => Ok(()),
            Some(bad) => {
                let what = if *bad < self.bundles.len() { Bundle::DOMAIN } else { Call::DOMAIN };
                Err(Refusal::BadSignature { what: what.to_owned(), key: claims[*bad].key })
            }
        }
    }
}

fn root_of(transactions: impl Iterator<Item = Hash>) -> Hash {
    hash_list(Domain::TransactionsRoot, transactions)
}

impl Verify for Block {
    // P-21: the header commits to the transactions, the named leader signed it, every call in it is
    // signed by its sender or vouched for, and it fits every message that may carry it.
    fn check(&self) -> Result<(), Refusal> {
        if self.transactions.len() > limits::BLOCK_TRANSACTIONS {
            return Err(Refusal::TooLarge {
                what: "block".into(),
                actual: self.transactions.len() as u64,
                limit: limits::BLOCK_TRANSACTIONS as u64,
            });
        }
        self.check_size()?;
        check_signature(&self.header, &PublicKey::from(self.leader), &self.signature)?;
        let justified = self.justification.as_ref().map_or(Height::ZERO, |proof| proof.ack.height);
        if justified != self.header.justified || justified >= self.header.height {
            return Err(Refusal::invalid("block", "justification is not the one it names"));
        }
        if let Some(certificate) = &self.justification {
            certificate.check()?;
        }
        self.check_opening()?;
        let hashes: Vec<Hash> = self.transactions.iter().map(Transaction::hash).collect();
        if root_of(hashes.iter().copied()) != self.header.transactions_root {
            return Err(Refusal::invalid("block", "transactions do not match their root"));
        }
        self.check_calls(&hashes)
    }
}

/// A node's word that it verified, re-executed and stored the block and all before it in its term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ack {
    pub channel: ChannelId,
    pub term: Term,
    pub height: Height,
    pub block: Hash,
}

impl Signable for Ack {
    const DOMAIN: &'static str = "ack";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAck {
    pub ack: Ack,
    pub node: NodeId,
    pub signature: Signature,
}

impl Verify for SignedAck {
    fn check(&self) -> Result<(), Refusal> {
        check_signature(&self.ack, &PublicKey::from(self.node), &self.signature)
    }
}

/// Acks of one block whose weight makes a quorum. The leader's own ack is among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Certificate {
    pub ack: Ack,
    /// Sorted by node, each once.
    pub signatures: Vec<(NodeId, Signature)>,
}

impl Verify for Certificate {
    fn check(&self) -> Result<(), Refusal> {
        if self.signatures.len() > limits::MEMBERS {
            return Err(Refusal::TooLarge {
                what: "certificate".into(),
                actual: self.signatures.len() as u64,
                limit: limits::MEMBERS as u64,
            });
        }
        if self.signatures.is_empty() {
            return Err(Refusal::invalid("certificate", "nobody signed it"));
        }
        if !self.signatures.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Refusal::invalid("certificate", "signatures are not sorted and unique"));
        }
        let bytes = self.ack.signing_bytes();
        for (node, signature) in &self.signatures {
            let key = PublicKey::from(*node);
            if !key.verifies(&bytes, signature) {
                return Err(Refusal::BadSignature { what: "certificate".into(), key });
            }
        }
        Ok(())
    }
}

/// A block with the proof that it was certified, as sync hands it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertifiedBlock {
    pub block: Arc<Block>,
    pub certificate: Option<Certificate>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Keypair};

    fn block(change: impl FnOnce(&mut Block)) -> Block {
        let leader = Keypair::from_seed(&[1; 32]);
        let header = Header {
            channel: ChannelId::ZERO,
            parent: Hash::ZERO,
            height: Height(1),
            term: Term::default(),
            time: Time(1),
            justified: Height::ZERO,
            opening: None,
            transactions_root: Block::transactions_root(&[]),
            effects_root: Hash::ZERO,
            state_root: Hash::ZERO,
            extension: Vec::new(),
        };
        let signature = leader.sign(&header);
        let mut block = Block {
            header,
            transactions: Vec::new(),
            justification: None,
            opening: None,
            bundles: Vec::new(),
            leader: leader.node_id(),
            signature,
        };
        change(&mut block);
        block.header.transactions_root = Block::transactions_root(&block.transactions);
        block.signature = leader.sign(&block.header);
        block
    }

    fn settled(accounts: usize) -> Transaction {
        Transaction::Settled { number: 1, paid: vec![Address::from_low(1); accounts] }
    }

    #[test]
    fn block_above_the_limit_is_refused() {
        let of = |bytes: usize| block(|block| block.transactions = vec![settled(bytes / 32)]);
        assert_eq!(of(limits::BLOCK_BYTES - 1_024).check(), Ok(()));
        assert_eq!(of(limits::BLOCK_BYTES).check().unwrap_err().name(), "too_large");
    }

    #[test]
    fn block_with_something_in_its_extension_is_refused() {
        assert_eq!(block(|_| {}).check(), Ok(()));
        let refusal = block(|block| block.header.extension = vec![1]).check().unwrap_err();
        assert_eq!(refusal.name(), "invalid_argument");
    }

    #[test]
    fn certificate_that_nobody_signed_is_refused() {
        let (channel, term) = (ChannelId::ZERO, Term::default());
        let ack = Ack { channel, term, height: Height(u64::MAX), block: Hash::ZERO };
        assert!(Certificate { ack, signatures: Vec::new() }.check().is_err());
    }
}
