//! Values and texts as people read them.

use serde_json::Value;
use similar::TextDiff;

/// The most characters of a value within a message.
const SHORT: usize = 160;

/// The most characters of a value that stands alone.
const LONG: usize = 4000;

/// A value as compact JSON; text of several lines as it stands.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(found) if found.contains('\n') => text(found),
        other => cut(&other.to_string(), LONG),
    }
}

/// Text as it stands, or the word for its absence.
pub(super) fn text(text: &str) -> String {
    if text.trim().is_empty() { "empty".to_owned() } else { cut(text.trim_end(), LONG) }
}

/// One line of at most a line's length.
pub(super) fn short(text: &str) -> String {
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ⏎ ");
    cut(&line, SHORT)
}

/// `201`, or `201 or 200`.
pub(super) fn any_of<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(" or ")
}

/// How texts of several lines differ; none of single lines, which are seen at a glance.
pub(super) fn difference(wanted: &str, found: &str) -> Option<String> {
    if !wanted.contains('\n') && !found.contains('\n') {
        return None;
    }
    Some(diff(wanted, found))
}

/// A unified diff.
pub(super) fn diff(wanted: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(wanted, found);
    let text = diff
        .unified_diff()
        .context_radius(3)
        .header("expected", "actual")
        .missing_newline_hint(false)
        .to_string();
    cut(text.trim_end(), LONG)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => {
            let kept = text.get(..end).unwrap_or(text);
            format!("{kept}… ({} characters in all)", text.chars().count())
        }
    }
}
