//! What anybody may send to Fairway, as targets: each takes arbitrary bytes and panics when a
//! property breaks. The same targets replay the committed corpus in `make test` and are explored by
//! `make fuzz` (docs/adr/0015-fuzzing.md). Nothing here is part of a node.

pub mod check;
pub mod corpus;
pub mod seeds;
pub mod targets;

use peak_alloc::PeakAlloc;

pub use targets::{TARGETS, Target, Verdict, target};

/// Everything a target allocates is counted: see [`Target::run`].
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes allocated at the same time by `work`, beyond what was allocated before it.
pub fn measured<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = work();
    (result, MEMORY.peak_usage().saturating_sub(before))
}
