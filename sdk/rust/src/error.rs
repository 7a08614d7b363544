//! What can go wrong, by what an app does about it.

use fairway_api::from_error;
use fairway_types::Refusal;
use jsonrpsee::core::ClientError;

#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The node, the channel or the chain said no; the refusal says why and carries the code.
    #[error("{0}")]
    Refused(Refusal),
    /// A refusal this version does not know, or an error of JSON-RPC itself.
    #[error("the server answered with error {code}: {message}")]
    Rpc { code: i32, message: String },
    #[error("{url} can't be reached: {reason}")]
    Unreachable { url: String, reason: String },
    /// It answers, but lets this client not in.
    #[error("{url} does not let this client in: {reason}")]
    Barred { url: String, reason: String },
    /// No answer in time. A call may still be ordered: ask for its report, or send it again.
    #[error("{url} did not answer in time")]
    TimedOut { url: String },
    #[error("{url} answered with something else than expected: {reason}")]
    Protocol { url: String, reason: String },
}

impl Error {
    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused(refusal) = self { Some(refusal) } else { None }
    }

    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_transient(),
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::Rpc { .. } | Self::Barred { .. } | Self::Protocol { .. } => false,
        }
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the client's other errors are all alike")]
    pub(crate) fn of(url: &str, error: ClientError) -> Self {
        let url = url.to_owned();
        match error {
            ClientError::Call(object) => match from_error(&object) {
                Some(refusal) => Self::Refused(refusal),
                None => Self::Rpc { code: object.code(), message: object.message().to_owned() },
            },
            ClientError::RequestTimeout => Self::TimedOut { url },
            ClientError::ParseError(error) => Self::Protocol { url, reason: error.to_string() },
            other @ (ClientError::Transport(_)
            | ClientError::RestartNeeded(_)
            | ClientError::ServiceDisconnect) => {
                Self::Unreachable { url, reason: other.to_string() }
            }
            other => Self::Protocol { url, reason: other.to_string() },
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
