/// Calls that an account says its leader leaves undone. The chain gives the leader a last window: a
/// certified block after which the call's number is another answers, at no cost to anybody. Without an
/// answer the channel ends by an exit, or its leader is replaced, by the channel's rule. What nobody
/// could order is no complaint: the call is read to its last byte.
module settlement::complaint {
    use std::bcs;
    use std::option;
    use std::signer;
    use std::string;
    use std::vector;
    use runtime::context;
    use runtime::ed25519;
    use runtime::event;
    use settlement::account;
    use settlement::bytes::{Self, Reader};
    use settlement::channel;
    use settlement::coin;
    use settlement::header;
    use settlement::ids;
    use settlement::rules;
    use settlement::seats;
    use settlement::shown;
    use settlement::state_proof;
    use settlement::windows;

    /// The account is pending, leaves, or leads itself.
    const E_NOT_ACTIVE: u64 = 1;
    /// The account's collateral does not cover the bond.
    const E_NO_BOND: u64 = 2;
    /// A complaint waits, or the account's last one was answered less than a window ago.
    const E_NO_ROOM: u64 = 3;
    /// These bytes are no signed call, or are too many.
    const E_MALFORMED: u64 = 4;
    /// The call is of another chain, channel or account, or its sender did not sign it.
    const E_OTHER_CALL: u64 = 5;
    /// No leader may order the call: it asks for too much gas, expires too late or before the leader had
    /// its time, or closes a channel that is another's.
    const E_NOT_ORDERED: u64 = 6;
    /// Nobody complains.
    const E_NO_COMPLAINT: u64 = 7;
    /// The header is of another channel, of an epoch that is not in force, or of a time before the
    /// complaint.
    const E_OLD_BLOCK: u64 = 8;
    /// Those who acked the block are no two thirds of the active members, nor of those valid.
    const E_NOT_CERTIFIED: u64 = 9;
    /// The call could still be ordered after this block.
    const E_NO_ANSWER: u64 = 10;
    /// The window runs.
    const E_TOO_SOON: u64 = 11;
    /// The window has ended.
    const E_TOO_LATE: u64 = 12;

    /// Milliseconds until a replaced leader may come back, as in `penalty`.
    const BAN: u64 = 300000;
    /// As nodes bound calls: gas, milliseconds that an expiry lies ahead, arguments.
    const CALL_GAS: u64 = 10000000;
    const CALL_LIFETIME: u64 = 600000;
    const CALL_ARGUMENTS: u64 = 64;
    /// The nodes' `Operation::Revoke`.
    const REVOKE: u8 = 4;
    /// Bytes of a signed call about which somebody can complain: others carry it along.
    const MOST_CALL: u64 = 16384;

    /// Until when an account may not complain again, under an address made of it and the channel.
    struct Heard has key, drop { until: u64 }

    /// Where a `Heard` is stored.
    struct Place has drop { channel: address, account: address }

    struct Complained has copy, drop, store { channel: address, account: address, sequence: u64, leader: u64 }
    struct Answered has copy, drop, store { channel: address, account: address, height: u64 }
    struct Resolved has copy, drop, store { channel: address, account: address, leader: u64, replaced: bool }

    /// What a call says that concerns the contract.
    struct Call has drop { sequence: u64, closes: bool, gas_limit: u64, expires_at: u64 }

    /// Complains that the leader leaves this signed call of the sender undone. One complaint waits at a
    /// time; the sender's collateral covers the bond.
    public entry fun complain(member: &signer, channel: address, call: vector<u8>)
    acquires Heard {
        let account = signer::address_of(member);
        let seat = channel::open_seat(channel, account);
        let (_, leader, _, _, _) = channel::grant_in_force(channel);
        let may = seats::has_votes(&seat) && !seats::leaves(&seat);
        assert!(may && seats::join_sequence(&seat) != leader, E_NOT_ACTIVE);
        let (_, _, bond) = rules::stakes(channel);
        assert!(channel::backing_of(channel, &seat) >= bond, E_NO_BOND);
        let (waits, _, _, _, _) = windows::complaint(channel);
        assert!(!waits && may_again(channel, account), E_NO_ROOM);
        let (now, window) = (context::time_ms(), rules::window(channel));
        let Call { sequence, closes, gas_limit, expires_at } = read(channel, account, copy call);
        // It can be ordered from now on, for half a window or half of what a call lives.
        let time = (if (window < CALL_LIFETIME) window else CALL_LIFETIME) / 2;
        let in_time = expires_at >= now + time && expires_at <= now + CALL_LIFETIME;
        let may_close = !closes || rules::creator(channel) == account;
        assert!(in_time && may_close && gas_limit <= CALL_GAS, E_NOT_ORDERED);
        windows::complain(channel, account, sequence, call, leader, window);
        event::emit(Complained { channel, account, sequence, leader });
    }

