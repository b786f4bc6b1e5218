//! Names of auth keys and API keys.

use crate::domain::Refusal;

/// The maximum length of a key's name in characters.
pub const MAX_NAME_LEN: usize = 255;

/// Accepts a name of 1 to [`MAX_NAME_LEN`] characters; `field` is its name in the request.
pub fn check(field: &str, name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() || name.chars().count() > MAX_NAME_LEN {
        return Err(Refusal::invalid(format!("{field} must have 1 to {MAX_NAME_LEN} characters")));
    }
    if name.chars().any(char::is_control) {
        return Err(Refusal::invalid(format!("{field} must not contain control characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_limited_in_length_and_printable() {
        for good in ["a", "ключ № 1", &"x".repeat(MAX_NAME_LEN)] {
            assert_eq!(check("name", good), Ok(()), "{good}");
        }
        for bad in ["", "  ", "a\0b", "a\nb", &"x".repeat(MAX_NAME_LEN + 1)] {
            assert!(matches!(check("name", bad), Err(Refusal::InvalidInput(_))), "{bad:?}");
        }
    }
}
