//! Every input of the committed corpus through its target.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{path::PathBuf, sync::Mutex};

use fairway_fuzz::{TARGETS, Verdict, corpus, target, targets::packages};

/// One target at a time: memory is counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Replays a target's corpus; the inputs that come from real values must be accepted.
fn replay(name: &str) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    packages::set_compiler(PathBuf::from(env!("CARGO_BIN_EXE_fairway-fuzz")));
    let target = target(name).unwrap();
    let inputs = corpus::inputs(name).unwrap();
    assert!(inputs.iter().any(corpus::Input::is_valid), "{name} has no valid input");
    assert!(inputs.iter().any(|input| !input.is_valid()), "{name} has no bad input");
    for input in &inputs {
        let verdict = target.run(&input.bytes);
        if input.is_valid() {
            assert_eq!(
                verdict,
                Verdict::Accepted,
                "{name}/{} is no longer what the target reads: after a change of format, \
                 make fuzz-seeds",
                input.name,
            );
        }
    }
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        #[test]
        fn every_target_is_replayed() {
            let here = [$(stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), here);
        }
    };
}

replays! {
    calls blocks acks certificates settlements messages frames events snapshots rows ledger rpc
    arguments results text filters packages simulation modules
}
