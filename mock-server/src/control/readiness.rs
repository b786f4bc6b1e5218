//! Readiness: whether the database can be written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::domain::Timestamp;
use crate::store::{Store, StoreError, settings};

/// How long a check counts, so that frequent probes cost the writer little.
const VALID_FOR: Duration = Duration::from_secs(1);
const PROBE: &str = "readiness_probe";

/// The latest check, shared by its clones.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    latest: Arc<Mutex<Option<Check>>>,
}

#[derive(Debug, Clone)]
struct Check {
    at: Instant,
    /// Why the database cannot be written.
    problem: Option<String>,
}

impl Readiness {
    /// Writes a row, unless that was done a moment ago. Returns why it is impossible, or `None`.
    pub async fn problem(&self, store: &Store, now: Timestamp) -> Option<String> {
        let mut latest = self.latest.lock().await;
        if let Some(check) = latest.as_ref().filter(|check| check.at.elapsed() < VALID_FOR) {
            return check.problem.clone();
        }
        let written: Result<(), StoreError> = match store.problem() {
            Some(condition) => Err(StoreError::Unavailable(condition)),
            None => store.write(move |tx| settings::put(tx, PROBE, &now.as_millis().to_string())).await,
        };
        let problem = written.err().map(|error| match error {
            StoreError::Unavailable(condition) => {
                tracing::error!(%condition, way_out = condition.way_out(), "the server is not ready");
                condition.to_string()
            }
            error => {
                tracing::error!(%error, "the database cannot be written");
                "the database cannot be written; see the server's log".to_owned()
            }
        });
        *latest = Some(Check { at: Instant::now(), problem: problem.clone() });
        problem
    }
}
