use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Upper bound of unfinished handshakes; further machines must retry.
const MAX_PENDING: usize = 1024;

/// Upper bound of unfinished handshakes with one token, so that its holder cannot use up all.
const MAX_PENDING_PER_TOKEN: usize = 8;

/// The number of unfinished handshakes by token hash.
#[derive(Debug, Default)]
pub(super) struct PendingProofs(Mutex<HashMap<String, usize>>);

/// The permit of one unfinished handshake, released on drop.
#[derive(Debug)]
pub(super) struct ProofPermit<'a> {
    pending: &'a PendingProofs,
    token_hash: String,
}

impl PendingProofs {
    /// Returns a permit for one more handshake, or `None` if there are too many.
    pub(super) fn enter(&self, token_hash: &str) -> Option<ProofPermit<'_>> {
        let mut waiting = self.lock();
        let same = waiting.get(token_hash).copied().unwrap_or_default();
        if same >= MAX_PENDING_PER_TOKEN || waiting.values().sum::<usize>() >= MAX_PENDING {
            return None;
        }
        waiting.insert(token_hash.to_owned(), same + 1);
        drop(waiting);
        Some(ProofPermit { pending: self, token_hash: token_hash.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ProofPermit<'_> {
    fn drop(&mut self) {
        let mut waiting = self.pending.lock();
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
    fn one_token_cannot_use_up_all_permits() {
        let pending = PendingProofs::default();
        let mut greedy: Vec<_> = (0..MAX_PENDING).map_while(|_| pending.enter("greedy")).collect();
        assert_eq!(greedy.len(), MAX_PENDING_PER_TOKEN);
        let others: Vec<_> =
            (0..MAX_PENDING).map_while(|number| pending.enter(&number.to_string())).collect();
        assert_eq!(others.len(), MAX_PENDING - MAX_PENDING_PER_TOKEN);
        assert!(pending.enter("one more").is_none());
        greedy.pop();
        assert!(pending.enter("one more").is_some());
        drop((greedy, others));
        assert!(pending.lock().is_empty());
    }
}
