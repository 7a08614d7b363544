//! Real processes with a faulty network between them.
fn main() {}
