//! The sources every package can use: `std` at 0x1 and `runtime` at 0x2, compiled once a process.

use std::sync::OnceLock;

use crate::build::{self, BuildError, Module, Unit};

include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// Needed by unit tests alone.
pub(crate) const UNIT_TEST_FILE: &str = "unit_test.move";

pub(crate) fn std_files(
    testing: bool,
) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    STD.iter().filter(move |(name, _)| testing || *name != UNIT_TEST_FILE)
}

/// The compiled library with its source maps.
pub(crate) fn units() -> Result<&'static [Unit], BuildError> {
    static UNITS: OnceLock<Result<Vec<Unit>, BuildError>> = OnceLock::new();
    UNITS.get_or_init(build::compile_library).as_deref().map_err(Clone::clone)
}

/// The compiled library's bytecode.
pub(crate) fn modules() -> Result<&'static [Module], BuildError> {
    static MODULES: OnceLock<Result<Vec<Module>, BuildError>> = OnceLock::new();
    MODULES
        .get_or_init(|| units().and_then(|units| units.iter().map(Unit::serialize).collect()))
        .as_deref()
        .map_err(Clone::clone)
}
