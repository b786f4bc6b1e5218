//! Relative times in the user guide's form: "in 1 hour", "in 45 min".

use std::time::Duration;

use time::OffsetDateTime;

/// Describes `moment` relative to `now`: `in 45 min`, `in 1 hour`, `in 7 days`, or `expired` once it has passed.
pub(crate) fn until(moment: OffsetDateTime, now: OffsetDateTime) -> String {
    Duration::try_from(moment - now)
        .ok()
        .filter(|left| !left.is_zero())
        .map_or_else(|| "expired".to_owned(), from_now)
}

/// Describes a moment `left` from now, rounded to the nearest minute, hour or day.
pub(crate) fn from_now(left: Duration) -> String {
    let minutes = rounded(left.as_secs(), 60);
    let hours = rounded(minutes, 60);
    match (minutes, hours) {
        (0, _) => "in less than a minute".to_owned(),
        (60, _) => "in 1 hour".to_owned(),
        (..120, _) => format!("in {minutes} min"),
        (_, ..48) => format!("in {hours} hours"),
        _ => format!("in {} days", rounded(hours, 24)),
    }
}

fn rounded(amount: u64, unit: u64) -> u64 {
    amount.saturating_add(unit / 2) / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_to_a_readable_unit() {
        for (seconds, text) in [
            (1, "in less than a minute"),
            (29, "in less than a minute"),
            (30, "in 1 min"),
            (300, "in 5 min"),
            (45 * 60, "in 45 min"),
            (3569, "in 59 min"),
            (3599, "in 1 hour"),
            (3600, "in 1 hour"),
            (5400, "in 90 min"),
            (7199, "in 2 hours"),
            (86_400, "in 24 hours"),
            (2 * 86_400, "in 2 days"),
            (7 * 86_400 - 20, "in 7 days"),
            (30 * 86_400, "in 30 days"),
            (u64::MAX, "in 213503982334601 days"),
        ] {
            assert_eq!(from_now(Duration::from_secs(seconds)), text, "{seconds} s");
        }
    }

    #[test]
    fn past_moments_are_expired() {
        let now = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(until(now + Duration::from_secs(2700), now), "in 45 min");
        assert_eq!(until(now, now), "expired");
        assert_eq!(until(now - Duration::from_secs(1), now), "expired");
    }
}
