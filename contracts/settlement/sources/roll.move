/// What a channel's seats say of an account or a node: whether it is here, as what, and since when.
module settlement::roll {
    use std::vector;
    use settlement::quorum;
    use settlement::seats::{Self, Seats};
    use settlement::voices::{Self, Voter};

    friend settlement::channel;
    friend settlement::spoken;

    /// Join sequence and deposit of a member; zeros for none.
    public(friend) fun brought(seats: &Seats, account: address): (u64, u64) {
        let (known, index) = seats::find(seats, account);
        if (!known) return (0, 0);
        let seat = seats::at(seats, index);
        (seats::join_sequence(&seat), seats::deposit(&seat))
    }

    /// The account for which the node with this chain account acts as an active member, if it does, and
    /// its join sequence.
    public(friend) fun member_of_node(seats: &Seats, node_account: address): (bool, address, u64) {
        let (known, index) = seats::find_account(seats, node_account);
        if (!known) return (false, @0x0, 0);
        let seat = seats::at(seats, index);
        (seats::has_votes(&seat), seats::account(&seat), seats::join_sequence(&seat))
    }

    /// Whether the member with this join sequence is there, and whether it has been active since the
    /// epoch or longer.
    public(friend) fun was_active(seats: &Seats, join_sequence: u64, epoch: u64): (bool, bool) {
        let (found, index) = seats::find_sequence(seats, join_sequence);
        if (!found) return (false, false);
        let seat = seats::at(seats, index);
        (true, seats::has_votes(&seat) && seats::active_since(&seat) <= epoch)
    }

    /// The active members in join order, as who speaks for whom depends on them: which are `valid`, who
    /// stays, and whom those of `members` chose.
    public(friend) fun voters(
        seats: &Seats,
        valid: &vector<u64>,
        members: &vector<u64>,
        wanted: &vector<u64>,
    ): vector<Voter> {
        let (sequences, voters) = (vector::empty(), vector::empty());
        let (index, count) = (0, seats::count(seats));
        while (index < count) {
            let seat = seats::at(seats, index);
            if (seats::has_votes(&seat)) {
                let sequence = seats::join_sequence(&seat);
                let (is_valid, _) = quorum::find_number(valid, sequence);
                let (chose, place) = quorum::find_number(members, sequence);
                let choice = if (chose) *vector::borrow(wanted, place) else 0;
                let voter = voices::voter(sequence, is_valid, !seats::leaves(&seat), choice);
                let (_, place) = quorum::find_number(&sequences, sequence);
                quorum::insert(&mut sequences, sequence, place);
                quorum::insert(&mut voters, voter, place);
            };
            index = index + 1;
        };
        voters
    }

    /// Those of the accounts that have a seat.
    public(friend) fun still_there(seats: &Seats, accounts: vector<address>): vector<address> {
        let there = vector::empty();
        while (!vector::is_empty(&accounts)) {
            let account = vector::pop_back(&mut accounts);
            let (known, _) = seats::find(seats, account);
            if (known) vector::push_back(&mut there, account);
        };
        there
    }
}
