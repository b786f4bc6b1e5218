//! Machines that have not proved yet who they are.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All of them; more have to come again.
const MOST: usize = 1024;

/// Of these with one token: whoever holds one must not keep all others out.
const MOST_WITH_ONE_TOKEN: usize = 8;

/// How many there are, by the hashes of their tokens.
#[derive(Debug, Default)]
pub(super) struct Proving(Mutex<HashMap<String, usize>>);

/// The place of one of them, as long as this value lives.
#[derive(Debug)]
pub(super) struct Place<'a> {
    proving: &'a Proving,
    token_hash: String,
}

impl Proving {
    /// A place for one more; nothing if there are too many.
    pub(super) fn enter(&self, token_hash: &str) -> Option<Place<'_>> {
        let mut waiting = self.lock();
        let same = waiting.get(token_hash).copied().unwrap_or_default();
        if same >= MOST_WITH_ONE_TOKEN || waiting.values().sum::<usize>() >= MOST {
            return None;
        }
        waiting.insert(token_hash.to_owned(), same + 1);
        drop(waiting);
        Some(Place { proving: self, token_hash: token_hash.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.proving.lock();
        if let Some(same) = waiting.get_mut(&self.token_hash) {
            *same -= 1;
            if *same == 0 {
                waiting.remove(&self.token_hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_does_not_take_the_places_of_all() {
        let proving = Proving::default();
        let mut greedy: Vec<_> = (0..MOST).map_while(|_| proving.enter("greedy")).collect();
        assert_eq!(greedy.len(), MOST_WITH_ONE_TOKEN);
        let others: Vec<_> = (0..MOST).map_while(|number| proving.enter(&number.to_string())).collect();
        assert_eq!(others.len(), MOST - MOST_WITH_ONE_TOKEN);
        assert!(proving.enter("one more").is_none());
        greedy.pop();
        assert!(proving.enter("one more").is_some());
        drop((greedy, others));
        assert!(proving.lock().is_empty());
    }
}
