//! Which sequence numbers are given out, and which of them were never used: a gap stops every
//! transaction behind it.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use fairway_types::SequenceNumber;

/// The account's numbers.
#[derive(Default)]
pub(super) struct Numbers {
    book: Mutex<Book>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Book {
    /// The number after the highest given out; unknown before the first.
    next: Option<SequenceNumber>,
    under_way: BTreeSet<SequenceNumber>,
    /// Given out, and not used: taken again before any other.
    unused: BTreeSet<SequenceNumber>,
}

/// What became of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Used,
    Unused,
    /// The chain wants this one.
    Expected(SequenceNumber),
}

/// A number that was given out; it is unused unless its fate says otherwise.
pub(super) struct Number<'a> {
    numbers: &'a Numbers,
    pub(super) sequence: SequenceNumber,
    pub(super) fate: Fate,
}

impl Drop for Number<'_> {
    fn drop(&mut self) {
        self.numbers.book().give_back(self.sequence, self.fate);
    }
}

impl Numbers {
    /// The lowest number that nobody has; none before the chain was asked.
    pub(super) fn take(&self) -> Option<Number<'_>> {
        let sequence = self.book().take()?;
        Some(Number { numbers: self, sequence, fate: Fate::Unused })
    }

    /// The same, where the chain's next number is `next`.
    pub(super) fn take_from(&self, next: SequenceNumber) -> Number<'_> {
        let mut book = self.book();
        book.next = book.next.max(Some(next));
        let sequence = book.take().unwrap_or(next);
        drop(book);
        Number { numbers: self, sequence, fate: Fate::Unused }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn take(&mut self) -> Option<SequenceNumber> {
        let sequence = match self.unused.pop_first() {
            Some(unused) => unused,
            None => self.next?,
        };
        self.next = self.next.max(Some(sequence.next()));
        self.under_way.insert(sequence);
        Some(sequence)
    }

    fn give_back(&mut self, sequence: SequenceNumber, fate: Fate) {
        self.under_way.remove(&sequence);
        match fate {
            Fate::Used => {}
            Fate::Unused => {
                self.unused.insert(sequence);
            }
            // Somebody else uses the account too.
            Fate::Expected(expected) if sequence < expected => {
                self.next = self.next.max(Some(expected));
                self.unused.retain(|unused| *unused >= expected);
            }
            Fate::Expected(expected) => {
                self.unused.insert(sequence);
                if !self.under_way.contains(&expected) {
                    self.unused.insert(expected);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn ended(number: Number<'_>, fate: Fate) -> u64 {
        let mut number = number;
        number.fate = fate;
        number.sequence.0
    }

    #[test]
    fn what_was_not_used_is_given_out_again_before_any_other() {
        let numbers = Numbers::default();
        assert!(numbers.take().is_none(), "the chain was not asked");
        let first = numbers.take_from(SequenceNumber(7));
        let (second, third) = (numbers.take().unwrap(), numbers.take().unwrap());
        assert_eq!(ended(third, Fate::Used), 9);
        assert_eq!(ended(second, Fate::Unused), 8);
        drop(first);
        let again = [numbers.take(), numbers.take(), numbers.take()];
        assert_eq!(again.map(|number| number.unwrap().sequence.0), [7, 8, 10]);
    }

    #[test]
    fn numbers_that_somebody_else_used_are_passed_over() {
        let numbers = Numbers::default();
        let first = numbers.take_from(SequenceNumber(1));
        let second = numbers.take().unwrap();
        drop(second);
        ended(first, Fate::Expected(SequenceNumber(5)));
        assert_eq!(numbers.take().unwrap().sequence, SequenceNumber(5));
    }

    #[test]
    fn number_that_the_chain_waits_for_is_given_out_unless_it_is_on_its_way() {
        let numbers = Numbers::default();
        let first = numbers.take_from(SequenceNumber(3));
        let second = numbers.take().unwrap();
        ended(second, Fate::Expected(SequenceNumber(3)));
        let again = numbers.take().unwrap();
        assert_eq!(again.sequence, SequenceNumber(4), "the first is under way");
        ended(first, Fate::Used);
        // A ledger that lost its last blocks.
        ended(again, Fate::Expected(SequenceNumber(2)));
        assert_eq!(numbers.take().unwrap().sequence, SequenceNumber(2));
    }
}
