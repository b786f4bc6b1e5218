//! Numbers of JSON as they are written. JSON knows no limit for a number, while a parser that keeps integers in 64 bits and
//! everything else in a float turns `9007199254740993.0` and `18446744073709551617` into their neighbours: two
//! different ids would be equal, and the one that is sent back another's.
//!
//! A number that the parser cannot hold exactly becomes a string behind a mark, which no text may contain.

use std::borrow::Cow;

use serde_json::Value;

/// Marks a string that is a number.
const MARK: char = '\u{fdd0}';
/// Numbers with fewer digits are held exactly.
const MAX_EXACT_DIGITS: usize = 15;

/// Parses JSON. A byte order mark is ignored, as RFC 8259 allows.
///
/// # Errors
/// The text is not JSON.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    let text = without_marks(text.strip_prefix('\u{feff}').unwrap_or(text));
    match has_long_number(&text) {
        true => serde_json::from_str(&marked(&text)),
        false => serde_json::from_str(&text),
    }
}

/// Returns the value as JSON, every number as it was written.
pub fn json_text(value: &Value) -> String {
    unmarked(value.to_string())
}

/// Returns the value as indented JSON, every number as it was written.
pub fn pretty_text(value: &Value) -> String {
    unmarked(format!("{value:#}"))
}

/// Returns the digits of a number that only a mark holds exactly.
pub fn exact(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(MARK)
}

/// Whether the values are equal. Numbers are equal if they are the same number, however it is written.
pub(crate) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_in_other =
                |(name, value): (&String, &Value)| other.get(name).is_some_and(|other| equal(value, other));
            one.len() == other.len() && one.iter().all(is_in_other)
        }
        _ => match (decimal(one), decimal(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        },
    }
}

/// Whether the value is a number without a fraction.
pub(crate) fn is_integer(value: &Value) -> bool {
    decimal(value).is_some_and(|decimal| decimal.exponent >= 0)
}

pub(crate) fn is_number(value: &Value) -> bool {
    value.is_number() || exact(value).is_some()
}

/// Compares a number with a bound.
pub(crate) fn compare(value: &Value, bound: f64) -> Option<std::cmp::Ordering> {
    let bound = Decimal::of(&bound.to_string())?;
    decimal(value)?.compare(&bound)
}

/// A number as digits and a power of ten; equal numbers have equal fields.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(number: &str) -> Option<Self> {
        let (is_negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number),
        };
        let (mantissa, exponent) = match number.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, saturated(exponent)?),
            None => (number, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0');
        if !all.bytes().all(|byte| byte.is_ascii_digit()) || all.is_empty() {
            return None;
        }
        if digits.is_empty() {
            return Some(Self { is_negative: false, digits: String::new(), exponent: 0 });
        }
        let zeros = all.len() - all.trim_end_matches('0').len();
        let shift = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
        Some(Self { is_negative, digits: digits.to_owned(), exponent: exponent.saturating_add(shift) })
    }

    fn compare(&self, other: &Self) -> Option<std::cmp::Ordering> {
        use std::cmp::Ordering;
        let sign = |decimal: &Self| match (decimal.digits.is_empty(), decimal.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let signs = sign(self).cmp(&sign(other));
        if signs != Ordering::Equal || sign(self) == 0 {
            return Some(signs);
        }
        let magnitude =
            |decimal: &Self| Some(decimal.exponent.saturating_add(i64::try_from(decimal.digits.len()).ok()?));
        // Digits without zeros at the end compare like the fractions that they are.
        let sizes = magnitude(self)?.cmp(&magnitude(other)?).then_with(|| self.digits.cmp(&other.digits));
        Some(if self.is_negative { sizes.reverse() } else { sizes })
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Decimal::of(&number.to_string()),
        value => Decimal::of(exact(value)?),
    }
}

/// Reads an exponent; one beyond 64 bits is as large as any.
fn saturated(exponent: &str) -> Option<i64> {
    let digits = exponent.trim_start_matches(['+', '-']);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    Some(if exponent.starts_with('-') { -size } else { size })
}

/// Replaces marks that the text has itself: no string of a target may be taken for a number.
fn without_marks(text: &str) -> Cow<'_, str> {
    let is_escaped_mark = |found: &str| found.eq_ignore_ascii_case("\\ufdd0");
    let has_escaped =
        text.match_indices("\\u").any(|(at, _)| text.get(at..at + 6).is_some_and(is_escaped_mark));
    if !has_escaped && !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut plain = text.replace(MARK, "\u{fffd}");
    for spelling in ["\\ufdd0", "\\uFDD0", "\\ufDD0", "\\uFdD0", "\\uFDd0", "\\uFdd0", "\\ufDd0", "\\ufdD0"] {
        plain = plain.replace(spelling, "\\ufffd");
    }
    Cow::Owned(plain)
}

/// Whether a number may be longer than the parser holds: it has many digits, or an exponent.
fn has_long_number(text: &str) -> bool {
    let (mut digits, mut is_string, mut is_escaped) = (0, false, false);
    text.bytes().any(|byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            _ if is_string => {}
            b'0'..=b'9' | b'.' => digits += 1,
            b'e' | b'E' if digits > 0 => return true,
            _ => digits = 0,
        }
        digits > MAX_EXACT_DIGITS
    })
}

