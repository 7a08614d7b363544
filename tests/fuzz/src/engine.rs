//! The explorer: libFuzzer on the target that `FAIRWAY_FUZZ_TARGET` names. `make fuzz` builds it with
//! coverage counters in this project's crates and runs it.

#![no_main]

use std::sync::OnceLock;

use fairway_fuzz::{Target, target};
use libfuzzer_sys::{Corpus, fuzz_target};

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fn chosen() -> &'static Target {
    TARGET.get_or_init(|| {
        let name = std::env::var("FAIRWAY_FUZZ_TARGET").unwrap_or_default();
        match target(&name) {
            Some(target) => target,
            None => panic!("FAIRWAY_FUZZ_TARGET names no target: {name:?}"),
        }
    })
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let _ = chosen().run(data);
    Corpus::Keep
});
