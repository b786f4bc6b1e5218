//! Which of several replicas does the upkeep: the holder of a lease, for as long as its beats change.

use std::time::{Duration, Instant};

use super::Random;
use crate::domain::Timestamp;
use crate::store::{Store, StoreError, settings};

const SETTING: &str = "upkeep_lease";
/// How long a lease without a new beat is respected. Each replica measures it by a clock of its own, since the clocks of
/// replicas differ. With [`super::upkeep`]'s looks every two seconds, another takes over within ten.
const PATIENCE: Duration = Duration::from_secs(5);

/// A replica's view of the lease.
#[derive(Debug, Default)]
pub(super) struct Lease {
    holder: Option<String>,
    /// The beat of another holder, and when it was first seen.
    seen: Option<(String, Instant)>,
}

impl Lease {
    /// Renews the lease, or takes it if its holder is gone. Returns whether it is held; a database that is not shared has
    /// no other replica.
    pub(super) async fn hold(
        &mut self,
        store: &Store,
        random: &Random,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !store.is_shared() {
            return Ok(true);
        }
        self.hold_within(store, random, now, PATIENCE).await
    }

    async fn hold_within(
        &mut self,
        store: &Store,
        random: &Random,
        now: Timestamp,
        patience: Duration,
    ) -> Result<bool, StoreError> {
        let holder = self.holder.get_or_insert_with(|| random.id(now)).clone();
        let current: Option<String> = store.read(|tx| settings::get(tx, SETTING)).await?;
        let held = current.as_deref().and_then(beats_of(&holder));
        let beats = match (&current, held) {
            (_, Some(beats)) => beats + 1,
            (None, None) => 0,
            (Some(other), None) if self.is_due(other, patience) => 0,
            (Some(_), None) => return Ok(false),
        };
        let renewed = format!("{holder} {beats}");
        store.write(move |tx| settings::exchange(tx, SETTING, current.as_deref(), &renewed)).await
    }

    fn is_due(&mut self, beat: &str, patience: Duration) -> bool {
        match &self.seen {
            Some((seen, since)) if seen == beat => since.elapsed() >= patience,
            _ => {
                self.seen = Some((beat.to_owned(), Instant::now()));
                false
            }
        }
    }
}

fn beats_of(holder: &str) -> impl Fn(&str) -> Option<u64> {
    move |lease| {
        let (held_by, beats) = lease.split_once(' ')?;
        if held_by == holder { beats.parse().ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Location;

    const SHORT: Duration = Duration::from_millis(30);

    #[tokio::test]
    async fn one_replica_holds_the_lease_and_another_takes_over_when_it_stops() {
        let store = Store::open(&Location::Memory).unwrap();
        let now = Timestamp::from_millis(0);
        let random = Random::system();
        let (mut first, mut second) = (Lease::default(), Lease::default());
        for _ in 0..5 {
            assert!(first.hold_within(&store, &random, now, SHORT).await.unwrap());
            assert!(!second.hold_within(&store, &random, now, SHORT).await.unwrap());
            tokio::time::sleep(SHORT).await;
        }
        assert!(second.hold_within(&store, &random, now, SHORT).await.unwrap(), "the first one is gone");
        assert!(!first.hold_within(&store, &random, now, SHORT).await.unwrap(), "it returns and is told");
    }
}
