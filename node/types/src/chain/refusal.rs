//! What the chain says against a transaction, or against a proposal that it was asked about. Nodes act
//! on a few of its reasons: those are told apart here, once, and nowhere else by their text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The chain's no, in its own words; its encoding is those words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ChainRefusal {
    cause: Cause,
    words: String,
}

/// What nodes act on, of all that the contract refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `penalty::E_DECIDED`: it was decided, or its reporter reported it before.
    Decided,
    /// `penalty::E_BAD_ACCUSED`: the accused can't be made to answer for it, or not any more.
    BadAccused,
    /// `penalty::E_UNCLEAR`: the chain can't tell by the evidence.
    Unclear,
    /// `penalty::E_DOES_NOT_FIT`: the chain can't judge it, whatever the evidence says.
    DoesNotFit,
    /// `settlement::E_NOT_CONTINUOUS`: the proposal does not go on from the last settlement.
    NotContinuous,
    Other,
}

impl ChainRefusal {
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }
}

impl Cause {
    fn of(words: &str) -> Self {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let names = words.split(|letter| !is_part(letter));
        names.map(Self::named).find(|cause| *cause != Self::Other).unwrap_or(Self::Other)
    }

    fn named(name: &str) -> Self {
        match name {
            "E_DECIDED" => Self::Decided,
            "E_BAD_ACCUSED" => Self::BadAccused,
            "E_UNCLEAR" => Self::Unclear,
            "E_DOES_NOT_FIT" => Self::DoesNotFit,
            "E_NOT_CONTINUOUS" => Self::NotContinuous,
            _ => Self::Other,
        }
    }
}

impl From<String> for ChainRefusal {
    fn from(words: String) -> Self {
        Self { cause: Cause::of(&words), words }
    }
}

impl From<&str> for ChainRefusal {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl From<ChainRefusal> for String {
    fn from(refusal: ChainRefusal) -> Self {
        refusal.words
    }
}

impl fmt::Display for ChainRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Refusal, codec};

    fn aborted(module: &str, name: &str) -> ChainRefusal {
        let (address, module) = ("0x3".into(), module.into());
        let refusal = Refusal::MoveAbort { address, module, code: 1, name: Some(name.into()) };
        refusal.to_string().into()
    }

    #[test]
    fn aborts_that_nodes_act_on_are_told_apart() {
        let names = [
            ("E_DECIDED", Cause::Decided),
            ("E_BAD_ACCUSED", Cause::BadAccused),
            ("E_UNCLEAR", Cause::Unclear),
            ("E_DOES_NOT_FIT", Cause::DoesNotFit),
            ("E_NOT_CONTINUOUS", Cause::NotContinuous),
            ("E_BAD_ACCOUNTS", Cause::Other),
            ("E_UNDECIDED", Cause::Other),
        ];
        for (name, cause) in names {
            assert_eq!(aborted("penalty", name).cause(), cause, "{name}");
            assert_eq!(ChainRefusal::from(format!("penalty::{name}").as_str()).cause(), cause);
        }
        assert_eq!(ChainRefusal::from("it does not fit").cause(), Cause::Other);
    }

    #[test]
    fn a_refusal_is_encoded_and_shown_as_its_words() {
        let refusal = aborted("penalty", "E_UNCLEAR");
        let words = "aborted in 0x3::penalty with code 1 (E_UNCLEAR)";
        assert_eq!(refusal.to_string(), words);
        assert_eq!(codec::encode(&refusal), codec::encode(&words.to_owned()));
        let decoded: ChainRefusal = codec::decode("refusal", &codec::encode(&refusal)).unwrap();
        assert_eq!(decoded, refusal);
    }
}
