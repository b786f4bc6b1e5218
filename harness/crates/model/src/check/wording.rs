//! Formats values, texts and differences for messages. They are whole: who says them redacts and cuts them.

use serde_json::Value;

use super::difference::unified;
use crate::number;

/// Formats a value as compact JSON, or multi-line text unchanged.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(found) if found.contains('\n') => text(found),
        other => number::json_text(other),
    }
}

/// Returns text unchanged, or `empty`.
pub(super) fn text(text: &str) -> String {
    if text.trim().is_empty() { "empty".to_owned() } else { text.trim_end().to_owned() }
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
    Some(unified(expected, found))
}
