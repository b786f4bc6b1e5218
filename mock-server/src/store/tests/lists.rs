//! Lists end at their deadline or with their caller, and nothing else waits for them.

use std::time::{Duration, Instant};

use futures::future::join_all;

use super::{get, put, stores};
use crate::store::{Condition, Store, StoreError};

const ENDLESS: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT max(n) FROM n";
const SIX_SECONDS: Duration = Duration::from_secs(6);

async fn endless(store: Store) -> Result<Vec<i64>, StoreError> {
    store.list(|tx| tx.all_once(ENDLESS, &[], |row| row.integer(0))).await
}

#[tokio::test]
async fn a_list_ends_at_its_deadline() {
    for (store, _folder) in stores() {
        let ended = endless(store.clone()).await;
        assert!(matches!(ended, Err(StoreError::Unavailable(Condition::TooSlow))), "{ended:?}");
        put(&store, "after", "v").await.unwrap();
    }
}

#[tokio::test]
async fn reads_and_writes_do_not_wait_for_lists() {
    for (store, _folder) in stores() {
        let lists: Vec<_> = (0..30).map(|_| tokio::spawn(endless(store.clone()))).collect();
        let started = Instant::now();
        for n in 0..3 {
            put(&store, &format!("n{n}"), "v").await.unwrap();
            assert_eq!(get(&store, "n0").await.as_deref(), Some("v"));
        }
        // In memory, each waits for one list at most; all of them would take fifteen seconds, in a file twenty.
        assert!(started.elapsed() < SIX_SECONDS, "{:?}", started.elapsed());
        lists.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

#[tokio::test]
async fn an_abandoned_list_frees_its_thread() {
    for (store, _folder) in stores() {
        let lists: Vec<_> = (0..30).map(|_| tokio::spawn(endless(store.clone()))).collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        lists.iter().for_each(tokio::task::JoinHandle::abort);
        join_all(lists).await;
        let started = Instant::now();
        let listed = store.list(|tx| tx.all_once("SELECT 7", &[], |row| row.integer(0))).await;
        assert_eq!(listed.unwrap(), [7]);
        assert!(started.elapsed() < Duration::from_millis(1500), "{:?}", started.elapsed());
    }
}
