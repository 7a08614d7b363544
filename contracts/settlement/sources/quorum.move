/// Weights and quorums, as nodes count them.
module settlement::quorum {
    use std::vector;
    use settlement::ids;

    #[test_only]
    friend settlement::delegation;
    friend settlement::roll;
    friend settlement::seats;
    friend settlement::spoken;
    friend settlement::voices;

    /// Two thirds of the weight, in integers, and never empty.
    public fun is_enough(part: u64, whole: u64): bool {
        whole > 0 && 3 * (part as u128) >= 2 * (whole as u128)
    }

    public fun total(weights: &vector<u64>): u64 {
        let (whole, index, count) = (0, 0, vector::length(weights));
        while (index < count) {
            whole = whole + *vector::borrow(weights, index);
            index = index + 1;
        };
        whole
    }

    /// Puts `one` at this place of a list, before what is there.
    public(friend) fun insert<T>(list: &mut vector<T>, one: T, place: u64) {
        vector::push_back(list, one);
        let last = vector::length(list) - 1;
        while (last > place) {
            vector::swap(list, last, last - 1);
            last = last - 1;
        };
    }

    /// The place of `one` in a sorted list from `place` on, or where it would be.
    public fun find_from(list: &vector<address>, place: u64, one: address): (bool, u64) {
        let count = vector::length(list);
        while (place < count && ids::comes_before(*vector::borrow(list, place), one)) {
            place = place + 1;
        };
        (place < count && *vector::borrow(list, place) == one, place)
    }

    /// The place of `one` in a sorted list, or where it would be.
    public fun find(list: &vector<address>, one: address): (bool, u64) {
        let (low, high) = (0, vector::length(list));
        while (low < high) {
            let middle = (low + high) / 2;
            if (ids::comes_before(*vector::borrow(list, middle), one)) low = middle + 1
            else high = middle;
        };
        (low < vector::length(list) && *vector::borrow(list, low) == one, low)
    }

    /// The place of `one` in an ascending list, or where it would be.
    public fun find_number(list: &vector<u64>, one: u64): (bool, u64) {
        let (low, high) = (0, vector::length(list));
        while (low < high) {
            let middle = (low + high) / 2;
            if (*vector::borrow(list, middle) < one) low = middle + 1 else high = middle;
        };
        (low < vector::length(list) && *vector::borrow(list, low) == one, low)
    }

    #[test]
    fun two_thirds_are_enough_and_nothing_is_not() {
        assert!(is_enough(2, 3) && !is_enough(1, 3) && is_enough(3, 4) && !is_enough(2, 4), 1);
        assert!(!is_enough(0, 0), 2);
        assert!(is_enough(18446744073709551615, 18446744073709551615), 3);
    }

    #[test]
    fun what_is_listed_is_found_and_else_its_place() {
        let (found, place) = find_number(&vector[1, 4, 6], 6);
        assert!(found && place == 2, 1);
        let (found, place) = find_number(&vector[1, 4, 6], 5);
        assert!(!found && place == 2, 2);
        let list = vector[@0x1, @0x4, @0x6];
        let (found, place) = find(&list, @0x4);
        assert!(found && place == 1, 3);
        let (found, place) = find(&list, @0x7);
        assert!(!found && place == 3, 4);
        let (found, place) = find_from(&list, 2, @0x4);
        assert!(!found && place == 2, 5);
    }
}
