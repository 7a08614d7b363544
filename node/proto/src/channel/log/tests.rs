use fairway_types::{Address, ExecutionStatus, Gas, StateKey, Write};

use super::{
    super::bench::{self, Bench},
    *,
};

/// A log after `count` blocks of two founders, certified by the first alone: nothing is final.
fn without_finality(count: u64, effects: &Effects) -> Log {
    let mut bench = Bench::new(2);
    let block = bench.cut_unheard();
    let mut log = bench.nodes[1].log().clone();
    for height in 1..=count {
        let mut block = (*block).clone();
        block.header.height = Height(height);
        block.header.parent = log.tip().unwrap().hash;
        let certificate = bench::certificate(&block, &[0]);
        let effects = Arc::new(vec![effects.clone()]);
        log.apply(&Event::Appended(Appended {
            block: Arc::new(block),
            effects,
            state: None,
            calls: None,
        }));
        log.apply(&Event::Certified { certificate });
    }
    log
}

fn effects(bytes: usize) -> Effects {
    let key = StateKey::Sequence(Address::from_low(1));
    let write = Write { key, value: Some(vec![1; bytes]) };
    let status = ExecutionStatus::Success;
    Effects { status, gas_used: Gas(0), writes: vec![write], events: Vec::new() }
}

/// P-39
#[test]
fn log_in_memory_stays_bounded_without_finality() {
    let log = without_finality(3_000, &effects(1));
    assert_eq!((log.certified(), log.finalised()), (Height(3_000), Height::ZERO));
    assert_eq!((log.entries.len(), log.places.len()), (KEPT_BLOCKS, KEPT_BLOCKS));
}

#[test]
fn log_in_memory_is_bounded_by_bytes_too() {
    let log = without_finality(100, &effects(KEPT_BYTES / 50));
    assert!((LEAST_BLOCKS..51).contains(&log.entries.len()), "{}", log.entries.len());
    let log = without_finality(40, &effects(KEPT_BYTES / 20));
    assert_eq!(log.entries.len(), LEAST_BLOCKS);
}

#[test]
fn log_whose_old_blocks_left_memory_comes_back_from_its_snapshot() {
    let log = without_finality(1_100, &effects(1));
    let back = Log::restore(log.snapshot());
    assert_eq!(back.digest(), log.digest());
    assert_eq!((back.places, back.bytes), (log.places, log.bytes));
    assert_eq!(back.sets.keys().collect::<Vec<_>>(), log.sets.keys().collect::<Vec<_>>());
}
