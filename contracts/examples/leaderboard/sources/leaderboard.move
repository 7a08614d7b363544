/// A dApp on the settlement chain: it opens arenas (channels for the package `arena`), lets in who
/// pays the fee, and keeps a board of the best scores in them, as their members settled them.
module leaderboard::leaderboard {
    use std::signer;
    use std::vector;
    use runtime::event;
    use settlement::channel::{Self, ChannelOwner, Creator};
    use settlement::coin;
    use settlement::ids;
    use settlement::rules;

    /// Only the account that published the board may do this.
    const E_NOT_PUBLISHER: u64 = 1;
    /// The board is not set up yet.
    const E_NOT_SET_UP: u64 = 2;
    /// The board is set up already.
    const E_SET_UP_ALREADY: u64 = 3;
    /// The board opened no such arena.
    const E_NOT_OURS: u64 = 4;
    /// The arena has not settled yet.
    const E_NOT_SETTLED: u64 = 5;
    /// The arena's last settlement was collected already.
    const E_COLLECTED_ALREADY: u64 = 6;
    /// The result is no list of scores.
    const E_BAD_RESULT: u64 = 7;
    /// The board has all the arenas it takes.
    const E_TOO_MANY: u64 = 8;

    /// What the fee is paid in: the chain's native asset.
    const NATIVE: address = @0xfa;
    /// Milliseconds between ticks.
    const TICK: u64 = 100;
    /// The least that a player brings into an arena.
    const LEAST_DEPOSIT: u64 = 100;
    const MOST_PLAYERS: u64 = 16;
    const MOST_ARENAS: u64 = 64;
    const MOST_ROWS: u64 = 100;
    /// Bytes of one score in a result: an address, and points with the lowest byte first.
    const SCORE_BYTES: u64 = 40;

    /// Under the publisher's address.
    struct Board has key {
        creator: Creator,
        /// Hash of the arena's package.
        package: address,
        fee: u64,
        arenas: vector<Arena>,
        /// The best first; each account once.
        rows: vector<Row>,
    }

    struct Arena has store {
        owner: ChannelOwner,
        /// Number of the last settlement that was collected.
        collected: u64,
    }

    /// The most points of an account in one arena.
    struct Row has copy, drop, store { account: address, points: u64, channel: address }

    struct ArenaOpened has copy, drop, store { channel: address }
    struct Collected has copy, drop, store { channel: address, number: u64, scores: u64 }

    /// Begins the board: arenas run the package with this hash, and who enters one pays `fee`.
    public entry fun set_up(publisher: &signer, package: address, fee: u64) {
        check_publisher(publisher);
        assert!(!exists<Board>(@leaderboard), E_SET_UP_ALREADY);
        move_to(publisher, Board {
            creator: channel::creator(publisher), package, fee, arenas: vector::empty(),
            rows: vector::empty(),
        });
    }

    /// Opens an arena. Anybody may.
    public entry fun open(_anybody: &signer) acquires Board {
        check_set_up();
        let board = borrow_global_mut<Board>(@leaderboard);
        assert!(vector::length(&board.arenas) < MOST_ARENAS, E_TOO_MANY);
        let config = rules::admitted(NATIVE, LEAST_DEPOSIT, MOST_PLAYERS);
        config = rules::with_intervals(config, TICK, 0);
        let owner = channel::create_for(&board.creator, board.package, config);
        let channel = channel::owned(&owner);
        vector::push_back(&mut board.arenas, Arena { owner, collected: 0 });
        event::emit(ArenaOpened { channel });
    }

    /// Pays the fee and joins an arena; the other arguments are those of `channel::join`.
    public entry fun enter(
        player: &signer,
        channel: address,
        node: address,
        amount: u64,
        endpoints: vector<vector<u8>>,
        proof: vector<u8>,
        collateral: u64,
        pooled: bool,
    ) acquires Board {
        check_set_up();
        let board = borrow_global_mut<Board>(@leaderboard);
        let arena = arena_mut(&mut board.arenas, channel);
        coin::deposit(@leaderboard, coin::withdraw(player, NATIVE, board.fee));
        channel::join_admitted(
            &arena.owner, player, node, amount, endpoints, proof, collateral, pooled,
        );
    }

