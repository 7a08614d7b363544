//! The places of a port. A connection is a newcomer until a request of it was let in. One address has
//! a share of the places for newcomers, and where there is no room the oldest newcomer gives way: who
//! holds connections without being let in keeps nobody else out.

use std::{
    collections::{BTreeSet, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// One address has one of so many parts of the places for newcomers.
const PARTS: usize = 4;

pub(super) struct Places {
    most: usize,
    share: usize,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// The last number given out.
    last: u32,
    admitted: BTreeSet<u32>,
    /// The oldest first.
    newcomers: VecDeque<Newcomer>,
}

struct Newcomer {
    number: u32,
    from: IpAddr,
    lost: Arc<Notify>,
}

/// A connection's place: given back when it is dropped.
pub struct Place {
    places: Arc<Places>,
    number: u32,
    lost: Arc<Notify>,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let share = (most / PARTS).max(1);
        Arc::new(Self { most, share, book: Mutex::default() })
    }

    /// A place for a newcomer; none when those who were let in have them all.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let from = block_of(from);
        let mut book = self.book();
        let of_address = book.newcomers.iter().filter(|other| other.from == from).count();
        if of_address >= self.share {
            let oldest = book.newcomers.iter().position(|other| other.from == from);
            oldest.and_then(|oldest| book.newcomers.remove(oldest))?.lost.notify_one();
        } else if book.admitted.len() + book.newcomers.len() >= self.most {
            book.newcomers.pop_front()?.lost.notify_one();
        }
        book.last = book.last.wrapping_add(1);
        let (number, lost) = (book.last, Arc::<Notify>::default());
        book.newcomers.push_back(Newcomer { number, from, lost: Arc::clone(&lost) });
        Some(Place { places: Arc::clone(self), number, lost })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The connection's number since the start.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// A request was let in: the place is kept until the connection ends.
    pub fn admit(&self) {
        let mut book = self.places.book();
        if book.take_newcomer(self.number) {
            book.admitted.insert(self.number);
        }
    }

    /// Comes when the connection has to give way to another.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut book = self.places.book();
        if !book.take_newcomer(self.number) {
            book.admitted.remove(&self.number);
        }
    }
}

impl Book {
    /// Whether it was one.
    fn take_newcomer(&mut self, number: u32) -> bool {
        let place = self.newcomers.iter().position(|newcomer| newcomer.number == number);
        place.and_then(|place| self.newcomers.remove(place)).is_some()
    }
}

/// An address stands for its client; of IPv6 the /64, all of which one client may have.
pub(super) fn block_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use futures::FutureExt;

    use super::*;

    fn is_lost(place: &Place) -> bool {
        place.lost().now_or_never().is_some()
    }

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    #[test]
    fn newcomers_of_one_address_have_a_share_and_the_oldest_gives_way() {
        let places = Places::new(8);
        let first = places.take(address(1)).unwrap();
        let second = places.take(address(1)).unwrap();
        assert!(!is_lost(&first));
        let third = places.take(address(1)).unwrap();
        assert!(is_lost(&first) && !is_lost(&second) && !is_lost(&third));
        drop(first);
        second.admit();
        let fourth = places.take(address(1)).unwrap();
        assert!(!is_lost(&third), "who was let in is no newcomer any more");
        let other = places.take(address(2)).unwrap();
        assert!([&second, &third, &fourth, &other].into_iter().all(|place| !is_lost(place)));
    }

    #[test]
    fn newcomer_gives_way_to_another_and_who_was_let_in_to_nobody() {
        let places = Places::new(4);
        let held: Vec<Place> = (1..=4).map(|last| places.take(address(last)).unwrap()).collect();
        held[0].admit();
        let fifth = places.take(address(5)).unwrap();
        assert!(is_lost(&held[1]) && !is_lost(&held[0]) && !is_lost(&held[2]));
        for place in held.iter().skip(2).chain([&fifth]) {
            place.admit();
        }
        assert!(places.take(address(6)).is_none());
        drop(held);
        assert!(places.take(address(6)).is_some());
        assert_eq!(places.book().admitted.len(), 1);
    }

    #[test]
    fn one_client_may_have_all_of_a_v6_block() {
        let block = |text: &str| block_of(text.parse().unwrap());
        assert_eq!(block("2001:db8::1"), block("2001:db8::ffff:1"));
        assert_ne!(block("2001:db8::1"), block("2001:db8:0:1::1"));
        assert_eq!(block("::ffff:10.0.0.1"), block("10.0.0.1"));
    }
}
