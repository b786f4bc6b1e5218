//! Wrapping and truncating lines.

use textwrap::{Options, WordSeparator, WordSplitter};

/// Wraps the text at `width` columns between words; longer words are not broken.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    text.lines().flat_map(|line| textwrap::wrap(line, &options)).map(String::from).collect()
}

/// Truncates the text to `width` columns.
pub(super) fn truncate(text: &str, width: usize) -> String {
    if textwrap::core::display_width(text) <= width {
        return text.to_owned();
    }
    let mut truncated = String::new();
    for letter in text.chars() {
        let longer = format!("{truncated}{letter}");
        if textwrap::core::display_width(&longer) + 1 > width {
            break;
        }
        truncated = longer;
    }
    if width > 0 {
        truncated.push('…');
    }
    truncated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_between_words() {
        assert_eq!(wrap("a bb ccc dddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrap("overlong a\nb", 4), ["overlong", "a", "b"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
    }

    #[test]
    fn truncates_with_an_ellipsis() {
        let truncated = [truncate("äöü", 3), truncate("äöüß", 3), truncate("a", 0)];
        assert_eq!(truncated, ["äöü", "äö…", ""]);
    }
}
