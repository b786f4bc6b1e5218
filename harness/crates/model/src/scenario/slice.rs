//! Forms of a variable: `${key:11..}` drops the first eleven characters, `${key:..-1}` the last, `${key:sha256}` is
//! the hash.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

/// A transformation of a variable's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Slice(Slice),
    /// The SHA-256 of the text in lower-case hex.
    Sha256,
    Upper,
    /// Base64 as lower-case hex; empty if the text is not base64.
    Hex,
}

/// A range of characters. A negative end counts from the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    from: usize,
    to: Option<isize>,
}

/// Splits the content of `${…}` into the variable's name and its form. `${long:N}` has no form.
///
/// # Errors
/// The text after the colon is neither a range nor the name of a form.
pub fn split(inner: &str) -> Result<(&str, Option<Form>), String> {
    match inner.split_once(':') {
        Some((name, form)) if name != "long" => Ok((name, Some(parse(form)?))),
        _ => Ok((inner, None)),
    }
}

impl Form {
    /// Returns `text` in this form.
    pub fn of(self, text: &str) -> String {
        match self {
            Self::Slice(slice) => slice.of(text),
            Self::Sha256 => hex(&Sha256::digest(text)),
            Self::Upper => text.to_uppercase(),
            Self::Hex => hex(&BASE64.decode(text).unwrap_or_default()),
        }
    }
}

impl Slice {
    /// Returns the slice of `text`, which is empty if the text is too short.
    fn of(self, text: &str) -> String {
        let count = text.chars().count();
        let end = match self.to {
            None => count,
            Some(to) if to < 0 => count.saturating_sub(to.unsigned_abs()),
            Some(to) => to.unsigned_abs().min(count),
        };
        text.chars().take(end).skip(self.from).collect()
    }
}

fn parse(form: &str) -> Result<Form, String> {
    match form {
        "sha256" => return Ok(Form::Sha256),
        "upper" => return Ok(Form::Upper),
        "hex" => return Ok(Form::Hex),
        _ => {}
    }
    let invalid = || {
        format!(
            "invalid range `{form}`: expected `11..`, `..40`, `..-1` or `2..8`, or one of `sha256`, `upper`, `hex`"
        )
    };
    let (from, to) = form.split_once("..").ok_or_else(invalid)?;
    let from = if from.is_empty() { 0 } else { from.parse().map_err(|_| invalid())? };
    let to = if to.is_empty() { None } else { Some(to.parse().map_err(|_| invalid())?) };
    Ok(Form::Slice(Slice { from, to }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_count_characters() {
        for (inner, part) in [
            ("key:3..", "éf"),
            ("key:..2", "ab"),
            ("key:..-1", "abcé"),
            ("key:1..-1", "bcé"),
            ("key:9..", ""),
            ("key:..-9", ""),
            ("key:..99", "abcéf"),
            ("key:upper", "ABCÉF"),
        ] {
            let (name, slice) = split(inner).unwrap();
            assert_eq!((name, slice.unwrap().of("abcéf").as_str()), ("key", part), "{inner}");
        }
        assert_eq!(split("long:70"), Ok(("long:70", None)));
        for inner in ["key:", "key:7", "key:a..", "key:..b", "key:-1.."] {
            assert!(split(inner).is_err(), "{inner}");
        }
    }

    #[test]
    fn hashes_and_keys_are_written_in_hex() {
        // RFC 6234, TEST1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (inner, text, expected) in
            [("x:sha256", "abc", sha256), ("x:hex", "AAEC/w==", "000102ff"), ("x:hex", "not base64!", "")]
        {
            assert_eq!(split(inner).unwrap().1.unwrap().of(text), expected, "{inner} {text}");
        }
    }
}
