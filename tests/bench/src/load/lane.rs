//! One member's calls on their way: a thread writes them, another reads the answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    net::{Shutdown, TcpStream},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::Deserialize;

use super::{Outcome, Pace, Span, socket::Frames};

/// What the SDK lets one member have under way.
const UNDER_WAY: usize = 512;
/// Before a refused call is sent again, as the SDK does it.
const RETRY: Duration = Duration::from_millis(50);
/// How long calls that were sent are followed after the end.
const DRAIN: Duration = Duration::from_secs(20);
/// Longest sleep of a writer, so that it sees answers that let it go on.
const NAP: Duration = Duration::from_millis(2);
/// Written at once.
const BATCH: usize = 64;
/// `sequence_number`, `busy`, `no_leader`: the same call may be taken later. -32009 is a busy server.
const TRANSIENT: [i64; 4] = [100_004, 100_007, 100_008, -32_009];

#[derive(Deserialize)]
struct Answer {
    id: usize,
    error: Option<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: i64,
    message: String,
}

pub(super) struct Lane {
    frames: Vec<Vec<u8>>,
    pace: Pace,
    span: Span,
    begun: Instant,
    book: Mutex<Book>,
    answered: Condvar,
}

struct Book {
    /// The first call that was never sent.
    next: usize,
    /// The first call that is not certified.
    floor: usize,
    certified: Vec<bool>,
    under_way: usize,
    /// Refused, and when it may be sent again.
    again: BTreeSet<(Duration, usize)>,
    sent_at: Vec<Duration>,
    slots: u64,
    sent: u64,
    in_span: u64,
    refused: BTreeMap<i64, u64>,
    latency: Histogram<u64>,
    bytes: u64,
    over: bool,
}

impl Lane {
    pub(super) fn new(frames: Vec<Vec<u8>>, pace: Pace, span: Span) -> anyhow::Result<Self> {
        let book = Book {
            next: 0,
            floor: 0,
            certified: vec![false; frames.len()],
            under_way: 0,
            again: BTreeSet::new(),
            sent_at: vec![Duration::ZERO; frames.len()],
            slots: 0,
            sent: 0,
            in_span: 0,
            refused: BTreeMap::new(),
            latency: Histogram::new(3)?,
            bytes: 0,
            over: false,
        };
        let (begun, answered) = (Instant::now(), Condvar::new());
        Ok(Self { frames, pace, span, begun, book: Mutex::new(book), answered })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the schedule sends a call.
    fn scheduled(&self, call: usize) -> Option<Duration> {
        match self.pace {
            Pace::Open { per_s } => Some(Duration::from_secs_f64(call as f64 / per_s)),
            Pace::Closed { .. } | Pace::Flood { .. } => None,
        }
    }

    pub(super) fn write(&self, mut socket: TcpStream) -> anyhow::Result<()> {
        let mut buffer = Vec::new();
        let mut batch = Vec::new();
        loop {
            {
                let mut book = self.book();
                let now = self.begun.elapsed();
                if book.over {
                    return Ok(());
                }
                let done = book.floor == self.frames.len();
                let ended = done || now >= self.span.all();
                if ended && (book.floor >= book.next || now >= self.span.all() + DRAIN) {
                    book.over = true;
                    let _ = socket.shutdown(Shutdown::Both);
                    return Ok(());
                }
                self.choose(&mut book, now, ended, &mut batch);
                if batch.is_empty() {
                    let pause = self.pause(&book, now).min(NAP);
                    drop(book);
                    self.rest(pause);
                    continue;
                }
                book.bytes += batch.iter().map(|call| self.frames[*call].len() as u64).sum::<u64>();
            }
            buffer.clear();
            batch.drain(..).for_each(|call| buffer.extend_from_slice(&self.frames[call]));
            socket.write_all(&buffer)?;
        }
    }

    /// Until a call is due, or an answer came.
    fn rest(&self, pause: Duration) {
        match self.pace {
            // A condition variable wakes late by its own; a sleep of a schedule is exact to 60 us.
            Pace::Open { .. } => std::thread::sleep(pause),
            Pace::Closed { .. } | Pace::Flood { .. } => {
                let book = self.book();
                let _ = self.answered.wait_timeout(book, pause);
            }
        }
    }

    fn pause(&self, book: &Book, now: Duration) -> Duration {
        let due = self.scheduled(book.next).map_or(NAP, |due| due.saturating_sub(now));
        if due.is_zero() { NAP / 4 } else { due }
    }

    fn choose(&self, book: &mut Book, now: Duration, ended: bool, batch: &mut Vec<usize>) {
        let mut room = match self.pace {
            Pace::Closed { window } => window.saturating_sub(book.under_way),
            Pace::Open { .. } => BATCH,
            Pace::Flood { per_s } if !ended => {
                let due = (now.as_secs_f64() * per_s) as u64;
                let slots = due.saturating_sub(book.slots).min(BATCH as u64);
                book.slots += slots;
                slots as usize
            }
            Pace::Flood { .. } => BATCH,
        };
        while room > 0 {
            let again = book.again.first().filter(|(at, _)| *at <= now).copied();
            let call = match again {
                Some(due) => {
                    book.again.remove(&due);
                    due.1
                }
                None if ended || book.next >= self.frames.len() => return,
                None if !self.may_go_on(book, now) => return,
                None => {
                    book.next += 1;
                    book.next - 1
                }
            };
            book.sent_at[call] = now;
            book.under_way += 1;
            book.sent += u64::from(now >= self.span.warm && !ended);
            batch.push(call);
            room -= 1;
        }
    }

    fn may_go_on(&self, book: &Book, now: Duration) -> bool {
        match self.scheduled(book.next) {
            Some(due) => due <= now && book.next < book.floor + UNDER_WAY,
            None => true,
        }
    }

    pub(super) fn read(&self, mut frames: Frames) -> anyhow::Result<()> {
        let mut text = Vec::new();
        loop {
            match frames.next(&mut text) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(_) if self.book().over => break,
                Err(error) => {
                    self.book().over = true;
                    return Err(error.into());
                }
            }
            let answer: Answer = serde_json::from_slice(&text)?;
            let mut book = self.book();
            if let Err(error) = self.on_answer(&mut book, answer) {
                book.over = true;
                return Err(error);
            }
            drop(book);
            self.answered.notify_one();
        }
        self.book().bytes += frames.bytes;
        Ok(())
    }

