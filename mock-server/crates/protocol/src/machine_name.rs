#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name must have 1 to 63 characters and no control characters")]
pub struct InvalidMachineName;

/// Accepts 1 to 63 characters without control characters.
pub fn check(name: &str) -> Result<(), InvalidMachineName> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > 63 || name.chars().any(char::is_control) {
        return Err(InvalidMachineName);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_1_to_63_characters_and_no_control_characters() {
        for good in ["Linux-C", "ä", &"n".repeat(63), &"ä".repeat(63)] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
        for bad in ["", " ", "a\0", "a\u{7f}", &"n".repeat(64)] {
            assert_eq!(check(bad), Err(InvalidMachineName), "{bad:?}");
        }
    }
}
