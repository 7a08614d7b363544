/// Who speaks for whom in a channel of more than five members. Five of them are candidates; each of
/// the others is spoken for by one, that speaks for at most `ceil(n / 5) - 1`. Assigned anew at each
/// grant of an epoch, from what was and from what members chose, and fixed for the epoch. Delegating
/// moves a vote, never the right to evidence or to exit alone.
module settlement::voices {
    use std::vector;
    use settlement::quorum;

    friend settlement::channel;
    friend settlement::roll;
    friend settlement::spoken;

    /// Up to so many members each speak for themselves, and of more so many are candidates.
    const CANDIDATES: u64 = 5;

    /// What nodes read: its encoding is the nodes' `Voices`. A member that is in neither list speaks
    /// for itself.
    struct Voices has copy, drop, store {
        /// Join sequences, ascending.
        candidates: vector<u64>,
        /// Join sequences of those who are spoken for, ascending, and of the candidate of each.
        spoken_for: vector<u64>,
        by: vector<u64>,
    }

    /// An active member at a grant.
    struct Voter has copy, drop {
        join_sequence: u64,
        valid: bool,
        /// It has not asked to leave.
        stays: bool,
        /// Join sequence of the candidate that it wants; zero for none.
        choice: u64,
    }

    /// Everybody speaks for itself.
    public(friend) fun none(): Voices {
        Voices { candidates: vector::empty(), spoken_for: vector::empty(), by: vector::empty() }
    }

    public(friend) fun is_none(voices: &Voices): bool {
        vector::is_empty(&voices.candidates)
    }

    public(friend) fun voter(join_sequence: u64, valid: bool, stays: bool, choice: u64): Voter {
        Voter { join_sequence, valid, stays, choice }
    }

    /// The candidate that speaks for the member, if one does.
    public(friend) fun speaker(voices: &Voices, join_sequence: u64): (bool, u64) {
        let (found, place) = quorum::find_number(&voices.spoken_for, join_sequence);
        (found, if (found) *vector::borrow(&voices.by, place) else 0)
    }

    /// Who speaks for the `voters`, which are in join order, after `before`. Candidates are the first
    /// five that are valid and stay: who was cut off for a while has its seat again when it is back,
    /// and nobody keeps what it took meanwhile. Who is spoken for keeps its candidate, unless it chose
    /// another that has room; who is not, and is valid, gets the candidate that speaks for the fewest,
    /// if that has room. Who is silent is given to nobody: else few who cut the others off from the
    /// chain would be given their votes.
    public(friend) fun assign(before: &Voices, voters: &vector<Voter>): Voices {
        let count = vector::length(voters);
        if (count <= CANDIDATES) return none();
        let room = (count + CANDIDATES - 1) / CANDIDATES - 1;
        let candidates = seated(voters);
        let (places, load) = kept(before, voters, &candidates, room);
        move_to_chosen(voters, &candidates, room, &mut places, &mut load);
        fill(voters, &candidates, room, &mut places, &mut load);
        let (spoken_for, by, index) = (vector::empty(), vector::empty(), 0);
        while (index < count) {
            let place = *vector::borrow(&places, index);
            if (place < vector::length(&candidates)) {
                vector::push_back(&mut spoken_for, vector::borrow(voters, index).join_sequence);
                vector::push_back(&mut by, *vector::borrow(&candidates, place));
            };
            index = index + 1;
        };
        Voices { candidates, spoken_for, by }
    }

    /// The candidates, in join order.
    fun seated(voters: &vector<Voter>): vector<u64> {
        let (first, index, count) = (vector::empty(), 0, vector::length(voters));
        while (index < count && vector::length(&first) < CANDIDATES) {
            let voter = vector::borrow(voters, index);
            if (voter.valid && voter.stays) vector::push_back(&mut first, voter.join_sequence);
            index = index + 1;
        };
        first
    }

    /// For each voter the place of the candidate that it keeps, or one past them all; and for how many
    /// each candidate speaks then.
    fun kept(before: &Voices, voters: &vector<Voter>, candidates: &vector<u64>, room: u64)
    : (vector<u64>, vector<u64>) {
        let nobody = vector::length(candidates);
        let (places, load) = (vector::empty(), vector::empty());
        while (vector::length(&load) < nobody) vector::push_back(&mut load, 0);
        let (index, count) = (0, vector::length(voters));
        while (index < count) {
            let join_sequence = vector::borrow(voters, index).join_sequence;
            let (_, by) = speaker(before, join_sequence);
            let (sits, place) = quorum::find_number(candidates, by);
            let (is_candidate, _) = quorum::find_number(candidates, join_sequence);
            if (!sits || is_candidate || *vector::borrow(&load, place) == room) place = nobody
            else add(&mut load, place);
            vector::push_back(&mut places, place);
            index = index + 1;
        };
        (places, load)
    }

