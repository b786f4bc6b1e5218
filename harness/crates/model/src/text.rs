//! Formatting of counts and long texts, shared by messages and reports.

pub mod foreign;
pub mod pattern;
pub mod plain;

use std::borrow::Cow;

/// Formats a count with its noun: `1 check`, `2 checks`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {}", plural(count, noun, &format!("{noun}s")))
}

/// Returns `one` for a count of 1, and `several` otherwise.
pub fn plural<'a>(count: usize, one: &'a str, several: &'a str) -> &'a str {
    if count == 1 { one } else { several }
}

/// Truncates a text to at most `max_len` characters, with `…` as the last one.
pub fn truncated(text: &str, max_len: usize) -> Cow<'_, str> {
    if text.char_indices().nth(max_len).is_none() {
        return Cow::Borrowed(text);
    }
    let mut kept: String = text.chars().take(max_len.saturating_sub(1)).collect();
    if max_len > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree_with_their_count() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "key")), ["0 keys", "1 key", "2 keys"]);
        assert_eq!((plural(1, "is", "are"), plural(2, "is", "are")), ("is", "are"));
    }

    #[test]
    fn only_long_texts_are_truncated() {
        for (text, max_len, expected) in
            [("abc", 3, "abc"), ("äbcd", 3, "äb…"), ("abc", 1, "…"), ("abc", 0, ""), ("", 0, "")]
        {
            assert_eq!(truncated(text, max_len), expected, "{text} {max_len}");
        }
    }
}
