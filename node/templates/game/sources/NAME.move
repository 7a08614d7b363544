/// Nim for two with a stake: from a heap of 21 sticks each takes one, two or three in turn; who takes
/// the last one wins both stakes. When a player leaves first, each gets its stake back.
module NAME::NAME {
    use std::option::{Self, Option};
    use std::signer;
    use runtime::event;
    use runtime::vault::{Self, Coin};

    /// The account has a game that is not over.
    const E_GAME_UNDER_WAY: u64 = 1;
    /// There is no such game.
    const E_NO_GAME: u64 = 2;
    /// The game has two players already.
    const E_GAME_FULL: u64 = 3;
    /// Nobody plays against themselves.
    const E_SAME_PLAYER: u64 = 4;
    /// The other player is to move, or the game has not begun.
    const E_NOT_YOUR_TURN: u64 = 5;
    /// A move takes one, two or three sticks, and no more than there are.
    const E_BAD_COUNT: u64 = 6;

    const STICKS: u64 = 21;

    /// A game, stored under its host's account.
    struct Game has key {
        guest: Option<address>,
        sticks: u64,
        moves: u64,
        asset: address,
        stake: u64,
        pot: Coin,
    }

    /// Whose game the account plays; stored under the guest's account.
    struct Guest has key { host: address }

    /// A game waits for a guest.
    struct Opened has copy, drop, store { host: address, asset: address, stake: u64 }
    /// A guest joined; the host moves first.
    struct Began has copy, drop, store { host: address, guest: address }
    /// A player took some sticks.
    struct Taken has copy, drop, store { host: address, player: address, count: u64, left: u64 }
    /// The game is over; one that ended early has no winner.
    struct Over has copy, drop, store { host: address, winner: Option<address>, paid: u64 }

    /// Opens a game and puts the stake into its pot.
    public entry fun open(player: &signer, asset: address, stake: u64) {
        let host = signer::address_of(player);
        assert!(!exists<Game>(host) && !exists<Guest>(host), E_GAME_UNDER_WAY);
        let pot = vault::withdraw(player, asset, stake);
        let game = Game { guest: option::none(), sticks: STICKS, moves: 0, asset, stake, pot };
        move_to(player, game);
        event::emit(Opened { host, asset, stake });
    }

    /// Joins the host's game with the same stake.
    public entry fun join(player: &signer, host: address) acquires Game {
        let guest = signer::address_of(player);
        assert!(exists<Game>(host), E_NO_GAME);
        assert!(guest != host, E_SAME_PLAYER);
        assert!(!exists<Game>(guest) && !exists<Guest>(guest), E_GAME_UNDER_WAY);
        let game = borrow_global_mut<Game>(host);
        assert!(option::is_none(&game.guest), E_GAME_FULL);
        vault::join(&mut game.pot, vault::withdraw(player, game.asset, game.stake));
        game.guest = option::some(guest);
        move_to(player, Guest { host });
        event::emit(Began { host, guest });
    }

    /// Takes sticks from the heap of the host's game. The last one wins both stakes.
    public entry fun take(player: &signer, host: address, count: u64) acquires Game, Guest {
        assert!(exists<Game>(host), E_NO_GAME);
        let account = signer::address_of(player);
        let game = borrow_global_mut<Game>(host);
        let is_turn = if (game.moves % 2 == 0) account == host else option::contains(&game.guest, &account);
        assert!(option::is_some(&game.guest) && is_turn, E_NOT_YOUR_TURN);
        assert!(count >= 1 && count <= 3 && count <= game.sticks, E_BAD_COUNT);
        game.sticks = game.sticks - count;
        game.moves = game.moves + 1;
        let left = game.sticks;
        event::emit(Taken { host, player: account, count, left });
        if (left == 0) end(host, option::some(account));
    }

    /// Sticks that are left in the host's game.
    public fun sticks(host: address): u64 acquires Game {
        assert!(exists<Game>(host), E_NO_GAME);
        borrow_global<Game>(host).sticks
    }

    /// Whether `host` has a game.
    public fun is_open(host: address): bool {
        exists<Game>(host)
    }

    /// The games of who leaves end undecided.
    fun on_leave(_app: &signer, member: &signer) acquires Game, Guest {
        let account = signer::address_of(member);
        if (exists<Game>(account)) end(account, option::none());
        if (exists<Guest>(account)) {
            let host = borrow_global<Guest>(account).host;
            end(host, option::none());
        }
    }

    /// Pays the pot: to the winner, or to each its stake.
    fun end(host: address, winner: Option<address>) acquires Game, Guest {
        let Game { guest, sticks: _, moves: _, asset: _, stake, pot } = move_from<Game>(host);
        event::emit(Over { host, winner, paid: vault::value(&pot) });
        if (option::is_some(&guest)) {
            let Guest { host: _ } = move_from<Guest>(*option::borrow(&guest));
            let half = vault::split(&mut pot, stake);
            vault::deposit(option::get_with_default(&winner, *option::borrow(&guest)), half);
        };
        vault::deposit(option::get_with_default(&winner, host), pot);
    }

    #[test_only]
    fun begin(host: &signer, guest: &signer) acquires Game {
        vault::credit_for_testing(host, @0xfa, 10);
        vault::credit_for_testing(guest, @0xfa, 10);
        open(host, @0xfa, 4);
        join(guest, signer::address_of(host));
    }

    #[test(a = @0xa, b = @0xb)]
    fun who_takes_the_last_stick_wins_both_stakes(a: signer, b: signer) acquires Game, Guest {
        begin(&a, &b);
        let turn = 0;
        while (is_open(@0xa)) {
            take(if (turn % 2 == 0) &a else &b, @0xa, 3);
            turn = turn + 1;
        };
        assert!(vault::balance(@0xa, @0xfa) == 14 && vault::balance(@0xb, @0xfa) == 6, 1);
    }

    #[test(app = @NAME, a = @0xa, b = @0xb)]
    fun who_leaves_first_gives_the_stakes_back(app: signer, a: signer, b: signer)
    acquires Game, Guest {
        begin(&a, &b);
        take(&a, @0xa, 1);
        on_leave(&app, &b);
        assert!(vault::balance(@0xa, @0xfa) == 10 && vault::balance(@0xb, @0xfa) == 10, 1);
        open(&b, @0xfa, 1);
    }

    #[test(a = @0xa, b = @0xb)]
    #[expected_failure(abort_code = 6)]
    fun nobody_takes_four(a: signer, b: signer) acquires Game, Guest {
        begin(&a, &b);
        take(&a, @0xa, 4);
    }

    #[test(a = @0xa, b = @0xb)]
    #[expected_failure(abort_code = 5)]
    fun nobody_moves_twice(a: signer, b: signer) acquires Game, Guest {
        begin(&a, &b);
        take(&a, @0xa, 1);
        take(&a, @0xa, 1);
    }
}
