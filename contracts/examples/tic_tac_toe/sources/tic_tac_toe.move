/// Tic-tac-toe for two with a stake: the winner takes both; a draw gives them back, and so does a
/// player that leaves or a channel that closes before the end.
module tic_tac_toe::tic_tac_toe {
    use std::signer;
    use std::vector;
    use runtime::event;
    use runtime::vault::{Self, Coin};

    /// The account has a game under way as X.
    const E_GAME_UNDER_WAY: u64 = 1;
    /// There is no such game.
    const E_NO_GAME: u64 = 2;
    /// The game has two players already.
    const E_GAME_FULL: u64 = 3;
    /// Nobody plays against themselves.
    const E_SAME_PLAYER: u64 = 4;
    /// The other player is to move, or the game has not begun.
    const E_NOT_YOUR_TURN: u64 = 5;
    /// The board has nine cells, 0 to 8.
    const E_NO_SUCH_CELL: u64 = 6;
    /// Somebody has marked the cell.
    const E_CELL_TAKEN: u64 = 7;

    const EMPTY: u8 = 0;
    const X: u8 = 1;
    const O: u8 = 2;

    /// A game, stored under X's account. `o` is X itself until somebody joins.
    struct Game has key {
        x: address,
        o: address,
        joined: bool,
        /// Nine cells: 0 empty, 1 X, 2 O.
        board: vector<u8>,
        moves: u64,
        asset: address,
        stake: u64,
        pot: Coin,
    }

    /// The games that an account plays as O, by their X; stored under O's account.
    struct Joined has key { games: vector<address> }

    /// X opened a game.
    struct GameOpened has copy, drop, store { x: address, asset: address, stake: u64 }
    /// O joined; X moves first.
    struct GameBegan has copy, drop, store { x: address, o: address }
    /// A cell was marked.
    struct Marked has copy, drop, store { x: address, player: address, cell: u64 }
    /// The game is over; a draw has no winner.
    struct GameOver has copy, drop, store { x: address, o: address, winner: vector<address>, paid: u64 }

    /// Opens a game with a stake and waits for an opponent.
    public entry fun open(player: &signer, asset: address, stake: u64) {
        let x = signer::address_of(player);
        assert!(!exists<Game>(x), E_GAME_UNDER_WAY);
        let pot = vault::withdraw(player, asset, stake);
        let board = vector[EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY];
        move_to(player, Game { x, o: x, joined: false, board, moves: 0, asset, stake, pot });
        event::emit(GameOpened { x, asset, stake });
    }

    /// Joins X's game with the same stake.
    public entry fun join(player: &signer, x: address) acquires Game, Joined {
        assert!(exists<Game>(x), E_NO_GAME);
        let game = borrow_global_mut<Game>(x);
        let o = signer::address_of(player);
        assert!(!game.joined, E_GAME_FULL);
        assert!(o != x, E_SAME_PLAYER);
        vault::join(&mut game.pot, vault::withdraw(player, game.asset, game.stake));
        game.o = o;
        game.joined = true;
        if (!exists<Joined>(o)) {
            move_to(player, Joined { games: vector::empty() });
        };
        vector::push_back(&mut borrow_global_mut<Joined>(o).games, x);
        event::emit(GameBegan { x, o });
    }

    /// Marks a cell of X's game. The last mark of a line wins both stakes.
    public entry fun mark(player: &signer, x: address, cell: u64) acquires Game, Joined {
        assert!(exists<Game>(x), E_NO_GAME);
        let account = signer::address_of(player);
        let game = borrow_global_mut<Game>(x);
        let sign = if (game.moves % 2 == 0) X else O;
        let turn = if (sign == X) game.x else game.o;
        assert!(game.joined && account == turn, E_NOT_YOUR_TURN);
        assert!(cell < 9, E_NO_SUCH_CELL);
        assert!(*vector::borrow(&game.board, cell) == EMPTY, E_CELL_TAKEN);
        *vector::borrow_mut(&mut game.board, cell) = sign;
        game.moves = game.moves + 1;
        event::emit(Marked { x, player: account, cell });
        if (has_line(&game.board, sign)) {
            end(x, vector::singleton(account));
        } else if (game.moves == 9) {
            end(x, vector::empty());
        }
    }

