/// Who has a seat in a channel, and who settles. Kept small, since heartbeats, grants and settlements
/// read all of it. It counts deposits and moves no money.
module settlement::seats {
    use std::vector;
    use settlement::ids;
    use settlement::quorum;

    friend settlement::backed;
    friend settlement::channel;
    friend settlement::complaint;
    friend settlement::delegation;
    friend settlement::penalty;
    friend settlement::roll;

    struct Seat has copy, drop, store {
        account: address,
        node: address,
        /// The chain account of the node.
        node_account: address,
        join_sequence: u64,
        weight: u64,
        deposit: u64,
        /// What backs the member's word: locked here, or counted on in its stake.
        collateral: u64,
        pooled: bool,
        /// What reports that nobody decided have cost of that: it makes nobody less valid.
        excused: u64,
        /// Convicted, and on its way out: it is valid no more.
        barred: bool,
        /// A grant has named the member.
        active: bool,
        /// The epoch of that grant; zero while pending.
        active_since: u64,
        /// A settlement or the first grant has taken the deposit into the books.
        booked: bool,
        /// When the member asked to leave; zero if it did not.
        leaving_since: u64,
        last_heartbeat: u64,
    }

    struct Seats has store {
        /// Sorted by account, as the rows of a proposal are.
        list: vector<Seat>,
        /// Nodes of the active members, sorted, and what each weighs: who settles.
        electors: vector<address>,
        weights: vector<u64>,
    }

    public(friend) fun none(): Seats {
        Seats { list: vector::empty(), electors: vector::empty(), weights: vector::empty() }
    }

    /// A seat of nobody.
    public(friend) fun no_seat(): Seat {
        Seat {
            account: @0x0, node: @0x0, node_account: @0x0, join_sequence: 0, weight: 0, deposit: 0,
            collateral: 0, pooled: false, excused: 0, barred: true, active: false, active_since: 0,
            booked: false, leaving_since: 0, last_heartbeat: 0,
        }
    }

    public(friend) fun electors(seats: &Seats): &vector<address> {
        &seats.electors
    }

    public(friend) fun count(seats: &Seats): u64 {
        vector::length(&seats.list)
    }

    /// The account's seat, or where it belongs.
    public(friend) fun find(seats: &Seats, account: address): (bool, u64) {
        let (list, low, high) = (&seats.list, 0, vector::length(&seats.list));
        while (low < high) {
            let middle = (low + high) / 2;
            let known = vector::borrow(list, middle).account;
            if (known == account) return (true, middle);
            if (ids::comes_before(known, account)) low = middle + 1 else high = middle;
        };
        (false, low)
    }

    public(friend) fun has_node(seats: &Seats, node: address): bool {
        let (list, index, count) = (&seats.list, 0, vector::length(&seats.list));
        while (index < count) {
            if (vector::borrow(list, index).node == node) return true;
            index = index + 1;
        };
        false
    }

    /// A pending member takes its seat at the place that `find` says.
    public(friend) fun add(
        seats: &mut Seats,
        place: u64,
        account: address,
        node: address,
        join_sequence: u64,
        weight: u64,
        deposit: u64,
        collateral: u64,
        pooled: bool,
    ) {
        let seat = Seat {
            account, node, node_account: ids::account_of(node), join_sequence, weight, deposit,
            collateral, pooled, excused: 0, barred: false, active: false, active_since: 0,
            booked: false, leaving_since: 0, last_heartbeat: 0,
        };
        quorum::insert(&mut seats.list, seat, place);
    }

    /// The seat at this place is given up.
    public(friend) fun take(seats: &mut Seats, index: u64): Seat {
        let seat = vector::remove(&mut seats.list, index);
        if (seat.active) remove_elector(seats, seat.node);
        seat
    }

    /// The seat at this place.
    public(friend) fun at(seats: &Seats, index: u64): Seat {
        *vector::borrow(&seats.list, index)
    }

    public(friend) fun account(seat: &Seat): address {
        seat.account
    }

    public(friend) fun node(seat: &Seat): address {
        seat.node
    }

    public(friend) fun join_sequence(seat: &Seat): u64 {
        seat.join_sequence
    }

    public(friend) fun deposit(seat: &Seat): u64 {
        seat.deposit
    }

    public(friend) fun has_votes(seat: &Seat): bool {
        seat.active
    }

    public(friend) fun active_since(seat: &Seat): u64 {
        seat.active_since
    }

