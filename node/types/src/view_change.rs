//! Changing the term: what members sign when their leader is silent or faulty or when the chain
//! grants an epoch, and the certificate with which the next leader opens its term.

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    block::{Ack, Certificate},
    crypto::{PublicKey, Signable, Signature, Verify, check_signature},
    hash::{Domain, Hash, hash_value},
    ids::{ChannelId, Height, NodeId, Term},
    limits,
};

/// A block's hash and the term it was signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Place {
    pub hash: Hash,
    pub term: Term,
}

/// A node's promise to ack nothing below `term` any more, with what it acked until then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ViewChange {
    pub channel: ChannelId,
    /// The term that is to begin.
    pub term: Term,
    /// The block of its highest certificate of a registered quorum.
    pub proof: Option<Ack>,
    /// The block of its highest certificate.
    pub certificate: Option<Ack>,
    /// The blocks it acked above that certificate (above genesis without one), ascending, without
    /// gaps.
    pub acked: Vec<Place>,
}

/// What a node signs of a view change: little enough for a contract to check it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewChangeSummary {
    pub channel: ChannelId,
    pub term: Term,
    /// Over everything else in it.
    pub rest: Hash,
}

impl Signable for ViewChangeSummary {
    const DOMAIN: &'static str = "view-change";
}

/// A promise towards a known term, as it is shown to the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPromise {
    pub node: NodeId,
    pub rest: Hash,
    pub signature: Signature,
}

impl ShownPromise {
    /// Whether the node promised this term of this channel.
    #[must_use]
    pub fn is_of(&self, channel: ChannelId, term: Term) -> bool {
        let summary = ViewChangeSummary { channel, term, rest: self.rest };
        check_signature(&summary, &PublicKey::from(self.node), &self.signature).is_ok()
    }
}

impl ViewChange {
    #[must_use]
    pub fn summary(&self) -> ViewChangeSummary {
        let rest = (&self.proof, &self.certificate, &self.acked);
        let rest = hash_value(Domain::ViewChange, &rest);
        ViewChangeSummary { channel: self.channel, term: self.term, rest }
    }

    /// Height below the first of the acked blocks.
    #[must_use]
    pub fn base(&self) -> Height {
        self.certificate.map_or(Height::ZERO, |ack| ack.height)
    }

    /// The acked block at `height`, above the certificate.
    #[must_use]
    pub fn acked_at(&self, height: Height) -> Option<&Place> {
        let index = height.0.checked_sub(self.base().0)?.checked_sub(1)?;
        self.acked.get(usize::try_from(index).ok()?)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SignedViewChange {
    pub view_change: ViewChange,
    pub node: NodeId,
    /// Over the summary.
    pub signature: Signature,
}

impl SignedViewChange {
    #[must_use]
    pub fn shown(&self) -> ShownPromise {
        let rest = self.view_change.summary().rest;
        ShownPromise { node: self.node, rest, signature: self.signature }
    }
}

impl Verify for SignedViewChange {
    fn check(&self) -> Result<(), Refusal> {
        let acked = self.view_change.acked.len();
        if acked > limits::ACKED_AHEAD {
            return Err(Refusal::TooLarge {
                what: "view change".into(),
                actual: acked as u64,
                limit: limits::ACKED_AHEAD as u64,
            });
        }
        check_signature(&self.view_change.summary(), &PublicKey::from(self.node), &self.signature)
    }
}

/// A signed view change with the certificates that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub signed: SignedViewChange,
    pub proof: Option<Certificate>,
    /// Missing when it is the proof itself.
    pub certificate: Option<Certificate>,
}

impl Promise {
    #[must_use]
    pub fn term(&self) -> Term {
        self.signed.view_change.term
    }

    /// The higher of its certificates.
    #[must_use]
    pub fn base(&self) -> Option<&Certificate> {
        self.certificate.as_ref().or(self.proof.as_ref())
    }
}

impl Verify for Promise {
    fn check(&self) -> Result<(), Refusal> {
        let change = &self.signed.view_change;
        let named = (change.proof.as_ref(), change.certificate.as_ref());
        let shown = (self.proof.as_ref().map(|c| &c.ack), self.base().map(|base| &base.ack));
        if named != shown {
            return Err(Refusal::invalid("view change", "it names other certificates"));
        }
        self.proof.iter().chain(&self.certificate).try_for_each(Verify::check)?;
        self.signed.check()
    }
}

/// Enough view changes to begin a term, with the highest certificates that they name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TermCertificate {
    pub proof: Option<Certificate>,
    /// Missing when it is the proof itself.
    pub certificate: Option<Certificate>,
    /// Of one term, sorted by node, each once.
    pub view_changes: Vec<SignedViewChange>,
}

/// What orders certificates: a later term's supersede an earlier one's.
#[must_use]
pub fn rank(ack: &Ack) -> (Term, Height) {
    (ack.term, ack.height)
}

impl TermCertificate {
    #[must_use]
    pub fn hash(&self) -> Hash {
        hash_value(Domain::TermCertificate, self)
    }

    /// The term that it opens.
    #[must_use]
    pub fn term(&self) -> Term {
        self.view_changes.first().map_or_else(Term::default, |first| first.view_change.term)
    }

    /// The higher of its certificates.
    #[must_use]
    pub fn base(&self) -> Option<&Certificate> {
        self.certificate.as_ref().or(self.proof.as_ref())
    }

    /// Height of the higher certificate; zero without one.
    #[must_use]
    pub fn base_height(&self) -> Height {
        self.base().map_or(Height::ZERO, |base| base.ack.height)
    }

    fn highest(&self, of: impl Fn(&ViewChange) -> Option<Ack>) -> Option<Ack> {
        self.view_changes.iter().filter_map(|signed| of(&signed.view_change)).max_by_key(rank)
    }

    /// Whether its certificates are the highest that its view changes name.
    fn names_the_highest(&self) -> bool {
        let ranks = |ack: Option<&Ack>| ack.map(rank);
        let proof = self.proof.as_ref().map(|proof| &proof.ack);
        let base = self.base().map(|base| &base.ack);
        ranks(proof) == ranks(self.highest(|change| change.proof).as_ref())
            && ranks(base) == ranks(self.highest(|change| change.certificate).as_ref())
    }
}

impl Verify for TermCertificate {
    fn check(&self) -> Result<(), Refusal> {
        if self.view_changes.len() > limits::MEMBERS {
            return Err(Refusal::TooLarge {
                what: "term certificate".into(),
                actual: self.view_changes.len() as u64,
                limit: limits::MEMBERS as u64,
            });
        }
        let invalid = |reason: &str| Err(Refusal::invalid("term certificate", reason));
        let term = self.term();
        if self.view_changes.is_empty()
            || !self.view_changes.is_sorted_by(|a, b| a.node < b.node)
            || self.view_changes.iter().any(|signed| signed.view_change.term != term)
        {
            return invalid("its view changes are not of one term, sorted and unique");
        }
        if !self.names_the_highest() {
            return invalid("its certificates are not the highest that were named");
        }
        self.proof.iter().chain(&self.certificate).try_for_each(Verify::check)?;
        self.view_changes.iter().try_for_each(Verify::check)
    }
}