/// Puts every number that the parser does not hold exactly into a string with a mark. The text is valid JSON.
fn marked(text: &str) -> String {
    let mut marked = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(next) = rest.find(|letter: char| letter == '"' || letter == '-' || letter.is_ascii_digit())
    {
        let (before, token) = rest.split_at(next);
        marked.push_str(before);
        let length = if token.starts_with('"') { string_length(token) } else { number_length(token) };
        let (token, after) = token.split_at(length);
        if token.starts_with('"') || !is_json_number(token) || is_held(token) {
            marked.push_str(token);
        } else {
            marked.push('"');
            marked.push(MARK);
            marked.push_str(token);
            marked.push('"');
        }
        rest = after;
    }
    marked.push_str(rest);
    marked
}

fn is_held(number: &str) -> bool {
    let Ok(held) = serde_json::from_str::<Value>(number) else { return false };
    // An integer that becomes a float would be written in another way, even where no digit is lost.
    let is_integer = !number.contains(['.', 'e', 'E']);
    (held.is_i64() || held.is_u64() || !is_integer) && decimal(&held) == Decimal::of(number)
}

/// Whether this is a number by the grammar of JSON, which for example allows no zero in front.
fn is_json_number(token: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let token = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match token.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (token, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 2)
}

fn number_length(text: &str) -> usize {
    text.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '-' | '+' | '.' | 'e' | 'E'))
        .unwrap_or(text.len())
}

/// Takes numbers out of their marked strings again.
fn unmarked(json: String) -> String {
    if !json.contains(MARK) {
        return json;
    }
    let mut unmarked = String::with_capacity(json.len());
    let begin = format!("\"{MARK}");
    let mut parts = json.split(&begin);
    unmarked.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (number, rest) = part.split_once('"').unwrap_or((part, ""));
        unmarked.push_str(number);
        unmarked.push_str(rest);
    }
    unmarked
}

/// Returns the text of a string value, or of a number behind its mark.
pub fn plain_text(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Value {
        parse(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (one, other, is_equal) in [
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("100", "1E+2", true),
            ("0", "-0.0", true),
            ("0.1", "0.10", true),
            ("1", "\"1\"", false),
            ("9007199254740992", "9007199254740993", false),
            ("9007199254740992.0", "9007199254740993.0", false),
            ("9007199254740993", "9007199254740993.0", true),
            ("18446744073709551615", "18446744073709551616", false),
            ("18446744073709551616", "18446744073709551617", false),
            ("18446744073709551616", "1.8446744073709551616e19", true),
            ("-9223372036854775809", "-9223372036854775810", false),
            ("1e400", "1e400", true),
            ("1e309", "10e308", true),
            ("1", "1.0000000000000000001", false),
            ("[1,{\"a\":1e1}]", "[1.0,{\"a\":10}]", true),
            ("[1,2]", "[1]", false),
        ] {
            assert_eq!(equal(&read(one), &read(other)), is_equal, "{one} {other}");
        }
        for invalid in ["01", "1.", "-", "1e", "0123456789012345678901234567890", "[1 2e9]"] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_were_read() {
        for text in [
            r#"{"id":18446744073709551617,"s":"18446744073709551617"}"#,
            r#"[9007199254740993.0,-170141183460469231731687303715884105728,0.12345678901234567890123]"#,
            r#"{"a\"1":"x\\","b":123456789012345678901234567890}"#,
            "[1,2.5,true,null]",
        ] {
            assert_eq!(json_text(&read(text)), text);
        }
        assert!(
            is_integer(&read("18446744073709551617"))
                && is_integer(&read("1.0"))
                && !is_integer(&read("1.5"))
        );
        assert_eq!(read("\u{feff}{\"a\":1}"), read("{\"a\":1}"));
        // A text with the mark in it is never taken for a number.
        for text in ["\"\u{fdd0}12345678901234567890\"", "\"\\ufDd05\""] {
            assert_eq!(exact(&read(text)), None);
        }
    }

    #[test]
    fn bounds_are_exact() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        for (number, bound, order) in [
            ("9007199254740993", 9_007_199_254_740_992.0, Greater),
            ("9007199254740992", 9_007_199_254_740_992.0, Equal),
            ("-1", 0.0, Less),
            ("0", 0.0, Equal),
            ("123456789012345678901234567890", 1e29, Greater),
            ("-5", -4.5, Less),
            ("0.05", 0.5, Less),
        ] {
            assert_eq!(compare(&read(number), bound), Some(order), "{number} {bound}");
        }
        assert_eq!(compare(&read("\"1\""), 0.0), None);
    }

    proptest! {
        #[test]
        fn any_integer_keeps_its_digits(digits in "-?[1-9][0-9]{0,60}", text in "[a-z\"\\\\]{0,8}") {
            let json = format!("[{digits},{},{digits}.5]", serde_json::json!(text));
            prop_assert_eq!(json_text(&read(&json)), json);
        }
    }
}
