//! Compiled regular expressions. A matcher judges every line of a text, and compiling takes longer than searching.

use std::cell::RefCell;

use regex::{Regex, RegexBuilder};

/// Patterns kept: more than one check uses.
const MAX_KEPT: usize = 32;

thread_local! {
    static KEPT: RefCell<Vec<(String, Regex)>> = const { RefCell::new(Vec::new()) };
}

/// Compiles a pattern, or returns what it was compiled to lately. Lines may end as on Windows: no document says how.
///
/// # Errors
/// The pattern is no regular expression.
pub(super) fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    let known = KEPT
        .with_borrow(|kept| kept.iter().find(|(known, _)| known == pattern).map(|(_, regex)| regex.clone()));
    if let Some(regex) = known {
        return Ok(regex);
    }
    let regex = RegexBuilder::new(pattern).crlf(true).build()?;
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= MAX_KEPT {
            kept.remove(0);
        }
        kept.push((pattern.to_owned(), regex.clone()));
    });
    Ok(regex)
}
