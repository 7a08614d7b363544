//! Money on the real contracts: what each function costs, what it refuses, and that no sequence of
//! transactions makes or loses a unit.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and show figures")]

mod cases;
mod conservation;
mod gas;
mod judging;
mod mutations;
mod settling;
mod world;
