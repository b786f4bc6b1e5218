//! Free text of people: the names of keys, organisations and users, and descriptions.

use unicode_normalization::UnicodeNormalization;
use ztna_protocol::character::{is_invisible, joins};

use super::Refusal;

/// Accepts text without control characters and without characters that hide or reorder others; `field` is its name in
/// messages.
pub fn check(field: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().any(char::is_control) {
        return Err(Refusal::invalid(format!("{field} must not contain control characters")));
    }
    if text.chars().any(|character| is_invisible(character) && !joins(character)) {
        return Err(Refusal::invalid(format!("{field} must not contain invisible characters")));
    }
    Ok(())
}

/// Returns a name of 1 to `longest` characters in its stored form: without surrounding blanks, in Unicode's form C.
pub fn normalise_name(field: &str, name: &str, longest: usize) -> Result<String, Refusal> {
    check(field, name)?;
    let name: String = name.trim().nfc().collect();
    let is_visible = |character: char| !character.is_whitespace() && !joins(character);
    if !name.chars().any(is_visible) || name.chars().count() > longest {
        return Err(Refusal::invalid(format!("{field} must have 1 to {longest} characters")));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_composed_and_limited() {
        for (name, kept) in [
            ("a", "a"),
            (" ключ № 1 ", "ключ № 1"),
            ("u\u{308}ber", "über"),
            ("100.64.0.14", "100.64.0.14"),
            ("👩\u{200d}💻 laptops", "👩\u{200d}💻 laptops"),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("נתב", "נתב"),
            (&"x".repeat(8), &"x".repeat(8)),
        ] {
            assert_eq!(normalise_name("name", name, 20).as_deref(), Ok(kept), "{name:?}");
        }
        for bad in ["", "  ", "\u{a0}", "\u{200d}", "\u{fe0f} ", &"x".repeat(21)] {
            assert!(matches!(normalise_name("name", bad, 20), Err(Refusal::InvalidInput(_))), "{bad:?}");
        }
    }

    #[test]
    fn text_hides_and_reorders_nothing() {
        for bad in [
            "a\0b",
            "a\nb",
            "a\u{1b}[2J",
            "a\u{85}",
            "a\u{9b}2J",
            "\u{202e}yek",
            "a\u{202d}b",
            "a\u{2066}b",
            "a\u{2069}",
            "a\u{200e}b",
            "a\u{200f}b",
            "a\u{61c}b",
            "a\u{200b}b",
            "a\u{feff}",
            "a\u{ad}b",
            "a\u{2060}b",
            "a\u{e0041}",
            "a\u{2028}b",
            "a\u{2029}b",
            "a\u{fffe}",
            "a\u{fff9}b",
            "\u{2800}",
            "\u{3164}",
            "a\u{180e}b",
        ] {
            let refused = check("description", bad);
            assert!(
                matches!(&refused, Err(Refusal::InvalidInput(words)) if words.starts_with("description must not contain")),
                "{bad:?}"
            );
            assert!(normalise_name("name", bad, 20).is_err(), "{bad:?}");
        }
    }
}
