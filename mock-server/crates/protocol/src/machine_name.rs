//! Names of machines: one normal form, in which they are stored, shown and compared.

use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization;

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
}

/// Returns a name without surrounding blanks, in Unicode's form C.
pub fn normalise(name: &str) -> Result<String, InvalidMachineName> {
    if name.chars().any(char::is_control) {
        return Err(InvalidMachineName::Length);
    }
    if name.chars().any(is_invisible) {
        return Err(InvalidMachineName::Invisible);
    }
    let name: String = name.trim().nfc().collect();
    if !(1..=MAX_NAME_LEN).contains(&name.chars().count()) {
        return Err(InvalidMachineName::Length);
    }
    if is_address(&name) {
        return Err(InvalidMachineName::Address);
    }
    Ok(name)
}

/// Returns the form in which names are compared: two machines of an organisation never have the same one.
pub fn comparable(name: &str) -> String {
    let lower: String = name.nfkc().flat_map(char::to_lowercase).collect();
    let normal: String = lower.nfkc().collect();
    normal.trim().to_owned()
}

/// Formatting characters (Unicode's category Cf), blanks other than the space, and fillers, which show as nothing.
fn is_invisible(character: char) -> bool {
    if character.is_whitespace() {
        return character != ' ';
    }
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether programs read the name as an address: numbers with or without dots, also of other scripts and bases.
fn is_address(name: &str) -> bool {
    let name: String = name.nfkc().collect();
    let number = |part: &str| {
        let hexadecimal = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        match hexadecimal {
            Some(digits) => digits.chars().all(|digit| digit.is_ascii_hexdigit()),
            None => part.chars().all(char::is_numeric),
        }
    };
    let bare = name.trim_matches(['[', ']']);
    bare.parse::<IpAddr>().is_ok() || name.split(['.', '。']).all(number)
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
        ] {
            assert_eq!(normalise(bad), Err(InvalidMachineName::Invisible), "{bad:?}");
        }
        for (one, other) in
            [("web", "WEB"), ("Web", "ｗｅｂ"), ("über", "U\u{308}BER"), ("ﬁle", "FILE"), ("a", " a ")]
        {
            assert_eq!(comparable(one), comparable(other));
        }
        assert_ne!(comparable("web"), comparable("web2"));
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
        ] {
            assert_eq!(normalise(bad), Err(InvalidMachineName::Address), "{bad:?}");
        }
        for good in ["10-0-0-1", "ip-100.64.0.14", "1a", "0xg", "v1.2"] {
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
    }
}
