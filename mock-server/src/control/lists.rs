//! How many lists one caller reads at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::access::Caller;
use crate::domain::Refusal;

/// Fewer than the store has threads for, so that others' lists do not wait for one caller's.
const MAX_LISTS: usize = 2;
/// How long a list waits for its caller's others.
const MAX_WAIT: Duration = Duration::from_secs(10);
const RETRY_SECONDS: u64 = 1;

/// The lists that are read in this process, by caller.
#[derive(Debug, Clone, Default)]
pub struct Lists(Arc<Mutex<HashMap<String, Arc<Semaphore>>>>);

/// A list that may be read.
#[derive(Debug)]
pub struct ListGuard {
    lists: Lists,
    caller: String,
    permit: Option<OwnedSemaphorePermit>,
}

impl Lists {
    /// Waits until the caller reads few enough lists.
    ///
    /// # Errors
    /// 429 RATE_LIMITED if that takes too long.
    pub async fn begin(&self, caller: &Caller) -> Result<ListGuard, Refusal> {
        self.begin_within(caller, MAX_WAIT).await
    }

    async fn begin_within(&self, caller: &Caller, wait: Duration) -> Result<ListGuard, Refusal> {
        let caller = caller.id().to_owned();
        let semaphore = {
            let mut lists = self.lock();
            let semaphore =
                lists.entry(caller.clone()).or_insert_with(|| Arc::new(Semaphore::new(MAX_LISTS)));
            Arc::clone(semaphore)
        };
        // The guard exists before the wait, so that a caller who gives up leaves nothing behind.
        let mut guard = ListGuard { lists: self.clone(), caller, permit: None };
        match timeout(wait, semaphore.acquire_owned()).await {
            Ok(Ok(permit)) => guard.permit = Some(permit),
            _ => return Err(Refusal::RateLimited { retry_after_seconds: RETRY_SECONDS }),
        }
        Ok(guard)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ListGuard {
    fn drop(&mut self) {
        self.permit.take();
        let mut lists = self.lists.lock();
        // Those that wait or read hold the semaphore as well.
        if lists.get(&self.caller).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            lists.remove(&self.caller);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::domain::Timestamp;

    fn user(id: &str) -> Caller {
        Caller::User {
            user_id: id.to_owned(),
            email: "a@b.example".to_owned(),
            authenticated_at: Timestamp::from_millis(0),
        }
    }

    #[tokio::test]
    async fn a_caller_reads_two_lists_at_once_and_delays_nobody_else() {
        let lists = Lists::default();
        let first = lists.begin(&user("a")).await.unwrap();
        let second = lists.begin(&user("a")).await.unwrap();
        let caller = user("a");
        let mut third = Box::pin(lists.begin(&caller));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(lists.begin(&user("b")).now_or_never().is_some_and(|begun| begun.is_ok()));
        drop(first);
        let third = third.await.unwrap();
        let refused = lists.begin_within(&user("a"), Duration::from_millis(1)).await.unwrap_err();
        assert_eq!(refused, Refusal::RateLimited { retry_after_seconds: 1 });
        drop((second, third));
        assert!(lists.lock().is_empty());
    }
}
