//! Randomness as a parameter: the system's, or a reproducible sequence.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::domain::Timestamp;

/// The maximum of the counter within a millisecond (RFC 9562, `rand_a`).
const MAX_COUNTER: u16 = 0x0fff;

/// A source of random bytes and identifiers, shared by its clones.
#[derive(Clone)]
pub struct Random {
    seeded: Option<Arc<Mutex<StdRng>>>,
    last: Arc<Mutex<IdTime>>,
}

/// The source of a job that may run more than once, and get the same from it each time.
pub struct Repeatable {
    source: Random,
    drawn: RefCell<Drawn>,
}

/// What a job drew so far, in all of its runs.
#[derive(Default)]
struct Drawn {
    bytes: Vec<u8>,
    ids: Vec<IdTime>,
}

/// The draws of one run of a job.
pub struct Draws<'r> {
    of: &'r Repeatable,
    bytes: Cell<usize>,
    ids: Cell<usize>,
}

/// The time of an identifier: its millisecond, and its number within that millisecond.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct IdTime {
    millis: u64,
    counter: u16,
}

impl Random {
    /// Returns a cryptographically secure source.
    pub fn system() -> Self {
        Self { seeded: None, last: Arc::default() }
    }

    /// Returns the reproducible sequence of `seed`, for tests only.
    pub fn seeded(seed: u64) -> Self {
        Self { seeded: Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))), ..Self::system() }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.seeded {
            Some(seeded) => seeded.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
            None => rand::rng().fill_bytes(&mut bytes),
        }
        bytes
    }

    /// Generates an identifier for a row created at `now`: a version 7 UUID that sorts after all previous ones from this
    /// source, so that rows of one millisecond keep their order (RFC 9562, 6.2).
    pub fn id(&self, now: Timestamp) -> String {
        let bytes = self.bytes();
        self.next_id_time(now).id(bytes)
    }

    /// Returns this source for one job, which draws from it in [`Repeatable::draws`].
    pub fn repeatable(&self) -> Repeatable {
        Repeatable { source: self.clone(), drawn: RefCell::default() }
    }

    fn next_id_time(&self, now: Timestamp) -> IdTime {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = last.next(u64::try_from(now.as_millis()).unwrap_or(0));
        *last
    }
}

impl Repeatable {
    /// Begins a run of the job, which draws what an earlier run drew in the same order.
    pub fn draws(&self) -> Draws<'_> {
        Draws { of: self, bytes: Cell::new(0), ids: Cell::new(0) }
    }
}

impl Draws<'_> {
    /// As [`Random::bytes`].
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let start = self.bytes.replace(self.bytes.get() + N);
        let mut drawn = self.of.drawn.borrow_mut();
        loop {
            if let Some(bytes) = drawn.bytes.get(start..).and_then(<[u8]>::first_chunk) {
                return *bytes;
            }
            drawn.bytes.extend(self.of.source.bytes::<N>());
        }
    }

    /// As [`Random::id`].
    pub fn id(&self, now: Timestamp) -> String {
        let bytes = self.bytes();
        let place = self.ids.replace(self.ids.get() + 1);
        let mut drawn = self.of.drawn.borrow_mut();
        let known = drawn.ids.get(place).copied();
        let time = known.unwrap_or_else(|| {
            let time = self.of.source.next_id_time(now);
            drawn.ids.push(time);
            time
        });
        time.id(bytes)
    }
}

impl IdTime {
    /// Returns the identifier of this time; the counter replaces the first two of the random bytes.
    fn id(self, mut random: [u8; 10]) -> String {
        let (counter, _) = random.split_at_mut(2);
        counter.copy_from_slice(&self.counter.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(self.millis, &random).into_uuid().to_string()
    }

    /// Returns the first time after `self` that is not before `now`. If the clock went back or the counter is exhausted,
    /// it lies in the future.
    fn next(self, now: u64) -> Self {
        if now > self.millis {
            Self { millis: now, counter: 0 }
        } else if self.counter < MAX_COUNTER {
            Self { counter: self.counter + 1, ..self }
        } else {
            Self { millis: self.millis.saturating_add(1), counter: 0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_in_generation_order() {
        let random = Random::system();
        let at = Timestamp::from_millis;
        // More than the counter holds in a millisecond, then a clock that goes back and forward.
        let moments = std::iter::repeat_n(5000, 10_000).chain([4000, 4000, 0, 6000, 6000]);
        let ids: Vec<String> = moments.map(|now| random.clone().id(at(now))).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
        for id in ids.iter().step_by(997) {
            assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7, "{id}");
        }
    }

    #[test]
    fn ids_contain_the_time_and_are_reproducible() {
        let drawn = |seed| Random::seeded(seed).id(Timestamp::from_millis(1_773_741_600_000));
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert!(drawn(7).starts_with("019cfb3c-ed00-7000-"), "{}", drawn(7));
    }

    #[test]
    fn a_job_draws_the_same_in_each_run() {
        let random = Random::system();
        let now = Timestamp::from_millis(5000);
        let repeatable = random.repeatable();
        let run = |more: bool| {
            let draws = repeatable.draws();
            let drawn = (draws.id(now), draws.bytes::<32>(), draws.id(now));
            (drawn, more.then(|| draws.id(now)))
        };
        let (first, _) = run(false);
        let other = random.id(now);
        assert_eq!(run(false).0, first);
        let (again, more) = run(true);
        assert_eq!(again, first);
        assert_ne!(first.0, first.2);
        assert!(more.unwrap() > other, "an id that the run before did not need is a new one");
        assert_eq!(run(true).0, first);
    }
}
