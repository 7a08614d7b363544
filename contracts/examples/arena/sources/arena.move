/// An arena for many: every tick moves each player one step in its direction; who steps on the prize
/// scores, and the prize appears somewhere else. The scores are the channel's result: for each account
/// that scored, 32 bytes of address and 8 of points, lowest byte first.
///
/// Who wants to play for money puts some on the table. A player with a stake that scores takes one unit
/// from every other stake of the same asset, onto its own; without a stake it scores points alone:
/// nobody wins without risking. What lies on the table is its player's to take back at any time, and
/// goes back when it leaves or the channel closes.
module arena::arena {
    use std::bcs;
    use std::signer;
    use std::vector;
    use runtime::event;
    use runtime::lifecycle;
    use runtime::random;
    use runtime::vault::{Self, Coin};

    /// The account has no player in the arena.
    const E_NO_PLAYER: u64 = 1;
    /// A step is -1, 0 or 1 in each axis, written as 0, 1 or 2.
    const E_BAD_STEP: u64 = 2;
    /// A stake is one unit at least.
    const E_EMPTY_STAKE: u64 = 3;
    /// The account's stake on the table is of another asset: it has to be taken back first.
    const E_OTHER_STAKE: u64 = 4;
    /// The account has nothing on the table.
    const E_NO_STAKE: u64 = 5;

    /// Cells along each side.
    const SIZE: u64 = 64;
    /// Scores that a result holds: the latest.
    const MOST_SCORES: u64 = 200;
    /// Units that who scores takes from every other stake.
    const TAKEN: u64 = 1;

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

    /// What a player has on the table: of one asset, never zero. Stored under its account.
    struct Stake has key { coin: Coin }

    /// A player reached the prize.
    struct Scored has copy, drop, store { player: address, points: u64 }
    /// The prize lies here now.
    struct PrizePlaced has copy, drop, store { x: u64, y: u64 }
    /// A player put this on the table.
    struct Staked has copy, drop, store { player: address, asset: address, amount: u64 }
    /// A player has back what it had on the table.
    struct Unstaked has copy, drop, store { player: address, asset: address, amount: u64 }
    /// A player that scored took this from the others' stakes onto its own.
    struct Won has copy, drop, store { player: address, asset: address, amount: u64 }

    /// Turns the caller's player.
    public entry fun turn(player: &signer, step_x: u8, step_y: u8) acquires Player {
        let account = signer::address_of(player);
        assert!(exists<Player>(account), E_NO_PLAYER);
        assert!(step_x <= 2 && step_y <= 2, E_BAD_STEP);
        let player = borrow_global_mut<Player>(account);
        player.step_x = step_x;
        player.step_y = step_y;
    }

    /// Puts `amount` of `asset` from the caller's vault on the table, to what it has there.
    public entry fun stake(player: &signer, asset: address, amount: u64) acquires Stake {
        let account = signer::address_of(player);
        assert!(exists<Player>(account), E_NO_PLAYER);
        assert!(amount > 0, E_EMPTY_STAKE);
        let coin = vault::withdraw(player, asset, amount);
        if (exists<Stake>(account)) {
            let stake = borrow_global_mut<Stake>(account);
            assert!(vault::asset(&stake.coin) == asset, E_OTHER_STAKE);
            vault::join(&mut stake.coin, coin);
        } else {
            move_to(player, Stake { coin });
        };
        event::emit(Staked { player: account, asset, amount });
    }

    /// Takes what the caller has on the table back into its vault.
    public entry fun unstake(player: &signer) acquires Stake {
        let account = signer::address_of(player);
        assert!(exists<Stake>(account), E_NO_STAKE);
        give_back(account);
    }