    public(friend) fun leaves(seat: &Seat): bool {
        seat.leaving_since > 0
    }

    public(friend) fun is_booked(seat: &Seat): bool {
        seat.booked
    }

    /// The collateral, and whether it is a part of a stake.
    public(friend) fun backing(seat: &Seat): (u64, bool) {
        (seat.collateral, seat.pooled)
    }

    public(friend) fun is_barred(seat: &Seat): bool {
        seat.barred
    }

    /// The place of the member with this join sequence.
    public(friend) fun find_sequence(seats: &Seats, join_sequence: u64): (bool, u64) {
        let (list, index, count) = (&seats.list, 0, vector::length(&seats.list));
        while (index < count) {
            if (vector::borrow(list, index).join_sequence == join_sequence) return (true, index);
            index = index + 1;
        };
        (false, 0)
    }

    /// The place of the member whose node has this chain account.
    public(friend) fun find_account(seats: &Seats, node_account: address): (bool, u64) {
        let (list, index, count) = (&seats.list, 0, vector::length(&seats.list));
        while (index < count) {
            if (vector::borrow(list, index).node_account == node_account) return (true, index);
            index = index + 1;
        };
        (false, 0)
    }

    /// The member is valid no more and on its way out.
    public(friend) fun bar(seats: &mut Seats, index: u64, now: u64) {
        let seat = vector::borrow_mut(&mut seats.list, index);
        seat.barred = true;
        if (seat.leaving_since == 0) seat.leaving_since = now;
    }

    /// A fine took so much of the collateral.
    public(friend) fun lose(seats: &mut Seats, index: u64, amount: u64) {
        let seat = vector::borrow_mut(&mut seats.list, index);
        seat.collateral = if (seat.collateral > amount) seat.collateral - amount else 0;
    }

    /// So much of what it lost is not held against it.
    public(friend) fun excuse(seats: &mut Seats, index: u64, amount: u64) {
        let seat = vector::borrow_mut(&mut seats.list, index);
        seat.excused = seat.excused + amount;
    }

    /// What reports that nobody decided have cost it.
    public(friend) fun excused(seat: &Seat): u64 {
        seat.excused
    }

    /// An active member asks to leave; the first time counts.
    public(friend) fun ask_to_leave(seats: &mut Seats, index: u64, now: u64) {
        let seat = vector::borrow_mut(&mut seats.list, index);
        if (seat.leaving_since == 0) seat.leaving_since = now;
    }

    /// Notes a heartbeat of the member whose node's chain account is `node_account`: its account, if
    /// there is one.
    public(friend) fun beat(seats: &mut Seats, node_account: address, now: u64): (bool, address) {
        let (index, count) = (0, vector::length(&seats.list));
        while (index < count) {
            let seat = vector::borrow_mut(&mut seats.list, index);
            if (seat.node_account == node_account) {
                seat.last_heartbeat = now;
                return (true, seat.account)
            };
            index = index + 1;
        };
        (false, @0x0)
    }

    /// Join sequences of members whose heartbeat is at most `validity` old, ascending.
    public(friend) fun valid(seats: &Seats, now: u64, validity: u64): vector<u64> {
        let (sequences, list) = (vector::empty(), &seats.list);
        let (index, count) = (0, vector::length(list));
        while (index < count) {
            let seat = vector::borrow(list, index);
            if (is_valid(seat, now, validity)) insert_number(&mut sequences, seat.join_sequence);
            index = index + 1;
        };
        sequences
    }

    /// Join sequences of all, ascending.
    public(friend) fun sequences(seats: &Seats): vector<u64> {
        let (order, list) = (vector::empty(), &seats.list);
        let (index, count) = (0, vector::length(list));
        while (index < count) {
            insert_number(&mut order, vector::borrow(list, index).join_sequence);
            index = index + 1;
        };
        order
    }

    /// Join sequence of the member with this account, zero if there is none, whether it is active, and
    /// whether it leaves.
    public(friend) fun standing(seats: &Seats, account: address): (u64, bool, bool) {
        let (known, index) = find(seats, account);
        if (!known) return (0, false, false);
        let seat = vector::borrow(&seats.list, index);
        (seat.join_sequence, seat.active, seat.leaving_since > 0)
    }