    fn on_answer(&self, book: &mut Book, answer: Answer) -> anyhow::Result<()> {
        let now = self.begun.elapsed();
        let call = answer.id;
        book.under_way = book.under_way.saturating_sub(1);
        if let Some(Code { code, message }) = answer.error {
            anyhow::ensure!(TRANSIENT.contains(&code), "a call was refused: {code} {message}");
            *book.refused.entry(code).or_default() += 1;
            let pause =
                if matches!(self.pace, Pace::Flood { .. }) { Duration::ZERO } else { RETRY };
            book.again.insert((now + pause, call));
            return Ok(());
        }
        anyhow::ensure!(!book.certified[call], "call {call} was answered twice");
        book.certified[call] = true;
        while book.certified.get(book.floor) == Some(&true) {
            book.floor += 1;
        }
        let since = self.scheduled(call).unwrap_or(book.sent_at[call]);
        let end = self.span.all();
        if (self.span.warm..end).contains(&now) {
            book.in_span += 1;
        }
        if (self.span.warm..end).contains(&since) {
            book.latency.record(u64::try_from((now - since).as_micros())?.max(1))?;
        }
        Ok(())
    }

    pub(super) fn add_to(&self, outcome: &mut Outcome) -> anyhow::Result<()> {
        let book = self.book();
        anyhow::ensure!(
            book.floor == book.next,
            "{} calls were not certified {DRAIN:?} after the load ended",
            book.next - book.floor
        );
        outcome.certified += book.in_span;
        outcome.sent += book.sent;
        outcome.bytes += book.bytes;
        outcome.all += book.next as u64;
        for (code, count) in &book.refused {
            *outcome.refused.entry(*code).or_default() += count;
        }
        Ok(outcome.latency.add(&book.latency)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { warm: Duration::ZERO, measured: Duration::from_secs(60) };

    /// A lane of 2,000 calls that began so long ago.
    fn lane(pace: Pace, ago: Duration) -> Lane {
        let mut lane = Lane::new(vec![vec![0]; 2_000], pace, SPAN).unwrap();
        lane.begun = Instant::now().checked_sub(ago).unwrap();
        lane
    }

    fn chosen(lane: &Lane, now: Duration) -> Vec<usize> {
        let mut batch = Vec::new();
        lane.choose(&mut lane.book(), now, false, &mut batch);
        batch
    }

    fn answer(lane: &Lane, id: usize, code: Option<i64>) -> anyhow::Result<()> {
        let error = code.map(|code| Code { code, message: String::new() });
        lane.on_answer(&mut lane.book(), Answer { id, error })
    }

    #[test]
    fn latency_counts_from_the_schedule_whenever_the_call_was_sent() {
        let late = Duration::from_secs(3);
        let lane = lane(Pace::Open { per_s: 1.0 }, late);
        assert_eq!(chosen(&lane, late), [0, 1, 2, 3], "all that was due since");
        answer(&lane, 0, None).unwrap();
        let book = lane.book();
        assert!(book.latency.max() >= 2_900_000, "{} us", book.latency.max());
    }

    #[test]
    fn schedule_waits_at_the_client_when_too_much_is_under_way() {
        let lane = lane(Pace::Open { per_s: 1e6 }, Duration::ZERO);
        let now = Duration::from_secs(1);
        let sent: usize = (0..20).map(|_| chosen(&lane, now).len()).sum();
        assert_eq!(sent, UNDER_WAY);
        answer(&lane, 0, None).unwrap();
        assert_eq!(chosen(&lane, now), [UNDER_WAY]);
    }

    #[test]
    fn refused_call_is_sent_again_and_takes_the_place_of_a_new_one() {
        let lane = lane(Pace::Closed { window: 2 }, Duration::ZERO);
        assert_eq!(chosen(&lane, Duration::ZERO), [0, 1]);
        answer(&lane, 0, Some(100_007)).unwrap();
        assert_eq!(chosen(&lane, Duration::ZERO), [2], "its pause is not over");
        answer(&lane, 1, None).unwrap();
        assert_eq!(chosen(&lane, Duration::from_secs(1)), [0]);
        assert!(answer(&lane, 2, Some(100_005)).is_err(), "an abort is no load");
    }

    #[test]
    fn flood_sends_by_schedule_whatever_is_under_way() {
        let lane = lane(Pace::Flood { per_s: 100.0 }, Duration::ZERO);
        assert_eq!(chosen(&lane, Duration::from_millis(100)).len(), 10);
        assert_eq!(chosen(&lane, Duration::from_millis(100)).len(), 0);
        answer(&lane, 3, Some(100_007)).unwrap();
        assert_eq!(chosen(&lane, Duration::from_millis(110)), [3]);
    }
}