    /// Whoever chose another candidate goes there if it has room.
    fun move_to_chosen(
        voters: &vector<Voter>,
        candidates: &vector<u64>,
        room: u64,
        places: &mut vector<u64>,
        load: &mut vector<u64>,
    ) {
        let (index, count) = (0, vector::length(voters));
        while (index < count) {
            let voter = vector::borrow(voters, index);
            let (is_candidate, _) = quorum::find_number(candidates, voter.join_sequence);
            let (sits, wanted) = quorum::find_number(candidates, voter.choice);
            let held = *vector::borrow(places, index);
            let may = voter.valid && !is_candidate && sits && held != wanted;
            if (may && *vector::borrow(load, wanted) < room) {
                if (held < vector::length(candidates)) {
                    let speaks = vector::borrow_mut(load, held);
                    *speaks = *speaks - 1;
                };
                add(load, wanted);
                *vector::borrow_mut(places, index) = wanted;
            };
            index = index + 1;
        };
    }

    /// Who is valid and has no candidate gets the one that speaks for the fewest, in join order.
    fun fill(
        voters: &vector<Voter>,
        candidates: &vector<u64>,
        room: u64,
        places: &mut vector<u64>,
        load: &mut vector<u64>,
    ) {
        let nobody = vector::length(candidates);
        let (index, count) = (0, vector::length(voters));
        while (index < count) {
            let voter = vector::borrow(voters, index);
            let (is_candidate, _) = quorum::find_number(candidates, voter.join_sequence);
            let lacks = *vector::borrow(places, index) == nobody;
            if (lacks && voter.valid && !is_candidate && nobody > 0) {
                let place = fewest(load);
                if (*vector::borrow(load, place) < room) {
                    add(load, place);
                    *vector::borrow_mut(places, index) = place;
                };
            };
            index = index + 1;
        };
    }

    /// The first place with the least number.
    fun fewest(load: &vector<u64>): u64 {
        let (best, index) = (0, 1);
        while (index < vector::length(load)) {
            if (*vector::borrow(load, index) < *vector::borrow(load, best)) best = index;
            index = index + 1;
        };
        best
    }

    fun add(load: &mut vector<u64>, place: u64) {
        let speaks = vector::borrow_mut(load, place);
        *speaks = *speaks + 1;
    }

    #[test_only]
    /// Candidates, who is spoken for, and by whom.
    public fun parts_for_testing(voices: &Voices): (vector<u64>, vector<u64>, vector<u64>) {
        (*&voices.candidates, *&voices.spoken_for, *&voices.by)
    }

    #[test_only]
    /// Members 1 to `count`, all valid, staying, without a choice.
    fun members(count: u64): vector<Voter> {
        let (list, index) = (vector::empty(), 1);
        while (index <= count) {
            vector::push_back(&mut list, voter(index, true, true, 0));
            index = index + 1;
        };
        list
    }

    #[test_only]
    fun at(list: &mut vector<Voter>, join_sequence: u64): &mut Voter {
        vector::borrow_mut(list, join_sequence - 1)
    }

    #[test_only]
    /// What is assigned is stable: the same again changes nothing.
    fun settled(before: &Voices, voters: &vector<Voter>): Voices {
        let voices = assign(before, voters);
        assert!(assign(&voices, voters) == voices, 99);
        voices
    }

    #[test]
    fun up_to_five_speak_for_themselves() {
        assert!(is_none(&assign(&none(), &members(5))), 1);
        let six = assign(&none(), &members(6));
        assert!(is_none(&assign(&six, &members(5))), 2);
    }

    #[test]
    fun the_first_five_are_candidates_and_the_others_go_to_the_fewest() {
        let voices = settled(&none(), &members(8));
        assert!(voices.candidates == vector[1, 2, 3, 4, 5], 1);
        assert!(voices.spoken_for == vector[6, 7, 8] && voices.by == vector[1, 2, 3], 2);
        let (found, by) = speaker(&voices, 7);
        assert!(found && by == 2, 3);
        let (found, _) = speaker(&voices, 1);
        assert!(!found, 4);
    }

    #[test]
    fun nobody_speaks_for_more_than_its_part() {
        let all = members(11);
        let index = 6;
        while (index <= 11) {
            at(&mut all, index).choice = 5;
            index = index + 1;
        };
        let voices = settled(&none(), &all);
        assert!(voices.by == vector[5, 5, 1, 2, 3, 4], 1);
    }

    #[test]
    fun all_who_are_valid_have_a_voice_at_any_number() {
        let count = 6;
        while (count <= 40) {
            let voices = settled(&none(), &members(count));
            assert!(vector::length(&voices.spoken_for) == count - 5, count);
            count = count + 1;
        };
    }

    #[test]
    fun a_choice_moves_who_made_it_and_nobody_else() {
        let all = members(8);
        let before = settled(&none(), &all);
        at(&mut all, 6).choice = 4;
        at(&mut all, 7).choice = 3;
        let after = settled(&before, &all);
        // 3 speaks for 8 already, and has no room for 7.
        assert!(after.by == vector[4, 2, 3], 1);
        // A choice of somebody who is no candidate waits.
        at(&mut all, 8).choice = 6;
        assert!(settled(&after, &all).by == vector[4, 2, 3], 2);
        // Nobody chooses itself into a seat.
        at(&mut all, 8).choice = 8;
        assert!(settled(&after, &all) == after, 3);
    }

