use std::time::{Duration, Instant};

/// How long a fact may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again until the answer is yes.
///
/// # Panics
/// If that takes longer than `limit`.
pub(crate) fn within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
    start.elapsed()
}
