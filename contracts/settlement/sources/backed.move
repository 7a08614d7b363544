/// The collateral behind a channel's seats: what it is now, who counts by it, and what becomes of it.
module settlement::backed {
    use std::vector;
    use runtime::context;
    use settlement::backing;
    use settlement::coin::Coin;
    use settlement::collateral;
    use settlement::quorum;
    use settlement::seats::{Self, Seat, Seats};

    friend settlement::channel;

    /// Milliseconds for which the collateral of who has left is kept, at the least: time to report it
    /// and to vote.
    const LEAST_HOLD: u64 = 120000;
    /// Milliseconds by which reports can prolong that in all: two of them, one after the other.
    const MOST_PROLONGED: u64 = 120000;

    /// What backs a member's word now: its collateral, as far as its stake still has it.
    public(friend) fun by(seat: &Seat, asset: address): u64 {
        let (counted, pooled) = seats::backing(seat);
        let most = if (pooled) collateral::available(seats::account(seat), asset) else counted;
        if (most < counted) most else counted
    }

    /// Whether a member is backed by the channel's least, less what its reports that nobody decided have
    /// cost: it paid for nothing that it can be blamed for, and a fine finds so much less.
    public(friend) fun is_enough(seat: &Seat, asset: address, least: u64): bool {
        by(seat, asset) + seats::excused(seat) >= least
    }

    /// Those of the join sequences in `valid` whose members are backed enough.
    public(friend) fun only(
        seats: &Seats,
        asset: address,
        least: u64,
        valid: vector<u64>,
    ): vector<u64> {
        let index = 0;
        while (index < seats::count(seats)) {
            let seat = seats::at(seats, index);
            if (!is_enough(&seat, asset, least)) {
                let (found, place) = vector::index_of(&valid, &seats::join_sequence(&seat));
                if (found) { vector::remove(&mut valid, place); };
            };
            index = index + 1;
        };
        valid
    }

    /// Lowers the weights of `electors` to what backs them.
    public(friend) fun lower(
        seats: &Seats,
        asset: address,
        electors: &vector<address>,
        weights: &mut vector<u64>,
    ) {
        let index = 0;
        while (index < seats::count(seats)) {
            let seat = seats::at(seats, index);
            if (seats::has_votes(&seat)) {
                let (_, place) = quorum::find(electors, seats::node(&seat));
                let (weight, most) = (vector::borrow_mut(weights, place), by(&seat, asset));
                if (*weight > most) *weight = most;
            };
            index = index + 1;
        };
    }

    /// Takes at most `amount` from the collateral of the member in this seat.
    public(friend) fun fine(
        seats: &mut Seats,
        index: u64,
        channel: address,
        asset: address,
        amount: u64,
    ): Coin {
        let seat = seats::at(seats, index);
        let (most, pooled) = seats::backing(&seat);
        if (amount > most) amount = most;
        seats::lose(seats, index, amount);
        backing::fine(channel, seats::account(&seat), asset, amount, pooled)
    }

    /// Gives who was never in the channel its collateral back.
    public(friend) fun give_back(channel: address, seat: &Seat, asset: address) {
        let (collateral, pooled) = seats::backing(seat);
        backing::give_back(channel, seats::account(seat), asset, collateral, pooled);
    }

    /// Keeps the collateral of who has left for a window, so that a fine can still reach it.
    public(friend) fun hold(channel: address, seat: &Seat, asset: address, window: u64) {
        let (collateral, pooled) = seats::backing(seat);
        let until = context::time_ms() + if (window > LEAST_HOLD) window else LEAST_HOLD;
        let latest = until + MOST_PROLONGED;
        backing::hold(channel, seats::account(seat), asset, collateral, pooled, until, latest);
    }
}
