//! Refusals as JSON-RPC errors and back.

use fairway_types::{Refusal, refusal::RefusalData};
use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};

/// The wire error: the refusal's code, its text, and [`RefusalData`].
#[must_use]
pub fn to_error(refusal: &Refusal) -> ErrorObjectOwned {
    ErrorObject::owned(refusal.code(), refusal.to_string(), Some(refusal.data()))
}

/// The refusal behind a wire error; `None` for errors of JSON-RPC itself and of later versions.
#[must_use]
pub fn from_error(error: &ErrorObject<'_>) -> Option<Refusal> {
    let data: RefusalData = serde_json::from_str(error.data()?.get()).ok()?;
    Refusal::from_data(&data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_survives_the_wire() {
        let refusal = Refusal::OutOfGas { used: 7, limit: 5 };
        let error = to_error(&refusal);
        assert_eq!(error.code(), 100_006);
        assert_eq!(from_error(&error), Some(refusal));
    }
}
