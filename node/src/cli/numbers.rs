//! Numbers on the command line, refused in words that say what they count.

/// An amount of an asset, in its smallest unit.
pub(super) fn amount(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        format!(
            "expected a whole number of the smallest unit, from 0 to {}; 1 FWY is 1000000 of them",
            u64::MAX
        )
    })
}

pub(super) fn milliseconds(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number of milliseconds, from 0 to {}", u64::MAX))
}