    /// Nine cells of X's game: 0 empty, 1 X, 2 O.
    public fun board(x: address): vector<u8> acquires Game {
        assert!(exists<Game>(x), E_NO_GAME);
        *&borrow_global<Game>(x).board
    }

    /// Whether `x` has a game under way.
    public fun is_playing(x: address): bool {
        exists<Game>(x)
    }

    /// The games of who leaves end undecided. A close lets everybody leave in turn: whoever is last
    /// must not find the others' stakes in the pot.
    fun on_leave(_app: &signer, member: &signer) acquires Game, Joined {
        let account = signer::address_of(member);
        if (exists<Game>(account)) {
            end(account, vector::empty());
        };
        if (exists<Joined>(account)) {
            while (!vector::is_empty(&borrow_global<Joined>(account).games)) {
                let x = *vector::borrow(&borrow_global<Joined>(account).games, 0);
                end(x, vector::empty());
            };
            let Joined { games: _ } = move_from<Joined>(account);
        }
    }

    /// Pays the pot: to the winner, or to each its stake.
    fun end(x: address, winner: vector<address>) acquires Game, Joined {
        let Game { x: _, o, joined, board: _, moves: _, asset: _, stake, pot } =
            move_from<Game>(x);
        let paid = vault::value(&pot);
        event::emit(GameOver { x, o, winner: copy winner, paid });
        if (joined) {
            forget(o, x);
        };
        if (!vector::is_empty(&winner)) {
            pay(vector::pop_back(&mut winner), x, pot);
        } else {
            let half = vault::split(&mut pot, stake);
            pay(x, o, half);
            pay(o, x, pot);
        }
    }

    /// O no longer plays X's game.
    fun forget(o: address, x: address) acquires Joined {
        let games = &mut borrow_global_mut<Joined>(o).games;
        let (found, index) = vector::index_of(games, &x);
        if (found) {
            vector::swap_remove(games, index);
        }
    }

    /// A player that has left cannot receive: then the other one does.
    fun pay(to: address, otherwise: address, coin: Coin) {
        if (vault::has_vault(to)) vault::deposit(to, coin) else vault::deposit(otherwise, coin)
    }

    fun has_line(board: &vector<u8>, sign: u8): bool {
        line(board, sign, 0, 1, 2) || line(board, sign, 3, 4, 5) || line(board, sign, 6, 7, 8)
            || line(board, sign, 0, 3, 6) || line(board, sign, 1, 4, 7) || line(board, sign, 2, 5, 8)
            || line(board, sign, 0, 4, 8) || line(board, sign, 2, 4, 6)
    }

    fun line(board: &vector<u8>, sign: u8, a: u64, b: u64, c: u64): bool {
        *vector::borrow(board, a) == sign && *vector::borrow(board, b) == sign
            && *vector::borrow(board, c) == sign
    }

    #[test_only]
    fun begin(x: &signer, o: &signer) acquires Game, Joined {
        vault::credit_for_testing(x, @0xfa, 10);
        vault::credit_for_testing(o, @0xfa, 10);
        open(x, @0xfa, 4);
        join(o, signer::address_of(x));
    }

    #[test(x = @0xa, o = @0xb)]
    fun the_winner_takes_both_stakes(x: signer, o: signer) acquires Game, Joined {
        begin(&x, &o);
        mark(&x, @0xa, 0);
        mark(&o, @0xa, 3);
        mark(&x, @0xa, 1);
        mark(&o, @0xa, 4);
        mark(&x, @0xa, 2);
        assert!(!is_playing(@0xa), 1);
        assert!(vault::balance(@0xa, @0xfa) == 14 && vault::balance(@0xb, @0xfa) == 6, 2);
    }

    #[test(x = @0xa, o = @0xb)]
    fun a_draw_gives_the_stakes_back(x: signer, o: signer) acquires Game, Joined {
        begin(&x, &o);
        let cells = vector[0, 1, 2, 4, 3, 5, 7, 6, 8];
        let index = 0;
        while (index < 9) {
            mark(if (index % 2 == 0) &x else &o, @0xa, *vector::borrow(&cells, index));
            index = index + 1;
        };
        assert!(!is_playing(@0xa), 1);
        assert!(vault::balance(@0xa, @0xfa) == 10 && vault::balance(@0xb, @0xfa) == 10, 2);
    }

