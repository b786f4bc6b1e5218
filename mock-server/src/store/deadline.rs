//! The time that a job may take: SQLite asks every few thousand instructions whether to go on.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// How long a job of the program's own may take. Each is a few lookups, or one scan of an organisation's machines.
pub(super) const JOB_TIMEOUT: Duration = Duration::from_secs(10);

/// Some microseconds, and some ten milliseconds where each comparison searches through a long text.
const INSTRUCTIONS_BETWEEN_CHECKS: c_int = 200;

/// The deadline of the job that a connection runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Deadline(Arc<Mutex<Option<Running>>>);

#[derive(Debug)]
struct Running {
    until: Instant,
    abandoned: Option<Arc<AtomicBool>>,
}

/// A job in progress; statements run without a limit once it is dropped.
pub(super) struct Started<'d>(&'d Deadline);

impl Deadline {
    /// Interrupts statements of the connection that run beyond a deadline.
    pub(super) fn install(connection: &mut Connection) -> Result<Self, rusqlite::Error> {
        let deadline = Self::default();
        let asked = deadline.clone();
        connection.progress_handler(INSTRUCTIONS_BETWEEN_CHECKS, Some(move || asked.has_passed()))?;
        Ok(deadline)
    }

    /// Gives the next statements this long, and less if the caller abandons them.
    pub(super) fn start(&self, timeout: Duration, abandoned: Option<Arc<AtomicBool>>) -> Started<'_> {
        *self.lock() = Some(Running { until: Instant::now() + timeout, abandoned });
        Started(self)
    }

    fn has_passed(&self) -> bool {
        self.lock().as_ref().is_some_and(|running| {
            running.until <= Instant::now()
                || running.abandoned.as_ref().is_some_and(|abandoned| abandoned.load(Ordering::Relaxed))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}
