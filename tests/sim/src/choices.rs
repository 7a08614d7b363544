//! Where a run's choices come from: given bytes first, one a choice, and then the seed.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[derive(Debug, Clone)]
pub struct Choices {
    given: std::vec::IntoIter<u8>,
    seeded: ChaCha8Rng,
}

impl Choices {
    #[must_use]
    pub fn new(given: Vec<u8>, seed: u64) -> Self {
        Self { given: given.into_iter(), seeded: ChaCha8Rng::seed_from_u64(seed) }
    }
}

/// A given byte stands in every byte of the number: ranges and chances look at the highest ones.
impl RngCore for Choices {
    fn next_u32(&mut self) -> u32 {
        match self.given.next() {
            Some(byte) => u32::from_ne_bytes([byte; 4]),
            None => self.seeded.next_u32(),
        }
    }

    fn next_u64(&mut self) -> u64 {
        match self.given.next() {
            Some(byte) => u64::from_ne_bytes([byte; 8]),
            None => self.seeded.next_u64(),
        }
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next_u32().to_ne_bytes()[0];
        }
    }
}
