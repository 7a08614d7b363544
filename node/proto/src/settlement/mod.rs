//! Decisions about settlement: what a proposal says, who may lead, how votes count.

pub mod dispute;
pub mod membership;
pub mod proof;
pub mod proposal;
pub mod refutation;
pub mod voices;
