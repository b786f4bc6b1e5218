//! This host's clock, compared with the control plane's.

use std::time::Duration;

use crate::console::print_warning;
use crate::control_client::ControlClient;

/// A smaller difference harms nothing.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Warns if the last response shows that this host's clock is wrong.
pub(crate) fn warn_if_wrong(control: &ControlClient) {
    if let Some(warning) = control.seconds_ahead().and_then(warning) {
        print_warning(&warning);
    }
}

pub(crate) fn warning(seconds_ahead: i64) -> Option<String> {
    let difference = Duration::from_secs(seconds_ahead.unsigned_abs());
    let direction = if seconds_ahead > 0 { "ahead of" } else { "behind" };
    (difference > TOLERANCE).then(|| {
        format!(
            "WARNING: this host's clock is {} {direction} the control plane's; certificates and shown expiry times depend on it. Correct the clock",
            humantime::format_duration(difference)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_considerable_difference_is_reported() {
        for (seconds, words) in [
            (0, None),
            (60, None),
            (-60, None),
            (7200, Some("clock is 2h ahead of the control plane's")),
            (-61, Some("clock is 1m 1s behind the control plane's")),
            (i64::MIN, Some("behind")),
            (i64::MAX, Some("ahead")),
        ] {
            let found = warning(seconds);
            assert_eq!(found.is_some(), words.is_some(), "{seconds}");
            assert!(found.unwrap_or_default().contains(words.unwrap_or_default()), "{seconds}");
        }
    }
}
