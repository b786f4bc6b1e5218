//! Rate limits of API keys: a fixed window of one minute that starts at the first use (`api-key/ST3.2`).

use std::time::Duration;

use super::Timestamp;

pub const WINDOW: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub started: Timestamp,
    /// The number of admitted uses.
    pub uses: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Carries the window to store.
    Admitted(Window),
    /// Carries the value of `Retry-After`: 1 to 60, rounded up; up to 120 for a window that starts in the future.
    Refused { retry_after_seconds: u64 },
}

/// Decides on a use at `now`, given a limit of `limit` uses per window.
///
/// A window that starts slightly in the future is still the current one: simultaneous requests, and those of replicas
/// with other clocks, are decided in another order than that of their times. One that starts more than its own length
/// in the future, after the clock was set back, counts as over, lest the key be locked out until the wrong time comes.
#[must_use]
pub fn admit(window: Option<Window>, limit: i64, now: Timestamp) -> Admission {
    let current = window
        .filter(|window| now.since(window.started) < WINDOW && window.started.since(now) < WINDOW)
        .unwrap_or(Window { started: now, uses: 0 });
    if current.uses < limit {
        return Admission::Admitted(Window { uses: current.uses.saturating_add(1), ..current });
    }
    let left = current.started.plus(WINDOW).since(now);
    Admission::Refused { retry_after_seconds: left.as_secs() + u64::from(left.subsec_nanos() > 0) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn windows_start_at_the_first_use_and_last_a_minute() {
        let window = |started, uses| Some(Window { started: at(started), uses });
        let admitted = |started, uses| Admission::Admitted(Window { started: at(started), uses });
        let refused = |retry_after_seconds| Admission::Refused { retry_after_seconds };
        let cases = [
            (None, 1, 5, admitted(5, 1)),
            (window(1000, 2), 3, 60_999, admitted(1000, 3)),
            (window(1000, 3), 3, 1000, refused(60)),
            (window(1000, 3), 3, 1001, refused(60)),
            (window(1000, 3), 3, 2000, refused(59)),
            (window(1000, 3), 3, 60_999, refused(1)),
            (window(1000, 3), 3, 61_000, admitted(61_000, 1)),
            (window(1000, 3), 3, 999, refused(61)),
            (window(1000, 2), 3, 999, admitted(1000, 3)),
            (window(60_000, 3), 3, 1, refused(120)),
            (window(60_000, 3), 3, 0, admitted(0, 1)),
            (window(i64::MIN, 3), 3, i64::MAX, admitted(i64::MAX, 1)),
        ];
        for (window, limit, now, expected) in cases {
            assert_eq!(admit(window, limit, at(now)), expected, "{window:?} at {now}");
        }
    }

    proptest! {
        #[test]
        fn requests_out_of_order_do_not_exceed_the_limit(
            limit in 1_i64..6,
            times in prop::collection::vec(0_i64..30_000, 1..80),
        ) {
            let (mut window, mut admitted) = (None, 0);
            for now in times {
                if let Admission::Admitted(next) = admit(window, limit, at(now)) {
                    window = Some(next);
                    admitted += 1;
                }
            }
            prop_assert!(admitted <= limit);
        }

        #[test]
        fn uses_never_exceed_the_limit_and_resume_after_the_window(
            limit in 1_i64..6,
            pauses in prop::collection::vec(0_i64..40_000, 1..80),
        ) {
            let (mut window, mut now) = (None, at(0));
            let mut admitted: Vec<(Timestamp, Timestamp)> = Vec::new();
            for pause in pauses {
                now = at(now.as_millis() + pause);
                match admit(window, limit, now) {
                    Admission::Admitted(next) => {
                        window = Some(next);
                        admitted.push((next.started, now));
                    }
                    Admission::Refused { retry_after_seconds } => {
                        let free = now.plus(Duration::from_secs(retry_after_seconds));
                        let after = admit(window, limit, free);
                        prop_assert!(matches!(after, Admission::Admitted(_)), "{after:?}");
                        let before = admit(window, limit, free.minus(Duration::from_secs(1)));
                        prop_assert!(!matches!(before, Admission::Admitted(_)), "{before:?}");
                    }
                }
            }
            for (started, _) in &admitted {
                let within = admitted.iter().filter(|(_, at)| (*started..started.plus(WINDOW)).contains(at));
                prop_assert!(i64::try_from(within.count()).expect("small") <= limit);
            }
        }
    }
}
