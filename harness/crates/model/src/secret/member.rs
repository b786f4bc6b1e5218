//! Values that are secrets by the name under which they stand: members of JSON, fields of a form. The text need not be
//! JSON as a whole: it may be a log line, or cut.

use std::ops::Range;

use memchr::{memchr2, memchr3};

/// The names, without regard to case, `_` and `-`.
const SECRET_NAMES: [&str; 25] = [
    "accesstoken",
    "authorization",
    "bearertoken",
    "clientsecret",
    "cookie",
    "credential",
    "credentials",
    "devicecode",
    "idtoken",
    "jwt",
    "machinetoken",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "proxyauthorization",
    "refreshtoken",
    "secret",
    "sessionid",
    "sessionsecret",
    "sessiontoken",
    "setcookie",
    "signingkey",
    "token",
    "xapikey",
];

/// Whether values under that name are always secrets.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    SECRET_NAMES.contains(&plain.as_str())
}

/// A value in a text.
pub(super) struct Found {
    /// What to hide: a string without its quotes.
    pub(super) range: Range<usize>,
    /// Whether it is a number, which needs quotes when it is hidden.
    pub(super) is_bare: bool,
}

/// Returns the values of secret members and form fields.
pub(super) fn secret_values(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(mark) = find(text, at, |rest| memchr3(b'"', b'\'', b'=', rest)) {
        let next = match text.get(mark) {
            Some(b'=') => field(text, mark, &mut found),
            _ => member(text, mark, &mut found),
        };
        // A quote may as well end a string as begin one, so nothing else is skipped.
        at = next.unwrap_or(mark + 1);
    }
    found
}

/// Hides the value of a member whose name begins here, and returns its end.
fn member(text: &[u8], quote: usize, found: &mut Vec<Found>) -> Option<usize> {
    let end = string_end(text, quote)?;
    let value = value_after(text, end).filter(|_| is_secret(text, quote + 1..end - 1))?;
    Some(hide(text, value, found))
}

/// Hides the value of a form's field whose name ends here, and returns its end.
fn field(text: &[u8], equals: usize, found: &mut Vec<Found>) -> Option<usize> {
    name_before(text, equals).filter(|name| is_secret(text, name.clone()))?;
    let mut end = field_end(text, equals + 1);
    if text.get(end..).is_some_and(|rest| rest.starts_with(b" hidden]")) {
        end += b" hidden]".len();
    }
    add(text, equals + 1..end, false, found);
    Some(end.max(equals + 1))
}

/// Hides every string and number of the value that begins here, and returns its end.
fn hide(text: &[u8], start: usize, found: &mut Vec<Found>) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' | b'\'' => {
                // A string that was cut is hidden up to the cut.
                let end = string_end(text, at);
                let is_key = depth > 0 && end.is_some_and(|end| value_after(text, end).is_some());
                if !is_key {
                    add(text, at + 1..end.map_or(text.len(), |end| end - 1), false, found);
                }
                at = end.unwrap_or(text.len());
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let more = text.get(at..).unwrap_or_default();
                let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(*byte);
                let end = at + more.iter().take_while(is_part).count();
                add(text, at..end, true, found);
                at = end;
            }
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn add(text: &[u8], range: Range<usize>, is_bare: bool, found: &mut Vec<Found>) {
    let value = text.get(range.clone()).unwrap_or_default();
    if !value.is_empty() && !is_redacted(value) {
        found.push(Found { range, is_bare });
    }
}

/// Whether the value is what stands in place of a secret: `$TOKEN`, `${TOKEN}`, `[53 hidden]`, perhaps after a prefix
/// that stays visible.
fn is_redacted(value: &[u8]) -> bool {
    let is_variable = |name: &[u8]| {
        !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
    };
    let braced = value.strip_prefix(b"${").and_then(|rest| rest.strip_suffix(b"}"));
    braced.or_else(|| value.strip_prefix(b"$")).is_some_and(is_variable) || value.ends_with(b" hidden]")
}

fn is_secret(text: &[u8], name: Range<usize>) -> bool {
    text.get(name).and_then(|name| std::str::from_utf8(name).ok()).is_some_and(is_secret_name)
}

/// Returns the position after the closing quote of the string that begins here.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let quote = *text.get(start)?;
    let mut at = start + 1;
    loop {
        let mark = find(text, at, |rest| memchr2(b'\\', quote, rest))?;
        match text.get(mark)? {
            b'\\' => at = mark + 2,
            _ => return Some(mark + 1),
        }
    }
}

/// Finds a byte from a position on.
fn find(text: &[u8], start: usize, search: impl FnOnce(&[u8]) -> Option<usize>) -> Option<usize> {
    search(text.get(start..)?).map(|at| start + at)
}

/// Returns where the value begins if a colon follows here.
fn value_after(text: &[u8], at: usize) -> Option<usize> {
    let colon = after_blanks(text, at);
    (text.get(colon) == Some(&b':')).then(|| after_blanks(text, colon + 1))
}

fn after_blanks(text: &[u8], at: usize) -> usize {
    let more = text.get(at..).unwrap_or_default();
    at + more.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Returns the name of a form's field before a `=`: at the beginning, or after `?`, `&`, `#`, `;` or a blank.
fn name_before(text: &[u8], equals: usize) -> Option<Range<usize>> {
    let before = text.get(..equals)?;
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-".contains(*byte);
    let start = equals - before.iter().rev().take(32).take_while(is_name).count();
    let is_start =
        start.checked_sub(1).and_then(|at| before.get(at)).is_none_or(|byte| b"?&#; \n\"'".contains(byte));
    (is_start && start < equals).then_some(start..equals)
}

fn field_end(text: &[u8], start: usize) -> usize {
    let more = text.get(start..).unwrap_or_default();
    start + more.iter().take_while(|byte| !byte.is_ascii_whitespace() && !b"&;\"'<>,".contains(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<&str> {
        secret_values(text.as_bytes()).iter().map(|found| &text[found.range.clone()]).collect()
    }

    #[test]
    fn values_are_found_by_their_name() {
        for (text, expected) in [
            (r#"{"token":"ab\"c","name":"x"}"#, vec![r#"ab\"c"#]),
            (r#"{"Access-Token" : "a", "refresh_token":"b"}"#, vec!["a", "b"]),
            (r#"{"password":12345,"secret":null,"token":true}"#, vec!["12345"]),
            (r#"{"secret":{"a":["b",1],"c":"d"},"e":"f"}"#, vec!["b", "1", "d"]),
            (r#"{"token":"cut here and no quo"#, vec!["cut here and no quo"]),
            (r#"log: {"token":"a"} and {"token":"b"}"#, vec!["a", "b"]),
            ("https://x/?token=abc&name=y", vec!["abc"]),
            ("grant=1&password=p%20q", vec!["p%20q"]),
            ("it's {\"token\":\"a\"} or {'token': 'b'}", vec!["a", "b"]),
            (r#"{"token":"$TOKEN","secret":"[9 hidden]","password":"${PW}"}"#, vec![]),
            (r#"{"token_type":"bearer","tokens":"x","note":"token"}"#, vec![]),
            (r#"{"password":"","key":"visible"}"#, vec![]),
        ] {
            assert_eq!(values(text), expected, "{text}");
        }
    }
}
