/// Which candidate each member chose, and who spoke for whom in each epoch. Each lies under an address
/// made of the channel, its kind and a number, so that channels of up to five members store nothing.
module settlement::spoken {
    use std::bcs;
    use std::vector;
    use settlement::account;
    use settlement::ids;
    use settlement::quorum;
    use settlement::roll;
    use settlement::seats::Seats;
    use settlement::voices::{Self, Voices};

    friend settlement::channel;

    /// Kinds.
    const CHOSEN: u8 = 0;
    const VOICED: u8 = 1;

    /// Join sequences of the active members that chose, ascending, and of whom each chose.
    struct Chosen has key { members: vector<u64>, wanted: vector<u64> }

    /// Kept for good of every epoch in which somebody was spoken for.
    struct Voiced has key { voices: Voices }

    /// Where a `Chosen` or `Voiced` is stored.
    struct Place has drop { channel: address, kind: u8, number: u64 }

    /// The member wants to be spoken for by another; by nobody in particular if that is zero.
    public(friend) fun choose(channel: address, join_sequence: u64, candidate: u64) acquires Chosen {
        let place = place_of(channel, CHOSEN, 0);
        if (!exists<Chosen>(place)) {
            let none = Chosen { members: vector::empty(), wanted: vector::empty() };
            move_to(&account::create_signer(place), none);
        };
        let chosen = borrow_global_mut<Chosen>(place);
        let (found, index) = quorum::find_number(&chosen.members, join_sequence);
        if (found) *vector::borrow_mut(&mut chosen.wanted, index) = candidate
        else {
            quorum::insert(&mut chosen.members, join_sequence, index);
            quorum::insert(&mut chosen.wanted, candidate, index);
        }
    }

    /// Who would speak for whom if the epoch after `epoch` were granted now to these valid members.
    public(friend) fun next(channel: address, epoch: u64, seats: &Seats, valid: &vector<u64>): Voices
    acquires Chosen, Voiced {
        let (members, wanted) = choices(channel);
        voices::assign(&of(channel, epoch), &roll::voters(seats, valid, &members, &wanted))
    }

    /// Keeps who speaks for whom in an epoch that is granted; forgets what members chose that are gone.
    public(friend) fun keep(channel: address, epoch: u64, voices: Voices, seats: &Seats)
    acquires Chosen {
        if (!voices::is_none(&voices)) {
            move_to(&account::create_signer(place_of(channel, VOICED, epoch)), Voiced { voices });
        };
        let place = place_of(channel, CHOSEN, 0);
        if (!exists<Chosen>(place)) return;
        let chosen = borrow_global_mut<Chosen>(place);
        let index = vector::length(&chosen.members);
        while (index > 0) {
            index = index - 1;
            let (is_active, _) = roll::was_active(seats, *vector::borrow(&chosen.members, index), epoch);
            if (!is_active) {
                vector::remove(&mut chosen.members, index);
                vector::remove(&mut chosen.wanted, index);
            };
        };
    }

    /// Who spoke for whom in the epoch.
    public(friend) fun of(channel: address, epoch: u64): Voices acquires Voiced {
        let place = place_of(channel, VOICED, epoch);
        if (exists<Voiced>(place)) *&borrow_global<Voiced>(place).voices else voices::none()
    }

    /// The members that chose, and whom.
    fun choices(channel: address): (vector<u64>, vector<u64>) acquires Chosen {
        let place = place_of(channel, CHOSEN, 0);
        if (!exists<Chosen>(place)) return (vector::empty(), vector::empty());
        let chosen = borrow_global<Chosen>(place);
        (*&chosen.members, *&chosen.wanted)
    }

    #[test_only]
    /// Who chose, and whom.
    public fun choices_for_testing(channel: address): (vector<u64>, vector<u64>) acquires Chosen {
        choices(channel)
    }

    #[test_only]
    public fun is_kept_for_testing(channel: address, epoch: u64): bool {
        exists<Voiced>(place_of(channel, VOICED, epoch))
    }

    fun place_of(channel: address, kind: u8, number: u64): address {
        ids::hash(b"channel-voices", bcs::to_bytes(&Place { channel, kind, number }))
    }
}
