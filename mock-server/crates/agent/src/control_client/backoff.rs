use std::time::Duration;

use super::ControlError;

/// How often a registration conflict is retried. Concurrent registrations of one name are told to retry
/// (headless/ST4.5); more conflicts in a row have another cause.
const CONFLICT_RETRIES: u32 = 5;

/// Exponential backoff up to a ceiling. Each delay is shortened randomly by up to a half, so that agents that lost
/// their control plane at the same time do not reconnect at the same time.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    failures: u32,
    ceiling: Duration,
}

impl Backoff {
    /// Starts at half a second and doubles up to `ceiling`.
    pub(crate) const fn up_to(ceiling: Duration) -> Self {
        Self { failures: 0, ceiling }
    }

    /// Returns the next delay; `jitter` is uniform in 0.0..1.0.
    pub(crate) fn next_delay(&mut self, jitter: f64) -> Duration {
        let full = Duration::from_millis(500).saturating_mul(1 << self.failures.min(16)).min(self.ceiling);
        self.failures = self.failures.saturating_add(1);
        full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// Returns the delay before a registration that failed with `error` is retried, or `None` if a retry would fail
/// the same way. `conflicts` is the number of earlier REGISTRATION_CONFLICT refusals.
pub(crate) fn retry_delay(
    error: &ControlError,
    conflicts: u32,
    backoff: &mut Backoff,
    jitter: f64,
) -> Option<Duration> {
    if error.has_code("REGISTRATION_CONFLICT") && conflicts < CONFLICT_RETRIES {
        return Some(Duration::from_millis(50).saturating_mul(1 << conflicts.min(8)).mul_f64(1.0 + jitter));
    }
    if !error.is_temporary() {
        return None;
    }
    let delay = backoff.next_delay(jitter);
    match error {
        ControlError::Refused { retry_after: Some(minimum), .. } => Some(delay.max(*minimum)),
        _ => Some(delay),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, retry_after: Option<u64>) -> ControlError {
        ControlError::Refused {
            status,
            code: code.to_owned(),
            message: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
            in_envelope: true,
        }
    }

    #[test]
    fn delays_double_up_to_the_ceiling() {
        let mut backoff = Backoff::up_to(Duration::from_secs(3));
        let delays: Vec<u128> = (0..40).map(|_| backoff.next_delay(0.0).as_millis()).collect();
        assert_eq!(delays[..4], [500, 1000, 2000, 3000]);
        assert_eq!(delays[39], 3000);
        assert_eq!(Backoff::up_to(Duration::from_secs(3)).next_delay(1.0).as_millis(), 250);
    }

    #[test]
    fn only_temporary_errors_are_retried() {
        let unreachable = ControlError::Unreachable { server: String::new(), cause: String::new() };
        let unexpected = |status| ControlError::Unexpected {
            server: String::new(),
            path: String::new(),
            status,
            cause: String::new(),
        };
        for (error, conflicts, expected) in [
            (unreachable, 0, Some(500)),
            (refused(503, "UNAVAILABLE", None), 0, Some(500)),
            (refused(429, "RATE_LIMITED", Some(7)), 0, Some(7000)),
            (unexpected(502), 0, Some(500)),
            (unexpected(404), 0, None),
            (refused(401, "KEY_USED", None), 0, None),
            (refused(401, "INVALID_KEY", Some(7)), 0, None),
            (refused(409, "REGISTRATION_CONFLICT", None), 0, Some(50)),
            (refused(409, "REGISTRATION_CONFLICT", None), 4, Some(800)),
            (refused(409, "REGISTRATION_CONFLICT", None), 5, None),
        ] {
            let mut backoff = Backoff::up_to(Duration::from_secs(30));
            let delay = retry_delay(&error, conflicts, &mut backoff, 0.0);
            assert_eq!(delay.map(|delay| delay.as_millis()), expected, "{error:?} after {conflicts}");
        }
    }
}
