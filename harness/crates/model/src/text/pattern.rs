//! Whether a text is a regular expression. Compiling one takes much longer than parsing it, and a run uses few of those in
//! its library.

use regex_syntax::hir::{Hir, HirKind};

/// A pattern of at most this many bytes, and with at most as many parts when its counted repetitions are written out, stays
/// below the size limit of `regex`, even if it consists of the costliest classes, such as `\w`.
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
    if pattern.len().max(written_out(&parsed)) > MAX_LEN_UNCOMPILED {
        regex::Regex::new(pattern).map_err(|error| InvalidPattern(last_line(&error.to_string())))?;
    }
    Ok(parsed.properties().explicit_captures_len())
}

/// How many parts the pattern has if each counted repetition is written out: bytes of literals, two for a class as for `\w`.
/// Only repetitions make a compiled pattern larger than in proportion to its length.
fn written_out(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(_) => 2,
        HirKind::Capture(capture) => written_out(&capture.sub).saturating_add(1),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            written_out(&repetition.sub).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(0, |sum, part| sum.saturating_add(written_out(part)))
        }
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
        // Those with repetitions take long to compile.
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn what_is_accepted_compiles_with_as_many_groups(
            pattern in r"([a-z0-9.*+?|(){},\\wdWDsSpLu\[\]^$-]|\\w|\\pL|\(\?i\)|\{2\}|\{1,9\}|\{12,\}){0,32}",
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
        let repeated = format!(r"\W{{{}}}", MAX_LEN_UNCOMPILED / 2);
        assert!(Regex::new(&repeated).is_ok(), "{repeated}");
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
