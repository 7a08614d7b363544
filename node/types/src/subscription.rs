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
