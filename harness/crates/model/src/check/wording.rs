//! Formats values, texts and differences for messages.

use std::borrow::Cow;

use serde_json::Value;
use similar::TextDiff;

use crate::text::truncated;

/// The maximum number of characters of a value within a message.
const MAX_INLINE_LEN: usize = 160;

/// The maximum number of characters of a value on its own.
const MAX_BLOCK_LEN: usize = 4000;

/// Formats a value as compact JSON, or multi-line text unchanged.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(found) if found.contains('\n') => text(found),
        other => cut(&other.to_string(), MAX_BLOCK_LEN),
    }
}

/// Returns text unchanged, or `empty`.
pub(super) fn text(text: &str) -> String {
    if text.trim().is_empty() { "empty".to_owned() } else { cut(text.trim_end(), MAX_BLOCK_LEN) }
}

/// Joins lines into one and truncates it.
pub(super) fn inline(text: &str) -> String {
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ⏎ ");
    cut(&line, MAX_INLINE_LEN)
}

/// Formats alternatives as `201 or 200`.
pub(super) fn any_of<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(" or ")
}

/// Returns a diff of multi-line texts, or `None` for single lines, which are compared at a glance.
pub(super) fn difference(expected: &str, found: &str) -> Option<String> {
    if !expected.contains('\n') && !found.contains('\n') {
        return None;
    }
    Some(diff(expected, found))
}

pub(super) fn diff(expected: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header("expected", "actual")
        .missing_newline_hint(false)
        .to_string();
    cut(text.trim_end(), MAX_BLOCK_LEN)
}

fn cut(text: &str, max_len: usize) -> String {
    match truncated(text, max_len) {
        Cow::Borrowed(whole) => whole.to_owned(),
        Cow::Owned(kept) => format!("{kept} ({} characters)", text.chars().count()),
    }
}
