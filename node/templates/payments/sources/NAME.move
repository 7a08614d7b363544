/// Payments between the members of a channel.
module NAME::NAME {
    use std::signer;
    use std::string::String;
    use runtime::event;
    use runtime::vault;

    /// Nobody pays nothing.
    const E_ZERO_AMOUNT: u64 = 1;

    /// How many payments an account has made. Stored under its address.
    struct Sent has key {
        payments: u64,
    }

    /// `amount` of `asset` went from one member to another.
    struct Paid has copy, drop, store {
        from: address,
        to: address,
        asset: address,
        amount: u64,
        memo: String,
    }

    /// Pays `amount` of `asset` to another member.
    public entry fun pay(from: &signer, to: address, asset: address, amount: u64, memo: String)
    acquires Sent {
        assert!(amount > 0, E_ZERO_AMOUNT);
        vault::transfer(from, to, asset, amount);
        let account = signer::address_of(from);
        if (!exists<Sent>(account)) {
            move_to(from, Sent { payments: 0 });
        };
        let sent = borrow_global_mut<Sent>(account);
        sent.payments = sent.payments + 1;
        event::emit(Paid { from: account, to, asset, amount, memo });
    }

    /// How many payments `account` has made.
    public fun sent(account: address): u64 acquires Sent {
        if (exists<Sent>(account)) borrow_global<Sent>(account).payments else 0
    }

    #[test(a = @0xa, b = @0xb)]
    fun a_payment_moves_units_and_counts(a: signer, b: signer) acquires Sent {
        vault::credit_for_testing(&a, @0xfa, 10);
        vault::credit_for_testing(&b, @0xfa, 0);
        pay(&a, @0xb, @0xfa, 3, std::string::utf8(b"rent"));
        assert!(vault::balance(@0xa, @0xfa) == 7 && vault::balance(@0xb, @0xfa) == 3, 1);
        assert!(sent(@0xa) == 1 && sent(@0xb) == 0, 2);
    }

    #[test(a = @0xa)]
    #[expected_failure(abort_code = 1)]
    fun nothing_is_no_payment(a: signer) acquires Sent {
        pay(&a, @0xb, @0xfa, 0, std::string::utf8(b""));
    }
}