    /// Units that `account` has on the table.
    public fun table(account: address): u64 acquires Stake {
        if (exists<Stake>(account)) vault::value(&borrow_global<Stake>(account).coin) else 0
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

    fun on_leave(_app: &signer, member: &signer) acquires Arena, Stake {
        let account = signer::address_of(member);
        let players = &mut borrow_global_mut<Arena>(@arena).players;
        let (found, index) = vector::index_of(players, &account);
        if (found) {
            vector::remove(players, index);
        };
        if (exists<Stake>(account)) {
            give_back(account);
        }
    }

    /// One player scores a tick at most: the first that is on the prize. So a tick's work grows with
    /// the number of players, and no faster.
    fun on_tick(_app: &signer) acquires Arena, Player, Stake {
        let arena = borrow_global_mut<Arena>(@arena);
        arena.ticks = arena.ticks + 1;
        let (on_prize, index) = (vector::empty(), 0);
        while (index < vector::length(&arena.players)) {
            let account = *vector::borrow(&arena.players, index);
            let player = borrow_global_mut<Player>(account);
            player.x = moved(player.x, player.step_x);
            player.y = moved(player.y, player.step_y);
            if (player.x == arena.prize_x && player.y == arena.prize_y) {
                vector::push_back(&mut on_prize, account);
            };
            index = index + 1;
        };
        if (!vector::is_empty(&on_prize)) {
            score(arena, *vector::borrow(&on_prize, 0));
        }
    }

    /// `account` has the point and the others' units, and the prize appears somewhere else.
    fun score(arena: &mut Arena, account: address) acquires Player, Stake {
        let player = borrow_global_mut<Player>(account);
        player.points = player.points + 1;
        event::emit(Scored { player: account, points: player.points });
        note_scored(&mut arena.scored, account);
        lifecycle::set_result(result(&arena.scored));
        if (exists<Stake>(account)) {
            win(&arena.players, account);
        };
        arena.prize_x = random::below(SIZE);
        arena.prize_y = random::below(SIZE);
        event::emit(PrizePlaced { x: arena.prize_x, y: arena.prize_y });
    }

    /// Takes from every other stake of the asset that `winner` has staked, onto the winner's.
    fun win(players: &vector<address>, winner: address) acquires Stake {
        let asset = vault::asset(&borrow_global<Stake>(winner).coin);
        let (taken, index) = (vault::zero(asset), 0);
        while (index < vector::length(players)) {
            let account = *vector::borrow(players, index);
            if (account != winner && exists<Stake>(account)) {
                take(account, &mut taken);
            };
            index = index + 1;
        };
        let amount = vault::value(&taken);
        vault::join(&mut borrow_global_mut<Stake>(winner).coin, taken);
        if (amount > 0) {
            event::emit(Won { player: winner, asset, amount });
        }
    }

    /// Takes from the stake of `account`, if it is of the asset of `taken`; the last unit ends it.
    fun take(account: address, taken: &mut Coin) acquires Stake {
        let coin = &mut borrow_global_mut<Stake>(account).coin;
        if (vault::asset(coin) != vault::asset(taken)) return;
        vault::join(taken, vault::split(coin, TAKEN));
        if (vault::value(coin) == 0) {
            let Stake { coin } = move_from<Stake>(account);
            vault::destroy_zero(coin);
        }
    }

    /// The stake of `account` goes back to its vault.
    fun give_back(account: address) acquires Stake {
        let Stake { coin } = move_from<Stake>(account);
        let (asset, amount) = (vault::asset(&coin), vault::value(&coin));
        vault::deposit(account, coin);
        event::emit(Unstaked { player: account, asset, amount });
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

    #[test_only]
    /// `player` steps on the prize with the next tick; whoever else would is moved away.
    fun reach_prize(app: &signer, player: &signer) acquires Arena, Player, Stake {
        let (prize_x, prize_y) = prize();
        let players = *&borrow_global<Arena>(@arena).players;
        while (!vector::is_empty(&players)) {
            let other = borrow_global_mut<Player>(vector::pop_back(&mut players));
            other.x = moved(moved(prize_x, 2), 2);
            other.step_x = 1;
        };
        let reaching = borrow_global_mut<Player>(signer::address_of(player));
        reaching.x = moved(prize_x, 0);
        reaching.y = prize_y;
        turn(player, 2, 1);
        on_tick(app);
    }

    #[test_only]
    /// An arena with two players who have ten units of 0xfa and of 0xfb each.
    fun two_players(app: &signer, a: &signer, b: &signer) acquires Arena {
        init(app);
        enter(app, a);
        enter(app, b);
    }

    #[test_only]
    fun enter(app: &signer, member: &signer) acquires Arena {
        vault::credit_for_testing(member, @0xfa, 10);
        vault::credit_for_testing(member, @0xfb, 10);
        on_join(app, member);
    }

    #[test_only]
    /// Whether `account` has these units of 0xfa in its vault and on the table.
    fun has(account: address, in_vault: u64, on_table: u64): bool acquires Stake {
        vault::balance(account, @0xfa) == in_vault && table(account) == on_table
    }

    #[test]
    fun the_arena_wraps_around() {
        assert!(moved(0, 0) == SIZE - 1, 1);
        assert!(moved(SIZE - 1, 2) == 0, 2);
        assert!(moved(5, 1) == 5, 3);
    }

    #[test(app = @arena, a = @0xa)]
    fun a_player_on_the_prize_scores(app: signer, a: signer) acquires Arena, Player, Stake {
        init(&app);
        on_join(&app, &a);
        reach_prize(&app, &a);
        assert!(points(@0xa) == 1, 1);
        let row = bcs::to_bytes(&@0xa);
        vector::append(&mut row, bcs::to_bytes(&1u64));
        assert!(result(&borrow_global<Arena>(@arena).scored) == row, 2);
    }

    #[test(app = @arena, a = @0xa)]
    fun who_left_moves_no_more(app: signer, a: signer) acquires Arena, Player, Stake {
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

    #[test(app = @arena, a = @0xa, b = @0xb)]
    fun stakes_leave_the_vault_and_come_back(app: signer, a: signer, b: signer)
    acquires Arena, Stake {
        two_players(&app, &a, &b);
        stake(&a, @0xfa, 3);
        stake(&a, @0xfa, 4);
        assert!(has(@0xa, 3, 7) && has(@0xb, 10, 0), 1);
        unstake(&a);
        assert!(has(@0xa, 10, 0), 2);
        stake(&a, @0xfb, 10);
        assert!(vault::balance(@0xa, @0xfb) == 0 && table(@0xa) == 10, 3);
    }

    #[test(app = @arena, a = @0xa, b = @0xb, c = @0xc)]
    fun who_scores_takes_a_unit_from_each_other_stake(app: signer, a: signer, b: signer, c: signer)
    acquires Arena, Player, Stake {
        two_players(&app, &a, &b);
        enter(&app, &c);
        stake(&a, @0xfa, 1);
        stake(&b, @0xfa, 5);
        stake(&c, @0xfa, 6);
        reach_prize(&app, &a);
        assert!(has(@0xa, 9, 3) && has(@0xb, 5, 4) && has(@0xc, 4, 5), 1);
        reach_prize(&app, &b);
        assert!(has(@0xa, 9, 2) && has(@0xb, 5, 6) && has(@0xc, 4, 4), 2);
        assert!(points(@0xa) == 1 && points(@0xb) == 1, 3);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    fun who_has_staked_nothing_wins_points_alone(app: signer, a: signer, b: signer)
    acquires Arena, Player, Stake {
        two_players(&app, &a, &b);
        stake(&b, @0xfa, 5);
        reach_prize(&app, &a);
        assert!(points(@0xa) == 1 && has(@0xa, 10, 0) && has(@0xb, 5, 5), 1);
        reach_prize(&app, &b);
        assert!(has(@0xa, 10, 0) && has(@0xb, 5, 5), 2);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    fun the_last_unit_ends_a_stake(app: signer, a: signer, b: signer) acquires Arena, Player, Stake {
        two_players(&app, &a, &b);
        stake(&a, @0xfa, 1);
        stake(&b, @0xfa, 1);
        reach_prize(&app, &a);
        reach_prize(&app, &a);
        assert!(has(@0xa, 9, 2) && has(@0xb, 9, 0) && !exists<Stake>(@0xb), 1);
        stake(&b, @0xfb, 1);
        assert!(table(@0xb) == 1, 2);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    fun stakes_of_another_asset_are_not_played_for(app: signer, a: signer, b: signer)
    acquires Arena, Player, Stake {
        two_players(&app, &a, &b);
        stake(&a, @0xfa, 2);
        stake(&b, @0xfb, 2);
        reach_prize(&app, &a);
        reach_prize(&app, &b);
        assert!(table(@0xa) == 2 && table(@0xb) == 2, 1);
        on_leave(&app, &a);
        on_leave(&app, &b);
        assert!(vault::balance(@0xa, @0xfa) == 10 && vault::balance(@0xa, @0xfb) == 10, 2);
        assert!(vault::balance(@0xb, @0xfa) == 10 && vault::balance(@0xb, @0xfb) == 10, 3);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    fun who_leaves_has_its_stake_and_what_it_won(app: signer, a: signer, b: signer)
    acquires Arena, Player, Stake {
        two_players(&app, &a, &b);
        stake(&a, @0xfa, 4);
        stake(&b, @0xfa, 4);
        reach_prize(&app, &a);
        on_leave(&app, &a);
        assert!(has(@0xa, 11, 0) && has(@0xb, 6, 3), 1);
        reach_prize(&app, &b);
        assert!(has(@0xa, 11, 0) && has(@0xb, 6, 3), 2);
        on_leave(&app, &b);
        assert!(has(@0xb, 9, 0), 3);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    fun a_tick_has_one_score_however_many_are_on_the_prize(app: signer, a: signer, b: signer)
    acquires Arena, Player, Stake {
        two_players(&app, &a, &b);
        let (prize_x, prize_y) = prize();
        let players = vector[@0xa, @0xb];
        while (!vector::is_empty(&players)) {
            let player = borrow_global_mut<Player>(vector::pop_back(&mut players));
            player.x = prize_x;
            player.y = prize_y;
        };
        on_tick(&app);
        assert!(points(@0xa) == 1 && points(@0xb) == 0, 1);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    /// A test has the gas of five ticks. Here one account stands for all but one of 1,024 players.
    fun a_full_arena_has_gas_for_a_score_in_every_tick(app: signer, a: signer, b: signer)
    acquires Arena, Player, Stake {
        two_players(&app, &a, &b);
        vault::credit_for_testing(&a, @0xfa, 1000000);
        stake(&a, @0xfa, 1000000);
        stake(&b, @0xfa, 1);
        let (players, scored) = (vector[@0xb], vector::empty());
        while (vector::length(&players) < 1024) vector::push_back(&mut players, @0xa);
        while (vector::length(&scored) < MOST_SCORES) vector::push_back(&mut scored, @0xa);
        let arena = borrow_global_mut<Arena>(@arena);
        arena.players = players;
        arena.scored = scored;
        let ticks = 0;
        while (ticks < 5) {
            let arena = borrow_global<Arena>(@arena);
            let (x, y) = (arena.prize_x, arena.prize_y);
            borrow_global_mut<Player>(@0xa).x = moved(x, 0);
            let player = borrow_global_mut<Player>(@0xb);
            player.x = x;
            player.y = y;
            on_tick(&app);
            ticks = ticks + 1;
        };
        assert!(points(@0xb) == 5 && table(@0xb) == 1 + 5 * 1023, 1);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    #[expected_failure(abort_code = 3)]
    fun a_stake_is_not_empty(app: signer, a: signer, b: signer) acquires Arena, Stake {
        two_players(&app, &a, &b);
        stake(&a, @0xfa, 0);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    #[expected_failure(abort_code = 4)]
    fun a_stake_is_of_one_asset(app: signer, a: signer, b: signer) acquires Arena, Stake {
        two_players(&app, &a, &b);
        stake(&a, @0xfa, 1);
        stake(&a, @0xfb, 1);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    #[expected_failure(abort_code = 5)]
    fun what_was_taken_back_is_not_taken_twice(app: signer, a: signer, b: signer)
    acquires Arena, Stake {
        two_players(&app, &a, &b);
        stake(&a, @0xfa, 1);
        unstake(&a);
        unstake(&a);
    }

    #[test(app = @arena, a = @0xa, b = @0xb)]
    #[expected_failure(abort_code = 2)]
    fun a_stake_is_at_most_what_the_vault_has(app: signer, a: signer, b: signer)
    acquires Arena, Stake {
        two_players(&app, &a, &b);
        stake(&a, @0xfa, 11);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 1)]
    fun a_stranger_stakes_nothing(a: signer) acquires Stake {
        vault::credit_for_testing(&a, @0xfa, 10);
        stake(&a, @0xfa, 1);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 1)]
    fun a_stranger_has_no_player(a: signer) acquires Player {
        turn(&a, 1, 1);
    }
}
