/// Reads BCS: what nodes sign comes as bytes, and a contract looks into it field by field.
module settlement::bytes {
    use std::vector;
    use settlement::ids;

    /// The bytes end before the value does, or go on after it.
    const E_MALFORMED: u64 = 1;

    /// The longest list that is read: more is no length.
    const MOST_LENGTH: u64 = 65536;

    struct Reader has drop { bytes: vector<u8>, at: u64 }

    public fun over(bytes: vector<u8>): Reader {
        Reader { bytes, at: 0 }
    }

    public fun read_u8(reader: &mut Reader): u8 {
        assert!(reader.at < vector::length(&reader.bytes), E_MALFORMED);
        let byte = *vector::borrow(&reader.bytes, reader.at);
        reader.at = reader.at + 1;
        byte
    }

    public fun read_u64(reader: &mut Reader): u64 {
        let (value, shift) = (0u64, 0u8);
        while (shift < 64) {
            value = value | ((read_u8(reader) as u64) << shift);
            shift = shift + 8;
        };
        value
    }

    /// 32 bytes.
    public fun read_address(reader: &mut Reader): address {
        ids::to_address(read_bytes(reader, 32))
    }

    /// The length of a list: ULEB128, in as few bytes as it needs.
    public fun read_length(reader: &mut Reader): u64 {
        let (value, shift) = (0u64, 0u8);
        loop {
            let byte = (read_u8(reader) as u64);
            value = value | ((byte & 127) << shift);
            if (byte < 128) {
                assert!(byte > 0 || shift == 0, E_MALFORMED);
                break
            };
            shift = shift + 7;
            assert!(shift < 28, E_MALFORMED);
        };
        assert!(value <= MOST_LENGTH, E_MALFORMED);
        value
    }

    /// The next so many bytes.
    public fun read_bytes(reader: &mut Reader, count: u64): vector<u8> {
        assert!(count <= vector::length(&reader.bytes) - reader.at, E_MALFORMED);
        let end = reader.at + count;
        let bytes = part(&reader.bytes, reader.at, end);
        reader.at = end;
        bytes
    }

    /// The bytes from one place up to another.
    public fun part(bytes: &vector<u8>, from: u64, to: u64): vector<u8> {
        assert!(from <= to && to <= vector::length(bytes), E_MALFORMED);
        let part = vector::empty();
        while (from < to) {
            vector::push_back(&mut part, *vector::borrow(bytes, from));
            from = from + 1;
        };
        part
    }

    /// Passes over this many bytes.
    public fun skip(reader: &mut Reader, count: u64) {
        assert!(count <= vector::length(&reader.bytes) - reader.at, E_MALFORMED);
        reader.at = reader.at + count;
    }

    /// Nothing may follow.
    public fun end(reader: Reader) {
        assert!(reader.at == vector::length(&reader.bytes), E_MALFORMED);
    }

    #[test]
    fun values_are_read_in_order() {
        let bytes = std::bcs::to_bytes(&@0xfa);
        vector::append(&mut bytes, std::bcs::to_bytes(&18446744073709551614u64));
        vector::append(&mut bytes, std::bcs::to_bytes(&b"text"));
        let reader = over(bytes);
        assert!(read_address(&mut reader) == @0xfa, 1);
        assert!(read_u64(&mut reader) == 18446744073709551614, 2);
        assert!(read_length(&mut reader) == 4 && read_u8(&mut reader) == 116, 3);
        skip(&mut reader, 3);
        end(reader);
    }

    #[test]
    fun a_long_length_has_two_bytes() {
        let reader = over(x"8001");
        assert!(read_length(&mut reader) == 128, 1);
        end(reader);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun a_length_with_more_bytes_than_it_needs_is_none() {
        read_length(&mut over(x"8000"));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun an_endless_length_is_none() {
        read_length(&mut over(x"ffffffffffffff01"));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun nothing_is_read_past_the_end() {
        read_u64(&mut over(x"01020304050607"));
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun nothing_is_passed_over_past_the_end() {
        skip(&mut over(x"01"), 2);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun no_bytes_are_read_past_the_end() {
        read_bytes(&mut over(x"01"), 2);
    }

    #[test]
    fun bytes_are_taken_from_the_middle() {
        assert!(part(&b"fairway", 1, 3) == b"ai" && part(&b"fairway", 7, 7) == b"", 1);
    }

    #[test]
    #[expected_failure(abort_code = 1)]
    fun nothing_follows_the_end() {
        end(over(x"01"));
    }
}
