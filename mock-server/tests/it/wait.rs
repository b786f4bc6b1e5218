use std::time::{Duration, Instant};

/// How long a fact may take on a loaded machine. It does not measure speed: benches do.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Asks again until the answer is yes.
///
/// # Panics
/// After [`DEADLINE`].
#[track_caller]
pub(crate) fn eventually(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "not so after {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
