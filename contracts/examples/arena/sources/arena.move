/// An arena for many: every tick moves each player one step in its direction; who steps on the prize
/// scores, and the prize appears somewhere else. The scores are the channel's result: for each account
/// that scored, 32 bytes of address and 8 of points, lowest byte first.
module arena::arena {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::event;
    use runtime::lifecycle;
    use runtime::random;

    /// The account has no player in the arena.
    const E_NO_PLAYER: u64 = 1;
    /// A step is -1, 0 or 1 in each axis, written as 0, 1 or 2.
    const E_BAD_STEP: u64 = 2;

    /// Cells along each side.
    const SIZE: u64 = 64;
    /// Scores that a result holds: the latest.
    const MOST_SCORES: u64 = 200;

    /// Who plays, and where the prize lies. Stored under the app's address.
    struct Arena has key {
        players: vector<address>,
        prize_x: u64,
        prize_y: u64,
        ticks: u64,
        /// Who scored, also those who left, by their first point.
        scored: vector<address>,
    }

    /// One player's place, step and points. Stored under its account.
    struct Player has key {
        x: u64,
        y: u64,
        /// 0 back, 1 stay, 2 forth.
        step_x: u8,
        step_y: u8,
        points: u64,
    }

    /// A player reached the prize.
    struct Scored has copy, drop, store { player: address, points: u64 }
    /// The prize lies here now.
    struct PrizePlaced has copy, drop, store { x: u64, y: u64 }

    /// Turns the caller's player.
    public entry fun turn(player: &signer, step_x: u8, step_y: u8) acquires Player {
        let account = signer::address_of(player);
        assert!(exists<Player>(account), E_NO_PLAYER);
        assert!(step_x <= 2 && step_y <= 2, E_BAD_STEP);
        let player = borrow_global_mut<Player>(account);
        player.step_x = step_x;
        player.step_y = step_y;
    }

    /// Points of `account`; zero if it never played.
    public fun points(account: address): u64 acquires Player {
        if (exists<Player>(account)) borrow_global<Player>(account).points else 0
    }

    /// Column and row of `account`'s player.
    public fun position(account: address): (u64, u64) acquires Player {
        assert!(exists<Player>(account), E_NO_PLAYER);
        let player = borrow_global<Player>(account);
        (player.x, player.y)
    }

    /// Column and row of the prize.
    public fun prize(): (u64, u64) acquires Arena {
        let arena = borrow_global<Arena>(@arena);
        (arena.prize_x, arena.prize_y)
    }

    fun init(app: &signer) {
        let (prize_x, prize_y) = (random::below(SIZE), random::below(SIZE));
        move_to(app, Arena { players: vector::empty(), prize_x, prize_y, ticks: 0, scored: vector::empty() });
    }

    fun on_join(_app: &signer, member: &signer) acquires Arena {
        let account = signer::address_of(member);
        if (!exists<Player>(account)) {
            let (x, y) = (random::below(SIZE), random::below(SIZE));
            move_to(member, Player { x, y, step_x: 1, step_y: 1, points: 0 });
        };
        vector::push_back(&mut borrow_global_mut<Arena>(@arena).players, account);
    }

    fun on_leave(_app: &signer, member: &signer) acquires Arena {
        let players = &mut borrow_global_mut<Arena>(@arena).players;
        let (found, index) = vector::index_of(players, &signer::address_of(member));
        if (found) {
            vector::remove(players, index);
        }
    }

    fun on_tick(_app: &signer) acquires Arena, Player {
        let arena = borrow_global_mut<Arena>(@arena);
        arena.ticks = arena.ticks + 1;
        let scores = false;
        let index = 0;
        while (index < vector::length(&arena.players)) {
            let account = *vector::borrow(&arena.players, index);
            let player = borrow_global_mut<Player>(account);
            player.x = moved(player.x, player.step_x);
            player.y = moved(player.y, player.step_y);
            if (player.x == arena.prize_x && player.y == arena.prize_y) {
                player.points = player.points + 1;
                note_scored(&mut arena.scored, account);
                scores = true;
                event::emit(Scored { player: account, points: player.points });
                arena.prize_x = random::below(SIZE);
                arena.prize_y = random::below(SIZE);
                event::emit(PrizePlaced { x: arena.prize_x, y: arena.prize_y });
            };
            index = index + 1;
        };
        if (scores) {
            lifecycle::set_result(result(&arena.scored));
        }
    }

    fun note_scored(scored: &mut vector<address>, account: address) {
        if (!vector::contains(scored, &account)) {
            if (vector::length(scored) == MOST_SCORES) {
                vector::remove(scored, 0);
            };
            vector::push_back(scored, account);
        }
    }

    fun result(scored: &vector<address>): vector<u8> acquires Player {
        let (bytes, index) = (vector::empty(), 0);
        while (index < vector::length(scored)) {
            let account = vector::borrow(scored, index);
            vector::append(&mut bytes, bcs::to_bytes(account));
            vector::append(&mut bytes, bcs::to_bytes(&borrow_global<Player>(*account).points));
            index = index + 1;
        };
        bytes
    }

    /// One step along an axis that wraps around.
    fun moved(place: u64, step: u8): u64 {
        (place + SIZE + (step as u64) - 1) % SIZE
    }

    #[test]
    fun the_arena_wraps_around() {
        assert!(moved(0, 0) == SIZE - 1, 1);
        assert!(moved(SIZE - 1, 2) == 0, 2);
        assert!(moved(5, 1) == 5, 3);
    }

    #[test(app = @arena, a = @0xa)]
    fun a_player_on_the_prize_scores(app: signer, a: signer) acquires Arena, Player {
        init(&app);
        on_join(&app, &a);
        let (prize_x, prize_y) = prize();
        let player = borrow_global_mut<Player>(@0xa);
        player.x = moved(prize_x, 0);
        player.y = prize_y;
        turn(&a, 2, 1);
        on_tick(&app);
        assert!(points(@0xa) == 1, 1);
        let row = bcs::to_bytes(&@0xa);
        vector::append(&mut row, bcs::to_bytes(&1u64));
        assert!(result(&borrow_global<Arena>(@arena).scored) == row, 2);
    }

    #[test(app = @arena, a = @0xa)]
    fun who_left_moves_no_more(app: signer, a: signer) acquires Arena, Player {
        init(&app);
        on_join(&app, &a);
        turn(&a, 2, 2);
        let (x, y) = position(@0xa);
        on_leave(&app, &a);
        on_tick(&app);
        let (now_x, now_y) = position(@0xa);
        assert!(x == now_x && y == now_y, 1);
    }

    #[test(app = @arena, a = @0xa)]
    #[expected_failure(abort_code = 2)]
    fun a_step_is_one_cell(app: signer, a: signer) acquires Arena, Player {
        init(&app);
        on_join(&app, &a);
        turn(&a, 3, 1);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 1)]
    fun a_stranger_has_no_player(a: signer) acquires Player {
        turn(&a, 1, 1);
    }
}
