//! Judging a divergence where the channel's money is: the ledger executes the disputed block again on
//! the file's own witness. It reads nothing else, so every replica of the ledger says the same.

use fairway_proto::settlement::dispute::{Verdict, check};
use fairway_types::{
    Execute,
    chain::ChannelFacts,
    evidence::{Evidence, FileError},
};

/// What follows from a file of evidence about the channel whose record says `facts`. `vm` runs the
/// package and the gas table that they name. Takes as long as the disputed block did: its gas is
/// bounded by its calls' limits alone.
pub fn judge(file: &[u8], facts: &ChannelFacts, vm: &impl Execute) -> Result<Verdict, FileError> {
    let evidence = Evidence::from_file(file)?;
    Ok(check(&evidence, facts, vm, None).verdict)
}
