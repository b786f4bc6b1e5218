//! Points in time with millisecond precision.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const MILLISECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// How far apart the clocks of replicas may be. What one of them forgets for its age is kept as long for the others.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// Milliseconds since 1970-01-01T00:00:00Z. Displayed and serialised as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as in JWT claims.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Adds `span`, saturating at the bounds.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Subtracts `span`, saturating at the bounds.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time elapsed since `earlier`, or zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Parses RFC 3339 with any offset and precision.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|moment| moment.format(MILLISECONDS).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms", self.0),
        }
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc_3339_with_milliseconds() {
        let moment = Timestamp::from_millis(1_773_741_600_007);
        assert_eq!(moment.to_string(), "2026-03-17T10:00:00.007Z");
        assert_eq!(Timestamp::parse("2026-03-17T10:00:00.007Z"), Some(moment));
        assert_eq!(Timestamp::parse("2026-03-17T12:00:00.0079+02:00"), Some(moment));
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn spans_are_added_and_subtracted() {
        let moment = Timestamp::from_millis(1500);
        assert_eq!(moment.plus(Duration::from_millis(600)), Timestamp::from_millis(2100));
        assert_eq!(moment.minus(Duration::from_millis(1600)), Timestamp::from_millis(-100));
        assert_eq!(Timestamp::from_millis(2100).since(moment), Duration::from_millis(600));
        assert_eq!((moment.as_seconds(), Timestamp::from_millis(-1).as_seconds()), (1, -1));
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert!(end.minus(Duration::MAX) <= Timestamp::from_millis(0));
        assert_eq!(Timestamp::from_millis(0).since(end), Duration::ZERO);
        assert!(!end.to_string().is_empty());
    }
}
