use curve25519_dalek::{
    EdwardsPoint, Scalar,
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
};
use sha2_11::{Digest, Sha512};

use super::*;
use crate::Keypair;

fn claims(count: u8) -> Vec<Claim> {
    (0..count)
        .map(|number| {
            let key = Keypair::from_seed(&[number % 3 + 1; 32]);
            let message = vec![number; 40];
            let signature = key.sign_bytes(&message);
            Claim { key: key.public(), message, signature }
        })
        .collect()
}

/// A signature over a message by the key `secret` with the torsion point of this number added to it,
/// and another one to the signature's point.
fn crafted(secret: Scalar, of_key: usize, of_point: usize, message: &[u8]) -> Claim {
    let nonce = Scalar::from(7u64);
    let bytes = |point: EdwardsPoint| point.compress().0;
    let key = bytes(ED25519_BASEPOINT_POINT * secret + EIGHT_TORSION[of_key]);
    let point = bytes(ED25519_BASEPOINT_POINT * nonce + EIGHT_TORSION[of_point]);
    let digest = Sha512::new().chain_update(point).chain_update(key).chain_update(message);
    let challenge = Scalar::from_bytes_mod_order_wide(&digest.finalize().into());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&point);
    signature[32..].copy_from_slice((nonce + challenge * secret).as_bytes());
    Claim { key: PublicKey(key), message: message.to_vec(), signature: Signature(signature) }
}

fn alone(claim: &Claim) -> bool {
    claim.key.verifies(&claim.message, &claim.signature)
}

#[test]
fn good_signatures_hold_together_and_bad_ones_are_named() {
    assert!(bad_signatures(&claims(40)).is_empty());
    for bad in [vec![0], vec![17], vec![39], vec![0, 1, 2, 38], (0..40).collect()] {
        let mut claims = claims(40);
        bad.iter().for_each(|place| claims[*place].message.push(7));
        assert_eq!(bad_signatures(&claims), bad);
    }
    assert!(bad_signatures(&[]).is_empty());
}

/// Else a leader could craft a block that some nodes accept and others refuse.
#[test]
fn crafted_signatures_are_good_alone_exactly_if_they_are_together() {
    for of_key in 0..8 {
        for of_point in 0..8 {
            let message = |number: u8| [number, 1, 2];
            let many: Vec<Claim> = (0..8)
                .map(|number| crafted(Scalar::from(3u64), of_key, of_point, &message(number)))
                .collect();
            assert!(bad_signatures(&many).is_empty());
            // Other messages, so that no answer comes from memory.
            let message = |number: u8| [number, 3, 4];
            assert!((0..8).all(|number| {
                alone(&crafted(Scalar::from(3u64), of_key, of_point, &message(number)))
            }));
        }
    }
}

#[test]
fn keys_of_small_order_are_refused_alone_and_together() {
    for torsion in 0..8 {
        let weak = |message: &[u8]| crafted(Scalar::ZERO, torsion, 0, message);
        assert!(!alone(&weak(b"alone")));
        let mut many = claims(20);
        many.insert(5, weak(b"together"));
        assert_eq!(bad_signatures(&many), [5]);
    }
}

/// Else anybody makes another signature of one that is there.
#[test]
fn scalar_that_is_not_reduced_is_refused_alone_and_together() {
    let mut many = claims(20);
    // The group's order, added without reduction.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0u16;
    for (byte, add) in many[9].signature.0[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert!(!alone(&many[9]));
    assert_eq!(bad_signatures(&many), [9]);
}
