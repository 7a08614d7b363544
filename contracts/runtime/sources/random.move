/// Numbers that no player chooses. They follow from the block before and the transaction's place,
/// so the leader knows them in advance and could order calls accordingly: good for maps and dice
/// among friends, not for stakes that a leader would cheat for.
module runtime::random {
    /// The bound of a draw is zero.
    const E_EMPTY_RANGE: u64 = 1;

    /// 32 fresh bytes; each draw of a transaction gives others.
    native public fun bytes(): vector<u8>;

    /// A number below `bound`.
    public fun below(bound: u64): u64 {
        assert!(bound > 0, E_EMPTY_RANGE);
        let bytes = bytes();
        let value = 0u128;
        let index = 0;
        while (index < 15) {
            value = (value << 8) | (std::vector::pop_back(&mut bytes) as u128);
            index = index + 1;
        };
        ((value % (bound as u128)) as u64)
    }

    #[test]
    fun draws_stay_below_the_bound_and_differ() {
        let first = bytes();
        assert!(first != bytes(), 1);
        let index = 0;
        while (index < 32) {
            assert!(below(7) < 7, 2);
            index = index + 1;
        }
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_empty_range_is_refused() {
        below(0);
    }
}
