//! Whether a text is a regular expression. Compiling one takes much longer than parsing it, and a run uses few of those in
//! its library.

use regex_syntax::hir::{Hir, HirKind};

/// In bytes. A pattern of at most this length without counted repetitions stays below the size limit of `regex`, even if it
/// consists of the costliest classes, such as `\w`.
const MAX_LEN_UNCOMPILED: usize = 256;

/// A text that is not a regular expression, or one that is too large.
#[derive(Debug, thiserror::Error)]
#[error("invalid regular expression: {0}")]
pub struct InvalidPattern(String);

/// Returns the number of capture groups of a pattern that compiles.
///
/// # Errors
/// The pattern is invalid, or too large when compiled.
pub fn capture_groups(pattern: &str) -> Result<usize, InvalidPattern> {
    let parsed =
        regex_syntax::parse(pattern).map_err(|error| InvalidPattern(last_line(&error.to_string())))?;
    if pattern.len() > MAX_LEN_UNCOMPILED || has_counted_repetition(&parsed) {
        regex::Regex::new(pattern).map_err(|error| InvalidPattern(last_line(&error.to_string())))?;
    }
    Ok(parsed.properties().explicit_captures_len())
}

/// Only these make a compiled pattern larger than in proportion to its length.
fn has_counted_repetition(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.min > 1
                || repetition.max.is_some_and(|max| max > 1)
                || has_counted_repetition(&repetition.sub)
        }
        HirKind::Capture(capture) => has_counted_repetition(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(has_counted_repetition),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// Leaves out the pattern, which the errors of `regex` show on several lines.
fn last_line(error: &str) -> String {
    error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    proptest! {
        #[test]
        fn what_is_accepted_compiles_with_as_many_groups(
            pattern in r"([a-z0-9.*+?|(){},\\wdWDsSpLu\[\]^$-]|\\w|\\pL|\(\?i\)|\{2\}){0,40}",
        ) {
            let compiled = Regex::new(&pattern).map(|regex| regex.captures_len() - 1).map_err(|_| ());
            prop_assert_eq!(capture_groups(&pattern).map_err(|_| ()), compiled);
        }
    }

    #[test]
    fn the_largest_patterns_that_are_not_compiled_are_within_the_limit() {
        for part in [r"\w", r"\W", r"\pL", r"(?i)\w", "(?i)k", ".", r"[^\w]", r"(\w|\W)*"] {
            let pattern = part.repeat(MAX_LEN_UNCOMPILED / part.len());
            assert!(Regex::new(&pattern).is_ok(), "{part}");
        }
    }

    #[test]
    fn sizes_that_repetitions_multiply_are_refused() {
        for pattern in [r"\w{1000}", r"((a{100}){100}){100}", r"(\pL{1,99}|b){1,99}"] {
            let error = capture_groups(pattern).unwrap_err().to_string();
            assert!(error.contains("exceeds size limit"), "{error}");
        }
    }

    #[test]
    fn errors_are_those_of_a_compiled_pattern() {
        for pattern in ["(", "a{2,1}", r"\q", "[z-a]", "(?<n>a)(?<n>b)", r"\p{nothing}"] {
            let compiled = Regex::new(pattern).unwrap_err().to_string();
            assert_eq!(capture_groups(pattern).unwrap_err().0, last_line(&compiled));
        }
    }
}
