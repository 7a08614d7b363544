/// Calls of any weight.
module work::work {
    use std::signer;

    struct Total has key { sum: u64 }

    /// Adds up `rounds` numbers and keeps the sum.
    public entry fun add(account: &signer, rounds: u64) acquires Total {
        let sum = 0;
        let round = 0;
        while (round < rounds) {
            sum = (sum * 31 + round) % 1000003;
            round = round + 1;
        };
        let owner = signer::address_of(account);
        if (exists<Total>(owner)) {
            let total = borrow_global_mut<Total>(owner);
            total.sum = (total.sum + sum + 1) % 1000003;
        } else {
            move_to(account, Total { sum });
        }
    }
}
