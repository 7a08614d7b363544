//! What a subscriber of a channel wants to see.

use serde::{Deserialize, Serialize};

use crate::ids::Address;

/// Empty lists mean everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Resources whose type starts with one of these.
    pub resource_types: Vec<String>,
    /// Resources of these accounts.
    pub addresses: Vec<Address>,
    /// Events whose type starts with one of these.
    pub event_types: Vec<String>,
}

impl Filter {
    /// Whether a resource can be among what is wanted: types begin with `0x`.
    #[must_use]
    pub fn wants_resources(&self) -> bool {
        let types = &self.resource_types;
        types.is_empty()
            || types.iter().any(|ty| ty.starts_with("0x") || "0x".starts_with(ty.as_str()))
    }

    #[must_use]
    pub fn wants_resource(&self, address: &Address, type_tag: &str) -> bool {
        matches_prefix(&self.resource_types, type_tag)
            && (self.addresses.is_empty() || self.addresses.contains(address))
    }

    #[must_use]
    pub fn wants_event(&self, type_tag: &str) -> bool {
        matches_prefix(&self.event_types, type_tag)
    }
}

fn matches_prefix(prefixes: &[String], text: &str) -> bool {
    prefixes.is_empty() || prefixes.iter().any(|prefix| text.starts_with(prefix.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_that_names_no_type_wants_no_resources() {
        let wants = |types: &[&str]| {
            let resource_types = types.iter().map(|&ty| ty.to_owned()).collect();
            Filter { resource_types, ..Filter::default() }.wants_resources()
        };
        assert!(wants(&[]) && wants(&[""]) && wants(&["0"]) && wants(&["-", "0x2::vault::"]));
        assert!(!wants(&["-"]) && !wants(&["none", "1x"]));
    }
}