    /// Answers the complaint by a block certified since then, after which the call can't be ordered any
    /// more, or not yet: the account's number is another than the call's, or the account has left.
    /// Anybody may.
    public entry fun answer(
        _caller: &signer,
        channel: address,
        block: vector<u8>,
        signers: vector<address>,
        signatures: vector<vector<u8>>,
        number: vector<u8>,
        number_siblings: vector<address>,
        number_end: vector<address>,
        departed: vector<u8>,
        departed_siblings: vector<address>,
        departed_end: vector<address>,
    ) acquires Heard {
        let (waits, account, sequence, _, deadline) = windows::complaint(channel);
        assert!(waits, E_NO_COMPLAINT);
        assert!(context::time_ms() < deadline, E_TOO_LATE);
        let header = header::decode(block);
        let (epoch, _, height) = header::place(&header);
        let (in_force, _, _, _, _) = channel::grant_in_force(channel);
        let is_new = header::channel(&header) == channel && epoch == in_force
            && header::time(&header) >= deadline - rules::window(channel);
        assert!(is_new, E_OLD_BLOCK);
        let certified = shown::is_known(channel, &header, &signers, &signatures);
        assert!(certified, E_NOT_CERTIFIED);
        let (root, number_key) = (header::state_root(&header), state_proof::sequence_key(account));
        let departed_key = state_proof::departed_key(account);
        state_proof::check(root, number_key, &number, &number_siblings, &number_end);
        state_proof::check(root, departed_key, &departed, &departed_siblings, &departed_end);
        let left = !vector::is_empty(&departed);
        assert!(left || state_proof::number(number) != sequence, E_NO_ANSWER);
        windows::drop_complaint(channel);
        keep_quiet(channel, account, deadline);
        event::emit(Answered { channel, account, height });
    }

    /// Draws the consequence of a complaint that nobody answered in its window. Anybody may. Where the
    /// leader is replaced, it is taken out and may not come back for five minutes. Else the account
    /// that complained demands its exit: in its window whoever has a better proof shows it.
    public entry fun resolve(_caller: &signer, channel: address) {
        let (waits, account, _, leader, deadline) = windows::complaint(channel);
        assert!(waits, E_NO_COMPLAINT);
        let now = context::time_ms();
        assert!(now >= deadline, E_TOO_SOON);
        windows::drop_complaint(channel);
        let replaced = rules::replaces_leaders(channel);
        if (replaced) channel::bar(channel, leader, now + BAN)
        else if (channel::is_active(channel, account)) {
            channel::demand_leave(channel, account);
            windows::demand(channel, account, rules::window(channel));
        };
        event::emit(Resolved { channel, account, leader, replaced });
    }

    /// The signed call in these bytes: the nodes' `SignedCall`.
    fun read(channel: address, account: address, signed: vector<u8>): Call {
        let size = vector::length(&signed);
        // A key and a signature follow the call.
        assert!(size > 96 && size <= MOST_CALL, E_MALFORMED);
        let message = b"fairway/1/sign/call";
        vector::push_back(&mut message, 0);
        vector::append(&mut message, bytes::part(&signed, 0, size - 96));
        let signature = bytes::part(&signed, size - 64, size);
        let reader = bytes::over(signed);
        let chain = bytes::read_u64(&mut reader);
        let meant = chain == coin::chain_id() && bytes::read_address(&mut reader) == channel
            && bytes::read_address(&mut reader) == account;
        assert!(meant, E_OTHER_CALL);
        let sequence = bytes::read_u64(&mut reader);
        let closes = read_operation(&mut reader);
        let (gas_limit, expires_at) = (bytes::read_u64(&mut reader), bytes::read_u64(&mut reader));
        let key = bytes::read_address(&mut reader);
        bytes::skip(&mut reader, 64);
        bytes::end(reader);
        let signed = ids::account_of(key) == account
            && ed25519::verify(&bcs::to_bytes(&key), &message, &signature);
        assert!(signed, E_OTHER_CALL);
        Call { sequence, closes, gas_limit, expires_at }
    }

    /// Passes over the nodes' `Operation`: whether it closes the channel.
    fun read_operation(reader: &mut Reader): bool {
        let kind = bytes::read_u8(reader);
        // What a session key asks for, or is delegated, can wait; what takes it back can't.
        assert!(kind <= 2 || kind == REVOKE, E_MALFORMED);
        if (kind == 0) {
            bytes::skip(reader, 32);
            read_text(reader);
            read_text(reader);
            let type_args = bytes::read_length(reader);
            assert!(type_args <= CALL_ARGUMENTS, E_MALFORMED);
            while (type_args > 0) {
                read_text(reader);
                type_args = type_args - 1;
            };
            let args = bytes::read_length(reader);
            assert!(args <= CALL_ARGUMENTS, E_MALFORMED);
            while (args > 0) {
                let length = bytes::read_length(reader);
                bytes::skip(reader, length);
                args = args - 1;
            };
        };
        if (kind == REVOKE) bytes::skip(reader, 32);
        kind == 2
    }

    fun read_text(reader: &mut Reader) {
        let length = bytes::read_length(reader);
        let text = bytes::read_bytes(reader, length);
        assert!(option::is_some(&string::try_utf8(text)), E_MALFORMED);
    }

    fun may_again(channel: address, account: address): bool acquires Heard {
        let place = place_of(channel, account);
        !exists<Heard>(place) || borrow_global<Heard>(place).until <= context::time_ms()
    }

    /// Who was answered does not keep others from complaining, again and again.
    fun keep_quiet(channel: address, account: address, deadline: u64) acquires Heard {
        let (place, until) = (place_of(channel, account), deadline + rules::window(channel));
        if (exists<Heard>(place)) {
            borrow_global_mut<Heard>(place).until = until;
        } else {
            move_to(&account::create_signer(place), Heard { until });
        }
    }

    fun place_of(channel: address, account: address): address {
        ids::hash(b"heard", bcs::to_bytes(&Place { channel, account }))
    }
}
