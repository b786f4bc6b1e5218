//! PostgreSQL's connection lost in the middle of a batch: nothing is acknowledged that is not stored, and each caller is told
//! to try again.

use std::sync::Arc;

use super::redo::{fail, in_one_batch, insert, succeed};
use super::{get, postgres_location, put};
use crate::control::Random;
use crate::store::{Store, StoreError, Tx};

/// Ends the connection of the transaction.
fn cut(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.optional("SELECT pg_terminate_backend(pg_backend_pid())", &[], |_| Ok(())).map(drop)
}

#[tokio::test]
async fn what_was_written_before_the_connection_was_lost_is_not_acknowledged() {
    let Some(location) = postgres_location() else { return };
    let store = Store::open(&location).unwrap();
    for (round, spoil) in [("plain", false), ("again", true)] {
        let (random, runs) = (Random::system(), Arc::default());
        let name = |name: &str| format!("{round}-{name}");
        let mut jobs = vec![insert(&store, &random, name("before"), &runs, succeed)];
        if spoil {
            // All jobs run again, each in a savepoint.
            jobs.insert(0, insert(&store, &random, name("spoilt"), &runs, fail));
        }
        jobs.push(insert(&store, &random, name("cut"), &runs, cut));
        jobs.push(insert(&store, &random, name("after"), &runs, succeed));
        let outcomes = in_one_batch(&store, jobs).await;
        for outcome in &outcomes[usize::from(spoil)..] {
            assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{round}: {outcomes:?}");
        }
        assert!(outcomes[0].is_err(), "{outcomes:?}");
        put(&store, &name("later"), "v").await.unwrap();
        let stored = store.read(|tx| tx.all("SELECT name FROM settings", &[], |row| row.text(0)));
        let stored: Vec<String> = stored.await.unwrap_or_else(|error: StoreError| panic!("{error}"));
        let expected: Vec<String> =
            if spoil { vec!["again-later".into(), "plain-later".into()] } else { vec![name("later")] };
        let mut stored: Vec<String> = stored.into_iter().filter(|name| name.contains('-')).collect();
        stored.sort();
        assert_eq!(stored, expected);
    }
    assert_eq!(get(&store, "plain-later").await.as_deref(), Some("v"));
}
