//! Responses of the control plane.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::checked::shortened;

/// The form of times in headers (RFC 9110, section 5.6.7).
const HTTP_DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// Upper bound of the wait that a response can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Returns the content of a successful response: lists may come without an envelope, and RFC 8628 responses never have one.
fn data(response: Value) -> Value {
    match response {
        Value::Object(mut envelope) if envelope.contains_key("success") => {
            envelope.remove("data").unwrap_or_default()
        }
        bare => bare,
    }
}

/// The envelope of a successful response.
#[derive(Deserialize)]
struct Envelope<T> {
    #[serde(rename = "success")]
    _success: IgnoredAny,
    data: T,
}

/// Decodes the body of a successful response, usually without a tree of values in between: that of a large network map
/// would take several times the memory of the map.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    // A list can be read as a structure as well.
    if body.first() == Some(&b'{')
        && let Ok(Envelope { data, .. }) = serde_json::from_slice(body)
    {
        return Ok(data);
    }
    serde_json::from_value(data(serde_json::from_slice(body)?))
}

/// A response with a status from 200 to 299, before its body is decoded.
pub(super) struct Success {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Code and message of a refusal.
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
    /// See [`super::ControlError::Refused`].
    pub(super) in_envelope: bool,
}

impl Refusal {
    /// Reads the error of the envelope, or that of RFC 6749, section 5.2.
    pub(super) fn read(response: &Value) -> Option<Self> {
        let error = response.get("error")?;
        if let Some(code) = error.as_str() {
            let message = response.get("error_description").and_then(Value::as_str).unwrap_or_default();
            return Some(Self { code: shortened(code), message: shortened(message), in_envelope: false });
        }
        let text = |field| error.get(field).and_then(Value::as_str).map(shortened);
        let (code, message) = (text("code")?, text("message"));
        let in_envelope = response.get("success") == Some(&Value::Bool(false)) && message.is_some();
        Some(Self { code, message: message.unwrap_or_default(), in_envelope })
    }
}

/// Returns the wait that a response asks for: a number of seconds, or a time by the clock of the response itself.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        // A number beyond the range is as good as the greatest.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let now = headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?));
        let left = http_date(text)? - now.unwrap_or_else(|| SystemTime::now().into());
        Duration::try_from(left).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// Returns how much this host's clock is ahead of the control plane's, in seconds.
pub(super) fn seconds_ahead(headers: &HeaderMap, now: OffsetDateTime) -> Option<i64> {
    let date = http_date(headers.get(DATE)?.to_str().ok()?)?;
    Some(now.unix_timestamp().saturating_sub(date.unix_timestamp()))
}

fn http_date(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, HTTP_DATE).ok().map(PrimitiveDateTime::assume_utc)
}

/// Returns the root cause: reqwest's own message repeats the address.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn headers(values: &[(reqwest::header::HeaderName, &str)]) -> HeaderMap {
        values.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn waits_are_read_in_both_forms_and_bounded() {
        let date = (DATE, "Tue, 17 Mar 2026 10:00:00 GMT");
        for (text, expected) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("86400", Some(300)),
            ("18446744073709551615", Some(300)),
            ("99999999999999999999999999", Some(300)),
            ("Tue, 17 Mar 2026 10:00:09 GMT", Some(9)),
            ("Tue, 17 Mar 2026 09:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(300)),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ] {
            let wait = retry_after(&headers(&[date.clone(), (RETRY_AFTER, text)]));
            assert_eq!(wait, expected.map(Duration::from_secs), "{text:?}");
        }
        assert_eq!(retry_after(&headers(&[date])), None);
    }

    #[test]
    fn content_is_found_in_an_envelope_and_without_one() {
        for (body, expected) in [
            (json!({"success": true, "data": [1, 2]}), Some(vec![1, 2])),
            (json!({"data": [1], "success": "yes", "more": {}}), Some(vec![1])),
            (json!([1, 2]), Some(vec![1, 2])),
            (json!({"success": true, "data": {}}), None),
            (json!({"success": true}), None),
            (json!({"data": [1]}), None),
        ] {
            assert_eq!(decode(body.to_string().as_bytes()).ok(), expected, "{body}");
        }
        let twice = br#" {"success": true, "data": [1], "data": [2]}"#;
        assert_eq!(decode::<Vec<u8>>(twice).ok(), Some(vec![2]));
        for lists in [json!([true, [7]]), json!([[7], [8]])] {
            assert_eq!(decode::<Value>(lists.to_string().as_bytes()).ok(), Some(lists));
        }
        assert_eq!(decode::<Value>(br#"{"success": true, "data": 1} x"#).ok(), None);
    }

    #[test]
    fn clocks_are_compared_by_the_date_header() {
        let now = OffsetDateTime::from_unix_timestamp(1_773_741_600 + 7200).unwrap();
        for (date, expected) in [
            ("Tue, 17 Mar 2026 10:00:00 GMT", Some(7200)),
            ("Tue, 17 Mar 2026 14:00:00 GMT", Some(-7200)),
            ("Mon, 01 Jan 0001 00:00:00 GMT", Some(1_773_748_800 + 62_135_596_800)),
            ("17 March", None),
        ] {
            assert_eq!(seconds_ahead(&headers(&[(DATE, date)]), now), expected, "{date}");
        }
    }

    #[test]
    fn only_the_control_planes_own_envelope_counts_as_its_word() {
        for (answer, expected) in [
            (
                json!({"success": false, "error": {"code": "UNAUTHORIZED", "message": "Unknown machine token"}}),
                true,
            ),
            (json!({"error": "Unauthorized"}), false),
            (json!({"error": "UNAUTHORIZED"}), false),
            (json!({"error": {"code": "UNAUTHORIZED", "message": "no"}}), false),
            (json!({"success": false, "error": "UNAUTHORIZED"}), false),
            (json!({"success": "false", "error": {"code": "UNAUTHORIZED", "message": "no"}}), false),
            (json!({"success": true, "error": {"code": "UNAUTHORIZED", "message": "no"}}), false),
            (json!({"success": false, "error": {"code": "UNAUTHORIZED"}}), false),
        ] {
            assert_eq!(Refusal::read(&answer).unwrap().in_envelope, expected, "{answer}");
        }
    }

    #[test]
    fn long_texts_of_a_refusal_are_cut() {
        let long = "x".repeat(1 << 20);
        let refusal = Refusal::read(&json!({"error": {"code": long, "message": long}})).unwrap();
        assert!(refusal.code.len() < 400 && refusal.message.len() < 400);
    }

    #[test]
    fn refusals_are_read_in_both_formats() {
        for (answer, expected) in [
            (json!({"success": false, "error": {"code": "A", "message": "b"}}), Some(("A", "b"))),
            (json!({"error": {"code": "A"}}), Some(("A", ""))),
            (json!({"error": "slow_down"}), Some(("slow_down", ""))),
            (json!({"error": "x", "error_description": "y"}), Some(("x", "y"))),
            (json!({"error": {"message": "b"}}), None),
            (json!([]), None),
        ] {
            let read = Refusal::read(&answer);
            let read = read.as_ref().map(|refusal| (refusal.code.as_str(), refusal.message.as_str()));
            assert_eq!(read, expected, "{answer}");
        }
    }
}