    /// Whether the member with this join sequence is there and asked to leave.
    public(friend) fun is_leaving(seats: &Seats, join_sequence: u64): bool {
        let (list, index, count) = (&seats.list, 0, vector::length(&seats.list));
        while (index < count) {
            let seat = vector::borrow(list, index);
            if (seat.join_sequence == join_sequence) return seat.leaving_since > 0;
            index = index + 1;
        };
        false
    }

    /// The place of a member, whether it is active and leaves, and its last heartbeat.
    public(friend) fun state(seats: &Seats, account: address): (u64, bool, bool, u64) {
        let (_, index) = find(seats, account);
        let seat = vector::borrow(&seats.list, index);
        (index, seat.active, seat.leaving_since > 0, seat.last_heartbeat)
    }

    /// The valid members get their votes, and their deposits are no longer their own to take:
    /// the sum of the deposits for which this is new. The first epoch's grant books them.
    public(friend) fun activate(seats: &mut Seats, valid: &vector<u64>, epoch: u64): u64 {
        let (sum, index, count) = (0, 0, vector::length(&seats.list));
        while (index < count) {
            let seat = vector::borrow_mut(&mut seats.list, index);
            let (is_valid, _) = quorum::find_number(valid, seat.join_sequence);
            if (!seat.active && is_valid) {
                seat.active = true;
                seat.active_since = epoch;
                seat.booked = epoch == 1;
                sum = sum + seat.deposit;
                let (node, weight) = (seat.node, seat.weight);
                insert_elector(seats, node, weight);
            };
            index = index + 1;
        };
        sum
    }

    /// Who settles: nodes of the active members, sorted, and what each weighs.
    public(friend) fun electorate(seats: &Seats): (vector<address>, vector<u64>) {
        (*&seats.electors, *&seats.weights)
    }

    /// Who may have certified a block of an epoch: the nodes of the active members, sorted; what each
    /// weighs that was active in the epoch; what each weighs that was `valid` in it; and what two
    /// thirds of the latter are counted of. Who has money in the books counts in every epoch, else a
    /// member that was alone once could still make blocks of that time. Who is convicted counts in the
    /// whole and not for it: a conviction leaves nobody alone with the others' money.
    public(friend) fun certifiers(seats: &Seats, epoch: u64, valid: &vector<u64>)
    : (vector<address>, vector<u64>, vector<u64>, u64) {
        let (active, in_epoch, convicted) = (*&seats.weights, *&seats.weights, 0);
        let (list, index, count) = (&seats.list, 0, vector::length(&seats.list));
        while (index < count) {
            let seat = vector::borrow(list, index);
            if (seat.active) {
                let (_, place) = quorum::find(&seats.electors, seat.node);
                let (is_valid, _) = quorum::find_number(valid, seat.join_sequence);
                let since = seat.booked || seat.active_since <= epoch;
                if (!since) *vector::borrow_mut(&mut active, place) = 0;
                if (!is_valid) *vector::borrow_mut(&mut in_epoch, place) = 0;
                if (!is_valid && since && seat.barred) convicted = convicted + seat.weight;
            };
            index = index + 1;
        };
        let whole = quorum::total(&in_epoch) + convicted;
        (*&seats.electors, active, in_epoch, whole)
    }

    /// Who is heard now: the nodes of the active members, sorted, and what each weighs whose heartbeat
    /// is fresh; without the convicted, if it is they who are `judged`.
    public(friend) fun heard(seats: &Seats, now: u64, validity: u64, judged: bool)
    : (vector<address>, vector<u64>) {
        let (weights, list) = (*&seats.weights, &seats.list);
        let (index, count) = (0, vector::length(list));
        while (index < count) {
            let seat = vector::borrow(list, index);
            let counts = is_fresh(seat, now, validity) && !(judged && seat.barred);
            if (seat.active && !counts) {
                let (_, place) = quorum::find(&seats.electors, seat.node);
                *vector::borrow_mut(&mut weights, place) = 0;
            };
            index = index + 1;
        };
        (*&seats.electors, weights)
    }

    /// Whose promises begin a term: the nodes of the active members, sorted, and what the promise of
    /// each weighs. Where those `valid` in the epoch are no two thirds, they alone weigh anything.
    public(friend) fun openers(seats: &Seats, valid: &vector<u64>): (vector<address>, vector<u64>) {
        let (weights, list) = (*&seats.weights, &seats.list);
        let (index, count) = (0, vector::length(list));
        while (index < count) {
            let seat = vector::borrow(list, index);
            let (is_valid, _) = quorum::find_number(valid, seat.join_sequence);
            if (seat.active && !is_valid) {
                let (_, place) = quorum::find(&seats.electors, seat.node);
                *vector::borrow_mut(&mut weights, place) = 0;
            };
            index = index + 1;
        };
        let all_count = quorum::is_enough(quorum::total(&weights), quorum::total(&seats.weights));
        (*&seats.electors, if (all_count) *&seats.weights else weights)
    }

