//! Names of machines: one normal form, in which they are stored, shown and compared.

use std::borrow::Cow;
use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization;

use super::character::{is_invisible, is_private};

/// In characters.
pub const MAX_NAME_LEN: usize = 63;

/// An invalid machine name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMachineName {
    #[error("name must have 1 to 63 characters and no control characters")]
    Length,
    /// Invisible or direction-changing characters make two names look like one.
    #[error("name must not contain invisible characters")]
    Invisible,
    /// Where a machine can be named, it can also be addressed.
    #[error("name must not be an address or a number")]
    Address,
    /// Where a machine can be named, its id can be given as well.
    #[error("name must not have the form of an id")]
    Id,
}

/// Returns a name without surrounding blanks, in Unicode's form C.
pub fn normalise(name: &str) -> Result<String, InvalidMachineName> {
    if name.chars().any(char::is_control) {
        return Err(InvalidMachineName::Length);
    }
    let is_hidden = |character: char| {
        is_invisible(character) || is_private(character) || character.is_whitespace() && character != ' '
    };
    if name.chars().any(is_hidden) {
        return Err(InvalidMachineName::Invisible);
    }
    let name = name.trim();
    let name = if name.is_ascii() { name.to_owned() } else { name.nfc().collect() };
    if !(1..=MAX_NAME_LEN).contains(&name.chars().count()) {
        return Err(InvalidMachineName::Length);
    }
    if is_address(&name) {
        return Err(InvalidMachineName::Address);
    }
    if is_id(&name) {
        return Err(InvalidMachineName::Id);
    }
    Ok(name)
}

/// Returns the form in which names are compared: two machines of an organisation never have the same one. Case, width and
/// the number of blanks make no difference.
pub fn comparable(name: &str) -> String {
    let folded = if name.is_ascii() { name.to_ascii_lowercase() } else { folded(name) };
    if !folded.contains(char::is_whitespace) {
        return folded;
    }
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a name in which case and width make no difference.
fn folded(name: &str) -> String {
    // Upper case comes first: ς and σ, or ß and ss, differ in lower case alone.
    let upper: String = name.nfkc().flat_map(char::to_uppercase).collect();
    let lower: String = upper.chars().flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

/// Returns Unicode's form KC. ASCII, which most names are, is in all normal forms.
fn compatible(name: &str) -> Cow<'_, str> {
    if name.is_ascii() { Cow::Borrowed(name) } else { Cow::Owned(name.nfkc().collect()) }
}

/// Whether programs read the name as an address: numbers with or without dots, also of other scripts and bases, with a
/// port, a prefix length or a zone.
fn is_address(name: &str) -> bool {
    let name = compatible(name);
    let before_suffix = name.split(['/', '%']).next().unwrap_or_default();
    let host = match before_suffix.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => match before_suffix.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => before_suffix,
        },
    };
    let number = |part: &str| {
        let hexadecimal = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        match hexadecimal {
            Some(digits) => digits.chars().all(|digit| digit.is_ascii_hexdigit()),
            None => part.chars().all(char::is_numeric),
        }
    };
    let unsigned = host.trim_start_matches(['+', '-']);
    host.parse::<IpAddr>().is_ok() || !host.is_empty() && unsigned.split(['.', '。', ' ']).all(number)
}