    #[test(app = @tic_tac_toe, x = @0xa, o = @0xb)]
    fun a_close_gives_each_its_stake_whoever_departs_first(app: signer, x: signer, o: signer)
    acquires Game, Joined {
        begin(&x, &o);
        mark(&x, @0xa, 4);
        on_leave(&app, &x);
        on_leave(&app, &o);
        assert!(vault::balance(@0xa, @0xfa) == 10 && vault::balance(@0xb, @0xfa) == 10, 1);
        open(&x, @0xfa, 4);
        join(&o, @0xa);
        on_leave(&app, &o);
        on_leave(&app, &x);
        assert!(vault::balance(@0xa, @0xfa) == 10 && vault::balance(@0xb, @0xfa) == 10, 2);
    }

    #[test(app = @tic_tac_toe, x = @0xa, o = @0xb, third = @0xc)]
    fun who_plays_in_several_games_leaves_all_of_them(
        app: signer,
        x: signer,
        o: signer,
        third: signer,
    ) acquires Game, Joined {
        begin(&x, &o);
        vault::credit_for_testing(&third, @0xfa, 10);
        open(&third, @0xfa, 3);
        join(&o, @0xc);
        on_leave(&app, &o);
        assert!(!is_playing(@0xa) && !is_playing(@0xc), 1);
        assert!(vault::balance(@0xa, @0xfa) == 10 && vault::balance(@0xb, @0xfa) == 10, 2);
        assert!(vault::balance(@0xc, @0xfa) == 10, 3);
    }

    #[test(app = @tic_tac_toe, x = @0xa, o = @0xb)]
    fun a_game_that_is_over_is_left_alone(app: signer, x: signer, o: signer) acquires Game, Joined {
        begin(&x, &o);
        let cells = vector[0, 3, 1, 4, 2];
        let index = 0;
        while (index < 5) {
            mark(if (index % 2 == 0) &x else &o, @0xa, *vector::borrow(&cells, index));
            index = index + 1;
        };
        open(&x, @0xfa, 5);
        on_leave(&app, &o);
        assert!(is_playing(@0xa), 1);
        assert!(vault::balance(@0xa, @0xfa) == 9 && vault::balance(@0xb, @0xfa) == 6, 2);
    }

    #[test(app = @tic_tac_toe, x = @0xa)]
    fun an_open_game_is_refunded(app: signer, x: signer) acquires Game, Joined {
        vault::credit_for_testing(&x, @0xfa, 10);
        open(&x, @0xfa, 4);
        on_leave(&app, &x);
        assert!(vault::balance(@0xa, @0xfa) == 10, 1);
    }

    #[test(x = @0xa, o = @0xb)]
    #[expected_failure(abort_code = 5)]
    fun o_cannot_move_first(x: signer, o: signer) acquires Game, Joined {
        begin(&x, &o);
        mark(&o, @0xa, 0);
    }

    #[test(x = @0xa, o = @0xb)]
    #[expected_failure(abort_code = 7)]
    fun a_marked_cell_stays(x: signer, o: signer) acquires Game, Joined {
        begin(&x, &o);
        mark(&x, @0xa, 0);
        mark(&o, @0xa, 0);
    }

    #[test(x = @0xa, o = @0xb)]
    #[expected_failure(abort_code = 6)]
    fun there_are_nine_cells(x: signer, o: signer) acquires Game, Joined {
        begin(&x, &o);
        mark(&x, @0xa, 9);
    }

    #[test(x = @0xa)]
    #[expected_failure(abort_code = 4)]
    fun nobody_plays_alone(x: signer) acquires Game, Joined {
        vault::credit_for_testing(&x, @0xfa, 10);
        open(&x, @0xfa, 1);
        join(&x, @0xa);
    }

    #[test(x = @0xa, o = @0xb, third = @0xc)]
    #[expected_failure(abort_code = 3)]
    fun a_game_is_for_two(x: signer, o: signer, third: signer) acquires Game, Joined {
        begin(&x, &o);
        join(&third, @0xa);
    }
}