    /// Whether a settlement may name these accounts, sorted, and the deposits of active members that
    /// it names for the first time. Every booked member must be named, and nobody else but active
    /// members. Unless the channel `closes`, who asked to leave before `overdue` must be named as
    /// leaving: no settlement goes past a member that waits for its money.
    public(friend) fun first_named(
        seats: &Seats,
        accounts: &vector<address>,
        leaves: &vector<bool>,
        closes: bool,
        overdue: u64,
    ): (bool, u64) {
        let (sum, named_so_far, rows) = (0, 0, vector::length(accounts));
        let (list, index, count) = (&seats.list, 0, vector::length(&seats.list));
        while (index < count) {
            let seat = vector::borrow(list, index);
            let (account, booked) = (seat.account, seat.booked);
            let named = named_so_far < rows && *vector::borrow(accounts, named_so_far) == account;
            let goes = named && *vector::borrow(leaves, named_so_far);
            if (named) named_so_far = named_so_far + 1;
            if (named && !seat.active || booked && !named) return (false, 0);
            if (named && !booked) sum = sum + seat.deposit;
            let waits = seat.leaving_since > 0 && seat.leaving_since < overdue;
            if (waits && !goes && !closes) return (false, 0);
            index = index + 1;
        };
        (named_so_far == rows, sum)
    }

    /// A settlement with these rows, which `first_named` admits: leavers lose their seats, the others
    /// are booked. The deposits booked by it, the rows of those who left, and the seats they had.
    public(friend) fun settle(seats: &mut Seats, accounts: &vector<address>, leaves: &vector<bool>)
    : (u64, vector<u64>, vector<Seat>) {
        let (stay, left, gone, sum) = (vector::empty(), vector::empty(), vector::empty(), 0);
        let (row, rows) = (0, vector::length(accounts));
        let (index, count) = (0, vector::length(&seats.list));
        while (index < count) {
            let seat = *vector::borrow(&seats.list, index);
            let named = row < rows && *vector::borrow(accounts, row) == seat.account;
            if (named && !seat.booked) {
                sum = sum + seat.deposit;
                seat.booked = true;
            };
            if (named && *vector::borrow(leaves, row)) {
                remove_elector(seats, seat.node);
                vector::push_back(&mut left, row);
                vector::push_back(&mut gone, seat);
            } else {
                vector::push_back(&mut stay, seat);
            };
            if (named) row = row + 1;
            index = index + 1;
        };
        seats.list = stay;
        (sum, left, gone)
    }

    /// Takes the last seat away. Only for a channel that ends: electors go with the first.
    public(friend) fun dissolve(seats: &mut Seats): Seat {
        seats.electors = vector::empty();
        seats.weights = vector::empty();
        vector::pop_back(&mut seats.list)
    }

    fun is_valid(seat: &Seat, now: u64, validity: u64): bool {
        !seat.barred && is_fresh(seat, now, validity)
    }

    fun is_fresh(seat: &Seat, now: u64, validity: u64): bool {
        let beat = seat.last_heartbeat;
        beat > 0 && beat + validity >= now
    }

    fun insert_elector(seats: &mut Seats, node: address, weight: u64) {
        let (_, place) = quorum::find(&seats.electors, node);
        quorum::insert(&mut seats.electors, node, place);
        quorum::insert(&mut seats.weights, weight, place);
    }

    fun remove_elector(seats: &mut Seats, node: address) {
        let (_, place) = quorum::find(&seats.electors, node);
        vector::remove(&mut seats.electors, place);
        vector::remove(&mut seats.weights, place);
    }

    /// Inserts into an ascending list.
    fun insert_number(list: &mut vector<u64>, number: u64) {
        let place = vector::length(list);
        while (place > 0 && *vector::borrow(list, place - 1) > number) {
            place = place - 1;
        };
        quorum::insert(list, number, place);
    }

