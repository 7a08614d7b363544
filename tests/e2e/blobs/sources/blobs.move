/// Bytes that members keep in the channel, each under a type of its own: a state as large as a test
/// wants it.
module blobs::blobs {
    use std::signer;

    struct Blob<phantom T> has key {
        bytes: vector<u8>,
    }

    struct Noted has key {
        times: u64,
    }

    public entry fun put<T>(owner: &signer, bytes: vector<u8>) acquires Blob {
        let account = signer::address_of(owner);
        if (exists<Blob<T>>(account)) {
            borrow_global_mut<Blob<T>>(account).bytes = bytes;
        } else {
            move_to(owner, Blob<T> { bytes });
        }
    }

    /// Something to order.
    public entry fun note(owner: &signer) acquires Noted {
        let account = signer::address_of(owner);
        if (exists<Noted>(account)) {
            let noted = borrow_global_mut<Noted>(account);
            noted.times = noted.times + 1;
        } else {
            move_to(owner, Noted { times: 1 });
        }
    }
}
