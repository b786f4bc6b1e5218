//! How often an API key may be used: at most its limit within a minute that starts at the first use (`api-key/ST3.2`).

/// How long a window lasts, in milliseconds.
pub const WINDOW_MS: i64 = 60_000;

/// What is remembered of a key's present window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When its first use was, in milliseconds since 1970.
    pub started: i64,
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
        retry_after: u32,
    },
}

/// Decides one more use at `now` (milliseconds since 1970) under a limit of `limit` uses a window.
///
/// A window that lies in the future, after a clock was set back, counts as over: otherwise its key would be locked
/// out for as long as the clock was wrong.
#[must_use]
pub fn admit(window: Option<Window>, limit: i64, now: i64) -> Admission {
    let fresh = Window { started: now, uses: 0 };
    let present = window
        .filter(|window| now >= window.started && now.saturating_sub(window.started) < WINDOW_MS)
        .unwrap_or(fresh);
    if present.uses < limit {
        return Admission::Admitted(Window { uses: present.uses.saturating_add(1), ..present });
    }
    let left = WINDOW_MS - now.saturating_sub(present.started);
    Admission::Refused { retry_after: u32::try_from(left.saturating_add(999) / 1000).unwrap_or(60).max(1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn boundaries_of_a_window() {
        let full = Some(Window { started: 1000, uses: 3 });
        let cases = [
            (None, 1, 5, Admission::Admitted(Window { started: 5, uses: 1 })),
            (
                Some(Window { started: 1000, uses: 2 }),
                3,
                60_999,
                Admission::Admitted(Window { started: 1000, uses: 3 }),
            ),
            (full, 3, 1000, Admission::Refused { retry_after: 60 }),
            (full, 3, 1001, Admission::Refused { retry_after: 60 }),
            (full, 3, 2000, Admission::Refused { retry_after: 59 }),
            (full, 3, 60_999, Admission::Refused { retry_after: 1 }),
            (full, 3, 61_000, Admission::Admitted(Window { started: 61_000, uses: 1 })),
            (full, 3, 999, Admission::Admitted(Window { started: 999, uses: 1 })),
            (
                Some(Window { started: i64::MIN, uses: 3 }),
                3,
                i64::MAX,
                Admission::Admitted(Window { started: i64::MAX, uses: 1 }),
            ),
        ];
        for (window, limit, now, expected) in cases {
            assert_eq!(admit(window, limit, now), expected, "{window:?} at {now}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_a_window_and_always_again_after_it(
            limit in 1_i64..6,
            pauses in prop::collection::vec(0_i64..40_000, 1..80),
        ) {
            let (mut window, mut now) = (None, 0);
            let mut admitted: Vec<(i64, i64)> = Vec::new();
            for pause in pauses {
                now += pause;
                match admit(window, limit, now) {
                    Admission::Admitted(next) => {
                        window = Some(next);
                        admitted.push((next.started, now));
                    }
                    Admission::Refused { retry_after } => {
                        let wait = i64::from(retry_after) * 1000;
                        let after = admit(window, limit, now + wait);
                        prop_assert!(matches!(after, Admission::Admitted(_)), "{after:?}");
                        let before = admit(window, limit, now + wait - 1000);
                        prop_assert!(!matches!(before, Admission::Admitted(_)), "{before:?}");
                    }
                }
            }
            for (started, _) in &admitted {
                let within = admitted.iter().filter(|(_, at)| (*started..started + WINDOW_MS).contains(at)).count();
                prop_assert!(i64::try_from(within).expect("small") <= limit);
            }
        }
    }
}
