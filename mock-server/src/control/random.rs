//! Chance, as a parameter: the system's, or a sequence that a seed repeats.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::domain::Timestamp;

/// The bits of an identifier that count within a millisecond (RFC 9562, `rand_a`).
const COUNTER: u16 = 0x0fff;

/// A source of random bytes and of identifiers; clones draw from the same.
#[derive(Clone)]
pub struct Random {
    seeded: Option<Arc<Mutex<StdRng>>>,
    last: Arc<Mutex<Moment>>,
}

/// When an identifier was drawn: the millisecond, and the how-manieth in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Moment {
    millis: u64,
    counter: u16,
}

impl Random {
    /// Unpredictable bytes, fit for keys.
    pub fn system() -> Self {
        Self { seeded: None, last: Arc::default() }
    }

    /// The sequence that belongs to `seed`: for tests only.
    pub fn seeded(seed: u64) -> Self {
        Self { seeded: Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))), ..Self::system() }
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.seeded {
            Some(seeded) => seeded.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
            None => rand::rng().fill_bytes(&mut bytes),
        }
        bytes
    }

    /// A new identifier for a row made at `now`: a UUID of version 7 that sorts behind every one drawn here before, so
    /// that rows of one millisecond keep their order (RFC 9562, 6.2).
    pub fn id(&self, now: Timestamp) -> String {
        let mut bytes: [u8; 10] = self.bytes();
        let moment = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = last.next(u64::try_from(now.as_millis()).unwrap_or(0));
            *last
        };
        let (counter, _) = bytes.split_at_mut(2);
        counter.copy_from_slice(&moment.counter.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(moment.millis, &bytes).into_uuid().to_string()
    }
}

impl Moment {
    /// The first one behind `self` that is not before `now`. A clock that went back, or more than the counter holds in
    /// one millisecond, borrows from the future.
    fn next(self, now: u64) -> Self {
        if now > self.millis {
            Self { millis: now, counter: 0 }
        } else if self.counter < COUNTER {
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
    fn ids_sort_in_the_order_in_which_they_were_drawn() {
        let random = Random::system();
        let at = Timestamp::from_millis;
        // Within a millisecond more than the counter holds, by a clock that goes back, and on.
        let moments = std::iter::repeat_n(5000, 10_000).chain([4000, 4000, 0, 6000, 6000]);
        let ids: Vec<String> = moments.map(|now| random.clone().id(at(now))).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
        for id in ids.iter().step_by(997) {
            assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7, "{id}");
        }
    }

    #[test]
    fn an_id_tells_the_moment_and_repeats_with_its_seed() {
        let drawn = |seed| Random::seeded(seed).id(Timestamp::from_millis(1_773_741_600_000));
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert!(drawn(7).starts_with("019cfb3c-ed00-7000-"), "{}", drawn(7));
    }
}