    #[test_only]
    /// Join sequences 1, 2, 3 for the accounts @0xc, @0xa, @0xb with the nodes @0x1, @0x2, @0x3.
    fun three(): Seats {
        let seats = none();
        let (accounts, nodes) = (vector[@0xc, @0xa, @0xb], vector[@0x1, @0x2, @0x3]);
        let index = 0;
        while (index < 3) {
            let account = *vector::borrow(&accounts, index);
            let (_, place) = find(&seats, account);
            add(&mut seats, place, account, *vector::borrow(&nodes, index), index + 1, 1, 10, 0, false);
            index = index + 1;
        };
        seats
    }

    #[test_only]
    fun beat_node(seats: &mut Seats, node: address, now: u64) {
        let (known, _) = beat(seats, ids::account_of(node), now);
        assert!(known, 100);
    }

    #[test_only]
    fun activate_at(seats: &mut Seats, now: u64, epoch: u64): u64 {
        let valid = valid(seats, now, 100);
        activate(seats, &valid, epoch)
    }

    #[test_only]
    fun drop_all(seats: Seats) {
        let Seats { list: _, electors: _, weights: _ } = seats;
    }

    #[test]
    fun seats_are_sorted_by_account_and_listed_by_sequence() {
        let seats = three();
        let (found_a, a) = find(&seats, @0xa);
        let (found_c, c) = find(&seats, @0xc);
        assert!(found_a && a == 0 && found_c && c == 2, 1);
        let (found, place) = find(&seats, @0xbb);
        assert!(!found && place == 3, 2);
        assert!(sequences(&seats) == vector[1, 2, 3], 3);
        assert!(has_node(&seats, @0x3) && !has_node(&seats, @0x4), 4);
        drop_all(seats);
    }

    #[test]
    fun heartbeats_count_for_their_validity() {
        let seats = three();
        beat_node(&mut seats, @0x1, 1000);
        beat_node(&mut seats, @0x3, 1001);
        assert!(valid(&seats, 1100, 100) == vector[1, 3], 1);
        assert!(valid(&seats, 1101, 100) == vector[3], 2);
        let (known, _) = beat(&mut seats, @0x1, 1101);
        assert!(!known, 3);
        drop_all(seats);
    }

    #[test]
    fun the_valid_become_electors_sorted_by_node_and_once() {
        let seats = three();
        beat_node(&mut seats, @0x3, 1000);
        assert!(activate_at(&mut seats, 1000, 1) == 10, 1);
        beat_node(&mut seats, @0x1, 1001);
        beat_node(&mut seats, @0x3, 1001);
        assert!(activate_at(&mut seats, 1001, 2) == 10, 2);
        let (electors, weights) = electorate(&seats);
        assert!(electors == vector[@0x1, @0x3] && weights == vector[1, 1], 3);
        // The founder is booked, who came later is not, who is pending can't be named.
        let (known, sum) = first_named(&seats, &vector[@0xb], &vector[false], false, 0);
        assert!(known && sum == 0, 4);
        let both = vector[@0xb, @0xc];
        let (known, sum) = first_named(&seats, &both, &vector[false, false], false, 0);
        assert!(known && sum == 10, 5);
        let (known, _) = first_named(&seats, &vector[@0xa, @0xb], &vector[false, false], false, 0);
        assert!(!known, 6);
        drop_all(seats);
    }

    #[test]
    fun active_members_begin_a_term_or_the_valid_ones_where_they_are_too_few() {
        let seats = three();
        beat_node(&mut seats, @0x1, 1000);
        beat_node(&mut seats, @0x2, 1000);
        activate_at(&mut seats, 1000, 1);
        let (nodes, weights) = openers(&seats, &vector[1, 2]);
        assert!(nodes == vector[@0x1, @0x2] && weights == vector[1, 1], 1);
        beat_node(&mut seats, @0x3, 1000);
        activate_at(&mut seats, 1000, 2);
        let (nodes, weights) = openers(&seats, &vector[1, 3]);
        assert!(nodes == vector[@0x1, @0x2, @0x3] && weights == vector[1, 1, 1], 2);
        let (_, weights) = openers(&seats, &vector[3, 7]);
        assert!(weights == vector[0, 0, 1], 3);
        drop_all(seats);
    }

