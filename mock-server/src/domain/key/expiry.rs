//! The lifetimes that may be requested for keys.

use std::time::Duration;

use serde_json::Value;

use crate::domain::{Refusal, Timestamp};

const DAY: i64 = 24 * 60 * 60;
const AUTH_KEY_DAYS: &str = "expiry_days must be an integer between 1 and 365";
const AUTH_KEY_SECONDS: &str = "expires_in must be an integer between 300 and 2592000 (5 minutes to 30 days)";
const API_KEY_DAYS: &str = "expiry_days must be an integer between 1 and 90 (zero standing privilege policy)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The first moment at which the key is no longer valid.
    pub expires_at: Timestamp,
    /// The lifetime in days, if it is a whole number of days.
    pub days: Option<i64>,
}

/// Returns the expiry of an auth key: `expiry_days` from 1 to 365, by default 90 (`generate/ST2.3`), or the guide's
/// `expires_in` from 5 minutes to 30 days in seconds (`issuing/expiry.2`), but not both.
pub fn auth_key(days: Option<&Value>, seconds: Option<&Value>, now: Timestamp) -> Result<Expiry, Refusal> {
    match (days, seconds) {
        (Some(_), Some(_)) => Err(Refusal::invalid("expiry_days and expires_in cannot be combined")),
        (None, Some(seconds)) => within(seconds, 300, 30 * DAY, AUTH_KEY_SECONDS).map(|s| expiry(s, now)),
        (Some(days), None) => within(days, 1, 365, AUTH_KEY_DAYS).map(|days| expiry(days * DAY, now)),
        (None, None) => Ok(expiry(90 * DAY, now)),
    }
}

/// Returns the expiry of an API key: 1 to 90 days, by default 30. No key is permanent (`api-key/ST4.1`).
pub fn api_key(days: Option<&Value>, now: Timestamp) -> Result<Expiry, Refusal> {
    let days = days.map_or(Ok(30), |days| within(days, 1, 90, API_KEY_DAYS))?;
    Ok(expiry(days * DAY, now))
}

fn within(value: &Value, least: i64, most: i64, words: &'static str) -> Result<i64, Refusal> {
    value.as_i64().filter(|number| (least..=most).contains(number)).ok_or(Refusal::invalid(words))
}

fn expiry(seconds: i64, now: Timestamp) -> Expiry {
    let span = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Expiry { expires_at: now.plus(span), days: (seconds % DAY == 0).then_some(seconds / DAY) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn days(expiry: Result<Expiry, Refusal>) -> Option<i64> {
        expiry.ok().map(|expiry| expiry.expires_at.as_seconds() / DAY)
    }

    #[test]
    fn auth_keys_last_1_to_365_days() {
        assert_eq!(days(auth_key(None, None, NOW)), Some(90));
        for (value, expected) in [(json!(1), Some(1)), (json!(365), Some(365)), (json!(7), Some(7))] {
            assert_eq!(days(auth_key(Some(&value), None, NOW)), expected, "{value}");
        }
        for bad in
            [json!(0), json!(366), json!(500), json!(-1), json!(1.5), json!("7"), json!(true), json!(null)]
        {
            assert_eq!(
                auth_key(Some(&bad), None, NOW),
                Err(Refusal::invalid("expiry_days must be an integer between 1 and 365")),
                "{bad}"
            );
        }
    }

    #[test]
    fn expires_in_counts_seconds() {
        for (value, expected) in [(300, None), (86_400, Some(1)), (3600, None), (2_592_000, Some(30))] {
            let expiry = auth_key(None, Some(&json!(value)), NOW).unwrap();
            assert_eq!((expiry.days, expiry.expires_at.as_seconds()), (expected, value));
        }
        for bad in [json!(299), json!(2_592_001), json!("1h"), json!(null), json!(300.5)] {
            assert!(auth_key(None, Some(&bad), NOW).is_err(), "{bad}");
        }
        assert!(auth_key(Some(&json!(1)), Some(&json!(86_400)), NOW).is_err());
    }

    #[test]
    fn api_keys_last_1_to_90_days() {
        assert_eq!(days(api_key(None, NOW)), Some(30));
        assert_eq!(days(api_key(Some(&json!(1)), NOW)), Some(1));
        assert_eq!(days(api_key(Some(&json!(90)), NOW)), Some(90));
        for bad in
            [json!(0), json!(91), json!(-1), json!(1.5), json!("7"), json!(true), json!(null), json!(1e300)]
        {
            assert_eq!(
                api_key(Some(&bad), NOW),
                Err(Refusal::invalid(
                    "expiry_days must be an integer between 1 and 90 (zero standing privilege policy)"
                )),
                "{bad}"
            );
        }
    }
}
