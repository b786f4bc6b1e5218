//! How often an API key may be used: at most its limit within a minute that starts at the first use (`api-key/ST3.2`).

use std::time::Duration;

use super::Timestamp;

/// How long a window lasts.
pub const WINDOW: Duration = Duration::from_secs(60);

/// What is remembered of a key's present window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When its first use was.
    pub started: Timestamp,
    /// How many uses it has let through.
    pub uses: i64,
}

/// The answer to one more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may pass; this is the window to remember.
    Admitted(Window),
    /// It may not; in so many whole seconds it may (1 to 60: the value of `Retry-After`).
    Refused {
        /// Seconds, rounded up.
        retry_after_seconds: u64,
    },
}

/// Decides one more use at `now` under a limit of `limit` uses a window.
///
/// A window that lies in the future, after a clock was set back, counts as over: otherwise its key would be locked
/// out for as long as the clock was wrong.
#[must_use]
pub fn admit(window: Option<Window>, limit: i64, now: Timestamp) -> Admission {
    let present = window
        .filter(|window| now >= window.started && now.since(window.started) < WINDOW)
        .unwrap_or(Window { started: now, uses: 0 });
    if present.uses < limit {
        return Admission::Admitted(Window { uses: present.uses.saturating_add(1), ..present });
    }
    let left = WINDOW.saturating_sub(now.since(present.started));
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
    fn boundaries_of_a_window() {
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
            (window(1000, 3), 3, 999, admitted(999, 1)),
            (window(i64::MIN, 3), 3, i64::MAX, admitted(i64::MAX, 1)),
        ];
        for (window, limit, now, expected) in cases {
            assert_eq!(admit(window, limit, at(now)), expected, "{window:?} at {now}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_a_window_and_always_again_after_it(
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
