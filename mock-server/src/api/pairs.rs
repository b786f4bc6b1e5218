//! The pairs of a query string or a form.

use crate::domain::Refusal;

/// Decodes `name=value` pairs as `form_urlencoded` does, except that text must be UTF-8: a value that was replaced would
/// compare as another one.
pub(super) fn pairs(text: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    let parts = text.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let equals = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            let (name, value) = part.split_at(equals);
            Ok((decode(name)?, decode(value.strip_prefix(b"=").unwrap_or_default())?))
        })
        .collect()
}

/// Refuses a known name that occurs twice, because readers differ in which of the two they use.
pub(super) fn refuse_repeated(pairs: &[(String, String)], known: &[&str]) -> Result<(), Refusal> {
    let repeated = known.iter().find(|name| pairs.iter().filter(|(given, _)| given == *name).count() > 1);
    repeated.map_or(Ok(()), |name| Err(Refusal::invalid(format!("{name} was given twice"))))
}

fn decode(encoded: &[u8]) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = (byte == b'%').then(|| after.get(..2)).flatten().and_then(hexadecimal);
        match escaped {
            Some(escaped) => {
                bytes.push(escaped);
                rest = after.get(2..).unwrap_or_default();
            }
            None => bytes.push(if byte == b'+' { b' ' } else { byte }),
        }
    }
    String::from_utf8(bytes).map_err(|_| Refusal::invalid("The query or form must be UTF-8"))
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        for bad in ["a=%ff", "%c3=a", "a=%ed%a0%80", "a=b&c=%80", "a=%C0%AF"] {
            assert!(pairs(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(pairs(b"a=\xff").is_err());
        let good = pairs("a=%C3%bc+%2B&b&=c&&d=%zz%4".as_bytes()).unwrap();
        let expected = [("a", "ü +"), ("b", ""), ("", "c"), ("d", "%zz%4")];
        assert_eq!(good, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn names_are_given_once() {
        let given = |text: &str| refuse_repeated(&pairs(text.as_bytes()).unwrap(), &["a"]);
        assert_eq!(given("a=1&b=1&b=2"), Ok(()));
        assert_eq!(given("a=1&b=1&%61=2"), Err(Refusal::invalid("a was given twice")));
    }

    proptest! {
        #[test]
        fn all_else_is_decoded_as_forms_are(text in "[ -~ü%+&=]{0,40}") {
            if let Ok(own) = pairs(text.as_bytes()) {
                let others: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
                prop_assert_eq!(own, others);
            }
        }
    }
}
