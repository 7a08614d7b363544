/// A state of many resources: an account owns a cell for each of 20^4 * 2 combinations of types.
module cells::cells {
    use std::signer;

    struct Cell<phantom A, phantom B, phantom C, phantom D, phantom E> has key { value: u64 }

    /// The 40 cells that `A`, `B` and `C` begin.
    public entry fun fill<A, B, C>(account: &signer) {
        move_to(account, Cell<A, B, C, bool, u8> { value: 0 });
        move_to(account, Cell<A, B, C, bool, u64> { value: 0 });
        move_to(account, Cell<A, B, C, u8, u8> { value: 0 });
        move_to(account, Cell<A, B, C, u8, u64> { value: 0 });
        move_to(account, Cell<A, B, C, u64, u8> { value: 0 });
        move_to(account, Cell<A, B, C, u64, u64> { value: 0 });
        move_to(account, Cell<A, B, C, u128, u8> { value: 0 });
        move_to(account, Cell<A, B, C, u128, u64> { value: 0 });
        move_to(account, Cell<A, B, C, address, u8> { value: 0 });
        move_to(account, Cell<A, B, C, address, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<bool>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<bool>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<u8>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<u8>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<u64>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<u64>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<u128>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<u128>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<address>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<address>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<bool>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<bool>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<u8>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<u8>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<u64>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<u64>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<u128>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<u128>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<address>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<address>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<bool>>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<bool>>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<u8>>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<u8>>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<u64>>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<u64>>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<u128>>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<u128>>>, u64> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<address>>>, u8> { value: 0 });
        move_to(account, Cell<A, B, C, vector<vector<vector<address>>>, u64> { value: 0 });
    }

    /// Counts one cell up.
    public entry fun touch<A, B, C, D, E>(account: &signer) acquires Cell {
        let cell = borrow_global_mut<Cell<A, B, C, D, E>>(signer::address_of(account));
        cell.value = cell.value + 1;
    }
}
