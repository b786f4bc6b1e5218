//! Forms of a variable: `${key:11..}` drops the first eleven characters, `${key:..-1}` the last, `${key:sha256}` is
//! the hash.

use std::fmt::Write as _;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use super::error::TemplateSyntaxError;

/// A transformation of a variable's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Slice(Slice),
    /// The SHA-256 of the text in lower-case hex.
    Sha256,
    Upper,
    /// Base64 as lower-case hex; empty if the text is not base64.
    Hex,
}

impl Form {
    /// Returns `text` in this form.
    pub(super) fn of(self, text: &str) -> String {
        match self {
            Self::Slice(slice) => slice.of(text),
            Self::Sha256 => hex(&Sha256::digest(text)),
            Self::Upper => text.to_uppercase(),
            Self::Hex => hex(&BASE64.decode(text).unwrap_or_default()),
        }
    }
}

impl FromStr for Form {
    type Err = TemplateSyntaxError;

    fn from_str(form: &str) -> Result<Self, Self::Err> {
        Ok(match form {
            "sha256" => Self::Sha256,
            "upper" => Self::Upper,
            "hex" => Self::Hex,
            range => Self::Slice(range.parse()?),
        })
    }
}

/// A range of characters. A negative end counts from the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    from: usize,
    to: Option<isize>,
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

impl FromStr for Slice {
    type Err = TemplateSyntaxError;

    fn from_str(range: &str) -> Result<Self, Self::Err> {
        let invalid = || TemplateSyntaxError::Range(range.to_owned());
        let (from, to) = range.split_once("..").ok_or_else(invalid)?;
        let from = if from.is_empty() { 0 } else { from.parse().map_err(|_| invalid())? };
        let to = if to.is_empty() { None } else { Some(to.parse().map_err(|_| invalid())?) };
        Ok(Self { from, to })
    }
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
    fn hashes_and_keys_are_written_in_hex() {
        // RFC 6234, TEST1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (form, text, expected) in [
            ("sha256", "abc", sha256),
            ("hex", "AAEC/w==", "000102ff"),
            ("hex", "not base64!", ""),
            ("upper", "abc-é", "ABC-É"),
            ("1..", "abc", "bc"),
        ] {
            assert_eq!(form.parse::<Form>().unwrap().of(text), expected, "{form} {text}");
        }
        assert!("sha1".parse::<Form>().is_err());
    }

    #[test]
    fn slices_count_characters() {
        for (range, part) in [
            ("3..", "éf"),
            ("..2", "ab"),
            ("..-1", "abcé"),
            ("1..-1", "bcé"),
            ("9..", ""),
            ("..-9", ""),
            ("..99", "abcéf"),
        ] {
            assert_eq!(range.parse::<Slice>().unwrap().of("abcéf"), part, "{range}");
        }
        for range in ["", "7", "a..", "..b", "-1.."] {
            assert!(range.parse::<Slice>().is_err(), "{range}");
        }
    }
}