    /// Takes the scores of the arena's last settlement into the board. Anybody may, once for each
    /// settlement.
    public entry fun collect(_anybody: &signer, channel: address) acquires Board {
        check_set_up();
        let board = borrow_global_mut<Board>(@leaderboard);
        let arena = arena_mut(&mut board.arenas, channel);
        let (number, _, _, result) = channel::last_settlement(channel);
        assert!(number > 0, E_NOT_SETTLED);
        assert!(number > arena.collected, E_COLLECTED_ALREADY);
        arena.collected = number;
        let length = vector::length(&result);
        assert!(length % SCORE_BYTES == 0, E_BAD_RESULT);
        let place = 0;
        while (place < length) {
            let (account, points) = score(&result, place);
            enter_row(&mut board.rows, Row { account, points, channel });
            place = place + SCORE_BYTES;
        };
        event::emit(Collected { channel, number, scores: length / SCORE_BYTES });
    }

    /// Closes an arena: its members leave with the next settlement.
    public entry fun close(publisher: &signer, channel: address) acquires Board {
        check_publisher(publisher);
        check_set_up();
        let board = borrow_global_mut<Board>(@leaderboard);
        channel::close_owned(&arena_mut(&mut board.arenas, channel).owner);
    }

    /// The board, the best first.
    public fun board(): vector<Row> acquires Board {
        check_set_up();
        *&borrow_global<Board>(@leaderboard).rows
    }

    /// The arenas, in the order they were opened.
    public fun arenas(): vector<address> acquires Board {
        check_set_up();
        let arenas = &borrow_global<Board>(@leaderboard).arenas;
        let (channels, index) = (vector::empty(), 0);
        while (index < vector::length(arenas)) {
            vector::push_back(&mut channels, channel::owned(&vector::borrow(arenas, index).owner));
            index = index + 1;
        };
        channels
    }

    fun check_publisher(account: &signer) {
        assert!(signer::address_of(account) == @leaderboard, E_NOT_PUBLISHER);
    }

    fun check_set_up() {
        assert!(exists<Board>(@leaderboard), E_NOT_SET_UP);
    }

    fun arena_mut(arenas: &mut vector<Arena>, channel: address): &mut Arena {
        let (index, count) = (0, vector::length(arenas));
        while (index < count && channel::owned(&vector::borrow(arenas, index).owner) != channel) {
            index = index + 1;
        };
        assert!(index < count, E_NOT_OURS);
        vector::borrow_mut(arenas, index)
    }

    /// The score at a place of a result.
    fun score(result: &vector<u8>, place: u64): (address, u64) {
        let (account, index) = (vector::empty(), 0);
        while (index < 32) {
            vector::push_back(&mut account, *vector::borrow(result, place + index));
            index = index + 1;
        };
        let (points, byte) = (0, 8);
        while (byte > 0) {
            byte = byte - 1;
            points = points * 256 + (*vector::borrow(result, place + 32 + byte) as u64);
        };
        (ids::to_address(account), points)
    }

    /// Puts a row in its place, unless its account has a better one.
    fun enter_row(rows: &mut vector<Row>, row: Row) {
        let (index, count) = (0, vector::length(rows));
        while (index < count && vector::borrow(rows, index).account != row.account) {
            index = index + 1;
        };
        if (index < count) {
            if (vector::borrow(rows, index).points >= row.points) return;
            vector::remove(rows, index);
        };
        vector::push_back(rows, row);
        let last = vector::length(rows) - 1;
        while (last > 0 && vector::borrow(rows, last - 1).points < row.points) {
            vector::swap(rows, last, last - 1);
            last = last - 1;
        };
        if (vector::length(rows) > MOST_ROWS) {
            vector::pop_back(rows);
        }
    }
}
