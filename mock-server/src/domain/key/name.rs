//! Names of auth keys and API keys: free text.

use crate::domain::{Refusal, text};

/// The maximum length of a key's name in characters.
pub const MAX_NAME_LEN: usize = 255;

/// Returns a name of 1 to [`MAX_NAME_LEN`] characters in its stored form; `field` is its name in the request.
pub fn normalise(field: &str, name: &str) -> Result<String, Refusal> {
    text::normalise_name(field, name, MAX_NAME_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_limited_in_length_and_printable() {
        for good in ["a", "ключ № 1", &"x".repeat(MAX_NAME_LEN)] {
            assert_eq!(normalise("name", good).as_deref(), Ok(good), "{good}");
        }
        for bad in ["", "  ", "a\0b", "a\nb", &"x".repeat(MAX_NAME_LEN + 1)] {
            assert!(matches!(normalise("name", bad), Err(Refusal::InvalidInput(_))), "{bad:?}");
        }
    }
}