    #[test]
    fun who_certified_an_epoch_was_active_in_it() {
        let seats = three();
        beat_node(&mut seats, @0x1, 1000);
        beat_node(&mut seats, @0x3, 1000);
        activate_at(&mut seats, 1000, 1);
        beat_node(&mut seats, @0x2, 1000);
        activate_at(&mut seats, 1000, 2);
        let (nodes, active, valid, whole) = certifiers(&seats, 1, &vector[1, 3]);
        assert!(nodes == vector[@0x1, @0x2, @0x3], 1);
        assert!(active == vector[1, 0, 1] && valid == vector[1, 0, 1] && whole == 2, 2);
        let (_, active, valid, whole) = certifiers(&seats, 2, &vector[2]);
        assert!(active == vector[1, 1, 1] && valid == vector[0, 1, 0] && whole == 1, 3);
        beat_node(&mut seats, @0x1, 2000);
        let (_, heard) = heard(&seats, 2000, 100, false);
        assert!(heard == vector[1, 0, 0], 4);
        drop_all(seats);
    }

    #[test]
    fun who_was_settled_with_counts_in_the_epochs_before_it_came() {
        let seats = three();
        beat_node(&mut seats, @0x1, 1000);
        activate_at(&mut seats, 1000, 1);
        beat_node(&mut seats, @0x3, 1000);
        activate_at(&mut seats, 1000, 2);
        let (_, active, _, _) = certifiers(&seats, 1, &vector[1]);
        assert!(active == vector[1, 0], 1);
        settle(&mut seats, &vector[@0xb, @0xc], &vector[false, false]);
        let (_, active, _, _) = certifiers(&seats, 1, &vector[1]);
        assert!(active == vector[1, 1], 2);
        drop_all(seats);
    }

    #[test]
    fun a_conviction_makes_no_quorum_smaller() {
        let seats = three();
        beat_node(&mut seats, @0x1, 1000);
        beat_node(&mut seats, @0x3, 1000);
        activate_at(&mut seats, 1000, 1);
        bar(&mut seats, 1, 1000);
        let (_, _, valid, whole) = certifiers(&seats, 1, &vector[1]);
        assert!(valid == vector[1, 0] && whole == 2, 1);
        let (_, settling) = heard(&seats, 1000, 100, false);
        let (_, judging) = heard(&seats, 1000, 100, true);
        assert!(settling == vector[1, 1] && judging == vector[1, 0], 2);
        drop_all(seats);
    }

    #[test]
    fun who_is_barred_is_valid_no_more_and_leaves() {
        let seats = three();
        beat_node(&mut seats, @0x2, 1000);
        activate_at(&mut seats, 1000, 1);
        bar(&mut seats, 0, 1000);
        assert!(vector::is_empty(&valid(&seats, 1000, 100)), 1);
        let (_, active, leaves) = standing(&seats, @0xa);
        assert!(active && leaves && is_barred(&at(&seats, 0)), 2);
        drop_all(seats);
    }

    #[test]
    fun a_settlement_takes_leavers_seats_and_votes_and_books_the_others() {
        let seats = three();
        beat_node(&mut seats, @0x1, 1000);
        beat_node(&mut seats, @0x2, 1000);
        beat_node(&mut seats, @0x3, 1000);
        activate_at(&mut seats, 1000, 2);
        let accounts = vector[@0xa, @0xb, @0xc];
        let (sum, left, gone) = settle(&mut seats, &accounts, &vector[false, true, false]);
        assert!(sum == 30 && left == vector[1] && vector::length(&gone) == 1, 1);
        let (electors, _) = electorate(&seats);
        assert!(count(&seats) == 2 && electors == vector[@0x1, @0x2], 2);
        let (sum, left, _) = settle(&mut seats, &vector[@0xa, @0xc], &vector[false, false]);
        assert!(sum == 0 && vector::is_empty(&left), 3);
        drop_all(seats);
    }

    #[test]
    fun who_asked_to_leave_in_time_is_not_passed_over() {
        let seats = three();
        beat_node(&mut seats, @0x2, 1000);
        activate_at(&mut seats, 1000, 1);
        ask_to_leave(&mut seats, 0, 1000);
        ask_to_leave(&mut seats, 0, 2000);
        let (accounts, stays) = (vector[@0xa], vector[false]);
        let (admitted, _) = first_named(&seats, &accounts, &stays, false, 1000);
        assert!(admitted, 1);
        let (admitted, _) = first_named(&seats, &accounts, &stays, false, 1001);
        assert!(!admitted, 2);
        let (admitted, _) = first_named(&seats, &accounts, &vector[true], false, 1001);
        assert!(admitted, 3);
        let (admitted, _) = first_named(&seats, &accounts, &stays, true, 1001);
        assert!(admitted, 4);
        drop_all(seats);
    }
}
