//! Values from outside, checked where they are decoded: what a control plane or a file says is bounded and has the form
//! that the rest of the agent relies on.

use std::fmt;
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::de::{self, DeserializeOwned, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use ztna_protocol::address;

use crate::secret::Secret;

/// Upper bound of the length of an identifier.
const MAX_ID_LEN: usize = 128;

/// Upper bound of the length of a text that is shown.
const MAX_TEXT_LEN: usize = 2048;

/// Upper bound of the length of a token, which is sent as a header.
const MAX_TOKEN_LEN: usize = 4096;

/// Reads an assignable address of the tailnet. Any other address would reroute this host.
pub(crate) fn tailnet_ip<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ipv4Addr, D::Error> {
    let text = String::deserialize(deserializer)?;
    address::parse(&text).ok_or_else(|| invalid(&text, "an address of 100.64.0.0/10"))
}

/// Reads an identifier: printable, without blanks.
pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let valid = (1..=MAX_ID_LEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if valid { Ok(text) } else { Err(invalid(&text, "an identifier of 1 to 128 printable characters")) }
}

/// Like [`id`]; null counts as absent.
pub(crate) fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Id(#[serde(deserialize_with = "id")] String);
    Ok(Option::<Id>::deserialize(deserializer)?.map(|Id(id)| id))
}

/// Reads a text that is shown, of a bounded length and without control characters.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let valid = (1..=MAX_TEXT_LEN).contains(&text.len()) && !text.chars().any(char::is_control);
    if valid { Ok(text) } else { Err(invalid(&text, "1 to 2048 bytes of printable text")) }
}

/// Reads a token, which must fit into a header.
pub(crate) fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let token = Secret::deserialize(deserializer)?;
    let length = token.expose().len();
    if (1..=MAX_TOKEN_LEN).contains(&length) && token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(token);
    }
    // The message must not repeat it.
    Err(de::Error::custom("invalid token: expected 1 to 4096 printable ASCII characters"))
}

/// Reads a version, which never is negative.
pub(crate) fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let version = i64::deserialize(deserializer)?;
    if version >= 0 { Ok(version) } else { Err(invalid(&version.to_string(), "a version of 0 or more")) }
}

/// Reads a count; one beyond the range becomes the nearest.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    number(deserializer).map(|count| i64::try_from(count).unwrap_or(i64::MAX))
}

/// Reads a number of seconds; one beyond the range becomes the nearest, and a fraction is cut off.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    number(deserializer).map(Duration::from_secs)
}

/// Like [`seconds`]; null counts as absent.
pub(crate) fn optional_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    struct Seconds(#[serde(deserialize_with = "seconds")] Duration);
    Ok(Option::<Seconds>::deserialize(deserializer)?.map(|Seconds(seconds)| seconds))
}

/// Like [`count`]; null counts as absent.
pub(crate) fn optional_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    struct Count(#[serde(deserialize_with = "number")] u64);
    Ok(Option::<Count>::deserialize(deserializer)?.map(|Count(count)| count))
}

/// Reads a list and leaves out the entries that cannot be read.
pub(crate) fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Readable(PhantomData))
}

/// Reads the entries one by one: all of a large network map as values would take several times its memory.
struct Readable<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Readable<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut read = Vec::new();
        while let Some(entry) = entries.next_element::<serde_json::Value>()? {
            match serde_json::from_value(entry) {
                Ok(entry) => read.push(entry),
                Err(error) => {
                    tracing::warn!(
                        error = shortened(&error.to_string()),
                        "ignoring an entry that cannot be read"
                    );
                }
            }
        }
        Ok(read)
    }
}

/// Returns the beginning of a text from outside, for a message.
pub(crate) fn shortened(text: &str) -> String {
    const MAX_SHOWN_CHARS: usize = 300;
    let mut shown: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let negative = number.as_i64().map(|_| 0);
    Ok(number
        .as_u64()
        .or(negative)
        .unwrap_or_else(|| number.as_f64().map_or(u64::MAX, |number| number as u64)))
}

fn invalid<E: de::Error>(found: &str, expected: &'static str) -> E {
    de::Error::invalid_value(Unexpected::Str(&shortened(found)), &expected)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn numbers_saturate() {
        for (number, expected) in [
            (json!(0), 0),
            (json!(3600), 3600),
            (json!(3600.9), 3600),
            (json!(-1), 0),
            (json!(i64::MIN), 0),
            (json!(-1e300), 0),
            (json!(u64::MAX), u64::MAX),
            (json!(1e300), u64::MAX),
        ] {
            assert_eq!(seconds(&number).unwrap(), Duration::from_secs(expected), "{number}");
            assert_eq!(count(&number).unwrap(), i64::try_from(expected).unwrap_or(i64::MAX), "{number}");
        }
        // Beyond 64 bits, as text.
        let huge: Value = serde_json::from_str("123456789012345678901234567890").unwrap();
        assert_eq!(seconds(&huge).unwrap(), Duration::from_secs(u64::MAX));
        for wrong in [json!("1"), json!(null), json!([1]), json!(true)] {
            assert!(seconds(&wrong).is_err() && count(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(optional_seconds(&json!(null)).unwrap(), None);
    }

    #[test]
    fn only_assignable_tailnet_addresses_are_accepted() {
        for good in ["100.64.0.1", "100.127.255.254"] {
            assert!(tailnet_ip(&json!(good)).is_ok(), "{good}");
        }
        for bad in [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "100.63.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "100.128.0.0",
            "255.255.255.255",
            "100.64.0.3/0",
            "100.64.0.3 ",
            "100.064.0.3",
            "::ffff:100.64.0.3",
            "",
        ] {
            let message = tailnet_ip(&json!(bad)).unwrap_err().to_string();
            assert!(message.contains("an address of 100.64.0.0/10"), "{message}");
        }
    }

    #[test]
    fn texts_are_bounded_and_printable() {
        assert_eq!(id(&json!("0b6f-4c5e")).unwrap(), "0b6f-4c5e");
        for bad in ["", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert!(id(&json!(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(text(&json!("Büro 7")).unwrap(), "Büro 7");
        for bad in ["", "a\u{1b}[m", "a\u{9b}m", &"x".repeat(2049)] {
            assert!(text(&json!(bad)).is_err(), "{bad:?}");
        }
        for bad in ["", "a b", "a\r\nX-Evil: 1", "ü", &"x".repeat(4097)] {
            let message = token(&json!(bad)).unwrap_err().to_string();
            assert!(message.starts_with("invalid token") && !message.contains("Evil"), "{message}");
        }
        let long = id(&json!("y".repeat(1 << 20))).unwrap_err().to_string();
        assert!(long.len() < 1000, "{}", long.len());
    }

    #[test]
    fn unreadable_entries_are_left_out() {
        let read: Vec<bool> = readable(&json!([true, 1, false, null])).unwrap();
        assert_eq!(read, [true, false]);
        assert!(readable::<_, bool>(&json!({})).is_err());
    }
}
