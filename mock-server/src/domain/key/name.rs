//! The name of an auth key or an API key.

use crate::domain::Refusal;

/// The most characters a key's name has.
pub const LONGEST: usize = 255;

/// Accepts a name of 1 to [`LONGEST`] characters; `field` is what the request calls it.
pub fn check(field: &str, name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() || name.chars().count() > LONGEST {
        return Err(Refusal::invalid(format!("{field} must have 1 to {LONGEST} characters")));
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
    fn names_are_bounded_and_printable() {
        for good in ["a", "ключ № 1", &"x".repeat(LONGEST)] {
            assert_eq!(check("name", good), Ok(()), "{good}");
        }
        for bad in ["", "  ", "a\0b", "a\nb", &"x".repeat(LONGEST + 1)] {
            assert!(matches!(check("name", bad), Err(Refusal::InvalidInput(_))), "{bad:?}");
        }
    }
}