    #[test]
    fun who_moves_leaves_room_behind() {
        let all = members(8);
        let before = settled(&none(), &all);
        at(&mut all, 6).choice = 4;
        at(&mut all, 7).choice = 1;
        let after = assign(&before, &all);
        assert!(after.by == vector[4, 1, 3], 1);
    }

    #[test]
    fun where_candidates_are_few_and_many_leave_the_rest_speak_for_themselves() {
        let all = members(12);
        let index = 3;
        while (index <= 12) {
            at(&mut all, index).stays = false;
            index = index + 1;
        };
        let voices = settled(&none(), &all);
        assert!(voices.candidates == vector[1, 2], 1);
        assert!(voices.spoken_for == vector[3, 4, 5, 6] && voices.by == vector[1, 2, 1, 2], 2);
    }

    #[test]
    fun the_seat_of_who_falls_silent_goes_to_the_next_in_join_order() {
        let all = members(8);
        let before = settled(&none(), &all);
        at(&mut all, 2).valid = false;
        let after = settled(&before, &all);
        assert!(after.candidates == vector[1, 3, 4, 5, 6], 1);
        // 6 spoke through 1 and sits now; 7 spoke through 2; 2 is silent and speaks for itself.
        assert!(after.spoken_for == vector[7, 8] && after.by == vector[1, 3], 2);
        // It is back: so is its seat, and 7 has no other candidate any more than the one it came to.
        at(&mut all, 2).valid = true;
        let back = settled(&after, &all);
        assert!(back.candidates == vector[1, 2, 3, 4, 5], 3);
        assert!(back.spoken_for == vector[6, 7, 8] && back.by == vector[2, 1, 3], 4);
    }

    #[test]
    fun who_cut_the_others_off_for_a_while_keeps_nothing() {
        let all = members(12);
        let before = settled(&none(), &all);
        let index = 1;
        while (index <= 7) {
            at(&mut all, index).valid = false;
            index = index + 1;
        };
        let during = settled(&before, &all);
        assert!(during.candidates == vector[8, 9, 10, 11, 12], 1);
        assert!(vector::is_empty(&during.spoken_for), 2);
        let after = settled(&during, &members(12));
        assert!(after.candidates == vector[1, 2, 3, 4, 5], 3);
    }

    #[test]
    fun a_candidate_that_leaves_gives_up_its_seat_and_is_spoken_for() {
        let all = members(7);
        let before = settled(&none(), &all);
        at(&mut all, 1).stays = false;
        let after = settled(&before, &all);
        assert!(after.candidates == vector[2, 3, 4, 5, 6], 1);
        assert!(after.spoken_for == vector[1, 7] && after.by == vector[3, 2], 2);
    }

    #[test]
    fun who_is_silent_keeps_its_candidate_and_gets_no_other() {
        let all = members(9);
        let before = settled(&none(), &all);
        at(&mut all, 7).valid = false;
        at(&mut all, 7).choice = 5;
        assert!(settled(&before, &all) == before, 1);
        at(&mut all, 2).valid = false;
        let after = settled(&before, &all);
        // The candidate of 7 is gone: it speaks for itself.
        assert!(after.candidates == vector[1, 3, 4, 5, 6], 2);
        assert!(after.spoken_for == vector[8, 9] && after.by == vector[3, 4], 3);
    }

    #[test]
    fun where_few_are_valid_they_alone_sit_and_speak_for_whom_they_did() {
        let all = members(12);
        let before = settled(&none(), &all);
        let index = 3;
        while (index <= 12) {
            at(&mut all, index).valid = false;
            index = index + 1;
        };
        let after = settled(&before, &all);
        assert!(after.candidates == vector[1, 2], 1);
        // 6 and 11 spoke through 1, 7 and 12 through 2.
        assert!(after.spoken_for == vector[6, 7, 11, 12] && after.by == vector[1, 2, 1, 2], 2);
    }

    #[test]
    fun where_all_who_are_valid_leave_everybody_speaks_for_itself() {
        let all = members(6);
        let index = 1;
        while (index <= 6) {
            at(&mut all, index).stays = false;
            index = index + 1;
        };
        assert!(is_none(&assign(&assign(&none(), &members(6)), &all)), 1);
    }

    #[test]
    fun as_members_go_no_candidate_keeps_more_than_its_part() {
        let before = settled(&none(), &members(14));
        // Two for each of 1 to 4, one for 5. Of 10 that are left each may speak for one.
        let all = members(14);
        vector::remove(&mut all, 9);
        vector::remove(&mut all, 8);
        vector::remove(&mut all, 7);
        vector::remove(&mut all, 6);
        let after = settled(&before, &all);
        assert!(after.spoken_for == vector[6, 11, 12, 13, 14], 1);
        assert!(after.by == vector[1, 5, 2, 3, 4], 2);
    }
}