/// Whether the name has the form of a machine's id (RFC 9562), by which machines are administered.
fn is_id(name: &str) -> bool {
    let lower = compatible(name).to_lowercase();
    let bare = lower.trim_start_matches("urn:uuid:").trim_matches(['{', '}']);
    let digits = bare.chars().filter(|character| *character != '-');
    digits.clone().count() == 32 && digits.clone().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_have_1_to_63_characters_and_no_control_characters() {
        for good in
            ["Linux-C", "ä", &"n".repeat(63), &"ä".repeat(63), "build 7", "web.internal", "7-zip", "a1"]
        {
            assert_eq!(normalise(good).as_deref(), Ok(good));
        }
        for bad in ["", " ", "a\0", "a\u{7f}", "a\n", "\tb", "a\u{85}", &"n".repeat(64)] {
            assert_eq!(normalise(bad), Err(InvalidMachineName::Length), "{bad:?}");
        }
    }

    #[test]
    fn names_that_look_the_same_are_the_same_or_invalid() {
        for (name, normal) in [("web ", "web"), (" web", "web"), ("u\u{308}ber", "über")] {
            assert_eq!(normalise(name).as_deref(), Ok(normal));
        }
        for bad in [
            "we\u{200b}b",
            "we\u{200d}b",
            "\u{202e}bew",
            "we\u{2066}b",
            "\u{feff}web",
            "we\u{ad}b",
            "we\u{a0}b",
            "we\u{3164}b",
            "web\u{e0041}",
            "we\u{2028}b",
            "web\u{fe0f}",
            "we\u{2003}b",
            "we\u{61c}b",
            "we\u{200c}b",
            "we\u{2069}b",
            "we\u{110bd}b",
            "we\u{13430}b",
            "we\u{1bca0}b",
            "we\u{1d159}b",
            "we\u{16fe4}b",
            "web\u{e0020}",
            "web\u{e01ef}",
            "we\u{fffe}b",
            "we\u{1ffff}b",
            "we\u{fdd0}b",
            "we\u{e000}b",
            "we\u{3000}b",
        ] {
            assert_eq!(normalise(bad), Err(InvalidMachineName::Invisible), "{bad:?}");
        }
        for (one, other) in
            [("web", "WEB"), ("Web", "ｗｅｂ"), ("über", "U\u{308}BER"), ("ﬁle", "FILE"), ("a", " a ")]
        {
            assert_eq!(comparable(one), comparable(other));
        }
        for (one, other) in [
            ("straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("οδος", "οδοσ"),
            ("ſerver", "SERVER"),
            ("build 7", "build  7"),
            ("K", "\u{212a}"),
            ("ǆ", "ǅ"),
        ] {
            assert_eq!(comparable(one), comparable(other), "{one} {other}");
        }
        for (one, other) in [("web", "web2"), ("web", "we b"), ("web", "wéb")] {
            assert_ne!(comparable(one), comparable(other));
        }
    }

    #[test]
    fn names_are_no_addresses() {
        for bad in [
            "100.64.0.14",
            "::1",
            "fe80::1",
            "[::1]",
            "1",
            "12345",
            "0",
            "1.2",
            "0x7f.1",
            "0x7f000001",
            "127.1",
            "１００.64.0.14",
            "١٢٣",
            "100。64。0。14",
            "1.2.3.4.",
            ".",
            "100.64.14",
            "0144.0100.0.016",
            "0X7F.0.0.1",
            "0ｘ7f.1",
            "1681915918",
            "100.64.0.14:80",
            "100.64.0.14/10",
            "[::1]:80",
            "[::1",
            "fe80::1%eth0",
            "fe80::1%25lo",
            "::ffff:100.64.0.14",
            "2001:DB8::",
            "::1/128",
            "1:80",
            "100 64 0 14",
            "-1",
            "+7",
            "①②",
            "100․64․0․14",
        ] {
            assert_eq!(normalise(bad), Err(InvalidMachineName::Address), "{bad:?}");
        }
        for bad in [
            "0193e2c4-7d1a-7c3e-9b5f-2a6d8e4f1c70",
            "0193E2C47D1A7C3E9B5F2A6D8E4F1C70",
            "urn:uuid:0193e2c4-7d1a-7c3e-9b5f-2a6d8e4f1c70",
            "{0193e2c4-7d1a-7c3e-9b5f-2a6d8e4f1c70}",
        ] {
            assert_eq!(normalise(bad), Err(InvalidMachineName::Id), "{bad:?}");
        }
        for good in [
            "10-0-0-1",
            "ip-100.64.0.14",
            "1a",
            "0xg",
            "v1.2",
            "web:80",
            "a/b",
            "/x",
            "0193e2c4-7d1a",
            "1.2.3.4.example",
        ] {
            assert!(normalise(good).is_ok(), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_stable(name in "\\PC{0,70}") {
            if let Ok(normal) = normalise(&name) {
                prop_assert_eq!(normalise(&normal), Ok(normal.clone()));
                prop_assert_eq!(comparable(&normal), comparable(&name));
            }
        }

        #[test]
        fn ascii_names_are_compared_as_all_others(name in "[\\x00-\\x7f]{0,70}") {
            let words = folded(&name);
            prop_assert_eq!(comparable(&name), words.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}
